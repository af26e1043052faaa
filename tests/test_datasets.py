"""The embedded facts against the files they come from, and tables that must be refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sim2real.datasets.embedded import POLYMER_FACTS, load_liquid_facts, load_molecules, load_polymer_facts
from sim2real.datasets.task import PROPERTIES, DataError, Task, merge


@pytest.mark.parametrize("property", PROPERTIES)
def test_polymer_facts_are_the_medians_of_the_file(property):
    task = load_polymer_facts(property)
    rows = pd.read_csv(POLYMER_FACTS)
    rows = rows[rows["property"] == property]
    assert task.report["rows read"] == len(rows)
    dropped = task.report["semicrystalline rows superseded by amorphous ones"]
    assert task.table["count"].sum() == len(rows) - dropped
    counts = {"refractive_index": 86, "density": 40, "heat_capacity": 29, "thermal_conductivity": 38}
    assert len(task) == rows["smiles"].nunique() == len(set(task.keys)) == counts[property]
    assert rows["unit"].nunique() == 1 and rows[["source_url", "source_title", "grade"]].notna().all(axis=None)
    factor = 1000 if property == "heat_capacity" else 1
    styrene = rows[(rows["smiles"] == "*CC(*)c1ccccc1")]["value"]
    found = task.table.set_index("structure").loc["*CC(*)c1ccccc1"]
    assert found["value"] == pytest.approx(factor * styrene.median())
    assert found["spread"] == pytest.approx(factor * (styrene.max() - styrene.min()))


def test_amorphous_values_supersede_semicrystalline_ones():
    rows = pd.read_csv(POLYMER_FACTS).query("property == 'heat_capacity' and smiles == '*CC(*)C'")
    amorphous = rows[~rows["note"].fillna("").str.contains("semicrystalline")]
    assert 0 < len(amorphous) < len(rows)
    found = load_polymer_facts("heat_capacity").table.set_index("structure").loc["*CC(*)C"]
    assert found["value"] == pytest.approx(1000 * amorphous["value"].median()) and not found["semicrystalline"]


@pytest.mark.parametrize(
    ("property", "at_least"), [("density", 3500), ("refractive_index", 3300), ("heat_capacity", 450), ("thermal_conductivity", 250)]
)
def test_liquid_facts(property, at_least):
    task = load_liquid_facts(property)
    assert len(task) >= at_least and len(set(task.keys)) == len(task)
    known = {
        "density": ("CC(C)=O", 0.785),
        "refractive_index": ("c1ccccc1", 1.501),
        "heat_capacity": ("c1ccccc1", 1740),
        "thermal_conductivity": ("Cc1ccccc1", 0.131),
    }
    structure, value = known[property]
    assert task.table.set_index("key").loc[structure, "value"] == pytest.approx(value, rel=0.02)


def test_no_measured_liquid_is_among_the_molecules_to_simulate():
    molecules = load_molecules()
    assert len(molecules) == molecules["key"].nunique() == 30_000
    for property in PROPERTIES:
        assert not np.isin(load_liquid_facts(property).keys, molecules["key"]).any()


def _facts(tmp_path, **changes):
    rows = pd.read_csv(POLYMER_FACTS)
    rows = rows[rows["property"] == "density"].reset_index(drop=True).astype(object)
    for column, value in changes.items():
        rows.loc[4, column] = value
    path = tmp_path / "mine.csv"
    rows.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"value": 1188}, r"mine.csv, line 6, column value: '1188' is outside of the physical range of density, 0.4 to 4 g/cm3"),
        ({"value": "heavy"}, r"mine.csv, line 6, column value: 'heavy' is not a number"),
        ({"unit": "S/m"}, r"mine.csv, line 6, column unit: 'S/m' is no unit of density; expected g/cm3 or"),
        ({"smiles": "*CC("}, r"mine.csv, line 6, column smiles: '\*CC\(' is not a readable SMILES"),
        ({"smiles": "CCO"}, r"mine.csv, line 6, column smiles: 'CCO' is not a repeat unit with two \*"),
    ],
)
def test_a_bad_row_is_named(tmp_path, changes, message):
    with pytest.raises(DataError, match=message) as caught:
        load_polymer_facts("density", _facts(tmp_path, **changes))
    assert "\n" not in str(caught.value)


def test_a_table_of_another_shape_is_refused(tmp_path):
    path = _facts(tmp_path)
    pd.read_csv(path).drop(columns="unit").to_csv(path, index=False)
    with pytest.raises(DataError, match=r"mine.csv: no column 'unit'; its columns are smiles, polymer"):
        load_polymer_facts("density", path)
    with pytest.raises(DataError, match="no row says refractive_index"):
        load_polymer_facts("refractive_index", _facts(tmp_path))
    with pytest.raises(ValueError, match="unknown property 'colour'; expected one of refractive_index"):
        load_polymer_facts("colour")


def test_median_does_not_depend_on_the_order_of_rows():
    rows = pd.DataFrame({"key": list("abcab"), "structure": list("abcab"), "value": [1.0, 5.0, 2.0, 3.0, 9.0]})
    one, other = merge(rows), merge(rows.iloc[::-1])
    pd.testing.assert_frame_equal(one, other)
    assert one["value"].tolist() == [2.0, 7.0, 2.0] and one["spread"].tolist() == [2.0, 4.0, 0.0]


def test_medians_of_logarithms_and_by_two_columns():
    rows = pd.DataFrame({"key": list("aabb"), "T": [1, 1, 1, 2], "value": [10.0, 1000.0, 4.0, 5.0], "note": list("wxyz")})
    plain, log = merge(rows, ("key", "T")), merge(rows, ("key", "T"), log=True)
    assert plain[["key", "T"]].to_numpy().tolist() == [["a", 1], ["b", 1], ["b", 2]] and list(plain.columns) == list(log.columns)
    assert plain["value"].tolist() == [505, 4, 5] and log["value"].tolist() == pytest.approx([100, 4, 5])
    assert plain["spread"].tolist() == [990, 0, 0] and log["spread"].tolist() == pytest.approx([2, 0, 0])
    assert log["note"].tolist() == ["w", "y", "z"] and log["low"].tolist() == [10, 4, 5]


def test_a_tasks_fingerprint_follows_what_training_sees():
    table = pd.DataFrame({"key": ["a", "b"], "structure": ["a", "b"], "value": [1.0, 2.0], "group": "g"})
    X = np.zeros((2, 3), np.float32)

    def fingerprint(table=table, X=X, name="n"):
        return Task(name, PROPERTIES["density"], table, "", "", X=X).fingerprint

    assert fingerprint() == fingerprint(name="other")
    assert fingerprint() != fingerprint(table.assign(value=[1.0, 3.0]))
    assert fingerprint() != fingerprint(X=X + 1)
    with pytest.raises(DataError, match="lacks the column"):
        Task("n", PROPERTIES["density"], table.drop(columns="group"), "", "")
