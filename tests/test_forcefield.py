"""The force-field descriptor against RadonPy's own vectors, slow twins, and known types and charges."""

from __future__ import annotations

import csv
import math
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem.rdDistGeom import EmbedMolecule
from rdkit.Chem.rdForceFieldHelpers import (
    GetUFFAngleBendParams,
    GetUFFBondStretchParams,
    GetUFFVdWParams,
    UFFGetMoleculeForceField,
    UFFOptimizeMolecule,
)
from rdkit.Chem.rdMolTransforms import SetDihedralDeg
from rdkit.Chem.rdPartialCharges import ComputeGasteigerCharges

from sim2real.chemistry.descriptors.forcefield import FEATURE_NAMES, count_terms, forcefield_vector
from sim2real.chemistry.descriptors.gaff import atom_types
from sim2real.chemistry.descriptors.gaff_parameters import parameters, tables
from sim2real.chemistry.descriptors.periodic import build_graph
from sim2real.chemistry.descriptors.uff import labelled_atoms, uff_parameters
from sim2real.chemistry.structures import StructureError, oligomer, parse, structure_key

ORACLE = Path(__file__).parent / "data" / "forcefield_oracle.csv"
FACTS = Path(__file__).parents[1] / "data" / "facts" / "polymers.csv"

with ORACLE.open() as _handle:
    ORACLE_ROWS = list(csv.DictReader(_handle))


def _typed(smiles: str) -> tuple[list[str], list[str]]:
    return atom_types(build_graph(parse(smiles)), set())


# ---- RadonPy's vectors


def test_names():
    assert len(FEATURE_NAMES) == len(set(FEATURE_NAMES)) == 190
    assert FEATURE_NAMES[0] == "mass_H" and FEATURE_NAMES[10] == "charge_00" and FEATURE_NAMES[-1] == "k_dihedral_19"


@pytest.mark.parametrize("row", ORACLE_ROWS, ids=lambda row: row["smiles"])
def test_agrees_with_radonpy(row):
    expected = np.array([float(row[name]) for name in FEATURE_NAMES])
    np.testing.assert_allclose(forcefield_vector(row["smiles"]).vector, expected, rtol=0, atol=1e-7)


def test_oracle_tells_units_apart():
    assert len(ORACLE_ROWS) == 30
    numbers = np.array([[float(row[name]) for name in FEATURE_NAMES] for row in ORACLE_ROWS])
    distances = np.abs(numbers[:, None] - numbers[None]).max(axis=2)
    assert distances[~np.eye(30, dtype=bool)].min() > 0.05


# ---- where the chain is cut


@pytest.mark.parametrize(
    "same",
    [
        ("*CCO*", "*OCC*", "*COC*", "*CCOCCO*"),
        ("*C=C*", "*C=CC=C*", "*C=CC=CC=C*"),
        ("*c1ccc(*)s1", "*c1ccc(-c2ccc(*)s2)s1"),
        ("*C(*)(F)F", "*C(F)(F)C(*)(F)F"),
        ("*NCCCCCC(*)=O", "*C(=O)CCCCCN*", "*CCNC(=O)CCC*"),
        ("*[Si](C)(C)O*", "*O[Si](*)(C)C", "*[Si](C)(C)O[Si](C)(C)O*"),
        ("*C=CC#C*", "*C#CC=C*", "*C#CC=CC#CC=C*"),
    ],
)
def test_does_not_depend_on_the_cut(same):
    first = forcefield_vector(same[0]).vector
    for other in same[1:]:
        assert structure_key(other) == structure_key(same[0])
        np.testing.assert_allclose(forcefield_vector(other).vector, first, rtol=0, atol=1e-6)


@pytest.mark.parametrize("smiles", ["*CC*", "*CC(*)C(=O)OC", "*c1ccc(*)s1", "*OC(=O)Nc1ccc(C)cc1N*", "*CCCS(*)(=O)=O"])
def test_charges_are_those_of_a_long_chain(smiles):
    unit = parse(smiles)
    graph = build_graph(unit)
    units, size = 21, unit.GetNumAtoms() - 2
    chain = oligomer(unit, units)
    ComputeGasteigerCharges(chain)
    heavy = [atom for atom in chain.GetAtoms() if atom.GetAtomicNum() > 1]
    middle = heavy[units // 2 * size : (units // 2 + 1) * size]
    expected = [atom.GetDoubleProp("_GasteigerCharge") for atom in middle]
    np.testing.assert_allclose(graph.charges, expected * (len(graph) // size), rtol=0, atol=1e-6)


@pytest.mark.parametrize("smiles", ["*CC*", "*C(*)(C)C", "*CC(*)c1ccccc1", "*NCCCCCC(*)=O", "*CCCS(*)(=O)=O", "*OC1CC1O*"])
def test_terms_are_what_one_more_unit_adds_to_a_long_chain(smiles):
    unit = parse(smiles)
    chains = [build_graph(oligomer(unit, units)) for units in (7, 8)]
    shorter, longer = (count_terms(graph, *atom_types(graph, set())) for graph in chains)
    cell = build_graph(unit)
    copies = len(cell) // (unit.GetNumAtoms() - 2)
    for term, counts in count_terms(cell, *atom_types(cell, set())).items():
        added = _undirected(longer[term])
        added.subtract(_undirected(shorter[term]))
        assert {k: n * copies for k, n in added.items() if n} == dict(_undirected(counts))


def _undirected(counts: Counter) -> Counter:
    merged = Counter()
    for types, count in counts.items():
        merged[min(types, types[::-1])] += count
    return merged


# ---- the slow, obvious twin


@pytest.mark.parametrize(
    "smiles", ["CCO", "CC(=O)Nc1ccccc1", "C1CC1", "O=S(C)c1cccs1", "ClC(Cl)Cl", "O", "CC#N", "FC(F)(F)C=C", "C1CC2CC12"]
)
def test_against_the_slow_twin(smiles):
    np.testing.assert_allclose(forcefield_vector(smiles).vector, _slow_twin(smiles), rtol=0, atol=1e-9)


def _slow_twin(smiles: str) -> np.ndarray:
    """The descriptor of a molecule, from explicit hydrogens and loops over tuples of bonded atoms."""
    graph = build_graph(parse(smiles))
    heavy_types, hydrogen_types = atom_types(graph, set())
    mol = Chem.AddHs(parse(smiles))
    ComputeGasteigerCharges(mol)
    charges = [atom.GetDoubleProp("_GasteigerCharge") for atom in mol.GetAtoms()]
    types = [
        heavy_types[atom.GetIdx()] if atom.GetAtomicNum() > 1 else hydrogen_types[atom.GetNeighbors()[0].GetIdx()]
        for atom in mol.GetAtoms()
    ]
    linked = {(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in mol.GetBonds()}
    linked |= {(b, a) for a, b in linked}
    atoms = range(mol.GetNumAtoms())
    paths = {1: [(a,) for a in atoms], 2: [], 3: [], 4: []}
    for length in (2, 3, 4):
        paths[length] = [(*p, a) for p in paths[length - 1] for a in atoms if a not in p and (p[-1], a) in linked]
    paths = {length: [p for p in found if p <= p[::-1]] for length, found in paths.items()}

    table = tables()
    ranged = {"bond": [v for v in table["bond"].values() if v[0] >= 20], "dihedral": list(table["dihedral"].values())}
    ranged["angle"] = [v for v in table["angle"].values() if v[0] >= 20]
    skipped = {"hw", "n4", "nx", "ny", "nz", "n+"}
    ranged["atom"] = [v for (name,), v in table["atom"].items() if name not in skipped]

    def block(term: str, length: int, column: int) -> list[float]:
        values = [parameters(term, tuple(types[a] for a in path))[column] for path in paths[length]]
        return kernel_mean(values, [entry[column] for entry in ranged[term]], twentieths, 1 / 40)

    def kernel_mean(values: list[float], span: list[float], centres: list[float], width: float) -> list[float]:
        low, high = min(span), max(span)
        scaled = [(value - low) / (high - low) for value in values]
        kernels = [[math.exp(-((x - c) ** 2) / (2 * width**2)) for x in scaled] for c in centres]
        return [sum(row) / len(row) if row else 0.0 for row in kernels]

    twentieths = [(2 * k + 1) / 40 for k in range(20)]
    masses = [1.008, 12.011, 14.007, 15.999, 18.998, 30.974, 32.067, 35.453, 79.904, 126.904]
    mass_centres = [(mass - masses[0]) / (masses[-1] - masses[0]) for mass in masses]
    numbers = kernel_mean([atom.GetMass() for atom in mol.GetAtoms()], masses, mass_centres, 0.05)
    numbers += kernel_mean(charges, [-1, 1], twentieths, 1 / 40)
    numbers += block("atom", 1, 0) + block("atom", 1, 1) + block("bond", 2, 0) + block("bond", 2, 1)
    numbers += kernel_mean([abs(charges[a] - charges[b]) for a, b in paths[2]], [0, 2], twentieths, 1 / 40)
    numbers += block("angle", 3, 0) + block("angle", 3, 1) + block("dihedral", 4, 0)
    return np.array(numbers)


def test_no_torsions_is_a_block_of_zeros():
    vector = forcefield_vector("ClC(Cl)Cl").vector
    assert not vector[-20:].any() and vector[-40:-20].any()


# ---- types


@pytest.mark.parametrize(
    ("smiles", "heavy", "hydrogens"),
    [
        ("CC(N)=O", "c3 c nt o", "hc  hn "),
        ("CC(=O)NC", "c3 c o ns c3", "hc   hn h1"),
        ("O", "ow", "hw"),
        ("Oc1ccccc1", "oh ca ca ca ca ca ca", "ho  ha ha ha ha ha"),
        ("CNc1ccccc1", "c3 nu ca ca ca ca ca ca", "h1 hn  ha ha ha ha ha"),
        ("CNC", "c3 n7 c3", "h1 hn h1"),
        ("CC#N", "c3 c1 n1", "hc  "),
        ("C=CC=C", "c2 ce ce c2", "ha ha ha ha"),
        ("C1CC1", "cx cx cx", "hc hc hc"),
        ("C1=CCC1", "cv cv cy cy", "ha ha hc hc"),
        ("FC(F)CF", "f c3f f c3f f", " h2  h1 "),
        ("c1ccncc1", "ca ca ca nb ca ca", "ha ha h4  h4 ha"),
        ("c1ccsc1", "cc cc cd ss cd", "ha ha ha  ha"),
        ("CS(C)=O", "c3 s4 c3 o", "hc  hc "),
        ("C=CS(C)(=O)=O", "c2 ce sy c3 o o", "ha ha  hc  "),
        ("CS", "c3 sh", "hc hs"),
        ("CC(C)=S", "c3 cs c3 s", "hc  hc "),
        ("CP(C)C", "c3 p3 c3 c3", "hc  hc hc"),
        ("C[N+](=O)[O-]", "c3 no o o", "h1   "),
        ("C[N+](C)(C)CC(=O)[O-]", "c3 n4 c3 c3 c3 c o o", "hx  hx hx hx   "),
        ("c1ccccc1-c1ccccc1", "ca ca ca ca ca cp cp ca ca ca ca ca", "ha ha ha ha ha   ha ha ha ha ha"),
        ("*C=C*", "ce cf cf ce", "ha ha ha ha"),
        ("*CC(*)=O", "c3 c o c3 c o", "hc   hc  "),
    ],
)
def test_types(smiles, heavy, hydrogens):
    found_heavy, found_hydrogens = _typed(smiles)
    assert found_heavy == heavy.split()
    assert found_hydrogens == hydrogens.split(" ")


def test_twin_types_alternate_in_any_atom_order():
    mol = parse("*C=CC=CC(=O)C=CN=C*")
    expected = None
    random = np.random.default_rng(0)
    for _ in range(20):
        order = random.permutation(mol.GetNumAtoms()).tolist()
        shuffled = Chem.MolToSmiles(Chem.RenumberAtoms(mol, order), canonical=False)
        graph = build_graph(parse(shuffled))
        types, _ = atom_types(graph, set())
        for atom, bonded in enumerate(graph.bonds):
            for neighbour, bond_order in bonded:
                kinds = {types[atom], types[neighbour]}
                if kinds <= {"ce", "cf", "ne", "nf"}:
                    twins = {kind[1] in "f" for kind in kinds}
                    assert len(twins) == (1 if bond_order == 1 else 2)
        vector = forcefield_vector(shuffled).vector
        expected = vector if expected is None else expected
        np.testing.assert_allclose(vector, expected, rtol=0, atol=1e-12)


# ---- parameters and fallbacks


def test_parameters_read_from_the_table():
    assert parameters("bond", ("c3", "hc")) == parameters("bond", ("hc", "c3"))
    assert parameters("bond", ("c3", "hc"))[:2] == tables()["bond"]["c3", "hc"]
    assert parameters("dihedral", ("hc", "c3", "c3", "hc")).fallback is None


def test_types_without_parameters_of_their_own_take_their_parents_unreported():
    assert parameters("bond", ("c", "ns")) == parameters("bond", ("c", "n"))


def test_a_missing_parameter_is_replaced_and_reported():
    result = forcefield_vector("*CC=C(Cl)C*")
    assert result.notes == ("angle c3-c2-cl: empirical formula",)
    entry = parameters("angle", ("c3", "c2", "cl"))
    table = tables()
    theta = (table["angle"]["c3", "c2", "c3"][1] + table["angle"]["cl", "c2", "cl"][1]) / 2
    r1, r2 = table["bond"]["c3", "c2"][1], table["bond"]["c2", "cl"][1]
    k = 143.9 * 1.183 * 1.339 * 1.272 / (r1 + r2) / math.radians(theta) ** 0.5
    k *= math.exp(-2 * ((r1 - r2) / (r1 + r2)) ** 2)
    assert entry[:2] == pytest.approx((k, theta))


def test_fallbacks_beyond_radonpy_are_reported():
    assert forcefield_vector("*c1ccc(*)s1").notes[0].startswith("dihedral ")
    assert "bond ss-hs: mean between the same elements" in forcefield_vector("S").notes
    assert any(line.startswith("atom H on sp carbon") for line in forcefield_vector("C#N").notes)
    assert forcefield_vector("*CC*").notes == ()


# ---- silicon and boron, by UFF


@pytest.mark.parametrize(
    ("smiles", "reported"),
    [
        (
            "*[Si](C)(C)O*",
            "angle c3-si-c3, angle c3-si-os, angle hc-c3-si, angle os-si-os, angle si-os-si, atom si, bond c3-si, "
            "bond os-si, dihedral c3-si-os-si, dihedral c3-si-c3-hc, dihedral hc-c3-si-os, dihedral os-si-os-si",
        ),
        ("*[Si](C)(c1ccccc1)O*", "atom si, bond ca-si, angle ca-ca-si, dihedral ca-ca-si-os"),
        ("*CC(*)c1ccc(B2OC(C)(C)C(C)(C)O2)cc1", "atom b, bond b-os, bond b-ca, angle b-os-c3, dihedral c3-os-b-os"),
        ("*[SiH2]C#C*", "atom h, atom si, bond h-si, angle h-si-h, dihedral c1-c1-si-h"),
        ("C[Si](C)(C)O", "bond oh-si, dihedral c3-si-oh-ho"),
    ],
)
def test_terms_around_silicon_and_boron_are_reported(smiles, reported):
    result = forcefield_vector(smiles)
    assert np.isfinite(result.vector).all() and all(block.any() for block in np.split(result.vector[10:], 9))
    assert all(line.endswith(": UFF") for line in result.notes)
    found = {line.removesuffix(": UFF") for line in result.notes}
    wanted = set(reported.split(", "))
    assert wanted <= found, sorted(found)
    if smiles == "*[Si](C)(C)O*":
        assert wanted == found


def test_uff_in_the_forms_of_gaff():
    graph = build_graph(parse("C[SiH2][SiH3]"))
    cell, heavy, hydrogens = labelled_atoms(graph)
    mol = Chem.AddHs(Chem.MolFromSmiles("C[SiH2][SiH3]"))
    names = dict(zip([*heavy, *hydrogens], "c3 si si hc h h".split()))

    def value(term: str, *path: int) -> tuple[float, float]:
        ((entry, count),) = uff_parameters(cell, names, term, Counter({path: 1}))
        assert count == 1
        return entry[:2]

    k, r0 = GetUFFBondStretchParams(mol, 0, 1)
    assert value("bond", 0, 1) == pytest.approx((k / 2, r0))
    k, theta0 = GetUFFAngleBendParams(mol, 0, 1, 2)
    assert value("angle", 0, 1, 2) == pytest.approx((k / 2, theta0))
    x, epsilon = GetUFFVdWParams(mol, 1, 1)
    assert value("atom", 1) == pytest.approx((epsilon, x * 2 ** (-1 / 6)))
    # 9 torsions share the barrier about Si-Si, sqrt(1.225 1.225) kcal/mol (Rappe et al. 1992)
    assert value("dihedral", 0, 1, 2, hydrogens[2])[0] == pytest.approx(1.225 / 2 / 9)
    # on GAFF2's scale: sigma and not Rmin / 2, one torsion's k and not the bond's barrier
    assert tables()["atom"]["c3",][1] == pytest.approx(2 * 1.9069 * 2 ** (-1 / 6), abs=1e-3)
    assert tables()["dihedral"]["X", "c3", "c3", "X"][0] == pytest.approx(1.4 / 9)


def test_the_barrier_about_a_bond_is_shared_as_rdkit_shares_it():
    mol = Chem.AddHs(Chem.MolFromSmiles("[SiH3][SiH3]"))
    assert EmbedMolecule(mol, randomSeed=1) == 0 and UFFOptimizeMolecule(mol) == 0
    left, right = (next(n.GetIdx() for n in mol.GetAtomWithIdx(k).GetNeighbors() if n.GetAtomicNum() == 1) for k in (0, 1))
    energies = []
    for angle in (60.0, 0.0):
        SetDihedralDeg(mol.GetConformer(), left, 0, 1, right, angle)
        energies.append(UFFGetMoleculeForceField(mol, vdwThresh=0.0).CalcEnergy())
    names = {0: "si", 1: "si", left: "h", right: "h"}
    ((entry, _),) = uff_parameters(mol, names, "dihedral", Counter({(left, 0, 1, right): 9}))
    assert energies[1] - energies[0] == pytest.approx(9 * 2 * entry.first, rel=0.02)


@pytest.mark.parametrize("smiles", ["*[Si](C)(C)O*", "*CC(*)[Si](C)(OC)c1ccccc1", "*[SiH2]C=C*", "*OB(*)c1ccccc1"])
def test_uff_terms_are_what_one_more_unit_adds_to_a_long_chain(smiles):
    unit = parse(smiles)
    shorter, longer = (_uff_counts(build_graph(oligomer(unit, units))) for units in (7, 8))
    cell = build_graph(unit)
    copies = len(cell) // (unit.GetNumAtoms() - 2)
    longer.subtract(shorter)
    assert {k: n * copies for k, n in longer.items() if n} == dict(_uff_counts(cell))


def _uff_counts(graph) -> Counter:
    cell, heavy, hydrogens = labelled_atoms(graph)
    types, hydrogen_types = atom_types(graph, set())
    names = dict(zip(hydrogens, hydrogen_types)) | dict(zip(heavy, types))
    found = Counter()
    for term, paths in count_terms(graph, heavy, hydrogens).items():
        for entry, count in uff_parameters(cell, names, term, paths):
            found[entry.fallback, round(entry.first, 6), f"{entry.second:.6f}"] += count
    return found


# ---- errors


@pytest.mark.parametrize(
    ("smiles", "words"),
    [
        ("C[Zn]C", "for Zn, only for H C"),
        ("*C[Se]C*", "for Se,"),
        ("C[Sn](C)(C)C", "for Sn,"),
        ("Cl", "H on Cl"),
        ("[H][H]", "hydrogen alone"),
        ("FF", "bond f-f"),
        ("[C-]#[O+]", "Gasteiger"),
        ("*CC", "1 attachment points"),
        ("", "empty"),
    ],
)
def test_bad_structures_are_refused(smiles, words):
    with pytest.raises(StructureError, match=words):
        forcefield_vector(smiles)


# ---- no failures


def _assert_finite(structures: list[str]) -> None:
    for smiles in structures:
        vector = forcefield_vector(smiles).vector
        assert vector.shape == (190,) and np.isfinite(vector).all() and 0 <= vector.min() <= vector.max() <= 1 + 1e-12


def test_embedded_facts():
    with FACTS.open() as handle:
        structures = sorted({row["smiles"] for row in csv.DictReader(handle)})
    assert len(structures) > 100 and sum("Si" in smiles for smiles in structures) == 3
    _assert_finite(structures)


def test_explicit_hydrogens_in_a_smiles_change_nothing():
    explicit, implicit = forcefield_vector("*C(*)/C=N/[H]"), forcefield_vector("*C(*)C=N")
    np.testing.assert_allclose(explicit.vector, implicit.vector, rtol=0, atol=1e-12)


@pytest.mark.skipif("SIM2REAL_DATA_MIRROR" not in os.environ, reason="SIM2REAL_DATA_MIRROR, the open data, is not set")
def test_open_data():
    mirror = Path(os.environ["SIM2REAL_DATA_MIRROR"])
    with (mirror / "radonpy" / "PI1070.csv").open() as handle:
        polymers = [row["smiles"] for row in csv.DictReader(handle)]
    deuterated = [smiles for smiles in polymers if "[2H]" in smiles]
    assert (len(polymers), len(deuterated)) == (1077, 2)
    _assert_finite([smiles for smiles in polymers if smiles not in deuterated])
    with (mirror / "chi" / "data_Chi.csv").open() as handle:
        pairs = [row["ps_pair_nonCyclic"].split("_") for row in csv.DictReader(handle)]
    units, solvents = ({pair[side] for pair in pairs} for side in (0, 1))
    assert (len(units), len(solvents)) == (46, 140)
    _assert_finite(sorted(units | solvents))
