"""Tables of what to buy next, of classes to go on with, and of policies of growth."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sim2real.figures.tables.rows import Record, as_dict, as_dicts, as_table
from sim2real.figures.words import between, change, number, percent, unit


def allocations(records: Sequence[Record]) -> pd.DataFrame:
    """Two rows a record, the form that predicts held-back cells better first: what to buy with 90 % intervals, the error there."""
    rows = []
    for r in as_dicts(records):
        for s in r["splits"]:
            row = {"study": r["study"], "form": s["form"]}
            for word, size, k in (("simulations", "n", 0), ("measurements", "m", 1)):
                ends = (max(0, end - r["have"][k]) for end in s[f"{size}_range"])
                row[f"more {word}, 90 %"] = f"{s[size] - r['have'][k]:,} ({between(*ends, 3)})"
            row |= {"error, 90 %": f"{number(s['error'])} ({between(*s['error_range'], 3)})", "error now": number(s["now"])}
            row |= {"unit": unit(r), "could cost up to": f"{s['lost']:.1%}"}
            row |= {"no more simulations": f"{s['no_more_n']:.0%}", "no more measurements": f"{s['no_more_m']:.0%}"}
            rows.append(row)
    return as_table(rows, ["study", "form"])


def prospects(record: Record) -> pd.DataFrame:
    """A row a class: verdict and change over the last part of n, and over all of it."""
    r, rows = as_dict(record), []
    whole, last = ("{:,} to {:,}".format(*span) for span in r["spans"])
    for c in r["classes"]:
        row = {"class": c["name"], "verdict": c["last"]["verdict"], f"n = {last}": change(c["last"]["change"])}
        rows.append(row | {f"n = {whole}": change(c["whole"]["change"]), "tested": c["tested"], "why": c["last"]["why"]})
    return as_table(rows, "class")


def policies(record: Record) -> pd.DataFrame:
    """A row a policy: error and regret against the best in hindsight at each budget, 90 % over trials."""
    r, rows = as_dict(record), []
    for k, name in enumerate(r["policies"]):
        row = {"policy": name}
        for j, budget in enumerate(r["budgets"]):
            row[f"error, n = {budget:,}"] = number(r["mae"][k][j])
            if j:
                mean, low, high = (r["regret"][of][k][j] for of in ("mean", "low", "high"))
                row[f"regret, n = {budget:,}"] = f"{percent(mean)} ({percent(low)} to {percent(high)})"
        rows.append(row)
    return as_table(rows, "policy")
