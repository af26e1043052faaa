"""Scaling class by class (Fig. 5a): small panels drawn from the records of :mod:`sim2real.laws.classes`."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim2real.chemistry.classes import CLASS_NAMES
from sim2real.figures.plots import DIRECT, LAW, TRANSFER, panel_grid, plain_ticks
from sim2real.laws.classes import change_text
from sim2real.laws.power import PowerLaw

VERDICT_COLOURS = {"scales": "#2e8b57", "does not": DIRECT, "cannot be told": "#777777"}
VERDICTS = {"scales": "scales", "does not": "does not scale", "cannot be told": "cannot be told"}


def class_panel(record: dict, ax: Axes | None = None) -> Axes:
    """Fig. 5a for one class: error against n with its band and law; m, the number of materials and the verdict written in.

    Args:
        record: one of :func:`sim2real.laws.classes.class_records`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(3.2, 2.7), layout="constrained")[1] if ax is None else ax
    colour = VERDICT_COLOURS[record["verdict"]]
    ax.set_title(f"{record['class']} {CLASS_NAMES.get(record['class'], '')}".strip(), fontsize=9)
    count = f"{record['tested']} materials"
    if record["curve"] is None:
        text = fill(f"{count}: {VERDICTS[record['verdict']]}", 20)
        ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=colour, fontsize=8)
        ax.set_axis_off()
        return ax
    class_curve(record, ax, below=0.2, above=0.35)
    curve = record["curve"]
    change = record["change"]
    text = f"$m$ = {curve['m']}, {count}\n{change_text(change)}"
    ax.text(0.97, 0.97, text, transform=ax.transAxes, ha="right", va="top", fontsize=7)
    ax.text(
        0.03,
        0.03,
        VERDICTS[record["verdict"]],
        transform=ax.transAxes,
        ha="left",
        va="bottom",
        fontsize=8,
        color=colour,
        weight="bold",
    )
    return ax


def class_curve(record: dict, ax: Axes, *, below: float, above: float) -> None:
    """Error against n of one class with its band and law, and room for words.

    Args:
        record: with ``curve`` and ``law``.
        ax: where to draw.
        below, above: the room, as parts of the span of the logarithmic error axis.
    """
    curve, law = record["curve"], record["law"]
    n = np.array(curve["n"], float)
    ax.fill_between(n, curve["low"], curve["high"], color=TRANSFER, alpha=0.2, lw=0)
    ax.plot(n, curve["mae"], "o-", color=TRANSFER, ms=3, lw=1)
    if law["status"] != "FAILED":
        ax.plot(n, PowerLaw(law["D"], law["alpha"], law["C"])(n), "--", color=LAW, lw=1)
    ax.set_xscale("log")
    ax.set_yscale("log")
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom / (top / bottom) ** below, top * (top / bottom) ** above)
    plain_ticks(ax)
    ax.tick_params(labelsize=7)


def class_figure(records: Sequence[dict], payload: dict, *, trials: int) -> Figure:
    """A panel per class under one title; ``trials`` of the run, of which a rare class may have been tested in fewer.

    Classes without a curve, tested too rarely, are named below the panels.
    """
    drawn = [r for r in records if r["curve"] is not None] or records
    others = [f"{r['class']} ({r['materials']})" for r in records if r not in drawn]
    columns = min(4, len(drawn))
    figure, axes = panel_grid(len(drawn), columns, (3.1, 2.5), 1)
    for record, ax in zip(drawn, axes):
        class_panel(record, ax)
    unit = "" if records[0]["unit"] == "-" else f" [{records[0]['unit']}]"
    below = fill("Tested too rarely for a curve (materials): " + ", ".join(others), 38 * columns) if others else ""
    figure.supxlabel("simulated materials $n$" + (f"\n{below}" if below else ""), fontsize=9)
    figure.supylabel(f"MAE{unit}", fontsize=9)
    text = (
        f"{payload['title']} — {records[0]['label']}, {trials} trials, edition {payload['edition']}, preset {payload['preset']}. "
        "$m$ counts all classes together. Bands and changes from the smallest to the largest $n$: 90 %, over trials and materials."
    )
    figure.suptitle(fill(text, 38 * columns), fontsize=9.5)
    return figure
