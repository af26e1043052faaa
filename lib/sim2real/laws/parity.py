"""Simulated values against measured ones: of all materials, class by class, and conductivities beside the Wiedemann-Franz law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import pearsonr, spearmanr

from sim2real.chemistry.classes import CLASS_NAMES
from sim2real.chemistry.simulators.wiedemann_franz import LORENZ_NUMBER, NON_WF, ROOM_TEMPERATURE, WF
from sim2real.datasets.pairs import CLASS_WORDS, UNCLASSIFIED
from sim2real.datasets.task import Property, Task
from sim2real.training.scalers import least_squares_line
from sim2real.training.study import Study

FEWEST_SHARED = 5  # materials below which a correlation says nothing


def class_name(group: str) -> str:
    """A class as figures print it."""
    return (CLASS_NAMES | CLASS_WORDS).get(group, group)


def classes_of(labels: pd.Series) -> list[str]:
    """The classes of a column, those with the most rows first and ties in alphabetical order, without rows of no class."""
    counts = labels.value_counts()
    return sorted((name for name in counts.index if name != UNCLASSIFIED), key=lambda name: (-counts[name], name))


def parity(source: Task, target: Task, on: Sequence[str] = ("key",)) -> dict | None:
    """Simulated and measured values of the materials of both tables, joined ``on`` these columns; None for fewer than five."""
    both = target.table.merge(source.table[[*on, "value"]], on=list(on), suffixes=("", "_simulated"))
    if len(both) < FEWEST_SHARED:
        return None
    return parity_record(both["value"].to_numpy(), both["value_simulated"].to_numpy(), target.property)


def parity_record(measured: NDArray, simulated: NDArray, property: Property) -> dict:
    """Values (rows,) and what they say of the simulator: correlations, bias and mean absolute error of simulated - measured, and
    the mean of simulated / measured - 1, None unless all are positive."""
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


def simulator_parity(study: Study) -> dict | None:
    """A :func:`parity_record` of the target's materials that have a simulated value themselves; None for fewer than five."""
    simulated = study.simulated_target
    known = np.zeros(len(study.target), dtype=bool) if simulated is None else np.isfinite(simulated)
    if known.sum() < FEWEST_SHARED:
        return None
    target = study.target.select(known)
    record = parity_record(target.y, simulated[known], target.property)
    names = target.table.get("name", target.table["structure"]).tolist()
    return record | {"study": study.name, "target": study.target.summary(), "names": names}


def class_parity(target: Task, simulated: Mapping[str, NDArray], classes: Sequence[str] | None = None) -> list[dict]:
    """Figure 5b: simulated and measured values of each class, by one or several simulators: (rows of the target,) by name, NaN
    where unknown. ``classes`` are all if None; ``spearman`` is None below five rows; errors are as they are and
    :func:`line_errors`."""
    table, y = target.table, target.y
    pairs = (table["pair"] if "pair" in table else table["key"]).to_numpy()
    records = []
    for group in classes_of(table["group"]) if classes is None else classes:
        own = (table["group"] == group).to_numpy()
        sides = {}
        for name, values in simulated.items():
            known = own & np.isfinite(values)
            enough = known.sum() >= FEWEST_SHARED and np.ptp(values[known]) > 0 and np.ptp(y[known]) > 0
            sides[name] = {
                "rows": int(known.sum()),
                "measured": y[known].tolist(),
                "simulated": values[known].tolist(),
                "spearman": float(spearmanr(values[known], y[known])[0]) if enough else None,
                "mae": float(np.abs(values[known] - y[known]).mean()) if known.any() else None,
                **line_errors(values[known], y[known], pairs[known]),
            }
        records.append({"class": group, "name": class_name(group), "rows": int(own.sum()), "simulators": sides})
        records[-1] |= {"label": target.property.label, "unit": target.property.unit, "target_name": target.name}
    return records


def line_errors(simulated: ArrayLike, measured: ArrayLike, pairs: ArrayLike) -> dict[str, float | None]:
    """Mean absolute error of a line of slope >= 0 (as transfer's rescaled head) through the simulated values and of the mean, each
    fitted without the pair, at any temperature, that it predicts; None with fewer than three pairs."""
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


def conductivity_parity(study: Study, metals: Task | None = None) -> dict:
    """Fig. 6b: log10 of sigma (S/m) and kappa (W/(m K)) of compounds that have both, and their distance ``lorenz`` from the
    Wiedemann-Franz law in decades; ``metals`` are a third series. ValueError for fewer than two such compounds."""
    table = study.target.table
    known = table[np.isfinite(table["log_kappa"])]
    if len(known) < 2:
        raise ValueError(f"{study.target.name}: {len(known)} compound(s) with both conductivities; a parity plot needs 2")
    distance = known["lorenz"].abs()
    edges = distance[known["wf"] == WF].max(), distance[known["wf"] == NON_WF].min()
    record = {
        "study": study.name,
        "target": study.target.summary(),
        "compounds": len(table),
        "both": len(known),
        **_conductivities(known),
        **{name: known[column].tolist() for name, column in (("groups", "group"), ("wf", "wf"), ("lorenz", "lorenz"))},
        "spearman": float(spearmanr(known["value"], known["log_kappa"])[0]),
        "pearson": float(pearsonr(known["value"], known["log_kappa"])[0]),
        "below": float((known["lorenz"] < 0).mean()),
        **{name: float(edge) if np.isfinite(edge) else None for name, edge in zip(("nearest", "farthest"), edges)},
        "line": {"lorenz_number": LORENZ_NUMBER, "temperature": ROOM_TEMPERATURE},
    }
    return record | {"metals": None if metals is None else {"summary": metals.summary()} | _conductivities(metals.table)}


def _conductivities(table: pd.DataFrame) -> dict[str, list]:
    columns = {"names": "structure", "log_sigma": "value", "log_kappa": "log_kappa"}
    return {name: table[column].tolist() for name, column in columns.items()}
