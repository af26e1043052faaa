"""Chemical compositions of inorganic solids: reading formulas, keys that do not depend on how they are scaled, and classes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pymatgen.core import Composition, Element

from sim2real.chemistry.texts import decoded, plain, stranger

# pymatgen's, of He, Ne and Ar, where it puts elements in order
warnings.filterwarnings("ignore", "No Pauling electronegativity", UserWarning)

DECIMALS = 5  # of atomic fractions in keys: a dopant of 0.0009 in PbTe differs from one of 0.0006, 0.333 from 1/3
HEAVIEST = 94  # plutonium, the last element for which the composition descriptor has features
# The first family that makes up a tenth of the atoms names the class, so that dopants and second phases do not.
FAMILIES = {
    "halide": ("F", "Cl", "Br", "I"),
    "oxide": ("O",),
    "chalcogenide": ("S", "Se", "Te"),
    "pnictide": ("N", "P", "As", "Sb", "Bi"),
    "tetrelide": ("C", "Si", "Ge", "Sn", "Pb"),
}
FAMILY_SHARE = 0.1
# what crystals hold as whole molecules: a dot and digits before them add, as in CuSO4.5H2O
_ADDED = "[HD]2O|NH3|HCl|HBr|HF|H2O2|N2H4|CO2|SO2|H2S|CH3OH|C2H5OH|CH3CN|C4H8O|C6H6"
# one element with another count than these is no molecule but a designation (Bi2212), a grade (Al 6061) or a fragment (Ga0.20)
_MOLECULES = {"H": {2}, "N": {2}, "O": {2, 3}, "F": {2}, "Cl": {2}, "Br": {2}, "I": {2}, "P": {2, 4}, "As": {2, 4}, "Sb": {4}}
_MOLECULES |= {"S": {2, 6, 7, 8}, "Se": {2, 6, 8}, "Te": {2}, "C": {2, 20, 60, 70, 76, 78, 80, 82, 84}}
# words of the field, such as BFO for BiFeO3 and CIS for CuInSe2, that symbols of elements spell too
_WORDS = "BCO BFO BNO BSO CFO CIS CNF CUO KNO NFO NIO PBI PBS PCB PCO PVC PVF SCO SIC SNO YCO"
_WORD = re.compile(
    rf"""{_WORDS.replace(" ", "|")}
    | (?!(?=.*C)(?=.*N)|HCOOH)[A-Z]{{4,}}  # YBCO, BSCF; KSCN and HNCO are compounds
    | (?!HCOOH)[A-Z]*([A-Z])[A-Z]*\1[A-Z]*  # KNN, SBS: an element comes again with a count only
    | (?:[A-Z][a-z]?)+\d{{3,}}  # SUS304, BiPb2223
    | (?!CO|HF|NO)(?:B[AEIKR]|C[ADEFLMORSU]|H[EFGOS]|I[NR]|N[ABDEIOP]|OS|P[ABDMORTU]|S[BCEIMNR]|YB)  # CU: Cu, or C and U
    | (?:SI|SN|NB|PB|CU|NI|IN|OS)[\d.]*(?:O|S|SE|TE|SB|N|P|C)[\d.]* | COSB[\d.]*  # SIO2: all letters large
    | .*OAc.* | AcOH | .*PrOH | (?:W|Mo)Re\d\d  # acetates, propanol; per cent by weight
    | Ti(?:[1-9][\d.]*(?:Al|V|Mo|Nb|Zr|Sn|Cr|Fe|Ta)){{2,}} | TiAl6(?:V4|Nb7)  # Ti6Al4V: per cent by weight""",
    re.VERBOSE,
)
# AlSi10Mg, NiCr20, CuZn37, PbSn60: per cent by weight; FeZn13 and MgBe13 are compounds
_BASES = ("Ag", "Al", "Co", "Cu", "Fe", "Mg", "Ni", "Pb", "Sn", "Ti")
_NOT_METALS = set("H B C N O F P S Cl As Se Br Sb Te I Ge Ga In Bi".split())
_PER_CENT = re.compile(
    r"(?:(?:Al|Co|Cr|Fe|Mn|Mo|Ni|Si|Sn|W)|(?<=Ag)Cu|(?<=Sn)(?:Ag|Pb)|(?<=Cu)Zn)\d\d(?![\d.])|^Cu.*Zn\d\d(?![\d.])"
)


class FormulaError(ValueError):
    """A text that is no composition; the message is why, in the same words for the same reason."""


@dataclass(frozen=True)
class Formula:
    """A composition."""

    key: str  # elements in alphabetical order with their atomic fractions, rounded to DECIMALS; itself a formula
    reduced: str  # integers divided by their greatest common divisor, in IUPAC's order (metals first, oxygen, halogens last)
    fractions: tuple[tuple[str, float], ...]  # not rounded, in the order in which the elements are written

    @property
    def family(self) -> str:
        """The first of :data:`FAMILIES` whose elements are at least 10 % of the atoms, else ``intermetallic or other``."""
        amounts = dict(self.fractions)
        for name, elements in FAMILIES.items():
            # a tenth that is written as decimals may fall short by a rounding error
            if sum(amounts.get(e, 0.0) for e in elements) >= FAMILY_SHARE - 1e-9:
                return name
        return "intermetallic or other"


def formula_text(given: Any) -> str:
    """The formula of a text, bytes, a pymatgen Composition, or a mapping from elements to amounts; empty for None and NaN."""
    given = decoded(given)
    if isinstance(given, Composition | Mapping):
        amounts = given.get_el_amt_dict() if isinstance(given, Composition) else {str(s): float(n) for s, n in given.items()}
        present = {symbol: f"{amount:.10f}".rstrip("0").rstrip(".") for symbol, amount in amounts.items() if amount > 0}
        # of a crystal's cell, such as Si8, the element is meant
        return next(iter(present)) if len(present) == 1 else "".join(symbol + amount for symbol, amount in present.items())
    return "" if given is None or given != given else str(given)


def read_formula(given: Any) -> Formula:
    """Read a formula such as ``(PbTe)0.9(SnTe)0.1``, ``Bi₂Te₃``, ``Bi0,5Sb1,5Te3`` or ``CuSO4.5H2O``, or what
    :func:`formula_text` takes.

    A :class:`FormulaError` if it is empty or no formula, or has text, signs, per cent, unknown elements, variables, elements
    beyond plutonium, isotopes, no atoms, or a dot that may be a point or an addition; or if it is a designation, an acronym or an
    alloy's grade rather than a composition.
    """
    return _read(formula_text(given))


@lru_cache(maxsize=100_000)
def _read(text: str) -> Formula:
    # marks of LaTeX and HTML for subscripts, and halves before NFKC writes them as fractions
    unmarked = re.sub(r"</?sub>|\$|_\{([\d.,]+)\}|(?<=[A-Za-z)\]$])_(?=\d(?!\d))", r"\1", text)
    formula = plain(re.sub(r"(?<!\d)(?:½|1/2)(?=\s?H2O)", "0.5", unmarked))
    if not formula or formula.lower() == "nan":
        raise FormulaError("composition is empty")
    parts = _added(formula)
    formula = "·".join(parts)
    if odd := re.search(r"[^A-Za-z0-9.()\[\]{} ·]", formula):
        named = stranger(odd[0])
        raise FormulaError("composition with " + (f"the character {named}" if named else "text, signs or per cent"))
    symbols = re.findall(r"[A-Z][a-z]*", formula)
    if not all(Element.is_valid_symbol(s) for s in symbols) or re.search(r"(?<![A-Za-z])[nxyz](?![a-z])|\de", formula):
        raise FormulaError("composition with an unknown element or a variable")
    # pymatgen reads D as deuterium, but DD in a skutterudite (five rows of Starrydata's file of 2019) means didymium, Pr with Nd
    if {"D", "T"} & set(symbols) or re.search(r"\[\d+[A-Z]|[(\[][23]H(?![a-z])", formula):
        raise FormulaError("composition with an isotope (D, T or a mass); write H for D where that does not matter")
    if re.search(r"\((?:I{2,3}|IV|VI{1,3})\)", formula):
        raise FormulaError("composition with an oxidation state in brackets; leave it out")
    if any(Element(s).Z > HEAVIEST for s in symbols):
        raise FormulaError("composition with an element beyond plutonium")
    if len(parts) == 1 and parts[0][0].isdigit():
        raise FormulaError("composition that begins with a number (a factor, an isotope or a polytype)")
    try:
        composition = _sum(parts)
        amounts = composition.get_el_amt_dict()
    except Exception as error:  # pymatgen raises ValueError, KeyError, AttributeError and others, as the text may be
        raise FormulaError("composition is not a formula") from error
    total = sum(amounts.values())
    if not 0 < total < float("inf"):
        raise FormulaError("composition without atoms")
    _check_plausible(formula.replace(" ", ""), amounts)
    fractions = tuple((s, amount / total) for s, amount in amounts.items() if amount > 0)
    shares = ((s, f"{share:.{DECIMALS}f}") for s, share in sorted(fractions) if round(share, DECIMALS) > 0)
    key = "".join(s + share.rstrip("0").rstrip(".") for s, share in shares)
    amounts = composition.reduced_composition.get_el_amt_dict()
    ordered = sorted((s for s, _ in fractions), key=lambda s: Element(s).iupac_ordering)
    reduced = "".join(f"{s}{amounts[s]:.6g}" if amounts[s] != 1 else s for s in ordered)
    if _is_name(reduced, ordered):
        reduced = "".join(f"{s}{amounts[s]:.6g}" for s in ordered)
    return Formula(key, reduced, fractions)


def _added(formula: str) -> list[str]:
    """The parts of a formula between dots of addition, of which one may begin with a factor."""
    formula = re.sub(r"(?<=\d),(?=\d)", ".", formula).rstrip(" .")
    whole = rf"(?=[(\[]?(?:{_ADDED})[)\]]?\d*(?![\da-z]))"
    formula = re.sub(
        r"\s*[·•∙⋅・‧×]\s*|(?<![*\s])\s+(?:x\s+|(?=\d[\d.]*\s?H2O))(?=\d|H2O)|\s+\.\s*|\.\s+|\.(?=[A-Z(\[])", "·", formula
    )
    # after a count of 0 or 1, which is never written alone, it is a decimal point: 0.5 and 1.5
    adding = rf"(?<![A-Za-z·][01])(?<!·\d)(?<!·\d\d)(?:\.|\s*\*\s*)(\d*(?:\.\d+)?)\s?{whole}"
    formula = re.sub(adding, r"·\1", formula)
    # of what has no brackets: CaO.2SiO2 and Al2O3.2SiO2, where the element before the dot comes again
    if re.search(r"[A-Za-z)\]]\.\d", formula) or re.search(r"([A-Z][a-z]?)(?:[2-9]|\d\d+)\.\d[A-Z][^()·]*\1(?![a-z])", formula):
        raise FormulaError("composition with a dot that may be a point or an addition; write 0.5 for the one, · for the other")
    return formula.split("·")


def _sum(parts: list[str]) -> Composition:
    if len(parts) == 1:
        return Composition(parts[0])
    found = [re.fullmatch(r"(\d*\.?\d*)(.+)", part.strip()) for part in parts]
    factors = [(float(match[1] or 1), Composition(match[2])) for match in found]
    if not all(factor * part.num_atoms > 0 for factor, part in factors):
        raise ValueError("a part without atoms")
    return sum((part * factor for factor, part in factors), Composition())


def _check_plausible(formula: str, amounts: Mapping[str, float]) -> None:
    """Refuse designations, acronyms, grades and fragments, which symbols of elements can spell."""
    if len(amounts) == 1:
        ((symbol, amount),) = amounts.items()
        if formula != symbol and amount != 1 and amount not in _MOLECULES.get(symbol, ()):
            raise FormulaError("one element with a count (a designation or a fragment?); a pure element is its symbol alone")
    elif _is_name(formula, amounts):
        raise FormulaError("an acronym or a grade rather than a composition; write every element with its count, in atoms")


def _is_name(formula: str, elements: Iterable[str]) -> bool:
    """Whether a formula of several elements is a word, a designation, or an alloy's grade with per cent by weight."""
    grade = formula.startswith(_BASES) and not _NOT_METALS.intersection(elements) and re.match(r"[A-Z][a-z]?[A-Z]", formula)
    return bool(_WORD.fullmatch(formula) or (grade and _PER_CENT.search(formula)) or formula.endswith("NCs"))
