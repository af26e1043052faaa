"""Morgan fingerprints: of infinite chains, and of repeat units with their attachment points."""

from __future__ import annotations

from collections.abc import Sequence

from rdkit import Chem, DataStructs
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

from sim2real.chemistry.structures import attachment_indices, oligomer, parse
from sim2real.chemistry.texts import listed

RADIUS, BITS = 2, 2048


def chain_fingerprint(smiles: str) -> DataStructs.ExplicitBitVect:
    """Morgan fingerprint of a molecule, or of one unit inside an infinite chain: no environment sees an end or a ``*``, and the
    bits do not depend on where the chain was cut, on its direction, or on how many repeats were written.
    """
    mol = Chem.Mol(parse(smiles))
    Chem.RemoveStereochemistry(mol)
    generator = GetMorganGenerator(radius=RADIUS, fpSize=BITS, includeRedundantEnvironments=True)
    ends = attachment_indices(mol)
    if not ends:
        return generator.GetFingerprint(mol)
    (head, _), (tail, _) = ends
    backbone = len(Chem.GetShortestPath(mol, head, tail)) - 2
    flank = -(-(RADIUS + 1) // backbone)
    size = mol.GetNumAtoms() - 2  # the oligomer keeps the order of atoms, without attachment points
    chain = oligomer(mol, 2 * flank + 1)
    return generator.GetFingerprint(chain, fromAtoms=list(range(flank * size, (flank + 1) * size)))


def fingerprints(smiles: Sequence[str]) -> list[DataStructs.ExplicitBitVect]:
    """Morgan fingerprints of repeat units, in which the attachment points are atoms: of units as they are written."""
    generator = GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    return [generator.GetFingerprint(parse(text)) for text in listed(smiles)]
