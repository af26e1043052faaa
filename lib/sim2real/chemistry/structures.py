"""Reading SMILES, repeat units (two ``*``), oligomers and cut-independent keys: a bad one is refused here, in one sentence."""

from __future__ import annotations

import re
from functools import lru_cache

from rdkit import Chem

from sim2real.chemistry.notation import NAME, NO_SMILES, StructureError, smiles_text
from sim2real.chemistry.texts import shown

# between the two structures of a pair: unlike "_" it can stand in no SMILES and in no name of a group
PAIR_SEPARATOR = "|"
_STAR, _END = Chem.MolFromSmarts("[#0]"), Chem.MolFromSmarts("[#0]~[!#0]")
_SINGLE_END, _MULTIPLE_END = Chem.MolFromSmarts("[#0;D1;H0]-[!#0]"), Chem.MolFromSmarts("[#0;D1;$(*=,#*)]")
MOST_ATOMS = 1000  # heavy atoms: the longest repeat unit of the public tables has about 100


def parse(smiles: str, *, attachment_points: tuple[int, ...] = (0, 2)) -> Chem.Mol:
    """Read a SMILES, as :func:`~sim2real.chemistry.notation.smiles_text` takes it, with one of these numbers of ``*``, hydrogens
    implicit. A repeat unit that is cut in double bonds (``*=CC=*``) is given as one that is cut in a single bond.

    A :class:`StructureError` if it is empty, unreadable, too large, of several components, charged, a radical or isotope-labelled,
    or its attachment points are wrong.
    """
    written, text = smiles_text(smiles), shown(smiles)
    mol = Chem.MolFromSmiles(written)
    if mol is None or mol.GetNumAtoms() == 0:
        if NAME.fullmatch(written):
            raise StructureError(f"{text} {NO_SMILES}")
        chain = "*" not in written and re.search(r"^-|-$|[)\]]n$|\[[<>$-]\d*\]|(?<!B)R", written)
        units = "; repeat units are written with two *" if chain else ""
        raise StructureError(f"{text} is not a readable SMILES; check valences, brackets and ring closures{units}")
    if mol.GetNumHeavyAtoms() > MOST_ATOMS:
        raise StructureError(f"{text} has {mol.GetNumHeavyAtoms()} heavy atoms; at most {MOST_ATOMS} are taken")
    # atoms without brackets have no labels, isotopes and charges, and RDKit's own sequence of them is slow
    atoms = list(mol.GetAtoms()) if re.search(r"[\[.|]", written) else []
    for atom in atoms:
        # labels such as [*:1] and [1*] only number the attachment points
        atom.SetAtomMapNum(0)
        if atom.GetAtomicNum() == 0:
            atom.SetIsotope(0)
    stars = [mol.GetAtomWithIdx(k) for (k,) in mol.GetSubstructMatches(_STAR)]
    if len(stars) not in attachment_points:
        expected = " or ".join(str(k) for k in attachment_points)
        raise StructureError(f"{text} has {len(stars)} attachment points (*); expected {expected}")
    if atoms and len(Chem.GetMolFrags(mol)) > 1:
        raise StructureError(f"{text} has several components (a salt or mixture); expected one")
    if atoms and (Chem.GetFormalCharge(mol) != 0 or any(star.GetFormalCharge() for star in stars)):
        raise StructureError(f"{text} carries a net charge; expected a neutral structure")
    for atom in atoms:
        if atom.GetNumRadicalElectrons():
            raise StructureError(f"{text} is a radical (atom {atom.GetSymbol()}); expected a closed shell")
        if atom.GetIsotope() == 3 and atom.GetAtomicNum() == 1:
            raise StructureError(f"{text} carries tritium; where [3H] marks an attachment point, write *")
        if atom.GetIsotope() and atom.GetAtomicNum() == 1:
            raise StructureError(f"{text} carries an isotope label; write [H] instead of [2H] if that does not matter")
        if atom.GetIsotope():
            raise StructureError(f"{text} carries an isotope label on {atom.GetSymbol()}; leave it out if that does not matter")
    if len(stars) == 2 and len(mol.GetSubstructMatches(_MULTIPLE_END)) == 2:
        mol = _cut_elsewhere(mol, stars, text)
        stars = [mol.GetAtomWithIdx(k) for (k,) in mol.GetSubstructMatches(_STAR)]
    if ":" in re.sub(r"\[[^]]*\]", "", written.split()[0]) and stars:
        # RDKit makes *:c1ccccc1:* single bonds, but a ring that is closed by the next unit may be meant
        raise StructureError(f"{text} has aromatic bonds (:) beside attachment points; write - or = for them")
    # to ask an atom for its bonds takes RDKit longer than the whole SMILES
    for star in stars if len(mol.GetSubstructMatches(_SINGLE_END)) < len(stars) else ():
        if star.GetDegree() != 1 or star.GetTotalNumHs() or star.GetBonds()[0].GetBondType() != Chem.BondType.SINGLE:
            raise StructureError(f"{text}: an attachment point (*) must have exactly one single bond")
        if star.GetNeighbors()[0].GetAtomicNum() == 0:
            raise StructureError(f"{text}: the two attachment points are bonded to each other; expected atoms between them")
    return mol


def _cut_elsewhere(mol: Chem.Mol, stars: list[Chem.Atom], text: str) -> Chem.Mol:
    """The repeat unit of the same chain, whose units two equal multiple bonds join, cut in the first single bond on the way."""
    (head, tail), kinds = [star.GetIdx() for star in stars], {star.GetBonds()[0].GetBondType() for star in stars}
    path = Chem.GetShortestPath(mol, head, tail)
    bonds = [mol.GetBondBetweenAtoms(a, b) for a, b in zip(path[1:-2], path[2:-1])]
    single = [b for b in bonds if b.GetBondType() == Chem.BondType.SINGLE and not b.IsInRing()]
    if len(kinds) > 1 or not single:
        raise StructureError(f"{text}: an attachment point (*) must have exactly one single bond; cut the chain in another bond")
    chain = Chem.RWMol(mol)
    Chem.RemoveStereochemistry(chain)
    begin, end = single[0].GetBeginAtomIdx(), single[0].GetEndAtomIdx()
    chain.RemoveBond(begin, end)
    chain.RemoveBond(head, path[1])
    chain.RemoveBond(tail, path[-2])
    chain.AddBond(path[1], path[-2], kinds.pop())
    chain.AddBond(head, begin, Chem.BondType.SINGLE)
    chain.AddBond(tail, end, Chem.BondType.SINGLE)
    try:
        Chem.SanitizeMol(chain)
    except Exception as error:
        raise StructureError(f"{text}: the bond between its units is not valid ({error})") from error
    return chain.GetMol()


def attachment_indices(mol: Chem.Mol) -> list[tuple[int, int]]:
    """``(star, neighbour)`` atom indices of every attachment point, in atom order; empty for a molecule."""
    return sorted(mol.GetSubstructMatches(_END))


def oligomer(mol: Chem.Mol, units: int) -> Chem.Mol:
    """A head-to-tail chain of ``units`` repeat units capped with hydrogen, not a ring, in which RDKit may search rings for
    minutes. Molecules are returned as they are; a StructureError where it cannot be sanitised, a ValueError below one unit.
    """
    if units < 1:
        raise ValueError(f"units must be at least 1, got {units}")
    ends = attachment_indices(mol)
    if not ends:
        return mol
    link, head, tail = _open(mol, ends)
    size = link.GetNumAtoms()
    chain = Chem.RWMol(link)
    for _ in range(units - 1):
        chain.InsertMol(link)
    for k in range(1, units):
        chain.AddBond((k - 1) * size + tail, k * size + head, Chem.BondType.SINGLE)
    for atom in map(chain.GetAtomWithIdx, (head, (units - 1) * size + tail)):
        # capped with hydrogen: atoms written in brackets, and aromatic nitrogens, do not fill their valence by themselves
        if atom.GetNoImplicit() or (atom.GetIsAromatic() and atom.GetAtomicNum() == 7):
            atom.SetNumExplicitHs(atom.GetNumExplicitHs() + 1)
    try:
        Chem.SanitizeMol(chain)
    except Exception as error:
        raise StructureError(f"{Chem.MolToSmiles(mol)!r}: the chain of {units} units is not valid ({error})") from error
    return chain.GetMol()


def _open(mol: Chem.Mol, ends: list[tuple[int, int]]) -> tuple[Chem.RWMol, int, int]:
    """A repeat unit without its attachment points, and the atoms that held the first and the second of ``ends``."""
    link = Chem.RWMol(mol)
    for star in sorted((star for star, _ in ends), reverse=True):
        link.RemoveAtom(star)
    head, tail = (own - sum(star < own for star, _ in ends) for _, own in ends)
    return link, head, tail


@lru_cache(maxsize=100_000)
def structure_key(smiles: str) -> str:
    """A canonical, stereo-free SMILES, the smallest rotation of the chain's shortest period, forwards or backwards: ``*CCO*``,
    ``*COC*``, ``*OCC*`` and ``*CCOCCO*`` share one key.
    """
    return key_of_mol(parse(smiles))


def key_of_mol(unit: Chem.Mol) -> str:
    """:func:`structure_key` of a structure that :func:`parse` has read already."""
    ends = attachment_indices(unit)
    if not ends:
        mol = Chem.Mol(unit)
        Chem.RemoveStereochemistry(mol)
        return Chem.MolToSmiles(mol)
    written = Chem.MolToSmiles(unit, canonical=False, isomericSmiles=False, rootedAtAtom=ends[0][0]).replace("[*]", "*")
    forwards, backwards = zip(*map(_both_ways, _backbone_pieces(written)))
    return _join(min(_smallest_rotation(forwards), _smallest_rotation(backwards[::-1])))


_TOKEN = re.compile(r"(->|<-|[-=#:$~])?(\[[^]]*\]|Br|Cl|[A-Za-z*])|[-=#:$~]?(%\d\d|\d)|([()])")


def _backbone_pieces(written: str) -> list[str]:
    """The pieces between single bonds outside of rings, from the ``*`` with which a SMILES begins to the other one, the head side
    marked ``[1*]`` and the tail side ``[2*]``. To cut the text takes a third of the time of cutting the molecule.
    """
    tail, depth = written.index("*", 1), 0
    line: list[tuple[int, int, bool]] = []  # atoms that lead to the tail: begin, brackets around it, whether singly bonded
    close: dict[int, int] = {}  # where the brackets around the tail end, by their depth
    rings, opened = [], {}
    for token in _TOKEN.finditer(written):
        here, (bond, atom, ring, bracket) = token.start(), token.groups()
        if atom and here <= tail:
            line.append((here, depth, bond in (None, "-")))
        elif ring and ring in opened:
            rings.append((opened.pop(ring), here))
        elif ring:
            opened[ring] = here
        elif bracket == "(":
            depth += 1
        elif bracket == ")":
            if here < tail:
                line = [step for step in line if step[1] < depth]
            else:
                close.setdefault(depth, here)
            depth -= 1
    spans = [(begin, close.get(deep, len(written)), single) for begin, deep, single in line[1:]]
    cuts = [
        (begin, end)
        for begin, end, single in spans[1:-1]
        if single and all((begin < first < end) == (begin < second < end) for first, second in rings)
    ]
    inner = [*cuts, spans[-1][:2]]
    outer = [spans[0][:2], *cuts]
    return [f"[1*]{written[begin:left].lstrip('-')}[2*]{written[right:end]}" for (begin, end), (left, right) in zip(outer, inner)]


# a few thousand pieces make up most repeat units: what is worked out of one is kept
@lru_cache(maxsize=100_000)
def _both_ways(piece: str) -> tuple[str, str]:
    """The canonical SMILES of a piece, and that with its ends exchanged."""
    mol = Chem.MolFromSmiles(piece)
    forwards = Chem.MolToSmiles(mol)
    for end in (mol.GetAtomWithIdx(star) for star, _ in attachment_indices(mol)):
        end.SetIsotope(3 - end.GetIsotope())
    return forwards, Chem.MolToSmiles(mol)


def _smallest_rotation(pieces: tuple[str, ...]) -> tuple[str, ...]:
    size = len(pieces)
    period = next(p for p in range(1, size + 1) if size % p == 0 and pieces == pieces[:p] * (size // p))
    unit = pieces[:period]
    return min(unit[k:] + unit[:k] for k in range(period))


@lru_cache(maxsize=100_000)
def _read_piece(piece: str) -> tuple[Chem.RWMol, int, int]:
    """A piece, which RDKit has written, without its marked ends, and the atoms that held them."""
    mol = Chem.MolFromSmiles(piece, sanitize=False)
    mol.UpdatePropertyCache()
    return _open(mol, sorted(attachment_indices(mol), key=lambda end: mol.GetAtomWithIdx(end[0]).GetIsotope()))


_ENDS = Chem.RWMol()
for _label in (1, 2):
    _ENDS.GetAtomWithIdx(_ENDS.AddAtom(Chem.Atom(0))).SetIsotope(_label)


def _join(pieces: tuple[str, ...]) -> str:
    """One repeat unit from its labelled pieces."""
    chain, last = Chem.RWMol(_ENDS), 0
    for mol, head, tail in map(_read_piece, pieces):
        size = chain.GetNumAtoms()
        chain.InsertMol(mol)
        chain.AddBond(last, size + head, Chem.BondType.SINGLE)
        last = size + tail
    chain.AddBond(last, 1, Chem.BondType.SINGLE)
    return re.sub(r"\[[12]\*\]", "*", Chem.MolToSmiles(chain))


@lru_cache(maxsize=100_000)
def stereo(smiles: str) -> str:
    """The stereochemistry that :func:`structure_key` leaves out, as sorted labels such as ``Z`` or ``RS``; empty where none is
    written. Where a chain goes on, it is taken to rank before side groups.
    """
    if not re.search(r"[@/\\]", smiles):
        return ""
    mol = Chem.MolFromSmiles(Chem.MolToSmiles(parse(smiles)).replace("*", "I"))
    Chem.AssignCIPLabels(mol)
    return "".join(sorted(x.GetProp("_CIPCode") for x in (*mol.GetAtoms(), *mol.GetBonds()) if x.HasProp("_CIPCode")))
