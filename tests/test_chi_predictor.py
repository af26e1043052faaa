"""Predictions for a user: intervals that hold what they promise, and one line for what cannot be predicted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sim2real.studies.calibration import Folds, cross_coverage, half_widths
from sim2real.studies.cases import load_study
from sim2real.studies.predictor import FarFromData, Predictor
from sim2real.studies.presets import resolve
from sim2real.training.recipes import MultitaskHyperparameters, PairNetwork, Training
from sim2real.training.seeding import numpy_generator
from sim2real.training.study import split_rows

pytestmark = pytest.mark.xdist_group("chi_predictor")  # what is made once for all is made by one process


@pytest.fixture(scope="module")
def pairs():
    """The embedded twin with few simulations and a short training."""
    study = load_study("pairs", "embedded", resolve("embedded", "quick", n_max=300, workers=1), tuned=False)
    network, training = PairNetwork(sizes=(48, 24, 16), inputs="min-max"), Training(150, 5e-3)
    return replace(study, settings=MultitaskHyperparameters(network, training, network, training))


@pytest.fixture(scope="module")
def held_out(pairs):
    """The measured rows that an ensemble sees, and the fifth that it does not."""
    return split_rows(pairs.target, numpy_generator(0, "held out"), pairs.split_by)


@pytest.fixture(scope="module")
def predictor(pairs, held_out):
    """One ensemble, trained without the held-out rows, for all tests of predictions."""
    return Predictor(replace(pairs, target=pairs.target.select(held_out[0])), members=8)


def test_a_pair_is_predicted_with_an_interval_around_it(predictor):
    row = predictor("CCO", "CCCCCC", 298.15)
    assert row["low"] < row["predicted"] < row["high"] and row["measured"] == 0 and row["warning"] == "", "one that is held out"
    seen = predictor.study.target.table
    pair = seen[seen["key"].duplicated(keep=False)].iloc[0]
    assert predictor(pair["polymer"], pair["solvent"], 298.15)["measured"] == 2, "both directions of the mixture"
    # ethanol in hexane does not like it, hexane in heptane does not mind
    assert row["predicted"] > predictor("CCCCCC", "CCCCCCC", 298.15)["predicted"] + 1
    again = predictor.predict(["CCCCCC", "CCO"], ["CCCCCCC", "CCCCCC"], [298.15, 298.15])
    assert again["predicted"].iloc[1] == pytest.approx(row["predicted"], abs=1e-4)


def test_an_ensemble_is_not_trained_twice(predictor, monkeypatch):
    def trains(*_, **__):
        raise AssertionError("trained")

    monkeypatch.setattr("sim2real.studies.predictor.fit_multitask", trains)
    again = Predictor(predictor.study, members=8)
    pd.testing.assert_frame_equal(again.unseen, predictor.unseen)
    np.testing.assert_array_equal(again("CCO", "CCCCCC", 298.15)["predicted"], predictor("CCO", "CCCCCC", 298.15)["predicted"])
    longer = replace(predictor.study.settings, multitask=Training(151, 5e-3))
    for other in ({"seed": 1}, {"members": 9}):
        with pytest.raises(AssertionError, match="trained"):
            Predictor(predictor.study, **{"members": 8} | other)
    with pytest.raises(AssertionError, match="trained"):
        Predictor(replace(predictor.study, settings=longer), members=8)


def test_errors_are_those_of_networks_that_never_saw_what_is_new(predictor):
    target, unseen = predictor.study.target, predictor.unseen
    every = np.tile(np.arange(len(target)), (8, 1))
    of_all = np.abs(target.y - predictor.networks.predict(target.X, every).mean(0))
    assert set(unseen["new"]) == {"pair", "solvent", "polymer", "both"}
    assert all(own.index.is_unique for _, own in unseen.groupby("new")), "each row once for each thing that can be new"
    for what, own in unseen.groupby("new"):
        assert own["error"].mean() > of_all[own.index].mean(), f"{what}: rows that were trained on fit better"


def test_folds_take_molecules_from_both_sides_and_their_simulations(pairs):
    folds = Folds.of(pairs.target.table, 0, "calibration")
    cut = folds.without(pairs, 3)
    gone = {key for key, fold in folds.molecules.items() if fold == 3}
    assert gone and not any(
        gone & set(side.table[key]) for side in (cut.source, cut.target) for key in ("polymer_key", "solvent_key")
    )
    new = folds.new(pairs.target.table, 3)
    held = pairs.target.table.assign(new=new)[new != ""]
    both = held["polymer_key"].isin(gone) & held["solvent_key"].isin(gone)
    assert (both == (held["new"] == "both")).all() and len(held) + len(cut.target) == len(pairs.target)


def test_widths_are_quantiles_of_what_was_as_new():
    """Against sorting by hand: one polymer of three rows counts as much as each of nine of one row."""
    errors = np.arange(1.0, 13.0)
    keys = [f"*{k}" for k in (*range(9), 9, 9, 9)]
    unseen = pd.DataFrame(
        {"new": "polymer", "error": errors, "spread": 1.0, "key": range(12), "polymer_key": keys, "solvent_key": "s"}
    )
    share = np.cumsum([1.0] * 9 + [1 / 3] * 3) / 10
    expected = errors[next(k for k, s in enumerate(share) if s >= 0.8 * 1.1 - 1e-12)]
    # all spreads are alike: the error itself
    assert half_widths("polymer", np.array([1.0]), unseen, 0.8)[0] == pytest.approx(expected)
    assert half_widths("polymer", np.array([4.0]), unseen, 0.8)[0] == pytest.approx(2 * expected), "(4 + 2) / (1 + 2) spreads"
    pair = unseen.assign(new="pair", error=100.0)
    assert half_widths("polymer", np.array([1.0]), pd.concat([unseen, pair]), 0.8)[0] == 100, "never narrower than for a new pair"
    told = cross_coverage(unseen, 0.8).loc["polymer"]
    assert told["rows"] == 12 and 0.5 <= told["covered"] < 1, "the largest error is in no interval of the others'"


def test_intervals_hold_what_was_held_out(predictor, pairs, held_out, monkeypatch):
    """Of 129 rows; 90 % asked for, and rows of one mixture come by twos."""
    held = pairs.target.select(held_out[1])
    wide = predictor.coverage(held)
    covered = np.average(wide["covered"], weights=wide["rows"])
    assert wide["rows"].sum() == 129 and (wide["level"] == 0.9).all() and 0.8 <= covered <= 0.99
    assert {"pair", "polymer"} & set(wide.index) and (wide["warned"] < 1).all()
    monkeypatch.setattr(predictor, "level", 0.5)
    narrow = predictor.coverage(held)
    assert 0.3 <= np.average(narrow["covered"], weights=narrow["rows"]) <= 0.75
    assert (narrow["width"] < wide["width"]).all()


def test_calibration_is_near_the_level_for_all_that_is_new(predictor):
    told = predictor.calibration()
    assert list(told.index) == ["pair", "solvent", "polymer", "both"]
    assert told.loc[["pair", "solvent", "polymer"], "covered"].between(0.82, 0.98).all()
    assert told.loc["polymer", "width"] > told.loc["pair", "width"]


def test_coverage_is_that_of_an_ensemble_that_never_saw_the_rows(pairs):
    hardly = replace(pairs.settings, multitask=Training(2, 5e-3))
    table = Predictor.held_out_coverage(replace(pairs, settings=hardly), members=4, level=0.5)
    left = Folds.of(pairs.target.table, 0, "held out").new(pairs.target.table, 0) != ""
    assert table["rows"].sum() == left.sum() and (table["level"] == 0.5).all()
    assert table["covered"].between(0, 1).all() and (table["mae"] > 0).all() and (table["width"] > 0).all()


def test_what_is_unlike_the_data_is_said(predictor):
    with pytest.warns(FarFromData, match="solvent unlike those measured"):
        table = predictor.predict(["CCO"] * 2, ["CCCCCC", "FC(F)(F)C(F)(F)C(F)(F)F"], [298.15, 298.15])
    assert list(table["warning"] != "") == [False, True] and table["measured"].iloc[1] == 0
    with pytest.warns(FarFromData, match="temperature outside of those measured"):
        predictor("CCO", "CCCCCC", 350)


def test_names_are_read_and_the_closest_ones_named(predictor):
    assert predictor("ethanol", "n-hexane", 298.15)["predicted"] == predictor("CCO", "CCCCCC", 298.15)["predicted"]
    with pytest.raises(ValueError, match="row 0: 'ethanole' .* nor a known name; the closest are .*ethanol"):
        predictor("ethanole", "CCCCCC", 298.15)


def test_what_is_new_is_said(predictor):
    seen = predictor.study.target.table.iloc[0]
    unknown = "CCCCCCCCCCCCCCCCO"
    with pytest.warns(FarFromData, match="P in no measured solvent"):
        pairs = [(seen["polymer"], seen["solvent"]), (unknown, seen["solvent"]), (unknown, unknown), (unknown, "CP(C)C")]
        table = predictor.predict(*zip(*pairs), [298.15] * 4)
    assert list(table["new"]) == ["", "polymer", "both", "both"] and not table["warning"].iloc[0]
    assert (table["high"] - table["low"]).iloc[1] > 0


def test_solvents_are_ranked_for_one_substance(predictor):
    ranking = predictor.rank_solvents("CCCCCC", 298.15)
    assert ranking["predicted"].is_monotonic_increasing
    assert set(ranking["solvent"]) == set(predictor.study.target.table["solvent"])
    assert list(predictor.rank_solvents("CCCCCC", 298.15, ["O", "CCCCCCC"])["solvent"]) == ["CCCCCCC", "O"]


def test_a_study_that_was_cut_is_described_as_the_whole_one(pairs):
    """Few simulations, so that some of RDKit's columns vary in the rows left out only."""
    hardly = replace(pairs.settings, multitask=Training(2, 5e-3))
    few = replace(pairs, settings=hardly, source=pairs.source.select(np.arange(len(pairs.source) - 250, len(pairs.source))))
    cut = Predictor(few, members=4)
    width = cut.descriptor.describe(["CCO|CCCCCC"], [298.15])[0].shape[1]
    assert width == pairs.target.X.shape[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("CC(", "O", 298.15), "row 0: 'CC\\(' is not a readable SMILES"),
        (("*CC*", "O", 298.15), "row 0: .*attachment points"),
        (("CC", "O", 25), "row 0: 25 K; expected 200 to 600 K"),
    ],
)
def test_bad_input_is_one_line(predictor, arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        predictor(*arguments)
    assert len(str(caught.value).splitlines()) == 1


def test_lists_of_unequal_length_and_small_ensembles_are_refused(predictor, pairs):
    with pytest.raises(ValueError, match="2 polymers, 1 solvents and 1 temperatures"):
        predictor.predict(["CC", "CO"], ["O"], [298.15])
    with pytest.raises(ValueError, match="members is 1"):
        Predictor(pairs, members=1)
    with pytest.raises(ValueError, match="no hyperparameters for pairs"):
        Predictor(replace(pairs, settings=None))
