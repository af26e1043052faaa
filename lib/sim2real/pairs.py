"""Descriptors of pairs: both molecules' numbers side by side, and the temperature."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from sim2real.datasets.chi import PAIR
from sim2real.datasets.task import Task
from sim2real.descriptors import ForceFieldDescriptor, MolecularDescriptor
from sim2real.paths import CACHE

REFERENCE_KELVIN = 300.0  # of the two conditions, so that both are near 1


def describe_pairs(tasks: list[Task], workers: int = 1) -> tuple[list[Task], list[np.ndarray]]:
    """Tasks of pairs with descriptors: 190 force-field numbers and those of RDKit's that vary, of each of the two molecules.

    The paper has 190 + 135 numbers (Minami et al. 2025): RDKit's that vary in its data. Here as well, in the data of all ``tasks``
    together; how many that are follows the data.

    Args:
        tasks: with the columns ``structure`` ("polymer|solvent") and ``temperature`` (K) in their tables.
        workers: processes.

    Returns:
        The tasks with ``X`` (rows, 2 d + 2): descriptors of polymer and solvent, T / 300 K and 300 K / T. Pairs with a molecule
        that either descriptor refuses are dropped and counted in the report. And the boolean mask of the kept rows of each task.
    """
    sides = [task.table["structure"].str.split(PAIR, expand=True, regex=False) for task in tasks]
    molecules = pd.unique(pd.concat([side[k] for side in sides for k in (0, 1)]))
    blocks, described = [], np.ones(len(molecules), dtype=bool)
    for descriptor in (ForceFieldDescriptor, MolecularDescriptor):
        X, failed = descriptor(n_jobs=workers, cache_dir=CACHE / "descriptors").describe(list(molecules))
        own = np.ones(len(molecules), dtype=bool)
        own[failed.index] = False
        full = np.full((len(molecules), X.shape[1]), np.nan, dtype=np.float32)
        full[own] = X
        blocks.append(full)
        described &= own
    vectors = np.concatenate(blocks, axis=1)
    row_of = pd.Series(np.arange(len(molecules)), index=molecules)
    done, masks = [], []
    for task, side in zip(tasks, sides):
        first, second = (row_of[side[k]].to_numpy() for k in (0, 1))
        keep = described[first] & described[second]
        kelvin = task.table["temperature"].to_numpy()[keep]
        warmth = np.stack([kelvin / REFERENCE_KELVIN, REFERENCE_KELVIN / kelvin], axis=1)
        X = np.concatenate([vectors[first[keep]], vectors[second[keep]], warmth], axis=1).astype(np.float32)
        report = task.report | {"dropped, no descriptor": int((~keep).sum())}
        done.append(replace(replace(task, report=report).select(keep), X=X))
        masks.append(keep)
    return done, masks
