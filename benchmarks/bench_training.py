"""Training by the compiled kernel, by the stacked torch path and by the usual loop over a DataLoader, on real data, in which units
die and moments decay to denormal numbers: processor time of one core, and ratios of runs side by side.

    make bench                                       # some minutes
    .venv/bin/python benchmarks/bench_training.py 3  # so many rounds
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from joblib import Parallel, delayed
from torch import nn

from sim2real.studies.cases import load_study
from sim2real.training import kernel
from sim2real.training.experiment import run_trials
from sim2real.training.fits import fit_networks
from sim2real.training.networks import Network, Training
from sim2real.training.scalers import InputScalers, OutputScalers
from sim2real.training.study import Design, Study

COLUMNS, ROWS, EPOCHS, BATCH, SIZES = 190, 800, 30, 64, (128, 64, 32)
STEPS = EPOCHS * (ROWS // BATCH)
NETWORKS = 8
HABIT, TORCH, FLUSHED, COMPILED = "DataLoader", "stacked torch, denormals kept", "stacked torch", "compiled"


def rows(networks: int, materials: int) -> np.ndarray:
    return np.stack([np.random.default_rng(k).permutation(materials)[:ROWS] for k in range(networks)])


def habit(X: np.ndarray, y: np.ndarray) -> None:
    """One network as it is usually trained."""
    own = rows(1, len(X))
    inputs = InputScalers("min-max", X, own)(torch.from_numpy(X[own]))[0]
    goals = torch.from_numpy(OutputScalers("standard", y, own).transform(y[own])[0].astype(np.float32))
    pairs = torch.utils.data.TensorDataset(inputs, goals)
    loader = torch.utils.data.DataLoader(pairs, batch_size=BATCH, shuffle=True, drop_last=True)
    widths = (COLUMNS, *SIZES)
    layers = [part for a, b in zip(widths, SIZES) for part in (nn.Linear(a, b), nn.ReLU())]
    network = nn.Sequential(*layers, nn.Linear(SIZES[-1], 1))
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=STEPS)
    for _ in range(EPOCHS):
        for x, goal in loader:
            optimiser.zero_grad()
            (network(x)[:, 0] - goal).square().mean().backward()
            optimiser.step()
            schedule.step()


def trials(X: np.ndarray, y: np.ndarray, networks: int = NETWORKS, steps: int = STEPS) -> None:
    seeds = [(k,) for k in range(networks)]
    fit_networks(X, y, rows(networks, len(X)), Network(SIZES, "min-max"), Training(steps, 3e-3), seeds)


def block(study: Study, n: int, m: int, count: int, arm: str) -> None:
    """A whole block of trials: splits, scalers, training, predictions and Parquet."""
    with tempfile.TemporaryDirectory() as folder:
        run_trials(study, Design((n,), (m,), count, source_draws=8), arms=(arm,), store=Path(folder))


def seconds(engine: str, call: Callable, *arguments: object) -> float:
    """Processor seconds of a call, trained as ``engine`` says."""
    with ExitStack() as stack:
        if engine in (TORCH, FLUSHED):
            stack.enter_context(patch.object(kernel, "library", lambda: None))
        if engine == TORCH:
            stack.enter_context(patch.object(torch, "set_flush_denormal", lambda on: None))
        start = time.process_time()
        call(*arguments)
        return time.process_time() - start


def report(title: str, spent: dict[str, list[float]], base: str, unit: float, name: str) -> None:
    print(f"{title}:")
    for engine, values in spent.items():
        ratios = np.array(spent[base]) / np.array(values)
        times = f"{unit * np.median(values):8.1f} {name}"
        print(
            f"  {engine:30s}{times}   {np.median(ratios):5.1f} times {base} ({ratios.min():.1f} to {ratios.max():.1f})", flush=True
        )


def sgemm() -> float:
    """GFLOPS of a product of two matrices of 1024 x 1024 on one core, the best of some."""
    a = np.random.default_rng(0).random((1024, 1024), dtype=np.float32)
    return 2 * 1024**3 / min(seconds(COMPILED, np.matmul, a, a) for _ in range(8)) / 1e9


def wall(processes: int, X: np.ndarray, y: np.ndarray, pool: Parallel) -> float:
    start = time.perf_counter()
    pool(delayed(trials)(X, y, 4 * NETWORKS) for _ in range(processes))
    return time.perf_counter() - start


def main(rounds: int) -> None:
    torch.set_num_threads(1)
    liquids = load_study("liquids", "embedded", "quick", property="density", descriptor="molecular")
    pairs = load_study("pairs", "embedded", "quick", simulator="unifac", split="pair")
    X, y = np.ascontiguousarray(liquids.source.X[:, :COLUMNS]), liquids.source.y
    for engine in (FLUSHED, COMPILED):  # warm-up
        seconds(engine, trials, X, y, 2, 2)

    spent = {engine: [] for engine in (HABIT, TORCH, FLUSHED, COMPILED)}
    shares = []
    for _ in range(rounds):
        spent[HABIT].append(seconds(COMPILED, habit, X, y))
        for engine in (TORCH, FLUSHED, COMPILED):
            spent[engine].append(seconds(engine, trials, X, y) / NETWORKS)
        many, few = (seconds(COMPILED, trials, X, y, NETWORKS, steps) for steps in (STEPS, 1))
        multiplied = sum(a * b for a, b in zip((COLUMNS, *SIZES), (*SIZES, 1)))
        # backwards there are two products a layer, but one in the first
        flops = 2 * BATCH * (3 * multiplied - COLUMNS * SIZES[0])
        shares.append(flops * NETWORKS * (STEPS - 1) / (many - few) / 1e9 / sgemm())
    widths = "-".join(map(str, (COLUMNS, *SIZES, 1)))
    report(f"one trial of {widths}, {ROWS} rows, {EPOCHS} epochs", spent, HABIT, 1e3, "ms")
    print(f"  products of the compiled path: {100 * np.median(shares):.0f} % of SGEMM", end=" ")
    print(f"({100 * min(shares):.0f} to {100 * max(shares):.0f} %), all else of an update counted as time of theirs")

    for title, study, n, m, count in (("liquids, density", liquids, 1999, 400, 16), ("pairs", pairs, 2000, 400, 6)):
        for arm in ("transfer", "direct"):
            spent = {engine: [] for engine in (TORCH, FLUSHED, COMPILED)}
            for _ in range(rounds):
                for engine, values in spent.items():
                    values.append(seconds(engine, block, study, n, m, count, arm))
            report(f"a block of {count} trials, {title}, {arm}, n={n}, m={m}", spent, TORCH, 1, "s")

    with Parallel(n_jobs=2) as pool:
        wall(2, X, y, pool)
        gains = [2 * wall(1, X, y, pool) / wall(2, X, y, pool) for _ in range(rounds)]
    print(f"two processes do {np.median(gains):.2f} times as much as one ({min(gains):.2f} to {max(gains):.2f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
