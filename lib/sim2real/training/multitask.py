"""Multitask learning of pairs: simulated and measured values at once, with one tower and a head for each (Fig. 3).

The loss of a network is lambda / n times the squared errors of the n simulated pairs plus (1 - lambda) / m times those of the m
measured ones (Methods of Minami et al., npj Comput. Mater. 11, 146 (2025)), estimated on a batch of each; values are standardised
by domain. With lambda 0 there is nothing simulated: that is direct learning with the same network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from sim2real.training.networks import Minibatches, train
from sim2real.training.seeding import numpy_generator, torch_generator
from sim2real.training.towers import PairNetwork, PairScalers, StackedTowers
from sim2real.training.transfer import OutputScalers, Training

PAPER_WEIGHT = 0.5  # lambda of the paper and of Aoki et al. (2023)


@dataclass(frozen=True)
class MultitaskHyperparameters:
    """Everything about the networks of a study of pairs that was chosen rather than given, for both arms.

    ``multitask.steps`` are updates, each on a batch of simulated and one of measured pairs; its ``max_epochs`` count passes over
    the measured ones, as those of ``direct`` do, so that neither arm stops for the other's data.
    """

    transfer_network: PairNetwork
    multitask: Training
    direct_network: PairNetwork
    direct: Training
    simulation_weight: float = PAPER_WEIGHT


@dataclass
class PairPredictors:
    """K trained networks of pairs with their scalers; they predict measured values."""

    network: StackedTowers
    inputs: PairScalers
    outputs: OutputScalers

    @torch.no_grad()
    def predict(self, X: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Predictions (K, rows) in the property's unit for each network's own rows of X (pairs, columns)."""
        self.network.eval()
        pairs = self.inputs(torch.from_numpy(X)[torch.from_numpy(rows)])
        return self.outputs.inverse(self.network.head(self.network.separation(pairs), "measured").numpy())


def fit_multitask(
    measured: tuple[np.ndarray, np.ndarray, np.ndarray],
    simulated: tuple[np.ndarray, np.ndarray, np.ndarray] | None,
    shape: PairNetwork,
    stage: Training,
    seeds: Sequence[tuple],
    *,
    weight: float = PAPER_WEIGHT,
) -> PairPredictors:
    """Train K networks of pairs from random weights.

    Args:
        measured: pairs (materials, columns) float32, values (materials,), training rows (K, m).
        simulated: the same of the simulations, rows (K, n); None for direct learning.
        shape: layers and scalers.
        stage: how to train; its steps are limited by passes over the measured rows.
        seeds: K tuples, from each of which all random numbers of its network follow.
        weight: lambda, the share of the simulated pairs in the loss; 0 < lambda < 1. Not used without simulations.

    Raises:
        ValueError: lambda out of range, or columns that are no pair.
    """
    if simulated is not None and not 0 < weight < 1:
        raise ValueError(f"the weight of simulations is {weight}; expected more than 0 and less than 1")
    X, y, rows = measured
    generators = [torch_generator(*seed, "network") for seed in seeds]
    network = StackedTowers(shape, X.shape[1], generators, stage.dropout)
    parts = [measured] if simulated is None else [measured, simulated]
    outputs = [OutputScalers(shape.outputs, values, own) for _, values, own in parts]
    predictors = PairPredictors(network, PairScalers(shape.inputs, [(X, own) for X, _, own in parts]), outputs[0])
    draws = [_Draws(*part, scaler, stage.batch_size, seeds, k) for k, (part, scaler) in enumerate(zip(parts, outputs))]
    shares = (1.0,) if simulated is None else (1 - weight, weight)

    def loss() -> torch.Tensor:
        batches = [draw() for draw in draws]
        sizes = [x.shape[1] for x, _ in batches]
        separated = network.separation(predictors.inputs(torch.cat([x for x, _ in batches], dim=1))).split(sizes, dim=1)
        losses = [
            share * (network.head(part, name) - goal).square().mean(1)
            for share, part, name, (_, goal) in zip(shares, separated, ("measured", "simulated"), batches)
        ]
        return torch.stack(losses).sum(0)

    train(
        network,
        loss,
        steps=stage.steps_for(rows.shape[1]),
        learning_rate=stage.learning_rate,
        weight_decay=stage.weight_decay,
    )
    return predictors


class _Draws:
    """Batches of one domain: inputs (K, batch, columns) as they are, values (K, batch) scaled."""

    def __init__(
        self, X: np.ndarray, y: np.ndarray, rows: np.ndarray, scaler: OutputScalers, size: int, seeds: Sequence[tuple], domain: int
    ) -> None:
        self.X = torch.from_numpy(X)
        self.rows = torch.from_numpy(rows.astype(np.int64))
        self.goals = torch.from_numpy(scaler.transform(y[rows]).astype(np.float32))
        positions = np.broadcast_to(np.arange(rows.shape[1]), rows.shape)
        self.batches = Minibatches(positions, size, [numpy_generator(*seed, "batches", domain) for seed in seeds])

    def __call__(self) -> tuple[torch.Tensor, torch.Tensor]:
        batch = self.batches()
        return self.X[self.rows.gather(1, batch)], self.goals.gather(1, batch)
