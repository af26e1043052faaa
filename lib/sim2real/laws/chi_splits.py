"""What the way of splitting measured rows into training and test rows changes: by row, by pair, by solvent, by polymer.

A row is a pair at one temperature, so that a split by row tests on pairs that it has trained on at another temperature: it leaks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from sim2real.laws.bootstrap import band, paired_difference
from sim2real.laws.chi_results import first_side
from sim2real.laws.curve import LEVEL, REPLICATES
from sim2real.training.study import Design, Trials, splits

SPLIT_WORDS = {
    "row": "by row (a pair's other rows may train)",
    "pair": "by pair",
    "solvent": "by solvent",
    "polymer": "by polymer",
}


def split_designs(designs: Mapping[str, Design]) -> dict[str, Design]:
    """Designs by split, cut to what all of them have, so that splits can be compared: the smallest and largest common n, one m."""
    n = (max(d.n_grid[0] for d in designs.values()), min(d.n_grid[-1] for d in designs.values()))
    m = min(max(d.m_grid) for d in designs.values())
    return {rule: replace(design, n_grid=n, m_grid=(m,)) for rule, design in designs.items()}


def split_records(by_rule: Mapping[str, Trials]) -> list[dict]:
    """What each way of splitting says of direct learning and transfer, and what test rows have in common with training rows.

    Args:
        by_rule: trials of the arms ``transfer`` and ``direct`` by the name of the rule, such as ``row``, ``pair``, ``solvent``
            and ``polymer``.

    Returns:
        For each rule: ``split``, ``trials``, ``m``, ``n`` (smallest, largest), ``direct`` and ``transfer`` (two) with ``mae``,
        ``low``, ``high`` (90 % over trials), ``differences`` (two), transfer - direct, paired, with ``mean`` and
        ``standard_error`` over trials; ``shared``, the mean share of test rows whose ``pair``, ``solvent_key`` and
        ``polymer_key`` a training row has too (those of them that the table has).
    """
    records = []
    for rule, trials in by_rule.items():
        design = trials.design
        m, ends = max(design.m_grid), sorted({0, len(design.n_grid) - 1})
        direct, transfer = trials.errors("direct", m), trials.errors("transfer", m)[:, ends]
        (mae, low, high), bands = (band(e, LEVEL, REPLICATES, design.seed) for e in (direct[:, None], transfer))
        records.append(
            {
                "split": rule,
                "words": SPLIT_WORDS.get(rule, f"by {rule}").replace("polymer", first_side(trials.study)),
                "first_side": first_side(trials.study),
                "property": trials.study.target.property.name,
                "unit": trials.study.target.property.unit,
                "source": trials.study.source.summary(),
                "target": trials.study.target.summary(),
                "trials": design.trials,
                "m": m,
                "n": [design.n_grid[k] for k in ends],
                "direct": {"mae": float(mae[0]), "low": float(low[0]), "high": float(high[0])},
                "transfer": [dict(zip(("mae", "low", "high"), map(float, values))) for values in zip(*bands)],
                "differences": [_difference(errors, direct) for errors in transfer.T],
                "shared": shared_with_training(trials),
            }
        )
    return records


def _difference(a: np.ndarray, b: np.ndarray) -> dict:
    mean, standard_error, count = paired_difference(a, b)
    return {"mean": mean, "standard_error": standard_error, "trials": count}


def shared_with_training(trials: Trials, columns: tuple[str, ...] = ("pair", "solvent_key", "polymer_key")) -> dict[str, float]:
    """The mean share of test rows of which some training row has the same pair, solvent or polymer: what a split leaks.

    Args:
        trials: whose splits are looked at, at the largest m.
        columns: of the target's table; one that it lacks is passed over.
    """
    study, design = trials.study, trials.design
    m = max(design.m_grid)
    of_trials = splits(study, design.seed, range(design.trials))
    shares = {}
    for column in columns:
        if column in study.target.table:
            labels = study.target.table[column].to_numpy()
            shares[column] = float(np.mean([np.isin(labels[test], labels[train[:m]]).mean() for train, test in of_trials]))
    return shares


def shared_words(record: dict) -> str:
    """What test rows have in common with training rows, in words, from one of :func:`split_records`."""
    names = {"pair": "pair", "solvent_key": "solvent", "polymer_key": record["first_side"]}
    parts = [f"{names[key]} {share:.0%}" for key, share in record["shared"].items()]
    return "seen in training: " + ", ".join(parts) if parts else ""
