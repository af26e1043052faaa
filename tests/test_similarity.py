"""Source sets of graded similarity, and the paired tests that compare them: against enumeration, simulation and plants."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from rdkit.DataStructs import TanimotoSimilarity
from scipy import stats

from sim2real import figures, tables
from sim2real.chemistry.fingerprints import chain_fingerprint
from sim2real.chemistry.structures import StructureError, oligomer, parse
from sim2real.laws.bootstrap import Bootstrap
from sim2real.laws.contrasts import compare
from sim2real.laws.significance import (
    EXACT_ROWS,
    block_sums,
    detectable_difference,
    friedman,
    holm,
    order_p,
    sign_flip_p,
    smallest_p,
)
from sim2real.studies.grades import (
    class_association,
    class_table,
    examples,
    grade_design,
    grade_sources,
    similarity_record,
    similarity_to_target,
)
from sim2real.studies.presets import resolve
from sim2real.training.experiment import run_trials
from sim2real.training.study import Design, Trials

BOOTSTRAP = Bootstrap(replicates=200)


@pytest.mark.parametrize(
    "same",
    [
        ("*CC(*)c1ccccc1", "*C(c1ccccc1)C*", "*CC(CC(*)c1ccccc1)c1ccccc1"),
        ("*CCO*", "*COC*", "*OCC*", "*CCOCCO*"),
        ("*C*", "*CC*", "*CCCCC*"),
        ("*Oc1ccc(*)cc1", "*c1ccc(O*)cc1"),
        ("*C(F)(F)C*", "*CC(F)(F)*"),
    ],
)
def test_the_fingerprint_of_a_chain_does_not_depend_on_how_its_unit_is_cut(same):
    bits = [set(chain_fingerprint(s).GetOnBits()) for s in same]
    assert all(b == bits[0] for b in bits)


def test_the_fingerprint_of_a_chain_is_that_of_a_long_chain_without_its_ends():
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048, includeRedundantEnvironments=True)
    for smiles in ("*CC(*)C(=O)OC", "*c1ccc(Oc2ccc(*)cc2)cc1", "*[Si](C)(C)O*"):
        long = oligomer(parse(smiles), 11)
        size = long.GetNumAtoms() // 11
        middle = generator.GetFingerprint(long, fromAtoms=list(range(5 * size, 6 * size)))
        assert set(chain_fingerprint(smiles).GetOnBits()) == set(middle.GetOnBits())
    ethanol = Chem.MolFromSmiles("CCO")
    assert set(chain_fingerprint("CCO").GetOnBits()) == set(generator.GetFingerprint(ethanol).GetOnBits())
    with pytest.raises(StructureError):
        chain_fingerprint("Fe2O3")


@pytest.fixture
def chemical(study):
    """The toy study with alkanes, ethers and phenyl compounds as source, and three alkanes (one also in the source) as target."""
    tails = ["C" * k for k in range(4, 44)]
    kinds = {"alkane": tails, "ether": [f"COC{t}" for t in tails], "phenyl": [f"c1ccccc1C(F)(F)N{t}" for t in tails]}
    smiles = [s for group in kinds.values() for s in group]
    groups = [name for name, group in kinds.items() for _ in group]
    source = study.source.select(np.arange(120))
    source = replace(source, table=source.table.assign(key=smiles, structure=smiles, group=groups))
    measured = ["CCCCCC", "CC(C)C", "CC(C)(C)C"] + ["C" * k for k in range(50, 77)]
    target = study.target.select(np.arange(30))
    target = replace(target, table=target.table.assign(key=measured, structure=measured, group="alkane"))
    return replace(study, source=source, target=target, simulated_target=None)


def test_similarity_is_that_of_the_nearest_target_material(chemical):
    similarity, nearest = similarity_to_target(chemical)
    for row in (0, 50, 100):
        own = chain_fingerprint(chemical.source.table["structure"][row])
        slow = [TanimotoSimilarity(own, chain_fingerprint(s)) for s in chemical.target.table["structure"]]
        assert similarity[row] == max(slow) and slow[nearest[row]] == max(slow)
    groups = chemical.source.table["group"].to_numpy()
    assert similarity[groups == "alkane"].min() > similarity[groups == "ether"].max() > similarity[groups == "phenyl"].max()
    assert similarity[chemical.source.keys == "CCCCCC"] == 1

    X, Y = chemical.source.X.astype(float), chemical.target.X.astype(float)
    distance = np.linalg.norm((X[:, None] - Y[None]) / X.std(axis=0), axis=2)
    by_descriptor, nearest = similarity_to_target(chemical, "descriptor")
    np.testing.assert_allclose(by_descriptor, -distance.min(axis=1), rtol=1e-5)
    np.testing.assert_array_equal(nearest, distance.argmin(axis=1))
    with pytest.raises(ValueError, match="unknown similarity 'shape'; expected one of tanimoto, descriptor"):
        similarity_to_target(chemical, "shape")


def test_grades_are_disjoint_equal_ordered_and_without_the_target(chemical):
    similarity, nearest = similarity_to_target(chemical)
    grades = grade_sources(chemical, similarity, grades=5)
    keys = [set(g.study.source.keys) for g in grades]
    assert [len(k) for k in keys] == [23] * 5 and len(set.union(*keys)) == 115
    assert not set.union(*keys) & set(chemical.target.keys)
    assert all(a.range["high"] <= b.range["low"] for a, b in zip(grades, grades[1:]))
    report = grades[0].study.source.report
    assert report["left out, target materials"] == 1 and report["left out, remainder of equal sets"] == 4
    for grade in grades:
        assert len(grade.study.source.X) == 23 and grade.study.splits == chemical.name
        position = {k: row for row, k in enumerate(chemical.source.keys)}
        rows = [position[k] for k in grade.study.source.keys]
        np.testing.assert_array_equal(grade.study.source.X, chemical.source.X[rows])
        np.testing.assert_array_equal(grade.similarity, similarity[rows])
    assert len({g.study.name for g in grades}) == 5
    table = class_table(grades)
    assert table.to_numpy().sum() == 115 and class_association(table) > 0.6
    shown = examples(chemical, similarity, nearest, grades)
    assert list(shown["similarity"]) == sorted(shown["similarity"]) and shown["nearest measured"].isin(chemical.target.keys).all()


def test_controls_break_the_tie_of_similarity_and_class(chemical):
    similarity, _ = similarity_to_target(chemical)
    within = grade_sources(chemical, similarity, 5, "within classes")
    counts = class_table(within).to_numpy()
    assert (counts == counts[:, :1]).all() and class_association(class_table(within)) == pytest.approx(0, abs=1e-12)
    for name in ("alkane", "ether", "phenyl"):
        ranges = [g.similarity[(g.study.source.table["group"] == name).to_numpy()] for g in within]
        assert all(a.max() <= b.min() for a, b in zip(ranges, ranges[1:]))
    random = grade_sources(chemical, similarity, 5, "random")
    assert len(set.union(*(set(g.study.source.keys) for g in random))) == 115
    assert np.ptp([g.range["median"] for g in random]) < np.ptp([g.range["median"] for g in grade_sources(chemical, similarity)])
    one_class = replace(chemical.source, table=chemical.source.table.assign(group="all"))
    assert class_association(class_table(grade_sources(replace(chemical, source=one_class), similarity))) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grades": 2}, "GRADES is 2; expected 3 to 8"),
        ({"grades": 8}, "give 8 sets of 14; at least 20"),
        ({"arrangement": "colour"}, "unknown arrangement 'colour'"),
        ({"similarity": np.ones(3)}, "3 similarities for 120 materials"),
    ],
)
def test_what_cannot_be_graded_is_refused(chemical, change, message):
    with pytest.raises(ValueError, match=message):
        grade_sources(chemical, **{"similarity": np.arange(120.0)} | change)


def test_sign_flips_equal_enumeration():
    rng = np.random.default_rng(3)
    for size in (2, 5, 9):
        x = rng.normal(0.5, 1, size)
        sums = np.array([abs(np.dot(signs, x)) for signs in product((1, -1), repeat=size)])
        assert sign_flip_p(x) == pytest.approx((sums >= abs(x.sum()) - 1e-12).mean())
    assert sign_flip_p(np.ones(6)) == 2 / 64 == smallest_p(6)
    assert sign_flip_p(np.zeros(6)) == 1
    x = rng.normal(0.6, 1, EXACT_ROWS)
    drawn = sign_flip_p(np.append(x, 0.0))  # a row of zero changes no sum, but takes the path that draws
    assert drawn == pytest.approx(sign_flip_p(x), abs=0.02)
    with pytest.raises(ValueError, match="at least 2 finite differences"):
        sign_flip_p([1.0])


def test_holm_by_hand():
    # sorted 0.01 x 4, 0.02 x 3, 0.03 x 2, 0.04 x 1, each at least the one before
    np.testing.assert_allclose(holm([0.04, 0.01, 0.03, 0.02]), [0.06, 0.04, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.5, 0.6]), [1.0, 1.0])
    assert smallest_p(6, 4) == 4 * 2 / 64 and smallest_p(2, 4) == 1


def test_friedman_agrees_with_scipy_and_with_enumeration():
    rng = np.random.default_rng(5)
    errors = rng.normal(size=(40, 4)) + [0, 0, 0, 0.35]
    statistic, p = friedman(errors)
    reference = stats.friedmanchisquare(*errors.T)
    assert statistic == pytest.approx(reference.statistic)
    assert p == pytest.approx(reference.pvalue, abs=0.02)
    few = rng.normal(size=(3, 3)) + [0, 1, 2]
    orders = list(permutations(range(3)))
    ranks = stats.rankdata(few, axis=1)

    def spread(rows):
        return np.var(np.mean(rows, axis=0))

    all_of_them = [spread([r[list(o)] for r, o in zip(ranks, choice)]) for choice in product(orders, repeat=3)]
    exact = np.mean(np.array(all_of_them) >= spread(ranks) - 1e-12)
    assert friedman(few)[1] == pytest.approx(exact, abs=0.02)


def test_orders_of_the_arms():
    contrast = np.array([-2, -1, 0, 1, 2.0])
    assert order_p([1, 2, 3, 4, 5], contrast) == pytest.approx(2 / 120)
    assert order_p([3, 5, 1, 4, 2], contrast) > 0.3


def test_the_detectable_difference_is_found_four_times_in_five():
    rng = np.random.default_rng(11)
    for rows, comparisons in ((8, 1), (30, 4)):
        difference = detectable_difference(1 / np.sqrt(rows), rows, comparisons)
        samples = rng.normal(difference, 1, size=(4000, rows))
        p = stats.ttest_1samp(samples, 0, axis=1).pvalue
        assert np.mean(p < 0.05 / comparisons) == pytest.approx(0.8, abs=0.05)
    assert detectable_difference(1.0, 10_000) == pytest.approx(1.96 + 0.84, abs=0.01)


def test_blocks_keep_the_mean_of_all_trials():
    rng = np.random.default_rng(2)
    values, blocks = rng.normal(size=(7, 3)), np.array([0, 1, 2, 0, 1, 2, 0])
    sums = block_sums(values, blocks)
    np.testing.assert_allclose(sums.mean(axis=0), values.mean(axis=0))
    np.testing.assert_allclose(sums[1], 3 / 7 * (values[1] + values[4]))


def planted(study, effects: list[float], *, trials: int = 24, draws: int = 12, seed: int = 0) -> list[Trials]:
    """Trials of several sets: noise of splits and materials that all sets share, noise of their own, and an effect."""
    rng = np.random.default_rng(seed)
    design = Design(n_grid=(50, 100), m_grid=(20,), trials=trials, source_draws=draws)
    tests = [rng.permutation(len(study.target))[:8] for _ in range(trials)]
    material, split = rng.uniform(1, 3, len(study.target)), rng.normal(0, 0.2, trials)
    trial, tested = np.repeat(np.arange(trials), 16), np.repeat(np.concatenate(tests), 2)
    table = pd.DataFrame({"trial": trial, "material": tested, "n": np.tile(design.n_grid, 8 * trials), "m": 20, "arm": "transfer"})
    result = []
    for effect in effects:
        own, noise = rng.normal(0, 0.05, draws), rng.normal(0, 0.05, len(table))
        errors = np.maximum(0.0, material[tested] + split[trial] + own[trial % draws] + effect + noise)
        result.append(Trials(study, design, table.assign(absolute_error=errors)))
    return result


def test_a_planted_difference_is_found_and_its_absence_is_not(study):
    similarity = [0.1, 0.2, 0.3, 0.4, 0.5]
    found = compare(planted(study, [0.4, 0.3, 0.2, 0.1, 0.0]), similarity, 100, bootstrap=BOOTSTRAP)
    first = found["comparisons"][0]
    assert first["p_holm"] < 0.01 and first["low"] < 0.4 < first["high"]
    assert first["low_materials"] > 0 and first["mean"] > first["detectable"] > first["detectable_alone"]
    assert first["relative"] == pytest.approx(first["mean"] / found["mae"][-1])
    assert found["friedman"]["p"] < 0.01
    assert found["trend"]["low"] < -0.4 < found["trend"]["high"] and found["trend"]["p_order"] == pytest.approx(2 / 120)
    assert found["trend"]["slope"] == pytest.approx(found["trend"]["mean"] / 0.4)

    absent = [compare(planted(study, [0.0] * 5, seed=s), similarity, 100, bootstrap=BOOTSTRAP) for s in range(1, 31)]
    false = sum(any(c["p_holm"] < 0.05 for c in a["comparisons"]) for a in absent)
    assert false <= 5, "at 5 %, 1.5 of 30 are expected; more than 5 have a probability below 1 in 300"
    assert all(abs(a["comparisons"][0]["mean"]) < a["comparisons"][0]["detectable"] * 1.5 for a in absent)


def test_shared_source_draws_do_not_count_as_independent(study):
    """Noise that all trials of a draw have in common must not make a difference significant."""
    similarity = [0.1, 0.2, 0.3]
    few = compare(planted(study, [0.0, 0.0, 0.0], trials=24, draws=2), similarity, 100, bootstrap=BOOTSTRAP)
    assert few["blocks"] == 2 and few["smallest_p"] == 1
    assert all(c["p_holm"] == 1 for c in few["comparisons"])


def test_record_figures_and_verdict_of_a_small_run(chemical, tmp_path):
    similarity, _ = similarity_to_target(chemical)
    settings = resolve("embedded", "smoke", trials=3, n_max=100, workers=1)
    grades = grade_sources(chemical, similarity)
    design = grade_design(settings, grades[0])
    assert design.n_grid[-1] == 23 and len(design.n_grid) == 5 and design.trials == 3
    design = replace(design, n_grid=(10, 15, 23))
    trials = [run_trials(g.study, design, arms=("transfer",), store=tmp_path) for g in grades]
    direct = run_trials(chemical, design, arms=("direct",), store=tmp_path)
    splits = [set(map(tuple, t.table[["trial", "material"]].to_numpy())) for t in (*trials, direct)]
    assert all(s == splits[0] for s in splits), "all sets are tested on the same splits"
    controls = {name: (grades, trials) for name in ("random", "within classes")}
    record = similarity_record(grades, trials, direct, controls, "tanimoto", bootstrap=BOOTSTRAP)
    assert [len(record[k]) for k in ("grades", "by_n")] == [5, 3]
    assert sum(map(sum, record["classes"]["counts"])) == 115
    assert all(sum(g["histogram"]) == 23 for g in record["grades"])
    assert record["controls"]["random"]["trend"] is None and record["controls"]["within classes"]["trend"]
    verdict = tables.similarity_verdict(record)
    assert verdict["verdict"] == "cannot be told" and "could not have been detected" in verdict["text"]
    assert len(tables.sets(record)) == 5 and len(tables.sets_by_n(record)) == 3
    payload = figures.payload("x", "toy", record, edition="embedded", preset="smoke")
    first, second = figures.similarity(payload), figures.similarity_scaling(payload)
    assert [len(f.axes) for f in (first, second)] == [3, 2]
    lines = {line.get_label() for line in second.axes[0].get_lines()}
    assert "direct learning" in lines and any(label.startswith("5 of 5 (") for label in lines)


@pytest.mark.parametrize(("effects", "word"), [([0.5, 0.0, 0.0], "differences seen"), ([0.0, 0.0, 0.0], "none seen")])
def test_the_verdict_says_what_the_numbers_say(study, effects, word):
    end = compare(planted(study, effects, seed=1), [0.1, 0.2, 0.3], 100, bootstrap=BOOTSTRAP)
    design = {"m": 20, "trials": 24, "source_draws": 12}
    record = {"label": "Density", "unit": "g/cm3", "grades": [{"name": f"{k} of 3"} for k in (1, 2, 3)]}
    record |= {"by_n": [end], "design": design, "controls": {}}
    verdict = tables.similarity_verdict(record)
    assert verdict["verdict"] == word
    assert ("Told from chance" in verdict["text"]) == (word == "differences seen")


def test_differences_no_larger_than_those_of_random_sets_are_not_laid_to_similarity(study):
    end, random = (
        compare(planted(study, effects, seed=1), None, 100, bootstrap=BOOTSTRAP) for effects in ([0.5, 0.0, 0.0], [0.0, 0.7, 0.0])
    )
    record = {"label": "Density", "unit": "g/cm3", "grades": [{"name": f"{k} of 3"} for k in (1, 2, 3)], "by_n": [end]}
    record |= {"design": {"m": 20, "trials": 24, "source_draws": 12}, "controls": {"random": random}}
    assert tables.similarity_verdict(record)["verdict"] == "differences seen, no larger than between sets cut at random"
