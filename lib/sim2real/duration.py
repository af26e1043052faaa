"""How long a run will take on this machine, from a short trial of its own networks."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch

from sim2real.baselines import BASELINES
from sim2real.blocks import Block, Plan
from sim2real.experiment import Design, Study, missing_blocks
from sim2real.transfer import Network, Training, fit_networks

STACK, STEPS = 16, 30  # networks and updates of the trial run
SHORT = 60.0  # seconds of which nothing is announced


def seconds_needed(runs: Sequence[tuple[Study, Design, tuple[str, ...] | None]], workers: int = 1) -> float:
    """Estimated wall-clock seconds for the trials that are not stored yet.

    The updates that the blocks need are counted and multiplied by what an update of one network of the same layers costs
    here, measured over some seconds; baselines are measured on one trial. Reading data, descriptors and bootstraps do not
    count. Right within a third or so on an idle machine, and as wrong as the machine is busy.

    Args:
        runs: study, design and arms, as :func:`sim2real.experiment.run` takes them.
        workers: processes that will share the work.
    """
    total = 0.0
    for study, design, arms in runs:
        plan, blocks = missing_blocks(study, design, arms=arms)
        if blocks:
            costs = _seconds_an_update(study)
            total += sum(_seconds(plan, block, costs) for block in blocks)
    return total / max(1, workers)


def announcement(seconds: float, workers: int) -> str:
    """A line for the notebook, such as ``about 3 h 20 min of training on 2 processes``; empty for less than a minute."""
    if seconds < SHORT:
        return ""
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    text = f"{hours} h {rest} min" if hours else f"{minutes} min"
    return f"about {text} of training on {workers} process{'es' if workers > 1 else ''}; what is done is kept if you stop it"


def _seconds(plan: Plan, block: Block, costs: dict[str, float]) -> float:
    settings, trials = plan.study.settings, len(block.trials)
    if block.arm == "transfer":
        draws = len({plan.draw(t) for t in block.trials})
        tuning = trials * sum(settings.fine_tuning.steps_for(m) for m in block.m_grid)
        return (draws * settings.pretraining.steps_for(block.n) + tuning) * costs["transfer"]
    if block.arm == "direct":
        return trials * sum(settings.direct.steps_for(m) for m in block.m_grid) * costs["direct"]
    return trials * sum(_baseline_seconds(plan, block.arm, m) for m in block.m_grid)


def _seconds_an_update(study: Study) -> dict[str, float]:
    """Seconds of one update of one network, by arm: the source's batches for transfer, the target's for direct learning."""
    torch.set_num_threads(1)
    shapes = {"transfer": (study.source, study.settings.transfer_network), "direct": (study.target, study.settings.direct_network)}
    return {arm: _timed(task, shape) for arm, (task, shape) in shapes.items()}


def _timed(task: object, shape: Network) -> float:
    rows = np.tile(np.arange(min(len(task), 200)), (STACK, 1))
    seeds = [("duration", k) for k in range(STACK)]
    taken = []
    for steps in (1, STEPS + 1):
        start = time.perf_counter()
        fit_networks(task.X, task.y, rows, shape, Training(steps, 1e-3), seeds)
        taken.append(time.perf_counter() - start)
    return max(taken[1] - taken[0], 1e-6) / (STACK * STEPS)


def _baseline_seconds(plan: Plan, arm: str, m: int) -> float:
    train, test = plan.split(0)
    start = time.perf_counter()
    BASELINES[arm](plan.study, train[None, :m], test[None], [plan.seed(arm, 0, m, 0)])
    return time.perf_counter() - start
