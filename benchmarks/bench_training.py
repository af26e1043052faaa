"""Stacked networks against the same networks trained one after another: time per trial and the ratio.

make bench
"""

from __future__ import annotations

import time

import numpy as np
import torch

from sim2real.training.fits import fit_networks
from sim2real.training.recipes import Network, Training

FEATURES, ROWS, STEPS, NETWORKS = 190, 800, 100, 16


def seconds(stack: int) -> float:
    """Processor seconds per network when ``stack`` networks are trained at a time."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    y = np.tanh(X[:, :5].sum(1))
    rows = np.tile(np.arange(ROWS), (stack, 1))
    start = time.process_time()
    for first in range(0, NETWORKS, stack):
        seeds = [(first + k,) for k in range(stack)]
        fit_networks(X, y, rows, Network((128, 64, 32)), Training(STEPS, 1e-3), seeds)
    return (time.process_time() - start) / NETWORKS


def main() -> None:
    torch.set_num_threads(1)
    seconds(NETWORKS)  # warm-up
    alone, stacked = zip(*[(seconds(1), seconds(NETWORKS)) for _ in range(3)])
    ratios = np.array(alone) / np.array(stacked)
    print(f"{STEPS} steps of {FEATURES}-128-64-32-1, batch 64, processor time of one core:")
    print(f"  one by one {1e3 * np.median(alone):.0f} ms a network, {NETWORKS} stacked {1e3 * np.median(stacked):.0f} ms")
    print(f"  ratio {np.median(ratios):.1f} ({ratios.min():.1f} to {ratios.max():.1f})")


if __name__ == "__main__":
    main()
