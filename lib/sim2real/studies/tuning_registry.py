"""Which hyperparameters can be chosen: for each name the study, the target size and the way to choose; and the command that does.

python -m sim2real.studies.tuning_registry polymers-density-forcefield ...  (every committed study if none is named)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
from joblib import Parallel, delayed

from sim2real.datasets.task import PROPERTIES
from sim2real.studies.chi_studies import load_chi_study
from sim2real.studies.chi_studies import tuning_name as chi_tuning_name
from sim2real.studies.polymers import load_study
from sim2real.studies.presets import PRESETS
from sim2real.studies.transport_studies import TUNED_M, load_transport_study, tuning_name
from sim2real.training.recipes import TUNING, Recipe, save_hyperparameters
from sim2real.training.study import Study, training_size
from sim2real.training.tune import PAIRS, TRANSPORT, tune

PRESET = PRESETS["quick"]


@dataclass(frozen=True)
class Tunable:
    """What the command does with this name.

    Attributes:
        load: the study, without hyperparameters.
        m: target training size, 0 or more than there are for all of the target's.
        tune: (study, m) -> the choice, and a row for each candidate with ``stage``, its settings, ``validation_mae``, ``chosen``.
        committed: whether the choice is part of the repository; the others the notebooks can ask for besides.
    """

    load: Callable[[], Study]
    m: int
    tune: Callable[[Study, int], tuple[Recipe, pd.DataFrame]] = tune
    committed: bool = True


def study_names() -> list[str]:
    """The names whose choice is committed."""
    return [name for name, entry in TUNABLE.items() if entry.committed]


def _polymers() -> dict[str, Tunable]:
    """Studies of polymers and liquids, one a property."""
    entries = {}
    for edition, kind, descriptor, committed in (
        ("embedded", "polymers", "forcefield", True),
        ("embedded", "polymers", "molecular", True),
        ("embedded", "liquids", "molecular", True),
        ("open", "polymers", "forcefield", True),
        ("open", "polymers", "molecular", False),
    ):
        prefix = "" if edition == "embedded" else f"{edition}-"
        for p in PROPERTIES:
            load = partial(load_study, kind, p, edition=edition, n_max=PRESET.n_max, descriptor=descriptor, tuned=False)
            entries[f"{prefix}{kind}-{p}-{descriptor}"] = Tunable(load, PRESET.m_max, committed=committed)
    return entries


def _transport() -> dict[str, Tunable]:
    """Studies of conductivities, one a target size."""
    entries = {}
    for (edition, source), sizes in TUNED_M.items():
        for m in sizes:
            load = partial(load_transport_study, edition, source=source, n_max=PRESET.n_max, tuned=False)
            # fewer trials than other studies, since networks of 580 inputs are slow; from 400 rows on a hundred validate in each
            choose = partial(tune, candidates=TRANSPORT, trials=6 if m >= 400 else 12)
            entries[tuning_name(edition, source, m)] = Tunable(load, m, choose)
    return entries


def _pairs() -> dict[str, Tunable]:
    """Studies of polymer-solvent pairs, one a simulator; all rows of the target, split by pair."""
    entries = {}
    for edition, simulator in (("embedded", "unifac"), ("open", "cosmo"), ("open", "unifac")):
        load = partial(load_chi_study, edition=edition, simulator=simulator, n_max=PRESET.n_max, tuned=False)
        entries[chi_tuning_name(edition, simulator)] = Tunable(load, 0, partial(tune, candidates=PAIRS))
    return entries


TUNABLE: dict[str, Tunable] = _polymers() | _transport() | _pairs()


def _tune(name: str) -> tuple[str, int, Recipe, pd.DataFrame]:
    entry = TUNABLE[name]
    study = entry.load()
    largest = training_size(study.target, study.split_by)
    m = min(largest, entry.m) if entry.m else largest
    return name, m, *entry.tune(study, m)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit status 2 for an unknown study."""
    parser = argparse.ArgumentParser(prog="python -m sim2real.studies.tuning_registry", description=__doc__.split("\n")[0])
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=", ".join(TUNABLE))
    parser.add_argument("--workers", type=int, default=1, help="studies tuned at the same time")
    options = parser.parse_args(arguments)
    unknown = [s for s in options.studies if s not in TUNABLE]
    if unknown:
        parser.error(f"unknown study {unknown[0]!r}; expected {', '.join(TUNABLE)}")
    names = options.studies or study_names()
    results = Parallel(n_jobs=options.workers, return_as="generator_unordered")(delayed(_tune)(name) for name in names)
    for name, m, chosen, table in results:
        TUNING.mkdir(parents=True, exist_ok=True)
        table.to_csv(TUNING / f"{name}.csv", index=False, lineterminator="\n")
        save_hyperparameters(name, chosen)
        best = table[table["chosen"]].set_index("stage")["validation_mae"]
        print(f"{name} (m = {m}): " + ", ".join(f"{stage} {error:.4g}" for stage, error in best.items()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
