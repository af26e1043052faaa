"""The edition ``local``: studies on your own tables, named in a TOML file (``data/local.example.toml`` explains it)."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from sim2real.datasets.conductivity import ELECTRICAL, THERMAL
from sim2real.datasets.paths import CACHE, DATA
from sim2real.datasets.task import OTHER_PROPERTIES, PROPERTIES, DataError, NoStudy, Task
from sim2real.datasets.transport import read_transport
from sim2real.studies.polymers import DESCRIPTORS, describe, limit_source, limit_target
from sim2real.studies.presets import Settings
from sim2real.studies.transport_studies import transport_study, with_law
from sim2real.training.recipes import UNTUNED, from_dict
from sim2real.training.study import Study, training_size
from sim2real.training.tune import tune

TABLES = DATA / "local.toml"
EXAMPLE = DATA / "local.example.toml"
SMALLEST_TARGET, SMALLEST_SOURCE = 10, 40
_SIDE = {"file", "structure", "value", "unit", "name", "group", "licence", "citation"}
_STUDY = {"source", "target", "property", "kind", "descriptor"}
# blocks of these kinds are studies of their own: kappa -> sigma, and pairs of polymer and solvent (:mod:`sim2real.studies.local_pairs`)
CONDUCTIVITY, CHI = "conductivity", "chi"


def load_local_tasks(path: Path = TABLES) -> dict[str, tuple[Task, Task, str]]:
    """The studies of a TOML file: name -> (source, target, name of the descriptor).

    Raises:
        DataError: no such file, an unknown or missing entry, a table that cannot be used; one line that says what to do.
        NoStudy: all blocks are of other kinds.
    """
    path = Path(path)
    blocks = {name: entry for name, entry in read_blocks(path).items() if kind_of(entry) not in (CONDUCTIVITY, CHI)}
    if not blocks:
        raise NoStudy(f"{short(path)} names no study of materials and one property; {short(EXAMPLE)} shows how")
    return {name: _tasks(path, name, entry) for name, entry in blocks.items()}


def load_local_transport_tasks(path: Path = TABLES) -> dict[str, tuple[Task, Task]]:
    """The blocks of kind ``conductivity``: name -> (log10 of kappa, log10 of sigma with the columns of the law).

    Values must be positive; units may differ from row to row (``unit_column``);
    :func:`~sim2real.datasets.transport.read_transport` says what is counted.

    Raises:
        DataError: as :func:`load_local_tasks`.
        NoStudy: no block is of that kind.
    """
    path = Path(path)
    return {name: _conductivities(path, name, entry) for name, entry in blocks_of_kind(path, CONDUCTIVITY).items()}


def load_local_studies(settings: Settings, path: Path = TABLES, *, tuned: bool = True) -> list[Study]:
    """The studies of a TOML file with descriptors and hyperparameters.

    Hyperparameters are chosen on validation data inside the training part (:mod:`sim2real.training.tune`) when a study is first
    run, some minutes each, and kept in the cache folder under the data's fingerprints.

    Args:
        settings: of the run; ``n_max`` limits the sources.
        path: the TOML file.
        tuned: False takes :data:`~sim2real.training.recipes.UNTUNED`.

    Raises:
        DataError: as :func:`load_local_tasks`, or a side has too few materials.
    """
    studies = []
    for name, (source, target, descriptor) in load_local_tasks(path).items():
        limited = limit_target(target, settings.preset.target_max)
        study = describe(f"local-{name}", limit_source(source, settings.n_max), limited, descriptor, workers=settings.workers)
        studies.append(_ready(name, study, settings, tuned))
    return studies


def load_local_transport(settings: Settings, path: Path = TABLES, *, tuned: bool = True) -> Study:
    """The Wiedemann-Franz study of a TOML file, its first block of kind ``conductivity``; as :func:`load_local_studies`.

    Its target's table and ``simulated_target`` are those of :func:`~sim2real.studies.transport_studies.load_transport_study`.

    Raises:
        DataError: as :func:`load_local_transport_tasks`, or a side has too few materials.
    """
    name, (thermal, electrical) = next(iter(load_local_transport_tasks(path).items()))
    electrical = limit_target(electrical, settings.preset.target_max)
    study = transport_study(f"local-{name}", thermal, electrical, n_max=settings.n_max, workers=settings.workers)
    return _ready(name, study, settings, tuned)


def _ready(name: str, study: Study, settings: Settings, tuned: bool) -> Study:
    """The study with hyperparameters, if it has enough materials."""
    check_sizes(name, study)
    chosen = chosen_for(study, min(training_size(study.target), settings.m_max), tune) if tuned else UNTUNED
    return replace(study, settings=chosen)


def check_sizes(name: str, study: Study) -> None:
    """Refuse sides with too few materials to learn from.

    Raises:
        DataError: the side, its materials and how many are needed.
    """
    for side, least in ((study.source, SMALLEST_SOURCE), (study.target, SMALLEST_TARGET)):
        if len(side) < least:
            raise DataError(f"{name}: {side.name} has {len(side)} materials that can be used; expected at least {least}")


def blocks_of_kind(path: Path, kind: str) -> dict[str, dict]:
    """The blocks of one kind.

    Raises:
        DataError: the file cannot be read.
        NoStudy: there is none.
    """
    blocks = {name: entry for name, entry in read_blocks(path).items() if kind_of(entry) == kind}
    if not blocks:
        raise NoStudy(f"{short(path)} names no study of kind {kind}; {short(EXAMPLE)} shows how")
    return blocks


def read_blocks(path: Path) -> dict[str, object]:
    """The entries of a TOML file, at least one."""
    if not path.is_file():
        raise DataError(f"EDITION=local: no file {short(path)}; copy {short(EXAMPLE)} to it and name your tables there")
    try:
        blocks = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{short(path)}: {error}") from error
    if not blocks:
        raise DataError(f"{short(path)} names no study; {short(EXAMPLE)} shows how")
    return blocks


def kind_of(entry: object) -> str:
    """What a block says it is, ``any`` where it does not."""
    return str(entry.get("kind", "any")) if isinstance(entry, dict) else "any"


def _tasks(path: Path, name: str, entry: object) -> tuple[Task, Task, str]:
    where = check_block(path, name, entry, _STUDY)
    kind = entry.get("kind", "any")
    if kind not in ("any", "polymer", "molecule", "composition"):
        raise DataError(f"{where}: kind is {kind!r}; expected any, polymer, molecule, composition, {CONDUCTIVITY} or {CHI}")
    descriptor = entry.get("descriptor", "composition" if kind == "composition" else "molecular")
    if descriptor not in DESCRIPTORS:
        raise DataError(f"{where}: descriptor is {descriptor!r}; expected one of {', '.join(DESCRIPTORS)}")
    property = entry.get("property", "")
    known = PROPERTIES | OTHER_PROPERTIES
    if property and property not in known:
        raise DataError(f"{where}: property is {property!r}; expected one of {', '.join(known)}, or leave it out")
    source, target = (_side(f"{where}, {side}", path.parent, entry[side], property, kind) for side in ("source", "target"))
    if source.property.unit != target.property.unit:
        raise DataError(f"{where}: source is in {source.property.unit}, target in {target.property.unit}; expected one unit")
    # figures name the property once, by the target's column, and the block where it says something else
    prop = target.property
    if name != prop.name:
        prop = replace(prop, label=f"{name}: {prop.label}")
    return replace(source, property=prop), replace(target, property=prop), descriptor


def _conductivities(path: Path, name: str, entry: object) -> tuple[Task, Task]:
    where = check_block(path, name, entry, {"source", "target", "kind"})
    sides = []
    for side, property in (("source", THERMAL), ("target", ELECTRICAL)):
        own = entry[side]
        _check_side(f"{where}, {side}", own, {"file", "structure", "value"}, _SIDE | {"unit_column"})
        options = {key: value for key, value in own.items() if key != "file"}
        sides.append(read_transport(path.parent / own["file"], property=property, **options))
    thermal, electrical = sides
    return thermal, with_law(electrical, thermal)


def check_block(path: Path, name: str, entry: object, known: set[str]) -> str:
    """Where a block stands, for messages, once its name and entries are right."""
    where = f"{short(path)}, [{name}]"
    if not re.fullmatch(r"\w[\w-]*", name):
        raise DataError(f"{where}: expected a name of letters, digits, - and _, since files are called after it")
    if not isinstance(entry, dict) or not {"source", "target"} <= set(entry):
        raise DataError(f"{where}: expected the entries source and target; {short(EXAMPLE)} shows how")
    refuse_others(where, entry, known)
    return where


def _side(where: str, folder: Path, entry: object, property: str, kind: str) -> Task:
    _check_side(where, entry, {"file", "structure", "value", "unit"}, _SIDE)
    options = {key: value for key, value in entry.items() if key != "file"}
    return Task.from_table(folder / entry["file"], property=property, kind=kind, **options)


def _check_side(where: str, entry: object, needed: set[str], known: set[str]) -> None:
    missing = needed - set(entry if isinstance(entry, dict) else ())
    if missing:
        raise DataError(f"{where}: {', '.join(sorted(missing))} missing; expected {_listed(needed)}")
    refuse_others(where, entry, known)


def _listed(names: set[str]) -> str:
    *first, last = (name for name in ("file", "structure", "value", "unit") if name in names)
    return f"{', '.join(first)} and {last}"


def refuse_others(where: str, entry: dict, known: set[str]) -> None:
    unknown = sorted(set(entry) - known)
    if unknown:
        raise DataError(f"{where}: unknown entry {unknown[0]!r}; expected {', '.join(sorted(known))}")


def chosen_for(study: Study, m: int, choose: Callable[[Study, int], tuple]) -> object:
    """What was chosen for these very data, or is chosen now."""
    store = CACHE / "tuning" / f"{study.name}-{study.source.fingerprint}-{study.target.fingerprint}-m{m}"
    path = store.with_name(store.name + ".json")
    if path.exists():
        return from_dict(json.loads(path.read_text()))
    print(f"{study.name}: choosing hyperparameters on validation data, some minutes, once for these data")
    settings, table = choose(study, m)
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(store.with_name(store.name + ".csv"), index=False, lineterminator="\n")
    part = store.with_name(store.name + ".part")
    part.write_text(json.dumps(asdict(settings), indent=1) + "\n")
    part.replace(path)
    return settings


def short(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
