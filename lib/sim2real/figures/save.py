"""Payloads and files of figures: PNG and PDF to look at, JSON with every number that is drawn, the caption beside them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

from sim2real.datasets.paths import FIGURES
from sim2real.figures.style import look

COMMITTED_PRESET = "quick"  # its figures are the committed ones; those of others go to a folder of their own beside them
TITLE_WORDS = 5


class Saved(NamedTuple):
    """A figure, its caption (Markdown) and its files."""

    figure: Figure
    caption: str
    paths: tuple[Path, ...]


def figure_folder(edition: str, preset: str, base: Path | None = None) -> Path:
    """Where the figures of a run go: in ``base``, else in what ``SIM2REAL_FIGURES`` names (as ``make lab`` does) or ``figures``."""
    folder = Path(base or os.environ.get("SIM2REAL_FIGURES") or FIGURES) / edition
    return folder if preset == COMMITTED_PRESET else folder / preset


def payload(
    figure: str, title: str, records: object, *, edition: str, preset: str, words: str = "", paper: Mapping | None = None, **more
) -> dict:
    """What a figure is drawn from and its JSON holds: the arguments, with ``source`` and ``target`` (name -> rows) of the records.

    ``records`` are nouns of :mod:`sim2real.laws` or their dictionaries, one a panel or class, or a single one; ``words`` begin the
    caption; ``more`` are blocks such as ``design`` or ``verdict``. ValueError where the title has more than five words.
    """
    if (count := len(title.split())) > TITLE_WORDS:
        raise ValueError(f"title {title!r} has {count} words; expected at most {TITLE_WORDS}, the rest belongs to the caption")
    several = records if isinstance(records, (list, tuple)) else [records]
    plain = [record if isinstance(record, Mapping) else record.to_dict() for record in several]
    made = {"figure": figure, "title": title, "words": words, "edition": edition, "preset": preset}
    for side in ("source", "target"):
        made[side] = {r[side]["name"]: r[side]["rows"] for r in plain if isinstance(r.get(side), Mapping)}
    return made | {"records": plain, "paper": paper} | more


def save(draw: Callable[[dict], Figure], payload: Mapping, folder: Path, store: Path | None = None) -> Saved:
    """Draw a payload and write ``<payload["figure"]>.png``, ``.pdf``, ``.json`` and ``.md``, each complete or not at all.

    What is drawn is what the JSON holds, read back. A file whose content is the same is not touched; a missing folder is made. The
    folder ``store`` keeps pictures by all that determines them, so that what has not changed is not laid out again. ValueError
    where the payload holds NaN or infinity.
    """
    stored = json.loads(json.dumps(payload, default=_plain, allow_nan=False))
    stored["caption"] = draw.caption(stored)
    figure = draw(stored)
    kept = _key(draw, stored) if store and getattr(draw, "__module__", "").startswith(__package__) else ""
    pictures = {kind: store / f"{kept}.{kind}" for kind in ("png", "pdf")} if kept else {}
    if pictures and all(path.exists() for path in pictures.values()):
        whole = {kind: path.read_bytes() for kind, path in pictures.items()}
    else:
        whole = _printed(figure)
        with suppress(OSError):  # where nothing can be kept it is drawn again
            for kind, path in pictures.items():
                store.mkdir(parents=True, exist_ok=True)
                _write(path, whole[kind])
    texts = {"json": json.dumps(stored, indent=1, allow_nan=False) + "\n", "md": stored["caption"] + "\n"}
    whole |= {kind: text.encode() for kind, text in texts.items()}
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(_write(folder / f"{stored['figure']}.{kind}", content) for kind, content in whole.items())
    return Saved(figure, stored["caption"], paths)


def _printed(figure: Figure) -> dict[str, bytes]:
    png, pdf = BytesIO(), BytesIO()
    with look():
        # once for both files: savefig would lay out, and draw, twice for each
        if engine := figure.get_layout_engine():
            engine.execute(figure)
            figure.set_layout_engine("none")
        # without a creation date, the same numbers give the same file
        FigureCanvasAgg(figure).print_png(png, metadata={"Software": None})
        FigureCanvasPdf(figure).print_pdf(pdf, metadata={"CreationDate": None})
    return {"png": png.getvalue(), "pdf": pdf.getvalue()}


def _key(draw: Callable[[dict], Figure], stored: Mapping) -> str:
    """A hash of all that determines a picture: numbers, words, and the code that draws or computes on the way."""
    facts = [stored, draw.__module__, draw.__qualname__, matplotlib.__version__, _code()]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


@cache
def _code() -> str:
    files = (path for room in ("figures", "laws") for path in sorted((Path(__file__).parents[1] / room).rglob("*.*")))
    texts = [path.read_bytes() for path in files if path.suffix in (".py", ".toml", ".mplstyle")]
    return hashlib.sha256(b"".join(texts)).hexdigest()


def _write(path: Path, content: bytes) -> Path:
    if not path.exists() or path.read_bytes() != content:
        part = path.with_name(path.name + ".part")
        part.write_bytes(content)
        part.replace(path)
    return path


def _plain(value: object) -> object:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not JSON-ready")
