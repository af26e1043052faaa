"""What every record is made of: the facts of its trials, errors with their bands, and the paper's own numbers."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sim2real.datasets.paths import DATA
from sim2real.laws.bootstrap import Resamples
from sim2real.training.experiment import overlap_count
from sim2real.training.study import Trials


@cache
def paper(name: str) -> dict:
    """The paper's numbers of that name in ``data/paper.toml``."""
    return tomllib.loads((DATA / "paper.toml").read_text(encoding="utf-8"))[name]


@dataclass(frozen=True)
class Facts:
    """What was transferred to what, and how much of it was run; ``source`` and ``target`` are summaries with reports."""

    study: str
    property: str
    label: str
    unit: str
    source: dict
    target: dict
    overlap: str  # the design's choice
    overlapping_materials: int  # of the target that the source holds, whatever was chosen
    trials: int
    source_draws: int  # how many trials have a different one
    n: list[int]
    m: list[int]

    @classmethod
    def of(cls, trials: Trials) -> Facts:
        """The facts of these trials."""
        study, design, prop = trials.study, trials.design, trials.study.target.property
        sides = (task.summary() | {"report": task.report} for task in (study.source, study.target))
        of_design = (design.overlap, overlap_count(study), design.trials, design.distinct_draws)
        return cls(study.name, prop.name, prop.label, prop.unit, *sides, *of_design, list(design.n_grid), list(design.m_grid))

    def to_dict(self, *names: str) -> dict:
        """The facts of these names, in that order; all if none is given."""
        return {name: getattr(self, name) for name in names or self.__dataclass_fields__}


DATA_FACTS = ("study", "property", "label", "unit", "source", "target", "overlap", "overlapping_materials")
"""The names of what every record says of its data."""


@dataclass(frozen=True)
class Band:
    """Mean absolute errors with percentile bands over trials, and over trials and materials or None, all of one shape and unit."""

    mae: NDArray
    low: NDArray
    high: NDArray
    low_materials: NDArray | None = None
    high_materials: NDArray | None = None
    level: float = 0.9

    @classmethod
    def of(cls, resamples: Resamples, materials: Resamples | None = None) -> Band:
        """The band of these resamples, and a second one of ``materials``."""
        wider = (None, None) if materials is None else materials.interval()
        return cls(resamples.mean, *resamples.interval(), *wider, resamples.level)

    def to_dict(self) -> dict[str, list | float]:
        """``mae``, ``low``, ``high`` and, where they are known, ``low_materials`` and ``high_materials``."""
        values = {name: getattr(self, name) for name in ("mae", "low", "high", "low_materials", "high_materials")}
        return {name: np.asarray(value).tolist() for name, value in values.items() if value is not None}


def json_ready(value: object) -> object:
    """The same dictionaries and lists with None for every number that is not finite."""
    if isinstance(value, dict):
        return {key: json_ready(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_ready(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
