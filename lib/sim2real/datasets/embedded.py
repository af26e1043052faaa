"""What the repository embeds of polymers and liquids: measured values (``data/facts``), and structures to simulate."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from sim2real.chemistry.classes import polymer_class
from sim2real.datasets.paths import DATA
from sim2real.datasets.task import DataError, DataWarning, Property, Task, get_property, merge
from sim2real.datasets.values import Columns, read_values

POLYMER_FACTS = DATA / "facts" / "polymers.csv"
LIQUID_FACTS = DATA / "facts" / "liquids.csv"
VIRTUAL_POLYMERS = DATA / "virtual_polymers.csv.gz"
COLUMNS = ["key", "structure", "name", "value", "group", "count", "low", "high", "spread"]


def load_polymer_facts(property: str, path: Path = POLYMER_FACTS) -> Task:
    """Measured values of one property of homopolymers near room temperature, one row a polymer, their median; semicrystalline
    values only where a polymer has no amorphous ones (``table.semicrystalline``). ``group`` is the PoLyInfo class.
    """
    prop = get_property(property)
    rows = read_facts(path, prop, property, ("polymer", "note", "grade"), "polymer")
    rows["semicrystalline"] = rows["note"].fillna("").str.contains("semicrystalline")
    amorphous = rows.loc[~rows["semicrystalline"], "key"]
    superseded = rows["semicrystalline"] & rows["key"].isin(amorphous)
    table = merge(rows[~superseded].rename(columns={"polymer": "name"}))
    table = table.assign(group=[polymer_class(s) for s in table["structure"]])[[*COLUMNS, "semicrystalline", "grade"]]
    report = {
        "rows read": len(rows),
        "semicrystalline rows superseded by amorphous ones": int(superseded.sum()),
        "rows merged into another value of the same polymer": int((~superseded).sum()) - len(table),
        "polymers": len(table),
        "of them with semicrystalline values only": int(table["semicrystalline"].sum()),
    }
    citation = "data/facts/polymers.csv, columns source_url and source_title"
    return Task("measured polymers", prop, table, "facts, each with its source page", citation, report)


def load_liquid_facts(property: str) -> Task:
    """Measured (or evaluated) values of one property of organic liquids near room temperature, one row a stereo-free structure,
    their median, from handbook tables of ``chemicals`` (``scripts/make_liquid_tables.py``).
    """
    prop = get_property(property)
    rows = read_facts(LIQUID_FACTS, prop, property, ("name", "cas", "source"), "molecule")
    table = merge(rows).assign(group="liquid")[[*COLUMNS, "cas", "source"]]
    merged = {"rows merged into another value of the same liquid": len(rows) - len(table)}
    report = {"rows read": len(rows), **merged, "liquids": len(table)}
    licence, citation = "facts, collected in chemicals (MIT)", "data/facts/liquids.csv, column source"
    return Task("measured organic liquids", prop, table, licence, citation, report)


def load_molecules() -> pd.DataFrame:
    """Organic molecules without any measured liquid property, in a fixed random order: ``key``, ``structure`` and ``group``."""
    smiles = pd.read_csv(DATA / "molecules.csv.gz")["smiles"]
    return pd.DataFrame({"key": smiles, "structure": smiles, "group": "molecule"})


def load_virtual_polymers() -> pd.DataFrame:
    """Repeat units made by rules (``scripts/make_virtual_polymers.py``), smiles (distinct keys), polymer_class and rule."""
    return pd.read_csv(VIRTUAL_POLYMERS)


def sample_balanced(frame: pd.DataFrame, n: int, seed: int = 0) -> pd.DataFrame:
    """``n`` rows with equal counts of each ``polymer_class``, others sharing what an exhausted one lacks. In drawing order: the
    sample of a smaller ``n`` with the same seed is the beginning of a larger one.
    """
    if not 0 <= n <= len(frame):
        raise ValueError(f"cannot draw {n} of {len(frame)} rows; ask for 0 to {len(frame)}")
    shuffled = frame.iloc[np.random.default_rng(seed).permutation(len(frame))]
    round_number = shuffled.groupby("polymer_class").cumcount().to_numpy()
    # a stable sort keeps the shuffled order of the classes within each round
    return shuffled.iloc[np.argsort(round_number, kind="stable")[:n]]


def read_facts(
    path: Path, prop: Property, listed: str, extra: tuple[str, ...], kind: str, structure: str = "smiles"
) -> pd.DataFrame:
    """The rows that a table of facts lists under a property, as ``read_values`` gives them; one bad row is a :class:`DataError`."""

    def of_property(frame: pd.DataFrame) -> pd.Series:
        return frame["property"] == listed if "property" in frame else pd.Series(True, index=frame.index)

    layout = Columns("value", structure, unit_column="unit", kind=kind)
    with warnings.catch_warnings():
        # these tables are of room temperature, 288 to 302 K where a row says so: there is nothing to choose
        warnings.simplefilter("ignore", DataWarning)
        rows = read_values(path, layout, prop, keep=("property", *extra), where=of_property)
    if len(rows.dropped):
        bad = rows.dropped.iloc[0]
        more = f" ({len(rows.dropped)} such rows)" if len(rows.dropped) > 1 else ""
        raise DataError(f"{path.name}, line {bad['line']}, column {bad['column']}: {bad['found']!r} {bad['reason']}{more}")
    if rows.table.empty:
        raise DataError(f"{path.name}, column property: no row says {listed}")
    return rows.table.drop(columns=["line", "property"])
