"""Blocks of trials of one arm and one n, at every m: what determines them, where they are stored, and how one is trained."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sim2real.datasets.task import Task
from sim2real.training.baselines import BASELINES, NEED_SIMULATED
from sim2real.training.kernel import engine
from sim2real.training.recipes import NETWORK_ARMS, Simulations
from sim2real.training.seeding import numpy_generator
from sim2real.training.study import TEST_FRACTION, Design, Study, splits

# raised whenever a change of the code changes results, so that stored trials of the old code are not mixed in
ENGINE = 3
BLOCK = 32


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
        simulated = self.study.simulated_target if arm in NEED_SIMULATED else None
        return {
            "engine": ENGINE,
            **({"trained_by": engine()} if arm in NETWORK_ARMS else {}),
            "study": self.study.name,
            "splits": self.study.splits or self.study.name,
            "arm": arm,
            "n": n,
            "m": m,
            "seed": self.design.seed,
            "test_fraction": TEST_FRACTION,
            **({"split_by": self.study.split_by} if self.study.split_by else {}),
            **({"without": "tested"} if arm == "transfer" and self.drops_tested else {}),
            "settings": self.study.settings.used(arm) if arm in NETWORK_ARMS else {},
            "target": self.study.target.fingerprint,
            "source": self.source.fingerprint if arm == "transfer" else None,
            "source_draws": self.design.source_draws if arm == "transfer" else None,
            "simulated": None if simulated is None else hashlib.sha256(np.ascontiguousarray(simulated)).hexdigest()[:16],
        }

    def folder(self, cell: tuple[str, int, int]) -> Path:
        key = hashlib.sha256(json.dumps(self.description(cell), sort_keys=True).encode()).hexdigest()[:12]
        return self.store / f"{self.study.name}-{cell[0]}-n{cell[1]}-m{cell[2]}-{key}"

    def stored(self, cell: tuple[str, int, int]) -> set[int]:
        return {int(t) for path in self.folder(cell).glob("*.parquet") for t in path.stem.split("_")}

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
        trial = np.repeat(np.array(trials, dtype=np.int32), test.shape[1])
        table = pd.DataFrame({"trial": trial, "material": test.ravel().astype(np.int32), "absolute_error": errors.ravel()})
        path = folder / f"{'_'.join(map(str, trials))}.parquet"
        part = path.with_suffix(f".{os.getpid()}.part")
        table.to_parquet(part, index=False)
        part.replace(path)

    def seed(self, *parts: object) -> tuple:
        return (self.design.seed, self.study.splits or self.study.name, *parts)

    def split(self, trial: int) -> tuple[np.ndarray, np.ndarray]:
        """Training rows in the order in which m takes them, and test rows, of the target."""
        return splits(self.study, self.design.seed, [trial])[0]

    @property
    def drops_tested(self) -> bool:
        """Whether each trial leaves out of its source what it tests on."""
        return self.design.overlap == "drop" and self.study.drop_tested

    def source_rows(self, trial: int, n: int) -> np.ndarray:
        """The n rows of ``source`` that a trial takes; those for a smaller n are the first of them."""
        rows = numpy_generator(*self.seed("source", self.design.draw(trial))).permutation(len(self.source))
        if self.drops_tested:
            tested = self.study.target.keys[self.split(trial)[1]]
            rows = rows[~np.isin(self.source.keys[rows], tested)]
        return rows[:n]

    def own_source(self, trial: int) -> tuple[int, ...]:
        """What names a trial's source: trials of one name learn from the same rows, and share the networks pretrained on them."""
        draw = self.design.draw(trial)
        # a source without what a trial tests on is that trial's own
        return (draw, trial) if self.drops_tested else (draw,)

    def drawn(self, trials: tuple[int, ...], n: int) -> Simulations:
        """What these trials learn from."""
        rows = np.stack([self.source_rows(t, n) for t in trials])
        return Simulations(self.source, rows, [self.seed("pretraining", n, *self.own_source(t)) for t in trials])


def run_block(plan: Plan, block: Block) -> int:
    """Train and store one block; returns the number of its trials."""
    torch.set_num_threads(1)
    # descriptors that all processes share are read-only, and nothing here writes to them
    warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
    target, settings = plan.study.target, plan.study.settings
    ordered, tested = zip(*splits(plan.study, plan.design.seed, block.trials))
    test = np.stack(tested)
    # what does not depend on m is done once
    prepared = settings.prepare(plan.drawn(block.trials, block.n)) if block.arm == "transfer" else None
    for m in block.m_grid:
        train = np.stack([rows[:m] for rows in ordered])
        seeds = [plan.seed(block.arm, block.n, m, t) for t in block.trials]
        if block.arm in NETWORK_ARMS:
            predicted = settings.learn(target, train, seeds, prepared).predict(target.X, test)
        else:
            predicted = BASELINES[block.arm](target, train, test, seeds, plan.study.simulated_target)
        plan.save((block.arm, block.n, m), block.trials, test, np.abs(predicted - target.y[test]))
    return len(block.trials)
