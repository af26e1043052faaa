"""Blocks of trials of one arm and one n, at every m: what determines them, and where they are stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim2real.datasets.task import Task
from sim2real.training.baselines import NEED_SIMULATED
from sim2real.training.keeping import locked, write_whole, writing
from sim2real.training.kernel import engine, networks_at_once
from sim2real.training.recipes import NETWORK_ARMS, Simulations
from sim2real.training.seeding import numpy_generator
from sim2real.training.study import TEST_FRACTION, Design, Study, splits

# raised when a change of the code changes results of networks, or of baselines: stored trials of the old code are not mixed in
ENGINE, BASELINES_ENGINE = 3, 5
# trials; baselines share nothing, and some take seconds each
BLOCK, BASELINES_BLOCK = 32, 5
ROWS = 8_000_000  # of sources that the trials of one block hold together, so that memory is bounded whatever n is
# what may differ between the stored trials of one study and design: entries of a cell's description
CHANGES = {"engine", "settings", "target", "source", "simulated"}
ERRORS = {"trial": np.int32, "material": np.int32, "absolute_error": np.float64}

Cell = tuple[str, int, int]  # arm, n, m


@dataclass(frozen=True)
class Block:
    """Trials that are trained together; n is 0 for all arms but ``transfer``."""

    arm: str
    n: int
    m_grid: tuple[int, ...]
    trials: tuple[int, ...]

    @property
    def turn(self) -> tuple[bool, int]:
        """Where it stands in the order of work: long blocks first, so that workers end together; baselines can be the longest."""
        return self.arm in NETWORK_ARMS, -self.n


def trained_by() -> str:
    """The code that trains networks, and what runs it here, which rounds in its own way."""
    return f"{ENGINE}, {engine()}"


@dataclass(frozen=True)
class Plan:
    """Which trials of a study and design are stored and which are missing; ``source`` is what the design leaves of the study's."""

    study: Study
    source: Task
    design: Design
    store: Path
    arms: tuple[str, ...]
    engine: str = field(default_factory=trained_by)

    @property
    def cells(self) -> list[Cell]:
        """(arm, n, m) of everything that the design asks for."""
        grids = {arm: self.design.n_grid if arm == "transfer" else (0,) for arm in self.arms}
        return [(arm, n, m) for arm, n_grid in grids.items() for n in n_grid for m in self.design.m_grid]

    @property
    def label(self) -> str:
        """What names random numbers and folders: studies that share it, their data and their settings share trials."""
        return self.study.splits or self.study.name

    def description(self, cell: Cell) -> dict[str, object]:
        """Everything that determines the numbers of a cell; a stage that an arm does not use does not count."""
        arm, n, m = cell
        simulated = self.study.simulated_target if arm in NEED_SIMULATED else None
        return {
            "engine": self.engine if arm in NETWORK_ARMS else BASELINES_ENGINE,
            "splits": self.label,
            "arm": arm,
            "n": n,
            "m": m,
            "seed": self.design.seed,
            "test_fraction": TEST_FRACTION,
            **({"split_by": self.study.split_by} if self.study.split_by else {}),
            **({"without": "tested"} if arm == "transfer" and self.drops_tested else {}),
            "settings": self.study.settings_at(m).used(arm) if arm in NETWORK_ARMS else {},
            "target": self.study.target.fingerprint,
            "source": self.source.fingerprint if arm == "transfer" else None,
            "source_draws": self.design.source_draws if arm == "transfer" else None,
            "simulated": None if simulated is None else hashlib.sha256(np.ascontiguousarray(simulated)).hexdigest()[:16],
        }

    def folder(self, cell: Cell) -> Path:
        key = hashlib.sha256(json.dumps(self.description(cell), sort_keys=True).encode()).hexdigest()[:12]
        return self.store / f"{self.label}-{cell[0]}-n{cell[1]}-m{cell[2]}-{key}"

    def read(self, say: Callable[[str], None]) -> dict[Cell, pd.DataFrame]:
        """The stored errors of every cell; a file that cannot be read is removed, and said to be trained again."""
        found = {}
        for cell in self.cells:
            parts = []
            for path in sorted(self.folder(cell).glob("*.parquet")):
                try:
                    parts.append(_read(path))
                except (OSError, ValueError, KeyError) as error:
                    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                    say(f"{path}: cannot be read ({reason}); removed, and its trials are trained again")
                    with suppress(OSError):
                        path.unlink()
            table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(ERRORS)).astype(ERRORS)
            found[cell] = table.drop_duplicates(["trial", "material"]).sort_values("trial", kind="stable", ignore_index=True)
        return found

    def missing_blocks(self, found: dict[Cell, pd.DataFrame]) -> list[Block]:
        """The trials that :meth:`read` has not found, in blocks; those of one arm and n with the same gaps share a block over all
        m.
        """
        wanted = set(range(self.design.trials))
        by_arm: dict[tuple[str, int, tuple[int, ...]], list[int]] = {}
        for cell in self.cells:
            # trials of one source draw side by side, so that a block pretrains it once
            missing = sorted(wanted - set(found[cell]["trial"].unique()), key=lambda t: (self.design.draw(t), t))
            by_arm.setdefault((cell[0], cell[1], tuple(missing)), []).append(cell[2])
        blocks = []
        for (arm, n, missing), m_grid in by_arm.items():
            of_networks = networks_at_once(n) if engine() == "cuda" else min(BLOCK, max(1, ROWS // max(1, n)))
            size = of_networks if arm in NETWORK_ARMS else BASELINES_BLOCK
            # trials in their order where one block holds all: its name is read more easily
            parts = np.array_split(missing if len(missing) > size else sorted(missing), -(-len(missing) // size) or 1)
            blocks += [Block(arm, n, tuple(m_grid), tuple(int(t) for t in part)) for part in parts if len(part)]
        return blocks

    def is_stored(self, block: Block) -> bool:
        """Whether another run has stored this block since."""
        return all(self._path((block.arm, block.n, m), block.trials).exists() for m in block.m_grid)

    def save(self, block: Block, tables: Sequence[pd.DataFrame]) -> None:
        """Write the errors of a block at each m, all at once or not at all; an OSError in one line where that cannot be done."""
        for m, table in zip(block.m_grid, tables):
            path = self._path(cell := (block.arm, block.n, m), block.trials)
            about = path.with_name("about.json")
            with writing(self.store):
                path.parent.mkdir(parents=True, exist_ok=True)
                if not about.exists():
                    write_whole(about, json.dumps(self.description(cell), indent=1).encode())
                buffer = pa.BufferOutputStream()
                pq.write_table(pa.Table.from_pandas(table, preserve_index=False), buffer)
                write_whole(path, buffer.getvalue())

    @contextmanager
    def alone(self, say: Callable[[str], None]) -> Iterator[bool]:
        """Held while trials are trained; False, and said, where another process holds it. OSError: nothing can be stored."""
        with locked(self.store, self.label, wait=False) as is_alone:
            if not is_alone:
                say(f"{self.study.name}: another run trains trials of it in {self.store}; what one has done, both use")
            yield is_alone

    def changes(self, found: dict[Cell, pd.DataFrame]) -> str:
        """One line on an arm without stored trials that has some of the same design, of what has changed since; empty if none."""
        for arm in self.arms:
            cell = next(c for c in self.cells if c[0] == arm)
            if len(found[cell]):
                continue
            own = self.description(cell)
            for path in sorted(self.store.glob(f"{self.folder(cell).name.rpartition('-')[0]}-*/about.json")):
                with suppress(OSError, ValueError):
                    other = json.loads(path.read_text())
                    changed = {name for name in own | other if json.dumps(own.get(name)) != json.dumps(other.get(name))}
                    if changed and changed <= CHANGES:
                        said = ", ".join("code of the training" if name == "engine" else name for name in sorted(changed))
                        return (
                            f"{self.study.name}, {arm}: changed since trials were stored: {said}; trained anew, the others are kept"
                        )
        return ""

    def lean(self) -> Plan:
        """The same trials with no more of the tables than training reads: what is sent to other processes."""
        codes = pd.factorize(np.concatenate([self.source.keys, self.study.target.keys]))[0]
        source, target = (
            _lean(*of) for of in ((self.source, codes[: len(self.source)]), (self.study.target, codes[len(self.source) :]))
        )
        if by := self.study.split_by:
            target = replace(target, table=target.table.assign(**{by: pd.factorize(self.study.target.table[by])[0]}))
        return replace(self, source=source, study=replace(self.study, source=source, target=target))

    def _path(self, cell: Cell, trials: tuple[int, ...]) -> Path:
        name = "_".join(map(str, trials))
        return self.folder(cell) / f"{name}.parquet"

    def seed(self, *parts: object) -> tuple:
        return (self.design.seed, self.label, *parts)

    def split(self, trial: int) -> tuple[np.ndarray, np.ndarray]:
        """Training rows in the order in which m takes them, and test rows, of the target."""
        return splits(self.study, self.design.seed, [trial])[0]

    @property
    def drops_tested(self) -> bool:
        """Whether each trial leaves out of its source what it tests on."""
        return self.design.overlap == "drop" and self.study.drop_tested

    def source_rows(self, trial: int, n: int) -> np.ndarray:
        """The n rows of ``source`` that a trial takes; those for a smaller n are the first of them."""
        rows = numpy_generator(*self.seed("source", self.design.draw(trial))).permutation(len(self.source))
        if self.drops_tested:
            tested = self.study.target.keys[self.split(trial)[1]]
            rows = rows[~np.isin(self.source.keys[rows], tested)]
        return rows[:n]

    def own_source(self, trial: int) -> tuple[int, ...]:
        """What names a trial's source: trials of one name learn from the same rows, and share the networks pretrained on them."""
        draw = self.design.draw(trial)
        # a source without what a trial tests on is that trial's own
        return (draw, trial) if self.drops_tested else (draw,)

    def drawn(self, trials: tuple[int, ...], n: int) -> Simulations:
        """What these trials learn from."""
        rows = np.stack([self.source_rows(t, n) for t in trials])
        return Simulations(self.source, rows, [self.seed("pretraining", n, *self.own_source(t)) for t in trials])


def _read(path: Path) -> pd.DataFrame:
    """One stored block; a ValueError where it does not hold the errors of the trials that it is named after."""
    table = pq.ParquetFile(path).read().to_pandas()
    if {name: table[name].dtype for name in table} != ERRORS or sorted(map(int, path.stem.split("_"))) != sorted(
        set(table["trial"])
    ):
        raise ValueError("not the errors of these trials")
    return table


def _lean(task: Task, keys: np.ndarray) -> Task:
    table = pd.DataFrame({"key": keys, "value": task.y}).assign(structure=np.int8(0), group=np.int8(0))
    return Task(task.name, task.property, table, "", "", X=task.X)
