"""SIGKILL a small run at random moments, resume it each time, and compare its table with that of an undisturbed run.

    .venv/bin/python benchmarks/check_kills.py [KILLS] [SEED]

Shown: that the tables are equal to the last bit, that no stored trial was trained again, how many were trained more than once (those
in flight), and that no process outlived its run. Exit status 1 where one of these fails.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from sim2real.datasets.task import PROPERTIES, Task
from sim2real.training import experiment
from sim2real.training.recipes import UNTUNED
from sim2real.training.store import Block, Plan, run_block
from sim2real.training.study import Design, Study

WORKERS = 2
DESIGN = Design(n_grid=(50, 100, 200, 400), m_grid=(16, 32), trials=96)
ORPHANS = 5  # seconds after which nothing of a killed run may be left


def made_study() -> Study:
    rng = np.random.default_rng(1)
    sides = []
    for name, rows in (("simulated", 500), ("measured", 60)):
        X, keys = rng.normal(size=(rows, 40)), [f"{name} {k}" for k in range(rows)]
        y = np.tanh(X[:, :3].sum(1)) + 0.1 * rng.normal(size=rows)
        table = pd.DataFrame({"key": keys, "structure": keys, "value": y, "group": "all"})
        sides.append(Task(name, PROPERTIES["density"], table, "none", "made here", X=X.astype(np.float32)))
    return Study("kills", *sides, UNTUNED)


def logged_block(plan: Plan, block: Block) -> tuple[Block, list[pd.DataFrame]]:
    """As the library's, but each trial is written down as soon as it begins."""
    with Path(os.environ["KILLS_LOG"]).open("a") as log:
        log.write("".join(f"{block.arm} {block.n} {m} {t}\n" for m in block.m_grid for t in block.trials))
    return run_block(plan, block)


def run(store: Path, table: Path) -> None:
    """What is killed: a run in a process of its own."""
    experiment.run_block = logged_block
    trials = experiment.run_trials(made_study(), DESIGN, workers=WORKERS, arms=("transfer", "direct", "ridge"), store=store)
    trials.table.to_parquet(table)


def begun(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def stored(store: Path) -> set[str]:
    """Arm, n, m and trial of all that lies in a store."""
    found = set()
    for path in store.glob("*/*.parquet"):
        arm, n, m = path.parent.name.split("-")[1:4]
        found |= {f"{arm} {n[1:]} {m[1:]} {t}" for t in path.stem.split("_")}
    return found


def processes_of(mark: str) -> list[str]:
    """Numbers of the processes that have ``mark`` in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append(folder.name)
        except OSError:
            continue
    return found


def start(folder: Path, log: Path) -> subprocess.Popen:
    command = [sys.executable, __file__, "--run", str(folder / "store"), str(folder / "table.parquet")]
    quiet = (folder / "stderr").open("a")
    return subprocess.Popen(command, env=os.environ | {"KILLS_LOG": str(log)}, stderr=quiet)


def main(kills: int = 20, seed: int = 0) -> int:
    """Exit status: 0 where all is as it should be."""
    moments, wrong = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as name:
        calm, killed = Path(name) / "calm", Path(name) / "killed"
        for folder in (calm, killed):
            folder.mkdir()
        begin = time.monotonic()
        start(calm, calm / "log").wait()
        once = begun(calm / "log")
        print(f"undisturbed: {len(once)} trainings, {time.monotonic() - begin:.0f} s", flush=True)
        log, every, again = killed / "log", [], 0
        for kill in range(kills):
            log.unlink(missing_ok=True)
            kept = stored(killed / "store")
            process = start(killed, log)
            while process.poll() is None and not begun(log):
                time.sleep(0.05)
            # the later the kill, the more is done between two: some come before anything is stored
            time.sleep(moments.uniform(0, 3))
            process.send_signal(signal.SIGKILL)
            process.wait()
            own, new = begun(log), stored(killed / "store") - kept
            again += len(kept & set(own))
            every += own
            left, deadline = processes_of(str(log)), time.monotonic() + ORPHANS
            while left and time.monotonic() < deadline:
                time.sleep(0.1)
                left = processes_of(str(log))
            wrong += len(left)
            print(f"kill {kill + 1}: {len(own)} begun, {len(new)} stored, {len(kept)} kept, {len(left)} processes left", flush=True)
        log.unlink(missing_ok=True)
        kept = stored(killed / "store")
        start(killed, log).wait()
        again += len(kept & set(begun(log)))
        every += begun(log)
        tables = [pd.read_parquet(folder / "table.parquet") for folder in (calm, killed)]
        equal = tables[0].equals(tables[1])
        print(f"after the last resume: tables equal to the last bit: {equal}; stored trials trained again: {again}")
        print(f"trainings begun {len(every)}, of them in flight when killed: {len(every) - len(set(every))} in {kills} kills")
        print(f"parts of files left: {len(list(killed.rglob('*.part')))}; processes left: {wrong}")
    return int(not equal or again > 0 or wrong > 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run(*map(Path, sys.argv[2:]))
    else:
        sys.exit(main(*map(int, sys.argv[1:])))
