"""What every descriptor shares: a scikit-learn transformer from structures to vectors, in parallel and cached."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
import zipfile
from abc import abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sim2real.chemistry.texts import decoded, reason_of

STRUCTURES_AT_ONCE = 256  # structures a task of a worker, and a file of the cache


class Described(NamedTuple):
    """A vector, (d,), and one line for whatever was not ordinary in its making."""

    vector: np.ndarray
    notes: tuple[str, ...] = ()


class Result(NamedTuple):
    """(N, D) float32 vectors, NaN for failed rows; and by position why they failed, and the notes on the others."""

    vectors: np.ndarray
    failures: dict[int, ValueError]
    notes: dict[int, tuple[str, ...]]


class StructureDescriptor(TransformerMixin, BaseEstimator):
    """Base class: N structures in, (N, d) float32 out; a row is called by its label in a Series or DataFrame, else by its number.

    A subclass sets ``name`` and ``sources`` and writes ``_names``, ``_signature`` and ``_describe``, and ``_choose_columns`` if the
    data choose them. Vectors are kept in ``cache_dir`` (None: nowhere, nor where it cannot be written); after ``fit``, ``columns_``
    are the positions of the kept columns.
    """

    name: ClassVar[str]
    sources: ClassVar[tuple[str, ...]]  # files of this package that the numbers come from: a change makes a new cache

    def __init__(self, *, n_jobs: int = 1, cache_dir: str | Path | None = None) -> None:
        self.n_jobs = n_jobs
        self.cache_dir = cache_dir

    @abstractmethod
    def _names(self) -> list[str]:
        """The names of all D computed columns."""

    @abstractmethod
    def _signature(self) -> dict[str, Any]:
        """Everything but the structure that decides the numbers: settings and package versions."""

    def _text(self, structure: Any) -> Any:
        """What is described and kept for a given structure."""
        text = decoded(structure)
        return text if isinstance(text, Hashable) else str(text)

    @abstractmethod
    def _describe(self, structure: str) -> Described:
        """All D numbers of one structure; a ValueError, in one line, if it has none."""

    def _keep_notes(self, structures: list[str], labels: Sequence[Any], notes: dict[int, tuple[str, ...]]) -> None:
        """Called with the notes of every structure that has some; a descriptor that writes notes keeps them here."""

    def _choose_columns(self, vectors: np.ndarray) -> np.ndarray:
        """Positions of the columns to keep, given the (N, D) vectors of the data passed to ``fit``."""
        return np.arange(vectors.shape[1])

    def fit(self, X: Any, y: Any = None) -> StructureDescriptor:
        """Choose the columns from X; a ValueError, of the descriptor's own kind for a bad row, unless all of it is described."""
        self._set_columns(self._good_vectors(X))
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """As ``fit`` and then ``transform``, with every vector computed once."""
        vectors = self._good_vectors(X)
        self._set_columns(vectors)
        return vectors[:, self.columns_]

    def transform(self, X: Any) -> np.ndarray:
        """The vectors of X, (N, d) float32, in its order; errors as ``fit``: for data with bad rows use :meth:`describe`."""
        check_is_fitted(self)
        return self._good_vectors(X)[:, self.columns_]

    def describe(self, X: Any) -> tuple[np.ndarray, pd.DataFrame]:
        """(N - dropped, d) float32 vectors of the good rows, in order (fitting to them if not fitted yet), and a report of the
        others: row (the label), structure and reason, its index the 0-based positions in X.
        """
        structures, labels = self._read(X)
        vectors, failures, notes = self._compute(structures)
        self._keep_notes(structures, labels, notes)
        dropped = list(failures)
        good = np.delete(vectors, dropped, axis=0)
        if not hasattr(self, "columns_"):
            self._set_columns(good)
        rows = [(labels[k], structures[k], reason_of(error, structures[k])) for k, error in failures.items()]
        report = pd.DataFrame(rows, columns=["row", "structure", "reason"], index=pd.Index(dropped, dtype=int))
        return good[:, self.columns_], report

    def reasons(self, X: Any) -> list[str | None]:
        """Of each structure of X why it has no vector, in the same words for the same reason; None where it has one."""
        structures, _ = self._read(X)
        failures = self._compute(structures).failures
        return [reason_of(failures[k], structure) if k in failures else None for k, structure in enumerate(structures)]

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """(d,) names of the columns; the name of the input column plays no part."""
        check_is_fitted(self)
        return np.asarray(self._names(), dtype=object)[self.columns_]

    def __sklearn_tags__(self):
        # scikit-learn's estimator checks feed numbers: by these tags only those that need no data apply
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _read(self, X: Any) -> tuple[list[Any], Sequence[Any]]:
        """The structures as texts, and their row labels."""
        if isinstance(X, str | bytes):
            raise ValueError("expected a list of structures, got one string")
        if isinstance(X, list | tuple) and not any(isinstance(item, list | tuple | np.ndarray | pd.Series) for item in X):
            column: Any = X  # NumPy would take apart what has a length, such as a Composition
        else:
            column = np.asarray(X, dtype=object)
            column = column[:, 0] if column.shape[1:] == (1,) else column
            if column.ndim != 1:
                raise ValueError(f"expected one column of structures, got an array of shape {column.shape}")
        return [self._text(item) for item in column], X.index.tolist() if hasattr(X, "iloc") else range(len(column))

    def _good_vectors(self, X: Any) -> np.ndarray:
        structures, labels = self._read(X)
        vectors, failures, notes = self._compute(structures)
        if failures:
            position, error = next(iter(failures.items()))
            others = f" (bad rows: {len(failures)}; describe() drops and lists them)" if len(failures) > 1 else ""
            named = reason_of(error, structures[position])
            named = f"{structures[position]!r}: {named}" if structures[position] else named
            raise type(error)(f"row {labels[position]!r}: {named}{others}")
        self._keep_notes(structures, labels, notes)
        return vectors

    def _set_columns(self, vectors: np.ndarray) -> None:
        if not len(vectors):
            raise ValueError("no row is left to fit the descriptor on; expected at least one structure")
        self.n_features_in_ = 1
        self.columns_ = self._choose_columns(vectors)

    def _compute(self, structures: list[str]) -> Result:
        size = len(self._names())
        store = self._store(size)
        distinct = list(dict.fromkeys(structures))
        known = store.find(distinct) if store else {}
        missing = [structure for structure in distinct if structure not in known]
        chunks = [missing[k : k + STRUCTURES_AT_ONCE] for k in range(0, len(missing), STRUCTURES_AT_ONCE)]
        results = Parallel(n_jobs=self.n_jobs, return_as="generator")(delayed(_describe_chunk)(self, c) for c in chunks)
        failed: dict[str, ValueError] = {}
        for described, failures in results:
            try:
                if store:
                    store.add(described)
            except OSError as error:  # the vectors are there all the same
                why = f"{store.folder}: vectors are not kept ({error.strerror}); SIM2REAL_CACHE chooses another folder"
                warnings.warn(why, stacklevel=2)
                store = None
            known.update(described)
            failed.update(failures)
        matrix = np.full((len(structures), size), np.nan, dtype=np.float32)
        for k, structure in enumerate(structures):
            if structure in known:
                matrix[k] = known[structure].vector
        notes = {k: known[s].notes for k, s in enumerate(structures) if s in known and known[s].notes}
        return Result(matrix, {k: failed[s] for k, s in enumerate(structures) if s in failed}, notes)

    def _store(self, size: int) -> VectorStore | None:
        if self.cache_dir is None:
            return None
        folder = files("sim2real.chemistry")
        sources = hashlib.sha256(b"".join((folder / source).read_bytes() for source in (*self.sources, "texts.py"))).hexdigest()
        text = json.dumps({"columns": self._names(), "sources": sources, **self._signature()}, sort_keys=True)
        return VectorStore(Path(self.cache_dir) / f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}", size)


class VectorStore:
    """Float32 vectors of length d on disk by the text of their structure, one ``.npz`` a computed chunk. Files are only added, so
    that two runs may share a folder and one that is cut off loses only the chunks in flight.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.size = folder, size

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
        structures = np.array(list(described), dtype=np.str_)
        vectors = np.stack([entry.vector for entry in described.values()]).astype(np.float32)
        notes = np.array(["\n".join(entry.notes) for entry in described.values()], dtype=np.str_)
        with part.open("wb") as file:
            np.savez(file, structures=structures, vectors=vectors, notes=notes)
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


def _describe_chunk(descriptor: StructureDescriptor, structures: Sequence[str]) -> tuple[dict, dict]:
    described: dict[str, Described] = {}
    failures: dict[str, ValueError] = {}
    for structure in structures:
        try:
            described[structure] = descriptor._describe(structure)
        except ValueError as error:
            failures[structure] = type(error)(str(error))  # without the frames that it was raised through
    return described, failures
