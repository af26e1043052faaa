"""The edition `local`: studies on one's own tables, and what is wrong with a file that names them."""

from __future__ import annotations

import tomllib
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sim2real.datasets.embedded import load_polymer_facts, load_virtual_polymers
from sim2real.datasets.paths import CACHE, DATA
from sim2real.datasets.task import DataError, DataWarning, NoStudy
from sim2real.studies import survey
from sim2real.studies.cases import chosen_cases, load_study
from sim2real.studies.kinds import KINDS
from sim2real.studies.local import EXAMPLE, read_blocks, read_tables
from sim2real.studies.presets import resolve
from sim2real.training.candidates import PAIR_STAGES, STANDARD, TRANSPORT
from sim2real.training.experiment import run_trials
from sim2real.training.recipes import UNTUNED
from sim2real.training.study import Design

SMOKE = resolve("local", "smoke", workers=1)


def tables_of(kind, path):
    """Every block of one kind, read."""
    return {name: read_tables(kind, path, name, block) for name, block in read_blocks(kind, path).items()}


ENTRY = """
[density]
property = "density"
kind = "polymer"
descriptor = "molecular"
source = { file = "md.csv", structure = "smiles", value = "rho", unit = "kg/m3" }
target = { file = "polyinfo.csv", structure = "SMILES", value = "Density", unit = "g/cm3", name = "PoLyInfo" }
"""


@pytest.fixture
def tables(tmp_path):
    """A source and a target as a user would have them; the measured values are those of the facts."""
    facts = load_polymer_facts("density").table
    facts.rename(columns={"structure": "SMILES", "value": "Density"})[["SMILES", "Density"]].to_csv(
        tmp_path / "polyinfo.csv", index=False
    )
    units = load_virtual_polymers()["smiles"].iloc[::700]
    values = 1000 + 5 * np.arange(len(units)) % 400
    units.to_frame().assign(rho=values).to_csv(tmp_path / "md.csv", index=False)
    path = tmp_path / "local.toml"
    path.write_text(ENTRY)
    return path


def test_a_study_on_ones_own_tables_runs(tables, tmp_path):
    study = load_study("polymers", "local", SMOKE, tables=tables, tuned=False)
    assert len(chosen_cases("polymers", "local", tables=tables)) == 1
    assert study.name == "local-density-molecular" and study.settings is UNTUNED
    assert study.target.name == "PoLyInfo" and len(study.target) == len(load_polymer_facts("density"))
    assert study.source.y.max() < 2, "kg/m3 became g/cm3"
    trials = run_trials(study, Design((40,), (20,), trials=2), arms=("transfer", "direct"), store=tmp_path / "store")
    assert len(trials.errors("direct")) == 2


@pytest.fixture
def choices(tmp_path, monkeypatch):
    """What is asked for when hyperparameters are chosen; nothing is."""
    monkeypatch.setattr("sim2real.studies.kinds.CACHE", tmp_path / "cache")
    calls = []

    def choose(kind, study, m, workers):
        calls.append((kind.candidates, study.name, m))
        return kind.untuned, pd.DataFrame({"stage": ["direct"]})

    monkeypatch.setattr("sim2real.studies.kinds.Kind.choose", choose)
    return calls


def test_hyperparameters_are_chosen_once_and_kept(tables, tmp_path, choices):
    settings = resolve("local", "quick", workers=1)
    first, second = (load_study("polymers", "local", settings, tables=tables) for _ in range(2))
    assert choices == [(STANDARD, "local-density-molecular", 32)] and first.settings == second.settings == UNTUNED
    assert len(list((tmp_path / "cache" / "tuning").glob("*.csv"))) == 1


def test_what_was_chosen_for_the_examples_tables_is_in_the_repository(choices):
    study = load_study("polymers", "local", resolve("local", "quick", workers=1), tables=DATA / "example" / "example.toml")
    assert study.settings != UNTUNED
    assert not choices, "tables or candidates have changed: ask, and copy what it keeps in .cache/tuning to data/tuning"


def test_a_choice_among_other_candidates_is_not_taken(tables, choices, monkeypatch):
    settings = resolve("local", "quick", workers=1)
    for tried in (STANDARD, TRANSPORT, STANDARD):
        monkeypatch.setitem(KINDS, "polymers", replace(KINDS["polymers"], candidates=tried))
        load_study("polymers", "local", settings, tables=tables)
    assert [candidates for candidates, _, _ in choices] == [STANDARD, TRANSPORT]


def test_a_property_that_no_block_has_is_refused_with_the_blocks_there_are(tables):
    own = ENTRY.replace("[density]", "[own]").replace('property = "density"', "")
    tables.write_text(ENTRY + ENTRY.replace("[density]", "[other]") + own)
    for property, first in (("", "density"), ("density", "density"), ("own", "own"), ("other", "other"), ("Density", "own")):
        assert next(iter(read_blocks("polymers", tables, property))) == first
    with pytest.raises(ValueError, match="unknown PROPERTY 'colour': .*local.toml has the blocks density, other and own") as caught:
        load_study("polymers", "local", SMOKE, tables=tables, property="colour")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "local.toml names no study"),
        ("[density", "local.toml: "),
        ("[density]\nsource = 1", "[density]: expected the entries source and target"),
        (ENTRY.replace("[density]", '["my density/1"]'), "expected a name of letters, digits, - and _"),
        (ENTRY + "colour = 1\n", "unknown entry 'colour'; expected descriptor"),
        (ENTRY.replace('unit = "kg/m3"', 'units = "kg/m3"'), "[density], source: unit missing"),
        (ENTRY.replace('name = "PoLyInfo"', 'title = "PoLyInfo"'), "[density], target: unknown entry 'title'"),
        (ENTRY.replace('property = "density"', 'property = "colour"'), "[density]: property is 'colour'; expected one of"),
        (ENTRY.replace("polyinfo.csv", "other.csv"), "other.csv: no such file"),
        (ENTRY.replace('"polymer"', '"metal"'), "kind is 'metal'; expected any, polymer"),
        (ENTRY.replace('"molecular"', '"ecfp"'), "descriptor is 'ecfp'; expected one of forcefield"),
        (ENTRY.replace('property = "density"', ""), "source is in kg/m3, target in g/cm3; expected one unit"),
    ],
)
def test_a_file_that_names_them_wrongly(tables, text, message):
    tables.write_text(text)
    with pytest.raises(DataError) as caught:
        tables_of("polymers", tables)
    assert message in str(caught.value) and "\n" not in str(caught.value)


CONDUCTIVITIES = """
[alloys]
kind = "conductivity"
source = { file = "kappa.csv", structure = "alloy", value = "kappa", unit = "W/(m K)" }
target = { file = "sigma.csv", structure = "alloy", value = "sigma", unit_column = "unit", name = "mine" }
"""


@pytest.fixture
def alloys(tables, tmp_path):
    """Sixty alloys that obey the law, every other sigma written in S/cm, beside the study of density."""
    shares = np.arange(1, 61)
    names = [f"Cu{s}Zn{100 - s}" for s in shares]
    pd.DataFrame({"alloy": names, "kappa": 2.0 * shares}).to_csv(tmp_path / "kappa.csv", index=False)
    sigma = 2.0 * shares / (2.443e-8 * 300)
    units = np.where(shares % 2, "S/m", "S/cm")
    written = np.where(shares % 2, sigma, sigma / 100)
    pd.DataFrame({"alloy": names, "sigma": written, "unit": units}).to_csv(tmp_path / "sigma.csv", index=False)
    tables.write_text(ENTRY + CONDUCTIVITIES)
    return tables


def test_conductivities_of_ones_own(alloys, tmp_path):
    assert list(tables_of("polymers", alloys)) == ["density"], "the two kinds of study do not mix"
    study = load_study("conductivity", "local", SMOKE, tables=alloys, tuned=False)
    assert study.name == "local-alloys-composition" and study.settings is UNTUNED and study.target.name == "mine"
    np.testing.assert_allclose(study.simulated_target, study.target.y, atol=1e-4)
    np.testing.assert_allclose(study.target.table["lorenz"], 0, atol=1e-4)
    assert study.target.table["wf"].value_counts()["WF"] == 6
    trials = run_trials(study, Design((40,), (20,), trials=2), arms=("transfer", "direct", "law"), store=tmp_path / "store")
    assert trials.errors("law").max() < 1e-3 < trials.errors("direct").min()


def test_conductivities_are_chosen_with_their_own_candidates(alloys, choices):
    study = load_study("conductivity", "local", resolve("local", "quick", workers=1, kind="conductivity"), tables=alloys)
    assert choices == [(TRANSPORT, "local-alloys-composition", 48)] and study.settings == UNTUNED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ENTRY, "local.toml names no study of kind conductivity"),
        (CONDUCTIVITIES.replace('value = "kappa", ', ""), "[alloys], source: value missing; expected file, structure and value"),
        (CONDUCTIVITIES.replace("[alloys]", "[alloys]\nproperty = 1"), "[alloys]: unknown entry 'property'"),
        (CONDUCTIVITIES.replace(', unit = "W/(m K)"', ""), "kappa.csv: expected either unit"),
        (CONDUCTIVITIES.replace('"W/(m K)"', '"S/m"'), "'S/m' is no unit of total_thermal_conductivity"),
    ],
)
def test_conductivities_named_wrongly(alloys, text, message):
    alloys.write_text(text)
    with pytest.raises(DataError) as caught:
        tables_of("conductivity", alloys)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_only_conductivities(alloys):
    alloys.write_text(CONDUCTIVITIES)
    with pytest.raises(DataError, match="names no study of materials and one property"):
        tables_of("polymers", alloys)


def test_no_file_says_what_to_copy(tmp_path):
    with pytest.raises(DataError, match="no file .*local.toml; copy data/local.example.toml to it"):
        read_blocks("polymers", tmp_path / "local.toml")


def test_too_few_materials(tables, tmp_path):
    lines = (tmp_path / "polyinfo.csv").read_text().splitlines()[:6]
    (tmp_path / "polyinfo.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="density: PoLyInfo has 5 materials that can be used; expected at least 10"):
        load_study("polymers", "local", SMOKE, tables=tables, tuned=False)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8"])
def test_a_file_saved_by_another_editor(tables, encoding):
    tables.write_bytes(tables.read_text().replace("\n", "\r\n").encode(encoding))
    assert list(tables_of("polymers", tables)) == ["density"]


@pytest.mark.parametrize(("encoding", "what"), [("utf-16", "UTF-16"), ("cp1252", "not UTF-8")])
def test_a_file_in_another_encoding_says_so(tables, encoding, what):
    tables.write_bytes((tables.read_text() + "# Müller\n").encode(encoding))
    with pytest.raises(DataError, match=f"local.toml: it is {what}; save it as UTF-8"):
        tables_of("polymers", tables)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'file = "md.csv"',
            'file = ["md.csv", "md2.csv"]',
            r"source: file is \['md.csv', 'md2.csv'\]; expected a text",
        ),
        ('file = "md.csv"', "file = 3", "source: file is 3; expected a text"),
        ('value = "rho"', "value = true", "source: value is True; expected a text"),
        (
            'unit = "kg/m3"',
            'unit = "kg/m3", kelvin = 300',
            r"local.toml, \[density\]: kelvin is 300; expected the lowest and the highest temperature in K",
        ),
        ('unit = "kg/m3"', 'unit = "kg/m3", decimal = ";"', "decimal is ';'; expected '.' or ','"),
        ('unit = "kg/m3"', 'unit = "kg/m3", temperature = "T"', "md.csv: no column 'T'; its columns are smiles, rho"),
    ],
)
def test_entries_of_another_type(tables, old, new, message):
    tables.write_text(ENTRY.replace(old, new))
    with pytest.raises(DataError, match=message) as caught:
        tables_of("polymers", tables)
    assert "\n" not in str(caught.value)


def test_entries_for_the_file_and_its_temperatures(tables, tmp_path):
    book = pd.read_csv(tmp_path / "polyinfo.csv").assign(T="25 °C", called="mine")
    with pd.ExcelWriter(tmp_path / "polyinfo.xlsx") as writer:
        for sheet in ("old", "new"):
            book.to_excel(writer, sheet_name=sheet, index=False)
    entries = 'sheet = "new", temperature = "T", temperature_unit = "degC", kelvin = [295, 300], label = "called", unit = "g/cm3"'
    tables.write_text(ENTRY.replace("polyinfo.csv", "polyinfo.xlsx").replace('unit = "g/cm3"', entries))
    ((_, target),) = tables_of("polymers", tables).values()
    assert len(target) == len(load_polymer_facts("density")) and set(target.table["name"]) == {"mine"}


def listed(study):
    return CACHE / "dropped" / f"{study.name}.csv"


def test_every_row_that_is_not_used_is_listed_while_there_is_one(tables, tmp_path):
    path = tmp_path / "polyinfo.csv"
    good = path.read_text()
    path.write_text(good + "*CC(,1.0\n*C[Sn](C)(C)C*,1.2\n*C[Sn](C)(C)C*,1.3\n*CC(*)Cl,heavy\n")
    tables.write_text(ENTRY.replace("molecular", "forcefield"))
    with pytest.warns(DataWarning, match="polyinfo.csv: 2 rows cannot be used"):
        study = load_study("polymers", "local", SMOKE, tables=tables, tuned=False)
    table = pd.read_csv(listed(study))
    first = good.count("\n") + 1
    assert table[["side", "file", "line", "column"]].to_numpy().tolist() == [
        ["target", "polyinfo.csv", first, "SMILES"],
        ["target", "polyinfo.csv", first + 3, "Density"],
        ["target", "polyinfo.csv", first + 1, "SMILES"],
        ["target", "polyinfo.csv", first + 2, "SMILES"],
    ]
    assert (
        table["reason"].str.startswith("no descriptor: ").tolist() == [False, False, True, True]
        and "Sn" in table["reason"].iloc[-1]
    )
    assert sorted(file.name for file in tmp_path.iterdir()) == ["local.toml", "md.csv", "polyinfo.csv"], "nothing beside the tables"
    path.write_text(good)
    study = load_study("polymers", "local", SMOKE, tables=tables, tuned=False)
    assert not listed(study).exists(), "it goes with what it lists"


@pytest.mark.parametrize(("file", "column", "name"), [("polyinfo.csv", "Density", "PoLyInfo"), ("md.csv", "rho", "md")])
def test_a_constant_side_is_refused(tables, tmp_path, file, column, name):
    pd.read_csv(tmp_path / file).assign(**{column: 1.5 if column == "Density" else 1500}).to_csv(tmp_path / file, index=False)
    with pytest.raises(DataError, match=f"density: {name}: all .* values of density are 1.5 g/cm3: there is nothing to learn"):
        load_study("polymers", "local", SMOKE, tables=tables, tuned=False)


def test_the_example_is_read(tmp_path):
    assert list(tomllib.loads(EXAMPLE.read_text())) == ["density"]


PAIRS = """
[miscibility]
kind = "chi"
source = { file = "cosmo.csv", pair = "ps_pair", separator = "_", temperature = "temp", temperature_unit = "degC", value = "chi" }
target = { file = "chi.csv", polymer = "polymer", solvent = "solvent", temperature = "T", value = "chi" }
"""


@pytest.fixture
def chi_tables(tmp_path):
    """Simulated and measured chi of a few polymers in a few solvents, made up; one bad row each."""
    polymers, solvents = ["*CC*", "*CC(*)c1ccccc1", "*CC(*)(C)C(=O)OC", "*CCO*"], ["Cc1ccccc1", "CCO", "CCCCCC", "ClC(Cl)Cl", "O"]
    rows = [(p, s, c) for p in polymers for s in solvents for c in (25.0, 50.0, 75.0)]
    chi = [0.1 * len(s) + 0.05 * len(p) - 0.002 * c for p, s, c in rows]
    source = pd.DataFrame({"ps_pair": [f"{p}_{s}" for p, s, _ in rows], "temp": [c for *_, c in rows], "chi": chi})
    without_solvent = pd.DataFrame({"ps_pair": ["*CC*"], "temp": [25.0], "chi": [0.1]})
    pd.concat([source, without_solvent]).to_csv(tmp_path / "cosmo.csv", index=False)
    measured = [(p, s, c + 273.15, 1.1 * v) for (p, s, c), v in zip(rows[:40], chi)]
    target = pd.DataFrame(measured, columns=["polymer", "solvent", "T", "chi"])
    bad = pd.DataFrame({"polymer": ["*CC*"], "solvent": ["CCO"], "T": [25.0], "chi": [0.3]})
    pd.concat([target, bad]).to_csv(tmp_path / "chi.csv", index=False)
    path = tmp_path / "local.toml"
    path.write_text(PAIRS)
    return path


def test_ones_own_tables_of_chi_become_a_study_of_pairs(chi_tables):
    settings = resolve("local", "smoke")
    with pytest.warns(DataWarning) as caught:
        study = load_study("pairs", "local", settings, tables=chi_tables, tuned=False)
    assert len(chosen_cases("pairs", "local", tables=chi_tables)) == 1
    said = " ".join(str(w.message) for w in caught)
    assert "cosmo.csv: 1 rows" in said and "chi.csv: 1 rows" in said and "perhaps in deg C" in said
    assert (len(study.source), len(study.target), study.split_by) == (60, 40, "pair")
    # every measured row has its simulated value, of the same pair and temperature
    np.testing.assert_allclose(study.simulated_target * 1.1, study.target.y)
    trials = run_trials(study, Design(n_grid=(40,), m_grid=(20,), trials=2), arms=("transfer", "direct", "simulator"))
    assert np.isfinite(trials.table["absolute_error"]).all()
    assert trials.errors("simulator").max() < 1e-6, "the made-up measurements are a line of the simulations"


def test_hyperparameters_of_pairs_are_chosen_with_the_split_by_pair(chi_tables, choices):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        study = load_study("pairs", "local", resolve("local", "quick", workers=1, kind="pairs"), tables=chi_tables, split="solvent")
    ((candidates, name, _),) = choices
    assert (candidates, name, study.name) == (PAIR_STAGES, "local-miscibility-pair", "local-miscibility-solvent")
    assert (study.split_by, study.splits) == ("solvent_key", "local-miscibility-solvent")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('temperature = "T", ', "", "temperature missing; expected file, temperature and value, and polymer and solvent, or pair"),
        ('solvent = "solvent", ', "", "name either the columns polymer= and solvent=, or the one column pair="),
        ('value = "chi" }\n', 'value = "chi", colour = "red" }\n', "unknown entry 'colour'"),
    ],
)
def test_faults_of_a_block_of_chi_are_one_line(chi_tables, old, new, message):
    chi_tables.write_text(chi_tables.read_text().replace(old, new))
    with pytest.raises(DataError, match=message) as caught, warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        load_study("pairs", "local", SMOKE, tables=chi_tables, tuned=False)
    assert len(str(caught.value).splitlines()) == 1


def test_tables_of_one_kind_hold_no_study_for_the_notebooks_of_another(chi_tables):
    with pytest.raises(NoStudy, match="names no study of materials and one property"):
        tables_of("polymers", chi_tables)
    with pytest.raises(NoStudy, match="names no study of kind conductivity"):
        tables_of("conductivity", chi_tables)


@pytest.mark.filterwarnings("ignore::sim2real.datasets.task.DataWarning")
def test_the_survey_of_your_own_tables_is_of_blocks_of_every_kind(tmp_path):
    formulas = ["PbTe", "SnSe", "Bi2Te3", "GeTe", "Sb2Te3", "CoSb3"]
    for name, factor in (("kappa", 1.0), ("sigma", 1e4)):
        pd.DataFrame({"f": formulas, "v": factor * np.arange(1.0, 7)}).to_csv(tmp_path / f"{name}.csv", index=False)
    units = ["*CC(*)C", "*CCO*", "*CC(*)O", "*CC(*)F", "*CC(*)Cl", "*CC(*)(C)C"]
    for name in ("cosmo", "chi"):
        frame = pd.DataFrame({"p": units, "s": "CCO", "T": 300.0, "chi": np.arange(6) / 10})
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    side = 'structure = "f", value = "v", unit = "{}"'
    pair = 'polymer = "p", solvent = "s", temperature = "T", value = "chi"'
    path = tmp_path / "local.toml"
    path.write_text(f"""
[transport]
kind = "conductivity"
source = {{ file = "kappa.csv", {side.format("W/m/K")} }}
target = {{ file = "sigma.csv", {side.format("S/m")} }}
[mixtures]
kind = "chi"
source = {{ file = "cosmo.csv", {pair} }}
target = {{ file = "chi.csv", {pair} }}
""")
    sources, targets, parities = survey.survey_tasks("local", SMOKE, tables=path)
    assert list(sources) == list(targets) == ["transport", "mixtures"]
    assert list(parities) == ["mixtures"], "kappa is no simulation of sigma"
    assert parities["mixtures"]["rows"] == 6 and survey.first_polymers(targets) == ""
    assert survey.reports(targets).loc[("transport", "rows read"), "rows"] == 6
    assert not survey.class_sizes(sources, targets).empty and len(survey.disagreements(targets)) == 8
