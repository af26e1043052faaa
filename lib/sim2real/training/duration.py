"""How long a run will take on this machine, from a short trial of its own networks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from sim2real.training.baselines import BASELINES
from sim2real.training.experiment import make_plan
from sim2real.training.recipes import NETWORK_ARMS, Simulations, Training
from sim2real.training.store import Block, Plan
from sim2real.training.study import Design, Study

STACK, STEPS = 16, 30  # networks and updates of the trial run
SHORT = 60.0  # seconds of which nothing is announced


def seconds_needed(runs: Sequence[tuple[Study, Design, tuple[str, ...] | None]], workers: int = 1) -> float:
    """Estimated seconds for the trials not stored yet, shared by so many processes: updates times what one costs here, right
    within a third or so on an idle machine.
    """
    total = 0.0
    for study, design, arms in runs:
        plan = make_plan(study, design, arms=arms)
        blocks = plan.missing_blocks(plan.read(print))
        if blocks:
            costs = _seconds_an_update(study)
            total += sum(_seconds(plan, block, costs) for block in blocks)
    return total / max(1, workers)


def announcement(seconds: float, workers: int) -> str:
    """A line for the notebook, such as ``about 3 h 20 min of training on 2 processes``; empty for less than a minute."""
    if seconds < SHORT:
        return ""
    hours, minutes = divmod(round(seconds / 60), 60)
    text = f"{hours} h {minutes} min" if hours else f"{minutes} min"
    return f"about {text} of training on {workers} process{'es' if workers > 1 else ''}; what is done is kept if you stop it"


def _seconds(plan: Plan, block: Block, costs: dict[str, float]) -> float:
    if block.arm not in NETWORK_ARMS:
        return len(block.trials) * sum(_baseline_seconds(plan, block.arm, m) for m in block.m_grid)
    draws = len({plan.own_source(t) for t in block.trials})
    return plan.study.settings.updates(block.arm, block.n, block.m_grid, len(block.trials), draws) * costs[block.arm]


def _seconds_an_update(study: Study) -> dict[str, float]:
    """Seconds of one update of one network, by arm."""
    torch.set_num_threads(1)
    target, source = (np.tile(np.arange(min(len(task), 200)), (STACK, 1)) for task in (study.target, study.source))
    seeds = [("duration", k) for k in range(STACK)]

    def fit(arm: str, steps: int) -> None:
        settings = study.settings.short(Training(steps, 1e-3))
        prepared = settings.prepare(Simulations(study.source, source, seeds)) if arm == "transfer" else None
        settings.learn(study.target, target, seeds, prepared)

    first = {arm: _timed(fit, arm, 1) for arm in NETWORK_ARMS}
    return {arm: max(_timed(fit, arm, STEPS + 1) - first[arm], 1e-6) / (STACK * STEPS) for arm in NETWORK_ARMS}


def _timed(call: Callable, *arguments: object) -> float:
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start


def _baseline_seconds(plan: Plan, arm: str, m: int) -> float:
    train, test = plan.split(0)
    seeds = [plan.seed(arm, 0, m, 0)]
    return _timed(BASELINES[arm], plan.study.target, train[None, :m], test[None], seeds, plan.study.simulated_target)
