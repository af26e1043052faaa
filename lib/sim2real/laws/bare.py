"""Errors that anyone's learner had at some sizes: a bare table of n, error and, where there are, trial and m becomes a curve."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim2real.datasets.files import read_file
from sim2real.datasets.numbers import Numbers
from sim2real.datasets.task import DataError
from sim2real.datasets.values import Source, numbers_of
from sim2real.laws import findings
from sim2real.laws.bootstrap import BOOTSTRAP, Bootstrap, Difference, paired_difference
from sim2real.laws.curve import Curve, LearningCurve, Level
from sim2real.laws.power import Prior, fit_power_law
from sim2real.laws.records import Band, Facts
from sim2real.laws.substitution import marginal_rate

FEWEST = 3  # sizes


def bare_curve(
    errors: Source, *, name: str = "errors", unit: str = "-", bootstrap: Bootstrap = BOOTSTRAP, prior: Prior | None = None
) -> LearningCurve:
    """A learning curve, with its law, verdict and forecast, of errors that were had elsewhere.

    Args:
        errors: a file or a DataFrame with a row for each error, in one unit: columns ``n``, ``error`` and, where there are,
            ``trial`` and ``m``. Trials of one number are paired; without numbers, rows of one n are trials in their order. Rows of
            n = 0 are direct learning. Of several m the curve is that of the largest; of a whole grid of three or more the verdict
            says what a measurement is worth.
        name: of the table, for messages and figures; a file has its own.
        unit: of the errors.
        bootstrap: how intervals are made.
        prior: what is known of such curves, such as :data:`~sim2real.laws.power.PRIOR`.

    Raises:
        DataError: a missing column, a value that cannot be used, fewer than three n, or a trial without some n that others
            have: one line.
    """
    name = Path(errors).name if isinstance(errors, str | Path) else name
    table = _checked(errors if isinstance(errors, pd.DataFrame) else read_file(errors).frame, name)
    m = int(table["m"].max()) if len(table) else 0
    grid = table[table["n"] > 0].pivot(index=["trial"], columns=["n", "m"], values="error")
    if len(gaps := np.argwhere(grid.isna().to_numpy())):
        n, of_m = grid.columns[gaps[0, 1]]
        raise DataError(f"{name}: trial {grid.index[gaps[0, 0]]} has no error at {_place(n, of_m)}; every trial needs every size")
    sizes = tuple(sorted(int(n) for n, of_m in grid.columns if of_m == m))
    if len(sizes) < FEWEST:
        raise DataError(f"{name}: {len(sizes)} different n above 0{_at(m)}; a law needs at least {FEWEST}")
    own = grid[[(n, m) for n in sizes]]
    facts = Facts(name, "", "error", unit, *_sides(name, sizes[-1], m), "keep", 0, len(grid), len(grid), list(sizes), [m])
    values = own.to_numpy()
    if len(grid) < 2:
        band, changes = Band(*[values[0]] * 3), None
        law = bootstrap.residuals(sizes, values[0], prior) if len(sizes) > FEWEST else fit_power_law(sizes, values[0], prior=prior)
    else:
        over_trials = bootstrap.trials(values)
        band, law = Band.of(over_trials), over_trials.law(sizes, prior)
        changes = (over_trials.change(),) * 2
    arms, alone = _direct(table, name, grid.index, values[:, -1], m, bootstrap)
    said = findings.of_curve(facts, sizes, m, law, changes, float(band.mae[-1]), alone)
    if len(grid) > 1 and (worth := _worth(facts, grid, bootstrap)) is not None:
        said = findings.Findings.together([said, worth])
    return LearningCurve(facts, Curve("n", sizes, m, band, law), arms, said)


def _checked(errors: pd.DataFrame, name: str) -> pd.DataFrame:
    table = errors.rename(columns=lambda column: str(column).strip().lower())
    for column in ("n", "error", "trial", "m"):
        if (count := list(table.columns).count(column)) > 1 or not count and column in ("n", "error"):
            found = f"{count} columns" if count else "no column"
            raise DataError(f"{name}: {found} {column!r}; expected n, error and, where there are, trial and m")
    for column in table.columns.intersection(["n", "error", "trial", "m"]):
        if not pd.api.types.is_numeric_dtype(table[column]):
            table[column] = table[column].map(_reader(numbers_of(name, table, column)))
    table = table.assign(**{column: 0 for column in ("m",) if column not in table})
    for column, least, what in (("n", 0, "a whole number from 0"), ("error", None, "a number above 0"), ("m", 0, "a whole number")):
        numbers = pd.to_numeric(table[column], errors="coerce")
        good = np.isfinite(numbers) & (numbers > 0 if least is None else (numbers >= least) & (numbers % 1 == 0))
        if not good.all():
            row = table.index[~good][0]
            raise DataError(f"{name}, row {row}, column {column!r}: {table.loc[[row], column].iloc[0]}; expected {what}")
        table[column] = numbers if least is None else numbers.astype(int)
    if "trial" not in table:
        table["trial"] = table.groupby(["n", "m"]).cumcount()
    elif (missing := table["trial"].isna()).any():
        raise DataError(f"{name}, row {table.index[missing][0]}, column 'trial': nothing there; expected a number or a name")
    if len(twice := table[table.duplicated(["n", "m", "trial"])]):
        n, m, trial = twice.iloc[0][["n", "m", "trial"]]
        raise DataError(f"{name}: two errors of trial {str(trial).removesuffix('.0')} at {_place(n, m)}; expected one")
    return table


def _reader(numbers: Numbers) -> Callable[[object], object]:
    """What makes a text the number that it is meant as, and leaves what is none as it stands."""

    def read(cell: object) -> object:
        try:
            return numbers.read(cell)
        except ValueError:
            return cell

    return read


def _place(n: float, m: float) -> str:
    return f"n = {n:g}{_at(m)}"


def _at(m: float) -> str:
    return f", m = {m:g}" if m else ""


def _direct(
    table: pd.DataFrame, name: str, trials: pd.Index, transfer: NDArray, m: int, bootstrap: Bootstrap
) -> tuple[dict[str, Level], tuple | None]:
    rows = table[(table["n"] == 0) & (table["m"] == m)].set_index("trial")["error"]
    if len(rows) and len(alone := trials.symmetric_difference(rows.index)):
        raise DataError(f"{name}: trial {alone[0]} has not both n = 0 and n above it{_at(m)}; give both in all trials, or no n = 0")
    if not len(rows):
        return {}, None
    direct = rows.reindex(trials).to_numpy()
    if len(rows) == 1:  # a difference without a standard error
        return {}, (float(direct[0]), Difference(float(transfer[0] - direct[0]), np.inf, 1))
    level = Level(Band.of(bootstrap.trials(direct)), paired_difference(transfer, direct))
    return {"direct": level}, (float(direct.mean()), level.difference)


def _worth(facts: Facts, grid: pd.DataFrame, bootstrap: Bootstrap) -> findings.Findings | None:
    """What a measurement is worth, where there is a whole grid of three or more n and m."""
    n, m = (sorted(set(grid.columns.get_level_values(axis))) for axis in ("n", "m"))
    if min(len(n), len(m)) < FEWEST or len(grid.columns) < len(n) * len(m):
        return None
    cells = bootstrap.trials(grid[list(product(n, m))].to_numpy().reshape(len(grid), len(n), len(m)))
    surface, by_curves = cells.surface(n, m), marginal_rate(n, m, cells)
    edge = Facts(**vars(facts) | {"n": n, "m": m})
    return findings.of_surface(edge, surface.rate(n[-1], m[-1], bootstrap.level), by_curves.identified, surface)


def _sides(name: str, n: int, m: int) -> tuple[dict, dict]:
    """What figures say of the two sides."""
    side = {"licence": "not stated", "citation": name, "report": {}}
    return side | {"name": "simulations", "rows": n}, side | {"name": "measurements", "rows": m}
