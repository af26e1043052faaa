"""Tables of users: every kind of file, units, and rows that cannot be used."""

from __future__ import annotations

import pandas as pd
import pytest
from pymatgen.core import Composition
from rdkit import Chem

from sim2real.chemistry.formulas import read_formula
from sim2real.chemistry.structures import structure_key
from sim2real.datasets import keys
from sim2real.datasets.numbers import Numbers
from sim2real.datasets.pairs import chi_from_table
from sim2real.datasets.tables import read_table
from sim2real.datasets.task import DataError, DataWarning, get_property
from sim2real.datasets.units import conversion

GOOD = pd.DataFrame(
    {
        "SMILES": ["*CC(*)c1ccccc1", "*CC*", "*CCO*", "*OCC*", "*CC(*)C"],
        "Density": [1050.0, 860.0, 1120.0, 1130.0, 850.0],
        "Class": ["PS", "PE", "PEO", "PEO", "PP"],
    }
)


def _write(frame, folder, name):
    path = folder / name
    if name.endswith(".parquet"):
        frame.to_parquet(path, index=False)
    elif name.endswith(".xlsx"):
        frame.to_excel(path, index=False)
    else:
        separator = {"tsv": "\t", "txt": ";"}.get(name.split(".")[1], ",")
        frame.to_csv(path, index=False, sep=separator, decimal="," if separator == ";" else ".")
    return path


def _load(path, **options):
    given = {"structure": "SMILES", "value": "Density", "unit": "kg/m3", "property": "density"} | options
    return read_table(path, **given)


@pytest.mark.parametrize("name", ["mine.csv", "mine.tsv", "mine.txt", "mine.csv.gz", "mine.parquet", "mine.xlsx"])
def test_every_kind_of_file_gives_the_same_task(tmp_path, name):
    task = _load(_write(GOOD, tmp_path, name), group="Class")
    # *CCO* and *OCC* are one polymer: their values are merged by the median, in g/cm3
    values = task.table.set_index("group")["value"]
    assert values.to_dict() == pytest.approx({"PS": 1.05, "PE": 0.86, "PEO": 1.125, "PP": 0.85})
    assert task.table.set_index("group").loc["PEO", "count"] == 2
    assert task.report["rows read"] == 5 and task.report["materials"] == 4
    assert task.dropped.empty and not list(tmp_path.glob("*.dropped.csv"))


def test_lines_of_comment_and_blank_lines_do_not_shift_the_numbering(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("% made by hand\n# kg/m3\nSMILES,Density\n*CC*,860\n\n*CC(*)C,heavy\n*CCO*,1120\n")
    with pytest.warns(DataWarning):
        task = _load(path)
    assert task.dropped[["line", "column", "found", "reason"]].to_numpy().tolist() == [[6, "Density", "heavy", "is not a number"]]
    assert len(task) == 2


def test_bad_rows_are_counted_and_listed(tmp_path):
    bad = pd.DataFrame(
        {
            "SMILES": ["*CC(", "CCO", "*CC*", "*CC(*)F", "*CC(*)[2H]", "*CC(*)Cl"],
            "Density": ["1000", "790", "heavy", "12", "900", ""],
            "Class": "bad",
        }
    )
    path = _write(pd.concat([GOOD.astype(str), bad]), tmp_path, "mine.csv")
    with pytest.warns(DataWarning) as caught:
        task = _load(path, kind="polymer")
    text = str(caught[0].message)
    assert text.splitlines()[0] == "mine.csv: 5 rows cannot be used (all are in the task's table dropped)"
    assert "line 9, column Density: 'heavy': is not a number" in text
    assert task.dropped["line"].tolist() == [7, 8, 9, 10, 11]
    assert set(task.dropped["column"]) == {"SMILES", "Density"}
    assert "is not a repeat unit with two *" in set(task.dropped["reason"])
    assert [file.name for file in tmp_path.iterdir()] == ["mine.csv"], "nothing is written beside the table"
    assert task.report["rows read"] == 10, "a row without a value was never a row of this property"
    counted = sum(count for reason, count in task.report.items() if reason.startswith("dropped"))
    assert counted == 5 and task.report["materials"] == 4


def test_only_the_first_ten_bad_rows_are_shown(tmp_path):
    bad = pd.DataFrame({"SMILES": ["*CC*"] * 30, "Density": ["x"] * 30, "Class": ""})
    with pytest.warns(DataWarning) as caught:
        task = _load(_write(pd.concat([GOOD.astype(str), bad]), tmp_path, "mine.csv"))
    assert len(str(caught[0].message).splitlines()) == 11 and len(task.dropped) == 30


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"structure": "smiles"}, "mine.csv: no column 'smiles'; its columns are SMILES, Density, Class"),
        ({"unit": "S/m"}, "mine.csv: 'S/m' is no unit of density; expected g/cm"),
        (
            {"unit": "g/cm3"},
            "mine.csv: 5 of 5 values of column 'Density' are outside of the physical range of density, 0.1 to 5 g/cm3 "
            '(line 2: 1050.0); perhaps they are in kg/m3: write unit = "kg/m3"',
        ),
        ({"property": "colour"}, "unknown property 'colour'; expected one of refractive_index"),
    ],
)
def test_a_table_that_cannot_be_used_says_why_in_one_line(tmp_path, options, message):
    path = _write(GOOD, tmp_path, "mine.csv")
    with pytest.raises(ValueError) as caught:
        _load(path, **options)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("no.csv", None, "no such file"),
        ("mine.doc", b"x", "not a readable doc table"),
        ("mine.csv", b"", "empty"),
        ("mine.xlsx", b"not a workbook", "not a readable xlsx table"),
        ("mine.csv", b"SMILES,Density\n*C\xff\x00*,1\n", "not a readable csv table"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        _load(tmp_path / name)
    assert name in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["structure", "value", "key", "count", "low"])
def test_a_column_of_classes_may_have_any_name(tmp_path, name):
    task = _load(_write(GOOD.rename(columns={"Class": name}), tmp_path, "mine.csv"), group=name)
    assert task.table.set_index("group")["value"].to_dict() == pytest.approx({"PS": 1.05, "PE": 0.86, "PEO": 1.125, "PP": 0.85})


def test_a_table_without_values_says_so(tmp_path):
    path = _write(GOOD.assign(Density=""), tmp_path, "mine.csv")
    with pytest.raises(DataError, match="mine.csv: no value in column 'Density'"):
        _load(path)
    assert not list(tmp_path.glob("*.dropped.csv"))


@pytest.mark.parametrize("text", ["1_000", "inf", "1.2.3", "1/2", "12 34", "2020-01-01", "1.05×105", "0.92*", True])
def test_what_is_no_number(text):
    with pytest.raises(ValueError, match="is not a number"):
        Numbers().read(text)
    assert Numbers().read(" 1.5e3 ") == 1500


def test_a_property_of_ones_own_has_its_unit_and_no_range(tmp_path):
    task = _load(_write(GOOD, tmp_path, "mine.csv"), property="", unit="K")
    assert (task.property.name, task.property.unit) == ("Density", "K")
    assert task.y.max() == 1125 or task.y.max() == 1050


def test_compositions(tmp_path):
    frame = pd.DataFrame({"formula": ["Bi2Te3", "Bi4Te6", "PbTe", "Qq2"], "sigma": [1000.0, 1200.0, 500.0, 3.0]})
    with pytest.warns(DataWarning, match="line 5, column formula: 'Qq2'"):
        task = _load(
            _write(frame, tmp_path, "mine.csv"),
            structure="formula",
            value="sigma",
            unit="S/cm",
            property="electrical_conductivity",
            kind="composition",
        )
    assert len(task) == 2 and set(task.table["group"]) == {"chalcogenide"}
    assert task.table.set_index("structure").loc["Bi2Te3", "value"] == pytest.approx(110_000)


@pytest.mark.parametrize(
    ("unit", "name", "expected"),
    [
        ("J/(g·K)", "heat_capacity", 1000),
        ("cal / (g K)", "heat_capacity", 4184),
        ("mW/mK", "thermal_conductivity", 1e-3),
        ("kg/m³", "density", 1e-3),
        ("S/cm", "electrical_conductivity", 100),
    ],
)
def test_units_by_name(unit, name, expected):
    assert conversion(unit, get_property(name))(1.0) == pytest.approx(expected)
    assert conversion(get_property(name).unit, get_property(name))(1.0) == 1


SERIES = pd.DataFrame(
    [
        ("SnSe", 300, 800),
        ("SnSe", 500, 400),
        ("SnSe", 900, 11000),
        ("Bi2Te3", 300, 90000),
        ("Bi2Te3", 500, 45000),
        ("PbTe", None, 7),
    ],
    columns=["f", "T (K)", "sigma"],
)
ALLOY = {"structure": "f", "value": "sigma", "unit": "S/m", "property": "electrical_conductivity", "kind": "composition"}


def test_rows_at_other_temperatures_are_counted_and_not_called_faulty():
    with pytest.warns(DataWarning, match="table: 1 rows cannot be used") as caught:
        task = read_table(SERIES, **ALLOY, temperature="T (K)")
    assert dict(zip(task.table["structure"], task.y)) == {"SnSe": 800, "Bi2Te3": 90000}
    assert len(caught) == 1 and "another temperature" not in str(caught[0].message)
    assert task.report["dropped: is at another temperature than 293 to 303 K"] == 3
    assert task.dropped["line"].tolist() == [1, 2, 4, 5] and task.dropped["reason"].iloc[-1] == "no temperature is given"
    with pytest.warns(DataWarning):
        hot = read_table(SERIES, **ALLOY, temperature="T (K)", kelvin=(450, 550))
    assert dict(zip(hot.table["structure"], hot.y)) == {"SnSe": 400, "Bi2Te3": 45000}


@pytest.mark.parametrize(
    "name",
    ["T", "T (K)", "T/K", "Temp.", "temperature_K", "Temperature [°C]", "Meas. temperature", "temp_C", "温度"]
    + ["Messtemperatur", "测试温度", "temperature of measurement (K)", "T_measured", "T_exp", "temperature [degrees C]"]
    + ["Sample temperature (K)", "TEMP(F)", "bath temp. / K"],
)
def test_several_temperatures_of_a_material_and_none_declared(name):
    frame = SERIES.rename(columns={"T (K)": name})
    with pytest.raises(DataError, match="SnSe has values at 300 to 900 in column .*; write temperature = ") as caught:
        read_table(frame, **ALLOY)
    assert name in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "Tg (K)",
        "Tc",
        "Tf",
        "Tm",
        "Curie temperature",
        "sintering temperature",
        "Temperature of melting",
        "Crystallization Temperature (K)",
        "title",
        "thickness",
        "t_half",
    ],
)
def test_what_is_no_temperature_of_measurement(name):
    frame = SERIES.rename(columns={"T (K)": name}).assign(sigma=1.0)
    assert len(read_table(frame, **ALLOY)) == 3


def test_temperatures_that_vary_between_materials_are_said():
    with pytest.warns(DataWarning, match=r"rows are at 300 to 500 in column 'T \(K\)'; write temperature = to choose"):
        assert len(read_table(SERIES.iloc[[1, 3]], **ALLOY)) == 2


def test_temperatures_in_another_unit():
    frame = pd.DataFrame({"s": ["*CC*", "*CC(*)C", "*CCO*"], "rho": [0.92, 0.9, 1.1], "T": ["25 °C", "20", "−20,5"]})
    options = {"structure": "s", "value": "rho", "unit": "g/cm3", "property": "density", "temperature": "T"}
    assert read_table(frame, **options, temperature_unit="°C").y.tolist() == [0.9, 0.92]
    with pytest.raises(DataError, match='is below absolute zero in K; perhaps in deg C: write temperature_unit = "degC"'):
        read_table(frame.assign(T=[25, 20, -20]), **options)
    with pytest.raises(DataError, match="none of its 2 rows .* write another range as kelvin =, or the column's temperature_unit"):
        read_table(frame.iloc[:2].assign(T=[25, 20]), **options)
    with pytest.raises(DataError, match="column 'T .°C.' says °C, temperature_unit says K"):
        read_table(frame.rename(columns={"T": "T (°C)"}), **options | {"temperature": "T (°C)"})


INORGANIC = pd.DataFrame(
    {"f": ["Bi2Te3", "PbTe", "Mg2Si", "SnSe", "Cu"], "rho": [7.7, 8.16, 1.99, 6.18, 8.96], "k": [1.5, 2.2, 7.8, 0.7, 401]}
)


def test_ranges_are_those_of_the_kind_of_material():
    options = {"structure": "f", "kind": "composition"}
    density = read_table(INORGANIC, **options, value="rho", unit="g/cm3", property="density")
    kappa = read_table(INORGANIC, **options, value="k", unit="W/(m K)", property="thermal_conductivity")
    assert len(density) == len(kappa) == 5 and density.dropped.empty
    # drawn polyethylene conducts heat; no liquid does
    drawn = pd.DataFrame({"s": ["*CC*", "*CC(*)C"], "k": [50.0, 0.2]})
    given = {"structure": "s", "value": "k", "unit": "W/(m K)", "property": "thermal_conductivity"}
    assert len(read_table(drawn, **given, kind="polymer")) == 2
    liquids = drawn.assign(s=["CCO", "CCC"])
    with pytest.warns(DataWarning, match="'50.0': is outside of the physical range of thermal_conductivity, 0.03 to 1"):
        assert len(read_table(liquids, **given, kind="molecule")) == 1


@pytest.mark.parametrize(
    ("values", "unit", "guess"),
    [([920, 900, 1.1], "g/cm3", "kg/m3"), ([7.7, 8.2, 6.0], "kg/m3", "g/cm3")],
)
def test_a_table_of_which_most_values_are_outside_is_refused_with_a_guess(values, unit, guess):
    frame = pd.DataFrame({"f": ["Bi2Te3", "PbTe", "SnSe"], "rho": values})
    message = f"{3 if guess == 'g/cm3' else 2} of 3 values of column 'rho' are outside .*; perhaps they are in {guess}: write unit"
    with pytest.raises(DataError, match=message):
        read_table(frame, structure="f", value="rho", unit=unit, property="density", kind="composition")


def test_a_class_that_is_not_given_is_the_structures_own():
    given = {"structure": "SMILES", "value": "Density", "unit": "kg/m3", "group": "Class"}
    task = read_table(GOOD.assign(Class=["PS", None, " ", float("nan"), "PP"]), **given)
    assert dict(zip(task.table["structure"], task.table["group"])) == {
        "*CC(*)c1ccccc1": "PS",
        "*CC*": "P01",
        "*CCO*": "P07",
        "*CC(*)C": "PP",
    }
    pairs = pd.DataFrame({"p": ["*CC*", "*CCO*"], "s": ["CCO", "O"], "T": 300.0, "chi": 0.5, "c": ["mine", None]})
    chi = chi_from_table(pairs, polymer="p", solvent="s", temperature="T", value="chi", group="c")
    assert set(chi.table["group"]) == {"mine", "P07"}


def test_a_name_of_ones_own_is_kept():
    frame = GOOD.assign(called=["polystyrene", "polyethylene", "PEO", "PEG", None])
    task = read_table(frame, structure="SMILES", value="Density", unit="kg/m3", property="density", label="called")
    assert dict(zip(task.table["structure"], task.table["name"])) == {
        "*CC(*)c1ccccc1": "polystyrene",
        "*CC*": "polyethylene",
        "*CCO*": "PEO",
        "*CC(*)C": "*CC(*)C",
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"structure": ["a", "b"]}, r"structure is \['a', 'b'\]; expected a text"),
        ({"kind": "metal"}, "kind is 'metal'; expected one of polymer, molecule, any, composition"),
        ({"kelvin": "warm"}, "kelvin is 'warm'; expected the lowest and the highest temperature in K"),
        ({"kelvin": (303, 293)}, "expected the lowest and the highest temperature"),
        ({"decimal": ";"}, "decimal is ';'; expected '.' or ','"),
        ({"temperature_unit": "F"}, "unknown temperature_unit 'F'; expected K or degC"),
        ({"unit": ""}, "'' is no unit of density; expected g/cm3 or kg/m3"),
        ({"unit": "", "property": ""}, "column 'Density': expected its unit as unit =, such as g/cm3, or a known property"),
    ],
)
def test_wrong_arguments_are_one_line(options, message):
    with pytest.raises(DataError, match=message) as caught:
        read_table(GOOD, **{"structure": "SMILES", "value": "Density", "unit": "kg/m3", "property": "density"} | options)
    assert "\n" not in str(caught.value)


def test_keys_are_kept_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "CACHE", tmp_path)
    texts = ["*CC*", "*CCC*", "CCO", "*CC(", "", 7]
    first = keys.read_keys(texts, "any")
    assert first["*CC*"].key == first["*CCC*"].key == "*C*" and first["*CC*"].group == "P01" and first["CCO"].group == "molecule"
    assert "not a readable SMILES" in first["*CC("].fault and "empty" in first[""].fault
    monkeypatch.setattr(keys, "_read", None)
    assert keys.read_keys(texts[:5], "any") == {text: first[text] for text in texts[:5]}, "nothing is worked out again"
    monkeypatch.undo()
    monkeypatch.setattr(keys, "CACHE", tmp_path / "keys" / next((tmp_path / "keys").iterdir()).name)
    assert keys.read_keys(texts, "any") == first, "a cache that cannot be written is passed over"


def test_many_structures_are_worked_out_by_several_processes(monkeypatch):
    monkeypatch.setattr(keys, "SERIAL", 3)
    formulas = [f"Bi{k}Te3" for k in range(1, 9)]
    found = keys.read_keys(formulas, "composition")
    assert [found[f].key for f in formulas] == [read_formula(f).key for f in formulas]


@pytest.mark.parametrize(
    ("structures", "right"),
    [
        (["*CC(*)\nc1ccccc1", "*CC(C)(*)C(=O) OC", "*CC*"], {"*C*": 2.0}),  # a wrapped cell is no polyethylene
        (["∗CC∗", "∗CC(∗)C", "＊CC=CC＊"], {"*C*": 0.0, "*CC(*)C": 1.0, "*C=CCC*": 2.0}),
        (["\u200b*CC*", "*CC(*)C\u00a0", "*CCO* "], {"*C*": 0.0, "*CC(*)C": 1.0, "*CCO*": 2.0}),
        (["*=CC1CCC(C=*)C1", "*C=CC1CCC(*)C1"], {"*C=CC1CCC(*)C1": 0.5}),
        (["*:c1ccccc1:*", "*c1ccccc1*", "[*-]CC[*+]"], {"*c1ccccc1*": 1.0}),
        (["SBS", "PBO", "PSS", "PS", "[3H]CC[3H]", "[Th]CCO[Th]"], {"*CCO*": 5.0}),
        ([Chem.MolFromSmiles("*CC*"), "CCO", ["*CC*"]], {"*C*": 0.0, "CCO": 1.0}),
    ],
)
@pytest.mark.filterwarnings("ignore::sim2real.datasets.task.DataWarning")
def test_structures_of_a_table_are_read_as_they_are_meant(structures, right):
    task = read_table(pd.DataFrame({"s": structures, "v": range(len(structures))}), structure="s", value="v", unit="-")
    assert dict(zip(task.keys, task.y)) == {structure_key(key): value for key, value in right.items()}
    assert len(task.dropped) == len(structures) - task.table["count"].sum()


@pytest.mark.parametrize(
    ("formulas", "right"),
    [
        (["CuSO4.5H2O", "Zn(NO3)2·6H2O"], ["CuSO4(H2O)5", "Zn(NO3)2(H2O)6"]),
        (["CuSO4 5H2O", "MgCl2 * 6 H2O", "CaSO4·1/2 H2O"], ["CuSO4(H2O)5", "MgCl2(H2O)6", "CaSO4(H2O)0.5"]),
        (["SnSe_300K", "CoSb3 1", "SnSe_10", "Bi 2 Te 3", "Mg2Si0.4 Sn0.6"], ["Bi2Te3", "Mg2Si0.4Sn0.6"]),
        (["Bi2212", "Ti64", "Ga0.20", "Si"], ["Si"]),
        (["Fe(III)2O3", "Bi2Te3_1", "SIO2", "COSB3", "Bi_2Te_3", "V2O5"], ["Bi2Te3", "V2O5"]),
        (["Bi₂Te₃", "Fe₂O₃"], ["Bi2Te3", "Fe2O3"]),
        (["Bi0,5Sb1,5Te3", "PbTe"], ["Bi0.5Sb1.5Te3", "PbTe"]),
        ([Composition("Bi2Te3"), b"PbTe"], ["Bi2Te3", "PbTe"]),
    ],
)
@pytest.mark.filterwarnings("ignore::sim2real.datasets.task.DataWarning")
def test_compositions_of_a_table_are_read_as_they_are_meant(formulas, right):
    frame = pd.DataFrame({"f": formulas, "v": range(len(formulas))})
    task = read_table(frame, structure="f", value="v", unit="eV", kind="composition")
    assert set(task.keys) == {read_formula(formula).key for formula in right}


def test_forms_that_are_merged_are_counted_with_their_spread():
    frame = pd.DataFrame({"s": ["*C/C=C/C*", "*C/C=C\\C*", "*CC*", "*CCC*"], "v": [0.9, 1.0, 2, 3]})
    with pytest.warns(DataWarning, match="1 materials have values of several stereochemical forms, .* from 0.9 to 1"):
        task = read_table(frame, structure="s", value="v", unit="-")
    forms = f"of them with values of several stereochemical forms, of {structure_key('*CC=CC*')} from 0.9 to 1"
    assert task.report[forms] == 1 and len(task) == 2


def test_deuterium_is_hydrogen_where_the_caller_allows_it_and_is_counted_with_its_spread():
    frame = pd.DataFrame({"s": ["*CC*", "*C([2H])([2H])C(*)([2H])[2H]", "*CC(*)C", "[D]C(*)C*"], "v": [0.92, 1.06, 0.9, 0.99]})
    options = {"structure": "s", "value": "v", "unit": "g/cm3", "property": "density", "kind": "polymer"}
    with pytest.warns(DataWarning, match="from 0.92 to 1.06 g/cm3"):
        task = read_table(frame, **options, deuterium="hydrogen")
    assert dict(zip(task.keys, task.y.round(3))) == {structure_key("*CC*"): 0.99, structure_key("*CC(*)C"): 0.9}
    assert task.report["structures with deuterium, read as hydrogen"] == 2
    forms = "of them with values of several stereochemical forms or with and without deuterium, of *C* from 0.92 to 1.06 g/cm3"
    assert task.report[forms] == 1 and "deuterated" not in task.table
    with pytest.warns(DataWarning, match='for a table deuterium = "hydrogen"'):
        assert len(read_table(frame, **options)) == 2
    with pytest.raises(DataError, match="deuterium is 'yes'; expected 'hydrogen'"):
        read_table(frame, **options, deuterium="yes")
    water = pd.DataFrame({"f": ["D2O", "NaCl"], "v": [1, 2]})
    task = read_table(water, structure="f", value="v", unit="-", kind="composition", deuterium="hydrogen")
    assert set(task.table["structure"]) == {"H2O", "NaCl"}


def test_forms_and_deuterium_of_pairs_are_counted_as_well():
    polymers, solvents = ["*CC(*)c1ccccc1", "*C([2H])([2H])C(*)c1ccccc1", "*C/C=C/C*", "*C/C=C\\C*"], ["C1CCCCC1"] * 4
    frame = pd.DataFrame({"p": polymers, "s": solvents, "T": 300.0, "chi": [0.5, 0.6, 0.1, 0.4]})
    columns = {"polymer": "p", "solvent": "s", "temperature": "T", "value": "chi", "deuterium": "hydrogen"}
    with pytest.warns(DataWarning, match="2 materials have values of several"):
        task = chi_from_table(frame, **columns)
    assert task.y.round(3).tolist() == [0.55, 0.25] or task.y.round(3).tolist() == [0.25, 0.55]
    assert task.report["structures with deuterium, read as hydrogen"] == 1
    assert [count for what, count in task.report.items() if "0.1 to 0.4" in what] == [2]
