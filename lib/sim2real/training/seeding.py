"""Random numbers that depend on what is computed and on nothing else: not on block size, worker count or order."""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def seed_sequence(*parts: object) -> np.random.SeedSequence:
    """A seed sequence from names and numbers such as (seed, study, purpose, n, m, trial)."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return np.random.SeedSequence(int.from_bytes(digest[:16], "big"))


def numpy_generator(*parts: object) -> np.random.Generator:
    return np.random.default_rng(seed_sequence(*parts))


def torch_generator(*parts: object) -> torch.Generator:
    return torch.Generator().manual_seed(int(seed_sequence(*parts).generate_state(1, np.uint64)[0] >> 1))
