"""Sharded layers as each process of a group of several would run them: the group and its communication are played
here."""

import numpy
import pytest
from nn_sides import TARN

mx, nn = TARN.mx, TARN.nn
sharding = nn.layers.distributed


class Member:
    """A process of a group of size."""

    def __init__(self, rank, size):
        self._rank, self._size = rank, size

    def rank(self):
        return self._rank

    def size(self):
        return self._size


def members(size):
    return [Member(rank, size) for rank in range(size)]


@pytest.fixture
def alone(monkeypatch):
    """Sums over the group are left to the test."""
    monkeypatch.setattr(mx.distributed, "all_sum", lambda x, *, group=None, stream=None: x)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("make", [lambda layer: layer, lambda layer: layer.to_quantized(32, 4)])
def test_outputs_shared_out(alone, bias, make):
    whole, x = make(nn.Linear(64, 8, bias=bias)), TARN.numbers(3, 64)
    parts = [sharding.shard_linear(whole, "all-to-sharded", group=member) for member in members(4)]
    assert repr(parts[0]).replace("AllToSharded", "") == repr(whole)
    assert parts[1].weight.shape[0] == 2
    y = mx.concatenate([part(x) for part in parts], axis=-1)
    assert mx.allclose(y, whole(x), atol=1e-5).item()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("make", [lambda layer: layer, lambda layer: layer.to_quantized(32, 4)])
def test_inputs_shared_out(alone, bias, make):
    whole, x = make(nn.Linear(64, 8, bias=bias)), TARN.numbers(3, 64)
    parts = [sharding.shard_linear(whole, "sharded-to-all", group=member) for member in members(2)]
    assert repr(parts[0]).replace("ShardedToAll", "") == repr(whole)
    y = sum(part(own) for part, own in zip(parts, mx.split(x, 2, axis=-1)))
    y = y - whole.bias if bias else y  # which each part adds
    assert mx.allclose(y, whole(x), atol=1e-5).item()


def test_segments_are_shared_out_each():
    joined = nn.Linear(4, 12, bias=False)
    joined.weight = mx.arange(48).reshape(12, 4)
    part = sharding.shard_linear(joined, "all-to-sharded", segments=3, group=Member(1, 2))
    assert part.weight[:, 0].tolist() == [8, 12, 24, 28, 40, 44]
    for segments in ([4, 8], [1 / 3, 2 / 3]):
        same = sharding.shard_linear(joined, "all-to-sharded", segments=segments, group=Member(1, 2))
        assert same.weight.tolist() == part.weight.tolist()


def test_in_place_by_a_function():
    model = nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 4))
    rule = lambda path, weight: {"layers.0.weight": 0, "layers.1.weight": (1, 3)}.get(path)
    sharding.shard_inplace(model, rule, group=Member(0, 2))
    assert [tuple(x.shape) for x in (model.layers[0].weight, model.layers[0].bias, model.layers[1].weight)] == [
        (3, 4),
        (6,),
        (4, 3),
    ]


def test_gradients_of_the_input_are_summed(monkeypatch):
    monkeypatch.setattr(mx.distributed, "all_sum", lambda x, *, group=None, stream=None: 10 * x)
    part = nn.AllToShardedLinear(4, 8, group=Member(0, 2))
    x = TARN.numbers(3, 4)
    plain = mx.grad(lambda x: (x @ part.weight.T).sum())(x)
    assert mx.allclose(mx.grad(lambda x: part(x).sum())(x), 10 * plain).item()


def test_fully_sharded(monkeypatch):
    """Two processes, the second of which is this one; gathering puts the first one's parts before its own."""
    whole = nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 2))
    others = [nn.FullyShardedModule(copy_of(whole), member) for member in members(2)]
    first, second = ([x for _, x in TARN.utils.tree_flatten(each.parameters())] for each in others)
    partner = iter(first)
    monkeypatch.setattr(mx.distributed, "all_gather", lambda x, *, group=None: mx.concatenate([next(partner), x]))
    monkeypatch.setattr(mx.distributed, "sum_scatter", lambda x, *, group=None: mx.split(2 * x, 2)[1])
    module = others[1]
    assert repr(module).startswith("FullyShardedModule(num_sharded_params=4")
    x = TARN.numbers(3, 4)
    value, gradients = nn.value_and_grad(module, lambda x: module(x).square().sum())(x)
    expected, of_whole = nn.value_and_grad(whole, lambda x: whole(x).square().sum())(x)
    assert mx.allclose(value, expected).item()
    for (path, own), (_, of_all) in zip(
        TARN.utils.tree_flatten(gradients["module"]), TARN.utils.tree_flatten(of_whole)
    ):
        assert mx.allclose(own, mx.split(2 * of_all, 2)[1], atol=1e-5).item(), path
    assert [tuple(x.shape) for _, x in TARN.utils.tree_flatten(module.parameters())] == [tuple(x.shape) for x in second]


def copy_of(model):
    made = nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 2))
    return made.update(model.parameters())


def test_compute_dtype():
    module = nn.FullyShardedModule(nn.Linear(4, 6), compute_dtype=mx.bfloat16)
    assert module(TARN.numbers(2, 4, dtype="bfloat16")).dtype == mx.bfloat16
    gradients = nn.value_and_grad(module, lambda x: module(x).sum())(TARN.numbers(2, 4, dtype="bfloat16"))[1]
    assert gradients["module"]["weight"].dtype == mx.float32 and module.module.weight.dtype == mx.float32


def test_what_cannot_be_shared_out_is_named():
    with pytest.raises(ValueError, match="output of size 5 across 2"):
        nn.AllToShardedLinear(4, 5, group=Member(0, 2))
    with pytest.raises(ValueError, match="input of size 5 across 2"):
        nn.ShardedToAllLinear(5, 4, group=Member(0, 2))
    with pytest.raises(ValueError, match=r"parameter weight of shape \(5, 4\) across 2"):
        nn.FullyShardedModule(nn.Linear(4, 5), Member(0, 2))


@pytest.mark.parametrize("size", [0, 8, 100, 1 << 20])
def test_gradients_are_averaged_in_batches(monkeypatch, size):
    calls = []
    monkeypatch.setattr(mx.distributed, "all_sum", lambda x, *, group=None, stream=None: calls.append(x.size) or 3 * x)
    halves = TARN.numbers(2, 3, dtype="float16")
    gradients = {"a": TARN.numbers(5), "b": [halves, {"c": TARN.numbers(4)}], "d": TARN.numbers()}
    averaged = nn.average_gradients(gradients, Member(0, 3), all_reduce_size=size)
    for (path, x), (other, y) in zip(TARN.utils.tree_flatten(gradients), TARN.utils.tree_flatten(averaged)):
        assert path == other and x.dtype == y.dtype and x.shape == y.shape
        assert numpy.allclose(numpy.array(x), numpy.array(y), rtol=1e-3)
    assert len(calls) == {0: 4, 8: 4, 100: 2, 1 << 20: 2}[size] and sum(calls) == 16


def test_clipping_by_the_norm_of_all(monkeypatch):
    monkeypatch.setattr(mx.distributed, "all_sum", lambda x, *, group=None, stream=None: 4 * x)
    clipped, norm = nn.utils.clip_grad_norm_sharded({"a": mx.array([3.0, 4.0])}, 5.0, Member(0, 4))
    assert norm.item() == pytest.approx(10) and clipped["a"].tolist() == pytest.approx([1.5, 2.0], rel=1e-5)
