"""Convolutions and their gradients against PyTorch: random geometry, channels moved to where torch has them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
mx = pytest.importorskip("tarn.core")

FORWARD = {
    1: (mx.conv1d, torch.nn.functional.conv1d), 2: (mx.conv2d, torch.nn.functional.conv2d),
    3: (mx.conv3d, torch.nn.functional.conv3d)
}
TRANSPOSED = {
    1: (mx.conv_transpose1d, torch.nn.functional.conv_transpose1d),
    2: (mx.conv_transpose2d, torch.nn.functional.conv_transpose2d),
    3: (mx.conv_transpose3d, torch.nn.functional.conv_transpose3d),
}


def channels_second(a):
    return np.ascontiguousarray(np.moveaxis(a, -1, 1))


def torch_weight(w, groups, transposed):
    """[o, kernel ..., c / groups] as [o, c / groups, kernel ...], or, transposed, as [c, o / groups, kernel ...]."""
    if not transposed:
        return channels_second(w)
    parts = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])  # [groups, o, kernel ..., c]
    parts = np.moveaxis(parts, -1, 1)  # [groups, c, o, kernel ...]
    return np.ascontiguousarray(parts.reshape(-1, *parts.shape[2:]))


def our_weight(w, groups, transposed):
    """The inverse, of a gradient."""
    if not transposed:
        return np.moveaxis(w, 1, -1)
    parts = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    parts = np.moveaxis(parts, 1, -1)
    return parts.reshape(-1, *parts.shape[2:])


def geometry(random, axes, transposed):
    def one(low, high):
        return int(random.integers(low, high + 1)) if axes == 1 else tuple(
            int(n) for n in random.integers(low, high + 1, axes))

    groups = int(random.integers(1, 4))
    kernel = random.integers(1, 4, axes)
    x = (int(random.integers(1, 4)), *(int(n) for n in kernel * 3 + random.integers(0, 5, axes)),
         groups * int(random.integers(1, 20)))
    w = (groups * int(random.integers(1, 20)), *(int(n) for n in kernel), x[-1] // groups)
    named = {"stride": one(1, 3), "padding": one(0, 0 if transposed else 2), "dilation": one(1, 2), "groups": groups}
    return x, w, named


@pytest.mark.parametrize("transposed", [False, True], ids=["forward", "transposed"])
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("seed", range(8))
def test_values_and_gradients(axes, transposed, seed):
    random = np.random.default_rng([seed, axes, transposed])
    x_shape, w_shape, named = geometry(random, axes, transposed)
    x, w = random.normal(size=x_shape).astype(np.float32), random.normal(size=w_shape).astype(np.float32)
    ours, theirs = (TRANSPOSED if transposed else FORWARD)[axes]
    groups = named["groups"]

    a = torch.tensor(channels_second(x), dtype=torch.float64, requires_grad=True)
    b = torch.tensor(torch_weight(w, groups, transposed), dtype=torch.float64, requires_grad=True)
    wanted = theirs(a, b, **named)
    cotangent = random.normal(size=tuple(wanted.shape))
    wanted.backward(torch.tensor(cotangent))

    outs, gradients = mx.vjp(lambda x, w: ours(x, w, **named), [mx.array(x), mx.array(w)],
                             [mx.array(np.moveaxis(cotangent, 1, -1).astype(np.float32))])
    expected = [
        np.moveaxis(wanted.detach().numpy(), 1, -1),
        np.moveaxis(a.grad.numpy(), 1, -1),
        our_weight(b.grad.numpy(), groups, transposed)
    ]
    for got, want in zip([outs[0], *gradients], expected):
        got = np.array(got)
        assert got.shape == want.shape
        assert np.abs(got - want).max() <= 1e-5 * (np.abs(want).max() + 1)
