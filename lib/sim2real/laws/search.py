"""Least squares of R(n, m) = A n^-alpha m^-beta1 + B m^-beta2 + epsilon for many surfaces at once, by variable projection (see
`power`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter

from sim2real.laws.power import ALPHA_MAX, fit_curves

# a fit on them is BOUND_HIT; n^-0.001 falls by 0.7 % over three decades
EXPONENT_MIN, EXPONENT_MAX = 1e-3, ALPHA_MAX
_POINTS = {2: 12, 3: 6}  # of the grid of starts along each exponent, by how many there are
# which of alpha, beta1, beta2 each exponent that is searched stands for
FORMS = {
    "Eq. 1": np.array([[1, 0, 0], [0, 1, 1]]),
    "two exponents": np.eye(3),
    "additive": np.array([[1, 0, 0], [0, 0, 1]]),  # beta1 = 0
}
_LOW, _HIGH = np.log(EXPONENT_MIN), np.log(EXPONENT_MAX)
_STEPS = 200  # of the local search; a start needs some ten to fifty
_SNAP = 1e-9  # a term below this part of the error is roundoff: it is put on its bound
LINEAR = ("A", "B", "epsilon")
# which of these are free: the optimum under the bounds is the best feasible one of these seven unbounded fits
_FACES = [face for size in (1, 2, 3) for face in combinations(range(3), size)]


def fit_surfaces(
    n: NDArray,
    m: NDArray,
    errors: NDArray,
    *,
    form: str = "Eq. 1",
    at_zero: tuple[str, ...] = (),
    starts: int = 2,
    also: NDArray | None = None,
) -> tuple[NDArray, NDArray, NDArray]:
    """Fit the law of this form to R surfaces over cells n, m (k,), errors (R, k).

    Nothing is checked. `at_zero` of A, B, epsilon are held at 0; the search starts from so many local minima of the grid and from
    `also`, exponents. Returns the constants, for Eq. 1 (R, 5): A, B, alpha, beta, epsilon, else (R, 6) with beta1 and beta2, NaN
    for no fit, the sums of squared relative residuals (R,) and whether the search converged (R,).
    """
    with np.errstate(all="ignore"):  # overflow ends as NaN, which the caller reports
        n0, m0 = np.exp(np.log(n).mean()), np.exp(np.log(m).mean())
        scale = errors.mean(axis=1)
        cells = _Cells(np.log(n / n0), np.log(m / m0), scale[:, None] / errors, FORMS[form], at_zero)
        first = _grid_starts(cells, starts)
        if also is not None:
            log_also = np.log(np.clip(also, EXPONENT_MIN, EXPONENT_MAX))
            first = np.concatenate([first, np.broadcast_to(log_also, (1, len(errors), len(log_also)))])
        # a start that repeats the first one finds what that finds
        own = np.concatenate([np.full((1, len(errors)), True), (first[1:] != first[0]).any(axis=2)])
        found = _search(cells.take(np.nonzero(own)[1]), first[own])
        losses, place = np.full(own.shape, np.inf), np.zeros(own.shape, dtype=int)
        losses[own], place[own] = np.nan_to_num(found[2], nan=np.inf), np.arange(own.sum())
        best = place[losses.argmin(axis=0), np.arange(len(errors))]
        exponents, c, loss, converged = (values[best] for values in found)
        alpha, beta1, beta2 = cells.exponents(exponents).T
        c, alpha, beta1, beta2 = _put_on_bounds(c, alpha, beta1, beta2, cells)
        a, b, epsilon = c.T * scale
        constants = np.stack([a * n0**alpha * m0**beta1, b * m0**beta2, alpha, beta1, beta2, epsilon], axis=1)
    # beta = 0 itself cannot be searched, B and epsilon being one there: the law is then one in n alone
    if len(rows := np.flatnonzero((beta1 <= EXPONENT_MIN) & (beta2 == EXPONENT_MIN))):
        (d, only_alpha, gap), only_loss = (values.T for values in fit_curves(n, errors[rows], gap="epsilon" not in at_zero))
        better, none = only_loss <= loss[rows], np.zeros_like(d)
        only_n = np.stack([d, none, only_alpha, none, none, gap], axis=1)
        constants[rows[better]], loss[rows[better]] = only_n[better], only_loss[better]
    return constants if form != "Eq. 1" else np.delete(constants, 3, axis=1), loss, converged


@dataclass(frozen=True)
class _Cells:
    """Centred logarithms of n and m (k,), the weights 1 / error (R, k), the form (q, 3) and which of its constants are 0."""

    log_n: NDArray
    log_m: NDArray
    weight: NDArray
    form: NDArray
    at_zero: tuple[str, ...]

    def columns(self, logs: NDArray) -> NDArray:
        """What A, B and epsilon multiply, each divided by the error: (R, 3, k) for log exponents (R, q)."""
        alpha, beta1, beta2 = self.exponents(logs).T[:, :, None]
        of_n, of_m = np.exp(-alpha * self.log_n - beta1 * self.log_m), np.exp(-beta2 * self.log_m)
        return np.stack([of_n * self.weight, of_m * self.weight, self.weight], axis=1)

    def project(self, logs: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        """Columns, best (A, B, epsilon) >= 0 (R, 3), residuals (R, k) and their sums of squares (R,)."""
        x = self.columns(logs)
        c = self._linear((x @ x.transpose(0, 2, 1)).transpose(1, 2, 0), x.sum(axis=2).T).T
        residual = np.einsum("ri,rik->rk", c, x) - 1.0
        return x, c, residual, np.einsum("rk,rk->r", residual, residual)

    def losses(self, points: NDArray) -> NDArray:
        """The loss (P, R) of every surface at log exponents (P, q): that of :meth:`project` but for rounding, by products of all
        surfaces and points at once."""
        alpha, beta1, beta2 = self.exponents(points).T[:, :, None]
        of_m = np.exp(-beta2 * self.log_m)
        columns = np.stack([np.exp(-alpha * self.log_n - beta1 * self.log_m), of_m, np.ones_like(of_m)], axis=1)
        products = columns[:, :, None] * columns[:, None]
        gram, right = (x @ w.T for x, w in ((products, self.weight**2), (columns, self.weight)))
        gram, right = gram.transpose(1, 2, 0, 3), right.transpose(1, 0, 2)
        return len(self.log_n) - (self._linear(gram, right) * right).sum(axis=0)

    def _linear(self, gram: NDArray, right: NDArray) -> NDArray:
        """Non-negative least squares: the best (A, B, epsilon) >= 0 (3, ...) of normal equations (3, 3, ...) and (3, ...), the
        feasible one of the unbounded fits of every face that explains most; NaN where there is none."""
        best, most = np.full(right.shape, np.nan), np.full(right.shape[1:], -np.inf)
        for face in _FACES:
            if any(LINEAR[i] in self.at_zero for i in face):
                continue
            c = _solve([[gram[i, j] for j in face] for i in face], [right[i] for i in face])
            explained = sum(value * right[i] for i, value in zip(face, c))
            better = (explained > most) & (np.min(c, axis=0) >= 0)
            np.copyto(most, explained, where=better)
            for i in range(len(LINEAR)):
                np.copyto(best[i], c[face.index(i)] if i in face else 0.0, where=better)
        return best

    def exponents(self, logs: NDArray) -> NDArray:
        """alpha, beta1, beta2 (R, 3) of log exponents (R, q)."""
        logs = logs @ self.form
        # exp(log(x)) may miss x, and a bound must be met exactly to be told
        values = np.where(logs <= _LOW, EXPONENT_MIN, np.where(logs >= _HIGH, EXPONENT_MAX, np.exp(logs)))
        return np.where(self.form.any(axis=0), values, 0.0)

    def take(self, rows: NDArray) -> _Cells:
        return replace(self, weight=self.weight[rows])


def _solve(a: list[list[NDArray]], b: list[NDArray]) -> list[NDArray]:
    """The unknowns of positive definite equations, whose coefficients are arrays: elimination, which needs no pivots there. LAPACK
    would be called for each system, which takes longer than its arithmetic."""
    size = len(b)
    for i, j in combinations(range(size), 2):
        factor = a[j][i] / a[i][i]
        a[j] = [of_j - factor * of_i for of_i, of_j in zip(a[i], a[j])]
        b[j] = b[j] - factor * b[i]
    for i in reversed(range(size)):
        b[i] = (b[i] - sum(a[i][j] * b[j] for j in range(i + 1, size))) / a[i][i]
    return b


def _grid_starts(cells: _Cells, starts: int) -> NDArray:
    """The log exponents (starts, R, q) of each surface's lowest local minima on the grid, repeated where it has fewer."""
    rows, searched = len(cells.weight), len(cells.form)
    grid = np.linspace(_LOW, _HIGH, _POINTS[searched])
    points = np.array(list(product(grid, repeat=searched)))
    square = np.nan_to_num(cells.losses(points), nan=np.inf).reshape(*[len(grid)] * searched, rows)
    lowest = minimum_filter(square, size=(*[3] * searched, 1), mode="nearest")
    order = np.where(square == lowest, square, np.inf).reshape(-1, rows).argsort(axis=0, kind="stable")[:starts]
    is_minimum = np.take_along_axis((square == lowest).reshape(-1, rows), order, 0)
    order = np.where(is_minimum, order, order[0])
    return points[order]


def _search(cells: _Cells, start: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Levenberg-Marquardt from log exponents (R, q) within bounds, all surfaces at once; Kaufman's Jacobian (BIT 15, 49 (1975)).
    Returns the log exponents, (A, B, epsilon), the loss and whether the search converged."""
    logs = np.array(start)
    x, c, residual, loss = cells.project(logs)
    damping, converged = np.full(len(logs), 1e-3), np.zeros(len(logs), dtype=bool)
    for _ in range(_STEPS):
        rows = np.flatnonzero(~converged)
        if not len(rows):
            break
        part = cells.take(rows)
        step = _step(part, logs[rows], damping[rows], x[rows], c[rows], residual[rows])
        tried = np.clip(logs[rows] + step, _LOW, _HIGH)
        new_x, new_c, new_residual, new_loss = part.project(tried)
        better = new_loss < loss[rows]
        small = np.abs(tried - logs[rows]).max(axis=1) < 1e-9
        gained = loss[rows] - new_loss
        converged[rows] = small | (better & (gained <= 1e-13 * loss[rows])) | (damping[rows] > 1e12) | ~np.isfinite(new_loss)
        damping[rows] *= np.where(better, 0.2, 5.0)
        moved = rows[better]
        logs[moved], c[moved], loss[moved] = tried[better], new_c[better], new_loss[better]
        x[moved], residual[moved] = new_x[better], new_residual[better]
    return logs, c, loss, converged


def _step(cells: _Cells, logs: NDArray, damping: NDArray, x: NDArray, c: NDArray, residual: NDArray) -> NDArray:
    """The step (R, q) from log exponents whose projection is x, c, residual."""
    alpha, beta1, beta2 = cells.exponents(logs).T[:, :, None]
    of_n, of_m = c[:, :1] * x[:, 0], c[:, 1:2] * x[:, 1]
    each = np.stack([-alpha * cells.log_n * of_n, -beta1 * cells.log_m * of_n, -beta2 * cells.log_m * of_m], axis=1)
    slopes = cells.form @ each
    free = (c > 0).astype(float)
    x = x * free[..., None]
    gram = x @ x.transpose(0, 2, 1) + np.eye(3) * (1.0 - free)[..., None]
    slopes = slopes - np.linalg.solve(gram, x @ slopes.transpose(0, 2, 1)).transpose(0, 2, 1) @ x
    gradient = np.einsum("rik,rk->ri", slopes, residual)
    # an exponent on its bound that wants to leave its range stays
    blocked = ((logs <= _LOW) & (gradient > 0)) | ((logs >= _HIGH) & (gradient < 0))
    slopes, gradient = np.where(blocked[..., None], 0.0, slopes), np.where(blocked, 0.0, gradient)
    hessian = slopes @ slopes.transpose(0, 2, 1)
    diagonal = np.einsum("rii->ri", hessian)
    # an exponent that nothing depends on, such as alpha where A = 0, stays too
    hessian = hessian + np.eye(len(cells.form)) * (damping[:, None] * diagonal + np.where(diagonal > 0, 1e-300, 1.0))[..., None]
    return np.clip(-np.linalg.solve(hessian, gradient[..., None])[..., 0], -1.0, 1.0)


def _put_on_bounds(
    c: NDArray, alpha: NDArray, beta1: NDArray, beta2: NDArray, cells: _Cells
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Take out terms that are roundoff: what does not fall with n goes to the next constant of its exponent in m, so too with m."""
    a, b, epsilon = c.T
    flat = a * -np.expm1(-alpha * np.ptp(cells.log_n)) < _SNAP
    into_b, into_epsilon = flat & (beta1 == beta2), flat & (beta1 == 0)
    b, epsilon = np.where(into_b, a + b, b), np.where(into_epsilon, a + epsilon, epsilon)
    flat = into_b | into_epsilon | (a < _SNAP)
    a, alpha = np.where(flat, 0.0, a), np.where(flat, 0.0, alpha)
    flat = np.where(beta1 == beta2, a + b, b) * -np.expm1(-beta2 * np.ptp(cells.log_m)) < _SNAP
    b, epsilon = np.where(flat, 0.0, b), np.where(flat, b + epsilon, epsilon)
    beta1, beta2 = np.where(flat & (beta1 == beta2) | (a == 0) & (beta1 != beta2), 0.0, beta1), np.where(flat, 0.0, beta2)
    b, epsilon = (np.where(value < _SNAP, 0.0, value) for value in (b, epsilon))
    return np.stack([a, b, epsilon], axis=1), alpha, beta1, beta2
