"""One function a figure: it takes a record or payload of :mod:`sim2real.laws.curve` and draws, nothing else.

Functions with ``ax=None`` draw one panel and return its axes; those with a whole payload return a figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

from sim2real.laws.power import PowerLaw

TRANSFER, DIRECT, LAW, OTHER = "#1f5fa8", "#c0392b", "#111111", "#7b4fa3"
BASELINE_STYLES = {
    "ridge": ("#777777", ":"),
    "trees": ("#2e8b57", ":"),
    "boosting": ("#8c564b", ":"),
    "neighbour": ("#e377c2", ":"),
    "simulator": ("#b8860b", "-."),
    "law": ("#17a2b8", "-."),
}
FAR = 1.3  # a baseline this many times above the highest point of the curves is not drawn
BASELINE_LABELS = {
    "ridge": "ridge",
    "trees": "extra trees",
    "boosting": "gradient boosting",
    "neighbour": "nearest neighbours",
    "simulator": "simulator + line",
    "law": "simulator as it is",
}


@dataclass(frozen=True)
class Words:
    """How the figures of a study call what others call by other names.

    Attributes:
        source: the axis of n.
        drop, keep: the curve with the other choice of overlap.
        own: what the difference between the two choices buys.
        baselines: labels of the arms; those without one are not drawn.
    """

    source: str = "simulated materials $n$"
    drop: str = "transfer, target materials not in the source"
    keep: str = "transfer, target materials in the source"
    own: str = "candidates' own simulations"
    baselines: Mapping[str, str] = field(default_factory=lambda: BASELINE_LABELS)


MATERIALS = Words()


def scaling_panel(record: dict, ax: Axes | None = None, *, words: Words = MATERIALS) -> Axes:
    """Error against n on logarithmic axes: points, 90 % band over trials, fitted law, direct learning and baselines.

    Args:
        record: of :func:`sim2real.laws.curve.scaling_record`.
        ax: where to draw.
        words: of the study.
    """
    ax = plt.subplots(figsize=(4.2, 3.4), layout="constrained")[1] if ax is None else ax
    curve, law = record["curve"], record["law"]
    n = np.array(curve["n"])
    ax.fill_between(n, curve["low_materials"], curve["high_materials"], color=TRANSFER, alpha=0.10, lw=0)
    ax.fill_between(n, curve["low"], curve["high"], color=TRANSFER, alpha=0.30, lw=0)
    ax.plot(n, curve["mae"], "o-", color=TRANSFER, ms=4, lw=1.2, label="transfer")
    if law["status"] != "FAILED":
        grid = np.geomspace(n[0], n[-1], 100)
        fitted = PowerLaw(law["D"], law["alpha"], law["C"])
        ax.plot(grid, fitted(grid), "--", color=LAW, lw=1.2, label="fitted law")
    ax.axhline(record["arms"]["direct"]["mae"], color=DIRECT, ls="--", lw=1.4, label="direct learning")
    other = record["other_overlap"]
    if other is not None:
        ax.plot(other["n"], other["mae"], "s:", color=OTHER, ms=4, lw=1.2, mfc="white", label=getattr(words, other["overlap"]))
    high = FAR * max(*curve["high"], record["arms"]["direct"]["mae"])
    beyond = []
    for arm, (colour, style) in BASELINE_STYLES.items():
        if arm not in record["arms"] or arm not in words.baselines:
            continue
        mae = record["arms"][arm]["mae"]
        if mae > high:
            # a line far above would squeeze the curve: its value is written instead
            beyond.append(f"{words.baselines[arm]}: {mae:.3g}")
        else:
            ax.axhline(mae, color=colour, ls=style, lw=1.1, label=words.baselines[arm])
    ax.set_xscale("log")
    ax.set_yscale("log")
    bottom, top = ax.get_ylim()
    room = 0.18 if other is None else 0.35
    ax.set_ylim(bottom / (top / bottom) ** room, top)  # for the words below the curve
    if beyond:
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # it may stand on another baseline's line
        text = "off scale: " + ", ".join(beyond)
        ax.text(0.97, 0.97, text, transform=ax.transAxes, fontsize=7.5, va="top", ha="right", bbox=box, zorder=5)
    plain_ticks(ax)
    unit = "" if record["unit"] == "-" else f" [{record['unit']}]"
    ax.set_xlabel(words.source)
    ax.set_ylabel(f"MAE{unit}")
    ax.set_title(f"{record['label']}  ($m$ = {curve['m']})", fontsize=10)
    text = law_text(law) + ("" if other is None else "\n" + gains_text(other["gains"], words))
    ax.text(0.03, 0.03, text, transform=ax.transAxes, fontsize=7.5, va="bottom", ha="left")
    return ax


def gains_text(gains: dict, words: Words = MATERIALS) -> str:
    """What the candidates' own simulations and the rest of the database buy, with standard errors over trials."""
    own, rest = (with_error(gains[part]["mean"], gains[part]["standard_error"]) for part in ("own", "rest"))
    return f"rest of the database: {rest}\n{words.own}: {own}"


def law_text(law: dict) -> str:
    """The law as an equation, with what its fit says of itself."""
    if law["status"] == "FAILED":
        return "no law could be fitted"
    if law["D"] == 0:
        return f"no decay with $n$: constant {law['C']:.3g}"
    equation = f"${number_text(law['D'])}\\,n^{{-{law['alpha']:.3g}}} + {number_text(law['C'])}$"
    if law["intervals"]:
        low, high = law["intervals"]["alpha"]["low"], law["intervals"]["alpha"]["high"]
        equation += f"\n$\\alpha$: {low:.2g} to {high:.2g}"
    if law["bounds_hit"]:
        equation += "; on its bound: " + ", ".join(r"$\alpha$" if b == "alpha" else f"${b}$" for b in law["bounds_hit"])
    return equation


def with_error(mean: float, standard_error: float) -> str:
    """A signed mean and its standard error, both to the error's second digit: ``-0.0103 ± 0.0041``."""
    decimals = max(0, 1 - int(np.floor(np.log10(standard_error)))) if standard_error > 0 else 3
    return f"{mean:+.{decimals}f} ± {standard_error:.{decimals}f}"


def number_text(value: float) -> str:
    """Three digits, in mathematical notation where the number is very small or large."""
    if value == 0:
        return "0"
    if 1e-3 <= value < 1e5:
        return f"{value:.3g}"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa}\\times10^{{{int(exponent)}}}"


def plain_ticks(ax: Axes) -> None:
    """A few plain numbers on a logarithmic error axis, which often spans less than a decade."""
    low, high = ax.get_ylim()
    if high / low < 8:
        ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    else:
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(ScalarFormatter())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.ticklabel_format(axis="y", style="plain", useOffset=False)


def panel_grid(count: int, columns: int, size: tuple[float, float], margin: float) -> tuple[Figure, list[Axes]]:
    """A figure with ``count`` panels of ``size`` inches in rows of ``columns``, with ``margin`` more inches of height."""
    rows = -(-count // columns)
    shape = (size[0] * columns, size[1] * rows + margin)
    figure, axes = plt.subplots(rows, columns, figsize=shape, layout="constrained", squeeze=False)
    for ax in axes.flat[count:]:
        ax.set_visible(False)
    return figure, list(axes.flat[:count])


def legend_below(figure: Figure, axes: Sequence[Axes], columns: int) -> None:
    """One legend of all panels below them; what stands in several panels stands in it once."""
    handles: dict[str, object] = {}
    for ax in axes:
        handles.update(zip(*reversed(ax.get_legend_handles_labels())))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=columns, frameon=False, fontsize=8.5)


def scaling_figure(records: Sequence[dict], payload: dict) -> Figure:
    """Fig. 1b: a panel per property under one title that names the data, the trials and the stand-in."""
    columns = min(2, len(records))
    figure, axes = panel_grid(len(records), columns, (4.9, 3.7), 0.3)
    for record, ax in zip(records, axes):
        scaling_panel(record, ax)
    legend_below(figure, axes, 2 * columns)
    design = payload["design"]
    figure.suptitle(
        fill(
            f"{payload['title']} — {design['trials']} trials on {design['source_draws']} source draws, "
            f"overlap {design['overlap']}, edition {payload['edition']}, "
            f"preset {payload['preset']}. Bands: 90 %, over trials (dark), trials and materials (light).",
            58 * columns,
        ),
        fontsize=9.5,
    )
    return figure


def target_size_panel(record: dict, ax: Axes | None = None) -> Axes:
    """Error against the number m of measured training materials, for transfer and direct learning, with 90 % bands.

    Args:
        record: of :func:`sim2real.laws.curve.target_size_record`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(4.2, 3.4), layout="constrained")[1] if ax is None else ax
    for arm, colour, label in (
        ("transfer", TRANSFER, f"transfer, $n$ = {record['n']}"),
        ("direct", DIRECT, "direct learning"),
    ):
        ax.fill_between(record["m"], record[arm]["low"], record[arm]["high"], color=colour, alpha=0.2, lw=0)
        ax.plot(record["m"], record[arm]["mae"], "o-", color=colour, ms=4, lw=1.2, label=label)
    ax.set_xscale("log")
    ax.set_yscale("log")
    plain_ticks(ax)
    ax.set_xticks(record["m"], [str(m) for m in record["m"]])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("measured training materials $m$")
    ax.set_ylabel("MAE" if record["unit"] == "-" else f"MAE [{record['unit']}]")
    ax.set_title(f"{record['label']}  ({record['trials']} trials)", fontsize=10)
    ax.legend(frameon=False, fontsize=8)
    return ax


def target_size_figure(records: Sequence[dict], payload: dict) -> Figure:
    """A panel per property of error against m under one title."""
    figure, axes = plt.subplots(1, len(records), figsize=(4.4 * len(records), 3.7), layout="constrained")
    for record, ax in zip(records, np.atleast_1d(axes)):
        target_size_panel(record, ax)
    figure.suptitle(fill(f"{payload['title']} — edition {payload['edition']}, preset {payload['preset']}", 120), fontsize=9)
    return figure


def parity_panel(record: dict, ax: Axes | None = None) -> Axes:
    """Simulated against measured values with the line of equality, rank correlation and bias.

    Args:
        record: of :func:`sim2real.studies.survey.parity_record`.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(3.8, 3.6), layout="constrained")[1] if ax is None else ax
    measured, simulated = np.array(record["measured"]), np.array(record["simulated"])
    size, alpha = (18, 0.8) if len(measured) < 200 else (5, 0.35)
    ax.scatter(measured, simulated, s=size, alpha=alpha, color=TRANSFER, lw=0)
    ends = np.array([min(measured.min(), simulated.min()), max(measured.max(), simulated.max())])
    ax.plot(ends, ends, "-", color="#999999", lw=1)
    unit = "" if record["unit"] == "-" else f" [{record['unit']}]"
    ax.set_xlabel(f"measured{unit}")
    ax.set_ylabel(f"simulated{unit}")
    ax.set_title(f"{record['label']}  ({record['rows']:,} points)", fontsize=10)
    signed = ((record["bias"], "+"), (record["mae"], ""))
    bias, mae = (f"{v:{sign},.0f}" if abs(v) >= 100 else f"{v:{sign}.3g}" for v, sign in signed)
    text = f"Spearman {record['spearman']:.2f}, Pearson {record['pearson']:.2f}\nbias {bias}, MAE {mae}"
    ax.text(0.97, 0.03, text, transform=ax.transAxes, va="bottom", ha="right", fontsize=8)
    return ax


def parity_figure(records: Sequence[dict], payload: dict) -> Figure:
    """A parity panel per property under one title."""
    columns = {2: 2, 4: 2, 8: 4}.get(len(records), min(3, len(records)))
    figure, axes = panel_grid(len(records), columns, (4.0, 3.6), 0.3)
    for record, ax in zip(records, axes):
        parity_panel(record, ax)
    figure.suptitle(fill(f"{payload['title']} — edition {payload['edition']}", 100), fontsize=9.5)
    return figure


def architecture(widths: Sequence[int], ax: Axes | None = None, *, shown: int = 7) -> Axes:
    """Fig. 1a: a fully connected network drawn from its layer widths.

    Args:
        widths: units per layer, from the descriptor to the one output.
        ax: where to draw.
        shown: circles drawn for a wide layer.
    """
    ax = plt.subplots(figsize=(7.4, 2.9), layout="constrained")[1] if ax is None else ax
    heights = [np.linspace(-1, 1, min(w, shown)) * (min(w, shown) - 1) / (shown - 1) for w in widths]
    for k, (left, right) in enumerate(zip(heights[:-1], heights[1:])):
        for a in left:
            ends = np.broadcast_to([[k], [k + 1]], (2, len(right)))
            ax.plot(ends, np.stack([np.full(len(right), a), right]), color="#bbbbbb", lw=0.4, zorder=1)
    names = ["descriptor", *[f"hidden {k}" for k in range(1, len(widths) - 1)], "property"]
    for k, (ys, width, name) in enumerate(zip(heights, widths, names)):
        colour = TRANSFER if 0 < k < len(widths) - 1 else LAW
        ax.scatter(np.full(len(ys), k), ys, s=70, color=colour, zorder=2)
        ax.text(k, -1.35, f"{name}\n{width}", ha="center", va="top", fontsize=9)
    ax.set_xlim(-0.5, len(widths) - 0.5)
    ax.set_ylim(-1.9, 1.2)
    ax.axis("off")
    return ax
