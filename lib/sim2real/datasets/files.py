"""Reading a table file of whatever kind, with texts as they stand and the lines that they stand on."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from sim2real.datasets.task import DataError


def read_file(path: Path) -> tuple[pd.DataFrame, int]:
    """A CSV, TSV, Parquet or Excel table, and the line of the file on which its first row is.

    Text tables may be compressed; their separator is recognised, lines above the header that start with ``%`` or ``#`` are
    skipped, cells stay texts, and decimal commas become points where the separator is none.

    Raises:
        DataError: a missing, empty or unreadable file, or one of another kind.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; expected a CSV, TSV, Parquet or Excel table")
    suffix = path.suffixes[-2] if path.suffix in (".gz", ".bz2", ".xz") and len(path.suffixes) > 1 else path.suffix
    try:
        if suffix == ".parquet":
            return pd.read_parquet(path).reset_index(drop=True), 1
        if suffix in (".xlsx", ".xls"):
            return pd.read_excel(path, dtype=object), 2
        if suffix in (".csv", ".tsv", ".txt"):
            return _read_text(path)
    except DataError:
        raise
    except Exception as error:  # the readers raise whatever their parsers raise
        raise DataError(f"{path.name}: not a readable {suffix[1:]} table ({str(error).splitlines()[0]})") from error
    raise DataError(f"{path.name}: cannot read {suffix or 'a file without an ending'}; expected .csv, .tsv, .parquet or .xlsx")


def _read_text(path: Path) -> tuple[pd.DataFrame, int]:
    opener = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz"}.get(path.suffix)
    with pd.io.common.get_handle(path, "r", compression=opener, encoding="utf-8-sig") as handle:
        skipped = 0
        header = handle.handle.readline()
        while header.startswith(("%", "#")):
            skipped += 1
            header = handle.handle.readline()
    if not header.strip():
        raise DataError(f"{path.name}: empty; expected a header line with the names of the columns")
    try:
        separator = csv.Sniffer().sniff(header, ",;\t|").delimiter
    except csv.Error:
        separator = ","
    frame = pd.read_csv(path, sep=separator, skiprows=skipped, dtype=str, encoding="utf-8-sig", skip_blank_lines=False)
    frame.columns = [str(c).strip() for c in frame.columns]
    if separator != ",":
        frame = frame.apply(lambda column: column.str.replace(r"^\s*([+-]?\d+),(\d+)\s*$", r"\1.\2", regex=True))
    return frame, skipped + 2
