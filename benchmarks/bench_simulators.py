"""Speed of the quick simulators on one core, beside reading the SMILES alone.

python benchmarks/bench_simulators.py
"""

from __future__ import annotations

import time

import pandas as pd
from rdkit import Chem

from sim2real.chemistry.simulators.polymer import simulate_polymers
from sim2real.datasets.paths import DATA

COPIES = 20


def seconds(function) -> float:
    """Least CPU time of three runs (the machine may be shared)."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        function()
        best = min(best, time.process_time() - start)
    return best


def main() -> None:
    smiles = list(pd.read_csv(DATA / "facts" / "polymers.csv")["smiles"].unique()) * COPIES
    simulate_polymers(smiles[:100])  # fills the caches
    parsing = seconds(lambda: [Chem.MolFromSmiles(text) for text in smiles])
    simulating = seconds(lambda: simulate_polymers(smiles))
    print(f"{len(smiles)} repeat units, CPU time on one core")
    print(f"RDKit parsing alone    {len(smiles) / parsing:8.0f} structures/s")
    print(f"quick simulators       {len(smiles) / simulating:8.0f} structures/s")
    print(f"ratio to parsing       {simulating / parsing:8.1f}")


if __name__ == "__main__":
    main()
