"""The error as a function of both sizes, n simulated and m measured samples: fit, derivatives and marginal rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim2real.laws.estimates import Estimate, check_fall, ends, reach
from sim2real.laws.power import FittedLaw, PowerLaw, check_distinct, check_level, check_positive
from sim2real.laws.search import EXPONENT_MAX, EXPONENT_MIN, fit_surfaces

CONSTANTS = ("A", "B", "alpha", "beta", "epsilon")


@dataclass(frozen=True, kw_only=True)
class FittedSurface(FittedLaw):
    """What laws of both sizes have in common: errors, the marginal rate, and intervals from the refits of resamples.

    `form` is that of `search.FORMS`, `replicates_at_zero` (R, constants) are refits with `at_zero`, those of B and epsilon often 0,
    held at 0.
    """

    form: ClassVar[str]
    at_zero: tuple[str, ...] = ()
    replicates_at_zero: NDArray | None = field(default=None, repr=False, compare=False)

    def __call__(self, n: ArrayLike, m: ArrayLike) -> NDArray | float:
        """Error at n, m."""
        return evaluate(self.constants, n, m)

    def marginal_rate(self, n: ArrayLike, m: ArrayLike) -> NDArray | float:
        """Simulations worth one experiment at n, m: (dR/dm) / (dR/dn), the paper's Eq. 4; infinite where more simulations do not
        help (A or alpha is 0), NaN where more experiments do not help either."""
        return rates(self.constants, n, m)

    def rate_interval(self, n: ArrayLike, m: ArrayLike, level: float = 0.9) -> tuple[NDArray, NDArray]:
        """Percentile bootstrap interval (low, high) of the marginal rate, each of the shape that n and m broadcast to; ValueError
        as `interval`. Where the fitted rate is infinite, low is a one-sided limit; where it is 0, high is. A replicate without any
        decay, 0 / 0, counts as 0 for low and as infinite for high."""
        n, m = np.broadcast_arrays(np.asarray(n, float), np.asarray(m, float))
        fitted, outside = self.marginal_rate(n, m), (1 - level) / 2
        low, high = np.full(n.shape, np.inf), np.zeros(n.shape)
        for constants in self.resamples(level):
            values = rates(constants.reshape(len(constants), *[1] * n.ndim, len(self.names)), n, m)
            two, one = (ends([values], (tail, 1 - tail)) for tail in (outside, 1 - level))
            low = np.minimum(low, np.where(np.isinf(fitted), one[0], np.where(fitted == 0, 0.0, two[0])))
            high = np.maximum(high, np.where(np.isinf(fitted), np.inf, np.where(fitted == 0, one[1], two[1])))
        return low, high

    def rate(self, n: float, m: float, level: float = 0.9) -> Estimate:
        """The marginal rate at one n and m with its interval; the share ``never`` is of resamples in which simulations do not
        help. ValueError unless n and m are above 0."""
        check_positive(n=[n], m=[m])
        if not (sets := self._sets(level)):
            return Estimate(float(self.marginal_rate(n, m)), level=level)
        low, high = self.rate_interval(n, m, level)
        never = np.isinf(rates(sets[0], n, m)).mean()
        return Estimate(float(self.marginal_rate(n, m)), float(low), float(high), float(never), level)

    def _sets(self, level: float) -> list[NDArray]:
        check_level(level)
        return [of for of in (self.replicates, self.replicates_at_zero) if of is not None]


@dataclass(frozen=True)
class ScalingSurface(FittedSurface):
    """A law R(n, m) = (A n^-alpha + B) m^-beta + epsilon, all constants >= 0 (Minami et al., npj Computational Materials 11, 146
    (2025), Eq. 1), fitted or stated; call it with n and m, which broadcast, for the error in the error's unit.

    `status`: CONVERGED; BOUND_HIT (the constants in `bounds_hit` lie on their bounds; A = 0 means no decay with n, beta = 0 none
    with m, and alpha or B, not identified then, is 0 too); MAX_ITER (cut off; the best found); FAILED (constants are NaN); STATED
    (typed in).
    """

    A: float
    B: float
    alpha: float
    beta: float
    epsilon: float
    names: ClassVar[tuple[str, ...]] = CONSTANTS
    form: ClassVar[str] = "Eq. 1"

    def partial_n(self, n: ArrayLike, m: ArrayLike) -> NDArray | float:
        """dR/dn: the change of the error by one more simulated sample."""
        return -self.alpha * self.A * np.asarray(n, float) ** (-self.alpha - 1) * np.asarray(m, float) ** -self.beta

    def partial_m(self, n: ArrayLike, m: ArrayLike) -> NDArray | float:
        """dR/dm: the change of the error by one more measured sample."""
        gain = self.A * np.asarray(n, float) ** -self.alpha + self.B
        return -self.beta * gain * np.asarray(m, float) ** (-self.beta - 1)

    def at_m(self, m: float) -> PowerLaw:
        """The law in n at one m (Eq. 2): D = A m^-beta, C = B m^-beta + epsilon. Its status is STATED: no fit of its own."""
        return PowerLaw(*_laws_in_n(self.constants, float(m)).tolist())

    def at_n(self, n: float) -> PowerLaw:
        """The law in m at one n: D = A n^-alpha + B with the exponent beta, and C = epsilon. Its status is STATED."""
        return PowerLaw(*_laws_in_m(self.constants, float(n)).tolist())

    def n_for(self, error: float, m: float, level: float = 0.9) -> Estimate:
        """The n at which the error is this small at this m, infinite where no n is enough; ValueError unless error and m are above
        0."""
        check_positive(error=[error], m=[m])
        return self._estimate(lambda of: reach(_laws_in_n(of, m), error), level)

    def m_for(self, error: float, n: float, level: float = 0.9) -> Estimate:
        """The m at which the error is this small at this n, infinite where no m is enough; ValueError as :meth:`n_for`."""
        check_positive(error=[error], n=[n])
        return self._estimate(lambda of: reach(_laws_in_m(of, n), error), level)

    def n_for_change(self, change: float, n: float, m: float, level: float = 0.9) -> Estimate:
        """The n at which the error has changed by this part, such as -0.10, of what it is at n, m; each resample by its own law, as
        :meth:`PowerLaw.n_for_change`."""
        check_fall(change, n, m)
        return self._estimate(lambda of: reach(_laws_in_n(of, m), (1 + change) * evaluate(of, n, m)), level)

    def m_for_change(self, change: float, n: float, m: float, level: float = 0.9) -> Estimate:
        """The m at which the error has changed by this part of what it is at n, m."""
        check_fall(change, n, m)
        return self._estimate(lambda of: reach(_laws_in_m(of, n), (1 + change) * evaluate(of, n, m)), level)

    def _estimate(self, size: Callable[[NDArray], NDArray], level: float) -> Estimate:
        return Estimate.of(size(self.constants), [size(of) for of in self._sets(level)], level)


@dataclass(frozen=True)
class TwoExponents(FittedSurface):
    """A law R(n, m) = A n^-alpha m^-beta1 + B m^-beta2 + epsilon, all constants >= 0; Eq. 1 where beta1 = beta2. With beta1 near 0
    what simulations buy hardly shrinks with m. Its status is as of :class:`ScalingSurface`."""

    A: float
    B: float
    alpha: float
    beta1: float
    beta2: float
    epsilon: float
    names: ClassVar[tuple[str, ...]] = ("A", "B", "alpha", "beta1", "beta2", "epsilon")
    form: ClassVar[str] = "two exponents"


def _laws_in_n(constants: NDArray, m: float) -> NDArray:
    """D, alpha, C (..., 3) of surfaces (..., 5) at one m."""
    a, b, alpha, beta, epsilon = np.moveaxis(constants, -1, 0)
    return np.stack([a * m**-beta, alpha, b * m**-beta + epsilon], axis=-1)


def _laws_in_m(constants: NDArray, n: float) -> NDArray:
    """D, beta, C (..., 3) of surfaces (..., 5) at one n."""
    a, b, alpha, beta, epsilon = np.moveaxis(constants, -1, 0)
    return np.stack([a * n**-alpha + b, beta, epsilon], axis=-1)


def evaluate(constants: NDArray, n: ArrayLike, m: ArrayLike) -> NDArray:
    """Error at n, m, which broadcast, of constants (..., 5) or (..., 6) as of `search.fit_surfaces`."""
    a, b, alpha, beta1, beta2, epsilon = _terms(constants)
    m = np.asarray(m, float)
    return a * np.asarray(n, float) ** -alpha * m**-beta1 + b * m**-beta2 + epsilon


def rates(constants: NDArray, n: ArrayLike, m: ArrayLike) -> NDArray:
    """Marginal rate (dR/dm) / (dR/dn) at n, m of such constants, as of `FittedSurface`."""
    a, b, alpha, beta1, beta2, _ = _terms(constants)
    n, m = np.asarray(n, float), np.asarray(m, float)
    of_n, of_m = a * n**-alpha * m**-beta1, b * m**-beta2
    with np.errstate(divide="ignore", invalid="ignore"):
        return (beta1 * of_n + beta2 * of_m) * n / (alpha * of_n * m)


def _terms(constants: NDArray) -> NDArray:
    """A, B, alpha, beta1, beta2, epsilon; Eq. 1 has one beta."""
    constants = np.moveaxis(np.asarray(constants, float), -1, 0)
    return constants if len(constants) == 6 else constants[[0, 1, 2, 3, 3, 4]]


def fit_surface(n: ArrayLike, m: ArrayLike, error: ArrayLike) -> ScalingSurface:
    """Fit R(n, m) = (A n^-alpha + B) m^-beta + epsilon by least squares of the relative residuals (R - error) / error.

    Args are (k,), one entry a cell, any part of a grid; all finite and positive, at least three distinct n, three distinct m and
    six cells, else ValueError. Variable projection (as `power.fit_power_law`): the best (A, B, epsilon) >= 0 for fixed exponents,
    which are searched on a grid and from its local minima by damped Gauss-Newton steps in their logarithms.
    """
    return fitted(ScalingSurface, n, m, error)


def fitted(law: type[FittedSurface], n: ArrayLike, m: ArrayLike, error: ArrayLike) -> FittedSurface:
    """`fit_surface` for any law of both sizes."""
    n, m, error = check_positive(n=n, m=m, error=error)
    for name, values in (("n", n), ("m", m)):
        check_distinct(name, values)
    if len(n) < 6:
        raise ValueError(f"expected at least 6 cells for {len(law.names)} constants, got {len(n)}")
    constants, loss, converged = fit_surfaces(n, m, error[None, :], form=law.form, starts=12)
    values = [float(v) for v in constants[0]]
    if not np.isfinite([*values, loss[0]]).all():
        return law(*[np.nan] * len(values), status="FAILED", n_points=len(n))
    bounds = (0.0, EXPONENT_MIN, EXPONENT_MAX)
    hit = tuple(name for name, value in zip(law.names, values) if value == 0 or name[0] in "ab" and value in bounds)
    status = "MAX_ITER" if not converged[0] else "BOUND_HIT" if hit else "CONVERGED"
    rmse = float(np.sqrt(loss[0] / len(n)))
    return law(*values, status=status, bounds_hit=hit, rmse=rmse, n_points=len(n))
