"""Small studies that take milliseconds, and the folder of mirrored public files where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from sim2real.datasets.task import PROPERTIES, Task
from sim2real.training.recipes import Hyperparameters, Network, Training
from sim2real.training.study import Study

torch.set_num_threads(1)


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


def make_task(name: str, X: np.ndarray, y: np.ndarray, first_key: int = 0) -> Task:
    keys = [f"material {first_key + k:04d}" for k in range(len(y))]
    table = pd.DataFrame({"key": keys, "structure": keys, "name": keys, "value": y, "group": "all"})
    return Task(name, PROPERTIES["density"], table, "none", "made by the tests", X=X.astype(np.float32))


@pytest.fixture
def study() -> Study:
    """300 simulated and 40 measured materials; simulations are the truth up to a factor, so transfer must help."""
    rng = np.random.default_rng(1)
    weights = rng.normal(size=12)

    def law(X: np.ndarray) -> np.ndarray:
        return np.tanh(X @ weights) + 0.5 * X[:, 0]

    source, target = rng.normal(size=(300, 12)), rng.normal(size=(40, 12))
    settings = Hyperparameters(
        transfer_network=Network(sizes=(24, 8)),
        pretraining=Training(200, 5e-3),
        fine_tuning=Training(30, 1e-3),
        direct_network=Network(sizes=(24, 8)),
        direct=Training(100, 5e-3, dropout=0.1),
    )
    return Study(
        "toy",
        make_task("simulated", source, law(source)),
        # the last ten target materials stand in the source as well
        make_task("measured", target, 2 * law(target) + 1 + 0.05 * rng.normal(size=40), first_key=270),
        settings,
        simulated_target=law(target),
    )
