"""Parameters of the terms around silicon and boron, for which GAFF2 has none, from the Universal Force Field (UFF).

UFF: Rappe, Casewit, Colwell, Goddard and Skiff, J. Am. Chem. Soc. 114 (1992) 10024, as RDKit evaluates it. It types an
atom by element, hybridization and conjugation and computes its terms from the atoms' values, so it covers any pair.

Conversion to GAFF2's forms, in the same units (kcal/mol, Angstrom, radians; UFF's terms E = k/2 x^2):

- bond and angle: k = k_UFF / 2; r0 and theta0 as they are.
- torsion: UFF's barrier V, E = V/2 (1 - cos(n phi0) cos(n phi)), is shared by all torsions about the bond, GAFF2's k,
  E = k (1 + cos(n phi - phi0)), is one torsion's: k = V / 2 / (number of torsions).
- Lennard-Jones: sigma = x / 2^(1/6), x UFF's distance of the minimum; epsilon as it is.

UFF is cruder than GAFF2: Si-O-Si has UFF's tetrahedral oxygen, 104.5 degrees, though siloxanes are far wider.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers

from sim2real.chemistry.descriptors.gaff import HYDROGEN_WITHOUT_GAFF, TYPES_WITHOUT_GAFF
from sim2real.chemistry.descriptors.gaff_parameters import Parameters, Types
from sim2real.chemistry.descriptors.periodic import Graph
from sim2real.chemistry.structures import StructureError

Path = tuple[int, ...]

_FOREIGN = {*TYPES_WITHOUT_GAFF.values(), HYDROGEN_WITHOUT_GAFF}


def is_foreign(term: str, types: Types) -> bool:
    """Whether GAFF2 cannot cover the term; of a torsion only the middle bond counts, as in GAFF2's entries X-b-c-X."""
    return not _FOREIGN.isdisjoint(types[1:3] if term == "dihedral" else types)


def labelled_atoms(graph: Graph) -> tuple[Chem.Mol, list[int], list[int]]:
    """The cell with hydrogens as atoms, and the indices in it of the heavy atoms and of a hydrogen on each (or -1)."""
    cell = Chem.AddHs(graph.cell)
    around = [atom.GetNeighbors() for atom in list(cell.GetAtoms())[: len(graph)]]
    hydrogens = [min((n.GetIdx() for n in neighbours if n.GetAtomicNum() == 1), default=-1) for neighbours in around]
    return cell, list(range(len(graph))), hydrogens


def uff_parameters(cell: Chem.Mol, names: dict[int, str], term: str, paths: Counter[Path]) -> Iterator[tuple[Parameters, int]]:
    """UFF parameters, in GAFF2's forms, of the paths of one term that GAFF2 cannot cover, with their counts.

    ``cell`` is of :func:`labelled_atoms`; ``names`` are its atoms' types, for the reports; a path is the term's 1 to 4 atoms.

    Raises:
        StructureError: UFF has no parameters for a term.
    """
    for path, count in paths.items():
        types = tuple(names[atom] for atom in path)
        if is_foreign(term, types):
            label = f"{term} {'-'.join(min(types, types[::-1]))}"
            values = _values(cell, term, path)
            if values is None:
                raise StructureError(f"neither GAFF2 nor UFF has parameters for the {label}")
            yield Parameters(*values, f"{label}: UFF"), count


def _values(cell: Chem.Mol, term: str, path: Path) -> tuple[float, float] | None:
    if term == "dihedral":
        # RDKit gives no barrier about a bond of an sp atom, and UFF has none there: it is free
        barrier = rdForceFieldHelpers.GetUFFTorsionParams(cell, *path) or 0.0
        left, right = (cell.GetAtomWithIdx(atom).GetDegree() - 1 for atom in path[1:3])
        return barrier / 2 / (left * right), float("nan")
    if term == "atom":
        found = rdForceFieldHelpers.GetUFFVdWParams(cell, *path, *path)
        return found and (found[1], found[0] / 2 ** (1 / 6))
    # two equal hydrogens are one label, which serves as both: UFF's value depends on the atoms' types and bonds alone
    get = rdForceFieldHelpers.GetUFFBondStretchParams if term == "bond" else rdForceFieldHelpers.GetUFFAngleBendParams
    found = get(cell, *path)
    return found and (found[0] / 2, found[1])
