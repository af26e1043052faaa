"""Tables as they stand in files: reading a file of whatever kind, and sorting its rows into usable ones and others."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sim2real.datasets.task import DROPPED_COLUMNS, DataError

COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz"}


class Fault(Exception):
    """A row that cannot be used: ``Fault(column, reason)``, and what stands there if it is not the column's cell."""


class Cells(dict[str, Any]):
    """A row of a table as it stands: column -> cell."""

    def check(self, column: str, parse: Callable[[Any], Any], reason: str = "") -> Any:
        """What ``parse`` makes of a cell; its ValueError is a Fault, by default for its own reason without the cell's text."""
        try:
            return parse(self[column])
        except ValueError as error:
            text = str(self[column]).strip()
            why = reason or str(error).replace(f"{text!r} ", "").replace(f"{text!r}: ", "").strip()
            raise Fault(column, why) from None


@dataclass(frozen=True)
class Rows:
    """The usable rows of a file, with their ``line``, and the others (:data:`~sim2real.datasets.task.DROPPED_COLUMNS`)."""

    table: pd.DataFrame
    dropped: pd.DataFrame

    @classmethod
    def of(cls, parts: Sequence[Rows]) -> Rows:
        """Rows of several files or tables as one."""
        sides = zip(*((part.table, part.dropped) for part in parts))
        return cls(*(pd.concat([t for t in tables if len(t)] or tables, ignore_index=True) for tables in sides))

    @property
    def read(self) -> int:
        """How many rows there are, usable or not."""
        return len(self.table) + len(self.dropped)

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows are dropped for each reason, as a report says it."""
        return {f"dropped: {reason}": int(count) for reason, count in self.dropped["reason"].value_counts().items()}

    def faults(self, most: int = 1) -> list[str]:
        """The first rows that cannot be used, in words."""
        return [f"line {r.line}, column {r.column}: {r.found!r}: {r.reason}" for r in self.dropped.head(most).itertuples()]

    def report(self, merged: int, what: str = "material", ending: str = "materials") -> dict[str, int]:
        """Counts for a task: rows read (usable or not), dropped by reason, merged; ``merged`` is how many are left."""
        repeats = {f"rows merged into another value of the same {what}": len(self.table) - merged}
        return {"rows read": self.read, **self.reasons, **repeats, ending: merged}


def read_rows(
    path: Path,
    columns: Sequence[str],
    read_row: Callable[[Cells], dict[str, Any]],
    *,
    filled: str,
    where: Callable[[pd.DataFrame], pd.Series] | None = None,
) -> Rows:
    """Read and sort (:func:`sort_rows`) the rows of a table; those for which ``where`` is false or ``filled`` empty are neither
    usable nor dropped. A :class:`DataError` names missing columns.
    """
    frame, first_line = read_file(path)
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        found = ", ".join(map(str, frame.columns[:12])) + (", ..." if len(frame.columns) > 12 else "")
        raise DataError(f"{path.name}: no column {', '.join(map(repr, missing))}; its columns are {found}")
    if where is not None:
        frame = frame[where(frame)]
    frame = frame[frame[filled].notna() & (frame[filled].astype(str).str.strip() != "")]
    return sort_rows(path.name, frame[list(dict.fromkeys(columns))], first_line, read_row)


def sort_rows(file: str, frame: pd.DataFrame, first_line: int, read_row: Callable[[Cells], dict[str, Any]]) -> Rows:
    """What ``read_row`` makes of a frame's rows, and those at which it raises a Fault; the index counts the file's rows from 0."""
    usable, dropped = [], []
    for line, cells in zip(frame.index + first_line, map(Cells, frame.to_dict("records"))):
        try:
            usable.append(read_row(cells) | {"line": line})
        except Fault as fault:
            column, reason, *found = fault.args
            dropped.append((file, line, column, str(found[0] if found else cells[column]), reason))
    return Rows(pd.DataFrame(usable), pd.DataFrame(dropped, columns=list(DROPPED_COLUMNS)))


def require(file: str, frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse a public file that lacks a column, by a :class:`DataError`."""
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise DataError(f"{file}: missing column(s) {', '.join(missing)}; expected {', '.join(columns)}")


def read_number(cell: object) -> float:
    """A cell as a finite number; a ValueError where it is none."""
    try:
        number = float(str(cell).replace("_", "nan"))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError("is not a number")
    return number


def read_file(path: Path) -> tuple[pd.DataFrame, int]:
    """A CSV, TSV (also compressed), Parquet or Excel table and the line of its first row, else a :class:`DataError`; lines above
    the header that start with ``%`` or ``#`` are skipped, and decimal commas become points.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; expected a CSV, TSV, Parquet or Excel table")
    suffix = path.suffixes[-2] if path.suffix in COMPRESSED and len(path.suffixes) > 1 else path.suffix
    try:
        if suffix == ".parquet":
            return pd.read_parquet(path).reset_index(drop=True), 1
        if suffix in (".xlsx", ".xls"):
            return pd.read_excel(path, dtype=object), 2
        if suffix in (".csv", ".tsv", ".txt"):
            return _read_text(path)
    except DataError:
        raise
    except Exception as error:  # the readers raise whatever their parsers raise
        raise DataError(f"{path.name}: not a readable {suffix[1:]} table ({str(error).splitlines()[0]})") from error
    raise DataError(f"{path.name}: cannot read {suffix or 'a file without an ending'}; expected .csv, .tsv, .parquet or .xlsx")


def _read_text(path: Path) -> tuple[pd.DataFrame, int]:
    opener = COMPRESSED.get(path.suffix)
    with pd.io.common.get_handle(path, "r", compression=opener, encoding="utf-8-sig") as handle:
        skipped = 0
        while (header := handle.handle.readline()).startswith(("%", "#")):
            skipped += 1
    if not header.strip():
        raise DataError(f"{path.name}: empty; expected a header line with the names of the columns")
    try:
        separator = csv.Sniffer().sniff(header, ",;\t|").delimiter
    except csv.Error:
        separator = ","
    frame = pd.read_csv(path, sep=separator, skiprows=skipped, dtype=str, encoding="utf-8-sig", skip_blank_lines=False)
    frame.columns = [str(c).strip() for c in frame.columns]
    if separator != ",":
        frame = frame.apply(lambda column: column.str.replace(r"^\s*([+-]?\d+),(\d+)\s*$", r"\1.\2", regex=True))
    return frame, skipped + 2
