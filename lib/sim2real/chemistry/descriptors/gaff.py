"""GAFF2 atom types of a graph, by the rules of RadonPy's GAFF2_mod.

GAFF: Wang, Wolf, Caldwell, Kollman and Case, J. Comput. Chem. 25 (2004) 1157; its second version adds types of N-H groups,
GAFF2_mod ``c3f``, an sp3 carbon bonded to fluorine (J. Mol. Model. 25 (2019) 39, as cited by RadonPy). The rules are RadonPy
0.2.11's (BSD-3; ff/gaff.py, ff/gaff2_mod.py) with one difference: the alternating types of conjugated systems (cc/cd, ce/cf,
cp/cq ...) start at an atom chosen by its surroundings, so that they do not depend on the order of the atoms, as RadonPy's do.

Silicon and boron, which GAFF2 lacks, and hydrogen on them take types of this package (``si``, ``b``, ``h``), whose
parameters are UFF's. They leave the types around them alone, because neither element withdraws electrons.
"""

from __future__ import annotations

from collections import deque

from rdkit import Chem

from sim2real.chemistry.descriptors.periodic import SP, SP2, SP3, Graph
from sim2real.chemistry.structures import StructureError

GAFF_ELEMENTS = {1: "H", 6: "C", 7: "N", 8: "O", 9: "F", 15: "P", 16: "S", 17: "Cl", 35: "Br", 53: "I"}
# elements that GAFF2 lacks, by types that none of its own is named like, and hydrogen on them
TYPES_WITHOUT_GAFF = {5: "b", 14: "si"}
HYDROGEN_WITHOUT_GAFF = "h"
_WITHDRAWING = frozenset((7, 8, 9, 17, 35, 53))
_HALOGENS = {9: "f", 17: "cl", 35: "br", 53: "i"}
_CONJUGATED = frozenset("c c1 c2 ca cc cd ce cf cg ch cp cq cu cv n1 n2 na nb nc nd ne nf p2 pb pc pd pe pf px py sx sy".split())
_CONJUGATED_IN_RING = _CONJUGATED | {"os", "ss"}
_INNER_CHAIN = {"c2": "ce", "c1": "cg", "n2": "ne", "p2": "pe"}
_INNER_RING = {"c2": "cc", "n2": "nc", "p2": "pc"}
_IN_THREE_RING, _IN_FOUR_RING = {"c2": "cu", "c3": "cx"}, {"c2": "cv", "c3": "cy"}
_TWINS_CHAIN = {"ce": "cf", "cg": "ch", "ne": "nf", "pe": "pf"}
_TWINS_RING = {"cc": "cd", "nc": "nd", "pc": "pd"}
_TWINS_BIPHENYL = {"cp": "cq"}


def check_elements(mol: Chem.Mol) -> None:
    """Raise a StructureError that names the first element for which neither GAFF2 nor the UFF fallback serves."""
    for atom in mol.GetAtoms():
        number = atom.GetAtomicNum()
        if number and number not in GAFF_ELEMENTS and number not in TYPES_WITHOUT_GAFF:
            known = f"only for {' '.join(GAFF_ELEMENTS.values())}, and Si and B by UFF"
            raise StructureError(f"no force-field parameters for {atom.GetSymbol()}, {known}")


def atom_types(graph: Graph, fallbacks: set[str]) -> tuple[list[str], list[str]]:
    """GAFF2 types of the heavy atoms, and of the hydrogens on each of them (``""`` where there is none).

    Where RadonPy's rules give no type it is the nearest one of the element, and a line in ``fallbacks`` says so.

    Raises:
        StructureError: hydrogen on an element for which GAFF2 has no type (HF, HCl, HBr, HI).
    """
    types = [_heavy_type(graph, atom, fallbacks) for atom in range(len(graph))]
    hydrogen_types = [_hydrogen_type(graph, atom, fallbacks) if graph.hydrogens[atom] else "" for atom in range(len(graph))]
    _type_small_rings(graph, types)
    _type_inner_atoms(graph, types)
    _type_biphenyl_heads(graph, types)
    return types, hydrogen_types


def _heavy_type(graph: Graph, atom: int, fallbacks: set[str]) -> str:
    number = graph.atomic_numbers[atom]
    if number == 6:
        return _carbon_type(graph, atom)
    if number == 7:
        return _nitrogen_type(graph, atom, fallbacks)
    if number == 8:
        return "o" if graph.degree(atom) == 1 else {2: "ow", 1: "oh"}.get(graph.hydrogens[atom], "os")
    if number == 15:
        return _phosphorus_type(graph, atom, fallbacks)
    if number == 16:
        return _sulfur_type(graph, atom)
    return TYPES_WITHOUT_GAFF.get(number) or _HALOGENS[number]


def _hydrogen_type(graph: Graph, atom: int, fallbacks: set[str]) -> str:
    """Type of the hydrogens on a heavy atom; on carbon by the number of electron-withdrawing neighbours."""
    number = graph.atomic_numbers[atom]
    if number == 8:
        return "hw" if graph.hydrogens[atom] == 2 else "ho"
    if number in (7, 15, 16):
        return {7: "hn", 15: "hp", 16: "hs"}[number]
    if number in TYPES_WITHOUT_GAFF:
        return HYDROGEN_WITHOUT_GAFF
    if number != 6:
        raise StructureError(f"GAFF2 has no parameters for H on {GAFF_ELEMENTS[number]}; expected it on C, N, O, P, S, Si or B")
    neighbours = [neighbour for neighbour, _ in graph.bonds[atom]]
    if any(graph.atomic_numbers[n] in (7, 15) and graph.degree(n) == 4 for n in neighbours):
        return "hx"
    withdrawing = sum(graph.atomic_numbers[n] in _WITHDRAWING for n in neighbours)
    if not withdrawing:
        return "ha" if graph.hybridizations[atom] in (SP, SP2) else "hc"
    found = {4: ("h1", "h2", "h3"), 3: ("h4", "h5")}.get(graph.degree(atom))
    if found is None:
        fallbacks.add("atom H on sp carbon beside an electron-withdrawing atom: ha")
        return "ha"
    return found[withdrawing - 1]


def _carbon_type(graph: Graph, atom: int) -> str:
    hybridization = graph.hybridizations[atom]
    if hybridization == SP3:
        return "c3f" if any(graph.atomic_numbers[n] == 9 for n, _ in graph.bonds[atom]) else "c3"
    if hybridization == SP:
        return "c1"
    terminal = {graph.atomic_numbers[n] for n, order in graph.bonds[atom] if order == 2 and graph.degree(n) == 1}
    return "c" if 8 in terminal else "cs" if 16 in terminal else "ca" if graph.aromatic[atom] else "c2"


def _nitrogen_type(graph: Graph, atom: int, fallbacks: set[str]) -> str:
    hydrogens, degree = graph.hydrogens[atom], graph.degree(atom)
    if graph.hybridizations[atom] == SP:
        return "n1"
    if degree == 4:
        return {1: "nx", 2: "ny", 3: "nz", 4: "n+"}.get(hydrogens, "n4")
    if degree == 3:
        return _three_bonded_nitrogen(graph, atom)
    if degree == 2:
        if not (graph.aromatic[atom] or any(order == 2 for _, order in graph.bonds[atom])):
            fallbacks.add("atom N with two single bonds: n2")
        return "nb" if graph.aromatic[atom] else "n2"
    fallbacks.add(f"atom N with {degree} neighbours: n1")
    return "n1"


def _three_bonded_nitrogen(graph: Graph, atom: int) -> str:
    hydrogens = graph.hydrogens[atom]
    neighbours = [neighbour for neighbour, _ in graph.bonds[atom]]
    carbons = [n for n in neighbours if graph.atomic_numbers[n] == 6]
    if sum(graph.atomic_numbers[n] == 8 for n in neighbours) >= 2:
        return "no"
    if any(order == 2 and graph.atomic_numbers[m] in (8, 16) for n in carbons for m, order in graph.bonds[n]):
        return {1: "ns", 2: "nt"}.get(hydrogens, "n")
    if graph.aromatic[atom] or sum(graph.hybridizations[n] in (SP, SP2) for n in neighbours) >= 2:
        return "na"
    if any(graph.aromatic[n] for n in carbons):
        return {1: "nu", 2: "nv"}.get(hydrogens, "nh")
    return {1: "n7", 2: "n8", 3: "n9"}.get(hydrogens, "n3")


def _phosphorus_type(graph: Graph, atom: int, fallbacks: set[str]) -> str:
    degree = graph.degree(atom)
    if graph.aromatic[atom]:
        return "pb"
    if degree == 3 and not any(order == 2 for _, order in graph.bonds[atom]):
        return "p3"
    if degree > 2:
        conjugated = degree < 5 and _is_conjugated(graph, atom)
        return ("px" if conjugated else "p4") if degree == 3 else "py" if conjugated else "p5"
    if degree < 2:
        fallbacks.add(f"atom P with {degree} neighbours: p2")
    return "p2"


def _sulfur_type(graph: Graph, atom: int) -> str:
    degree = graph.degree(atom)
    if degree == 1:
        return "s"
    if degree == 2:
        double = any(order == 2 for _, order in graph.bonds[atom])
        return "sh" if graph.hydrogens[atom] == 1 else "s2" if double else "ss"
    if degree == 3:
        return "sx" if _is_conjugated(graph, atom) else "s4"
    return "sy" if degree == 4 and _is_conjugated(graph, atom) else "s6"


def _is_conjugated(graph: Graph, atom: int) -> bool:
    """Whether a neighbour has a multiple or aromatic bond to another atom."""
    return any(m != atom and order >= 1.5 for n, _ in graph.bonds[atom] for m, order in graph.bonds[n])


def _type_small_rings(graph: Graph, types: list[str]) -> None:
    for atom, sizes in enumerate(graph.ring_sizes):
        small = _IN_THREE_RING if 3 in sizes else _IN_FOUR_RING if 4 in sizes else {}
        types[atom] = small.get(types[atom], types[atom])


def _type_inner_atoms(graph: Graph, types: list[str]) -> None:
    """Unsaturated atoms inside a conjugated system: ce, cg, ne, pe in chains, cc, nc, pc in rings, and their twins."""
    for atom in range(len(graph)):
        in_ring = bool(graph.ring_sizes[atom])
        inner = (_INNER_RING if in_ring else _INNER_CHAIN).get(types[atom])
        conjugated = _CONJUGATED_IN_RING if in_ring else _CONJUGATED
        if inner and sum(types[n] in conjugated for n, _ in graph.bonds[atom]) >= 2:
            types[atom] = inner
    _two_colour(graph, types, _TWINS_CHAIN, different=(2, 3))
    _two_colour(graph, types, _TWINS_RING, different=(2,))


def _type_biphenyl_heads(graph: Graph, types: list[str]) -> None:
    """Aromatic carbons that carry another aromatic ring: cp, and cq where two of them are neighbours in a ring."""
    aromatic = [name in ("ca", "nb", "pb") for name in types]
    for atom, bonds in enumerate(graph.bonds):
        if types[atom] == "ca" and any(order == 1 and aromatic[n] for n, order in bonds):
            types[atom] = "cp"
    _two_colour(graph, types, _TWINS_BIPHENYL, different=(1.5,))


def _two_colour(graph: Graph, types: list[str], twins: dict[str, str], *, different: tuple[float, ...]) -> None:
    """Give every second atom from that of lowest rank on its twin: equal across single bonds, unequal across ``different`` ones."""
    waiting = {atom for atom in range(len(graph)) if types[atom] in twins}
    if not any(n in waiting and order in different for atom in waiting for n, order in graph.bonds[atom]):
        return
    ranks = _ranks(graph)
    for start in sorted(waiting, key=lambda atom: (ranks[atom], atom)):
        if start not in waiting:
            continue
        waiting.remove(start)
        queue = deque([(start, False)])
        while queue:
            atom, second = queue.popleft()
            for neighbour, order in sorted(graph.bonds[atom], key=lambda bond: (ranks[bond[0]], bond)):
                if neighbour in waiting and (order == 1 or order in different):
                    waiting.remove(neighbour)
                    queue.append((neighbour, second != (order in different)))
            if second:
                types[atom] = twins[types[atom]]


def _ranks(graph: Graph) -> list[int]:
    """Rank of every atom by its surroundings, refined until no class splits (Morgan, J. Chem. Doc. 5 (1965) 107).

    Neither the number of repeat units in the cell nor the place of the cut plays a part.
    """
    count = 0
    in_ring = map(bool, graph.ring_sizes)
    signatures: list[tuple] = list(zip(graph.atomic_numbers, graph.hydrogens, graph.aromatic, in_ring))
    while True:
        classes = {signature: rank for rank, signature in enumerate(sorted(set(signatures)))}
        ranks = [classes[signature] for signature in signatures]
        if len(classes) == count:
            return ranks
        count = len(classes)
        signatures = [(ranks[atom], *sorted((order, ranks[n]) for n, order in bonds)) for atom, bonds in enumerate(graph.bonds)]
