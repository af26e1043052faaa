r"""What models of activity coefficients share: pairs of structures, and chi from ln gamma.

ln gamma is the sum of Flory-Huggins' term from the volumes r, :math:`\ln(\phi_i/x_i) + 1 - \phi_i/x_i`; Staverman and Guggenheim's
from the surfaces q, :math:`-5 q_i [\ln(\phi_i/\theta_i) + 1 - \phi_i/\theta_i]`; and the model's own residual.

With Flory's activity (Principles of Polymer Chemistry, 1953, chapter XII), :math:`\ln a_1 = \ln \phi_1 + \phi_2 + \chi \phi_2^2`,
chi is what the last two leave, :math:`\chi(\phi_2) = (\ln\gamma_1^{SG} + \ln\gamma_1^{res}) / \phi_2^2`, with one repeat unit as
the polymer (after Oishi and Prausnitz, Ind. Eng. Chem. Process Des. Dev. 17 (1978) 333, without their free-volume term). It is
taken at a trace of solvent, phi_2 = 1, as inverse gas chromatography does; benchmarks/bench_unifac.py compares other choices with
measurements. The reference volume is the solvent's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim2real.chemistry.texts import listed

LOW_KELVIN, HIGH_KELVIN = 200.0, 600.0
POLYMER_FRACTION = 1.0  # segment fraction of the polymer at which chi is taken
COORDINATION_HALF = 5.0  # half of Guggenheim's coordination number 10
PAIRS_AT_ONCE = 4096  # pairs at a time: bounds the memory to some 20 MB

Find = Callable[[str], Any]


class NotSimulated(ValueError):
    """A model does not know a structure; the message is the reason, the same words for the same reason."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of structures that a model knows, and why it does not know the others."""

    known: list[Any]  # what it knows of each distinct structure
    first: NDArray[np.int64]  # (good pairs,) places in ``known``
    second: NDArray[np.int64]
    kelvin: NDArray[np.float64]  # (good pairs,)
    good: NDArray[np.int64]  # (good pairs,) positions among all pairs
    reasons: NDArray[np.object_]  # (pairs,), empty for the good ones

    @classmethod
    def of(cls, texts: tuple[Sequence[str], Sequence[str]], temperatures: Sequence[float], **find: Find) -> Pairs:
        """``find`` gives for either side, by its name, what finds a structure, or raises :class:`NotSimulated`.

        Raises:
            ValueError: a temperature outside of 200 to 600 K, or sequences of unequal lengths.
        """
        sides, (first, second) = tuple(find), tuple(map(listed, texts))
        kelvin = np.asarray(temperatures, dtype=np.float64)
        wrong = np.flatnonzero(~((kelvin >= LOW_KELVIN) & (kelvin <= HIGH_KELVIN)))
        if len(wrong):
            what = f"temperature {kelvin[wrong[0]]:g} of pair {wrong[0]} is not within {LOW_KELVIN:g} to {HIGH_KELVIN:g} K"
            raise ValueError(f"{what}; it may be in deg C: add 273.15")
        if not len(first) == len(second) == len(kelvin):
            counts = f"{len(first)} {sides[0]}s, {len(second)} {sides[1]}s and {len(kelvin)} temperatures"
            raise ValueError(f"{counts}; expected as many of each")
        known: list[Any] = []
        places, faults = zip(*(_find(side, find[name], name, known) for side, name in zip((first, second), sides)))
        reasons = np.array([faults[0].get(a) or faults[1].get(b, "") for a, b in zip(first, second)], dtype=object)
        good = np.flatnonzero(reasons == "")
        left, right = (np.array([place[side[k]] for k in good], dtype=int) for place, side in zip(places, (first, second)))
        return cls(known, left, right, kelvin[good], good, reasons)

    def without(self, lacking: NDArray[np.bool_], reason: str) -> Pairs:
        """The same without these of the good pairs."""
        reasons = self.reasons.copy()
        reasons[self.good[lacking]] = reason
        kept = {name: getattr(self, name)[~lacking] for name in ("first", "second", "kelvin", "good")}
        return replace(self, **kept, reasons=reasons)

    def frame(self, values: NDArray[np.float64]) -> pd.DataFrame:
        """Values of the good pairs in the order of all pairs: ``value``, NaN where there is none, and ``reason``."""
        everything = np.full(len(self.reasons), np.nan)
        everything[self.good] = values
        return pd.DataFrame({"value": everything, "reason": self.reasons})

    def batches(self) -> Iterator[tuple[float, NDArray[np.int64]]]:
        """Good pairs of one temperature (K), at most :data:`PAIRS_AT_ONCE` at a time."""
        for kelvin in np.unique(self.kelvin):
            at = np.flatnonzero(self.kelvin == kelvin)
            yield from ((kelvin, at[start : start + PAIRS_AT_ONCE]) for start in range(0, len(at), PAIRS_AT_ONCE))


@dataclass(frozen=True)
class Mixtures(ABC):
    """What a model says of pairs: r and q (structures,) of what the pairs know, and the residual."""

    pairs: Pairs
    r: NDArray[np.float64]
    q: NDArray[np.float64]

    @abstractmethod
    def residual(self, moles: tuple[NDArray, NDArray]) -> NDArray[np.float64]:
        """The first partner's residual ln gamma (good pairs,) in mixtures of these amounts, both (good pairs,)."""

    def chi(self, polymer_fraction: float = POLYMER_FRACTION) -> pd.DataFrame:
        """Chi of the first partner, a solvent, with the second, a repeat unit, at a segment fraction above 0 and up to 1.

        Returns:
            Columns ``value``, NaN where there is none, and ``reason`` why not, else empty.
        """
        if not 0 < polymer_fraction <= 1:
            raise ValueError(f"polymer_fraction must be above 0 and at most 1, got {polymer_fraction:g}")
        surface, residual = self._excess(polymer_fraction)
        return self.pairs.frame((surface + residual) / polymer_fraction**2)

    def ln_gamma_infinite(self) -> pd.DataFrame:
        """ln gamma of the first partner at infinite dilution in the second; columns as :meth:`chi`."""
        ratio = self.r[self.pairs.first] / self.r[self.pairs.second]
        surface, residual = self._excess(1.0)
        return self.pairs.frame(np.log(ratio) + 1 - ratio + surface + residual)

    def _excess(self, fraction: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The first partner's Staverman-Guggenheim and residual ln gamma at this segment fraction of the second."""
        r, q = (np.stack([size[self.pairs.first], size[self.pairs.second]]) for size in (self.r, self.q))
        moles = (1 - fraction) / r[0], fraction / r[1]
        # phi/x and theta/x of the first partner: of a trace, too
        volume, area = (size[0] / (moles[0] * size[0] + moles[1] * size[1]) for size in (r, q))
        surface = -COORDINATION_HALF * q[0] * (np.log(volume / area) + 1 - volume / area)
        return surface, self.residual(moles)


def _find(structures: Sequence[str], find: Find, side: str, known: list[Any]) -> tuple[dict[str, int], dict[str, str]]:
    """Place in ``known``, which grows, of every structure that is known, and the reason for every other."""
    places, faults = {}, {}
    for text in dict.fromkeys(structures):
        try:
            found = find(text)
        except NotSimulated as error:
            faults[text] = f"{side}: {error}"
            continue
        places[text] = len(known)
        known.append(found)
    return places, faults
