"""Figure 6e and the ranking of its compounds, drawn from the record of :mod:`sim2real.studies.transport_gains` and nothing else."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sim2real.chemistry.simulators.wiedemann_franz import WF
from sim2real.figures.plots import DIRECT, LAW, panel_grid
from sim2real.figures.transport_plots import GROUP_COLOURS, REST, SOURCE_AXIS, figure_title
from sim2real.laws.significance import ALPHA
from sim2real.studies.transport_gains import FALSE_DISCOVERIES, FEWEST_DRAWS

UNTESTED = f"tested in fewer than {FEWEST_DRAWS} draws"
VERDICT_COLOURS = {"gains": "#2e8b57", "loses": "#c0392b", "cannot be told": "#666666", UNTESTED: "#c8c8c8"}
MEASURES = {"Spearman's rho": r"$\rho$", "epsilon squared": r"$\epsilon^2$"}


def compounds_panel(record: dict, ax: Axes | None = None) -> Axes:
    """Fig. 6e: one thin line per tested compound, its mean error against n, coloured by group.

    Args:
        record: of :func:`sim2real.studies.transport_gains.gain_record`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(5.6, 4.6), layout="constrained")[1] if ax is None else ax
    n, curves, wf = np.array(record["n"], float), np.array(record["curves"]), np.array(record["wf"])
    # an error of 0 has no place on a logarithmic axis
    floor = curves[curves > 0].min()
    for name, colour, of in (
        ("others", REST, ~np.isin(wf, list(GROUP_COLOURS))),
        *((name, colour, wf == name) for name, colour in GROUP_COLOURS.items()),
    ):
        lines = [np.column_stack([n, np.maximum(curve, floor)]) for curve in curves[of]]
        alpha = float(np.clip(40 / max(1, len(lines)), 0.06, 0.6))
        ax.add_collection(LineCollection(lines, colors=colour, linewidths=0.5, alpha=alpha, rasterized=True))
        if lines:
            label = f"{name} ({len(lines)}), median"
            median = np.median(curves[of], axis=0)
            style = {"color": "#444444", "ls": "--", "zorder": 4} if name == "others" else {"color": colour, "zorder": 3}
            ax.plot(n, median, lw=2.2, label=label, **style)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.autoscale_view()
    low, high = np.quantile(np.maximum(curves, floor), [0.01, 1.0])
    ax.set_ylim(low / 1.2, high * 1.2)
    ax.set_xlabel(SOURCE_AXIS)
    ax.set_ylabel(f"error of the compound [{record['unit']}]")
    ax.legend(fontsize=8, loc="lower left", framealpha=0.85)
    return ax


def compounds_figure(record: dict, payload: dict) -> Figure:
    """Fig. 6e with a title that says how often a compound was tested."""
    figure = compounds_panel(record).figure
    times = f"{np.median(record['tested']):.0f} time(s), by the median"
    more = f"A line a compound, each tested on independent source draws {times}; errors below the 1st percentile cut off."
    figure_title(figure, payload, 78, more)
    return figure


def ranked_panel(record: dict, name: str, ax: Axes | None = None) -> Axes:
    """Compounds in the order of their gain, with intervals, coloured by what can be told of each after correction.

    Args:
        record: of :func:`sim2real.studies.transport_gains.gain_record`.
        name: one of :data:`~sim2real.studies.transport_gains.GAINS`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(4.6, 3.8), layout="constrained")[1] if ax is None else ax
    gains = record["gains"][name]
    mean, low, high = (np.array(gains[k], float) for k in ("mean", "low", "high"))
    tested = np.array([p is not None for p in gains["p_bh"]])
    words = np.where(tested, gains["verdict"], UNTESTED)
    rank = np.empty(len(mean))
    rank[np.argsort(-mean, kind="stable")] = np.arange(1, len(mean) + 1)
    for word, colour in VERDICT_COLOURS.items():
        of = words == word
        if word != UNTESTED:
            ax.vlines(rank[of], low[of], high[of], color=colour, lw=0.7, alpha=0.4, rasterized=True)
        ax.plot(rank[of], mean[of], ".", ms=2 if word == UNTESTED else 3.5, color=colour, label=f"{word}: {of.sum()}")
    ax.axhline(0, color=LAW, lw=0.8)
    # a few wide intervals would hide the order
    ends = np.concatenate([mean, np.quantile(low[tested], [0.02]), np.quantile(high[tested], [0.98])]) if tested.any() else mean
    ax.set_ylim(ends.min() - 0.05 * np.ptp(ends), ends.max() + 0.05 * np.ptp(ends))
    ax.set_xlabel("rank of the compound")
    ax.set_ylabel(f"gain [{record['unit']}]")
    ax.set_title(f"gain {name}", fontsize=9.5)
    ax.legend(fontsize=8, markerscale=3, loc="upper right", framealpha=0.8)
    return ax


def explained_panel(record: dict, ax: Axes | None = None) -> Axes:
    """What explains the order of the gains: each property's association with its 95 % interval; filled where Holm p < 5 %.

    Args:
        record: of :func:`sim2real.studies.transport_gains.gain_record`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(4.6, 3.8), layout="constrained")[1] if ax is None else ax
    ax.axvline(0, color=LAW, lw=0.8)
    names: list[str] = []
    for shift, (gain, colour) in zip((-0.13, 0.13), zip(record["explained"], (GROUP_COLOURS[WF], DIRECT))):
        rows = record["explained"][gain]
        names = [f"{r['name']}\n({MEASURES[r['measure']]})" for r in rows]
        for k, r in enumerate(rows):
            if r["value"] is None:
                continue
            ax.plot([r["low"], r["high"]], [k + shift] * 2, color=colour, lw=1.2)
            ax.plot(r["value"], k + shift, "o", color=colour, mfc=colour if r["p_holm"] < ALPHA else "white", ms=5)
        ax.plot([], [], "o-", color=colour, label=f"gain {gain}")
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.set_ylim(len(names) + 0.5, -0.6)  # the legend stands below the last
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.set_xlabel("rank association with the gain, 95 %; filled: Holm $p$ < 5 %", fontsize=8.5)
    ax.legend(fontsize=7.5, loc="lower right")
    return ax


def gain_figure(record: dict, payload: dict) -> Figure:
    """The ranked compounds, for both gains, and what explains them."""
    figure, axes = panel_grid(3, 3, (4.7, 3.9), 0.5)
    for name, ax in zip(record["gains"], axes):
        ranked_panel(record, name, ax)
    explained_panel(record, axes[2])
    figure_title(figure, payload, 170, f"Verdicts: Benjamini-Hochberg at {FALSE_DISCOVERIES:.0%}; bars: 95 % over source draws.")
    return figure
