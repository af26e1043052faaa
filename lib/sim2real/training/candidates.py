"""What is tried when hyperparameters are chosen, stage by stage."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sim2real.training.recipes import UNTUNED, UNTUNED_PAIRS, Network, PairNetwork, Recipe, Training
from sim2real.training.towers import DISTANCES, TEMPERATURE_AT

SMALL_N = 1000  # or a quarter of a smaller source


@dataclass(frozen=True)
class Stage:
    """One choice: all combinations of the candidates ``tried`` of each part, decided ``by`` the error on ``source`` or of an arm;
    ``small``: the least n for ``transfer`` (at most a quarter of the source), 0 for all of it only; ``once``: not chosen again for
    fewer target rows.
    """

    name: str
    tried: dict[str, Sequence]
    by: str
    small: float = 0
    once: bool = False

    def __len__(self) -> int:
        return math.prod(len(choices) or 1 for choices in self.tried.values())

    def candidates(self, recipe: Recipe) -> Iterator[dict]:
        """Every combination, as changes to a recipe."""
        choices = [choices or (getattr(recipe, part),) for part, choices in self.tried.items()]
        return (dict(zip(self.tried, values)) for values in itertools.product(*choices))

    def tried_by(self, recipe: Recipe) -> list[tuple[dict, Recipe]]:
        """The candidates, each with the recipe that it makes of this one."""
        return [(candidate, replace(recipe, **candidate)) for candidate in self.candidates(recipe)]


@dataclass(frozen=True)
class Candidates:
    """A recipe and its stages; direct learning must have at least as many candidates as transfer. ``trials`` 0 is 20, or 12 where
    more rows validate; ``paired``: whether studies of equal ``splits`` share validation rows, and the stages of a trial one
    seed; ``kept``: what gives way only to a candidate that is better by more than a standard error.
    """

    start: Recipe
    stages: tuple[Stage, ...]
    trials: int = 0
    paired: bool = False
    kept: Recipe | None = None

    def __post_init__(self) -> None:
        direct = sum(len(stage) for stage in self.stages if stage.by == "direct")
        transfer = sum(len(stage) for stage in self.stages) - direct
        if direct < transfer:
            raise ValueError(f"{direct} candidates for direct learning and {transfer} for transfer; expected at least as many")

    def for_fewer(self, recipe: Recipe) -> Candidates:
        """What is chosen again for fewer target rows, from what was chosen for the most."""
        return replace(self, start=recipe, kept=recipe, stages=tuple(stage for stage in self.stages if not stage.once))


Networks, Trainings = Sequence[Network], Sequence[Training]


def standard(
    networks: Networks, pretraining: Trainings, fine_tuning: Trainings, direct_networks: Networks, direct: Trainings
) -> Candidates:
    """Networks with pretrainings by the error on held-out simulations, then fine-tunings and direct learning by the target's."""
    stages = (
        Stage("pretraining", {"transfer_network": networks, "pretraining": pretraining}, by="source", once=True),
        Stage("fine-tuning", {"fine_tuning": fine_tuning}, by="transfer", small=SMALL_N),
        Stage("direct", {"direct_network": direct_networks, "direct": direct}, by="direct"),
    )
    return Candidates(UNTUNED, stages)


def multitask(networks: Sequence[PairNetwork], first: Training, trainings: Trainings) -> Candidates:
    """Every network with the first training; then every training with the best network; for both arms."""
    stages = []
    for arm, part, small in (("transfer", "multitask", math.inf), ("direct", "direct", 0)):
        network = f"{arm}_network"
        stages.append(Stage(f"{part}, network", {network: networks, part: (first,)}, by=arm, once=True))
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
