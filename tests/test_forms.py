"""Forecasts by several forms: the committed scores are those of the benchmark, and say which curves had no part in choosing."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

import sim2real as s2r
from sim2real.datasets.paths import DATA, ROOT

pytestmark = pytest.mark.xdist_group("forms")  # what is made once for all is made by one process


@pytest.fixture(scope="module")
def forecast():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import forecast
    finally:
        sys.path.pop(0)
    return forecast


def test_forms_find_their_own_curves(forecast):
    n, to = np.geomspace(100, 2000, 8), 16_000.0
    for form, law in {
        "last value": lambda n: np.full_like(n, 0.3),
        "constant": lambda n: np.full_like(n, 0.3),
        "power": lambda n: 2 * n**-0.3,
        "power + C": lambda n: 2 * n**-0.3 + 0.1,
        "exponential": lambda n: 0.3 * np.exp(-n / 700) + 0.1,
        "MMF": lambda n: 0.1 + 0.5 / (1 + (n / 900) ** 0.8),
    }.items():
        of = forecast.Cut(n, law(n)[None], to, law(np.array([to])), np.array(["made"]))
        # MMF is searched on a grid
        assert forecast.FORMS[form](of) == pytest.approx(law(np.array([to])), rel=0.05 if form == "MMF" else 0.02), form


def test_committed_scores_have_every_set_and_are_said():
    forms = s2r.forms()
    counts = forms.scores.groupby(["curves of", "up to"]).size()
    assert len(counts) == 8 and (counts == 8).all()
    of = forms.scores.set_index(["curves of", "up to", "form"])
    assert (of.xs("power + C", level="form")["more"] == 0).all()
    assert (of.loc["LCDB"].xs("power + C, prior", level="form")["more_high"] < 0).all(), "on data sets not used"
    text = str(forms.verdict)
    assert "LCDB, chosen on" not in text and "of a forecast at n_max" in text
    assert f"{forms.published['identified'].sum()} bound their exponent" in text


def test_published_laws_are_those_of_the_public_file(forecast, mirror):
    committed, row = pd.read_csv(DATA / "published.csv"), next(iter(forecast.mikami()))
    assert len(committed) == 57 and committed["setting"][0] == row[0]
    law = s2r.fit_power_law(*row[1:])
    assert law.constants == pytest.approx(committed.loc[0, ["D", "alpha", "C"]].to_numpy(float), rel=1e-3)
