"""What a prediction problem is: structures, values and where they come from, in the same shape for every study."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files

import numpy as np
import pandas as pd


class DataError(ValueError):
    """A table that cannot be used; the message is one line with the file, the row, the column and what was expected."""


class NoStudy(DataError):
    """Your tables hold nothing for this notebook, which is no mistake: the runner says so and goes on to the next."""


class DataWarning(UserWarning):
    """What was left out of a table, or decided about it, with the first rows named."""


@dataclass(frozen=True)
class Property:
    """A physical property: its unit, the range outside of which a value cannot be right, and some units of its values."""

    name: str
    label: str
    unit: str
    low: float
    high: float
    units: tuple[str, ...] = ()


def shipped(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file that lies beside this module."""
    with (files("sim2real.datasets") / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


# The ranges refuse misprints and wrong units, not unusual materials: they are wider than what the column ``holds`` names.
def _read(row: dict[str, str], low: str, high: str) -> Property:
    return Property(row["name"], row["label"], row["unit"], float(row[low]), float(row[high]), tuple(row["units"].split("; ")))


_ROWS = {r["name"]: r for r in shipped("properties.csv")}
_ALL = {name: _read(row, "low", "high") for name, row in _ROWS.items()}
PROPERTIES = {name: prop for name, prop in _ALL.items() if _ROWS[name]["study"] == "polymers and liquids"}
OTHER_PROPERTIES = {name: prop for name, prop in _ALL.items() if name not in PROPERTIES}
# kind of material -> the columns of its range, where one is given
_RANGES = {
    "polymer": ("polymer_low", "polymer_high"),
    "any": ("polymer_low", "polymer_high"),
    "composition": ("solid_low", "solid_high"),
}


def get_property(name: str, kind: str = "molecule") -> Property:
    """The property of that name, with the range for a kind of material; a ValueError lists the known ones."""
    if name not in _ALL:
        raise ValueError(f"unknown property {name!r}; expected one of {', '.join(PROPERTIES | OTHER_PROPERTIES)}")
    low, high = _RANGES.get(kind, ("low", "high"))
    return _read(_ROWS[name], low, high) if _ROWS[name][low] else _ALL[name]


DROPPED_COLUMNS = ("file", "line", "column", "found", "reason")


def dropped_rows(file: str, rows: pd.DataFrame, column: str, reason: str | pd.Series, *, first_line: int = 2) -> pd.DataFrame:
    """Rows left out, as a report lists them; their index is the 0-based row of the file, and row 0 stands on ``first_line``."""
    found = rows[column].astype(str) if column in rows else ""
    values = (file, rows.index.to_numpy(dtype=int) + first_line, column, found, reason)
    return pd.DataFrame(dict(zip(DROPPED_COLUMNS, values)), columns=list(DROPPED_COLUMNS))


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
        places: where the values of each ``key`` stand: file, line, column and what was ``found`` there; empty if not known.
        X: descriptors (rows, d), float32, or None before they are computed.
    """

    name: str
    property: Property
    table: pd.DataFrame
    licence: str
    citation: str
    report: dict[str, int] = field(default_factory=dict)
    dropped: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(DROPPED_COLUMNS)))
    places: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["key", *DROPPED_COLUMNS[:-1]]))
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

    def without(self, reasons: Mapping[int, str], why: str) -> Task:
        """The task without some rows, position -> reason: counted in the report under ``why``, and listed where they stand."""
        report = self.report | {f"dropped, {why}": len(reasons)}
        if not reasons:
            return replace(self, report=report)
        left = self.table.iloc[list(reasons)].assign(reason=[f"{why}: {r}" if r else why for r in reasons.values()])
        found = self.places.merge(left[["key", "reason"]].drop_duplicates("key"), on="key")
        known = left["key"].isin(found["key"])
        other = left[~known].assign(file=self.name, line="", column="structure").rename(columns={"structure": "found"})
        listed = [part[list(DROPPED_COLUMNS)] for part in (self.dropped, found, other) if len(part)]
        keep = np.setdiff1d(np.arange(len(self)), list(reasons))
        return replace(self, report=report, dropped=pd.concat(listed, ignore_index=True)).select(keep)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of everything that training sees: keys, values and descriptors."""
        digest = hashlib.sha256("\n".join(self.keys).encode())
        digest.update(np.ascontiguousarray(self.y).tobytes())
        if self.X is not None:
            digest.update(np.ascontiguousarray(self.X).tobytes())
        return digest.hexdigest()[:16]

    def summary(self) -> dict[str, object]:
        """What a figure says of this side: name, rows, licence, citation."""
        return {"name": self.name, "rows": len(self), "licence": self.licence, "citation": self.citation}


def merge(rows: pd.DataFrame, by: tuple[str, ...] = ("key",), *, log: bool = False) -> pd.DataFrame:
    """One row per ``by``, sorted: the median of ``value`` with ``count``, ``low``, ``high``, ``spread`` = high - low, else first
    entries. With ``log`` the median is of log10(value) and the spread log10(high / low).
    """
    grouped = rows.assign(log=np.log10(rows["value"])).groupby(list(by)) if log else rows.groupby(list(by))
    merged = grouped.first().drop(columns=["value", "log"] if log else "value")
    merged = merged.join(grouped["value"].agg(value="median", count="size", low="min", high="max"))
    if log:
        merged["value"] = 10 ** grouped["log"].median()
    merged["spread"] = np.log10(merged["high"] / merged["low"]) if log else merged["high"] - merged["low"]
    return merged.reset_index()
