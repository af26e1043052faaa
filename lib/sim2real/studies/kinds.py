"""The kinds of studies: how hyperparameters are chosen for one, what it is compared with, and what ``overlap`` drops."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict, dataclass

import pandas as pd
from tqdm import tqdm

from sim2real.datasets.paths import CACHE
from sim2real.training.baselines import CORRECTED, NEED_SIMULATED
from sim2real.training.candidates import PAIR_STAGES, STANDARD, TRANSPORT, Candidates
from sim2real.training.duration import announcement, search_seconds
from sim2real.training.keeping import write_whole
from sim2real.training.recipes import Recipe, all_chosen, from_dict, load_hyperparameters
from sim2real.training.study import Study
from sim2real.training.tune import tune

PAIR_DESCRIPTOR = "pairs"  # the descriptor of two molecules and a temperature


@dataclass(frozen=True)
class Kind:
    """What all studies of one kind share; ``baselines`` and ``drop_tested`` as :class:`~sim2real.training.study.Study`."""

    candidates: Candidates  # what is tried when hyperparameters are chosen
    baselines: tuple[str, ...] = Study.baselines
    # nearly all measured pairs and compounds are simulated too: without all of them no source would be left
    drop_tested: bool = False
    all_rows: bool = False  # whether all measured rows train, as in the paper, or as many as the preset's ``m_max``
    from_scratch: bool = False  # whether every n and m is a training of its own, so that presets give it fewer trials
    wide: bool = False  # whether networks are slow for their many inputs, so that fewer trials choose hyperparameters
    shown: str = "property"  # the choice of which figures show every value
    descriptor: str = ""  # where there is none to choose

    @property
    def untuned(self) -> Recipe:
        """A short training, which shows only that everything runs."""
        return self.candidates.start

    def choose(self, study: Study, m: int, workers: int | str = 1, largest: Recipe | None = None) -> tuple[Recipe, pd.DataFrame]:
        """Hyperparameters chosen on validation data for a target size, and the table of candidates; with ``largest``, what was
        chosen for more rows, only what may change with their number.
        """
        candidates = self.candidates.for_fewer(largest) if largest else self.candidates
        return tune(study, m, candidates, self._trials(m), workers=workers)

    def kept_choice(self, study: Study, m: int, workers: int | str = 1) -> Recipe:
        """What was chosen for these data among these candidates, in the repository or on this machine, or is chosen now, some
        minutes, and kept.
        """
        candidates = hashlib.sha256(repr(self.candidates.stages).encode()).hexdigest()[:8]
        name = f"{study.name}-{study.source.fingerprint}-{study.target.fingerprint}-m{m}-{candidates}"
        if name in all_chosen():
            return load_hyperparameters(name)
        path, table = (CACHE / "tuning" / f"{name}.{end}" for end in ("json", "csv"))
        if path.exists():
            return from_dict(json.loads(path.read_bytes()))
        seconds = search_seconds(study, m, self.candidates, self._trials(m), workers)
        what = announcement(seconds, workers, "choosing hyperparameters on validation data")
        announce(f"{study.name}: {what or 'choosing hyperparameters on validation data'}; once for these tables, then the trials")
        settings, tried = self.choose(study, m, workers)
        path.parent.mkdir(parents=True, exist_ok=True)
        tried.to_csv(table, index=False, lineterminator="\n")
        write_whole(path, (json.dumps(asdict(settings), indent=1) + "\n").encode())
        return settings

    def _trials(self, m: int) -> int:
        """Trials that choose hyperparameters; from 400 rows on a hundred validate in each. 0: as the search decides."""
        return (6 if m >= 400 else 12) if self.wide else 0


def announce(text: str) -> None:
    """Say what will take long, where progress is shown: beside the bars of the trials."""
    tqdm.write(text, file=sys.stderr)


_TREES, _PAIRS = ("ridge", "trees", "boosting"), {"shown": "simulator", "descriptor": PAIR_DESCRIPTOR}
_ROWS = {"drop_tested": True, "all_rows": True}
KINDS = {
    "polymers": Kind(STANDARD),
    "liquids": Kind(STANDARD),
    "pairs": Kind(
        PAIR_STAGES, (*_TREES, "simulator", *CORRECTED), **_ROWS, from_scratch=True, shown="simulator", descriptor=PAIR_DESCRIPTOR
    ),
    "conductivity": Kind(
        TRANSPORT, (*_TREES, "neighbour", *NEED_SIMULATED), **_ROWS, wide=True, shown="source", descriptor="composition"
    ),
}
