"""K trials at once: pretrain and fine-tune, learn both at once, or directly; row numbers are (K, rows), scalers see training rows
only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from sim2real.training.networks import Minibatches, Network, StackedMLP, Training, train
from sim2real.training.scalers import InputScalers, OutputScalers, least_squares_line
from sim2real.training.seeding import numpy_generator, torch_generator
from sim2real.training.towers import PairNetwork, PairScalers, StackedTowers

# descriptors (materials, columns) in float32, values (materials,) and training rows (K, rows)
Data, Seeds = tuple[np.ndarray, np.ndarray, np.ndarray], Sequence[tuple]
PAPER_WEIGHT = 0.5  # lambda of the paper and of Aoki et al. (2023)


@dataclass
class Predictors:
    """K trained networks with their scalers; they predict measured values."""

    network: StackedMLP | StackedTowers
    inputs: InputScalers
    outputs: OutputScalers

    @torch.no_grad()
    def scaled(self, X: np.ndarray, rows: np.ndarray) -> torch.Tensor:
        """Network outputs (K, rows) before the outputs are scaled back."""
        self.network.eval()
        return self.network(self.inputs(torch.from_numpy(X)[torch.from_numpy(rows)]))

    def take(self, positions: Sequence[int]) -> Predictors:
        """Copies of plain networks, by position; a position may stand more than once."""
        index = torch.as_tensor(positions)
        network = StackedMLP.like(self.network, self.network.generators, 0.0)
        for parameter in network.parameters():
            parameter.data = parameter.data[index].clone()
        network.generators = [self.network.generators[k] for k in positions]
        return Predictors(network, self.inputs.take(index), self.outputs.take(positions))

    def predict(self, X: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Predictions (K, rows) in the property's unit for each trial's own rows of X (materials or pairs, columns)."""
        return self.outputs.inverse(self.scaled(X, rows).numpy())


def fit_networks(X: np.ndarray, y: np.ndarray, rows: np.ndarray, shape: Network, stage: Training, seeds: Seeds) -> Predictors:
    """Train K networks from random weights, for pretraining or direct learning; a network's random numbers follow from its seed."""
    generators = [torch_generator(*seed, "network") for seed in seeds]
    network = StackedMLP((X.shape[1], *shape.sizes), generators, stage.dropout)
    predictors = Predictors(network, InputScalers(shape.inputs, X, rows), OutputScalers(shape.outputs, y, rows))
    draw = _Draws(X, y, rows, predictors.outputs, stage.batch_size, seeds)
    _train(predictors, partial(_loss, predictors, draw), stage, rows)
    return predictors


def transfer(pretrained: Predictors, X: np.ndarray, y: np.ndarray, rows: np.ndarray, stage: Training, seeds: Seeds) -> Predictors:
    """Fine-tune copies of K pretrained networks on measurements, after a fit of a * f(x) + b, a >= 0, to the training rows, so
    that all layers start from the pretrained ranking in the target's units.
    """
    network = StackedMLP.like(pretrained.network, [torch_generator(*seed, "network") for seed in seeds], stage.dropout)
    predictors = Predictors(network, pretrained.inputs, OutputScalers(pretrained.outputs.kind, y, rows))
    goal = predictors.outputs.transform(y[rows])
    output = predictors.scaled(X, rows).numpy().astype(np.float64)
    scale, shift = least_squares_line(output, goal)
    network.rescale_head(torch.from_numpy(scale.astype(np.float32)), torch.from_numpy(shift.astype(np.float32)))
    draw = _Draws(X, y, rows, predictors.outputs, stage.batch_size, seeds)
    _train(predictors, partial(_loss, predictors, draw), stage, rows)
    return predictors


def _loss(predictors: Predictors, draw: Callable[[], tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    x, goal = draw()
    return (predictors.network(predictors.inputs(x)) - goal).square().mean(1)


def _train(predictors: Predictors, loss: Callable[[], torch.Tensor], stage: Training, rows: np.ndarray) -> None:
    steps = stage.steps_for(rows.shape[1])
    train(predictors.network, loss, steps=steps, learning_rate=stage.learning_rate, weight_decay=stage.weight_decay)


class _Draws:
    """Batches of training rows: inputs (K, batch, columns) as they are, values (K, batch) scaled."""

    def __init__(
        self, X: np.ndarray, y: np.ndarray, rows: np.ndarray, scaler: OutputScalers, size: int, seeds: Seeds, *domain: int
    ) -> None:
        self.X = torch.from_numpy(X)
        self.rows = torch.from_numpy(rows.astype(np.int64))
        # a column of scaled values per network: batches carry positions within the trial's rows, not row numbers
        self.goals = torch.from_numpy(scaler.transform(y[rows]).astype(np.float32))
        positions = np.broadcast_to(np.arange(rows.shape[1]), rows.shape)
        self.batches = Minibatches(positions, size, [numpy_generator(*seed, "batches", *domain) for seed in seeds])

    def __call__(self) -> tuple[torch.Tensor, torch.Tensor]:
        batch = self.batches()
        return self.X[self.rows.gather(1, batch)], self.goals.gather(1, batch)


def fit_multitask(
    measured: Data, simulated: Data | None, shape: PairNetwork, stage: Training, seeds: Seeds, *, weight: float = PAPER_WEIGHT
) -> Predictors:
    """Train K networks of pairs on simulated and measured values at once (Fig. 3), or on measured ones alone.

    The loss is lambda (``weight``) / n times the squared errors of the n simulated pairs plus (1 - lambda) / m times those of the m
    measured ones (Minami et al., npj Comput. Mater. 11, 146 (2025)), on a batch of each; values are standardised by domain. A
    ValueError: lambda outside of 0 to 1, or columns that are no pair.
    """
    if simulated is not None and not 0 < weight < 1:
        raise ValueError(f"the weight of simulations is {weight}; expected more than 0 and less than 1")
    X, _, rows = measured
    generators = [torch_generator(*seed, "network") for seed in seeds]
    network = StackedTowers(shape, X.shape[1], generators, stage.dropout)
    parts = [measured] if simulated is None else [measured, simulated]
    outputs = [OutputScalers(shape.outputs, values, own) for _, values, own in parts]
    predictors = Predictors(network, PairScalers(shape.inputs, [(X, own) for X, _, own in parts]), outputs[0])
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

    _train(predictors, loss, stage, rows)
    return predictors
