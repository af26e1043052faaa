"""One rule for verdicts: what may be said of a change, given its interval and how much it rests on."""

from __future__ import annotations

from typing import NamedTuple

from sim2real.laws.bootstrap import Change

FEWEST_TRIALS = 6
FEWEST_MATERIALS = 5
"""With fewer trials or tested materials there is no verdict: a bootstrap over so few is too narrow."""
WORTHWHILE = 0.10
"""A fall of the error by less than this part, from the smallest to the largest n, counts as none. A choice, not a law."""
UNTOLD = "cannot be told"


class Verdict(NamedTuple):
    """What is said of a change, and why."""

    verdict: str
    why: str


def verdict(
    change: Change, *, trials: int, materials: int, words: tuple[str, str] = ("scales", "does not"), worth: float = WORTHWHILE
) -> Verdict:
    """Whether a change is below 0, or excluded to be worth naming.

    Args:
        change: with its interval.
        trials, materials: that it rests on; the temperatures of one pair are one material.
        words: for a change whose whole interval is below 0, and for one whose whole interval is above -``worth``.
        worth: the smallest fall worth naming.
    """
    if materials < FEWEST_MATERIALS:
        return Verdict(UNTOLD, f"{materials} materials tested; at least {FEWEST_MATERIALS} are needed for a verdict")
    said = words[0] if change.high < 0 else words[1] if change.low > -worth else UNTOLD
    return Verdict(said, "by the interval of the change with n")
