"""Eq. 1 with one exponent more: how fast simulations lose their worth with m is then no longer how fast measurements do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from numpy.typing import ArrayLike

from sim2real.laws.surface import FittedSurface, fitted


@dataclass(frozen=True)
class TwoExponents(FittedSurface):
    """A law R(n, m) = A n^-alpha m^-beta1 + B m^-beta2 + epsilon, all constants >= 0; Eq. 1 where beta1 = beta2. With beta1 near 0
    what simulations buy hardly shrinks with m. Its status is as of :class:`~sim2real.laws.surface.ScalingSurface`."""

    A: float
    B: float
    alpha: float
    beta1: float
    beta2: float
    epsilon: float
    names: ClassVar[tuple[str, ...]] = ("A", "B", "alpha", "beta1", "beta2", "epsilon")
    form: ClassVar[str] = "two exponents"


def fit_two_exponents(n: ArrayLike, m: ArrayLike, error: ArrayLike) -> TwoExponents:
    """Fit it as :func:`~sim2real.laws.surface.fit_surface` does Eq. 1."""
    return fitted(TwoExponents, n, m, error)
