"""The estimate of a run's duration counts the work that is missing, no more."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from sim2real.training import duration
from sim2real.training.candidates import STANDARD
from sim2real.training.experiment import make_plan, run_trials
from sim2real.training.progress import Bar
from sim2real.training.study import Design
from sim2real.training.tune import Search

ARMS = ("transfer", "direct", "ridge")


def seconds_needed(study, design):
    return duration.seconds_needed([make_plan(study, design, arms=ARMS)])


@pytest.fixture
def constant_costs(monkeypatch):
    costs = {"transfer": (0.0, 0.5), "direct": (1.0, 2.0), "ridge": (3.0, 0.0)}
    monkeypatch.setattr(duration, "_costs", lambda plan, block: costs[block.arm])


def test_every_update_is_counted_once(study, constant_costs):
    design = Design((50, 300), (16, 32), trials=6, source_draws=4)
    settings = study.settings
    # pretraining once a source draw, fine-tuning and direct learning for every trial and m
    pretraining = 4 * sum(settings.pretraining.steps_for(n) for n in (50, 300))
    fine_tuning = 2 * 6 * sum(settings.fine_tuning.steps_for(m) for m in (16, 32))
    direct = 6 * sum(settings.direct.steps_for(m) for m in (16, 32))
    expected = 0.5 * (pretraining + fine_tuning) + 2.0 * direct + 6 * 1.0 + 6 * 3.0
    assert seconds_needed(study, design) == pytest.approx(expected)


def test_a_search_counts_every_candidate_once(study, constant_costs):
    direct = replace(STANDARD, stages=STANDARD.stages[-1:])
    rows = Search(study, 24, direct, 3).fit.shape[1]
    tried = [own.direct for _, own in direct.stages[0].tried_by(direct.start)]
    expected = sum(3 * (1.0 + 2.0 * stage.steps_for(rows)) for stage in tried)
    assert duration.search_seconds(study, 24, direct, 3) == pytest.approx(expected + duration.START)
    assert duration.search_seconds(study, 24, direct, 3, workers=2) == pytest.approx(expected / 2 + duration.START)
    assert duration.search_seconds(study, 24, STANDARD, 3) > expected + duration.START


def test_a_block_that_is_longer_than_the_others_is_begun_first_and_waited_for(study, monkeypatch):
    costs = {"transfer": (2.0, 0.0), "direct": (1.0, 0.0), "ridge": (5.0, 0.0)}
    monkeypatch.setattr(duration, "_costs", lambda plan, block: costs[block.arm])
    plan = make_plan(study, Design((50, 300), (16, 32), trials=6, source_draws=4), arms=ARMS)
    # blocks of 15, 15, 12, 12 and 6 s in this order: of two processes one works on 15, 12 and 6 s, of four one on 12 and 6 s
    for workers, seconds in ((1, 60.0), (2, 33.0 + duration.START), (4, 18.0 + duration.START)):
        assert duration.seconds_needed([plan], workers) == pytest.approx(seconds)
        assert duration.seconds_needed([plan] * 2, workers) == pytest.approx(2 * seconds - duration.START * (workers > 1))


def test_what_is_stored_costs_nothing(study, constant_costs, tmp_path, monkeypatch):
    monkeypatch.setattr("sim2real.training.experiment.CACHE", tmp_path)
    design = Design((50, 300), (16,), trials=3)
    assert seconds_needed(study, design) > 0
    run_trials(study, design, arms=ARMS)
    assert seconds_needed(study, design) == 0
    more = Design((50, 300), (16,), trials=4)
    one_trial = seconds_needed(study, Design((50, 300), (16,), trials=1, seed=1))
    assert seconds_needed(study, more) == pytest.approx(one_trial)


def test_costs_are_measured_and_the_trial_of_a_baseline_is_kept(study):
    plan = make_plan(study, Design((50, 300), (16, 32), trials=2, seed=9), arms=ARMS)
    assert 0 < duration.seconds_needed([plan]) < 60
    found = plan.read(print)
    assert {arm: sorted(set(found[arm, 0, 32]["trial"])) for arm in ("direct", "ridge")} == {"direct": [], "ridge": [0]}
    kept = found["ridge", 0, 32]
    alone = run_trials(study, plan.design, arms=ARMS, store=plan.store.with_name("alone")).table.query("arm == 'ridge' and m == 32")
    pd.testing.assert_frame_equal(alone.query("trial == 0")[list(kept)].reset_index(drop=True), kept)


@pytest.mark.parametrize(
    ("seconds", "workers", "text"),
    [
        (5, 2, ""),
        (600, 1, "about 10 min of training on 1 process;"),
        (3 * 3600 + 1230, 2, "about 3 h 20 min of training on 2 processes;"),
    ],
)
def test_the_announcement(seconds, workers, text):
    said = duration.announcement(seconds, workers)
    assert said.startswith(text) and bool(said) == bool(text)


def test_a_bar_is_a_line_of_words_where_a_notebook_has_one(monkeypatch, capsys):
    said: list[str] = []
    monkeypatch.setattr(Bar, "line", said.append)
    with Bar(total=4, desc="toy", unit="trial") as bar:
        bar.update(3)
        bar.refresh()
    assert said[0] == "training toy: 0 % of 4 trials"
    assert said[-1].startswith("training toy: 75 % of 4 trials, about 0") and said[-1].endswith(" left")
    assert capsys.readouterr() == ("", ""), "no empty line"
    monkeypatch.setattr(Bar, "line", None)
    with Bar(total=4, desc="toy", unit="trial") as bar:
        bar.update(4)
    assert "toy: 100%" in capsys.readouterr().err
