"""Where things lie: the repository's root, its embedded data, and the folder for everything that can be made again."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "data"
FIGURES = ROOT / "figures"
CACHE = Path(os.environ.get("SIM2REAL_CACHE") or ROOT / ".cache")
