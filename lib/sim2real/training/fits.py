"""K trials at once: pretrain and fine-tune, learn both at once, or directly; row numbers are (K, rows), scalers see training rows
only.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from sim2real.training import kernel
from sim2real.training.networks import Network, StackedMLP, Training, diverged, minibatches, train
from sim2real.training.scalers import InputScalers, OutputScalers, least_squares_line
from sim2real.training.seeding import numpy_generator, torch_generator
from sim2real.training.towers import Molecules, PairNetwork, PairScalers, StackedTowers

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
    _train(predictors, [_Domain(X, rows, predictors.outputs.transform(y[rows]))], stage, seeds)
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
    _train(predictors, [_Domain(X, rows, goal)], stage, seeds)
    return predictors


@dataclass(frozen=True)
class _Domain:
    """What K networks learn by one head: rows (K, n) of X, their scaled values (K, n), and the share of the loss; the name is of
    its random numbers.
    """

    X: np.ndarray
    rows: np.ndarray
    goals: np.ndarray
    share: float = 1.0
    name: tuple = ()

    def batches(self, stage: Training, steps: int, seed: tuple) -> np.ndarray:
        """Positions among a network's own rows, (steps, batch)."""
        return minibatches(self.rows.shape[1], stage.batch_size, steps, numpy_generator(*seed, "batches", *self.name))


def _train(
    predictors: Predictors,
    domains: Sequence[_Domain],
    stage: Training,
    seeds: Seeds,
    molecules: Molecules | None = None,
    threads: int = 1,
) -> None:
    """Train K networks in place: each by itself in compiled code, or stacked by torch on a GPU or where there is no compiler."""
    steps = stage.steps_for(domains[0].rows.shape[1])
    if steps:
        compiled = partial(_train_compiled, molecules=molecules, threads=threads)
        train_all = compiled if kernel.engine() == "compiled" else _train_stacked
        train_all(predictors, domains, stage, steps, seeds)


def _train_stacked(predictors: Predictors, domains: Sequence[_Domain], stage: Training, steps: int, seeds: Seeds) -> None:
    device = kernel.device()
    network, inputs = predictors.network.to(device), predictors.inputs.to(device)
    generators = network.generators
    if device.type == "cuda":  # numbers of the processor's generators would have to be carried over
        network.generators = [torch.Generator(device).manual_seed(g.initial_seed()) for g in generators]
    drawn = [np.stack([d.batches(stage, steps, seed) for seed in seeds], axis=1) for d in domains]
    orders = [torch.from_numpy(batches.astype(np.int64)).to(device) for batches in drawn]
    arrays = [(d.X, d.rows, d.goals.astype(np.float32)) for d in domains]
    tensors = [tuple(torch.from_numpy(array).to(device) for array in of) for of in arrays]

    def loss(step: int) -> torch.Tensor:
        sizes = [order.shape[2] for order in orders]
        x = torch.cat([X[rows.gather(1, order[step])] for (X, rows, _), order in zip(tensors, orders)], dim=1)
        predicted = network.predictions(inputs(x).split(sizes, dim=1))
        goals = [values.gather(1, order[step]) for (_, _, values), order in zip(tensors, orders)]
        return sum(d.share * (p - goal).square().mean(1) for d, p, goal in zip(domains, predicted, goals))

    train(network, loss, steps=steps, learning_rate=stage.learning_rate, weight_decay=stage.weight_decay)
    network.cpu().generators = generators


@torch.no_grad()
def _train_compiled(
    predictors: Predictors,
    domains: Sequence[_Domain],
    stage: Training,
    steps: int,
    seeds: Seeds,
    molecules: Molecules | None,
    threads: int,
) -> None:
    network, inputs = predictors.network, predictors.inputs
    parameters = [p for layer in network.layers(len(domains)) for p in (layer.weight, layer.bias)]
    flat = torch.cat([p.flatten(1) for p in parameters], dim=1)
    table = np.ascontiguousarray(domains[0].X if molecules is None else molecules.table)
    width = table.shape[1]

    def train_one(k: int) -> None:
        shift, factor = inputs.shift[k, 0].numpy(), inputs.factor[k, 0].numpy()
        lessons = []
        for at, domain in enumerate(domains):
            own = domain.rows[k]
            first, second, conditions = own, None, None
            if molecules is not None:
                first, second = molecules.sides[at][own].T
                conditions = ((domain.X[own, 2 * width :] - shift[2 * width :]) * factor[2 * width :]).clip(*inputs.clip)
            batches = domain.batches(stage, steps, seeds[k])
            lessons.append(kernel.Lesson(first, second, conditions, domain.goals[k], batches, domain.share))
        scale = (shift[:width], factor[:width], inputs.clip)
        if stopped := kernel.train_one(network.layout, flat[k].numpy(), table, scale, lessons, stage, seeds[k]):
            raise diverged(k, stopped)

    # compiled code runs beside other threads, each on arrays of its own
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(train_one, range(len(seeds))))
    for parameter, trained in zip(parameters, flat.split([p[0].numel() for p in parameters], dim=1)):
        parameter.copy_(trained.reshape(parameter.shape))


def fit_multitask(
    measured: Data,
    simulated: Data | None,
    shape: PairNetwork,
    stage: Training,
    seeds: Seeds,
    *,
    weight: float = PAPER_WEIGHT,
    threads: int = 1,
) -> Predictors:
    """Train K networks of pairs on simulated and measured values at once (Fig. 3), or on measured ones alone; so many at a time.

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
    molecules = Molecules([X for X, _, _ in parts])
    outputs = [OutputScalers(shape.outputs, values, own) for _, values, own in parts]
    predictors = Predictors(network, PairScalers(shape.inputs, [(X, own) for X, _, own in parts], molecules), outputs[0])
    shares = (1.0,) if simulated is None else (1 - weight, weight)
    domains = [
        _Domain(X, own, scaler.transform(y[own]), share, (k,))
        for k, ((X, y, own), scaler, share) in enumerate(zip(parts, outputs, shares))
    ]
    _train(predictors, domains, stage, seeds, molecules, threads)
    return predictors
