"""The law of both sizes: known surfaces come back, a slow search agrees, and the paper's derivatives follow from its constants."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.stats import binom

from sim2real.laws.bootstrap import Bootstrap
from sim2real.laws.power import PowerLaw
from sim2real.laws.search import fit_surfaces
from sim2real.laws.substitution import budget_line_m, compare_forms, equal_error_m, equal_rate_m, marginal_rate, rate_of_curves
from sim2real.laws.surface import CONSTANTS, EXPONENT_MAX, ScalingSurface, TwoExponents, evaluate, fit_surface, fitted

PAPER = ScalingSurface(0.338, 0.0192, 0.265, 0.239, 0.0535)
N, M = np.geomspace(100, 20_000, 10), np.array([20.0, 40.0, 80.0, 160.0, 400.0])
CELL_N, CELL_M = (g.ravel() for g in np.meshgrid(N, M, indexing="ij"))
TRUTHS = [
    (0.338, 0.0192, 0.265, 0.239, 0.0535),
    (1.0, 0.0, 0.1, 0.3, 0.0),
    (0.5, 0.2, 0.5, 0.5, 0.1),
    (300.0, 20.0, 0.0348, 0.24, 5.0),
]


def noisy(truth: tuple[float, ...], seed: int, size: float = 0.03) -> np.ndarray:
    return evaluate(np.array(truth), CELL_N, CELL_M) * (1 + size * np.random.default_rng(seed).standard_normal(len(CELL_N)))


def trial_errors(surface: ScalingSurface, trials: int, rng: np.random.Generator) -> np.ndarray:
    """Errors (trials, N, M) with parts common to a trial, to a trial's m, and of their own: 15, 10 and 15 %."""
    noise = 0.15 * rng.standard_normal((trials, 1, 1)) + 0.1 * rng.standard_normal((trials, 1, len(M)))
    noise = noise + 0.15 * rng.standard_normal((trials, len(N), len(M)))
    return surface(N[:, None], M) * np.maximum(1 + noise, 0.01)


def slow_loss(error: np.ndarray, seed: int, starts: int = 4) -> float:
    """All five constants at once, bounded, from random starts: the sum of squared relative residuals."""
    rng, scale, best = np.random.default_rng(seed), error.mean(), np.inf
    for _ in range(starts):
        start = [2 * scale * rng.random(), scale * rng.random(), *np.exp(rng.uniform(-4, 0.5, 2)), scale * rng.random()]
        found = least_squares(
            lambda c: evaluate(c, CELL_N, CELL_M) / error - 1,
            start,
            bounds=(0, [np.inf, np.inf, EXPONENT_MAX, EXPONENT_MAX, np.inf]),
            x_scale="jac",
            xtol=1e-12,
            ftol=1e-12,
            gtol=1e-12,
            max_nfev=1000,
        )
        best = min(best, 2 * found.cost)
    return best


def test_the_printed_equation_3_of_the_paper():
    n, m = 71_068, 601
    assert PAPER.partial_n(n, m) == pytest.approx(-1.4146e-8, rel=1e-4)
    assert PAPER.partial_m(n, m) == pytest.approx(-3.1632e-6, rel=1e-4)
    assert PAPER.marginal_rate(n, m) == pytest.approx(223.6, abs=0.05)
    # the printed derivatives and ratio come from constants with more digits
    assert PAPER.partial_n(n, m) == pytest.approx(-1.41e-8, rel=0.01)
    assert PAPER.partial_m(n, m) == pytest.approx(-3.13e-6, rel=0.02)
    assert PAPER.marginal_rate(n, m) == pytest.approx(221, rel=0.02)


def test_the_printed_slopes_of_chi():
    in_n, in_m = PowerLaw(0.239, 0.0348, 4.52e-10), PowerLaw(0.863, 0.240, 0.0)
    assert in_n.derivative(9129) == pytest.approx(-6.63e-7, rel=0.002)
    assert in_m.derivative(612) == pytest.approx(-7.25e-5, rel=0.002)
    assert rate_of_curves(in_n, in_m, 9129, 612) == pytest.approx(109.35, abs=0.05)


def test_derivatives_equal_finite_differences():
    for truth in TRUTHS:
        surface = ScalingSurface(*truth)
        for n, m in ((150.0, 25.0), (20_000.0, 400.0)):
            d_n = (surface(n * 1.001, m) - surface(n / 1.001, m)) / (n * 1.001 - n / 1.001)
            d_m = (surface(n, m * 1.001) - surface(n, m / 1.001)) / (m * 1.001 - m / 1.001)
            assert surface.partial_n(n, m) == pytest.approx(d_n, rel=1e-5)
            assert surface.partial_m(n, m) == pytest.approx(d_m, rel=1e-5)
            assert surface.marginal_rate(n, m) == pytest.approx(d_m / d_n, rel=1e-5)


def test_the_law_at_one_m_and_at_one_n_are_the_surface():
    np.testing.assert_allclose(PAPER.at_m(601)(N), PAPER(N, 601))
    np.testing.assert_allclose(PAPER.at_n(71_068)(M), PAPER(71_068, M))
    assert PAPER.at_m(601).derivative(71_068) == pytest.approx(PAPER.partial_n(71_068, 601))


@pytest.mark.parametrize("truth", TRUTHS)
def test_known_constants_come_back_from_noiseless_surfaces(truth):
    surface = fit_surface(CELL_N, CELL_M, evaluate(np.array(truth), CELL_N, CELL_M))
    np.testing.assert_allclose(surface.constants, truth, rtol=1e-6, atol=1e-9)
    zero = tuple(name for name, value in zip(CONSTANTS, truth) if value == 0)
    assert (surface.status, surface.bounds_hit) == ("BOUND_HIT" if zero else "CONVERGED", zero)
    assert surface.rmse < 1e-8


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("truth", "tolerance"),
    # where m does not help at all, the best beta may lie between 0 and the smallest that is searched
    [*((truth, 1e-6) for truth in TRUTHS[:3]), ((0.0, 1.0, 0.0, 0.3, 0.1), 1e-6), ((0.5, 0.0, 0.3, 0.0, 0.1), 1e-3)],
)
def test_no_slow_search_finds_a_better_fit(truth, tolerance, seed):
    error = noisy(truth, seed)
    surface = fit_surface(CELL_N, CELL_M, error)
    residual = surface(CELL_N, CELL_M) / error - 1
    assert surface.rmse == pytest.approx(np.sqrt(np.mean(residual**2)))
    assert residual @ residual == pytest.approx(slow_loss(error, seed), rel=tolerance)


def test_constants_of_noisy_surfaces_scatter_about_the_truth():
    errors = np.stack([noisy(TRUTHS[0], seed, 0.01) for seed in range(200)])
    constants, _, converged = fit_surfaces(CELL_N, CELL_M, errors)
    assert converged.all()
    median, spread = np.median(constants, axis=0), constants.std(axis=0)
    assert (np.abs(median - TRUTHS[0]) < 4 * 1.25 * spread / np.sqrt(200)).all()
    assert (spread < 0.3 * np.array(TRUTHS[0]) + 0.01).all()


def test_surfaces_fitted_together_equal_surfaces_fitted_alone():
    errors = np.stack([noisy(truth, seed) for seed in range(5) for truth in TRUTHS])
    constants, loss, _ = fit_surfaces(CELL_N, CELL_M, errors)
    for row, error in enumerate(errors):
        alone = fit_surface(CELL_N, CELL_M, error)
        assert loss[row] == pytest.approx(alone.rmse**2 * len(error), rel=1e-8)
        np.testing.assert_allclose(evaluate(constants[row], CELL_N, CELL_M), alone(CELL_N, CELL_M), rtol=1e-4)


def test_the_fit_follows_units_and_takes_any_part_of_a_grid():
    error = noisy(TRUTHS[0], 0)
    keep = np.random.default_rng(0).permutation(50)[:30]
    surface, part = fit_surface(CELL_N, CELL_M, error), fit_surface(CELL_N[keep], CELL_M[keep], error[keep])
    scaled = fit_surface(7 * CELL_N, CELL_M / 3, 1e4 * error)
    np.testing.assert_allclose(scaled(7 * N, M[0] / 3), 1e4 * surface(N, M[0]), rtol=1e-6)
    assert scaled.marginal_rate(7 * N[-1], M[-1] / 3) == pytest.approx(21 * surface.marginal_rate(N[-1], M[-1]), rel=1e-4)
    assert part.n_points == 30 and part.status in ("CONVERGED", "BOUND_HIT")
    np.testing.assert_allclose(part(CELL_N, CELL_M), surface(CELL_N, CELL_M), rtol=0.05)


def test_errors_that_do_not_fall_leave_no_rate():
    rising_n = fit_surface(CELL_N, CELL_M, CELL_N**0.1 * CELL_M**-0.3)
    assert set(rising_n.bounds_hit) >= {"A", "alpha"} and np.isinf(rising_n.marginal_rate(1000, 50))
    assert rising_n.at_m(50).D == 0
    rising_m = fit_surface(CELL_N, CELL_M, CELL_N**-0.2 * CELL_M**0.1)
    assert {"B", "beta"} <= set(rising_m.bounds_hit) and rising_m.marginal_rate(1000, 50) == 0
    flat = fit_surface(CELL_N, CELL_M, np.full(50, 0.3))
    assert flat.bounds_hit == ("A", "B", "alpha", "beta") and flat.epsilon == pytest.approx(0.3)
    assert np.isnan(flat.marginal_rate(1000, 50))
    steep = fit_surface(CELL_N, CELL_M, CELL_N**-3 * CELL_M**-0.3)
    assert "alpha" in steep.bounds_hit and steep.alpha == EXPONENT_MAX
    overflow = fit_surface(CELL_N, CELL_M, np.where(CELL_N > 1000, 1e-300, 1e300))
    assert overflow.status == "FAILED"
    assert json.loads(json.dumps(overflow.to_dict(), allow_nan=False))["A"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"error": np.r_[np.nan, np.ones(49)]}, r"error\[0\] is nan; expected finite positive"),
        ({"n": np.r_[CELL_N[:49], -1]}, r"n\[49\] is -1.0"),
        ({"m": np.where(CELL_M > 40, 80.0, 40.0)}, "at least 3 distinct m, got 2"),
        ({"n": CELL_N[:10]}, "equal length"),
    ],
)
def test_bad_cells_are_refused_in_one_line(change, message):
    cells = {"n": CELL_N, "m": CELL_M, "error": np.ones(50)} | change
    with pytest.raises(ValueError, match=message):
        fit_surface(**cells)
    with pytest.raises(ValueError, match="at least 6 cells"):
        fit_surface([1, 2, 3, 4], [1, 2, 3, 3], [4, 3, 2, 1])


@pytest.mark.parametrize(("surfaces", "least"), [(8, binom.ppf(0.001, 8, 0.9) / 8), pytest.param(25, 0.78, marks=pytest.mark.slow)])
def test_coverage_of_the_90_percent_interval(surfaces, least):
    # a small count that catches a wrong level; the docstring of ScalingSurface.interval has that over 200 surfaces
    held, rate_held, rate = np.zeros(5), 0, PAPER.marginal_rate(N[-1], M[-1])
    for seed in range(surfaces):
        errors = trial_errors(PAPER, 30, np.random.default_rng([3, seed]))
        fitted = Bootstrap(replicates=40, seed=seed).trials(errors).surface(N, M)
        intervals = np.array([fitted.interval(name) for name in CONSTANTS])
        held += (intervals[:, 0] <= PAPER.constants) & (PAPER.constants <= intervals[:, 1])
        low, high = fitted.rate_interval(N[-1], M[-1])
        rate_held += low <= rate <= high
    # the five constants of one surface hold or fail together, so that they count as one
    assert least * 5 * surfaces <= held.sum() < 5 * surfaces, held
    assert rate_held >= min(least, 0.7) * surfaces, rate_held


def test_bootstrap_equals_a_loop_over_resampled_trials():
    errors = trial_errors(PAPER, 30, np.random.default_rng(0))
    surface = Bootstrap(replicates=300, seed=1).trials(errors).surface(N, M)
    assert surface.constants == pytest.approx(fit_surface(CELL_N, CELL_M, errors.mean(axis=0).ravel()).constants)
    rng = np.random.default_rng(2)
    slow = [fit_surface(CELL_N, CELL_M, errors[rng.integers(30, size=30)].mean(axis=0).ravel()) for _ in range(40)]
    rates = np.log([s.marginal_rate(N[5], M[2]) for s in slow])
    fast = np.log([ScalingSurface(*c).marginal_rate(N[5], M[2]) for c in surface.replicates])
    assert fast.mean() == pytest.approx(rates.mean(), abs=4 * rates.std() / np.sqrt(40))
    assert fast.std() == pytest.approx(rates.std(), rel=0.5)
    first, again, other = (Bootstrap(replicates=20, seed=s).trials(errors).surface(N, M).replicates for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (again != other).any()
    low, high = surface.rate_interval(N[:, None], M)
    rates = surface.marginal_rate(N[:, None], M)
    assert low.shape == (10, 5) and ((low < rates) & (rates < high)).all()


def test_intervals_on_a_bound_are_one_sided():
    errors = trial_errors(ScalingSurface(*TRUTHS[1]), 30, np.random.default_rng(1))
    surface = Bootstrap(replicates=100).trials(errors).surface(N, M)
    assert "B" in surface.at_zero
    assert (surface.replicates_at_zero[:, [CONSTANTS.index(name) for name in surface.at_zero]] == 0).all()
    for values in (surface.replicates, surface.replicates_at_zero):  # both lie within the interval
        assert surface.interval("beta")[0] <= np.quantile(values[:, 3], 0.05) <= surface.interval("beta")[1]
    printed = json.loads(json.dumps(surface.to_dict(), allow_nan=False))
    for name in surface.bounds_hit:
        assert printed["intervals"][name]["one_sided"] and printed["intervals"][name]["low"] == 0
    # no decay with n: the rate has a lower limit only
    errors = np.random.default_rng(5).lognormal(0, 0.2, (30, 10, 5)) * M**-0.3
    flat = Bootstrap(replicates=100).trials(errors * N[:, None] ** 0.01).surface(N, M)
    assert "A" in flat.bounds_hit
    low, high = flat.rate_interval(N[-1], M[-1])
    assert np.isinf(high) and low > 0
    with pytest.raises(ValueError, match="no bootstrap replicates"):
        PAPER.interval("A")
    with pytest.raises(ValueError, match="unknown constant 'C'"):
        surface.interval("C")


def test_resampling_materials_is_wider():
    rng = np.random.default_rng(0)
    hard, errors = rng.lognormal(0, 0.5, 20), np.full((12, 20, 10, 5), np.nan)
    for trial in range(12):
        tested = rng.permutation(20)[:8]
        errors[trial, tested] = hard[tested, None, None] * PAPER(N[:, None], M) * rng.lognormal(0, 0.05, (8, 10, 5))
    bootstrap = Bootstrap(replicates=100)
    over_trials, over_both = bootstrap.trials(np.nanmean(errors, axis=1)).surface(N, M), bootstrap.materials(errors).surface(N, M)
    assert over_both.resampled == "trials and materials"
    assert over_both(N, 40) == pytest.approx(over_trials(N, 40))
    (low, high), (wide_low, wide_high) = (s.interval("epsilon") for s in (over_trials, over_both))
    assert wide_high - wide_low > high - low
    with pytest.raises(ValueError, match=r"shape \(trials, n, m\)"):
        bootstrap.trials(np.nan_to_num(errors)).surface(N, M)


def test_curves_of_equal_error_budget_lines_and_rates_meet():
    n, m = N[6], 100.0
    error, rate = PAPER(n, m), PAPER.marginal_rate(n, m)
    np.testing.assert_allclose(PAPER(N, equal_error_m(PAPER, error, N)), error)
    np.testing.assert_allclose(PAPER.marginal_rate(N, equal_rate_m(PAPER, 221, N)), 221)
    # the budget line touches the curve from below at its anchor and nowhere else
    near = np.array([0.8, 0.99, 1.0, 1.01, 1.2]) * n
    below = equal_error_m(PAPER, error, near) - budget_line_m(n, m, rate, near)
    assert below[2] == pytest.approx(0, abs=1e-9) and (below[[0, 1, 3, 4]] > 0).all()
    assert np.isnan(budget_line_m(n, m, 1.0, n + 2 * m))
    assert np.isnan(equal_error_m(PAPER, 0.05, N)).all()
    assert np.isnan(equal_rate_m(ScalingSurface(0, 1, 0, 0.3, 0), 221, N)).all()


def test_forms_are_compared_on_edges_that_they_have_not_seen():
    table = compare_forms(N, M, PAPER(N[:, None], M)).set_index(["held_back", "model"])
    for edge, cells in (("largest n", 5), ("largest m", 10)):
        rmse = table.loc[edge]["rmse"]
        assert rmse["Eq. 1"] < 1e-6 and rmse["law per curve"] < 1e-6
        assert rmse["additive"] > 0.01 and rmse["last value"] > 0.01
        assert (table.loc[edge]["cells"] == cells).all()
    last = PAPER(N[-2], M) / PAPER(N[-1], M) - 1
    assert table.loc["largest n", "last value"]["rmse"] == pytest.approx(np.sqrt(np.mean(last**2)))
    additive = 0.5 * N[:, None] ** -0.3 + 0.8 * M**-0.4 + 0.05
    table = compare_forms(N, M, additive).set_index(["held_back", "model"])
    assert table.loc["largest n", "additive"]["rmse"] < 1e-6 < 1e-4 < table.loc["largest n", "Eq. 1"]["rmse"]
    with pytest.raises(ValueError, match="at least 4 of each"):
        compare_forms(N[:3], M, additive[:3])


def test_the_rate_of_two_curves_is_that_of_a_surface_without_noise():
    errors = np.broadcast_to(PAPER(N[:, None], M), (4, 10, 5)) * np.array([0.8, 0.9, 1.1, 1.2])[:, None, None]
    found = marginal_rate(N, M, Bootstrap(replicates=50).trials(errors))
    assert found.rate == pytest.approx(PAPER.marginal_rate(N[-1], M[-1]), rel=1e-4)
    assert found.low <= found.rate * (1 + 1e-6) and found.high >= found.rate * (1 - 1e-6)
    noisy_errors = trial_errors(PAPER, 30, np.random.default_rng(0))
    found = marginal_rate(N, M, Bootstrap(replicates=50).trials(noisy_errors))
    assert found.low < found.rate < found.high


def test_one_exponent_more_is_found_where_there_is_one():
    n, m = (cells.ravel() for cells in np.meshgrid(N, M, indexing="ij"))
    truth = TwoExponents(0.672, 0.29, 0.527, 0.13, 0.4, 0.0129)
    found = fitted(TwoExponents, n, m, truth(n, m))
    np.testing.assert_allclose(found(n, m), truth(n, m), rtol=1e-4)
    assert (found.beta1, found.beta2, found.alpha) == pytest.approx((0.13, 0.4, 0.527), rel=0.02)
    step = (truth(N[-1], M[-1] + 1e-3) - truth(N[-1], M[-1])) / (truth(N[-1] + 1e-1, M[-1]) - truth(N[-1], M[-1])) * 100
    assert truth.marginal_rate(N[-1], M[-1]) == pytest.approx(step, rel=1e-3)
    # with equal exponents it is Eq. 1
    same = fitted(TwoExponents, n, m, PAPER(n, m))
    np.testing.assert_allclose(same(n, m), PAPER(n, m), rtol=1e-3)
    table = compare_forms(N, M, truth(N[:, None], M)).set_index(["held_back", "model"])["rmse"]
    assert table["largest m", "two exponents"] < 0.2 * table["largest m", "Eq. 1"]


def test_the_law_of_two_exponents_has_intervals():
    truth = TwoExponents(0.672, 0.29, 0.527, 0.13, 0.4, 0.0129)
    law = Bootstrap(replicates=60).trials(trial_errors(truth, 30, np.random.default_rng(3))).surface(N, M, TwoExponents)
    rate = law.rate(N[-1], M[-1])
    assert rate.low < law.marginal_rate(N[-1], M[-1]) == rate.value < rate.high
    assert all(law.interval(name)[0] <= getattr(law, name) <= law.interval(name)[1] for name in law.names)
    printed = json.loads(json.dumps(law.to_dict(), allow_nan=False))
    assert printed["intervals"]["beta1"]["low"] < 0.13 < printed["intervals"]["beta2"]["high"]
