"""Molecular dynamics beside quick formulas and measurements: what notebook 09 says of a table of computed polymers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sim2real import figures
from sim2real.chemistry.simulators.constants import AVOGADRO
from sim2real.chemistry.structures import structure_key
from sim2real.datasets.embedded import load_polymer_facts
from sim2real.datasets.task import NoStudy
from sim2real.figures.save import payload
from sim2real.studies import levels

pytestmark = pytest.mark.xdist_group("levels")  # what is made once for all is made by one process


@pytest.fixture(scope="module")
def shipped():
    return levels.computed()


def made(rows, **columns):
    """A table as the command writes it, of measured polymers: densities are nine tenths of the measured ones."""
    facts = load_polymer_facts("density").table.sort_values("semicrystalline", kind="stable")[:rows]
    fixed = {"processor_seconds": 600, "atoms": 500, "squeeze_ps": 100, "settle_ps": 100, "sample_ps": 300} | columns
    return pd.DataFrame({"smiles": facts["structure"].tolist(), "density": 0.9 * facts["value"].to_numpy()}).assign(**fixed)


def read(tmp_path, table, **beside):
    table.to_csv(tmp_path / "polymers.csv", index=False)
    for name, other in beside.items():
        other.to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path / "polymers.csv"


def test_the_levels_are_compared_with_measurements(tmp_path):
    side = levels.side_by_side(levels.computed(read(tmp_path, made(8))), "embedded")
    quick, md = levels.compare_levels(side)
    assert (quick["level"], md["level"]) == (levels.QUICK, levels.MD) and quick["rows"] == md["rows"] == 8
    assert md["relative_bias"] == pytest.approx(-0.1) and md["spearman"] == pytest.approx(1) and md["cost"] == "10 min"
    assert levels.said([quick, md])["verdict"] == "molecular dynamics is light by 10%"
    side["semicrystalline"] = [True] * 3 + [False] * 5
    amorphous = levels.compare_levels(side[~side["semicrystalline"]], "amorphous")
    assert [r["rows"] for r in amorphous] == [5, 5] and amorphous[1]["label"] == "Density, molecular dynamics, amorphous"


def test_refractive_index_and_heat_capacity_are_compared_where_they_are_known(shipped):
    records = levels.compare_others(shipped, "embedded")
    assert [r["label"] for r in records] == [
        f"{label}, {level}" for label in ("Refractive index", "Heat capacity $C_P$") for level in (levels.QUICK, levels.MD)
    ]
    known = load_polymer_facts("heat_capacity").table["key"]
    assert records[3]["rows"] == shipped["smiles"].map(structure_key).isin(known).sum() >= 5
    # classical dynamics excites all vibrations
    assert records[3]["relative_bias"] > 0.5 and abs(records[1]["relative_bias"]) < 0.1


def test_of_three_polymers_nothing_is_said(tmp_path):
    side = levels.side_by_side(levels.computed(read(tmp_path, made(3))), "embedded")
    assert len(side) == 3 and levels.compare_levels(side) == []
    assert levels.said([]) == {"verdict": "too few polymers", "text": "5 with a measured density are needed to compare."}


def test_a_polymer_that_was_never_measured_stays_in_the_table(tmp_path):
    table = made(3)
    table.loc[1, "smiles"] = "*CC(*)CCCCCCCCCCF"
    side = levels.side_by_side(levels.computed(read(tmp_path, table)), "embedded")
    assert side.index[1] == "*CC(*)CCCCCCCCCCF" and side["measured"].isna().tolist() == [False, True, False]


def test_what_failed_and_what_is_left_is_told(tmp_path):
    chosen = pd.DataFrame({"smiles": [*made(2)["smiles"], "*O[Si](*)(C)C", "*CO*"], "polymer": list("abcd")})
    failed = pd.DataFrame({"smiles": ["*O[Si](*)(C)C"], "stage": ["cell"], "cause": ["no parameters"]})
    left = levels.not_computed(read(tmp_path, made(2), chosen=chosen, failed=failed))
    assert left["cause"].to_dict() == {"*O[Si](*)(C)C": "no parameters", "*CO*": "not computed yet"}
    (tmp_path / "chosen.csv").unlink()
    assert levels.not_computed(tmp_path / "polymers.csv").index.tolist() == ["*O[Si](*)(C)C"]


def test_cost_is_shared_by_cores_and_grows_with_atoms_and_time():
    small, paper = levels.cost(made(4)).to_numpy()
    # 10,000 polymers of 600 s are 69.4 days
    assert small.tolist() == ["0.17", "69", "1.1", "0.11"]
    # 10 chains of 1,000 atoms for 6,560 ps are 262.4 times 500 atoms for 500 ps
    assert float(paper[0]) == pytest.approx(262.4 / 6, rel=0.02)


def test_own_tables_without_a_density_are_no_study(tmp_path, shipped):
    facts = load_polymer_facts("refractive_index").table
    facts[["structure", "value"]].to_csv(tmp_path / "own.csv", index=False)
    side = '{ file = "own.csv", structure = "structure", value = "value", unit = "-" }'
    (tmp_path / "local.toml").write_text(
        f'[n]\nproperty = "refractive_index"\nkind = "polymer"\nsource = {side}\ntarget = {side}\n'
    )
    with pytest.raises(NoStudy, match="names no measured density"):
        levels.side_by_side(shipped, "local", str(tmp_path / "local.toml"))
    own = levels.compare_others(shipped, "local", str(tmp_path / "local.toml"))
    assert {r["property"] for r in own} == {"refractive_index"} and own[0]["rows"] == 8


def test_the_shipped_table_and_cell_agree(shipped):
    record = levels.example_cell()
    (row,) = shipped[shipped["smiles"] == record["smiles"]].to_dict("records")
    assert len(record["element"]) == row["atoms"] and len(set(record["chain"])) == row["chains"]
    grams = sum({"H": 1.008, "C": 12.011}[element] for element in record["element"]) / AVOGADRO
    assert grams / (record["edge"] * 1e-8) ** 3 == pytest.approx(row["density"], rel=0.02)
    assert set(levels.not_computed().index).isdisjoint(shipped["smiles"])
    drawn = figures.cell(payload("md-cell", "A cell", [record], edition="embedded", preset="quick")).axes
    # as many bonds as atoms and rings, less one a chain
    bonds = row["atoms"] + row["chains"] * row["units"] - row["chains"]
    assert len(drawn[1].collections[0].get_segments()) == bonds
    assert np.all(np.abs(drawn[0].collections[0].get_offsets()) < record["edge"])
