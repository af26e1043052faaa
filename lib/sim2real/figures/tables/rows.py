"""What tables are made of: rows of dictionaries, verdicts on paired differences, exponents with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from sim2real.figures.words import between, difference, number
from sim2real.laws import verdicts

Record = Mapping | object


def told(d: Mapping | None) -> str:
    """Which of two is better by a paired difference of errors, where :func:`sim2real.laws.verdicts.told` says that it is told."""
    if d is None:
        return ""
    if not verdicts.told(d["mean"], d["standard_error"], d["trials"]):
        return "cannot be told"
    return "transfer better" if d["mean"] < 0 else "transfer worse"


def compared(d: Mapping | None) -> dict[str, str]:
    """The two columns of a paired difference: the number with its standard error, and what it says."""
    return {"transfer - direct": difference(d), "verdict": told(d)}


def exponent(law: Mapping) -> str:
    """An exponent with its interval: ``0.54 (0.44 to 0.62)``."""
    if law["alpha"] is None:
        return "no law"
    interval = law["intervals"]["alpha"] if law["intervals"] else None
    return number(law["alpha"]) + (f" ({between(interval['low'], interval['high'])})" if interval else "")


def as_dict(record: Record) -> Mapping:
    """The dictionary of a noun, or the dictionary itself."""
    return record if isinstance(record, Mapping) else record.to_dict()


def as_dicts(records: Iterable[Record]) -> list[Mapping]:
    """The dictionaries of nouns."""
    return [as_dict(record) for record in records]


def as_table(rows: list[dict], index: str | list[str], columns: Sequence[str] = ()) -> pd.DataFrame:
    """Rows as a table, empty where a row lacks a column; with ``columns`` where there is no row."""
    names = [index] if isinstance(index, str) else index
    table = pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*names, *columns])
    return table.set_index(index).astype(object).fillna("")
