"""Tables of cells: which row is the header, rows of one width, columns of one name each."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim2real.datasets.numbers import is_empty
from sim2real.datasets.task import DROPPED_COLUMNS, DataError


@dataclass(frozen=True)
class Sheet:
    """A table as it stands: ``file`` as messages call it, the ``frame`` of its cells, whose index are lines, columns texts without
    blanks at their ends, and rows ``dropped`` because they are too short (:data:`~sim2real.datasets.task.DROPPED_COLUMNS`).
    """

    file: str
    frame: pd.DataFrame
    dropped: pd.DataFrame


def filled(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows that have something in a column."""
    return frame.loc[np.fromiter((not is_empty(cell) for cell in frame[column]), bool, len(frame))]


def plain_name(name: object) -> str:
    """A column's name as text, without blanks at its ends, line breaks and characters that cannot be seen."""
    if isinstance(name, float) and name.is_integer():
        name = int(name)
    if isinstance(name, tuple):
        name = " ".join(map(str, name))
    text = "" if name is None or name != name else unicodedata.normalize("NFC", str(name))
    return " ".join(re.sub("[\u200b-\u200f\u2060\ufeff]", "", text).split())


def find_headers(rows: Sequence[tuple[int, list]], columns: Sequence[str]) -> Iterator[tuple[tuple, int, list[str]]]:
    """What may be the header: how well it fits (the more, the better), its line and its names."""
    filled_rows = [(line, cells) for line, cells in rows if not all(map(is_empty, cells))]
    widths = [{len(cells), len(cells) - is_empty(cells[-1])} for _, cells in filled_rows]
    for k, (line, cells) in enumerate(filled_rows):
        names = list(map(plain_name, cells))
        comment = names[0][:1] in ("#", "%")
        readings = [names]
        if comment:
            bare = names[0].lstrip("#% ")
            readings.append(([bare] if bare else []) + names[1:])
        below = widths[k + 1 :]
        for reading in readings:
            width = len(reading)
            fits = sum(width in sizes for sizes in below) / len(below) if below else 1.0
            wanted = sum(column in reading for column in columns)
            score = (wanted, fits > 0.5, not comment or (bool(columns) and wanted == len(columns) and reading is names), width > 1)
            yield (*score, k if comment else -k, round(fits, 3)), line, reading


def rows_below(name: str, rows: list[tuple[int, list]], names: list[str], columns: Sequence[str]) -> Sheet:
    """The table of rows below a header; rows of other widths are refused, filled up or dropped."""
    width = len(names)
    last = max((names.index(c) for c in columns if c in names), default=0)
    lines, kept, dropped, longer = [], [], [], []
    for line, cells in rows:
        if all(map(is_empty, cells)):
            continue
        if len(cells) > width:
            longer.append(line)
            if not all(map(is_empty, cells[width:])):
                raise DataError(f"{name}: {_wide(line, len(cells), width)}")
        elif len(cells) <= last:
            reason = f"the row has {len(cells)} cells, the header {width}"
            dropped.append((name, line, names[last], " | ".join(map(str, cells)), reason))
            continue
        lines.append(line)
        kept.append([None if cell == "" else cell for cell in cells[:width]] + [None] * (width - len(cells)))
    if 0 < len(longer) < len(kept):
        raise DataError(f"{name}: {_wide(longer[0], width + 1, width)}")
    frame = pd.DataFrame(kept, columns=pd.RangeIndex(width), index=pd.Index(lines, dtype=object), dtype=object)
    return Sheet(name, name_columns(name, frame, names, columns), pd.DataFrame(dropped, columns=list(DROPPED_COLUMNS)))


def _wide(line: int, cells: int, width: int) -> str:
    what = "put cells that hold the separator (in a name, a decimal comma) in quotation marks, or name every column"
    return f"line {line} has {cells} cells, the header {width}; {what}"


def name_columns(file: str, frame: pd.DataFrame, names: Sequence[object], columns: Sequence[str]) -> pd.DataFrame:
    """The frame with these names, each once; a :class:`DataError` where a wanted one is missing or stands twice."""
    plain = list(map(plain_name, names))
    for column in columns:
        places = [k + 1 for k, name in enumerate(plain) if name == column]
        if len(places) > 1:
            raise DataError(f"{file}: column {column!r} stands twice ({places[0]} and {places[1]}); rename one")
    missing = [c for c in columns if c not in plain]
    if missing:
        shown = [name for name in plain if name]
        found = ", ".join(shown[:12]) + (", ..." if len(shown) > 12 else "")
        raise DataError(f"{file}: no column {', '.join(map(repr, missing))}; its columns are {found}")
    seen: set[str] = set()
    for k, name in enumerate(plain):
        while not name or name in seen:
            name = f"{name or 'column'} {k + 1}"
        seen.add(name)
        plain[k] = name
    return frame.set_axis(plain, axis=1)
