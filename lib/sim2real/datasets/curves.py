"""Starrydata's full release: curves digitised from figures, read off at 300 K."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from sim2real.datasets.rows import require
from sim2real.datasets.tables import factor
from sim2real.datasets.task import DataError, get_property

ROOM_KELVIN, LOW_KELVIN, HIGH_KELVIN = 300.0, 295.0, 305.0
# A straight line over more than this says little about 300 K.
WIDEST_GAP = 100.0
CHUNK = 20_000  # curves held in memory at a time
COLUMNS = ("composition", "prop_x", "prop_y", "unit_x", "unit_y", "x", "y")
# prop_y, in small letters -> (property, whether the curve is its reciprocal)
CURVES = {
    "thermal conductivity": ("total_thermal_conductivity", False),
    "electrical conductivity": ("electrical_conductivity", False),
    "electrical resistivity": ("electrical_conductivity", True),
}
CELSIUS = ("degC", "°C", "C")
OUT_OF_SCOPE = "no point at 295 to 305 K nor two points around 300 K within 100 K"


def read_curves(path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """Conductivities near 300 K from the release ``all_curves.csv[.gz]``, which is read in pieces (43 MB compressed).

    Of each curve of a conductivity or of electrical resistivity against temperature: the linear interpolation at 300 K
    where the curve spans 295 to 305 K (and has two points around 300 K no further apart than 100 K) or has a point
    within, of which the nearest one is taken where 300 K itself lies outside of the curve. Resistivity is interpolated as it was
    drawn and then inverted. A sample that has been drawn as both counts twice.

    Args:
        path: CSV with the columns of :data:`COLUMNS`; ``x`` and ``y`` are JSON arrays of numbers (in releases before May 2024, of
            numbers in quotation marks). The shape is that of Starrydata's documentation, ``datasets/index.md``.

    Returns:
        One row a curve with ``composition``, ``property``, ``value`` (in the property's unit, NaN where none), ``reason`` (why it
        cannot be used, or empty), ``column`` and ``found`` (where the value or the fault is, and what stands there) and ``line``
        (counting one line a curve); and counts. Curves of other properties and temperatures are only counted.

    Raises:
        DataError: unreadable file or missing column.
    """
    path = Path(path)
    counts = dict.fromkeys(
        (
            "Starrydata: curves read",
            "Starrydata: conductivities or resistivities against temperature",
            f"Starrydata: of them with {OUT_OF_SCOPE}",
        ),
        0,
    )
    read, wanted, outside = counts
    rows = []
    try:
        with pd.read_csv(path, dtype=str, chunksize=CHUNK, keep_default_na=False) as chunks:
            for chunk in chunks:
                require(path.name, chunk, COLUMNS)
                counts[read] += len(chunk)
                kind = chunk["prop_y"].str.strip().str.lower()
                chunk = chunk[kind.isin(CURVES) & (chunk["prop_x"].str.strip().str.lower() == "temperature")]
                counts[wanted] += len(chunk)
                for curve in chunk[list(COLUMNS)].itertuples():
                    row = _read_curve(curve)
                    if row is None:
                        counts[outside] += 1
                    else:
                        rows.append(row | {"line": curve.Index + 2})
    except DataError:
        raise
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{path.name}: not a readable CSV ({str(error).splitlines()[0]})") from error
    columns = ["composition", "property", "found", "value", "reason", "column", "line"]
    return pd.DataFrame(rows, columns=columns), counts


def _read_curve(curve: tuple) -> dict | None:
    """The value at 300 K or the reason why there is none; None where the curve does not reach 300 K."""
    name, reciprocal = CURVES[curve.prop_y.strip().lower()]
    row = {"composition": curve.composition, "property": name, "value": np.nan, "reason": ""}
    kelvin_offset = _offset(curve.unit_x)
    if kelvin_offset is None:
        return row | {"reason": "unknown unit of temperature", "column": "unit_x", "found": curve.unit_x}
    scale = _scale(curve.unit_y, name, reciprocal)
    if scale is None:
        return row | {"reason": f"unknown unit of {curve.prop_y.strip().lower()}", "column": "unit_y", "found": curve.unit_y}
    try:
        x, y = (np.array(json.loads(text), dtype=float) for text in (curve.x, curve.y))
    except (ValueError, TypeError):
        return row | {"reason": "curve that is no two lists of numbers", "column": "x", "found": curve.x[:60]}
    if x.ndim != 1 or x.shape != y.shape:
        found = f"{x.size} and {y.size} numbers"
        return row | {"reason": "curve with as many x as y missing", "column": "x", "found": found}
    drawn = value_at_room(x + kelvin_offset, y)
    if drawn is None:
        return None
    row |= {"column": "y", "found": f"{drawn:g} {curve.unit_y}"}
    if drawn <= 0:
        return row | {"reason": f"{name} is not positive"}
    return row | {"value": scale / drawn if reciprocal else scale * drawn}


def value_at_room(kelvin: np.ndarray, y: np.ndarray) -> float | None:
    """What a curve gives at 300 K by the rule of :func:`read_curves`, or None.

    Args:
        kelvin: temperatures in any order; points where either number is not finite are left out.
        y: values, of the same shape.
    """
    finite = np.isfinite(kelvin) & np.isfinite(y)
    order = np.argsort(kelvin[finite], kind="stable")
    kelvin, y = kelvin[finite][order], y[finite][order]
    near = (kelvin >= LOW_KELVIN) & (kelvin <= HIGH_KELVIN)
    below, above = kelvin[kelvin <= ROOM_KELVIN], kelvin[kelvin >= ROOM_KELVIN]
    around = below.size and above.size and above[0] - below[-1] <= WIDEST_GAP
    if around:
        return float(np.interp(ROOM_KELVIN, kelvin, y))
    if not near.any():
        return None
    nearest = np.argmin(np.abs(kelvin - ROOM_KELVIN))
    return float(y[nearest])


@lru_cache(maxsize=256)
def _offset(unit: str) -> float | None:
    """What is added to a temperature in this unit to give kelvin."""
    if unit.strip() == "K":
        return 0.0
    return 273.15 if unit.strip() in CELSIUS else None


@lru_cache(maxsize=256)
def _scale(unit: str, name: str, reciprocal: bool) -> float | None:
    """Factor from this unit, or from its reciprocal for resistivity, to the property's unit; None where it is unknown."""
    written = unit.strip().replace("\N{OHM SIGN}", "ohm").replace("\N{GREEK CAPITAL LETTER OMEGA}", "ohm").replace("Ohm", "ohm")
    try:
        return factor(f"1/({written})" if reciprocal else written, get_property(name))
    except DataError:
        return None
