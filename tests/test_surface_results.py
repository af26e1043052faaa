"""Records of surfaces, curves of equal error and classes against the trials they come from, and the plots against the records."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm

from sim2real import figures
from sim2real.figures.surfaces import stated
from sim2real.laws.bootstrap import Bootstrap, Change
from sim2real.laws.classes import classes
from sim2real.laws.estimates import Estimate
from sim2real.laws.findings import of_form
from sim2real.laws.grid import error_surface, indifference
from sim2real.laws.records import Facts
from sim2real.laws.surface import ScalingSurface
from sim2real.laws.verdicts import UNTOLD, WORTHWHILE, told, verdict
from sim2real.training.study import Design, Study, Trials

matplotlib.use("Agg")
N, M, TRIALS = (100, 400, 1600, 6400), (20, 40, 80, 160), 8
TRUTH = ScalingSurface(0.338, 0.0192, 0.265, 0.239, 0.0535)


BOOTSTRAP = Bootstrap(replicates=60)
EDITION = {"edition": "embedded", "preset": "smoke"}


def made_trials(study: Study, surface: ScalingSurface = TRUTH, noise: float = 0.05) -> Trials:
    """Trials about a surface on the 40 target materials: 20 "falling", 15 "flat" whose error has no n in it, 3 "few", 1 "one"."""
    rng = np.random.default_rng(0)
    groups = np.array(["falling"] * 21 + ["flat"] * 15 + ["few"] * 3 + ["one"])
    study = replace(study, target=replace(study.target, table=study.target.table.assign(group=groups)))
    hard, rows = rng.lognormal(0, 0.3, 40), []
    for trial in range(TRIALS):
        test = rng.permutation(40)[:16]
        for m in M:
            for n in N:
                error = hard[test] * surface(n, m) * rng.lognormal(0, noise, 16)
                error = np.where(groups[test] == "flat", hard[test] * surface(400, m) * rng.lognormal(0, noise, 16), error)
                rows.append(
                    pd.DataFrame({"arm": "transfer", "n": n, "m": m, "trial": trial, "material": test, "absolute_error": error})
                )
            direct = pd.DataFrame({"arm": "direct", "n": 0, "m": m, "trial": trial, "material": test})
            rows.append(direct.assign(absolute_error=hard[test] * m**-0.25))
    return Trials(study, Design(N, M, TRIALS), pd.concat(rows, ignore_index=True))


@pytest.fixture
def trials(study):
    return made_trials(study)


def test_the_record_holds_the_means_of_the_trials_and_their_fit(trials):
    surface = error_surface(trials, bootstrap=BOOTSTRAP)
    record = surface.to_dict()
    assert surface.rate == record["marginal_rate"]["edge"]
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    table = trials.table
    cell = table[(table["arm"] == "transfer") & (table["n"] == 1600) & (table["m"] == 40)]["absolute_error"]
    assert record["mae"][2][1] == pytest.approx(cell.mean())
    assert record["direct"]["mae"][3] == pytest.approx(
        table[(table["arm"] == "direct") & (table["m"] == 160)]["absolute_error"].mean()
    )
    for low, high in (("low", "high"), ("low_materials", "high_materials")):
        assert (np.array(record[low]) <= record["mae"]).all() and (record["mae"] <= np.array(record[high])).all()
    surface = stated(record["surface"])
    np.testing.assert_allclose(surface(np.array(N)[:, None], np.array(M)), record["mae"], rtol=0.05)
    rate = record["marginal_rate"]
    np.testing.assert_allclose(rate["rate"], surface.marginal_rate(np.array(N)[:, None], np.array(M)))
    assert rate["edge"]["rate"] == rate["rate"][-1][-1] and rate["edge"]["low"] < rate["edge"]["rate"]
    assert record["trials"] == TRIALS and record["source_draws"] == TRIALS
    assert {row["model"] for row in record["compared"]} == {
        "Eq. 1",
        "two exponents",
        "additive",
        "law per curve",
        "last value",
        "logarithms",
        "logarithms with interaction",
    }
    assert record["paper"]["marginal_rate"] == 221


def test_two_forms_that_miss_alike_are_neither_said_to_be_better(trials):
    facts, rate = Facts.of(trials), Estimate(7.0, 5.0, 9.0)
    said = {rms: str(of_form(facts, (0.1, 0.3), rate, rms, 0.1064)) for rms in (0.1063, 0.08, 0.12)}
    assert "neither predicts held-back cells better (relative rms 10.6 %)." in said[0.1063]
    assert "the latter predicts held-back cells better" in said[0.08] and "by it the rate is 7" in said[0.08]
    assert "Eq. 1 predicts held-back cells better (relative rms 10.6 % against 12.0 %)." in said[0.12]


def test_a_surface_needs_three_sizes_of_each(trials):
    small = replace(trials, design=Design(N, M[:2], TRIALS))
    with pytest.raises(ValueError, match="at least 3 n and 3 m, got 4 and 2"):
        error_surface(small, bootstrap=BOOTSTRAP)


def test_curves_of_equal_error_carry_their_rates_and_say_where_they_leave_the_data(trials):
    fitted = error_surface(trials, bootstrap=BOOTSTRAP)
    record = indifference(fitted).to_dict()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    surface = stated(record["surface"])
    for curve in record["curves"]:
        n, m = np.array(curve["at_n"]), np.array(curve["at_m"])
        np.testing.assert_allclose(surface(n, m), curve["error"])
        np.testing.assert_allclose(curve["rate"], surface.marginal_rate(n, m))
        inside = (n >= N[0] - 0.1) & (n <= N[-1] + 0.1) & (m >= M[0] - 0.1) & (m <= M[-1] + 0.1)
        assert (np.array(curve["extrapolated"]) == ~inside).mean() > 0.98
        assert curve["budget_ratio"] == pytest.approx(surface.marginal_rate(*curve["anchor"]))
    assert record["curves"][-1]["anchor"] == pytest.approx([N[-1], M[-1]])
    assert record["cost_ratio"] == pytest.approx(record["edge"]["rate"])
    best = indifference(fitted, 7.0).to_dict()["best_m"]
    np.testing.assert_allclose(surface.marginal_rate(np.array(record["plane_n"]), np.array(best)), 7.0)
    with pytest.raises(ValueError, match="cost_ratio is 0"):
        indifference(fitted, 0)


def test_figures_draw_the_records(trials, tmp_path):
    surface = error_surface(trials, bootstrap=BOOTSTRAP)
    record, curves = surface.to_dict(), indifference(surface).to_dict()
    payload = figures.payload("fig2-toy", "A toy", [record], **EDITION)
    saved = figures.save(figures.surface, payload, tmp_path)
    drawn = [line.get_ydata() for ax in saved.figure.axes for line in ax.get_lines()]
    for along in np.array(record["mae"]).T:
        assert any(len(y) == len(along) and np.allclose(y, along) for y in drawn)
    for words in ("100 to 6,400", "20 to 160", "8 trials", "edition embedded", "preset smoke"):
        assert words in saved.caption
    payload = figures.payload("indifference-toy", "A toy", [curves], **EDITION)
    panel = figures.save(figures.indifference, payload, tmp_path).figure
    lines = [line.get_ydata() for ax in panel.axes for line in ax.get_lines()]
    assert any(np.array_equal(y, curves["curves"][0]["at_m"]) for y in lines)


def test_a_surface_without_substitution_is_still_a_record_and_a_figure(study, tmp_path):
    flat = made_trials(study, ScalingSurface(0.0, 1.0, 0.0, 0.3, 0.0), noise=0.0)
    surface = error_surface(flat, bootstrap=BOOTSTRAP)
    record, curves = surface.to_dict(), indifference(surface).to_dict()
    assert record["marginal_rate"]["edge"]["rate"] is None and "A" in record["surface"]["bounds_hit"]
    assert curves["curves"][0]["budget_m"] is None
    assert record["by_curves"]["high"] is None and record["by_curves"]["identified"] in ("lower limit", "not identified")
    payload = figures.payload("fig2-flat", "A toy", [curves], **EDITION)
    assert "do not help" in figures.save(figures.indifference, payload, tmp_path).caption


def test_classes_get_the_verdict_of_their_interval(trials):
    records = {record["class"]: record for record in (c.to_dict() for c in classes(trials, bootstrap=BOOTSTRAP))}
    assert list(records) == ["falling", "flat", "few", "one"]
    assert json.loads(json.dumps(records, allow_nan=False)) == records
    assert [records[c]["materials"] for c in records] == [21, 15, 3, 1]
    assert records["falling"]["verdict"] == "scales" and records["falling"]["change"]["high"] < 0
    assert records["flat"]["verdict"] == "does not" and records["flat"]["change"]["low"] > -WORTHWHILE
    assert records["few"]["verdict"] == records["one"]["verdict"] == "cannot be told"
    assert "at least 5" in records["few"]["why"] or "no test prediction" in records["few"]["why"]
    assert records["one"]["curve"] is None and "at least 2" in records["one"]["why"]
    rows = trials.table[(trials.table["arm"] == "transfer") & (trials.table["m"] == 160) & (trials.table["material"] < 21)]
    np.testing.assert_allclose(records["falling"]["curve"]["mae"], rows.groupby("n")["absolute_error"].mean())
    with pytest.raises(ValueError, match="no class 'metals'; expected some of falling, few, flat, one"):
        classes(trials, names=["metals"])
    payload = figures.payload("classes-toy", "A toy", list(records.values()), **EDITION)
    figure = figures.classes(payload)
    texts = " ".join(text.get_text() for text in (*figure.axes[0].texts, figure.axes[0]._left_title))
    assert "scales" in texts and "21 tested" in texts and "160" in figures.classes.caption(payload)


@pytest.mark.parametrize("sets", [30, pytest.param(60, marks=pytest.mark.slow)])
def test_the_verdict_is_wrong_no_oftener_than_its_level_says(sets):
    said = {"scales": 0, "does not": 0, "cannot be told": 0}
    for seed in range(sets):
        rng = np.random.default_rng([1, seed])
        errors = rng.lognormal(0, 0.5, (1, 12, 1)) * rng.lognormal(0, 0.2, (1, 12, 2)) * rng.lognormal(0, 0.3, (20, 12, 2))
        errors[rng.random((20, 12)) > 0.3] = np.nan
        change = Bootstrap(replicates=100, seed=seed).materials(errors).change()
        said[verdict(change, trials=20, materials=12).verdict] += 1
    # one in twenty is wrong by chance
    assert said["scales"] <= min(binom.ppf(0.999, sets, 0.05), 7) and said["cannot be told"] > sets / 3, said


def test_a_change_equals_a_loop_over_resampled_trials_and_materials():
    rng = np.random.default_rng(0)
    errors = rng.lognormal(0, 0.5, (1, 12, 1)) * rng.lognormal(0, 0.3, (20, 12, 3))
    errors[rng.random((20, 12)) > 0.4] = np.nan
    change = Bootstrap(replicates=2000).materials(errors).change()
    slow = []
    for _ in range(2000):
        drawn = errors[rng.integers(20, size=20)][:, rng.integers(12, size=12)]
        slow.append(np.nanmean(drawn[:, :, 2]) / np.nanmean(drawn[:, :, 0]) - 1)
    low, high = np.quantile(slow, [0.05, 0.95])
    assert change.mean == pytest.approx(np.nanmean(errors[:, :, 2]) / np.nanmean(errors[:, :, 0]) - 1)
    assert abs(change.low - low) < 0.1 * (high - low) and abs(change.high - high) < 0.1 * (high - low)


@pytest.mark.parametrize(
    ("centre", "counts", "said", "why"),
    [
        (-0.5, {}, "scales", "by its 90 % interval"),
        (-0.5, {"questions": 10}, "scales", "by its 99 % interval, as one of 10"),
        (0.5, {}, "does not", "by its 90 % interval"),
        (-0.5, {"trials": 5}, UNTOLD, "5 trials; at least 6 are needed"),
        (-0.5, {"materials": 4}, UNTOLD, "4 materials tested; at least 5 are needed"),
        # a normal interval of 90 % ends 1.645 standard deviations from its centre, known to 1 / sqrt(2 x 1000) of that
        (-0.165, {}, UNTOLD, "too near to the line: more trials"),
        (-0.171, {}, UNTOLD, "too near to the line: more trials"),
        (-0.173, {}, "scales", "by its 90 % interval"),
        (-0.19, {}, "scales", "by its 90 % interval"),
        (-0.19, {"questions": 10}, UNTOLD, "holds both no fall and one worth naming"),
        (-0.19 + 0.19 + 0.2, {}, "does not", "by its 90 % interval"),
        (0.065, {}, UNTOLD, "too near to the line: more trials"),
        (-0.05, {}, UNTOLD, "holds both no fall and one worth naming"),
    ],
)
def test_a_verdict_needs_trials_materials_and_a_clear_interval(centre, counts, said, why):
    quantiles = np.linspace(0.0005, 0.9995, 1000)
    change = Change(np.expm1(centre), np.expm1(centre + 0.1 * norm.ppf(quantiles)), 0.9)
    found = verdict(change, **{"trials": 30, "materials": 20} | counts)
    assert found.verdict == said and why in found.why


def made_change(seed, fall, replicates=1000, bootstrap=0):
    """A change over 30 trials and 20 materials; the true ratio of the errors is 1 - fall."""
    rng = np.random.default_rng([7, seed])
    errors = rng.lognormal(0, 0.5, (1, 20, 1)) * rng.lognormal(0, 0.2, (1, 20, 2)) * rng.lognormal(0, 0.3, (30, 20, 2))
    errors[..., 1] *= 1 - fall
    errors[rng.random((30, 20)) > 0.3] = np.nan
    return Bootstrap(replicates=replicates, seed=bootstrap).materials(errors).change()


def test_one_change_of_eleven_that_is_clearly_below_0_is_told():
    quantiles = np.linspace(0.0005, 0.9995, 1000)
    change = Change(-0.19, np.expm1(np.log(0.81) + 0.0712 * norm.ppf(quantiles)), 0.9)
    assert (change.low, change.high) == pytest.approx((-0.28, -0.09), abs=0.003)
    assert verdict(change, trials=30, materials=20, questions=11).verdict == "scales"


def test_one_of_eleven_is_said_to_fall_no_oftener_than_its_corrected_level():
    """Of 300 made classes without a fall, at most as many as 1 in 220 each explains are said to scale."""
    sets, said = 300, []
    for seed in range(sets):
        said.append(verdict(made_change(seed, 0.0), trials=30, materials=20, questions=11).verdict)
    assert said.count("scales") <= binom.ppf(0.999, sets, 0.1 / 22), Counter(said)


def test_a_verdict_near_the_line_seldom_turns_with_the_seed_of_the_bootstrap():
    turned = 0
    for seed in range(200):
        fall = 0.5 * (seed + 0.5) / 200
        first, second = (
            verdict(made_change(seed, fall, bootstrap=k), trials=30, materials=20, questions=11).verdict for k in (1, 2)
        )
        assert {first, second} != {"scales", "does not"}
        turned += first != second
    assert turned <= 4


def test_a_paired_difference_is_told_beyond_two_standard_errors():
    assert told(-0.21, 0.1, 6) and told(0.21, 0.1, 6)
    assert not told(0.2, 0.1, 6) and not told(0.0, 0.0, 6) and not told(0.21, 0.1, 5), "of too few trials nothing is told"


def test_a_verdict_has_the_words_of_its_question():
    change = Change(0.3, np.linspace(0.2, 0.4, 100), 0.9)
    assert verdict(change, trials=8, materials=8, words=("reinforce", "substitute"), worth=0).verdict == "substitute"
    zero = Change(0.0, np.linspace(-0.2, 0.2, 100), 0.9)
    found = verdict(zero, trials=8, materials=8, words=("reinforce", "substitute"), worth=0)
    assert found == (UNTOLD, "by its 90 % interval, which holds 0")
