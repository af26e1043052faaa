"""RESP charges: the fit against a slow twin and against published charges, and the program Psi4 where it is installed."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from rdkit import Chem
from scipy.optimize import minimize

from sim2real.chemistry.simulators.md import programs
from sim2real.chemistry.simulators.md.programs import MDError
from sim2real.chemistry.simulators.md.resp import BOHR, STRONG, TIGHT, WEAK, fit, resp_charges, shells

PLACES = """C 1.45051389 -0.06628932 0.0
H 1.75521613 -0.62865986 -0.87500146
H 1.75521613 -0.62865986 0.87500146
H 1.92173244 0.90485897 0.0
C -0.04233122 0.09849378 0.0
O -0.67064817 -1.07620915 0.0
H -1.60837259 -0.91016601 0.0
O -0.62675864 1.13160510 0.0"""
# acetic acid at those places by R.E.D. III.5 with GAMESS, HF/6-31G*, both stages: tests of the plugin resp of Psi4
# (github.com/cdsgroup/resp, resp/tests/test_resp.py; Alenaizan et al., Int. J. Quantum Chem. 120, e26035 (2020))
FIRST = [-0.294974, 0.107114, 0.107114, 0.084795, 0.803999, -0.661279, 0.453270, -0.600039]
PUBLISHED = [-0.290893, 0.098314, 0.098314, 0.098314, 0.803999, -0.661279, 0.453270, -0.600039]


@pytest.fixture(scope="module")
def acid():
    mol = Chem.AddHs(Chem.MolFromSmiles("CC(=O)O"))
    # as the places are ordered: C, three H, C, O, H, O
    mol = Chem.RenumberAtoms(mol, [0, 4, 5, 6, 1, 3, 7, 2])
    conformer = Chem.Conformer(8)
    conformer.SetPositions(np.array([line.split()[1:] for line in PLACES.splitlines()], float))
    mol.AddConformer(conformer)
    return mol


def around(mol):
    places = mol.GetConformer().GetPositions()
    elements = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    return elements, places, shells(elements, places)


def test_points_lie_on_four_shells_and_outside_of_all_atoms(acid):
    elements, places, points = around(acid)
    radius = np.array([{1: 1.2, 6: 1.5, 8: 1.4}[number] for number in elements])
    nearest = (np.linalg.norm(points[:, None] - places, axis=2) / radius).min(axis=1)
    assert sorted(set(nearest.round(6))) == [1.4, 1.6, 1.8, 2.0]
    # about one in a square Angstrom
    alone = shells(np.array([8]), np.zeros((1, 3)))
    assert len(alone) == pytest.approx(4 * np.pi * 1.4**2 * (1.4**2 + 1.6**2 + 1.8**2 + 2**2), rel=0.2)


def test_the_fit_is_that_of_a_slow_twin(acid):
    """A potential that no charges of atoms explain; the twin minimises the same sum by a general optimiser."""
    elements, places, points = around(acid)
    inverse = BOHR / np.linalg.norm(points[:, None] - places, axis=2)
    potential = inverse @ FIRST + 0.002 * np.sin(3 * points[:, 0])

    def twin(weight, constraints, start):
        def loss(charges):
            hyperbola = np.sqrt(charges[elements > 1] ** 2 + TIGHT**2) - TIGHT
            return 100 * (((potential - inverse @ charges) ** 2).sum() / 2 + weight * hyperbola.sum())

        held = [{"type": "eq", "fun": constraint} for constraint in [np.sum, *constraints]]
        return minimize(loss, start, constraints=held, options={"ftol": 1e-14, "maxiter": 500}).x

    first = twin(WEAK, [], np.array(FIRST))
    equal = [lambda q: q[1] - q[2], lambda q: q[1] - q[3]]
    second = twin(STRONG, equal + [lambda q, k=k: q[k] - first[k] for k in range(4, 8)], first)
    assert fit(acid, points / BOHR, potential) == pytest.approx(second, abs=1e-4)
    # the restraint and the equal hydrogens do something
    assert np.abs(second - first).max() > 0.005


def test_atoms_that_are_alike_have_one_charge_and_linkers_are_hydrogens():
    toluene = Chem.AddHs(Chem.MolFromSmiles("[3H]Cc1ccccc1"))  # 0 is the linker, 2 to 7 are the ring
    Chem.rdDistGeom.EmbedMolecule(toluene, randomSeed=0)
    _, _, points = around(toluene)
    charges = fit(toluene, points / BOHR, 0.01 * np.cos(points[:, 1]))
    assert abs(charges.sum()) < 1e-9
    methyl = [a.GetIdx() for a in toluene.GetAtomWithIdx(1).GetNeighbors() if a.GetAtomicNum() == 1]
    assert 0 in methyl and charges[methyl] == pytest.approx(charges[[0] * 3], abs=1e-9)
    assert charges[3] == pytest.approx(charges[7], abs=1e-9) != charges[4]  # both ortho, and a meta


def test_an_element_without_radius_is_said(tmp_path):
    mol = Chem.AddHs(Chem.MolFromSmiles("CI"))
    Chem.rdDistGeom.EmbedMolecule(mol, randomSeed=0)
    with pytest.raises(MDError, match="no radius for RESP charges of I; choose Gasteiger charges"):
        resp_charges(mol, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("psi4"), reason="not installed: apt-get install psi4")
def test_acetic_acid_has_the_published_charges(acid, tmp_path):
    assert resp_charges(acid, tmp_path) == pytest.approx(PUBLISHED, abs=5e-4)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("psi4"), reason="not installed: apt-get install psi4")
def test_what_stops_psi4_is_said(acid, tmp_path):
    odd = Chem.RWMol(acid)
    odd.RemoveAtom(6)  # an odd number of electrons is no closed shell
    with pytest.raises(MDError, match="Psi4 ended with status"):
        resp_charges(odd, tmp_path)


def test_psi4_asked_for_its_version_leaves_nothing_behind(monkeypatch, tmp_path):
    program = tmp_path / "bin" / "psi4"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\ntouch timer.dat\necho 1.3.2\n")  # as Psi4 does
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(programs, "_PACKAGES", ())
    monkeypatch.chdir(tmp_path)
    assert programs.versions(psi4=True) == {"psi4": "1.3.2"}
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]
