"""The two sides of a study, before and after their descriptors: pairs of molecules, and conductivities of compounds.

No measured chi may be embedded: the embedded twin predicts ln gamma at infinite dilution (NRTL, fitted to measured equilibria) with
COSMO-SAC, which was not fitted to it but for one factor, or with original UNIFAC, which was fitted to such equilibria too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim2real.chemistry.descriptors import CompositionDescriptor, ForceFieldDescriptor, MolecularDescriptor
from sim2real.chemistry.descriptors.pairs import PairDescriptor
from sim2real.chemistry.simulators.wiedemann_franz import electronic_conductivity, log_lorenz_ratio, wf_groups
from sim2real.chemistry.texts import reason_of
from sim2real.datasets import activity, chi_simulated
from sim2real.datasets.chi_public import load_chi_public
from sim2real.datasets.pairs import load_chi_cosmo
from sim2real.datasets.paths import CACHE
from sim2real.datasets.simulated_pairs import METHODS
from sim2real.datasets.task import Task
from sim2real.datasets.transport import load_computed_transport, load_measured_transport
from sim2real.studies.kinds import PAIR_DESCRIPTOR
from sim2real.studies.presets import Settings
from sim2real.training.seeding import numpy_generator
from sim2real.training.study import CLUSTERS

# fixed: which materials belong to the source is part of the study, not of a run's randomness
SOURCE_SEED = 0
DESCRIPTORS = {"forcefield": ForceFieldDescriptor, "molecular": MolecularDescriptor, "composition": CompositionDescriptor}
# rule -> column whose groups a split never tears apart: one pair's temperatures or the two directions of a mixture; nothing (the
# paper's choice, which leaks); a solvent; a polymer, or in ``embedded`` a solute
SPLITS = {"pair": "pair", "row": "", "solvent": "solvent_key", "polymer": "polymer_key"}


class Sides(NamedTuple):
    """Source, target, and the simulator's own values of the target's rows (rows,), NaN where it has none, or None."""

    source: Task
    target: Task
    simulated: NDArray[np.float64] | None = None


def describe(sides: Sides, descriptor: str, workers: int = 1) -> Sides:
    """The same with descriptors, by name; materials that have none are dropped, counted and listed with the reason."""
    source, target, simulated = sides
    structures = [*source.table["structure"], *target.table["structure"]]
    if descriptor == PAIR_DESCRIPTOR:
        kelvin = np.concatenate([side.table["temperature"].to_numpy() for side in (source, target)])
        of_pairs = PairDescriptor(workers, CACHE / "descriptors")
        X, described = of_pairs.describe(structures, kelvin)
        left_out = np.flatnonzero(~described).tolist()
        reasons = dict(zip(left_out, of_pairs.reasons([structures[row] for row in left_out]))) if left_out else {}
    elif descriptor in DESCRIPTORS:
        X, failed = DESCRIPTORS[descriptor](n_jobs=workers, cache_dir=CACHE / "descriptors").describe(structures)
        whys = zip(failed["reason"], failed["structure"])
        reasons = dict(zip(failed.index.tolist(), (reason_of(why, structure) for why, structure in whys)))
    else:
        raise ValueError(f"unknown descriptor {descriptor!r}; expected one of {', '.join(DESCRIPTORS)}")
    first = len(source)
    of_source = {row: why for row, why in reasons.items() if row < first}
    of_target = {row - first: why for row, why in reasons.items() if row >= first}
    X_source, X_target = np.split(X, [first - len(of_source)])
    kept = np.delete(np.arange(len(target)), list(of_target))
    described = [side.without(of, "no descriptor") for side, of in ((source, of_source), (target, of_target))]
    source, target = (replace(side, X=own) for side, own in zip(described, (X_source, X_target)))
    return Sides(source, target, None if simulated is None else simulated[kept])


def limit_source(source: Task, n_max: int) -> Task:
    """``n_max`` materials of a source, drawn once and for all; the source itself if it has no more."""
    return _limit(source, n_max, "source", "N_MAX")


def limit_target(target: Task, target_max: int) -> Task:
    """``target_max`` materials of a target, drawn once and for all; the target itself if that is 0 or it has no more."""
    return _limit(target, target_max or len(target), "target", "preset")


def _limit(task: Task, most: int, side: str, why: str) -> Task:
    if most >= len(task):
        return task
    rows = numpy_generator(side, SOURCE_SEED).permutation(len(task))[:most]
    return replace(task, report=task.report | {f"not used ({why})": len(task) - most}).select(np.sort(rows))


def embedded_pairs(settings: Settings, *, simulator: str, **_: str) -> Sides:
    """ln gamma by COSMO-SAC or UNIFAC of ``n_max`` pairs beside the target's own, and ln gamma from NRTL."""
    target = limit_target(activity.load_activity_nrtl(), settings.preset.target_max)
    source = activity.load_activity_simulated(settings.n_max, method=simulator, seed=SOURCE_SEED)
    return Sides(source, target, activity.simulated_target(target, simulator))


def public_pairs(settings: Settings, *, simulator: str, **_: str) -> Sides:
    """Measured chi, and ``n_max`` rows of COSMO-RS (1,206, or the paper's 9,575 in ``cosmo-full``), or of UNIFAC 2.0."""
    measured = load_chi_public()
    method = {"unifac": "unifac 2.0"}.get(simulator, simulator)
    if method not in METHODS:
        return own_tables(load_chi_cosmo(full=simulator == "cosmo-full"), measured, settings)
    target = limit_target(measured, settings.preset.target_max)
    source = chi_simulated.load_chi_simulated(settings.n_max, method=method, seed=SOURCE_SEED, measured=target)
    return Sides(source, target, chi_simulated.simulated_target(target, method))


def own_tables(source: Task, target: Task, settings: Settings) -> Sides:
    """Two tables: the simulated value of a measured row is that of the same material, or of the same pair at its temperature."""
    target = limit_target(target, settings.preset.target_max)
    return Sides(limit_source(source, settings.n_max), target, own_values(source, target))


def own_values(source: Task, target: Task) -> NDArray[np.float64]:
    """The source's own values of the target's rows (rows,), NaN where it has none."""
    of = ["key", "temperature"] if CLUSTERS in target.table else ["key"]
    values = source.table.drop_duplicates(of)[[*of, "value"]]
    return target.table[of].merge(values, on=of, how="left")["value"].to_numpy(dtype=float)


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
    return own_tables(computed, measured, settings)


def by_law(thermal: Task, electrical: Task, settings: Settings) -> Sides:
    """Log10 of kappa in W/(m K) -> log10 of sigma in S/m; ``simulated`` by the Wiedemann-Franz law, NaN without a kappa."""
    target = limit_target(with_law(electrical, thermal), settings.preset.target_max)
    own = np.log10(electronic_conductivity(10 ** target.table["log_kappa"].to_numpy()))
    return Sides(limit_source(thermal, settings.n_max), target, own)


def with_law(electrical: Task, thermal: Task) -> Task:
    """The electrical task with ``log_kappa`` (log10 of W/(m K)) and ``lorenz``, NaN where unknown, ``wf`` and ``carrier``."""
    kappa = own_values(thermal, electrical)
    lorenz = log_lorenz_ratio(kappa, electrical.y)
    carrier = electrical.table.get("carrier", pd.Series("", index=electrical.table.index))
    table = electrical.table.assign(log_kappa=kappa, lorenz=lorenz, wf=wf_groups(lorenz), carrier=carrier)
    report = electrical.report | {"of them with both conductivities": int(np.isfinite(kappa).sum())}
    return replace(electrical, table=table, report=report)
