"""The graph of an infinite chain, or of a molecule: atoms, bonds, small rings and Gasteiger charges, without 3-D.

A polymer is closed on itself: the last atom of the repeat unit is bonded to the first atom of the same unit. Everything
read from this graph is local (neighbours, bond orders, conjugation, charges that travel along bonds), and a local rule
cannot tell the closed unit from the infinite chain. Rings and aromaticity are perceived in the open unit, so the
artificial ring is never seen and never searched for.

Why closed and not a long chain, measured on 200 repeat units drawn from the 1,077 of RadonPy (Hayashi et al., npj
Comput. Mater. 8 (2022) 222): the charges of the middle unit of a linear chain with hydrogen at its ends differ from the
closed unit's by up to 7e-3 (three units), 6e-4 (five) or 2e-5 (seven), and the whole descriptor of a linear ten-mer by
up to 0.03 in a number (60 units), while the closed unit's charges equal those of RadonPy's ring of ten to 1e-16.
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
    """Heavy atoms of one cell of the chain, with hydrogens as counts; every list has one entry per heavy atom.

    Attributes:
        atomic_numbers: elements.
        hydrogens: number of hydrogens on the atom.
        hybridizations: RDKit's hybridization, conjugation included.
        aromatic: aromatic in the MDL model (six-membered rings of C and N), in which RadonPy types atoms.
        bonds: ``(neighbour, order)`` per bond; order 1, 2, 3, or 1.5 for an MDL-aromatic bond.
        ring_sizes: sizes of the rings of 3 to 14 atoms the atom lies in.
        charges: Gasteiger charge of the heavy atom (elementary charges).
        hydrogen_charges: Gasteiger charge of each of its hydrogens; 0 where there is none.
        cell: RDKit's molecule of the closed cell, atoms in the same order, hydrogens implicit, rings not perceived.
    """

    atomic_numbers: list[int]
    hydrogens: list[int]
    hybridizations: list[Chem.HybridizationType]
    aromatic: list[bool]
    bonds: list[list[tuple[int, float]]]
    ring_sizes: list[frozenset[int]]
    charges: list[float]
    hydrogen_charges: list[float]
    cell: Chem.Mol

    def __len__(self) -> int:
        return len(self.atomic_numbers)

    def degree(self, atom: int) -> int:
        """Number of bonded atoms, hydrogens included."""
        return len(self.bonds[atom]) + self.hydrogens[atom]


def build_graph(mol: Chem.Mol) -> Graph:
    """The graph of the infinite chain of a repeat unit, or of a molecule.

    The cell is one repeat unit, or as many as give a backbone of four atoms, and an even number where a conjugated
    system may run through the bond between units (GAFF's alternating types then repeat after two units).

    Args:
        mol: as :func:`sim2real.chemistry.structures.parse` returns it, with two attachment points or none.

    Raises:
        StructureError: hydrogen alone, or Gasteiger's scheme has no parameters for an atom.
    """
    mol = _without_explicit_hydrogens(mol)
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
    inside = [
        (place[bond.GetBeginAtomIdx()], place[bond.GetEndAtomIdx()], bond.GetBondTypeAsDouble())
        for bond in unit.GetBonds()
        if bond.GetBeginAtomIdx() in place and bond.GetEndAtomIdx() in place
    ]
    bonds: list[list[tuple[int, float]]] = [[] for _ in range(copies * len(kept))]
    for shift in range(0, copies * len(kept), len(kept)):
        for begin, end, order in inside:
            bonds[shift + begin].append((shift + end, order))
            bonds[shift + end].append((shift + begin, order))
    links = _links(ends, place, copies)
    for tail, head in links:
        bonds[tail].append((head, 1.0))
        bonds[head].append((tail, 1.0))

    cell = _closed_cell(mol, copies, links, stars)
    atoms = list(cell.GetAtoms())
    charges = [atom.GetDoubleProp("_GasteigerCharge") for atom in atoms]
    hydrogens = [atom.GetTotalNumHs() for atom in atoms]
    hydrogen_charges = [atom.GetDoubleProp("_GasteigerHCharge") / count if count else 0.0 for atom, count in zip(atoms, hydrogens)]
    for atom, charge, hydrogen_charge in zip(atoms, charges, hydrogen_charges):
        if not (math.isfinite(charge) and math.isfinite(hydrogen_charge)):
            raise StructureError(
                f"{Chem.MolToSmiles(mol)!r} has no Gasteiger charges (around {atom.GetSymbol()}); "
                "expected bonding that Gasteiger and Marsili's scheme covers"
            )
    unit_aromatic = [unit.GetAtomWithIdx(index).GetIsAromatic() for index in kept]
    unit_rings = _small_rings(mol)
    return Graph(
        atomic_numbers=[atom.GetAtomicNum() for atom in atoms],
        hydrogens=hydrogens,
        hybridizations=[atom.GetHybridization() for atom in atoms],
        aromatic=unit_aromatic * copies,
        bonds=bonds,
        ring_sizes=[unit_rings[index] for index in kept] * copies,
        charges=charges,
        hydrogen_charges=hydrogen_charges,
        cell=cell,
    )


def _without_explicit_hydrogens(mol: Chem.Mol) -> Chem.Mol:
    # RDKit keeps hydrogens that carry double-bond stereo as atoms; hydrogens are counts here
    if any(atom.GetAtomicNum() == 1 for atom in mol.GetAtoms()):
        return Chem.RemoveAllHs(mol)
    return mol


def _number_of_copies(mol: Chem.Mol, ends: list[tuple[int, int]]) -> int:
    if not ends:
        return 1
    backbone = len(Chem.GetShortestPath(mol, ends[0][0], ends[1][0])) - 2
    copies = math.ceil(SMALLEST_CELL / backbone)
    if copies % 2 and all(_is_unsaturated(mol.GetAtomWithIdx(neighbour)) for _, neighbour in ends):
        copies += 1
    return copies


def _is_unsaturated(atom: Chem.Atom) -> bool:
    return any(bond.GetBondType() != Chem.BondType.SINGLE for bond in atom.GetBonds())


def _links(ends: list[tuple[int, int]], place: dict[int, int], copies: int) -> list[tuple[int, int]]:
    """Bonds between units, as (tail of a unit, head of the next), in cell numbering; none for a molecule."""
    if not ends:
        return []
    head, tail = (place[neighbour] for _, neighbour in ends)
    size = len(place)
    return [(copy * size + tail, (copy + 1) % copies * size + head) for copy in range(copies)]


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


def _small_rings(mol: Chem.Mol) -> list[frozenset[int]]:
    sizes: list[set[int]] = [set() for _ in range(mol.GetNumAtoms())]
    for ring in mol.GetRingInfo().AtomRings():
        if len(ring) <= LARGEST_RING:
            for atom in ring:
                sizes[atom].add(len(ring))
    return [frozenset(found) for found in sizes]
