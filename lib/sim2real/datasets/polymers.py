"""Polymers of the open edition: molecular dynamics by RadonPy, and measured values put together from three public tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim2real.chemistry.classes import polymer_class
from sim2real.datasets.embedded import load_polymer_facts
from sim2real.datasets.paths import CACHE
from sim2real.datasets.sources import SOURCES, fetch
from sim2real.datasets.tables import merge_tasks, read_rows
from sim2real.datasets.task import DataError, Task, get_property, merge_by_median

# property -> column of RadonPy's tables and its unit. Cp is in J/(kg K): 3,000 on average, the classical value of 3R an atom
MD_COLUMNS = {
    "refractive_index": ("refractive_index", "-"),
    "density": ("density", "g/cm3"),
    "heat_capacity": ("Cp", "J/(kg K)"),
    "thermal_conductivity": ("thermal_conductivity", "W/(m K)"),
}
DATABASES = ("radonpy", "polyomics")
OPENPOLY_COLUMNS = {
    "refractive_index": ("Refractive Index", "-"),
    "thermal_conductivity": ("Thermal Conductivity (W/m K)", "W/(m K)"),
}
# Pure polymers conduct 0.1 to 0.6 W/(m K) (Yang, in Physical Properties of Polymers Handbook, 2nd ed., 2007, ch. 10), and the
# highest curated value here is 0.41; what OpenPoly lists below 0.1 and above 0.5 is taken for foams, composites and oriented
# fibres. Against the curated facts its column is 0.17 too high on average over 20 shared polymers, 0.09 over 15 within these
# limits: it is the noisiest target here.
OPENPOLY_LIMITS = {"thermal_conductivity": (0.1, 0.5)}
# how releases of RadonPy's tables have called the column of repeat units
STRUCTURE_COLUMNS = ("smiles", "smiles_list", "smiles_1")
CHUNK = 20_000  # rows of PolyOmics held in memory at a time


def load_md_polymers(property: str, database: str = "radonpy", path: Path | None = None) -> Task:
    """Molecular dynamics of homopolymers at 300 K by RadonPy, one row a polymer.

    Args:
        property: one of :data:`MD_COLUMNS`.
        database: ``radonpy`` (PI1070, 1,077 polymers) or ``polyomics`` (about 95,000; downloaded when first asked for).
        path: a file of that shape instead of the registered one.

    Returns:
        The task. Values of one polymer that was simulated twice, cut differently, are merged by their median.

    Raises:
        DataError: the file cannot be had or read.
        ValueError: unknown property or database.
    """
    prop = get_property(property)
    if property not in MD_COLUMNS:
        raise ValueError(f"RadonPy has no {property!r}; expected one of {', '.join(MD_COLUMNS)}")
    if database not in DATABASES:
        raise ValueError(f"unknown DATABASE {database!r}; expected one of {', '.join(DATABASES)}")
    file = Path(path) if path is not None else fetch(database)
    if database == "polyomics":
        file = _needed_columns(file)
    column, unit = MD_COLUMNS[property]
    rows = read_rows(file, structure="smiles", value=column, unit=unit, property=prop, kind="polymer")
    table = merge_by_median(rows.table)
    table["group"] = [polymer_class(s) for s in table["structure"]]
    return Task(
        name=f"molecular dynamics, {'RadonPy PI1070' if database == 'radonpy' else 'PolyOmics'}",
        property=prop,
        table=table,
        licence=SOURCES[database].licence,
        citation=SOURCES[database].citation,
        report=rows.report(len(table)),
        dropped=rows.dropped,
    )


def load_measured_polymers(property: str) -> Task:
    """Measured values of homopolymers near room temperature from SimPoly (density), the embedded facts and OpenPoly.

    One row a polymer, the median over the tables that know it, with three rules of precedence: amorphous values
    before semicrystalline ones (the paper's polymers are amorphous); curated tables (facts, SimPoly) before OpenPoly,
    whose literature averages hold composites and foams (see :data:`OPENPOLY_LIMITS`); and a value that OpenPoly repeats for
    one polymer under several names counts once.

    Raises:
        DataError: a file cannot be had or read.
        ValueError: unknown property.
    """
    facts = load_polymer_facts(property)
    facts = replace(facts, name="facts", table=facts.table.assign(origin="facts"))
    curated = [facts]
    if property == "density":
        simpoly = load_simpoly_density()
        semicrystalline = facts.table["semicrystalline"] & facts.table["key"].isin(simpoly.keys)
        facts = replace(
            facts.select(~semicrystalline.to_numpy()),
            report=facts.report | {"semicrystalline values superseded by SimPoly's amorphous ones": int(semicrystalline.sum())},
        )
        curated = [facts, simpoly]
    tables = curated
    if property in OPENPOLY_COLUMNS:
        openpoly = load_openpoly(property)
        known = openpoly.table["key"].isin([key for task in curated for key in task.keys])
        report = openpoly.report | {"values superseded by curated ones": int(known.sum())}
        tables = [*curated, replace(openpoly.select(~known.to_numpy()), report=report)]
    merged = merge_tasks(tables, "measured polymers")
    origins = pd.concat([t.table[["key", "origin"]] for t in tables]).groupby("key")["origin"].agg(" + ".join)
    columns = ["key", "structure", "name", "value", "group", "count", "low", "high", "spread", "semicrystalline"]
    # a table that says nothing of crystallinity is taken to be of the amorphous polymer, as SimPoly's is
    table = merged.table.assign(semicrystalline=merged.table["semicrystalline"].eq(True))[columns]
    return replace(merged, table=table.assign(origin=table["key"].map(origins)))


def load_simpoly_density(path: Path | None = None) -> Task:
    """Densities of amorphous polymers at room temperature that SimPoly collected (130 polymers)."""
    rows = read_rows(
        Path(path) if path is not None else fetch("simpoly"),
        structure="smiles",
        value="density",
        unit="g/cm3",
        property=get_property("density"),
        keep=("name",),
        kind="polymer",
    )
    return _measured("SimPoly", "simpoly", rows, rows.table, "density")


def load_openpoly(property: str, path: Path | None = None) -> Task:
    """Refractive index or thermal conductivity from OpenPoly's table of literature averages.

    Raises:
        DataError: the file cannot be had or read.
        ValueError: OpenPoly has no such property.
    """
    if property not in OPENPOLY_COLUMNS:
        raise ValueError(f"OpenPoly has no {property!r} that is used here; expected one of {', '.join(OPENPOLY_COLUMNS)}")
    column, unit = OPENPOLY_COLUMNS[property]
    file = Path(path) if path is not None else fetch("openpoly")
    rows = read_rows(
        file,
        structure="PSMILES",
        value=column,
        unit=unit,
        property=get_property(property),
        keep=("Name",),
        kind="polymer",
        accepted=OPENPOLY_LIMITS.get(property),
    )
    distinct = rows.table.rename(columns={"Name": "name"}).drop_duplicates(["key", "value"])
    return _measured("OpenPoly", "openpoly", rows, distinct, property)


def _measured(name: str, source: str, rows: object, distinct: pd.DataFrame, property: str) -> Task:
    table = merge_by_median(distinct)
    table["group"] = [polymer_class(s) for s in table["structure"]]
    return Task(
        name=name,
        property=get_property(property),
        table=table.assign(origin=name),
        licence=SOURCES[source].licence,
        citation=SOURCES[source].citation,
        report=rows.report(len(table)),
        dropped=rows.dropped,
    )


def _needed_columns(file: Path) -> Path:
    """The four properties and the structure of PolyOmics' 259 columns as Parquet in the cache, read in pieces.

    Raises:
        DataError: the file lacks a column.
    """
    stat = file.stat()
    kept = CACHE / "datasets" / f"{file.stem}-{stat.st_size}-{stat.st_mtime_ns}.parquet"
    if kept.exists():
        return kept
    columns = list(pd.read_csv(file, nrows=0).columns)
    structure = next((c for c in STRUCTURE_COLUMNS if c in columns), None)
    values = [column for column, _ in MD_COLUMNS.values()]
    missing = ([] if structure else ["smiles"]) + [c for c in values if c not in columns]
    if missing:
        raise DataError(f"{file.name}: no column {', '.join(missing)}; expected RadonPy's names")
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part")
    schema = pa.schema([("smiles", pa.string()), *((c, pa.string()) for c in values)])
    with pq.ParquetWriter(part, schema) as writer:
        for chunk in pd.read_csv(file, usecols=[structure, *values], dtype=str, chunksize=CHUNK):
            chunk = chunk.rename(columns={structure: "smiles"})[["smiles", *values]]
            writer.write_table(pa.Table.from_pandas(chunk, schema=schema, preserve_index=False))
    part.replace(kept)
    return kept
