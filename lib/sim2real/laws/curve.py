"""From trials to what a figure says: curves with bands, laws with intervals, baselines and paired differences.

Everything here returns plain dictionaries that go to JSON as they are; the plots draw from them and from nothing else,
so a figure and its payload cannot disagree.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sim2real.laws.bootstrap import (
    band,
    band_trials_materials,
    bootstrap_power_law,
    bootstrap_trials_materials,
    error_array,
    paired_difference,
)
from sim2real.studies.survey import parity_record
from sim2real.training.experiment import overlap_count
from sim2real.training.study import Study, Trials

LEVEL = 0.9
REPLICATES = 1000


def scaling_record(trials: Trials, m: int | None = None, *, other: Trials | None = None) -> dict:
    """One panel of Fig. 1b: the error against n at one m, its law, direct learning and the baselines.

    Args:
        trials: with the arm ``transfer`` and whatever else was run.
        m: target training size; the largest of the design if None.
        other: the same trials with the other choice of overlap, arm ``transfer``, or None where nothing overlaps.

    Returns:
        ``property``, ``label``, ``unit``, ``study``, ``source`` and ``target`` (name, rows, licence, citation, report),
        ``overlap`` (target materials that the source contains); ``curve`` with n, m, mae and two 90 % bands: ``low``,
        ``high`` resample trials (the paper's), ``low_materials``, ``high_materials`` trials and materials; ``law`` and
        ``law_materials`` with intervals resampled likewise; ``arms`` with the error of every other arm, its band and the
        paired difference of transfer at the largest n from it (mean, standard error over trials); ``other_overlap``, the
        curve of ``other`` and what :func:`overlap_gains` makes of both, or None.
    """
    study, design = trials.study, trials.design
    m = max(design.m_grid) if m is None else m
    errors = trials.errors("transfer", m)
    mae, low, high = band(errors, LEVEL, REPLICATES, design.seed)
    rows = trials.table[(trials.table["arm"] == "transfer") & (trials.table["m"] == m)]
    _, cube, _, materials = error_array(rows.rename(columns={"absolute_error": "error"}))
    clusters = study.clusters(materials)
    _, low_materials, high_materials = band_trials_materials(cube, LEVEL, REPLICATES, design.seed, clusters)
    n = list(design.n_grid)
    prop = study.target.property
    return {
        "study": study.name,
        "property": prop.name,
        "label": prop.label,
        "unit": prop.unit,
        "source": study.source.summary() | {"report": study.source.report},
        "target": study.target.summary() | {"report": study.target.report},
        "overlap": overlap_count(study),
        "curve": {
            "n": n,
            "m": m,
            "mae": mae.tolist(),
            "low": low.tolist(),
            "high": high.tolist(),
            "low_materials": low_materials.tolist(),
            "high_materials": high_materials.tolist(),
        },
        "law": bootstrap_power_law(n, errors, REPLICATES, design.seed).to_dict(LEVEL),
        "law_materials": bootstrap_trials_materials(n, cube, REPLICATES, design.seed, clusters).to_dict(LEVEL),
        "arms": {
            arm: _arm_record(trials.errors(arm, m), errors[:, -1], design.seed)
            for arm in trials.table["arm"].unique()
            if arm != "transfer"
        },
        "other_overlap": None if other is None else _other_overlap(trials, other, m),
    }


def overlap_gains(kept: np.ndarray, dropped: np.ndarray, direct: np.ndarray) -> dict:
    """What a database buys, in two parts: by holding the very materials that are asked about, and by all the others.

    Args:
        kept: (trials,) errors of transfer from the whole database.
        dropped: (trials,) from the database without the target's materials; the same trials.
        direct: (trials,) of direct learning.

    Returns:
        ``own``, kept - dropped: what simulating the candidates themselves buys; ``rest``, dropped - direct: what the rest of
        the database buys. Each has the ``mean`` and ``standard_error`` over trials; negative is a gain.
    """
    pairs = {"own": (kept, dropped), "rest": (dropped, direct)}
    return {name: dict(zip(("mean", "standard_error"), paired_difference(a, b)[:2])) for name, (a, b) in pairs.items()}


def _other_overlap(trials: Trials, other: Trials, m: int) -> dict:
    errors = other.errors("transfer", m)
    mae, low, high = band(errors, LEVEL, REPLICATES, other.design.seed)
    kept, dropped = (trials, other) if trials.design.overlap == "keep" else (other, trials)
    last = [t.errors("transfer", m)[:, -1] for t in (kept, dropped)]
    return {
        "overlap": other.design.overlap,
        "n": list(other.design.n_grid),
        "mae": mae.tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
        "gains": overlap_gains(*last, trials.errors("direct", m)),
    }


def _arm_record(errors: np.ndarray, transferred: np.ndarray, seed: int) -> dict:
    (mae,), (low,), (high,) = band(errors[:, None], LEVEL, REPLICATES, seed)
    mean, standard_error, count = paired_difference(transferred, errors)
    return {
        "mae": float(mae),
        "low": float(low),
        "high": float(high),
        "transfer_minus_this": {"mean": mean, "standard_error": standard_error, "trials": count},
    }


def target_size_record(trials: Trials) -> dict:
    """Error against the number m of measured training materials: transfer from the largest n, and direct learning.

    Args:
        trials: with the arms ``transfer`` and ``direct`` at several m.

    Returns:
        ``property``, ``label``, ``unit``, ``n``, ``m`` and, for each arm, ``mae``, ``low`` and ``high`` (90 % over trials);
        ``transfer_minus_direct``, the paired differences with their standard errors.
    """
    design, prop = trials.design, trials.study.target.property
    by_arm = {
        "transfer": np.stack([trials.errors("transfer", m)[:, -1] for m in design.m_grid], axis=1),
        "direct": np.stack([trials.errors("direct", m) for m in design.m_grid], axis=1),
    }
    bands = {arm: band(errors, LEVEL, REPLICATES, design.seed) for arm, errors in by_arm.items()}
    differences = [paired_difference(a, b)[:2] for a, b in zip(by_arm["transfer"].T, by_arm["direct"].T)]
    return {
        "property": prop.name,
        "label": prop.label,
        "unit": prop.unit,
        "n": design.n_grid[-1],
        "m": list(design.m_grid),
        "trials": design.trials,
        **{arm: dict(zip(("mae", "low", "high"), (v.tolist() for v in values))) for arm, values in bands.items()},
        "transfer_minus_direct": [{"mean": mean, "standard_error": error} for mean, error in differences],
    }


def summary_table(records: list[dict]) -> pd.DataFrame:
    """A row per property: m, the error of each arm, transfer at the largest n, its paired difference, alpha and C.

    Args:
        records: of :func:`scaling_record`.
    """
    rows = []
    for record in records:
        curve, arms, law = record["curve"], record["arms"], record["law"]
        difference = arms["direct"]["transfer_minus_this"]
        alpha = law["intervals"]["alpha"] if law["intervals"] else None
        rows.append(
            {
                "property": record["label"],
                "unit": record["unit"],
                "m": curve["m"],
                **{arm: values["mae"] for arm, values in arms.items()},
                f"transfer, n = {curve['n'][0]}": curve["mae"][0],
                f"transfer, n = {curve['n'][-1]}": curve["mae"][-1],
                "transfer - direct": difference["mean"],
                "standard error": difference["standard_error"],
                **_gain_columns(record["other_overlap"]),
                "alpha": law["alpha"],
                "alpha, 90 %": "" if alpha is None else f"{alpha['low']:.3g} to {alpha['high']:.3g}",
                "C": law["C"],
                "fit": law["status"],
            }
        )
    return pd.DataFrame(rows).set_index("property")


def _gain_columns(other: dict | None) -> dict[str, str]:
    gains = {} if other is None else other["gains"]
    names = {"own": "of it, the candidates' own simulations", "rest": "of it, the rest of the database"}
    return {
        column: f"{gains[part]['mean']:+.3g} ± {gains[part]['standard_error']:.2g}" if part in gains else ""
        for part, column in names.items()
    }


def beside_paper(records: list[dict]) -> pd.DataFrame:
    """Sizes and laws of Fig. 1b here and in the paper, a row per property; the paper prints one law of four.

    Args:
        records: of :func:`scaling_record`.
    """
    rows = []
    for record in records:
        name, law = record["property"], record["law"]
        printed = PAPER_FIG1B["laws"].get(name)
        interval = law["intervals"]["alpha"] if law["intervals"] else None
        rows.append(
            {
                "property": record["label"],
                "m": record["curve"]["m"],
                "m, paper": PAPER_FIG1B["m"].get(name, ""),
                "largest n": record["curve"]["n"][-1],
                "largest n, paper": PAPER_FIG1B["n_max"],
                "law": f"{law['D']:.3g} n^-{law['alpha']:.3g} + {law['C']:.3g}" if law["D"] else f"constant {law['C']:.3g}",
                "alpha, 90 %": "" if interval is None else f"{interval['low']:.3g} to {interval['high']:.3g}",
                "law, paper": f"{printed['D']:.3g} n^-{printed['alpha']:.3g} + {printed['C']:.3g}" if printed else "not printed",
            }
        )
    return pd.DataFrame(rows).set_index("property")


def simulator_parity(study: Study) -> dict:
    """Simulated against measured values of all of the target's materials.

    Returns:
        A record of :func:`sim2real.studies.survey.parity_record` with ``study``, ``target`` and ``names`` of the materials.

    Raises:
        ValueError: the study has no simulated values of its target.
    """
    if study.simulated_target is None:
        raise ValueError(f"{study.name} has no simulated values of its target materials")
    target = study.target
    record = parity_record(target.y, study.simulated_target, target.property)
    return record | {"study": study.name, "target": target.summary(), "names": target.table["name"].tolist()}


def scaling_payload(figure: str, title: str, records: list[dict], trials: list[Trials], *, edition: str, preset: str) -> dict:
    """The JSON of a scaling figure: what was run, on what, and every number that is drawn.

    Args:
        figure: number in the paper and study, such as ``fig1b-polymers``.
        title: one line that says what the data are.
        records: of :func:`scaling_record`, one a panel.
        trials: what the records came from, in the same order.
        edition, preset: of the run.
    """
    first = trials[0].design
    properties = [r["property"] for r in records]
    # two studies of one property, which only your own tables can have, go by the names of the studies
    keys = properties if len(set(properties)) == len(properties) else [r["study"] for r in records]
    keyed = list(zip(keys, records))
    return {
        "figure": figure,
        "title": title,
        "edition": edition,
        "preset": preset,
        "design": {
            "n_grid": list(first.n_grid),
            "m": {key: r["curve"]["m"] for key, r in keyed},
            "trials": first.trials,
            "source_draws": first.distinct_draws,
            "seed": first.seed,
            "overlap": first.overlap,
            "overlapping_materials": {key: r["overlap"] for key, r in keyed},
        },
        "source": {key: r["source"] for key, r in keyed},
        "target": {key: r["target"] for key, r in keyed},
        "curves": [{"label": r["label"], "property": r["property"], "unit": r["unit"], **r["curve"]} for r in records],
        "other_overlap": {key: r["other_overlap"] for key, r in keyed},
        "direct": {key: r["arms"]["direct"] for key, r in keyed},
        "baselines": {key: {k: v for k, v in r["arms"].items() if k != "direct"} for key, r in keyed},
        "laws": {key: {"trials": r["law"], "trials_and_materials": r["law_materials"]} for key, r in keyed},
        "paper": PAPER_FIG1B,
    }


# Minami et al., npj Comput. Mater. 11, 146 (2025): text and Fig. 1; only one of the four laws is printed in the text
PAPER_FIG1B = {
    "trials": 500,
    "n_max": 70_000,
    "m": {"refractive_index": 234, "density": 607, "heat_capacity": 104, "thermal_conductivity": 39},
    "laws": {"refractive_index": {"D": 0.0684, "alpha": 0.0145, "C": 1.75e-11}},
    "source": "Minami et al., npj Comput. Mater. 11, 146 (2025)",
}
