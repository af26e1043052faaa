"""Source sets of graded similarity (Figs. S1 and S2): what they hold, how they scale, whether they differ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from seaborn import heatmap, histplot

from sim2real.figures.curves import direct_line
from sim2real.figures.style import GREY, LAW, MARKERS, SECOND, figure, headed, loglog, panels, shades
from sim2real.figures.tables import similarity_verdict
from sim2real.figures.words import mae, number, tick, words_of


def _similarity_words(record: Mapping) -> str:
    d = record["design"]
    return f"{record['label']}, $n$ = {d['n'][0]:,} to {d['n'][-1]:,}, $m$ = {d['m']:,}. No measured material is in a set. "


def _similarity_caption(payload: dict) -> str:
    (r,) = payload["records"]
    sets = ", ".join(f"{g['name']} {number(g['similarity']['median'], 2)}" for g in r["grades"])
    text = f"{_similarity_words(r)}a: {len(r['grades'])} sets of {r['grades'][0]['materials']:,} simulated materials by their"
    text += f" {r['measure']}; medians (short ticks): {sets}. "
    if len(r["classes"]["names"]) > 1:
        text += "b: share of each class in each set, per cent; association of class and set, Cramér's $V$ = "
        text += f"{number(r['classes']['cramers_v'], 2)}."
    return text


@figure(_similarity_caption)
def similarity(payload: dict) -> Figure:
    """Fig. S1: how similar each source set is to the measured materials, and which classes it holds."""
    (record,) = payload["records"]
    grades, classes = record["grades"], record["classes"]
    several = len(classes["names"]) > 1
    made, axes = panels(1 + several, 1 + several, 2.9, margin=0.35)
    edges = np.array(record["edges"])
    for grade, colour in zip(grades, shades(len(grades), dark_first=True)):
        style = {"color": colour, "alpha": 0.8, "ax": axes[0], "label": grade["name"], "edgecolor": "white", "linewidth": 0.2}
        histplot(x=(edges[:-1] + edges[1:]) / 2, weights=grade["histogram"], bins=record["edges"], **style)
        axes[0].axvline(grade["similarity"]["median"], ymax=0.04, color=LAW)
    axes[0].set_xlabel(record["measure"].replace(" (", "\n("))
    axes[0].set_ylabel("simulated materials")
    for axis in (axes[0].xaxis, axes[0].yaxis):
        axis.set_major_formatter(tick)
    headed(axes[0], "a" if several else "", f"sets of {grades[0]['materials']:,} materials")
    axes[0].legend(loc="upper right", title="set")
    if several:
        counts = np.array(classes["counts"], float).T
        share = 100 * counts / counts.sum(axis=0)
        names = {"xticklabels": [g["name"] for g in grades], "yticklabels": classes["names"]}
        heatmap(share, ax=axes[1], cmap="magma_r", vmin=0, cbar_kws={"label": "% of the set"}, **names)
        axes[1].tick_params(length=0)
        axes[1].tick_params(axis="y", rotation=0)
        axes[1].set_xlabel("set, from the least to the most similar")
        headed(axes[1], "b", "classes")
    return made


def _similarity_scaling_caption(payload: dict) -> str:
    (r,) = payload["records"]
    end = r["by_n"][-1]
    p = ", ".join(f"{g['name']} {number(c['p_holm'], 2)}" for g, c in zip(r["grades"], end["comparisons"]))
    text = (
        f"{_similarity_words(r)}a: error against $n$ by set (median similarity), bands 90 % over trials. b: paired differences "
        f"from {r['grades'][-1]['name']}, the most similar, at $n$ = {end['n']:,} (above 0: worse); bars 95 % over trials "
        "(thick), trials and materials (thin); grey: differences that 80 % power would not find (Holm's first step). $p$ after "
        f"Holm: {p}. "
    )
    told = similarity_verdict(r)
    return f"{text}{told['verdict'].capitalize()}. {told['text']}"


@figure(_similarity_scaling_caption)
def similarity_scaling(payload: dict) -> Figure:
    """Fig. S2: scaling of the source sets, and their differences from the most similar one at the largest n."""
    (record,) = payload["records"]
    made, (left, right) = panels(2, 2, 2.3, margin=1.1)
    grades, n = record["grades"], record["design"]["n"]
    colours = shades(len(grades), dark_first=True)
    for grade, colour, marker in zip(grades, colours, MARKERS):
        curve, law = grade["curve"], grade["law"]
        left.fill_between(n, curve["low"], curve["high"], color=colour, alpha=0.12, lw=0)
        exponent = "" if law["status"] == "FAILED" or law["D"] == 0 else f", $\\alpha$ = {number(law['alpha'], 2)}"
        label = f"{grade['name']} ({number(grade['similarity']['median'], 2)}){exponent}"
        left.plot(n, curve["mae"], marker + "-", color=colour, label=label)
    direct_line(left, record["direct"], band=True)
    loglog(left, x=n)
    left.set_xlabel(words_of(record).n)
    left.set_ylabel(mae(record))
    _differences(right, record, colours)
    for ax, letter, title in ((left, "a", "scaling by set"), (right, "b", f"difference from {grades[-1]['name']}")):
        headed(ax, letter, title)
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, columnspacing=1)
    return made


def _differences(ax: Axes, record: Mapping, colours: list[str]) -> None:
    end, grades = record["by_n"][-1], record["grades"]
    x = np.arange(len(end["comparisons"]))
    for k, c in zip(x, end["comparisons"]):
        label = "80 % power not reached" if k == 0 else None
        ax.fill_between([k - 0.42, k + 0.42], -c["detectable"], c["detectable"], color=GREY, alpha=0.25, lw=0, label=label)
        for ends, width, words in (("_materials", 0.8, "95 %, trials and materials"), ("", 2.5, "95 %, trials")):
            ax.plot([k, k], [c[f"low{ends}"], c[f"high{ends}"]], color=colours[k], lw=width, label=words if k == 0 else None)
        ax.plot(k, c["mean"], MARKERS[k], color=colours[k], mec="black", mew=0.5, ms=4)
    for name, shift, marker, colour in (("random", 0.28, "x", LAW), ("within classes", -0.28, "d", SECOND)):
        if control := record["controls"].get(name):
            words = f"cut {'at random' if name == 'random' else name}"
            ax.plot(x + shift, [c["mean"] for c in control["comparisons"]], marker, color=colour, mfc="white", ms=4, label=words)
    ax.axhline(0, color=LAW, lw=0.6)
    names = [f"{g['name']}\n$p$ = {number(c['p_holm'], 2)}" for g, c in zip(grades, end["comparisons"])]
    ax.set_xticks(x, names)
    ax.yaxis.set_major_formatter(tick)
    ax.set_ylabel(f"difference of {mae(record)}")
