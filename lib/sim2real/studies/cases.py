"""The case studies as a table: a row says what is transferred to what, how it is described, split and named.

Names seed random numbers and name stored trials and tuned hyperparameters: a study that is called otherwise is trained again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from sim2real.datasets.task import PROPERTIES
from sim2real.studies import conductivity, local, pairs, polymers
from sim2real.studies.kinds import KINDS, Kind
from sim2real.studies.presets import Settings
from sim2real.studies.sides import PAIR_DESCRIPTOR, Sides, describe
from sim2real.training.recipes import load_hyperparameters
from sim2real.training.study import Study, training_size


class Names(NamedTuple):
    """Templates of the choices: a study's name, its ``splits``, and what its hyperparameters are called.

    ``{m}`` of the last is empty for the largest of ``tuned_m`` and such as ``-m400`` for others. It is empty where hyperparameters
    are chosen for the very data.
    """

    name: str
    splits: str
    tuned_as: str


@dataclass(frozen=True)
class Case:
    """One row of :data:`CASES`."""

    kind: str  # of :data:`~sim2real.studies.kinds.KINDS`
    edition: str
    load: Callable[..., Sides]  # (settings, choices) -> the two sides without descriptors
    choices: Mapping[str, tuple]  # name -> allowed values, the default first; whatever there is where empty
    names: Names
    words: str  # template of what is transferred to what, with the names of ``{source}`` and ``{target}``
    descriptor: str = ""  # where there is none to choose
    tuned_m: tuple[int, ...] = ()  # target sizes that hyperparameters are chosen for, the nearest is taken; one choice if empty
    brief: bool = True  # whether the preset smoke takes a short training instead of the chosen one

    @property
    def shared(self) -> Kind:
        """What all studies of the kind share."""
        return KINDS[self.kind]

    def tuning_name(self, m: int = 0, **choice: Any) -> str:
        """The name of the hyperparameters for a target size, compared on a logarithmic scale; 0 is all rows."""
        largest = max(self.tuned_m, default=0)
        nearest = min(self.tuned_m, key=lambda size: abs(np.log(size / m))) if m and self.tuned_m else largest
        # a table too large to be chosen for takes what was chosen with its smaller part
        chosen = {key: str(value).removesuffix("-full") for key, value in choice.items()}
        return self.names.tuned_as.format(m="" if nearest == largest else f"-m{nearest}", **chosen)

    def study(self, settings: Settings, *, tuned: bool = True, **choice: Any) -> Study:
        """The study that a choice makes, which names every one of ``choices``; ``tuned`` as in ``load_study``."""
        tuned_as = self.tuning_name(settings.m_max, **choice) if tuned else ""
        chosen = load_hyperparameters(tuned_as) if tuned_as else self.shared.untuned
        study = replace(self.untrained(settings, **choice), settings=chosen)
        if self.edition != "local":
            return study
        local.check_sizes(choice["block"], study)
        if not tuned:
            return study
        # those of pairs are chosen with the split by pair
        tried = replace(study, **self._named(**choice | {"split": "pair"}))
        m = min(training_size(tried.target, tried.split_by), settings.m_max)
        return replace(study, settings=local.chosen_for(tried, m, self.kind))

    def untrained(self, settings: Settings, **choice: Any) -> Study:
        """The study with descriptors and without hyperparameters."""
        sides = self.load(settings, **choice)
        source, target, simulated = describe(sides, self.descriptor or choice["descriptor"], settings.workers)
        shared = {"baselines": self.shared.baselines, "drop_tested": self.shared.drop_tested}
        return Study(source=source, target=target, settings=None, simulated_target=simulated, **shared, **self._named(**choice))

    def _named(self, **choice: Any) -> dict[str, str]:
        split_by = pairs.SPLITS[choice["split"]] if self.kind == "pairs" else ""
        name, splits = (template.format(**choice) for template in self.names[:2])
        return {"name": name, "splits": splits, "split_by": split_by}


_MATERIAL = {"property": tuple(PROPERTIES), "descriptor": ("forcefield", "molecular")}
_SPLIT = {"split": tuple(pairs.SPLITS)}
_OWN = {"property": (), "tables": ()}
_pairs = partial(Case, "pairs", descriptor=PAIR_DESCRIPTOR)
_conductivity = partial(Case, "conductivity", descriptor="composition")
CASES = (
    Case(
        "polymers",
        "embedded",
        polymers.embedded_polymers,
        _MATERIAL | {"library": ("rules", "ngram")},
        Names("polymers-{property}-{descriptor}", "polymers-{property}", "polymers-{property}-{descriptor}"),
        "quick simulators (stand-in for MD) of virtual polymers to measured polymers",
        brief=False,
    ),
    Case(
        "liquids",
        "embedded",
        polymers.embedded_liquids,
        _MATERIAL | {"descriptor": ("molecular",)},
        Names("liquids-{property}-{descriptor}", "liquids-{property}", "liquids-{property}-{descriptor}"),
        "quick simulators (stand-in for MD) of other molecules to measured organic liquids",
        brief=False,
    ),
    Case(
        "polymers",
        "open",
        polymers.public_polymers,
        _MATERIAL | {"database": ("radonpy", "polyomics")},
        Names("open-polymers-{property}-{descriptor}", "open-polymers-{property}", "open-polymers-{property}-{descriptor}"),
        "{source} to measured polymers",
        brief=False,
    ),
    _pairs(
        "embedded",
        pairs.embedded_pairs,
        _SPLIT | {"simulator": ("unifac",)},
        Names("embedded-chi-{simulator}-{split}", "embedded-chi-{split}", "chi-{simulator}"),
        "{source} to {target} (twin of the chi study, not chi; source and target not independent)",
    ),
    _pairs(
        "open",
        pairs.public_pairs,
        _SPLIT | {"simulator": ("cosmo", "unifac", "cosmo-full")},
        Names("open-chi-{simulator}-{split}", "open-chi-{split}", "open-chi-{simulator}"),
        "{source} to {target}",
    ),
    _conductivity(
        "embedded",
        conductivity.computed_conductivities,
        {"source": ("thermal",)},
        Names("transport-sigma-composition", "transport-sigma", "transport-sigma-composition{m}"),
        "computed thermal to electrical conductivity (BoltzTraP, constant relaxation time; no measured thermoelectrics)",
        tuned_m=(400, 2912),
    ),
    _conductivity(
        "open",
        conductivity.measured_conductivities,
        {"source": ("thermal",), "release": (False, True)},
        Names("open-transport-sigma-composition", "open-transport-sigma", "open-transport-sigma-composition{m}"),
        "measured thermal to measured electrical conductivity",
        tuned_m=(100, 400, 916),
    ),
    _conductivity(
        "open",
        conductivity.computed_for_measured,
        {"source": ("computed",), "release": (False, True)},
        # the same splits as with the other source, so that the two can be compared trial by trial
        Names("open-computed-sigma-composition", "open-transport-sigma", "open-computed-sigma-composition{m}"),
        "computed (BoltzTraP, constant relaxation time) to measured electrical conductivity",
        tuned_m=(916,),
    ),
    Case(
        "polymers",
        "local",
        partial(local.own_sides, "polymers"),
        _OWN,
        Names("local-{block}-{descriptor}", "local-{block}", ""),
        "your simulations to your measurements",
    ),
    _pairs(
        "local",
        partial(local.own_sides, "pairs"),
        _SPLIT | _OWN,
        Names("local-{block}-{split}", "local-{block}-{split}", ""),
        "{source} to {target}",
    ),
    _conductivity(
        "local",
        partial(local.own_sides, "conductivity"),
        {"source": ("thermal",)} | _OWN,
        Names("local-{block}-composition", "local-{block}", ""),
        "your thermal to your electrical conductivities",
    ),
)
