"""The edition ``local``: your own tables, named in a TOML file (``data/local.example.toml`` explains it)."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim2real.datasets.conductivity import ELECTRICAL, THERMAL
from sim2real.datasets.pairs import chi_from_table
from sim2real.datasets.paths import CACHE, DATA, ROOT
from sim2real.datasets.tables import check_units, read_table
from sim2real.datasets.task import DROPPED_COLUMNS, OTHER_PROPERTIES, PROPERTIES, DataError, NoStudy, Task
from sim2real.datasets.transport import read_transport
from sim2real.studies.kinds import KINDS, announce
from sim2real.studies.presets import Settings
from sim2real.studies.sides import DESCRIPTORS, Sides, by_law, own_tables
from sim2real.training.study import Study

TABLES = ROOT / "data" / "local.toml"
EXAMPLE = DATA / "local.example.toml"
SMALLEST_TARGET, SMALLEST_SOURCE = 10, 40


@dataclass(frozen=True)
class Reader:
    """How the blocks of one kind of study are read."""

    kinds: tuple[str, ...]  # what ``kind`` says in the file, the default first
    words: str  # of such a study, for the file that names none
    needed: tuple[str, ...]  # entries of a side
    known: tuple[str, ...]
    read: Callable[[str, dict, list[tuple[Path, dict]]], Iterable[Task]]  # (where, block, file and entries of both sides)
    sides: Callable[[Task, Task, Settings], Sides]
    entries: tuple[str, ...] = ()  # of the block beside ``source``, ``target`` and ``kind``
    hint: str = ""  # what else a side needs, for messages


def _read_materials(where: str, block: dict, tables: list[tuple[Path, dict]]) -> Iterable[Task]:
    property = block.get("property", "")
    known = PROPERTIES | OTHER_PROPERTIES
    if property and property not in known:
        raise DataError(f"{where}: property is {property!r}; expected one of {', '.join(known)}, or leave it out")
    source, target = (read_table(path, property=property, kind=_kind_of(block), **entries) for path, entries in tables)
    check_units(source, target, f"{where}: ")
    # figures name the property once, by the target's column
    return replace(source, property=target.property), target


def _read_pairs(where: str, _: dict, tables: list[tuple[Path, dict]]) -> Iterable[Task]:
    try:
        return [chi_from_table(path, **entries) for path, entries in tables]
    except DataError:
        raise
    except ValueError as error:  # a wrong choice of columns or an unknown unit
        raise DataError(f"{where}: {error}") from error


def _read_conductivities(_where: str, _: dict, tables: list[tuple[Path, dict]]) -> Iterable[Task]:
    return [read_transport(path, property=of, **entries) for (path, entries), of in zip(tables, (THERMAL, ELECTRICAL))]


_TABLE = (
    *("file", "sheet", "decimal", "deuterium", "value", "temperature", "temperature_unit", "kelvin"),
    *("group", "label", "name", "licence", "citation"),
)
_SIDE = (*_TABLE, "structure", "unit", "unit_column")
READERS = {
    "polymers": Reader(
        ("any", "polymer", "molecule", "composition"),
        "materials and one property",
        needed=("file", "structure", "value", "unit"),  # or unit_column
        known=_SIDE,
        read=_read_materials,
        sides=own_tables,
        entries=("property", "descriptor"),
    ),
    "pairs": Reader(
        ("chi",),
        "kind chi",
        needed=("file", "temperature", "value"),
        known=(*_TABLE, "polymer", "solvent", "pair", "separator"),
        read=_read_pairs,
        sides=own_tables,
        hint=", and polymer and solvent, or pair",
    ),
    "conductivity": Reader(
        ("conductivity",),
        "kind conductivity",
        needed=("file", "structure", "value"),
        known=_SIDE,
        read=_read_conductivities,
        sides=by_law,
    ),
}


# what stands in a file that is no TOML -> what to do
_HINTS = {r"\\": "write / between folders", "[“”„‘’]": "write straight quotation marks", r"^\w+\s*:": "write = instead of :"}


def tables_path(tables: str | Path = "") -> Path:
    """Your TOML file: relative to the working directory or to the repository's root, ``data/local.toml`` if empty."""
    path = Path(tables or TABLES)
    return path if path.exists() else ROOT / path


def _every_block(path: Path) -> dict[str, dict]:
    """Every entry of a TOML file, each of a known kind; errors are those of :func:`read_blocks`."""
    if not path.is_file():
        raise DataError(f"EDITION=local: no file {_short(path)}; copy {_short(EXAMPLE)} to it and name your tables there")
    try:
        text = path.read_text(encoding="utf-8-sig")
        entries = tomllib.loads(text)
    except UnicodeDecodeError as error:
        utf16 = path.read_bytes()[:2] in (b"\xff\xfe", b"\xfe\xff")
        raise DataError(f"{_short(path)}: it is {'UTF-16' if utf16 else 'not UTF-8'}; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        hint = next((hint for found, hint in _HINTS.items() if re.search(found, text, re.M)), "texts stand in quotation marks")
        raise DataError(f"{_short(path)}: {error}; {hint}") from error
    except OSError as error:
        raise DataError(f"{_short(path)}: {error}") from error
    if not entries:
        raise DataError(f"{_short(path)} names no study; {_short(EXAMPLE)} shows how")
    every = [word for reader in READERS.values() for word in reader.kinds]
    # a block that is none lacks both of its sides, and a side that is none all that it needs
    blocks = {name: _table(block) for name, block in entries.items()}
    for name, block in blocks.items():
        if _kind_of(block) not in every:
            raise DataError(f"{_where(path, name)}: kind is {_kind_of(block)!r}; expected {_listed(every, 'or')}")
    return blocks


def read_blocks(kind: str, path: Path = TABLES, property: str = "") -> dict[str, dict]:
    """The blocks of a TOML file of one kind of study: name -> entries, first the one of that name or ``property``.

    DataError: no such file or an unknown kind. NoStudy: none of that kind. ValueError: no block of that name or property.
    """
    own = {name: block for name, block in _every_block(path).items() if _kind_of(block) in READERS[kind].kinds}
    if not own:
        raise NoStudy(f"{_short(path)} names no study of {READERS[kind].words}; {_short(EXAMPLE)} shows how")
    # a block's property is the one it names, or the column of its own
    called = {name: (name, block.get("property") or _table(block.get("target")).get("value")) for name, block in own.items()}
    first = [name for name in own if not property or property in called[name]][:1]
    if not first:
        raise ValueError(f"unknown PROPERTY {property!r}: {_short(path)} has the blocks {_listed(own)}")
    return {name: own[name] for name in dict.fromkeys([*first, *own])}


def kind_of_study(path: Path, block: str = "") -> str:
    """The kind of study that a block is, the file's first if empty; errors are those of :func:`read_blocks`."""
    blocks = _every_block(path)
    if block and block not in blocks:
        raise ValueError(f"unknown block {block!r}: {_short(path)} has {_listed(blocks)}")
    word = _kind_of(blocks[block or next(iter(blocks))])
    return next(kind for kind, reader in READERS.items() if word in reader.kinds)


def read_tables(kind: str, path: Path, name: str, block: dict) -> tuple[Task, Task]:
    """A block's simulated and measured values, or log10 of kappa and of sigma; DataError where entry or table cannot be used."""
    reader, where = READERS[kind], _where(path, name)
    if not re.fullmatch(r"\w[\w-]*", name):
        raise DataError(f"{where}: expected a name of letters, digits, - and _, since files are called after it")
    if not {"source", "target"} <= set(block):
        raise DataError(f"{where}: expected the entries source and target; {_short(EXAMPLE)} shows how")
    _refuse_others(where, block, ("source", "target", "kind", *reader.entries))
    descriptor_of(kind, block, where)
    tables = []
    for side in ("source", "target"):
        entries = dict(_table(block[side]))
        missing = sorted(set(reader.needed) - set(entries) - ({"unit"} if "unit_column" in entries else set()))
        if missing:
            raise DataError(f"{where}, {side}: {', '.join(missing)} missing; expected {_listed(reader.needed)}{reader.hint}")
        _refuse_others(f"{where}, {side}", entries, reader.known)
        for entry, given in entries.items():
            if entry != "kelvin" and not isinstance(given, str) and (entry == "file" or type(given) not in (int, float)):
                raise DataError(f"{where}, {side}: {entry} is {given!r}; expected a text")
        file = os.path.normpath(entries.pop("file"))
        if file.startswith(os.pardir):
            raise DataError(f"{where}, {side}: {file} leads out of the folder of {path.name}; write the whole path if it is meant")
        if os.path.isabs(file):
            announce(f"{where}, {side}: reads {file}")
        tables.append((path.parent / file, entries))
    try:
        source, target = reader.read(where, block, tables)
    except DataError as error:
        raise error if where in str(error) else DataError(f"{where}: {error}") from error
    if target.property.name == name or kind != "polymers":
        return source, target
    labelled = replace(target.property, label=f"{name}: {target.property.label}")
    return replace(source, property=labelled), replace(target, property=labelled)


def every_table(path: Path) -> dict[str, tuple[Task, Task]]:
    """Both sides of every block of a TOML file, of any kind; errors as :func:`read_blocks` and :func:`read_tables`."""
    return {name: read_tables(kind_of_study(path, name), path, name, block) for name, block in _every_block(path).items()}


def own_sides(settings: Settings, *, kind: str, block: str, tables: Path, **_: str) -> Sides:
    """The two sides of a block without descriptors; errors are those of :func:`read_blocks` and :func:`read_tables`."""
    return READERS[kind].sides(*read_tables(kind, tables, block, read_blocks(kind, tables)[block]), settings)


def descriptor_of(kind: str, block: dict, where: str = "") -> str:
    """The name of the descriptor of a block; a DataError where it is unknown."""
    if KINDS[kind].descriptor:
        return KINDS[kind].descriptor
    descriptor = block.get("descriptor", "composition" if _kind_of(block) == "composition" else "molecular")
    if descriptor not in DESCRIPTORS:
        raise DataError(f"{where}: descriptor is {descriptor!r}; expected one of {', '.join(DESCRIPTORS)}")
    return descriptor


def check_study(name: str, study: Study) -> None:
    """List what is not used of a study of your own, and refuse sides from which nothing can be learned: a DataError with the side,
    its materials and how many are needed, or the value that all of them have.
    """
    list_dropped(name, study)
    for side, least in ((study.source, SMALLEST_SOURCE), (study.target, SMALLEST_TARGET)):
        if len(side) < least:
            raise DataError(f"{name}: {side.name} has {len(side)} materials that can be used; expected at least {least}")
        if np.ptp(side.y) <= 1e-9 * abs(side.y).max():
            what = f"all {len(side)} values of {side.property.name} are {side.y[0]:g} {side.property.unit}"
            raise DataError(f"{name}: {side.name}: {what}: there is nothing to learn")


def list_dropped(name: str, study: Study) -> None:
    """Write every row that a study does not use, with side, file, line, column and reason, to one file of the cache, and say so;
    where there is none, the file of an earlier run goes.
    """
    path = CACHE / "dropped" / f"{study.name}.csv"
    sides = [side.dropped.assign(side=word) for word, side in (("source", study.source), ("target", study.target))]
    dropped = pd.concat([side for side in sides if len(side)] or sides, ignore_index=True)
    # no formula of a spreadsheet
    dropped["found"] = dropped["found"].astype(str).str.replace(r"^(?=[=@]|[+-].*[(!|])", "'", regex=True)
    try:
        if dropped.empty:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        dropped[["side", *DROPPED_COLUMNS]].to_csv(path, index=False, lineterminator="\n")
        announce(f"{name}: {len(dropped)} rows are not used; {path} lists them with the reason")
    except OSError as error:
        announce(f"{name}: {len(dropped)} rows are not used; {path} cannot be written ({error.strerror})")


def _table(entry: Any) -> dict:
    """The entry itself, or an empty one where it holds no others."""
    return entry if isinstance(entry, dict) else {}


def _kind_of(block: dict) -> str:
    return str(block.get("kind", "any"))


def _short(path: Path) -> str:
    """A file by its folder, where it has one, and name."""
    return "/".join(filter(None, (path.parent.name, path.name)))


def _where(path: Path, name: str) -> str:
    return f"{_short(path)}, [{name}]"


def _listed(names: Iterable[str], joint: str = "and") -> str:
    *first, last = names
    return f"{', '.join(first)} {joint} {last}" if first else last


def _refuse_others(where: str, entry: dict, known: Iterable[str]) -> None:
    unknown = sorted(set(entry) - set(known))
    if unknown:
        raise DataError(f"{where}: unknown entry {unknown[0]!r}; expected {', '.join(sorted(known))}")
