"""Flory-Huggins chi of polymer-solvent pairs: measured values and COSMO-RS, from the tables of Aoki et al. (2023)."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from rdkit import Chem

from sim2real.chemistry.structures import PAIR_SEPARATOR, parse, structure_key
from sim2real.datasets.files import read_bytes, read_file
from sim2real.datasets.keys import Keyed, read_keys
from sim2real.datasets.numbers import Numbers, is_empty
from sim2real.datasets.rings import unroll_ring
from sim2real.datasets.rows import ELSEWHERE, Cells, Fault, Rows, sort_rows
from sim2real.datasets.sheets import filled, plain_name
from sim2real.datasets.sources import SOURCES, fetch
from sim2real.datasets.tables import forms_merged, report_dropped, title_of
from sim2real.datasets.task import DataError, Task, get_property, merge, shipped
from sim2real.datasets.values import Columns, Source, check_kind, numbers_of, plain_text, thermometer

SEPARATOR = "_"  # between polymer and solvent in the files
REQUIRED = ("ps_pair", "temp", "chi")
MEASURED = (*REQUIRED, "ps_pair_nonCyclic", "polymer_class")
# The files' temperatures run from 0 to 229 C. Room temperature, and 0 C, written in kelvin lie outside.
LOW_CELSIUS, HIGH_CELSIUS = -100.0, 250.0
ZERO_CELSIUS = 273.15
_ANY = (LOW_CELSIUS + ZERO_CELSIUS, HIGH_CELSIUS + ZERO_CELSIUS)
CHI = get_property("chi")
UNCLASSIFIED = "unclassified"
COLUMNS = (
    *("key", "structure", "polymer", "solvent", "polymer_key", "solvent_key", "temperature", "value", "group", "pair"),
    *("count", "low", "high", "spread"),
)
COUNTED = {"pairs": "pair", "polymers": "polymer_key", "solvents": "solvent_key"}
NO_CHI = f"no value from {CHI.low:g} to {CHI.high:g}"
NOT_SOLVENT = "solvent that is not a readable molecule"
CLASS_WORDS = {row["file"]: row["paper"] for row in shipped("chi_classes.csv")}  # as the file and the paper write them


def load_chi_measured(path: Path | None = None) -> Task:
    """Measured chi, a row a pair and temperature (K), of the registered file or of one with the columns :data:`MEASURED`.

    ``table`` has :data:`COLUMNS`: ``key`` is the pair, both structure keys joined by ``|``; ``structure`` is ``polymer|solvent``;
    ``group`` is the file's polymer class or ``unclassified``. Values of one pair and temperature are merged by their median. A
    :class:`DataError` refuses a file of which more than half of the rows are unusable.
    """
    file = Path(path) if path is not None else fetch("chi-measured")
    frame = read_file(file, MEASURED).frame
    return _task([(file.name, frame)], "measured chi", "chi-measured", {}, _reference(frame)[1])


def load_chi_cosmo(path: Path | None = None, *, full: bool = False, measured: Path | None = None) -> Task:
    """Chi computed by COSMO-RS, one row for each pair and temperature, as :func:`load_chi_measured` describes it.

    ``path`` is a CSV with the columns :data:`REQUIRED` (``temp`` in deg C) or a zip of them. Units and classes of its polymers,
    rings of ten units, come from ``measured``; other rings are unrolled and ``unclassified``, as the file's own classes are wrong.
    ``full`` is figshare article 25448056, unseen when this was written: its columns are assumed to be the same.
    """
    name = "chi-cosmo-full" if full else "chi-cosmo"
    file = Path(path) if path is not None else fetch(name)
    known = Path(measured) if measured is not None else fetch("chi-measured")
    reference = read_file(known, MEASURED).frame
    tables = _read_zip(file) if zipfile.is_zipfile(file) else [(file.name, read_file(file, REQUIRED).frame)]
    return _task(tables, "COSMO-RS chi", name, *_reference(reference))


def chi_from_table(
    path: Source,
    *,
    temperature: str,
    value: str,
    polymer: str = "",
    solvent: str = "",
    pair: str = "",
    separator: str = SEPARATOR,
    name: str = "",
    licence: str = "not stated",
    citation: str = "",
    kelvin: tuple[float, float] = _ANY,
    **columns: str,
) -> Task:
    """Your own table of chi, measured or simulated, as :func:`load_chi_measured` describes it.

    Further arguments, and what becomes of rows that cannot be used, are as :func:`~sim2real.datasets.tables.read_table` says;
    with ``label`` the task's table has a column ``name``.

    Args:
        temperature, value: columns with temperatures (``temperature_unit``: ``K``, ``degC`` or ``degF``) and with chi.
        polymer, solvent: columns with repeat units (SMILES with two ``*``) and with molecules; or neither, and
        pair: column with both, polymer first, ``separator`` between them.
        kelvin: the lowest and highest temperature, by default all from -100 to 250 deg C.

    Raises:
        DataError: no such file or column, or more than half of the rows cannot be used.
        ValueError: neither ``polymer`` and ``solvent`` nor ``pair``, or both; an unknown unit.
    """
    if bool(pair) == bool(polymer or solvent) or bool(polymer) != bool(solvent):
        raise ValueError("name either the columns polymer= and solvent=, or the one column pair=")
    layout, title = Columns(value, temperature=temperature, kelvin=kelvin, **columns), title_of(path)
    first, last = map(plain_name, (pair, pair) if pair else (polymer, solvent))
    names = list(dict.fromkeys((first, last, *layout.columns)))
    sheet = read_file(path, names, layout.sheet)
    frame = filled(sheet.frame, layout.value)[names]
    at, numbers = thermometer(title, frame, layout), numbers_of(title, frame, layout.value, layout.decimal, "1")
    other = "K" if layout.temperature_unit != "K" else "deg C"
    low, high = (limit - (ZERO_CELSIUS if layout.temperature_unit == "degC" else 0.0) for limit in layout.kelvin)
    wrong = f"no temperature from {low:g} to {high:g} {layout.temperature_unit}; perhaps in {other}"

    def written(cells: Mapping[str, Any]) -> tuple[str, str]:
        return split_pair(cells[first], separator) if pair else (plain_text(cells[first]), plain_text(cells[last]))

    def sides(cells: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(map(layout.text, written(cells)))

    keys = read_keys((text for cells in frame.to_dict("records") for text in _or_none(sides, cells)), "any")

    def read_row(cells: Cells) -> dict[str, Any]:
        unit, liquid = cells.check(first, lambda _: sides(cells))
        temperature = cells.check(layout.temperature, at)
        if not layout.kelvin[0] <= temperature <= layout.kelvin[1]:
            raise Fault(layout.temperature, wrong if kelvin == _ANY else f"{ELSEWHERE} than {low:g} to {high:g}")
        chi = cells.check(layout.value, between(numbers.read))
        polymer_keyed = _side(cells, first, "polymer", keys[unit], "polymer")
        solvent_keyed = _side(cells, last, "solvent", keys[liquid], "molecule")
        row = pair_row((unit, polymer_keyed.key), (liquid, solvent_keyed.key), temperature, chi)
        named = {"name": cells[layout.label]} if layout.label else {}
        classed = layout.group and not is_empty(cells[layout.group])
        named |= layout.heavy((unit, liquid), written(cells), numbers.taken)
        return row | {"group": str(cells[layout.group]) if classed else polymer_keyed.group} | named

    rows = sort_rows(title, frame, read_row)
    rows = replace(rows, dropped=pd.concat([sheet.dropped, rows.dropped], ignore_index=True), taken=numbers.taken)
    bad = len(rows.faulty)
    if 2 * bad > rows.read or not rows.read:
        why = f"{rows.faults()[0]}; {bad} of {rows.read} rows cannot be used" if bad else "no row with a value"
        raise DataError(f"{title}: {why}; expected repeat units, solvents, temperatures in {layout.temperature_unit} and chi")
    report_dropped(title, rows, value)
    task = _merged(rows, name or Path(title).stem, licence, citation or title, ("name",) if layout.label else ())
    forms = forms_merged(title, rows, CHI.unit, ("key", "temperature"))
    return replace(task, report=task.report | forms | count_distinct(task.table), places=rows.places(title, first))


def _or_none(sides: Callable[[Mapping[str, Any]], tuple[str, str]], cells: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        return sides(cells)
    except ValueError:
        return ()  # the row is dropped for it where rows are read


def _side(cells: Cells, column: str, side: str, keyed: Keyed, kind: str) -> Keyed:
    """What was read of one side of a pair; a fault says which side it is."""
    try:
        return check_kind(keyed, kind)
    except ValueError as error:
        raise Fault(column, f"{side}: {error}") from None


def _read_zip(file: Path) -> list[tuple[str, pd.DataFrame]]:
    """Every CSV of the archive that has the columns of a chi table: name and rows."""
    tables, names = [], []
    with zipfile.ZipFile(file) as archive:
        for name in sorted(archive.namelist()):
            if not name.lower().endswith(".csv") or name.startswith("__MACOSX/"):
                continue
            names.append(name)
            try:
                sheet = read_bytes(f"{file.name}/{name}", archive.read(name))
            except zipfile.BadZipFile as error:
                raise DataError(f"{file.name}, {name}: not a readable CSV ({str(error).splitlines()[0]})") from error
            if set(REQUIRED) <= set(sheet.frame.columns):
                tables.append((sheet.file, sheet.frame))
    if not tables:
        found = f"its CSV files are {', '.join(names)}" if names else "it holds no CSV file"
        raise DataError(f"{file.name}: no CSV with the columns {', '.join(REQUIRED)} in it; {found}")
    return tables


def split_pair(pair: object, separator: str = SEPARATOR) -> tuple[str, str]:
    """Polymer and solvent of a text with both."""
    parts = [part.strip() for part in str(pair).split(separator)]
    if len(parts) != 2 or not all(parts):
        raise ValueError(f"no polymer and solvent separated by one {separator!r}")
    return parts[0], parts[1]


def _repeat_unit(pair: object) -> str | None:
    """The polymer of a pair where it is a repeat unit; some rows repeat the ring there."""
    polymer, _, solvent = str(pair).partition(SEPARATOR)
    return polymer.strip() if polymer.count("*") == 2 and solvent.strip() and SEPARATOR not in solvent else None


def _reference(frame: pd.DataFrame) -> tuple[dict[str, str], dict[str, str]]:
    """What the measured file knows: ring of ten units -> repeat unit, and polymer key -> class."""
    units, classes = {}, {}
    for pair, linear, name in zip(frame["ps_pair"], frame["ps_pair_nonCyclic"], frame["polymer_class"]):
        try:
            ring, unit = split_pair(pair)[0], _repeat_unit(linear)
            if unit:
                units[ring] = unit
            if isinstance(name, str):
                classes[_polymer(ring, unit)[1]] = name
        except ValueError:
            continue  # the row is dropped and listed where rows are read
    return units, classes


def _task(tables: list[tuple[str, pd.DataFrame]], name: str, source: str, units: dict[str, str], classes: dict[str, str]) -> Task:
    """The task of files (name and rows), repeat units of rings that lack them, and classes by polymer key."""
    rows = Rows.of([sort_rows(file, frame, lambda cells: _read_row(cells, units)) for file, frame in tables])
    bad = len(rows.dropped)
    if not rows.read:
        raise DataError(f"{tables[0][0]}: no rows; expected a table of chi")
    if 2 * bad > rows.read:
        wrong = f"{rows.dropped['file'].iloc[0]}, {rows.faults()[0]}; {bad} of {rows.read} rows cannot be used"
        raise DataError(f"{wrong}, expected a table of chi at deg C")
    group = rows.table["polymer_key"].map(classes).fillna(UNCLASSIFIED)
    rows = replace(rows, table=rows.table.assign(group=group))
    task = _merged(rows, name, SOURCES[source].licence, SOURCES[source].citation)
    words = {"pairs": "pair", "polymers": "polymer", "polymers when stereochemistry is left out": "polymer_key"}
    unclassified = {"rows of polymers without a class": int((task.table["group"] == UNCLASSIFIED).sum())}
    counts = count_distinct(task.table, words | {"solvents": "solvent_key"})
    return replace(task, report=task.report | counts | unclassified)


def count_distinct(table: pd.DataFrame, columns: dict[str, str] = COUNTED) -> dict[str, int]:
    """How many different pairs, polymers and solvents a table has, as a report says it."""
    return {what: table[column].nunique() for what, column in columns.items()}


def _merged(rows: Rows, name: str, licence: str, citation: str, more: tuple[str, ...] = ()) -> Task:
    """The task of rows, merged into one row a pair and temperature, with ``more`` columns."""
    table = merge(rows.table, ("key", "temperature"))
    table = table.assign(pair=table["key"])[[*COLUMNS, *more]]
    report = rows.report(len(table), "pair and temperature", "rows")
    return Task(name, CHI, table, licence, citation, report, rows.dropped)


def _read_row(cells: Cells, units: dict[str, str]) -> dict[str, Any]:
    """A row of a public file."""
    ring, liquid = cells.check("ps_pair", split_pair)
    wrong = f"no temperature from {LOW_CELSIUS:g} to {HIGH_CELSIUS:g} deg C; perhaps in kelvin"
    celsius = cells.check("temp", between(Numbers().read, LOW_CELSIUS, HIGH_CELSIUS, wrong))
    chi = cells.check("chi", between(Numbers().read))
    unit = _repeat_unit(cells.get("ps_pair_nonCyclic")) or units.get(ring)
    polymer = cells.check("ps_pair", lambda _: _polymer(ring, unit), "polymer that cannot be resolved to a repeat unit")
    solvent = cells.check("ps_pair", lambda _: _solvent(liquid), NOT_SOLVENT)
    return pair_row(polymer, solvent, celsius + ZERO_CELSIUS, chi)


def pair_row(polymer: tuple[str, str], solvent: tuple[str, str], kelvin: float, chi: float) -> dict[str, Any]:
    """A row of a task of pairs, from structure and key of both."""
    structure, key = (PAIR_SEPARATOR.join(sides) for sides in zip(polymer, solvent))
    values = (key, structure, polymer[0], solvent[0], polymer[1], solvent[1], round(kelvin, 6), chi)
    return dict(zip(COLUMNS, values))


def between(
    read: Callable[[object], float], low: float = CHI.low, high: float = CHI.high, otherwise: str = NO_CHI
) -> Callable[[object], float]:
    """A reader of numbers that refuses those outside."""

    def read_between(cell: object) -> float:
        number = read(cell)
        if not low <= number <= high:
            raise ValueError(otherwise)
        return number

    return read_between


@lru_cache(maxsize=100_000)
def _polymer(ring: str, written: str | None) -> tuple[str, str]:
    """Repeat unit and key; the ring is unrolled where no repeat unit is given."""
    return _keyed(written if written is not None else unroll_ring(ring), 2)


@lru_cache(maxsize=100_000)
def _solvent(text: str) -> tuple[str, str]:
    """SMILES without explicit hydrogen, and key."""
    return Chem.MolToSmiles(parse(text, attachment_points=(0,))), structure_key(text)


def _keyed(smiles: str, stars: int) -> tuple[str, str]:
    parse(smiles, attachment_points=(stars,))
    return smiles, structure_key(smiles)
