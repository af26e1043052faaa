"""Descriptors, structure to vector, each loaded when it is first asked for: compositions do not need RDKit."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

# features of elements that a CompositionDescriptor can take: where their table is. Others add public ones, by their download
ELEMENT_TABLES: dict[str, Callable[[], Path]] = {"": lambda: Path(str(files(__name__) / "data" / "elements.csv"))}
_HOMES = {"CompositionDescriptor": "composition", "ForceFieldDescriptor": "forcefield", "MolecularDescriptor": "molecular"}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
