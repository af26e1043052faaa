"""Tables of curves, surfaces, classes and splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from sim2real.figures import words
from sim2real.figures.curves import class_title
from sim2real.figures.tables.rows import Record, as_dict, as_dicts, as_table, compared, exponent, interval, told
from sim2real.figures.words import between, change, difference, learner, number, percent, plain_law, shared, unit, words_of, worth

PAPER = "paper"


def scaling(records: Sequence[Record]) -> pd.DataFrame:
    """A row a record: transfer at the largest n minus direct learning, what it is made of, the law, then every error."""
    rows = []
    for r in as_dicts(records):
        curve, arms = r["curve"], r["arms"]
        paired, gains = arms.get("direct", {}).get("transfer_minus_this"), (r["other_overlap"] or {}).get("gains")
        row = {"property": r["label"]} | compared(paired) | {"m": curve["m"], "unit": unit(r)}
        if gains is not None:
            parts = {"of it, the candidates' own simulations": "own", "of it, the rest of the database": "rest"}
            row |= {column: difference(gains[part]) for column, part in parts.items()}
        row |= {"alpha, 90 %": exponent(r["law"]), "C": number(r["law"]["C"]), "fit": r["law"]["status"]}
        row |= {f"transfer, n = {curve['n'][k]:,}": number(curve["mae"][k]) for k in (0, -1)}
        rows.append(row | {learner(arm, r): number(v["mae"]) for arm, v in arms.items()})
    return as_table(rows, "property")


def beside_paper(records: Sequence[Record], paper: Mapping, *, both: int | None = None) -> pd.DataFrame:
    """Sizes and laws here and in the paper, two rows a learning curve; ``both``: compounds with both conductivities, if any."""
    rows = []
    for r in as_dicts(records):
        curve, law, name = r["curve"], r["law"], r["property"]
        direct = r["arms"]["direct"]["transfer_minus_this"]
        here = {"property": r["label"], "": "here", "law": plain_law(law), "alpha, 90 %": exponent(law)}
        here |= {"largest n": f"{curve['n'][-1]:,}", "m": f"{curve['m']:,}", "measured": f"{r['target']['rows']:,}"}
        here["trials"] = str(direct["trials"])
        printed, m = paper.get("laws", {}).get(name) or paper.get("law"), paper.get("m", {}).get(name)
        there = dict.fromkeys(("law", "alpha, 90 %", "transfer - direct"), "not printed") | {"property": r["label"], "": PAPER}
        there |= {"law": plain_law(printed)} if printed else {}
        there |= {"largest n": f"{paper['n_max']:,}", "m": f"{m:,}" if m else "80 % of the measured" if "target" in paper else ""}
        there |= {"measured": f"{paper['target']:,}" if "target" in paper else "", "trials": str(paper["trials"])}
        if both is not None:
            here["compounds with both"], there["compounds with both"] = f"{both:,}", f"{paper['both']:,}"
        rows += [here | {"transfer - direct": difference(direct)}, there]
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
        two = r["two_exponents"]
        rows |= {"by two exponents, an experiment is worth": _value(*(two["rate"][end] for end in ("value", "low", "high")))}
        rows |= {
            c: _value(two[c], *((two["intervals"] or {}).get(c, {}).get(k) for k in ("low", "high"))) for c in ("beta1", "beta2")
        }
        columns[name] = rows | {"status of the fit": " ".join([law["status"], *law["bounds_hit"]])}
    printed = {"simulations one experiment is worth": number(paper["marginal_rate"])}
    printed |= {"at n, m": f"{paper['n']:,}, {paper['m']:,}", "trials": "500"}
    printed |= {c: number(v) for c, v in paper["constants"].items()}
    return pd.DataFrame(columns | {"paper, density": printed}).fillna("")


def held_back(records: Mapping[str, Record]) -> pd.DataFrame:
    """How well each form predicts the largest n or m, held back: relative rms and worst error; a row a form."""
    rows = []
    for name, r in zip(records, as_dicts(records.values())):
        for c in r["compared"] or []:
            row = {"study": name, "held back": c["held_back"], "form": c["model"]}
            rows.append(row | {"relative rms": f"{c['rmse']:.1%}", "worst": percent(c["worst"])})
    return as_table(rows, ["study", "held back", "form"])


def rates(record: Record) -> pd.DataFrame:
    """What a measurement is worth, from which laws and slopes, over trials and over trials and pairs, beside the paper."""
    r = as_dict(record)
    paper, columns = r["paper"], {}
    names = ("simulations a measurement is worth", "identified", "n, m", "R(n, m max)", "R(n max, m)", "dR/dn", "dR/dm")
    for name, of in (("90 % over trials", r["rate"]), ("90 % over trials and pairs", r["rate_materials"])):
        said = (worth(of), of["identified"], f"{of['n']:,.0f}, {of['m']:,.0f}", plain_law(of["in_n"]), plain_law(of["in_m"], "m"))
        columns[name] = dict(zip(names, (*said, _slope(of["partial_n"]), _slope(of["partial_m"]))))
    said = (number(paper["rate"]), "no interval", f"{paper['n']:,}, {paper['m']:,}", plain_law(paper["law_n"]))
    said += (plain_law(paper["law_m"], "m"), number(paper["partial_n"]), number(paper["partial_m"]))
    return pd.DataFrame(columns | {PAPER: dict(zip(names, said))})


def interactions(record: Record) -> pd.DataFrame:
    """The interaction of n and m, four ways, with 90 % intervals over trials and over trials and pairs, and a verdict each."""
    r, rows = as_dict(record), []
    for key, name in words.INTERACTIONS.items():
        row = {"": name, "value": number(r["interaction"][key]["value"], 2, sign=True)}
        for column, side in (("over trials and pairs", "interaction_materials"), ("over trials", "interaction")):
            of = r[side][key]
            row |= {f"verdict {column}": of["verdict"], f"90 % {column}": interval(of)}
        rows.append(row)
    return as_table(rows, "")


def splits(records: Sequence[Record]) -> pd.DataFrame:
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
        row = {"class": class_title(r), "verdict": r["verdict"], "change with n, 90 %": change(r["change"])}
        if r.get("other_overlap") is not None:
            row[f"change, overlap {r['other_overlap']['overlap']}"] = change(r["other_overlap"]["change"])
        if r.get("direct") is not None:
            row["transfer - direct"] = difference(r["transfer_minus_direct"])
            row |= {"transfer": r["curve"] and number(r["curve"]["mae"][-1]), "direct": number(r["direct"]["mae"])}
        row["alpha, 90 %"] = "" if r["law"] is None else exponent(r["law"])
        sizes = {"materials": r["materials"]}
        if words_of(r) is words.PAIRS:
            sizes = {"m": r["rows"], "pairs": r["pairs"], "trained on": round(r["training_rows"])}
        rows.append(row | sizes | {"tested": r["tested"], "why": r["why"]})
    return as_table(rows, "class")


def class_gains(record: Record) -> pd.DataFrame:
    """A row a class: what simulations change, and how good the simulator is on it."""
    rows = []
    for c in as_dict(record)["classes"]:
        row = {"class": c["name"], "against direct, 90 %": change(c["with_direct"])}
        row |= {"largest n against smallest, 90 %": change(c["with_n"])}
        row |= {"rank correlation": number(c["spearman"], 2, sign=True), "skill": number(c["skill"], 2)}
        rows.append(row | {"MAE after a line": number(c["mae_line"]), "rows": c["rows"], "pairs": c["pairs"]})
    return as_table(rows, "class", ["against direct, 90 %", "rows", "pairs"])


def correlations(record: Record) -> pd.DataFrame:
    """Rank correlation over classes of each gain with each measure of accuracy, 90 % interval and permutation p."""
    names = {"with_direct": "transfer against direct", "with_n": "largest n against smallest"}
    rows = []
    for gain, measures in as_dict(record)["correlations"].items():
        for measure, c in measures.items():
            row = {"rank correlation": "fewer than four classes", "90 %": "", "p": ""}
            if c:
                row = {"rank correlation": number(c["spearman"], 2, sign=True), "90 %": interval(c), "p": number(c["p"], 2)}
            rows.append({"gain": names[gain], "accuracy": measure.replace("_", " ")} | row)
    return as_table(rows, ["gain", "accuracy"], ["rank correlation", "90 %", "p"])


def sizes(records: Sequence[Record]) -> pd.DataFrame:
    """Transfer from the largest n beside direct learning at each m."""
    rows = []
    for r in as_dicts(records):
        for k, (m, d) in enumerate(zip(r["m"], r["transfer_minus_direct"])):
            row = {"property": r["label"], "m": m} | compared(d)
            rows.append(row | {arm: number(r[arm]["mae"][k]) for arm in ("transfer", "direct")} | {"unit": unit(r)})
    return as_table(rows, ["property", "m"])


def parities(records: Sequence[Record]) -> pd.DataFrame:
    """Rank correlation, bias and error of the simulated values, a row a record."""
    rows = []
    for r in as_dicts(records):
        row = {"property": r["label"], "Spearman": number(r["spearman"], 2), "Pearson": number(r["pearson"], 2)}
        row |= {"bias": number(r["bias"], sign=True), "relative bias": percent(r["relative_bias"])}
        row |= {"MAE": number(r["mae"]), "unit": unit(r), "rows": r["rows"]}
        rows.append(row | ({"time a material": r["cost"]} if "cost" in r else {}))
    return as_table(rows, "property")


def _value(value: float | None, low: float | None, high: float | None) -> str:
    return f"{number(value)} ({between(low, high, 3)})"


def _slope(partial: Mapping) -> str:
    ends = between(partial["low"], partial["high"], 3)
    return f"{number(partial['value'] or 0.0)} ({ends}{', no decay within it' if partial['reaches_zero'] else ''})"
