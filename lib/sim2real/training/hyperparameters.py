"""The hyperparameters that were chosen, and where the choice is written down.

``data/tuning/chosen.json`` holds, per study, the values; ``data/tuning/<study>.csv`` holds every candidate with its
validation error. ``python -m sim2real.training.tune`` writes both. Nothing else in the repository sets a learning rate.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from sim2real.datasets.paths import DATA
from sim2real.training.multitask import MultitaskHyperparameters
from sim2real.training.towers import PairNetwork
from sim2real.training.transfer import Hyperparameters, Network, Training

TUNING = DATA / "tuning"
CHOSEN = TUNING / "chosen.json"


def load_hyperparameters(study: str) -> Hyperparameters | MultitaskHyperparameters:
    """The chosen hyperparameters of one study, such as ``polymers-density``.

    Raises:
        ValueError: nothing was chosen for that study; the message says how to choose.
    """
    chosen = json.loads(CHOSEN.read_text()) if CHOSEN.exists() else {}
    if study not in chosen:
        raise ValueError(
            f"no hyperparameters for {study!r} in data/tuning/chosen.json; run python -m sim2real.training.tune {study}"
        )
    return from_dict(chosen[study])


def save_hyperparameters(study: str, settings: Hyperparameters | MultitaskHyperparameters) -> None:
    """Write the choice for one study, leaving the others as they are."""
    TUNING.mkdir(parents=True, exist_ok=True)
    chosen = json.loads(CHOSEN.read_text()) if CHOSEN.exists() else {}
    chosen[study] = asdict(settings)
    part = CHOSEN.with_suffix(".part")
    part.write_text(json.dumps(chosen, indent=1, sort_keys=True) + "\n")
    part.replace(CHOSEN)


def from_dict(values: dict) -> Hyperparameters | MultitaskHyperparameters:
    """The inverse of ``dataclasses.asdict`` after a trip through JSON."""
    pairs = "multitask" in values
    network, whole = (PairNetwork, MultitaskHyperparameters) if pairs else (Network, Hyperparameters)
    built = {}
    for name, part in values.items():
        if name.endswith("_network"):
            built[name] = network(**{key: tuple(v) if isinstance(v, list) else v for key, v in part.items()})
        else:
            built[name] = Training(**part) if isinstance(part, dict) else part
    return whole(**built)
