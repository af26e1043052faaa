"""Studies and trials made up by rule, so that what must be found in them is known; all take milliseconds."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from sim2real.chemistry.simulators.wiedemann_franz import LORENZ_NUMBER, ROOM_TEMPERATURE, log_lorenz_ratio, wf_groups
from sim2real.datasets.embedded import load_virtual_polymers
from sim2real.datasets.task import PROPERTIES, Task, get_property
from sim2real.laws.bootstrap import Bootstrap
from sim2real.studies.quality import compare_levels
from sim2real.training.blocks import run_block
from sim2real.training.recipes import Hyperparameters, Network, Training
from sim2real.training.study import Design, Study, Trials

CHI_N = np.array([100, 400, 1600, 6400])
CHI_CLASSES = ["cellulose", "polyether", "polyester", "polyvinylx", "unclassified"]
TRANSPORT_N = (50, 150, 500)


def own_tables(folder: Path, value: str) -> Path:
    """md.csv and lab.csv, densities of polymers in a column of this name: the measurements are a line of the simulations, with one
    bad row; and local.toml that names both. Returns the folder.
    """
    units = load_virtual_polymers()["smiles"].iloc[::500].tolist()
    simulated = 1 + 0.01 * np.array([len(unit) for unit in units]) % 0.5
    pd.DataFrame({"smiles": units, value: simulated}).to_csv(folder / "md.csv", index=False)
    measured = pd.DataFrame({"smiles": units[:30], value: 0.9 * simulated[:30] + 0.2}).astype(str)
    pd.concat([measured, pd.DataFrame({"smiles": ["*CC("], value: ["1.0"]})]).to_csv(folder / "lab.csv", index=False)
    side = f'structure = "smiles", value = "{value}", unit = "g/cm3" }}\n'
    text = f'[glass]\nkind = "polymer"\nsource = {{ file = "md.csv", {side}target = {{ file = "lab.csv", {side}'
    (folder / "local.toml").write_text(text)
    return folder


def make_task(name: str, X: np.ndarray, y: np.ndarray, first_key: int = 0) -> Task:
    keys = [f"material {first_key + k:04d}" for k in range(len(y))]
    table = pd.DataFrame({"key": keys, "structure": keys, "name": keys, "value": y, "group": "all"})
    return Task(name, PROPERTIES["density"], table, "none", "made by the tests", X=X.astype(np.float32))


def toy_study() -> Study:
    """300 simulated and 40 measured materials; simulations are the truth up to a factor, so transfer must help."""
    rng = np.random.default_rng(1)
    weights = rng.normal(size=12)

    def law(X: np.ndarray) -> np.ndarray:
        return np.tanh(X @ weights) + 0.5 * X[:, 0]

    source, target = rng.normal(size=(300, 12)), rng.normal(size=(40, 12))
    settings = Hyperparameters(
        transfer_network=Network(sizes=(24, 8)),
        pretraining=Training(200, 5e-3),
        fine_tuning=Training(30, 1e-3),
        direct_network=Network(sizes=(24, 8)),
        direct=Training(100, 5e-3, dropout=0.1),
    )
    return Study(
        "toy",
        make_task("simulated", source, law(source)),
        # the last ten target materials stand in the source as well
        make_task("measured", target, 2 * law(target) + 1 + 0.05 * rng.normal(size=40), first_key=270),
        settings,
        simulated_target=law(target),
        # those that choose among learners take longer, and have tests of their own
        baselines=("ridge", "trees", "simulator"),
    )


def dying_block(killed: Path) -> Callable:
    """What trains a block, but the first process to be asked is killed, once."""

    def block(plan, block):
        try:
            killed.touch(exist_ok=False)
        except FileExistsError:
            return run_block(plan, block)
        os.kill(os.getpid(), signal.SIGKILL)

    return block


def waiting_block(folder: Path) -> Callable:
    """What trains a block, but says that it has begun, and waits until it may go on."""

    def block(plan, block):
        (folder / "begun").touch()
        while not (folder / "go").exists():
            time.sleep(0.1)
        return run_block(plan, block)

    return block


def chi_study() -> Study:
    """60 measured rows: 30 pairs at two temperatures, 6 solvents, 5 classes of polymers."""
    rng = np.random.default_rng(5)
    pair = np.arange(60) // 2
    y = rng.normal(0.5, 0.4, 30)[pair] + 0.02 * rng.normal(size=60)
    columns = {
        "pair": [f"p{k}" for k in pair],
        "solvent_key": [f"s{k % 6}" for k in pair],
        "polymer_key": [f"q{k // 6}" for k in pair],
    }
    task = make_task("measured chi", rng.normal(size=(60, 4)), y)
    target = replace(
        task, property=get_property("chi"), table=task.table.assign(**columns, group=[CHI_CLASSES[k // 6] for k in pair])
    )
    return Study(
        "chi", replace(make_task("UNIFAC", rng.normal(size=(50, 4)), np.ones(50)), property=get_property("chi")), target, None
    )


def chi_trials(study: Study, *, split_by: str = "", gain: Sequence[float] = (0.0, 0.1, 0.2, 0.3, 0.0), trials: int = 8) -> Trials:
    """Trials of the arms transfer and direct; a class's error falls from the smallest to the largest n by its part of ``gain``."""
    study = replace(study, split_by=split_by)
    rng = np.random.default_rng(6)
    hard, group = rng.lognormal(-1.5, 0.3, 60), pd.factorize(study.target.table["group"])[0]
    m_grid, parts = (12, 24, 40), []
    for trial in range(trials):
        test = rng.permutation(60)[:20]
        for m in m_grid:
            for k, n in enumerate(CHI_N):
                factor = 1 - np.array(gain)[group[test]] * k / 3
                error = hard[test] * m**-0.2 * factor * rng.lognormal(0, 0.02, 20)
                parts.append(
                    pd.DataFrame({"arm": "transfer", "n": n, "m": m, "trial": trial, "material": test, "absolute_error": error})
                )
            for arm, level in (("direct", 1.05), ("ridge", 1.3), ("simulator", 0.9)):
                own = {"arm": arm, "n": 0, "m": m, "trial": trial, "material": test, "absolute_error": level * hard[test] * m**-0.2}
                parts.append(pd.DataFrame(own))
    return Trials(study, Design(tuple(map(int, CHI_N)), m_grid, trials), pd.concat(parts, ignore_index=True))


def transport_study(compounds: int = 60, unknown: int = 20, seed: int = 0) -> Study:
    """Compounds of which the last ``unknown`` have no kappa; the distance of the others from the law grows with their row."""
    rng = np.random.default_rng(seed)
    names = [f"C{k:03d}" for k in range(compounds)]
    value = rng.normal(3, 1, compounds)
    lorenz = np.linspace(0.01, 3, compounds)
    log_kappa = value + np.log10(LORENZ_NUMBER * ROOM_TEMPERATURE) + lorenz
    log_kappa[compounds - unknown :] = np.nan
    ratio = log_lorenz_ratio(log_kappa, value)
    frame = {"key": names, "structure": names, "value": value, "group": np.where(np.arange(compounds) % 3, "oxide", "telluride")}
    frame |= {"log_kappa": log_kappa, "lorenz": ratio, "wf": wf_groups(ratio, 0.25), "carrier": "n"}
    target = Task("sigma", get_property("log_electrical_conductivity"), pd.DataFrame(frame), "none", "made by the tests")
    target = replace(target, X=rng.normal(size=(compounds, 5)).astype(np.float32))
    known = target.select(np.flatnonzero(np.isfinite(log_kappa)))
    source = replace(known, name="kappa", property=get_property("log_thermal_conductivity"))
    simulated = log_kappa - np.log10(LORENZ_NUMBER * ROOM_TEMPERATURE)
    return Study("toy", source, target, None, simulated_target=simulated)


def transport_trials(
    study: Study,
    trials: int,
    *,
    fall: np.ndarray | float = 0.0,
    advantage: float = 0.0,
    draws: int = 0,
    seed: int = 0,
    test: int = 12,
) -> Trials:
    """Trials whose error is 1 + noise: at the largest n less by ``fall`` (of each compound), for direct learning as without it."""
    rng = np.random.default_rng(seed)
    fall = np.broadcast_to(fall, len(study.target))
    parts = []
    for trial in range(trials):
        rows = rng.permutation(len(study.target))[:test]
        for k, n in enumerate(TRANSPORT_N):
            error = np.abs(1 - fall[rows] * k / 2 + 0.1 * rng.normal(size=test))
            parts.append(pd.DataFrame({"arm": "transfer", "n": n, "material": rows, "absolute_error": error, "trial": trial}))
        for arm, shift in (("direct", advantage), ("law", 0.5), ("trees", -0.3)):
            error = np.abs(1 + shift + 0.1 * rng.normal(size=test))
            parts.append(pd.DataFrame({"arm": arm, "n": 0, "material": rows, "absolute_error": error, "trial": trial}))
    table = pd.concat(parts, ignore_index=True).assign(m=40)
    return Trials(study, Design(TRANSPORT_N, (40,), trials, source_draws=draws), table)


def toy_quality() -> dict:
    """The record of levels of added errors: the error at n is n^-0.5 and about a hundredth of the level more."""

    def trials(studies: Sequence[Study], design: str, arms: tuple[str, ...]) -> list[Trials]:
        grid, parts = (100, 400, 800, 1600), []
        rng, of = np.random.default_rng(2), [(t, n, k) for t in range(6) for n in grid for k in range(t, t + 8)]
        trial, n, material = np.array(of).T
        error = n**-0.5 + 1e-3 * (material % 3) + 1e-3 * rng.normal(size=len(of))
        for study in studies:
            added = float(study.name.rpartition("-")[2]) / 100 if study.name[-1].isdigit() else 0
            columns = {
                "n": n,
                "m": 32,
                "trial": trial,
                "material": material,
                "absolute_error": error + added * (1 + 0.05 * (trial % 3)),
            }
            rows = pd.DataFrame({"arm": "transfer"} | columns)
            parts.append(Trials(study, Design(grid, (32,), 6), rows))
        return parts

    study = toy_study()
    sides = (replace(t, table=t.table.assign(group=[f"P{k % 4}" for k in range(len(t))])) for t in (study.source, study.target))
    study = replace(study, **dict(zip(("source", "target"), sides)))
    run = SimpleNamespace(trials=trials)
    return compare_levels(run, study, bootstrap=Bootstrap(replicates=40))
