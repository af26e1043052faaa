"""Ctrl-C, SIGTERM and the loss of workers, with real processes: nothing is left running, and the exit status says what happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from jupyter_client import KernelManager

import made
from sim2real.datasets.paths import ROOT
from sim2real.training.experiment import run_trials
from sim2real.training.study import Design

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes in /proc")]
SOON = 10  # seconds
# trials that never end, of a study in two processes: each says that it has begun
ENDLESS = f"""
import sys, time, pathlib
sys.path[:0] = [{str(Path(made.__file__).parent)!r}]
import made
from sim2real.training import experiment
from sim2real.training.study import Design

def endless(plan, block):
    (plan.store / f"{{block.arm}}.begun").touch()
    time.sleep(600)

def run(folder):
    experiment.run_block = endless
    design = Design(n_grid=(50, 100), m_grid=(16,), trials=3)
    experiment.run_trials(made.toy_study(), design, workers=2, arms=("ridge", "direct"), store=pathlib.Path(folder))
"""
COMMAND = """
import sim2real.__main__ as cli, types
sys.modules["sim2real.endless"] = types.SimpleNamespace(command=lambda rest: run(rest[0]))
cli.COMMANDS["endless"] = "endless", "command", ""
sys.exit(cli.main(["endless", sys.argv[1]]))
"""


def marked(mark):
    """Processes that were started with ``mark`` in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (
                mark.encode() in (folder / "environ").read_bytes()
                and "Z" not in (folder / "stat").read_text().rsplit(")", 1)[1][:3]
            ):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def tracks(process):
    """Whether this is a resource tracker of multiprocessing."""
    try:
        return b"resource_tracker" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def wait_for(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def both_begun(folder):
    return wait_for(lambda: len(list(folder.glob("*.begun"))) == 2, 240)


@pytest.mark.parametrize(
    ("code", "number", "status", "line"),
    [
        ("run(sys.argv[1])", signal.SIGINT, -signal.SIGINT, "KeyboardInterrupt: finished blocks are kept; run it again to go on"),
        ("run(sys.argv[1])", signal.SIGTERM, -signal.SIGTERM, "stopped; finished blocks are kept; run it again to go on"),
        (COMMAND, signal.SIGINT, 130, "interrupted; finished blocks are kept; run it again to go on"),
        (COMMAND, signal.SIGTERM, 143, "stopped; finished blocks are kept; run it again to go on"),
        ("run(sys.argv[1])", signal.SIGKILL, -signal.SIGKILL, ""),
    ],
)
def test_a_stopped_run_leaves_no_process_and_says_what_is_kept(tmp_path, code, number, status, line):
    environment = os.environ | {"STOPPING_MARK": str(tmp_path)}
    command = [sys.executable, "-c", ENDLESS + code, str(tmp_path)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert both_begun(tmp_path)
        assert len(marked(str(tmp_path))) >= 3
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == status
    assert said.count("finished blocks are kept") == bool(line) and line in [*said.splitlines(), ""]
    assert wait_for(lambda: not marked(str(tmp_path)), SOON)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_notebook_leaves_neither_kernel_nor_worker(tmp_path, number, status):
    notebook = nbformat.v4.new_notebook()
    cell = nbformat.v4.new_code_cell("TRIALS = 0", metadata={"tags": ["parameters"]})
    notebook.cells = [cell, nbformat.v4.new_code_cell(ENDLESS + f"run({str(tmp_path)!r})")]
    nbformat.write(notebook, tmp_path / "endless.ipynb")
    command = [sys.executable, "-m", "sim2real", "run", str(tmp_path / "endless.ipynb"), "--output", str(tmp_path / "out")]
    with subprocess.Popen(command, env=os.environ | {"STOPPING_MARK": str(tmp_path)}, cwd=ROOT) as process:
        assert both_begun(tmp_path)
        process.send_signal(number)
        assert process.wait(timeout=60) == status
    assert wait_for(lambda: not marked(str(tmp_path)), SOON)


def test_an_interrupted_cell_of_a_notebook_leaves_no_worker_and_a_kernel_that_goes_on(tmp_path):
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=os.environ | {"STOPPING_MARK": str(tmp_path)}, cwd=ROOT)
    try:
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=120)
        asked = client.execute(ENDLESS + f"run({str(tmp_path)!r})")
        assert both_begun(tmp_path)
        manager.interrupt_kernel()
        while (reply := client.get_shell_msg(timeout=60))["parent_header"].get("msg_id") != asked:
            pass
        reply = reply["content"]
        assert (reply["ename"], reply["evalue"]) == ("KeyboardInterrupt", "finished blocks are kept; run it again to go on")
        # of the kernel only what joblib keeps for its temporary files is left beside it, and ends with it
        assert wait_for(lambda: [p for p in marked(str(tmp_path)) if not tracks(p)] == [manager.provisioner.pid], SOON)
        assert client.execute_interactive("x = 1", timeout=60)["content"]["status"] == "ok"
    finally:
        manager.shutdown_kernel(now=True)


def test_a_worker_that_is_killed_costs_what_it_held(study, tmp_path, monkeypatch, capsys):
    killed = tmp_path / "killed"
    monkeypatch.setattr("sim2real.training.experiment.run_block", made.dying_block(killed))
    design = Design(n_grid=(50, 100), m_grid=(16,), trials=4)
    lost = run_trials(study, design, workers=2, arms=("transfer", "ridge"), store=tmp_path / "lost").table
    assert killed.exists() and "a worker process was killed" in capsys.readouterr().err
    monkeypatch.undo()
    assert lost.equals(run_trials(study, design, arms=("transfer", "ridge"), store=tmp_path / "calm").table)
