"""The kinds of studies: how hyperparameters are chosen for one, what it is compared with, and what ``overlap`` drops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from sim2real.training.multitask import MultitaskHyperparameters
from sim2real.training.study import Study
from sim2real.training.towers import PairNetwork
from sim2real.training.transfer import Hyperparameters, Network, Training
from sim2real.training.tune import TRANSPORT, tune
from sim2real.training.tune_pairs import tune_pairs

Recipe = Hyperparameters | MultitaskHyperparameters
# short trainings that show only that everything runs
UNTUNED = Hyperparameters(
    transfer_network=Network(),
    pretraining=Training(500, 2e-3),
    fine_tuning=Training(200, 1e-3),
    direct_network=Network(),
    direct=Training(200, 1e-3, weight_decay=1.0, dropout=0.3),
)
UNTUNED_PAIRS = MultitaskHyperparameters(
    transfer_network=PairNetwork(inputs="min-max"),
    multitask=Training(200, 3e-3),
    direct_network=PairNetwork(inputs="min-max"),
    direct=Training(200, 3e-3, weight_decay=1.0),
)


def tune_conductivities(study: Study, m: int) -> tuple[Hyperparameters, pd.DataFrame]:
    """As :func:`~sim2real.training.tune.tune`, in fewer trials, since networks of 580 inputs are slow; from 400 rows on a hundred
    validate in each."""
    return tune(study, m, candidates=TRANSPORT, trials=6 if m >= 400 else 12)


@dataclass(frozen=True)
class Kind:
    """What all studies of one kind share.

    Attributes:
        choose: (study, m) -> hyperparameters chosen on validation data, and the table of candidates.
        untuned: hyperparameters of a short training.
        baselines, drop_tested: as :class:`~sim2real.training.study.Study` has them. Nearly all measured pairs and compounds
            are simulated too: without all of them no source would be left, so that each trial drops its own test rows.
        all_rows: whether all measured rows train, as in the paper, or as many as the preset's ``m_max``.
        from_scratch: whether every n and m is a training of its own, so that presets give it fewer trials.
        shown: the choice of which figures show every value.
    """

    choose: Callable[[Study, int], tuple[Recipe, pd.DataFrame]]
    untuned: Recipe
    baselines: tuple[str, ...] = ("ridge", "trees", "simulator")
    drop_tested: bool = False
    all_rows: bool = False
    from_scratch: bool = False
    shown: str = "property"


_TREES = ("ridge", "trees", "boosting")
KINDS = {
    "polymers": Kind(tune, UNTUNED),
    "liquids": Kind(tune, UNTUNED),
    "pairs": Kind(
        tune_pairs, UNTUNED_PAIRS, (*_TREES, "simulator"), drop_tested=True, all_rows=True, from_scratch=True, shown="simulator"
    ),
    "conductivity": Kind(
        tune_conductivities, UNTUNED, (*_TREES, "neighbour", "simulator", "law"), drop_tested=True, all_rows=True, shown="source"
    ),
}
