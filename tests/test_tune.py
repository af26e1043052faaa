"""The search for hyperparameters: the best of each stage, on rows that are not tested."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from sim2real.studies.tuning import tunable, tune_command
from sim2real.training import tune as search
from sim2real.training.candidates import HEAD_ONLY, PAIR_STAGES, STANDARD, TRANSPORT, standard
from sim2real.training.recipes import TUNING, UNTUNED, Network, Training, load_hyperparameters, save_hyperparameters
from sim2real.training.seeding import numpy_generator
from sim2real.training.study import split_rows
from sim2real.training.tune import Search, tune


def test_the_best_of_each_stage_is_chosen(study, tmp_path):
    shape, hardly, well = Network(sizes=(16,)), Training(1, 1e-6), Training(60, 1e-2, max_epochs=1000)
    small = replace(shape, sizes=(2,))
    candidates = standard([shape], [hardly, well], [HEAD_ONLY], [shape, small], [hardly, well])
    recipe, table = tune(study, 32, candidates, trials=4, store=tmp_path)
    assert list(table["stage"]) == ["pretraining"] * 2 + ["fine-tuning"] + ["direct"] * 4
    assert list(table["trials"]) == [2, 2, 4, 4, 4, 4, 4]
    for _, rows in table.groupby("stage"):
        assert rows.loc[rows["chosen"], "validation_mae"].item() == rows["validation_mae"].min()
    assert recipe.pretraining == recipe.direct == well and recipe.direct_network == shape and recipe.fine_tuning == HEAD_ONLY


@pytest.mark.slow
def test_a_search_that_is_stopped_goes_on_from_there_and_workers_change_nothing(study, tmp_path, monkeypatch):
    shape, short, longer = Network(sizes=(16,)), Training(5, 1e-3), Training(10, 1e-2, max_epochs=1000)
    candidates = standard([shape], [short, longer], [HEAD_ONLY, short], [shape], [short, longer, longer, longer])
    whole = tune(study, 32, candidates, trials=8, store=tmp_path / "whole")
    original, done = search.search_errors, []

    def counted(own, job):
        done.append(job)
        if len(done) == 5:
            raise KeyboardInterrupt
        return original(own, job)

    monkeypatch.setattr(search, "search_errors", counted)
    with pytest.raises(KeyboardInterrupt, match="finished blocks are kept"):
        tune(study, 32, candidates, trials=8, store=tmp_path / "parts")
    assert len(list((tmp_path / "parts").glob("*.npy"))) == 4
    cut = next((tmp_path / "parts").glob("*.npy"))
    cut.write_bytes(cut.read_bytes()[:20])
    monkeypatch.setattr(search, "search_errors", original)
    resumed = tune(study, 32, candidates, trials=8, workers=2, store=tmp_path / "parts")
    assert resumed[0] == whole[0]
    pd.testing.assert_frame_equal(resumed[1], whole[1], check_exact=True)
    monkeypatch.setattr(search, "search_errors", lambda *_: pytest.fail("all of it is stored"))
    assert tune(study, 32, candidates, trials=8, store=tmp_path / "parts")[0] == whole[0]


def test_a_candidate_that_diverges_is_not_chosen(study, tmp_path, monkeypatch):
    shape, good, bad = Network(sizes=(16,)), Training(10, 1e-3), Training(10, 2e-3)
    original = type(UNTUNED).learn

    def learn(recipe, target, rows, seeds, prepared=None):
        if prepared is None and recipe.direct == bad:
            raise FloatingPointError("network 0 diverged before step 10")
        return original(recipe, target, rows, seeds, prepared)

    monkeypatch.setattr(type(UNTUNED), "learn", learn)
    recipe, table = tune(study, 32, standard([shape], [good], [HEAD_ONLY], [shape], [bad, good]), trials=4, store=tmp_path)
    assert recipe.direct == good and np.isinf(table["validation_mae"]).sum() == 1
    with pytest.raises(ValueError, match="direct: networks diverge with every candidate"):
        tune(study, 32, standard([shape], [good], [HEAD_ONLY], [shape], [bad, bad]), trials=4, store=tmp_path)


def test_tuning_reads_no_test_row_and_tears_no_group_apart(study):
    groups = np.array([f"g{k}" for k in np.random.default_rng(0).integers(0, 11, 40)])
    target = replace(study.target, table=study.target.table.assign(pair=groups))
    search = Search(replace(study, target=target, split_by="pair", splits="shared"), 24, PAIR_STAGES, 5)
    for trial, (fit, validate) in enumerate(zip(search.fit, search.validate)):
        test = split_rows(target, numpy_generator("tuning", "shared", "split", trial), "pair")[1]
        assert len(validate) == 6 and len(fit) > 6
        assert not set(groups[fit]) & set(groups[validate])
        assert not set(groups[test]) & set(groups[np.concatenate([fit, validate])])


@pytest.mark.parametrize(("m", "trained", "validating"), [(32, 24, 8), (26, 20, 6), (24, 24, 8), (4, 4, 25)])
def test_where_m_leaves_more_rows_than_its_quarter_those_validate(study, m, trained, validating):
    search = Search(study, m, STANDARD, 3)
    assert search.fit.shape == (3, trained) and search.validate.shape == (3, validating)
    for trial, (fit, validate) in enumerate(zip(search.fit, search.validate)):
        train, _ = split_rows(study.target, numpy_generator("tuning", study.name, "split", trial))
        assert {*fit, *validate} <= set(train) and not set(fit) & set(validate)


def test_for_fewer_rows_both_arms_are_chosen_again_and_the_pretraining_is_not(study, tmp_path):
    shape, short, well = Network(sizes=(16,)), Training(5, 1e-3), Training(60, 1e-2, max_epochs=1000)
    candidates = standard([shape], [short], [HEAD_ONLY], [shape], [short, well])
    largest = replace(UNTUNED, transfer_network=shape, pretraining=well)
    recipe, table = tune(study, 8, candidates.for_fewer(largest), trials=4, store=tmp_path)
    assert list(table["stage"]) == ["fine-tuning", "direct", "direct"] and recipe.pretraining == well
    # of two that are as good, that of the largest stays; one that is hardly trained does not
    as_good, hardly = replace(well, max_epochs=2000), Training(1, 1e-6)
    candidates = standard([shape], [short], [HEAD_ONLY], [shape], [as_good, well, hardly])
    for first, chosen in ((well, well), (as_good, as_good), (short, as_good), (hardly, as_good)):
        start = candidates.for_fewer(replace(largest, direct_network=shape, direct=first))
        assert tune(study, 8, start, trials=4, store=tmp_path)[0].direct == chosen
    stages = [stage.name for stage in PAIR_STAGES.for_fewer(PAIR_STAGES.start).stages]
    assert stages == ["multitask", "direct"]


@pytest.mark.parametrize("asked", [["liquids-density-molecular"], ["liquids-density-molecular-m70"]])
def test_a_name_is_tuned_with_its_smaller_sizes_the_largest_first(asked, monkeypatch, tmp_path, study):
    tuned = []

    def entry(name, of):
        def choose(study, m, workers, largest):
            tuned.append((name, m, largest is None))
            return UNTUNED, pd.DataFrame({"stage": ["direct"], "validation_mae": [1.0], "chosen": [True]})

        return of._replace(load=lambda: study, choose=choose)

    names = {name: entry(name, of) for name, of in tunable().items()}
    monkeypatch.setattr("sim2real.studies.tuning.tunable", lambda: names)
    monkeypatch.setattr("sim2real.studies.tuning.TUNING", tmp_path)
    monkeypatch.setattr("sim2real.studies.tuning.save_hyperparameters", lambda name, chosen: None)
    assert tune_command(asked) == 0
    name = "liquids-density-molecular"
    # 70 are no fewer than the 32 rows that train, and are passed over
    assert tuned == ([(name, 32, True), (f"{name}-m20", 20, False)] if asked == [name] else [])


@pytest.mark.parametrize("table", sorted(TUNING.glob("*.csv")), ids=lambda path: path.stem)
def test_committed_tables_hold_the_candidates_in_their_order(table):
    candidates = PAIR_STAGES if "chi" in table.stem else TRANSPORT if "sigma" in table.stem else STANDARD
    # what was chosen for the example's tables has no name to tune it by
    if (of := tunable().get(table.stem)) and of.largest:
        candidates = candidates.for_fewer(load_hyperparameters(of.largest))
    rows, recipe = iter(pd.read_csv(table).to_dict("records")), candidates.start
    for stage in candidates.stages:
        best = None
        for candidate in stage.candidates(recipe):
            row = next(rows)
            tried = {name: value for part in candidate.values() for name, value in asdict(part).items()}
            for name, value in {"stage": stage.name, **tried}.items():
                assert str(row[name]) == str(value) or float(row[name]) == value
            best = candidate if row["chosen"] else best
        recipe = replace(recipe, **best)
    assert next(rows, None) is None
    assert recipe == load_hyperparameters(table.stem)


def test_nothing_is_written_into_an_installed_package(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("sim2real.training.recipes.CHECKOUT", None)
    monkeypatch.setattr("sim2real.training.recipes.CHOSEN", tmp_path / "chosen.json")
    with pytest.raises(ValueError, match="there is no checkout"):
        save_hyperparameters("polymers-density-molecular", UNTUNED)
    with pytest.raises(SystemExit):
        tune_command(["polymers-density-molecular"])
    assert "there is no checkout" in capsys.readouterr().err and not list(tmp_path.iterdir())
