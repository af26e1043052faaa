"""How a database should grow, replayed: policies buy simulations class by class, knowing only what was known then."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import rdkit
from numpy.typing import NDArray
from tqdm import tqdm

from sim2real.datasets import activity
from sim2real.datasets.paths import CACHE
from sim2real.datasets.task import NoStudy, shipped
from sim2real.laws import design
from sim2real.laws.bootstrap import BOOTSTRAP, Bootstrap, paired_difference
from sim2real.laws.findings import Finding, Findings
from sim2real.laws.verdicts import FEWEST_MATERIALS, told
from sim2real.studies import policies as buying
from sim2real.studies.policies import POLICIES, UNIFORM, Seen, as_many
from sim2real.studies.presets import Settings
from sim2real.training.keeping import code_of, keep, kept
from sim2real.training.recipes import Simulations
from sim2real.training.seeding import numpy_generator
from sim2real.training.store import trained_by
from sim2real.training.study import Study, log_grid, split_rows, training_size
from sim2real.training.workers import in_worker, share_out

SIZES = {"smoke": (3, 2), "quick": (4, 10), "paper": (4, 100)}  # budgets and trials of a preset
SMALLEST, GROWTH = 100, 27  # simulations at the start, and how many times as many in the end
_FEWEST = 20  # simulations a class that a replay needs
FIRST = (0.25, 0.5, 1.0)  # parts of what there is at the start, of which a learner's errors are known too


@dataclass(frozen=True)
class Growth:
    """A replay: ``errors`` (trials, policies, budgets) on held-out materials, ``counts`` (trials, policies, budgets, classes) of
    the simulations that each policy had, and ``shares`` (classes,) of the measured materials."""

    study: Study
    classes: tuple[str, ...]
    policies: tuple[str, ...]
    budgets: tuple[int, ...]
    errors: NDArray
    counts: NDArray
    shares: NDArray
    m: int
    bootstrap: Bootstrap

    def regret(self) -> dict[str, NDArray]:
        """By how much, relative, each policy's mean error exceeds that of the best in hindsight at each budget: ``mean``, ``low``
        and ``high`` (policies, budgets) over trials, the best of each resample being its own."""
        draws = self.bootstrap.trials(self.errors)
        of = [values / values.min(axis=-2, keepdims=True) - 1 for values in (draws.mean, draws.draws)]
        tails = [(1 - draws.level) / 2, (1 + draws.level) / 2]
        return {"mean": of[0]} | dict(zip(("low", "high"), np.quantile(of[1], tails, axis=0)))

    @property
    def verdict(self) -> Findings:
        """Whether each policy beats as many of each class at the largest budget, paired over trials."""
        first = self.policies.index(UNIFORM)
        of_first, found = self.errors[:, first, -1], []
        for k, name in enumerate(self.policies):
            if k == first:
                continue
            difference = paired_difference(self.errors[:, k, -1], of_first)
            part, is_told = difference.mean / of_first.mean(), told(*difference)
            by = f"{abs(part):.1%} (± {difference.standard_error / of_first.mean():.1%}, {difference.trials} trials)"
            word = "lower" if part < 0 else "higher"
            text = f"Growing {name}: at {self.budgets[-1]:,} simulations the error is {by} {word} than with {UNIFORM} class"
            end = "." if is_told else "; which is better cannot be told."
            found.append(Finding("growth", (text + end).replace("%", " %"), is_told, difference._asdict(), _label(self.study)))
        return Findings(tuple(found))

    def to_dict(self) -> dict:
        """The payload's record."""
        prop = self.study.target.property
        sides = {side: getattr(self.study, side).summary() for side in ("source", "target")}
        mean = self.bootstrap.trials(self.errors)
        low, high = mean.interval()
        return sides | {
            "study": self.study.name, "property": prop.name, "label": prop.label, "unit": prop.unit,
            "trials": len(self.errors), "m": self.m, "budgets": list(self.budgets), "policies": list(self.policies),
            "mae": mean.mean.tolist(), "low": low.tolist(), "high": high.tolist(),
            "regret": {name: values.tolist() for name, values in self.regret().items()},
            "classes": list(self.classes), "shares": self.shares.tolist(),
            "bought": self.counts[:, :, -1].mean(axis=0).tolist(),
            "verdict": self.verdict.to_dict(),
        }  # fmt: skip


def _label(study: Study) -> str:
    return study.target.property.label


def by_class(study: Study, largest: int = 0) -> Study:
    """The study with classes in the column ``group`` of both tables: their own where they share two or more, else the chemical
    classes of the molecules; of the source its first ``largest`` rows, all if 0."""
    source = study.source.select(np.arange(min(largest or len(study.source), len(study.source))))
    sides = source, study.target
    if len(set(source.table["group"]) & set(study.target.table["group"])) < 2:
        sides = tuple(replace(t, table=t.table.assign(group=_classes(t.table["structure"].tolist()))) for t in sides)
    return replace(study, source=sides[0], target=sides[1])


def _classes(molecules: list[str]) -> list[str]:
    """The chemical class of each, kept under the code and the patterns that tell it: twenty thousand take seconds."""
    facts = [code_of(activity), shipped("solute_classes.csv"), rdkit.__version__, molecules]
    path = CACHE / "classes" / f"{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]}.json"
    if (found := kept(path)) is None:
        keep(path, found := [np.array(list(map(activity.solute_class, molecules)))])
    return found[0].tolist()


def replay(
    study: Study,
    budgets: Sequence[int],
    trials: int,
    *,
    m: int,
    prices: Mapping[str, float] | None = None,
    policies: Sequence[str] = tuple(POLICIES),
    workers: int | str = 1,
    seed: int = 0,
    bootstrap: Bootstrap = BOOTSTRAP,
    store: Path | None = None,
) -> Growth:
    """Let policies grow a source class by class, from a start that all share, and test what each is worth at each budget.

    Each trial splits the measured materials into training, validation and test rows. Policies see errors on validation rows, of
    sets that they had, and never a test row. Every class's simulations come in one order in a trial, so that policies are paired.

    Args:
        study: with classes in the column ``group`` of both tables (:func:`by_class`).
        budgets: what may have been spent at each step, ascending; the first is spent on as many of each class by everybody.
        trials: repetitions, each with its own split and its own order of simulations.
        m: measured materials to fine-tune on; as many again and up to all others validate.
        prices: of one simulation of each class; 1 where not given.
        policies: names of :data:`POLICIES`.
        workers: processes, or a Dask cluster.
        seed: changes all random numbers.
        bootstrap: how intervals are made.
        store: folder of finished trials, which are not replayed again; that of the caches if None.

    Raises:
        NoStudy: fewer than two classes of :data:`FEWEST_MATERIALS` or more on both sides.
        ValueError: budgets that do not ascend or exceed the source, prices that are not finite numbers above 0.
    """
    counted = _shared(study)
    classes, source = tuple(counted), study.source.table["group"].to_numpy()
    price = np.array([(prices or {}).get(name, 1.0) for name in classes], float)
    design.check_prices(price)
    most = price @ np.array([counted[name] for name in classes])
    if (np.diff(budgets) <= 0).any() or budgets[0] <= 0 or budgets[-1] > most:
        raise ValueError(f"budgets are {list(budgets)}; expected an ascending list up to {most:,.6g}, which all simulations cost")
    rows = [np.flatnonzero(source == name) for name in classes]
    options = (classes, rows, price, tuple(budgets), m, tuple(policies), seed)
    folder = (CACHE / "growth" if store is None else store) / f"{study.name}-{_key(study, options)}"
    done = {t: of for t in range(trials) if (of := kept(folder / f"{t}.json"))}
    if missing := trials - len(done):
        with tqdm(total=missing, unit="trial", desc=f"{study.name}-growth") as bar:

            def came(result: tuple) -> None:
                done[result[0]] = result[1]
                keep(folder / f"{result[0]}.json", result[1])
                bar.update()

            share_out(_numbered, (study, options), lambda: [t for t in range(trials) if t not in done], workers, came)
    errors, counts, shares = (np.stack(values) for values in zip(*(done[t] for t in range(trials))))
    return Growth(study, classes, tuple(policies), tuple(budgets), errors, counts, shares.mean(axis=0), m, bootstrap)


def _key(study: Study, options: tuple) -> str:
    """A hash of all that determines a replay, the code of the policies with it."""
    facts = [trained_by(), study.name, study.splits, study.split_by, study.settings.used("transfer")]
    facts += [(side.fingerprint, side.table["group"].tolist()) for side in (study.source, study.target)]
    facts += [options, code_of(sys.modules[__name__], buying, design)]
    return hashlib.sha256(json.dumps(facts, default=lambda values: values.tolist()).encode()).hexdigest()[:12]


def _shared(study: Study) -> dict[str, int]:
    """The classes of which both sides have enough, with how many simulations of each there are; NoStudy for fewer than two."""
    source, target = study.source.table["group"].to_numpy(), study.target.table["group"].to_numpy()
    counted = {name: int((source == name).sum()) for name in sorted(set(source) & set(target))}
    enough = {name: count for name, count in counted.items() if min(count, (target == name).sum()) >= FEWEST_MATERIALS}
    if len(enough) < 2:
        raise NoStudy(f"{study.name}: simulated and measured materials share {len(enough)} classes; growth by class needs two")
    return enough


def grow(study: Study, settings: Settings, preset: str) -> Growth:
    """:func:`replay` of the size of a preset, of a study as :func:`by_class`: from a small database to :data:`GROWTH` times as
    many, or half of the source where that is less. NoStudy where classes or their simulations are too few."""
    (steps, trials), counted = SIZES[preset], _shared(study)
    if (most := sum(counted.values())) < (least := _FEWEST * len(counted)):
        raise NoStudy(f"{study.name}: {most} simulations of the classes that both sides have; growth by class needs {least}")
    budgets = log_grid(min(SMALLEST, most // _FEWEST), min(SMALLEST * GROWTH, most // 2), steps)
    run = {"workers": settings.workers, "seed": settings.seed}
    return replay(study, budgets, settings.trials or trials, m=min(settings.m_max, training_size(study.target) // 2), **run)


def _numbered(common: tuple, trial: int) -> tuple[int, tuple]:
    in_worker()
    study, options = common
    return trial, _trial(study, trial, *options)


def _trial(
    study: Study, trial: int, classes: tuple[str, ...], rows: list[NDArray], prices: NDArray, budgets: tuple[int, ...], m: int,
    policies: tuple[str, ...], seed: int,
) -> tuple[NDArray, NDArray, NDArray]:  # fmt: skip
    rng = numpy_generator(seed, study.splits or study.name, "growth", trial)
    train, test = split_rows(study.target, rng, study.split_by)
    group = study.target.table["group"].to_numpy()
    train, test = (side[np.isin(group[side], classes)] for side in (train, test))
    m = min(m, len(train) // 2)
    fit, validation = train[:m], train[m:]
    order = [rng.permutation(of) for of in rows]
    shares = np.array([(group[train] == name).mean() for name in classes])

    def learned(counts: NDArray) -> tuple[NDArray, float]:
        """Error of each class on validation rows, and on test rows."""
        chosen = np.concatenate([of[:k] for of, k in zip(order, counts)])
        predicted = _predicted(study, chosen, fit, (seed, study.name, "growth", trial))
        errors = np.abs(predicted - study.target.y)
        of_class = [errors[own].mean() if len(own := validation[group[validation] == name]) else np.nan for name in classes]
        return np.array(of_class), float(errors[test].mean())

    size = np.array([len(of) for of in rows])
    nothing = Seen(np.zeros((0, len(classes))), np.zeros((0, len(classes))), shares, size, prices)
    start = _whole(as_many(nothing, budgets[0]))
    first = [np.maximum(1, np.round(part * start)).astype(int) for part in FIRST]
    known = [learned(counts) for counts in first]
    errors, counts = np.empty((len(policies), len(budgets))), np.empty((len(policies), len(budgets), len(classes)))
    for k, name in enumerate(policies):
        seen = Seen(np.array(first), np.array([of for of, _ in known]), shares, size - start, prices)
        errors[k, 0], counts[k, 0] = known[-1][1], start
        for j, budget in enumerate(budgets[1:], start=1):
            have = seen.counts[-1]
            now = have + _whole(POLICIES[name](seen, budget - prices @ have))
            of_class, errors[k, j] = learned(now.astype(int))
            counts[k, j] = now
            seen = seen._replace(counts=np.vstack([seen.counts, now]), errors=np.vstack([seen.errors, of_class]), left=size - now)
    return errors, counts, shares


def _whole(counts: NDArray) -> NDArray:
    return np.floor(counts + 1e-6).astype(int)


def _predicted(study: Study, simulated: NDArray, fit: NDArray, seed: tuple) -> NDArray:
    """The value of every measured material by a network pretrained and fine-tuned on these rows."""
    recipe, target = study.settings, study.target
    prepared = recipe.prepare(Simulations(study.source, simulated[None], [(*seed, "pretraining")]))
    return recipe.learn(target, fit[None], [(*seed, "transfer")], prepared).predict(target.X, np.arange(len(target))[None])[0]
