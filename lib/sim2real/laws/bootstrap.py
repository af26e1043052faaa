"""Uncertainty of errors and their laws by resampling trials (random splits of the same materials; Minami et al., npj Computational
Materials 11, 146 (2025)), or trials and test materials, which is wider (Owen, Annals of Applied Statistics 1, 386 (2007))."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, t

from sim2real.laws.power import PowerLaw, Prior, check_level, fit_curves, fit_power_law
from sim2real.laws.search import fit_surfaces
from sim2real.laws.significance import block_sums
from sim2real.laws.surface import FittedSurface, ScalingSurface, fitted
from sim2real.training.study import Cube, Design, Trials

# resamples without any test prediction, as a share, up to which they are drawn again; beyond it the bootstrap is refused
EMPTY_SHARE = 0.05
OFTEN = 0.05  # share of refits with a constant at 0 from which refits with it held at 0 are looked at as well
_LEAST = 1e-3  # of the law: a drawn error is no smaller, as errors are above 0
_CHUNK = 100  # replicates held at once: bounds the memory of the sums over trials to 100 x materials x sizes


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are made: their level, the number of replicates, and the seed (that of the trials' design if None). Trials that
    share one of ``source_draws`` (of :class:`~sim2real.training.study.Design`) are not independent: they are drawn as a whole."""

    level: float = 0.9
    replicates: int = 1000
    seed: int | None = None
    source_draws: int = 0

    def __post_init__(self) -> None:
        check_level(self.level)
        if self.replicates < 1:
            raise ValueError(f"replicates is {self.replicates}; expected at least 1")

    def seeded(self, design: Design) -> Bootstrap:
        """The same with the design's source draws, and its seed where none was given."""
        return replace(self, seed=design.seed if self.seed is None else self.seed, source_draws=design.source_draws)

    def blocks(self, trials: NDArray) -> NDArray | None:
        """The source draw of each trial number, or None where each has its own."""
        draws = trials % self.source_draws if self.source_draws else trials
        return draws if len(np.unique(draws)) < len(trials) else None

    def trials(self, errors: ArrayLike, blocks: ArrayLike | None = None) -> Resamples:
        """Resample trials of mean errors (trials, ...), paired over what follows: n (N,), n and m (N, M), or nothing.

        ``blocks`` (trials,) label what is drawn as a whole, such as the trials of one source draw.

        A bootstrap over few blocks is too narrow: its variance lacks a factor G / (G - 1), and its quantiles are normal. Replicates
        are therefore spread about the mean, in logarithms, by what Student's t of G - 1 has more. Of 1,000 made means of 30 trials
        on 8 draws, 90 % intervals held 58 to 88 % over trials alone, 82 to 95 % over draws and then trials, 81 to 84 % over draws,
        and 89 to 90 % so; of 6 trials 78 to 82 % and 89 to 92 %. ValueError for fewer than two trials or blocks, or errors that are
        negative or not finite.
        """
        errors = np.asarray(errors, float)
        if errors.ndim < 1 or len(errors) < 2:
            raise ValueError(f"errors must have shape (trials, n) or (trials, n, m) with at least 2 trials, got {errors.shape}")
        bad = np.argwhere(~(np.isfinite(errors) & (errors >= 0)))
        if len(bad):
            raise ValueError(f"errors[{_place(bad[0], 'trial')}] is {errors[tuple(bad[0])]}; expected finite errors >= 0")
        code = np.arange(len(errors)) if blocks is None else np.unique(np.asarray(blocks), return_inverse=True)[1]
        if (groups := int(code.max()) + 1) < 2:
            raise ValueError("all trials share one source draw: nothing can be resampled; give them two or more")
        counts = _counts(np.random.default_rng(self.seed or 0), groups, self.replicates)[:, code]
        draws = (counts @ errors.reshape(len(errors), -1) / counts.sum(axis=1, keepdims=True)).reshape(-1, *errors.shape[1:])
        mean, tail = errors.mean(axis=0), (1 - self.level) / 2
        wider = np.sqrt(groups / (groups - 1)) * t.isf(tail, groups - 1) / norm.isf(tail)
        with np.errstate(divide="ignore", invalid="ignore"):
            draws = np.where((draws > 0) & (mean > 0), mean * (draws / mean) ** wider, draws)
        return Resamples(mean, draws, "trials", self.level)

    def materials(self, errors: ArrayLike, clusters: ArrayLike | None = None, blocks: ArrayLike | None = None) -> Resamples:
        """Resample trials and materials; the mean is over all test predictions.

        Errors (trials, materials, ...) are NaN where not tested, at all sizes or none; ``clusters`` (materials,) and ``blocks``
        (trials,) label what is drawn as a whole, such as one pair's temperatures or one source draw. ValueError for fewer than two
        trials or materials, or too many resamples without any test prediction.
        """
        errors, tested = _checked(errors)
        if blocks is not None:
            errors, tested = (block_sums(values, blocks) for values in (errors, tested))
        sizes, flat = errors.shape[2:], errors.reshape(*errors.shape[:2], -1)
        draws = self._trials_and_materials(flat, tested, clusters).reshape(-1, *sizes)
        return Resamples(errors.sum(axis=(0, 1)) / tested.sum(), draws, "trials and materials", self.level)

    def residuals(self, n: ArrayLike, error: ArrayLike, prior: Prior | None = None) -> PowerLaw:
        """The law of one curve (k,) with intervals from its residuals, taken as normal and independent, of a scale with k - 3
        degrees of freedom: all that can be had of one trial. ValueError as `fit_power_law`, and for fewer than four n."""
        law, n = fit_power_law(n, error, prior=prior), np.asarray(n, float)
        if (free := len(n) - len(law.names)) < 1:
            raise ValueError(f"{len(n)} errors leave no residuals to a law of {len(law.names)} constants; give four or more")
        rng, size = np.random.default_rng(self.seed or 0), (self.replicates, 1)
        spread = law.rmse * np.sqrt(len(n) / rng.chisquare(free, size))
        curves = law(n) * np.maximum(1 + spread * rng.standard_normal((self.replicates, len(n))), _LEAST)
        return _refitted(law, n, curves, prior, "residuals")

    def cube(self, cube: Cube) -> tuple[Resamples, Resamples]:
        """Resamples (N, M) of the cube's trials, and of its trials and materials."""
        blocks = self.blocks(cube.trials)
        return self.trials(trial_means(cube), blocks), self.materials(cube.errors, cube.clusters, blocks)

    def _trials_and_materials(self, errors: NDArray, tested: NDArray, clusters: ArrayLike | None) -> NDArray:
        """Mean errors (replicates, k) from errors (trials, materials, k), 0 where not tested."""
        rng = np.random.default_rng(self.seed or 0)
        trials, materials, points = errors.shape
        flat = errors.reshape(trials, -1)
        member = np.arange(materials) if clusters is None else pd.factorize(np.asarray(clusters))[0]
        if len(member) != materials:
            raise ValueError(f"{len(member)} labels of clusters for {materials} materials")

        def drawn(count: int) -> NDArray:
            return _counts(rng, int(member.max()) + 1, count)[:, member]

        of_trials, of_materials = _counts(rng, trials, self.replicates), drawn(self.replicates)
        predictions = np.einsum("bm,bm->b", of_trials @ tested, of_materials)
        if np.mean(predictions == 0) > EMPTY_SHARE:
            raise ValueError(
                f"too many resamples of {trials} trials and {materials} materials hold no test prediction; give more of either"
            )
        while (empty := np.flatnonzero(predictions == 0)).size:
            # it has no mean; a few of them are drawn again
            of_trials[empty], of_materials[empty] = _counts(rng, trials, len(empty)), drawn(len(empty))
            predictions[empty] = np.einsum("bm,bm->b", of_trials[empty] @ tested, of_materials[empty])
        means = np.empty((self.replicates, points))
        for start in range(0, self.replicates, _CHUNK):
            rows = slice(start, start + _CHUNK)
            sums = (of_trials[rows] @ flat).reshape(-1, materials, points)
            means[rows] = np.einsum("bmk,bm->bk", sums, of_materials[rows])
        return means / predictions[:, None]


BOOTSTRAP = Bootstrap()


@dataclass(frozen=True)
class Resamples:
    """Mean errors (), (N,) or (N, M), replicates of them (replicates, ...), what was resampled, and the level of intervals."""

    mean: NDArray
    draws: NDArray
    of: str
    level: float

    def at(self, *where: int | slice) -> Resamples:
        """The same at some of the sizes, as an index of the mean."""
        return replace(self, mean=self.mean[where], draws=self.draws[(slice(None), *where)])

    def interval(self) -> tuple[NDArray, NDArray]:
        """Ends of the percentile interval, each of the mean's shape."""
        low, high = np.quantile(self.draws, [(1 - self.level) / 2, (1 + self.level) / 2], axis=0)
        return low, high

    def change(self, first: int = 0, last: int = -1) -> Change:
        """The relative change of a curve's error from one of its sizes to another, both ends from the same resample."""
        mean = float(self.mean[last] / self.mean[first] - 1)
        return Change(mean, self.draws[:, last] / self.draws[:, first] - 1, self.level)

    def law(self, n: ArrayLike, prior: Prior | None = None) -> PowerLaw:
        """D n^-alpha + C of a mean curve over n (N,), refitted to every replicate; ValueError for a replicate that has no fit."""
        n = self._sizes(n)[0]
        return _refitted(fit_power_law(n, self.mean, prior=prior), n, self.draws, prior, self.of)

    def surface(self, n: ArrayLike, m: ArrayLike, of: type[FittedSurface] = ScalingSurface) -> FittedSurface:
        """(A n^-alpha + B) m^-beta + epsilon of a mean surface (N, M), or another law of both sizes, refitted to every replicate;
        ValueError as :meth:`law`."""
        n, m = (grid.ravel() for grid in np.meshgrid(*self._sizes(n, m), indexing="ij"))
        law, resamples = fitted(of, n, m, self.mean.ravel()), self.draws.reshape(len(self.draws), -1)
        exponents = [value for name, value in zip(of.names, law.constants) if name[0] in "ab"]
        options = {"form": of.form, "also": np.array(exponents), "starts": 2 if of is ScalingSurface else 1}
        constants = fit_surfaces(n, m, resamples, **options)[0]
        _check_fits(constants, "surfaces")
        at_zero = tuple(name for name in ("B", "epsilon") if (constants[:, of.names.index(name)] == 0).mean() >= OFTEN)
        restricted = fit_surfaces(n, m, resamples, **options, at_zero=at_zero)[0] if at_zero else None
        return replace(law, replicates=constants, at_zero=at_zero, replicates_at_zero=restricted, resampled=self.of)

    def _sizes(self, *grids: ArrayLike) -> list[NDArray]:
        grids = [np.asarray(grid, float) for grid in grids]
        if self.mean.shape != (wanted := tuple(map(len, grids))):
            axes = ", ".join(("n", "m")[: len(grids)])
            raise ValueError(f"errors must have shape (trials, {axes}) with {wanted} sizes, got {self.mean.shape}")
        return grids


@dataclass(frozen=True)
class Change:
    """A number, its replicates and percentile interval: the relative change of an error between two sizes, or a contrast."""

    mean: float
    draws: NDArray
    level: float

    @property
    def low(self) -> float:
        """Lower end of the percentile interval."""
        return float(np.quantile(self.draws, (1 - self.level) / 2))

    @property
    def high(self) -> float:
        """Upper end of the percentile interval."""
        return float(np.quantile(self.draws, (1 + self.level) / 2))

    def to_dict(self) -> dict[str, float]:
        return {"mean": self.mean, "low": self.low, "high": self.high, "level": self.level}


class Difference(NamedTuple):
    """Mean of a difference paired over trials, its standard error, and the number of trials."""

    mean: float
    standard_error: float
    trials: int


def paired_difference(a: ArrayLike, b: ArrayLike, blocks: ArrayLike | None = None) -> Difference:
    """Mean of a - b over trials (trials,) of the same splits in the same order; the standard error holds for these materials, not
    for others, and is that of ``blocks`` (trials,), as trials that share a source draw are not independent. ValueError for unequal
    lengths, fewer than two trials or blocks, or values that are not finite."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2:
        raise ValueError(f"paired errors must be two equally long vectors of at least 2 trials, got {a.shape} and {b.shape}")
    if len(bad := np.flatnonzero(~np.isfinite(a - b))):
        raise ValueError(f"trial {bad[0]}: errors {a[bad[0]]} and {b[bad[0]]}; expected finite numbers")
    difference = a - b
    mean = float(difference.mean())
    sums = difference - mean if blocks is None else block_sums(difference - mean, blocks)
    if len(sums) < 2:
        raise ValueError("all trials share one source draw: their difference has no standard error; give them two or more")
    return Difference(mean, float(np.sqrt(np.sum(sums**2) / (len(sums) * (len(sums) - 1)))), len(difference))


def paired_over_draws(trials: Trials, a: ArrayLike, b: ArrayLike) -> Difference:
    """:func:`paired_difference` of errors by trial (:attr:`Trials.numbers`) of an experiment, whose source draws count once."""
    return paired_difference(a, b, BOOTSTRAP.seeded(trials.design).blocks(trials.numbers))


def trial_means(cube: Cube) -> NDArray:
    """The mean error of each trial over its test materials, (trials, N, M); ValueError for a trial without any."""
    tested = ~np.isnan(cube.errors)
    counts = tested.sum(axis=1)
    if not counts.all():
        raise ValueError(
            f"trial {cube.trials[np.argwhere(counts == 0)[0, 0]]} tests no material; every trial needs a test prediction"
        )
    return np.where(tested, cube.errors, 0.0).sum(axis=1) / counts


def _checked(errors: ArrayLike) -> tuple[NDArray, NDArray]:
    """The errors with 0 where a material is not tested, and the mask (trials, materials) of those that are."""
    errors = np.asarray(errors, float)
    if errors.ndim < 3 or min(errors.shape[:2]) < 2:
        raise ValueError(
            "errors must have shape (trials, materials, n) or (trials, materials, n, m) with at least 2 trials and 2 materials, "
            f"got {errors.shape}"
        )
    present = ~np.isnan(errors)
    tested = present.any(axis=tuple(range(2, errors.ndim)))
    everywhere = tested.reshape(*tested.shape, *[1] * (errors.ndim - 2))
    bad = np.argwhere((everywhere & ~present) | np.isinf(errors) | (errors < 0))
    if len(bad):
        raise ValueError(
            f"errors[{_place(bad[0], 'trial', 'material')}] is {errors[tuple(bad[0])]}; expected an error >= 0 at every size, or"
            " NaN at every size where the material is not in the trial's test set"
        )
    return np.where(present, errors, 0.0), tested


def _place(index: NDArray, *names: str) -> str:
    return ", ".join(f"{name} {k}" for name, k in zip((*names, "n index", "m index"), index))


def _refitted(law: PowerLaw, n: NDArray, curves: NDArray, prior: Prior | None, of: str) -> PowerLaw:
    """The law with refits to the curves (replicates, k); what the prior leaves open is drawn for each."""
    if prior is not None:
        alpha, gap = np.random.default_rng(0).standard_normal((2, len(curves)))
        drawn = {"alpha": prior.alpha * np.exp(prior.alpha_spread * alpha), "gap": prior.gap + prior.gap_spread * gap}
        prior = replace(prior, **drawn)
    free, without_gap = (fit_curves(n, curves, gap=gap, prior=prior)[0] for gap in (True, False))
    _check_fits(free, "curves")
    return replace(law, replicates=free, replicates_without_gap=without_gap, resampled=of)


def _check_fits(constants: NDArray, what: str) -> None:
    if failed := int(np.isnan(constants).any(axis=1).sum()):
        raise ValueError(f"{failed} of {len(constants)} resampled {what} have no fit (an error of 0?); give more trials")


def _counts(rng: np.random.Generator, size: int, replicates: int) -> NDArray:
    return rng.multinomial(size, np.full(size, 1.0 / size), size=replicates).astype(float)
