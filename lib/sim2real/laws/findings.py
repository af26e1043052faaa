"""What trials say to the owner of a database, in words: does transfer help, do more simulations, how many, what is a measurement
worth. "Cannot be told" is said by the one rule, :func:`~sim2real.laws.verdicts.told`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from sim2real.laws.arms import Arm
from sim2real.laws.bootstrap import Change, Difference
from sim2real.laws.estimates import Estimate
from sim2real.laws.power import PowerLaw
from sim2real.laws.records import Facts, json_ready
from sim2real.laws.surface import ScalingSurface
from sim2real.laws.verdicts import FEWEST_TRIALS, NEARLY, told

LESS = -0.10  # the fall of the error that is asked for
FAR = 3.0  # times the largest size: beyond it an extrapolation is said to be one
MOST_TRIALS = 10_000  # more than these settle nothing that can be paid for
MANY = 1000  # times what there is: more than that is no number to give
_EVIDENT = 0.95  # share of resamples that never get there from which it is said to be so
# of labels and captions, which are written for figures
SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "epsilon": "ε", "kappa": "κ", "sigma": "σ", "chi": "χ", "times": "×",
    "infty": "∞", "ln": "ln ",
}  # fmt: skip


def _plain(label: str) -> str:
    spaced = label.replace("}\\", "} \\")
    return re.sub(r"[${}_^]", "", re.sub(r"\\([a-z]+)", lambda name: SYMBOLS.get(name[1], name[1]), spaced)).strip()


@dataclass(frozen=True)
class Finding:
    """One sentence on one question, of which property, whether it could be told, and the numbers in it."""

    question: str
    text: str
    told: bool
    numbers: dict = field(default_factory=dict)
    of: str = ""

    def to_dict(self) -> dict:
        """The attributes, with None for infinite numbers."""
        return json_ready(dict(vars(self)))


@dataclass(frozen=True)
class Findings:
    """Sentences, those of one property together. ``print`` them, or show them in a notebook."""

    findings: tuple[Finding, ...]

    @classmethod
    def together(cls, several: Iterable[Findings]) -> Findings:
        """All sentences of several, in their order."""
        return cls(tuple(finding for of in several for finding in of.findings))

    def __getitem__(self, question: str) -> Finding:
        """The first sentence on a question: ``transfer``, ``more``, ``needed``, ``candidates``, ``worth`` or ``trials``."""
        return next(finding for finding in self.findings if finding.question == question)

    def __str__(self) -> str:
        groups = [(_plain(name), texts) for name, texts in self._groups()]
        return "\n".join("\n".join([f"{name}: {texts[0]}" if name else texts[0], *texts[1:]]) for name, texts in groups)

    def _repr_markdown_(self) -> str:
        return "\n\n".join((f"**{name}.** " if name else "") + " ".join(texts) for name, texts in self._groups())

    def to_dict(self) -> dict:
        """``text`` and ``findings``, for a payload."""
        return {"text": str(self), "findings": [finding.to_dict() for finding in self.findings]}

    def _groups(self) -> list[tuple[str, list[str]]]:
        return [(name, [f.text for f in group]) for name, group in groupby(self.findings, key=lambda f: f.of)]


def of_curve(
    facts: Facts, n: tuple[int, ...], m: int, law: PowerLaw, changes: tuple[Change, Change] | None, error: float,
    direct: tuple[float, Difference] | None, candidates: Mapping[str, Arm] | None = None, tested: int = 0,
) -> Findings:  # fmt: skip
    """What a learning curve says. Args are the facts of its trials, ``n`` ascending and ``m``, the law with resamples of trials and
    materials, the changes from the smallest to the largest n over trials and materials and over trials alone (None for a single
    trial), the error at the largest n, and the error of direct learning with the paired difference, or None where it was not run;
    ``candidates``, arms that simulate each of the ``tested`` materials, beside transfer.
    """
    things, measured, *_ = _nouns(facts)
    found = [_transfer(facts, n[-1], m, error, direct, things, measured)] if direct else []
    more, needs = _more(n, law, changes, facts.trials, things)
    # a law that falls says nothing of an error that rose
    falls = more.told and changes[0].mean < 0
    found += [more, _needed(n[-1], law, falls, facts.trials, things)]
    if "delta" in (candidates or {}) and (delta := candidates["delta"]).difference is not None:
        found.append(_candidates(facts, n[-1], delta, candidates.get("multifidelity"), tested, things))
    wanted = {"transfer helps": (found[0].told, _enough(*direct[1]))} if direct and direct[1].trials > 1 else {}
    if changes is not None:
        wanted[f"more {things} help"] = (more.told, needs)
    found.append(_settled(wanted, facts, f"{changes[0].level:.0%}, over {law.resampled}" if changes else ""))
    return Findings(tuple(Finding(f.question, _spaced(f.text), f.told, f.numbers, facts.label) for f in found))


def of_surface(facts: Facts, rate: Estimate, identified: str, law: ScalingSurface | None = None) -> Findings:
    """What errors over both sizes say at their edge: what one measurement is worth, ``identified`` as
    :class:`~sim2real.laws.substitution.Rate`, and by Eq. 1, where that is given, what the next :data:`LESS` needs of either."""
    (things, measured, *_), n, m = _nouns(facts), facts.n[-1], facts.m[-1]
    one, at = measured.removesuffix("s"), f"at n = {n:,} and m = {m:,}"
    numbers = {"rate": rate.to_dict(), "identified": identified, "n": n, "m": m}
    if identified == "both ends" and np.isfinite([rate.value, rate.high]).all():
        text = f"One more {one} is worth {_size(rate.value)} {things} {at} ({_size(rate.low)} to {_size(rate.high)})."
    elif identified in ("both ends", "lower limit") and rate.low > 0:
        text = f"One more {one} is worth at least {_size(rate.low)} {things} {at}: more {things} may not help there."
    elif identified == "upper limit":
        text = f"One more {one} is worth at most {_size(rate.high)} {things} {at}: more {measured} may not help there."
    else:
        text = f"What one more {one} is worth in {things} cannot be told {at}: the error may fall with neither."
    if law is not None and law.status != "FAILED" and identified != "not identified":
        more_n, more_m = law.n_for_change(LESS, n, m, rate.level).minus(n), law.m_for_change(LESS, n, m, rate.level).minus(m)
        numbers |= {"more_n": more_n.to_dict(), "more_m": more_m.to_dict()}
        ways = [_many(more, now, of) for more, now, of in ((more_n, n, things), (more_m, m, measured)) if more.never < _EVIDENT]
        text += f" There, {-LESS:.0%} less error needs {', or '.join(ways)}." if ways else ""
        ends = [of for more, of in ((more_n, things), (more_m, measured)) if more.never >= _EVIDENT]
        text += f" More {' or '.join(ends)} alone will not make the error {-LESS:.0%} smaller." if ends else ""
    return Findings((Finding("worth", _spaced(text), "cannot" not in text, numbers, facts.label),))


def of_form(facts: Facts, exponents: tuple[float, float], rate: Estimate, rms: float, rms_of_eq_1: float) -> Findings:
    """Whether a law whose two terms have exponents in m of their own predicts held-back cells better than Eq. 1, by their relative
    rms, and the rate by it."""
    things = _nouns(facts)[0]
    better = rms < rms_of_eq_1
    numbers = {"beta1": exponents[0], "beta2": exponents[1], "rate": rate.to_dict(), "rms": rms, "rms_of_eq_1": rms_of_eq_1}
    least, most = (f"{of(rms, rms_of_eq_1):.1%}" for of in (min, max))
    which = f"{'the latter' if better else 'Eq. 1'} predicts held-back cells better (relative rms {least} against {most})"
    which = which if least != most else f"neither predicts held-back cells better (relative rms {least})"
    text = f"Of Eq. 1 and the same with an exponent in m of its own for what {things} buy, {which}"
    if better and least != most and np.isfinite(rate.value):
        interval = f" ({_size(rate.low)} to {_size(rate.high)})" if rate.low is not None else ""
        text += f": by it the rate is {_size(rate.value)}{interval}, "
        text += f"m^-{exponents[0]:.2f} for what {things} buy and m^-{exponents[1]:.2f} for the rest"
    return Findings((Finding("form", _spaced(f"{text}."), True, numbers, facts.label),))


def _transfer(facts: Facts, n: int, m: int, error: float, direct: tuple, things: str, measured: str) -> Finding:
    level, difference = direct
    unit = "" if facts.unit == "-" else f" {facts.unit}"
    sizes = f"{n:,} {things}" + (f" and {m:,} {measured}" if m else "")
    said = f"with {sizes} the error is {error:.3g}{unit}"
    pair = f"{_signed(difference.mean)} ± {difference.standard_error:.2g}, paired over {difference.trials} trials"
    pair = pair if difference.trials > 1 else f"{_signed(difference.mean)} in one trial"
    numbers = {"error": error, "direct": level} | difference._asdict()
    if told(*difference):
        word, side = ("helps", "below") if difference.mean < 0 else ("does harm", "above")
        part = abs(difference.mean / level)
        text = f"Transfer {word}: {said}, {part:.0%} {side} that of learning from the {measured} alone ({pair})."
        return Finding("transfer", text, True, numbers)
    few = f"; {FEWEST_TRIALS} trials are the least for a verdict" if difference.trials < FEWEST_TRIALS else ""
    text = f"Whether transfer helps cannot be told: {said}, learning from the {measured} alone {level:.3g}{unit} ({pair}{few})."
    return Finding("transfer", text, False, numbers)


def _candidates(facts: Facts, n: int, delta: Arm, input: Arm | None, tested: int, things: str) -> Finding:
    """Whether to simulate each candidate, and to learn what the simulator gets wrong, instead of a database."""
    mean, error, trials = -delta.difference.mean, delta.difference.standard_error, delta.difference.trials
    *_, who, one = _nouns(facts)
    is_told, unit = told(*delta.difference), "" if facts.unit == "-" else f" {facts.unit}"
    if is_told:
        first = f"{who.capitalize()} {'may need no' if mean < 0 else 'still gains from the'} database"
    else:
        first = f"Whether {who} needs the database cannot be told"
    there = f"on the {delta.compounds:,} of {tested:,} that have one" if delta.compounds < tested else "on the same materials"
    level = f"by delta learning the error is {delta.mae:.3g}{unit}, by transfer {delta.transfer_there:.3g}{unit} {there}"
    level += f" ({_signed(mean)} ± {error:.2g}, paired over {trials} trials)"
    cost = f"it takes one {one} a candidate instead of {n:,} {things} once"
    also = f"; with the {one} as an input of direct learning (multi-fidelity) it is {input.mae:.3g}{unit}" if input else ""
    numbers = {"delta": delta.to_dict(), "multifidelity": input and input.to_dict()}
    return Finding("candidates", f"{first}: {level}; {cost}{also}.", is_told, numbers)


def _more(
    n: tuple[int, ...], law: PowerLaw, changes: tuple[Change, Change] | None, trials: int, things: str
) -> tuple[Finding, float]:
    """Do more simulations help still, and how many trials would tell it."""
    ends = f"from {n[0]:,} to {n[-1]:,} {things} the error"
    if changes is None:
        by = f"changed by {_part(float(law(n[-1]) / law(n[0]) - 1))}" if law.D else "did not fall"
        return Finding("more", f"Whether more {things} help cannot be told from one trial: {ends} {by}.", False), math.inf
    wide, narrow = changes
    mean, wider, narrower = float(np.log1p(wide.mean)), *(float(np.log1p(change.draws).std(ddof=1)) for change in changes)
    is_told, numbers = told(mean, wider, trials), {"change": wide.to_dict()}
    if is_told and wide.mean < 0:
        text = f"{ends.capitalize()} fell by {-wide.mean:.0%} ({_range(-wide.high, -wide.low)})"
        if law.status != "FAILED":
            double = law.change(n[-1], 2 * n[-1], wide.level)
            numbers["doubling"] = double.to_dict()
            text += f"; doubling them would lower it by another {-double.value:.1%} ({_range(-double.high, -double.low, 1)})"
    elif is_told:
        text = f"{ends.capitalize()} rose by {wide.mean:.0%} ({_range(wide.low, wide.high)}): more of these {things} do harm"
    else:
        few = f"; {FEWEST_TRIALS} trials are the least for a verdict" if trials < FEWEST_TRIALS else ""
        interval = f"({_part(wide.low)} to {_part(wide.high)}{few})"
        text = f"Whether more {things} help cannot be told: {ends} changed by {_part(wide.mean)} {interval}"
    # what is due to the materials stays however many trials there are
    left = (mean / NEARLY) ** 2 - max(wider**2 - narrower**2, 0.0)
    needs = math.inf if left <= 0 else max(FEWEST_TRIALS, trials * narrower**2 / left)
    return Finding("more", text + ".", is_told, numbers), needs


def _needed(largest: int, law: PowerLaw, is_told: bool, trials: int, things: str) -> Finding:
    what, unknown = f"{-LESS:.0%} less error", f"How many more {things} {-LESS:.0%} less error needs cannot be told"
    if law.status == "FAILED":
        return Finding("needed", f"{unknown}: no law could be fitted.", False)
    if law.n_points <= len(law.names):
        return Finding("needed", f"{unknown}: a law of three constants runs through any {law.n_points} points.", False)
    more = law.n_for_change(LESS, largest).minus(largest)
    numbers = {"more": more.to_dict(), "far": bool(more.value + largest > FAR * largest)}
    if law.resampled == "residuals":
        return Finding(
            "needed", f"{unknown} from one trial; by its residuals it may be {_many(more, largest, things)}.", False, numbers
        )
    if more.never >= _EVIDENT and trials >= FEWEST_TRIALS:
        text = f"{what} is not reachable by more {things}: the transfer gap is above it, at {more.never:.0%}."
        return Finding("needed", text, True, numbers)
    if not is_told:
        return Finding("needed", f"{unknown}: {_many(more, largest, things)}.", False, numbers)
    far = f", beyond {FAR:.0f} times what there is" if numbers["far"] and np.isfinite(more.value) else ""
    return Finding("needed", f"{what} needs {_many(more, largest, things)}{far}.", True, numbers)


def _settled(wanted: dict[str, tuple[bool, float]], facts: Facts, intervals: str) -> Finding:
    """How many trials would settle what could not be told; ``wanted``: question -> told, trials needed."""
    trials, needed, parts = facts.trials, {q: count for q, (is_told, count) in wanted.items() if not is_told}, []
    if not wanted:
        return Finding("trials", f"It takes {FEWEST_TRIALS} trials or more to tell any of this.", False)
    for question, count in needed.items():
        if count <= MOST_TRIALS:
            parts.append(f"About {_size(max(count, trials + 1))} trials instead of {trials} would tell whether {question}.")
        else:
            parts.append(f"No number of trials would tell whether {question}: that takes more measured materials.")
    text = " ".join(parts) or f"{trials} trials tell whether {' and whether '.join(wanted)}, for these materials."
    numbers = {"trials": trials, "needed": needed}
    return Finding("trials", f"{text} (Intervals: {intervals}.)", not parts, numbers)


def _enough(mean: float, standard_error: float, trials: int) -> float:
    """Trials after which a paired difference would be told, if its mean and its spread stayed as they are."""
    return math.inf if mean == 0 else max(FEWEST_TRIALS, trials * (NEARLY * standard_error / mean) ** 2)


def _nouns(facts: Facts) -> tuple[str, str, str, str]:
    """What is counted on both sides, who has a candidate's own value, and what one takes."""
    if "electrical" not in facts.property:
        return "simulations", "measurements", "someone who can simulate each candidate", "simulation"
    own = f"{'computed electrical' if 'electrical' in facts.source['name'] else 'thermal'} conductivity"
    return f"compounds with {own}", "measured compounds", f"someone who has the {own} of each candidate", own


def _size(value: float) -> str:
    """A count to three digits, or one below ten to two."""
    return "never" if np.isinf(value) else f"{float(f'{value:.3g}'):,.0f}" if value >= 10 else f"{value:.2g}"


def _many(more: Estimate, now: float, things: str) -> str:
    """So many more than there are now, or that they may never be enough."""
    never = f"{more.never:.0%} of resamples never get there"
    if min(more.value, more.low) > MANY * now:
        return f"more than {MANY:,} times these {things}, if any number of them ({never})"
    if np.isinf(more.value):
        return f"at least {_size(more.low)} more {things}, if any number of them ({never})"
    return (
        f"about {_size(more.value)} more {things} ({_size(more.low)} to {_size(more.high if more.high <= MANY * now else np.inf)})"
    )


def _part(value: float) -> str:
    return f"{value:+.0%}".replace("-", "−").replace("−0%", "0%").replace("+0%", "0%")


def _range(low: float, high: float, digits: int = 0) -> str:
    """An interval in per cent."""
    return f"{100 * low:.{digits}f} to {100 * high:.{digits}f}".replace("-", "−")


def _signed(value: float) -> str:
    return f"{value:+.2g}".replace("-", "−")


def _spaced(text: str) -> str:
    """Per cent with a space."""
    return re.sub(r"(?<=\d)%", " %", text)
