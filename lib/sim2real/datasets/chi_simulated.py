"""Chi computed by UNIFAC 2.0 or COSMO-SAC for as many pairs of polymer and solvent as are asked for: simulators beside COSMO-RS."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np
import pandas as pd

from sim2real.chemistry.simulators.mixing import HIGH_KELVIN, LOW_KELVIN, Find, NotSimulated
from sim2real.chemistry.structures import PAIR_SEPARATOR
from sim2real.datasets.drawn_pairs import draw_molecules, draw_pairs, pick, report_drawn
from sim2real.datasets.embedded import load_virtual_polymers, sample_balanced
from sim2real.datasets.pairs import COLUMNS, UNCLASSIFIED, count_distinct, load_chi_measured
from sim2real.datasets.simulated_pairs import COSMO_SAC, METHODS, finder, profiled, simulate_chi
from sim2real.datasets.task import Task, get_property

DRAWN_KELVIN = tuple(278.15 + 20.0 * k for k in range(7))  # K; most measured values lie between
POLYMERS, SOLVENTS = 1000, 1000  # structures beyond the measured ones among which pairs are drawn
LARGEST = 10  # heavy atoms of a drawn solvent
CANDIDATES = 3  # virtual polymers looked at for each that is wanted: UNIFAC has groups for fewer than half of them


def load_chi_simulated(
    n_max: int,
    *,
    method: str = "unifac 2.0",
    seed: int = 0,
    measured: Task | None = None,
    polymers: int = POLYMERS,
    solvents: int = SOLVENTS,
) -> Task:
    """Chi by a method of :data:`METHODS`, one row for each pair and temperature, with columns, keys and classes of ``measured``.

    The measured pairs at their own temperatures come first, where the method has a value, then ``n_max`` random rows of other
    pairs, of which a smaller ``n_max`` is the beginning; with equal chance the polymer is measured or virtual, the solvent a
    measured or another one: by UNIFAC one of ``polymers`` and one of ``solvents`` of DDBST's, by COSMO-SAC any that has a sigma
    profile in the repository. Temperatures are of :data:`DRAWN_KELVIN`.
    """
    prop = get_property("chi")
    measured = load_chi_measured() if measured is None else measured
    own = measured.table.assign(value=simulated_target(measured, method))
    known = own["value"].between(prop.low, prop.high)
    own = own[known].drop_duplicates(["key", "temperature"])
    first = measured.table.drop_duplicates("polymer_key").set_index("polymer_key")
    units = _found(zip(first.index, first["polymer"]), finder(method, 2))
    molecules = _found(((key, key) for key in measured.table["solvent_key"].unique()), finder(method, 0))
    if method == COSMO_SAC:
        virtual, listed = [(key, key) for key in profiled(2)], [(key, key) for key in profiled(0)]
    else:
        virtual = _virtual(polymers, seed, finder(method, 2))
        listed = [(key, key) for key in draw_molecules(solvents, seed, LARGEST)]

    def propose(rng: np.random.Generator, size: int) -> pd.DataFrame:
        polymer, solvent = (pick(lists, rng, size) for lists in ((units, virtual), (molecules, listed)))
        frame = pd.DataFrame(polymer, columns=["polymer_key", "polymer"])
        frame[["solvent_key", "solvent"]] = pd.DataFrame(solvent)
        frame["temperature"] = rng.choice(DRAWN_KELVIN, size=size)
        frame["key"] = frame["polymer_key"] + PAIR_SEPARATOR + frame["solvent_key"]
        return frame.assign(structure=frame["polymer"] + PAIR_SEPARATOR + frame["solvent"])

    taken = frozenset(measured.keys)
    drawn = draw_pairs(
        n_max, seed, propose, partial(_simulate, method=method), property=prop, distinct=("temperature",), avoid=taken
    )
    group = drawn.table["polymer_key"].map(first["group"]).fillna(UNCLASSIFIED)
    table = pd.concat([own, drawn.table.assign(group=group)], ignore_index=True)
    table = table.assign(pair=table["key"], count=1, low=table["value"], high=table["value"], spread=0.0)[list(COLUMNS)]
    counts = {"measured pairs at their temperatures": len(own), "of the measured rows not simulated": int((~known).sum())}
    report = counts | report_drawn(drawn) | {"rows": len(table)} | count_distinct(table)
    name = f"{METHODS[method].name} chi"
    return Task(name, prop, table, METHODS[method].licence, METHODS[method].citation, report, drawn.dropped)


def simulated_target(task: Task, method: str = "unifac 2.0") -> np.ndarray:
    """A method's chi of every row of a task of pairs (rows,), NaN where it has none and at temperatures that it refuses."""
    values = np.full(len(task), np.nan)
    rows = np.flatnonzero(task.table["temperature"].between(LOW_KELVIN, HIGH_KELVIN))
    values[rows] = _simulate(task.table.iloc[rows], method)["value"]
    return values


def _simulate(frame: pd.DataFrame, method: str) -> pd.DataFrame:
    return simulate_chi(list(frame["polymer"]), list(frame["solvent"]), list(frame["temperature"]), method=method)


def _virtual(count: int, seed: int, find: Find) -> list[tuple[str, str]]:
    library = load_virtual_polymers()
    sample = sample_balanced(library, min(CANDIDATES * count, len(library)), seed)["smiles"]
    virtual = _found(zip(sample, sample), find, count)
    if len(virtual) < count:
        raise ValueError(f"only {len(virtual)} of {len(sample)} virtual polymers have UNIFAC groups; ask for fewer than {count}")
    return virtual


def _found(structures: Iterable[tuple[str, str]], find: Find, limit: int | None = None) -> list[tuple[str, str]]:
    """The first ``limit`` of the structures (key, SMILES), or all, that a method knows."""
    found = []
    for key, smiles in structures:
        if len(found) == limit:
            break
        try:
            find(smiles)
        except NotSimulated:
            continue
        found.append((key, smiles))
    return found
