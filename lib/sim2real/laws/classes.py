"""Which classes of materials gain from simulations: a curve and a verdict for each (Figs. 5a and 6d, and polymers alike), of test
materials of networks that were fine-tuned on all classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sim2real.chemistry.simulators.wiedemann_franz import NON_WF, WF
from sim2real.laws.bootstrap import BOOTSTRAP, Bootstrap, Change, Difference, Resamples, paired_difference, trial_means
from sim2real.laws.curve import Curve
from sim2real.laws.findings import Finding, Findings
from sim2real.laws.parity import class_name, classes_of
from sim2real.laws.records import Band, Facts
from sim2real.laws.significance import rank_associations
from sim2real.laws.verdicts import FEWEST_MATERIALS, UNTOLD, WORTHWHILE, Verdict, verdict
from sim2real.training.study import Cube, Trials

UNKNOWN = "unknown"  # the class of rows without a label
ORDERED = {"wf": (WF, NON_WF)}  # classes that have an order of their own, by column; the others of such a column are none


@dataclass(frozen=True)
class ClassCurve:
    """How the error on one class of materials falls with n."""

    facts: Facts
    group: str
    name: str  # as figures write it
    materials: int
    pairs: int  # distinct materials among them
    training_rows: float  # in a trial's training set, on average
    tested: int  # rows in some trial's test set
    trials: int  # that tested any
    curve: Curve | None
    change: Change | None  # from the smallest to the largest n; None for too few
    verdict: Verdict
    direct: Band | None = None
    difference: Difference | None = None  # transfer at the largest n minus direct, paired over trials
    other: Curve | None = None
    other_change: Change | None = None

    def to_dict(self) -> dict:
        """The payload's record."""
        other = None
        if self.other is not None:
            other = {"overlap": "drop" if self.facts.overlap == "keep" else "keep", "n": list(self.other.sizes)}
            other |= {"mae": self.other.band.mae.tolist(), "change": self.other_change.to_dict()}
        return self.facts.to_dict("study", "property", "label", "unit", "overlap") | {
            "class": self.group,
            "name": self.name,
            "materials": self.materials,
            "rows": self.materials,
            **{name: getattr(self, name) for name in ("pairs", "training_rows", "tested", "trials")},
            "curve": None if self.curve is None else self.curve.to_dict(),
            "law": None if self.curve is None else self.curve.law.to_dict(self.curve.band.level),
            "change": None if self.change is None else self.change.to_dict(),
            **self.verdict._asdict(),
            "direct": None if self.direct is None else self.direct.to_dict(),
            "transfer_minus_direct": None if self.difference is None else self.difference._asdict(),
            "other_overlap": other,
        }


def classes(
    trials: Trials,
    by: str = "group",
    names: Sequence[str] | None = None,
    *,
    other: Trials | None = None,
    m: int | None = None,
    last: float = np.inf,
    bootstrap: Bootstrap = BOOTSTRAP,
) -> list[ClassCurve]:
    """The curve of each class of the target's materials, with a verdict whether its error falls with n.

    Args are trials of ``transfer`` and, to compare with, ``direct``; ``by``, the column of the target's table with the classes;
    ``names``, which of them (if None those of ``ORDERED``, or all, most rows first); ``other``, trials of ``transfer`` with the
    other choice of overlap; ``m``, of all classes together, the largest if None; ``last``, which part of the curve is judged: from
    the n next below the largest / last, such as 10 for the last tenfold, which says whether to go on. ValueError for a class that
    does not exist, KeyError for no such column or no trials at that m.
    """
    table, facts = trials.study.target.table, Facts.of(trials)
    labels = table[by].replace("", UNKNOWN).fillna(UNKNOWN)
    existing = set(labels)
    if names is None:
        names = [name for name in ORDERED.get(by) or classes_of(labels) if name in existing]
    elif unknown := [name for name in names if name not in existing]:
        raise ValueError(f"{trials.study.target.name} has no class {unknown[0]!r}; expected some of {', '.join(sorted(existing))}")
    m = max(trials.design.m_grid) if m is None else m
    bootstrap = bootstrap.seeded(trials.design)
    pairs = table["pair"] if "pair" in table else table["key"]
    direct = "direct" in set(trials.table["arm"])
    found = []
    for name in names:
        rows = np.flatnonzero(own := (labels == name).to_numpy())
        cube = trials.cube(m=m, rows=rows)
        counts = (len(rows), int(pairs[own].nunique()), float(own.mean() * m), len(cube.materials), len(cube.trials))
        record = ClassCurve(facts, name, class_name(name), *counts, *_curve(cube, bootstrap, len(names), last))
        if direct and record.curve is not None:
            of_direct = trials.cube(("direct",), m=m, rows=rows)
            ends = trial_means(cube)[:, -1, 0], trial_means(of_direct)[:, 0, 0]
            # a small class may be tested in trials of one source draw only, which are one observation
            blocks = bootstrap.blocks(cube.trials)
            single = len(cube.trials) < 2 or blocks is not None and len(np.unique(blocks)) < 2
            difference = None if single else paired_difference(*ends, blocks)
            record = replace(record, direct=Band.of(_materials(of_direct, bootstrap).at(0, 0)), difference=difference)
        if other is not None:
            curve, change, _ = _curve(other.cube(m=m, rows=rows), bootstrap, len(names), last)
            record = replace(record, other=curve, other_change=change)
        found.append(record)
    return found


def _materials(cube: Cube, bootstrap: Bootstrap) -> Resamples:
    return bootstrap.materials(cube.errors, cube.clusters, bootstrap.blocks(cube.trials))


def _curve(cube: Cube, bootstrap: Bootstrap, questions: int, last: float) -> tuple[Curve | None, Change | None, Verdict]:
    """The curve of a cube's materials at its one m, the change along its last part and what is said of it; None where too few
    were tested."""
    trials, materials = len(cube.trials), len(cube.materials)
    if min(trials, materials) < 2:
        return None, None, Verdict(UNTOLD, f"{materials} material(s) tested in {trials} trial(s); at least 2 of each are needed")
    try:
        errors = _materials(cube, bootstrap).at(np.s_[:], 0)
        curve = Curve("n", cube.n, cube.m[0], Band.of(errors), errors.law(cube.n))
    except ValueError as error:
        return None, None, Verdict(UNTOLD, str(error))
    change = errors.change(_first(cube.n, last))
    return curve, change, verdict(change, trials=trials, materials=_distinct(cube), questions=questions)


def _distinct(cube: Cube) -> int:
    """Materials of a cube, in which one pair at several temperatures is one."""
    return len(cube.materials) if cube.clusters is None else len(set(cube.clusters))


@dataclass(frozen=True)
class Prospects:
    """Which classes to go on with: verdicts on each class's error over all of n, and over the last part of it, where a class that
    scaled may have come to rest (Minami et al., npj Computational Materials 11, 146 (2025), end of Results)."""

    facts: Facts
    spans: tuple[tuple[int, int], tuple[int, int]]  # the smallest and the largest n of the whole and of the last part
    whole: tuple[ClassCurve, ...]
    last: tuple[ClassCurve, ...]

    @property
    def verdict(self) -> Findings:
        """One sentence: which classes to go on with, which to stop, and of which it cannot be told."""
        words = {"scales": "still falls, go on", "does not": f"falls by less than {WORTHWHILE:.0%}, stop", UNTOLD: "cannot be told"}
        groups = {said: [c.name for c in self.last if c.verdict.verdict == said] for said in words}
        parts = [f"{words[said]}: {', '.join(names)}" for said, names in groups.items() if names]
        text = (
            "The error from {:,} to {:,} simulations, by class: ".format(*self.spans[1]) + "; ".join(parts).replace("%", " %") + "."
        )
        told = any(groups[said] for said in ("scales", "does not"))
        return Findings((Finding("classes", text, told, {"classes": groups}, self.facts.label),))

    def to_dict(self) -> dict:
        """The payload's record: each class with its counts and, of ``whole`` and ``last``, change, verdict and why."""
        found = []
        for pair in zip(self.whole, self.last):
            record = {name: getattr(pair[0], name) for name in ("name", "materials", "tested")}
            for part, of in zip(("whole", "last"), pair):
                record[part] = {"change": None if of.change is None else of.change.to_dict()} | of.verdict._asdict()
            found.append(record)
        facts = self.facts.to_dict("study", "property", "label", "unit", "source", "target", "overlap", "trials", "source_draws")
        return facts | {"spans": [list(span) for span in self.spans], "classes": found, "verdict": self.verdict.to_dict()}


def stop_or_go(
    trials: Trials, by: str = "group", names: Sequence[str] | None = None, *, last: float = 10.0, bootstrap: Bootstrap = BOOTSTRAP
) -> Prospects:
    """Which classes to go on with, by the change of their errors over the last tenfold of n.

    Args are those of :func:`classes`, which says what verdicts rest on, and ``last``, the part of n, 10 for the last tenfold;
    errors as there.
    """
    n = trials.design.n_grid
    of = [tuple(classes(trials, by, names, last=part, bootstrap=bootstrap)) for part in (np.inf, last)]
    return Prospects(Facts.of(trials), ((n[0], n[-1]), (n[_first(n, last)], n[-1])), *of)


def _first(n: Sequence[int], last: float) -> int:
    """Where the last part of n begins: next below the largest / last, or with the smallest."""
    return max(0, int(np.searchsorted(n, n[-1] / last, side="right")) - 1)


GAINS = {"with_direct": 0, "with_n": 1}  # where in a cube with direct learning at n = 0 a gain begins
ACCURACIES = ("spearman", "mae_line", "skill")


def gain_by_accuracy(trials: Trials, parities: Sequence[dict], simulator: str, *, bootstrap: Bootstrap = BOOTSTRAP) -> dict:
    """What each class gains from simulations, against how good ``simulator`` is on it, by records of
    :func:`~sim2real.laws.parity.class_parity`, from trials of ``transfer`` and ``direct``.

    The relative change of transfer at the largest n from direct learning (``with_direct``) and from the smallest n (``with_n``)
    stands beside ``spearman``, ``mae_line`` and ``skill`` = 1 - mae_line / mae_constant; ``correlations`` are for each of both.
    Classes of fewer than five rows are ``left_out``.
    """
    design, table = trials.design, trials.study.target.table
    bootstrap, m = bootstrap.seeded(design), max(design.m_grid)
    found, replicates, left_out = [], {name: [] for name in GAINS}, []
    for record in parities:
        side, rows = record["simulators"][simulator], np.flatnonzero(table["group"] == record["class"])
        # direct learning stands at n = 0, before the smallest n
        cube = trials.cube(("transfer", "direct"), m=m, rows=rows)
        few = len(cube.materials) < FEWEST_MATERIALS or len(cube.trials) < 2
        try:
            errors = None if few or None in (side["spearman"], side["mae_line"]) else _materials(cube, bootstrap).at(np.s_[:], 0)
        except ValueError:
            errors = None
        if errors is None:
            left_out.append(record["name"])
            continue
        gains = {name: errors.change(first) for name, first in GAINS.items()}
        for name, change in gains.items():
            replicates[name].append(change.draws)
        accuracy = {"spearman": side["spearman"], "mae_line": side["mae_line"]}
        accuracy["skill"] = 1 - side["mae_line"] / side["mae_constant"]
        described = {"class": record["class"], "name": record["name"], "rows": len(cube.materials), "pairs": _distinct(cube)}
        found.append(described | {name: change.to_dict() for name, change in gains.items()} | accuracy)
    correlations = {
        gain: {
            measure: correlation_over_classes(
                [c[gain]["mean"] for c in found], np.stack(values), [c[measure] for c in found], bootstrap
            )
            for measure in ACCURACIES
        }
        for gain, values in replicates.items()
        if values
    }
    return Facts.of(trials).to_dict("study", "property", "label", "unit", "source", "target", "overlap", "trials") | {
        "simulator": simulator,
        "n": [design.n_grid[0], design.n_grid[-1]],
        "m": m,
        "classes": found,
        "left_out": left_out,
        "correlations": correlations,
    }


def correlation_over_classes(
    gains: Sequence[float], resampled: NDArray, accuracy: Sequence[float], bootstrap: Bootstrap = BOOTSTRAP
) -> dict | None:
    """Spearman's correlation of gain and accuracy (classes,), taken as known, with interval from ``resampled`` gains (classes,
    replicates) and permutation p; None for fewer than four classes, or a constant side."""
    if len(gains) < 4 or np.ptp(accuracy) == 0 or np.ptp(gains) == 0:
        return None
    options = {"resampled": resampled, "shuffled": "explaining", "level": bootstrap.level, "seed": bootstrap.seed or 0}
    (found,) = rank_associations(gains, [(accuracy, False)], **options)
    return {"classes": len(gains), "spearman": found.value, "low": found.low, "high": found.high, "p": found.p}
