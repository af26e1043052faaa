"""What chain length, the 21 steps and charges change, and how far two glasses differ: two polymers by molecular dynamics, six ways.

    .venv/bin/python scripts/make_md_variants.py md-variants

Writes data/md/variants.csv, a row for each polymer and way that is done, after each. Folders of cells lie below the one that is
named; called again, it goes on there. Some eight minutes of one core each;
RESP charges need the program psi4.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from sim2real.chemistry.simulators.md.cell import CELLS, GASTEIGER, RESP, Size
from sim2real.chemistry.simulators.md.protocol import ATM, HOT, KELVIN, PROTOCOL, MDStage, Step, stages
from sim2real.chemistry.simulators.md.run import Order, simulate
from sim2real.datasets.paths import DATA
from sim2real.studies.md import result_row

USUAL = CELLS["small"]
# as many atoms in all as the usual cell, in chains of seven units of styrene or methyl methacrylate
SHORT_CHAINS = replace(USUAL, chains=6, atoms=114)
ONCE = PROTOCOL.replace("21 steps (Larsen 2011)", "one squeeze of 5,000 atm")


def squeezed_once(size: Size) -> Iterator[MDStage]:
    """All stages after the cell, with one squeeze of the hot cell instead of the 21 steps."""
    return stages(size, lambda squeeze, settle: [(Step(squeeze, HOT, 5000.0),), (Step(settle, KELVIN, ATM),)])


LARSEN, SHORT = (PROTOCOL, stages), (ONCE, squeezed_once)
WAYS = {
    "usual": (USUAL, 0, GASTEIGER, *LARSEN),
    "seven units, short squeeze": (replace(SHORT_CHAINS, squeeze=20), 0, GASTEIGER, *SHORT),
    "seven units": (SHORT_CHAINS, 0, GASTEIGER, *LARSEN),
    "short squeeze": (replace(USUAL, squeeze=20), 0, GASTEIGER, *SHORT),
    "usual, another seed": (USUAL, 1, GASTEIGER, *LARSEN),
    "RESP charges": (USUAL, 0, RESP, *LARSEN),
}


def main() -> None:
    polymers, rows = pd.read_csv(DATA / "md" / "chosen.csv").head(2), []
    for way, (size, seed, charges, protocol, course) in WAYS.items():
        for smiles, polymer in zip(polymers["smiles"], polymers["polymer"]):
            order = Order(smiles, size, seed, charges)
            state = simulate(Path(sys.argv[1]) / way / order.name, order, protocol=protocol, course=course) | {"folder": order.name}
            if "failed" in state:
                print(f"{polymer}, {way}: failed in stage {state['failed']['stage']}: {state['failed']['cause']}", flush=True)
                continue
            rows.append({"polymer": polymer, "variant": way} | result_row(state))
            pd.DataFrame(rows).to_csv(DATA / "md" / "variants.csv", index=False, lineterminator="\n")
            print(f"{polymer}, {way}: {rows[-1]['density']:.4f} +- {rows[-1]['density_error']:.4f} g/cm3", flush=True)


if __name__ == "__main__":
    main()
