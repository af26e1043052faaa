"""Parameters of a run: the preset's sizes, what the user asks for instead, and what is refused."""

from __future__ import annotations

import pytest

from sim2real.studies.polymers import load_study
from sim2real.studies.presets import PRESETS, get_preset, resolve


def test_zero_is_the_presets_value_and_anything_else_the_users(study):
    quick = resolve("embedded", "quick")
    assert (quick.n_max, quick.m_max) == (20_000, 400) and quick.workers >= 1
    design = quick.design(study)
    assert (design.n_grid[0], design.n_grid[-1], len(design.n_grid)) == (100, 300, 10)
    assert design.m_grid == (32,) and design.trials == PRESETS["quick"].small_target_trials
    mine = resolve("embedded", "quick", trials=7, m_max=20, workers=3, seed=5, overlap="drop").design(study)
    assert (mine.trials, mine.m_grid, mine.seed, mine.overlap, mine.n_grid[-1]) == (7, (20,), 5, "drop", 270)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("closed", "quick", {}), "unknown EDITION 'closed'; expected one of embedded, open, local"),
        (("embedded", "quick", {"overlap": "some"}), "unknown OVERLAP 'some'; expected keep or drop"),
        (("embedded", "slow", {}), "unknown PRESET 'slow'; expected one of smoke, quick, paper"),
        (("embedded", "quick", {"trials": -1}), "TRIALS is -1"),
        (("embedded", "quick", {"m_max": 2}), "M_MAX is 2; expected at least 5"),
        (("embedded", "quick", {"n_max": 80}), "N_MAX is 80; expected more than 100"),
    ],
)
def test_bad_parameters_are_refused(arguments, message):
    edition, preset, rest = arguments
    with pytest.raises(ValueError, match=message):
        resolve(edition, preset, **rest)


def test_the_papers_trials():
    assert get_preset("paper").small_target_trials == 500


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("metals", "density", 100, "molecular"), "unknown study 'metals' of edition 'embedded'; expected one of embedded"),
        (("polymers", "colour", 100, "molecular"), "unknown property 'colour'"),
        (("polymers", "density", 10**6, "molecular"), "N_MAX = 1000000 exceeds the 42000 virtual polymers"),
        (("liquids", "density", 10**6, "molecular"), "N_MAX = 1000000 exceeds the 30000 molecules"),
        (("polymers", "density", 100, "fingerprint"), "unknown descriptor 'fingerprint'; expected one of forcefield"),
    ],
)
def test_studies_that_do_not_exist_are_refused(arguments, message):
    kind, property, n_max, descriptor = arguments
    for tuned in (False, True):
        with pytest.raises(ValueError, match=message):
            load_study(kind, property, n_max=n_max, descriptor=descriptor, tuned=tuned)
