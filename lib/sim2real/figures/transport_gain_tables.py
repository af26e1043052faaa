"""Which single compounds gain, in words and tables, made from the record of :mod:`sim2real.studies.transport_gains` and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sim2real.laws.classes import WORTHWHILE
from sim2real.laws.significance import ALPHA
from sim2real.studies.transport_gains import FALSE_DISCOVERIES, FEWEST_DRAWS, GAINS


def gain_verdict(record: dict) -> str:
    """What can be told of single compounds, with the numbers.

    Args:
        record: of :func:`sim2real.studies.transport_gains.gain_record`.
    """
    draws = np.array(record["tested"])
    text = [
        f"{len(draws)} of {record['compounds']} compounds were tested, each in {np.median(draws):.0f} of {record['draws']}"
        f" independent source draws (median; {draws.min()} to {draws.max()})."
    ]
    for name in GAINS:
        gains = record["gains"][name]
        p = [v for v in gains["p_bh"] if v is not None]
        if not p:
            text.append(
                f"Gain {name}: nothing can be told of a single compound, none was tested in the {FEWEST_DRAWS} draws that a"
                " test needs. PRESET=paper gives every trial a source draw of its own; about five times as many trials as"
                f" draws wanted per compound are needed, {5 * FEWEST_DRAWS} at the very least."
            )
            continue
        verdicts = pd.Series(gains["verdict"])
        holm = sum(v is not None and v <= ALPHA for v in gains["p_holm"])
        text.append(
            f"Gain {name}: of {len(p)} compounds tested in at least {FEWEST_DRAWS} draws, {(verdicts == 'gains').sum()} gain and"
            f" {(verdicts == 'loses').sum()} lose (false discovery rate {FALSE_DISCOVERIES:.0%}; {holm} by Holm at {ALPHA:.0%});"
            f" of the others nothing can be told. A gain of {WORTHWHILE:.0%} of its error would have been found with 80 % power"
            f" in {sum(gains['seen'])} of them tested alone, in {sum(gains['seen_all'])} after correction for all."
        )
    return " ".join(text)


def ranked_table(record: dict, name: str = "with n", rows: int = 10) -> pd.DataFrame:
    """The compounds that gain most and least.

    Args:
        record: of :func:`sim2real.studies.transport_gains.gain_record`.
        name: one of :data:`~sim2real.studies.transport_gains.GAINS`.
        rows: at either end.
    """
    gains = pd.DataFrame(record["gains"][name]).astype({k: float for k in ("mean", "low", "high", "p_bh", "p_holm")})
    columns = {"compound": "names", "family": "groups", "group": "wf", "draws": "tested"}
    table = pd.DataFrame({column: record[key] for column, key in columns.items()})
    table["gain"] = gains["mean"]
    table["95 %"] = [f"{a:+.2g} to {b:+.2g}" if np.isfinite(a) else "" for a, b in zip(gains["low"], gains["high"])]
    table["p, Benjamini-Hochberg"], table["p, Holm"], table["verdict"] = gains["p_bh"], gains["p_holm"], gains["verdict"]
    # those that can be tested first: of the others the extremes are chance
    tested = table[gains["p_bh"].notna()]
    table = (tested if len(tested) else table).sort_values("gain", ascending=False, kind="stable").set_index("compound")
    return table if len(table) <= 2 * rows else pd.concat([table.head(rows), table.tail(rows)])


def explained_table(record: dict) -> pd.DataFrame:
    """What explains the order of the compounds' gains.

    Args:
        record: of :func:`sim2real.studies.transport_gains.gain_record`.
    """
    rows = []
    for gain, properties in record["explained"].items():
        for p in properties:
            row = {"gain": gain, "explained by": p["name"], "compounds": p["compounds"], "measure": p["measure"]}
            if p["value"] is None:
                rows.append(row | {"value": "cannot be told"})
                continue
            row |= {"value": f"{p['value']:+.3f}", "95 %": f"{p['low']:+.3f} to {p['high']:+.3f}"}
            row |= {"p": p["p"], "Holm p": p["p_holm"]}
            levels = [f"{v['label']} {v['median']:+.2g} ({v['compounds']})" for v in p.get("levels", [])[:5]]
            row["median gain, beside the trial's mean"] = ", ".join(levels)
            rows.append(row)
    return pd.DataFrame(rows).set_index(["gain", "explained by"]).astype(object).fillna("")
