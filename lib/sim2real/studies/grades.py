"""Source sets of graded structural similarity to the target set, and whether they differ (Figs S1, S2).

The paper does not say how its sets were made: these are cut along the similarity to the nearest measured material, and for
control within each class (so that all sets have the same classes) or at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from joblib import Memory, Parallel, delayed
from numpy.typing import NDArray
from rdkit import DataStructs
from scipy.stats.contingency import association
from sklearn.neighbors import NearestNeighbors

from sim2real.chemistry import fingerprints, structures
from sim2real.chemistry.fingerprints import BITS, RADIUS, chain_fingerprint
from sim2real.chemistry.structures import StructureError, parse
from sim2real.datasets.paths import CACHE
from sim2real.laws.bootstrap import BOOTSTRAP, Bootstrap
from sim2real.laws.contrasts import compare
from sim2real.laws.records import Band, Facts, paper
from sim2real.studies.presets import Settings
from sim2real.training.keeping import code_of
from sim2real.training.seeding import numpy_generator
from sim2real.training.study import Cube, Design, Study, Trials

MEASURES = {
    "tanimoto": f"Tanimoto similarity to the nearest measured material (Morgan, radius {RADIUS}, {BITS} bits)",
    "descriptor": "minus the Euclidean distance to the nearest measured material in standardised descriptors",
}
ARRANGEMENTS = ("similarity", "within classes", "random")
FEWEST, MOST = 3, 8  # grades: a trend needs three, and the test that permutes them goes through all orders of at most eight
SMALLEST_GRADE = 20
_POINTS = 5
_CHUNK = 500
_memory = Memory(CACHE / "similarity", verbose=0)


@dataclass(frozen=True)
class GradedSource:
    """One of several disjoint source sets of equal size."""

    name: str  # "1 of 5" and so on, from the least similar to the most similar where sets are arranged by similarity
    study: Study  # with this source; all else, ``splits`` too, is that of the whole study, so that trials pair
    similarity: NDArray  # of each source material to the target set

    @property
    def range(self) -> dict[str, float]:
        """The smallest, the median and the largest similarity."""
        values = self.similarity
        return {"low": float(values.min()), "median": float(np.median(values)), "high": float(values.max())}


def measure_for(study: Study, by: str = "") -> str:
    """The key of MEASURES that is asked for, or if empty what the materials allow: Tanimoto's where all have a structure."""
    if by:
        return by
    try:
        for structure in study.target.table["structure"]:
            parse(structure)
    except StructureError:
        return "descriptor"
    return "tanimoto"


def similarity_to_target(study: Study, by: str = "tanimoto", workers: int = 1) -> tuple[NDArray, NDArray]:
    """Similarity of each source material to the nearest measured one, and the latter's row, (rows of the source,) each.

    ``by`` is a key of MEASURES, else ValueError; StructureError for a material without a chemical structure.
    """
    if by not in MEASURES:
        raise ValueError(f"unknown similarity {by!r}; expected one of {', '.join(MEASURES)}")
    source, target = study.source, study.target
    if by == "descriptor":
        mean, deviation = source.X.mean(axis=0, dtype=float), source.X.std(axis=0, dtype=float)
        varies = deviation > 0
        scaled = [(task.X[:, varies] - mean[varies]) / deviation[varies] for task in (source, target)]
        distance, nearest = NearestNeighbors(n_neighbors=1).fit(scaled[1]).kneighbors(scaled[0])
        return -distance[:, 0], nearest[:, 0]
    texts = ("\n".join(task.table["structure"]) for task in (source, target))
    return _tanimoto(*texts, code_of(fingerprints, structures), workers)


@_memory.cache(ignore=["workers"])
def _tanimoto(source: str, target: str, version: str, workers: int) -> tuple[NDArray, NDArray]:
    rows, measured = source.split("\n"), [chain_fingerprint(s) for s in target.split("\n")]
    found = Parallel(n_jobs=workers)(delayed(_nearest)(rows[k : k + _CHUNK], measured) for k in range(0, len(rows), _CHUNK))
    similarity, nearest = (np.concatenate(parts) for parts in zip(*found))
    return similarity, nearest


def _nearest(smiles: list[str], measured: list[DataStructs.ExplicitBitVect]) -> tuple[NDArray, NDArray]:
    rows = [np.array(DataStructs.BulkTanimotoSimilarity(chain_fingerprint(s), measured)) for s in smiles]
    return np.array([row.max() for row in rows]), np.array([row.argmax() for row in rows])


def grade_sources(study: Study, similarity: NDArray, grades: int = 5, arrangement: str = "similarity") -> list[GradedSource]:
    """Cut the source, without target materials, into disjoint sets of equal size, from the least to the most similar to the target.

    A set that held the tested materials would be another question. ``arrangement`` cuts at quantiles of the ``similarity`` (rows of
    the source,), ``within classes`` that have as many members as there are sets, or at ``random``; what is left over by the
    division is drawn at random. ValueError for another one, a number out of range, other lengths, or sets of fewer than 20.
    """
    source = study.source
    if arrangement not in ARRANGEMENTS:
        raise ValueError(f"unknown arrangement {arrangement!r}; expected one of {', '.join(ARRANGEMENTS)}")
    if not FEWEST <= grades <= MOST:
        raise ValueError(f"GRADES is {grades}; expected {FEWEST} to {MOST}")
    if len(similarity) != len(source):
        raise ValueError(f"{len(similarity)} similarities for {len(source)} materials of {source.name}")
    is_target = np.isin(source.keys, study.target.keys)
    rows = numpy_generator("grades", study.splits or study.name).permutation(np.flatnonzero(~is_target))
    groups = source.table["group"].to_numpy()[rows]
    parts = [rows[groups == g] for g in sorted(set(groups))] if arrangement == "within classes" else [rows]
    members: list[list[NDArray]] = [[] for _ in range(grades)]
    for part in parts:
        part = part[: len(part) // grades * grades]
        if arrangement != "random":
            part = part[np.argsort(similarity[part], kind="stable")]
        for grade, cut in zip(members, np.split(part, grades)):
            grade.append(cut)
    sets = [np.sort(np.concatenate(grade)) for grade in members]
    size = len(sets[0])
    if size < SMALLEST_GRADE:
        counted = f"{len(rows)} simulated materials give {grades} sets of {size}"
        raise ValueError(f"{counted}; at least {SMALLEST_GRADE} each are needed: raise N_MAX or lower GRADES")
    left_out = {
        "left out, target materials": int(is_target.sum()),
        "left out, remainder of equal sets": len(rows) - grades * size,
        "in the other sets": (grades - 1) * size,
    }
    graded = []
    for k, chosen in enumerate(sets, start=1):
        called = f"{source.name}, set {k} of {grades} ({arrangement})"
        part = replace(source.select(chosen), name=called, report=source.report | left_out)
        name = f"{study.name}-{arrangement.replace(' ', '-')}-{k}of{grades}"
        # trials pair only where all sets are drawn and split alike
        graded_study = replace(study, name=name, source=part, splits=study.splits or study.name)
        graded.append(GradedSource(f"{k} of {grades}", graded_study, np.asarray(similarity)[chosen]))
    return graded


def grade_design(settings: Settings, grade: GradedSource) -> Design:
    """The grid of one grade: five n up to its size, the largest m, as many trials as small targets get, to compare in pairs."""
    preset = replace(settings.preset, points=_POINTS, large_target_trials=settings.preset.small_target_trials)
    return replace(settings, preset=preset, overlap="keep").design(grade.study)


def class_table(grades: list[GradedSource]) -> pd.DataFrame:
    """Number of materials of each class (rows) in each grade (columns), the largest class first."""
    counts = pd.DataFrame({g.name: g.study.source.table["group"].value_counts() for g in grades}).fillna(0).astype(int)
    counts.index.name = "class"
    order = sorted(counts.index, key=lambda name: (-counts.loc[name].sum(), str(name)))
    return counts.loc[order]


def class_association(table: pd.DataFrame) -> float | None:
    """Cramer's V of a :func:`class_table`, from 0 (each grade has the same classes) to 1; None where there is one class."""
    return None if len(table) < 2 else float(association(table.to_numpy(), method="cramer"))


def grade_table(grades: list[GradedSource]) -> pd.DataFrame:
    """Size and similarity (lowest, median, highest) of each grade, and the simulated value's mean and standard deviation."""
    rows = {}
    for g in grades:
        y, similar = g.study.source.y, dict(zip(("lowest", "median", "highest"), g.range.values()))
        rows[g.name] = {"materials": len(y)} | similar | {"simulated mean": y.mean(), "simulated sd": y.std()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("grade")


def examples(study: Study, similarity: NDArray, nearest: NDArray, grades: list[GradedSource]) -> pd.DataFrame:
    """For each grade a material of median similarity, and the measured material that it is compared with."""
    position = {key: row for row, key in enumerate(study.source.keys)}
    simulated, measured = (task.table["structure"].to_numpy() for task in (study.source, study.target))
    rows = {}
    for grade in grades:
        middle = np.argsort(grade.similarity, kind="stable")[len(grade.similarity) // 2]
        row = position[grade.study.source.keys[middle]]
        rows[grade.name] = {"similarity": similarity[row], "simulated": simulated[row], "nearest measured": measured[nearest[row]]}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("grade")


def similarity_record(
    grades: list[GradedSource],
    trials: list[Trials],
    direct: Trials,
    controls: Mapping[str, tuple[list[GradedSource], list[Trials]]],
    by: str,
    *,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> dict:
    """What figures S1 and S2 draw: each set's curve and law, and comparisons of the sets at each n.

    ``trials`` are of the ``grades``, the most similar last, in one design; ``direct`` of the whole study with the same trials;
    ``controls`` hold for an arrangement its sets and their trials at the sets' own size.
    """
    design, bootstrap = trials[0].design, bootstrap.seeded(trials[0].design)
    m, table, ranges = max(design.m_grid), class_table(grades), [g.range for g in grades]
    edges = np.linspace(min(r["low"] for r in ranges), max(r["high"] for r in ranges), 41)
    cubes = [t.cube(m=m) for t in trials]
    facts = {"n": list(design.n_grid), "m": m, "trials": design.trials, "seed": design.seed, "source_draws": design.distinct_draws}
    return Facts.of(direct).to_dict("study", "property", "label", "unit", "source", "target") | {
        "by": by,
        "measure": MEASURES[by],
        "left_out": {k: v for k, v in grades[0].study.source.report.items() if k.startswith("left out")},
        "design": facts,
        "grades": [_grade_record(g, cube, edges, bootstrap) for g, cube in zip(grades, cubes)],
        "edges": edges.tolist(),
        "classes": {"names": list(table.index), "counts": table.to_numpy().T.tolist(), "cramers_v": class_association(table)},
        "direct": Band.of(bootstrap.trials(direct.errors("direct", m))).to_dict(),
        "by_n": [compare(trials, [r["median"] for r in ranges], n, bootstrap=bootstrap) for n in design.n_grid],
        "controls": {name: _control(name, *of, bootstrap) for name, of in controls.items()},
        "paper": paper("similarity"),
    }


def _control(name: str, sets: list[GradedSource], runs: list[Trials], bootstrap: Bootstrap) -> dict:
    order = None if name == "random" else [s.range["median"] for s in sets]
    compared = compare(runs, order, runs[0].design.n_grid[-1], bootstrap=bootstrap)
    return {"cramers_v": class_association(class_table(sets))} | compared


def drawn_sets(record: dict) -> dict:
    """What Figure S1 draws of a :func:`similarity_record`: the sets, without their trials."""
    sets = [{k: v for k, v in of.items() if k not in ("curve", "law")} for of in record["grades"]]
    return {k: v for k, v in record.items() if k not in ("direct", "by_n", "controls", "paper")} | {"grades": sets}


def drawn_scaling(record: dict) -> dict:
    """What Figure S2 draws of a :func:`similarity_record`: the trials, without what the sets hold."""
    sets = [{k: v for k, v in of.items() if k != "histogram"} for of in record["grades"]]
    return {k: v for k, v in record.items() if k not in ("edges", "classes")} | {"grades": sets}


def _grade_record(grade: GradedSource, cube: Cube, edges: NDArray, bootstrap: Bootstrap) -> dict:
    by_trials, by_materials = (r.at(np.s_[:], 0) for r in bootstrap.cube(cube))
    values = grade.study.source.y
    return {
        "name": grade.name,
        "materials": len(grade.study.source),
        "similarity": grade.range,
        "histogram": np.histogram(grade.similarity, edges)[0].tolist(),
        "simulated": {"mean": float(values.mean()), "sd": float(values.std())},
        "curve": Band.of(by_trials, by_materials).to_dict(),
        "law": by_trials.law(cube.n).to_dict(bootstrap.level),
    }
