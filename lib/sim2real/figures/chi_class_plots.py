"""Figure 5: scaling and the simulator's accuracy class by class, and the one against the other.

As in :mod:`sim2real.figures.plots`, each function takes records of :mod:`sim2real.laws.chi_class_results` and draws, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from sim2real.figures.chi_plots import PAIRS_LABEL, titled
from sim2real.figures.class_plots import VERDICT_COLOURS, VERDICTS, class_curve
from sim2real.figures.plots import TRANSFER, panel_grid
from sim2real.laws.classes import change_text

MEASURES = {
    "spearman": "rank correlation",
    "mae_line": "MAE after a line",
    "skill": "1 $-$ MAE after a line / MAE of the mean",
}
BEYOND = 0.6  # how far above the highest gain its axis goes
SIMULATOR_COLOURS = (TRANSFER, "#d2691e", "#2e8b57")


def chi_class_panel(record: dict, ax: Axes | None = None) -> Axes:
    """Fig. 5a for one class: error against n with band and law, its own m in the corner, change and verdict below.

    Args:
        record: one of :func:`sim2real.laws.chi_class_results.chi_class_records`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(3.2, 2.7), layout="constrained")[1] if ax is None else ax
    colour = VERDICT_COLOURS[record["verdict"]]
    ax.set_title(record["name"], fontsize=9.5)
    corner = f"$m$ = {record['rows']}\n{record['pairs']} pairs"
    ax.text(0.97, 0.97, corner, transform=ax.transAxes, ha="right", va="top", fontsize=8)
    if record["curve"] is None:
        ax.text(0.5, 0.4, fill(record["why"], 28), transform=ax.transAxes, ha="center", va="center", color=colour, fontsize=7.5)
        ax.set_xticks([])
        ax.set_yticks([])
        return ax
    class_curve(record, ax, below=0.3, above=0.3)
    change = record["change"]
    text = f"{VERDICTS[record['verdict']]}\n{change_text(change)}"
    ax.text(0.03, 0.03, text, transform=ax.transAxes, ha="left", va="bottom", fontsize=7.5, color=colour, weight="bold")
    return ax


def chi_class_figure(records: Sequence[dict], payload: dict, *, trials: int) -> Figure:
    """Fig. 5a: a panel per class under one title."""
    columns = min(4, len(records))
    figure, axes = panel_grid(len(records), columns, (3.1, 2.5), 1)
    for record, ax in zip(records, axes):
        chi_class_panel(record, ax)
    unit = "" if records[0]["unit"] == "-" else f" [{records[0]['unit']}]"
    figure.supxlabel(PAIRS_LABEL, fontsize=9)
    figure.supylabel(f"MAE{unit}", fontsize=9)
    remark = (
        f"{records[0]['label']}, {trials} trials; networks learn from all classes together. $m$ is the class's measured rows. "
        "Bands, and changes from the smallest to the largest $n$: 90 %, over trials and pairs"
    )
    return titled(figure, payload, remark, 38 * columns)


def class_parity_panel(record: dict, ax: Axes | None = None) -> Axes:
    """Fig. 5b for one class: measured against simulated values, a colour a simulator, with rank correlations.

    Args:
        record: one of :func:`sim2real.laws.chi_class_results.class_parity_records`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(3.2, 3.0), layout="constrained")[1] if ax is None else ax
    everything = []
    for (name, side), colour in zip(record["simulators"].items(), SIMULATOR_COLOURS):
        ax.scatter(side["simulated"], side["measured"], s=9, alpha=0.55, lw=0, color=colour, label=name)
        everything += side["simulated"] + side["measured"]
    if everything:
        ends = [min(everything), max(everything)]
        ax.plot(ends, ends, "-", color="#999999", lw=0.8, zorder=0)
    for k, (side, colour) in enumerate(zip(record["simulators"].values(), SIMULATOR_COLOURS)):
        rank = "too few" if side["spearman"] is None else f"{side['spearman']:.2f}"
        words = rf"$\rho$ = {rank} ({side['rows']})"
        ax.text(0.04, 0.97 - 0.1 * k, words, transform=ax.transAxes, va="top", fontsize=7.5, color=colour)
    ax.set_title(record["name"], fontsize=9.5)
    ax.tick_params(labelsize=7)
    return ax


def class_parity_figure(records: Sequence[dict], payload: dict) -> Figure:
    """Fig. 5b: a panel per class under one title."""
    columns = min(4, len(records))
    figure, axes = panel_grid(len(records), columns, (3.0, 2.6), 1)
    unit = "" if records[0]["unit"] == "-" else f" [{records[0]['unit']}]"
    for k, (record, ax) in enumerate(zip(records, axes)):
        class_parity_panel(record, ax)
        if k + columns >= len(records):
            ax.set_xlabel(f"simulated{unit}", fontsize=8)
        if k % columns == 0:
            ax.set_ylabel(fill(f"{record['target_name']}{unit}", 30), fontsize=8)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=9, markerscale=2)
    remark = rf"{records[0]['label']}. $\rho$: Spearman's rank correlation (rows); grey: equality"
    return titled(figure, payload, remark, 38 * columns)


def gain_panel(record: dict, gain: str, measure: str, ax: Axes | None = None) -> Axes:
    """What each class gains from simulations against the simulator's accuracy on it, with the correlation over classes.

    Args:
        record: of :func:`sim2real.laws.chi_class_results.gain_record`.
        gain: ``with_direct`` or ``with_n``.
        measure: ``spearman``, ``mae_line`` or ``skill``.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(4.6, 3.8), layout="constrained")[1] if ax is None else ax
    for k, c in enumerate(record["classes"]):
        mean = c[gain]["mean"]
        error = [[mean - c[gain]["low"]], [c[gain]["high"] - mean]]
        colour, marker = f"C{k % 10}", "os^Dv"[k // 10]
        ax.errorbar(
            c[measure], mean, yerr=error, fmt=marker, color=colour, ms=6, lw=1, capsize=2, label=f"{c['name']} ({c['rows']})"
        )
    ax.axhline(0, color="#999999", lw=1)
    if record["classes"]:
        # the interval of a class of few pairs may be endless: it is cut, the points are not
        lowest, highest = min(c[gain]["low"] for c in record["classes"]), max(c[gain]["mean"] for c in record["classes"])
        ax.set_ylim(lowest - 0.05, min(max(c[gain]["high"] for c in record["classes"]) + 0.05, highest + BEYOND))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_xlabel(f"{record['simulator']} on the class: {MEASURES[measure]}")
    n_low, n_high = record["n"]
    ax.set_ylabel("transfer / direct $-$ 1" if gain == "with_direct" else f"$R$({n_high:,}) / $R$({n_low:,}) $-$ 1")
    correlation = record["correlations"].get(gain, {}).get(measure)
    title = "fewer than four classes: no correlation"
    if correlation:
        ends = f"{correlation['low']:.2f} to {correlation['high']:.2f}"
        title = rf"$\rho$ = {correlation['spearman']:.2f} ({ends}), $p$ = {correlation['p']:.2g}, {correlation['classes']} classes"
    ax.set_title(title, fontsize=9)
    return ax


def gain_figure(record: dict, payload: dict) -> Figure:
    """The gain against two measures of accuracy: over direct learning above, from the smallest to the largest n below."""
    figure, axes = plt.subplots(2, 2, figsize=(12, 7.6), layout="constrained", sharex="col", sharey="row")
    for row, gain in zip(axes, ("with_direct", "with_n")):
        for ax, measure in zip(row, ("spearman", "skill")):
            gain_panel(record, gain, measure, ax)
            ax.label_outer()
    handles, labels = axes[0, 0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=8.5, title="class (tested rows)")
    remark = f"{record['trials']} trials, bars 90 % over trials and pairs; below 0 is a gain"
    if record["left_out"]:
        remark += ". Too few rows or no simulated values: " + ", ".join(record["left_out"])
    return titled(figure, payload, remark, 130)
