"""The look of every figure: journal width, colours, axes, panel letters, one legend; nothing of a user's matplotlibrc."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path

import numpy as np
from matplotlib import style as _style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from seaborn import color_palette

from sim2real.figures.words import tick

WIDE, NARROW = 7.1, 3.5  # inches, of two columns and of one
SMALL, NORMAL = 6.0, 7.0

# dark blue, vermilion and light blue differ in brightness too; where that is not enough a marker or a dash differs
TRANSFER, DIRECT, LAW, SECOND, GREY, LIGHT = "#0b4f9e", "#e0672a", "#111111", "#8b3fa8", "#8c8c8c", "#6fb1e8"


def look():
    """A context with matplotlib's defaults and the settings of this library, whatever a user's matplotlibrc says."""
    return _style.context(["default", Path(__file__).with_name("journal.mplstyle")])


def figure(caption: Callable[[dict], str]) -> Callable[[Callable[[dict], Figure]], Callable[[dict], Figure]]:
    """Make of a function that draws a payload one that draws it in this look, under its title, and has a whole ``caption``."""

    def decorate(draw: Callable[[dict], Figure]) -> Callable[[dict], Figure]:
        @wraps(draw)
        def drawn(payload: dict) -> Figure:
            with look():
                made = draw(payload)
                test = "   test of the machinery" if payload["preset"] == "smoke" else ""
                made.suptitle(f"{payload['title']}{test}", fontsize=NORMAL + 1, x=0.01, ha="left", weight="bold")
            return made

        def whole(payload: dict) -> str:
            words = f"{payload['words'][:1].upper()}{payload['words'][1:]}. " if payload["words"] else ""
            text = f"**{payload['title'].rstrip('.')}.** {words}{caption(payload)} {_facts(payload)}"
            return text.replace(" %", "\u00a0%")  # a line must not end between a number and its sign

        drawn.caption = whole
        return drawn

    return decorate


def _facts(payload: Mapping) -> str:
    """Trials, source draws and overlap of the run, edition and preset; a preset that is no result says so."""
    design, first = payload.get("design") or {}, payload["records"][0] if payload["records"] else {}
    design = first.get("design") or design
    direct = first.get("arms", {}).get("direct", {}).get("transfer_minus_this", {})
    trials = design.get("trials") or first.get("trials") or direct.get("trials")
    draws = design.get("source_draws") or first.get("source_draws") or first.get("draws")
    parts = [f"{trials} trials" + (f" on {draws} source draws" if draws else "")] if trials else []
    overlap = design.get("overlap") or (first.get("overlap") if isinstance(first.get("overlap"), str) else None)
    text = ", ".join(parts + [f"overlap {overlap}"] * bool(overlap) + [f"{key} {payload[key]}" for key in ("edition", "preset")])
    return text[:1].upper() + text[1:] + (": a test of the machinery, no result." if payload["preset"] == "smoke" else ".")


def panels(count: int, columns: int, height: float, *, width: float = 0, margin: float = 0.45, **shared) -> tuple[Figure, list]:
    """A figure of ``count`` panels in rows of ``columns``, ``height`` inches each, with ``margin`` more inches of height.

    It is ``width`` inches wide, or two columns of a journal, one for a single panel. ``shared`` as of ``Figure.subplots``.
    """
    rows = -(-count // columns)
    made = Figure(figsize=(width or (WIDE if count > 1 else NARROW), height * rows + margin), layout="constrained")
    axes = made.subplots(rows, columns, squeeze=False, **shared)
    for k, ax in enumerate(axes.flat):
        if k >= count:
            ax.remove()
        elif k + columns >= count and shared.get("sharex"):
            ax.tick_params(labelbottom=True)
    return made, list(axes.flat[:count])


def headed(ax: Axes, letter: str, title: str, note: str = "", *, colour: str = "black") -> None:
    """A bold panel letter and a title over a panel, and between it and the panel a note in small letters."""
    if note:
        place = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom", "ha": "left"}
        ax.annotate(note, (0, 1), (0, 2.5), fontsize=SMALL, color=colour, linespacing=1.1, **place)
    ax.set_title((rf"$\mathbf{{{letter}}}$  " if letter else "") + title, pad=3 + 8.2 * len(note.splitlines()))


def letters(count: int) -> list[str]:
    """Letters of panels; none for a panel that stands alone."""
    return list("abcdefghijklmnopqrstuvwxyz"[:count]) if 1 < count <= 26 else [""] * count


def legend(made: Figure, axes: Sequence[Axes], columns: int, place: str = "lower center", *, scale: float = 1) -> None:
    """One legend of all panels outside of them; what stands in several panels stands in it once."""
    handles: dict[str, object] = {}
    for ax in axes:
        handles.update(zip(*reversed(ax.get_legend_handles_labels())))
    if handles:
        made.legend(handles.values(), handles.keys(), loc=f"outside {place}", ncols=columns, markerscale=scale)


def below(ax: Axes, *which, columns: int = 1, scale: float = 1) -> None:
    """A legend of one panel, as far below it as its axis needs whatever the height of the panel."""
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "borderaxespad": 4}
    ax.legend(*which, **place, ncols=columns, columnspacing=1, markerscale=scale)


def loglog(ax: Axes, *, x: Sequence[float] | None = None) -> None:
    """Logarithmic axes with plain numbers at 50, 100, 200; ``x``: the only places that are marked on the horizontal axis."""
    ax.set(xscale="log", yscale="log")
    plain(ax.xaxis)
    plain(ax.yaxis)
    if x is not None:
        ticks(ax, x)


def ticks(ax: Axes, x: Sequence[float]) -> None:
    """A logarithmic horizontal axis that is marked at ``x`` and nowhere else."""
    ax.set_xscale("log")
    ax.set_xticks(x, [f"{v:,g}" for v in x])
    ax.xaxis.set_minor_locator(NullLocator())


def plain(axis: Axis) -> None:
    """A few plain numbers on a logarithmic axis, however many decades it spans."""
    low, high = axis.get_view_interval()
    span = high / low
    if span < 4:
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axis.set_minor_locator(NullLocator())
    elif span < 120:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    else:
        axis.set_major_locator(LogLocator(numticks=6))
    axis.set_major_formatter(FuncFormatter(tick))
    axis.set_minor_formatter(NullFormatter())


def few(axis: Axis, count: int = 4) -> None:
    """A few plain numbers on a linear axis."""
    axis.set_major_locator(MaxNLocator(count))
    axis.set_major_formatter(tick)


def shades(count: int, *, dark_first: bool = False) -> list[str]:
    """Colours of an ordered series, which also differ in brightness."""
    colours = [to_hex(c) for c in color_palette("viridis", as_cmap=True)(np.linspace(0.85, 0.02, count))]
    return colours[::-1] if dark_first else colours


MARKERS = "osD^vPX<>ph*"
