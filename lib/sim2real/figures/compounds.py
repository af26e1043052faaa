"""Single compounds of the Wiedemann-Franz study: both conductivities, a fan of their errors, and who gains."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim2real.chemistry.simulators.wiedemann_franz import NON_WF, WF
from sim2real.figures.curves import GROUP_COLOURS, GROUP_MARKERS
from sim2real.figures.style import DIRECT, LAW, TRANSFER, below, few, figure, headed, legend, letters, loglog, panels
from sim2real.figures.words import number, percent, tick, words_of

METALS = "#b3261e"
UNTESTED = "no test"
TOLD = {"gains": TRANSFER, "loses": DIRECT, "cannot be told": "#777777", UNTESTED: "#c8c8c8"}
QUANTILES = ((0.1, 0.9, 0.15), (0.25, 0.75, 0.3))
NAMED = ((0.1, ":"), (0.5, "-."), (0.9, (0, (3, 1, 1, 1))))  # quantiles of a group whose nearest compounds, at all n, are named
_SIGNS = 26  # of a name in a legend: an alloy's composition may have sixty


def _fan(record: Mapping) -> list[dict]:
    """Of each group: name, colour, number, quantiles of its compounds' curves at each n, and the named compounds."""
    curves, wf, names, fans = np.array(record["curves"], float), np.array(record["wf"]), np.array(record["names"]), []
    curves = np.maximum(curves, curves[curves > 0].min())  # an error of 0 has no place on a logarithmic axis
    kinds = np.where(np.isin(wf, [WF, NON_WF]), wf, "others")
    for name in (kind for kind in (WF, NON_WF, "others") if (kinds == kind).any()):
        of, named = kinds == name, {}
        own = curves[of]
        quantiles = {q: np.quantile(own, q, axis=0) for q in (0.1, 0.25, 0.5, 0.75, 0.9)}
        for q, dashes in NAMED:
            distance = np.abs(np.log(own / quantiles[q])).mean(axis=1)
            k = next(k for k in np.argsort(distance, kind="stable") if names[of][k] not in named or len(own) < len(NAMED))
            named[str(names[of][k])] = (own[k], dashes)
        fan = {"name": name, "colour": GROUP_COLOURS.get(name, "#555555"), "count": int(of.sum()), "named": named}
        fans.append(fan | {"quantiles": quantiles})
    return fans


def _compounds_caption(payload: dict) -> str:
    (record,) = payload["records"]
    medians = ((f, f["quantiles"][0.5]) for f in _fan(record))
    falls = "; ".join(f"{f['name']} ({f['count']:,}): median {number(of[0])} to {number(of[-1])}" for f, of in medians)
    return (
        f"Mean error of each of {len(record['names']):,} tested compounds against $n$, by group: median and the middle 50 % and "
        f"80 % of the compounds at each $n$. {falls}, {record['unit']}. Named: the compounds nearest to the 10, 50 and 90 % "
        f"quantiles of their group, in this order. Each was tested on independent source draws {np.median(record['tested']):.0f} "
        "time(s), by the median: a single curve falls and rises by chance."
    )


@figure(_compounds_caption)
def compounds(payload: dict) -> Figure:
    """Fig. 6e: the error of single compounds against n, as a fan of quantiles for each group, with a few compounds by name."""
    (record,) = payload["records"]
    n, fans = np.array(record["n"], float), _fan(record)
    made, axes = panels(len(fans), len(fans), 2.7, margin=0.3, sharey=True)
    for ax, fan, letter in zip(axes, fans, letters(len(fans))):
        for low, high, alpha in QUANTILES:
            ax.fill_between(n, fan["quantiles"][low], fan["quantiles"][high], color=fan["colour"], alpha=alpha, lw=0)
        ax.plot(n, fan["quantiles"][0.5], "o-", color=fan["colour"], lw=1.6)
        for compound, (curve, dashes) in fan["named"].items():
            shown = compound if len(compound) <= _SIGNS else f"{compound[: _SIGNS - 1]}…"
            ax.plot(n, curve, ls=dashes, color=LAW, lw=0.8, label=shown)
        loglog(ax)
        first, last = fan["quantiles"][0.5][[0, -1]]
        headed(ax, letter, f"{fan['name']}, {fan['count']:,} compounds", f"median {percent(last / first - 1)} with $n$")
        below(ax, ax.get_lines()[1:], list(fan["named"]))
    axes[0].set_ylabel(f"error of the compound ({record['unit']})")
    axes[len(axes) // 2].set_xlabel(words_of(record).n)
    return made


def _conductivities_caption(payload: dict) -> str:
    (r,) = payload["records"]
    text = f"{r['both']:,} of {r['compounds']:,} compounds have both conductivities (grey: number of compounds). Dashed: "
    text += f"$\\kappa = L\\sigma T$, $T$ = {r['line']['temperature']:.0f} K; below it lie {r['below']:.0%}. "
    text += f"Spearman {number(r['spearman'], 2)}, Pearson {number(r['pearson'], 2)}. "
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
    grid = {"xscale": "log", "yscale": "log", "bins": "log", "gridsize": 45, "mincnt": 1}
    shade = ax.hexbin(sigma, kappa, cmap="Greys", linewidths=0.1, zorder=1, **grid)
    bar = made.colorbar(shade, ax=ax, label="compounds", shrink=0.7)
    bar.ax.yaxis.set_major_formatter(tick)
    bar.ax.minorticks_off()
    for name in (WF, NON_WF):
        style = {"color": GROUP_COLOURS[name], "marker": GROUP_MARKERS[name], "edgecolor": "white", "lw": 0.25, "s": 9, "zorder": 3}
        ax.scatter(sigma[wf == name], kappa[wf == name], label=f"{name} ({(wf == name).sum()})", **style)
    if (metals := record["metals"]) is not None:
        x, y = (10 ** np.array(metals[k]) for k in ("log_sigma", "log_kappa"))
        ax.scatter(x, y, marker="x", s=9, lw=0.6, color=METALS, label=f"metals and alloys ({len(x)})", zorder=2)
    line, ends, limits = record["line"], np.array(ax.get_xlim()), ax.get_ylim()
    ax.plot(ends, line["lorenz_number"] * line["temperature"] * ends, "--", color=LAW, label=r"$\kappa = L\sigma T$")
    ax.set(
        xlim=ends, ylim=limits, xlabel=r"electrical conductivity $\sigma$ (S/m)", ylabel=r"thermal conductivity $\kappa$ (W/(m K))"
    )
    loglog(ax)
    legend(made, [ax], 2)
    return made


def _ranking_caption(payload: dict) -> str:
    (r,) = payload["records"]
    parts = []
    for name, gains in r["gains"].items():
        tested, (win, lose) = sum(p is not None for p in gains["p_bh"]), map(gains["verdict"].count, ("gains", "loses"))
        text = (
            f"gain {name}: of {tested:,} compounds tested often enough {win} gains, {lose} loses, of the others nothing can be told"
        )
        parts.append(f"{text}; {len(r['names']) - tested:,} without a test")
    return (
        f"Compounds ranked by their gain ({'; '.join(parts)}). Verdicts: Student's test of each compound over source draws, "
        "Benjamini-Hochberg; bars: 95 % over source draws, the widest cut off. c: rank association of a property with the gain "
        "(Spearman's $\\rho$; $\\epsilon^2$, the part of the variance of the ranks between labels), 95 % over compounds; filled "
        "where Holm's $p$ < 5 %."
    )


@figure(_ranking_caption)
def ranking(payload: dict) -> Figure:
    """Compounds in the order of their gains, coloured by what can be told of each, and what explains the order."""
    (record,) = payload["records"]
    made, axes = panels(3, 3, 2.9, margin=0, width_ratios=(1, 1, 0.8))
    axes[1].sharey(axes[0])
    limits = []
    for ax, (name, gains), letter in zip(axes, record["gains"].items(), "ab"):
        limits.append(_ranked(ax, gains))
        headed(ax, letter, f"gain {name}".replace(" n", " $n$"))
        ax.set_xlabel("rank of the compound")
    axes[0].set(ylim=(min(low for low, _ in limits), max(high for _, high in limits)), ylabel=f"gain ({record['unit']})")
    axes[0].yaxis.set_major_formatter(tick)
    axes[1].tick_params(labelleft=False)
    _explained(axes[2], record)
    headed(axes[2], "c", "what explains it")
    for ax in axes:
        below(ax, scale=1 if ax is axes[2] else 3)
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
        style = {"color": colour, "mew": 0, "ms": 2, "rasterized": True, "zorder": 1.5 if word == UNTESTED else 2.5}
        ax.plot(rank[of], mean[of], marker, label=f"{word}: {of.sum():,}", **style)
    ax.axhline(0, color=LAW, lw=0.6)
    few(ax.xaxis)
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
        ax.plot([], [], marker + "-", color=colour, ms=4, label=f"gain {gain}".replace(" n", " $n$"))
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(len(names) - 0.5, -0.5), xlabel="rank association with the gain")
    few(ax.xaxis)
