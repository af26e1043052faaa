"""Kernels of notebooks that are run: this very interpreter, started anew, or forked from a process that has imported the library,
which takes longer than what most of them compute.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

LOOK = 0.05  # seconds between two looks at what has ended
SECONDS_TO_END = 1.0  # that an interrupted kernel and its processes have before they are killed
CAN_FORK = sys.platform == "linux"  # elsewhere what was imported may not outlive a fork
_IMPORTED = ("ipykernel.kernelapp", "sim2real.studies.survey", "sim2real.studies.ask")  # before kernels are forked
_FORKED = "forked"  # name of their provisioner
_waiting: list[tuple[Forked, Connection]] = []


class OwnKernel(AsyncKernelManager):
    """A kernel of this very interpreter, whatever kernels Jupyter knows; interrupted, it ends without a word."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """How the kernel is started: as the forked process that waits to be one, if there is."""
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=CRITICAL"]
        forked = {"kernel_provisioner": {"provisioner_name": _FORKED, "config": {}}} if _waiting else {}
        return KernelSpec(argv=command, display_name="Python", language="python", metadata=forked)

    async def shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:
        """End the kernel and every process of its group."""
        if isinstance(sys.exception(), KeyboardInterrupt | SystemExit):
            asyncio.get_running_loop().set_exception_handler(lambda *_: None)
            for waiting in asyncio.all_tasks() - {asyncio.current_task()}:
                waiting.cancel()  # for a reply that will not come
            await self.signal_kernel(signal.SIGTERM)
            await asyncio.sleep(SECONDS_TO_END)
            now = True
        await super().shutdown_kernel(now=now, restart=restart)


class Forked:
    """A copy of this process that runs a function, a group of its own where ``alone``; as much of ``subprocess.Popen`` as a
    provisioner asks for."""

    stdin = stdout = stderr = None

    def __init__(self, function: Callable[[], int], *, alone: bool = False) -> None:
        self.returncode: int | None = None
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        self.pid = os.fork()
        if not self.pid:
            status = 1
            try:
                if alone:
                    os.setsid()
                status = function()
            except Exception:
                traceback.print_exc()
            finally:
                atexit._run_exitfuncs()  # as at the end of any process: workers and what they share are cleaned up
                for stream in (sys.stdout, sys.stderr):
                    stream.flush()
                os._exit(status)

    def poll(self) -> int | None:
        """The exit status, negative the signal that ended it; None while it runs."""
        return self.returncode if self.returncode is not None else self._ended(os.WNOHANG)

    def wait(self) -> int:
        """The exit status, once there is one."""
        return self.returncode if self.returncode is not None else self._ended(0)

    def _ended(self, how: int) -> int | None:
        pid, status = os.waitpid(self.pid, how)
        if pid:
            self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


class ForkedProvisioner(LocalProvisioner):
    """Makes a kernel of the process that waits to be one."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict:
        """Tell it what kernel to be."""
        self.process, send = _waiting.pop()
        send.send((cmd[3:], kwargs.get("cwd") or os.getcwd(), kwargs["env"]))
        self.pid = self.pgid = self.process.pid
        return self.connection_info


KernelProvisionerFactory.provisioners[_FORKED] = EntryPoint(
    _FORKED, f"{__name__}:{ForkedProvisioner.__name__}", KernelProvisionerFactory.GROUP_NAME
)


def run_forked(functions: Sequence[Callable[[], int]], at_once: int) -> list[int]:
    """Call each function in a fork of this process that has a kernel in waiting, so many at a time; their exit statuses. What ends
    this process ends them and their kernels first."""
    for name in _IMPORTED:
        import_module(name)
    left, statuses, running = list(enumerate(functions)), [1] * len(functions), {}
    try:
        while left or running:
            while left and len(running) < at_once:
                k, function = left.pop(0)
                running[Forked(partial(_with_kernel, function))] = k
            ended = [of for of in running if of.poll() is not None]
            for of in ended:
                statuses[running.pop(of)] = 1 if of.returncode < 0 else of.returncode
            if not ended:
                time.sleep(LOOK)
    finally:
        for of in running:
            of.send_signal(signal.SIGTERM)
        for of in running:
            of.wait()
    return statuses


def _with_kernel(function: Callable[[], int]) -> int:
    receive, send = Pipe(duplex=False)
    _waiting.append((Forked(partial(_be_kernel, receive, send), alone=True), send))
    receive.close()
    # the process that forked this one tells it once to stop, and says what was interrupted
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    try:
        return function()
    except SystemExit:
        return 1


def _stop(number: int, frame: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)


def _be_kernel(receive: Connection, send: Connection) -> int:
    """Wait to be told what kernel to be, and be it."""
    send.close()  # else its other end would never be seen to close
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        arguments, folder, variables = receive.recv()
    except EOFError:  # no kernel is asked for
        return 0
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    warnings.formatwarning = warnings._formatwarning_orig  # what commands show of warnings is not for notebooks
    # read by the kernel's module when it was imported, in another process
    of_parent = f"--IPKernelApp.parent_handle={os.getppid()}"
    sys.modules["ipykernel.kernelapp"].launch_new_instance(argv=[*arguments, of_parent])
    return 0
