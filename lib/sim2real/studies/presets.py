"""How much is run: from a test of the machinery to the paper's own numbers of trials."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from sim2real.studies.kinds import KINDS
from sim2real.training.experiment import available_source, overlap_count
from sim2real.training.study import Design, Study, log_grid, training_size

EDITIONS = ("embedded", "open", "local")
LARGE_TARGET = 200
SMALLEST_M = 5  # an error surface needs three m, and a network some materials
# the curve of the other choice of overlap shows a difference, not a law: points, and the fewest source materials it is drawn of
OVERLAP_POINTS, FEWEST_LEFT = 4, 12
# target sizes at which transfer is compared with direct learning, up to all that there is; the second where each has its own
# hyperparameters
M_STEPS, SEVERAL_M = (20, 40, 80, 160), (100, 400)


@dataclass(frozen=True)
class Preset:
    """Sizes of a run."""

    # trials per cell, where fewer than LARGE_TARGET measured materials can be trained on, or at least as many: tests on tens of
    # materials are noisy
    small_target_trials: int
    large_target_trials: int
    # likewise of pairs, of which the paper has 100: every n and m is a training from scratch, so that error surfaces get fewer
    pair_trials: int
    pair_surface_trials: int
    source_draws: int  # of :class:`~sim2real.training.study.Design`
    n_min: int
    n_max: int
    points: int  # between them, equally spaced on a logarithmic scale
    m_max: int  # measured materials trained on; the paper's largest target set has 607
    surface_points: tuple[int, int]  # n and m
    surface_m_max: int
    target_max: int  # materials of a target, drawn once and for all; fewer than all (0) only show that everything runs


# of smoke, quick and paper
_SIZES = {
    "small_target_trials": (3, 30, 500),
    "large_target_trials": (2, 6, 500),
    "pair_trials": (2, 20, 100),
    "pair_surface_trials": (2, 8, 100),
    "source_draws": (2, 8, 0),
    "n_min": (50, 100, 100),
    "n_max": (300, 20_000, 30_000),
    "points": (4, 10, 10),
    "m_max": (60, 400, 400),
    "surface_points": ((3, 3), (6, 5), (10, 6)),
    "surface_m_max": (60, 3000, 3000),
    "target_max": (200, 0, 0),
}
PRESETS = {name: Preset(**{size: of[k] for size, of in _SIZES.items()}) for k, name in enumerate(("smoke", "quick", "paper"))}


@dataclass(frozen=True)
class Settings:
    """A preset with what the user asked for instead: the sizes of one run of a notebook; ``from_scratch`` as its kind of study."""

    preset: Preset
    trials: int
    n_max: int
    m_max: int
    surface_m_max: int
    workers: int  # processes of this machine
    seed: int
    overlap: str
    from_scratch: bool = False
    cluster: str = ""  # address or scheduler file of a Dask cluster that trains instead

    @property
    def trainers(self) -> int | str:
        """What trains: as ``workers`` of :func:`~sim2real.training.experiment.run_trials`."""
        return self.cluster or self.workers

    def design(self, study: Study, points: int = 0) -> Design:
        """The grid for one study: n from the preset's smallest to all of the source, one m; ``points`` is the preset's if 0."""
        largest = min(self.m_max, training_size(study.target, study.split_by))
        trials = self._trials(study)
        available = available_source(study, self.overlap, self.seed, trials)
        # a source too small for the preset's smallest n is begun at a quarter of it, so that there is a curve to see
        lowest = self.preset.n_min if available > 2 * self.preset.n_min else max(10, available // 4)
        n_grid = log_grid(lowest, available, points or self.preset.points)
        return Design(n_grid, (largest,), trials, self.seed, self.overlap, source_draws=self.preset.source_draws)

    def other_overlap_design(self, study: Study) -> Design | None:
        """The same trials with the other choice of overlap, at a few n; None where nothing overlaps or too little would be left."""
        other = replace(self, overlap="keep" if self.overlap == "drop" else "drop")
        if not overlap_count(study) or available_source(study, other.overlap, self.seed, self._trials(study)) < FEWEST_LEFT:
            return None
        return other.design(study, OVERLAP_POINTS)

    def several_m_designs(self, study: Study) -> list[Design]:
        """All of the source, :data:`SEVERAL_M` and the largest m, each with both choices of overlap where both leave a source."""
        kept, dropped = (replace(self, overlap=overlap) for overlap in ("keep", "drop"))
        both = [kept, dropped] if kept.other_overlap_design(study) else [kept]
        designs = [settings.design(study) for settings in both]
        m_grid = _up_to(SEVERAL_M, max(designs[0].m_grid))
        return [replace(design, n_grid=design.n_grid[-1:], m_grid=(m,)) for m in m_grid for design in designs]

    def surface_design(self, study: Study) -> Design:
        """A grid of n and m for an error surface; m from 6, or 20 where hundreds can be trained on, to all there are."""
        n_points, m_points = self.preset.surface_points
        largest = min(self.surface_m_max, training_size(study.target, study.split_by))
        smallest = 20 if largest >= LARGE_TARGET else min(6, largest - 2)
        m_grid = log_grid(smallest, largest, m_points)
        return replace(self.design(study, n_points), m_grid=m_grid, trials=self.surface_trials(study))

    def surface_trials(self, study: Study) -> int:
        """Trials per cell of an error surface."""
        return self.preset.pair_surface_trials if self.from_scratch and not self.trials else self._trials(study)

    def single_compounds_design(self, study: Study) -> Design:
        """The smallest and the largest n, in as many trials as small targets get, each with its own source draw.

        A trial tests a fifth of the compounds; those that share a draw are one observation: few trials say nothing of one compound.
        """
        design = self.design(study)
        trials = self.trials or max(design.trials, self.preset.small_target_trials)
        return replace(design, n_grid=(design.n_grid[0], design.n_grid[-1]), trials=trials, source_draws=0)

    def target_size_design(self, study: Study) -> Design:
        """All simulated materials, and m from 20 to the largest of the run."""
        design = self.design(study)
        return replace(design, n_grid=design.n_grid[-1:], m_grid=_up_to(M_STEPS, max(design.m_grid)))

    def _trials(self, study: Study) -> int:
        if self.trials or self.from_scratch:
            return self.trials or self.preset.pair_trials
        large = training_size(study.target, study.split_by) >= LARGE_TARGET
        return self.preset.large_target_trials if large else self.preset.small_target_trials


def _up_to(steps: tuple[int, ...], largest: int) -> tuple[int, ...]:
    return (*(m for m in steps if m < largest), largest)


def resolve(
    edition: str,
    preset: str,
    *,
    trials: int = 0,
    n_max: int = 0,
    m_max: int = 0,
    workers: int | str = 0,
    seed: int = 0,
    overlap: str = "keep",
    kind: str = "polymers",
) -> Settings:
    """Check a notebook's parameters and fill in the preset's values where they are 0; ValueError says what is allowed."""
    if edition not in EDITIONS:
        raise ValueError(f"unknown EDITION {edition!r}; expected one of {', '.join(EDITIONS)}")
    if overlap not in ("keep", "drop"):
        raise ValueError(f"unknown OVERLAP {overlap!r}; expected keep or drop")
    if preset not in PRESETS:
        raise ValueError(f"unknown PRESET {preset!r}; expected one of {', '.join(PRESETS)}")
    chosen = PRESETS[preset]
    for name, value in {"TRIALS": trials, "N_MAX": n_max, "M_MAX": m_max, "SEED": seed}.items():
        if value < 0:
            raise ValueError(f"{name} is {value}; expected a whole number from 0 (0 is the preset's)")
    if n_max and n_max <= chosen.n_min:
        raise ValueError(f"N_MAX is {n_max}; expected more than {chosen.n_min}, where the grid of n begins")
    if 0 < m_max < SMALLEST_M:
        raise ValueError(f"M_MAX is {m_max}; expected at least {SMALLEST_M}")
    training = trainers(workers)
    shared = KINDS[kind]
    largest = m_max or chosen.surface_m_max
    return Settings(
        preset=chosen,
        trials=trials,
        n_max=n_max or chosen.n_max,
        m_max=largest if shared.all_rows else m_max or chosen.m_max,
        surface_m_max=largest,
        workers=processes_here(workers),
        seed=seed,
        overlap=overlap,
        from_scratch=shared.from_scratch,
        cluster=training if isinstance(training, str) else "",
    )


def processes_here(workers: int | str) -> int:
    """Processes for what stays on this machine: all of its cores if 0 or where a cluster trains."""
    return (workers if isinstance(workers, int) else 0) or os.cpu_count() or 1


def trainers(workers: int | str) -> int | str:
    """What trains, of what a user gave: processes, or the address or scheduler file of a Dask cluster; a ValueError for neither."""
    text = str(workers)
    if text.isdecimal():
        return processes_here(int(text))
    if "://" in text or text.endswith(".json"):
        return text
    raise ValueError(
        f"WORKERS is {workers}; expected a whole number from 0 (0 is one a core), tcp://host:port or a scheduler file .json"
    )
