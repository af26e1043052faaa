"""RESP charges of a small molecule by the program Psi4: an electrostatic potential by HF/6-31G*, fitted with restraints.

Bayly, Cieplak, Cornell & Kollman, J. Phys. Chem. 97, 10269 (1993): charges of atoms that reproduce the potential around a molecule,
those of heavy atoms drawn to zero by a hyperbola, in two stages. Points lie on four shells around the atoms, one in a square
Angstrom: Singh & Kollman, J. Comput. Chem. 5, 129 (1984). Psi4 1.3.2 (Debian) was used; it is not on PyPI.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rdkit import Chem

from sim2real.chemistry.simulators.md.programs import MDError, run_program

SHELLS = (1.4, 1.6, 1.8, 2.0)
WEAK, STRONG, TIGHT = 0.0005, 0.001, 0.1  # atomic units: weight of the restraint in either stage, and width of its hyperbola
BOHR = 0.529177210903  # Angstrom, CODATA 2018
CONVERGED, ROUNDS = 1e-7, 200
# Angstrom; Singh and Kollman's, and those of GAMESS for the elements that they do not list, as the plugin resp of Psi4 quotes them
_RADIUS = {1: 1.20, 5: 1.45, 6: 1.50, 7: 1.50, 8: 1.40, 9: 1.35, 15: 1.80, 16: 1.75, 17: 1.70}


def resp_charges(mol: Chem.Mol, folder: Path, seconds: float = 0) -> np.ndarray:
    """Charges (elementary charges) of the atoms of a closed-shell molecule at its conformer, of shape (atoms,).

    Psi4 runs in ``folder``, for at most ``seconds`` (0: no limit). An :class:`MDError` where it stops, and for an element without
    radius.
    """
    elements = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    if unknown := sorted({a.GetSymbol() for a in mol.GetAtoms() if a.GetAtomicNum() not in _RADIUS}):
        raise MDError(f"no radius for RESP charges of {', '.join(unknown)}; choose Gasteiger charges")
    places = mol.GetConformer().GetPositions()
    points = shells(elements, places)
    folder.mkdir(exist_ok=True)
    np.savetxt(folder / "grid.dat", points, "%.10f")
    atoms = [f"{atom.GetSymbol()} {x:.10f} {y:.10f} {z:.10f}" for atom, (x, y, z) in zip(mol.GetAtoms(), places)]
    lines = ["molecule {", f"{Chem.GetFormalCharge(mol)} 1", *atoms, "units angstrom\nno_reorient\nno_com\nsymmetry c1\n}"]
    lines += ["set basis 6-31G*\nset scf_type df", "energy, wfn = energy('scf', return_wfn=True)", "oeprop(wfn, 'GRID_ESP')", ""]
    (folder / "psi4.in").write_text("\n".join(lines), "utf-8")
    status, said = run_program(["psi4", "-n", "1", "psi4.in", "psi4.out"], folder, seconds)
    if status:
        raise MDError(f"Psi4 ended with status {status}: {said.splitlines()[-1] if said else 'see psi4.out'}")
    return fit(mol, points / BOHR, np.loadtxt(folder / "grid_esp.dat"))


def shells(elements: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Points (n, 3) around atoms at ``places`` (atoms, 3), in Angstrom, on spheres and outside of every other one."""
    radius, points = np.array([_RADIUS[number] for number in elements]), []
    for scale in SHELLS:
        for k, own in enumerate(scale * radius):
            on = places[k] + own * _sphere(int(4 * np.pi * own**2))
            apart = np.linalg.norm(on[:, None] - places, axis=2) - scale * radius
            points.append(on[np.delete(apart, k, axis=1).min(axis=1, initial=np.inf) >= 0])
    return np.concatenate(points)


def _sphere(n: int) -> np.ndarray:
    """At most ``n`` points of the unit sphere (points, 3) in rings about as far apart as the points in each, as GAMESS has them."""
    equator = int(np.sqrt(np.pi * n))
    tilts = np.pi * np.arange(equator // 2 + 1) / (equator // 2)
    rings = [(tilt, 2 * np.pi * np.arange(k) / k) for tilt in tilts for k in [max(1, int(equator * np.sin(tilt) + 1e-9))]]
    return np.concatenate(
        [np.column_stack([np.sin(a) * np.cos(turn), np.sin(a) * np.sin(turn), np.full(len(turn), np.cos(a))]) for a, turn in rings]
    )[:n]


def fit(mol: Chem.Mol, points: np.ndarray, potential: np.ndarray) -> np.ndarray:
    """Charges by the potential (n,) at points (n, 3), in atomic units, in two stages.

    In the first all atoms are fitted, with a weak restraint; in the second carbons with four neighbours and a hydrogen, and their
    hydrogens, with a stronger one. Atoms that are alike in the molecule's graph have one charge, those hydrogens in the second
    stage only.
    """
    inverse = 1 / np.linalg.norm(points[:, None] - mol.GetConformer().GetPositions() / BOHR, axis=2)
    again = {number for match in mol.GetSubstructMatches(Chem.MolFromSmarts("[CX4][#1]")) for number in match}
    plain = Chem.Mol(mol)
    for atom in plain.GetAtoms():
        atom.SetIsotope(0)
    alike = list(Chem.CanonicalRankAtoms(plain, breakTies=False, includeChirality=False))
    heavy = np.array([atom.GetAtomicNum() > 1 for atom in mol.GetAtoms()])
    unit, first = np.eye(len(alike)), [alike.index(rank) for rank in alike]
    total = [(np.ones(len(alike)), float(Chem.GetFormalCharge(mol)))]
    equal = {k: (unit[k] - unit[of], 0.0) for k, of in enumerate(first) if k != of}
    charges = _restrained(inverse, potential, WEAK * heavy, total + [row for k, row in equal.items() if k not in again])
    if again:
        fixed = [(unit[k], charges[k]) for k in range(len(alike)) if k not in again]
        charges = _restrained(inverse, potential, STRONG * heavy, total + [row for k, row in equal.items() if k in again] + fixed)
    return charges


def _restrained(
    inverse: np.ndarray, potential: np.ndarray, weights: np.ndarray, rows: list[tuple[np.ndarray, float]]
) -> np.ndarray:
    """Charges by least squares with restraints, such that each row times them is its value: Lagrange's equations, iterated."""
    held, values = np.array([row for row, _ in rows]), np.array([value for _, value in rows])
    normal, right = inverse.T @ inverse, np.concatenate([inverse.T @ potential, values])
    charges = np.zeros(len(normal))
    for _ in range(ROUNDS):
        drawn = normal + np.diag(weights / np.sqrt(charges**2 + TIGHT**2))
        system = np.block([[drawn, held.T], [held, np.zeros((len(rows), len(rows)))]])
        before, charges = charges, np.linalg.solve(system, right)[: len(normal)]
        if np.abs(charges - before).max() < CONVERGED:
            return charges
    raise MDError(f"RESP charges did not converge in {ROUNDS} rounds")
