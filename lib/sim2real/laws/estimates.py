"""Sizes that reach an error, and rates, with intervals that survive a constant on its bound: infinite is a value like any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

NEVER = 1e9  # a size above this counts as never: no database will have it


@dataclass(frozen=True)
class Estimate:
    """A size or a rate with its percentile bootstrap interval at ``level``, infinite where it is never reached; ``never`` is the
    share of resamples that never get there. Where the value is infinite, ``low`` is a one-sided limit; all but the value are None
    without resamples."""

    value: float
    low: float | None = None
    high: float | None = None
    never: float | None = None
    level: float = 0.9

    @classmethod
    def of(cls, value: float, draws: Sequence[NDArray], level: float = 0.9) -> Estimate:
        """From sets of resamples (B,), the first free and others with constants held at 0: the interval covers all of them."""
        if not len(draws):
            return cls(float(value), level=level)
        tail = 1 - level if np.isinf(value) else (1 - level) / 2
        low, high = (float(end) for end in ends(draws, (tail, (1 + level) / 2)))
        return cls(float(value), low, np.inf if np.isinf(value) else high, float(np.isinf(draws[0]).mean()), level)

    def minus(self, size: float) -> Estimate:
        """How many more than there are now, 0 where that is enough."""
        less = (None if end is None else max(end - size, 0.0) for end in (self.value, self.low, self.high))
        return Estimate(*less, self.never, self.level)

    def to_dict(self) -> dict[str, float | None]:
        """The attributes, and None for an infinite number."""
        return {name: None if value is not None and np.isinf(value) else value for name, value in vars(self).items()}


def check_fall(change: float, *sizes: float) -> None:
    """Raise ValueError unless -1 < change < 0 and the sizes are finite and above 0."""
    if not (-1 < change < 0 and all(0 < size < np.inf for size in sizes)):
        at = " and ".join(map(str, sizes))
        raise ValueError(f"change is {change} at {at}; expected a fall, such as -0.10 for 10 % less, and finite sizes above 0")


def ends(draws: Sequence[NDArray], tails: tuple[float, float]) -> tuple[NDArray, NDArray]:
    """The lowest and the highest quantile of sets of resamples (B, ...), by order statistics, because an interpolation between
    finite and infinite numbers is NaN; what is undefined counts as 0 for the low end and as infinite for the high one."""
    low = [np.quantile(np.where(np.isnan(of), 0.0, of), tails[0], axis=0, method="lower") for of in draws]
    high = [np.quantile(np.where(np.isnan(of), np.inf, of), tails[1], axis=0, method="higher") for of in draws]
    return np.min(low, axis=0), np.max(high, axis=0)


def reach(constants: NDArray, error: ArrayLike) -> NDArray:
    """The n at which laws D, alpha, C (..., 3) have this error: 0 where they are below it everywhere, infinite where they never get
    there or only above :data:`NEVER`."""
    d, alpha, c = np.moveaxis(np.asarray(constants, float), -1, 0)
    above = np.asarray(error, float) - c
    with np.errstate(all="ignore"):
        n = (d / above) ** (1 / alpha)
    return np.where((above > 0) & (n <= NEVER), n, np.inf)


def evaluate_curves(constants: NDArray, n: ArrayLike) -> NDArray:
    """Errors (..., *n.shape) of laws D, alpha, C (..., 3) at n."""
    d, alpha, c = np.expand_dims(np.moveaxis(np.asarray(constants, float), -1, 0), tuple(range(-np.ndim(n), 0)))
    return d * np.asarray(n, float) ** -alpha + c
