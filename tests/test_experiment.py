"""The grid of trials: reproducible whatever the workers and blocks, paired, resumable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sim2real.training import experiment
from sim2real.training.experiment import overlap_count, run_trials
from sim2real.training.store import Plan
from sim2real.training.study import Design, log_grid, training_size

ARMS = ("transfer", "direct", "ridge")
DESIGN = Design(n_grid=(50, 300), m_grid=(16, 32), trials=3)


@pytest.fixture
def short(study):
    """The toy study, trained for 20 steps a stage: enough for what only the store is asked."""
    stages = {name: replace(getattr(study.settings, name), steps=20) for name in ("pretraining", "fine_tuning", "direct")}
    return replace(study, settings=replace(study.settings, **stages))


def test_grid_is_logarithmic_and_holds_both_ends():
    grid = log_grid(100, 71_068)
    assert (len(grid), grid[0], grid[-1]) == (10, 100, 71_068)
    np.testing.assert_allclose(np.diff(np.log(grid)), np.log(710.68) / 9, atol=0.01)
    with pytest.raises(ValueError, match="too few materials"):
        log_grid(100, 100)


def test_results_do_not_depend_on_workers_or_blocks(short, tmp_path, monkeypatch):
    one = run_trials(short, DESIGN, arms=ARMS, store=tmp_path / "one")
    many = run_trials(short, DESIGN, arms=ARMS, workers=2, store=tmp_path / "many")
    monkeypatch.setattr("sim2real.training.store.BLOCK", 1)
    single = run_trials(short, DESIGN, arms=ARMS, store=tmp_path / "single")
    for other in (many, single):
        keys = ["arm", "n", "m", "trial", "material"]
        merged = one.table.merge(other.table, on=keys, suffixes=("", "_other"))
        assert len(merged) == len(one.table) == len(other.table)
        # the linear algebra of the ridge baseline may differ in the last bits between processes
        np.testing.assert_allclose(merged["absolute_error"], merged["absolute_error_other"], rtol=1e-9)


def test_each_m_has_its_own_settings_and_is_stored_as_if_alone(short, tmp_path):
    longer = replace(short.settings.fine_tuning, steps=40, dropout=0.3)
    other = replace(short.settings, fine_tuning=longer, direct=replace(short.settings.direct, learning_rate=1e-2))
    both = replace(short, settings_by_m={8: other, 32: short.settings})
    assert [both.settings_at(m) is other for m in (5, 8, 15, 17, 32, 99)] == [True, True, True, False, False, False]
    arms, design = ("transfer", "direct"), replace(DESIGN, m_grid=(8, 32))
    together = run_trials(both, design, arms=arms, store=tmp_path / "together")
    for m, settings in both.settings_by_m.items():
        alone = replace(short, settings=settings), replace(design, m_grid=(m,))
        single = run_trials(*alone, arms=arms, store=tmp_path / "alone")
        for arm in arms:
            np.testing.assert_array_equal(together.errors(arm, m), single.errors(arm, m))
    assert {p.parent.name for p in (tmp_path / "alone").glob("*/*.parquet")} == {
        p.parent.name for p in (tmp_path / "together").glob("*/*.parquet")
    }


def test_trials_are_paired_nested_and_never_test_on_training_rows(short, tmp_path):
    plan = Plan(short, short.source, DESIGN, tmp_path, ARMS)
    train, test = plan.split(1)
    assert len(test) == 8 and len(train) == training_size(short.target) == 32
    assert not set(train) & set(test)
    assert np.array_equal(plan.source_rows(1, 50), plan.source_rows(1, 300)[:50])
    assert not np.array_equal(plan.source_rows(1, 50), plan.source_rows(2, 50))
    table = run_trials(short, DESIGN, arms=ARMS, store=tmp_path).table
    tested = table.groupby(["arm", "n", "m", "trial"])["material"].apply(lambda s: tuple(sorted(s)))
    for trial in range(DESIGN.trials):
        assert len(set(tested.xs(trial, level="trial"))) == 1


def test_nothing_is_trained_twice_and_more_trials_train_only_the_new_ones(short, tmp_path, monkeypatch):
    trained: list = []
    original = experiment.run_block
    monkeypatch.setattr(experiment, "run_block", lambda plan, block: trained.append(block) or original(plan, block))
    first = run_trials(short, DESIGN, arms=ARMS, store=tmp_path)
    assert {t for b in trained for t in b.trials} == {0, 1, 2}
    trained.clear()
    again = run_trials(short, DESIGN, arms=ARMS, store=tmp_path)
    assert not trained
    pd.testing.assert_frame_equal(first.table, again.table)
    more = run_trials(short, replace(DESIGN, trials=5), arms=ARMS, store=tmp_path)
    assert {t for b in trained for t in b.trials} == {3, 4}
    common = more.table[more.table["trial"] < 3].reset_index(drop=True)
    pd.testing.assert_frame_equal(common, first.table)
    trained.clear()
    run_trials(
        replace(short, settings=replace(short.settings, direct=replace(short.settings.direct, steps=10))),
        DESIGN,
        arms=ARMS,
        store=tmp_path,
    )
    assert {b.arm for b in trained} == {"direct"}, "a change of the direct arm's settings must not retrain transfer"


def test_a_killed_run_loses_only_the_block_in_flight(short, tmp_path, monkeypatch):
    monkeypatch.setattr("sim2real.training.store.BLOCK", 1)
    original, done = experiment.run_block, []

    def killed(plan, block):
        if len(done) == 4:
            raise KeyboardInterrupt
        done.append(block)
        return original(plan, block)

    monkeypatch.setattr(experiment, "run_block", killed)
    with pytest.raises(KeyboardInterrupt):
        run_trials(short, DESIGN, arms=ARMS, store=tmp_path)
    resumed: list = []
    monkeypatch.setattr(experiment, "run_block", lambda plan, block: resumed.append(block) or original(plan, block))
    run_trials(short, DESIGN, arms=ARMS, store=tmp_path)
    assert not set(done) & set(resumed)
    assert not list(tmp_path.rglob("*.part"))


def test_overlap_drop_takes_the_targets_materials_out_of_the_source(short, tmp_path):
    assert overlap_count(short) == 30
    with pytest.raises(ValueError, match="exceeds the 270 materials"):
        run_trials(short, replace(DESIGN, overlap="drop"), store=tmp_path)
    dropped = run_trials(short, replace(DESIGN, n_grid=(50, 270), overlap="drop"), store=tmp_path)
    assert dropped.errors("transfer").shape == (3, 2)


def test_simulations_of_the_same_law_help(study, tmp_path):
    trials = run_trials(study, replace(DESIGN, trials=6), store=tmp_path)
    errors = trials.errors("transfer")
    assert errors[:, 1].mean() < errors[:, 0].mean() < trials.errors("direct").mean()
    assert set(trials.table["arm"]) == {"transfer", "direct", "ridge", "trees", "simulator"}
    assert trials.errors("simulator").mean() < 0.1, "the simulator is right up to a line and noise of 0.05"


def test_trials_that_share_a_source_draw_share_its_pretrained_networks(short, tmp_path):
    own = run_trials(short, replace(DESIGN, trials=4), arms=("transfer",), store=tmp_path / "own")
    shared = run_trials(short, replace(DESIGN, trials=4, source_draws=2), arms=("transfer",), store=tmp_path / "shared")
    a, b = own.errors("transfer"), shared.errors("transfer")
    assert np.array_equal(a[:2], b[:2]), "a trial's first draw is its own"
    assert not np.any(a[2:] == b[2:])
    # trial 2 is the networks of draw 0, fine-tuned and tested on trial 2's own split
    plan = Plan(short, short.source, replace(DESIGN, source_draws=2), tmp_path, ARMS)
    pretrained = short.settings.prepare(plan.drawn((2, 0), 50))
    rows = np.tile(np.arange(20), (2, 1))
    assert np.array_equal(*pretrained.predict(short.target.X, rows))


def test_baselines_survive_columns_that_are_constant_but_for_rounding(short, tmp_path):
    X = short.target.X.copy()
    X[:, 3] = np.random.default_rng(0).normal(size=len(X)) * 1e-40
    trials = run_trials(replace(short, target=replace(short.target, X=X)), DESIGN, arms=("direct", "ridge"), store=tmp_path)
    assert np.isfinite(trials.errors("ridge")).all() and np.isfinite(trials.errors("direct")).all()


def test_sizes_that_the_data_do_not_allow_are_refused(short, tmp_path):
    with pytest.raises(ValueError, match="n = 500 exceeds the 300 materials of simulated"):
        run_trials(short, replace(DESIGN, n_grid=(50, 500)), store=tmp_path)
    with pytest.raises(ValueError, match="m = 40 exceeds the 32 training rows of measured"):
        run_trials(short, replace(DESIGN, m_grid=(40,)), store=tmp_path)
    with pytest.raises(ValueError, match="expected keep or drop"):
        replace(DESIGN, overlap="maybe")


def test_studies_with_the_same_splits_are_paired_and_others_are_not(short, tmp_path):
    names = (("a", "x"), ("b", "x"), ("b", ""))
    plans = [Plan(replace(short, name=n, splits=s), short.source, DESIGN, tmp_path, ARMS) for n, s in names]
    (first, second, third) = (plan.split(0)[1] for plan in plans)
    assert np.array_equal(first, second) and not np.array_equal(first, third)
    # with the same splits, data and settings they are the same trials; with others, one's are not taken for the other's
    folders = [plan.folder(("direct", 0, 16)) for plan in plans]
    assert folders[0] == folders[1] != folders[2]
    other = replace(short, target=replace(short.target, X=short.target.X + 1))
    longer = replace(short, settings=replace(short.settings, direct=replace(short.settings.direct, steps=21)))
    for changed in (other, longer):
        plan = Plan(replace(changed, splits="x"), short.source, DESIGN, tmp_path, ARMS)
        assert plan.folder(("direct", 0, 16)) != folders[0]
