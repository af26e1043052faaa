"""The Wiedemann-Franz study (Fig. 6) in numbers: parity, and the groups near to and far from the law.

As in :mod:`sim2real.laws.curve`, figures draw from plain dictionaries that go to JSON as they are. Transfer beside every other arm:
:mod:`sim2real.laws.arms`; compound by compound: :mod:`sim2real.studies.transport_gains`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.stats import pearsonr, spearmanr

from sim2real.chemistry.simulators.wiedemann_franz import LORENZ_NUMBER, NON_WF, ROOM_TEMPERATURE, WF
from sim2real.datasets.task import Task
from sim2real.laws.arms import arm_errors, difference_record, paired_means
from sim2real.laws.bootstrap import band_trials_materials, error_array
from sim2real.laws.classes import class_records
from sim2real.laws.curve import LEVEL, REPLICATES
from sim2real.studies.presets import Settings
from sim2real.training.experiment import overlap_count
from sim2real.training.study import Design, Study, Trials

# Minami et al., npj Comput. Mater. 11, 146 (2025), text and Fig. 6
PAPER = {
    "law": {"D": 1.44, "alpha": 0.0836, "C": 8.05e-7},
    "n_max": 5910,
    "target": 3640,
    "both": 1757,
    "trials": 500,
    "source": "Minami et al., npj Comput. Mater. 11, 146 (2025)",
}


def single_compounds_design(settings: Settings, study: Study) -> Design:
    """The smallest and the largest n only, in as many trials as targets of tens of materials get, each with its own source draw.

    A trial tests a fifth of the compounds, and trials that share a draw are one observation of a compound: the few trials that
    give a mean error over thousands of compounds say nothing of a single one.
    """
    design = settings.design(study)
    trials = settings.trials or max(design.trials, settings.preset.small_target_trials)
    return replace(design, n_grid=(design.n_grid[0], design.n_grid[-1]), trials=trials, source_draws=0)


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
        Records of :func:`sim2real.laws.classes.class_records` for :data:`WF` and :data:`NON_WF`, those that exist, with
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
        pairs = paired_means(arm_errors(trials, "transfer", m), arm_errors(trials, "direct", m), members)
        record["direct"] = _direct_record(trials, m, members)
        record["transfer_minus_direct"] = None if len(pairs) < 2 else difference_record(pairs)
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
