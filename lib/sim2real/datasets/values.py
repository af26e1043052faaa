"""Rows of values: numbers, units, temperatures and structures of a table's columns, checked row by row."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rdkit import Chem

from sim2real.chemistry.formulas import formula_text
from sim2real.chemistry.notation import light
from sim2real.datasets.files import read_file
from sim2real.datasets.keys import Keyed, read_keys
from sim2real.datasets.numbers import Numbers, is_empty, signs_of
from sim2real.datasets.rows import ELSEWHERE, Cells, Fault, Rows, sort_rows
from sim2real.datasets.sheets import Sheet, filled, plain_name
from sim2real.datasets.task import DataError, DataWarning, Property, get_property
from sim2real.datasets.units import conversion, measures_the_same, same_unit, temperature_unit, to_kelvin

Source = str | Path | pd.DataFrame
ROOM = (293.0, 303.0)  # K
APART = 10.0  # K between temperatures of one material that are not one temperature
STARS = {"polymer": (2,), "molecule": (0,), "any": (0, 2), "composition": (0,)}  # attachment points of each kind of material
HYDROGEN = "hydrogen"  # as which deuterium may be read
LIGHT = "structures with deuterium, read as hydrogen"
INVERTED = "values of the reciprocal property, such as a resistivity, inverted"
_MANY_SIGNS = 200  # cells of other columns that are asked for their decimal sign
_TEMPERATURE = re.compile(
    r"(?!t[cf]$)(?:(?:test|sample|cell|bath|exp|ref(?:erence)?|mess|meas(?:urement|uring|ured)?|测试|测量)[ _.]*)?"
    r"(?:t|temps?|temp[eé]ratur(?:e|es|a)?|温度)"
    r"(?:[ _]*(?:meas(?:ured)?|test|exp|of (?:the )?(?:measurement|test)))?"
    r"[ _,./]*[(\[]?[ _]*(?:in )?(?:k|kelvin|(?:deg(?:rees?)?|°)?[ _.]*[cf]|celsius|fahrenheit)?[ _]*[)\]]?",
    re.IGNORECASE,
)

_LOGARITHM = re.compile(r"(?<![A-Za-z])(log_?(?:10)?|lg|ln)(?=$|[^A-Za-z\d]|sigma|kappa|rho)", re.IGNORECASE)
_SIGMA = get_property("electrical_conductivity")


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are called and how they are read: arguments of :func:`~sim2real.datasets.tables.read_table`."""

    value: str
    structure: str = ""
    unit: str = ""
    unit_column: str = ""
    group: str = ""
    label: str = ""
    temperature: str = ""
    temperature_unit: str = "K"
    kelvin: tuple[float, float] = ROOM
    sheet: str = ""
    decimal: str = ""
    deuterium: str = ""
    kind: str = "any"

    def __post_init__(self) -> None:
        for name in (f.name for f in fields(self) if f.name != "kelvin"):
            given = getattr(self, name)
            if isinstance(given, bool) or not isinstance(given, str | int | float):
                raise DataError(f"{name} is {given!r}; expected a text")
            # a column may be called by a number
            object.__setattr__(self, name, plain_name(given) if name not in ("unit", "decimal", "sheet") else str(given))
        if self.kind not in STARS:
            raise DataError(f"kind is {self.kind!r}; expected one of {', '.join(STARS)}")
        if self.deuterium not in ("", HYDROGEN):
            raise DataError(f"deuterium is {self.deuterium!r}; expected {HYDROGEN!r}, or nothing: rows with it are left out")
        if not temperature_unit(self.temperature_unit):
            raise DataError(f"unknown temperature_unit {self.temperature_unit!r}; expected K or degC")
        try:
            low, high = map(float, self.kelvin)
        except (TypeError, ValueError):
            low, high = 1.0, 0.0
        if not low <= high:
            raise DataError(f"kelvin is {self.kelvin!r}; expected the lowest and the highest temperature in K, such as [293, 303]")
        object.__setattr__(self, "kelvin", (low, high))

    def text(self, cell: object) -> str:
        """The structure that is meant by a cell."""
        return light(plain_text(cell)) if self.deuterium else plain_text(cell)

    def heavy(self, text: str | tuple, written: str | tuple, taken: dict[str, int]) -> dict[str, bool]:
        """Whether there was deuterium in what is ``written``, as an entry of the row where it is allowed; counted in ``taken``."""
        if text != written:
            taken[LIGHT] = taken.get(LIGHT, 0) + 1
        return {"deuterated": text != written} if self.deuterium else {}

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns that are read."""
        given = (self.structure, self.value, self.unit_column, self.group, self.label, self.temperature)
        return tuple(dict.fromkeys(filter(None, given)))


def read_values(
    source: Source,
    layout: Columns,
    property: Property,
    *,
    keep: tuple[str, ...] = (),
    where: Callable[[pd.DataFrame], pd.Series] | None = None,
    accepted: tuple[float, float] | None = None,
) -> Rows:
    """``key``, ``structure``, ``value`` in the property's unit, ``line``, ``family`` (the structure's class), what is called
    ``group`` and ``name``, and columns to keep, of the rows that have a value and for which ``where`` is true.

    ``accepted`` are limits narrower than the physical range. A DataError refuses a table whose columns cannot be read, or most of
    whose values lie outside of the physical range.
    """
    sheet = read_file(source, (*layout.columns, *keep), layout.sheet)
    frame = sheet.frame if where is None else sheet.frame[where(sheet.frame)]
    frame = filled(frame, layout.value)
    numbers = numbers_of(sheet.file, frame, layout.value, layout.decimal, "" if layout.unit_column else layout.unit)
    convert = _converter(sheet.file, layout, frame, property, numbers.taken)
    at = thermometer(sheet.file, frame, layout) if layout.temperature else None
    keys = read_keys(map(layout.text, frame[layout.structure]), layout.kind)
    limits = f"{property.low:g} to {property.high:g}" + ("" if property.unit == "-" else f" {property.unit}")
    outside: list[float] = []

    def read_row(cells: Cells) -> dict[str, Any]:
        if at is not None:
            kelvin = cells.check(layout.temperature, at)
            if not layout.kelvin[0] <= kelvin <= layout.kelvin[1]:
                raise Fault(layout.temperature, f"{ELSEWHERE} than {layout.kelvin[0]:g} to {layout.kelvin[1]:g} K")
        written = cells.check(layout.value, numbers.read)
        number = convert(cells, written)
        if not property.low <= number <= property.high:
            outside.append(written)
            raise Fault(layout.value, f"is outside of the physical range of {property.name}, {limits}")
        if accepted is not None and not accepted[0] <= number <= accepted[1]:
            raise Fault(layout.value, f"is outside of {accepted[0]:g} to {accepted[1]:g}, what is taken from this table")
        text = layout.text(cells[layout.structure])
        keyed = cells.check(layout.structure, lambda _: check_kind(keys[text], layout.kind))
        named = {"group": layout.group, "name": layout.label}
        kept = {c: cells[c] for c in keep} | {n: None if is_empty(cells[c]) else cells[c] for n, c in named.items() if c}
        heavy = layout.heavy(text, plain_text(cells[layout.structure]), numbers.taken)
        return {"key": keyed.key, "structure": text, "value": number, "family": keyed.group} | kept | heavy

    rows = sort_rows(sheet.file, frame[list(dict.fromkeys((*layout.columns, *keep)))], read_row)
    if 2 * len(outside) > len(rows.table) + len(outside):
        raise DataError(_misfit(sheet.file, layout, property, limits, outside, rows))
    if rows.table.empty:
        empty = pd.DataFrame(columns=["key", "structure", "value", "family", *keep, "line"]).astype({"value": float})
        rows = replace(rows, table=empty)
    if not layout.temperature:
        _refuse_mixed_temperatures(sheet, layout, rows.table)
    short = [part for part in (sheet.dropped, rows.dropped) if len(part)] or [rows.dropped]
    return replace(rows, dropped=pd.concat(short, ignore_index=True), taken=dict(numbers.taken))


def numbers_of(file: str, frame: pd.DataFrame, column: str, decimal: str = "", unit: str = "") -> Numbers:
    """How the numbers of a column are read, whose unit may stand behind them; a DataError where that cannot be told."""
    shown = set()
    for other in frame.columns.drop(column):
        cells = frame[other].iloc[:_MANY_SIGNS]
        alone = [(0, c) for c in cells if isinstance(c, str) and re.fullmatch(r"\s*[+\-−]?[\d.,]+\s*", c)]
        shown |= signs_of(alone)[0]
    elsewhere = shown.pop() if len(shown) == 1 else ""
    cells = zip(frame.index, frame[column])
    return Numbers.of(f"{file}, column {column!r}", cells, decimal, elsewhere, same_unit=lambda text: same_unit(text, unit))


def thermometer(file: str, frame: pd.DataFrame, layout: Columns) -> Callable[[object], float]:
    """A reader of the column of temperatures, in K; a :class:`DataError` where one is below absolute zero."""
    unit = temperature_unit(layout.temperature_unit)
    _refuse_other_unit(file, layout.temperature, frame, unit, "temperature_unit")
    numbers = numbers_of(file, frame, layout.temperature, layout.decimal, unit)

    def read(cell: object) -> float:
        if is_empty(cell):
            raise ValueError("no temperature is given")
        return to_kelvin(numbers.read(cell), unit)

    for line, cell in zip(frame.index, frame[layout.temperature]):
        try:
            kelvin = read(cell)
        except ValueError:
            continue  # the row is dropped for it
        if kelvin < 0:
            raise DataError(
                below_zero(f"{file}: line {line}, column {layout.temperature}: {str(cell)!r}", unit, "temperature_unit")
            )
    return read


def below_zero(where: str, unit: str, entry: str) -> str:
    """What is said of a temperature below absolute zero."""
    guess = f'; perhaps in deg C: write {entry} = "degC"' if unit == "K" else ""
    return f"{where} is below absolute zero in {unit}{guess}"


def plain_text(cell: object) -> str:
    """A structure as it is written, also of bytes, a Composition or a molecule of RDKit; empty for an empty cell."""
    if isinstance(cell, str):
        return cell.strip()
    return Chem.MolToSmiles(cell) if isinstance(cell, Chem.Mol) else formula_text(cell).strip()


def check_kind(keyed: Keyed, kind: str) -> Keyed:
    """What was read of a structure; a ValueError if it cannot be used or is of another kind."""
    if keyed.fault:
        way = f', for a table deuterium = "{HYDROGEN}"' if re.search(r"write (?:\[H\]|H for D)", keyed.fault) else ""
        raise ValueError(keyed.fault + way)
    if keyed.key.count("*") not in STARS[kind]:
        raise ValueError("is not " + ("a repeat unit with two *" if kind == "polymer" else "a molecule without *"))
    return keyed


def _converter(
    file: str, layout: Columns, frame: pd.DataFrame, property: Property, taken: dict[str, int]
) -> Callable[[Cells, float], float]:
    """(cells, number) -> the number in the property's unit; ``taken`` counts the inverted ones."""
    zero = {"K": 0.0, "degC": -273.15, "degF": -459.67}.get(temperature_unit(property.unit), -np.inf)
    try:
        common = None if layout.unit_column else conversion(layout.unit, property)
    except DataError as error:
        raise DataError(f"{file}: {error}") from None
    if layout.unit:
        _refuse_other_unit(file, layout.value, frame, layout.unit, "unit")

    def convert(cells: Cells, number: float) -> float:
        if number < zero:
            where = f"{file}: {number:g} in column {layout.value}"
            raise DataError(below_zero(where, temperature_unit(property.unit), "unit"))
        own = common or cells.check(layout.unit_column, lambda text: conversion(plain_text(text), property))
        if own.reciprocal:
            taken[INVERTED] = taken.get(INVERTED, 0) + 1
        return own(number)

    return convert


def _refuse_other_unit(file: str, column: str, frame: pd.DataFrame, unit: str, entry: str) -> None:
    """Refuse a unit of which the column's name, or a row of units below it, says another: ``Tg (°C)`` or ``Tg_C`` declared as K,
    ``log10 sigma`` or ``sigma x 10^5`` as S/m.
    """
    said = re.search(r"[(\[](?:in )?([^()\[\]]+)[)\]]$", column)
    ends = [column[found.end() :] for found in re.finditer(r"[\s,/:_]+(?:in )?(?!\d|[x×*] ?1)", column)]
    parts = column.split("_")
    joined = ["/".join(parts[k:]) for k in range(1, len(parts)) if parts[k].isalpha()]
    below = [
        cell.strip().strip("()[]") for cell in frame[column].iloc[:2] if isinstance(cell, str) and not re.match(r"\W*\d", cell)
    ]
    for named in [said[1].strip(" x*×·") if said else "", *ends, *joined, *below]:
        # not T_c, nor what is only a number
        is_unit = re.search(r"(?![ckf]$)[^\W\d]|[%°]", named) and measures_the_same(named, unit)
        if is_unit and not same_unit(named, unit):
            raise DataError(f"{file}: column {column!r} says {named}, {entry} says {unit}; mend {entry}, or what the table says")
    if re.search("resistiv", column, re.IGNORECASE) and measures_the_same(unit, "S/m") and not conversion(unit, _SIGMA).reciprocal:
        raise DataError(f"{file}: column {column!r} is a resistivity, {entry} {unit} a conductivity's; mend {entry}, or rename it")
    logarithm = _LOGARITHM.search(unicodedata.normalize("NFKC", column))
    if logarithm and not re.match("(?i)lo?g|ln", unit) and unit.strip() not in ("-", ""):
        way = f'write unit = "{logarithm[1].lower().replace("_", "")}({unit})" for both tables, or rename it'
        raise DataError(f"{file}: column {column!r} says that it is a logarithm, {entry} says {unit}; {way}")
    if re.search(r"10 ?(?:\^|\*\*|[⁺⁻⁰¹²³⁴-⁹])|[x×·*] ?10 ?[-−\d]", column) and "10" not in unit:
        raise DataError(f"{file}: column {column!r} has a power of ten that {entry} {unit} lacks; write it there, or rename it")


def _misfit(file: str, layout: Columns, property: Property, limits: str, outside: list[float], rows: Rows) -> str:
    """Why a table is refused of which most values are outside of the physical range."""
    guesses = []
    for unit in property.units if not layout.unit_column else ():
        converted = np.array([conversion(unit, property)(number) for number in outside])
        if ((property.low <= converted) & (converted <= property.high)).mean() > 0.5:
            guesses.append(f'perhaps they are in {unit}: write unit = "{unit}"')
    guess = guesses[0] if guesses else "give another unit, or leave property out"
    first = rows.dropped[rows.dropped["reason"].str.contains("physical range")].iloc[0]
    what = f"{len(outside)} of {len(outside) + len(rows.table)} values of column {layout.value!r}"
    where = f"(line {first['line']}: {first['found']})"
    return f"{file}: {what} are outside of the physical range of {property.name}, {limits} {where}; {guess}"


def _refuse_mixed_temperatures(sheet: Sheet, layout: Columns, table: pd.DataFrame) -> None:
    """Refuse a table with several temperatures of one material, of which none is chosen."""
    for column in sheet.frame.columns.drop(list(layout.columns)):
        if not _TEMPERATURE.fullmatch(unicodedata.normalize("NFKC", column)):
            continue
        numbers = sheet.frame[column].astype(str).str.replace(",", ".").str.extract(r"([+-]?\d+(?:\.\d+)?)", expand=False)
        kelvin = numbers.astype(float)
        by_key = kelvin.reindex(table["line"]).groupby(table["key"].to_numpy())
        apart = by_key.max() - by_key.min()
        if len(apart) and apart.max() > APART:
            of = table.loc[table["key"] == apart.idxmax(), "structure"].iloc[0]
            what = f"{of} has values at {by_key.min()[apart.idxmax()]:g} to {by_key.max()[apart.idxmax()]:g} in column {column!r}"
            how = f'write temperature = "{column}", its temperature_unit, and kelvin = [{ROOM[0]:g}, {ROOM[1]:g}] or another range'
            raise DataError(f"{sheet.file}: {what}; {how}")
        used = kelvin.reindex(table["line"])
        if used.max() - used.min() > APART:
            said = f"{sheet.file}: rows are at {used.min():g} to {used.max():g} in column {column!r}; write temperature = to choose"
            warnings.warn(said, DataWarning, stacklevel=4)
