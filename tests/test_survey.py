"""What notebook 00 says of the tables, against the tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sim2real.datasets.task import PROPERTIES, Task, dropped_rows
from sim2real.figures import tables
from sim2real.laws.parity import parity
from sim2real.studies import survey


def _task(name, keys, values, **columns):
    table = pd.DataFrame({"key": keys, "structure": keys, "value": values, "group": "P01"}).assign(**columns)
    bad = dropped_rows("t.csv", pd.DataFrame({"value": ["x"]}, index=[3]), "value", "is not a number")
    return Task(name, PROPERTIES["density"], table, "", "", report={"rows read": len(keys) + 1}, dropped=bad)


@pytest.fixture
def sides():
    source = _task("md", list("abcdefgh"), np.arange(8) + 2.0)
    target = _task("lab", list("cdefghx"), [1.0, 2.0, 3.0, 4.0, 6.0, 5.0, 9.0], low=1.0, high=2.0, count=2)
    return source, target


def test_parity_joins_on_the_material(sides):
    record = parity(*sides)
    assert record["rows"] == 6
    assert record["measured"] == [1, 2, 3, 4, 6, 5] and record["simulated"] == [4, 5, 6, 7, 8, 9]
    assert record["bias"] == pytest.approx(np.mean([3, 3, 3, 3, 2, 4])) and record["mae"] == record["bias"]
    assert record["relative_bias"] == pytest.approx(np.mean(np.array([4, 5, 6, 7, 8, 9]) / [1, 2, 3, 4, 6, 5] - 1))
    assert record["spearman"] == pytest.approx(1 - 6 * 2 / (6 * 35))
    assert parity(sides[0], sides[1].select(np.arange(4))) is None, "four materials say nothing"
    assert tables.parities([record]).loc["Density", "rows"] == 6


def test_tables_count_what_there_is(sides):
    source, target = sides
    overlap = survey.overlap({"density": sides}).loc["density"]
    assert overlap.tolist() == [8, 7, 6, "86%"]
    ranges = survey.ranges({"lab": target}).loc["lab"]
    assert (ranges["materials"], ranges["lowest"], ranges["median"], ranges["highest"]) == (7, 1.0, 4.0, 9.0)
    classes = survey.class_sizes({"density": source}, {"density": target}).loc[("density", "P01")]
    assert classes.tolist() == ["polyolefins", 8, 7]
    assert survey.reports({"lab": target}).loc[("lab", "rows read"), "rows"] == 8
    dropped = survey.dropped({"md": source, "lab": target})
    assert dropped["data"].tolist() == ["md", "lab"] and set(dropped["line"]) == {5}
    worst = survey.disagreements({"md": source, "lab": target}, count=1)
    assert worst["relative spread"].tolist() == [1.0] and worst["structure"].tolist() == ["c"]


def test_nothing_dropped_is_an_empty_table():
    table = pd.DataFrame({"key": ["a"], "structure": ["a"], "value": [1.0], "group": "g"})
    assert survey.dropped({"x": Task("x", PROPERTIES["density"], table, "", "")}).empty
