"""How simulations and experiments replace each other: curves of equal error, budget lines and marginal rates.

The marginal rate of substitution (dR/dm) / (dR/dn) (Minami et al., npj Computational Materials 11, 146 (2025), Eq. 4)
is the slope of a curve of equal error, and, where a budget line touches that curve, the ratio of their costs at which
the budget is well spent. The paper takes it from a fitted surface for density, and for chi, where Eq. 1 does not hold,
from the two curves that cross at the data's edge.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sim2real.laws.bootstrap import check_trials, trial_curves
from sim2real.laws.power import PowerLaw, check_level, fit_curves, fit_power_law
from sim2real.laws.search import fit_surfaces
from sim2real.laws.surface import ScalingSurface, evaluate, fit_surface


def equal_error_m(surface: ScalingSurface, error: float, n: ArrayLike) -> NDArray:
    """The m at which the surface has this error, for each n: ((A n^-alpha + B) / (error - epsilon))^(1 / beta).

    NaN where no m reaches it: error at or below epsilon, or an error that does not fall with m (beta = 0).
    """
    n = np.asarray(n, float)
    if surface.beta == 0 or error <= surface.epsilon:
        return np.full(n.shape, np.nan)
    return ((surface.A * n**-surface.alpha + surface.B) / (error - surface.epsilon)) ** (1 / surface.beta)


def budget_line_m(n_0: float, m_0: float, cost_ratio: float, n: ArrayLike) -> NDArray:
    """The m that the budget of (n_0, m_0) still buys, for each n; an experiment costs as much as cost_ratio simulations.

    NaN where n alone costs more than the budget.
    """
    m = m_0 + (n_0 - np.asarray(n, float)) / cost_ratio
    return np.where(m > 0, m, np.nan)


def equal_rate_m(surface: ScalingSurface, rate: float, n: ArrayLike) -> NDArray:
    """The m at which the marginal rate has this value, for each n: where budgets of this cost ratio are best spent.

    NaN where the surface has no finite positive rate.
    """
    n = np.asarray(n, float)
    # the rate is inversely proportional to m
    at_one = surface.marginal_rate(n, 1.0) / rate
    return np.where(np.isfinite(at_one) & (at_one > 0), at_one, np.nan)


def rate_of_curves(in_n: PowerLaw, in_m: PowerLaw, n: float, m: float) -> float:
    """Simulations worth one experiment from two curves: the error against n at this m, and against m at this n.

    Infinite where the error does not fall with n, NaN where it falls with neither.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.float64(in_m.derivative(m)) / np.float64(in_n.derivative(n)))


def rate_by_curves(
    n_grid: ArrayLike, m_grid: ArrayLike, errors: ArrayLike, replicates: int = 1000, seed: int = 0, level: float = 0.9
) -> dict:
    """The marginal rate at the largest n and m without Eq. 1: a law each for the two curves that cross there.

    n_grid (N,), m_grid (M,), errors (trials, N, M) as for `surface_resampling.bootstrap_surface`, at least three n and
    three m. Returns `rate`, its percentile interval `low`, `high` over resampled trials (one-sided upwards where the
    rate is infinite; a replicate of rate 0 / 0 counts as 0 for low and as infinite for high), `partial_n`, `partial_m`,
    and both laws, `in_n` and `in_m`. Raises ValueError as `scaling.fit_power_law`.
    """
    check_level(level)
    n_grid, m_grid, errors = (np.asarray(values, float) for values in (n_grid, m_grid, errors))
    if errors.ndim != 3 or errors.shape[1:] != (len(n_grid), len(m_grid)):
        raise ValueError(
            f"errors must have shape (trials, n, m) with {len(n_grid)} values of n and {len(m_grid)} of m, got {errors.shape}"
        )
    both = check_trials(np.concatenate([errors[:, :, -1], errors[:, -1, :]], axis=1))
    count, n, m = len(n_grid), float(n_grid[-1]), float(m_grid[-1])
    mean = both.mean(axis=0)
    in_n, in_m = fit_power_law(n_grid, mean[:count]), fit_power_law(m_grid, mean[count:])
    curves = trial_curves(both, replicates, seed)
    laws_n, laws_m = fit_curves(n_grid, curves[:, :count])[0], fit_curves(m_grid, curves[:, count:])[0]
    rates = np.array([rate_of_curves(PowerLaw(*a), PowerLaw(*b), n, m) for a, b in zip(laws_n, laws_m)])
    rate = rate_of_curves(in_n, in_m, n, m)
    low_at = 1 - level if np.isinf(rate) else (1 - level) / 2
    low = np.quantile(np.where(np.isnan(rates), 0.0, rates), low_at, method="lower")
    high = np.quantile(np.where(np.isnan(rates), np.inf, rates), (1 + level) / 2, method="higher")
    return {
        "n": n,
        "m": m,
        "rate": rate,
        "low": float(low),
        "high": np.inf if np.isinf(rate) else float(high),
        "partial_n": float(in_n.derivative(n)),
        "partial_m": float(in_m.derivative(m)),
        "in_n": in_n.to_dict(level),
        "in_m": in_m.to_dict(level),
    }


def compare_surfaces(n_grid: ArrayLike, m_grid: ArrayLike, errors: ArrayLike) -> pd.DataFrame:
    """Predict the errors at the largest n, and those at the largest m, from the other cells, by four models.

    n_grid (N,), m_grid (M,), ascending and at least four each; errors (N, M). Returns a row for each held-back edge and
    model: "Eq. 1"; "additive" (A n^-alpha + B m^-beta + epsilon: m does not change what n gains); "law per curve" (a law
    in n for each m, or in m for each n, as the paper does for chi); "last value" (the error at the second largest n or
    m). Columns: held_back, model, cells, rmse (of prediction / observed - 1) and worst (the one farthest from 0). A model
    that does not beat "last value" says nothing about larger n or m. Raises ValueError for smaller or other grids.
    """
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
        additive = fit_surfaces(n, m, known.reshape(1, -1), interaction=False, starts=12)[0][0]
        predictions = {
            "Eq. 1": fit_surface(n, m, known.ravel())(edge_n, edge_m),
            "additive": evaluate(additive, edge_n, edge_m, interaction=False),
            "law per curve": [fit_power_law(sizes[:-1], curve)(sizes[-1]) for curve in known.T],
            "last value": known[-1],
        }
        for model, predicted in predictions.items():
            relative = np.asarray(predicted) / along[-1] - 1
            rmse, worst = np.sqrt(np.mean(relative**2)), relative[np.abs(relative).argmax()]
            rows.append((name, model, len(relative), float(rmse), float(worst)))
    return pd.DataFrame(rows, columns=["held_back", "model", "cells", "rmse", "worst"])
