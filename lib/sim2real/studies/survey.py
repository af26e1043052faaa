"""What a set of tables is made of: rows kept and dropped, ranges, classes, overlap, and simulated against measured values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import pearsonr, spearmanr

from sim2real.chemistry.classes import CLASS_NAMES
from sim2real.datasets.task import DROPPED_COLUMNS, Property, Task

FEWEST_SHARED = 5  # materials below which a correlation says nothing


def reports(tasks: Mapping[str, Task]) -> pd.DataFrame:
    """Rows read, dropped by reason and merged: a row for each task and count."""
    rows = [(name, what, count) for name, task in tasks.items() for what, count in task.report.items()]
    return pd.DataFrame(rows, columns=["data", "", "rows"]).set_index(["data", ""])


def ranges(tasks: Mapping[str, Task]) -> pd.DataFrame:
    """Materials, lowest, median and highest value and unit: a row a task."""
    rows = {
        name: {
            "materials": len(task),
            "lowest": task.y.min(),
            "median": np.median(task.y),
            "highest": task.y.max(),
            "unit": task.property.unit,
        }
        for name, task in tasks.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def classes(sources: Mapping[str, Task], targets: Mapping[str, Task]) -> pd.DataFrame:
    """Materials a class: a row for each target and class, with the numbers of simulated and of measured materials."""
    parts = []
    for name, target in targets.items():
        sides = {"simulated": sources[name], "measured": target} if name in sources else {"measured": target}
        counts = pd.DataFrame({side: task.table["group"].value_counts() for side, task in sides.items()})
        parts.append(counts.fillna(0).astype(int).sort_index().assign(data=name))
    table = pd.concat(parts).rename_axis("group").reset_index()
    table.insert(0, "class", [CLASS_NAMES.get(c, c) for c in table["group"]])
    return table.set_index(["data", "group"])


def overlap(pairs: Mapping[str, tuple[Task, Task]]) -> pd.DataFrame:
    """Materials of source and target and how many are in both: a row a pair."""
    rows = {}
    for name, (source, target) in pairs.items():
        shared = len(set(source.keys) & set(target.keys))
        rows[name] = {"source": len(set(source.keys)), "target": len(set(target.keys)), "in both": shared}
    table = pd.DataFrame.from_dict(rows, orient="index")
    table["share of the target"] = (table["in both"] / table["target"]).map("{:.0%}".format)
    return table


def dropped(tasks: Mapping[str, Task]) -> pd.DataFrame:
    """Every row that was left out, with the task it belongs to."""
    parts = [task.dropped.assign(data=name) for name, task in tasks.items() if len(task.dropped)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*DROPPED_COLUMNS, "data"])


def disagreements(tasks: Mapping[str, Task], count: int = 8) -> pd.DataFrame:
    """The materials on whose value the sources disagree most, relative to the value."""
    parts = [t.table.assign(data=n) for n, t in tasks.items() if {"low", "high", "count"} <= set(t.table.columns)]
    table = pd.concat(parts, ignore_index=True)
    table["relative spread"] = (table["high"] - table["low"]) / table["value"].abs()
    names = [c for c in ("data", "name", "structure", "value", "low", "high", "count", "relative spread") if c in table]
    return table.nlargest(count, "relative spread")[names]


def parity(source: Task, target: Task, on: Sequence[str] = ("key",)) -> dict | None:
    """Simulated against measured values of the materials that both tables hold.

    Args:
        source, target: of one property; their tables are joined.
        on: columns of the join.

    Returns:
        A record of :func:`parity_record`, or None where fewer than :data:`FEWEST_SHARED` materials are shared.
    """
    both = target.table.merge(source.table[[*on, "value"]], on=list(on), suffixes=("", "_simulated"))
    if len(both) < FEWEST_SHARED:
        return None
    return parity_record(both["value"].to_numpy(), both["value_simulated"].to_numpy(), target.property)


def parity_record(measured: np.ndarray, simulated: np.ndarray, property: Property) -> dict:
    """Values and what they say of the simulator: correlations, bias and mean absolute error of simulated - measured.

    Args:
        measured, simulated: (rows,) in the property's unit.
        property: what they are values of.

    Returns:
        ``property``, ``label``, ``unit``, ``rows``, ``measured``, ``simulated``, ``pearson``, ``spearman``, ``bias``,
        ``relative_bias`` (mean of simulated / measured - 1) and ``mae``.
    """
    return {
        "property": property.name,
        "label": property.label,
        "unit": property.unit,
        "rows": len(measured),
        "measured": measured.tolist(),
        "simulated": simulated.tolist(),
        "pearson": float(pearsonr(measured, simulated)[0]),
        "spearman": float(spearmanr(measured, simulated)[0]),
        "bias": float(np.mean(simulated - measured)),
        "relative_bias": float(np.mean(simulated / measured - 1)) if np.all(measured > 0) else None,
        "mae": float(np.mean(np.abs(simulated - measured))),
    }


def parity_table(records: Sequence[dict]) -> pd.DataFrame:
    """Rank correlation, bias and error of the simulated values: a row a record."""
    columns = ["rows", "spearman", "pearson", "bias", "relative_bias", "mae", "unit"]
    return pd.DataFrame([{"property": r["label"], **{c: r[c] for c in columns}} for r in records]).set_index("property")
