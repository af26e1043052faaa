"""A finished cell of molecular dynamics as the picture in notebook 09 needs it.

    .venv/bin/python scripts/make_md_cell.py md/e9ff72b44686

Writes data/md/cell.json.gz: repeat unit, edge of the cube in Angstrom, bonds, and of each atom element, chain and place. Chains are
whole: where they leave the cube they go on outside of it, and each has its centre in the cube.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path

import numpy as np

from sim2real.datasets.paths import DATA


def main() -> None:
    folder = Path(sys.argv[1])
    run = json.loads((folder / "run.json").read_text("utf-8"))
    data = (folder / f"{list(run['stages'])[-1]}.data").read_text("utf-8")
    # LAMMPS drops the names of types, which stand behind the masses of the cell that it was given
    names = re.findall(r"^\s*\d+\t[\d.]+\t# (cl|br|[a-z])", (folder / "cell.data").read_text("utf-8").split("Pair Coeffs")[0], re.M)
    low, high = map(float, re.search(r"(\S+) (\S+) xlo xhi", data).groups())
    rows = np.array([row.split() for row in data.split("Atoms # full")[1].split("Velocities")[0].strip().splitlines()], float)
    rows, edge = rows[np.argsort(rows[:, 0])], high - low
    chain, places = rows[:, 1].astype(int), rows[:, 4:7] - low + edge * rows[:, 7:10]
    for k in np.unique(chain):
        places[chain == k] -= edge * np.floor(places[chain == k].mean(axis=0) / edge)
    record = {"smiles": run["smiles"], "edge": round(edge, 3), "element": [names[int(kind) - 1].title() for kind in rows[:, 2]]}
    bonds = np.array([row.split()[2:] for row in data.split("\nBonds")[1].split("\nAngles")[0].strip().splitlines()], int) - 1
    record |= {"chain": chain.tolist(), "places": places.round(2).tolist(), "bonds": bonds.tolist()}
    path = DATA / "md" / "cell.json.gz"
    path.write_bytes(gzip.compress(json.dumps(record).encode(), mtime=0))
    print(f"{path}: {len(rows)} atoms, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
