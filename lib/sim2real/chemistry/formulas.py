"""Chemical compositions of inorganic solids: reading formulas, keys that do not depend on how they are scaled, and classes."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from pymatgen.core import Composition, Element

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


@lru_cache(maxsize=100_000)
def read_formula(text: str) -> Formula:
    """Read a formula such as ``(PbTe)0.9(SnTe)0.1``; a :class:`FormulaError` if it is empty or no formula, or has text, signs, per
    cent, unknown elements, variables, elements beyond plutonium, deuterium or tritium, or no atoms.
    """
    formula = unicodedata.normalize("NFKC", text).strip() if isinstance(text, str) else ""
    if not formula:
        raise FormulaError("composition is empty")
    if re.search(r"[^A-Za-z0-9.()\[\]{} ]", formula):
        raise FormulaError("composition with text, signs or per cent")
    symbols = re.findall(r"[A-Z][a-z]*", formula)
    if not all(Element.is_valid_symbol(s) for s in symbols):
        raise FormulaError("composition with an unknown element or a variable")
    try:
        composition = Composition(formula)
        amounts = composition.get_el_amt_dict()
    except Exception as error:  # pymatgen raises ValueError, KeyError, AttributeError and others, as the text may be
        raise FormulaError("composition is not a formula") from error
    # pymatgen reads D as deuterium, but DD in a skutterudite (five rows of Starrydata's file of 2019) means didymium, Pr with Nd
    if any(s in ("D", "T") or Element(s).Z > HEAVIEST for s in symbols):
        raise FormulaError("composition with an element beyond plutonium or an isotope")
    total = sum(amounts.values())
    if not 0 < total < float("inf"):
        raise FormulaError("composition without atoms")
    fractions = tuple((s, amount / total) for s, amount in amounts.items() if amount > 0)
    shares = ((s, f"{share:.{DECIMALS}f}") for s, share in sorted(fractions) if round(share, DECIMALS) > 0)
    key = "".join(s + share.rstrip("0").rstrip(".") for s, share in shares)
    amounts = composition.reduced_composition.get_el_amt_dict()
    ordered = sorted((s for s, _ in fractions), key=lambda s: Element(s).iupac_ordering)
    reduced = "".join(f"{s}{amounts[s]:.6g}" if amounts[s] != 1 else s for s in ordered)
    return Formula(key, reduced, fractions)
