"""What the descriptors of simulated and measured materials look like (notebook 00)."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim2real.figures.plots import DIRECT


def descriptor_blocks(vectors: dict[str, np.ndarray], feature_names: Sequence[str]) -> Figure:
    """Descriptors of a few materials as rows of colour, one strip a block, a block being the names' part before ``_``.

    Args:
        vectors: name of the material -> (d,).
        feature_names: (d,) such as ``charge_07`` or ``k_bond_00``.
    """
    blocks: dict[str, list[int]] = {}
    for column, name in enumerate(feature_names):
        blocks.setdefault(name.rsplit("_", 1)[0], []).append(column)
    size = (1.15 * len(blocks) + 2, 0.32 * len(vectors) + 1.3)
    figure, axes = plt.subplots(1, len(blocks), figsize=size, sharey=True, layout="constrained")
    matrix = np.stack(list(vectors.values()))
    for ax, (block, columns) in zip(axes, blocks.items()):
        image = ax.imshow(matrix[:, columns], aspect="auto", cmap="magma", vmin=0, vmax=1, interpolation="nearest")
        ax.set_title(block, fontsize=9)
        elements = [feature_names[c].rsplit("_", 1)[1] for c in columns]
        labelled = not elements[0].isdigit()
        ax.set_xticks(range(len(columns)) if labelled else [0, len(columns) - 1])
        ax.set_xticklabels(elements if labelled else ["0", "1"], fontsize=5)
        ax.tick_params(length=2)
    axes[0].set_yticks(range(len(vectors)), list(vectors), fontsize=8)
    figure.colorbar(image, ax=axes, fraction=0.02, label="mean kernel value")
    figure.supxlabel("element of the mass block; kernel centre on the block's scale of 0 to 1 elsewhere", fontsize=8)
    return figure


def descriptor_map(source: np.ndarray, target: np.ndarray, share: Sequence[float], ax: Axes | None = None) -> Axes:
    """Simulated and measured materials on two axes of their descriptors.

    Args:
        source: (n, 2) positions of simulated materials.
        target: (m, 2) positions of measured ones.
        share: of the variance that each axis holds.
        ax: where to draw.
    """
    ax = plt.subplots(figsize=(5.2, 4.4), layout="constrained")[1] if ax is None else ax
    ax.scatter(*source.T, s=3, alpha=0.25, lw=0, color="#888888", label=f"simulated ({len(source)})")
    ax.scatter(*target.T, s=22, lw=0.4, edgecolor="white", color=DIRECT, label=f"measured ({len(target)})")
    ax.set_xlabel(f"principal component 1 ({share[0]:.0%} of the variance)")
    ax.set_ylabel(f"principal component 2 ({share[1]:.0%})")
    ax.legend(frameon=False, fontsize=8, markerscale=1.5)
    return ax
