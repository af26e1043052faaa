"""Fedors' cohesive energy of a structure by rules that look only at an atom and its neighbours.

R. F. Fedors, Polym. Eng. Sci. 14, 147 (1974). Fedors tabulates groups; here every group's energy is shared out among
its atoms, so that the sum does not depend on the order of atoms or on where a chain is cut. The share of a carbonyl
group that is more than a ketone's goes through the O or N beside it, and is halved where two carbonyls claim the same
atom (imides).
"""

from __future__ import annotations

from collections.abc import Sequence

from sim2real.chemistry.simulators.constants import FEDORS, SULFONE, SULFOXIDE

Bonds = list[list[tuple[int, int, bool]]]

HALOGENS = {9: "F", 17: "Cl", 35: "Br", 53: "I"}


def cohesion(
    atoms: list[int],
    numbers: list[int],
    hydrogens: list[int],
    neighbours: Bonds,
    aromatic: list[bool],
    rings: Sequence[Sequence[int]],
) -> float:
    """Cohesive energy at 298 K, J/mol.

    Args:
        atoms: indices of the atoms (attachment points left out).
        numbers, hydrogens, neighbours, aromatic: per atom; neighbours as (atom, twice the bond order, in a ring).
        rings: atom indices of every ring.
    """
    total = 0.0
    carbonyls = {
        i
        for i in atoms
        if numbers[i] == 6 and any(order == 4 and numbers[j] == 8 for j, order, _ in neighbours[i]) and not aromatic[i]
    }
    for i in atoms:
        z, h, bonded = numbers[i], hydrogens[i], neighbours[i]
        if i in carbonyls:
            total += _carbonyl(i, numbers, hydrogens, neighbours, carbonyls)
        elif z == 6:
            if any(order == 6 and numbers[j] == 7 for j, order, _ in bonded):
                total += FEDORS["CN"]
            else:
                total += _carbon(i, numbers, hydrogens, neighbours, aromatic)
        elif z in HALOGENS:
            total += _halogen(i, numbers, neighbours)
        elif z == 8:
            owner = bonded[0][0] if bonded else -1
            if any(order > 2 for _, order, _ in bonded) and not aromatic[i] or _of_nitro(i, numbers, neighbours):
                pass  # counted with the atom it is doubly bonded to
            elif any(j in carbonyls for j, _, _ in bonded):
                pass  # shared out by the carbonyl
            elif h:
                total += FEDORS["OH, vicinal" if _vicinal(i, owner, numbers, hydrogens, neighbours) else "OH"]
            else:
                total += FEDORS["O"]
        elif z == 7:
            total += _nitrogen(i, numbers, hydrogens, neighbours, aromatic, carbonyls)
        elif z == 16:
            oxygens = sum(order == 4 and numbers[j] == 8 for j, order, _ in bonded)
            if oxygens:
                total += SULFOXIDE if oxygens == 1 else SULFONE
            elif h:
                total += FEDORS["SH"]
            else:
                total += FEDORS["S in S-S" if any(numbers[j] == 16 for j, _, _ in bonded) else "S"]
        elif z == 15:
            total += FEDORS["P=O" if any(order == 4 and numbers[j] == 8 for j, order, _ in bonded) else "P"]
        else:
            total += FEDORS["Si" if z == 14 else "B"]
    for ring in rings:
        if not all(aromatic[i] and numbers[i] == 6 for i in ring):
            total += FEDORS["ring of 5 or more" if len(ring) > 4 else "ring of 3 or 4"]
    return total


def _carbonyl(i: int, numbers: list[int], hydrogens: list[int], neighbours: Bonds, carbonyls: set[int]) -> float:
    """Energy of one C=O with its share of the O and N beside it."""
    if any(order == 4 and numbers[j] == 7 for j, order, _ in neighbours[i]):
        return FEDORS["NCO"]
    beside = [j for j, order, _ in neighbours[i] if order == 2 and numbers[j] in (7, 8)]
    kinds = sorted(numbers[j] for j in beside)
    if not beside:
        return FEDORS["CHO" if hydrogens[i] else "CO"]
    if kinds == [8, 8]:
        group = FEDORS["CO3"]
    elif kinds == [7, 8]:
        group = FEDORS["OCONH"]
    elif len(kinds) > 1:
        group = FEDORS["NHCONH"]
    elif kinds == [8]:
        group = FEDORS["COOH" if hydrogens[beside[0]] else "CO2"]
    else:
        group = FEDORS[("CON", "CONH", "CONH2")[min(hydrogens[beside[0]], 2)]]
    energy = FEDORS["CO"]
    for j in beside:
        claims = sum(k in carbonyls for k, _, _ in neighbours[j])
        if numbers[j] == 8 and claims == 2 and kinds == [8]:
            energy += FEDORS["C2O3"] / 2 - FEDORS["CO"]
        else:
            energy += (group - FEDORS["CO"]) / len(beside) / claims
    return energy


def _carbon(i: int, numbers: list[int], hydrogens: list[int], neighbours: Bonds, aromatic: list[bool]) -> float:
    bonded, h = neighbours[i], hydrogens[i]
    if aromatic[i]:
        return FEDORS["C aromatic"]
    if any(order == 6 for _, order, _ in bonded):
        return FEDORS["HC#" if h else "C#"]
    if any(order == 4 for _, order, _ in bonded):
        return FEDORS["C="]
    if _fluorocarbon(i, numbers, neighbours):
        return FEDORS["CF2 or CF3, perfluoro"]
    return FEDORS[("C", "CH", "CH2", "CH3", "CH3")[h]]


def _fluorocarbon(i: int, numbers: list[int], neighbours: Bonds) -> bool:
    """Is atom ``i`` the saturated carbon of CF2 or CF3?"""
    saturated = numbers[i] == 6 and all(order == 2 for _, order, _ in neighbours[i])
    return saturated and sum(numbers[j] == 9 for j, _, _ in neighbours[i]) >= 2


def _halogen(i: int, numbers: list[int], neighbours: Bonds) -> float:
    z = numbers[i]
    if not neighbours[i]:
        return FEDORS[HALOGENS[z]][0]
    owner = neighbours[i][0][0]
    same = sum(numbers[j] == z for j, _, _ in neighbours[owner])
    if z == 9 and _fluorocarbon(owner, numbers, neighbours):
        return 0.0  # counted with the carbon
    energy = FEDORS[HALOGENS[z]][min(same, 3) - 1]
    on_double_bond = any(order in (3, 4) for _, order, _ in neighbours[owner])
    return energy * FEDORS["halogen on C=C"] if on_double_bond else energy


def _of_nitro(i: int, numbers: list[int], neighbours: Bonds) -> bool:
    return len(neighbours[i]) == 1 and numbers[neighbours[i][0][0]] == 7 and _nitro(neighbours[i][0][0], numbers, neighbours)


def _nitro(i: int, numbers: list[int], neighbours: Bonds) -> bool:
    return sum(numbers[j] == 8 and len(neighbours[j]) == 1 for j, _, _ in neighbours[i]) == 2


def _nitrogen(
    i: int,
    numbers: list[int],
    hydrogens: list[int],
    neighbours: Bonds,
    aromatic: list[bool],
    carbonyls: set[int],
) -> float:
    bonded, h = neighbours[i], hydrogens[i]
    if any(order == 6 and numbers[j] == 6 for j, order, _ in bonded):
        return 0.0  # nitrile, counted with its carbon
    if any(j in carbonyls for j, _, _ in bonded):
        return 0.0  # shared out by the carbonyl, or isocyanate
    if _nitro(i, numbers, neighbours):
        return FEDORS["NO2, aromatic" if any(aromatic[j] for j, _, _ in bonded) else "NO2"]
    if any(order == 4 and numbers[j] == 7 for j, order, _ in bonded):
        return FEDORS["N=N"] / 2
    if any(order == 4 for _, order, _ in bonded) or (aromatic[i] and len(bonded) == 2 and not h):
        return FEDORS["N="]
    return FEDORS[("N", "NH", "NH2", "NH2", "NH2")[h]]


def _vicinal(i: int, owner: int, numbers: list[int], hydrogens: list[int], neighbours: Bonds) -> bool:
    """Is there another hydroxyl on the same carbon or on the one next to it?"""
    if owner < 0:
        return False

    def hydroxyls(a: int) -> list[int]:
        return [j for j, _, _ in neighbours[a] if numbers[j] == 8 and hydrogens[j] and j != i]

    return bool(hydroxyls(owner)) or any(hydroxyls(j) for j, _, _ in neighbours[owner] if numbers[j] == 6)
