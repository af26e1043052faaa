"""Pairs of structures whose property a simulator gives: small molecules to draw from, and drawing pairs that do not repeat."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import chemicals
import numpy as np
import pandas as pd

from sim2real.chemistry.simulators.unifac_groups import listed_groups
from sim2real.chemistry.structures import StructureError, structure_key
from sim2real.datasets.rows import Rows
from sim2real.datasets.task import DROPPED_COLUMNS, Property, dropped_rows

BATCH = 4096  # proposals drawn and simulated at a time
BARREN = 50  # batches in a row without a new pair after which there is nothing left to draw
DRAWN = "drawn pairs"  # what stands for the file where a drawn pair is listed as dropped
# columns of the package's identifier tables
_CAS, _FORMULA, _SMILES, _INCHIKEY = 1, 2, 4, 6
_TABLES = ("chemical identifiers pubchem small.tsv", "chemical identifiers pubchem large.tsv")
_ELEMENT = re.compile(r"([A-Z][a-z]?)(\d*)")
_ELEMENTS = {"H", "C", "N", "O", "F", "Si", "S", "Cl", "Br", "I"}


def draw_pairs(
    n: int,
    seed: int,
    propose: Callable[[np.random.Generator, int], pd.DataFrame],
    simulate: Callable[[pd.DataFrame], pd.DataFrame],
    *,
    property: Property,
    distinct: tuple[str, ...],
    avoid: frozenset[str] = frozenset(),
) -> Rows:
    """The first ``n`` proposals that can be simulated, of which a smaller draw is the beginning, and the others up to there.

    ``propose`` makes rows with ``key`` and ``structure`` of a batch's generator, ``simulate`` their ``value`` and ``reason``;
    ``distinct`` columns and ``key`` do not repeat, keys in ``avoid`` are not drawn. A ValueError where there are fewer.
    """
    tables, dropped = [], [pd.DataFrame(columns=list(DROPPED_COLUMNS))]
    seen: set[tuple] = set()
    have = proposed = barren = batch = 0
    while have < n:
        frame = propose(np.random.default_rng([seed, batch]), BATCH)
        new = []
        for row, identity in enumerate(zip(frame["key"], *(frame[c] for c in distinct))):
            if identity not in seen and identity[0] not in avoid:
                seen.add(identity)
                new.append(row)
        batch += 1
        barren = 0 if new else barren + 1
        if barren == BARREN:
            raise ValueError(f"only {have} pairs can be drawn; lower n_max from {n}, or draw from more structures")
        if not new:
            continue
        frame = frame.iloc[new].set_axis(range(proposed, proposed + len(new)))
        simulated = simulate(frame).set_axis(frame.index)
        fits = simulated["value"].between(property.low, property.high)
        outside = f"simulated value outside of {property.low:g} to {property.high:g}"
        reasons = simulated["reason"].where(simulated["reason"] != "", outside).where(~fits, "")
        usable = frame[fits].assign(value=simulated.loc[fits, "value"])
        if have + len(usable) > n:
            # later proposals of the batch are not needed: as if they had never been made
            last = usable.index[n - have - 1]
            usable, reasons = usable.loc[:last], reasons.loc[:last]
        proposed += len(reasons)
        have += len(usable)
        tables.append(usable)
        bad = reasons[reasons != ""]
        dropped.append(dropped_rows(DRAWN, frame.loc[bad.index], "structure", bad, first_line=1))
    table = pd.concat(tables, ignore_index=True) if tables else propose(np.random.default_rng(seed), 0).assign(value=0.0)
    return Rows(table, pd.concat([part for part in dropped if len(part)] or dropped, ignore_index=True))


def report_drawn(drawn: Rows) -> dict[str, int]:
    """Counts for a task: pairs proposed, dropped by reason, drawn."""
    return {"distinct pairs proposed": drawn.read, **drawn.reasons, "pairs drawn": len(drawn.table)}


def listed_molecules(largest: int) -> pd.DataFrame:
    """``cas`` and ``smiles`` of molecules with DDBST's UNIFAC groups, in the order of ``chemicals``, one a connectivity: up to
    ``largest`` heavy atoms with carbon, of H C N O F Si S Cl Br I alone.
    """
    found: dict[str, tuple[str, str]] = {}
    for name in _TABLES:
        with open(Path(chemicals.__file__).parent / "Identifiers" / name, encoding="utf-8") as lines:
            for line in lines:
                cells = line.split("\t", _INCHIKEY + 1)
                key = cells[_INCHIKEY][:14]
                if key in found or not listed_groups(key):
                    continue
                atoms = {element: int(count or 1) for element, count in _ELEMENT.findall(cells[_FORMULA])}
                heavy = sum(n for element, n in atoms.items() if element != "H")
                if "C" in atoms and atoms.keys() <= _ELEMENTS and heavy <= largest:
                    found[key] = (cells[_CAS], cells[_SMILES])
    return pd.DataFrame(list(found.values()), columns=["cas", "smiles"])


def draw_molecules(n: int, seed: int, largest: int) -> np.ndarray:
    """Structure keys of ``n`` of :func:`listed_molecules` at random (n,); those of fewer are the first of more."""
    listed = listed_molecules(largest)
    keys: dict[str, None] = {}
    for row in np.random.default_rng(seed).permutation(len(listed)):
        if len(keys) == n:
            break
        try:
            keys.setdefault(structure_key(listed["smiles"].iloc[row]))
        except StructureError:
            continue  # salts, radicals and labelled molecules
    if len(keys) < n:
        raise ValueError(f"only {len(keys)} molecules of up to {largest} heavy atoms have UNIFAC groups; ask for fewer than {n}")
    return np.array(list(keys), dtype=object)


def pick(lists: Sequence[Sequence], rng: np.random.Generator, size: int) -> list:
    """``size`` times one of the lists with equal chance, and of it one member with equal chance."""
    which = rng.integers(len(lists), size=size)
    return [lists[k][int(u * len(lists[k]))] for k, u in zip(which, rng.random(size))]
