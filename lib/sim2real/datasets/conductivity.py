"""Measured thermal and electrical conductivity of inorganic solids near 300 K: Starrydata and sysTEm in one table each."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim2real.chemistry.formulas import read_formula
from sim2real.datasets.curves import HIGH_KELVIN, LOW_KELVIN, read_curves
from sim2real.datasets.rows import Cells, Fault, Rows, read_file, require, sort_rows
from sim2real.datasets.sources import SOURCES, fetch
from sim2real.datasets.tables import factor
from sim2real.datasets.task import DataError, Property, Task, get_property, merge

THERMAL, ELECTRICAL = get_property("total_thermal_conductivity"), get_property("electrical_conductivity")
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
    tasks = []
    checked = {p: _check(rows[rows["property"] == p.name].reset_index(drop=True), p) for p in (THERMAL, ELECTRICAL)}
    tables = {p: _merge(own.table) for p, own in checked.items()}
    shared = len(set(tables[THERMAL]["key"]) & set(tables[ELECTRICAL]["key"]))
    for prop, own in checked.items():
        table = tables[prop]
        report = scope | {f"values of {prop.name}": own.read} | own.reasons
        report |= {
            "values merged into another of the same composition": len(own.table) - len(table),
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
                dropped=own.dropped,
            )
        )
    return tasks[0], tasks[1]


def _read_grid(path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """Starrydata's file of 2019 at 300 K, in long form: composition, property, found, value, reason, file, line, column, source."""
    frame, first_line = read_file(path)
    columns = SOURCES["starrydata-2019"].columns
    require(path.name, frame, ("composition", "Temperature", *(column["name"] for column in columns.values())))
    near = _near_room(frame["Temperature"])
    selected = frame[near]
    counts = {"Starrydata: rows read": len(frame), "Starrydata: rows at 295 to 305 K": len(selected)}
    parts = []
    for name, column in columns.items():
        prop = get_property(name)
        scale = factor(column["unit"], prop)
        parts.append(_long(selected, "composition", column["name"], prop, scale, path.name, first_line, "Starrydata"))
    return pd.concat(parts, ignore_index=True), counts


def _read_system(path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """sysTEm at 295 to 305 K, as :func:`_read_grid`; units are those in the names of its columns."""
    frame, first_line = read_file(path)
    # compositions of mixtures (weight per cent) have been worked out in this column
    require(path.name, frame, ("Pymatgen Composition", "Temperature (K)"))
    near = _near_room(frame["Temperature (K)"])
    selected = frame[near]
    counts = {"sysTEm: rows read": len(frame), "sysTEm: rows at 295 to 305 K": len(selected)}
    parts = []
    for property, words in SOURCES["system"].columns.items():
        prop, name = get_property(property), words["name"]
        column = next((c for c in frame.columns if re.fullmatch(rf"{name} \(.+\)", str(c))), None)
        if column is None:
            raise DataError(f"{path.name}: missing column {name} with its unit in brackets; it has {', '.join(map(str, frame))}")
        try:
            scale = factor(column[len(name) + 2 : -1], prop)
        except DataError as error:
            raise DataError(f"{path.name}, column {column}: {error}") from error
        parts.append(_long(selected, "Pymatgen Composition", column, prop, scale, path.name, first_line, "sysTEm"))
    return pd.concat(parts, ignore_index=True), counts


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


def _check(rows: pd.DataFrame, prop: Property) -> Rows:
    """The rows that can be used, with ``key``, ``structure`` and ``group``, and the others, each with the first reason found.

    Args:
        rows: in long form, of one property, the index from 0.
        prop: the property.

    Raises:
        DataError: no row can be used.
    """

    def read_row(cells: Cells) -> dict[str, Any]:
        value = cells["value"]
        if cells["reason"]:
            raise Fault("found", cells["reason"])
        if not np.isfinite(value):
            raise Fault("found", f"{prop.name} is not a number")
        if value <= 0:
            raise Fault("found", f"{prop.name} is not positive")
        if not prop.low <= value <= prop.high:
            raise Fault("found", f"{prop.name} outside of {prop.low:g} to {prop.high:g} {prop.unit}")
        formula = cells.check("composition", read_formula)
        own = {"key": formula.key, "structure": formula.reduced, "group": formula.family}
        return own | {"value": value, "source": cells["source"]}

    read = sort_rows("", rows, 0, read_row)
    if read.table.empty:
        where = ", ".join(rows["file"].unique())
        raise DataError(f"no usable value of {prop.name} at {LOW_KELVIN:g} to {HIGH_KELVIN:g} K in {where}")
    # the long form's own columns become those of the files
    bad = rows.loc[read.dropped["line"].astype(int)].reset_index(drop=True)
    column = bad["column"].where(read.dropped["column"] == "found", bad["composition_column"])
    dropped = read.dropped.assign(file=bad["file"], line=bad["line"], column=column)
    return replace(read, dropped=dropped.sort_values(["file", "line"], ignore_index=True))


def _merge(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a key, ordered by key: the median of the logarithms; of formulas scaled differently the shortest."""
    rows = rows.assign(length=rows["structure"].str.len()).sort_values(["key", "length", "structure"])
    sources = rows.groupby("key")["source"].agg(lambda names: "+".join(sorted(set(names))))
    table = merge(rows, log=True).rename(columns={"spread": "spread_decades"})
    return table.assign(sources=table["key"].map(sources))[list(TABLE_COLUMNS)]
