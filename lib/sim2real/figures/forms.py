"""Which form forecasts, and how well published exponents are known."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from sim2real.figures.style import DIRECT, GREY, MARKERS, TRANSFER, below, figure, headed, panels
from sim2real.figures.words import tick

_SEEN = "n_max / 8"


def _caption(payload: dict) -> str:
    (r,) = payload["records"]
    sets = {row["curves of"]: f"{row['curves of']}, {row['curves']}" for row in r["scores"] if row["up to"] == _SEEN}
    known = sum(row["identified"] for row in r["published"])
    return (
        "a: median error of a forecast at the largest $n$ by forms fitted to ten $n$ or fewer up to an eighth of it; curves: "
        f"{'; '.join(sets.values())}. MMF: Morgan, Mercer and Flodin's; prior: alpha and $C$ drawn to what half of LCDB 1.1's data "
        f"sets (chosen on) show. b: $\\alpha$ of {len(r['published'])} published curves (Mikami et al., arXiv 2108.11018), "
        f"refitted with $C$ and 90 % intervals by residuals; in {known} both ends lie within 0.001 to 2 (blue)."
    )


@figure(_caption)
def forms(payload: dict) -> Figure:
    """The forecast error of each form, and the exponents of published curves with their intervals."""
    (record,) = payload["records"]
    made, axes = panels(2, 2, 2.7)
    scores = [row for row in record["scores"] if row["up to"] == _SEEN]
    names = list(dict.fromkeys(row["form"] for row in scores))
    for (name, marker), colour in zip(
        zip(dict.fromkeys(row["curves of"] for row in scores), MARKERS), (TRANSFER, DIRECT, GREY, "k")
    ):
        own = [row for row in scores if row["curves of"] == name]
        place = [100 * row["median"] for row in own], [names.index(row["form"]) for row in own]
        axes[0].plot(*place, marker, color=colour, label=name, alpha=0.8)
    axes[0].set(xscale="log", xlabel="median error of the forecast (%)", yticks=range(len(names)), yticklabels=names)
    axes[0].xaxis.set_major_formatter(tick)
    axes[0].invert_yaxis()
    headed(axes[0], "a", "forms")
    below(axes[0], columns=2)
    laws = sorted(record["published"], key=lambda row: (row["alpha_low"], row["alpha_high"]))
    for k, row in enumerate(laws):
        colour = TRANSFER if row["identified"] else GREY
        axes[1].plot([row["alpha_low"], row["alpha_high"]], [k, k], color=colour, linewidth=0.8)
        axes[1].plot(row["alpha"], k, ".", color=colour)
    axes[1].set(
        xlabel=r"exponent $\alpha$",
        ylabel="published curves",
        yticks=[],
        xlim=(-0.05, np.ceil(max(r["alpha_high"] for r in laws)) + 0.05),
    )
    headed(axes[1], "b", "exponents")
    return made
