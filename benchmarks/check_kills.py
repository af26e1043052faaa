"""SIGKILL a small run at random moments, resume it each time, and compare its table with that of an undisturbed run.

    .venv/bin/python benchmarks/check_kills.py [KILLS] [WORKERS]

Shown: that the tables are equal to the last bit, that no stored trial was trained again, how many were trained more than once
(those in flight), and that no process outlived its run. Exit status 1 where one of these fails.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pandas as pd

from sim2real.datasets.task import PROPERTIES, Task
from sim2real.training import experiment
from sim2real.training.blocks import run_block
from sim2real.training.recipes import Hyperparameters, Network, Training
from sim2real.training.store import Block, Plan
from sim2real.training.study import Design, Study

SHAPE, STAGE = Network(sizes=(16,)), Training(40, 3e-3, max_epochs=1000)
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
    return Study("kills", *sides, Hyperparameters(SHAPE, STAGE, STAGE, SHAPE, STAGE))


def logged_block(plan: Plan, block: Block) -> tuple[Block, list[pd.DataFrame]]:
    """As the library's, but each trial is written down as soon as it begins."""
    with Path(os.environ["KILLS_LOG"]).open("a") as log:
        log.write("".join(f"{block.arm} {block.n} {m} {t}\n" for m in block.m_grid for t in block.trials))
    return run_block(plan, block)


def run(folder: Path, workers: int) -> None:
    """What is killed: a run in a process of its own."""
    os.environ["KILLS_LOG"] = str(folder / "log")
    sys.stderr = (folder / "stderr").open("a")
    experiment.run_block = logged_block
    arms = ("transfer", "direct", "ridge")
    trials = experiment.run_trials(made_study(), DESIGN, workers=workers, arms=arms, store=folder / "store")
    trials.table.to_parquet(folder / "table.parquet")


def start(folder: Path, workers: int) -> BaseProcess:
    # forked: what takes seconds to import is there already
    process = get_context("fork").Process(target=run, args=(folder, workers))
    process.start()
    return process


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
    """Numbers of the processes that were started with ``mark`` in their environment: the workers."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append(folder.name)
        except OSError:
            continue
    return found


def main(kills: int = 20, workers: int = 1) -> int:
    """Exit status: 0 where all is as it should be."""
    moments, wrong = random.Random(0), 0
    with tempfile.TemporaryDirectory() as name:
        calm, killed = Path(name) / "calm", Path(name) / "killed"
        for folder in (calm, killed):
            folder.mkdir()
        begin = time.monotonic()
        start(calm, workers).join()
        whole = time.monotonic() - begin
        print(f"undisturbed: {len(begun(calm / 'log'))} trainings, {whole:.0f} s on {workers} process(es)", flush=True)
        log, every, again = killed / "log", [], 0
        for kill in range(kills):
            log.unlink(missing_ok=True)
            kept = stored(killed / "store")
            process = start(killed, workers)
            process.join(moments.uniform(0, 2 * whole / kills))
            process.kill()
            process.join()
            own, new = begun(log), stored(killed / "store") - kept
            again += len(kept & set(own))
            every += own
            deadline = time.monotonic() + ORPHANS
            while (left := processes_of(str(log))) and time.monotonic() < deadline:
                time.sleep(0.1)
            wrong += len(left)
            done = f"{len(own)} begun, {len(new)} stored, {len(kept)} kept, {len(left)} processes left"
            print(f"kill {kill + 1}: {done}; exit {process.exitcode}", flush=True)
        log.unlink(missing_ok=True)
        kept = stored(killed / "store")
        start(killed, workers).join()
        again += len(kept & set(begun(log)))
        every += begun(log)
        tables = [pd.read_parquet(folder / "table.parquet") for folder in (calm, killed)]
        equal = tables[0].equals(tables[1])
        print(f"after the last resume: tables equal to the last bit: {equal}; stored trials trained again: {again}")
        print(f"trainings begun {len(every)}, of them in flight when killed: {len(every) - len(set(every))} in {kills} kills")
        print(f"parts of files left: {len(list(killed.rglob('*.part')))}; processes left: {wrong}")
    return int(not equal or again > 0 or wrong > 0)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
