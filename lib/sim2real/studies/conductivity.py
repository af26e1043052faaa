"""Wiedemann-Franz: from thermal to electrical conductivity of inorganic compounds, both as logarithms, by composition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from sim2real.chemistry.simulators.wiedemann_franz import electronic_conductivity, log_lorenz_ratio, wf_groups
from sim2real.datasets.task import Task
from sim2real.datasets.transport import load_computed_transport, load_measured_transport
from sim2real.studies.presets import Settings
from sim2real.studies.sides import Sides, limit_source, limit_target


def computed_conductivities(settings: Settings, **_: object) -> Sides:
    """Computed electronic kappa -> computed sigma, with the paper's numbers of compounds."""
    return by_law(*load_computed_transport(), settings)


def measured_conductivities(settings: Settings, *, release: bool, **_: object) -> Sides:
    """Measured kappa -> measured sigma; with ``release``, of Starrydata's full release instead of the file of 2019."""
    return by_law(*load_measured_transport(release=release), settings)


def computed_for_measured(settings: Settings, *, release: bool, **_: object) -> Sides:
    """Computed sigma of all compositions -> measured sigma; ``simulated`` is the computed sigma of the compound itself."""
    _, measured, _ = measured_conductivities(settings, release=release)
    _, computed = load_computed_transport(everything=True)
    own = measured.table["key"].map(dict(zip(computed.keys, computed.y))).to_numpy(dtype=float)
    return Sides(limit_source(computed, settings.n_max), measured, own)


def by_law(thermal: Task, electrical: Task, settings: Settings) -> Sides:
    """Log10 of kappa in W/(m K) -> log10 of sigma in S/m with the columns of :func:`with_law`.

    ``simulated`` is log10 of sigma by the Wiedemann-Franz law from the compound's own kappa, NaN where there is none.
    """
    target = limit_target(with_law(electrical, thermal), settings.preset.target_max)
    own = np.log10(electronic_conductivity(10 ** target.table["log_kappa"].to_numpy()))
    return Sides(limit_source(thermal, settings.n_max), target, own)


def with_law(electrical: Task, thermal: Task) -> Task:
    """The electrical task with what the law says of each compound.

    Columns: ``log_kappa`` (the compound's own, log10 of W/(m K), NaN where ``thermal`` has none), ``lorenz``
    (:func:`~sim2real.chemistry.simulators.wiedemann_franz.log_lorenz_ratio`, NaN there too), ``wf``
    (:func:`~sim2real.chemistry.simulators.wiedemann_franz.wf_groups`) and ``carrier`` (empty where unknown).
    """
    kappa = electrical.table["key"].map(dict(zip(thermal.keys, thermal.y))).astype(float)
    lorenz = log_lorenz_ratio(kappa, electrical.y)
    carrier = electrical.table.get("carrier", pd.Series("", index=electrical.table.index))
    table = electrical.table.assign(log_kappa=kappa, lorenz=lorenz, wf=wf_groups(lorenz), carrier=carrier)
    report = electrical.report | {"of them with both conductivities": int(kappa.notna().sum())}
    return replace(electrical, table=table, report=report)
