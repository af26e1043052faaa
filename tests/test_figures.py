"""Figures draw what their records say, in one look that no matplotlibrc changes, in colours that everybody can tell apart."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib import import_module
from itertools import combinations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Text

from made import chi_study, chi_trials, toy_quality, toy_study, transport_study, transport_trials
from sim2real import figures
from sim2real.chemistry.simulators.wiedemann_franz import LORENZ_NUMBER, NON_WF, ROOM_TEMPERATURE, WF
from sim2real.figures import style, words
from sim2real.figures.hover import hover
from sim2real.laws.arms import compare_splits
from sim2real.laws.bootstrap import Bootstrap
from sim2real.laws.classes import classes, gain_by_accuracy, stop_or_go
from sim2real.laws.curve import learning_curve, target_sizes
from sim2real.laws.design import Prices, allocate
from sim2real.laws.grid import curve_grid, error_surface, indifference
from sim2real.laws.parity import class_parity, conductivity_parity, simulator_parity
from sim2real.laws.surface import ScalingSurface
from sim2real.studies.compounds import gain_record
from sim2real.studies.growth import POLICIES, Growth
from sim2real.training.recipes import PairNetwork
from sim2real.training.study import Design, Study, Trials

pytestmark = pytest.mark.xdist_group("figures")  # what is made once for all is made by one process

matplotlib.use("Agg")
FEW = Bootstrap(replicates=60)
N, M, TRIALS = (100, 400, 1600, 6400), (20, 40, 80, 160), 8
TRUTH = ScalingSurface(0.338, 0.0192, 0.265, 0.239, 0.0535)
OVER = {"overlap": "drop"}


def surface_trials(surface: ScalingSurface = TRUTH, noise: float = 0.05) -> Trials:
    """Trials about a surface on 40 materials: 20 "falling", 15 "flat" whose error has no n in it, 3 "few", 1 "one"."""
    rng = np.random.default_rng(0)
    study = toy_study()
    groups = np.array(["falling"] * 21 + ["flat"] * 15 + ["few"] * 3 + ["one"])
    study = replace(study, target=replace(study.target, table=study.target.table.assign(group=groups)))
    hard, rows = rng.lognormal(0, 0.3, 40), []
    for trial in range(TRIALS):
        test = rng.permutation(40)[:16]
        for m in M:
            for n in N:
                error = hard[test] * surface(n, m) * rng.lognormal(0, noise, 16)
                flat = hard[test] * surface(400, m) * rng.lognormal(0, noise, 16)
                own = {"arm": "transfer", "n": n, "m": m, "trial": trial, "material": test}
                rows.append(pd.DataFrame(own | {"absolute_error": np.where(groups[test] == "flat", flat, error)}))
            for arm, level in (("direct", 1.0), ("ridge", 1.1), ("trees", 0.9), ("simulator", 0.8)):
                own = {
                    "arm": arm,
                    "n": 0,
                    "m": m,
                    "trial": trial,
                    "material": test,
                    "absolute_error": level * hard[test] * m**-0.25,
                }
                rows.append(pd.DataFrame(own))
    return Trials(study, Design(N, M, TRIALS), pd.concat(rows, ignore_index=True))


def payload(records: object, **more: object) -> dict:
    made = figures.payload("a-figure", "A title", records, edition="embedded", preset="quick", words="toys to toys", **more)
    return json.loads(json.dumps(made, default=float))


def dropped(trials: Trials) -> Trials:
    return replace(trials, design=replace(trials.design, **OVER))


@pytest.fixture(scope="module")
def toy() -> Trials:
    return surface_trials()


@pytest.fixture(scope="module")
def chi() -> Trials:
    return chi_trials(chi_study())


@pytest.fixture(scope="module")
def transport() -> Trials:
    return transport_trials(transport_study(), 40, fall=np.linspace(0.8, 0, 60), advantage=0.1)


@pytest.fixture(scope="module")
def simulated(chi) -> list[dict]:
    target = chi.study.target
    rng = np.random.default_rng(0)
    return class_parity(target, {"COSMO-RS": target.y + 0.3 * rng.normal(size=60), "UNIFAC": np.full(60, np.nan)})


@pytest.fixture(scope="module")
def all_payloads(toy, chi, transport, simulated) -> dict[str, tuple]:
    """Every figure with a payload of made trials."""
    surface = error_surface(toy, bootstrap=FEW)
    shape = PairNetwork(sizes=(96, 48, 32), head=(12,))
    towers = {"widths": shape.widths(2 * 325 + 2), "distance": "components", "temperature": "tower"}
    gains = gain_record(transport, bootstrap=FEW)
    committed = style_free_similarity()
    rng = np.random.default_rng(0)
    vectors = {"features": [f"charge_{k:02d}" for k in range(5)] + ["mass_H", "mass_C"]}
    vectors |= {"vectors": {name: rng.random(7).tolist() for name in ("one", "two")}}
    points = {
        "property": "density",
        "share": [0.7, 0.1],
        "source": rng.random((50, 2)).tolist(),
        "target": rng.random((9, 2)).tolist(),
    }
    curve = learning_curve(toy, other=dropped(toy), bootstrap=FEW)
    return {
        "scaling": (figures.scaling, payload([curve, curve])),
        "pairs": (figures.scaling, payload(learning_curve(chi, bootstrap=FEW))),
        "conductivity": (figures.scaling, payload(learning_curve(transport, other=dropped(transport), bootstrap=FEW))),
        "target sizes": (figures.target_sizes, payload(target_sizes(toy, bootstrap=FEW))),
        "surface": (figures.surface, payload(surface)),
        "indifference": (figures.indifference, payload(indifference(surface))),
        "curve grid": (figures.curve_grid, payload(curve_grid(chi, bootstrap=FEW))),
        "classes": (figures.classes, payload(classes(toy, bootstrap=FEW))),
        "pair classes": (figures.classes, payload(classes(chi, bootstrap=FEW))),
        "groups": (figures.groups, payload(groups_of(transport))),
        "parity": (figures.parity, payload(simulator_parity(toy.study))),
        "class parity": (figures.class_parity, payload(simulated)),
        "gains": (figures.gain_by_accuracy, payload(gain_by_accuracy(chi, simulated, "COSMO-RS", bootstrap=FEW))),
        "splits": (figures.splits, payload(compare_splits({"row": chi, "polymer": chi}, bootstrap=FEW))),
        "conductivities": (
            figures.conductivities,
            payload(conductivity_parity(transport.study, transport.study.target.select(np.array([2, 3])))),
        ),
        "compounds": (figures.compounds, payload(gains)),
        "ranking": (figures.ranking, payload(gains)),
        "similarity": (figures.similarity, committed),
        "similarity scaling": (figures.similarity_scaling, committed),
        "network": (figures.network, payload({"widths": [190, 128, 64, 16, 1]})),
        "towers": (figures.towers, payload(towers)),
        "descriptors": (figures.descriptors, payload(vectors)),
        "descriptor map": (figures.descriptor_map, payload(points)),
        "budget": (figures.allocation, payload([allocate(surface, 30_000.0, Prices(1.0, 50.0))] * 2)),
        "stop or go": (figures.stop_or_go, payload(stop_or_go(chi, bootstrap=FEW))),
        "quality": (figures.quality, payload(toy_quality())),
        "growth": (figures.growth, payload(grown(toy.study))),
    }


def grown(study: Study) -> Growth:
    """A made replay: four policies, three budgets, two classes."""
    rng, names = np.random.default_rng(0), tuple(POLICIES)
    errors = np.array([1.0, 0.8, 0.7]) * rng.lognormal(0, 0.02, (8, len(names), 3))
    counts = rng.integers(10, 90, (8, len(names), 3, 2))
    return Growth(study, ("falling", "flat"), names, (100, 300, 900), errors, counts, np.array([0.6, 0.4]), 20, FEW)


def groups_of(trials: Trials) -> list:
    return classes(trials, by="wf", names=(WF, NON_WF), other=dropped(trials), bootstrap=FEW)


def style_free_similarity() -> dict:
    """A small record of graded similarity, as the notebook makes it."""
    rng = np.random.default_rng(2)

    def contrast(k: int) -> dict:
        low, mean, high = np.sort(rng.normal(0, 0.01, 3)).tolist()
        c = {"set": k, "mean": mean, "low": low, "high": high, "low_materials": 2 * low - 0.01, "high_materials": 2 * high + 0.01}
        return (
            c
            | {"p": 0.4, "p_holm": 0.9, "relative": 0.1, "detectable": 0.01, "detectable_materials": 0.02, "standardised": 0.3}
            | {"standard_error": 0.004}
        )

    def compared(n: int) -> dict:
        at = {
            "n": n,
            "mae": [0.05, 0.04, 0.04],
            "range": 0.01,
            "blocks": 8,
            "smallest_p": 0.03,
            "friedman": {"statistic": 1.0, "p": 0.5},
        }
        return at | {"comparisons": [contrast(0), contrast(1)], "trend": contrast(0) | {"slope": 0.1, "p_order": 0.5}}

    grades = []
    for k in range(3):
        curve = {"mae": [0.06, 0.05, 0.04], "low": [0.05, 0.04, 0.03], "high": [0.07, 0.06, 0.05]}
        law = {"status": "CONVERGED", "D": 0.1, "alpha": 0.2, "C": 0.01, "bounds_hit": [], "intervals": None}
        own = {
            "name": f"{k + 1} of 3",
            "materials": 23,
            "similarity": {"low": 0.1 * k, "median": 0.1 * k + 0.05, "high": 0.1 * k + 0.1},
        }
        grades.append(own | {"histogram": [k, 2, 3, 1], "curve": curve, "law": law})
    record = {"property": "density", "label": "Density", "unit": "g/cm3", "measure": "similarity (a kind)", "grades": grades}
    record |= {"design": {"n": [10, 15, 23], "m": 30, "trials": 3, "source_draws": 3}, "edges": [0, 0.1, 0.2, 0.3, 0.4]}
    record |= {"classes": {"names": ["P01", "P02"], "counts": [[3, 20], [10, 13], [20, 3]], "cramers_v": 0.4}}
    record |= {"direct": {"mae": 0.05, "low": 0.04, "high": 0.06}, "by_n": [compared(n) for n in (10, 15, 23)]}
    return payload(record | {"controls": {"random": compared(23) | {"trend": None}, "within classes": compared(23)}})


NAMES = [
    "scaling", "pairs", "conductivity", "target sizes", "surface", "indifference", "curve grid", "classes", "pair classes",
    "groups", "parity", "class parity", "gains", "splits", "conductivities", "compounds", "ranking", "similarity",
    "similarity scaling", "network", "towers", "descriptors", "descriptor map", "quality",
]  # fmt: skip


def rendered(figure):
    """The figure laid out, and what it was laid out with."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas.get_renderer()


def lines(ax) -> dict:
    return {line.get_label(): line for line in ax.get_lines()}


def note(ax) -> str:
    """What stands between the title of a panel and the panel."""
    return " ".join(t.get_text() for t in ax.texts)


# --- one look -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_of_journal_width_with_letters_units_and_legible_text(all_payloads, name):
    draw, of = all_payloads[name]
    figure = draw(of)
    renderer = rendered(figure)
    assert figure.get_figwidth() <= style.WIDE
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    assert min(t.get_fontsize() for t in texts) >= 6, min(texts, key=lambda t: t.get_fontsize())
    assert not [t.get_text() for t in texts if "-" in t.get_text() and t.get_text().lstrip("(").startswith("-")], (
        "a true minus sign"
    )
    assert figure.get_suptitle() == "A title"
    titled = [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]
    assert all(t.startswith(r"$\mathbf{") for t in titled) or len(titled) <= 1 or name == "curve grid"
    for ax in figure.axes:
        assert "[" not in ax.get_xlabel() + ax.get_ylabel()
        if "MAE" in ax.get_ylabel() and ax.get_ylabel().startswith("MAE"):
            assert "(" in ax.get_ylabel()
    box = figure.get_tightbbox(renderer)
    assert box.x0 > -0.02 and box.x1 < figure.get_figwidth() + 0.02, "nothing is cut off"


@pytest.mark.parametrize("name", NAMES)
def test_captions_say_what_is_shown_of_what(all_payloads, name):
    draw, of = all_payloads[name]
    caption = draw.caption(of)
    assert (
        caption.startswith("**A title.** Toys to toys.")
        and caption.endswith("edition embedded, preset quick.".replace(" %", ""))
        or (caption.lower().endswith("edition embedded, preset quick."))
    )
    assert not re.search(r"\bNone\b(?! (seen|can))", caption) and "nan" not in caption.split() and "e-0" not in caption
    smoke = draw.caption(of | {"preset": "smoke"})
    assert "a test of the machinery, no result" in smoke
    assert "test of the machinery" in draw(of | {"preset": "smoke"}).get_suptitle()


def test_no_matplotlibrc_changes_a_figure(all_payloads, tmp_path):
    draw, of = all_payloads["scaling"]
    plain = figures.save(draw, of, tmp_path / "plain").paths
    hostile = {
        "text.usetex": True,
        "font.size": 30,
        "figure.figsize": (1, 1),
        "axes.grid": True,
        "savefig.dpi": 30,
        "lines.linewidth": 9,
    }
    hostile |= {
        "axes.unicode_minus": False,
        "savefig.bbox": "tight",
        "axes.prop_cycle": plt.cycler(color=["red"]),
        "image.cmap": "jet",
    }
    with plt.rc_context(hostile):
        own = figures.save(draw, of, tmp_path / "hostile").paths
        assert plt.rcParams["font.size"] == 30, "a user's settings are left as they are"
    for a, b in zip(plain, own):
        assert a.read_bytes() == b.read_bytes(), a.name


# Machado, Oliveira, Fernandes: A physiologically-based model for simulation of color vision deficiency, IEEE Trans. Vis. Comput.
# Graph. 15, 1291 (2009), severity 1.0, for linear RGB
DEFICIENCIES = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    "grey": np.tile([0.2126, 0.7152, 0.0722], (3, 1)),
}
APART = 12.0  # CIE76; 2.3 is just noticeable side by side


def lab(colour: str, deficiency: str) -> np.ndarray:
    """CIELAB (D65) of an sRGB colour as it is seen."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(DEFICIENCIES[deficiency]) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def series(ax) -> set[tuple[str, str]]:
    """Colour and shape of whatever a legend would name in a panel."""
    found = {
        (
            to_hex(line.get_color()),
            f"{line.get_linestyle()} {line._dash_pattern} {line.get_marker()} {line.get_markerfacecolor() == 'white'}",
        )
        for line in ax.get_lines()
        if not line.get_label().startswith("_")
    }
    for drawn in ax.collections:
        if isinstance(drawn, PathCollection) and not drawn.get_label().startswith("_"):
            found.add(
                (
                    to_hex(drawn.get_facecolor()[0]),
                    f"points {len(drawn.get_paths()[0])} {drawn.get_paths()[0].vertices.ravel()[:4]}",
                )
            )
    return found


@pytest.mark.parametrize("name", NAMES)
def test_colours_used_together_survive_grey_printing_and_colour_vision_deficiencies(all_payloads, name):
    draw, of = all_payloads[name]
    for ax in draw(of).axes:
        for (a, shape), (b, other) in combinations(series(ax), 2):
            if a == b or shape != other:
                continue
            for deficiency in DEFICIENCIES:
                distance = np.linalg.norm(lab(a, deficiency) - lab(b, deficiency))
                assert distance >= APART, f"{name}: {a} and {b} are one colour ({deficiency}: {distance:.1f})"


def test_numbers_have_one_form():
    assert [words.number(v) for v in (0.0123456, -12, 19_988, 1.234e-5, 0, None)] == [
        "0.0123",
        "\u221212.0",
        "20,000",
        "1.23\u00d710\u207b\u2075",
        "0",
        "infinite",
    ]
    assert words.number(110, 2) == "110" and words.number(9.97, 2) == "10" and words.percent(-0.004) == "0%"
    assert words.number(5, sign=True) == "+5.00" and words.tick(1e10) == "10\u00b9\u2070" and words.tick(0.5) == "0.5"
    assert words.with_error(-0.01034, 0.00412) == "\u22120.0103 \u00b1 0.0041"
    assert words.change({"mean": -0.12, "low": -0.23, "high": 0.01}) == "\u221212% (\u221223% to +1%)"
    assert words.mae({"unit": "g/cm3"}) == "MAE (g/cm\u00b3)" and words.mae({"unit": "-", "property": "chi"}) == "MAE (\u03c7)"
    ax = plt.figure().subplots()
    ax.plot([50, 2000], [40, 300])
    style.loglog(ax)
    ticks = [label.get_text() for label in ax.yaxis.get_ticklabels()]
    assert {"50", "100", "200"} <= set(ticks)
    plt.close("all")


# --- payloads and files ---------------------------------------------------------------------------------------------------------


def test_a_saved_figure_is_four_files_and_the_json_is_the_payload(toy, tmp_path):
    curve = learning_curve(toy, bootstrap=FEW)
    made = figures.payload("fig1b-toy", "A toy", [curve], edition="embedded", preset="smoke", words="toys", paper={"trials": 500})
    saved = figures.save(figures.scaling, made, tmp_path / "new")
    assert [p.name for p in saved.paths] == ["fig1b-toy.png", "fig1b-toy.pdf", "fig1b-toy.json", "fig1b-toy.md"]
    assert not list(tmp_path.rglob("*.part"))
    stored = json.loads(saved.paths[2].read_text())
    assert stored == json.loads(json.dumps(made)) | {"caption": saved.caption}
    assert saved.paths[3].read_text() == saved.caption + "\n" == figures.scaling.caption(stored) + "\n"
    record = curve.to_dict()
    assert stored["records"][0]["curve"]["mae"] == record["curve"]["mae"]
    assert {"figure", "title", "words", "edition", "preset", "source", "target", "records", "paper"} <= set(stored)
    assert {"curve", "arms", "law", "source", "target"} <= set(stored["records"][0])
    assert stored["target"] == {toy.study.target.name: len(toy.study.target)}
    before = {path: path.stat().st_mtime_ns for path in saved.paths}
    figures.save(figures.scaling, made, tmp_path / "new")
    assert before == {path: path.stat().st_mtime_ns for path in saved.paths}, "what has not changed is not written again"
    with pytest.raises(ValueError, match="JSON"):
        figures.save(figures.scaling, made | {"direct": float("nan")}, tmp_path)
    with pytest.raises(ValueError, match="has 6 words; expected at most 5"):
        figures.payload("a", "one two three four five six", [curve], edition="embedded", preset="smoke")


def test_a_picture_that_is_kept_is_not_drawn_again_and_what_changes_is(tmp_path, monkeypatch):
    module, printed = import_module("sim2real.figures.save"), []
    original = module._printed
    monkeypatch.setattr(module, "_printed", lambda figure: printed.append(1) or original(figure))

    def saved(draw, folder, **more):
        made = figures.payload("a", "A toy", [{"sizes": [3, 2, 1]}], edition="embedded", preset="smoke", **more)
        return figures.save(draw, made, tmp_path / folder, tmp_path / "store").paths

    draw = style.figure(lambda payload: "A caption.")(lambda payload: style.panels(1, 1, 1.0)[0])
    draw.__module__ = "sim2real.figures.networks"
    first, again = saved(draw, "one"), saved(draw, "two")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again] and len(printed) == 1
    saved(draw, "two", words="other words")
    assert len(printed) == 2
    draw.__module__ = "own"
    saved(draw, "three")
    saved(draw, "three")
    assert len(printed) == 4, "whose code is not ours may have changed"


def test_the_payload_names_the_data(chi):
    made = payload(curve_grid(chi, bootstrap=FEW))
    assert made["source"] == {"UNIFAC": 50} and made["target"] == {"measured chi": 60}
    assert (made["figure"], made["edition"], made["preset"]) == ("a-figure", "embedded", "quick")


# --- curves ---------------------------------------------------------------------------------------------------------------------


def test_the_scaling_panel_draws_the_record(toy):
    record = learning_curve(toy, other=dropped(toy), bootstrap=FEW).to_dict()
    ax = figures.scaling(payload(record)).axes[0]
    drawn, arms = lines(ax), record["arms"]
    np.testing.assert_array_equal(drawn["transfer"].get_xdata(), record["curve"]["n"])
    np.testing.assert_array_equal(drawn["transfer"].get_ydata(), record["curve"]["mae"])
    assert set(drawn["direct learning"].get_ydata()) == {arms["direct"]["mae"]}
    law, fitted = record["law"], drawn["fitted law"]
    np.testing.assert_allclose(fitted.get_ydata(), law["D"] * fitted.get_xdata() ** -law["alpha"] + law["C"])
    assert ax.get_xlabel() and ax.get_ylabel() == "MAE (g/cm\u00b3)" and "$m$ = 160" in ax.get_title(loc="left")
    assert words.MATERIALS.drop in drawn and drawn["simulator + line"].get_ydata()[0] == arms["simulator"]["mae"]
    (band,) = [patch for patch in ax.patches if patch.get_label() == "other learners"]
    assert (band.get_y(), band.get_y() + band.get_height()) == pytest.approx((arms["trees"]["mae"], arms["ridge"]["mae"]))
    caption = figures.scaling.caption(payload(record))
    for name, arm in (("ridge", "ridge"), ("extra trees", "trees"), ("simulator + line", "simulator")):
        assert f"{name} {words.number(arms[arm]['mae'])}" in caption
    assert "candidates' own simulations" in caption and "rest of the database" in caption


def test_a_learner_far_above_the_curves_is_named_and_not_drawn(transport):
    record = learning_curve(transport, other=dropped(transport), bootstrap=FEW).to_dict()
    shown = payload(record)
    ax = figures.scaling(shown).axes[0]
    (band,) = [patch for patch in ax.patches if patch.get_label() == "other learners"]
    assert band.get_y() == pytest.approx(record["arms"]["trees"]["mae"])
    # 1.5 stands far above the curves
    caption = figures.scaling.caption(shown)
    assert f"off the scale: Wiedemann-Franz law (elsewhere a mean) {words.number(record['arms']['law']['mae'])}" in caption
    assert "Wiedemann-Franz law (elsewhere a mean)" not in lines(ax)
    assert "candidates' own simulations" not in caption and r"the tested compounds' own $\kappa$" in caption
    assert "thermal" in ax.get_xlabel()
    computed = record | {"source": record["source"] | {"name": "computed electrical conductivity"}}
    assert "computed" in figures.scaling(payload(computed)).axes[0].get_xlabel()


def test_pairs_have_a_panel_a_simulator(chi):
    record = learning_curve(chi, bootstrap=FEW)
    figure = figures.scaling(payload([record, record]))
    assert [ax.get_xlabel() for ax in figure.axes] == [words.PAIRS.n] * 2
    assert "UNIFAC" in figure.axes[0].get_title(loc="left")


def test_errors_against_m_are_drawn(toy):
    record = target_sizes(toy, bootstrap=FEW)
    ax = figures.target_sizes(payload(record)).axes[0]
    np.testing.assert_array_equal(lines(ax)["transfer"].get_ydata(), record.to_dict()["transfer"]["mae"])


def test_class_panels_carry_sizes_verdicts_and_changes(toy, chi):
    records = [r.to_dict() for r in classes(toy, bootstrap=FEW)]
    figure = figures.classes(payload(records))
    drawn = [r for r in records if r["curve"]]
    for ax, record in zip(figure.axes, drawn):
        np.testing.assert_array_equal(lines(ax)["transfer"].get_ydata(), record["curve"]["mae"])
        assert f"{record['tested']} tested, {words.VERDICTS[record['verdict']]}" in note(ax)
        assert words.percent(record["change"]["mean"]) in note(ax)
    assert "$m$ = 160 counts all classes together" in figures.classes.caption(payload(records))
    assert "one (1)" in figures.classes.caption(payload(records))
    own = [r.to_dict() for r in classes(chi, bootstrap=FEW)]
    for ax, record in zip(figures.classes(payload(own)).axes, own):
        assert f"$m$ = {record['rows']}" in note(ax) and ax.get_title(loc="left").endswith(record["name"])
    empty = own[0] | {"curve": None, "law": None, "change": None, "why": "1 material(s) tested", "verdict": "cannot be told"}
    assert own[0]["name"] in figures.classes.caption(payload([empty])) and figures.classes(payload([empty])).texts


def test_groups_are_drawn_from_their_records(transport):
    records = [r.to_dict() for r in groups_of(transport)]
    shown = payload(records)
    for ax, record in zip(figures.groups(shown).axes, records):
        drawn = lines(ax)
        assert drawn[f"transfer, {record['class']}"].get_ydata() == pytest.approx(record["curve"]["mae"])
        assert drawn["direct learning"].get_ydata()[0] == record["direct"]["mae"]
        assert words.percent(record["change"]["mean"]) in note(ax) and words.VERDICTS[record["verdict"]] in note(ax)
    caption = figures.groups.caption(shown)
    assert f"with overlap drop {words.change(records[0]['other_overlap']['change'])}" in caption
    assert words.difference(records[0]["transfer_minus_direct"]) in caption
    untold = records[0] | {"curve": None, "law": None, "why": "too few", "verdict": "cannot be told"}
    assert not figures.groups(payload([untold])).axes[0].axison and "too few" in figures.groups.caption(payload([untold]))
    assert "no groups" in figures.groups.caption(payload([])) and figures.groups(payload([]))


# --- surfaces -------------------------------------------------------------------------------------------------------------------


def test_surfaces_draw_the_records(toy):
    surface = error_surface(toy, bootstrap=FEW)
    record, curves = surface.to_dict(), indifference(surface).to_dict()
    figure = figures.surface(payload(record))
    points = [line for line in figure.axes[0].get_lines() if line.get_linestyle() == "None"]
    np.testing.assert_array_equal([line.get_ydata() for line in points], np.array(record["mae"]).T)
    caption = figures.surface.caption(payload(record))
    for said in ("= 100 to 6,400", "= 20 to 160", "8 trials", "edition embedded", "preset quick", "paper: 221"):
        assert said in caption
    panel = figures.indifference(payload(curves)).axes[0]
    assert any(np.array_equal(line.get_ydata(), curves["curves"][0]["at_m"]) for line in panel.get_lines())


def test_a_surface_without_substitution_is_still_a_figure():
    surface = error_surface(surface_trials(ScalingSurface(0.0, 1.0, 0.0, 0.3, 0.0), noise=0.0), bootstrap=FEW)
    record = indifference(surface).to_dict()
    assert record["curves"][0]["budget_m"] is None
    assert "do not help" in figures.indifference.caption(payload(record))
    assert "do not help" in note(figures.indifference(payload(record)).axes[1])
    assert figures.surface(payload(surface))


@pytest.mark.parametrize("along", ["n", "m"])
def test_each_curve_has_its_points_and_its_own_law(chi, along):
    record = curve_grid(chi, bootstrap=FEW).to_dict()
    ax = figures.curve_grid(payload(record)).axes["nm".index(along)]
    mae = np.array(record["mae"]).T if along == "n" else np.array(record["mae"])
    points = [line for line in ax.get_lines() if line.get_linestyle() == "None"]
    drawn = [line for line in ax.get_lines() if line.get_linestyle() == "-" and line.get_marker() == "None"]
    assert len(points) == len(drawn) == len(mae)
    for line, fitted, law, curve in zip(points, drawn, record[f"laws_{along}"], mae):
        np.testing.assert_array_equal(line.get_ydata(), curve)
        x = fitted.get_xdata()
        np.testing.assert_allclose(fitted.get_ydata(), law["D"] * x ** -law["alpha"] + law["C"])
    assert ("direct learning" in lines(ax)) == (along == "m")
    assert ("pairs" if along == "n" else "rows") in ax.get_xlabel()


def test_figure_4bc_says_the_rate_and_the_verdict(chi):
    record = curve_grid(chi, bootstrap=FEW).to_dict()
    caption = figures.curve_grid.caption(payload(record))
    assert words.worth(record["rate_materials"]) in caption and "109" in caption
    assert (
        record["verdict"]["verdict"] in note(figures.curve_grid(payload(record)).axes[2])
        and record["verdict"]["verdict"] in caption
    )


# --- comparisons ----------------------------------------------------------------------------------------------------------------


def test_parity_draws_both_values(toy):
    record = simulator_parity(toy.study)
    ax = figures.parity(payload(record)).axes[0]
    np.testing.assert_allclose(ax.collections[0].get_offsets(), np.transpose([record["measured"], record["simulated"]]))


def test_splits_are_drawn_with_their_differences(chi):
    records = [r.to_dict() for r in compare_splits({"row": chi, "polymer": chi}, bootstrap=FEW)]
    figure = figures.splits(payload(records))
    left, right = figure.axes
    assert lines(left)["direct learning"].get_xdata()[0] == records[0]["direct"]["mae"]
    assert lines(left)["transfer, $n$ = 6,400"].get_xdata()[1] == records[1]["transfer"][1]["mae"]
    means = [c.lines[0].get_xdata()[0] for c in right.containers]
    assert means == [d["mean"] for d in records[0]["differences"]]
    assert "pair" in left.get_yticklabels()[0].get_text()
    assert "seen in training" in figures.splits.caption(payload(records))


def test_parity_and_gain_are_drawn_class_by_class(chi, simulated):
    figure = figures.class_parity(payload(simulated))
    for ax, record in zip(figure.axes, simulated):
        offsets = ax.collections[0].get_offsets()
        np.testing.assert_allclose(offsets[:, 0], record["simulators"]["COSMO-RS"]["simulated"])
        np.testing.assert_allclose(offsets[:, 1], record["simulators"]["COSMO-RS"]["measured"])
        assert "too few (0)" in note(ax)
    record = gain_by_accuracy(chi, simulated, "COSMO-RS", bootstrap=FEW)
    figure = figures.gain_by_accuracy(payload(record))
    shown = {t.get_text() for t in figure.legends[0].get_texts()}
    assert shown == {f"{c['name']} ({c['rows']})" for c in record["classes"]}
    heights = [container.lines[0].get_ydata()[0] for container in figure.axes[0].containers]
    assert heights == [c["with_direct"]["mean"] for c in record["classes"]]
    assert "4 classes" in note(figure.axes[0])
    none = gain_by_accuracy(chi, simulated, "UNIFAC", bootstrap=FEW)
    assert not none["classes"] and "Celluloses" in figures.gain_by_accuracy.caption(payload(none))
    assert figures.gain_by_accuracy(payload(none))


def test_conductivities_draw_every_group_and_the_law_in_both_twins(transport):
    study = transport.study
    record = conductivity_parity(study, study.target.select(np.array([2, 3])))
    ax = figures.conductivities(payload(record)).axes[0]
    shade, near, far, third = ax.collections
    assert shade.get_array().sum() == record["both"]
    table = study.target.table
    for drawn, name in ((near, WF), (far, NON_WF)):
        rows = table[table["wf"] == name]
        assert np.log10(np.asarray(drawn.get_offsets())) == pytest.approx(rows[["value", "log_kappa"]].to_numpy())
    assert len(third.get_offsets()) == 2
    (line,) = ax.get_lines()
    assert line.get_ydata() / line.get_xdata() == pytest.approx(LORENZ_NUMBER * ROOM_TEMPERATURE)
    interactive = hover(payload(record))
    assert [len(trace.x) for trace in interactive.data] == [20, 10, 10, 2, 2]
    assert sum(name.split(" ")[0] in (WF, NON_WF) for name in (t.name for t in interactive.data)) == 2
    name, family, group, ratio = interactive.data[1].customdata[0]
    row = table.set_index("structure").loc[name]
    assert (row["group"], row["wf"]) == (family, group) == (family, WF)
    assert np.log10(ratio) == pytest.approx(row["lorenz"])


@pytest.mark.parametrize("count", [40, 3])
def test_every_compound_has_a_rank_and_its_group_a_fan(count, tmp_path):
    record = gain_record(transport_trials(transport_study(), count, fall=np.linspace(0.8, 0, 60)), bootstrap=FEW)
    saved = figures.save(figures.compounds, payload(record), tmp_path)
    assert all(path.stat().st_size > 100 for path in saved.paths)
    curves, wf = np.array(record["curves"]), np.array(record["wf"])
    groups = [of for of in (wf == WF, wf == NON_WF, ~np.isin(wf, [WF, NON_WF])) if of.any()]
    for ax, of in zip(saved.figure.axes, groups):
        median, *named = ax.get_lines()
        assert median.get_ydata() == pytest.approx(np.median(curves[of], axis=0))
        low, high = (ax.collections[0].get_datalim(ax.transData).intervaly for _ in range(2))
        assert low[0] == pytest.approx(np.quantile(curves[of], 0.1, axis=0).min()) and high[1] > low[0]
        for line in named:
            assert line.get_ydata() == pytest.approx(curves[record["names"].index(line.get_label())])
    figure = figures.ranking(payload(record))
    for ax, gains in zip(figure.axes, record["gains"].values()):
        points = [line for line in ax.get_lines() if line.get_linestyle() == "None"]
        assert sorted(np.concatenate([line.get_ydata() for line in points])) == pytest.approx(sorted(gains["mean"]))
        tested = sum(p is not None for p in gains["p_bh"])
        assert sum(len(bars.get_segments()) for bars in ax.collections if isinstance(bars, LineCollection)) == tested
        assert (tested == 0) == (count == 3)
        by_rank = dict(np.concatenate([line.get_xydata() for line in points]))
        assert sorted(by_rank.values(), reverse=True) == [by_rank[k] for k in sorted(by_rank)]


def test_levels_of_added_errors_are_drawn():
    record = toy_quality()
    figure = figures.quality(payload(record))
    curves, fixed, exponents, gaps = figure.axes
    for of in record["levels"][:5]:
        label = {0: "none added", 1: "1 spread"}.get(of["factor"], f"{of['factor']} spreads")
        np.testing.assert_allclose(lines(curves)[label].get_ydata(), of["curve"]["mae"])
    largest = [of["curve"]["mae"][-1] for of in record["levels"] if of["kind"] != "by class"]
    np.testing.assert_allclose(lines(fixed)["at random, $n$ = 1,600"].get_ydata(), largest)
    assert "alpha" in exponents.get_ylabel() and "g/cm" in gaps.get_ylabel()
    caption = figures.quality.caption(payload(record))
    assert "10 spreads at random +0.10" in caption and "1,600 materials once 0.13" in caption
    levels = [{**of, "descriptor": words} for of, words in zip(record["levels"], ("force field", "RDKit"))]
    described = record | {"levels": levels}
    ax = figures.quality(payload([record, described])).axes[4]
    np.testing.assert_allclose(lines(ax)["RDKit"].get_ydata(), levels[1]["curve"]["mae"])
    assert "(m = 32" in (told := figures.quality.caption(payload([record, described])).replace("$", "")) and "RDKit 0.1" in told


def test_source_sets_are_drawn_with_direct_learning_and_classes():
    made = style_free_similarity()
    first, second = figures.similarity(made), figures.similarity_scaling(made)
    assert [len(f.axes) for f in (first, second)] == [3, 2]
    names = set(lines(second.axes[0]))
    assert "direct learning" in names and any(name.startswith("3 of 3 (") for name in names)
    heights = [bar.get_height() for bar in first.axes[0].patches]
    assert heights == [c for g in made["records"][0]["grades"] for c in g["histogram"]]
    assert "None seen." in figures.similarity_scaling.caption(made)


# --- what to buy next ----------------------------------------------------------------------------------------------------------


def test_a_budget_is_drawn_with_the_best_split_of_both_forms(toy):
    found = allocate(error_surface(toy, bootstrap=FEW), 30_000.0, Prices(1.0, 50.0))
    ax = figures.allocation(payload(found)).axes[0]
    for split in found.splits:
        drawn = lines(ax)
        np.testing.assert_array_equal(drawn[split.form].get_ydata(), split.line["error"])
        (share,) = drawn[f"least error, {split.form}"].get_xdata()
        assert share == pytest.approx((split.n - 6400) / (30_000 - 6400 - 50 * 160))
    caption = figures.allocation.caption(payload(found))
    assert f"{found.best.n - 6400:,} simulations" in caption and "15,600 more units of money" in caption


def test_a_replay_is_drawn_with_its_regret_and_what_was_bought(toy):
    record = grown(toy.study).to_dict()
    left, middle, right = figures.growth(payload(record)).axes
    for k, name in enumerate(record["policies"]):
        assert lines(left)[name].get_ydata() == pytest.approx(record["mae"][k])
        assert middle.get_lines()[k].get_ydata() == pytest.approx(record["regret"]["mean"][k][1:])
        assert right.get_lines()[k].get_xdata().sum() == pytest.approx(1)
    assert " ".join(record["verdict"]["text"].splitlines()) in figures.growth.caption(payload(record)).replace("\u00a0", " ")


# --- networks -------------------------------------------------------------------------------------------------------------------


def test_the_network_is_drawn_with_its_own_widths():
    ax = figures.network(payload({"widths": [209, 128, 64, 16, 1]})).axes[0]
    assert [t.get_text().split("\n")[1] for t in ax.texts] == ["209", "128", "64", "16", "1"]


def overlapping(figure):
    """Pairs of words of one figure that lie on one another."""
    renderer = rendered(figure)
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for ax in figure.axes for t in ax.texts if t.get_text()]
    return [(a, b) for k, (a, x) in enumerate(boxes) for b, y in boxes[k + 1 :] if x.overlaps(y)]


@pytest.mark.parametrize("distance", ["components", "norm"])
@pytest.mark.parametrize("temperature", ["tower", "head"])
def test_the_towers_are_drawn_from_their_own_layers(distance, temperature):
    shape = PairNetwork(sizes=(96, 48, 32), head=(12,), distance=distance, temperature=temperature)
    record = {
        "widths": shape.widths(2 * 325 + 2),
        "distance": distance,
        "temperature": temperature,
        "sides": ["polymer", "solvent"],
    }
    figure = figures.towers(payload(record))
    said = note(figure.axes[0])
    assert "descriptor 325" in said and "polymer" in said and "solvent" in said and "measured" in said
    for width in ("96", "48", "32", "12"):
        assert width in said.split()
    assert ("squared" in said, "distance" in said) == (distance == "components", distance == "norm")
    assert said.count("$T$") == (2 if temperature == "tower" else 1)
    assert ("328" if temperature == "tower" else "326") in said.split()
    assert not overlapping(figure)
