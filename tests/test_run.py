"""The notebook runner: wrong calls end in one line and status 2, failing cells in one line and status 1."""

from __future__ import annotations

import os

import nbformat
import pytest

from sim2real.__main__ import main
from sim2real.datasets.paths import ROOT
from sim2real.studies.notebooks import NotebookError, ParameterError, read_parameters, run_notebook

PARAMETERS = """\
# how many
TRIALS = 5
RATE = 0.5
EDITION = "embedded"
OVERLAP = True
N_MAX = None
GRID = [1, 2]
"""
SHOW = """\
import os
from pathlib import Path
print([TRIALS, RATE, EDITION, OVERLAP, N_MAX, GRID])
print(os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"], Path.cwd())"""


def write(path, *cells, parameters=PARAMETERS, tags=("parameters",)):
    """A notebook with a heading, as many copies of the parameters cell as there are tags, and further code cells."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_markdown_cell("# Title")]
    for tag in tags:
        notebook.cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": [tag]}))
    notebook.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(notebook, path)
    return path


def printed(path):
    cells = nbformat.read(path, as_version=4).cells
    return "".join(output.text for cell in cells if cell.cell_type == "code" for output in cell.outputs)


def refused(capsys, *arguments):
    """The one line on stderr of a call that must end with status 2."""
    assert main(["run", *(str(argument) for argument in arguments)]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    return message


def test_parameters_are_read_with_their_types(tmp_path):
    path = write(tmp_path / "a.ipynb")
    assert read_parameters(path) == {
        "TRIALS": 5,
        "RATE": 0.5,
        "EDITION": "embedded",
        "OVERLAP": True,
        "N_MAX": None,
        "GRID": [1, 2],
    }


def test_success_with_changed_parameters(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    path = write(tmp_path / "a.ipynb", SHOW, "import sys; print('trial 3 of 5', file=sys.stderr)")
    before = path.read_bytes()
    out = tmp_path / "out"
    arguments = ["TRIALS=7", "RATE=1", "EDITION=open", "OVERLAP=false", "N_MAX=400", "GRID=[3]"]
    assert main(["run", str(path), *arguments, "--output", str(out)]) == 0
    copy = out / "a.ipynb"
    shown = f"[7, 1.0, 'open', False, 400, [3]]\n1 1 {ROOT}\n"
    assert printed(copy) == shown + "trial 3 of 5\n"
    streams = capfd.readouterr()
    assert shown in streams.out
    assert str(copy) in streams.out
    assert "trial 3 of 5" in streams.err
    assert path.read_bytes() == before
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ
    assert list(out.iterdir()) == [copy]


def test_defaults_and_function_interface(tmp_path, monkeypatch):
    monkeypatch.setattr("sim2real.studies.notebooks.CACHE", tmp_path / "cache")
    path = write(tmp_path / "a.ipynb", SHOW)
    copy = run_notebook(path, {"RATE": 2})
    assert copy == tmp_path / "cache" / "notebooks" / "a.ipynb"
    assert "[5, 2.0, 'embedded', True, None, [1, 2]]" in printed(copy)


def test_failing_cell(tmp_path, capsys):
    path = write(tmp_path / "a.ipynb", "x = 1", "# divide\nx / 0", "print('never')")
    out = tmp_path / "out"
    assert main(["run", str(path), "TRIALS=6", "--output", str(out)]) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert "cell 4 (# divide) failed: ZeroDivisionError: division by zero" in message
    assert str(out / "a.ipynb") in message
    log = out / "a.log"
    assert str(log) in message
    assert "x / 0" in log.read_text()
    assert "\x1b" not in log.read_text()
    write(path, "x = 1")
    assert run_notebook(path, output=out) == out / "a.ipynb"
    assert not log.exists()


def test_a_cell_that_takes_too_long(tmp_path):
    path = write(tmp_path / "a.ipynb", "x = 1", "import time; time.sleep(60)")
    with pytest.raises(NotebookError, match=r"cell 4 \(import time; .*\) failed: took more than 1 s") as caught:
        run_notebook(path, {"TRIALS": 6}, tmp_path / "out", timeout=1)
    assert caught.value.exit_status == 1


def test_a_kernel_that_dies(tmp_path):
    path = write(tmp_path / "a.ipynb", "import os; os._exit(1)")
    with pytest.raises(NotebookError, match=r"cell 3 \(import os; .*\) failed: ended the kernel"):
        run_notebook(path, None, tmp_path / "out")


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("TRIAL=3", "unknown parameter 'TRIAL'"),
        ("TRIALS", "expected KEY=VALUE, got 'TRIALS'"),
        ("TRIALS=many", "TRIALS must be an integer, got 'many'"),
        ("TRIALS=2.5", "TRIALS must be an integer, got 2.5"),
        ("TRIALS=true", "TRIALS must be an integer, got True"),
        ("TRIALS=None", "TRIALS must be an integer, got None"),
        ("RATE=fast", "RATE must be a number, got 'fast'"),
        ("OVERLAP=1", "OVERLAP must be true or false, got 1"),
        ("GRID=3", "GRID must be a list, got 3"),
        ("GRID=[{}]", r"GRID must be a list, got [{}]"),
        ("N_MAX=()", "N_MAX must be a literal, got ()"),
    ],
)
def test_wrong_parameters_are_refused_with_the_allowed_ones(tmp_path, capsys, argument, expected):
    message = refused(capsys, write(tmp_path / "a.ipynb"), argument, "--output", tmp_path / "out")
    assert expected in message
    assert "TRIALS=5, RATE=0.5, EDITION='embedded', OVERLAP=True, N_MAX=None, GRID=[1, 2]" in message
    assert not (tmp_path / "out").exists()


def test_a_parameter_given_twice_is_refused(tmp_path, capsys):
    assert "TRIALS is given twice" in refused(capsys, write(tmp_path / "a.ipynb"), "TRIALS=1", "TRIALS=2")


@pytest.mark.parametrize("tags", [(), ("parameter",), ("parameters", "parameters")])
def test_not_exactly_one_parameters_cell_is_refused(tmp_path, capsys, tags):
    message = refused(capsys, write(tmp_path / "a.ipynb", tags=tags))
    assert f"{tags.count('parameters')} code cells are tagged 'parameters'; expected exactly one" in message


@pytest.mark.parametrize(
    "source",
    ["N = 3 * 4", "import os", "N = M = 3", "N = {}", "N = (1, 2)", "A, B = 1, 2", "N: int", "N = [1, (2,)]", "N += 1"],
)
def test_parameters_that_are_not_literals_are_refused(tmp_path, capsys, source):
    message = refused(capsys, write(tmp_path / "a.ipynb", parameters=f"TRIALS = 5\n{source}"))
    assert repr(source) in message
    assert "expected NAME = VALUE" in message


def test_files_that_are_no_notebooks_are_refused(tmp_path, capsys):
    assert "is not a readable notebook" in refused(capsys, tmp_path / "none.ipynb")
    (tmp_path / "text.ipynb").write_text("# Title")
    assert "is not a readable notebook" in refused(capsys, tmp_path / "text.ipynb")
    assert "is not Python" in refused(capsys, write(tmp_path / "a.ipynb", parameters="N = = 3"))


def test_the_copy_never_replaces_the_notebook(tmp_path):
    path = write(tmp_path / "a.ipynb")
    with pytest.raises(ParameterError, match="would replace the notebook"):
        run_notebook(path, output=tmp_path)
