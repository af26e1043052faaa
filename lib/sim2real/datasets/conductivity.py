"""Measured thermal and electrical conductivity of inorganic solids near 300 K: Starrydata and sysTEm in one table each."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim2real.chemistry.formulas import read_formula
from sim2real.datasets.files import read_file
from sim2real.datasets.numbers import Numbers
from sim2real.datasets.rows import Cells, Fault, Rows, require, sort_rows
from sim2real.datasets.sheets import filled
from sim2real.datasets.sources import SOURCES, fetch
from sim2real.datasets.task import DataError, Property, Task, get_property, merge
from sim2real.datasets.units import Conversion, conversion, temperature_unit, to_kelvin

THERMAL, ELECTRICAL = get_property("total_thermal_conductivity"), get_property("electrical_conductivity")
ROOM_KELVIN, LOW_KELVIN, HIGH_KELVIN = 300.0, 295.0, 305.0
WIDEST_GAP = 100.0  # K; a straight line over more says little about 300 K
CHUNK = 20_000  # curves held in memory at a time
COLUMNS = ("composition", "prop_x", "prop_y", "unit_x", "unit_y", "x", "y")
# prop_y, in small letters -> (property, whether the curve is its reciprocal)
CURVES = {
    "thermal conductivity": ("total_thermal_conductivity", False),
    "electrical conductivity": ("electrical_conductivity", False),
    "electrical resistivity": ("electrical_conductivity", True),
}
TABLE_COLUMNS = ("key", "structure", "value", "group", "count", "low", "high", "spread_decades", "sources")


def load_conductivities(*, release: bool = False, starrydata: Path | None = None, system: Path | None = None) -> tuple[Task, Task]:
    """Thermal (W/(m K), total) and electrical (S/m) conductivity at 295 to 305 K, one row a composition each.

    Values of a composition are merged by the median of their logarithms; those a factor of ten apart are counted and kept: carrier
    concentration, density and grain size are no part of a composition. The sources share papers and are not independent.
    ``release`` (:func:`read_curves`) takes the place of Starrydata's file of 2019; ``spread_decades`` is log10(high/low).
    """
    name = "starrydata" if release else "starrydata-2019"
    first = Path(starrydata) if starrydata is not None else fetch(name)
    second = Path(system) if system is not None else fetch("system")
    read = [
        _read_release(first) if release else _read_table(first, name, "Starrydata", "composition", "Temperature"),
        # compositions of mixtures (weight per cent) have been worked out in this column
        _read_table(second, "system", "sysTEm", "Pymatgen Composition", "Temperature (K)"),
    ]
    scope = {what: count for _, counts in read for what, count in counts.items()}
    checked = {prop: Rows.of([rows[prop] for rows, _ in read]) for prop in (THERMAL, ELECTRICAL)}
    for prop, rows in checked.items():
        if rows.table.empty:
            where = f"{LOW_KELVIN:g} to {HIGH_KELVIN:g} K in {first.name}, {second.name}"
            raise DataError(f"no usable value of {prop.name} at {where}")
    tables = {prop: _merge(rows.table) for prop, rows in checked.items()}
    shared = len(set(tables[THERMAL]["key"]) & set(tables[ELECTRICAL]["key"]))
    sources = [SOURCES[name], SOURCES["system"]]
    licence, citation = "; ".join(dict.fromkeys(s.licence for s in sources)), "; ".join(s.citation for s in sources)

    def task(title: str, prop: Property) -> Task:
        rows, table = checked[prop], tables[prop]
        merged = {"values merged into another of the same composition": len(rows.table) - len(table), "compositions": len(table)}
        both = {"of them in both sources": int(table["sources"].str.contains("+", regex=False).sum())}
        both |= {"compositions with both conductivities": shared}
        report = scope | {f"values of {prop.name}": rows.read} | rows.reasons | merged | disagreement(table) | both
        dropped = rows.dropped.sort_values(["file", "line"], ignore_index=True)
        return Task(f"measured {title} conductivity", prop, table, licence, citation, report, dropped)

    return task("thermal", THERMAL), task("electrical", ELECTRICAL)


def disagreement(table: pd.DataFrame) -> dict[str, int]:
    """How many compositions have values that are more than a decade apart, as a report says it."""
    return {"of them with values that differ by more than a factor of ten": int((table["spread_decades"] > 1).sum())}


def _read_table(
    path: Path, source: str, title: str, composition: str, temperature: str
) -> tuple[dict[Property, Rows], dict[str, int]]:
    """The rows of each property at 295 to 305 K, and counts; where the registry tells no unit, it is in the column's name."""
    columns = SOURCES[source].columns
    frame = read_file(path, (composition, temperature, *(words["name"] for words in columns.values() if "unit" in words))).frame
    near = pd.to_numeric(frame[temperature], errors="coerce").between(LOW_KELVIN, HIGH_KELVIN)
    counts = {f"{title}: rows read": len(frame), f"{title}: rows at 295 to 305 K": int(near.sum())}
    parts = {}
    for prop, words in ((get_property(name), words) for name, words in columns.items()):
        column = words["name"]
        if "unit" in words:
            convert = conversion(words["unit"], prop)
        else:
            column, convert = _column_with_unit(path, frame, column, prop)
        rows = filled(frame.loc[near, [composition, column]], column)
        parts[prop] = sort_rows(path.name, rows, partial(_read_row, prop, title, column, composition, convert))
    return parts, counts


def _column_with_unit(path: Path, frame: pd.DataFrame, name: str, prop: Property) -> tuple[str, Conversion]:
    """The column of that name with its unit in brackets, and what converts its values."""
    column = next((c for c in frame.columns if re.fullmatch(rf"{name} \(.+\)", str(c))), None)
    if column is None:
        raise DataError(f"{path.name}: missing column {name} with its unit in brackets; it has {', '.join(map(str, frame))}")
    try:
        return column, conversion(column[len(name) + 2 : -1], prop)
    except DataError as error:
        raise DataError(f"{path.name}, column {column}: {error}") from error


def _read_release(path: Path) -> tuple[dict[Property, Rows], dict[str, int]]:
    """Starrydata's full release, as :func:`_read_table`."""
    curves, counts = read_curves(path)
    of_property = {prop: curves[curves["property"] == prop.name].set_index("line") for prop in (THERMAL, ELECTRICAL)}
    readers = {prop: partial(_read_row, prop, "Starrydata", "value", "composition", Conversion()) for prop in of_property}
    return {prop: sort_rows(path.name, own, readers[prop]) for prop, own in of_property.items()}, counts


def read_curves(path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """Conductivities near 300 K from Starrydata's release ``all_curves.csv[.gz]``, read in pieces: a row a curve, others counted.

    Resistivity is interpolated as drawn and then inverted; a sample drawn as both counts twice. ``x`` and ``y`` are JSON arrays of
    numbers, in quotation marks before May 2024 (Starrydata's documentation, ``datasets/index.md``).
    """
    read, wanted = "Starrydata: curves read", "Starrydata: conductivities or resistivities against temperature"
    outside = "Starrydata: of them with no point at 295 to 305 K nor two points around 300 K within 100 K"
    counts, rows = {read: 0, wanted: 0, outside: 0}, []
    try:
        with pd.read_csv(path, dtype=str, chunksize=CHUNK, keep_default_na=False) as chunks:
            for chunk in chunks:
                require(path.name, chunk, COLUMNS)
                counts[read] += len(chunk)
                kind = chunk["prop_y"].str.strip().str.lower()
                chunk = chunk[kind.isin(CURVES) & (chunk["prop_x"].str.strip().str.lower() == "temperature")]
                counts[wanted] += len(chunk)
                found = [(curve.Index + 2, _read_curve(curve)) for curve in chunk[list(COLUMNS)].itertuples()]
                rows += [row | {"line": line} for line, row in found if row is not None]
                counts[outside] = counts[wanted] - len(rows)
    except DataError:
        raise
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{path.name}: not a readable CSV ({str(error).splitlines()[0]})") from error
    columns = ["composition", "property", "found", "value", "reason", "column", "line"]
    return pd.DataFrame(rows, columns=columns), counts


def _read_curve(curve: tuple) -> dict | None:
    """The ``value`` at 300 K in the property's unit, or the ``reason`` why there is none, with ``column`` and what was ``found``;
    None where the curve does not reach 300 K.
    """
    name, reciprocal = CURVES[curve.prop_y.strip().lower()]
    row = {"composition": curve.composition, "property": name, "value": np.nan, "reason": ""}
    thermal_unit = temperature_unit(curve.unit_x)
    if not thermal_unit:
        return row | {"reason": "unknown unit of temperature", "column": "unit_x", "found": curve.unit_x}
    convert = _conversion(curve.unit_y, name)
    if convert is None or convert.reciprocal != reciprocal:
        return row | {"reason": f"unknown unit of {curve.prop_y.strip().lower()}", "column": "unit_y", "found": curve.unit_y}
    try:
        x, y = (np.array(json.loads(text), dtype=float) for text in (curve.x, curve.y))
    except (ValueError, TypeError):
        return row | {"reason": "curve that is no two lists of numbers", "column": "x", "found": curve.x[:60]}
    if x.ndim != 1 or x.shape != y.shape:
        found = f"{x.size} and {y.size} numbers"
        return row | {"reason": "curve with as many x as y missing", "column": "x", "found": found}
    drawn = value_at_room(to_kelvin(x, thermal_unit), y)
    if drawn is None:
        return None
    row |= {"column": "y", "found": f"{drawn:g} {curve.unit_y}"}
    if drawn <= 0:
        return row | {"reason": f"{name} is not positive"}
    return row | {"value": convert(drawn)}


def value_at_room(kelvin: np.ndarray, y: np.ndarray) -> float | None:
    """A curve at 300 K: between two finite points up to 100 K apart, in any order, else the nearest at 295 to 305 K, else None."""
    finite = np.isfinite(kelvin) & np.isfinite(y)
    order = np.argsort(kelvin[finite], kind="stable")
    kelvin, y = kelvin[finite][order], y[finite][order]
    below, above = kelvin[kelvin <= ROOM_KELVIN], kelvin[kelvin >= ROOM_KELVIN]
    if below.size and above.size and above[0] - below[-1] <= WIDEST_GAP:
        return float(np.interp(ROOM_KELVIN, kelvin, y))
    near = (kelvin >= LOW_KELVIN) & (kelvin <= HIGH_KELVIN)
    return float(y[np.argmin(np.abs(kelvin - ROOM_KELVIN))]) if near.any() else None


def _conversion(unit: str, name: str) -> Conversion | None:
    """What converts this unit, or that of a resistivity, to the property's; None where it is unknown."""
    try:
        return conversion(unit.strip(), get_property(name))
    except DataError:
        return None


def _read_row(prop: Property, source: str, column: str, composition: str, convert: Conversion, cells: Cells) -> dict[str, Any]:
    """A row with a value; a curve says in which ``column`` its fault is, what was ``found`` there, and the ``reason`` if any."""
    where, found = (cells["column"], cells["found"]) if column == "value" else (column, cells[column])
    if cells.get("reason"):
        raise Fault(where, cells["reason"], found)
    value = convert(cells.check(column, Numbers().read, f"{prop.name} is not a number"))
    if value <= 0:
        raise Fault(where, f"{prop.name} is not positive", found)
    if not prop.low <= value <= prop.high:
        raise Fault(where, f"{prop.name} outside of {prop.low:g} to {prop.high:g} {prop.unit}", found)
    formula = cells.check(composition, read_formula)
    return {"key": formula.key, "structure": formula.reduced, "group": formula.family, "value": value, "source": source}


def _merge(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a key, ordered by key: the median of the logarithms; of formulas scaled differently the shortest."""
    rows = rows.assign(length=rows["structure"].str.len()).sort_values(["key", "length", "structure"])
    sources = rows.groupby("key")["source"].agg(lambda names: "+".join(sorted(set(names))))
    table = merge(rows, log=True).rename(columns={"spread": "spread_decades"})
    return table.assign(sources=table["key"].map(sources))[list(TABLE_COLUMNS)]
