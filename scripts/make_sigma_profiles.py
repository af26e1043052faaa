"""Make data/sigma_profiles.csv.gz: sigma profiles of molecules and repeat units, for COSMO-SAC. Needs MOPAC.

    python scripts/make_sigma_profiles.py                      # the committed table: goes on where it stopped
    python scripts/make_sigma_profiles.py LIST.txt OUT.csv.gz  # your own structures, one SMILES a line, repeat units with two *

The committed table holds the molecules of the embedded twin, polymers and solvents of the public tables of chi (downloaded where
they are not yet), listed small molecules, and virtual polymers, the smallest of a draw of every class. What fails is a row with the
reason.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pandas as pd
from rdkit import Chem, RDLogger

from sim2real.chemistry.simulators.surfaces import CONFORMERS, KEYWORDS, SEED, mopac_version, sigma_profile
from sim2real.chemistry.structures import structure_key
from sim2real.datasets.activity import load_activity_nrtl
from sim2real.datasets.chi_public import load_chi_public
from sim2real.datasets.drawn_pairs import draw_molecules
from sim2real.datasets.embedded import load_virtual_polymers, sample_balanced
from sim2real.datasets.pairs import load_chi_cosmo
from sim2real.datasets.simulated_pairs import PROFILE_COLUMNS, PROFILES, profile_row

LISTED, LARGEST = 500, 10  # solvents beyond the measured ones, and their heavy atoms
DRAWN, TAKEN = 60, 16  # virtual polymers of a class drawn, and taken: those with the fewest atoms
EVERY = 5  # structures between two writings of the table


def structures() -> list[str]:
    """Those of the committed table: measured ones first, the smallest first, a stereo-free structure once."""
    chi = [load_chi_public().table, load_chi_cosmo().table]
    twin = load_activity_nrtl().table
    small = [*twin["polymer"], *twin["solvent"], *(s for table in chi for s in table["solvent"])]
    virtual = sample_balanced(load_virtual_polymers(), 21 * DRAWN, seed=0)
    virtual = virtual.assign(size=virtual["smiles"].map(heavy_atoms)).sort_values("size", kind="stable")
    virtual = virtual.assign(rank=virtual.groupby("polymer_class").cumcount())
    taken = virtual[virtual["rank"] < TAKEN].sort_values(["rank", "size"], kind="stable")["smiles"]
    parts = [small, [s for table in chi for s in table["polymer"]], draw_molecules(LISTED, 0, LARGEST)]
    # one virtual polymer of every class after the other, so that a table that is not finished holds all classes
    return [*(s for part in parts for s in sorted(dict.fromkeys(part), key=lambda s: (heavy_atoms(s), s))), *taken]


def heavy_atoms(smiles: str) -> int:
    return Chem.MolFromSmiles(smiles).GetNumHeavyAtoms()


def row(smiles: str) -> dict[str, object]:
    """A row of the table."""
    RDLogger.DisableLog("rdApp.*")
    try:
        return profile_row(smiles, sigma_profile(smiles))
    except ValueError as error:
        return profile_row(smiles, str(error))


def write(rows: list[dict[str, object]], path: Path) -> None:
    """The table as gzip bytes that depend on its content alone, in one step."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=9, mtime=0, filename="") as file:
        file.write(pd.DataFrame(rows, columns=list(PROFILE_COLUMNS)).to_csv(index=False, lineterminator="\n").encode())
    part = path.with_suffix(".part")
    part.write_bytes(buffer.getvalue())
    os.replace(part, path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("listed", nargs="?", type=Path, help="file with one SMILES a line")
    parser.add_argument("out", nargs="?", type=Path, default=PROFILES)
    parser.add_argument("--workers", type=int, default=1, help="processes")
    options = parser.parse_args()
    print(f"{mopac_version()}; {KEYWORDS}; mean of {CONFORMERS} conformers, seed {SEED}", flush=True)
    wanted = options.listed.read_text(encoding="utf-8").split() if options.listed else structures()
    rows = pd.read_csv(options.out, keep_default_na=False).to_dict("records") if options.out.exists() else []
    done = {structure_key(r["structure"]) for r in rows}
    waiting = list({key: s for s in reversed(wanted) if (key := structure_key(s)) not in done}.values())[::-1]
    print(f"{len(rows)} structures are there, {len(waiting)} to do", flush=True)
    start = time.process_time()
    with ProcessPoolExecutor(options.workers) as pool:
        for k, made in enumerate(pool.map(row, waiting) if options.workers > 1 else map(row, waiting), 1):
            rows.append(made)
            if made["failure"]:
                print(f"FAILED {made['structure']}: {made['failure']}", flush=True)
            if k % EVERY == 0 or k == len(waiting):
                write(rows, options.out)
                print(f"{k} of {len(waiting)}, last {made['structure']}", flush=True)
    failed = sum(bool(r["failure"]) for r in rows)
    spent = os.times().user + os.times().children_user - start
    print(f"{len(rows)} structures, {failed} without a profile; {spent:.0f} s of CPU time", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
