"""Tables of learners side by side, of several m, of single compounds and of source sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sim2real.figures.tables.rows import Record, as_dict, as_dicts, as_table, compared, exponent, interval, known, told
from sim2real.figures.words import ARMS, difference, number, percent, unit, with_error
from sim2real.laws.bootstrap import paired_over_draws
from sim2real.laws.significance import ALPHA
from sim2real.training.study import Trials


def arm_words(arm: str, record: Mapping) -> str:
    """An arm in words; where source and target are one property its value as it is, no law, is meant."""
    law = "computed value" if record["one_property"] else "Wiedemann-Franz law"
    own = {"law": law, "simulator": "computed value + line" if record["one_property"] else "law + line"}
    return (ARMS | own).get(arm, arm)


def arms(records: Sequence[Record]) -> pd.DataFrame:
    """Every arm beside transfer on each subset: verdict, transfer minus the arm on the same compounds, and both errors there.

    A difference counts where it is larger than two standard errors; ``compounds`` are those that an arm can predict.
    """
    rows = []
    for r in as_dicts(records):
        for arm, v in r["arms"].items():
            d, own = v["transfer_minus_this"], arm == f"transfer, {r['overlap']}"
            row = {"subset": f"{r['subset']} ({r['compounds']:,})", "arm": arm_words(arm, r)}
            row["verdict"] = f"n = {r['n']:,}, m = {r['m']:,}" if own else "too few trials" if d is None else told(d)
            row["transfer minus this"] = "" if own else difference(d)
            row |= {column: known(v[key]) for column, key in (("MAE", "mae"), ("transfer there", "transfer_there"))}
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


def by_n(trials: Trials) -> pd.DataFrame:
    """Transfer at every n: its paired difference from direct learning (standard error over source draws) and its error."""
    direct, rows = trials.errors("direct"), []
    for n, errors in zip(trials.design.n_grid, trials.errors("transfer").T):
        d = paired_over_draws(trials, errors, direct)._asdict()
        own = with_error(errors.mean(), errors.std(ddof=1) / np.sqrt(d["trials"]), sign=False)
        rows.append({"n": n} | compared(d) | {"MAE": own, "trials": d["trials"]})
    return as_table(rows, "n")


def simulators(table: pd.DataFrame) -> pd.DataFrame:
    """What :func:`sim2real.laws.arms.compare_simulators` made, for reading."""
    of_direct = table.index.get_level_values("learner") == "direct"
    names = {"minus direct": "mean", "standard error": "standard_error", "trials": "trials"}
    sides = table.rename(columns=names)[list(names.values())].to_dict("records")
    records = [None if own else side for own, side in zip(of_direct, sides)]
    verdict = [told(r).replace("transfer ", "") for r in records]
    columns = {"minus direct": [difference(r) for r in records], "verdict": verdict, "MAE": [number(v) for v in table["MAE"]]}
    return pd.DataFrame(columns, index=table.index)


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
        row["95 %"] = interval(g) if np.isfinite(g["low"]) else ""
        row |= {"p, Benjamini-Hochberg": known(g["p_bh"], 2), "p, Holm": known(g["p_holm"], 2)}
        shown.append(row | {"draws": r["tested"][k], "group": r["wf"][k], "family": r["groups"][k]})
    return as_table(shown, "compound")


def explained(record: Record) -> pd.DataFrame:
    """What explains the order of the compounds' gains."""
    rows = []
    for gain, properties in as_dict(record)["explained"].items():
        for p in properties:
            row = {"gain": gain, "explained by": p["name"], "value": "cannot be told"} | {k: p[k] for k in ("measure", "compounds")}
            if p["value"] is not None:
                row |= {"value": number(p["value"], sign=True), "95 %": interval(p)}
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
            row |= {"95 %": interval(c), "95 %, materials too": interval(c, "_materials"), "detectable": number(c["detectable"])}
            row["effect size"] = known(c["standardised"], 2, sign=True)
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
            row |= {"change along similarity": difference(trend), "95 %": interval(trend)}
            row |= {"p": number(trend["p"], 2), "p, orders of the sets": number(trend["p_order"], 2)}
        rows.append(row)
    return as_table(rows, "n")


def similarity_verdict(record: Record) -> dict[str, str]:
    """What the numbers at the largest n allow to say beside the paper's "no significant differences": a word and sentences."""
    r = as_dict(record)
    end, controls, names = r["by_n"][-1], r["controls"], [g["name"] for g in r["grades"]]
    base, chance = end["mae"][-1], f"Friedman p = {number(end['friedman']['p'], 2)}"
    largest = max(end["comparisons"], key=lambda c: abs(c["mean"]))
    significant = [c for c in end["comparisons"] if c["p_holm"] < ALPHA]

    def size(value: float) -> str:
        return number(value, 2) + ("" if r["unit"] == "-" else f" {unit(r)}")

    text = [
        f"No set differs from the most similar one by more than {size(abs(largest['mean']))} ({abs(largest['relative']):.1%} of "
        f"its error {number(base)}; set {names[largest['set']]}, {number(largest['mean'], 2, sign=True)}, Holm p = "
        f"{number(largest['p_holm'], 2)})."
    ]
    if end["smallest_p"] >= ALPHA:
        code = "cannot be told"
        text += [
            f"With {end['blocks']} independent source draws no corrected p can be below {number(end['smallest_p'], 2)}: the test "
            f"decides nothing ({chance}); PRESET=paper, with TRIALS of your choice, gives every trial a source draw of its own."
        ]
    elif significant:
        by_chance = controls.get("random") is not None and controls["random"]["range"] >= end["range"]
        code = "differences seen" + (", no larger than between sets cut at random" if by_chance else "")
        beyond = sum(c["low_materials"] > 0 or c["high_materials"] < 0 for c in significant)
        which = ", ".join(f"{names[c['set']]} ({number(c['mean'], 2, sign=True)})" for c in significant)
        text += [
            f"Told from chance at 5 % on these measured materials: {which}; {chance}. Of these, {beyond} have a 95 % interval over "
            "trials and materials that leaves out 0."
        ]
    else:
        code = "none seen"
        text += [f"None can be told from chance at 5 % ({chance})."]
    if earlier := [str(at["n"]) for at in r["by_n"][:-1] if any(c["p_holm"] < ALPHA for c in at["comparisons"])]:
        text += [f"At n = {', '.join(earlier)} some are (not corrected for the number of n)."]
    blind, others = (max(c[key] for c in end["comparisons"]) for key in ("detectable", "detectable_materials"))
    text += [
        f"Differences below {size(blind)} ({blind / base:.1%}) could not have been detected with 80 % power on these measured "
        f"materials, nor below {size(others)} ({others / base:.1%}) on others of their kind."
    ]
    if trend := end["trend"]:
        text += [
            f"From the least to the most similar set the error changes by {size(trend['mean'])} (95 % over trials {interval(trend)}"
            f", p = {number(trend['p'], 2)}; over trials and materials {interval(trend, '_materials')}; among all orders of "
            f"the sets, p = {number(trend['p_order'], 2)})."
        ]
    if random := controls.get("random"):
        spans = [f"{size(c['range'])}, from {number(min(c['mae']))} to {number(max(c['mae']))}" for c in (end, random)]
        text += [f"The sets' errors span {spans[0]}; those of sets cut at random span {spans[1]}."]
    if within := controls.get("within classes"):
        seen, trend = sum(c["p_holm"] < ALPHA for c in within["comparisons"]), within["trend"]
        along = f"; change along the similarity {size(trend['mean'])} (p = {number(trend['p'], 2)})" if trend else ""
        text += [
            f"Cut within classes, so that all sets have the same classes (n = {within['n']:,}), they span {size(within['range'])}, "
            f"and {seen} of {len(within['comparisons'])} differences are told from chance{along}."
        ]
    return {"verdict": code, "text": f"{r['label']}, n = {end['n']:,}, m = {r['design']['m']:,}. {' '.join(text)}"}
