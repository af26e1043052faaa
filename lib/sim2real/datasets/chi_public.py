"""Measured chi of the edition ``open``: the table of Aoki et al. (2023), and what OMG's has beyond it."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from sim2real.datasets.files import read_file
from sim2real.datasets.pairs import UNCLASSIFIED, chi_from_table, count_distinct, load_chi_measured
from sim2real.datasets.sources import SOURCES, fetch
from sim2real.datasets.task import Task

_COLUMNS = ("repeating_unit_smi_canon", "solvent", "temperature_C", "polymer_volume_fraction", "experimental_chi")
_SOLVENTS = {"water": "O", "ethanol": "CCO", "chloroform": "ClC(Cl)Cl"}


def load_chi_public() -> Task:
    """:func:`~sim2real.datasets.pairs.load_chi_measured`, and the pairs and temperatures that only OMG's table has.

    Both were collected from one handbook. The first does not tell compositions: where OMG has a pair at several volume fractions of
    one temperature, the first has their mean. So a volume fraction is no column here: OMG's values of a pair and temperature
    are merged by their median, ``low`` and ``high`` keep how far they lie apart, and what the first has already is not taken twice.
    """
    first, source = load_chi_measured(), SOURCES["omg-chi"]
    frame = read_file(fetch(source.name), _COLUMNS).frame
    unit, _, celsius, _, chi = _COLUMNS
    named = frame.assign(solvent=frame["solvent"].replace(_SOLVENTS))
    other = chi_from_table(named, polymer=unit, solvent="solvent", temperature=celsius, temperature_unit="degC", value=chi)
    both = [pd.MultiIndex.from_frame(task.table[["key", "temperature"]].round({"temperature": 2})) for task in (first, other)]
    new = other.table[~both[1].isin(both[0])]
    classes = first.table.drop_duplicates("polymer_key").set_index("polymer_key")["group"]
    new = new.assign(group=new["polymer_key"].map(classes).fillna(UNCLASSIFIED))
    table = pd.concat([first.table, new], ignore_index=True)
    counts = {"rows of OMG": len(frame), "of them pairs and temperatures of the first table": len(other) - len(new)}
    report = first.report | counts | {"pairs and temperatures that only OMG has": len(new), "rows": len(table)}
    report |= count_distinct(table) | {"rows of polymers without a class": int((table["group"] == UNCLASSIFIED).sum())}
    citation = f"{first.citation}; {source.citation}"
    return replace(first, table=table, citation=citation, report=report, dropped=pd.concat([first.dropped, other.dropped]))
