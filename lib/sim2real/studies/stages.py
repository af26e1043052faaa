"""Quick values, molecular dynamics, measurements: does a network that learns from one after the other beat those that skip one?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from sim2real.figures.words import number, with_error
from sim2real.laws.significance import ALPHA, holm, sign_flip_p, t_interval
from sim2real.studies.cases import load_study
from sim2real.studies.presets import Settings
from sim2real.training.candidates import STANDARD, Stage, trainings
from sim2real.training.experiment import run_trials
from sim2real.training.recipes import Staged
from sim2real.training.study import Design, Trials, training_size
from sim2real.training.tune import Search

DIRECT, QUICK, MD, ALL = WAYS = ("measured", "quick, measured", "MD, measured", "quick, MD, measured")
MD_VALUES, MEASURED = (30, 100, 300), (10, 30)  # and all there are; each trial draws its own
SECOND = Stage("MD after quick", {"second": trainings((1e-4, 3e-4, 1e-3, 3e-3), (100, 400, 1000), [(1e-4, 0.0)])}, by="source")


def three_stages(settings: Settings, property: str = "density") -> list[dict]:
    """:func:`compare_ways` of quick values of virtual polymers, RadonPy's MD and measurements of the edition ``open``.

    No source holds a material of the target. All ways have the recipe that was chosen for MD to measured values; how MD is learned
    after quick values is chosen by two draws of held-out MD values.
    """
    study = load_study("polymers", "open", settings, property=property)
    quick = load_study("polymers", "embedded", settings, property=property, tuned=False).source
    source, quick = (side.select(~np.isin(side.keys, study.target.keys)) for side in (study.source, quick))
    study, m = replace(study, source=source, settings_by_m={}), training_size(study.target)
    grids = [(*(size for size in few if size < most), most) for few, most in ((MD_VALUES, len(source)), (MEASURED, m))]
    design = Design(*grids, settings.trials or settings.preset.small_target_trials, settings.seed, overlap="drop")
    recipe = Staged(**vars(study.settings), first=quick, fingerprint=quick.fingerprint, second=study.settings.pretraining)
    search = Search(study, m, STANDARD, trials=2)
    (recipe,) = min(search.jobs(SECOND, recipe), key=lambda job: search.errors(job).mean()).tried
    runs = {
        MD: (study, design, ("transfer", "direct")),
        QUICK: (replace(study, source=quick), replace(design, n_grid=(len(quick),)), ("transfer",)),
        ALL: (replace(study, settings=recipe), design, ("transfer",)),
    }
    return compare_ways({way: run_trials(*of, arms=arms, workers=settings.trainers) for way, (*of, arms) in runs.items()})


def compare_ways(trials: Mapping[str, Trials]) -> list[dict]:
    """A record for each m measured and n MD values: the error of each of :data:`WAYS` with its standard error over trials, and what
    all three have above those without one of them, paired over trials, with p by changes of sign after Holm over all records.

    ``trials`` are of transfer by way, those of :data:`MD` with direct learning.
    """
    md, (quick,), records = trials[MD], trials[QUICK].design.n_grid, []
    prop, design = md.study.target.property, md.design
    for m, n in ((m, n) for m in design.m_grid for n in design.n_grid):
        arms = {DIRECT: (md, 0), QUICK: (trials[QUICK], quick), MD: (md, n), ALL: (trials[ALL], n)}
        tables = [of.table[(of.table["n"] == size) & (of.table["m"] == m)] for of, size in arms.values()]
        own = [table.groupby("trial")["absolute_error"].mean() for table in tables]
        errors = pd.concat(own, axis=1, keys=arms).dropna()
        ways = {way: dict(zip(("mae", "standard_error"), t_interval(errors[way]))) for way in WAYS}
        above = {way: errors[ALL] - errors[way] for way in (QUICK, MD)}
        minus = {w: dict(zip(("mean", "standard_error"), t_interval(d))) | {"p": sign_flip_p(d)} for w, d in above.items()}
        facts = {"label": prop.label, "unit": prop.unit, "trials": len(errors), "overlap": design.overlap, "quick": quick}
        records.append(facts | {"m": m, "n": n, "ways": ways, "minus": minus})
    differences = [d for r in records for d in r["minus"].values()]
    for difference, p in zip(differences, holm([d["p"] for d in differences])):
        difference["p"] = float(p)
    return records


def ways_said(records: list[dict]) -> dict[str, str]:
    """Where all three beat those that skip one, as a verdict and its reasons."""
    signs = np.array([[np.sign(d["mean"]) * (d["p"] < ALPHA) for d in r["minus"].values()] for r in records])
    both = [f"m = {r['m']} with {r['n']:,} MD values" for r, of in zip(records, signs) if of.max() < 0]
    sides = [f"{way}: better at {(of < 0).sum()}, worse at {(of > 0).sum()}" for way, of in zip(records[0]["minus"], signs.T)]
    text = f"All three against {'; against '.join(sides)}. Better than both: {'; '.join(both) or 'nowhere'}. "
    verdict = f"three stages beat both shorter ways at {len(both)} of {len(records)} sizes"
    return {"verdict": verdict, "text": f"{text}Paired over {records[0]['trials']} trials, p < {ALPHA} after Holm."}


def ways_table(records: list[dict]) -> pd.DataFrame:
    """Errors of :data:`WAYS`, and paired differences with standard error and p, a row for each m and number of MD values."""
    rows = [
        {"m": r["m"], "MD values": r["n"]}
        | {way: with_error(*of.values(), sign=False) for way, of in r["ways"].items()}
        | {f"all three - {w}": f"{with_error(*list(d.values())[:2])}, p {number(d['p'], 2)}" for w, d in r["minus"].items()}
        for r in records
    ]
    return pd.DataFrame(rows).set_index(["m", "MD values"])
