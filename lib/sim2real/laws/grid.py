"""From trials over n and m to what Figure 2 says: the error surface, its law, and what one experiment is worth.

As in :mod:`sim2real.laws.curve`, everything is a plain dictionary that goes to JSON as it is. A rate that is infinite (more
simulations do not help) or undefined is None there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim2real.laws.bootstrap import band, band_trials_materials
from sim2real.laws.curve import LEVEL, REPLICATES
from sim2real.laws.substitution import budget_line_m, compare_surfaces, equal_error_m, equal_rate_m, rate_by_curves
from sim2real.laws.surface import CONSTANTS, ScalingSurface
from sim2real.laws.surface_resampling import bootstrap_surface, bootstrap_surface_materials, surface_array
from sim2real.training.experiment import overlap_count
from sim2real.training.study import Trials

# Minami et al., npj Comput. Mater. 11, 146 (2025), Eqs. 3 and 4, density of polymers; the printed constants give a ratio
# of 223.6, the printed derivatives 222: all are rounded
PAPER_SURFACE = {
    "constants": {"A": 0.338, "B": 0.0192, "alpha": 0.265, "beta": 0.239, "epsilon": 0.0535},
    "n": 71_068,
    "m": 601,
    "partial_n": -1.41e-8,
    "partial_m": -3.13e-6,
    "marginal_rate": 221.0,
    "source": "Minami et al., npj Comput. Mater. 11, 146 (2025)",
}
# how far beyond the data the curves of equal error go, in n and in m
BEYOND = 10.0
POINTS = 121


@dataclass(frozen=True)
class SurfaceFits:
    """Eq. 1 fitted to trials, once for all records: intervals over trials, and over trials and materials.

    ``cells`` are the trials' mean errors (trials, n, m), ``cube`` those of every material (trials, materials, n, m).
    """

    by_trials: ScalingSurface
    by_materials: ScalingSurface
    cells: np.ndarray
    cube: np.ndarray


def fit_trials(trials: Trials) -> SurfaceFits:
    """Fit Eq. 1 to the arm ``transfer`` of trials, with :data:`REPLICATES` bootstrap refits.

    Raises:
        ValueError: fewer than three n or m.
    """
    design = trials.design
    if min(len(design.n_grid), len(design.m_grid)) < 3:
        raise ValueError(f"a surface needs at least 3 n and 3 m, got {len(design.n_grid)} and {len(design.m_grid)}")
    cells = np.stack([trials.errors("transfer", m) for m in design.m_grid], axis=2)
    rows = trials.table[trials.table["arm"] == "transfer"]
    n, m, cube = surface_array(rows.rename(columns={"absolute_error": "error"}))
    return SurfaceFits(
        bootstrap_surface(n, m, cells, REPLICATES, design.seed),
        bootstrap_surface_materials(n, m, cube, REPLICATES, design.seed),
        cells,
        cube,
    )


def surface_record(trials: Trials, fits: SurfaceFits | None = None) -> dict:
    """Figures 2a and 2b: the error at every n and m, direct learning at every m, and Eq. 1 fitted to the whole.

    Args:
        trials: with the arm ``transfer`` and at least three n and three m; ``direct`` is shown where it was run.
        fits: of :func:`fit_trials`; fitted here if None.

    Returns:
        What the data are, as in :func:`sim2real.laws.curve.scaling_record`; ``trials``, ``source_draws``, ``n``, ``m``;
        ``mae`` (n, m) with two 90 % bands: ``low``, ``high`` resample trials, ``low_materials``, ``high_materials`` trials
        and materials; ``direct`` with ``mae``, ``low``, ``high`` (m,) or None; ``surface`` and ``surface_materials``, the
        fitted law with intervals resampled likewise; ``marginal_rate`` with ``rate`` (n, m), its interval over trials and
        over trials and materials, and the same at the data's ``edge``; ``by_curves``, the rate at the edge without Eq. 1,
        or None where it is not finite; ``compared``, how well the forms predict held-back edges, or None below four n and
        four m; ``paper``.

    Raises:
        ValueError: fewer than three n or m.
    """
    study, design = trials.study, trials.design
    fits = fit_trials(trials) if fits is None else fits
    surface, cells = fits.by_trials, fits.cells
    shape = (len(design.n_grid), len(design.m_grid))
    mae, low, high = (v.reshape(shape) for v in band(cells.reshape(len(cells), -1), LEVEL, REPLICATES, design.seed))
    flat = fits.cube.reshape(*fits.cube.shape[:2], -1)
    _, low_materials, high_materials = (v.reshape(shape) for v in band_trials_materials(flat, LEVEL, REPLICATES, design.seed))
    return _described(trials) | {
        "source": study.source.summary() | {"report": study.source.report},
        "target": study.target.summary() | {"report": study.target.report},
        "overlap": overlap_count(study) if design.overlap == "keep" else 0,
        "mae": mae.tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
        "low_materials": low_materials.tolist(),
        "high_materials": high_materials.tolist(),
        "direct": _direct(trials),
        "surface": surface.to_dict(LEVEL),
        "surface_materials": fits.by_materials.to_dict(LEVEL),
        "marginal_rate": _rates(fits, np.array(design.n_grid)[:, None], np.array(design.m_grid))
        | {"edge": _rates(fits, np.array(design.n_grid[-1]), np.array(design.m_grid[-1]))},
        "by_curves": json_ready(rate_by_curves(design.n_grid, design.m_grid, cells, REPLICATES, design.seed, LEVEL)),
        "compared": compare_surfaces(design.n_grid, design.m_grid, mae).to_dict("records") if min(shape) >= 4 else None,
        "paper": PAPER_SURFACE,
    }


def indifference_record(trials: Trials, fits: SurfaceFits | None = None, *, cost_ratio: float | None = None) -> dict:
    """Curves of equal error in the plane of n and m, a budget line that touches each, and the marginal rate along them.

    Args:
        trials, fits: as for :func:`surface_record`.
        cost_ratio: what an experiment costs in simulations; None takes the fitted rate at the data's edge, at which the
            data's own budget would be best spent as it was.

    Returns:
        ``n``, ``m`` of the data; ``surface``; ``curves``, through four points on the diagonal of the data up to the edge,
        each with its ``error``, its ``anchor`` (n, m), ``at_n`` and ``at_m`` of the curve, ``rate`` along it with the
        intervals ``low``, ``high`` (trials) and ``low_materials``, ``high_materials``, the ``extrapolated`` flags of points
        outside the data's n and m, and ``budget_m``, the line of ``budget_ratio`` = rate at the anchor, at each n of
        ``plane_n``; ``paper_rate`` and ``paper_rate_m``, the m at which the surface has the paper's rate; ``best_m``, the m
        of the best-spent budgets for ``cost_ratio``; ``edge`` with the rate and its intervals there. Numbers that do not
        exist are None.

    Raises:
        ValueError: fewer than three n or m, a cost ratio that is not positive.
    """
    if cost_ratio is not None and not cost_ratio > 0:
        raise ValueError(f"cost_ratio is {cost_ratio}; expected what an experiment costs in simulations, above 0")
    fits = fit_trials(trials) if fits is None else fits
    surface = fits.by_trials
    design = trials.design
    (n_low, n_high), (m_low, m_high) = ((grid[0], grid[-1]) for grid in (design.n_grid, design.m_grid))
    plane_n = np.geomspace(n_low / BEYOND, n_high * BEYOND, POINTS)
    shares = (0.25, 0.5, 0.75, 1.0)
    anchors = [(n_low ** (1 - t) * n_high**t, m_low ** (1 - t) * m_high**t) for t in shares]
    curves = []
    for n_0, m_0 in anchors:
        error = float(surface(n_0, m_0))
        m = equal_error_m(surface, error, plane_n)
        shown = (m >= m_low / BEYOND) & (m <= m_high * BEYOND)
        n, m = plane_n[shown], m[shown]
        ratio = float(surface.marginal_rate(n_0, m_0))
        curves.append(
            {"error": error, "anchor": [float(n_0), float(m_0)], "at_n": n.tolist(), "at_m": m.tolist()}
            | _rates(fits, n, m)
            | {
                "extrapolated": ((n < n_low * 0.999) | (n > n_high * 1.001) | (m < m_low * 0.999) | (m > m_high * 1.001)).tolist(),
                "budget_ratio": ratio,
                "budget_m": budget_line_m(n_0, m_0, ratio, plane_n).tolist() if 0 < ratio < np.inf else None,
            }
        )
    ratio = float(surface.marginal_rate(n_high, m_high)) if cost_ratio is None else cost_ratio
    return json_ready(
        _described(trials)
        | {
            "surface": surface.to_dict(LEVEL),
            "curves": curves,
            "plane_n": plane_n.tolist(),
            "edge": _rates(fits, np.array(n_high), np.array(m_high)),
            "paper_rate": PAPER_SURFACE["marginal_rate"],
            "paper_rate_m": equal_rate_m(surface, PAPER_SURFACE["marginal_rate"], plane_n).tolist(),
            "cost_ratio": ratio,
            "best_m": equal_rate_m(surface, ratio, plane_n).tolist() if 0 < ratio < np.inf else None,
            "paper": PAPER_SURFACE,
        }
    )


def surface_payload(figure: str, title: str, records: list[dict], *, edition: str, preset: str) -> dict:
    """The JSON of a figure of Eq. 1: what was run, on what, and every number that is drawn.

    Args:
        figure: number in the paper and study, such as ``fig2-density``.
        title: one line that says what the data are.
        records: of :func:`surface_record`, :func:`indifference_record` or
            :func:`sim2real.laws.classes.class_records`.
        edition, preset: of the run.
    """
    return {"figure": figure, "title": title, "edition": edition, "preset": preset, "records": records}


def comparison_table(records: dict[str, dict]) -> pd.DataFrame:
    """Constants and marginal rate at the data's edge with 90 % intervals over trials and materials, beside the paper's.

    Args:
        records: of :func:`surface_record`, by the name of their column.
    """
    columns = {}
    for name, record in records.items():
        surface = record["surface_materials"]
        intervals = surface["intervals"] or {}
        rows = {c: _with_interval(surface[c], *(intervals.get(c, {}).get(k) for k in ("low", "high"))) for c in CONSTANTS}
        edge = record["marginal_rate"]["edge"]
        rows["simulations one experiment is worth"] = _with_interval(edge["rate"], edge["low_materials"], edge["high_materials"])
        rows |= {"at n": f"{record['n'][-1]:,}", "at m": str(record["m"][-1]), "trials": str(record["trials"])}
        rows["status of the fit"] = " ".join([surface["status"], *surface["bounds_hit"]])
        columns[name] = rows
    paper = {c: f"{v:g}" for c, v in PAPER_SURFACE["constants"].items()}
    paper |= {"simulations one experiment is worth": f"{PAPER_SURFACE['marginal_rate']:g}"}
    paper |= {"at n": f"{PAPER_SURFACE['n']:,}", "at m": str(PAPER_SURFACE["m"]), "trials": "500"}
    return pd.DataFrame(columns | {"paper, density": paper}).fillna("")


def _with_interval(value: float | None, low: float | None, high: float | None) -> str:
    def text(number: float | None) -> str:
        return "infinite" if number is None else f"{number:.3g}"

    return f"{text(value)} ({text(low)} to {text(high)})"


def stated_surface(record: dict) -> ScalingSurface:
    """The surface of a record's ``surface``, to evaluate it."""
    return ScalingSurface(*(np.nan if record[name] is None else record[name] for name in CONSTANTS))


def json_ready(value: object) -> object:
    """The same dictionaries and lists with None for every number that is not finite."""
    if isinstance(value, dict):
        return {key: json_ready(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_ready(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _described(trials: Trials) -> dict:
    study, design = trials.study, trials.design
    prop = study.target.property
    return {
        "study": study.name,
        "property": prop.name,
        "label": prop.label,
        "unit": prop.unit,
        "trials": design.trials,
        "source_draws": design.distinct_draws,
        "n": list(design.n_grid),
        "m": list(design.m_grid),
    }


def _direct(trials: Trials) -> dict | None:
    if "direct" not in set(trials.table["arm"]):
        return None
    errors = np.stack([trials.errors("direct", m) for m in trials.design.m_grid], axis=1)
    return dict(zip(("mae", "low", "high"), (v.tolist() for v in band(errors, LEVEL, REPLICATES, trials.design.seed))))


def _rates(fits: SurfaceFits, n: np.ndarray, m: np.ndarray) -> dict:
    """Marginal rate at n, m and its two intervals; the two fits are of the same mean errors, so they share the rate."""
    low, high = fits.by_trials.rate_interval(n, m, LEVEL)
    low_materials, high_materials = fits.by_materials.rate_interval(n, m, LEVEL)
    values = {"rate": fits.by_trials.marginal_rate(n, m), "low": low, "high": high}
    values |= {"low_materials": low_materials, "high_materials": high_materials}
    return {key: json_ready(np.asarray(v, float).tolist()) for key, v in values.items()}
