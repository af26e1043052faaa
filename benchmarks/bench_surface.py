"""The law of both sizes fitted to many resamples at once, against scipy's least squares resample by resample.

make bench
"""

from __future__ import annotations

import time

import numpy as np
from scipy.optimize import least_squares

from sim2real.laws.search import fit_surfaces

RESAMPLES, STARTS = 200, 3
N, M = (g.ravel() for g in np.meshgrid(np.geomspace(100, 20_000, 6), np.geomspace(20, 3000, 5), indexing="ij"))
TRUTH = (0.67, 0.029, 0.53, 0.17, 0.013)  # A, B, alpha, beta, epsilon


def law(c: np.ndarray) -> np.ndarray:
    return (c[0] * N ** -c[2] + c[1]) * M ** -c[3] + c[4]


def one_by_one(errors: np.ndarray) -> np.ndarray:
    """Sums of squared relative residuals, the best of a few starts each."""
    rng = np.random.default_rng(1)
    losses = []
    for own in errors:
        starts = TRUTH * np.exp(rng.normal(0, 0.3, (STARTS, 5)))
        fits = [least_squares(lambda c, own=own: law(c) / own - 1, s, bounds=(0, np.inf)) for s in starts]
        losses.append(2 * min(f.cost for f in fits))
    return np.array(losses)


def main() -> None:
    rng = np.random.default_rng(0)
    errors = law(np.array(TRUTH)) * np.exp(rng.normal(0, 0.05, (RESAMPLES, len(N))))
    fit_surfaces(N, M, errors[:5])  # warm-up
    start = time.process_time()
    _, together, _ = fit_surfaces(N, M, errors)
    batched = time.process_time() - start
    start = time.process_time()
    slow = one_by_one(errors)
    alone = time.process_time() - start
    print(f"{RESAMPLES} fits of {len(N)} cells: {batched:.2f} s at once, {alone:.2f} s one by one, ratio {alone / batched:.0f}")
    print(f"  largest excess of the sum of squares over scipy's: {np.max(together / slow - 1):.1e}")


if __name__ == "__main__":
    main()
