"""Figure 2 and what follows from it: error against both sizes, curves of equal error and the marginal rate along them.

As in :mod:`sim2real.figures.plots`, each function takes a record of :mod:`sim2real.laws.grid` and draws, nothing else.
"""

from __future__ import annotations

from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from sim2real.figures.plots import DIRECT, LAW, number_text, plain_ticks
from sim2real.laws.grid import stated_surface

PAPER = "#8e44ad"
SHOWN = 5  # curves in a panel: more cannot be told apart


def error_against_n(record: dict, ax: Axes | None = None) -> Axes:
    """Fig. 2a: error against n for several m, with 90 % bands over trials and the fitted surface.

    Args:
        record: of :func:`sim2real.laws.grid.surface_record`.
        ax: where to draw.
    """
    return _against(record, "n", "m", ax)


def error_against_m(record: dict, ax: Axes | None = None) -> Axes:
    """Fig. 2b: error against m for several n, with 90 % bands over trials, the fitted surface and direct learning.

    Args:
        record: of :func:`sim2real.laws.grid.surface_record`.
        ax: where to draw.
    """
    ax = _against(record, "m", "n", ax)
    if record["direct"]:
        m, direct = record["m"], record["direct"]
        ax.fill_between(m, direct["low"], direct["high"], color=DIRECT, alpha=0.12, lw=0)
        ax.plot(m, direct["mae"], "s--", color=DIRECT, ms=3.5, lw=1.4, label="direct learning")
        plain_ticks(ax)
    ax.set_xticks(record["m"], [str(m) for m in record["m"]])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.legend(frameon=False, fontsize=8)
    return ax


def _against(record: dict, along: str, other: str, ax: Axes | None) -> Axes:
    ax = plt.subplots(figsize=(4.6, 3.8), layout="constrained")[1] if ax is None else ax
    mae, low, high = (np.array(record[key]) for key in ("mae", "low", "high"))
    if along == "m":
        mae, low, high = mae.T, low.T, high.T
    sizes, values = np.array(record[along], float), record[other]
    surface, grid = stated_surface(record["surface"]), np.geomspace(sizes[0], sizes[-1], 100)
    chosen = sorted({round(k) for k in np.linspace(0, len(values) - 1, min(SHOWN, len(values)))})
    colours = [to_hex(c) for c in plt.get_cmap("viridis")(np.linspace(0.85, 0.05, len(chosen)))]
    for column, colour in zip(chosen, colours):
        ax.fill_between(sizes, low[:, column], high[:, column], color=colour, alpha=0.18, lw=0)
        ax.plot(sizes, mae[:, column], "o", color=colour, ms=4, label=f"${other}$ = {values[column]:,}")
        fitted = surface(grid, values[column]) if along == "n" else surface(values[column], grid)
        ax.plot(grid, fitted, "-", color=colour, lw=1.2)
    ax.set_xscale("log")
    ax.set_yscale("log")
    plain_ticks(ax)
    ax.set_xlabel("simulated materials $n$" if along == "n" else "measured training materials $m$")
    ax.set_ylabel("MAE" if record["unit"] == "-" else f"MAE [{record['unit']}]")
    ax.legend(frameon=False, fontsize=8)
    return ax


def residual_map(record: dict, ax: Axes | None = None) -> Axes:
    """How far the fitted surface lies from each cell: fitted / observed - 1 in percent, a colour a cell.

    Args:
        record: of :func:`sim2real.laws.grid.surface_record`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(4.2, 3.8), layout="constrained")[1] if ax is None else ax
    n, m = record["n"], record["m"]
    fitted = stated_surface(record["surface"])(np.array(n, float)[:, None], np.array(m, float))
    percent = 100 * (fitted / np.array(record["mae"]) - 1).T
    most = max(1.0, float(np.abs(percent).max()))
    ax.imshow(percent, cmap="RdBu_r", vmin=-most, vmax=most, origin="lower", aspect="auto")
    for row, column in np.ndindex(percent.shape):
        shade = "white" if abs(percent[row, column]) > 0.65 * most else "black"
        ax.text(column, row, f"{round(percent[row, column]):+d}", ha="center", va="center", fontsize=6.5, color=shade)
    ax.set_xticks(range(len(n)), [f"{v:,}" for v in n], rotation=60, fontsize=7)
    ax.set_yticks(range(len(m)), [str(v) for v in m])
    ax.set_xlabel("simulated materials $n$")
    ax.set_ylabel("measured training materials $m$")
    ax.set_title("fitted / observed $-$ 1, in %", fontsize=10)
    return ax


def surface_text(record: dict) -> str:
    """Eq. 1 with its constants, their intervals over trials, and what the fit says of itself."""
    law = record["surface"]
    if law["status"] == "FAILED":
        return "no surface could be fitted"
    a, b, epsilon = (number_text(law[name]) for name in ("A", "B", "epsilon"))
    decay = f"({a}\\,n^{{-{law['alpha']:.3g}}} + {b})" if law["A"] else b
    text = f"$R = {decay}\\,m^{{-{law['beta']:.3g}}} + {epsilon}$"
    text += f"   relative rms {law['rmse']:.1%}"
    if law["intervals"]:
        parts = []
        for name, symbol in (("alpha", r"\alpha"), ("beta", r"\beta"), ("B", "B"), ("epsilon", r"\epsilon")):
            interval = law["intervals"][name]
            ends = f"{interval['low']:.2g} to {interval['high']:.2g}"
            parts.append(f"${symbol}$: " + (f"up to {interval['high']:.2g}" if interval["low"] == 0 else ends))
        text += "   90 %: " + ", ".join(parts)
    if law["bounds_hit"]:
        symbols = {"alpha": r"\alpha", "beta": r"\beta", "epsilon": r"\epsilon"}
        text += "   on its bound: " + ", ".join(f"${symbols.get(b, b)}$" for b in law["bounds_hit"])
    if law["status"] == "MAX_ITER":
        text += "   (the fit was cut off)"
    return text


def surface_figure(record: dict, payload: dict) -> Figure:
    """Figs. 2a and 2b with the residuals of the fit beside, under a title that names the data, trials and edition."""
    figure, axes = plt.subplots(1, 3, figsize=(13.4, 4.6), layout="constrained", width_ratios=(1, 1, 0.95))
    error_against_n(record, axes[0]).set_title("a  against $n$", fontsize=10)
    error_against_m(record, axes[1]).set_title("b  against $m$", fontsize=10)
    residual_map(record, axes[2])
    # one range for both, so that a cell stands at the same height in each
    low, high = (f(ax.get_ylim()[k] for ax in axes[:2]) for k, f in ((0, min), (1, max)))
    for ax in axes[:2]:
        ax.set_ylim(low, high)
        plain_ticks(ax)
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7) if high / low < 30 else (1, 2, 5), numticks=20))
        ax.yaxis.set_minor_locator(NullLocator())
    _title(figure, record, payload, "Points: means with 90 % bands over trials; lines: Eq. 1.", surface_text(record))
    return figure


def indifference_panel(record: dict, ax: Axes | None = None) -> Axes:
    """Curves of equal error over n and m, dashed where they leave the data, with the budget line that touches the last.

    Args:
        record: of :func:`sim2real.laws.grid.indifference_record`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(5.6, 4.6), layout="constrained")[1] if ax is None else ax
    n, m = record["n"], record["m"]
    box = Rectangle((n[0], m[0]), n[-1] - n[0], m[-1] - m[0], facecolor="#dddddd", edgecolor="none", alpha=0.6, zorder=0)
    box.set_label("data")
    ax.add_patch(box)
    for curve, colour in zip(record["curves"], _curve_colours(record)):
        _dashed_outside(ax, curve, curve["at_m"], colour, f"MAE = {curve['error']:.3g}")
        ax.plot(*curve["anchor"], "o", color=colour, ms=5)
    plane = np.array(record["plane_n"])
    last = record["curves"][-1]
    if last["budget_m"]:
        label = f"budget, 1 experiment = {_rate(last['budget_ratio'])} simulations"
        ax.plot(plane, _floats(last["budget_m"]), "-.", color=LAW, lw=1.3, label=label)
    ax.plot(plane, _floats(record["paper_rate_m"]), ":", color=PAPER, lw=1.6, label=f"rate {record['paper_rate']:.0f}, the paper's")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(plane[0], plane[-1])
    ax.set_ylim(m[0] / 4, m[-1] * 10)
    _whole_numbers(ax)
    ax.set_xlabel("simulated materials $n$")
    ax.set_ylabel("measured training materials $m$")
    # nowhere in the plane is free of curves
    ax.legend(frameon=False, fontsize=7.5, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3)
    return ax


def rate_panel(record: dict, ax: Axes | None = None) -> Axes:
    """Simulations worth one experiment along each curve of equal error, with 90 % bands and the paper's 221.

    Args:
        record: of :func:`sim2real.laws.grid.indifference_record`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(5.6, 4.6), layout="constrained")[1] if ax is None else ax
    colours = _curve_colours(record)
    drawn = []
    for curve, colour in zip(record["curves"], colours):
        _dashed_outside(ax, curve, curve["rate"], colour, f"MAE = {curve['error']:.3g}")
        drawn += [v for v in curve["rate"] if v]
    if record["curves"][-1]["at_n"]:
        curve, colour = record["curves"][-1], colours[-1]
        drawn += [v for side in ("low", "low_materials") for v in curve[side] if v]
        n, top = curve["at_n"], 30 * max([*drawn, record["paper_rate"]])
        for low, high, alpha in (("low_materials", "high_materials", 0.10), ("low", "high", 0.25)):
            # an infinite upper end goes to the top of the picture
            ends = np.nan_to_num(_floats(curve[high]), nan=top)
            ax.fill_between(n, _floats(curve[low]), ends, color=colour, alpha=alpha, lw=0)
    ax.axhline(record["paper_rate"], color=PAPER, ls=":", lw=1.6)
    ax.annotate(f"the paper's {record['paper_rate']:.0f}", (0.01, record["paper_rate"]), xycoords=("axes fraction", "data"),
                xytext=(2, 3), textcoords="offset points", color=PAPER, fontsize=8)  # fmt: skip
    edge = record["edge"]
    if edge["rate"] is not None:
        ax.plot(record["n"][-1], edge["rate"], "o", color=colours[-1], ms=6)
    ax.axvspan(record["n"][0], record["n"][-1], color="#dddddd", alpha=0.6, lw=0, zorder=0)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(record["plane_n"][0], record["plane_n"][-1])
    if drawn:
        ax.set_ylim(min(*drawn, record["paper_rate"]) / 3, max(*drawn, record["paper_rate"]) * 3)
    ax.set_xlabel("simulated materials $n$ (with $m$ along the curve)")
    ax.set_ylabel("simulations worth one experiment")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.text(0.98, 0.03, f"at the edge: {rate_text(edge)}", transform=ax.transAxes, ha="right", va="bottom", fontsize=8)
    return ax


def rate_text(edge: dict) -> str:
    """The marginal rate with its two 90 % intervals in words; ``edge`` as in the records."""
    if edge["rate"] is None:
        limits = (("trials", edge["low"]), ("trials and materials", edge["low_materials"]))
        words = (f"90 % over {what}: " + ("never" if low is None else f"above {_rate(low)}") for what, low in limits)
        return "more simulations do not help\n" + "\n".join(words)
    over = ((edge["low"], edge["high"], "trials"), (edge["low_materials"], edge["high_materials"], "trials and materials"))
    return f"{_rate(edge['rate'])}\n" + "\n".join(f"90 % over {what}: {_rate(low)} to {_rate(high)}" for low, high, what in over)


def indifference_figure(record: dict, payload: dict) -> Figure:
    """Curves of equal error and the marginal rate along them, under a title that names the data, trials and edition."""
    figure, axes = plt.subplots(1, 2, figsize=(11.6, 5.0), layout="constrained")
    indifference_panel(record, axes[0])
    rate_panel(record, axes[1])
    remark = (
        "Dashed: extrapolated beyond the data (grey). The budget line is straight on linear axes. Bands of the last curve: 90 %, "
        "over trials (dark), trials and materials (light)."
    )
    _title(figure, record, payload, remark, surface_text(record))
    return figure


def _title(figure: Figure, record: dict, payload: dict, remark: str, law: str) -> None:
    n, m = record["n"], record["m"]
    text = (
        f"{payload['title']} — {record['label']}, n = {n[0]:,} to {n[-1]:,}, m = {m[0]} to {m[-1]}, {record['trials']} trials on "
        f"{record['source_draws']} source draws, edition {payload['edition']}, preset {payload['preset']}. {remark}"
    )
    figure.suptitle(fill(text, 150) + "\n" + law, fontsize=9.5)


def _curve_colours(record: dict) -> list[str]:
    return [to_hex(c) for c in plt.get_cmap("viridis")(np.linspace(0.85, 0.05, len(record["curves"])))]


def _dashed_outside(ax: Axes, curve: dict, values: list, colour: str, label: str) -> None:
    n, y, outside = np.array(curve["at_n"]), _floats(values), np.array(curve["extrapolated"], bool)
    ax.plot(n, np.where(outside, np.nan, y), "-", color=colour, lw=1.8, label=label)
    ax.plot(n, y, "--", color=colour, lw=0.9)


def _floats(values: list) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values], float)


def _rate(value: float | None) -> str:
    if value is None:
        return "infinity"
    # three digits: the intervals are wider than a fourth
    return f"{value:.3g}" if value < 1000 else f"{float(f'{value:.3g}'):,.0f}" if value < 1e6 else f"${number_text(value)}$"


def _whole_numbers(ax: Axes) -> None:
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
        axis.set_minor_formatter(NullFormatter())
