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

from sim2real.chemistry.simulators import constants as const
from sim2real.chemistry.simulators.cohesion import Atoms, cohesion

TWICE_ORDER = {Chem.BondType.SINGLE: 2, Chem.BondType.AROMATIC: 3, Chem.BondType.DOUBLE: 4, Chem.BondType.TRIPLE: 6}

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

    Van der Waals volume: Bondi spheres less the lens that each bond cuts off (A. Bondi, J. Phys. Chem. 68, 441 (1964)), and
    less the lens of each hydrogen bond that the unit can form with its own kind. Polarisability: Miller; cohesion: Fedors. A
    :class:`CannotSimulate`: an element or a bond without parameters.
    """
    everything = list(mol.GetAtoms())  # RDKit's own sequence is slow to iterate
    numbers, hydrogens = [atom.GetAtomicNum() for atom in everything], [atom.GetTotalNumHs() for atom in everything]
    unknown = {z for z in numbers if z and (z not in const.VDW_RADIUS or z == 1)}
    if unknown:
        names = ", ".join(Chem.GetPeriodicTable().GetElementSymbol(z) for z in sorted(unknown))
        raise CannotSimulate(f"no parameters for the element {names} as a bonded atom")
    bonds = _bonds_of_chain(mol, numbers)
    atoms = _atoms(numbers, hydrogens, bonds)
    rings = mol.GetRingInfo().AtomRings()
    mass = volume = polarizability = 0.0
    for i, (z, h) in enumerate(zip(numbers, hydrogens)):
        if z:
            mass += const.ATOMIC_MASS[z] + h * const.ATOMIC_MASS[1]
            volume += sphere(const.VDW_RADIUS[z])
            polarizability += _hybrid_polarizability(i, atoms) + h * const.MILLER["H"]
            if h:
                volume += h * (sphere(const.VDW_RADIUS[1]) - bond_lens(z, 1, 2))
    rotors = RING_ATOM * len(set().union(*rings))
    for i, j, order, in_ring in bonds:
        volume -= bond_lens(numbers[i], numbers[j], order)
        if order == 2 and not in_ring:
            rotors += _rotor(i, j, atoms)
            if atoms.unsaturated[i] and atoms.unsaturated[j]:
                polarizability += _exaltation(i, j, atoms)
    volume -= _hydrogen_bond_overlap(atoms)
    # Si-O-Si angles are nearly free to bend, so each counts as one more rotor
    rotors += sum(z == 8 and atoms.beside(i) == [14, 14] for i, z in enumerate(numbers))
    stars = [i for i, z in enumerate(numbers) if z == 0]
    return Sums(
        polymer=bool(stars),
        molar_mass=mass,
        atoms=len(numbers) - len(stars) + sum(hydrogens),
        vdw_volume=volume * const.AVOGADRO * 1e-24,
        polarizability=polarizability,
        cohesion=cohesion(atoms, rings),
        rotors=rotors,
        backbone_atoms=len(Chem.GetShortestPath(mol, *stars)) - 2 if stars else int(Chem.GetDistanceMatrix(mol).max()) + 1,
    )


def _bonds_of_chain(mol: Chem.Mol, numbers: list[int]) -> list[tuple[int, int, int, bool]]:
    """Bonds as (atom, atom, twice the order, in a ring), the one between two repeat units last."""
    bonds, ends = [], []
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
    return [*bonds, (*ends, 2, False)] if ends else bonds


def _atoms(numbers: list[int], hydrogens: list[int], bonds: list[tuple[int, int, int, bool]]) -> Atoms:
    around: list[list[tuple[int, int]]] = [[] for _ in numbers]
    for i, j, order, _ in bonds:
        around[i].append((j, order))
        around[j].append((i, order))
    orders = [[order for _, order in bonded] for bonded in around]
    unsaturated = [max(bonded, default=0) > 2 for bonded in orders]
    return Atoms(numbers, hydrogens, around, orders, [3 in bonded for bonded in orders], unsaturated)


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
    distance = (const.COVALENT_RADIUS[z_a] + const.COVALENT_RADIUS[z_b]) * const.BOND_SHORTENING[twice_order]
    return lens(const.VDW_RADIUS[z_a], const.VDW_RADIUS[z_b], distance)


def _hydrogen_bond_overlap(atoms: Atoms) -> float:
    """Volume shared through hydrogen bonds, cubic Angstrom, if donors find acceptors among their own kind.

    Donors: O-H, and N-H beside a carbonyl (amines are left out: their bonds are long, 2.2 Angstrom and more); acceptors: each O
    takes two bonds, each N that is not beside a carbonyl takes one. Donors in excess share the acceptors evenly.
    """
    shared = 0.0
    donors = room = 0
    for i, (z, hydrogens) in enumerate(zip(atoms.numbers, atoms.hydrogens)):
        if z not in (7, 8):
            continue
        beside_carbonyl = any(atoms.is_carbonyl(j) for j, _ in atoms.bonds[i])
        room += 2 if z == 8 else not beside_carbonyl
        if hydrogens and (z == 8 or beside_carbonyl):
            donors += hydrogens
            shared += hydrogens * lens(const.VDW_RADIUS[1], const.VDW_RADIUS[8], const.HYDROGEN_BOND[z])
    return shared * min(1.0, room / donors) if donors else 0.0


def _hybrid_polarizability(i: int, atoms: Atoms) -> float:
    """Miller's ahp of one atom without its hydrogens; hybrids picked as CDPKit does, by neighbours with pi bonds."""
    z, orders = atoms.numbers[i], atoms.orders[i]
    pi_neighbours = sum(atoms.unsaturated[j] for j, _ in atoms.bonds[i])
    if z == 6:
        if not orders or max(orders) == 2:
            return const.MILLER["CTE"]
        if 6 in orders or orders.count(4) == 2:
            return const.MILLER["CDI"]
        return const.MILLER["CBR"] if orders.count(3) == 3 else const.MILLER["CTR"]
    if z == 7:
        if 6 in orders or orders.count(4) == 2:
            return const.MILLER["NDI"]
        if 4 in orders or orders == [3, 3]:
            return const.MILLER["NTR2"]
        return const.MILLER["NPI2" if pi_neighbours else "NTE"]
    if z == 8:
        return const.MILLER["OTR4" if 4 in orders else "OPI2" if pi_neighbours > 1 else "OTE"]
    if z == 16:
        if 4 in orders:
            return const.MILLER["STR4" if len(orders) == 1 else "STE"]
        return const.MILLER["SPI2" if pi_neighbours > 1 else "STE"]
    if z == 14:
        return const.SILICON_POLARIZABILITY - const.SILICON_LOSS_PER_OXYGEN * atoms.beside(i).count(8)
    if z == 5:
        return const.BORON_POLARIZABILITY
    return const.MILLER[{9: "F", 15: "PTE", 17: "Cl", 35: "Br", 53: "I"}[z]]


def _exaltation(i: int, j: int, atoms: Atoms) -> float:
    """Extra polarisability of a single bond between two pi systems of carbon (Bruehl's and Eisenlohr's exaltation)."""
    carbons = atoms.numbers[i] == atoms.numbers[j] == 6
    return EXALTATION if carbons and not (atoms.is_carbonyl(i) or atoms.is_carbonyl(j)) else 0.0


def _rotor(i: int, j: int, atoms: Atoms) -> float:
    """Weight of one acyclic single bond as a freely rotating one."""
    numbers, degrees = atoms.numbers, [len(atoms.bonds[k]) for k in (i, j)]
    if degrees[0] + atoms.hydrogens[i] == 1 or degrees[1] + atoms.hydrogens[j] == 1:
        return 0.0  # a halogen has nothing to turn
    if 1 in degrees:
        return STIFF_TERMINAL if numbers[i] == numbers[j] == 6 else SOFT_TERMINAL
    if any(numbers[b] in (7, 8, 16) and atoms.is_carbonyl(a) for a, b in ((i, j), (j, i))):
        return RESONANT
    linear = 6 in atoms.orders[i] or 6 in atoms.orders[j]
    return CONJUGATED if linear or (atoms.unsaturated[i] and atoms.unsaturated[j]) else 1.0
