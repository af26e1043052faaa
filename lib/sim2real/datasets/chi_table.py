"""Your own table of chi: polymer, solvent, temperature and value, checked row by row."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sim2real.chemistry.classes import polymer_class
from sim2real.chemistry.structures import StructureError, parse, structure_key
from sim2real.datasets.files import read_file
from sim2real.datasets.pairs import COLUMNS, HIGH_CELSIUS, LOW_CELSIUS, PAIR, SEPARATOR, ZERO_CELSIUS
from sim2real.datasets.tables import warn_of_dropped
from sim2real.datasets.task import DROPPED_COLUMNS, DataError, Task, get_property, merge_by_median

# what is added to a temperature in the unit to give K, and the unit that it is perhaps mistaken for
UNITS = {"K": (0.0, "deg C"), "degC": (ZERO_CELSIUS, "K")}


def chi_from_table(
    path: str | Path,
    *,
    temperature: str,
    value: str,
    polymer: str = "",
    solvent: str = "",
    pair: str = "",
    separator: str = SEPARATOR,
    temperature_unit: str = "K",
    group: str = "",
    name: str = "",
    licence: str = "not stated",
    citation: str = "",
) -> Task:
    """A CSV, TSV, Parquet or Excel table of chi, measured or simulated.

    For example, an export with a repeat unit, a solvent and a temperature in deg C a row::

        chi_from_table("chi.csv", polymer="SMILES", solvent="Solvent", temperature="T", temperature_unit="degC", value="chi")

    Values of one pair at one temperature are merged by their median. Rows without a value are passed over. Rows that cannot be
    used are left out, counted in ``report`` and listed in ``dropped`` with file, line, column and reason; a
    :class:`~sim2real.datasets.tables.DataWarning` names the first ten, and all are written beside the table to
    ``<table>.dropped.csv``.

    Args:
        path: the table.
        temperature: column with temperatures.
        value: column with chi.
        polymer: column with repeat units (SMILES with two ``*``), with ``solvent``; or neither, and ``pair``.
        solvent: column with molecules (SMILES).
        pair: column with both, polymer first.
        separator: between polymer and solvent in the column ``pair``.
        temperature_unit: ``K`` or ``degC``.
        group: column with the class of the polymer; if empty, polymers get their PoLyInfo class.
        name: as figures print it; the file's name if empty.
        licence, citation: of the values.

    Returns:
        The task, as :func:`~sim2real.datasets.pairs.load_chi_measured` describes it.

    Raises:
        DataError: no such file or column, or more than half of the rows cannot be used: one line that says what to do.
        ValueError: neither ``polymer`` and ``solvent`` nor ``pair``, or both; an unknown unit.
    """
    if bool(pair) == bool(polymer or solvent) or bool(polymer) != bool(solvent):
        raise ValueError("name either the columns polymer= and solvent=, or the one column pair=")
    if temperature_unit not in UNITS:
        raise ValueError(f"unknown temperature_unit {temperature_unit!r}; expected {' or '.join(UNITS)}")
    path = Path(path)
    frame, first_line = read_file(path)
    structures = (pair,) if pair else (polymer, solvent)
    needed = [*structures, temperature, value, *([group] if group else [])]
    missing = [c for c in needed if c not in frame.columns]
    if missing:
        raise DataError(
            f"{path.name}: no column {', '.join(map(repr, missing))}; its columns are {', '.join(map(str, frame.columns[:12]))}"
        )
    frame = frame[frame[value].notna() & (frame[value].astype(str).str.strip() != "")]
    rows, faults = {}, {}
    for row, cells in frame[needed].iterrows():
        try:
            rows[row] = _read_row([str(cells[c]).strip() for c in needed], needed, structures, separator, temperature_unit)
        except _Fault as fault:
            faults[row] = fault.args
    listed = [(path.name, row + first_line, column, str(frame.at[row, column]), why) for row, (column, why) in faults.items()]
    dropped = pd.DataFrame(listed, columns=list(DROPPED_COLUMNS))
    if len(dropped) > len(rows) or not rows:
        why = "no row with a value"
        if len(dropped):
            first = dropped.iloc[0]
            bad = f"{len(dropped)} of {len(frame)} rows cannot be used"
            why = f"line {first.line}, column {first.column}: {first.found!r}: {first.reason}; {bad}"
        raise DataError(f"{path.name}: {why}; expected repeat units, solvents, temperatures in {temperature_unit} and chi")
    if len(dropped):
        warn_of_dropped(path, dropped)
    table = pd.DataFrame(list(rows.values()))
    table["group"] = list(frame.loc[list(rows), group].astype(str)) if group else [polymer_class(s) for s in table["polymer"]]
    # one row a pair and temperature
    table = merge_by_median(table.assign(key=table["pair"] + " " + table["temperature"].astype(str)))
    return Task(
        name=name or path.stem,
        property=get_property("chi"),
        table=table.assign(key=table["pair"]).sort_values(["key", "temperature"], ignore_index=True)[list(COLUMNS)],
        licence=licence,
        citation=citation or path.name,
        report={
            "rows read": len(frame),
            **{f"dropped: {reason}": int(count) for reason, count in dropped["reason"].value_counts().items()},
            "rows merged into another value of the same pair and temperature": len(rows) - len(table),
            "rows": len(table),
            "pairs": table["pair"].nunique(),
            "polymers": table["polymer_key"].nunique(),
            "solvents": table["solvent_key"].nunique(),
        },
        dropped=dropped,
    )


class _Fault(Exception):
    """The column and the reason why a row cannot be used."""


def _read_row(cells: list[str], columns: list[str], structures: tuple[str, ...], separator: str, unit: str) -> dict[str, object]:
    """One row of the task from its texts, which stand in the order structures, temperature, value.

    Raises:
        _Fault: it cannot be used.
    """
    at = len(structures)
    polymer, solvent = cells[0], cells[at - 1]
    if at == 1:
        parts = [part.strip() for part in cells[0].split(separator)]
        if len(parts) != 2 or not all(parts):
            raise _Fault(structures[0], f"no polymer and solvent separated by one {separator!r}")
        polymer, solvent = parts
    offset, other = UNITS[unit]
    low, high = (limit + ZERO_CELSIUS - offset for limit in (LOW_CELSIUS, HIGH_CELSIUS))
    degrees = _number(cells[at], columns[at])
    if not low <= degrees <= high:
        raise _Fault(columns[at], f"no temperature from {low:g} to {high:g} {unit}; perhaps in {other}")
    prop = get_property("chi")
    chi = _number(cells[at + 1], columns[at + 1])
    if not prop.low <= chi <= prop.high:
        raise _Fault(columns[at + 1], f"no value from {prop.low:g} to {prop.high:g}")
    polymer_key = _key(polymer, 2, structures[0], "polymer that is not a repeat unit with two *")
    solvent_key = _key(solvent, 0, structures[-1], "solvent that is not a readable molecule")
    key = f"{polymer_key}{PAIR}{solvent_key}"
    return {
        "pair": key,
        "structure": f"{polymer}{PAIR}{solvent}",
        "polymer": polymer,
        "solvent": solvent,
        "polymer_key": polymer_key,
        "solvent_key": solvent_key,
        "temperature": round(degrees + offset, 6),
        "value": chi,
    }


def _number(text: str, column: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _Fault(column, "is not a number") from None


def _key(smiles: str, stars: int, column: str, reason: str) -> str:
    try:
        parse(smiles, attachment_points=(stars,))
        return structure_key(smiles)
    except StructureError:
        raise _Fault(column, reason) from None
