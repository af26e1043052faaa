"""Architectures drawn from the widths of their layers: a plain network (Figs. 1a, 6a) and two towers (Fig. 3)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from sim2real.figures.style import DIRECT, LAW, NARROW, TRANSFER, WIDE, figure

CIRCLES = 7
"""Circles drawn for a wide layer."""
POLYMER, SOLVENT, BETWEEN = "#5b3a8c", "#2f7d57", "#7a6200"


def _network_caption(payload: dict) -> str:
    widths = payload["records"][0]["widths"]
    hidden = ", ".join(map(str, widths[1:-1]))
    return f"The network that is trained: {widths[0]} numbers of the descriptor, {hidden} hidden units, one property."


@figure(_network_caption)
def network(payload: dict) -> Figure:
    """Fig. 1a: a fully connected network from its ``widths``, from the descriptor to the one output."""
    widths = payload["records"][0]["widths"]
    made = Figure(figsize=(NARROW, 1.9), layout="constrained")
    ax = made.subplots()
    heights = [np.linspace(-1, 1, min(w, CIRCLES)) * (min(w, CIRCLES) - 1) / (CIRCLES - 1) for w in widths]
    for k, (left, right) in enumerate(zip(heights[:-1], heights[1:])):
        for a in left:
            ends = np.broadcast_to([[k], [k + 1]], (2, len(right)))
            ax.plot(ends, np.stack([np.full(len(right), a), right]), color="#bbbbbb", lw=0.3, zorder=1)
    names = ["descriptor", *[f"hidden {k}" for k in range(1, len(widths) - 1)], "property"]
    for k, (ys, width, name) in enumerate(zip(heights, widths, names)):
        ax.scatter(np.full(len(ys), k), ys, s=22, color=TRANSFER if 0 < k < len(widths) - 1 else LAW, zorder=2)
        ax.text(k, -1.25, f"{name}\n{width}", ha="center", va="top")
    ax.set_xlim(-0.5, len(widths) - 0.5)
    ax.set_ylim(-1.9, 1.15)
    ax.axis("off")
    return made


def _towers_caption(payload: dict) -> str:
    record = payload["records"][0]
    between = f"the {'squared differences' if record['distance'] == 'components' else 'distance'} of their latent numbers"
    return (
        f"Two towers with the same weights, {between}, and a head for measured and one for simulated values. Temperature enters "
        f"the {'towers' if record['temperature'] == 'tower' else 'heads'} as $T$ and $1/T$."
    )


@figure(_towers_caption)
def towers(payload: dict) -> Figure:
    """Fig. 3: two towers with the same weights, what separates their latent numbers, and a head for each kind of value."""
    record = payload["records"][0]
    made = Figure(figsize=(WIDE, 2.7), layout="constrained")
    ax = made.subplots()
    tower, head = record["widths"]["tower"], record["widths"]["head"]
    warm = record["temperature"] == "tower"
    step, last = 1.45, len(tower) - 1
    for side, y, colour, flag in zip(record.get("sides", ("polymer", "solvent")), (1.0, -1.0), (POLYMER, SOLVENT), (1, 0)):
        for k, width in enumerate(tower):
            _box(ax, k * step, y, f"{width}", colour if k else LAW, 0.42 + 0.30 * np.log(width) / np.log(max(tower)))
            if k:
                _arrow(ax, ((k - 1) * step, y), (k * step, y))
        text = f"{side}\ndescriptor {tower[0] - 1 - 2 * warm}\n+ flag {flag}" + ("\n+ $T$, $1/T$" if warm else "")
        ax.text(-0.55, y, text, ha="right", va="center")
    for k in range(1, last):
        ax.text(k * step, 1.6, f"hidden {k}", ha="center", va="bottom")
    ax.text(last * step, 1.6, "latent", ha="center", va="bottom")
    ax.text(0.5 * last * step, 0, "the same weights", ha="center", va="center", style="italic", color="#555555")
    x, separation = (last + 1) * step, head[0] - 2 * (not warm)
    words = "squared\ndifferences" if record["distance"] == "components" else "distance"
    _box(ax, x, 0, f"{words}\n{separation}", BETWEEN, 0.95, 1.15)
    for y in (1.0, -1.0):
        _arrow(ax, (last * step, y), (x - 0.1, 0.3 * y))
    if not warm:
        ax.text(x, -1.25, "+ $T$, $1/T$", ha="center", va="top")
        _arrow(ax, (x, -1.2), (x, -0.5), near=0.0)
    for y, colour, name in ((1.0, DIRECT, "measured"), (-1.0, TRANSFER, "simulated")):
        for k, width in enumerate(head[1:], start=1):
            place, final = x + k * step, k == len(head) - 1
            _box(ax, place, y, name if final else f"{width}", colour, 0.6, 1.05 if final else 0.84)
            _arrow(ax, (x + 0.1, 0.3 * y) if k == 1 else (place - step, y), (place - 0.1 * final, y))
    ax.text(x + 0.5 * len(head) * step, 1.6, "heads", ha="center", va="bottom")
    ax.set_xlim(-2.1, x + (len(head) - 1) * step + 0.85)
    ax.set_ylim(-1.75, 1.95)
    ax.axis("off")
    return made


def _box(ax: Axes, x: float, y: float, text: str, colour: str, height: float, width: float = 0.84) -> None:
    corner = (x - width / 2, y - height / 2)
    ax.add_patch(FancyBboxPatch(corner, width, height, boxstyle="round,pad=0.02,rounding_size=0.08", color=colour, lw=0, zorder=2))
    ax.text(x, y, text, ha="center", va="center", fontsize=6.5, color="white", zorder=3)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], near: float = 0.44) -> None:
    style = {"arrowstyle": "->", "color": "#777777", "lw": 0.8, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (end[0] - near, end[1]), (start[0] + near, start[1]), arrowprops=style, zorder=1)
