"""Do source sets differ? Paired comparison of each with the last, the trend along an order, and what could not have been seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim2real.laws.bootstrap import BOOTSTRAP, Bootstrap, trial_means
from sim2real.laws.significance import (
    ALPHA,
    block_sums,
    detectable_difference,
    friedman,
    holm,
    order_p,
    sign_flip_p,
    smallest_p,
    t_interval,
)
from sim2real.training.study import Trials


def compare(trials: Sequence[Trials], similarity: Sequence[float] | None, n: int, *, bootstrap: Bootstrap = BOOTSTRAP) -> dict:
    """Paired comparison at one n of source sets (same trials, the most similar last), each against the last, and their trend along
    their median ``similarity`` (sets,), without which there is none. Trials that share a source draw are summed first; tests hold
    for these measured materials, intervals over materials too are beside them. The records are those of :func:`_contrast`."""
    design, last = trials[0].design, len(trials) - 1
    cubes = [t.cube(m=max(design.m_grid)) for t in trials]
    at = cubes[0].n.index(n)
    errors = np.stack([trial_means(cube)[:, at, 0] for cube in cubes], axis=1)
    draws, seed = design.draw(cubes[0].trials), design.seed
    blocks = block_sums(errors, draws)
    mean = errors.mean(axis=0)
    cube = np.stack([cube.errors[:, :, at, 0] for cube in cubes], axis=2)
    curves = bootstrap.seeded(design).materials(cube, blocks=draws).draws
    weights = np.eye(len(trials))[:last] - np.eye(len(trials))[last]
    comparisons = [{"set": k} | _contrast(blocks, curves, w, float(mean[last]), last, seed) for k, w in enumerate(weights)]
    for comparison, p in zip(comparisons, holm([c["p"] for c in comparisons])):
        comparison["p_holm"] = float(p)
    trend = None
    if similarity is not None and np.ptp(similarity) > 0:
        x = np.asarray(similarity, float)
        slope = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
        trend = _contrast(blocks, curves, slope * (x[-1] - x[0]), float(mean[last]), 1, seed)
        trend |= {"slope": float(mean @ slope), "p_order": order_p(mean, slope)}
    statistic, p = friedman(blocks, seed)
    return {
        "n": int(n),
        "mae": mean.tolist(),
        "range": float(np.ptp(mean)),
        "blocks": len(blocks),
        "smallest_p": smallest_p(len(blocks), last),
        "friedman": {"statistic": statistic, "p": p},
        "comparisons": comparisons,
        "trend": trend,
    }


def _contrast(blocks: NDArray, curves: NDArray, weights: NDArray, scale: float, comparisons: int, seed: int) -> dict:
    """A contrast of the sets' errors with Student's interval over blocks and percentiles over blocks and materials, its p, effect
    sizes (``standardised`` by the blocks' deviation, ``relative`` to the last set), and the smallest difference detectable with
    correction for the number of comparisons, without it, and with the error over blocks and materials."""
    values, resampled = blocks @ weights, curves @ weights
    mean, error, low, high = t_interval(values)
    low_materials, high_materials = np.quantile(resampled, [ALPHA / 2, 1 - ALPHA / 2])
    deviation = float(values.std(ddof=1))
    rows, error_materials = len(values), float(resampled.std(ddof=1))
    return {
        "mean": mean,
        "standard_error": error,
        "low": low,
        "high": high,
        "standard_error_materials": error_materials,
        "low_materials": float(low_materials),
        "high_materials": float(high_materials),
        "p": sign_flip_p(values, seed),
        "standardised": mean / deviation if deviation > 0 else None,
        "relative": mean / scale,
        "detectable": detectable_difference(error, rows, comparisons),
        "detectable_alone": detectable_difference(error, rows),
        "detectable_materials": detectable_difference(error_materials, rows, comparisons),
    }
