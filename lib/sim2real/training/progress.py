"""How far training is: a bar in a terminal, one line of words where a notebook shows one."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

IN_TERMINAL = "SIM2REAL_BARS"  # variable of notebooks that are run from a terminal, where bars are seen


class Bar(tqdm):
    """A bar of tqdm's, with its options; where ``line`` was set, it is told what is done and the time left instead."""

    line: Callable[[str], None] | None = None

    def __init__(self, **options: Any) -> None:
        # in a notebook the ends of lines that tqdm writes would be empty ones
        super().__init__(file=sys.stderr if Bar.line is None else io.StringIO(), mininterval=1, **options)

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        """Show how far it is; arguments and answer as of tqdm."""
        if Bar.line is None:
            return super().display(msg, pos)
        facts = self.format_dict
        done, total, seconds = facts["n"], facts["total"], facts["elapsed"]
        left = f", about {self.format_interval((total - done) / done * seconds)} left" if 0 < done < total else ""
        Bar.line(f"training {self.desc}: {100 * done // total} % of {total:,.0f} {self.unit}s{left}")
        return True
