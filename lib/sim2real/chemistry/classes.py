"""PoLyInfo's polymer classes P01 to P21 (Otsuka et al., EIDWT 2011, p. 22) by rule: the first that fits in the order of
``classes.csv``, whose patterns are this project's own reading of the class names.
"""

from __future__ import annotations

import csv
from importlib.resources import files
from math import ceil
from operator import itemgetter

from rdkit import Chem

from sim2real.chemistry.structures import attachment_indices, parse

# In the patterns isotope 1 marks an atom of the main chain (on a shortest path along the chain), isotope 2 an atom of a
# ring system that the chain runs through, isotope 0 a side group.
with (files("sim2real.chemistry") / "classes.csv").open(encoding="utf-8") as _file:
    _ROWS = list(csv.DictReader(_file))
PRIORITY: tuple[str, ...] = tuple(row["code"] for row in _ROWS)
CLASS_NAMES: dict[str, str] = {row["code"]: row["name"] for row in sorted(_ROWS, key=itemgetter("code"))}
_QUERIES = {row["code"]: tuple(map(Chem.MolFromSmarts, row["patterns"].split())) for row in _ROWS if row["patterns"]}
# halo-olefins hold no other hetero-atoms: fluorinated vinyl ethers are polyvinyls
_HETERO, _NO_PARAFFIN = Chem.MolFromSmarts("[!#0;!#1;!#6;!#9;!#17;!#35;!#53]"), Chem.MolFromSmarts("[!#0&!#1&!#6,a]")
_LONGEST = 3  # main-chain atoms of the longest pattern


def polymer_class(smiles: str) -> str:
    """PoLyInfo class code of the infinite chain of a repeat unit, wherever it is cut; main-chain groups count before side groups.
    Chains that fit no rule are P01 without, and P03 with, hetero-atoms.
    """
    return class_of_mol(parse(smiles, attachment_points=(2,)))


def class_of_mol(unit: Chem.Mol) -> str:
    """:func:`polymer_class` of a repeat unit that :func:`sim2real.chemistry.structures.parse` has read already."""
    chain = _marked_chain(unit)
    for code, queries in _QUERIES.items():
        if not (code == "P05" and unit.HasSubstructMatch(_HETERO)) and any(map(chain.HasSubstructMatch, queries)):
            return code
    return "P03" if unit.HasSubstructMatch(_NO_PARAFFIN) else "P01"


def _marked_chain(unit: Chem.Mol) -> Chem.Mol:
    """The chain closed to the smallest ring in which no pattern meets itself."""
    (star_head, head), (star_tail, tail) = attachment_indices(unit)
    distance = Chem.GetDistanceMatrix(unit)
    along = distance[head] + distance[tail]
    length = along[tail]
    path = set((along == length).nonzero()[0].tolist())
    rings = _rings_along(unit, path)
    chain = Chem.RWMol(unit)
    for a in path | rings:
        chain.GetAtomWithIdx(a).SetIsotope(1 if a in path else 2)
    chain.RemoveBond(star_head, head)
    chain.RemoveBond(star_tail, tail)
    units, size, link = ceil(_LONGEST / (length + 1)), chain.GetNumAtoms(), Chem.Mol(chain)
    for _ in range(units - 1):
        chain.InsertMol(link)
    for k in range(units):
        chain.AddBond(k * size + tail, (k + 1) % units * size + head, Chem.BondType.SINGLE)
    # what the patterns ask for, none of it about rings; aromaticity does not reach from one unit to the next
    chain.UpdatePropertyCache()
    return chain


def _rings_along(unit: Chem.Mol, path: set[int]) -> set[int]:
    """Atoms of the fused ring systems that share at least one bond with the path."""
    found: set[int] = set()
    waiting = [set(ring) for ring in unit.GetRingInfo().AtomRings()]
    while True:
        joined = [ring for ring in waiting if len(ring & (path | found)) >= 2]
        if not joined:
            return found
        found = found.union(*joined)
        waiting = [ring for ring in waiting if ring not in joined]
