"""Which classes of materials gain from simulations: a scaling record and a verdict for each (Fig. 5a, and polymers alike).

Nothing is trained for it: the trials hold the error of every test material, and a class is a subset of them. The networks
were fine-tuned on all classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim2real.chemistry.classes import CLASS_NAMES
from sim2real.laws.bootstrap import (
    band_trials_materials,
    bootstrap_trials_materials,
    check_materials,
    error_array,
    trial_material_curves,
)
from sim2real.laws.curve import LEVEL, REPLICATES
from sim2real.laws.power import check_level
from sim2real.training.study import Trials

FEWEST_MATERIALS = 5
"""A class with fewer tested materials gets no verdict: a bootstrap over so few materials is too narrow."""
WORTHWHILE = 0.10
"""A fall of the error by less than this part, from the smallest to the largest n, counts as none. A choice, not a law."""


def class_records(trials: Trials, classes: Sequence[str] | None = None, m: int | None = None) -> list[dict]:
    """A scaling record for each class of the target's materials, with a verdict whether its error falls with n.

    Args:
        trials: with the arm ``transfer``; a class is a value of ``group`` in the target's table.
        classes: which, in this order; all, those with the most materials first, if None.
        m: target training size, of all classes together; the largest of the design if None.

    Returns:
        For each class: ``class``, ``materials`` (of the class in the target), ``tested`` (those in some trial's test set),
        ``trials`` (that tested any), ``property``, ``label``, ``unit``, ``study``, ``curve`` (n, m, mae and the 90 % band
        ``low``, ``high`` over trials and materials) or None, ``law`` with intervals likewise or None, ``change`` (see
        :func:`change_with_n`) or None, ``verdict`` and ``why``.

    Raises:
        ValueError: no such class, none of it named.
        KeyError: no trials at that m.
    """
    design, prop = trials.design, trials.study.target.property
    groups = trials.study.target.table["group"]
    counts = groups.value_counts()
    # ties in alphabetical order, so that the order does not hang on that of the rows
    classes = sorted(counts.index, key=lambda name: (-counts[name], name)) if classes is None else list(classes)
    if unknown := [name for name in classes if name not in counts.index]:
        raise ValueError(
            f"{trials.study.target.name} has no class {unknown[0]!r}; expected some of {', '.join(sorted(counts.index))}"
        )
    m = max(design.m_grid) if m is None else m
    rows = trials.table[(trials.table["arm"] == "transfer") & (trials.table["m"] == m)]
    if rows.empty:
        raise KeyError(f"no trials of arm 'transfer' at m = {m}")
    rows = rows.rename(columns={"absolute_error": "error"})
    group_of_row = groups.to_numpy()[rows["material"].to_numpy()]
    records = []
    for name in classes:
        described = {"class": name, "materials": int(counts[name]), "study": trials.study.name}
        described |= {"property": prop.name, "label": prop.label, "unit": prop.unit}
        records.append(described | _class_record(rows[group_of_row == name], list(design.n_grid), m, trials))
    return records


def class_table(records: Sequence[dict]) -> pd.DataFrame:
    """A row per class: materials, how many were tested, the change of the error from the smallest to the largest n, verdict.

    Args:
        records: of :func:`class_records`.
    """
    rows = []
    for record in records:
        change = record["change"]
        text = "" if change is None else change_text(change)
        name = CLASS_NAMES.get(record["class"], "")
        rows.append({"class": record["class"], "name": name, "materials": record["materials"], "tested": record["tested"]})
        rows[-1] |= {"change of the error, 90 %": text, "verdict": record["verdict"], "why": record["why"]}
    return pd.DataFrame(rows).set_index("class")


def change_text(change: dict) -> str:
    """A relative change with its interval, in per cent: ``-12% (-23% to -1%)``."""
    return f"{change['mean']:+.0%} ({change['low']:+.0%} to {change['high']:+.0%})"


def change_with_n(
    errors: NDArray, level: float = LEVEL, replicates: int = REPLICATES, seed: int = 0, clusters: NDArray | None = None
) -> dict:
    """Relative change of the mean error from the smallest to the largest n, with a paired bootstrap interval and a verdict.

    Args:
        errors: (trials, materials, n), NaN where a material was not tested. Each replicate resamples trials and materials
            and takes both ends of the curve from the same resample.
        level: of the percentile interval.
        replicates, seed, clusters: of the bootstrap, as :func:`sim2real.laws.bootstrap.band_trials_materials`.

    Returns:
        ``mean``, ``low``, ``high`` of R(n max) / R(n min) - 1, ``level`` and ``verdict``: "scales" where the whole interval
        is below 0; otherwise "does not" where the whole interval is above -:data:`WORTHWHILE`, so that a worthwhile fall
        is excluded; otherwise "cannot be told". At a level of 90 %, one class in twenty without any scaling would be said
        to scale by chance.

    Raises:
        ValueError: as :func:`sim2real.laws.bootstrap.band_trials_materials`, or no test prediction in a resample.
    """
    check_level(level)
    errors, tested = check_materials(errors)
    mean = errors.sum(axis=(0, 1)) / tested.sum()
    curves = trial_material_curves(errors, tested, replicates, seed, clusters)
    low, high = np.quantile(curves[:, -1] / curves[:, 0] - 1, [(1 - level) / 2, (1 + level) / 2])
    verdict = "scales" if high < 0 else "does not" if low > -WORTHWHILE else "cannot be told"
    return {"mean": float(mean[-1] / mean[0] - 1), "low": float(low), "high": float(high), "level": level, "verdict": verdict}


def _class_record(rows: pd.DataFrame, n: list[int], m: int, trials: Trials) -> dict:
    seed = trials.design.seed
    tested, in_trials = rows["material"].nunique(), rows["trial"].nunique()
    record = {"tested": int(tested), "trials": int(in_trials)}
    nothing = {"curve": None, "law": None, "change": None, "verdict": "cannot be told"}
    if tested < 2 or in_trials < 2:
        return record | nothing | {"why": f"{tested} material(s) tested in {in_trials} trial(s); at least 2 of each are needed"}
    _, cube, _, materials = error_array(rows)
    clusters = trials.study.clusters(materials)
    if clusters is not None:
        tested = len(set(clusters))  # temperatures of one pair are no further materials
    try:
        mae, low, high = band_trials_materials(cube, LEVEL, REPLICATES, seed, clusters)
        law = bootstrap_trials_materials(n, cube, REPLICATES, seed, clusters).to_dict(LEVEL)
        change = change_with_n(cube, LEVEL, REPLICATES, seed, clusters)
    except ValueError as error:
        return record | nothing | {"why": str(error)}
    record["curve"] = {"n": n, "m": m, "mae": mae.tolist(), "low": low.tolist(), "high": high.tolist()}
    verdict, why = change["verdict"], "by the interval of the change with n"
    if tested < FEWEST_MATERIALS:
        verdict, why = "cannot be told", f"{tested} materials tested; at least {FEWEST_MATERIALS} are needed for a verdict"
    return record | {"law": law, "change": change, "verdict": verdict, "why": why}
