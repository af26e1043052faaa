"""Errors added to simulations: what is added, how trials pair, and what the record says."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from made import toy_quality, toy_study
from sim2real.datasets.sources import SOURCES
from sim2real.studies.quality import disturbed, run_spread


def test_spreads_are_those_between_radonpys_runs(mirror):
    table = pd.read_csv(mirror / SOURCES["radonpy"].file)
    for name, column in SOURCES["radonpy"].columns.items():
        several = table[table[f"{column['name']}_count"] > 1]
        assert run_spread(name) == pytest.approx(np.sqrt((several[f"{column['name']}_std"] ** 2).mean()), rel=0.01)


def test_added_errors_are_the_same_at_every_level_and_leave_all_else():
    study = toy_study()
    study = replace(study, source=replace(study.source, table=study.source.table.assign(group=list("abcde") * 60)))
    study = replace(study, target=replace(study.target, table=study.target.table.assign(group=list("abcd") * 10)))
    for kind in ("at random", "by class"):
        small, large = (disturbed(study, kind, factor) for factor in (1, 10))
        added = [of.source.y - study.source.y for of in (small, large)]
        np.testing.assert_allclose(added[1], 10 * added[0], atol=1e-12)
        levels = pd.Series(added[0].round(9)).groupby(study.source.table["group"]).nunique()
        assert (levels == (1 if kind == "by class" else 60)).all()
        assert large.splits == study.name and large.target is study.target and large.source.X is study.source.X
        assert large.simulated_target is None and large.source.fingerprint != small.source.fingerprint
    spread = np.std(disturbed(study, "at random", 5).source.y - study.source.y)
    assert spread == pytest.approx(5 * run_spread("density"), rel=0.15)
    with pytest.raises(ValueError, match="unknown kind 'by day' of added errors; expected one of at random, by class"):
        disturbed(study, "by day", 1)


def test_levels_are_compared_in_pairs_and_with_four_runs_of_a_quarter():
    record = json.loads(json.dumps(toy_quality(), allow_nan=False))
    assert [(of["kind"], of["factor"]) for of in record["levels"]][:2] == [("none", 0), ("at random", 1)]
    last = record["levels"][4]
    assert last["factor"] == 10 and last["differences"][-1]["mean"] == pytest.approx(0.1, abs=0.01)
    base = record["levels"][0]
    assert base["differences"] == [None] * 4 and base["law"]["alpha"] == pytest.approx(0.5, rel=0.3)
    (two, ten) = record["runs"]
    # of 2 spreads: error 0.02 more; of 1, with a quarter of the materials, 0.01 more and the law's twofold decay less
    assert two["single"] < two["averaged"] and (ten["factor"], ten["n"]) == (10, 1600)
