"""A study, its design, splits and errors. Trial t has the same split at every n; sources are nested in n and training sets in m,
so that differences between points of a curve are paired.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sim2real.datasets.task import Task
from sim2real.training.recipes import Recipe
from sim2real.training.seeding import numpy_generator

TEST_FRACTION = 0.2
CLUSTERS = "pair"  # column of the tables of pairs: temperatures of one pair are no further materials


@dataclass(frozen=True)
class Study:
    """A source, a target and how networks are trained on them.

    Attributes:
        source, target: tasks with descriptors.
        settings: chosen hyperparameters; None before the choice.
        simulated_target: the simulator's own values (rows of the target,), NaN where it has none, or None.
        splits: studies with the same (``name`` if empty) and the same materials split alike and are compared by trial.
        split_by: a column of the target's table whose groups a split never tears apart; by row if empty.
        baselines: names of :data:`sim2real.training.baselines.BASELINES`; passed over where they need simulated values in vain.
        drop_tested: what ``overlap`` ``drop`` takes out of the source: each trial its own test materials, or all of the target's.
        settings_by_m: hyperparameters chosen for several target sizes, that of ``settings`` among them; for all sizes if empty.
    """

    name: str
    source: Task
    target: Task
    settings: Recipe | None
    simulated_target: np.ndarray | None = None
    splits: str = ""
    split_by: str = ""
    baselines: tuple[str, ...] = ("ridge", "trees", "simulator", "delta", "multifidelity")
    drop_tested: bool = False
    settings_by_m: Mapping[int, Recipe] = field(default_factory=dict)

    def settings_at(self, m: int) -> Recipe | None:
        """The hyperparameters for m target rows: those of the nearest size on a logarithmic scale. What is learnt before the
        target is seen is the same for all, so that a source's networks are pretrained once.
        """
        if not self.settings_by_m:
            return self.settings
        return self.settings_by_m[min(self.settings_by_m, key=lambda size: abs(np.log(size / m)))]

    def clusters(self, materials: np.ndarray | pd.Index | None = None) -> np.ndarray | None:
        """Labels of these target rows (all if None), alike for the temperatures of a pair; None where each is its own material."""
        if CLUSTERS not in self.target.table:
            return None
        pairs = self.target.table[CLUSTERS].to_numpy()
        return pairs if materials is None else pairs[np.asarray(materials)]


@dataclass(frozen=True)
class Design:
    """What is run, as pure data; a ValueError for an unknown ``overlap`` or no trials.

    Attributes:
        n_grid, m_grid: source and target training sizes; every trial tests on 20 % of the target's materials.
        trials: repetitions; trial numbers are 0 .. trials - 1.
        seed: changes all random numbers.
        source_draws: trial t takes source draw t modulo this, and the networks pretrained on it; 0 is one a trial, as in the paper.
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

    @property
    def distinct_draws(self) -> int:
        """How many different source draws the trials have."""
        return min(self.source_draws, self.trials) or self.trials

    def draw(self, trials: int | NDArray) -> int | NDArray:
        """The source draw of these trials, by number."""
        return trials % self.source_draws if self.source_draws else trials


def log_grid(low: int, high: int, points: int = 10) -> tuple[int, ...]:
    """Distinct integers, equally spaced on a logarithmic scale, both ends included; a ValueError if ``high`` is not larger."""
    if high <= low:
        raise ValueError(f"cannot lay a grid from {low} to {high}: the source has too few materials")
    return tuple(sorted({int(round(n)) for n in np.geomspace(low, high, points)}))


def training_size(task: Task, split_by: str = "") -> int:
    """The largest m that every split allows: all materials that are not tested."""
    # of the group that the test set ends in, at most all but one row stand on neither side
    aside = task.table[split_by].value_counts().max() - 1 if split_by else 0
    return int(len(task) - test_size(task) - aside)


def test_size(task: Task) -> int:
    """Materials in a trial's test set."""
    return max(1, round(TEST_FRACTION * len(task)))


def split_rows(task: Task, rng: np.random.Generator, split_by: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Random split of the target: training rows in the order in which m takes them, and test rows. With ``split_by`` rows come
    group by group; what is left of the group in which the test set is full belongs to neither side.
    """
    return _split(task, rng, _groups(task, split_by))


def _groups(task: Task, split_by: str) -> NDArray | None:
    return pd.factorize(task.table[split_by])[0] if split_by else None


def _split(task: Task, rng: np.random.Generator, groups: NDArray | None) -> tuple[np.ndarray, np.ndarray]:
    size = test_size(task)
    if groups is None:
        order = rng.permutation(len(task))
        return order[size:], order[:size]
    place = rng.permutation(groups.max() + 1)
    order = np.lexsort((rng.random(len(task)), place[groups]))
    test, rest = order[:size], order[size:]
    return rest[groups[rest] != groups[test[-1]]], test


def splits(study: Study, seed: int, trials: Iterable[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The splits (:func:`split_rows`) of a study's target in these trials, by the seed of the design."""
    named, groups = (seed, study.splits or study.name, "split"), _groups(study.target, study.split_by)
    return [_split(study.target, numpy_generator(*named, t), groups) for t in trials]


class Cube(NamedTuple):
    """Absolute errors (trials, materials, N, M) in the property's unit, NaN where a trial did not test the material; ``n`` and
    ``m`` ascend, all but transfer stands at n = 0, and ``clusters`` (materials,) are labels or None.
    """

    errors: NDArray
    n: tuple[int, ...]
    m: tuple[int, ...]
    trials: NDArray
    materials: NDArray
    clusters: NDArray | None


@dataclass(frozen=True)
class Trials:
    """What an experiment gave: ``table`` has each arm's absolute error by n (0 for all but ``transfer``), m, trial and material, a
    target row. ``diverged`` has arm, n, m and trial of every network whose loss did not stay finite; the table is without these
    trials.
    """

    study: Study
    design: Design
    table: pd.DataFrame
    diverged: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["arm", "n", "m", "trial"]))

    @property
    def numbers(self) -> NDArray:
        """The trials there are, ascending: all of the design's but those in which a network diverged."""
        return np.sort(self.table["trial"].unique())

    def cube(self, arms: Sequence[str] = ("transfer",), *, m: int | None = None, rows: ArrayLike | None = None) -> Cube:
        """Errors of arms, at most one other than ``transfer`` (at n = 0), at ``m`` (all if None) and target ``rows`` (all if
        None).

        A KeyError: no trials of an arm at that m; a ValueError: two errors for one place, or a cell of n and m without any.
        """
        table = self.table[self.table["arm"].isin(arms)]
        if m is not None:
            table = table[table["m"] == m]
        if missing := sorted(set(arms) - set(table["arm"].unique())):
            raise KeyError(f"no trials of arm {missing[0]!r}" + ("" if m is None else f" at m = {m}"))
        (of_n, n), (of_m, of_size) = (pd.factorize(table[name], sort=True) for name in ("n", "m"))
        cells = np.bincount(of_n * len(of_size) + of_m, minlength=len(n) * len(of_size)).reshape(len(n), -1)
        if len(empty := np.argwhere(cells == 0)):
            raise ValueError(f"no trials at n = {n[empty[0, 0]]}, m = {of_size[empty[0, 1]]}; fill the grid")
        if rows is not None:
            kept = table["material"].isin(np.asarray(rows)).to_numpy()
            table, of_n, of_m = table[kept], of_n[kept], of_m[kept]
        (of_trial, trials), (of_material, materials) = (pd.factorize(table[name], sort=True) for name in ("trial", "material"))
        errors = np.full((len(trials), len(materials), len(n), len(of_size)), np.nan)
        if table.duplicated(["trial", "material", "n", "m"]).any():
            raise ValueError(f"more than one error for a trial and material at one n and m of the arms {', '.join(arms)}")
        errors[of_trial, of_material, of_n, of_m] = table["absolute_error"]
        trials, materials = np.asarray(trials), np.asarray(materials)
        return Cube(errors, tuple(map(int, n)), tuple(map(int, of_size)), trials, materials, self.study.clusters(materials))

    def errors(self, arm: str, m: int | None = None) -> np.ndarray:
        """Mean absolute error of each trial: (trials, len(n_grid)) for ``transfer``, (trials,) for others; ``m`` is the largest if
        None; a KeyError if there are no such trials.
        """
        m = max(self.design.m_grid) if m is None else m
        rows = self.table[(self.table["arm"] == arm) & (self.table["m"] == m)]
        if rows.empty:
            raise KeyError(f"no trials of arm {arm!r} at m = {m}")
        mean = rows.groupby(["trial", "n"])["absolute_error"].mean().unstack("n")
        return mean[list(self.design.n_grid)].to_numpy() if arm == "transfer" else mean[0].to_numpy()
