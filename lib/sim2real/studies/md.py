"""Source data by molecular dynamics: polymers in, a table out that ``ask`` and EDITION=local read as it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sim2real.chemistry.simulators.md.cell import CELLS, CHARGES, GASTEIGER, RESP
from sim2real.chemistry.simulators.md.programs import MDError, lammps, package, versions
from sim2real.chemistry.simulators.md.protocol import FEMTOSECONDS
from sim2real.chemistry.simulators.md.run import Engine, Order, simulate
from sim2real.chemistry.structures import StructureError, parse, structure_key
from sim2real.datasets.command import Parser
from sim2real.datasets.files import read_file
from sim2real.datasets.task import DataError
from sim2real.studies.presets import trainers
from sim2real.training.keeping import write_whole
from sim2real.training.workers import share_out


def molecular_dynamics(
    smiles: Sequence[str],
    folder: str | Path,
    *,
    size: str = "small",
    seed: int = 0,
    charges: str = GASTEIGER,
    workers: int | str = 0,
    limit: float = 0,
    told: Callable[[str], None] = print,
    engine: Engine = lammps,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Density, refractive index and heat capacity of amorphous homopolymers at 300 K and 1 atm, by RadonPy and LAMMPS.

    Each polymer has a folder below ``folder`` in which finished stages are kept: called again, it goes on from there.

    Args:
        smiles: repeat units with two ``*``; what cannot be read, and what is there twice, is named among the failures.
        folder: also of the two tables, ``polymers.csv`` and ``failed.csv``, which are written after each polymer.
        size: ``small`` or ``paper``, of :data:`~sim2real.chemistry.simulators.md.cell.CELLS`.
        seed: of chains, packing and velocities.
        charges: ``gasteiger``, or ``resp``, for which the program Psi4 has to be there.
        workers: polymers at a time, one a core if 0, or a Dask cluster whose workers see ``folder`` under the same path.
        limit: seconds that a stage may take, after which the polymer counts as failed; 0 for none.
        told: is given a line after each polymer.
        engine: what runs LAMMPS.

    Returns:
        Polymers that are done, with values, errors and provenance; and those that failed, with stage and cause.

    Raises:
        MDError: the extra is not installed, or a folder was made with other settings.
        ValueError: an unknown size or kind of charges; a limit or a seed that is none; neither a number of workers nor a cluster.
        OSError: the folder cannot be written.
    """
    if size not in CELLS:
        raise ValueError(f"unknown size {size!r}; expected {' or '.join(CELLS)}")
    if charges not in CHARGES:
        raise ValueError(f"unknown charges {charges!r}; expected {' or '.join(CHARGES)}")
    if not limit >= 0:
        raise ValueError(f"limit is {limit:g}; expected seconds, or 0 for none")
    if not 0 <= seed < 2**31 - 1:
        raise ValueError(f"seed is {seed}; expected a whole number from 0 to {2**31 - 2:,}")
    if engine is lammps:
        versions(psi4=charges == RESP)
        package("radonpy")
    orders, unread = _orders(smiles, size, seed, charges)
    out, begun = Path(folder), time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    done: dict[str, dict[str, Any]] = {}

    def came(state: dict[str, Any]) -> None:
        done[state["smiles"]] = state
        _write(out, done, unread)
        worked = max(1, sum(state["worked"] for state in done.values()))
        hours = (time.monotonic() - begun) / worked * (len(orders) - len(done)) / 3600
        told(f"{len(done)} of {len(orders)}: {state['smiles']} {_said(state)}; about {hours:.1f} h left")

    _write(out, done, unread)
    share_out(_one, (out.resolve(), limit, engine), lambda: [o for o in orders if o.smiles not in done], trainers(workers), came)
    return _write(out, done, unread)


def _orders(smiles: Sequence[str], size: str, seed: int, charges: str) -> tuple[list[Order], list[dict[str, str]]]:
    orders: dict[str, Order] = {}
    failed = []
    for text in smiles:
        try:
            parse(text, attachment_points=(2,))
            key = structure_key(text)
            if key in orders:
                raise StructureError(f"the same polymer as {orders[key].smiles}")
            orders[key] = Order(text, CELLS[size], seed, charges)
        except StructureError as error:
            failed.append({"smiles": str(text), "stage": "structure", "cause": str(error)})
    return list(orders.values()), failed


def _one(common: tuple[Path, float, Engine], order: Order) -> dict[str, Any]:
    folder, limit, engine = common
    before = time.monotonic()
    state = simulate(folder / order.name, order, limit, engine)
    # what was done before takes no time, and says nothing of what is left
    return state | {"folder": order.name, "worked": time.monotonic() - before > 1}


def _said(state: dict[str, Any]) -> str:
    if "failed" in state:
        return "failed in stage {stage}: {cause}".format(**state["failed"])
    found = state["averages"]
    moving = "" if found["settled"] else f", still moving by {found['drift']:+.3f}"
    return f"{found['density']:.3f} +- {found['density_error']:.3f} g/cm3{moving}"


def result_row(state: dict[str, Any]) -> dict[str, Any]:
    """Of the results table: values, errors and provenance from what :func:`simulate` gave, with ``folder``."""
    stages = state["stages"].values()
    rate = sum(of["time_steps"] for of in stages) / max(sum(of["processor_seconds"] for of in stages if of["time_steps"]), 0.01)
    return {
        "smiles": state["smiles"],
        **{name: float(f"{value:.5g}") if not isinstance(value, bool) else value for name, value in state["averages"].items()},
        **{name: state["cell"][name] for name in ("atoms", "units")},
        **{name if name == "chains" else f"{name}_ps": state["size"][name] for name in ("chains", "squeeze", "settle", "sample")},
        "seed": state["seed"],
        "processor_seconds": round(sum(of["processor_seconds"] for of in stages)),
        "ns_per_day": round(rate * 86_400 * FEMTOSECONDS / 1e6, 1),
        "charges": state["charges"],
        "protocol": state["protocol"],
        "folder": state["folder"],
        "versions": ", ".join(f"{name} {version}" for name, version in state["versions"].items()),
    }


def _write(out: Path, done: dict[str, dict], unread: list[dict[str, str]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    failed = [{"smiles": smiles} | state["failed"] for smiles, state in done.items() if "failed" in state]
    tables = (
        pd.DataFrame([result_row(state) for state in done.values() if "failed" not in state]),
        pd.DataFrame([*unread, *failed], columns=["smiles", "stage", "cause"]),
    )
    for name, table in zip(("polymers", "failed"), tables):
        write_whole(out / f"{name}.csv", table.to_csv(index=False, lineterminator="\n").encode())
    return tables


def md_command(arguments: Sequence[str]) -> int:
    """``python -m sim2real md``: exit status 1 where no polymer is done or the extra is missing, 2 for wrong arguments."""
    parser = Parser(
        prog="python -m sim2real md",
        description="Source data by molecular dynamics (RadonPy, GAFF2, LAMMPS): density, refractive index and heat capacity of "
        "amorphous polymers at 300 K and 1 atm. Stopped, it goes on where it was when it is called again.",
    )
    parser.add_argument("smiles", nargs="*", metavar="SMILES", help="repeat units with two *")
    parser.add_argument("--table", type=Path, metavar="TABLE", help="with a column of them")
    parser.add_argument("--structure", default="smiles", metavar="COLUMN", help="of that table (%(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path("md"), metavar="DIR", help="a folder a polymer, and the tables (%(default)s)"
    )
    parser.add_argument("--size", choices=CELLS, default="small", help="chains, atoms and times (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="NUMBER", help="of chains, packing and velocities")
    parser.add_argument("--charges", choices=CHARGES, default=GASTEIGER, help="resp needs the program psi4 (%(default)s)")
    parser.add_argument("--workers", default="0", help="polymers at a time, one a core if 0, or tcp://host:port of a Dask cluster")
    parser.add_argument("--limit", type=float, default=0, metavar="SECONDS", help="that a stage may take; none if 0")
    options = parser.parse_args(arguments)
    try:
        smiles = [*options.smiles]
        if options.table is not None:
            smiles += read_file(options.table, (options.structure,)).frame[options.structure].tolist()
        if not smiles:
            raise ValueError("expected SMILES of repeat units, or --table with a column of them")
        chosen = {name: getattr(options, name) for name in ("size", "seed", "charges", "workers", "limit")}
        done, failed = molecular_dynamics(smiles, options.out, told=lambda line: print(line, flush=True), **chosen)
    except (MDError, DataError) as error:
        print(error, file=sys.stderr)
        return 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"\n{len(done)} done: {options.out / 'polymers.csv'}; {len(failed)} not: {options.out / 'failed.csv'}")
    for row in failed.to_dict("records"):
        print(f"  {row['smiles']}: {row['stage']}: {row['cause']}")
    return 0 if len(done) else 1
