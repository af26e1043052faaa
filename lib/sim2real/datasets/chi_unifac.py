"""Chi computed by UNIFAC 2.0 for as many pairs of polymer and solvent as are asked for: the second simulator beside COSMO-RS."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from sim2real.chemistry.simulators.unifac import HIGH_KELVIN, LOW_KELVIN, simulate_chi
from sim2real.chemistry.simulators.unifac_groups import NoGroups, molecule_groups, unit_groups
from sim2real.chemistry.structures import PAIR_SEPARATOR
from sim2real.datasets.drawn_pairs import draw_molecules, draw_pairs, pick, report_drawn
from sim2real.datasets.embedded import load_virtual_polymers, sample_balanced
from sim2real.datasets.pairs import COLUMNS, UNCLASSIFIED, count_distinct, load_chi_measured
from sim2real.datasets.task import Task, get_property

DRAWN_KELVIN = tuple(278.15 + 20.0 * k for k in range(7))  # K; most measured values lie between
POLYMERS, SOLVENTS = 1000, 1000  # structures beyond the measured ones among which pairs are drawn
LARGEST = 10  # heavy atoms of a drawn solvent
CANDIDATES = 3  # virtual polymers looked at for each that is wanted: UNIFAC has groups for fewer than half of them


def load_chi_unifac(
    n_max: int, *, seed: int = 0, measured: Task | None = None, polymers: int = POLYMERS, solvents: int = SOLVENTS
) -> Task:
    """Chi by UNIFAC 2.0, one row for each pair and temperature, with columns, keys and classes of ``measured``.

    The measured pairs at their own temperatures come first, where UNIFAC has a value, then ``n_max`` random rows of other pairs, of
    which a smaller ``n_max`` is the beginning; with equal chance the polymer is a measured or one of ``polymers`` virtual ones, the
    solvent a measured or one of ``solvents`` of DDBST's. Temperatures are of :data:`DRAWN_KELVIN`.
    """
    prop = get_property("chi")
    measured = load_chi_measured() if measured is None else measured
    own = measured.table.assign(value=simulated_target(measured))
    known = own["value"].between(prop.low, prop.high)
    own = own[known].drop_duplicates(["key", "temperature"])
    first = measured.table.drop_duplicates("polymer_key").set_index("polymer_key")
    units = _with_groups(zip(first.index, first["polymer"]), unit_groups)
    molecules = _with_groups(((key, key) for key in measured.table["solvent_key"].unique()), molecule_groups)
    library = load_virtual_polymers()
    sample = sample_balanced(library, min(CANDIDATES * polymers, len(library)), seed)["smiles"]
    virtual = _with_groups(zip(sample, sample), unit_groups, polymers)
    if len(virtual) < polymers:
        raise ValueError(f"only {len(virtual)} of {len(sample)} virtual polymers have UNIFAC groups; ask for fewer than {polymers}")
    listed = [(key, key) for key in draw_molecules(solvents, seed, LARGEST)]

    def propose(rng: np.random.Generator, size: int) -> pd.DataFrame:
        polymer, solvent = (pick(lists, rng, size) for lists in ((units, virtual), (molecules, listed)))
        frame = pd.DataFrame(polymer, columns=["polymer_key", "polymer"])
        frame[["solvent_key", "solvent"]] = pd.DataFrame(solvent)
        frame["temperature"] = rng.choice(DRAWN_KELVIN, size=size)
        frame["key"] = frame["polymer_key"] + PAIR_SEPARATOR + frame["solvent_key"]
        return frame.assign(structure=frame["polymer"] + PAIR_SEPARATOR + frame["solvent"])

    taken = frozenset(measured.keys)
    drawn = draw_pairs(n_max, seed, propose, _simulate, property=prop, distinct=("temperature",), avoid=taken)
    group = drawn.table["polymer_key"].map(first["group"]).fillna(UNCLASSIFIED)
    table = pd.concat([own, drawn.table.assign(group=group)], ignore_index=True)
    table = table.assign(pair=table["key"], count=1, low=table["value"], high=table["value"], spread=0.0)[list(COLUMNS)]
    counts = {"measured pairs at their temperatures": len(own), "of the measured rows not simulated": int((~known).sum())}
    report = counts | report_drawn(drawn) | {"rows": len(table)} | count_distinct(table)
    licence = "computed here; parameters and group assignments of thermo (MIT)"
    citation = "UNIFAC 2.0: Hayer et al., Chem. Eng. J. 504 (2025) 158667, parameters of the package thermo 0.6.1"
    return Task("UNIFAC 2.0 chi", prop, table, licence, citation, report, drawn.dropped)


def simulated_target(task: Task) -> np.ndarray:
    """UNIFAC 2.0's chi of every row of a task of pairs (rows,), NaN without groups or at temperatures that it refuses."""
    values = np.full(len(task), np.nan)
    rows = np.flatnonzero(task.table["temperature"].between(LOW_KELVIN, HIGH_KELVIN))
    values[rows] = _simulate(task.table.iloc[rows])["value"]
    return values


def _simulate(frame: pd.DataFrame) -> pd.DataFrame:
    return simulate_chi(list(frame["polymer"]), list(frame["solvent"]), list(frame["temperature"]))


def _with_groups(
    structures: Iterable[tuple[str, str]], assign: Callable[[str], dict[int, int]], limit: int | None = None
) -> list[tuple[str, str]]:
    """The first ``limit`` of the structures (key, SMILES), or all, to which UNIFAC assigns groups."""
    found = []
    for key, smiles in structures:
        if len(found) == limit:
            break
        try:
            assign(smiles)
        except NoGroups:
            continue
        found.append((key, smiles))
    return found
