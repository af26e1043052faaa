"""What a prediction problem is: structures, values and where they come from, in the same shape for every study."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files

import numpy as np
import pandas as pd


class DataError(ValueError):
    """A table that cannot be used; the message is one line with the file, the row, the column and what was expected."""


class NoStudy(DataError):
    """Your tables hold nothing for this notebook, which is no mistake: the runner says so and goes on to the next."""


@dataclass(frozen=True)
class Property:
    """A physical property: its unit and the range outside of which a value cannot be right."""

    name: str
    label: str
    unit: str
    low: float
    high: float


def _read_properties() -> tuple[dict[str, Property], dict[str, Property]]:
    """The properties of ``properties.csv``: of polymers and liquids, and what the other studies predict.

    The ranges refuse misprints and wrong units, not unusual materials: they are wider than what the column ``holds`` names.
    """
    found: tuple[dict[str, Property], dict[str, Property]] = ({}, {})
    with (files("sim2real.datasets") / "properties.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            limits = (float(row["low"]), float(row["high"]))
            other = row["study"] != "polymers and liquids"
            found[other][row["name"]] = Property(row["name"], row["label"], row["unit"], *limits)
    return found


PROPERTIES, OTHER_PROPERTIES = _read_properties()


def get_property(name: str) -> Property:
    """The property of that name.

    Raises:
        ValueError: unknown name; the message lists the known ones.
    """
    known = PROPERTIES | OTHER_PROPERTIES
    if name not in known:
        raise ValueError(f"unknown property {name!r}; expected one of {', '.join(known)}")
    return known[name]


DROPPED_COLUMNS = ("file", "line", "column", "found", "reason")


def dropped_rows(file: str, rows: pd.DataFrame, column: str, reason: str, *, first_line: int = 2) -> pd.DataFrame:
    """Rows left out, as a report lists them: one a row with file, line, column, what was found there and why it is dropped.

    Args:
        file: name of the file.
        rows: the rows; their integer index is the 0-based row of the file.
        column: where the fault is.
        reason: why they are left out; the same words for the same reason.
        first_line: line of the file that row 0 stands on.
    """
    found = rows[column].astype(str) if column in rows else ""
    values = (file, rows.index.to_numpy(dtype=int) + first_line, column, found, reason)
    return pd.DataFrame(dict(zip(DROPPED_COLUMNS, values)), columns=list(DROPPED_COLUMNS))


def reason_counts(dropped: pd.DataFrame) -> dict[str, int]:
    """Lines of a report: how many of the rows of :func:`dropped_rows` are left out for each reason."""
    return {f"dropped: {reason}": int(count) for reason, count in dropped["reason"].value_counts().items()}


@dataclass(frozen=True)
class Task:
    """One side (source or target) of a transfer problem.

    Attributes:
        name: short name of the data, as figures print it.
        property: what ``y`` is.
        table: one row per material with the columns ``key`` (cut-independent structure key), ``structure`` (SMILES),
            ``value`` (in the property's unit), ``group`` (class of the material) and whatever the loader adds.
        licence: licence of the values.
        citation: where the values come from.
        report: counts of rows read, merged and dropped by reason.
        dropped: every row that was left out, as :func:`dropped_rows` lists them.
        X: descriptors (rows, d), float32, or None before they are computed.
    """

    name: str
    property: Property
    table: pd.DataFrame
    licence: str
    citation: str
    report: dict[str, int] = field(default_factory=dict)
    dropped: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(DROPPED_COLUMNS)))
    X: np.ndarray | None = None

    def __post_init__(self) -> None:
        missing = {"key", "structure", "value", "group"} - set(self.table.columns)
        if missing:
            raise DataError(f"{self.name}: the table lacks the column(s) {', '.join(sorted(missing))}")
        if self.X is not None and len(self.X) != len(self.table):
            raise DataError(f"{self.name}: {len(self.X)} descriptor rows for {len(self.table)} materials")

    def __len__(self) -> int:
        return len(self.table)

    @property
    def y(self) -> np.ndarray:
        """Values (rows,), float64."""
        return self.table["value"].to_numpy(dtype=np.float64)

    @property
    def keys(self) -> np.ndarray:
        """Structure keys (rows,)."""
        return self.table["key"].to_numpy()

    def select(self, rows: np.ndarray) -> Task:
        """The task with only these rows (boolean mask or positions), in that order."""
        table = self.table.loc[rows] if rows.dtype == bool else self.table.iloc[rows]
        return replace(self, table=table.reset_index(drop=True), X=None if self.X is None else self.X[rows])

    @cached_property
    def fingerprint(self) -> str:
        """A hash of everything that training sees: keys, values and descriptors."""
        digest = hashlib.sha256()
        digest.update("\n".join(self.keys).encode())
        digest.update(np.ascontiguousarray(self.y).tobytes())
        if self.X is not None:
            digest.update(np.ascontiguousarray(self.X).tobytes())
        return digest.hexdigest()[:16]

    def summary(self) -> dict[str, object]:
        """What a figure says of this side: name, rows, licence, citation."""
        return {"name": self.name, "rows": len(self), "licence": self.licence, "citation": self.citation}


def merge(rows: pd.DataFrame, by: tuple[str, ...] = ("key",), *, log: bool = False) -> pd.DataFrame:
    """One row per ``by``: the median of ``value``, with ``count``, ``low``, ``high`` and ``spread`` = high - low.

    The other columns keep their first entry. Rows come back ordered by ``by``, so that the order of a file does not matter.

    Args:
        rows: with the columns ``by`` and ``value``.
        by: what one row stands for.
        log: the median of the logarithms, ``10 ** median(log10(value))``, and ``spread`` in decades, log10(high / low).
    """
    grouped = rows.assign(log=np.log10(rows["value"])).groupby(list(by)) if log else rows.groupby(list(by))
    merged = grouped.first().drop(columns=["value", "log"] if log else "value")
    merged = merged.join(grouped["value"].agg(value="median", count="size", low="min", high="max"))
    if log:
        merged["value"] = 10 ** grouped["log"].median()
    merged["spread"] = np.log10(merged["high"] / merged["low"]) if log else merged["high"] - merged["low"]
    return merged.reset_index()
