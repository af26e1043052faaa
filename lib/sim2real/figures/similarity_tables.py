"""The study of graded similarity in words and tables, made from its record and from nothing else."""

from __future__ import annotations

import pandas as pd

from sim2real.laws.significance import ALPHA


def verdict(record: dict) -> dict:
    """What the numbers at the largest n allow to say beside the paper's "no significant differences".

    Args:
        record: of :func:`sim2real.studies.similarity_results.similarity_record`.

    Returns:
        ``verdict``: "differences seen", "differences seen, no larger than between sets cut at random" (then similarity does not
        explain them), "none seen" or "cannot be told" (too few independent source draws for any corrected p to reach 5 %), and
        ``text``, sentences with the numbers.
    """
    end, design = record["by_n"][-1], record["design"]
    unit = "" if record["unit"] == "-" else f" {record['unit']}"
    names = [g["name"] for g in record["grades"]]
    largest = max(end["comparisons"], key=lambda c: abs(c["mean"]))
    significant = [c for c in end["comparisons"] if c["p_holm"] < ALPHA]
    base = end["mae"][-1]
    text = [
        f"{record['label']}, n = {end['n']}, m = {design['m']}, {design['trials']} trials on {design['source_draws']} source"
        f" draws: no set differs from the most similar one by more than {abs(largest['mean']):.2g}{unit}"
        f" ({abs(largest['relative']):.1%} of its error {base:.3g}; set {names[largest['set']]}, {largest['mean']:+.2g},"
        f" Holm p = {largest['p_holm']:.2g})."
    ]
    chance = f"Friedman p = {end['friedman']['p']:.2g}"
    if end["smallest_p"] >= ALPHA:
        code = "cannot be told"
        text.append(
            f"With {end['blocks']} independent source draws no corrected p can be below {end['smallest_p']:.2g}: the test"
            f" decides nothing ({chance}); PRESET=paper, with TRIALS of your choice, gives every trial a source draw of its own."
        )
    elif significant:
        random = record["controls"].get("random")
        by_chance = random is not None and random["range"] >= end["range"]
        code = "differences seen" + (", no larger than between sets cut at random" if by_chance else "")
        beyond = sum(c["low_materials"] > 0 or c["high_materials"] < 0 for c in significant)
        which = ", ".join(f"{names[c['set']]} ({c['mean']:+.2g})" for c in significant)
        text.append(
            f"Told from chance at 5 % on these measured materials: {which}; {chance}. Of these, {beyond} have a 95 %"
            " interval over trials and materials that leaves out 0."
        )
    else:
        code = "none seen"
        text.append(f"None can be told from chance at 5 % ({chance}).")
    if earlier := [str(at["n"]) for at in record["by_n"][:-1] if any(c["p_holm"] < ALPHA for c in at["comparisons"])]:
        text.append(f"At n = {', '.join(earlier)} some are (not corrected for the number of n).")
    blind, others = (max(c[key] for c in end["comparisons"]) for key in ("detectable", "detectable_materials"))
    text.append(
        f"Differences smaller than {blind:.2g}{unit} ({blind / base:.1%}) could not have been detected with 80 % power on these"
        f" measured materials, nor smaller than {others:.2g}{unit} ({others / base:.1%}) on others of their kind."
    )
    if trend := end["trend"]:
        text.append(
            f"Along the similarity the error changes by {trend['mean']:+.2g}{unit} from the least to the most similar set (95 %"
            f" over trials {trend['low']:+.2g} to {trend['high']:+.2g}, p = {trend['p']:.2g}; over trials and materials"
            f" {trend['low_materials']:+.2g} to {trend['high_materials']:+.2g}; among all orders of the sets,"
            f" p = {trend['p_order']:.2g})."
        )
    if random := record["controls"].get("random"):
        spans = [f"{c['range']:.2g}{unit}, from {min(c['mae']):.3g} to {max(c['mae']):.3g}" for c in (end, random)]
        text.append(f"The sets' errors span {spans[0]}; those of sets cut at random span {spans[1]}.")
    if within := record["controls"].get("within classes"):
        told = sum(c["p_holm"] < ALPHA for c in within["comparisons"])
        trend = within["trend"]
        along = f"; change along the similarity {trend['mean']:+.2g}{unit} (p = {trend['p']:.2g})" if trend else ""
        text.append(
            f"Cut within classes, so that all sets have the same classes (n = {within['n']}), they span"
            f" {within['range']:.2g}{unit}, and {told} of {len(within['comparisons'])} differences are told from chance{along}."
        )
    return {"verdict": code, "text": " ".join(text)}


def comparison_table(record: dict) -> pd.DataFrame:
    """Each set at the largest n: its error, its law's exponent, and its difference from the most similar set."""
    end, rows = record["by_n"][-1], []
    for k, grade in enumerate(record["grades"]):
        law = grade["law"]
        interval = law["intervals"]["alpha"] if law["intervals"] else None
        row = {
            "set": grade["name"],
            "similarity": grade["similarity"]["median"],
            "MAE": end["mae"][k],
            "alpha": law["alpha"],
            "alpha, 90 %": "" if interval is None else f"{interval['low']:.2g} to {interval['high']:.2g}",
        }
        if k < len(end["comparisons"]):
            c = end["comparisons"][k]
            row |= {
                "difference": c["mean"],
                "95 %": f"{c['low']:+.2g} to {c['high']:+.2g}",
                "95 %, materials too": f"{c['low_materials']:+.2g} to {c['high_materials']:+.2g}",
                "Holm p": c["p_holm"],
                "effect size": c["standardised"],
                "relative": c["relative"],
                "detectable": c["detectable"],
            }
        rows.append(row)
    return pd.DataFrame(rows).set_index("set")


def by_n_table(record: dict) -> pd.DataFrame:
    """At every n: the span of the sets' errors, the tests' p, and the change along the similarity."""
    rows = []
    for at in record["by_n"]:
        row = {
            "n": at["n"],
            "span": at["range"],
            "Friedman p": at["friedman"]["p"],
            "smallest Holm p": min(c["p_holm"] for c in at["comparisons"]),
            "detectable": max(c["detectable"] for c in at["comparisons"]),
        }
        if trend := at["trend"]:
            row |= {
                "change along similarity": trend["mean"],
                "95 %": f"{trend['low']:+.2g} to {trend['high']:+.2g}",
                "p": trend["p"],
                "p, orders of the sets": trend["p_order"],
            }
        rows.append(row)
    return pd.DataFrame(rows).set_index("n")
