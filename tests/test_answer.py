"""The answer: how many simulations reach an error, what trials say in words, and two tables that become one page."""

from __future__ import annotations

import json
from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import made
import sim2real
from sim2real.__main__ import main
from sim2real.datasets.task import DataError
from sim2real.laws import bootstrap
from sim2real.laws.bare import bare_curve
from sim2real.laws.bootstrap import Bootstrap
from sim2real.laws.estimates import NEVER
from sim2real.laws.power import PowerLaw
from sim2real.laws.surface import ScalingSurface
from sim2real.studies.report import plain_math
from sim2real.training.experiment import make_plan
from sim2real.training.study import splits

matplotlib.use("Agg")
N = np.array([100, 200, 400, 800, 1600])


def errors(law, trials=12, spread=0.02, seed=0, direct=None, n=N):
    """A bare table: a part of the noise is common to a trial."""
    rng = np.random.default_rng(seed)
    rows = []
    for trial in range(trials):
        common = 1 + spread * rng.standard_normal()
        rows += [(size, law(size) * common * (1 + spread / 3 * rng.standard_normal()), trial) for size in n]
        rows += [] if direct is None else [(0, direct * common * (1 + spread / 3 * rng.standard_normal()), trial)]
    return pd.DataFrame(rows, columns=["n", "error", "trial"])


def resampled(law, **options):
    values = errors(law, **options).pivot(index="trial", columns="n", values="error")
    return Bootstrap(replicates=200).trials(values.to_numpy()).law(values.columns.to_numpy(float))


def test_the_n_for_an_error_is_where_the_law_has_it():
    law = PowerLaw(0.5, 0.3, 0.05)
    assert law(law.n_for(0.08).value) == pytest.approx(0.08)
    assert law(law.n_for_change(-0.10, 1600).value) == pytest.approx(0.9 * law(1600))
    assert law.n_for(0.05).value == np.inf and law.n_for(0.04).value == np.inf
    assert law.n_for(0.051).to_dict()["value"] == pytest.approx((0.5 / 0.001) ** (1 / 0.3))
    assert PowerLaw(0.5, 0.01, 0.0).n_for(1e-3).value == np.inf, f"above {NEVER:g} is never"
    assert PowerLaw(0.0, 0.0, 0.2).n_for(0.3).value == 0 and PowerLaw(0.0, 0.0, 0.2).n_for(0.1).value == np.inf
    surface = ScalingSurface(0.672, 0.029, 0.527, 0.166, 0.0129)
    for fall in (law.n_for_change, lambda *a: surface.n_for_change(*a, 100), lambda *a: surface.m_for_change(*a, 100)):
        for change, n in ((0.1, 100), (-1.0, 100), (np.nan, 100), (-0.1, 0)):
            with pytest.raises(ValueError, match="expected a fall, such as -0.10"):
                fall(change, n)
    for asked in (law.n_for, lambda e: surface.n_for(e, 100), lambda e: surface.m_for(e, 100), lambda n: law.change(n, 10)):
        for value in (0.0, -1.0, np.nan):
            with pytest.raises(ValueError, match=r"\[0\] is .*; expected finite positive numbers"):
                asked(value)


def test_each_resample_reaches_an_error_by_its_own_law():
    """Slow twin: one resample after the other, by bisection."""
    law = resampled(PowerLaw(0.5, 0.3, 0.02))
    found = law.n_for_change(-0.10, 1600)
    slow = []
    for constants in [*law.replicates, *law.replicates_without_gap]:
        of = PowerLaw(*constants)
        low, high = 1600.0, NEVER
        if of(high) > 0.9 * of(1600):
            slow.append(np.inf)
            continue
        for _ in range(200):
            middle = np.sqrt(low * high)
            low, high = (middle, high) if of(middle) > 0.9 * of(1600) else (low, middle)
        slow.append(high)
    free, held = np.array(slow[:200]), np.array(slow[200:])
    sets = [free, held] if np.quantile(law.replicates[:, 2], 0.05) == 0 else [free]
    assert found.never == np.isinf(free).mean()
    assert found.low == pytest.approx(min(np.quantile(of, 0.05, method="lower") for of in sets), rel=1e-6)
    assert found.high == pytest.approx(max(np.quantile(of, 0.95, method="higher") for of in sets), rel=1e-6)
    assert found.low <= found.value <= found.high


def test_an_interval_survives_a_law_on_its_bound():
    law = resampled(PowerLaw(0.0, 0.0, 0.3), spread=0.05)
    found = law.n_for_change(-0.10, 1600)
    assert found.high == np.inf and 0 < found.never <= 1 and 1600 < found.low
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["high"] is None
    assert found.minus(1600).low == pytest.approx(found.low - 1600)


def test_the_band_beyond_the_data_grows_and_holds_the_law():
    law = resampled(PowerLaw(0.5, 0.3, 0.05))
    n = np.array([1600.0, 4800.0, 16000.0])
    low, high = law.band(n)
    assert (low <= law(n)).all() and (law(n) <= high).all()
    relative = (high - low) / law(n)
    assert relative[2] > relative[0]
    with pytest.raises(ValueError, match="no bootstrap replicates"):
        PowerLaw(0.5, 0.3, 0.05).band(n)


def test_sizes_of_a_surface_are_those_of_its_cuts():
    surface = ScalingSurface(0.672, 0.029, 0.527, 0.166, 0.0129, replicates=np.tile([0.672, 0.029, 0.527, 0.166, 0.0129], (20, 1)))
    assert surface.n_for(0.025, 2974).value == pytest.approx(surface.at_m(2974).n_for(0.025).value)
    assert surface.m_for(0.03, 20_000).value == pytest.approx(surface.at_n(20_000).n_for(0.03).value)
    less = surface.m_for_change(-0.10, 20_000, 2974)
    assert surface(20_000, less.value) == pytest.approx(0.9 * surface(20_000, 2974))
    assert less.low == less.value == less.high and less.never == 0
    assert surface.n_for_change(-0.10, 20_000, 2974).never == 1, "B m^-beta + epsilon is above it"
    rate = surface.rate(20_000, 2974)
    assert rate.value == pytest.approx(surface.marginal_rate(20_000, 2974)) and rate.low <= rate.value <= rate.high


def test_a_law_without_resamples_has_sizes_and_rates_without_intervals():
    surface = ScalingSurface(0.672, 0.029, 0.527, 0.166, 0.0129)
    for found in (surface.n_for(0.025, 2974), surface.m_for(0.03, 20_000), surface.m_for_change(-0.1, 100, 10), surface.rate(9, 9)):
        assert np.isfinite(found.value) and found.low is found.high is found.never is None
    with pytest.raises(ValueError, match=r"m\[0\] is 0.0; expected finite positive numbers"):
        surface.rate(100, 0)
    with pytest.raises(ValueError, match="finite sizes above 0"):
        surface.n_for_change(-0.1, np.inf, 10)


def test_the_verdict_says_what_was_made_so():
    said = bare_curve(errors(PowerLaw(0.5, 0.3, 0.05), direct=0.2)).verdict
    assert [f.question for f in said.findings] == ["transfer", "more", "needed", "trials"] and all(f.told for f in said.findings)
    transfer, more, needed, trials = str(said).splitlines()
    assert transfer.startswith("error: Transfer helps: with 1,600 simulations the error is 0.1") and "48 % below" in transfer
    assert more.startswith("From 100 to 1,600 simulations the error fell by ") and "doubling them" in more
    assert needed.startswith("10 % less error needs about 1,") and "never" not in needed
    assert trials.startswith("12 trials tell whether transfer helps and whether more simulations help")
    truth = PowerLaw(0.5, 0.3, 0.05).n_for_change(-0.10, 1600).value - 1600
    numbers = said["needed"].numbers["more"]
    assert numbers["low"] < truth < numbers["high"]
    assert "**error.** Transfer helps" in said._repr_markdown_()


@pytest.mark.parametrize(
    ("law", "options", "question", "text"),
    [
        (PowerLaw(0.0, 0.0, 0.2), {"direct": 0.2}, "transfer", "Whether transfer helps cannot be told"),
        (PowerLaw(0.0, 0.0, 0.3), {"direct": 0.2}, "transfer", "Transfer does harm"),
        (PowerLaw(0.0, 0.0, 0.2), {"spread": 0.3}, "more", "Whether more simulations help cannot be told"),
        (lambda n: 0.1 * n**0.2, {}, "more", "rose by 74 %"),
        (lambda n: 0.1 * n**0.2, {}, "needed", "10 % less error is not reachable by more simulations"),
        (lambda n: np.where(n == N[-1], 5.0, 0.5 * n**-0.3), {}, "needed", "10 % less error needs cannot be told"),
        (PowerLaw(3.0, 0.9, 0.2), {"spread": 0.003}, "needed", "the transfer gap is above it, at 100 %"),
        (PowerLaw(0.5, 0.3, 0.05), {"n": N[:3]}, "needed", "cannot be told: a law of three constants runs through any 3 points"),
        (PowerLaw(0.5, 0.3, 0.05), {"trials": 1}, "more", "cannot be told from one trial: from 100 to 1,600 simulations"),
        (PowerLaw(0.5, 0.3, 0.05), {"trials": 1}, "trials", "It takes 6 trials or more"),
        (PowerLaw(0.5, 0.3, 0.05), {"trials": 1, "direct": 0.2}, "transfer", "in one trial; 6 trials are the least for a verdict"),
        (PowerLaw(0.5, 0.3, 0.05), {"trials": 1, "direct": 0.2}, "trials", "It takes 6 trials or more"),
        (PowerLaw(0.5, 0.3, 0.05), {"trials": 1}, "needed", "cannot be told from one trial; by its residuals it may be about "),
        (lambda n: 0.1 * n**0.2, {"trials": 1}, "more", "from one trial: from 100 to 1,600 simulations the error did not fall"),
        (PowerLaw(0.0, 0.0, 0.2), {"trials": 2}, "needed", "10 % less error needs cannot be told"),
        (PowerLaw(0.5, 0.3, 0.05), {"trials": 4}, "more", "6 trials are the least for a verdict"),
    ],
)  # fmt: skip
def test_curves_that_hold_little_get_words_and_no_traceback(law, options, question, text):
    assert text in bare_curve(errors(law, **options)).verdict[question].text


def test_a_whole_grid_says_what_a_measurement_is_worth():
    truth = ScalingSurface(0.7, 0.03, 0.5, 0.4, 0.01)
    rng, rows = np.random.default_rng(1), []
    for trial, n, m in np.ndindex(10, 4, 4):
        size, measured = 100 * 3**n, 20 * 3**m
        rows.append((size, measured, trial, truth(size, measured) * (1 + 0.003 * rng.standard_normal())))
    curve = bare_curve(pd.DataFrame(rows, columns=["n", "m", "trial", "error"]), bootstrap=Bootstrap(replicates=60))
    worth = curve.verdict["worth"]
    assert worth.told and worth.text.startswith("One more measurement is worth ")
    assert worth.numbers["rate"]["low"] < truth.marginal_rate(2700, 540) < worth.numbers["rate"]["high"]
    assert curve.curve.at == 540


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"error": 0.0}, r"mine, row 0, column 'error': 0.0; expected a number above 0"),
        ({"error": np.nan}, r"mine, row 0, column 'error': nan; expected a number above 0"),
        ({"n": 1.5}, r"mine, row 0, column 'n': 1.5; expected a whole number from 0"),
        ({"n": 200}, r"mine: two errors of trial 0 at n = 200"),
        ({"n": 50}, r"mine: trial 0.0 has no error at n = 100; every trial needs"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_line(change, message):
    table = errors(PowerLaw(0.5, 0.3, 0.05), trials=3).astype(float)
    table.loc[0, list(change)] = list(change.values())
    with pytest.raises(DataError, match=message) as caught:
        bare_curve(table, name="mine")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"n": [], "error": []}, "mine: 0 different n above 0; a law needs at least 3"),
        ({"n": [0, 0], "error": [0.1, 0.2]}, "mine: 0 different n above 0; a law needs at least 3"),
        ({"n": [100, 200, 400, 100], "m": [10, 10, 10, 20], "error": [0.3] * 4}, "1 different n above 0, m = 20"),
        ({"n": [100, 200, 400], "N": [1, 2, 3], "error": [0.3] * 3}, "mine: 2 columns 'n'; expected n, error"),
        ({"n": [100, 200, 400], "trial": ["a", "a", None], "error": [0.3] * 3}, "row 2, column 'trial': nothing there"),
        ({"n": [100, 100, 400], "trial": ["a"] * 3, "error": [0.3] * 3}, "two errors of trial a at n = 100"),
        ({"n": [100, 200, 400] * 2 + [0], "trial": [0] * 3 + [1] * 3 + [0], "error": [0.3] * 7}, "trial 1 has not both n = 0"),
        ({"n": [100, 200, 400], "m": [10, 10, np.nan], "error": [0.3] * 3}, "row 2, column 'm': nan; expected a whole number"),
    ],
)
def test_tables_that_are_no_curve_are_refused_in_one_line(columns, message):
    with pytest.raises(DataError, match=message) as caught:
        bare_curve(pd.DataFrame(columns), name="mine")
    assert len(str(caught.value).splitlines()) == 1


def test_the_command_takes_anyones_errors(tmp_path, capsys):
    errors(PowerLaw(0.5, 0.3, 0.05), direct=0.2).to_csv(tmp_path / "errors.csv", index=False)
    assert main(["curve", str(tmp_path / "errors.csv"), "--out", str(tmp_path / "out")]) == 0
    assert "Transfer helps" in (out := capsys.readouterr().out) and "Law: 0." in out
    payload = json.loads((tmp_path / "out" / "curve.json").read_text())
    (record,) = payload["records"]
    assert record["verdict"]["findings"][0]["question"] == "transfer" and record["verdict"]["text"] in out
    assert record["forecast"]["n"][0] == 1600 and record["forecast"]["far"] == 4800
    (tmp_path / "comma.csv").write_text("N; Error\n100; 0,5\n200; 0,4\n400; 0,35\n")
    assert main(["curve", str(tmp_path / "comma.csv")]) == 0 and "cannot be told" in capsys.readouterr().out
    of_path, of_frame = (bare_curve(of) for of in (tmp_path / "errors.csv", pd.read_csv(tmp_path / "errors.csv", dtype=str)))
    assert str(of_path.verdict) == str(of_frame.verdict) and of_path.facts.study == "errors.csv"
    (tmp_path / "bad.csv").write_text("n,error\n100,0.5\n200,abc\n400,0.3\n")
    assert main(["curve", str(tmp_path / "bad.csv")]) == 1
    assert capsys.readouterr().err == "bad.csv, row 3, column 'error': abc; expected a number above 0\n"
    (tmp_path / "empty.csv").write_text("")
    for name in ("empty", "none"):
        assert main(["curve", str(tmp_path / f"{name}.csv")]) == 1
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_trials_of_one_source_draw_count_once():
    """A draw's own error is common to its trials: resampled trial by trial, the interval would be far too narrow."""
    rng, blocks = np.random.default_rng(0), np.arange(32) % 8
    values = np.exp(0.1 * rng.standard_normal(8)[blocks] + 0.01 * rng.standard_normal(32))
    alone, shared = Bootstrap().trials(values), Bootstrap().trials(values, blocks)
    assert alone.mean == shared.mean
    (low, high), (low_shared, high_shared) = alone.interval(), shared.interval()
    assert high_shared - low_shared > 1.8 * (high - low)
    by_draw = bootstrap.paired_difference(values, np.ones(32), blocks)
    means = np.array([values[blocks == k].mean() for k in range(8)])
    assert by_draw.standard_error == pytest.approx(means.std(ddof=1) / np.sqrt(8))
    with pytest.raises(ValueError, match="share one source draw"):
        Bootstrap().trials(values, np.zeros(32))
    with pytest.raises(ValueError, match="share one source draw"):
        bootstrap.paired_difference(values, np.ones(32), np.zeros(32))


@pytest.mark.parametrize(("trials", "draws"), [(6, 6), (30, 8)])
def test_intervals_over_few_draws_hold_the_truth_as_often_as_they_say(trials, draws):
    held, blocks = 0, np.arange(trials) % draws
    for seed in range(400):
        rng = np.random.default_rng(seed)
        values = np.exp(0.05 * (rng.standard_normal(draws)[blocks] + rng.standard_normal(trials)))
        low, high = Bootstrap(replicates=200, seed=seed).trials(values, blocks).interval()
        held += low <= np.exp(0.05**2) <= high
    assert 0.85 < held / 400 < 0.95, held / 400


def test_every_record_of_a_curve_and_of_a_surface_holds_its_verdict(toy_trials):
    curve = sim2real.learning_curve(toy_trials, bootstrap=Bootstrap(replicates=40))
    stored = json.loads(json.dumps(curve.to_dict(), allow_nan=False))
    assert stored["verdict"]["text"] == str(curve.verdict) and "cannot be told" in stored["verdict"]["text"]
    shared = replace(toy_trials, design=replace(toy_trials.design, source_draws=2))
    wide = sim2real.learning_curve(shared, bootstrap=Bootstrap(replicates=40)).arms["direct"].difference
    assert wide.standard_error != curve.arms["direct"].difference.standard_error


def test_formulas_of_captions_become_html():
    assert plain_math(r"**Fig.** $R = 0.67\,n^{-0.5} + 10{,}000$, $\alpha$ < 1, $C_P$") == (
        "<b>Fig.</b> R = 0.67 n<sup>−0.5</sup> + 10,000, α &lt; 1, C<sub>P</sub>"
    )


def test_any_regressor_gives_trials_on_the_same_splits(study, toy_trials):
    design = replace(toy_trials.design, n_grid=(50, 150, 300), source_draws=2)
    trials = sim2real.run_estimator(Ridge(), study, design)
    for arm in ("transfer", "direct"):
        mine, theirs = (of.table[of.table["arm"] == arm].groupby("trial")["material"].unique() for of in (trials, toy_trials))
        assert mine.map(frozenset).equals(theirs.map(frozenset))
    # slow twin of one cell
    train, test = splits(study, design.seed, [1])[0]
    target, alone = study.target, Ridge().fit(study.target.X[train[:16]], study.target.y[train[:16]])
    rows = trials.table[(trials.table["arm"] == "direct") & (trials.table["trial"] == 1) & (trials.table["m"] == 16)]
    np.testing.assert_allclose(rows["absolute_error"], np.abs(alone.predict(target.X[test]) - target.y[test]))
    again = sim2real.run_trials(study, design, estimator=Ridge(), workers=1)
    pd.testing.assert_frame_equal(again.table, trials.table)
    curve = sim2real.learning_curve(trials, bootstrap=Bootstrap(replicates=40))
    assert curve.curve.sizes == (50, 150, 300)
    assert curve.arms["direct"].difference.mean < 0, "the toy's simulations are nearly the truth"


class Halved(Ridge):
    """A regressor whose features are its prediction and half of it."""

    def transform(self, X):
        return np.outer(self.predict(X), [1.0, 0.5])


def test_a_regressor_with_features_gives_them_and_not_its_prediction(study, toy_trials):
    design = replace(toy_trials.design, n_grid=(150,), m_grid=(16,), trials=1, source_draws=1)
    found = sim2real.run_estimator(Halved(), study, design).table.query("arm == 'transfer'")
    plan, (train, test) = make_plan(study, design, arms=()), splits(study, design.seed, [0])[0]
    rows, target = plan.source_rows(0, 150), study.target
    features = Halved().fit(study.source.X[rows], study.source.y[rows]).transform(target.X)
    X = np.column_stack([target.X, features])
    slow = np.abs(Ridge().fit(X[train[:16]], target.y[train[:16]]).predict(X[test]) - target.y[test])
    np.testing.assert_allclose(found["absolute_error"], slow)


@pytest.fixture
def tables(tmp_path):
    return made.own_tables(tmp_path, value="rho")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_two_tables_give_an_answer_and_one_page(tables, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sim2real.training.experiment.CACHE", tmp_path / "cache")
    columns = ["--structure", "smiles", "--value", "rho", "--unit", "g/cm3", "--property", "density", "--kind", "polymer"]
    files, small = [str(tables / "md.csv"), str(tables / "lab.csv")], ["--preset", "smoke", "--trials", "2", "--workers", "1"]
    assert main(["ask", *files, *columns, *small, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "Density: Whether transfer helps cannot be told" in said and "A test of the machinery (preset smoke)" in said
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert (
        page.count("<svg") == 2
        and page.count("aria-label") == 2
        and "src=" not in page
        and "href=" not in page.replace("xlink:href", "")
    )
    assert (
        "is not a readable SMILES" in page and "not tuned" in page and "scikit-learn" in page and "A test of the machinery" in page
    )
    assert "NaN" not in page and "90 % over trials and materials" in page
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".html", ".png", ".pdf", ".json", ".md", ".csv"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["md.csv", "lab.csv", "more.csv"], "expected a TOML file"),
        (["md.csv"], "expected a TOML file"),
        (["local.toml", "glass", "--value", "rho"], "expected a TOML file"),
        (["local.toml", "steel"], "unknown block 'steel'"),
        (["md.csv", "lab.csv", "--structure", "smiles", "--unit", "-", "--value", "rho", "--value", "Rho"], "no column 'Rho'"),
        (["md.csv", "lab.csv", "--kind", "polymer", "--kind", "any"], "--kind is given 2 times; expected once"),
        (["md.csv", "lab.csv", "--structure", "smiles", "--value", "density", "--unit", "g/cm3"], "no column 'density'"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_in_one_line(tables, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tables)
    assert main(["ask", *arguments, "--preset", "smoke"]) in (1, 2)
    text = capsys.readouterr().err
    assert message in text and len(text.splitlines()) == 1


def test_an_answer_is_said_though_its_files_cannot_be_written(monkeypatch, capsys):
    asked = {}

    class Answered:
        def __str__(self):
            return "Transfer helps."

        def save(self, folder):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("sim2real.studies.ask.ask", lambda *tables, **options: asked.update(options) or Answered())
    options = ["--kelvin", "290", "300", "--deuterium", "hydrogen", "--group", "class"]
    assert main(["ask", "md.csv", "lab.csv", *options, "--out", "full"]) == 1
    said = capsys.readouterr()
    assert said.out.strip() == "Transfer helps."
    assert said.err == "full: cannot be written (No space left on device); trials are kept: choose another --out\n"
    assert (asked["kelvin"], asked["deuterium"], asked["group"]) == ([290, 300], "hydrogen", "class")
