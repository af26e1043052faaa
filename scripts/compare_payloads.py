"""Compare every number of two folders of figure JSONs: ``python scripts/compare_payloads.py OLD NEW``.

Numbers that moved because code moved are wrong: the exit status is 1 where a number, its place or a whole figure differs. Words may
differ. Compare runs of one machine; between processors trained numbers differ (README, "The same numbers").
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

TOLERANCE = 1e-6
SHOWN = 10  # differences printed a figure


def numbers(value: object, place: str = "") -> Iterator[tuple[str, float | None]]:
    """(place, number) of every number and None in a JSON value; places are joined by ``/``. How long a run took is no result."""
    if isinstance(value, dict):
        for key, entry in value.items():
            if key == "run":
                continue
            yield from numbers(entry, f"{place}/{key}")
    elif isinstance(value, list):
        for k, entry in enumerate(value):
            yield from numbers(entry, f"{place}/{k}")
    elif value is None or isinstance(value, (int, float)):
        yield place, None if value is None else float(value)


def moved(place: str, renames: list[tuple[re.Pattern, str]]) -> str | None:
    """Where a number of the old payload stands in the new one; None where it is left out on purpose."""
    for pattern, replacement in renames:
        if pattern.search(place):
            if replacement == "-":
                return None
            place = pattern.sub(replacement, place)
    return place


def unlike(a: float | None, b: float | None, tolerance: float) -> bool:
    """Whether two numbers differ by more than the relative tolerance; None equals None only."""
    if a is None or b is None:
        return a is not b
    return not (a == b or math.isnan(a) and math.isnan(b)) and abs(a - b) > tolerance * max(abs(a), abs(b))


def differences(old: dict, new: dict, renames: list[tuple[re.Pattern, str]], tolerance: float) -> tuple[list[str], int]:
    """What of the old payload is not in the new one, a line each, and how many numbers were compared."""
    found, lines, count = dict(numbers(new)), [], 0
    for place, value in numbers(old):
        if (where := moved(place, renames)) is None:
            continue
        count += 1
        if where not in found:
            lines.append(f"{place}: {value} is gone")
        elif unlike(value, found[where], tolerance):
            lines.append(f"{place}: {value} -> {found[where]}")
    return lines, count


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="relative (%(default)s)")
    parser.add_argument("--moved", type=Path, help="TOML: [figure pattern] with 'place pattern' = 'new place', or '-' to leave out")
    options = parser.parse_args(arguments)
    rules = tomllib.loads(options.moved.read_text()) if options.moved else {}
    olds = {p.name: p for p in sorted(options.old.glob("*.json"))}
    if not olds:
        print(f"{options.old}: no JSON of a figure", file=sys.stderr)
        return 2
    bad = 0
    for name, path in olds.items():
        other = options.new / name
        if not other.exists():
            print(f"{name}: no such figure in {options.new}")
            bad += 1
            continue
        renames = [(re.compile(k), v) for figure, of in rules.items() if re.search(figure, name) for k, v in of.items()]
        lines, count = differences(json.loads(path.read_text()), json.loads(other.read_text()), renames, options.tolerance)
        print(f"{name}: {count} numbers, {len(lines) or 'none'} differ")
        for line in lines[:SHOWN]:
            print(f"    {line}")
        bad += bool(lines)
    print(f"{len(olds)} figures, {bad} with differences")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
