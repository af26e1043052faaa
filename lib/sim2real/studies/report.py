"""One page that needs no other file: the verdict first, then figures, numbers, what became of each row, settings and versions."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from html import escape
from importlib.metadata import version
from io import StringIO

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from sim2real.datasets.task import Task
from sim2real.figures.style import look
from sim2real.figures.words import ARMS, between, number
from sim2real.laws.curve import LearningCurve
from sim2real.laws.findings import SYMBOLS
from sim2real.studies.show import table
from sim2real.training.study import Study

DROPPED_SHOWN = 50  # rows of a table that were left out
_PACKAGES = ("sim2real", "torch", "numpy", "scipy", "scikit-learn", "pandas", "rdkit", "matplotlib")
_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111}
.verdict{border-left:4px solid #0b4f9e;padding:.2rem 1rem;background:#f3f6fb}figure{margin:2rem 0}svg{max-width:100%;height:auto}
figcaption{font-size:.85rem;color:#333}table{border-collapse:collapse;margin:1rem 0;font-size:.85rem;display:block;overflow-x:auto}
th,td{text-align:left;padding:.2rem .6rem;border-bottom:1px solid #ddd}h2{margin-top:2.5rem}"""


def page(
    study: Study,
    verdict: Sequence[str],
    payloads: Sequence[tuple[Callable[[dict], Figure], dict]],
    curve: LearningCurve,
    preset: str,
    seconds: float | None,
) -> str:
    """The page as HTML. Args are the study, the lines of the verdict, how each figure is drawn and from what, the curve whose
    numbers are listed, how much was run and the seconds that it took."""
    title = f"{study.source.name} to {study.target.name}"
    parts = [f"<h1>Is this database worth growing? {escape(title)}</h1>"]
    parts.append('<div class="verdict">' + "".join(f"<p>{plain_math(line)}</p>" for line in verdict) + "</div>")
    parts += ["<h2>Figures</h2>", *(_figure(draw, payload, verdict[0]) for draw, payload in payloads)]
    parts += ["<h2>Numbers</h2>", _table(table(curve).T), _table(_errors(curve))]
    parts.append("<h2>Your tables</h2>")
    parts += [_side(side, task) for side, task in (("Simulations", study.source), ("Measurements", study.target))]
    parts += ["<h2>Settings</h2>", _table(_settings(study, curve, preset, seconds).to_frame("value"))]
    parts += ["<h2>Versions</h2>", _table(_versions().to_frame("version"))]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n<body>\n'
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def plain_math(text: str) -> str:
    """Markdown with formulas as HTML: bold, exponents, Greek letters; nothing else of either is used in captions."""

    def formula(found: re.Match) -> str:
        inner = re.sub(r"\\([a-z]+)", lambda name: SYMBOLS.get(name[1], name[1]), found[1].replace("{,}", ",").replace("\\,", " "))
        inner = re.sub(r"\^\{([^}]*)\}", r"<sup>\1</sup>", inner)
        inner = re.sub(r"_\{?([A-Za-z0-9]+)\}?", r"<sub>\1</sub>", inner)
        return re.sub(r"\^(\S)", r"<sup>\1</sup>", inner).replace("-", "−")

    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", re.sub(r"\$(.+?)\$", formula, escape(text)))


def _figure(draw: Callable[[dict], Figure], payload: dict, alt: str) -> str:
    figure, text = draw(payload), StringIO()
    # the same numbers give the same page
    with look(), matplotlib.rc_context({"svg.hashsalt": payload["figure"]}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    label = escape(f"{payload['title']}. {alt}", quote=True)
    svg = svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
    return f"<figure>{svg}<figcaption>{plain_math(draw.caption(payload))}</figcaption></figure>"


def _errors(curve: LearningCurve) -> pd.DataFrame:
    """Every error of the curve with its bands, in words."""
    level, rows = f"{100 * curve.curve.band.level:.0f} % over", []
    for (arm, n), band in curve.report().iterrows():
        both = "" if band.isna()["low_materials"] else between(band["low_materials"], band["high_materials"], 3)
        row = {"learner": ARMS.get(arm, arm), "n": f"{n:,}" if n else "", f"MAE ({curve.facts.unit})": number(band["mae"])}
        rows.append(row | {f"{level} trials": between(band["low"], band["high"], 3), f"{level} trials and materials": both})
    return pd.DataFrame(rows)


def _side(side: str, task: Task) -> str:
    """What became of a table's rows."""
    counts = pd.Series({"materials used": len(task), **task.report}, name="rows").to_frame()
    text = f"<h3>{side}: {escape(task.name)}</h3>{_table(counts)}"
    if task.dropped.empty:
        return text
    reasons = task.dropped.groupby(["column", "reason"]).size().rename("rows").reset_index()
    text += f"<p>Left out, by reason:</p>{_table(reasons)}<details><summary>The first {DROPPED_SHOWN} rows left out</summary>"
    return f"{text}{_table(task.dropped.head(DROPPED_SHOWN))}</details>"


def _settings(study: Study, curve: LearningCurve, preset: str, seconds: float | None) -> pd.Series:
    facts = curve.facts
    values = {"preset": preset, "trials": facts.trials, "source draws": facts.source_draws, "n": facts.n, "m": facts.m}
    values |= {"overlap": facts.overlap, "materials on both sides": facts.overlapping_materials}
    values["hyperparameters"] = "a short training, not tuned" if preset == "smoke" else "chosen for these data on validation rows"
    values |= {part: ", ".join(f"{k} {v}" for k, v in used.items()) for part, used in asdict(study.settings).items()}
    values |= {} if seconds is None else {"time": f"{seconds:.0f} s, stored trials used again"}
    return pd.Series({name: str(value) for name, value in values.items()})


def _versions() -> pd.Series:
    return pd.Series(
        {"Python": platform.python_version(), "system": platform.platform()} | {name: version(name) for name in _PACKAGES}
    )


def _table(frame: pd.DataFrame) -> str:
    return frame.to_html(border=0, justify="left", float_format="{:.4g}".format, index=not isinstance(frame.index, pd.RangeIndex))
