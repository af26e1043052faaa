"""The public files of the edition ``open`` (``data/sources.toml``), and how they come to this machine."""

from __future__ import annotations

import json
import os
import sys
import tomllib
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim2real.datasets.download import DownloadError, ResumableDownload, size_text
from sim2real.datasets.paths import DATA

with warnings.catch_warnings():
    # in a notebook it brings a progress bar of widgets that is not used here, and warns where widgets are not installed
    warnings.filterwarnings("ignore", message="IProgress not found")
    import pooch
from filelock import FileLock

REGISTRY = DATA / "sources.toml"
MIRROR = "SIM2REAL_DATA_MIRROR"
CACHE = "SIM2REAL_DATA_CACHE"


@dataclass(frozen=True)
class Source:
    """A public file: what ``data/sources.toml`` says of it, under the keys that its head explains."""

    name: str
    file: str
    url: str
    sha256: str
    bytes: int
    hash_checked: bool
    licence: str
    citation: str
    holds: str
    known_faults: str
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)


SOURCES = {name: Source(name, **entry) for name, entry in tomllib.loads(REGISTRY.read_text(encoding="utf-8")).items()}


def cache_folder() -> Path:
    """``SIM2REAL_DATA_CACHE`` or the platform's folder for caches; need not exist yet."""
    return Path(os.environ.get(CACHE) or pooch.os_cache("sim2real")).expanduser()


def mirror_folder() -> Path | None:
    """``SIM2REAL_DATA_MIRROR``, only ever read from, or None; a :class:`DownloadError` where it is no folder."""
    if not (value := os.environ.get(MIRROR)):
        return None
    folder = Path(value).expanduser()
    if not folder.is_dir():
        raise DownloadError(f"{MIRROR}={value} is no folder; set it to a folder laid out like {REGISTRY.name} says, or unset it")
    return folder


def fetch(name: str, *, accept_hash: str = "") -> Path:
    """A verified copy of a public file: the mirror's, else the cached one, else a download (tens of seconds to minutes).

    A hash never checked (``Source.hash_checked``) must be confirmed once by ``accept_hash``; until then the file is
    ``<file>.unconfirmed``. A :class:`DownloadError` (network, URL, time-out, disk, hash) says in one line what to put where; a
    ValueError: unknown name.
    """
    if name not in SOURCES:
        raise ValueError(f"unknown data {name!r}; expected one of {', '.join(SOURCES)}")
    source = SOURCES[name]
    accept_hash = accept_hash.strip().lower()
    if source.hash_checked and accept_hash not in ("", source.sha256):
        raise DownloadError(f"{name}: its hash is known ({source.sha256}), there is nothing to confirm; leave --accept-hash out")
    mirror = mirror_folder()
    if mirror is not None and (mirror / source.file).is_file():
        _verify(source, mirror / source.file, accept_hash)
        return mirror / source.file
    target = cache_folder() / source.file
    if target.is_file():
        try:
            _verify(source, target, accept_hash)
            return target
        except DownloadError as error:
            if not source.hash_checked:
                raise
            print(f"{error}; downloading it again", file=sys.stderr)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # another process that wants the file waits here, and finds it
        with FileLock(_beside(target, ".lock")):
            there = target.is_file() and pooch.file_hash(str(target)) in _trusted(source)
            return target if there else _fetch(source, target, accept_hash)
    except OSError as error:
        room = f"make room for {size_text(source.bytes)} there, set {CACHE} to another folder, or {_by_hand(source)}"
        raise DownloadError(f"{source.name}: cannot write to {target.parent} ({error.strerror or error}); {room}") from error


def _fetch(source: Source, target: Path, accept_hash: str) -> Path:
    """Download, unless that was done, verify and put in its place."""
    name, waiting = source.name, _beside(target, ".unconfirmed")
    if not waiting.exists():
        _download(source, waiting)
    try:
        found = _verify(source, waiting, accept_hash)
    except DownloadError as error:
        if not source.hash_checked:
            raise
        waiting.unlink()
        raise DownloadError(f"{error}; the download was removed: run it again, or {_by_hand(source)}") from None
    os.replace(waiting, target)
    if not source.hash_checked and found == source.sha256:
        print(f"{name}: the SHA-256 found matches the registered one ({found})", file=sys.stderr)
    return target


def state(source: Source) -> str:
    """Where the file is, in words; ``wrong hash`` is one that lies there but must not be used. Hashes whole files."""
    mirror, target = mirror_folder(), cache_folder() / source.file
    places = [(target, "cached")] if mirror is None else [(mirror / source.file, "mirror"), (target, "cached")]
    for path, name in places:
        if path.is_file():
            if pooch.file_hash(str(path)) in _trusted(source):
                return name
            return "wrong hash" if source.hash_checked else "waiting for confirmation"
    if _beside(target, ".unconfirmed").exists():
        return "partly downloaded" if source.hash_checked else "waiting for confirmation"
    return "partly downloaded" if _beside(target, ".part").exists() else "not downloaded"


def _beside(target: Path, suffix: str) -> Path:
    return target.with_name(target.name + suffix)


def _download(source: Source, waiting: Path) -> None:
    """Download to ``waiting``; the hash is checked afterwards, so that a run killed while hashing has not lost the file."""
    target = cache_folder() / source.file
    pooch.get_logger().setLevel("WARNING")  # its lines on the hash would ask for an argument of pooch's
    downloader = ResumableDownload(_beside(target, ".part"), source.bytes, source.hash_checked)
    try:
        pooch.retrieve(source.url, known_hash=None, fname=waiting.name, path=waiting.parent, downloader=downloader)
    except DownloadError as error:
        raise DownloadError(f"{source.name}: {error}; or {_by_hand(source)}") from error


def _by_hand(source: Source) -> str:
    place = f"{cache_folder() / source.file} or at {source.file} in a folder that {MIRROR} names"
    return f"download {source.url} yourself and put it at {place}"


def _verify(source: Source, path: Path, accept_hash: str) -> str:
    """The file's hash, if it is to be trusted; one that is confirmed hereby is remembered."""
    found = pooch.file_hash(str(path))
    if found in _trusted(source):
        return found
    if found == accept_hash:
        _remember(source, found)
        return found
    if source.hash_checked:
        wrong = f"SHA-256 {found} of {path.stat().st_size} bytes, expected {source.sha256} of {source.bytes}"
        raise DownloadError(f"{source.name}: {path} has a wrong hash: {wrong}")
    what = f"{source.name}: {path} has the SHA-256 {found} ({path.stat().st_size} bytes)"
    if accept_hash:
        raise DownloadError(f"{what}, not {accept_hash}; confirm the former or delete the file to download it anew")
    newer = f"{source.sha256} is registered: the host may have replaced the file by a newer snapshot"
    registered = newer if source.sha256 else "none is registered"
    confirm = f"python -m sim2real data fetch {source.name} --accept-hash {found} (delete the file to download it anew)"
    raise DownloadError(f"{what} and {registered}; if you trust {source.url}, confirm it: {confirm}")


def _trusted(source: Source) -> set[str]:
    confirmed = "" if source.hash_checked else _confirmed().get(source.name, "")
    return {source.sha256, confirmed} - {""}


def _confirmed() -> dict[str, str]:
    path = cache_folder() / "confirmed.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValueError as error:
        raise DownloadError(f"{path} cannot be read ({error}); delete it and confirm again") from error


def _remember(source: Source, sha256: str) -> None:
    path = cache_folder() / "confirmed.json"
    new, content = _beside(path, ".new"), json.dumps(_confirmed() | {source.name: sha256}, indent=1) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(content, encoding="utf-8")
        os.replace(new, path)
    except OSError as error:
        why = f"cannot write the confirmation to {path} ({error.strerror}); set {CACHE} to another folder"
        raise DownloadError(f"{source.name}: {why}") from error
