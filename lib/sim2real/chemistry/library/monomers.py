"""Monomers: which molecules can polymerise, and what remains of them in the chain (the *residue*).

A :class:`Residue` is a list of edits, each a reaction SMARTS that turns one functional group into an attachment point;
a diol is edited twice by the hydroxyl's edit, a hydroxy acid once by the hydroxyl's and once by the acid's. Molecules
come from the identifier tables of the package `chemicals` (C. Bell et al., MIT licence; structures from PubChem).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import chemicals
import pandas as pd
from rdkit import Chem
from rdkit.Chem import rdChemReactions

from sim2real.chemistry.structures import StructureError, parse
from sim2real.datasets.paths import DATA

ELEMENTS = frozenset({1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 35, 53})
_HALO = frozenset({6, 9, 17, 35, 53})
_CARBON = frozenset({6})
_TABLES = ("chemical identifiers pubchem large.tsv", "chemical identifiers pubchem small.tsv")
_SMILES_COLUMN = 4
_LONGEST = 70  # characters; longer SMILES are above every size limit below

# functional groups; hydroxyls of enols, hemiacetals and acids are left out, and so are amide and amidine nitrogens
_OH = "[OX2H;$(O[#6]);!$(OC=[O,N,S]);!$(OC=C);!$(OC[O,N,F,Cl])"
_ACID = "[CX3;$(C[#6])"
_NH2 = "[NX3H2;$(N[#6]);!$(NC=[O,N,S]);!$(NC#N)"
_SH = "[SX2H;$(S[#6]);!$(SC=[O,N,S]);!$(S[c;$(c:n)])"
_ANHYDRIDE = "[C;R:1](=[O:2])[O;R][C;R:3]=[O:4]"
_CONDENSABLE = tuple(
    Chem.MolFromSmarts(text)
    for text in (
        _OH + "]", _ACID + "](=O)[OX2H]", _NH2 + "]", "[SX2H]", "N=C=[O,S]", "C(=O)[F,Cl,Br,I]",
        "[#6][#6](=O)[#8][#6](=O)[#6]",
    )
)  # fmt: skip

HYDROXYL = f"{_OH}:1]>>[O:1]*"
PHENOL = "[OX2H;$(Oc):1]>>[O:1]*"
ACID = f"{_ACID}:1](=[O:2])[OX2H]>>[C:1](=[O:2])*"
ACID_TO_AMIDE = f"{_ACID}:1](=[O:2])[OX2H]>>[C:1](=[O:2])N*"
AMINE = f"{_NH2}:1]>>[N:1]*"
AMINE_RESIDUE = f"[#6:1]{_NH2}]>>[#6:1]*"
THIOL = f"{_SH}:1]>>[S:1]*"
SULFONE = f"{_SH}:1]>>[S:1](=O)(=O)*"
ALKYL_HALIDE = "[CX4;!$(C([F,Cl,Br,I])([F,Cl,Br,I])[F,Cl,Br,I]):1][Cl,Br,I]>>[C:1]*"
ARYL_HALIDE = "[c:1][Cl,Br,I]>>[c:1]*"
KETONE_HALIDE = "[c;$(c1ccc(C(=O)c)cc1):1][F,Cl]>>[c:1]*"
SULFONE_HALIDE = "[c;$(c1ccc(S(=O)(=O)c)cc1):1][F,Cl]>>[c:1]*"
ALDEHYDE = "[CX3H1;$(C[#6,#1]):1]=[OX1]>>[C:1]=N*"
ALDEHYDE_OR_KETONE = "[CX3;!R;$(C([#6])[#6]),$([CH][#6]):1]=[OX1]>>[C:1]=N*"
ANHYDRIDE_TO_IMIDE = f"{_ANHYDRIDE}>>[C:1](=[O:2])N(*)[C:3]=[O:4]"
PARA_CH = "[cH1;$(c1ccc(-[#6,#8,#16;!$(*=O)])cc1):1]>>[c:1]*"

_LEAVING = "Cl,Br,$([OX2H]),$([OX2][CH3]),$([OX2][CH2][CH3])"


@dataclass(frozen=True)
class Residue:
    """How a kind of monomer becomes a residue.

    Attributes:
        edits: reaction SMARTS, applied one after the other; each must find exactly as many groups as it is listed.
        condensable: required number of condensable groups in the monomer; None allows any.
        heavy_atoms: largest monomer.
        elements: atomic numbers that the residue may hold.
        several: whether any number of matches will do, each giving a residue of its own (the first edit only).
    """

    edits: tuple[str, ...]
    condensable: int | None = None
    heavy_atoms: int = 22
    elements: frozenset[int] = ELEMENTS
    several: bool = False


def _step(*edits: str, condensable: int | None = None, heavy_atoms: int = 20) -> Residue:
    return Residue(edits, len(edits) if condensable is None else condensable, heavy_atoms)


def _chain(*edits: str, elements: frozenset[int] = ELEMENTS, heavy_atoms: int = 22) -> Residue:
    return Residue(edits, None, heavy_atoms, elements)


def _route(edit: str, *, elements: frozenset[int] = _HALO, heavy_atoms: int = 22) -> Residue:
    return Residue((edit,), None, heavy_atoms, elements, several=True)


_CH2 = "[CX3H2:1]=[CX3;!R"
RESIDUES: dict[str, Residue] = {
    # two condensable groups
    "diol": _step(HYDROXYL, HYDROXYL),
    "bisphenol": _step(PHENOL, PHENOL, heavy_atoms=28),
    "diacid": _step(ACID, ACID),
    "diamine": _step(AMINE, AMINE, heavy_atoms=24),
    "diamine core": _step(AMINE_RESIDUE, AMINE_RESIDUE, heavy_atoms=30),
    "dithiol": _step(THIOL, THIOL, heavy_atoms=24),
    "disulfone": _step(SULFONE, SULFONE, heavy_atoms=24),
    "dihalide": _step(ALKYL_HALIDE, ALKYL_HALIDE, condensable=0),
    "aryl dihalide": _step(ARYL_HALIDE, ARYL_HALIDE, condensable=0, heavy_atoms=26),
    "ketone dihalide": _step(KETONE_HALIDE, KETONE_HALIDE, condensable=0, heavy_atoms=34),
    "sulfone dihalide": _step(SULFONE_HALIDE, SULFONE_HALIDE, condensable=0, heavy_atoms=34),
    "dialdehyde": _step(ALDEHYDE, ALDEHYDE, condensable=0),
    "dicarbonyl": _step(ALDEHYDE_OR_KETONE, ALDEHYDE_OR_KETONE, condensable=0),
    "dianhydride": _step(ANHYDRIDE_TO_IMIDE, ANHYDRIDE_TO_IMIDE, heavy_atoms=40),
    "anhydride acid": _step(ANHYDRIDE_TO_IMIDE, ACID_TO_AMIDE),
    "anhydride": _step(f"{_ANHYDRIDE}>>([C:1](=[O:2])*.[C:3](=[O:4])*)"),
    "arene": _step(PARA_CH, PARA_CH, condensable=0),
    "hydroxy acid": _step(HYDROXYL, ACID),
    "amino acid": _step(AMINE, ACID),
    "mercapto acid": _step(THIOL, ACID),
    "amino alcohol": _step(AMINE, HYDROXYL),
    "silane": _step(f"[SiX4;$([Si][#6]):1]([{_LEAVING}])[{_LEAVING}]>>*[Si:1]*", condensable=0),
    # one group: side chains
    "alcohol": _step(HYDROXYL, heavy_atoms=16),
    "acid": _step(ACID, heavy_atoms=16),
    "amine": _step(AMINE, heavy_atoms=14),
    "amine nitrogen": _step(f"{_NH2}:1]>>*[N:1]*", heavy_atoms=14),
    "aryl halide": _step("[c:1][Br,I]>>[c:1]*", condensable=0, heavy_atoms=16),
    "alkyl halide": _step("[CX4;H2:1][Br,I,Cl]>>[C:1]*", condensable=0, heavy_atoms=16),
    "terminal alkene": _step("[CX3H2:1]=[CX3H1;$(C[#6]):2]>>[C:2][C:1]*", condensable=0, heavy_atoms=16),
    # rings
    "epoxide": _chain("[C;r3:1]1[O;r3:2][C;r3:3]1>>*[C:1][C:3][O:2]*"),
    "oxetane": _chain("[CX4;r4:1]1[O;r4:2][CX4;r4:3][CX4;r4:4]1>>*[C:1][C:4][C:3][O:2]*"),
    "oxolane": _chain("[CX4;r5:1]1[OX2;r5:2][CX4:3][CX4:4][CX4:5]1>>*[C:1][C:5][C:4][C:3][O:2]*", heavy_atoms=12),
    "thiirane": _chain("[C;r3:1]1[S;r3:2][C;r3:3]1>>*[C:1][C:3][S:2]*"),
    "thietane": _chain("[CX4;r4:1]1[SX2;r4:2][CX4;r4:3][CX4;r4:4]1>>*[C:1][C:4][C:3][S:2]*"),
    "aziridine": _chain("[C;r3:1]1[NX3;r3:2][C;r3:3]1>>*[C:1][C:3][N:2]*"),
    "oxazoline": _chain("[CX3;r5:1]1=[N;r5:2][CX4:3][CX4:4][O;r5:5]1>>[C:1](=[O:5])[N:2](*)[C:3][C:4]*"),
    "lactone": _chain("[C;R;$(C[#6]):1](=[O:2])[O;R;$(O[#6;!$(C=O)]):3]>>([C:1](=[O:2])*.[O:3]*)"),
    "lactam": _chain("[C;R;$(C[#6]):1](=[O:2])[NX3;R;$(N[CX4]);!$(N(C=O)C=O):3]>>([C:1](=[O:2])*.[N:3]*)"),
    "cyclic carbonate": _chain("[O;R:1][C;R:2](=[O:3])[O;R:4]>>([O:1]*.[C:2](=[O:3])([O:4])*)"),
    "cyclic olefin": _route(
        "[CX3;R;!r6;!r3:1]=[CX3;R;!r6:2]@[#6;R:3]>>([C:1]=[C:2]*.[#6:3]*)", elements=_HALO, heavy_atoms=16
    ),
    # double bonds
    "styrene": _chain(f"{_CH2};$(C[c;r6]):2]>>*[C:1][C:2]*"),
    "acrylic": _chain(f"{_CH2};$(CC(=O)[#7,#8]):2]>>*[C:1][C:2]*"),
    "vinyl": _chain(f"{_CH2};!$(CC(=O)[#7,#8]);!$(C[c;r6]);!$(C[F,Cl,Br,I]);!$(CC=C):2]>>*[C:1][C:2]*"),
    "olefin": _chain("[CX3;!R:1]=[CX3;!R;!$(CC=C):2]>>*[C:1][C:2]*", elements=_CARBON),
    "halo-olefin": _chain("[CX3;!R:1]=[CX3;!R;$(C[F,Cl,Br,I]);!$(CC=C):2]>>*[C:1][C:2]*", elements=_HALO),
    "diene": _chain("[CX3;!R:1]=[CX3:2][CX3:3]=[CX3;!R:4]>>*[C:1][C:2]=[C:3][C:4]*"),
    "diene (1,2)": _chain("[CX3H2:1]=[CX3;!R:2][CX3:3]=[CX3;!R:4]>>*[C:1][C:2](*)[C:3]=[C:4]"),
    "acetylene": _chain("[CX2:1]#[CX2:2]>>*[C:1]=[C:2]*"),
    # double bonds made first: dehydration, dehydrohalogenation, methylenation, decarbonylation, addition to alkynes
    "alcohol to olefin": _route("[CX4;!H0;!R:1][CX4;!R:2][OX2H]>>*[C:1][C:2]*", elements=_CARBON),
    "halide to olefin": _route("[CX4;!H0;!R:1][CX4;!R:2][Cl,Br,I]>>*[C:1][C:2]*", elements=_CARBON),
    "carbonyl to olefin": _route("[CX3;$(C([#6])[#6]),$([CH][#6]):1]=[OX1]>>*C[C:1]*", elements=_CARBON),
    "acid to olefin": _route("[CX4;!H0;!R:1][CX4;!H0;!R:2]C(=O)[OX2H]>>*[C:1][C:2]*", elements=_CARBON),
    "halide to vinyl compound": _route("[CX4:1][Cl,Br,I]>>*CC(*)[C:1]", elements=_CARBON),
    "polyhalide to halo-olefin": _route(
        "[CX4;!H0;!R:1][CX4;!R;$(C([F,Cl,Br,I])[F,Cl,Br,I]),$(CC[F,Cl,Br,I]):2][Cl,Br,I]>>*[C:1][C:2]*",
    ),
    "vicinal halide to halo-olefin": _route(
        "[CX4;$(C[F,Cl,Br,I]):1]([Cl,Br,I])[CX4;!R:2][Cl,Br,I]>>*[C:1][C:2]*",
    ),
    "olefin to chloro-olefin": _route("[CX3H2:1]=[CX3H1;!$(CC=C):2]>>*[C:1][C:2](Cl)*"),
    "olefin to bromo-olefin": _route("[CX3H2:1]=[CX3H1;!$(CC=C):2]>>*[C:1][C:2](Br)*"),
    "olefin to fluoro-olefin": _route("[CX3H2:1]=[CX3H1;!$(CC=C):2]>>*[C:1][C:2](F)*"),
    "alkyne to chloro-olefin": _route("[CX2H1:1]#[CX2:2]>>*[C:1][C:2](Cl)*"),
    "alkyne to fluoro-olefin": _route("[CX2H1:1]#[CX2:2]>>*[C:1][C:2](F)*"),
    "carbonyl to difluoro-olefin": _route("[CX3;$(C([#6])[#6]),$([CH][#6]):1]=[OX1]>>*C(F)(F)[C:1]*"),
    "aryl carbonyl to styrene": _route(
        "[CX3;$(C[c;r6]);$(C([#6])[#6]),$([CH]);!R:1]=[OX1]>>*C[C:1]*", elements=ELEMENTS, heavy_atoms=18
    ),
    "enol to diene": _route(
        "[CX4;!H0;!R:1][CX4;!R:2]([OX2H])[CX3:3]=[CX3;!R:4]>>*[C:1][C:2]=[C:3][C:4]*", elements=ELEMENTS
    ),
    "enone to diene": _route("[CX3;!R;$(C[#6]):2](=[OX1])[CX3:3]=[CX3:4]>>*C[C:2]=[C:3][C:4]*"),
    "diol to diene": _route(
        "[CX4;!H0;!R:1][CX4:2]([OX2H])[CX4:3]([OX2H])[CX4;!H0;!R:4]>>*[C:1][C:2]=[C:3][C:4]*",
    ),
    "enyne to diene": _route("[CX2:1]#[CX2:2][CX3:3]=[CX3:4]>>*[C:1]=[C:2][C:3][C:4]*"),
    "phenol": _chain("[OX2H:1][c;r6:2]1[c:3][c:4][cH1:5][c:6][c:7]1>>*[O:1][c:2]1[c:3][c:4][c:5](*)[c:6][c:7]1",
                     heavy_atoms=16),
}  # fmt: skip


class Monomer:
    """A molecule whose group counts are remembered, because every residue asks for some of them."""

    def __init__(self, mol: Chem.Mol) -> None:
        self.mol = mol
        self.smiles = Chem.MolToSmiles(mol)
        self.condensable = sum(len(mol.GetSubstructMatches(query)) for query in _CONDENSABLE)
        self._counts: dict[str, int] = {}

    def residues(self, name: str) -> list[str]:
        """SMILES of the residues, ``*`` at each attachment point, if this is a monomer of the kind ``name``."""
        kind = RESIDUES[name]
        if self.mol.GetNumAtoms() > kind.heavy_atoms or kind.condensable not in (None, self.condensable):
            return []
        for edit in kind.edits:
            found = self._count(edit)
            if not found or (found != kind.edits.count(edit) and not kind.several):
                return []
        products = [self.mol]
        for edit in kind.edits:
            products = _edited(products[0], edit)
            if not products:
                return []
        wanted = products if kind.several else products[:1]
        return [Chem.MolToSmiles(p) for p in wanted if {a.GetAtomicNum() for a in p.GetAtoms()} - {0} <= kind.elements]

    def _count(self, edit: str) -> int:
        if edit not in self._counts:
            query = _reaction(edit).GetReactantTemplate(0)
            self._counts[edit] = len(_for_edit(self.mol, edit).GetSubstructMatches(query))
        return self._counts[edit]


@cache
def _reaction(edit: str) -> rdChemReactions.ChemicalReaction:
    reaction = rdChemReactions.ReactionFromSmarts(edit)
    reaction.Initialize()
    return reaction


def _for_edit(mol: Chem.Mol, edit: str) -> Chem.Mol:
    """The molecule; for anhydrides without aromatic flags, as RDKit calls some dianhydride rings aromatic."""
    if _ANHYDRIDE not in edit:
        return mol
    plain = Chem.Mol(mol)
    Chem.Kekulize(plain, clearAromaticFlags=True)
    return plain


def _edited(mol: Chem.Mol, edit: str) -> list[Chem.Mol]:
    """Distinct valid products, sorted by SMILES so that the order does not depend on atom numbering."""
    found: dict[str, Chem.Mol] = {}
    for (product,) in _reaction(edit).RunReactants((_for_edit(mol, edit),)):
        if Chem.SanitizeMol(product, catchErrors=True) == Chem.SanitizeFlags.SANITIZE_NONE:
            found.setdefault(Chem.MolToSmiles(product), product)
    return [found[smiles] for smiles in sorted(found)]


def read_monomer(smiles: str) -> Monomer:
    """One monomer without stereochemistry.

    Raises:
        StructureError: as :func:`sim2real.chemistry.structures.parse`, and for elements other than :data:`ELEMENTS`.
    """
    mol = parse(smiles, attachment_points=(0,))
    other = {atom.GetSymbol() for atom in mol.GetAtoms() if atom.GetAtomicNum() not in ELEMENTS}
    if other:
        raise StructureError(f"{smiles!r} holds {', '.join(sorted(other))}; expected H B C N O F Si P S Cl Br I")
    Chem.RemoveStereochemistry(mol)
    return Monomer(mol)


def molecules(limit: int | None = None) -> Iterator[Monomer]:
    """The usable ones of the first ``limit`` molecules (all by default) of the package's tables, in their order.

    Salts, radicals, isotope-labelled molecules, foreign elements and SMILES longer than 70 characters are passed over.
    """
    folder = Path(chemicals.__file__).parent / "Identifiers"
    count = 0
    for table in _TABLES:
        with open(folder / table, encoding="utf-8") as lines:
            for line in lines:
                if limit is not None and count >= limit:
                    return
                count += 1
                smiles = line.split("\t", _SMILES_COLUMN + 1)[_SMILES_COLUMN]
                if "." in smiles or len(smiles) > _LONGEST:
                    continue
                try:
                    yield read_monomer(smiles)
                except StructureError:
                    continue


# kinds that draw their comonomers from another kind's list
_SAME_MONOMERS = {"diamine core": "diamine", "disulfone": "dithiol", "dicarbonyl": "dialdehyde"}


@cache
def comonomers(kind: str) -> tuple[str, ...]:
    """Residues of the textbook comonomers of one kind (data/comonomers.csv); empty where none are listed."""
    frame = pd.read_csv(DATA / "comonomers.csv")
    found = []
    for row in frame[frame["role"] == _SAME_MONOMERS.get(kind, kind)].itertuples():
        residues = read_monomer(row.smiles).residues(kind)
        if not residues:
            raise ValueError(f"comonomers.csv: {row.name} ({row.smiles}) is no {kind}; correct its role or structure")
        found.append(residues[0])
    return tuple(found)
