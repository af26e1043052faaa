"""Fedors' cohesive energy of a structure by rules that look only at an atom and its neighbours.

R. F. Fedors, Polym. Eng. Sci. 14, 147 (1974). Fedors tabulates groups; here every group's energy is shared out among its atoms,
so that the sum does not depend on the order of atoms or on where a chain is cut. The share of a carbonyl group that is more than
a ketone's goes through the O or N beside it, and is halved where two carbonyls claim the same atom (imides).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sim2real.chemistry.simulators.constants import FEDORS, SULFONE, SULFOXIDE

HALOGENS = {9: "F", 17: "Cl", 35: "Br", 53: "I"}


@dataclass(frozen=True, slots=True)
class Atoms:
    """What additive rules look at, one entry an atom; an attachment point is of element 0 and has no bonds."""

    numbers: list[int]
    hydrogens: list[int]
    bonds: list[list[tuple[int, int]]]  # of every atom (other atom, twice the bond order)
    orders: list[list[int]]  # the same orders alone
    aromatic: list[bool]
    unsaturated: list[bool]

    def beside(self, i: int) -> list[int]:
        """The elements of an atom's neighbours."""
        return [self.numbers[j] for j, _ in self.bonds[i]]

    def count(self, i: int, order: int, z: int) -> int:
        """An atom's bonds of twice this order to this element."""
        return sum(o == order and self.numbers[j] == z for j, o in self.bonds[i])

    def is_carbonyl(self, i: int) -> bool:
        """Whether it is a carbon with a double bond to oxygen."""
        return self.numbers[i] == 6 and 4 in self.orders[i] and self.count(i, 4, 8) > 0


def cohesion(atoms: Atoms, rings: Sequence[Sequence[int]]) -> float:
    """Cohesive energy at 298 K, J/mol; ``rings`` are the atoms of each."""
    carbonyls = {i for i in range(len(atoms.numbers)) if atoms.is_carbonyl(i) and not atoms.aromatic[i]}
    total = 0.0
    for i, z in enumerate(atoms.numbers):
        if z:
            total += _share(i, atoms, carbonyls)
    for ring in rings:
        if not all(atoms.aromatic[i] and atoms.numbers[i] == 6 for i in ring):
            total += FEDORS["ring of 5 or more" if len(ring) > 4 else "ring of 3 or 4"]
    return total


def _share(i: int, atoms: Atoms, carbonyls: set[int]) -> float:
    z = atoms.numbers[i]
    if i in carbonyls:
        return _carbonyl(i, atoms, carbonyls)
    if z == 6:
        return _carbon(i, atoms)
    if z in HALOGENS:
        return _halogen(i, atoms)
    if z == 8:
        return _oxygen(i, atoms, carbonyls)
    if z == 7:
        return _nitrogen(i, atoms, carbonyls)
    if z == 16:
        if oxygens := atoms.count(i, 4, 8):
            return SULFOXIDE if oxygens == 1 else SULFONE
        return FEDORS["SH" if atoms.hydrogens[i] else "S in S-S" if 16 in atoms.beside(i) else "S"]
    if z == 15:
        return FEDORS["P=O" if atoms.count(i, 4, 8) else "P"]
    return FEDORS["Si" if z == 14 else "B"]


def _carbonyl(i: int, atoms: Atoms, carbonyls: set[int]) -> float:
    """Energy of one C=O with its share of the O and N beside it."""
    numbers, hydrogens = atoms.numbers, atoms.hydrogens
    if atoms.count(i, 4, 7):
        return FEDORS["NCO"]
    beside = [j for j, order in atoms.bonds[i] if order == 2 and numbers[j] in (7, 8)]
    kinds = sorted(numbers[j] for j in beside)
    if not beside:
        return FEDORS["CHO" if hydrogens[i] else "CO"]
    if len(kinds) > 1:
        group = FEDORS[{(8, 8): "CO3", (7, 8): "OCONH"}.get(tuple(kinds), "NHCONH")]
    elif kinds == [8]:
        group = FEDORS["COOH" if hydrogens[beside[0]] else "CO2"]
    else:
        group = FEDORS[("CON", "CONH", "CONH2")[min(hydrogens[beside[0]], 2)]]
    energy = FEDORS["CO"]
    for j in beside:
        claims = sum(k in carbonyls for k, _ in atoms.bonds[j])
        if numbers[j] == 8 and claims == 2 and kinds == [8]:
            energy += FEDORS["C2O3"] / 2 - FEDORS["CO"]
        else:
            energy += (group - FEDORS["CO"]) / len(beside) / claims
    return energy


def _carbon(i: int, atoms: Atoms) -> float:
    h, orders = atoms.hydrogens[i], atoms.orders[i]
    if atoms.count(i, 6, 7):
        return FEDORS["CN"]
    if atoms.aromatic[i]:
        return FEDORS["C aromatic"]
    if 6 in orders:
        return FEDORS["HC#" if h else "C#"]
    if 4 in orders:
        return FEDORS["C="]
    if _fluorocarbon(i, atoms):
        return FEDORS["CF2 or CF3, perfluoro"]
    return FEDORS[("C", "CH", "CH2", "CH3", "CH3")[h]]


def _fluorocarbon(i: int, atoms: Atoms) -> bool:
    """Whether it is the saturated carbon of CF2 or CF3."""
    return atoms.numbers[i] == 6 and not atoms.unsaturated[i] and atoms.count(i, 2, 9) >= 2


def _halogen(i: int, atoms: Atoms) -> float:
    z = atoms.numbers[i]
    values = FEDORS[HALOGENS[z]]
    if not atoms.bonds[i]:
        return values[0]
    owner = atoms.bonds[i][0][0]
    if z == 9 and _fluorocarbon(owner, atoms):
        return 0.0  # counted with the carbon
    energy = values[min(atoms.beside(owner).count(z), 3) - 1]
    return energy * FEDORS["halogen on C=C"] if {3, 4}.intersection(atoms.orders[owner]) else energy


def _oxygen(i: int, atoms: Atoms, carbonyls: set[int]) -> float:
    bonded = [j for j, _ in atoms.bonds[i]]
    if atoms.unsaturated[i] and not atoms.aromatic[i] or len(bonded) == 1 and _nitro(bonded[0], atoms):
        return 0.0  # counted with the atom it is doubly bonded to
    if any(j in carbonyls for j in bonded):
        return 0.0  # shared out by the carbonyl
    if not atoms.hydrogens[i]:
        return FEDORS["O"]
    # another hydroxyl on the same carbon or on the one next to it
    near = [a for j in bonded for a in (j, *(k for k, _ in atoms.bonds[j] if atoms.numbers[k] == 6))]
    vicinal = any(atoms.numbers[k] == 8 and atoms.hydrogens[k] and k != i for a in near for k, _ in atoms.bonds[a])
    return FEDORS["OH, vicinal" if vicinal else "OH"]


def _nitro(i: int, atoms: Atoms) -> bool:
    return atoms.numbers[i] == 7 and sum(atoms.numbers[j] == 8 and len(atoms.bonds[j]) == 1 for j, _ in atoms.bonds[i]) == 2


def _nitrogen(i: int, atoms: Atoms, carbonyls: set[int]) -> float:
    bonded, h, orders = [j for j, _ in atoms.bonds[i]], atoms.hydrogens[i], atoms.orders[i]
    if atoms.count(i, 6, 6) or any(j in carbonyls for j in bonded):
        return 0.0  # nitrile, counted with its carbon; or shared out by the carbonyl, or isocyanate
    if _nitro(i, atoms):
        return FEDORS["NO2, aromatic" if any(atoms.aromatic[j] for j in bonded) else "NO2"]
    if atoms.count(i, 4, 7):
        return FEDORS["N=N"] / 2
    if 4 in orders or (atoms.aromatic[i] and len(bonded) == 2 and not h):
        return FEDORS["N="]
    return FEDORS[("N", "NH", "NH2", "NH2", "NH2")[h]]
