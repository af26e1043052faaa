"""What is kept in files from one run to the next: written all at once or not at all, and one line where that cannot be done."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
from filelock import FileLock, Timeout


def code_of(*modules: ModuleType) -> str:
    """A hash of the source of modules: what other code has made is made again."""
    return hashlib.sha256("".join(map(inspect.getsource, modules)).encode()).hexdigest()[:16]


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Where something is written to a folder: an OSError says in one line what that means."""
    try:
        yield
    except OSError as error:
        reason = f"{folder}: what is trained cannot be stored ({error.strerror or error})"
        raise OSError(f"{reason}; what is there is kept: make room or set SIM2REAL_CACHE, and run it again") from error


@contextmanager
def locked(folder: Path, name: str, *, wait: bool = True) -> Iterator[bool]:
    """Held by one process at a time, for which others wait, or are told False; an OSError as :func:`writing`."""
    path, is_alone = folder / f"{name}.lock", True
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        path.touch()
    lock = FileLock(path)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except OSError as error:  # but for that, a network's disk without locks, on which no other run is noticed
        is_alone = not isinstance(error, Timeout)
    try:
        yield is_alone
    finally:
        lock.release()


def keep(path: Path, values: Sequence[np.ndarray]) -> None:
    """Write arrays, all at once or not at all; an OSError as :func:`writing`."""
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps([value.tolist() for value in values]).encode())


def kept(path: Path) -> tuple[np.ndarray, ...] | None:
    """What :func:`keep` has written, to the last bit; None where there is nothing that can be read."""
    try:
        return tuple(map(np.array, json.loads(path.read_bytes())))
    except (OSError, ValueError):
        return None


def write_whole(path: Path, content: bytes) -> None:
    """All at once or not at all."""
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
