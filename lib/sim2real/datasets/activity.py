"""Activity coefficients of small molecules, the embedded twin of the chi study: NRTL of ChemSep, COSMO-SAC, and original UNIFAC.

NRTL and UNIFAC are parameters of ``thermo``, both fitted to measured vapour-liquid equilibria, hence not independent. COSMO-SAC has
a few universal constants, and one factor that was chosen on half of this target (``cosmo_sac.SIGMA_FACTOR``).
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd
from chemicals import search_chemical
from rdkit import Chem
from thermo.interaction_parameters import IPDB

from sim2real.chemistry.simulators.unifac_groups import groups_of
from sim2real.chemistry.structures import PAIR_SEPARATOR, structure_key
from sim2real.datasets import pairs
from sim2real.datasets.drawn_pairs import draw_molecules, draw_pairs, pick, report_drawn
from sim2real.datasets.rows import Cells, Fault, sort_rows
from sim2real.datasets.simulated_pairs import COSMO_SAC, METHODS, profiled, simulate_ln_gamma
from sim2real.datasets.task import Task, get_property, merge, shipped

TABLE = "ChemSep NRTL"  # thermo's name of the parameter table
KELVIN = 298.15
COLUMNS = pairs.COLUMNS[:10]  # without the spread of repeated values
LARGEST = 12  # heavy atoms of a drawn molecule; NRTL's own have up to 20, nine tenths of them up to 8
MOLECULES = 3000  # among which pairs are drawn: more pairs than anyone asks for, and few enough to be described in a minute


def load_activity_nrtl() -> Task:
    r"""ln gamma at infinite dilution and 298.15 K from NRTL fitted to measured equilibria: a row a solute and solvent.

    :math:`\ln\gamma_1 = \tau_{21} + \tau_{12} \exp(-\alpha\tau_{12})`, :math:`\tau_{ij} = b_{ij}/T` (Renon and Prausnitz, AIChE J.
    14 (1968) 135). Extrapolated, a value may be absurd; outside of the property's range it is dropped. ``table`` has
    :data:`COLUMNS`: ``polymer`` is the solute, ``structure`` ``solute|solvent``, ``key`` the mixture in either direction, ``group``
    the solute's class.
    """
    prop = get_property("ln_activity_coefficient")
    parameters = IPDB.tables[TABLE]
    rows = pd.DataFrame({"pair of CAS": list(parameters)}, index=range(1, len(parameters) + 1))
    first, second = (part for _, part in rows["pair of CAS"].str.split(" ", expand=True).items())
    rows["polymer"], rows["solvent"] = first.map(_structure), second.map(_structure)
    forwards = np.array([p["bij"] for p in parameters.values()]) / KELVIN
    backwards = np.array([parameters[f"{b} {a}"]["bij"] for a, b in zip(first, second)]) / KELVIN
    alpha = np.array([p["alphaij"] for p in parameters.values()])
    with np.errstate(over="ignore"):  # a wild parameter gives infinity, which is out of range
        rows["value"] = backwards + forwards * np.exp(-alpha * forwards)

    def read_row(cells: Cells) -> dict[str, Any]:
        if pd.isna(cells["polymer"]) or pd.isna(cells["solvent"]):
            raise Fault("pair of CAS", "a molecule without UNIFAC groups or without a structure")
        if not prop.low <= cells["value"] <= prop.high:
            raise Fault("value", f"outside of {prop.low:g} to {prop.high:g}")
        return {name: cells[name] for name in ("polymer", "solvent", "value")}

    read = sort_rows(f"thermo, {TABLE}", rows, read_row)
    table = _finish(merge(_with_keys(read.table), ("key", "polymer_key")))
    report = read.report(len(table), "solute and solvent", "rows")
    report |= {"mixtures": table["key"].nunique(), "molecules": len(_molecules(table))}
    licence = "parameters of ChemSep as shipped in thermo (MIT)"
    citation = "ChemSep (chemsep.org), table 'ChemSep NRTL' of the package thermo 0.6.1"
    return Task("NRTL fitted to measured equilibria", prop, table, licence, citation, report, read.dropped)


def load_activity_simulated(n_max: int, *, method: str = COSMO_SAC, seed: int = 0, molecules: int = MOLECULES) -> Task:
    """ln gamma at infinite dilution and 298.15 K by a method of :data:`METHODS`, with the columns of :func:`load_activity_nrtl`.

    The target's own rows come first, where the method has a value, then ``n_max`` random pairs of other mixtures, of which a
    smaller ``n_max`` is the beginning; a partner is with equal chance one of the target's or another: by UNIFAC one of
    ``molecules`` of thermo's table, by COSMO-SAC any that has a sigma profile in the repository.
    """
    prop = get_property("ln_activity_coefficient")
    target = load_activity_nrtl()
    own = target.table.assign(value=simulated_target(target, method))
    known = own["value"].between(prop.low, prop.high)
    listed = profiled(0) if method == COSMO_SAC else draw_molecules(molecules, seed, LARGEST)
    pools = sorted(_molecules(own)), listed

    def propose(rng: np.random.Generator, size: int) -> pd.DataFrame:
        frame = pd.DataFrame({"polymer": pick(pools, rng, size), "solvent": pick(pools, rng, size)})
        return _with_keys(frame[frame["polymer"] != frame["solvent"]])

    simulate, avoid = partial(_simulate, method=method), frozenset(target.keys)
    drawn = draw_pairs(n_max, seed, propose, simulate, property=prop, distinct=("polymer_key",), avoid=avoid)
    table = pd.concat([own[known], _finish(drawn.table)], ignore_index=True)
    report = {"the target's own pairs": int(known.sum()), "of the target's pairs not simulated": int((~known).sum())}
    report |= report_drawn(drawn) | {"rows": len(table), "molecules": len(_molecules(drawn.table) | _molecules(own))}
    return Task(METHODS[method].name, prop, table, METHODS[method].licence, METHODS[method].citation, report, drawn.dropped)


def simulated_target(task: Task, method: str = COSMO_SAC) -> np.ndarray:
    """A method's value of every row of :func:`load_activity_nrtl`'s task (rows,), NaN where it has none."""
    return _simulate(task.table, method)["value"].to_numpy()


def _simulate(frame: pd.DataFrame, method: str) -> pd.DataFrame:
    return simulate_ln_gamma(list(frame["polymer"]), list(frame["solvent"]), np.full(len(frame), KELVIN), method=method)


@lru_cache(maxsize=100_000)
def solute_class(smiles: str) -> str:
    """The chemical class of a molecule: the first of ``solute_classes.csv`` of which it holds a pattern; most others are water."""
    mol = Chem.MolFromSmiles(smiles)
    found = (name for name, patterns in _CLASSES.items() if any(map(mol.HasSubstructMatch, patterns)))
    return next(found, "other compounds")


_CLASSES = {row["name"]: [Chem.MolFromSmarts(p) for p in row["patterns"].split()] for row in shipped("solute_classes.csv")}


def _molecules(table: pd.DataFrame) -> set[str]:
    return set(table["polymer"]) | set(table["solvent"])


@lru_cache(maxsize=1000)
def _structure(cas: str) -> str | None:
    """Stereo-free SMILES of a CAS number, or None where there is none or UNIFAC has no groups for it."""
    try:
        smiles = search_chemical(cas).smiles
        groups_of(smiles, 0)
    except ValueError:
        return None
    return structure_key(smiles)


def _with_keys(frame: pd.DataFrame) -> pd.DataFrame:
    """Keys of solute, solvent and mixture: the stereo-free SMILES of a molecule is its key."""
    solute, solvent = frame["polymer"], frame["solvent"]
    key = [PAIR_SEPARATOR.join(sorted(two)) for two in zip(solute, solvent)]
    return frame.assign(key=key, structure=solute + PAIR_SEPARATOR + solvent, polymer_key=solute, solvent_key=solvent)


def _finish(table: pd.DataFrame) -> pd.DataFrame:
    table = table.assign(temperature=KELVIN, group=[solute_class(s) for s in table["polymer"]], pair=table["key"])
    return table[list(COLUMNS)].reset_index(drop=True)
