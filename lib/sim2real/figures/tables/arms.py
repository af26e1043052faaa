"""Tables of learners side by side, of several m, of single compounds and of source sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sim2real.figures.tables.rows import Record, as_dict, as_dicts, as_table, exponent, told
from sim2real.figures.words import ARMS, between, difference, number, percent, unit
from sim2real.laws.significance import ALPHA


def arm_words(arm: str, record: Mapping) -> str:
    """An arm in words; where source and target are one property its value as it is, no law, is meant."""
    law = "computed value" if record["one_property"] else "Wiedemann-Franz law"
    own = {"law": law, "simulator": "computed value + line" if record["one_property"] else "law + line"}
    return (ARMS | own).get(arm, arm)


def arms(records: Sequence[Record]) -> pd.DataFrame:
    """Every arm beside transfer on each subset: verdict, transfer minus the arm on the same compounds, and both errors there.

    A difference counts where it is larger than two standard errors over trials. Arms that need the tested compound's own value
    predict those that have it only: ``compounds`` says on how many of the subset's.
    """
    rows = []
    for r in as_dicts(records):
        for arm, v in r["arms"].items():
            d, own = v["transfer_minus_this"], arm == f"transfer, {r['overlap']}"
            row = {"subset": f"{r['subset']} ({r['compounds']:,})", "arm": arm_words(arm, r)}
            row["verdict"] = f"n = {r['n']:,}, m = {r['m']:,}" if own else "too few trials" if d is None else told(d)
            row |= {"transfer minus this": "" if own else difference(d), "MAE": "" if v["mae"] is None else number(v["mae"])}
            row["transfer there"] = "" if v["transfer_there"] is None else number(v["transfer_there"])
            rows.append(row | {"compounds": v["compounds"]})
    return as_table(rows, ["subset", "arm"])


def several_m(records: Sequence[Mapping]) -> pd.DataFrame:
    """Transfer from the largest n beside direct learning at several m, for each choice of overlap."""
    rows = []
    for r in records:
        row = {"m": r["m"]}
        for overlap, v in r["transfer"].items():
            row |= {f"{overlap} - direct": difference(v["difference"]), f"verdict, {overlap}": told(v["difference"])}
        row |= {f"transfer, {overlap} (n = {v['n']:,})": number(v["mae"]) for overlap, v in r["transfer"].items()}
        rows.append(row | {"direct": number(r["direct"]), "trials": r["trials"]})
    return as_table(rows, "m")


def simulators(compared: pd.DataFrame) -> pd.DataFrame:
    """What :func:`sim2real.laws.arms.compare_simulators` made, for reading."""
    of_direct = compared.index.get_level_values("learner") == "direct"
    names = {"minus direct": "mean", "standard error": "standard_error", "trials": "trials"}
    sides = compared.rename(columns=names)[list(names.values())].to_dict("records")
    records = [None if own else side for own, side in zip(of_direct, sides)]
    verdict = [told(r).replace("transfer ", "") for r in records]
    columns = {"minus direct": [difference(r) for r in records], "verdict": verdict, "MAE": [number(v) for v in compared["MAE"]]}
    return pd.DataFrame(columns, index=compared.index)


def found(record: Record) -> pd.DataFrame:
    """What can be told of single compounds, a row a kind of gain: how many gain and lose, and how many could have been found."""
    r, rows = as_dict(record), []
    draws = np.array(r["tested"])
    for name, gains in r["gains"].items():
        tested, verdicts = [p is not None for p in gains["p_bh"]], pd.Series(gains["verdict"])
        words = f"{(verdicts == 'gains').sum()} gain and {(verdicts == 'loses').sum()} lose; of the others nothing can be told"
        row = {"gain": name, "verdict": words if any(tested) else "nothing can be told of a single compound: too few draws"}
        row |= {"with a test": sum(tested), "by Holm": sum(p is not None and p <= ALPHA for p in gains["p_holm"])}
        row |= {"a worthwhile gain seen with 80 % power": sum(gains["seen"]), "after correction": sum(gains["seen_all"])}
        row["draws a compound"] = f"{np.median(draws):.0f} of {r['draws']} ({draws.min()} to {draws.max()})"
        rows.append(row | {"tested": f"{len(draws):,} of {r['compounds']:,}"})
    return as_table(rows, "gain")


def ranked(record: Record, name: str = "with n", rows: int = 10) -> pd.DataFrame:
    """The compounds that gain most and least, ``rows`` at either end; of those with a test, if any: other extremes are chance."""
    r = as_dict(record)
    gains = pd.DataFrame(r["gains"][name]).astype({k: float for k in ("mean", "low", "high", "p_bh", "p_holm")})
    tested = gains["p_bh"].notna()
    order = (gains[tested] if tested.any() else gains).sort_values("mean", ascending=False, kind="stable").index
    order = order if len(order) <= 2 * rows else [*order[:rows], *order[-rows:]]
    shown = []
    for k in order:
        g = gains.loc[k]
        row = {"compound": r["names"][k], f"gain ({r['unit']})": number(g["mean"], sign=True), "verdict": g["verdict"]}
        row["95 %"] = between(g["low"], g["high"], sign=True) if np.isfinite(g["low"]) else ""
        columns = {"p, Benjamini-Hochberg": g["p_bh"], "p, Holm": g["p_holm"]}
        row |= {label: number(p, 2) if np.isfinite(p) else "" for label, p in columns.items()}
        shown.append(row | {"draws": r["tested"][k], "group": r["wf"][k], "family": r["groups"][k]})
    return as_table(shown, "compound")


def explained(record: Record) -> pd.DataFrame:
    """What explains the order of the compounds' gains."""
    rows = []
    for gain, properties in as_dict(record)["explained"].items():
        for p in properties:
            row = {"gain": gain, "explained by": p["name"], "value": "cannot be told", "measure": p["measure"]}
            row["compounds"] = p["compounds"]
            if p["value"] is not None:
                row |= {"value": number(p["value"], sign=True), "95 %": between(p["low"], p["high"], sign=True)}
                row |= {"Holm p": number(p["p_holm"], 2), "p": number(p["p"], 2)}
                levels = [f"{v['label']} {number(v['median'], 2, sign=True)} ({v['compounds']})" for v in p.get("levels", [])[:5]]
                row["median gain, beside the trial's mean"] = ", ".join(levels)
            rows.append(row)
    return as_table(rows, ["gain", "explained by"])


def sets(record: Record) -> pd.DataFrame:
    """Each source set at the largest n: its difference from the most similar set, its error, its law's exponent."""
    r, rows = as_dict(record), []
    end = r["by_n"][-1]
    for k, grade in enumerate(r["grades"]):
        row = {"set": grade["name"], "similarity": number(grade["similarity"]["median"], 2), "MAE": number(end["mae"][k])}
        if k < len(end["comparisons"]):
            c = end["comparisons"][k]
            row |= {"difference": difference(c), "relative": percent(c["relative"]), "Holm p": number(c["p_holm"], 2)}
            row |= {"95 %": between(c["low"], c["high"], sign=True)}
            row["95 %, materials too"] = between(c["low_materials"], c["high_materials"], sign=True)
            effect = c["standardised"]
            row |= {"detectable": number(c["detectable"]), "effect size": "" if effect is None else number(effect, 2, sign=True)}
        rows.append(row | {"alpha, 90 %": exponent(grade["law"])})
    return as_table(rows, "set")


def sets_by_n(record: Record) -> pd.DataFrame:
    """At every n: the span of the sets' errors, the tests' p, and the change along the similarity."""
    rows = []
    for at in as_dict(record)["by_n"]:
        row = {"n": at["n"], "span": number(at["range"]), "Friedman p": number(at["friedman"]["p"], 2)}
        row["smallest Holm p"] = number(min(c["p_holm"] for c in at["comparisons"]), 2)
        row["detectable"] = number(max(c["detectable"] for c in at["comparisons"]))
        if trend := at["trend"]:
            row |= {"change along similarity": difference(trend), "95 %": between(trend["low"], trend["high"], sign=True)}
            row |= {"p": number(trend["p"], 2), "p, orders of the sets": number(trend["p_order"], 2)}
        rows.append(row)
    return as_table(rows, "n")


def similarity_verdict(record: Record) -> dict[str, str]:
    """What the numbers at the largest n allow to say beside the paper's "no significant differences": a word and sentences."""
    r = as_dict(record)
    end, design, controls = r["by_n"][-1], r["design"], r["controls"]
    names, base, suffix = [g["name"] for g in r["grades"]], end["mae"][-1], "" if r["unit"] == "-" else f" {unit(r)}"
    largest = max(end["comparisons"], key=lambda c: abs(c["mean"]))
    significant = [c for c in end["comparisons"] if c["p_holm"] < ALPHA]

    def size(value: float) -> str:
        return f"{number(value, 2)}{suffix}"

    text = [
        f"No set differs from the most similar one by more than {size(abs(largest['mean']))} ({abs(largest['relative']):.1%} of "
        f"its error {number(base)}; set {names[largest['set']]}, {number(largest['mean'], 2, sign=True)}, Holm p = "
        f"{number(largest['p_holm'], 2)})."
    ]
    chance = f"Friedman p = {number(end['friedman']['p'], 2)}"
    if end["smallest_p"] >= ALPHA:
        code = "cannot be told"
        text.append(
            f"With {end['blocks']} independent source draws no corrected p can be below {number(end['smallest_p'], 2)}: the test "
            f"decides nothing ({chance}); PRESET=paper, with TRIALS of your choice, gives every trial a source draw of its own."
        )
    elif significant:
        random = controls.get("random")
        by_chance = random is not None and random["range"] >= end["range"]
        code = "differences seen" + (", no larger than between sets cut at random" if by_chance else "")
        beyond = sum(c["low_materials"] > 0 or c["high_materials"] < 0 for c in significant)
        which = ", ".join(f"{names[c['set']]} ({number(c['mean'], 2, sign=True)})" for c in significant)
        text.append(
            f"Told from chance at 5 % on these measured materials: {which}; {chance}. Of these, {beyond} have a 95 % interval "
            "over trials and materials that leaves out 0."
        )
    else:
        code = "none seen"
        text.append(f"None can be told from chance at 5 % ({chance}).")
    if earlier := [str(at["n"]) for at in r["by_n"][:-1] if any(c["p_holm"] < ALPHA for c in at["comparisons"])]:
        text.append(f"At n = {', '.join(earlier)} some are (not corrected for the number of n).")
    blind, others = (max(c[key] for c in end["comparisons"]) for key in ("detectable", "detectable_materials"))
    text.append(
        f"Differences smaller than {size(blind)} ({blind / base:.1%}) could not have been detected with 80 % power on these "
        f"measured materials, nor smaller than {size(others)} ({others / base:.1%}) on others of their kind."
    )
    if trend := end["trend"]:
        text.append(
            f"Along the similarity the error changes by {size(trend['mean'])} from the least to the most similar set (95 % over "
            f"trials {between(trend['low'], trend['high'], sign=True)}, p = {number(trend['p'], 2)}; over trials and materials "
            f"{between(trend['low_materials'], trend['high_materials'], sign=True)}; among all orders of the sets, p = "
            f"{number(trend['p_order'], 2)})."
        )
    if random := controls.get("random"):
        spans = [f"{size(c['range'])}, from {number(min(c['mae']))} to {number(max(c['mae']))}" for c in (end, random)]
        text.append(f"The sets' errors span {spans[0]}; those of sets cut at random span {spans[1]}.")
    if within := controls.get("within classes"):
        seen = sum(c["p_holm"] < ALPHA for c in within["comparisons"])
        along = ""
        if trend := within["trend"]:
            along = f"; change along the similarity {size(trend['mean'])} (p = {number(trend['p'], 2)})"
        text.append(
            f"Cut within classes, so that all sets have the same classes (n = {within['n']:,}), they span "
            f"{size(within['range'])}, and {seen} of {len(within['comparisons'])} differences are told from chance{along}."
        )
    return {"verdict": code, "text": f"{r['label']}, n = {end['n']:,}, m = {design['m']:,}. {' '.join(text)}"}
