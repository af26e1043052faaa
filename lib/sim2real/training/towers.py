"""Networks of pairs (Minami et al., npj Comput. Mater. 11, 146 (2025), Fig. 3; Aoki et al., Macromolecules 56, 5446 (2023)): a
shared tower of each molecule, their distance, then heads for measured and simulated values. Inputs: both descriptors, T, 1/T.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from sim2real.training.networks import Layout, StackedLinear, drop_out
from sim2real.training.scalers import InputScalers

CONDITIONS = 2  # T and 1/T, the last columns of a pair
DISTANCES = ("components", "norm")
TEMPERATURE_AT = ("tower", "head")


@dataclass(frozen=True)
class PairNetwork:
    """Layers of the tower (``sizes``) and of each ``head``; ``distance`` is ``components``, the squared difference of each latent
    number, or ``norm``, the Euclidean one; ``temperature`` enters the ``tower`` or the ``head``.
    """

    sizes: tuple[int, ...] = (128, 64, 32)
    head: tuple[int, ...] = (16,)
    distance: str = "components"
    temperature: str = "tower"
    inputs: str = "standard"
    outputs: str = "standard"

    def __post_init__(self) -> None:
        for what, value, known in (("distance", self.distance, DISTANCES), ("temperature", self.temperature, TEMPERATURE_AT)):
            if value not in known:
                raise ValueError(f"unknown {what} {value!r}; expected one of {', '.join(known)}")

    def widths(self, columns: int) -> dict[str, tuple[int, ...]]:
        """Units per layer of the tower and of a head, for pairs of this many columns; the first is the input, a head ends in 1."""
        warm = CONDITIONS if self.temperature == "tower" else 0
        separation = 1 if self.distance == "norm" else self.sizes[-1]
        # one more input tells a polymer (1) from a solvent (0)
        tower = (descriptor_width(columns) + 1 + warm, *self.sizes)
        return {"tower": tower, "head": (separation + CONDITIONS - warm, *self.head, 1)}


def descriptor_width(columns: int) -> int:
    """Numbers that describe one molecule of a pair with this many columns; a ValueError if these cannot be pairs."""
    width, rest = divmod(columns - CONDITIONS, 2)
    if rest or width < 1:
        raise ValueError(f"a pair of {columns} columns; expected two descriptors of equal width and {CONDITIONS} conditions")
    return width


class StackedTowers(nn.Module):
    """K networks of pairs of so many columns; a unit of the tower, not a latent number, may drop out of a training step."""

    def __init__(self, shape: PairNetwork, columns: int, generators: Sequence[torch.Generator], dropout: float = 0.0) -> None:
        super().__init__()
        self.shape, self.width, self.dropout, self.generators = shape, descriptor_width(columns), dropout, list(generators)
        widths = shape.widths(columns)
        self.tower = nn.ModuleList(StackedLinear(a, b, generators) for a, b in pairwise(widths["tower"]))
        self.heads = nn.ModuleDict()
        for name in ("measured", "simulated"):
            # a small last layer: the first predictions are near the mean of the standardised values
            gains = [1.0] * len(shape.head) + [0.4]
            layers = (StackedLinear(a, b, generators, gain) for (a, b), gain in zip(pairwise(widths["head"]), gains))
            self.heads[name] = nn.ModuleList(layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(K, rows, columns) -> the measured values of the pairs, (K, rows)."""
        return self.head(self.separation(x), "measured")

    @property
    def layout(self) -> Layout:
        warm = CONDITIONS if self.shape.temperature == "tower" else 0
        return Layout(self.shape.sizes, self.shape.head, True, warm, CONDITIONS - warm, self.shape.distance == "norm")

    def layers(self, values: int) -> list[StackedLinear]:
        """All that learn from measured values, or from simulated ones as well if there are two kinds; in order."""
        return [*self.tower, *(layer for head in list(self.heads.values())[:values] for layer in head)]

    def predictions(self, parts: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Measured and, if there is a second tensor, simulated values: each (K, rows, columns) -> (K, rows)."""
        separated = self.separation(torch.cat(list(parts), dim=1)).split([x.shape[1] for x in parts], dim=1)
        return [self.head(part, name) for part, name in zip(separated, self.heads)]

    def separation(self, x: torch.Tensor) -> torch.Tensor:
        """(K, rows, columns) -> what a head sees of the pairs, (K, rows, latent or 1, and the conditions)."""
        rows, conditions = x.shape[1], x[..., 2 * self.width :]
        molecules = torch.cat([x[..., : self.width], x[..., self.width : 2 * self.width]], dim=1)
        flag = torch.zeros_like(molecules[..., :1])
        flag[:, :rows] = 1
        parts = [molecules, flag]
        if self.shape.temperature == "tower":
            parts.append(torch.cat([conditions, conditions], dim=1))
        h = torch.cat(parts, dim=-1)
        for k, layer in enumerate(self.tower):
            h = layer(h)
            if k + 1 < len(self.tower):  # latent numbers may have any sign
                h = torch.relu(h)
                if self.training and self.dropout:
                    h = drop_out(h, self.dropout, self.generators)
        squared = (h[:, :rows] - h[:, rows:]).square()
        if self.shape.distance == "norm":
            # the root has no derivative at 0, where a substance meets itself
            squared = (squared.sum(-1, keepdim=True) + 1e-6).sqrt()
        return squared if self.shape.temperature == "tower" else torch.cat([squared, conditions], dim=-1)

    def head(self, separation: torch.Tensor, name: str) -> torch.Tensor:
        """(K, rows, ...) -> (K, rows), by the head ``measured`` or ``simulated``."""
        *hidden, last = self.heads[name]
        for layer in hidden:
            separation = torch.relu(layer(separation))
        return last(separation).squeeze(-1)


class Molecules:
    """The distinct molecules of arrays of pairs: ``table`` (molecules, width), and for each array the two of every pair, ``sides``
    (pairs, 2).
    """

    def __init__(self, pairs: Sequence[np.ndarray]) -> None:
        self.width = descriptor_width(pairs[0].shape[1])
        both = [X[:, side * self.width : (side + 1) * self.width] for X in pairs for side in (0, 1)]
        # a row is known by a sum of its bits, each column times an odd number of its own, modulo 2^64
        odd = np.random.default_rng(0).integers(2**63, size=self.width, dtype=np.uint64) * 2 + 1
        codes = np.concatenate([np.ascontiguousarray(X).view(np.uint32) @ odd for X in both])
        _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
        self.table = np.concatenate(both)[first]
        starts = np.cumsum([len(X) for X in both])[:-1]
        sides = np.split(inverse.astype(np.int32), starts)
        self.sides = [np.stack(two, axis=1) for two in zip(sides[::2], sides[1::2])]


class PairScalers(InputScalers):
    """K input scalers of pairs, fitted on rows (K, rows) of each part; polymers and solvents share one scale, as the tower."""

    def __init__(self, kind: str, parts: Sequence[tuple[np.ndarray, np.ndarray]], molecules: Molecules) -> None:
        # a molecule counts as often as it stands in the training rows
        seen = [
            np.bincount(np.concatenate([sides[own].ravel() for sides, own in zip(molecules.sides, rows)]))
            for rows in zip(*(rows for _, rows in parts))
        ]
        molecule = InputScalers(kind, molecules.table, [np.flatnonzero(n) for n in seen], [n[n > 0] for n in seen])
        starts = np.cumsum([0, *(len(X) for X, _ in parts)])
        together = np.concatenate([own + start for (_, own), start in zip(parts, starts)], axis=1)
        conditions = InputScalers(kind, np.concatenate([X[:, 2 * molecules.width :] for X, _ in parts]), together)
        self.clip = molecule.clip
        self.shift = torch.cat([molecule.shift, molecule.shift, conditions.shift], dim=-1)
        self.factor = torch.cat([molecule.factor, molecule.factor, conditions.factor], dim=-1)
