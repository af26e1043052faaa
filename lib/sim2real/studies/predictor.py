"""Predictions for a user: chi of a polymer and a solvent at a temperature, with an interval and a warning where it is a guess."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
from joblib import Memory

from sim2real.chemistry.descriptors.pairs import PairDescriptor
from sim2real.chemistry.simulators.unifac import HIGH_KELVIN, LOW_KELVIN
from sim2real.chemistry.structures import PAIR_SEPARATOR, StructureError, parse, structure_key
from sim2real.datasets.paths import CACHE
from sim2real.datasets.task import Task
from sim2real.training.fits import Predictors, fit_multitask
from sim2real.training.recipes import MultitaskHyperparameters
from sim2real.training.seeding import numpy_generator
from sim2real.training.store import trained_by
from sim2real.training.study import Study, split_rows, training_size

try:
    from ipywidgets import interact
except ImportError:
    interact = None

UNLIKE = 0.95  # quantile of the distances between measured molecules beyond which a new one is called far
_memory = Memory(CACHE / "ensembles", verbose=0)


class FarFromData(UserWarning):
    """A molecule or a temperature is not like any that was measured."""


class Predictor:
    """Predicts chi, or ln gamma, of a pair of molecules with an interval, by an ensemble trained on all of a study of pairs.

    Each member leaves out a fifth of the measured pairs; what those that did not see a pair miss it by (``residuals``, (rows,), NaN
    where all saw it) gives the interval. ValueError: fewer than 4 members, or a study without hyperparameters of pairs.

    Args:
        study: of :func:`~sim2real.studies.cases.load_study` and kind ``pairs``, with hyperparameters.
        members: networks; about a second each for a thousand updates.
        level: of the intervals; can be changed afterwards.
        seed: of the random numbers.
        workers: processes for descriptors, and networks trained at a time.
    """

    def __init__(self, study: Study, *, members: int = 20, level: float = 0.9, seed: int = 0, workers: int = 1) -> None:
        if members < 4:
            raise ValueError(f"members is {members}; expected at least 4, so that some members have not seen a row")
        if not isinstance(study.settings, MultitaskHyperparameters):
            raise ValueError(f"{study.name} has no hyperparameters for pairs; load it with tuned=True")
        self.study, self.level = study, level
        self.polymeric = "*" in study.target.table["polymer"].iloc[0]
        self.descriptor = PairDescriptor(workers, CACHE / "descriptors")
        self.networks, seen = _fit(_facts(study), study, members, seed, workers)
        every = np.tile(np.arange(len(study.target)), (members, 1))
        predicted = self.networks.predict(study.target.X, every)
        unseen = np.where(seen, np.nan, predicted)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a row that every member saw has no mean
            self.residuals = study.target.y - np.nanmean(unseen, axis=0)
        # the members' disagreement says where they are less sure; half of the usual one is added, so that none is called certain
        spread = predicted.std(axis=0, ddof=1)
        self.floor = float(np.median(spread)) / 2
        known = np.isfinite(self.residuals)
        self._scores = np.abs(self.residuals[known]) / (spread[known] + self.floor)
        self._measured = {side: self._distances(side) for side in ("polymer", "solvent")}

    @property
    def width(self) -> float:
        """How many times the spread the interval reaches to either side.

        The split conformal quantile (Lei et al., J. Am. Stat. Assoc. 113, 1094 (2018)), of rows that are not quite exchangeable.
        """
        count = len(self._scores)
        return float(np.quantile(self._scores, min(1.0, np.ceil((count + 1) * self.level) / count)))

    def __call__(self, polymer: str, solvent: str, temperature: float) -> pd.Series:
        """One pair; see :meth:`predict`."""
        return self.predict([polymer], [solvent], [temperature]).iloc[0]

    def predict(self, polymers: Sequence[str], solvents: Sequence[str], temperatures: Sequence[float]) -> pd.DataFrame:
        """Predictions for pairs.

        Args:
            polymers: SMILES of repeat units with two ``*`` (in the edition ``embedded``: molecules, the solutes).
            solvents: SMILES.
            temperatures: K.

        Returns:
            A row per pair: ``polymer``, ``solvent``, ``temperature``, ``predicted``, ``low`` and ``high`` (the interval),
            ``spread`` (standard deviation of the members), ``measured`` (rows of this pair in the target, at any
            temperature) and ``warning``, empty where nothing is to be said; the first is also given as a FarFromData warning.

        Raises:
            ValueError: lists of unequal length, a SMILES that cannot be read or described, a temperature outside of 200 to 600 K.
        """
        if not len(polymers) == len(solvents) == len(temperatures):
            counts = f"{len(polymers)} polymers, {len(solvents)} solvents and {len(temperatures)} temperatures"
            raise ValueError(f"{counts}; expected as many of each")
        kelvin = np.asarray(temperatures, dtype=float)
        keys = [self._key(p, s, t, row) for row, (p, s, t) in enumerate(zip(polymers, solvents, kelvin))]
        structures = [f"{p}{PAIR_SEPARATOR}{s}" for p, s in zip(polymers, solvents)]
        X, kept = self.descriptor.describe(structures, kelvin)
        if not kept.all():
            row = int(np.flatnonzero(~kept)[0])
            (why,) = self.descriptor.reasons(structures[row : row + 1])
            raise ValueError(f"row {row}: no descriptor for {structures[row]!r}: {why}")
        predicted = self.networks.predict(X, np.tile(np.arange(len(X)), (len(self.networks.outputs.scalers), 1)))
        mean, spread = predicted.mean(axis=0), predicted.std(axis=0, ddof=1)
        half = self.width * (spread + self.floor)
        counts = self.study.target.table["key"].value_counts()
        table = pd.DataFrame({"polymer": list(polymers), "solvent": list(solvents), "temperature": kelvin, "predicted": mean})
        table = table.assign(low=mean - half, high=mean + half, spread=spread, measured=[int(counts.get(k, 0)) for k in keys])
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

    @classmethod
    def held_out_coverage(cls, study: Study, *, seed: int = 0, **options: Any) -> pd.DataFrame:
        """How often the interval holds the measured value, on a fifth of the target that an ensemble of its own never saw.

        Args are those of the class; rows are cut by the study's ``split_by``, their own simulations stay in the source. One row:
        ``covered`` (share of held-out rows), ``level``, ``rows``, ``mae`` and the median ``width`` of intervals.
        """
        train, test = split_rows(study.target, numpy_generator(seed, "held out"), study.split_by)
        cut = replace(study, target=study.target.select(train))
        return cls(cut, seed=seed, **options).coverage(study.target.select(test))

    def coverage(self, held: Task) -> pd.DataFrame:
        """How often the interval holds the values of measured rows that no member saw; returns as :meth:`held_out_coverage`."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FarFromData)
            table = self.predict(*(list(held.table[side]) for side in ("polymer", "solvent", "temperature")))
        row = {"covered": ((table["low"] <= held.y) & (held.y <= table["high"])).mean(), "level": self.level, "rows": len(held)}
        row |= {"mae": np.abs(table["predicted"] - held.y).mean(), "width": (table["high"] - table["low"]).median()}
        return pd.DataFrame([row], index=["held out"])

    def browse(self, temperature: float) -> None:
        """In a notebook: a list of the measured polymers to choose from, and the ranking of solvents for the chosen one."""
        if interact is None:
            raise ImportError('browse needs ipywidgets: pip install "sim2real[lab]"')
        polymers = sorted(self.study.target.table["polymer"].unique())
        interact(lambda polymer: self.rank_solvents(polymer, temperature).round(3), polymer=polymers)

    def _key(self, polymer: str, solvent: str, kelvin: float, row: int) -> str:
        if not LOW_KELVIN <= kelvin <= HIGH_KELVIN:
            raise ValueError(f"row {row}: {kelvin:g} K; expected {LOW_KELVIN:g} to {HIGH_KELVIN:g} K (deg C + 273.15)")
        try:
            parse(polymer, attachment_points=(2 if self.polymeric else 0,))
            parse(solvent, attachment_points=(0,))
        except StructureError as error:
            raise ValueError(f"row {row}: {error}") from error
        two = [structure_key(polymer), structure_key(solvent)]
        return PAIR_SEPARATOR.join(two if self.polymeric else sorted(two))

    def _warnings(self, polymers: Sequence[str], solvents: Sequence[str], kelvin: np.ndarray) -> list[str]:
        low, high = (getattr(self.study.target.table["temperature"], end)() for end in ("min", "max"))
        far = {}
        for side, structures in (("polymer", polymers), ("solvent", solvents)):
            measured, limit = self._measured[side]
            name = "solute" if side == "polymer" and not self.polymeric else side
            far[name] = np.linalg.norm(self._scaled(structures)[:, None] - measured[None], axis=2).min(axis=1) > limit
        rows = []
        for k, t in enumerate(kelvin):
            words = [f"{name} unlike those measured" for name in far if far[name][k]]
            if not low - 1e-6 <= t <= high + 1e-6:
                words.append(f"temperature outside of those measured ({low:g} to {high:g} K)")
            rows.append("; ".join(words))
        return rows

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


def _facts(study: Study) -> tuple:
    """What of a study determines an ensemble."""
    groups = list(study.target.table[study.split_by]) if study.split_by else []
    return trained_by(), study.source.fingerprint, study.target.fingerprint, study.split_by, groups, asdict(study.settings)


@_memory.cache(ignore=["study", "workers"])
def _fit(facts: tuple, study: Study, members: int, seed: int, workers: int) -> tuple[Predictors, np.ndarray]:
    """The ensemble, and which member saw which row of the target (members, rows); kept under the facts, and not trained twice."""
    target, source, settings = study.target, study.source, study.settings
    m = training_size(target, study.split_by)
    train = [split_rows(target, numpy_generator(seed, "ensemble", k), study.split_by)[0][:m] for k in range(members)]
    simulated = (source.X, source.y, np.tile(np.arange(len(source)), (members, 1)))
    recipe = (settings.transfer_network, settings.multitask, [(seed, "ensemble", k) for k in range(members)])
    measured = (target.X, target.y, np.stack(train))
    networks = fit_multitask(measured, simulated, *recipe, weight=settings.simulation_weight, threads=workers)
    # what of a group was trained on, all of it was seen
    groups = target.table[study.split_by].to_numpy() if study.split_by else np.arange(len(target))
    seen = np.stack([np.isin(groups, groups[rows]) for rows in train])
    return networks, seen
