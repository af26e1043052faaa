"""The Wiedemann-Franz law, kappa = L sigma T; lattice vibrations carry heat alone, so that it is an upper limit of sigma."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.constants import e, k, pi

# W Ohm K^-2: pi^2/3 (k_B/e)^2, Sommerfeld's value for a degenerate electron gas, 2.44e-8 as printed in the paper
LORENZ_NUMBER = pi**2 / 3 * (k / e) ** 2
ROOM_TEMPERATURE = 300.0  # K, of the paper's data
GROUP_SHARE = 0.1  # of the compounds with both conductivities, as in Figure 6
WF, NON_WF, BETWEEN, UNKNOWN = "WF", "non-WF", "between", ""


def electronic_conductivity(kappa: ArrayLike, temperature: float = ROOM_TEMPERATURE) -> np.ndarray:
    """sigma = kappa / (L T) in S/m, if electrons carried all of the heat: kappa in W/(m K), of any shape, NaN where unknown, and
    temperature in K; a ValueError unless both are positive.
    """
    kappa = np.asarray(kappa, dtype=float)
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature} K; expected a positive number")
    if np.any(kappa <= 0):
        raise ValueError(f"thermal conductivity of {kappa[kappa <= 0].flat[0]} W/(m K); expected positive numbers")
    return kappa / (LORENZ_NUMBER * temperature)


def log_lorenz_ratio(log_kappa: ArrayLike, log_sigma: ArrayLike, temperature: float = ROOM_TEMPERATURE) -> np.ndarray:
    """log10(kappa / (L sigma T)) in decades, from log10 of kappa in W/(m K) and of sigma in S/m, and T in K: about zero in metals,
    positive where the lattice conducts heat, too.
    """
    return np.asarray(log_kappa, float) - np.asarray(log_sigma, float) - np.log10(LORENZ_NUMBER * temperature)


def wf_groups(log_ratio: ArrayLike, share: float = GROUP_SHARE) -> np.ndarray:
    """``WF`` for the compounds nearest to the law, ``non-WF`` for the farthest, ``share`` of the known each (ValueError above
    one half), the others ``between``; empty where :func:`log_lorenz_ratio` is NaN. Of equally far ones the first are nearer.
    """
    if not 0 < share <= 0.5:
        raise ValueError(f"share is {share}; expected more than 0 and at most 0.5")
    distance = np.abs(np.asarray(log_ratio, dtype=float))
    known = np.flatnonzero(np.isfinite(distance))
    groups = np.full(len(distance), UNKNOWN, dtype=object)
    groups[known] = BETWEEN
    order = known[np.argsort(distance[known], kind="stable")]
    count = int(share * len(known))
    groups[order[:count]] = WF
    groups[order[len(order) - count :]] = NON_WF
    return groups
