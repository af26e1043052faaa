"""The Wiedemann-Franz study of any edition: what notebook 06 asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sim2real.datasets.paths import ROOT
from sim2real.datasets.task import Task
from sim2real.datasets.transport import load_metal_conductivities
from sim2real.studies.local import load_local_transport
from sim2real.studies.presets import Settings
from sim2real.studies.transport_studies import load_transport_study, tuning_name
from sim2real.training.recipes import UNTUNED, Hyperparameters, load_hyperparameters
from sim2real.training.study import Study


def conductivity_study(edition: str, settings: Settings, *, source: str, tables: str, tuned: bool) -> Study:
    """The study from thermal (or, open only, computed electrical) to electrical conductivity.

    Args:
        edition: ``embedded``, ``open`` or ``local``.
        settings: of the run.
        source: ``thermal`` or, open only, ``computed``.
        tables: the TOML file of the edition ``local``, relative to the repository's root.
        tuned: whether hyperparameters are those chosen on validation data, in ``data/tuning`` or, in ``local``, chosen now; if not,
            a short training that shows only that everything runs (:data:`~sim2real.training.recipes.UNTUNED`).

    Raises:
        DataError: a file that cannot be had or used.
        ValueError: a source that the edition does not have.
    """
    if edition == "local":
        if source != "thermal":
            raise ValueError(f"unknown SOURCE {source!r} of EDITION=local; expected thermal")
        return load_local_transport(settings, ROOT / Path(tables), tuned=tuned)
    options = {"n_max": settings.n_max, "workers": settings.workers, "m": settings.m_max, "source": source, "tuned": tuned}
    options["target_max"] = settings.preset.target_max
    study = load_transport_study(edition, **options)
    return study if tuned else replace(study, settings=UNTUNED)


def hyperparameters_by_m(edition: str, source: str, *, tuned: bool) -> Callable[[int], Hyperparameters | None]:
    """For each target training size the hyperparameters of the nearest one; None, the study's own, in ``local`` and untuned."""
    if edition == "local" or not tuned:
        return lambda m: None
    return lambda m: load_hyperparameters(tuning_name(edition, source, m))


def measured_metals(edition: str) -> Task | None:
    """Measured metals and alloys to be shown in Fig. 6b beside an edition's compounds; none beside one's own tables."""
    return None if edition == "local" else load_metal_conductivities()


def data_words(edition: str, source: str = "thermal") -> str:
    """What is transferred to what, for the title of a figure."""
    if edition == "embedded":
        return "computed thermal to electrical conductivity (BoltzTraP, constant relaxation time; no measured thermoelectrics)"
    if edition == "local":
        return "your thermal to your electrical conductivities"
    if source == "computed":
        return "computed electrical conductivity (BoltzTraP, constant relaxation time) to measured electrical conductivity"
    return "measured thermal to measured electrical conductivity"
