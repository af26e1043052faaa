"""Everything about the networks of a study that was chosen rather than given: two recipes, and where the choice is written down.

``data/tuning/chosen.json`` holds, per study, the values; ``data/tuning/<study>.csv`` holds every candidate with its
validation error. ``python -m sim2real tune`` writes both. Nothing else in the repository sets a learning rate.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

import numpy as np

from sim2real.datasets.paths import DATA
from sim2real.datasets.task import Task
from sim2real.training.fits import PAPER_WEIGHT, Predictors, fit_multitask, fit_networks, transfer
from sim2real.training.networks import Network, Training
from sim2real.training.towers import PairNetwork

TUNING = DATA / "tuning"
CHOSEN = TUNING / "chosen.json"
NETWORK_ARMS = ("transfer", "direct")


class Simulations(NamedTuple):
    """The simulations that K trials learn from: rows (K, n) of the source, and K seeds; trials of one seed have the same rows."""

    source: Task
    rows: np.ndarray
    seeds: Sequence[tuple]


@dataclass(frozen=True)
class Hyperparameters:
    """Pretraining and fine-tuning, and direct learning.

    With ``fine_tuning.steps`` 0 a transferred network differs from the pretrained one only by the rescaling of its head.
    """

    transfer_network: Network
    pretraining: Training
    fine_tuning: Training
    direct_network: Network
    direct: Training

    def used(self, arm: str) -> dict[str, object]:
        """What an arm depends on, as plain data."""
        return _parts(self, ("transfer_network", "pretraining", "fine_tuning"), arm)

    def updates(self, arm: str, n: int, m_grid: Sequence[int], trials: int, draws: int) -> int:
        """Updates of single networks that these trials take, with this many different draws of n simulations."""
        if arm == "direct":
            return trials * sum(self.direct.steps_for(m) for m in m_grid)
        return draws * self.pretraining.steps_for(n) + trials * sum(self.fine_tuning.steps_for(m) for m in m_grid)

    def short(self, stage: Training) -> Hyperparameters:
        """With the stages that are not fine-tuning replaced by this one, and no fine-tuning: to measure what an update takes."""
        return replace(self, pretraining=stage, fine_tuning=replace(stage, steps=0), direct=stage)

    def prepare(self, drawn: Simulations) -> Predictors:
        """One pretrained network a trial, for :meth:`learn`; those of one seed are trained once and are copies."""
        source, rows, seeds = drawn
        distinct = sorted(set(seeds))
        # a stack of one runs through another matrix kernel, with other rounding
        distinct = distinct * 2 if len(distinct) == 1 else distinct
        own = rows[[seeds.index(seed) for seed in distinct]]
        pretrained = fit_networks(source.X, source.y, own, self.transfer_network, self.pretraining, distinct)
        return pretrained.take([distinct.index(seed) for seed in seeds])

    def learn(self, target: Task, rows: np.ndarray, seeds: Sequence[tuple], prepared: Predictors | None = None) -> Predictors:
        """Train K networks on rows (K, m) of the target: what :meth:`prepare` gave is fine-tuned; direct learning without it."""
        if prepared is None:
            return fit_networks(target.X, target.y, rows, self.direct_network, self.direct, seeds)
        return transfer(prepared, target.X, target.y, rows, self.fine_tuning, seeds)


@dataclass(frozen=True)
class MultitaskHyperparameters:
    """Learning of pairs, simulated and measured at once, and direct learning.

    ``multitask.steps`` are updates, each on a batch of simulated and one of measured pairs; its ``max_epochs`` count passes over
    the measured ones, as those of ``direct`` do, so that neither arm stops for the other's data. Methods are those of
    :class:`Hyperparameters`.
    """

    transfer_network: PairNetwork
    multitask: Training
    direct_network: PairNetwork
    direct: Training
    simulation_weight: float = PAPER_WEIGHT

    def used(self, arm: str) -> dict[str, object]:
        return _parts(self, ("transfer_network", "multitask", "simulation_weight"), arm)

    def updates(self, arm: str, n: int, m_grid: Sequence[int], trials: int, draws: int) -> int:
        stage = self.direct if arm == "direct" else self.multitask
        return trials * sum(stage.steps_for(m) for m in m_grid)

    def short(self, stage: Training) -> MultitaskHyperparameters:
        return replace(self, multitask=stage, direct=stage)

    def prepare(self, drawn: Simulations) -> Simulations:
        return drawn

    def learn(self, target: Task, rows: np.ndarray, seeds: Sequence[tuple], prepared: Simulations | None = None) -> Predictors:
        measured = (target.X, target.y, rows)
        if prepared is None:
            return fit_multitask(measured, None, self.direct_network, self.direct, seeds)
        simulated = (prepared.source.X, prepared.source.y, prepared.rows)
        return fit_multitask(measured, simulated, self.transfer_network, self.multitask, seeds, weight=self.simulation_weight)


Recipe = Hyperparameters | MultitaskHyperparameters
# of the preset smoke, which only shows that a table can be read and run: nothing is chosen there
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


def _parts(recipe: Recipe, transfer: tuple[str, ...], arm: str) -> dict[str, object]:
    names = transfer if arm == "transfer" else ("direct_network", "direct")
    return {name: value for name, value in asdict(recipe).items() if name in names}


def load_hyperparameters(study: str) -> Recipe:
    """The chosen hyperparameters of one study, such as ``polymers-density-forcefield``.

    Raises:
        ValueError: nothing was chosen for that study; the message says how to choose.
    """
    chosen = json.loads(CHOSEN.read_text()) if CHOSEN.exists() else {}
    if study not in chosen:
        raise ValueError(f"no hyperparameters for {study!r} in data/tuning/chosen.json; run python -m sim2real tune {study}")
    return from_dict(chosen[study])


def save_hyperparameters(study: str, settings: Recipe) -> None:
    """Write the choice for one study, leaving the others as they are."""
    TUNING.mkdir(parents=True, exist_ok=True)
    chosen = json.loads(CHOSEN.read_text()) if CHOSEN.exists() else {}
    chosen[study] = asdict(settings)
    part = CHOSEN.with_suffix(".part")
    part.write_text(json.dumps(chosen, indent=1, sort_keys=True) + "\n")
    part.replace(CHOSEN)


def from_dict(values: dict) -> Recipe:
    """The inverse of ``dataclasses.asdict`` after a trip through JSON."""
    pairs = "multitask" in values
    network, whole = (PairNetwork, MultitaskHyperparameters) if pairs else (Network, Hyperparameters)
    built = {}
    for name, part in values.items():
        if name.endswith("_network"):
            built[name] = network(**{key: tuple(v) if isinstance(v, list) else v for key, v in part.items()})
        else:
            built[name] = Training(**part) if isinstance(part, dict) else part
    return whole(**built)
