"""The case studies: which source and which target, with descriptors, and the hyperparameters chosen for them.

The embedded edition needs no network and no file from elsewhere. Its sources are quick physics simulators
(:mod:`sim2real.chemistry.simulators.polymer`), stand-ins for molecular dynamics and named so in every figure; its targets are
measured values that the repository embeds. The open edition takes public databases: molecular dynamics as source, measured
values put together from several tables as target.
"""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import replace

import numpy as np
import pandas as pd
from joblib import Memory

from sim2real.chemistry.descriptors import CompositionDescriptor, ForceFieldDescriptor, MolecularDescriptor
from sim2real.chemistry.library.grow import CLASSES, grow_library, known_units
from sim2real.chemistry.simulators import cohesion, constants, graph, polymer
from sim2real.datasets.embedded import load_liquid_facts, load_molecules, load_polymer_facts
from sim2real.datasets.paths import CACHE
from sim2real.datasets.polymers import load_md_polymers, load_measured_polymers
from sim2real.datasets.task import PROPERTIES, Task, get_property
from sim2real.datasets.virtual import load_virtual_polymers, sample_balanced
from sim2real.training.recipes import load_hyperparameters
from sim2real.training.seeding import numpy_generator
from sim2real.training.study import Study

# fixed: which materials belong to the source is part of the study, not of a run's randomness
SOURCE_SEED = 0
LIBRARIES = ("rules", "ngram")
DESCRIPTORS = {"forcefield": ForceFieldDescriptor, "molecular": MolecularDescriptor, "composition": CompositionDescriptor}
_memory = Memory(CACHE / "simulated", verbose=0)


def load_study(
    kind: str,
    property: str,
    *,
    n_max: int,
    descriptor: str,
    edition: str = "embedded",
    database: str = "radonpy",
    library: str = "rules",
    workers: int = 1,
    tuned: bool = True,
    target_max: int = 0,
) -> Study:
    """One study of the editions ``embedded`` and ``open``, with descriptors and hyperparameters.

    Args:
        kind: ``polymers`` (simulated polymers -> measured polymers) or, embedded only, ``liquids`` (quick simulations of
            molecules -> measured organic liquids, none of which is among the simulated molecules).
        property: one of :data:`sim2real.datasets.task.PROPERTIES`.
        n_max: size of the source; virtual polymers are drawn with their classes as equal in number as the library allows. A
            public database that holds fewer is taken as it is.
        descriptor: ``forcefield`` (the paper's 190 numbers) or ``molecular`` (RDKit's); materials that it cannot describe
            are dropped and counted in the report.
        edition: ``embedded`` or ``open``.
        database: of the open edition's simulations, ``radonpy`` or ``polyomics``; the latter uses the hyperparameters chosen
            with the former.
        library: of virtual polymers, embedded only: ``rules`` (the committed 42,000, made by polymerisation rules) or ``ngram``
            (the paper's way, :mod:`sim2real.chemistry.library.grow`; made when first asked for, about 20 ms a polymer).
        workers: processes for simulators and descriptors.
        tuned: whether to load the chosen hyperparameters; without, ``settings`` is None.
        target_max: as :func:`limit_target`.

    Raises:
        ValueError: unknown kind, edition or property, ``n_max`` exceeds what there is to simulate, nothing was tuned.
        DataError: a public file cannot be had.
    """
    kinds = {"embedded": tuple(STUDIES), "open": ("polymers",)}
    if edition not in kinds or kind not in kinds[edition]:
        known = "; ".join(f"{name}: {', '.join(of)}" for name, of in kinds.items())
        raise ValueError(f"unknown study {kind!r} of edition {edition!r}; expected one of {known}")
    for what, name, names in (("property", property, PROPERTIES), ("descriptor", descriptor, DESCRIPTORS)):
        if name not in names:
            raise ValueError(f"unknown {what} {name!r}; expected one of {', '.join(names)}")
    prefix = "" if edition == "embedded" else f"{edition}-"
    settings = load_hyperparameters(f"{prefix}{kind}-{property}-{descriptor}") if tuned else None
    if edition == "open":
        source, target = (
            limit_source(load_md_polymers(property, database), n_max),
            limit_target(load_measured_polymers(property), target_max),
        )
        simulated_target = None
    else:
        source, target, simulated_target = embedded_tasks(kind, property, n_max, workers, library, target_max)
    name = f"{prefix}{kind}-{property}"
    return describe(name, source, target, descriptor, settings=settings, simulated_target=simulated_target, workers=workers)


def describe(
    name: str,
    source: Task,
    target: Task,
    descriptor: str,
    *,
    settings: object = None,
    simulated_target: np.ndarray | None = None,
    workers: int = 1,
) -> Study:
    """A study from two tasks: descriptors are computed, and materials without one dropped and counted.

    Args:
        name: of the data; the study's own name ends with the descriptor.
        source, target: of the same property.
        descriptor: a key of :data:`DESCRIPTORS`.
        settings: :class:`~sim2real.training.recipes.Hyperparameters` or None.
        simulated_target: the simulator's own values of the target's materials (rows of the target,), or None.
        workers: processes.

    Raises:
        ValueError: unknown descriptor.
    """
    if descriptor not in DESCRIPTORS:
        raise ValueError(f"unknown descriptor {descriptor!r}; expected one of {', '.join(DESCRIPTORS)}")
    both = [*source.table["structure"], *target.table["structure"]]
    X, failed = DESCRIPTORS[descriptor](n_jobs=workers, cache_dir=CACHE / "descriptors").describe(both)
    described = np.ones(len(both), dtype=bool)
    described[failed.index] = False
    in_source, in_target = described[: len(source)], described[len(source) :]
    source, target = (_drop(task, rows, "no descriptor") for task, rows in ((source, in_source), (target, in_target)))
    return Study(
        name=f"{name}-{descriptor}",
        source=replace(source, X=X[: len(source)]),
        target=replace(target, X=X[len(source) :]),
        settings=settings,
        simulated_target=None if simulated_target is None else simulated_target[in_target],
        splits=name,
    )


def limit_source(source: Task, n_max: int) -> Task:
    """``n_max`` materials of a source, drawn once and for all; the source itself if it has no more."""
    if n_max >= len(source):
        return source
    rows = numpy_generator("source", SOURCE_SEED).permutation(len(source))[:n_max]
    return replace(source, report=source.report | {"not used (N_MAX)": len(source) - n_max}).select(np.sort(rows))


def limit_target(target: Task, target_max: int) -> Task:
    """``target_max`` materials of a target, drawn once and for all; the target itself if that is 0 or it has no more."""
    if not 0 < target_max < len(target):
        return target
    rows = numpy_generator("target", SOURCE_SEED).permutation(len(target))[:target_max]
    return replace(target, report=target.report | {"not used (preset)": len(target) - target_max}).select(np.sort(rows))


def embedded_tasks(
    kind: str, property: str, n_max: int, workers: int, library: str = "rules", target_max: int = 0
) -> tuple[Task, Task, np.ndarray]:
    """The two sides of a study of the edition ``embedded``, without descriptors.

    Args:
        kind: a key of :data:`STUDIES`.
        property, n_max, workers, library, target_max: as :func:`load_study`.

    Returns:
        Simulated source, measured target, and the simulated values (rows of the target,) of the target's materials.
    """
    what, pool, load_target = STUDIES[kind]
    target = limit_target(load_target(property), target_max)
    structures = pool(n_max, library, workers)
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
    return source, _drop(target, known, "not simulated"), simulated_target[known]


def _drop(task: Task, keep: np.ndarray, why: str) -> Task:
    """The task without some rows, their number told in its report."""
    return replace(task, report=task.report | {f"dropped, {why}": int((~keep).sum())}).select(keep)


def _virtual_polymers(n_max: int, library: str, workers: int) -> pd.DataFrame:
    if library not in LIBRARIES:
        raise ValueError(f"unknown LIBRARY {library!r}; expected one of {', '.join(LIBRARIES)}")
    units = load_virtual_polymers() if library == "rules" else _grow(-(-n_max // len(CLASSES)), workers)
    if n_max > len(units):
        raise ValueError(f"N_MAX = {n_max} exceeds the {len(units)} virtual polymers of the library; lower N_MAX")
    drawn = sample_balanced(units, n_max, SOURCE_SEED)
    return pd.DataFrame({"key": drawn["smiles"], "structure": drawn["smiles"], "group": drawn["polymer_class"]})


@_memory.cache(ignore=["workers"])
def _grow(per_class: int, workers: int) -> pd.DataFrame:
    return grow_library(known_units(), per_class, SOURCE_SEED, workers)[0]


def _molecules(n_max: int, library: str, workers: int) -> pd.DataFrame:
    molecules = load_molecules()
    if n_max > len(molecules):
        raise ValueError(f"N_MAX = {n_max} exceeds the {len(molecules)} molecules of the list; lower N_MAX")
    return molecules.head(n_max)


# kind -> (what is simulated, (n_max, library, workers) -> structures, property -> target), of the embedded edition
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
