"""The laws: known constants come back, the fast fit equals a slow obvious one, and bounds are said, not hidden."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.optimize import nnls

from sim2real.laws.power import ALPHA_MAX, PRIOR, PowerLaw, Prior, fit_curves, fit_power_law

N = np.geomspace(100, 71_068, 10)


def slow_fit(n, error, weights):
    """Brute force over alpha, twice, with scipy's NNLS for D and C: returns the loss and (D, alpha, C)."""
    root = np.sqrt(weights)

    def at(alpha):
        design = np.stack([n**-alpha / error, 1.0 / error], axis=1) * root[:, None]
        (d, c), norm = nnls(design, root)
        return norm**2, d, alpha, c

    coarse = np.linspace(0.0, ALPHA_MAX, 1001)
    losses = [at(alpha)[0] for alpha in coarse]
    best = coarse[int(np.argmin(losses))]
    fine = np.linspace(max(best - 0.002, 0.0), min(best + 0.002, ALPHA_MAX), 401)
    loss, *constants = min(at(alpha) for alpha in fine)
    return loss, constants


@pytest.mark.parametrize("c", [0.0, 0.001, 0.0234])
@pytest.mark.parametrize("alpha", [0.0145, 0.0348, 0.0836, 0.265, 1.0])
def test_known_constants_come_back_from_noiseless_curves(alpha, c):
    law = fit_power_law(N, 0.2 * N**-alpha + c)
    assert (law.D, law.alpha, law.C) == pytest.approx((0.2, alpha, c), rel=1e-4, abs=1e-9)
    assert law.status == ("CONVERGED" if c else "BOUND_HIT")
    assert law.bounds_hit == (() if c else ("C",))
    assert law.rmse < 1e-8
    assert law.n_points == 10


@pytest.mark.parametrize("seed", range(12))
def test_fast_fit_equals_slow_twin(seed):
    rng = np.random.default_rng(seed)
    n = np.sort(rng.choice(5000, size=rng.integers(4, 11), replace=False) + 10.0)
    alpha, c = rng.choice([0.02, 0.1, 0.4, 1.2]), rng.choice([0.0, 0.05, 1.0])
    error = (n ** (-alpha * rng.choice([1, 1, 1, -1])) + c) * rng.lognormal(0.0, 0.05, len(n))
    weights = rng.uniform(0.5, 2.0, len(n))
    law = fit_power_law(n, error, weights)
    loss, (d, slow_alpha, slow_c) = slow_fit(n, error, weights)
    fast_loss = law.rmse**2 * weights.sum()
    assert fast_loss <= loss * (1 + 1e-9)
    assert fast_loss == pytest.approx(loss, rel=1e-3)
    if law.D > 0:
        assert law.alpha == pytest.approx(slow_alpha, abs=1e-4)
        assert law(n) == pytest.approx(d * n**-slow_alpha + slow_c, rel=1e-3)


def test_curves_fitted_together_equal_curves_fitted_alone():
    rng = np.random.default_rng(3)
    curves = (0.3 * N**-0.2 + 0.02) * rng.lognormal(0.0, 0.1, (20, len(N)))
    together, _ = fit_curves(N, curves)
    alone = [(law.D, law.alpha, law.C) for law in (fit_power_law(N, curve) for curve in curves)]
    np.testing.assert_allclose(together, alone, rtol=1e-9)


def test_the_fit_follows_the_units_of_n_and_error():
    error = np.array([0.31, 0.27, 0.22, 0.21, 0.18, 0.17, 0.165, 0.15, 0.149, 0.147])
    law, other = fit_power_law(N, error), fit_power_law(1000 * N, 1e6 * error)
    assert other.alpha == pytest.approx(law.alpha, rel=1e-6)
    assert other(1000 * N) == pytest.approx(1e6 * law(N), rel=1e-6)


def test_a_weight_of_zero_leaves_a_point_out():
    error = 0.2 * N**-0.3 + 0.02
    error[4] = 5.0
    law = fit_power_law(N, error, weights=np.arange(10) != 4)
    assert (law.D, law.alpha, law.C) == pytest.approx((0.2, 0.3, 0.02), rel=1e-4)


@pytest.mark.parametrize("error", [np.full(10, 0.3), 0.1 * N**0.1], ids=["flat", "rising"])
def test_a_curve_that_does_not_fall_has_no_exponent(error):
    law = fit_power_law(N, error)
    assert law.status == "BOUND_HIT"
    assert law.bounds_hit == ("D", "alpha")
    assert (law.D, law.alpha) == (0.0, 0.0)
    assert error.min() <= law.C <= error.max()


def test_a_curve_steeper_than_the_range_ends_on_the_upper_bound():
    law = fit_power_law(N, N**-3.0)
    assert law.status == "BOUND_HIT"
    assert law.alpha == ALPHA_MAX
    assert "alpha" in law.bounds_hit


def test_a_curve_that_overflows_is_failed_and_still_json():
    law = fit_power_law([1, 2, 3], [1e200, 1, 1e-200])
    assert law.status == "FAILED"
    assert json.loads(json.dumps(law.to_dict(), allow_nan=False))["alpha"] is None


@pytest.mark.parametrize(
    ("n", "error", "message"),
    [
        ([1, 2, 3], [0.3, np.nan, 0.1], r"error\[1\] is nan"),
        ([1, 2, 3], [0.3, 0.2, 0.0], r"error\[2\] is 0\.0"),
        ([0, 2, 3], [0.3, 0.2, 0.1], r"n\[0\] is 0\.0"),
        ([1, 2, np.inf], [0.3, 0.2, 0.1], r"n\[2\] is inf"),
        ([1, 2, 3], [0.3, 0.2], r"shapes \(3,\) and \(2,\)"),
        ([1, 2, 2], [0.3, 0.2, 0.1], "at least 3 distinct n, got 2"),
        ([], [], "at least 3 distinct n, got 0"),
    ],
)
def test_bad_curves_are_refused_in_one_line(n, error, message):
    with pytest.raises(ValueError, match=message) as caught:
        fit_power_law(n, error)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("weights", [[1, 1], [1, -1, 1], [1, np.nan, 1]])
def test_bad_weights_are_refused(weights):
    with pytest.raises(ValueError, match="weights must be 3 finite numbers"):
        fit_power_law([1, 2, 3], [3, 2, 1], weights)


def test_derivative_equals_finite_difference():
    law = PowerLaw(0.338, 0.265, 0.05)
    step = 1e-4 * N
    assert law.derivative(N) == pytest.approx((law(N + step) - law(N - step)) / (2 * step), rel=1e-6)


def test_printed_laws_of_the_paper():
    """Minami et al. (2025): the chi law and its slope at n = 9,129; the laws of refractive index and conductivity."""
    chi = PowerLaw(0.239, 0.0348, 4.52e-10)
    assert chi.derivative(9129) == pytest.approx(-6.63e-7, abs=0.005e-7)
    # Eq. 3 at m = 601 is a law in n: D = 0.338 m^-0.239; its slope from the printed constants
    density = PowerLaw(0.338 * 601**-0.239, 0.265, 0.0192 * 601**-0.239 + 0.0535)
    assert density.derivative(71_068) == pytest.approx(-1.4146e-8, rel=1e-4)
    # the printed constants, refitted from the curves they draw
    for d, alpha in ((0.0684, 0.0145), (1.44, 0.0836), (0.239, 0.0348)):
        law = fit_power_law(N, PowerLaw(d, alpha, 0.0)(N))
        assert (law.D, law.alpha) == pytest.approx((d, alpha), rel=1e-4)


def test_a_law_without_replicates_has_no_interval():
    law = PowerLaw(0.239, 0.0348, 0.0)
    with pytest.raises(ValueError, match="no bootstrap replicates"):
        law.interval("alpha")
    with pytest.raises(ValueError, match="unknown constant 'beta'"):
        law.interval("beta")
    with pytest.raises(ValueError, match="level"):
        law.interval("alpha", 90)
    printed = law.to_dict()
    assert printed["status"] == "STATED"
    assert printed["intervals"] is None


def slow_prior_fit(n, error, prior):
    """What `Prior` says, written out: brute force over alpha, D and C by NNLS with C's expectation as one more row."""
    weights = (n / n.max()) ** prior.recent
    left = min(nnls(*_rows(n, error, weights, alpha))[1] ** 2 for alpha in np.geomspace(1e-3, ALPHA_MAX, 4000))
    noise = (left + prior.noise**2) / (len(n) - 3 + 1)

    def at(alpha):
        design, wanted = _rows(n, error, weights, alpha)
        pull = np.sqrt(noise) / (prior.gap_spread * error[n.argmax()])
        design, wanted = np.vstack([design, [0, pull]]), np.append(wanted, pull * prior.gap * error[n.argmax()])
        (d, c), norm = nnls(design, wanted)
        return norm**2 + noise * (np.log(alpha / prior.alpha) / prior.alpha_spread) ** 2, d, alpha, c

    return min(at(alpha) for alpha in np.geomspace(1e-3, ALPHA_MAX, 4000))


def _rows(n, error, weights, alpha):
    root = np.sqrt(weights)
    return np.stack([n**-alpha / error, 1 / error], axis=1) * root[:, None], root


@pytest.mark.parametrize("prior", [PRIOR, Prior(0.2, 0.5, 0.8, 0.1, 0.03, 0.0)], ids=["shipped", "narrow"])
def test_a_prior_is_what_it_says(prior):
    error = (0.5 * N**-0.3 + 0.03) * np.random.default_rng(1).lognormal(0, 0.05, len(N))
    law, (_, d, alpha, c) = fit_power_law(N, error, prior=prior), slow_prior_fit(N, error, prior)
    assert (law.alpha, law.D, law.C) == pytest.approx((alpha, d, c), rel=5e-3)
    narrow = Prior(0.2, 1e-4, 0.5, 1e-4, 0.03, 0.0)
    assert fit_power_law(N, error, prior=narrow).alpha == pytest.approx(0.2, rel=1e-2)
    # without noise there is nothing for a prior to decide
    exact = Prior(0.2, 0.5, 0.8, 0.1, 1e-9, 1.5)
    assert fit_power_law(N, 0.5 * N**-0.3 + 0.03, prior=exact).alpha == pytest.approx(0.3, rel=1e-4)


def test_the_prior_draws_a_short_noisy_curve_to_what_is_usual():
    rng, truth = np.random.default_rng(0), PowerLaw(1.0, 0.45, 0.03)
    curves = truth(N[:5]) * rng.lognormal(0, 0.02 * (N[4] / N[:5]) ** (PRIOR.recent / 2), (200, 5))
    off = [
        np.abs(np.log(PowerLaw(*c)(N[-1]) / truth(N[-1])))
        for prior in (None, PRIOR)
        for c in fit_curves(N[:5], curves, prior=prior)[0]
    ]
    assert np.mean(off[200:]) < 0.7 * np.mean(off[:200])
