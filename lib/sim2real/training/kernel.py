"""Training in compiled code (``kernel.cpp``), which the machine's own compiler makes when it is first needed; torch trains where
there is none, and on a GPU.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import subprocess
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from sim2real.datasets.paths import CACHE
from sim2real.training.networks import Layout, Training
from sim2real.training.seeding import seed_sequence

SOURCE = Path(__file__).with_suffix(".cpp")
COMPILER = "c++"
# all that the processor can do; without fused multiply-add or with sums in another order results would differ in their last bits
NATIVE = "-mcpu=native" if platform.machine() in ("arm64", "aarch64") else "-march=native"
FLAGS = ("-std=c++17", "-O3", NATIVE, "-ffp-contract=fast", "-fno-math-errno", "-shared", "-fPIC")
DEVICES = ("cpu", "cuda", "auto")  # of the variable SIM2REAL_DEVICE
# of a GPU's free memory, so that several processes may share it; bytes of a network with its updates, and of a row that it learns
GPU_SHARE, NETWORK_BYTES, ROW_BYTES = 0.25, 16e6, 16


@dataclass(frozen=True)
class Lesson:
    """What one head of one network learns: rows of the materials (size,), the two of a pair or one and None, conditions (size,
    c) or None, values (size,), positions below size by update (steps, batch), and the share of the loss.
    """

    first: np.ndarray
    second: np.ndarray | None
    conditions: np.ndarray | None
    goals: np.ndarray
    batches: np.ndarray
    share: float


class _Domain(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("first", "second", "conditions", "goals", "batches")]
    _fields_ += [("batch", ctypes.c_int64), ("share", ctypes.c_double)]


class _Job(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("X", "shift", "factor", "tower", "head", "domains", "random")]
    _fields_ += [(name, ctypes.c_int64) for name in ("materials", "columns", "layers", "head_layers", "domain_count", "steps")]
    _fields_ += [(name, ctypes.c_int64) for name in ("pairs", "at_tower", "at_head", "norm")]
    _fields_ += [(name, ctypes.c_double) for name in ("low", "high", "learning_rate", "weight_decay", "dropout")]


@cache
def library() -> ctypes.CDLL | None:
    """The compiled kernel, from the folder of caches; None, and a warning, where it cannot be compiled."""
    try:
        # what the compiler says of itself and of this processor: code for another one must not be run here
        macros = _run(COMPILER, *FLAGS, "-dM", "-E", "-x", "c++", os.devnull)
        key = hashlib.sha256(SOURCE.read_bytes() + " ".join(FLAGS).encode() + macros).hexdigest()[:16]
        path = CACHE / "kernel" / f"{key}.so"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(f".{os.getpid()}.part")
            _run(COMPILER, *FLAGS, "-o", str(part), str(SOURCE))
            part.replace(path)
        compiled = ctypes.CDLL(str(path))
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"").decode(errors="replace").splitlines()
        reason = said[0] if said else error
        warnings.warn(f"networks are trained by torch, several times slower: no C++ compiler that works ({reason})", stacklevel=2)
        return None
    compiled.train.restype = ctypes.c_int64
    compiled.train.argtypes = [ctypes.POINTER(_Job), ctypes.c_void_p, ctypes.c_void_p]
    return compiled


@cache
def device() -> torch.device:
    """Where networks are trained, by ``SIM2REAL_DEVICE``: ``cuda`` is a GPU, ``auto`` one if there is one. A ValueError for another
    name, or where a GPU is asked for in vain.
    """
    chosen = os.environ.get("SIM2REAL_DEVICE") or "cpu"
    if chosen not in DEVICES:
        raise ValueError(f"DEVICE={chosen} is not known; allowed are {', '.join(DEVICES)}")
    if chosen == "cpu" or torch.cuda.is_available():
        return torch.device("cpu" if chosen == "cpu" else "cuda")
    if chosen == "cuda":
        raise ValueError("DEVICE=cuda: torch finds no GPU here; DEVICE=cpu trains on the processor")
    warnings.warn("DEVICE=auto: torch finds no GPU here; networks are trained on the processor", stacklevel=2)
    return torch.device("cpu")


def engine() -> str:
    """What trains networks here, ``compiled``, ``torch`` or ``cuda``: they round differently."""
    if device().type != "cpu":
        return device().type
    return "torch" if library() is None else "compiled"


def networks_at_once(n: int) -> int:
    """How many networks that learn n rows the free memory of a GPU takes."""
    free, _ = torch.cuda.mem_get_info()
    return max(1, int(GPU_SHARE * free / (NETWORK_BYTES + ROW_BYTES * n)))


def _run(*command: str) -> bytes:
    return subprocess.run(command, check=True, capture_output=True).stdout


def train_one(
    layout: Layout,
    parameters: np.ndarray,
    materials: np.ndarray,
    scale: tuple[np.ndarray, np.ndarray, tuple[float, float]],
    lessons: Sequence[Lesson],
    stage: Training,
    seed: tuple,
    gradients: np.ndarray | None = None,
) -> int:
    """Train one network in place: ``parameters`` are flat, each weight (inputs, outputs) before its bias, the tower's layers, then
    each lesson's head. ``materials`` (rows, columns) are shifted, multiplied and clipped by ``scale``. The number of the update
    whose loss was not finite, or 0. ``gradients``, as long as the parameters, takes those of the last update.
    """
    kept = []  # arrays must outlive the call

    def pointer(values: np.ndarray | None, kind: type) -> int | None:
        if values is None:
            return None
        kept.append(np.ascontiguousarray(values, dtype=kind))
        return kept[-1].ctypes.data

    domains = (_Domain * len(lessons))()
    for domain, lesson in zip(domains, lessons):
        domain.first, domain.second = pointer(lesson.first, np.int32), pointer(lesson.second, np.int32)
        domain.conditions, domain.goals = pointer(lesson.conditions, np.float32), pointer(lesson.goals, np.float32)
        domain.batches, domain.batch, domain.share = pointer(lesson.batches, np.int32), lesson.batches.shape[1], lesson.share
    shift, factor, (low, high) = scale
    job = _Job(
        X=pointer(materials, np.float32),
        shift=pointer(shift, np.float32),
        factor=pointer(factor, np.float32),
        tower=pointer(np.array(layout.tower), np.int32),
        head=pointer(np.array(layout.head), np.int32),
        domains=ctypes.addressof(domains),
        random=pointer(seed_sequence(*seed, "dropout").generate_state(64), np.uint32),
        materials=len(materials),
        columns=materials.shape[1],
        layers=len(layout.tower),
        head_layers=len(layout.head),
        domain_count=len(domains),
        steps=len(lessons[0].batches),
        pairs=layout.pairs,
        at_tower=layout.at_tower,
        at_head=layout.at_head,
        norm=layout.norm,
        low=low,
        high=high,
        learning_rate=stage.learning_rate,
        weight_decay=stage.weight_decay,
        dropout=stage.dropout,
    )
    return library().train(job, parameters.ctypes.data, None if gradients is None else gradients.ctypes.data)
