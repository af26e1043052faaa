"""Tasks of pairs with descriptors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sim2real.chemistry.descriptors.pairs import PairDescriptor
from sim2real.datasets.paths import CACHE
from sim2real.datasets.task import Task


def describe_pairs(tasks: list[Task], workers: int = 1) -> tuple[list[Task], list[np.ndarray]]:
    """Tasks of pairs with the descriptors of :class:`PairDescriptor`, fitted to all of them together.

    Args:
        tasks: with the columns ``structure`` ("polymer|solvent") and ``temperature`` (K) in their tables.
        workers: processes.

    Returns:
        The tasks with ``X``; pairs without a descriptor are dropped and counted in the report. And the boolean mask of the kept
        rows of each task.
    """
    descriptor = PairDescriptor(workers, CACHE / "descriptors").fit([s for task in tasks for s in task.table["structure"]])
    done, masks = [], []
    for task in tasks:
        X, keep = descriptor.describe(task.table["structure"], task.table["temperature"].to_numpy())
        report = task.report | {"dropped, no descriptor": int((~keep).sum())}
        done.append(replace(replace(task, report=report).select(keep), X=X))
        masks.append(keep)
    return done, masks
