"""Tables of structures and values from anywhere: read, check row by row, convert, and merge into one row a material."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sim2real.chemistry.classes import polymer_class
from sim2real.chemistry.formulas import CompositionError, read_formula
from sim2real.chemistry.structures import StructureError, structure_key
from sim2real.datasets.files import read_file
from sim2real.datasets.task import DROPPED_COLUMNS, DataError, Property, Task, dropped_rows, get_property, merge_by_median
from sim2real.datasets.units import factor

SHOWN = 10  # bad rows that a warning names; the rest is in the file beside the table


class DataWarning(UserWarning):
    """Rows of a table that were left out, with the first of them named."""


@dataclass(frozen=True)
class Rows:
    """The usable rows of a file and the others.

    ``table`` has ``key``, ``structure``, ``value`` (in the property's unit), ``line`` and the columns asked for; ``dropped`` lists
    every other row; ``read`` is how many rows held a value.
    """

    table: pd.DataFrame
    dropped: pd.DataFrame
    read: int

    def report(self, merged: int) -> dict[str, int]:
        """Counts for a task: rows read, dropped by reason, merged; ``merged`` is the number of materials."""
        reasons = {f"dropped: {reason}": int(count) for reason, count in self.dropped["reason"].value_counts().items()}
        repeats = {"rows merged into another value of the same material": len(self.table) - merged}
        return {"rows read": self.read, **reasons, **repeats, "materials": merged}


def read_rows(
    path: Path,
    *,
    structure: str,
    value: str,
    unit: str,
    property: Property,
    keep: tuple[str, ...] = (),
    kind: str = "any",
    unit_column: str = "",
    where: Callable[[pd.DataFrame], pd.Series] | None = None,
    accepted: tuple[float, float] | None = None,
) -> Rows:
    """Read a table and sort its rows into usable ones and others; rows without a value are neither.

    Args:
        path: CSV, TSV, Parquet or Excel, as :func:`~sim2real.datasets.files.read_file` reads them.
        structure: column with SMILES, or compositions where ``kind`` is ``composition``.
        value: column with numbers.
        unit: of all values, or empty where ``unit_column`` names a column with each row's unit.
        property: what the values are; they are converted to its unit and must lie within its range.
        keep: further columns for the result.
        kind: ``polymer`` (repeat units with two ``*``), ``molecule`` (none), ``any`` of both, or ``composition``.
        where: rows to look at at all, from the frame as read (texts); None is all.
        accepted: narrower limits than the physical range, for a table known to hold other materials as well.

    Raises:
        DataError: a missing, empty or unreadable file, a missing column, an unknown unit of the whole table.
    """
    path = Path(path)
    frame, first_line = read_file(path)
    needed = [structure, value, *([unit_column] if unit_column else []), *keep]
    missing = [c for c in needed if c not in frame.columns]
    if missing:
        found = ", ".join(map(str, frame.columns[:12])) + (", ..." if len(frame.columns) > 12 else "")
        raise DataError(f"{path.name}: no column {', '.join(map(repr, missing))}; its columns are {found}")
    if where is not None:
        frame = frame[where(frame)]
    rows = frame[frame[value].notna() & (frame[value].astype(str).str.strip() != "")].copy()
    dropped = []

    def drop(bad: np.ndarray | pd.Series, column: str, reason: str | list[str]) -> None:
        nonlocal rows
        bad = np.asarray(bad, dtype=bool)
        if bad.any():
            found = dropped_rows(path.name, rows[bad], column, "", first_line=first_line)
            dropped.append(found.assign(reason=reason))
            rows = rows[~bad]

    read = len(rows)
    number = _numbers(rows[value])
    drop(number.isna(), value, "is not a number")
    rows = rows.assign(number=number[rows.index])
    units = rows[unit_column] if unit_column else pd.Series(unit, index=rows.index)
    factors, faults = _factors(units, property)
    if faults and not unit_column:
        raise DataError(f"{path.name}: {unit!r} {faults[0]}")
    drop(factors.isna(), unit_column, faults)
    rows = rows.assign(number=rows["number"] * factors[rows.index])
    low, high = property.low, property.high
    limits = f"{low:g} to {high:g}" + ("" if property.unit == "-" else f" {property.unit}")
    drop(~rows["number"].between(low, high), value, f"is outside of the physical range of {property.name}, {limits}")
    if accepted is not None:
        drop(~rows["number"].between(*accepted), value, _outside(accepted))
    keys, faults = _keys(rows[structure], kind)
    drop(keys.isna(), structure, [f for f in faults if f])
    rows = rows.assign(key=keys[rows.index], line=rows.index.to_numpy(dtype=int) + first_line)
    structures = rows[structure].astype(str).str.strip()
    table = pd.DataFrame({"key": rows["key"], "structure": structures, "value": rows["number"].astype(float)})
    table = table.join(rows[["line", *keep]])
    parts = dropped or [pd.DataFrame(columns=list(DROPPED_COLUMNS))]
    return Rows(table, pd.concat(parts, ignore_index=True).sort_values("line", ignore_index=True), read)


def _outside(accepted: tuple[float, float]) -> str:
    return f"is outside of {accepted[0]:g} to {accepted[1]:g}, what is taken from this table"


def task_from_table(
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
    """:meth:`sim2real.datasets.task.Task.from_table`."""
    path = Path(path)
    prop = get_property(property) if property else Property(value, value, unit or "-", -np.inf, np.inf)
    rows = read_rows(path, structure=structure, value=value, unit=unit, property=prop, keep=(group,) if group else (), kind=kind)
    if len(rows.dropped):
        warn_of_dropped(path, rows.dropped)
    if rows.table.empty:
        why = _first(rows.dropped)
        raise DataError(f"{path.name}: none of its {rows.read} rows with a value in column {value!r} can be used{why}")
    table = merge_by_median(rows.table.drop(columns="line"))
    table["group"] = table[group].astype(str) if group else _groups(table, kind)
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
    table = merge_by_median(rows)
    return replace(
        tasks[0],
        name=name,
        table=table,
        licence="; ".join(dict.fromkeys(t.licence for t in tasks)),
        citation="; ".join(dict.fromkeys(t.citation for t in tasks)),
        report=report | {"materials": len(table)},
        dropped=pd.concat([t.dropped for t in tasks], ignore_index=True),
    )


def _numbers(column: pd.Series) -> pd.Series:
    number = pd.to_numeric(column.astype(str).str.strip(), errors="coerce")
    return number.where(np.isfinite(number))


def _factors(units: pd.Series, property: Property) -> tuple[pd.Series, list[str]]:
    """What each row's value is multiplied by, NaN where its unit is unknown, and a reason for each of those."""
    known: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for unit in units.unique():
        try:
            known[unit] = factor(unit, property)
        except DataError as error:
            reasons[unit] = _reason(str(error), str(unit))
    return units.map(known).astype(float), [reasons[u] for u in units if u in reasons]


def _keys(structures: pd.Series, kind: str) -> tuple[pd.Series, list[str]]:
    """A key for each structure, or NaN and a reason."""
    stars = {"polymer": (2,), "molecule": (0,), "any": (0, 2)}
    keys, faults = [], []
    for text in structures:
        key, fault = np.nan, ""
        try:
            if kind == "composition":
                key = read_formula(str(text)).key
            else:
                key = structure_key(text)
                if key.count("*") not in stars[kind]:
                    key, fault = np.nan, "is not " + ("a repeat unit with two *" if kind == "polymer" else "a molecule without *")
        except (StructureError, CompositionError) as error:
            fault = _reason(str(error), str(text))
        keys.append(key)
        faults.append(fault)
    return pd.Series(keys, index=structures.index, dtype=object), faults


def _reason(message: str, text: str) -> str:
    """The fault without the structure itself, so that equal faults have equal words."""
    return message.replace(f"{text.strip()!r} ", "").replace(f"{text.strip()!r}: ", "").strip()


def _groups(table: pd.DataFrame, kind: str) -> list[str]:
    if kind == "composition":
        return [read_formula(s).family for s in table["structure"]]
    return [polymer_class(s) if "*" in key else "molecule" for s, key in zip(table["structure"], table["key"])]


def _first(dropped: pd.DataFrame) -> str:
    if dropped.empty:
        return ""
    row = dropped.iloc[0]
    return f"; line {row['line']}, column {row['column']}: {row['found']!r} ({row['reason']})"


def warn_of_dropped(path: Path, dropped: pd.DataFrame) -> None:
    """Name the first bad rows and write all of them beside the table."""
    beside = path.with_name(path.stem + ".dropped.csv")
    try:
        dropped.to_csv(beside, index=False, lineterminator="\n")
        where = f"all are in {beside.name}"
    except OSError:
        where = f"{beside} cannot be written"
    lines = [f"  line {r.line}, column {r.column}: {r.found!r}: {r.reason}" for r in dropped.head(SHOWN).itertuples()]
    text = f"{path.name}: {len(dropped)} rows cannot be used ({where})"
    warnings.warn("\n".join([text, *lines]), DataWarning, stacklevel=4)
