"""What better simulations would buy: one study with errors added to its simulations, at random and class by class. Its
hyperparameters stay those chosen without added errors, so that a level is a level of the data alone. And what better descriptors
would, each with its own hyperparameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sim2real.datasets.sources import SOURCES
from sim2real.laws.bootstrap import BOOTSTRAP, Bootstrap, paired_difference
from sim2real.laws.curve import LearningCurve, learning_curve
from sim2real.studies.growth import by_class
from sim2real.studies.run import Run
from sim2real.training.seeding import numpy_generator
from sim2real.training.study import Study

KINDS = ("at random", "by class")
FACTORS = (1, 2, 5, 10)  # standard deviations of the added errors, in spreads of RadonPy's own runs
RUNS = 4  # independent runs that halve a random error
HALVED = {2: 1, 10: 5}  # factor -> the one that is left by the mean of four runs


def run_spread(property: str) -> float:
    """Root mean square over polymers of the standard deviation between RadonPy's runs of one polymer, in the property's unit."""
    return SOURCES["radonpy"].columns[property]["spread"]


def disturbed(study: Study, kind: str, factor: float) -> Study:
    """The study with normal errors of ``factor`` spreads added to its simulations: ``at random`` one a material, ``by class`` one a
    class, the same whatever the factor. It shares splits and draws with the study, so that trials pair. ValueError: another kind.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r} of added errors; expected one of {', '.join(KINDS)}")
    source, rng = study.source, numpy_generator("added errors", kind, study.splits or study.name)
    if kind == "at random":
        errors = rng.standard_normal(len(source))
    else:
        classes, labels = np.unique(by_class(study).source.table["group"], return_inverse=True)
        errors = rng.standard_normal(len(classes))[labels]
    added = factor * run_spread(study.target.property.name) * errors
    name = f"{source.name}, errors of {factor:g} spreads added {kind}"
    noisy = replace(source, name=name, table=source.table.assign(value=source.y + added))
    called = f"{study.name}-{kind.replace(' ', '-')}-{factor:g}"
    return replace(study, name=called, source=noisy, splits=study.splits or study.name, simulated_target=None)


def compare_levels(run: Run, study: Study, *, bootstrap: Bootstrap = BOOTSTRAP) -> dict:
    """Train what is not stored at a few n and every level of added error.

    ``levels`` of the record hold curve, law and at each n the paired difference from no added error; ``runs`` set single runs
    beside a quarter as many materials with four runs each. ValueError: fewer than two trials.
    """
    levels = [("none", 0), *((kind, factor) for kind in KINDS for factor in FACTORS)]
    studies = [study, *(disturbed(study, *level) for level in levels[1:])]
    trials = run.trials(studies, "few n", arms=("transfer",))
    curves, base = [learning_curve(of, bootstrap=bootstrap) for of in trials], trials[0].errors("transfer")
    n, blocks = trials[0].design.n_grid, trials[0].design.draw(trials[0].numbers)
    found = []
    for (kind, factor), of, curve in zip(levels, trials, curves):
        differences = [d if factor else None for d in _differences(of.errors("transfer"), base, blocks)]
        found.append({"kind": kind, "factor": factor} | _curve(curve) | {"differences": differences})
    facts = ("study", "property", "label", "unit", "overlap", "trials", "source_draws")
    return curves[0].facts.to_dict(*facts) | {
        "spread": run_spread(study.target.property.name),
        "levels": found,
        "runs": [_runs(found, n, factor) for factor in HALVED],
    }


def compare_descriptors(run: Run, kind: str, properties: Sequence[str], descriptors: Mapping[str, str]) -> list[dict]:
    """Train what is not stored at a few n with each of ``descriptors``, whose words follow their names: a record a property.

    ``levels`` of a record hold each descriptor's words, curve, law and at each n the paired difference from the first one.
    """
    records = []
    for property in properties:
        studies = [run.study(kind, property=property, descriptor=name) for name in descriptors]
        trials = run.trials(studies, "few n", arms=("transfer",))
        curves, first = [learning_curve(of) for of in trials], trials[0]
        blocks, levels = first.design.draw(first.numbers), []
        for words, of, curve in zip(descriptors.values(), trials, curves):
            differences = _differences(of.errors("transfer"), first.errors("transfer"), blocks) if levels else None
            levels.append({"descriptor": words} | _curve(curve) | {"differences": differences})
        records.append(curves[0].facts.to_dict("property", "label", "unit", "trials") | {"levels": levels})
    return records


def _differences(errors: NDArray, base: NDArray, blocks: NDArray) -> list[dict]:
    """Paired difference at each n of errors (trials, n)."""
    return [paired_difference(d, np.zeros(len(d)), blocks)._asdict() for d in (errors - base).T]


def _curve(curve: LearningCurve) -> dict:
    return {"curve": curve.curve.to_dict(), "law": curve.law.to_dict(curve.curve.band.level)}


def _runs(levels: Sequence[dict], n: Sequence[int], factor: int) -> dict:
    """Errors of all materials simulated once, and of a quarter of them with a random error halved by four runs each."""
    errors = {of["factor"]: of["curve"]["mae"] for of in levels if of["kind"] == KINDS[0]}
    single, halved = errors[factor], errors[HALVED[factor]]
    averaged = float(np.exp(np.interp(np.log(n[-1] / RUNS), np.log(n), np.log(halved))))
    return {"factor": factor, "n": n[-1], "single": single[-1], "averaged": averaged}
