"""Flory-Huggins chi of polymer-solvent pairs: measured values and COSMO-RS, from the tables of Aoki et al. (2023)."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from rdkit import Chem

from sim2real.chemistry.structures import PAIR_SEPARATOR, parse, structure_key
from sim2real.datasets.rings import unroll_ring
from sim2real.datasets.rows import Cells, Rows, read_file, read_number, require, sort_rows
from sim2real.datasets.sources import SOURCES, fetch
from sim2real.datasets.task import DataError, Task, get_property, merge

SEPARATOR = "_"  # between polymer and solvent in the files
REQUIRED = ("ps_pair", "temp", "chi")
MEASURED = (*REQUIRED, "ps_pair_nonCyclic", "polymer_class")
# The files' temperatures run from 0 to 229 C. The limit lies below 273, so that 0 C and room temperature written in kelvin
# are noticed.
LOW_CELSIUS, HIGH_CELSIUS = -100.0, 250.0
ZERO_CELSIUS = 273.15
CHI = get_property("chi")
UNCLASSIFIED = "unclassified"
COLUMNS = (
    *("key", "structure", "polymer", "solvent", "polymer_key", "solvent_key", "temperature", "value", "group", "pair"),
    *("count", "low", "high", "spread"),
)
NOT_CHI = f"no value from {CHI.low:g} to {CHI.high:g}"
NOT_SOLVENT = "solvent that is not a readable molecule"
with (files("sim2real.datasets") / "chi_classes.csv").open(encoding="utf-8") as _file:
    CLASS_WORDS = {row["file"]: row["paper"] for row in csv.DictReader(_file)}
    """Names of the measured file's classes as the paper writes them."""


def load_chi_measured(path: Path | None = None) -> Task:
    """Measured chi, one row for each pair and temperature.

    Args:
        path: a file with the columns ``ps_pair``, ``ps_pair_nonCyclic``, ``temp`` (deg C), ``chi`` and ``polymer_class``
            instead of the registered one.

    Returns:
        The task. ``table`` has the columns of :data:`COLUMNS`: ``key`` (= ``pair``) is the pair, polymer and solvent key
        joined by ``|``, which depends neither on how the repeat unit was cut nor on stereochemistry nor on the
        temperature, so that a pair has as many rows as temperatures; ``structure`` is ``polymer|solvent`` (a repeat unit with two
        ``*`` and a SMILES); ``temperature`` is in K; ``group`` is the polymer class of the file, ``unclassified`` where it
        gives none. Values of one pair at one temperature are merged by their median.

    Raises:
        DataError: the file cannot be had or read, lacks a column, or more than half of its rows are unusable.
    """
    file = Path(path) if path is not None else fetch("chi-measured")
    frame, first_line = _read_public(file, MEASURED)
    return _task([(file.name, frame, first_line)], "measured chi", "chi-measured", {}, _class_of_polymer(frame))


def load_chi_cosmo(path: Path | None = None, *, full: bool = False, measured: Path | None = None) -> Task:
    """Chi computed by COSMO-RS, one row for each pair and temperature.

    The file writes polymers as rings of ten repeat units. The repeat unit is taken from the measured file, which gives
    both; a ring that it does not hold is unrolled (:func:`~sim2real.datasets.rings.unroll_ring`), which the full set needs. The
    file's own polymer classes are wrong: the measured file's are used, and a polymer that it does not hold is ``unclassified``.

    Args:
        path: a CSV with the columns ``ps_pair``, ``temp`` (deg C) and ``chi``, or a zip in which every such CSV is read.
        full: the full set (figshare article 25448056) instead of the 1,206 rows of measured pairs. Nobody has seen that file
            when this was written; that it has the columns of the small one is an assumption.
        measured: the measured file instead of the registered one.

    Returns:
        The task, as :func:`load_chi_measured` describes it.

    Raises:
        DataError: as :func:`load_chi_measured`, and a zip without a table of chi.
    """
    name = "chi-cosmo-full" if full else "chi-cosmo"
    file = Path(path) if path is not None else fetch(name)
    known = Path(measured) if measured is not None else fetch("chi-measured")
    reference, _ = _read_public(known, MEASURED)
    tables = _read_zip(file) if zipfile.is_zipfile(file) else [(file.name, *_read_public(file, REQUIRED))]
    return _task(tables, "COSMO-RS chi", name, _repeat_units(reference), _class_of_polymer(reference))


def _read_public(file: Path, columns: tuple[str, ...]) -> tuple[pd.DataFrame, int]:
    frame, first_line = read_file(file)
    require(file.name, frame, columns)
    return frame, first_line


def _read_zip(file: Path) -> list[tuple[str, pd.DataFrame, int]]:
    """Every CSV of the archive that has the columns of a chi table: name, rows, line of the first row."""
    tables, names = [], []
    with zipfile.ZipFile(file) as archive:
        for name in sorted(archive.namelist()):
            if not name.lower().endswith(".csv") or name.startswith("__MACOSX/"):
                continue
            names.append(name)
            try:
                frame = pd.read_csv(io.BytesIO(archive.read(name)), dtype=str, encoding="utf-8-sig")
            except (ValueError, zipfile.BadZipFile) as error:
                raise DataError(f"{file.name}, {name}: not a readable CSV ({str(error).splitlines()[0]})") from error
            if set(REQUIRED) <= set(frame.columns):
                tables.append((f"{file.name}/{name}", frame, 2))
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
    try:
        polymer = split_pair(pair)[0]
    except ValueError:
        return None
    return polymer if polymer.count("*") == 2 else None


def _repeat_units(frame: pd.DataFrame) -> dict[str, str]:
    """Ring of ten units, as the files write it -> repeat unit."""
    found = {}
    for ring, linear in zip(frame["ps_pair"], frame["ps_pair_nonCyclic"]):
        unit = _repeat_unit(linear)
        if unit and str(ring).count(SEPARATOR) == 1:
            found[str(ring).split(SEPARATOR)[0]] = unit
    return found


def _class_of_polymer(frame: pd.DataFrame) -> dict[str, str]:
    """Polymer key -> class; polymers without a class are left out."""
    classes = {}
    for pair, linear, name in zip(frame["ps_pair"], frame["ps_pair_nonCyclic"], frame["polymer_class"]):
        if isinstance(name, str):
            try:
                classes[_polymer(split_pair(pair)[0], _repeat_unit(linear))[1]] = name
            except ValueError:
                continue  # the row is dropped and listed where rows are read
    return classes


def _task(
    tables: list[tuple[str, pd.DataFrame, int]], name: str, source: str, units: dict[str, str], classes: dict[str, str]
) -> Task:
    """The task of all rows that can be used.

    Args:
        tables: name, rows and line of the first row of each file.
        name: the task's.
        source: key of the registry.
        units: repeat units of rings, for tables that do not give them.
        classes: class by polymer key.
    """
    rows = Rows.of([sort_rows(file, frame, line, lambda cells: _read_row(cells, units)) for file, frame, line in tables])
    bad = len(rows.dropped)
    if not rows.read:
        raise DataError(f"{tables[0][0]}: no rows; expected a table of chi")
    if 2 * bad > rows.read:
        wrong = f"{rows.dropped['file'].iloc[0]}, {rows.first}; {bad} of {rows.read} rows cannot be used"
        raise DataError(f"{wrong}, expected a table of chi at deg C")
    merged = merge(rows.table, ("key", "temperature"))
    merged = merged.assign(pair=merged["key"], group=merged["polymer_key"].map(classes).fillna(UNCLASSIFIED))
    report = rows.report(len(merged), "pair and temperature", "rows") | {
        "pairs": merged["key"].nunique(),
        "polymers": merged["polymer"].nunique(),
        "polymers when stereochemistry is left out": merged["polymer_key"].nunique(),
        "solvents": merged["solvent_key"].nunique(),
        "rows of polymers without a class": int((merged["group"] == UNCLASSIFIED).sum()),
    }
    return Task(
        name=name,
        property=CHI,
        table=merged[list(COLUMNS)],
        licence=SOURCES[source].licence,
        citation=SOURCES[source].citation,
        report=report,
        dropped=rows.dropped,
    )


def _read_row(cells: Cells, units: dict[str, str]) -> dict[str, Any]:
    """A row of a public file."""
    ring, liquid = cells.check("ps_pair", split_pair)
    wrong = f"no temperature from {LOW_CELSIUS:g} to {HIGH_CELSIUS:g} deg C; perhaps in kelvin"
    celsius = cells.check("temp", between(LOW_CELSIUS, HIGH_CELSIUS), wrong)
    chi = cells.check("chi", between(CHI.low, CHI.high), NOT_CHI)
    unit = _repeat_unit(cells.get("ps_pair_nonCyclic")) or units.get(ring)
    polymer = cells.check("ps_pair", lambda _: _polymer(ring, unit), "polymer that cannot be resolved to a repeat unit")
    solvent = cells.check("ps_pair", lambda _: _solvent(liquid), NOT_SOLVENT)
    return pair_row(polymer, solvent, celsius + ZERO_CELSIUS, chi)


def pair_row(polymer: tuple[str, str], solvent: tuple[str, str], kelvin: float, chi: float) -> dict[str, Any]:
    """A row of a task of pairs, from structure and key of both."""
    return {
        "key": f"{polymer[1]}{PAIR_SEPARATOR}{solvent[1]}",
        "structure": f"{polymer[0]}{PAIR_SEPARATOR}{solvent[0]}",
        "polymer": polymer[0],
        "solvent": solvent[0],
        "polymer_key": polymer[1],
        "solvent_key": solvent[1],
        "temperature": round(kelvin, 6),
        "value": chi,
    }


def between(low: float, high: float) -> Callable[[object], float]:
    """A reader of numbers that refuses what lies outside."""

    def read(cell: object) -> float:
        number = read_number(cell)
        if not low <= number <= high:
            raise ValueError
        return number

    return read


@lru_cache(maxsize=100_000)
def _polymer(ring: str, written: str | None) -> tuple[str, str]:
    """Repeat unit and key; the ring is unrolled where no repeat unit is given."""
    unit = written if written is not None else unroll_ring(ring)
    parse(unit, attachment_points=(2,))
    return unit, structure_key(unit)


@lru_cache(maxsize=100_000)
def _solvent(text: str) -> tuple[str, str]:
    """SMILES without explicit hydrogen, and key."""
    return Chem.MolToSmiles(parse(text, attachment_points=(0,))), structure_key(text)
