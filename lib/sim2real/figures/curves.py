"""Error against one size, in one kind of panel: scaling curves, target sizes, classes, groups, and single compounds as a fan."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim2real.chemistry.classes import CLASS_NAMES
from sim2real.chemistry.simulators.wiedemann_franz import NON_WF, WF
from sim2real.figures import words as wording
from sim2real.figures.style import DIRECT, GREY, LAW, SECOND, TRANSFER, figure, headed, legend, letters, loglog, panels
from sim2real.figures.words import LEARNERS, PAIRS, VERDICTS, Words, change, difference, law_note, law_text, mae, number, words_of
from sim2real.laws.power import PowerLaw

_FAR = 1.3  # a learner so many times above the highest point of the curves would squeeze them: the caption names it
# from the tested material's own simulated value
_OWN_VALUE = {
    "simulator": ("#8a6d00", "-."),
    "law": ("#00707a", (0, (5, 1, 1, 1, 1, 1))),
    "delta": ("#1b7837", (0, (1, 0.8))),
    "multifidelity": ("#c2378a", (0, (9, 2))),
}
VERDICT_COLOURS = {"scales": TRANSFER, "does not": "#b3470c", "cannot be told": "#666666"}
GROUP_COLOURS = {WF: TRANSFER, NON_WF: "#4aa36a"}
GROUP_MARKERS = {WF: "s", NON_WF: "^"}


def error_panel(
    ax: Axes, curve: Mapping, law: Mapping | None = None, label: str = "transfer", colour: str = TRANSFER, marker="o", along="n"
) -> None:
    """Error against the size ``along`` (n or m): points, the bands that the curve has, and the law fitted to it."""
    size = np.array(curve[along], float)
    if "low_materials" in curve:
        ax.fill_between(size, curve["low_materials"], curve["high_materials"], color=colour, alpha=0.12, lw=0)
    ax.fill_between(size, curve["low"], curve["high"], color=colour, alpha=0.25, lw=0)
    ax.plot(size, curve["mae"], marker=marker, ls="-", color=colour, label=label)
    if law is not None and law["status"] != "FAILED":
        grid = np.geomspace(size[0], size[-1], 100)
        ax.plot(grid, PowerLaw(law["D"], law["alpha"], law["C"])(grid), "--", color=LAW, label="fitted law")


def forecast(ax: Axes, record: Mapping) -> None:
    """The law beyond the data with its band, pale where it is asked for more than an extrapolation can give."""
    if (beyond := record["forecast"]) is None:
        return
    n, far = np.array(beyond["n"]), beyond["far"]
    for part, alpha in ((n <= far, 0.15), (n >= far, 0.05)):
        low, high = (np.array(beyond[end])[part] for end in ("low", "high"))
        ax.fill_between(n[part], low, high, color=LAW, alpha=alpha, lw=0)
    ax.plot(n, beyond["mae"], ":", color=LAW, label="forecast")


def direct_line(ax: Axes, direct: Mapping, *, band: bool = False) -> None:
    """Direct learning as a level line, with its band."""
    if band:
        ax.axhspan(direct["low"], direct["high"], color=DIRECT, alpha=0.12, lw=0)
    ax.axhline(direct["mae"], color=DIRECT, ls=(0, (4, 2)), label="direct learning")


def other_curve(ax: Axes, record: Mapping) -> None:
    """Transfer with the other choice of overlap, if the record has it."""
    if (other := record["other_overlap"]) is not None:
        label = getattr(words_of(record), other["overlap"])
        ax.plot(other["n"], other["mae"], "s:", color=SECOND, mfc="white", label=label, zorder=3)


def _learners(record: Mapping, words: Words) -> tuple[dict[str, float], dict[str, float]]:
    """Errors of the other learners: those within sight of the curves, and those far above them."""
    direct = [record["arms"]["direct"]["mae"]] if "direct" in record["arms"] else []
    limit = _FAR * max([*record["curve"]["high"], *direct])
    errors = {arm: record["arms"][arm]["mae"] for arm in words.arms if arm in record["arms"] and arm != "direct"}
    return {a: e for a, e in errors.items() if e <= limit}, {a: e for a, e in errors.items() if e > limit}


def _scaling_caption(payload: dict) -> str:
    words = words_of(payload["records"][0])
    text = ["Mean absolute error (MAE) on measured values that were not trained on, against $n$."]
    text += [f"Bands: 90 %, over trials (dark) and over trials and {words.things} (light)."]
    if any(record["forecast"] for record in payload["records"]):
        text.append("Dotted: the law beyond the data, its band over trials, pale beyond three times the largest $n$.")
    for record in payload["records"]:
        near, far = _learners(record, words)
        part = f"{_name(record)} ($m$ = {record['curve']['m']:,}): {law_text(record['law'])}; "
        part += f"transfer at the largest $n$ {number(record['curve']['mae'][-1])}"
        if "direct" in record["arms"]:
            d = record["arms"]["direct"]
            part += f", direct learning {number(d['mae'])} (difference {difference(d['transfer_minus_this'])})"
        part += "".join(f", {wording.learner(arm, record)} {number(error)}" for arm, error in near.items())
        part += "; off the scale: " + ", ".join(f"{wording.learner(a, record)} {number(e)}" for a, e in far.items()) if far else ""
        if (gains := (record["other_overlap"] or {}).get("gains")) is not None:
            part += f"; rest of the database {difference(gains['rest'])}, {words.own} {difference(gains['own'])}"
            part += " (standard errors over source draws)"
        text.append(part + ".")
    return " ".join(text)


def _name(record: Mapping) -> str:
    """What tells the panels of a scaling figure apart: the property; of pairs, which all have one, the simulator."""
    return record["source"]["name"] if words_of(record) is PAIRS else record["label"]


@figure(_scaling_caption)
def scaling(payload: dict) -> Figure:
    """Figs. 1b, 4a, 6c: error against n with its law, direct learning, the other learners and the other choice of overlap."""
    records = payload["records"]
    alone = len(records) == 1
    made, axes = panels(len(records), min(2, len(records)), 2.1, margin=1.5 if alone else 0.9, sharex=True)
    words = words_of(records[0])
    for ax, record, letter in zip(axes, records, letters(len(records))):
        error_panel(ax, record["curve"], record["law"])
        forecast(ax, record)
        if "direct" in record["arms"]:
            direct_line(ax, record["arms"]["direct"])
        other_curve(ax, record)
        near, _ = _learners(record, words)
        if band := [error for arm, error in near.items() if arm in LEARNERS]:
            ax.axhspan(min(band), max(band), facecolor=GREY, edgecolor=GREY, alpha=0.3, lw=1, zorder=0, label="other learners")
        for arm, (colour, dashes) in _OWN_VALUE.items():
            if arm in near:
                ax.axhline(near[arm], color=colour, ls=dashes, label=wording.learner(arm, record))
        loglog(ax)
        ax.set_ylabel(mae(record))
        size = f", $m$ = {record['curve']['m']:,}" if record["curve"]["m"] else ""
        headed(ax, letter, f"{_name(record)}{size}", law_note(record["law"]))
    for ax in axes[-min(2, len(records)) :]:
        ax.set_xlabel(words.n)
    legend(made, axes, 1 if alone else 4)
    return made


def _sizes_caption(payload: dict) -> str:
    ends = "; ".join(
        "{} {} and {}".format(r["label"], *(difference(r["transfer_minus_direct"][k]) for k in (0, -1))) for r in payload["records"]
    )
    return (
        f"Error against the number $m$ of measured training materials, transfer from the largest $n$ = "
        f"{payload['records'][0]['n']:,} beside direct learning. Bands: 90 % over trials. Transfer $-$ direct at the smallest and "
        f"the largest $m$: {ends} (standard errors over source draws)."
    )


@figure(_sizes_caption)
def target_sizes(payload: dict) -> Figure:
    """Error against m for transfer from the largest n and direct learning, a panel a property."""
    records = payload["records"]
    made, axes = panels(len(records), len(records), 2.0, margin=0.7)
    for ax, record, letter in zip(axes, records, letters(len(records))):
        for arm, colour, marker, label in (("transfer", TRANSFER, "o", "transfer"), ("direct", DIRECT, "s", "direct learning")):
            error_panel(ax, record[arm] | {"m": record["m"]}, label=label, colour=colour, marker=marker, along="m")
        loglog(ax, x=record["m"])
        ax.set(xlabel=words_of(record).m, ylabel=mae(record))
        headed(ax, letter, f"{record['label']}, $n$ = {record['n']:,}")
    legend(made, axes, 2)
    return made


_WAYS = (
    "{label}: error against the number of MD values, by stages of learning; {quick:,} quick values. "
    "Bars: standard errors over {trials} splits of the same measured polymers."
)


@figure(lambda payload: _WAYS.format(**payload["records"][0]))
def ways(payload: dict) -> Figure:
    """Error against the number of MD values for each order of stages, a panel for each m."""
    sizes = list(dict.fromkeys(r["m"] for r in payload["records"]))
    made, axes = panels(len(sizes), len(sizes), 2.0, margin=0.8, sharey=True)
    for ax, m, letter in zip(axes, sizes, letters(len(sizes))):
        own = [r for r in payload["records"] if r["m"] == m]
        for way, colour, marker in zip(own[0]["ways"], (DIRECT, LAW, SECOND, TRANSFER), "s^vo"):
            mean, error = ([r["ways"][way][of] for r in own] for of in ("mae", "standard_error"))
            ax.errorbar([r["n"] for r in own], mean, yerr=error, color=colour, marker=marker, ms=4, lw=1, label=way)
        loglog(ax, x=[r["n"] for r in own])
        ax.set(xlabel="MD values $n$", ylabel=mae(own[0]) if ax is axes[0] else "")
        headed(ax, letter, f"$m$ = {m} measured")
    legend(made, axes[:1], 4)
    return made


def class_title(record: Mapping) -> str:
    """A class as panels and tables name it; PoLyInfo's classes with their letter."""
    name, code = record.get("name", ""), record["class"]
    return f"{code} {CLASS_NAMES[code]}" if code in CLASS_NAMES else name or code


def _class_note(record: Mapping) -> str:
    count = f"$m$ = {record['rows']}" if words_of(record) is PAIRS else f"{record['tested']} tested"
    return f"{count}, {VERDICTS[record['verdict']]}" + ("" if record["change"] is None else f"\n{change(record['change'])}")


def _classes_caption(payload: dict) -> str:
    records = payload["records"]
    left, words = [f"{class_title(r)} ({r['materials']})" for r in records if r["curve"] is None], words_of(records[0])
    text = f"{records[0]['label']}: error against $n$ class by class; networks learn from all classes together. "
    if words is PAIRS:
        pairs = ", ".join(f"{class_title(r)} {r['pairs']}" for r in records)
        text += f"$m$ is the class's measured rows; distinct pairs: {pairs}. "
    elif len(left) < len(records):
        drawn = next(r["curve"]["m"] for r in records if r["curve"])
        text += f"$m$ = {drawn:,} counts all classes together. "
    text += f"Dashed: fitted laws. Bands, and changes from the smallest to the largest $n$: 90 %, over trials and {words.things}."
    return text + (f" Tested too rarely for a curve (materials): {', '.join(left)}." if left else "")


@figure(_classes_caption)
def classes(payload: dict) -> Figure:
    """Fig. 5a, and polymers alike: a panel a class with its verdict; classes without a curve are named in the caption."""
    records = [r for r in payload["records"] if r["curve"] is not None]
    if not records:
        made, (ax,) = panels(1, 1, 1.2, margin=0)
        ax.remove()
        made.text(0.5, 0.4, "no class was tested often enough for a curve", ha="center", fontsize=7)
        return made
    made, axes = panels(len(records), min(4, len(records)), 1.55, margin=0.6, sharex=True, sharey=True)
    for ax, record, letter in zip(axes, records, letters(len(records))):
        error_panel(ax, record["curve"], record["law"])
        headed(ax, letter, class_title(record), _class_note(record), colour=VERDICT_COLOURS[record["verdict"]])
    loglog(axes[0])
    made.supxlabel(words_of(records[0]).n, fontsize=7)
    made.supylabel(mae(records[0]), fontsize=7)
    legend(made, axes[:1], 2, "upper right")
    return made


def _groups_caption(payload: dict) -> str:
    if not payload["records"]:
        return "No compound has both conductivities: there are no groups."
    parts = []
    for r in payload["records"]:
        part = f"{r['class']} ({r['tested']} compounds tested): {VERDICTS[r['verdict']]}"
        moved = r["curve"] and f", error {change(r['change'])} from the smallest to the largest $n$, {law_text(r['law'])}"
        part += moved or f" ({r['why']})"
        if r["other_overlap"] is not None:
            part += f"; with overlap {r['other_overlap']['overlap']} {change(r['other_overlap']['change'])}"
        if r["transfer_minus_direct"] is not None:
            part += f"; transfer $-$ direct {difference(r['transfer_minus_direct'])} (standard error over source draws)"
        parts.append(part + ".")
    text = "Errors of the compounds nearest to and farthest from the Wiedemann-Franz law. Bands and changes: 90 %, over trials and"
    return f"{text} compounds. {' '.join(parts)}"


@figure(_groups_caption)
def groups(payload: dict) -> Figure:
    """Fig. 6d: error against n of the compounds near to and far from the law, with direct learning of each."""
    records = payload["records"]
    made, axes = panels(max(1, len(records)), max(1, len(records)), 2.1, margin=0.8, sharey=True)
    for ax, record, letter in zip(axes, records, letters(len(records))):
        name = record["class"]
        headed(ax, letter, name, _class_note(record), colour=VERDICT_COLOURS[record["verdict"]])
        if record["curve"] is None:
            ax.set_axis_off()
            continue
        error_panel(ax, record["curve"], record["law"], f"transfer, {name}", GROUP_COLOURS[name], GROUP_MARKERS[name])
        other_curve(ax, record)
        if record["direct"] is not None:
            direct_line(ax, record["direct"], band=True)
        loglog(ax)
        ax.set_xlabel(words_of(record).n)
    if records:
        axes[0].set_ylabel(mae(records[0]))
    legend(made, axes, 3)
    return made
