"""Descriptors of pairs: both molecules' numbers side by side, and the temperature."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sim2real.chemistry.descriptors import ForceFieldDescriptor, MolecularDescriptor
from sim2real.chemistry.descriptors.base import StructureDescriptor
from sim2real.chemistry.structures import PAIR_SEPARATOR

SIDES = ("polymer", "solvent")
REFERENCE_KELVIN = 300.0  # of the two conditions, so that both are near 1


class _EveryColumn(MolecularDescriptor):
    _choose_columns = StructureDescriptor._choose_columns


class PairDescriptor:
    """190 force-field numbers and all of RDKit's, of both molecules, then T / 300 K and 300 K / T (Minami et al. 2025, who kept
    those that vary): columns that depend on no data, so that studies of one target describe it alike whatever their source.
    Vectors of molecules are kept in ``cache_dir``, nowhere if None.
    """

    def __init__(self, workers: int = 1, cache_dir: str | Path | None = None) -> None:
        options = {"n_jobs": workers, "cache_dir": cache_dir}
        self.parts = (ForceFieldDescriptor(**options), _EveryColumn(**options))

    def describe(self, structures: Sequence[str], kelvin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(kept rows, 2 d + 2) float32 of pairs at temperatures (rows,) in K, and the mask of the kept rows, whose molecules
        neither descriptor refuses.
        """
        sides = _sides(structures)
        molecules = pd.unique(sides.to_numpy().ravel())
        vectors, described = self.molecules(list(molecules))
        row_of = pd.Series(np.arange(len(molecules)), index=molecules)
        first, second = (row_of[sides[k]].to_numpy() for k in (0, 1))
        keep = described[first] & described[second]
        kelvin = np.asarray(kelvin, dtype=float)[keep]
        warmth = np.stack([kelvin / REFERENCE_KELVIN, REFERENCE_KELVIN / kelvin], axis=1)
        return np.concatenate([vectors[first[keep]], vectors[second[keep]], warmth], axis=1).astype(np.float32), keep

    def molecules(self, structures: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """(molecules, d) numbers of single molecules, NaN for those that a descriptor refuses; and the mask of the others."""
        blocks, described = [], np.ones(len(structures), dtype=bool)
        for part in self.parts:
            X, failed = part.describe(structures)
            own = np.ones(len(structures), dtype=bool)
            own[failed.index] = False
            full = np.full((len(structures), X.shape[1]), np.nan, dtype=np.float32)
            full[own] = X
            blocks.append(full)
            described &= own
        return np.concatenate(blocks, axis=1), described

    def reasons(self, structures: Sequence[str]) -> list[str | None]:
        """Of each pair which side has no numbers, and why; None where both have."""
        sides = _sides(structures)
        molecules = pd.unique(sides.to_numpy().ravel())
        found: dict[str, str] = {}
        for part in self.parts:
            found |= {m: why for m, why in zip(molecules, part.reasons(list(molecules))) if why and m not in found}
        pairs = sides.to_numpy().tolist()
        return [next((f"{side}: {found[m]}" for side, m in zip(SIDES, pair) if m in found), None) for pair in pairs]


def _sides(structures: Sequence[str]) -> pd.DataFrame:
    """Polymers (0) and solvents (1)."""
    sides = pd.Series(list(structures), dtype=object).str.split(PAIR_SEPARATOR, expand=True, regex=False)
    return sides.reindex(columns=[0, 1])
