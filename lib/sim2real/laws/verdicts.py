"""One rule for verdicts: what may be said of a change, given its interval and how much it rests on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim2real.laws.bootstrap import Change

FEWEST_TRIALS = 6
FEWEST_MATERIALS = 5
"""With fewer trials or tested materials there is no verdict: a bootstrap over so few is too narrow."""
WORTHWHILE = 0.10
"""A fall of the error by less than this part, from the smallest to the largest n, counts as none. A choice, not a law."""
MARGIN = 2.0
"""Monte-Carlo standard errors that the end of an interval must be away from the line that decides."""
UNTOLD = "cannot be told"


class Verdict(NamedTuple):
    """What is said of a change, and why."""

    verdict: str
    why: str


def verdict(
    change: Change,
    *,
    trials: int,
    materials: int,
    questions: int = 1,
    words: tuple[str, str] = ("scales", "does not"),
    worth: float = WORTHWHILE,
) -> Verdict:
    """Whether a change is below 0, or too small to be worth naming, or neither can be told.

    Args:
        change: with its replicates.
        trials, materials: that it rests on; the temperatures of one pair are one material.
        questions: how many such changes are judged side by side. The interval that decides has Bonferroni's level, 1 - (1 - level)
            / questions, so that among all of them one is wrong as seldom as a single one would be.
        words: for a change whose whole interval is below 0, and for one whose whole interval is above -``worth``.
        worth: the smallest fall worth naming.

    Returns:
        The first or second word where the interval excludes its line by more than :data:`MARGIN` standard errors of its end
        (sqrt(p (1 - p) / replicates) in p, the order of the replicates); otherwise "cannot be told". Nearer to the line another
        processor or seed could turn it, and more trials are asked for.
    """
    for count, fewest, what in ((trials, FEWEST_TRIALS, "trials"), (materials, FEWEST_MATERIALS, "materials tested")):
        if count < fewest:
            return Verdict(UNTOLD, f"{count} {what}; at least {fewest} are needed for a verdict")
    tail = (1 - change.level) / (2 * questions)
    wider = max(0.0, tail - MARGIN * np.sqrt(tail * (1 - tail) / len(change.draws)))
    (low, high), (lowest, highest) = (np.quantile(change.draws, [p, 1 - p]) for p in (tail, wider))
    of = f"by its {100 * (1 - 2 * tail):.3g} % interval" + (f", as one of {questions}" if questions > 1 else "")
    if highest < 0:
        return Verdict(words[0], of)
    if lowest > -worth:
        return Verdict(words[1], of)
    if high < 0 or low > -worth:
        return Verdict(UNTOLD, "the interval ends too near to the line: more trials are needed")
    return Verdict(UNTOLD, f"{of}, which holds {'both no fall and one worth naming' if worth else '0'}")
