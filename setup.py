"""The build: tables stand in data/ at the top of the repository, and in the package ``sim2real`` where it is installed."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

DATA = Path(__file__).parent / "data"
# a user's own tables, which stay where they are
PRIVATE = ("local", "local.toml")


def _private(folder: str, names: list[str]) -> list[str]:
    dropped = [name for name in names if name.endswith(".dropped.csv")]
    return [*dropped, *(name for name in names if name in PRIVATE and Path(folder) == DATA)]


class WithData(build_py):
    """Copies data/ to ``sim2real/data``; an editable install reads it where it lies."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            shutil.copytree(DATA, Path(self.build_lib, "sim2real", "data"), ignore=_private, dirs_exist_ok=True)


setup(cmdclass={"build_py": WithData})
