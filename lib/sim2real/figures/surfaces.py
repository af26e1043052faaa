"""Error against both sizes: cuts through Eq. 1 or a law a curve, residuals, slopes, curves of equal error and rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from seaborn import heatmap

from sim2real.figures import style
from sim2real.figures.style import DIRECT, LAW, MARKERS, TRANSFER, below, figure, headed, loglog, panels, shades
from sim2real.figures.words import MINUS, between, edge_worth, mae, number, plain_law, surface_text, words_of, worth
from sim2real.laws.power import PowerLaw
from sim2real.laws.surface import CONSTANTS, ScalingSurface

PAPER, BOX = "#8e44ad", "#dddddd"
_SHOWN = 5  # curves in a panel: more cannot be told apart
Fitted = Callable[[int], Callable[[np.ndarray], np.ndarray] | None]


def stated(surface: Mapping) -> ScalingSurface:
    """The surface of a record, to evaluate it."""
    return ScalingSurface(*(np.nan if surface[name] is None else surface[name] for name in CONSTANTS))


def cuts(ax: Axes, record: Mapping, along: str, fitted: Fitted) -> None:
    """Error against n for several m, or m for several n; ``fitted``: position of the other size -> that curve's line or None."""
    other, words = "m" if along == "n" else "n", words_of(record)
    errors, low, high = (np.array(record[key]) if along == "n" else np.array(record[key]).T for key in ("mae", "low", "high"))
    sizes, values = np.array(record[along], float), record[other]
    grid = np.geomspace(sizes[0], sizes[-1], 100)
    chosen = sorted({round(k) for k in np.linspace(0, len(values) - 1, min(_SHOWN, len(values)))})
    for column, colour, marker in zip(chosen, shades(len(chosen)), MARKERS):
        ax.fill_between(sizes, low[:, column], high[:, column], color=colour, alpha=0.18, lw=0)
        ax.plot(sizes, errors[:, column], marker, color=colour, label=f"${other}$ = {values[column]:,}")
        if (line := fitted(column)) is not None:
            ax.plot(grid, line(grid), "-", color=colour)
    if along == "m" and record["direct"]:
        direct = record["direct"]
        ax.fill_between(sizes, direct["low"], direct["high"], color=DIRECT, alpha=0.12, lw=0)
        ax.plot(sizes, direct["mae"], "x--", color=DIRECT, ms=4, label="direct learning")
    loglog(ax, x=record["m"] if along == "m" else None)
    ax.set_xlabel(getattr(words, along))
    below(ax, columns=2)


def _both_cuts(record: Mapping, fitted: Callable[[str], Fitted], marks: str, third: float = 1) -> tuple[Figure, list[Axes]]:
    """Panels against n and against m on one axis of errors, and room for a third."""
    made, axes = panels(3, 3, 3.0, margin=0, width_ratios=(1, 1, third))
    axes[1].sharey(axes[0])
    for ax, along, letter in zip(axes, "nm", marks):
        cuts(ax, record, along, fitted(along))
        headed(ax, letter, f"against ${along}$")
    axes[0].set_ylabel(mae(record))
    axes[1].tick_params(labelleft=False)
    style.plain(axes[0].yaxis)
    return made, axes


def _ranges(record: Mapping) -> str:
    n, m = record["n"], record["m"]
    return f"{record['label']}, $n$ = {n[0]:,} to {n[-1]:,}, $m$ = {m[0]:,} to {m[-1]:,}"


def _surface_caption(payload: dict) -> str:
    (record,) = payload["records"]
    return (
        f"{_ranges(record)}. a, b: means with 90 % bands over trials (points), and cuts through Eq. 1, fitted to all points at "
        f"once (lines): {surface_text(record['surface'])}. c: fitted / observed $-$ 1 in per cent. Simulations that one "
        f"experiment is worth at the edge of the data: {edge_worth(record['marginal_rate']['edge'])} (paper: "
        f"{number(record['paper']['marginal_rate'])})."
    )


@figure(_surface_caption)
def surface(payload: dict) -> Figure:
    """Fig. 2: error against n and against m with the fitted surface, and what the fit leaves over."""
    (record,) = payload["records"]
    law = stated(record["surface"])

    def fitted(along: str) -> Fitted:
        return lambda k: lambda grid: law(grid, record["m"][k]) if along == "n" else law(record["n"][k], grid)

    made, axes = _both_cuts(record, fitted, "ab", 1.05)
    percent = 100 * (law(np.array(record["n"], float)[:, None], np.array(record["m"], float)) / np.array(record["mae"]) - 1).T
    most = max(1.0, float(np.nanmax(np.abs(percent))) if np.isfinite(percent).any() else 1.0)
    ax = axes[2]
    look = {"cmap": "RdBu_r", "vmin": -most, "vmax": most, "cbar": False, "annot_kws": {"fontsize": 6}}
    look |= {"xticklabels": [f"{v:,}" for v in record["n"]], "yticklabels": [f"{v:,}" for v in record["m"]]}
    words = np.vectorize(lambda v: (f"{round(v):+d}" if round(v) else "0").replace("-", MINUS) if np.isfinite(v) else "")(percent)
    heatmap(percent, annot=words, fmt="", ax=ax, **look)
    ax.invert_yaxis()
    ax.tick_params(axis="x", length=0, rotation=60)
    ax.tick_params(axis="y", length=0, rotation=0)
    ax.set(xlabel=words_of(record).n, ylabel=words_of(record).m)
    headed(ax, "c", "fitted / observed \u2212 1 (%)")
    return made


def _gamma(record: Mapping) -> str:
    of = record["interaction_materials"]["log"]
    return rf"$\gamma$ = {number(of['value'], 2, sign=True)} ({between(of['low'], of['high'], sign=True)})"


def _grid_caption(payload: dict) -> str:
    (record,) = payload["records"]
    rate = record["rate_materials"]
    laws = f"Largest $m$: {plain_law(record['laws_n'][-1])}; largest $n$: {plain_law(record['laws_m'][-1], 'm')}. "
    return (
        f"{_ranges(record)}. b, c: means with 90 % bands over trials (points) and a law fitted to each curve on its own (lines). "
        f"{laws}Right: slope of each curve of b, $d\\log R\\,/\\,d\\log n$, with 90 % intervals over trials (thick), and over "
        f"trials and pairs (thin); over both, {_gamma(record)}; simulations and measurements: {record['verdict']['verdict']}. "
        f"What a measurement is worth in simulations at $n$ = {rate['n']:,.0f}, $m$ = {rate['m']:,.0f}: {worth(rate)} (paper: "
        f"{number(record['paper']['rate'])})."
    )


@figure(_grid_caption)
def curve_grid(payload: dict) -> Figure:
    """Figs. 4b and 4c: error against n and against m, a law a curve, and the slopes that say whether the two interact."""
    (record,) = payload["records"]

    def fitted(along: str) -> Fitted:
        laws = record[f"laws_{along}"]
        return lambda k: None if laws[k]["status"] == "FAILED" else PowerLaw(laws[k]["D"], laws[k]["alpha"], laws[k]["C"])

    made, axes = _both_cuts(record, fitted, "bc")
    ax = axes[2]
    for key, lw, alpha, over in (("interaction", 3, 0.45, "trials"), ("interaction_materials", 0.8, 1, "trials and pairs")):
        slopes = record[key]["slopes"]
        ax.vlines(record["m"], slopes["low"], slopes["high"], color=TRANSFER, lw=lw, alpha=alpha, label=f"90 %, over {over}")
    ax.plot(record["m"], record["interaction"]["slopes"]["value"], "o", color=TRANSFER, ms=4)
    ax.axhline(0, color=LAW, lw=0.6)
    style.ticks(ax, record["m"])
    style.few(ax.yaxis, 5)
    ax.set(xlabel=words_of(record).m, ylabel=r"slope $d\log R\,/\,d\log n$")
    headed(ax, "", "slopes of b", f"{_gamma(record)}: {record['verdict']['verdict']}")
    below(ax)
    return made


def _indifference_caption(payload: dict) -> str:
    (record,) = payload["records"]
    budget = record["curves"][-1]
    cost = f"The budget line, straight on linear axes, has one experiment cost {number(budget['budget_ratio'])} simulations. "
    return (
        f"{_ranges(record)}. a: curves of equal error, {surface_text(record['surface'])}; points: on the diagonal of the data. "
        "b: simulations that one experiment is worth along each curve; bands of the last curve: 90 %, over trials (dark), "
        "trials and materials (light); where a band has no upper end it goes to the top. Dashed: extrapolated beyond the data "
        f"(grey). {cost if budget['budget_m'] else ''}At the edge of the data: {edge_worth(record['edge'])}. Dotted: the paper's "
        f"{number(record['paper_rate'])}."
    )


@figure(_indifference_caption)
def indifference(payload: dict) -> Figure:
    """Curves of equal error over n and m with a budget line, and the marginal rate along them."""
    (record,) = payload["records"]
    made, (left, right) = panels(2, 2, 2.5, margin=0.75)
    n, m, plane, words = record["n"], record["m"], record["plane_n"], words_of(record)
    left.add_patch(Rectangle((n[0], m[0]), n[-1] - n[0], m[-1] - m[0], facecolor=BOX, lw=0, zorder=0, label="data"))
    right.axvspan(n[0], n[-1], color=BOX, lw=0, zorder=0)
    colours = shades(len(record["curves"]))
    for curve, colour, marker in zip(record["curves"], colours, MARKERS):
        for ax, key in ((left, "at_m"), (right, "rate")):
            values, label = _floats(curve[key]), f"MAE {number(curve['error'])}"
            within = np.where(np.array(curve["extrapolated"], bool), np.nan, values)
            ax.plot(curve["at_n"], within, "-", color=colour, lw=1.6, label=label)
            ax.plot(curve["at_n"], values, "--", color=colour, lw=0.7)
        left.plot(*curve["anchor"], marker, color=colour, ms=4)
    last = record["curves"][-1]
    if last["budget_m"]:
        left.plot(plane, _floats(last["budget_m"]), "-.", color=LAW, lw=0.9, label="budget line")
    paper = {"color": PAPER, "ls": ":", "lw": 1.4}
    left.plot(plane, _floats(record["paper_rate_m"]), label=f"the paper's rate, {number(record['paper_rate'])}", **paper)
    right.axhline(record["paper_rate"], **paper)
    drawn = [v for curve in record["curves"] for v in curve["rate"] if v]
    drawn += [v for side in ("low", "low_materials") for v in last[side] if v]
    top = max([*drawn, record["paper_rate"]])
    for low, high, alpha in (("low_materials", "high_materials", 0.10), ("low", "high", 0.25)):
        ends = np.nan_to_num(_floats(last[high]), nan=30 * top)
        right.fill_between(last["at_n"], _floats(last[low]), ends, color=colours[-1], alpha=alpha, lw=0)
    if (rate := record["edge"]["rate"]) is not None:
        right.plot(n[-1], rate, MARKERS[len(colours) - 1], color=colours[-1], ms=4)
    left.set_ylim(m[0] / 4, m[-1] * 10)
    right.set_ylim(min([*drawn, record["paper_rate"]]) / 3, 3 * top)
    for ax, label in ((left, words.m), (right, "simulations worth one experiment")):
        ax.set(xlim=(plane[0], plane[-1]), xlabel=words.n, ylabel=label)
        loglog(ax)
    headed(left, "a", "equal error")
    note = "more simulations do not help" if rate is None else f"{number(rate)} at the edge of the data"
    headed(right, "b", "marginal rate", note)
    style.legend(made, [left], 4)
    return made


def _floats(values: list) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values], float)
