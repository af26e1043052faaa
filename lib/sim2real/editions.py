"""One call for the studies of any edition: what the notebooks ask for."""

from __future__ import annotations

from pathlib import Path

from sim2real.datasets.task import PROPERTIES
from sim2real.experiment import Study
from sim2real.local import load_local_studies
from sim2real.paths import ROOT
from sim2real.presets import Settings
from sim2real.studies import load_study


def polymer_studies(edition: str, settings: Settings, *, descriptor: str, database: str, tables: str, tuned: bool) -> list[Study]:
    """The studies of Figure 1b: one a property, or one a block of your TOML file in the edition ``local``.

    Args:
        edition: ``embedded``, ``open`` or ``local``.
        settings: of the run.
        descriptor: ``forcefield`` or ``molecular``; ``local`` names it in the TOML file instead.
        database: ``radonpy`` or ``polyomics``, of the edition ``open``.
        tables: the TOML file of the edition ``local``, relative to the repository's root.
        tuned: whether ``local`` chooses hyperparameters for its data; the other editions have theirs in ``data/tuning``.

    Raises:
        DataError: a file that cannot be had or used.
        ValueError: an unknown name.
    """
    if edition == "local":
        return load_local_studies(settings, ROOT / Path(tables), tuned=tuned)
    options = {"n_max": settings.n_max, "descriptor": descriptor, "workers": settings.workers}
    return [load_study("polymers", p, edition=edition, database=database, **options) for p in PROPERTIES]


def source_words(edition: str, database: str = "radonpy") -> str:
    """What is transferred to what, for the title of a figure."""
    if edition == "embedded":
        return "quick simulators (stand-in for MD) of virtual polymers to measured polymers"
    if edition == "open":
        return f"molecular dynamics ({'RadonPy PI1070' if database == 'radonpy' else 'PolyOmics'}) to measured polymers"
    return "your simulations to your measurements"
