"""What the laws say, as a figure or a table in one call: each noun has its own of either."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from sim2real import figures
from sim2real.figures import tables
from sim2real.laws.arms import ArmTable, Split
from sim2real.laws.classes import ClassCurve
from sim2real.laws.curve import LearningCurve, TargetSizes
from sim2real.laws.grid import CurveGrid, ErrorSurface, Indifference


class Shown(NamedTuple):
    """How one noun is shown: its figure, drawn from a payload, and its table."""

    draw: Callable[[dict], Figure] | None
    table: Callable[[list], pd.DataFrame] | None


NOUNS: dict[type, Shown] = {
    LearningCurve: Shown(figures.scaling, tables.scaling),
    TargetSizes: Shown(figures.target_sizes, tables.sizes),
    ClassCurve: Shown(figures.classes, tables.class_verdicts),
    Split: Shown(figures.splits, tables.splits),
    ErrorSurface: Shown(figures.surface, lambda nouns: tables.surfaces({of.facts.study: of for of in nouns})),
    Indifference: Shown(figures.indifference, None),
    CurveGrid: Shown(figures.curve_grid, lambda nouns: tables.rates(nouns[0])),
    ArmTable: Shown(None, tables.arms),
}


def plot(nouns: Any, *, title: str = "", words: str = "") -> Figure:
    """The figure of what a function of :mod:`sim2real` returned.

    Args:
        nouns: a learning curve, an error surface and the like, or several of one kind.
        title: five words or fewer.
        words: what is transferred to what; stands in the caption that :func:`write` writes.

    Raises:
        TypeError: nothing that has a figure.
    """
    draw, payload = _payload(nouns, "figure", title, words)
    return draw(payload)


def table(nouns: Any) -> pd.DataFrame:
    """The table of what a function of :mod:`sim2real` returned: three significant digits, what matters first.

    Args are the first of :func:`plot`'s.

    Raises:
        TypeError: nothing that has a table.
    """
    several = _several(nouns)
    return _shown(several[0], "table")(several)


def write(nouns: Any, folder: str | Path, name: str = "figure", *, title: str = "", words: str = "") -> tuple[Path, ...]:
    """Write the figure of what a function of :mod:`sim2real` returned: PNG, PDF, JSON with every number, Markdown with the caption.

    Args:
        nouns, title, words: as :func:`plot`.
        folder: made if it does not exist.
        name: of the files.

    Returns:
        The paths.

    Raises:
        TypeError: nothing that has a figure.
    """
    draw, payload = _payload(nouns, name, title, words)
    return figures.save(draw, payload, Path(folder)).paths


def _payload(nouns: Any, name: str, title: str, words: str) -> tuple[Callable[[dict], Figure], dict]:
    several = _several(nouns)
    draw = _shown(several[0], "figure")
    return draw, figures.payload(name, title, several, edition="local", preset="own", words=words)


def _several(nouns: Any) -> list:
    return list(nouns) if isinstance(nouns, Sequence) and not isinstance(nouns, str) else [nouns]


def _shown(noun: Any, what: str) -> Callable:
    shown = NOUNS.get(type(noun), Shown(None, None))
    found = shown.draw if what == "figure" else shown.table
    if found is None:
        raise TypeError(f"{type(noun).__name__} has no {what}; expected one of {', '.join(t.__name__ for t in NOUNS)}")
    return found
