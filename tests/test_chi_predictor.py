"""Predictions for a user: intervals that hold what they promise, and one line for what cannot be predicted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim2real.studies.chi_studies import load_chi_study
from sim2real.studies.predictor import ChiPredictor, FarFromData, held_out_coverage
from sim2real.training.recipes import MultitaskHyperparameters, PairNetwork, Training


@pytest.fixture(scope="module")
def pairs():
    """The embedded twin with few simulations and a short training."""
    study = load_chi_study(edition="embedded", simulator="unifac", n_max=300, tuned=False)
    network, training = PairNetwork(sizes=(48, 24, 16), inputs="min-max"), Training(150, 5e-3)
    return replace(study, settings=MultitaskHyperparameters(network, training, network, training))


@pytest.fixture(scope="module")
def predictor(pairs):
    return ChiPredictor(pairs, members=8)


def test_a_pair_is_predicted_with_an_interval_around_it(predictor):
    row = predictor("CCO", "CCCCCC", 298.15)
    assert row["low"] < row["predicted"] < row["high"] and row["measured"] == 2 and row["warning"] == ""
    # ethanol in hexane does not like it, hexane in heptane does not mind
    assert row["predicted"] > predictor("CCCCCC", "CCCCCCC", 298.15)["predicted"] + 1
    again = predictor.predict(["CCCCCC", "CCO"], ["CCCCCCC", "CCCCCC"], [298.15, 298.15])
    assert again["predicted"].iloc[1] == pytest.approx(row["predicted"], abs=1e-4)


def test_residuals_are_those_of_members_that_did_not_see_the_pair(predictor, pairs):
    every = np.tile(np.arange(len(pairs.target)), (8, 1))
    of_all = pairs.target.y - predictor.networks.predict(pairs.target.X, every).mean(0)
    known = np.isfinite(predictor.residuals)
    assert known.mean() > 0.7
    assert np.abs(predictor.residuals[known]).mean() > np.abs(of_all[known]).mean(), "rows that were trained on fit better"


def test_intervals_hold_what_was_held_out(pairs):
    """Of 129 rows; 90 % asked for, and rows of one mixture come by twos."""
    result = held_out_coverage(pairs, members=8)
    assert result["rows"] == 129 and 0.8 <= result["covered"] <= 0.99
    narrow = held_out_coverage(pairs, members=8, level=0.5)
    assert 0.3 <= narrow["covered"] <= 0.7 and narrow["width"] < result["width"]


def test_what_is_unlike_the_data_is_said(predictor):
    with pytest.warns(FarFromData, match="solvent unlike those measured"):
        table = predictor.predict(["CCO"] * 2, ["CCCCCC", "FC(F)(F)C(F)(F)C(F)(F)F"], [298.15, 298.15])
    assert list(table["warning"] != "") == [False, True] and table["measured"].iloc[1] == 0
    with pytest.warns(FarFromData, match="temperature outside of those measured"):
        predictor("CCO", "CCCCCC", 350)


def test_solvents_are_ranked_for_one_substance(predictor, pairs):
    ranking = predictor.rank_solvents("CCCCCC", 298.15)
    assert ranking["predicted"].is_monotonic_increasing
    assert set(ranking["solvent"]) == set(pairs.target.table["solvent"])
    assert list(predictor.rank_solvents("CCCCCC", 298.15, ["O", "CCCCCCC"])["solvent"]) == ["CCCCCCC", "O"]


def test_a_study_that_was_cut_is_described_as_the_whole_one(pairs):
    """Few simulations, so that some of RDKit's columns vary in the rows left out only."""
    few = replace(pairs, source=pairs.source.select(np.arange(len(pairs.source) - 250, len(pairs.source))))
    described = [*pairs.source.table["structure"], *pairs.target.table["structure"]]
    cut = ChiPredictor(few, members=4, described=described)
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
    with pytest.raises(ValueError, match="members is 2"):
        ChiPredictor(pairs, members=2)
    with pytest.raises(ValueError, match="no hyperparameters for pairs"):
        ChiPredictor(replace(pairs, settings=None))
