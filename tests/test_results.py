"""Figures against the trials they are drawn from."""

from __future__ import annotations

import json

import matplotlib
import numpy as np
import pytest

from sim2real.figures import plots
from sim2real.figures.save import save_figure
from sim2real.laws import curve as results
from sim2real.training.experiment import run_trials
from sim2real.training.study import Design

matplotlib.use("Agg")


@pytest.fixture
def trials(study, tmp_path):
    return run_trials(
        study, Design((50, 120, 300), (16, 32), trials=4), arms=("transfer", "direct", "ridge", "simulator"), store=tmp_path
    )


def test_a_record_holds_the_means_of_the_trials(trials):
    record = results.scaling_record(trials)
    table = trials.table[(trials.table["m"] == 32)]
    for n, mae in zip(record["curve"]["n"], record["curve"]["mae"]):
        assert mae == pytest.approx(table[(table["arm"] == "transfer") & (table["n"] == n)]["absolute_error"].mean())
    assert record["arms"]["direct"]["mae"] == pytest.approx(table[table["arm"] == "direct"]["absolute_error"].mean())
    by_trial = table.groupby(["arm", "n", "trial"])["absolute_error"].mean()
    difference = by_trial["transfer", 300] - by_trial["direct", 0]
    stated = record["arms"]["direct"]["transfer_minus_this"]
    assert stated["mean"] == pytest.approx(difference.mean())
    assert stated["standard_error"] == pytest.approx(difference.std(ddof=1) / 2)
    assert results.scaling_record(trials, m=16)["curve"]["m"] == 16


def test_the_plot_draws_the_record(trials):
    record = results.scaling_record(trials)
    ax = plots.scaling_panel(record)
    lines = {line.get_label(): line for line in ax.get_lines()}
    np.testing.assert_array_equal(lines["transfer"].get_xdata(), record["curve"]["n"])
    np.testing.assert_array_equal(lines["transfer"].get_ydata(), record["curve"]["mae"])
    assert set(lines["direct learning"].get_ydata()) == {record["arms"]["direct"]["mae"]}
    law = record["law"]
    drawn = lines["fitted law"]
    np.testing.assert_allclose(drawn.get_ydata(), law["D"] * drawn.get_xdata() ** -law["alpha"] + law["C"])
    assert ax.get_xlabel() and "MAE" in ax.get_ylabel() and "$m$ = 32" in ax.get_title()


def test_a_saved_figure_is_three_files_and_the_json_is_the_payload(trials, tmp_path):
    record = results.scaling_record(trials)
    payload = results.scaling_payload("fig1b-toy", "A toy", [record], [trials], edition="embedded", preset="smoke")
    paths = save_figure(plots.scaling_figure([record], payload), payload, tmp_path / "new")
    assert [p.name for p in paths] == ["fig1b-toy.png", "fig1b-toy.pdf", "fig1b-toy.json"]
    assert not list(tmp_path.rglob("*.part"))
    stored = json.loads(paths[2].read_text())
    assert stored == json.loads(json.dumps(payload))
    assert stored["curves"][0]["mae"] == record["curve"]["mae"]
    assert {"figure", "edition", "preset", "design", "source", "target", "curves", "direct", "laws", "paper"} <= set(stored)
    with pytest.raises(ValueError, match="JSON"):
        save_figure(plots.scaling_figure([record], payload), payload | {"direct": float("nan")}, tmp_path)


def test_errors_against_m_are_those_of_the_trials(trials):
    record = results.target_size_record(trials)
    assert record["m"] == [16, 32] and record["n"] == 300
    table = trials.table[(trials.table["m"] == 16) & (trials.table["arm"] == "direct")]
    assert record["direct"]["mae"][0] == pytest.approx(table["absolute_error"].mean())
    difference = trials.errors("transfer", 16)[:, -1] - trials.errors("direct", 16)
    assert record["transfer_minus_direct"][0]["mean"] == pytest.approx(difference.mean())
    ax = plots.target_size_panel(record)
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), record["transfer"]["mae"])


def test_parity_is_of_the_simulator_against_the_measurements(study):
    record = results.simulator_parity(study)
    assert record["bias"] == pytest.approx(np.mean(study.simulated_target - study.target.y))
    assert record["pearson"] == pytest.approx(np.corrcoef(study.simulated_target, study.target.y)[0, 1])
    plots.parity_panel(record)


def test_the_network_is_drawn_with_its_own_widths():
    ax = plots.architecture((209, 128, 64, 16, 1))
    assert [t.get_text().split("\n")[1] for t in ax.texts] == ["209", "128", "64", "16", "1"]


def test_both_choices_of_overlap_and_what_each_part_of_the_database_buys(study, tmp_path):
    arms = ("transfer", "direct")
    kept = run_trials(study, Design((50, 120, 300), (32,), trials=4), arms=arms, store=tmp_path)
    dropped = run_trials(study, Design((50, 270), (32,), trials=4, overlap="drop"), arms=("transfer",), store=tmp_path)
    record = results.scaling_record(kept, other=dropped)
    other = record["other_overlap"]
    assert other["overlap"] == "drop" and other["n"] == [50, 270] and record["overlap"] == 30
    np.testing.assert_allclose(other["mae"], dropped.errors("transfer", 32).mean(0))
    own = kept.errors("transfer", 32)[:, -1] - dropped.errors("transfer", 32)[:, -1]
    rest = dropped.errors("transfer", 32)[:, -1] - kept.errors("direct", 32)
    assert other["gains"]["own"]["mean"] == pytest.approx(own.mean())
    assert other["gains"]["rest"]["mean"] == pytest.approx(rest.mean())
    whole = record["arms"]["direct"]["transfer_minus_this"]["mean"]
    assert own.mean() + rest.mean() == pytest.approx(whole)
    # asked the other way round, the parts are the same
    swapped = results.scaling_record(
        run_trials(study, Design((50, 120, 270), (32,), trials=4, overlap="drop"), arms=arms, store=tmp_path), other=kept
    )
    assert swapped["other_overlap"]["gains"]["own"]["mean"] == pytest.approx(own.mean())
    ax = plots.scaling_panel(record)
    assert plots.MATERIALS.drop in [line.get_label() for line in ax.get_lines()]
    assert "candidates' own simulations" in ax.texts[-1].get_text()
    assert list(results.summary_table([record]).filter(like="of it").columns) == [
        "of it, the candidates' own simulations",
        "of it, the rest of the database",
    ]
