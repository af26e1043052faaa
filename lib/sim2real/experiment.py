"""The grid of an experiment: every source size n, target size m and trial, trained in blocks that are never lost.

A trial draws its source materials and splits the target; trial t has the same split at every n, its source sets are
nested in n and its training sets in m, so that differences between points of a curve are paired. A block of trials is
stored as soon as it is done, under a key of everything that determines it: a killed run loses the blocks in flight, more
trials train only the new ones, and a changed plot trains nothing.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from tqdm import tqdm

from sim2real.baselines import BASELINES
from sim2real.datasets.task import Task
from sim2real.paths import CACHE
from sim2real.seeding import numpy_generator
from sim2real.transfer import Hyperparameters, Predictors, fit_networks, transfer

# raised whenever a change of the code changes results, so that stored trials of the old code are not mixed in
ENGINE = 2
BLOCK = 32
TEST_FRACTION = 0.2


@dataclass(frozen=True)
class Study:
    """A source, a target and how networks are trained on them.

    ``settings`` is None before hyperparameters are chosen. ``simulated_target`` are the simulator's own values of the target's
    materials (rows of the target,), or None. Studies with the same ``splits`` (``name`` if empty) and materials draw and split
    alike, so that two descriptors of the same data can be compared trial by trial.
    """

    name: str
    source: Task
    target: Task
    settings: Hyperparameters | None
    simulated_target: np.ndarray | None = None
    splits: str = ""


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
        overlap: ``keep`` leaves the target's materials in the source (the paper's choice), ``drop`` takes them out.
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


def log_grid(low: int, high: int, points: int = 10) -> tuple[int, ...]:
    """Distinct integers, equally spaced on a logarithmic scale from ``low`` to ``high``, both included.

    Raises:
        ValueError: ``high`` is not larger than ``low``.
    """
    if high <= low:
        raise ValueError(f"cannot lay a grid from {low} to {high}: the source has too few materials")
    return tuple(sorted({int(round(n)) for n in np.geomspace(low, high, points)}))


def training_size(task: Task) -> int:
    """The largest m: all target materials that are not in a trial's test set."""
    return len(task) - _test_size(task)


def _test_size(task: Task) -> int:
    return max(1, round(TEST_FRACTION * len(task)))


def overlap_count(study: Study) -> int:
    """How many target materials are in the source as well."""
    return len(set(study.target.keys) & set(study.source.keys))


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
        arms: ``transfer``, ``direct`` and names in ``baselines.BASELINES``; all that the study allows if None.
        store: folder of the blocks, ``trials`` in the cache folder if None.

    Raises:
        ValueError: a size of the grid exceeds the data.
    """
    store = CACHE / "trials" if store is None else store
    source = study.source
    if design.overlap == "drop":
        source = source.select(~np.isin(source.keys, study.target.keys))
    if max(design.n_grid) > len(source):
        raise ValueError(f"n = {max(design.n_grid)} exceeds the {len(source)} materials of {source.name}")
    if max(design.m_grid) > training_size(study.target):
        raise ValueError(f"m = {max(design.m_grid)} exceeds the {training_size(study.target)} training rows of {study.target.name}")
    if arms is None:
        arms = ("transfer", "direct", *(b for b in BASELINES if b != "simulator" or study.simulated_target is not None))
    plan = _Plan(study, source, design, store)
    cells = [("transfer", n, m) for n in design.n_grid for m in design.m_grid if "transfer" in arms]
    cells += [(arm, 0, m) for arm in arms if arm != "transfer" for m in design.m_grid]
    blocks = list(plan.missing_blocks(cells))
    # long blocks first, so that the workers finish together
    blocks.sort(key=lambda b: -b.n)
    total = sum(len(b.trials) for b in blocks)
    with tqdm(total=total, desc=study.name, unit="trial", disable=total == 0, mininterval=1) as bar:
        jobs = (delayed(_run_block)(plan, block) for block in blocks)
        for done in Parallel(n_jobs=min(workers, max(1, len(blocks))), return_as="generator_unordered")(jobs):
            bar.update(done)
    table = pd.concat([plan.load(cell) for cell in cells], ignore_index=True)
    return Trials(study, design, table)


@dataclass(frozen=True)
class _Block:
    arm: str
    n: int
    m_grid: tuple[int, ...]
    trials: tuple[int, ...]


@dataclass(frozen=True)
class _Plan:
    study: Study
    source: Task
    design: Design
    store: Path

    def description(self, cell: tuple[str, int, int]) -> dict[str, object]:
        """Everything that determines the numbers of a cell; a stage that an arm does not use does not count."""
        arm, n, m = cell
        settings = asdict(self.study.settings)
        unused = {"transfer": ("direct_network", "direct"), "direct": ("transfer_network", "pretraining", "fine_tuning")}
        used = {k: v for k, v in settings.items() if k not in unused[arm]} if arm in unused else {}
        return {
            "engine": ENGINE,
            "study": self.study.name,
            "splits": self.study.splits or self.study.name,
            "arm": arm,
            "n": n,
            "m": m,
            "seed": self.design.seed,
            "test_fraction": TEST_FRACTION,
            "settings": used,
            "target": self.study.target.fingerprint,
            "source": self.source.fingerprint if arm == "transfer" else None,
            "source_draws": self.design.source_draws if arm == "transfer" else None,
            "simulated": None
            if arm != "simulator"
            else hashlib.sha256(np.ascontiguousarray(self.study.simulated_target).tobytes()).hexdigest()[:16],
        }

    def folder(self, cell: tuple[str, int, int]) -> Path:
        text = json.dumps(self.description(cell), sort_keys=True)
        return self.store / f"{self.study.name}-{cell[0]}-n{cell[1]}-m{cell[2]}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def stored(self, cell: tuple[str, int, int]) -> set[int]:
        return {t for path in self.folder(cell).glob("*.parquet") for t in _trials_of(path)}

    def missing_blocks(self, cells: list[tuple[str, int, int]]) -> Iterator[_Block]:
        wanted = set(range(self.design.trials))
        by_arm: dict[tuple[str, int, tuple[int, ...]], list[int]] = {}
        for cell in cells:
            missing = tuple(sorted(wanted - self.stored(cell)))
            by_arm.setdefault((cell[0], cell[1], missing), []).append(cell[2])
        for (arm, n, missing), m_grid in by_arm.items():
            pieces = -(-len(missing) // BLOCK)
            for piece in np.array_split(missing, pieces) if pieces else []:
                yield _Block(arm, n, tuple(m_grid), tuple(int(t) for t in piece))

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
        order = numpy_generator(*self.seed("split", trial)).permutation(len(self.study.target))
        size = _test_size(self.study.target)
        return order[size:], order[:size]

    def draw(self, trial: int) -> int:
        return trial % self.design.source_draws if self.design.source_draws else trial

    def source_rows(self, draw: int, n: int) -> np.ndarray:
        return numpy_generator(*self.seed("source", draw)).permutation(len(self.source))[:n]

    def pretrain(self, trials: tuple[int, ...], n: int) -> Predictors:
        """One pretrained network a trial; those of a shared draw are copies."""
        settings = self.study.settings
        draws = [self.draw(t) for t in trials]
        distinct = sorted(set(draws))
        distinct = distinct * 2 if len(distinct) == 1 else distinct
        rows = np.stack([self.source_rows(d, n) for d in distinct])
        seeds = [self.seed("pretraining", n, d) for d in distinct]
        source = self.source
        pretrained = fit_networks(source.X, source.y, rows, settings.transfer_network, settings.pretraining, seeds)
        return pretrained.take([distinct.index(d) for d in draws])


def _trials_of(path: Path) -> list[int]:
    return [int(t) for t in path.stem.split("_")]


def _run_block(plan: _Plan, block: _Block) -> int:
    """Train and store one block; returns the number of its trials."""
    torch.set_num_threads(1)
    # descriptors that all processes share are read-only, and nothing here writes to them
    warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
    target, settings = plan.study.target, plan.study.settings
    # a stack of one runs through another matrix kernel, with other rounding: train it twice, so that a trial's result is
    # the same to the last bit in whatever block it stands
    trials = block.trials * 2 if len(block.trials) == 1 else block.trials
    count = len(block.trials)
    splits = [plan.split(t) for t in trials]
    test = np.stack([s[1] for s in splits])
    truth = target.y[test]
    pretrained = plan.pretrain(trials, block.n) if block.arm == "transfer" else None
    for m in block.m_grid:
        train = np.stack([s[0][:m] for s in splits])
        seeds = [plan.seed(block.arm, block.n, m, t) for t in trials]
        if block.arm == "transfer":
            predicted = transfer(pretrained, target.X, target.y, train, settings.fine_tuning, seeds).predict(target.X, test)
        elif block.arm == "direct":
            predictors = fit_networks(target.X, target.y, train, settings.direct_network, settings.direct, seeds)
            predicted = predictors.predict(target.X, test)
        else:
            predicted = BASELINES[block.arm](plan.study, train, test, seeds)
        plan.save((block.arm, block.n, m), block.trials, test[:count], np.abs(predicted - truth)[:count])
    return count
