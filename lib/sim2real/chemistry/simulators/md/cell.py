"""A packed cell of polymer chains with a force field, by RadonPy: what molecular dynamics starts from.

The force field is GAFF2_mod as RadonPy assigns it (Hayashi et al., npj Comput. Mater. 8, 222 (2022), after Wang et al., J. Comput.
Chem. 25, 1157 (2004)). Charges are those of Gasteiger & Marsili, Tetrahedron 36, 3219 (1980), of the whole chain; or RESP charges
of the repeat unit and of the end, closed by hydrogens whose charges go to the atoms that are bound. Those are of one conformer by
MMFF94; RadonPy's own are of the best of many by density functionals.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rdkit import Chem
from rdkit.Chem.rdDistGeom import EmbedMolecule
from rdkit.Chem.rdForceFieldHelpers import MMFFOptimizeMolecule

from sim2real.chemistry.simulators.constants import ATOMIC_MASS
from sim2real.chemistry.simulators.md.programs import MDError, package
from sim2real.chemistry.simulators.md.resp import resp_charges
from sim2real.chemistry.structures import parse

CHARGES = GASTEIGER, RESP = "gasteiger", "resp"
# g/mol of a hydrogen after repartitioning: three times its own, which its heavy atom gives, so that totals stay
HEAVY_HYDROGEN = 3 * ATOMIC_MASS[1]
START_DENSITY = 0.05  # g/cm3, at which chains are placed without overlap


@dataclass(frozen=True)
class Size:
    """How much is simulated of a polymer: chains, atoms in each, and picoseconds of the protocol's three parts."""

    chains: int
    atoms: int
    squeeze: float  # the first 20 of the 21 steps
    settle: float  # the last one, at 300 K and 1 atm
    sample: float  # then, of which averages are taken


CELLS = {"small": Size(3, 215, 100, 100, 100), "paper": Size(10, 1000, 760, 800, 5000)}


def charge_monomers(smiles: str, seed: int, folder: Path, seconds: float = 0) -> list[list[float]]:
    """RESP charges of the repeat unit's atoms and of the end's, by Psi4, which may take ``seconds`` for each (0: no limit).

    Its files stay in ``folder``. An :class:`MDError` where there is no conformer, no radius for an element, or Psi4 stops.
    """
    charges = []
    with _in_one_line():
        for name, mol in zip(("unit", "end"), _monomers(smiles, seed)):
            MMFFOptimizeMolecule(mol, maxIters=2000)
            charges.append(resp_charges(mol, folder / f"psi4-{name}", seconds).tolist())
    return charges


def build_cell(smiles: str, size: Size, seed: int, path: Path, charges: list[list[float]] | None = None) -> dict[str, float]:
    """Write a LAMMPS data file of atactic chains, ended by methyl groups, at :data:`START_DENSITY`.

    Units are as many as come nearest to ``size.atoms``, at least two; a chain grows as a random walk that avoids itself. Heavy
    atoms have given mass to their hydrogens. ``charges`` are those of :func:`charge_monomers`, or Gasteiger's if None.

    Returns:
        units (a chain), atoms and mass (g/mol) of the cell.

    Raises:
        MDError: no conformer, chain or cell was found, or the force field lacks a type for an atom, a bond or an angle.
    """
    poly = package("radonpy.core.poly")
    np.random.seed(seed)  # noqa: NPY002  (RadonPy draws from the global generators)
    random.seed(seed)
    with _in_one_line():
        unit, end = _monomers(smiles, seed)
        for mol, of in zip((unit, end), charges or ()):
            for atom, charge in zip(mol.GetAtoms(), of, strict=True):
                atom.SetDoubleProp("AtomicCharge", charge)
        units = max(2, poly.calc_n_from_num_atoms(unit, size.atoms, terminal1=end))
        chain = poly.terminate_rw(poly.polymerize_rw(unit, units, tacticity="atactic"), end)
        typed = package("radonpy.ff.gaff2_mod").GAFF2_mod().ff_assign(chain, charge=None if charges else GASTEIGER)
        if not typed:
            raise MDError(f"GAFF2_mod has no parameters for {_untyped(chain)}")
        cell = poly.amorphous_cell(chain, size.chains, density=START_DENSITY)
        _name_types_by_hydrogens(cell)
        package("radonpy.sim.lammps").MolToLAMMPSdata(cell, str(path), velocity=False)
    path.write_text(_repartitioned(path.read_text("utf-8")), "utf-8")
    return {"units": units, "atoms": cell.GetNumAtoms(), "mass": sum(atom.GetMass() for atom in cell.GetAtoms())}


def _monomers(smiles: str, seed: int) -> list[Chem.Mol]:
    """The repeat unit and a methyl group as RadonPy has them, closed by hydrogens, each with one conformer."""
    package("radonpy.core.const").print_level = 3  # of its messages those that are errors, which it raises
    read = package("radonpy.core.utils").mol_from_smiles
    mols = [read(text) for text in (Chem.MolToSmiles(parse(smiles)), "*C")]
    for mol in mols:
        EmbedMolecule(mol, randomSeed=seed)  # again: RadonPy's own coordinates depend on what was embedded before
    return mols


@contextmanager
def _in_one_line() -> Iterator[None]:
    try:
        yield
    except (package("radonpy.core.utils").RadonPyError, ValueError, AttributeError, IndexError, RuntimeError) as error:
        raise MDError(str(error).splitlines()[0] if str(error) else type(error).__name__) from error


def _untyped(chain: Chem.Mol) -> str:
    atoms = sorted({atom.GetSymbol() for atom in chain.GetAtoms() if not atom.HasProp("ff_type")})
    return f"atoms of {', '.join(atoms)}" if atoms else "a bond, an angle or a torsion of it"


def _name_types_by_hydrogens(cell: Chem.Mol) -> None:
    """LAMMPS has one mass a type: heavy atoms of one type that differ in hydrogens become several types of one name each."""
    for atom in cell.GetAtoms():
        hydrogens = sum(other.GetAtomicNum() == 1 for other in atom.GetNeighbors())
        own = "H" if atom.GetAtomicNum() == 1 else str(hydrogens)
        atom.SetProp("ff_type", f"{atom.GetProp('ff_type')}-{own}")


def _repartitioned(data: str) -> str:
    """A data file with masses as its types' names tell: each hydrogen of :data:`HEAVY_HYDROGEN`, taken from its heavy atom."""

    def mass(row: re.Match) -> str:
        gained = 1 if row[4] == "H" else -int(row[4])
        return f"{row[1]}{float(row[2]) + gained * (HEAVY_HYDROGEN - ATOMIC_MASS[1]):.4f}{row[3]}{row[4]}"

    masses, rest = data.split("Pair Coeffs", 1)
    return re.sub(r"^(\s*\d+\t)([\d.]+)(\t# \S+-)(H|\d+)", mass, masses, flags=re.MULTILINE) + "Pair Coeffs" + rest
