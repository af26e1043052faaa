"""Measured thermal and electrical conductivity of inorganic solids near 300 K: Starrydata and sysTEm in one table each."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from sim2real.chemistry.formulas import read_formula
from sim2real.datasets.curves import HIGH_KELVIN, LOW_KELVIN, read_curves
from sim2real.datasets.rows import Cells, Fault, Rows, read_file, read_number, require, sort_rows
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
    read = [_read_curves(first) if release else _read_grid(first), _read_system(second)]
    scope = {what: count for _, counts in read for what, count in counts.items()}
    sources = [SOURCES[name], SOURCES["system"]]
    checked = {prop: _together([rows[prop] for rows, _ in read], prop, (first, second)) for prop in (THERMAL, ELECTRICAL)}
    tables = {prop: _merge(rows.table) for prop, rows in checked.items()}
    tasks = []
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


def _read_grid(path: Path) -> tuple[dict[Property, Rows], dict[str, int]]:
    """Starrydata's file of 2019 at 300 K: the rows of each property, and counts."""
    frame, first_line = read_file(path)
    columns = {get_property(name): column for name, column in SOURCES["starrydata-2019"].columns.items()}
    require(path.name, frame, ("composition", "Temperature", *(column["name"] for column in columns.values())))
    near = _near_room(frame["Temperature"])
    counts = {"Starrydata: rows read": len(frame), "Starrydata: rows at 295 to 305 K": int(near.sum())}
    parts = {
        prop: _rows(
            path.name, frame[near], first_line, prop, "composition", column["name"], factor(column["unit"], prop), "Starrydata"
        )
        for prop, column in columns.items()
    }
    return parts, counts


def _read_system(path: Path) -> tuple[dict[Property, Rows], dict[str, int]]:
    """sysTEm at 295 to 305 K, as :func:`_read_grid`; units are those in the names of its columns."""
    frame, first_line = read_file(path)
    # compositions of mixtures (weight per cent) have been worked out in this column
    composition = "Pymatgen Composition"
    require(path.name, frame, (composition, "Temperature (K)"))
    near = _near_room(frame["Temperature (K)"])
    counts = {"sysTEm: rows read": len(frame), "sysTEm: rows at 295 to 305 K": int(near.sum())}
    parts = {}
    for property, words in SOURCES["system"].columns.items():
        prop, name = get_property(property), words["name"]
        column = next((c for c in frame.columns if re.fullmatch(rf"{name} \(.+\)", str(c))), None)
        if column is None:
            raise DataError(f"{path.name}: missing column {name} with its unit in brackets; it has {', '.join(map(str, frame))}")
        try:
            scale = factor(column[len(name) + 2 : -1], prop)
        except DataError as error:
            raise DataError(f"{path.name}, column {column}: {error}") from error
        parts[prop] = _rows(path.name, frame[near], first_line, prop, composition, column, scale, "sysTEm")
    return parts, counts


def _read_curves(path: Path) -> tuple[dict[Property, Rows], dict[str, int]]:
    """Starrydata's full release, as :func:`_read_grid`."""
    curves, counts = read_curves(path)
    curves = curves.set_index("line")
    return {
        prop: _rows(path.name, curves[curves["property"] == prop.name], 0, prop, "composition", "value", 1.0, "Starrydata")
        for prop in (THERMAL, ELECTRICAL)
    }, counts


def _near_room(kelvin: pd.Series) -> pd.Series:
    return pd.to_numeric(kelvin, errors="coerce").between(LOW_KELVIN, HIGH_KELVIN)


def _rows(
    file: str, frame: pd.DataFrame, first_line: int, prop: Property, composition: str, column: str, scale: float, source: str
) -> Rows:
    """Rows with a value in a column, with ``key``, ``structure``, ``group``, ``value`` and ``source``, and the others.

    A curve says itself in which ``column`` its fault is, what was ``found`` there and the ``reason`` why it gives no value.
    """
    curve = column == "value"

    def read_row(cells: Cells) -> dict[str, Any]:
        where, found = (cells["column"], cells["found"]) if curve else (column, cells[column])
        if curve and cells["reason"]:
            raise Fault(where, cells["reason"], found)
        value = cells.check(column, read_number, f"{prop.name} is not a number") * scale
        if value <= 0:
            raise Fault(where, f"{prop.name} is not positive", found)
        if not prop.low <= value <= prop.high:
            raise Fault(where, f"{prop.name} outside of {prop.low:g} to {prop.high:g} {prop.unit}", found)
        formula = cells.check(composition, read_formula)
        return {"key": formula.key, "structure": formula.reduced, "group": formula.family, "value": value, "source": source}

    if not curve:
        frame = frame.loc[frame[column].notna(), [composition, column]]
    return sort_rows(file, frame, first_line, read_row)


def _together(parts: list[Rows], prop: Property, paths: tuple[Path, Path]) -> Rows:
    """The rows of both sources.

    Raises:
        DataError: none can be used.
    """
    rows = Rows.of(parts)
    if rows.table.empty:
        where = ", ".join(path.name for path in paths)
        raise DataError(f"no usable value of {prop.name} at {LOW_KELVIN:g} to {HIGH_KELVIN:g} K in {where}")
    return replace(rows, dropped=rows.dropped.sort_values(["file", "line"], ignore_index=True))


def _merge(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a key, ordered by key: the median of the logarithms; of formulas scaled differently the shortest."""
    rows = rows.assign(length=rows["structure"].str.len()).sort_values(["key", "length", "structure"])
    sources = rows.groupby("key")["source"].agg(lambda names: "+".join(sorted(set(names))))
    table = merge(rows, log=True).rename(columns={"spread": "spread_decades"})
    return table.assign(sources=table["key"].map(sources))[list(TABLE_COLUMNS)]
