"""Do simulations and measurements reinforce or replace each other, and what is a measurement worth, without Eq. 1.

For chi the paper finds that the curves of the error against n get steeper as m grows, which its Eq. 1 cannot give, and takes
the marginal rate of substitution from the two curves that cross at the data's edge (Minami et al., npj Computational
Materials 11, 146 (2025), Fig. 4). Everything here takes mean errors (N, M) over n and m and resamples of them (R, N, M).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sim2real.laws.bootstrap import check_materials, check_trials, trial_curves, trial_material_curves
from sim2real.laws.power import check_level, fit_curves, fit_power_law
from sim2real.laws.substitution import compare_surfaces, rate_of_curves

FLAT = 1e-3
"""An exponent n dR/dn / R nearer to 0 than this counts as no decay: n^-0.001 falls by 0.7 % over three decades."""
_OFTEN = 0.05  # share of refits with C at 0 from which refits without C are looked at as well, as for surfaces


def resampled_surfaces(
    cube: NDArray, clusters: ArrayLike | None = None, replicates: int = 1000, seed: int = 0
) -> tuple[NDArray, NDArray, NDArray]:
    """Mean errors and their resamples, over trials alone and over trials and materials.

    Args:
        cube: (trials, materials, N, M), the absolute error of each material, NaN where a trial did not test it.
        clusters: (materials,) label of what is drawn as a whole, such as the pair that rows at several temperatures belong
            to; each material on its own if None.
        replicates, seed: of the bootstrap.

    Returns:
        Means (N, M), resamples of trials (R, N, M), resamples of trials and clusters (R, N, M). The first and last are means
        over all test predictions, the second over trials' means.

    Raises:
        ValueError: as :func:`sim2real.laws.bootstrap.band_trials_materials`.
    """
    shape = cube.shape[2:]
    errors, tested = check_materials(cube.reshape(*cube.shape[:2], -1))
    predictions = tested.sum(axis=1)
    if not predictions.all():
        raise ValueError(f"trial {int(np.argmin(predictions))} tests no material; every trial needs a test prediction")
    by_trial = check_trials(errors.sum(axis=1) / predictions[:, None])
    of_trials = trial_curves(by_trial, replicates, seed)
    of_both = trial_material_curves(errors, tested, replicates, seed, clusters)
    mean = errors.sum(axis=(0, 1)) / tested.sum()
    return mean.reshape(shape), of_trials.reshape(-1, *shape), of_both.reshape(-1, *shape)


def marginal_rate(n_grid: ArrayLike, m_grid: ArrayLike, mean: NDArray, resamples: NDArray, level: float = 0.9) -> dict:
    """Simulations worth one measurement at the largest n and m, from a law each for the two curves that cross there.

    R(n, m max) and R(n max, m) are fitted by D x^-alpha + C each; the rate is the ratio of their derivatives, as the paper takes
    it for chi.

    Args:
        n_grid, m_grid: (N,) and (M,), ascending, at least three each.
        mean, resamples: (N, M) and (R, N, M) of :func:`resampled_surfaces`.
        level: of the percentile intervals.

    Returns:
        ``n``, ``m``; ``partial_n`` and ``partial_m`` with ``value``, ``low``, ``high`` and ``reaches_zero`` (the exponent at the
        near end is below :data:`FLAT`); ``rate``; ``low``, ``high``; ``in_n``, ``in_m``, the laws; and ``identified``:
        "both ends", "lower limit" (the error may not fall with n at all, so the rate has no upper end), "upper limit" (it may
        not fall with m) or "not identified" (neither). Limits are one-sided at ``level``. Where a law's C is 0 in many
        resamples, intervals also cover refits without C (a bootstrap is inconsistent at a bound). An infinite or undefined
        number is inf or NaN.

    Raises:
        ValueError: as :func:`sim2real.laws.power.fit_power_law`.
    """
    check_level(level)
    tails = ((1 - level) / 2, (1 + level) / 2)
    laws, partials, sides = [], [], {}
    for name, grid, curve, curves in (
        ("n", n_grid, mean[:, -1], resamples[:, :, -1]),
        ("m", m_grid, mean[-1], resamples[:, -1, :]),
    ):
        grid = np.asarray(grid, float)
        law = fit_power_law(grid, curve)
        free = fit_curves(grid, curves)[0]
        restricted = fit_curves(grid, curves, gap=False)[0] if (free[:, 2] == 0).mean() >= _OFTEN else free
        sets = np.stack([_derivative(constants, grid[-1]) for constants in (free, restricted)])
        low, high = np.quantile(sets, tails, axis=1)
        reaches_zero = bool(-high.max() * grid[-1] / curve[-1] < FLAT)
        sides[name] = {"value": float(law.derivative(grid[-1])), "low": float(low.min()), "high": float(high.max())}
        sides[name]["reaches_zero"] = reaches_zero
        laws.append(law)
        partials.append(sets)
    n, m = float(np.asarray(n_grid)[-1]), float(np.asarray(m_grid)[-1])
    flat_n, flat_m = sides["n"]["reaches_zero"], sides["m"]["reaches_zero"]
    words = {(False, False): "both ends", (True, False): "lower limit", (False, True): "upper limit"}
    identified = words.get((flat_n, flat_m), "not identified")
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = partials[1] / partials[0]
    low_tail, high_tail = (1 - level if flat_n else tails[0]), (level if flat_m else tails[1])
    # order statistics, because an interpolation between finite and infinite rates is NaN
    low = np.quantile(np.where(np.isnan(rates), 0.0, rates), low_tail, axis=1, method="lower").min()
    high = np.quantile(np.where(np.isnan(rates), np.inf, rates), high_tail, axis=1, method="higher").max()
    return {
        "n": n,
        "m": m,
        "partial_n": sides["n"],
        "partial_m": sides["m"],
        "rate": rate_of_curves(laws[0], laws[1], n, m),
        "low": 0.0 if flat_m else float(low),
        "high": np.inf if flat_n else float(high),
        "identified": identified,
        "in_n": laws[0].to_dict(level),
        "in_m": laws[1].to_dict(level),
        "level": level,
    }


def _derivative(constants: NDArray, x: float) -> NDArray:
    d, alpha, _ = constants.T
    return -alpha * d * x ** (-alpha - 1)


def interaction(n_grid: ArrayLike, m_grid: ArrayLike, mean: NDArray, resamples: NDArray, level: float = 0.9) -> dict:
    """Whether a larger m makes simulations more or less useful: the interaction of log n and log m, with intervals.

    gamma of log R = a - alpha log n - beta log m + gamma (log n)(log m) by least squares. On a full grid the product of
    the centred logarithms is orthogonal to every function of n alone and of m alone, so gamma is 0 wherever R = f(n) g(m),
    however f and g bend. Eq. 1 (A, B, epsilon >= 0) has gamma >= 0: both factors fall, and epsilon flattens the curves most
    where they are low. gamma < 0 (curves in n steepen as m grows) is what Eq. 1 cannot give. The same contrast of R itself
    asks the question in absolute error, where Eq. 1 is above 0 and reinforcement is the stronger claim.

    Of 300 made sets without interaction (R = f(n) g(m), 16 trials, 24 pairs, 5 % noise of a trial), the 90 % interval of gamma
    over trials left out 0 in 36, that over trials and pairs in 8: the first is a little narrow, the second wide.

    Args:
        n_grid, m_grid, mean, resamples, level: as for :func:`marginal_rate`.

    Returns:
        ``log`` and ``absolute`` (per decade of n and of m), ``steepening`` (the slope of log R in log n at the largest m minus
        that at the smallest) and ``fall`` (R(n min) - R(n max) at the largest m minus the same at the smallest; above 0 is
        reinforcement), each with ``value``, ``low``, ``high`` and ``verdict``: "reinforce", "substitute" or "cannot be told"
        where the interval holds 0. ``slopes`` in log n at each m and ``slopes_m`` in log m at each n, with ``low``, ``high``.
        ``verdict`` is that of ``log``.
    """
    check_level(level)
    logs = [np.log(np.asarray(grid, float)) for grid in (n_grid, m_grid)]
    x, y = (values - values.mean() for values in logs)
    tails = ((1 - level) / 2, (1 + level) / 2)
    decades = np.log(10) ** 2

    def described(function: object, sign: int) -> dict:
        low, high = np.quantile(function(resamples), tails)
        verdict = "cannot be told" if low <= 0 <= high else "reinforce" if sign * low > 0 else "substitute"
        return {"value": float(function(mean)), "low": float(low), "high": float(high), "verdict": verdict}

    def contrast(values: NDArray) -> NDArray:
        return np.einsum("n,...nm,m->...", x, values, y) / (x @ x * (y @ y))

    def slopes(values: NDArray) -> NDArray:
        return np.einsum("n,...nm->...m", x, np.log(values)) / (x @ x)

    def slopes_m(values: NDArray) -> NDArray:
        return np.einsum("m,...nm->...n", y, np.log(values)) / (y @ y)

    def fall(values: NDArray) -> NDArray:
        return values[..., 0, :] - values[..., -1, :]

    def with_band(function: object) -> dict:
        low, high = np.quantile(function(resamples), tails, axis=0)
        return {"value": function(mean).tolist(), "low": low.tolist(), "high": high.tolist()}

    record = {
        "log": described(lambda values: contrast(np.log(values)), -1),
        "absolute": described(lambda values: contrast(values) * decades, -1),
        "steepening": described(lambda values: slopes(values)[..., -1] - slopes(values)[..., 0], -1),
        "fall": described(lambda values: fall(values)[..., -1] - fall(values)[..., 0], 1),
        "slopes": with_band(slopes),
        "slopes_m": with_band(slopes_m),
        "level": level,
    }
    return record | {"verdict": record["log"]["verdict"]}


def compare_forms(n_grid: ArrayLike, m_grid: ArrayLike, errors: ArrayLike) -> pd.DataFrame:
    """:func:`sim2real.laws.substitution.compare_surfaces` with two more forms: log R linear in log n and log m, and with their product.

    Args:
        n_grid, m_grid, errors: as there, at least four n and four m.

    Returns:
        Its table with the rows "logarithms" and "logarithms with interaction" for both held-back edges.

    Raises:
        ValueError: as there.
    """
    table = compare_surfaces(n_grid, m_grid, errors)
    log_n, log_m = np.meshgrid(np.log(np.asarray(n_grid, float)), np.log(np.asarray(m_grid, float)), indexing="ij")
    errors = np.asarray(errors, float)
    rows = []
    for held_back, known in (("largest n", np.s_[:-1, :]), ("largest m", np.s_[:, :-1])):
        edge = np.s_[-1, :] if held_back == "largest n" else np.s_[:, -1]
        for model, interacting in (("logarithms", False), ("logarithms with interaction", True)):
            columns = [np.ones_like(log_n), log_n, log_m, *([log_n * log_m] if interacting else [])]
            design = np.stack([column[known].ravel() for column in columns], axis=1)
            constants = np.linalg.lstsq(design, np.log(errors[known]).ravel(), rcond=None)[0]
            predicted = np.exp(np.stack([column[edge] for column in columns], axis=1) @ constants)
            relative = predicted / errors[edge] - 1
            rmse, worst = np.sqrt(np.mean(relative**2)), relative[np.abs(relative).argmax()]
            rows.append((held_back, model, len(relative), float(rmse), float(worst)))
    return pd.concat([table, pd.DataFrame(rows, columns=table.columns)], ignore_index=True)
