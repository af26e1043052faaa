"""Parameters of a run: the preset's sizes, what the user asks for instead, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from sim2real import load_study
from sim2real.datasets.task import PROPERTIES
from sim2real.studies.presets import PRESETS, resolve
from sim2real.studies.tuning import tunable
from sim2real.training.experiment import overlap_count
from sim2real.training.recipes import CHOSEN, UNTUNED

MATERIALS = [("polymers", "forcefield"), ("polymers", "molecular"), ("liquids", "molecular"), ("open-polymers", "forcefield")]


def test_zero_is_the_presets_value_and_anything_else_the_users(study):
    quick = resolve("embedded", "quick")
    assert (quick.n_max, quick.m_max) == (20_000, 400) and quick.workers >= 1
    design = quick.design(study)
    assert (design.n_grid[0], design.n_grid[-1], len(design.n_grid)) == (100, 300, 10)
    assert design.m_grid == (32,) and design.trials == PRESETS["quick"].small_target_trials
    mine = resolve("embedded", "quick", trials=7, m_max=20, workers=3, seed=5, overlap="drop").design(study)
    assert (mine.trials, mine.m_grid, mine.seed, mine.overlap, mine.n_grid[-1]) == (7, (20,), 5, "drop", 270)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("closed", "quick", {}), "unknown EDITION 'closed'; expected one of embedded, open, local"),
        (("embedded", "quick", {"overlap": "some"}), "unknown OVERLAP 'some'; expected keep or drop"),
        (("embedded", "slow", {}), "unknown PRESET 'slow'; expected one of smoke, quick, paper"),
        (("embedded", "quick", {"trials": -1}), "TRIALS is -1"),
        (("embedded", "quick", {"m_max": 2}), "M_MAX is 2; expected at least 5"),
        (("embedded", "quick", {"n_max": 80}), "N_MAX is 80; expected more than 100"),
    ],
)
def test_bad_parameters_are_refused(arguments, message):
    edition, preset, rest = arguments
    with pytest.raises(ValueError, match=message):
        resolve(edition, preset, **rest)


def test_the_papers_trials():
    assert PRESETS["paper"].small_target_trials == 500


@pytest.mark.parametrize(
    ("arguments", "choice", "message"),
    [
        (("metals", "embedded"), {}, "unknown study 'metals' of edition 'embedded'; expected one of embedded: polymers, liquids"),
        (("liquids", "open"), {"property": "density"}, "unknown study 'liquids' of edition 'open'"),
        (("polymers", "embedded"), {"property": "colour"}, "unknown PROPERTY 'colour' of EDITION 'embedded' and polymers"),
        (("polymers", "embedded"), {"n_max": 10**6}, "N_MAX = 1000000 exceeds the 42000 virtual polymers"),
        (("liquids", "embedded"), {"n_max": 10**6}, "N_MAX = 1000000 exceeds the 30000 molecules"),
        (
            ("polymers", "embedded"),
            {"descriptor": "fingerprint"},
            "unknown DESCRIPTOR 'fingerprint'.* one of forcefield",
        ),
        (("polymers", "embedded"), {"colour": "red"}, "unknown choice 'colour' of polymers; expected one of property, descriptor"),
        (("polymers", "embedded"), {"database": "pi"}, "unknown DATABASE 'pi' .*; expected one of radonpy, polyomics"),
        (("polymers", "embedded"), {"library": "book"}, "unknown LIBRARY 'book' .*; expected one of rules, ngram"),
    ],
)
def test_studies_that_do_not_exist_are_refused(arguments, choice, message):
    settings = resolve("embedded", "quick", n_max=choice.pop("n_max", 0))
    for tuned in (False, True):
        with pytest.raises(ValueError, match=message) as caught:
            load_study(*arguments, settings, tuned=tuned, **choice)
        assert len(str(caught.value).splitlines()) == 1


def test_a_choice_that_only_another_edition_has_is_passed_over():
    settings = replace(resolve("embedded", "smoke", workers=1), n_max=60)
    study = load_study("polymers", "embedded", settings, property="density", database="polyomics", tables="none.toml", tuned=False)
    assert study.name == "polymers-density-forcefield" and study.settings is UNTUNED


COMMITTED = [
    *(f"{kind}-{p}-{d}" for kind, d in MATERIALS for p in PROPERTIES),
    *("transport-sigma-composition", "transport-sigma-composition-m400", "chi-cosmo-sac", "chi-unifac"),
    *("open-chi-cosmo-sac", "open-chi-cosmo", "open-chi-unifac"),
    *("open-transport-sigma-composition", "open-transport-sigma-composition-m100", "open-transport-sigma-composition-m400"),
    "open-computed-sigma-composition",
]


SMALL_M = {"polymers": (10,), "liquids": (20, 70), "chi": (50,)}  # chosen for besides the most rows
CHOSEN_FOR_SMALL_M = [
    *(f"polymers-{name}-forcefield-m10" for name in PROPERTIES),
    *(f"liquids-density-molecular-m{m}" for m in (20, 70)),
    *("open-polymers-density-forcefield-m10", "open-chi-cosmo-m50", "open-chi-cosmo-sac-m50", "open-chi-unifac-m50"),
]


def test_names_for_tune_are_those_of_the_committed_choices_and_others_still_to_be_chosen():
    names, more = tunable(), [f"open-polymers-{p}-molecular" for p in PROPERTIES]
    small = {f"{name}-m{m}": m for kind, sizes in SMALL_M.items() for name in (*COMMITTED, *more) if kind in name for m in sizes}
    assert len(COMMITTED) == 27 and set(names) == {*COMMITTED, *more, *small}
    (of_example,) = (name for name in json.loads(CHOSEN.read_text()) if name.startswith("local-"))
    assert set(json.loads(CHOSEN.read_text())) == {*COMMITTED, *CHOSEN_FOR_SMALL_M, of_example}
    assert {name: entry.m for name, entry in names.items() if "sigma" in name} == {
        "transport-sigma-composition-m400": 400,
        "transport-sigma-composition": 2912,
        "open-transport-sigma-composition-m100": 100,
        "open-transport-sigma-composition-m400": 400,
        "open-transport-sigma-composition": 916,
        "open-computed-sigma-composition": 916,
    }
    assert {name: names[name].m for name in small} == small
    largest = {name: entry.m for name, entry in names.items() if name not in small}
    assert {m for name, m in largest.items() if "polymers" in name or "liquids" in name} == {400}
    assert all(m >= 3000 for name, m in largest.items() if "chi" in name), "all rows"
    assert all(names[name].largest == name.rpartition("-m")[0] for name in small)
    assert list(names).index("chi-unifac") < list(names).index("chi-unifac-m50"), "which goes on from the other"


def test_a_study_is_loaded_for_tune_without_hyperparameters():
    study = tunable()["transport-sigma-composition-m400"].load()
    assert study.name == "transport-sigma-composition" and study.settings is None and len(study.source) == 5910


@pytest.mark.parametrize(("left", "asked"), [(12, True), (11, False), (0, False)])
def test_the_other_overlap_is_not_asked_where_little_would_be_left(study, left, asked):
    """Simulations that are mostly those of the measured materials."""
    mostly = replace(study, source=study.source.select(np.r_[270:300, 0:left]))
    assert overlap_count(mostly) == 30
    design = resolve("local", "quick", workers=1).other_overlap_design(mostly)
    assert (design is not None) == asked
    assert design is None or (design.overlap, design.n_grid[-1]) == ("drop", 12)


def test_several_m_have_both_overlaps_where_both_leave_a_source(study):
    settings = replace(resolve("local", "quick", trials=2, workers=1), m_max=10**6)
    kept, dropped = settings.several_m_designs(study)
    assert (kept.overlap, kept.n_grid, kept.m_grid) == ("keep", (300,), (32,))
    assert (dropped.overlap, dropped.n_grid, dropped.m_grid) == ("drop", (270,), (32,))
    nothing_left = replace(study, source=study.source.select(np.arange(270, 300)))
    assert [design.overlap for design in settings.several_m_designs(nothing_left)] == ["keep"]
