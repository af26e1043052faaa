"""What the descriptors of simulated and measured materials look like (notebook 00)."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from seaborn import heatmap

from sim2real.figures.style import DIRECT, GREY, WIDE, figure, legend, panels
from sim2real.figures.words import tick

_STRIPS = "Descriptors of a few polymers, one strip a block: elements of the mass block, kernel centres from 0 to 1 elsewhere."


@figure(lambda payload: _STRIPS)
def descriptors(payload: dict) -> Figure:
    """Descriptors as rows of colour; the record has ``features`` (d,), such as ``charge_07``, and ``vectors``, name -> (d,)."""
    features, vectors = (payload["records"][0][key] for key in ("features", "vectors"))
    blocks: dict[str, list[int]] = {}
    for column, name in enumerate(features):
        blocks.setdefault(name.rsplit("_", 1)[0], []).append(column)
    made = Figure(figsize=(WIDE, 0.17 * len(vectors) + 0.95), layout="constrained")
    axes = made.subplots(1, len(blocks), squeeze=False)[0]
    matrix = np.stack([np.array(v) for v in vectors.values()])
    for ax, (block, columns) in zip(axes, blocks.items()):
        names = list(vectors) if ax is axes[0] else False
        shown = {"cmap": "magma", "vmin": 0, "vmax": 1, "cbar": False, "xticklabels": False, "yticklabels": names}
        heatmap(matrix[:, columns], ax=ax, rasterized=True, **shown)
        ax.set_title(block, fontsize=6.5, loc="center")
        ax.tick_params(length=0)
        ends = [features[column].rsplit("_", 1)[1] for column in (columns[0], columns[-1])]
        ax.set_xticks([0.5, len(columns) - 0.5], ["0", "1"] if ends[0].isdigit() else ends, rotation=0)
    made.colorbar(axes[0].collections[0], ax=list(axes), fraction=0.02, label="mean kernel value")
    return made


def _map_caption(payload: dict) -> str:
    record = payload["records"][0]
    shares = " and ".join(f"{share:.0%}" for share in record["share"])
    text = f"Simulated and measured polymers ({record['property']}) on the first two principal components of the simulated ones'"
    return f"{text} descriptors, which hold {shares} of their variance."


@figure(_map_caption)
def descriptor_map(payload: dict) -> Figure:
    """Simulated and measured materials on two axes of their descriptors: ``source``, ``target`` (rows, 2) and ``share`` (2,)."""
    record = payload["records"][0]
    made, (ax,) = panels(1, 1, 2.6, margin=0.5)
    dots = {"s": 2, "alpha": 0.35, "lw": 0, "color": GREY, "rasterized": True}
    diamonds = {"s": 14, "lw": 0.4, "edgecolor": "white", "color": DIRECT, "marker": "D"}
    for side, word, style in (("source", "simulated", dots), ("target", "measured", diamonds)):
        ax.scatter(*np.transpose(record[side]), label=f"{word} ({len(record[side]):,})", **style)
    for axis, k in ((ax.xaxis, 0), (ax.yaxis, 1)):
        axis.set_label_text(f"principal component {k + 1} ({record['share'][k]:.0%} of the variance)")
        axis.set_major_formatter(tick)
    legend(made, [ax], 2)
    return made
