"""RDKit's two-dimensional descriptors of a molecule or a short chain, all of the installed version but those in :data:`LEFT_OUT`.
The paper had 207 and kept the 135 that varied in its data.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rdkit
from rdkit import Chem
from rdkit.Chem import Descriptors, rdMolDescriptors
from rdkit.Chem.rdPartialCharges import ComputeGasteigerCharges

from sim2real.chemistry.descriptors.base import Described, StructureDescriptor
from sim2real.chemistry.structures import StructureError, oligomer, parse

# Ipc and AvgIpc need a characteristic polynomial (up to 0.2 s for three units of the RadonPy set) and Ipc reaches
# 1e92. BertzCT and SPS are complexity scores and qed a drug-likeness made of descriptors that stay in: these three took
# a third of the remaining time, and SPS fails on some chains of cis and trans units.
LEFT_OUT = ("AvgIpc", "BertzCT", "Ipc", "SPS", "qed")

LIMIT = 1e6  # far above every value met in the data of this project, far below the largest float32

_CHARGED = {1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 35, 53}  # elements that have charges in their usual bonding

_FUNCTIONS: dict[str, Callable[[Chem.Mol], float]] = {k: f for k, f in Descriptors.descList if k not in LEFT_OUT}
_ESTATE: dict[str, Callable[[np.ndarray], float]] = {
    "MaxAbsEStateIndex": lambda indices: np.abs(indices).max(),
    "MaxEStateIndex": np.max,
    "MinAbsEStateIndex": lambda indices: np.abs(indices).min(),
    "MinEStateIndex": np.min,
}
# RDKit computes these whole; asked for one by one, each family would be computed 10 to 14 times
_FAMILIES = {name: getattr(rdMolDescriptors, f"{name}_") for name in ("PEOE_VSA", "SMR_VSA", "SlogP_VSA")}
# the others grow in proportion to the chain: from 2 to 4 units their median ratio is 2, of these 1 (FpDensity 0.5)
_INTENSIVE = ("BCUT2D", "BalabanJ", "FpDensity", "FractionCSP3", "HeavyAtomCount", "Max", "Min")
_GROWS = np.array([not name.startswith(_INTENSIVE) for name in _FUNCTIONS])


class MolecularDescriptor(StructureDescriptor):
    """RDKit descriptors of SMILES without stereochemistry: molecules, or repeat units as a chain of ``units`` capped with
    hydrogen. Without charges by Gasteiger and Marsili's scheme (selenium, tin, iron) there is no vector.

    ``fit`` drops constant columns. A number RDKit cannot give is 0, and all are cut to +-1e6. ``per_atom`` divides numbers that
    grow with the chain (all but HeavyAtomCount) by the heavy atoms, so that they hardly depend on how long a unit was written.
    """

    name = "molecular"
    sources = ("structures.py", "descriptors/molecular.py")

    def __init__(self, units: int = 2, *, per_atom: bool = True, n_jobs: int = 1, cache_dir: str | Path | None = None) -> None:
        super().__init__(n_jobs=n_jobs, cache_dir=cache_dir)
        self.units = units
        self.per_atom = per_atom

    def _names(self) -> list[str]:
        return list(_FUNCTIONS)

    def _signature(self) -> dict[str, Any]:
        return {"units": self.units, "per_atom": self.per_atom, "rdkit": rdkit.__version__}

    def _describe(self, structure: str) -> Described:
        mol = Chem.Mol(oligomer(parse(structure), self.units))
        check_charges(mol)
        Chem.RemoveStereochemistry(mol)
        # RDKit's EState descriptors look here before they compute the indices again, by a slow loop
        indices = mol._eStateIndices = estate_indices(mol)
        values = {name: function(indices) for name, function in _ESTATE.items()}
        for family, function in _FAMILIES.items():
            values |= {f"{family}{k}": value for k, value in enumerate(function(mol), start=1)}
        vector = np.array([values[name] if name in values else _value(f, mol) for name, f in _FUNCTIONS.items()])
        if self.per_atom:
            vector[_GROWS] /= mol.GetNumHeavyAtoms() or 1  # molecular hydrogen has none
        return Described(np.clip(np.nan_to_num(vector, nan=0.0, posinf=0.0, neginf=0.0), -LIMIT, LIMIT))

    def _choose_columns(self, vectors: np.ndarray) -> np.ndarray:
        return np.flatnonzero(np.ptp(vectors, axis=0) > 0)


def check_charges(mol: Chem.Mol) -> None:
    """Raise a StructureError that names the elements for which RDKit has no Gasteiger charges. Of these a tenth of its descriptors
    are made: it would give nought, and put the whole surface into one of them.
    """
    unknown = [atom for atom in mol.GetAtoms() if atom.GetAtomicNum() not in _CHARGED]
    if unknown:
        ComputeGasteigerCharges(mol)
        if without := {a.GetSymbol() for a in unknown if not np.isfinite(a.GetDoubleProp("_GasteigerCharge"))}:
            raise StructureError(f"no Gasteiger charges for {', '.join(sorted(without))}")


def _value(function: Callable[[Chem.Mol], float], mol: Chem.Mol) -> float:
    try:
        return float(function(mol))
    except (ArithmeticError, LookupError, RuntimeError, ValueError):  # RDKit's descriptors share no error class
        return np.nan


def estate_indices(mol: Chem.Mol) -> np.ndarray:
    """(atoms,) electrotopological states (Hall, Mohney and Kier, J. Chem. Inf. Comput. Sci. 31, 76, 1991): the intrinsic ((2/N)^2
    v + 1) / d, with N the principal quantum number, v valence electrons less hydrogens and d neighbours, plus the differences
    to all other atoms over the squared number of atoms on the path.
    """
    table = Chem.GetPeriodicTable()
    intrinsic = np.zeros(mol.GetNumAtoms())
    for k, atom in enumerate(mol.GetAtoms()):
        degree = atom.GetDegree()
        if degree:
            number = atom.GetAtomicNum()
            shell = 1 + sum(number > noble_gas for noble_gas in (2, 10, 18, 36, 54, 86))
            electrons = table.GetNOuterElecs(number) - atom.GetTotalNumHs()
            intrinsic[k] = (4 / shell**2 * electrons + 1) / degree
    path = Chem.GetDistanceMatrix(mol) + 1
    return intrinsic + ((intrinsic[:, None] - intrinsic[None, :]) / path**2).sum(axis=1)
