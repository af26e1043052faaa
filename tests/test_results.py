"""Figures against the trials they are drawn from."""

from __future__ import annotations

import json

import matplotlib
import numpy as np
import pytest

from sim2real import figures, tables
from sim2real.figures.words import MATERIALS
from sim2real.laws.bootstrap import Bootstrap
from sim2real.laws.curve import learning_curve, target_sizes
from sim2real.laws.parity import simulator_parity
from sim2real.training.experiment import run_trials
from sim2real.training.study import Design

matplotlib.use("Agg")


BOOTSTRAP = Bootstrap(replicates=60)
EDITION = {"edition": "embedded", "preset": "smoke"}


@pytest.fixture
def trials(toy_trials):
    return toy_trials


def test_a_record_holds_the_means_of_the_trials(trials):
    record = learning_curve(trials, bootstrap=BOOTSTRAP).to_dict()
    table = trials.table[(trials.table["m"] == 32)]
    for n, mae in zip(record["curve"]["n"], record["curve"]["mae"]):
        assert mae == pytest.approx(table[(table["arm"] == "transfer") & (table["n"] == n)]["absolute_error"].mean())
    assert record["arms"]["direct"]["mae"] == pytest.approx(table[table["arm"] == "direct"]["absolute_error"].mean())
    by_trial = table.groupby(["arm", "n", "trial"])["absolute_error"].mean()
    difference = by_trial["transfer", 300] - by_trial["direct", 0]
    stated = record["arms"]["direct"]["transfer_minus_this"]
    assert stated["mean"] == pytest.approx(difference.mean())
    assert stated["standard_error"] == pytest.approx(difference.std(ddof=1) / 2)
    assert learning_curve(trials, m=16, bootstrap=BOOTSTRAP).to_dict()["curve"]["m"] == 16


def test_the_plot_draws_the_record(trials):
    record = learning_curve(trials, bootstrap=BOOTSTRAP).to_dict()
    figure = figures.scaling(figures.payload("fig1b-toy", "A toy", [record], **EDITION))
    ax = figure.axes[0]
    lines = {line.get_label(): line for line in ax.get_lines()}
    np.testing.assert_array_equal(lines["transfer"].get_xdata(), record["curve"]["n"])
    np.testing.assert_array_equal(lines["transfer"].get_ydata(), record["curve"]["mae"])
    assert set(lines["direct learning"].get_ydata()) == {record["arms"]["direct"]["mae"]}
    law = record["law"]
    drawn = lines["fitted law"]
    np.testing.assert_allclose(drawn.get_ydata(), law["D"] * drawn.get_xdata() ** -law["alpha"] + law["C"])
    assert ax.get_xlabel() and "MAE" in ax.get_ylabel()
    assert any("$m$ = 32" in text.get_text() for text in (*ax.texts, *figure.texts, ax.title, ax._left_title))


def test_a_saved_figure_is_four_files_and_the_json_is_the_payload(trials, tmp_path):
    record = learning_curve(trials, bootstrap=BOOTSTRAP).to_dict()
    payload = figures.payload("fig1b-toy", "A toy", [record], **EDITION)
    saved = figures.save(figures.scaling, payload, tmp_path / "new")
    assert [p.name for p in saved.paths] == ["fig1b-toy.png", "fig1b-toy.pdf", "fig1b-toy.json", "fig1b-toy.md"]
    assert not list(tmp_path.rglob("*.part"))
    stored = json.loads(saved.paths[2].read_text())
    assert stored == json.loads(json.dumps(payload)) | {"caption": saved.caption}
    assert stored["records"][0]["curve"]["mae"] == record["curve"]["mae"]
    assert {"figure", "edition", "preset", "source", "target", "records", "paper"} <= set(stored)
    assert {"arms", "law", "trials", "source_draws", "overlap"} <= set(stored["records"][0])
    with pytest.raises(ValueError, match="JSON"):
        figures.save(figures.scaling, payload | {"direct": float("nan")}, tmp_path)


def test_a_curve_reports_every_learner_and_a_subset_of_rows_has_its_own(trials):
    curve = learning_curve(trials, bootstrap=BOOTSTRAP)
    report = curve.report()
    assert report.loc[("transfer", 300), "mae"] == pytest.approx(trials.errors("transfer")[:, -1].mean())
    assert report.loc[("ridge", 0), "mae"] == pytest.approx(trials.errors("ridge").mean())
    assert curve.law.resampled == "trials" and curve.curve.law_materials.resampled == "trials and materials"
    rows = np.arange(25)
    table = trials.table[(trials.table["arm"] == "direct") & (trials.table["m"] == 32) & trials.table["material"].isin(rows)]
    of_rows = learning_curve(trials, rows=rows, bootstrap=BOOTSTRAP).arms["direct"].band.mae
    assert of_rows == pytest.approx(table.groupby("trial")["absolute_error"].mean().mean())


def test_errors_against_m_are_those_of_the_trials(trials):
    record = target_sizes(trials, bootstrap=BOOTSTRAP).to_dict()
    assert record["m"] == [16, 32] and record["n"] == 300
    table = trials.table[(trials.table["m"] == 16) & (trials.table["arm"] == "direct")]
    assert record["direct"]["mae"][0] == pytest.approx(table["absolute_error"].mean())
    difference = trials.errors("transfer", 16)[:, -1] - trials.errors("direct", 16)
    assert record["transfer_minus_direct"][0]["mean"] == pytest.approx(difference.mean())
    ax = figures.target_sizes(figures.payload("gain-toy", "A toy", [record], **EDITION)).axes[0]
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), record["transfer"]["mae"])


def test_parity_is_of_the_simulator_against_the_measurements(study):
    record = simulator_parity(study)
    assert record["bias"] == pytest.approx(np.mean(study.simulated_target - study.target.y))
    assert record["pearson"] == pytest.approx(np.corrcoef(study.simulated_target, study.target.y)[0, 1])
    figures.parity(figures.payload("validation-toy", "A toy", [record], **EDITION))


def test_the_network_is_drawn_with_its_own_widths():
    record = {"widths": [209, 128, 64, 16, 1]}
    ax = figures.network(figures.payload("fig1a-toy", "A toy", record, **EDITION)).axes[0]
    assert [t.get_text().split("\n")[1] for t in ax.texts if "\n" in t.get_text()] == ["209", "128", "64", "16", "1"]


def test_both_choices_of_overlap_and_what_each_part_of_the_database_buys(study, tmp_path):
    arms = ("transfer", "direct")
    kept = run_trials(study, Design((50, 120, 300), (32,), trials=4), arms=arms, store=tmp_path)
    dropped = run_trials(study, Design((50, 270), (32,), trials=4, overlap="drop"), arms=("transfer",), store=tmp_path)
    curve = learning_curve(kept, other=dropped, bootstrap=BOOTSTRAP)
    record = curve.to_dict()
    other = record["other_overlap"]
    assert (
        other["overlap"] == "drop"
        and other["n"] == [50, 270]
        and record["overlapping_materials"] == 30
        and record["overlap"] == "keep"
    )
    np.testing.assert_allclose(other["mae"], dropped.errors("transfer", 32).mean(0))
    own = kept.errors("transfer", 32)[:, -1] - dropped.errors("transfer", 32)[:, -1]
    rest = dropped.errors("transfer", 32)[:, -1] - kept.errors("direct", 32)
    assert other["gains"]["own"]["mean"] == pytest.approx(own.mean())
    assert other["gains"]["rest"]["mean"] == pytest.approx(rest.mean())
    whole = record["arms"]["direct"]["transfer_minus_this"]["mean"]
    assert own.mean() + rest.mean() == pytest.approx(whole)
    # asked the other way round, the parts are the same
    whole_drop = run_trials(study, Design((50, 120, 270), (32,), trials=4, overlap="drop"), arms=arms, store=tmp_path)
    swapped = learning_curve(whole_drop, other=kept, bootstrap=BOOTSTRAP).to_dict()
    assert swapped["overlap"] == "drop" and swapped["other_overlap"]["overlap"] == "keep"
    assert swapped["other_overlap"]["gains"]["own"]["mean"] == pytest.approx(own.mean())
    payload = figures.payload("fig1b-toy", "A toy", [record], **EDITION)
    ax = figures.scaling(payload).axes[0]
    assert MATERIALS.drop in [line.get_label() for line in ax.get_lines()]
    assert "candidates' own simulations" in figures.scaling.caption(payload)
    assert [c for c in tables.scaling([curve]).columns if c.startswith("of it")] == [
        "of it, the candidates' own simulations",
        "of it, the rest of the database",
    ]
