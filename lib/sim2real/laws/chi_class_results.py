"""Figure 5: which classes of polymers scale, how good the simulator is on each, and whether the second explains the first.

The paper only describes the last: "scalability can be largely explained by the predictive capability of COSMO-RS" (Minami et al.,
npj Computational Materials 11, 146 (2025)). With about ten classes a correlation over classes has a wide interval; it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata, spearmanr

from sim2real.laws.bootstrap import check_materials, error_array, trial_material_curves
from sim2real.laws.classes import FEWEST_MATERIALS, class_records
from sim2real.laws.curve import LEVEL, REPLICATES
from sim2real.studies.survey import FEWEST_SHARED
from sim2real.training.scalers import least_squares_line
from sim2real.training.study import Trials

UNCLASSIFIED = "unclassified"
CLASS_WORDS = {
    "cellulose": "Celluloses",
    "polyacrylate": "Polyacrylates",
    "polychlorox": "Chloropolymers",
    "polyester": "Polyesters",
    "polyether": "Polyethers",
    "polyethylene": "Polyethylenes",
    "polyisobutylene": "Polyisobutylenes",
    "polypropylene": "Polypropylenes",
    "polystyrenes": "Polystyrenes",
    "polyvinylx": "Polyvinyls",
    "polyxacrylamide": "Polyacrylamides",
}
"""Names of the measured file's classes as the paper writes them; a class that is not here has its own name."""
PERMUTATIONS = 9_999


def class_name(group: str) -> str:
    """A class as figures print it."""
    return CLASS_WORDS.get(group, group)


def classes_of(trials: Trials) -> list[str]:
    """The classes of the target's rows, those with the most rows first, without rows of no class."""
    counts = trials.study.target.table["group"].value_counts()
    return sorted((name for name in counts.index if name != UNCLASSIFIED), key=lambda name: (-counts[name], name))


def chi_class_records(trials: Trials, classes: Sequence[str] | None = None) -> list[dict]:
    """Figure 5a: :func:`sim2real.laws.classes.class_records` with each class's own m.

    Args:
        trials: with the arm ``transfer``.
        classes: which, in this order; all but the rows of no class, those with the most rows first, if None.

    Returns:
        Its records with ``name``, ``rows`` (measured rows of the class, what the paper writes as m), ``pairs`` (distinct) and
        ``training_rows`` (of the class in a trial's training set, on average).
    """
    classes = classes_of(trials) if classes is None else list(classes)
    table = trials.study.target.table
    pairs = table["pair"] if "pair" in table else table["key"]
    records = class_records(trials, classes)
    for record in records:
        own = (table["group"] == record["class"]).to_numpy()
        record |= {"name": class_name(record["class"]), "rows": int(own.sum()), "pairs": int(pairs[own].nunique())}
        record["training_rows"] = float(own.mean() * max(trials.design.m_grid))
    return records


def class_parity_records(target: object, simulated: Mapping[str, np.ndarray], classes: Sequence[str] | None = None) -> list[dict]:
    """Figure 5b: simulated and measured values of each class, by one or several simulators.

    Args:
        target: the measured :class:`~sim2real.datasets.task.Task`.
        simulated: (rows of the target,) by the simulator's name; NaN where it has no value.
        classes: which, in this order; all but the rows of no class, those with the most rows first, if None.

    Returns:
        For each class: ``class``, ``name``, ``rows``, ``label``, ``unit``, ``target_name``, ``simulators``: by name ``rows``,
        ``measured``, ``simulated``, ``spearman`` (None below five rows), ``mae`` of the values as they are, and ``mae_line`` and
        ``mae_constant`` of :func:`line_errors`.
    """
    table, y = target.table, target.y
    counts = table["group"].value_counts()
    if classes is None:
        classes = sorted((c for c in counts.index if c != UNCLASSIFIED), key=lambda name: (-counts[name], name))
    pairs = (table["pair"] if "pair" in table else table["key"]).to_numpy()
    records = []
    for group in classes:
        own = (table["group"] == group).to_numpy()
        sides = {}
        for name, values in simulated.items():
            known = own & np.isfinite(values)
            accuracy = line_errors(values[known], y[known], pairs[known])
            enough = known.sum() >= FEWEST_SHARED and np.ptp(values[known]) > 0 and np.ptp(y[known]) > 0
            sides[name] = {
                "rows": int(known.sum()),
                "measured": y[known].tolist(),
                "simulated": values[known].tolist(),
                "spearman": float(spearmanr(values[known], y[known])[0]) if enough else None,
                "mae": float(np.abs(values[known] - y[known]).mean()) if known.any() else None,
                **accuracy,
            }
        records.append({"class": group, "name": class_name(group), "rows": int(own.sum()), "simulators": sides})
        records[-1] |= {"label": target.property.label, "unit": target.property.unit, "target_name": target.name}
    return records


def line_errors(simulated: ArrayLike, measured: ArrayLike, pairs: ArrayLike) -> dict[str, float | None]:
    """Mean absolute error of a line through the simulated values and of a constant, each fitted without the pair it predicts.

    The line has a slope of 0 or more, as transfer's rescaled head has; the constant is the mean.

    Args:
        simulated, measured: (rows,).
        pairs: (rows,) label; all rows of a pair are left out together, or another temperature of it would tell.

    Returns:
        ``mae_line``, ``mae_constant``; None with fewer than three pairs.
    """
    simulated, measured, pairs = (np.asarray(values) for values in (simulated, measured, pairs))
    labels = pd.unique(pairs)
    if len(labels) < 3:
        return {"mae_line": None, "mae_constant": None}
    by_line, by_mean = np.empty(len(measured)), np.empty(len(measured))
    for label in labels:
        out = pairs == label
        slope, shift = least_squares_line(simulated[~out], measured[~out])
        by_line[out], by_mean[out] = slope * simulated[out] + shift, measured[~out].mean()
    return {"mae_line": float(np.abs(by_line - measured).mean()), "mae_constant": float(np.abs(by_mean - measured).mean())}


def gain_record(trials: Trials, parities: Sequence[dict], simulator: str) -> dict:
    """What each class gains from simulations, against how good the simulator is on it.

    Args:
        trials: with the arms ``transfer`` and ``direct``.
        parities: of :func:`class_parity_records` for the same target.
        simulator: whose accuracy is taken, a name of their ``simulators``.

    Returns:
        ``classes``: for each with at least five rows tested and simulated, ``class``, ``name``, ``rows``, ``pairs``;
        ``with_direct``, transfer at the largest n relative to direct learning, and ``with_n``, the largest n relative to the
        smallest (R / R - 1, below 0 is a gain), each ``mean`` and the 90 % interval ``low``, ``high`` over trials and pairs;
        ``spearman``; ``mae_line``; ``skill``, 1 - mae_line / mae_constant. ``left_out``, the names of other classes.
        ``correlations``: for each gain and measure of accuracy, :func:`correlation_over_classes`.
    """
    design, table = trials.design, trials.study.target.table
    m = max(design.m_grid)
    rows = trials.table[(trials.table["m"] == m) & trials.table["arm"].isin(["transfer", "direct"])]
    group_of_row = table["group"].to_numpy()[rows["material"].to_numpy()]
    classes, replicates, left_out = [], {"with_direct": [], "with_n": []}, []
    for parity in parities:
        own, side = rows[group_of_row == parity["class"]], parity["simulators"][simulator]
        tested = np.unique(own["material"])
        if len(tested) < FEWEST_MATERIALS or own["trial"].nunique() < 2 or side["spearman"] is None or side["mae_line"] is None:
            left_out.append(parity["name"])
            continue
        # direct learning stands at n = 0, before the smallest n
        _, cube, _, _ = error_array(own.rename(columns={"absolute_error": "error"}))
        errors, present = check_materials(cube)
        groups = trials.study.clusters(tested)
        try:
            curves = trial_material_curves(errors, present, REPLICATES, design.seed, groups)
        except ValueError:
            left_out.append(parity["name"])
            continue
        mean = errors.sum(axis=(0, 1)) / present.sum()
        gains = {}
        for name, first in (("with_direct", 0), ("with_n", 1)):
            resampled = curves[:, -1] / curves[:, first] - 1
            low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            gains[name] = {"mean": float(mean[-1] / mean[first] - 1), "low": float(low), "high": float(high)}
            replicates[name].append(resampled)
        pairs = len(tested) if groups is None else len(np.unique(groups))
        accuracy = {"spearman": side["spearman"], "mae_line": side["mae_line"]}
        accuracy["skill"] = 1 - side["mae_line"] / side["mae_constant"]
        described = {"class": parity["class"], "name": parity["name"], "rows": len(tested), "pairs": pairs}
        classes.append(described | gains | accuracy)
    correlations = {
        gain: {
            measure: correlation_over_classes(
                np.array([c[gain]["mean"] for c in classes]), np.stack(values), [c[measure] for c in classes], design.seed
            )
            for measure in ("spearman", "mae_line", "skill")
        }
        for gain, values in replicates.items()
        if values
    }
    return {
        "study": trials.study.name,
        "source": trials.study.source.summary(),
        "target": trials.study.target.summary(),
        "simulator": simulator,
        "trials": design.trials,
        "n": [design.n_grid[0], design.n_grid[-1]],
        "m": m,
        "classes": classes,
        "left_out": left_out,
        "correlations": correlations,
    }


def correlation_over_classes(gains: NDArray, resampled: NDArray, accuracy: ArrayLike, seed: int = 0) -> dict | None:
    """Spearman's rank correlation of gain and accuracy over classes, its interval and a permutation p.

    Args:
        gains: (classes,).
        resampled: (classes, R) bootstrap replicates of them.
        accuracy: (classes,), taken as known.
        seed: of the draws.

    Returns:
        ``classes``, ``spearman``, the 90 % interval ``low``, ``high`` (each replicate draws classes and takes its own gains, so
        both few classes and few data in a class widen it) and the two-sided ``p`` of 9,999 permutations of the classes (Phipson
        and Smyth, Stat. Appl. Genet. Mol. Biol. 9, 39 (2010)); None for fewer than four classes, or a constant side.
    """
    accuracy = np.asarray(accuracy, float)
    count = len(gains)
    if count < 4 or np.ptp(accuracy) == 0 or np.ptp(gains) == 0:
        return None
    rng = np.random.default_rng(seed)
    drawn = rng.integers(count, size=(resampled.shape[1], count))
    x, y = np.take_along_axis(resampled.T, drawn, axis=1), accuracy[drawn]
    values = _rank_correlations(x, y)
    low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    observed = float(spearmanr(gains, accuracy)[0])
    orders = rng.permuted(np.tile(accuracy, (PERMUTATIONS, 1)), axis=1)
    permuted = _rank_correlations(np.tile(gains, (PERMUTATIONS, 1)), orders)
    p = (1 + int((np.abs(permuted) >= abs(observed) * (1 - 1e-9)).sum())) / (1 + PERMUTATIONS)
    return {"classes": count, "spearman": observed, "low": float(low), "high": float(high), "p": p}


def _rank_correlations(x: NDArray, y: NDArray) -> NDArray:
    """Spearman's correlation of each row of x (R, k) with that of y; NaN where one of them is constant."""
    x, y = (rankdata(values, axis=1) for values in (x, y))
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (x * y).sum(axis=1) / np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
