"""The package as ``pip install sim2real`` gives it: from another folder, with its data, without the extra ``lab``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from sim2real.datasets import paths
from sim2real.datasets.embedded import load_virtual_polymers
from sim2real.datasets.paths import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]

SOURCES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "lib", "data")
NEED_LAB = {"sim2real.studies.notebooks", "sim2real.figures.hover"}
# sitecustomize is imported by every Python that finds it
WITHOUT_LAB = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"papermill", "nbclient", "nbformat", "ipykernel", "ipywidgets", "plotly", "jupyterlab"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse())
"""
IMPORT_ALL = """
import importlib, pkgutil, sim2real
for module in pkgutil.walk_packages(sim2real.__path__, "sim2real."):
    if not module.name.endswith("__main__"):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            print(module.name, error, sep=": ")
"""
EMBEDDED = """
import sim2real as s2r
study = s2r.load_study("polymers", "embedded", "smoke", tuned=False, property="density", descriptor="molecular")
curve = s2r.learning_curve(s2r.run_trials(study, preset="smoke", trials=2, workers=1, arms=("transfer",)))
print(*curve.curve.sizes)
"""
OWN = """
import sim2real as s2r
columns = {"structure": "smiles", "value": "density", "unit": "g/cm3", "property": "density", "kind": "polymer"}
study = s2r.study("md.csv", "lab.csv", **columns, tuned=False, workers=1)
curve = s2r.learning_curve(s2r.run_trials(study, preset="smoke", trials=2, workers=1, arms=("transfer",)))
print(*curve.curve.sizes)
s2r.save(curve, "figures")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from the source distribution, with a user's own tables lying about that belong in neither."""
    folder = tmp_path_factory.mktemp("build")
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    (folder / "data" / "local").mkdir(exist_ok=True)
    for private in ("local.toml", "local/polyinfo.csv", "mine.dropped.csv"):
        (folder / "data" / private).write_text("private")
    build = "from setuptools.build_meta import build_sdist; build_sdist('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=folder, capture_output=True, check=True)
    (source,) = (folder / "dist").glob("*.tar.gz")
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", "wheels", str(source)]
    subprocess.run(pip, cwd=folder, capture_output=True, check=True)
    (path,) = (folder / "wheels").glob("sim2real-*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """Runs Python in another folder, with nothing but the wheel's content and what it needs."""
    place = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(place), str(wheel)]
    subprocess.run(pip, capture_output=True, check=True)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "sitecustomize.py").write_text(WITHOUT_LAB)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SIM2REAL_")}
    environment |= {"PYTHONPATH": f"{elsewhere}{os.pathsep}{place}", "XDG_CACHE_HOME": str(elsewhere / "caches")}

    def run(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, *arguments], cwd=elsewhere, env=environment, capture_output=True, text=True)

    run.place, run.elsewhere = place, elsewhere
    return run


def test_the_wheel_holds_the_data_and_nothing_private(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("sim2real/data/")}
    listed = subprocess.run(["git", "ls-files", "data"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert held == {f"sim2real/{name}" for name in listed.stdout.splitlines()}


def test_every_module_imports_without_the_lab_but_the_two_that_say_so(python):
    result = python("-c", IMPORT_ALL)
    assert result.returncode == 0, result.stderr
    refused = dict(line.split(": ", 1) for line in result.stdout.splitlines())
    assert set(refused) == NEED_LAB
    assert all(message.endswith('pip install "sim2real[lab]"') for message in refused.values())


def test_an_embedded_study_runs_and_keeps_its_trials_in_the_platforms_cache(python):
    result = python("-c", EMBEDDED)
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.split()) >= 3
    assert (python.elsewhere / "caches" / "sim2real" / "trials").is_dir() or sys.platform != "linux"
    where = python("-c", "import sim2real.datasets.paths as p; print(p.CHECKOUT, p.ROOT, p.DATA)")
    assert where.stdout.split() == ["None", str(python.elsewhere), str(python.place / "sim2real" / "data")]


def test_a_study_of_ones_own_tables_runs(python):
    units = load_virtual_polymers()["smiles"].iloc[::500]
    table = pd.DataFrame({"smiles": units, "density": 1 + 0.01 * units.str.len() % 0.5})
    table.to_csv(python.elsewhere / "md.csv", index=False)
    table.iloc[:30].to_csv(python.elsewhere / "lab.csv", index=False)
    result = python("-c", OWN)
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.split()) >= 3
    assert {path.suffix for path in (python.elsewhere / "figures").iterdir()} >= {".png", ".pdf", ".json"}


def test_the_notebook_runner_says_in_one_line_what_it_needs(python):
    result = python("-m", "sim2real", "run", "a.ipynb")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "nbformat" in result.stderr and "sim2real[lab]" in result.stderr


def test_caches_are_where_the_variable_says_else_in_the_checkout_else_in_the_platforms_folder(monkeypatch, tmp_path):
    assert paths.find_checkout() == ROOT and paths.find_checkout(tmp_path / "lib" / "sim2real") is None
    monkeypatch.setenv("SIM2REAL_CACHE", str(tmp_path))
    assert paths.cache_folder(ROOT) == paths.cache_folder(None) == tmp_path
    monkeypatch.delenv("SIM2REAL_CACHE")
    assert paths.cache_folder(ROOT) == ROOT / ".cache"
    assert paths.cache_folder(None).name == "sim2real" and ROOT not in paths.cache_folder(None).parents
