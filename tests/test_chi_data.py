"""Measured and computed chi: pairs, temperatures, classes, rings of repeat units, and rows that must be named."""

from __future__ import annotations

import os
import zipfile

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from sim2real.chemistry.structures import structure_key
from sim2real.datasets.chi_public import load_chi_public
from sim2real.datasets.pairs import COLUMNS, load_chi_cosmo, load_chi_measured
from sim2real.datasets.rings import RingError, unroll_ring
from sim2real.datasets.task import DataError

needs_mirror = pytest.mark.skipif(not os.environ.get("SIM2REAL_DATA_MIRROR"), reason="SIM2REAL_DATA_MIRROR is not set")


def make_ring(unit: str, units: int = 10) -> str:
    """Hydrogen-explicit ring of a repeat unit: the slow obvious way round."""
    mol = Chem.MolFromSmiles(unit)
    stars = [a.GetIdx() for a in mol.GetAtoms() if a.GetAtomicNum() == 0]
    head, tail = (mol.GetAtomWithIdx(s).GetNeighbors()[0].GetIdx() for s in stars)
    ring = Chem.RWMol()
    for _ in range(units):
        ring.InsertMol(mol)
    size = mol.GetNumAtoms()
    for k in range(units):
        ring.AddBond(k * size + tail, (k + 1) % units * size + head, Chem.BondType.SINGLE)
    for index in sorted((k * size + s for k in range(units) for s in stars), reverse=True):
        ring.RemoveAtom(index)
    Chem.SanitizeMol(ring)
    return Chem.MolToSmiles(Chem.AddHs(ring))


STYRENE, ETHYLENE = "*CC(*)c1ccccc1", "*CC*"
RINGS = {unit: make_ring(unit) for unit in (STYRENE, ETHYLENE)}


def measured_table(rows: list[tuple[str, str, float, object]]) -> pd.DataFrame:
    """Rows of (repeat unit, solvent, deg C, chi) in the file's shape."""
    return pd.DataFrame(
        [
            {
                "ps_pair": f"{RINGS[unit]}_{solvent}",
                "ps_pair_nonCyclic": f"{unit}_{solvent}",
                "temp": temperature,
                "chi": chi,
                "polymer_class": "polystyrenes" if unit == STYRENE else None,
            }
            for unit, solvent, temperature, chi in rows
        ]
    )


@pytest.fixture
def measured(tmp_path):
    def write(rows, name="measured.csv"):
        measured_table(rows).to_csv(tmp_path / name, index=False)
        return tmp_path / name

    return write


GOOD = [(STYRENE, "[H]C(Cl)(Cl)Cl", 25, 0.3), (STYRENE, "[H]C(Cl)(Cl)Cl", 100, 0.4), (ETHYLENE, "c1ccccc1", 25, 0.5)]


def test_pairs_temperatures_and_classes(measured):
    task = load_chi_measured(measured(GOOD))
    table = task.table.set_index(["polymer", "temperature"])
    row = table.loc[(STYRENE, 298.15)]
    assert row["solvent"] == "ClC(Cl)Cl" and row["structure"] == f"{STYRENE}|ClC(Cl)Cl" and row["group"] == "polystyrenes"
    # one pair at two temperatures is one key and two rows
    assert len(task) == 3 and row["key"] == table.loc[(STYRENE, 373.15), "key"] == f"{structure_key(STYRENE)}|ClC(Cl)Cl"
    assert table.loc[(ETHYLENE, 298.15), "group"] == "unclassified"
    assert tuple(task.table.columns) == COLUMNS and (task.table["pair"] == task.table["key"]).all()
    assert task.report["pairs"] == 2 and task.report["rows of polymers without a class"] == 1


def test_values_of_one_pair_and_temperature_are_merged(measured):
    rows = [*GOOD, (STYRENE, "ClC(Cl)Cl", 25, 0.9), (STYRENE, "ClC(Cl)Cl", 25, 1.0)]
    task = load_chi_measured(measured(rows))
    row = task.table.query("polymer == @STYRENE and temperature == 298.15").iloc[0]
    assert len(task) == 3 and row["count"] == 3 and row["value"] == 0.9
    assert (row["low"], row["high"]) == (0.3, 1.0) and row["spread"] == pytest.approx(0.7)
    assert task.report["rows merged into another value of the same pair and temperature"] == 2


def test_bad_rows_are_counted_and_named(measured, tmp_path):
    many = [(STYRENE, "C" * k, 25, 0.1) for k in range(5, 15)]
    path = measured([*many, (STYRENE, "CO", 298.15, 0.3), (STYRENE, "CO", 25, 99), (STYRENE, "CO", 25, "soluble")])
    frame = pd.read_csv(path)
    extra = frame.iloc[[0] * 4].copy()
    extra["ps_pair"] = [RINGS[STYRENE], f"{RINGS[STYRENE]}_C1CC", f"CCO_{'C' * 5}", f"{RINGS[STYRENE]}_C_C"]
    extra["ps_pair_nonCyclic"] = None
    pd.concat([frame, extra]).to_csv(path, index=False)
    task = load_chi_measured(path)
    assert len(task) == 10 and task.report["rows read"] == 17
    by_line = task.dropped.set_index("line")
    assert list(by_line.index) == [12, 13, 14, 15, 16, 17, 18]
    assert by_line.loc[12, "column"] == "temp" and by_line.loc[12, "found"] == "298.15" and "kelvin" in by_line.loc[12, "reason"]
    assert by_line.loc[13, "column"] == by_line.loc[14, "column"] == "chi"
    assert "separated" in by_line.loc[15, "reason"] and by_line.loc[18, "reason"] == by_line.loc[15, "reason"]
    assert "solvent" in by_line.loc[16, "reason"] and "repeat unit" in by_line.loc[17, "reason"]
    counted = sum(count for reason, count in task.report.items() if reason.startswith("dropped: "))
    assert counted == len(task.dropped) == 7


def test_files_that_cannot_be_used(measured, tmp_path):
    kelvin = measured([(unit, solvent, t + 273.15, chi) for unit, solvent, t, chi in GOOD])
    with pytest.raises(DataError, match=r"measured.csv, line 2, column temp.*kelvin.*3 of 3 rows"):
        load_chi_measured(kelvin)
    pd.DataFrame({"ps_pair": ["A_B"], "chi": [0.1]}).to_csv(tmp_path / "short.csv")
    with pytest.raises(DataError, match="short.csv: no column 'temp', 'ps_pair_nonCyclic', 'polymer_class'"):
        load_chi_measured(tmp_path / "short.csv")
    measured_table(GOOD).head(0).to_csv(tmp_path / "none.csv", index=False)
    with pytest.raises(DataError, match="none.csv: no rows"):
        load_chi_measured(tmp_path / "none.csv")


def cosmo_table(rows) -> pd.DataFrame:
    """The shape of the COSMO-RS file: no repeat units, and classes that are wrong."""
    table = measured_table(rows).drop(columns="ps_pair_nonCyclic")
    return table.assign(polymer_class="cellulose")


def test_cosmo_takes_repeat_units_and_classes_from_the_measured_file(measured, tmp_path):
    cosmo_table([(STYRENE, "ClC(Cl)Cl", 25, 0.2), (ETHYLENE, "CCO", 30, 1.0)]).to_csv(tmp_path / "cosmo.csv", index=False)
    task = load_chi_cosmo(tmp_path / "cosmo.csv", measured=measured(GOOD))
    table = task.table.set_index("polymer")
    assert table.loc[STYRENE, "group"] == "polystyrenes" and table.loc[ETHYLENE, "group"] == "unclassified"
    assert table.loc[STYRENE, "key"] in set(load_chi_measured(measured(GOOD)).keys)


def test_full_set_is_found_in_a_zip(measured, tmp_path):
    amide = "*CC(*)C(N)=O"
    RINGS[amide] = make_ring(amide)
    with zipfile.ZipFile(tmp_path / "full.zip", "w") as archive:
        archive.writestr("data/readme.txt", "chi")
        archive.writestr("data/other.csv", "a,b\n1,2\n")
        archive.writestr("data/one.csv", cosmo_table([(STYRENE, "ClC(Cl)Cl", 25, 0.2)] * 2).to_csv(index=False))
        archive.writestr("data/two.csv", cosmo_table([(amide, "CCO", 30, 1.0), (ETHYLENE, "C1CC", 30, 1)]).to_csv(index=False))
    task = load_chi_cosmo(tmp_path / "full.zip", full=True, measured=measured(GOOD))
    # the amide is in no other table: its ring is unrolled
    assert set(task.table["polymer_key"]) == {structure_key(STYRENE), structure_key(amide)}
    assert task.table["count"].tolist() in ([1, 2], [2, 1]) and task.report["rows read"] == 4
    assert task.dropped.iloc[0]["file"] == "full.zip/data/two.csv" and task.dropped.iloc[0]["line"] == 3
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("other.csv", "a,b\n1,2\n")
    with pytest.raises(DataError, match=r"none.zip: no CSV with the columns ps_pair, temp, chi.*other.csv"):
        load_chi_cosmo(tmp_path / "none.zip", measured=measured(GOOD))


@pytest.mark.parametrize(
    "unit",
    [
        STYRENE,
        ETHYLENE,
        "*C*",
        "*CCO*",
        "*C/C=C/C*",
        "*CC(*)(C)C(=O)OC",
        "*OCCOC(=O)c1ccc(C(*)=O)cc1",
        "*c1ccc(*)s1",
        "*Oc1ccc(*)cc1",
    ],
)
def test_rings_are_unrolled(unit):
    assert structure_key(unroll_ring(make_ring(unit))) == structure_key(unit)


@pytest.mark.parametrize(
    "smiles", ["", "C1CC", "CCCC", "c1ccccc1", "C1CCCCCCCCC1O", make_ring("*CCO*", 9), make_ring("*CC(C)*", 5)]
)
def test_other_structures_are_no_rings_of_ten_units(smiles):
    with pytest.raises(RingError):
        unroll_ring(smiles)


@needs_mirror
def test_public_tables():
    measured, cosmo = load_chi_measured(), load_chi_cosmo()
    assert len(measured) == 1190 and len(cosmo) == 1206 and not len(measured.dropped) and not len(cosmo.dropped)
    assert measured.report["polymers"] == 46 and measured.report["solvents"] == 140
    assert measured.table["group"].nunique() == 12  # the paper's eleven, and polymers that the file gives no class
    both = measured.table.merge(cosmo.table, on=["key", "temperature"], validate="one_to_one")
    assert len(both) == 1178 and (both["group_x"] == both["group_y"]).all()
    a, b = both["value_x"], both["value_y"]
    assert a.corr(b, method="spearman") == pytest.approx(0.635, abs=1e-3)
    assert a.corr(b) == pytest.approx(0.762, abs=1e-3)
    assert np.abs(a - b).mean() == pytest.approx(0.352, abs=1e-3)


@needs_mirror
def test_what_only_omg_has_joins_the_measured_table_and_nothing_is_taken_twice(mirror):
    first, both = load_chi_measured(), load_chi_public()
    pd.testing.assert_frame_equal(both.table.iloc[: len(first)], first.table)
    assert not both.table.duplicated(["key", "temperature"]).any() and both.table["polymer_key"].nunique() == 45 + 3
    assert [both.report[name] for name in list(both.report) if "OMG" in name] == [81, 11] and len(both) == 1190 + 11
    more = both.table.iloc[len(first) :].set_index(["key", "temperature"])
    butyl = "|".join(map(structure_key, ("*CC(*)(C)C(=O)OCCCC", "CCO")))
    assert more.loc[(butyl, 300.15), ["value", "low", "high", "count"]].tolist() == pytest.approx([0.891, 0.492, 1.29, 2])
    # the first table has the mean of OMG's compositions: cis-butadiene in chloroform at 23.5 C, -0.06 at 0.6 and -0.20 at 0.8
    rubber = "|".join(map(structure_key, ("*CC=CC*", "ClC(Cl)Cl")))
    assert first.table.set_index(["key", "temperature"])["value"].loc[(rubber, 296.65)] == pytest.approx(-0.13)


@needs_mirror
def test_rings_of_the_public_table_are_unrolled(mirror):
    frame = pd.read_csv(mirror / "chi" / "data_Chi.csv")
    pairs = zip(frame["ps_pair"].str.split("_").str[0], frame["ps_pair_nonCyclic"].str.split("_").str[0])
    known = dict(pairs)
    assert len(known) == 46
    assert all(structure_key(unroll_ring(ring)) == structure_key(unit) for ring, unit in known.items())
