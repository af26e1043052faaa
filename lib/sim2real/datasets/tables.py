"""Tables of values from anywhere: read, check row by row, convert, and merge into one row a material."""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from sim2real.chemistry.classes import polymer_class
from sim2real.chemistry.formulas import read_formula
from sim2real.chemistry.structures import structure_key
from sim2real.datasets.rows import Cells, Fault, Rows, read_number, read_rows
from sim2real.datasets.task import DataError, Property, Task, get_property, merge

ROWS_SHOWN = 10  # bad rows that a warning names; the rest is in the file beside the table
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
    """Read structures and values.

    Args:
        path, where: as :func:`~sim2real.datasets.rows.read_rows`; rows without a value are passed over.
        structure: column with SMILES, or compositions where ``kind`` is ``composition``.
        value: column with numbers.
        property: what the values are; they are converted to its unit and must lie within its range.
        unit: of all values, or empty where
        unit_column: names a column with each row's unit.
        keep: further columns for the result.
        group: column that becomes ``group``.
        kind: ``polymer`` (repeat units with two ``*``), ``molecule`` (none), ``any`` of both, or ``composition``.
        accepted: narrower limits than the physical range, for a table known to hold other materials as well.

    Returns:
        The rows; the table has ``key``, ``structure``, ``value`` (in the property's unit), ``line`` and the columns to keep.

    Raises:
        DataError: as :func:`~sim2real.datasets.rows.read_rows`, and an unknown unit of the whole table.
    """
    path = Path(path)
    limits = f"{property.low:g} to {property.high:g}" + ("" if property.unit == "-" else f" {property.unit}")

    def scale(cells: Cells) -> float:
        if unit_column:
            return cells.check(unit_column, lambda text: factor(text, property))
        try:
            return factor(unit, property)
        except DataError as error:
            raise DataError(f"{path.name}: {error}") from None

    def read_row(cells: Cells) -> dict[str, Any]:
        number = cells.check(value, read_number) * scale(cells)
        if not property.low <= number <= property.high:
            raise Fault(value, f"is outside of the physical range of {property.name}, {limits}")
        if accepted is not None and not accepted[0] <= number <= accepted[1]:
            raise Fault(value, f"is outside of {accepted[0]:g} to {accepted[1]:g}, what is taken from this table")
        key = cells.check(structure, lambda text: _key(text, kind))
        found = {"key": key, "structure": str(cells[structure]).strip(), "value": number, **{c: cells[c] for c in keep}}
        return found | ({"group": cells[group]} if group else {})

    columns = (structure, value, *(column for column in (unit_column, group) if column), *keep)
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
    report_dropped(path, rows)
    refuse_empty(path, rows, value)
    table = merge(rows.table.drop(columns="line"))
    table["group"] = table["group"].astype(str) if group else [_group(s, kind) for s in table["structure"]]
    table["name"] = table["structure"]
    return Task(
        name=name or path.stem,
        property=prop,
        table=table,
        licence=licence,
        citation=citation or path.name,
        report=rows.report(len(table)),
        dropped=rows.dropped,
    )


def merge_tasks(tasks: list[Task], name: str) -> Task:
    """Tables of one property put together, one row a material: the median over the tables that know it.

    Raises:
        DataError: the properties differ.
    """
    if len({t.property for t in tasks}) > 1:
        raise DataError(f"{name}: cannot merge {' and '.join(t.property.name for t in tasks)}")
    rows = pd.concat([t.table.drop(columns=["count", "low", "high", "spread"], errors="ignore") for t in tasks], ignore_index=True)
    report = {f"{t.name}: {reason}": count for t in tasks for reason, count in t.report.items()}
    table = merge(rows)
    return replace(
        tasks[0],
        name=name,
        table=table,
        licence="; ".join(dict.fromkeys(t.licence for t in tasks)),
        citation="; ".join(dict.fromkeys(t.citation for t in tasks)),
        report=report | {"materials": len(table)},
        dropped=pd.concat([t.dropped for t in tasks], ignore_index=True),
    )


def report_dropped(path: Path, rows: Rows) -> None:
    """Warn whoever called the reader of their own table of the rows that cannot be used, and write all of them beside it."""
    if rows.dropped.empty:
        return
    beside = path.with_name(path.stem + ".dropped.csv")
    try:
        rows.dropped.to_csv(beside, index=False, lineterminator="\n")
        where = f"all are in {beside.name}"
    except OSError:
        where = f"{beside} cannot be written"
    text = f"{path.name}: {len(rows.dropped)} rows cannot be used ({where})"
    warnings.warn("\n  ".join([text, *rows.faults(ROWS_SHOWN)]), DataWarning, stacklevel=3)


def refuse_empty(path: Path, rows: Rows, value: str) -> None:
    """Refuse a table without a usable row.

    Raises:
        DataError: it has none.
    """
    if not rows.read:
        raise DataError(f"{path.name}: no value in column {value!r}")
    if rows.table.empty:
        raise DataError(f"{path.name}: none of its {rows.read} rows with a value in column {value!r} can be used; {rows.first}")


def factor(unit: str, property: Property) -> float:
    """What a value in ``unit`` is multiplied by to give the property's own unit.

    Blanks, brackets, dots, stars and carets do not matter: ``W/mK``, ``W/(m K)`` and ``W/(m·K)`` are one unit. 1 cal = 4.184 J
    is the thermochemical calorie (ISO 31-4, annex B).

    Raises:
        DataError: no such unit of that property; the message lists the known ones.
    """
    known = _units().get(property.name, {property.unit: 1.0})
    by_spelling = {_spelling(name): value for name, value in known.items()}
    if _spelling(unit) not in by_spelling:
        raise DataError(f"{unit!r} is no unit of {property.name}; expected {' or '.join(known)}")
    return by_spelling[_spelling(unit)]


@lru_cache(maxsize=1)
def _units() -> dict[str, dict[str, float]]:
    """Property -> unit -> factor to the property's own unit."""
    found: dict[str, dict[str, float]] = {}
    with (files("sim2real.datasets") / "units.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["property"], {})[row["unit"]] = float(row["factor"])
    return found


def _spelling(unit: str) -> str:
    return str(unit).translate(_IGNORED)


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
