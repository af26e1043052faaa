"""The committed virtual polymers, and samples of them that are balanced over the classes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sim2real.datasets.paths import DATA

VIRTUAL_POLYMERS = DATA / "virtual_polymers.csv.gz"


def load_virtual_polymers() -> pd.DataFrame:
    """Repeat units made by rules from the molecules of the package `chemicals`, distinct by structure key.

    Returns:
        Columns smiles (a structure key), polymer_class ("P01" to "P21"), rule (what reacted); sorted by class and key.
        The table is made by scripts/make_virtual_polymers.py; none of its units need exist.
    """
    return pd.read_csv(VIRTUAL_POLYMERS)


def sample_balanced(frame: pd.DataFrame, n: int, seed: int = 0) -> pd.DataFrame:
    """``n`` rows with equal counts a class; when a class is exhausted, the others share the remainder.

    Counts differ by at most one among classes that are not exhausted. The rows come in drawing order, so that the
    sample of a smaller ``n`` with the same seed is the beginning of a larger one; the index is the frame's.

    Args:
        frame: rows with a column polymer_class.
        n: number of rows.
        seed: of the drawing order.

    Raises:
        ValueError: ``n`` is negative or larger than the frame.
    """
    if not 0 <= n <= len(frame):
        raise ValueError(f"cannot draw {n} of {len(frame)} rows; ask for 0 to {len(frame)}")
    order = np.random.default_rng(seed).permutation(len(frame))
    shuffled = frame.iloc[order]
    round_number = shuffled.groupby("polymer_class").cumcount().to_numpy()
    # a stable sort keeps the shuffled order of the classes within each round
    return shuffled.iloc[np.argsort(round_number, kind="stable")[:n]]
