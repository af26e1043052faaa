"""Polymers written as rings of repeat units, as some tables do so that a chain has no ends: back to one repeat unit."""

from __future__ import annotations

from rdkit import Chem

from sim2real.chemistry.structures import StructureError, structure_key

REPEATS = 10


class RingError(ValueError):
    """A structure that is no ring of equal repeat units."""


def unroll_ring(smiles: str, units: int = REPEATS) -> str:
    """One repeat unit (two ``*``, no stereochemistry) of a ring of ``units`` equal units, cut at every k-th single bond along it;
    no cycles are listed, whose number doubles with every arene. A :class:`RingError`: unreadable, no such ring, or units
    differ.
    """
    mol = Chem.MolFromSmiles(smiles, sanitize=False) if isinstance(smiles, str) else None
    if mol is None or mol.GetNumAtoms() == 0:
        raise RingError(f"{smiles!r} is not a readable SMILES")
    # double bonds along the ring have a direction that says nothing once it is cut
    Chem.RemoveStereochemistry(mol)
    for bond in mol.GetBonds():
        bond.SetBondDir(Chem.BondDir.NONE)
    cuts = _cuts(mol, units)
    step = len(cuts) // units
    found = {}
    for k in range(units):
        unit = _between(mol, cuts[k * step], cuts[(k + 1) * step % len(cuts)])
        try:
            found.setdefault(structure_key(unit), unit)
        except StructureError as error:
            raise RingError(f"{smiles!r}: no repeat unit can be cut out ({error})") from error
    if len(found) != 1:
        raise RingError(f"{smiles!r} is no ring of {units} equal units")
    return next(iter(found.values()))


def _cuts(mol: Chem.Mol, units: int) -> list[tuple[int, int]]:
    """The single bonds along the ring as (atom before, atom after), in order; their number is a multiple of ``units``."""
    best: list[int] = []
    Chem.FastFindRings(mol)
    waiting = {b.GetIdx() for b in mol.GetBonds() if b.IsInRing()}
    while waiting:
        bond = mol.GetBondWithIdx(min(waiting))
        opened = Chem.RWMol(mol)
        opened.RemoveBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
        Chem.FastFindRings(opened)
        # what was in a ring and no longer is: these bonds, two and two, hold the ring together
        ends = {_ends(b) for b in opened.GetBonds() if not b.IsInRing()}
        along = [b.GetIdx() for b in mol.GetBonds() if b.IsInRing() and _ends(b) in ends] + [bond.GetIdx()]
        waiting -= set(along)
        single = [k for k in along if mol.GetBondWithIdx(k).GetBondType() == Chem.BondType.SINGLE]
        if len(single) % units == 0 and len(single) > len(best):
            best = single
    if not best:
        raise RingError(f"{Chem.MolToSmiles(mol)!r} is no ring of {units} equal units")
    return _walk(mol, best)


def _ends(bond: Chem.Bond) -> tuple[int, int]:
    return tuple(sorted((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())))


def _walk(mol: Chem.Mol, bonds: list[int]) -> list[tuple[int, int]]:
    """The bonds in the order in which they follow each other around the ring."""
    pieces = Chem.GetMolFrags(Chem.FragmentOnBonds(mol, bonds, addDummies=False))
    piece = {atom: k for k, atoms in enumerate(pieces) for atom in atoms}
    left = [_ends(mol.GetBondWithIdx(k)) for k in bonds]
    order = [left.pop(0)]
    while left:
        here = piece[order[-1][1]]
        following = next(ends for ends in left if here in (piece[ends[0]], piece[ends[1]]))
        left.remove(following)
        order.append(following if piece[following[0]] == here else following[::-1])
    return order


def _between(mol: Chem.Mol, first: tuple[int, int], last: tuple[int, int]) -> str:
    """The unit from after the first bond to before the last one, with ``*`` in the place of the cut neighbours."""
    bonds = [mol.GetBondBetweenAtoms(*ends).GetIdx() for ends in (first, last)]
    cut = Chem.FragmentOnBonds(mol, bonds, dummyLabels=[(0, 0), (0, 0)])
    atoms = next(atoms for atoms in Chem.GetMolFrags(cut) if first[1] in atoms)
    return Chem.CanonSmiles(Chem.MolFragmentToSmiles(cut, atomsToUse=list(atoms)))
