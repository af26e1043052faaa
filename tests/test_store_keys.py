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
# own fingerprints, which follow the rounding of the machine, and to what trains networks there
PINNED = {
    "polymers": {
        "transfer, keep": "polymers-density-forcefield 0dcabb360be6",
        "transfer, drop": "polymers-density-forcefield 0dcabb360be6",
        "direct, keep": "polymers-density-forcefield bb8d734140c2",
        "direct, drop": "polymers-density-forcefield bb8d734140c2",
        "simulator, keep": "polymers-density-forcefield a63846098f53",
        "simulator, drop": "polymers-density-forcefield a63846098f53",
    },
    "liquids": {
        "transfer, keep": "liquids-density-molecular 8b6856980571",
        "transfer, drop": "liquids-density-molecular 8b6856980571",
        "direct, keep": "liquids-density-molecular be5ead0ddcc2",
        "direct, drop": "liquids-density-molecular be5ead0ddcc2",
        "simulator, keep": "liquids-density-molecular f7afc4dc4f3c",
        "simulator, drop": "liquids-density-molecular f7afc4dc4f3c",
    },
    "chi": {
        "transfer, keep": "embedded-chi-unifac-pair 55b954b03674",
        "transfer, drop": "embedded-chi-unifac-pair b4f26da1ba7f",
        "direct, keep": "embedded-chi-unifac-pair d708c1bccc78",
        "direct, drop": "embedded-chi-unifac-pair d708c1bccc78",
        "simulator, keep": "embedded-chi-unifac-pair 2fc1ed107de0",
        "simulator, drop": "embedded-chi-unifac-pair 2fc1ed107de0",
    },
    "conductivity": {
        "transfer, keep": "transport-sigma-composition e6565ac94cc8",
        "transfer, drop": "transport-sigma-composition 6db2ed0687ef",
        "direct, keep": "transport-sigma-composition c4d6c254adf9",
        "direct, drop": "transport-sigma-composition c4d6c254adf9",
        "law, keep": "transport-sigma-composition ec2070d2c270",
        "law, drop": "transport-sigma-composition ec2070d2c270",
    },
}


def name_of_folder(study, arm, overlap):
    design = Design(n_grid=(50,), m_grid=(20,), trials=2, seed=7, overlap=overlap, source_draws=8)
    plan = Plan(study, study.source, design, None, (arm,))
    description = plan.description((arm, 50 if arm == "transfer" else 0, 20))
    for side in ("source", "target", "simulated"):
        description[side] = None if description[side] is None else "data"
    if "trained_by" in description:
        description["trained_by"] = "either"
    return f"{study.name} {hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:12]}"


@pytest.mark.parametrize("kind", STUDIES)
def test_folders_of_stored_trials_keep_their_names(kind):
    study = STUDIES[kind]()
    arms = [(arm, overlap) for arm in ("transfer", "direct", study.baselines[-1]) for overlap in ("keep", "drop")]
    assert {f"{arm}, {overlap}": name_of_folder(study, arm, overlap) for arm, overlap in arms} == PINNED[kind]
