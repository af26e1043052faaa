"""The rules for verdicts: what may be said of a change or of a difference, given its uncertainty and how much it rests on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from sim2real.laws.bootstrap import Change

FEWEST_TRIALS = 6
FEWEST_MATERIALS = 5
"""With fewer trials or tested materials there is no verdict: a bootstrap over so few is too narrow."""
WORTHWHILE = 0.10  # a smaller relative fall of the error from smallest to largest n counts as none: a choice, not a law
MARGIN = 2.0  # Monte-Carlo standard errors that the end of an interval must be away from the line that decides
NEARLY = 2.0  # standard errors that a paired difference must be away from 0
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

    ``questions`` are judged at Bonferroni's level 1 - (1 - level) / questions; one pair's temperatures are one material. ``words``
    are for an interval wholly below 0, and above -``worth`` (0 for a contrast), by more than MARGIN standard errors of its end, z s
    / sqrt(2 replicates): nearer to the line another seed could turn it. The interval is normal about the value, in log(1 + change)
    for a relative change, as 1,000 replicates are too few to read one in 220 as a percentile.
    """
    for count, fewest, what in ((trials, FEWEST_TRIALS, "trials"), (materials, FEWEST_MATERIALS, "materials tested")):
        if count < fewest:
            return Verdict(UNTOLD, f"{count} {what}; at least {fewest} are needed for a verdict")
    outside = (1 - change.level) / questions
    value, draws = (np.log1p(x) if worth else x for x in (change.mean, change.draws))
    half, line = norm.isf(outside / 2) * draws.std(ddof=1), np.log1p(-worth)
    margin = MARGIN * half / np.sqrt(2 * len(draws))
    of = f"by its {100 * (1 - outside):.3g} % interval" + (f", as one of {questions}" if questions > 1 else "")
    if value + half + margin < 0:
        return Verdict(words[0], of)
    if value - half - margin > line:
        return Verdict(words[1], of)
    if value + half < 0 or value - half > line:
        return Verdict(UNTOLD, "the interval ends too near to the line: more trials are needed")
    return Verdict(UNTOLD, f"{of}, which holds {'both no fall and one worth naming' if worth else '0'}")


def told(mean: float, standard_error: float, trials: int) -> bool:
    """Whether a difference paired over trials, enough of them, is more than :data:`NEARLY` of its standard errors from 0."""
    return trials >= FEWEST_TRIALS and abs(mean) > NEARLY * standard_error
