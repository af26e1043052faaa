"""The ranking of solvents as a notebook shows it: names or SMILES, a search, a drawn molecule."""

from __future__ import annotations

import pandas as pd
import pytest

from sim2real.studies.browse import browse_ranking, common_name, ranking_page, smiles_of

NAMES = {"CCO": "ethanol", "Cc1ccccc1": "toluene"}


def rank(polymer: str, kelvin: float) -> pd.DataFrame:
    if polymer == "far":
        raise ValueError("row 0: 'far' is not a readable SMILES")
    return pd.DataFrame({"solvent": list(NAMES), "predicted": [kelvin / 1000, 0.5]})


def page(chosen: str, search: str = "") -> str:
    return ranking_page(rank, {"polystyrene": "*CC(*)c1ccccc1"}, NAMES, chosen, 300.0, search)


def test_names_and_smiles_are_understood():
    assert (smiles_of("toluene"), smiles_of("*CCO*"), smiles_of("Poly-styrene", 2)) == ("CC1=CC=CC=C1", "*CCO*", "*CC(*)c1ccccc1")
    with pytest.raises(ValueError, match="no such thing.*nor a known name$"):
        smiles_of("no such thing")
    with pytest.raises(ValueError, match="polystyrne.*the closest are .*Polystyrene"):
        smiles_of("polystyrne", 2)
    assert (common_name("CCO"), common_name("*NN*"), common_name("CC(")) == ("ethanol", "", "")
    assert common_name("*C(c1ccccc1)C*") == "Polystyrene"
    for chosen in ("polystyrene", "*CC(*)c1ccccc1", "water"):
        assert "<svg" in page(chosen) and "2 of 2 solvents" in page(chosen) and "ethanol" in page(chosen)


def test_a_search_finds_by_name_and_by_smiles_and_reads_no_pattern():
    assert "1 of 2 solvents" in page("water", "Tolu") and "ethanol" not in page("water", "Tolu")
    assert "1 of 2 solvents" in page("water", "c1c") and "0 of 2 solvents" in page("water", ".*")


def test_a_warning_of_all_solvents_stands_once_above_them_and_of_some_beside_them():
    for said, count in ((["far <off>", "far <off>"], 1), (["", "far <off>"], 1), (["", ""], 0)):
        shown = ranking_page(lambda *of, said=said: rank(*of).assign(warning=said), {}, NAMES, "water", 300.0, "")
        assert shown.count("far &lt;off&gt;") == count and "<off>" not in shown
        assert ("<th>warning</th>" in shown) == (len(set(said)) > 1)


def test_what_cannot_be_read_is_one_line_and_nothing_is_executed():
    said = page("<script>alert(1)</script>")
    assert "<script" not in said and "expected a name of the list or a SMILES" in said and "<table" not in said


def test_the_last_state_stays_without_a_kernel(capsys):
    browse_ranking(rank, {"polystyrene": "*CC(*)c1ccccc1"}, NAMES, 300.0)
    # outside of a notebook what is displayed is printed: controls, and below them the page as HTML
    said = capsys.readouterr().out
    assert "VBox" in said and "HTML" in said
