"""Write tests/data/forcefield_oracle.csv: the force-field descriptor of repeat units as RadonPy itself computes it.

Run from the root of the repository, with the extra ``[oracle]`` (radonpy-pypi 0.2.11): ``python
scripts/make_forcefield_oracle.py``. Each unit runs in a process of its own, limited to 12 s and 3 GB, because RadonPy's
ring of ten units makes RDKit enumerate macrocycles without end for some (para-linked aromatic rings).
"""

from __future__ import annotations

import csv
import multiprocessing
import resource
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

TARGET = Path(__file__).resolve().parents[1] / "tests" / "data" / "forcefield_oracle.csv"
SECONDS, BYTES = 12, 3 * 2**30

# common polymers of many classes, and units that exercise the rules: every element, conjugated chains, small rings,
# hypervalent sulfur and phosphorus, cations, missing parameters, and backbones of one or two atoms
UNITS = """
*CC* *CC(*)C *CC(*)c1ccccc1 *CC(*)(C)C(=O)OC *CC(*)OC(C)=O *CC(*)C#N *CC(*)Cl *CC(*)(F)F *C(F)(F)C(*)(F)F
*CCO* *CC=C(Cl)C* *NCCCCCC(*)=O *OC(C)C(*)=O *CC(*)C(N)=O *CC(*)c1ccncc1 *CC(*)c1ccc([N+](=O)[O-])cc1
*CC(*)c1ccc(-c2ccccc2)cc1 *CC(*)(C)C(=O)OCC1CO1 *OCCCCOC(=O)NCCCCNC(*)=O *CCCCNC(=S)N* *CCCCS(*)(=O)=O *SCC*
*CC(*)P(=O)(OCC)OCC *N=P(*)(OCC(F)(F)F)OCC(F)(F)F *c1ccc(*)s1 *C=C* *CC(*)Br *CC(*)c1ccc(I)cc1 *CCC(=O)OC(*)=O
*CCN(C)*
""".split()


def radonpy_vector(smiles: str) -> np.ndarray:
    """The (190,) descriptor of the ring of ten units. RadonPy is imported here: without it there is nothing to run."""
    from radonpy.core import const, poly
    from radonpy.ff.descriptor import FF_descriptor
    from radonpy.ff.gaff2_mod import GAFF2_mod

    const.print_level = 3
    force_field = GAFF2_mod()
    mol = poly.make_cyclicpolymer(smiles, n=10, return_mol=True)
    if mol is None or not force_field.ff_assign(mol, charge="gasteiger"):
        raise ValueError(f"RadonPy assigns no force field to {smiles!r}")
    return FF_descriptor(force_field, polar=True).ff_kernel_mean(mol)


def _answer(smiles: str, reply: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    reply.send(radonpy_vector(smiles))


def limited_vector(smiles: str) -> np.ndarray | None:
    """As :func:`radonpy_vector`, or None where it fails or needs more than the limits."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=_answer, args=(smiles, sender))
    process.start()
    sender.close()
    try:
        return receiver.recv() if receiver.poll(SECONDS) else None
    except EOFError:
        return None
    finally:
        process.kill()
        process.join()


def main() -> None:
    from sim2real.chemistry.descriptors.forcefield import FEATURE_NAMES

    rows = [(smiles, limited_vector(smiles)) for smiles in UNITS]
    failed = [smiles for smiles, vector in rows if vector is None]
    if failed:
        raise SystemExit(f"RadonPy gave no vector for {', '.join(failed)}; choose other units")
    TARGET.parent.mkdir(exist_ok=True)
    part = TARGET.with_suffix(".part")
    with part.open("w", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(("smiles", *FEATURE_NAMES))
        writer.writerows((smiles, *(f"{number:.8f}" for number in vector)) for smiles, vector in rows)
    part.replace(TARGET)
    print(f"{TARGET.name}: {len(rows)} units")


if __name__ == "__main__":
    main()
