"""Tables of values from anywhere: read, check row by row, convert, and merge into one row a material."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from sim2real.chemistry.classes import polymer_class
from sim2real.chemistry.formulas import read_formula
from sim2real.chemistry.structures import structure_key
from sim2real.datasets.rows import Cells, Fault, Rows, read_number, read_rows
from sim2real.datasets.task import DataError, Property, Task, get_property, merge, shipped

ROWS_SHOWN = 10  # bad rows that a warning names; the rest is in the file beside the table
_UNITS = shipped("units.csv")  # what a value in each unit of a property is multiplied by
_IGNORED = str.maketrans("³", "3", " ()*^·")  # of units: W/mK, W/(m K) and W/(m·K) are one


class DataWarning(UserWarning):
    """Rows of a table that were left out, with the first of them named."""


def read_values(
    path: Path,
    *,
    structure: str,
    value: str,
    property: Property,
    unit: str = "",
    unit_column: str = "",
    keep: tuple[str, ...] = (),
    group: str = "",
    kind: str = "any",
    where: Callable[[pd.DataFrame], pd.Series] | None = None,
    accepted: tuple[float, float] | None = None,
) -> Rows:
    """``key``, ``structure``, ``value`` in the property's unit, ``line`` and columns to keep, as :func:`read_table`;
    ``unit_column`` has each row's unit, ``accepted`` are limits narrower than the physical range.
    """
    limits = f"{property.low:g} to {property.high:g}" + ("" if property.unit == "-" else f" {property.unit}")
    try:
        common = None if unit_column else factor(unit, property)
    except DataError as error:
        raise DataError(f"{path.name}: {error}") from None

    def read_row(cells: Cells) -> dict[str, Any]:
        number = cells.check(value, read_number)
        number *= cells.check(unit_column, lambda text: factor(text, property)) if common is None else common
        if not property.low <= number <= property.high:
            raise Fault(value, f"is outside of the physical range of {property.name}, {limits}")
        if accepted is not None and not accepted[0] <= number <= accepted[1]:
            raise Fault(value, f"is outside of {accepted[0]:g} to {accepted[1]:g}, what is taken from this table")
        key = cells.check(structure, lambda text: _key(text, kind))
        kept = {c: cells[c] for c in keep} | ({"group": cells[group]} if group else {})
        return {"key": key, "structure": str(cells[structure]).strip(), "value": number} | kept

    columns = (structure, value, *filter(None, (unit_column, group)), *keep)
    rows = read_rows(path, columns, read_row, filled=value, where=where)
    if rows.table.empty:
        return replace(rows, table=pd.DataFrame(columns=["key", "structure", "value", *keep, "line"]).astype({"value": float}))
    return rows


def read_table(
    path: str | Path,
    *,
    structure: str,
    value: str,
    unit: str,
    property: str = "",
    kind: str = "any",
    name: str = "",
    group: str = "",
    licence: str = "not stated",
    citation: str = "",
) -> Task:
    """Your own table: CSV, TSV, Parquet or Excel with a column of structures and one of values.

    An export of PoLyInfo, for example, with a column ``SMILES`` of repeat units and densities in g/cm3::

        read_table("polyinfo.csv", structure="SMILES", value="Density", unit="g/cm3", property="density")

    Values of one material, however its repeat unit was cut, are merged by their median. Rows without a value are
    passed over. Rows that cannot be used are left out, counted in ``report`` and listed in ``dropped``; a
    :class:`DataWarning` names the first ten with their lines, and all are written beside the table to ``<table>.dropped.csv``.

    Args:
        path: the table.
        structure: name of the column with SMILES (repeat units with two ``*``, or molecules), or with compositions.
        value: name of the column with numbers.
        unit: their unit, as in ``kg/m3``; converted to the property's own where ``property`` is known.
        property: a name of ``properties.csv``, or empty for a property of your own, which has the name of its column, its
            unit, and no physical range.
        kind: ``polymer``, ``molecule``, ``any`` of both, or ``composition``.
        name: as figures print it; the file's name if empty.
        group: name of a column with the class of each material; if empty, polymers get their PoLyInfo class.
        licence, citation: of the values.

    Raises:
        DataError: no such file or column, an unknown unit, or no row that can be used: one line that says what to do.
        ValueError: unknown property.
    """
    path = Path(path)
    prop = get_property(property) if property else Property(value, value, unit, -math.inf, math.inf)
    rows = read_values(path, structure=structure, value=value, unit=unit, property=prop, group=group, kind=kind)
    report_dropped(path, rows, value)
    table = merge(rows.table.drop(columns="line"))
    table["group"] = table["group"].astype(str) if group else [_group(s, kind) for s in table["structure"]]
    table["name"] = table["structure"]
    return Task(name or path.stem, prop, table, licence, citation or path.name, rows.report(len(table)), rows.dropped)


def report_dropped(path: Path, rows: Rows, value: str) -> None:
    """Warn the reader's caller of unusable rows and write them beside the table; a :class:`DataError` if no other is left."""
    if len(rows.dropped):
        beside = path.with_name(path.stem + ".dropped.csv")
        try:
            rows.dropped.to_csv(beside, index=False, lineterminator="\n")
            where = f"all are in {beside.name}"
        except OSError:
            where = f"{beside} cannot be written"
        text = f"{path.name}: {len(rows.dropped)} rows cannot be used ({where})"
        warnings.warn("\n  ".join([text, *rows.faults(ROWS_SHOWN)]), DataWarning, stacklevel=3)
    if not rows.read:
        raise DataError(f"{path.name}: no value in column {value!r}")
    if rows.table.empty:
        none = f"none of its {rows.read} rows with a value in column {value!r} can be used"
        raise DataError(f"{path.name}: {none}; {rows.faults()[0]}")


@lru_cache(maxsize=256)
def factor(unit: str, property: Property) -> float:
    """Factor from ``unit`` to the property's own; a :class:`DataError` lists known ones. 1 cal = 4.184 J (ISO 31-4, annex B)."""
    known = {row["unit"]: float(row["factor"]) for row in _UNITS if row["property"] == property.name} or {property.unit: 1.0}
    found = {name.translate(_IGNORED): value for name, value in known.items()}.get(str(unit).translate(_IGNORED))
    if found is None:
        raise DataError(f"{unit!r} is no unit of {property.name}; expected {' or '.join(known)}")
    return found


def _key(text: object, kind: str) -> str:
    if kind == "composition":
        return read_formula(str(text)).key
    key = structure_key(text)
    if key.count("*") not in {"polymer": (2,), "molecule": (0,), "any": (0, 2)}[kind]:
        raise DataError("is not " + ("a repeat unit with two *" if kind == "polymer" else "a molecule without *"))
    return key


def _group(structure: str, kind: str) -> str:
    if kind == "composition":
        return read_formula(structure).family
    return polymer_class(structure) if "*" in structure else "molecule"
