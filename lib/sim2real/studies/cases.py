"""The case studies as a table: a row says what is transferred to what, how it is described, split and named.

``name``, ``splits`` and ``tuned_as`` are templates of the choices. They seed random numbers and name stored trials and tuned
hyperparameters: a study that is called otherwise is trained again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from sim2real.datasets.task import PROPERTIES
from sim2real.studies import conductivity, local, pairs, polymers
from sim2real.studies.kinds import KINDS, Kind
from sim2real.studies.presets import Settings
from sim2real.studies.sides import PAIR_DESCRIPTOR, Sides, describe
from sim2real.training.recipes import load_hyperparameters
from sim2real.training.study import Study, training_size


@dataclass(frozen=True)
class Case:
    """One row of :data:`CASES`.

    Attributes:
        kind, edition: which studies; ``kind`` is a key of :data:`~sim2real.studies.kinds.KINDS`.
        load: (settings, choices) -> the two sides without descriptors.
        choices: name -> allowed values, the default first; whatever there is where empty.
        name, splits: templates of the choices, of the study's name and ``splits``.
        tuned_as: likewise of its hyperparameters, whose ``{m}`` is empty for the largest of ``tuned_m`` and such as ``-m400`` for
            others; empty where they are chosen for the very data.
        words: template of what is transferred to what, with the names of ``{source}`` and ``{target}``.
        descriptor: where there is none to choose.
        tuned_m: target sizes for which hyperparameters are chosen; those of the nearest are taken. If empty, there is one choice.
        brief: whether the preset smoke takes a short training instead of the chosen one.
    """

    kind: str
    edition: str
    load: Callable[..., Sides]
    choices: Mapping[str, tuple]
    name: str
    splits: str
    tuned_as: str
    words: str
    descriptor: str = ""
    tuned_m: tuple[int, ...] = ()
    brief: bool = True

    @property
    def shared(self) -> Kind:
        """What all studies of the kind share."""
        return KINDS[self.kind]

    def tuning_name(self, m: int = 0, **choice: Any) -> str:
        """The name of the hyperparameters for a target size, compared on a logarithmic scale; 0 is all rows."""
        largest = max(self.tuned_m, default=0)
        nearest = min(self.tuned_m, key=lambda size: abs(np.log(size / m))) if m and self.tuned_m else largest
        # a table too large to be chosen for takes what was chosen with its smaller part
        names = {key: str(value).removesuffix("-full") for key, value in choice.items()}
        return self.tuned_as.format(m="" if nearest == largest else f"-m{nearest}", **names)

    def study(self, settings: Settings, *, tuned: bool = True, **choice: Any) -> Study:
        """The study that a choice makes, which names every one of ``choices``; ``tuned`` as in ``load_study``."""
        chosen = self.shared.untuned
        if tuned and self.tuned_as:
            chosen = load_hyperparameters(self.tuning_name(settings.m_max, **choice))
        study = replace(self.untrained(settings, **choice), settings=chosen)
        if self.edition != "local":
            return study
        local.check_sizes(choice["block"], study)
        if not tuned:
            return study
        # those of pairs are chosen with the split by pair
        tried = replace(study, **self._names(**choice | {"split": "pair"}))
        m = min(training_size(tried.target, tried.split_by), settings.m_max)
        return replace(study, settings=local.chosen_for(tried, m, self.kind))

    def untrained(self, settings: Settings, **choice: Any) -> Study:
        """The study with descriptors and without hyperparameters."""
        sides = self.load(settings, **choice)
        source, target, simulated = describe(sides, self.descriptor or choice["descriptor"], settings.workers)
        return Study(
            source=source,
            target=target,
            settings=None,
            simulated_target=simulated,
            baselines=self.shared.baselines,
            drop_tested=self.shared.drop_tested,
            **self._names(**choice),
        )

    def _names(self, **choice: Any) -> dict[str, str]:
        split_by = pairs.SPLITS[choice["split"]] if self.kind == "pairs" else ""
        return {"name": self.name.format(**choice), "splits": self.splits.format(**choice), "split_by": split_by}


_MATERIAL = {"property": tuple(PROPERTIES), "descriptor": ("forcefield", "molecular")}
_SPLIT = {"split": tuple(pairs.SPLITS)}
CASES = (
    Case(
        kind="polymers",
        edition="embedded",
        load=polymers.embedded_polymers,
        choices=_MATERIAL | {"library": ("rules", "ngram")},
        name="polymers-{property}-{descriptor}",
        splits="polymers-{property}",
        tuned_as="polymers-{property}-{descriptor}",
        words="quick simulators (stand-in for MD) of virtual polymers to measured polymers",
        brief=False,
    ),
    Case(
        kind="liquids",
        edition="embedded",
        load=polymers.embedded_liquids,
        choices=_MATERIAL | {"descriptor": ("molecular",)},
        name="liquids-{property}-{descriptor}",
        splits="liquids-{property}",
        tuned_as="liquids-{property}-{descriptor}",
        words="quick simulators (stand-in for MD) of other molecules to measured organic liquids",
        brief=False,
    ),
    Case(
        kind="polymers",
        edition="open",
        load=polymers.public_polymers,
        choices=_MATERIAL | {"database": ("radonpy", "polyomics")},
        name="open-polymers-{property}-{descriptor}",
        splits="open-polymers-{property}",
        tuned_as="open-polymers-{property}-{descriptor}",
        words="{source} to measured polymers",
        brief=False,
    ),
    Case(
        kind="pairs",
        edition="embedded",
        load=pairs.embedded_pairs,
        choices=_SPLIT | {"simulator": ("unifac",)},
        name="embedded-chi-{simulator}-{split}",
        splits="embedded-chi-{split}",
        tuned_as="chi-{simulator}",
        words="{source} to {target} (twin of the chi study, not chi; source and target not independent)",
        descriptor=PAIR_DESCRIPTOR,
    ),
    Case(
        kind="pairs",
        edition="open",
        load=pairs.public_pairs,
        choices=_SPLIT | {"simulator": ("cosmo", "unifac", "cosmo-full")},
        name="open-chi-{simulator}-{split}",
        splits="open-chi-{split}",
        tuned_as="open-chi-{simulator}",
        words="{source} to {target}",
        descriptor=PAIR_DESCRIPTOR,
    ),
    Case(
        kind="conductivity",
        edition="embedded",
        load=conductivity.computed_conductivities,
        choices={"source": ("thermal",)},
        name="transport-sigma-composition",
        splits="transport-sigma",
        tuned_as="transport-sigma-composition{m}",
        words="computed thermal to electrical conductivity (BoltzTraP, constant relaxation time; no measured thermoelectrics)",
        descriptor="composition",
        tuned_m=(400, 2912),
    ),
    Case(
        kind="conductivity",
        edition="open",
        load=conductivity.measured_conductivities,
        choices={"source": ("thermal",), "release": (False, True)},
        name="open-transport-sigma-composition",
        splits="open-transport-sigma",
        tuned_as="open-transport-sigma-composition{m}",
        words="measured thermal to measured electrical conductivity",
        descriptor="composition",
        tuned_m=(100, 400, 916),
    ),
    Case(
        kind="conductivity",
        edition="open",
        load=conductivity.computed_for_measured,
        choices={"source": ("computed",), "release": (False, True)},
        name="open-computed-sigma-composition",
        # the same splits as with the other source, so that the two can be compared trial by trial
        splits="open-transport-sigma",
        tuned_as="open-computed-sigma-composition{m}",
        words="computed (BoltzTraP, constant relaxation time) to measured electrical conductivity",
        descriptor="composition",
        tuned_m=(916,),
    ),
    Case(
        kind="polymers",
        edition="local",
        load=partial(local.own_sides, "polymers"),
        choices={"property": (), "tables": ()},
        name="local-{block}-{descriptor}",
        splits="local-{block}",
        tuned_as="",
        words="your simulations to your measurements",
    ),
    Case(
        kind="pairs",
        edition="local",
        load=partial(local.own_sides, "pairs"),
        choices=_SPLIT | {"property": (), "tables": ()},
        name="local-{block}-{split}",
        splits="local-{block}-{split}",
        tuned_as="",
        words="{source} to {target}",
        descriptor=PAIR_DESCRIPTOR,
    ),
    Case(
        kind="conductivity",
        edition="local",
        load=partial(local.own_sides, "conductivity"),
        choices={"source": ("thermal",), "property": (), "tables": ()},
        name="local-{block}-composition",
        splits="local-{block}",
        tuned_as="",
        words="your thermal to your electrical conductivities",
        descriptor="composition",
    ),
)
