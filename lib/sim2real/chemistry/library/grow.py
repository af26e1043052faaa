"""The virtual library: repeat units of 20 polymer classes, each from an N-gram model of its known units, as the paper made its
own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from rdkit import Chem
from rdkit.DataStructs import BulkTanimotoSimilarity

from sim2real.chemistry.classes import CLASS_NAMES, class_of_mol
from sim2real.chemistry.fingerprints import fingerprints
from sim2real.chemistry.library.ngram import NgramModel
from sim2real.chemistry.structures import StructureError, attachment_indices, parse, structure_key

# The paper does not say which 20 of the 21 classes it used. Polysiloxanes are the one class without any unit in RadonPy's
# public set of 1,077: GAFF2 has no silicon.
LEFT_OUT = "P17"
CLASSES: tuple[str, ...] = tuple(code for code in CLASS_NAMES if code != LEFT_OUT)

ATTEMPTS = 20  # per unit asked for; then a class is given up as exhausted
SAMPLE = 300  # units whose pairs give the diversity


def grow_library(
    known: pd.DataFrame,
    per_class: int,
    seed: int = 0,
    workers: int = 1,
    *,
    order: int = 9,
    writings: int = 4,
    classes: Sequence[str] = CLASSES,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """New repeat units of each class (sorted table of smiles, polymer_class), and :func:`report_of` each.

    A draw is kept if it is valid, of that very class, of known :func:`kinds` and new. ``known`` has columns smiles and
    polymer_class; a class without ``per_class`` units in ``ATTEMPTS`` times as many draws gives what it has. A ValueError names
    classes without known units.
    """
    missing = sorted(set(classes) - set(known["polymer_class"]))
    if missing:
        raise ValueError(f"no known unit of {', '.join(missing)}; add some, or leave the class out of classes")
    by_class = {code: sorted(set(known.loc[known["polymer_class"] == code, "smiles"])) for code in classes}
    grow = delayed(_grow_class)
    grown = Parallel(n_jobs=workers)(grow(code, by_class[code], per_class, seed, order, writings) for code in classes)
    rows = [(smiles, code) for code, (units, _) in zip(classes, grown) for smiles in units]
    library = pd.DataFrame(rows, columns=["smiles", "polymer_class"])
    report = pd.DataFrame([row for _, row in grown])
    return library.sort_values(["polymer_class", "smiles"], ignore_index=True), report


def _grow_class(code: str, known: list[str], per_class: int, seed: int, order: int, writings: int) -> tuple[list[str], dict]:
    writing, rng = np.random.default_rng([seed, list(CLASS_NAMES).index(code)]).spawn(2)
    model = NgramModel(order, writings).fit(known, writing)
    known_keys = {structure_key(smiles) for smiles in known}
    known_kinds = set().union(*(kinds(parse(smiles)) for smiles in known))
    counts: Counter[str] = Counter()
    distinct: set[str] = set()
    kept: list[str] = []
    while len(kept) < per_class and counts["attempts"] < ATTEMPTS * per_class:
        counts["attempts"] += 1
        smiles = model.sample(rng)
        if smiles is None:
            continue
        try:
            key = structure_key(smiles)
            unit = parse(key, attachment_points=(2,))
        except StructureError:
            continue
        right_class = class_of_mol(unit) == code
        familiar = right_class and kinds(unit) <= known_kinds
        counts.update({"valid": 1, "right class": right_class, "familiar": familiar})
        if familiar and key not in distinct:
            distinct.add(key)
            if key not in known_keys:
                kept.append(key)
    return kept, report_of(code, known, kept, counts, len(distinct))


def kinds(unit: Chem.Mol) -> set[tuple]:
    """Kinds of atoms in a chain, (element, aromatic, neighbours, hydrogens, charge), and of bonds, (type, end, end), those between
    units too.
    """
    atoms = [atom for atom in unit.GetAtoms() if atom.GetAtomicNum()]
    found: set[tuple] = {(*_end(a), a.GetDegree(), a.GetTotalNumHs(), a.GetFormalCharge()) for a in atoms}
    for bond in unit.GetBonds():
        ends = (_end(bond.GetBeginAtom()), _end(bond.GetEndAtom()))
        if (0, False) not in ends:
            found.add((str(bond.GetBondType()), *sorted(ends)))
    link = sorted(_end(unit.GetAtomWithIdx(atom)) for _, atom in attachment_indices(unit))
    return found | {("SINGLE", *link)}


def _end(atom: Chem.Atom) -> tuple[int, bool]:
    return atom.GetAtomicNum(), atom.GetIsAromatic()


def report_of(code: str, known: list[str], kept: list[str], counts: Counter[str], distinct: int) -> dict[str, object]:
    """One row of the report, after the paper's Table S1: each share is of what passed the test before, ``nearest`` the mean
    Tanimoto similarity of a sample of new units to their nearest known unit.
    """
    passed = [counts[step] for step in ("attempts", "valid", "right class", "familiar")] + [distinct, len(kept)]
    shares = [after / before if before else np.nan for before, after in zip(passed, passed[1:])]
    ours, theirs, rng = fingerprints(kept), fingerprints(known), np.random.default_rng(0)
    some, others = ([prints[k] for k in rng.permutation(len(prints))[:SAMPLE]] for prints in (ours, theirs))
    return {
        "polymer_class": code,
        "name": CLASS_NAMES[code],
        "training_units": len(known),
        "attempts": counts["attempts"],
        **dict(zip(("valid", "right_class", "familiar", "unique", "novel"), shares)),
        "kept": len(kept),
        "diversity": internal_diversity(some),
        "training_diversity": internal_diversity(others),
        "nearest": float(np.mean([max(BulkTanimotoSimilarity(f, theirs)) for f in some])) if some else np.nan,
    }


def internal_diversity(prints: Sequence) -> float:
    """1 - the mean Tanimoto similarity over all pairs of different fingerprints; NaN for fewer than two."""
    if len(prints) < 2:
        return np.nan
    pairs = [value for k in range(1, len(prints)) for value in BulkTanimotoSimilarity(prints[k], list(prints[:k]))]
    return 1 - float(np.mean(pairs))
