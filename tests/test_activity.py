"""The embedded twin of the chi study, and pairs drawn for the simulators."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from chemicals import search_chemical
from scipy.stats import spearmanr
from thermo import NRTL
from thermo.interaction_parameters import IPDB

from sim2real.chemistry.structures import parse, structure_key
from sim2real.datasets.activity import (
    COLUMNS,
    KELVIN,
    TABLE,
    load_activity_nrtl,
    load_activity_simulated,
    simulated_target,
    solute_class,
)
from sim2real.datasets.chi_simulated import load_chi_simulated
from sim2real.datasets.chi_simulated import simulated_target as simulated_chi
from sim2real.datasets.drawn_pairs import draw_molecules, draw_pairs
from sim2real.datasets.pairs import COLUMNS as CHI_COLUMNS
from sim2real.datasets.simulated_pairs import simulate_chi
from sim2real.datasets.task import Task, get_property

pytestmark = pytest.mark.xdist_group("activity")  # what is made once for all is made by one process


@pytest.fixture(scope="module")
def target() -> Task:
    return load_activity_nrtl()


@pytest.fixture(scope="module")
def source() -> Task:
    return load_activity_simulated(400, molecules=150)


def test_values_are_those_of_thermos_own_nrtl(target):
    table = target.table.set_index(["polymer", "solvent"])["value"]
    compared = 0
    for pair in sorted(IPDB.tables[TABLE])[::40]:
        cas = pair.split(" ")
        smiles = [structure_key(search_chemical(c).smiles) for c in cas]
        if (smiles[0], smiles[1]) not in table.index:
            continue
        tau, alpha = (IPDB.get_ip_asymmetric_matrix(TABLE, cas, name) for name in ("bij", "alphaij"))
        model = NRTL(T=KELVIN, xs=[1e-11, 1 - 1e-11], tau_bs=tau, alpha_cs=alpha)
        assert table[smiles[0], smiles[1]] == pytest.approx(float(np.log(model.gammas()[0])), abs=1e-6)
        compared += 1
    assert compared > 10


def test_rows_of_the_target_are_accounted_for(target):
    report = target.report
    dropped = sum(n for reason, n in report.items() if reason.startswith("dropped"))
    merged = report["rows merged into another value of the same solute and solvent"]
    assert report["rows read"] == 658 == len(target) + dropped + merged
    assert len(target) == report["rows"] and report["mixtures"] == target.table["key"].nunique()
    assert dropped == len(target.dropped) and set(target.dropped["column"]) == {"pair of CAS", "value"}
    assert target.table["value"].between(-5, 20).all() and target.property.name == "ln_activity_coefficient"


def test_both_directions_of_a_mixture_share_its_key(target):
    table = target.table
    assert tuple(table.columns) == COLUMNS and (table["pair"] == table["key"]).all() and (table["temperature"] == 298.15).all()
    assert (table["structure"] == table["polymer"] + "|" + table["solvent"]).all()
    assert [sorted(k.split("|")) for k in table["key"]] == [sorted(p) for p in zip(table["polymer_key"], table["solvent_key"])]
    assert [k.split("|") == sorted(k.split("|")) for k in table["key"]] == [True] * len(table)
    assert not table.duplicated(["polymer_key", "solvent_key"]).any()
    # but for what is dropped, every mixture has both
    assert (table["key"].value_counts() == 2).mean() > 0.98
    assert table["group"].nunique() <= 11


@pytest.mark.parametrize(("method", "least"), [("unifac", 0.9), ("cosmo-sac", 0.77)])
def test_simulator_ranks_the_target(target, method, least):
    simulated = simulated_target(target, method)
    known = np.isfinite(simulated)
    assert len(simulated) == len(target) and known.sum() > 630
    assert spearmanr(simulated[known], target.y[known])[0] > least


def test_source_holds_the_targets_pairs_and_dropping_keys_removes_them(source, target):
    own = source.report["the target's own pairs"]
    known = np.isfinite(simulated_target(target))
    assert own == known.sum() and len(source) == own + 400
    np.testing.assert_array_equal(source.y[:own], simulated_target(target)[known])
    kept = source.select(~np.isin(source.keys, target.keys))
    assert len(kept) == 400 and kept.report["pairs drawn"] == 400
    assert not source.table.duplicated(["key", "polymer_key"]).any() and np.isfinite(source.y).all()
    assert source.report["distinct pairs proposed"] == 400 + len(source.dropped)
    # each partner is with equal chance one of the target's molecules
    of_target = kept.table["solvent"].isin(target.table["solvent"])
    assert 0.4 < of_target.mean() < 0.8 and kept.table["solvent"].eq("O").any()


def test_a_smaller_source_is_the_beginning_of_a_larger_one(source):
    smaller = load_activity_simulated(150, molecules=150)
    pd.testing.assert_frame_equal(smaller.table, source.table.head(len(smaller)))
    other = load_activity_simulated(150, molecules=150, seed=1)
    assert set(other.keys) != set(smaller.keys)


def test_more_molecules_than_there_are_is_refused():
    with pytest.raises(ValueError, match="only [2-9] molecules of up to 2 heavy atoms have UNIFAC groups; ask for fewer than 50"):
        draw_molecules(50, 0, 2)


def test_drawing_drops_repeats_avoided_keys_and_values_out_of_range():
    def propose(rng, size):
        keys = rng.integers(40, size=size).astype(str)
        return pd.DataFrame({"key": keys, "structure": keys, "side": "a"})

    def simulate(frame):
        values = frame["key"].astype(float).where(frame["key"] != "7")
        return pd.DataFrame({"value": values.to_numpy(), "reason": np.where(frame["key"] == "7", "unlucky", "")})

    drawn = draw_pairs(14, 0, propose, simulate, property=get_property("chi"), distinct=("side",), avoid=frozenset({"3"}))
    # 0 to 15 without 3 and 7 are all there are
    assert sorted(drawn.table["key"].astype(int)) == [k for k in range(16) if k not in (3, 7)]
    assert (drawn.table["value"] == drawn.table["key"].astype(float)).all()
    reasons = drawn.dropped.set_index("found")["reason"].to_dict()
    assert reasons.pop("7") == "unlucky" and set(reasons.values()) == {"simulated value outside of -5 to 15"}
    assert set(map(int, reasons)) <= set(range(16, 40))
    assert drawn.read == len(drawn.table) + len(drawn.dropped)
    with pytest.raises(ValueError, match="only 15 pairs can be drawn; lower n_max from 17"):
        draw_pairs(17, 0, propose, simulate, property=get_property("chi"), distinct=("side",))


@pytest.mark.parametrize(
    ("smiles", "group"),
    [
        ("CCO", "alcohols"),
        ("Oc1ccccc1", "alcohols"),
        ("CC(=O)O", "acids"),
        ("CC(=O)OCC", "esters"),
        ("CC(C)=O", "ketones and aldehydes"),
        ("C=O", "ketones and aldehydes"),
        ("CC#N", "nitrogen compounds"),
        ("CS(C)=O", "sulfur compounds"),
        ("CCOCC", "ethers"),
        ("ClC(Cl)Cl", "halogen compounds"),
        ("FC(F)(F)F", "halogen compounds"),
        ("Cc1ccccc1", "aromatic hydrocarbons"),
        ("C1CCCCC1", "hydrocarbons"),
        ("C", "hydrocarbons"),
        ("O", "other compounds"),
    ],
)
def test_classes_of_molecules(smiles, group):
    assert solute_class(smiles) == group


def measured_chi() -> Task:
    rows = [
        ("*CC(*)c1ccccc1", "Cc1ccccc1", 298.15, 0.4, "polystyrenes"),
        ("*CC(*)c1ccccc1", "Cc1ccccc1", 343.15, 0.3, "polystyrenes"),
        ("*CCO*", "O", 300.0, 0.5, "polyether"),
        ("*CC(*)C(=O)NC(C)C", "O", 300.0, 0.5, "polyxacrylamide"),
        ("*CC*", "CP(C)C", 300.0, 1.0, "polyethylene"),
        ("*CC*", "CCCCCC", 150.0, 1.0, "polyethylene"),
    ]
    table = pd.DataFrame(rows, columns=["polymer", "solvent", "temperature", "value", "group"])
    table["polymer_key"], table["solvent_key"] = table["polymer"].map(structure_key), table["solvent"].map(structure_key)
    table["key"] = table["polymer_key"] + "|" + table["solvent_key"]
    table["structure"] = table["polymer"] + "|" + table["solvent"]
    table = table.assign(pair=table["key"], count=1, low=table["value"], high=table["value"], spread=0.0)
    return Task("measured", get_property("chi"), table, "none", "made by the tests")


def test_simulated_chi_of_measured_rows_is_nan_without_groups_or_far_outside_of_the_temperatures():
    values = simulated_chi(measured_chi())
    assert list(np.isfinite(values)) == [True, True, True, False, False, False]
    assert values[0] == simulate_chi(["*CC(*)c1ccccc1"], ["Cc1ccccc1"], [298.15])["value"].item()


def test_simulated_chi_for_training():
    measured = measured_chi()
    source = load_chi_simulated(300, measured=measured, polymers=10, solvents=15)
    assert tuple(source.table.columns) == CHI_COLUMNS and len(source) == 303
    np.testing.assert_array_equal(source.y[:3], simulated_chi(measured)[:3])
    drawn = source.table[3:]
    assert not drawn["key"].isin(measured.keys).any() and not source.table.duplicated(["key", "temperature"]).any()
    assert drawn["value"].between(-5, 15).all() and drawn["temperature"].nunique() == 7
    # half of the polymers are measured ones with groups: styrene, ethylene oxide and ethylene
    known = drawn["polymer_key"].isin(measured.table["polymer_key"])
    assert 0.35 < known.mean() < 0.65 and drawn.loc[known, "polymer_key"].nunique() == 3
    assert set(drawn.loc[known, "group"]) == {"polystyrenes", "polyether", "polyethylene"}
    assert set(drawn.loc[~known, "group"]) == {"unclassified"} and drawn.loc[~known, "polymer_key"].nunique() == 10
    row = drawn.iloc[17]
    assert row["value"] == pytest.approx(simulate_chi([row["polymer"]], [row["solvent"]], [row["temperature"]])["value"].item())
    assert row["key"] == f"{structure_key(row['polymer'])}|{structure_key(row['solvent'])}" == row["pair"]
    assert parse(row["polymer"], attachment_points=(2,)) and parse(row["solvent"], attachment_points=(0,))
    smaller = load_chi_simulated(100, measured=measured, polymers=10, solvents=15)
    pd.testing.assert_frame_equal(smaller.table, source.table.head(103))
