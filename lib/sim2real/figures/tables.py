"""Tables of what trials say: a function takes nouns of :mod:`sim2real.laws` or their dictionaries and returns a DataFrame.

Three significant digits, a value and its standard error in one column, what matters first, verdicts as words of a column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sim2real.chemistry.classes import CLASS_NAMES
from sim2real.figures.words import (
    ARMS,
    between,
    change,
    difference,
    number,
    plain_law,
    shared,
    unit,
    words_of,
    worth,
)

NEARLY = 2.0
"""A difference below so many standard errors is not told from none."""
PAPER = "paper"
Record = Mapping | object


def scaling(records: Sequence[Record]) -> pd.DataFrame:
    """A row a record: transfer at the largest n minus direct learning, what it is made of, the law, then every error."""
    rows = []
    for r in _dicts(records):
        curve, arms, other = r["curve"], r["arms"], r["other_overlap"]
        row = {"property": r["label"], "unit": unit(r), "m": curve["m"], "transfer - direct": difference(arms["direct"]["transfer_minus_this"])}
        row["verdict"] = told(arms["direct"]["transfer_minus_this"])
        if other is not None:
            row |= {"of it, own simulations": difference(other["gains"]["own"]), "of it, the rest": difference(other["gains"]["rest"])}
        row |= {"alpha, 90 %": exponent(r["law"]), "C": number(r["law"]["C"]), "fit": r["law"]["status"]}
        row |= {f"transfer, n = {curve['n'][k]:,}": number(curve["mae"][k]) for k in (0, -1)}
        rows.append(row | {words_of(r).arms.get(arm, arm): number(v["mae"]) for arm, v in arms.items()})
    return _table(rows, "property")


def beside_paper(records: Sequence[Record], paper: Mapping, *, both: int | None = None) -> pd.DataFrame:
    """Sizes and laws here and in the paper, two rows a record.

    Args:
        records: learning curves.
        paper: its block of numbers: ``trials``, ``n_max``, ``source``, and ``laws`` and ``m`` by property, or ``law`` and ``target``.
        both: compounds with both conductivities, where the study has such.
    """
    rows = []
    for r in _dicts(records):
        curve, law, name = r["curve"], r["law"], r["property"]
        direct = r["arms"]["direct"]["transfer_minus_this"]
        here = {"property": r["label"], "": "here", "law": plain_law(law), "alpha, 90 %": exponent(law), "largest n": f"{curve['n'][-1]:,}"}
        here |= {"m": f"{curve['m']:,}", "measured": f"{r['target']['rows']:,}", "trials": str(direct["trials"])}
        printed = paper.get("laws", {}).get(name) or paper.get("law")
        m = paper.get("m", {}).get(name, "")
        there = {"property": r["label"], "": PAPER, "law": plain_law(printed) if printed else "not printed", "alpha, 90 %": "not printed"}
        there |= {"largest n": f"{paper['n_max']:,}", "m": f"{m:,}" if m else "80 % of the measured" if "target" in paper else ""}
        there |= {"measured": f"{paper['target']:,}" if "target" in paper else "", "trials": str(paper["trials"])}
        if both is not None:
            here["compounds with both"], there["compounds with both"] = f"{both:,}", f"{paper['both']:,}"
        rows += [here | {"transfer - direct": difference(direct)}, there | {"transfer - direct": "not printed"}]
    return _table(rows, ["property", ""])


def surfaces(records: Mapping[str, Record]) -> pd.DataFrame:
    """Constants of Eq. 1 and the rate at the data's edge, 90 % over trials and materials, beside the paper's; a column a record."""
    columns, paper = {}, {}
    for name, r in zip(records, _dicts(records.values())):
        law, edge, paper = r["surface_materials"], r["marginal_rate"]["edge"], r["paper"]
        rows = {"simulations one experiment is worth": _value(edge["rate"], edge["low_materials"], edge["high_materials"])}
        rows |= {"at n, m": f"{r['n'][-1]:,}, {r['m'][-1]:,}", "trials": str(r["trials"])}
        intervals = law["intervals"] or {}
        rows |= {c: _value(law[c], *(intervals.get(c, {}).get(k) for k in ("low", "high"))) for c in paper["constants"]}
        columns[name] = rows | {"status of the fit": " ".join([law["status"], *law["bounds_hit"]])}
    printed = {"simulations one experiment is worth": number(paper["marginal_rate"]), "at n, m": f"{paper['n']:,}, {paper['m']:,}", "trials": "500"}
    printed |= {c: number(v) for c, v in paper["constants"].items()}
    return pd.DataFrame(columns | {"paper, density": printed}).fillna("")


def held_back(records: Mapping[str, Record]) -> pd.DataFrame:
    """How well each form predicts the largest n or m, held back: relative rms and worst error; a row a form."""
    rows = [
        {"study": name, "held back": c["held_back"], "form": c["model"], "relative rms": f"{c['rmse']:.1%}", "worst": f"{c['worst']:+.0%}"}
        for name, r in zip(records, _dicts(records.values()))
        for c in r["compared"] or []
    ]
    return _table(rows, ["study", "held back", "form"])


def rate(record: Record) -> pd.DataFrame:
    """What a measurement is worth, from which laws and slopes, over trials and over trials and pairs, beside the paper."""
    r = _dict(record)
    paper, columns = r["paper"], {}
    for name, key in (("90 % over trials", "rate"), ("90 % over trials and pairs", "rate_materials")):
        of = r[key]
        rows = {"simulations a measurement is worth": worth(of), "identified": of["identified"], "n, m": f"{of['n']:,.0f}, {of['m']:,.0f}"}
        rows |= {"R(n, m max)": plain_law(of["in_n"]), "R(n max, m)": plain_law(of["in_m"], "m")}
        columns[name] = rows | {"dR/dn": _slope(of["partial_n"]), "dR/dm": _slope(of["partial_m"])}
    stated = {"simulations a measurement is worth": number(paper["rate"]), "identified": "no interval", "n, m": f"{paper['n']:,}, {paper['m']:,}"}
    stated |= {"R(n, m max)": plain_law(paper["law_n"]), "R(n max, m)": plain_law(paper["law_m"], "m")}
    columns[PAPER] = stated | {"dR/dn": number(paper["partial_n"]), "dR/dm": number(paper["partial_m"])}
    return pd.DataFrame(columns)


def interaction(record: Record) -> pd.DataFrame:
    """The interaction of n and m, four ways, with 90 % intervals over trials and over trials and pairs, and a verdict each."""
    r, rows = _dict(record), []
    words = {
        "log": "gamma, log R (below 0 reinforces; Eq. 1: 0 or above)",
        "steepening": "slope in log n, largest m minus smallest (below 0 reinforces)",
        "absolute": "R itself, per decade of both (below 0 reinforces; Eq. 1: above 0)",
        "fall": "fall of R over n, largest m minus smallest (above 0 reinforces)",
    }
    for key, name in words.items():
        row = {"": name, "value": number(r["interaction"][key]["value"], 2, sign=True)}
        for column, side in (("over trials and pairs", "interaction_materials"), ("over trials", "interaction")):
            of = r[side][key]
            row |= {f"verdict {column}": of["verdict"], f"90 % {column}": between(of["low"], of["high"], sign=True)}
        rows.append(row)
    return _table(rows, "")


def splits(records: Sequence[Record]) -> pd.DataFrame:
    """Direct learning and transfer under each split: paired differences with standard errors, errors, and what is shared."""
    rows = []
    for r in _dicts(records):
        row = {"split": r["words"], "m": r["m"], "direct": number(r["direct"]["mae"])}
        for n, transfer, d in zip(r["n"], r["transfer"], r["differences"]):
            row |= {f"transfer, n = {n:,}": number(transfer["mae"]), f"minus direct, n = {n:,}": difference(d)}
        rows.append(row | {"verdict": told(r["differences"][-1]), "seen in training": shared(r)})
    return _table(rows, "split")


def classes(records: Sequence[Record]) -> pd.DataFrame:
    """A row a class or group: verdict, change of the error with n, exponent, direct learning where known, counts, and why."""
    rows = []
    for r in _dicts(records):
        row = {"class": r.get("name") or f"{r['class']} {CLASS_NAMES.get(r['class'], '')}".strip(), "verdict": r["verdict"]}
        row["change with n, 90 %"] = change(r["change"])
        if r.get("other_overlap") is not None:
            row[f"change, overlap {r['other_overlap']['overlap']}"] = change(r["other_overlap"]["change"])
        if "transfer_minus_direct" in r:
            row |= {"transfer - direct": difference(r["transfer_minus_direct"])}
            row |= {"transfer": "" if r["curve"] is None else number(r["curve"]["mae"][-1])}
            row |= {"direct": "" if r["direct"] is None else number(r["direct"]["mae"])}
        row["alpha, 90 %"] = "" if r["law"] is None else exponent(r["law"])
        sizes = {"m": r["rows"], "pairs": r["pairs"], "trained on": round(r["training_rows"])} if "rows" in r else {"materials": r["materials"]}
        rows.append(row | sizes | {"tested": r["tested"], "why": r["why"]})
    return _table(rows, "class")


def gains(record: Record) -> pd.DataFrame:
    """A row a class: what simulations change, and how good the simulator is on it."""
    rows = []
    for c in _dict(record)["classes"]:
        row = {"class": c["name"], "against direct, 90 %": change(c["with_direct"]), "largest n against smallest, 90 %": change(c["with_n"])}
        row |= {"rank correlation": number(c["spearman"], 2, sign=True), "skill": number(c["skill"], 2), "MAE after a line": number(c["mae_line"])}
        rows.append(row | {"rows": c["rows"], "pairs": c["pairs"]})
    return _table(rows, "class", ["against direct, 90 %", "rows", "pairs"])


def correlations(record: Record) -> pd.DataFrame:
    """Rank correlation over classes of each gain with each measure of accuracy, 90 % interval and permutation p."""
    names = {"with_direct": "transfer against direct", "with_n": "largest n against smallest"}
    rows = []
    for gain, measures in _dict(record)["correlations"].items():
        for measure, c in measures.items():
            row = {"rank correlation": "fewer than four classes", "90 %": "", "p": ""}
            if c:
                ends = between(c["low"], c["high"], sign=True)
                row = {"rank correlation": number(c["spearman"], 2, sign=True), "90 %": ends, "p": number(c["p"], 2)}
            rows.append({"gain": names[gain], "accuracy": measure.replace("_", " ")} | row)
    return _table(rows, ["gain", "accuracy"], ["rank correlation", "90 %", "p"])


def target_sizes(records: Sequence[Record]) -> pd.DataFrame:
    """Transfer from the largest n beside direct learning at each m."""
    rows = []
    for r in _dicts(records):
        for k, (m, d) in enumerate(zip(r["m"], r["transfer_minus_direct"])):
            row = {"property": r["label"], "m": m, "transfer - direct": difference(d), "verdict": told(d)}
            rows.append(row | {"transfer": number(r["transfer"]["mae"][k]), "direct": number(r["direct"]["mae"][k]), "unit": unit(r)})
    return _table(rows, ["property", "m"])


def curve(record: Record) -> pd.DataFrame:
    """Error of transfer at every n with its 90 % bands, over trials and over trials and materials."""
    r = _dict(record)
    columns = {"n": r["curve"]["n"], f"MAE ({unit(r)})": [number(v) for v in r["curve"]["mae"]]}
    for side, what in (("", "trials"), ("_materials", f"trials and {words_of(r).things}")):
        if f"low{side}" in r["curve"]:
            ends = zip(r["curve"][f"low{side}"], r["curve"][f"high{side}"])
            columns[f"90 %, {what}"] = [between(low, high, 3) for low, high in ends]
    return pd.DataFrame(columns).set_index("n")


def parity(records: Sequence[Record]) -> pd.DataFrame:
    """Rank correlation, bias and error of the simulated values, a row a record."""
    rows = []
    for r in _dicts(records):
        row = {"property": r["label"], "Spearman": number(r["spearman"], 2), "Pearson": number(r["pearson"], 2), "bias": number(r["bias"], sign=True)}
        row["relative bias"] = "" if r["relative_bias"] is None else f"{r['relative_bias']:+.0%}"
        rows.append(row | {"MAE": number(r["mae"]), "unit": unit(r), "rows": r["rows"]})
    return _table(rows, "property")


def told(d: Mapping | None) -> str:
    """Which of two is better by a paired difference of errors of more than :data:`NEARLY` standard errors over trials."""
    if d is None:
        return ""
    if abs(d["mean"]) <= NEARLY * d["standard_error"]:
        return "cannot be told"
    return "transfer better" if d["mean"] < 0 else "transfer worse"


def exponent(law: Mapping) -> str:
    """An exponent with its interval: ``0.54 (0.44 to 0.62)``."""
    if law["alpha"] is None:
        return "no law"
    interval = law["intervals"]["alpha"] if law["intervals"] else None
    return number(law["alpha"]) + (f" ({between(interval['low'], interval['high'])})" if interval else "")


def arm_name(arm: str, record: Mapping) -> str:
    """An arm of the Wiedemann-Franz study in words; where source and target are one property, its value is no law."""
    own = {"law": "computed value", "simulator": "computed value + line"}
    own = own if record["one_property"] else {"law": "Wiedemann-Franz law", "simulator": "law + line"}
    return (ARMS | own).get(arm, arm)


def _dict(record: Record) -> Mapping:
    return record if isinstance(record, Mapping) else record.to_dict()


def _dicts(records: Sequence[Record]) -> list[Mapping]:
    return [_dict(record) for record in records]


def _table(rows: list[dict], index: str | list[str], columns: Sequence[str] = ()) -> pd.DataFrame:
    names = [index] if isinstance(index, str) else index
    table = pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*names, *columns])
    return table.set_index(index).astype(object).fillna("")


def _value(value: float | None, low: float | None, high: float | None) -> str:
    return f"{number(value)} ({between(low, high, 3)})"


def _slope(partial: Mapping) -> str:
    ends = between(partial["low"], partial["high"], 3)
    return f"{number(partial['value'] or 0.0)} ({ends}{', no decay within it' if partial['reaches_zero'] else ''})"
