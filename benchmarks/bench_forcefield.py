"""Speed of the force-field descriptor on one core, beside RadonPy's own route where that is installed.

python benchmarks/bench_forcefield.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pandas as pd
from rdkit import Chem

from sim2real.chemistry.descriptors.forcefield import forcefield_vector
from sim2real.datasets.paths import DATA

COPIES = 10
# units of several classes that RadonPy manages; of its own 1,077 units it fails on a quarter
SHARED = ("*CC*", "*CC(*)c1ccccc1", "*CC(*)(C)C(=O)OC", "*NCCCCCC(*)=O", "*OC(C)C(*)=O", "*c1ccc(*)s1")


def seconds(function: Callable[[], object], runs: int = 3) -> float:
    """Least CPU time of some runs (the machine may be shared)."""
    best = float("inf")
    for _ in range(runs):
        start = time.process_time()
        function()
        best = min(best, time.process_time() - start)
    return best


def radonpy_route() -> Callable[[str], np.ndarray]:
    """RadonPy's descriptor of the ring of ten units."""
    from radonpy.core import const, poly
    from radonpy.ff.descriptor import FF_descriptor
    from radonpy.ff.gaff2_mod import GAFF2_mod

    const.print_level = 3
    force_field = GAFF2_mod()
    descriptor = FF_descriptor(force_field, polar=True)

    def vector(smiles: str) -> np.ndarray:
        mol = poly.make_cyclicpolymer(smiles, n=10, return_mol=True)
        force_field.ff_assign(mol, charge="gasteiger")
        return descriptor.ff_kernel_mean(mol)

    return vector


def main() -> None:
    smiles = [text for text in pd.read_csv(DATA / "facts" / "polymers.csv")["smiles"].unique() if "Si" not in text]
    smiles *= COPIES
    for text in smiles:
        forcefield_vector(text)  # the parameters of every kind of term are looked up once
    parsing = seconds(lambda: [Chem.MolFromSmiles(text) for text in smiles])
    describing = seconds(lambda: [forcefield_vector(text) for text in smiles])
    print(f"{len(smiles)} repeat units, CPU time on one core")
    print(f"RDKit parsing alone    {len(smiles) / parsing:8.0f} polymers/s")
    print(f"force-field descriptor {len(smiles) / describing:8.0f} polymers/s")
    if find_spec("radonpy") is None:
        print("RadonPy                not installed (extra [oracle])")
        return
    route = radonpy_route()
    ours = seconds(lambda: [forcefield_vector(text) for text in SHARED])
    theirs = seconds(lambda: [route(text) for text in SHARED], runs=1)
    print(f"RadonPy                {len(SHARED) / theirs:8.1f} polymers/s on {len(SHARED)} units")
    print(f"the same units here    {len(SHARED) / ours:8.0f} polymers/s, {theirs / ours:.0f} times as fast")


if __name__ == "__main__":
    main()
