"""The two sides of a study before and after their descriptors: what every kind of study is made of."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim2real.chemistry.descriptors import CompositionDescriptor, ForceFieldDescriptor, MolecularDescriptor
from sim2real.chemistry.descriptors.pairs import PairDescriptor
from sim2real.datasets.paths import CACHE
from sim2real.datasets.task import Task
from sim2real.training.seeding import numpy_generator

# fixed: which materials belong to the source is part of the study, not of a run's randomness
SOURCE_SEED = 0
DESCRIPTORS = {"forcefield": ForceFieldDescriptor, "molecular": MolecularDescriptor, "composition": CompositionDescriptor}
PAIR_DESCRIPTOR = "pairs"  # the descriptor of two molecules and a temperature


class Sides(NamedTuple):
    """Source, target, and the simulator's own values of the target's rows (rows,), NaN where it has none, or None."""

    source: Task
    target: Task
    simulated: NDArray[np.float64] | None = None


def describe(sides: Sides, descriptor: str, workers: int = 1) -> Sides:
    """The same with descriptors, by name; materials that have none are dropped and counted in the report."""
    source, target, simulated = sides
    structures = [*source.table["structure"], *target.table["structure"]]
    if descriptor == PAIR_DESCRIPTOR:
        kelvin = np.concatenate([side.table["temperature"].to_numpy() for side in (source, target)])
        X, described = PairDescriptor(workers, CACHE / "descriptors").fit(structures).describe(structures, kelvin)
    elif descriptor in DESCRIPTORS:
        X, failed = DESCRIPTORS[descriptor](n_jobs=workers, cache_dir=CACHE / "descriptors").describe(structures)
        described = ~np.isin(np.arange(len(structures)), failed.index)
    else:
        raise ValueError(f"unknown descriptor {descriptor!r}; expected one of {', '.join(DESCRIPTORS)}")
    in_source, in_target = described[: len(source)], described[len(source) :]
    source, target = drop(source, in_source, "no descriptor"), drop(target, in_target, "no descriptor")
    X_source, X_target = X[: len(source)], X[len(source) :]
    return Sides(replace(source, X=X_source), replace(target, X=X_target), None if simulated is None else simulated[in_target])


def drop(task: Task, keep: NDArray[np.bool_], why: str) -> Task:
    """The task without some rows, their number told in its report."""
    return replace(task, report=task.report | {f"dropped, {why}": int((~keep).sum())}).select(keep)


def limit_source(source: Task, n_max: int) -> Task:
    """``n_max`` materials of a source, drawn once and for all; the source itself if it has no more."""
    return _limit(source, n_max, "source", "N_MAX")


def limit_target(target: Task, target_max: int) -> Task:
    """``target_max`` materials of a target, drawn once and for all; the target itself if that is 0 or it has no more."""
    return _limit(target, target_max or len(target), "target", "preset")


def _limit(task: Task, most: int, side: str, why: str) -> Task:
    if most >= len(task):
        return task
    rows = numpy_generator(side, SOURCE_SEED).permutation(len(task))[:most]
    return replace(task, report=task.report | {f"not used ({why})": len(task) - most}).select(np.sort(rows))
