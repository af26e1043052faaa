"""The table of claims says what the payloads say, and names the notebook of a payload that is not there."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from matplotlib.figure import Figure

from sim2real import Run
from sim2real.datasets.paths import ROOT
from sim2real.studies.report import numbers_of_payload, report_folder
from sim2real.studies.summary import AGREES, DIFFERS, OPEN, Claim, claims, read, retold, summary, summary_data, summary_folders

COMMITTED = ROOT / "figures" / "embedded"


def claim(reads: str, **more) -> Claim:
    return Claim("", "", "", "", "", "01", reads, **more)


def verdict(of: Claim, record: dict) -> str:
    return read(of, {"records": [record]}).verdict


def curve(question: str, told: bool, numbers: dict) -> dict:
    return {
        "property": "density",
        "unit": "g/cm3",
        "verdict": {"findings": [{"question": question, "told": told, "numbers": numbers}]},
    }


def law(low: float, high: float, **more) -> dict:
    ends = {"low": low, "high": high}
    made = {"alpha": (low + high) / 2, "C": (low + high) / 2, "bounds_hit": [], "intervals": {"alpha": ends, "C": ends}}
    return {"law_materials": made | more, "curve": {"mae": [2.0, 1.0]}}


@pytest.mark.parametrize(("mean", "told", "said"), [(-0.2, True, AGREES), (0.2, True, DIFFERS), (-0.2, False, OPEN)])
def test_a_fall_is_read_by_the_verdicts_own_rule(mean, told, said):
    change = {"change": {"mean": mean, "low": mean - 0.1, "high": mean + 0.1}}
    assert verdict(claim("more", of="density"), curve("more", told, change)) == said
    paired = {"mean": mean, "standard_error": 0.05, "direct": 1.0}
    assert verdict(claim("transfer"), curve("transfer", told, paired)) == said
    assert verdict(claim("more", of="refractive_index"), curve("more", told, change)) == OPEN


@pytest.mark.parametrize(
    ("ends", "said"), [((0.02, 0.06), AGREES), ((0.05, 0.06), DIFFERS), ((0.0, 0.03), DIFFERS), ((0.0, 2.0), OPEN)]
)
def test_an_exponent_agrees_only_where_it_is_identified(ends, said):
    assert verdict(claim("alpha", expects=0.04), law(*ends)) == said
    assert verdict(claim("alpha", expects=0.04), law(*ends, intervals=None)) == OPEN


@pytest.mark.parametrize(("ends", "said"), [((0.0, 0.1), AGREES), ((0.4, 0.6), DIFFERS), ((0.0, 0.9), OPEN)])
def test_a_gap_that_may_be_most_of_the_error_says_nothing(ends, said):
    assert verdict(claim("C", expects=1e-10), law(*ends)) == said


@pytest.mark.parametrize(
    ("identified", "low", "high", "said"),
    [
        ("both ends", 100, 300, AGREES),
        ("both ends", 300, 400, DIFFERS),
        ("lower limit", 300, None, DIFFERS),
        ("lower limit", 100, None, OPEN),
        ("upper limit", None, 100, DIFFERS),
        ("more simulations do not help", 100, None, OPEN),
    ],
)
def test_a_rate_agrees_where_its_interval_holds_the_papers(identified, low, high, said):
    numbers = {"rate": {"value": 200.0, "low": low, "high": high}, "identified": identified}
    assert verdict(claim("rate", expects=221.0), curve("worth", True, numbers)) == said


def test_classes_agree_where_most_do_and_none_does_the_contrary():
    def said(*verdicts: str) -> str:
        change = {"mean": -0.1, "low": -0.2, "high": 0.0}
        records = [{"class": f"Class {k}", "name": "", "verdict": v, "change": change} for k, v in enumerate(verdicts)]
        return read(claim("classes", of=["class 0", "class 1", "class 2"], expects="scales"), {"records": records}).verdict

    assert said("scales", "scales", OPEN) == AGREES and said("scales", OPEN, OPEN) == OPEN
    assert said("scales", "scales", "does not") == DIFFERS
    others = [{"class": "alcohols", "name": "alcohols", "verdict": "scales", "change": None}]
    assert "other classes here" in read(claim("classes", of=["celluloses"], expects="does not"), {"records": others}).here


def test_every_claim_reads_a_committed_payload_and_nothing_is_typed_in(tmp_path):
    table = summary({"embedded": COMMITTED})
    assert len(table) == len(claims()) > 25 and not table["embedded"].str.contains("no payload").any()
    assert set(table["verdict, embedded"].str.split(" because|, of").str[0]) <= {AGREES, DIFFERS, OPEN}
    assert {c.figure for c in claims()} == {"1b", "2", "S2", "4a", "4b, 4c", "5a", "5b", "6c", "6d", "6e"}
    # the twin's target is no chi, and says so
    assert table.filter(like="χ: the error falls", axis=0)["verdict, embedded"].str.contains("instead of").all()
    payload = json.loads((COMMITTED / "fig1b-polymers.json").read_text())
    found = [f for r in payload["records"] for f in r["verdict"]["findings"] if f["question"] == "transfer"]
    for finding in found:
        finding["told"], finding["numbers"]["mean"] = True, 9.0
    (tmp_path / "fig1b-polymers.json").write_text(json.dumps(payload))
    changed = summary({"embedded": tmp_path})
    beats = changed.filter(like="transfer beats", axis=0)["verdict, embedded"]
    assert len(beats) == 4 and beats.str.startswith(DIFFERS + " because of other data: quick physics").all()


def test_a_missing_payload_names_its_notebook(tmp_path):
    table = summary({"open": tmp_path / "nowhere"})
    assert (table["open"] == [f"no payload: notebook {c.notebook} makes it" for c in claims()]).all()
    assert not table["verdict, open"].any() and summary_data({"open": tmp_path}).empty
    notebooks = {p.name[:2] for p in (ROOT / "notebooks").glob("*.ipynb")}
    assert {c.notebook for c in claims()} <= notebooks


def test_the_papers_own_numbers_of_trials_stand_beside_where_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr("sim2real.studies.summary.FIGURES", tmp_path)
    (tmp_path / "embedded" / "paper").mkdir(parents=True)
    folders = summary_folders("embedded", "quick", tmp_path / "mine")
    assert list(folders) == ["embedded", "open", "embedded, paper's trials"] and folders["embedded"] == tmp_path / "embedded"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "fig1b-polymers.json").write_text("{}")
    assert summary_folders("embedded", "quick", tmp_path / "mine")["embedded"] == tmp_path / "mine"
    assert list(summary_folders("local", "paper", tmp_path)) == ["embedded", "open", "local"]


def test_where_fewer_trials_told_another_story_it_is_said_and_what_the_run_took(tmp_path, monkeypatch):
    monkeypatch.setattr("sim2real.studies.summary.FIGURES", tmp_path)
    paper = tmp_path / "embedded" / "paper"
    paper.mkdir(parents=True)
    payload = json.loads((COMMITTED / "fig1b-polymers.json").read_text())
    (paper.parent / "fig1b-polymers.json").write_text(json.dumps(payload))
    payload["run"] = {"seconds": 5400, "machine": "2 cores, made up"}
    (paper / "fig1b-polymers.json").write_text(json.dumps(payload))
    folders = summary_folders("embedded", "quick", paper.parent)
    assert list(folders) == ["embedded", "open", "embedded, paper's trials"]
    assert retold(summary(folders)).empty and len(retold(summary(folders)).columns) == 4
    assert summary_data(folders)["took"].tolist() == ["", "90 min, 2 cores, made up"]
    density = next(r for r in payload["records"] if r["property"] == "density")
    (finding,) = [f for f in density["verdict"]["findings"] if f["question"] == "transfer"]
    finding["told"], finding["numbers"]["mean"] = True, 9.0
    (paper / "fig1b-polymers.json").write_text(json.dumps(payload))
    (row,) = retold(summary(folders)).itertuples(index=False)
    assert row.said == AGREES and row.says.startswith(DIFFERS)
    assert retold(summary({"embedded": paper.parent})).empty


def width(table) -> int:
    """Pixels of a table whose cells wrap between words, as a browser lays it out: 8 a letter and 12 of a cell's own, measured."""
    words = [[word for cell in (column, *table[column]) for word in str(cell).split()] for column in table]
    return sum(8 * max(map(len, column), default=0) + 12 for column in words)


@pytest.mark.parametrize("path", sorted(COMMITTED.glob("*.json")), ids=lambda path: path.stem)
def test_tables_of_figures_fit_a_page(path):
    for table in numbers_of_payload(json.loads(path.read_text(encoding="utf-8"))):
        assert width(table) <= 1000


def test_figures_with_the_papers_trials_hold_what_the_run_took_and_a_redraw_keeps_it(tmp_path):
    def draw(payload: dict) -> Figure:
        return Figure()

    draw.caption = lambda payload: "made up"
    path = tmp_path / "made.json"
    for preset, wanted in (("quick", set()), ("paper", {"seconds", "machine"})):
        Run("embedded", preset, figures=tmp_path).save("made", "Made up", draw, [{"n": 1}])
        payload = json.loads(path.read_text())
        assert set(payload.get("run", ())) == wanted
    payload["run"]["seconds"] = 9000
    path.write_text(json.dumps(payload))
    Run("embedded", "paper", figures=tmp_path).save("made", "Made up", draw, [{"n": 1}])
    assert json.loads(path.read_text())["run"]["seconds"] == 9000


def test_the_report_counts_verdicts_first_and_begins_with_the_papers_figures(tmp_path):
    for name in ("classes-polymers", "fig1b-polymers"):
        for suffix in ("json", "png"):
            shutil.copy(COMMITTED / f"{name}.{suffix}", tmp_path)
    text = report_folder("embedded", "quick", tmp_path)
    verdicts = summary({"embedded": tmp_path})["verdict, embedded"]
    counted = {word: int(re.search(rf"<p>\d+ claims.*?embedded: .*?{word} (\d+)", text)[1]) for word in (AGREES, DIFFERS, OPEN)}
    assert counted == {word: sum(said.startswith(word) for said in verdicts) for word in counted} and counted[AGREES]
    assert re.findall(r"<h3>([\w-]+):", text) == ["fig1b-polymers", "classes-polymers"]
