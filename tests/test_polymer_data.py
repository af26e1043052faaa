"""Public polymer tables: what is read, merged and dropped, counted against the files themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sim2real.chemistry.structures import structure_key
from sim2real.datasets.polymers import (
    load_md_polymers,
    load_measured_polymers,
    load_openpoly,
    load_simpoly_density,
)
from sim2real.datasets.sources import SOURCES
from sim2real.datasets.task import PROPERTIES, DataError

MD_COLUMNS = SOURCES["radonpy"].columns


def _md(tmp_path, structure="smiles", **changes):
    frame = pd.DataFrame(
        {
            structure: ["*CC*", "*CCCC*", "*CC(*)C", "*CC([2H])(*)C"],
            "refractive_index": [1.5, 1.52, 1.48, 1.5],
            "density": [0.85, 0.87, 0.84, 0.9],
            "Cp": [3000.0, 3100.0, 2900.0, 3000.0],
            "thermal_conductivity": [0.3, 0.32, 0.2, 0.2],
            "unused": 1,
        }
    ).assign(**changes)
    path = tmp_path / "md.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(("database", "structure"), [("radonpy", "smiles"), ("polyomics", "smiles"), ("polyomics", "smiles_list")])
def test_a_database_of_molecular_dynamics(tmp_path, database, structure, monkeypatch):
    monkeypatch.setattr("sim2real.datasets.polymers.CACHE", tmp_path / "cache")
    task = load_md_polymers("heat_capacity", database, _md(tmp_path, structure))
    # *CC* and *CCCC* are polyethylene cut twice; the deuterated unit is refused
    assert len(task) == 2 and task.report["rows read"] == 4
    assert task.table.set_index("structure").loc["*CC*", "value"] == 3050
    assert task.dropped["line"].tolist() == [4 if database == "polyomics" else 5]
    kept = list((tmp_path / "cache").rglob("*.parquet"))
    assert len(kept) == (database == "polyomics")
    if kept:
        assert list(pd.read_parquet(kept[0]).columns) == ["smiles", *(c["name"] for c in MD_COLUMNS.values())]
        assert load_md_polymers("heat_capacity", database, _md(tmp_path, structure)).fingerprint == task.fingerprint


def test_a_database_of_another_shape(tmp_path, monkeypatch):
    monkeypatch.setattr("sim2real.datasets.polymers.CACHE", tmp_path / "cache")
    path = _md(tmp_path)
    pd.read_csv(path).drop(columns="Cp").to_csv(path, index=False)
    with pytest.raises(DataError, match="md.csv: no column 'Cp'"):
        load_md_polymers("heat_capacity", "radonpy", path)
    with pytest.raises(DataError, match="md.csv: no column Cp; expected RadonPy's names"):
        load_md_polymers("heat_capacity", "polyomics", path)
    with pytest.raises(ValueError, match="unknown DATABASE 'pi1m'; expected one of radonpy, polyomics"):
        load_md_polymers("heat_capacity", "pi1m", path)
    with pytest.raises(ValueError, match="RadonPy has no 'chi'"):
        load_md_polymers("chi", "radonpy", path)


@pytest.mark.parametrize("property", PROPERTIES)
def test_pi1070_is_the_medians_of_its_column(mirror, property):
    column = MD_COLUMNS[property]["name"]
    frame = pd.read_csv(mirror / "radonpy" / "PI1070.csv")[["smiles", column]].dropna()
    frame = frame[~frame["smiles"].str.contains("2H")]
    medians = frame.assign(key=frame["smiles"].map(structure_key)).groupby("key")[column].median()
    task = load_md_polymers(property)
    assert len(task) == len(medians) and len(task.dropped) == 2
    np.testing.assert_allclose(task.y, medians[task.keys])
    # the classical heat capacity is 3R an atom: about 3,000 J/(kg K) on average, which no other unit would give
    if property == "heat_capacity":
        assert 2500 < task.y.mean() < 3500


def test_simpoly_and_openpoly(mirror):
    assert len(load_simpoly_density()) == 130
    openpoly = load_openpoly("thermal_conductivity")
    low, high = SOURCES["openpoly"].columns["thermal_conductivity"]["accepted"]
    assert openpoly.y.min() >= low and openpoly.y.max() <= high
    file = pd.read_csv(mirror / "openpoly" / "final_polymer_properties_fromliterature.csv")
    column = file["Thermal Conductivity (W/m K)"].dropna()
    assert openpoly.report["rows read"] == len(column)
    assert (openpoly.dropped["found"].astype(float) > high).sum() == (column > high).sum() > 50, "composites"
    with pytest.raises(ValueError, match="OpenPoly has no 'density'"):
        load_openpoly("density")


@pytest.mark.parametrize(("property", "at_least"), list(zip(PROPERTIES, (130, 142, 29, 58))))
def test_measured_polymers_keep_the_better_table(mirror, property, at_least):
    task = load_measured_polymers(property)
    assert len(task) == len(set(task.keys)) >= at_least
    origin = task.table.set_index("key")["origin"]
    if property == "density":
        both = origin[origin == "facts + SimPoly"]
        assert len(both) > 10
        simpoly = load_simpoly_density().table.set_index("key")["value"]
        only = origin[origin == "SimPoly"].index
        np.testing.assert_allclose(task.table.set_index("key").loc[only, "value"], simpoly[only])
        assert not task.table.set_index("key").loc[both.index, "semicrystalline"].any()
    if property == "refractive_index":
        facts = origin[origin.str.contains("facts")].index
        assert not origin[facts].str.contains("OpenPoly").any() and (origin == "OpenPoly").sum() > 20
