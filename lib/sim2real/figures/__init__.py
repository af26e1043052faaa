"""Figures and tables drawn from payloads: each function takes one payload, draws its records and nothing else.

:func:`payload` makes a payload, ``draw.caption(payload)`` says what a figure shows, :func:`save` writes both.
"""

from sim2real.figures.comparisons import (
    class_parity,
    conductivities,
    gain_by_accuracy,
    parity,
    ranking,
    similarity,
    similarity_scaling,
    splits,
)
from sim2real.figures.curves import classes, compounds, groups, scaling, target_sizes
from sim2real.figures.data import descriptor_map, descriptors
from sim2real.figures.networks import network, towers
from sim2real.figures.save import Saved, figure_folder, payload, save
from sim2real.figures.surfaces import curve_grid, indifference, surface

__all__ = [
    "Saved",
    "class_parity",
    "classes",
    "compounds",
    "conductivities",
    "curve_grid",
    "descriptor_map",
    "descriptors",
    "figure_folder",
    "gain_by_accuracy",
    "groups",
    "indifference",
    "network",
    "parity",
    "payload",
    "ranking",
    "save",
    "scaling",
    "similarity",
    "similarity_scaling",
    "splits",
    "surface",
    "target_sizes",
    "towers",
]
