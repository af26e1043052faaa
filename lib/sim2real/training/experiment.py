"""The grid of an experiment in blocks of trials, each stored when done under a key of all that determines it: a killed run loses
only the blocks in flight.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm import tqdm

from sim2real.datasets.paths import CACHE
from sim2real.datasets.task import Task
from sim2real.training.baselines import NEED_SIMULATED
from sim2real.training.store import Block, Plan, run_block
from sim2real.training.study import Design, Study, Trials, splits, training_size

COUNTED_TRIALS = 500


def overlap_count(study: Study) -> int:
    """How many target materials are in the source as well; for pairs, whatever their temperatures."""
    return len(set(study.target.keys) & set(study.source.keys))


def available_source(study: Study, overlap: str, seed: int, trials: int = 0) -> int:
    """The largest n of every trial: the least of the first :data:`COUNTED_TRIALS` trials, or of all if there are more, so that a
    few more trials do not change the grid of n.
    """
    if overlap == "keep":
        return len(study.source)
    if not study.drop_tested:
        return len(_without_overlap(study))
    counts = pd.Series(study.source.keys).value_counts().reindex(pd.unique(study.target.keys), fill_value=0).to_numpy()
    code = pd.factorize(study.target.keys)[0]
    dropped = [counts[np.unique(code[test])].sum() for _, test in splits(study, seed, range(max(trials, COUNTED_TRIALS)))]
    return int(len(study.source) - max(dropped))


def _without_overlap(study: Study) -> Task:
    """The source without all rows of the target's materials."""
    return study.source.select(~np.isin(study.source.keys, study.target.keys))


def run_trials(
    study: Study, design: Design, *, workers: int = 1, arms: tuple[str, ...] | None = None, store: Path | None = None
) -> Trials:
    """Train what is not stored yet in the folder ``store`` and return all of the design; a ValueError if a size exceeds the data.

    ``workers`` have one torch thread each, or are those of ``joblib.parallel_config``, which must all see ``store``. ``arms`` are
    ``transfer``, ``direct`` and names in ``baselines.BASELINES``; both and the study's own baselines if None.
    """
    plan, blocks = missing_blocks(study, design, arms=arms, store=store)
    # long blocks first, so that the workers finish together
    blocks.sort(key=lambda b: -b.n)
    total = sum(len(b.trials) for b in blocks)
    with tqdm(total=total, desc=study.name, unit="trial", disable=total == 0, mininterval=1) as bar:
        jobs = (delayed(run_block)(plan, block) for block in blocks)
        for done in Parallel(n_jobs=min(workers, max(1, len(blocks))), return_as="generator_unordered")(jobs):
            bar.update(done)
    table = pd.concat([plan.load(cell) for cell in plan.cells], ignore_index=True)
    return Trials(study, design, table)


def missing_blocks(
    study: Study, design: Design, *, arms: tuple[str, ...] | None = None, store: Path | None = None
) -> tuple[Plan, list[Block]]:
    """What :func:`run_trials` would train: the plan of all trials, and the blocks of those that are not stored yet."""
    store = CACHE / "trials" if store is None else store
    source = _without_overlap(study) if design.overlap == "drop" and not study.drop_tested else study.source
    available = available_source(study, design.overlap, design.seed, design.trials)
    if max(design.n_grid) > available:
        raise ValueError(f"n = {max(design.n_grid)} exceeds the {available} materials of {source.name}")
    largest = training_size(study.target, study.split_by)
    if max(design.m_grid) > largest:
        raise ValueError(f"m = {max(design.m_grid)} exceeds the {largest} training rows of {study.target.name}")
    if arms is None:
        known = study.simulated_target is not None
        arms = ("transfer", "direct", *(b for b in study.baselines if known or b not in NEED_SIMULATED))
    plan = Plan(study, source, design, store, arms)
    return plan, list(plan.missing_blocks())
