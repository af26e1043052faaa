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
        "transfer, keep": "polymers-density bc79d15236dd",
        "transfer, drop": "polymers-density bc79d15236dd",
        "direct, keep": "polymers-density e13cdd6013d2",
        "direct, drop": "polymers-density e13cdd6013d2",
        "simulator, keep": "polymers-density 449b7aae29bd",
        "simulator, drop": "polymers-density 449b7aae29bd",
        "multifidelity, keep": "polymers-density 22b646a908cf",
        "multifidelity, drop": "polymers-density 22b646a908cf",
    },
    "liquids": {
        "transfer, keep": "liquids-density ec31a3e14411",
        "transfer, drop": "liquids-density ec31a3e14411",
        "direct, keep": "liquids-density 14537fd98e0f",
        "direct, drop": "liquids-density 14537fd98e0f",
        "simulator, keep": "liquids-density 8d4880697ccb",
        "simulator, drop": "liquids-density 8d4880697ccb",
        "multifidelity, keep": "liquids-density de714ac231b3",
        "multifidelity, drop": "liquids-density de714ac231b3",
    },
    "chi": {
        "transfer, keep": "embedded-chi-pair 4dcb7b7e7104",
        "transfer, drop": "embedded-chi-pair 347ca7ff0300",
        "direct, keep": "embedded-chi-pair 24ee0ab2958c",
        "direct, drop": "embedded-chi-pair 24ee0ab2958c",
        "simulator, keep": "embedded-chi-pair 0a7e4366663b",
        "simulator, drop": "embedded-chi-pair 0a7e4366663b",
        "multifidelity, keep": "embedded-chi-pair 4856ce30f097",
        "multifidelity, drop": "embedded-chi-pair 4856ce30f097",
    },
    "conductivity": {
        "transfer, keep": "transport-sigma d47201700c9a",
        "transfer, drop": "transport-sigma eccff85ae989",
        "direct, keep": "transport-sigma 96d19f7c3010",
        "direct, drop": "transport-sigma 96d19f7c3010",
        "law, keep": "transport-sigma ef03741b4269",
        "law, drop": "transport-sigma ef03741b4269",
        "multifidelity, keep": "transport-sigma 8d29b90f2037",
        "multifidelity, drop": "transport-sigma 8d29b90f2037",
    },
}


def name_of_folder(study, arm, overlap):
    design = Design(n_grid=(50,), m_grid=(20,), trials=2, seed=7, overlap=overlap, source_draws=8)
    plan = Plan(study, study.source, design, None, (arm,))
    description = plan.description((arm, 50 if arm == "transfer" else 0, 20))
    for side in ("source", "target", "simulated"):
        description[side] = None if description[side] is None else "data"
    description["engine"] = str(description["engine"]).split(",")[0]
    return f"{plan.label} {hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:12]}"


@pytest.mark.parametrize("kind", STUDIES)
def test_folders_of_stored_trials_keep_their_names(kind):
    # with what was chosen for all rows, whatever was chosen for few
    study = replace(STUDIES[kind](), settings_by_m={})
    assert {arm: name_of_folder(study, *arm.split(", ")) for arm in PINNED[kind]} == PINNED[kind]
    assert study.baselines[-1] == "multifidelity"
