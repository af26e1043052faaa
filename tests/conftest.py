"""One folder of caches for the whole run, what a skipped test means, and what only processes that run tests load."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

# before sim2real is imported, which reads it; processes of pytest-xdist inherit the folder of the one that starts them
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["SIM2REAL_CACHE"] = tempfile.mkdtemp(prefix="sim2real-tests-")

# a shell ignores Ctrl-C in what it starts in the background, and so would the processes that tests interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)

# before torch is loaded, here and in what tests start
os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
# as in python -m sim2real: seconds of each process, for a check of addresses that notebooks do not ask for
sys.modules.setdefault("rfc3987_syntax", None)


def pytest_configure(config: pytest.Config) -> None:
    """The process that only shares tests out to others (-n 2) need not wait for the library."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        config.addinivalue_line("filterwarnings", "error::sklearn.exceptions.ConvergenceWarning")
        config.pluginmanager.import_plugin("shared")


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
