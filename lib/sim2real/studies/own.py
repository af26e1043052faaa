"""A study of your own tables in one call, its trials in another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sim2real.datasets.tables import check_units, read_table
from sim2real.datasets.task import Task
from sim2real.datasets.values import Source
from sim2real.studies.kinds import KINDS
from sim2real.studies.local import check_study
from sim2real.studies.presets import processes_here, resolve, trainers
from sim2real.studies.sides import Sides, describe, own_values
from sim2real.training import experiment
from sim2real.training.estimators import run_estimator
from sim2real.training.study import Design, Study, Trials, training_size


def study(
    source: Source | Task,
    target: Source | Task,
    *,
    structure: str | tuple[str, str] = "",
    value: str | tuple[str, str] = "",
    unit: str | tuple[str, str] = "",
    property: str = "",
    kind: str = "any",
    descriptor: str = "",
    name: str = "own",
    tuned: bool = True,
    workers: int | str = 0,
    simulator: Callable[[list[str]], ArrayLike] | None = None,
    **options: Any,
) -> Study:
    """A study that transfers from simulated to measured values of one property of materials; errors in ``target.property.unit``.

    Args:
        source: simulations: a table's file, a DataFrame, or a task (of :func:`~sim2real.datasets.tables.read_table`).
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
        simulator: gives values of measured structures themselves, NaN where it fails, to learn what it gets wrong; if None, they
            are those of the simulated table.
        options: further arguments of :func:`~sim2real.datasets.tables.read_table`, for both tables, such as ``label``. Of these and
            of structure, value and unit a pair of texts is one a table: ``value=("rho", "Density")``, ``label=("", "name")``.

    What is not used of the tables is listed in the cache, in ``dropped/<name>-<descriptor>.csv``.

    Raises:
        DataError: a table that cannot be used, two units, too few materials or a constant side: one line.
        ValueError: an unknown property, kind or descriptor.
    """
    options |= {"structure": structure, "value": value, "unit": unit, "property": property, "kind": kind}
    sides = []
    for k, (word, side) in enumerate((("simulations", source), ("measurements", target))):
        own_options = {option: given[k] if _is_pair(given) else given for option, given in options.items()}
        own_options |= {} if isinstance(side, str | Path) else {"name": word}
        sides.append(side if isinstance(side, Task) else read_table(side, **own_options))
    check_units(*sides)
    descriptor = descriptor or ("composition" if kind == "composition" else "molecular")
    own = own_values(*sides) if simulator is None else np.asarray(simulator(list(sides[1].table["structure"])), dtype=float)
    described = describe(Sides(*sides, own), descriptor, processes_here(workers))
    shared = KINDS["polymers"]
    made = Study(f"{name}-{descriptor}", *described[:2], shared.untuned, described.simulated, splits=name)
    check_study(name, made)
    return replace(made, settings=shared.kept_choice(made, training_size(made.target), trainers(workers))) if tuned else made


def _is_pair(given: object) -> bool:
    return isinstance(given, tuple) and len(given) == 2 and all(isinstance(text, str) for text in given)


def run_study(
    study: Study,
    design: Design | None = None,
    *,
    surface: bool = False,
    preset: str = "quick",
    arms: tuple[str, ...] | None = None,
    store: Path | None = None,
    estimator: Any = None,
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
        estimator: a scikit-learn regressor instead of our networks, as :func:`~sim2real.training.estimators.run_estimator`, for
            which the study need not be tuned.
        sizes: ``trials`` a cell, ``seed`` of all random numbers, ``overlap`` (``keep`` leaves the measured materials' own
            simulations in the source, ``drop`` takes them out) and ``workers`` (processes, one a core if 0, or a Dask cluster).
    """
    kind = "pairs" if study.clusters() is not None else "polymers"
    settings = resolve("local", preset, kind=kind, **sizes)
    if design is None:
        design = settings.surface_design(study) if surface else settings.design(study)
    if estimator is not None:
        return run_estimator(estimator, study, design, workers=settings.workers)
    return experiment.run_trials(study, design, workers=settings.trainers, arms=arms, store=store)
