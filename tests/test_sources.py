"""The registry of public files, and downloads from a server that breaks off, lies, sleeps or has moved the file."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from sim2real.datasets import download, sources
from sim2real.datasets.command import data_command as main
from sim2real.datasets.download import DownloadError, size_text
from sim2real.datasets.paths import ROOT
from sim2real.datasets.sources import SOURCES, Source, fetch, state
from sim2real.datasets.task import DataError

BODY = np.random.default_rng(0).bytes(300_000)
HASH = hashlib.sha256(BODY).hexdigest()
UNCHECKED = {"polyomics", "chi-cosmo-full", "starrydata"}


class Server(ThreadingHTTPServer):
    """Serves ``body`` at any path; attributes say how, ``requests`` keeps the headers of every request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = BODY
        self.status = 200
        self.ranges = True
        self.wrong_start = 0  # bytes by which it misses the start that was asked for
        self.etag = '"first"'
        self.says_length = True
        self.stop_after = None  # bytes after which it breaks off
        self.sleeps = False  # instead of breaking off
        self.delay = 0.0  # seconds before an answer
        self.awake = threading.Event()
        self.requests: list[dict[str, str]] = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        server.requests.append(dict(self.headers))
        time.sleep(server.delay)
        if server.status != 200:
            self.send_response(server.status)
            self.end_headers()
            self.wfile.write(b"an error page, not data")
            return
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked and server.ranges and self.headers.get("If-Range", server.etag) == server.etag else 0
        start -= server.wrong_start if start else 0
        if start >= len(server.body):
            self.send_response(416)
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.body) - 1}/{len(server.body)}")
        if server.says_length:
            self.send_header("Content-Length", str(len(server.body) - start))
        if server.etag:
            self.send_header("ETag", server.etag)
        self.end_headers()
        if server.stop_after is None:
            self.wfile.write(server.body[start:])
            return
        self.wfile.write(server.body[start : start + server.stop_after])
        self.wfile.flush()
        if server.sleeps:
            server.awake.wait(20)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.awake.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(sources.CACHE, str(tmp_path / "cache"))
    monkeypatch.delenv(sources.MIRROR, raising=False)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    return tmp_path / "cache"


@pytest.fixture
def toy(server, cache, monkeypatch) -> Source:
    """A registered file ``toy`` on the server, with a checked hash."""
    url = f"http://127.0.0.1:{server.server_port}/data.bin"
    return _register(monkeypatch, Source("toy", "deep/data.bin", url, HASH, len(BODY), True, "MIT", "nobody", "noise", "none"))


@pytest.fixture
def loose(toy, monkeypatch) -> Source:
    """The same with a hash that is registered, wrong and not checked."""
    return _register(monkeypatch, replace(toy, sha256="0" * 64, bytes=1234, hash_checked=False))


def _register(monkeypatch, source: Source) -> Source:
    monkeypatch.setattr(sources, "SOURCES", {"toy": source})
    monkeypatch.setattr("sim2real.datasets.command.SOURCES", {"toy": source})
    return source


def _files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock"}


def _fails(*words: str, **arguments: str) -> str:
    with pytest.raises(DownloadError) as caught:
        fetch("toy", **arguments)
    message = str(caught.value)
    assert "\n" not in message and message.startswith("toy: ")
    for word in words:
        assert word in message
    return message


def _cut(server: Server, after: int = 200_000) -> int:
    """Let a download break off; what lies in the .part then."""
    server.stop_after = after
    _fails("broke off before the end", "run it again to go on from")
    server.stop_after = None
    return (sources.cache_folder() / "deep/data.bin.part").stat().st_size


# --- registry


def test_registry_names_every_file_with_source_hash_licence_and_faults():
    names = "radonpy polyomics chi-measured omg-chi chi-cosmo chi-cosmo-full starrydata-2019 starrydata system simpoly openpoly"
    assert [name for name in SOURCES if not name.startswith("lcdb-")] == [*names.split(), "xenonpy", "mikami", "lcdb"]
    assert len(SOURCES) == 38, "24 data sets of LCDB beside them"
    assert {s.name for s in SOURCES.values() if not s.hash_checked} == UNCHECKED
    assert len({s.file for s in SOURCES.values()}) == len({s.url for s in SOURCES.values()}) == len(SOURCES)
    for s in SOURCES.values():
        assert s.url.startswith("https://")
        assert all((s.licence, s.citation, s.holds, s.known_faults))
        assert not Path(s.file).is_absolute() and ".." not in s.file
        assert s.name == "chi-cosmo-full" or (re.fullmatch(r"[0-9a-f]{64}", s.sha256) and s.bytes > 0)
        if s.hash_checked or s.name == "polyomics":
            assert re.search(r"/[0-9a-f]{40}/", s.url), "pinned to a commit"


def test_registry_agrees_with_the_mirrored_files(mirror):
    for s in SOURCES.values():
        if s.hash_checked:
            content = (mirror / s.file).read_bytes()
            assert (hashlib.sha256(content).hexdigest(), len(content)) == (s.sha256, s.bytes), s.name
            assert fetch(s.name) == mirror / s.file


def test_unknown_name():
    with pytest.raises(ValueError, match="unknown data 'salt'; expected one of radonpy, polyomics"):
        fetch("salt")


@pytest.mark.parametrize(("size", "text"), [(999, "999 B"), (10_637, "10.6 kB"), (196_910_783, "196.9 MB")])
def test_sizes_read_as_on_download_pages(size, text):
    assert size_text(size) == text


# --- downloads


def test_a_download_is_verified_renamed_and_not_repeated(server, toy, cache):
    assert state(toy) == "not downloaded"
    path = fetch("toy")
    assert path == cache / "deep/data.bin" and path.read_bytes() == BODY
    assert fetch("toy") == path and len(server.requests) == 1
    assert _files(cache) == {"deep/data.bin"} and state(toy) == "cached"


@pytest.mark.parametrize("etag", ['"first"', 'W/"weak"', ""])
def test_a_broken_download_asks_only_for_the_rest(server, toy, cache, monkeypatch, etag):
    server.etag = etag
    have = _cut(server)
    assert 0 < have <= 200_000 and state(toy) == "partly downloaded"
    bars = []
    bar = download.tqdm
    monkeypatch.setattr(download, "tqdm", lambda **options: bars.append(options) or bar(**options))
    assert fetch("toy").read_bytes() == BODY
    assert server.requests[1]["Range"] == f"bytes={have}-"
    assert server.requests[1].get("If-Range", "") == (etag if etag == '"first"' else "")
    assert (bars[0]["initial"], bars[0]["total"]) == (have, len(BODY))
    assert _files(cache) == {"deep/data.bin"}


def test_a_server_without_ranges_starts_anew(server, toy):
    _cut(server)
    server.ranges = False
    assert fetch("toy").read_bytes() == BODY
    assert "Range" in server.requests[1] and len(server.requests) == 2


@pytest.mark.parametrize("says_length", [True, False])
def test_a_partial_file_that_is_too_long_starts_anew(server, toy, cache, says_length):
    server.says_length = says_length
    (cache / "deep").mkdir(parents=True)
    (cache / "deep/data.bin.part").write_bytes(BODY + b"more")
    assert fetch("toy").read_bytes() == BODY
    assert "Range" not in server.requests[0]


def test_a_partial_file_that_is_complete_needs_no_server(server, toy, cache):
    (cache / "deep").mkdir(parents=True)
    (cache / "deep/data.bin.part").write_bytes(BODY)
    assert fetch("toy").read_bytes() == BODY
    assert not server.requests


def test_a_spoilt_partial_file_does_not_spoil_the_next_download(toy, cache):
    (cache / "deep").mkdir(parents=True)
    (cache / "deep/data.bin.part").write_bytes(b"x" * 1000)
    _fails("wrong hash", "the download was removed: run it again")
    assert _files(cache) == set()
    assert fetch("toy").read_bytes() == BODY


def test_the_end_of_a_transfer_without_length_is_checked_against_the_registered_size(server, toy):
    server.says_length = False
    assert _cut(server) == 200_000
    assert fetch("toy").read_bytes() == BODY


def test_a_range_that_the_server_cannot_satisfy_starts_anew(server, loose, cache):
    (cache / "deep").mkdir(parents=True)
    (cache / "deep/data.bin.part").write_bytes(BODY + b"more")
    (cache / "deep/data.bin.part.etag").write_text(server.etag)
    _fails(HASH)
    assert [r.get("Range") for r in server.requests] == [f"bytes={len(BODY) + 4}-", None]
    assert (cache / "deep/data.bin.unconfirmed").read_bytes() == BODY


def test_another_range_than_asked_for_starts_anew(server, toy):
    _cut(server)
    server.wrong_start = 7
    assert fetch("toy").read_bytes() == BODY
    assert ["Range" in r for r in server.requests] == [False, True, False]


def test_halves_of_two_snapshots_are_never_joined(server, loose, cache):
    _cut(server)
    server.body, server.etag = BODY[::-1], '"second"'
    _fails(hashlib.sha256(BODY[::-1]).hexdigest())
    assert server.requests[1]["If-Range"] == '"first"'
    assert (cache / "deep/data.bin.unconfirmed").read_bytes() == BODY[::-1]


def test_a_file_without_known_hash_and_tag_is_not_resumed(server, loose, cache):
    server.etag = 'W/"weak"'
    _cut(server)
    _fails(HASH)
    assert "Range" not in server.requests[1]
    assert (cache / "deep/data.bin.unconfirmed").read_bytes() == BODY


def test_a_killed_run_leaves_a_part_that_is_resumed(server, toy, cache):
    server.stop_after, server.sleeps = 200_000, True
    script = (
        "from sim2real.datasets import sources\n"
        f"sources.SOURCES = {{'toy': sources.Source({', '.join(repr(v) for v in vars(toy).values())})}}\n"
        "sources.fetch('toy')"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT / "lib")
    part = cache / "deep/data.bin.part"
    for _ in range(6000):  # Python may take long to start where many tests run at once
        if part.exists() and part.stat().st_size > 100_000:
            break
        time.sleep(0.02)
    process.kill()
    process.wait()
    have = part.stat().st_size
    assert have > 100_000 and _files(cache) == {"deep/data.bin.part", "deep/data.bin.part.etag"}
    server.stop_after = None
    assert fetch("toy").read_bytes() == BODY
    assert server.requests[1]["Range"] == f"bytes={have}-"


# --- errors


@pytest.mark.parametrize(
    ("status", "words"), [(404, "moved or is gone"), (410, "moved or is gone"), (403, "refuses"), (503, "try again later")]
)
def test_an_answer_that_is_no_file_says_what_to_put_where(server, toy, cache, status, words):
    server.status = status
    _fails(f"HTTP {status}", words, toy.url, str(cache / toy.file), f"at {toy.file} in a folder that SIM2REAL_DATA_MIRROR names")
    assert _files(cache) == set()


def test_an_error_of_the_host_does_not_cost_the_partial_file(server, toy):
    have = _cut(server)
    server.status = 503
    _fails("HTTP 503")
    server.status = 200
    assert fetch("toy").read_bytes() == BODY
    assert server.requests[2]["Range"] == f"bytes={have}-"


def test_a_silent_host_is_given_up_and_resumed(server, toy, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(download, "TIMEOUT", 0.5)
        server.stop_after, server.sleeps = 200_000, True
        _fails("sent nothing for 0.5 s; run it again to go on from", toy.url)
        assert state(toy) == "partly downloaded"
        server.stop_after = 0
        _fails("sent nothing for 0.5 s; run it again to go on from")
    server.stop_after = None
    assert fetch("toy").read_bytes() == BODY


def test_no_network(toy, cache, monkeypatch):
    _register(monkeypatch, replace(toy, url="http://127.0.0.1:9/data.bin"))
    _fails("no connection to 127.0.0.1", str(cache / toy.file))
    assert _files(cache) == set()


def test_a_full_disk_leaves_nothing(toy, cache, monkeypatch):
    class Full:
        def __init__(self, path, mode):
            self.file = open(path, mode)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, chunk):
            self.file.write(chunk[:10])
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(download, "open", Full, raising=False)
        _fails("No space left on device", "make room for 300.0 kB", "SIM2REAL_DATA_CACHE", toy.url)
    assert _files(cache) == set()
    assert fetch("toy").read_bytes() == BODY


def test_a_cache_that_is_no_folder(toy, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(sources.CACHE, str(tmp_path / "file"))
    _fails(f"cannot write to {tmp_path / 'file' / 'deep'}", "SIM2REAL_DATA_CACHE")


def test_a_confirmation_that_cannot_be_kept(loose, tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    (tmp_path / loose.file).write_bytes(BODY)
    monkeypatch.setenv(sources.MIRROR, str(tmp_path))
    monkeypatch.setenv(sources.CACHE, str(tmp_path / loose.file))
    _fails("--accept-hash")
    _fails("cannot write the confirmation", "SIM2REAL_DATA_CACHE", accept_hash=HASH)


def test_a_tampered_file_is_removed(server, toy, cache):
    server.body = b"x" + BODY[1:]
    _fails("wrong hash", hashlib.sha256(server.body).hexdigest(), HASH, "the download was removed")
    assert _files(cache) == set() and state(toy) == "not downloaded"


def test_a_cached_file_that_changed_is_downloaded_again_and_says_so(toy, capsys):
    fetch("toy").write_bytes(b"edited")
    assert state(toy) == "wrong hash"
    assert fetch("toy").read_bytes() == BODY
    said = capsys.readouterr().err
    assert re.search(r"wrong hash: SHA-256 \w{64} of 6 bytes, expected \w{64} of 300000; downloading it again", said)


def test_errors_are_data_errors():
    assert issubclass(DownloadError, DataError)


# --- mirror


def test_the_mirror_is_used_in_place_and_what_it_lacks_is_downloaded(server, toy, cache, tmp_path, monkeypatch):
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv(sources.MIRROR, str(folder))
    assert fetch("toy") == cache / toy.file
    (folder / "deep").mkdir()
    (folder / toy.file).write_bytes(BODY)
    assert fetch("toy") == folder / toy.file and state(toy) == "mirror"
    assert _files(folder) == {toy.file} and len(server.requests) == 1


def test_a_wrong_mirror_file_is_named_and_left_alone(server, toy, tmp_path, monkeypatch):
    path = tmp_path / toy.file
    path.parent.mkdir()
    path.write_bytes(b"old")
    monkeypatch.setenv(sources.MIRROR, str(tmp_path))
    _fails(f"{path} has a wrong hash", "of 3 bytes", HASH)
    assert path.read_bytes() == b"old" and not server.requests and state(toy) == "wrong hash"


def test_a_mirror_that_is_no_folder(toy, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(sources.MIRROR, str(tmp_path / "gone"))
    with pytest.raises(DownloadError, match="SIM2REAL_DATA_MIRROR=.*gone is no folder"):
        fetch("toy")
    assert main([]) == 1
    assert "is no folder" in capsys.readouterr().err


# --- hashes to be confirmed


@pytest.mark.parametrize("registered", ["0" * 64, ""])
def test_an_unchecked_hash_is_confirmed_once_and_without_a_second_download(server, loose, cache, monkeypatch, registered):
    source = _register(monkeypatch, replace(loose, sha256=registered))
    reason = "newer snapshot" if registered else "none is registered"
    for _ in range(2):
        _fails(f"the SHA-256 {HASH}", reason, f"python -m sim2real data fetch toy --accept-hash {HASH}")
        assert state(source) == "waiting for confirmation" and _files(cache) == {"deep/data.bin.unconfirmed"}
    _fails(f"the SHA-256 {HASH}", "not " + "1" * 64, accept_hash="1" * 64)
    assert fetch("toy", accept_hash=HASH.upper()).read_bytes() == BODY
    assert json.loads((cache / "confirmed.json").read_text()) == {"toy": HASH}
    assert fetch("toy") == cache / source.file and state(source) == "cached"
    assert len(server.requests) == 1 and _files(cache) == {"deep/data.bin", "confirmed.json"}


def test_an_unchecked_hash_that_is_found_needs_no_confirmation(loose, monkeypatch, capsys):
    _register(monkeypatch, replace(loose, sha256=HASH))
    assert fetch("toy").read_bytes() == BODY
    assert f"matches the registered one ({HASH})" in capsys.readouterr().err
    fetch("toy")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("place", ["cache", "mirror"])
def test_a_file_put_there_by_hand_is_confirmed_in_place(server, loose, cache, tmp_path, monkeypatch, place):
    path = tmp_path / place / loose.file
    path.parent.mkdir(parents=True)
    path.write_bytes(BODY)
    if place == "mirror":
        monkeypatch.setenv(sources.MIRROR, str(tmp_path / place))
    _fails(str(path), HASH)
    assert state(loose) == "waiting for confirmation"
    cache.mkdir(exist_ok=True)
    (cache / "confirmed.json").write_text('{"other": "kept"}')
    assert fetch("toy", accept_hash=HASH) == fetch("toy") == path
    assert json.loads((cache / "confirmed.json").read_text()) == {"other": "kept", "toy": HASH}
    assert not server.requests


def test_a_known_hash_cannot_be_talked_away(server, toy):
    _fails("there is nothing to confirm", accept_hash="1" * 64)
    assert not server.requests


def test_a_confirmation_counts_no_more_once_the_hash_is_known(server, loose, monkeypatch):
    fetch("toy", accept_hash=HASH)
    _register(monkeypatch, replace(loose, hash_checked=True))
    _fails("wrong hash", "0" * 64)


def test_unreadable_confirmations(loose, cache):
    cache.mkdir()
    (cache / "confirmed.json").write_text("{")
    with pytest.raises(DownloadError, match=r"confirmed\.json cannot be read .* delete it and confirm again"):
        fetch("toy")


# --- command line


def test_listing_and_description(toy, cache, capsys):
    assert main([]) == main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["toy", "300.0", "kB", "MIT", "not", "downloaded", "noise"]
    assert str(cache) in lines[-1]
    fetch("toy")
    assert main(["show", "toy"]) == 0
    text = capsys.readouterr().out
    for word in ("cached", toy.url, HASH, "computed from the file", "MIT", "nobody", "noise", "none"):
        assert word in text


def test_fetching_by_name(server, toy, cache, capsys):
    assert main(["fetch", "all"]) == 0
    assert capsys.readouterr().out == f"toy: {cache / toy.file}\n"
    server.status = 404
    (cache / toy.file).unlink()
    assert main(["fetch", "toy"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and len(captured.err.splitlines()) == 1 and "HTTP 404" in captured.err


def test_one_failure_does_not_stop_the_others(server, toy, cache, monkeypatch, capsys):
    both = {"gone": replace(toy, name="gone", file="gone", url="http://127.0.0.1:9/"), "toy": toy}
    monkeypatch.setattr(sources, "SOURCES", both)
    monkeypatch.setattr("sim2real.datasets.command.SOURCES", both)
    assert main(["fetch", "all"]) == 1
    assert capsys.readouterr().out == f"toy: {cache / toy.file}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fetch", "salt"], "unknown data 'salt'; expected radonpy, polyomics"),
        (["show", "salt"], "unknown data 'salt'; expected radonpy, polyomics"),
        (["fetch", "radonpy", "simpoly", "--accept-hash", "1" * 64], "--accept-hash goes with one name"),
    ],
)
def test_wrong_arguments(arguments, message, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error and len(error.splitlines()) == 1


def test_the_command_exists():
    result = subprocess.run([sys.executable, "-m", "sim2real", "data", "frob"], cwd=ROOT / "lib", capture_output=True, text=True)
    assert result.returncode == 2 and "frob" in result.stderr


def test_two_that_want_one_file_at_once_download_it_once(toy, server, cache):
    server.delay = 0.3
    found: list[Path] = []
    wanting = [threading.Thread(target=lambda: found.append(fetch("toy"))) for _ in range(3)]
    for thread in wanting:
        thread.start()
    for thread in wanting:
        thread.join()
    assert len(found) == 3 and len(server.requests) == 1
    assert {path.read_bytes() for path in found} == {BODY}
