"""The 580-number kernel mean of a chemical formula: ten kernels on each of 58 features of its elements."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from sim2real.chemistry.descriptors.base import Described, StructureDescriptor
from sim2real.chemistry.formulas import formula_text, read_formula

KERNELS = 10


class CompositionDescriptor(StructureDescriptor):
    """Kernel mean of the elements' features, weighted by atomic fraction, of chemical formulas ("Bi0.5Sb1.5Te3"),
    pymatgen Compositions or dicts.

    Features, scaled to [0, 1] over H to Pu, give the means of exp(-(x - c)^2 / h^2) at c = 0, 1/9 ... 1 with h = 1/9, as Kusaba et
    al. (Phys. Rev. B 108, 134107, 2023) with the width of their program (github.com/Minoru938/KmdPlus, ``KMD("1d")``, sigma
    "auto"). data/README.md says where the features come from.
    """

    name = "composition"
    sources = ("formulas.py", "descriptors/composition.py")

    def _names(self) -> list[str]:
        return [f"{feature}_k{k}" for feature in element_features().columns for k in range(1, KERNELS + 1)]

    def _signature(self) -> dict[str, Any]:
        return {"elements": element_features().to_csv()}

    def _text(self, structure: Any) -> str:
        return formula_text(structure)

    def _describe(self, structure: str) -> Described:
        symbols, fractions = zip(*read_formula(structure).fractions)
        return Described(np.array(fractions) @ _kernels()[element_features().index.get_indexer(symbols)])


@lru_cache(maxsize=1)
def element_features() -> pd.DataFrame:
    """The 58 features of the 94 elements H to Pu, indexed by symbol; units in data/README.md."""
    with (files("sim2real.chemistry.descriptors") / "data" / "elements.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, index_col="symbol")


@lru_cache(maxsize=1)
def _kernels() -> np.ndarray:
    """(94, 580): what each element alone would be described by."""
    features = element_features().to_numpy()
    low, high = features.min(axis=0), features.max(axis=0)
    centres = np.linspace(0, 1, KERNELS)
    distance = ((features - low) / (high - low))[:, :, None] - centres
    return np.exp(-((distance / (centres[1] - centres[0])) ** 2)).reshape(len(features), -1)
