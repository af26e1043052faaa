"""The error against one size: curves with bands and laws, beside direct learning and the baselines."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sim2real.laws import findings
from sim2real.laws.arms import Arm, candidate_arms
from sim2real.laws.bootstrap import BOOTSTRAP, Bootstrap, Difference, paired_difference, trial_means
from sim2real.laws.power import PowerLaw
from sim2real.laws.records import DATA_FACTS, Band, Facts
from sim2real.training.study import Trials

# how far the law is drawn beyond the data: there is a point where it begins to be more than a forecast
BEYOND = np.concatenate([np.geomspace(1, findings.FAR, 9), np.geomspace(findings.FAR, 10, 9)[1:]])


@dataclass(frozen=True)
class Curve:
    """Errors against one size, their band, and power laws of the mean curve over trials and over both, where fitted."""

    along: str
    sizes: tuple[int, ...]
    at: int
    band: Band
    law: PowerLaw | None = None
    law_materials: PowerLaw | None = None

    def to_dict(self) -> dict:
        """``n``, ``m``, and the band."""
        other = "m" if self.along == "n" else "n"
        return {self.along: list(self.sizes), other: self.at} | self.band.to_dict()


@dataclass(frozen=True)
class Level:
    """The error of an arm that has no n: its band over trials, and transfer at the largest n minus it."""

    band: Band
    difference: Difference

    def to_dict(self) -> dict:
        """The band and ``transfer_minus_this``."""
        return self.band.to_dict() | {"transfer_minus_this": self.difference._asdict()}


@dataclass(frozen=True)
class Gains:
    """What a database buys, paired over trials (negative is a gain): ``own`` by holding the materials that are asked about, whole
    database - database without them; ``rest`` by all the others, database without them - direct learning."""

    own: Difference
    rest: Difference

    @classmethod
    def of(cls, kept: ArrayLike, dropped: ArrayLike, direct: ArrayLike, blocks: ArrayLike | None = None) -> Gains:
        """From (trials,) errors with the whole database, without the target's materials, and of direct learning;
        ``blocks`` (trials,) label source draws."""
        return cls(paired_difference(kept, dropped, blocks), paired_difference(dropped, direct, blocks))

    def to_dict(self) -> dict:
        """``own`` and ``rest``, each with mean, standard error and trials."""
        return {"own": self.own._asdict(), "rest": self.rest._asdict()}


@dataclass(frozen=True)
class LearningCurve:
    """One panel of Fig. 1b: the error against n at one m, its law, every other arm that was run, and what it says in words.
    ``other`` is the curve with the other choice of overlap (None where nothing overlaps), ``gains`` what each part of the database
    buys, where known; ``candidates`` the arms that simulate each tested material, on the ``simulated`` ones of the ``tested``."""

    facts: Facts
    curve: Curve
    arms: dict[str, Level]
    verdict: findings.Findings
    other: Curve | None = None
    gains: Gains | None = None
    candidates: dict[str, Arm] = field(default_factory=dict)
    tested: int = 0
    simulated: int = 0

    @property
    def law(self) -> PowerLaw:
        """The law with intervals over trials."""
        return self.curve.law

    @property
    def forecast(self) -> dict[str, list | float] | None:
        """The law beyond the data with its band over trials: ``n`` up to ten times the largest, ``mae``, ``low``, ``high``, and
        ``far``, from where on it is more than an extrapolation should be asked for; None without a law or its resamples."""
        if self.law.status == "FAILED" or self.law.replicates is None:
            return None
        n = self.curve.sizes[-1] * BEYOND
        low, high = self.law.band(n, self.curve.band.level)
        values = {"n": n, "mae": self.law(n), "low": low, "high": high}
        return {name: value.tolist() for name, value in values.items()} | {"far": findings.FAR * self.curve.sizes[-1]}

    def report(self) -> pd.DataFrame:
        """Errors and bands in the property's unit: a row for every n of transfer and for every other arm (n = 0)."""
        rows = {(arm, 0): level.band.to_dict() for arm, level in self.arms.items()}
        values = self.curve.band.to_dict()
        rows |= {("transfer", n): {k: v[i] for k, v in values.items()} for i, n in enumerate(self.curve.sizes)}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["learner", "n"])

    def to_dict(self) -> dict:
        """The payload's record."""
        level, other = self.curve.band.level, None
        if self.other is not None:
            other = {"overlap": "drop" if self.facts.overlap == "keep" else "keep"} | self.other.to_dict()
            other["gains"] = None if self.gains is None else self.gains.to_dict()
        return self.facts.to_dict(*DATA_FACTS, "trials", "source_draws") | {
            "curve": self.curve.to_dict(),
            "law": self.curve.law.to_dict(level),
            "law_materials": None if self.curve.law_materials is None else self.curve.law_materials.to_dict(level),
            "arms": {arm: values.to_dict() for arm, values in self.arms.items()},
            "candidates": {arm: values.to_dict() for arm, values in self.candidates.items()},
            "tested": self.tested,
            "simulated": self.simulated,
            "other_overlap": other,
            "verdict": self.verdict.to_dict(),
            "forecast": self.forecast,
        }


def learning_curve(
    trials: Trials,
    m: int | None = None,
    *,
    other: Trials | None = None,
    rows: NDArray | None = None,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> LearningCurve:
    """The error against n at one m, its bands over trials and over trials and materials, its law, and every other arm.

    Args are trials of ``transfer`` and whatever else; ``m``, the largest if None; ``other``, the same with the other choice of
    overlap; ``rows``, row numbers of the target, all if None. KeyError for no trials of transfer at that m, ValueError for fewer
    than three n, two trials or two materials.
    """
    m = max(trials.design.m_grid) if m is None else m
    bootstrap = bootstrap.seeded(trials.design)
    cube = trials.cube(m=m, rows=rows)
    by_trials, by_materials = (r.at(np.s_[:], 0) for r in bootstrap.cube(cube))
    band = Band.of(by_trials, by_materials)
    curve = Curve("n", cube.n, m, band, by_trials.law(cube.n), by_materials.law(cube.n))
    errors, blocks = {"transfer": trial_means(cube)[:, -1, 0]}, bootstrap.blocks(cube.trials)
    names = trials.table["arm"].unique()
    errors |= {arm: trial_means(trials.cube((arm,), m=m, rows=rows))[:, 0, 0] for arm in names if arm != "transfer"}
    arms = {
        arm: Level(Band.of(bootstrap.trials(values)), paired_difference(errors["transfer"], values, blocks))
        for arm, values in errors.items()
        if arm != "transfer"
    }
    facts, changes = Facts.of(trials), (by_materials.change(), by_trials.change())
    alone = (float(arms["direct"].band.mae), arms["direct"].difference) if "direct" in arms else None
    candidates, values = candidate_arms(trials, m, rows, bootstrap), trials.study.simulated_target
    known = 0 if values is None else int(np.isin(cube.materials, np.flatnonzero(np.isfinite(values))).sum())
    of_own = {"candidates": candidates, "tested": len(cube.materials), "simulated": known}
    said = findings.of_curve(
        facts, cube.n, m, curve.law_materials, changes, float(band.mae[-1]), alone, candidates, len(cube.materials)
    )
    if other is None:
        return LearningCurve(facts, curve, arms, said, **of_own)
    of_other = other.cube(m=m, rows=rows)
    means = trial_means(of_other)[:, :, 0]
    ends = (errors["transfer"], means[:, -1])
    kept, dropped = ends if trials.design.overlap == "keep" else ends[::-1]
    gains = Gains.of(kept, dropped, errors["direct"], blocks) if "direct" in errors else None
    second = Curve("n", of_other.n, m, Band.of(bootstrap.trials(means, bootstrap.blocks(of_other.trials))))
    return LearningCurve(facts, curve, arms, said, second, gains, **of_own)


@dataclass(frozen=True)
class TargetSizes:
    """Error against m: transfer from the largest n, direct learning, and transfer - direct at each m, paired over trials."""

    facts: Facts
    transfer: Curve
    direct: Curve
    differences: tuple[Difference, ...]

    def to_dict(self) -> dict:
        """The payload's record."""
        return self.facts.to_dict("study", "property", "label", "unit", "trials", "source_draws") | {
            "n": self.transfer.at,
            "m": list(self.transfer.sizes),
            "transfer": self.transfer.band.to_dict(),
            "direct": self.direct.band.to_dict(),
            "transfer_minus_direct": [difference._asdict() for difference in self.differences],
        }


def target_sizes(trials: Trials, *, bootstrap: Bootstrap = BOOTSTRAP) -> TargetSizes:
    """Whether simulations help where measurements are few: the error against m, of trials with ``transfer`` and ``direct``."""
    bootstrap = bootstrap.seeded(trials.design)
    cubes = {arm: trials.cube((arm,)) for arm in ("transfer", "direct")}
    errors = {arm: trial_means(cube)[:, -1] for arm, cube in cubes.items()}
    n, m = cubes["transfer"].n[-1], cubes["transfer"].m
    blocks = bootstrap.blocks(cubes["transfer"].trials)
    of = (("transfer", n, blocks), ("direct", 0, None))
    curves = [Curve("m", m, at, Band.of(bootstrap.trials(errors[arm], drawn))) for arm, at, drawn in of]
    differences = tuple(paired_difference(a, b, blocks) for a, b in zip(errors["transfer"].T, errors["direct"].T))
    return TargetSizes(Facts.of(trials), *curves, differences)
