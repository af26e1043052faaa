"""Learners side by side on the same test materials: every arm, several m, simulators, and ways of splitting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim2real.chemistry.simulators.wiedemann_franz import NON_WF, WF
from sim2real.laws.bootstrap import BOOTSTRAP, Bootstrap, Difference, paired_difference, paired_over_draws
from sim2real.laws.records import Band, Facts
from sim2real.training.baselines import CORRECTED, NEED_SIMULATED
from sim2real.training.study import Study, Trials, splits

# arms that take a simulator's own value of what is tested, in words
_OWN_VALUE = {"law": "its value as it is", "simulator": "its value on a line"}
_OWN_VALUE |= {"delta": "delta learning", "multifidelity": "its value as an input"}
SPLIT_WORDS = {"row": "by row (a pair's other rows may train)", "pair": "by pair", "solvent": "by solvent", "polymer": "by polymer"}


@dataclass(frozen=True)
class Arm:
    """An arm beside transfer: its error (None where untested), the compounds it predicts, transfer's error on the same ones, and
    transfer - this paired over trials, None for transfer itself or fewer than two trials."""

    mae: float | None
    compounds: int
    transfer_there: float | None
    difference: Difference | None

    def to_dict(self) -> dict:
        """The attributes, with ``transfer_minus_this``."""
        values = {name: getattr(self, name) for name in ("mae", "compounds", "transfer_there")}
        return values | {"transfer_minus_this": None if self.difference is None else self.difference._asdict()}


@dataclass(frozen=True)
class ArmTable:
    """Every arm by name, ``transfer, keep`` and ``transfer, drop`` first, on one subset of the test compounds at the largest n.
    With ``one_property``, that of source and target, ``law`` is a simulated value and no law."""

    facts: Facts
    subset: str
    one_property: bool
    compounds: int
    n: int
    m: int
    arms: dict[str, Arm]

    def to_dict(self) -> dict:
        """The payload's record."""
        values = {name: getattr(self, name) for name in ("subset", "one_property", "compounds", "n", "m")}
        values["arms"] = {name: arm.to_dict() for name, arm in self.arms.items()}
        return self.facts.to_dict("study", "property", "label", "unit", "overlap", "trials") | values


def compare_arms(
    runs: Mapping[str, Trials], *, subsets: Mapping[str, NDArray] | None = None, m: int | None = None
) -> list[ArmTable]:
    """Transfer at the largest n beside every other arm, on the same test compounds: a table for each subset with a tested compound.

    Args are ``runs``, trials by the choice of overlap (the first with ``transfer`` and whatever else, the others ``transfer``);
    ``subsets``, rows of the target by name (if None all, and where the table has conductivities those with known kappa and the
    groups of the Wiedemann-Franz law); ``m``, the largest of the first design if None. KeyError for no trials of transfer at it.
    """
    trials = next(iter(runs.values()))
    design, table = trials.design, trials.study.target.table
    m = max(design.m_grid) if m is None else m
    arms = {f"transfer, {overlap}": _errors(run, "transfer", m) for overlap, run in runs.items()}
    arms |= {arm: _errors(trials, arm, m) for arm in trials.table["arm"].unique() if arm != "transfer"}
    transfer = next(iter(arms.values()))
    if subsets is None:
        subsets = {"all": np.arange(len(table))}
        if "log_kappa" in table:
            subsets["kappa known"] = np.flatnonzero(np.isfinite(table["log_kappa"]))
            subsets |= {name: np.flatnonzero(table["wf"] == name) for name in (WF, NON_WF)}
    same, facts = trials.study.source.property == trials.study.target.property, Facts.of(trials)
    own = BOOTSTRAP.seeded(design)
    return [
        ArmTable(facts, name, same, tested, design.n_grid[-1], m, {arm: _arm(transfer, e, rows, own) for arm, e in arms.items()})
        for name, rows in subsets.items()
        if (tested := _tested(transfer, rows))
    ]


def candidate_arms(trials: Trials, m: int, rows: NDArray | None = None, bootstrap: Bootstrap = BOOTSTRAP) -> dict[str, Arm]:
    """The arms that learn from the tested material's own simulated value, those that were run, beside transfer at the largest n on
    the materials that have one; ``rows`` of the target are all if None, ``bootstrap`` knows the trials' source draws.
    """
    rows, transfer = np.arange(len(trials.study.target)) if rows is None else rows, _errors(trials, "transfer", m)
    run = trials.table["arm"].unique()
    return {arm: _arm(transfer, _errors(trials, arm, m), rows, bootstrap) for arm in CORRECTED if arm in run}


def _errors(trials: Trials, arm: str, m: int) -> pd.Series:
    """Absolute errors of an arm, indexed by (trial, material), at the largest n for ``transfer``; of arms that need a simulated
    value where there is one: what they fall back on elsewhere would be compared in their name.
    """
    cube = trials.cube((arm,), m=m)
    index = pd.MultiIndex.from_product([cube.trials, cube.materials], names=["trial", "material"])
    errors = pd.Series(cube.errors[:, :, -1, 0].ravel(), index).dropna()
    if arm not in NEED_SIMULATED:
        return errors
    return errors[np.isfinite(trials.study.simulated_target)[errors.index.get_level_values("material")]]


def _tested(errors: pd.Series, rows: NDArray) -> int:
    materials = errors.index.get_level_values("material")
    return int(materials[materials.isin(rows)].nunique())


def _arm(transfer: pd.Series, errors: pd.Series, rows: NDArray, own: Bootstrap) -> Arm:
    both = pd.DataFrame({"transfer": transfer, "other": errors}).dropna()
    means = both[both.index.get_level_values("material").isin(rows)].groupby(level="trial").mean()
    compounds = _tested(errors, rows)
    if means.empty:
        return Arm(None, compounds, None, None)
    paired = transfer is not errors and len(means) > 1
    blocks = own.blocks(means.index.to_numpy())
    difference = paired_difference(means["transfer"], means["other"], blocks) if paired else None
    return Arm(float(means["other"].mean()), compounds, float(means["transfer"].mean()), difference)


def compare_sizes(runs: Sequence[Trials]) -> list[dict]:
    """Transfer from the largest n minus direct learning, paired over trials, a record for each m; each run has one m, one choice of
    overlap, and the arms ``transfer`` and ``direct``."""
    records: dict[int, dict] = {}
    for trials in runs:
        (m,), design = trials.design.m_grid, trials.design
        transfer, direct = trials.errors("transfer", m)[:, -1], trials.errors("direct", m)
        record = records.setdefault(m, {"m": m, "trials": design.trials, "direct": float(direct.mean()), "transfer": {}})
        difference = paired_over_draws(trials, transfer, direct)._asdict()
        record["transfer"][design.overlap] = {"n": design.n_grid[-1], "mae": float(transfer.mean()), "difference": difference}
    return list(records.values())


def compare_simulators(by_simulator: Mapping[str, Trials], m: int | None = None) -> pd.DataFrame:
    """Direct learning, baselines and transfer at every n of each simulator, whose trials are ``by_simulator``, on the same splits:
    ``MAE``, ``minus direct`` and its ``standard error``, paired over ``trials``, for transfer over source draws.
    ``m`` is the largest of the first design if None. ValueError where the simulators' trials do not test the same rows."""
    first = next(iter(by_simulator))
    m = max(by_simulator[first].design.m_grid) if m is None else m
    tested = {name: _errors(trials, "transfer", m).index for name, trials in by_simulator.items()}
    if unlike := [name for name, rows in tested.items() if not rows.equals(tested[first])]:
        raise ValueError(f"trials of {unlike[0]} test other rows than those of {first}: the splits are not the same")
    rows, shown = [], None
    for name, trials in by_simulator.items():
        direct, arms = trials.errors("direct", m), trials.table["arm"].unique()
        if shown is None or not np.allclose(direct, shown):
            # studies that are not tuned alike have their own direct learning
            own = "none" if shown is None else f"none, tuned as for {name}"
            shown = direct if shown is None else shown
            rows.append({"simulator": own, "learner": "direct", "n": 0, "MAE": direct.mean()})
            learners = [arm for arm in arms if arm not in ("transfer", "direct", *_OWN_VALUE)]
            rows += [_row(own, arm, 0, e := trials.errors(arm, m), paired_difference(e, direct)) for arm in learners]
        given = {words: trials.errors(arm, m) for arm, words in _OWN_VALUE.items() if arm in arms}
        rows += [_row(name, words, 0, e, paired_difference(e, direct)) for words, e in given.items()]
        along = zip(trials.design.n_grid, trials.errors("transfer", m).T)
        rows += [_row(name, "transfer", n, e, paired_over_draws(trials, e, direct)) for n, e in along]
    return pd.DataFrame(rows).set_index(["simulator", "learner", "n"])


def _row(simulator: str, learner: str, n: int, errors: NDArray, difference: Difference) -> dict:
    own = {"simulator": simulator, "learner": learner, "n": n, "MAE": errors.mean()}
    return own | {"minus direct": difference.mean, "standard error": difference.standard_error, "trials": difference.trials}


@dataclass(frozen=True)
class Split:
    """What one way of splitting says of direct learning and transfer, and what test rows have in common with training rows."""

    facts: Facts
    rule: str
    first_side: str  # what stands beside the solvent in a pair
    m: int
    n: tuple[int, ...]  # the smallest and the largest
    direct: Band
    transfer: Band
    differences: tuple[Difference, ...]  # transfer - direct at these n, paired over trials
    shared: dict[str, float]  # mean share of test rows whose label in a column a training row has too

    def to_dict(self) -> dict:
        """The payload's record."""
        bands = self.transfer.to_dict()
        return self.facts.to_dict("study", "property", "label", "unit", "source", "target", "overlap", "trials") | {
            "split": self.rule,
            "words": SPLIT_WORDS.get(self.rule, f"by {self.rule}").replace("polymer", self.first_side),
            "first_side": self.first_side,
            "m": self.m,
            "n": list(self.n),
            "direct": self.direct.to_dict(),
            "transfer": [{name: values[k] for name, values in bands.items()} for k in range(len(self.n))],
            "differences": [difference._asdict() for difference in self.differences],
            "shared": self.shared,
        }


def compare_splits(by_rule: Mapping[str, Trials], *, bootstrap: Bootstrap = BOOTSTRAP) -> list[Split]:
    """What the way of splitting measured rows changes, from trials of ``transfer`` and ``direct`` by the rule's name; by row, pairs
    are tested that were trained on at another temperature."""
    found = []
    for rule, trials in by_rule.items():
        design, own = trials.design, bootstrap.seeded(trials.design)
        m, ends, blocks = max(design.m_grid), sorted({0, len(design.n_grid) - 1}), own.blocks(trials.numbers)
        direct, transfer = trials.errors("direct", m), trials.errors("transfer", m)[:, ends]
        n, bands = tuple(design.n_grid[k] for k in ends), (Band.of(own.trials(direct)), Band.of(own.trials(transfer, blocks)))
        differences = tuple(paired_difference(errors, direct, blocks) for errors in transfer.T)
        side, shared = first_side(trials.study), shared_with_training(trials)
        found.append(Split(Facts.of(trials), rule, side, m, n, *bands, differences, shared))
    return found


def first_side(study: Study) -> str:
    """What stands beside the solvent in a pair."""
    return "polymer" if study.target.property.name == "chi" else "solute"


def shared_with_training(trials: Trials, columns: tuple[str, ...] = ("pair", "solvent_key", "polymer_key")) -> dict[str, float]:
    """The mean share of test rows of which some training row, at the largest m, has the same label: what a split leaks."""
    study, design, m = trials.study, trials.design, max(trials.design.m_grid)
    of_trials, shares = splits(study, design.seed, range(design.trials)), {}
    for column in columns:
        if column in study.target.table:
            labels = study.target.table[column].to_numpy()
            shares[column] = float(np.mean([np.isin(labels[test], labels[train[:m]]).mean() for train, test in of_trials]))
    return shares
