"""COSMO-SAC beside UNIFAC and COSMO-RS, against measured values: how the one factor on sigma was chosen, and what it gives.

    python scripts/check_cosmo_sac.py [FOLDER]

Prints Spearman rho and mean absolute error of ln gamma at infinite dilution by factor, on the half of the mixtures on which the
factor is chosen and on the other; and, where the public chi tables are at hand (SIM2REAL_DATA_MIRROR or a network), of chi on
the measured rows that every simulator has: all, and those of the polymers that were not looked at when the route was chosen.
With a FOLDER, instead: our equations beside values that their authors printed, on the sigma profiles that they used, which may not
be shipped (profiles/UD/sigma3 of usnistgov/COSMOSAC, a file an InChIKey).
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from rdkit import Chem
from scipy.stats import spearmanr

from sim2real.chemistry.simulators.cosmo_sac import AREA, SIGMA_FACTOR, SIGMA_FACTORS, VOLUME, SurfaceMixtures
from sim2real.chemistry.simulators.mixing import Pairs
from sim2real.datasets.activity import load_activity_nrtl
from sim2real.datasets.pairs import load_chi_cosmo, load_chi_measured
from sim2real.datasets.paths import ROOT
from sim2real.datasets.simulated_pairs import profile_of, simulate_chi, simulate_ln_gamma

KELVIN = 298.15  # of the twin's target


def half(keys: pd.Series) -> np.ndarray:
    """Which rows belong to a half of the distinct keys, drawn once and for all."""
    distinct = np.sort(keys.unique())
    return keys.isin(np.random.default_rng(0).permutation(distinct)[: len(distinct) // 2]).to_numpy()


def report(measured: np.ndarray, simulated: dict[str, np.ndarray], halves: dict[str, np.ndarray]) -> None:
    every = np.all([np.isfinite(values) for values in simulated.values()], axis=0)
    for name, values in simulated.items():
        shown = []
        for called, rows in halves.items():
            own, true = values[every & rows], measured[every & rows]
            shown.append(f"{called} ({len(own)}): {spearmanr(own, true)[0]:.3f}, {np.abs(own - true).mean():.3f}")
        print(f"{name:16s} " + "; ".join(shown))


def read_profile(folder: Path, smiles: str) -> tuple[float, np.ndarray]:
    """Cavity volume in A^3 and areas (153,) in A^2, of donors and acceptors the share that bonds, by a molecule's InChIKey."""
    path = folder / f"{Chem.MolToInchiKey(Chem.MolFromSmiles(smiles))}.sigma"
    volume = json.loads(path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# meta:"))["volume [A^3]"]
    return volume, np.loadtxt(path, usecols=1)


def compare_with_printed(folder: Path) -> None:
    printed = pd.read_csv(ROOT / "tests/data/hsieh_2014_table_6.csv", skiprows=1)
    find = partial(read_profile, folder)
    pairs = Pairs.of((list(printed["solute"]), list(printed["solvent"])), printed["kelvin"], solute=find, solvent=find)
    volumes, areas = map(np.array, zip(*pairs.known))
    mixtures = SurfaceMixtures(pairs, volumes / VOLUME, areas.sum(axis=1) / AREA, areas)
    residual = mixtures.residual((np.zeros(len(printed)), np.ones(len(printed))))
    ours = {"our combinatorial": mixtures.ln_gamma_infinite()["value"] - residual, "our residual": residual}
    print(printed.assign(**ours).round(4).to_string(index=False))


def main(folder: str = "") -> None:
    if folder:
        compare_with_printed(Path(folder))
        return
    twin = load_activity_nrtl().table
    pair, kelvin = (list(twin["polymer"]), list(twin["solvent"])), np.full(len(twin), KELVIN)
    simulated = {"UNIFAC": simulate_ln_gamma(*pair, kelvin, method="unifac")["value"].to_numpy()}
    for factor in SIGMA_FACTORS:
        mixtures = SurfaceMixtures.of(pair, kelvin, profile_of, factor, solute=0, solvent=0)
        simulated[f"COSMO-SAC x {factor:.2f}"] = mixtures.ln_gamma_infinite()["value"].to_numpy()
    chosen = half(twin["key"])
    print(f"ln gamma at infinite dilution, {KELVIN} K: Spearman, mean absolute error (factor taken: {SIGMA_FACTOR})")
    report(twin["value"].to_numpy(), simulated, {"half chosen on": chosen, "other half": ~chosen, "all": np.ones_like(chosen)})

    chi = load_chi_measured().table
    columns = (list(chi["polymer"]), list(chi["solvent"]), list(chi["temperature"]))
    published = chi.merge(load_chi_cosmo().table, on=["key", "temperature"], how="left", suffixes=("", "_simulated"))
    simulated = {method: simulate_chi(*columns, method=method)["value"].to_numpy() for method in ("cosmo-sac", "unifac 2.0")}
    simulated["cosmo-rs"] = published["value_simulated"].to_numpy()
    looked = half(chi["polymer_key"])
    print("chi: Spearman, mean absolute error")
    report(chi["value"].to_numpy(), simulated, {"all": np.ones_like(looked), "looked at": looked, "other half": ~looked})


if __name__ == "__main__":
    main(*sys.argv[1:])
