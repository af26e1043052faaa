"""Mistakes that people make: each is answered in one line that says what to do, and by an exit status that is not 0."""

from __future__ import annotations

import re
import subprocess

import numpy as np
import pandas as pd
import pytest

import sim2real
from sim2real.__main__ import main
from sim2real.datasets.paths import ROOT
from sim2real.datasets.tables import read_table
from sim2real.datasets.task import DataWarning

SIDE = 'structure = "smiles", value = "rho", unit = "g/cm3" }'
TOML = f"""[d]
property = "density"
kind = "polymer"
source = {{ file = "local/sim.csv", {SIDE}
target = {{ file = "local/exp.csv", {SIDE}
"""
TABLES = ("local/sim.csv", "local/exp.csv", "--preset", "smoke")
COLUMNS = ("--structure", "smiles", "--value", "rho", "--unit", "g/cm3")
NOTEBOOK = str(ROOT / "notebooks" / "01-polymers.ipynb")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two tables in local/, one of names instead of SMILES, and what is no table."""
    path = tmp_path_factory.mktemp("mistakes")
    (path / "local").mkdir()
    rho = np.linspace(0.8, 1.2, 60)
    pd.DataFrame({"smiles": [f"*{'C' * k}O*" for k in range(1, 61)], "rho": rho}).to_csv(path / "local/sim.csv", index=False)
    pd.DataFrame({"smiles": [f"*{'C' * k}O*" for k in range(1, 21)], "rho": rho[:20]}).to_csv(path / "local/exp.csv", index=False)
    pd.DataFrame({"smiles": ["polystyrene", "Nylon 6", "PMMA"], "rho": 1.0}).to_csv(path / "local/names.csv", index=False)
    (path / "empty.toml").write_text("")
    (path / "local.toml").write_text(TOML)
    return path


def said(capsys, *arguments):
    """The one line that a command says, and its exit status."""
    try:
        status = main(list(arguments))
    except SystemExit as end:
        status = end.code
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0], status


IN_A_FILE = [
    ("local/sim.csv", r"local\sim.csv", "write / between folders"),
    ("local/sim.csv", r"C:\Users\me\sim.csv", "write / between folders"),
    ('"local/sim.csv"', r"'local\sim.csv'", "no such file; write / between folders"),
    ('"polymer"', '"polymers"', "kind is 'polymers'; expected any, polymer, molecule, composition, chi or conductivity"),
    ('"density"', '"Density"', "property is 'Density'; expected one of refractive_index, density"),
    ("structure =", "strucure =", "structure missing; expected file, structure, value and unit"),
    ("property =", "proprety =", "unknown entry 'proprety'; expected descriptor, kind, property, source, target"),
    ("source =", "sorce =", "expected the entries source and target"),
    ('"density"', "density", "texts stand in quotation marks"),
    ('"density"', "“density”", "write straight quotation marks"),
    ("kind =", "kind:", "write = instead of :"),
    ('"rho"', '["rho"]', "value is ['rho']; expected a text"),
    ('"rho"', "true", "value is True; expected a text"),
    ('"rho"', '"Rho"', "no column 'Rho'; its columns are smiles, rho"),
    ('"g/cm3"', "3", "'3' is no unit of density; expected g/cm3"),
    ('"g/cm3"', '"K"', "'K' is no unit of density; expected g/cm3"),
    ('"local/sim.csv"', "3", "file is 3; expected a text"),
    ("local/sim.csv", "local", "local: is a folder; expected a CSV, TSV, Parquet or Excel table"),
    ("local/sim.csv", "local/simm.csv", "no such file; expected a CSV"),
    ("local/sim.csv", "local.toml", "its columns are"),
    ("local/sim.csv", "../sim.csv", "leads out of the folder of mistake.toml; write the whole path if it is meant"),
    ("local/exp.csv", "local/names.csv", "is a name, a formula or a number; write the SMILES, of a repeat unit with two *"),
    ('structure = "smiles", value = "rho"', 'structure = "rho", value = "smiles"', "'*CO*': is not a number"),
    ('"g/cm3" }', '"g/cm3", kelvin = "298" }', "kelvin is '298'; expected the lowest and the highest temperature in K"),
    ("[d]", "[d]\n[d]", "Cannot declare ('d',) twice"),
    ('"polymer"', '"polymer"\ndescriptor = "morgan"', "descriptor is 'morgan'; expected one of forcefield"),
]


@pytest.mark.parametrize(("right", "wrong", "message"), IN_A_FILE, ids=[wrong[:40] for _, wrong, _ in IN_A_FILE])
def test_in_the_file_that_names_tables(folder, monkeypatch, capsys, right, wrong, message):
    monkeypatch.chdir(folder)
    (folder / "mistake.toml").write_text(TOML.replace(right, wrong, 1))
    line, status = said(capsys, "ask", "mistake.toml", "--preset", "smoke")
    assert message in line and status == 1


AT_THE_COMMAND = [
    (("aks",), "unknown command 'aks'; expected one of ask, curve"),
    (("ask",), "required: TABLE; python -m sim2real ask --help tells what there is"),
    (("ask", "local/sim.csv", *COLUMNS), "expected a TOML file and perhaps a block of it, or two tables"),
    (
        ("ask", *TABLES, "--value", "rho", "--unit", "g/cm3"),
        "structure = names the column of SMILES or compositions; it is missing",
    ),
    (("ask", *TABLES, "--structure", "smiles", "--value", "rho"), "expected its unit as unit =, such as g/cm3"),
    (("ask", *TABLES, *COLUMNS, "--proprety", "density"), "unrecognized arguments: --proprety density"),
    (("ask", *TABLES, *COLUMNS, "--kind", "polymers"), "kind is 'polymers'; expected one of polymer, molecule"),
    (("ask", *TABLES, *COLUMNS, "--kind", "any", "--kind", "any"), "--kind is given 2 times; expected once"),
    (("ask", *TABLES, *COLUMNS, "--preset", "fast"), "invalid choice: 'fast'"),
    (("ask", *TABLES, *COLUMNS, "--trials", "many"), "invalid int value: 'many'"),
    (("ask", *TABLES, *COLUMNS, "--workers", "two"), "WORKERS is two; expected a whole number"),
    (("ask", *TABLES, *COLUMNS, "--property", "densty"), "unknown property 'densty'; expected one of refractive_index"),
    (("ask", *TABLES, *COLUMNS, "--descriptor", "morgan"), "unknown descriptor 'morgan'; expected one of"),
    (("ask", "local", "local/exp.csv", *COLUMNS), "local: is a folder"),
    (("ask", "https://a.org/b.csv", "local/exp.csv", *COLUMNS), "web addresses are not read"),
    (("ask", NOTEBOOK, "local/exp.csv", *COLUMNS), "JSON is not read"),
    (("ask", "nothing.toml"), "no file nothing.toml; copy data/local.example.toml to it"),
    (("ask", "empty.toml"), "names no study; data/local.example.toml shows how"),
    (("ask", "local.toml", "PRESET=smoke"), "unknown block 'PRESET=smoke': local.toml has d"),
    (("curve", "local/sim.csv"), "no column 'n'; expected n, error"),
    (("curve", "local.toml"), "names tables of materials: python -m sim2real ask local.toml"),
    (("run", NOTEBOOK, "PRESET"), "expected KEY=VALUE, got 'PRESET'; parameters of"),
    (("run", NOTEBOOK, "PRESETS=smoke"), "unknown parameter 'PRESETS'; parameters of"),
    (("run", NOTEBOOK, "PRESET=fast"), "PRESET must be one of smoke, quick, paper, got 'fast'"),
    (("run", NOTEBOOK, "TRIALS=many"), "TRIALS must be an integer, got 'many'"),
    (("run", NOTEBOOK, "--preset", "smoke"), "unrecognized arguments: --preset smoke"),
    (("run", "local/sim.csv"), "is not a readable notebook"),
    (("data", "lst"), "invalid choice: 'lst'"),
    (("data", "show", "radonpi"), "unknown data 'radonpi'; expected radonpy"),
    (("tune", "densty"), "densty"),
]


@pytest.mark.parametrize(("arguments", "message"), AT_THE_COMMAND, ids=[" ".join(a)[-60:] for a, _ in AT_THE_COMMAND])
def test_at_the_command(folder, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(folder)
    line, status = said(capsys, *arguments)
    assert message in line and status in (1, 2)


@pytest.mark.parametrize(
    ("place", "said_so"),
    [
        ("cache/keys", "{}/cache/keys: Not a directory; SIM2REAL_CACHE chooses another folder"),
        ("", "{}: File exists; SIM2REAL_CACHE chooses another folder"),
        ("elsewhere", "{}/elsewhere: No such file or directory; give another path, or make this one readable and writable"),
        (None, "No space left on device; what was stored is kept: mend that, and run it again"),
    ],
)
def test_a_place_that_cannot_be_written(tmp_path, monkeypatch, capsys, place, said_so):
    (tmp_path / "cache").touch()

    def fail(_):
        if place is None:
            raise OSError(28, "No space left on device")
        (tmp_path / place / "deeper" if place == "elsewhere" else tmp_path / place).mkdir(parents=place != "elsewhere")

    monkeypatch.setattr("sim2real.__main__.CACHE", tmp_path / "cache")
    monkeypatch.setattr("sim2real.studies.ask.ask_command", fail)
    line, status = said(capsys, "ask")
    assert status == 1 and line == said_so.format(tmp_path).replace("elsewhere:", "elsewhere/deeper:")


@pytest.mark.parametrize("target", ["figurs", "tests", "PRESET", "figures smoke"])
def test_targets_of_make(target):
    made = subprocess.run(["make", "-n", *target.split()], cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 2 and len(made.stderr.splitlines()) == 1
    assert f"unknown target {target.split()[-1]}; allowed are help setup figures" in made.stderr


@pytest.mark.parametrize(
    ("source", "target", "unit", "message"),
    [
        (0.9, 900.0, "kg/m3", r"20 materials of both tables are 0.9 and 900 kg/m3 \(a factor of 1e\+03\); are both in that unit"),
        (380.0, 107.0, "degC", r"are 380 and 107 degC \(deg C and K\)"),
        (0.9, 2.7, "kg/m3", ""),
    ],
)
def test_sides_that_look_as_if_they_were_in_two_units(recwarn, source, target, unit, message):
    structures, spread = [f"*{'C' * k}O*" for k in range(1, 61)], np.linspace(0.99, 1.01, 60)

    def side(n, middle):
        values = middle * spread[:n] / np.median(spread[:20])
        return read_table(pd.DataFrame({"s": structures[:n], "v": values}), structure="s", value="v", unit=unit)

    tasks = side(60, source), side(20, target)
    recwarn.clear()
    sim2real.study(*tasks, tuned=False, workers=1)
    found = [str(warning.message) for warning in recwarn if warning.category is DataWarning and "medians" in str(warning.message)]
    assert len(found) == bool(message) and re.search(message, "".join(found))
