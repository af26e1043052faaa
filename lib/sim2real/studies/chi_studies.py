"""The studies of pairs: polymer-solvent chi in the edition ``open``, activity coefficients of small molecules in ``embedded``.

No measured chi may be embedded. The embedded twin predicts ln gamma at infinite dilution, from NRTL parameters that were fitted to
measured equilibria, with original UNIFAC as the simulator. UNIFAC's parameters were fitted to such equilibria too: source and
target are not independent, and the twin shows the machinery, not chi.
"""

from __future__ import annotations

import numpy as np

from sim2real.chemistry.descriptors.pairs import describe_pairs
from sim2real.datasets import activity, chi_unifac
from sim2real.datasets.pairs import load_chi_cosmo, load_chi_measured
from sim2real.datasets.task import Task
from sim2real.studies.polymers import SOURCE_SEED, limit_source, limit_target
from sim2real.training.recipes import load_hyperparameters
from sim2real.training.study import Study

# rule -> column whose groups a split never tears apart
SPLITS = {"pair": "pair", "row": "", "solvent": "solvent_key", "polymer": "polymer_key"}
SIMULATORS = {"embedded": ("unifac",), "open": ("cosmo", "cosmo-full", "unifac")}
BASELINES = ("ridge", "trees", "boosting", "simulator")


def load_chi_study(
    *, edition: str, simulator: str, split: str = "pair", n_max: int, workers: int = 1, tuned: bool = True, target_max: int = 0
) -> Study:
    """One study of pairs, with descriptors and hyperparameters.

    Args:
        edition: ``embedded`` (activity coefficients) or ``open`` (measured chi).
        simulator: ``unifac``; in ``open`` also ``cosmo`` (the mirrored 1,206 rows) and ``cosmo-full`` (the paper's 9,575, which
            use the hyperparameters chosen with the former).
        split: what is never torn apart between training and test rows: ``pair`` (one pair's temperatures, or the two directions of
            a mixture), ``row`` (nothing: the paper's choice, which leaks), ``solvent``, ``polymer`` (in ``embedded`` the solute).
        n_max: pairs simulated by UNIFAC beside the target's own, or the largest number of COSMO-RS rows.
        workers: processes.
        tuned: whether to load the chosen hyperparameters, which are those of the split by pair; without, ``settings`` is None.
        target_max: as :func:`sim2real.studies.polymers.limit_target`.

    Raises:
        ValueError: an unknown name; the message lists the known ones.
        DataError: a public file cannot be had.
    """
    for what, name, known in (("edition", edition, SIMULATORS), ("split", split, SPLITS)):
        if name not in known:
            raise ValueError(f"unknown {what} {name!r} of a study of pairs; expected one of {', '.join(known)}")
    if simulator not in SIMULATORS[edition]:
        known = ", ".join(SIMULATORS[edition])
        raise ValueError(f"unknown SIMULATOR {simulator!r} of edition {edition!r}; expected one of {known}")
    settings = load_hyperparameters(tuning_name(edition, simulator)) if tuned else None
    source, target, simulated = _tasks(edition, simulator, n_max, target_max)
    (source, target), (_, kept) = describe_pairs([source, target], workers)
    return pair_study(f"{edition}-chi", source, target, simulated[kept], split, settings, simulator=simulator)


def pair_study(
    stem: str, source: Task, target: Task, simulated: np.ndarray, split: str, settings: object, *, simulator: str = ""
) -> Study:
    """A study of pairs from two tasks with descriptors.

    Args:
        stem: of its name; simulators of one stem are compared on the same splits.
        source, target: of :func:`sim2real.chemistry.descriptors.pairs.describe_pairs`.
        simulated: the simulator's values of the target's rows (rows,), NaN where it has none.
        split: a key of :data:`SPLITS`.
        settings: hyperparameters or None.
        simulator: part of the name.
    """
    return Study(
        name="-".join(part for part in (stem, simulator, split) if part),
        source=source,
        target=target,
        settings=settings,
        simulated_target=simulated,
        splits=f"{stem}-{split}",
        split_by=SPLITS[split],
        baselines=BASELINES,
        drop_tested=True,
    )


def tuning_name(edition: str, simulator: str) -> str:
    """The name under which hyperparameters are chosen."""
    return f"{'' if edition == 'embedded' else f'{edition}-'}chi-{simulator.removesuffix('-full')}"


def _tasks(edition: str, simulator: str, n_max: int, target_max: int) -> tuple[Task, Task, np.ndarray]:
    """Source, target, and the simulator's values of the target's rows."""
    if edition == "embedded":
        target = limit_target(activity.load_activity_nrtl(), target_max)
        return activity.load_activity_unifac(n_max, seed=SOURCE_SEED), target, activity.simulated_target(target)
    target = limit_target(load_chi_measured(), target_max)
    if simulator == "unifac":
        return chi_unifac.load_chi_unifac(n_max, seed=SOURCE_SEED, measured=target), target, chi_unifac.simulated_target(target)
    source = load_chi_cosmo(full=simulator == "cosmo-full")
    return limit_source(source, n_max), target, simulated_by_pair(source, target)


def simulated_by_pair(source: Task, target: Task) -> np.ndarray:
    """The source's value of every row of the target (rows,), by pair and temperature; NaN where it has none."""
    values = source.table.set_index(["key", "temperature"])["value"]
    values = values[~values.index.duplicated()]
    return values.reindex(list(zip(target.table["key"], target.table["temperature"]))).to_numpy()
