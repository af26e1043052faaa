"""Polymers of the open edition: molecular dynamics by RadonPy, and measured values put together from three public tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from sim2real.chemistry.classes import polymer_class
from sim2real.chemistry.structures import structure_key
from sim2real.datasets.embedded import COLUMNS, POLYMER_FACTS, load_polymer_facts, load_virtual_polymers
from sim2real.datasets.paths import CACHE
from sim2real.datasets.rows import Rows
from sim2real.datasets.sources import SOURCES, fetch
from sim2real.datasets.task import PROPERTIES, DataError, Property, Task, get_property, merge
from sim2real.datasets.values import Columns, read_values

DATABASES = ("radonpy", "polyomics")
STRUCTURE_COLUMNS = ("smiles", "smiles_list", "smiles_1")  # names of the column of repeat units in RadonPy's releases


def load_md_polymers(property: str, database: str = "radonpy", path: Path | None = None) -> Task:
    """Molecular dynamics of homopolymers at 300 K by RadonPy, one row a polymer, its median; ``database`` is ``radonpy`` (PI1070)
    or ``polyomics`` (about 95,000), ``path`` a file of that shape.
    """
    prop, columns = get_property(property), SOURCES["radonpy"].columns
    if property not in columns:
        raise ValueError(f"RadonPy has no {property!r}; expected one of {', '.join(columns)}")
    if database not in DATABASES:
        raise ValueError(f"unknown DATABASE {database!r}; expected one of {', '.join(DATABASES)}")
    file = Path(path) if path is not None else fetch(database)
    if database == "polyomics":
        file = _needed_columns(file)
    column = columns[property]
    rows = read_values(file, Columns(column["name"], "smiles", column["unit"], kind="polymer"), prop)
    name = f"molecular dynamics, {'RadonPy PI1070' if database == 'radonpy' else 'PolyOmics'}"
    return _task(name, database, rows, merge(rows.table), prop)


def load_measured_polymers(property: str) -> Task:
    """Measured values of homopolymers near room temperature, the median over SimPoly (density), embedded facts and OpenPoly:
    amorphous before semicrystalline, curated before OpenPoly, which holds composites and foams, and its repeated values once.
    """
    facts = load_polymer_facts(property)
    facts = replace(facts, name="facts", table=facts.table.assign(origin="facts"))
    tables = [facts]
    if property == "density":
        simpoly = load_simpoly_density()
        semicrystalline = facts.table["semicrystalline"] & facts.table["key"].isin(simpoly.keys)
        superseded = {"semicrystalline values superseded by SimPoly's amorphous ones": int(semicrystalline.sum())}
        tables = [replace(facts.select(~semicrystalline.to_numpy()), report=facts.report | superseded), simpoly]
    if property in SOURCES["openpoly"].columns:
        openpoly = load_openpoly(property)
        known = openpoly.table["key"].isin([key for task in tables for key in task.keys])
        report = openpoly.report | {"values superseded by curated ones": int(known.sum())}
        tables = [*tables, replace(openpoly.select(~known.to_numpy()), report=report)]
    rows = pd.concat([t.table.drop(columns=["count", "low", "high", "spread"]) for t in tables], ignore_index=True)
    table = merge(rows)
    table["origin"] = table["key"].map(rows.groupby("key")["origin"].agg(" + ".join))
    # a table that says nothing of crystallinity is taken to be of the amorphous polymer, as SimPoly's is
    table["semicrystalline"] = table["semicrystalline"].eq(True)
    table = table[[*COLUMNS, "semicrystalline", "origin"]]
    report = {f"{t.name}: {reason}": count for t in tables for reason, count in t.report.items()} | {"materials": len(table)}
    licence, citation = ("; ".join(dict.fromkeys(parts)) for parts in zip(*((t.licence, t.citation) for t in tables)))
    dropped = pd.concat([t.dropped for t in tables], ignore_index=True)
    return Task("measured polymers", facts.property, table, licence, citation, report, dropped)


def load_simpoly_density() -> Task:
    """Densities of amorphous polymers at room temperature that SimPoly collected (130 polymers)."""
    return _load_measured("SimPoly", "density", structure="smiles", names="name")


def load_openpoly(property: str) -> Task:
    """Refractive index or thermal conductivity from OpenPoly's table of literature averages; a ValueError for any other."""
    columns = SOURCES["openpoly"].columns
    if property not in columns:
        raise ValueError(f"OpenPoly has no {property!r} that is used here; expected one of {', '.join(columns)}")
    return _load_measured("OpenPoly", property, structure="PSMILES", names="Name")


def known_units(edition: str = "embedded") -> pd.DataFrame:
    """Units from which :func:`~sim2real.chemistry.library.grow.grow_library` learns: ``embedded``, measured and rule-made ones
    that the repository ships, or ``open``, RadonPy's PI1070 and the public measured ones; sorted by class and key.
    """
    if edition == "open":
        tables = [load_md_polymers("density").table, *(load_measured_polymers(p).table for p in PROPERTIES)]
        units = pd.concat([t[["key", "group"]] for t in tables]).set_axis(["smiles", "polymer_class"], axis=1)
    else:
        facts = pd.read_csv(POLYMER_FACTS)["smiles"].drop_duplicates()
        measured = pd.DataFrame({"smiles": [structure_key(s) for s in facts], "polymer_class": [polymer_class(s) for s in facts]})
        units = pd.concat([measured, load_virtual_polymers()[["smiles", "polymer_class"]]])
    return units.drop_duplicates("smiles").sort_values(["polymer_class", "smiles"], ignore_index=True)


def _load_measured(name: str, property: str, *, structure: str, names: str) -> Task:
    """A public table of measured values; a value that it repeats for one polymer under several names counts once."""
    column, prop = SOURCES[name.lower()].columns[property], get_property(property)
    layout = Columns(column["name"], structure, column["unit"], label=names, kind="polymer")
    rows = read_values(fetch(name.lower()), layout, prop, accepted=column.get("accepted"))
    distinct = rows.table.drop_duplicates(["key", "value"])
    return _task(name, name.lower(), rows, merge(distinct).assign(origin=name), prop)


def _task(name: str, source: str, rows: Rows, table: pd.DataFrame, prop: Property) -> Task:
    table = table.rename(columns={"family": "group"})
    return Task(name, prop, table, SOURCES[source].licence, SOURCES[source].citation, rows.report(len(table)), rows.dropped)


def _needed_columns(file: Path) -> Path:
    """The four properties and the structure of PolyOmics' 259 columns as Parquet in the cache."""
    stat = file.stat()
    kept = CACHE / "datasets" / f"{file.stem}-{stat.st_size}-{stat.st_mtime_ns}.parquet"
    if kept.exists():
        return kept
    columns = list(pd.read_csv(file, nrows=0).columns)
    structure = next((c for c in STRUCTURE_COLUMNS if c in columns), None)
    values = [column["name"] for column in SOURCES["radonpy"].columns.values()]
    missing = ([] if structure else ["smiles"]) + [c for c in values if c not in columns]
    if missing:
        raise DataError(f"{file.name}: no column {', '.join(missing)}; expected RadonPy's names")
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part")
    frame = pd.read_csv(file, usecols=[structure, *values], dtype=str).rename(columns={structure: "smiles"})
    frame[["smiles", *values]].to_parquet(part, index=False)
    part.replace(kept)
    return kept
