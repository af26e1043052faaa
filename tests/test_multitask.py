"""Networks of pairs: stacked against one by one, both heads learn, and the loss is the paper's."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from sim2real.training.fits import fit_multitask
from sim2real.training.networks import minibatches
from sim2real.training.recipes import PairNetwork, Training
from sim2real.training.scalers import OutputScalers
from sim2real.training.seeding import numpy_generator
from sim2real.training.towers import CONDITIONS, Molecules, PairScalers, StackedTowers, descriptor_width

WIDTH = 6
COLUMNS = 2 * WIDTH + CONDITIONS


class OneNetwork(nn.Module):
    """Network k of a stack, written out with torch's own layers, a pair at a time."""

    def __init__(self, stacked: StackedTowers, k: int) -> None:
        super().__init__()
        self.shape = stacked.shape
        self.tower = nn.ModuleList(linear(layer, k) for layer in stacked.tower)
        heads = {name: nn.ModuleList(linear(layer, k) for layer in layers) for name, layers in stacked.heads.items()}
        self.heads = nn.ModuleDict(heads)

    def latent(self, molecule: torch.Tensor, flag: float, conditions: torch.Tensor) -> torch.Tensor:
        h = torch.cat([molecule, torch.tensor([flag]), *([conditions] if self.shape.temperature == "tower" else [])])
        for layer in self.tower[:-1]:
            h = torch.relu(layer(h))
        return self.tower[-1](h)

    def forward(self, pair: torch.Tensor, name: str) -> torch.Tensor:
        polymer, solvent, conditions = pair[:WIDTH], pair[WIDTH : 2 * WIDTH], pair[2 * WIDTH :]
        difference = self.latent(polymer, 1.0, conditions) - self.latent(solvent, 0.0, conditions)
        h = difference**2 if self.shape.distance == "components" else ((difference**2).sum()[None] + 1e-6).sqrt()
        if self.shape.temperature == "head":
            h = torch.cat([h, conditions])
        for layer in self.heads[name][:-1]:
            h = torch.relu(layer(h))
        return self.heads[name][-1](h)[0]


def linear(layer: nn.Module, k: int) -> nn.Linear:
    single = nn.Linear(*layer.weight.shape[1:])
    single.weight.data, single.bias.data = layer.weight.data[k].T.clone(), layer.bias.data[k, 0].clone()
    return single


SHAPES = [
    PairNetwork(sizes=(8, 7, 5), head=(4,), distance=d, temperature=t) for d in ("components", "norm") for t in ("tower", "head")
]


def pairs(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs whose value is a distance of two hidden numbers, scaled with temperature."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, COLUMNS)).astype(np.float32)
    weights = np.random.default_rng(99).normal(size=(WIDTH, 2)) / 2
    separation = ((X[:, :WIDTH] - X[:, WIDTH : 2 * WIDTH]) @ weights) ** 2
    return X, separation.sum(1) * (1 + 0.1 * X[:, -1])


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: f"{s.distance}-{s.temperature}")
def test_the_stack_is_the_network_written_out(shape):
    stacked = StackedTowers(shape, COLUMNS, [torch.Generator().manual_seed(k) for k in range(3)])
    x = torch.from_numpy(pairs(9, 1)[0]).expand(3, -1, -1)
    for name in ("measured", "simulated"):
        together = stacked.head(stacked.separation(x), name)
        for k in range(3):
            alone = torch.stack([OneNetwork(stacked, k)(pair, name) for pair in x[k]])
            torch.testing.assert_close(together[k], alone, rtol=1e-5, atol=1e-6)
    # drawn from the code's own layer sizes: they must be those of the weights
    widths = shape.widths(COLUMNS)
    assert widths["tower"] == (stacked.tower[0].weight.shape[1], *(layer.weight.shape[2] for layer in stacked.tower))
    head = stacked.heads["measured"]
    assert widths["head"] == (head[0].weight.shape[1], *(layer.weight.shape[2] for layer in head))


@pytest.mark.parametrize("weight", [0.5, 0.2])
def test_training_minimises_the_loss_of_the_paper(weight):
    """One network at a time, with torch's AdamW and the loss as it is printed, over the same batches."""
    shape, stage = PairNetwork(sizes=(8, 6, 5), head=(4,)), Training(12, 3e-3, weight_decay=0.1, batch_size=16)
    (X, y), (X_sim, y_sim) = pairs(40, 2), pairs(90, 3)
    rows = np.stack([np.random.default_rng(k).permutation(40)[:30] for k in range(2)])
    rows_sim = np.stack([np.random.default_rng(k).permutation(90)[:50] for k in range(2)])
    seeds = [("test", 0), ("test", 1)]
    fitted = fit_multitask((X, y, rows), (X_sim, y_sim, rows_sim), shape, stage, seeds, weight=weight)

    untrained = fit_multitask((X, y, rows), (X_sim, y_sim, rows_sim), shape, Training(0, 1e-3), seeds, weight=weight)
    for k in range(2):
        network = OneNetwork(untrained.network, k)
        parts = [(X, rows[k : k + 1]), (X_sim, rows_sim[k : k + 1])]
        scalers = PairScalers("standard", parts, Molecules([X, X_sim]))
        sides = []
        for domain, (inputs, values, own) in enumerate(((X, y, rows[k : k + 1]), (X_sim, y_sim, rows_sim[k : k + 1]))):
            goals = OutputScalers("standard", values, own).transform(values[own])[0]
            batches = minibatches(own.shape[1], 16, 12, numpy_generator(*seeds[k], "batches", domain))
            sides.append((scalers(torch.from_numpy(inputs[own])), torch.from_numpy(goals.astype(np.float32)), batches))
        named = list(network.named_parameters())
        optimiser = torch.optim.AdamW(
            [
                {"params": [p for n, p in named if n.endswith("weight")], "weight_decay": 0.1},
                {"params": [p for n, p in named if n.endswith("bias")], "weight_decay": 0.0},
            ],
            lr=3e-3,
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=12)
        for step in range(12):
            parts = []
            for name, share, (inputs, goals, batches) in zip(("measured", "simulated"), (1 - weight, weight), sides):
                errors = [(network(inputs[0, i], name) - goals[i]) ** 2 for i in batches[step]]
                parts.append(share * torch.stack(errors).mean())
            optimiser.zero_grad()
            sum(parts).backward()
            optimiser.step()
            schedule.step()
        for layer, single in zip(fitted.network.tower, network.tower):
            torch.testing.assert_close(layer.weight[k].T, single.weight, rtol=2e-3, atol=2e-5)


def test_simulations_of_the_same_quantity_help_and_the_measured_head_predicts():
    (X, y), (X_sim, y_sim) = pairs(260, 4), pairs(2000, 5)
    rows, test = np.tile(np.arange(60), (2, 1)), np.tile(np.arange(60, 260), (2, 1))
    stage, seeds = Training(600, 1e-2, max_epochs=1000), [("help", 0), ("help", 1)]
    shape = PairNetwork(sizes=(32, 16, 8), head=(8,), temperature="head")
    many = np.tile(np.arange(2000), (2, 1))
    # simulated values on another scale: each domain is standardised by itself
    helped = fit_multitask((X, y, rows), (X_sim, 3 * y_sim - 7, many), shape, stage, seeds).predict(X, test)
    direct = fit_multitask((X, y, rows), None, shape, stage, seeds).predict(X, test)
    errors = [np.abs(p - y[test]).mean() for p in (helped, direct)]
    assert errors[0] < 0.8 * errors[1] and errors[0] < 0.8 * np.abs(y[test] - y[rows].mean()).mean()


def test_a_network_does_not_depend_on_its_neighbours():
    X, y = pairs(50, 6)
    rows = np.stack([np.random.default_rng(k).permutation(50)[:40] for k in range(3)])
    stage, seeds = Training(20, 1e-3, dropout=0.2), [("alone", k) for k in range(3)]
    together = fit_multitask((X, y, rows), None, PairNetwork(sizes=(8, 6, 5)), stage, seeds).predict(X, rows)
    two = fit_multitask((X, y, rows[1:]), None, PairNetwork(sizes=(8, 6, 5)), stage, seeds[1:]).predict(X, rows[1:])
    np.testing.assert_allclose(together[1:], two, rtol=1e-6)


def test_scales_are_shared_by_polymers_and_solvents():
    X, _ = pairs(30, 7)
    rows = np.arange(20)[None]
    scalers = PairScalers("standard", [(X, rows)], Molecules([X]))
    both = np.concatenate([X[:20, :WIDTH], X[:20, WIDTH : 2 * WIDTH]])
    expected = np.concatenate([both.mean(0), both.mean(0), X[:20, 2 * WIDTH :].mean(0)])
    np.testing.assert_allclose(scalers.shift[0, 0].numpy(), expected, atol=1e-5)


def test_what_is_no_pair_is_refused():
    assert descriptor_width(COLUMNS) == WIDTH
    with pytest.raises(ValueError, match="a pair of 7 columns"):
        descriptor_width(7)
    with pytest.raises(ValueError, match="unknown distance 'cosine'; expected one of components, norm"):
        PairNetwork(distance="cosine")
    X, y = pairs(10, 8)
    rows = np.arange(8)[None].repeat(2, 0)
    with pytest.raises(ValueError, match="weight of simulations is 1"):
        fit_multitask((X, y, rows), (X, y, rows), PairNetwork(), Training(1, 1e-3), [(0,), (1,)], weight=1)


def test_dropout_leaves_the_latent_numbers_alone():
    # wide enough that no pair loses all of its hidden units
    stacked = StackedTowers(PairNetwork(sizes=(64, 64, 5)), COLUMNS, [torch.Generator().manual_seed(0)] * 2, dropout=0.5)
    x = torch.from_numpy(pairs(40, 9)[0]).expand(2, -1, -1)
    before = copy.deepcopy(stacked.state_dict())
    stacked.train()
    separated = stacked.separation(x)
    assert (separated > 0).all(), "a dropped latent number would be 0 for both substances"
    stacked.eval()
    assert not torch.allclose(separated, stacked.separation(x))
    assert all(torch.equal(before[name], value) for name, value in stacked.state_dict().items())
