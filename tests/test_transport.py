"""Conductivities as logarithms: the embedded tables, one's own tables with their faults, and the studies made of them."""

from __future__ import annotations

import os
import re

import numpy as np
import pandas as pd
import pytest

from sim2real.chemistry.formulas import read_formula
from sim2real.chemistry.simulators.wiedemann_franz import LORENZ_NUMBER
from sim2real.datasets.conductivity import ELECTRICAL, THERMAL, load_conductivities
from sim2real.datasets.tables import DataWarning
from sim2real.datasets.task import DataError
from sim2real.datasets.transport import (
    COMPUTED_TRANSPORT,
    METAL_FACTS,
    load_computed_transport,
    load_measured_transport,
    load_metal_conductivities,
    read_transport,
)
from sim2real.studies.cases import chosen_cases, load_study
from sim2real.studies.presets import resolve
from sim2real.studies.sides import with_law
from sim2real.training.recipes import UNTUNED, load_hyperparameters

pytestmark = pytest.mark.xdist_group("transport")  # what is made once for all is made by one process

needs_files = pytest.mark.skipif(
    not os.environ.get("SIM2REAL_DATA_MIRROR"), reason="needs the public files; set SIM2REAL_DATA_MIRROR to a folder with them"
)


@pytest.fixture(scope="module")
def computed():
    return load_computed_transport()


def load(edition, n_max=20_000, tuned=False, **choice):
    """A study, without a choice of hyperparameters unless it is asked for."""
    return load_study("conductivity", edition, resolve(edition, "quick", n_max=n_max, workers=1), tuned=tuned, **choice)


@pytest.fixture(scope="module")
def study():
    return load("embedded")


def test_computed_table_is_as_documented():
    table = pd.read_csv(COMPUTED_TRANSPORT, keep_default_na=False)
    assert len(table) == 34_630 and table["entries"].sum() == 47_737 and not table["formula"].duplicated().any()
    assert COMPUTED_TRANSPORT.stat().st_size < 1.5e6
    metal = table["log_sigma_n"] > 5
    ratio = table["log_kappa_n"] - table["log_sigma_n"] - np.log10(LORENZ_NUMBER * 300)
    assert abs(ratio[metal].median()) < 0.01, "metals obey the law: the units are right"
    assert np.corrcoef(table["log_kappa_n"], table["log_sigma_n"])[0, 1] == pytest.approx(0.9923, abs=1e-4)


def test_computed_subsets_have_the_papers_numbers(computed):
    thermal, electrical = computed
    assert (len(thermal), len(electrical), len(set(thermal.keys) & set(electrical.keys))) == (5910, 3640, 1757)
    for task, column in ((thermal, "log_kappa_n"), (electrical, "log_sigma_n")):
        assert len(set(task.keys)) == len(task)
        whole = pd.read_csv(COMPUTED_TRANSPORT, keep_default_na=False).set_index("formula")
        rows = task.table.iloc[:: len(task) // 7]
        assert rows["value"].tolist() == whole.loc[rows["structure"], column].tolist()
        assert [read_formula(s).key for s in rows["structure"]] == rows["key"].tolist()
    again = load_computed_transport()[1]
    assert again.fingerprint == electrical.fingerprint
    assert set(electrical.table["carrier"]) == {"metal", "electrons"}


def test_holes_differ_from_electrons_but_in_metals(computed):
    electrons, holes = computed[1].table, load_computed_transport(carrier="p")[1].table
    assert electrons["key"].tolist() == holes["key"].tolist()
    metal = (electrons["carrier"] == "metal").to_numpy()
    difference = (electrons["value"] - holes["value"]).abs().to_numpy()
    assert difference[metal].max() < 0.01 <= difference[~metal].min()
    with pytest.raises(ValueError, match="unknown carrier 'h'; expected n or p"):
        load_computed_transport(carrier="h")


def test_metals_lie_near_the_law():
    metals = load_metal_conductivities()
    assert metals.report["materials with both"] == 126 and len(metals) == 102
    table = metals.table.set_index("key")
    assert table.loc["Cu1", "value"] == pytest.approx(np.log10(5.96e7), abs=0.02)
    ratio = table["log_kappa"] - table["value"] - np.log10(LORENZ_NUMBER * 300)
    assert abs(ratio.median()) < 0.03 and ratio.abs().max() < 0.5
    assert table["source_url"].str.startswith("http").all()
    # tempers of one alloy: the median of the logarithms, by hand
    rows = pd.read_csv(METAL_FACTS)
    own = rows[(rows["formula"] == "Mg0.01112245Al0.98087141Cr0.00103981Cu0.00119115Si0.00577518")]
    sigma = own.loc[own["property"] == "electrical_conductivity", "value"]
    merged = table.loc[read_formula(own["formula"].iloc[0]).key]
    assert len(sigma) == 3 and merged["value"] == pytest.approx(np.log10(sorted(sigma)[1])) and merged["materials"].count(";") == 2


def test_formulas_of_the_metals_are_what_their_names_say():
    """Weight per cent in a name, as in Ti90Al6V4, against the atomic fractions of the formula."""
    from pymatgen.core import Composition, Element

    checked = 0
    for material, formula in pd.read_csv(METAL_FACTS)[["material", "formula"]].drop_duplicates().itertuples(index=False):
        found = re.search(r"(?:^|\()((?:[A-Z][a-z]?[\d.]+){2,})(?=, | \(|$)", material)
        if not found or "wt%" not in material:
            continue
        moles = {s: w / float(Element(s).atomic_mass) for s, w in Composition(found[1]).get_el_amt_dict().items()}
        expected = {s: n / sum(moles.values()) for s, n in moles.items()}
        fractions = dict(read_formula(formula).fractions)
        assert set(fractions) == set(expected), material
        assert all(abs(fractions[s] - x) < 1e-3 for s, x in expected.items()), material
        checked += 1
    assert checked > 70


def test_metals_with_a_bad_row_are_refused(tmp_path):
    rows = pd.read_csv(METAL_FACTS, dtype=str)
    rows.loc[4, "formula"] = "Unobtainium"
    rows.to_csv(tmp_path / "metals.csv", index=False)
    with pytest.raises(DataError, match=r"metals.csv, line 6, column formula: 'Unobtainium' "):
        load_metal_conductivities(tmp_path / "metals.csv")


OWN = pd.DataFrame(
    [
        ("Bi2Te3", "1e5", "S/m"),
        ("Bi4Te6", "10000", "S/cm"),  # the same composition, ten times as conductive
        ("PbTe", "300", "S/cm"),
        ("PbTe", "300", "S/m"),  # a hundred times less: a unit mistaken
        ("CoSb3", "-5", "S/m"),
        ("CoSb3", "0", "S/m"),
        ("Mg2Si", "many", "S/m"),
        ("Mg2Si", "12", "mho"),
        ("Bi-92%", "12", "S/m"),
        ("Xx2O3", "12", "S/m"),
        ("", "12", "S/m"),
        ("SiGe", "", "S/m"),
    ],
    columns=["what", "sigma", "unit"],
)


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.csv"
    OWN.to_csv(path, index=False)
    return path


def test_own_tables_with_every_fault(own):
    with pytest.warns(
        DataWarning, match=r"own.csv: 7 rows cannot be used \(all are in the task's table dropped\)\n  line 6, column sigma: '-5'"
    ):
        task = read_transport(own, property=ELECTRICAL, structure="what", value="sigma", unit_column="unit")
    assert set(task.keys) == {read_formula("Bi2Te3").key, read_formula("PbTe").key}
    bismuth = task.table[task.table["key"] == read_formula("Bi2Te3").key].iloc[0]
    assert bismuth["value"] == pytest.approx((5 + 6) / 2) and bismuth["count"] == 2
    lead = task.table[task.table["key"] == read_formula("PbTe").key].iloc[0]
    assert (lead["low"], lead["high"]) == pytest.approx((np.log10(300), np.log10(300) + 2))
    assert task.report["rows read"] == 11 and len(task.dropped) == 7
    assert task.report["of them with values that differ by more than a factor of ten"] == 1
    assert task.report["of them with values a hundred times apart (a wrong unit?)"] == 1
    assert sum(count for what, count in task.report.items() if what.startswith("dropped: ")) == 7
    assert task.dropped["line"].tolist() == [6, 7, 8, 9, 10, 11, 12]
    assert task.dropped.iloc[3][["line", "column", "found"]].tolist() == [9, "unit", "mho"]


def test_one_unit_for_all_rows(own):
    OWN.iloc[[0, 2]].to_csv(own, index=False)
    task = read_transport(own, property=ELECTRICAL, structure="what", value="sigma", unit="S/cm", group="unit", name="mine")
    assert dict(zip(task.table["group"], task.y)) == pytest.approx({"S/m": 7.0, "S/cm": np.log10(3e4)})
    assert task.name == "mine" and task.property.name == "log_electrical_conductivity"
    heat = read_transport(own, property=THERMAL, structure="what", value="sigma", unit="mW/(m K)", group="unit")
    assert dict(zip(heat.table["group"], heat.y)) == pytest.approx({"S/m": 2.0, "S/cm": np.log10(0.3)})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": "W/(m K)"}, "own.csv: 'W/(m K)' is no unit of electrical_conductivity"),
        ({}, "own.csv: expected either unit (of all values) or unit_column"),
        ({"unit": "S/m", "unit_column": "unit"}, "own.csv: expected either unit"),
        ({"unit_column": "units"}, "own.csv: no column 'units'"),
        ({"unit": "S/m", "value": "kappa"}, "own.csv: no column 'kappa'"),
    ],
)
def test_own_tables_that_cannot_be_read(own, options, message):
    with pytest.raises(DataError) as caught:
        read_transport(own, **{"property": ELECTRICAL, "structure": "what", "value": "sigma"} | options)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_table_without_a_usable_row(own):
    OWN.iloc[4:6].to_csv(own, index=False)
    with pytest.raises(DataError, match=r"2 of 2 values of column 'sigma' are outside of the physical range .* \(line 2: -5\)"):
        read_transport(own, property=ELECTRICAL, structure="what", value="sigma", unit="S/m")
    OWN.iloc[6:7].to_csv(own, index=False)
    with (
        pytest.warns(DataWarning),
        pytest.raises(DataError, match="none of its 1 rows with a value .* can be used; line 2, column sigma: 'many'"),
    ):
        read_transport(own, property=ELECTRICAL, structure="what", value="sigma", unit="S/m")
    OWN.iloc[11:].to_csv(own, index=False)
    with pytest.raises(DataError, match="own.csv: no value in column 'sigma'"):
        read_transport(own, property=ELECTRICAL, structure="what", value="sigma", unit="S/m")


def test_embedded_study(study):
    assert study.name == "transport-sigma-composition" and study.settings is UNTUNED
    assert study.source.X.shape == (5910, 580) and study.target.X.shape == (3640, 580)
    table = study.target.table
    kappa = dict(zip(study.source.keys, study.source.y))
    known = table["log_kappa"].notna().to_numpy()
    assert known.sum() == 1757 and np.array_equal(known, np.isfinite(study.simulated_target))
    for row in np.flatnonzero(known)[::400]:
        own = kappa[table["key"][row]]
        assert table["log_kappa"][row] == own
        by_law = np.log10(10**own / (LORENZ_NUMBER * 300))
        assert study.simulated_target[row] == pytest.approx(by_law)
        assert table["lorenz"][row] == pytest.approx(by_law - table["value"][row])
    assert table["wf"].value_counts().to_dict() == {"": 1883, "between": 1407, "WF": 175, "non-WF": 175}
    near = table["lorenz"].abs()
    assert near[table["wf"] == "WF"].max() <= near[table["wf"] == "between"].min()


def test_a_smaller_source_keeps_what_the_law_says(study):
    small = load("embedded", n_max=500)
    assert len(small.source) == 500 and set(small.source.keys) < set(study.source.keys)
    np.testing.assert_array_equal(small.simulated_target, study.simulated_target)


def test_unknown_studies_are_refused():
    with pytest.raises(
        ValueError, match="unknown SOURCE 'computed' of EDITION 'embedded' and conductivity; expected one of thermal"
    ):
        load("embedded", source="computed")
    with pytest.raises(ValueError, match="unknown SOURCE 'computed' of EDITION 'local' and conductivity; expected one of thermal"):
        load("local", source="computed")


def test_hyperparameters_are_those_of_the_nearest_size():
    name = "transport-sigma-composition"
    tuned = load("embedded", tuned=True)
    assert set(tuned.settings_by_m) == {400, 2912} and tuned.settings == load_hyperparameters(name)
    for sizes, of in (((1500, 2912), name), ((60, 400, 1000), f"{name}-m400")):
        assert all(tuned.settings_at(m) == load_hyperparameters(of) for m in sizes)
    assert tuned.settings_at(400) != tuned.settings and not load("embedded").settings_by_m

    def tuning_name(m, **choice):
        case, full = chosen_cases("conductivity", "open", **choice)[0]
        return case.tuning_name(m, **full)

    assert tuning_name(100) == f"open-{name}-m100" and tuning_name(916) == tuning_name(0) == f"open-{name}"
    assert tuning_name(0, source="computed") == "open-computed-sigma-composition"


def test_compounds_without_their_own_heat_conductivity(computed):
    thermal, electrical = computed
    none = with_law(electrical, thermal.select(~np.isin(thermal.keys, electrical.keys)))
    assert none.table["log_kappa"].isna().all() and set(none.table["wf"]) == {""}
    assert none.report["of them with both conductivities"] == 0


@needs_files
def test_measured_conductivities_become_logarithms(monkeypatch):
    read = load_conductivities()
    monkeypatch.setattr("sim2real.datasets.transport.load_conductivities", lambda release: read)
    for task, plain in zip(load_measured_transport(), read):
        np.testing.assert_allclose(10**task.y, plain.y)
        assert task.property.unit == "decades" and task.report == plain.report
        assert (task.table["low"] <= task.table["value"] + 1e-9).all()


@needs_files
@pytest.mark.slow
def test_open_studies_share_their_splits():
    thermal, computed = load("open"), load("open", n_max=2_000, source="computed")
    assert len(thermal.target) == 1143 and thermal.splits == computed.splits
    assert thermal.target.fingerprint == computed.target.fingerprint
    # chosen when two designations still counted as compounds
    assert round(0.8 * len(thermal.target)) == max(chosen_cases("conductivity", "open")[0][0].tuned_m) - 2
    row = int(np.flatnonzero(np.isfinite(computed.simulated_target))[0])
    _, everything = load_computed_transport(everything=True)
    value = everything.table.set_index("key").loc[computed.target.keys[row], "value"]
    assert computed.simulated_target[row] == value
