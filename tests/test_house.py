"""The repository itself: pins, notebooks, committed figures and tuning tables agree with one another."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import tomllib
from dataclasses import fields, replace

import nbformat
import numpy as np
import pandas as pd
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import sim2real
from sim2real.datasets.paths import FIGURES, ROOT
from sim2real.datasets.task import PROPERTIES
from sim2real.studies.cases import CASES
from sim2real.studies.notebooks import read_parameters
from sim2real.studies.tuning import tunable
from sim2real.training.candidates import STANDARD
from sim2real.training.recipes import CHOSEN, TUNING, Training, load_hyperparameters

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


def _pins(lines: list[str]) -> list[str]:
    return [line for line in lines if line and not line.startswith("#")]


def test_conda_environment_equals_the_lock():
    lock = _pins((ROOT / "requirements.lock").read_text().splitlines())
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["dependencies"][-1]["pip"] == lock
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in lock)
    assert "torch==2.13.0" in lock


def test_the_lock_holds_what_the_project_asks_for():
    pins = dict(pin.split("==") for pin in _pins((ROOT / "requirements.lock").read_text().splitlines()))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for text in [*project["dependencies"], *extras["cluster"], *extras["lab"], *extras["test"]]:
        asked = Requirement(text)
        assert asked.specifier.contains(next(v for name, v in pins.items() if canonicalize_name(name) == asked.name)), text


def test_the_citation_agrees_with_the_project_and_names_all_authors_of_the_paper():
    cited, project = (
        yaml.safe_load((ROOT / "CITATION.cff").read_text()),
        tomllib.loads((ROOT / "pyproject.toml").read_text())["project"],
    )
    assert cited["cff-version"] == "1.2.0" and cited["message"] and set(cited["keywords"]) <= set(project["keywords"])
    assert (cited["version"], cited["license"]) == (sim2real.__version__, "MIT")
    assert [author["name"] for author in cited["authors"]] == [author["name"] for author in project["authors"]]
    (paper,) = cited["references"]
    assert len(paper["authors"]) == 9 and all(author["given-names"] and author["family-names"] for author in paper["authors"])
    assert {f"https://doi.org/{paper['doi']}", paper["url"]} == set(project["urls"].values())
    named = [text.rpartition(" ")[2] for text in project["classifiers"] if text.startswith("Programming Language :: Python :: 3.")]
    assert project["requires-python"] == f">={named[0]}" and "License :: OSI Approved :: MIT License" in project["classifiers"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebooks_are_committed_clean_and_with_the_common_parameters(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None
    assert len(notebook.cells) <= 40
    assert {"EDITION", "PRESET", "TRIALS", "N_MAX", "WORKERS", "SEED"} <= set(read_parameters(path))


@pytest.mark.parametrize("study", json.loads(CHOSEN.read_text()))
def test_every_choice_is_the_best_row_of_its_committed_table(study):
    chosen = load_hyperparameters(study)
    table = pd.read_csv(TUNING / f"{study}.csv")
    stages = {f.name.replace("_", "-"): getattr(chosen, f.name) for f in fields(chosen)}
    stages = {stage: settings for stage, settings in stages.items() if isinstance(settings, Training)}
    largest = None
    if (entry := tunable().get(study)) and (of := entry.largest):
        # with the networks of the largest m, which are pretrained once for all
        largest = load_hyperparameters(of)
        assert chosen.transfer_network == largest.transfer_network
        assert stages.pop("pretraining", None) == getattr(largest, "pretraining", None)
    assert "direct" in stages and set(stages) <= set(table["stage"])
    for stage, settings in stages.items():
        rows = table[table["stage"] == stage]
        best = rows.loc[rows["validation_mae"].idxmin()]
        # for few rows, what was chosen for the most stays where it is about as good
        kept = settings == getattr(largest, stage.replace("-", "_"), None)
        assert kept or best["validation_mae"] == rows.loc[rows["chosen"], "validation_mae"].item()
        row = rows[rows["chosen"]].iloc[0]
        for name in ("steps", "learning_rate", "weight_decay", "dropout", "batch_size", "max_epochs"):
            assert row[name] == pytest.approx(getattr(settings, name))
    direct = table["stage"].str.startswith("direct")
    assert direct.sum() >= (~direct).sum(), "direct learning gets at least as wide a search"


def test_nothing_is_chosen_for_a_study_that_does_not_exist():
    of_example = {name for name in json.loads(CHOSEN.read_text()) if name.startswith("local-")}
    assert set(json.loads(CHOSEN.read_text())) <= set(tunable()) | of_example
    with pytest.raises(ValueError, match=r"run python -m sim2real tune polymers-colour-molecular"):
        load_hyperparameters("polymers-colour-molecular")


def test_a_search_that_favours_transfer_is_refused():
    *transfer, direct = STANDARD.stages
    with pytest.raises(ValueError, match="10 candidates for direct learning and 37 for transfer; expected at least as many"):
        replace(STANDARD, stages=(*transfer, replace(direct, tried=direct.tried | {"direct": direct.tried["direct"][:5]})))


def committed(figure):
    """The payload of a committed figure, whose caption stands beside it and whose pictures are no stubs."""
    payload = json.loads((FIGURES / "embedded" / f"{figure}.json").read_text())
    assert (payload["figure"], payload["edition"], payload["preset"]) == (figure, "embedded", "quick")
    assert len(payload["title"].split()) <= 5
    assert payload["caption"].strip() in (FIGURES / "embedded" / f"{figure}.md").read_text()
    for kind_of_file in ("png", "pdf"):
        assert (FIGURES / "embedded" / f"{figure}.{kind_of_file}").stat().st_size > 10_000
    return payload


@pytest.mark.parametrize("kind", ["polymers", "liquids"])
def test_committed_scaling_figures_hold_what_they_promise(kind):
    records = committed(f"fig1b-{kind}")["records"]
    assert [r["property"] for r in records] == list(PROPERTIES)
    for record in records:
        n, mae, low, high = (np.array(record["curve"][k]) for k in ("n", "mae", "low", "high"))
        assert len(n) == len(mae) == 10 and n[0] == 100 and n[-1] >= 19_000
        assert np.all((low <= mae) & (mae <= high))
        law = record["law"]
        if law["status"] != "FAILED":
            fitted = law["D"] * n ** -law["alpha"] + law["C"]
            assert np.abs(fitted / mae - 1).max() < 0.15, "the law must run through its points"
        assert record["arms"]["direct"]["mae"] > 0


@pytest.mark.parametrize("kind", ["polymers", "liquids"])
def test_committed_error_surfaces_hold_what_they_promise(kind):
    (record,) = committed(f"fig2-{kind}-density")["records"]
    n, m, mae = np.array(record["n"], float), np.array(record["m"], float), np.array(record["mae"])
    assert mae.shape == (6, 5) and n[-1] >= 19_000 and m[-1] >= {"polymers": 30, "liquids": 2900}[kind]
    law = record["surface"]
    fitted = (law["A"] * n[:, None] ** -law["alpha"] + law["B"]) * m ** -law["beta"] + law["epsilon"]
    assert np.sqrt(np.mean((fitted / mae - 1) ** 2)) == pytest.approx(law["rmse"], rel=0.05)
    assert law["rmse"] < 0.08, "the law must run through its points"
    # the rate is the ratio of the surface's own derivatives
    by_m = -law["beta"] * (law["A"] * n[-1] ** -law["alpha"] + law["B"]) * m[-1] ** (-law["beta"] - 1)
    by_n = -law["alpha"] * law["A"] * n[-1] ** (-law["alpha"] - 1) * m[-1] ** -law["beta"]
    edge = record["marginal_rate"]["edge"]
    assert edge["rate"] == pytest.approx(by_m / by_n) and edge["low"] <= edge["rate"] <= edge["high"]


def test_committed_chi_figures_say_what_they_are_and_hold_what_they_promise():
    payload = committed("fig4a-chi")
    assert "not chi" in payload["caption"] and "not independent" in payload["caption"]
    assert len(payload["records"]) == 2, "COSMO-SAC and UNIFAC"
    for record in payload["records"]:
        n, mae = (np.array(record["curve"][k], float) for k in ("n", "mae"))
        law = record["law"]
        assert len(n) == 10 and n[-1] > 20_000
        assert np.abs((law["D"] * n ** -law["alpha"] + law["C"]) / mae - 1).max() < 0.05, "the law must run through its points"
        assert {"direct", "ridge", "trees", "boosting", "simulator"} <= set(record["arms"]) and record["other_overlap"]
    (surface,) = committed("fig4bc-chi")["records"]
    assert np.shape(surface["mae"]) == (len(surface["n"]), len(surface["m"])) and min(np.shape(surface["mae"])) >= 4
    # the verdict is that of the interval over trials and pairs
    gamma = surface["interaction_materials"]["log"]
    sign = "cannot be told" if gamma["low"] <= 0 <= gamma["high"] else "reinforce" if gamma["high"] < 0 else "substitute"
    assert surface["verdict"]["verdict"] == sign
    splits = committed("splits-chi")["records"]
    shared = {r["split"]: r["shared"] for r in splits}
    assert shared["pair"]["pair"] == shared["solvent"]["solvent_key"] == shared["polymer"]["polymer_key"] == 0
    assert shared["row"]["pair"] > 0.5, "a split by row leaks"
    classes = committed("fig5a-chi")["records"]
    assert len(classes) == 11 and all(r["verdict"] in ("scales", "does not", "cannot be told") for r in classes)


def test_committed_conductivity_figures_hold_what_they_promise():
    (panel,) = committed("fig6b-conductivity")["records"]
    kappa, sigma, wf = (np.array(panel[k]) for k in ("log_kappa", "log_sigma", "wf"))
    assert len(kappa) == len(sigma) == 1757
    distance = np.abs(kappa - sigma - np.log10(2.44e-8 * 300))
    assert distance[wf == "WF"].max() <= np.median(distance) <= distance[wf == "non-WF"].min()
    assert (wf == "WF").sum() == (wf == "non-WF").sum() == 175
    payload = committed("fig6c-conductivity")
    assert "computed" in payload["caption"].lower() and "no measured thermoelectrics" in payload["caption"]
    (record,) = payload["records"]
    curve, law = record["curve"], record["law"]
    n, mae = np.array(curve["n"], float), np.array(curve["mae"])
    assert (n[-1], curve["m"]) == (5910, 2912)
    assert np.abs((law["D"] * n ** -law["alpha"] + law["C"]) / mae - 1).max() < 0.05, "the law must run through its points"
    assert {"law", "simulator", "neighbour", "boosting", "trees", "ridge"} <= set(record["arms"])


def test_committed_similarity_study_holds_what_it_promises():
    payload = committed("figS2-similarity")
    (record,) = payload["records"]
    assert len(record["grades"]) >= 5 and len({g["materials"] for g in record["grades"]}) == 1
    medians = [g["similarity"]["median"] for g in record["grades"]]
    assert medians == sorted(medians)
    assert payload["verdict"]["text"]


@pytest.mark.parametrize("edition", ["open", "local"])
def test_figures_of_downloaded_or_private_data_are_never_committed(edition):
    listed = subprocess.run(["git", "ls-files", f"figures/{edition}", f"data/{edition}"], cwd=ROOT, capture_output=True, text=True)
    assert listed.stdout == ""
    ignored = subprocess.run(["git", "check-ignore", f"figures/{edition}/a.json"], cwd=ROOT, capture_output=True)
    assert ignored.returncode == 0


def test_figures_with_the_papers_trials_can_be_committed_and_say_what_they_took():
    seen = subprocess.run(["git", "check-ignore", "figures/embedded/paper/a.json"], cwd=ROOT, capture_output=True)
    assert seen.returncode == 1
    for path in (FIGURES / "embedded" / "paper").glob("*.json"):
        assert set(json.loads(path.read_text(encoding="utf-8"))["run"]) == {"seconds", "machine"}, path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["COLOUR=red"], "unknown variable COLOUR; allowed are EDITION PRESET TRIALS N_MAX WORKERS SEED"),
        (["PRESET=slow"], "PRESET=slow is not known; allowed are smoke, quick, paper"),
        (["EDITION=closed"], "EDITION=closed is not known; allowed are embedded, open, local"),
        (["TRIALS=many"], "TRIALS=many is not known; allowed are whole numbers from 0"),
        (["NOTEBOOK=9"], "NOTEBOOK=9 is not known; allowed are 00-data 01-polymers 02-two-dimensional"),
        (["NOTEBOOK=%"], "NOTEBOOK=% is not known; allowed are 00-data"),
    ],
)
def test_make_refuses_what_it_does_not_know(arguments, message):
    result = subprocess.run(["make", "help", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2
    assert message in result.stderr and len(result.stderr.strip().splitlines()) == 1


def test_the_names_of_tables_and_answer_may_have_blanks():
    given = ["make", "-n", "ask", "TABLES=my tables.toml", "OUT=the answer", "PY=python"]
    told = subprocess.run(given, cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 0 and "ask 'my tables.toml' --out 'the answer' --preset quick" in told.stdout, told.stderr


def test_help_names_every_target_and_variable():
    text = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = {"setup", "figures", "test", "test-slow", "test-all", "lab", "bench", "clean"}
    for word in targets | {"EDITION", "PRESET", "TRIALS", "N_MAX", "WORKERS", "SEED", "NOTEBOOK", "PYTHON", "VENV"}:
        assert word in text


DRAWING = """#!/bin/sh
for e in embedded local; do mkdir -p figures/$e; touch figures/$e/a.png; done
status=0
for a in "$@"; do [ "$before" = --stamp ] && stamp=$a; before=$a; done
for a in "$@"; do
    case "$a" in
        "${FAILING:-none}") echo "failed $a"; status=1;;
        notebooks/*) echo "passed $a"; mkdir -p .cache/done; touch "$(echo "$stamp" | sed "s/{}/$(basename "$a" .ipynb)/g")";;
    esac
done
exit $status
"""
# as browsers and Excel name what they save, and worse
ODD_NAMES = ("my kappa.csv", "polyinfo (1).csv", "a%b.csv", "12:30.csv", "50% $x.csv", "it's.csv", "#1.csv", "ä;b.csv")


@pytest.fixture
def small_checkout(tmp_path):
    """Makefile, two notebooks, a module and a table that git holds, a user's tables, and a Python that only draws."""
    files = {
        "notebooks/00-a.ipynb": "",
        "notebooks/01-b.ipynb": "",
        "lib/module.py": "",
        "data/facts.csv": "",
        "data/local.toml": "",
        "data/local/mine.csv": "",
        "data/other.csv": "",
        "requirements.lock": "",
        "pyproject.toml": "",
        ".venv/bin/python": DRAWING,
        ".venv/.complete": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / ".venv/bin/python").chmod(0o755)
    shutil.copy(ROOT / "Makefile", tmp_path)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "notebooks", "lib", "data/facts.csv"], cwd=tmp_path, check=True)
    return tmp_path


def _runs(folder, *arguments):
    """The notebooks that ``make figures`` runs."""
    result = subprocess.run(["make", "figures", *arguments], cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return re.findall(r"^passed notebooks/(\S+)\.ipynb", result.stdout, re.MULTILINE)


def _make(folder, *arguments, **variables):
    environment = {**os.environ, **variables}
    return subprocess.run(["make", "figures", *arguments], cwd=folder, capture_output=True, text=True, env=environment)


def _touch(path):
    later = time.time() + 10
    os.utime(path, (later, later))


def test_a_notebook_runs_again_when_what_it_reads_changed(small_checkout):
    assert _runs(small_checkout, "NOTEBOOK=01") == ["01-b"]
    assert _runs(small_checkout) == ["00-a"]
    assert _runs(small_checkout) == []
    _touch(small_checkout / "notebooks/00-a.ipynb")
    assert _runs(small_checkout) == ["00-a"]
    assert _runs(small_checkout, "TRIALS=3") == ["00-a", "01-b"]
    assert _runs(small_checkout) == ["00-a", "01-b"], "the figures that lie there are those of other parameters"


def test_the_summary_comes_last_and_runs_again_after_any_other(small_checkout):
    (small_checkout / "notebooks/99-summary.ipynb").write_text("")
    assert _runs(small_checkout) == ["00-a", "01-b", "99-summary"] and _runs(small_checkout) == []
    _touch(small_checkout / "notebooks/00-a.ipynb")
    assert _runs(small_checkout) == ["00-a", "99-summary"]
    failed = _make(small_checkout, "TRIALS=2", FAILING="notebooks/00-a.ipynb")
    assert failed.returncode == 2 and "99-summary" in failed.stdout, "what is there is summed up"


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no clone of the repository")
def test_nothing_that_a_program_left_behind_is_committed():
    kept = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    folders = {"benchmarks", "data", "figures", "lib", "notebooks", "scripts", "tests", ".ci"}
    files = {"environment.yml", "Makefile", "README.md", "CONTRIBUTING.md", "CITATION.cff", "LICENSE", "MANIFEST.in"}
    files |= {"pyproject.toml", "requirements.lock", "setup.py", ".gitattributes", ".gitignore"}
    assert {path.partition("/")[0] for path in kept} == folders | files


def test_what_make_runs_ends_with_it(small_checkout):
    python = small_checkout / ".venv/bin/python"
    python.write_text("#!/bin/sh\necho $$ >pid\nexec sleep 60\n")
    with subprocess.Popen(["make", "figures"], cwd=small_checkout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        while not (small_checkout / "pid").exists() or not (text := (small_checkout / "pid").read_text()):
            time.sleep(0.02)
        run.terminate()
    with pytest.raises(ProcessLookupError):
        os.kill(int(text), 0)


@pytest.mark.parametrize("shipped", ["data/facts.csv", "lib/module.py"])
def test_all_notebooks_run_again_when_data_or_library_changed(small_checkout, shipped):
    _runs(small_checkout)
    _touch(small_checkout / shipped)
    assert _runs(small_checkout) == ["00-a", "01-b"]


@pytest.mark.parametrize("own", ["data/local.toml", "data/local/mine.csv", "data/other.csv"])
def test_a_users_tables_make_only_the_local_figures_stale(small_checkout, own):
    _runs(small_checkout), _runs(small_checkout, "EDITION=local")
    (small_checkout / own).write_text("another value")
    assert _runs(small_checkout) == []
    assert _runs(small_checkout, "EDITION=local") == ["00-a", "01-b"]


@pytest.mark.parametrize("history", ["git", "no git"])
@pytest.mark.parametrize("folder", ["data/local", "data"])
def test_a_users_tables_have_any_names(small_checkout, folder, history):
    if history == "no git":
        shutil.rmtree(small_checkout / ".git")
    for name in ODD_NAMES:
        (small_checkout / folder / name).write_text("1")
    for edition in ("embedded", "open", "local"):
        assert _runs(small_checkout, f"EDITION={edition}", "PRESET=smoke") == ["00-a", "01-b"]
    assert _runs(small_checkout, "EDITION=local") == ["00-a", "01-b"]
    for name in ODD_NAMES:
        (small_checkout / folder / name).write_text("2")
        assert _runs(small_checkout, "EDITION=local") == ["00-a", "01-b"], name
    (small_checkout / folder / ODD_NAMES[0]).rename(small_checkout / folder / "another name.csv")
    assert _runs(small_checkout, "EDITION=local") == ["00-a", "01-b"]


def test_the_second_time_there_is_nothing_to_do(small_checkout):
    _runs(small_checkout, "EDITION=local")
    # lists of an older release, and a table that was only saved again
    (small_checkout / "data/local/mine.dropped.csv").write_text("line")
    _touch(small_checkout / "data/local/mine.csv")
    assert _runs(small_checkout, "EDITION=local") == []


def test_a_notebook_that_fails_does_not_stop_the_others_and_is_run_again(small_checkout):
    result = _make(small_checkout, FAILING="notebooks/00-a.ipynb")
    assert result.returncode == 2 and "01-b" in result.stdout
    assert _runs(small_checkout) == ["00-a"]


def test_an_interpreter_of_ones_own_is_used_as_it_is(small_checkout, tmp_path_factory):
    active = tmp_path_factory.mktemp("conda") / "bin"
    shutil.copytree(small_checkout / ".venv/bin", active)
    shutil.rmtree(small_checkout / ".venv")
    path = f"{active}:{os.environ['PATH']}"
    for k, argument in enumerate(("VENV=", "PY=python", f"PY={active}/python", f"VENV={active.parent}")):
        result = _make(small_checkout, argument, f"SEED={k}", PATH=path)
        assert result.returncode == 0 and "00-a.ipynb" in result.stdout and "pip" not in result.stdout, result.stderr
    assert not (small_checkout / ".venv").exists()
    (active / "python").write_text("#!/bin/sh\nexit 1\n")
    result = _make(small_checkout, "VENV=", PATH=path)
    assert result.returncode == 2 and "python has no sim2real; in its environment: pip install" in result.stderr


def test_figures_that_were_removed_are_drawn_again(small_checkout):
    _runs(small_checkout)
    shutil.rmtree(small_checkout / "figures")
    assert _runs(small_checkout, "NOTEBOOK=00") == ["00-a"]
    assert _runs(small_checkout) == ["01-b"]


def test_studies_of_materials_offer_every_property():
    offered = [set(case.choices["property"]) for case in CASES if case.kind in ("polymers", "liquids") and case.edition != "local"]
    assert len(offered) == 3 and all(names == set(PROPERTIES) for names in offered)


def test_the_readme_quotes_verdicts_as_figures_hold_them():
    quoted = re.findall(r"^> `([\w-]+)` (.+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {figure.split("-")[0] for figure, _ in quoted} == {"fig1b", "fig2", "fig4a", "fig6c"}
    for figure, sentences in quoted:
        # from the paper's number of trials where that was run
        paths = [FIGURES / "embedded" / folder / f"{figure}.json" for folder in ("paper", "")]
        records = json.loads(next(path for path in paths if path.is_file()).read_text(encoding="utf-8"))["records"]
        assert sentences in " ".join(record["verdict"]["text"] for record in records).replace("\n", " "), figure
