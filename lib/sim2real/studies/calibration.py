"""Intervals of predictions for pairs, by what is new in a question: errors of networks that never saw it, and their quantiles."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim2real.chemistry.descriptors.pairs import SIDES
from sim2real.training.seeding import numpy_generator
from sim2real.training.study import Study

FOLDS = 10  # parts of what was measured, of which each is once left out
# added to a spread, in usual spreads: networks that agree may all be wrong (of 0, 1/4, 1/2, 1, 2 and 4 it gave narrow intervals)
FLOOR = 2.0
# what is new in a question -> of which errors its interval must hold: of nothing new, those of a new pair
WITHIN = {
    "": ("pair",),
    "pair": ("pair",),
    "solvent": ("pair", "solvent"),
    "polymer": ("pair", "polymer"),
    "both": ("pair", "solvent", "polymer", "both"),
}
_GROUPS = {"pair": "key", "solvent": "solvent_key", "polymer": "polymer_key", "both": "polymer_key"}


def half_widths(new: str, spread: NDArray, unseen: pd.DataFrame, level: float) -> NDArray:
    """How far intervals of that level reach to either side (rows,) where that is new (of :data:`WITHIN`).

    The split conformal quantile (Lei et al., J. Am. Stat. Assoc. 113, 1094 (2018)) of errors over spreads. Rows of a molecule are
    not exchangeable, so the count in its correction is that of molecules, or pairs; a new polymer's quantile takes each measured
    polymer once, in however many solvents it was measured (hierarchical conformal prediction, Lee et al., arXiv:2306.06342).

    Args:
        spread: standard deviation of the networks (rows,), in the unit of the result.
        unseen: a row for an error of networks that did not see it: ``new``, ``error``, ``spread`` and three columns of keys.
    """
    halves = []
    for part in WITHIN[new]:
        own = unseen[unseen["new"] == part]
        if len(own):
            floor = FLOOR * own["spread"].median()
            corrected = level * (1 + 1 / own[_GROUPS[part]].nunique())
            counts_once = "polymer_key" if _GROUPS[part] == "polymer_key" else own.index
            weight = 1 / own.groupby(counts_once)["error"].transform("size").to_numpy()
            scores = (own["error"] / (own["spread"] + floor)).to_numpy()
            order = np.argsort(scores)
            place = np.searchsorted(np.cumsum(weight[order]) / weight.sum(), corrected)
            halves.append(scores[order][min(place, len(own) - 1)] * (spread + floor))
    return np.max(halves, axis=0)


def cross_coverage(unseen: pd.DataFrame, level: float) -> pd.DataFrame:
    """How often intervals hold the errors that they are made of, each of twenty groups of molecules, or pairs, by the others'.

    A row for what is new: ``covered`` (share of rows), ``of groups`` (the mean over polymers, solvents or pairs), ``level``,
    ``rows``, ``mae`` and the median ``width``.
    """
    held = []
    for what, own in unseen.groupby("new"):
        keys = _GROUPS[what]
        numbers = pd.factorize(own[keys])[0] % 20
        for number in np.unique(numbers):
            tested = own[numbers == number]
            others = unseen[~unseen[keys].isin(tested[keys])]
            half = half_widths(what, tested["spread"].to_numpy(), others, level)
            held.append(tested.assign(covered=tested["error"] <= half, width=2 * half))
    return by_new(pd.concat(held), level)


@dataclass(frozen=True)
class Folds:
    """The fold, 0 to 9, of every measured molecule, whichever side it is on, and of every measured pair."""

    molecules: dict[str, int]
    pairs: dict[str, int]

    @classmethod
    def of(cls, table: pd.DataFrame, seed: int, purpose: str) -> Folds:
        """Random folds of a study's target, by its table."""
        rng = numpy_generator(seed, purpose)
        molecules = pd.unique(np.concatenate([rng.permutation(table[f"{side}_key"].unique()) for side in SIDES]))
        return cls(
            *({key: k % FOLDS for k, key in enumerate(keys)} for keys in (molecules, rng.permutation(table["key"].unique())))
        )

    def new(self, table: pd.DataFrame, fold: int) -> NDArray:
        """What of each row belongs to a fold (rows,): one of :data:`WITHIN`."""
        polymer, solvent = (table[f"{side}_key"].map(self.molecules).eq(fold).to_numpy() for side in SIDES)
        return what_is_new(polymer, solvent, table["key"].map(self.pairs).eq(fold).to_numpy())

    def without(self, study: Study, fold: int) -> Study:
        """The study without measurements and simulations of what belongs to a fold: of a new molecule there are none either."""
        sides = (side.select(np.flatnonzero(self.new(side.table, fold) == "")) for side in (study.source, study.target))
        return replace(study, **dict(zip(("source", "target"), sides)))


def what_is_new(polymer: NDArray, solvent: NDArray, pair: NDArray | bool) -> NDArray:
    """The word of :data:`WITHIN` (rows,) for which of them are new (rows,)."""
    return np.select([polymer & solvent, polymer, solvent, pair], ["both", "polymer", "solvent", "pair"], "")


def by_new(held: pd.DataFrame, level: float) -> pd.DataFrame:
    """Coverage of rows with their error, by what is new."""
    rows = {}
    for what in WITHIN:
        own = held[held["new"] == what]
        if len(own):
            of_groups = own.groupby(_GROUPS[what or "pair"])["covered"].mean().mean()
            row = {"covered": own["covered"].mean(), "of groups": of_groups, "level": level, "rows": len(own)}
            row |= {"mae": own["error"].mean(), "width": own["width"].median()}
            rows[what or "nothing"] = row | ({"warned": own["warned"].mean()} if "warned" in own else {})
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("new")
