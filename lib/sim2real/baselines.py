"""What a reader would try before a neural network: the same descriptors, splits and test rows, other learners.

Each baseline takes a study, training and test rows of the target (trials, rows) and the trials' seeds, and returns
predictions (trials, test rows) in the property's unit. ``simulator`` uses no descriptor: it is the simulator's own value
of the very material, corrected by a line fitted to the training rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import RidgeCV

from sim2real.seeding import seed_sequence
from sim2real.transfer import InputScalers, least_squares_line

if TYPE_CHECKING:
    from sim2real.experiment import Study

# the penalty is chosen on the training rows, by leave-one-out
RIDGE_PENALTIES = np.geomspace(1e-1, 1e5, 13)
TREES = 200


def ridge(study: Study, train: np.ndarray, test: np.ndarray, seeds: Sequence[tuple]) -> np.ndarray:
    """Linear regression with a quadratic penalty on descriptors that are standardised and clipped as the networks' are."""
    X, y = torch.from_numpy(study.target.X), study.target.y
    scale = InputScalers("standard", study.target.X, train)
    inputs, test_inputs = (scale(X[torch.from_numpy(rows)]).numpy().astype(np.float64) for rows in (train, test))
    models = [RidgeCV(RIDGE_PENALTIES).fit(x, y[rows]) for x, rows in zip(inputs, train)]
    return np.stack([model.predict(x) for model, x in zip(models, test_inputs)])


def trees(study: Study, train: np.ndarray, test: np.ndarray, seeds: Sequence[tuple]) -> np.ndarray:
    """Extremely randomised trees (Geurts et al. 2006), a third of the descriptors tried at each split."""
    X, y = study.target.X, study.target.y
    predicted = []
    for rows, test_rows, seed in zip(train, test, seeds):
        state = int(seed_sequence(*seed, "baseline").generate_state(1)[0])
        model = ExtraTreesRegressor(TREES, max_features=1 / 3, random_state=state, n_jobs=1).fit(X[rows], y[rows])
        predicted.append(model.predict(X[test_rows]))
    return np.stack(predicted)


def simulator(study: Study, train: np.ndarray, test: np.ndarray, seeds: Sequence[tuple]) -> np.ndarray:
    """The simulated value of the tested material itself on a line through the training rows."""
    simulated = study.simulated_target
    slope, intercept = least_squares_line(simulated[train], study.target.y[train])
    return slope[:, None] * simulated[test] + intercept[:, None]


BASELINES = {"ridge": ridge, "trees": trees, "simulator": simulator}
