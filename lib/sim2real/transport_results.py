"""The Wiedemann-Franz study (Fig. 6) in numbers: parity, the groups near to and far from the law, and every arm beside transfer.

As in :mod:`sim2real.results`, figures draw from plain dictionaries that go to JSON as they are. Compound by compound:
:mod:`sim2real.transport_gains`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import pearsonr, spearmanr

from sim2real.baselines import NEED_SIMULATED
from sim2real.class_results import class_records
from sim2real.datasets.task import Task
from sim2real.experiment import Design, Study, Trials, overlap_count
from sim2real.presets import Settings
from sim2real.resampling import band_trials_materials, error_array, paired_difference
from sim2real.results import LEVEL, REPLICATES
from sim2real.wiedemann_franz import LORENZ_NUMBER, NON_WF, ROOM_TEMPERATURE, WF

SEVERAL_M = (100, 400)
# Minami et al., npj Comput. Mater. 11, 146 (2025), text and Fig. 6
PAPER = {
    "law": {"D": 1.44, "alpha": 0.0836, "C": 8.05e-7},
    "n_max": 5910,
    "target": 3640,
    "both": 1757,
    "trials": 500,
    "source": "Minami et al., npj Comput. Mater. 11, 146 (2025)",
}


def transport_settings(settings: Settings) -> Settings:
    """The settings with the error surfaces' largest m for every figure: the paper fine-tunes on 80 % of all compounds."""
    return replace(settings, m_max=settings.surface_m_max)


def with_groups(trials: Trials, column: str = "wf") -> Trials:
    """The same trials with another column of the target's table as ``group``; empty values become ``unknown``."""
    table = trials.study.target.table
    group = table[column].replace("", "unknown").fillna("unknown")
    return replace(trials, study=replace(trials.study, target=replace(trials.study.target, table=table.assign(group=group))))


def parity_record(study: Study, metals: Task | None = None) -> dict:
    """Fig. 6b: both conductivities of every target compound that has them, and how far each lies from the Wiedemann-Franz law.

    Args:
        study: its target's table has ``value`` (log10 of sigma in S/m), ``log_kappa`` (log10 of kappa in W/(m K), NaN where
            unknown), ``lorenz`` (log10 of kappa / (L sigma T), decades), ``wf`` and ``group``.
        metals: measured metals and alloys, a third series, with the same columns ``value`` and ``log_kappa``, or None.

    Returns:
        ``study``, ``target``, ``compounds`` (target compounds, ``both`` of them with both), the columns ``names``, ``groups``,
        ``wf``, ``log_sigma``, ``log_kappa`` and ``lorenz`` of those, ``spearman`` and ``pearson`` of the logarithms, the part
        ``below`` the line, ``nearest`` and ``farthest`` (the largest distance of a WF compound from the line and the smallest
        of a non-WF one, decades), ``line`` (L in W Ohm K^-2, T in K) and ``metals`` with names, log_sigma and log_kappa, or None.

    Raises:
        ValueError: fewer than two compounds have both conductivities.
    """
    table = study.target.table
    known = table[np.isfinite(table["log_kappa"])]
    if len(known) < 2:
        raise ValueError(f"{study.target.name}: {len(known)} compound(s) with both conductivities; a parity plot needs 2")
    distance = known["lorenz"].abs()
    return {
        "study": study.name,
        "target": study.target.summary(),
        "compounds": len(table),
        "both": len(known),
        "names": known["structure"].tolist(),
        "groups": known["group"].tolist(),
        "wf": known["wf"].tolist(),
        "log_sigma": known["value"].tolist(),
        "log_kappa": known["log_kappa"].tolist(),
        "lorenz": known["lorenz"].tolist(),
        "spearman": float(spearmanr(known["value"], known["log_kappa"])[0]),
        "pearson": float(pearsonr(known["value"], known["log_kappa"])[0]),
        "below": float((known["lorenz"] < 0).mean()),
        "nearest": _number(distance[known["wf"] == WF].max()),
        "farthest": _number(distance[known["wf"] == NON_WF].min()),
        "line": {"lorenz_number": LORENZ_NUMBER, "temperature": ROOM_TEMPERATURE},
        "metals": None
        if metals is None
        else {
            "summary": metals.summary(),
            "names": metals.table["structure"].tolist(),
            "log_sigma": metals.table["value"].tolist(),
            "log_kappa": metals.table["log_kappa"].tolist(),
        },
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def group_records(trials: Trials, other: Trials | None = None, m: int | None = None) -> list[dict]:
    """Fig. 6d: a scaling record of the compounds nearest to the law and one of those farthest from it.

    Args:
        trials: with the arms ``transfer`` and ``direct``.
        other: the same trials with the other choice of overlap, arm ``transfer``, or None.
        m: target training size; the largest of the design if None.

    Returns:
        Records of :func:`sim2real.class_results.class_records` for :data:`WF` and :data:`NON_WF`, those that exist, with
        ``direct`` (``mae``, and ``low``, ``high`` over trials and materials) and ``transfer_minus_direct`` at the largest n
        (mean, standard error over trials, trials), both None where no trial tested two of the group; ``other_overlap`` with
        ``overlap``, ``n``, ``mae`` and ``change`` as the record has it, or None.
    """
    m = max(trials.design.m_grid) if m is None else m
    grouped = with_groups(trials)
    existing = set(grouped.study.target.table["group"])
    names = [name for name in (WF, NON_WF) if name in existing]
    if not names:
        return []
    records = class_records(grouped, names, m)
    others = [None] * len(names) if other is None else class_records(with_groups(other), names, m)
    group = grouped.study.target.table["group"].to_numpy()
    for record, of_other in zip(records, others):
        members = np.flatnonzero(group == record["class"])
        pairs = _paired(_errors(trials, "transfer", m), _errors(trials, "direct", m), members)
        record["direct"] = _direct_record(trials, m, members)
        record["transfer_minus_direct"] = None if len(pairs) < 2 else _difference(pairs)
        drawn = of_other is not None and of_other["curve"] is not None
        record["other_overlap"] = None
        if drawn:
            curve = of_other["curve"]
            record["other_overlap"] = {"overlap": other.design.overlap, "n": curve["n"], "mae": curve["mae"]}
            record["other_overlap"] |= {"change": of_other["change"]}
    return records


def _direct_record(trials: Trials, m: int, members: np.ndarray) -> dict | None:
    table = trials.table
    rows = table[(table["arm"] == "direct") & (table["m"] == m) & table["material"].isin(members)]
    if rows["trial"].nunique() < 2 or rows["material"].nunique() < 2:
        return None
    cube = error_array(rows.rename(columns={"absolute_error": "error"}))[1]
    (mae,), (low,), (high,) = band_trials_materials(cube, LEVEL, REPLICATES, trials.design.seed)
    return {"mae": float(mae), "low": float(low), "high": float(high)}


def arm_records(trials: Trials, other: Trials | None = None, m: int | None = None) -> list[dict]:
    """Transfer at the largest n beside every other arm, on the same test compounds, for all of them and for subsets.

    Args:
        trials: with the arm ``transfer`` and whatever else was run.
        other: the same trials with the other choice of overlap, arm ``transfer``, or None.
        m: target training size; the largest of the design if None.

    Returns:
        For each subset (all, those with known kappa, WF, non-WF; those that were tested) ``subset``, ``compounds`` (tested),
        ``n``, ``m``, ``overlap`` and ``arms``: for transfer (``transfer, keep`` or ``transfer, drop`` by its overlap), the other
        overlap and each other arm its ``mae`` and ``compounds`` it has predictions for; where these are not all of the subset
        (arms that need kappa), ``transfer_there`` is transfer's error on the same ones. ``transfer_minus_this`` is the paired
        difference over trials (mean, standard error, trials), on the same compounds, or None for transfer itself and where
        fewer than two trials have both.
    """
    design, table = trials.design, trials.study.target.table
    m = max(design.m_grid) if m is None else m
    transfer = _errors(trials, "transfer", m)
    arms = {f"transfer, {design.overlap}": transfer}
    if other is not None:
        arms[f"transfer, {other.design.overlap}"] = _errors(other, "transfer", m)
    arms |= {arm: _errors(trials, arm, m) for arm in trials.table["arm"].unique() if arm != "transfer"}
    for arm in arms.keys() & set(NEED_SIMULATED):
        # elsewhere these fall back on a mean, which would be compared in the law's name
        known = np.isfinite(trials.study.simulated_target)[arms[arm].index.get_level_values("material")]
        arms[arm] = arms[arm][known]
    subsets = {"all": np.arange(len(table))}
    if "log_kappa" in table:
        subsets["kappa known"] = np.flatnonzero(np.isfinite(table["log_kappa"]))
        subsets |= {name: np.flatnonzero(table["wf"] == name) for name in (WF, NON_WF)}
    return [
        {
            "subset": name,
            "compounds": _tested(transfer, rows),
            "n": design.n_grid[-1],
            "m": m,
            "overlap": design.overlap,
            "arms": {arm: _arm(transfer, errors, rows) for arm, errors in arms.items()},
        }
        for name, rows in subsets.items()
        if _tested(transfer, rows)
    ]


def _errors(trials: Trials, arm: str, m: int) -> pd.Series:
    """Absolute error by (trial, material); at the largest n for ``transfer``."""
    table = trials.table
    n = trials.design.n_grid[-1] if arm == "transfer" else 0
    rows = table[(table["arm"] == arm) & (table["m"] == m) & (table["n"] == n)]
    if rows.empty:
        raise KeyError(f"no trials of arm {arm!r} at m = {m}")
    return rows.set_index(["trial", "material"])["absolute_error"]


def _tested(errors: pd.Series, rows: np.ndarray) -> int:
    materials = errors.index.get_level_values("material")
    return int(materials[materials.isin(rows)].nunique())


def _paired(transfer: pd.Series, errors: pd.Series, rows: np.ndarray) -> pd.DataFrame:
    """Mean errors by trial of transfer and another arm, on the test compounds among ``rows`` that both predicted."""
    both = pd.DataFrame({"transfer": transfer, "other": errors}).dropna()
    both = both[both.index.get_level_values("material").isin(rows)]
    return both.groupby(level="trial").mean()


def _difference(pairs: pd.DataFrame) -> dict:
    mean, standard_error, count = paired_difference(pairs["transfer"], pairs["other"])
    return {"mean": mean, "standard_error": standard_error, "trials": count}


def _arm(transfer: pd.Series, errors: pd.Series, rows: np.ndarray) -> dict:
    pairs, compounds = _paired(transfer, errors, rows), _tested(errors, rows)
    record = {"mae": None, "compounds": compounds, "transfer_there": None, "transfer_minus_this": None}
    if pairs.empty:
        return record
    record |= {"mae": float(pairs["other"].mean()), "transfer_there": float(pairs["transfer"].mean())}
    if transfer is not errors and len(pairs) > 1:
        record["transfer_minus_this"] = _difference(pairs)
    return record


def several_m_design(settings: Settings, study: Study, overlap: str) -> Design:
    """All of the source, and m of :data:`SEVERAL_M` and the largest of the run; with one choice of overlap."""
    design = replace(settings, overlap=overlap).design(study)
    largest = max(design.m_grid)
    return replace(design, n_grid=design.n_grid[-1:], m_grid=(*(m for m in SEVERAL_M if m < largest), largest))


def several_m_records(runs: Sequence[Trials]) -> list[dict]:
    """Transfer from the largest n minus direct learning at several m, paired over trials.

    Args:
        runs: one a choice of overlap; the first with the arms ``transfer`` and ``direct``, the others with ``transfer``.

    Returns:
        For each m: ``m``, ``trials``, ``direct`` (its error) and ``transfer``, by overlap: ``n``, ``mae`` and the paired
        ``difference`` from direct learning (mean, standard error over trials).
    """
    records = []
    for m in runs[0].design.m_grid:
        direct = runs[0].errors("direct", m)
        record = {"m": m, "trials": runs[0].design.trials, "direct": float(direct.mean()), "transfer": {}}
        for run in runs:
            errors = run.errors("transfer", m)[:, -1]
            mean, standard_error, _ = paired_difference(errors, direct)
            record["transfer"][run.design.overlap] = {
                "n": run.design.n_grid[-1],
                "mae": float(errors.mean()),
                "difference": {"mean": mean, "standard_error": standard_error},
            }
        records.append(record)
    return records


def transport_payload(figure: str, title: str, panels: object, trials: Trials, *, edition: str, preset: str) -> dict:
    """The JSON of a figure of this study: what was run, on what, and ``panels``, every number that is drawn."""
    study, design = trials.study, trials.design
    return {
        "figure": figure,
        "title": title,
        "edition": edition,
        "preset": preset,
        "design": {
            "n_grid": list(design.n_grid),
            "m": list(design.m_grid),
            "trials": design.trials,
            "source_draws": design.distinct_draws,
            "seed": design.seed,
            "overlap": design.overlap,
            "overlapping_materials": overlap_count(study),
        },
        "source": study.source.summary() | {"report": study.source.report},
        "target": study.target.summary() | {"report": study.target.report},
        "panels": panels,
        "paper": PAPER,
    }
