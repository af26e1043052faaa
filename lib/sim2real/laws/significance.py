"""Tests for the materials at hand: paired comparison of arms (columns) over independent blocks (rows), and rank association."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata, t

ALPHA, POWER = 0.05, 0.8
EXACT_ROWS = 14  # up to so many all changes of sign are gone through (8,192 by symmetry), beyond it they are drawn
DRAWS = 9_999
ORDERS = 1_999  # of thousands of units, each as costly as five draws of signs
_CHUNK = 500


def block_sums(values: ArrayLike, blocks: ArrayLike) -> NDArray:
    """Values (trials, ...) summed over the trials of each block, as those that share a source draw are not independent: (blocks,
    ...), scaled to keep the mean over all trials."""
    values = np.asarray(values, float)
    labels, codes = np.unique(np.asarray(blocks), return_inverse=True)
    sums = np.zeros((len(labels), *values.shape[1:]))
    np.add.at(sums, codes, values)
    return sums * (len(labels) / len(values))


def sign_flip_p(differences: ArrayLike, seed: int = 0) -> float:
    """Two-sided p of the mean of differences (rows,) under changes of the rows' signs; exact for up to EXACT_ROWS rows, beyond them
    (1 + exceeding) / (1 + draws) (Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9, 39 (2010)). ValueError for fewer than two
    rows or a value that is not finite."""
    x = np.asarray(differences, float)
    if x.ndim != 1 or len(x) < 2 or not np.isfinite(x).all():
        raise ValueError(f"a paired test needs at least 2 finite differences, got shape {x.shape}")
    # rounding must not make an equal sum a smaller one
    observed = abs(x.sum()) * (1 - 1e-9)
    if len(x) <= EXACT_ROWS:
        # the first sign stays: the other half of all patterns gives the same absolute sums
        bits = np.arange(2 ** (len(x) - 1))[:, None] >> np.arange(len(x) - 1) & 1
        return float((np.abs(x[0] + (1 - 2 * bits) @ x[1:]) >= observed).mean())
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(DRAWS, len(x)))
    return float((1 + (np.abs(signs @ x) >= observed).sum()) / (1 + DRAWS))


def smallest_p(rows: int, comparisons: int = 1) -> float:
    """The smallest p that :func:`sign_flip_p` can give with so many rows, after Holm's correction for so many tests."""
    single = 2.0 ** (1 - rows) if rows <= EXACT_ROWS else 1 / (1 + DRAWS)
    return min(1.0, comparisons * single)


def holm(p: ArrayLike) -> NDArray:
    """Adjusted p of several tests (Holm, Scand. J. Statist. 6, 65 (1979)), in the order given."""
    p = np.asarray(p, float)
    order = np.argsort(p, kind="stable")
    adjusted = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    result = np.empty_like(adjusted)
    result[order] = adjusted
    return result


def friedman(errors: ArrayLike, seed: int = 0) -> tuple[float, float]:
    """Friedman's statistic of (rows, arms), J. Am. Stat. Assoc. 32, 675 (1937), without the factor for ties, which permutations
    share; its p is by permuting the arms within each row, as the chi-squared approximation is poor for few rows."""
    ranks = rankdata(np.asarray(errors, float), axis=1)
    rows, arms = ranks.shape
    factor = 12 * rows / (arms * (arms + 1))

    def statistic(mean_ranks: NDArray) -> NDArray:
        return factor * ((mean_ranks - (arms + 1) / 2) ** 2).sum(axis=-1)

    observed = float(statistic(ranks.mean(axis=0)))
    rng = np.random.default_rng(seed)
    exceeding = 0
    for start in range(0, DRAWS, _CHUNK):
        draws = min(_CHUNK, DRAWS - start)
        permuted = rng.permuted(np.broadcast_to(ranks, (draws, rows, arms)), axis=2)
        exceeding += int((statistic(permuted.mean(axis=1)) >= observed * (1 - 1e-9)).sum())
    return observed, (1 + exceeding) / (1 + DRAWS)


def detectable_difference(standard_error: float, rows: int, comparisons: int = 1) -> float:
    """The difference that a two-sided paired t-test at 5 % finds with 80 % power, by Bonferroni's correction for the comparisons:
    (t(1 - alpha / 2 c) + t(power)) SE, the usual approximation to the noncentral t-distribution."""
    quantiles = t.ppf([1 - ALPHA / (2 * comparisons), POWER], rows - 1)
    return float(quantiles.sum() * standard_error)


def t_interval(values: ArrayLike, level: float = 1 - ALPHA) -> tuple[float, float, float, float]:
    """Mean of (rows,), its standard error, and the ends of Student's interval."""
    values = np.asarray(values, float)
    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    half = float(t.ppf((1 + level) / 2, len(values) - 1)) * error
    return mean, error, mean - half, mean + half


def order_p(means: ArrayLike, contrast: ArrayLike) -> float:
    """Exact two-sided p of a contrast of the arms' means (arms,), at most eight, under all orders of the arms: whether they stand
    in the contrast's order more than arms that differ for any reason would. With five arms it cannot be below 1 / 120."""
    means, contrast = np.asarray(means, float), np.asarray(contrast, float)
    orders = means[np.array(list(permutations(range(len(means)))))]
    return float((np.abs(orders @ contrast) >= abs(means @ contrast) * (1 - 1e-9)).mean())


@dataclass(frozen=True)
class Association:
    """How much one thing explains the order of another: the value, its percentile interval, and p by permutation."""

    value: float
    low: float
    high: float
    p: float


def rank_associations(
    gain: ArrayLike,
    things: Sequence[tuple[ArrayLike, bool]],
    *,
    resampled: NDArray | None = None,
    shuffled: str = "gain",
    level: float = 1 - ALPHA,
    replicates: int = 1000,
    seed: int = 0,
) -> list[Association]:
    """How much of the order of gains (units,), taken as independent, each thing explains: (units,) numbers, by
    :func:`spearman`, or codes of labels, by :func:`epsilon_squared`, whose p has one side. ``resampled`` (units, replicates) are
    gains uncertain themselves, each replicate draws units and takes its own; ``shuffled`` is the side permuted for p = (1 + as
    extreme) / (1 + ORDERS). All things see the same resamples, and the same orders of the gains.
    """
    gain, rng = np.asarray(gain, float), np.random.default_rng(seed)
    drawn = rng.integers(len(gain), size=(replicates if resampled is None else resampled.shape[1], len(gain)))
    of_drawn = _ranks(gain, drawn) if resampled is None else rankdata(np.take_along_axis(resampled.T, drawn, axis=1), axis=1)
    ranks, found = rankdata(gain)[None], []
    for thing, labels in things:
        measure = epsilon_squared if labels else spearman
        own = np.unique(thing, return_inverse=True)[1][None] if labels else rankdata(thing)[None]
        ends = np.nanquantile(
            measure(of_drawn, own[0][drawn] if labels else _ranks(own[0], drawn)), [(1 - level) / 2, (1 + level) / 2]
        )
        found.append((measure, own, float(measure(ranks, own)[0]), *map(float, ends)))
    exceeding = np.zeros(len(found), dtype=int)
    for start in range(0, ORDERS, _CHUNK):
        draws = min(_CHUNK, ORDERS - start)
        orders = rng.permuted(np.tile(ranks, (draws, 1)), axis=1) if shuffled == "gain" else None
        for k, (measure, own, observed, *_) in enumerate(found):
            of = measure(orders, own) if orders is not None else measure(ranks, rng.permuted(np.tile(own, (draws, 1)), axis=1))
            of, least = (np.abs(of), abs(observed)) if measure is spearman else (of, observed)
            exceeding[k] += int((of >= least - 1e-12).sum())
    return [Association(*values, (1 + more) / (1 + ORDERS)) for (_, _, *values), more in zip(found, exceeding.tolist())]


def _ranks(values: NDArray, drawn: NDArray) -> NDArray:
    """``rankdata(values[drawn], axis=1)`` of resamples (rows, units), by counting instead of sorting each."""
    codes = np.unique(values, return_inverse=True)[1][drawn]
    counts = _sums(codes)
    return np.take_along_axis(counts.cumsum(axis=1) - (counts - 1) / 2, codes, axis=1)


def _sums(codes: NDArray, weights: NDArray | None = None) -> NDArray:
    """Sums of weights (rows, units), 1 if None, by code (rows, units): (rows, codes)."""
    rows, count = len(codes), codes.max() + 1
    places = (codes + count * np.arange(rows)[:, None]).ravel()
    return np.bincount(places, None if weights is None else weights.ravel(), rows * count).reshape(rows, count)


def spearman(ranks: NDArray, other: NDArray) -> NDArray:
    """Spearman's correlation of each row of ranks (rows or 1, units) with that of other ranks; NaN where either does not vary."""
    ranks, other = ranks - ranks.mean(axis=1, keepdims=True), other - other.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _dot(ranks, other) / np.sqrt(_dot(ranks, ranks) * _dot(other, other))


def _dot(a: NDArray, b: NDArray) -> NDArray:
    return np.einsum("...k,...k->...", a, b)  # exact in any order: ranks about their mean are multiples of a half


def epsilon_squared(ranks: NDArray, codes: NDArray) -> NDArray:
    """The part of the variance of ranks (rows, units) between labels of codes from 0 (rows or 1, units), less what labels without
    meaning would give: 1 - (N - 1) / (N - k) (1 - eta^2) for k labels."""
    ranks = ranks - ranks.mean(axis=1, keepdims=True)
    sizes, sums = _sums(codes), _sums(np.broadcast_to(codes, ranks.shape), ranks)
    between = np.divide(sums**2, sizes, out=np.zeros_like(sums), where=sizes > 0).sum(axis=1)
    units, count = ranks.shape[1], (sizes > 0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - (units - 1) / (units - count) * (1 - between / _dot(ranks, ranks))
