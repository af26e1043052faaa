"""The chi study's figures draw what their records say."""

from __future__ import annotations

import json

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from made import chi_trials as made_trials
from sim2real.figures import chi_class_plots, chi_plots
from sim2real.figures.save import save_figure
from sim2real.laws import chi_class_results, chi_results, chi_splits
from sim2real.laws import curve as results
from sim2real.training.recipes import PairNetwork

matplotlib.use("Agg")
PAYLOAD = {"title": "A title", "edition": "embedded", "preset": "smoke"}


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture
def trials(chi_study):
    return made_trials(chi_study)


def texts(ax):
    return " ".join(t.get_text() for t in ax.texts)


def overlapping(figure):
    """Pairs of words of one figure that lie on one another."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for ax in figure.axes for t in ax.texts if t.get_text()]
    return [(a, b) for k, (a, x) in enumerate(boxes) for b, y in boxes[k + 1 :] if x.overlaps(y)]


@pytest.mark.parametrize("distance", ["components", "norm"])
@pytest.mark.parametrize("temperature", ["tower", "head"])
def test_the_network_is_drawn_from_its_own_layers(distance, temperature):
    shape = PairNetwork(sizes=(96, 48, 32), head=(12,), distance=distance, temperature=temperature)
    ax = chi_plots.two_tower_architecture(shape.widths(2 * 325 + 2), distance=distance, temperature=temperature)
    words = texts(ax)
    assert "descriptor 325" in words and "polymer" in words and "solvent" in words and "measured" in words
    for width in ("96", "48", "32", "12"):
        assert width in words.split()
    assert ("squared" in words, "distance" in words) == (distance == "components", distance == "norm")
    assert words.count("$T$") == (2 if temperature == "tower" else 1)
    assert ("328" if temperature == "tower" else "326") in words.split()
    assert not overlapping(ax.figure)


@pytest.mark.parametrize("along", ["n", "m"])
def test_each_curve_has_its_points_and_its_own_law(trials, along):
    record = chi_results.chi_surface_record(trials)
    ax = chi_plots.error_against(record, along)
    mae = np.array(record["mae"]).T if along == "n" else np.array(record["mae"])
    points = [line for line in ax.get_lines() if line.get_marker() == "o"]
    drawn = [line for line in ax.get_lines() if line.get_linestyle() == "-" and line.get_marker() == "None"]
    assert len(points) == len(drawn) == len(mae)
    for line, fitted, law, curve in zip(points, drawn, record[f"laws_{along}"], mae):
        np.testing.assert_array_equal(line.get_ydata(), curve)
        x = fitted.get_xdata()
        np.testing.assert_allclose(fitted.get_ydata(), law["D"] * x ** -law["alpha"] + law["C"])
    assert ("direct learning" in [line.get_label() for line in ax.get_lines()]) == (along == "m")
    assert ("pairs" if along == "n" else "rows") in ax.get_xlabel()


def test_figure_4bc_says_the_rate_and_the_verdict(trials, tmp_path):
    record = chi_results.chi_surface_record(trials)
    payload = chi_results.chi_payload("fig4bc-chi", "A title", [record], edition="embedded", preset="smoke")
    figure = chi_plots.chi_curves_figure(record, payload)
    title = " ".join(figure.get_suptitle().split())
    assert chi_results.rate_words(record["rate_materials"]) in title and "109" in title
    assert record["verdict"]["verdict"] in figure.axes[2].get_title()
    assert json.loads(save_figure(figure, payload, tmp_path)[2].read_text())["records"][0]["mae"] == record["mae"]


def test_figure_4a_has_a_panel_a_simulator_over_pairs(trials):
    record = results.scaling_record(trials)
    figure = chi_plots.chi_scaling_figure([record, record], PAYLOAD)
    assert [ax.get_xlabel() for ax in figure.axes] == [chi_plots.PAIRS_LABEL] * 2
    assert figure.axes[0].get_title().startswith("UNIFAC")


def test_splits_are_drawn_with_their_differences(trials):
    records = chi_splits.split_records({"row": trials, "polymer": trials})
    figure = chi_plots.split_figure(records, PAYLOAD)
    left, right = figure.axes
    by_label = {line.get_label(): line for line in left.get_lines()}
    assert by_label["direct learning"].get_xdata()[0] == records[0]["direct"]["mae"]
    assert by_label["transfer, $n$ = 6,400"].get_xdata()[1] == records[1]["transfer"][1]["mae"]
    means = [c.lines[0].get_xdata()[0] for c in right.containers]
    assert means == [d["mean"] for d in records[0]["differences"]]
    assert "pair" in left.get_yticklabels()[0].get_text()


def test_class_panels_carry_m_and_verdict(trials):
    records = chi_class_results.chi_class_records(trials)
    figure = chi_class_plots.chi_class_figure(records, PAYLOAD, trials=8)
    for ax, record in zip(figure.axes, records):
        assert f"$m$ = {record['rows']}" in texts(ax) and ax.get_title() == record["name"]
    empty = records[0] | {"curve": None, "why": "1 material(s) tested in 1 trial(s)", "verdict": "cannot be told"}
    assert "tested in" in texts(chi_class_plots.chi_class_panel(empty)).replace("\n", " ")


def test_parity_and_gain_are_drawn_class_by_class(trials):
    target = trials.study.target
    rng = np.random.default_rng(0)
    simulated = {"COSMO-RS": target.y + 0.3 * rng.normal(size=60), "UNIFAC": np.full(60, np.nan)}
    parities = chi_class_results.class_parity_records(target, simulated)
    figure = chi_class_plots.class_parity_figure(parities, PAYLOAD)
    for ax, record in zip(figure.axes, parities):
        offsets = ax.collections[0].get_offsets()
        np.testing.assert_allclose(offsets[:, 0], record["simulators"]["COSMO-RS"]["simulated"])
        np.testing.assert_allclose(offsets[:, 1], record["simulators"]["COSMO-RS"]["measured"])
        assert "too few (0)" in texts(ax)
    record = chi_class_results.gain_record(trials, parities, "COSMO-RS")
    figure = chi_class_plots.gain_figure(record, PAYLOAD)
    shown = {t.get_text() for t in figure.legends[0].get_texts()}
    assert shown == {f"{c['name']} ({c['rows']})" for c in record["classes"]}
    heights = [container.lines[0].get_ydata()[0] for container in figure.axes[0].containers]
    assert heights == [c["with_direct"]["mean"] for c in record["classes"]]
    assert "4 classes" in figure.axes[0].get_title()
    none = chi_class_results.gain_record(trials, parities, "UNIFAC")
    assert not none["classes"] and "Celluloses" in chi_class_plots.gain_figure(none, PAYLOAD).get_suptitle()
