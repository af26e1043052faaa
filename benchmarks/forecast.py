"""Which form forecasts errors at more samples: ``make forecasts`` writes ``forecasts.csv`` and ``published.csv`` in ``data``.

Curves are cut at an eighth and at a half of their largest n; each form is fitted to ten n up to there (fewer where there are
fewer), and its forecast at the largest n is compared with the error found there. Three sets of curves: those of the committed
figures, the 57 of Mikami et al. (arXiv 2108.11018), and LCDB 1.1, whose data sets are halved: ``PRIOR`` of ``sim2real.laws.power``
was chosen by ``--choose`` on the first half; the other half and the other two sets had no part in it. The public files come from
the mirror, the cache or a download, as those of the edition ``open``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby, product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim2real.datasets.download import DownloadError
from sim2real.datasets.paths import DATA, ROOT
from sim2real.datasets.sources import SOURCES, fetch
from sim2real.laws.bootstrap import Bootstrap
from sim2real.laws.estimates import evaluate_curves
from sim2real.laws.power import PRIOR, Prior, fit_curves

MOST, FEWEST = 10, 4  # n that a form is fitted to
HORIZONS = (8, 2)
CLIP = 0.5  # of |ln(forecast / found)|: a curve that breaks off counts no more than this
LEVEL, RESAMPLES = 0.9, 2000
INTERVALS = 200  # curves of a set of which intervals are made, at most
SETTING = ["pdata", "ptask", "pscale", "ftask", "fdata", "fratio", "model"]  # what a curve of Mikami et al. has in common


@dataclass(frozen=True)
class Cut:
    """Curves (B, k) at the same n (k,), and what was found (B,) at one larger; ``of`` (B,) are the studies they are of."""

    n: NDArray
    curves: NDArray
    to: float
    found: NDArray
    of: NDArray


def own() -> Iterator[tuple[str, NDArray, NDArray]]:
    """Study, n and errors of the curves in committed figures: panels, classes, and every m of a grid."""
    for path in sorted((ROOT / "figures" / "embedded").glob("*.json")):
        for record in json.loads(path.read_text(encoding="utf-8"))["records"]:
            if path.name.startswith(("fig2", "fig4bc")):
                yield from ((record["study"], np.array(record["n"], float), errors) for errors in np.array(record["mae"]).T)
            elif "n" in (record.get("curve") or {}):
                yield record["study"], np.array(record["curve"]["n"], float), np.array(record["curve"]["mae"])


def mikami() -> Iterator[tuple[str, NDArray, NDArray]]:
    """Setting, n and error = 1 - the last score of the 57 curves."""
    table = pd.read_csv(fetch("mikami"))
    table = table[table["pretrain.data"] > 0].rename(columns={"pretrain.data": "n"}).sort_values("n_eval")
    last = table.groupby([*SETTING, "n"], as_index=False).last()
    for setting, curve in last.groupby(SETTING):
        if len(curve) >= FEWEST:
            yield " ".join(map(str, setting)), curve["n"].to_numpy(float), 1 - curve["value"].to_numpy()


def lcdb(half: int) -> Iterator[tuple[str, NDArray, NDArray]]:
    """Data set, n and test errors of every learner on every second data set, by number."""
    n = np.array(json.loads(fetch("lcdb").read_text(encoding="utf-8"))["anchors"], float)
    sets = sorted((name for name in SOURCES if name.startswith("lcdb-")), key=lambda name: int(name.removeprefix("lcdb-")))
    for name in sets[half::2]:
        for errors in np.array(json.loads(fetch(name).read_text(encoding="utf-8")), float)[:, 0, :, 2]:
            known = np.isfinite(errors)
            yield name, n[known], errors[known]


SETS = {"own": own, "Mikami": mikami, "LCDB, chosen on": partial(lcdb, 0), "LCDB": partial(lcdb, 1)}


def cut(name: str, horizon: int) -> list[Cut]:
    """The curves of a set that have enough n up to this part of the largest, those at the same n together."""
    found = []
    for of, n, errors in SETS[name]():
        kept = np.flatnonzero(n <= n[-1] / horizon) if len(n) else np.array([])
        if len(kept) < (MOST if "LCDB" in name else FEWEST):
            continue
        kept = kept[np.unique(np.linspace(0, len(kept) - 1, MOST).round().astype(int))]
        if min(errors[kept].min(), errors[-1]) > 0:
            found.append((tuple(n[kept]), n[-1], of, errors[kept], errors[-1]))
    found.sort(key=lambda curve: curve[:3])
    together = [(n, to, list(zip(*curves))[2:]) for (n, to), curves in groupby(found, key=lambda curve: curve[:2])]
    return [Cut(np.array(n), np.array(e), float(to), np.array(last), np.array(of)) for n, to, (of, e, last) in together]


def of_power(cut: Cut, **options: object) -> NDArray:
    return evaluate_curves(fit_curves(cut.n, cut.curves, **options)[0], cut.to)


def of_bases(cut: Cut, bases: NDArray) -> NDArray:
    """C + D basis, C and D >= 0, of that basis (G, k + 1), the last of which is at ``to``, with the least relative residuals."""
    x, p, q = bases[:, :-1], 1 / cut.curves**2, 1 / cut.curves
    a, b, c, e, f = x**2 @ p.T, x @ p.T, p.sum(1), x @ q.T, q.sum(1)
    with np.errstate(all="ignore"):
        d, gap = (e * c - f * b) / (a * c - b**2), (f * a - e * b) / (a * c - b**2)
        inside, falls = (d >= 0) & (gap >= 0), e**2 / a > f**2 / c
        d, gap = np.where(inside, d, np.where(falls, e / a, 0)), np.where(inside, gap, np.where(falls, 0, f / c))
    best, each = (e * d + f * gap).argmax(axis=0), np.arange(len(cut.curves))
    return d[best, each] * bases[best, -1] + gap[best, each]


def exponential(cut: Cut) -> NDArray:
    """C + D exp(-n / tau)."""
    return of_bases(cut, np.exp(-np.append(cut.n, cut.to) / np.geomspace(cut.n[0] / 4, 100 * cut.n[-1], 300)[:, None]))


def mmf(cut: Cut) -> NDArray:
    """(A B + C n^d) / (B + n^d), Morgan, Mercer and Flodin's: C + (A - C) / (1 + (n / h)^d); h and d on a grid."""
    h, d = np.array(list(product(np.geomspace(cut.n[0] / 100, 100 * cut.n[-1], 60), np.geomspace(0.05, 5, 40)))).T[..., None]
    return of_bases(cut, 1 / (1 + (np.append(cut.n, cut.to) / h) ** d))


FORMS = {
    "constant": lambda cut: (1 / cut.curves).sum(1) / (1 / cut.curves**2).sum(1),
    "last value": lambda cut: cut.curves[:, -1],
    "power": partial(of_power, gap=False),
    "power + C": of_power,
    "MMF": mmf,
    "exponential": exponential,
    "power, prior": partial(of_power, gap=False, prior=PRIOR),
    "power + C, prior": partial(of_power, prior=PRIOR),
}
WITH_INTERVALS = {"power + C": None, "power + C, prior": PRIOR}


def miss(forecast: NDArray, found: NDArray) -> NDArray:
    return np.minimum(np.abs(np.log(forecast / found)), CLIP)


def covers(cuts: list[Cut], prior: Prior | None) -> float:
    """How often 90 % intervals over residuals hold what was found, of no more than INTERVALS curves, evenly taken."""
    each = [(c, k) for c in cuts for k in range(len(c.curves))]
    held = []
    for c, k in each[:: max(1, -(-len(each) // INTERVALS))]:
        law = Bootstrap(replicates=200, seed=k).residuals(c.n, c.curves[k], prior)
        low, high = law.band([c.to], LEVEL)
        held.append(low[0] <= c.found[k] <= high[0])
    return float(np.mean(held))


def scores(name: str, horizon: int) -> list[dict]:
    """A row for each form: quartiles of |forecast / found - 1|, how much more it misses than power + C, paired, with an interval
    over studies, settings or data sets."""
    cuts = cut(name, horizon)
    found, of = np.concatenate([c.found for c in cuts]), pd.factorize(np.concatenate([c.of for c in cuts]))[0]
    forecasts = {form: np.concatenate([forecast(c) for c in cuts]) for form, forecast in FORMS.items()}
    counts = np.random.default_rng(0).multinomial(of.max() + 1, np.full(of.max() + 1, 1 / (of.max() + 1)), RESAMPLES)[:, of]
    rows = []
    for form, forecast in forecasts.items():
        off = np.abs(forecast / found - 1)
        more = miss(forecast, found) - miss(forecasts["power + C"], found)
        ends = np.quantile(counts @ more / counts.sum(1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        rows.append({"curves of": name, "studies": of.max() + 1, "curves": len(found), "up to": f"n_max / {horizon}", "form": form})
        rows[-1] |= dict(zip(("median", "low quartile", "high quartile"), np.quantile(off, [0.5, 0.25, 0.75])))
        rows[-1] |= {"more": more.mean(), "more_low": ends[0], "more_high": ends[1]}
        rows[-1]["covers"] = covers(cuts, WITH_INTERVALS[form]) if form in WITH_INTERVALS else None
    return rows


def published() -> pd.DataFrame:
    """D n^-alpha + C refitted to the curves of Mikami et al., with 90 % intervals over residuals."""
    rows = []
    for setting, n, errors in mikami():
        law = Bootstrap(seed=0).residuals(n, errors)
        ends = {f"{k}_{end}": v for k in ("alpha", "C") for end, v in zip(("low", "high"), law.interval(k, LEVEL))}
        rows.append({"setting": setting, "points": len(n)} | {name: getattr(law, name) for name in law.names} | ends)
    return pd.DataFrame(rows)


def choose() -> None:
    """Prints the prior of the first half of the data sets: alpha and C of the whole curves that fall, and the least weight of the
    latest points that forecasts as well as the best one, by one standard error over data sets."""
    fits = []
    for _, n, errors in SETS["LCDB, chosen on"]():
        if len(n) >= 2 * MOST and errors.min() > 0:
            kept = np.unique(np.linspace(0, len(n) - 1, 2 * MOST).round().astype(int))
            weights = n[kept] / n[-1]
            (_, alpha, gap), loss = (values[0] for values in fit_curves(n[kept], errors[None, kept], weights))
            fits.append((alpha, gap / errors[-1], np.sqrt(loss / (len(kept) - 3))))
    alpha, gap, noise = np.array([fit for fit in fits if fit[0] > 0]).T
    values = np.exp(np.median(np.log(alpha))), np.log(alpha).std(), gap.mean(), gap.std(), np.quantile(noise, 0.25)
    cuts, misses = [c for horizon in HORIZONS for c in cut("LCDB, chosen on", horizon)], {}
    of = np.concatenate([c.of for c in cuts])
    for recent in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0):
        prior = Prior(*(float(f"{value:.2g}") for value in values), recent)
        each = np.concatenate([miss(of_power(c, prior=prior), c.found) for c in cuts])
        misses[prior] = pd.Series(each).groupby(of).mean()
        print(prior, misses[prior].mean(), flush=True)
    best = min(misses.values(), key=np.mean)
    print(next(prior for prior, of in misses.items() if (of - best).mean() <= (of - best).sem()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--choose", action="store_true", help="choose the prior again and print it")
    try:
        if parser.parse_args().choose:
            return choose()
        table = pd.DataFrame([row for name, horizon in product(SETS, HORIZONS) for row in scores(name, horizon)])
        laws = published()
    except DownloadError as error:
        raise SystemExit(str(error)) from None
    table.round(4).to_csv(DATA / "forecasts.csv", index=False, lineterminator="\n")
    laws.to_csv(DATA / "published.csv", index=False, float_format="%.4g", lineterminator="\n")
    print(table.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
