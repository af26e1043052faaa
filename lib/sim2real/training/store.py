"""Blocks of trials: what determines them, where they are stored, and how one is trained.

A block is a number of trials of one arm and one n, at every m, trained together. It is stored as soon as it is done, under a
key of everything that determines it.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from sim2real.datasets.task import Task
from sim2real.training.baselines import BASELINES, NEED_SIMULATED
from sim2real.training.learners import NETWORK_ARMS, learner, used_settings
from sim2real.training.seeding import numpy_generator
from sim2real.training.transfer import Predictors, fit_networks

if TYPE_CHECKING:
    from sim2real.training.experiment import Design, Study

# raised whenever a change of the code changes results, so that stored trials of the old code are not mixed in
ENGINE = 2
BLOCK = 32
TEST_FRACTION = 0.2


def training_size(task: Task, split_by: str = "") -> int:
    """The largest m that every split allows.

    By row: all target materials that are not in a trial's test set. By groups: less the most rows that a split can set aside,
    all but one of the largest group, because a group that begins in the test set has no row in the training set.
    """
    aside = task.table[split_by].value_counts().max() - 1 if split_by else 0
    return int(len(task) - test_size(task) - aside)


def test_size(task: Task) -> int:
    """Materials in a trial's test set."""
    return max(1, round(TEST_FRACTION * len(task)))


def split_rows(task: Task, rng: np.random.Generator, split_by: str = "") -> tuple[np.ndarray, np.ndarray]:
    """One random split: training rows in the order in which m takes them, and test rows.

    Args:
        task: the target.
        rng: of the split.
        split_by: a column of the task's table; no two rows of one of its values stand on both sides. Rows then come group by
            group, groups and the rows of a group in random order, and the test set ends where it is full: what is left of the
            group there belongs to neither side.
    """
    size = test_size(task)
    if not split_by:
        order = rng.permutation(len(task))
        return order[size:], order[:size]
    groups = pd.factorize(task.table[split_by])[0]
    place = rng.permutation(groups.max() + 1)
    order = np.lexsort((rng.random(len(task)), place[groups]))
    test, rest = order[:size], order[size:]
    return rest[groups[rest] != groups[test[-1]]], test


@dataclass(frozen=True)
class Block:
    """Trials that are trained together; n is 0 for all arms but ``transfer``."""

    arm: str
    n: int
    m_grid: tuple[int, ...]
    trials: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """Which trials of a study and design are stored and which are missing; ``source`` is what the design leaves of the study's."""

    study: Study
    source: Task
    design: Design
    store: Path
    arms: tuple[str, ...]

    @property
    def cells(self) -> list[tuple[str, int, int]]:
        """(arm, n, m) of everything that the design asks for."""
        grids = {arm: self.design.n_grid if arm == "transfer" else (0,) for arm in self.arms}
        return [(arm, n, m) for arm, n_grid in grids.items() for n in n_grid for m in self.design.m_grid]

    def description(self, cell: tuple[str, int, int]) -> dict[str, object]:
        """Everything that determines the numbers of a cell; a stage that an arm does not use does not count."""
        arm, n, m = cell
        names = used_settings(self.study.settings, arm)
        used = {k: v for k, v in asdict(self.study.settings).items() if k in names} if names else {}
        return {
            "engine": ENGINE,
            "study": self.study.name,
            "splits": self.study.splits or self.study.name,
            "arm": arm,
            "n": n,
            "m": m,
            "seed": self.design.seed,
            "test_fraction": TEST_FRACTION,
            **({"split_by": self.study.split_by} if self.study.split_by else {}),
            **({"without": "tested"} if arm == "transfer" and self.drops_tested else {}),
            "settings": used,
            "target": self.study.target.fingerprint,
            "source": self.source.fingerprint if arm == "transfer" else None,
            "source_draws": self.design.source_draws if arm == "transfer" else None,
            "simulated": None
            if arm not in NEED_SIMULATED
            else hashlib.sha256(np.ascontiguousarray(self.study.simulated_target).tobytes()).hexdigest()[:16],
        }

    def folder(self, cell: tuple[str, int, int]) -> Path:
        text = json.dumps(self.description(cell), sort_keys=True)
        return self.store / f"{self.study.name}-{cell[0]}-n{cell[1]}-m{cell[2]}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def stored(self, cell: tuple[str, int, int]) -> set[int]:
        return {t for path in self.folder(cell).glob("*.parquet") for t in _trials_of(path)}

    def missing_blocks(self) -> Iterator[Block]:
        """The trials that are not stored yet, in blocks; those of one arm and n with the same gaps share a block over all m."""
        wanted = set(range(self.design.trials))
        by_arm: dict[tuple[str, int, tuple[int, ...]], list[int]] = {}
        for cell in self.cells:
            missing = tuple(sorted(wanted - self.stored(cell)))
            by_arm.setdefault((cell[0], cell[1], missing), []).append(cell[2])
        for (arm, n, missing), m_grid in by_arm.items():
            pieces = -(-len(missing) // BLOCK)
            for piece in np.array_split(missing, pieces) if pieces else []:
                yield Block(arm, n, tuple(m_grid), tuple(int(t) for t in piece))

    def load(self, cell: tuple[str, int, int]) -> pd.DataFrame:
        parts = [pd.read_parquet(path) for path in sorted(self.folder(cell).glob("*.parquet"))]
        table = pd.concat(parts, ignore_index=True).drop_duplicates(["trial", "material"])
        return table[table["trial"] < self.design.trials].assign(arm=cell[0], n=cell[1], m=cell[2])

    def save(self, cell: tuple[str, int, int], trials: tuple[int, ...], test: np.ndarray, errors: np.ndarray) -> None:
        folder = self.folder(cell)
        folder.mkdir(parents=True, exist_ok=True)
        table = pd.DataFrame(
            {
                "trial": np.repeat(np.array(trials, dtype=np.int32), test.shape[1]),
                "material": test.ravel().astype(np.int32),
                "absolute_error": errors.ravel(),
            }
        )
        path = folder / f"{'_'.join(map(str, trials))}.parquet"
        part = path.with_suffix(".part")
        table.to_parquet(part, index=False)
        part.replace(path)

    def seed(self, *parts: object) -> tuple:
        return (self.design.seed, self.study.splits or self.study.name, *parts)

    def split(self, trial: int) -> tuple[np.ndarray, np.ndarray]:
        """Training rows in the order in which m takes them, and test rows, of the target."""
        return split_rows(self.study.target, numpy_generator(*self.seed("split", trial)), self.study.split_by)

    def draw(self, trial: int) -> int:
        return trial % self.design.source_draws if self.design.source_draws else trial

    @property
    def drops_tested(self) -> bool:
        """Whether each trial leaves out of its source what it tests on."""
        return self.design.overlap == "drop" and self.study.drop_tested

    def source_rows(self, trial: int, n: int) -> np.ndarray:
        """The n rows of ``source`` that a trial takes; those for a smaller n are the first of them."""
        rows = numpy_generator(*self.seed("source", self.draw(trial))).permutation(len(self.source))
        if self.drops_tested:
            tested = self.study.target.keys[self.split(trial)[1]]
            rows = rows[~np.isin(self.source.keys[rows], tested)]
        return rows[:n]

    def pretrain(self, trials: tuple[int, ...], n: int) -> Predictors:
        """One pretrained network a trial; those of a shared draw are copies."""
        settings = self.study.settings
        # a source without what a trial tests on is that trial's own
        sources = [(self.draw(t), t) if self.drops_tested else (self.draw(t),) for t in trials]
        first = dict(zip(reversed(sources), reversed(trials)))
        distinct = sorted(first)
        distinct = distinct * 2 if len(distinct) == 1 else distinct
        rows = np.stack([self.source_rows(first[s], n) for s in distinct])
        seeds = [self.seed("pretraining", n, *s) for s in distinct]
        source = self.source
        pretrained = fit_networks(source.X, source.y, rows, settings.transfer_network, settings.pretraining, seeds)
        return pretrained.take([distinct.index(s) for s in sources])


def _trials_of(path: Path) -> list[int]:
    return [int(t) for t in path.stem.split("_")]


def run_block(plan: Plan, block: Block) -> int:
    """Train and store one block; returns the number of its trials."""
    torch.set_num_threads(1)
    # descriptors that all processes share are read-only, and nothing here writes to them
    warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
    target = plan.study.target
    # a stack of one runs through another matrix kernel, with other rounding: train it twice, so that a trial's result is
    # the same to the last bit in whatever block it stands
    trials = block.trials * 2 if len(block.trials) == 1 else block.trials
    count = len(block.trials)
    splits = [plan.split(t) for t in trials]
    test = np.stack([s[1] for s in splits])
    truth = target.y[test]
    learn = learner(plan, block.arm, block.n, trials) if block.arm in NETWORK_ARMS else None
    for m in block.m_grid:
        train = np.stack([s[0][:m] for s in splits])
        seeds = [plan.seed(block.arm, block.n, m, t) for t in trials]
        if learn is not None:
            predicted = learn(train, seeds).predict(target.X, test)
        else:
            predicted = BASELINES[block.arm](plan.study, train, test, seeds)
        plan.save((block.arm, block.n, m), block.trials, test[:count], np.abs(predicted - truth)[:count])
    return count
