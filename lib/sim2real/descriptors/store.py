"""Vectors on disk, found again by the structure they describe.

A store is a folder of ``.npz`` files, one a computed chunk, each with the structures and their vectors. Files are only
added, never changed: a run that is cut off loses the chunks it was computing, and two runs may share a folder.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np


class VectorStore:
    """Float32 vectors of one length, keyed by the text of the structure.

    Args:
        folder: where the files lie; made when the first vector is written.
        size: length d of every vector.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self.size = size

    def find(self, structures: Sequence[str]) -> dict[str, np.ndarray]:
        """The stored vectors, each (d,), of those of ``structures`` that have one. Damaged files count as absent."""
        wanted = set(structures)
        found: dict[str, np.ndarray] = {}
        for path in sorted(self.folder.glob("*.npz")):
            if not wanted:
                break
            try:
                with np.load(path, allow_pickle=False) as chunk:
                    hits = [(row, key) for row, key in enumerate(chunk["structures"].tolist()) if key in wanted]
                    vectors = chunk["vectors"] if hits else None
                if hits and (vectors.ndim != 2 or vectors.shape[1] != self.size):
                    continue
                found.update((key, vectors[row]) for row, key in hits)
            except (OSError, EOFError, KeyError, IndexError, ValueError, zipfile.BadZipFile):
                continue  # cut off or damaged: its rows are computed and written again
            wanted.difference_update(key for _, key in hits)
        return found

    def add(self, structures: Sequence[str], vectors: np.ndarray) -> None:
        """Write one chunk, (N,) structures and their (N, d) vectors, all at once or not at all."""
        if not structures:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256("\n".join(structures).encode()).hexdigest()[:24]
        part = self.folder / f"{name}.{os.getpid()}.part"
        with part.open("wb") as file:
            np.savez(file, structures=np.asarray(structures, dtype=np.str_), vectors=vectors.astype(np.float32))
        part.replace(self.folder / f"{name}.npz")
