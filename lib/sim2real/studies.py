"""The case studies: which source and which target, with descriptors, and the hyperparameters chosen for them.

The embedded edition needs no network and no file from elsewhere. Its sources are quick physics simulators
(:mod:`sim2real.simulators.polymer`), stand-ins for molecular dynamics and named so in every figure; its targets are
measured values that the repository embeds.
"""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import replace

import numpy as np
import pandas as pd
from joblib import Memory

from sim2real.datasets.facts import load_liquid_facts, load_molecules, load_polymer_facts
from sim2real.datasets.task import Task, get_property
from sim2real.datasets.virtual import load_virtual_polymers, sample_balanced
from sim2real.descriptors import ForceFieldDescriptor, MolecularDescriptor
from sim2real.experiment import Study
from sim2real.hyperparameters import load_hyperparameters
from sim2real.paths import CACHE
from sim2real.simulators import cohesion, constants, graph, polymer

# fixed: which virtual polymers belong to the source is part of the study, not of a run's randomness
SOURCE_SEED = 0
DESCRIPTORS = {"forcefield": ForceFieldDescriptor, "molecular": MolecularDescriptor}
_memory = Memory(CACHE / "simulated", verbose=0)


def load_study(kind: str, property: str, *, n_max: int, descriptor: str, workers: int = 1, tuned: bool = True) -> Study:
    """One study of the embedded edition, with descriptors and hyperparameters.

    Args:
        kind: ``polymers`` (quick simulations of virtual polymers -> measured polymers) or ``liquids`` (the same simulators
            on molecules -> measured organic liquids, none of which is among the simulated molecules).
        property: one of :data:`sim2real.datasets.task.PROPERTIES`.
        n_max: size of the source; polymers are drawn with their classes as equal in number as the library allows.
        descriptor: ``forcefield`` (the paper's 190 numbers) or ``molecular`` (RDKit's); materials that it cannot describe
            are dropped and counted in the report.
        workers: processes for simulators and descriptors.
        tuned: whether to load the chosen hyperparameters; without, ``settings`` is None.

    Raises:
        ValueError: unknown kind or property, ``n_max`` exceeds what there is to simulate, nothing was tuned.
    """
    if kind not in STUDIES:
        raise ValueError(f"unknown study {kind!r}; expected one of {', '.join(STUDIES)}")
    what, pool, load_target = STUDIES[kind]
    target = load_target(property)
    if descriptor not in DESCRIPTORS:
        raise ValueError(f"unknown descriptor {descriptor!r}; expected one of {', '.join(DESCRIPTORS)}")
    settings = load_hyperparameters(f"{kind}-{property}-{descriptor}") if tuned else None
    structures = pool(n_max)
    simulated = _simulate(list(structures["structure"]), workers)[property].to_numpy()
    source = Task(
        name=f"quick physics simulators (stand-in for MD), {what}",
        property=get_property(property),
        table=structures.assign(value=simulated)[np.isfinite(simulated)].reset_index(drop=True),
        licence="computed here",
        citation="lib/sim2real/simulators",
        report={"structures": len(structures), "failed simulations": int((~np.isfinite(simulated)).sum())},
    )
    simulated_target = _simulate(list(target.table["structure"]), workers)[property].to_numpy()
    known = np.isfinite(simulated_target)
    # the baseline "simulator" needs a value for every tested material, and all arms are tested on the same materials
    target = _drop(target, known, "not simulated")
    both = [*source.table["structure"], *target.table["structure"]]
    X, failed = DESCRIPTORS[descriptor](n_jobs=workers, cache_dir=CACHE / "descriptors").describe(both)
    described = np.ones(len(both), dtype=bool)
    described[failed.index] = False
    in_source, in_target = described[: len(source)], described[len(source) :]
    source, target = (_drop(task, rows, "no descriptor") for task, rows in ((source, in_source), (target, in_target)))
    return Study(
        name=f"{kind}-{property}-{descriptor}",
        source=replace(source, X=X[: len(source)]),
        target=replace(target, X=X[len(source) :]),
        settings=settings,
        simulated_target=simulated_target[known][in_target],
    )


def _drop(task: Task, keep: np.ndarray, why: str) -> Task:
    """The task without some rows, their number told in its report."""
    return replace(task, report=task.report | {f"dropped, {why}": int((~keep).sum())}).select(keep)


def _virtual_polymers(n_max: int) -> pd.DataFrame:
    library = load_virtual_polymers()
    if n_max > len(library):
        raise ValueError(f"N_MAX = {n_max} exceeds the {len(library)} virtual polymers of the library; lower N_MAX")
    drawn = sample_balanced(library, n_max, SOURCE_SEED)
    return pd.DataFrame({"key": drawn["smiles"], "structure": drawn["smiles"], "group": drawn["polymer_class"]})


def _molecules(n_max: int) -> pd.DataFrame:
    molecules = load_molecules()
    if n_max > len(molecules):
        raise ValueError(f"N_MAX = {n_max} exceeds the {len(molecules)} molecules of the list; lower N_MAX")
    return molecules.head(n_max)


# kind -> (what is simulated, n_max -> structures, property -> target)
STUDIES = {
    "polymers": ("virtual polymers", _virtual_polymers, load_polymer_facts),
    "liquids": ("other molecules", _molecules, load_liquid_facts),
}


def _simulate(structures: list[str], workers: int) -> pd.DataFrame:
    return _simulate_stored(structures, _simulator_version(), workers)


@_memory.cache(ignore=["workers"])
def _simulate_stored(structures: list[str], version: str, workers: int) -> pd.DataFrame:
    return polymer.simulate_polymers(structures, workers=workers)


def _simulator_version() -> str:
    """A hash of the simulators' code and tables: values simulated by other code are simulated again."""
    source = "".join(inspect.getsource(module) for module in (polymer, graph, cohesion, constants))
    return hashlib.sha256(source.encode()).hexdigest()[:16]
