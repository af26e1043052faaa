"""Tables of curves, surfaces, classes and splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sim2real.figures.curves import class_title
from sim2real.figures.tables.rows import Record, as_dict, as_dicts, as_table, exponent, told
from sim2real.figures.words import (
    PAIRS,
    between,
    change,
    difference,
    number,
    plain_law,
    shared,
    unit,
    with_error,
    words_of,
    worth,
)
from sim2real.laws.bootstrap import paired_difference
from sim2real.training.study import Trials

PAPER = "paper"


def scaling(records: Sequence[Record]) -> pd.DataFrame:
    """A row a record: transfer at the largest n minus direct learning, what it is made of, the law, then every error."""
    rows = []
    for r in as_dicts(records):
        curve, arms, other = r["curve"], r["arms"], r["other_overlap"]
        paired, gains = arms.get("direct", {}).get("transfer_minus_this"), (other or {}).get("gains")
        row = {
            "property": r["label"],
            "transfer - direct": difference(paired),
            "verdict": told(paired),
            "m": curve["m"],
            "unit": unit(r),
        }
        if gains is not None:
            row["of it, the candidates' own simulations"] = difference(gains["own"])
            row["of it, the rest of the database"] = difference(gains["rest"])
        row |= {"alpha, 90 %": exponent(r["law"]), "C": number(r["law"]["C"]), "fit": r["law"]["status"]}
        row |= {f"transfer, n = {curve['n'][k]:,}": number(curve["mae"][k]) for k in (0, -1)}
        rows.append(row | {words_of(r).arms.get(arm, arm): number(v["mae"]) for arm, v in arms.items()})
    return as_table(rows, "property")


def beside_paper(records: Sequence[Record], paper: Mapping, *, both: int | None = None) -> pd.DataFrame:
    """Sizes and laws here and in the paper, two rows a record.

    Args:
        records: learning curves.
        paper: its numbers: ``trials``, ``n_max``, and ``laws`` and ``m`` by property, or ``law`` and ``target``.
        both: compounds with both conductivities, where the study has such.
    """
    rows = []
    for r in as_dicts(records):
        curve, law, name = r["curve"], r["law"], r["property"]
        direct = r["arms"]["direct"]["transfer_minus_this"]
        here = {
            "property": r["label"],
            "": "here",
            "law": plain_law(law),
            "alpha, 90 %": exponent(law),
            "largest n": f"{curve['n'][-1]:,}",
        }
        here |= {"m": f"{curve['m']:,}", "measured": f"{r['target']['rows']:,}", "trials": str(direct["trials"])}
        printed = paper.get("laws", {}).get(name) or paper.get("law")
        m = paper.get("m", {}).get(name, "")
        there = {
            "property": r["label"],
            "": PAPER,
            "law": plain_law(printed) if printed else "not printed",
            "alpha, 90 %": "not printed",
        }
        there |= {"largest n": f"{paper['n_max']:,}", "m": f"{m:,}" if m else "80 % of the measured" if "target" in paper else ""}
        there |= {"measured": f"{paper['target']:,}" if "target" in paper else "", "trials": str(paper["trials"])}
        if both is not None:
            here["compounds with both"], there["compounds with both"] = f"{both:,}", f"{paper['both']:,}"
        rows += [here | {"transfer - direct": difference(direct)}, there | {"transfer - direct": "not printed"}]
    return as_table(rows, ["property", ""])


def surfaces(records: Mapping[str, Record]) -> pd.DataFrame:
    """Constants of Eq. 1 and the rate at the data's edge, 90 % over trials and materials, beside the paper's; a column a record."""
    columns, paper = {}, {}
    for name, r in zip(records, as_dicts(records.values())):
        law, edge, paper = r["surface_materials"], r["marginal_rate"]["edge"], r["paper"]
        rows = {"simulations one experiment is worth": _value(edge["rate"], edge["low_materials"], edge["high_materials"])}
        rows |= {"at n, m": f"{r['n'][-1]:,}, {r['m'][-1]:,}", "trials": str(r["trials"])}
        intervals = law["intervals"] or {}
        rows |= {c: _value(law[c], *(intervals.get(c, {}).get(k) for k in ("low", "high"))) for c in paper["constants"]}
        columns[name] = rows | {"status of the fit": " ".join([law["status"], *law["bounds_hit"]])}
    printed = {
        "simulations one experiment is worth": number(paper["marginal_rate"]),
        "at n, m": f"{paper['n']:,}, {paper['m']:,}",
        "trials": "500",
    }
    printed |= {c: number(v) for c, v in paper["constants"].items()}
    return pd.DataFrame(columns | {"paper, density": printed}).fillna("")


def held_back(records: Mapping[str, Record]) -> pd.DataFrame:
    """How well each form predicts the largest n or m, held back: relative rms and worst error; a row a form."""
    rows = [
        {
            "study": name,
            "held back": c["held_back"],
            "form": c["model"],
            "relative rms": f"{c['rmse']:.1%}",
            "worst": f"{c['worst']:+.0%}",
        }
        for name, r in zip(records, as_dicts(records.values()))
        for c in r["compared"] or []
    ]
    return as_table(rows, ["study", "held back", "form"])


def rate_rows(record: Record) -> pd.DataFrame:
    """What a measurement is worth, from which laws and slopes, over trials and over trials and pairs, beside the paper."""
    r = as_dict(record)
    paper, columns = r["paper"], {}
    for name, key in (("90 % over trials", "rate"), ("90 % over trials and pairs", "rate_materials")):
        of = r[key]
        rows = {
            "simulations a measurement is worth": worth(of),
            "identified": of["identified"],
            "n, m": f"{of['n']:,.0f}, {of['m']:,.0f}",
        }
        rows |= {"R(n, m max)": plain_law(of["in_n"]), "R(n max, m)": plain_law(of["in_m"], "m")}
        columns[name] = rows | {"dR/dn": _slope(of["partial_n"]), "dR/dm": _slope(of["partial_m"])}
    stated = {
        "simulations a measurement is worth": number(paper["rate"]),
        "identified": "no interval",
        "n, m": f"{paper['n']:,}, {paper['m']:,}",
    }
    stated |= {"R(n, m max)": plain_law(paper["law_n"]), "R(n max, m)": plain_law(paper["law_m"], "m")}
    columns[PAPER] = stated | {"dR/dn": number(paper["partial_n"]), "dR/dm": number(paper["partial_m"])}
    return pd.DataFrame(columns)


def interactions(record: Record) -> pd.DataFrame:
    """The interaction of n and m, four ways, with 90 % intervals over trials and over trials and pairs, and a verdict each."""
    r, rows = as_dict(record), []
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
    return as_table(rows, "")


def split_table(records: Sequence[Record]) -> pd.DataFrame:
    """Direct learning and transfer under each split: paired differences with standard errors, errors, and what is shared."""
    rows = []
    for r in as_dicts(records):
        row = {"split": r["words"], "m": r["m"], "direct": number(r["direct"]["mae"])}
        for n, transfer, d in zip(r["n"], r["transfer"], r["differences"]):
            row |= {f"transfer, n = {n:,}": number(transfer["mae"]), f"minus direct, n = {n:,}": difference(d)}
        rows.append(row | {"verdict": told(r["differences"][-1]), "seen in training": shared(r)})
    return as_table(rows, "split")


def class_verdicts(records: Sequence[Record]) -> pd.DataFrame:
    """A row a class or group: verdict, change of the error with n, exponent, direct learning where known, counts, and why."""
    rows = []
    for r in as_dicts(records):
        row = {"class": class_title(r), "verdict": r["verdict"]}
        row["change with n, 90 %"] = change(r["change"])
        if r.get("other_overlap") is not None:
            row[f"change, overlap {r['other_overlap']['overlap']}"] = change(r["other_overlap"]["change"])
        if r.get("direct") is not None:
            row |= {"transfer - direct": difference(r["transfer_minus_direct"])}
            row |= {"transfer": "" if r["curve"] is None else number(r["curve"]["mae"][-1])}
            row |= {"direct": number(r["direct"]["mae"])}
        row["alpha, 90 %"] = "" if r["law"] is None else exponent(r["law"])
        sizes = (
            {"m": r["rows"], "pairs": r["pairs"], "trained on": round(r["training_rows"])}
            if words_of(r) is PAIRS
            else {"materials": r["materials"]}
        )
        rows.append(row | sizes | {"tested": r["tested"], "why": r["why"]})
    return as_table(rows, "class")


def class_gains(record: Record) -> pd.DataFrame:
    """A row a class: what simulations change, and how good the simulator is on it."""
    rows = []
    for c in as_dict(record)["classes"]:
        row = {
            "class": c["name"],
            "against direct, 90 %": change(c["with_direct"]),
            "largest n against smallest, 90 %": change(c["with_n"]),
        }
        row |= {
            "rank correlation": number(c["spearman"], 2, sign=True),
            "skill": number(c["skill"], 2),
            "MAE after a line": number(c["mae_line"]),
        }
        rows.append(row | {"rows": c["rows"], "pairs": c["pairs"]})
    return as_table(rows, "class", ["against direct, 90 %", "rows", "pairs"])


def correlations(record: Record) -> pd.DataFrame:
    """Rank correlation over classes of each gain with each measure of accuracy, 90 % interval and permutation p."""
    names = {"with_direct": "transfer against direct", "with_n": "largest n against smallest"}
    rows = []
    for gain, measures in as_dict(record)["correlations"].items():
        for measure, c in measures.items():
            row = {"rank correlation": "fewer than four classes", "90 %": "", "p": ""}
            if c:
                ends = between(c["low"], c["high"], sign=True)
                row = {"rank correlation": number(c["spearman"], 2, sign=True), "90 %": ends, "p": number(c["p"], 2)}
            rows.append({"gain": names[gain], "accuracy": measure.replace("_", " ")} | row)
    return as_table(rows, ["gain", "accuracy"], ["rank correlation", "90 %", "p"])


def sizes(records: Sequence[Record]) -> pd.DataFrame:
    """Transfer from the largest n beside direct learning at each m."""
    rows = []
    for r in as_dicts(records):
        for k, (m, d) in enumerate(zip(r["m"], r["transfer_minus_direct"])):
            row = {"property": r["label"], "m": m, "transfer - direct": difference(d), "verdict": told(d)}
            rows.append(
                row | {"transfer": number(r["transfer"]["mae"][k]), "direct": number(r["direct"]["mae"][k]), "unit": unit(r)}
            )
    return as_table(rows, ["property", "m"])


def by_n(trials: Trials) -> pd.DataFrame:
    """Transfer at every n: its paired difference from direct learning and its error, each with a standard error over trials.

    Args:
        trials: with the arms ``transfer`` and ``direct``.
    """
    direct, rows = trials.errors("direct"), []
    for n, errors in zip(trials.design.n_grid, trials.errors("transfer").T):
        d = paired_difference(errors, direct)._asdict()
        row = {"n": n, "transfer - direct": difference(d), "verdict": told(d)}
        rows.append(
            row | {"MAE": with_error(errors.mean(), errors.std(ddof=1) / np.sqrt(d["trials"]), sign=False), "trials": d["trials"]}
        )
    return as_table(rows, "n")


def parity_values(records: Sequence[Record]) -> pd.DataFrame:
    """Rank correlation, bias and error of the simulated values, a row a record."""
    rows = []
    for r in as_dicts(records):
        row = {
            "property": r["label"],
            "Spearman": number(r["spearman"], 2),
            "Pearson": number(r["pearson"], 2),
            "bias": number(r["bias"], sign=True),
        }
        row["relative bias"] = "" if r["relative_bias"] is None else f"{r['relative_bias']:+.0%}"
        rows.append(row | {"MAE": number(r["mae"]), "unit": unit(r), "rows": r["rows"]})
    return as_table(rows, "property")


def _value(value: float | None, low: float | None, high: float | None) -> str:
    return f"{number(value)} ({between(low, high, 3)})"


def _slope(partial: Mapping) -> str:
    ends = between(partial["low"], partial["high"], 3)
    return f"{number(partial['value'] or 0.0)} ({ends}{', no decay within it' if partial['reaches_zero'] else ''})"
