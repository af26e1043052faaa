"""Numbers and names as figures, captions and tables print them: one number formatter, one wording of a law, a change, a rate."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MINUS = "\u2212"
_SUPERSCRIPTS = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")
_SYMBOLS = {"alpha": r"\alpha", "beta": r"\beta", "B": "B", "epsilon": r"\epsilon"}
_PRINTED = {"g/cm3": "g/cm\u00b3"}
_DATA = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
SIGNS, VERDICTS, ARMS, _ELSEWHERE, INTERACTIONS = (
    _DATA[table] for table in ("signs", "verdicts", "arms", "elsewhere", "interactions")
)
LEARNERS = ("ridge", "trees", "boosting", "neighbour")  # from descriptors, one band; the others use a material's simulated value


@dataclass(frozen=True)
class Words:
    """How a study calls its two sizes, what its intervals resample, both choices of overlap, their difference, its learners."""

    n: str
    m: str
    things: str
    drop: str
    keep: str
    own: str
    arms: Mapping[str, str]


MATERIALS, PAIRS, THERMAL, COMPUTED = (Words(**w | {"arms": ARMS | w.get("arms", {})}) for w in _DATA["studies"].values())


def words_of(record: Mapping) -> Words:
    """The words for a record."""
    name = record.get("property", "")
    if name in SIGNS:
        return PAIRS
    if "electrical" in name:
        return COMPUTED if "electrical" in record.get("source", {}).get("name", "") else THERMAL
    return MATERIALS


def learner(arm: str, record: Mapping) -> str:
    """An arm of a curve in words, with what it predicts from where a tested material has no simulated value itself."""
    name, known, tested = words_of(record).arms.get(arm, arm), record.get("simulated", 0), record.get("tested", 0)
    return f"{name} (elsewhere {_ELSEWHERE[arm]})" if arm in _ELSEWHERE and known < tested else name


def number(value: float | None, digits: int = 3, *, sign: bool = False) -> str:
    """A number to ``digits`` significant digits, a true minus sign and no letter e: ``1.20×10⁻⁵``; None is "infinite"."""
    if value is None:
        return "infinite"
    rounded = float(f"{value:.{digits}g}")
    size = abs(rounded)
    if size and not 1e-3 <= size < 1e6:
        mantissa, exponent = f"{size:.{digits - 1}e}".split("e")
        text = f"{mantissa}\u00d710" + str(int(exponent)).translate(_SUPERSCRIPTS)
    else:
        text = "0" if size == 0 else f"{size:,.0f}" if size >= 10 ** (digits - 1) else f"{size:#.{digits}g}".rstrip(".")
    return (MINUS if rounded < 0 else "+" if sign and rounded > 0 else "") + text


def tick(value: float, _: int = 0) -> str:
    """A number as an axis marks it: without zeros that say nothing."""
    text, times, power = number(value).partition("\u00d7")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return power if times and text == "1" else text + times + power


def with_error(mean: float, standard_error: float, *, sign: bool = True) -> str:
    """A mean and its standard error, both to the error's second digit: ``−0.0103 ± 0.0041``."""
    decimals = max(0, 1 - int(np.floor(np.log10(standard_error)))) if standard_error > 0 else 3
    return f"{mean:{'+' if sign else ''}.{decimals}f} \u00b1 {standard_error:.{decimals}f}".replace("-", MINUS)


def difference(record: Mapping | None) -> str:
    """:func:`with_error` of a record's ``mean`` and ``standard_error``; nothing without a record."""
    return "" if record is None else with_error(record["mean"], record["standard_error"])


def between(low: float | None, high: float | None, digits: int = 2, *, sign: bool = False) -> str:
    """An interval: ``0.44 to 0.62``."""
    return f"{number(low, digits, sign=sign)} to {number(high, digits, sign=sign)}"


def percent(value: float | None) -> str:
    """A signed part in per cent: ``−12%``, without a sign where it is 0; nothing without one."""
    return "" if value is None else "0%" if abs(value) < 0.005 else f"{value:+.0%}".replace("-", MINUS)


def change(record: Mapping | None) -> str:
    """A relative change with its interval: ``−12% (−23% to −1%)``; nothing without a record."""
    return "" if record is None else f"{percent(record['mean'])} ({percent(record['low'])} to {percent(record['high'])})"


def unit(record: Mapping) -> str:
    """The unit of a record's property as an axis prints it; a symbol where there is none."""
    if record["unit"] != "-":
        return _PRINTED.get(record["unit"], record["unit"])
    symbol = SIGNS.get(record.get("property", ""))
    return symbol or {r"$\ln\gamma^\infty$": SIGNS["ln_activity_coefficient"]}.get(record.get("label", ""), "dimensionless")


def mae(record: Mapping) -> str:
    """The label of an axis of errors: ``MAE (g/cm³)``."""
    return f"MAE ({unit(record)})"


def law_note(law: Mapping) -> str:
    """What a panel says of a law: its exponent with the interval, or that there is none."""
    if law["status"] == "FAILED":
        return "no law could be fitted"
    if law["D"] == 0:
        return f"no decay with $n$: constant {number(law['C'])}"
    text = f"$\\alpha$ = {number(law['alpha'])}"
    if law["intervals"]:
        text += f" ({between(law['intervals']['alpha']['low'], law['intervals']['alpha']['high'])})"
    return text + on_bounds(law)


def on_bounds(law: Mapping) -> str:
    """Which constants of a fit lie on their bounds."""
    return "; on its bound: " + ", ".join(f"${_SYMBOLS.get(b, b)}$" for b in law["bounds_hit"]) if law["bounds_hit"] else ""


def law_text(law: Mapping) -> str:
    """The law as an equation, with the 90 % interval of its exponent and what its fit says of itself."""
    if law["status"] == "FAILED" or law["D"] == 0:
        return law_note(law)
    return f"$R = {_math(law['D'])}\\,n^{{-{law['alpha']:.3g}}} + {_math(law['C'])}$, {law_note(law)}"


def plain_law(law: Mapping, variable: str = "n") -> str:
    """The law in plain letters, for tables: ``0.243 n^-0.537 + 0.0233``."""
    if not law["D"]:
        return "no law" if law["C"] is None else f"constant {number(law['C'])}"
    return f"{number(law['D'])} {variable}^-{law['alpha']:.3g} + {number(law['C'])}"


def surface_text(law: Mapping) -> str:
    """Eq. 1 with its constants, their intervals, and what the fit says of itself."""
    if law["status"] == "FAILED":
        return "no surface could be fitted"
    decay = f"({_math(law['A'])}\\,n^{{-{law['alpha']:.3g}}} + {_math(law['B'])})" if law["A"] else _math(law["B"])
    text = f"$R = {decay}\\,m^{{-{law['beta']:.3g}}} + {_math(law['epsilon'])}$, relative rms {law['rmse']:.1%}"
    if law["intervals"]:
        ends = [(symbol, *(law["intervals"][name][end] for end in ("low", "high"))) for name, symbol in _SYMBOLS.items()]
        parts = (f"${symbol}$ " + (f"up to {number(high, 2)}" if low == 0 else between(low, high)) for symbol, low, high in ends)
        text += "; 90 %: " + ", ".join(parts)
    return text + on_bounds(law) + ("; the fit was cut off" if law["status"] == "MAX_ITER" else "")


def worth(rate: Mapping) -> str:
    """A marginal rate with its interval, its limit, or that it is not identified; ``identified`` as the record has it."""
    value, low, high = (None if rate[key] is None else number(rate[key]) for key in ("rate", "low", "high"))
    if rate["identified"] == "both ends":
        return f"{value or 'infinitely many'} ({low} to {high or 'infinitely many'})"
    limits = {"lower limit": f"at least {low}", "upper limit": f"at most {high}"}
    return limits.get(rate["identified"], rate["identified"])


def edge_worth(edge: Mapping, things: str = "materials") -> str:
    """The rate of Eq. 1 at the data's edge with its two 90 % intervals."""
    sides = (("", "trials"), ("_materials", f"trials and {things}"))
    if edge["rate"] is None:
        said, ends = "more simulations do not help", [edge[f"low{side}"] for side, _ in sides]
        ends = ["never" if low is None else f"above {number(low)}" for low in ends]
    else:
        said, ends = number(edge["rate"]), [between(edge[f"low{side}"], edge[f"high{side}"], 3) for side, _ in sides]
    return "; ".join([said, *(f"90 % over {what}: {end}" for (_, what), end in zip(sides, ends))])


def shared(record: Mapping) -> str:
    """What test rows have in common with training rows under a split."""
    names = {"pair": "pair", "solvent_key": "solvent", "polymer_key": record["first_side"]}
    return ", ".join(f"{names[key]} {share:.0%}" for key, share in record["shared"].items())


def _math(value: float) -> str:
    """A number inside of an equation."""
    text = number(value).replace(MINUS, "-").replace(",", "{,}")
    mantissa, times, _ = text.partition("\u00d7")
    return f"{mantissa}\\times10^{{{int(np.floor(np.log10(abs(value))))}}}" if times else text
