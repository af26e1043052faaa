"""Units as this field writes them, read by pint: factors, resistivities, logarithms and temperatures."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product
from typing import TypeVar

import numpy as np
import pint

from sim2real.datasets.task import DataError, Property

Number = TypeVar("Number", float, np.ndarray)
TEMPERATURES = {
    "K": ("k", "kelvin", "degk", "°k"),
    "degC": ("degc", "°c", "c", "celsius", "centigrade", "degree celsius", "degrees celsius", "degree_celsius"),
    "degF": ("degf", "°f", "fahrenheit", "degree fahrenheit", "degrees fahrenheit"),
}
_SUPERSCRIPTS = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+-0123456789")
_WRITTEN = (  # what is written -> what pint reads, in this order
    (r"[⁺⁻⁰¹²³⁴-⁹]+", lambda m: "^" + m[0].translate(_SUPERSCRIPTS)),
    (r"[\u2010-\u2015\u2212\ufe63\uff0d]", "-"),
    (r"[$\\]", ""),
    (r"[ΩΩ]|Omega|[Oo]hms?\b|\bOHM\b", "ohm"),
    (r"\b(micro|milli|nano|kilo|mega)[ -](?=ohm)", r"\1"),
    (r"\s+per\s+", "/"),
    (r"\bgm\b|\bgr\b", "g"),  # never grains
    (r"\bK[gG]\b", "kg"),
    (r"\bccm\b", "cc"),
    (r"℧|\bmho\b|\b[Ss]iemens\b", "S"),
    (r"[µμ]", "u"),
    (r"℃|[°º˚]\s*C|\bdeg(?:rees?)?[ _.]*C(?:elsius)?\b", "delta_degC"),
    (r"[°º˚]\s*F|\bdeg(?:rees?)?[ _.]*F(?:ahrenheit)?\b", "delta_degF"),
    (r"[·⋅•∙×]|(?<=[A-Za-z0-9)])\.(?=[A-Za-z(])|(?<=[A-Za-z])-(?=[A-Za-z])", "*"),
    (r"\bx ?(?=10)", "*"),
    (r"^[* ]+", ""),
    (r"\b10(?=-\d)", "10**"),
    (r"[\[{]", "("),
    (r"[\]}]", ")"),
    (r"(?:\^|\*\*)\s*\(\s*([+-]?\d+)\s*\)", r"^\1"),
    (r"(?<=[A-Za-z)0-9])\s*(?:\^|\*\*)\s*(?=[+-]?\d)", "**"),
    (r"(?<=[A-Za-z)])(?<!\d[eE])([+-]?\d+)", r"**\1"),
    (r"%", "percent"),
)
# what runs together in "W/mK" or "Jg-1K-1"; a kelvin with a prefix is never meant
_RUN_TOGETHER = re.compile(r"(?:[numkM]?(?:W|J|S|g|m|ohm)|k?cal|c[mc]|m?[Ll]|delta_degC|mol|K|C|s)")
_DIMENSIONLESS = {"", "-", "1", "dimensionless", "none", "unitless", "no unit"}


@dataclass(frozen=True)
class Conversion:
    """What makes a number in one unit a number in another: ``scale`` times it, its power of ``base`` or its reciprocal."""

    scale: float = 1.0
    reciprocal: bool = False
    base: float = 0.0  # of the logarithm that the number is, 0 if it is none

    def __call__(self, number: float) -> float:
        """The number converted; infinity where it is too large or the reciprocal of 0."""
        if self.base:
            number = self.base**number if number < 300 else math.inf
        if self.reciprocal:
            number = 1 / number if number else math.inf
        return self.scale * number


@lru_cache(maxsize=1)
def registry() -> pint.UnitRegistry:
    """Pint's units; made once, for it takes a while."""
    return pint.UnitRegistry()


@lru_cache(maxsize=1024)
def conversion(unit: str, property: Property) -> Conversion:
    """From a unit, such as ``kg/m3``, ``W m⁻¹ K⁻¹``, ``uohm cm`` or ``log10(S/m)``, to the property's own; 1 cal = 4.184 J.

    Raises:
        DataError: no unit of this property; some that are.
    """
    text = str(unit).strip()
    if text == property.unit:
        return Conversion()
    written = r"(?i)(log[ _]?(?:10)?|lg|ln)(?:\s*[(\[]\s*(.+)[)\]]|\s+(.+))"
    logarithm = re.fullmatch(written, text.replace("₁₀", "10"))
    if logarithm:
        inner = logarithm[2] or logarithm[3]
        # log10(sigma / (S/m)) and log10(sigma [S/m]) name the quantity first
        for part in (inner, inner.partition("/")[2], re.split(r"[,\[]", inner)[-1].rstrip("]")):
            found = _between(part, property.unit)
            if found:
                return Conversion(found.scale, found.reciprocal, math.e if logarithm[1].lower() == "ln" else 10.0)
    found = _between(text, property.unit)
    if found is None:
        known = " or ".join(property.units or (property.unit,))
        raise DataError(f"{unit!r} is no unit of {property.name}; expected {known}")
    return found


def same_unit(first: str, second: str) -> bool:
    """Whether two texts are one unit."""
    if temperature_unit(first) or temperature_unit(second):
        return temperature_unit(first) == temperature_unit(second)
    return first.strip() == second.strip() or _between(first, second) == Conversion()


def measures_the_same(first: str, second: str) -> bool:
    """Whether one unit can be converted to the other, as a resistivity's to a conductivity's."""
    if temperature_unit(first) or temperature_unit(second):
        return bool(temperature_unit(first) and temperature_unit(second))
    return _between(first, second) is not None


def temperature_unit(text: str) -> str:
    """``K``, ``degC`` or ``degF``, as which a temperature's unit is meant; empty if it is none."""
    plain = " ".join(unicodedata.normalize("NFKC", str(text)).replace("º", "°").lower().split())
    plain = re.sub(r"^(deg|°)[ .]+(?=[ckf]$)", r"\1", plain)
    return next((name for name, known in TEMPERATURES.items() if plain in known), "")


def to_kelvin(number: Number, unit: str) -> Number:
    """Temperatures, one or an array, in K; unit ``K``, ``degC`` or ``degF``."""
    scale, zero = _kelvin(unit)
    return scale * number + zero


@lru_cache(maxsize=8)
def _kelvin(unit: str) -> tuple[float, float]:
    """How many K a degree is, and the unit's zero in K."""
    one, zero = (float(registry().Quantity(number, unit).to("K").magnitude) for number in (1.0, 0.0))
    return round(one - zero, 12), round(zero, 9)


@lru_cache(maxsize=1024)
def _between(first: str, second: str) -> Conversion | None:
    """From one unit to another, directly or by the reciprocal; None where they do not measure the same."""
    target = next((found for found in map(_measure, _spellings(second)) if found is not None), None)
    if target is None:
        return None
    found = [measure for measure in map(_measure, _spellings(first)) if measure is not None]
    for sign in (1, -1):
        for own in found:
            if own.dimensionality == (target**sign).dimensionality and not (sign < 0 and own.dimensionless):
                scale = float((own**sign / target).to_base_units().magnitude)
                return Conversion(float(f"{scale:.12g}"), reciprocal=sign < 0)
    return None


def _measure(text: str) -> pint.Quantity | None:
    try:
        return registry().Quantity(1) * registry().parse_expression(text or "dimensionless")
    except Exception:  # pint raises whatever its tokenizer and Python's raise
        return None


def _spellings(text: str) -> Iterator[str]:
    """What a unit may mean, the likeliest first: as pint reads it; all after the slash below it (W/m K); letters apart (W/mK)."""
    text = text.strip()
    if text.strip("()[] ").lower() in _DIMENSIONLESS:
        yield ""
        return
    for pattern, replacement in _WRITTEN:
        text = re.sub(pattern, replacement, text)
    text = unicodedata.normalize("NFKC", text)
    words = re.split(r"([A-Za-z_]+)", text)
    choices = [_apart(word) if k % 2 else [word] for k, word in enumerate(words)]
    for chosen in islice(product(*choices), 200):
        whole = "".join(chosen)
        yield whole
        above, slash, below = whole.partition("/")
        if slash and "/" not in below:
            yield f"({above})/({below})"


def _apart(word: str) -> list[str]:
    """A word, and all ways to read it as several units, such as m*K."""
    ways = {"C": ["delta_degC"]}.get(word, [])

    def split(rest: str, parts: tuple[str, ...]) -> None:
        if not rest:
            ways.append("*".join("delta_degC" if part == "C" else part for part in parts))
        for end in range(1, len(rest) + 1):
            if _RUN_TOGETHER.fullmatch(rest[:end]):
                split(rest[end:], (*parts, rest[:end]))

    if len(word) > 1 and word != "delta_degC":
        split(word, ())
    return list(dict.fromkeys([word, *ways]))
