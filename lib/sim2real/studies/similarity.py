"""Source sets of graded structural similarity to the target set (Figs S1, S2 of Minami et al., npj Comput. Mater. 11, 146 (2025)).

The paper's text says that such sets were made and that their scaling did not differ significantly, not how: the grades
here are our own. The similarity of a simulated material is that to the nearest measured one. Sets of equal size are cut
along it; for control, the same materials are cut within each class, so that all sets have the same classes, or at random.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from rdkit import DataStructs
from scipy.stats.contingency import association
from sklearn.neighbors import NearestNeighbors

from sim2real.chemistry.fingerprints import BITS, RADIUS, chain_fingerprint
from sim2real.datasets.task import Task
from sim2real.studies.presets import Settings
from sim2real.training.seeding import numpy_generator
from sim2real.training.study import Design, Study

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
    similarity: np.ndarray
    arrangement: str

    @property
    def low(self) -> float:
        """The smallest similarity."""
        return float(self.similarity.min())

    @property
    def median(self) -> float:
        """The median similarity."""
        return float(np.median(self.similarity))

    @property
    def high(self) -> float:
        """The largest similarity."""
        return float(self.similarity.max())


def similarity_to_target(study: Study, by: str = "tanimoto", workers: int = 1) -> tuple[np.ndarray, np.ndarray]:
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


def _nearest(structures: list[str], measured: list[DataStructs.ExplicitBitVect]) -> tuple[np.ndarray, np.ndarray]:
    rows = [np.array(DataStructs.BulkTanimotoSimilarity(chain_fingerprint(s), measured)) for s in structures]
    return np.array([row.max() for row in rows]), np.array([row.argmax() for row in rows])


def grade_sources(study: Study, similarity: np.ndarray, grades: int = 5, arrangement: str = "similarity") -> list[GradedSource]:
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
    members: list[list[np.ndarray]] = [[] for _ in range(grades)]
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
            "lowest": g.low,
            "median": g.median,
            "highest": g.high,
            "simulated mean": g.study.source.y.mean(),
            "simulated sd": g.study.source.y.std(),
        }
        for g in grades
    ]
    return pd.DataFrame(rows).set_index("grade")


def examples(study: Study, similarity: np.ndarray, nearest: np.ndarray, grades: list[GradedSource]) -> pd.DataFrame:
    """For each grade a material of median similarity, and the measured material that it is compared with.

    Args:
        study: the whole study.
        similarity, nearest: of :func:`similarity_to_target`.
        grades: of :func:`grade_sources`.
    """
    position = {key: row for row, key in enumerate(study.source.keys)}
    rows = []
    for grade in grades:
        middle = int(np.argsort(grade.similarity, kind="stable")[len(grade.similarity) // 2])
        row = position[grade.study.source.keys[middle]]
        rows.append({"grade": grade.name, "similarity": similarity[row], "simulated": _structure(study.source, row)})
        rows[-1]["nearest measured"] = _structure(study.target, nearest[row])
    return pd.DataFrame(rows).set_index("grade")


def _structure(task: Task, row: int) -> str:
    return task.table["structure"].iloc[row]
