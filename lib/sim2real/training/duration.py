"""How long a run will take on this machine, from two trials of its own that are trained for a few updates, and one trial of each
baseline, which is kept."""

from __future__ import annotations

import heapq
import time
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from sim2real.training.blocks import run_block
from sim2real.training.candidates import Candidates
from sim2real.training.experiment import make_plan
from sim2real.training.kernel import engine
from sim2real.training.recipes import NETWORK_ARMS, Training
from sim2real.training.store import Block, Cell, Plan
from sim2real.training.study import Design, Study
from sim2real.training.tune import Search
from sim2real.training.workers import processes

FEW, MORE = 1, 61  # updates of the networks that are timed
START = 6.0  # seconds until workers have imported what they train with
SHORT = 60.0  # seconds of which nothing is announced


def seconds_needed(plans: Sequence[Plan], workers: int | str = 1, found: Sequence[dict[Cell, pd.DataFrame]] = ()) -> float:
    """Estimated seconds for the trials not stored yet, plan after plan, on so many workers as fast as this process: what two trials
    cost whatever their updates, and what an update costs; a worker takes the next block when it is free, so that one long block
    may keep all waiting. ``found`` is what :meth:`Plan.read` gave, if it was read already.
    """
    costs: dict[tuple, tuple[float, float]] = {}
    total = 0.0
    for plan, stored in zip(plans, found or (plan.read(lambda _: None) for plan in plans)):
        blocks = []
        for block in sorted(plan.missing_blocks(stored), key=lambda of: of.turn):
            # the largest n of a study stands for the others: what is read of a source grows with n
            key = (plan.study.name, block.arm, block.m_grid)
            costs[key] = costs.get(key) or _costs(plan, block)
            a_trial, an_update = costs[key]
            blocks.append(len(block.trials) * a_trial + updates(plan, block) * an_update)
        if blocks:
            total += _until_done(blocks, max(1, processes(workers)))
    return total + (START if total and workers != 1 else 0.0)


def search_seconds(study: Study, m: int, candidates: Candidates, trials: int = 0, workers: int | str = 1) -> float:
    """Estimated seconds of :func:`~sim2real.training.tune.tune`, of networks as its first candidates have them."""
    search, untuned = Search(study, m, candidates, trials), replace(study, settings=candidates.start, settings_by_m={})
    plan, total = make_plan(untuned, Design((len(study.source),), (m,), 2)), 0.0
    costs = {arm: _costs(plan, Block(arm, n, (m,), (0, 1))) for arm, n in (("transfer", len(study.source)), ("direct", 0))}
    for stage in candidates.stages:
        a_trial, an_update = costs["direct" if stage.by == "direct" else "transfer"]
        for job in search.jobs(stage, candidates.start):
            total += len(job.tried) * len(job.trials) * a_trial + search.updates(job) * an_update
    return total / max(1, processes(workers)) + START


def _until_done(seconds: Sequence[float], workers: int) -> float:
    free = [0.0] * workers  # when each worker is
    for own in seconds:
        heapq.heapreplace(free, free[0] + own)
    return max(free)


def updates(plan: Plan, block: Block) -> int:
    """Updates of single networks that a block takes."""
    if block.arm not in NETWORK_ARMS:
        return 0
    draws = len({plan.own_source(t) for t in block.trials})
    of_m = [plan.study.settings_at(m).updates(block.arm, block.n, (m,), len(block.trials), 0) for m in block.m_grid]
    # networks are pretrained once for all m
    return sum(of_m) + plan.study.settings.updates(block.arm, block.n, (), 0, draws)


def _costs(plan: Plan, block: Block) -> tuple[float, float]:
    """Seconds of a trial at every m whatever its updates, and of an update."""
    if block.arm not in NETWORK_ARMS:
        seconds, done = _timed(plan, replace(block, trials=block.trials[:1]))
        plan.save(*done)  # it may have taken seconds
        return seconds, 0.0
    # a GPU takes about as long for two networks as for many
    two = block if engine() == "cuda" else replace(block, trials=block.trials[:2])
    short, longer = (_few_updates(plan, steps) for steps in (FEW, MORE))
    # the first time something is used, it takes longer
    _timed(short, two)
    few, more = _timed(short, two)[0], _timed(longer, two)[0]
    an_update = max(more - few, 0.0) / max(1, updates(longer, two) - updates(short, two))
    return max(few - updates(short, two) * an_update, 0.0) / len(two.trials), an_update


def _few_updates(plan: Plan, steps: int) -> Plan:
    settings = plan.study.settings.short(Training(steps, 1e-3))
    return replace(plan, study=replace(plan.study, settings=settings, settings_by_m={}))


def _timed(plan: Plan, block: Block) -> tuple[float, tuple[Block, list[pd.DataFrame]]]:
    """Seconds of this processor, so that what else it does at the time does not count, and what was trained."""
    start = time.process_time()
    done = run_block(plan, block)
    return time.process_time() - start, done


def announcement(seconds: float, workers: int | str, what: str = "training") -> str:
    """A line for the notebook, such as ``about 3 h 20 min of training on 2 processes``; empty for less than a minute."""
    if seconds < SHORT:
        return ""
    hours, minutes = divmod(round(seconds / 60), 60)
    text = f"{hours} h {minutes} min" if hours else f"{minutes} min"
    count = processes(workers)
    return f"about {text} of {what} on {count} process{'es' if count > 1 else ''}; what is done is kept if you stop it"
