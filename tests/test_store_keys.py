"""The folders of stored trials keep their names: a move of code must not train anything again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from sim2real.studies.cases import load_study
from sim2real.studies.presets import resolve
from sim2real.training.store import Plan
from sim2real.training.study import Design


def load(kind, target_max, **choice):
    settings = resolve("embedded", "quick", workers=1, kind=kind)
    return load_study(
        kind, "embedded", replace(settings, n_max=100, preset=replace(settings.preset, target_max=target_max)), **choice
    )


STUDIES = {
    "polymers": lambda: load("polymers", 30, property="density", descriptor="forcefield"),
    "liquids": lambda: load("liquids", 60, property="density", descriptor="molecular"),
    "chi": lambda: load("pairs", 60, simulator="unifac", split="pair"),
    "conductivity": lambda: load("conductivity", 60),
}
# study, arm and overlap -> the name of the folder of n = 50 (0 where the arm has none) and m = 20, without regard to the data's
# own fingerprints, which follow the rounding of the machine
PINNED = {
    "polymers": {
        "transfer, keep": "polymers-density-forcefield c1fd2d5504b1",
        "transfer, drop": "polymers-density-forcefield c1fd2d5504b1",
        "direct, keep": "polymers-density-forcefield 311cca503608",
        "direct, drop": "polymers-density-forcefield 311cca503608",
        "simulator, keep": "polymers-density-forcefield 6e75d49f1569",
        "simulator, drop": "polymers-density-forcefield 6e75d49f1569",
    },
    "liquids": {
        "transfer, keep": "liquids-density-molecular cbc6e6eb8ea7",
        "transfer, drop": "liquids-density-molecular cbc6e6eb8ea7",
        "direct, keep": "liquids-density-molecular 07ffee7a0374",
        "direct, drop": "liquids-density-molecular 07ffee7a0374",
        "simulator, keep": "liquids-density-molecular 607ef0e7abd0",
        "simulator, drop": "liquids-density-molecular 607ef0e7abd0",
    },
    "chi": {
        "transfer, keep": "embedded-chi-unifac-pair 460943b1628e",
        "transfer, drop": "embedded-chi-unifac-pair fb3a636ca0c1",
        "direct, keep": "embedded-chi-unifac-pair ef740b184b9d",
        "direct, drop": "embedded-chi-unifac-pair ef740b184b9d",
        "simulator, keep": "embedded-chi-unifac-pair f7d876b6ec1b",
        "simulator, drop": "embedded-chi-unifac-pair f7d876b6ec1b",
    },
    "conductivity": {
        "transfer, keep": "transport-sigma-composition a2b0e964f0ac",
        "transfer, drop": "transport-sigma-composition 4d3419aac56a",
        "direct, keep": "transport-sigma-composition aaf1b7ee60d3",
        "direct, drop": "transport-sigma-composition aaf1b7ee60d3",
        "law, keep": "transport-sigma-composition 0eaaa9707be2",
        "law, drop": "transport-sigma-composition 0eaaa9707be2",
    },
}


def name_of_folder(study, arm, overlap):
    design = Design(n_grid=(50,), m_grid=(20,), trials=2, seed=7, overlap=overlap, source_draws=8)
    plan = Plan(study, study.source, design, None, (arm,))
    description = plan.description((arm, 50 if arm == "transfer" else 0, 20))
    for side in ("source", "target", "simulated"):
        description[side] = None if description[side] is None else "data"
    return f"{study.name} {hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:12]}"


@pytest.mark.parametrize("kind", STUDIES)
def test_folders_of_stored_trials_keep_their_names(kind):
    study = STUDIES[kind]()
    arms = [(arm, overlap) for arm in ("transfer", "direct", study.baselines[-1]) for overlap in ("keep", "drop")]
    assert {f"{arm}, {overlap}": name_of_folder(study, arm, overlap) for arm, overlap in arms} == PINNED[kind]
