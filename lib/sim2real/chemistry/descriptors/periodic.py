"""The graph of an infinite chain, or of a molecule: atoms, bonds, small rings and Gasteiger charges, without 3-D.

A polymer is closed on itself: the last atom of the repeat unit is bonded to the first atom of the same unit. Everything
read from this graph is local (neighbours, bond orders, conjugation, charges that travel along bonds), and a local rule
cannot tell the closed unit from the infinite chain. Rings and aromaticity are perceived in the open unit, so the
artificial ring is never seen and never searched for.

Why closed and not a long chain, measured on 200 of RadonPy's 1,077 repeat units (Hayashi et al., npj Comput. Mater. 8
(2022) 222): the charges of the middle unit of a linear chain differ from the closed unit's by up to 7e-3 (three units)
or 2e-5 (seven), the descriptor of a linear ten-mer by up to 0.03; those of RadonPy's ring of ten by 1e-16.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rdkit import Chem
from rdkit.Chem.rdPartialCharges import ComputeGasteigerCharges

from sim2real.chemistry.structures import StructureError, attachment_indices

LARGEST_RING = 14  # RadonPy 0.2.11 (BSD-3) takes an atom for a ring atom if it lies in a ring of 3 to 14 atoms
SMALLEST_CELL = 4  # backbone atoms of the closed cell: with four, the ends of a torsion are different atoms
SP, SP2, SP3 = Chem.HybridizationType.SP, Chem.HybridizationType.SP2, Chem.HybridizationType.SP3


@dataclass(frozen=True, slots=True)
class Graph:
    """Heavy atoms of one cell of the chain, with hydrogens as counts; every list has one entry per heavy atom."""

    atomic_numbers: list[int]
    hydrogens: list[int]  # how many are on the atom
    hybridizations: list[Chem.HybridizationType]  # RDKit's, conjugation included
    aromatic: list[bool]  # in the MDL model (six-membered rings of C and N), in which RadonPy types atoms
    bonds: list[list[tuple[int, float]]]  # (neighbour, order); order 1, 2, 3, or 1.5 for an MDL-aromatic bond
    ring_sizes: list[frozenset[int]]  # of the rings of 3 to 14 atoms the atom lies in
    charges: list[float]  # Gasteiger's, in elementary charges
    hydrogen_charges: list[float]  # of each of its hydrogens; 0 where there is none
    cell: Chem.Mol  # RDKit's closed cell, atoms in the same order, hydrogens implicit, rings not perceived

    def __len__(self) -> int:
        return len(self.atomic_numbers)

    def degree(self, atom: int) -> int:
        """Number of bonded atoms, hydrogens included."""
        return len(self.bonds[atom]) + self.hydrogens[atom]


def build_graph(mol: Chem.Mol) -> Graph:
    """The graph of the infinite chain of a repeat unit, or of a molecule.

    The cell is one repeat unit, or as many as give a backbone of four atoms, and an even number where a conjugated
    system may run through the bond between units (GAFF's alternating types then repeat after two units).

    Raises:
        StructureError: hydrogen alone, or Gasteiger's scheme has no parameters for an atom.
    """
    # RDKit keeps hydrogens that carry double-bond stereo as atoms; hydrogens are counts here
    if any(atom.GetAtomicNum() == 1 for atom in mol.GetAtoms()):
        mol = Chem.RemoveAllHs(mol)
    if mol.GetNumAtoms() == 0:
        raise StructureError("the structure is hydrogen alone; expected at least one heavier atom")
    unit = Chem.Mol(mol)
    Chem.Kekulize(unit, clearAromaticFlags=True)
    Chem.SetAromaticity(unit, Chem.AromaticityModel.AROMATICITY_MDL)
    ends = attachment_indices(mol)
    stars = {star for star, _ in ends}
    kept = [index for index in range(mol.GetNumAtoms()) if index not in stars]
    place = {index: position for position, index in enumerate(kept)}
    copies = _number_of_copies(mol, ends)
    size = len(kept)
    bonds: list[list[tuple[int, float]]] = [[] for _ in range(copies * size)]
    for bond in unit.GetBonds():
        begin, end, order = place.get(bond.GetBeginAtomIdx()), place.get(bond.GetEndAtomIdx()), bond.GetBondTypeAsDouble()
        if begin is not None and end is not None:
            for shift in range(0, copies * size, size):
                bonds[shift + begin].append((shift + end, order))
                bonds[shift + end].append((shift + begin, order))
    links = []  # bonds between units, as (tail of a unit, head of the next); none for a molecule
    if ends:
        head, tail = (place[neighbour] for _, neighbour in ends)
        links = [(copy * size + tail, (copy + 1) % copies * size + head) for copy in range(copies)]
    for tail, head in links:
        bonds[tail].append((head, 1.0))
        bonds[head].append((tail, 1.0))

    cell = _closed_cell(mol, copies, links, stars)
    atoms = list(cell.GetAtoms())
    charges = [atom.GetDoubleProp("_GasteigerCharge") for atom in atoms]
    hydrogens = [atom.GetTotalNumHs() for atom in atoms]
    hydrogen_charges = [atom.GetDoubleProp("_GasteigerHCharge") / count if count else 0.0 for atom, count in zip(atoms, hydrogens)]
    for atom, charge, hydrogen_charge in zip(atoms, charges, hydrogen_charges):
        if not math.isfinite(charge + hydrogen_charge):
            raise StructureError(f"no Gasteiger charges around {atom.GetSymbol()}")
    rings = [ring for ring in mol.GetRingInfo().AtomRings() if len(ring) <= LARGEST_RING]
    return Graph(
        atomic_numbers=[atom.GetAtomicNum() for atom in atoms],
        hydrogens=hydrogens,
        hybridizations=[atom.GetHybridization() for atom in atoms],
        aromatic=[unit.GetAtomWithIdx(index).GetIsAromatic() for index in kept] * copies,
        bonds=bonds,
        ring_sizes=[frozenset(len(ring) for ring in rings if index in ring) for index in kept] * copies,
        charges=charges,
        hydrogen_charges=hydrogen_charges,
        cell=cell,
    )


def _number_of_copies(mol: Chem.Mol, ends: list[tuple[int, int]]) -> int:
    if not ends:
        return 1
    backbone = len(Chem.GetShortestPath(mol, ends[0][0], ends[1][0])) - 2
    copies = math.ceil(SMALLEST_CELL / backbone)
    bonds = [mol.GetAtomWithIdx(neighbour).GetBonds() for _, neighbour in ends]
    unsaturated = all(any(bond.GetBondType() != Chem.BondType.SINGLE for bond in around) for around in bonds)
    return copies + 1 if copies % 2 and unsaturated else copies


def _closed_cell(mol: Chem.Mol, copies: int, links: list[tuple[int, int]], stars: set[int]) -> Chem.RWMol:
    """RDKit's molecule of the cell, with conjugation, hybridization and charges but without ring perception."""
    cell = Chem.RWMol(mol)
    for _ in range(copies - 1):
        cell.InsertMol(mol)
    if links:
        size = mol.GetNumAtoms()
        for index in sorted((copy * size + star for copy in range(copies) for star in stars), reverse=True):
            # the attachment point's bond is replaced by the link: a hydrogen must not take its place meanwhile
            cell.RemoveAtom(index)
        for tail, head in links:
            cell.AddBond(tail, head, Chem.BondType.SINGLE)
        cell.UpdatePropertyCache(strict=False)
        Chem.SetConjugation(cell)
        Chem.SetHybridization(cell)
    ComputeGasteigerCharges(cell)
    return cell
