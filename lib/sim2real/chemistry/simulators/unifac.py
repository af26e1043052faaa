r"""UNIFAC: the residual of groups, :math:`\sum_k \nu_k (\ln\Gamma_k - \ln\Gamma_k^{(i)})`.

Parameters are those of the package ``thermo`` (C. Bell et al., MIT licence): "unifac" is the original (Fredenslund, Jones and
Prausnitz, AIChE J. 21 (1975) 1086), "unifac 2.0" has all refitted and the missing ones filled in (Hayer et al., Chem. Eng. J. 504
(2025) 158667). A parameter that original UNIFAC never fitted is a reason, not zero as in thermo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from thermo import unifac

from sim2real.chemistry.simulators.mixing import Mixtures, Pairs
from sim2real.chemistry.simulators.unifac_groups import groups_of

VERSIONS = {"unifac": unifac.UFIP, "unifac 2.0": unifac.UF2IP}  # parameters a of main groups, K
MISSING_PARAMETER = "interaction parameter missing"


@dataclass(frozen=True)
class GroupMixtures(Mixtures):
    """Mixtures by UNIFAC, whose ``pairs`` know the groups of their structures."""

    counts: NDArray[np.float64]  # (structures, groups)
    Q: NDArray[np.float64]  # (groups,)
    parameters: NDArray[np.float64]  # a (groups, groups) in K, NaN where it is not known

    @classmethod
    def of(
        cls, texts: tuple[Sequence[str], Sequence[str]], temperatures: Sequence[float], version: str, **stars: int
    ) -> GroupMixtures:
        """Errors as :meth:`Pairs.of`; ``stars`` says for either side, by its name, whether it is molecules (0) or units (2)."""
        pairs = Pairs.of(texts, temperatures, **{side: partial(groups_of, stars=ends) for side, ends in stars.items()})
        subgroups = sorted({group for groups in pairs.known for group in groups})
        counts = np.array([[groups.get(g, 0) for g in subgroups] for groups in pairs.known], dtype=float)
        counts = counts.reshape(len(pairs.known), len(subgroups))
        R, Q = (np.array([getattr(unifac.UFSG[g], size) for g in subgroups], dtype=float) for size in "RQ")
        parameters = _parameters(version, tuple(unifac.UFSG[g].main_group_id for g in subgroups))
        lacking = _lacking(counts, np.isnan(parameters), pairs.first, pairs.second)
        return cls(pairs.without(lacking, MISSING_PARAMETER), counts @ R, counts @ Q, counts, Q, parameters)

    def residual(self, moles: tuple[NDArray, NDArray]) -> NDArray[np.float64]:
        left, right, residual = self.pairs.first, self.pairs.second, np.empty(len(moles[0]))
        for kelvin, at in self.pairs.batches():
            psi = np.exp(-np.nan_to_num(self.parameters) / kelvin)
            alone, place = np.unique(left[at], return_inverse=True)
            own = _ln_group_gamma(self.counts[alone], self.Q, psi)
            mixed = moles[0][at, None] * self.counts[left[at]] + moles[1][at, None] * self.counts[right[at]]
            residual[at] = (self.counts[left[at]] * (_ln_group_gamma(mixed, self.Q, psi) - own[place])).sum(axis=1)
        return residual


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
