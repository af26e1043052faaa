"""Make ``data/example``: two small tables as an owner of a database would have them, for notebook 08 and the README.

``simulated.csv``: densities of 600 of the virtual polymers by the quick simulator. ``measured.csv``: the densities of
``data/facts/polymers.csv``, as they stand there.
"""

from __future__ import annotations

import pandas as pd

from sim2real.chemistry.simulators.polymer import simulate_polymers
from sim2real.datasets.embedded import load_polymer_facts, load_virtual_polymers
from sim2real.datasets.paths import DATA

COUNT = 600


def main() -> None:
    folder = DATA / "example"
    folder.mkdir(exist_ok=True)
    library = load_virtual_polymers()
    units = library["smiles"].iloc[:: len(library) // COUNT].head(COUNT).tolist()
    simulated = pd.DataFrame({"smiles": units, "density": simulate_polymers(units)["density"]}).round(4)
    measured = load_polymer_facts("density").table[["structure", "value"]].set_axis(["smiles", "density"], axis=1)
    for name, table in (("simulated", simulated), ("measured", measured)):
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
