"""Splits that keep groups together, and sources without what a trial tests on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim2real.training.baselines import BASELINES
from sim2real.training.experiment import available_source, run_trials
from sim2real.training.store import Plan
from sim2real.training.study import Design, split_rows, training_size


@pytest.fixture
def grouped(study):
    """The toy study, its 40 measured rows in groups of 1 to 7."""
    rng = np.random.default_rng(0)
    groups = np.repeat([f"g{k}" for k in range(11)], [1, 7, 2, 3, 5, 1, 6, 4, 4, 3, 4])[rng.permutation(40)]
    target = replace(study.target, table=study.target.table.assign(pair=groups))
    return replace(study, target=target, split_by="pair")


def test_groups_are_never_torn_apart(grouped):
    groups = grouped.target.table["pair"].to_numpy()
    sizes = set()
    for trial in range(200):
        train, test = split_rows(grouped.target, np.random.default_rng(trial), "pair")
        assert len(test) == 8
        assert not set(groups[train]) & set(groups[test])
        assert not set(train) & set(test) and len(train) >= training_size(grouped.target, "pair")
        # whatever is on neither side belongs to the group that the test set ends in
        aside = set(range(40)) - set(train) - set(test)
        assert set(groups[list(aside)]) <= {groups[test[-1]]}
        sizes.add(len(train))
    assert training_size(grouped.target, "pair") == 40 - 8 - 6 and len(sizes) > 1


def test_by_row_nothing_changed_and_leaks_are_possible(grouped):
    train, test = split_rows(grouped.target, np.random.default_rng(3))
    order = np.random.default_rng(3).permutation(40)
    assert np.array_equal(test, order[:8]) and np.array_equal(train, order[8:])
    groups = grouped.target.table["pair"].to_numpy()
    assert set(groups[train]) & set(groups[test])


def test_every_row_is_tested_about_as_often(grouped):
    counts = np.zeros(40)
    for trial in range(1000):
        counts[split_rows(grouped.target, np.random.default_rng(trial), "pair")[1]] += 1
    # 200 times on average; the end of a test set cuts a group, so that large groups are not tested less
    assert counts.min() > 140 and counts.max() < 260


def test_the_tested_materials_own_simulations_are_dropped_trial_by_trial(study, tmp_path):
    few = replace(study.settings.pretraining, steps=20)
    study = replace(study, drop_tested=True, settings=replace(study.settings, pretraining=few))
    design = Design(n_grid=(50, 290), m_grid=(32,), trials=4, overlap="drop", source_draws=2)
    # ten target materials are simulated as well; the worst of many splits tests at most eight of them
    assert 292 <= available_source(study, "drop", 0) <= 295
    assert available_source(study, "keep", 0) == 300
    assert available_source(replace(study, drop_tested=False), "drop", 0) == 270
    plan = Plan(study, study.source, design, tmp_path, ("transfer",))
    for trial in range(4):
        tested = set(study.target.keys[plan.split(trial)[1]])
        rows = plan.source_rows(trial, 290)
        assert len(rows) == len(set(rows)) == 290 and not tested & set(study.source.keys[rows])
        assert np.array_equal(plan.source_rows(trial, 50), rows[:50])
        kept = Plan(study, study.source, replace(design, overlap="keep"), tmp_path, ("transfer",)).source_rows(trial, 300)
        assert [r for r in kept if study.source.keys[r] not in tested][:290] == list(rows)
    # trials 0 and 2 share a draw but not what they test on: each has its own pretrained network
    predictors = study.settings.prepare(plan.drawn((0, 1, 2), 290))
    weights = predictors.network.hidden[0].weight
    assert not np.allclose(weights[0].detach(), weights[2].detach())
    table = run_trials(study, design, arms=("transfer",), store=tmp_path).table
    keep = run_trials(study, replace(design, overlap="keep"), arms=("transfer",), store=tmp_path).table
    assert len(table) == len(keep) and not np.allclose(table["absolute_error"], keep["absolute_error"])
    with pytest.raises(ValueError, match="n = 299 exceeds the 29"):
        run_trials(study, replace(design, n_grid=(299,)), arms=("transfer",), store=tmp_path)


def test_a_material_without_a_simulated_value_is_predicted_by_the_mean(study):
    simulated = study.simulated_target.copy()
    simulated[[3, 30]] = np.nan
    train, test = np.arange(25)[None], np.arange(25, 40)[None]
    y = study.target.y
    with_line, as_it_is = (BASELINES[name](study.target, train, test, [(0,)], simulated)[0] for name in ("simulator", "law"))
    known = [k for k in range(25) if k != 3]
    line = np.polyfit(simulated[known], y[known], 1)
    expected = np.where(np.isfinite(simulated[25:]), np.polyval(line, simulated[25:]), y[3])
    np.testing.assert_allclose(with_line, expected, rtol=1e-9)
    np.testing.assert_allclose(as_it_is, np.where(np.isfinite(simulated[25:]), simulated[25:], y[3]))
    complete = BASELINES["law"](study.target, train, test, [(0,)], study.simulated_target)[0]
    np.testing.assert_array_equal(complete, study.simulated_target[25:])


@pytest.mark.parametrize("name", ["boosting", "neighbour"])
def test_further_baselines_learn_and_repeat(study, name):
    """Enough rows of a smooth function: better than the mean, and the same again."""
    train, test = np.arange(220)[None], np.arange(220, 300)[None]
    first, again = (BASELINES[name](study.source, train, test, [("seed", 1)], None) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    y = study.source.y
    assert np.abs(first[0] - y[220:]).mean() < 0.9 * np.abs(y[:220].mean() - y[220:]).mean()


@pytest.mark.parametrize("name", ["ridge", "neighbour"])
def test_a_column_that_hardly_varies_is_no_column(study, name):
    """Tails of the kernels of force-field descriptors: denormal numbers, by whose spread single precision cannot divide."""
    train, test = np.arange(220)[None], np.arange(220, 300)[None]
    tail = np.where(np.arange(300) % 7, 0, 1e-45).astype(np.float32)
    rounding = np.where(np.arange(300) % 5, 1, 1 + 1.2e-7).astype(np.float32)
    rounding[250] = 3
    wider = replace(study.source, X=np.column_stack([study.source.X, tail, rounding]))
    found, plain = (BASELINES[name](task, train, test, [("seed", 1)], None) for task in (wider, study.source))
    np.testing.assert_allclose(found, plain, rtol=1e-9)
