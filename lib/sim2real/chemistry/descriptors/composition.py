"""The 580-number kernel mean of a chemical formula: ten kernels on each of 58 features of its elements."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim2real.chemistry.descriptors import ELEMENT_TABLES
from sim2real.chemistry.descriptors.base import Described, StructureDescriptor
from sim2real.chemistry.formulas import formula_text, read_formula

KERNELS = 10


class CompositionDescriptor(StructureDescriptor):
    """Kernel mean of the elements' features, weighted by atomic fraction, of chemical formulas ("Bi0.5Sb1.5Te3"),
    pymatgen Compositions or dicts.

    Features, scaled to [0, 1] over H to Pu, give the means of exp(-(x - c)^2 / h^2) at c = 0, 1/9 ... 1 with h = 1/9, as Kusaba et
    al. (Phys. Rev. B 108, 134107, 2023) with the width of their program (github.com/Minoru938/KmdPlus, ``KMD("1d")``, sigma
    "auto"). ``elements`` is ``""``, features of this package (data/README.md), or ``xenonpy``, those that the authors used, a
    public file that is downloaded; a ValueError for any other.
    """

    name = "composition"
    sources = ("formulas.py", "descriptors/composition.py")

    def __init__(self, elements: str = "", *, n_jobs: int = 1, cache_dir: str | Path | None = None) -> None:
        super().__init__(n_jobs=n_jobs, cache_dir=cache_dir)
        self.elements = elements

    def _names(self) -> list[str]:
        return [f"{feature}_k{k}" for feature in element_features(self.elements).columns for k in range(1, KERNELS + 1)]

    def _signature(self) -> dict[str, Any]:
        return {"elements": element_features(self.elements).to_csv()}

    def _text(self, structure: Any) -> str:
        return formula_text(structure)

    def _describe(self, structure: str) -> Described:
        symbols, fractions = zip(*read_formula(structure).fractions)
        return Described(np.array(fractions) @ _kernels(self.elements)[element_features(self.elements).index.get_indexer(symbols)])


@lru_cache
def element_features(elements: str = "") -> pd.DataFrame:
    """The 58 features of the 94 elements H to Pu, indexed by symbol, of a table of :data:`ELEMENT_TABLES`."""
    if elements not in ELEMENT_TABLES:
        raise ValueError(f"unknown elements {elements!r}; expected one of {', '.join(map(repr, ELEMENT_TABLES))}")
    return pd.read_csv(ELEMENT_TABLES[elements](), index_col=0)


@lru_cache
def _kernels(elements: str) -> np.ndarray:
    """(94, 580): what each element alone would be described by."""
    features = element_features(elements).to_numpy()
    low, high = features.min(axis=0), features.max(axis=0)
    centres = np.linspace(0, 1, KERNELS)
    distance = ((features - low) / (high - low))[:, :, None] - centres
    return np.exp(-((distance / (centres[1] - centres[0])) ** 2)).reshape(len(features), -1)
