"""What to buy next: the simulations and measurements that a budget buys at the least expected error, and which class to grow.

On the line of a budget the error is convex, as n^-a m^-b is, so its minimum is where another unit of money lowers it as much one
way as the other: (dR/dm) / (dR/dn) is the ratio of the prices (Minami et al., npj Computational Materials 11, 146 (2025), Eq. 4).
Without B the money is shared as the exponents, alpha to beta (Cobb and Douglas, American Economic Review 18, 139 (1928)).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim2real.laws.findings import FAR, Finding, Findings
from sim2real.laws.grid import ErrorSurface
from sim2real.laws.records import Facts, json_ready
from sim2real.laws.surface import evaluate, rates
from sim2real.laws.verdicts import told

NEXT = 0.1  # part of the new money that "the next" is, if nothing else is said
_HALVINGS = 80
_LEAST = 1e-4  # a smaller part is no number to give
_SHARES = np.linspace(0, 1, 41)
_EDGE = 1e-6  # relative distance from the end of the budget line at which an optimum lies on it


@dataclass(frozen=True)
class Prices:
    """What one more simulation and one more measurement cost, in one unit of money; ValueError unless finite and above 0."""

    simulation: float
    measurement: float
    unit: str = "units of money"

    def __post_init__(self) -> None:
        for name in ("simulation", "measurement"):
            if not (np.isfinite(price := getattr(self, name)) and price > 0):
                raise ValueError(f"the price of a {name} is {price}; expected a finite number above 0")

    def of(self, n: ArrayLike, m: ArrayLike) -> ArrayLike:
        """What n simulations and m measurements cost."""
        return self.simulation * n + self.measurement * m


def best_split(laws: NDArray, prices: Prices, budget: float, have: tuple[float, float]) -> tuple[NDArray, NDArray]:
    """The n and m (...) of the least error of laws (..., 5) or (..., 6), as :func:`~sim2real.laws.surface.evaluate` takes them,
    that cost ``budget`` and are no fewer than those that there are: by bisection of the marginal rate along the line."""
    low = np.full(np.shape(laws)[:-1], float(have[0]))
    high = np.full(low.shape, (budget - prices.measurement * have[1]) / prices.simulation)
    for _ in range(_HALVINGS):
        n = (low + high) / 2
        # where the error falls with neither, nothing is bought
        more = rates(laws, n, (budget - prices.simulation * n) / prices.measurement) < prices.measurement / prices.simulation
        low, high = np.where(more, n, low), np.where(more, high, n)
    n = (low + high) / 2
    return n, (budget - prices.simulation * n) / prices.measurement


def whole_split(law: NDArray, prices: Prices, budget: float, have: tuple[int, int]) -> tuple[int, int]:
    """:func:`best_split` of one law in whole numbers that the budget pays for: the best of its neighbours."""
    n, m = (float(v) for v in best_split(law, prices, budget, have))
    tried = [(max(have[0], floor((budget - prices.measurement * k) / prices.simulation)), k) for k in (floor(m), floor(m) + 1)]
    tried += [(k, max(have[1], floor((budget - prices.simulation * k) / prices.measurement))) for k in (floor(n), floor(n) + 1)]
    paid = [(k, j) for k, j in tried if k >= have[0] and j >= have[1] and prices.of(k, j) <= budget * (1 + 1e-12)]
    return min(paid or [have], key=lambda size: float(evaluate(law, *size)))


@dataclass(frozen=True)
class Split:
    """What one form of the law says of a budget: whole ``n`` and ``m``, the error there, and how sure that is over resamples.

    Intervals ``n_range``, ``m_range``, ``error_range`` are percentiles of the resamples' own optima, and of their errors at n and
    m; ``no_more_n`` and ``no_more_m`` shares of resamples whose optimum lies on that end of the line; ``lost`` by how much,
    relative, the error at n and m exceeds a resample's own least one (the upper end of a one-sided interval). ``line`` is the
    error, with its ends, over the shares of the new money that go to simulations, ``next`` its change by the next money.
    """

    form: str
    n: int
    m: int
    error: float
    now: float
    n_range: tuple[float, float]
    m_range: tuple[float, float]
    error_range: tuple[float, float]
    no_more_n: float
    no_more_m: float
    lost: float
    gain: tuple[float, float]  # change of the error's logarithm by all of the money, and its standard error
    line: dict[str, list[float]]
    next: dict[str, float]
    flat: bool  # whether the law falls with neither
    over: float = 0.0  # by how much, relative, its error exceeds that of the first form's split, by the first form


@dataclass(frozen=True)
class Allocation:
    """What a budget, of which ``have`` are bought already, should be spent on; ``splits`` by both forms of the law, that which
    predicts held-back cells better first."""

    facts: Facts
    prices: Prices
    budget: float
    have: tuple[int, int]
    step: float
    level: float
    splits: tuple[Split, ...]

    @property
    def best(self) -> Split:
        """By the form that predicts held-back cells better."""
        return self.splits[0]

    @property
    def verdict(self) -> Findings:
        """What to buy, and what the next money buys, in words; "cannot be told" by the one rule."""
        return Findings((self._spend(), self._next()))

    def _spend(self) -> Finding:
        of, facts, prices, (n_0, m_0) = self.best, self.facts, self.prices, self.have
        unit, new = "" if facts.unit == "-" else f" {facts.unit}", self.budget - prices.of(*self.have)
        money = f"{new:,.6g} more {prices.unit} (a simulation {prices.simulation:,.3g}, a measurement {prices.measurement:,.3g})"
        numbers = {"n": of.n, "m": of.m, "lost": of.lost}
        if of.flat:
            text = f"How {money} are best spent cannot be told: by {of.form} the error falls with neither size."
            return Finding("budget", text, False, numbers, facts.label)
        is_told = told(*of.gain, facts.trials)
        ends = [_ends(low - have, high - have) for (low, high), have in ((of.n_range, n_0), (of.m_range, m_0))]
        text = (
            f"{money} are best spent on {of.n - n_0:,} more simulations ({ends[0]}) and {of.m - m_0:,} more measurements "
            f"({ends[1]}): by {of.form} the error falls from {of.now:.3g} to {of.error:.3g}{unit} ({of.error_range[0]:.3g} to "
            f"{of.error_range[1]:.3g}){'' if is_told else '; whether it falls by that cannot be told'}. Were the law another of "
            f"its resamples, this split would cost {'up to ' * (of.lost >= _LEAST)}{_percent(of.lost)} of error."
        )
        for o in self.splits[1:]:
            same = (o.n, o.m) == (of.n, of.m)
            text += f" By {o.form} it is " + ("the same." if same else f"{o.n - n_0:,} and {o.m - m_0:,}: if {of.form} holds, ")
            text += "" if same else f"{_percent(o.over)} of error more."
        far = [word for size, most, word in ((of.n, facts.n[-1], "n"), (of.m, facts.m[-1], "m")) if size > FAR * most]
        text += f" That is beyond {FAR:.0f} times the largest {' and '.join(far)} that was seen." if far else ""
        return Finding("budget", text, is_told, numbers, facts.label)

    def _next(self) -> Finding:
        of, (x, y) = self.best.next, _bought(self.prices, self.step)
        better, part = "measurements" if of["difference"] > 0 else "simulations", 100 * of["share"]
        others = [o.form for o in self.splits[1:] if (o.next["difference"] > 0) != (of["difference"] > 0)]
        is_told = told(of["difference"], of["standard_error"], self.facts.trials) and not others
        lower = f"{x:,} simulations lower the error by {_percent(-of['simulations'])}, {y:,} measurements by "
        text = f"The next {self.step:,.6g} {self.prices.unit}: {lower}{_percent(-of['measurements'])}; "
        text += f"{'' if is_told else 'which is better cannot be told: '}{better} in {part:.0f} % of resamples"
        text += "".join(f", the other by {form}" for form in others)
        return Finding("next", f"{text}.", is_told, of, self.facts.label)

    def to_dict(self) -> dict:
        """The payload's record."""
        record = self.facts.to_dict("study", "property", "label", "unit", "source", "target", "overlap", "trials", "source_draws")
        record |= {"n": self.facts.n[-1], "m": self.facts.m[-1], "prices": dict(vars(self.prices)), "shares": _SHARES.tolist()}
        record |= {name: getattr(self, name) for name in ("budget", "have", "step", "level")}
        return json_ready(record | {"splits": [dict(vars(s)) for s in self.splits], "verdict": self.verdict.to_dict()})


def allocate(
    surface: ErrorSurface,
    budget: float,
    prices: Prices,
    *,
    have: tuple[int, int] | None = None,
    step: float | None = None,
) -> Allocation:
    """The simulations and measurements to buy with a budget, by Eq. 1 and by the form with one exponent more.

    Args:
        surface: the error over both sizes; its resamples of trials and materials give the intervals.
        budget: all of the money, in the prices' unit: that which bought what there is counts.
        prices: of one simulation and of one measurement.
        have: the n and m that there are, which are not sold again; the largest of the trials if None.
        step: the next money, of which it is said what it buys; a tenth of the new money if None.

    Raises:
        ValueError: prices, a budget or a step that are not finite numbers above 0, a budget below what ``have`` cost, fewer than
            one simulation and one measurement, or a law that could not be fitted: one line.
    """
    have = (surface.facts.n[-1], surface.facts.m[-1]) if have is None else have
    if min(have) < 1:
        raise ValueError(f"there are {have[0]} simulations and {have[1]} measurements; expected at least one of each")
    spent = prices.of(*have)
    if not (np.isfinite(budget) and budget >= spent):
        raise ValueError(f"the budget is {budget:,.6g}; expected no less than {spent:,.6g}, which what there is has cost")
    step = NEXT * (budget - spent) if step is None else step
    if not (np.isfinite(step) and step >= 0):
        raise ValueError(f"the next money is {step}; expected a finite number from 0")
    if "FAILED" in (surface.surface_materials.status, surface.two.status):
        raise ValueError("no law could be fitted to the error over both sizes: what to buy cannot be told")
    laws = {law.form: (law.constants, law.replicates) for law in (surface.surface_materials, surface.two)}
    compared = surface.compared
    if compared is not None:
        rms = compared.groupby("model")["rmse"].mean()
        laws = {form: laws[form] for form in sorted(laws, key=lambda form: rms[form])}
    level, options = surface.band.level, (prices, budget, have, step)
    first, *others = (_split(form, *of, *options, level) for form, of in laws.items())
    law = next(iter(laws.values()))[0]
    others = [replace(of, over=float(evaluate(law, of.n, of.m)) / first.error - 1) for of in others]
    return Allocation(surface.facts, *options, level, (first, *others))


def allocate_classes(laws: NDArray, shares: ArrayLike, prices: ArrayLike, budget: float, have: ArrayLike) -> NDArray:
    """How many simulations of each class (..., C) to have for a budget: least sum over classes of share times (D n^-alpha + C).

    Each class gets simulations until the next one lowers the sum by the same for its price: share alpha D n^(-alpha - 1) = lambda
    price, by bisection of lambda. Args are laws (..., C, 3), of all resamples for the distribution of the optimum, the shares of
    what is asked for, the prices of one simulation, the budget, and what there is (C,), which counts and is kept. ValueError for
    laws that are not finite, other lengths, prices that are not above 0, or a budget below what there is.
    """
    laws, shares, prices, have = (np.asarray(v, float) for v in (laws, shares, prices, have))
    if not np.isfinite(laws).all() or {shares.shape, prices.shape, have.shape} != {laws.shape[-2:-1]} or laws.shape[-1:] != (3,):
        shapes = ", ".join(str(v.shape) for v in (laws, shares, prices, have))
        raise ValueError(f"expected finite laws (..., C, 3) and C shares, prices and numbers of what there is, got shapes {shapes}")
    d, alpha, _ = np.moveaxis(laws, -1, 0)
    check_prices(prices)
    if not (np.isfinite(budget) and budget >= prices @ have):
        raise ValueError(f"the budget is {budget:,.6g}; expected no less than {prices @ have:,.6g}, which what there is has cost")
    gain = shares * alpha * d / prices
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = np.log(gain)

        def bought(log_rate: NDArray) -> NDArray:
            return np.maximum(have, np.exp(np.minimum((worth - log_rate[..., None]) / (1 + alpha), 50.0)))

        low, high = worth.max(axis=-1) - 200.0, (worth - (1 + alpha) * np.log(np.maximum(have, 1e-9))).max(axis=-1)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            more = bought(middle) @ prices > budget
            low, high = np.where(more, middle, low), np.where(more, high, middle)
        # where no class is known to scale, as many of each
        uniform = have + (budget - prices @ have) / prices.sum()
        return np.where((gain > 0).any(axis=-1)[..., None], bought(high), uniform)


def check_prices(prices: NDArray) -> None:
    """Raise ValueError unless all prices by class are finite and above 0."""
    if not (np.isfinite(prices) & (prices > 0)).all():
        raise ValueError(f"prices by class are {prices.tolist()}; expected finite numbers above 0")


def _split(
    form: str, law: NDArray, laws: NDArray, prices: Prices, budget: float, have: tuple[int, int], step: float, level: float
) -> Split:
    n, m = whole_split(law, prices, budget, have)
    of_n, of_m = best_split(laws, prices, budget, have)
    at, best, now = evaluate(laws, n, m), evaluate(laws, of_n, of_m), evaluate(laws, *have)
    tails = [(1 - level) / 2, (1 + level) / 2]
    most = (budget - prices.measurement * have[1]) / prices.simulation
    new, every = budget - prices.of(*have), np.concatenate([law[None], laws])
    line_n = have[0] + _SHARES * new / prices.simulation
    line_m = have[1] + (1 - _SHARES) * new / prices.measurement
    errors = evaluate(every[:, None], line_n, line_m)
    low, high = np.quantile(errors[1:], tails, axis=0)
    x, y = _bought(prices, step)
    bought = (have[0] + x, have[1]), (have[0], have[1] + y)
    changes = [evaluate(every, *size) / evaluate(every, *have) - 1 for size in bought]
    difference = changes[0] - changes[1]
    mean = float(difference[0])
    share = float(((difference[1:] > 0) == (mean > 0)).mean())
    following = {"simulations": float(changes[0][0]), "measurements": float(changes[1][0]), "difference": mean, "share": share}
    return Split(
        form,
        n,
        m,
        float(evaluate(law, n, m)),
        float(evaluate(law, *have)),
        *(tuple(np.quantile(of, tails).tolist()) for of in (of_n, of_m, at)),
        float((of_n <= have[0] + _EDGE * (most - have[0])).mean()),
        float((of_n >= most - _EDGE * (most - have[0])).mean()),
        float(np.quantile(at / best - 1, level)),
        (float(np.log(evaluate(law, n, m) / evaluate(law, *have))), float(np.log(at / now).std(ddof=1))),
        {"error": errors[0].tolist(), "low": low.tolist(), "high": high.tolist()},
        following | {"standard_error": float(difference[1:].std(ddof=1))},
        bool(np.isnan(rates(law, *have))),
    )


def _bought(prices: Prices, money: float) -> tuple[int, int]:
    """Whole simulations, or whole measurements, that this money buys."""
    return floor(money / prices.simulation), floor(money / prices.measurement)


def _percent(value: float) -> str:
    return f"{100 * value:.2g} %".replace("-", "\u2212") if abs(value) >= _LEAST else f"less than {_LEAST:.2%}".replace("%", " %")


def _ends(low: float, high: float) -> str:
    return f"{max(low, 0):,.0f} to {max(high, 0):,.0f}"
