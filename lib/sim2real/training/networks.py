"""K small networks of one shape share every kernel call through stacked weights; they stay independent, each with its own
generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass(frozen=True)
class Training:
    """How a stage is trained: AdamW with cosine decay for ``steps`` updates, or ``max_epochs`` passes over the rows if that is
    less.
    """

    steps: int
    learning_rate: float
    weight_decay: float = 1e-4
    dropout: float = 0.0
    batch_size: int = 64
    max_epochs: int = 200

    def steps_for(self, rows: int) -> int:
        """Number of updates for this many training rows."""
        return min(self.steps, self.max_epochs * max(1, rows // self.batch_size))


@dataclass(frozen=True)
class Network:
    """Hidden layers and scaling: ``inputs`` is ``min-max`` or ``standard``, ``outputs`` ``standard`` or ``yeo-johnson``."""

    sizes: tuple[int, ...] = (128, 64, 16)
    inputs: str = "standard"
    outputs: str = "standard"


class StackedLinear(nn.Module):
    """K affine maps, (K, rows, in) -> (K, rows, out); weights uniform in +-gain * sqrt(6 / inputs) (He et al. 2015 for gain 1),
    biases 0.
    """

    def __init__(self, inputs: int, outputs: int, generators: Sequence[torch.Generator], gain: float = 1.0) -> None:
        super().__init__()
        bound = gain * math.sqrt(6 / inputs)
        draws = [torch.rand(inputs, outputs, generator=g) for g in generators]
        self.weight = nn.Parameter((torch.stack(draws) * 2 - 1) * bound)
        self.bias = nn.Parameter(torch.zeros(len(draws), 1, outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = (self.bias, x, self.weight)
        if not torch.is_grad_enabled():
            # one by one, each from the start of a cache line: how a sum is rounded depends on where its numbers lie
            return torch.stack([torch.addmm(*(part.clone() for part in own)) for own in zip(*parts)])
        if len(x) == 1:
            # a stack of one would run through another matrix kernel, with other rounding
            return torch.baddbmm(*(part.expand(2, -1, -1) for part in parts))[:1]
        return torch.baddbmm(*parts)


@dataclass(frozen=True)
class Layout:
    """Units per layer of the part that all values share (``tower``) and of a head before its one output; for ``pairs`` also how
    many conditions enter the tower and the head, and whether the distance is one ``norm``.
    """

    tower: tuple[int, ...]
    head: tuple[int, ...] = ()
    pairs: bool = False
    at_tower: int = 0
    at_head: int = 0
    norm: bool = False


class StackedMLP(nn.Module):
    """K fully connected networks with ReLU between the layers, ``sizes`` wide up to the last hidden one, and one linear output."""

    def __init__(self, sizes: Sequence[int], generators: Sequence[torch.Generator], dropout: float = 0.0) -> None:
        super().__init__()
        self.generators, self.dropout = list(generators), dropout
        self.hidden = nn.ModuleList(StackedLinear(a, b, generators) for a, b in zip(sizes[:-1], sizes[1:]))
        # a small head: the first predictions are near the mean of the standardised target
        self.head = StackedLinear(sizes[-1], 1, generators, gain=0.4)

    @classmethod
    def like(cls, other: StackedMLP, generators: Sequence[torch.Generator], dropout: float) -> StackedMLP:
        """A copy of ``other``'s weights with its own generators and dropout."""
        widths = [layer.weight.shape[1] for layer in (*other.hidden, other.head)]
        twin = cls(widths, generators, dropout)
        twin.load_state_dict(other.state_dict())
        return twin

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(K, rows, features) -> (K, rows)."""
        for layer in self.hidden:
            x = torch.relu(layer(x))
            if self.training and self.dropout:
                x = drop_out(x, self.dropout, self.generators)
        return self.head(x).squeeze(-1)

    @property
    def layout(self) -> Layout:
        return Layout(tuple(layer.weight.shape[2] for layer in self.hidden))

    def layers(self, values: int) -> list[StackedLinear]:
        """All that learn from one kind of values, in order."""
        return [*self.hidden, self.head]

    def predictions(self, parts: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """One tensor (K, rows, features) -> one of (K, rows)."""
        return [self(x) for x in parts]

    @torch.no_grad()
    def rescale_head(self, scale: torch.Tensor, shift: torch.Tensor) -> None:
        """Replace every network f by scale * f + shift; both arguments are (K,)."""
        self.head.weight.mul_(scale[:, None, None])
        self.head.bias.mul_(scale[:, None, None]).add_(shift[:, None, None])


def drop_out(x: torch.Tensor, share: float, generators: Sequence[torch.Generator]) -> torch.Tensor:
    """(K, rows, units) with a share of the units of every network set to 0, by its own generator, and the rest made larger."""
    keep = torch.stack([torch.rand(x.shape[1:], generator=g, device=g.device) >= share for g in generators])
    return x * keep / (1 - share)


def minibatches(rows: int, size: int, steps: int, rng: np.random.Generator) -> np.ndarray:
    """Positions below ``rows`` of every update, (steps, size or all rows): epochs are permutations without a last incomplete
    batch.
    """
    size = min(size, rows)
    whole = rows // size
    epochs = np.tile(np.arange(rows, dtype=np.int32), (-(-steps // whole), 1))
    return rng.permuted(epochs, axis=1)[:, : whole * size].reshape(-1, size)[:steps]


def train(module: nn.Module, loss: Callable[[int], torch.Tensor], *, steps: int, learning_rate: float, weight_decay: float) -> None:
    """Minimise in place the sum of K losses by AdamW (Loshchilov & Hutter 2019) with cosine decay; biases do not decay. ``loss``
    of a step returns (K,); a FloatingPointError names the network and the step of one that is not finite.
    """
    if steps == 0:
        return
    module.train()
    named = list(module.named_parameters())
    weights = {"params": [p for n, p in named if not n.endswith("bias")], "weight_decay": weight_decay}
    biases = {"params": [p for n, p in named if n.endswith("bias")], "weight_decay": 0.0}
    optimiser = torch.optim.AdamW([weights, biases], lr=learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=steps)
    # moments of units that are always off decay below 1e-38, where a product takes a hundred cycles
    torch.set_flush_denormal(True)
    try:
        for step in range(steps):
            losses = loss(step)
            optimiser.zero_grad(set_to_none=True)
            losses.sum().backward()
            optimiser.step()
            schedule.step()
            if (step + 1) % 100 == 0 or step + 1 == steps:
                bad = torch.nonzero(~torch.isfinite(losses.detach())).flatten().tolist()
                if bad:
                    raise diverged(bad[0], step + 1)
    finally:
        torch.set_flush_denormal(False)
    module.eval()


def diverged(network: int, step: int) -> FloatingPointError:
    return FloatingPointError(f"network {network} diverged before step {step}; lower the learning rate")
