"""Figure 6: what is drawn is what the records say."""

from __future__ import annotations

from dataclasses import replace

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from sim2real.figures.transport_gain_plots import compounds_figure, gain_figure, ranked_panel
from sim2real.figures.transport_plots import group_figure, group_panel, parity_figure, scaling_figure
from sim2real.figures.transport_tables import beside_paper
from sim2real.laws.transport_results import group_records, parity_record, transport_payload
from sim2real.studies.transport_gains import GAINS, gain_record

from made import TRANSPORT_N as N_GRID  # noqa: E402
from made import transport_study as make_study  # noqa: E402
from made import transport_trials as make_trials  # noqa: E402
from sim2real.chemistry.simulators.wiedemann_franz import LORENZ_NUMBER, NON_WF, ROOM_TEMPERATURE, WF
from sim2real.figures.hover import parity_hover
from sim2real.figures.save import save_figure
from sim2real.laws import curve as results


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def trials():
    return make_trials(make_study(), 40, fall=np.linspace(0.8, 0, 60), advantage=0.1)


def payload(trials, figure, panels):
    return transport_payload(figure, "made by the tests", panels, trials, edition="embedded", preset="smoke")


def test_parity_draws_every_group_and_the_law_in_both_twins(trials):
    study = trials.study
    metals = study.target.select(np.array([2, 3]))
    record = parity_record(study, metals)
    figure = parity_figure(record, payload(trials, "fig6b", record))
    ax = figure.axes[0]
    shade, near, far, third = ax.collections
    assert shade.get_array().sum() == record["both"]
    table = study.target.table
    for drawn, name in ((near, WF), (far, NON_WF)):
        rows = table[table["wf"] == name]
        assert np.log10(np.asarray(drawn.get_offsets())) == pytest.approx(rows[["value", "log_kappa"]].to_numpy())
    assert len(third.get_offsets()) == 2
    (line,) = ax.get_lines()
    assert line.get_ydata() / line.get_xdata() == pytest.approx(LORENZ_NUMBER * ROOM_TEMPERATURE)
    hover = parity_hover(record)
    assert [len(trace.x) for trace in hover.data] == [20, 10, 10, 2, 2]
    assert sum(name.split(" ")[0] in (WF, NON_WF) for name in (t.name for t in hover.data)) == 2
    name, family, group, ratio = hover.data[1].customdata[0]
    row = table.set_index("structure").loc[name]
    assert (row["group"], row["wf"]) == (family, group) == (family, WF)
    assert np.log10(ratio) == pytest.approx(row["lorenz"])


def test_groups_are_drawn_from_their_records(trials):
    records = group_records(trials, replace(trials, design=replace(trials.design, overlap="drop")))
    figure = group_figure(records, payload(trials, "fig6d", records))
    for ax, record in zip(figure.axes, records):
        lines = {line.get_label(): line for line in ax.get_lines()}
        assert lines[f"transfer, {record['class']}"].get_ydata() == pytest.approx(record["curve"]["mae"])
        assert lines["direct learning"].get_ydata()[0] == record["direct"]["mae"]
        assert f"{record['change']['mean']:+.0%}" in ax.texts[0].get_text()
    untold = records[0] | {"curve": None, "why": "too few", "verdict": "cannot be told"}
    assert not group_panel(untold).axison


def test_the_scaling_panel_has_the_law_as_a_baseline(trials):
    record = results.scaling_record(trials, other=replace(trials, design=replace(trials.design, overlap="drop")))
    shown = results.scaling_payload("fig6c", "made by the tests", [record], [trials], edition="embedded", preset="smoke")
    ax = scaling_figure([record], shown).axes[0]
    lines = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    assert lines["extra trees"][0] == record["arms"]["trees"]["mae"]
    # 1.5 stands far above the curves: it is named, not drawn
    words = "".join(text.get_text() for text in ax.texts)
    assert f"Wiedemann-Franz law (elsewhere a mean): {record['arms']['law']['mae']:.3g}" in words
    assert "candidates' own simulations" not in words and r"the tested compounds' own $\kappa$" in words
    assert "thermal" in ax.get_xlabel()
    assert "computed" in scaling_figure([record], shown, computed=True).axes[0].get_xlabel()
    table = beside_paper(record, parity_record(trials.study))
    assert table.loc["largest n"].tolist() == [N_GRID[-1], 5910]
    assert table.loc["law", "paper"] == "1.44 n^-0.0836 + 8.05e-07"


@pytest.mark.parametrize("count", [40, 3])
def test_every_compound_has_a_line_and_a_rank(trials, count, tmp_path):
    some = make_trials(make_study(), count, fall=np.linspace(0.8, 0, 60))
    record = gain_record(some)
    shown = payload(some, "fig6e-conductivity", record)
    figure = compounds_figure(record, shown)
    segments = [segment for drawn in figure.axes[0].collections for segment in drawn.get_segments()]
    assert len(segments) == len(record["names"])
    assert sorted(s[-1, 1] for s in segments) == pytest.approx(sorted(c[-1] for c in record["curves"]))
    assert all(path.stat().st_size > 1000 for path in save_figure(figure, shown, tmp_path))
    gain_figure(record, shown)
    for name in GAINS:
        ax = ranked_panel(record, name)
        points = [line for line in ax.get_lines() if line.get_marker() == "."]
        gains = record["gains"][name]
        assert sorted(np.concatenate([line.get_ydata() for line in points])) == pytest.approx(sorted(gains["mean"]))
        tested = sum(p is not None for p in gains["p_bh"])
        assert sum(len(bars.get_segments()) for bars in ax.collections) == tested
        assert (tested == 0) == (count == 3)
        by_rank = dict(np.concatenate([line.get_xydata() for line in points]))
        assert sorted(by_rank.values(), reverse=True) == [by_rank[k] for k in sorted(by_rank)]
