"""Run a notebook with other parameters: `python -m sim2real run NOTEBOOK [--output DIR] [--timeout SECONDS] KEY=VALUE ...`.

Papermill only logs an unknown parameter and only warns of a missing `parameters` cell: both are errors here.
Exit status: 0, 1 where a cell failed, 2 where the notebook or a parameter is not as expected.
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

try:
    import nbformat
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill import PapermillExecutionError, execute_notebook
    from papermill.exceptions import strip_color
except ModuleNotFoundError as error:
    missing = f'running notebooks needs {error.name}: pip install "sim2real[lab]"'
    raise ModuleNotFoundError(missing, name=error.name) from None

from sim2real.datasets.paths import CACHE, ROOT
from sim2real.datasets.task import NoStudy

CELL_TIMEOUT = 3600  # seconds
_TYPES = {bool: "true or false", int: "an integer", float: "a number", str: "a string", list: "a list"}
_TAG = "parameters"


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
    path: str | Path, parameters: Mapping[str, Any] | None = None, output: str | Path | None = None, timeout: int = CELL_TIMEOUT
) -> Path:
    """Execute a notebook from the repository's root (installed: the working directory) and return the path of the executed copy.

    ``parameters`` replace values of the cell tagged `parameters` and have their types, or any literal where it says None;
    ``output`` is the copy's folder, ``timeout`` seconds a cell. ParameterError before anything is executed;
    NotebookError where a cell fails, with the traceback in a .log file beside the copy;
    NothingToRun where one's own tables hold no study for it.
    """
    path = Path(path)
    defaults = read_parameters(path)
    values = {key: _checked(path, key, value, defaults) for key, value in (parameters or {}).items()}
    folder = Path(output) if output is not None else CACHE / "notebooks"
    copy = folder.resolve() / path.name
    if copy == path.resolve():
        raise ParameterError(f"{path}: the executed copy would replace the notebook; choose another --output than {folder}")
    copy.parent.mkdir(parents=True, exist_ok=True)
    log = copy.with_suffix(".log")
    log.unlink(missing_ok=True)
    options = {"kernel_name": "python3", "language": "python", "cwd": ROOT, "execution_timeout": timeout}
    try:
        with _one_thread():
            execute_notebook(path.resolve(), copy, values, stdout_file=sys.stdout, stderr_file=sys.stderr, **options)
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
    return copy


def read_parameters(path: str | Path) -> dict[str, Any]:
    """Names and defaults of a notebook's `parameters` cell; ParameterError unless one cell has that tag and assigns literals."""
    try:
        notebook = nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise ParameterError(f"{path} is not a readable notebook ({str(error).splitlines()[0]})") from error
    tagged = [cell.source for cell in notebook.cells if cell.cell_type == "code" and _TAG in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise ParameterError(f"{path}: {len(tagged)} code cells are tagged {_TAG!r}; expected exactly one")
    try:
        statements = ast.parse(tagged[0]).body
    except SyntaxError as error:
        raise ParameterError(f"{path}: line {error.lineno} of the parameters cell is not Python ({error.msg})") from error
    return dict(_assignment(path, tagged[0], statement) for statement in statements)


def run_command(arguments: Sequence[str]) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sim2real run", description="Run a notebook with other parameters.")
    parser.add_argument("notebook", type=Path)
    parser.add_argument("parameters", nargs="*", metavar="KEY=VALUE", help="replaces a value of the parameters cell")
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder of the executed copy (.cache/notebooks)")
    parser.add_argument("--timeout", type=int, default=CELL_TIMEOUT, metavar="SECONDS", help="for a cell (%(default)s)")
    options = parser.parse_intermixed_args(arguments)
    try:
        values = _from_text(options.notebook, options.parameters)
        copy = run_notebook(options.notebook, values, options.output, options.timeout)
    except NotebookError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    print(f"executed copy: {_short(copy)}")
    return 0


def _from_text(path: Path, pairs: Sequence[str]) -> dict[str, Any]:
    """KEY=VALUE arguments as values: a text where the notebook has one, else the literal that is spelled if one is."""
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
    return values


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


def _checked(path: Path, key: str, value: Any, defaults: Mapping[str, Any]) -> Any:
    """The value for a parameter, with an integer made float where the notebook has a float."""
    if key not in defaults:
        raise ParameterError(f"unknown parameter {key!r}; {_allowed(path, defaults)}")
    default = defaults[key]
    if isinstance(default, float) and type(value) is int:
        value = float(value)
    # beside a number of processes, what trains may be a cluster's address
    either = key == "WORKERS" and isinstance(value, str)
    if not either and (not _is_plain(value) or (default is not None and type(value) is not type(default))):
        wanted = "a literal" if default is None else _TYPES[type(default)]
        raise ParameterError(f"parameter {key} must be {wanted}, got {value!r}; {_allowed(path, defaults)}")
    return value


def _allowed(path: Path, defaults: Mapping[str, Any]) -> str:
    return f"parameters of {path}: " + (", ".join(f"{key}={value!r}" for key, value in defaults.items()) or "none")


@contextmanager
def _one_thread() -> Iterator[None]:
    """Kernels inherit one thread a process (trials run in parallel processes); papermill has no way to hand variables over."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ[name] for name in names if name in os.environ}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name in names:
            del os.environ[name]
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
