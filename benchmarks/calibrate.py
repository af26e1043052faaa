"""How often 90 % intervals hold the truth, on made curves whose noise trials and source draws share: ``make calibration``.

Prints a row for each law and design, and writes them to ``benchmarks/calibration.csv``. Goal: 0.88 to 0.92; of 200 curves or
surfaces 0.9 scatters by 0.02, so the last rows tell it, which are means over all designs: of 2,400 curves it scatters by 0.006, of
1,200 surfaces by 0.009.
They leave out two numbers that cannot meet it: a C that is 0 is missed by one end of an interval only (0.95), and the n of an error
below the gap is infinite, as its interval says (1).
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from sim2real.laws.bootstrap import Bootstrap
from sim2real.laws.power import PowerLaw
from sim2real.laws.surface import FittedSurface, ScalingSurface, TwoExponents

N = np.geomspace(100, 20_000, 10).round()
LAWS = {"gap": PowerLaw(0.167, 0.305, 0.0234), "large gap": PowerLaw(0.243, 0.537, 0.0233), "no gap": PowerLaw(0.239, 0.0348, 0.0)}
DESIGNS = {"6 trials": (6, 6), "30 trials, 8 draws": (30, 8), "30 trials": (30, 30), "1 trial": (1, 1)}
SURFACES = {
    "Eq. 1": ScalingSurface(0.672, 0.029, 0.527, 0.166, 0.0129),
    "two exponents": TwoExponents(0.672, 0.29, 0.527, 0.13, 0.4, 0.0129),
}
SURFACE_N, SURFACE_M = np.geomspace(100, 20_000, 6).round(), np.geomspace(20, 3000, 5).round()
SHARED, OWN = 0.05, 0.03  # spread of what a trial's sizes have in common, half of it the draw's, and of what each size has


def noise(shape: tuple[int, ...], draws: int, rng: np.random.Generator) -> np.ndarray:
    """Factors (trials, ...): a draw's part, a trial's, and each size's own."""
    trials, ends = shape[0], (1,) * (len(shape) - 1)
    parts = rng.standard_normal(draws)[np.arange(trials) % draws] + rng.standard_normal(trials)
    return 1 + SHARED / np.sqrt(2) * parts.reshape(-1, *ends) + OWN * rng.standard_normal(shape)


def holds(interval: tuple[float, float], truth: float) -> bool:
    return bool(interval[0] * (1 - 1e-9) <= truth <= interval[1] * (1 + 1e-9))


def of_curve(truth: PowerLaw, trials: int, draws: int, seed: int, replicates: int, rng: np.random.Generator) -> dict[str, bool]:
    bootstrap, last = Bootstrap(replicates=replicates, seed=seed), float(N[-1])
    if trials == 1:  # what its sizes have in common cannot be known of one
        law = bootstrap.residuals(N, truth(N) * (1 + OWN * rng.standard_normal(len(N))))
    else:
        errors = truth(N) * noise((trials, len(N)), draws, rng)
        law = bootstrap.trials(errors, np.arange(trials) % draws).law(N)
    needed = law.n_for_change(-0.1, last)
    low, high = law.band(np.array([3 * last]))
    held = {"alpha": holds(law.interval("alpha"), truth.alpha), "C": holds(law.interval("C"), truth.C)}
    held["n_for"] = holds((needed.low, needed.high), truth.n_for_change(-0.1, last).value)
    doubling = law.change(last, 2 * last)
    held["doubling"] = holds((-doubling.high, -doubling.low), -truth.change(last, 2 * last).value)
    return held | {"forecast": holds((low[0], high[0]), truth(3 * last))}


def of_surface(
    truth: FittedSurface, trials: int, draws: int, seed: int, replicates: int, rng: np.random.Generator
) -> dict[str, bool]:
    errors, (n, m) = truth(SURFACE_N[:, None], SURFACE_M), (float(SURFACE_N[-1]), float(SURFACE_M[-1]))
    errors = errors * noise((trials, *errors.shape), draws, rng)
    resamples = Bootstrap(replicates=replicates, seed=seed).trials(errors, np.arange(trials) % draws)
    surface = resamples.surface(SURFACE_N, SURFACE_M, type(truth))
    rate = surface.rate(n, m)
    held = {"alpha": holds(surface.interval("alpha"), truth.alpha), "rate": holds((rate.low, rate.high), truth.marginal_rate(n, m))}
    if isinstance(surface, ScalingSurface):
        more = surface.m_for_change(-0.1, n, m)
        held["m_for"] = holds((more.low, more.high), truth.at_n(n).n_for_change(-0.1, m).value)
    return held


def over_designs(table: pd.DataFrame) -> pd.DataFrame:
    """The mean coverage of curves and of surfaces, without what cannot be 0.9."""
    known = table.copy()
    known.loc[known["truth"] == "no gap", "C"] = known.loc[known["truth"] == "large gap", "n_for"] = np.nan
    of = known["truth"].isin(LAWS).map({True: "all curves", False: "all surfaces"}).rename("truth")
    means = known.drop(columns=["truth", "design", "made"]).groupby(of).mean().round(3)
    return means.assign(design="all", made=known["made"].groupby(of).sum()).reset_index()[table.columns]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curves", type=int, default=200)
    parser.add_argument("--surfaces", type=int, default=200)
    parser.add_argument("--replicates", type=int, default=200)
    options = parser.parse_args()
    rows = []
    for (design, (trials, draws)), (name, truth) in product(DESIGNS.items(), (LAWS | SURFACES).items()):
        of, made = (of_curve, options.curves) if name in LAWS else (of_surface, options.surfaces)
        if trials == 1 and of is of_surface:
            continue
        # each row has noise of its own: rows that share it err together, and their mean tells no more than one of them
        streams = np.random.default_rng(len(rows)).spawn(made)
        held = [of(truth, trials, draws, seed, options.replicates, rng) for seed, rng in enumerate(streams)]
        rows.append({"truth": name, "design": design, "made": made} | pd.DataFrame(held).mean().round(3).to_dict())
        print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    table = pd.concat([table, over_designs(table)], ignore_index=True)
    print(table.tail(2).to_string(index=False))
    table.to_csv(Path(__file__).with_name("calibration.csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
