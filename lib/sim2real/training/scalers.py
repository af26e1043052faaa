"""Scales of K trials' inputs and outputs, fitted on each trial's own training rows and on nothing else."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Sequence
from copy import copy

import numpy as np
import torch
from sklearn.preprocessing import MinMaxScaler, PowerTransformer, StandardScaler

# A descriptor of a target material may lie far outside of what n = 100 simulated ones span; a network extrapolates
# linearly there, so scaled inputs are held within this many training ranges (or standard deviations) of the centre.
INPUT_CLIP = {"min-max": (-0.5, 1.5), "standard": (-4.0, 4.0)}
ROWS_AT_ONCE = 65_536  # of which copies are made, so that memory does not grow with the source
NEGLIGIBLE = 1e-6  # width of a column, relative to its centre or to 1, below which it counts as constant


class InputScalers:
    """K input scalers, applied to a batch as one affine map and a clip; ``counts`` say how often each row counts."""

    def __init__(self, kind: str, X: np.ndarray, rows: Iterable[np.ndarray], counts: Iterable[np.ndarray | None] = ()) -> None:
        if kind not in INPUT_CLIP:
            raise ValueError(f"unknown input scaling {kind!r}; expected one of {', '.join(INPUT_CLIP)}")
        self.clip = INPUT_CLIP[kind]
        shift, factor = [], []
        for own, count in itertools.zip_longest(rows, counts):
            scaler = MinMaxScaler() if kind == "min-max" else StandardScaler()
            for first in range(0, len(own), ROWS_AT_ONCE):
                part = slice(first, first + ROWS_AT_ONCE)
                weights = {} if count is None or kind == "min-max" else {"sample_weight": count[part]}
                scaler.partial_fit(X[own[part]], **weights)
            if kind == "min-max":
                centre, width = scaler.data_min_, scaler.data_range_
            else:
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

    def to(self, device: torch.device) -> InputScalers:
        """The same on a device."""
        moved = copy(self)
        moved.shift, moved.factor = self.shift.to(device), self.factor.to(device)
        return moved

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(K, rows, features) -> the same, scaled and clipped."""
        return ((x - self.shift) * self.factor).clamp_(*self.clip)


class OutputScalers:
    """K output scalers with inverses that stay finite."""

    def __init__(self, kind: str, y: np.ndarray, rows: np.ndarray) -> None:
        if kind not in ("standard", "yeo-johnson"):
            raise ValueError(f"unknown output scaling {kind!r}; expected standard or yeo-johnson")
        make = StandardScaler if kind == "standard" else PowerTransformer
        self.kind, values = kind, y[rows]
        self.scalers = [make().fit(v[:, None]) for v in values]
        self.low, self.high = values.min(1), values.max(1)

    def take(self, positions: Sequence[int]) -> OutputScalers:
        taken = copy(self)
        taken.scalers = [self.scalers[k] for k in positions]
        taken.low, taken.high = self.low[list(positions)], self.high[list(positions)]
        return taken

    def transform(self, values: np.ndarray) -> np.ndarray:
        """(K, rows) in the property's unit -> scaled."""
        return np.stack([s.transform(v[:, None])[:, 0] for s, v in zip(self.scalers, values)])

    def inverse(self, scaled: np.ndarray) -> np.ndarray:
        """(K, rows) scaled -> the property's unit, held within half a training range of the training values."""
        # the inverse of Yeo-Johnson has no value beyond the end of its domain; such a prediction is the nearer bound
        margin = (self.high - self.low) / 2
        result = []
        for scaler, z, low, high in zip(self.scalers, scaled, self.low - margin, self.high + margin):
            with np.errstate(invalid="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # scikit-learn's, about the NaN that the next line replaces
                value = scaler.inverse_transform(z[:, None].astype(np.float64))[:, 0]
            value = np.where(np.isnan(value), np.where(z > 0, high, low), value)
            result.append(np.clip(value, low, high))
        return np.stack(result)


def least_squares_line(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope >= 0 and intercept of y on x along the last axis; shapes (K, rows) -> (K,), (K,)."""
    dx = x - x.mean(-1, keepdims=True)
    variance = (dx**2).sum(-1)
    slope = np.where(variance > 0, (dx * y).sum(-1) / np.where(variance > 0, variance, 1), 0.0)
    slope = np.maximum(slope, 0.0)
    return slope, y.mean(-1) - slope * x.mean(-1)
