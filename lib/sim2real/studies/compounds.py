"""Which single compounds gain from a growing source, and what explains it (Fig. 6e and what the paper leaves to the eye).

Tests are over source draws and hold for these data: no trial has other measurements of the compound.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import false_discovery_control, t
from sklearn.neighbors import NearestNeighbors

from sim2real.laws.bootstrap import BOOTSTRAP, Bootstrap
from sim2real.laws.records import Facts, json_ready
from sim2real.laws.significance import ALPHA, block_sums, detectable_difference, holm, rank_associations
from sim2real.laws.verdicts import FEWEST_MATERIALS, UNTOLD, WORTHWHILE
from sim2real.training.study import Study, Trials

FALSE_DISCOVERIES = 0.10  # accepted part of false ones among the compounds said to gain or lose
FEWEST_DRAWS = 5  # a compound tested in fewer independent source draws gets no test: its standard error is hardly known
CROWD = 10  # neighbours that half of the compounds have within the radius in which they are counted


def curves_record(trials: Trials, m: int | None = None) -> dict:
    """Figure 6e, of trials with the arms ``transfer`` and ``direct`` and more than one n: ``curves`` (compounds, n) are mean errors
    over draws. ``m`` is the largest if None.
    """
    return _record(trials, m := max(trials.design.m_grid) if m is None else m, *draw_errors(trials, m)[::2])


def _record(trials: Trials, m: int, curves: NDArray, materials: NDArray) -> dict:
    table = trials.study.target.table.iloc[materials]
    return Facts.of(trials).to_dict("study", "property", "label", "unit", "source", "target", "overlap", "trials", "n") | {
        "m": m,
        "draws": trials.design.distinct_draws,
        "compounds": len(trials.study.target),
        "names": table.get("name", table["structure"]).tolist(),
        "groups": table["group"].tolist(),
        "wf": _labels(table, "wf").tolist(),
        "tested": (~np.isnan(curves[:, :, 0])).sum(axis=0).tolist(),
        "curves": np.nanmean(curves, axis=0).tolist(),
    }


def gain_record(trials: Trials, m: int | None = None, *, bootstrap: Bootstrap = BOOTSTRAP) -> dict:
    """The ranking of the compounds of a :func:`curves_record`, which this is too: ``gains`` of :func:`gain_tests`, and
    ``explained`` of :func:`explain` for each gain.
    """
    m = max(trials.design.m_grid) if m is None else m
    curves, direct, materials = draw_errors(trials, m)
    differences = {"with n": curves[:, :, 0] - curves[:, :, -1], "over direct learning": direct - curves[:, :, -1]}
    scale = np.nanmean(curves[:, :, 0], axis=0)
    properties, bootstrap = compound_properties(trials.study, materials), bootstrap.seeded(trials.design)
    return _record(trials, m, curves, materials) | {
        "gains": {name: _as_lists(gain_tests(values, scale)) for name, values in differences.items()},
        "explained": {name: explain(_own(values), properties, bootstrap) for name, values in differences.items()},
    }


def _own(gains: NDArray) -> NDArray:
    """Mean gain of each compound (compounds,) beyond what all of a draw have in common: they share its network."""
    return np.nanmean(gains - np.nanmean(gains, axis=1, keepdims=True), axis=0)


def draw_errors(trials: Trials, m: int) -> tuple[NDArray, NDArray, NDArray]:
    """Mean errors over the trials of each source draw, NaN where none of them tested the material.

    Transfer (draws, materials, n), direct (draws, materials), and the materials' rows in the target's table.
    """
    # direct learning stands in the same array, at n = 0, so that its trials and materials line up
    cube = trials.cube(("transfer", "direct"), m=m)
    errors, draws = cube.errors[..., 0], trials.design.draw(cube.trials)
    sums, counts = (block_sums(values, draws) for values in (np.nan_to_num(errors), ~np.isnan(errors)))
    means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    return means[:, :, 1:], means[:, :, 0], cube.materials


def gain_tests(differences: ArrayLike, scale: ArrayLike) -> pd.DataFrame:
    """Student's test of every compound's mean gain over source draws, corrected for the number of compounds; one row a compound.

    ``differences`` are (draws, compounds), positive is a gain, NaN where untested; ``scale`` (compounds,) is the
    error of which WORTHWHILE is a part worth seeing.
    ``p_bh`` is of Benjamini and Hochberg, J. R. Stat. Soc. B 57, 289 (1995), and gives ``verdict``; ``detectable`` is
    the smallest gain found with 80 % power by a test at 5 % of this compound alone, or of all those tested (Bonferroni).
    """
    x, scale = np.asarray(differences, float), np.asarray(scale, float)
    draws, mean = (~np.isnan(x)).sum(axis=0), np.nanmean(x, axis=0)
    freedom = np.maximum(draws - 1, 1)
    spread = np.where(draws > 1, np.nansum((x - mean) ** 2, axis=0), np.nan)
    error = np.sqrt(spread / freedom / draws)
    half = t.ppf(1 - ALPHA / 2, freedom) * error
    testable = draws >= FEWEST_DRAWS
    ratio = np.divide(np.abs(mean), error, out=np.full_like(mean, np.inf), where=error > 0)
    ratio[mean == 0] = 0.0
    p, p_bh, p_holm, alone, together = (np.full(len(mean), np.nan) for _ in range(5))
    p[testable] = 2 * t.sf(ratio[testable], freedom[testable])
    if testable.any():
        p_bh[testable], p_holm[testable] = false_discovery_control(p[testable]), holm(p[testable])
        for number in np.unique(draws[testable]):
            of = draws == number
            alone[of] = error[of] * detectable_difference(1.0, int(number))
            together[of] = error[of] * detectable_difference(1.0, int(number), int(testable.sum()))
    found = np.nan_to_num(p_bh, nan=1.0) <= FALSE_DISCOVERIES
    verdict = np.where(found, np.where(mean > 0, "gains", "loses"), UNTOLD)
    columns = {"mean": mean, "standard_error": error, "low": mean - half, "high": mean + half, "p": p, "p_bh": p_bh}
    columns |= {"p_holm": p_holm, "verdict": verdict, "detectable": alone, "detectable_all": together}
    return pd.DataFrame(columns | {"seen": alone <= WORTHWHILE * scale, "seen_all": together <= WORTHWHILE * scale})


def compound_properties(study: Study, materials: NDArray) -> pd.DataFrame:
    """What may explain a compound's gain, one row for each of ``materials`` (rows of the target's table).

    The distance from the law is |log10(kappa / (L sigma T))|, in decades; neighbours are other source compounds within the radius
    in which half of the compounds have at least ten. What the table has no column for is left out.
    """
    target, table = study.target, study.target.table.iloc[materials]
    properties = {"distance from the law": table["lorenz"].abs().to_numpy()} if "lorenz" in table else {}
    properties["neighbours in the source"] = _neighbours(study)[materials]
    labels = {"carrier type": "carrier", "family": "group"}
    properties |= {name: _labels(table, column) for name, column in labels.items() if column in table}
    properties["own kappa in the source"] = np.where(np.isin(target.keys[materials], study.source.keys), "yes", "no")
    return pd.DataFrame(properties)


def _labels(table: pd.DataFrame, column: str) -> NDArray:
    if column not in table:
        return np.full(len(table), "unknown")
    return table[column].fillna("").replace("", "unknown").to_numpy(dtype=str)


def _neighbours(study: Study) -> NDArray:
    """For each row of the target, source compounds with another composition within the common radius."""
    source, target = study.source, study.target
    index, keys = NearestNeighbors(algorithm="brute").fit(source.X), source.keys
    # of CROWD + 1, one may be the compound itself
    distances, found = index.kneighbors(target.X, n_neighbors=min(CROWD + 1, len(source)))
    other = keys[found] != target.keys[:, None]
    ordered = np.where(other, distances, -1.0)
    ordered.sort(axis=1)
    tenth = np.where(other.all(axis=1), ordered[:, -2] if ordered.shape[1] > 1 else ordered[:, -1], ordered[:, -1])
    near = index.radius_neighbors(target.X, radius=float(np.median(tenth)), return_distance=False)
    return np.array([(keys[rows] != key).sum() for rows, key in zip(near, target.keys)], dtype=float)


def explain(gain: ArrayLike, properties: pd.DataFrame, bootstrap: Bootstrap = BOOTSTRAP) -> list[dict]:
    """How much of the order of the gains (compounds,) each column explains, over compounds, taken as independent.

    The association is :func:`~sim2real.laws.significance.rank_associations`', ``p_holm`` is over the columns; of labels ``levels``
    holds median gain and compounds, those of fewer than FEWEST_MATERIALS together as "others".
    """
    gain = np.asarray(gain, float)
    records, together = [], {}
    for name, column in properties.items():
        numeric = pd.api.types.is_numeric_dtype(column)
        known = np.isfinite(column.to_numpy(float)) if numeric else np.ones(len(column), dtype=bool)
        values, of_gain = column.to_numpy()[known], gain[known]
        record = {"name": name, "measure": "Spearman's rho" if numeric else "epsilon squared", "compounds": int(known.sum())}
        records.append(record)
        if not numeric:
            labels, counts = np.unique(values, return_counts=True)
            values = np.where(np.isin(values, labels[counts >= FEWEST_MATERIALS]), values, "others")
            medians = pd.Series(of_gain).groupby(values).agg(["median", "size"]).sort_values("size", ascending=False)
            record["levels"] = [{"label": str(k), "median": float(a), "compounds": int(b)} for k, a, b in medians.itertuples()]
        if len(values) < FEWEST_MATERIALS or len(np.unique(values)) < 2 or np.ptp(of_gain) == 0:
            record |= dict.fromkeys(("value", "low", "high", "p", "p_holm"))
            continue
        together.setdefault(known.tobytes(), []).append((record, of_gain, (values, not numeric)))
    options = {"replicates": bootstrap.replicates, "seed": bootstrap.seed or 0}
    for of_records, gains, things in (zip(*group) for group in together.values()):
        for record, found in zip(of_records, rank_associations(gains[0], things, **options)):
            record |= vars(found)
    tested = [r for r in records if r["value"] is not None]
    for record, p in zip(tested, holm([r["p"] for r in tested])):
        record["p_holm"] = float(p)
    return records


def _as_lists(frame: pd.DataFrame) -> dict[str, list]:
    return {name: json_ready(values.tolist()) for name, values in frame.items()}


def drawn_curves(record: dict) -> dict:
    """What Figure 6e draws of a :func:`curves_record`, numbers to four digits: thousands of compounds make a large file."""
    return record | {"curves": _short(record["curves"])}


def drawn_ranking(record: dict) -> dict:
    """What the ranking draws of a :func:`gain_record`, numbers to four digits."""
    gains = {name: {column: _short(values) for column, values in table.items()} for name, table in record["gains"].items()}
    return {k: v for k, v in record.items() if k != "curves"} | {"gains": gains}


def _short(values: list) -> list:
    if values and isinstance(values[0], list):
        return [_short(row) for row in values]
    return [float(f"{v:.4g}") if isinstance(v, float) else v for v in values]
