"""Studies of pairs: descriptors side by side, simulated values of the very pairs, one line for unknown names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim2real.chemistry.descriptors import ForceFieldDescriptor
from sim2real.chemistry.descriptors.pairs import PairDescriptor
from sim2real.datasets.activity import load_activity_nrtl
from sim2real.studies.cases import chosen_cases, load_study
from sim2real.studies.kinds import PAIR_DESCRIPTOR
from sim2real.studies.presets import resolve
from sim2real.studies.sides import Sides, describe
from sim2real.training.recipes import UNTUNED_PAIRS, MultitaskHyperparameters, load_hyperparameters

pytestmark = pytest.mark.xdist_group("chi_studies")  # what is made once for all is made by one process


@pytest.fixture(scope="module")
def study():
    return load_study("pairs", "embedded", resolve("embedded", "quick", n_max=200, workers=1, kind="pairs"), tuned=False)


def test_a_pair_is_both_molecules_numbers_and_the_temperature(study):
    width = (study.target.X.shape[1] - 2) // 2
    row = study.target.table.iloc[7]
    forcefield = ForceFieldDescriptor().fit_transform([row["polymer"], row["solvent"]])
    np.testing.assert_array_equal(study.target.X[7, :190], forcefield[0])
    np.testing.assert_array_equal(study.target.X[7, width : width + 190], forcefield[1])
    np.testing.assert_allclose(study.target.X[7, -2:], [298.15 / 300, 300 / 298.15], rtol=1e-6)
    # the other direction of a mixture is the same molecules the other way round
    pairs = PairDescriptor()
    X, kept = pairs.describe(["CCO|CCCCCC", "CCCCCC|CCO"], np.array([298.15, 298.15]))
    half = (X.shape[1] - 2) // 2
    np.testing.assert_array_equal(X[0, :half], X[1, half : 2 * half])
    assert kept.all() and not np.array_equal(X[0], X[1])


def test_pairs_without_a_descriptor_are_dropped_and_counted():
    target = load_activity_nrtl().select(np.arange(20))
    table = target.table.copy()
    table.loc[3, "structure"] = "[U]|CCO"  # no force field knows uranium
    with_uranium = replace(target, table=table)
    _, described, kept = describe(Sides(target, with_uranium, np.arange(20)), PAIR_DESCRIPTOR)
    assert len(described) == 19 and 3 not in kept and described.report["dropped, no descriptor"] == 1
    assert np.isfinite(described.X).all()


def test_a_target_is_described_alike_whatever_its_source_holds(study):
    target = study.target.select(np.arange(12))
    sources = [study.source.select(np.arange(first, first + 5)) for first in (0, 800)]
    one, other = (describe(Sides(source, target), PAIR_DESCRIPTOR).target for source in sources)
    np.testing.assert_array_equal(one.X, other.X)
    assert one.fingerprint == other.fingerprint and one.X.shape[1] == study.target.X.shape[1]


def test_simulated_values_are_those_of_the_very_pairs(study):
    source = study.source.table
    own = dict(zip(source["structure"], source["value"]))
    known = np.isfinite(study.simulated_target)
    assert known.sum() > 600
    expected = [own[s] for s in study.target.table.loc[known, "structure"]]
    np.testing.assert_allclose(study.simulated_target[known], expected)
    assert study.drop_tested and study.clusters() is not None


def test_splits_and_simulators_of_an_edition_share_what_they_should(mirror):
    settings = resolve("open", "quick", n_max=5000, workers=1, kind="pairs")
    cosmo, by_row = (load_study("pairs", "open", settings, simulator="cosmo", split=s) for s in ("pair", "row"))
    assert (len(cosmo.source), len(cosmo.target)) == (1206, 1201)
    assert cosmo.splits == "open-chi-pair" != by_row.splits and (cosmo.split_by, by_row.split_by) == ("pair", "")
    assert cosmo.settings == by_row.settings and isinstance(cosmo.settings, MultitaskHyperparameters)
    first = cosmo.target.table.iloc[0]
    rows = cosmo.source.table
    value = rows[(rows["key"] == first["key"]) & (rows["temperature"] == first["temperature"])]["value"].item()
    assert cosmo.simulated_target[0] == value and np.isfinite(cosmo.simulated_target).sum() == 1180


@pytest.mark.parametrize(
    ("edition", "choice", "message"),
    [
        ("paper", {}, "unknown study 'pairs' of edition 'paper'; expected one of embedded"),
        (
            "embedded",
            {"simulator": "cosmo"},
            "unknown SIMULATOR 'cosmo' of EDITION 'embedded' and pairs; expected one of cosmo-sac",
        ),
        ("embedded", {"split": "random"}, "unknown SPLIT 'random'"),
    ],
)
def test_unknown_names_are_one_line(edition, choice, message):
    with pytest.raises(ValueError, match=message) as caught:
        load_study("pairs", edition, resolve("embedded", "smoke", kind="pairs"), **choice)
    assert len(str(caught.value).splitlines()) == 1


def test_each_edition_has_its_hyperparameters():
    names = {}
    for edition, simulator in (
        ("embedded", "cosmo-sac"),
        ("embedded", "unifac"),
        ("open", "cosmo"),
        ("open", "cosmo-full"),
        ("open", "cosmo-sac"),
        ("open", "unifac"),
    ):
        case, choice = chosen_cases("pairs", edition, simulator=simulator)[0]
        names[edition, simulator] = case.tuning_name(**choice)
        assert isinstance(load_hyperparameters(names[edition, simulator]), MultitaskHyperparameters)
    assert names["open", "cosmo-full"] == names["open", "cosmo"] == "open-chi-cosmo"


def test_figures_show_one_of_each_simulator_the_chosen_one_first():
    shown = {
        simulator: [choice["simulator"] for _, choice in chosen_cases("pairs", "open", simulator=simulator)]
        for simulator in ("", "cosmo", "unifac", "cosmo-full")
    }
    assert shown == {
        "": ["cosmo", "cosmo-sac", "unifac"],
        "cosmo": ["cosmo", "cosmo-sac", "unifac"],
        "unifac": ["unifac", "cosmo", "cosmo-sac"],
        "cosmo-full": ["cosmo-full", "cosmo-sac", "unifac"],
    }


def test_the_embedded_edition_shows_both_simulators_the_independent_one_first():
    settings = resolve("embedded", "smoke", n_max=200, kind="pairs")
    for tuned, chosen in ((True, load_hyperparameters("chi-cosmo-sac")), (False, UNTUNED_PAIRS)):
        choice = {"simulator": "", "split": "pair", "tables": ""}
        shown = [of["simulator"] for _, of in chosen_cases("pairs", "embedded", **choice)]
        assert shown == ["cosmo-sac", "unifac"]
        study = load_study("pairs", "embedded", settings, tuned=tuned, **choice)
        assert study.name == "embedded-chi-cosmo-sac-pair" and study.settings == chosen
