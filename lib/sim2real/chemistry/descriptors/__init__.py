"""Descriptors, structure to vector, each loaded when it is first asked for: compositions do not need RDKit."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {"CompositionDescriptor": "composition", "ForceFieldDescriptor": "forcefield", "MolecularDescriptor": "molecular"}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
