"""A Dask cluster trains the same trials, to the last bit, and its workers may die."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from subprocess import DEVNULL, Popen
from threading import Thread

import pytest
from distributed import LocalCluster

import made
from sim2real.studies.presets import resolve
from sim2real.training import workers
from sim2real.training.candidates import HEAD_ONLY, standard
from sim2real.training.experiment import run_trials
from sim2real.training.recipes import Network, Training
from sim2real.training.study import Design
from sim2real.training.tune import tune

DESIGN = Design(n_grid=(50, 100), m_grid=(16,), trials=4)
ARMS = ("transfer", "direct", "ridge")


@pytest.fixture(scope="module")
def cluster():
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as running:
        yield running


@pytest.fixture
def short(study):
    stages = {name: replace(getattr(study.settings, name), steps=20) for name in ("pretraining", "fine_tuning", "direct")}
    return replace(study, settings=replace(study.settings, **stages))


@pytest.mark.slow
def test_a_cluster_trains_and_tunes_as_local_processes_do(short, cluster, tmp_path):
    address = cluster.scheduler_address
    here = run_trials(short, DESIGN, arms=ARMS, store=tmp_path / "here").table
    there = run_trials(short, DESIGN, arms=ARMS, store=tmp_path / "there", workers=address).table
    assert here.equals(there)
    stages = (
        [Network(sizes=(8,))],
        [Training(5, 1e-3)],
        [HEAD_ONLY],
        [Network(sizes=(8,))],
        [Training(5, 1e-3), Training(9, 1e-3)],
    )
    local = tune(short, 32, standard(*stages), trials=4, store=tmp_path / "local")
    shared = tune(short, 32, standard(*stages), trials=4, store=tmp_path / "shared", workers=address)
    assert local[0] == shared[0] and local[1].equals(shared[1])


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_loses_nothing(short, cluster, tmp_path, monkeypatch):
    here = run_trials(short, DESIGN, arms=ARMS, store=tmp_path / "here").table
    monkeypatch.setattr("sim2real.training.experiment.run_block", made.dying_block(tmp_path / "killed"))
    there = run_trials(short, DESIGN, arms=ARMS, store=tmp_path / "there", workers=cluster.scheduler_address).table
    assert (tmp_path / "killed").exists() and here.equals(there)


@pytest.mark.slow
@pytest.mark.parametrize("again", [True, False])
def test_a_run_whose_workers_are_all_killed_goes_on_when_one_comes_back_or_ends_in_a_line(short, tmp_path, monkeypatch, again):
    monkeypatch.setattr("sim2real.training.workers.BACK", 200 if again else 4)
    monkeypatch.setattr("sim2real.training.experiment.run_block", made.waiting_block(tmp_path))
    with LocalCluster(n_workers=0, dashboard_address=None) as bare, ExitStack() as open_workers:

        def start():
            command = [sys.executable, "-m", "dask", "worker", bare.scheduler_address, "--no-nanny", "--nthreads", "1"]
            worker = open_workers.enter_context(Popen([*command, "--no-dashboard"], stderr=DEVNULL))
            open_workers.callback(worker.kill)
            return worker

        def kill_all(workers):
            while not (tmp_path / "begun").exists():
                time.sleep(0.1)
            for worker in workers:
                worker.kill()
            if again:
                (tmp_path / "go").touch()
                start()

        Thread(target=kill_all, args=([start(), start()],)).start()
        run = partial(run_trials, short, DESIGN, arms=ARMS, store=tmp_path / "there", workers=bare.scheduler_address)
        if again:
            assert run().table.equals(run_trials(short, DESIGN, arms=ARMS, store=tmp_path / "here").table)
        else:
            with pytest.raises(ValueError, match="the scheduler has no worker; start one: .*; finished blocks are kept"):
                run()


def test_what_is_no_cluster_is_refused_in_one_line(short, tmp_path, monkeypatch):
    monkeypatch.setattr("sim2real.training.workers.PATIENCE", 1)
    with pytest.raises(ValueError, match="WORKERS=tcp://127.0.0.1:9: no Dask scheduler answers there"):
        run_trials(short, DESIGN, arms=("ridge",), store=tmp_path, workers="tcp://127.0.0.1:9")
    monkeypatch.setattr("sim2real.training.workers.DASK", "no_such_module")
    with pytest.raises(ValueError, match=r"needs Dask: pip install \"sim2real\[cluster\]\""):
        run_trials(short, DESIGN, arms=("ridge",), store=tmp_path, workers="tcp://127.0.0.1:10")


def test_workers_are_processes_or_a_cluster():
    settings = resolve("embedded", "quick", workers="tcp://host:8786")
    assert settings.trainers == "tcp://host:8786" and settings.workers >= 1
    assert resolve("embedded", "quick", workers=3).trainers == 3
    for wrong in ("many", -1):
        with pytest.raises(ValueError, match="WORKERS is .*; expected a whole number from 0 .*, tcp://host:port"):
            resolve("embedded", "quick", workers=wrong)


def test_workers_that_are_lost_three_times_in_a_row_end_a_run(monkeypatch):
    asked, done, left = [], [], ["a", "b"]

    def lose(function, common, jobs, count, came):
        asked.append(list(jobs))
        if len(asked) == 2:
            came(left.pop())
        raise workers.WorkersLost("a worker process was killed")

    monkeypatch.setattr(workers, "_on_this_machine", lose)
    with pytest.raises(
        RuntimeError, match="workers end before any job is done .*; finished blocks are kept; run it again to go on"
    ):
        workers.share_out(print, None, lambda: left, 2, done.append)
    # a job that was done begins the count anew, and is not asked for again
    assert done == ["b"] and asked == [["a", "b"], ["a", "b"], ["a"], ["a"]]
