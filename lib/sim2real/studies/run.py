"""A notebook's run: which edition, how much of it, where its figures go; and the default run of any study in one call."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim2real import figures as drawing
from sim2real.datasets.paths import CACHE
from sim2real.laws.arms import compare_sizes
from sim2real.laws.findings import Findings
from sim2real.laws.records import paper as numbers_of_paper
from sim2real.studies.cases import Case, chosen_cases
from sim2real.studies.grades import GradedSource, class_table, grade_design, grade_sources, similarity_record
from sim2real.studies.kinds import announce
from sim2real.studies.presets import OVERLAP_POINTS, Settings, resolve
from sim2real.training import duration, experiment
from sim2real.training.progress import IN_TERMINAL, Bar
from sim2real.training.study import Design, Study, Trials

try:
    from IPython import get_ipython
    from IPython.display import Image, Markdown, display
except ImportError:  # without the extra "lab" there is no notebook to show figures in

    def get_ipython() -> None:
        """No notebook."""


INCH = 110  # pixels of a notebook
DESIGNS: dict[str, Callable[[Settings, Study], Design | None]] = {
    "scaling": Settings.design,
    "few n": lambda settings, study: settings.design(study, OVERLAP_POINTS),
    "surface": Settings.surface_design,
    "target sizes": Settings.target_size_design,
    "single compounds": Settings.single_compounds_design,
}


class Run:
    """What a notebook holds: ``settings``, sizes of the run, and ``folder`` of its figures.

    Args:
        edition: ``embedded``, ``open`` or ``local``.
        preset: ``smoke``, ``quick`` or ``paper``.
        figures: folder of the figures; ``figures/EDITION`` if empty, and for presets other than quick a folder of their own in it.
        sizes: ``trials``, ``n_max``, ``m_max``, ``workers``, ``seed``, ``overlap`` and ``kind`` (of its studies) of
            :func:`~sim2real.studies.presets.resolve`.

    Raises:
        ValueError: a parameter that is not known or not allowed; one line.
    """

    def __init__(self, edition: str, preset: str, *, figures: str | Path = "", **sizes: Any) -> None:
        self.edition, self.preset = edition, preset
        self.settings = resolve(edition, preset, **sizes)
        self.folder = Path(figures) if figures else drawing.figure_folder(edition, preset)
        self._rows: dict[str, tuple[Case, dict]] = {}
        self._drawn: set[str] = set()
        self._began = time.monotonic()
        Bar.line = _line()
        self._tell("running")

    def studies(self, kind: str, **choice: Any) -> list[Study]:
        """The studies that figures show side by side, that of :meth:`study` first; the preset smoke trains some kinds briefly."""
        return [self._load(case, of) for case, of in chosen_cases(kind, self.edition, **choice)]

    def study(self, kind: str, **choice: Any) -> Study:
        """One study; arguments and errors are those of :func:`~sim2real.studies.cases.load_study`."""
        return self._load(*chosen_cases(kind, self.edition, **choice)[0])

    def _load(self, case: Case, choice: dict) -> Study:
        study = case.study(self.settings, tuned=self.preset != "smoke" or not case.brief, **choice)
        self._rows[study.name] = case, choice
        return study

    def words(self, studies: Sequence[Study]) -> str:
        """What is transferred to what, for the words of a figure."""
        sources = " and ".join(dict.fromkeys(study.source.name for study in studies))
        return self._rows[studies[0].name][0].words.format(source=sources, target=studies[0].target.name)

    def trials(self, studies: Sequence[Study], design: str = "scaling", arms: tuple[str, ...] | None = None) -> list[Trials]:
        """Say how long it will take, and train what is not stored yet; arms as :func:`~sim2real.training.experiment.run_trials`.

        ``design`` is ``scaling`` (n from the preset's smallest to all, one m), ``few n`` (four of them), ``surface`` (n and m),
        ``target sizes`` (all of n, some m) or ``single compounds`` (two n, many trials).
        """
        return self._train([(study, DESIGNS[design](self.settings, study), arms) for study in studies])

    def both_overlaps(self, studies: Sequence[Study]) -> list[tuple[Trials, Trials | None]]:
        """The trials of each study's curve, and those of transfer with the other choice of overlap.

        The latter are None where source and target share nothing, or where dropping what they share leaves no curve to be drawn.
        """
        runs = [(study, self.settings.design(study), None) for study in studies]
        others = [(study, self.settings.other_overlap_design(study), ("transfer",)) for study in studies]
        trials = self._train([*runs, *(other for other in others if other[1])])
        done = iter(trials[len(runs) :])
        return [(of, next(done) if other[1] else None) for of, other in zip(trials, others)]

    def compare_grades(self, study: Study, sets: Sequence[GradedSource], similarity: NDArray, by: str) -> dict:
        """Train on ``sets`` of graded ``similarity`` (measured ``by``), and on sets cut within classes and at random; compare."""
        design, controls = grade_design(self.settings, sets[0]), {}
        trials = self._train([(of.study, design, ("transfer",)) for of in sets])
        (direct,) = self._train([(study, design, ("direct",))])
        for arrangement in ("random", "within classes")[: 1 if len(class_table(list(sets))) < 2 else 2]:
            others = grade_sources(study, similarity, len(sets), arrangement)
            # classes with fewer members than sets are left out, so sets cut within classes may be a little smaller
            own = grade_design(self.settings, others[0])
            own = replace(own, n_grid=own.n_grid[-1:])
            controls[arrangement] = others, self._train([(of.study, own, ("transfer",)) for of in others])
        return similarity_record(list(sets), trials, direct, controls, by)

    def several_m(self, study: Study) -> list[dict]:
        """Transfer against direct learning at several m and both overlaps, with the hyperparameters chosen for the nearest m."""
        designs = self.settings.several_m_designs(study)
        return compare_sizes(self._train([(study, design, ("transfer", "direct")) for design in designs]))

    def by_split(self, study: Study, splits: Sequence[str]) -> dict[str, Trials]:
        """Transfer and direct learning under each way of splitting, at what all allow: smallest and largest n, and one m."""
        case, choice = self._rows[study.name]
        studies = {split: self._load(case, choice | {"split": split}) for split in splits}
        designs = [self.settings.design(s) for s in studies.values()]
        n_grid = max(d.n_grid[0] for d in designs), min(d.n_grid[-1] for d in designs)
        common = {"n_grid": n_grid, "m_grid": min(d.m_grid for d in designs), "trials": self.settings.surface_trials(study)}
        runs = [(s, replace(design, **common), ("transfer", "direct")) for s, design in zip(studies.values(), designs)]
        return dict(zip(studies, self._train(runs)))

    def _train(self, runs: Sequence[tuple[Study, Design, tuple[str, ...] | None]]) -> list[Trials]:
        workers = self.settings.trainers
        plans = [experiment.make_plan(study, design, arms=arms) for study, design, arms in runs]
        # a test of the machinery is over before it is known how long it takes
        if self.preset != "smoke" and (words := duration.announcement(duration.seconds_needed(plans, workers), workers)):
            announce(words)
        return [experiment.finish(plan, workers) for plan in plans]

    def save(
        self, figure: str, title: str, draw: Callable[[dict], Figure], records: Sequence[Any], *, paper: str = "", **more: Any
    ) -> None:
        """Draw a figure, write it, and show it with its caption.

        ``figure`` names its files, ``title`` has five words or fewer, ``records`` are nouns of the laws or their dictionaries,
        ``paper`` names the numbers (:meth:`paper`) that stand beside, and ``words`` of ``more`` say what is transferred to what.
        """
        facts = {"edition": self.edition, "preset": self.preset, "seed": self.settings.seed} | more
        if self.preset == "paper":
            facts["run"] = self._cost(self.folder / f"{figure}.json")
        payload = drawing.payload(figure, title, records, paper=self.paper(paper) if paper else None, **facts)
        saved = drawing.save(draw, payload, self.folder, CACHE / "pictures")
        if get_ipython() is not None:
            picture = next(path for path in saved.paths if path.suffix == ".png")
            display(Image(str(picture), width=round(INCH * saved.figure.get_figwidth())), Markdown(saved.caption))
        self._drawn.add(figure)
        self._tell(f"{len(self._drawn)} drawn")

    def _cost(self, drawn: Path) -> dict:
        """Seconds of this notebook up to a figure, and the machine. Stored trials take none: what took longer before stays."""
        mine = {"seconds": round(time.monotonic() - self._began), "machine": _machine()}
        with suppress(OSError, ValueError, KeyError):
            return max(mine, json.loads(drawn.read_text(encoding="utf-8"))["run"], key=lambda run: run["seconds"])
        return mine

    def _tell(self, text: str) -> None:
        """Write the line at the top of the notebook, where there is one; the last says where the figures are."""
        if Bar.line is not None:
            Bar.line(f"{text}; figures are in {self.folder}")

    def say(self, *verdicts: Mapping[str, str] | Findings) -> None:
        """Show what trials say, in words: findings, or a verdict and its reasons."""
        for said in verdicts:
            findings = isinstance(said, Findings)
            markdown = said._repr_markdown_() if findings else f"**{said['verdict'].capitalize()}.** {said['text']}"
            if get_ipython() is None:
                print(said if findings else markdown)
            else:
                display(Markdown(markdown))

    def paper(self, name: str) -> dict:
        """The paper's numbers of that name, a table of ``data/paper.toml``."""
        return numbers_of_paper(name)


def _line() -> Callable[[str], None] | None:
    """What writes a line below this cell of an open notebook, however far down cells are running; none where bars are seen."""
    if getattr(get_ipython(), "kernel", None) is None or IN_TERMINAL in os.environ:
        return None
    shown = display({"text/plain": ""}, raw=True, display_id=True)
    return lambda text: shown.update({"text/plain": text}, raw=True)


def _machine() -> str:
    """Cores and processor; Linux tells the latter's name."""
    name = platform.machine()
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return f"{joblib.cpu_count()} cores, {name}"
