"""The error over both sizes, as one surface (Eq. 1, Fig. 2) or curve by curve (Fig. 4), and what one experiment is worth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim2real.laws.bootstrap import BOOTSTRAP, Bootstrap, Resamples, trial_means
from sim2real.laws.estimates import Estimate
from sim2real.laws.findings import Findings, of_form, of_surface
from sim2real.laws.power import PowerLaw, fit_power_law
from sim2real.laws.records import DATA_FACTS, Band, Facts, json_ready, paper
from sim2real.laws.substitution import Rate, budget_line_m, compare_forms, equal_error_m, equal_rate_m, interaction, marginal_rate
from sim2real.laws.surface import ScalingSurface, TwoExponents
from sim2real.laws.verdicts import FEWEST_MATERIALS, FEWEST_TRIALS, UNTOLD
from sim2real.training.study import Cube, Trials

BEYOND = 10.0  # how far beyond the data the curves of equal error go, in n and in m
POINTS = 121
SHARES = (0.25, 0.5, 0.75, 1.0)  # of the diagonal of the data, from its smallest n and m: the curves of equal error pass there
GRID_FACTS = ("study", "property", "label", "unit", "trials", "source_draws", "n", "m")


@dataclass(frozen=True)
class Grid:
    """What both views of the error over n and m hold: facts, (N, M) errors with both bands, and direct learning (M,) or None."""

    facts: Facts
    band: Band
    direct: Band | None

    @cached_property
    def compared(self) -> pd.DataFrame | None:
        """How well forms predict held-back edges (:func:`~sim2real.laws.substitution.compare_forms`); None below four n and m."""
        n, m = self.facts.n, self.facts.m
        return compare_forms(n, m, self.band.mae) if min(len(n), len(m)) >= 4 else None

    def to_dict(self) -> dict:
        """Facts, band, ``direct`` and ``compared``."""
        compared = self.compared
        return self.facts.to_dict(*GRID_FACTS, *DATA_FACTS) | {
            **self.band.to_dict(),
            "direct": None if self.direct is None else self.direct.to_dict(),
            "compared": None if compared is None else compared.to_dict("records"),
        }


def _grid(trials: Trials, bootstrap: Bootstrap) -> tuple[Cube, Resamples, Resamples, Band | None]:
    """The cube of transfer, its resamples over trials and over trials and materials, and direct learning where it was run."""
    n, m = trials.design.n_grid, trials.design.m_grid
    if min(len(n), len(m)) < 3:
        raise ValueError(f"the error over both sizes needs at least 3 n and 3 m, got {len(n)} and {len(m)}")
    bootstrap, cube, direct = bootstrap.seeded(trials.design), trials.cube(), None
    if "direct" in set(trials.table["arm"]):
        direct = Band.of(bootstrap.trials(trial_means(trials.cube(("direct",)))[:, 0]))
    return cube, *bootstrap.cube(cube), direct


@dataclass(frozen=True)
class ErrorSurface(Grid):
    """Figures 2a and 2b: the error at every n and m, direct learning at every m, and Eq. 1 fitted to the whole."""

    surface: ScalingSurface
    surface_materials: ScalingSurface  # over trials and materials
    by_curves: Rate  # at the edge without Eq. 1, over trials
    two: TwoExponents  # Eq. 1 with one exponent more, over trials and materials

    @cached_property
    def rate(self) -> dict:
        """Simulations that one experiment is worth at the largest n and m: ``rate``, ``low``, ``high``, ``low_materials``,
        ``high_materials``; None is infinitely many, or undefined where neither helps."""
        return self.rates(np.array(self.facts.n[-1]), np.array(self.facts.m[-1]))

    def rates(self, n: NDArray, m: NDArray) -> dict:
        """The marginal rate at n and m with its two intervals, as lists of their shape; None where it is not finite."""
        level = self.band.level
        (low, high), (low_materials, high_materials) = (
            surface.rate_interval(n, m, level) for surface in (self.surface, self.surface_materials)
        )
        values = {"rate": self.surface.marginal_rate(n, m), "low": low, "high": high}
        values |= {"low_materials": low_materials, "high_materials": high_materials}
        return {key: json_ready(np.asarray(v, float).tolist()) for key, v in values.items()}

    @property
    def verdict(self) -> Findings:
        """What one measurement is worth at the largest n and m, in words, and whether one exponent more would change it."""
        law, edge = self.surface_materials, (self.facts.n[-1], self.facts.m[-1])
        said = of_surface(self.facts, law.rate(*edge, self.band.level), self.by_curves.identified, law)
        if self.compared is None:
            return said
        rms = self.compared.groupby("model")["rmse"].mean()
        exponents = self.two.beta1, self.two.beta2
        rate = self.two.rate(*edge, self.band.level)
        form = of_form(self.facts, exponents, rate, float(rms["two exponents"]), float(rms["Eq. 1"]))
        return Findings.together([said, form])

    def to_dict(self) -> dict:
        """The payload's record: also the fits, ``marginal_rate`` at every n and m and at the ``edge``, and ``by_curves``."""
        level = self.band.level
        return super().to_dict() | {
            "surface": self.surface.to_dict(level),
            "surface_materials": self.surface_materials.to_dict(level),
            "marginal_rate": self.rates(np.array(self.facts.n)[:, None], np.array(self.facts.m)) | {"edge": self.rate},
            "by_curves": self.by_curves.to_dict(),
            "two_exponents": self.two.to_dict(level) | {"rate": self.two.rate(self.facts.n[-1], self.facts.m[-1], level).to_dict()},
            "verdict": self.verdict.to_dict(),
            "paper": paper("surface"),
        }


def error_surface(trials: Trials, *, bootstrap: Bootstrap = BOOTSTRAP) -> ErrorSurface:
    """The error over n and m, and Eq. 1, in the property's unit. Args are trials with ``transfer`` over both sizes, and how
    intervals are made; ValueError for fewer than three n or m."""
    cube, by_trials, by_materials, direct = _grid(trials, bootstrap)
    surfaces = (resamples.surface(cube.n, cube.m) for resamples in (by_trials, by_materials))
    rate = marginal_rate(cube.n, cube.m, by_trials)
    two = by_materials.surface(cube.n, cube.m, TwoExponents)
    return ErrorSurface(Facts.of(trials), Band.of(by_trials, by_materials), direct, *surfaces, rate, two)


@dataclass(frozen=True)
class Indifference:
    """Curves of equal error in the plane of n and m, a budget line that touches each, and the marginal rate along them, where an
    experiment costs ``cost_ratio`` simulations."""

    surface: ErrorSurface
    cost_ratio: float

    def to_dict(self) -> dict:
        """The payload's record: ``budget_m`` is the line of ``budget_ratio``, the rate at ``anchor``, ``paper_rate_m`` where the
        surface has the paper's rate, ``best_m`` that of the best-spent budgets; numbers that do not exist are None."""
        law, facts = self.surface.surface, self.surface.facts
        (n_low, n_high), (m_low, m_high) = ((grid[0], grid[-1]) for grid in (facts.n, facts.m))
        plane_n = np.geomspace(n_low / BEYOND, n_high * BEYOND, POINTS)
        curves = []
        for share in SHARES:
            n_0, m_0 = n_low ** (1 - share) * n_high**share, m_low ** (1 - share) * m_high**share
            error, ratio = float(law(n_0, m_0)), float(law.marginal_rate(n_0, m_0))
            m = equal_error_m(law, error, plane_n)
            shown = (m >= m_low / BEYOND) & (m <= m_high * BEYOND)
            n, m = plane_n[shown], m[shown]
            outside = (n < n_low * 0.999) | (n > n_high * 1.001) | (m < m_low * 0.999) | (m > m_high * 1.001)
            curve = {"error": error, "anchor": [float(n_0), float(m_0)], "at_n": n.tolist(), "at_m": m.tolist()}
            curve |= self.surface.rates(n, m) | {"extrapolated": outside.tolist(), "budget_ratio": ratio}
            curve["budget_m"] = budget_line_m(n_0, m_0, ratio, plane_n).tolist() if 0 < ratio < np.inf else None
            curves.append(curve)
        printed, ratio = paper("surface"), self.cost_ratio
        return json_ready(
            facts.to_dict(*GRID_FACTS, "overlap")
            | {
                "surface": law.to_dict(self.surface.band.level),
                "curves": curves,
                "plane_n": plane_n.tolist(),
                "edge": self.surface.rate,
                "paper_rate": printed["marginal_rate"],
                "paper_rate_m": equal_rate_m(law, printed["marginal_rate"], plane_n).tolist(),
                "cost_ratio": ratio,
                "best_m": equal_rate_m(law, ratio, plane_n).tolist() if 0 < ratio < np.inf else None,
                "paper": printed,
            }
        )


def indifference(surface: ErrorSurface, cost_ratio: float | None = None) -> Indifference:
    """How both replace each other, where an experiment costs so many simulations; the fitted rate at the data's edge if None."""
    if cost_ratio is None:
        return Indifference(surface, float(surface.surface.marginal_rate(surface.facts.n[-1], surface.facts.m[-1])))
    if not cost_ratio > 0:
        raise ValueError(f"cost_ratio is {cost_ratio}; expected what an experiment costs in simulations, above 0")
    return Indifference(surface, cost_ratio)


@dataclass(frozen=True)
class CurveGrid(Grid):
    """Figures 4b and 4c: the error at every n and m, a law for each curve, the marginal rate and whether n and m interact."""

    split_by: str  # what is never torn apart between training and test rows
    pairs: int  # distinct materials tested
    laws_n: tuple[PowerLaw, ...]  # one a value of m
    laws_m: tuple[PowerLaw, ...]  # one a value of n
    rate: Rate  # what a measurement is worth at the edge
    rate_materials: Rate
    interaction: dict
    interaction_materials: dict  # its verdict is that of the grid

    @property
    def worth(self) -> Findings:
        """What one measurement is worth at the largest n and m, in words."""
        rate = self.rate_materials
        return of_surface(self.facts, Estimate(rate.rate, rate.low, rate.high, level=rate.level), rate.identified)

    @property
    def verdict(self) -> dict[str, str]:
        """``verdict`` on the interaction and its ``text``."""
        record = self.interaction_materials
        enough = self.facts.trials >= FEWEST_TRIALS and self.pairs >= FEWEST_MATERIALS
        text = interaction_words(record) if enough else f"{record['log']['why']}."
        return {"verdict": record["verdict"], "text": text}

    def to_dict(self) -> dict:
        """The payload's record."""
        record = super().to_dict() | {
            "split_by": self.split_by,
            "pairs": self.pairs,
            **{name: [law.to_dict() for law in getattr(self, name)] for name in ("laws_n", "laws_m")},
            **{name: getattr(self, name).to_dict() for name in ("rate", "rate_materials")},
            **{name: getattr(self, name) for name in ("interaction", "interaction_materials")},
            "verdict": self.verdict,
            "worth": self.worth.to_dict(),
            "paper": paper("chi"),
        }
        return json_ready(record)


def curve_grid(trials: Trials, *, bootstrap: Bootstrap = BOOTSTRAP) -> CurveGrid:
    """The error over n and m without Eq. 1, of trials and with errors as :func:`error_surface`."""
    cube, of_trials, of_both, direct = _grid(trials, bootstrap)
    # both stand about the mean over all test predictions
    of_trials = replace(of_trials, mean=of_both.mean)
    pairs = len(cube.materials) if cube.clusters is None else len(np.unique(cube.clusters))
    sides = (of_trials, of_both)
    return CurveGrid(
        Facts.of(trials),
        Band.of(*sides),
        direct,
        trials.study.split_by,
        pairs,
        tuple(fit_power_law(cube.n, curve) for curve in of_both.mean.T),
        tuple(fit_power_law(cube.m, curve) for curve in of_both.mean),
        *(marginal_rate(cube.n, cube.m, side) for side in sides),
        *(interaction(cube.n, cube.m, side, trials=len(cube.trials), materials=pairs) for side in sides),
    )


def interaction_words(record: dict) -> str:
    """What an :func:`~sim2real.laws.substitution.interaction` says of the paper's claim, in a sentence or two."""
    log, absolute = record["log"], record["absolute"]
    gamma = f"gamma {log['value']:+.2g} ({record['level']:.0%}: {log['low']:+.2g} to {log['high']:+.2g})"
    words = {
        "reinforce": f"Simulations and measurements reinforce each other on logarithmic axes: {gamma}. Eq. 1 allows only "
        "gamma >= 0, so it does not hold here.",
        "substitute": f"Simulations and measurements replace each other: {gamma}, curves in n get flatter as m grows.",
        UNTOLD: f"Whether simulations and measurements reinforce each other cannot be told: {gamma}; {log['why']}. "
        "Eq. 1 is not refuted.",
    }[log["verdict"]]
    change = f"{absolute['value']:+.2g} ({absolute['low']:+.2g} to {absolute['high']:+.2g}) per decade of both"
    return f"{words} In absolute error, where Eq. 1 is above 0: {absolute['verdict']}, {change}."
