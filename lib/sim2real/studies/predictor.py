"""Predictions for a user: chi of a polymer and a solvent at a temperature, with an interval and a warning where it is a guess."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from joblib import Memory
from numpy.typing import NDArray
from tqdm import tqdm

from sim2real.chemistry.classes import CLASS_NAMES, polymer_class
from sim2real.chemistry.descriptors.pairs import SIDES, PairDescriptor
from sim2real.chemistry.simulators.mixing import HIGH_KELVIN, LOW_KELVIN
from sim2real.chemistry.structures import PAIR_SEPARATOR, parse, structure_key
from sim2real.datasets.paths import CACHE
from sim2real.datasets.task import Task
from sim2real.studies.browse import browse_ranking, common_name, smiles_of
from sim2real.studies.calibration import FOLDS, Folds, by_new, cross_coverage, half_widths, what_is_new
from sim2real.training.fits import Predictors, fit_multitask
from sim2real.training.recipes import MultitaskHyperparameters
from sim2real.training.store import trained_by
from sim2real.training.study import Study

NETWORKS = 4  # that learn without a fold
UNLIKE = 0.95  # quantile of the distances between measured molecules beyond which a new one is called far
_memory = Memory(CACHE / "ensembles", verbose=0)


class FarFromData(UserWarning):
    """A molecule or a temperature is not like any that was measured."""


class Predictor:
    """Predicts chi, or ln gamma, of a pair of molecules with an interval, by an ensemble trained on all of a study of pairs.

    The interval is calibrated by what is new in a question: the pair, the solvent, the polymer, or both. Ten times a tenth of
    the measured polymers, solvents and pairs is left out, with their simulations, and predicted by networks of its own: ``unseen``
    has the errors, a row each. The first time that takes a network of about a second more than forty times; all is kept.
    ValueError: fewer than 2 members, or a study without hyperparameters of pairs.

    Args:
        study: of :func:`~sim2real.studies.cases.load_study` and kind ``pairs``, with hyperparameters.
        members: networks whose mean is the prediction.
        level: of the intervals; can be changed afterwards.
        seed: of the random numbers.
        workers: processes for descriptors, and networks trained at a time.
    """

    def __init__(self, study: Study, *, members: int = 20, level: float = 0.9, seed: int = 0, workers: int = 1) -> None:
        if members < 2:
            raise ValueError(f"members is {members}; expected at least 2, so that they can disagree")
        if not isinstance(study.settings, MultitaskHyperparameters):
            raise ValueError(f"{study.name} has no hyperparameters for pairs; load it with tuned=True")
        self.study, self.level = study, level
        table = study.target.table
        self.polymeric = "*" in table["polymer"].iloc[0]
        self.descriptor = PairDescriptor(workers, CACHE / "descriptors")
        folds, parts = Folds.of(table, seed, "calibration"), []
        with tqdm(total=FOLDS * NETWORKS + members, desc=f"{study.name}: predictor", unit="network", mininterval=1) as bar:
            for fold in range(FOLDS):
                new = folds.new(table, fold)
                if (new == "").any() and (new != "").any():
                    cut = folds.without(study, fold)
                    predicted = _predict(_fit(_facts(cut), cut, NETWORKS, seed, workers), study.target.X[new != ""])
                    columns = table.loc[new != "", ["key", "polymer_key", "solvent_key"]]
                    error = np.abs(study.target.y[new != ""] - predicted.mean(axis=0))
                    parts.append(columns.assign(new=new[new != ""], error=error, spread=predicted.std(axis=0, ddof=1)))
                bar.update(NETWORKS)
            self.networks = _fit(_facts(study), study, members, seed, workers)
            bar.update(members)
        self.unseen = pd.concat(parts)
        self._known = set(table["polymer_key"]) | set(table["solvent_key"])
        self._measured = {side: self._distances(side) for side in SIDES}

    def __call__(self, polymer: str, solvent: str, temperature: float) -> pd.Series:
        """One pair; see :meth:`predict`."""
        return self.predict([polymer], [solvent], [temperature]).iloc[0]

    def predict(self, polymers: Sequence[str], solvents: Sequence[str], temperatures: Sequence[float]) -> pd.DataFrame:
        """Predictions for pairs.

        Args:
            polymers: names, or SMILES of repeat units with two ``*`` (in the edition ``embedded``: molecules, the solutes).
            solvents: names or SMILES.
            temperatures: K.

        Returns:
            A row per pair: ``polymer``, ``solvent``, ``temperature``, ``predicted``, ``low`` and ``high`` (the interval),
            ``spread`` (standard deviation of the members), ``measured`` (rows of this pair in the target, at any
            temperature), ``new`` (pair, solvent, polymer or both: what was never measured) and ``warning``, empty where nothing
            is to be said; the first is also given as a FarFromData warning.

        Raises:
            ValueError: lists of unequal length, a text that is no name or SMILES or has no descriptor, a temperature outside of
                200 to 600 K.
        """
        if not len(polymers) == len(solvents) == len(temperatures):
            counts = f"{len(polymers)} polymers, {len(solvents)} solvents and {len(temperatures)} temperatures"
            raise ValueError(f"{counts}; expected as many of each")
        kelvin = np.asarray(temperatures, dtype=float)
        polymers, solvents = self._structures("polymer", polymers), self._structures("solvent", solvents)
        for row in np.flatnonzero(~((kelvin >= LOW_KELVIN) & (kelvin <= HIGH_KELVIN)))[:1]:
            expected = f"{LOW_KELVIN:g} to {HIGH_KELVIN:g} K (deg C + 273.15)"
            raise ValueError(f"row {row}: {kelvin[row]:g} K; expected {expected}")
        structures = [f"{p}{PAIR_SEPARATOR}{s}" for p, s in zip(polymers, solvents)]
        X, kept = self.descriptor.describe(structures, kelvin)
        if not kept.all():
            row = int(np.flatnonzero(~kept)[0])
            (why,) = self.descriptor.reasons(structures[row : row + 1])
            raise ValueError(f"row {row}: no descriptor for {structures[row]!r}: {why}")
        predicted = _predict(self.networks, X)
        mean, spread = predicted.mean(axis=0), predicted.std(axis=0, ddof=1)
        keyed = [(structure_key(p), structure_key(s)) for p, s in zip(polymers, solvents)]
        counts = self.study.target.table["key"].value_counts()
        measured = [int(counts.get(PAIR_SEPARATOR.join(two if self.polymeric else sorted(two)), 0)) for two in keyed]
        unknown = np.array([[key not in self._known for key in two] for two in keyed]).T
        new = np.where(np.array(measured) > 0, "", what_is_new(*unknown, True))
        half = np.full(len(mean), np.nan)
        for what in np.unique(new):
            half[new == what] = half_widths(what, spread[new == what], self.unseen, self.level)
        table = pd.DataFrame({"polymer": polymers, "solvent": solvents, "temperature": kelvin, "predicted": mean})
        table = table.assign(low=mean - half, high=mean + half, spread=spread, measured=measured, new=new)
        table["warning"] = self._warnings(polymers, solvents, kelvin)
        if (table["warning"] != "").any():
            first = table[table["warning"] != ""].iloc[0]
            warnings.warn(f"{first['polymer']} in {first['solvent']}: {first['warning']}", FarFromData, stacklevel=2)
        return table

    def rank_solvents(self, polymer: str, temperature: float, solvents: Sequence[str] | None = None) -> pd.DataFrame:
        """The solvents of the measured table, or those given, for one polymer: the best (lowest prediction) first."""
        known = self.study.target.table.drop_duplicates("solvent_key")["solvent"]
        solvents = list(known) if solvents is None else list(solvents)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FarFromData)  # the column says it
            table = self.predict([polymer] * len(solvents), solvents, [temperature] * len(solvents))
        return table.drop(columns=["polymer", "temperature"]).sort_values("predicted", ignore_index=True)

    def calibration(self) -> pd.DataFrame:
        """:func:`~sim2real.studies.calibration.cross_coverage` of ``unseen``: do intervals hold the errors that make them?"""
        return cross_coverage(self.unseen, self.level)

    @classmethod
    def held_out_coverage(cls, study: Study, *, folds: int = 1, seed: int = 0, **options: Any) -> pd.DataFrame:
        """:meth:`coverage` of a tenth of the molecules and pairs that a predictor of its own never saw, ``folds`` times: not their
        simulations either. Other arguments are those of the class."""
        parts, held = Folds.of(study.target.table, seed, "held out"), []
        for fold in range(folds):
            predictor = cls(parts.without(study, fold), seed=seed, **options)
            held.append(predictor._held(study.target.select(np.flatnonzero(parts.new(study.target.table, fold) != ""))))
        return by_new(pd.concat(held), predictor.level)

    def coverage(self, held: Task) -> pd.DataFrame:
        """How often the interval holds measured rows that no network saw; as :meth:`calibration`, with the share ``warned``."""
        return by_new(self._held(held), self.level)

    def _held(self, held: Task) -> pd.DataFrame:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FarFromData)
            table = self.predict(*(list(held.table[side]) for side in (*SIDES, "temperature")))
        inside = (table["low"] <= held.y) & (held.y <= table["high"])
        table = table.assign(error=np.abs(table["predicted"] - held.y), covered=inside, width=table["high"] - table["low"])
        return table.assign(
            warned=table["warning"] != "", **{key: held.table[key].to_numpy() for key in ("key", "polymer_key", "solvent_key")}
        )

    def browse(self, temperature: float) -> None:
        """In a notebook: the ranking of solvents for a polymer, given by name or SMILES, with a slider of ``temperature`` (K) and a
        search. ImportError without the extra ``lab``."""
        known = self.study.target.table.drop_duplicates("polymer")
        names = known["name"] if "name" in known else [common_name(smiles) or smiles for smiles in known["polymer"]]
        solvents = self.study.target.table["solvent"].unique()
        browse_ranking(self.rank_solvents, dict(sorted(zip(names, known["polymer"]))), solvents, temperature)

    def _structures(self, side: str, texts: Sequence[str]) -> list[str]:
        """SMILES of names or SMILES, or a ValueError with the row and the closest names."""
        stars, found = 2 if side == "polymer" and self.polymeric else 0, []
        for row, text in enumerate(texts):
            try:
                found.append(smiles_of(text, stars, self.study.target.table[side].unique()))
            except ValueError as error:
                raise ValueError(f"row {row}: {error}") from error
        return found

    def _warnings(self, polymers: Sequence[str], solvents: Sequence[str], kelvin: np.ndarray) -> list[str]:
        low, high = (getattr(self.study.target.table["temperature"], end)() for end in ("min", "max"))
        far = {}
        for side, name, structures in zip(SIDES, self._names, (polymers, solvents)):
            measured, limit = self._measured[side]
            away = np.linalg.norm(self._scaled(structures)[:, None] - measured[None], axis=2).min(axis=1)
            far[f"{name} unlike those measured"] = away > limit
        rows = []
        for k, t in enumerate(kelvin):
            words = [words for words in far if far[words][k]] + self._outside(polymers[k], solvents[k])
            if not low - 1e-6 <= t <= high + 1e-6:
                words.append(f"temperature outside of those measured ({low:g} to {high:g} K)")
            rows.append("; ".join(words))
        return rows

    def _outside(self, polymer: str, solvent: str) -> list[str]:
        """Elements, and the class of a polymer, that no measured molecule of the side has."""
        said = []
        for name, structure, (elements, classes) in zip(self._names, (polymer, solvent), self._chemistry):
            if more := sorted(_elements(structure) - elements):
                said.append(f"{', '.join(more)} in no measured {name}")
            if classes and (code := polymer_class(structure)) not in classes:
                said.append(f"{name} of a class that was not measured ({CLASS_NAMES[code]})")
        return said

    @property
    def _names(self) -> tuple[str, str]:
        return "polymer" if self.polymeric else "solute", "solvent"

    @cached_property
    def _chemistry(self) -> list[tuple[set[str], set[str]]]:
        """Elements of the measured molecules of each side, and classes of polymers."""
        sides = [self.study.target.table[side].unique() for side in SIDES]
        classes = [{polymer_class(s) for s in sides[0]} if self.polymeric else set(), set()]
        return [(set().union(*map(_elements, side)), own) for side, own in zip(sides, classes)]

    def _distances(self, side: str) -> tuple[np.ndarray, float]:
        """Scaled descriptors of the measured molecules on one side, and the distance beyond which another is far from them."""
        scaled = self._scaled(self.study.target.table.drop_duplicates(f"{side}_key")[side])
        between = np.linalg.norm(scaled[:, None] - scaled[None], axis=2)
        np.fill_diagonal(between, np.inf)
        return scaled, float(np.quantile(between.min(axis=1), UNLIKE))

    def _scaled(self, structures: Sequence[str]) -> np.ndarray:
        """Descriptors as the first network sees them: what it does not use does not count, and all differ alike."""
        vectors = self.descriptor.molecules(list(structures))[0]
        shift, factor = (a[0, 0, : vectors.shape[1]].numpy() for a in (self.networks.inputs.shift, self.networks.inputs.factor))
        return (vectors - shift) * factor


def _elements(smiles: str) -> set[str]:
    return {atom.GetSymbol() for atom in parse(smiles, attachment_points=(0, 2)).GetAtoms()} - {"*"}


def _facts(study: Study) -> tuple:
    """What of a study determines an ensemble."""
    return trained_by(), study.source.fingerprint, study.target.fingerprint, asdict(study.settings)


@_memory.cache(ignore=["study", "workers"])
def _fit(facts: tuple, study: Study, members: int, seed: int, workers: int) -> Predictors:
    """Networks trained on all of a study; kept under the facts, and not trained twice."""
    source, target, settings = study.source, study.target, study.settings
    simulated, measured = ((side.X, side.y, np.tile(np.arange(len(side)), (members, 1))) for side in (source, target))
    recipe = (settings.transfer_network, settings.multitask, [(seed, "ensemble", k) for k in range(members)])
    return fit_multitask(measured, simulated, *recipe, weight=settings.simulation_weight, threads=workers)


def _predict(networks: Predictors, X: NDArray) -> NDArray:
    """Predictions (networks, rows)."""
    return networks.predict(X, np.tile(np.arange(len(X)), (len(networks.outputs.scalers), 1)))
