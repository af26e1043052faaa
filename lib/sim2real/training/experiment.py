"""The grid of an experiment in blocks of trials, each stored when done under a key of all that determines it: a run that is killed,
or whose workers are, loses only the blocks in flight.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from sim2real.datasets.paths import CACHE
from sim2real.datasets.task import Task
from sim2real.training.baselines import NEED_SIMULATED, can_be_simulated
from sim2real.training.blocks import run_block
from sim2real.training.progress import Bar
from sim2real.training.store import Block, Cell, Plan
from sim2real.training.study import Design, Study, Trials, splits, training_size
from sim2real.training.workers import share_out

COUNTED_TRIALS = 500
IN_VAIN = 3  # times in a row in which all that is trained cannot be read back


def overlap_count(study: Study) -> int:
    """How many target materials are in the source as well; for pairs, whatever their temperatures."""
    return len(set(study.target.keys) & set(study.source.keys))


def available_source(study: Study, overlap: str, seed: int, trials: int = 0) -> int:
    """The largest n of every trial: the least of the first :data:`COUNTED_TRIALS` trials, or of all if there are more, so that a
    few more trials do not change the grid of n.
    """
    if overlap == "keep":
        return len(study.source)
    if not study.drop_tested:
        return int((~np.isin(study.source.keys, study.target.keys)).sum())
    counts = pd.Series(study.source.keys).value_counts().reindex(pd.unique(study.target.keys), fill_value=0).to_numpy()
    code = pd.factorize(study.target.keys)[0]
    dropped = [counts[np.unique(code[test])].sum() for _, test in splits(study, seed, range(max(trials, COUNTED_TRIALS)))]
    return int(len(study.source) - max(dropped))


def _without_overlap(study: Study) -> Task:
    """The source without all rows of the target's materials."""
    return study.source.select(~np.isin(study.source.keys, study.target.keys))


def run_trials(
    study: Study, design: Design, *, workers: int | str = 1, arms: tuple[str, ...] | None = None, store: Path | None = None
) -> Trials:
    """Train what is not stored yet in the folder ``store`` and return all of the design.

    ``workers`` are processes of one torch thread, or a Dask cluster's address or scheduler file. ``arms`` are ``transfer``,
    ``direct`` and names in ``baselines.BASELINES``; both and the study's own baselines if None. A ValueError: a size that exceeds
    the data, or no trial whose networks all converged; an OSError: a folder that cannot be written or read back; a RuntimeError:
    workers that end again and again before anything is done.
    """
    return finish(make_plan(study, design, arms=arms, store=store), workers)


def make_plan(study: Study, design: Design, *, arms: tuple[str, ...] | None = None, store: Path | None = None) -> Plan:
    """All that :func:`run_trials` would train or read; its errors."""
    store = CACHE / "trials" if store is None else store
    source = _without_overlap(study) if design.overlap == "drop" and not study.drop_tested else study.source
    available = available_source(study, design.overlap, design.seed, design.trials)
    if max(design.n_grid) > available:
        raise ValueError(f"n = {max(design.n_grid)} exceeds the {available} materials of {source.name}")
    largest = training_size(study.target, study.split_by)
    if max(design.m_grid) > largest:
        raise ValueError(f"m = {max(design.m_grid)} exceeds the {largest} training rows of {study.target.name}")
    if arms is None:
        known = can_be_simulated(study.simulated_target)
        arms = ("transfer", "direct", *(b for b in study.baselines if known or b not in NEED_SIMULATED))
    return Plan(study, source, design, store, arms)


def finish(plan: Plan, workers: int | str = 1, found: dict[Cell, pd.DataFrame] | None = None) -> Trials:
    """Train what is missing of a plan and return all of it; ``found`` is what was read of it, other arguments and errors as
    :func:`run_trials`."""
    found = found or plan.read(_say)
    if (missing := plan.missing_blocks(found)) and (changed := plan.changes(found)):
        _say(changed)
    vain = 0
    while missing:
        _train(plan, missing, workers)
        found, before = plan.read(_say), _count(missing)
        missing = plan.missing_blocks(found)
        vain = vain + 1 if _count(missing) >= before else 0
        if vain == IN_VAIN:
            raise OSError(f"{plan.store}: what is written there cannot be read back (damaged disk?); set SIM2REAL_CACHE to another")
    wanted = {cell: table[table["trial"] < plan.design.trials] for cell, table in found.items()}
    return _converged(plan, pd.concat([t.assign(arm=arm, n=n, m=m) for (arm, n, m), t in wanted.items()], ignore_index=True))


def _count(blocks: list[Block]) -> int:
    return sum(len(block.trials) * len(block.m_grid) for block in blocks)


def _train(plan: Plan, blocks: list[Block], workers: int | str) -> None:
    ordered = sorted(blocks, key=lambda block: block.turn)
    total = sum(len(block.trials) for block in blocks)
    with plan.alone(_say) as is_alone, Bar(total=total, desc=plan.study.name, unit="trial") as bar:
        if not is_alone:
            # from the other end, so that two runs at once meet in the middle and do not train the same blocks
            ordered.reverse()

        def store(result: tuple[Block, list[pd.DataFrame]]) -> None:
            block, tables = result
            plan.save(block, tables)
            bar.update(len(block.trials))

        def left() -> Iterator[Block]:
            # another run on the same store may have done some meanwhile
            return (block for block in ordered if not plan.is_stored(block))

        share_out(run_block, plan.lean(), left, min(workers, len(blocks)) if isinstance(workers, int) else workers, store)


def _converged(plan: Plan, table: pd.DataFrame) -> Trials:
    """Without the trials in which the loss of some network did not stay finite: in all arms, so that they remain paired."""
    bad = table.loc[~np.isfinite(table["absolute_error"]), ["arm", "n", "m", "trial"]].drop_duplicates(ignore_index=True)
    if len(bad):
        first = ", ".join(f"{name} {value}" for name, value in bad.iloc[0].items())
        out, of = bad["trial"].nunique(), plan.design.trials
        said = f"{plan.study.name}: {len(bad)} networks diverged (the first: {first})"
        if out == of:
            raise ValueError(f"{said}, some in every trial; lower the learning rate")
        warnings.warn(f"{said}; {out} of {of} trials are left out of all arms", stacklevel=3)
        table = table[~table["trial"].isin(bad["trial"])].reset_index(drop=True)
    return Trials(plan.study, plan.design, table, bad)


def _say(text: str) -> None:
    tqdm.write(text, file=sys.stderr)
