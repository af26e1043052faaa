r"""COSMO-SAC 2010 (Hsieh, Sandler and Lin, Fluid Phase Equilib. 297 (2010) 90): the residual of surface segments of sigma profiles.

:math:`\ln\gamma_1^{res} = \frac{1}{a_{eff}} \sum_m A_1(m) [\ln\Gamma(m) - \ln\Gamma_1(m)]` over segments m with areas A. For
shares p of the surface, :math:`\ln\Gamma(m) = -\ln \sum_n p(n)\,\Gamma(n) \exp(-\Delta W(m, n)/RT)`. Two segments have the energy
:math:`\Delta W = (A_{ES} + B_{ES}/T^2)(\sigma_m + \sigma_n)^2 - c_{hb}(\sigma_m - \sigma_n)^2`, the last where they are of opposite
sign, a donor and an acceptor.

Nothing here was fitted to chi. The constants were fitted by their authors to measured equilibria of small molecules, with sigma
profiles of DFT; one factor on sigma makes up for AM1, which is less polar.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sim2real.chemistry.simulators.constants import GAS
from sim2real.chemistry.simulators.mixing import Mixtures, Pairs
from sim2real.chemistry.simulators.surfaces import EFFECTIVE_AREA, GRID, HYDROXYL, OTHER, PLAIN, SigmaProfile, binned

# Hsieh et al. (2010), table 1, energies in kcal/mol and lengths in A
A_ES, B_ES = 6525.69, 1.4859e8  # A^4/e^2, A^4 K^2/e^2
C_HB = {(HYDROXYL, HYDROXYL): 4013.78, (OTHER, OTHER): 932.31, (HYDROXYL, OTHER): 3016.43}  # A^4/e^2
BONDING = 0.007  # e/A^2: of a donor's or acceptor's surface the share 1 - exp(-sigma^2 / 2 BONDING^2) bonds
VOLUME, AREA = 66.69, 79.53  # A^3 and A^2 for which r and q are 1
KCAL = GAS / 4184.0  # gas constant in kcal/(mol K)
# On AM1's charge densities: of SIGMA_FACTORS the one with the smallest error of ln gamma at infinite dilution on half of the
# mixtures of the embedded twin's target; the other half is the one to quote (scripts/check_cosmo_sac.py prints both)
SIGMA_FACTOR, SIGMA_FACTORS = 1.05, (0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2)
TOLERANCE, MOST_STEPS = 1e-9, 5000  # of the iteration for Gamma, relative
MOST_KEPT = 20_000  # structures and temperatures whose Gamma are kept: 50 MB


@dataclass(frozen=True)
class SurfaceMixtures(Mixtures):
    """Mixtures by COSMO-SAC, whose ``pairs`` know the sigma profiles of their structures."""

    areas: NDArray[np.float64]  # (structures, 153) in A^2

    @classmethod
    def of(
        cls,
        texts: tuple[Sequence[str], Sequence[str]],
        temperatures: Sequence[float],
        profile: Callable[..., SigmaProfile],
        factor: float = SIGMA_FACTOR,
        **stars: int,
    ) -> SurfaceMixtures:
        """Errors and ``stars`` as :meth:`GroupMixtures.of`; ``profile`` of a SMILES and its ``stars``, or NotSimulated."""
        pairs = Pairs.of(texts, temperatures, **{side: partial(profile, stars=ends) for side, ends in stars.items()})
        areas = np.array([bonding_areas(known.areas, factor) for known in pairs.known]).reshape(len(pairs.known), 3 * len(GRID))
        volumes = np.array([known.volume for known in pairs.known], dtype=float)
        return cls(pairs, volumes / VOLUME, areas.sum(axis=1) / AREA, areas)

    def residual(self, moles: tuple[NDArray, NDArray]) -> NDArray[np.float64]:
        first, second, residual = self.pairs.first, self.pairs.second, np.empty(len(moles[0]))
        for kelvin, at in self.pairs.batches():
            alone, own = np.unique(np.stack([first[at], second[at]]), return_inverse=True)
            pure, own = _pure(self.areas[alone], kelvin), own.reshape(2, -1)
            mixed = pure[own[1]]  # with no more than a trace of the first partner
            if moles[0][at].any():
                mixture = moles[0][at, None] * self.areas[first[at]] + moles[1][at, None] * self.areas[second[at]]
                mixed = ln_segment_gamma(mixture, kelvin)
            residual[at] = np.einsum("pm,pm->p", self.areas[first[at]], mixed - pure[own[0]]) / EFFECTIVE_AREA
        return residual


def bonding_areas(areas: NDArray[np.float64], factor: float = SIGMA_FACTOR) -> NDArray[np.float64]:
    """Areas (153,) in A^2 of the segments that interact: all charge densities times a factor, and of donors and acceptors the share
    that does not bond given to the plain ones.
    """
    scaled = np.array([binned(factor * GRID, of) for of in areas])
    share = 1 - np.exp(-(GRID**2) / (2 * BONDING**2))
    scaled[PLAIN] += (scaled[PLAIN + 1 :] * (1 - share)).sum(axis=0)
    scaled[PLAIN + 1 :] *= share
    return scaled.ravel()


def exchange_energies(kelvin: float) -> NDArray[np.float64]:
    """Delta W (153, 153) of two segments in kcal/mol."""
    sums, differences = (GRID[:, None] + GRID) ** 2, (GRID[:, None] - GRID) ** 2
    opposite = GRID[:, None] * GRID < 0
    misfit = (A_ES + B_ES / kelvin**2) * sums
    kinds = (PLAIN, HYDROXYL, OTHER)
    strengths = [[C_HB.get((min(a, b), max(a, b)), 0.0) for b in kinds] for a in kinds]
    return np.block([[misfit - c * differences * opposite for c in row] for row in strengths])


def ln_segment_gamma(areas: NDArray[np.float64], kelvin: float) -> NDArray[np.float64]:
    """ln Gamma of every segment in mixtures (mixtures, 153) of these areas, by iteration with a mean of the old and new Gamma."""
    shares = areas / areas.sum(axis=1, keepdims=True)
    boltzmann = np.exp(-exchange_energies(kelvin) / (KCAL * kelvin))
    found, waiting, gamma = np.empty_like(shares), np.arange(len(shares)), np.ones_like(shares)
    for _ in range(MOST_STEPS):
        new = 1 / ((shares[waiting] * gamma) @ boltzmann)
        done = np.abs(new / gamma - 1).max(axis=1, initial=0.0) < TOLERANCE
        found[waiting[done]] = np.log(new[done])
        waiting, gamma = waiting[~done], ((gamma + new) / 2)[~done]
        if not len(waiting):
            return found
    raise RuntimeError(f"segment activity coefficients did not converge in {MOST_STEPS} steps")


_PURE: dict[tuple[bytes, float], NDArray[np.float64]] = {}


def _pure(areas: NDArray[np.float64], kelvin: float) -> NDArray[np.float64]:
    """:func:`ln_segment_gamma` of pure structures, of each once: pairs are drawn and simulated in small batches."""
    keys = [(own.tobytes(), kelvin) for own in areas]
    new = [k for k, key in enumerate(keys) if key not in _PURE]
    if new:
        if len(_PURE) + len(new) > MOST_KEPT:
            _PURE.clear()
            new = list(range(len(keys)))
        _PURE.update(zip((keys[k] for k in new), ln_segment_gamma(areas[new], kelvin)))
    return np.array([_PURE[key] for key in keys]).reshape(areas.shape)
