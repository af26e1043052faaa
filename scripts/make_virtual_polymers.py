"""Make data/virtual_polymers.csv.gz: virtual repeat units of 21 classes, by rules over the molecules of `chemicals`.

    python scripts/make_virtual_polymers.py            # writes the table
    python scripts/make_virtual_polymers.py --check    # exit status 1 if the committed table would change

The rules, and what they leave out, are in scripts/virtual_polymers.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import sys

import pandas as pd
from virtual_polymers.polymerise import virtual_polymers

from sim2real.datasets.embedded import VIRTUAL_POLYMERS

PER_CLASS = 2000
SEED = 0


def packed(frame: pd.DataFrame) -> bytes:
    """The table as gzip bytes that depend on its content alone (no time, no file name)."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=9, mtime=0, filename="") as file:
        columns = ["smiles", "polymer_class", "rule"]
        file.write(frame[columns].to_csv(index=False, lineterminator="\n").encode())
    return buffer.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed table, write nothing")
    check = parser.parse_args().check
    frame = virtual_polymers(per_class=PER_CLASS, seed=SEED)
    print(frame["polymer_class"].value_counts().sort_index().to_string())
    for what, count in frame.attrs["counts"].items():
        print(f"{what}: {count}")
    data = packed(frame)
    print(f"{len(frame)} units, {len(data)} bytes")
    if check:
        # the text, not the archive: another build of zlib may pack the same text differently
        same = VIRTUAL_POLYMERS.exists() and gzip.decompress(VIRTUAL_POLYMERS.read_bytes()) == gzip.decompress(data)
        print(f"{VIRTUAL_POLYMERS.name}: {'unchanged' if same else 'would change; run this script without --check'}")
        return 0 if same else 1
    part = VIRTUAL_POLYMERS.with_suffix(".part")
    part.write_bytes(data)
    os.replace(part, VIRTUAL_POLYMERS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
