"""Writing a figure: PNG and PDF to look at, JSON with every number that is drawn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from sim2real.datasets.paths import FIGURES

# the figures of this preset are the committed ones; others go to a folder of their own beside them
COMMITTED_PRESET = "quick"


def figure_folder(edition: str, preset: str) -> Path:
    """Where the figures of a run go."""
    folder = FIGURES / edition
    return folder if preset == COMMITTED_PRESET else folder / preset


def save_figure(figure: Figure, payload: dict, folder: Path) -> list[Path]:
    """Write ``<payload["figure"]>.png``, ``.pdf`` and ``.json`` to a folder, each complete or not at all.

    Args:
        figure: what to draw; it stays open, for the notebook to show.
        payload: JSON-ready; its ``figure`` is the name of the files.
        folder: made if it does not exist.

    Returns:
        The three paths.

    Raises:
        ValueError: the payload holds a number that JSON has no word for (NaN, infinity).
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(payload, indent=1, default=_plain, allow_nan=False) + "\n"
    paths = [folder / f"{payload['figure']}.{kind}" for kind in ("png", "pdf", "json")]
    for path in paths:
        part = path.with_name(path.name + ".part")
        if path.suffix == ".json":
            part.write_text(text)
        else:
            # without a creation date, the same numbers give the same file
            metadata = {"Software": None} if path.suffix == ".png" else {"CreationDate": None}
            figure.savefig(part, format=path.suffix[1:], dpi=160, metadata=metadata)
        part.replace(path)
    return paths


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not JSON-ready")
