"""A study of your own tables in one call, its trials in another; and the command that does without Python."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sim2real import figures
from sim2real.datasets.tables import read_table
from sim2real.datasets.task import DataError, Task
from sim2real.laws.curve import learning_curve
from sim2real.studies.kinds import KINDS
from sim2real.studies.local import EXAMPLE, check_sizes, check_units, chosen_for, kind_of_study
from sim2real.studies.presets import PRESETS, processes_here, resolve, trainers
from sim2real.studies.run import Run
from sim2real.studies.sides import Sides, describe
from sim2real.training import experiment
from sim2real.training.study import Design, Study, Trials, training_size


def study(
    source: str | Path | Task,
    target: str | Path | Task,
    *,
    structure: str = "",
    value: str = "",
    unit: str = "",
    property: str = "",
    kind: str = "any",
    descriptor: str = "",
    name: str = "own",
    tuned: bool = True,
    workers: int | str = 0,
) -> Study:
    """A study that transfers from simulated to measured values of one property of materials; errors in ``target.property.unit``.

    Args:
        source: simulations: a CSV, TSV, Parquet or Excel file, or a task (of :func:`~sim2real.datasets.tables.read_table`).
        target: measurements, likewise.
        structure: column with SMILES (repeat units with two ``*``, or molecules), or with compositions.
        value: column with numbers.
        unit: their unit, such as ``kg/m3``; converted to the property's own where ``property`` is known.
        property: such as ``density``, whose range values are checked by; empty for one of your own.
        kind: ``polymer``, ``molecule``, ``any`` of both, or ``composition``.
        descriptor: ``forcefield`` (190 numbers of a repeat unit), ``molecular`` (RDKit's) or ``composition`` (580 numbers); if
            empty the last for compositions and RDKit's for anything else.
        name: of the study; seeds its random numbers and names its stored trials.
        tuned: whether hyperparameters are chosen for these data on validation rows, some minutes, once; if not, a short training.
        workers: processes, one a core if 0, or the address or scheduler file of a Dask cluster.

    Raises:
        DataError: a table that cannot be used, two units, or too few materials: one line.
        ValueError: an unknown property, kind or descriptor.
    """
    options = {"structure": structure, "value": value, "unit": unit, "property": property, "kind": kind}
    sides = [side if isinstance(side, Task) else read_table(side, **options) for side in (source, target)]
    check_units(*sides)
    descriptor = descriptor or ("composition" if kind == "composition" else "molecular")
    described = describe(Sides(*sides), descriptor, processes_here(workers))
    made = Study(f"{name}-{descriptor}", described.source, described.target, KINDS["polymers"].untuned, splits=name)
    check_sizes(name, made)
    return replace(made, settings=chosen_for(made, training_size(made.target), "polymers", trainers(workers))) if tuned else made


def run_study(
    study: Study,
    design: Design | None = None,
    *,
    surface: bool = False,
    preset: str = "quick",
    arms: tuple[str, ...] | None = None,
    store: Path | None = None,
    **sizes: Any,
) -> Trials:
    """Train what is not stored yet of a study's trials; return all, with an error for each arm, n, m, trial and test material.

    Errors are in the unit of the target's property. ValueError where a size exceeds the data or a grid the source.

    Args:
        study: with descriptors and hyperparameters.
        design: the grid; if None, one that the other arguments make.
        surface: many m instead of one, for :func:`~sim2real.laws.grid.error_surface`.
        preset: ``smoke``, ``quick`` or ``paper``: sizes of the grid and numbers of trials.
        arms: ``transfer``, ``direct`` and baselines; all that the study has if None.
        store: folder of the stored trials; in the cache if None.
        sizes: ``trials`` a cell, ``seed`` of all random numbers, ``overlap`` (``keep`` leaves the measured materials' own
            simulations in the source, ``drop`` takes them out) and ``workers`` (processes, one a core if 0, or a Dask cluster).
    """
    kind = "pairs" if study.clusters() is not None else "polymers"
    settings = resolve("local", preset, kind=kind, **sizes)
    if design is None:
        design = settings.surface_design(study) if surface else settings.design(study)
    return experiment.run_trials(study, design, workers=settings.trainers, arms=arms, store=store)


def curve_command(arguments: Sequence[str]) -> int:
    """``python -m sim2real curve TABLES [BLOCK] --out DIR``: exit status 1 where tables cannot be used, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m sim2real curve",
        description=f"The error on your measurements against the number of your simulations; {EXAMPLE.name} says how to name both.",
    )
    parser.add_argument("tables", type=Path, help="a TOML file that names your tables")
    parser.add_argument("block", nargs="?", default="", help="of the file; its first if left out")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the figure, its numbers and the report")
    parser.add_argument("--preset", choices=PRESETS, default="quick", help="how much is run (%(default)s)")
    for name, what in (("trials", "a cell"), ("workers", "processes"), ("seed", "changes all random numbers")):
        parser.add_argument(f"--{name}", type=int, default=0, metavar="NUMBER", help=what)
    options = vars(parser.parse_args(arguments))
    try:
        paths = _curve(options.pop("tables"), options.pop("block"), options.pop("out"), **options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1 if isinstance(error, DataError) else 2
    print(*paths, sep="\n")
    return 0


def _curve(tables: Path, block: str, out: Path, preset: str, **sizes: int) -> list[Path]:
    kind = kind_of_study(tables, block)
    run = Run("local", preset, figures=out, kind=kind, **sizes)
    study = run.study(kind, property=block, tables=tables)
    ((trials, other),) = run.both_overlaps([study])
    curve = learning_curve(trials, other=other)
    name = f"curve-{study.name.removeprefix('local-')}"
    run.save(name, study.target.property.label, figures.scaling, [curve], words=run.words([study]))
    curve.report().to_csv(out / f"{name}.csv", lineterminator="\n")
    return [out / f"{name}.{suffix}" for suffix in ("png", "pdf", "json", "md", "csv")]
