"""Texts as people write them: look-alike characters as the ASCII that is meant, bytes as text, and a list where a list is meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import pandas as pd

# what looks like an ASCII character and stays what it is under Unicode's compatibility normalisation (NFKC)
_LOOKALIKES = {
    "*": "∗⁎⋆★✱٭", "-": "−‐‑‒–—―", "/": "⁄∕", "\\": "∖⧵", "#": "≡", "=": "═", ":": "∶", "[": "〔【⟦", "]": "〕】⟧",
    # Greek and Cyrillic
    "A": "ΑА", "B": "ΒВ", "C": "ϹС", "E": "ΕЕ", "H": "ΗН", "I": "ΙІ", "K": "ΚК", "M": "ΜМ", "N": "Ν", "O": "ΟО", "P": "ΡР",
    "S": "Ѕ", "T": "ΤТ", "Z": "Ζ", "a": "а", "c": "с", "e": "е", "i": "і", "o": "οо", "s": "ѕ",
}  # fmt: skip
_TABLE = str.maketrans({twin: meant for meant, twins in _LOOKALIKES.items() for twin in twins})
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]")


def plain(text: str) -> str:
    """A text in ASCII as far as it looks like it: full-width letters, subscripts, Greek or Cyrillic twins of Latin letters, all
    dashes and asterisks; without invisible characters and blanks at its ends.
    """
    if text.isascii():
        return text.strip()
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text).translate(_TABLE)).strip()


def stranger(text: str) -> str:
    """The first character of a plain text that is not ASCII, or controls a terminal, as a message names it; empty if none is."""
    if text.isascii() and text.isprintable():
        return ""
    found = next(
        (character for character in text if not (character.isascii() and (character.isprintable() or character.isspace()))), ""
    )
    return found and f"{found!r} (U+{ord(found):04X})"


def decoded(given: Any) -> Any:
    """Bytes (of h5py, or of NumPy's type S) as text, pandas' missing value as None; anything else as it is."""
    if given is pd.NA:
        return None
    return given.decode("utf-8", "replace") if isinstance(given, bytes) else given


def listed(structures: Iterable[Any]) -> list[Any]:
    """The structures of an argument that should be a list; a ValueError for one text, or for a whole table."""
    if isinstance(structures, str | bytes):
        raise ValueError("expected a list of SMILES, got one string")
    if getattr(structures, "ndim", 1) != 1:
        raise ValueError("expected a list of SMILES, got a table; pass one of its columns")
    return list(structures)


def shown(text: Any) -> str:
    """A text as a message quotes it: long ones from their beginning."""
    return repr(text if not isinstance(text, str) else text.strip() if len(text) <= 200 else text.strip()[:80] + "...")


def reason_of(error: Exception, text: Any) -> str:
    """What an error says of a text without the text itself: the same words for the same reason."""
    return str(error).removeprefix(shown(text)).lstrip(": ")
