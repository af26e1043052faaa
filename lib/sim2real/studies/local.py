"""The edition ``local``: your own tables, named in a TOML file (``data/local.example.toml`` explains it)."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sim2real.datasets.conductivity import ELECTRICAL, THERMAL
from sim2real.datasets.pairs import chi_from_table
from sim2real.datasets.paths import CACHE, DATA, ROOT
from sim2real.datasets.tables import read_table
from sim2real.datasets.task import OTHER_PROPERTIES, PROPERTIES, DataError, NoStudy, Task
from sim2real.datasets.transport import read_transport
from sim2real.studies.conductivity import by_law
from sim2real.studies.kinds import KINDS, announce
from sim2real.studies.pairs import own_pairs
from sim2real.studies.presets import Settings
from sim2real.studies.sides import DESCRIPTORS, PAIR_DESCRIPTOR, Sides, limit_source, limit_target
from sim2real.training.recipes import Recipe, from_dict
from sim2real.training.study import Study

TABLES = ROOT / "data" / "local.toml"
EXAMPLE = DATA / "local.example.toml"
SMALLEST_TARGET, SMALLEST_SOURCE = 10, 40
_ANY = ("any", "polymer", "molecule", "composition")


@dataclass(frozen=True)
class Reader:
    """How the blocks of one kind of study are read.

    Attributes:
        kinds: what ``kind`` says in the file, the default first.
        words: of such a study, for the file that names none.
        entries: of the block beside ``source``, ``target`` and ``kind``.
        needed, known: entries of a side.
        read: (where, block, file and entries of both sides) -> the two tables.
        sides: (source, target, settings) -> what is learned.
        hint: what else a side needs, for messages.
    """

    kinds: tuple[str, ...]
    words: str
    entries: tuple[str, ...]
    needed: tuple[str, ...]
    known: tuple[str, ...]
    read: Callable[[str, dict, list[tuple[Path, dict]]], tuple[Task, Task]]
    sides: Callable[[Task, Task, Settings], Sides]
    hint: str = ""


def _read_materials(where: str, block: dict, tables: list[tuple[Path, dict]]) -> tuple[Task, Task]:
    property = block.get("property", "")
    known = PROPERTIES | OTHER_PROPERTIES
    if property and property not in known:
        raise DataError(f"{where}: property is {property!r}; expected one of {', '.join(known)}, or leave it out")
    options = {"property": property, "kind": block.get("kind", "any")}
    source, target = (read_table(path, **options, **entries) for path, entries in tables)
    if source.property.unit != target.property.unit:
        raise DataError(f"{where}: source is in {source.property.unit}, target in {target.property.unit}; expected one unit")
    # figures name the property once, by the target's column
    return replace(source, property=target.property), target


def _read_pairs(where: str, block: dict, tables: list[tuple[Path, dict]]) -> tuple[Task, Task]:
    try:
        source, target = (chi_from_table(path, **entries) for path, entries in tables)
    except DataError:
        raise
    except ValueError as error:  # a wrong choice of columns or an unknown unit
        raise DataError(f"{where}: {error}") from error
    return source, target


def _read_conductivities(where: str, block: dict, tables: list[tuple[Path, dict]]) -> tuple[Task, Task]:
    thermal, electrical = (read_transport(p, property=q, **e) for (p, e), q in zip(tables, (THERMAL, ELECTRICAL)))
    return thermal, electrical


def own_materials(source: Task, target: Task, settings: Settings) -> Sides:
    """Two tables of one property, cut to the sizes of a run."""
    return Sides(limit_source(source, settings.n_max), limit_target(target, settings.preset.target_max))


_SIDE = ("file", "structure", "value", "unit", "name", "group", "licence", "citation")
_PAIR = ("file", "temperature", "value", "polymer", "solvent", "pair", "separator", "temperature_unit", "group", "name")
READERS = {
    "polymers": Reader(
        kinds=_ANY,
        words="materials and one property",
        entries=("property", "descriptor"),
        needed=("file", "structure", "value", "unit"),
        known=_SIDE,
        read=_read_materials,
        sides=own_materials,
    ),
    "pairs": Reader(
        kinds=("chi",),
        words="kind chi",
        entries=(),
        needed=("file", "temperature", "value"),
        known=(*_PAIR, "licence", "citation"),
        read=_read_pairs,
        sides=own_pairs,
        hint=", and polymer and solvent, or pair",
    ),
    "conductivity": Reader(
        kinds=("conductivity",),
        words="kind conductivity",
        entries=(),
        needed=("file", "structure", "value"),
        known=(*_SIDE, "unit_column"),
        read=_read_conductivities,
        sides=by_law,
    ),
}


def tables_path(tables: str | Path = "") -> Path:
    """Your TOML file: relative to the working directory or to the repository's root, ``data/local.toml`` if empty."""
    path = Path(tables or TABLES)
    return path if path.exists() else ROOT / path


def read_file_of_blocks(path: Path) -> dict[str, Any]:
    """Every entry of a TOML file, each of a known kind; errors are those of :func:`read_blocks`."""
    if not path.is_file():
        raise DataError(f"EDITION=local: no file {short(path)}; copy {short(EXAMPLE)} to it and name your tables there")
    try:
        blocks = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{short(path)}: {error}") from error
    if not blocks:
        raise DataError(f"{short(path)} names no study; {short(EXAMPLE)} shows how")
    every = [word for reader in READERS.values() for word in reader.kinds]
    for name, block in blocks.items():
        if kind_of(block) not in every:
            raise DataError(f"{_where(path, name)}: kind is {kind_of(block)!r}; expected {_listed(every, 'or')}")
    return blocks


def read_blocks(kind: str, path: Path = TABLES, property: str = "") -> dict[str, Any]:
    """The blocks of a TOML file that are of one kind of study: name -> entries.

    Args:
        kind: a key of :data:`READERS`.
        path: the TOML file.
        property: name or property of the block that comes first; the file's order if empty.

    Raises:
        DataError: no such file, or an unknown kind; one line that says what to do.
        NoStudy: there is none of that kind.
        ValueError: no block has that name or property; the message lists those there are.
    """
    own = {name: block for name, block in read_file_of_blocks(path).items() if kind_of(block) in READERS[kind].kinds}
    if not own:
        raise NoStudy(f"{short(path)} names no study of {READERS[kind].words}; {short(EXAMPLE)} shows how")
    first = [name for name, block in own.items() if not property or property in (name, _property_of(block))][:1]
    if not first:
        raise ValueError(f"unknown PROPERTY {property!r}: {short(path)} has the blocks {_listed(own)}")
    return {name: own[name] for name in (*first, *(name for name in own if name not in first))}


def kind_of_study(path: Path, block: str = "") -> str:
    """The kind of study that a block is, the file's first if empty; errors are those of :func:`read_blocks`."""
    blocks = read_file_of_blocks(path)
    if block and block not in blocks:
        raise ValueError(f"unknown block {block!r}: {short(path)} has {_listed(blocks)}")
    word = kind_of(blocks[block or next(iter(blocks))])
    return next(kind for kind, reader in READERS.items() if word in reader.kinds)


def read_tables(kind: str, path: Path, name: str, block: dict) -> tuple[Task, Task]:
    """The two tables of a block: simulated and measured values of materials or pairs, or log10 of kappa and of sigma.

    Raises:
        DataError: an unknown or missing entry, or a table that cannot be used; one line that says what to do.
    """
    reader, where = READERS[kind], _where(path, name)
    if not re.fullmatch(r"\w[\w-]*", name):
        raise DataError(f"{where}: expected a name of letters, digits, - and _, since files are called after it")
    if not isinstance(block, dict) or not {"source", "target"} <= set(block):
        raise DataError(f"{where}: expected the entries source and target; {short(EXAMPLE)} shows how")
    _refuse_others(where, block, ("source", "target", "kind", *reader.entries))
    descriptor_of(kind, block, where)
    tables = []
    for side in ("source", "target"):
        entry = block[side] if isinstance(block[side], dict) else {}
        missing = sorted(set(reader.needed) - set(entry))
        if missing:
            raise DataError(f"{where}, {side}: {', '.join(missing)} missing; expected {_listed(reader.needed)}{reader.hint}")
        _refuse_others(f"{where}, {side}", entry, reader.known)
        tables.append((path.parent / entry["file"], {key: value for key, value in entry.items() if key != "file"}))
    source, target = reader.read(where, block, tables)
    if target.property.name == name or kind != "polymers":
        return source, target
    labelled = replace(target.property, label=f"{name}: {target.property.label}")
    return replace(source, property=labelled), replace(target, property=labelled)


def own_sides(kind: str, settings: Settings, *, block: str, tables: Path, **_: str) -> Sides:
    """The two sides of a block without descriptors; errors are those of :func:`read_blocks` and :func:`read_tables`."""
    return READERS[kind].sides(*read_tables(kind, tables, block, read_blocks(kind, tables)[block]), settings)


def descriptor_of(kind: str, block: Any, where: str = "") -> str:
    """The name of the descriptor of a block.

    Raises:
        DataError: an unknown one.
    """
    if kind != "polymers":
        return {"pairs": PAIR_DESCRIPTOR, "conductivity": "composition"}[kind]
    entries = block if isinstance(block, dict) else {}
    descriptor = entries.get("descriptor", "composition" if kind_of(block) == "composition" else "molecular")
    if descriptor not in DESCRIPTORS:
        raise DataError(f"{where}: descriptor is {descriptor!r}; expected one of {', '.join(DESCRIPTORS)}")
    return descriptor


def check_sizes(name: str, study: Study) -> None:
    """Refuse sides with too few materials to learn from.

    Raises:
        DataError: the side, its materials and how many are needed.
    """
    for side, least in ((study.source, SMALLEST_SOURCE), (study.target, SMALLEST_TARGET)):
        if len(side) < least:
            raise DataError(f"{name}: {side.name} has {len(side)} materials that can be used; expected at least {least}")


def chosen_for(study: Study, m: int, kind: str) -> Recipe:
    """What was chosen for these very data on validation data inside the training part, or is chosen now, some minutes, and kept.

    Args:
        study: its ``settings`` are not used.
        m: target training size.
        kind: a key of :data:`~sim2real.studies.kinds.KINDS`, for what is tried.
    """
    # a choice among other candidates is not taken
    tried = hashlib.sha256(repr(KINDS[kind].candidates.stages).encode()).hexdigest()[:8]
    store = CACHE / "tuning" / f"{study.name}-{study.source.fingerprint}-{study.target.fingerprint}-m{m}-{tried}"
    path = store.with_name(store.name + ".json")
    if path.exists():
        return from_dict(json.loads(path.read_text()))
    announce(f"{study.name}: choosing hyperparameters on validation data, some minutes, once for these data")
    settings, table = KINDS[kind].choose(study, m)
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(store.with_name(store.name + ".csv"), index=False, lineterminator="\n")
    part = store.with_name(store.name + ".part")
    part.write_text(json.dumps(asdict(settings), indent=1) + "\n")
    part.replace(path)
    return settings


def kind_of(block: Any) -> str:
    """What a block says it is, ``any`` where it does not."""
    return str(block.get("kind", "any")) if isinstance(block, dict) else "any"


def _property_of(block: Any) -> str:
    """The property that a block names, or the column of its own one."""
    target = block.get("target", {}) if isinstance(block, dict) else {}
    return str(block.get("property") or (target.get("value", "") if isinstance(target, dict) else ""))


def short(path: Path) -> str:
    """A file by its folder and name."""
    return f"{path.parent.name}/{path.name}"


def _where(path: Path, name: str) -> str:
    return f"{short(path)}, [{name}]"


def _listed(names: Iterable[str], joint: str = "and") -> str:
    *first, last = names
    return f"{', '.join(first)} {joint} {last}" if first else last


def _refuse_others(where: str, entry: dict, known: Iterable[str]) -> None:
    unknown = sorted(set(entry) - set(known))
    if unknown:
        raise DataError(f"{where}: unknown entry {unknown[0]!r}; expected {', '.join(sorted(known))}")
