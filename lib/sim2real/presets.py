"""How much is run: from a test of the machinery to the paper's own numbers of trials."""

from __future__ import annotations

import os
from dataclasses import dataclass

from sim2real.experiment import Design, Study, log_grid, overlap_count, training_size

EDITIONS = ("embedded", "open", "local")


@dataclass(frozen=True)
class Preset:
    """Sizes of a run.

    Attributes:
        polymer_trials, liquid_trials: trials per cell. Tests on tens of polymers are noisy, so they get more.
        source_draws: of :class:`~sim2real.experiment.Design`.
        n_min, n_max: smallest and largest source size.
        points: sizes between them, equally spaced on a logarithmic scale.
        m_max: largest number of measured materials trained on; the paper's largest target set has 607.
    """

    polymer_trials: int
    liquid_trials: int
    source_draws: int
    n_min: int
    n_max: int
    points: int
    m_max: int


PRESETS = {
    "smoke": Preset(polymer_trials=3, liquid_trials=2, source_draws=2, n_min=50, n_max=300, points=4, m_max=60),
    "quick": Preset(polymer_trials=30, liquid_trials=6, source_draws=8, n_min=100, n_max=20_000, points=10, m_max=400),
    "paper": Preset(polymer_trials=500, liquid_trials=500, source_draws=0, n_min=100, n_max=20_000, points=10, m_max=400),
}


def get_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        ValueError: unknown name; the message lists the known ones.
    """
    if name not in PRESETS:
        raise ValueError(f"unknown PRESET {name!r}; expected one of {', '.join(PRESETS)}")
    return PRESETS[name]


@dataclass(frozen=True)
class Settings:
    """A preset with what the user asked for instead: the sizes of one run of a notebook."""

    preset: Preset
    trials: int
    n_max: int
    m_max: int
    workers: int
    seed: int
    overlap: str

    def design(self, study: Study) -> Design:
        """The grid for one study: n from the preset's smallest to all of the source, one m."""
        n_grid = log_grid(self.preset.n_min, self._available(study), self.preset.points)
        return self._design(study, n_grid, (self._largest_m(study),))

    def target_size_design(self, study: Study) -> Design:
        """All simulated materials, and m from 20 to the largest of the run."""
        largest = self._largest_m(study)
        return self._design(study, (self._available(study),), (*(m for m in M_STEPS if m < largest), largest))

    def _largest_m(self, study: Study) -> int:
        return min(self.m_max, training_size(study.target))

    def _available(self, study: Study) -> int:
        return len(study.source) - (overlap_count(study) if self.overlap == "drop" else 0)

    def _design(self, study: Study, n_grid: tuple[int, ...], m_grid: tuple[int, ...]) -> Design:
        default = self.preset.polymer_trials if study.name.startswith("polymers") else self.preset.liquid_trials
        return Design(
            n_grid=n_grid,
            m_grid=m_grid,
            trials=self.trials or default,
            seed=self.seed,
            overlap=self.overlap,
            source_draws=self.preset.source_draws,
        )


# target sizes at which the notebooks compare transfer with direct learning, up to all that there is
M_STEPS = (20, 40, 80, 160)


def resolve(
    edition: str,
    preset: str,
    *,
    trials: int = 0,
    n_max: int = 0,
    m_max: int = 0,
    workers: int = 0,
    seed: int = 0,
    overlap: str = "keep",
) -> Settings:
    """Check a notebook's parameters and fill in the preset's values where they are 0.

    Raises:
        ValueError: an unknown edition or preset, an edition that the notebooks do not have yet, a negative number, or
            n_max that leaves no grid; one line that says what is allowed.
    """
    if edition not in EDITIONS:
        raise ValueError(f"unknown EDITION {edition!r}; expected one of {', '.join(EDITIONS)}")
    if edition != "embedded":
        raise ValueError(f"EDITION={edition} has no data in this version; use EDITION=embedded")
    chosen = get_preset(preset)
    for name, value in {"TRIALS": trials, "N_MAX": n_max, "M_MAX": m_max, "WORKERS": workers, "SEED": seed}.items():
        if value < 0:
            raise ValueError(f"{name} is {value}; expected a whole number from 0 (0 is the preset's)")
    if n_max and n_max <= chosen.n_min:
        raise ValueError(f"N_MAX is {n_max}; expected more than {chosen.n_min}, where the grid of n begins")
    return Settings(
        preset=chosen,
        trials=trials,
        n_max=n_max or chosen.n_max,
        m_max=m_max or chosen.m_max,
        workers=workers or os.cpu_count() or 1,
        seed=seed,
        overlap=overlap,
    )
