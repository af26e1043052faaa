"""Tables say what their records say: verdicts from the numbers, three digits, what matters first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from made import CHI_N, TRANSPORT_N, chi_study, chi_trials, toy_study, transport_study, transport_trials
from sim2real import figures
from sim2real.chemistry.simulators.polymer import simulate_polymers
from sim2real.chemistry.simulators.wiedemann_franz import NON_WF, WF
from sim2real.chemistry.structures import structure_key
from sim2real.datasets.task import PROPERTIES, Task
from sim2real.figures import tables, words
from sim2real.laws.arms import SPLIT_WORDS, compare_arms, compare_simulators, compare_sizes, compare_splits
from sim2real.laws.bootstrap import Bootstrap, paired_difference
from sim2real.laws.classes import classes, gain_by_accuracy
from sim2real.laws.contrasts import compare
from sim2real.laws.curve import learning_curve
from sim2real.laws.grid import curve_grid
from sim2real.laws.parity import class_parity, simulator_parity
from sim2real.laws.records import paper
from sim2real.studies import survey
from sim2real.studies.compounds import FEWEST_DRAWS, gain_record
from sim2real.training.study import Trials

pytestmark = pytest.mark.xdist_group("figure_tables")  # what is made once for all is made by one process

FEW = Bootstrap(replicates=60)


def dropped(trials: Trials) -> Trials:
    return replace(trials, design=replace(trials.design, overlap="drop"))


def value(text: str) -> float:
    """The number before the error, or all of it."""
    return float(text.split(" ")[0].replace(words.MINUS, "-").replace(",", ""))


@pytest.fixture(scope="module")
def chi() -> Trials:
    return chi_trials(chi_study())


def test_scaling_has_the_difference_its_verdict_and_its_parts(chi):
    record = learning_curve(chi, other=dropped(chi), bootstrap=FEW)
    table = tables.scaling([record])
    assert list(table.filter(like="of it").columns) == ["of it, the candidates' own simulations", "of it, the rest of the database"]
    direct = record.to_dict()["arms"]["direct"]["transfer_minus_this"]
    row = table.iloc[0]
    assert value(row["transfer - direct"]) == pytest.approx(direct["mean"], abs=direct["standard_error"] / 5)
    assert row["verdict"] == tables.rows.told(direct) and row["direct learning"] == words.number(record.arms["direct"].band.mae)
    assert row["transfer, n = 6,400"] == words.number(record.curve.band.mae[-1])


def test_a_difference_is_told_beyond_two_standard_errors():
    told = tables.rows.told
    enough = {"standard_error": 0.2, "trials": 6}
    assert told({"mean": -0.5} | enough) == "transfer better" and told({"mean": 0.5} | enough) == "transfer worse"
    assert told({"mean": -0.3} | enough) == told({"mean": -0.5} | enough | {"trials": 5}) == "cannot be told" and told(None) == ""


def test_sizes_and_laws_stand_beside_the_papers():
    trials = transport_trials(transport_study(), 20, fall=0.4)
    record = learning_curve(trials, bootstrap=FEW)
    table = tables.beside_paper([record], paper("conductivity"), both=40)
    here, there = table.iloc[0], table.iloc[1]
    assert (here["largest n"], there["largest n"]) == (f"{TRANSPORT_N[-1]:,}", "5,910")
    assert there["law"] == "1.44 n^-0.0836 + 8.05\u00d710\u207b\u2077"
    assert (here["compounds with both"], there["compounds with both"]) == ("40", "1,757")
    assert value(here["transfer - direct"]) < 0 and here["alpha, 90 %"] and there["alpha, 90 %"] == "not printed"
    toy = learning_curve(replace(trials, study=replace(toy_study(), name="toy")), bootstrap=FEW)
    printed = tables.beside_paper([toy], paper("curves")).iloc[1]
    assert printed["m"] == "607" and printed["law"] == "not printed"


def test_rates_and_interactions(chi):
    record = curve_grid(chi, bootstrap=FEW)
    assert list(tables.rates(record).columns) == ["90 % over trials", "90 % over trials and pairs", "paper"]
    assert "109" in tables.rates(record)["paper"].tolist() and len(tables.interactions(record)) == 4
    assert set(tables.interactions(record).filter(like="verdict").to_numpy().ravel()) <= {
        "reinforce",
        "substitute",
        "cannot be told",
    }


def test_splits_say_what_is_shared(chi):
    rules = {"row": "", "pair": "pair", "solvent": "solvent_key", "polymer": "polymer_key"}
    records = compare_splits({rule: chi_trials(chi_study(), split_by=column) for rule, column in rules.items()}, bootstrap=FEW)
    table = tables.splits(records)
    assert list(table.index) == [SPLIT_WORDS[r] for r in rules] and "pair 0%" in table["seen in training"].iloc[1]


def test_simulators_are_compared_for_reading(chi):
    compared = compare_simulators({"UNIFAC": chi})
    table = tables.simulators(compared)
    assert len(table) == len(compared) and table.loc[("none", "direct", 0), "minus direct"] == ""
    last = ("UNIFAC", "transfer", int(CHI_N[-1]))
    assert value(table.loc[last, "MAE"]) == pytest.approx(compared.loc[last, "MAE"], rel=5e-3)
    assert table.loc[last, "verdict"] == "better"


def test_classes_and_groups_have_verdicts(chi):
    records = classes(chi, bootstrap=FEW)
    table = tables.class_verdicts(records)
    assert (
        len(table) == 4
        and table.loc["Polyvinyls", "verdict"] == records[[r.name for r in records].index("Polyvinyls")].verdict.verdict
    )
    study = transport_study()
    near = (study.target.table["wf"] == WF).to_numpy()
    trials = transport_trials(study, 40, fall=np.where(near, 0.6, 0.0), advantage=0.2)
    groups = classes(trials, by="wf", names=(WF, NON_WF), other=dropped(trials), bootstrap=FEW)
    table = tables.class_verdicts(groups)
    assert list(table.index) == [WF, NON_WF] and list(table["verdict"]) == ["scales", "does not"]
    for name, record in zip(table.index, groups):
        r = record.to_dict()
        assert table.loc[name, "change with n, 90 %"] == words.change(r["change"]) == table.loc[name, "change, overlap drop"]
        assert table.loc[name, "transfer - direct"] == words.difference(r["transfer_minus_direct"])
    assert tables.class_verdicts([]).empty


def test_gains_and_correlations_of_classes(chi):
    target, rng = chi.study.target, np.random.default_rng(0)
    parities = class_parity(target, {"COSMO-RS": target.y + 0.3 * rng.normal(size=60)})
    record = gain_by_accuracy(chi, parities, "COSMO-RS", bootstrap=FEW)
    assert len(tables.class_gains(record)) == 4 and len(tables.correlations(record)) == 6
    assert tables.class_gains(record | {"classes": []}).empty


def test_arms_are_compared_on_the_same_compounds():
    trials = transport_trials(transport_study(), 30, fall=0.4)
    records = compare_arms({"keep": trials, "drop": dropped(trials)})
    table = tables.arms(records)
    known = [k for k in table.index if k[1] == "Wiedemann-Franz law"]
    assert table.loc[known[0], "compounds"] < table.loc[(known[0][0], "direct learning"), "compounds"]
    assert all(
        table.loc[k, "transfer minus this"].startswith(f"{words.MINUS}0.4") for k in table.index if k[1] == "direct learning"
    )


@pytest.mark.parametrize(
    ("fall", "advantage", "word"), [(0.5, 0.0, "transfer better"), (0.0, -0.5, "transfer worse"), (0.0, 0.0, "cannot be told")]
)
def test_the_verdicts_say_who_wins_from_the_numbers(fall, advantage, word):
    trials = transport_trials(transport_study(), 30, fall=fall, advantage=advantage, seed=1)
    records = compare_arms({"keep": trials})
    assert len(records) == 4
    first = f"all ({records[0].compounds})"
    table = tables.arms(records)
    assert table.loc[(first, "direct learning"), "verdict"] == word
    # extra trees err by 0.7, transfer by 1 - fall
    assert table.loc[(first, "extra trees"), "verdict"] == ("transfer better" if fall > 0.3 else "transfer worse")


def test_several_m_and_every_n_are_paired_with_direct_learning():
    trials = transport_trials(transport_study(), 8, fall=0.3)
    runs = [
        replace(trials, table=trials.table.assign(m=m), design=replace(trials.design, m_grid=(m,), overlap=overlap))
        for m in (20, 40)
        for overlap in ("keep", "drop")
    ]
    mean, error, _ = paired_difference(trials.errors("transfer")[:, -1], trials.errors("direct"))
    table = tables.several_m(compare_sizes(runs))
    assert table.index.tolist() == [20, 40] and table["keep - direct"].tolist() == [words.with_error(mean, error)] * 2
    table = tables.by_n(trials)
    assert [value(v) for v in table["MAE"]] == pytest.approx(trials.errors("transfer").mean(axis=0), abs=0.005)
    assert table.index.tolist() == list(TRANSPORT_N)
    assert value(table["transfer - direct"].iloc[-1]) == pytest.approx(mean, abs=0.005)


def test_planted_compounds_stand_first_and_are_counted():
    fall = np.zeros(120)
    fall[:15], fall[15:25] = 0.4, -0.4
    record = gain_record(transport_trials(transport_study(120), 120, fall=fall, test=24), bootstrap=FEW)
    top = tables.ranked(record, rows=5)
    assert set(top.index[:5]) <= {f"C{k:03d}" for k in range(15)} and len(top) == 10
    gains = record["gains"]["with n"]
    counts = f"{gains['verdict'].count('gains')} gain and {gains['verdict'].count('loses')} lose"
    assert counts in tables.found(record).loc["with n", "verdict"]


def test_with_too_few_draws_nothing_is_told():
    record = gain_record(transport_trials(transport_study(), FEWEST_DRAWS - 1, fall=0.5), bootstrap=FEW)
    said = tables.found(record)["verdict"]
    assert len(said) == 2 and all(v.startswith("nothing can be told of a single compound") for v in said)
    assert len(tables.ranked(record, rows=3)) == 6 and len(tables.explained(record)) == 2 * 5


def test_the_stand_ins_are_set_beside_molecular_dynamics_on_the_same_polymers():
    units = ["*CC*", "*CC(*)C", "*CC(*)c1ccccc1", "*CC(*)Cl", "*CC(*)(C)C(=O)OC", "*CC(*)(F)F", "*OCC*"]
    columns = pd.DataFrame(
        {"key": [structure_key(u) for u in units], "structure": units, "group": "", "value": np.arange(7) / 10 + 1}
    )
    md = Task("MD", PROPERTIES["density"], columns, "", "")
    measured = replace(md, table=columns.assign(value=columns["value"] + 0.05).head(6))
    records = survey._stand_ins({"density": md}, {"density": measured}, 1)
    assert list(records) == ["density", "density, quick simulator", "density, quick simulator against MD"]
    of_md, quick, against = records.values()
    assert of_md["bias"] == pytest.approx(-0.05) and of_md["measured"] == quick["measured"] and against["rows"] == 7
    np.testing.assert_allclose(quick["simulated"], simulate_polymers(measured.table["structure"].tolist())["density"])
    table = tables.parities(list(records.values()))
    assert table["time a material"].tolist() == ["about 100 h", "1 ms", "1 ms"]
    payload = figures.payload("a-figure", "A title", list(records.values()), edition="open", preset="quick", words="")
    drawn = figures.parity(payload)
    assert [ax.get_xlabel().partition(" (")[0] for ax in drawn.axes] == ["measured", "measured", "molecular dynamics"]
    assert "measured values, or molecular dynamics;" in figures.parity.caption(payload)


def test_parity_is_a_row_a_record():
    table = tables.parities([simulator_parity(toy_study())])
    assert table.loc["Density", "rows"] == 40 and table.loc["Density", "unit"] == "g/cm\u00b3"


def planted(effects: list[float], trials: int = 24) -> list[Trials]:
    """Source sets whose error is larger by their effect."""
    made = []
    for k, effect in enumerate(effects):
        base = transport_trials(transport_study(), trials, seed=1)
        noise = np.random.default_rng(k).normal(0, 0.01, len(base.table))
        made.append(replace(base, table=base.table.assign(absolute_error=base.table["absolute_error"] + effect + noise)))
    return made


@pytest.mark.parametrize(("effects", "word"), [([0.5, 0.0, 0.0], "differences seen"), ([0.0, 0.0, 0.0], "none seen")])
def test_the_verdict_on_source_sets_says_what_the_numbers_say(effects, word):
    end = compare(planted(effects), [0.1, 0.2, 0.3], TRANSPORT_N[0], bootstrap=FEW)
    record = {"label": "Density", "unit": "g/cm3", "grades": [{"name": f"{k} of 3"} for k in (1, 2, 3)]}
    record |= {"by_n": [end], "design": {"m": 20, "trials": 24, "source_draws": 12}, "controls": {}}
    told = tables.similarity_verdict(record)
    assert told["verdict"] == word and "could not have been detected" in told["text"]
    assert ("Told from chance" in told["text"]) == (word == "differences seen")
    for grade in record["grades"]:
        grade |= {"similarity": {"median": 0.1}, "law": {"alpha": 0.2, "intervals": None}}
    assert len(tables.sets(record)) == 3 and len(tables.sets_by_n(record)) == 1
    random = compare(planted([0.0, 0.7, 0.0]), None, TRANSPORT_N[0], bootstrap=FEW)
    if word == "differences seen":
        told = tables.similarity_verdict(record | {"controls": {"random": random}})
        assert told["verdict"] == "differences seen, no larger than between sets cut at random"
    few = compare(planted(effects, trials=3), [0.1, 0.2, 0.3], TRANSPORT_N[0], bootstrap=FEW)
    assert tables.similarity_verdict(record | {"by_n": [few]})["verdict"] == "cannot be told"
