"""Power laws of the error against the number n of simulated samples: fits and intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim2real.laws.estimates import Estimate, check_fall, evaluate_curves, reach

ALPHA_MAX = 2.0  # upper bound of the search for alpha; a fit that ends there is marked BOUND_HIT
CONSTANTS = ("D", "alpha", "C")
# Geometric, because published exponents lie between 0.01 and 0.5: equal steps would miss the small ones.
_ALPHA_GRID = np.concatenate([[0.0], np.geomspace(1e-4, ALPHA_MAX, 60)])
_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0
_GOLDEN_STEPS = 45  # shrinks the widest bracket of the grid, 0.6, to 2e-10
_POINTS = 1.0  # so many points the noise that a prior expects counts for
_SNAP = 1e-9  # a C or a decay below this part of the error is roundoff: it is put on its bound


@dataclass(frozen=True, kw_only=True)
class FittedLaw:
    """What the laws of one size and of both have in common: constants with a status, and how they are written down.

    `rmse` is the root of the weighted mean squared relative residual, `replicates` (R, constants) are the bootstrap refits in the
    order of `names`, `resampled` what they resampled.
    """

    names: ClassVar[tuple[str, ...]]
    status: str = "STATED"
    bounds_hit: tuple[str, ...] = ()
    rmse: float | None = None
    n_points: int = 0
    replicates: NDArray | None = field(default=None, repr=False, compare=False)
    resampled: str | None = None

    @property
    def constants(self) -> NDArray:
        """The constants as an array, in the order of `names`."""
        return np.array([getattr(self, name) for name in self.names])

    def interval(self, name: str, level: float = 0.9) -> tuple[float, float]:
        """Percentile bootstrap interval of a constant; one-sided where the fitted constant lies on its bound.

        Where refits often have a term at 0, it also covers those with that term held there, as the bootstrap is inconsistent at a
        bound (Andrews, Econometrica 68, 399 (2000)): for 0.239 n^-0.0348 and 30 trials, plain 90 % intervals held alpha in 81 %, of
        400 curves, these in 90 % (``benchmarks/calibration.csv`` has more). ValueError for an unknown name, a level outside (0, 1),
        or no replicates.
        """
        if name not in self.names:
            raise ValueError(f"unknown constant {name!r}; expected one of {', '.join(self.names)}")
        values = [of[:, self.names.index(name)] for of in self.resamples(level)]
        if name in self.bounds_hit:
            if getattr(self, name) == ALPHA_MAX:
                return float(np.quantile(values[0], 1 - level)), ALPHA_MAX
            return 0.0, float(np.quantile(values[0], level))
        low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=1)
        return float(low.min()), float(high.max())

    def resamples(self, level: float) -> list[NDArray]:
        """The refits, and those with a term held at 0 that intervals of this level also cover; ValueError for none."""
        if not (sets := self._sets(level)):
            raise ValueError("this law has no bootstrap replicates; resample trials with bootstrap.Bootstrap")
        return sets

    def _sets(self, level: float) -> list[NDArray]:
        raise NotImplementedError

    def to_dict(self, level: float = 0.9) -> dict:
        """The law as JSON-ready values, None for a constant that is not finite; `intervals` is None without replicates, and
        `one_sided` marks a constant on its bound, whose interval is a one-sided limit."""
        intervals = None
        if self.replicates is not None and self.status != "FAILED":
            intervals = {name: dict(zip(("low", "high"), self.interval(name, level))) for name in self.names}
            intervals = {k: v | {"level": level, "one_sided": k in self.bounds_hit} for k, v in intervals.items()}
        constants = {name: float(getattr(self, name)) for name in self.names}
        return {name: value if np.isfinite(value) else None for name, value in constants.items()} | {
            "status": self.status,
            "bounds_hit": list(self.bounds_hit),
            "rmse": self.rmse,
            "n_points": self.n_points,
            "intervals": intervals,
            "replicates": 0 if self.replicates is None else len(self.replicates),
            "resampled": self.resampled,
        }


@dataclass(frozen=True)
class PowerLaw(FittedLaw):
    """A law R(n) = D n^-alpha + C, all >= 0 (Minami et al., npj Computational Materials 11, 146 (2025), Eq. 2), fitted or stated;
    C, the error left when n grows without bound, is the transfer gap. Call it with n for the error, in the error's unit.

    `status`: CONVERGED; BOUND_HIT (the constants in `bounds_hit` lie on their bounds; D = 0 means no decay, and alpha, not
    identified then, is 0 too); FAILED (constants are NaN); STATED (typed in). `replicates_without_gap` (B, 3) are the refits with C
    held at 0.
    """

    D: float
    alpha: float
    C: float
    replicates_without_gap: NDArray | None = field(default=None, repr=False, compare=False)
    names: ClassVar[tuple[str, ...]] = CONSTANTS

    def __call__(self, n: ArrayLike) -> NDArray | float:
        """Error at n."""
        return self.D * np.asarray(n, float) ** -self.alpha + self.C

    def derivative(self, n: ArrayLike) -> NDArray | float:
        """dR/dn at n: the change of the error by one more simulated sample (negative where the error falls)."""
        return -self.alpha * self.D * np.asarray(n, float) ** (-self.alpha - 1.0)

    def band(self, n: ArrayLike, level: float = 0.9) -> tuple[NDArray, NDArray]:
        """Percentile bootstrap interval (low, high) of the error at n (k,), which may lie beyond the data; ValueError as
        :meth:`interval`. It needs no refits with C held at 0: what alpha and C do wrong there, they do against each other."""
        low, high = np.quantile(evaluate_curves(self.resamples(level)[0], n), [(1 - level) / 2, (1 + level) / 2], axis=0)
        return low, high

    def n_for(self, error: float, level: float = 0.9) -> Estimate:
        """The n at which the error is this small, in its unit: infinite where the transfer gap lies above it; ValueError unless
        it is above 0."""
        check_positive(error=[error])
        return Estimate.of(reach(self.constants, error), [reach(of, error) for of in self._sets(level)], level)

    def n_for_change(self, change: float, n: float, level: float = 0.9) -> Estimate:
        """The n at which the error has changed by this part, such as -0.10, of what it is at n; each resample by its own law, so
        that it also holds where a constant lies on its bound. ValueError unless -1 < change < 0 < n."""
        check_fall(change, n)
        wanted = [reach(of, (1 + change) * evaluate_curves(of, n)) for of in [self.constants, *self._sets(level)]]
        return Estimate.of(wanted[0], wanted[1:], level)

    def change(self, n: float, to: float, level: float = 0.9) -> Estimate:
        """The relative change of the error from one n to another, such as a doubling, each resample by its own law; ValueError
        unless both are above 0."""
        check_positive(n=[n, to])
        of = [evaluate_curves(sets, to) / evaluate_curves(sets, n) - 1 for sets in [self.constants, *self._sets(level)]]
        return Estimate.of(of[0], of[1:], level)

    def _sets(self, level: float) -> list[NDArray]:
        check_level(level)
        if self.replicates is None or self.replicates_without_gap is None:
            return []
        at_bound = np.quantile(self.replicates[:, CONSTANTS.index("C")], (1 - level) / 2) == 0
        return [self.replicates, *([self.replicates_without_gap] if at_bound else [])]


@dataclass(frozen=True)
class Prior:
    """What a law is expected to be before its curve is seen: ln alpha normal about that of ``alpha``, C about the part ``gap`` of
    the error at the largest n, with these spreads. The error at that n is off the law by some part, one at n by (largest n /
    n)^(recent / 2) times as much; the part is that of the residuals, to which ``noise`` adds one. Fitted so, a law is the most
    probable one, and the latest points decide."""

    alpha: float
    alpha_spread: float
    gap: float
    gap_spread: float
    noise: float
    recent: float


def fit_power_law(n: ArrayLike, error: ArrayLike, weights: ArrayLike | None = None, *, prior: Prior | None = None) -> PowerLaw:
    """Fit R(n) = D n^-alpha + C to one curve by least squares of the relative residuals (R(n) - error) / error.

    Args are n and error (k,), finite and positive, at least three distinct n, weights (k,), factors >= 0 of the squared residuals,
    1 if None, and what is known of such curves, as :data:`PRIOR`; else ValueError. Variable projection (Golub and Pereyra, SIAM
    Journal on Numerical Analysis 10, 413 (1973)): the best (D, C) >= 0 for a fixed alpha has a closed form; alpha is searched on a
    grid, then by golden section.
    """
    n, curve = check_positive(n=n, error=error)
    w = np.ones(len(n)) if weights is None else np.asarray(weights, float)
    if w.shape != n.shape or not np.isfinite(w).all() or (w < 0).any():
        raise ValueError(f"weights must be {len(n)} finite numbers >= 0, one for each n")
    check_distinct("n", n[w > 0])
    constants, loss = fit_curves(n, curve[None, :], w, prior=prior)
    d, alpha, c = (float(value) for value in constants[0])
    if not np.isfinite([d, alpha, c, loss[0]]).all():
        return PowerLaw(np.nan, np.nan, np.nan, status="FAILED", n_points=len(n))
    hit = tuple(name for name, on in zip(CONSTANTS, (d == 0, alpha in (0.0, ALPHA_MAX), c == 0), strict=True) if on)
    rmse = float(np.sqrt(w @ (evaluate_curves(constants[0], n) / curve - 1) ** 2 / w.sum()))
    status = "BOUND_HIT" if hit else "CONVERGED"
    return PowerLaw(d, alpha, c, status=status, bounds_hit=hit, rmse=rmse, n_points=len(n))


def fit_curves(
    n: NDArray, curves: NDArray, weights: NDArray | None = None, *, gap: bool = True, prior: Prior | None = None
) -> tuple[NDArray, NDArray]:
    """`fit_power_law` of curves (B, k) over the same n (k,) without checks, C = 0 without gap: D, alpha, C (B, 3), NaN for no fit,
    and weighted sums of squared relative residuals (B,), with what a prior adds to C's."""
    w = np.ones(len(n)) if weights is None else weights
    with np.errstate(all="ignore"):  # overflow ends as NaN, which the caller reports
        n0 = np.exp(np.log(n).mean())  # D n^-alpha = D' (n / n0)^-alpha: D' stays near the error whatever alpha is
        scale = curves.mean(axis=1)
        log_n, y, span = np.log(n / n0), curves / scale[:, None], np.ptp(np.log(n))
        if prior is not None:
            w = w * (n / n.max()) ** prior.recent
            missed = fit_curves(n, curves, w, gap=gap)[1]
            noise = (missed + _POINTS * prior.noise**2) / (max(len(n) - len(CONSTANTS), 0) + _POINTS)
            pull = noise / prior.alpha_spread**2
            # what is expected of C is a point at infinite n
            log_n, at_gap = np.append(log_n, np.inf), noise * (prior.gap / prior.gap_spread) ** 2
            w = np.column_stack([np.broadcast_to(w, curves.shape), at_gap])
            y = np.column_stack([y, prior.gap * y[:, n.argmax()]])

        def loss(alpha: NDArray) -> NDArray:
            expected = 0.0 if prior is None else pull * np.log(alpha / prior.alpha) ** 2
            return np.nan_to_num(_project(alpha, log_n, y, w, gap)[2] + expected, nan=np.inf)

        best = loss(_ALPHA_GRID[:, None]).argmin(axis=0)
        left, right = _ALPHA_GRID[np.maximum(best - 1, 0)], _ALPHA_GRID[np.minimum(best + 1, len(_ALPHA_GRID) - 1)]
        inner = _golden_section(loss, left, right)
        # the bounds themselves, which golden section only approaches, win where they are as good
        candidates = np.stack([np.zeros_like(inner), np.full_like(inner, ALPHA_MAX), inner])
        alpha = np.take_along_axis(candidates, loss(candidates).argmin(axis=0)[None], 0)[0]
        d, c, value = _project(alpha, log_n, y, w, gap)

        c = np.where(c < _SNAP * y.min(axis=1), 0.0, c)
        if gap:
            flat = (alpha == 0) | (d * -np.expm1(-alpha * span) < _SNAP)
            d, alpha, c = np.where(flat, 0.0, d), np.where(flat, 0.0, alpha), np.where(flat, c + d, c)
        constants = np.stack([d * scale * n0**alpha, alpha, c * scale], axis=1)
    return constants, value


PRIOR = Prior(alpha=0.45, alpha_spread=1.2, gap=0.5, gap_spread=0.43, noise=0.0062, recent=1.5)
"""Of the learning curves of 28 learners on twelve data sets of LCDB 1.1, by ``benchmarks/forecast.py --choose``. Forecasts of the
same learners on twelve other data sets miss less with it; for this project's own curves and for images that cannot be told
(``data/forecasts.csv``)."""


def check_level(level: float) -> None:
    """Raise ValueError unless 0 < level < 1."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, got {level}")


def check_positive(**vectors: ArrayLike) -> list[NDArray]:
    """Vectors of one length, as arrays; ValueError, which names the first bad entry, unless all are finite and above 0."""
    arrays = [np.asarray(values, float) for values in vectors.values()]
    if arrays[0].ndim != 1 or len({values.shape for values in arrays}) > 1:
        shapes = " and ".join(str(values.shape) for values in arrays)
        raise ValueError(f"{' and '.join(vectors)} must be vectors of equal length, got shapes {shapes}")
    for name, values in zip(vectors, arrays):
        bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
        if len(bad):
            raise ValueError(f"{name}[{bad[0]}] is {values[bad[0]]}; expected finite positive numbers")
    return arrays


def check_distinct(name: str, values: NDArray) -> None:
    """Raise ValueError unless there are three different sizes."""
    if (distinct := len(np.unique(values))) < 3:
        raise ValueError(f"expected at least 3 distinct {name}, got {distinct}")


def _project(alpha: NDArray, log_n: NDArray, y: NDArray, w: NDArray, gap: bool) -> tuple[NDArray, NDArray, NDArray]:
    """Best D, C >= 0 and the loss for alpha (..., B or 1), log_n (k,), y (B, k), w (k,), in the basis (1, x - mean of x), because
    n^-alpha is nearly constant for small alpha; where that is infeasible, the minimum of a convex function has D or C at 0."""
    x = np.exp(-alpha[..., None] * log_n)
    p, q = w / y**2, w / y
    p_sum, q_sum, qx = p.sum(-1), q.sum(-1), _dot(q, x)
    only_d, only_c = qx / _dot(p, x**2), q_sum / p_sum
    if gap:
        center = _dot(p, x) / p_sum
        v = x - center[..., None]
        with np.errstate(invalid="ignore"):
            d = _dot(q, v) / _dot(p, v**2)
        c = only_c - d * center
        inside = (d >= 0) & (c >= 0)  # False for the 0 / 0 of alpha = 0
        decays = only_d * qx > only_c * q_sum  # which bound explains more
        d = np.where(inside, d, np.where(decays, only_d, 0.0))
        c = np.where(inside, c, np.where(decays, 0.0, only_c))
    else:
        d, c = only_d, np.zeros_like(only_d)
    residual = (d[..., None] * x + c[..., None]) / y - 1.0
    return d, c, _dot(w, residual**2)


def _dot(a: NDArray, b: NDArray) -> NDArray:
    return np.einsum("...k,...k->...", a, b)


def _golden_section(loss: Callable[[NDArray], NDArray], left: NDArray, right: NDArray) -> NDArray:
    """Minimise B functions of one variable at once, each inside its bracket [left, right]."""
    lower, upper = right - _GOLDEN * (right - left), left + _GOLDEN * (right - left)
    at_lower, at_upper = loss(lower), loss(upper)
    for _ in range(_GOLDEN_STEPS):
        down = at_lower <= at_upper
        left, right = np.where(down, left, lower), np.where(down, upper, right)
        width = _GOLDEN * (right - left)
        new = np.where(down, right - width, left + width)
        at_new = loss(new)
        lower, upper = np.where(down, new, upper), np.where(down, lower, new)
        at_lower, at_upper = np.where(down, at_new, at_upper), np.where(down, at_lower, at_new)
    return (left + right) / 2.0
