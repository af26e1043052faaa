"""Tables as they stand in files: what kind of file it is, how its texts are encoded and separated, and which line is the header."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

import charset_normalizer
import openpyxl
import pandas as pd
from python_calamine import CalamineWorkbook

from sim2real.datasets.numbers import is_empty
from sim2real.datasets.sheets import Sheet, find_headers, name_columns, rows_below
from sim2real.datasets.task import DROPPED_COLUMNS, DataError, DataWarning

EXPECTED = "expected a CSV, TSV, Parquet or Excel table"
TEXT_ENDINGS = ("", ".csv", ".tsv", ".tab", ".txt", ".dat", ".smi", ".smiles", ".asc", ".prn")
_SEPARATORS = (",", ";", "\t", "|", " ")
_PACKED = ((b"\x1f\x8b", gzip.decompress), (b"BZh9", bz2.decompress), (b"\xfd7zXZ", lzma.decompress))
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_LOOKED_AT = 200  # lines by which it is decided


def read_file(source: str | Path | pd.DataFrame, columns: Sequence[str] = (), sheet: str = "") -> Sheet:
    """A table with these columns: a CSV or another text table, Parquet, or Excel, also packed; or a DataFrame.

    What a file is, its contents decide, not its ending. The separator and the header line are those that give the columns and rows
    of one width; names are compared without blanks at their ends and line breaks.

    Raises:
        DataError: no such file, not a table, a column missing or there twice, a row with more cells than the header, several sheets
            that fit: one line with what to do.
    """
    if hasattr(source, "to_pandas"):  # of Polars, Arrow and others
        source = source.to_pandas()
    if isinstance(source, pd.DataFrame):
        return _of_frame("table", source, columns)
    if not isinstance(source, str | PurePath):
        raise DataError(f"expected the path of a table or a DataFrame, got {type(source).__name__}")
    path = Path(source).expanduser()
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "web addresses are not read" if "://" in str(source) else "no such file"
        what += "; write / between folders" if "\\" in str(source) else ""
        raise DataError(f"{source}: {what}; {EXPECTED}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    return read_bytes(path.name, data, columns, sheet)


def read_bytes(name: str, data: bytes, columns: Sequence[str] = (), sheet: str = "") -> Sheet:
    """:func:`read_file` of what stands in a file of that name."""
    ending = PurePath(name).suffix.lower()
    try:
        for magic, unpack in _PACKED:
            if data.startswith(magic):
                return read_bytes(name[: -len(ending)] if ending in (".gz", ".bz2", ".xz") else name, unpack(data), columns, sheet)
        if data[:4] == data[-4:] == b"PAR1":
            return _of_frame(name, pd.read_parquet(io.BytesIO(data)), columns)
        members = zipfile.ZipFile(io.BytesIO(data)).namelist() if data.startswith(b"PK\3\4") else []
        if data.startswith(b"\xd0\xcf\x11\xe0") or any(m.startswith("xl/") or m == "content.xml" for m in members):
            return _workbook(name, data, columns, sheet)
        if members:
            return _archive(name, data, members, columns, sheet)
        if re.match(rb"\s*(<!doctype html|<html|<table|<meta|<style)", data[:200].removeprefix(b"\xef\xbb\xbf"), re.IGNORECASE):
            return _web_page(name, data, columns)
        if ending in (".json", ".jsonl", ".ndjson") or re.match(rb'\s*(?:\[\s*)?\{\s*"', data[:200]):
            raise DataError(f"{name}: JSON is not read; pandas.read_json reads it, and its DataFrame is taken instead of the path")
        return _text(name, data, columns)
    except DataError:
        raise
    except Exception as error:  # the readers raise whatever their parsers raise
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{name}: not a readable {ending[1:]} table ({why}); {EXPECTED}") from error


def _text(name: str, data: bytes, columns: Sequence[str]) -> Sheet:
    """A table of texts; in which encoding it is read is said where it is not UTF-8."""
    if not data.strip():
        raise DataError(f"{name}: empty; expected a header line with the names of the columns")
    failed = None
    for encoding in _encodings(data):
        try:
            text = io.StringIO(data.decode(encoding), newline=None).read()
            if "\0" in text:
                raise UnicodeError("it is no text")
            found = _separated(name, text, columns)
        except (UnicodeError, DataError) as error:
            failed = failed or error
            if isinstance(error, DataError) and "no column" not in str(error):
                raise
            continue
        if encoding not in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
            said = f"{name}: read as {encoding}, since it is not UTF-8; if names look wrong, save it as CSV UTF-8"
            warnings.warn(said, DataWarning, stacklevel=5)
        return found
    ending = PurePath(name).suffix.lower()
    if ending in TEXT_ENDINGS and (isinstance(failed, DataError) or b"\0" not in data):
        wrong = DataError(f"{name}: it is not UTF-8, and no encoding that was tried gives the columns; save it as CSV UTF-8")
        raise failed if isinstance(failed, DataError) else wrong
    # what is no table at all is called by its ending
    raise DataError(f"{name}: not a readable {ending[1:]} table ({failed}); expected .csv, .tsv, .parquet or .xlsx")


def _encodings(data: bytes) -> Iterator[str]:
    """Encodings to try: what the first bytes tell, else UTF-8, Windows' and what the bytes look like."""
    marked = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    if marked:
        yield marked
        return
    head = data[:4000]
    if head.count(b"\0") > len(head) / 4:
        yield "utf-16-le" if head[1::2].count(b"\0") > head[::2].count(b"\0") else "utf-16-be"
        return
    yield "utf-8"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        yield "cp1252"
        guess = charset_normalizer.from_bytes(data[:50_000]).best()
        yield from filter(None, (guess and guess.encoding, "cp932", "gb18030", "mac_roman"))


def _separated(name: str, text: str, columns: Sequence[str]) -> Sheet:
    own = re.match(r'"?sep=(.)"?[ \t]*\n', text)
    head = "".join(text.splitlines(keepends=True)[:_LOOKED_AT])
    choices = []
    for order, separator in enumerate(own[1] if own else _SEPARATORS):
        rows = list(_records(head, separator, strict=False))
        choices += [(*score, -order, separator, line, names) for score, line, names in find_headers(rows, columns)]
    *_, separator, header, names = max(choices)
    try:
        rows = list(_records(text, separator))
    except csv.Error as error:
        raise DataError(f"{name}: a quotation mark is not closed, or text stands behind one ({error})") from error
    return rows_below(name, [(line, cells) for line, cells in rows if line > header], names, columns)


def _records(text: str, separator: str, *, strict: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of every row of a text; in tab-separated ones a quotation mark may be a mark of inches."""
    if separator == " ":
        text = re.sub(r"(?m)^[ \t]+|[ \t]+$", "", text)
        text = re.sub(r"[ \t]+", " ", text)
    quoting = csv.QUOTE_MINIMAL
    if separator == "\t" and strict:
        try:
            list(csv.reader(io.StringIO(text), delimiter=separator, strict=True))
        except csv.Error:
            quoting = csv.QUOTE_NONE
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=strict, quoting=quoting, skipinitialspace=separator != " ")
    line = 1
    for cells in reader:
        yield line, cells
        line = reader.line_num + 1


def _of_frame(file: str, frame: pd.DataFrame, columns: Sequence[str]) -> Sheet:
    """A DataFrame; named levels of its index are columns, and lines are its labels or else the numbers of its rows from 1."""
    labelled = file == "table" and frame.index.is_unique and all(name is None for name in frame.index.names)
    lines = frame.index if labelled else pd.RangeIndex(1, len(frame) + 1)
    levels = [name for name in frame.index.names if name is not None and name not in frame.columns]
    whole = frame.reset_index(level=levels) if levels else frame
    whole = whole.set_axis(pd.Index(list(lines), dtype=object))
    return Sheet(file, name_columns(file, whole, list(whole.columns), columns), pd.DataFrame(columns=list(DROPPED_COLUMNS)))


def _workbook(name: str, data: bytes, columns: Sequence[str], sheet: str) -> Sheet:
    """The named sheet, or the only one that has the columns."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    known = [str(title) for title in book.sheet_names]
    if sheet and sheet not in known:
        raise DataError(f"{name}: no sheet {sheet!r}; its sheets are {', '.join(known)}")
    found: dict[str, tuple[Sheet, int]] = {}
    failed: dict[str, DataError] = {}
    for title in [sheet] if sheet else known:
        cells = book.get_sheet_by_name(title).to_python(skip_empty_area=False)
        rows = [(k, [None if cell == "" else cell for cell in row]) for k, row in enumerate(cells, 1)]
        headers = list(find_headers(rows[:_LOOKED_AT], columns))
        if not headers:
            failed[title] = DataError(f"{name}: empty; expected a header line with the names of the columns")
            continue
        _, header, names = max(headers)
        while names and not names[-1] and all(is_empty(row[len(names) - 1]) for _, row in rows):
            names = names[:-1]
        try:
            found[title] = rows_below(name, rows[header:], names, columns), header
        except DataError as error:
            failed[title] = error
    if len(found) > 1 and columns:
        raise DataError(f"{name}: the sheets {' and '.join(found)} have these columns; choose one with sheet =")
    if not found:
        worse = [error for error in failed.values() if "no column" not in str(error) and "empty" not in str(error)]
        if len(failed) == 1 or worse:
            raise [*worse, *failed.values()][0]
        each = "; ".join(f"{title}: {str(error).rpartition(' are ')[2]}" for title, error in failed.items())
        raise DataError(f"{name}: no sheet has the columns {', '.join(map(repr, columns))}; its sheets have {each}")
    title, (table, header) = next(iter(found.items()))
    _refuse_uncalculated(name, data, title, table.frame, columns)
    _show_errors(data, title, table.frame, columns)
    return table


def _refuse_uncalculated(name: str, data: bytes, title: str, frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse columns of formulas that no program has calculated: their stored results are 0 or nothing."""
    doubtful = {column: frame.index[frame[column].map(lambda cell: cell in (0, None))][:_LOOKED_AT] for column in columns}
    last = max((line for lines in doubtful.values() for line in lines), default=0)
    if not last or not data.startswith(b"PK") or b"xl/workbook.xml" not in data:
        return
    sheet = openpyxl.load_workbook(io.BytesIO(data), read_only=True)[title]
    written = {row: [cell.value for cell in cells] for row, cells in enumerate(sheet.iter_rows(max_row=int(last)), 1)}
    for column, lines in doubtful.items():
        position = frame.columns.get_loc(column)
        formulas = {
            row
            for row, cells in written.items()
            if row in frame.index and position < len(cells) and str(cells[position]).startswith("=")
        }
        if formulas and formulas <= set(lines):
            what = "open the file in Excel or LibreOffice and save it"
            raise DataError(f"{name}: column {column!r} holds formulas that were never calculated; {what}")


def _show_errors(data: bytes, title: str, frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Put errors such as #DIV/0!, which calamine reads as nothing, where they stand, so that their rows are dropped and listed."""
    if not data.startswith(b"PK"):
        return
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        if not any(b't="e"' in parts.read(part) for part in parts.namelist() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", part)):
            return
    sheet = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)[title]
    places = [frame.columns.get_loc(column) for column in columns]
    for row, cells in enumerate(sheet.iter_rows(), 1):
        for place in places:
            if place < len(cells) and cells[place].data_type == "e" and row in frame.index:
                frame.loc[row, frame.columns[place]] = cells[place].value


def _archive(name: str, data: bytes, members: list[str], columns: Sequence[str], sheet: str) -> Sheet:
    """The only table of a zip file."""
    tables = [m for m in members if not m.endswith("/") and not m.startswith("__MACOSX/") and not PurePath(m).name.startswith(".")]
    if len(tables) != 1:
        raise DataError(f"{name}: it holds {', '.join(tables[:12]) or 'no file'}; expected one table: unpack it and name the table")
    return read_bytes(f"{name}/{tables[0]}", zipfile.ZipFile(io.BytesIO(data)).read(tables[0]), columns, sheet)


def _web_page(name: str, data: bytes, columns: Sequence[str]) -> Sheet:
    """The table of a web page, as which some programs write .xls; its cells stay texts."""
    try:
        page = pd.read_html(io.BytesIO(data), thousands=None, header=None, keep_default_na=False)
    except ImportError as error:
        raise DataError(f"{name}: a web page, not a workbook; save it as .xlsx") from error
    failed = None
    for frame in page:
        named = not isinstance(frame.columns, pd.RangeIndex)
        rows = [(0, list(frame.columns))] if named else []
        rows += [(k, list(cells)) for k, cells in enumerate(frame.itertuples(index=False), 1)]
        _, header, names = max(find_headers(rows, columns))
        try:
            return rows_below(name, [(line, cells) for line, cells in rows if line > header], names, columns)
        except DataError as error:
            failed = error
    raise failed or DataError(f"{name}: a web page without a table; save it as .xlsx")
