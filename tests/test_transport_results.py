"""The Wiedemann-Franz study: records against the trials they came from, planted gains found, chance not mistaken for them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sim2real.figures.transport_gain_tables import explained_table, gain_verdict, ranked_table
from sim2real.figures.transport_tables import (
    curve_table,
    difference_table,
    group_table,
    group_verdict,
    mae_table,
    several_m_table,
    winners,
)
from sim2real.laws.transport_results import group_records, parity_record, single_compounds_design, transport_settings, with_groups
from sim2real.studies.transport_gains import (
    FALSE_DISCOVERIES,
    FEWEST_DRAWS,
    GAINS,
    compound_properties,
    draw_errors,
    drawn_curves,
    drawn_ranking,
    explain,
    gain_record,
    test_gains,
)

from made import TRANSPORT_N as N_GRID
from made import transport_study as make_study
from made import transport_trials as make_trials
from sim2real.chemistry.simulators.wiedemann_franz import NON_WF, WF
from sim2real.laws.arms import arm_records, several_m_records, several_m_trials, with_transfer_of
from sim2real.laws.bootstrap import paired_difference
from sim2real.studies.presets import resolve
from sim2real.training.recipes import Hyperparameters, Network, Training


def test_parity_holds_the_compounds_with_both_and_the_edges_of_the_groups():
    study = make_study()
    record = parity_record(study)
    table = study.target.table
    assert record["both"] == 40 and record["compounds"] == 60 and record["metals"] is None
    ratio = np.array(record["log_kappa"]) - np.array(record["log_sigma"]) - np.log10(record["line"]["lorenz_number"] * 300)
    assert record["lorenz"] == pytest.approx(ratio)
    distance = table["lorenz"].abs()
    assert record["nearest"] == distance[table["wf"] == WF].max() < record["farthest"] == distance[table["wf"] == NON_WF].min()
    assert record["below"] == 0
    json.dumps(record, allow_nan=False)
    with pytest.raises(ValueError, match="1 compound.* with both"):
        parity_record(make_study(21, 20))


def test_groups_have_their_own_curves_and_their_own_direct_learning():
    study = make_study()
    near = (study.target.table["wf"] == WF).to_numpy()
    trials = make_trials(study, 40, fall=np.where(near, 0.6, 0.0), advantage=0.2)
    records = {r["class"]: r for r in group_records(trials, trials)}
    assert list(records) == [WF, NON_WF]
    assert records[WF]["verdict"] == "scales" and records[NON_WF]["verdict"] == "does not"
    table = trials.table
    for name, record in records.items():
        members = np.flatnonzero(study.target.table["wf"] == name)
        rows = table[table["material"].isin(members)]
        direct = rows[rows["arm"] == "direct"]
        assert record["direct"]["mae"] == pytest.approx(direct["absolute_error"].mean())
        assert record["direct"]["low"] < record["direct"]["mae"] < record["direct"]["high"]
        last = rows[(rows["arm"] == "transfer") & (rows["n"] == N_GRID[-1])]
        means = [frame.groupby("trial")["absolute_error"].mean() for frame in (last, direct)]
        mean, error, count = paired_difference(*means)
        assert record["transfer_minus_direct"] == {"mean": mean, "standard_error": error, "trials": count}
        assert record["other_overlap"]["mae"] == record["curve"]["mae"]
    assert list(group_table(list(records.values())).index) == [WF, NON_WF]
    words = group_verdict(list(records.values()))
    assert "WF: scales" in words and "non-WF: does not scale" in words
    unknown = replace(study, target=replace(study.target, table=study.target.table.assign(wf="")))
    assert group_records(replace(trials, study=unknown)) == [] and "no groups" in group_verdict([])


def test_other_groups_leave_the_trials_as_they_are():
    trials = make_trials(make_study(), 3)
    grouped = with_groups(trials)
    assert grouped.table is trials.table
    assert set(grouped.study.target.table["group"]) == {WF, NON_WF, "between", "unknown"}
    assert set(trials.study.target.table["group"]) == {"oxide", "telluride"}


def test_arms_are_compared_on_the_same_compounds():
    study = make_study()
    trials = make_trials(study, 30, fall=0.4, advantage=0.0)
    records = {r["subset"]: r for r in arm_records(trials, replace(trials, design=replace(trials.design, overlap="drop")))}
    assert list(records) == ["all", "kappa known", WF, NON_WF]
    everything = records["all"]
    assert everything["compounds"] == trials.table["material"].nunique()
    law = everything["arms"]["law"]
    assert law["compounds"] == records["kappa known"]["compounds"] < everything["compounds"]
    # by hand: the trials' means over the test compounds whose kappa is known
    table = trials.table[trials.table["material"] < 40]
    last = table[(table["arm"] == "transfer") & (table["n"] == N_GRID[-1])].groupby("trial")["absolute_error"].mean()
    by_law = table[table["arm"] == "law"].groupby("trial")["absolute_error"].mean()
    mean, error, count = paired_difference(last, by_law)
    assert law["transfer_minus_this"] == pytest.approx({"mean": mean, "standard_error": error, "trials": count})
    assert law["transfer_there"] == pytest.approx(last.mean()) and law["mae"] == pytest.approx(by_law.mean())
    assert everything["arms"]["transfer, drop"]["transfer_minus_this"]["mean"] == 0
    drop = make_trials(study, 30, seed=9, test=60)
    drop = replace(drop, design=replace(drop.design, overlap="drop"))
    both = with_transfer_of(drop, trials)
    assert both.errors("transfer") == pytest.approx(drop.errors("transfer"))
    assert both.errors("direct") == pytest.approx(trials.errors("direct"))
    assert everything["arms"]["transfer, keep"]["transfer_minus_this"] is None
    assert "compounds)" in mae_table(records.values()).loc["Wiedemann-Franz law"].iloc[0]
    assert difference_table(records.values()).loc["direct learning"].str.startswith("-0.4").all()


@pytest.mark.parametrize(
    ("fall", "advantage", "words"),
    [
        (0.5, 0.0, "is better than direct learning"),
        (0.0, -0.5, "is worse than direct learning"),
        (0.0, 0.0, "cannot be told from direct learning"),
    ],
)
def test_the_text_says_who_wins_from_the_numbers(fall, advantage, words):
    records = arm_records(make_trials(make_study(), 30, fall=fall, advantage=advantage, seed=1))
    lines = winners(records).splitlines()
    assert len(lines) == 4
    assert words in lines[0]
    trees = "worse: " in lines[0] and "extra trees" in lines[0].split("worse: ")[1]
    # extra trees err by 0.7, transfer by 1 - fall
    assert trees == (fall > 0.3)
    assert ("better than transfer: " in lines[0]) == (fall < 0.3)


def test_gains_are_means_over_draws_not_over_trials():
    study = make_study()
    trials = make_trials(study, 17, draws=4)
    curves, direct, rows = draw_errors(trials, 40)
    assert curves.shape == (4, len(rows), 3) and direct.shape == curves.shape[:2]
    table = trials.table.assign(draw=trials.table["trial"] % 4)
    for draw in range(4):
        for k, row in enumerate(rows[:9]):
            of = table[(table["draw"] == draw) & (table["material"] == row)]
            expected = of[of["arm"] == "transfer"].groupby("n")["absolute_error"].mean()
            if expected.empty:
                assert np.isnan(curves[draw, k]).all() and np.isnan(direct[draw, k])
            else:
                assert curves[draw, k] == pytest.approx(expected.to_numpy())
                assert direct[draw, k] == pytest.approx(of[of["arm"] == "direct"]["absolute_error"].mean())
    with pytest.raises(KeyError, match="'direct'"):
        draw_errors(replace(trials, table=trials.table[trials.table["arm"] != "direct"]), 40)


def test_the_test_of_a_compound_is_students():
    rng = np.random.default_rng(3)
    x = rng.normal(0.1, 1, (12, 6))
    x[3:, 2] = np.nan  # three draws: no test
    x[1:, 5] = np.nan  # one draw: no interval
    x[4, 0] = np.nan
    table = test_gains(x, np.full(6, 10.0))
    for k in (0, 1, 3, 4):
        values = x[:, k][~np.isnan(x[:, k])]
        expected = stats.ttest_1samp(values, 0)
        interval = expected.confidence_interval(0.95)
        assert table.loc[k, "p"] == pytest.approx(expected.pvalue)
        assert (table.loc[k, "low"], table.loc[k, "high"]) == pytest.approx((interval.low, interval.high))
    tested = table["p"].notna()
    assert tested.tolist() == [True, True, False, True, True, False]
    assert table.loc[tested, "p_bh"].to_numpy() == pytest.approx(stats.false_discovery_control(table.loc[tested, "p"]))
    assert np.isfinite(table.loc[2, "low"]) and np.isnan(table.loc[5, "low"])
    assert (table.loc[~tested, "verdict"] == "cannot be told").all() and not table.loc[~tested, "seen"].any()
    assert (table.loc[tested, "detectable_all"] > table.loc[tested, "detectable"]).all()


def test_planted_compounds_are_found_and_their_sign_is_right():
    study = make_study(120)
    fall = np.zeros(120)
    fall[:15], fall[15:25] = 0.4, -0.4
    record = gain_record(make_trials(study, 120, fall=fall, test=24))
    verdicts = dict(zip(record["names"], record["gains"]["with n"]["verdict"]))
    assert sum(verdicts[f"C{k:03d}"] == "gains" for k in range(15)) >= 14
    assert sum(verdicts[f"C{k:03d}"] == "loses" for k in range(15, 25)) >= 9
    assert sum(verdicts[f"C{k:03d}"] != "cannot be told" for k in range(25, 120)) <= 10
    top = ranked_table(record, rows=5)
    assert set(top.index[:5]) <= {f"C{k:03d}" for k in range(15)} and len(top) == 10
    json.dumps(record, allow_nan=False)
    assert set(record["gains"]) == set(record["explained"]) == set(GAINS)
    gains = record["gains"]["with n"]
    assert f"{gains['verdict'].count('gains')} gain and {gains['verdict'].count('loses')} lose" in gain_verdict(record)


def test_on_data_without_any_gain_false_discoveries_are_rare():
    rng = np.random.default_rng(5)
    found = [(test_gains(rng.normal(size=(10, 200)), np.ones(200))["verdict"] != "cannot be told").any() for _ in range(200)]
    # all discoveries are false here, so that their rate is the chance of any
    assert np.mean(found) <= FALSE_DISCOVERIES + 3 * np.sqrt(FALSE_DISCOVERIES * 0.9 / 200)
    # of half planted, half null, the false part of those found
    false = []
    for _ in range(50):
        x = rng.normal(size=(10, 200))
        x[:, :100] += 2
        verdict = test_gains(x, np.ones(200))["verdict"] != "cannot be told"
        false.append(verdict[100:].sum() / max(1, verdict.sum()))
    assert np.mean(false) <= FALSE_DISCOVERIES


def test_with_too_few_draws_nothing_is_told():
    record = gain_record(make_trials(make_study(), FEWEST_DRAWS - 1, fall=0.5))
    assert set(record["gains"]["with n"]["verdict"]) == {"cannot be told"}
    assert all(p is None for p in record["gains"]["with n"]["p_bh"])
    text = gain_verdict(record)
    assert text.count("nothing can be told of a single compound") == 2
    assert len(ranked_table(record, rows=3)) == 6 and len(explained_table(record)) == 2 * 5


def test_explanations_find_what_was_planted_and_nothing_else():
    rng = np.random.default_rng(2)
    size = 150
    distance, kinds = rng.normal(size=size), rng.choice(["n", "p", "metal"], size)
    gain = -0.5 * distance + (kinds == "metal") + rng.normal(size=size)
    properties = pd.DataFrame({"distance": distance, "noise": rng.normal(size=size), "kind": kinds})
    properties["label"] = rng.choice(["a", "b"], size)
    properties.loc[:30, "distance"] = np.nan
    properties.loc[0, "label"] = "rare"
    by_name = {r["name"]: r for r in explain(gain, properties)}
    known = properties["distance"].notna()
    assert by_name["distance"]["value"] == pytest.approx(stats.spearmanr(gain[known], distance[known])[0])
    assert by_name["distance"]["compounds"] == known.sum()
    assert by_name["distance"]["p_holm"] < 0.05 and by_name["distance"]["high"] < 0
    assert by_name["kind"]["p_holm"] < 0.05 and by_name["kind"]["low"] > 0
    for name in ("noise", "label"):
        assert by_name[name]["p"] > 0.05 and by_name[name]["low"] < by_name[name]["value"] < by_name[name]["high"]
    assert {level["label"] for level in by_name["label"]["levels"]} == {"a", "b", "others"}
    # Kruskal and Wallis' H is (N - 1) eta^2 of the ranks
    h = stats.kruskal(*(gain[kinds == k] for k in ("n", "p", "metal")))[0]
    assert by_name["kind"]["value"] == pytest.approx(1 - (size - 1) / (size - 3) * (1 - h / (size - 1)))
    constant = explain(gain, pd.DataFrame({"same": np.ones(size)}))[0]
    assert constant["value"] is None and constant["p_holm"] is None


def test_neighbours_are_other_compounds_of_the_source():
    study = make_study()
    materials = np.arange(60)
    properties = compound_properties(study, materials)
    counts = properties["neighbours in the source"].to_numpy()
    distances = np.linalg.norm(study.target.X[:, None] - study.source.X[None], axis=2)
    distances[np.arange(40), np.arange(40)] = np.inf  # the compound itself
    radius = np.median(np.sort(distances, axis=1)[:, 9])
    assert counts == pytest.approx((distances <= radius * (1 + 1e-6)).sum(axis=1), abs=1)
    assert (properties["own kappa in the source"] == np.where(materials < 40, "yes", "no")).all()


def test_several_m_are_paired_with_direct_learning():
    trials = make_trials(make_study(), 8, fall=0.3)
    runs = [
        replace(trials, table=trials.table.assign(m=m), design=replace(trials.design, m_grid=(m,), overlap=overlap))
        for m in (20, 40)
        for overlap in ("keep", "drop")
    ]
    records = several_m_records(runs)
    mean, error, _ = paired_difference(trials.errors("transfer")[:, -1], trials.errors("direct"))
    assert [r["m"] for r in records] == [20, 40]
    for record in records:
        assert record["transfer"]["keep"]["difference"] == {"mean": mean, "standard_error": error}
        assert record["transfer"]["drop"] == record["transfer"]["keep"]
    assert several_m_table(records).index.tolist() == [20, 40]
    table = curve_table(trials)
    assert table["MAE"].tolist() == pytest.approx(trials.errors("transfer").mean(axis=0)) and table.index.tolist() == list(N_GRID)
    assert float(table["transfer - direct"].iloc[-1].split(" ")[0]) == pytest.approx(mean, abs=0.005)


def test_several_m_run_both_choices_of_overlap_with_hyperparameters_of_their_m(tmp_path, monkeypatch):
    monkeypatch.setattr("sim2real.training.experiment.CACHE", tmp_path)
    network, steps = Network(sizes=(4,)), Training(2, 1e-3)
    settings = Hyperparameters(network, steps, steps, network, steps)
    study = make_study(700, 100)
    table = study.source.table
    # of the 600 compounds of the source 200 are in the target
    source = replace(study.source, table=table.assign(key=[f"S{k}" if k < 400 else name for k, name in enumerate(table["key"])]))
    study = replace(study, source=source, settings=settings, baselines=("ridge", "law"))

    def hyperparameters(m: int) -> Hyperparameters | None:
        return None if m > 100 else replace(settings, fine_tuning=Training(0, 1e-3))

    sizes = transport_settings(resolve("embedded", "quick", trials=2, workers=1))
    runs = several_m_trials(sizes, study, hyperparameters, arms=("law",))
    found = [(*t.design.m_grid, t.design.overlap, *t.design.n_grid) for t in runs]
    assert found == [(m, o, n) for m in (100, 400, 560) for o, n in (("keep", 600), ("drop", 400))]
    assert [t.study.settings.fine_tuning.steps for t in runs] == [0, 0, 2, 2, 2, 2]
    assert {tuple(t.table["arm"].unique()) for t in runs} == {("transfer", "direct", "law")}


def test_single_compounds_get_more_trials_each_with_its_own_draw():
    study = make_study()
    for preset, asked, expected in (("quick", 0, 30), ("smoke", 0, 3), ("quick", 7, 7)):
        settings = resolve("embedded", preset, trials=asked)
        design, usual = single_compounds_design(settings, study), settings.design(study)
        assert design.n_grid == (usual.n_grid[0], usual.n_grid[-1]) and design.m_grid == usual.m_grid
        assert design.trials == design.distinct_draws == expected


def test_what_is_stored_of_thousands_of_compounds_is_what_is_drawn():
    record = gain_record(make_trials(make_study(), 8, fall=0.3))
    curves, ranking = drawn_curves(record), drawn_ranking(record)
    assert "gains" not in curves and "curves" not in ranking
    np.testing.assert_allclose(curves["curves"], record["curves"], rtol=1e-3)
    for name, table in record["gains"].items():
        np.testing.assert_allclose(ranking["gains"][name]["mean"], table["mean"], rtol=1e-3)
        assert ranking["gains"][name]["verdict"] == table["verdict"]
    assert len(json.dumps(curves)) + len(json.dumps(ranking)) < len(json.dumps(record))
