"""Reading structures, chains of units, and keys that do not depend on where a chain was cut."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from sim2real.chemistry.fingerprints import fingerprints
from sim2real.chemistry.notation import light
from sim2real.chemistry.simulators.polymer import simulate_polymers
from sim2real.chemistry.structures import (
    StructureError,
    _backbone_pieces,
    attachment_indices,
    oligomer,
    parse,
    stereo,
    structure_key,
)
from sim2real.datasets.embedded import load_virtual_polymers
from sim2real.datasets.simulated_pairs import simulate_chi, simulate_ln_gamma


@pytest.mark.parametrize(
    ("smiles", "message"),
    [
        ("", "empty structure"),
        (None, "empty structure"),
        ("C(", "not a readable SMILES"),
        ("C*", "1 attachment points"),
        ("*C(*)*", "3 attachment points"),
        ("CC.O", "several components"),
        ("[Na+]", "net charge"),
        ("[CH3]", "radical"),
        ("[13CH4]", "isotope"),
        ("**", "bonded to each other"),
        ("*=CC*", "exactly one single bond"),
        ("*=C=*", "exactly one single bond; cut the chain in another bond"),
    ],
)
def test_bad_structures_are_refused_in_one_line(smiles, message):
    with pytest.raises(StructureError, match=message) as caught:
        parse(smiles)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("smiles", ["[*]CCO[*]", "[*:1]CCO[*:2]", "[1*]CCO[2*]", "C(C[*:2])O[*:1]"])
def test_however_the_attachment_points_are_numbered(smiles):
    assert structure_key(smiles) == structure_key("*CCO*")


def test_chain_has_the_atoms_of_its_units_and_two_hydrogens():
    chain = oligomer(parse("*CC(*)c1ccccc1"), 3)
    assert CalcMolFormula(chain) == "C24H26"  # 3 C8H8 + 2 H
    assert Chem.MolToSmiles(oligomer(parse("*CCO*"), 2)) == Chem.CanonSmiles("CCOCCO")
    nitrogen_head = oligomer(parse("*n1c(=O)c2cc3c(=O)n(*)c(=O)c3cc2c1=O"), 1)
    assert CalcMolFormula(nitrogen_head) == "C10H4N2O4", "pyromellitic diimide"
    with pytest.raises(ValueError, match="at least 1"):
        oligomer(parse("*C*"), 0)


@pytest.mark.parametrize(
    "same",
    [
        ("*CCO*", "*COC*", "*OCC*", "*CCOCCO*", "*OCCOCCOCC*"),
        ("*CC*", "*C*", "*CCCC*"),
        ("*CC(*)C", "*C(C)C*", "*CC(C)CC(C)*"),
        ("*CC=CC*", "*C=CCC*", "*C/C=C/C*", r"*C/C=C\C*"),
        ("*NCCCCCC(*)=O", "*C(=O)NCCCCC*"),
        ("*Oc1ccc(cc1)C(C)(C)c1ccc(cc1)OC(*)=O", "*C(=O)Oc1ccc(cc1)C(C)(C)c1ccc(cc1)O*"),
    ],
)
def test_one_key_for_every_way_to_write_a_chain(same):
    assert len({structure_key(s) for s in same}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("*CC(*)C", "*CC(C)C(C)C*"), ("*CCO*", "*CO*"), ("*NCCCCCC(*)=O", "*NCCCCC(*)=O"), ("CCO", "COC")]
)
def test_different_chains_have_different_keys(one, other):
    assert structure_key(one) != structure_key(other)


AWKWARD = (
    "*[Fe]*", "*c1ccc(*)s1", "*C1CC(*)CC1", "*N1C(=O)c2cc3c(cc2C1=O)C(=O)N(*)C3=O", "*C(C1CC1)C2CC2C(*)=CC", "*C#CC(*)c1ccccc1C",
    "*c1ccc2c(c1)C1(CCCC1)c1cc(*)ccc1-2", "*Oc1ccc(-c2ccc(*)cc2)cc1", "*[N+]1(CC1)C[B-](*)(F)F", "*C12CC3CC(C1)CC(*)(C3)C2", "*C*",
)  # fmt: skip


def units_to_compare():
    return [*AWKWARD, *load_virtual_polymers()["smiles"][::300]]


def test_a_text_is_cut_where_the_molecule_would_be():
    for smiles in units_to_compare():
        unit = parse(smiles)
        (head, _), (tail, _) = attachment_indices(unit)
        path = Chem.GetShortestPath(unit, head, tail)
        bonds = [unit.GetBondBetweenAtoms(a, b) for a, b in zip(path[1:-2], path[2:-1])]
        cuts = [b.GetIdx() for b in bonds if not b.IsInRing() and b.GetBondType() == Chem.BondType.SINGLE]
        whole = Chem.FragmentOnBonds(unit, cuts, dummyLabels=[(0, 0)] * len(cuts)) if cuts else unit
        written = Chem.MolToSmiles(unit, canonical=False, isomericSmiles=False, rootedAtAtom=head).replace("[*]", "*")
        pieces = [Chem.CanonSmiles(re.sub(r"\[[12]\*\]", "*", piece)) for piece in _backbone_pieces(written)]
        assert sorted(pieces) == sorted(Chem.CanonSmiles(Chem.MolToSmiles(whole)).split(".")), smiles


def test_a_key_is_a_repeat_unit_with_the_same_key():
    for smiles in ("*CCOCCO*", "*CC(*)c1ccccc1", "*O[Si](*)(C)C", "CC(=O)O"):
        key = structure_key(smiles)
        assert structure_key(key) == key


LOOKALIKES = [
    "∗CC∗",
    "＊CC＊",
    "⁎CC⁎",
    "*C−C*",
    "＊Ｃ－Ｃ＊",
    "*CC*\u200b",
    "\ufeff*CC*",
    "*CC*\u00a0",
    "*\u200dCC*",
    "*СС*",
    b"*CC*",
    "［*］CC［*］",
]


@pytest.mark.parametrize("written", LOOKALIKES, ids=ascii)
def test_characters_that_look_alike_are_what_they_look_like(written):
    assert structure_key(written) == structure_key("*CC*") and parse(written).GetNumAtoms() == 4


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("*CC(*)α", r"has the character 'α' \(U\+03B1\)"),
        ("*CC(*)µ", r"has the character 'μ' \(U\+03BC\)"),
        ("*CC(*)\nc1ccccc1", "has text after a blank; a SMILES has none"),
        ("*CC(C)(*)C(=O) OC", "has text after a blank"),
        ("CCO ethanol", "has text after a blank"),
        ("CCO\tethanol", "has text after a blank"),
        ("*CC* |$_AP1;;;_AP2$| polyethylene", "has text after a blank"),
        ("[R1]CC[R2]", r"\[R1\] and \[R2\] are no atoms; write both attachment points of a repeat unit as \*, as in"),
        ("[Q]CC[U]", r"\[Q\] is no atom"),
        ("[e]CC[t]", r"\[e\] and \[t\] are no atoms"),
        ("[X]CC[X]", r"\[X\] is no atom"),
        ("[R]CC", r"\[R\] is no atom"),
        ("C[At]", r"\[At\] is no atom; write both attachment points"),
        ("C~C", "has a bond of no stated order"),
        ("(CC)n", r"repeat units are written with two \*"),
        ("[<]CC[>]", r"repeat units are written with two \*"),
        ("-CC-", r"repeat units are written with two \*"),
        ("*CC(*)(C)(C)[N+](=O)[O-]", "check valences, brackets and ring closures$"),
        ("{[][$]CC[$][]}", r"is BigSMILES; write its repeat unit with two \*, as in \*CC\*"),
        ("{[][<]OCC([>])C[]}", r"is BigSMILES; write its repeat unit with two \*, as in \*OCC\(\*\)C"),
        ("{[][$]CC[$],[$]CC([$])C[]}", r"is BigSMILES; write its repeat unit with two \*, as in"),
        ("InChI=1S/CH4/h1H4", "is an InChI; expected a SMILES"),
        ("C" * 1200, "has 1200 heavy atoms; at most 1000 are taken"),
        ("C" * 5000, r"is too long \(5000 characters\)"),
        *[
            (name, "is a name, a formula or a number; write the SMILES")
            for name in (
                "styrene",
                "poly(styrene)",
                "Poly(vinyl acetate)",
                "Nylon 6,6",
                "1,4-dioxane",
                "PS",
                "PP",
                "C6H6",
                "H2O",
                "NaCl",
                "50-00-0",
                "UHOVQNZJYSORNB-UHFFFAOYSA-N",
            )
        ],
        *[(text, "is not a readable SMILES; check") for text in ("c1ccccc", "Clc1cccc", "C1CC", "CCc1", "BrCl1", "Fc1ccccc")],
        ("*:c1ccccc1:*", r"has aromatic bonds \(:\) beside attachment points"),
        ("*c1ccc(:*)cc1", "has aromatic bonds"),
        ("[*-]CC[*+]", "carries a net charge"),
        ("[2H]C(Cl)(Cl)Cl", r"carries an isotope label; write \[H\] instead of \[2H\] if that does not matter"),
        ("*C([2H])([2H])C*", r"carries an isotope label; write \[H\]"),
        ("[13CH4]", "carries an isotope label on C"),
        ("[3H]CC[3H]", r"carries tritium; where \[3H\] marks an attachment point, write \*"),
        *[(name, "is a name, a formula or a number") for name in "SBS SIS PBO PBI PSS PF POP PMMA PVA PEO PA6 PA-66".split()],
        ("PCC", r"if it is that of a molecule, write \[PH2\]CC$"),
        ("SBS", r"if it is that of a molecule, write \[SH\]BS$"),
        ("CCO\0CCC", r"has the character '.x00' \(U\+0000\)"),
        (5, "got a int instead of a text"),
        (float("nan"), "empty structure"),
        ("\u200b", "empty structure"),
    ],
    ids=lambda text: ascii(text)[:40],
)
def test_other_notations_are_named(written, reason):
    with pytest.raises(StructureError, match=reason) as caught:
        parse(written)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("*CC* |$_AP1;;;_AP2$|", "*CC*"),
        ("[R]CC[R]", "*CC*"),
        ("[Pol]CC([Pol])C", "*CC(*)C"),
        ("[A]OCC[A]", "*OCC*"),
        ("[At]CC(C)[At]", "*CC(*)C"),
        ("[Lr]c1ccc([Lr])cc1", "*c1ccc(*)cc1"),
        ("[R1]CCO[R1]", "*CCO*"),
        ("*=CC1CCCC1C=*", "*C=CC1CCCC1*"),
        ("*=CC1CCC(C=*)C1", "*C=CC1CCC(*)C1"),
        ("*=CC=*", "*C=C*"),
        ("*=C/C=C/C=*", "*C=CC=C*"),
        ("*=Cc1ccc(C=*)cc1", "*C=Cc1ccc(*)cc1"),
        ("*#Cc1ccc(C#*)cc1", "*C#Cc1ccc(*)cc1"),
        ("[PH2]CC", "CCP"),
    ],
)
def test_other_ways_to_write_a_chain(written, same):
    assert structure_key(written) == structure_key(same)
    assert CalcMolFormula(parse(written)) == CalcMolFormula(parse(same))


def test_deuterium_is_hydrogen_where_that_is_asked_for():
    assert structure_key(light("*C([2H])([2H])C(*)([2H])c1c([2H])cccc1")) == structure_key("*CC(*)c1ccccc1")
    assert structure_key(light("[2H]O[D]")) == structure_key("O")
    assert light("[13CH4]") == "[13CH4]" and light("*CC*") == "*CC*" and light("[2H]C(Cl)(Cl)Cl") == "[H]C(Cl)(Cl)Cl"
    assert light("D2O") == "H2O" and light("KD2PO4") == "KH2PO4" and light("DyFeO3") == "DyFeO3"


@pytest.mark.parametrize(
    ("smiles", "label"),
    [
        *(
            (r"*C/C=C\C*", "Z"),
            ("*C/C=C/C*", "E"),
            ("*CC=CC*", ""),
            (r"*/C=C\CC*", "Z"),
            (r"*C/C(C)=C\C*", "Z"),
            (r"*/C(C)=C\CC*", "Z"),
        ),
        *(("C/C=C/C", "E"), ("*C[C@H](*)C", "R"), ("*C[C@@H](*)C", "S"), ("*CC(*)C", ""), ("C[C@H](O)[C@@H](C)O", "RS")),
    ],
)
def test_what_a_key_leaves_out(smiles, label):
    assert stereo(smiles) == label


@pytest.mark.parametrize("single", ["OCCO", "ClCCl", b"CCO"])
def test_a_string_where_a_list_is_meant(single):
    calls = [
        simulate_polymers,
        fingerprints,
        lambda x: simulate_chi(x, ["CCO"], [300.0]),
        lambda x: simulate_ln_gamma(["O"], x, [300.0]),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="expected a list of SMILES, got one string"):
            call(single)


def test_a_table_where_a_list_is_meant():
    with pytest.raises(ValueError, match="got a table; pass one of its columns"):
        simulate_polymers(pd.DataFrame({"smiles": ["CCO"]}))
    assert len(simulate_polymers(pd.Series(["CCO", "O"]))) == 2
