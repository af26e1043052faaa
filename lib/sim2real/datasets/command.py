"""Command line of the public files: ``python -m sim2real data`` lists them, ``fetch`` and ``show`` take names."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from sim2real.datasets.download import DownloadError, size_text
from sim2real.datasets.sources import SOURCES, Source, cache_folder, fetch, mirror_folder, state


class Parser(argparse.ArgumentParser):
    """Arguments of a command: wrong ones are said in one line, exit status 2, and names of options are written in full."""

    def __init__(self, **given: Any) -> None:
        super().__init__(allow_abbrev=False, **given)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; {self.prog} --help tells what there is\n")


def data_command(arguments: Sequence[str]) -> int:
    """Exit status 0, 1 if a file could not be fetched, 2 for wrong arguments."""
    parser = Parser(prog="python -m sim2real data", description="Public files of the edition open; without a command: list them.")
    commands = parser.add_subparsers(dest="command", metavar="{list,fetch,show}")
    commands.add_parser("list", help="name, size, licence and state of each")
    fetching = commands.add_parser("fetch", help="have verified files on this machine, and print where they lie")
    fetching.add_argument("names", nargs="+", metavar="NAME", help="names, or all")
    fetching.add_argument("--accept-hash", metavar="SHA256", default="", help="trust this hash of the one file named")
    showing = commands.add_parser("show", help="source, licence, citation and known faults")
    showing.add_argument("names", nargs="+", metavar="NAME", help="names, or all")
    options = parser.parse_args(arguments)
    if options.command in (None, "list"):
        return _run(_list)
    names = list(SOURCES) if options.names == ["all"] else options.names
    unknown = [name for name in names if name not in SOURCES]
    if unknown:
        return _fail(f"unknown data {unknown[0]!r}; expected {', '.join(SOURCES)}, or all alone", 2)
    if options.command == "show":
        return _run(lambda: print("\n\n".join(_describe(SOURCES[name]) for name in names)))
    if options.accept_hash and len(names) != 1:
        return _fail("--accept-hash goes with one name", 2)
    # all are tried: one that waits for a confirmation must not hold up the others
    accepted = options.accept_hash
    return max([_run(lambda n=name: print(f"{n}: {fetch(n, accept_hash=accepted)}", flush=True)) for name in names])


def _run(action: Callable[[], None]) -> int:
    try:
        action()
    except DownloadError as error:
        return _fail(error, 1)
    return 0


def _fail(message: object, status: int) -> int:
    print(message, file=sys.stderr)
    return status


def _list() -> None:
    rows = [("name", "size", "licence", "state", "holds")]
    rows += [(s.name, _size(s), s.licence, state(s), s.holds) for s in SOURCES.values()]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for name, size, licence, where, holds in rows:
        print(f"{name:{widths[0]}}  {size:>{widths[1]}}  {licence:{widths[2]}}  {where:{widths[3]}}  {holds}")
    print(f"\nmirror: {mirror_folder() or 'none (SIM2REAL_DATA_MIRROR is not set)'}; cache: {cache_folder()}")


def _size(source: Source) -> str:
    return size_text(source.bytes) if source.bytes else "unknown"


def _describe(source: Source) -> str:
    checked = "computed from the file" if source.hash_checked else "not checked against the file"
    lines = {"state": state(source), "file": f"{source.file}, {_size(source)}", "url": source.url}
    lines |= {"sha256": f"{source.sha256 or 'unknown'} ({checked})", "licence": source.licence}
    lines |= {"citation": source.citation, "faults": source.known_faults}
    return "\n".join([f"{source.name}: {source.holds}", *(f"  {what:8}  {text}" for what, text in lines.items())])
