"""Every notebook runs, by the runner that ``make figures`` uses, with few trials."""

from __future__ import annotations

import json

import pytest

from sim2real.paths import ROOT
from sim2real.run import NotebookError, run_notebook

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory, request):
    """Trials of these runs go to a folder of their own."""
    patch = pytest.MonkeyPatch()
    patch.setenv("SIM2REAL_CACHE", str(tmp_path_factory.mktemp("cache")))
    request.addfinalizer(patch.undo)


FIGURES = {
    "00-data": ("data-descriptors", "data-map"),
    "01-polymers": (
        "fig1a-polymers",
        "fig1b-polymers",
        "fig1b-liquids",
        "gain-liquids",
        "validation-polymers",
        "validation-liquids",
    ),
}


def test_every_notebook_is_tested():
    assert {p.stem for p in (ROOT / "notebooks").glob("[0-9]*.ipynb")} == set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_a_notebook_regenerates_its_figures(name, tmp_path):
    parameters = {"PRESET": "smoke", "FIGURES": str(tmp_path), "WORKERS": 1, "SEED": 3}
    run_notebook(ROOT / "notebooks" / f"{name}.ipynb", parameters, output=tmp_path)
    for figure in FIGURES[name]:
        for kind in ("png", "pdf", "json"):
            assert (tmp_path / f"{figure}.{kind}").stat().st_size > 100
    for figure in FIGURES[name]:
        payload = json.loads((tmp_path / f"{figure}.json").read_text())
        assert (payload["figure"], payload["preset"]) == (figure, "smoke")
        if figure.startswith("fig1b"):
            assert payload["design"]["seed"] == 3 and len(payload["curves"]) == 4


def test_an_edition_without_data_says_so_in_one_line(tmp_path):
    with pytest.raises(NotebookError, match="EDITION=open has no data in this version; use EDITION=embedded") as caught:
        run_notebook(ROOT / "notebooks" / "00-data.ipynb", {"EDITION": "open"}, output=tmp_path)
    assert len(str(caught.value).splitlines()) == 1
