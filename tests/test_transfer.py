"""Scalers, head rescaling and the three ways to a predictor, on problems with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sim2real.training.fits import fit_networks, transfer
from sim2real.training.recipes import Network, Training
from sim2real.training.scalers import InputScalers, OutputScalers, least_squares_line


def test_scalers_see_training_rows_only():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 4)).astype(np.float32), rng.gamma(2, size=50)
    rows = np.stack([rng.permutation(50)[:20] for _ in range(2)])
    outside = np.setdiff1d(np.arange(50), rows.ravel())
    X2, y2 = X.copy(), y.copy()
    X2[outside] *= 100
    y2[outside] *= 100
    for kind in ("standard", "min-max"):
        a, b = InputScalers(kind, X, rows), InputScalers(kind, X2, rows)
        assert np.array_equal(a.shift.numpy(), b.shift.numpy()) and np.array_equal(a.factor.numpy(), b.factor.numpy())
    for kind in ("standard", "yeo-johnson"):
        a, b = OutputScalers(kind, y, rows), OutputScalers(kind, y2, rows)
        assert np.array_equal(a.transform(y[rows]), b.transform(y[rows]))


def test_min_max_maps_training_rows_to_the_unit_interval():
    X = np.random.default_rng(0).normal(3, 5, size=(30, 4)).astype(np.float32)
    rows = np.arange(30)[None]
    scaled = InputScalers("min-max", X, rows)(torch.from_numpy(X)[None]).numpy()[0]
    np.testing.assert_allclose([scaled.min(0), scaled.max(0)], [np.zeros(4), np.ones(4)], atol=1e-5)


@pytest.mark.parametrize("kind", ["standard", "min-max"])
def test_a_column_that_is_constant_in_training_is_left_out(kind):
    X = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    X[:20, 1] = 7.0
    X[:20, 2] = np.linspace(0, 1e-30, 20)
    scaled = InputScalers(kind, X, np.arange(20)[None])(torch.from_numpy(X)[None]).numpy()[0]
    assert np.all(np.isfinite(scaled)) and np.all(scaled[:, 1:] == 0) and scaled[:, 0].std() > 0.1


@pytest.mark.parametrize("kind", ["standard", "yeo-johnson"])
def test_output_scaling_goes_there_and_back_and_stays_finite(kind):
    y = np.random.default_rng(0).lognormal(size=40)
    rows = np.arange(40)[None]
    scalers = OutputScalers(kind, y, rows)
    np.testing.assert_allclose(scalers.inverse(scalers.transform(y[rows]))[0], y, rtol=1e-5)
    wild = scalers.inverse(np.array([[-1e4, -50.0, 50.0, 1e4]]))
    margin = (y.max() - y.min()) / 2
    assert np.all(np.isfinite(wild)) and wild.min() >= y.min() - margin and wild.max() <= y.max() + margin


def test_unknown_scaling_is_refused():
    X, y, rows = np.ones((3, 2), np.float32), np.ones(3), np.arange(3)[None]
    with pytest.raises(ValueError, match="expected one of min-max, standard"):
        InputScalers("robust", X, rows)
    with pytest.raises(ValueError, match="expected standard or yeo-johnson"):
        OutputScalers("log", y, rows)


def test_line_is_polyfit_with_a_slope_that_is_not_negative():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 20)), rng.normal(size=(3, 20))
    y[0] += 2 * x[0]
    y[1] -= 2 * x[1]
    x[2] = 4.0
    slope, intercept = least_squares_line(x, y)
    np.testing.assert_allclose([slope[0], intercept[0]], np.polyfit(x[0], y[0], 1))
    np.testing.assert_allclose([slope[1:], intercept[1:]], [[0, 0], y[1:].mean(1)], atol=1e-12)


def test_direct_learning_learns_a_line():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3)).astype(np.float32)
    y = 10 + 4 * X[:, 0]
    rows = np.stack([rng.permutation(200) for _ in range(2)])
    fitted = fit_networks(X, y, rows[:, :150], Network(sizes=(16, 8)), Training(400, 5e-3), [(0,), (1,)])
    assert np.abs(fitted.predict(X, rows[:, 150:]) - y[rows[:, 150:]]).mean() < 0.5


def test_rescaling_alone_recovers_other_units(study):
    """A target that is 2 f + 1 of the source: after the rescaling the pretrained network needs no fine-tuning."""
    rows = np.arange(300)[None]
    source, target = study.source, study.target
    pretrained = fit_networks(source.X, source.y, rows, Network(sizes=(24, 8)), Training(600, 5e-3), [(0,)])
    before = pretrained.predict(source.X, rows)
    moved = transfer(pretrained, target.X, target.y, np.arange(20)[None], Training(0, 1e-3), [(1,)])
    test = np.arange(20, 40)[None]
    assert np.abs(moved.predict(target.X, test) - target.y[20:]).mean() < 0.5 * np.abs(target.y[20:] - target.y[:20].mean()).mean()
    assert np.array_equal(pretrained.predict(source.X, rows), before), "the pretrained networks must stay as they were"


def test_small_sets_stop_at_their_epochs():
    stage = Training(1000, 1e-3, batch_size=10, max_epochs=5)
    assert [stage.steps_for(n) for n in (3, 10, 25, 5000)] == [5, 5, 10, 1000]
