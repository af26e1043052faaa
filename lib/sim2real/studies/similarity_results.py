"""Do source sets of graded similarity differ? Curves, paired differences, and what could not have been seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim2real.laws.bootstrap import band, band_trials_materials, bootstrap_power_law, error_array
from sim2real.laws.curve import LEVEL, REPLICATES
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
from sim2real.studies.similarity import MEASURES, GradedSource, class_association, class_table
from sim2real.training.study import Trials

PAPER = {
    "finding": "no significant differences",
    "source": "Minami et al., npj Comput. Mater. 11, 146 (2025); neither the test, the sets nor their sizes are in its text",
}


def similarity_record(
    grades: list[GradedSource],
    trials: list[Trials],
    direct: Trials,
    controls: dict[str, tuple[list[GradedSource], list[Trials]]],
    by: str,
) -> dict:
    """Everything that figures S1 and S2 draw.

    Args:
        grades: arranged by similarity, the most similar last.
        trials: of the grades, in their order, one design for all, arm ``transfer``.
        direct: of the whole study with the same trials, arm ``direct``.
        controls: arrangement -> its sets and their trials at their largest n, which is the sets' own size.
        by: how similarity was measured.

    Returns:
        ``property``, ``label``, ``unit``, ``study``, ``measure``, ``source``, ``target``; ``design``; ``grades``, each with its
        name, size, similarity (low, median, high, and a histogram), curve (mae and 90 % bands over trials, and over trials
        and materials) and ``law``; ``classes``; ``direct``; ``by_n``, one :func:`compare` for each n; ``controls``, one for
        each arrangement at the largest n; ``paper``.
    """
    study, design = direct.study, trials[0].design
    m, prop = max(design.m_grid), study.target.property
    medians = [g.median for g in grades]
    table = class_table(grades)
    edges = np.linspace(min(g.low for g in grades), max(g.high for g in grades), 41)
    (direct_mae,), (direct_low,), (direct_high,) = band(direct.errors("direct", m)[:, None], LEVEL, REPLICATES, design.seed)
    return {
        "property": prop.name,
        "label": prop.label,
        "unit": prop.unit,
        "study": study.name,
        "by": by,
        "measure": MEASURES[by],
        "source": study.source.summary(),
        "target": study.target.summary(),
        "left_out": {k: v for k, v in grades[0].study.source.report.items() if k.startswith("left out")},
        "design": {"n": list(design.n_grid), "m": m, "trials": design.trials, "seed": design.seed}
        | {"source_draws": design.distinct_draws},
        "grades": [_grade_record(g, t, edges) for g, t in zip(grades, trials)],
        "edges": edges.tolist(),
        "classes": {"names": list(table.index), "counts": table.to_numpy().T.tolist(), "cramers_v": class_association(table)},
        "direct": {"mae": float(direct_mae), "low": float(direct_low), "high": float(direct_high)},
        "by_n": [compare(trials, medians, n) for n in design.n_grid],
        "controls": {
            name: {"cramers_v": class_association(class_table(sets))}
            | compare(runs, None if name == "random" else [s.median for s in sets], runs[0].design.n_grid[-1])
            for name, (sets, runs) in controls.items()
        },
        "paper": PAPER,
    }


def _grade_record(grade: GradedSource, trials: Trials, edges: NDArray) -> dict:
    design = trials.design
    errors = trials.errors("transfer")
    mae, low, high = band(errors, LEVEL, REPLICATES, design.seed)
    rows = trials.table[trials.table["arm"] == "transfer"].rename(columns={"absolute_error": "error"})
    _, low_materials, high_materials = band_trials_materials(error_array(rows)[1], LEVEL, REPLICATES, design.seed)
    curve = {"mae": mae, "low": low, "high": high, "low_materials": low_materials, "high_materials": high_materials}
    return {
        "name": grade.name,
        "materials": len(grade.study.source),
        "similarity": {"low": grade.low, "median": grade.median, "high": grade.high},
        "histogram": np.histogram(grade.similarity, edges)[0].tolist(),
        "simulated": {"mean": float(grade.study.source.y.mean()), "sd": float(grade.study.source.y.std())},
        "curve": {name: values.tolist() for name, values in curve.items()},
        "law": bootstrap_power_law(design.n_grid, errors, REPLICATES, design.seed).to_dict(LEVEL),
    }


def compare(trials: list[Trials], similarity: list[float] | None, n: int) -> dict:
    """Paired comparison at one n of source sets, each against the last, and the trend along their similarity.

    Trials that share a source draw are summed first (:func:`~sim2real.laws.significance.block_sums`). Splits of one target set
    share materials: the tests hold for these measured materials. Intervals that resample materials as well are beside them.

    Args:
        trials: one a set, with the same trials; the most similar last.
        similarity: (sets,) median of each, or None where sets have no order: then there is no trend.
        n: source size.

    Returns:
        ``n``, ``mae`` of each set, ``range`` of them, ``friedman`` (statistic, p), ``comparisons`` (see :func:`_contrast`; plus
        ``p_holm``, and ``set``, its 0-based position) and ``trend`` or None: the change of the error from the first to the last
        set along the straight line fitted to error against similarity, likewise, with ``slope`` and ``p_order``.
    """
    errors, cube, draws = _at_n(trials, n)
    seed, last = trials[0].design.seed, len(trials) - 1
    blocks = block_sums(errors, draws)
    mean = errors.mean(axis=0)
    curves = _resample(cube, draws, seed)
    weights = np.eye(len(trials))[:last] - np.eye(len(trials))[last]
    comparisons = [{"set": k} | _contrast(blocks, curves, w, float(mean[last]), last, seed) for k, w in enumerate(weights)]
    for comparison, p in zip(comparisons, holm([c["p"] for c in comparisons])):
        comparison["p_holm"] = float(p)
    trend = None
    if similarity is not None and np.ptp(similarity) > 0:
        x = np.asarray(similarity, float)
        slope = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
        along = slope * (x[-1] - x[0])
        trend = _contrast(blocks, curves, along, float(mean[last]), 1, seed)
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
    """A contrast of the sets' errors: mean, 95 % intervals, p, effect sizes, and the smallest difference that could be seen.

    ``low``, ``high`` are Student's over blocks; ``low_materials``, ``high_materials`` percentiles over blocks and materials.
    ``standardised`` is mean / standard deviation of the blocks' differences (None where that is 0), ``relative`` mean / error
    of the last set. ``detectable`` corrects for the number of comparisons, ``detectable_alone`` does not,
    ``detectable_materials`` is the former with the standard error over blocks and materials.
    """
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


def _at_n(trials: list[Trials], n: int) -> tuple[NDArray, NDArray, NDArray]:
    """Errors (trials, sets), (trials, materials, sets) and the source draw of each trial, at one n and the largest m."""
    design = trials[0].design
    parts = []
    for k, run in enumerate(trials):
        table = run.table
        rows = table[(table["arm"] == "transfer") & (table["n"] == n) & (table["m"] == max(design.m_grid))]
        parts.append(pd.DataFrame({"n": k, "trial": rows["trial"], "material": rows["material"], "error": rows["absolute_error"]}))
    _, cube, labels, _ = error_array(pd.concat(parts, ignore_index=True))
    draws = labels.to_numpy() % design.source_draws if design.source_draws else labels.to_numpy()
    return np.nanmean(cube, axis=1), cube, draws


def _resample(cube: NDArray, draws: NDArray, seed: int) -> NDArray:
    """Mean errors (replicates, sets) of resampled source draws, with all trials of each, and resampled materials."""
    rng = np.random.default_rng(seed)
    labels, codes = np.unique(draws, return_inverse=True)
    flat, tested = np.nan_to_num(cube).reshape(len(cube), -1), ~np.isnan(cube[:, :, 0])
    curves = []
    for _ in range(REPLICATES):
        # a resample of few draws and materials may hold no test prediction; it says nothing and is drawn again
        while True:
            of_trials = rng.multinomial(len(labels), np.full(len(labels), 1 / len(labels)))[codes].astype(float)
            of_materials = rng.multinomial(cube.shape[1], np.full(cube.shape[1], 1 / cube.shape[1])).astype(float)
            predictions = of_trials @ tested @ of_materials
            if predictions > 0:
                break
        curves.append(of_materials @ (of_trials @ flat).reshape(cube.shape[1:]) / predictions)
    return np.array(curves)
