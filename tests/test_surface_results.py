"""Records of surfaces, curves of equal error and classes against the trials they come from, and the plots against the records."""

from __future__ import annotations

import json
from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pytest

from sim2real.figures import class_plots, surface_plots
from sim2real.figures.save import save_figure
from sim2real.laws import classes as class_results
from sim2real.laws import grid as surface_results
from sim2real.laws.surface import ScalingSurface
from sim2real.training.study import Design, Study, Trials

matplotlib.use("Agg")
N, M, TRIALS = (100, 400, 1600, 6400), (20, 40, 80, 160), 8
TRUTH = ScalingSurface(0.338, 0.0192, 0.265, 0.239, 0.0535)


@pytest.fixture(autouse=True)
def few_replicates(monkeypatch):
    for module in (surface_results, class_results):
        monkeypatch.setattr(module, "REPLICATES", 60)


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
    record = surface_results.surface_record(trials)
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    table = trials.table
    cell = table[(table["arm"] == "transfer") & (table["n"] == 1600) & (table["m"] == 40)]["absolute_error"]
    assert record["mae"][2][1] == pytest.approx(cell.mean())
    assert record["direct"]["mae"][3] == pytest.approx(
        table[(table["arm"] == "direct") & (table["m"] == 160)]["absolute_error"].mean()
    )
    for low, high in (("low", "high"), ("low_materials", "high_materials")):
        assert (np.array(record[low]) <= record["mae"]).all() and (record["mae"] <= np.array(record[high])).all()
    surface = surface_results.stated_surface(record["surface"])
    np.testing.assert_allclose(surface(np.array(N)[:, None], np.array(M)), record["mae"], rtol=0.05)
    rate = record["marginal_rate"]
    np.testing.assert_allclose(rate["rate"], surface.marginal_rate(np.array(N)[:, None], np.array(M)))
    assert rate["edge"]["rate"] == rate["rate"][-1][-1] and rate["edge"]["low"] < rate["edge"]["rate"]
    assert record["trials"] == TRIALS and record["source_draws"] == TRIALS
    assert {row["model"] for row in record["compared"]} == {"Eq. 1", "additive", "law per curve", "last value"}
    assert record["paper"]["marginal_rate"] == 221


def test_a_surface_needs_three_sizes_of_each(trials):
    small = replace(trials, design=Design(N, M[:2], TRIALS))
    with pytest.raises(ValueError, match="at least 3 n and 3 m, got 4 and 2"):
        surface_results.surface_record(small)


def test_curves_of_equal_error_carry_their_rates_and_say_where_they_leave_the_data(trials):
    fits = surface_results.fit_trials(trials)
    record = surface_results.indifference_record(trials, fits)
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    surface = surface_results.stated_surface(record["surface"])
    for curve in record["curves"]:
        n, m = np.array(curve["at_n"]), np.array(curve["at_m"])
        np.testing.assert_allclose(surface(n, m), curve["error"])
        np.testing.assert_allclose(curve["rate"], surface.marginal_rate(n, m))
        inside = (n >= N[0] - 0.1) & (n <= N[-1] + 0.1) & (m >= M[0] - 0.1) & (m <= M[-1] + 0.1)
        assert (np.array(curve["extrapolated"]) == ~inside).mean() > 0.98
        assert curve["budget_ratio"] == pytest.approx(surface.marginal_rate(*curve["anchor"]))
    assert record["curves"][-1]["anchor"] == pytest.approx([N[-1], M[-1]])
    assert record["cost_ratio"] == pytest.approx(record["edge"]["rate"])
    best = surface_results.indifference_record(trials, fits, cost_ratio=7.0)["best_m"]
    np.testing.assert_allclose(surface.marginal_rate(np.array(record["plane_n"]), np.array(best)), 7.0)
    with pytest.raises(ValueError, match="cost_ratio is 0"):
        surface_results.indifference_record(trials, fits, cost_ratio=0)


def test_figures_draw_the_records(trials, tmp_path):
    fits = surface_results.fit_trials(trials)
    record, curves = surface_results.surface_record(trials, fits), surface_results.indifference_record(trials, fits)
    payload = surface_results.surface_payload("fig2-toy", "A toy", [record, curves], edition="embedded", preset="smoke")
    figure = surface_plots.surface_figure(record, payload)
    points = [line for line in figure.axes[0].get_lines() if line.get_marker() == "o"]
    np.testing.assert_array_equal([line.get_ydata() for line in points], np.array(record["mae"]).T)
    title = figure.get_suptitle()
    for words in ("n = 100 to 6,400", "m = 20 to 160", "8 trials", "edition embedded", "preset smoke"):
        assert words in title.replace("\n", " ")
    save_figure(figure, payload, tmp_path)
    panel = surface_plots.indifference_panel(curves)
    assert any(np.array_equal(line.get_ydata(), curves["curves"][0]["at_m"]) for line in panel.get_lines())
    save_figure(surface_plots.indifference_figure(curves, payload), payload | {"figure": "fig2c-toy"}, tmp_path)


def test_a_surface_without_substitution_is_still_a_record_and_a_figure(study, tmp_path):
    flat = made_trials(study, ScalingSurface(0.0, 1.0, 0.0, 0.3, 0.0), noise=0.0)
    fits = surface_results.fit_trials(flat)
    record, curves = surface_results.surface_record(flat, fits), surface_results.indifference_record(flat, fits)
    assert record["marginal_rate"]["edge"]["rate"] is None and "A" in record["surface"]["bounds_hit"]
    assert curves["curves"][0]["budget_m"] is None
    payload = surface_results.surface_payload("fig2-flat", "A toy", [record, curves], edition="embedded", preset="smoke")
    save_figure(surface_plots.indifference_figure(curves, payload), payload, tmp_path)
    assert "do not help" in surface_plots.rate_text(curves["edge"])


def test_classes_get_the_verdict_of_their_interval(trials):
    records = {record["class"]: record for record in class_results.class_records(trials)}
    assert list(records) == ["falling", "flat", "few", "one"]
    assert json.loads(json.dumps(records, allow_nan=False)) == records
    assert [records[c]["materials"] for c in records] == [21, 15, 3, 1]
    assert records["falling"]["verdict"] == "scales" and records["falling"]["change"]["high"] < 0
    assert records["flat"]["verdict"] == "does not" and records["flat"]["change"]["low"] > -class_results.WORTHWHILE
    assert records["few"]["verdict"] == records["one"]["verdict"] == "cannot be told"
    assert "at least 5" in records["few"]["why"] or "no test prediction" in records["few"]["why"]
    assert records["one"]["curve"] is None and "at least 2" in records["one"]["why"]
    rows = trials.table[(trials.table["arm"] == "transfer") & (trials.table["m"] == 160) & (trials.table["material"] < 21)]
    np.testing.assert_allclose(records["falling"]["curve"]["mae"], rows.groupby("n")["absolute_error"].mean())
    with pytest.raises(ValueError, match="no class 'metals'; expected some of falling, few, flat, one"):
        class_results.class_records(trials, ["metals"])
    figure = class_plots.class_figure(
        list(records.values()), {"title": "A toy", "edition": "embedded", "preset": "smoke"}, trials=TRIALS
    )
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts[1] == "scales" and "$m$ = 160, 21 materials" in texts[0]


def test_the_verdict_is_wrong_no_oftener_than_its_level_says():
    said = {"scales": 0, "does not": 0, "cannot be told": 0}
    for seed in range(60):
        rng = np.random.default_rng([1, seed])
        errors = rng.lognormal(0, 0.5, (1, 12, 1)) * rng.lognormal(0, 0.2, (1, 12, 2)) * rng.lognormal(0, 0.3, (20, 12, 2))
        errors[rng.random((20, 12)) > 0.3] = np.nan
        said[class_results.change_with_n(errors, replicates=100, seed=seed)["verdict"]] += 1
    assert said["scales"] <= 7 and said["cannot be told"] > 20, said


def test_a_change_equals_a_loop_over_resampled_trials_and_materials():
    rng = np.random.default_rng(0)
    errors = rng.lognormal(0, 0.5, (1, 12, 1)) * rng.lognormal(0, 0.3, (20, 12, 3))
    errors[rng.random((20, 12)) > 0.4] = np.nan
    change = class_results.change_with_n(errors, replicates=2000)
    slow = []
    for _ in range(2000):
        drawn = errors[rng.integers(20, size=20)][:, rng.integers(12, size=12)]
        slow.append(np.nanmean(drawn[:, :, 2]) / np.nanmean(drawn[:, :, 0]) - 1)
    low, high = np.quantile(slow, [0.05, 0.95])
    assert change["mean"] == pytest.approx(np.nanmean(errors[:, :, 2]) / np.nanmean(errors[:, :, 0]) - 1)
    assert abs(change["low"] - low) < 0.1 * (high - low) and abs(change["high"] - high) < 0.1 * (high - low)
