"""Choose the hyperparameters of a study of pairs on validation data; called by ``python -m sim2real.training.tune``.

As in :mod:`sim2real.training.tune`, never a test row: tuning trials split the target as reporting trials do, put the test rows aside unread
and validate on a quarter of the training part, cut by the same groups. Both arms have the same candidates:

1. the network: scalers, how two latent vectors become a distance, and where the temperature enters (what Minami et al. 2025 leave
   open), with one training;
2. the training, with that network. Multitask learning is scored as the mean over a quarter and all of the simulations.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import pandas as pd
import torch

from sim2real.training.multitask import MultitaskHyperparameters, fit_multitask
from sim2real.training.seeding import numpy_generator
from sim2real.training.study import Study, split_rows
from sim2real.training.towers import DISTANCES, TEMPERATURES, PairNetwork
from sim2real.training.transfer import Training
from sim2real.training.tune import choose

TRIALS = 8
NETWORKS = [
    PairNetwork(distance=d, temperature=t, inputs=i, outputs=o)
    for d, t, i, o in itertools.product(DISTANCES, TEMPERATURES, ("standard", "min-max"), ("standard", "yeo-johnson"))
]
FIRST = Training(400, 3e-3, max_epochs=1000)
TRAININGS = [
    Training(steps, rate, weight_decay=decay, dropout=dropout, max_epochs=1000)
    for rate in (1e-3, 3e-3, 1e-2)
    for steps in (400, 1000)
    for decay in (1e-4, 1.0)
    for dropout in (0.0, 0.2)
]


def tune_pairs(study: Study, m: int) -> tuple[MultitaskHyperparameters, pd.DataFrame]:
    """The choice for one study of pairs and the table of all candidates.

    Args:
        study: its ``settings`` are not used. Studies with the same ``splits`` have the same validation rows. Their direct learning
            still differs, because RDKit's columns are those that vary in source and target together.
        m: target training size of the reported trials; about 3/4 of it train here, 1/4 validates.

    Returns:
        The hyperparameters with the lowest validation errors, and a row per candidate as :func:`sim2real.training.tune.tune` gives.
    """
    torch.set_num_threads(1)
    rows: list[dict] = []
    fit, validate = _split(study, m)
    n = len(study.source)
    chosen = {}
    for arm, sizes in (("multitask", (n // 4, n)), ("direct", (0,))):
        network, _ = choose(rows, f"{arm}, network", _score(study, fit, validate, sizes[-1:], NETWORKS, [FIRST]))
        network, training = choose(rows, arm, _score(study, fit, validate, sizes, [network], TRAININGS))
        chosen[arm] = (network, training)
    settings = MultitaskHyperparameters(*chosen["multitask"], *chosen["direct"])
    return settings, pd.DataFrame(rows)


def _score(
    study: Study,
    fit: np.ndarray,
    validate: np.ndarray,
    sizes: tuple[int, ...],
    networks: list[PairNetwork],
    trainings: list[Training],
) -> Iterable[tuple[tuple, np.ndarray]]:
    target, source = study.target, study.source
    seeds = [("tuning", study.splits, "pairs", t) for t in range(len(fit))]
    orders = [_rng(study, "source", t).permutation(len(source)) for t in range(len(fit))]
    for network, training in itertools.product(networks, trainings):
        errors = []
        for n in sizes:
            simulated = (source.X, source.y, np.stack([order[:n] for order in orders])) if n else None
            predictors = fit_multitask((target.X, target.y, fit), simulated, network, training, seeds)
            errors.append(np.abs(predictors.predict(target.X, validate) - target.y[validate]).mean(1))
        yield (network, training), np.mean(errors, axis=0)


def _split(study: Study, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and to validate on (trials, rows), from the training part of splits that are not reported."""
    fit, validate = [], []
    for t in range(TRIALS):
        train, _ = split_rows(study.target, _rng(study, "split", t), study.split_by)
        train = train[:m]
        held = train[: m // 4]
        rest = train[m // 4 :]
        if study.split_by:
            # rows come group by group: only the group that the cut goes through can stand on both sides
            groups = study.target.table[study.split_by].to_numpy()
            rest = rest[groups[rest] != groups[held[-1]]]
        fit.append(rest)
        validate.append(held)
    shortest = min(map(len, fit))
    return np.stack([rows[:shortest] for rows in fit]), np.stack(validate)


def _rng(study: Study, purpose: str, trial: int) -> np.random.Generator:
    return numpy_generator("tuning", study.splits, purpose, trial)
