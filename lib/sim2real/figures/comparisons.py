"""One thing beside another: simulated and measured values, splits, gains and the simulator's accuracy, single compounds, source sets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from seaborn import heatmap, histplot

from sim2real.chemistry.simulators.wiedemann_franz import NON_WF, WF
from sim2real.figures.curves import GROUP_COLOURS, GROUP_MARKERS, direct_line
from sim2real.figures.style import (
    DIRECT,
    GREY,
    LAW,
    LIGHT,
    MARKERS,
    OTHER,
    TRANSFER,
    WIDE,
    figure,
    headed,
    legend,
    letters,
    loglog,
    panels,
    plain,
    shades,
)
from sim2real.figures.words import MINUS, between, mae, number, shared, unit, words_of

METALS = "#b3261e"
SIMULATORS = ((TRANSFER, "o"), (DIRECT, "^"), ("#4aa36a", "s"))
UNTESTED = "no test"
TOLD = {"gains": TRANSFER, "loses": DIRECT, "cannot be told": "#777777", UNTESTED: "#c8c8c8"}
BEYOND = 0.6
"""How far above the highest gain its axis goes: the interval of a class of few pairs may be endless."""
MEASURES = {"spearman": "rank correlation", "mae_line": "MAE after a line", "skill": "1 \u2212 MAE after a line / MAE of the mean"}
GAINS = {"with_direct": "transfer / direct \u2212 1", "with_n": "largest / smallest $n$ \u2212 1"}


def _linear(ax: Axes) -> None:
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(4))
        axis.set_major_formatter(lambda v, _: number(v))


def _equality(ax: Axes, values: list[float]) -> None:
    if values:
        ends = [min(values), max(values)]
        ax.plot(ends, ends, "-", color=GREY, lw=0.7, zorder=0)


def _parity_caption(payload: dict) -> str:
    parts = [
        f"{r['label']}: {r['rows']:,} points, Spearman {number(r['spearman'], 2)}, Pearson {number(r['pearson'], 2)}, bias {number(r['bias'], sign=True)}, MAE {number(r['mae'])}"
        + (f" {unit(r)}" if r["unit"] != "-" else "")
        for r in payload["records"]
    ]  # fmt: skip
    return "Simulated against measured values; grey: equality. Bias and mean absolute error (MAE) are of simulated $-$ measured. " + "; ".join(parts) + "."  # fmt: skip


@figure(_parity_caption)
def parity(payload: dict) -> Figure:
    """Simulated against measured values with the line of equality, a panel a property."""
    records = payload["records"]
    columns = min(4, len(records))
    made, axes = panels(len(records), columns, 7.0 / max(columns, 3), margin=0.3)
    for ax, record, letter in zip(axes, records, letters(len(records))):
        few = len(record["measured"]) < 200
        style = {"s": 9, "alpha": 0.8} if few else {"s": 2.5, "alpha": 0.35, "rasterized": True}
        ax.scatter(record["measured"], record["simulated"], color=TRANSFER, lw=0, **style)
        _equality(ax, [*record["measured"], *record["simulated"]])
        _linear(ax)
        ax.set_xlabel(f"measured ({unit(record)})")
        ax.set_ylabel(f"simulated ({unit(record)})")
        name, _, kind = record["label"].partition(", ")
        headed(ax, letter, name, f"{kind}{chr(10) * bool(kind)}Spearman {number(record['spearman'], 2)}, {record['rows']:,} points")
    return made


def _class_parity_caption(payload: dict) -> str:
    first = payload["records"][0]
    ranks = []
    for r in payload["records"]:
        sides = ", ".join(f"{name} {_rank(side)} ({side['rows']})" for name, side in r["simulators"].items())
        ranks.append(f"{r['name']} {sides}")
    return (
        f"{first['label']} class by class, {first['target_name']} against simulated values; no network is involved; grey: equality. "
        "Spearman's rank correlation (rows): " + "; ".join(ranks) + "."
    )


def _rank(side: Mapping) -> str:
    return "too few" if side["spearman"] is None else number(side["spearman"], 2)


@figure(_class_parity_caption)
def class_parity(payload: dict) -> Figure:
    """Fig. 5b: measured against simulated values class by class, on one pair of axes, with rank correlations."""
    records = payload["records"]
    columns = min(4, len(records))
    made, axes = panels(len(records), columns, 1.75, margin=0.7, sharex=True, sharey=True)
    everything = [v for r in records for side in r["simulators"].values() for v in (*side["simulated"], *side["measured"])]
    for ax, record, letter in zip(axes, records, letters(len(records))):
        for (name, side), (colour, marker) in zip(record["simulators"].items(), SIMULATORS):
            ax.scatter(side["simulated"], side["measured"], s=7, alpha=0.6, lw=0, color=colour, marker=marker, label=name)
        _equality(ax, everything)
        note = "\n".join(rf"$\rho$ = {_rank(side)} ({side['rows']})" for side in record["simulators"].values())
        headed(ax, letter, record["name"], note)
        _linear(ax)
    made.supxlabel(f"simulated ({unit(records[0])})", fontsize=7)
    made.supylabel(f"{records[0]['target_name']} ({unit(records[0])})", fontsize=7)
    legend(made, axes[:1], 3, "upper right", scale=2)
    return made


def _gain_caption(payload: dict) -> str:
    (record,) = payload["records"]
    n_low, n_high = record["n"]
    words = {"with_direct": "transfer against direct learning", "with_n": f"$n$ = {n_high:,} against {n_low:,}"}
    parts = []
    for gain, measures in record["correlations"].items():
        for measure, c in measures.items():
            told = (
                f"$\\rho$ = {number(c['spearman'], 2)} ({between(c['low'], c['high'])}), $p$ = {number(c['p'], 2)}"
                if c
                else "fewer than four classes"
            )
            parts.append(f"{words[gain]}, {MEASURES[measure]}: {told}")
    text = (
        f"What each class gains from simulations (relative change of the error; below 0 is a gain) against how good {record['simulator']} is on it. "
        f"Bars: 90 % over trials and pairs. Rank correlations over {len(record['classes'])} classes, 90 %, none corrected for their number: {'; '.join(parts) or 'none'}."
    )  # fmt: skip
    return text + (f" Too few rows or no simulated values: {', '.join(record['left_out'])}." if record["left_out"] else "")


@figure(_gain_caption)
def gain_by_accuracy(payload: dict) -> Figure:
    """The gain of each class against two measures of the simulator's accuracy on it: over direct learning, and with n."""
    (record,) = payload["records"]
    made, axes = panels(4, 2, 1.9, margin=1.1, sharex="col", sharey="row")
    for k, (ax, letter) in enumerate(zip(axes, "abcd")):
        gain, measure = list(GAINS)[k // 2], ("spearman", "skill")[k % 2]
        for j, c in enumerate(record["classes"]):
            mean, style = c[gain]["mean"], {"mfc": "white"} if j % 2 else {}
            error = [[mean - c[gain]["low"]], [c[gain]["high"] - mean]]
            colour, label = (TRANSFER, DIRECT, "#555555")[j % 3], f"{c['name']} ({c['rows']})"
            ax.errorbar(
                c[measure], mean, yerr=error, fmt=MARKERS[j % len(MARKERS)], color=colour, ms=4, lw=0.6, label=label, **style
            )
        ax.axhline(0, color=LAW, lw=0.6)
        if record["classes"]:
            low, high = min(c[gain]["low"] for c in record["classes"]), max(c[gain]["mean"] for c in record["classes"])
            ax.set_ylim(low - 0.05, min(max(c[gain]["high"] for c in record["classes"]) + 0.05, high + BEYOND))
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.yaxis.set_major_formatter(lambda v, _: f"{v:.0%}".replace("-", MINUS))
        ax.xaxis.set_major_formatter(lambda v, _: number(v, 2))
        if k >= 2:
            ax.set_xlabel(MEASURES[measure])
        if k % 2 == 0:
            ax.set_ylabel(GAINS[gain])
        c = record["correlations"].get(gain, {}).get(measure)
        note = "fewer than four classes: no correlation"
        if c:
            note = rf"$\rho$ = {number(c['spearman'], 2)} ({between(c['low'], c['high'])}), $p$ = {number(c['p'], 2)}, {c['classes']} classes"
        headed(ax, letter, "over direct learning" if gain == "with_direct" else "with $n$", note)
    legend(made, axes[:1], 4)
    return made


def _splits_caption(payload: dict) -> str:
    parts = [f"{r['words']}: {shared(r)}" for r in payload["records"] if r["shared"]]
    first = payload["records"][0]
    return (
        f"Error under each way of splitting measured rows, $m$ = {first['m']:,}. a: bars 90 % over trials. b: transfer $-$ direct learning, paired; bars: 2 standard errors over trials. "
        f"Of the test rows, seen in training: {'; '.join(parts)}."
    )  # fmt: skip


@figure(_splits_caption)
def splits(payload: dict) -> Figure:
    """Direct learning and transfer under each way of splitting, and their paired difference."""
    records = payload["records"]
    made, (left, right) = panels(2, 2, 0.45 + 0.42 * len(records), margin=0.75, sharey=True)
    y, n = np.arange(len(records), dtype=float)[::-1], records[0]["n"]
    columns = [("direct", DIRECT, "s", "direct learning", 0.25, None)]
    styles = ((LIGHT, "v"), (TRANSFER, "o"))
    columns += [("transfer", *styles[k], f"transfer, $n$ = {n[k]:,}", -0.25 * k, k) for k in range(len(n))]
    for key, colour, marker, label, shift, k in columns:
        values = [r[key] if k is None else r[key][k] for r in records]
        left.hlines(y + shift, [v["low"] for v in values], [v["high"] for v in values], color=colour, lw=1.2)
        left.plot([v["mae"] for v in values], y + shift, marker, color=colour, ms=4, label=label)
        if k is not None:
            mean, error = (np.array([r["differences"][k][name] for r in records]) for name in ("mean", "standard_error"))
            right.errorbar(mean, y + shift, xerr=2 * error, fmt=marker, color=colour, ms=4, lw=1.2, label=label)
    left.set_yticks(y, [r["words"].replace(" (", "\n(") for r in records])
    left.set_ylim(-0.6, len(records) - 0.4)
    right.axvline(0, color=LAW, lw=0.6)
    left.set_xlabel(mae(records[0]))
    right.set_xlabel(f"transfer \u2212 direct ({unit(records[0])})")
    for ax, letter, title in ((left, "a", "error"), (right, "b", "paired difference")):
        ax.xaxis.set_major_formatter(lambda v, _: number(v))
        headed(ax, letter, title)
    legend(made, [left], 3)
    return made


def _conductivities_caption(payload: dict) -> str:
    (r,) = payload["records"]
    text = (
        f"{r['both']:,} of {r['compounds']:,} compounds have both conductivities (grey: number of compounds). Dashed: $\\kappa = L\\sigma T$, "
        f"$T$ = {r['line']['temperature']:.0f} K; below it lie {r['below']:.0%}. Spearman {number(r['spearman'], 2)}, Pearson {number(r['pearson'], 2)}. "
    )
    for name, distance, side in ((WF, r["nearest"], "at most"), (NON_WF, r["farthest"], "at least")):
        if distance is not None:
            text += f"{name}: {r['wf'].count(name)} compounds, {side} {number(distance, 2)} decades from the law. "
    return text + (f"Crosses: {len(r['metals']['names'])} measured metals and alloys, part of no training." if r["metals"] else "")


@figure(_conductivities_caption)
def conductivities(payload: dict) -> Figure:
    """Fig. 6b: thermal against electrical conductivity, shaded by density, with the law, its nearest and farthest compounds."""
    (record,) = payload["records"]
    made, (ax,) = panels(1, 1, 3.0, width=4.6, margin=0.75)
    sigma, kappa = (10 ** np.array(record[k]) for k in ("log_sigma", "log_kappa"))
    wf = np.array(record["wf"])
    shade = ax.hexbin(
        sigma, kappa, xscale="log", yscale="log", gridsize=45, bins="log", mincnt=1, cmap="Greys", linewidths=0.1, zorder=1
    )
    bar = made.colorbar(shade, ax=ax, label="compounds", shrink=0.7)
    bar.ax.yaxis.set_major_formatter(lambda v, _: number(v))
    bar.ax.minorticks_off()
    for name in (WF, NON_WF):
        style = {"color": GROUP_COLOURS[name], "marker": GROUP_MARKERS[name], "edgecolor": "white", "lw": 0.25, "s": 9, "zorder": 3}
        ax.scatter(sigma[wf == name], kappa[wf == name], label=f"{name} ({(wf == name).sum()})", **style)
    if (metals := record["metals"]) is not None:
        x, y = (10 ** np.array(metals[k]) for k in ("log_sigma", "log_kappa"))
        ax.scatter(x, y, marker="x", s=9, lw=0.6, color=METALS, label=f"metals and alloys ({len(x)})", zorder=2)
    line, ends, limits = record["line"], np.array(ax.get_xlim()), ax.get_ylim()
    ax.plot(ends, line["lorenz_number"] * line["temperature"] * ends, "--", color=LAW, label=r"$\kappa = L\sigma T$")
    loglog(ax)
    ax.set_xlim(ends)
    ax.set_ylim(limits)
    plain(ax.xaxis)
    plain(ax.yaxis)
    ax.set_xlabel(r"electrical conductivity $\sigma$ (S/m)")
    ax.set_ylabel(r"thermal conductivity $\kappa$ (W/(m K))")
    legend(made, [ax], 2)
    return made


def _ranking_caption(payload: dict) -> str:
    (r,) = payload["records"]
    parts = []
    for name, gains in r["gains"].items():
        tested = [p for p in gains["p_bh"] if p is not None]
        counts = ", ".join(f"{gains['verdict'].count(word)} {word}" for word in ("gains", "loses"))
        rest = len(r["names"]) - len(tested)
        parts.append(
            f"gain {name}: of {len(tested):,} compounds tested often enough {counts}, of the others nothing can be told; {rest:,} without a test"
        )
    return (
        f"Compounds ranked by their gain ({'; '.join(parts)}). Verdicts: Student's test of each compound over source draws, Benjamini-Hochberg; "
        "bars: 95 % over source draws, the widest cut off. c: rank association of a property with the gain (Spearman's $\\rho$; $\\epsilon^2$, the part of the variance of the ranks between labels), "
        "95 % over compounds; filled where Holm's $p$ < 5 %."
    )  # fmt: skip


@figure(_ranking_caption)
def ranking(payload: dict) -> Figure:
    """Compounds in the order of their gains, coloured by what can be told of each, and what explains the order."""
    (record,) = payload["records"]
    made = Figure(figsize=(WIDE, 2.9), layout="constrained")
    axes = list(made.subplots(1, 3, width_ratios=(1, 1, 0.8)))
    axes[1].sharey(axes[0])
    limits = []
    for ax, (name, gains), letter in zip(axes, record["gains"].items(), "ab"):
        limits.append(_ranked(ax, gains))
        headed(ax, letter, f"gain {name}")
        ax.set_xlabel("rank of the compound")
    axes[0].set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
    axes[0].set_ylabel(f"gain ({record['unit']})")
    axes[0].yaxis.set_major_formatter(lambda v, _: number(v))
    axes[1].tick_params(labelleft=False)
    _explained(axes[2], record)
    headed(axes[2], "c", "what explains it")
    for ax in axes:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), markerscale=1 if ax is axes[2] else 3)
    return made


def _ranked(ax: Axes, gains: Mapping) -> tuple[float, float]:
    """Draw the ranked gains; the range of errors to show, which a few wide intervals would blow up."""
    mean, low, high = (np.array(gains[k], float) for k in ("mean", "low", "high"))
    tested = np.array([p is not None for p in gains["p_bh"]])
    words = np.where(tested, gains["verdict"], UNTESTED)
    rank = np.empty(len(mean))
    rank[np.argsort(-mean, kind="stable")] = np.arange(1, len(mean) + 1)
    for (word, colour), marker in zip(TOLD.items(), "^v.."):
        of = words == word
        if word != UNTESTED:
            ax.vlines(rank[of], low[of], high[of], color=colour, lw=0.4, alpha=0.35, rasterized=True)
        ax.plot(rank[of], mean[of], marker, ms=2, color=colour, mew=0, label=f"{word}: {of.sum():,}", rasterized=True)
    ax.axhline(0, color=LAW, lw=0.6)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.xaxis.set_major_formatter(lambda v, _: number(v))
    ends = np.concatenate([mean, np.quantile(low[tested], [0.02]), np.quantile(high[tested], [0.98])]) if tested.any() else mean
    return ends.min() - 0.05 * np.ptp(ends), ends.max() + 0.05 * np.ptp(ends)


def _explained(ax: Axes, record: Mapping) -> None:
    symbols, names = {"Spearman's rho": r"$\rho$", "epsilon squared": r"$\epsilon^2$"}, []
    ax.axvline(0, color=LAW, lw=0.6)
    for (gain, rows), colour, marker, shift in zip(record["explained"].items(), (TRANSFER, DIRECT), "os", (-0.14, 0.14)):
        names = [f"{r['name'].replace(' in the', chr(10) + 'in the')} ({symbols[r['measure']]})" for r in rows]
        for k, r in enumerate(rows):
            if r["value"] is not None:
                ax.plot([r["low"], r["high"]], [k + shift] * 2, color=colour)
                ax.plot(r["value"], k + shift, marker, color=colour, mfc=colour if r["p_holm"] < 0.05 else "white", ms=4)
        ax.plot([], [], marker + "-", color=colour, ms=4, label=f"gain {gain}")
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.xaxis.set_major_formatter(lambda v, _: number(v))
    ax.set_xlabel("rank association with the gain")


def _similarity_words(record: Mapping) -> str:
    d = record["design"]
    return f"{record['label']}, $n$ = {d['n'][0]:,} to {d['n'][-1]:,}, $m$ = {d['m']:,}. No measured material is in a set. "


def _similarity_caption(payload: dict) -> str:
    (r,) = payload["records"]
    sets = ", ".join(f"{g['name']} {number(g['similarity']['median'], 2)}" for g in r["grades"])
    text = f"{_similarity_words(r)}a: {len(r['grades'])} sets of {r['grades'][0]['materials']:,} simulated materials by their {r['measure']}; medians (short ticks): {sets}. "
    if len(r["classes"]["names"]) > 1:
        text += f"b: share of each class in each set, per cent; association of class and set, Cramér's $V$ = {number(r['classes']['cramers_v'], 2)}."
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
    axes[0].yaxis.set_major_formatter(lambda v, _: number(v))
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
        f"{_similarity_words(r)}a: error against $n$ by set (median similarity), bands 90 % over trials. b: paired differences from {r['grades'][-1]['name']}, the most similar, at $n$ = {end['n']:,} "
        f"(above 0: worse); bars 95 % over trials (thick), trials and materials (thin); grey: differences that 80 % power would not find (Holm's first step). $p$ after Holm: {p}. "
    )  # fmt: skip
    verdict = payload.get("verdict")
    return text + (f"{verdict['verdict'].capitalize()}. {verdict['text']}" if verdict else "")


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
        left.plot(
            n,
            curve["mae"],
            marker + "-",
            color=colour,
            label=f"{grade['name']} ({number(grade['similarity']['median'], 2)}){exponent}",
        )
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
    for name, shift, marker, colour in (("random", 0.28, "x", LAW), ("within classes", -0.28, "d", OTHER)):
        if control := record["controls"].get(name):
            words = f"cut {'at random' if name == 'random' else name}"
            ax.plot(x + shift, [c["mean"] for c in control["comparisons"]], marker, color=colour, mfc="white", ms=4, label=words)
    ax.axhline(0, color=LAW, lw=0.6)
    names = [f"{g['name']}\n$p$ = {number(c['p_holm'], 2)}" for g, c in zip(grades, end["comparisons"])]
    ax.set_xticks(x, names)
    ax.yaxis.set_major_formatter(lambda v, _: number(v))
    ax.set_ylabel(f"difference of {mae(record)}")
