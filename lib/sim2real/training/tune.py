"""Choose hyperparameters on validation data: a quarter of the training part of trials of their own, whose test rows stay unread;
the materials are those of the reported trials, so that one that validates here is tested there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
import torch

from sim2real.datasets.task import Task
from sim2real.training.fits import Predictors
from sim2real.training.recipes import UNTUNED, UNTUNED_PAIRS, Network, PairNetwork, Recipe, Simulations, Training
from sim2real.training.seeding import numpy_generator
from sim2real.training.study import Study, split_rows
from sim2real.training.towers import DISTANCES, TEMPERATURE_AT

SOURCE_SAMPLE = 4000  # simulations used to choose the pretraining: 3/4 train, 1/4 validate
SOURCE_DRAWS = 2
SMALL_N = 1000  # or a quarter of a smaller source


@dataclass(frozen=True)
class Stage:
    """One choice: all combinations of the candidates ``tried`` of each part, decided ``by`` the error on ``source`` or of an arm;
    ``small``: the least n for ``transfer`` (at most a quarter of the source), 0 for all of it only.
    """

    name: str
    tried: dict[str, Sequence]
    by: str
    small: float = 0

    def __len__(self) -> int:
        return math.prod(len(choices) or 1 for choices in self.tried.values())

    def candidates(self, recipe: Recipe) -> Iterator[dict]:
        """Every combination, as changes to a recipe."""
        choices = [choices or (getattr(recipe, part),) for part, choices in self.tried.items()]
        return (dict(zip(self.tried, values)) for values in itertools.product(*choices))


@dataclass(frozen=True)
class Candidates:
    """A recipe and its stages; direct learning must have at least as many candidates as transfer. ``trials`` 0 is 20, or 12 where
    more rows validate; ``paired``: whether studies of equal ``splits`` share validation rows, and the stages of a trial one
    seed.
    """

    start: Recipe
    stages: tuple[Stage, ...]
    trials: int = 0
    paired: bool = False

    def __post_init__(self) -> None:
        direct = sum(len(stage) for stage in self.stages if stage.by == "direct")
        transfer = sum(len(stage) for stage in self.stages) - direct
        if direct < transfer:
            raise ValueError(f"{direct} candidates for direct learning and {transfer} for transfer; expected at least as many")


Networks, Trainings = Sequence[Network], Sequence[Training]


def standard(
    networks: Networks, pretraining: Trainings, fine_tuning: Trainings, direct_networks: Networks, direct: Trainings
) -> Candidates:
    """Networks with pretrainings by the error on held-out simulations, then fine-tunings and direct learning by the target's."""
    stages = (
        Stage("pretraining", {"transfer_network": networks, "pretraining": pretraining}, by="source"),
        Stage("fine-tuning", {"fine_tuning": fine_tuning}, by="transfer", small=SMALL_N),
        Stage("direct", {"direct_network": direct_networks, "direct": direct}, by="direct"),
    )
    return Candidates(UNTUNED, stages)


def multitask(networks: Sequence[PairNetwork], first: Training, trainings: Trainings) -> Candidates:
    """Every network with the first training; then every training with the best network; for both arms."""
    stages = []
    for arm, part, small in (("transfer", "multitask", math.inf), ("direct", "direct", 0)):
        network = f"{arm}_network"
        stages.append(Stage(f"{part}, network", {network: networks, part: (first,)}, by=arm))
        stages.append(Stage(part, {network: (), part: trainings}, by=arm, small=small))
    return Candidates(UNTUNED_PAIRS, tuple(stages), trials=8, paired=True)


def trainings(rates: Sequence[float], steps: Sequence[int], regularisations: Iterable[tuple[float, float]]) -> tuple[Training, ...]:
    """All combinations of learning rates, numbers of updates and pairs of weight decay and dropout."""
    every = itertools.product(rates, steps, regularisations)
    return tuple(Training(count, rate, decay, dropout, max_epochs=1000) for rate, count, (decay, dropout) in every)


SCALINGS = ("standard", "min-max")
HEAD_ONLY = Training(0, 1e-3)  # the head is rescaled and nothing trained further
STANDARD = standard(
    networks=[Network(inputs=i, outputs=o) for i, o in itertools.product(SCALINGS, ("standard", "yeo-johnson"))],
    pretraining=[Training(1500, rate) for rate in (1e-3, 3e-3, 6e-3)],
    fine_tuning=[HEAD_ONLY, *trainings((1e-4, 3e-4, 1e-3, 3e-3), (100, 400, 1000), [(1e-4, 0.0), (1e-4, 0.2)])],
    direct_networks=[Network(inputs=i) for i in SCALINGS],
    direct=trainings((1e-3, 3e-3, 1e-2), (200, 800), list(itertools.product((1e-4, 1.0), (0.0, 0.3)))),
)
# Of conductivities by 580 numbers: with thousands of target rows, direct learning was best after more steps than the standard
# candidates have (computed sigma, 2,184 rows: 0.867 after 3,000 steps, 0.909 after 800), so that both arms get longer ones.
TRANSPORT = standard(
    networks=[Network(inputs=i) for i in SCALINGS],
    pretraining=[Training(1500, 1e-3), Training(1500, 3e-3), Training(4000, 1e-3, weight_decay=1.0)],
    fine_tuning=[HEAD_ONLY, *trainings((3e-4, 1e-3, 3e-3), (200, 1000), [(1e-4, 0.0), (1.0, 0.3)])],
    direct_networks=[Network(inputs=i) for i in SCALINGS],
    direct=trainings((1e-3, 3e-3), (600, 2400), [(1e-4, 0.0), (1e-4, 0.3), (1.0, 0.3)]),
)
PAIR_STAGES = multitask(
    networks=[
        PairNetwork(distance=d, temperature=t, inputs=i, outputs=o)
        for d, t, i, o in itertools.product(DISTANCES, TEMPERATURE_AT, SCALINGS, ("standard", "yeo-johnson"))
    ],
    first=Training(400, 3e-3, max_epochs=1000),
    trainings=trainings((1e-3, 3e-3, 1e-2), (400, 1000), list(itertools.product((1e-4, 1.0), (0.0, 0.2)))),
)


def tune(study: Study, m: int, candidates: Candidates = STANDARD, trials: int = 0) -> tuple[Recipe, pd.DataFrame]:
    """The choice for a study at m target rows (3/4 train, 1/4 validates), and a row for each candidate with its error in the
    property's unit.
    """
    torch.set_num_threads(1)
    # more where few validation rows make each one noisy
    search = Search(study, m, candidates, trials or candidates.trials or (20 if m < 100 else 12))
    recipe, rows = candidates.start, []
    for stage in candidates.stages:
        best, table = _choose(stage.name, list(search.scored(stage, recipe)))
        recipe = replace(recipe, **best)
        rows += table
    return recipe, pd.DataFrame(rows)


def _choose(stage: str, scored: list[tuple[dict, np.ndarray]]) -> tuple[dict, list[dict]]:
    """The candidate with the lowest mean error, and a row of the table for each."""
    best = min(range(len(scored)), key=lambda k: scored[k][1].mean())
    rows = [
        {
            "stage": stage,
            **{name: value for part in candidate.values() for name, value in asdict(part).items()},
            "validation_mae": float(f"{errors.mean():.5g}"),
            "standard_error": float(f"{errors.std(ddof=1) / len(errors) ** 0.5:.3g}"),
            "trials": len(errors),
            "chosen": k == best,
        }
        for k, (candidate, errors) in enumerate(scored)
    ]
    return scored[best][0], rows


class Search:
    """Validation errors of candidates for one study; every random number follows from the study, the purpose and the trial."""

    def __init__(self, study: Study, m: int, candidates: Candidates, trials: int) -> None:
        self.source, self.target, self.trials = study.source, study.target, trials
        self.name, self.paired = study.splits if candidates.paired else study.name, candidates.paired
        self.fit, self.validate = self._split(study.split_by, m)

    def scored(self, stage: Stage, recipe: Recipe) -> Iterator[tuple[dict, np.ndarray]]:
        """Every candidate of a stage with its errors (trials,)."""
        if stage.by == "source":
            size = min(SOURCE_SAMPLE, len(self.source))
            train, held = np.split(self._orders(SOURCE_DRAWS)[:, :size], [size * 3 // 4], axis=1)
            drawn = Simulations(self.source, train, self._seeds(stage.name, SOURCE_DRAWS))
            for candidate in stage.candidates(recipe):
                yield candidate, _errors(replace(recipe, **candidate).prepare(drawn), self.source, held)
            return
        # None is direct learning
        n, orders = len(self.source), self._orders(self.trials)
        sizes = sorted({min(stage.small, n // 4), n}) if stage.small else [n]
        drawn = (Simulations(self.source, orders[:, :size], self._seeds(f"pretraining {size}", self.trials)) for size in sizes)
        prepared = [None] if stage.by == "direct" else [recipe.prepare(simulations) for simulations in drawn]
        for candidate in stage.candidates(recipe):
            own, seeds = replace(recipe, **candidate), self._seeds(stage.name, self.trials)
            fitted = (own.learn(self.target, self.fit, seeds, given) for given in prepared)
            yield candidate, np.mean([_errors(predictors, self.target, self.validate) for predictors in fitted], axis=0)

    def _split(self, split_by: str, m: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows to train on and to validate on (trials, rows), from the training part of splits that are not reported."""
        fit, validate = [], []
        for t in range(self.trials):
            train = split_rows(self.target, self._rng("split", t), split_by)[0][:m]
            held, rest = np.split(train, [max(1, m // 4)])
            if split_by:
                # rows come group by group: only the group that the cut goes through can stand on both sides
                groups = self.target.table[split_by].to_numpy()
                rest = rest[groups[rest] != groups[held[-1]]]
            fit.append(rest)
            validate.append(held)
        shortest = min(map(len, fit))
        return np.stack([rows[:shortest] for rows in fit]), np.stack(validate)

    def _orders(self, trials: int) -> np.ndarray:
        return np.stack([self._rng("source", t).permutation(len(self.source)) for t in range(trials)])

    def _rng(self, purpose: str, trial: int) -> np.random.Generator:
        return numpy_generator("tuning", self.name, purpose, trial)

    def _seeds(self, purpose: str, count: int) -> list[tuple]:
        return [("tuning", self.name, "pairs" if self.paired else purpose, t) for t in range(count)]


def _errors(predictors: Predictors, task: Task, rows: np.ndarray) -> np.ndarray:
    return np.abs(predictors.predict(task.X, rows) - task.y[rows]).mean(1)
