"""Pages that need no other file, verdicts first, then figures and numbers: of an answer on your tables, of all that was drawn."""

from __future__ import annotations

import json
import platform
import re
import sys
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import asdict
from html import escape
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from sim2real.datasets.command import Parser
from sim2real.datasets.paths import CACHE
from sim2real.datasets.task import DataError, Task
from sim2real.figures import figure_folder, tables
from sim2real.figures.style import look
from sim2real.figures.words import ARMS, between, number
from sim2real.laws.curve import LearningCurve
from sim2real.laws.findings import SYMBOLS
from sim2real.studies.presets import PRESETS
from sim2real.studies.show import table
from sim2real.studies.summary import AGREES, DIFFERS, OPEN, summary, summary_data, summary_folders
from sim2real.training.study import Study

DROPPED_SHOWN = 50  # rows of a table that were left out
_PACKAGES = ("sim2real", "torch", "numpy", "scipy", "scikit-learn", "pandas", "rdkit", "matplotlib")
_WORDS = f"""({AGREES}: ours is told, and is what the paper says. {DIFFERS}: ours is told, and is not. {OPEN}: our interval allows
both. embedded: tables that the repository ships, with quick formulas for molecular dynamics. open: public files. local: yours.)"""
_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111}
.verdict{border-left:4px solid #0b4f9e;padding:.2rem 1rem;background:#f3f6fb}figure{margin:2rem 0}
svg,img{max-width:100%;height:auto}
figcaption{font-size:.85rem;color:#333}table{border-collapse:collapse;margin:1rem 0;font-size:.85rem}
.wide{overflow-x:auto}
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
    return _html(title, parts)


def report_folder(edition: str, preset: str, folder: Path, copies: Path = CACHE / "notebooks") -> str:
    """All figures of a folder as one page of HTML: the paper's claims beside them, captions, numbers, data, versions, time.

    Args are what was run, the folder of its figures, and that of the executed notebooks, which know how long they took.
    DataError where the folder holds no figure.
    """
    paths = sorted(folder.glob("*.json"), key=lambda path: (not path.stem.startswith("fig"), path.stem))  # the paper's first
    payloads = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    if not payloads:
        raise DataError(f"{folder}: no figure there; make figures EDITION={edition} PRESET={preset} draws them")
    folders = summary_folders(edition, preset, folder)
    shown = {name: path for name, path in folders.items() if path == folder or path.is_dir()}
    title = "Scaling laws of Sim2Real transfer learning, reproduced"
    parts = [
        f"<h1>{title}</h1><p>Minami et al., npj Comput. Mater. 11, 146 (2025). Figures: {escape(edition)}, {escape(preset)}.</p>"
    ]
    claims = summary(shown)
    parts += ["<h2>The paper's claims beside ours</h2>", f"<p>{escape(_counted(claims))}</p>", _table(claims.reset_index())]
    parts += ["<h2>What was transferred to what</h2>", _table(summary_data(shown).reset_index())]
    said = [(p["figure"], text) for p in payloads for text in _verdicts(p)]
    parts.append("<h2>Verdicts</h2>")
    parts += [f'<div class="verdict"><p><b>{escape(name)}</b> {plain_math(text)}</p></div>' for name, text in said]
    parts.append("<h2>Figures</h2>")
    for p in payloads:
        parts.append(f"<h3>{escape(p['figure'])}: {escape(p['title'])}</h3>{_picture(folder, p)}")
        parts += [
            f"<details><summary>Numbers of {escape(p['figure'])}</summary>{_table(t)}</details>" for t in numbers_of_payload(p)
        ]
    parts += ["<h2>Data</h2>", _table(_data(payloads))]
    parts += ["<h2>Versions</h2>", _table(_versions().rename_axis("package").rename("version").reset_index())]
    parts += ["<h2>Time</h2>", _table(took) if len(took := _time(copies)) else "<p>No notebook was run here.</p>"]
    return _html(title, parts)


def _counted(claims: pd.DataFrame) -> str:
    """How many claims have which verdict in each edition, and what the words mean."""
    told = [
        f"{name.split(', ', 1)[1]}: " + ", ".join(f"{word} {of.str.startswith(word).sum()}" for word in (AGREES, DIFFERS, OPEN))
        for name, of in claims.items()
        if name.startswith("verdict, ")
    ]
    return f"{len(claims)} claims. {'; '.join(told)}. {_WORDS}"


def report_command(arguments: Sequence[str]) -> int:
    """``python -m sim2real report``: exit status 1 where there are no figures."""
    parser = Parser(prog="python -m sim2real report", description="All figures of an edition as one page.")
    parser.add_argument("--edition", default="embedded", choices=("embedded", "open", "local"), help="whose figures (%(default)s)")
    parser.add_argument("--preset", default="quick", choices=PRESETS, help="and with how many trials (%(default)s)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the page (FOLDER OF THE FIGURES/report.html)")
    options = parser.parse_args(arguments)
    folder = figure_folder(options.edition, options.preset)
    path = options.out or folder / "report.html"
    try:
        text = report_folder(options.edition, options.preset, folder)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    return 0


def numbers_of_payload(payload: dict) -> list[pd.DataFrame]:
    """The tables of a figure's numbers, as its notebook shows them; none of a figure that has none."""
    name, records = payload["figure"].split("-")[0], payload["records"]
    of = payload["figure"] if name in ("gain", "design", "data", "md") else name
    return [made.reset_index() for made in _NUMBERS[of](records)] if of in _NUMBERS else []


# figure -> the tables of its numbers
_NUMBERS: dict[str, Callable[[list[dict]], list[pd.DataFrame]]] = {
    **dict.fromkeys(("fig1b", "fig4a", "fig6c", "computed"), lambda rs: [tables.scaling(rs).T.rename_axis("")]),
    **dict.fromkeys(("classes", "fig5a", "fig6d"), lambda rs: [tables.class_verdicts(rs)]),
    **dict.fromkeys(("validation", "data-parity", "md-parity"), lambda rs: [tables.parities(rs)]),
    "fig2": lambda rs: [tables.surfaces({r["study"]: r for r in rs})],
    "fig4bc": lambda rs: [tables.rates(rs[0]).rename_axis(""), tables.interactions(rs[0])],
    "splits": lambda rs: [tables.splits(rs)],
    "figS2": lambda rs: [tables.sets(rs[0]), tables.sets_by_n(rs[0])],
    "gain-liquids": lambda rs: [tables.sizes(rs)],
    "gain-chi": lambda rs: [tables.class_gains(rs[0]), tables.correlations(rs[0])],
    "gain-conductivity": lambda rs: [tables.found(rs[0]), tables.explained(rs[0])],
    "design-budget": lambda rs: [tables.allocations(rs)],
    "design-classes": lambda rs: [tables.prospects(rs[0])],
    "design-growth": lambda rs: [tables.policies(rs[0])],
}


def _verdicts(payload: dict) -> list[str]:
    """What a figure's trials say, in words: of the payload, or of its records."""
    blocks = [payload.get("verdict"), *(r.get(key) for r in payload["records"] for key in ("verdict", "worth"))]
    return [block["text"] for block in blocks if isinstance(block, dict) and block.get("text")]


def _picture(folder: Path, payload: dict) -> str:
    """The drawn figure, within the page, with its caption."""
    image = b64encode((folder / f"{payload['figure']}.png").read_bytes()).decode()
    said = " ".join(_verdicts(payload)).replace("\n", " ") or payload["words"] or "described in the caption"
    alt = escape(f"{payload['title']}. {said}", quote=True)
    caption = f"<figcaption>{plain_math(payload['caption'])}</figcaption>"
    return f'<figure><img src="data:image/png;base64,{image}" alt="{alt}">{caption}</figure>'


def _data(payloads: Sequence[dict]) -> pd.DataFrame:
    """Every table behind the figures once: rows, licence, where it comes from."""
    sides = [r[side] for p in payloads for r in p["records"] for side in ("source", "target") if isinstance(r.get(side), dict)]
    kept = {(s["name"], s.get("rows")): {k: s.get(k, "") for k in ("name", "rows", "licence", "citation")} for s in sides}
    return pd.DataFrame(kept.values())


def _time(copies: Path) -> pd.DataFrame:
    """How long each notebook took when it was last run here; trials that were stored already were not trained again."""
    runs = [(path.stem, json.loads(path.read_text(encoding="utf-8"))["metadata"]["papermill"]) for path in copies.glob("*.ipynb")]
    rows = [{"notebook": n, "seconds": round(r["duration"]), "ended": r["end_time"][:16]} for n, r in sorted(runs) if r["duration"]]
    return pd.DataFrame(rows)


def _html(title: str, parts: Sequence[str]) -> str:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n<body><main>\n'
        + "\n".join(parts)
        + "\n</main></body></html>\n"
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
    html = frame.to_html(border=0, justify="left", float_format="{:.4g}".format, index=not isinstance(frame.index, pd.RangeIndex))
    # headers say of what they are, and a corner that heads nothing is none; wide tables are scrolled by the keyboard too
    head, end, body = html.replace("<th></th>", "<td></td>").partition("</thead>")
    html = head.replace("<th>", '<th scope="col">') + end + body.replace("<th>", '<th scope="row">')
    return f'<div class="wide" tabindex="0">{html}</div>'
