"""Ways to spend on simulations, class by class, by what is known so far: what a replay of growth compares."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim2real.laws.design import allocate_classes
from sim2real.laws.verdicts import WORTHWHILE

UNIFORM, MEASURED, SCALABLE, GREEDY = "as many of each", "as measured", "scalable classes first", "by the law"


class Seen(NamedTuple):
    """What is known when the next simulations are bought."""

    counts: NDArray  # (steps, C) simulations of each class in every set that was learned from so far
    errors: NDArray  # (steps, C) error of each class on measured validation materials, NaN where it has none
    shares: NDArray  # (C,) of each class among the measured materials that are not tested
    left: NDArray  # (C,) simulations of each class that can still be made
    prices: NDArray  # (C,)


def _filled(weights: NDArray, money: float, seen: Seen) -> NDArray:
    """How many more of each class money buys in proportion to weights, no more than can be made; what is left over goes on."""
    more = np.zeros(len(weights))
    for _ in range(len(weights)):
        free = (more < seen.left) & (weights > 0)
        rest = money - seen.prices @ more
        if not free.any() or rest <= 1e-9:
            break
        part = np.where(free, weights, 0.0)
        more = np.minimum(more + rest * part / (part @ seen.prices), seen.left)
    return more


def as_many(seen: Seen, money: float) -> NDArray:
    """As many of each class."""
    return _filled(np.ones(len(seen.left)), money, seen)


def as_measured(seen: Seen, money: float) -> NDArray:
    """Each class by its share of the measured materials."""
    return _filled(seen.shares, money, seen)


def scalable_first(seen: Seen, money: float) -> NDArray:
    """The paper's advice (end of Results): as many of each class whose error fell by a worthwhile part when it last grew, the
    others after them."""
    fell = 1 - seen.errors[-1] / seen.errors[-2] >= WORTHWHILE
    more = _filled(fell.astype(float), money, seen)
    return more + as_many(seen._replace(left=seen.left - more), money - seen.prices @ more)


def by_law(seen: Seen, money: float) -> NDArray:
    """Where the next simulation lowers the expected error most for its price, by D_c n^-alpha with one exponent for all classes,
    which few measured materials a class can tell, fitted to all that has been seen."""
    known = ~np.isnan(seen.errors)
    x, y = np.log(seen.counts), np.log(np.where(known, seen.errors, 1.0))
    mean = [(v * known).sum(axis=0) / np.maximum(known.sum(axis=0), 1) for v in (x, y)]
    dx, dy = ((v - of) * known for v, of in zip((x, y), mean))
    # of one size nothing scales that is known
    alpha = float(np.clip(-(dx * dy).sum() / spread, 0.01, 1.0)) if (spread := (dx**2).sum()) else 0.0
    d = np.where(known.any(axis=0), np.exp(mean[1] + alpha * mean[0]), 0.0)
    laws = np.stack([d, np.full(len(d), alpha), np.zeros(len(d))], axis=1)
    have = seen.counts[-1]
    wanted = allocate_classes(laws, seen.shares, seen.prices, money + seen.prices @ have, have) - have
    return _filled(np.maximum(wanted, 0.0), money, seen)


POLICIES: dict[str, Callable[[Seen, float], NDArray]] = {
    UNIFORM: as_many,
    SCALABLE: scalable_first,
    MEASURED: as_measured,
    GREEDY: by_law,
}
