"""What the laws say, as a figure or a table in one call: each noun has its own of either."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sim2real import figures
from sim2real.figures import tables
from sim2real.laws.arms import ArmTable, Split
from sim2real.laws.classes import ClassCurve, Prospects
from sim2real.laws.curve import LearningCurve, TargetSizes
from sim2real.laws.design import Allocation
from sim2real.laws.grid import CurveGrid, ErrorSurface, Indifference
from sim2real.studies.growth import Growth

# how each noun is shown: its figure, drawn from a payload, and its table
NOUNS: dict[type, dict[str, Callable]] = {
    LearningCurve: {"figure": figures.scaling, "table": tables.scaling},
    TargetSizes: {"figure": figures.target_sizes, "table": tables.sizes},
    ClassCurve: {"figure": figures.classes, "table": tables.class_verdicts},
    Split: {"figure": figures.splits, "table": tables.splits},
    ErrorSurface: {"figure": figures.surface, "table": lambda nouns: tables.surfaces({of.facts.study: of for of in nouns})},
    Indifference: {"figure": figures.indifference},
    CurveGrid: {"figure": figures.curve_grid, "table": lambda nouns: tables.rates(nouns[0])},
    ArmTable: {"table": tables.arms},
    Allocation: {"figure": figures.allocation, "table": tables.allocations},
    Prospects: {"figure": figures.stop_or_go, "table": lambda nouns: tables.prospects(nouns[0])},
    Growth: {"figure": figures.growth, "table": lambda nouns: tables.policies(nouns[0])},
}


def plot(nouns: Any, *, title: str = "", words: str = "") -> Figure:
    """The figure of what a function of :mod:`sim2real` returned; TypeError for anything else.

    Args:
        nouns: a learning curve, an error surface and the like, or several of one kind.
        title: five words or fewer.
        words: what is transferred to what; stands in the caption that :func:`write` writes.
    """
    draw, payload = _payload(nouns, "figure", title, words)
    return draw(payload)


def table(nouns: Any) -> pd.DataFrame:
    """The table of what a function of :mod:`sim2real` returned: three significant digits, what matters first; else TypeError.

    Args are the first of :func:`plot`'s.
    """
    shown, several = _shown(nouns, "table")
    return shown(several)


def write(nouns: Any, folder: str | Path, name: str = "figure", *, title: str = "", words: str = "") -> tuple[Path, ...]:
    """Write the figure of what a function of :mod:`sim2real` returned: PNG, PDF, JSON with every number, Markdown with the caption.

    Args are those of :func:`plot`, a folder, made if it does not exist, and the name of the files; returns their paths.
    TypeError: nothing that has a figure.
    """
    return figures.save(*_payload(nouns, name, title, words), Path(folder)).paths


def _payload(nouns: Any, name: str, title: str, words: str) -> tuple[Callable[[dict], Figure], dict]:
    draw, several = _shown(nouns, "figure")
    return draw, figures.payload(name, title, several, edition="local", preset="own", words=words)


def _shown(nouns: Any, what: str) -> tuple[Callable, list]:
    """How these are shown, and the nouns as a list."""
    several = list(nouns) if isinstance(nouns, Sequence) and not isinstance(nouns, str) else [nouns]
    kind = type(several[0])
    if what not in NOUNS.get(kind, {}):
        raise TypeError(f"{kind.__name__} has no {what}; expected one of {', '.join(t.__name__ for t in NOUNS)}")
    return NOUNS[kind][what], several
