"""One call for the studies of any edition: what the notebooks ask for."""

from __future__ import annotations

from pathlib import Path

from sim2real.datasets.conductivity import load_conductivities
from sim2real.datasets.pairs import load_chi_cosmo, load_chi_measured
from sim2real.datasets.paths import ROOT
from sim2real.datasets.polymers import load_md_polymers, load_measured_polymers
from sim2real.datasets.task import PROPERTIES, Task
from sim2real.studies.local import load_local_studies, load_local_tasks
from sim2real.studies.polymers import STUDIES, embedded_tasks, load_study
from sim2real.studies.presets import Settings
from sim2real.studies.survey import parity, parity_record
from sim2real.training.study import Study


def polymer_studies(
    edition: str, settings: Settings, *, descriptor: str, database: str, tables: str, tuned: bool, library: str = "rules"
) -> list[Study]:
    """The studies of Figure 1b: one a property, or one a block of your TOML file in the edition ``local``.

    Args:
        edition: ``embedded``, ``open`` or ``local``.
        settings: of the run.
        descriptor: ``forcefield`` or ``molecular``; ``local`` names it in the TOML file instead.
        database: ``radonpy`` or ``polyomics``, of the edition ``open``.
        tables: the TOML file of the edition ``local``, relative to the repository's root.
        library: ``rules`` or ``ngram``, of the virtual polymers of the edition ``embedded``.
        tuned: whether ``local`` chooses hyperparameters for its data; the other editions have theirs in ``data/tuning``.

    Raises:
        DataError: a file that cannot be had or used.
        ValueError: an unknown name.
    """
    if edition == "local":
        return load_local_studies(settings, ROOT / Path(tables), tuned=tuned)
    options = {"n_max": settings.n_max, "descriptor": descriptor, "workers": settings.workers}
    options["target_max"] = settings.preset.target_max
    return [load_study("polymers", p, edition=edition, database=database, library=library, **options) for p in PROPERTIES]


def one_study(edition: str, kind: str, property: str, settings: Settings, **choice: object) -> Study:
    """One study of an edition; ``kind`` is ``polymers`` or, embedded only, ``liquids``.

    Args:
        property: of :data:`PROPERTIES`; in the edition ``local`` the block of that name or property, else the first.
        choice: ``descriptor``, ``database``, ``tables``, ``tuned`` and ``library`` of :func:`polymer_studies`.

    Raises:
        ValueError: an unknown property; the message lists the known ones.
    """
    if kind == "liquids":
        return _liquid_study(property, settings)
    if edition == "local":
        studies = polymer_studies(edition, settings, **choice)
        return next((s for s in studies if property in (s.splits.removeprefix("local-"), s.target.property.name)), studies[0])
    options = {"edition": edition, "target_max": settings.preset.target_max} | {
        k: v for k, v in choice.items() if k in ("database", "descriptor", "library")
    }
    return load_study("polymers", property, n_max=settings.n_max, workers=settings.workers, **options)


def liquid_studies(settings: Settings) -> list[Study]:
    """The embedded studies of organic liquids, one a property, with RDKit's descriptors."""
    return [_liquid_study(p, settings) for p in PROPERTIES]


def _liquid_study(property: str, settings: Settings) -> Study:
    options = {"n_max": settings.n_max, "target_max": settings.preset.target_max, "workers": settings.workers}
    return load_study("liquids", property, descriptor="molecular", **options)


def source_words(edition: str, database: str = "radonpy") -> str:
    """What is transferred to what, for the title of a figure."""
    if edition == "embedded":
        return "quick simulators (stand-in for MD) of virtual polymers to measured polymers"
    if edition == "open":
        return f"molecular dynamics ({'RadonPy PI1070' if database == 'radonpy' else 'PolyOmics'}) to measured polymers"
    return "your simulations to your measurements"


def survey_tasks(
    edition: str, settings: Settings, *, database: str, tables: str
) -> tuple[dict[str, Task], dict[str, Task], dict[str, dict]]:
    """Every table of an edition, for the notebook that shows them.

    Args are those of :func:`polymer_studies`.

    Returns:
        Sources and targets by name (a target's source has its name), and parity records of simulated against measured values
        where enough materials have both.

    Raises:
        DataError: a file that cannot be had or used.
    """
    if edition == "local":
        local = load_local_tasks(ROOT / Path(tables))
        sources, targets = ({name: sides[k] for name, sides in local.items()} for k in (0, 1))
        return sources, targets, _parities(sources, targets)
    if edition == "embedded":
        sources, targets, parities = {}, {}, {}
        for kind in STUDIES:
            for p in PROPERTIES:
                name = f"{kind}: {p}"
                sources[name], targets[name], simulated = embedded_tasks(
                    kind, p, settings.n_max, settings.workers, target_max=settings.preset.target_max
                )
                parities[name] = parity_record(targets[name].y, simulated, targets[name].property)
                parities[name]["label"] += f", {kind}"
        return sources, targets, parities
    sources = {p: load_md_polymers(p, database) for p in PROPERTIES}
    targets = {p: load_measured_polymers(p) for p in PROPERTIES}
    parities = _parities(sources, targets)
    sources["chi"], targets["chi"] = load_chi_cosmo(), load_chi_measured()
    thermal, electrical = load_conductivities()
    # thermal and electrical conductivity are two properties: their overlap is of interest, a parity plot is not
    sources["conductivity"], targets["conductivity"] = thermal, electrical
    chi = parity(sources["chi"], targets["chi"], on=("key", "temperature"))
    return sources, targets, parities | ({"chi": chi} if chi else {})


def _parities(sources: dict[str, Task], targets: dict[str, Task]) -> dict[str, dict]:
    records = {name: parity(sources[name], target) for name, target in targets.items()}
    return {name: record for name, record in records.items() if record}
