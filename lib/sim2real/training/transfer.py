"""One trial's life: pretrain on simulations, fine-tune on measurements, or learn directly; K trials at a time.

Every function takes row numbers of shape (K, rows), one row of them a trial, and trains the K networks of these trials
together (:mod:`sim2real.training.networks`). Scalers are fitted on a trial's training rows only.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.preprocessing import MinMaxScaler, PowerTransformer, StandardScaler

from sim2real.training.networks import Minibatches, StackedMLP, train
from sim2real.training.seeding import numpy_generator, torch_generator

# A descriptor of a target material may lie far outside of what n = 100 simulated ones span; a network extrapolates
# linearly there, so scaled inputs are held within this many training ranges (or standard deviations) of the centre.
INPUT_CLIP = {"min-max": (-0.5, 1.5), "standard": (-4.0, 4.0)}
NEGLIGIBLE = 1e-6  # width of a column, relative to its centre or to 1, below which it counts as constant


@dataclass(frozen=True)
class Training:
    """How one stage is trained: AdamW with cosine decay.

    Updates stop at ``steps``, and before that at ``max_epochs`` passes over the training rows: a network that has seen
    its 100 rows 200 times has nothing more to learn from them, and trials at small n cost less.
    """

    steps: int
    learning_rate: float
    weight_decay: float = 1e-4
    dropout: float = 0.0
    batch_size: int = 64
    max_epochs: int = 200

    def steps_for(self, rows: int) -> int:
        """Number of updates for this many training rows."""
        return min(self.steps, self.max_epochs * max(1, rows // self.batch_size))


@dataclass(frozen=True)
class Network:
    """Hidden layers and scaling: ``inputs`` is ``min-max`` or ``standard``, ``outputs`` ``standard`` or ``yeo-johnson``."""

    sizes: tuple[int, ...] = (128, 64, 16)
    inputs: str = "standard"
    outputs: str = "standard"


@dataclass(frozen=True)
class Hyperparameters:
    """Everything about the networks of one study that was chosen rather than given, for both arms.

    With ``fine_tuning.steps`` 0 a transferred network differs from the pretrained one only by the rescaling of its head.
    """

    transfer_network: Network
    pretraining: Training
    fine_tuning: Training
    direct_network: Network
    direct: Training


class InputScalers:
    """K input scalers, applied to a batch as one affine map and a clip."""

    def __init__(self, kind: str, X: np.ndarray, rows: np.ndarray) -> None:
        if kind not in INPUT_CLIP:
            raise ValueError(f"unknown input scaling {kind!r}; expected one of {', '.join(INPUT_CLIP)}")
        self.clip = INPUT_CLIP[kind]
        shift, factor = [], []
        for own in rows:
            if kind == "min-max":
                scaler = MinMaxScaler().fit(X[own])
                centre, width = scaler.data_min_, scaler.data_range_
            else:
                scaler = StandardScaler().fit(X[own])
                centre, width = scaler.mean_, np.sqrt(scaler.var_)
            # a column that is constant over the training rows says nothing: its weights are random and stay so, and a
            # target material that differs there would be moved by noise
            varies = width > NEGLIGIBLE * np.maximum(1, np.abs(centre))
            shift.append(centre)
            factor.append(np.where(varies, 1 / np.where(varies, width, 1), 0))
        self.shift = torch.from_numpy(np.stack(shift)[:, None, :].astype(np.float32))
        self.factor = torch.from_numpy(np.stack(factor)[:, None, :].astype(np.float32))

    def take(self, index: torch.Tensor) -> InputScalers:
        """The scalers at these positions."""
        taken = copy(self)
        taken.shift, taken.factor = self.shift[index], self.factor[index]
        return taken

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(K, rows, features) -> the same, scaled and clipped."""
        return ((x - self.shift) * self.factor).clamp_(*self.clip)


class OutputScalers:
    """K output scalers with inverses that stay finite."""

    def __init__(self, kind: str, y: np.ndarray, rows: np.ndarray) -> None:
        if kind not in ("standard", "yeo-johnson"):
            raise ValueError(f"unknown output scaling {kind!r}; expected standard or yeo-johnson")
        make = StandardScaler if kind == "standard" else PowerTransformer
        self.kind = kind
        values = y[rows]
        self.scalers = [make().fit(v[:, None]) for v in values]
        self.low, self.high = values.min(1), values.max(1)

    def take(self, positions: Sequence[int]) -> OutputScalers:
        """The scalers at these positions."""
        taken = copy(self)
        taken.scalers = [self.scalers[k] for k in positions]
        taken.low, taken.high = self.low[list(positions)], self.high[list(positions)]
        return taken

    def transform(self, values: np.ndarray) -> np.ndarray:
        """(K, rows) in the property's unit -> scaled."""
        return np.stack([s.transform(v[:, None])[:, 0] for s, v in zip(self.scalers, values)])

    def inverse(self, scaled: np.ndarray) -> np.ndarray:
        """(K, rows) scaled -> the property's unit, held within half a training range of the training values.

        The inverse of Yeo-Johnson has no value beyond the end of its domain; such a prediction is the nearer bound.
        """
        margin = (self.high - self.low) / 2
        result = []
        for scaler, z, low, high in zip(self.scalers, scaled, self.low - margin, self.high + margin):
            with np.errstate(invalid="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # scikit-learn's, about the NaN that the next line replaces
                value = scaler.inverse_transform(z[:, None].astype(np.float64))[:, 0]
            value = np.where(np.isnan(value), np.where(z > 0, high, low), value)
            result.append(np.clip(value, low, high))
        return np.stack(result)


@dataclass
class Predictors:
    """K trained networks with their scalers."""

    network: StackedMLP
    inputs: InputScalers
    outputs: OutputScalers

    @torch.no_grad()
    def scaled(self, X: np.ndarray, rows: np.ndarray) -> torch.Tensor:
        """Network outputs (K, rows) before the outputs are scaled back."""
        self.network.eval()
        return self.network(self.inputs(torch.from_numpy(X)[torch.from_numpy(rows)]))

    def take(self, positions: Sequence[int]) -> Predictors:
        """Predictors that are copies of these ones, by position; a position may stand more than once."""
        index = torch.as_tensor(positions)
        network = StackedMLP.like(self.network, self.network.generators, 0.0)
        for parameter in network.parameters():
            parameter.data = parameter.data[index].clone()
        network.generators = [self.network.generators[k] for k in positions]
        return Predictors(network, self.inputs.take(index), self.outputs.take(positions))

    def predict(self, X: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Predictions (K, rows) in the property's unit for each trial's own rows of X (materials, features)."""
        return self.outputs.inverse(self.scaled(X, rows).numpy())


def fit_networks(
    X: np.ndarray,
    y: np.ndarray,
    rows: np.ndarray,
    shape: Network,
    stage: Training,
    seeds: Sequence[tuple],
) -> Predictors:
    """Train K networks from random weights: pretraining on simulations, or direct learning on measurements.

    Args:
        X: descriptors (materials, features), float32.
        y: values (materials,).
        rows: (K, n) training rows, one row of them a trial.
        shape: hidden layers and scalers.
        stage: how to train.
        seeds: K tuples, from each of which all random numbers of its network follow.
    """
    generators = [torch_generator(*seed, "network") for seed in seeds]
    network = StackedMLP((X.shape[1], *shape.sizes), generators, stage.dropout)
    predictors = Predictors(network, InputScalers(shape.inputs, X, rows), OutputScalers(shape.outputs, y, rows))
    _optimise(predictors, X, y, rows, stage, seeds)
    return predictors


def transfer(
    pretrained: Predictors,
    X: np.ndarray,
    y: np.ndarray,
    rows: np.ndarray,
    stage: Training,
    seeds: Sequence[tuple],
) -> Predictors:
    """Turn K pretrained networks into predictors of measurements; the pretrained ones are left as they are.

    First the head is rescaled: a * f(x) + b is fitted to the training rows by least squares, a >= 0, so that fine-tuning
    starts from the pretrained ranking of materials in the target's own units. Then all layers are trained further.

    Args are those of :func:`fit_networks`, for the target.
    """
    network = StackedMLP.like(pretrained.network, [torch_generator(*seed, "network") for seed in seeds], stage.dropout)
    predictors = Predictors(network, pretrained.inputs, OutputScalers(pretrained.outputs.kind, y, rows))
    goal = predictors.outputs.transform(y[rows])
    output = predictors.scaled(X, rows).numpy().astype(np.float64)
    scale, shift = least_squares_line(output, goal)
    network.rescale_head(torch.from_numpy(scale.astype(np.float32)), torch.from_numpy(shift.astype(np.float32)))
    _optimise(predictors, X, y, rows, stage, seeds)
    return predictors


def least_squares_line(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope >= 0 and intercept of y on x along the last axis; shapes (K, rows) -> (K,), (K,)."""
    dx = x - x.mean(-1, keepdims=True)
    variance = (dx**2).sum(-1)
    slope = np.where(variance > 0, (dx * y).sum(-1) / np.where(variance > 0, variance, 1), 0.0)
    slope = np.maximum(slope, 0.0)
    return slope, y.mean(-1) - slope * x.mean(-1)


def _optimise(
    predictors: Predictors, X: np.ndarray, y: np.ndarray, rows: np.ndarray, stage: Training, seeds: Sequence[tuple]
) -> None:
    features = torch.from_numpy(X)
    rows = rows.astype(np.int64)
    # a column of scaled values per network: batches carry positions within the trial's rows, not row numbers
    goals = torch.from_numpy(predictors.outputs.transform(y[rows]).astype(np.float32))
    own_rows = torch.from_numpy(rows)
    positions = np.broadcast_to(np.arange(rows.shape[1]), rows.shape)
    batches = Minibatches(positions, stage.batch_size, [numpy_generator(*seed, "batches") for seed in seeds])

    def loss() -> torch.Tensor:
        batch = batches()
        x = predictors.inputs(features[own_rows.gather(1, batch)])
        return (predictors.network(x) - goals.gather(1, batch)).square().mean(1)

    train(
        predictors.network,
        loss,
        steps=stage.steps_for(rows.shape[1]),
        learning_rate=stage.learning_rate,
        weight_decay=stage.weight_decay,
    )
