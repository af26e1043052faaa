"""Uncertainty of error curves and of their laws by resampling trials, or trials and test materials.

Trials are random splits of the same materials. Resampling trials alone (the paper's interval; Minami et al., npj
Computational Materials 11, 146 (2025)) asks how another draw of splits would come out, not how other materials would.
Resampling both (the pigeonhole bootstrap of Owen, Annals of Applied Statistics 1, 386 (2007)) answers the second
question, and is wider.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sim2real.laws.power import PowerLaw, check_level, fit_curves, fit_power_law

# resamples without any test prediction, as a share, up to which they are drawn again; beyond it the bootstrap is refused
EMPTY_SHARE = 0.05
_CHUNK = 100  # replicates held at once: bounds the memory of the sums over trials to 100 x materials x n


def band(errors: ArrayLike, level: float = 0.9, replicates: int = 1000, seed: int = 0) -> tuple[NDArray, NDArray, NDArray]:
    """Mean curve and its percentile band (mean, low, high), each (k,), from resampled trials.

    errors: (trials, k), the mean absolute error of each trial at each n, in the rows' order at every n (paired). Raises
    ValueError for fewer than two trials, or errors that are negative or not finite.
    """
    errors = check_trials(errors)
    return _percentiles(errors.mean(axis=0), trial_curves(errors, replicates, seed), level)


def band_trials_materials(
    errors: ArrayLike, level: float = 0.9, replicates: int = 1000, seed: int = 0, clusters: ArrayLike | None = None
) -> tuple[NDArray, NDArray, NDArray]:
    """Mean curve and its percentile band (mean, low, high), each (k,), from resampled trials and materials.

    errors: (trials, materials, k), the absolute error of each material in each trial's test set, NaN where the material
    was not in it (`error_array` makes it from a tidy table). The mean is over all test predictions. clusters: (materials,)
    labels of materials that stand or fall together, such as the temperatures of one polymer-solvent pair; they are
    resampled whole. Raises ValueError where a material is tested at some n of a trial and not at others, and for fewer
    than two trials or materials.
    """
    errors, tested = check_materials(errors)
    curves = trial_material_curves(errors, tested, replicates, seed, clusters)
    return _percentiles(errors.sum(axis=(0, 1)) / tested.sum(), curves, level)


def bootstrap_power_law(n: ArrayLike, errors: ArrayLike, replicates: int = 1000, seed: int = 0) -> PowerLaw:
    """`scaling.fit_power_law` of the mean curve, with replicates refitted to resampled trials.

    n: (k,); errors: (trials, k) as for `band`. `law.interval(name, level)` then gives intervals at any level.
    """
    errors = check_trials(errors)
    return _refit(n, errors.mean(axis=0), trial_curves(errors, replicates, seed), "trials")


def bootstrap_trials_materials(
    n: ArrayLike, errors: ArrayLike, replicates: int = 1000, seed: int = 0, clusters: ArrayLike | None = None
) -> PowerLaw:
    """`scaling.fit_power_law` of the mean curve, with replicates refitted to resampled trials and materials.

    n: (k,); errors: (trials, materials, k) and clusters as for `band_trials_materials`.
    """
    errors, tested = check_materials(errors)
    curves = trial_material_curves(errors, tested, replicates, seed, clusters)
    return _refit(n, errors.sum(axis=(0, 1)) / tested.sum(), curves, "trials and materials")


def error_array(table: pd.DataFrame) -> tuple[NDArray, NDArray, pd.Index, pd.Index]:
    """Turn a tidy table with columns n, trial, material and error (one row each) into an array.

    Returns n (k,), errors (trials, materials, k) with NaN where there is no row, and the labels of trials and
    materials. Raises ValueError for a missing column or a repeated (n, trial, material).
    """
    keys = ["trial", "material", "n"]
    if missing := [name for name in (*keys, "error") if name not in table]:
        raise ValueError(f"the table of errors lacks the columns {missing}; it has {list(table.columns)}")
    if (repeated := table.duplicated(keys)).any():
        row = table.loc[repeated, keys].iloc[0].to_dict()
        raise ValueError(f"the table of errors has more than one row for {row}; keep one study, m and split rule at a time")
    codes, labels = zip(*(pd.factorize(table[name], sort=True) for name in keys), strict=True)
    errors = np.full([len(values) for values in labels], np.nan)
    errors[codes] = table["error"]
    return np.asarray(labels[2], float), errors, pd.Index(labels[0]), pd.Index(labels[1])


def paired_difference(a: ArrayLike, b: ArrayLike) -> tuple[float, float, int]:
    """Mean of a - b over paired trials, its standard error, and the number of trials.

    a, b: (trials,), errors of two arms on the same splits in the same order. The trials are splits of the same
    materials and share most of their training and test rows, so the standard error understates: it holds for these
    materials, not for others. Raises ValueError for unequal lengths, fewer than two trials, or values that are not
    finite.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2:
        raise ValueError(f"paired errors must be two equally long vectors of at least 2 trials, got {a.shape} and {b.shape}")
    if len(bad := np.flatnonzero(~np.isfinite(a - b))):
        raise ValueError(f"trial {bad[0]}: errors {a[bad[0]]} and {b[bad[0]]}; expected finite numbers")
    difference = a - b
    return float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference))), len(difference)


def _percentiles(mean: NDArray, curves: NDArray, level: float) -> tuple[NDArray, NDArray, NDArray]:
    check_level(level)
    low, high = np.quantile(curves, [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=0)
    return mean, low, high


def _refit(n: ArrayLike, mean: NDArray, curves: NDArray, resampled: str) -> PowerLaw:
    law = fit_power_law(n, mean)
    n = np.asarray(n, float)
    free, without_gap = (fit_curves(n, curves, gap=gap)[0] for gap in (True, False))
    if failed := int(np.isnan(free).any(axis=1).sum()):
        raise ValueError(f"{failed} of {len(free)} resampled curves have no fit (an error of 0?); give more trials")
    return replace(law, replicates=free, replicates_without_gap=without_gap, resampled=resampled)


def check_trials(errors: ArrayLike) -> NDArray:
    """Errors (trials, n) as an array of finite numbers.

    Raises:
        ValueError: another shape, fewer than two trials, or a number that is not finite.
    """
    errors = np.asarray(errors, float)
    if errors.ndim != 2 or len(errors) < 2:
        raise ValueError(f"errors must have shape (trials, n) with at least 2 trials, got {errors.shape}")
    bad = np.argwhere(~(np.isfinite(errors) & (errors >= 0)))
    if len(bad):
        trial, point = bad[0]
        raise ValueError(f"errors[trial {trial}, n index {point}] is {errors[trial, point]}; expected finite errors >= 0")
    return errors


def check_materials(errors: ArrayLike) -> tuple[NDArray, NDArray]:
    """The errors with 0 where a material is not tested, and the mask (trials, materials) of those that are."""
    errors = np.asarray(errors, float)
    if errors.ndim != 3 or min(errors.shape[:2]) < 2:
        raise ValueError(
            f"errors must have shape (trials, materials, n) with at least 2 trials and 2 materials, got {errors.shape}"
        )
    present = ~np.isnan(errors)
    tested = present.any(axis=2)
    bad = np.argwhere((tested[:, :, None] & ~present) | np.isinf(errors) | (errors < 0))
    if len(bad):
        trial, material, point = bad[0]
        raise ValueError(
            f"errors[trial {trial}, material {material}, n index {point}] is {errors[trial, material, point]}; expected"
            " an error >= 0 at every n, or NaN at every n where the material is not in the trial's test set"
        )
    return np.where(present, errors, 0.0), tested


def _counts(rng: np.random.Generator, size: int, replicates: int) -> NDArray:
    """How often each of `size` rows is drawn in each replicate, (replicates, size)."""
    return rng.multinomial(size, np.full(size, 1.0 / size), size=replicates).astype(float)


def trial_curves(errors: NDArray, replicates: int, seed: int) -> NDArray:
    """Mean curves (replicates, n) of resampled trials, from errors (trials, n)."""
    counts = _counts(np.random.default_rng(seed), len(errors), replicates)
    return counts @ errors / len(errors)


def trial_material_curves(
    errors: NDArray, tested: NDArray, replicates: int, seed: int, clusters: ArrayLike | None = None
) -> NDArray:
    """Mean curves (replicates, n) of resampled trials and materials (or whole clusters of them, by label), from what
    :func:`check_materials` returns."""
    rng = np.random.default_rng(seed)
    trials, materials, points = errors.shape
    flat = errors.reshape(trials, -1)
    member = np.arange(materials) if clusters is None else pd.factorize(np.asarray(clusters))[0]
    if len(member) != materials:
        raise ValueError(f"{len(member)} labels of clusters for {materials} materials")

    def drawn(count: int) -> NDArray:
        return _counts(rng, int(member.max()) + 1, count)[:, member]

    of_trials, of_materials = _counts(rng, trials, replicates), drawn(replicates)
    predictions = np.einsum("bm,bm->b", of_trials @ tested, of_materials)
    if np.mean(predictions == 0) > EMPTY_SHARE:
        raise ValueError(
            f"too many resamples of {trials} trials and {materials} materials hold no test prediction; give more of either"
        )
    while (empty := np.flatnonzero(predictions == 0)).size:
        # it has no mean; a few of them are drawn again
        of_trials[empty], of_materials[empty] = _counts(rng, trials, len(empty)), drawn(len(empty))
        predictions[empty] = np.einsum("bm,bm->b", of_trials[empty] @ tested, of_materials[empty])
    curves = np.empty((replicates, points))
    for start in range(0, replicates, _CHUNK):
        rows = slice(start, start + _CHUNK)
        sums = (of_trials[rows] @ flat).reshape(-1, materials, points)
        curves[rows] = np.einsum("bmk,bm->bk", sums, of_materials[rows])
    return curves / predictions[:, None]
