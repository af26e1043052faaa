"""The 190-number force-field kernel mean descriptor of a polymer or molecule, from its graph alone.

Definition: ``ff.descriptor.FF_descriptor`` of RadonPy 0.2.11 (BSD-3) with ``polar=True`` and GAFF2_mod, the descriptor of
Minami et al.'s paper. RadonPy closes ten repeat units to a ring; here types and charges are those of the infinite chain
(:mod:`sim2real.chemistry.descriptors.periodic`), which needs no search for rings in that macrocycle.

Agreement with RadonPy's ring of ten where it gives a vector: 478 of its own 1,077 units, taken at random, the 46 polymers and
140 solvents of the chi set, and 54 of 55 embedded facts differ by at most 5e-16 in any number. Exceptions:

- ``*c1cccc(-c2nc3cc(-c4ccc5[nH]c(*)nc5c4)ccc3[nH]2)c1`` (0.11): RDKit takes RadonPy's macrocycle of ten units for aromatic.
- Backbones of one atom with a double bond beside it, ``*C(=C)*`` (0.40): ten units then are a ring of ten to RadonPy.
- 4-pyridone (0.04): two equivalent double bonds take different types in RadonPy, by the order of the atoms.

RadonPy refuses silicon and boron, which GAFF2 lacks. Here the terms that contain them take UFF's parameters
(:mod:`sim2real.chemistry.descriptors.uff`), which is reported; torsions with such an atom only at an end keep GAFF2's X-b-c-X.
Values are scaled by the ranges of GAFF2's table all the same, so that no other vector changes; UFF's may leave [0, 1] slightly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import rdkit

from sim2real.chemistry.descriptors.base import Described, StructureDescriptor
from sim2real.chemistry.descriptors.gaff import GAFF_ELEMENTS, TYPES_WITHOUT_GAFF, atom_types, check_elements
from sim2real.chemistry.descriptors.gaff_parameters import Parameters, parameters, tables
from sim2real.chemistry.descriptors.periodic import Graph, build_graph
from sim2real.chemistry.descriptors.uff import is_foreign, labelled_atoms, uff_parameters
from sim2real.chemistry.structures import parse

# g/mol, of H C N O F P S Cl Br I: RadonPy 0.2.11, ff/descriptor.py, which agree with RDKit's atomic weights
_MASSES = np.array((1.008, 12.011, 14.007, 15.999, 18.998, 30.974, 32.067, 35.453, 79.904, 126.904))
_OTHER_MASSES = {5: 10.812, 14: 28.086}  # of B and Si: RDKit's atomic weights
_BLOCKS = ("charge", "epsilon", "sigma", "k_bond", "r0", "polar", "k_angle", "theta0", "k_dihedral")
_COLUMNS = {"atom": ("epsilon", "sigma"), "bond": ("k_bond", "r0"), "angle": ("k_angle", "theta0")}
_COLUMNS |= {"dihedral": ("k_dihedral",)}
_CENTRES = np.linspace(0.0, 1.0, 41)[1:-1:2]
_WIDTH, _MASS_WIDTH = 1 / 40, 0.05
# left out of the ranges by which values are scaled, as in RadonPy 0.2.11: types of water and cations, dummy constants
_UNSCALED_ATOMS = ("hw", "n4", "nx", "ny", "nz", "n+")
_WEAKEST = {"bond": 20.0, "angle": 20.0}

FEATURE_NAMES: tuple[str, ...] = tuple(f"mass_{symbol}" for symbol in GAFF_ELEMENTS.values()) + tuple(
    f"{block}_{k:02d}" for block in _BLOCKS for k in range(len(_CENTRES))
)

_SOURCES = ("forcefield.py", "gaff.py", "gaff_parameters.py", "periodic.py", "uff.py")
_SOURCES += ("data/gaff2_mod.csv", "data/gaff2_replacements.csv")

Weighted = Iterable[tuple[float, int]]
Label = TypeVar("Label", str, int)


def forcefield_vector(smiles: str) -> Described:
    """The force-field kernel mean of a repeat unit (two ``*``) or a molecule (none), (190,) float64, each in [0, 1].

    Blocks: mass (10 numbers), then 20 each of charge, epsilon, sigma, k_bond, r0, polar (the absolute difference of
    charge across a bond), k_angle, theta0 and k_dihedral (the largest constant of a torsion's series). A number is the
    mean over the atoms (bonds, angles, torsions) of exp(-(x - c)^2 / (2 s^2)), x scaled to [0, 1], c a centre; a block
    over terms that the structure has none of (chloroform's torsions) is zero, as in RadonPy. The notes are one line for
    every kind of term whose parameters GAFF2 lacks, with what replaced them.

    Raises:
        StructureError: as :func:`sim2real.chemistry.structures.parse`; an element other than H C N O F P S Cl Br I Si B (it is
            named); an atom without Gasteiger charge.
    """
    mol = parse(smiles)
    check_elements(mol)
    graph = build_graph(mol)
    fallbacks: set[str] = set()
    types, hydrogen_types = atom_types(graph, fallbacks)
    charges = [*zip(graph.charges, repeat(1)), *((q, n) for q, n in zip(graph.hydrogen_charges, graph.hydrogens) if n)]
    values: dict[str, Weighted] = {"charge": charges, "polar": _charge_differences(graph)}
    foreign = _foreign_terms(graph, types, hydrogen_types)
    for term, kinds in count_terms(graph, types, hydrogen_types).items():
        found = [(parameters(term, kind), count) for kind, count in kinds.items() if not is_foreign(term, kind)]
        found += foreign.get(term, [])
        fallbacks.update(entry.fallback for entry, _ in found if entry.fallback)
        for column, name in enumerate(_COLUMNS[term]):
            values[name] = [(entry[column], count) for entry, count in found]
    blocks = [_mass_block(graph)]
    blocks += [_kernel_mean(values[name], *_ranges()[name], _CENTRES, _WIDTH) for name in _BLOCKS]
    return Described(np.concatenate(blocks), tuple(sorted(fallbacks)))


class ForceFieldDescriptor(StructureDescriptor):
    """The 190 numbers of :func:`forcefield_vector`, of SMILES with two or no ``*``.

    Attributes:
        fallbacks_: DataFrame with the columns row (the label), structure and fallback: every parameter that GAFF2 lacks
            and what replaced it, in the data of the last ``fit``, ``transform`` or ``describe``.

    Raises:
        StructureError: from ``fit`` and ``transform``, for a bad SMILES or an element without parameters.
    """

    name = "forcefield"
    sources = ("structures.py", *(f"descriptors/{name}" for name in _SOURCES))

    def _names(self) -> list[str]:
        return list(FEATURE_NAMES)

    def _signature(self) -> dict[str, Any]:
        return {"rdkit": rdkit.__version__}

    def _describe(self, structure: str) -> Described:
        return forcefield_vector(structure)

    def _keep_notes(self, structures: list[str], labels: Sequence[Any], notes: dict[int, tuple[str, ...]]) -> None:
        rows = [(labels[k], structures[k], fallback) for k, lines in notes.items() for fallback in lines]
        self.fallbacks_ = pd.DataFrame(rows, columns=["row", "structure", "fallback"])


def _foreign_terms(graph: Graph, types: list[str], hydrogen_types: list[str]) -> dict[str, list[tuple[Parameters, int]]]:
    """Parameters and counts of the terms that GAFF2 cannot cover: by atoms, since UFF's do not follow GAFF2's types."""
    if TYPES_WITHOUT_GAFF.keys().isdisjoint(graph.atomic_numbers):
        return {}
    cell, atoms, hydrogens = labelled_atoms(graph)
    names = dict(zip(hydrogens, hydrogen_types)) | dict(zip(atoms, types))
    counted = count_terms(graph, atoms, hydrogens)
    return {term: list(uff_parameters(cell, names, term, paths)) for term, paths in counted.items()}


def count_terms(graph: Graph, types: list[Label], hydrogen_types: list[Label]) -> dict[str, Counter[tuple[Label, ...]]]:
    """How often each kind of atom, bond, angle and dihedral, as the labels tell them apart, occurs in a cell.

    The hydrogens of an atom are equal, so they are one neighbour that counts as many times as there are hydrogens.
    """
    atoms, bonds, angles, dihedrals = (Counter() for _ in range(4))
    # of every atom: (index, type, multiplicity) of its neighbours; no index is the hydrogens'
    around = [[(neighbour, types[neighbour], 1) for neighbour, _ in bonded] for bonded in graph.bonds]
    for atom, count in enumerate(graph.hydrogens):
        atoms[types[atom],] += 1
        if count:
            atoms[hydrogen_types[atom],] += count
            bonds[types[atom], hydrogen_types[atom]] += count
            angles[hydrogen_types[atom], types[atom], hydrogen_types[atom]] += count * (count - 1) // 2
            around[atom].append((-1, hydrogen_types[atom], count))
    for atom, neighbours in enumerate(around):
        centre = types[atom]
        for place, (index, first, count) in enumerate(neighbours):
            for _, second, other_count in neighbours[:place]:
                angles[first, centre, second] += count * other_count
            if index <= atom:  # every bond once; hydrogens have no torsion about their bond
                continue
            bonds[centre, first] += 1
            for left, left_type, left_count in neighbours:
                if left == index:
                    continue
                for right, right_type, right_count in around[index]:
                    if right != atom and (right != left or right < 0):  # the ends of a torsion are two atoms
                        dihedrals[left_type, centre, first, right_type] += left_count * right_count
    return {"atom": atoms, "bond": bonds, "angle": +angles, "dihedral": dihedrals}


def _charge_differences(graph: Graph) -> Weighted:
    charges = graph.charges
    heavy = [(abs(charges[a] - charges[b]), 1) for a, bonded in enumerate(graph.bonds) for b, _ in bonded if a < b]
    return heavy + [(abs(q - hydrogen), n) for q, hydrogen, n in zip(charges, graph.hydrogen_charges, graph.hydrogens) if n]


def _mass_block(graph: Graph) -> np.ndarray:
    counts = Counter(graph.atomic_numbers)
    counts[1] = sum(graph.hydrogens)
    masses = [(mass, counts[number]) for number, mass in [*zip(GAFF_ELEMENTS, _MASSES), *_OTHER_MASSES.items()]]
    low, high = _MASSES[0], _MASSES[-1]
    return _kernel_mean(masses, low, high, (_MASSES - low) / (high - low), _MASS_WIDTH)


@lru_cache(maxsize=1)
def _ranges() -> dict[str, tuple[float, float]]:
    """Smallest and largest value of each block, which scale it to [0, 1]: over the whole GAFF2 table, or fixed."""
    ranges = {"charge": (-1.0, 1.0), "polar": (0.0, 2.0)}
    for term, names in _COLUMNS.items():
        left_out, weakest = (_UNSCALED_ATOMS if term == "atom" else ()), _WEAKEST.get(term, -np.inf)
        entries = [v for types, v in tables()[term].items() if types[0] not in left_out and v[0] >= weakest]
        for column, name in enumerate(names):
            ranges[name] = min(entry[column] for entry in entries), max(entry[column] for entry in entries)
    return ranges


def _kernel_mean(values: Weighted, low: float, high: float, centres: np.ndarray, width: float) -> np.ndarray:
    """Weighted mean of the Gaussian kernels; zeros for no values."""
    if not values:
        return np.zeros(len(centres))
    pairs = np.array(values, dtype=float)
    x = (pairs[:, 0] - low) / (high - low)
    kernels = np.exp(-((x[:, None] - centres) ** 2) / (2 * width**2))
    return pairs[:, 1] @ kernels / pairs[:, 1].sum()
