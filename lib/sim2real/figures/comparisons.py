"""One thing beside another: simulated and measured values, ways of splitting, gains and the simulator's accuracy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim2real.figures.style import DIRECT, GREY, LAW, LIGHT, MARKERS, TRANSFER, few, figure, headed, legend, letters, panels
from sim2real.figures.words import MINUS, between, mae, number, shared, tick, unit

SIMULATORS = ((TRANSFER, "o"), (DIRECT, "^"), ("#4aa36a", "s"))
_BEYOND = 0.6  # how far above the highest gain its axis goes: the interval of a class of few pairs may be endless
_MEASURES = {"spearman": "rank correlation", "mae_line": "MAE after a line", "skill": "1 \u2212 MAE after a line / MAE of the mean"}
_GAINS = {"with_direct": "transfer / direct \u2212 1", "with_n": "largest / smallest $n$ \u2212 1"}


def _equality(ax: Axes, values: list[float]) -> None:
    """The line of equality over all values, on linear axes."""
    if values:
        ends = [min(values), max(values)]
        ax.plot(ends, ends, "-", color=GREY, lw=0.7, zorder=0)
    few(ax.xaxis)
    few(ax.yaxis)


def _parity_caption(payload: dict) -> str:
    parts = [
        f"{r['label']}: {r['rows']:,} points, Spearman {number(r['spearman'], 2)}, Pearson {number(r['pearson'], 2)}, bias "
        f"{number(r['bias'], sign=True)}, MAE {number(r['mae'])}" + (f" {unit(r)}" if r["unit"] != "-" else "")
        for r in payload["records"]
    ]
    others = sorted({f", or {r['reference']}" for r in payload["records"] if "reference" in r})
    text = f"Simulated against measured values{''.join(others)}; grey: equality. Bias and mean absolute error (MAE) are of "
    text += "simulated $-$ measured. "
    return text + "; ".join(parts) + "."


@figure(_parity_caption)
def parity(payload: dict) -> Figure:
    """Simulated against measured values with the line of equality, a panel a property."""
    records = payload["records"]
    columns = min(4, len(records))
    made, axes = panels(len(records), columns, 7.0 / max(columns, 3), margin=0.3)
    for ax, record, letter in zip(axes, records, letters(len(records))):
        style = {"s": 9, "alpha": 0.8} if len(record["measured"]) < 200 else {"s": 2.5, "alpha": 0.35, "rasterized": True}
        ax.scatter(record["measured"], record["simulated"], color=TRANSFER, lw=0, **style)
        _equality(ax, [*record["measured"], *record["simulated"]])
        ax.set(xlabel=f"{record.get('reference', 'measured')} ({unit(record)})", ylabel=f"simulated ({unit(record)})")
        name, _, kind = record["label"].partition(", ")
        headed(ax, letter, name, f"{kind}{chr(10) * bool(kind)}Spearman {number(record['spearman'], 2)}, {record['rows']:,} points")
    return made


def _class_parity_caption(payload: dict) -> str:
    first, ranks = payload["records"][0], []
    for r in payload["records"]:
        sides = ", ".join(f"{name} {_rank(side)} ({side['rows']})" for name, side in r["simulators"].items())
        ranks.append(f"{r['name']} {sides}")
    text = (
        f"{first['label']} class by class, {first['target_name']} against simulated values; no network is involved; grey: equality."
    )
    return f"{text} Spearman's rank correlation (rows): {'; '.join(ranks)}."


def _rank(side: Mapping) -> str:
    return "too few" if side["spearman"] is None else number(side["spearman"], 2)


@figure(_class_parity_caption)
def class_parity(payload: dict) -> Figure:
    """Fig. 5b: measured against simulated values class by class, on one pair of axes, with rank correlations."""
    records = payload["records"]
    made, axes = panels(len(records), min(4, len(records)), 1.75, margin=0.7, sharex=True, sharey=True)
    everything = [v for r in records for side in r["simulators"].values() for v in (*side["simulated"], *side["measured"])]
    for ax, record, letter in zip(axes, records, letters(len(records))):
        for (name, side), (colour, marker) in zip(record["simulators"].items(), SIMULATORS):
            ax.scatter(side["simulated"], side["measured"], s=7, alpha=0.6, lw=0, color=colour, marker=marker, label=name)
        _equality(ax, everything)
        note = "\n".join(rf"$\rho$ = {_rank(side)} ({side['rows']})" for side in record["simulators"].values())
        headed(ax, letter, record["name"], note)
    made.supxlabel(f"simulated ({unit(records[0])})", fontsize=7)
    made.supylabel(f"{records[0]['target_name']} ({unit(records[0])})", fontsize=7)
    legend(made, axes[:1], 3, "upper right", scale=2)
    return made


def _association(c: Mapping) -> str:
    return rf"$\rho$ = {number(c['spearman'], 2)} ({between(c['low'], c['high'])}), $p$ = {number(c['p'], 2)}"


def _gain_caption(payload: dict) -> str:
    (record,) = payload["records"]
    words = {"with_direct": "transfer against direct learning", "with_n": "$n$ = {1:,} against {0:,}".format(*record["n"])}
    parts = [
        f"{words[gain]}, {_MEASURES[measure]}: {_association(c) if c else 'fewer than four classes'}"
        for gain, measures in record["correlations"].items()
        for measure, c in measures.items()
    ]
    text = (
        "What each class gains from simulations (relative change of the error; below 0 is a gain) against how good "
        f"{record['simulator']} is on it. Bars: 90 % over trials and pairs. Rank correlations over {len(record['classes'])} "
        f"classes, 90 %, none corrected for their number: {'; '.join(parts) or 'none'}."
    )
    return text + (f" Too few rows or no simulated values: {', '.join(record['left_out'])}." if record["left_out"] else "")


@figure(_gain_caption)
def gain_by_accuracy(payload: dict) -> Figure:
    """The gain of each class against two measures of the simulator's accuracy on it: over direct learning, and with n."""
    (record,) = payload["records"]
    made, axes = panels(4, 2, 1.9, margin=1.1, sharex="col", sharey="row")
    for k, (ax, letter) in enumerate(zip(axes, "abcd")):
        gain, measure = list(_GAINS)[k // 2], ("spearman", "skill")[k % 2]
        for j, c in enumerate(record["classes"]):
            mean, style = c[gain]["mean"], {"mfc": "white"} if j % 2 else {}
            style |= {"fmt": MARKERS[j % len(MARKERS)], "color": (TRANSFER, DIRECT, "#555555")[j % 3], "ms": 4, "lw": 0.6}
            error = [[mean - c[gain]["low"]], [c[gain]["high"] - mean]]
            ax.errorbar(c[measure], mean, yerr=error, label=f"{c['name']} ({c['rows']})", **style)
        ax.axhline(0, color=LAW, lw=0.6)
        if record["classes"]:
            low, high = min(c[gain]["low"] for c in record["classes"]), max(c[gain]["mean"] for c in record["classes"])
            ax.set_ylim(low - 0.05, min(max(c[gain]["high"] for c in record["classes"]) + 0.05, high + _BEYOND))
        ax.yaxis.set_major_formatter(lambda v, _: f"{v:.0%}".replace("-", MINUS))
        ax.xaxis.set_major_formatter(tick)
        ax.set(xlabel=_MEASURES[measure] if k >= 2 else "", ylabel="" if k % 2 else _GAINS[gain])
        c = record["correlations"].get(gain, {}).get(measure)
        note = f"{_association(c)}, {c['classes']} classes" if c else "fewer than four classes: no correlation"
        headed(ax, letter, "over direct learning" if gain == "with_direct" else "with $n$", note)
    legend(made, axes[:1], 4)
    return made


def _splits_caption(payload: dict) -> str:
    parts = [f"{r['words']}: {shared(r)}" for r in payload["records"] if r["shared"]]
    first = payload["records"][0]
    return (
        f"Error under each way of splitting measured rows, $m$ = {first['m']:,}. a: bars 90 % over trials. b: transfer $-$ direct "
        f"learning, paired; bars: 2 standard errors over source draws. Of the test rows, seen in training: {'; '.join(parts)}."
    )


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
    labels = (mae(records[0]), f"transfer {MINUS} direct ({unit(records[0])})")
    for ax, letter, title, label in zip((left, right), "ab", ("error", "paired difference"), labels):
        ax.set_xlabel(label)
        ax.xaxis.set_major_formatter(tick)
        headed(ax, letter, title)
    legend(made, [left], 3)
    return made
