"""Write lib/sim2real/chemistry/descriptors/data/gaff2_mod.csv from the package radonpy-pypi (extra ``[oracle]``).

Run from the root of the repository: ``python scripts/make_gaff2_tables.py``. The table holds what the force-field
descriptor reads and no more: Lennard-Jones parameters of the atom types, force constants and equilibrium values of
bonds and angles, and the largest force constant of every dihedral series.
"""

from __future__ import annotations

import csv
import importlib.util
import json
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "lib" / "sim2real" / "chemistry" / "descriptors" / "data" / "gaff2_mod.csv"
SECTIONS = {  # term: (section of the JSON file, the two values that are kept)
    "atom": ("particle_types", ("epsilon", "sigma")),
    "bond": ("bond_types", ("k", "r0")),
    "angle": ("angle_types", ("k", "theta0")),
    "dihedral": ("dihedral_types", ("k",)),
}


def source_file() -> Path:
    """The JSON file of the installed package, found without importing it (its QM module needs Psi4)."""
    spec = importlib.util.find_spec("radonpy")
    if spec is None:
        raise SystemExit("radonpy-pypi is not installed; install this repository with the extra [oracle]")
    return Path(spec.submodule_search_locations[0]) / "ff" / "ff_dat" / "gaff2_mod.json"


def main() -> None:
    tables = json.loads(source_file().read_text())
    part = TARGET.with_suffix(".part")
    with part.open("w", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(("term", "types", "first", "second"))
        for term, (section, fields) in SECTIONS.items():
            for entry in tables[section]:
                values = [entry[field] for field in fields]
                if term == "dihedral":
                    values = [max(entry["k"]), ""]
                writer.writerow((term, entry["name"].replace(",", "-"), *values))
    part.replace(TARGET)
    print(f"{TARGET.name}: {sum(1 for _ in TARGET.open()) - 1} rows")


if __name__ == "__main__":
    main()
