"""Thermal and electrical conductivity of inorganic solids as decimal logarithms: computed, measured, of metals, and your own.

Conductivities span many powers of ten: tasks made here hold log10 of W/(m K) and of S/m, and errors are in decades.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from sim2real.chemistry.formulas import read_formula
from sim2real.datasets.conductivity import DISAGREEMENT, ELECTRICAL, THERMAL, load_conductivities
from sim2real.datasets.embedded import read_facts
from sim2real.datasets.paths import DATA
from sim2real.datasets.tables import read_values, refuse_empty, report_dropped
from sim2real.datasets.task import DataError, Property, Task, get_property, merge

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
    """Electronic thermal and electrical conductivity at 300 K by Boltzmann transport (BoltzTraP), one row a composition each.

    Values of :data:`COMPUTED_TRANSPORT` (``scripts/make_transport_table.py``; Ricci et al., Sci. Data 4, 170085, 2017): 1e18
    carriers per cm3 and one constant relaxation time of 1e-14 s for all compounds, so that sigma is in S/m and kappa in
    W/(m K). Lattice conduction is no part of kappa: total conductivities are higher.

    Args:
        carrier: of the doping, ``n`` (electrons) or ``p`` (holes). Electrons by default: fewer entries with more than a factor
            of ten between kappa and the Wiedemann-Franz law's (967 against 1,293 of 47,737), which at such doping is mostly
            the numerics of flat bands. In metals the two are the same.
        everything: all compositions in both tasks; otherwise fixed subsets with the paper's numbers, 5,910 thermal and 3,640
            electrical with 1,757 in both, drawn with :data:`SUBSET_SEED`.

    Returns:
        The thermal and the electrical task, values in decades. ``carrier`` is ``metal`` where doping with electrons and with
        holes gives the same sigma within :data:`METALLIC`, else ``electrons`` or ``holes``; ``entries`` is the number of
        polymorphs whose median the value is.

    Raises:
        ValueError: an unknown carrier.
    """
    if carrier not in CARRIERS:
        raise ValueError(f"unknown carrier {carrier!r}; expected {' or '.join(CARRIERS)}")
    table = pd.read_csv(COMPUTED_TRANSPORT, keep_default_na=False, na_values=[""])
    total = len(table)
    rows = {LOG_THERMAL: np.arange(total), LOG_ELECTRICAL: np.arange(total)}
    if not everything:
        drawn = np.random.default_rng(SUBSET_SEED).permutation(total)
        rows = {
            LOG_THERMAL: np.sort(drawn[:PAPER_THERMAL]),
            LOG_ELECTRICAL: np.sort(drawn[PAPER_THERMAL - PAPER_BOTH :][:PAPER_ELECTRICAL]),
        }
    metal = (table["log_sigma_n"] - table["log_sigma_p"]).abs() < METALLIC
    table = table.assign(carrier=np.where(metal, "metal", CARRIERS[carrier]))
    tasks = []
    for prop, column in ((LOG_THERMAL, "log_kappa"), (LOG_ELECTRICAL, "log_sigma")):
        own = table.iloc[rows[prop]].reset_index(drop=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # pymatgen's, that He, Ne and Ar have no electronegativity
            formulas = [read_formula(f) for f in own["formula"]]
        tasks.append(
            Task(
                name=f"computed {_word(prop)} conductivity (BoltzTraP)",
                property=prop,
                table=pd.DataFrame(
                    {
                        "key": [f.key for f in formulas],
                        "structure": own["formula"],
                        "value": own[f"{column}_{carrier}"],
                        "group": [f.family for f in formulas],
                        "carrier": own["carrier"],
                        "entries": own["entries"],
                    }
                ),
                licence="Dryad data set (CC0), copy in matminer (modified BSD)",
                citation="Ricci et al., Sci. Data 4, 170085 (2017); data: doi 10.5061/dryad.gn001; copy in matminer 0.10.1",
                report={
                    "compositions in the table": total,
                    "not drawn": total - len(own),
                    "compositions": len(own),
                    "of them metals": int((own["carrier"] == "metal").sum()),
                },
            )
        )
    return tasks[0], tasks[1]


def load_measured_transport(*, release: bool = False) -> tuple[Task, Task]:
    """The measured conductivities of :func:`~sim2real.datasets.conductivity.load_conductivities` as decimal logarithms.

    Args:
        release: Starrydata's full release instead of the file of 2019.

    Raises:
        DataError: a file cannot be had or read.
    """
    thermal, electrical = load_conductivities(release=release)
    return _logarithms(thermal), _logarithms(electrical)


def read_transport(
    path: str | Path,
    *,
    property: Property,
    structure: str,
    value: str,
    unit: str = "",
    unit_column: str = "",
    group: str = "",
    name: str = "",
    licence: str = "not stated",
    citation: str = "",
) -> Task:
    """Your own table of compositions and conductivities, as decimal logarithms.

    Values of one composition are merged by the median of their logarithms. Those that differ by more than a factor of ten are
    kept and counted, as in the public data; those that differ by a factor of a hundred within 5 % are counted once more, since
    that is what S/cm taken for S/m looks like. Rows that cannot be used are counted, listed and written beside the table, as
    :func:`~sim2real.datasets.tables.read_table` does.

    Args:
        path: CSV, TSV, Parquet or Excel.
        property: :data:`THERMAL` or :data:`ELECTRICAL`; values must be positive and within its range.
        structure, value: names of the columns with compositions and with numbers.
        unit: of all values, such as ``S/cm``; or
        unit_column: name of a column with each row's own unit, where units are mixed. Rows with an unknown one are dropped.
        group: name of a column with classes; the anion family if empty.
        name, licence, citation: as figures print them.

    Raises:
        DataError: no such file or column, an unknown unit of the whole table, both or neither of ``unit`` and ``unit_column``,
            no row that can be used.
    """
    path = Path(path)
    if bool(unit) == bool(unit_column):
        raise DataError(f"{path.name}: expected either unit (of all values) or unit_column (with the unit of each row)")
    rows = read_values(
        path,
        structure=structure,
        value=value,
        unit=unit,
        unit_column=unit_column,
        property=property,
        group=group,
        kind="composition",
    )
    report_dropped(path, rows)
    refuse_empty(path, rows, value)
    table = _merge(rows.table)
    report = rows.report(len(table)) | {
        "of them with values that differ by more than a factor of ten": int((table["spread_decades"] > DISAGREEMENT).sum()),
        "of them with values a hundred times apart (a wrong unit?)": int((abs(table["spread_decades"] - 2) < UNIT_SLIP).sum()),
    }
    return Task(
        name=name or path.stem,
        property=LOGARITHMS[property],
        table=table,
        licence=licence,
        citation=citation or path.name,
        report=report,
        dropped=rows.dropped,
    )


def load_metal_conductivities(path: Path = METAL_FACTS) -> Task:
    """Measured metals and alloys near 300 K of which both conductivities are known, one row a composition.

    Args:
        path: a CSV with the columns of the embedded one.

    Returns:
        A task of log10 of sigma. Its table has ``log_kappa`` as well; both are medians of the logarithms over the grades and
        tempers of one composition, whose names are in ``materials``. ``temperature`` (K) is their mean, ``spread_decades`` and
        ``spread_kappa`` are the widths of the values, ``source_url`` are the pages, joined by blanks.

    Raises:
        DataError: a missing column or a row that cannot be used; the message names the line.
    """
    extra = ("material", "temperature_K", "source_url")
    kappa = read_facts(path, THERMAL, "thermal_conductivity", extra, "composition", structure="formula")
    sigma = read_facts(path, ELECTRICAL, "electrical_conductivity", extra, "composition", structure="formula")
    values = {"values of sigma read": len(sigma), "values of kappa read": len(kappa)}
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
    return Task(
        name="measured metals and alloys",
        property=LOG_ELECTRICAL,
        table=table.reset_index(),
        licence="facts, each with its source page",
        citation="data/facts/conductivity.csv, columns source_url and source_title",
        report=values
        | {
            "materials with both": len(both),
            "merged into another of the same composition": len(both) - len(table),
            "compositions": len(table),
        },
    )


def _merge(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a key of rows with positive values: the median of the logarithms, in decades; a ``group`` of one's own stays."""
    table = merge(rows.assign(value=np.log10(rows["value"]))).rename(columns={"spread": "spread_decades"})
    formulas = [read_formula(s) for s in table["structure"]]
    group = table["group"].astype(str) if "group" in table else [f.family for f in formulas]
    table = table.assign(structure=[f.reduced for f in formulas], group=group)
    return table[["key", "structure", "value", "count", "low", "high", "group", "spread_decades"]]


def _logarithms(task: Task) -> Task:
    """A task of conductivities (positive) as one of their decimal logarithms."""
    table = task.table.assign(**{c: np.log10(task.table[c]) for c in ("value", "low", "high")})
    return replace(task, property=LOGARITHMS[task.property], table=table)


def _word(prop: Property) -> str:
    return "electronic thermal" if prop is LOG_THERMAL else "electrical"
