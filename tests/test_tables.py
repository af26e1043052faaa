"""Tables of users: every kind of file, units, and rows that cannot be used."""

from __future__ import annotations

import pandas as pd
import pytest

from sim2real.datasets.numbers import Numbers
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
