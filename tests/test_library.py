"""The N-gram model of repeat units and the virtual library that it makes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem
from rdkit.DataStructs import TanimotoSimilarity

from sim2real.chemistry.classes import CLASS_NAMES, polymer_class
from sim2real.chemistry.fingerprints import fingerprints
from sim2real.chemistry.library.drafts import END, Draft, random_writings, tokens_of
from sim2real.chemistry.library.grow import CLASSES, grow_library, internal_diversity, kinds
from sim2real.chemistry.library.ngram import NgramModel
from sim2real.chemistry.structures import StructureError, parse, structure_key
from sim2real.datasets.embedded import load_virtual_polymers, sample_balanced
from sim2real.datasets.paths import DATA
from sim2real.datasets.polymers import known_units

pytestmark = pytest.mark.xdist_group("library")  # what is made once for all is made by one process

HARD = [
    "*CC(*)c1ccccc1",
    "*c1ccc(Oc2ccc(N3C(=O)c4cc5C(=O)N(*)C(=O)c5cc4C3=O)cc2)cc1",
    "*N=P(*)(OCC(F)(F)F)OCC(F)(F)F",
    "*CC(*)C12CC3CC(CC(C3)C1)C2",
    "*C(=O)OC1=c2ccccc2=C(O*)C(=O)C1=O",
    "*CC(*)n1c2ccccc2c2ccccc21",
    "*Oc1ccc(S(=O)(=O)c2ccc(*)cc2)cc1",
    "*C#CC(*)[N+](=O)[O-]",
]
SOME = ("P01", "P04", "P13", "P15", "P18")


@pytest.fixture(scope="module")
def known() -> pd.DataFrame:
    return sample_balanced(load_virtual_polymers(), 21 * 30)[["smiles", "polymer_class"]]


@pytest.fixture(scope="module")
def grown(known) -> tuple[pd.DataFrame, pd.DataFrame]:
    return grow_library(known, 6, seed=3, writings=2, classes=SOME)


@pytest.mark.parametrize("smiles", HARD)
def test_tokens_say_the_same_as_the_smiles(smiles):
    for writing in random_writings(smiles, 20, np.random.default_rng(0)):
        assert writing.startswith("*")
        draft = Draft({}, heavy_atoms=60)
        for token in tokens_of(writing):
            assert draft.fits(token), (writing, draft.tokens, token)
            draft.add(token)
        assert draft.fits(END)
        assert Chem.CanonSmiles(draft.smiles()) == Chem.CanonSmiles(smiles)
        bonds = sorted(sum(1 if b.GetIsAromatic() else int(b.GetBondTypeAsDouble()) for b in a.GetBonds())
                       for a in parse(smiles).GetAtoms())  # fmt: skip
        assert sorted(draft.bonds) == bonds


def test_tokens_refuse_what_they_do_not_know():
    assert tokens_of("*C1=CC(*)CC1") == ["*", "C", "+", "=C", "C", "(", "*", ")", "C", "C", "0"]
    with pytest.raises(ValueError, match="cannot read"):
        tokens_of("*C/C=C/C*")


def draft_of(tokens: list[str], most_bonds: dict[str, int] | None = None, heavy_atoms: int = 60) -> Draft:
    draft = Draft(most_bonds or {}, heavy_atoms)
    for token in tokens:
        assert draft.fits(token), (draft.tokens, token)
        draft.add(token)
    return draft


BONDS = {"*": 1, "C": 4, "O": 2, "F": 1, "c": 3}


@pytest.mark.parametrize(
    ("tokens", "fitting", "unfit"),
    [
        ([], "*", "C ( ) + 0 $"),
        (["*"], "C O", "* =C ( ) + 0 F $"),  # fluorine would end the chain with one attachment point
        (["*", "O"], "C *", "=C ( + 0 ) $"),
        (["*", "C"], "C =C * ( +", "$ ) 0 F"),
        (["*", "C", "("], "F =O O *", "( ) + $"),
        (["*", "C", "(", "=O"], ")", "C ( + * $"),
        (["*", "C", "(", "=O", ")"], "* C", ") ( $ + =C"),  # one bond of the carbon is left
        (["*", "C", "+"], "C ( =C +", "0 * $"),
        (["*", "C", "+", "C"], "C ( +", "0 *"),  # two atoms are no ring; the last * must wait for the ring
        (["*", "C", "+", "C", "C"], "0 =0 C", "1 * $"),
        (["*", "C", "*"], "$", "C ( ) + *"),
    ],
)
def test_what_may_come_next(tokens, fitting, unfit):
    draft = draft_of(tokens, BONDS)
    assert [t for t in fitting.split() if not draft.fits(t)] == []
    assert [t for t in unfit.split() if draft.fits(t)] == []


def test_context_shortens_finished_branches_and_state_sees_rings():
    draft = draft_of(["*", "C", "(", "C", "(", "=O", ")", "O", "C", ")", "C"])
    assert draft.context(99) == ["C", ")", "C", "(", "C", "*"]
    assert draft.context(2) == ["C", ")"]
    assert draft.state == (1, False, 0, 0)
    ring = draft_of(["*", "C", "(", "C", "+", "C", "C", "(", "C", ")", "C"])
    assert ring.state == (1, True, 1, 4)
    ring.add("+")
    assert ring.state == (1, True, 2, 1)


def test_size_limit(monkeypatch):
    assert draft_of(["*", "C", "C"], heavy_atoms=3).fits("C")
    assert not draft_of(["*", "C", "C", "C"], heavy_atoms=3).fits("C")
    monkeypatch.setattr("sim2real.chemistry.library.ngram.HEAVY_ATOMS", 9)
    model = NgramModel().fit(["*CC*", "*CC(C)*", "*CCO*"], np.random.default_rng(0))
    sizes = [parse(s).GetNumHeavyAtoms() for s in (model.sample(np.random.default_rng(k)) for k in range(60)) if s]
    assert sizes and max(sizes) <= 9


def naive_next(model: NgramModel, rows: list[tuple[tuple, list[str], str]], draft: Draft) -> Counter[str]:
    """What may follow, by looking through every row for the longest context that has a fitting token."""
    context = draft.context(model.order - 1)
    for length in range(len(context), -1, -1):
        counts = Counter(t for state, c, t in rows if state == draft.state and c[:length] == context[:length] and draft.fits(t))
        if counts:
            return counts
    return Counter()


def test_back_off_agrees_with_a_search_through_all_contexts(known):
    units = known.loc[known["polymer_class"].isin(["P04", "P13"]), "smiles"].tolist()[::3]
    model = NgramModel(order=4, writings=2).fit(units, np.random.default_rng(5))
    rows = []
    rng = np.random.default_rng(5)
    for unit in units:
        for writing in random_writings(unit, 2, rng):
            draft = Draft({}, 999)
            for token in (*tokens_of(writing), END):
                rows.append((draft.state, draft.context(3), token))
                draft.add(token)
    rng = np.random.default_rng(0)
    seen_shortened = 0
    for _ in range(5):
        draft = Draft(model._most_bonds, 60)
        for _ in range(60):
            expected = naive_next(model, rows, draft)
            drawn = Counter(model._draw(draft, rng) for _ in range(60))
            assert set(drawn) <= (set(expected) or {None})
            total = sum(expected.values())
            for token, count in expected.items():  # within five standard deviations of the binomial
                p = count / total
                assert abs(drawn[token] - 60 * p) <= 5 * np.sqrt(60 * p * (1 - p)) + 1e-9
            context = draft.context(3)
            seen_shortened += not any(c == context and s == draft.state and draft.fits(t) for s, c, t in rows)
            token = list(drawn)[int(rng.random() * len(drawn))]
            if token in (None, END):
                break
            draft.add(token)
    assert seen_shortened  # otherwise back-off was not tested


def test_a_high_order_recites_and_a_low_order_invents(known):
    units = known.loc[known["polymer_class"] == "P07", "smiles"].tolist()
    keys = {structure_key(u) for u in units}

    def novel(order: int) -> int:
        model = NgramModel(order, writings=1).fit(units, np.random.default_rng(0))
        made = [model.sample(np.random.default_rng(k)) for k in range(60)]
        valid = []
        for smiles in filter(None, made):
            try:
                valid.append(structure_key(smiles) in keys)
            except StructureError:
                continue
        return valid.count(False)

    assert novel(40) < novel(4)


def test_endless_chains_are_given_up(monkeypatch):
    monkeypatch.setattr("sim2real.chemistry.library.ngram.STEPS", 5)
    model = NgramModel(order=2).fit(["*CCCCCCCC*"], np.random.default_rng(0))
    assert {model.sample(np.random.default_rng(k)) for k in range(30)} >= {None}
    with pytest.raises(ValueError, match="order must be at least 2"):
        NgramModel(order=1)
    with pytest.raises(ValueError, match="no repeat units"):
        NgramModel().fit([], np.random.default_rng(0))


def test_library_holds_new_distinct_units_of_the_class_they_are_listed_under(known, grown):
    library, _ = grown
    assert list(library.columns) == ["smiles", "polymer_class"]
    assert library["smiles"].is_unique
    assert not set(library["smiles"]) & set(known["smiles"])
    for row in library.itertuples():
        assert structure_key(row.smiles) == row.smiles
        assert polymer_class(row.smiles) == row.polymer_class
        assert parse(row.smiles, attachment_points=(2,)).GetNumHeavyAtoms() <= 60
    for code, units in library.groupby("polymer_class"):
        familiar = set().union(*(kinds(parse(s)) for s in known.loc[known["polymer_class"] == code, "smiles"]))
        assert all(kinds(parse(s)) <= familiar for s in units["smiles"])
    assert set(sample_balanced(library, 5)["polymer_class"]) == set(SOME)


def test_twenty_classes_by_default():
    assert len(CLASSES) == 20
    assert set(CLASS_NAMES) - set(CLASSES) == {"P17"}


def test_report_counts_what_the_library_holds(known, grown):
    library, report = grown
    assert list(report["polymer_class"]) == list(SOME)
    assert (report["kept"].to_numpy() == library["polymer_class"].value_counts().reindex(SOME).to_numpy()).all()
    assert (report["training_units"] == 30).all()
    shares = report[["valid", "right_class", "familiar", "unique", "novel"]]
    assert ((shares >= 0) & (shares <= 1)).all(axis=None)
    # the shares are of what the step before let through
    assert report["kept"].to_numpy() == pytest.approx((report["attempts"] * shares.prod(axis=1)).to_numpy())
    assert report["diversity"].between(0.2, 1).all() and report["nearest"].between(0.2, 1).all()


def test_library_depends_on_the_seed_and_on_nothing_else(known, grown):
    library, report = grown
    few = ("P01", "P04")
    other, _ = grow_library(known.sample(frac=1, random_state=1), 6, seed=3, workers=2, writings=2, classes=few)
    same = library[library["polymer_class"].isin(few)].reset_index(drop=True)
    pd.testing.assert_frame_equal(other, same)
    third, _ = grow_library(known, 6, seed=4, writings=2, classes=few)
    assert set(third["smiles"]) != set(same["smiles"])


def test_a_class_without_known_units_is_named(known):
    with pytest.raises(ValueError, match="no known unit of P14, P17"):
        grow_library(known[~known["polymer_class"].isin(["P14", "P17"])], 5, classes=("P01", "P14", "P17"))


def test_an_exhausted_class_gives_what_it_has():
    library, report = grow_library(pd.DataFrame({"smiles": ["*CC*"], "polymer_class": ["P01"]}), 2, classes=("P01",))
    assert len(library) == 0 and list(library.columns) == ["smiles", "polymer_class"]
    assert report.loc[0, "attempts"] == 40 and report.loc[0, "kept"] == 0 and np.isnan(report.loc[0, "diversity"])


def test_kinds_see_the_link_between_units():
    assert ("SINGLE", (8, False), (8, False)) in kinds(parse("*OCCO*"))
    assert ("SINGLE", (8, False), (8, False)) not in kinds(parse("*CCO*"))
    assert (16, False, 3, 1, 0) in kinds(parse("*C[SH](C)*"))


def test_internal_diversity_is_one_minus_the_mean_similarity():
    prints = fingerprints(["*CC*", "*CC(*)C", "*CC(*)c1ccccc1", "*OCCO*"])
    pairs = [TanimotoSimilarity(a, b) for k, a in enumerate(prints) for b in prints[:k]]
    assert internal_diversity(prints) == pytest.approx(1 - np.mean(pairs))
    assert np.isnan(internal_diversity(prints[:1]))


def test_known_units_are_distinct_and_of_all_classes():
    frame = known_units()
    assert frame["smiles"].is_unique and set(frame["polymer_class"]) == set(CLASS_NAMES)
    assert structure_key("*CC(*)c1ccccc1") in set(frame["smiles"])


def test_committed_report_adds_up():
    report = pd.read_csv(DATA / "library_report.csv")
    assert tuple(report["polymer_class"]) == CLASSES
    assert report["kept"].sum() >= 50_000
    shares = report[["valid", "right_class", "familiar", "unique", "novel"]].prod(axis=1)
    assert (report["attempts"] * shares).to_numpy() == pytest.approx(report["kept"].to_numpy(), rel=1e-3)
    known = known_units()["polymer_class"].value_counts()
    assert (report["training_units"].to_numpy() == known.reindex(CLASSES).to_numpy()).all()
