"""What a reader would try before a neural network, on the same descriptors, splits and test rows. Each takes the target, training
and test rows (trials, rows), seeds and simulated values (materials,) or None, and predicts (trials, test rows).

Two need no database where the tested material can itself be simulated: delta learning of what the simulator gets wrong
(Ramakrishnan et al., J. Chem. Theory Comput. 11, 2087 (2015)), and the simulated value as one more input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from sklearn.base import RegressorMixin
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor

from sim2real.datasets.task import Task
from sim2real.training.scalers import InputScalers, least_squares_line
from sim2real.training.seeding import seed_sequence

# the penalty is chosen on the training rows, by leave-one-out
RIDGE_PENALTIES = np.geomspace(1e-1, 1e5, 13)
TREES, BOOSTING_ROUNDS = 100, 300
# at each split, or a third of the descriptors if that is less; on validation rows a third took three times as long and erred 2 %
# more of 806 (chi) and 1 % less of 580 (conductivities)
DESCRIPTORS_TRIED = 64
NEIGHBOURS = (1, 2, 3, 5, 10)
FEWEST_SIMULATED = 10
FOLDS, TREES_TO_CHOOSE = 4, 20  # of the training rows, to choose among learners
Rows, Seeds, Simulated = np.ndarray, Sequence[tuple], np.ndarray | None


def ridge(target: Task, train: Rows, test: Rows, seeds: Seeds, simulated: Simulated) -> np.ndarray:
    """Linear regression with a quadratic penalty on descriptors that are standardised and clipped as the networks' are."""
    # scikit-learn's choice for more rows than columns takes twice as long
    mode = "svd" if train.shape[1] > target.X.shape[1] else "auto"
    return _standardised([RidgeCV(RIDGE_PENALTIES, gcv_mode=mode)] * len(train), target, train, test)


def trees(target: Task, train: Rows, test: Rows, seeds: Seeds, simulated: Simulated, count: int = TREES) -> np.ndarray:
    """Extremely randomised trees (Geurts et al. 2006), which try some of the descriptors at each split."""
    tried = max(1, min(DESCRIPTORS_TRIED, target.X.shape[1] // 3))
    models = [ExtraTreesRegressor(count, max_features=tried, random_state=_state(seed), n_jobs=1) for seed in seeds]
    return _fitted(models, target, train, test)


def boosting(target: Task, train: Rows, test: Rows, seeds: Seeds, simulated: Simulated) -> np.ndarray:
    """Gradient boosting of trees on binned descriptors (Friedman 2001), stopped early by a tenth of the training rows."""
    fixed = {"max_iter": BOOSTING_ROUNDS, "early_stopping": True, "max_features": 1 / 3}
    models = [HistGradientBoostingRegressor(random_state=_state(seed), **fixed) for seed in seeds]
    return _fitted(models, target, train, test)


def neighbour(target: Task, train: Rows, test: Rows, seeds: Seeds, simulated: Simulated) -> np.ndarray:
    """The mean of the nearest training materials by descriptors scaled as those of ``ridge``; their number by cross-validation."""
    most = train.shape[1] // 2
    choices = {"n_neighbors": [k for k in NEIGHBOURS if k <= most]}
    search = GridSearchCV(KNeighborsRegressor(), choices, cv=min(5, most), scoring="neg_mean_absolute_error")
    return _standardised([search] * len(train), target, train, test)


def _state(seed: tuple) -> int:
    return int(seed_sequence(*seed, "baseline").generate_state(1)[0])


def _fitted(models: Sequence[RegressorMixin], target: Task, train: Rows, test: Rows) -> np.ndarray:
    """Predictions of one scikit-learn model a trial."""
    X, y = target.X, target.y
    return np.stack([model.fit(X[rows], y[rows]).predict(X[own]) for model, rows, own in zip(models, train, test)])


def _standardised(models: Sequence[RegressorMixin], target: Task, train: Rows, test: Rows) -> np.ndarray:
    """The same on descriptors scaled by each trial's training rows, where a column that hardly varies is no column."""
    X, scale = torch.from_numpy(target.X), InputScalers("standard", target.X, train)
    inputs, test_inputs = (scale(X[torch.from_numpy(rows)]).numpy().astype(np.float64) for rows in (train, test))
    fits = zip(models, inputs, train, test_inputs)
    return np.stack([model.fit(x, target.y[rows]).predict(own) for model, x, rows, own in fits])


def can_be_simulated(simulated: Simulated) -> bool:
    """Whether enough of the target's materials have simulated values for arms that need them."""
    return simulated is not None and np.isfinite(simulated).sum() >= FEWEST_SIMULATED


def _from_simulated(target: Task, train: Rows, test: Rows, seeds: Seeds, simulated: Simulated, *, line: bool) -> np.ndarray:
    """The simulated value of the tested material, on a line through the training rows or as it is; without one, the mean of those
    training rows that have none either, or of all.
    """
    y, predicted = target.y, []
    for rows, test_rows in zip(train, test):
        known, unknown = rows[np.isfinite(simulated[rows])], rows[~np.isfinite(simulated[rows])]
        slope, intercept = 1.0, 0.0
        if line:
            slope, intercept = least_squares_line(simulated[known], y[known]) if len(known) else (0.0, 0.0)
        values = slope * simulated[test_rows] + intercept
        mean = y[unknown].mean() if len(unknown) else y[rows].mean()
        predicted.append(np.where(np.isfinite(values), values, mean))
    return np.stack(predicted)


def _from_both(target: Task, train: Rows, test: Rows, seeds: Seeds, simulated: Simulated, *, residual: bool) -> np.ndarray:
    """Ridge or trees of what the simulated value, as it is or on a line, leaves over (``residual``), or of the value beside the
    descriptors; ridge of the descriptors where a material has none. Logarithmic properties are logarithms here, so that what is
    left over is a ratio.
    """
    known, bases, predicted = np.isfinite(simulated), ("value", "line") if residual else ("",), []
    wider = target
    if not residual:
        wider = replace(target, X=np.column_stack([target.X, np.where(known, simulated, 0)]).astype(np.float32))
    for rows, test_rows, seed in zip(train, test, seeds):
        learned, at = rows[known[rows]], known[test_rows]
        if len(learned) < FOLDS:
            at = np.zeros(len(test_rows), dtype=bool)
        values = np.empty(len(test_rows))
        if at.any():
            ways = [partial(_on_base, wider, simulated, seed, base, name) for base in bases for name in ("ridge", "trees")]
            values[at] = _best(ways, target.y, learned, test_rows[at])
        if not at.all():
            values[~at] = ridge(target, rows[None], test_rows[~at][None], [seed], None)[0]
        predicted.append(values)
    return np.stack(predicted)


def _on_base(
    target: Task, simulated: np.ndarray, seed: tuple, base: str, learner: str, rows: np.ndarray, test_rows: np.ndarray, count: int
) -> np.ndarray:
    """Predictions (test rows,): a learner of what the ``base`` (nothing, the simulated value, or a line of it) leaves over."""
    slope, intercept = 1.0, 0.0
    if base == "line":
        slope, intercept = least_squares_line(simulated[rows], target.y[rows])
    predicted = slope * simulated + intercept if base else np.zeros(len(target))
    left = replace(target, table=target.table.assign(value=target.y - predicted))
    learn = ridge if learner == "ridge" else partial(trees, count=count)
    return predicted[test_rows] + learn(left, rows[None], test_rows[None], [seed], None)[0]


def _best(ways: Sequence[Callable], y: np.ndarray, rows: np.ndarray, test_rows: np.ndarray) -> np.ndarray:
    """Predictions (test rows,) of the way that errs least on each fold of the training rows in turn."""
    # where pairs are kept together rows come pair by pair, so that hardly any fold tears one apart
    folds = np.array_split(rows, FOLDS)
    parts = [(np.concatenate(folds[:k] + folds[k + 1 :]), fold) for k, fold in enumerate(folds)]
    errors = [sum(np.abs(way(fit, held, TREES_TO_CHOOSE) - y[held]).sum() for fit, held in parts) for way in ways]
    return ways[int(np.argmin(errors))](rows, test_rows, TREES)


BASELINES = {f.__name__: f for f in (ridge, trees, boosting, neighbour)}
_OWN_VALUE = {name: partial(_from_simulated, line=name == "simulator") for name in ("simulator", "law")}
CORRECTED = {name: partial(_from_both, residual=name == "delta") for name in ("delta", "multifidelity")}
NEED_SIMULATED = (*_OWN_VALUE, *CORRECTED)
BASELINES |= _OWN_VALUE | CORRECTED
