"""Where the tested material can itself be simulated: delta learning, and the simulated value as an input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler

import made
import sim2real
from sim2real.figures import words
from sim2real.laws.arms import compare_arms
from sim2real.studies.sides import own_values
from sim2real.training import baselines
from sim2real.training.baselines import BASELINES, RIDGE_PENALTIES
from sim2real.training.experiment import make_plan, run_trials
from sim2real.training.study import Design, Study

TRAIN, TEST, SEED = np.arange(30), np.arange(30, 40), (0, "toy")


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(baselines, "TREES", 15)
    monkeypatch.setattr(baselines, "TREES_TO_CHOOSE", 5)


def predicted(arm, study, simulated, train=TRAIN):
    return BASELINES[arm](study.target, train[None], TEST[None], [SEED], simulated)[0]


def error(arm, study, simulated):
    return np.abs(predicted(arm, study, simulated) - study.target.y[TEST]).mean()


def slow(X, y, simulated, arm):
    """Every way fitted in a plain loop over folds, and the best of them on all training rows."""

    def fit(way, rows, tested, count):
        base, learner = way
        slope, shift = {"none": (0.0, 0.0), "value": (1.0, 0.0)}.get(base) or np.polyfit(simulated[rows], y[rows], 1)
        inputs = np.column_stack([X, simulated]).astype(np.float32) if base == "none" else X
        left = y - slope * simulated - shift
        if learner == "ridge":
            scaler = StandardScaler().fit(inputs[rows])
            scaled = np.clip(scaler.transform(inputs), -4, 4)
            model = RidgeCV(RIDGE_PENALTIES).fit(scaled[rows], left[rows])
            return model.predict(scaled[tested]) + (slope * simulated + shift)[tested]
        model = ExtraTreesRegressor(count, max_features=1 / 3, random_state=baselines._state(SEED)).fit(inputs[rows], left[rows])
        return model.predict(inputs[tested]) + (slope * simulated + shift)[tested]

    best, least = None, np.inf
    for base in ("value", "line") if arm == "delta" else ("none",):
        for learner in ("ridge", "trees"):
            total = 0.0
            for fold in np.array_split(TRAIN, baselines.FOLDS):
                total += np.abs(fit((base, learner), np.setdiff1d(TRAIN, fold), fold, 5) - y[fold]).sum()
            if total < least:
                best, least = (base, learner), total
    return fit(best, TRAIN, TEST, 15)


@pytest.mark.parametrize("arm", ["delta", "multifidelity"])
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_what_is_predicted_equals_a_plain_loop(study, arm, noise):
    simulated = study.simulated_target + noise * np.random.default_rng(2).normal(size=40)
    expected = slow(study.target.X, study.target.y, simulated, arm)
    np.testing.assert_allclose(predicted(arm, study, simulated), expected, rtol=1e-3, atol=1e-3)


def test_an_exact_simulator_leaves_no_error_and_a_line_of_it_none_either(study):
    y = study.target.y
    assert error("delta", study, y) < 1e-9 and error("delta", study, 3 * y - 2) < 1e-9
    assert error("multifidelity", study, y) < 0.1 * error("ridge", study, None)


def test_a_simulator_of_noise_is_no_better_than_descriptors_alone(study):
    alone = min(error(arm, study, None) for arm in ("ridge", "trees"))
    noisy = [np.random.default_rng(seed).normal(size=40) for seed in range(4)]
    for arm in ("delta", "multifidelity"):
        assert np.mean([error(arm, study, values) for values in noisy]) > 0.95 * alone


def test_a_material_without_a_simulated_value_is_predicted_from_descriptors_alone(study):
    y, some, few = study.target.y, study.target.y.copy(), np.full(40, np.nan)
    some[35:] = np.nan
    few[[0, 1, 2, 31]] = y[[0, 1, 2, 31]]
    nothing = predicted("delta", study, np.full(40, np.nan))
    np.testing.assert_array_equal(nothing, predicted("ridge", study, None))
    for arm in ("delta", "multifidelity"):
        found = predicted(arm, study, some)
        np.testing.assert_allclose(found[5:], nothing[5:], rtol=1e-9)
        assert np.abs(found[:5] - y[30:35]).mean() < 0.1 * np.abs(nothing[:5] - y[30:35]).mean()
        # three rows teach nothing of the simulator
        np.testing.assert_array_equal(predicted(arm, study, few), nothing)


def test_arms_are_compared_and_said_where_there_is_a_simulated_value(study, tmp_path):
    simulated = study.simulated_target.copy()
    simulated[::4] = np.nan
    half = replace(study, simulated_target=simulated, baselines=Study.baselines)
    design = Design(n_grid=(50, 120, 300), m_grid=(32,), trials=5)
    assert make_plan(half, design).arms == ("transfer", "direct", "ridge", "trees", "simulator", "delta", "multifidelity")
    trials = run_trials(half, design, arms=("transfer", "direct", "delta"), store=tmp_path)
    curve = sim2real.learning_curve(trials)
    record = curve.to_dict()
    known = trials.table[np.isfinite(simulated)[trials.table["material"]]]
    by_trial = known[(known["n"] == 300) | (known["arm"] == "delta")].groupby(["arm", "trial"])["absolute_error"].mean()
    delta = curve.candidates["delta"]
    assert delta.mae == pytest.approx(by_trial["delta"].mean())
    assert delta.difference.mean == pytest.approx((by_trial["transfer"] - by_trial["delta"]).mean())
    assert delta == compare_arms({"keep": trials})[0].arms["delta"]
    assert record["simulated"] == delta.compounds < record["tested"] == trials.table["material"].nunique()
    said = curve.verdict["candidates"]
    assert said.numbers["delta"]["mae"] == delta.mae and f"{delta.mae:.3g}" in said.text
    assert "one simulation a candidate instead of 300 simulations once" in said.text
    assert f"on the {delta.compounds} of {record['tested']} that have one" in said.text
    assert words.learner("delta", record) == "delta learning (elsewhere descriptors)"
    assert words.learner("delta", record | {"simulated": record["tested"]}) == "delta learning"
    none = replace(half, simulated_target=np.where(np.arange(40) < 9, 1.0, np.nan))
    assert make_plan(none, design).arms == ("transfer", "direct", "ridge", "trees"), "nine values are too few"


@pytest.mark.parametrize(
    "shift, words",
    [(-0.2, "may need no database"), (0.2, "still gains from the database"), (0.0, "needs the database cannot be told")],
)
def test_the_sentence_says_which_side_is_better(shift, words):
    study = made.transport_study()
    trials = made.transport_trials(study, 12, seed=3)
    delta = trials.table[trials.table["arm"] == "law"].assign(arm="delta")
    level = trials.table.loc[trials.table["n"] == 500, "absolute_error"].mean()
    delta["absolute_error"] += level - delta["absolute_error"].mean() + shift
    curve = sim2real.learning_curve(replace(trials, table=pd.concat([trials.table, delta])))
    said = curve.verdict["candidates"]
    assert words in said.text and said.told == (shift != 0)
    assert "one thermal conductivity a candidate instead of 500 compounds with thermal conductivity once" in said.text
    assert "each candidate" in said.text


def test_own_values_equal_a_loop_over_rows(chi_study):
    target = chi_study.target
    kelvin = np.where(np.arange(60) % 2, 298.15, 350.0)
    target = replace(target, table=target.table.assign(temperature=kelvin, key=target.table["pair"]))
    source = target.select(np.array([5, 3, 8, 3, 59]))
    source = replace(source, table=source.table.assign(value=[1.0, 2.0, 3.0, 4.0, 5.0]))
    found = own_values(source, target)
    for row, (key, temperature) in enumerate(zip(target.keys, kelvin)):
        same = [v for k, t, v in zip(source.keys, source.table["temperature"], source.y) if (k, t) == (key, temperature)]
        assert found[row] == same[0] if same else np.isnan(found[row])


def test_a_study_of_two_tables_takes_simulated_values_from_the_table_or_from_a_simulator(tmp_path):
    folder = made.own_tables(tmp_path, "rho")
    columns = {"structure": "smiles", "value": "rho", "unit": "g/cm3", "kind": "polymer", "tuned": False, "workers": 1}
    study = sim2real.study(folder / "md.csv", folder / "lab.csv", **columns)
    np.testing.assert_allclose(0.9 * study.simulated_target + 0.2, study.target.y)
    given = sim2real.study(folder / "md.csv", folder / "lab.csv", simulator=lambda units: [len(u) for u in units], **columns)
    assert list(given.simulated_target) == [len(unit) for unit in given.target.table["structure"]]


def test_the_verdict_calls_a_source_of_conductivities_what_it_is():
    study = made.transport_study()
    for name, called in (
        ("computed electrical conductivity", "computed electrical conductivity"),
        ("kappa", "thermal conductivity"),
    ):
        trials = made.transport_trials(replace(study, source=replace(study.source, name=name)), 6)
        said = str(sim2real.learning_curve(trials).verdict)
        assert f"compounds with {called} and " in said, said
