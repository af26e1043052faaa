"""Scaling laws of simulation-to-real transfer learning in materials databases."""

__version__ = "0.1.0"
