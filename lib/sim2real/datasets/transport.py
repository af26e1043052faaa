"""Thermal and electrical conductivity of inorganic solids as log10 of W/(m K) and S/m: computed, measured, of metals, your own."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from sim2real.chemistry.formulas import read_formula
from sim2real.datasets.conductivity import ELECTRICAL, HIGH_KELVIN, LOW_KELVIN, THERMAL, disagreement, load_conductivities
from sim2real.datasets.embedded import read_facts
from sim2real.datasets.paths import DATA
from sim2real.datasets.tables import name_and_class, report_dropped, title_of
from sim2real.datasets.task import DataError, Property, Task, get_property, merge
from sim2real.datasets.values import Columns, Source, read_values

COMPUTED_TRANSPORT = DATA / "transport.csv.gz"
METAL_FACTS = DATA / "facts" / "conductivity.csv"
LOG_THERMAL, LOG_ELECTRICAL = get_property("log_thermal_conductivity"), get_property("log_electrical_conductivity")
LOGARITHMS = {THERMAL: LOG_THERMAL, ELECTRICAL: LOG_ELECTRICAL}
# the paper's numbers of compounds with thermal, with electrical conductivity, and with both
PAPER_THERMAL, PAPER_ELECTRICAL, PAPER_BOTH = 5910, 3640, 1757
# fixed: which compounds belong to the study is part of the study, not of a run's randomness
SUBSET_SEED = int.from_bytes(hashlib.sha256(b"computed transport|0").digest()[:16], "big")
CARRIERS = {"n": "electrons", "p": "holes"}
METALLIC = 0.01  # decades between the conductivities with electrons and with holes as dopants, below which doping does nothing
UNIT_SLIP = 0.02  # decades, 5 %


def load_computed_transport(*, carrier: str = "n", everything: bool = False) -> tuple[Task, Task]:
    """Electronic thermal and electrical conductivity at 300 K by Boltzmann transport, in decades, one row a composition each.

    Of :data:`COMPUTED_TRANSPORT` (BoltzTraP; Ricci et al., Sci. Data 4, 170085, 2017): 1e18 carriers per cm3, doping ``n`` or
    ``p``, and one relaxation time, 1e-14 s, so that sigma is in S/m and kappa in W/(m K), without the lattice's. The tasks are the
    paper's numbers of rows, or ``everything``; their ``carrier`` is ``metal`` where both dopings agree within :data:`METALLIC`.
    """
    if carrier not in CARRIERS:
        raise ValueError(f"unknown carrier {carrier!r}; expected {' or '.join(CARRIERS)}")
    table = pd.read_csv(COMPUTED_TRANSPORT, keep_default_na=False, na_values=[""])
    drawn = np.random.default_rng(SUBSET_SEED).permutation(len(table))
    first = PAPER_THERMAL - PAPER_BOTH
    subsets = drawn[:PAPER_THERMAL], drawn[first : first + PAPER_ELECTRICAL]
    metal = (table["log_sigma_n"] - table["log_sigma_p"]).abs() < METALLIC
    table = table.assign(carrier=np.where(metal, "metal", CARRIERS[carrier]))

    def task(word: str, prop: Property, column: str, subset: np.ndarray) -> Task:
        own = table if everything else table.iloc[np.sort(subset)].reset_index(drop=True)
        formulas = [read_formula(f) for f in own["formula"]]
        own = own.assign(key=[f.key for f in formulas], group=[f.family for f in formulas], value=own[f"{column}_{carrier}"])
        own = own.rename(columns={"formula": "structure"})[["key", "structure", "value", "group", "carrier", "entries"]]
        drawn = {"compositions in the table": len(table), "not drawn": len(table) - len(own)}
        report = drawn | {"compositions": len(own), "of them metals": int((own["carrier"] == "metal").sum())}
        licence = "Dryad data set (CC0), copy in matminer (modified BSD)"
        citation = "Ricci et al., Sci. Data 4, 170085 (2017); data: doi 10.5061/dryad.gn001; copy in matminer 0.10.1"
        return Task(f"computed {word} conductivity (BoltzTraP)", prop, own, licence, citation, report)

    thermal = task("electronic thermal", LOG_THERMAL, "log_kappa", subsets[0])
    return thermal, task("electrical", LOG_ELECTRICAL, "log_sigma", subsets[1])


def load_measured_transport(*, release: bool = False) -> tuple[Task, Task]:
    """The tasks of :func:`~sim2real.datasets.conductivity.load_conductivities` as decimal logarithms."""
    tasks = load_conductivities(release=release)
    tables = [t.table.assign(**{c: np.log10(t.table[c]) for c in ("value", "low", "high")}) for t in tasks]
    thermal, electrical = (replace(t, property=LOGARITHMS[t.property], table=table) for t, table in zip(tasks, tables))
    return thermal, electrical


def read_transport(
    path: Source,
    *,
    property: Property,
    name: str = "",
    licence: str = "not stated",
    citation: str = "",
    kelvin: tuple[float, float] = (LOW_KELVIN, HIGH_KELVIN),
    **columns: str,
) -> Task:
    """Your own table of compositions and conductivities, as decimal logarithms, merged by their median; arguments and errors as
    :func:`~sim2real.datasets.tables.read_table`, and:

    ``property`` is :data:`THERMAL` or :data:`ELECTRICAL`, of positive values; ``unit`` is of all, or ``unit_column`` has each
    row's; ``group`` is a column with classes, by default the anion family; ``kelvin`` is 295 to 305 K. Values a factor of ten
    apart are kept and counted, those a factor of a hundred apart once more: S/cm taken for S/m looks like that.
    """
    layout, title = Columns(**columns, kelvin=kelvin, kind="composition"), title_of(path)
    if bool(layout.unit) == bool(layout.unit_column):
        raise DataError(f"{title}: expected either unit (of all values) or unit_column (with the unit of each row)")
    rows = read_values(path, layout, property)
    report_dropped(title, rows, layout.value)
    table = _merge(rows.table)
    slips = {"of them with values a hundred times apart (a wrong unit?)": int((abs(table["spread_decades"] - 2) < UNIT_SLIP).sum())}
    report = rows.report(len(table)) | disagreement(table) | slips
    places = rows.places(title, layout.structure)
    return Task(name or Path(title).stem, LOGARITHMS[property], table, licence, citation or title, report, rows.dropped, places)


def load_metal_conductivities(path: Path = METAL_FACTS) -> Task:
    """Measured metals and alloys near 300 K with both conductivities, one row a composition: log10 of sigma and ``log_kappa``,
    medians over grades and tempers, with their spreads, the mean ``temperature`` (K) and ``source_url``.
    """
    extra = ("material", "temperature_K", "source_url")
    kappa = read_facts(path, THERMAL, "thermal_conductivity", extra, "composition", structure="formula")
    sigma = read_facts(path, ELECTRICAL, "electrical_conductivity", extra, "composition", structure="formula")
    read = {"values of sigma read": len(sigma), "values of kappa read": len(kappa)}
    both = set(kappa["material"]) & set(sigma["material"])
    kappa, sigma = (rows[rows["material"].isin(both)] for rows in (kappa, sigma))
    of_kappa, table = _merge(kappa).set_index("key"), _merge(sigma).set_index("key")
    by_key = sigma.groupby("key", sort=True)
    table = table.assign(
        log_kappa=of_kappa["value"],
        spread_kappa=of_kappa["spread_decades"],
        materials=by_key["material"].agg("; ".join),
        temperature=by_key["temperature_K"].agg(lambda kelvin: kelvin.astype(float).mean()),
        source_url=by_key["source_url"].agg(lambda pages: " ".join(sorted(set(pages)))),
    )
    merged = {"materials with both": len(both), "merged into another of the same composition": len(both) - len(table)}
    report = read | merged | {"compositions": len(table)}
    citation = "data/facts/conductivity.csv, columns source_url and source_title"
    name, licence = "measured metals and alloys", "facts, each with its source page"
    return Task(name, LOG_ELECTRICAL, table.reset_index(), licence, citation, report)


def _merge(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a key of rows with positive values: the median of the logarithms, in decades; a ``group`` of one's own stays."""
    table = merge(rows.assign(value=np.log10(rows["value"]))).rename(columns={"spread": "spread_decades"})
    reduced = [read_formula(s).reduced for s in table["structure"]]
    named = ["name"] if "name" in table else []
    table = name_and_class(table).assign(structure=reduced)
    return table[["key", "structure", "value", "count", "low", "high", "group", "spread_decades", *named]]
