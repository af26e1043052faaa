"""The studies of pairs of any edition: what notebooks 04 and 05 ask for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sim2real.datasets.paths import ROOT
from sim2real.studies.chi_studies import SIMULATORS, load_chi_study
from sim2real.studies.local_pairs import load_local_pairs
from sim2real.studies.presets import Settings
from sim2real.training.recipes import UNTUNED_PAIRS
from sim2real.training.study import Study


def pair_studies(edition: str, settings: Settings, *, simulator: str, split: str, tables: str, tuned: bool) -> list[Study]:
    """The studies that Figure 4a shows, one a simulator (in ``local`` one a block of kind ``chi``), the chosen one first.

    Args:
        edition: ``embedded``, ``open`` or ``local``.
        settings: of the run.
        simulator: of :data:`~sim2real.studies.chi_studies.SIMULATORS`, the edition's first if empty; ``local`` has none to choose.
        split: as :func:`~sim2real.studies.chi_studies.load_chi_study`.
        tables: the TOML file of the edition ``local``, relative to the repository's root.
        tuned: whether hyperparameters are those chosen on validation data, in ``data/tuning`` or, in ``local``, chosen now; if not,
            a short training that shows only that everything runs (:data:`~sim2real.training.recipes.UNTUNED_PAIRS`).

    Raises:
        DataError: a file that cannot be had or used.
        NoStudy: your tables name no study of chi.
        ValueError: an unknown name.
    """
    if edition == "local":
        return load_local_pairs(settings, ROOT / Path(tables), split=split, tuned=tuned)
    options = {
        "edition": edition,
        "split": split,
        "n_max": settings.n_max,
        "workers": settings.workers,
        "target_max": settings.preset.target_max,
    }
    studies = [load_chi_study(simulator=name, tuned=tuned, **options) for name in shown_simulators(edition, simulator)]
    return studies if tuned else [replace(study, settings=UNTUNED_PAIRS) for study in studies]


def shown_simulators(edition: str, chosen: str = "") -> tuple[str, ...]:
    """The simulators of an edition that Figure 4a shows, the chosen one first.

    Raises:
        ValueError: an edition without studies of pairs, or a simulator that it does not have.
    """
    if edition not in SIMULATORS:
        raise ValueError(f"EDITION {edition!r} has no study of pairs; expected one of {', '.join(SIMULATORS)}")
    if chosen and chosen not in SIMULATORS[edition]:
        raise ValueError(f"unknown SIMULATOR {chosen!r} of EDITION {edition!r}; expected one of {', '.join(SIMULATORS[edition])}")
    first = chosen or SIMULATORS[edition][0]
    # the full table of COSMO-RS must be downloaded, and holds the small one
    others = [name for name in SIMULATORS[edition] if name != "cosmo-full" and name.split("-")[0] != first.split("-")[0]]
    return (first, *others)
