"""Is your database worth growing? Two tables in, an answer out: in words, as figures, as tables, and as one page to send on."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sim2real import figures
from sim2real.datasets.command import Parser
from sim2real.datasets.files import read_file
from sim2real.datasets.numbers import Numbers
from sim2real.datasets.task import DataError, Task
from sim2real.datasets.values import Source, numbers_of
from sim2real.figures.words import plain_law
from sim2real.laws.bare import bare_curve
from sim2real.laws.curve import LearningCurve, learning_curve
from sim2real.laws.findings import Findings
from sim2real.laws.grid import CurveGrid, ErrorSurface, curve_grid, error_surface
from sim2real.studies import own
from sim2real.studies.local import EXAMPLE, kind_of_study
from sim2real.studies.presets import PRESETS, trainers
from sim2real.studies.report import page
from sim2real.studies.run import Run
from sim2real.studies.show import table
from sim2real.training.study import Study

MACHINERY = "A test of the machinery (preset smoke): hyperparameters are not tuned and trials are few, so this answers nothing."
_SURFACES = {ErrorSurface: figures.surface, CurveGrid: figures.curve_grid}


@dataclass(frozen=True)
class Answer:
    """What your tables say: ``print`` it, or :meth:`plot`, :meth:`table`, :meth:`report` and :meth:`save` it.

    Attributes:
        study: with descriptors and the hyperparameters that were chosen.
        curve: the error against the number of simulations, its law and its verdict.
        surface: the error over both sizes; None where the measurements are too few or it was not asked for.
        preset: how much was run.
        seconds: that it took, stored trials being used again; None where it was not measured.
    """

    study: Study
    curve: LearningCurve
    surface: ErrorSurface | CurveGrid | None
    preset: str
    seconds: float | None = None

    @property
    def verdict(self) -> Findings:
        """The sentences and the numbers in them."""
        worth = {ErrorSurface: "verdict", CurveGrid: "worth"}
        return Findings.together(
            [self.curve.verdict, *([getattr(self.surface, worth[type(self.surface)])] if self.surface else [])]
        )

    def __str__(self) -> str:
        return f"{MACHINERY}\n{self.verdict}" if self.preset == "smoke" else str(self.verdict)

    def _repr_markdown_(self) -> str:
        return (f"*{MACHINERY}*\n\n" if self.preset == "smoke" else "") + self.verdict._repr_markdown_()

    def payloads(self) -> list[tuple[Any, dict]]:
        """How each figure is drawn, and from what."""
        words = f"{self.study.source.name} to {self.study.target.name}"
        made = [(figures.scaling, "curve", "Error against simulations", self.curve)]
        if self.surface is not None:
            made.append((_SURFACES[type(self.surface)], "surface", "Error over both sizes", self.surface))
        facts = {"edition": "local", "preset": self.preset, "words": words}
        return [(draw, figures.payload(f"{name}-{self.study.name}", title, noun, **facts)) for draw, name, title, noun in made]

    def plot(self) -> Figure:
        """The error against the number of simulations, with the law and what it forecasts."""
        draw, payload = self.payloads()[0]
        return draw(payload)

    def table(self) -> pd.DataFrame:
        """Transfer against direct learning, the law, and every error: one row."""
        return table(self.curve)

    def report(self, path: str | Path) -> Path:
        """Write one page that needs no other file: verdict, figures, numbers, what became of your rows, settings and versions."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(self.study, str(self).splitlines(), self.payloads(), self.curve, self.preset, self.seconds), "utf-8")
        return path

    def save(self, folder: str | Path) -> tuple[Path, ...]:
        """Write the report, every figure with its numbers and caption, and the curve as a CSV file; returns their paths."""
        folder = Path(folder)
        paths = [self.report(folder / "report.html")]
        for draw, payload in self.payloads():
            paths += figures.save(draw, payload, folder).paths
        paths.append(folder / f"curve-{self.study.name}.csv")
        self.curve.report().to_csv(paths[-1], lineterminator="\n")
        return tuple(paths)


def ask(
    simulated: Source | Task,
    measured: Source | Task,
    *,
    preset: str = "quick",
    surface: bool = True,
    trials: int = 0,
    seed: int = 0,
    workers: int | str = 0,
    **columns: Any,
) -> Answer:
    """Is this database worth growing, by how much, and what to buy next: whether transfer from your simulations helps, whether more
    of them would, how many more for 10 % less error, and what one measurement is worth, each with its interval.

    Hyperparameters are chosen for your data on validation rows, once; trials are kept, so that a run can be stopped and goes on.

    Args:
        simulated, measured: tables (paths or DataFrames), or tasks, of :func:`sim2real.study`.
        preset: ``smoke`` (a test of the machinery, not tuned), ``quick`` or ``paper``: how much is run.
        surface: also train at several numbers of measurements, which tells what one is worth.
        trials, seed, workers: instead of the preset's; changes all random numbers; processes (one a core if 0) or a Dask cluster.
        columns: ``structure``, ``value``, ``unit``, ``property``, ``kind``, ``descriptor`` and all else of :func:`sim2real.study`.

    Raises:
        DataError: a table that cannot be used, two units, or too few materials: one line.
        ValueError: an unknown property, kind, descriptor or preset.
    """
    start = time.monotonic()
    run = Run("local", preset, trials=trials, seed=seed, workers=workers)
    made = own.study(simulated, measured, tuned=preset != "smoke", workers=workers, **columns)
    return _answer(run, made, surface, start)


def _answer(run: Run, study: Study, surface: bool, start: float) -> Answer:
    ((trials, other),) = run.both_overlaps([study])
    curve, over_both = learning_curve(trials, other=other), None
    if surface:
        design = run.settings.surface_design(study)
        if min(len(design.n_grid), len(design.m_grid)) >= 3:
            (cells,) = run.trials([study], "surface", arms=("transfer", "direct"))
            over_both = (curve_grid if run.settings.from_scratch else error_surface)(cells)
    return Answer(study, curve, over_both, run.preset, time.monotonic() - start)


def ask_command(arguments: Sequence[str]) -> int:
    """``python -m sim2real ask``: exit status 1 where tables cannot be used, 2 for wrong arguments."""
    parser = Parser(
        prog="python -m sim2real ask",
        description="Is your database of simulations worth growing? Give a TOML file that names your tables and, where it has "
        f"several studies, one of its blocks ({EXAMPLE.name} explains it); or two tables with --structure, --value and --unit.",
    )
    parser.add_argument("tables", nargs="+", metavar="TABLE", help="local.toml [BLOCK], or md.csv measured.csv")
    parser.add_argument(
        "--out", type=Path, default=Path("answer"), metavar="DIR", help="folder of report, figures and numbers (%(default)s)"
    )
    parser.add_argument("--preset", choices=PRESETS, default="quick", help="how much is run (%(default)s)")
    for name, what in (("trials", "a cell"), ("seed", "changes all random numbers")):
        parser.add_argument(f"--{name}", type=int, default=0, metavar="NUMBER", help=what)
    parser.add_argument("--workers", default="0", help="processes, one a core if 0, or tcp://host:port of a Dask cluster")
    of_tables = parser.add_argument_group(
        "of two tables", "given twice, an option of columns is for each table in turn ('' for none)"
    )
    for name, what in _COLUMNS.items():
        of_tables.add_argument(f"--{name}", action="append", default=[], help=what)
    of_tables.add_argument("--kelvin", nargs=2, type=float, default=(), metavar=("LOW", "HIGH"), help="of rows that are used, in K")
    options = vars(parser.parse_args(arguments))
    tables, out = options.pop("tables"), options.pop("out")
    given = {name: texts for name in _COLUMNS if (texts := options.pop(name))}
    columns = {name: texts[0] if len(texts) == 1 else tuple(texts) for name, texts in given.items()}
    columns |= {"kelvin": kelvin} if (kelvin := options.pop("kelvin")) else {}
    try:
        for name, texts in given.items():
            if len(texts) > (1 if name in _OF_STUDY else 2):
                times = "once" if name in _OF_STUDY else "at most twice, once a table"
                raise ValueError(f"--{name} is given {len(texts)} times; expected {times}")
        named = tables[0].endswith(".toml")
        if len(tables) > 2 or (columns if named else len(tables) < 2):
            raise ValueError("expected a TOML file and perhaps a block of it, or two tables with --structure, --value and --unit")
        options["workers"] = trainers(options["workers"])
        answer = _of_file(tables, **options) if named else ask(*tables, **options, **columns)
    except (ValueError, TypeError) as error:
        print(error, file=sys.stderr)
        return 1 if isinstance(error, DataError) else 2
    print(answer, "", sep="\n", flush=True)
    try:
        print(*answer.save(out), sep="\n")
    except OSError as error:
        print(f"{out}: cannot be written ({error.strerror or error}); trials are kept: choose another --out", file=sys.stderr)
        return 1
    return 0


_COLUMNS = {
    "structure": "column with SMILES or compositions",
    "value": "column with numbers",
    "unit": "their unit, such as g/cm3",
    "property": "such as density: checks ranges and converts units",
    "kind": "polymer, molecule, any or composition",
    "descriptor": "forcefield, molecular or composition",
    "label": "column with the materials' names",
    "group": "column with their classes",
    "unit_column": "column with each row's unit",
    "temperature": "column with temperatures",
    "temperature_unit": "their unit, K or degC",
    "sheet": "of an Excel or LibreOffice file",
    "deuterium": "hydrogen, as which it is read; rows with it are left out otherwise",
    "decimal": "the sign before decimals, . or , where numbers leave it open",
    "name": "of the study",
}
_OF_STUDY = ("property", "kind", "descriptor", "name")  # for both tables alike


def _of_file(tables: Sequence[str], preset: str, **sizes: Any) -> Answer:
    start, path, block = time.monotonic(), Path(tables[0]), "".join(tables[1:])
    kind = kind_of_study(path, block)
    run = Run("local", preset, kind=kind, **sizes)
    return _answer(run, run.study(kind, property=block, tables=path), True, start)


def _errors(path: Path) -> pd.DataFrame:
    """A table of errors with numbers as they are meant; what is none is left as it stands."""
    frame = read_file(path).frame
    for column in frame.columns:
        numbers = numbers_of(path.name, frame, column)

        def number(cell: object, numbers: Numbers = numbers) -> object:
            try:
                return numbers.read(cell)
            except ValueError:
                return cell

        frame[column] = frame[column].map(number)
    return frame


def curve_command(arguments: Sequence[str]) -> int:
    """``python -m sim2real curve``: exit status 1 where the table cannot be used, 2 for wrong arguments."""
    parser = Parser(
        prog="python -m sim2real curve",
        description="The law, the verdict and the forecast of errors that any learner had: a table with the columns n and error "
        "and, where there are, trial and m. Rows of n = 0 are learning without simulations.",
    )
    parser.add_argument("errors", type=Path, metavar="TABLE")
    parser.add_argument("--unit", default="-", help="of the errors")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of a figure and its numbers")
    options = parser.parse_args(arguments)
    if options.errors.suffix == ".toml":
        print(f"{options.errors.name} names tables of materials: python -m sim2real ask {options.errors}", file=sys.stderr)
        return 2
    try:
        curve = bare_curve(_errors(options.errors), name=options.errors.name, unit=options.unit)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    print(curve.verdict, f"Law: {plain_law(curve.law.to_dict())} ({curve.law.status})", sep="\n")
    if options.out is not None:
        payload = figures.payload(
            "curve", "Error against simulations", curve, edition="local", preset="own", words=curve.facts.study
        )
        print(*figures.save(figures.scaling, payload, options.out).paths, sep="\n")
    return 0
