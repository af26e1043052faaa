"""Figures drawn from payloads (:func:`payload`) and nothing else; ``draw.caption(payload)`` says what a figure shows."""

from importlib import import_module
from typing import Any

from sim2real.figures.comparisons import class_parity, gain_by_accuracy, parity, splits
from sim2real.figures.compounds import compounds, conductivities, ranking
from sim2real.figures.curves import classes, groups, scaling, target_sizes, ways
from sim2real.figures.data import cell, descriptor_map, descriptors, quality
from sim2real.figures.design import allocation, growth, stop_or_go
from sim2real.figures.forms import forms
from sim2real.figures.networks import network, towers
from sim2real.figures.save import Saved, figure_folder, payload, save
from sim2real.figures.sets import similarity, similarity_scaling
from sim2real.figures.surfaces import curve_grid, indifference, surface

__all__ = [
    "Saved", "allocation", "cell", "class_parity", "classes", "compounds", "conductivities", "curve_grid", "descriptor_map",
    "descriptors", "figure_folder", "forms", "gain_by_accuracy", "groups", "growth", "indifference", "network", "parity",
    "payload", "quality", "ranking", "save", "scaling", "similarity", "similarity_scaling", "splits", "stop_or_go", "surface",
    "target_sizes", "towers", "ways",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """``conductivities_hover``, the interactive figure, is imported when it is asked for: it needs the extra ``lab``."""
    if name != "conductivities_hover":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.hover").hover
