"""Source sets of graded structural similarity to the target set, and whether they differ (Figs S1, S2).

The paper's text says that such sets were made and that their scaling did not differ significantly, not how: the grades
here are our own. The similarity of a simulated material is that to the nearest measured one. Sets of equal size are cut
along it; for control, the same materials are cut within each class, so that all sets have the same classes, or at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from rdkit import DataStructs
from scipy.stats.contingency import association
from sklearn.neighbors import NearestNeighbors

from sim2real.chemistry.fingerprints import BITS, RADIUS, chain_fingerprint
from sim2real.laws.bootstrap import BOOTSTRAP, Bootstrap
from sim2real.laws.contrasts import compare
from sim2real.laws.records import Band, Facts, paper
from sim2real.studies.presets import Settings
from sim2real.training.seeding import numpy_generator
from sim2real.training.study import Cube, Design, Study, Trials

MEASURES = {
    "tanimoto": f"Tanimoto similarity to the nearest measured material (Morgan, radius {RADIUS}, {BITS} bits)",
    "descriptor": "minus the Euclidean distance to the nearest measured material in standardised descriptors",
}
ARRANGEMENTS = ("similarity", "within classes", "random")
FEWEST, MOST = 3, 8
"""Numbers of grades allowed: a trend needs three, and the test that permutes grades goes through all orders of at most eight."""
SMALLEST_GRADE = 20
POINTS = 5
_CHUNK = 500


@dataclass(frozen=True)
class GradedSource:
    """One of several disjoint source sets of equal size.

    Attributes:
        name: "1 of 5" and so on, from the least similar to the most similar where sets are arranged by similarity.
        study: with this source; target, hyperparameters and ``splits`` are those of the whole study, so trials pair.
        similarity: of each source material to the target set (rows of the source,).
        arrangement: one of :data:`ARRANGEMENTS`.
    """

    name: str
    study: Study
    similarity: NDArray
    arrangement: str

    @property
    def range(self) -> dict[str, float]:
        """The smallest, the median and the largest similarity."""
        values = self.similarity
        return {"low": float(values.min()), "median": float(np.median(values)), "high": float(values.max())}


def similarity_to_target(study: Study, by: str = "tanimoto", workers: int = 1) -> tuple[NDArray, NDArray]:
    """How similar each source material is to the measured one nearest to it.

    Args:
        study: with descriptors, for ``by="descriptor"``.
        by: a key of :data:`MEASURES`. Descriptors are standardised with the source's mean and standard deviation; constant
            ones are left out.
        workers: processes.

    Returns:
        Similarity (rows of the source,), larger is more similar, and the row of the nearest target material.

    Raises:
        ValueError: unknown measure.
        StructureError: a material without a chemical structure (a composition, say).
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
    measured = [chain_fingerprint(s) for s in target.table["structure"]]
    structures = list(source.table["structure"])
    chunks = [structures[k : k + _CHUNK] for k in range(0, len(structures), _CHUNK)]
    found = Parallel(n_jobs=workers)(delayed(_nearest)(chunk, measured) for chunk in chunks)
    similarity, nearest = (np.concatenate(parts) for parts in zip(*found))
    return similarity, nearest


def _nearest(structures: list[str], measured: list[DataStructs.ExplicitBitVect]) -> tuple[NDArray, NDArray]:
    rows = [np.array(DataStructs.BulkTanimotoSimilarity(chain_fingerprint(s), measured)) for s in structures]
    return np.array([row.max() for row in rows]), np.array([row.argmax() for row in rows])


def grade_sources(study: Study, similarity: NDArray, grades: int = 5, arrangement: str = "similarity") -> list[GradedSource]:
    """Cut the source into disjoint sets of equal size, from the least to the most similar to the target.

    Target materials are in no set: a set that held the tested materials themselves would be another question. What is left
    over by the division is left out at random. Ties are broken at random, not by the order of a file. All counts are in each
    source's ``report``.

    Args:
        study: the whole study.
        similarity: (rows of the source,), of :func:`similarity_to_target`.
        grades: number of sets, 3 to 8.
        arrangement: ``similarity`` cuts at quantiles of the similarity; similarity and class of material go together then.
            ``within classes`` does so in each class, so that every set has as many of each class; a class with fewer members
            than sets is left out. ``random`` cuts at random.

    Raises:
        ValueError: unknown arrangement, a number of grades out of range, similarities of another length, or sets with fewer
            than 20 materials.
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
        raise ValueError(
            f"{len(rows)} simulated materials give {grades} sets of {size}; at least {SMALLEST_GRADE} each are needed:"
            " raise N_MAX or lower GRADES"
        )
    left_out = {
        "left out, target materials": int(is_target.sum()),
        "left out, remainder of equal sets": len(rows) - grades * size,
        "in the other sets": (grades - 1) * size,
    }
    graded = []
    for k, chosen in enumerate(sets, start=1):
        part = source.select(chosen)
        part = replace(part, name=f"{source.name}, set {k} of {grades} ({arrangement})", report=source.report | left_out)
        name = f"{study.name}-{arrangement.replace(' ', '-')}-{k}of{grades}"
        # trials pair only where all sets are drawn and split alike
        graded_study = replace(study, name=name, source=part, splits=study.splits or study.name)
        graded.append(GradedSource(f"{k} of {grades}", graded_study, np.asarray(similarity)[chosen], arrangement))
    return graded


def grade_design(settings: Settings, grade: GradedSource) -> Design:
    """The grid of one grade: five n up to its size, the largest m, and trials by the preset's number for small targets.

    A comparison of grades needs many paired trials however large the target is. No target material is in a grade, so the
    choice of overlap is without effect.
    """
    preset = replace(settings.preset, points=POINTS, large_target_trials=settings.preset.small_target_trials)
    return replace(settings, preset=preset, overlap="keep").design(grade.study)


def class_table(grades: list[GradedSource]) -> pd.DataFrame:
    """Number of materials of each class (rows) in each grade (columns), the largest class first."""
    counts = pd.DataFrame({g.name: g.study.source.table["group"].value_counts() for g in grades}).fillna(0).astype(int)
    counts.index.name = "class"
    order = sorted(counts.index, key=lambda name: (-counts.loc[name].sum(), str(name)))
    return counts.loc[order]


def class_association(table: pd.DataFrame) -> float | None:
    """Cramer's V of class and grade, from 0 (each grade has the same classes) to 1; None where there is one class.

    Args:
        table: of :func:`class_table`.
    """
    return None if len(table) < 2 else float(association(table.to_numpy(), method="cramer"))


def grade_table(grades: list[GradedSource]) -> pd.DataFrame:
    """Size and similarity (lowest, median, highest) of each grade, and the simulated value's mean and standard deviation."""
    rows = [
        {
            "grade": g.name,
            "materials": len(g.study.source),
            **dict(zip(("lowest", "median", "highest"), g.range.values())),
            "simulated mean": g.study.source.y.mean(),
            "simulated sd": g.study.source.y.std(),
        }
        for g in grades
    ]
    return pd.DataFrame(rows).set_index("grade")


def examples(study: Study, similarity: NDArray, nearest: NDArray, grades: list[GradedSource]) -> pd.DataFrame:
    """For each grade a material of median similarity, and the measured material that it is compared with.

    Args:
        study: the whole study.
        similarity, nearest: of :func:`similarity_to_target`.
        grades: of :func:`grade_sources`.
    """
    position = {key: row for row, key in enumerate(study.source.keys)}
    simulated, measured = (task.table["structure"].to_numpy() for task in (study.source, study.target))
    rows = {}
    for grade in grades:
        middle = int(np.argsort(grade.similarity, kind="stable")[len(grade.similarity) // 2])
        row = position[grade.study.source.keys[middle]]
        shown = {"similarity": similarity[row], "simulated": simulated[row], "nearest measured": measured[nearest[row]]}
        rows[grade.name] = shown
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
    """Everything that figures S1 and S2 draw.

    Args:
        grades: arranged by similarity, the most similar last.
        trials: of the grades, in their order, one design for all, arm ``transfer``.
        direct: of the whole study with the same trials, arm ``direct``.
        controls: arrangement -> its sets and their trials at their largest n, which is the sets' own size.
        by: how similarity was measured.
        bootstrap: of bands and intervals.

    Returns:
        ``property``, ``label``, ``unit``, ``study``, ``measure``, ``source``, ``target``; ``design``; ``grades``, each with its
        name, size, similarity (low, median, high, and a histogram), curve (mae and 90 % bands over trials, and over trials
        and materials) and ``law``; ``classes``; ``direct``; ``by_n``, one comparison (:func:`~sim2real.laws.contrasts.compare`)
        for each n; ``controls``, one for each arrangement at the largest n; ``paper``.
    """
    design, bootstrap = trials[0].design, bootstrap.seeded(trials[0].design)
    m, table, ranges = max(design.m_grid), class_table(grades), [g.range for g in grades]
    edges = np.linspace(min(r["low"] for r in ranges), max(r["high"] for r in ranges), 41)
    cubes = [t.cube(m=m) for t in trials]
    return Facts.of(direct).to_dict("study", "property", "label", "unit", "source", "target") | {
        "by": by,
        "measure": MEASURES[by],
        "left_out": {k: v for k, v in grades[0].study.source.report.items() if k.startswith("left out")},
        "design": {"n": list(design.n_grid), "m": m, "trials": design.trials, "seed": design.seed}
        | {"source_draws": design.distinct_draws},
        "grades": [_grade_record(g, cube, edges, bootstrap) for g, cube in zip(grades, cubes)],
        "edges": edges.tolist(),
        "classes": {"names": list(table.index), "counts": table.to_numpy().T.tolist(), "cramers_v": class_association(table)},
        "direct": Band.of(bootstrap.trials(direct.errors("direct", m))).to_dict(),
        "by_n": [compare(trials, [r["median"] for r in ranges], n, bootstrap=bootstrap) for n in design.n_grid],
        "controls": {
            name: {"cramers_v": class_association(class_table(sets))}
            | compare(
                runs,
                None if name == "random" else [s.range["median"] for s in sets],
                runs[0].design.n_grid[-1],
                bootstrap=bootstrap,
            )
            for name, (sets, runs) in controls.items()
        },
        "paper": paper("similarity"),
    }


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
