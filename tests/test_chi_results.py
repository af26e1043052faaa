"""The chi study's records against trials and surfaces of known kind, and against slow twins."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm, spearmanr, t

from made import CHI_CLASSES as CLASSES
from made import CHI_N as N
from made import chi_trials as made_trials
from sim2real import figures, tables
from sim2real.figures.words import worth
from sim2real.laws.arms import SPLIT_WORDS, compare_simulators, compare_splits
from sim2real.laws.bootstrap import Bootstrap, Resamples
from sim2real.laws.classes import classes, correlation_over_classes, gain_by_accuracy
from sim2real.laws.grid import curve_grid
from sim2real.laws.parity import class_parity, line_errors
from sim2real.laws.power import PowerLaw
from sim2real.laws.records import paper
from sim2real.laws.substitution import compare_forms, interaction, marginal_rate, rate_of_curves
from sim2real.training.study import Cube

M = np.array([40, 80, 160, 320])
BOOTSTRAP = Bootstrap(replicates=80)
COUNTS = {"trials": 16, "materials": 24}


def law(gamma: float):
    """log R = -0.5 - 0.06 x - 0.15 y + gamma x y, with x and y from the middle of log n and log m."""
    x0, y0 = np.log(N).mean(), np.log(M).mean()

    def surface(n, m):
        x, y = np.log(n) - x0, np.log(m) - y0
        return np.exp(-0.5 - 0.06 * x - 0.15 * y + gamma * x * y)

    return surface


def eq1(n, m):
    return (0.3 * n**-0.3 + 0.5) * m**-0.24 + 0.02


def made_cube(surface, seed, trials=16, pairs=24, noise=0.05):
    """Errors (trials, materials, N, M): two temperatures a pair that share its difficulty, a quarter of the pairs tested."""
    rng = np.random.default_rng(seed)
    hard = np.repeat(rng.lognormal(0, 0.5, pairs), 2)
    cube = np.full((trials, 2 * pairs, len(N), len(M)), np.nan)
    for trial in range(trials):
        tested = np.isin(np.arange(2 * pairs) // 2, rng.permutation(pairs)[: pairs // 4])
        every = rng.lognormal(0, noise, (len(N), len(M)))
        own = rng.lognormal(0, 4 * noise, (tested.sum(), len(N), len(M)))
        cube[trial, tested] = hard[tested, None, None] * surface(N[:, None], M) * every * own
    return cube


def resampled(errors, clusters, replicates, seed=0):
    """Resamples of a cube's trials, and of its trials and materials, both about the mean over all predictions."""
    cube = Cube(errors, tuple(N), tuple(M), np.arange(len(errors)), np.arange(errors.shape[1]), clusters)
    trials, both = Bootstrap(replicates=replicates, seed=seed).cube(cube)
    return replace(trials, mean=both.mean), both


def exactly(errors):
    return Resamples(errors, np.stack([errors, errors]), "trials", 0.9)


def verdicts(surface, sets, noise=0.05):
    found = []
    for seed in range(sets):
        sides = resampled(made_cube(surface, seed, noise=noise), np.arange(48) // 2, 150, seed)
        found.append([interaction(N, M, side, **COUNTS) for side in sides])
    return found


def count(found, side, key, verdict):
    return sum(record[side][key]["verdict"] == verdict for record in found)


def left_out(found, side, key):
    """How often the interval leaves out 0; a verdict asks for more."""
    return sum(not record[side][key]["low"] <= 0 <= record[side][key]["high"] for record in found)


@pytest.mark.parametrize("sets", [10, pytest.param(40, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("gamma", "expected", "wrong"), [(-0.02, "reinforce", "substitute"), (0.02, "substitute", "reinforce")])
def test_an_interaction_of_either_sign_is_found(gamma, expected, wrong, sets):
    found = verdicts(law(gamma), sets)
    for key in ("log", "steepening"):
        assert count(found, 0, key, expected) >= 0.9 * sets and count(found, 0, key, wrong) == 0
        assert count(found, 1, key, expected) >= 0.75 * sets and count(found, 1, key, wrong) == 0
    middle = np.mean([record[0]["log"]["value"] for record in found])
    assert middle == pytest.approx(gamma, abs=0.004)


@pytest.mark.parametrize("sets", [60, pytest.param(300, marks=pytest.mark.slow)])
@pytest.mark.parametrize("surface", [law(0.0), lambda n, m: (0.3 * n**-0.3 + 0.5) * m**-0.24], ids=["powers", "Eq. 1"])
def test_none_is_found_where_there_is_none(surface, sets):
    """Of sets of trials without interaction, about a tenth of the 90 % intervals leave out 0, and no more get a verdict."""
    found = verdicts(surface, sets)
    # 16 trials: an interval from resampled trials alone is somewhat narrow; trials and pairs are wide of 10 %
    for side, share, most in ((0, 0.13, 0.18), (1, 0.04, 1 / 15)):
        for key in ("log", "steepening"):
            told = sum(count(found, side, key, v) for v in ("reinforce", "substitute"))
            assert told <= left_out(found, side, key) <= max(binom.ppf(0.999, sets, share) if sets < 300 else 0, most * sets)


def test_equation_1_replaces_in_absolute_error_and_never_reinforces():
    exact = eq1(N[:, None], M)
    record = interaction(N, M, exactly(exact), **COUNTS)
    assert record["log"]["value"] > 0 and record["absolute"]["value"] > 0 and record["fall"]["value"] < 0
    assert {record[key]["verdict"] for key in ("log", "absolute", "steepening", "fall")} == {"substitute"}
    # gamma is blind to how the factors bend
    product = (1 + np.sin(np.log(N)))[:, None] * (3 + np.cos(np.log(M)))
    assert interaction(N, M, exactly(product), **COUNTS)["log"]["value"] == pytest.approx(0, abs=1e-12)


def test_slopes_are_those_of_a_line_through_each_curve():
    exact = law(-0.02)(N[:, None], M)
    slopes = interaction(N, M, exactly(exact), **COUNTS)
    for k in range(len(M)):
        assert slopes["slopes"]["value"][k] == pytest.approx(np.polyfit(np.log(N), np.log(exact[:, k]), 1)[0])
        assert slopes["slopes_m"]["value"][k] == pytest.approx(np.polyfit(np.log(M), np.log(exact[k]), 1)[0])
    x, y = (v.ravel() for v in np.meshgrid(np.log(N), np.log(M), indexing="ij"))
    gamma = np.linalg.lstsq(np.stack([np.ones_like(x), x, y, x * y], 1), np.log(exact).ravel(), rcond=None)[0][3]
    assert slopes["log"]["value"] == pytest.approx(gamma) == pytest.approx(-0.02)


def test_the_form_with_interaction_predicts_held_back_edges_that_have_one():
    table = compare_forms(N, M, law(-0.02)(N[:, None], M))
    assert set(table["held_back"]) == {"largest n", "largest m"} and len(table) == 14
    rmse = table.set_index(["held_back", "model"])["rmse"]
    for edge in ("largest n", "largest m"):
        assert rmse[edge, "logarithms with interaction"] < 1e-9 < 0.01 < rmse[edge, "logarithms"]
        assert rmse[edge, "logarithms with interaction"] < rmse[edge, "Eq. 1"]


def test_the_papers_slopes_and_rate():
    printed = paper("chi")
    in_n, in_m = PowerLaw(**printed["law_n"]), PowerLaw(**printed["law_m"])
    assert in_n.derivative(printed["n"]) == pytest.approx(printed["partial_n"], rel=2e-3)
    assert in_m.derivative(printed["m"]) == pytest.approx(printed["partial_m"], rel=2e-3)
    assert printed["partial_m"] / printed["partial_n"] == pytest.approx(109.35, abs=0.01)
    assert rate_of_curves(in_n, in_m, printed["n"], printed["m"]) == pytest.approx(printed["rate"], abs=0.5)


def test_the_marginal_rate_is_the_ratio_of_the_two_curves_at_the_corner():
    def surface(n, m):
        return 0.239 * n**-0.0348 * (m / 320.0) ** -0.24

    sides = resampled(made_cube(surface, 0, noise=0.01), np.arange(48) // 2, 200)
    truth = rate_of_curves(PowerLaw(0.239, 0.0348, 0), PowerLaw(surface(6400, 1), 0.24, 0), 6400, 320)
    for side in sides:
        rate = marginal_rate(N, M, side)
        assert rate.identified == "both ends" and rate.low <= truth <= rate.high
        assert rate.low <= rate.rate <= rate.high < np.inf
        assert rate.rate == pytest.approx(rate.partial_m.value / rate.partial_n.value)
    assert marginal_rate(N, M, exactly(surface(N[:, None], M))).rate == pytest.approx(truth, rel=1e-4)


@pytest.mark.parametrize(
    ("alpha", "beta", "identified"),
    [(0.0, 0.24, "lower limit"), (0.2, 0.0, "upper limit"), (0.0, 0.0, "not identified"), (0.2, 0.24, "both ends")],
)
def test_a_rate_without_decay_has_a_limit_or_nothing(alpha, beta, identified):
    cube = made_cube(lambda n, m: n**-alpha * m**-beta, 1, noise=0.03)
    rate = marginal_rate(N, M, resampled(cube, None, 200)[0])
    assert rate.identified == identified
    assert np.isinf(rate.high) == (alpha == 0) and (rate.low == 0) == (beta == 0)
    words = worth(rate.to_dict())
    assert words.startswith({"lower limit": "at least", "upper limit": "at most", "not identified": "not"}.get(identified, ""))
    assert "None" not in words and "inf" not in words


def test_resamples_of_surfaces_are_those_of_their_cells():
    """Slow twin: the same draws by repeating trials and pairs."""
    cube, pairs = made_cube(eq1, 3, trials=5, pairs=8), np.arange(16) // 2
    trials, both = resampled(cube, pairs, 30, seed=4)
    np.testing.assert_allclose(both.mean, np.nanmean(cube.reshape(-1, 4, 4), axis=0))
    by_trial = np.nanmean(cube, axis=1)
    counts = np.random.default_rng(4).multinomial(5, np.full(5, 0.2), size=30)
    drawn, wider = np.repeat(by_trial, counts[7], axis=0).mean(axis=0), np.sqrt(5 / 4) * t.isf(0.05, 4) / norm.isf(0.05)
    np.testing.assert_allclose(np.log(trials.draws[7] / trials.mean), wider * np.log(drawn / trials.mean))
    rng = np.random.default_rng(4)
    of_trials, of_pairs = rng.multinomial(5, np.full(5, 0.2), size=30), rng.multinomial(8, np.full(8, 0.125), size=30)
    drawn = np.repeat(np.repeat(cube, of_trials[7], axis=0), of_pairs[7][pairs], axis=1)
    np.testing.assert_allclose(both.draws[7], np.nanmean(drawn.reshape(-1, 4, 4), axis=0))


def test_the_record_of_figure_4_holds_the_means_of_the_trials(chi_study):
    trials = made_trials(chi_study)
    record = curve_grid(trials, bootstrap=BOOTSTRAP).to_dict()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    table = trials.table
    cell = table[(table["arm"] == "transfer") & (table["n"] == 1600) & (table["m"] == 24)]["absolute_error"]
    assert record["mae"][2][1] == pytest.approx(cell.mean())
    assert record["direct"]["mae"][2] == pytest.approx(
        table[(table["arm"] == "direct") & (table["m"] == 40)]["absolute_error"].mean()
    )
    assert len(record["laws_n"]) == 3 and len(record["laws_m"]) == 4 and record["pairs"] <= 30
    for low, high in (("low", "high"), ("low_materials", "high_materials")):
        assert (np.array(record[low]) <= record["mae"]).all() and (record["mae"] <= np.array(record[high])).all()
    assert record["verdict"]["verdict"] in ("reinforce", "substitute", "cannot be told") and "gamma" in record["verdict"]["text"]
    assert record["compared"] is None
    assert "109" in tables.rates(record).iloc[:, -1].tolist() and len(tables.interactions(record)) == 4
    few = replace(trials, design=replace(trials.design, trials=3), table=trials.table[trials.table["trial"] < 3])
    verdict = curve_grid(few, bootstrap=BOOTSTRAP).verdict
    assert verdict["verdict"] == "cannot be told" and verdict["text"].startswith("3 trials; at least 6")
    narrow = replace(trials, design=replace(trials.design, m_grid=(12, 24)))
    with pytest.raises(ValueError, match="at least 3 n and 3 m, got 4 and 2"):
        curve_grid(narrow, bootstrap=BOOTSTRAP)


def test_splits_say_what_test_rows_share_with_training_rows(chi_study):
    rules = {"row": "", "pair": "pair", "solvent": "solvent_key", "polymer": "polymer_key"}
    by_rule = {rule: made_trials(chi_study, split_by=column) for rule, column in rules.items()}
    records = [split.to_dict() for split in compare_splits(by_rule, bootstrap=BOOTSTRAP)]
    assert json.loads(json.dumps(records, allow_nan=False)) == records
    shared = {r["split"]: r["shared"] for r in records}
    assert shared["row"]["pair"] > 0.4 and shared["pair"]["pair"] == 0
    assert shared["solvent"]["solvent_key"] == 0 < shared["solvent"]["polymer_key"]
    assert shared["polymer"]["polymer_key"] == 0 < shared["polymer"]["solvent_key"]
    trials, first = by_rule["row"], records[0]
    difference = trials.errors("transfer")[:, -1] - trials.errors("direct")
    assert first["n"] == [100, 6400] and first["differences"][1]["mean"] == pytest.approx(difference.mean())
    assert first["differences"][1]["standard_error"] == pytest.approx(difference.std(ddof=1) / np.sqrt(8))
    assert [r["words"] for r in records] == [SPLIT_WORDS[rule] for rule in rules]
    table = tables.splits(records)
    assert len(table) == 4 and "pair 0" in table["seen in training"].iloc[1]


def test_the_table_compares_simulators_on_the_same_splits(chi_study):
    first, second = made_trials(chi_study), made_trials(chi_study, gain=(0.5,) * 5)
    table = compare_simulators({"UNIFAC 2.0": first, "COSMO-RS": second})
    direct = first.errors("direct").mean()
    assert table.loc[("none", "direct", 0), "MAE"] == pytest.approx(direct)
    assert table.loc[("none", "ridge", 0), "minus direct"] == pytest.approx(first.errors("ridge").mean() - direct)
    row = table.loc[("COSMO-RS", "transfer", 6400)]
    assert row["MAE"] == pytest.approx(second.errors("transfer")[:, -1].mean()) and row["minus direct"] < 0 < row["standard error"]
    assert len(table) == 1 + 1 + 2 * (1 + 4)
    corrected = first.table[first.table["arm"] == "simulator"].assign(arm="delta")
    own = compare_simulators({"UNIFAC 2.0": replace(first, table=pd.concat([first.table, corrected]))})
    assert own.loc[("UNIFAC 2.0", "delta learning", 0), "MAE"] == own.loc[("UNIFAC 2.0", "its value on a line", 0), "MAE"]
    shifted = replace(second, table=second.table.assign(absolute_error=second.table["absolute_error"] * 2))
    table = compare_simulators({"UNIFAC 2.0": first, "COSMO-RS": shifted})
    assert table.loc[("none, tuned as for COSMO-RS", "direct", 0), "MAE"] == pytest.approx(2 * direct)
    difference = shifted.errors("transfer")[:, -1].mean() - 2 * direct
    assert table.loc[("COSMO-RS", "transfer", 6400), "minus direct"] == pytest.approx(difference)
    other = replace(second, table=second.table.assign(material=(second.table["material"] + 1) % 60))
    with pytest.raises(ValueError, match="COSMO-RS test other rows"):
        compare_simulators({"UNIFAC 2.0": first, "COSMO-RS": other})


def test_classes_carry_their_own_m(chi_study):
    records = [c.to_dict() for c in classes(made_trials(chi_study), bootstrap=BOOTSTRAP)]
    assert [r["class"] for r in records] == sorted(CLASSES[:4]) and "unclassified" not in {r["class"] for r in records}
    assert all((r["rows"], r["pairs"]) == (12, 6) and r["training_rows"] == pytest.approx(8) for r in records)
    by_class = {r["class"]: r for r in records}
    assert by_class["polyvinylx"]["verdict"] == "scales" and by_class["cellulose"]["verdict"] == "does not"
    assert by_class["polyvinylx"]["name"] == "Polyvinyls" and len(tables.class_verdicts(records)) == 4


def test_a_line_is_judged_on_pairs_that_it_has_not_seen():
    rng = np.random.default_rng(7)
    simulated, pairs = rng.normal(size=14), np.repeat(np.arange(7), 2)
    measured = 0.8 * simulated + rng.normal(size=14) * 0.3
    found = line_errors(simulated, measured, pairs)
    errors = []
    for k in range(14):
        rest = pairs != pairs[k]
        slope, shift = np.polyfit(simulated[rest], measured[rest], 1)
        errors.append(abs(slope * simulated[k] + shift - measured[k]))
    assert found["mae_line"] == pytest.approx(np.mean(errors))
    assert line_errors(-simulated, measured, pairs)["mae_line"] == pytest.approx(found["mae_constant"])
    assert line_errors([1.0, 2.0], [1.0, 2.0], ["a", "b"])["mae_line"] is None


def test_gain_follows_the_simulators_accuracy_where_it_was_made_to(chi_study):
    rng = np.random.default_rng(8)
    group, y = pd.factorize(chi_study.target.table["group"])[0], chi_study.target.y
    # the more the class gains in made_trials, the better the simulator is on it
    simulated = y + rng.normal(size=60) * np.array([2.0, 0.6, 0.2, 0.02, 1.0])[group]
    simulated[:2] = np.nan
    parities = class_parity(chi_study.target, {"COSMO-RS": simulated, "UNIFAC": -y})
    assert json.loads(json.dumps(parities, allow_nan=False)) == parities
    side = parities[0]["simulators"]["COSMO-RS"]
    assert parities[0]["class"] == "cellulose" and side["rows"] == 10 and parities[0]["rows"] == 12
    assert side["spearman"] == pytest.approx(spearmanr(simulated[2:12], y[2:12])[0])
    assert parities[1]["simulators"]["UNIFAC"]["spearman"] == pytest.approx(-1)
    record = gain_by_accuracy(made_trials(chi_study), parities, "COSMO-RS", bootstrap=BOOTSTRAP)
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert [c["with_n"]["mean"] for c in record["classes"]] == pytest.approx([0, -0.2, -0.1, -0.3], abs=0.03)
    for c in record["classes"]:
        for gain in ("with_n", "with_direct"):
            assert c[gain]["low"] <= c[gain]["mean"] <= c[gain]["high"]
    correlation = record["correlations"]["with_n"]["skill"]
    assert correlation["spearman"] == pytest.approx(-1) and correlation["classes"] == 4
    # four classes have 24 orders, of which the best and its reverse are 1 in 12: no smaller p exists
    assert correlation["p"] == pytest.approx(2 / 24, abs=0.01)
    assert len(tables.class_gains(record)) == 4 and len(tables.correlations(record)) == 6


def test_a_correlation_of_unrelated_things_is_not_significant():
    rng = np.random.default_rng(9)
    small = 0
    for seed in range(100):
        gains, accuracy = rng.normal(size=(2, 8))
        small += correlation_over_classes(gains, np.tile(gains[:, None], 50), accuracy, Bootstrap(seed=seed))["p"] < 0.1
    assert 2 <= small <= 20
    assert correlation_over_classes(np.arange(3.0), np.ones((3, 5)), np.arange(3.0)) is None


def test_the_payload_names_the_data(chi_study):
    record = curve_grid(made_trials(chi_study), bootstrap=BOOTSTRAP)
    payload = figures.payload("fig4bc-chi", "A title", [record], edition="embedded", preset="smoke")
    assert payload["source"] == {"UNIFAC": 50} and payload["target"] == {"measured chi": 60}
    assert (payload["figure"], payload["edition"], payload["preset"]) == ("fig4bc-chi", "embedded", "smoke")
