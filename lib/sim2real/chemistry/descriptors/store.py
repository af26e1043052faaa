"""Vectors on disk, found again by the structure they describe.

A store is a folder of ``.npz`` files, one a computed chunk, each with structures, their vectors and notes. Files are
only added, never changed: a run that is cut off loses the chunks it was computing, and two runs may share a folder.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Described(NamedTuple):
    """A vector, (d,), and one line for whatever was not ordinary in its making."""

    vector: np.ndarray
    notes: tuple[str, ...] = ()


class VectorStore:
    """Float32 vectors of one length, keyed by the text of the structure.

    Args:
        folder: where the files lie; made when the first vector is written.
        size: length d of every vector.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self.size = size

    def find(self, structures: Sequence[str]) -> dict[str, Described]:
        """What is stored of ``structures``. Damaged files count as absent."""
        wanted = set(structures)
        found: dict[str, Described] = {}
        for path in sorted(self.folder.glob("*.npz")):
            if not wanted:
                break
            try:
                hits = self._read(path, wanted)
            except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
                continue  # cut off or damaged: its rows are computed and written again
            found.update(hits)
            wanted -= hits.keys()
        return found

    def add(self, described: Mapping[str, Described]) -> None:
        """Write one chunk, all at once or not at all."""
        if not described:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256("\n".join(described).encode()).hexdigest()[:24]
        part = self.folder / f"{name}.{os.getpid()}.part"
        with part.open("wb") as file:
            np.savez(
                file,
                structures=np.array(list(described), dtype=np.str_),
                vectors=np.stack([entry.vector for entry in described.values()]).astype(np.float32),
                notes=np.array(["\n".join(entry.notes) for entry in described.values()], dtype=np.str_),
            )
        part.replace(self.folder / f"{name}.npz")

    def _read(self, path: Path, wanted: set[str]) -> dict[str, Described]:
        with np.load(path, allow_pickle=False) as chunk:
            rows = {key: row for row, key in enumerate(chunk["structures"].tolist()) if key in wanted}
            if not rows:
                return {}
            vectors, notes = chunk["vectors"], chunk["notes"].tolist()
            if vectors.shape != (len(chunk["structures"]), self.size) or len(notes) != len(vectors):
                raise ValueError(f"{path}: not a chunk of vectors of length {self.size}")
        return {key: Described(vectors[row], tuple(notes[row].splitlines())) for key, row in rows.items()}
