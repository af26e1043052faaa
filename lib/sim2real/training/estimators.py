"""Transfer with any scikit-learn regressor instead of our networks, on the same splits and source draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone

from sim2real.training.experiment import make_plan
from sim2real.training.store import Plan
from sim2real.training.study import Design, Study, Trials


def run_estimator(estimator: Any, study: Study, design: Design, *, workers: int = 1) -> Trials:
    """Trials of a scikit-learn regressor that learns from simulations by stacking: a copy is fitted to n simulated values, and what
    it predicts, or where it has ``transform`` the features that gives (pretrained features), are more columns for a copy that is
    fitted to m measured ones; ``direct`` does without.

    The result is what :func:`~sim2real.training.experiment.run_trials` gives, paired with it trial by trial, but nothing is stored.

    Args:
        estimator: with ``fit`` and ``predict``; set its ``random_state``, or the numbers differ from run to run.
        study: with descriptors; its hyperparameters are not used.
        design: the grid of n and m, and the trials.
        workers: processes.

    Raises:
        ValueError: a size that exceeds the data.
    """
    plan = make_plan(study, design, arms=())
    by_source: dict[tuple[int, ...], list[int]] = {}
    for trial in range(design.trials):
        by_source.setdefault(plan.own_source(trial), []).append(trial)
    parts = Parallel(n_jobs=workers)(delayed(_errors)(estimator, plan, trials) for trials in by_source.values())
    return Trials(study, design, pd.concat([part for several in parts for part in several], ignore_index=True))


def _errors(estimator: Any, plan: Plan, trials: list[int]) -> list[pd.DataFrame]:
    """Absolute errors of trials that share a source draw."""
    target, parts = plan.study.target, []
    for n in (0, *plan.design.n_grid):
        X, arm = target.X, "transfer" if n else "direct"
        if n:
            rows = plan.source_rows(trials[0], n)
            learned = clone(estimator).fit(plan.source.X[rows], plan.source.y[rows])
            X = np.column_stack([X, getattr(learned, "transform", learned.predict)(target.X)])
        for trial in trials:
            order, test = plan.split(trial)
            for m in plan.design.m_grid:
                predicted = clone(estimator).fit(X[order[:m]], target.y[order[:m]]).predict(X[test])
                error = {"material": test, "absolute_error": np.abs(predicted - target.y[test])}
                parts.append(pd.DataFrame(error).assign(arm=arm, n=n, m=m, trial=trial))
    return parts
