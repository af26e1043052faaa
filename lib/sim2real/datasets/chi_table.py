"""Your own table of chi: polymer, solvent, temperature and value, checked row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sim2real.chemistry.classes import polymer_class
from sim2real.chemistry.structures import parse, structure_key
from sim2real.datasets.pairs import (
    CHI,
    COLUMNS,
    HIGH_CELSIUS,
    LOW_CELSIUS,
    NOT_CHI,
    NOT_SOLVENT,
    SEPARATOR,
    ZERO_CELSIUS,
    between,
    pair_row,
    split_pair,
)
from sim2real.datasets.rows import Cells, read_number, read_rows
from sim2real.datasets.tables import report_dropped
from sim2real.datasets.task import DataError, Task, merge

# what is added to a temperature in the unit to give K, and the unit that it is perhaps mistaken for
TEMPERATURE_UNITS = {"K": (0.0, "deg C"), "degC": (ZERO_CELSIUS, "K")}
_COUNTED = {"pairs": "pair", "polymers": "polymer_key", "solvents": "solvent_key"}


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
    if temperature_unit not in TEMPERATURE_UNITS:
        raise ValueError(f"unknown temperature_unit {temperature_unit!r}; expected {' or '.join(TEMPERATURE_UNITS)}")
    path = Path(path)
    offset, other = TEMPERATURE_UNITS[temperature_unit]
    low, high = (limit + ZERO_CELSIUS - offset for limit in (LOW_CELSIUS, HIGH_CELSIUS))
    first, last = (pair, pair) if pair else (polymer, solvent)

    def read_row(cells: Cells) -> dict[str, Any]:
        unit, liquid = (str(cells[column]).strip() for column in (first, last))
        if pair:
            unit, liquid = cells.check(pair, lambda text: split_pair(text, separator))
        cells.check(temperature, read_number)
        wrong = f"no temperature from {low:g} to {high:g} {temperature_unit}; perhaps in {other}"
        kelvin = offset + cells.check(temperature, between(low, high), wrong)
        cells.check(value, read_number)
        chi = cells.check(value, between(CHI.low, CHI.high), NOT_CHI)
        polymer_keyed = cells.check(first, lambda _: _keyed(unit, 2), "polymer that is not a repeat unit with two *")
        solvent_keyed = cells.check(last, lambda _: _keyed(liquid, 0), NOT_SOLVENT)
        return pair_row(polymer_keyed, solvent_keyed, kelvin, chi) | ({"group": str(cells[group])} if group else {})

    columns = (first, last, temperature, value, *([group] if group else []))
    rows = read_rows(path, columns, read_row, filled=value)
    bad = len(rows.dropped)
    if 2 * bad > rows.read or not rows.read:
        why = f"{rows.first}; {bad} of {rows.read} rows cannot be used" if bad else "no row with a value"
        raise DataError(f"{path.name}: {why}; expected repeat units, solvents, temperatures in {temperature_unit} and chi")
    report_dropped(path, rows)
    table = merge(rows.table, ("key", "temperature"))
    table["pair"] = table["key"]
    if not group:
        table["group"] = [polymer_class(s) for s in table["polymer"]]
    return Task(
        name=name or path.stem,
        property=CHI,
        table=table[list(COLUMNS)],
        licence=licence,
        citation=citation or path.name,
        report=rows.report(len(table), "pair and temperature", "rows")
        | {what: table[column].nunique() for what, column in _COUNTED.items()},
        dropped=rows.dropped,
    )


def _keyed(smiles: str, stars: int) -> tuple[str, str]:
    parse(smiles, attachment_points=(stars,))
    return smiles, structure_key(smiles)
