"""Intervals of the law of both sizes by resampling trials, or trials and test materials (see `resampling`)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sim2real.laws.bootstrap import check_materials, check_trials, error_array, trial_curves, trial_material_curves
from sim2real.laws.search import fit_surfaces
from sim2real.laws.surface import CONSTANTS, ScalingSurface, fit_surface

_OFTEN = 0.05  # share of refits with a constant at 0 from which its 90 % interval holds 0


def bootstrap_surface(
    n_grid: ArrayLike, m_grid: ArrayLike, errors: ArrayLike, replicates: int = 1000, seed: int = 0
) -> ScalingSurface:
    """`surface.fit_surface` of the mean errors, with replicates refitted to resampled trials.

    n_grid (N,), m_grid (M,), errors (trials, N, M): the mean absolute error of each trial in each cell, the trials in
    the same order in all cells (paired). Raises ValueError for other shapes, fewer than two trials, or errors that are
    negative or not finite.
    """
    n, m, flat = _cells(n_grid, m_grid, errors, "(trials, n, m)")
    flat = check_trials(flat)
    return _refit(n, m, flat.mean(axis=0), trial_curves(flat, replicates, seed), "trials")


def bootstrap_surface_materials(
    n_grid: ArrayLike, m_grid: ArrayLike, errors: ArrayLike, replicates: int = 1000, seed: int = 0
) -> ScalingSurface:
    """`surface.fit_surface` of the mean errors, with replicates refitted to resampled trials and materials.

    n_grid (N,), m_grid (M,), errors (trials, materials, N, M): the absolute error of each material in each trial's test
    set, NaN in all cells where the material was not in it (`surface_array` makes it). The mean is over all test
    predictions. Raises ValueError for other shapes and as `resampling.band_trials_materials`.
    """
    n, m, flat = _cells(n_grid, m_grid, errors, "(trials, materials, n, m)")
    flat, tested = check_materials(flat)
    curves = trial_material_curves(flat, tested, replicates, seed)
    return _refit(n, m, flat.sum(axis=(0, 1)) / tested.sum(), curves, "trials and materials")


def surface_array(table: pd.DataFrame) -> tuple[NDArray, NDArray, NDArray]:
    """Turn a tidy table with columns n, m, trial, material and error into n (N,), m (M,) and errors (trials, materials, N, M).

    NaN where there is no row. Raises ValueError for a missing column, a repeated (n, m, trial, material), or a cell
    (n, m) of the grid without any row.
    """
    if missing := [name for name in ("n", "m", "trial", "material", "error") if name not in table]:
        raise ValueError(f"the table of errors lacks the columns {missing}; it has {list(table.columns)}")
    (of_n, n), (of_m, m) = (pd.factorize(table[name], sort=True) for name in ("n", "m"))
    cell, errors, _, _ = error_array(table.assign(n=of_n * len(m) + of_m))
    if len(cell) < len(n) * len(m):
        empty = np.setdiff1d(np.arange(len(n) * len(m)), cell)[0]
        raise ValueError(f"the table of errors has no row at n = {n[empty // len(m)]}, m = {m[empty % len(m)]}; fill the grid")
    return np.asarray(n, float), np.asarray(m, float), errors.reshape(*errors.shape[:2], len(n), len(m))


def _cells(n_grid: ArrayLike, m_grid: ArrayLike, errors: ArrayLike, shape: str) -> tuple[NDArray, NDArray, NDArray]:
    """n and m of every cell (k,) and the errors with their last two axes as one of k cells."""
    n_grid, m_grid, errors = np.asarray(n_grid, float), np.asarray(m_grid, float), np.asarray(errors, float)
    if errors.ndim != shape.count(",") + 1 or errors.shape[-2:] != (len(n_grid), len(m_grid)):
        raise ValueError(
            f"errors must have shape {shape} with {len(n_grid)} values of n and {len(m_grid)} of m, got {errors.shape}"
        )
    n, m = np.meshgrid(n_grid, m_grid, indexing="ij")
    return n.ravel(), m.ravel(), errors.reshape(*errors.shape[:-2], -1)


def _refit(n: NDArray, m: NDArray, mean: NDArray, resamples: NDArray, resampled: str) -> ScalingSurface:
    surface = fit_surface(n, m, mean)
    start = np.array([surface.alpha, surface.beta])
    constants, _, _ = fit_surfaces(n, m, resamples, also=start)
    if failed := int(np.isnan(constants).any(axis=1).sum()):
        raise ValueError(f"{failed} of {len(constants)} resampled surfaces have no fit (an error of 0?); give more trials")
    at_zero = tuple(name for name in ("B", "epsilon") if (constants[:, CONSTANTS.index(name)] == 0).mean() >= _OFTEN)
    restricted = fit_surfaces(n, m, resamples, also=start, at_zero=at_zero)[0] if at_zero else None
    return replace(surface, replicates=constants, at_zero=at_zero, replicates_at_zero=restricted, resampled=resampled)
