"""Errors cut out of trials as an array, against a loop over the rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sim2real.training.study import Design, Trials


@pytest.fixture
def trials(study):
    """Made errors of three trials in no order: two n and two m, five of forty materials tested in each."""
    rng = np.random.default_rng(0)
    rows = []
    for trial in (4, 0, 2):
        tested = rng.permutation(40)[:5]
        for arm, n in (("transfer", 300), ("transfer", 50), ("direct", 0), ("ridge", 0)):
            rows += [(arm, n, m, trial, k, rng.exponential()) for m in (32, 16) for k in tested]
    table = pd.DataFrame(rows, columns=["arm", "n", "m", "trial", "material", "absolute_error"])
    pairs = [f"pair {k // 3}" for k in range(40)]
    study = replace(study, target=replace(study.target, table=study.target.table.assign(pair=pairs)))
    return Trials(study, Design((50, 300), (16, 32), trials=5), table.sample(frac=1, random_state=1))


def slow_cube(trials, arms, m, rows):
    own = trials.table[trials.table["arm"].isin(arms)]
    own = own if m is None else own[own["m"] == m]
    n_grid, m_grid = sorted(set(own["n"])), sorted(set(own["m"]))
    own = own if rows is None else own[own["material"].isin(rows)]
    numbers, materials = sorted(set(own["trial"])), sorted(set(own["material"]))
    errors = np.full((len(numbers), len(materials), len(n_grid), len(m_grid)), np.nan)
    for row in own.itertuples():
        place = numbers.index(row.trial), materials.index(row.material), n_grid.index(row.n), m_grid.index(row.m)
        errors[place] = row.absolute_error
    return errors, n_grid, m_grid, numbers, materials


@pytest.mark.parametrize("rows", [None, range(10, 40), [0, 1, 2, 3]])
@pytest.mark.parametrize("m", [None, 16, 32])
@pytest.mark.parametrize("arms", [("transfer",), ("transfer", "direct"), ("ridge",)])
def test_a_cube_holds_every_error_at_its_place(trials, arms, m, rows):
    cube = trials.cube(arms, m=m, rows=rows)
    errors, *labels = slow_cube(trials, arms, m, rows)
    np.testing.assert_array_equal(cube.errors, errors)
    assert [list(side) for side in (cube.n, cube.m, cube.trials, cube.materials)] == labels
    assert list(cube.clusters) == [f"pair {k // 3}" for k in cube.materials]


def test_a_cube_has_the_errors_of_the_trials(trials):
    cube = trials.cube(("direct", "transfer"), m=32)
    assert cube.n == (0, 50, 300) and cube.m == (32,)
    means = np.nanmean(cube.errors[..., 0], axis=1)
    np.testing.assert_allclose(means[:, 1:], trials.errors("transfer", 32))
    np.testing.assert_allclose(means[:, 0], trials.errors("direct"))


def test_rows_that_no_trial_tested_give_an_empty_cube(trials):
    untested = np.setdiff1d(np.arange(40), trials.table["material"])
    cube = trials.cube(rows=untested)
    assert cube.errors.shape == (0, 0, 2, 2) and cube.n == (50, 300) and len(cube.materials) == len(cube.clusters) == 0


def test_without_pairs_a_cube_has_no_clusters(trials, study):
    assert replace(trials, study=study).cube().clusters is None


def test_what_is_no_cube_is_refused(trials):
    with pytest.raises(KeyError, match="no trials of arm 'gp'"):
        trials.errors("gp")
    with pytest.raises(KeyError, match="no trials of arm 'gp'"):
        trials.cube(("transfer", "gp"))
    with pytest.raises(KeyError, match="no trials of arm 'direct' at m = 20"):
        trials.cube(("direct",), m=20)
    with pytest.raises(ValueError, match="more than one error .* of the arms direct, ridge"):
        trials.cube(("direct", "ridge"))
    table = trials.table
    with pytest.raises(ValueError, match="no trials at n = 50, m = 16; fill the grid"):
        replace(trials, table=table[(table["n"] != 50) | (table["m"] != 16)]).cube()
