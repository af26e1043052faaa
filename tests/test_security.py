"""Nothing that stands in a table, a TOML file, a parameter or a name is executed, and no file leads elsewhere in silence."""

from __future__ import annotations

import ast
import json
import os
import pickle
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sim2real
from sim2real.datasets.files import read_file
from sim2real.datasets.paths import ROOT
from sim2real.datasets.tables import read_table
from sim2real.datasets.task import DataError
from sim2real.studies import local
from sim2real.studies.local import list_dropped, read_blocks, read_tables
from sim2real.studies.notebooks import ParameterError, run_notebook

TOUCH = "__import__('pathlib').Path('executed').touch()"
# what runs texts or unpickles, by the name that a call ends with
FORBIDDEN = {"eval", "exec", "compile", "unsafe_load", "read_pickle", "to_pickle", "system", "popen", "startfile"}


class Bomb:
    """Leaves a file where it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("executed",)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder in which nothing may have been executed at the end."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert not Path("executed").exists()


def _calls(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            owner = function.value.id if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) else ""
            yield owner, getattr(function, "attr", getattr(function, "id", "")), node


def test_the_library_runs_no_text_and_unpickles_nothing():
    found = []
    for path in sorted((ROOT / "lib").rglob("*.py")):
        for owner, name, node in _calls(ast.parse(path.read_text())):
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            forbidden = name in FORBIDDEN and not (name == "eval" and not node.args) and owner not in ("re", "platform")
            pickled = owner in ("pickle", "joblib", "torch", "yaml", "marshal", "shelve") and name in ("load", "loads")
            loaded = owner == "np" and name == "load" and given.get("allow_pickle", "False") != "False"
            shell = given.get("shell") == "True"
            queried = name == "query" and not all(isinstance(argument, ast.Constant) for argument in node.args)
            if forbidden or pickled or loaded or shell or queried:
                found.append(f"{path.name}: {ast.unparse(node)[:80]}")
    assert not found


@pytest.mark.parametrize(
    "cell", [f"={TOUCH}", f"@{TOUCH}", "=cmd|' /C calc'!A0", "{{7*7}}", "`touch executed`", "$(touch executed)"]
)
def test_cells_are_texts(cell):
    frame = pd.DataFrame({"s": ["*CC*", cell], cell: [1.0, 2.0]})
    frame.to_csv("a.csv", index=False)
    task = read_table("a.csv", structure="s", value=cell, unit="-")
    assert list(task.y) == [1.0] and list(task.dropped["found"]) == [cell]


def test_lists_of_dropped_rows_hold_no_formula_for_a_spreadsheet(monkeypatch, here):
    monkeypatch.setattr(local, "CACHE", here)
    frame = pd.DataFrame({"s": [f"*{'C' * k}O*" for k in range(1, 13)] + ["=1+1", "+cmd|' /C calc'!A0"], "v": np.arange(14.0)})
    task = read_table(frame, structure="s", value="v", unit="-", name="formulas")
    study = sim2real.training.study.Study("formulas", task, task, None)
    list_dropped("formulas", study)
    assert set(pd.read_csv(here / "dropped" / "formulas.csv")["found"]) == {"'=1+1", "'+cmd|' /C calc'!A0"}


def test_a_pickle_is_no_table(here):
    for name in ("a.pkl", "a.csv", "a.parquet"):
        Path(name).write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(DataError):
            read_file(name)
    # pyarrow's extension types once unpickled what a file says
    kind = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": pickle.dumps(Bomb())}
    table = pa.table({"s": ["*CC*"], "v": [1.0]})
    fields = [table.schema.field("s"), pa.field("v", pa.float64(), metadata=kind)]
    schema = pa.schema(fields, metadata={b"pickle": pickle.dumps(Bomb())})
    pq.write_table(pa.Table.from_arrays(table.columns, schema=schema), "b.parquet")
    assert len(read_file("b.parquet", ("s", "v")).frame) == 1


@pytest.mark.parametrize("value", [TOUCH, f"[{TOUCH}]", f"(lambda: {TOUCH})()", f"0 if {TOUCH} else 0"])
def test_parameters_are_literals(value, here):
    cells = [nbformat.v4.new_code_cell("TRIALS = 1", metadata={"tags": ["parameters"]})]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), "a.ipynb")
    with pytest.raises(ParameterError):
        run_notebook(Path("a.ipynb"), {"TRIALS": value}, here / "out")


def _file(side):
    Path("tables").mkdir(exist_ok=True)
    Path("tables/a.toml").write_text(f'[d]\nsource = {{ file = {json.dumps(side)}, structure = "s", value = "v", unit = "-" }}\n'
                                     'target = { file = "a.csv", structure = "s", value = "v", unit = "-" }\n')  # fmt: skip
    for name in ("a.csv", "tables/a.csv"):
        pd.DataFrame({"s": ["*CC*"], "v": [1.0]}).to_csv(name, index=False)
    path = Path("tables/a.toml")
    return read_tables("polymers", path, "d", read_blocks("polymers", path)["d"])


@pytest.mark.parametrize("file", ["../a.csv", "x/../../a.csv", "./../a.csv"])
def test_paths_of_a_toml_file_stay_in_its_folder(file):
    with pytest.raises(DataError, match="leads out of the folder of a.toml; write the whole path if it is meant"):
        _file(file)


def test_whole_paths_are_said(here, capsys):
    assert len(_file(str(here / "a.csv"))[0]) == 1
    assert f"reads {here / 'a.csv'}" in capsys.readouterr().err
    assert len(_file("a.csv")[0]) == 1 and "reads" not in capsys.readouterr().err


def test_names_are_texts_in_the_hover_figure():
    hover = pytest.importorskip("sim2real.figures.hover").hover
    name = "<img src=x onerror=alert(1)>"
    record = {"wf": ["WF"], "log_sigma": [1.0], "log_kappa": [1.0], "lorenz": [0.0], "names": [name], "groups": [name]}
    record |= {"line": {"lorenz_number": 2.44e-8, "temperature": 300.0}, "metals": None}
    text = hover({"records": [record]}).to_json()
    assert "<img" not in text and "&lt;img" in text.replace("\\u003c", "<").replace("\\u0026", "&")
