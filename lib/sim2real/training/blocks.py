"""How a block of trials is trained, in whatever process."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sim2real.training.baselines import BASELINES
from sim2real.training.recipes import NETWORK_ARMS
from sim2real.training.store import ERRORS, Block, Plan, trained_by
from sim2real.training.study import splits
from sim2real.training.workers import in_worker


def run_block(plan: Plan, block: Block) -> tuple[Block, list[pd.DataFrame]]:
    """Train one block: the errors at each m, NaN of a network that diverged. A ValueError where another engine is at work here."""
    if (here := trained_by()) != plan.engine:
        raise ValueError(f"a worker trains by engine {here}, the run by {plan.engine}; install the same code and a compiler there")
    in_worker()
    return block, _errors(plan, block.arm, block.n, block.m_grid, block.trials)


def _errors(plan: Plan, arm: str, n: int, m_grid: tuple[int, ...], trials: tuple[int, ...]) -> list[pd.DataFrame]:
    try:
        return _trained(plan, arm, n, m_grid, trials)
    except FloatingPointError:
        # one network diverged: the others are trained without it
        if len(trials) > 1:
            halves = [_errors(plan, arm, n, m_grid, part) for part in (trials[::2], trials[1::2])]
            return [pd.concat(parts, ignore_index=True) for parts in zip(*halves)]
        if len(m_grid) > 1:
            return [_errors(plan, arm, n, (m,), trials)[0] for m in m_grid]
        test = plan.split(trials[0])[1]
        return [_table(trials, test[None], np.full((1, len(test)), np.nan))]


def _trained(plan: Plan, arm: str, n: int, m_grid: tuple[int, ...], trials: tuple[int, ...]) -> list[pd.DataFrame]:
    target = plan.study.target
    ordered, tested = zip(*splits(plan.study, plan.design.seed, trials))
    test = np.stack(tested)
    # what does not depend on m is done once
    prepared = plan.study.settings.prepare(plan.drawn(trials, n)) if arm == "transfer" else None
    tables = []
    for m in m_grid:
        train = np.stack([rows[:m] for rows in ordered])
        seeds = [plan.seed(arm, n, m, t) for t in trials]
        if arm in NETWORK_ARMS:
            predicted = plan.study.settings_at(m).learn(target, train, seeds, prepared).predict(target.X, test)
        else:
            predicted = BASELINES[arm](target, train, test, seeds, plan.study.simulated_target)
        tables.append(_table(trials, test, np.abs(predicted - target.y[test])))
    return tables


def _table(trials: tuple[int, ...], test: np.ndarray, errors: np.ndarray) -> pd.DataFrame:
    values = np.repeat(trials, test.shape[1]), test.ravel(), errors.ravel()
    return pd.DataFrame(dict(zip(ERRORS, values))).astype(ERRORS)
