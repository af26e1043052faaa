"""What descriptors look like (notebook 00), what better simulations buy (01), and a cell of molecular dynamics (09)."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from seaborn import heatmap

from sim2real.figures.curves import error_panel
from sim2real.figures.style import (
    DIRECT,
    GREY,
    LAW,
    MARKERS,
    TRANSFER,
    WIDE,
    below,
    figure,
    headed,
    legend,
    letters,
    loglog,
    panels,
    shades,
)
from sim2real.figures.words import difference, mae, number, percent, tick, unit

_TURN = np.array([[0.83, 0.0, -0.56], [-0.23, 0.91, -0.34], [0.51, 0.41, 0.76]])  # how a cell is looked at: a little from above
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


def _spreads(level: dict) -> str:
    """How large added errors are, in words."""
    return f"{level['factor']} spread{'' if level['factor'] == 1 else 's'}"


def _quality_caption(payload: dict) -> str:
    r, *described = payload["records"]
    curves = [of["curve"] for of in r["levels"]]
    last = [curve["mae"][-1] for curve in curves]
    changes = [
        f"{_spreads(of)} {of['kind']} {difference(of['differences'][-1])} ({percent(error / last[0] - 1)})"
        for of, error in zip(r["levels"][1:], last[1:])
    ]
    runs = [
        f"errors of {_spreads(of)}, {of['n']:,} materials once {number(of['single'])}, a quarter of them four times "
        f"{number(of['averaged'])}"
        for of in r["runs"]
    ]
    return (
        f"{r['label']} with errors added to the simulations, in spreads of RadonPy's own runs ({number(r['spread'], 2)} {unit(r)}, "
        "root mean square): one a material (at random) or one a class. Hyperparameters are those chosen without. "
        f"$m$ = {curves[0]['m']:,}. Bands and bars: 90 % over trials. Change of the error at $n$ = {curves[0]['n'][-1]:,}, paired "
        f"over trials: {'; '.join(changes)}. Better or more, for as many runs: {'; '.join(runs)}."
        + "".join(map(_descriptors_compared, described))
    )


def _descriptors_compared(record: dict) -> str:
    """A sentence on the largest n of a record of descriptors."""
    ends = [f"{of['descriptor']} {number(of['curve']['mae'][0])} and {number(of['curve']['mae'][-1])}" for of in record["levels"]]
    curve = record["levels"][0]["curve"]
    against = [difference(of["differences"][-1]) for of in record["levels"][1:]]
    sizes = f"$m$ = {curve['m']:,}, {record['trials']} trials, at $n$ = {curve['n'][0]:,} and {curve['n'][-1]:,}"
    told = f"{', '.join(ends)}; at the latter, paired, {', '.join(against)}"
    return f" {record['label']} of measured polymers by descriptor ({sizes}): {told}."


def _over_trials(curve: dict) -> dict:
    """A curve without its bands over materials, which are the same for all that is compared."""
    return {name: values for name, values in curve.items() if "materials" not in name}


@figure(_quality_caption)
def quality(payload: dict) -> Figure:
    """Curves by level of the errors added to simulations; error at two n, exponent and gap by level; curves by descriptor."""
    record, *described = payload["records"]
    levels = record["levels"]
    made, axes = panels(4 + len(described), 2, 2.0, margin=0.9)
    curves, fixed, exponents, gaps, *others = axes
    noisy, n = [of for of in levels if of["kind"] != "by class"], levels[0]["curve"]["n"]
    names = [_spreads(of) if of["factor"] else "none added" for of in noisy]
    for of, label, colour, marker in zip(noisy, names, shades(len(noisy), dark_first=True), MARKERS):
        error_panel(curves, _over_trials(of["curve"]), None, label, colour, marker)
    loglog(curves, x=n)
    curves.set(xlabel="simulated materials $n$", ylabel=mae(record))
    for kind, colour, marker, shift in (("at random", TRANSFER, "o", -0.1), ("by class", DIRECT, "^", 0.1)):
        own = [levels[0], *(of for of in levels if of["kind"] == kind)]
        for k, style in ((1, ":"), (len(n) - 1, "-")):
            low, high, values = ([of["curve"][end][k] for of in own] for end in ("low", "high", "mae"))
            fixed.fill_between([of["factor"] for of in own], low, high, color=colour, alpha=0.12, lw=0)
            fixed.plot([of["factor"] for of in own], values, marker + style, color=colour, label=f"{kind}, $n$ = {n[k]:,}")
        for ax, name in ((exponents, "alpha"), (gaps, "C")):
            known = [of for of in own if of["law"]["intervals"] and (name == "C" or of["law"]["D"])]
            rows = [[of["law"][name], *map(of["law"]["intervals"][name].get, ("low", "high"))] for of in known]
            values, low, high = np.reshape(rows, (-1, 3)).T  # of a level without a law nothing is drawn
            bars = {"yerr": np.abs([values - low, high - values]), "fmt": marker + "-", "color": colour, "lw": 0.7, "label": kind}
            ax.errorbar([of["factor"] + shift for of in known], values, **bars)
    words = (mae(record), r"exponent $\alpha$", f"transfer gap $C$ ({unit(record)})")
    for ax, label in zip((fixed, exponents, gaps), words):
        ax.set(xlabel="added errors (spreads of RadonPy's runs)", ylabel=label)
        ax.yaxis.set_major_formatter(tick)
    for ax, of in zip(others, described):
        for level, colour, marker in zip(of["levels"], shades(len(of["levels"]), dark_first=True), MARKERS):
            error_panel(ax, _over_trials(level["curve"]), None, level["descriptor"], colour, marker)
        loglog(ax, x=of["levels"][0]["curve"]["n"])
        ax.set(xlabel="simulated materials $n$", ylabel=mae(of))
    titles = ["errors at random", "error at two $n$", "exponent", "transfer gap"]
    titles += [f"descriptors: {of['label'].lower()}" for of in described]
    for ax, letter, title in zip(axes, letters(len(axes)), titles):
        headed(ax, letter, title)
        below(ax, columns=2)
    return made


def _cell_caption(payload: dict) -> str:
    (r,) = payload["records"]
    atoms, chains, edge = len(r["element"]), len(set(r["chain"])), number(r["edge"])
    return (
        f"{atoms:,} atoms of `{r['smiles']}` in {chains} chains at 300 K and 1 atm, a colour a chain; the edge is {edge} \u00c5. "
        "a: the periodic cell; hydrogens are smaller. b: bonds of the same chains, whole: where one leaves the cell, it comes in "
        "again on the other side. What is farther away is paler."
    )


@figure(_cell_caption)
def cell(payload: dict) -> Figure:
    """Atoms of a periodic cube, and bonds of its whole chains: ``edge``, ``bonds``; ``element``, ``chain``, ``places`` of atoms."""
    (record,) = payload["records"]
    chains, places, edge = np.unique(record["chain"], return_inverse=True)[1], np.array(record["places"]), record["edge"]
    colours = np.array([to_rgb(colour) for colour in shades(chains.max() + 1, dark_first=True)])[chains]
    made, axes = panels(2, 2, 3.3, margin=0.2)
    for ax, letter, title, shown in zip(axes, "ab", ("the cell", "its chains"), (places % edge, places)):
        x, y, depth = _TURN @ (shown - edge / 2).T
        pale = 0.65 * (depth.max() - depth)[:, None] / np.ptp(depth)
        seen, order = colours + (1 - colours) * pale, np.argsort(depth)
        for ends in combinations(edge * np.array(list(product((-0.5, 0.5), repeat=3))), 2):
            if np.count_nonzero(ends[0] - ends[1]) == 1:
                ax.plot(*(_TURN @ np.transpose(ends))[:2], color=LAW, lw=0.5, zorder=0)
        if letter == "a":
            sizes = np.where(np.array(record["element"]) == "H", 110, 220)[order]
            ax.scatter(x[order], y[order], s=sizes, c=seen[order], edgecolor="white", lw=0.3)
        else:
            bonds = np.array(record["bonds"])
            bonds = bonds[np.argsort(depth[bonds].mean(axis=1))]
            ax.add_collection(LineCollection(np.transpose([x, y])[bonds], colors=seen[bonds[:, 0]], lw=1.4))
            ax.autoscale_view()
        ax.set_aspect("equal")
        ax.axis("off")
        headed(ax, letter, title)
    return made
