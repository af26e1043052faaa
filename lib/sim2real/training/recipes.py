"""The recipes of a study's networks, as ``python -m sim2real tune`` has chosen them and written to ``data/tuning/chosen.json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import NamedTuple

import numpy as np

from sim2real.datasets.paths import CHECKOUT, DATA
from sim2real.datasets.task import Task
from sim2real.training.fits import PAPER_WEIGHT, Predictors, fit_multitask, fit_networks, transfer
from sim2real.training.networks import Network, Training
from sim2real.training.towers import PairNetwork

TUNING = DATA / "tuning"
CHOSEN = TUNING / "chosen.json"
NETWORK_ARMS = ("transfer", "direct")


class Simulations(NamedTuple):
    """What K trials learn from: rows (K, n) of the source, and K seeds; trials of one seed have the same rows."""

    source: Task
    rows: np.ndarray
    seeds: Sequence[tuple]


class _Parts:
    def used(self, arm: str) -> dict[str, object]:
        """What an arm depends on, as plain data."""
        return {name: part for name, part in asdict(self).items() if name.startswith("direct") == (arm == "direct")}


@dataclass(frozen=True)
class Hyperparameters(_Parts):
    """Pretraining and fine-tuning, of the head's scale alone if ``fine_tuning.steps`` is 0; and direct learning."""

    transfer_network: Network
    pretraining: Training
    fine_tuning: Training
    direct_network: Network
    direct: Training

    def updates(self, arm: str, n: int, m_grid: Sequence[int], trials: int, draws: int) -> int:
        """Updates of single networks that these trials take, with this many different draws of n simulations."""
        if arm == "direct":
            return trials * sum(self.direct.steps_for(m) for m in m_grid)
        return draws * self.pretraining.steps_for(n) + trials * sum(self.fine_tuning.steps_for(m) for m in m_grid)

    def short(self, stage: Training) -> Hyperparameters:
        """With this stage for all others and no fine-tuning: to measure what an update takes."""
        return replace(self, pretraining=stage, fine_tuning=replace(stage, steps=0), direct=stage)

    def prepare(self, drawn: Simulations) -> Predictors:
        """One pretrained network a trial, for :meth:`learn`; those of one seed are trained once and are copies."""
        source, rows, seeds = drawn
        distinct = sorted(set(seeds))
        own = rows[[seeds.index(seed) for seed in distinct]]
        pretrained = fit_networks(source.X, source.y, own, self.transfer_network, self.pretraining, distinct)
        return pretrained.take([distinct.index(seed) for seed in seeds])

    def learn(self, target: Task, rows: np.ndarray, seeds: Sequence[tuple], prepared: Predictors | None = None) -> Predictors:
        """Train K networks on rows (K, m) of the target: what :meth:`prepare` gave is fine-tuned; direct learning without it."""
        if prepared is None:
            return fit_networks(target.X, target.y, rows, self.direct_network, self.direct, seeds)
        return transfer(prepared, target.X, target.y, rows, self.fine_tuning, seeds)


@dataclass(frozen=True)
class Staged(Hyperparameters):
    """Pretraining in two stages: on all of a ``first`` source, whose ``fingerprint`` stands for it where trials are stored, then by
    ``second`` on the study's own."""

    first: Task = field(compare=False, repr=False)
    fingerprint: str
    second: Training

    def used(self, arm: str) -> dict[str, object]:
        return Hyperparameters.used(replace(self, first=None), arm)

    def prepare(self, drawn: Simulations) -> Predictors:
        source, rows, seeds = drawn
        every = np.broadcast_to(np.arange(len(self.first)), (len(rows), len(self.first)))
        begun = super().prepare(Simulations(self.first, every, seeds))
        return transfer(begun, source.X, source.y, rows, self.second, [(*seed, "second") for seed in seeds])


@dataclass(frozen=True)
class MultitaskHyperparameters(_Parts):
    """Learning of pairs, simulated and measured at once, and direct learning; ``max_epochs`` count passes over the measured pairs
    for both, so that neither stops for the other's data.
    """

    transfer_network: PairNetwork
    multitask: Training
    direct_network: PairNetwork
    direct: Training
    simulation_weight: float = PAPER_WEIGHT

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


def load_hyperparameters(study: str) -> Recipe:
    """What was chosen for a study, such as ``polymers-density-forcefield``; a ValueError says how to choose if nothing was."""
    if study not in (chosen := all_chosen()):
        raise ValueError(f"no hyperparameters for {study!r} in data/tuning/chosen.json; run python -m sim2real tune {study}")
    return from_dict(chosen[study])


def all_chosen() -> dict[str, dict]:
    """What was chosen, as plain data by the name of a study."""
    return json.loads(CHOSEN.read_text()) if CHOSEN.exists() else {}


def check_checkout() -> None:
    """Raise a ValueError where the package is installed: what is chosen is not written into it."""
    if CHECKOUT is None:
        raise ValueError("hyperparameters are written to data/tuning of the repository, and there is no checkout here")


def save_hyperparameters(study: str, settings: Recipe) -> None:
    """Write the choice for one study, leaving the others as they are; refused as :func:`check_checkout` says."""
    check_checkout()
    TUNING.mkdir(parents=True, exist_ok=True)
    chosen = all_chosen() | {study: asdict(settings)}
    part = CHOSEN.with_suffix(".part")
    part.write_text(json.dumps(chosen, indent=1, sort_keys=True) + "\n")
    part.replace(CHOSEN)


def from_dict(values: dict) -> Recipe:
    """The inverse of ``dataclasses.asdict`` after a trip through JSON."""
    network, whole = (PairNetwork, MultitaskHyperparameters) if "multitask" in values else (Network, Hyperparameters)
    built = {}
    for name, part in values.items():
        if name.endswith("_network"):
            built[name] = network(**{key: tuple(v) if isinstance(v, list) else v for key, v in part.items()})
        else:
            built[name] = Training(**part) if isinstance(part, dict) else part
    return whole(**built)
