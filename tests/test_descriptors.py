"""The descriptors' shared interface, RDKit's descriptors and the composition's kernel mean."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Composition, Element
from rdkit import Chem
from rdkit.Chem import Descriptors
from rdkit.Chem.EState import EState
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks

from sim2real.chemistry.descriptors import CompositionDescriptor, ForceFieldDescriptor, MolecularDescriptor
from sim2real.chemistry.descriptors.composition import element_features
from sim2real.chemistry.descriptors.molecular import LEFT_OUT, estate_indices
from sim2real.chemistry.descriptors.pairs import PairDescriptor
from sim2real.chemistry.formulas import FormulaError, read_formula
from sim2real.chemistry.structures import StructureError, oligomer, parse

SMILES = ["*CC*", "*CC(*)c1ccccc1", "*OCC*", "CCO", "*CC(C)(*)C(=O)OC", "c1ccccc1Cl", "*CC*"]
FORMULAS = ["Bi2Te3", "NaCl", "Fe2O3", "Bi0.5Sb1.5Te3", "Cu", "PuO2", "NaCl"]
INPUTS = {MolecularDescriptor: SMILES, ForceFieldDescriptor: SMILES, CompositionDescriptor: FORMULAS}
BAD_SMILES = {
    "C[C@": "not a readable SMILES",
    "*CC": "1 attachment points",
    "*CC(*)C*": "3 attachment points",
    "": "empty",
    "[Na+].[Cl-]": "several components",
    "*C([2H])C*": "isotope",
    "C[CH2]": "radical",
}
# the checks of scikit-learn that need no data; the others feed numbers
DATA_FREE_CHECKS = [
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
]


@pytest.fixture(params=list(INPUTS), ids=lambda kind: kind.name)
def kind(request):
    return request.param


@pytest.mark.parametrize("check", DATA_FREE_CHECKS)
def test_scikit_learn_checks(kind, check):
    getattr(estimator_checks, check)(kind.__name__, kind())


def test_an_unfitted_descriptor_does_not_transform(kind):
    with pytest.raises(NotFittedError):
        kind().transform(INPUTS[kind])
    with pytest.raises(NotFittedError):
        kind().get_feature_names_out()


def test_fitting_returns_self_and_changes_no_parameter(kind):
    descriptor = kind()
    before = descriptor.get_params()
    assert descriptor.fit(INPUTS[kind]) is descriptor
    assert descriptor.get_params() == before
    assert descriptor.n_features_in_ == 1
    assert not hasattr(clone(descriptor), "columns_")


def test_output_is_float32_finite_named_and_repeatable(kind):
    descriptor = kind()
    vectors = descriptor.fit_transform(INPUTS[kind])
    names = descriptor.get_feature_names_out()
    assert vectors.dtype == np.float32 and np.isfinite(vectors).all()
    assert vectors.shape == (len(INPUTS[kind]), len(names)) and len(set(names)) == len(names)
    np.testing.assert_array_equal(vectors, descriptor.transform(INPUTS[kind]))
    np.testing.assert_array_equal(vectors, descriptor.fit(INPUTS[kind]).transform(INPUTS[kind]))
    np.testing.assert_array_equal(vectors, pickle.loads(pickle.dumps(descriptor)).transform(INPUTS[kind]))


def test_rows_do_not_depend_on_order_company_or_workers(kind):
    structures = INPUTS[kind]
    vectors = kind().fit_transform(structures)
    descriptor = kind(n_jobs=2).fit(structures)
    order = np.random.default_rng(0).permutation(len(structures))
    np.testing.assert_array_equal(descriptor.transform([structures[k] for k in order]), vectors[order])
    for structure, vector in zip(structures, vectors):
        np.testing.assert_array_equal(descriptor.transform([structure])[0], vector)
    np.testing.assert_array_equal(vectors[0 if kind is not CompositionDescriptor else 1], vectors[-1])


def test_forms_of_input(kind):
    structures = INPUTS[kind]
    descriptor = kind()
    vectors = descriptor.fit_transform(structures)
    series = pd.Series(structures, index=[f"m{k}" for k in range(len(structures))])
    for form in (tuple(structures), np.array(structures), np.array(structures)[:, None], series, series.to_frame()):
        np.testing.assert_array_equal(descriptor.transform(form), vectors)
    with pytest.raises(ValueError, match="one column"):
        descriptor.transform([structures, structures])
    frame = descriptor.set_output(transform="pandas").transform(series)
    assert frame.index.equals(series.index) and list(frame.columns) == list(descriptor.get_feature_names_out())


def test_in_a_pipeline(kind):
    structures = INPUTS[kind]
    model = make_pipeline(kind(), StandardScaler(), Ridge()).fit(structures, np.arange(len(structures)))
    assert model.predict(structures).shape == (len(structures),)
    assert len(model[:-1].get_feature_names_out()) == model[-1].n_features_in_


@pytest.mark.parametrize("smiles", BAD_SMILES)
@pytest.mark.parametrize("kind", [MolecularDescriptor, ForceFieldDescriptor], ids=lambda kind: kind.name)
def test_a_bad_smiles_is_named_with_its_row(kind, smiles):
    with pytest.raises(StructureError, match=f"^row 1: .*{BAD_SMILES[smiles]}") as caught:
        kind().fit(["CCO", smiles])
    assert "\n" not in str(caught.value)
    with pytest.raises(StructureError, match="^row 'second': "):
        kind().fit(["CCO"]).transform(pd.Series(["CCO", smiles], index=["first", "second"]))


@pytest.mark.parametrize("formula", ["Xy2", "", "foo(", "H0", "Am2O3", "Fe2O3 (s)", "H-2O", "H1e400"])
def test_a_bad_formula_is_named_with_its_row(formula):
    with pytest.raises(FormulaError, match="^row 2: ") as caught:
        CompositionDescriptor().fit(["NaCl", "Cu", formula])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("formula", ["Bi-92%", "CoSb3/WO3", "DD0.08Fe4Sb12"])
def test_formulas_are_read_as_those_of_tables(formula):
    with pytest.raises(FormulaError) as caught:
        read_formula(formula)
    with pytest.raises(FormulaError, match="^row 0: ") as again:
        CompositionDescriptor().fit([formula])
    assert str(caught.value) in str(again.value) and repr(formula) in str(again.value)


def test_missing_values_are_bad_rows(kind):
    with pytest.raises(ValueError, match="^row 1: .*empty"):
        kind().fit(pd.Series([INPUTS[kind][0], np.nan]))


def test_describe_drops_and_reports():
    structures = pd.Series(["CCO", "*C", "*CC*", "", "*C"], index=list("abcde"))
    descriptor = MolecularDescriptor()
    vectors, report = descriptor.describe(structures)
    np.testing.assert_array_equal(vectors, MolecularDescriptor().fit_transform(["CCO", "*CC*"]))
    assert report.index.tolist() == [1, 3, 4] and report.row.tolist() == ["b", "d", "e"]
    assert report.structure.tolist() == ["*C", "", "*C"] and report.reason.str.len().gt(0).all()
    with pytest.raises(StructureError, match="row 'b'.*bad rows: 3"):
        descriptor.transform(structures)
    assert len(descriptor.describe(["CCO"])[1]) == 0
    with pytest.raises(ValueError, match="no row is left"):
        MolecularDescriptor().describe(["*C"])


def count_calls(monkeypatch, kind):
    calls = []
    original = kind._describe
    monkeypatch.setattr(kind, "_describe", lambda self, s: calls.append(s) or original(self, s))
    return calls


def test_the_cache_computes_only_what_is_new(kind, tmp_path, monkeypatch):
    calls = count_calls(monkeypatch, kind)
    structures = INPUTS[kind]
    expected = kind().fit_transform(structures)
    distinct = len(set(structures))
    assert len(calls) == distinct
    kind(cache_dir=tmp_path).fit(structures[:4])
    calls.clear()
    np.testing.assert_array_equal(kind(cache_dir=tmp_path).fit_transform(structures), expected)
    assert len(calls) == distinct - 4
    calls.clear()
    np.testing.assert_array_equal(kind(cache_dir=tmp_path).fit_transform(structures), expected)
    assert calls == [] and not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "flipped"])
def test_a_damaged_cache_file_is_computed_again(kind, tmp_path, monkeypatch, damage):
    structures = INPUTS[kind]
    expected = kind(cache_dir=tmp_path).fit_transform(structures)
    (path,) = tmp_path.rglob("*.npz")
    content = bytearray(path.read_bytes())
    middle = content.index(expected[0].max().tobytes())
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    path.write_bytes({"cut": content[: len(content) // 2], "noise": b"noise", "empty": b"", "flipped": flipped}[damage])
    calls = count_calls(monkeypatch, kind)
    np.testing.assert_array_equal(kind(cache_dir=tmp_path).fit_transform(structures), expected)
    assert len(calls) == len(set(structures))
    calls.clear()
    kind(cache_dir=tmp_path).fit(structures)
    assert calls == []


def test_settings_do_not_share_a_cache(tmp_path):
    two = MolecularDescriptor(units=2, cache_dir=tmp_path).fit_transform(SMILES)
    three = MolecularDescriptor(units=3, cache_dir=tmp_path).fit_transform(SMILES)
    assert len(list(tmp_path.iterdir())) == 2 and not np.array_equal(two, three)


def test_fallbacks_are_reported_also_from_the_cache(tmp_path, monkeypatch):
    original = ForceFieldDescriptor._describe
    notes = {"CCO": ("a", "b"), "*CC*": ()}
    monkeypatch.setattr(ForceFieldDescriptor, "_describe", lambda self, s: original(self, s)._replace(notes=notes[s]))
    expected = pd.DataFrame({"row": ["z", "z"], "structure": ["CCO", "CCO"], "fallback": ["a", "b"]})
    for _ in range(2):
        descriptor = ForceFieldDescriptor(cache_dir=tmp_path).fit(pd.Series(["*CC*", "CCO"], index=["y", "z"]))
        pd.testing.assert_frame_equal(descriptor.fallbacks_, expected)
    assert descriptor.transform(["*CC*"]).shape == (1, 190) and descriptor.fallbacks_.empty


def test_force_field_vectors_are_the_function_s():
    from sim2real.chemistry.descriptors.forcefield import forcefield_vector

    expected = np.float32([forcefield_vector(smiles).vector for smiles in SMILES])
    np.testing.assert_array_equal(ForceFieldDescriptor().fit_transform(SMILES), expected)


def test_molecular_numbers_are_rdkit_s():
    descriptor = MolecularDescriptor(units=3, per_atom=False)
    vectors = descriptor.fit_transform(SMILES)
    functions = dict(Descriptors.descList)
    for smiles, vector in zip(SMILES, vectors):
        chain = oligomer(parse(smiles), 3)
        expected = [functions[name](chain) for name in descriptor.get_feature_names_out()]
        np.testing.assert_allclose(vector, expected, rtol=1e-6, atol=1e-6)


def test_molecular_drops_constant_columns_only():
    descriptor = MolecularDescriptor().fit(SMILES)
    kept, names = descriptor.get_feature_names_out(), [name for name, _ in Descriptors.descList]
    assert list(kept) == [name for name in names if name in kept]
    assert len(descriptor._names()) == len(names) - len(LEFT_OUT)
    vectors = descriptor._compute(SMILES).vectors
    np.testing.assert_array_equal(np.std(vectors.astype(float), axis=0) > 0, np.isin(descriptor._names(), kept))


def test_per_atom_divides_what_grows():
    names = MolecularDescriptor()._names()
    whole, divided = (MolecularDescriptor(per_atom=p)._compute(["*CC(*)c1ccccc1"]).vectors[0] for p in (False, True))
    ratio = dict(zip(names, np.divide(whole, divided, out=np.ones_like(whole), where=divided != 0)))
    assert ratio["MolWt"] == ratio["TPSA"] * 16 == ratio["fr_benzene"] == pytest.approx(16)
    assert ratio["HeavyAtomCount"] == ratio["MaxPartialCharge"] == ratio["FractionCSP3"] == ratio["BCUT2D_MWHI"] == 1


@pytest.mark.parametrize("smiles", ["[H][H]", "C", "[He]", "CB(C)C", "CP(C)(C)(C)C"])
def test_what_rdkit_cannot_compute_is_zero_not_nan(smiles):
    assert np.isfinite(MolecularDescriptor()._compute([smiles]).vectors).all()


# iron and copper as RDKit reads them in complexes
WITHOUT_CHARGES = {
    **{"*c1ccc(*)[se]1": "Se", "C[Se]C": "Se", "*O[Sn](C)(C)OC(=O)CCC(*)=O": "Sn", "C[Hg]C": "Hg", "C[GeH2]C": "Ge"},
    **{"CCO[Na]": "Na", "C[As](C)C": "As", "C[Fe]C": "Fe", "*C[Cu]C*": "Cu", "C[Te][Se]C": "Se, Te"},
}


@pytest.mark.parametrize("smiles", WITHOUT_CHARGES)
def test_elements_without_charges_are_left_out_by_name(smiles):
    assert MolecularDescriptor().reasons(["CCO", smiles]) == [None, f"no Gasteiger charges for {WITHOUT_CHARGES[smiles]}"]


def test_reasons_are_those_of_the_report_and_name_no_structure():
    structures = pd.Series(["CCO", "*C", "*CC(*)[Sn](C)(C)C", "", "CC O", "C[Na]"], index=list("abcdef"))
    found = ForceFieldDescriptor().reasons(structures)
    assert (
        found[0] is None
        and found[1] == "has 1 attachment points (*); expected 0 or 2"
        and found[4] == "has text after a blank; a SMILES has none"
    )
    assert found[2].startswith("no force-field parameters for Sn") and found[5].startswith("no force-field parameters for Na")
    assert ForceFieldDescriptor().describe(structures)[1]["reason"].tolist() == found[1:]


def test_a_pair_says_which_side_has_no_numbers():
    found = PairDescriptor().reasons(["*CC*|CCO", "*c1ccc(*)[se]1|CCO", "*CC*|[2H]C(Cl)(Cl)Cl", "*C|CC"])
    assert found[0] is None and found[1].startswith("polymer: no force-field parameters for Se")
    assert found[2] == "solvent: carries an isotope label; write [H] instead of [2H] if that does not matter"
    assert found[3] == "polymer: has 1 attachment points (*); expected 0 or 2"


def test_a_string_where_a_list_is_meant_is_refused(kind):
    descriptor = kind().fit(INPUTS[kind])
    for single in (INPUTS[kind][0], INPUTS[kind][0].encode()):
        for call in (descriptor.fit, descriptor.transform, descriptor.describe, descriptor.reasons):
            with pytest.raises(ValueError, match="expected a list of structures, got one string"):
                call(single)


def test_bytes_are_texts(kind):
    structures = INPUTS[kind]
    expected = kind().fit_transform(structures)
    for form in (np.array(structures, dtype="S"), [s.encode() for s in structures]):
        np.testing.assert_array_equal(kind().fit_transform(form), expected)


def test_compositions_and_dicts_are_described():
    expected = CompositionDescriptor().fit_transform(["Bi2Te3", "Si", "Bi0.5Sb1.5Te3"])
    given = [Composition("Bi2Te3"), Composition("Si8"), {"Bi": 0.5, "Sb": 1.5, "Te": 3}]
    for form in (given, tuple(given), pd.Series(given), pd.DataFrame({"made of": given})):
        np.testing.assert_allclose(CompositionDescriptor().fit_transform(form), expected, atol=1e-7)
    found = CompositionDescriptor().reasons([given[0], None, np.nan, 5, ["Bi"], Element("Fe")])
    assert found[0] is None and found[1] == found[2] == "composition is empty" and found[3] and found[4] and found[5] is None


@pytest.mark.parametrize(
    ("one", "other"), [("D2O", "H2O"), ("CNT", "CN"), ("Bi2212", "Bi"), ("Ga0.20", "Ga"), ("YBCO", "YBa2Cu3O7")]
)
def test_what_a_table_refuses_is_not_described(one, other):
    first, second = CompositionDescriptor().reasons([one, other])
    assert first and second is None


def test_a_hydrate_is_described_as_what_it_holds():
    vectors = CompositionDescriptor().fit_transform(["CuSO4.5H2O", "CuSO4(H2O)5", "Bi₂Te₃", "Bi2Te3"])
    np.testing.assert_array_equal(vectors[::2], vectors[1::2])


@pytest.mark.parametrize("folder", ["/proc/nope", "a file"])
def test_without_a_cache_that_can_be_written_vectors_are_made_all_the_same(kind, folder, tmp_path):
    (tmp_path / "a file").write_text("")
    with pytest.warns(UserWarning, match="vectors are not kept .*; SIM2REAL_CACHE chooses another folder") as caught:
        vectors = kind(cache_dir=tmp_path / folder).fit_transform(INPUTS[kind])
    np.testing.assert_array_equal(vectors, kind().fit_transform(INPUTS[kind]))
    assert len([w for w in caught if "not kept" in str(w.message)]) == 1


def test_stereochemistry_plays_no_part():
    vectors = MolecularDescriptor()._compute([r"*C/C=C\C*", "*C/C=C/C*", "*CC=CC*"]).vectors
    assert (vectors == vectors[0]).all()


@pytest.mark.parametrize("smiles", [*SMILES, "C", "CC(F)(F)C(=O)NCCS", "BrC#CI"])
def test_estate_indices_are_rdkit_s(smiles):
    mol = oligomer(parse(smiles), 3)
    np.testing.assert_allclose(estate_indices(mol), EState.EStateIndices(Chem.Mol(mol)), atol=1e-12)


def slow_kernel_mean(amounts: dict[str, float], table: pd.DataFrame) -> list[float]:
    result = []
    for feature in table.columns:
        low, high = min(table[feature]), max(table[feature])
        scaled = [((table.at[symbol, feature] - low) / (high - low), amount) for symbol, amount in amounts.items()]
        for k in range(10):
            total = 0.0
            for x, amount in scaled:
                total += amount * np.exp(-((x - k / 9) ** 2) / (1 / 9) ** 2)
            result.append(total / sum(amounts.values()))
    return result


def test_composition_is_the_slow_kernel_mean():
    amounts = [{"Bi": 2, "Te": 3}, {"Bi": 0.5, "Sb": 1.5, "Te": 3}, {"H": 1}, {"Ca": 1, "O": 2, "H": 2}]
    vectors = CompositionDescriptor().fit_transform(["Bi2Te3", "Bi0.5Sb1.5Te3", "H", "Ca(OH)2"])
    assert vectors.shape == (4, 580)
    np.testing.assert_allclose(vectors, [slow_kernel_mean(a, element_features()) for a in amounts], atol=1e-7)


def test_the_authors_elements_give_the_authors_numbers(mirror):
    table = pd.read_csv(mirror / "kmdplus" / "element_features.csv", index_col=0)
    assert list(table.columns) == list(element_features().columns) and list(table.index) == list(element_features().index)
    formulas = [f"{table.index[k % 94]}{1 + k % 3}{table.index[(5 * k + 7) % 94]}{2 + k % 5}" for k in range(200)]
    vectors = CompositionDescriptor(elements="xenonpy").fit_transform(formulas)
    amounts = [dict(read_formula(f).fractions) for f in formulas]
    np.testing.assert_allclose(vectors, [slow_kernel_mean(a, table) for a in amounts], atol=1e-6)
    assert np.abs(vectors - CompositionDescriptor().fit_transform(formulas)).max() > 0.1
    with pytest.raises(ValueError, match="unknown elements 'magpie'; expected one of '', 'xenonpy'"):
        CompositionDescriptor(elements="magpie").fit(["NaCl"])


def test_composition_depends_on_fractions_alone():
    vectors = CompositionDescriptor().fit_transform(["H2O", "H4O2", "OH2", "H0.2O0.1"])
    np.testing.assert_allclose(vectors, np.broadcast_to(vectors[0], vectors.shape), atol=1e-7)
    names = CompositionDescriptor().fit(["H2O"]).get_feature_names_out()
    assert names[0] == "atomic_number_k1" and names[9] == "atomic_number_k10" and names[-1] == "Polarizability_k10"


def test_element_table_is_complete_and_its_imputed_cells_are_listed():
    table = element_features()
    assert table.shape == (94, 58) and np.isfinite(table.to_numpy()).all()
    assert table.index[0] == "H" and table.index[-1] == "Pu" and (table.atomic_number == np.arange(1, 95)).all()
    assert (table.nunique() > 1).all()
    folder = Path(sys.modules[CompositionDescriptor.__module__].__file__).parent / "data"
    imputed = pd.read_csv(folder / "elements_imputed.csv")
    assert len(imputed) == 245 and not imputed.duplicated().any()
    assert imputed.symbol.isin(table.index).all() and imputed.feature.isin(table.columns).all()
    # known values of well-known elements, from the CRC Handbook
    assert table.loc["Fe", "density"] == pytest.approx(7.87) and table.loc["F", "en_pauling"] == pytest.approx(3.98)


@pytest.mark.parametrize(
    ("wanted", "unwanted"),
    [("CompositionDescriptor", "rdkit"), ("MolecularDescriptor", "pymatgen")],
)
def test_a_descriptor_does_not_load_another_s_packages(wanted, unwanted):
    code = f"import sys; from sim2real.chemistry.descriptors import {wanted}; sys.exit({unwanted!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif("SIM2REAL_DATA_MIRROR" not in os.environ, reason="SIM2REAL_DATA_MIRROR is not set")
def test_every_unit_of_the_radonpy_set():
    smiles = pd.read_csv(Path(os.environ["SIM2REAL_DATA_MIRROR"]) / "radonpy" / "PI1070.csv").smiles
    vectors, report = MolecularDescriptor(units=1).describe(smiles)
    assert np.isfinite(vectors).all() and len(vectors) == 1075
    assert report.reason.str.contains("isotope").all() and len(report) == 2
