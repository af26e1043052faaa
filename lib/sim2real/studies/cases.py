"""The case studies, read from ``cases.toml``, and one call for any of them: a kind, an edition and what else is chosen."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from joblib import Memory

from sim2real.datasets.paths import CACHE, DATA
from sim2real.studies import local, polymers, sides
from sim2real.studies.kinds import KINDS, Kind
from sim2real.studies.presets import Settings, resolve
from sim2real.studies.sides import SPLITS, Sides, describe
from sim2real.training.keeping import code_of, locked
from sim2real.training.recipes import Recipe, all_chosen, load_hyperparameters
from sim2real.training.study import Study, training_size

_SIDES = CACHE / "sides"
_MODULES = {"polymers": polymers, "liquids": polymers, "pairs": sides, "conductivity": sides}  # where sides are loaded


@dataclass(frozen=True)
class Case:
    """One row of :data:`CASES`; ``name``, ``splits``, ``tuned_as`` and ``words`` are templates of the choices."""

    kind: str  # of :data:`~sim2real.studies.kinds.KINDS`
    edition: str
    choices: Mapping[str, tuple]  # name -> allowed values, the default first; whatever there is where empty
    name: str
    splits: str
    words: str  # what is transferred to what, with the names of ``{source}`` and ``{target}``
    load: str = ""  # name of a function: (settings, choices) -> the two sides without descriptors; your tables have one for all
    tuned_as: str = ""  # what hyperparameters are called; empty where they are chosen for the very data
    tuned_m: tuple[int, ...] = ()  # ascending target sizes that hyperparameters are chosen for, of which the nearest is taken
    brief: bool = True  # whether the preset smoke takes a short training instead of the chosen one

    @property
    def shared(self) -> Kind:
        """What all studies of the kind share."""
        return KINDS[self.kind]

    def tuning_name(self, m: int = 0, **choice: Any) -> str:
        """The name of the hyperparameters chosen for a size of ``tuned_m``; of the largest if 0."""
        # a table too large to be chosen for takes what was chosen with its smaller part
        chosen = {key: str(value).removesuffix("-full") for key, value in choice.items()}
        return self.tuned_as.format(**chosen) + (f"-m{m}" if m in self.tuned_m[:-1] else "")

    def study(self, settings: Settings, *, tuned: bool = True, **choice: Any) -> Study:
        """The study that a choice makes, which names every one of ``choices``; ``tuned`` as in ``load_study``."""
        chosen = load_hyperparameters(self.tuning_name(**choice)) if tuned and self.tuned_as else self.shared.untuned
        study = self.untrained(settings, **choice)
        study = replace(study, settings=chosen, settings_by_m=self._by_m(study, chosen, **choice) if tuned else {})
        if self.edition != "local":
            return study
        local.check_study(choice["block"], study)
        if not tuned:
            return study
        # those of pairs are chosen with the split by pair
        tried = replace(study, **self._named(**choice | {"split": "pair"}))
        m = min(training_size(tried.target, tried.split_by), settings.m_max)
        return replace(study, settings=self.shared.kept_choice(tried, m, settings.trainers))

    def _by_m(self, study: Study, largest: Recipe, **choice: Any) -> dict[int, Recipe]:
        """What was chosen for each size, cut to the rows that there are; a size that nothing was chosen for yet is passed over."""
        again = {part for stage in self.shared.candidates.for_fewer(largest).stages for part in stage.tried}
        rows, known, found = training_size(study.target, study.split_by), all_chosen(), {}
        for m in self.tuned_m:
            if (name := self.tuning_name(m, **choice)) in known:
                own = load_hyperparameters(name)
                found[min(m, rows)] = replace(largest, **{part: getattr(own, part) for part in again})
        return found

    def untrained(self, settings: Settings, **choice: Any) -> Study:
        """The study with descriptors and without hyperparameters."""
        if self.edition == "embedded":
            sizes = settings.n_max, settings.preset.target_max
            of = {name: value for name, value in choice.items() if name != "split"}
            with locked(_SIDES, "all"):
                source, target, simulated = _kept_sides(json.dumps([self.kind, sizes, of]), _code_and_data(), self, settings, of)
        else:
            source, target, simulated = self.sides(settings, **choice)
        shared = {"baselines": self.shared.baselines, "drop_tested": self.shared.drop_tested}
        return Study(source=source, target=target, settings=None, simulated_target=simulated, **shared, **self._named(**choice))

    def sides(self, settings: Settings, **choice: Any) -> Sides:
        """Source and target with descriptors."""
        load = local.own_sides if self.edition == "local" else getattr(_MODULES[self.kind], self.load)
        return describe(load(settings, kind=self.kind, **choice), self.shared.descriptor or choice["descriptor"], settings.workers)

    def _named(self, **choice: Any) -> dict[str, str]:
        split_by = SPLITS[choice["split"]] if self.kind == "pairs" else ""
        return {"name": self.name.format(**choice), "splits": self.splits.format(**choice), "split_by": split_by}


@Memory(_SIDES, verbose=0).cache(ignore=["case", "settings", "choice"])
def _kept_sides(key: str, version: str, case: Case, settings: Settings, choice: Mapping[str, Any]) -> Sides:
    """What code and data of the repository determine, which several notebooks load; a library ``ngram`` is that grown first."""
    return case.sides(settings, **choice)


@cache
def _code_and_data() -> str:
    """A hash of all that sides are made of: the library's code, the data of the repository, and the packages that read them."""
    package, used = Path(__file__).parents[1], ("chemicals", "numpy", "pandas", "rdkit", "thermo")
    code = [path for name in ("chemistry", "datasets") for end in ("py", "csv") for path in (package / name).rglob(f"*.{end}")]
    data = [*DATA.glob("*.csv.gz"), *DATA.glob("facts/*")]
    read = [path.read_bytes() for path in sorted((*code, *data))] + [version(name).encode() for name in used]
    return hashlib.sha256(b"".join(read)).hexdigest()[:16] + code_of(sides, polymers)


_ROWS = tomllib.loads(Path(__file__).with_name("cases.toml").read_text(encoding="utf-8"))["cases"]
CASES = tuple(Case(**row | {"tuned_m": tuple(row.get("tuned_m", ()))}) for row in _ROWS)


def load_study(kind: str, edition: str, settings: Settings | str = "quick", *, tuned: bool = True, **choice: Any) -> Study:
    """One study of the paper, its twin, or your tables, with descriptors and hyperparameters.

    Values are in ``study.target.property.unit``; ``simulated_target`` are the simulator's own, where it can give them.

    Args:
        kind: ``polymers``, ``liquids`` (embedded only), ``pairs`` (polymer and solvent; in ``embedded`` two molecules) or
            ``conductivity`` (thermal to electrical, of inorganic compounds).
        edition: ``embedded``, ``open`` (public files) or ``local`` (your tables).
        settings: sizes of the run, or the name of a preset: ``smoke``, ``quick`` or ``paper``.
        tuned: whether hyperparameters are those chosen on validation data (``local``: now, some minutes, and kept); if not, a
            short training that shows only that everything runs.
        choice: ``property`` (``density`` and the like; in ``local`` name or property of a block), ``descriptor`` (``forcefield``,
            ``molecular``), ``library`` (``rules``, ``ngram``), ``database`` (``radonpy``, ``polyomics``), ``simulator``
            (``cosmo-sac``, ``unifac``, ``cosmo``, ``cosmo-full``), ``split`` (``pair``, ``row``, ``solvent``, ``polymer``),
            ``source`` (``thermal``, ``computed``), ``release`` (Starrydata's full release instead of the file of 2019) and
            ``tables`` (your TOML file). One that the kind has in another edition only is passed over; empty is the first.

    Raises:
        ValueError: an unknown name or value, nothing was tuned, or ``n_max`` exceeds what there is to simulate: one line.
        DataError: a file that cannot be had or used; NoStudy where your tables name no study of that kind.
    """
    case, full = chosen_cases(kind, edition, **choice)[0]
    sizes = resolve(edition, settings, kind=kind) if isinstance(settings, str) else settings
    return case.study(sizes, tuned=tuned, **full)


def chosen_cases(kind: str, edition: str, **choice: Any) -> list[tuple[Case, dict[str, Any]]]:
    """The rows of the table that a choice asks for, each with a value of every choice; errors are those of :func:`load_study`."""
    rows = [case for case in CASES if (case.kind, case.edition) == (kind, edition)]
    if not rows:
        editions = dict.fromkeys(case.edition for case in CASES)
        known = "; ".join(f"{e}: {', '.join(dict.fromkeys(c.kind for c in CASES if c.edition == e))}" for e in editions)
        raise ValueError(f"unknown study {kind!r} of edition {edition!r}; expected one of {known}")
    for name, value in choice.items():
        _check(kind, edition, rows, name, value)
    given = {name: value for name, value in choice.items() if value not in ("", None)}
    if edition == "local":
        (case,) = rows
        path = local.tables_path(given.get("tables", ""))
        blocks = local.read_blocks(kind, path, given.get("property", ""))
        fixed = {name: given.get(name, values[0]) for name, values in case.choices.items() if values} | {"tables": path}
        return [(case, fixed | {"block": b, "descriptor": local.descriptor_of(kind, e, b)}) for b, e in blocks.items()]
    shown = KINDS[kind].shown
    values = [value for case in rows for value in case.choices[shown]]
    first = given.get(shown, values[0])
    # a full table holds the small one, and must be downloaded
    others = [v for v in values if not v.endswith("-full") and v != first.removesuffix("-full")]
    return [
        (case, {name: given.get(name, of[0]) for name, of in case.choices.items()} | {shown: value})
        for value in (first, *others)
        for case in rows
        if value in case.choices[shown]
    ]


def _check(kind: str, edition: str, rows: list[Case], name: str, value: Any) -> None:
    """Refuse a choice that the kind has in no edition, and a value that this edition, or else every other, does not have."""
    every = [case for case in CASES if case.kind == kind]
    names = dict.fromkeys(name for case in every for name in case.choices)
    if name not in names:
        raise ValueError(f"unknown choice {name!r} of {kind}; expected one of {', '.join(names)}")
    of = [case.choices[name] for case in rows if name in case.choices]
    allowed = [v for values in of or (case.choices.get(name, ()) for case in every) for v in values]
    if value not in ("", None) and allowed and value not in allowed:
        known = ", ".join(map(str, dict.fromkeys(allowed)))
        raise ValueError(f"unknown {name.upper()} {value!r} of EDITION {edition!r} and {kind}; expected one of {known}")
