"""Which form forecasts errors at more samples, and how well published exponents are known: scores that ``benchmarks/forecast.py``
made of curves in the committed figures and in public collections."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pandas as pd

from sim2real.datasets.paths import DATA
from sim2real.laws.findings import Finding, Findings
from sim2real.laws.search import EXPONENT_MAX, EXPONENT_MIN

CHOSEN_ON = "LCDB, chosen on"  # the curves that the prior is from


@dataclass(frozen=True)
class Forms:
    """``scores``: a row for each set of curves, part of n that was seen (``up to``) and form; ``published``: a law with 90 %
    intervals for each of the 57 curves of Mikami et al., arXiv 2108.11018 (2021), and whether alpha is ``identified``: its
    interval ends within the range of the search."""

    scores: pd.DataFrame
    published: pd.DataFrame

    @property
    def verdict(self) -> Findings:
        """What forecasts best of the curves that had no part in choosing, and how many published exponents are known."""
        of = self.scores[self.scores["curves of"] != CHOSEN_ON].pivot_table(
            index="form", columns=["curves of", "up to"], values="median"
        )
        best = ", ".join(f"{column[0]} up to {column[1]}: {of[column].idxmin()} ({of[column].min():.1%})" for column in of)
        text = f"The least median error of a forecast at n_max, by curves and the part of them that was seen: {best}."
        known, curves = int(self.published["identified"].sum()), len(self.published)
        low, high = (self.published[f"alpha_{end}"] / self.published["alpha"] for end in ("low", "high"))
        close = int((self.published["identified"] & (low > 0.5) & (high < 2)).sum())
        exponents = (
            f"Of {curves} published curves {known} bound their exponent alpha on both sides, {close} within a factor of two."
        )
        return Findings((Finding("forecast", text.replace("%", " %"), True), Finding("exponents", exponents, True)))

    def to_dict(self) -> dict:
        """The payload's record: both tables as lists of rows, None where a form has no interval."""
        return {name: json.loads(getattr(self, name).to_json(orient="records")) for name in ("scores", "published")}


def forms() -> Forms:
    """The scores as they are in ``data/forecasts.csv``, and the laws of ``data/published.csv``."""
    published = pd.read_csv(DATA / "published.csv")
    inside = (published["alpha_low"] > EXPONENT_MIN) & (published["alpha_high"] < EXPONENT_MAX)
    return Forms(pd.read_csv(DATA / "forecasts.csv"), published.assign(identified=inside))
