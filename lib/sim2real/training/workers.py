"""Jobs shared out to processes of this machine or to a Dask cluster, by joblib: results come back to the process that asked, no
worker outlives it, and one that dies costs the jobs that it held.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import torch
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool
from tqdm import tqdm

DASK = "distributed"  # takes a second to import, and is there with the extra "cluster" only
LOST = ("FutureCancelledError", "KilledWorker", "CommClosedError", "TimeoutError")  # its errors where workers died

GO_ON = "finished blocks are kept; run it again to go on"
LOSSES = 3  # in a row in which workers are lost before any job is done
WATCH = 0.5  # seconds between two looks of a worker at whether its parent is there
# seconds for a scheduler to answer, to have a first worker, which may stand in a queue, and another one where all were lost
PATIENCE, QUEUE, BACK = 60, 600, 120


class WorkersLost(RuntimeError):
    """Workers ended before their jobs did; what was done before has come back."""


def share_out(
    function: Callable, common: Any, left: Callable[[], Iterable], workers: int | str, done: Callable[[Any], None]
) -> None:
    """Call ``function(common, job)`` for all jobs ``left``, and ``done`` here with each result, in the order in which they come.

    ``workers`` is a number of processes (1: this one), or the address (``tcp://host:port``) or scheduler file of a Dask cluster,
    to which ``common`` is sent once; large arrays of ``common`` are memory-mapped by local processes. Ctrl-C and SIGTERM end local
    workers at once. Where workers die, what is left then is shared out anew: a RuntimeError where that happens :data:`LOSSES`
    times in a row before any job is done. ValueError where a cluster cannot be reached, or has no worker.
    """
    lost = 0

    def came(result: Any) -> None:
        nonlocal lost
        lost = 0
        done(result)

    while True:
        try:
            with _ending_cleanly():
                if workers == 1:
                    for job in left():
                        done(function(common, job))
                elif isinstance(workers, str):
                    _on_cluster(function, common, left(), workers, came, BACK if lost else QUEUE)
                else:
                    _on_this_machine(function, common, left(), workers, came)
            return
        except WorkersLost as error:
            lost += 1
            if lost == LOSSES:
                raise RuntimeError(f"workers end before any job is done (out of memory?); try fewer workers; {GO_ON}") from error
            tqdm.write(f"{error}; what was in flight is done again", file=sys.stderr)


def in_worker() -> None:
    """What holds in every process that trains: one thread, and arrays that all processes share are read-only."""
    torch.set_num_threads(1)
    # nothing writes to them
    warnings.filterwarnings("ignore", message="The given NumPy array is not writable")


def processes(workers: int | str) -> int:
    """How many jobs are worked on at a time."""
    return sum(_reach(workers, QUEUE).ncores().values()) if isinstance(workers, str) else workers


def _on_this_machine(function: Callable, common: Any, jobs: Iterable, workers: int, done: Callable[[Any], None]) -> None:
    tasks = (delayed(_watched)(os.getpid(), function, common, job) for job in jobs)
    try:
        with warnings.catch_warnings():
            # a worker that holds much memory is replaced by a new one, and nothing is lost
            warnings.filterwarnings("ignore", message="A worker stopped while some jobs")
            for result in Parallel(n_jobs=workers, backend="loky", batch_size=1, return_as="generator_unordered")(tasks):
                done(result)
    except BrokenProcessPool as error:
        raise WorkersLost("a worker process was killed (out of memory?)") from error
    except BaseException:
        get_reusable_executor().shutdown(wait=True, kill_workers=True)
        raise


def _watched(parent: int, function: Callable, common: Any, job: Any) -> Any:
    if os.getpid() != parent:
        _end_with(parent)
    return function(common, job)


@cache
def _end_with(parent: int) -> None:
    """Let this worker end soon after its parent, however that ended, and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH)
    os._exit(1)


def _on_cluster(
    function: Callable, common: Any, jobs: Iterable, address: str, done: Callable[[Any], None], patience: float
) -> None:
    client = _reach(address, patience)
    try:
        (sent,) = client.scatter([common], broadcast=True)
        came: SimpleQueue = SimpleQueue()
        futures = [client.submit(function, sent, job, pure=False) for job in jobs]
        for future in futures:
            future.add_done_callback(came.put)
        for _ in futures:
            done(_next(client, came).result())
    except BaseException as error:
        # jobs under way end with this client, and what it sent may be lost; another one sends it anew
        _client.cache_clear()
        client.close()
        if type(error).__name__ not in LOST:
            raise
        raise WorkersLost(f"the cluster lost its workers ({type(error).__name__})") from error


def _next(client: Any, came: SimpleQueue) -> Any:
    """The next future that is done; a TimeoutError where no worker is left: their scheduler keeps jobs, and says nothing."""
    while True:
        try:
            return came.get(timeout=BACK)
        except Empty:
            if not client.ncores():
                raise TimeoutError from None


def _reach(address: str, patience: float) -> Any:
    """A client of a cluster that has a worker, or gets one within so many seconds."""
    client = _client(address)
    if not client.ncores():
        tqdm.write(f"WORKERS={address}: no worker there; waiting for one, for {patience:.0f} s at most", file=sys.stderr)
    try:
        client.wait_for_workers(1, timeout=patience)
    except TimeoutError:
        raise ValueError(f"WORKERS={address}: the scheduler has no worker; start one: dask worker {address}; {GO_ON}") from None
    return client


@cache
def _client(address: str) -> Any:
    try:
        distributed = import_module(DASK)
    except ModuleNotFoundError as error:
        raise ValueError(f'WORKERS={address} needs Dask: pip install "sim2real[cluster]"') from error
    of_file = {"scheduler_file": address} if Path(address).suffix == ".json" else {"address": address}
    try:
        return distributed.Client(**of_file, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"WORKERS={address}: no Dask scheduler answers there ({reason})") from error


@contextmanager
def _ending_cleanly() -> Iterator[None]:
    """Say what is kept when interrupted; at SIGTERM end as the process would have, but after its workers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = []

    def stop(number: int, frame: Any) -> None:
        asked.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        if not asked:
            raise KeyboardInterrupt(GO_ON) from None
        tqdm.write(f"stopped; {GO_ON}", file=sys.stderr)
        signal.signal(signal.SIGTERM, before)
        os.kill(os.getpid(), signal.SIGTERM)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
