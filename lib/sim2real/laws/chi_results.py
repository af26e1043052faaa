"""From trials to Figure 4 and what belongs to it: curves over n and m, what a measurement is worth, splits compared.

As in :mod:`sim2real.laws.curve`, everything is a plain dictionary that goes to JSON as it is, None for a number that does not
exist. Single rows of the target are pairs at one temperature: a bootstrap over materials draws whole pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sim2real.laws.bootstrap import band, paired_difference
from sim2real.laws.chi_substitution import compare_forms, interaction, marginal_rate, resampled_surfaces
from sim2real.laws.curve import LEVEL, REPLICATES
from sim2real.laws.grid import json_ready
from sim2real.laws.power import fit_power_law
from sim2real.laws.surface_resampling import surface_array
from sim2real.training.experiment import overlap_count
from sim2real.training.study import Study, Trials

# Minami et al., npj Comput. Mater. 11, 146 (2025), text on Fig. 4; of the printed slopes the ratio is 109.35. Its m is 80 %
# of the 766 distinct pairs that it names, not of its 1,190 rows, though it says that rows are split.
PAPER_CHI = {
    "trials": 100,
    "n": 9129,
    "m": 612,
    "n_max": 9575,
    "rows": 1190,
    "pairs": 766,
    "law_n": {"D": 0.239, "alpha": 0.0348, "C": 4.52e-10},
    "law_m": {"D": 0.863, "alpha": 0.240, "C": 6.36e-16},
    "partial_n": -6.63e-7,
    "partial_m": -7.25e-5,
    "rate": 109.0,
    "interaction": "reinforce",
    "source": "Minami et al., npj Comput. Mater. 11, 146 (2025)",
}
FEWEST_TRIALS = 6
"""With fewer trials there is no verdict on the interaction."""
_TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)


def study_words(studies: Sequence[Study], edition: str) -> str:
    """What is transferred to what, for the title of a figure; for the embedded twin also what it is not."""
    words = f"{' and '.join(dict.fromkeys(s.source.name for s in studies))} to {studies[0].target.name}"
    return f"{words} (twin of the chi study, not chi; source and target not independent)" if edition == "embedded" else words


def first_side(study: Study) -> str:
    """What stands beside the solvent in a pair."""
    return "polymer" if study.target.property.name == "chi" else "solute"


def chi_surface_record(trials: Trials) -> dict:
    """Figures 4b and 4c: the error at every n and m, a law for each curve, the marginal rate and whether n and m interact.

    Args:
        trials: with the arm ``transfer``, at least three n and three m; ``direct`` is shown where it was run.

    Returns:
        ``study``, ``property``, ``label``, ``unit``, ``source``, ``target``, ``overlap``, ``trials``, ``source_draws``, ``n``,
        ``m``; ``pairs``, how many distinct ones were tested; ``mae`` (n, m) with the 90 % bands ``low``, ``high`` over trials and
        ``low_materials``, ``high_materials`` over trials and pairs; ``laws_n``, one a value of m, and ``laws_m``, one a value of
        n; ``direct`` with ``mae``, ``low``, ``high`` (m,) or None; ``rate`` and ``rate_materials`` of
        :func:`~sim2real.laws.chi_substitution.marginal_rate`, ``interaction`` and ``interaction_materials`` of
        :func:`~sim2real.laws.chi_substitution.interaction`, the first over trials, the second over trials and pairs; ``verdict``
        with its words, from the second; ``compared``, predictions of held-back edges, or None below four n and m; ``paper``.

    Raises:
        ValueError: fewer than three n or m.
    """
    study, design = trials.study, trials.design
    if min(len(design.n_grid), len(design.m_grid)) < 3:
        raise ValueError(f"curves over n and m need at least 3 of each, got {len(design.n_grid)} and {len(design.m_grid)}")
    rows = trials.table[trials.table["arm"] == "transfer"].rename(columns={"absolute_error": "error"})
    n, m, cube = surface_array(rows)
    # the cube has only the materials that some trial tested, in the order of their numbers
    tested = np.unique(rows["material"])
    clusters = study.clusters(tested)
    mean, of_trials, of_both = resampled_surfaces(cube, clusters, REPLICATES, design.seed)
    (low, high), (low_materials, high_materials) = (np.quantile(r, _TAILS, axis=0) for r in (of_trials, of_both))
    both = interaction(n, m, mean, of_both, LEVEL)
    record = {
        "study": study.name,
        "property": study.target.property.name,
        "label": study.target.property.label,
        "unit": study.target.property.unit,
        "source": study.source.summary() | {"report": study.source.report},
        "target": study.target.summary() | {"report": study.target.report},
        "overlap": overlap_count(study) if design.overlap == "keep" else 0,
        "split_by": study.split_by,
        "trials": design.trials,
        "source_draws": design.distinct_draws,
        "n": list(design.n_grid),
        "m": list(design.m_grid),
        "pairs": len(tested) if clusters is None else len(np.unique(clusters)),
        "mae": mean.tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
        "low_materials": low_materials.tolist(),
        "high_materials": high_materials.tolist(),
        "laws_n": [fit_power_law(n, curve).to_dict() for curve in mean.T],
        "laws_m": [fit_power_law(m, curve).to_dict() for curve in mean],
        "direct": _direct(trials),
        "rate": marginal_rate(n, m, mean, of_trials, LEVEL),
        "rate_materials": marginal_rate(n, m, mean, of_both, LEVEL),
        "interaction": interaction(n, m, mean, of_trials, LEVEL),
        "interaction_materials": both,
        "verdict": _verdict(both, design.trials),
        "compared": compare_forms(n, m, mean).to_dict("records") if min(mean.shape) >= 4 else None,
        "paper": PAPER_CHI,
    }
    return json_ready(record)


def _verdict(record: dict, trials: int) -> dict[str, str]:
    if trials < FEWEST_TRIALS:
        text = f"{trials} trials; at least {FEWEST_TRIALS} are needed, because a bootstrap over fewer is too narrow."
        return {"verdict": "cannot be told", "text": text}
    return {"verdict": record["verdict"], "text": verdict_text(record)}


def verdict_text(record: dict) -> str:
    """What an :func:`~sim2real.laws.chi_substitution.interaction` says of the paper's claim, in a sentence or two."""
    log, absolute = record["log"], record["absolute"]
    level = f"{record['level']:.0%}"
    gamma = f"gamma {log['value']:+.2g} ({level}: {log['low']:+.2g} to {log['high']:+.2g})"
    words = {
        "reinforce": f"Simulations and measurements reinforce each other on logarithmic axes: {gamma}. Eq. 1 allows only "
        "gamma >= 0, so it does not hold here.",
        "substitute": f"Simulations and measurements replace each other: {gamma}, curves in n get flatter as m grows.",
        "cannot be told": f"Whether simulations and measurements reinforce each other cannot be told: {gamma}, which holds 0. "
        "Eq. 1 is not refuted.",
    }[log["verdict"]]
    change = f"{absolute['value']:+.2g} ({absolute['low']:+.2g} to {absolute['high']:+.2g}) per decade of both"
    return f"{words} In absolute error, where Eq. 1 is above 0: {absolute['verdict']}, {change}."


def rate_words(rate: dict) -> str:
    """A marginal rate with its interval, its limit, or that it is not identified.

    Args:
        rate: of :func:`~sim2real.laws.chi_substitution.marginal_rate`, infinities as None.
    """
    value, low, high = (None if rate[key] is None else _count_text(rate[key]) for key in ("rate", "low", "high"))
    if rate["identified"] == "both ends":
        return f"{value or 'infinitely many'} ({low} to {high or 'infinitely many'})"
    limits = {"lower limit": f"at least {low}", "upper limit": f"at most {high}"}
    return limits.get(rate["identified"], rate["identified"])


def _count_text(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def _direct(trials: Trials) -> dict | None:
    if "direct" not in set(trials.table["arm"]):
        return None
    errors = np.stack([trials.errors("direct", m) for m in trials.design.m_grid], axis=1)
    return dict(zip(("mae", "low", "high"), (v.tolist() for v in band(errors, LEVEL, REPLICATES, trials.design.seed))))


def chi_table(by_simulator: Mapping[str, Trials], m: int | None = None) -> pd.DataFrame:
    """Direct learning, the baselines and transfer at every n of every simulator, on the same splits.

    Args:
        by_simulator: trials by the name of the simulator, with the arms ``transfer``, ``direct`` and whatever else was run.
        m: target training size; the largest of the first design if None.

    Returns:
        A row for each simulator and learner: ``MAE``, ``minus direct``, the difference from the study's own direct learning, and
        its ``standard error``, paired over trials.

    Raises:
        ValueError: the simulators' trials do not test the same rows.
    """
    first = next(iter(by_simulator.values()))
    m = max(first.design.m_grid) if m is None else m
    tested = {name: _tested(trials, m) for name, trials in by_simulator.items()}
    reference = next(iter(tested.values()))
    if unlike := [name for name, rows in tested.items() if not rows.equals(reference)]:
        raise ValueError(f"trials of {unlike[0]} test other rows than those of {next(iter(tested))}: the splits are not the same")
    rows, shown = [], None
    for name, trials in by_simulator.items():
        direct, arms = trials.errors("direct", m), trials.table["arm"].unique()
        if shown is None or not np.allclose(direct, shown):
            # studies whose descriptors are not the same have their own direct learning
            own = "none" if shown is None else f"none, descriptors as for {name}"
            shown = direct if shown is None else shown
            rows.append({"simulator": own, "learner": "direct", "n": 0, "MAE": direct.mean()})
            learners = [arm for arm in arms if arm not in ("transfer", "direct", *ARM_WORDS)]
            rows += [_row(own, arm, 0, trials.errors(arm, m), direct) for arm in learners]
        rows += [_row(name, words, 0, trials.errors(arm, m), direct) for arm, words in ARM_WORDS.items() if arm in arms]
        rows += [_row(name, "transfer", n, e, direct) for n, e in zip(trials.design.n_grid, trials.errors("transfer", m).T)]
    return pd.DataFrame(rows).set_index(["simulator", "learner", "n"])


ARM_WORDS = {"law": "its value as it is", "simulator": "its value on a line"}


def _tested(trials: Trials, m: int) -> pd.DataFrame:
    table = trials.table
    n = min(trials.design.n_grid)
    rows = table[(table["arm"] == "transfer") & (table["m"] == m) & (table["n"] == n)]
    return rows[["trial", "material"]].sort_values(["trial", "material"], ignore_index=True)


def _row(simulator: str, learner: str, n: int, errors: np.ndarray, direct: np.ndarray) -> dict:
    mean, standard_error, _ = paired_difference(errors, direct)
    row = {"simulator": simulator, "learner": learner, "n": n, "MAE": errors.mean()}
    return row | {"minus direct": mean, "standard error": standard_error}


def chi_payload(figure: str, title: str, records: list[dict], *, edition: str, preset: str) -> dict:
    """The JSON of a figure of the chi study: what was run, on what, and every number that is drawn.

    Args:
        figure: number in the paper and study, such as ``fig4bc-chi``.
        title: one line that says what the data are.
        records: of this module or :mod:`sim2real.laws.chi_class_results`; those with a ``source`` and ``target`` name the data.
        edition, preset: of the run.
    """
    sides = {side: {r[side]["name"]: r[side]["rows"] for r in records if side in r} for side in ("source", "target")}
    return {"figure": figure, "title": title, "edition": edition, "preset": preset, **sides, "records": records}
