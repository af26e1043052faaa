"""What the repository embeds of polymers and liquids: measured values (``data/facts``), and structures to simulate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sim2real.chemistry.classes import polymer_class
from sim2real.datasets.paths import DATA
from sim2real.datasets.tables import read_values
from sim2real.datasets.task import DataError, Property, Task, get_property, merge

POLYMER_FACTS = DATA / "facts" / "polymers.csv"
LIQUID_FACTS = DATA / "facts" / "liquids.csv"
MOLECULES = DATA / "molecules.csv.gz"
VIRTUAL_POLYMERS = DATA / "virtual_polymers.csv.gz"


def load_polymer_facts(property: str, path: Path = POLYMER_FACTS) -> Task:
    """Measured values of one property of homopolymers near room temperature, one row a polymer.

    Values of the same polymer are merged by their median; ``table`` keeps their number, lowest, highest and spread. The
    paper uses amorphous polymers: where a polymer has values of amorphous material, only those are used; where it has
    none, the semicrystalline ones are kept, and ``table.semicrystalline`` and ``report`` say so.

    Args:
        property: one of ``refractive_index``, ``density``, ``heat_capacity``, ``thermal_conductivity``.
        path: a CSV with the columns of the embedded one.

    Returns:
        The task; ``group`` is the PoLyInfo class of the polymer.

    Raises:
        DataError: missing column, unknown unit, unreadable structure or value outside of the physical range; the
            message names the file, the line and the column.
        ValueError: unknown property.
    """
    prop = get_property(property)
    rows = read_facts(Path(path), prop, property, ("polymer", "note", "grade"), "polymer")
    rows["semicrystalline"] = rows["note"].fillna("").str.contains("semicrystalline")
    amorphous = rows.loc[~rows["semicrystalline"], "key"]
    superseded = rows["semicrystalline"] & rows["key"].isin(amorphous)
    table = merge(rows[~superseded].rename(columns={"polymer": "name"}))
    table["group"] = [polymer_class(s) for s in table["structure"]]
    columns = ["key", "structure", "name", "value", "group", "count", "low", "high", "spread", "semicrystalline", "grade"]
    return Task(
        name="measured polymers",
        property=prop,
        table=table[columns],
        licence="facts, each with its source page",
        citation="data/facts/polymers.csv, columns source_url and source_title",
        report={
            "rows read": len(rows),
            "semicrystalline rows superseded by amorphous ones": int(superseded.sum()),
            "rows merged into another value of the same polymer": int((~superseded).sum()) - len(table),
            "polymers": len(table),
            "of them with semicrystalline values only": int(table["semicrystalline"].sum()),
        },
    )


def load_liquid_facts(property: str, path: Path = LIQUID_FACTS) -> Task:
    """Measured (or evaluated) values of one property of organic liquids near room temperature, one row a molecule.

    The values come from handbook tables that the package ``chemicals`` ships (``scripts/make_liquid_tables.py``).
    Stereoisomers share a descriptor, hence a row: values are merged by their median over the stereo-free structure.

    Args, returns and errors are those of :func:`load_polymer_facts`; ``group`` is ``liquid`` for every row.
    """
    prop = get_property(property)
    rows = read_facts(Path(path), prop, property, ("name", "cas", "source"), "molecule")
    table = merge(rows)
    table["group"] = "liquid"
    columns = ["key", "structure", "name", "value", "group", "count", "low", "high", "spread", "cas", "source"]
    return Task(
        name="measured organic liquids",
        property=prop,
        table=table[columns],
        licence="facts, collected in chemicals (MIT)",
        citation="data/facts/liquids.csv, column source",
        report={
            "rows read": len(rows),
            "rows merged into another value of the same liquid": len(rows) - len(table),
            "liquids": len(table),
        },
    )


def load_molecules() -> pd.DataFrame:
    """Organic molecules without any measured liquid property, in a fixed random order: what the simulators are run on.

    Returns:
        Columns ``key``, ``structure`` (both the canonical, stereo-free SMILES) and ``group`` (``molecule``).
    """
    smiles = pd.read_csv(MOLECULES)["smiles"]
    return pd.DataFrame({"key": smiles, "structure": smiles, "group": "molecule"})


def load_virtual_polymers() -> pd.DataFrame:
    """Repeat units made by rules from the molecules of the package `chemicals`, distinct by structure key.

    Returns:
        Columns smiles (a structure key), polymer_class ("P01" to "P21"), rule (what reacted); sorted by class and key.
        The table is made by scripts/make_virtual_polymers.py; none of its units need exist.
    """
    return pd.read_csv(VIRTUAL_POLYMERS)


def sample_balanced(frame: pd.DataFrame, n: int, seed: int = 0) -> pd.DataFrame:
    """``n`` rows with equal counts a class; when a class is exhausted, the others share the remainder.

    Counts differ by at most one among classes that are not exhausted. The rows come in drawing order, so that the
    sample of a smaller ``n`` with the same seed is the beginning of a larger one; the index is the frame's.

    Args:
        frame: rows with a column polymer_class.
        n: number of rows.
        seed: of the drawing order.

    Raises:
        ValueError: ``n`` is negative or larger than the frame.
    """
    if not 0 <= n <= len(frame):
        raise ValueError(f"cannot draw {n} of {len(frame)} rows; ask for 0 to {len(frame)}")
    order = np.random.default_rng(seed).permutation(len(frame))
    shuffled = frame.iloc[order]
    round_number = shuffled.groupby("polymer_class").cumcount().to_numpy()
    # a stable sort keeps the shuffled order of the classes within each round
    return shuffled.iloc[np.argsort(round_number, kind="stable")[:n]]


def read_facts(
    path: Path, prop: Property, listed: str, extra: tuple[str, ...], kind: str, structure: str = "smiles"
) -> pd.DataFrame:
    """The rows of one property of a table of facts, with ``key``, ``structure`` and ``value`` in the property's unit.

    Args:
        path: a CSV with the columns ``property``, ``value``, ``unit`` and that of structures.
        prop: the property.
        listed: what the column ``property`` calls it.
        extra: further columns for the result.
        kind: as :func:`~sim2real.datasets.tables.read_values`.
        structure: column of structures.

    Raises:
        DataError: one bad row refuses the file.
    """
    rows = read_values(
        path,
        structure=structure,
        value="value",
        unit_column="unit",
        property=prop,
        keep=("property", *extra),
        kind=kind,
        where=lambda frame: frame["property"] == listed if "property" in frame else pd.Series(True, index=frame.index),
    )
    if len(rows.dropped):
        bad = rows.dropped.iloc[0]
        more = f" ({len(rows.dropped)} such rows)" if len(rows.dropped) > 1 else ""
        raise DataError(f"{path.name}, line {bad['line']}, column {bad['column']}: {bad['found']!r} {bad['reason']}{more}")
    if rows.table.empty:
        raise DataError(f"{path.name}, column property: no row says {listed}")
    return rows.table.drop(columns=["line", "property"])
