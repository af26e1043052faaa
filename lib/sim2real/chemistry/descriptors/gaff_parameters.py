"""GAFF2 parameters of atoms, bonds, angles and torsions by type, with RadonPy's rules for missing ones.

The tables (``data/gaff2_mod.csv``, source and licence in the README beside it) are of radonpy-pypi 0.2.11, which is not
read at run time: it needs all of molecular dynamics, and another version could change the vectors without a word.

Rules for a missing entry, in this order: the types' replacements; for an angle the empirical formula (Wang et al., J.
Comput. Chem. 25 (2004) 1157, as RadonPy 0.2.11 writes it). Where RadonPy gives up: replacements of the replacements;
last, the mean over the table's entries between the same elements. The types that have few or no bonded parameters of
their own by design (the N-H types of GAFF2, cs and c3f) take their parent's without being reported; all else is.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import product
from typing import NamedTuple

from sim2real.chemistry.structures import StructureError

Types = tuple[str, ...]
Values = tuple[float, float]

# Z and C of the empirical angle formula (Wang et al. 2004, as in RadonPy 0.2.11, ff/gaff.py)
_ANGLE_Z = {"H": 0.784, "C": 1.183, "N": 1.212, "O": 1.219, "F": 1.166, "Cl": 1.272, "Br": 1.378, "I": 1.398}
_ANGLE_Z |= {"P": 1.620, "S": 1.280}
_ANGLE_C = {"C": 1.339, "N": 1.300, "O": 1.249, "P": 0.906, "S": 1.448}


class Parameters(NamedTuple):
    """Two values of one term, and what replaced its own entry (None: nothing that is worth a report).

    Atom: epsilon (kcal/mol), sigma (Angstrom). Bond: k (kcal/mol/Angstrom^2), r0 (Angstrom). Angle: k (kcal/mol/rad^2),
    theta0 (degrees). Dihedral: the largest k of the series (kcal/mol), NaN. Harmonic energies are k x^2, as in AMBER.
    """

    first: float
    second: float
    fallback: str | None = None


@cache
def _replacements(reported: str) -> dict[str, str]:
    """What stands in for a type, where that is to be reported (``yes``) or by design (``no``)."""
    return {row["type"]: row["replacement"] for row in _rows("gaff2_replacements.csv") if row["reported"] == reported}


def _rows(name: str) -> Iterator[dict[str, str]]:
    return csv.DictReader((files("sim2real.chemistry.descriptors") / "data" / name).read_text(encoding="utf-8").splitlines())


@cache
def tables() -> dict[str, dict[Types, Values]]:
    """The GAFF2_mod tables, term -> types -> two values; bonded entries under both directions of reading."""
    found: dict[str, dict[Types, Values]] = {"atom": {}, "bond": {}, "angle": {}, "dihedral": {}}
    for row in _rows("gaff2_mod.csv"):
        types = tuple(row["types"].split("-"))
        found[row["term"]][types] = found[row["term"]][types[::-1]] = float(row["first"]), float(row["second"] or "nan")
    return found


@cache
def parameters(term: str, types: Types) -> Parameters:
    """Parameters of an ``atom``, ``bond``, ``angle`` or ``dihedral`` by the 1 to 4 GAFF2 types along it, read in either direction.

    Raises:
        StructureError: no rule gives parameters; the message names the types.
    """
    # where both ends could be replaced the direction matters: hydrogen last, as in RadonPy, which adds them last
    types = min(types, types[::-1], key=lambda direction: (direction[0].startswith("h"), direction))
    found = _replaced(term, types, 0, 1)
    if found is None and term == "angle":
        found = _empirical_angle(types), "empirical formula"
    if found is None or found[0] is None:
        found = _replaced(term, types, 2, 4)
    if found is None:
        found = _mean_between_elements(term, types), "mean between the same elements"
    values, replacement = found
    if values is None:
        raise StructureError(f"GAFF2 has no parameters for the {term} {'-'.join(types)}, and none to replace them")
    return Parameters(*values, replacement and f"{term} {'-'.join(types)}: {replacement}")


def _replaced(term: str, types: Types, fewest: int, most: int) -> tuple[Values, str | None] | None:
    """The first entry with ``fewest`` to ``most`` steps of replacement, and the types it is of, if worth reporting."""
    for candidate in _candidates(term, types, fewest, most):
        values = _entry(term, candidate)
        if values is not None:
            by_design = all(new in (old, _replacements("no").get(old)) for old, new in zip(types, candidate))
            return values, None if by_design else "-".join(candidate)
    return None


def _entry(term: str, types: Types) -> Values | None:
    general = tables()[term].get(("X", *types[1:3], "X")) if term == "dihedral" else None
    return tables()[term].get(types, general)


def _candidates(term: str, types: Types, fewest: int, most: int) -> Iterator[Types]:
    """The types with replacements: fewest steps of any one type first, then fewest and leftmost places.

    Only the two central types of a torsion are replaced, as in RadonPy.
    """
    chains = [_chain(name) for name in types]
    if term == "dihedral":
        chains = [chains[0][:1], chains[1], chains[2], chains[3][:1]]
    steps = product(*(range(len(chain)) for chain in chains))

    def order(step: tuple[int, ...]) -> tuple:
        replaced = tuple(place for place, count in enumerate(step) if count)
        return max(step), len(replaced), replaced, step

    for step in sorted((step for step in steps if fewest <= max(step) <= most), key=order):
        yield tuple(chain[count] for chain, count in zip(chains, step))


def _chain(name: str) -> list[str]:
    chain = [name]
    while True:
        name = _replacements("no").get(name) or _replacements("yes").get(name, "")
        if not name or name in chain:
            return chain
        chain.append(name)


def _empirical_angle(types: Types) -> Values | None:
    """Force constant and angle of a-b-c from the angles a-b-a and c-b-c and the bonds a-b and b-c; None without them.

    k = 143.9 Z_a C_b Z_c / (r_ab + r_bc) / sqrt(theta) exp(-2 D), D = ((r_ab - r_bc) / (r_ab + r_bc))^2, theta in
    radians. Wang et al. write theta^-2; the square root is RadonPy's, kept because the vectors must agree with its.
    """
    first, centre, last = types
    elements = [element(name) for name in types]
    if elements[1] not in _ANGLE_C:
        return None
    angles = [_first_entry("angle", end, centre) for end in (first, last)]
    bonds = [_first_entry("bond", end, centre) for end in (first, last)]
    if None in angles or None in bonds:
        return None
    theta = (angles[0][1] + angles[1][1]) / 2
    total, difference = bonds[0][1] + bonds[1][1], bonds[0][1] - bonds[1][1]
    strength = 143.9 * _ANGLE_Z[elements[0]] * _ANGLE_C[elements[1]] * _ANGLE_Z[elements[2]]
    constant = strength / total / math.sqrt(math.radians(theta)) * math.exp(-2 * (difference / total) ** 2)
    return constant, theta


def _first_entry(term: str, end: str, centre: str) -> Values | None:
    """The bond end-centre or the angle end-centre-end, with replacements of one step."""
    pairs = product(_chain(centre)[:2], _chain(end)[:2])
    entries = (_entry(term, (outer, middle, outer) if term == "angle" else (outer, middle)) for middle, outer in pairs)
    return next((found for found in entries if found is not None), None)


def _mean_between_elements(term: str, types: Types) -> Values | None:
    wanted = [element(name) for name in types]
    if term == "dihedral":  # the general entries X-b-c-X
        wanted[0] = wanted[3] = "X"
    matching = [values for names, values in tables()[term].items() if [element(name) for name in names] == wanted]
    return tuple(sum(column) / len(matching) for column in zip(*matching)) or None


def element(name: str) -> str:
    """Element of a GAFF2 type (``cl`` and ``br`` are chlorine and bromine); ``X`` for any."""
    return {"cl": "Cl", "br": "Br"}.get(name, name[0].upper())
