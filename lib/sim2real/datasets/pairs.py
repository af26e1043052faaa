"""Flory-Huggins chi of polymer-solvent pairs: measured values and COSMO-RS, from the tables of Aoki et al. (2023)."""

from __future__ import annotations

import io
import zipfile
from functools import lru_cache
from pathlib import Path

import pandas as pd
from rdkit import Chem

from sim2real.chemistry.structures import StructureError, parse, structure_key
from sim2real.datasets.files import read_file
from sim2real.datasets.rings import RingError, unroll_ring
from sim2real.datasets.sources import SOURCES, fetch
from sim2real.datasets.task import DROPPED_COLUMNS, DataError, Task, dropped_rows, get_property

SEPARATOR = "_"  # between polymer and solvent in the files
PAIR = "|"  # between polymer and solvent in the tasks: unlike "_" it can stand in no SMILES and in no name of a group
REQUIRED = ("ps_pair", "temp", "chi")
# The files' temperatures run from 0 to 229 C. The limit lies below 273, so that 0 C and room temperature written in kelvin
# are noticed.
LOW_CELSIUS, HIGH_CELSIUS = -100.0, 250.0
ZERO_CELSIUS = 273.15
UNCLASSIFIED = "unclassified"
COLUMNS = (
    *("key", "structure", "polymer", "solvent", "polymer_key", "solvent_key", "temperature", "value", "group", "pair"),
    *("count", "low", "high", "spread"),
)


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
    frame, first_line = _read_table(file, (*REQUIRED, "ps_pair_nonCyclic", "polymer_class"))
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
    reference, _ = _read_table(known, (*REQUIRED, "ps_pair_nonCyclic", "polymer_class"))
    tables = _read_zip(file) if zipfile.is_zipfile(file) else [(file.name, *_read_table(file, REQUIRED))]
    return _task(tables, "COSMO-RS chi", name, _repeat_units(reference), _class_of_polymer(reference))


def _read_table(file: Path, columns: tuple[str, ...]) -> tuple[pd.DataFrame, int]:
    frame, first_line = read_file(file)
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise DataError(f"{file.name}: missing column(s) {', '.join(missing)}; expected {', '.join(columns)}")
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


def _split(pair: object) -> tuple[str, str] | None:
    """Polymer and solvent as the file writes them."""
    parts = str(pair).split(SEPARATOR)
    return (parts[0], parts[1]) if len(parts) == 2 and all(parts) else None


def _repeat_units(frame: pd.DataFrame) -> dict[str, str]:
    """Ring of ten units, as the files write it -> repeat unit."""
    units = {}
    for ring, linear in zip(frame["ps_pair"], frame["ps_pair_nonCyclic"]):
        if _split(ring) and _repeat_unit(linear):
            units[_split(ring)[0]] = _repeat_unit(linear)
    return units


def _class_of_polymer(frame: pd.DataFrame) -> dict[str, str]:
    """Polymer key -> class; polymers without a class are left out."""
    classes = {}
    for pair, linear, name in zip(frame["ps_pair"], frame["ps_pair_nonCyclic"], frame["polymer_class"]):
        if isinstance(name, str) and _split(pair):
            try:
                classes[_polymer(_split(pair)[0], _repeat_unit(linear))[1]] = name
            except (RingError, StructureError):
                continue  # the row is dropped and listed where rows are read
    return classes


def _repeat_unit(pair: object) -> str | None:
    """The polymer of a pair where it is a repeat unit; some rows repeat the ring there."""
    parts = _split(pair)
    return parts[0] if parts and parts[0].count("*") == 2 else None


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
    read = [_rows(*table, units) for table in tables]
    kept = pd.concat([rows for rows, _ in read], ignore_index=True)
    dropped = pd.concat([bad for _, bad in read], ignore_index=True)
    if kept.empty and dropped.empty:
        raise DataError(f"{tables[0][0]}: no rows; expected a table of chi")
    if len(dropped) > len(kept):
        first = dropped.iloc[0]
        raise DataError(
            f"{first.file}, line {first.line}, column {first.column}: {first.found!r}: {first.reason}; "
            f"{len(dropped)} of {len(dropped) + len(kept)} rows cannot be used, expected a table of chi at deg C"
        )
    grouped = kept.groupby(["key", "temperature"], sort=True)
    merged = grouped.first().drop(columns="value")
    merged = merged.join(grouped["value"].agg(value="median", count="size", low="min", high="max")).reset_index()
    group = merged["polymer_key"].map(classes).fillna(UNCLASSIFIED)
    merged = merged.assign(spread=merged["high"] - merged["low"], pair=merged["key"], group=group)
    report = {"rows read": len(kept) + len(dropped)}
    report |= {f"dropped: {reason}": int(n) for reason, n in dropped["reason"].value_counts().items()}
    report |= {
        "rows merged into another value of the same pair and temperature": len(kept) - len(merged),
        "rows": len(merged),
        "pairs": merged["key"].nunique(),
        "polymers": merged["polymer"].nunique(),
        "polymers when stereochemistry is left out": merged["polymer_key"].nunique(),
        "solvents": merged["solvent_key"].nunique(),
        "rows of polymers without a class": int((merged["group"] == UNCLASSIFIED).sum()),
    }
    return Task(
        name=name,
        property=get_property("chi"),
        table=merged[list(COLUMNS)],
        licence=SOURCES[source].licence,
        citation=SOURCES[source].citation,
        report=report,
        dropped=dropped,
    )


def _rows(file: str, frame: pd.DataFrame, first_line: int, units: dict[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Usable rows of one file, and the others as :func:`dropped_rows` lists them; every row has one reason, the first found."""
    prop = get_property("chi")
    own = frame.get("ps_pair_nonCyclic", pd.Series(index=frame.index, dtype=object))
    celsius, value = (pd.to_numeric(frame[c], errors="coerce") for c in ("temp", "chi"))
    rows, faults = {}, {}
    for row, pair in frame["ps_pair"].items():
        parts = _split(pair)
        if parts is None:
            faults[row] = ("ps_pair", f"no polymer and solvent separated by one {SEPARATOR!r}")
            continue
        if not LOW_CELSIUS <= celsius[row] <= HIGH_CELSIUS:
            faults[row] = ("temp", f"no temperature from {LOW_CELSIUS:g} to {HIGH_CELSIUS:g} deg C; perhaps in kelvin")
            continue
        if not prop.low <= value[row] <= prop.high:
            faults[row] = ("chi", f"no value from {prop.low:g} to {prop.high:g}")
            continue
        ring, solvent_text = parts
        try:
            polymer, polymer_key = _polymer(ring, _repeat_unit(own[row]) or units.get(ring))
        except (RingError, StructureError):
            faults[row] = ("ps_pair", "polymer that cannot be resolved to a repeat unit")
            continue
        try:
            solvent, solvent_key = _solvent(solvent_text)
        except StructureError:
            faults[row] = ("ps_pair", "solvent that is not a readable molecule")
            continue
        rows[row] = {
            "key": f"{polymer_key}{PAIR}{solvent_key}",
            "structure": f"{polymer}{PAIR}{solvent}",
            "polymer": polymer,
            "solvent": solvent,
            "polymer_key": polymer_key,
            "solvent_key": solvent_key,
            "temperature": round(celsius[row] + ZERO_CELSIUS, 6),
            "value": float(value[row]),
        }
    listed = [pd.DataFrame(columns=list(DROPPED_COLUMNS))]
    for column, reason in dict.fromkeys(faults.values()):
        bad = [row for row, fault in faults.items() if fault == (column, reason)]
        listed.append(dropped_rows(file, frame.loc[bad], column, reason, first_line=first_line))
    dropped = pd.concat([part for part in listed if len(part)] or listed).sort_values("line", ignore_index=True)
    fields = [c for c in COLUMNS if c not in ("group", "pair", "count", "low", "high", "spread")]
    return pd.DataFrame(list(rows.values()), columns=fields), dropped


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
