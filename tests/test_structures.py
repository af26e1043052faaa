"""Reading structures, chains of units, and keys that do not depend on where a chain was cut."""

from __future__ import annotations

import pytest
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from sim2real.chemistry.structures import StructureError, oligomer, parse, structure_key


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


def test_a_key_is_a_repeat_unit_with_the_same_key():
    for smiles in ("*CCOCCO*", "*CC(*)c1ccccc1", "*O[Si](*)(C)C", "CC(=O)O"):
        key = structure_key(smiles)
        assert structure_key(key) == key
