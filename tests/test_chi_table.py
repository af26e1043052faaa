"""Your own table of chi: every bad row is named with its line, column and reason."""

from __future__ import annotations

import pandas as pd
import pytest

from sim2real.chemistry.structures import structure_key
from sim2real.datasets.pairs import COLUMNS, chi_from_table
from sim2real.datasets.tables import DataWarning
from sim2real.datasets.task import DataError

STYRENE, ETHYLENE = "*CC(*)c1ccccc1", "*CC*"
GOOD = [(STYRENE, "Cc1ccccc1", 298.15, 0.4), (STYRENE, "Cc1ccccc1", 298.15, 0.6), (ETHYLENE, "CCCCCC", 320, 0.2)]
NAMES = ["unit", "liquid", "T", "chi"]
COLUMN = {"polymer": "unit", "solvent": "liquid", "temperature": "T", "value": "chi"}


@pytest.fixture
def write(tmp_path):
    def to_file(rows, name="own.csv", columns=NAMES):
        frame = pd.DataFrame(rows, columns=columns)
        (frame.to_excel if name.endswith("xlsx") else frame.to_csv)(tmp_path / name, index=False)
        return tmp_path / name

    return to_file


@pytest.mark.parametrize("name", ["own.csv", "own.xlsx"])
def test_pairs_temperatures_and_classes(write, name):
    task = chi_from_table(write(GOOD, name), **COLUMN)
    assert tuple(task.table.columns) == COLUMNS and task.name == "own" and task.property.name == "chi"
    row = task.table.set_index("polymer").loc[STYRENE]
    # one pair at one temperature is one row, the median
    assert len(task) == 2 and row["value"] == pytest.approx(0.5) and row["count"] == 2 and row["spread"] == pytest.approx(0.2)
    assert row["key"] == row["pair"] == f"{structure_key(STYRENE)}|Cc1ccccc1"
    assert row["temperature"] == 298.15 and row["group"] == "P02"
    assert task.report["rows merged into another value of the same pair and temperature"] == 1


def test_one_column_with_a_separator_degrees_celsius_and_classes_of_your_own(write):
    rows = [(f"{unit} ; {liquid}", T - 273.15, chi, "mine") for unit, liquid, T, chi in GOOD]
    path = write(rows, columns=["what", "T", "chi", "class"])
    own = chi_from_table(
        path, pair="what", separator=";", temperature="T", temperature_unit="degC", value="chi", group="class", name="x"
    )
    same = chi_from_table(write(GOOD, "other.csv"), **COLUMN)
    pd.testing.assert_frame_equal(own.table.drop(columns="group"), same.table.drop(columns="group"))
    assert set(own.table["group"]) == {"mine"} and own.name == "x"


def test_every_bad_row_is_counted_and_listed(write):
    bad = [
        (STYRENE, "CCO", 25, 0.5),
        (STYRENE, "CCO", "warm", 0.5),
        (STYRENE, "CCO", 300, "n/s"),
        (STYRENE, "CCO", 300, 99),
        ("C=Cc1ccccc1", "CCO", 300, 0.5),
        (STYRENE, "CCX", 300, 0.5),
    ]
    rows = [*GOOD, *[(ETHYLENE, "C" * k, 300, 0.1) for k in range(4, 9)], *bad, (STYRENE, "CCO", 300, None)]
    path = write(rows)
    with pytest.warns(DataWarning, match="6 rows cannot be used"):
        task = chi_from_table(path, **COLUMN)
    found = task.dropped.set_index("line")[["column", "found", "reason"]]
    assert [tuple(r) for r in found.itertuples()] == [
        (10, "T", "25", "no temperature from 173.15 to 523.15 K; perhaps in deg C"),
        (11, "T", "warm", "is not a number"),
        (12, "chi", "n/s", "is not a number"),
        (13, "chi", "99", "no value from -5 to 15"),
        (14, "unit", "C=Cc1ccccc1", "polymer: is not a repeat unit with two *"),
        (15, "liquid", "CCX", "solvent: is not a readable SMILES; check valences, brackets and ring closures"),
    ]
    assert task.report["rows read"] == 14 and task.report["dropped: is not a number"] == 2 and len(task) == 7
    assert [file.name for file in path.parent.iterdir()] == ["own.csv"], "nothing is written beside the table"


def test_more_than_half_bad_is_an_error_of_one_line(write):
    celsius = [(unit, liquid, T - 273.15, chi) for unit, liquid, T, chi in GOOD]
    with pytest.raises(DataError, match=r"own.csv: line 2, column T: '25.0': no temperature .* perhaps in deg C; 3 of 3") as error:
        chi_from_table(write(celsius), **COLUMN)
    assert "\n" not in str(error.value)
    with pytest.raises(DataError, match=r"perhaps in K; 3 of 3 rows cannot be used"):
        chi_from_table(write(GOOD), **COLUMN, temperature_unit="degC")
    pairs = [(f"{STYRENE} CCO", 300, 0.1)]
    with pytest.raises(DataError, match=r"line 2, column what: .* no polymer and solvent separated by one '_'"):
        chi_from_table(write(pairs, columns=["what", "T", "chi"]), pair="what", temperature="T", value="chi")
    with pytest.raises(DataError, match="no row with a value"):
        chi_from_table(write([(STYRENE, "CCO", 300, None)]), **COLUMN)


def test_wrong_calls_are_refused(write):
    path = write(GOOD)
    with pytest.raises(DataError, match=r"own.csv: no column 'Chi'; its columns are unit, liquid, T, chi"):
        chi_from_table(path, **(COLUMN | {"value": "Chi"}))
    with pytest.raises(ValueError, match="either the columns polymer= and solvent=, or the one column pair="):
        chi_from_table(path, pair="unit", **COLUMN)
    with pytest.raises(ValueError, match="either the columns"):
        chi_from_table(path, polymer="unit", temperature="T", value="chi")
    with pytest.raises(ValueError, match="unknown temperature_unit 'F'; expected K or degC"):
        chi_from_table(path, **COLUMN, temperature_unit="F")
