"""Quick values, molecular dynamics, measurements: does a network that learns from one after the other beat those that skip one?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from sim2real.figures.words import number, unit
from sim2real.laws.significance import ALPHA, holm, sign_flip_p, t_interval
from sim2real.studies.cases import load_study
from sim2real.studies.polymers import embedded_polymers
from sim2real.studies.presets import Settings
from sim2real.studies.sides import describe
from sim2real.training.candidates import STANDARD, Stage, trainings
from sim2real.training.experiment import available_source, run_trials
from sim2real.training.recipes import Staged
from sim2real.training.study import Design, Study, Trials, training_size
from sim2real.training.tune import Search

DIRECT, QUICK, MD, BOTH = WAYS = ("measured only", "quick, measured", "MD, measured", "quick, MD, measured")
MD_VALUES, MEASURED, TRIALS = (30, 100, 300), (10, 30), 30  # and all of each; trials of which each draws its own MD values
SECOND = Stage("second pretraining", {"second": trainings((1e-4, 3e-4, 1e-3, 3e-3), (100, 400, 1000), [(1e-4, 0.0)])}, by="source")


def three_stages(settings: Settings, property: str = "density") -> list[dict]:
    """A record of each number m of measured values and n of MD values: the mean error of each of :data:`WAYS`, its standard error
    over trials, and how much the last differs from those without one source, paired over trials, with p after Holm over all.

    Quick values are of all virtual polymers, MD is RadonPy's (edition ``open``); neither holds a material of the target. All ways
    have the recipe that was chosen for MD to measured; the pretraining on MD after quick values is chosen by held-out MD values.
    """
    study = replace(load_study("polymers", "open", settings, property=property), settings_by_m={})
    quick = describe(embedded_polymers(settings, property=property, library="rules"), "forcefield", settings.workers)[0]
    quick = quick.select(~np.isin(quick.keys, study.target.keys))
    n, m = (available_source(study, "drop", settings.seed), training_size(study.target))
    grids = [(*(size for size in few if size < most), most) for few, most in ((MD_VALUES, n), (MEASURED, m))]
    design = Design(*grids, settings.trials or TRIALS, settings.seed, overlap="drop")
    of_quick = replace(design, n_grid=(len(quick),))
    first = Staged(**vars(study.settings), first=quick, fingerprint=quick.fingerprint, second=study.settings.pretraining)
    without = replace(study, source=study.source.select(~np.isin(study.source.keys, study.target.keys)))
    runs = {
        MD: (study, design, ("transfer", "direct")),
        QUICK: (replace(study, source=quick), of_quick, ("transfer",)),
        BOTH: (replace(study, settings=_with_second(first, without)), design, ("transfer",)),
    }
    done = {way: run_trials(of, own, arms=arms, workers=settings.trainers) for way, (of, own, arms) in runs.items()}
    return compare_ways(done)


def _with_second(recipe: Staged, study: Study) -> Staged:
    """With the candidate that predicts held-out rows of the study's source best."""
    search = Search(study, training_size(study.target), STANDARD, trials=2)
    tried = [(search.errors(job).mean(), job.tried[0]) for job in search.jobs(SECOND, recipe)]
    return min(tried, key=lambda of: of[0])[1]


def compare_ways(trials: dict[str, Trials]) -> list[dict]:
    """Records of :func:`three_stages` from trials of transfer by way, those of :data:`MD` with direct learning."""
    md, records, differences = trials[MD], [], []
    prop = md.study.target.property
    for m in md.design.m_grid:
        for n in md.design.n_grid:
            arms = {way: ("transfer", trials[way], n) for way in (MD, BOTH)}
            arms |= {DIRECT: ("direct", md, 0), QUICK: ("transfer", trials[QUICK], trials[QUICK].design.n_grid[0])}
            errors = pd.DataFrame({way: _errors(of, arm, size, m) for way, (arm, of, size) in arms.items()})[[*WAYS]].dropna()
            scale = {"label": prop.label, "unit": prop.unit, "trials": len(errors), "quick": trials[QUICK].design.n_grid[0]}
            sides = {way: dict(zip(("mae", "standard_error"), t_interval(errors[way]))) for way in WAYS}
            records.append(scale | {"m": m, "n": n, "ways": sides, "minus": {}})
            for way in (QUICK, MD):
                values = errors[BOTH] - errors[way]
                difference = dict(zip(("mean", "standard_error"), t_interval(values))) | {"p": sign_flip_p(values)}
                records[-1]["minus"][way] = difference
                differences.append(difference)
    for difference, p in zip(differences, holm([of["p"] for of in differences])):
        difference["p_holm"] = float(p)
    return records


def _errors(trials: Trials, arm: str, n: int, m: int) -> pd.Series:
    """Mean absolute error of each trial."""
    own = trials.table.query("arm == @arm and n == @n and m == @m")
    return own.groupby("trial")["absolute_error"].mean()


def ways_table(records: list[dict]) -> pd.DataFrame:
    """Errors of each way and paired differences with standard errors, a row each m and number of MD values."""
    rows = [
        {"measured": r["m"], "MD values": r["n"]}
        | {way: number(of["mae"]) for way, of in r["ways"].items()}
        | {f"three stages - {way}": f"{number(d['mean'], 2, sign=True)} ± {number(d['standard_error'], 2)}, p {number(d['p_holm'], 2)}"
           for way, d in r["minus"].items()}
        for r in records
    ]  # fmt: skip
    return pd.DataFrame(rows).set_index(["measured", "MD values"])


def ways_said(records: list[dict]) -> dict[str, str]:
    """Whether three stages beat both of those that skip one, as a verdict and its reasons."""
    better = [r for r in records if all(d["mean"] < 0 and d["p_holm"] < ALPHA for d in r["minus"].values())]
    worse = [r for r in records if any(d["mean"] > 0 and d["p_holm"] < ALPHA for d in r["minus"].values())]
    parts = [f"m = {r['m']} with {r['n']} MD values" for r in better]
    text = f"Of {len(records)} sizes three stages beat both shorter ways at {len(better)}{': ' * bool(parts)}{'; '.join(parts)}"
    text += f"; at {len(worse)} they are worse than one of them (paired over {records[0]['trials']} trials, p < {ALPHA} after Holm)."
    verdict = "three stages beat either alone" if len(better) == len(records) else "three stages beat either alone only in part"
    return {"verdict": verdict if better else "three stages are not shown to beat either alone", "text": text + f" Errors in {unit(records[0])}."}
