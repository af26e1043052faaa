"""What is stored survives whatever happens to it: damaged files, full disks, other runs, changed data, networks that diverge."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim2real.training import experiment, keeping
from sim2real.training.experiment import make_plan, run_trials
from sim2real.training.study import Design

ARMS = ("direct", "ridge")
DESIGN = Design(n_grid=(50,), m_grid=(16, 32), trials=3)


@pytest.fixture
def short(study):
    stages = {name: replace(getattr(study.settings, name), steps=5) for name in ("pretraining", "fine_tuning", "direct")}
    return replace(study, settings=replace(study.settings, **stages))


@pytest.fixture
def trained(monkeypatch):
    """(arm, m, trial) of all that is trained."""
    done, original = [], experiment.run_block

    def run_block(plan, block):
        done.extend((block.arm, m, t) for m in block.m_grid for t in block.trials)
        return original(plan, block)

    monkeypatch.setattr(experiment, "run_block", run_block)
    return done


def test_a_damaged_file_is_said_and_its_trials_alone_are_trained_again(short, tmp_path, trained, capsys):
    before = run_trials(short, DESIGN, arms=ARMS, store=tmp_path).table
    (cut,) = tmp_path.glob("*direct-n0-m16-*/*.parquet")
    cut.write_bytes(cut.read_bytes()[:100])
    (swapped,) = tmp_path.glob("*ridge-n0-m32-*/*.parquet")
    pd.DataFrame({"trial": [0]}).to_parquet(swapped)
    trained.clear()
    after = run_trials(short, DESIGN, arms=ARMS, store=tmp_path).table
    pd.testing.assert_frame_equal(before, after, check_exact=True)
    assert set(trained) == {(arm, m, t) for arm, m in (("direct", 16), ("ridge", 32)) for t in range(3)}
    said = [line for line in capsys.readouterr().err.splitlines() if "cannot be read" in line]
    assert len(said) == 2 and all("its trials are trained again" in line for line in said)


def test_a_full_disk_ends_the_run_in_one_line_and_keeps_what_is_there(short, tmp_path, trained, monkeypatch):
    write = Path.write_bytes

    def full(path, content):
        if "-direct-" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        OSError, match="what is trained cannot be stored .No space left on device.; what is there is kept"
    ) as caught:
        run_trials(short, DESIGN, arms=ARMS, store=tmp_path)
    assert len(str(caught.value).splitlines()) == 1 and not list(tmp_path.rglob("*.part"))
    monkeypatch.undo()
    assert {arm for arm, _, _ in trained} == set(ARMS)
    plan = make_plan(short, DESIGN, arms=ARMS, store=tmp_path)
    assert {block.arm for block in plan.missing_blocks(plan.read(print))} == {"direct"}


def test_a_store_that_cannot_be_written_is_said_before_anything_is_trained(short, tmp_path, trained):
    (tmp_path / "store").touch()
    with pytest.raises(OSError, match="what is trained cannot be stored"):
        run_trials(short, DESIGN, arms=ARMS, store=tmp_path / "store")
    assert not trained


def test_two_runs_on_one_store_notice_each_other_and_use_what_the_other_has_done(short, tmp_path, trained, capsys):
    alone = run_trials(short, DESIGN, arms=ARMS, store=tmp_path / "alone").table
    trained.clear()
    other = make_plan(short, DESIGN, arms=ARMS, store=tmp_path)
    first = other.missing_blocks(other.read(print))[0]
    with other.alone(print):
        other.save(*experiment.run_block(other, first))
        trained.clear()
        both = run_trials(short, DESIGN, arms=ARMS, store=tmp_path).table
    pd.testing.assert_frame_equal(alone, both, check_exact=True)
    assert {arm for arm, _, _ in trained} == set(ARMS) - {first.arm}
    assert "toy: another run trains trials of it" in capsys.readouterr().err


def test_a_second_run_begins_at_the_other_end(short, tmp_path, monkeypatch):
    design, begun = replace(DESIGN, n_grid=(20, 40)), []
    monkeypatch.setattr(experiment, "share_out", lambda function, plan, left, *_: begun.append([b.n for b in left()]))
    monkeypatch.setattr(experiment, "IN_VAIN", 1)
    plan = make_plan(short, design, arms=("transfer",), store=tmp_path)
    with pytest.raises(OSError, match="cannot be read back"):
        experiment.finish(plan)
    with plan.alone(print), pytest.raises(OSError, match="cannot be read back"):
        experiment.finish(plan)
    assert begun == [[40, 20], [20, 40]]


def test_a_disk_that_damages_every_block_ends_the_run_in_one_line(short, tmp_path, trained, monkeypatch):
    monkeypatch.setattr("sim2real.training.store.write_whole", lambda path, content: path.write_bytes(content[:8]))
    with pytest.raises(OSError, match="what is written there cannot be read back .damaged disk"):
        run_trials(short, DESIGN, arms=("ridge",), store=tmp_path)
    assert [trained.count(("ridge", 16, t)) for t in range(3)] == [3, 3, 3]


def test_what_has_changed_is_said_and_the_old_trials_are_kept(short, tmp_path, capsys):
    run_trials(short, DESIGN, arms=ARMS, store=tmp_path)
    run_trials(short, replace(DESIGN, seed=1), arms=ARMS, store=tmp_path)
    assert "changed" not in capsys.readouterr().err, "another seed is another run, not a change"
    kept = set(tmp_path.rglob("*.parquet"))
    settings = replace(short.settings, direct=replace(short.settings.direct, steps=6))
    run_trials(replace(short, settings=settings), DESIGN, arms=ARMS, store=tmp_path)
    assert "toy, direct: changed since trials were stored: settings; trained anew, the others are kept" in capsys.readouterr().err
    table = short.target.table.assign(value=short.target.y + 1)
    run_trials(replace(short, target=replace(short.target, table=table)), DESIGN, arms=("ridge",), store=tmp_path)
    assert "toy, ridge: changed since trials were stored: target; trained anew" in capsys.readouterr().err
    assert kept < set(tmp_path.rglob("*.parquet"))
    about = json.loads(next(tmp_path.glob("toy-ridge-n0-m16-*/about.json")).read_text())
    assert (about["arm"], about["m"]) == ("ridge", 16)


def test_baselines_are_trained_once_for_two_sources_of_a_target(short, tmp_path, trained):
    first, second = (replace(short, name=name, splits="shared") for name in ("one", "other"))
    second = replace(second, source=replace(second.source, X=second.source.X * 2))
    tables = [run_trials(study, DESIGN, arms=("transfer", *ARMS), store=tmp_path).table for study in (first, second)]
    assert [trained.count(("ridge", 16, t)) for t in range(3)] == [1, 1, 1]
    assert [trained.count(("transfer", 16, t)) for t in range(3)] == [2, 2, 2]
    ridge = [table[table["arm"] == "ridge"] for table in tables]
    pd.testing.assert_frame_equal(*ridge, check_exact=True)


def test_a_network_that_diverges_takes_its_trial_out_of_all_arms_and_no_other(short, tmp_path, monkeypatch):
    healthy = run_trials(short, DESIGN, arms=ARMS, store=tmp_path / "healthy")
    original = type(short.settings).learn

    def learn(settings, target, rows, seeds, prepared=None):
        for k, seed in enumerate(seeds):
            if seed[-2:] == (32, 1):
                raise FloatingPointError(f"network {k} diverged before step 5")
        return original(settings, target, rows, seeds, prepared)

    monkeypatch.setattr(type(short.settings), "learn", learn)
    for _ in range(2):  # trained, and read again
        with pytest.warns(
            UserWarning, match=r"toy: 1 networks diverged .*arm direct, n 0, m 32, trial 1.*; 1 of 3 trials are left"
        ):
            trials = run_trials(short, DESIGN, arms=ARMS, store=tmp_path / "one")
        assert trials.diverged.to_dict("records") == [{"arm": "direct", "n": 0, "m": 32, "trial": 1}]
        others = healthy.table[healthy.table["trial"] != 1].reset_index(drop=True)
        pd.testing.assert_frame_equal(trials.table, others, check_exact=True)
        assert np.isfinite(trials.cube(("direct",)).errors).any()
    monkeypatch.setattr(type(short.settings), "learn", lambda *_: (_ for _ in ()).throw(FloatingPointError("diverged")))
    with pytest.raises(ValueError, match="some in every trial; lower the learning rate"):
        run_trials(short, DESIGN, arms=ARMS, store=tmp_path / "none")


def test_a_block_holds_no_more_source_rows_than_memory_allows(short, tmp_path, monkeypatch):
    design = Design(n_grid=(50, 300), m_grid=(16,), trials=10, source_draws=4)
    whole = run_trials(short, design, arms=("transfer",), store=tmp_path / "whole")
    monkeypatch.setattr("sim2real.training.store.ROWS", 900)
    plan = make_plan(short, design, arms=("transfer",), store=tmp_path / "parts")
    blocks = plan.missing_blocks(plan.read(print))
    assert {len(b.trials) for b in blocks if b.n == 50} == {10} and max(len(b.trials) for b in blocks if b.n == 300) == 3
    # trials of one source draw stand together
    assert blocks[-1].trials != (9,) and [b.trials for b in blocks if b.n == 300][0] == (0, 4, 8)
    parts = run_trials(short, design, arms=("transfer",), store=tmp_path / "parts")
    pd.testing.assert_frame_equal(whole.table, parts.table, check_exact=True)


def test_a_disk_without_locks_is_no_other_run(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refused)
    for wait in (True, False):
        with keeping.locked(tmp_path, "toy", wait=wait) as is_alone:
            assert is_alone
