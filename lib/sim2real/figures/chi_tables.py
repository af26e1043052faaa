"""Tables of the chi study, from the records of :mod:`sim2real.laws.chi_results` and :mod:`sim2real.laws.chi_class_results`."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sim2real.figures.plots import with_error
from sim2real.laws.chi_results import rate_words
from sim2real.laws.chi_splits import shared_words
from sim2real.laws.classes import change_text


def rate_table(record: dict) -> pd.DataFrame:
    """What a measurement is worth, from which laws and slopes, beside the paper's numbers.

    Args:
        record: of :func:`sim2real.laws.chi_results.chi_surface_record`.
    """
    paper = record["paper"]
    columns = {}
    for name, key in (("90 % over trials", "rate"), ("90 % over trials and pairs", "rate_materials")):
        rate = record[key]
        rows = {"n, m": f"{rate['n']:,.0f}, {rate['m']:,.0f}", "R(n, m max)": _law(rate["in_n"]), "R(n max, m)": _law(rate["in_m"])}
        rows |= {"dR/dn": _slope(rate["partial_n"]), "dR/dm": _slope(rate["partial_m"])}
        rows |= {"simulations a measurement is worth": rate_words(rate), "identified": rate["identified"]}
        columns[name] = rows
    stated = {"n, m": f"{paper['n']:,}, {paper['m']}", "R(n, m max)": _law(paper["law_n"]), "R(n max, m)": _law(paper["law_m"])}
    stated |= {"dR/dn": f"{paper['partial_n']:.3g}", "dR/dm": f"{paper['partial_m']:.3g}"}
    columns["paper"] = stated | {"simulations a measurement is worth": f"{paper['rate']:g}", "identified": "no interval"}
    return pd.DataFrame(columns)


def interaction_table(record: dict) -> pd.DataFrame:
    """The interaction of n and m, four ways, with 90 % intervals over trials and over trials and pairs, and a verdict each.

    Args:
        record: of :func:`sim2real.laws.chi_results.chi_surface_record`.
    """
    words = {
        "log": "gamma, log R (below 0 reinforces; Eq. 1: 0 or above)",
        "steepening": "slope in log n, largest m minus smallest (below 0 reinforces)",
        "absolute": "R itself, per decade of both (below 0 reinforces; Eq. 1: above 0)",
        "fall": "fall of R over n, largest m minus smallest (above 0 reinforces)",
    }
    rows = []
    for key, name in words.items():
        trials, both = record["interaction"][key], record["interaction_materials"][key]
        row = {"": name, "value": f"{trials['value']:+.2g}"}
        for column, side in (("over trials", trials), ("over trials and pairs", both)):
            row |= {f"90 % {column}": f"{side['low']:+.2g} to {side['high']:+.2g}", f"verdict {column}": side["verdict"]}
        rows.append(row)
    return pd.DataFrame(rows).set_index("")


def split_table(records: Sequence[dict]) -> pd.DataFrame:
    """Error of direct learning and transfer under each split, and the paired differences with their standard errors.

    Args:
        records: of :func:`sim2real.laws.chi_splits.split_records`.
    """
    rows = []
    for r in records:
        row = {"split": r["words"], "seen in training": shared_words(r).removeprefix("seen in training: "), "m": r["m"]}
        row["direct"] = r["direct"]["mae"]
        for n, transfer, difference in zip(r["n"], r["transfer"], r["differences"]):
            row[f"transfer, n = {n:,}"] = transfer["mae"]
            row[f"minus direct, n = {n:,}"] = with_error(difference["mean"], difference["standard_error"])
        rows.append(row)
    return pd.DataFrame(rows).set_index("split")


def class_table(records: Sequence[dict]) -> pd.DataFrame:
    """A row per class: its rows and pairs, the change of the error from the smallest to the largest n, the verdict and why.

    Args:
        records: of :func:`sim2real.laws.chi_class_results.chi_class_records`.
    """
    rows = []
    for r in records:
        change = r["change"]
        text = "" if change is None else change_text(change)
        rows.append({"class": r["name"], "m": r["rows"], "pairs": r["pairs"], "rows in training": round(r["training_rows"])})
        rows[-1] |= {"change of the error, 90 %": text, "verdict": r["verdict"], "why": r["why"]}
    return pd.DataFrame(rows).set_index("class")


def gain_table(record: dict) -> pd.DataFrame:
    """A row per class: what simulations change, and how good the simulator is on it.

    Args:
        record: of :func:`sim2real.laws.chi_class_results.gain_record`.
    """
    rows = []
    for c in record["classes"]:
        rows.append({"class": c["name"], "rows": c["rows"], "pairs": c["pairs"]})
        for key, name in (("with_direct", "transfer against direct, 90 %"), ("with_n", "largest n against smallest, 90 %")):
            rows[-1][name] = change_text(c[key])
        rows[-1]["Spearman of the simulator"] = round(c["spearman"], 2)
        rows[-1] |= {"MAE after a line": round(c["mae_line"], 3), "skill": round(c["skill"], 2)}
    return pd.DataFrame(rows).set_index("class") if rows else pd.DataFrame(columns=["rows", "pairs"])


def correlation_table(record: dict) -> pd.DataFrame:
    """Rank correlation over classes of each gain with each measure of accuracy, 90 % interval and permutation p.

    Args:
        record: of :func:`sim2real.laws.chi_class_results.gain_record`.
    """
    gains = {"with_direct": "transfer against direct", "with_n": "largest n against smallest"}
    rows = []
    for gain, measures in record["correlations"].items():
        for measure, c in measures.items():
            words = {"rank correlation": "fewer than four classes", "90 %": "", "p": ""}
            if c:
                ends = f"{c['low']:+.2f} to {c['high']:+.2f}"
                words = {"rank correlation": f"{c['spearman']:+.2f}", "90 %": ends, "p": f"{c['p']:.2g}"}
            rows.append({"gain": gains[gain], "accuracy": measure.replace("_", " ")} | words)
    return pd.DataFrame(rows, columns=["gain", "accuracy", "rank correlation", "90 %", "p"]).set_index(["gain", "accuracy"])


def _law(law: dict) -> str:
    return f"{law['D']:.3g} x^-{law['alpha']:.3g} + {law['C']:.3g}" if law["D"] else f"constant {law['C']:.3g}"


def _slope(partial: dict) -> str:
    ends = f"{partial['low']:.3g} to {partial['high']:.3g}"
    return f"{partial['value'] or 0.0:.3g} ({ends}{', no decay within it' if partial['reaches_zero'] else ''})"
