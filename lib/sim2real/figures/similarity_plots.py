"""Figures S1 and S2: how similar the source sets are to the target, and whether their scaling differs."""

from __future__ import annotations

from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from sim2real.figures.plots import DIRECT, OTHER, plain_ticks


def grade_colours(count: int) -> list[tuple]:
    """One colour a grade, from the least (dark) to the most similar (light)."""
    return [plt.get_cmap("viridis")(x) for x in np.linspace(0.0, 0.88, count)]


def similarity_panel(record: dict, ax: Axes | None = None) -> Axes:
    """How many materials of each grade have which similarity to the nearest measured material; a tick at each median.

    Args:
        record: of :func:`sim2real.studies.similarity_results.similarity_record`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(5, 3.4), layout="constrained")[1] if ax is None else ax
    for grade, colour in zip(record["grades"], grade_colours(len(record["grades"]))):
        label = f"{grade['name']}: median {grade['similarity']['median']:.2f}"
        ax.stairs(grade["histogram"], record["edges"], fill=True, color=colour, alpha=0.75, label=label)
        ax.axvline(grade["similarity"]["median"], ymax=0.04, color="black", lw=1.4)
    ax.set_xlabel(fill(record["measure"], 48), fontsize=8.5)
    ax.set_ylabel("simulated materials")
    ax.set_title(f"{len(record['grades'])} sets of {record['grades'][0]['materials']}", fontsize=10)
    ax.legend(frameon=False, fontsize=8)
    return ax


def class_panel(record: dict, ax: Axes | None = None) -> Axes:
    """The share of each class in each grade, in per cent; similarity and class go together as far as columns differ.

    Args:
        record: of :func:`sim2real.studies.similarity_results.similarity_record`, of a study with more than one class.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(4, 4.4), layout="constrained")[1] if ax is None else ax
    classes, grades = record["classes"], record["grades"]
    counts = np.array(classes["counts"], float).T
    share = 100 * counts / counts.sum(axis=0)
    image = ax.imshow(share, aspect="auto", cmap="magma_r", vmin=0)
    ax.set_xticks(range(len(grades)), [g["name"] for g in grades], fontsize=8)
    ax.set_yticks(range(len(classes["names"])), classes["names"], fontsize=7)
    ax.set_xlabel("set, from the least to the most similar", fontsize=8.5)
    ax.set_title(f"Classes (Cramér's $V$ = {classes['cramers_v']:.2f})", fontsize=10)
    ax.figure.colorbar(image, ax=ax, label="% of the set")
    return ax


def similarity_figure(record: dict, payload: dict) -> Figure:
    """Fig. S1: similarity of each grade, and its classes where there are several."""
    with_classes = len(record["classes"]["names"]) > 1
    size = (9.6 if with_classes else 6.4, 4.6)
    figure, axes = plt.subplots(1, 2 if with_classes else 1, figsize=size, layout="constrained", squeeze=False)
    similarity_panel(record, axes[0, 0])
    if with_classes:
        class_panel(record, axes[0, 1])
    _title(figure, record, payload, 110 if with_classes else 75)
    return figure


def grades_panel(record: dict, ax: Axes | None = None) -> Axes:
    """Error against n of every grade with its 90 % band over trials, and direct learning.

    Args:
        record: of :func:`sim2real.studies.similarity_results.similarity_record`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(5, 4), layout="constrained")[1] if ax is None else ax
    n = record["design"]["n"]
    for grade, colour in zip(record["grades"], grade_colours(len(record["grades"]))):
        curve, law = grade["curve"], grade["law"]
        ax.fill_between(n, curve["low"], curve["high"], color=colour, alpha=0.15, lw=0)
        exponent = "" if law["status"] == "FAILED" or law["D"] == 0 else f", $\\alpha$ = {law['alpha']:.2g}"
        label = f"{grade['name']} ({grade['similarity']['median']:.2f}){exponent}"
        ax.plot(n, curve["mae"], "o-", color=colour, ms=3.5, lw=1.3, label=label)
    direct = record["direct"]
    ax.axhspan(direct["low"], direct["high"], color=DIRECT, alpha=0.1, lw=0)
    ax.axhline(direct["mae"], color=DIRECT, ls="--", lw=1.3, label="direct learning")
    ax.set_xscale("log")
    ax.set_yscale("log")
    plain_ticks(ax)
    ax.set_xticks(n, [str(k) for k in n])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("simulated materials $n$")
    ax.set_ylabel("MAE" if record["unit"] == "-" else f"MAE [{record['unit']}]")
    ax.set_title("Scaling by set (median similarity); bands 90 % over trials", fontsize=9)
    ax.legend(frameon=False, fontsize=7.5)
    return ax


def differences_panel(record: dict, ax: Axes | None = None) -> Axes:
    """Differences from the most similar grade at the largest n, and the differences that could not have been detected.

    Crosses and diamonds are such differences between sets cut at random, which shows what the choice of materials does by
    itself, and between sets cut within classes.

    Args:
        record: of :func:`sim2real.studies.similarity_results.similarity_record`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(5, 4), layout="constrained")[1] if ax is None else ax
    end = record["by_n"][-1]
    x = np.arange(len(end["comparisons"]))
    for k, c in zip(x, end["comparisons"]):
        label = "80 % power not reached (Holm's first step)" if k == 0 else None
        ax.fill_between([k - 0.42, k + 0.42], -c["detectable"], c["detectable"], color="#999999", alpha=0.25, lw=0, label=label)
        colour = grade_colours(len(record["grades"]))[k]
        for ends, width, words in (("_materials", 1, "95 %, trials and materials"), ("", 4, "95 %, trials")):
            ax.plot([k, k], [c[f"low{ends}"], c[f"high{ends}"]], color=colour, lw=width, label=words if k == 0 else None)
        ax.plot(k, c["mean"], "o", color=colour, mec="black", ms=6)
        ax.annotate(f"$p$ = {c['p_holm']:.2g}", (k, 0.97), xycoords=("data", "axes fraction"), ha="center", va="top", fontsize=8)
    for name, shift, marker, colour in (("random", 0.28, "x", "#555555"), ("within classes", -0.28, "D", OTHER)):
        if control := record["controls"].get(name):
            means = [c["mean"] for c in control["comparisons"]]
            words = f"cut {'at random' if name == 'random' else name}"
            ax.plot(x + shift, means, marker, color=colour, mfc="white", ms=5, label=words)
    ax.axhline(0, color="black", lw=0.8)
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom - 0.45 * (top - bottom), top + 0.1 * (top - bottom))  # for the words above and below
    ax.set_xticks(x, [g["name"] for g in record["grades"][:-1]])
    ax.set_xlabel(f"set, compared with {record['grades'][-1]['name']} (the most similar)")
    ax.set_ylabel("difference of MAE" if record["unit"] == "-" else f"difference of MAE [{record['unit']}]")
    ax.set_title(f"Paired differences at $n$ = {end['n']} (above 0: worse; $p$ after Holm)", fontsize=9)
    ax.legend(frameon=False, fontsize=7.5, loc="lower left", ncols=2)
    return ax


def scaling_by_similarity_figure(record: dict, payload: dict) -> Figure:
    """Fig. S2: scaling curves of the grades, and their differences at the largest n."""
    figure, axes = plt.subplots(1, 2, figsize=(10.4, 4.7), layout="constrained")
    grades_panel(record, axes[0])
    differences_panel(record, axes[1])
    _title(figure, record, payload, 125)
    return figure


def _title(figure: Figure, record: dict, payload: dict, width: int) -> None:
    design = record["design"]
    text = (
        f"{payload['title']} — {record['label']}, $n$ = {design['n'][0]} to {design['n'][-1]}, $m$ = {design['m']}, "
        f"{design['trials']} trials on {design['source_draws']} source draws, edition {payload['edition']}, "
        f"preset {payload['preset']}. No measured material is in a set."
    )
    figure.suptitle(fill(text, width), fontsize=9.5)
