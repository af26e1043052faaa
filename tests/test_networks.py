"""Stacked networks against the same networks trained one by one with torch's own layers."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from sim2real.training.networks import StackedMLP, minibatches, train

K, ROWS, WIDTH = 3, 50, 7
SIZES = (WIDTH, 10, 6)


@pytest.fixture
def data() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(K, ROWS, WIDTH, generator=generator)
    return X, torch.sin(X[..., 0]) + X[..., 1]


def generators(seeds: range = range(K)) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(s) for s in seeds]


def single(stacked: StackedMLP, k: int) -> nn.Sequential:
    """Network k as an ordinary torch module with the same weights."""
    layers: list[nn.Module] = []
    for layer in (*stacked.hidden, stacked.head):
        linear = nn.Linear(*layer.weight.shape[1:])
        linear.weight.data = layer.weight.data[k].T.clone()
        linear.bias.data = layer.bias.data[k, 0].clone()
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def test_stacked_training_equals_training_one_by_one(data):
    X, y = data
    stacked = StackedMLP(SIZES, generators())
    alone = [single(stacked, k) for k in range(K)]
    steps, rate, decay, size = 40, 3e-3, 0.1, 16
    orders = np.stack([minibatches(ROWS, size, steps, np.random.default_rng(k)) for k in range(K)])
    index = torch.arange(K)[:, None]

    def loss(step: int) -> torch.Tensor:
        batch = torch.from_numpy(orders[:, step].astype(np.int64))
        return (stacked(X[index, batch]) - y[index, batch]).square().mean(1)

    train(stacked, loss, steps=steps, learning_rate=rate, weight_decay=decay)

    for k, network in enumerate(alone):
        weights = [p for name, p in network.named_parameters() if name.endswith("weight")]
        biases = [p for name, p in network.named_parameters() if name.endswith("bias")]
        optimiser = torch.optim.AdamW(
            [{"params": weights, "weight_decay": decay}, {"params": biases, "weight_decay": 0.0}], lr=rate
        )
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = rate * 0.5 * (1 + np.cos(np.pi * step / steps))
            batch = orders[k, step]
            optimiser.zero_grad()
            (network(X[k, batch])[:, 0] - y[k, batch]).square().mean().backward()
            optimiser.step()
        with torch.no_grad():
            torch.testing.assert_close(stacked(X)[k], network(X[k])[:, 0], rtol=1e-4, atol=1e-5)


def test_a_network_does_not_depend_on_its_neighbours(data):
    X, y = data

    def trained(ks: range) -> torch.Tensor:
        network = StackedMLP(SIZES, generators(ks), dropout=0.3)
        x, goal = X[ks.start : ks.stop], y[ks.start : ks.stop]
        train(network, lambda step: (network(x) - goal).square().mean(1), steps=30, learning_rate=1e-2, weight_decay=0.0)
        with torch.no_grad():
            return network(x)

    torch.testing.assert_close(trained(range(K))[1:2], trained(range(1, 2)), rtol=1e-4, atol=1e-5)


def test_rescaled_head_is_an_affine_map_of_the_output(data):
    X, _ = data
    network = StackedMLP(SIZES, generators())
    with torch.no_grad():
        before = network(X)
        scale, shift = torch.tensor([2.0, 0.5, 0.0]), torch.tensor([1.0, -1.0, 3.0])
        network.rescale_head(scale, shift)
        torch.testing.assert_close(network(X), scale[:, None] * before + shift[:, None])


def test_copy_shares_no_weights(data):
    X, _ = data
    network = StackedMLP(SIZES, generators())
    twin = StackedMLP.like(network, generators(), 0.0)
    before = copy.deepcopy(network.state_dict())
    twin.rescale_head(torch.full((K,), 5.0), torch.zeros(K))
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name])
    assert not torch.equal(twin(X), network(X))


@pytest.mark.parametrize("rows,size", [(4, 2), (7, 3), (5, 64)])
def test_an_epoch_is_a_permutation_of_the_rows_without_an_incomplete_batch(rows, size):
    drawn = minibatches(rows, size, 9, np.random.default_rng(3))
    rng, batch = np.random.default_rng(3), min(size, rows)
    epochs = [rng.permutation(rows)[: rows // batch * batch].reshape(-1, batch) for _ in range(9)]
    assert np.array_equal(drawn, np.concatenate(epochs)[:9])


def test_divergence_names_the_network():
    network = StackedMLP((2, 4), generators())
    x = torch.ones(K, 3, 2)
    factors = torch.tensor([1.0, float("nan"), 1.0])
    with pytest.raises(FloatingPointError, match="network 1 diverged"):
        train(network, lambda step: factors * network(x).square().mean(1), steps=5, learning_rate=1e-3, weight_decay=0.0)
