"""Every other arm beside transfer, on the same test compounds: baselines, the Wiedemann-Franz law itself, several m."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sim2real.chemistry.simulators.wiedemann_franz import NON_WF, WF
from sim2real.laws.bootstrap import paired_difference
from sim2real.studies.presets import Settings
from sim2real.training.baselines import NEED_SIMULATED
from sim2real.training.experiment import available_source, overlap_count, run_trials
from sim2real.training.recipes import Hyperparameters
from sim2real.training.study import Study, Trials

SEVERAL_M = (100, 400)
FEWEST_LEFT = 12
"""With fewer source compounds left by overlap = drop there is no curve to be drawn of the rest."""


def other_overlap_trials(settings: Settings, study: Study) -> Trials | None:
    """The trials of transfer with the other choice of overlap, or None where there is none or nothing would be left."""
    if not _overlaps(study, settings.seed):
        return None
    return run_trials(study, settings.other_overlap_design(study), workers=settings.workers, arms=("transfer",))


def _overlaps(study: Study, seed: int) -> bool:
    return overlap_count(study) > 0 and available_source(study, "drop", seed) >= FEWEST_LEFT


def arm_records(trials: Trials, other: Trials | None = None, m: int | None = None) -> list[dict]:
    """Transfer at the largest n beside every other arm, on the same test compounds, for all of them and for subsets.

    Args:
        trials: with the arm ``transfer`` and whatever else was run.
        other: the same trials with the other choice of overlap, arm ``transfer``, or None.
        m: target training size; the largest of the design if None.

    Returns:
        For each subset (all, those with known kappa, WF, non-WF; those that were tested) ``subset``, ``one_property`` (whether
        source and target are the same property, so that ``law`` is a simulated value and no law), ``compounds`` (tested), ``n``,
        ``m``, ``overlap`` and ``arms``: for ``transfer, keep`` and ``transfer, drop`` (overlap) and each other arm its ``mae``,
        and the ``compounds`` it has predictions for; where these are not all of the subset (arms that need kappa),
        ``transfer_there`` is transfer's error on the same ones. ``transfer_minus_this`` is the paired difference over trials
        (mean, standard error, trials) on the same compounds, or None for transfer itself and where fewer than two trials have
        both.
    """
    design, table = trials.design, trials.study.target.table
    m = max(design.m_grid) if m is None else m
    transfer = arm_errors(trials, "transfer", m)
    arms = {f"transfer, {design.overlap}": transfer}
    if other is not None:
        arms[f"transfer, {other.design.overlap}"] = arm_errors(other, "transfer", m)
    arms |= {arm: arm_errors(trials, arm, m) for arm in trials.table["arm"].unique() if arm != "transfer"}
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
            "one_property": trials.study.source.property == trials.study.target.property,
            "compounds": _tested(transfer, rows),
            "n": design.n_grid[-1],
            "m": m,
            "overlap": design.overlap,
            "arms": {arm: _arm(transfer, errors, rows) for arm, errors in arms.items()},
        }
        for name, rows in subsets.items()
        if _tested(transfer, rows)
    ]


def with_transfer_of(other: Trials, trials: Trials) -> Trials:
    """The arm transfer of ``other`` beside the other arms of ``trials``, the same trials with the other choice of overlap."""
    arms = trials.table[trials.table["arm"] != "transfer"]
    return replace(other, table=pd.concat([other.table[other.table["arm"] == "transfer"], arms], ignore_index=True))


def arm_errors(trials: Trials, arm: str, m: int) -> pd.Series:
    """Absolute errors of an arm, indexed by (trial, material); at the largest n for ``transfer``.

    Raises:
        KeyError: no trials of that arm at that m.
    """
    table = trials.table
    n = trials.design.n_grid[-1] if arm == "transfer" else 0
    rows = table[(table["arm"] == arm) & (table["m"] == m) & (table["n"] == n)]
    if rows.empty:
        raise KeyError(f"no trials of arm {arm!r} at m = {m}")
    return rows.set_index(["trial", "material"])["absolute_error"]


def _tested(errors: pd.Series, rows: np.ndarray) -> int:
    materials = errors.index.get_level_values("material")
    return int(materials[materials.isin(rows)].nunique())


def paired_means(transfer: pd.Series, errors: pd.Series, rows: np.ndarray) -> pd.DataFrame:
    """Mean errors by trial of transfer and another arm, on the test compounds among ``rows`` that both predicted."""
    both = pd.DataFrame({"transfer": transfer, "other": errors}).dropna()
    both = both[both.index.get_level_values("material").isin(rows)]
    return both.groupby(level="trial").mean()


def difference_record(pairs: pd.DataFrame) -> dict:
    """Mean of transfer - other over trials, its standard error and the number of trials, from :func:`paired_means`."""
    mean, standard_error, count = paired_difference(pairs["transfer"], pairs["other"])
    return {"mean": mean, "standard_error": standard_error, "trials": count}


def _arm(transfer: pd.Series, errors: pd.Series, rows: np.ndarray) -> dict:
    pairs, compounds = paired_means(transfer, errors, rows), _tested(errors, rows)
    record = {"mae": None, "compounds": compounds, "transfer_there": None, "transfer_minus_this": None}
    if pairs.empty:
        return record
    record |= {"mae": float(pairs["other"].mean()), "transfer_there": float(pairs["transfer"].mean())}
    if transfer is not errors and len(pairs) > 1:
        record["transfer_minus_this"] = difference_record(pairs)
    return record


def several_m_trials(
    settings: Settings, study: Study, hyperparameters: Callable[[int], Hyperparameters | None], arms: Sequence[str] = ()
) -> list[Trials]:
    """All of the source and several m, :data:`SEVERAL_M` and the largest of the run, with both choices of overlap.

    Args:
        settings: of the run.
        study: without regard to its own hyperparameters.
        hyperparameters: those chosen for a target training size; where it returns None the study's own are taken.
        arms: to run beside transfer and direct learning.

    Returns:
        One a choice of overlap and m, with the arms ``transfer``, ``direct`` and ``arms``; ``drop`` is left out where nothing
        overlaps or nothing would be left.
    """
    designs = [
        replace(settings, overlap=overlap).design(study) for overlap in ("keep", "drop")[: 1 + _overlaps(study, settings.seed)]
    ]
    largest = max(designs[0].m_grid)
    return [
        run_trials(
            replace(study, settings=hyperparameters(m) or study.settings),
            replace(design, n_grid=design.n_grid[-1:], m_grid=(m,)),
            workers=settings.workers,
            arms=("transfer", "direct", *arms),
        )
        for m in (*(m for m in SEVERAL_M if m < largest), largest)
        for design in designs
    ]


def several_m_records(runs: Sequence[Trials]) -> list[dict]:
    """Transfer from the largest n minus direct learning at several m, paired over trials.

    Args:
        runs: each with one m, one choice of overlap, and the arms ``transfer`` and ``direct``.

    Returns:
        For each m: ``m``, ``trials``, ``direct`` (its error) and ``transfer``, by overlap: ``n``, ``mae`` and the paired
        ``difference`` from direct learning (mean, standard error over trials).
    """
    records: dict[int, dict] = {}
    for trials in runs:
        (m,), design = trials.design.m_grid, trials.design
        transfer, direct = trials.errors("transfer", m)[:, -1], trials.errors("direct", m)
        mean, standard_error, _ = paired_difference(transfer, direct)
        record = records.setdefault(m, {"m": m, "trials": design.trials, "direct": float(direct.mean()), "transfer": {}})
        record["transfer"][design.overlap] = {
            "n": design.n_grid[-1],
            "mae": float(transfer.mean()),
            "difference": {"mean": mean, "standard_error": standard_error},
        }
    return list(records.values())
