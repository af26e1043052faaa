"""Figures drawn from payloads: each function takes one payload, draws its records and nothing else.

:func:`payload` makes a payload, ``draw.caption(payload)`` says what a figure shows, :func:`save` draws and writes both.
"""

from importlib import import_module
from typing import Any

from sim2real.figures.comparisons import class_parity_figure as class_parity
from sim2real.figures.comparisons import gain_figure as gain_by_accuracy
from sim2real.figures.comparisons import parity_figure as parity
from sim2real.figures.comparisons import split_figure as splits
from sim2real.figures.compounds import compounds, ranking
from sim2real.figures.compounds import conductivity_figure as conductivities
from sim2real.figures.curves import class_figure as classes
from sim2real.figures.curves import groups, scaling
from sim2real.figures.curves import size_figure as target_sizes
from sim2real.figures.data import descriptors
from sim2real.figures.data import map_figure as descriptor_map
from sim2real.figures.networks import network, towers
from sim2real.figures.save import Saved, figure_folder, payload, save
from sim2real.figures.sets import similarity, similarity_scaling
from sim2real.figures.surfaces import grid_figure as curve_grid
from sim2real.figures.surfaces import indifference_figure as indifference
from sim2real.figures.surfaces import surface

__all__ = [
    "Saved", "class_parity", "classes", "compounds", "conductivities", "curve_grid", "descriptor_map", "descriptors",
    "figure_folder", "gain_by_accuracy", "groups", "indifference", "network", "parity", "payload", "ranking", "save", "scaling",
    "similarity", "similarity_scaling", "splits", "surface", "target_sizes", "towers",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """``conductivities_hover``, the interactive figure, is imported when it is asked for: it needs the extra ``lab``."""
    if name != "conductivities_hover":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.hover").hover
