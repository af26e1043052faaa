"""Which hyperparameters can be chosen, read from the table of cases, and the command that chooses and writes them down."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from sim2real.datasets.command import Parser
from sim2real.studies.cases import CASES
from sim2real.studies.presets import resolve, trainers
from sim2real.training.recipes import TUNING, all_chosen, check_checkout, load_hyperparameters, save_hyperparameters
from sim2real.training.study import Study, training_size


class Tunable(NamedTuple):
    """What is chosen under a name: for a study without hyperparameters and a target size, cut to what there is."""

    load: Callable[[], Study]
    m: int
    choose: Callable[..., tuple[Any, pd.DataFrame]]  # :meth:`~sim2real.studies.kinds.Kind.choose`
    largest: str  # the name of what must be chosen before; empty for the most rows


def tunable() -> dict[str, Tunable]:
    """Every name that hyperparameters can be chosen under, read from the table; sources have the sizes of the preset quick."""
    found = {}
    for case in CASES:
        settings = resolve(case.edition, "quick", workers=1, kind=case.kind)
        for values in itertools.product(*case.choices.values()):
            choice = dict(zip(case.choices, values))
            load, largest = partial(case.untrained, settings, **choice), case.tuning_name(**choice)
            for m in reversed(case.tuned_m):
                name = case.tuning_name(m, **choice)
                # of choices that share a name, the first are the defaults
                found.setdefault(name, Tunable(load, m, case.shared.choose, "" if name == largest else largest))
    return found


def tune_command(arguments: Sequence[str]) -> int:
    """``python -m sim2real tune [STUDY ...]``, each with what is chosen for fewer rows: all that have a choice if none is named;
    exit status 2 for an unknown one.
    """
    names = tunable()
    parser = Parser(
        prog="python -m sim2real tune", description="Choose hyperparameters on validation data, and write them to data/tuning."
    )
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=", ".join(names))
    parser.add_argument("--workers", default="0", help="processes, one a core if 0, or tcp://host:port of a Dask cluster")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.studies if name not in names]
    if unknown:
        parser.error(f"unknown study {unknown[0]!r}; expected {', '.join(names)}")
    try:
        check_checkout()
        workers = trainers(options.workers)
    except ValueError as error:
        parser.error(str(error))
    asked = options.studies or all_chosen()
    # the largest of a study stands before the others
    for name in (name for name, of in names.items() if {name, of.largest} & set(asked)):
        study, largest = names[name].load(), names[name].largest
        m = min(rows := training_size(study.target, study.split_by), names[name].m)
        if largest and m == rows:
            print(f"{name}: passed over, all {rows} rows that train are chosen for as {largest}", flush=True)
            continue
        chosen, table = names[name].choose(study, m, workers, load_hyperparameters(largest) if largest else None)
        TUNING.mkdir(parents=True, exist_ok=True)
        table.to_csv(TUNING / f"{name}.csv", index=False, lineterminator="\n")
        save_hyperparameters(name, chosen)
        best = table[table["chosen"]].set_index("stage")["validation_mae"]
        print(f"{name} (m = {m}): " + ", ".join(f"{stage} {error:.4g}" for stage, error in best.items()), flush=True)
    return 0
