"""Virtual polymers: polymerisation rules applied to the molecules that the package `chemicals` ships.

A rule (``rules.csv``) is a sequence of parts joined head to tail: kinds of monomers, whose residues fill the places, and fixed
fragments such as ``*C(=O)*`` (with ``[1*]``: a side chain's place). They are textbook reactions (Odian, Principles of
Polymerization, 4th ed., Wiley 2004); some routes (an alkene by dehydration, then addition) are formal. The idea of a virtual
library made by polymerisation rules: Ohno et al., J. Chem. Inf. Model. 63, 5539 (2023); the rules are this project's own.

Every molecule is tried in every place; the other place is filled with textbook comonomers (data/comonomers.csv), a few chosen by
a hash of molecule and rule. So the units of one molecule do not depend on any other molecule. A virtual polymer need not be one
that anybody can make.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rdkit import Chem
from virtual_polymers.monomers import RESIDUES, SEPARATOR, Monomer, comonomers, molecules, read_monomer

from sim2real.chemistry.classes import class_of_mol
from sim2real.chemistry.structures import StructureError, attachment_indices, parse, structure_key

MAX_HEAVY_ATOMS = 60
_LEFTOVERS = tuple(
    Chem.MolFromSmarts(text)
    for text in (
        "[OX2]-[OX2]", "[N;!$(N(=O)=O);!$([N+](=O)[O-])]=[N+]", "C(=O)[F,Cl,Br,I]", "N=C=[O,S]", "[NX2]=O", "C=C=[C,O]",
        "[#7,#8,#16]-[F,Cl,Br,I]", "[C;R0]=[N+]", "[Si,P,B]-[Cl,Br,I]", "S(=O)(=O)[F,Cl,Br,I]",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """A polymerisation.

    Attributes:
        name: what reacts.
        polymer_class: the class that the rule aims at; the class of a unit is decided by its structure.
        parts: kinds of monomers and fragments (SMILES with two ``*``; a fragment with ``[1*]`` takes a side chain).
        partners: how many comonomers each molecule meets.
        share: the fraction of the molecules that is used (chosen by hash), so that no class swamps the others.
    """

    name: str
    polymer_class: str
    parts: tuple[str, ...]
    partners: int
    share: float


_table = pd.read_csv(Path(__file__).with_name("rules.csv"))
RULES = tuple(Rule(r.rule, r.polymer_class, tuple(r.parts.split(SEPARATOR)), r.partners, r.share) for r in _table.itertuples())
_RULES = {rule.name: rule for rule in RULES}
_SIDE = 1  # isotope label of a side chain's place in a fragment


def polymerise(rule_name: str, *smiles: str) -> str:
    """The repeat unit that a rule makes of given monomers, one for each kind of monomer in its parts, in their order.

    Raises:
        KeyError: no rule of that name.
        ValueError: a monomer that the rule cannot use, or the wrong number of monomers.
        StructureError: as :func:`sim2real.chemistry.structures.parse`.
    """
    rule = _RULES[rule_name]
    kinds = [part for part in rule.parts if part in RESIDUES]
    if len(kinds) != len(smiles):
        raise ValueError(f"{rule_name!r} takes {len(kinds)} monomers ({', '.join(kinds)}), got {len(smiles)}")
    residues = []
    for kind, text in zip(kinds, smiles):
        found = read_monomer(text).residues(kind)
        if not found:
            raise ValueError(f"{rule_name!r}: {text!r} does not react as {kind}")
        residues.append(found[0])
    return structure_key(_assembled(rule, residues))


def _assembled(rule: Rule, residues: list[str]) -> str:
    waiting = iter(residues)
    parts = [Chem.MolFromSmiles(next(waiting) if part in RESIDUES else part) for part in rule.parts]
    grafts = [part for part in parts if any(atom.GetIsotope() == _SIDE for atom in part.GetAtoms())]
    chain = _grafted(grafts[0], next(p for p in parts if p is not grafts[0])) if grafts else _joined(parts)
    return Chem.MolToSmiles(chain)


def _joined(parts: list[Chem.Mol]) -> Chem.Mol:
    """The tail (second ``*``) of every part bonded to the head (first ``*``) of the next."""
    chain = parts[0]
    pairs, tail = [], attachment_indices(chain)[1] if len(parts) > 1 else None
    for part in parts[1:]:
        offset = chain.GetNumAtoms()
        head, end = ((star + offset, atom + offset) for star, atom in attachment_indices(part))
        pairs.append((tail, head))
        chain, tail = Chem.CombineMols(chain, part), end
    return _bonded(chain, pairs)


def _grafted(fragment: Chem.Mol, side_chain: Chem.Mol) -> Chem.Mol:
    """A copy of the side chain (one ``*``) at every ``[1*]`` of the fragment."""
    places = [p for p in attachment_indices(fragment) if fragment.GetAtomWithIdx(p[0]).GetIsotope() == _SIDE]
    ((star, atom),) = attachment_indices(side_chain)
    pairs = []
    for place in places:
        offset = fragment.GetNumAtoms()
        pairs.append((place, (star + offset, atom + offset)))
        fragment = Chem.CombineMols(fragment, side_chain)
    return _bonded(fragment, pairs)


def _bonded(mol: Chem.Mol, pairs: list[tuple[tuple[int, int], tuple[int, int]]]) -> Chem.Mol:
    """Fragments bonded where pairs of ``(star, neighbour)`` say; those stars go."""
    chain = Chem.RWMol(mol)
    for (_, left), (_, right) in pairs:
        chain.AddBond(left, right, Chem.BondType.SINGLE)
    for star in sorted((star for pair in pairs for star, _ in pair), reverse=True):
        chain.RemoveAtom(star)
    return chain.GetMol()


def units_of(monomer: Monomer, seed: int = 0) -> Iterator[tuple[Rule, str]]:
    """Every rule that a molecule can take part in, with the SMILES of the unit; at most a few units a rule."""
    made: dict[str, list[str]] = {}
    for rule in RULES:
        kinds = [part for part in rule.parts if part in RESIDUES]
        for place, kind in enumerate(kinds):
            if kind in kinds[:place]:
                continue
            if rule.share < 1 and _hash(seed, rule.name, monomer.smiles)[0] >= 256 * rule.share:
                continue
            if kind not in made:
                made[kind] = monomer.residues(kind)[:3]
            for residue in made[kind]:
                if len(kinds) == 1:
                    yield rule, _assembled(rule, [residue])
                    continue
                for partner in _partners(kinds[1 - place], rule, monomer, seed):
                    yield rule, _assembled(rule, [residue, partner] if place == 0 else [partner, residue])


def _partners(kind: str, rule: Rule, monomer: Monomer, seed: int) -> list[str]:
    return sorted(comonomers(kind), key=lambda c: _hash(seed, rule.name, monomer.smiles, c))[: rule.partners]


def _hash(*parts: object) -> bytes:
    return hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()


def cap_rank(key: str, seed: int = 0) -> bytes:
    """A hash of a structure key; ``per_class`` keeps the units of a class that have the smallest."""
    return _hash(seed, key)


def virtual_polymers(limit: int | None = None, per_class: int | None = None, seed: int = 0) -> pd.DataFrame:
    """Distinct virtual repeat units.

    Args:
        limit: read only the first ``limit`` molecules of the package's tables (all, about 73,000, by default).
        per_class: keep at most so many units of a class, those with the smallest :func:`cap_rank`, so that a part
            (``limit``) keeps every unit that the whole keeps of it.
        seed: enters the choice of comonomers and of the units kept.

    Returns:
        Columns key (:func:`sim2real.chemistry.structures.structure_key`), smiles (the same text), polymer_class (of the
        structure), rule (the first that made it); sorted by class and key. ``frame.attrs["counts"]`` says how many
        were made, refused (and why), repeated, aimed at another class than they have, and left out by ``per_class``.
    """
    aimed = {rule.name: rule.polymer_class for rule in RULES}
    counts: Counter[str] = Counter()
    seen: set[str] = set()
    rows: dict[str, tuple[str, str]] = {}
    for monomer in molecules(limit):
        counts["molecules"] += 1
        for rule, smiles in units_of(monomer, seed):
            counts["made"] += 1
            if smiles in seen:
                counts["repeated"] += 1
                continue
            seen.add(smiles)
            try:
                key = structure_key(smiles)
                unit = parse(key, attachment_points=(2,))
            except StructureError:
                counts["refused: not a valid unit"] += 1
                continue
            if key in rows:
                counts["repeated"] += 1
                continue
            reason = _objection(unit)
            if reason:
                counts[f"refused: {reason}"] += 1
                continue
            rows[key] = (class_of_mol(unit), rule.name)
            counts["aimed at another class"] += rows[key][0] != aimed[rule.name]
    frame = pd.DataFrame(
        [(key, key, code, rule) for key, (code, rule) in rows.items()],
        columns=["key", "smiles", "polymer_class", "rule"],
    )
    if per_class is not None:
        order = sorted(range(len(frame)), key=lambda i: cap_rank(frame.at[i, "key"], seed))
        kept = frame.iloc[order].groupby("polymer_class", sort=False).head(per_class)
        counts["left out by per_class"] = len(frame) - len(kept)
        frame = kept
    frame = frame.sort_values(["polymer_class", "key"], ignore_index=True)
    frame.attrs["counts"] = dict(counts)
    return frame


def _objection(unit: Chem.Mol) -> str | None:
    if unit.GetNumHeavyAtoms() > MAX_HEAVY_ATOMS:
        return f"more than {MAX_HEAVY_ATOMS} heavy atoms"
    if any(unit.HasSubstructMatch(query) for query in _LEFTOVERS):
        return "a reactive group is left"
    ends = [unit.GetAtomWithIdx(atom).GetAtomicNum() for _, atom in attachment_indices(unit)]
    if ends in ([8, 8], [7, 8], [8, 7], [7, 7]):
        return "a peroxide or hydrazine link"
    return None
