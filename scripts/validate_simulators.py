"""Compare the quick simulators with RadonPy's molecular dynamics and with measured values.

    python scripts/validate_simulators.py

Prints count, Pearson r, Spearman rho, mean absolute error and bias (simulated less reference) of each property.
RadonPy's table is read where SIM2REAL_DATA_MIRROR names a folder that holds radonpy/PI1070.csv; the measured tables
are in data/facts.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from sim2real.chemistry.simulators.polymer import SIMULATED, simulate_polymers
from sim2real.chemistry.structures import StructureError, parse
from sim2real.datasets.paths import DATA

RADONPY_COLUMNS = {
    "density": "density",
    "refractive_index": "refractive_index",
    "heat_capacity": "Cp",
    "thermal_conductivity": "thermal_conductivity",
}
SPLIT_SEED = 20250101  # of the halves on which the conductivity's form was chosen and is reported


def agreement(simulated: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Agreement of two arrays over the places where both are finite."""
    both = np.isfinite(simulated) & np.isfinite(reference)
    x, y = simulated[both], reference[both]
    return {
        "count": int(both.sum()),
        "pearson_r": stats.pearsonr(x, y)[0],
        "spearman": stats.spearmanr(x, y)[0],
        "mae": np.abs(x - y).mean(),
        "bias": (x - y).mean(),
    }


def report(title: str, simulated: np.ndarray, reference: np.ndarray) -> None:
    a = agreement(simulated, reference)
    print(
        f"{title:44s} count {a['count']:5d}  r {a['pearson_r']:.3f}  Spearman {a['spearman']:.3f}  "
        f"MAE {a['mae']:.4g}  bias {a['bias']:+.4g}"
    )


def radonpy_table(mirror: Path) -> pd.DataFrame:
    """RadonPy's units that :func:`parse` reads, and a line about those that it refuses."""
    table = pd.read_csv(mirror / "radonpy" / "PI1070.csv")
    readable = np.array([_readable(text) for text in table["smiles"]])
    print(f"RadonPy: {len(table)} units, {np.count_nonzero(~readable)} left out (isotope labels)")
    return table[readable].reset_index(drop=True)


def _readable(text: str) -> bool:
    try:
        parse(text)
    except StructureError:
        return False
    return True


def conductivity_halves(reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows with a value, halved at random: the half that the form was chosen on, and the half that is reported."""
    rows = np.random.default_rng(SPLIT_SEED).permutation(np.flatnonzero(np.isfinite(reference)))
    return rows[: len(rows) // 2], rows[len(rows) // 2 :]


def validate_radonpy(mirror: Path) -> None:
    table = radonpy_table(mirror)
    simulated = simulate_polymers(table["smiles"])
    print(f"RadonPy: {len(simulated.attrs['failed'])} of {len(table)} could not be simulated")
    for name, column in RADONPY_COLUMNS.items():
        report(f"RadonPy {name}", simulated[name].to_numpy(), table[column].to_numpy())
    reference = table["thermal_conductivity"].to_numpy()
    for title, rows in zip(("chosen on", "reported"), conductivity_halves(reference)):
        report(
            f"RadonPy thermal_conductivity, half {title}",
            simulated["thermal_conductivity"].to_numpy()[rows],
            reference[rows],
        )


def validate_facts(path: Path) -> None:
    """Measured values, the median where a structure has several; heat capacities in the table are per gram."""
    table = pd.read_csv(path)
    for name in SIMULATED:
        values = table[table["property"] == name].groupby("smiles")["value"].median()
        if len(values) < 3:
            continue
        simulated = simulate_polymers(values.index)
        factor = 1000 if name == "heat_capacity" else 1
        report(f"{path.name} {name}", simulated[name].to_numpy(), factor * values.to_numpy())
        if simulated.attrs["failed"]:
            print(f"    {len(simulated.attrs['failed'])} could not be simulated")


def main() -> None:
    mirror = os.environ.get("SIM2REAL_DATA_MIRROR")
    if mirror:
        validate_radonpy(Path(mirror))
    else:
        print("RadonPy: skipped, SIM2REAL_DATA_MIRROR is not set")
    for name in ("polymers.csv", "liquids.csv"):
        path = DATA / "facts" / name
        if path.exists():
            validate_facts(path)
        else:
            print(f"{name}: skipped, not in data/facts")


if __name__ == "__main__":
    main()
