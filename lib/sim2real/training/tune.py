"""Choose hyperparameters on validation data: rows of the training part of trials of their own, whose test rows stay unread; the
materials are those of the reported trials, so that one that validates here is tested there.
"""

from __future__ import annotations

import hashlib
import math
from contextlib import suppress
from dataclasses import asdict, replace
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sim2real.datasets.paths import CACHE
from sim2real.datasets.task import Task
from sim2real.training.candidates import STANDARD, Candidates, Stage
from sim2real.training.fits import Predictors
from sim2real.training.keeping import write_whole, writing
from sim2real.training.progress import Bar
from sim2real.training.recipes import Hyperparameters, Recipe, Simulations
from sim2real.training.seeding import numpy_generator
from sim2real.training.store import trained_by
from sim2real.training.study import Study, split_rows, training_size
from sim2real.training.workers import in_worker, share_out

SOURCE_SAMPLE = 4000  # simulations used to choose the pretraining: 3/4 train, 1/4 validate
SOURCE_DRAWS = 2
FEW_VALIDATE = 25  # where a quarter of m is less, rows that m leaves of the training part validate instead if they are more
TRIALS_AT_ONCE = 4  # of a stage whose candidates share their pretrained networks, in one job


def tune(
    study: Study, m: int, candidates: Candidates = STANDARD, trials: int = 0, *, workers: int | str = 1, store: Path | None = None
) -> tuple[Recipe, pd.DataFrame]:
    """The choice for a study at m target rows, and a row for each candidate with its validation error in the property's unit;
    ``workers`` as :func:`~sim2real.training.experiment.run_trials`.

    Of the m rows 3/4 train and 1/4 validates. Where a quarter is less than :data:`FEW_VALIDATE`, and the training part has more
    other rows, all m train and up to so many of the others validate: for both arms the choice at a small m is then better informed
    than that of somebody who has measured no more than m. What was chosen for more rows, ``candidates.kept``, gives way only to
    what is better by more than a standard error of the difference over trials: many candidates are about as good.

    Each part of a stage is kept in the folder ``store`` when done: a search that is stopped goes on from there. A ValueError where
    all candidates of a stage diverge; an OSError where nothing can be kept.
    """
    search = Search(study, m, candidates, trials)
    store = CACHE / "tuning" / "parts" if store is None else store
    recipe, rows = candidates.start, []
    work = [sum(search.updates(job) for job in search.jobs(stage, recipe)) for stage in candidates.stages]
    with Bar(total=sum(work), desc=f"{study.name}: hyperparameters", unit="update", unit_scale=True) as bar:
        for k, stage in enumerate(candidates.stages):
            jobs = search.jobs(stage, recipe)
            # what is chosen changes what the stages after it take
            bar.total += sum(map(search.updates, jobs)) - work[k]
            errors = _all_errors(search, jobs, store, workers, bar)
            best, table = _choose(stage.name, [(c, errors[own]) for c, own in stage.tried_by(recipe)], candidates.kept)
            recipe = replace(recipe, **best)
            rows += table
    return recipe, pd.DataFrame(rows)


def _all_errors(search: Search, jobs: list[Job], store: Path, workers: int | str, bar: Bar) -> dict[Recipe, np.ndarray]:
    """Errors (trials,) of every recipe, the mean over sizes; what is not stored is computed."""
    paths = {job: store / f"{search.name}-{search.key(job)}.npy" for job in jobs}
    found: dict[Job, np.ndarray] = {}
    for job, path in paths.items():
        # cut off or damaged: done again
        with suppress(OSError, ValueError, EOFError):
            found[job] = np.load(path)
            bar.update(search.updates(job))

    def done(result: tuple[Job, np.ndarray]) -> None:
        job, found[job] = result
        buffer = BytesIO()
        np.save(buffer, found[job])
        with writing(store):
            store.mkdir(parents=True, exist_ok=True)
            write_whole(paths[job], buffer.getvalue())
        bar.update(search.updates(job))

    share_out(search_errors, search, lambda: [job for job in jobs if job not in found], workers, done)
    errors: dict[Recipe, list[np.ndarray]] = {}
    for size in sorted({job.size for job in jobs}):
        parts = [job for job in jobs if job.size == size]
        for recipe in dict.fromkeys(r for job in parts for r in job.tried):
            of = [found[job][job.tried.index(recipe)] for job in parts if recipe in job.tried]
            errors.setdefault(recipe, []).append(np.concatenate(of))
    return {recipe: np.mean(of, axis=0) for recipe, of in errors.items()}


def _choose(stage: str, scored: list[tuple[dict, np.ndarray]], kept: Recipe | None) -> tuple[dict, list[dict]]:
    """The candidate with the lowest mean error, or ``kept`` where it is about as good, and a row of the table for each; a
    ValueError where all are infinite.
    """
    if not any(np.isfinite(errors.mean()) for _, errors in scored):
        raise ValueError(f"{stage}: networks diverge with every candidate; look for values far outside of the others in the tables")
    best = min(range(len(scored)), key=lambda k: scored[k][1].mean())
    for k, (candidate, errors) in enumerate(scored):
        if kept and all(getattr(kept, part) == value for part, value in candidate.items()):
            gain = errors - scored[best][1]
            if np.isfinite(gain).all() and gain.mean() <= _standard_error(gain):
                best = k
                break
    rows = [
        {
            "stage": stage,
            **{name: value for part in candidate.values() for name, value in asdict(part).items()},
            "validation_mae": float(f"{errors.mean():.5g}"),
            "standard_error": float(f"{_standard_error(errors):.3g}"),
            "trials": len(errors),
            "chosen": k == best,
        }
        for k, (candidate, errors) in enumerate(scored)
    ]
    return scored[best][0], rows


def _standard_error(errors: np.ndarray) -> float:
    return float(errors.std(ddof=1)) / len(errors) ** 0.5 if np.isfinite(errors).all() else math.inf


class Job(NamedTuple):
    """A part of a stage: recipes that are alike in what is pretrained, ``size`` simulations (0: direct learning), and trials."""

    stage: str
    by: str
    tried: tuple[Recipe, ...]
    size: int
    trials: tuple[int, ...]


class Search:
    """Validation errors of candidates for one study; every random number follows from the study, the purpose and the trial."""

    def __init__(self, study: Study, m: int, candidates: Candidates, trials: int = 0) -> None:
        # more where few validation rows make each one noisy
        trials = trials or candidates.trials or (20 if m < 100 else 12)
        self.source, self.target, self.trials, self.m = study.source, study.target, trials, m
        self.name, self.paired = study.splits if candidates.paired else study.name, candidates.paired
        self.fit, self.validate = self._split(study.split_by, m)
        self.data = trained_by(), study.source.fingerprint, study.target.fingerprint, study.split_by, m, trials

    def jobs(self, stage: Stage, recipe: Recipe) -> list[Job]:
        """What a stage takes, in parts of like size."""
        tried, n = tuple(own for _, own in stage.tried_by(recipe)), len(self.source)
        every = tuple(range(self.trials))
        if stage.by == "source":
            return [Job(stage.name, stage.by, (own,), min(SOURCE_SAMPLE, n), every[:SOURCE_DRAWS]) for own in tried]
        sizes = [0] if stage.by == "direct" else sorted({min(stage.small, n // 4), n} if stage.small else {n}, reverse=True)
        if stage.by == "transfer" and isinstance(recipe, Hyperparameters):
            # all candidates start from the same pretrained networks
            parts = np.array_split(every, max(1, self.trials // TRIALS_AT_ONCE))
            return [Job(stage.name, stage.by, tried, size, tuple(map(int, part))) for size in sizes for part in parts]
        return [Job(stage.name, stage.by, (own,), size, every) for size in sizes for own in tried]

    def key(self, job: Job) -> str:
        """Names all that determines the errors of a job."""
        return hashlib.sha256(repr((self.data, self.name, self.paired, job)).encode()).hexdigest()[:16]

    def updates(self, job: Job) -> int:
        """Updates of single networks that a job takes."""
        m, count, first = self.fit.shape[1], len(job.trials), job.tried[0]
        if job.by == "source":
            return first.updates("transfer", job.size * 3 // 4, (), count, count)
        own = [recipe.updates(job.by, job.size, (m,), count, 0) for recipe in job.tried]
        return sum(own) + (first.updates("transfer", job.size, (), count, count) if job.by == "transfer" else 0)

    def errors(self, job: Job) -> np.ndarray:
        """Mean absolute errors (recipes, trials) on validation rows, infinite where a network diverged."""
        trials = list(job.trials)
        try:
            orders = np.stack([self._rng("source", t).permutation(len(self.source))[: job.size] for t in trials])
            if job.by == "source":
                train, held = np.split(orders, [job.size * 3 // 4], axis=1)
                drawn = Simulations(self.source, train, self._seeds(job.stage, trials))
                return np.stack([_errors(own.prepare(drawn), self.source, held) for own in job.tried])
            drawn = Simulations(self.source, orders, self._seeds(f"pretraining {job.size}", trials))
            prepared = job.tried[0].prepare(drawn) if job.size else None
        except FloatingPointError:
            return np.full((len(job.tried), len(trials)), np.inf)
        return np.stack([self._learned(own, job, prepared) for own in job.tried])

    def _learned(self, own: Recipe, job: Job, prepared: Any) -> np.ndarray:
        trials = list(job.trials)
        try:
            predictors = own.learn(self.target, self.fit[trials], self._seeds(job.stage, trials), prepared)
        except FloatingPointError:
            return np.full(len(trials), np.inf)
        return _errors(predictors, self.target, self.validate[trials])

    def _split(self, split_by: str, m: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows to train on and to validate on (trials, rows), from the training part of splits that are not reported."""
        fit, validate = [], []
        taken, held_back = m, max(1, m // 4)
        if held_back < min(FEW_VALIDATE, others := training_size(self.target, split_by) - m):
            held_back = min(FEW_VALIDATE, others)
            taken += held_back
        for t in range(self.trials):
            train = split_rows(self.target, self._rng("split", t), split_by)[0][:taken]
            held, rest = np.split(train, [held_back])
            if split_by:
                # rows come group by group: only the group that the cut goes through can stand on both sides
                groups = self.target.table[split_by].to_numpy()
                rest = rest[groups[rest] != groups[held[-1]]]
            fit.append(rest)
            validate.append(held)
        shortest = min(map(len, fit))
        return np.stack([rows[:shortest] for rows in fit]), np.stack(validate)

    def _rng(self, purpose: str, trial: int) -> np.random.Generator:
        return numpy_generator("tuning", self.name, purpose, trial)

    def _seeds(self, purpose: str, trials: list[int]) -> list[tuple]:
        return [("tuning", self.name, "pairs" if self.paired else purpose, t) for t in trials]


def search_errors(search: Search, job: Job) -> tuple[Job, np.ndarray]:
    """One job, in whatever process."""
    in_worker()
    return job, search.errors(job)


def _errors(predictors: Predictors, task: Task, rows: np.ndarray) -> np.ndarray:
    return np.abs(predictors.predict(task.X, rows) - task.y[rows]).mean(1)
