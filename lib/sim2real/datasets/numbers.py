"""Numbers as people write them: decimal commas, thousands, powers of ten, uncertainties, ranges, units behind them."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, time
from numbers import Number
from typing import Any

import numpy as np

from sim2real.chemistry.texts import decoded
from sim2real.datasets.task import DataError

ABOUT = "values given as about (~), taken as they are"
RANGE = "values given as a range, taken at its middle"
# what pandas writes or reads as a missing value; such a cell is as good as empty
EMPTY = frozenset(["", *"nan -nan na n/a <na> #n/a #na null none 1.#ind 1.#qnan nat".split()])
_LONGEST = 30  # characters of such a cell, with blanks
_STATED = frozenset(
    ["n. a.", "n. d.", "no data", *(f"not {what}" for what in ("available", "determined", "detected", "measured", "reported"))]
    + "- -- --- ? n.a. n.a n.d. n.d nd n.m. n.r. nil unknown tbd missing".split()
)
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_DIGITS = r"[+-]?\s?(?:[1-9]\d{0,2}(?:[ ']\d{3})+(?!\d)(?:[.,]\d+)?|\d[\d.,]*|[.,]\d+)"
_POWER = r"(?:\s?[eEdD]\s?[+-]?\d+|\s*[x*×·⋅∙]\s*10\s*(?:\^|\*\*)\s*[({]?\s*[+-]?\d+\s*[)}]?)"
_UNIT = r"(?:\s*[^\d\s.,+\-~<>=±][^±<>=]*?)?"
_TEN = r"(?P<sign>[+-]?)10\s*(?:\^|\*\*)\s*[({]?\s*(?P<ten>[+-]?\d+)\s*[)}]?"
_NUMBER = rf"{_TEN}|(?P<digits>{_DIGITS})(?P<power>{_POWER})?"
_VALUE = re.compile(rf"(?:{_NUMBER})(?P<unit>{_UNIT})")
_ONE = rf"{_DIGITS}{_POWER}?"
_SPAN = re.compile(rf"(?P<low>{_ONE}{_UNIT})\s*(?:[-~〜]|\bto\b|\bbis\b)\s*(?P<high>{_ONE}{_UNIT})")
_LIMIT = re.compile(
    r"[<>≤≥⩽⩾≪≫]|=[<>]|&[lg]t;|(?:less|more|greater|lower|higher|smaller|larger) than|below|above|up to|under|over",
    re.IGNORECASE,
)
_POINTS = re.compile(r"\s?\.{3,}\s?|\s\.\.\s?|\.\.\s|(?<=[.,]\d)\.\.|(?<=[.,]\d\d)\.\.")  # of a range; 1..05 is a misprint
_ROUGHLY = re.compile(r"(?:[~≈∼≃≅≒]|(?:ca\b\.?|c\.|circa\b|approx(?:imately)?\b\.?|about\b|around\b|roughly\b))\s*", re.IGNORECASE)
_UNCERTAIN = re.compile(r"\s*(?:±|\+\s?/\s?-|\+-)\s*")
_IN_BRACKETS = re.compile(r"(?<=\d)\s*\(\s*[\d.,]+\s*\)")
_SUPERSCRIPTS = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+-0123456789")
_DASHES = re.compile(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}([.,])\d{3}")


def is_empty(cell: object) -> bool:
    """Whether a cell holds nothing: blanks, or what programs write for a missing value."""
    if isinstance(cell, str):
        return len(cell) < _LONGEST and cell.strip().lower() in EMPTY
    if isinstance(cell, np.ndarray):
        return False
    return decoded(cell) is None or cell != cell or str(cell).lower() in EMPTY


@dataclass(frozen=True)
class Numbers:
    """How the cells of one column are read.

    ``decimal`` is the column's ``.`` or ``,``; the other one stands between thousands, as blanks and apostrophes may. Only a cell
    such as ``1,050`` needs it: any other says by itself what its signs are. ``same_unit`` tells whether a text behind a number is
    the column's unit. ``taken`` counts what was taken by a rule (:data:`ABOUT`, :data:`RANGE`).
    """

    decimal: str = "."
    same_unit: Callable[[str], bool] = lambda text: False
    taken: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, where: str, cells: Iterable[tuple[object, object]], decimal: str = "", elsewhere: str = "", **options: Any
    ) -> Numbers:
        """For a column of (line, cell): as is given, else as its cells show; a :class:`DataError` where one may mean two numbers.

        ``elsewhere`` is the decimal sign that other columns of the table show, if any.
        """
        if decimal not in ("", ".", ","):
            raise DataError(f"{where}: decimal is {decimal!r}; expected '.' or ','")
        shown, open_cells, grouped = signs_of(cells)
        signs = {sign: (line, text) for sign, line, text in reversed(open_cells)}
        if not signs or decimal:
            return cls(decimal or ".", **options)
        # a comma is the decimal sign only where a cell can be nothing else, a point unless cells show that it is not
        if len(shown) == 1 and ("." not in signs or shown == {"."} or grouped):
            return cls(*shown, **options)
        if not shown and "," not in signs and elsewhere != ",":
            return cls(".", **options)
        line, text = signs.get(",") or signs["."]
        sign = "," if "," in signs else "."
        whole, part = text.replace(sign, ""), f"{float(text.replace(',', '.')):g}"
        other = {",": ".", ".": ","}[sign]
        raise DataError(
            f"{where}: {text!r} (line {line}) may be {whole} or {part}; write decimal = {other!r} if it is {whole}, "
            f"decimal = {sign!r} if it is {part}"
        )

    def read(self, cell: object) -> float:
        """A cell as a finite number; a ValueError in a few words where it is none."""
        if isinstance(cell := decoded(cell), str):
            text = cell.strip()
            if _PLAIN.fullmatch(text) and (self.decimal == "." or "." not in text):
                return _finite(float(text))
            return self._read_text(text)
        if isinstance(cell, date | time):
            raise ValueError("is a date; a spreadsheet may have made one of a number")
        if cell is None or not isinstance(cell, Number) or isinstance(cell, bool | complex):
            raise ValueError("is not a number")
        return _finite(float(cell))

    def _read_text(self, text: str) -> float:
        text = _POINTS.sub("-", " ".join(_plain(text).split()))
        if text.lower() in _STATED or text.lower() in EMPTY:
            raise ValueError("says that there is no value")
        if text.startswith("="):
            raise ValueError("is a formula, not its result")
        if _LIMIT.match(text):
            raise ValueError("is a limit, not a value")
        roughly = _ROUGHLY.match(text)
        body = _without_uncertainty(text[roughly.end() :] if roughly else text)
        value, span = _VALUE.fullmatch(body), _SPAN.fullmatch(body)
        if value and not (span and value["unit"] and not self._is_unit(value["unit"])):
            number, how = self._number(value), ABOUT if roughly else ""
        elif span:
            ends = [_VALUE.fullmatch(span[end].strip()) for end in ("low", "high")]
            if len({bool(end and (end["power"] or end["ten"])) for end in ends}) > 1:
                raise ValueError("is a range with a power of ten at one end only")
            low, high = map(self._number, ends)
            if not low <= high:
                raise ValueError("is not a number, nor a range from low to high")
            number, how = (low + high) / 2, RANGE
        else:
            raise ValueError("is not a number")
        if how:
            self.taken[how] = self.taken.get(how, 0) + 1
        return number

    def _number(self, found: re.Match | None) -> float:
        if found is None or re.match(r"\s*[^\s\w(\[%°º℃]|\s*_", found["unit"]):
            raise ValueError("is not a number")
        if found["unit"].strip() and not self._is_unit(found["unit"]):
            raise ValueError(f"has {found['unit'].strip()!r} behind the number, which is not the column's unit")
        if found["ten"] is not None:
            return _finite(float(f"{found['sign']}1e{found['ten']}"))
        power = re.search(r"[+-]?\d+(?=\s*[)}]?$)", found["power"])[0] if found["power"] else "0"
        return _finite(float(f"{self._digits(found['digits'], bool(found['power']))}e{power}"))

    def _is_unit(self, text: str) -> bool:
        return self.same_unit(re.sub(r"^[(\[](.*)[)\]]$", r"\1", text.strip()).strip())

    def _digits(self, digits: str, powered: bool) -> str:
        """Digits with a decimal point and nothing else."""
        text = re.sub(r"(?<=\d)[ '](?=\d)", "", digits).replace(" ", "")
        signs = re.findall(r"[.,]", text)
        if not signs:
            return text
        if len(set(signs)) == 2 or len(signs) > 1:
            # the last of two kinds is the decimal sign, and one kind several times stands between thousands
            last = signs[-1] if len(set(signs)) == 2 else {",": ".", ".": ","}[signs[-1]]
            group = {",": r"\.", ".": ","}[last]
            # 1,250,000 or, as in India, 12,50,000
            if not re.fullmatch(
                rf"[+-]?\d{{1,3}}(?:(?:{group}\d\d)+|(?:{group}\d{{3}})*){group}\d{{3}}(?:{re.escape(last)}\d*)?", text
            ):
                raise ValueError("is not a number")
            return text.replace({",": ".", ".": ","}[last], "").replace(",", ".")
        if _THOUSANDS.fullmatch(text.lstrip("+-")) and signs[0] != self.decimal and not powered:
            return text.replace(signs[0], "")
        return text.replace(",", ".")


def signs_of(cells: Iterable[tuple[object, object]]) -> tuple[set[str], list[tuple[str, object, str]], bool]:
    """The decimal signs that texts of (line, cell) show beyond doubt; those in doubt as (sign, line, digits); and whether signs
    between thousands are shown.
    """
    shown: set[str] = set()
    doubtful, grouped = [], False
    for line, cell in cells:
        if not isinstance(cell, str) or not ("," in cell or "." in cell):
            continue
        for digits in re.findall(r"\d[\d.,]*\d(?!\d)|[.,]\d+", _plain(cell)):
            signs = [character for character in digits if character in ".,"]
            if not signs:
                continue
            if len(signs) > 1:
                shown.add(signs[-1] if len(set(signs)) == 2 else {",": ".", ".": ","}[signs[0]])
                grouped = True
            elif _THOUSANDS.fullmatch(digits):
                doubtful.append((signs[0], line, digits))
            else:
                shown.add(signs[0])
            break  # what follows is an uncertainty, a range's other end or a unit's
    return shown, doubtful, grouped


def _plain(text: str) -> str:
    """The same with ASCII dashes, digits, blanks and powers."""
    if text.isascii():
        return text
    text = re.sub(r"[⁺⁻⁰¹²³⁴-⁹]+", lambda m: "^" + m[0].translate(_SUPERSCRIPTS), text)
    text = re.sub("[₀-₉]", "_", text)  # a mark of a footnote, no digit
    text = _DASHES.sub("-", unicodedata.normalize("NFKC", text)).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return re.sub("[\u200b-\u200f\u2060\ufeff]", "", text)


def _without_uncertainty(text: str) -> str:
    """The value of ``0.37 ± 0.02``, ``(1.05 ± 0.02)×10^5`` or ``0.92(2)``, with its power of ten and unit."""
    left, *right = _UNCERTAIN.split(re.sub(rf"[(\[]({_UNCERTAIN.pattern}[^()\[\]]*?)\s*[)\]]", r"\1", text), maxsplit=1)
    if right:
        rest = re.sub(rf"^{_DIGITS}(?:[eE][+-]?\d+)?", "", right[0], count=1)
        if re.search(_POWER, left):
            rest = re.sub(rf"^{_POWER}", "", rest)
        # a unit may stand on both sides, and per cent say how uncertain the value is
        rest = re.sub(r"^[^\d)]*" if re.search(r"[^\W\d]\s*$", left) else r"^\s*%", "", rest)
        text = re.sub(r"^\(\s*(.*?)\s*\)", r"\1", left + rest)
    return _IN_BRACKETS.sub("", text, count=1)


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("is not a number")
    return number
