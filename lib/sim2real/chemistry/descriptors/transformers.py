"""The force-field descriptor as a scikit-learn transformer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import pandas as pd
import rdkit

from sim2real.chemistry.descriptors.base import StructureDescriptor
from sim2real.chemistry.descriptors.forcefield import FEATURE_NAMES, forcefield_vector
from sim2real.chemistry.descriptors.store import Described

# what the numbers come from: a change in any of these makes a new cache
_SOURCES = ("forcefield.py", "gaff.py", "gaff_parameters.py", "periodic.py", "uff.py", "data/gaff2_mod.csv")


class ForceFieldDescriptor(StructureDescriptor):
    """The 190 numbers of :func:`~sim2real.chemistry.descriptors.forcefield.forcefield_vector`, of SMILES with two or no ``*``.

    Args:
        n_jobs, cache_dir: as :class:`~sim2real.chemistry.descriptors.base.StructureDescriptor`.

    Attributes:
        fallbacks_: DataFrame with the columns row (the label), structure and fallback: every parameter that GAFF2 lacks
            and what replaced it, in the data of the last ``fit``, ``transform`` or ``describe``.

    Raises:
        StructureError: from ``fit`` and ``transform``, for a bad SMILES or an element without parameters.
    """

    name = "forcefield"

    def _names(self) -> list[str]:
        return list(FEATURE_NAMES)

    def _signature(self) -> dict[str, Any]:
        folder = files("sim2real.chemistry.descriptors")
        text = b"".join((folder / source).read_bytes() for source in _SOURCES)
        return {"rdkit": rdkit.__version__, "sources": hashlib.sha256(text).hexdigest()}

    def _describe(self, structure: str) -> Described:
        result = forcefield_vector(structure)
        return Described(result.vector, result.fallbacks)

    def _keep_notes(self, structures: list[str], labels: Sequence[Any], notes: dict[int, tuple[str, ...]]) -> None:
        rows = [(labels[k], structures[k], fallback) for k, lines in notes.items() for fallback in lines]
        self.fallbacks_ = pd.DataFrame(rows, columns=["row", "structure", "fallback"])
