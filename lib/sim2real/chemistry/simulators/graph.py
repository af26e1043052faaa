"""One pass over the molecular graph: the additive quantities that the quick simulators start from.

A repeat unit is closed onto itself (its last atom is bonded to the first atom of the next unit), so that every sum is
per unit of the infinite chain and does not depend on where the chain was cut. A molecule is taken as it is. Hydrogens
stay implicit: an atom and its hydrogens are one step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from rdkit import Chem

from sim2real.chemistry.simulators.cohesion import cohesion
from sim2real.chemistry.simulators.constants import (
    ATOMIC_MASS,
    AVOGADRO,
    BOND_SHORTENING,
    BORON_POLARIZABILITY,
    COVALENT_RADIUS,
    HYDROGEN_BOND,
    MILLER,
    SILICON_LOSS_PER_OXYGEN,
    SILICON_POLARIZABILITY,
    VDW_RADIUS,
)

Neighbours = list[list[tuple[int, int, bool]]]
"""For every atom its bonds as (other atom, twice the bond order, in a ring)."""

TWICE_ORDER = {
    Chem.BondType.SINGLE: 2,
    Chem.BondType.AROMATIC: 3,
    Chem.BondType.DOUBLE: 4,
    Chem.BondType.TRIPLE: 6,
}


# Weights of freely rotating bonds and the exaltation of conjugation (cubic Angstrom): choices, not published values;
# what anchored them stands under "Choices" in sim2real.chemistry.simulators.polymer.
RING_ATOM = 0.55
STIFF_TERMINAL, SOFT_TERMINAL = 0.25, 0.5
CONJUGATED, RESONANT = 0.5, 0.35
EXALTATION = 0.6


class CannotSimulate(ValueError):
    """A structure that reads well but has no parameters here, or no dense phase at 300 K."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Additive quantities per repeat unit (polymer) or per molecule."""

    polymer: bool
    molar_mass: float  # g/mol
    atoms: int  # with hydrogens
    vdw_volume: float  # cm3/mol
    polarizability: float  # cubic Angstrom
    cohesion: float  # J/mol at 298 K
    rotors: float  # freely rotating bonds, weighted
    backbone_atoms: int  # per unit along the shortest path; of a molecule, along its longest


def structure_sums(mol: Chem.Mol) -> Sums:
    """Sums over a repeat unit (two ``*``) or a molecule (none), as :func:`sim2real.chemistry.structures.parse` reads it.

    Van der Waals volume: Bondi spheres less the lens that each bond cuts off (A. Bondi, J. Phys. Chem. 68, 441
    (1964)), and less the lens of each hydrogen bond that the unit can form with its own kind. Polarisability: K. J.
    Miller, J. Am. Chem. Soc. 112, 8533 (1990). Cohesion: R. F. Fedors, Polym. Eng. Sci. 14, 147 (1974).

    Raises:
        CannotSimulate: an element or a bond without parameters.
    """
    numbers, hydrogens = [], []
    for atom in list(mol.GetAtoms()):  # as a list: RDKit's sequence is slow to iterate
        numbers.append(atom.GetAtomicNum())
        hydrogens.append(atom.GetTotalNumHs())
    unknown = {z for z in numbers if z and (z not in VDW_RADIUS or z == 1)}
    if unknown:
        names = ", ".join(Chem.GetPeriodicTable().GetElementSymbol(z) for z in sorted(unknown))
        raise CannotSimulate(f"no parameters for the element {names} as a bonded atom")
    neighbours, bonds = _closed_chain(mol, numbers)
    atoms = [i for i, z in enumerate(numbers) if z]
    rings = mol.GetRingInfo().AtomRings()
    ring_atoms = set().union(*rings)
    orders = [[order for _, order, _ in bonded] for bonded in neighbours]
    aromatic = [3 in bonded for bonded in orders]
    unsaturated = [max(bonded, default=0) > 2 for bonded in orders]
    mass = volume = polarizability = rotors = 0.0
    for i in atoms:
        z, h = numbers[i], hydrogens[i]
        mass += ATOMIC_MASS[z] + h * ATOMIC_MASS[1]
        volume += sphere(VDW_RADIUS[z])
        polarizability += _hybrid_polarizability(i, numbers, orders[i], neighbours[i], unsaturated) + h * MILLER["H"]
        if h:
            volume += h * (sphere(VDW_RADIUS[1]) - bond_lens(z, 1, 2))
    rotors += RING_ATOM * len(ring_atoms)
    for i, j, order, in_ring in bonds:
        volume -= bond_lens(numbers[i], numbers[j], order)
        if order == 2 and not in_ring:
            rotors += _rotor(i, j, numbers, hydrogens, neighbours, orders, unsaturated)
            if unsaturated[i] and unsaturated[j]:
                polarizability += _exaltation(i, j, numbers, neighbours)
    volume -= _hydrogen_bond_overlap(atoms, numbers, hydrogens, neighbours)
    rotors += _soft_siloxane_angles(atoms, numbers, neighbours)
    total = cohesion(atoms, numbers, hydrogens, neighbours, aromatic, rings)
    return Sums(
        polymer=len(atoms) < len(numbers),
        molar_mass=mass,
        atoms=len(atoms) + sum(hydrogens),
        vdw_volume=volume * AVOGADRO * 1e-24,
        polarizability=polarizability,
        cohesion=total,
        rotors=rotors,
        backbone_atoms=_backbone_atoms(mol, numbers),
    )


def _closed_chain(mol: Chem.Mol, numbers: list[int]) -> tuple[Neighbours, list[tuple[int, int, int, bool]]]:
    neighbours: Neighbours = [[] for _ in numbers]
    bonds = []
    ends = []
    ring_bonds = set().union(*mol.GetRingInfo().BondRings())
    for index, bond in enumerate(list(mol.GetBonds())):
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if not (numbers[i] and numbers[j]):
            ends.append(i if numbers[i] else j)
            continue
        order = TWICE_ORDER.get(bond.GetBondType())
        if order is None:
            raise CannotSimulate(f"no parameters for a bond of type {bond.GetBondType()}")
        bonds.append((i, j, order, index in ring_bonds))
    if ends:
        bonds.append((ends[0], ends[1], 2, False))
    for i, j, order, in_ring in bonds:
        neighbours[i].append((j, order, in_ring))
        neighbours[j].append((i, order, in_ring))
    return neighbours, bonds


def sphere(radius: float) -> float:
    """Volume of a sphere."""
    return 4.0 / 3.0 * math.pi * radius**3


def lens(radius_a: float, radius_b: float, distance: float) -> float:
    """Volume that two spheres share: two caps, V = pi h^2 (3 r - h) / 3 each. Zero where they do not touch."""
    if distance >= radius_a + radius_b:
        return 0.0
    plane = (distance**2 + radius_a**2 - radius_b**2) / (2 * distance)
    caps = ((radius_a, radius_a - plane), (radius_b, radius_b - (distance - plane)))
    return sum(math.pi * height**2 * (3 * radius - height) / 3 for radius, height in caps)


@cache
def bond_lens(z_a: int, z_b: int, twice_order: int) -> float:
    """Overlap of two bonded Bondi spheres at the distance of Cordero's radii, cubic Angstrom."""
    distance = (COVALENT_RADIUS[z_a] + COVALENT_RADIUS[z_b]) * BOND_SHORTENING[twice_order]
    return lens(VDW_RADIUS[z_a], VDW_RADIUS[z_b], distance)


def _hydrogen_bond_overlap(atoms: list[int], numbers: list[int], hydrogens: list[int], neighbours: Neighbours) -> float:
    """Volume shared through hydrogen bonds, cubic Angstrom, if donors find acceptors among their own kind.

    Donors: O-H, and N-H beside a carbonyl (amines are left out: their bonds are long, 2.2 Angstrom and more);
    acceptors: each O takes two bonds, each N that is not beside a carbonyl takes one. Donors in excess share the
    acceptors evenly.
    """
    shared = 0.0
    donors = room = 0
    for i in atoms:
        z = numbers[i]
        if z not in (7, 8):
            continue
        beside_carbonyl = any(is_carbonyl(j, numbers, neighbours) for j, _, _ in neighbours[i])
        room += 2 if z == 8 else not beside_carbonyl
        if hydrogens[i] and (z == 8 or beside_carbonyl):
            donors += hydrogens[i]
            shared += hydrogens[i] * lens(VDW_RADIUS[1], VDW_RADIUS[8], HYDROGEN_BOND[z])
    return shared * min(1.0, room / donors) if donors else 0.0


def is_carbonyl(i: int, numbers: list[int], neighbours: Neighbours) -> bool:
    """Is atom ``i`` a carbon with a double bond to oxygen?"""
    return numbers[i] == 6 and any(order == 4 and numbers[j] == 8 for j, order, _ in neighbours[i])


def _hybrid_polarizability(
    i: int, numbers: list[int], orders: list[int], bonded: list[tuple[int, int, bool]], unsaturated: list[bool]
) -> float:
    """Miller's ahp of one atom without its hydrogens; hybrids picked as CDPKit does, by neighbours with pi bonds."""
    z = numbers[i]
    if z == 6:
        if not orders or max(orders) == 2:
            return MILLER["CTE"]
        if 6 in orders or orders.count(4) == 2:
            return MILLER["CDI"]
        return MILLER["CBR"] if orders.count(3) == 3 else MILLER["CTR"]
    if z == 7:
        if 6 in orders or orders.count(4) == 2:
            return MILLER["NDI"]
        if 4 in orders or orders == [3, 3]:
            return MILLER["NTR2"]
        return MILLER["NPI2" if any(unsaturated[j] for j, _, _ in bonded) else "NTE"]
    if z == 8:
        if 4 in orders:
            return MILLER["OTR4"]
        return MILLER["OPI2" if sum(unsaturated[j] for j, _, _ in bonded) > 1 else "OTE"]
    if z == 16:
        if 4 in orders:
            return MILLER["STR4" if len(orders) == 1 else "STE"]
        return MILLER["SPI2" if sum(unsaturated[j] for j, _, _ in bonded) > 1 else "STE"]
    if z == 14:
        return SILICON_POLARIZABILITY - SILICON_LOSS_PER_OXYGEN * sum(numbers[j] == 8 for j, _, _ in bonded)
    if z == 5:
        return BORON_POLARIZABILITY
    return MILLER[{9: "F", 15: "PTE", 17: "Cl", 35: "Br", 53: "I"}[z]]


def _exaltation(i: int, j: int, numbers: list[int], neighbours: Neighbours) -> float:
    """Extra polarisability of a single bond between two pi systems of carbon (Bruehl's and Eisenlohr's exaltation)."""
    if numbers[i] != 6 or numbers[j] != 6 or is_carbonyl(i, numbers, neighbours) or is_carbonyl(j, numbers, neighbours):
        return 0.0
    return EXALTATION


def _rotor(
    i: int,
    j: int,
    numbers: list[int],
    hydrogens: list[int],
    neighbours: Neighbours,
    orders: list[list[int]],
    unsaturated: list[bool],
) -> float:
    """Weight of one acyclic single bond as a freely rotating one."""
    degrees = len(neighbours[i]), len(neighbours[j])
    if degrees[0] + hydrogens[i] == 1 or degrees[1] + hydrogens[j] == 1:
        return 0.0  # a halogen has nothing to turn
    if 1 in degrees:
        return STIFF_TERMINAL if numbers[i] == numbers[j] == 6 else SOFT_TERMINAL
    for a, b in ((i, j), (j, i)):
        if numbers[b] in (7, 8, 16) and is_carbonyl(a, numbers, neighbours):
            return RESONANT
    linear = 6 in orders[i] or 6 in orders[j]
    return CONJUGATED if linear or (unsaturated[i] and unsaturated[j]) else 1.0


def _soft_siloxane_angles(atoms: list[int], numbers: list[int], neighbours: Neighbours) -> int:
    """Si-O-Si angles: nearly free to bend, so each counts as one more rotor."""
    return sum(numbers[i] == 8 and [numbers[j] for j, _, _ in neighbours[i]] == [14, 14] for i in atoms)


def _backbone_atoms(mol: Chem.Mol, numbers: list[int]) -> int:
    stars = [i for i, z in enumerate(numbers) if z == 0]
    if stars:
        return len(Chem.GetShortestPath(mol, *stars)) - 2
    return int(Chem.GetDistanceMatrix(mol).max()) + 1
