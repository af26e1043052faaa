"""What to buy next: the best split of a budget against a search of every whole number, its intervals, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import sim2real as s2r
from made import chi_study, chi_trials, toy_study
from sim2real.datasets import activity
from sim2real.datasets.task import NoStudy
from sim2real.laws.bootstrap import Bootstrap
from sim2real.laws.design import Prices, allocate_classes, best_split, whole_split
from sim2real.laws.surface import ScalingSurface, evaluate
from sim2real.studies import growth, policies
from sim2real.training.seeding import numpy_generator
from sim2real.training.study import split_rows

pytestmark = pytest.mark.xdist_group("design")  # what is made once for all is made by one process

# A, B, alpha, beta1, beta2, epsilon: the paper's Eq. 3, one without B, two with exponents of their own, one flat in n
LAWS = {
    "paper": (0.338, 0.0192, 0.265, 0.239, 0.239, 0.0535),
    "no gap": (1.0, 0.0, 0.3, 0.2, 0.2, 0.0),
    "own exponents": (0.4, 0.3, 0.2, 0.05, 0.4, 0.01),
    "flat in n": (0.0, 0.5, 0.0, 0.3, 0.3, 0.02),
    "flat in m": (0.5, 0.0, 0.3, 0.0, 0.0, 0.02),
}


def by_grid(law, prices, budget, have):
    """Every m, with all of the rest in simulations: the least error."""
    m = np.arange(have[1], int((budget - prices.simulation * have[0]) // prices.measurement) + 1)
    n = (budget - prices.measurement * m) // prices.simulation
    errors = evaluate(np.array(law), n, m)
    return errors.min()


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("ratio", [0.3, 10.0, 250.0])
def test_the_best_split_is_that_of_a_search_of_every_whole_number(law, ratio):
    prices, have = Prices(2.0, 2.0 * ratio), (120, 30)
    budget = prices.of(*have) + 20_000.0
    n, m = whole_split(np.array(law), prices, budget, have)
    assert n >= have[0] and m >= have[1] and prices.of(n, m) <= budget
    assert float(evaluate(np.array(law), n, m)) <= by_grid(law, prices, budget, have) * (1 + 1e-5), (
        "but for what whole numbers leave over"
    )


def test_without_a_gap_money_is_shared_as_the_exponents():
    n, m = best_split(np.array(LAWS["no gap"]), Prices(3.0, 40.0), 1e5, (1, 1))
    assert 3.0 * n / 1e5 == pytest.approx(0.3 / 0.5) and 3.0 * n + 40.0 * m == pytest.approx(1e5)


def test_at_the_best_split_the_marginal_rate_is_the_ratio_of_the_prices():
    law = ScalingSurface(0.338, 0.0192, 0.265, 0.239, 0.0535)
    n, m = best_split(np.array(LAWS["paper"]), Prices(1.0, 221.0), 300_000.0, (1, 1))
    assert float(law.marginal_rate(n, m)) == pytest.approx(221.0, rel=1e-6)


def test_many_laws_are_split_as_one_by_one():
    laws, prices = np.array(list(LAWS.values())), Prices(1.0, 30.0)
    together = np.stack(best_split(laws, prices, 5e4, (100, 20)), axis=-1)
    np.testing.assert_allclose(together, [best_split(law, prices, 5e4, (100, 20)) for law in laws])
    assert together[3, 0] == pytest.approx(100, rel=1e-6) and together[4, 1] == pytest.approx(20, rel=1e-6)


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf")])
def test_a_price_must_be_above_0(price):
    with pytest.raises(ValueError, match=r"the price of a simulation is .*; expected a finite number above 0"):
        Prices(price, 1.0)
    with pytest.raises(ValueError, match="the price of a measurement is"):
        Prices(1.0, price)
    with pytest.raises(ValueError, match="prices by class are"):
        allocate_classes(np.ones((2, 3)), [0.5, 0.5], [1.0, price], 10.0, [1.0, 1.0])


@pytest.fixture(scope="module")
def surface() -> s2r.Trials:
    return made_surface(LAWS["paper"])


def made_surface(law, trials=8, noise=0.03):
    """The error over both sizes of made trials about a law."""
    n_grid, m_grid = (100, 400, 1600, 6400), (20, 40, 80, 160)
    rng, parts = np.random.default_rng(0), []
    hard = rng.lognormal(0, 0.2, 40)
    for trial in range(trials):
        test = rng.permutation(40)[:16]
        for n in n_grid:
            for m in m_grid:
                error = hard[test] * evaluate(np.array(law), n, m) * rng.lognormal(0, noise, 16)
                own = {"arm": "transfer", "n": n, "m": m, "trial": trial, "material": test, "absolute_error": error}
                parts.append(pd.DataFrame(own))
    made = s2r.Trials(toy_study(), s2r.Design(n_grid, m_grid, trials), pd.concat(parts, ignore_index=True))
    return s2r.error_surface(made, bootstrap=Bootstrap(replicates=20))


def test_a_budget_is_spent_with_intervals_and_in_words(surface):
    prices = Prices(1.0, 50.0)
    found = s2r.allocate(surface, prices.of(6400, 160) + 50_000, prices, step=1000)
    for split in found.splits:
        assert prices.of(split.n, split.m) <= found.budget and split.n >= 6400 and split.m >= 160
        assert split.n_range[0] <= split.n_range[1] and split.error < split.now and split.lost >= 0
        assert split.error == pytest.approx(min(split.line["error"]), rel=1e-3)
    assert found.splits[1].over >= -1e-9
    said = str(found.verdict)
    assert "50,000 more units of money" in said and "The next 1,000" in said and "1,000 simulations" in said
    assert "20 measurements" in said
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert [s["form"] for s in record["splits"]] == [s.form for s in found.splits]
    assert list(s2r.table([found]).index.get_level_values("form")) == [s.form for s in found.splits]


def test_what_is_spent_already_is_not_sold_and_a_smaller_budget_is_refused(surface):
    prices = Prices(1.0, 50.0)
    all_spent = s2r.allocate(surface, prices.of(6400, 160), prices)
    assert {(s.n, s.m) for s in all_spent.splits} == {(6400, 160)}
    assert "0 more simulations" in (said := all_spent.verdict["budget"].text) and "cannot be told" in said
    for budget in (prices.of(6400, 160) - 1, float("nan"), float("inf"), -5.0):
        with pytest.raises(ValueError, match="expected no less than 14,400, which what there is has cost"):
            s2r.allocate(surface, budget, prices)
    with pytest.raises(ValueError, match="expected at least one of each"):
        s2r.allocate(surface, 1e6, prices, have=(0, 160))
    with pytest.raises(ValueError, match="the next money is nan"):
        s2r.allocate(surface, 1e6, prices, step=float("nan"))


def test_a_flat_surface_cannot_be_told():
    flat = made_surface((0.0, 0.0, 0.0, 0.0, 0.0, 0.3), noise=0.0)
    found = s2r.allocate(flat, 1e6, Prices(1.0, 1.0))
    assert not found.verdict["budget"].told and "cannot be told" in found.verdict["budget"].text
    assert not found.verdict["next"].told


def by_greed(laws, shares, prices, budget, have):
    """One simulation at a time to the class in which it lowers the expected error most for its price."""
    n = np.array(have, float)
    d, alpha, _ = np.array(laws).T
    while True:
        gain = shares * d * (n**-alpha - (n + 1) ** -alpha) / prices
        gain[prices @ n + prices > budget] = -1
        if gain.max() < 0:
            return n
        n[gain.argmax()] += 1


def test_classes_are_shared_out_as_by_greed():
    laws = [(0.5, 0.3, 0.01), (0.2, 0.6, 0.0), (0.4, 0.1, 0.2), (0.3, 0.0, 0.0)]
    shares, prices, have = np.array([0.4, 0.3, 0.2, 0.1]), np.array([1.0, 2.0, 1.0, 1.0]), np.array([20.0, 5.0, 400.0, 7.0])
    wanted = allocate_classes(laws, shares, prices, 1500.0, have)
    assert prices @ wanted <= 1500.0 * (1 + 1e-9) and (wanted >= have - 1e-9).all()
    np.testing.assert_allclose(wanted, by_greed(laws, shares, prices, 1500.0, have), atol=2)
    with pytest.raises(ValueError, match="which what there is has cost"):
        allocate_classes(laws, shares, prices, 100.0, have)
    # of resamples at once, one of them without a class that scales
    resamples = np.array(laws) * np.random.default_rng(0).lognormal(0, 0.1, (5, 4, 3))
    resamples[2, :, 1] = 0
    together = allocate_classes(resamples, shares, prices, 1500.0, have)
    np.testing.assert_array_equal(together, [allocate_classes(of, shares, prices, 1500.0, have) for of in resamples])
    np.testing.assert_allclose(together[2] - have, (1500 - prices @ have) / prices.sum())
    for bad, of in ((laws[:3], shares), (laws, shares[:1]), (np.full((4, 3), np.nan), shares)):
        with pytest.raises(ValueError, match="expected finite laws"):
            allocate_classes(bad, of, prices, 1500.0, have)


def test_classes_of_molecules_are_told_once(monkeypatch, tmp_path):
    monkeypatch.setattr(growth, "CACHE", tmp_path)
    study, molecules = toy_study(), ["CCO", "CCCC", "c1ccccc1", "CC(=O)OC"]
    source, target = (
        replace(side, table=side.table.assign(structure=[molecules[k % 4] for k in range(len(side))], group=name))
        for side, name in ((study.source, "a"), (study.target, "b"))
    )
    study = replace(study, source=source, target=target)
    told = growth.by_class(study)
    assert told.source.table["group"].tolist()[:4] == list(map(activity.solute_class, molecules))
    monkeypatch.setattr(activity, "solute_class", None)
    again = growth.by_class(study)
    for side in ("source", "target"):
        pd.testing.assert_frame_equal(getattr(told, side).table, getattr(again, side).table)


def grown_study():
    """The toy study with three classes on both sides, and a short training."""
    study = toy_study()
    sides = []
    for task in (study.source, study.target):
        group = np.array(["a", "b", "c"])[np.arange(len(task)) % 3]
        sides.append(replace(task, table=task.table.assign(group=group)))
    brief = replace(study.settings, pretraining=replace(study.settings.pretraining, steps=20))
    return replace(study, source=sides[0], target=sides[1], settings=brief)


def test_a_replay_buys_what_the_budget_pays_for_and_tests_what_no_policy_saw(monkeypatch, tmp_path):
    asked = []

    def spy(study, simulated, fit, seed):
        asked.append((set(simulated), set(fit)))
        return study.target.y + np.where(np.isin(np.arange(len(study.target)), fit), 0.0, 10.0 / len(simulated))

    monkeypatch.setattr(growth, "_predicted", spy)
    study = grown_study()
    found = growth.replay(study, (30, 60, 120), 2, m=12, store=tmp_path)
    assert found.errors.shape == (2, 4, 3) and found.counts.shape == (2, 4, 3, 3)
    assert (found.counts.sum(axis=-1) <= [30, 60, 120]).all() and (found.counts.sum(axis=-1) >= [27, 54, 110]).all()
    assert (np.diff(found.counts, axis=2) >= 0).all(), "what was bought is not sold"
    for trial in range(2):
        _, test = split_rows(study.target, numpy_generator(0, "toy", "growth", trial))
        assert all(not fit & set(test) for _, fit in asked[trial * len(asked) // 2 : (trial + 1) * len(asked) // 2])
    dear = growth.replay(study, (60, 120), 1, m=12, prices={"a": 3.0}, store=tmp_path)
    cost = dear.counts @ [3.0, 1.0, 1.0]
    assert (cost <= [60, 120]).all() and (cost[:, :, 1] > 110).all(), "prices by class are paid"
    regret = found.regret()
    assert (regret["mean"].min(axis=0) == 0).all() and (regret["low"] <= regret["high"]).all()
    assert len(found.verdict.findings) == 3 and "cannot be told" in str(found.verdict), "two trials tell nothing"


def test_a_replay_is_the_same_with_the_same_seed_and_trials_that_are_stored_are_not_replayed(monkeypatch, tmp_path):
    asked, trial = [], growth._trial
    monkeypatch.setattr(growth, "_trial", lambda study, number, *options: asked.append(number) or trial(study, number, *options))

    def replayed(trials, store, **more):
        two = (policies.UNIFORM, policies.GREEDY)
        return growth.replay(grown_study(), (30, 60), trials, m=12, policies=two, store=tmp_path / store, **more)

    first, again, stored = replayed(2, "one"), replayed(2, "two"), replayed(2, "one")
    for other in (again, stored):
        np.testing.assert_array_equal(first.errors, other.errors)
        np.testing.assert_array_equal(first.counts, other.counts)
        np.testing.assert_array_equal(first.shares, other.shares)
    assert asked == [0, 1, 0, 1], "what is stored is not trained again"
    assert list(s2r.table(first).index) == [policies.UNIFORM, policies.GREEDY]
    kept, _ = sorted((tmp_path / "one").rglob("*.json"))
    kept.write_text(kept.read_text()[:20])
    np.testing.assert_array_equal(replayed(2, "one").errors, first.errors)
    replayed(2, "one", seed=1)
    assert asked[4:] == [0, 0, 1], "a damaged file is replayed again, and another seed is another replay"


def test_policies_know_no_more_than_they_are_told():
    """Classes that fell get the paper's money; those that are exhausted give theirs to the others."""
    counts = np.array([[10.0, 10.0, 10.0], [40.0, 40.0, 40.0]])
    errors = np.array([[1.0, 1.0, np.nan], [0.5, 1.0, np.nan]])
    seen = policies.Seen(counts, errors, np.array([0.6, 0.4, 0.0]), np.array([30.0, 100.0, 100.0]), np.ones(3))
    np.testing.assert_allclose(policies.as_many(seen, 60), [20, 20, 20])
    np.testing.assert_allclose(policies.scalable_first(seen, 60), [30, 15, 15])
    np.testing.assert_allclose(policies.as_measured(seen, 60), [30, 30, 0])
    law = policies.by_law(seen, 60)
    assert law.sum() == pytest.approx(60) and law[2] == 0, "a class that is not asked for gets nothing"
    once = seen._replace(counts=counts[-1:], errors=errors[-1:], left=np.full(3, 100.0))
    np.testing.assert_allclose(policies.by_law(once, 60), policies.as_many(once, 60))


def test_growth_needs_two_classes_and_budgets_that_there_is_something_to_buy_with():
    study = grown_study()
    with pytest.raises(NoStudy, match="share 1 classes; growth by class needs two"):
        growth.replay(toy_study(), (30, 60), 2, m=12)
    for budgets in ((60, 30), (0, 30), (30, 1000)):
        with pytest.raises(ValueError, match="expected an ascending list up to 300"):
            growth.replay(study, budgets, 2, m=12)
    with pytest.raises(ValueError, match="prices by class are"):
        growth.replay(study, (30, 60), 2, m=12, prices={"a": 0.0})


def test_classes_go_on_stop_or_cannot_be_told():
    trials = chi_trials(chi_study(), gain=(0.0, 0.5, 0.5, 0.5, 0.0))
    found = s2r.stop_or_go(trials, last=4.0, bootstrap=Bootstrap(replicates=200))
    assert found.spans == ((100, 6400), (1600, 6400))
    verdicts = {c.group: c.verdict.verdict for c in found.last}
    assert verdicts["cellulose"] == "does not" and verdicts["polyether"] == "scales"
    said = found.verdict["classes"].text
    assert "1,600 to 6,400" in said and "stop: Celluloses" in said
    assert list(s2r.table(found).index) == [c.name for c in found.last]
    whole = [c.change.mean for c in s2r.classes(trials, bootstrap=Bootstrap(replicates=200))]
    assert whole == [c.change.mean for c in found.whole]
