"""Materials of one property: simulated polymers to measured polymers, or molecules to measured organic liquids.

The embedded edition's sources are quick physics simulators, stand-ins for molecular dynamics and named so in every figure; the open
edition takes public databases.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from joblib import Memory
from numpy.typing import NDArray

from sim2real.chemistry.library.grow import CLASSES, grow_library
from sim2real.chemistry.simulators import cohesion, constants, graph, polymer
from sim2real.datasets.embedded import load_liquid_facts, load_molecules, load_polymer_facts, load_virtual_polymers, sample_balanced
from sim2real.datasets.paths import CACHE
from sim2real.datasets.polymers import known_units, load_md_polymers, load_measured_polymers
from sim2real.datasets.task import Task, get_property
from sim2real.studies.presets import Settings
from sim2real.studies.sides import SOURCE_SEED, Sides, limit_target, own_tables
from sim2real.training.keeping import code_of

_memory = Memory(CACHE / "simulated", verbose=0)


def embedded_polymers(settings: Settings, *, property: str, library: str, **_: str) -> Sides:
    """Quick simulations of virtual polymers, in classes as equal as the library allows, and measured polymers.

    ``library`` is ``rules`` (the committed 42,000) or ``ngram`` (the paper's way; made when first asked for, 20 ms a polymer).
    """
    n_max, workers = settings.n_max, settings.workers
    units = load_virtual_polymers() if library == "rules" else _grow(-(-n_max // len(CLASSES)), workers)
    if n_max > len(units):
        raise ValueError(f"N_MAX = {n_max} exceeds the {len(units)} virtual polymers of the library; lower N_MAX")
    drawn = sample_balanced(units, n_max, SOURCE_SEED)
    structures = pd.DataFrame({"key": drawn["smiles"], "structure": drawn["smiles"], "group": drawn["polymer_class"]})
    return _simulated(structures, "virtual polymers", load_polymer_facts, property, settings)


def embedded_liquids(settings: Settings, *, property: str, **_: str) -> Sides:
    """Quick simulations of molecules, and measured organic liquids, none of which is among them; as :func:`embedded_polymers`."""
    molecules, n_max = load_molecules(), settings.n_max
    if n_max > len(molecules):
        raise ValueError(f"N_MAX = {n_max} exceeds the {len(molecules)} molecules of the list; lower N_MAX")
    return _simulated(molecules.head(n_max), "other molecules", load_liquid_facts, property, settings)


def public_polymers(settings: Settings, *, property: str, database: str, **_: str) -> Sides:
    """Molecular dynamics of a public database (``radonpy`` or ``polyomics``), and measured polymers of several."""
    return own_tables(load_md_polymers(property, database), load_measured_polymers(property), settings)


def _simulated(structures: pd.DataFrame, what: str, load_target: Callable[[str], Task], property: str, settings: Settings) -> Sides:
    target = limit_target(load_target(property), settings.preset.target_max)
    values, own = (quick_values(table["structure"], property, settings.workers) for table in (structures, target.table))
    source = Task(
        name=f"quick physics simulators (stand-in for MD), {what}",
        property=get_property(property),
        table=structures.assign(value=values)[np.isfinite(values)].reset_index(drop=True),
        licence="computed here",
        citation="lib/sim2real/chemistry/simulators",
        report={"structures": len(structures), "failed simulations": int((~np.isfinite(values)).sum())},
    )
    known = np.isfinite(own)
    # the baseline "simulator" needs a value for every tested material, and all arms are tested on the same materials
    return Sides(source, target.without(dict.fromkeys(np.flatnonzero(~known).tolist(), ""), "not simulated"), own[known])


def quick_values(structures: Iterable[str], property: str, workers: int = 1) -> NDArray[np.float64]:
    """One property of structures by the quick simulators, (structures,) in its unit, NaN where they fail; kept once computed."""
    texts = list(structures)
    # as an argument a list would be hashed text by text
    key = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    return _simulate(key, texts, code_of(polymer, graph, cohesion, constants), workers)[property].to_numpy()


@_memory.cache(ignore=["workers"])
def _grow(per_class: int, workers: int) -> pd.DataFrame:
    return grow_library(known_units(), per_class, SOURCE_SEED, workers)[0]


@_memory.cache(ignore=["structures", "workers"])
def _simulate(key: str, structures: list[str], version: str, workers: int) -> pd.DataFrame:
    return polymer.simulate_polymers(structures, workers=workers)
