"""What ``import sim2real`` gives, and the command line: names, docstrings, three lines from tables to a law."""

from __future__ import annotations

import doctest
import inspect
import json
import re
import subprocess
import sys
from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

import made
import sim2real
from sim2real.__main__ import main
from sim2real.datasets.paths import CACHE, ROOT
from sim2real.datasets.tables import DataWarning

EXPORTED = """
ask Answer bare_curve run_estimator forms
study read_table load_study run_trials learning_curve error_surface classes compare_arms plot table save fit_power_law fit_surface
allocate Allocation Prices allocate_classes stop_or_go replay
simulate_polymers simulate_chi Predictor Run Task Study Design Trials Curve PowerLaw ScalingSurface figures tables
""".split()


def test_what_is_exported_is_what_the_readme_says():
    assert sorted(sim2real.__all__) == sorted(EXPORTED)
    assert set(EXPORTED) <= set(dir(sim2real))
    assert not hasattr(sim2real, "colour")


@pytest.mark.parametrize("name", EXPORTED)
def test_every_name_is_there_and_says_what_it_takes_and_gives(name):
    what = getattr(sim2real, name)
    text = inspect.getdoc(what)
    assert text and len(text.splitlines()[0]) > 20
    if inspect.isfunction(what) and len(inspect.signature(what).parameters) > 1:
        assert "Args:" in text or "Args are" in text
    if inspect.isfunction(what):
        assert what.__annotations__.get("return"), "what it gives is written"


def test_the_import_is_fast_and_loads_neither_torch_nor_rdkit():
    code = "import sys, sim2real; print([m for m in ('torch', 'rdkit', 'pandas', 'matplotlib') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """Trials of these runs go to a folder of their own."""
    monkeypatch.setattr("sim2real.training.experiment.CACHE", tmp_path / "cache")


@pytest.fixture
def csvs(tmp_path):
    return made.own_tables(tmp_path, value="density")


COLUMNS = {"structure": "smiles", "value": "density", "unit": "g/cm3", "property": "density"}


@pytest.mark.filterwarnings("ignore::sim2real.datasets.tables.DataWarning")
def test_three_lines_from_two_tables_to_a_law(csvs, own_cache):
    study = sim2real.study(csvs / "md.csv", csvs / "lab.csv", **COLUMNS, kind="polymer", tuned=False, workers=1)
    trials = sim2real.run_trials(study, trials=3, preset="smoke", workers=1, arms=("transfer", "direct"))
    curve = sim2real.learning_curve(trials)
    assert trials.design.trials == 3 and list(curve.curve.sizes) == list(trials.design.n_grid)
    assert curve.law.status and len(curve.report()) == len(trials.design.n_grid) + 1
    np.testing.assert_allclose(curve.curve.band.mae, trials.errors("transfer").mean(0))
    assert len(sim2real.table(curve)) and sim2real.plot(curve).axes


def test_a_study_of_frames_with_names_of_ones_own(csvs):
    simulated, measured = (pd.read_csv(csvs / name).iloc[:80] for name in ("md.csv", "lab.csv"))
    measured = measured.iloc[:30].assign(density=lambda frame: frame["density"].map("{} ± 0.01".format), who="mine")
    study = sim2real.study(simulated.assign(who="theirs"), measured, **COLUMNS, label="who", name="frames", tuned=False, workers=1)
    assert (study.source.name, study.target.name) == ("simulations", "measurements")
    assert set(study.target.table["name"]) == {"mine"} and len(study.target) == 30
    own = measured.assign(rho=[f"{1000 * float(text.split()[0]):.6g} kg/m3" for text in measured["density"]]).drop(
        columns="density"
    )
    own = own.rename(columns={"smiles": "SMILES"})
    pairs = {"structure": ("smiles", "SMILES"), "value": ("density", "rho"), "unit": ("g/cm3", "kg/m3"), "label": ("", "who")}
    same = sim2real.study(simulated, own, **COLUMNS | pairs, name="pairs", tuned=False, workers=1)
    np.testing.assert_allclose(same.target.y, study.target.y, rtol=1e-5)
    assert set(same.target.table["name"]) == {"mine"} and len(same.source) == 80
    assert not (CACHE / "dropped" / "frames-molecular.csv").exists()


def test_a_study_of_tasks_and_its_faults(csvs):
    with pytest.warns(DataWarning, match="lab.csv: 1 rows"):
        target = sim2real.read_table(csvs / "lab.csv", kind="polymer", **COLUMNS)
    study = sim2real.study(csvs / "md.csv", target, **COLUMNS, kind="polymer", name="mine", tuned=False, workers=1)
    assert (study.name, study.splits, study.target.name) == ("mine-molecular", "mine", "lab")
    for change, message in (
        ({"descriptor": "ecfp"}, "unknown descriptor 'ecfp'; expected one of forcefield"),
        ({"value": "rho"}, "no column 'rho'"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            sim2real.study(csvs / "md.csv", target, **COLUMNS | {"kind": "polymer", "tuned": False, "workers": 1} | change)
        assert len(str(caught.value).splitlines()) == 1
    kelvin = replace(target, property=replace(target.property, unit="K"))
    with pytest.raises(ValueError, match="source is in K, target in g/cm3; expected one unit"):
        sim2real.study(kelvin, target, tuned=False, workers=1)
    with pytest.raises(ValueError, match="mine: lab has 5 materials that can be used; expected at least 10"):
        sim2real.study(csvs / "md.csv", target.select(np.arange(5)), **COLUMNS, name="mine", tuned=False, workers=1)


@pytest.mark.filterwarnings("ignore::sim2real.datasets.tables.DataWarning")
def test_the_answer_of_ones_own_tables_without_jupyter(csvs, own_cache, capsys):
    out = csvs / "out"
    arguments = ["ask", str(csvs / "local.toml"), "--out", str(out), "--preset", "smoke", "--workers", "1", "--trials", "2"]
    assert main(arguments) == 0
    said = capsys.readouterr()
    drawn = [f"{name}-local-glass-molecular.{suffix}" for name in ("curve", "surface") for suffix in ("png", "pdf", "json", "md")]
    assert [line.rsplit("/", 1)[-1] for line in said.out.splitlines() if line.startswith(str(out))] == [
        "report.html", *drawn, "curve-local-glass-molecular.csv"
    ]  # fmt: skip
    first, second = said.out.splitlines()[:2]
    assert first.startswith("A test of the machinery") and second.startswith(
        "glass: density: Whether transfer helps cannot be told"
    )
    payload = json.loads((out / "curve-local-glass-molecular.json").read_text())
    assert payload["caption"] and len(payload["records"]) == 1
    report = pd.read_csv(out / "curve-local-glass-molecular.csv")
    assert {"transfer", "direct"} <= set(report["learner"])
    listed = pd.read_csv(CACHE / "dropped" / "local-glass-molecular.csv")
    assert listed[["side", "file", "line", "column"]].to_numpy().tolist() == [["target", "lab.csv", 32, "smiles"]]
    assert not list(csvs.glob("*.dropped.csv")), "the bad row is named, but not beside the table"


@pytest.mark.parametrize(
    ("change", "arguments", "status", "message"),
    [
        (None, ["none.toml", "--out", "out"], 1, "no file"),
        (("", ""), ["local.toml", "density", "--out", "out"], 2, "unknown block 'density': .*local.toml has glass"),
        (("lab.csv", "none.csv"), ["local.toml", "--out", "out"], 1, "none.csv: no such file"),
        (("unit = ", "units = "), ["local.toml", "--out", "out"], 1, "unit missing; expected file, structure, value and unit"),
        (('"polymer"', '"metal"'), ["local.toml", "--out", "out"], 1, "kind is 'metal'"),
    ],
)
def test_faults_of_the_command_are_one_line(csvs, monkeypatch, capsys, change, arguments, status, message):
    monkeypatch.chdir(csvs)
    if change:
        (csvs / "local.toml").write_text((csvs / "local.toml").read_text().replace(*change))
    assert main(["ask", *arguments]) == status
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert re.search(message, said)


def test_commands_are_listed_and_an_unknown_one_is_refused(capsys):
    assert main([]) == main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("ask", "curve", "md", "run", "tune", "data"))
    assert main(["train"]) == 2
    assert capsys.readouterr().err == "unknown command 'train'; expected one of ask, curve, report, md, run, tune, data\n"


def test_tuning_an_unknown_study_names_the_known_ones(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["tune", "polymers-colour-molecular"])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert "unknown study 'polymers-colour-molecular'" in said and "open-transport-sigma-composition-m100" in said


@pytest.mark.parametrize("module", sorted(p for p in (ROOT / "lib").rglob("*.py") if ">>> " in p.read_text("utf-8")), ids=str)
def test_examples_of_docstrings_run(module):
    name = ".".join(module.relative_to(ROOT / "lib").with_suffix("").parts).removesuffix(".__init__")
    failed, tried = doctest.testmod(import_module(name))
    assert tried and not failed
