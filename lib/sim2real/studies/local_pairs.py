"""Studies of pairs in the edition ``local``: your own tables of chi, simulated and measured (``data/local.example.toml``)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sim2real.chemistry.descriptors.pairs import describe_pairs
from sim2real.datasets.chi_table import chi_from_table
from sim2real.datasets.task import DataError, Task
from sim2real.studies.chi_studies import pair_study, simulated_by_pair
from sim2real.studies.local import CHI, TABLES, blocks_of_kind, check_block, check_sizes, chosen_for, refuse_others
from sim2real.studies.polymers import limit_source, limit_target
from sim2real.studies.presets import Settings
from sim2real.training.recipes import UNTUNED_PAIRS
from sim2real.training.study import Study, training_size
from sim2real.training.tune import PAIRS, tune

_SIDE = {"file", "polymer", "solvent", "pair", "separator", "temperature", "temperature_unit", "value", "group", "name"}
_SIDE |= {"licence", "citation"}
_NEEDED = ("file", "temperature", "value")


def load_local_pairs(settings: Settings, path: Path = TABLES, *, split: str = "pair", tuned: bool = True) -> list[Study]:
    """The studies of kind ``chi`` of a TOML file, with descriptors and hyperparameters.

    Args:
        settings: of the run; ``n_max`` limits the sources.
        path: the TOML file.
        split: as :func:`sim2real.studies.chi_studies.load_chi_study`.
        tuned: whether hyperparameters are chosen for these data (split by pair), once; :data:`.UNTUNED_PAIRS` otherwise.

    Raises:
        DataError: the file, an entry or a table cannot be used, or a side has too few rows; one line that says what to do.
        NoStudy: no block is of that kind.
    """
    path = Path(path)
    return [_study(path, name, entry, settings, split, tuned) for name, entry in blocks_of_kind(path, CHI).items()]


def _study(path: Path, name: str, entry: dict, settings: Settings, split: str, tuned: bool) -> Study:
    where = check_block(path, name, entry, {"source", "target", "kind"})
    source, target = (_side(f"{where}, {side}", path.parent, entry[side]) for side in ("source", "target"))
    target = limit_target(target, settings.preset.target_max)
    simulated = simulated_by_pair(source, target)
    (source, target), (_, kept) = describe_pairs([limit_source(source, settings.n_max), target], settings.workers)

    parts = (f"local-{name}", source, target, simulated[kept])
    by_pair = pair_study(*parts, "pair", None)
    check_sizes(name, by_pair)
    m = training_size(target, by_pair.split_by)
    return pair_study(*parts, split, chosen_for(by_pair, m, partial(tune, candidates=PAIRS)) if tuned else UNTUNED_PAIRS)


def _side(where: str, folder: Path, entry: object) -> Task:
    missing = [key for key in _NEEDED if not isinstance(entry, dict) or key not in entry]
    if missing:
        raise DataError(f"{where}: {', '.join(missing)} missing; expected {', '.join(_NEEDED)}, and polymer and solvent or pair")
    refuse_others(where, entry, _SIDE)
    try:
        return chi_from_table(folder / entry["file"], **{key: value for key, value in entry.items() if key != "file"})
    except DataError:
        raise
    except ValueError as error:  # a wrong choice of columns or an unknown unit
        raise DataError(f"{where}: {error}") from error
