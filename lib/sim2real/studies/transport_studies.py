"""The Wiedemann-Franz studies: from thermal to electrical conductivity of inorganic compounds, described by composition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from sim2real.chemistry.simulators.wiedemann_franz import electronic_conductivity, log_lorenz_ratio, wf_groups
from sim2real.datasets.task import Task
from sim2real.datasets.transport import load_computed_transport, load_measured_transport
from sim2real.studies.polymers import describe, limit_source, limit_target
from sim2real.training.recipes import load_hyperparameters
from sim2real.training.study import Study

DESCRIPTOR = "composition"
BASELINES = ("ridge", "trees", "boosting", "neighbour", "simulator", "law")
SOURCES = {"embedded": ("thermal",), "open": ("thermal", "computed")}
# target training sizes for which hyperparameters are chosen; the largest, all compounds, has no suffix in its name
TUNED_M = {("embedded", "thermal"): (400, 2912), ("open", "thermal"): (100, 400, 916), ("open", "computed"): (916,)}


def load_transport_study(
    edition: str,
    *,
    n_max: int,
    workers: int = 1,
    m: int = 0,
    source: str = "thermal",
    release: bool = False,
    tuned: bool = True,
    target_max: int = 0,
) -> Study:
    """One study of the editions ``embedded`` and ``open``; the target is log10 of sigma (S/m) at 300 K.

    Args:
        edition: ``embedded`` (computed electronic kappa -> computed sigma, with the paper's numbers of compounds) or ``open``
            (measured kappa -> measured sigma).
        n_max: size of the source, drawn once and for all; a source that has fewer is taken as it is.
        workers: processes for the descriptor.
        m: target training size of the run, 0 for all compounds; the hyperparameters chosen for the nearest size are taken.
        source: ``thermal`` or, open only, ``computed`` (computed sigma of all compositions -> measured sigma).
        release: Starrydata's full release instead of the file of 2019, open only; it uses the hyperparameters of the latter.
        tuned: whether to load the chosen hyperparameters; without, ``settings`` is None.
        target_max: as :func:`sim2real.studies.polymers.limit_target`.

    Returns:
        The study. Its target's table has ``log_kappa`` (the compound's own kappa, log10 of W/(m K), NaN where the source has
        none), ``lorenz`` (:func:`~sim2real.chemistry.simulators.wiedemann_franz.log_lorenz_ratio`, NaN there too), ``wf``
        (:func:`~sim2real.chemistry.simulators.wiedemann_franz.wf_groups`) and ``carrier`` (empty where unknown). ``simulated_target`` is log10 of
        sigma by the Wiedemann-Franz law from that kappa, NaN where there is none; with the source ``computed`` it is the
        computed sigma of the compound.

    Raises:
        ValueError: unknown edition or source, or nothing was tuned.
        DataError: a public file cannot be had.
    """
    if edition not in SOURCES or source not in SOURCES[edition]:
        known = "; ".join(f"{name}: {', '.join(of)}" for name, of in SOURCES.items())
        raise ValueError(f"unknown source {source!r} of edition {edition!r}; expected one of {known}")
    settings = load_hyperparameters(tuning_name(edition, source, m)) if tuned else None
    thermal, electrical = load_computed_transport() if edition == "embedded" else load_measured_transport(release=release)
    target = limit_target(with_law(electrical, thermal), target_max)
    if source == "computed":
        _, computed = load_computed_transport(everything=True)
        study = transport_study("open-computed-sigma", computed, target, n_max=n_max, workers=workers, settings=settings)
        # the same splits as with the other source, so that the two can be compared trial by trial
        return replace(study, splits="open-transport-sigma")
    name = "transport-sigma" if edition == "embedded" else "open-transport-sigma"
    return transport_study(name, thermal, target, n_max=n_max, workers=workers, settings=settings)


def transport_study(name: str, source: Task, target: Task, *, n_max: int, workers: int = 1, settings: object = None) -> Study:
    """A study from two tasks, the target with the columns of :func:`with_law`.

    Args:
        name: of the data.
        source: log10 of kappa or of sigma; the compounds' own values give ``simulated_target``.
        target: log10 of sigma.
        n_max, workers: as :func:`load_transport_study`.
        settings: hyperparameters or None.
    """
    if source.property == target.property:
        own = target.table["key"].map(dict(zip(source.keys, source.y))).to_numpy(dtype=float)
    else:
        own = np.log10(electronic_conductivity(10 ** target.table["log_kappa"].to_numpy()))
    study = describe(
        name, limit_source(source, n_max), target, DESCRIPTOR, settings=settings, simulated_target=own, workers=workers
    )
    # nearly every compound with a measured sigma has a measured kappa, too: without all of them no source would be left
    return replace(study, baselines=BASELINES, drop_tested=True)


def with_law(electrical: Task, thermal: Task) -> Task:
    """The electrical task with the columns ``log_kappa``, ``lorenz``, ``wf`` and ``carrier`` (:func:`load_transport_study`)."""
    kappa = electrical.table["key"].map(dict(zip(thermal.keys, thermal.y))).astype(float)
    lorenz = log_lorenz_ratio(kappa, electrical.y)
    carrier = electrical.table.get("carrier", pd.Series("", index=electrical.table.index))
    table = electrical.table.assign(log_kappa=kappa, lorenz=lorenz, wf=wf_groups(lorenz), carrier=carrier)
    report = electrical.report | {"of them with both conductivities": int(kappa.notna().sum())}
    return replace(electrical, table=table, report=report)


def tuning_name(edition: str, source: str = "thermal", m: int = 0) -> str:
    """The name of the hyperparameters for a target training size: those chosen for the nearest of :data:`TUNED_M`.

    Args:
        edition, source: as :func:`load_transport_study`.
        m: target training size, compared on a logarithmic scale; 0 is all compounds.
    """
    stem = ("" if edition == "embedded" else "open-") + ("transport" if source == "thermal" else "computed")
    sizes = TUNED_M[edition, source]
    nearest = min(sizes, key=lambda size: abs(np.log(size / m))) if m else max(sizes)
    return f"{stem}-sigma-{DESCRIPTOR}" + ("" if nearest == max(sizes) else f"-m{nearest}")
