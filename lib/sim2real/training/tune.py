"""Choose the hyperparameters of a study on validation data, and write down the choice with the table it came from.

    python -m sim2real.training.tune polymers-density-forcefield liquids-density-molecular ...  (every committed study if none is named)

Never a test row: each tuning trial splits the target as a reporting trial does, puts its 20 % test rows aside unread, and
validates on a quarter of the training part. The tuning trials are other trials than those reported, but of the same
materials, so a material that validates here is tested there.

1. The transferred network's scalers and its learning rate in pretraining: by the error on held-out *simulations*.
2. Fine-tuning: by validation error on the target, averaged over a small and the largest n.
3. Direct learning: by validation error on the target, over at least as many candidates as transfer had.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed

from sim2real.training.hyperparameters import TUNING, save_hyperparameters
from sim2real.training.seeding import numpy_generator
from sim2real.training.study import Study, training_size
from sim2real.training.transfer import Hyperparameters, Network, Predictors, Training, fit_networks, transfer

PRETRAINING_STEPS = 1500
SOURCE_SAMPLE = 4000  # simulations used to choose the pretraining: 3/4 train, 1/4 validate
SOURCE_DRAWS = 2
SMALL_N = 1000  # or a quarter of a smaller source


@dataclass(frozen=True)
class Candidates:
    """What is tried: every network with every pretraining; every fine-tuning; every direct network with every way to train it.

    Raises:
        ValueError: direct learning has fewer candidates than transfer.
    """

    networks: tuple[Network, ...]
    pretraining: tuple[Training, ...]
    fine_tuning: tuple[Training, ...]
    direct_networks: tuple[Network, ...]
    direct: tuple[Training, ...]

    def __post_init__(self) -> None:
        transfer = len(self.networks) * len(self.pretraining) + len(self.fine_tuning)
        direct = len(self.direct_networks) * len(self.direct)
        if direct < transfer:
            raise ValueError(f"{direct} candidates for direct learning and {transfer} for transfer; expected at least as many")


def trainings(rates: Sequence[float], steps: Sequence[int], regularisations: Iterable[tuple[float, float]]) -> tuple[Training, ...]:
    """All combinations of learning rates, numbers of updates and pairs of weight decay and dropout."""
    return tuple(
        Training(count, rate, weight_decay=decay, dropout=share, max_epochs=1000)
        for rate, count, (decay, share) in itertools.product(rates, steps, regularisations)
    )


HEAD_ONLY = Training(0, 1e-3)  # the head is rescaled and nothing trained further
STANDARD = Candidates(
    networks=tuple(Network(inputs=i, outputs=o) for i in ("standard", "min-max") for o in ("standard", "yeo-johnson")),
    pretraining=tuple(Training(PRETRAINING_STEPS, rate) for rate in (1e-3, 3e-3, 6e-3)),
    fine_tuning=(HEAD_ONLY, *trainings((1e-4, 3e-4, 1e-3, 3e-3), (100, 400, 1000), [(1e-4, 0.0), (1e-4, 0.2)])),
    direct_networks=tuple(Network(inputs=i) for i in ("standard", "min-max")),
    direct=trainings((1e-3, 3e-3, 1e-2), (200, 800), itertools.product((1e-4, 1.0), (0.0, 0.3))),
)
# Of conductivities by 580 numbers: with thousands of target rows, direct learning was best after more steps than the standard
# candidates have (computed sigma, 2,184 rows: 0.867 after 3,000 steps, 0.909 after 800), so that both arms get longer ones.
TRANSPORT = Candidates(
    networks=tuple(Network(inputs=i) for i in ("standard", "min-max")),
    pretraining=(Training(1500, 1e-3), Training(1500, 3e-3), Training(4000, 1e-3, weight_decay=1.0)),
    fine_tuning=(HEAD_ONLY, *trainings((3e-4, 1e-3, 3e-3), (200, 1000), [(1e-4, 0.0), (1.0, 0.3)])),
    direct_networks=tuple(Network(inputs=i) for i in ("standard", "min-max")),
    direct=trainings((1e-3, 3e-3), (600, 2400), [(1e-4, 0.0), (1e-4, 0.3), (1.0, 0.3)]),
)


def trials_for(m: int) -> int:
    """Tuning trials: more where few validation rows make each one noisy."""
    return 20 if m < 100 else 12


def tune(study: Study, m: int, candidates: Candidates = STANDARD, trials: int = 0) -> tuple[Hyperparameters, pd.DataFrame]:
    """The choice for one study and the table of all candidates.

    Args:
        study: its ``settings`` are not used.
        m: target training size of the reported trials; 3/4 of it train here, 1/4 validates.
        candidates: what is tried.
        trials: of each candidate, 0 for :func:`trials_for`.

    Returns:
        The hyperparameters with the lowest validation errors, and a row per candidate with ``stage``, its settings,
        ``validation_mae`` (in the property's unit), ``standard_error`` over trials and ``chosen``.
    """
    torch.set_num_threads(1)
    rows: list[dict] = []
    network, pretraining = choose(rows, "pretraining", _score_pretraining(study, candidates))
    fit, validate = _target_split(study, m, trials or trials_for(m))
    (fine_tuning,) = choose(rows, "fine-tuning", _score_fine_tuning(study, network, pretraining, fit, validate, candidates))
    direct_network, direct = choose(rows, "direct", _score_direct(study, fit, validate, candidates))
    return Hyperparameters(network, pretraining, fine_tuning, direct_network, direct), pd.DataFrame(rows)


def choose(rows: list[dict], stage: str, scored: Iterable[tuple[tuple, np.ndarray]]) -> tuple:
    scored = list(scored)
    best = min(range(len(scored)), key=lambda k: scored[k][1].mean())
    for k, (candidate, errors) in enumerate(scored):
        settings = {name: value for part in candidate for name, value in asdict(part).items()}
        rows.append(
            {
                "stage": stage,
                **settings,
                "validation_mae": float(f"{errors.mean():.5g}"),
                "standard_error": float(f"{errors.std(ddof=1) / len(errors) ** 0.5:.3g}"),
                "trials": len(errors),
                "chosen": k == best,
            }
        )
    return scored[best][0]


def _score_pretraining(study: Study, candidates: Candidates) -> Iterable[tuple[tuple, np.ndarray]]:
    size = min(SOURCE_SAMPLE, len(study.source))
    draws = np.stack([_rng(study, "source", t).permutation(len(study.source))[:size] for t in range(SOURCE_DRAWS)])
    train, held = draws[:, : size * 3 // 4], draws[:, size * 3 // 4 :]
    for network, stage in itertools.product(candidates.networks, candidates.pretraining):
        predictors = fit_networks(study.source.X, study.source.y, train, network, stage, _seeds(study, "pretraining", SOURCE_DRAWS))
        yield (network, stage), _errors(predictors, study.source, held)


def _score_fine_tuning(
    study: Study, network: Network, stage: Training, fit: np.ndarray, validate: np.ndarray, candidates: Candidates
) -> Iterable[tuple[tuple, np.ndarray]]:
    pretrained, trials = [], len(fit)
    for n in sorted({min(SMALL_N, len(study.source) // 4), len(study.source)}):
        rows = np.stack([_rng(study, "source", t).permutation(len(study.source))[:n] for t in range(trials)])
        seeds = _seeds(study, f"pretraining {n}", trials)
        pretrained.append(fit_networks(study.source.X, study.source.y, rows, network, stage, seeds))
    for candidate in candidates.fine_tuning:
        errors = [
            _errors(
                transfer(p, study.target.X, study.target.y, fit, candidate, _seeds(study, "fine-tuning", trials)),
                study.target,
                validate,
            )
            for p in pretrained
        ]
        yield (candidate,), np.mean(errors, axis=0)


def _score_direct(
    study: Study, fit: np.ndarray, validate: np.ndarray, candidates: Candidates
) -> Iterable[tuple[tuple, np.ndarray]]:
    for network, stage in itertools.product(candidates.direct_networks, candidates.direct):
        predictors = fit_networks(study.target.X, study.target.y, fit, network, stage, _seeds(study, "direct", len(fit)))
        yield (network, stage), _errors(predictors, study.target, validate)


def _target_split(study: Study, m: int, trials: int) -> tuple[np.ndarray, np.ndarray]:
    test = len(study.target) - training_size(study.target)
    orders = [_rng(study, "split", t).permutation(len(study.target))[test : test + m] for t in range(trials)]
    parts = np.stack(orders)
    held = max(1, m // 4)
    return parts[:, held:], parts[:, :held]


def _errors(predictors: Predictors, task: object, rows: np.ndarray) -> np.ndarray:
    return np.abs(predictors.predict(task.X, rows) - task.y[rows]).mean(1)


def _rng(study: Study, purpose: str, trial: int) -> np.random.Generator:
    return numpy_generator("tuning", study.name, purpose, trial)


def _seeds(study: Study, purpose: str, count: int) -> list[tuple]:
    return [("tuning", study.name, purpose, t) for t in range(count)]


def _tune(name: str) -> tuple[str, int, object, pd.DataFrame]:
    from sim2real.studies.tuning_registry import TUNABLE

    entry = TUNABLE[name]
    study = entry.load()
    largest = training_size(study.target, study.split_by)
    m = min(largest, entry.m) if entry.m else largest
    return name, m, *entry.tune(study, m)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit status 2 for an unknown study."""
    from sim2real.studies.tuning_registry import TUNABLE, study_names

    parser = argparse.ArgumentParser(prog="python -m sim2real.training.tune", description=__doc__.split("\n")[0])
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=", ".join(TUNABLE))
    parser.add_argument("--workers", type=int, default=1, help="studies tuned at the same time")
    options = parser.parse_args(arguments)
    unknown = [s for s in options.studies if s not in TUNABLE]
    if unknown:
        parser.error(f"unknown study {unknown[0]!r}; expected {', '.join(TUNABLE)}")
    names = options.studies or study_names()
    results = Parallel(n_jobs=options.workers, return_as="generator_unordered")(delayed(_tune)(name) for name in names)
    for name, m, chosen, table in results:
        TUNING.mkdir(parents=True, exist_ok=True)
        table.to_csv(TUNING / f"{name}.csv", index=False, lineterminator="\n")
        save_hyperparameters(name, chosen)
        best = table[table["chosen"]].set_index("stage")["validation_mae"]
        print(f"{name} (m = {m}): " + ", ".join(f"{stage} {error:.4g}" for stage, error in best.items()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
