"""UNIFAC for many pairs at once beside thermo's own object, one pair at a time; with measured chi at hand, how well it agrees.

python benchmarks/bench_unifac.py

The comparison with measured chi needs the public file of the edition ``open``. Which composition chi is taken at was chosen by
the error on one half of the polymers ("chosen on"); the other half is the one to quote.
"""

from __future__ import annotations

import time

import numpy as np
from scipy.stats import pearsonr, spearmanr
from thermo.unifac import UF2IP, UFSG, UNIFAC

from sim2real.chemistry.simulators.mixing import POLYMER_FRACTION
from sim2real.chemistry.simulators.unifac import VERSIONS
from sim2real.chemistry.simulators.unifac_groups import groups_of
from sim2real.datasets.download import DownloadError
from sim2real.datasets.drawn_pairs import draw_molecules
from sim2real.datasets.pairs import load_chi_cosmo, load_chi_measured
from sim2real.datasets.simulated_pairs import simulate_chi, simulate_ln_gamma
from sim2real.datasets.task import DataError

PAIRS, ALONE = 20_000, 500
FRACTIONS = (0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def seconds(function) -> float:
    """CPU time of one run (the machine may be shared)."""
    start = time.process_time()
    function()
    return time.process_time() - start


def one_by_one(solutes, solvents, kelvin) -> None:
    for solute, solvent, T in zip(solutes, solvents, kelvin):
        groups = [groups_of(solute, 0), groups_of(solvent, 0)]
        UNIFAC.from_subgroups(
            chemgroups=groups, T=T, xs=[1e-12, 1 - 1e-12], version=0, interaction_data=UF2IP, subgroups=UFSG
        ).lngammas()


def speed() -> None:
    pool = draw_molecules(1000, 0, 12)
    rng = np.random.default_rng(0)
    solutes, solvents = pool[rng.integers(len(pool), size=(2, PAIRS))]
    kelvin = rng.choice([280.0, 300.0, 320.0, 340.0], size=PAIRS)
    groups = seconds(lambda: [groups_of(s, 0) for s in pool])
    batched = seconds(lambda: simulate_ln_gamma(solutes, solvents, kelvin, method="unifac 2.0")) / PAIRS
    alone = seconds(lambda: one_by_one(solutes[:ALONE], solvents[:ALONE], kelvin[:ALONE])) / ALONE
    print(f"groups of a molecule          {1e3 * groups / len(pool):8.3f} ms")
    print(f"a pair, {PAIRS:,} at once       {1e3 * batched:8.3f} ms")
    print(f"a pair, thermo's own object   {1e3 * alone:8.3f} ms, {alone / batched:.0f} times as long")


def agreement() -> None:
    measured, cosmo = load_chi_measured().table, load_chi_cosmo().table
    y = measured["value"].to_numpy()
    columns = [list(measured[c]) for c in ("polymer", "solvent", "temperature")]
    keys = np.sort(measured["polymer_key"].unique())
    drawn = np.random.default_rng(0).permutation(keys)[: len(keys) // 2]
    first = measured["polymer_key"].isin(drawn).to_numpy()
    both = measured.merge(cosmo, on=["key", "temperature"], how="left", suffixes=("", "_cosmo"))["value_cosmo"].to_numpy()
    arms = {f"{v} at phi_2 {f:g}": simulate_chi(*columns, method=v, polymer_fraction=f) for v in VERSIONS for f in FRACTIONS}
    values = {name: frame["value"].to_numpy() for name, frame in arms.items()} | {"COSMO-RS": both}
    main = f"unifac 2.0 at phi_2 {POLYMER_FRACTION:g}"
    print(arms[main]["reason"].replace("", "simulated").value_counts().to_string())
    common = np.all([np.isfinite(v) for v in values.values()], axis=0)
    print(f"{'':42}{'rows':>6}{'Spearman':>9}{'Pearson':>9}{'MAE':>8}")
    for half, rows in (("chosen on", first & common), ("other half", ~first & common)):
        for name, x in values.items():
            print(_line(f"{half}, {name}", x[rows], y[rows]))
    rows = np.isfinite(values[main]) & np.isfinite(both)
    for name in (main, "COSMO-RS"):
        print(_line(f"all rows of both, {name}", values[name][rows], y[rows]))


def _line(name: str, x: np.ndarray, y: np.ndarray) -> str:
    return f"{name:42}{len(x):6}{spearmanr(x, y)[0]:9.3f}{pearsonr(x, y)[0]:9.3f}{np.abs(x - y).mean():8.3f}"


if __name__ == "__main__":
    speed()
    try:
        agreement()
    except (DownloadError, DataError) as error:
        print(f"no comparison with measured chi: {error}")
