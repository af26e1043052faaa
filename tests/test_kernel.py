"""Compiled training against autograd in float64, against the stacked torch path, and where it cannot be compiled."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sim2real.training import fits, kernel
from sim2real.training.experiment import make_plan
from sim2real.training.fits import fit_multitask, fit_networks
from sim2real.training.networks import Network, StackedMLP, Training
from sim2real.training.scalers import InputScalers
from sim2real.training.seeding import seed_sequence
from sim2real.training.study import Design
from sim2real.training.towers import CONDITIONS, Molecules, PairNetwork, PairScalers, StackedTowers

SEED = ("kernel", 1)
CLIP = (-2.0, 2.0)
DESIGN = Design((50,), (16,), trials=40)


@pytest.fixture(params=["compiled", "torch"])
def either(request, monkeypatch):
    """Both engines, one after the other; the compiled one is expected to be there."""
    if request.param == "torch":
        monkeypatch.setattr(kernel, "library", lambda: None)
    assert kernel.engine() == request.param


def masks(shapes, share):
    """Dropout of layers (rows, units) in turn, by xoshiro128+ written out: 16 numbers for each row of 16 columns."""
    s = seed_sequence(*SEED, "dropout").generate_state(64).reshape(4, 16)
    result = []
    for rows, units in shapes:
        mask = np.empty((rows, -(-units // 16) * 16))
        for column in range(0, mask.shape[1], 16):
            for row in range(rows):
                mask[row, column : column + 16] = (s[0] + s[3]) >> np.uint32(8) >= round(share * 2**24)
                t = s[1] << np.uint32(9)
                s[2] ^= s[0]
                s[3] ^= s[1]
                s[1] ^= s[2]
                s[0] ^= s[3]
                s[2] ^= t
                s[3] = s[3] << np.uint32(11) | s[3] >> np.uint32(21)
        result.append(torch.from_numpy(mask[:, :units] / (1 - share)))
    return result


def dense(layers, x, masks):
    """Layers with ReLU and masks between them, of network 0."""
    for k, layer in enumerate(layers):
        x = x @ layer.weight[0] + layer.bias[0]
        x = torch.relu(x) * masks[k] if k < len(masks) else x
    return x


def loss_of(network, lessons, x, dropout):
    """The loss of one update, written out."""
    batches = [lesson.batches[0] for lesson in lessons]
    h = x[np.concatenate([lesson.first[own] for lesson, own in zip(lessons, batches)])]
    rows = len(h)
    if isinstance(network, StackedMLP):
        kept = masks([(rows, width) for width in network.layout.tower], dropout)
        parts = [dense([*network.hidden, network.head], h, kept)]
    else:
        shape = network.shape
        second = x[np.concatenate([lesson.second[own] for lesson, own in zip(lessons, batches)])]
        given = torch.from_numpy(np.concatenate([lesson.conditions[own] for lesson, own in zip(lessons, batches)])).double()
        flag = torch.arange(2 * rows)[:, None] < rows
        warm = [torch.cat([given, given])] if shape.temperature == "tower" else []
        kept = masks([(2 * rows, width) for width in shape.sizes[:-1]], dropout)
        h = dense(network.tower, torch.cat([torch.cat([h, second]), flag, *warm], dim=1), kept)
        h = (h[:rows] - h[rows:]) ** 2
        if shape.distance == "norm":
            h = (h.sum(1, keepdim=True) + 1e-6).sqrt()
        if shape.temperature == "head":
            h = torch.cat([h, given], dim=1)
        ones = [1.0] * len(shape.head)
        split = h.split([len(own) for own in batches])
        parts = [dense(network.heads[name], part, ones) for name, part in zip(("measured", "simulated"), split)]
    goals = [torch.from_numpy(lesson.goals[own]).double() for lesson, own in zip(lessons, batches)]
    return sum(lesson.share * (part[:, 0] - goal).square().mean() for lesson, part, goal in zip(lessons, parts, goals))


def generator():
    return torch.Generator().manual_seed(5)


def towers(columns, *shape):
    return StackedTowers(PairNetwork(*shape), 2 * columns + CONDITIONS, [generator()])


PLAIN = {
    "usual": (190, (128, 64, 32), 64),
    "odd": (5, (13, 7), 11),
    "one layer, one row": (33, (17,), 1),
    "whole panels": (16, (48, 16), 7),
    "wide": (300, (150,), 70),
}
PAIRS = {
    f"{distance}, {temperature}, {name}": (columns, (sizes, head, distance, temperature), batches)
    for distance in ("components", "norm")
    for temperature in ("tower", "head")
    for name, (columns, sizes, head, batches) in {
        "usual": (190, (128, 64, 32), (16,), (64, 64)),
        "odd": (7, (13, 9, 5), (6, 3), (5, 12)),
        "no layer in the head": (7, (13, 9, 5), (), (5,)),
        "one layer in the tower": (21, (11,), (4,), (9,)),
    }.items()
}
CASES = {name: (columns, StackedMLP((columns, *sizes), [generator()]), (batch,)) for name, (columns, sizes, batch) in PLAIN.items()}
CASES |= {name: (columns, towers(columns, *shape), batches) for name, (columns, shape, batches) in PAIRS.items()}


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("case", CASES)
def test_gradients_are_those_of_autograd(case, dropout):
    columns, network, batches = CASES[case]
    rng, materials = np.random.default_rng(0), 40
    X = rng.normal(size=(materials, columns)).astype(np.float32)
    shift, factor = rng.normal(size=(2, columns)).astype(np.float32)
    layers = network.float().layers(len(batches))
    parameters = [p for layer in layers for p in (layer.weight, layer.bias)]
    for layer in layers:
        layer.bias.data.uniform_(-0.1, 0.1, generator=generator())
    flat = torch.cat([p.flatten() for p in parameters]).detach().numpy()
    lessons = []
    for size, share in zip(batches, (0.3, 0.7) if len(batches) > 1 else (1.0,)):
        n = size + 3  # materials stand in several pairs
        first, second = rng.integers(materials, size=(2, n)).astype(np.int32)
        given, goals = rng.normal(size=(n, CONDITIONS)).astype(np.float32), rng.normal(size=n).astype(np.float32)
        lessons.append(kernel.Lesson(first, second, given, goals, rng.permutation(n)[None, :size], share))
    found = np.zeros_like(flat)
    stage = Training(1, 1e-3, dropout=dropout)
    assert kernel.train_one(network.layout, flat, X, (shift, factor, CLIP), lessons, stage, SEED, found) == 0

    scaled = ((torch.from_numpy(X) - torch.from_numpy(shift)) * torch.from_numpy(factor)).clamp(*CLIP).double()
    network.double().zero_grad()
    loss_of(network, lessons, scaled, dropout).backward()
    expected = torch.cat([p.grad.flatten() for p in parameters]).numpy()
    assert np.linalg.norm(found - expected) < 2e-6 * np.linalg.norm(expected)
    assert np.abs(found - expected).max() < 2e-6 * np.abs(expected).max()


SIZES = {"sizes": (20, 9), "head": (6,)}


def measurements(rows=90, columns=21):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(rows, columns)).astype(np.float32)
    return X, X[:, 0] + 0.3 * X[:, 1] ** 2


def some_pairs(rows, seed):
    rng = np.random.default_rng(seed)
    table, first, second = np.random.default_rng(9).normal(size=(25, 10)), *rng.integers(25, size=(2, rows))
    X = np.concatenate([table[first], table[second], rng.normal(size=(rows, CONDITIONS))], axis=1).astype(np.float32)
    return X, ((X[:, :3] - X[:, 10:13]) ** 2).sum(1) + 0.2 * X[:, -1]


def own_rows(count, rows, networks=3):
    return np.stack([np.random.default_rng(k).permutation(rows)[:count] for k in range(networks)])


def plain_fit(stage, which=(0, 1, 2)):
    X, y = measurements()
    seeds = [("fit", k) for k in which]
    return fit_networks(X, y, own_rows(70, 90)[list(which)], Network(SIZES["sizes"]), stage, seeds)


def pairs_fit(stage, which=(0, 1, 2), **shape):
    (X, y), (X_sim, y_sim) = some_pairs(90, 1), some_pairs(200, 2)
    rows, rows_sim = own_rows(70, 90)[list(which)], own_rows(150, 200)[list(which)]
    seeds, simulated = [("fit", k) for k in which], (X_sim, y_sim, rows_sim)
    return fit_multitask((X, y, rows), simulated, PairNetwork(**SIZES, **shape), stage, seeds, weight=0.3)


FITS = {"plain": (plain_fit, measurements()[0]), "pairs": (pairs_fit, some_pairs(90, 1)[0])}
NORM = {"distance": "norm", "temperature": "head", "inputs": "min-max", "outputs": "yeo-johnson"}
FITS["pairs, norm"] = (lambda *a: pairs_fit(*a, **NORM), some_pairs(90, 1)[0])


@pytest.mark.parametrize("fit", FITS)
def test_200_updates_are_those_of_torch(fit, monkeypatch):
    train, X = FITS[fit]
    stage = Training(200, 3e-4, weight_decay=0.5, batch_size=23)
    everything = np.tile(np.arange(len(X)), (3, 1))
    compiled = train(stage).scaled(X, everything)
    untrained = train(Training(0, 1e-3)).scaled(X, everything)
    monkeypatch.setattr(kernel, "library", lambda: None)
    by_torch = train(stage).scaled(X, everything)
    assert (by_torch - untrained).abs().max() > 0.1
    torch.testing.assert_close(compiled, by_torch, rtol=0, atol=1e-4)


@pytest.mark.parametrize("fit", FITS)
def test_bits_do_not_depend_on_the_other_networks(fit, either, monkeypatch):
    train, X = FITS[fit]
    if kernel.library() is None:
        # torch's products depend on where in a cache line a network's numbers begin
        monkeypatch.setitem(SIZES, "sizes", (32, 16))
        monkeypatch.setitem(SIZES, "head", (16,))
    stage = Training(30, 3e-3, dropout=0.2, batch_size=23)
    everything = np.tile(np.arange(len(X)), (3, 1))
    together = train(stage).scaled(X, everything)
    for which in ((2, 0), (1,), (2,)):
        assert torch.equal(train(stage, which).scaled(X, everything[: len(which)]), together[list(which)])


@pytest.mark.parametrize("fit", FITS)
def test_divergence_names_the_network(fit, either):
    with pytest.raises(FloatingPointError, match=r"network 0 diverged before step \d+; lower the learning rate"):
        FITS[fit][0](Training(100, 1e30, dropout=0.1))


def test_one_network_that_diverges_is_the_one_named(either, monkeypatch):
    X, y = measurements()
    goals = np.tile(y, (3, 1))
    goals[1, 5] = np.nan
    rows = own_rows(90, 90)
    predictors = plain_fit(Training(0, 1e-3))
    with pytest.raises(FloatingPointError, match="network 1 diverged"):
        fits._train(predictors, [fits._Domain(X, rows, goals)], Training(20, 1e-3), [("fit", k) for k in range(3)])


def test_the_callers_arithmetic_is_left_as_it_was(either):
    plain_fit(Training(2, 1e-3))
    assert np.float32(1e-40) * np.float32(1) != 0


@pytest.mark.parametrize("compiler", ["no-such-compiler", "false"])
def test_without_a_compiler_torch_trains_and_one_warning_says_so(compiler, monkeypatch):
    expected = plain_fit(Training(3, 1e-3))
    monkeypatch.setattr(kernel, "COMPILER", compiler)
    kernel.library.cache_clear()
    try:
        with pytest.warns(UserWarning, match="trained by torch, several times slower: no C\\+\\+ compiler") as said:
            fitted = [plain_fit(Training(3, 1e-3)) for _ in range(2)]
        assert len(said) == 1 and kernel.engine() == "torch"
    finally:
        kernel.library.cache_clear()
    for network in fitted:
        for a, b in zip(network.network.parameters(), expected.network.parameters()):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-5)


def test_what_is_compiled_is_kept_by_source_compiler_and_processor(monkeypatch, tmp_path):
    monkeypatch.setattr(kernel, "CACHE", tmp_path)
    monkeypatch.setattr(kernel, "SOURCE", tmp_path / "empty.cpp")
    kernel.SOURCE.write_text('extern "C" long train() { return 0; }')
    try:
        for flags in (kernel.FLAGS, kernel.FLAGS, (*kernel.FLAGS, "-DOTHER")):
            monkeypatch.setattr(kernel, "FLAGS", flags)
            kernel.library.cache_clear()
            assert kernel.library() is not None
        assert len(list((tmp_path / "kernel").iterdir())) == 2
    finally:
        kernel.library.cache_clear()


@pytest.mark.parametrize("kind", ["standard", "min-max"])
def test_scales_of_pairs_are_those_of_all_their_molecules(kind):
    (X, _), (X_sim, _) = some_pairs(90, 1), some_pairs(200, 2)
    parts = [(X, own_rows(70, 90)), (X_sim, own_rows(150, 200))]
    molecules = Molecules([X, X_sim])
    assert len(molecules.table) == 25
    for (pairs, _), sides in zip(parts, molecules.sides):
        assert np.array_equal(molecules.table[sides].reshape(len(pairs), 20), pairs[:, :20])
    scalers = PairScalers(kind, parts, molecules)
    for k in range(3):
        both = [side for pairs, rows in parts for side in (pairs[rows[k], :10], pairs[rows[k], 10:20])]
        plain = InputScalers(kind, np.concatenate(both), [np.arange(sum(map(len, both)))])
        for side in (slice(0, 10), slice(10, 20)):
            torch.testing.assert_close(scalers.shift[k, :, side], plain.shift[0], rtol=1e-6, atol=1e-6)
            torch.testing.assert_close(scalers.factor[k, :, side], plain.factor[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ["standard", "min-max"])
def test_scales_fitted_part_by_part_are_those_of_all_rows(kind, monkeypatch):
    X, rows, counts = some_pairs(90, 1)[0], [np.arange(80)], [np.arange(80) % 3 + 1]
    whole = InputScalers(kind, X, rows, counts)
    monkeypatch.setattr("sim2real.training.scalers.ROWS_AT_ONCE", 7)
    parts = InputScalers(kind, X, rows, counts)
    torch.testing.assert_close(parts.shift, whole.shift, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(parts.factor, whole.factor, rtol=1e-6, atol=1e-6)


@pytest.fixture
def asked(monkeypatch):
    """Sets what DEVICE says, and what torch finds."""

    def ask(chosen, found):
        monkeypatch.setenv("SIM2REAL_DEVICE", chosen)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: found)
        kernel.device.cache_clear()

    yield ask
    kernel.device.cache_clear()


@pytest.mark.parametrize("chosen", ["cuda", "auto"])
def test_a_gpu_trains_where_it_is_asked_for_and_its_trials_are_its_own(asked, study, monkeypatch, chosen):
    on_processor = make_plan(study, DESIGN, arms=("direct", "ridge"))
    asked(chosen, True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (80e9, 80e9))
    plan = make_plan(study, DESIGN, arms=("direct", "ridge"))
    assert kernel.device().type == kernel.engine() == "cuda"
    direct, ridge = (("direct", 0, 16), ("ridge", 0, 16))
    assert plan.folder(direct) != on_processor.folder(direct) and plan.folder(ridge) == on_processor.folder(ridge)
    # all networks of an arm at once, while baselines are shared out in blocks as ever
    sizes = {arm: [len(b.trials) for b in plan.missing_blocks(plan.read(print)) if b.arm == arm] for arm in ("direct", "ridge")}
    assert sizes["direct"] == [DESIGN.trials] and len(sizes["ridge"]) > 1


def test_without_a_gpu_one_line_says_so(asked):
    asked("cuda", False)
    with pytest.raises(ValueError, match="DEVICE=cuda: torch finds no GPU here; DEVICE=cpu trains on the processor"):
        kernel.engine()
    asked("tpu", True)
    with pytest.raises(ValueError, match="DEVICE=tpu is not known; allowed are cpu, cuda, auto"):
        kernel.engine()
    asked("auto", False)
    with pytest.warns(UserWarning, match="DEVICE=auto: torch finds no GPU here"):
        assert kernel.device().type == "cpu"


@pytest.mark.parametrize("pairs", [False, True])
def test_all_that_an_update_needs_is_on_the_device(study, monkeypatch, pairs):
    """By torch's device ``meta``, which has shapes and no numbers, and refuses to be mixed with another one."""
    monkeypatch.setattr(kernel, "device", lambda: torch.device("meta"))
    seen = []

    def one_update(network, loss, **_):
        losses = loss(0)
        losses.sum().backward()
        seen.append((losses.shape, {p.grad.device.type for p in network.parameters() if p.grad is not None}))
        raise FloatingPointError

    monkeypatch.setattr(fits, "train", one_update)
    rows, seeds = np.stack([np.arange(20), np.arange(20, 40), np.arange(5, 25)]), [("a",), ("b",), ("c",)]
    with pytest.raises(FloatingPointError):
        if pairs:
            X = np.random.default_rng(0).normal(size=(60, 2 * 7 + 2)).astype(np.float32)
            data = (X, X[:, 0].astype(float), rows)
            fits.fit_multitask(data, data, PairNetwork(), Training(5, 1e-3), seeds)
        else:
            fits.fit_networks(study.target.X, study.target.y, rows % len(study.target), Network(), Training(5, 1e-3), seeds)
    assert seen == [(torch.Size([3]), {"meta"})]


def test_networks_trained_side_by_side_are_the_same(either):
    X = np.random.default_rng(0).normal(size=(60, 2 * 7 + 2)).astype(np.float32)
    rows, seeds = np.stack([np.random.default_rng(k).permutation(60)[:40] for k in range(5)]), [(k,) for k in range(5)]
    data, stage = (X, X[:, 0].astype(float), rows), Training(30, 1e-3, dropout=0.2, batch_size=8)
    alone, beside = (fit_multitask(data, data, PairNetwork(), stage, seeds, threads=threads) for threads in (1, 3))
    assert np.array_equal(alone.predict(X, rows), beside.predict(X, rows))
    with pytest.raises(FloatingPointError, match="network 0 diverged"):
        fit_multitask(data, data, PairNetwork(), Training(200, 1e30), seeds, threads=3)
