"""Figures 3 and 4 of the chi study: the network of two towers, the error against both sizes, and splits compared.

As in :mod:`sim2real.figures.plots`, each function takes a record of :mod:`sim2real.laws.chi_results` and draws, nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import MaxNLocator, NullFormatter, NullLocator

from sim2real.figures.plots import DIRECT, LAW, OTHER, TRANSFER, Words, legend_below, panel_grid, plain_ticks, scaling_panel
from sim2real.laws.chi_results import rate_words
from sim2real.laws.chi_splits import shared_words
from sim2real.laws.power import PowerLaw

SHOWN = 5  # curves in a panel: more cannot be told apart
PAIRS_LABEL = "simulated pairs $n$"
PAIR_WORDS = Words(
    source=PAIRS_LABEL,
    drop="transfer, the tested pairs' simulations left out",
    keep="transfer, the tested pairs' simulations in the source",
    own="the tested pairs' own simulations",
)
ROWS_LABEL = "measured training rows $m$"


def two_tower_architecture(
    widths: Mapping[str, Sequence[int]],
    ax: Axes | None = None,
    *,
    distance: str = "components",
    temperature: str = "tower",
    conditions: int = 2,
    sides: tuple[str, str] = ("polymer", "solvent"),
) -> Axes:
    """Fig. 3: two towers with the same weights, what separates their latent numbers, and a head for each kind of value.

    Args:
        widths: ``tower`` and ``head``, units per layer from the input, of :meth:`sim2real.training.towers.PairNetwork.widths`.
        ax: where to draw.
        distance: ``components`` or ``norm``, as the network has it.
        temperature: ``tower`` or ``head``, where T and 1/T enter.
        conditions: how many numbers they are.
        sides: what the two towers see.
    """
    ax = plt.subplots(figsize=(9.6, 3.9), layout="constrained")[1] if ax is None else ax
    tower, head = list(widths["tower"]), list(widths["head"])
    warm = conditions if temperature == "tower" else 0
    step, last = 1.45, len(tower) - 1
    colours = (OTHER, "#2e8b57")
    for side, y, colour, flag in zip(sides, (1.0, -1.0), colours, (1, 0)):
        for k, width in enumerate(tower):
            _box(ax, k * step, y, f"{width}", colour if k else LAW, 0.42 + 0.30 * np.log(width) / np.log(max(tower)))
            if k:
                _arrow(ax, ((k - 1) * step, y), (k * step, y))
        text = f"{side}\ndescriptor {tower[0] - 1 - warm}\n+ flag {flag}" + ("\n+ $T$, $1/T$" if warm else "")
        ax.text(-0.55, y, text, ha="right", va="center", fontsize=9)
    for k in range(1, last):
        ax.text(k * step, 1.78, f"hidden {k}", ha="center", va="bottom", fontsize=8.5)
    ax.text(last * step, 1.78, "latent", ha="center", va="bottom", fontsize=8.5)
    ax.text(0.5 * last * step, 0, "the same weights", ha="center", va="center", fontsize=9, style="italic", color="#555555")
    x = (last + 1) * step
    separation = head[0] - (0 if warm else conditions)
    words = "squared\ndifferences" if distance == "components" else "distance"
    _box(ax, x, 0, f"{words}\n{separation}", "#b8860b", 0.95)
    for y in (1.0, -1.0):
        _arrow(ax, (last * step, y), (x, 0.3 * y))
    if not warm:
        ax.text(x, -1.25, "+ $T$, $1/T$", ha="center", va="top", fontsize=9)
        _arrow(ax, (x, -1.2), (x, -0.5), near=0.0)
    for y, colour, name in ((1.0, DIRECT, "measured"), (-1.0, TRANSFER, "simulated")):
        for k, width in enumerate(head[1:], start=1):
            place = x + k * step
            final = k == len(head) - 1
            _box(ax, place, y, name if final else f"{width}", colour, 0.6)
            start = (x, 0.3 * y) if k == 1 else (place - step, y)
            _arrow(ax, start, (place, y))
    ax.text(x + 0.5 * len(head) * step, 1.78, "heads", ha="center", va="bottom", fontsize=8.5)
    ax.set_xlim(-2.1, x + (len(head) - 1) * step + 0.75)
    ax.set_ylim(-1.9, 2.1)
    ax.axis("off")
    return ax


def _box(ax: Axes, x: float, y: float, text: str, colour: str, height: float) -> None:
    width = 0.84
    corner = (x - width / 2, y - height / 2)
    ax.add_patch(FancyBboxPatch(corner, width, height, boxstyle="round,pad=0.02,rounding_size=0.08", color=colour, lw=0, zorder=2))
    ax.text(x, y, text, ha="center", va="center", fontsize=8.5, color="white", zorder=3)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], near: float = 0.44) -> None:
    style = {"arrowstyle": "->", "color": "#777777", "lw": 1.1, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (end[0] - near, end[1]), (start[0] + near, start[1]), arrowprops=style, zorder=1)


def chi_scaling_figure(records: Sequence[dict], payload: dict) -> Figure:
    """Fig. 4a: a panel per simulator of :func:`sim2real.figures.plots.scaling_panel`, whose n are pairs.

    Args:
        records: of :func:`sim2real.laws.curve.scaling_record`, one a simulator.
        payload: with ``title``, ``edition`` and ``preset``.
    """
    figure, axes = panel_grid(len(records), min(2, len(records)), (5.4, 4.1), 0.7)
    for record, ax in zip(records, axes):
        scaling_panel(record, ax, words=PAIR_WORDS)
        ax.set_title(f"{record['source']['name']}  ($m$ = {record['curve']['m']})", fontsize=10)
    legend_below(figure, axes, 2 * len(records))
    trials = records[0]["arms"]["direct"]["transfer_minus_this"]["trials"]
    remark = "Bands: 90 %, over trials (dark), trials and pairs (light)"
    return titled(figure, payload, f"{records[0]['label']}, {trials} trials. {remark}", 74 * len(records))


def error_against(record: dict, along: str, ax: Axes | None = None) -> Axes:
    """Fig. 4b or 4c: error against n for several m, or against m for several n, with a law fitted to each curve on its own.

    Args:
        record: of :func:`sim2real.laws.chi_results.chi_surface_record`.
        along: ``n`` or ``m``.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(4.6, 3.9), layout="constrained")[1] if ax is None else ax
    other = "m" if along == "n" else "n"
    mae, low, high = (np.array(record[key]) for key in ("mae", "low", "high"))
    if along == "m":
        mae, low, high = mae.T, low.T, high.T
    sizes, values, laws = np.array(record[along], float), record[other], record[f"laws_{along}"]
    grid = np.geomspace(sizes[0], sizes[-1], 100)
    chosen = sorted({round(k) for k in np.linspace(0, len(values) - 1, min(SHOWN, len(values)))})
    for column, shade in zip(chosen, np.linspace(0.85, 0.05, len(chosen))):
        colour, law = to_hex(plt.get_cmap("viridis")(shade)), laws[column]
        ax.fill_between(sizes, low[:, column], high[:, column], color=colour, alpha=0.18, lw=0)
        ax.plot(sizes, mae[:, column], "o", color=colour, ms=4, label=f"${other}$ = {values[column]:,}")
        if law["status"] != "FAILED":
            ax.plot(grid, PowerLaw(law["D"], law["alpha"], law["C"])(grid), "-", color=colour, lw=1.2)
    ax.set_xscale("log")
    ax.set_yscale("log")
    if along == "m":
        if record["direct"]:
            ax.plot(record["m"], record["direct"]["mae"], "s--", color=DIRECT, ms=3.5, lw=1.3, label="direct learning")
        ax.set_xticks(record["m"], [str(m) for m in record["m"]])
        ax.xaxis.set_minor_locator(NullLocator())
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, top * (top / bottom) ** 0.2)  # room for the legend, which no corner of the data leaves
    plain_ticks(ax)
    ax.set_xlabel(PAIRS_LABEL if along == "n" else ROWS_LABEL)
    ax.set_ylabel("MAE" if record["unit"] == "-" else f"MAE [{record['unit']}]")
    ax.legend(frameon=False, fontsize=8, loc="upper center", ncols=3)
    return ax


def slopes_panel(record: dict, ax: Axes | None = None) -> Axes:
    """The slope of each curve of Fig. 4b, d log R / d log n, against its m: falling is reinforcement, level is Eq. 1 at best.

    Args:
        record: of :func:`sim2real.laws.chi_results.chi_surface_record`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(4.2, 3.9), layout="constrained")[1] if ax is None else ax
    m = np.array(record["m"], float)
    for key, colour, lw, label in (
        ("interaction_materials", TRANSFER, 1.0, "trials and pairs"),
        ("interaction", TRANSFER, 3.0, "trials"),
    ):
        slopes = record[key]["slopes"]
        ax.vlines(m, slopes["low"], slopes["high"], color=colour, lw=lw, alpha=0.9 if lw < 2 else 0.5, label=f"90 %, {label}")
    ax.plot(m, record["interaction"]["slopes"]["value"], "o", color=TRANSFER, ms=5)
    ax.axhline(0, color="#999999", lw=1)
    ax.set_xscale("log")
    ax.set_xticks(record["m"], [str(v) for v in record["m"]])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_locator(MaxNLocator(5))
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, top + 0.22 * (top - bottom))  # room for the legend
    ax.set_xlabel(ROWS_LABEL)
    ax.set_ylabel(r"slope in $n$: $d\log R\,/\,d\log n$")
    log = record["interaction_materials"]["log"]
    title = rf"$\gamma$ = {log['value']:+.2g} ({log['low']:+.2g} to {log['high']:+.2g}): {record['verdict']['verdict']}"
    ax.set_title(title, fontsize=9.5)
    ax.legend(frameon=False, fontsize=8, loc="upper right", ncols=2)
    return ax


def chi_curves_figure(record: dict, payload: dict) -> Figure:
    """Figs. 4b and 4c, and the slopes that say whether simulations and measurements reinforce each other."""
    figure, axes = plt.subplots(1, 3, figsize=(13.6, 4.7), layout="constrained")
    error_against(record, "n", axes[0])
    error_against(record, "m", axes[1])
    slopes_panel(record, axes[2])
    worth = f"{rate_text(record['rate_materials'])} (paper: {record['paper']['rate']:g})"
    remark = f"{record['label']}, {record['trials']} trials, a law for each curve; {worth}. Bands: 90 % over trials"
    return titled(figure, payload, remark, 170)


def rate_text(rate: dict) -> str:
    """What a measurement is worth in simulations, with its interval or its limit."""
    at = f"at $n$ = {rate['n']:,.0f}, $m$ = {rate['m']:,.0f}"
    words, known = rate_words(rate), rate["identified"] != "not identified"
    return f"a measurement {at} is worth {words} simulations" if known else f"what a measurement is worth {at} is {words}"


def split_figure(records: Sequence[dict], payload: dict) -> Figure:
    """The error of direct learning and of transfer under each way of splitting, and their paired difference.

    Args:
        records: of :func:`sim2real.laws.chi_splits.split_records`.
        payload: with ``title``, ``edition`` and ``preset``.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.4, 1.6 + 0.75 * len(records)), layout="constrained", sharey=True)
    y = np.arange(len(records), dtype=float)[::-1]
    columns = [("direct", DIRECT, "direct learning", 0.22, None)]
    n = records[0]["n"]
    columns += [("transfer", c, f"transfer, $n$ = {n[k]:,}", -0.22 * k, k) for k, c in zip(range(len(n)), ("#7fb2e5", TRANSFER))]
    for key, colour, label, shift, k in columns:
        values = [r[key] if k is None else r[key][k] for r in records]
        left.hlines(y + shift, [v["low"] for v in values], [v["high"] for v in values], color=colour, lw=2, alpha=0.6)
        left.plot([v["mae"] for v in values], y + shift, "o", color=colour, ms=6, label=label)
        if k is not None:
            differences = [r["differences"][k] for r in records]
            mean, error = (np.array([d[name] for d in differences]) for name in ("mean", "standard_error"))
            right.errorbar(mean, y + shift, xerr=2 * error, fmt="o", color=colour, ms=6, capsize=3, label=label)
    words = [f"{r['words']}\n{shared_words(r)}".strip() for r in records]
    left.set_yticks(y, words, fontsize=8.5)
    left.set_ylim(-0.6, len(records) - 0.4)
    right.axvline(0, color="#999999", lw=1)
    unit = "" if records[0]["unit"] == "-" else f" [{records[0]['unit']}]"
    left.set_xlabel(f"MAE{unit} (bars: 90 % over trials)")
    right.set_xlabel(f"transfer $-$ direct, paired{unit} (bars: 2 standard errors)")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=8.5)
    return titled(figure, payload, f"{records[0]['trials']} trials", 150)


def titled(figure: Figure, payload: dict, remark: str, width: int) -> Figure:
    """Title a figure: what the data are, edition, preset and a remark, wrapped at ``width`` characters."""
    text = f"{payload['title']} — edition {payload['edition']}, preset {payload['preset']}. {remark}."
    # a line must not end between a number and its sign
    figure.suptitle(fill(text.replace(" %", "\u00a0%"), width), fontsize=9.5)
    return figure
