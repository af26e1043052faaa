"""Measured thermal and electrical conductivity of inorganic solids near 300 K: Starrydata and sysTEm in one table each."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from sim2real.chemistry.formulas import CompositionError, read_formula
from sim2real.datasets.curves import HIGH_KELVIN, LOW_KELVIN, read_curves
from sim2real.datasets.files import read_file
from sim2real.datasets.sources import SOURCES, fetch
from sim2real.datasets.task import DROPPED_COLUMNS, DataError, Property, Task, get_property
from sim2real.datasets.units import factor

THERMAL, ELECTRICAL = get_property("total_thermal_conductivity"), get_property("electrical_conductivity")
# The file of 2019 names no units. Those of the SI agree with its ZT: S^2 sigma T / kappa is 0.8 to 1.2 times it in every row.
GRID_COLUMNS = {"Thermal conductivity": (THERMAL, "W/(m K)"), "Electrical conductivity": (ELECTRICAL, "S/m")}
SYSTEM_COLUMNS = {"Total Thermal Conductivity": THERMAL, "Electrical Conductivity": ELECTRICAL}
TABLE_COLUMNS = ("key", "structure", "value", "group", "count", "low", "high", "spread_decades", "sources")
DISAGREEMENT = 1.0  # decades


def load_conductivities(*, release: bool = False, starrydata: Path | None = None, system: Path | None = None) -> tuple[Task, Task]:
    """Thermal (W/(m K), total) and electrical (S/m) conductivity at 295 to 305 K, one row a composition each.

    Values of one composition, whether of one source or of both, are merged by the median of their logarithms,
    ``10 ** median(log10(value))``. Those that differ by more than a factor of ten are counted in the report and kept: carrier
    concentration, density and grain size are no part of a composition, so that neither value need be wrong, and leaving such
    compositions out would hide how much a composition alone cannot tell. Sources are not independent: sysTEm and Starrydata
    hold values digitised from the same papers.

    Args:
        release: Starrydata's full release (curves, :func:`~sim2real.datasets.curves.read_curves`) instead of the file of
            2019, whose curves stand on a grid of temperatures with 300 K on it.
        starrydata: a file of the shape that ``release`` says instead of the registered one.
        system: an Excel file of sysTEm's shape instead of the registered one.

    Returns:
        The thermal and the electrical task. ``key`` is made of atomic fractions, so that it does not depend on how a formula
        is scaled (:class:`~sim2real.chemistry.formulas.Formula`); ``structure`` is the reduced formula; ``group`` the anion
        family; ``spread_decades`` is log10(high/low); ``sources`` names the data sets, joined by ``+``. Rows at other
        temperatures, of other properties and empty cells are out of scope: counted, not listed.

    Raises:
        DataError: a file cannot be had or read, or lacks a column.
    """
    name = "starrydata" if release else "starrydata-2019"
    first = Path(starrydata) if starrydata is not None else fetch(name)
    second = Path(system) if system is not None else fetch("system")
    readings = [read_curves(first) if release else _read_grid(first), _read_system(second)]
    rows = pd.concat([r for r, _ in readings], ignore_index=True)
    scope = {what: count for _, counts in readings for what, count in counts.items()}
    sources = [SOURCES[name], SOURCES["system"]]
    tables, tasks = {}, []
    checked = {p: _check(rows[rows["property"] == p.name], p) for p in (THERMAL, ELECTRICAL)}
    for prop, (kept, _) in checked.items():
        tables[prop] = _merge(kept)
    shared = len(set(tables[THERMAL]["key"]) & set(tables[ELECTRICAL]["key"]))
    for prop, (kept, dropped) in checked.items():
        table = tables[prop]
        report = scope | {f"values of {prop.name}": len(kept) + len(dropped)}
        report |= {f"dropped: {reason}": int(n) for reason, n in dropped["reason"].value_counts().items()}
        report |= {
            "values merged into another of the same composition": len(kept) - len(table),
            "compositions": len(table),
            "of them with values that differ by more than a factor of ten": int((table["spread_decades"] > DISAGREEMENT).sum()),
            "of them in both sources": int(table["sources"].str.contains("+", regex=False).sum()),
            "compositions with both conductivities": shared,
        }
        tasks.append(
            Task(
                name=f"measured {'thermal' if prop is THERMAL else 'electrical'} conductivity",
                property=prop,
                table=table,
                licence="; ".join(dict.fromkeys(s.licence for s in sources)),
                citation="; ".join(s.citation for s in sources),
                report=report,
                dropped=dropped,
            )
        )
    return tasks[0], tasks[1]


def _read_grid(path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """Starrydata's file of 2019 at 300 K, in long form: composition, property, found, value, reason, file, line, column, source."""
    frame, first_line = read_file(path)
    _require(path, frame, ("composition", "Temperature", *GRID_COLUMNS))
    near = _near_room(frame["Temperature"])
    selected = frame[near]
    counts = {"Starrydata: rows read": len(frame), "Starrydata: rows at 295 to 305 K": len(selected)}
    parts = [
        _long(selected, "composition", column, prop, factor(unit, prop), path.name, first_line, "Starrydata")
        for column, (prop, unit) in GRID_COLUMNS.items()
    ]
    return pd.concat(parts, ignore_index=True), counts


def _read_system(path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """sysTEm at 295 to 305 K, as :func:`_read_grid`; units are those in the names of its columns."""
    frame, first_line = read_file(path)
    # compositions of mixtures (weight per cent) have been worked out in this column
    _require(path, frame, ("Pymatgen Composition", "Temperature (K)"))
    near = _near_room(frame["Temperature (K)"])
    selected = frame[near]
    counts = {"sysTEm: rows read": len(frame), "sysTEm: rows at 295 to 305 K": len(selected)}
    parts = []
    for name, prop in SYSTEM_COLUMNS.items():
        column = next((c for c in frame.columns if re.fullmatch(rf"{name} \(.+\)", str(c))), None)
        if column is None:
            raise DataError(f"{path.name}: missing column {name} with its unit in brackets; it has {', '.join(map(str, frame))}")
        try:
            scale = factor(column[len(name) + 2 : -1], prop)
        except DataError as error:
            raise DataError(f"{path.name}, column {column}: {error}") from error
        parts.append(_long(selected, "Pymatgen Composition", column, prop, scale, path.name, first_line, "sysTEm"))
    return pd.concat(parts, ignore_index=True), counts


def _require(path: Path, frame: pd.DataFrame, columns: tuple[str, ...]) -> None:
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise DataError(f"{path.name}: missing column(s) {', '.join(missing)}; expected {', '.join(columns)}")


def _near_room(kelvin: pd.Series) -> pd.Series:
    return pd.to_numeric(kelvin, errors="coerce").between(LOW_KELVIN, HIGH_KELVIN)


def _long(
    frame: pd.DataFrame, composition: str, column: str, prop: Property, scale: float, file: str, first_line: int, source: str
) -> pd.DataFrame:
    filled = frame[frame[column].notna()]
    return pd.DataFrame(
        {
            "composition": filled[composition],
            "property": prop.name,
            "found": filled[column].astype(str),
            "value": pd.to_numeric(filled[column], errors="coerce") * scale,
            "reason": "",
            "file": file,
            "line": filled.index.to_numpy(dtype=int) + first_line,
            "column": column,
            "composition_column": composition,
            "source": source,
        }
    )


def _check(rows: pd.DataFrame, prop: Property) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows that can be used, with ``key``, ``structure`` and ``group``, and the others, each with the first reason found."""
    rows = rows.reset_index(drop=True)
    value, reason, where = rows["value"], rows["reason"].to_list(), rows["column"].to_list()
    found = rows["found"].to_list()
    formulas = []
    for k, text in enumerate(rows["composition"]):
        formulas.append(None)
        if reason[k]:
            continue
        if not np.isfinite(value[k]):
            reason[k] = f"{prop.name} is not a number"
        elif value[k] <= 0:
            reason[k] = f"{prop.name} is not positive"
        elif not prop.low <= value[k] <= prop.high:
            reason[k] = f"{prop.name} outside of {prop.low:g} to {prop.high:g} {prop.unit}"
        else:
            try:
                formulas[k] = read_formula(text)
            except CompositionError as error:
                reason[k], found[k], where[k] = str(error), str(text), rows["composition_column"][k]
    usable = np.array([f is not None for f in formulas], dtype=bool)
    good = [f for f in formulas if f is not None]
    kept = rows[usable].assign(key=[f.key for f in good], structure=[f.reduced for f in good], group=[f.family for f in good])
    dropped = rows.assign(reason=reason, found=found, column=where)[~usable]
    if kept.empty:
        raise DataError(
            f"no usable value of {prop.name} at {LOW_KELVIN:g} to {HIGH_KELVIN:g} K in {', '.join(rows['file'].unique())}"
        )
    return kept, dropped[list(DROPPED_COLUMNS)].sort_values(["file", "line"], ignore_index=True)


def _merge(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a key, ordered by key: the median of the logarithms; of formulas scaled differently the shortest."""
    logs = np.log10(rows["value"])
    rows = rows.assign(log=logs, length=rows["structure"].str.len()).sort_values(["key", "length", "structure"])
    grouped = rows.groupby("key", sort=True)
    table = grouped[["structure", "group"]].first()
    table["value"] = 10 ** grouped["log"].median()
    table = table.join(grouped["value"].agg(count="size", low="min", high="max"))
    table["spread_decades"] = np.log10(table["high"] / table["low"])
    table["sources"] = grouped["source"].agg(lambda names: "+".join(sorted(set(names))))
    return table.reset_index()[list(TABLE_COLUMNS)]
