"""Bands and intervals: they cover known truths as often as they say, and equal loops that resample rows one by one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binom

from sim2real.laws.bootstrap import Bootstrap, paired_difference
from sim2real.laws.power import CONSTANTS, PowerLaw, fit_power_law

N = np.geomspace(100, 71_068, 10)


def trial_errors(law: PowerLaw, trials: int, rng: np.random.Generator) -> np.ndarray:
    """Errors (trials, n) about a law, with a part common to a trial's n and a part of its own, 15 % each."""
    noise = 0.15 * rng.standard_normal((trials, 1)) + 0.15 * rng.standard_normal((trials, len(N)))
    return law(N) * np.maximum(1 + noise, 0.01)


def material_errors(rng: np.random.Generator, trials: int = 30, materials: int = 20, spread: float = 0.5) -> np.ndarray:
    """Errors (trials, materials, n): hard and easy materials, a fifth of them tested in each trial."""
    difficulty = rng.lognormal(0.0, spread, materials)
    errors = np.abs(difficulty[:, None] * (N**-0.2 + 0.1) * (1 + 0.1 * rng.standard_normal((trials, materials, len(N)))))
    order = rng.permuted(np.tile(np.arange(materials), (trials, 1)), axis=1)
    errors[order >= materials // 5] = np.nan
    return errors


@pytest.mark.parametrize("curves", [40, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("truth", [PowerLaw(0.167, 0.305, 0.0234), PowerLaw(0.239, 0.0348, 0.0)], ids=["gap", "no gap"])
def test_coverage_of_the_90_percent_interval(truth, curves):
    held = np.zeros(3)
    for seed in range(curves):
        errors = trial_errors(truth, 100, np.random.default_rng([7, seed]))
        law = Bootstrap(replicates=100, seed=seed).trials(errors).law(N)
        for i, name in enumerate(CONSTANTS):
            low, high = law.interval(name)
            held[i] += low <= getattr(truth, name) <= high
    fewest, most = binom.interval(0.999, curves, 0.9)
    assert (held >= fewest).all() and (held <= most).all(), held


def test_band_and_law_equal_a_loop_over_resampled_trials():
    errors = trial_errors(PowerLaw(0.2, 0.2, 0.05), 40, np.random.default_rng(0))
    resamples = Bootstrap(replicates=4000, seed=1).trials(errors)
    mean, (low, high), law = resamples.mean, resamples.interval(), resamples.law(N)
    rng = np.random.default_rng(2)
    curves = errors[rng.integers(40, size=(4000, 40))].mean(axis=1)
    slow = np.array([fit_power_law(N, curve).alpha for curve in curves[:200]])
    slow_low, slow_high = np.quantile(curves, [0.05, 0.95], axis=0)
    width = slow_high - slow_low
    np.testing.assert_allclose(mean, errors.mean(axis=0))
    assert (np.abs(low - slow_low) < 0.1 * width).all()
    assert (np.abs(high - slow_high) < 0.1 * width).all()
    assert law.replicates[:, 1].mean() == pytest.approx(slow.mean(), abs=4 * slow.std() / 14)
    assert law.replicates[:, 1].std() == pytest.approx(slow.std(), rel=0.2)


def test_band_over_materials_equals_a_loop_over_resampled_trials_and_materials():
    errors = material_errors(np.random.default_rng(0))
    resamples = Bootstrap(replicates=2000, seed=1).materials(errors)
    mean, (low, high) = resamples.mean, resamples.interval()
    rng = np.random.default_rng(2)
    curves = []
    for _ in range(2000):
        trials, materials = rng.integers(30, size=30), rng.integers(20, size=20)
        curves.append(np.nanmean(errors[trials][:, materials], axis=(0, 1)))
    slow_low, slow_high = np.quantile(curves, [0.05, 0.95], axis=0)
    width = slow_high - slow_low
    np.testing.assert_allclose(mean, np.nanmean(errors, axis=(0, 1)))
    assert (np.abs(low - slow_low) < 0.1 * width).all()
    assert (np.abs(high - slow_high) < 0.1 * width).all()


def test_resampling_materials_is_wider_where_materials_differ():
    errors = material_errors(np.random.default_rng(0))
    of_trials, of_both = Bootstrap().trials(np.nanmean(errors, axis=1)), Bootstrap().materials(errors)
    (low, high), (low_materials, high_materials) = of_trials.interval(), of_both.interval()
    assert (high_materials - low_materials > 1.3 * (high - low)).all()
    law = of_both.law(N)
    assert law.resampled == "trials and materials"
    assert law(N) == pytest.approx(of_trials.law(N)(N))


def test_same_seed_same_law_other_seed_other_law():
    errors = trial_errors(PowerLaw(0.2, 0.2, 0.05), 40, np.random.default_rng(0))
    first, again, other = (Bootstrap(replicates=50, seed=seed).trials(errors).law(N) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.replicates, again.replicates)
    assert (first.replicates != other.replicates).any()


def test_a_gap_on_its_bound_gets_a_one_sided_limit():
    errors = trial_errors(PowerLaw(0.239, 0.0348, 0.0), 100, np.random.default_rng(4))
    law = Bootstrap().trials(errors).law(N)
    assert law.bounds_hit == ("C",)
    printed = json.loads(json.dumps(law.to_dict(), allow_nan=False))
    assert printed["intervals"]["C"]["one_sided"] is True
    assert printed["intervals"]["C"]["low"] == 0.0
    assert printed["intervals"]["C"]["high"] == pytest.approx(np.quantile(law.replicates[:, 2], 0.9))
    assert printed["intervals"]["alpha"]["one_sided"] is False
    assert printed["replicates"] == 1000
    # alpha's interval also holds the refits without a gap, and grows with the level
    assert law.interval("alpha")[0] <= np.quantile(law.replicates_without_gap[:, 1], 0.05)
    assert law.interval("alpha", 0.99)[0] < law.interval("alpha")[0] <= law.alpha <= law.interval("alpha")[1]


def test_a_flat_curve_gets_an_upper_limit_for_alpha():
    law = Bootstrap().trials(np.full((20, 10), 0.3)).law(N)
    assert law.status == "BOUND_HIT"
    assert law.interval("alpha") == (0.0, 0.0)
    assert law.interval("C") == pytest.approx((0.3, 0.3))


def test_bad_errors_are_named():
    errors = np.full((4, 3), 0.2)
    errors[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"errors\[trial 2, n index 1\] is nan"):
        Bootstrap().trials(errors)
    with pytest.raises(ValueError, match=r"shape \(trials, n\)"):
        Bootstrap().trials([0.3, 0.2, 0.1]).law([1, 2, 3])
    with pytest.raises(ValueError, match="level"):
        Bootstrap(level=1.0)
    holes = material_errors(np.random.default_rng(0))
    trial, material = np.argwhere(~np.isnan(holes[:, :, 0]))[0]
    holes[trial, material, 4] = np.nan
    with pytest.raises(ValueError, match=rf"trial {trial}, material {material}, n index 4\] is nan"):
        Bootstrap().materials(holes)
    with pytest.raises(ValueError, match=r"shape \(trials, materials, n\)"):
        Bootstrap().materials(np.ones((4, 3)))


def test_paired_difference():
    a, b = np.array([0.3, 0.5, 0.4]), np.array([0.2, 0.5, 0.1])
    mean, standard_error, count = paired_difference(a, b)
    assert mean == pytest.approx(0.4 / 3)
    assert standard_error == pytest.approx(np.std([0.1, 0.0, 0.3], ddof=1) / np.sqrt(3))
    assert count == 3
    with pytest.raises(ValueError, match="equally long"):
        paired_difference(a, b[:2])
    with pytest.raises(ValueError, match="trial 1: errors nan"):
        paired_difference([0.1, np.nan], [0.1, 0.2])


def test_resamples_without_a_prediction_are_drawn_again_or_refused():
    rng = np.random.default_rng(5)
    # three trials that test different materials: 3 % of all resamples draw none that was tested in the drawn trials
    errors = np.full((3, 13, 2), np.nan)
    for trial, materials in enumerate(((0, 1, 2), (3, 4, 5), (6, 7, 8))):
        errors[trial, materials] = 1 + rng.random((3, 2))
    curves = Bootstrap(replicates=4000).materials(errors).draws
    assert np.isfinite(curves).all()
    slow = []
    while len(slow) < 4000:
        trials, materials = rng.integers(3, size=3), rng.integers(13, size=13)
        drawn = errors[np.ix_(trials, materials)]
        if not np.isnan(drawn).all():
            slow.append(np.nanmean(drawn, axis=(0, 1)))
    levels = (0.05, 0.5, 0.95)
    np.testing.assert_allclose(np.quantile(curves, levels, axis=0), np.quantile(slow, levels, axis=0), rtol=0.02)
    errors[:] = np.nan
    errors[0, 0] = errors[1, 1] = errors[2, 2] = 1.0
    with pytest.raises(ValueError, match="too many resamples of 3 trials and 13 materials hold no test prediction"):
        Bootstrap().materials(errors)


def test_trials_of_one_block_are_drawn_together():
    """Slow twin: the same draws of blocks and materials by repeating them."""
    errors, blocks = material_errors(np.random.default_rng(3), trials=6, materials=10), np.array([0, 1, 2, 0, 1, 2])
    resamples = Bootstrap(replicates=20, seed=4).materials(errors, blocks=blocks)
    np.testing.assert_allclose(resamples.mean, np.nanmean(errors, axis=(0, 1)))
    rng = np.random.default_rng(4)
    of_blocks, of_materials = rng.multinomial(3, np.full(3, 1 / 3), size=20), rng.multinomial(10, np.full(10, 0.1), size=20)
    drawn = np.repeat(np.repeat(errors, of_blocks[7][blocks], axis=0), of_materials[7], axis=1)
    np.testing.assert_allclose(resamples.draws[7], np.nanmean(drawn, axis=(0, 1)))


def test_one_curve_has_intervals_by_its_residuals():
    truth, held = PowerLaw(0.5, 0.3, 0.05), 0
    for seed in range(60):
        curve = truth(N) * (1 + 0.02 * np.random.default_rng(seed).standard_normal(len(N)))
        law = Bootstrap(replicates=100, seed=seed).residuals(N, curve)
        held += law.interval("alpha")[0] <= truth.alpha <= law.interval("alpha")[1]
    fewest, most = binom.interval(0.999, 60, 0.9)
    assert fewest <= held <= most
    assert law.resampled == "residuals" and law(N[0]) == pytest.approx(fit_power_law(N, curve)(N[0]))
    with pytest.raises(ValueError, match="3 errors leave no residuals to a law of 3 constants; give four or more"):
        Bootstrap().residuals(N[:3], curve[:3])
