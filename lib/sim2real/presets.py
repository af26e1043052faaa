"""How much is run: from a test of the machinery to the paper's own numbers of trials."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """Sizes of a run.

    Attributes:
        polymer_trials, liquid_trials: trials per cell. Tests on tens of polymers are noisy, so they get more.
        n_min, n_max: smallest and largest source size.
        points: sizes between them, equally spaced on a logarithmic scale.
        m_max: largest number of measured materials trained on; the paper's largest target set has 607.
    """

    polymer_trials: int
    liquid_trials: int
    n_min: int
    n_max: int
    points: int
    m_max: int


PRESETS = {
    "smoke": Preset(polymer_trials=3, liquid_trials=2, n_min=50, n_max=300, points=4, m_max=60),
    "quick": Preset(polymer_trials=30, liquid_trials=10, n_min=100, n_max=20_000, points=10, m_max=400),
    "paper": Preset(polymer_trials=500, liquid_trials=500, n_min=100, n_max=20_000, points=10, m_max=400),
}


def get_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        ValueError: unknown name; the message lists the known ones.
    """
    if name not in PRESETS:
        raise ValueError(f"unknown PRESET {name!r}; expected one of {', '.join(PRESETS)}")
    return PRESETS[name]
