"""Downloads over HTTP that go on where they were broken off, as a downloader of pooch."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from urllib.parse import urlsplit

import requests
from tqdm import tqdm
from urllib3.exceptions import ReadTimeoutError

from sim2real.datasets.task import DataError

TIMEOUT = 60.0  # seconds without a byte before a download is given up
CHUNK = 1 << 16
DELAY = 1.0  # seconds after which a progress bar appears, so that small files do not print one


class DownloadError(DataError):
    """A public file that could not be fetched or is not what it should be; the message is one line that says what to do."""


def size_text(size: int) -> str:
    """Size in decimal units, as download pages give it: ``196.9 MB``."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"


class ResumableDownload:
    """A ``downloader`` of :func:`pooch.retrieve` that goes on where a run left ``part`` (Range, RFC 9110, section 14). If-Range
    with the strong ETag in ``<part>.etag`` sees replaced files; with neither that nor a known hash (``pinned``) nothing is
    resumed.
    """

    def __init__(self, part: Path, size: int, pinned: bool) -> None:
        self.part, self.tag = part, part.with_name(part.name + ".etag")
        self.pinned, self.size = pinned, size if pinned else 0

    def __call__(self, url: str, output_file: str, pooch: object = None) -> None:
        """Download, then rename; a :class:`DownloadError` is the reason only. An OSError is the disk's: if full, ``part`` goes."""
        # pooch puts an empty file there first, which a killed run would leave behind
        Path(output_file).unlink(missing_ok=True)
        try:
            if not self.size or self._have() != self.size:
                self._download(url)
            os.replace(self.part, output_file)
            self.tag.unlink(missing_ok=True)
        except requests.RequestException as error:
            raise DownloadError(self._explain(error)) from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                self.discard()
            raise

    def discard(self) -> None:
        """Remove what was downloaded so far."""
        self.part.unlink(missing_ok=True)
        self.tag.unlink(missing_ok=True)

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _download(self, url: str) -> None:
        tag = self.tag.read_text() if self.tag.exists() else ""
        if (self.size and self._have() > self.size) or not (tag or self.pinned):
            self.discard()
        start = self._have()
        # compressed transfers would make offsets and sizes those of something else
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers |= {"Range": f"bytes={start}-"} | ({"If-Range": tag} if tag else {})
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if start and not self._continues(response, start):
                if response.status_code != requests.codes.ok:
                    self.discard()
                    return self._download(url)
                start = 0
            response.raise_for_status()
            self._write(response, start)

    def _continues(self, response: requests.Response, start: int) -> bool:
        """Whether the answer to a request for the rest is the rest; an error of the host counts, it is raised later."""
        if response.status_code == requests.codes.partial_content:
            return response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        return response.status_code not in (requests.codes.ok, requests.codes.requested_range_not_satisfiable)

    def _write(self, response: requests.Response, start: int) -> None:
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else self.size
        etag = response.headers.get("ETag", "")
        if etag and not etag.startswith("W/"):
            self.tag.write_text(etag)
        else:
            self.tag.unlink(missing_ok=True)
        bar = tqdm(desc=self.part.name, total=total or None, initial=start, unit="B", unit_scale=True, delay=DELAY, leave=False)
        with bar, open(self.part, "ab" if start else "wb") as file:
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
        if self._have() < total:
            raise requests.exceptions.ChunkedEncodingError("short")

    def _explain(self, error: requests.RequestException) -> str:
        if error.response is not None:
            code = error.response.status_code
            busy = code == 429 or code >= 500
            refused = "the host is overloaded or out of order, try again later" if busy else "the host refuses it"
            return f"HTTP {code}, {'the file has moved or is gone' if code in (404, 410) else refused}"
        resume = f"; run it again to go on from {size_text(self._have())}" if self._have() else ""
        if isinstance(error, requests.Timeout) or (error.args and isinstance(error.args[0], ReadTimeoutError)):
            return f"the host sent nothing for {TIMEOUT:g} s{resume}"
        if isinstance(error, requests.exceptions.ChunkedEncodingError):
            return f"the host broke off before the end{resume}"
        host = urlsplit(error.request.url).hostname if error.request is not None else "the host"
        return f"no connection to {host} ({type(error).__name__}), try again with a network{resume}"
