"""The notebook runner: wrong calls end in one line and status 2, failing cells in one line and status 1."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

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


CHOICES = """\
EDITION = "embedded"  # embedded | open | local: which data
PROPERTY = ""  # density | refractive_index; empty is all
SEED = 0  # changes all random numbers
SHIFT = -1.5
"""


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("EDITION=closed", "EDITION must be one of embedded, open, local, got 'closed'"),
        ("EDITION=", "EDITION must be one of embedded, open, local, got ''"),
        ("SEED=-1", "SEED must be a number from 0, got -1"),
    ],
)
def test_values_that_a_notebook_does_not_allow_are_refused_before_a_kernel_starts(tmp_path, capsys, argument, expected):
    path = write(tmp_path / "a.ipynb", parameters=CHOICES)
    assert expected in refused(capsys, path, argument, "--output", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_values_that_it_does_not_list_are_its_own_matter(tmp_path):
    path = write(tmp_path / "a.ipynb", "print(EDITION, PROPERTY, SEED, SHIFT)", parameters=CHOICES)
    copy = run_notebook(path, {"EDITION": "open", "PROPERTY": "my block", "SHIFT": -2}, tmp_path / "out")
    assert printed(copy) == "open my block 0 -2.0\n"


@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_of_the_repository_refuse_unknown_choices(capsys, notebook):
    for argument in ("PRESET=slow", "EDITION=closed", "TRIALS=-1", "WORKERS=-2", "SEED=-1"):
        assert f"parameter {argument.partition('=')[0]} must be" in refused(capsys, notebook, argument)


def test_a_notebook_that_fails_does_not_stop_those_after_it(tmp_path, capfd):
    first, second = write(tmp_path / "a.ipynb", "1 / 0"), write(tmp_path / "b.ipynb", "print(TRIALS)")
    out = tmp_path / "out"
    assert main(["run", str(first), str(second), "TRIALS=9", "--output", str(out)]) == 1
    streams = capfd.readouterr()
    assert printed(out / "b.ipynb") == "9\n" and f"executed copy: {out / 'b.ipynb'}" in streams.out
    assert streams.err.splitlines()[-1] == f"1 of 2 notebooks failed: {first}"
    # nothing is begun where one of them has no such parameter
    write(second, parameters="SEED = 0")
    (out / "b.ipynb").unlink()
    assert "unknown parameter 'TRIALS'" in refused(capfd, first, second, "TRIALS=9", "--output", out)


def test_the_kernel_is_this_interpreter_whatever_is_installed(tmp_path, monkeypatch):
    spec = {
        "argv": ["/nowhere/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "x",
        "language": "python",
    }
    (tmp_path / "kernels" / "python3").mkdir(parents=True)
    (tmp_path / "kernels" / "python3" / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    path = write(tmp_path / "a.ipynb", "import sys; print(sys.executable)")
    assert printed(run_notebook(path, output=tmp_path / "out")) == f"{sys.executable}\n"


@pytest.mark.parametrize("backend", ["module://nowhere", "Qt5Agg", "nonsense"])
def test_the_users_own_settings_of_matplotlib_play_no_part(tmp_path, monkeypatch, backend):
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfont.family: Times New Roman\n")
    monkeypatch.setenv("MPLBACKEND", backend)
    monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path))
    code = "from matplotlib import pyplot as p, rcParams as r; print(p.get_backend().lower(), r['text.usetex'], r['font.family'])"
    path = write(tmp_path / "a.ipynb", code)
    assert printed(run_notebook(path, output=tmp_path / "out")) == "agg False ['sans-serif']\n"
    assert os.environ["MPLBACKEND"] == backend


def test_a_cache_that_cannot_be_written_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sim2real.studies.notebooks.CACHE", Path("/proc/nope"))
    assert main(["run", str(write(tmp_path / "a.ipynb", "1"))]) == 1
    message = capsys.readouterr().err
    assert "/proc/nope" in message and "SIM2REAL_CACHE chooses another folder" in message and message.count("\n") == 1
    (tmp_path / "file").write_text("")
    assert main(["run", str(tmp_path / "a.ipynb"), "--output", str(tmp_path / "file")]) == 1
    assert "--output or SIM2REAL_CACHE" in capsys.readouterr().err


WAITING = """\
import os, time
from joblib import Parallel, delayed
def wait(k):
    import time
    time.sleep(120)
print("kernel", os.getpid(), flush=True)
Parallel(2)(delayed(wait)(k) for k in range(2))"""


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status", "words"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")])
@pytest.mark.parametrize("names", ["a", "ab"])
def test_an_interrupted_run_ends_all_processes_and_says_one_line(tmp_path, names, number, status, words):
    paths, log = [str(write(tmp_path / f"{name}.ipynb", WAITING)) for name in names], tmp_path / "log"
    with log.open("w") as file:
        command = [sys.executable, "-m", "sim2real", "run", *paths, "--at-once", "2", "--output", str(tmp_path / "out")]
        run = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
    while len(found := re.findall(r"kernel (\d+)", log.read_text())) < len(names) and run.poll() is None:
        time.sleep(0.2)
    time.sleep(2)
    os.killpg(run.pid, number)
    assert run.wait() == status
    said = log.read_text()
    assert "Traceback" not in said and "\x1b" not in said
    lines = [line for line in said.splitlines() if not line.startswith("kernel ") and line.strip()]
    assert lines == [f"{words}; finished blocks of trials are kept; run it again to go on"]
    listed = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout.splitlines()
    # the kernel and its workers are one group; what has ended but was not collected is a zombie
    assert not [line for line in listed if line.split()[0] in found and "Z" not in line]


@pytest.mark.slow
def test_notebooks_of_one_command_are_run_as_each_would_be_alone(tmp_path):
    cell = "import os, sys, warnings, matplotlib\nprint(__name__, 'sim2real.studies.ask' in sys.modules, os.getcwd())\n"
    cell += "print(warnings.formatwarning('odd', UserWarning, 'f', 1), matplotlib.get_backend(), os.environ['OMP_NUM_THREADS'])"
    paths, out = [write(tmp_path / f"{name}.ipynb", cell) for name in "ab"], tmp_path / "out"
    failing = write(tmp_path / "c.ipynb", "1 / 0")
    last = write(tmp_path / "last.ipynb", f"import pathlib\nprint(sorted(p.name for p in pathlib.Path({str(out)!r}).iterdir()))")
    given = [*map(str, (*paths, failing)), "--output", str(out), "--stamp", f"{tmp_path}/passed/{{}}", "--last", str(last)]
    run = subprocess.run([sys.executable, "-m", "sim2real", "run", *given], capture_output=True, text=True)
    assert run.returncode == 1 and "1 of 4 notebooks failed" in run.stderr and "ZeroDivisionError" in run.stderr
    assert sorted(path.name for path in (tmp_path / "passed").iterdir()) == ["a", "b", "last"]
    assert {f"{name}.ipynb" for name in "abc"} <= set(ast.literal_eval(printed(out / "last.ipynb")))
    together = [printed(out / path.name) for path in paths]
    run_notebook(paths[0], output=tmp_path / "alone")
    assert together == 2 * [printed(tmp_path / "alone" / "a.ipynb").replace("__main__ False", "__main__ True")]


@pytest.mark.slow
def test_two_runs_of_one_notebook_at_once(tmp_path):
    path, out = write(tmp_path / "a.ipynb", "import time; time.sleep(1); print('x' * 1000, TRIALS)"), tmp_path / "out"
    command = [sys.executable, "-m", "sim2real", "run", str(path), "--output", str(out)]
    runs = [subprocess.Popen([*command, f"TRIALS={k}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for k in (1, 2)]
    assert [run.wait() for run in runs] == [0, 0]
    assert printed(out / "a.ipynb") in {f"{'x' * 1000} {k}\n" for k in (1, 2)} and list(out.iterdir()) == [out / "a.ipynb"]
