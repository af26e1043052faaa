"""Monomers: which molecules can polymerise, and what remains of them in the chain (the *residue*).

A :class:`Residue` is a list of edits, each a reaction SMARTS that turns one functional group into an attachment point;
a diol is edited twice by the hydroxyl's edit, a hydroxy acid once by the hydroxyl's and once by the acid's. They stand in
``residues.csv``: monomers with two condensable groups, side chains (one group), rings, double bonds, and double bonds that are
made first (dehydration, dehydrohalogenation, methylenation, decarbonylation, addition to alkynes). Hydroxyls of enols,
hemiacetals and acids are left out, and so are amide and amidine nitrogens. Molecules
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

SEPARATOR = " | "  # between the edits of a residue and the parts of a rule
ELEMENTS = frozenset({1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 35, 53})
_TABLES = ("chemical identifiers pubchem large.tsv", "chemical identifiers pubchem small.tsv")
_SMILES_COLUMN = 4
_LONGEST = 70  # characters; longer SMILES are above every size limit of residues.csv

_ANHYDRIDE = "[C;R:1](=[O:2])[O;R][C;R:3]=[O:4]"
_CONDENSABLE = tuple(
    Chem.MolFromSmarts(text)
    for text in (
        "[OX2H;$(O[#6]);!$(OC=[O,N,S]);!$(OC=C);!$(OC[O,N,F,Cl])]", "[CX3;$(C[#6])](=O)[OX2H]",
        "[NX3H2;$(N[#6]);!$(NC=[O,N,S]);!$(NC#N)]", "[SX2H]", "N=C=[O,S]", "C(=O)[F,Cl,Br,I]",
        "[#6][#6](=O)[#8][#6](=O)[#6]",
    )
)  # fmt: skip


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
    condensable: int | None
    heavy_atoms: int
    elements: frozenset[int]
    several: bool


def _residues() -> dict[str, Residue]:
    number = Chem.GetPeriodicTable().GetAtomicNumber
    table = pd.read_csv(Path(__file__).with_name("residues.csv"), dtype=str)
    return {
        row.kind: Residue(
            edits=tuple(row.edits.split(SEPARATOR)),
            condensable=None if row.condensable == "any" else int(row.condensable),
            heavy_atoms=int(row.heavy_atoms),
            elements=frozenset(map(number, row.elements.split())),
            several=row.several == "yes",
        )
        for row in table.itertuples()
    }


RESIDUES = _residues()


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
