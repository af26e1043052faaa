"""Rows of a table sorted into usable ones and others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from sim2real.datasets.task import DROPPED_COLUMNS, DataError

ELSEWHERE = "is at another temperature"  # how the reason begins for which a row is passed over, though nothing is wrong with it


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
            why = reason or str(error).replace(f"{text!r}: ", "").replace(f"{text!r} ", "").strip()
            raise Fault(column, why) from None


@dataclass(frozen=True)
class Rows:
    """The usable rows of a file, with their ``line``, and the others (:data:`~sim2real.datasets.task.DROPPED_COLUMNS`); ``taken``
    counts values that a rule made of what was written.
    """

    table: pd.DataFrame
    dropped: pd.DataFrame
    taken: dict[str, int] = field(default_factory=dict)

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
    def faulty(self) -> pd.DataFrame:
        """Rows in which something is wrong."""
        return self.dropped[~self.dropped["reason"].str.startswith(ELSEWHERE)]

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows are dropped for each reason, as a report says it."""
        return {f"dropped: {reason}": int(count) for reason, count in self.dropped["reason"].value_counts().items()}

    def faults(self, most: int = 1) -> list[str]:
        """The first rows that cannot be used, in words."""
        shown = self.faulty if len(self.faulty) else self.dropped
        return [f"line {r.line}, column {r.column}: {r.found!r}: {r.reason}" for r in shown.head(most).itertuples()]

    def report(self, merged: int, what: str = "material", ending: str = "materials") -> dict[str, int]:
        """Counts for a task: rows read (usable or not), dropped by reason, merged; ``merged`` is how many are left."""
        repeats = {f"rows merged into another value of the same {what}": len(self.table) - merged}
        return {"rows read": self.read, **self.reasons, **self.taken, **repeats, ending: merged}

    def places(self, file: str, column: str) -> pd.DataFrame:
        """Where the usable rows stand, as a task's ``places``."""
        found = self.table[["key", "line"]].assign(file=file, column=column, found=self.table["structure"])
        return found[["key", *DROPPED_COLUMNS[:-1]]]


def sort_rows(file: str, frame: pd.DataFrame, read_row: Callable[[Cells], dict[str, Any]]) -> Rows:
    """What ``read_row`` makes of a frame's rows, and those at which it raises a Fault; the index is the line of each."""
    usable, dropped, columns = [], [], list(frame.columns)
    for line, row in zip(frame.index, frame.itertuples(index=False, name=None)):
        cells = Cells(zip(columns, row))
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
