"""Pretraining in two stages, and the comparison of ways to learn from quick values, molecular dynamics and measurements."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from made import make_task, toy_study
from sim2real import figures
from sim2real.figures.save import payload
from sim2real.laws.significance import sign_flip_p
from sim2real.studies.stages import ALL, DIRECT, MD, QUICK, compare_ways, ways_said, ways_table
from sim2real.training.experiment import run_trials
from sim2real.training.recipes import Simulations, Staged, Training
from sim2real.training.study import Design, Trials

pytestmark = pytest.mark.xdist_group("stages")  # what is made once for all is made by one process


@pytest.fixture(scope="module")
def staged():
    """The toy study whose source is learned after another one, of the same law on another scale."""
    study, rng = toy_study(), np.random.default_rng(7)
    rows = rng.normal(size=(400, 12))
    nearest = ((rows[:, None] - study.source.X[None]) ** 2).sum(axis=2).argmin(axis=1)
    first = make_task("quick", rows, 3 * study.source.y[nearest] - 1, first_key=5000)
    settings = Staged(**vars(study.settings), first=first, fingerprint=first.fingerprint, second=Training(40, 1e-3))
    return replace(study, settings=settings)


def drawn(study, seeds):
    return Simulations(study.source, np.stack([np.arange(20)] * len(seeds)), seeds)


def test_without_a_second_training_what_was_learned_first_is_only_put_on_a_line(staged):
    recipe, seeds = staged.settings, [("a", 0), ("a", 1)]
    still = replace(recipe, second=Training(0, 1e-3)).prepare(drawn(staged, seeds))
    alone = replace(staged.settings, second=Training(0, 1e-3)).first
    plain = toy_study().settings.prepare(Simulations(alone, np.stack([np.arange(len(alone))] * 2), seeds))
    rows = np.stack([np.arange(40)] * 2)
    for once, twice in zip(plain.predict(staged.target.X, rows), still.predict(staged.target.X, rows)):
        assert np.corrcoef(once, twice)[0, 1] == pytest.approx(1, abs=1e-5) and not np.allclose(once, twice)
    moved = recipe.prepare(drawn(staged, seeds)).predict(staged.target.X, rows)
    assert not np.allclose(moved, still.predict(staged.target.X, rows), atol=1e-3)


def test_what_is_stored_tells_first_sources_apart(staged):
    recipe = staged.settings
    used = recipe.used("transfer")
    assert used["fingerprint"] == recipe.first.fingerprint and json.loads(json.dumps(used)) == json.loads(json.dumps(used))
    other = make_task("quick", recipe.first.X, recipe.first.y + 1)
    changed = replace(recipe, first=other, fingerprint=other.fingerprint)
    assert changed.used("transfer") != used and changed != recipe
    assert recipe.used("direct") == toy_study().settings.used("direct")


def test_trials_in_two_stages_are_stored_and_read_again(staged, tmp_path):
    design = Design((10, 40), (6,), trials=2, overlap="drop")
    first = run_trials(staged, design, arms=("transfer",), store=tmp_path)
    files = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*.parquet"))
    again = run_trials(staged, design, arms=("transfer",), store=tmp_path)
    assert first.table.equals(again.table) and sorted((p, p.stat().st_mtime_ns) for p in tmp_path.rglob("*.parquet")) == files
    plain = run_trials(toy_study(), design, arms=("transfer",), store=tmp_path)
    assert not np.allclose(plain.table["absolute_error"], first.table["absolute_error"])


def made_trials(design, errors):
    """Trials of one material whose errors, by arm, are a function of n, m and the trial."""
    rows = [
        {"arm": arm, "n": n, "m": m, "trial": t, "material": 0, "absolute_error": error(n, m, t)}
        for arm, error in errors.items()
        for n in (design.n_grid if arm == "transfer" else (0,))
        for m in design.m_grid
        for t in range(design.trials)
    ]
    return Trials(toy_study(), design, pd.DataFrame(rows))


@pytest.fixture(scope="module")
def records():
    """All three stages are better by 0.01 than either at n = 10, and just as MD at n = 100."""
    rng = np.random.default_rng(8)
    noise = rng.normal(0, 0.002, (4, 12))
    design = Design((10, 100), (5, 20), trials=12, overlap="drop")

    def of(way, level):
        return lambda n, m, t: level(n) + 0.1 / m + 0.01 * np.sin(t) + noise[way, t]

    trials = {
        MD: made_trials(design, {"transfer": of(0, lambda n: 0.05 if n == 10 else 0.03), "direct": of(1, lambda n: 0.08)}),
        QUICK: made_trials(replace(design, n_grid=(500,)), {"transfer": of(2, lambda n: 0.05)}),
        ALL: made_trials(design, {"transfer": of(0, lambda n: 0.04 if n == 10 else 0.03)}),
    }
    return trials, compare_ways(trials)


def test_ways_are_compared_trial_by_trial(records):
    trials, found = records
    assert [(r["m"], r["n"], r["trials"], r["quick"]) for r in found] == [(m, n, 12, 500) for m in (5, 20) for n in (10, 100)]
    assert found[0]["ways"][DIRECT]["mae"] == pytest.approx(trials[MD].errors("direct", 5).mean())
    assert found[0]["minus"][MD]["mean"] == pytest.approx(-0.01) and found[1]["minus"][MD]["mean"] == pytest.approx(0)
    differences = trials[ALL].errors("transfer", 5)[:, 0] - trials[QUICK].errors("transfer", 5)[:, 0]
    assert found[0]["minus"][QUICK]["mean"] == pytest.approx(differences.mean())
    assert found[0]["minus"][QUICK]["standard_error"] == pytest.approx(differences.std(ddof=1) / 12**0.5)
    # Holm's of eight comparisons: six small ones and two of nothing
    assert sign_flip_p(differences) < found[0]["minus"][QUICK]["p"] <= 8 * sign_flip_p(differences)
    assert found[1]["minus"][MD]["p"] == 1


def test_the_verdict_counts_and_names_the_sizes(records):
    said = ways_said(records[1])
    assert said["verdict"] == "three stages beat both shorter ways at 2 of 4 sizes"
    assert f"{QUICK}: better at 4, worse at 0; against {MD}: better at 2, worse at 0" in said["text"]
    assert "Better than both: m = 5 with 10 MD values; m = 20 with 10 MD values. Paired over 12 trials" in said["text"]
    turned = [r | {"minus": {way: d | {"mean": -d["mean"]} for way, d in r["minus"].items()}} for r in records[1]]
    assert "better at 0, worse at 4" in ways_said(turned)["text"] and "both: nowhere" in ways_said(turned)["text"]


def test_the_figure_and_the_table_hold_every_size(records):
    table = ways_table(records[1])
    assert table.index.tolist() == [(5, 10), (5, 100), (20, 10), (20, 100)]
    assert table[f"all three - {MD}"].iloc[0].startswith("\u22120.01") and table[f"all three - {MD}"].iloc[1].endswith("p 1.0")
    made = payload("md-stages", "Three stages", records[1], edition="open", preset="quick", seed=0)
    drawn = figures.ways(made)
    assert [len(ax.containers) for ax in drawn.axes] == [4, 4] and "500 quick values" in figures.ways.caption(made)
