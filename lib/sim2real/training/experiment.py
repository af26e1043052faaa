"""The grid of an experiment: every source size n, target size m and trial, trained in blocks that are never lost.

A trial draws its source materials and splits the target; trial t has the same split at every n, its source sets are
nested in n and its training sets in m, so that differences between points of a curve are paired. A block of trials is
stored as soon as it is done, under a key of everything that determines it: a killed run loses the blocks in flight, more
trials train only the new ones, and a changed plot trains nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm import tqdm

from sim2real.datasets.paths import CACHE
from sim2real.datasets.task import Task
from sim2real.training.baselines import NEED_SIMULATED
from sim2real.training.multitask import MultitaskHyperparameters
from sim2real.training.store import Block, Plan, run_block, training_size
from sim2real.training.transfer import Hyperparameters

COUNTED_TRIALS = 500
PAIR = "pair"  # column of the tables of pairs
__all__ = ["Design", "Study", "Trials", "available_source", "log_grid", "missing_blocks", "overlap_count", "run", "training_size"]


@dataclass(frozen=True)
class Study:
    """A source, a target and how networks are trained on them.

    Attributes:
        name: of the study.
        source, target: with descriptors.
        settings: chosen hyperparameters; None before the choice.
        simulated_target: the simulator's own values of the target's materials (rows of the target,), NaN where it has none, or
            None.
        splits: studies with the same (``name`` if empty) and the same materials draw and split alike, so that two descriptors of
            the same data can be compared trial by trial.
        split_by: a column of the target's table whose groups a split never tears apart
            (:func:`sim2real.training.store.split_rows`); by row if empty.
        baselines: names of :data:`sim2real.training.baselines.BASELINES` to compare with; those that need simulated values of the target
            are passed over where there are none.
        drop_tested: what the design's ``overlap`` ``drop`` takes out of the source: each trial its own test materials, where nearly
            all simulated materials are measured ones too; if False all of the target's.
    """

    name: str
    source: Task
    target: Task
    settings: Hyperparameters | MultitaskHyperparameters | None
    simulated_target: np.ndarray | None = None
    splits: str = ""
    split_by: str = ""
    baselines: tuple[str, ...] = ("ridge", "trees", "simulator")
    drop_tested: bool = False

    def clusters(self, materials: np.ndarray | pd.Index | None = None) -> np.ndarray | None:
        """Labels of target rows that stand or fall together, the temperatures of a pair; None where every row is its own material.

        Args:
            materials: row numbers of the target, all if None.
        """
        if PAIR not in self.target.table:
            return None
        pairs = self.target.table[PAIR].to_numpy()
        return pairs if materials is None else pairs[np.asarray(materials)]


@dataclass(frozen=True)
class Design:
    """What is run, as pure data.

    Attributes:
        n_grid: source sizes.
        m_grid: target training sizes; every trial tests on the same 20 % of the target's materials.
        trials: repetitions; trial numbers are 0 .. trials - 1.
        seed: changes all random numbers.
        source_draws: trial t takes source draw t modulo this number, and the networks pretrained on it, so that pretraining
            is paid for fewer times than fine-tuning; 0 is one draw a trial, as in the paper. Trials that share a draw differ
            in their target split only, and a bootstrap over trials does not know that they share it.
        overlap: ``keep`` leaves the target's materials in the source (the paper's choice), ``drop`` takes them out (the study's
            ``drop_tested`` says which).
    """

    n_grid: tuple[int, ...]
    m_grid: tuple[int, ...]
    trials: int
    seed: int = 0
    overlap: str = "keep"
    source_draws: int = 0

    def __post_init__(self) -> None:
        if self.overlap not in ("keep", "drop"):
            raise ValueError(f"overlap is {self.overlap!r}; expected keep or drop")
        if self.trials < 1:
            raise ValueError(f"trials is {self.trials}; expected at least 1")

    @property
    def distinct_draws(self) -> int:
        """How many different source draws the trials have."""
        return min(self.source_draws, self.trials) or self.trials


def log_grid(low: int, high: int, points: int = 10) -> tuple[int, ...]:
    """Distinct integers, equally spaced on a logarithmic scale from ``low`` to ``high``, both included.

    Raises:
        ValueError: ``high`` is not larger than ``low``.
    """
    if high <= low:
        raise ValueError(f"cannot lay a grid from {low} to {high}: the source has too few materials")
    return tuple(sorted({int(round(n)) for n in np.geomspace(low, high, points)}))


def overlap_count(study: Study) -> int:
    """How many target materials are in the source as well; for pairs, whatever their temperatures."""
    return len(set(study.target.keys) & set(study.source.keys))


def available_source(study: Study, overlap: str, seed: int = 0, trials: int = 0) -> int:
    """The largest n that every trial has.

    Where each trial drops what it tests on, that follows the splits: the least of the first :data:`COUNTED_TRIALS` trials, or
    of all if there are more, so that a few more trials do not change the grid of n.

    Args:
        study: the study.
        overlap, seed, trials: of the design.
    """
    if overlap == "keep":
        return len(study.source)
    if not study.drop_tested:
        return len(_without_overlap(study))
    counts = pd.Series(study.source.keys).value_counts().reindex(pd.unique(study.target.keys), fill_value=0).to_numpy()
    code = pd.factorize(study.target.keys)[0]
    # only the seed and the splits of this design are asked for
    design = Design(n_grid=(1,), m_grid=(1,), trials=1, seed=seed)
    plan = Plan(study, study.source, design, CACHE, ())
    dropped = [counts[np.unique(code[plan.split(t)[1]])].sum() for t in range(max(trials, COUNTED_TRIALS))]
    return int(len(study.source) - max(dropped))


def _without_overlap(study: Study) -> Task:
    """The source without all rows of the target's materials."""
    return study.source.select(~np.isin(study.source.keys, study.target.keys))


@dataclass(frozen=True)
class Trials:
    """What an experiment gave: ``table`` has a row for each arm, n, m, trial and test material, with its absolute error.

    Arms are ``transfer``, ``direct`` and the baselines; n is 0 for all but transfer. ``material`` is a row of the target.
    """

    study: Study
    design: Design
    table: pd.DataFrame

    def errors(self, arm: str, m: int | None = None) -> np.ndarray:
        """Mean absolute error of each trial: (trials, len(n_grid)) for ``transfer``, (trials,) for any other arm.

        Args:
            arm: which one.
            m: target training size; the largest of the design if None.

        Raises:
            KeyError: no such arm or m.
        """
        m = max(self.design.m_grid) if m is None else m
        rows = self.table[(self.table["arm"] == arm) & (self.table["m"] == m)]
        if rows.empty:
            raise KeyError(f"no trials of arm {arm!r} at m = {m}")
        mean = rows.groupby(["trial", "n"])["absolute_error"].mean().unstack("n")
        return mean[list(self.design.n_grid)].to_numpy() if arm == "transfer" else mean[0].to_numpy()


def run(
    study: Study, design: Design, *, workers: int = 1, arms: tuple[str, ...] | None = None, store: Path | None = None
) -> Trials:
    """Train whatever of the design is not stored yet and return all of it.

    Args:
        study: data (with descriptors) and hyperparameters.
        design: the grid.
        workers: processes, each with one torch thread. Under ``joblib.parallel_config`` (a Dask cluster, say) the
            configured backend is used; the store must then be a folder that all workers see.
        arms: ``transfer``, ``direct`` and names in ``baselines.BASELINES``; both and the study's own baselines if None.
        store: folder of the blocks, ``trials`` in the cache folder if None.

    Raises:
        ValueError: a size of the grid exceeds the data.
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
    """What :func:`run` would train; arguments and errors are its own.

    Returns:
        The plan of all trials, and the blocks of those that are not stored yet.
    """
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
