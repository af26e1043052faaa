"""How simulations and measurements replace or reinforce each other. The marginal rate (dR/dm) / (dR/dn) (Minami et al., npj
Computational Materials 11, 146 (2025), Eq. 4) is the slope of a curve of equal error, and the cost ratio of a well-spent budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sim2real.laws.bootstrap import OFTEN, Change, Resamples
from sim2real.laws.estimates import ends
from sim2real.laws.power import PowerLaw, fit_curves, fit_power_law
from sim2real.laws.records import json_ready
from sim2real.laws.search import FORMS, fit_surfaces
from sim2real.laws.surface import ScalingSurface, evaluate
from sim2real.laws.verdicts import verdict

FLAT = 1e-3  # an exponent n dR/dn / R nearer to 0 counts as no decay: n^-0.001 falls by 0.7 % over three decades


def equal_error_m(surface: ScalingSurface, error: float, n: ArrayLike) -> NDArray:
    """The m of this error for each n, ((A n^-alpha + B) / (error - epsilon))^(1 / beta); NaN where no m reaches it."""
    n = np.asarray(n, float)
    if surface.beta == 0 or error <= surface.epsilon:
        return np.full(n.shape, np.nan)
    return ((surface.A * n**-surface.alpha + surface.B) / (error - surface.epsilon)) ** (1 / surface.beta)


def budget_line_m(n_0: float, m_0: float, cost_ratio: float, n: ArrayLike) -> NDArray:
    """The m that the budget of (n_0, m_0) still buys, for each n, one experiment costing cost_ratio simulations; NaN for none."""
    m = m_0 + (n_0 - np.asarray(n, float)) / cost_ratio
    return np.where(m > 0, m, np.nan)


def equal_rate_m(surface: ScalingSurface, rate: float, n: ArrayLike) -> NDArray:
    """The m at which the marginal rate has this value, for each n; NaN where the surface has no finite positive rate."""
    n = np.asarray(n, float)
    # the rate is inversely proportional to m
    at_one = surface.marginal_rate(n, 1.0) / rate
    return np.where(np.isfinite(at_one) & (at_one > 0), at_one, np.nan)


def rate_of_curves(in_n: PowerLaw, in_m: PowerLaw, n: float, m: float) -> float:
    """The ratio of the derivatives of two curves, in n at this m and in m at this n; infinite or NaN as :class:`Rate`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.float64(in_m.derivative(m)) / np.float64(in_n.derivative(n)))


@dataclass(frozen=True)
class Slope:
    """A derivative of the error with its interval; ``reaches_zero`` where the exponent at its near end is below :data:`FLAT`."""

    value: float
    low: float
    high: float
    reaches_zero: bool


@dataclass(frozen=True)
class Rate:
    """Simulations worth one measurement at one n and m, its interval, and the two laws that cross there: infinite where the error
    does not fall with n, NaN where it falls with neither. ``identified`` says which limits exist: "both ends", "lower limit" (the
    error may not fall with n), "upper limit" (may not fall with m) or "not identified"; one alone is one-sided at ``level``."""

    n: float
    m: float
    rate: float
    low: float
    high: float
    level: float
    identified: str
    partial_n: Slope
    partial_m: Slope
    in_n: PowerLaw
    in_m: PowerLaw

    def to_dict(self) -> dict:
        """The attributes as JSON-ready values, None for infinite and undefined numbers."""
        values = dict(vars(self)) | {side: dict(vars(getattr(self, side))) for side in ("partial_n", "partial_m")}
        return json_ready(values | {law: getattr(self, law).to_dict(self.level) for law in ("in_n", "in_m")})


def marginal_rate(n_grid: ArrayLike, m_grid: ArrayLike, errors: Resamples) -> Rate:
    """Simulations worth one measurement at the largest n and m of ascending grids, at least three sizes each: the ratio of the
    derivatives of a law for each of the two curves that cross there, as the paper takes it for chi. Where a C is 0 in many
    resamples, intervals also cover refits without C (a bootstrap is inconsistent at a bound)."""
    level = errors.level
    tails = ((1 - level) / 2, (1 + level) / 2)
    laws, partials, slopes = [], [], []
    for grid, curve, curves in (
        (n_grid, errors.mean[:, -1], errors.draws[:, :, -1]),
        (m_grid, errors.mean[-1], errors.draws[:, -1, :]),
    ):
        grid = np.asarray(grid, float)
        law = fit_power_law(grid, curve)
        free = fit_curves(grid, curves)[0]
        restricted = fit_curves(grid, curves, gap=False)[0] if (free[:, 2] == 0).mean() >= OFTEN else free
        sets = np.stack([_derivative(constants, grid[-1]) for constants in (free, restricted)])
        low, high = np.quantile(sets, tails, axis=1)
        reaches_zero = bool(-high.max() * grid[-1] / curve[-1] < FLAT)
        slopes.append(Slope(float(law.derivative(grid[-1])), float(low.min()), float(high.max()), reaches_zero))
        laws.append(law)
        partials.append(sets)
    n, m = float(np.asarray(n_grid)[-1]), float(np.asarray(m_grid)[-1])
    flat_n, flat_m = (slope.reaches_zero for slope in slopes)
    words = {(False, False): "both ends", (True, False): "lower limit", (False, True): "upper limit"}
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = partials[1] / partials[0]
    low_tail, high_tail = (1 - level if flat_n else tails[0]), (level if flat_m else tails[1])
    low, high = ends(list(rates), (low_tail, high_tail))
    interval = 0.0 if flat_m else float(low), np.inf if flat_n else float(high)
    identified = words.get((flat_n, flat_m), "not identified")
    return Rate(n, m, rate_of_curves(*laws, n, m), *interval, level, identified, *slopes, *laws)


def _derivative(constants: NDArray, x: float) -> NDArray:
    d, alpha, _ = constants.T
    return -alpha * d * x ** (-alpha - 1)


def interaction(n_grid: ArrayLike, m_grid: ArrayLike, errors: Resamples, *, trials: int, materials: int) -> dict:
    """Whether a larger m makes simulations more or less useful: gamma of log R = a - alpha log n - beta log m + gamma (log n)(log
    m) by least squares, with intervals.

    gamma is 0 wherever R = f(n) g(m), and >= 0 under Eq. 1; below 0, curves in n steepen as m grows. Of 300 made sets without
    interaction (16 trials, 24 pairs, 5 % noise), the 90 % interval over trials left out 0 in 36, that over trials and pairs in 8.
    ``log`` and ``absolute`` (of R, per decade of both), ``steepening`` and ``fall`` (largest m minus smallest) have verdicts each.
    """
    x, y = (np.log(np.asarray(grid, float)) for grid in (n_grid, m_grid))
    x, y = x - x.mean(), y - y.mean()
    words = ("reinforce", "substitute")

    def described(function: Callable[[NDArray], NDArray], words: tuple[str, str] = words) -> dict:
        change = Change(float(function(errors.mean)), function(errors.draws), errors.level)
        said = verdict(change, trials=trials, materials=materials, words=words, worth=0.0)
        return {"value": change.mean, "low": change.low, "high": change.high} | said._asdict()

    def contrast(values: NDArray) -> NDArray:
        return np.einsum("n,...nm,m->...", x, values, y) / (x @ x * (y @ y))

    def slopes(values: NDArray) -> NDArray:
        return np.einsum("n,...nm->...m", x, np.log(values)) / (x @ x)

    def slopes_m(values: NDArray) -> NDArray:
        return np.einsum("m,...nm->...n", y, np.log(values)) / (y @ y)

    def fall(values: NDArray) -> NDArray:
        return values[..., 0, :] - values[..., -1, :]

    def with_band(function: Callable[[NDArray], NDArray]) -> dict:
        of = Resamples(function(errors.mean), function(errors.draws), errors.of, errors.level)
        return dict(zip(("value", "low", "high"), (v.tolist() for v in (of.mean, *of.interval()))))

    record = {
        "log": described(lambda values: contrast(np.log(values))),
        "absolute": described(lambda values: contrast(values) * np.log(10) ** 2),
        "steepening": described(lambda values: slopes(values)[..., -1] - slopes(values)[..., 0]),
        "fall": described(lambda values: fall(values)[..., -1] - fall(values)[..., 0], words[::-1]),
        "slopes": with_band(slopes),
        "slopes_m": with_band(slopes_m),
        "level": errors.level,
    }
    return record | {"verdict": record["log"]["verdict"]}


def compare_forms(n_grid: ArrayLike, m_grid: ArrayLike, errors: ArrayLike) -> pd.DataFrame:
    """Predict the errors (N, M) at the largest n, and those at the largest m, from the other cells, by seven models: a row for each
    with ``rmse`` (of prediction / observed - 1) and ``worst`` (farthest from 0). One that does not beat "last value" says nothing
    about larger n or m. ValueError unless the grids ascend and have four sizes each."""
    n_grid, m_grid, errors = (np.asarray(values, float) for values in (n_grid, m_grid, errors))
    if errors.shape != (len(n_grid), len(m_grid)) or min(errors.shape) < 4:
        raise ValueError(
            f"errors must have shape (n, m), one for each of {len(n_grid)} n and {len(m_grid)} m and at least 4 of each, "
            f"got {errors.shape}"
        )
    if (np.diff(n_grid) <= 0).any() or (np.diff(m_grid) <= 0).any():
        raise ValueError("n_grid and m_grid must ascend")
    rows = []
    for name, along, grids in (("largest n", errors, (n_grid, m_grid)), ("largest m", errors.T, (m_grid, n_grid))):
        sizes, others = grids
        known = along[:-1]
        size, other = (g.ravel() for g in np.meshgrid(sizes[:-1], others, indexing="ij"))
        n, m = (size, other) if along is errors else (other, size)
        edge_n, edge_m = (sizes[-1], others) if along is errors else (others, sizes[-1])
        fits = {form: fit_surfaces(n, m, known.reshape(1, -1), form=form, starts=12)[0][0] for form in FORMS}
        predictions = {form: evaluate(constants, edge_n, edge_m) for form, constants in fits.items()} | {
            "law per curve": [fit_power_law(sizes[:-1], curve)(sizes[-1]) for curve in known.T],
            "last value": known[-1],
        }
        for model, terms in (("logarithms", 3), ("logarithms with interaction", 4)):
            constants = np.linalg.lstsq(_logarithms(size, other, terms), np.log(known).ravel(), rcond=None)[0]
            predictions[model] = np.exp(_logarithms(sizes[-1], others, terms) @ constants)
        for model, predicted in predictions.items():
            relative = np.asarray(predicted) / along[-1] - 1
            rmse, worst = np.sqrt(np.mean(relative**2)), relative[np.abs(relative).argmax()]
            rows.append((name, model, len(relative), float(rmse), float(worst)))
    rows.sort(key=lambda row: row[1].startswith("logarithms"))
    return pd.DataFrame(rows, columns=["held_back", "model", "cells", "rmse", "worst"])


def _logarithms(size: ArrayLike, other: NDArray, terms: int) -> NDArray:
    x, y = np.broadcast_arrays(np.log(size), np.log(other))
    return np.stack([np.ones_like(x), x, y, x * y][:terms], axis=1)
