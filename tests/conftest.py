"""Fixtures that many modules share, one folder of caches for the whole run, and what a skipped test means."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

# before sim2real is imported, which reads it; processes of pytest-xdist inherit the folder of the one that starts them
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["SIM2REAL_CACHE"] = tempfile.mkdtemp(prefix="sim2real-tests-")

# a shell ignores Ctrl-C in what it starts in the background, and so would the processes that tests interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)

import torch  # noqa: E402

import made  # noqa: E402
from sim2real.training.experiment import run_trials  # noqa: E402
from sim2real.training.study import Design, Study, Trials  # noqa: E402

torch.set_num_threads(1)


def pytest_unconfigure() -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        shutil.rmtree(os.environ["SIM2REAL_CACHE"], ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Where the public files are at hand, a skipped test is a failed one."""
    report = yield
    if report.skipped and os.environ.get("SIM2REAL_DATA_MIRROR"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped although SIM2REAL_DATA_MIRROR is set ({report.longrepr[-1]})"
    return report


@pytest.fixture
def mirror() -> Path:
    folder = os.environ.get("SIM2REAL_DATA_MIRROR")
    if not folder:
        pytest.skip("SIM2REAL_DATA_MIRROR is not set: no mirror of the public files")
    return Path(folder)


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
