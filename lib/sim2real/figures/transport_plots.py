"""Figures 6b to 6d drawn from the records of :mod:`sim2real.laws.transport_results`, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim2real.chemistry.simulators.wiedemann_franz import NON_WF, WF
from sim2real.figures.class_plots import VERDICTS
from sim2real.figures.plots import (
    BASELINE_LABELS,
    DIRECT,
    LAW,
    OTHER,
    Words,
    law_text,
    legend_below,
    panel_grid,
    plain_ticks,
    scaling_panel,
    with_error,
)
from sim2real.figures.transport_tables import arm_name
from sim2real.laws.classes import change_text
from sim2real.laws.power import PowerLaw
from sim2real.training.baselines import NEED_SIMULATED

# the paper's colours of the two groups
GROUP_COLOURS = {WF: "#1f5fa8", NON_WF: "#2e8b57"}
REST = "#aaaaaa"
METALS = "#c0392b"
OWN = {False: r"the tested compounds' own $\kappa$", True: r"the tested compounds' own computed $\sigma$"}
SOURCE_AXIS = "compounds with thermal conductivity $n$"
COMPUTED_AXIS = "compounds with computed electrical conductivity $n$"


def parity_panel(record: dict, ax: Axes | None = None) -> Axes:
    """Fig. 6b: thermal against electrical conductivity, density-shaded, the law's line, its nearest and farthest compounds.

    Args:
        record: of :func:`sim2real.laws.transport_results.parity_record`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(5.6, 4.8), layout="constrained")[1] if ax is None else ax
    log_sigma, log_kappa, wf = (np.array(record[k]) for k in ("log_sigma", "log_kappa", "wf"))
    sigma, kappa = 10**log_sigma, 10**log_kappa
    shade = ax.hexbin(
        sigma, kappa, xscale="log", yscale="log", gridsize=45, bins="log", mincnt=1, cmap="Greys", linewidths=0.1, zorder=1
    )
    ax.figure.colorbar(shade, ax=ax, label="compounds", shrink=0.7)
    for name, marker in ((WF, "s"), (NON_WF, "^")):
        of = wf == name
        distance = record["nearest" if name == WF else "farthest"]
        side = "at most" if name == WF else "at least"
        label = f"{name}: {of.sum()}, {side} {distance:.2g} decades from the law" if distance is not None else name
        ax.scatter(
            *(sigma[of], kappa[of]),
            marker=marker,
            s=11,
            lw=0.3,
            edgecolor="white",
            color=GROUP_COLOURS[name],
            label=label,
            zorder=3,
        )
    if (metals := record["metals"]) is not None:
        places = (10 ** np.array(metals[k]) for k in ("log_sigma", "log_kappa"))
        label = f"measured metals and alloys ({len(metals['names'])})"
        ax.scatter(*places, marker="x", s=16, lw=0.7, color=METALS, alpha=0.7, label=label, zorder=2)
    line = record["line"]
    ends = np.array(ax.get_xlim())
    limits = ax.get_ylim()
    text = f"$\\kappa = L\\sigma T$, $T$ = {line['temperature']:.0f} K"
    ax.plot(ends, line["lorenz_number"] * line["temperature"] * ends, "--", color=LAW, lw=1.1, label=text)
    ax.set_xlim(ends)
    ax.set_ylim(limits)
    ax.set_xlabel(r"electrical conductivity $\sigma$ [S/m]")
    ax.set_ylabel(r"thermal conductivity $\kappa$ [W/(m K)]")
    words = f"Spearman {record['spearman']:.2f}, Pearson {record['pearson']:.2f}\nbelow the line: {record['below']:.0%}"
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}  # the line may run through it
    ax.text(0.97, 0.03, words, transform=ax.transAxes, fontsize=8, va="bottom", ha="right", bbox=box)
    ax.legend(fontsize=7.5, loc="upper left", framealpha=0.8)
    return ax


def parity_figure(record: dict, payload: dict) -> Figure:
    """Fig. 6b with a title that says what the data are."""
    figure = parity_panel(record).figure
    text = f"{payload['title']} — {record['both']:,} of {record['compounds']:,} compounds with both"
    figure.suptitle(fill(f"{text}, edition {payload['edition']}, preset {payload['preset']}", 78), fontsize=9)
    return figure


def scaling_figure(records: Sequence[dict], payload: dict, *, computed: bool = False) -> Figure:
    """Fig. 6c: a panel of :func:`sim2real.figures.plots.scaling_panel` per record, with this study's baselines and words.

    Args:
        records: of :func:`sim2real.laws.curve.scaling_record`.
        payload: of the figure.
        computed: whether the source is a computed electrical conductivity instead of a thermal one.
    """
    figure, axes = panel_grid(len(records), len(records), (6.6 if len(records) == 1 else 5.2, 4.2), 1.2)
    for record, ax in zip(records, axes):
        scaling_panel(record, ax, words=scaling_words(computed))
    legend_below(figure, axes, 2)
    figure_title(figure, payload, 88 * len(records), "Bands: 90 %, over trials (dark), trials and materials (light).")
    return figure


def scaling_words(computed: bool) -> Words:
    """What the general panel calls things here; ``computed`` as :func:`scaling_figure`."""
    names = {arm: arm_name(arm, computed=computed) for arm in BASELINE_LABELS}
    return Words(
        source=COMPUTED_AXIS if computed else SOURCE_AXIS,
        drop="transfer, tested compounds not in the source",
        keep="transfer, tested compounds in the source",
        own=OWN[computed],
        baselines={arm: f"{name} (elsewhere a mean)" if arm in NEED_SIMULATED else name for arm, name in names.items()},
    )


def figure_title(figure: Figure, payload: dict, width: int, more: str) -> None:
    """What the data are, the run's trials, edition and preset, and ``more``, in lines of ``width`` characters."""
    design = payload["design"]
    text = (
        f"{payload['title']} — {design['trials']} trials on {design['source_draws']} source draws, overlap {design['overlap']},"
        f" edition {payload['edition']}, preset {payload['preset']}. {more}"
    )
    figure.suptitle(fill(text.replace(" %", "\u00a0%"), width), fontsize=9)


def group_panel(record: dict, ax: Axes | None = None) -> Axes:
    """Fig. 6d for one group: error against n, its band and law, direct learning of the group, its change and its verdict.

    Args:
        record: of :func:`sim2real.laws.transport_results.group_records`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(4.4, 3.9), layout="constrained")[1] if ax is None else ax
    colour = GROUP_COLOURS[record["class"]]
    ax.set_title(f"{record['class']}: {record['tested']} compounds tested — {VERDICTS[record['verdict']]}", fontsize=9.5)
    if record["curve"] is None:
        ax.text(0.5, 0.5, fill(record["why"], 40), transform=ax.transAxes, ha="center", va="center", fontsize=8)
        ax.set_axis_off()
        return ax
    curve, law = record["curve"], record["law"]
    n = np.array(curve["n"], float)
    ax.fill_between(n, curve["low"], curve["high"], color=colour, alpha=0.2, lw=0)
    ax.plot(n, curve["mae"], "o-", color=colour, ms=4, lw=1.2, label=f"transfer, {record['class']}")
    if law["status"] != "FAILED":
        ax.plot(n, PowerLaw(law["D"], law["alpha"], law["C"])(n), "--", color=LAW, lw=1.1, label="fitted law")
    if (other := record["other_overlap"]) is not None:
        label = getattr(scaling_words(False), other["overlap"])
        ax.plot(other["n"], other["mae"], "s:", color=OTHER, ms=4, lw=1.1, mfc="white", label=label)
    if (direct := record["direct"]) is not None:
        ax.axhspan(direct["low"], direct["high"], color=DIRECT, alpha=0.08, lw=0)
        ax.axhline(direct["mae"], color=DIRECT, ls="--", lw=1.3, label="direct learning")
    ax.set_xscale("log")
    ax.set_yscale("log")
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom / (top / bottom) ** 0.45, top)  # room for the words
    plain_ticks(ax)
    ax.set_xlabel(SOURCE_AXIS)
    change = record["change"]
    words = [f"from the smallest to the largest $n$: {change_text(change)}", law_text(law)]
    if other is not None:
        words.append(f"overlap {other['overlap']}: {change_text(other['change'])}")
    if (difference := record["transfer_minus_direct"]) is not None:
        words.append(f"transfer - direct: {with_error(difference['mean'], difference['standard_error'])}")
    ax.text(0.03, 0.03, "\n".join(words), transform=ax.transAxes, fontsize=7.5, va="bottom", ha="left")
    return ax


def group_figure(records: Sequence[dict], payload: dict) -> Figure:
    """Fig. 6d: a panel for each of the two groups, each on its own scale of errors."""
    figure, axes = panel_grid(len(records), len(records), (4.9, 4.1), 0.6)
    for record, ax in zip(records, axes):
        group_panel(record, ax)
    axes[0].set_ylabel("MAE" if records[0]["unit"] == "-" else f"MAE [{records[0]['unit']}]")
    legend_below(figure, axes, 2)
    figure_title(figure, payload, 58 * len(records), "Bands and changes: 90 %, over trials and materials.")
    return figure
