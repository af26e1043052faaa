"""Figure 6 drawn from the records of :mod:`sim2real.transport_results` and :mod:`sim2real.transport_gains`, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from sim2real.plots import DIRECT, LAW, OTHER, OVERLAP_LABELS, law_text, panel_grid, plain_ticks, scaling_panel, with_error
from sim2real.scaling import PowerLaw
from sim2real.transport_results import NON_WF, WF

# the paper's colours of the two groups
GROUP_COLOURS = {WF: "#1f5fa8", NON_WF: "#2e8b57"}
REST = "#aaaaaa"
METALS = "#c0392b"
VERDICT_COLOURS = {"gains": "#2e8b57", "loses": "#c0392b", "cannot be told": REST}
GROUP_VERDICTS = {"scales": "scales", "does not": "does not scale", "cannot be told": "cannot be told"}
MEASURES = {"Spearman's rho": r"$\rho$", "epsilon squared": r"$\epsilon^2$"}
SOURCE_AXIS = "compounds with thermal conductivity $n$"


def parity_panel(record: dict, ax: Axes | None = None) -> Axes:
    """Fig. 6b: thermal against electrical conductivity, density-shaded, the law's line, its nearest and farthest compounds.

    Args:
        record: of :func:`sim2real.transport_results.parity_record`.
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
        ax.scatter(sigma[of], kappa[of], marker=marker, s=11, lw=0.3, edgecolor="white", color=GROUP_COLOURS[name], label=label)
    if (metals := record["metals"]) is not None:
        places = (10 ** np.array(metals[k]) for k in ("log_sigma", "log_kappa"))
        label = f"measured metals and alloys ({len(metals['names'])})"
        ax.scatter(*places, marker="x", s=16, lw=0.8, color=METALS, label=label)
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
    ax.text(0.97, 0.03, words, transform=ax.transAxes, fontsize=8, va="bottom", ha="right")
    ax.legend(fontsize=7.5, loc="upper left", framealpha=0.8)
    return ax


def parity_figure(record: dict, payload: dict) -> Figure:
    """Fig. 6b with a title that says what the data are."""
    figure = parity_panel(record).figure
    text = f"{payload['title']} — {record['both']:,} of {record['compounds']:,} compounds with both"
    figure.suptitle(fill(f"{text}, edition {payload['edition']}, preset {payload['preset']}", 78), fontsize=9)
    return figure


def scaling_figure(records: Sequence[dict], payload: dict) -> Figure:
    """Fig. 6c: a panel of :func:`sim2real.plots.scaling_panel` per record, with what n counts here on its axis."""
    figure, axes = panel_grid(len(records), len(records), (5.4, 4.2), 0.6)
    for record, ax in zip(records, axes):
        scaling_panel(record, ax)
        ax.set_xlabel(payload.get("source_axis", SOURCE_AXIS))
    handles: dict[str, object] = {}
    for ax in axes:
        handles.update(zip(*reversed(ax.get_legend_handles_labels())))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2 * len(records), frameon=False, fontsize=8)
    _title(figure, payload, 66 * len(records), "Bands: 90 %, over trials (dark), trials and materials (light).")
    return figure


def _title(figure: Figure, payload: dict, width: int, more: str) -> None:
    design = payload["design"]
    text = (
        f"{payload['title']} — {design['trials']} trials on {design['source_draws']} source draws, overlap {design['overlap']},"
        f" edition {payload['edition']}, preset {payload['preset']}. {more}"
    )
    figure.suptitle(fill(text, width), fontsize=9)


def group_panel(record: dict, ax: Axes | None = None) -> Axes:
    """Fig. 6d for one group: error against n, its band and law, direct learning of the group, its change and its verdict.

    Args:
        record: of :func:`sim2real.transport_results.group_records`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(4.4, 3.9), layout="constrained")[1] if ax is None else ax
    colour = GROUP_COLOURS[record["class"]]
    ax.set_title(f"{record['class']}: {record['tested']} compounds tested — {GROUP_VERDICTS[record['verdict']]}", fontsize=9.5)
    if record["curve"] is None:
        ax.text(0.5, 0.5, fill(record["why"], 40), transform=ax.transAxes, ha="center", va="center", fontsize=8)
        ax.set_axis_off()
        return ax
    curve, law = record["curve"], record["law"]
    n = np.array(curve["n"], float)
    ax.fill_between(n, curve["low"], curve["high"], color=colour, alpha=0.2, lw=0)
    ax.plot(n, curve["mae"], "o-", color=colour, ms=4, lw=1.2, label="transfer")
    if law["status"] != "FAILED":
        ax.plot(n, PowerLaw(law["D"], law["alpha"], law["C"])(n), "--", color=LAW, lw=1.1, label="fitted law")
    if (other := record["other_overlap"]) is not None:
        ax.plot(other["n"], other["mae"], "s:", color=OTHER, ms=4, lw=1.1, mfc="white", label=OVERLAP_LABELS[other["overlap"]])
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
    words = [f"from the smallest to the largest $n$: {_percent(change)}", law_text(law)]
    if other is not None:
        words.append(f"overlap {other['overlap']}: {_percent(other['change'])}")
    if (difference := record["transfer_minus_direct"]) is not None:
        words.append(f"transfer - direct: {with_error(difference['mean'], difference['standard_error'])}")
    ax.text(0.03, 0.03, "\n".join(words), transform=ax.transAxes, fontsize=7.5, va="bottom", ha="left")
    return ax


def _percent(change: dict) -> str:
    return f"{change['mean']:+.0%} ({change['low']:+.0%} to {change['high']:+.0%})"


def group_figure(records: Sequence[dict], payload: dict) -> Figure:
    """Fig. 6d: a panel for each of the two groups on one scale of errors."""
    figure, axes = panel_grid(len(records), len(records), (4.9, 4.1), 0.6)
    for record, ax in zip(records, axes):
        group_panel(record, ax)
    axes[0].set_ylabel("MAE" if records[0]["unit"] == "-" else f"MAE [{records[0]['unit']}]")
    handles: dict[str, object] = {}
    for ax in axes:
        handles.update(zip(*reversed(ax.get_legend_handles_labels())))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    _title(figure, payload, 58 * len(records), "Bands and changes: 90 %, over trials and materials.")
    return figure


def compounds_panel(record: dict, ax: Axes | None = None) -> Axes:
    """Fig. 6e: one thin line per tested compound, its mean error against n, coloured by group.

    Args:
        record: of :func:`sim2real.transport_gains.gain_record`.
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
            ax.plot(n, np.median(curves[of], axis=0), color=colour, lw=2.2, ls="--" if name == "others" else "-", label=label)
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
    tested = np.median(record["tested"])
    more = f"A line a compound, each tested in {tested:.0f} source draws (median); errors below the 1st percentile cut off."
    _title(figure, payload, 78, more)
    return figure


def ranked_panel(record: dict, name: str, ax: Axes | None = None) -> Axes:
    """Compounds in the order of their gain, with intervals, coloured by what can be told of each after correction.

    Args:
        record: of :func:`sim2real.transport_gains.gain_record`.
        name: one of :data:`~sim2real.transport_gains.GAINS`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(4.6, 3.8), layout="constrained")[1] if ax is None else ax
    gains = record["gains"][name]
    tested = np.array([p is not None for p in gains["p_bh"]])
    shown = tested if tested.any() else np.ones(len(tested), dtype=bool)
    mean = np.array(gains["mean"], float)[shown]
    low, high = (np.array(gains[k], float)[shown] for k in ("low", "high"))
    verdict = np.array(gains["verdict"])[shown]
    order = np.argsort(-mean, kind="stable")
    rank = np.arange(1, len(order) + 1)
    for word, colour in VERDICT_COLOURS.items():
        of = verdict[order] == word
        if tested.any():
            ax.vlines(rank[of], low[order][of], high[order][of], color=colour, lw=0.6, alpha=0.35, rasterized=True)
        ax.plot(rank[of], mean[order][of], ".", ms=2.5, color=colour, label=f"{word}: {of.sum()}")
    ax.axhline(0, color=LAW, lw=0.8)
    if tested.any():
        # intervals of few draws would hide the order
        ax.set_ylim(*np.quantile(np.concatenate([low, high]), [0.01, 0.99]))
    ax.set_xlabel(f"rank of the compound ({'tested in enough draws' if tested.any() else 'too few draws for any test'})")
    ax.set_ylabel(f"gain [{record['unit']}]")
    ax.set_title(f"gain {name}", fontsize=9.5)
    ax.legend(fontsize=8, markerscale=3, loc="upper right")
    return ax


def explained_panel(record: dict, ax: Axes | None = None) -> Axes:
    """What explains the order of the gains: each property's association with its 95 % interval; filled where Holm p < 5 %.

    Args:
        record: of :func:`sim2real.transport_gains.gain_record`.
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
            ax.plot(r["value"], k + shift, "o", color=colour, mfc=colour if r["p_holm"] < 0.05 else "white", ms=5)
        ax.plot([], [], "o-", color=colour, label=f"gain {gain}")
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.invert_yaxis()
    ax.set_xlabel("rank association with the gain, 95 %; filled: Holm $p$ < 5 %", fontsize=8.5)
    ax.legend(fontsize=7.5, loc="lower right")
    return ax


def gain_figure(record: dict, payload: dict) -> Figure:
    """The ranked compounds, for both gains, and what explains them."""
    figure, axes = panel_grid(3, 3, (4.7, 3.9), 0.5)
    for name, ax in zip(record["gains"], axes):
        ranked_panel(record, name, ax)
    explained_panel(record, axes[2])
    _title(figure, payload, 170, "Verdicts: Benjamini-Hochberg at 10 %; bars: 95 % over source draws.")
    return figure
