"""Keys and classes of many structures: worked out by all processes, and kept on disk."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import joblib
import pymatgen.core
import rdkit
from joblib import Parallel, delayed
from tqdm import tqdm

from sim2real import chemistry
from sim2real.chemistry.classes import class_of_mol
from sim2real.chemistry.formulas import read_formula
from sim2real.chemistry.structures import key_of_mol, parse
from sim2real.chemistry.texts import reason_of
from sim2real.datasets.paths import CACHE

SERIAL = 2000  # structures that are not worth other processes
PATIENCE = 10  # seconds after which progress is shown


class Keyed(NamedTuple):
    """What a structure is: its key and class, or why it cannot be used."""

    key: str
    group: str
    fault: str = ""


def read_keys(texts: Iterable[object], kind: str) -> dict[object, Keyed]:
    """Key and class of every distinct structure; ``kind`` is ``composition`` or any other.

    What was worked out once is kept in the cache, by the source text of the modules that do so; a cache that cannot be used is
    passed over.
    """
    wanted = list(dict.fromkeys(texts))
    path = CACHE / "keys" / f"{'formulas' if kind == 'composition' else 'structures'}-{_version()}.sqlite"
    found = _stored(path, wanted)
    missing = [text for text in wanted if text not in found]
    processes = joblib.cpu_count() if len(missing) > SERIAL else 1
    chunks = [missing[k : k + 500] for k in range(0, len(missing), 500)]
    made = Parallel(n_jobs=processes, return_as="generator")(delayed(_read)(chunk, kind) for chunk in chunks)
    with tqdm(total=len(missing), desc="structures", unit="", delay=PATIENCE, leave=False) as bar:
        for chunk, keyed in zip(chunks, made):
            new = dict(zip(chunk, keyed))
            found |= new
            _store(path, new)
            bar.update(len(chunk))
    return found


def _read(texts: Sequence[object], kind: str) -> list[Keyed]:
    return [_read_formula(text) if kind == "composition" else _read_structure(text) for text in texts]


def _read_formula(text: object) -> Keyed:
    try:
        formula = read_formula(text)
    except ValueError as error:
        return Keyed("", "", reason_of(error, text))
    return Keyed(formula.key, formula.family)


def _read_structure(text: object) -> Keyed:
    try:
        mol = parse(text)
        key = key_of_mol(mol)
        return Keyed(key, class_of_mol(mol) if "*" in key else "molecule")
    except ValueError as error:
        return Keyed("", "", reason_of(error, text))


def _version() -> str:
    folder = Path(chemistry.__file__).parent
    sources = b"".join(path.read_bytes() for path in sorted([*folder.glob("*.py"), *folder.glob("*.csv")]))
    return hashlib.sha256(sources + f"{rdkit.__version__} {pymatgen.core.__version__}".encode()).hexdigest()[:16]


def _stored(path: Path, wanted: Sequence[object]) -> dict[object, Keyed]:
    if not path.exists():
        return {}
    texts = {text for text in wanted if isinstance(text, str)}
    query = "select text, key, family, fault from keys"
    try:
        with closing(sqlite3.connect(path, timeout=30)) as store:
            if len(texts) > SERIAL:
                rows = (row for row in store.execute(query) if row[0] in texts)
            else:
                rows = (row for text in texts for row in store.execute(f"{query} where text = ?", (text,)))
            return {text: Keyed(*keyed) for text, *keyed in rows}
    except sqlite3.Error:
        return {}


def _store(path: Path, keyed: dict[object, Keyed]) -> None:
    rows = [(text, *of) for text, of in keyed.items() if isinstance(text, str)]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=30)) as store, store:
            store.execute("create table if not exists keys (text text primary key, key text, family text, fault text)")
            store.executemany("insert or ignore into keys values (?, ?, ?, ?)", rows)
    except (OSError, sqlite3.Error):
        return  # the next table works them out again
