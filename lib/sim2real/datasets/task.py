"""What a prediction problem is: structures, values and where they come from, in the same shape for every study."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

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


# The ranges refuse misprints and wrong units, not unusual materials: they are wider than anything organic at 300 K.
PROPERTIES = {
    p.name: p
    for p in (
        Property("refractive_index", "Refractive index", "-", 1.2, 2.2),
        Property("density", "Density", "g/cm3", 0.4, 4.0),
        Property("heat_capacity", "Heat capacity $C_P$", "J/(kg K)", 300.0, 5000.0),
        Property("thermal_conductivity", "Thermal conductivity", "W/(m K)", 0.03, 1.0),
    )
}
# what the other case studies predict: pairs of polymer or molecule and solvent, and inorganic solids near 300 K from aerogel
# to diamond and from insulator to silver
OTHER_PROPERTIES = {
    p.name: p
    for p in (
        Property("chi", r"Flory-Huggins $\chi$", "-", -5.0, 15.0),
        Property("total_thermal_conductivity", r"Thermal conductivity $\kappa$", "W/(m K)", 1e-3, 3000.0),
        Property("electrical_conductivity", r"Electrical conductivity $\sigma$", "S/m", 1e-12, 1e8),
        # from a pair that reacts or ions to hydrocarbons in water, which lie near 16
        Property("ln_activity_coefficient", r"$\ln\gamma^\infty$", "-", -5.0, 20.0),
        # decimal logarithms of the same units: networks learn these, and errors are in decades
        Property("log_thermal_conductivity", r"$\log_{10}\kappa$", "decades", -3.0, 3.5),
        Property("log_electrical_conductivity", r"$\log_{10}\sigma$", "decades", -12.0, 8.0),
    )
}


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

    @classmethod
    def from_table(
        cls,
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

            Task.from_table("polyinfo.csv", structure="SMILES", value="Density", unit="g/cm3", property="density")

        Values of one material, however its repeat unit was cut, are merged by their median. Rows without a value are
        passed over. Rows that cannot be used are left out, counted in ``report`` and listed in ``dropped``; a
        :class:`~sim2real.datasets.tables.DataWarning` names the first ten with their lines, and all are written beside the
        table to ``<table>.dropped.csv``.

        Args:
            path: the table.
            structure: name of the column with SMILES (repeat units with two ``*``, or molecules), or with compositions.
            value: name of the column with numbers.
            unit: their unit, as in ``kg/m3``; converted to the property's own where ``property`` is known.
            property: a name of :data:`PROPERTIES` or :data:`OTHER_PROPERTIES`, or empty for a property of your own, which has
                the name of its column, its unit, and no physical range.
            kind: ``polymer``, ``molecule``, ``any`` of both, or ``composition``.
            name: as figures print it; the file's name if empty.
            group: name of a column with the class of each material; if empty, polymers get their PoLyInfo class.
            licence, citation: of the values.

        Raises:
            DataError: no such file or column, an unknown unit, or no row that can be used: one line that says what to do.
            ValueError: unknown property.
        """
        from sim2real.datasets.tables import task_from_table

        return task_from_table(
            path,
            structure=structure,
            value=value,
            unit=unit,
            property=property,
            kind=kind,
            name=name,
            group=group,
            licence=licence,
            citation=citation,
        )

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


def merge_by_median(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per ``key``: the median of ``value``, with ``count``, ``low``, ``high`` and ``spread`` = high - low.

    The other columns keep their first entry. Rows come back ordered by key, so that the order of a file does not matter.
    """
    grouped = rows.groupby("key", sort=True)
    merged = grouped.first().drop(columns="value")
    values = grouped["value"].agg(value="median", count="size", low="min", high="max")
    merged = merged.join(values)
    merged["spread"] = merged["high"] - merged["low"]
    return merged.reset_index()
