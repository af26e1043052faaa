"""Run notebooks with other parameters: `python -m sim2real run NOTEBOOK ... [--output DIR] [--timeout SECONDS] KEY=VALUE ...`.

Papermill only logs an unknown parameter and only warns of a missing `parameters` cell: both are errors here, before any kernel
starts. A notebook that fails does not keep the others from being run.
Exit status: 0, 1 where a cell failed, 2 where a notebook or a parameter is not as expected, 130 and 143 at SIGINT and SIGTERM.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

try:
    import nbformat
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill import PapermillExecutionError, execute_notebook
    from papermill.exceptions import strip_color

    from sim2real.studies.kernels import CAN_FORK, OwnKernel, run_forked
except ModuleNotFoundError as error:
    missing = f'running notebooks needs {error.name}: pip install "sim2real[lab]"'
    raise ModuleNotFoundError(missing, name=error.name) from None

from sim2real.datasets.command import Parser
from sim2real.datasets.paths import CACHE, ROOT
from sim2real.datasets.task import NoStudy
from sim2real.training.progress import IN_TERMINAL

_TYPES = {bool: "true or false", int: "an integer", float: "a number", str: "a string", list: "a list"}
_TAG = "parameters"
KEPT = "finished blocks of trials are kept; run it again to go on"


class NotebookError(Exception):
    """A notebook could not be run to its end; the message is one line."""

    exit_status = 1


class ParameterError(NotebookError):
    """The notebook, its parameters cell or a given parameter is not as expected; nothing was executed."""

    exit_status = 2


class NothingToRun(NotebookError):
    """The user's tables hold no study for this notebook, which is no failure."""

    exit_status = 0


def run_notebook(
    path: str | Path, parameters: Mapping[str, Any] | None = None, output: str | Path | None = None, timeout: int | None = None
) -> Path:
    """Execute a notebook from the repository's root (installed: the working directory) and return the path of the executed copy.

    ``parameters`` replace values of the cell tagged `parameters` and have their types, or any literal where it says None;
    ``output`` is the copy's folder, ``timeout`` seconds a cell (None: no limit). ParameterError before anything is executed;
    NotebookError where a cell fails, with the traceback in a .log file beside the copy;
    NothingToRun where one's own tables hold no study for it.
    """
    path = Path(path)
    values = _checked(path, parameters or {})
    folder = Path(output) if output is not None else CACHE / "notebooks"
    copy = folder.resolve() / path.name
    if copy == path.resolve():
        raise ParameterError(f"{path}: the executed copy would replace the notebook; choose another --output than {folder}")
    log = copy.with_suffix(".log")
    part = copy.with_name(f"{copy.stem}.{os.getpid()}.ipynb")  # two runs at once do not write into one another's
    options = {"kernel_name": "python3", "language": "python", "cwd": ROOT, "execution_timeout": timeout}
    options["progress_bar"] = False  # trials have one
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)
        try:
            with _kernel_variables():
                streams = {"stdout_file": sys.stdout, "stderr_file": sys.stderr}
                execute_notebook(path.resolve(), part, values, kernel_manager_class=OwnKernel, **streams, **options)
        finally:
            if part.exists():
                part.replace(copy)
    except PapermillExecutionError as error:
        if error.ename == NoStudy.__name__:
            raise NothingToRun(f"{path}: nothing to run: {error.evalue}") from error
        log.write_text(strip_color("\n".join(error.traceback)) + "\n", encoding="utf-8")
        reason = f"{error.ename}: {error.evalue}".strip().splitlines()[0]
        raise NotebookError(_failure(path, copy, reason, log)) from error
    except (CellTimeoutError, DeadKernelError) as error:
        log.write_text(f"{error}\n", encoding="utf-8")
        reason = f"took more than {timeout} s" if isinstance(error, CellTimeoutError) else "ended the kernel (out of memory?)"
        raise NotebookError(_failure(path, copy, reason, log)) from error
    except RuntimeError as error:
        why = str(error).splitlines()[0]
        raise NotebookError(f"{path}: no kernel ({why}); expected that {sys.executable} -m ipykernel_launcher runs") from error
    except OSError as error:
        raise NotebookError(f"{path}: {error}; --output or SIM2REAL_CACHE chooses another folder") from error
    return copy


def read_parameters(path: str | Path) -> dict[str, Any]:
    """Names and defaults of a notebook's `parameters` cell; ParameterError unless one cell has that tag and assigns literals."""
    source = _parameters_cell(path)
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise ParameterError(f"{path}: line {error.lineno} of the parameters cell is not Python ({error.msg})") from error
    return dict(_assignment(path, source, statement) for statement in statements)


def _parameters_cell(path: str | Path) -> str:
    try:
        notebook = nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise ParameterError(f"{path} is not a readable notebook ({str(error).splitlines()[0]})") from error
    tagged = [cell.source for cell in notebook.cells if cell.cell_type == "code" and _TAG in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise ParameterError(f"{path}: {len(tagged)} code cells are tagged {_TAG!r}; expected exactly one")
    return tagged[0]


def run_command(arguments: Sequence[str]) -> int:
    """Command line; returns the exit status."""
    parser = Parser(prog="python -m sim2real run", description="Run a notebook with other parameters.")
    parser.add_argument("notebook", type=Path)
    parser.add_argument(
        "more", nargs="*", metavar="NOTEBOOK or KEY=VALUE", help="KEY=VALUE replaces a value of the parameters cell"
    )
    parser.add_argument("--last", type=Path, metavar="NOTEBOOK", help="run when the others have ended, whether they passed or not")
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder of the executed copies (.cache/notebooks)")
    parser.add_argument("--timeout", type=int, metavar="SECONDS", help="for a cell (no limit)")
    parser.add_argument("--at-once", type=int, default=1, metavar="COUNT", help="notebooks at a time (%(default)s)")
    parser.add_argument("--stamp", metavar="FILE", help="made when a notebook has passed, {} being its name")
    options = parser.parse_intermixed_args(arguments)
    is_notebook = [text.endswith(".ipynb") and not re.match(r"[A-Za-z_]\w*=", text) for text in options.more]
    paths = [options.notebook, *(Path(text) for text, is_one in zip(options.more, is_notebook) if is_one)]
    paths += filter(None, [options.last])
    pairs = [text for text, is_one in zip(options.more, is_notebook) if not is_one]
    try:
        values = {path: _from_text(path, pairs) for path in paths}
        runs = [partial(_run_one, path, given, options) for path, given in values.items()]
        if len(runs) > 1 and CAN_FORK:
            with _kernel_variables():
                before = len(runs) - bool(options.last)
                statuses = run_forked(runs[:before], options.at_once) + run_forked(runs[before:], 1)
        else:
            statuses = [run() for run in runs]
    except ParameterError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        raise KeyboardInterrupt(KEPT) from None
    except SystemExit:
        print(f"terminated; {KEPT}", file=sys.stderr)
        raise
    failed = [path for path, status in zip(values, statuses) if status]
    if failed and len(values) > 1:
        print(f"{len(failed)} of {len(values)} notebooks failed: {', '.join(map(str, failed))}", file=sys.stderr)
    return max(statuses)


def _run_one(path: Path, given: Mapping[str, Any], options: Namespace) -> int:
    try:
        print(f"executed copy: {_short(run_notebook(path, given, options.output, options.timeout))}", flush=True)
    except NotebookError as error:
        print(error, file=sys.stderr)
        if error.exit_status:
            return error.exit_status
    if options.stamp:
        stamp = Path(options.stamp.replace("{}", path.stem))
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.touch()
    return 0


def _from_text(path: Path, pairs: Sequence[str]) -> dict[str, Any]:
    """KEY=VALUE arguments as checked values: a text where the notebook has one, else the literal that is spelled if one is."""
    defaults = read_parameters(path)
    values: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise ParameterError(f"expected KEY=VALUE, got {pair!r}; {_allowed(path, defaults)}")
        if key in values:
            raise ParameterError(f"parameter {key} is given twice")
        values[key] = text
        if not isinstance(defaults.get(key), str):
            with suppress(ValueError, SyntaxError):
                values[key] = ast.literal_eval(text.capitalize() if text.lower() in ("true", "false", "none") else text)
    return _checked(path, values)


def _assignment(path: Path, source: str, statement: ast.stmt) -> tuple[str, Any]:
    """Name and value of NAME = VALUE or NAME: TYPE = VALUE."""
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    if isinstance(statement, ast.Assign | ast.AnnAssign) and len(targets) == 1 and isinstance(targets[0], ast.Name):
        with suppress(ValueError, TypeError):
            value = ast.literal_eval(statement.value)
            if _is_plain(value):
                return targets[0].id, value
    raise ParameterError(
        f"{path}: {source.splitlines()[statement.lineno - 1]!r} in the parameters cell; expected NAME = VALUE with a"
        " plain number, string, True, False, None or a list of these"
    )


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    return value is None or type(value) in _TYPES


def _checked(path: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of parameters, with an integer made float where the notebook has a float.

    A text is one of those that the notebook's comment lists (``# smoke | quick | paper``), where its own value is; a number is not
    negative where the notebook's own is not.
    """
    defaults = read_parameters(path)
    listed = re.findall(r"^(\w+)\b.*=.*#\s*(\w+(?: \| \w+)+)", _parameters_cell(path), re.MULTILINE)
    choices = {key: words.split(" | ") for key, words in listed}
    values = {}
    for key, value in given.items():
        if key not in defaults:
            raise ParameterError(f"unknown parameter {key!r}; {_allowed(path, defaults)}")
        default = defaults[key]
        if isinstance(default, float) and type(value) is int:
            value = float(value)
        wanted = "a literal" if default is None else _TYPES[type(default)]
        # beside a number of processes, what trains may be a cluster's address
        either = key == "WORKERS" and isinstance(value, str)
        wrong = not either and (not _is_plain(value) or (default is not None and type(value) is not type(default)))
        if not wrong and default in choices.get(key, ()) and value not in choices[key]:
            wrong, wanted = True, f"one of {', '.join(choices[key])}"
        if not wrong and type(value) in (int, float) and default is not None and value < 0 <= default:
            wrong, wanted = True, "a number from 0"
        if wrong:
            raise ParameterError(f"parameter {key} must be {wanted}, got {value!r}; {_allowed(path, defaults)}")
        values[key] = value
    return values


def _allowed(path: Path, defaults: Mapping[str, Any]) -> str:
    return f"parameters of {path}: " + (", ".join(f"{key}={value!r}" for key, value in defaults.items()) or "none")


@contextmanager
def _kernel_variables() -> Iterator[None]:
    """What kernels inherit, which papermill cannot hand over: one thread a process (trials run in parallel processes), bars for
    the terminal, and matplotlib's own settings and a backend without windows, not the user's.
    """
    matplotlib = find_spec("matplotlib")
    wanted = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MPLBACKEND": "agg", IN_TERMINAL: "1"}
    # of processes that an interruption ended: they clean up, and need not say so
    wanted["PYTHONWARNINGS"] = ",".join(filter(None, (os.environ.get("PYTHONWARNINGS"), "ignore:resource_tracker:UserWarning")))
    wanted["MATPLOTLIBRC"] = str(Path(matplotlib.origin).parent / "mpl-data" / "matplotlibrc") if matplotlib else ""
    before = {name: os.environ[name] for name in wanted if name in os.environ}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name in wanted:
            os.environ.pop(name, None)
        os.environ.update(before)


def _failure(path: Path, copy: Path, reason: str, log: Path) -> str:
    """One line on the cell that was begun last, numbered from 1 as in the notebook: without the cells that papermill added."""
    added = {"papermill-error-cell-tag", "injected-parameters"}
    cells = [cell for cell in nbformat.read(copy, as_version=4).cells if not added & set(cell.metadata.get("tags", []))]
    begun = [k for k, cell in enumerate(cells) if cell.metadata.get("papermill", {}).get("start_time")]
    number = begun[-1] if begun else 0
    first_line = next(iter(cells[number].source.strip().splitlines()), "")
    said = f"[traceback: {_short(log)}; executed copy: {_short(copy)}]"
    return f"{path}: cell {number + 1} ({first_line}) failed: {reason} {said}"


def _short(path: Path) -> Path:
    """The path relative to the working directory where it lies below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
