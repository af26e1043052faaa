"""Fixtures that many modules share."""

from __future__ import annotations

import pytest

import made
from sim2real.training.experiment import run_trials
from sim2real.training.study import Design, Study, Trials


@pytest.fixture
def study() -> Study:
    return made.toy_study()


@pytest.fixture
def chi_study() -> Study:
    return made.chi_study()


@pytest.fixture(scope="session")
def toy_trials(tmp_path_factory) -> Trials:
    """The toy study, trained once a run: 3 n, 2 m, 4 trials, arms with and without networks. Not to be changed."""
    arms = ("transfer", "direct", "ridge", "trees", "simulator")
    design = Design((50, 120, 300), (16, 32), trials=4)
    return run_trials(made.toy_study(), design, arms=arms, store=tmp_path_factory.mktemp("toy"))
