r"""UNIFAC: activity coefficients at infinite dilution of molecules, and Flory-Huggins chi of polymer and solvent.

Parameters are those of the package ``thermo`` (C. Bell et al., MIT licence): "unifac" is the original (Fredenslund, Jones and
Prausnitz, AIChE J. 21 (1975) 1086), "unifac 2.0" has all refitted and the missing ones filled in (Hayer et al., Chem. Eng. J. 504
(2025) 158667). ln gamma is the sum of Flory-Huggins' term from the volumes r, :math:`\ln(\phi_i/x_i) + 1 - \phi_i/x_i`; Staverman
and Guggenheim's from the surfaces q, :math:`-5 q_i [\ln(\phi_i/\theta_i) + 1 - \phi_i/\theta_i]`; and the residual of the groups,
:math:`\sum_k \nu_k (\ln\Gamma_k - \ln\Gamma_k^{(i)})`.

With Flory's activity (Principles of Polymer Chemistry, 1953, chapter XII), :math:`\ln a_1 = \ln \phi_1 + \phi_2 + \chi \phi_2^2`,
chi is what the last two leave, :math:`\chi(\phi_2) = (\ln\gamma_1^{SG} + \ln\gamma_1^{res}) / \phi_2^2`, with one repeat unit as
the polymer (after Oishi and Prausnitz, Ind. Eng. Chem. Process Des. Dev. 17 (1978) 333, without their free-volume term). It is
taken at a trace of solvent, phi_2 = 1, as inverse gas chromatography does; benchmarks/bench_unifac.py compares other choices with
measurements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from thermo import unifac

from sim2real.chemistry.simulators.unifac_groups import NoGroups, molecule_groups, unit_groups
from sim2real.chemistry.texts import listed

LOW_KELVIN, HIGH_KELVIN = 200.0, 600.0
POLYMER_FRACTION = 1.0  # segment fraction of the polymer at which chi is taken
VERSIONS = {"unifac": unifac.UFIP, "unifac 2.0": unifac.UF2IP}  # parameters a of main groups, K
MISSING_PARAMETER = "interaction parameter missing"
COORDINATION_HALF = 5.0  # half of Guggenheim's coordination number 10
PAIRS_AT_ONCE = 4096  # pairs at a time: bounds the memory to some 20 MB

Assign = Callable[[str], dict[int, int]]


def simulate_chi(
    polymers: Sequence[str],
    solvents: Sequence[str],
    temperatures: Sequence[float],
    *,
    version: str = "unifac 2.0",
    polymer_fraction: float = POLYMER_FRACTION,
) -> pd.DataFrame:
    """Flory-Huggins chi of pairs.

    Args:
        polymers, solvents, temperatures: repeat units, molecules, and K, each (pairs,).
        version: ``unifac 2.0`` or ``unifac`` (original).
        polymer_fraction: segment fraction of the polymer at which chi is taken, above 0 and up to 1 (a trace of solvent).

    Returns:
        Columns ``value``, NaN where there is none, and ``reason`` why not, else empty.

    Raises:
        ValueError: a temperature outside of 200 to 600 K, sequences of unequal lengths, an unknown version, or a fraction
            out of range.
    """
    if not 0 < polymer_fraction <= 1:
        raise ValueError(f"polymer_fraction must be above 0 and at most 1, got {polymer_fraction:g}")
    pairs = _Pairs.of((solvents, polymers), temperatures, version, solvent=molecule_groups, polymer=unit_groups)
    surface, residual = pairs.excess(polymer_fraction)
    return pairs.frame((surface + residual) / polymer_fraction**2)


def ln_gamma_infinite(
    solutes: Sequence[str], solvents: Sequence[str], temperatures: Sequence[float], version: str = "unifac"
) -> pd.DataFrame:
    """Natural logarithm of the activity coefficient of solutes at infinite dilution in solvents (pairs,); temperatures (K),
    columns and errors as :func:`simulate_chi`. A parameter that original UNIFAC never fitted is a reason, not zero as in
    thermo.
    """
    pairs = _Pairs.of((solutes, solvents), temperatures, version, solute=molecule_groups, solvent=molecule_groups)
    surface, residual = pairs.excess(1.0)
    ratio = pairs.table.r[pairs.first] / pairs.table.r[pairs.second]
    return pairs.frame(np.log(ratio) + 1 - ratio + surface + residual)


@dataclass(frozen=True)
class _Table:
    """Groups of distinct structures: ``counts`` (structures, groups), the groups' sizes and the structures' r and q."""

    subgroups: list[int]
    counts: np.ndarray
    Q: np.ndarray
    r: np.ndarray
    q: np.ndarray

    @classmethod
    def of(cls, assignments: list[dict[int, int]]) -> _Table:
        subgroups = sorted({group for groups in assignments for group in groups})
        counts = np.array([[groups.get(g, 0) for g in subgroups] for groups in assignments], dtype=float)
        counts = counts.reshape(len(assignments), len(subgroups))
        R, Q = (np.array([getattr(unifac.UFSG[g], size) for g in subgroups], dtype=float) for size in "RQ")
        return cls(subgroups, counts, Q, counts @ R, counts @ Q)


@dataclass(frozen=True)
class _Pairs:
    """Pairs of structures whose groups and parameters are known, and why the others are not."""

    table: _Table
    first: np.ndarray  # (good pairs,) rows of the table
    second: np.ndarray
    kelvin: np.ndarray  # (good pairs,)
    parameters: np.ndarray  # a (groups, groups) in K
    good: np.ndarray  # (good pairs,) positions among all pairs
    reasons: np.ndarray  # (pairs,), empty for the good ones

    @classmethod
    def of(
        cls, texts: tuple[Sequence[str], Sequence[str]], temperatures: Sequence[float], version: str, **assign: Assign
    ) -> _Pairs:
        """``assign`` gives for either side, by its name, what finds a structure's groups."""
        sides, (first, second) = tuple(assign), tuple(map(listed, texts))
        if version not in VERSIONS:
            raise ValueError(f"unknown version {version!r}; expected {' or '.join(VERSIONS)}")
        kelvin = np.asarray(temperatures, dtype=np.float64)
        wrong = np.flatnonzero(~((kelvin >= LOW_KELVIN) & (kelvin <= HIGH_KELVIN)))
        if len(wrong):
            what = f"temperature {kelvin[wrong[0]]:g} of pair {wrong[0]} is not within {LOW_KELVIN:g} to {HIGH_KELVIN:g} K"
            raise ValueError(f"{what}; it may be in deg C: add 273.15")
        if not len(first) == len(second) == len(kelvin):
            counts = f"{len(first)} {sides[0]}s, {len(second)} {sides[1]}s and {len(kelvin)} temperatures"
            raise ValueError(f"{counts}; expected as many of each")
        assignments: list[dict[int, int]] = []
        rows, faults = zip(*(_assign(side, assign[name], name, assignments) for side, name in zip(texts, sides)))
        reasons = np.array([faults[0].get(a) or faults[1].get(b, "") for a, b in zip(first, second)], dtype=object)
        good = np.flatnonzero(reasons == "")
        table = _Table.of(assignments)
        left, right = (np.array([row[side[k]] for k in good], dtype=int) for row, side in zip(rows, texts))
        parameters = _parameters(version, tuple(unifac.UFSG[g].main_group_id for g in table.subgroups))
        lacking = _lacking(table.counts, np.isnan(parameters), left, right)
        reasons[good[lacking]] = MISSING_PARAMETER
        return cls(table, left[~lacking], right[~lacking], kelvin[good[~lacking]], parameters, good[~lacking], reasons)

    def excess(self, fraction: float) -> tuple[np.ndarray, np.ndarray]:
        """The first partner's Staverman-Guggenheim and residual ln gamma (good pairs,) at this segment fraction of the second."""
        t, left, right = self.table, self.first, self.second
        moles = (1 - fraction) / t.r[left], fraction / t.r[right]
        # phi/x and theta/x of the first partner: of a trace, too
        volume = t.r[left] / (moles[0] * t.r[left] + moles[1] * t.r[right])
        area = t.q[left] / (moles[0] * t.q[left] + moles[1] * t.q[right])
        surface = -COORDINATION_HALF * t.q[left] * (np.log(volume / area) + 1 - volume / area)
        residual = np.empty(len(left))
        for kelvin in np.unique(self.kelvin):
            psi = np.exp(-np.nan_to_num(self.parameters) / kelvin)
            at = np.flatnonzero(self.kelvin == kelvin)
            alone, place = np.unique(left[at], return_inverse=True)
            own = _ln_group_gamma(t.counts[alone], t.Q, psi)
            for start in range(0, len(at), PAIRS_AT_ONCE):
                part = at[start : start + PAIRS_AT_ONCE]
                mixed = moles[0][part, None] * t.counts[left[part]] + moles[1][part, None] * t.counts[right[part]]
                change = _ln_group_gamma(mixed, t.Q, psi) - own[place[start : start + PAIRS_AT_ONCE]]
                residual[part] = (t.counts[left[part]] * change).sum(axis=1)
        return surface, residual

    def frame(self, values: np.ndarray) -> pd.DataFrame:
        """Values of the good pairs in the order of all pairs."""
        everything = np.full(len(self.reasons), np.nan)
        everything[self.good] = values
        return pd.DataFrame({"value": everything, "reason": self.reasons})


def _assign(
    structures: Sequence[str], assign: Assign, side: str, assignments: list[dict[int, int]]
) -> tuple[dict[str, int], dict[str, str]]:
    """Row in ``assignments``, which grows, of every structure that has groups, and the reason for every other."""
    rows, faults = {}, {}
    for text in dict.fromkeys(structures):
        try:
            groups = assign(text)
        except NoGroups as error:
            faults[text] = f"{side}: {error}"
            continue
        rows[text] = len(assignments)
        assignments.append(groups)
    return rows, faults


@lru_cache(maxsize=8)
def _parameters(version: str, mains: tuple[int, ...]) -> np.ndarray:
    """a (groups, groups) in K between main groups, NaN where it is not known."""
    known = VERSIONS[version]
    rows = [[0.0 if m == n else known.get(m, {}).get(n, np.nan) for n in mains] for m in mains]
    return np.array(rows).reshape(len(mains), len(mains))


def _lacking(counts: np.ndarray, unknown: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Which pairs hold two groups (both in one partner, or one in each) whose parameter is unknown."""
    has = (counts > 0).astype(float)
    clashes = has @ unknown.astype(float)  # unknown parameters that groups of a structure have with each group
    alone = np.einsum("sg,sg->s", clashes, has) > 0
    both = ((clashes[left] * has[right]).sum(axis=1) + (clashes[right] * has[left]).sum(axis=1)) > 0
    return alone[left] | alone[right] | both


def _ln_group_gamma(groups: np.ndarray, Q: np.ndarray, psi: np.ndarray) -> np.ndarray:
    """ln Gamma of every group in mixtures (mixtures, groups) of these amounts; psi[m, k] is of the energy of m with k."""
    theta = groups * Q
    theta /= theta.sum(axis=1, keepdims=True)
    sums = theta @ psi
    return Q * (1 - np.log(sums) - (theta / sums) @ psi.T)
