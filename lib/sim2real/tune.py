"""Choose the hyperparameters of a study on validation data, and write down the choice with the table it came from.

    python -m sim2real.tune polymers-density-forcefield liquids-density-molecular ...  (all if none is named)

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
from dataclasses import asdict

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed

from sim2real.datasets.task import PROPERTIES
from sim2real.experiment import Study, training_size
from sim2real.hyperparameters import TUNING, save_hyperparameters
from sim2real.presets import PRESETS
from sim2real.seeding import numpy_generator
from sim2real.studies import load_study
from sim2real.transfer import Hyperparameters, Network, Predictors, Training, fit_networks, transfer

PRETRAINING_STEPS = 1500
SOURCE_SAMPLE = 4000  # simulations used to choose the pretraining: 3/4 train, 1/4 validate
SOURCE_DRAWS = 2
SMALL_N = 1000  # or a quarter of a smaller source

NETWORKS = [Network(inputs=i, outputs=o) for i in ("standard", "min-max") for o in ("standard", "yeo-johnson")]
PRETRAINING = [Training(PRETRAINING_STEPS, rate) for rate in (1e-3, 3e-3, 6e-3)]
FINE_TUNING = [Training(0, 1e-3)] + [
    Training(steps, rate, dropout=dropout, max_epochs=1000)
    for rate in (1e-4, 3e-4, 1e-3, 3e-3)
    for steps in (100, 400, 1000)
    for dropout in (0.0, 0.2)
]
DIRECT = [
    Training(steps, rate, weight_decay=decay, dropout=dropout, max_epochs=1000)
    for rate in (1e-3, 3e-3, 1e-2)
    for steps in (200, 800)
    for decay in (1e-4, 1.0)
    for dropout in (0.0, 0.3)
]
DIRECT_NETWORKS = [Network(inputs=i) for i in ("standard", "min-max")]


def trials_for(m: int) -> int:
    """Tuning trials: more where few validation rows make each one noisy."""
    return 20 if m < 100 else 12


def tune(study: Study, m: int) -> tuple[Hyperparameters, pd.DataFrame]:
    """The choice for one study and the table of all candidates.

    Args:
        study: its ``settings`` are not used.
        m: target training size of the reported trials; 3/4 of it train here, 1/4 validates.

    Returns:
        The hyperparameters with the lowest validation errors, and a row per candidate with ``stage``, its settings,
        ``validation_mae`` (in the property's unit), ``standard_error`` over trials and ``chosen``.
    """
    torch.set_num_threads(1)
    rows: list[dict] = []
    network, pretraining = _choose(rows, "pretraining", _score_pretraining(study))
    fit, validate = _target_split(study, m, trials_for(m))
    (fine_tuning,) = _choose(rows, "fine-tuning", _score_fine_tuning(study, network, pretraining, fit, validate))
    direct_network, direct = _choose(rows, "direct", _score_direct(study, fit, validate))
    return Hyperparameters(network, pretraining, fine_tuning, direct_network, direct), pd.DataFrame(rows)


def _choose(rows: list[dict], stage: str, scored: Iterable[tuple[tuple, np.ndarray]]) -> tuple:
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


def _score_pretraining(study: Study) -> Iterable[tuple[tuple, np.ndarray]]:
    size = min(SOURCE_SAMPLE, len(study.source))
    draws = np.stack([_rng(study, "source", t).permutation(len(study.source))[:size] for t in range(SOURCE_DRAWS)])
    train, held = draws[:, : size * 3 // 4], draws[:, size * 3 // 4 :]
    for network, stage in itertools.product(NETWORKS, PRETRAINING):
        predictors = fit_networks(study.source.X, study.source.y, train, network, stage, _seeds(study, "pretraining", SOURCE_DRAWS))
        yield (network, stage), _errors(predictors, study.source, held)


def _score_fine_tuning(
    study: Study, network: Network, stage: Training, fit: np.ndarray, validate: np.ndarray
) -> Iterable[tuple[tuple, np.ndarray]]:
    pretrained, trials = [], len(fit)
    for n in sorted({min(SMALL_N, len(study.source) // 4), len(study.source)}):
        rows = np.stack([_rng(study, "source", t).permutation(len(study.source))[:n] for t in range(trials)])
        seeds = _seeds(study, f"pretraining {n}", trials)
        pretrained.append(fit_networks(study.source.X, study.source.y, rows, network, stage, seeds))
    for candidate in FINE_TUNING:
        errors = [
            _errors(
                transfer(p, study.target.X, study.target.y, fit, candidate, _seeds(study, "fine-tuning", trials)),
                study.target,
                validate,
            )
            for p in pretrained
        ]
        yield (candidate,), np.mean(errors, axis=0)


def _score_direct(study: Study, fit: np.ndarray, validate: np.ndarray) -> Iterable[tuple[tuple, np.ndarray]]:
    for network, stage in itertools.product(DIRECT_NETWORKS, DIRECT):
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


# kind and descriptor of the studies whose choice is committed, and of the one that the notebooks can ask for besides
COMMITTED = (("polymers", "forcefield"), ("polymers", "molecular"), ("liquids", "molecular"), ("open-polymers", "forcefield"))
FURTHER = (("open-polymers", "molecular"),)


def study_names(kinds: Sequence[tuple[str, str]] = COMMITTED) -> list[str]:
    """The names of studies, one a property, for pairs of kind and descriptor."""
    return [f"{kind}-{p}-{descriptor}" for kind, descriptor in kinds for p in PROPERTIES]


def _tune(name: str) -> tuple[str, int, Hyperparameters, pd.DataFrame]:
    preset = PRESETS["quick"]
    *edition, kind, property, descriptor = name.split("-")
    edition = edition[0] if edition else "embedded"
    study = load_study(kind, property, edition=edition, n_max=preset.n_max, descriptor=descriptor, tuned=False)
    m = min(training_size(study.target), preset.m_max)
    return name, m, *tune(study, m)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit status 2 for an unknown study."""
    known = study_names((*COMMITTED, *FURTHER))
    parser = argparse.ArgumentParser(prog="python -m sim2real.tune", description=__doc__.split("\n")[0])
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=", ".join(known))
    parser.add_argument("--workers", type=int, default=1, help="studies tuned at the same time")
    options = parser.parse_args(arguments)
    unknown = [s for s in options.studies if s not in known]
    if unknown:
        parser.error(f"unknown study {unknown[0]!r}; expected {', '.join(known)}")
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
