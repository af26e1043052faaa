"""The Wiedemann-Franz study: records against the trials they came from, planted gains found, chance not mistaken for them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from made import TRANSPORT_N as N_GRID
from made import transport_study as make_study
from made import transport_trials as make_trials
from sim2real import tables
from sim2real.chemistry.simulators.wiedemann_franz import NON_WF, WF
from sim2real.laws import significance
from sim2real.laws.arms import compare_arms, compare_sizes
from sim2real.laws.bootstrap import Bootstrap, paired_difference
from sim2real.laws.classes import classes
from sim2real.laws.parity import conductivity_parity
from sim2real.laws.significance import rank_associations
from sim2real.studies.compounds import (
    FALSE_DISCOVERIES,
    FEWEST_DRAWS,
    compound_properties,
    curves_record,
    draw_errors,
    drawn_curves,
    drawn_ranking,
    explain,
    gain_record,
    gain_tests,
)

BOOTSTRAP = Bootstrap(replicates=100)


def test_parity_holds_the_compounds_with_both_and_the_edges_of_the_groups():
    study = make_study()
    record = conductivity_parity(study)
    table = study.target.table
    assert record["both"] == 40 and record["compounds"] == 60 and record["metals"] is None
    ratio = np.array(record["log_kappa"]) - np.array(record["log_sigma"]) - np.log10(record["line"]["lorenz_number"] * 300)
    assert record["lorenz"] == pytest.approx(ratio)
    distance = table["lorenz"].abs()
    assert record["nearest"] == distance[table["wf"] == WF].max() < record["farthest"] == distance[table["wf"] == NON_WF].min()
    assert record["below"] == 0
    json.dumps(record, allow_nan=False)
    with pytest.raises(ValueError, match="1 compound.* with both"):
        conductivity_parity(make_study(21, 20))


def test_groups_have_their_own_curves_and_their_own_direct_learning():
    study = make_study()
    near = (study.target.table["wf"] == WF).to_numpy()
    trials = make_trials(study, 40, fall=np.where(near, 0.6, 0.0), advantage=0.2)
    records = {r["class"]: r for r in (c.to_dict() for c in classes(trials, "wf", other=trials, bootstrap=BOOTSTRAP))}
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
        assert record["transfer_minus_direct"] == pytest.approx({"mean": mean, "standard_error": error, "trials": count})
        assert record["other_overlap"]["mae"] == record["curve"]["mae"]
    unknown = replace(study, target=replace(study.target, table=study.target.table.assign(wf="")))
    assert classes(replace(trials, study=unknown), "wf") == []


def test_other_groups_leave_the_trials_as_they_are():
    trials = make_trials(make_study(), 3)
    table = trials.study.target.table.copy()
    names = [c.group for c in classes(trials, "wf", [WF, "unknown", "between", NON_WF], bootstrap=BOOTSTRAP)]
    assert names == [WF, "unknown", "between", NON_WF]
    assert set(trials.study.target.table["group"]) == {"oxide", "telluride"}
    pd.testing.assert_frame_equal(trials.study.target.table, table)


def test_arms_are_compared_on_the_same_compounds():
    study = make_study()
    trials = make_trials(study, 30, fall=0.4, advantage=0.0)
    records = {
        r["subset"]: r
        for r in (
            t.to_dict()
            for t in compare_arms({"keep": trials, "drop": replace(trials, design=replace(trials.design, overlap="drop"))})
        )
    }
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
    assert everything["arms"]["transfer, keep"]["transfer_minus_this"] is None
    table = tables.arms(records.values())
    assert "Wiedemann-Franz law" in table.index.get_level_values("arm")
    direct = table.xs("direct learning", level="arm")["transfer minus this"]
    assert direct.str.replace("\u2212", "-").str.startswith("-0.4").all()


@pytest.mark.parametrize(
    ("fall", "advantage", "word"),
    [(0.5, 0.0, "better"), (0.0, -0.5, "worse"), (0.0, 0.0, "cannot be told")],
)
def test_the_table_says_who_wins_from_the_numbers(fall, advantage, word):
    records = compare_arms({"keep": make_trials(make_study(), 30, fall=fall, advantage=advantage, seed=1)})
    verdicts = tables.arms(records)["verdict"]
    assert len(records) == 4
    assert word in verdicts.xs("direct learning", level="arm").iloc[0]
    # extra trees err by 0.7, transfer by 1 - fall
    assert ("better" if fall > 0.3 else "worse") in verdicts.xs("extra trees", level="arm").iloc[0]


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
    table = gain_tests(x, np.full(6, 10.0))
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
    top = tables.ranked(record, rows=5)
    assert set(top.index[:5]) <= {f"C{k:03d}" for k in range(15)} and len(top) == 10
    json.dumps(record, allow_nan=False)
    assert set(record["gains"]) == set(record["explained"]) == {"with n", "over direct learning"}
    gains = record["gains"]["with n"]
    words = f"{gains['verdict'].count('gains')} gain and {gains['verdict'].count('loses')} lose"
    assert words in tables.found(record)["verdict"].iloc[0]


@pytest.mark.parametrize("sets", [40, pytest.param(200, marks=pytest.mark.slow)])
def test_on_data_without_any_gain_false_discoveries_are_rare(sets):
    rng = np.random.default_rng(5)
    found = [(gain_tests(rng.normal(size=(10, 200)), np.ones(200))["verdict"] != "cannot be told").any() for _ in range(sets)]
    # all discoveries are false here, so that their rate is the chance of any
    assert np.sum(found) <= stats.binom.ppf(0.9987, sets, FALSE_DISCOVERIES)
    # of half planted, half null, the false part of those found
    false = []
    for _ in range(sets // 4):
        x = rng.normal(size=(10, 200))
        x[:, :100] += 2
        verdict = gain_tests(x, np.ones(200))["verdict"] != "cannot be told"
        false.append(verdict[100:].sum() / max(1, verdict.sum()))
    assert np.mean(false) <= FALSE_DISCOVERIES


def test_with_too_few_draws_nothing_is_told():
    record = gain_record(make_trials(make_study(), FEWEST_DRAWS - 1, fall=0.5))
    assert set(record["gains"]["with n"]["verdict"]) == {"cannot be told"}
    assert all(p is None for p in record["gains"]["with n"]["p_bh"])
    assert tables.found(record)["verdict"].str.contains("nothing can be told of a single compound").tolist() == [True, True]
    assert len(tables.ranked(record, rows=3)) == 6 and len(tables.explained(record)) == 2 * 5


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


def test_ranks_are_shared_and_counted_as_one_thing_after_the_other_would_be():
    """Slow twin: each resample and each order on its own, by scipy."""
    rng, units = np.random.default_rng(3), 40
    gain, codes = rng.normal(size=units).round(1), rng.integers(3, size=units)  # with ties
    distance = (gain + rng.normal(size=units)).round(1)
    found = rank_associations(gain, [(distance, False), (codes, True)], replicates=60, seed=5)
    rng = np.random.default_rng(5)
    drawn = rng.integers(units, size=(60, units))
    orders = [rng.permuted(stats.rankdata(gain)[None], axis=1)[0] for _ in range(significance.ORDERS)]

    def epsilon_squared(gain, codes):
        ranks, (n, k) = stats.rankdata(gain), (units, len(set(codes)))
        between = sum((ranks[codes == c] - ranks.mean()).sum() ** 2 / (codes == c).sum() for c in set(codes))
        return 1 - (n - 1) / (n - k) * (1 - between / ((ranks - ranks.mean()) ** 2).sum())

    for one, slow, of in zip(
        found, (lambda a, b: np.corrcoef(stats.rankdata(a), stats.rankdata(b))[0, 1], epsilon_squared), (distance, codes)
    ):
        assert one.value == pytest.approx(slow(gain, of))
        ends = np.quantile([slow(gain[rows], of[rows]) for rows in drawn], [0.025, 0.975])
        np.testing.assert_allclose([one.low, one.high], ends)
        as_far = [slow(order, of) for order in orders]
        as_far = np.abs(as_far) if slow is not epsilon_squared else np.array(as_far)
        least = abs(one.value) if slow is not epsilon_squared else one.value
        assert one.p == (1 + (as_far >= least - 1e-12).sum()) / (1 + len(orders))


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
    records = compare_sizes(runs)
    difference = paired_difference(trials.errors("transfer")[:, -1], trials.errors("direct"))
    assert [r["m"] for r in records] == [20, 40]
    for record in records:
        assert record["transfer"]["keep"]["difference"] == difference._asdict()
        assert record["transfer"]["drop"] == record["transfer"]["keep"]
    assert tables.several_m(records).index.tolist() == [20, 40]


def test_what_is_stored_of_thousands_of_compounds_is_what_is_drawn():
    trials = make_trials(make_study(), 8, fall=0.3)
    record = gain_record(trials)
    curves, ranking = drawn_curves(curves_record(trials)), drawn_ranking(record)
    assert "gains" not in curves and "curves" not in ranking
    np.testing.assert_allclose(curves["curves"], record["curves"], rtol=1e-3)
    for name, table in record["gains"].items():
        np.testing.assert_allclose(ranking["gains"][name]["mean"], table["mean"], rtol=1e-3)
        assert ranking["gains"][name]["verdict"] == table["verdict"]
    assert len(json.dumps(curves)) + len(json.dumps(ranking)) < len(json.dumps(record))
