"""One polymer from SMILES to averages, stage by stage in a folder of its own: what is done is kept, what fails is written down."""

from __future__ import annotations

import csv
import hashlib
import json
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from sim2real.chemistry.simulators.graph import CannotSimulate
from sim2real.chemistry.simulators.md.averages import averages
from sim2real.chemistry.simulators.md.cell import GASTEIGER, RESP, Size, build_cell, charge_monomers
from sim2real.chemistry.simulators.md.programs import MDError, lammps, versions
from sim2real.chemistry.simulators.md.protocol import PROTOCOL, MDStage, lammps_input, stages

# (folder, stage, seconds it may take): runs ``NAME.in`` there
Engine = Callable[[Path, str, float], None]
Course = Callable[[Size], Iterable[MDStage]]


@dataclass(frozen=True)
class Order:
    """What a polymer's folder answers: another order is refused there.

    Attributes:
        smiles: a repeat unit with two ``*``, that has passed :func:`~sim2real.chemistry.structures.parse`.
        size: of the cell and of the run.
        seed: of chains, packing and velocities.
        charges: one of :data:`~sim2real.chemistry.simulators.md.cell.CHARGES`.
    """

    smiles: str
    size: Size
    seed: int
    charges: str = GASTEIGER

    @property
    def name(self) -> str:
        """Of the folder: any SMILES can be told from any other, and none is a path."""
        return hashlib.sha256(self.smiles.encode()).hexdigest()[:12]


def simulate(
    folder: Path, order: Order, seconds: float = 0, engine: Engine = lammps, protocol: str = PROTOCOL, course: Course = stages
) -> dict[str, Any]:
    """Do what is left of a polymer; ``folder`` is of this polymer only, ``seconds`` the most that a stage may take (0: no limit),
    ``protocol`` the name of another ``course``.

    Returns:
        What ``run.json`` holds: the order, versions, charges and protocol; ``cell`` (units, atoms, mass in g/mol); ``stages``, each
        with its time steps and seconds on the clock and of the processor; then ``averages``, or ``failed`` with stage and cause,
        after which a next call tries that stage again. Where another process is at this polymer, that is the failure.

    Raises:
        MDError: RadonPy, LAMMPS or, for RESP charges, Psi4 are not installed, or the folder was made with other settings.
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told = asdict(order) | {"versions": versions(psi4=order.charges == RESP), "protocol": protocol}
    try:
        with FileLock(folder / "run.lock").acquire(timeout=0):
            return _go_on(folder, order, told, course(order.size), seconds, engine)
    except Timeout:
        return told | {"failed": {"stage": "start", "cause": "another process is at it"}}


def _go_on(
    folder: Path, order: Order, told: dict[str, Any], to_do: Iterable[MDStage], seconds: float, engine: Engine
) -> dict[str, Any]:
    state: dict[str, Any] = _read(folder) or told | {"stages": {}}
    for what, value in told.items():
        if state[what] != value:
            raise MDError(f"{folder} was made with {what} {state[what]}, not {value}; choose another folder")
    state.pop("failed", None)
    stage = "charges"
    try:
        charged = order.charges == RESP
        if charged and stage not in state["stages"]:
            with _timed(state, folder, stage, 0):
                charges = charge_monomers(order.smiles, order.seed, folder, seconds)
                (folder / "charges.part").write_text(json.dumps(charges), "utf-8")
        stage = "cell"
        if stage not in state["stages"]:
            with _timed(state, folder, stage, 0):
                charges = json.loads((folder / "charges.data").read_text("utf-8")) if charged else None
                state["cell"] = build_cell(order.smiles, order.size, order.seed, folder / "cell.part", charges)
        records = []
        for made in to_do:
            stage = made.name
            if stage not in state["stages"]:
                with _timed(state, folder, stage, made.time_steps):
                    (folder / f"{stage}.in").write_text(lammps_input(made, order.seed), "utf-8")
                    engine(folder, stage, seconds)
            records += [stage] if made.record else []
        stage = "averages"
        state["averages"] = asdict(averages(_record(folder, records), order.smiles, state["cell"]["mass"]))
    except (MDError, CannotSimulate, ValueError) as error:
        state["failed"] = {"stage": stage, "cause": str(error)}
    _write(folder, state)
    return state


@contextmanager
def _timed(state: dict[str, Any], folder: Path, stage: str, time_steps: int) -> Iterator[None]:
    """What is done within is a stage: kept with its times when it ends well."""
    clock, processor = time.monotonic(), _processor()
    yield
    (folder / f"{stage}.part").replace(folder / f"{stage}.data")
    times = {"seconds": time.monotonic() - clock, "processor_seconds": _processor() - processor}
    state["stages"][stage] = {"time_steps": time_steps} | {name: round(value, 2) for name, value in times.items()}
    _write(folder, state)


def _processor() -> float:
    """Seconds of this process and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _record(folder: Path, names: list[str]) -> dict[str, np.ndarray]:
    rows = [row for name in names for row in csv.DictReader((folder / f"{name}.csv").read_text("utf-8").splitlines())]
    return {column: np.array([float(row[column]) for row in rows]) for column in rows[0]}


def _read(folder: Path) -> dict[str, Any] | None:
    path = folder / "run.json"
    try:
        return json.loads(path.read_text("utf-8")) if path.is_file() else None
    except ValueError:
        raise MDError(f"{path} is no JSON file; remove the folder to begin anew") from None


def _write(folder: Path, state: dict[str, Any]) -> None:
    part = folder / "run.part"
    part.write_text(json.dumps(state, indent=1), "utf-8")
    part.replace(folder / "run.json")
