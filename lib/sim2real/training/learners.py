"""What a block of trials trains: pretraining and fine-tuning, multitask learning of pairs, or direct learning of either kind.

A study's settings say which: :class:`~sim2real.training.transfer.Hyperparameters` or
:class:`~sim2real.training.multitask.MultitaskHyperparameters`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sim2real.training.multitask import MultitaskHyperparameters, fit_multitask
from sim2real.training.transfer import Hyperparameters, fit_networks, transfer

if TYPE_CHECKING:
    from sim2real.training.store import Plan

NETWORK_ARMS = ("transfer", "direct")


class Predicts(Protocol):
    """K trained networks."""

    def predict(self, X: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """(K, rows) in the property's unit."""


Learner = Callable[[np.ndarray, Sequence[tuple]], Predicts]


def learner(plan: Plan, arm: str, n: int, trials: tuple[int, ...]) -> Learner:
    """What turns target training rows (K, m) and seeds into predictors, for these K trials.

    Whatever does not depend on m, the pretraining, is done once, when this is called.
    """
    target, settings = plan.study.target, plan.study.settings
    if isinstance(settings, MultitaskHyperparameters):
        if arm == "direct":
            return lambda rows, seeds: fit_multitask(
                (target.X, target.y, rows), None, settings.direct_network, settings.direct, seeds
            )
        drawn = np.stack([plan.source_rows(t, n) for t in trials])
        simulated = (plan.source.X, plan.source.y, drawn)
        return lambda rows, seeds: fit_multitask(
            (target.X, target.y, rows),
            simulated,
            settings.transfer_network,
            settings.multitask,
            seeds,
            weight=settings.simulation_weight,
        )
    if arm == "direct":
        return lambda rows, seeds: fit_networks(target.X, target.y, rows, settings.direct_network, settings.direct, seeds)
    pretrained = plan.pretrain(trials, n)
    return lambda rows, seeds: transfer(pretrained, target.X, target.y, rows, settings.fine_tuning, seeds)


def used_settings(settings: Hyperparameters | MultitaskHyperparameters, arm: str) -> tuple[str, ...]:
    """Names of the settings that an arm depends on."""
    if arm not in NETWORK_ARMS:
        return ()
    if arm == "direct":
        return ("direct_network", "direct")
    if isinstance(settings, MultitaskHyperparameters):
        return ("transfer_network", "multitask", "simulation_weight")
    return ("transfer_network", "pretraining", "fine_tuning")


def updates(plan: Plan, arm: str, n: int, m_grid: Sequence[int], trials: Sequence[int]) -> int:
    """Updates of single networks that a block of these trials takes."""
    settings = plan.study.settings
    if arm == "direct":
        return len(trials) * sum(settings.direct.steps_for(m) for m in m_grid)
    if isinstance(settings, MultitaskHyperparameters):
        return len(trials) * sum(settings.multitask.steps_for(m) for m in m_grid)
    draws = len(trials) if plan.drops_tested else len({plan.design.draw(t) for t in trials})
    tuning = len(trials) * sum(settings.fine_tuning.steps_for(m) for m in m_grid)
    return draws * settings.pretraining.steps_for(n) + tuning
