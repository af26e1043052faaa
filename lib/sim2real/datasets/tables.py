"""Tables of values from anywhere: read, check row by row, convert, and merge into one row a material."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from sim2real.chemistry.structures import stereo
from sim2real.datasets.rows import Rows
from sim2real.datasets.task import DataError, DataWarning, Property, Task, get_property, merge
from sim2real.datasets.values import ROOM, Columns, Source, read_values

ROWS_SHOWN = 10  # bad rows that a warning names
SHARED, FACTOR, SHIFT = 5, 30.0, 30.0  # materials of both sides; ratio of medians and K beside 273.15 that look like another unit


def read_table(
    path: Source,
    *,
    structure: str,
    value: str,
    unit: str = "",
    property: str = "",
    kind: str = "any",
    name: str = "",
    group: str = "",
    label: str = "",
    unit_column: str = "",
    temperature: str = "",
    temperature_unit: str = "K",
    kelvin: tuple[float, float] = ROOM,
    sheet: str = "",
    decimal: str = "",
    deuterium: str = "",
    licence: str = "not stated",
    citation: str = "",
) -> Task:
    """Your own table: CSV or another text table, Parquet, Excel or a DataFrame, with a column of structures and one of values.

    An export of PoLyInfo, for example, with a column ``SMILES`` of repeat units and densities in g/cm3::

        read_table("polyinfo.csv", structure="SMILES", value="Density", unit="g/cm3", property="density")

    Numbers may have decimal commas, thousands, uncertainties (``0.37 ± 0.02``, ``0.92(2)``) or the unit behind them; ``~0.9`` is
    taken as it is and ``0.8-0.9`` at its middle, both counted. Values of one material, however its repeat unit was cut, are merged
    by their median. Rows without a value are passed over. Rows that cannot be used, and those at other temperatures, are left out,
    counted in ``report`` and listed in ``dropped``; a :class:`DataWarning` names the first ten with their lines.

    Args:
        path: the table, or a DataFrame, whose lines are its index labels.
        structure: name of the column with SMILES (repeat units with two ``*``, or molecules), or with compositions.
        value: name of the column with numbers.
        unit: their unit, as in ``kg/m3``, ``uohm cm`` (inverted for a conductivity) or ``log10(S/m)``; converted to the property's
            own where ``property`` is known.
        property: a name of ``properties.csv``, or empty for a property of your own, which has the name of its column, its
            unit, and no physical range but absolute zero.
        kind: ``polymer``, ``molecule``, ``any`` of both, or ``composition``; decides the physical range as well.
        name: as figures print it; the file's name if empty.
        group: name of a column with the class of each material; if empty, polymers get their PoLyInfo class.
        label: name of a column with what each material is called, in tables and figures.
        unit_column: name of a column with the unit of each row, of a known property.
        temperature: name of a column with temperatures, in ``temperature_unit`` (``K``, ``degC`` or ``degF``).
        kelvin: the lowest and the highest temperature of rows that are used, in K whatever the column's unit is.
        sheet: of a workbook; if empty, the only one that has the columns.
        decimal: ``.`` or ``,``, where the table is refused because it cannot tell: ``81,600`` may be 81600 or 81.6.
        deuterium: ``hydrogen``, as which it is then read, and counted; if empty, rows with it are left out.
        licence, citation: of the values.

    Raises:
        DataError: no such file or column, an unknown unit, numbers or temperatures of which it cannot be told what is meant, most
            values outside of the physical range, or no row that can be used: one line that says what to do.
        ValueError: unknown property.
    """
    for given, what in ((structure, "structure = names the column of SMILES or compositions"), (value, "value = that of numbers")):
        if given == "":
            raise DataError(f"{title_of(path)}: {what}; it is missing")
    columns = {"structure": structure, "value": value, "group": group, "label": label, "temperature": temperature}
    units = {"unit": unit, "unit_column": unit_column, "temperature_unit": temperature_unit}
    layout = Columns(**columns, **units, kelvin=kelvin, sheet=sheet, decimal=decimal, deuterium=deuterium, kind=kind)
    prop = get_property(property, kind) if property else own_property(layout)
    title = title_of(path)
    rows = read_values(path, layout, prop)
    report_dropped(title, rows, value)
    table = name_and_class(merge(rows.table.drop(columns=["line", "deuterated"], errors="ignore")))
    forms = forms_merged(title, rows, prop.unit)
    places = rows.places(title, layout.structure)
    return Task(
        name or Path(title).stem, prop, table, licence, citation or title, rows.report(len(table)) | forms, rows.dropped, places
    )


def own_property(layout: Columns) -> Property:
    """A property that is not known: its column, its unit, and no range but absolute zero."""
    if not layout.unit:
        raise DataError(f"column {layout.value!r}: expected its unit as unit =, such as g/cm3, or a known property")
    return Property(layout.value, layout.value, layout.unit, -math.inf, math.inf)


def title_of(source: Source) -> str:
    """What messages call a table."""
    return Path(source).name if isinstance(source, str | Path) else "table"


def name_and_class(table: pd.DataFrame) -> pd.DataFrame:
    """A merged table with ``group`` and ``name`` of every material: those of the user's columns, else its class and structure."""
    group = table["group"].astype(str).where(table["group"].notna(), table["family"]) if "group" in table else table["family"]
    called = table["name"].astype(str).where(table["name"].notna(), table["structure"]) if "name" in table else table["structure"]
    return table.drop(columns="family").assign(group=group, name=called)


def forms_merged(file: str, rows: Rows, unit: str, by: tuple[str, ...] = ("key",)) -> dict[str, int]:
    """How many materials have values of several stereochemical forms, or with deuterium and without, which are one material here,
    and how far the values of one lie apart; a warning says it as well.
    """
    several = rows.table[rows.table.duplicated(list(by), keep=False)]
    sides = [several[side].map(stereo) for side in (("polymer", "solvent") if "polymer" in several else ("structure",))]
    forms = list(zip(*sides, several.get("deuterated", several["key"])))
    by_key = several.assign(form=pd.Series(forms, several.index, dtype=object)).groupby(list(by))
    mixed = by_key.agg(forms=("form", "nunique"), low=("value", "min"), high=("value", "max")).query("forms > 1").reset_index()
    if mixed.empty:
        return {}
    widest = mixed.loc[(mixed["high"] - mixed["low"]).idxmax()]
    what = "of several stereochemical forms" + (" or with and without deuterium" if "deuterated" in several else "")
    where = " ".join(str(widest[name]) for name in by)
    apart = f"of {where} from {widest['low']:g} to {widest['high']:g} {unit.strip('-')}".rstrip()
    said = f"{len(mixed)} materials have values {what}, merged by their median"
    warnings.warn(f"{file}: {said}; {apart}", DataWarning, stacklevel=3)
    return {f"of them with values {what}, {apart}": len(mixed)}


def report_dropped(file: str, rows: Rows, value: str) -> None:
    """Warn the reader's caller of unusable rows; a :class:`DataError` if no other is left."""
    if len(rows.faulty):
        text = f"{file}: {len(rows.faulty)} rows cannot be used (all are in the task's table dropped)"
        warnings.warn("\n  ".join([text, *rows.faults(ROWS_SHOWN)]), DataWarning, stacklevel=3)
    if not rows.read:
        raise DataError(f"{file}: no value in column {value!r}")
    if rows.table.empty:
        none = f"none of its {rows.read} rows with a value in column {value!r} can be used"
        hint = "" if len(rows.faulty) else "; write another range as kelvin =, or the column's temperature_unit"
        raise DataError(f"{file}: {none}; {rows.faults()[0]}{hint}")


def check_units(source: Task, target: Task, where: str = "") -> None:
    """Refuse sides in two units with a DataError; warn of sides that look as if they were, though they name one unit."""
    units = source.property.unit, target.property.unit
    if units[0] != units[1]:
        raise DataError(f"{where}source is in {units[0]}, target in {units[1]}; expected one unit")
    both = source.table[["key", "value"]].merge(target.table[["key", "value"]], on="key", suffixes=("", "_measured"))
    same = len(both) >= SHARED
    low, high = (both["value"].median(), both["value_measured"].median()) if same else (np.median(source.y), np.median(target.y))
    ratio = high / low if low * high > 0 else 1.0
    shifted = same and units[0] in ("K", "degC") and abs(abs(high - low) - 273.15) < SHIFT
    if max(ratio, 1 / ratio) >= FACTOR or shifted:
        of = f"{len(both)} materials of both tables" if same else "the simulated and the measured values"
        guess = "deg C and K" if shifted else f"a factor of {ratio:.3g}"
        said = f"{where}medians of {of} are {low:.3g} and {high:.3g} {units[0]} ({guess}); are both in that unit?"
        warnings.warn(said, DataWarning, stacklevel=3)
