"""Eq. 1 with one exponent more: how fast simulations lose their worth with m is then no longer how fast measurements do."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares, nnls

from sim2real.laws.search import EXPONENT_MAX, EXPONENT_MIN

_STARTS = tuple(product((0.05, 0.5), (0.02, 0.2), (0.05, 0.5)))


@dataclass(frozen=True)
class TwoExponents:
    """A law R(n, m) = A n^-alpha m^-beta1 + B m^-beta2 + epsilon, all constants >= 0; Eq. 1 where beta1 = beta2. With beta1 near 0
    what simulations buy hardly shrinks with m. ``rmse`` is of relative residuals."""

    A: float
    B: float
    alpha: float
    beta1: float
    beta2: float
    epsilon: float
    rmse: float

    def __call__(self, n: ArrayLike, m: ArrayLike) -> NDArray | float:
        """Error at n, m."""
        n, m = np.asarray(n, float), np.asarray(m, float)
        return self.A * n**-self.alpha * m**-self.beta1 + self.B * m**-self.beta2 + self.epsilon

    def marginal_rate(self, n: float, m: float) -> float:
        """Simulations worth one measurement, (dR/dm) / (dR/dn): infinite where simulations do not help, NaN where neither does."""
        of_n, of_m = self.A * n**-self.alpha * m**-self.beta1, self.B * m**-self.beta2
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.float64((self.beta1 * of_n + self.beta2 * of_m) / m) / np.float64(self.alpha * of_n / n))


def fit_two_exponents(n: NDArray, m: NDArray, error: NDArray) -> TwoExponents:
    """Least squares of the relative residuals over cells (k,), from several starts; the three linear constants by non-negative
    least squares for given exponents. Nothing is checked."""
    n0, m0, scale = np.exp(np.log(n).mean()), np.exp(np.log(m).mean()), error.mean()

    def columns(logs: NDArray) -> NDArray:
        alpha, beta1, beta2 = np.exp(logs)
        of_n, one = (n / n0) ** -alpha * (m / m0) ** -beta1, np.ones(len(n))
        return np.stack([of_n, (m / m0) ** -beta2, one], axis=1) * (scale / error)[:, None]

    def residuals(logs: NDArray) -> NDArray:
        x = columns(logs)
        return x @ nnls(x, np.ones(len(n)))[0] - 1

    bounds = np.log([EXPONENT_MIN] * 3), np.log([EXPONENT_MAX] * 3)
    best = min((least_squares(residuals, np.log(start), bounds=bounds) for start in _STARTS), key=lambda found: found.cost)
    alpha, beta1, beta2 = np.exp(best.x)
    a, b, epsilon = nnls(columns(best.x), np.ones(len(n)))[0] * scale
    constants = a * n0**alpha * m0**beta1, b * m0**beta2, alpha, beta1, beta2, epsilon
    return TwoExponents(*(float(value) for value in constants), float(np.sqrt(2 * best.cost / len(n))))
