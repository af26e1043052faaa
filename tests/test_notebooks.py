"""Every notebook runs, by the runner that ``make figures`` uses, with few trials."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from sim2real.__main__ import main
from sim2real.chemistry.simulators.polymer import simulate_polymers
from sim2real.datasets.embedded import load_polymer_facts, load_virtual_polymers
from sim2real.datasets.paths import CACHE, ROOT
from sim2real.datasets.simulated_pairs import simulate_chi
from sim2real.datasets.transport import load_computed_transport
from sim2real.studies.notebooks import NotebookError, run_notebook

POLYMERS = ("fig1a-polymers", "fig1b-polymers", "validation-polymers", "classes-polymers")
LIQUIDS = ("fig1b-liquids", "gain-liquids", "validation-liquids", "quality-density")
# notebook -> figures of every edition, and those that only the embedded one has
FIGURES = {
    "00-data": (("data-parity", "data-descriptors", "data-map"), ()),
    "01-polymers": (POLYMERS, LIQUIDS),
    "02-two-dimensional": (
        ("fig2-polymers-density", "indifference-polymers-density"),
        ("fig2-liquids-density", "indifference-liquids-density"),
    ),
    "03-similarity": (("figS1-similarity", "figS2-similarity"), ()),
    "04-chi": (("fig3-chi", "fig4a-chi", "fig4bc-chi", "splits-chi"), ()),
    "05-chi-classes": (("fig5a-chi", "fig5b-chi", "gain-chi"), ()),
    "06-wiedemann-franz": ((*(f"fig6{panel}-conductivity" for panel in "abcde"), "gain-conductivity"), ()),
    "07-design": (("design-budget", "design-classes", "design-growth", "design-forms"), ()),
    "08-your-database": (("your-curve", "your-surface"), ()),
    "09-molecular-dynamics": (("md-cell", "md-parity"), ()),
    "99-summary": ((), ()),
}
OPEN_ONLY = {
    "01-polymers": ("quality-density",),
    "06-wiedemann-franz": ("computed-conductivity",),
    "09-molecular-dynamics": ("md-stages",),
}
SMOKE = {"PRESET": "smoke", "WORKERS": 1, "SEED": 3}
# notebooks of one group run one after another and share what they stored; two groups take about as long
GROUPS = {name: "pairs" if name in ("04-chi", "05-chi-classes") else name if name > "04" else "polymers" for name in FIGURES}


def _each(names):
    """Names as parameters of a test, each in its group."""
    return pytest.mark.parametrize(
        "name", [pytest.param(n, marks=[pytest.mark.slow, pytest.mark.xdist_group(GROUPS[n])]) for n in names]
    )


def test_every_notebook_is_tested():
    assert {p.stem for p in (ROOT / "notebooks").glob("[0-9]*.ipynb")} == set(FIGURES)


def _check(folder, name, edition):
    if name == "99-summary":
        assert "no payload: notebook 01 makes it" in (folder / "summary.csv").read_text(encoding="utf-8")
        return
    always, embedded = FIGURES[name]
    figures = always + (embedded if edition == "embedded" else ()) + (OPEN_ONLY.get(name, ()) if edition == "open" else ())
    assert {p.stem for p in folder.glob("*.png")} == set(figures)
    for figure in figures:
        for kind in ("png", "pdf", "json", "md"):
            assert (folder / f"{figure}.{kind}").stat().st_size > 100
        payload = json.loads((folder / f"{figure}.json").read_text())
        assert (payload["figure"], payload["preset"], payload["edition"]) == (figure, "smoke", edition)
        assert payload["seed"] == 3 and payload["records"] and payload["caption"]


@_each(FIGURES)
def test_a_notebook_regenerates_its_figures(name, tmp_path):
    run_notebook(ROOT / "notebooks" / f"{name}.ipynb", {**SMOKE, "FIGURES": str(tmp_path / "figures")}, output=tmp_path)
    _check(tmp_path / "figures", name, "embedded")


@_each(["00-data", "01-polymers", "04-chi", "06-wiedemann-franz", "09-molecular-dynamics"])
def test_the_open_edition_runs_on_the_public_files(name, tmp_path, mirror):
    parameters = {**SMOKE, "EDITION": "open", "FIGURES": str(tmp_path / "figures")}
    run_notebook(ROOT / "notebooks" / f"{name}.ipynb", parameters, output=tmp_path)
    _check(tmp_path / "figures", name, "open")
    if name == "01-polymers":
        payload = json.loads((tmp_path / "figures" / "fig1b-polymers.json").read_text())
        for record in payload["records"]:
            assert record["source"]["name"] == "molecular dynamics, RadonPy PI1070"
            other = record["other_overlap"]
            assert other["overlap"] == "drop" and set(other["gains"]) == {"own", "rest"}


@pytest.mark.slow
def test_without_the_public_files_the_open_edition_says_what_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setenv("SIM2REAL_DATA_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(NotebookError, match="SIM2REAL_DATA_MIRROR=.*nowhere is no folder") as caught:
        run_notebook(ROOT / "notebooks" / "00-data.ipynb", {"EDITION": "open"}, output=tmp_path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.fixture
def own_tables(tmp_path):
    """A user's two tables, one with a bad row, and the file that names them."""
    facts = load_polymer_facts("density").table.rename(columns={"structure": "SMILES", "value": "Density"})
    target = pd.concat([facts[["SMILES", "Density"]].astype(str), pd.DataFrame({"SMILES": ["*CC("], "Density": ["1.0"]})])
    target.to_csv(tmp_path / "polyinfo.csv", index=False)
    units = load_virtual_polymers()["smiles"].iloc[::300].tolist()
    values = simulate_polymers(units)["density"]
    pd.DataFrame({"smiles": [*units, *facts["SMILES"][:8]], "rho": [*values, *facts["Density"][:8]]}).to_csv(
        tmp_path / "md.csv", index=False
    )
    solvents, kelvin = ("CCO", "CCCCCC", "Cc1ccccc1", "CC(C)=O", "ClC(Cl)Cl", "O"), (298.15, 348.15)
    pairs = pd.DataFrame([(p, s, k) for p in units[:40:5] for s in solvents for k in kelvin], columns=["polymer", "solvent", "T"])
    pairs["chi"] = simulate_chi(*(list(pairs[c]) for c in ("polymer", "solvent", "T")))["value"]
    pairs = pairs[pairs["chi"].between(-5, 15)]
    pairs.to_csv(tmp_path / "simulated_chi.csv", index=False)
    pairs.assign(chi=0.8 * pairs["chi"] + 0.1).iloc[: 2 * len(pairs) // 3].to_csv(tmp_path / "chi.csv", index=False)
    thermal, electrical = load_computed_transport()
    for name, task, factor, rows in (("kappa", thermal, 1.0, 300), ("sigma", electrical, 0.01, 100)):
        table = pd.DataFrame({"composition": task.table["structure"], name: factor * 10**task.y})[:rows]
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    path = tmp_path / "local.toml"
    path.write_text(
        '[density]\nproperty = "density"\nkind = "polymer"\ndescriptor = "forcefield"\n'
        'source = { file = "md.csv", structure = "smiles", value = "rho", unit = "g/cm3" }\n'
        'target = { file = "polyinfo.csv", structure = "SMILES", value = "Density", unit = "g/cm3" }\n'
        '[miscibility]\nkind = "chi"\n'
        'source = { file = "simulated_chi.csv", polymer = "polymer", solvent = "solvent", temperature = "T", value = "chi" }\n'
        'target = { file = "chi.csv", polymer = "polymer", solvent = "solvent", temperature = "T", value = "chi" }\n'
        '[alloys]\nkind = "conductivity"\n'
        'source = { file = "kappa.csv", structure = "composition", value = "kappa", unit = "W/(m K)" }\n'
        'target = { file = "sigma.csv", structure = "composition", value = "sigma", unit = "S/cm" }\n'
        # a property of one's own, of the same name as another block's column
        '[own]\nkind = "polymer"\n'
        'source = { file = "md.csv", structure = "smiles", value = "rho", unit = "g/cm3" }\n'
        'target = { file = "polyinfo.csv", structure = "SMILES", value = "Density", unit = "g/cm3" }\n'
    )
    return path


@_each(FIGURES)
def test_the_local_edition_runs_on_ones_own_tables(name, tmp_path, own_tables):
    figures = tmp_path / "figures"
    parameters = {**SMOKE, "EDITION": "local", "TABLES": str(own_tables), "FIGURES": str(figures)}
    if name == "99-summary":  # reads what the others have drawn
        del parameters["TABLES"]
    run_notebook(ROOT / "notebooks" / f"{name}.ipynb", parameters, output=tmp_path)
    if name == "02-two-dimensional":
        assert {p.stem for p in figures.glob("*.png")} == {"fig2-local-density", "indifference-local-density"}
    elif name == "07-design":  # of too few simulations no growth is replayed
        assert {p.stem for p in figures.glob("*.png")} == {"design-budget", "design-classes", "design-forms"}
    else:
        _check(figures, name, "local")
    if name == "01-polymers":
        payload = json.loads((figures / "fig1b-polymers.json").read_text())
        assert [record["label"] for record in payload["records"]] == ["Density", "own: Density"]
        assert all("direct" in record["arms"] for record in payload["records"])
    if name < "04":
        assert not list(tmp_path.glob("*.dropped.csv"))
    if name == "00-data":
        # it reads tables and makes no study of them: what it leaves out it shows itself
        cells = json.loads((tmp_path / "00-data.ipynb").read_text())["cells"]
        shown = json.dumps([output for cell in cells for output in cell.get("outputs", ())])
        assert "polyinfo.csv" in shown and "is not a readable SMILES" in shown
    elif name < "04":
        assert "polyinfo.csv" in (CACHE / "dropped" / "local-density-forcefield.csv").read_text()


@pytest.mark.slow
def test_a_notebook_for_which_ones_tables_hold_nothing_is_passed_over(tmp_path, own_tables, capsys):
    text = own_tables.read_text()
    own_tables.write_text(text[: text.index("[miscibility]")])
    arguments = ["EDITION=local", "PRESET=smoke", f"TABLES={own_tables}", f"FIGURES={tmp_path / 'figures'}"]
    status = main(["run", str(ROOT / "notebooks" / "05-chi-classes.ipynb"), *arguments, "--output", str(tmp_path)])
    assert status == 0 and "nothing to run: local.toml names no study of kind chi" in capsys.readouterr().err.replace(
        f"{tmp_path.name}/", ""
    )


@pytest.mark.slow
def test_the_local_edition_without_tables_says_what_to_do(tmp_path):
    parameters = {"EDITION": "local", "TABLES": str(tmp_path / "local.toml")}
    with pytest.raises(NotebookError, match="EDITION=local: no file .*copy data/local.example.toml") as caught:
        run_notebook(ROOT / "notebooks" / "01-polymers.ipynb", parameters, output=tmp_path)
    assert len(str(caught.value).splitlines()) == 1
