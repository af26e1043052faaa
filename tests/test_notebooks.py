"""Every notebook runs, by the runner that ``make figures`` uses, with few trials."""

from __future__ import annotations

import json

import pytest

from sim2real.paths import ROOT
from sim2real.run import run_notebook

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory, request):
    """Trials of these runs go to a folder of their own."""
    patch = pytest.MonkeyPatch()
    patch.setenv("SIM2REAL_CACHE", str(tmp_path_factory.mktemp("cache")))
    request.addfinalizer(patch.undo)


def test_polymers_notebook_regenerates_figure_1(tmp_path):
    parameters = {"PRESET": "smoke", "FIGURES": str(tmp_path), "WORKERS": 1, "SEED": 3}
    run_notebook(ROOT / "notebooks" / "01-polymers.ipynb", parameters, output=tmp_path)
    for name in ("fig1a-polymers", "fig1b-polymers", "fig1b-liquids", "validation-polymers", "validation-liquids"):
        for kind in ("png", "pdf", "json"):
            assert (tmp_path / f"{name}.{kind}").stat().st_size > 100
    payload = json.loads((tmp_path / "fig1b-polymers.json").read_text())
    assert payload["preset"] == "smoke" and payload["design"]["seed"] == 3
    assert payload["design"]["trials"] == 3 and len(payload["curves"]) == 4
