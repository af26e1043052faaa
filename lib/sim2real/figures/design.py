"""What to buy next: the error along a budget, classes to go on with, and what policies of growth were worth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from sim2real.figures import style
from sim2real.figures.style import DIRECT, GREY, LAW, LIGHT, SECOND, TRANSFER, figure, headed, letters, panels
from sim2real.figures.words import MINUS, change, mae, number

_FORMS = {"Eq. 1": (TRANSFER, "-", "o"), "two exponents": (DIRECT, "--", "s")}
_LOOKS = ((GREY, "o", ":"), (DIRECT, "s", "--"), (LIGHT, "^", "-."), (TRANSFER, "D", "-"), (SECOND, "v", (0, (5, 1))))
_SIDES = {"scales": (TRANSFER, "o", "go on"), "does not": (DIRECT, "s", "stop"), "cannot be told": (GREY, "D", "cannot be told")}


def _money(record: Mapping) -> tuple[float, float]:
    """The new money, and the share of it that each form spends on simulations is its n less those that there are, times this."""
    new = record["budget"] - sum(p * k for p, k in zip(_prices(record), record["have"]))
    return new, _prices(record)[0] / new if new else 0.0


def _prices(record: Mapping) -> tuple[float, float]:
    return record["prices"]["simulation"], record["prices"]["measurement"]


def _allocation_caption(payload: dict) -> str:
    parts = []
    for r in payload["records"]:
        simulation, measurement = (number(p) for p in _prices(r))
        part = f"{r['label']}, {r['study']}: {number(_money(r)[0])} more {r['prices']['unit']}, of which a simulation costs "
        part += f"{simulation} and a measurement {measurement}, on top of {r['have'][0]:,} and {r['have'][1]:,}. "
        for s in r["splits"]:
            ends = [f"{max(0, low - have):,.0f} to {max(0, high - have):,.0f}" for (low, high), have in _ends(r, s)]
            part += f"{s['form']}: {s['n'] - r['have'][0]:,} simulations ({ends[0]}) and {s['m'] - r['have'][1]:,} measurements "
            part += f"({ends[1]}), error {number(s['error'])} ({number(s['error_range'][0])} to {number(s['error_range'][1])}); no "
            part += f"more simulations in {s['no_more_n']:.0%} of resamples, no more measurements in {s['no_more_m']:.0%}. "
        parts.append(part)
    text = "Error against the share of the new money that buys simulations, the rest buys measurements; bands: 90 % over trials "
    text += "and materials; markers: the least error, with the 90 % interval of where it lies. The form first named predicts "
    return text + "held-back cells better. " + "".join(parts).replace("%", " %") + "Extrapolated beyond the data."


def _ends(record: Mapping, split: Mapping) -> zip:
    return zip((split["n_range"], split["m_range"]), record["have"])


@figure(_allocation_caption)
def allocation(payload: dict) -> Figure:
    """The error along the line of a budget by both forms of the law, with the best split and its interval; a panel a record."""
    records = payload["records"]
    made, axes = panels(len(records), min(2, len(records)), 2.2, margin=0.75)
    for ax, r, letter in zip(axes, records, letters(len(records))):
        share = _money(r)[1]
        for s in r["splits"]:
            colour, dash, marker = _FORMS[s["form"]]
            ax.fill_between(r["shares"], s["line"]["low"], s["line"]["high"], color=colour, alpha=0.13, lw=0)
            ax.plot(r["shares"], s["line"]["error"], ls=dash, color=colour, label=s["form"])
            at, ends = share * (s["n"] - r["have"][0]), [share * (of - r["have"][0]) for of in s["n_range"]]
            ax.plot(ends, [s["error"]] * 2, "-", color=colour, lw=2.5, alpha=0.5, solid_capstyle="butt")
            ax.plot(at, s["error"], marker, color=colour, ms=5, mec="white", mew=0.5, label=f"least error, {s['form']}")
        best = r["splits"][0]
        note = f"{best['n'] - r['have'][0]:,} simulations, {best['m'] - r['have'][1]:,} measurements more\nby {best['form']}"
        headed(ax, letter, r["study"].replace("-", " "), note)
        ax.set(xlabel="share of the new money for simulations", ylabel=mae(r), xlim=(-0.02, 1.02))
        ax.xaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
        style.few(ax.yaxis, 5)
    style.legend(made, axes, 4)
    return made


def _stop_caption(payload: dict) -> str:
    (r,) = payload["records"]
    shown, left = _with_curves(r)
    parts = [
        f"{letter}, $n$ = {_span(span)}: " + "; ".join(f"{c['name']} {change(c[part]['change'])}, {_said(c[part])}" for c in shown)
        for letter, part, span in zip("ab", _PARTS, r["spans"])
    ]
    text = f"{r['label']} class by class: relative change of the error, 90 % over trials and materials. {'. '.join(parts)}. "
    text += "Verdicts are at Bonferroni's level for as many classes; stop: the fall is less than 10 % (dotted)."
    return text + (f" Too few tested: {', '.join(left)}." if left else "")


_PARTS = ("whole", "last")


def _with_curves(record: Mapping) -> tuple[list[Mapping], list[str]]:
    """Classes with a change over both parts, and the names of those without."""
    shown = [c for c in record["classes"] if c["whole"]["change"] and c["last"]["change"]]
    return shown, [c["name"] for c in record["classes"] if c not in shown]


def _said(record: Mapping) -> str:
    return _SIDES[record["verdict"]][2]


def _span(span: list) -> str:
    return "{:,} to {:,}".format(*span)


@figure(_stop_caption)
def stop_or_go(payload: dict) -> Figure:
    """Which classes go on to gain from simulations: the change of each class's error, over all of n and over its last part."""
    (record,) = payload["records"]
    shown, _ = _with_curves(record)
    made, axes = panels(2, 2, 0.55 + 0.19 * max(len(shown), 3), margin=0.6, sharey=True)
    for ax, part, span, letter in zip(axes, _PARTS, record["spans"], "ab"):
        for y, c in enumerate(reversed(shown)):
            (colour, marker, label), of = _SIDES[c[part]["verdict"]], c[part]["change"]
            ax.hlines(y, of["low"], of["high"], color=colour, lw=1.4)
            ax.plot(of["mean"], y, marker, color=colour, ms=4.5, label=label)
        ax.axvline(0, color=LAW, lw=0.6)
        ax.axvline(-0.1, color=LAW, lw=0.6, ls=":")
        ax.set_yticks(range(len(shown)), [f"{c['name']} ({c['tested']:,})" for c in shown[::-1]])
        ax.xaxis.set_major_formatter(lambda v, _: f"{v:.0%}".replace("-", MINUS))
        ax.set_xlabel("change of the error")
        headed(ax, letter, f"$n$ = {_span(span)}")
    style.legend(made, axes, 3)
    return made


def _growth_caption(payload: dict) -> str:
    (r,) = payload["records"]
    regret = ", ".join(
        f"{name} {r['regret']['mean'][k][-1]:.1%} (up to {r['regret']['high'][k][-1]:.1%})".replace("%", " %")
        for k, name in enumerate(r["policies"])
    )
    return (
        f"{r['label']}: a source grown class by class, $m$ = {r['m']:,}, {r['trials']} trials, each with its own split and order "
        "of simulations; policies see validation errors of sets that they had, never a test row. a: error on held-out materials, "
        "90 % over trials. b: how much it exceeds that of the best in hindsight at each budget, 90 % over trials. c: what each had "
        f"bought in the end, by class (shares); crosses: of the measured materials. At {r['budgets'][-1]:,}: {regret}. "
        f"{' '.join(r['verdict']['text'].splitlines())} ({len(r['policies']) - 1} comparisons, none corrected for that.)"
    )


@figure(_growth_caption)
def growth(payload: dict) -> Figure:
    """A replay of growth: error and regret of each policy at each budget, and what was bought."""
    (r,) = payload["records"]
    made, (left, middle, right) = panels(3, 3, 2.75, margin=0.35, width_ratios=(1, 1, 1.05))
    budgets, last = np.array(r["budgets"], float), len(r["policies"]) - 1
    for k, (name, (colour, marker, dash)) in enumerate(zip(r["policies"], _LOOKS)):
        shift = 1.06 ** (k - last / 2)
        line = {"color": colour, "marker": marker, "ls": dash, "ms": 4}
        left.plot(budgets, r["mae"][k], label=name, **line)
        left.fill_between(budgets, r["low"][k], r["high"][k], color=colour, alpha=0.10, lw=0)
        later = slice(1, None)
        values = [np.array(r["regret"][of][k])[later] for of in ("mean", "low", "high")]
        middle.vlines(budgets[later] * shift, values[1], values[2], color=colour, lw=1.2)
        middle.plot(budgets[later] * shift, values[0], color=colour, marker=marker, ls="none", ms=4)
        bought = np.array(r["bought"][k])
        right.plot(bought / bought.sum(), np.arange(len(bought)), color=colour, marker=marker, ls="none", ms=4)
    right.plot(r["shares"], np.arange(len(r["shares"])), "x", color=LAW, ms=5, label="measured")
    right.set_yticks(range(len(r["classes"])), r["classes"])
    style.loglog(left, x=r["budgets"])
    style.ticks(middle, r["budgets"][1:])
    for axis in (middle.yaxis, right.xaxis):
        axis.set_major_formatter(lambda v, _: f"{v:.0%}")
    left.set(xlabel="simulations bought", ylabel=mae(r))
    middle.set(xlabel="simulations bought", ylabel="regret", xlim=(budgets[1] / 1.5, budgets[-1] * 1.5))
    right.set(xlabel="share of what was bought")
    for ax, letter, title in zip((left, middle, right), "abc", ("error", "above the best in hindsight", "what was bought")):
        headed(ax, letter, title)
    style.legend(made, [left, right], 5)
    return made
