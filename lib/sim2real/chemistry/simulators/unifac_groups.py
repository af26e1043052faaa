"""UNIFAC subgroups: DDBST's own for the molecules it lists, else a search with the SMARTS of ``thermo`` (C. Bell et al., MIT
licence) that covers every heavy atom once, largest groups first, and gives up after a number of steps.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from rdkit import Chem
from thermo import unifac

from sim2real.chemistry.simulators.mixing import NotSimulated
from sim2real.chemistry.structures import StructureError, oligomer, parse
from sim2real.chemistry.texts import reason_of

MAX_STEPS = 20_000  # choices tried for one molecule
MAX_ATOMS = 120  # heavy atoms of an oligomer or molecule that is looked at


class NoGroups(NotSimulated):
    """No UNIFAC groups for a structure."""


def groups_of(smiles: str, stars: int) -> dict[int, int]:
    """Subgroups, thermo's (DDBST's) number -> count: of a molecule (``stars`` 0), or of a repeat unit (2) in a long chain, which is
    its 3-mer less its 2-mer. :class:`NoGroups` where unreadable, too large or without, or where the ends do not cancel.
    """
    return dict(_groups(smiles, stars))


@lru_cache(maxsize=200_000)
def _groups(smiles: str, stars: int) -> tuple[tuple[int, int], ...]:
    try:
        mol = parse(smiles, attachment_points=(stars,))
        three, two = (oligomer(mol, units) for units in (3, 2))
    except StructureError as error:
        raise NoGroups(f"structure {reason_of(error, smiles)}") from error
    if not stars:
        listed = listed_groups(Chem.MolToInchiKey(mol))
        known = listed and _atoms_of(listed) == _formula(mol)
        return tuple(sorted((listed if known else cover(mol)).items()))
    long, short = cover(three), cover(two)
    unit = {g: n for g in sorted(long | short) if (n := long.get(g, 0) - short.get(g, 0))}
    if min(unit.values()) < 0 or _atoms_of(unit) != _formula(three) - _formula(two):
        raise NoGroups("groups of the chain ends do not cancel")
    return tuple(unit.items())


def listed_groups(inchikey: str) -> dict[int, int] | None:
    """DDBST's groups of a molecule, by the connectivity part (14 letters) of its InChIKey; None where it is not listed."""
    return _listed().get(inchikey[:14])


@lru_cache(maxsize=1)
def _listed() -> dict[str, dict[int, int]]:
    unifac.load_group_assignments_DDBST()
    # stereoisomers share their groups; the flat key comes last and wins
    keys = sorted(unifac.DDBST_UNIFAC_assignments, key=lambda k: k[15:23] == "UHFFFAOY")
    return {key[:14]: unifac.DDBST_UNIFAC_assignments[key] for key in keys}


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[unifac.UNIFAC_subgroup, tuple[Chem.Mol, ...]], ...]:
    """Subgroups and their patterns, the ones to be taken first in front."""
    ordered = sorted(unifac.UFSG.values(), key=lambda s: (s.priority, s.group_id), reverse=True)
    smarts = [[s.smarts] if isinstance(s.smarts, str) else s.smarts for s in ordered]
    return tuple((s, tuple(map(Chem.MolFromSmarts, texts))) for s, texts in zip(ordered, smarts))


def cover(mol: Chem.Mol, max_steps: int = MAX_STEPS) -> dict[int, int]:
    """Subgroups that hold every heavy atom once, the first cover in the order of priority; :class:`NoGroups` if none is found."""
    size = mol.GetNumAtoms()
    if size > MAX_ATOMS:
        raise NoGroups("too large for group assignment")
    matches = _matches(mol)
    holders: list[list[int]] = [[] for _ in range(size)]  # matches that hold an atom, best first
    for k, (_, atoms) in enumerate(matches):
        for atom in atoms:
            holders[atom].append(k)
    if not all(holders):
        raise NoGroups("atoms that no UNIFAC group holds")
    masks = [sum(1 << atom for atom in atoms) for _, atoms in matches]
    last = [max(ks) for ks in holders]  # when this match is passed the atom can no longer be covered
    closing = [sum(1 << atom for atom in range(size) if last[atom] == k) for k in range(len(matches))]
    everything = (1 << size) - 1
    # depth first over "take" before "leave", match by match in the order of priority
    stack: list[tuple[int, int, tuple[int, ...]]] = [(0, 0, ())]
    for _ in range(max_steps):
        if not stack:
            raise NoGroups("groups overlap or hydrogens do not fit")
        k, covered, taken = stack.pop()
        while covered != everything and k < len(matches):
            if masks[k] & covered:
                if closing[k] & ~covered:
                    break
                k += 1
                continue
            if not closing[k] & ~covered:
                stack.append((k + 1, covered, taken))
            covered, taken, k = covered | masks[k], (*taken, k), k + 1
            if closing[k - 1] & ~covered:
                break
        if covered == everything:
            return dict(Counter(matches[j][0] for j in taken))
    raise NoGroups("group assignment stopped at its step limit")


def _matches(mol: Chem.Mol) -> list[tuple[int, tuple[int, ...]]]:
    """Every place where a subgroup fits with its hydrogens: number of the subgroup and atoms, best subgroup first."""
    hydrogens = [atom.GetTotalNumHs() for atom in mol.GetAtoms()]
    found = []
    for subgroup, patterns in _patterns():
        places = {tuple(sorted(hit)) for pattern in patterns for hit in mol.GetSubstructMatches(pattern, maxMatches=10_000)}
        for atoms in sorted(places):
            if subgroup.hydrogen_from_smarts or sum(hydrogens[a] for a in atoms) == subgroup.atoms.get("H", 0):
                found.append((subgroup.group_id, atoms))
    return found


def _formula(mol: Chem.Mol) -> Counter:
    counts = Counter(atom.GetSymbol() for atom in mol.GetAtoms())
    counts["H"] = sum(atom.GetTotalNumHs() for atom in mol.GetAtoms())
    return counts


def _atoms_of(groups: dict[int, int]) -> Counter:
    counts: Counter = Counter()
    for group, count in groups.items():
        for element, number in unifac.UFSG[group].atoms.items():
            counts[element] += number * count
    return counts
