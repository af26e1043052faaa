"""Peak memory of a million simulated materials and 500 trials on two processes, of made-up numbers.

    .venv/bin/python benchmarks/check_memory.py [ROWS] [train]

Shares of memory (PSS: what processes share counts once) are summed over the run and its workers four times a second: of planning
all trials and drawing the rows of eight blocks of the largest n; with ``train`` also of training two of these for few updates.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from sim2real.datasets.task import PROPERTIES, Task
from sim2real.training import experiment
from sim2real.training.recipes import UNTUNED, Training
from sim2real.training.store import Block, Plan
from sim2real.training.study import Design, Study
from sim2real.training.workers import share_out

COLUMNS, WORKERS, TRIALS = 190, 2, 500


class Peak:
    """The largest sum of the shares of this process and those it started."""

    def __enter__(self) -> Peak:
        self.most, self.stopped = 0.0, threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.thread.join()

    def _watch(self) -> None:
        while not self.stopped.is_set():
            self.most = max(self.most, sum(map(_share, _family())))
            time.sleep(0.25)


def _family() -> list[str]:
    own = str(os.getpid())
    found = [own]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "stat").read_text().rsplit(")", 1)[1].split()[1] == own:
                found.append(folder.name)
        except OSError:
            continue
    return found


def _share(process: str) -> float:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(float(line.split()[1]) for line in lines if line.startswith("Pss:")) / 2**20


def draw(plan: Plan, block: Block) -> int:
    """What a block holds of the source before anything is trained."""
    return plan.drawn(block.trials, block.n).rows.nbytes


def made_study(rows: int) -> Study:
    rng = np.random.default_rng(0)
    sides = []
    for name, count in (("simulated", rows), ("measured", 400)):
        X = np.empty((count, COLUMNS), dtype=np.float32)
        for first in range(0, count, 50_000):
            X[first : first + 50_000] = rng.standard_normal((min(50_000, count - first), COLUMNS), dtype=np.float32)
        keys = [f"{name} {k}" for k in range(count)]
        table = pd.DataFrame({"key": keys, "structure": keys, "value": X[:, 0].astype(float), "group": "all"})
        sides.append(Task(name, PROPERTIES["density"], table, "none", "made here", X=X))
    stages = {name: Training(5, 1e-3) for name in ("pretraining", "fine_tuning", "direct")}
    return Study("memory", *sides, replace(UNTUNED, **stages))


def main(rows: int = 1_000_000, train: bool = False) -> None:
    with tempfile.TemporaryDirectory() as store, Peak() as peak:
        study = made_study(rows)
        print(f"{rows:,} x {COLUMNS} numbers: {study.source.X.nbytes / 2**30:.2f} GiB; the study: {peak.most:.2f} GiB", flush=True)
        design = Design((1000, rows), (300,), TRIALS)
        begin = time.process_time()
        plan = experiment.make_plan(study, design, arms=("transfer",), store=Path(store))
        blocks = [b for b in plan.missing_blocks(plan.read(print)) if b.n == rows]
        print(f"planned {TRIALS} trials in {time.process_time() - begin:.1f} s; {len(blocks)} blocks of n = {rows:,}", flush=True)
        sizes: list[int] = []
        share_out(draw, plan.lean(), lambda: blocks[:8], WORKERS, sizes.append)
        print(f"planned and drawn: at most {max(sizes) / 2**20:.0f} MiB of rows a block; peak {peak.most:.2f} GiB", flush=True)
        if train:
            few = [replace(block, trials=block.trials[:2]) for block in blocks[:2]]
            share_out(experiment.run_block, plan.lean(), lambda: few, WORKERS, lambda _: None)
            print(f"with training: peak {peak.most:.2f} GiB", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), train="train" in sys.argv)
