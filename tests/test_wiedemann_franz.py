"""The Wiedemann-Franz law: its constant, both ways of using it, and the groups near to it and far from it."""

from __future__ import annotations

import numpy as np
import pytest

from sim2real.chemistry.simulators.wiedemann_franz import LORENZ_NUMBER, electronic_conductivity, log_lorenz_ratio, wf_groups


def test_lorenz_number_is_sommerfelds():
    # k_B and e of the SI (exact since 2019); the paper prints 2.44e-8
    assert LORENZ_NUMBER == pytest.approx(np.pi**2 / 3 * (1.380649e-23 / 1.602176634e-19) ** 2, rel=1e-12)
    assert round(LORENZ_NUMBER * 1e8, 2) == 2.44


def test_copper_by_the_law():
    # CRC handbook values near room temperature: 401 W/(m K) and 5.96e7 S/m; the law gives sigma within 10 %
    assert electronic_conductivity(401.0, 300.0) == pytest.approx(5.96e7, rel=0.1)
    assert abs(log_lorenz_ratio(np.log10(401.0), np.log10(5.96e7))) < np.log10(1.1)


def test_law_and_ratio_agree():
    kappa = np.array([0.2, 1.0, 40.0, np.nan])
    sigma = electronic_conductivity(kappa, 250.0)
    np.testing.assert_allclose(log_lorenz_ratio(np.log10(kappa), np.log10(sigma), 250.0)[:3], 0, atol=1e-12)
    assert np.isnan(sigma[3])
    # heat that electrons do not carry is a positive ratio
    assert log_lorenz_ratio(np.log10(20.0), np.log10(electronic_conductivity(2.0))) == pytest.approx(1.0)


def test_impossible_values_are_refused():
    with pytest.raises(ValueError, match="thermal conductivity of 0.0"):
        electronic_conductivity([1.0, 0.0])
    with pytest.raises(ValueError, match="temperature is -1"):
        electronic_conductivity(1.0, -1)
    with pytest.raises(ValueError, match="share is 0.6"):
        wf_groups([0.0], 0.6)


def test_groups_are_the_nearest_and_the_farthest():
    rng = np.random.default_rng(0)
    ratio = rng.normal(0.3, 1.0, 57)
    ratio[[3, 20, 41]] = np.nan
    groups = wf_groups(ratio)
    known = sorted((abs(r), k) for k, r in enumerate(ratio) if np.isfinite(r))
    assert {k for _, k in known[:5]} == set(np.flatnonzero(groups == "WF"))
    assert {k for _, k in known[-5:]} == set(np.flatnonzero(groups == "non-WF"))
    assert list(np.flatnonzero(groups == "")) == [3, 20, 41]
    assert (groups == "between").sum() == 54 - 10


def test_groups_of_ties_of_few_and_of_none():
    assert list(wf_groups(np.full(10, -0.5))) == ["WF", *["between"] * 8, "non-WF"]
    assert list(wf_groups([0.1, np.nan, 0.2])) == ["between", "", "between"]
    assert list(wf_groups([0.1, -0.1], 0.5)) == ["WF", "non-WF"]
    assert list(wf_groups([np.nan])) == [""] and len(wf_groups([])) == 0
