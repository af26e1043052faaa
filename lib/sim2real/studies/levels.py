"""Three levels of one property side by side: quick formulas, molecular dynamics and measurements; and what each costs."""

from __future__ import annotations

import gzip
import json
from contextlib import suppress
from pathlib import Path

import pandas as pd

from sim2real.chemistry.simulators.md.cell import CELLS
from sim2real.chemistry.structures import structure_key
from sim2real.datasets.embedded import load_polymer_facts
from sim2real.datasets.paths import DATA
from sim2real.datasets.polymers import load_md_polymers, load_measured_polymers
from sim2real.datasets.task import NoStudy, Task, get_property
from sim2real.figures.words import number, percent, unit
from sim2real.laws.parity import FEWEST_SHARED, parity_record
from sim2real.studies.local import every_table, tables_path
from sim2real.studies.polymers import quick_values
from sim2real.studies.survey import COSTS

QUICK, MD, PUBLISHED = LEVELS = "quick simulator", "molecular dynamics", "RadonPy, published"
HERE = DATA / "md" / "polymers.csv"
CORES = {"one core": 1, "64 cores": 64, "ten machines of 64": 640}


def computed(path: str | Path = "") -> pd.DataFrame:
    """The table that ``python -m sim2real md`` wrote, with a column ``minutes`` of a processor; the repository's own if empty."""
    table = pd.read_csv(_place(path))
    return table.assign(minutes=table["processor_seconds"] / 60)


def not_computed(path: str | Path = "") -> pd.DataFrame:
    """Polymers that failed, with stage and cause, and those of ``chosen.csv`` beside that table that are not in it yet."""
    chosen, failed = (_place(path).with_name(f"{name}.csv") for name in ("chosen", "failed"))
    left = pd.read_csv(failed) if failed.exists() else pd.DataFrame(columns=["smiles", "stage", "cause"])
    if chosen.exists():
        left = pd.read_csv(chosen).merge(left, how="left").fillna({"stage": "", "cause": "not computed yet"})
    return left[~left["smiles"].isin(computed(path)["smiles"])].set_index("smiles")


def _place(path: str | Path) -> Path:
    return tables_path(path) if path else HERE


def side_by_side(table: pd.DataFrame, edition: str, tables: str = "", property: str = "density") -> pd.DataFrame:
    """One property of computed polymers, a row each: ``measured``, and a column for each of :data:`LEVELS` that is known.

    Measured are those of the edition; RadonPy's published values, which are not kept, are there in the edition ``open`` only. A
    :class:`NoStudy` where tables of one's own hold no such values.
    """
    keys = table["smiles"].map(structure_key)
    measured = _measured(edition, tables, property).table.set_index("key")
    made = pd.DataFrame({"polymer": keys.map(measured.get("name", measured["structure"])), "measured": keys.map(measured["value"])})
    made["polymer"] = made["polymer"].fillna(table["smiles"])
    made["semicrystalline"] = keys.isin(measured.index[measured["semicrystalline"]]) if "semicrystalline" in measured else False
    made[QUICK], made[MD] = quick_values(table["smiles"], property), table[property]
    if edition == "open":
        made[PUBLISHED] = keys.map(load_md_polymers(property).table.set_index("key")["value"])
    made["minutes of a processor"] = table["minutes"].round(1)
    return made.set_index("polymer")


def _measured(edition: str, tables: str, property: str) -> Task:
    if edition != "local":
        return load_measured_polymers(property) if edition == "open" else load_polymer_facts(property)
    own = [target for _, target in every_table(tables_path(tables)).values() if target.property.name == property]
    if not own:
        raise NoStudy(f"{tables_path(tables)} names no measured {property}")
    return own[0]


def compare_others(table: pd.DataFrame, edition: str, tables: str = "") -> list[dict]:
    """:func:`compare_levels` of refractive index and heat capacity, where measured values are known."""
    records = []
    for property in ("refractive_index", "heat_capacity"):
        with suppress(NoStudy):
            records += compare_levels(side_by_side(table, edition, tables, property), property=property)
    return records


def compare_levels(levels: pd.DataFrame, which: str = "", property: str = "density") -> list[dict]:
    """A :func:`~sim2real.laws.parity.parity_record` of each level with five measured polymers or more; ``which`` names these."""
    minutes = f"{levels['minutes of a processor'].median():.0f} min" if len(levels) else ""
    costs, records = {QUICK: COSTS[QUICK], MD: minutes, PUBLISHED: COSTS[MD]}, []
    for level in filter(levels.columns.__contains__, LEVELS):
        both = levels[["measured", level]].dropna()
        if len(both) >= FEWEST_SHARED:
            record = parity_record(both["measured"].to_numpy(), both[level].to_numpy(), get_property(property))
            named = ", ".join(filter(None, (record["label"], level, which)))
            records.append(record | {"label": named, "level": level, "names": both.index.tolist(), "cost": costs[level]})
    return records


def said(records: list[dict]) -> dict[str, str]:
    """What :func:`compare_levels` found, as a verdict and its reasons."""
    sides = [
        f"{r['level']} {percent(r['relative_bias'])} on average, mean error {number(r['mae'], 2)} {unit(r)}, rank correlation "
        f"{number(r['spearman'], 2)} ({r['rows']} polymers)"
        for r in records
    ]
    if not sides:
        return {"verdict": "too few polymers", "text": f"{FEWEST_SHARED} with a measured density are needed to compare."}
    bias = next(r["relative_bias"] for r in records if r["level"] == MD)
    verdict = f"molecular dynamics is {'light' if bias < 0 else 'heavy'} by {abs(bias):.0%}"
    return {"verdict": verdict, "text": f"Against measured densities: {'; '.join(sides)}."}


def cost(table: pd.DataFrame, polymers: int = 10_000) -> pd.DataFrame:
    """Days that so many polymers take on :data:`CORES`, each polymer on one core: from the mean of the table, and for cells of the
    paper's size from that in proportion to atoms and time."""
    mean = table["processor_seconds"].mean()
    picoseconds = table["atoms"] * table[["squeeze_ps", "settle_ps", "sample_ps"]].sum(axis=1)
    paper = CELLS["paper"]
    work = paper.chains * paper.atoms * (paper.squeeze + paper.settle + paper.sample) / picoseconds.mean()
    seconds = {"this size, measured": mean, "the paper's size, estimated": mean * work}
    rows = {
        what: {"hours a polymer": one / 3600} | {name: polymers * one / 86_400 / n for name, n in CORES.items()}
        for what, one in seconds.items()
    }
    return pd.DataFrame(rows).T.map(lambda value: number(value, 2)).rename(columns={name: f"{name}, days" for name in CORES})


def example_cell() -> dict:
    """A finished cell: ``smiles``, ``edge`` (A), ``bonds`` (n, 2), and ``element``, ``chain`` and ``places`` (A) of its atoms."""
    return json.loads(gzip.decompress((DATA / "md" / "cell.json.gz").read_bytes()))
