"""Which hyperparameters can be chosen, read from the table of cases, and the command that chooses and writes them down."""

from __future__ import annotations

import argparse
import itertools
import json
import string
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from sim2real.studies.cases import CASES
from sim2real.studies.presets import resolve, trainers
from sim2real.training.recipes import CHOSEN, TUNING, check_checkout, save_hyperparameters
from sim2real.training.study import Study, training_size


class Tunable(NamedTuple):
    """What is chosen under a name: for a study without hyperparameters and a target size, cut to what there is."""

    load: Callable[[], Study]
    m: int
    choose: Callable[[Study, int, int | str], tuple[Any, pd.DataFrame]]  # the choice, and a row for each candidate


def tunable() -> dict[str, Tunable]:
    """Every name that hyperparameters can be chosen under, read from the table; sources have the sizes of the preset quick."""
    found = {}
    for case in CASES:
        settings = resolve(case.edition, "quick", workers=1, kind=case.kind)
        named = {field for _, field, _, _ in string.Formatter().parse(case.tuned_as) if field and field != "m"}
        for values in itertools.product(*case.choices.values()) if case.tuned_as else ():
            choice = dict(zip(case.choices, values))
            default = all(v == case.choices[k][0] for k, v in choice.items() if k not in named)
            if default and not any(str(v).endswith("-full") for v in values):
                for m in case.tuned_m or (settings.m_max,):
                    name, load = case.tuning_name(m, **choice), partial(case.untrained, settings, **choice)
                    found[name] = Tunable(load, m, case.shared.choose)
    return found


def tune_command(arguments: Sequence[str]) -> int:
    """``python -m sim2real tune [STUDY ...]``: all that have a choice if none is named; exit status 2 for an unknown one."""
    names = tunable()
    parser = argparse.ArgumentParser(
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
    asked = options.studies or list(json.loads(CHOSEN.read_text()))
    for name in asked:
        study = names[name].load()
        m = min(training_size(study.target, study.split_by), names[name].m)
        chosen, table = names[name].choose(study, m, workers)
        TUNING.mkdir(parents=True, exist_ok=True)
        table.to_csv(TUNING / f"{name}.csv", index=False, lineterminator="\n")
        save_hyperparameters(name, chosen)
        best = table[table["chosen"]].set_index("stage")["validation_mae"]
        print(f"{name} (m = {m}): " + ", ".join(f"{stage} {error:.4g}" for stage, error in best.items()), flush=True)
    return 0
