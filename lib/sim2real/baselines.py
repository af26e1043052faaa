"""What a reader would try before a neural network: the same descriptors, splits and test rows, other learners.

Each baseline takes a study, training and test rows of the target (trials, rows) and the trials' seeds, and returns
predictions (trials, test rows) in the property's unit. ``simulator`` uses no descriptor: it is the simulator's own value
of the very material, corrected by a line fitted to the training rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sim2real.seeding import seed_sequence
from sim2real.transfer import least_squares_line

if TYPE_CHECKING:
    from sim2real.experiment import Study

# the penalty is chosen on the training rows, by leave-one-out
RIDGE_PENALTIES = np.geomspace(1e-1, 1e5, 13)
TREES = 200


def ridge(study: Study, train: np.ndarray, test: np.ndarray, seeds: Sequence[tuple]) -> np.ndarray:
    """Linear regression with a quadratic penalty on standardised descriptors."""
    return _each_trial(lambda seed: make_pipeline(StandardScaler(), RidgeCV(RIDGE_PENALTIES)), study, train, test, seeds)


def trees(study: Study, train: np.ndarray, test: np.ndarray, seeds: Sequence[tuple]) -> np.ndarray:
    """Extremely randomised trees (Geurts et al. 2006), a third of the descriptors tried at each split."""
    return _each_trial(
        lambda seed: ExtraTreesRegressor(TREES, max_features=1 / 3, random_state=seed, n_jobs=1), study, train, test, seeds
    )


def simulator(study: Study, train: np.ndarray, test: np.ndarray, seeds: Sequence[tuple]) -> np.ndarray:
    """The simulated value of the tested material itself on a line through the training rows."""
    simulated = study.simulated_target
    slope, intercept = least_squares_line(simulated[train], study.target.y[train])
    return slope[:, None] * simulated[test] + intercept[:, None]


def _each_trial(
    make: Callable[[int], RegressorMixin], study: Study, train: np.ndarray, test: np.ndarray, seeds: Sequence[tuple]
) -> np.ndarray:
    X, y = study.target.X, study.target.y
    predicted = []
    for rows, test_rows, seed in zip(train, test, seeds):
        model = make(int(seed_sequence(*seed, "baseline").generate_state(1)[0]))
        predicted.append(model.fit(X[rows], y[rows]).predict(X[test_rows]))
    return np.stack(predicted)


BASELINES = {"ridge": ridge, "trees": trees, "simulator": simulator}
