"""Where things lie: in a checkout below its root; of an installed package data in itself, caches in the platform's folder, and the
user's (figures, notebooks, ``data/local.toml``) in the working directory.
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

_PACKAGE = Path(__file__).resolve().parents[1]


def find_checkout(package: Path = _PACKAGE) -> Path | None:
    """The root of the repository that holds a package as ``lib/<package>``; None where the package is installed."""
    root = package.parents[1]
    return root if package.parent.name == "lib" and (root / "data" / "sources.toml").is_file() else None


def cache_folder(checkout: Path | None) -> Path:
    """``SIM2REAL_CACHE``, else ``.cache`` of the checkout, else the platform's folder for caches; need not exist yet."""
    if chosen := os.environ.get("SIM2REAL_CACHE"):
        return Path(chosen).expanduser()
    return checkout / ".cache" if checkout else user_cache_path("sim2real")


CHECKOUT = find_checkout()
ROOT = CHECKOUT or Path.cwd()
DATA = ROOT / "data" if CHECKOUT else _PACKAGE / "data"
FIGURES = ROOT / "figures"
CACHE = cache_folder(CHECKOUT)
