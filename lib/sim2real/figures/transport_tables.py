"""The Wiedemann-Franz study in words and tables, made from its records and from nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sim2real.chemistry.simulators.wiedemann_franz import NON_WF, WF
from sim2real.figures.plots import with_error
from sim2real.laws.bootstrap import paired_difference
from sim2real.laws.classes import change_text
from sim2real.laws.transport_results import PAPER
from sim2real.training.experiment import available_source, overlap_count
from sim2real.training.study import Study, Trials

ARM_NAMES = {
    "direct": "direct learning",
    "law": "Wiedemann-Franz law",
    "simulator": "law + line",
    "neighbour": "nearest neighbours",
    "boosting": "gradient boosting",
    "trees": "extra trees",
    "ridge": "ridge",
}
COMPUTED_NAMES = {"law": "computed value", "simulator": "computed value + line"}
NEARLY = 2.0  # a difference below so many standard errors is not told from none


def arm_name(arm: str, *, computed: bool = False) -> str:
    """An arm in words; ``transfer, keep`` and ``transfer, drop`` say whether the target's compounds may stand in the source.

    Args:
        arm: its name in the trials.
        computed: whether the source is a computed electrical conductivity, so that there is no law in between.
    """
    return (ARM_NAMES | COMPUTED_NAMES if computed else ARM_NAMES).get(arm, arm)


def sizes_table(study: Study, seed: int) -> pd.DataFrame:
    """How many compounds have which conductivity, how many both, and what overlap = drop leaves of the source with this seed."""
    source, target = study.source, study.target
    counts = {
        f"source: {source.name}": len(source),
        f"target: {target.name}": len(target),
        "source compounds that are also targets": overlap_count(study),
        "source compounds that overlap = drop leaves every trial": available_source(study, "drop", seed),
        "target compounds with known kappa": int(np.isfinite(target.table["log_kappa"]).sum()),
    }
    counts |= {f"target compounds in the group {name}": int((target.table["wf"] == name).sum()) for name in (WF, NON_WF)}
    return pd.DataFrame.from_dict(counts, orient="index", columns=["compounds"])


def mae_table(records: Sequence[dict]) -> pd.DataFrame:
    """Error of every arm (rows), for all compounds and for the subsets (columns).

    Arms that need kappa predict the compounds whose kappa is known only; their errors are marked where that is not the whole
    subset, and :func:`difference_table` compares them on the same compounds.

    Args:
        records: of :func:`sim2real.laws.arms.arm_records`.
    """
    columns = {}
    for record in records:
        texts = {}
        for arm, values in record["arms"].items():
            partly = f" ({values['compounds']} compounds)" if values["compounds"] < record["compounds"] else ""
            texts[arm_name(arm, computed=record["one_property"])] = "" if values["mae"] is None else f"{values['mae']:.4g}{partly}"
        columns[_column(record)] = texts
    return pd.DataFrame(columns).fillna("").rename_axis("MAE")


def difference_table(records: Sequence[dict]) -> pd.DataFrame:
    """Transfer at the largest n minus every other arm on the same compounds, with standard errors over trials.

    Args:
        records: of :func:`sim2real.laws.arms.arm_records`.
    """
    columns = {}
    for record in records:
        differences = {arm: v["transfer_minus_this"] for arm, v in record["arms"].items()}
        columns[_column(record)] = {
            arm_name(arm, computed=record["one_property"]): with_error(d["mean"], d["standard_error"])
            for arm, d in differences.items()
            if d is not None
        }
    return pd.DataFrame(columns).fillna("").rename_axis("transfer minus")


def _column(record: dict) -> str:
    return f"{record['subset']} ({record['compounds']})"


def winners(records: Sequence[dict]) -> str:
    """Who wins where, a sentence a subset: transfer against direct learning, and the arms that are better than transfer.

    A difference counts where it is larger than :data:`NEARLY` standard errors over trials.

    Args:
        records: of :func:`sim2real.laws.arms.arm_records`.
    """
    lines = []
    for record in records:
        own = f"transfer, {record['overlap']}"
        differences = {arm: v["transfer_minus_this"] for arm, v in record["arms"].items()}
        told = {a: d for a, d in differences.items() if d is not None and abs(d["mean"]) > NEARLY * d["standard_error"]}
        direct = differences.get("direct")
        mae = record["arms"][own]["mae"]
        head = f"{record['subset']}: transfer (overlap {record['overlap']}, n = {record['n']}, m = {record['m']}) {mae:.3g}"
        if direct is None:
            lines.append(f"{head}; too few trials to compare it with direct learning.")
            continue
        difference = with_error(direct["mean"], direct["standard_error"])
        word = "cannot be told from" if "direct" not in told else "is better than" if direct["mean"] < 0 else "is worse than"
        text = f"{head} {word} direct learning {record['arms']['direct']['mae']:.3g} ({difference})"
        others = {a: d for a, d in told.items() if a != "direct" and d["mean"] > 0}
        better = sorted(others, key=lambda a: -others[a]["mean"])
        beaten = [arm_name(a, computed=record["one_property"]) for a, d in told.items() if a != "direct" and d["mean"] < 0]
        # on the compounds that both predict: transfer there, the arm there
        named = [f"{arm_name(a, computed=record['one_property'])} ({_against(record['arms'][a], record)})" for a in better]
        text += f"; better than transfer: {', '.join(named)}" if named else "; no other arm is better than transfer"
        text += f"; worse: {', '.join(beaten)}" if beaten else ""
        lines.append(text + ".")
    return "\n".join(lines)


def _against(arm: dict, record: dict) -> str:
    partly = f" on the {arm['compounds']} compounds that it can predict" if arm["compounds"] < record["compounds"] else ""
    return f"{arm['mae']:.3g} against {arm['transfer_there']:.3g}{partly}"


def several_m_table(records: Sequence[dict]) -> pd.DataFrame:
    """Transfer from the largest n beside direct learning at several m, for each choice of overlap.

    Args:
        records: of :func:`sim2real.laws.arms.several_m_records`.
    """
    rows = []
    for record in records:
        row = {"m": record["m"], "direct": f"{record['direct']:.4g}"}
        for overlap, values in record["transfer"].items():
            difference = values["difference"]
            row[f"transfer, {overlap} (n = {values['n']})"] = f"{values['mae']:.4g}"
            row[f"transfer, {overlap} - direct"] = with_error(difference["mean"], difference["standard_error"])
        rows.append(row | {"trials": record["trials"]})
    return pd.DataFrame(rows).set_index("m")


def group_table(records: Sequence[dict]) -> pd.DataFrame:
    """The groups' slopes: relative change of the error from the smallest to the largest n, exponent, and direct learning.

    Args:
        records: of :func:`sim2real.laws.transport_results.group_records`.
    """
    rows = []
    for record in records:
        row = {"group": record["class"], "compounds": record["materials"], "tested": record["tested"]}
        if record["curve"] is not None:
            law, other = record["law"], record["other_overlap"]
            interval = law["intervals"]["alpha"] if law["intervals"] else None
            row["change with n, 90 %"] = change_text(record["change"])
            row["alpha"] = law["alpha"]
            row["alpha, 90 %"] = "" if interval is None else f"{interval['low']:.2g} to {interval['high']:.2g}"
            if other is not None:
                row[f"change with n, overlap {other['overlap']}"] = change_text(other["change"])
            row["transfer"] = record["curve"]["mae"][-1]
        if record["direct"] is not None:
            row["direct"] = record["direct"]["mae"]
        if (difference := record["transfer_minus_direct"]) is not None:
            row["transfer - direct"] = with_error(difference["mean"], difference["standard_error"])
        rows.append(row | {"verdict": record["verdict"], "why": record["why"]})
    return pd.DataFrame(rows).set_index("group") if rows else pd.DataFrame()


def group_verdict(records: Sequence[dict]) -> str:
    """What the numbers say beside the paper's "WF samples scale, non-WF do not"."""
    words = {"scales": "scales", "does not": "does not scale", "cannot be told": "cannot be told to scale or not"}
    parts = []
    for record in records:
        part = f"{record['class']}: {words[record['verdict']]}"
        if record["change"] is not None:
            part += f", error {change_text(record['change'])} from the smallest to the largest n"
        if (difference := record["transfer_minus_direct"]) is not None:
            part += f"; transfer - direct learning {with_error(difference['mean'], difference['standard_error'])}"
        if (other := record["other_overlap"]) is not None:
            part += f"; with overlap {other['overlap']} {change_text(other['change'])}"
        parts.append(part + ".")
    return " ".join(parts) or "No compound has both conductivities: there are no groups."


def curve_table(trials: Trials) -> pd.DataFrame:
    """Error of transfer at every n, its standard error over trials, and its paired difference from direct learning.

    Args:
        trials: with the arms ``transfer`` and ``direct``.
    """
    direct, rows = trials.errors("direct"), []
    for n, errors in zip(trials.design.n_grid, trials.errors("transfer").T):
        mean, standard_error, count = paired_difference(errors, direct)
        rows.append({"n": n, "MAE": errors.mean(), "standard error": errors.std(ddof=1) / np.sqrt(count)})
        rows[-1] |= {"transfer - direct": with_error(mean, standard_error), "trials": count}
    return pd.DataFrame(rows).set_index("n")


def beside_paper(record: dict, parity: dict | None) -> pd.DataFrame:
    """Sizes and law of Fig. 6 here and in the paper.

    Args:
        record: of :func:`sim2real.laws.curve.scaling_record`.
        parity: of :func:`sim2real.laws.transport_results.parity_record`, or None.
    """
    law, curve = record["law"], record["curve"]
    interval = law["intervals"]["alpha"] if law["intervals"] else None
    printed = PAPER["law"]
    fitted = f"{law['D']:.3g} n^-{law['alpha']:.3g} + {law['C']:.3g}" if law["D"] else f"constant {law['C']:.3g}"
    rows = {
        "law": (fitted, f"{printed['D']} n^-{printed['alpha']} + {printed['C']}"),
        "alpha, 90 %": ("" if interval is None else f"{interval['low']:.2g} to {interval['high']:.2g}", "not printed"),
        "largest n": (curve["n"][-1], PAPER["n_max"]),
        "compounds with electrical conductivity": (record["target"]["rows"], PAPER["target"]),
        "trained on (m)": (curve["m"], f"80 % of {PAPER['target']}"),
        "compounds with both": ("" if parity is None else parity["both"], PAPER["both"]),
        "trials": (record["arms"]["direct"]["transfer_minus_this"]["trials"], PAPER["trials"]),
        "transfer - direct": (
            with_error(*(record["arms"]["direct"]["transfer_minus_this"][k] for k in ("mean", "standard_error"))),
            "not printed",
        ),
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["here", "paper"])
