"""Densities by molecular dynamics beside measured ones, those of the quick simulator and, where the public files are, RadonPy's.

    .venv/bin/python scripts/compare_md.py [md/polymers.csv]

Prints a table and what it says of each simulator. RadonPy's published values are shown and not kept.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from sim2real.chemistry.simulators.polymer import simulate_polymers
from sim2real.chemistry.structures import structure_key
from sim2real.datasets.embedded import load_polymer_facts
from sim2real.datasets.paths import DATA
from sim2real.datasets.polymers import load_md_polymers
from sim2real.datasets.sources import mirror_folder
from sim2real.datasets.task import get_property
from sim2real.laws.parity import parity_record


def main() -> None:
    found = pd.read_csv(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA / "md" / "polymers.csv")
    keys = found["smiles"].map(structure_key)
    facts = load_polymer_facts("density").table.set_index("key")
    table = pd.DataFrame({"smiles": found["smiles"], "measured": keys.map(facts["value"])})
    table["semicrystalline"] = keys.map(facts["semicrystalline"]).fillna(False).astype(bool)
    table["md"], table["md_error"] = found["density"], found["density_error"]
    table["quick"] = simulate_polymers(found["smiles"].tolist())["density"]
    if mirror_folder():
        table["radonpy"] = keys.map(load_md_polymers("density").table.set_index("key")["value"])
    print(table.round(3).to_string(index=False))
    for name in ("md", "quick", "radonpy"):
        both = table[["measured", name, "semicrystalline"]].dropna() if name in table else table.head(0)
        for rows, what in ((both, "all"), (both[~both["semicrystalline"].astype(bool)] if len(both) else both, "amorphous")):
            if len(rows) > 2:
                record = parity_record(rows["measured"].to_numpy(), rows[name].to_numpy(), get_property("density"))
                said = ", ".join(f"{what} {record[what]:.3f}" for what in ("bias", "relative_bias", "mae", "spearman"))
                print(f"{name}, {len(rows)} {what}: {said}")
    hours = found["processor_seconds"] / 3600
    print(f"{hours.median():.3f} hours of a processor a polymer (median), {found['ns_per_day'].median():.0f} ns a day")


if __name__ == "__main__":
    main()
