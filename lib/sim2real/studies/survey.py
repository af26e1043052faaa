"""What a set of tables is made of: rows kept and dropped, ranges, classes, overlap, and simulated against measured values."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from time import perf_counter

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.decomposition import PCA

from sim2real.chemistry.classes import CLASS_NAMES
from sim2real.chemistry.descriptors import ForceFieldDescriptor
from sim2real.chemistry.simulators.wiedemann_franz import NON_WF, WF
from sim2real.chemistry.structures import PAIR_SEPARATOR
from sim2real.datasets import activity, chi_simulated
from sim2real.datasets.chi_public import load_chi_public
from sim2real.datasets.conductivity import load_conductivities
from sim2real.datasets.pairs import load_chi_cosmo
from sim2real.datasets.paths import CACHE, DATA
from sim2real.datasets.polymers import load_md_polymers, load_measured_polymers
from sim2real.datasets.simulated_pairs import METHODS
from sim2real.datasets.task import DROPPED_COLUMNS, PROPERTIES, Task
from sim2real.datasets.transport import load_metal_conductivities
from sim2real.laws.parity import conductivity_parity, parity, parity_record, simulator_parity
from sim2real.studies import local, polymers
from sim2real.studies.polymers import quick_values
from sim2real.studies.presets import Settings
from sim2real.studies.sides import own_values
from sim2real.training.experiment import available_source, overlap_count
from sim2real.training.study import Study
from sim2real.training.towers import PairNetwork

MOST_COMPARED = 2000  # simulated polymers, drawn once
# of one polymer on one core. Molecular dynamics: 10,000 atoms (PI1070) for some 5 ns in steps of 1 fs, at the 140,000 atoms times
# steps a second that LAMMPS made here with PPPM and GAFF2: an estimate
COSTS = {"quick simulator": "1 ms", "molecular dynamics": "about 100 h"}
POLYMERS = {
    "polyethylene": "*CC*",
    "polystyrene": "*CC(*)c1ccccc1",
    "PMMA": "*CC(*)(C)C(=O)OC",
    "PTFE": "*C(F)(F)C(*)(F)F",
    "PVC": "*CC(*)Cl",
    "nylon 6": "*NCCCCCC(*)=O",
    "PET": "*OCCOC(=O)c1ccc(C(*)=O)cc1",
    "polycarbonate": "*Oc1ccc(C(C)(C)c2ccc(OC(*)=O)cc2)cc1",
}


def survey_tasks(
    edition: str, settings: Settings, *, database: str = "radonpy", tables: str = ""
) -> tuple[dict[str, Task], dict[str, Task], dict[str, dict]]:
    """Every table of an edition: sources and targets by name, and parity records where enough materials have both values."""
    if edition == "embedded":
        return _embedded_tasks(settings)
    if edition == "local":
        both = local.every_table(local.tables_path(tables))
        sources, targets = ({name: sides[k] for name, sides in both.items()} for k in (0, 1))
        return sources, targets, _parities(sources, targets)
    sources = {p: load_md_polymers(p, database) for p in PROPERTIES}
    targets = {p: load_measured_polymers(p) for p in PROPERTIES}
    parities = _parities(sources, targets) | _stand_ins(sources, targets, settings.workers)
    sources["chi"], targets["chi"] = load_chi_cosmo(), load_chi_public()
    # thermal and electrical conductivity are two properties: their overlap is of interest, a parity plot is not
    sources["conductivity"], targets["conductivity"] = load_conductivities()
    chi = parity(sources["chi"], targets["chi"], on=("key", "temperature"))
    return sources, targets, parities | ({"chi": chi} if chi else {})


def _embedded_tasks(settings: Settings) -> tuple[dict[str, Task], dict[str, Task], dict[str, dict]]:
    sources, targets, parities = {}, {}, {}
    kinds = {"polymers": polymers.embedded_polymers, "liquids": polymers.embedded_liquids}
    for (kind, load), p in itertools.product(kinds.items(), PROPERTIES):
        name = f"{kind}: {p}"
        sources[name], targets[name], simulated = load(settings, property=p, library="rules")
        record = parity_record(targets[name].y, simulated, targets[name].property)
        parities[name] = record | {"label": f"{record['label']}, {kind}"}
    return sources, targets, parities


def _stand_ins(sources: Mapping[str, Task], targets: Mapping[str, Task], workers: int) -> dict[str, dict]:
    """The evidence for the quick simulators: beside molecular dynamics on the same measured polymers, and against it."""
    records: dict[str, list[dict]] = {}
    for (p, source), target in zip(sources.items(), targets.values()):
        shared = target.table.merge(source.table[["key", "value"]], on="key", suffixes=("", "_md"))
        drawn = source.table.sample(min(MOST_COMPARED, len(source)), random_state=0)
        quick, of_drawn = (quick_values(table["structure"], p, workers) for table in (shared, drawn))
        both = np.isfinite(quick)
        sides = {
            "molecular dynamics": (shared["value"][both], shared["value_md"][both], {}),
            "quick simulator": (shared["value"][both], quick[both], {}),
            "quick simulator against MD": (drawn["value"], of_drawn, {"reference": "molecular dynamics"}),
        }
        for name, (reference, simulated, more) in sides.items():
            record = parity_record(*(np.asarray(v)[np.isfinite(simulated)] for v in (reference, simulated)), target.property)
            record |= {"label": f"{record['label']}, {name}", "cost": COSTS[name.partition(" against")[0]]} | more
            records.setdefault(name, []).append(record)
    return {
        f"{p}, {name}".removesuffix(", molecular dynamics"): of for name, each in records.items() for p, of in zip(sources, each)
    }


def _parities(sources: Mapping[str, Task], targets: Mapping[str, Task]) -> dict[str, dict]:
    # kappa is no simulation of sigma
    alike = {name: target for name, target in targets.items() if sources[name].property.name == target.property.name}
    records = {name: parity(sources[name], target, on=_compared_by(target)) for name, target in alike.items()}
    return {name: record for name, record in records.items() if record}


def _compared_by(task: Task) -> tuple[str, ...]:
    return ("key", "temperature") if "temperature" in task.table else ("key",)


def conductivity_sizes(study: Study, seed: int = 0) -> pd.DataFrame:
    """How many compounds have which conductivity, how many both, and what overlap = drop leaves of the source with that seed."""
    source, target = study.source, study.target
    counts = {
        f"source: {source.name}": len(source),
        f"target: {target.name}": len(target),
        "source compounds that are also targets": overlap_count(study),
        "source compounds that overlap = drop leaves every trial": available_source(study, "drop", seed),
        "target compounds with known kappa": int(np.isfinite(target.table["log_kappa"]).sum()),
    }
    counts |= {f"target compounds in the group {name}": int((target.table["wf"] == name).sum()) for name in (WF, NON_WF)}
    return pd.DataFrame.from_dict(counts, orient="index", columns=["compounds"])


def parities(studies: Sequence[Study]) -> list[dict]:
    """Simulated against measured values of the materials that have both, in studies where enough have."""
    return [record for study in studies if (record := simulator_parity(study))]


def architecture(study: Study) -> dict:
    """The network that transfers: ``widths`` of its layers from the descriptor on; of pairs how temperature and distance enter."""
    shape, width = study.settings.transfer_network, study.source.X.shape[1]
    if not isinstance(shape, PairNetwork):
        return {"widths": [width, *shape.sizes, 1]}
    first = "polymer" if study.target.property.name == "chi" else "solute"
    record = {"widths": shape.widths(width), "distance": shape.distance, "temperature": shape.temperature}
    return record | {"sides": [first, "solvent"], "source": study.source.summary(), "target": study.target.summary()}


def example_descriptors(workers: int = 1) -> dict:
    """The 190 numbers (``vectors``, by name) of a few well-known polymers, and what they are called (``features``)."""
    descriptor = ForceFieldDescriptor(n_jobs=workers, cache_dir=CACHE / "descriptors")
    X = descriptor.fit_transform(list(POLYMERS.values()))
    return {"features": list(descriptor.get_feature_names_out()), "vectors": {n: x.tolist() for n, x in zip(POLYMERS, X)}}


def descriptor_map(
    name: str, source: Task, target: Task, most: int = 2000, seed: int = 0, workers: int = 1
) -> tuple[dict, pd.DataFrame]:
    """Where measured polymers lie among a sample of simulated ones: principal components of the simulated ones' 190 numbers.

    And how many of each side were described, have no descriptor, and have a parameter of another force field or rule.
    """
    descriptor = ForceFieldDescriptor(n_jobs=workers, cache_dir=CACHE / "descriptors")
    sample = source.table.sample(min(most, len(source)), random_state=seed)["structure"]
    vectors, counts = {}, {}
    for side, structures in (("simulated", sample), ("measured", target.table["structure"])):
        vectors[side], failed = descriptor.describe(structures.tolist())
        replaced = descriptor.fallbacks_["structure"].nunique()
        counts[side] = {"polymers": len(structures), "no descriptor": len(failed), "with a replaced parameter": replaced}
    components = PCA(2).fit(vectors["simulated"])
    points = [components.transform(of).round(4).tolist() for of in vectors.values()]
    share = components.explained_variance_ratio_.tolist()
    return {"property": name, "share": share, "source": points[0], "target": points[1]}, pd.DataFrame(counts).T


def conductivities(study: Study, edition: str) -> dict:
    """Fig. 6b: both conductivities of the target's compounds, beside measured metals where the compounds are not your own."""
    return conductivity_parity(study, None if edition == "local" else load_metal_conductivities())


def reports(tasks: Mapping[str, Task]) -> pd.DataFrame:
    """Rows read, dropped by reason and merged: a row for each task and count."""
    rows = [(name, what, count) for name, task in tasks.items() for what, count in task.report.items()]
    return pd.DataFrame(rows, columns=["data", "", "rows"]).set_index(["data", ""])


def ranges(tasks: Mapping[str, Task]) -> pd.DataFrame:
    """Materials, lowest, median and highest value and unit: a row a task."""
    rows = [(len(task), task.y.min(), np.median(task.y), task.y.max(), task.property.unit) for task in tasks.values()]
    return pd.DataFrame(rows, index=list(tasks), columns=["materials", "lowest", "median", "highest", "unit"])


def class_sizes(sources: Mapping[str, Task], targets: Mapping[str, Task]) -> pd.DataFrame:
    """Materials a class: a row for each target and class, with the numbers of simulated and of measured materials."""
    parts = []
    for name, target in targets.items():
        sides = {"simulated": sources.get(name), "measured": target}
        counts = pd.DataFrame({side: task.table["group"].value_counts() for side, task in sides.items() if task is not None})
        parts.append(counts.fillna(0).astype(int).sort_index().assign(data=name))
    table = pd.concat(parts).rename_axis("group").reset_index()
    table.insert(0, "class", [CLASS_NAMES.get(c, c) for c in table["group"]])
    return table.set_index(["data", "group"])


def overlap(pairs: Mapping[str, tuple[Task, Task]]) -> pd.DataFrame:
    """Materials of source and target and how many are in both: a row a pair."""
    sides = [(set(source.keys), set(target.keys)) for source, target in pairs.values()]
    rows = [(len(source), len(target), len(source & target)) for source, target in sides]
    table = pd.DataFrame(rows, index=list(pairs), columns=["source", "target", "in both"])
    table["share of the target"] = (table["in both"] / table["target"]).map("{:.0%}".format)
    return table


def dropped(tasks: Mapping[str, Task]) -> pd.DataFrame:
    """Every row that was left out, with the task it belongs to."""
    parts = [task.dropped.assign(data=name) for name, task in tasks.items() if len(task.dropped)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*DROPPED_COLUMNS, "data"])


def disagreements(tasks: Mapping[str, Task], count: int = 8) -> pd.DataFrame:
    """The materials on whose value the sources disagree most, relative to the value."""
    parts = [t.table.assign(data=n) for n, t in tasks.items() if {"low", "high", "count"} <= set(t.table.columns)]
    table = pd.concat(parts, ignore_index=True)
    table["relative spread"] = (table["high"] - table["low"]) / table["value"].abs()
    names = [c for c in ("data", "name", "structure", "value", "low", "high", "count", "relative spread") if c in table]
    return table.nlargest(count, "relative spread")[names]


def dropped_by_reason(tasks: Mapping[str, Task]) -> pd.DataFrame:
    """How many rows of each file were left out for which reason, and the first of them: line, column and what stands there."""
    found = {name: (name, "first") for name in ("line", "column", "found")}
    return dropped(tasks).groupby(["file", "reason"]).agg(rows=("line", "size"), **found)


def first_polymers(tasks: Mapping[str, Task]) -> str:
    """The name of the first task whose materials are repeat units, not pairs with a solvent; empty if none is."""
    units = (name for name, task in tasks.items() if len(task) and "*" in task.keys[0] and PAIR_SEPARATOR not in task.keys[0])
    return next(units, "")


def library_report() -> pd.DataFrame:
    """What became of the drafts of virtual polymers, class by class (``scripts/make_library_report.py``)."""
    table = pd.read_csv(DATA / "library_report.csv").set_index("polymer_class").round(3)
    return table.rename(columns=lambda name: name.replace("_", " "))


def pair_simulators(study: Study) -> pd.DataFrame:
    """Simulators against the measured rows that all of them have, of pairs: ``Spearman``, ``MAE``, ``rows``, ``ms a pair``.

    No quantum chemistry is in the time: sigma profiles are in the repository. In ``open`` COSMO-RS stands as published (TURBOMOLE,
    COSMOtherm), without a time.
    """
    target, values, times = study.target, {}, {}
    is_chi = target.property.name == "chi"
    for method in ("cosmo-sac", "unifac 2.0" if is_chi else "unifac"):
        simulated = (chi_simulated if is_chi else activity).simulated_target
        values[method] = simulated(target, method)
        start = perf_counter()
        simulated(target, method)  # once more: profiles and groups are known, and only pairs are timed
        times[method] = 1000 * (perf_counter() - start) / len(target)
    said = {method: (METHODS[method].licence, METHODS[method].citation) for method in values}
    if is_chi and study.target.citation == load_chi_public().citation:
        cosmo = load_chi_cosmo()
        values["cosmo-rs"], said["cosmo-rs"] = own_values(cosmo, target), (cosmo.licence, cosmo.citation)
    known = np.all(np.isfinite(list(values.values())), axis=0)
    rows = {}
    for method, own in values.items():
        rank, error = spearmanr(own[known], target.y[known])[0], np.abs(own[known] - target.y[known]).mean()
        row = {"Spearman": rank, "MAE": error, "rows": int(known.sum()), "ms a pair": times.get(method, np.nan)}
        rows[method] = row | dict(zip(("licence", "source"), said[method]))
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("simulator")
