"""Where MLX has no gradient, tangent or batching rule Tarn has a right one: each function against central differences,
and against a loop over the batch. CASES say which of them MLX 0.32.4 lacks, and are held against it."""

import numpy as np
import pytest

tarn = pytest.importorskip("tarn.core")
BATCH = 3


def reals(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.3, 1.7, shape)


def matrices(*shape, seed=0):
    """Well-conditioned, with eigenvalues apart."""
    n = shape[-1]
    return reals(*shape, seed=seed) * 0.3 + np.diag(np.arange(1.0, n + 1))


def symmetric(mx, a):
    return (a + mx.swapaxes(a, -1, -2)) / 2


def packed(mx, x, bits=4):
    """Weights that do not depend on x."""
    words = np.random.default_rng(7).integers(0, 2**32, (2, 3, bits), dtype=np.uint64)
    w = mx.array(words.astype(np.uint32))
    scales = mx.array(np.random.default_rng(8).uniform(0.05, 0.1, (2, 3, 1)).astype(np.float32))
    return w, scales, scales


def indices(mx, *values):
    return mx.array(np.array(values, np.uint32))


# name: (function of (mx, x), x, what MLX lacks: g gradient, t tangent, b batch)
CASES = {
    "as_strided": (lambda mx, x: mx.as_strided(x * x, (2, 2), (2, 1)), reals(2, 3), "b"),
    "gather_mm": (
        lambda mx, x: mx.gather_mm(x, x * 2, indices(mx, 0, 1, 1), indices(mx, 1, 0, 1)),
        reals(2, 2, 2), "tb"),
    "block_masked_mm": (lambda mx, x: mx.block_masked_mm(x, x, 32, mx.array([[True]])), reals(32, 32) / 32, "tb"),
    "segmented_mm": (lambda mx, x: mx.segmented_mm(x, x.T, indices(mx, [0, 1], [1, 3])), reals(2, 3), "gtb"),
    "depends": (lambda mx, x: mx.depends(x * x, x + 1), reals(3), "tb"),
    "qr": (lambda mx, x: mx.linalg.qr(x, stream=mx.cpu)[1], matrices(3, 3), "gtb"),
    "svd": (lambda mx, x: mx.linalg.svd(x, stream=mx.cpu)[1], matrices(3, 3), "gt"),
    "inv": (lambda mx, x: mx.linalg.inv(x, stream=mx.cpu), matrices(3, 3), "gt"),
    "tri_inv": (lambda mx, x: mx.linalg.tri_inv(mx.tril(x), stream=mx.cpu), matrices(3, 3), "gt"),
    "pinv": (lambda mx, x: mx.linalg.pinv(x, stream=mx.cpu), matrices(3, 3)[:, :2], "gt"),
    "cholesky": (lambda mx, x: mx.linalg.cholesky(x @ mx.swapaxes(x, -1, -2), stream=mx.cpu), matrices(3, 3), "gt"),
    "cholesky_inv": (lambda mx, x: mx.linalg.cholesky_inv(mx.tril(x), stream=mx.cpu), matrices(3, 3), "gt"),
    "eigh": (lambda mx, x: mx.abs(mx.linalg.eigh(symmetric(mx, x), stream=mx.cpu)[1]), matrices(3, 3), "gt"),
    "eigvalsh": (lambda mx, x: mx.linalg.eigvalsh(symmetric(mx, x), stream=mx.cpu), matrices(3, 3), "gt"),
    "eigvals": (lambda mx, x: mx.abs(mx.linalg.eigvals(x, stream=mx.cpu)), matrices(3, 3), "gt"),
    "lu_factor": (lambda mx, x: mx.linalg.lu_factor(x, stream=mx.cpu)[0], matrices(3, 3), "gtb"),
    "solve": (lambda mx, x: mx.linalg.solve(x, x[:, :1] * 2, stream=mx.cpu), matrices(3, 3), "gtb"),
    "solve_triangular": (
        lambda mx, x: mx.linalg.solve_triangular(mx.tril(x), x[:, :1] * 2, stream=mx.cpu),
        matrices(3, 3), "gt"),
    "det": (lambda mx, x: mx.linalg.det(x, stream=mx.cpu), matrices(4, 4), "gtb"),
    "slogdet": (lambda mx, x: mx.linalg.slogdet(x, stream=mx.cpu)[1], matrices(4, 4), "gtb"),
    "scatter": (lambda mx, x: x.at[indices(mx, 0, 2, 0)].add(x[:3] * x[:3]), reals(4), "t"),
    "cumprod": (lambda mx, x: mx.cumprod(x), reals(4), "t"),
    "cummax": (lambda mx, x: mx.cummax(x), reals(4), "t"),
    "cummin": (lambda mx, x: mx.cummin(x), reals(4), "t"),
    "prod": (lambda mx, x: mx.prod(x, axis=-1), reals(2, 3), ""),
    "quantized_matmul": (
        lambda mx, x: mx.quantized_matmul(x, *(p[0] for p in packed(mx, x)), group_size=32, bits=4),
        reals(2, 32), "b"),
    "gather_qmm": (
        lambda mx, x: mx.gather_qmm(x, *packed(mx, x), rhs_indices=indices(mx, 1, 0), group_size=32, bits=4),
        reals(2, 1, 32), "tb"),
    "scales": (
        lambda mx, x: mx.quantized_matmul(mx.array(reals(2, 32)).astype(x.dtype), packed(mx, x)[0][0], x,
            x * 2, group_size=32, bits=4),
        reals(3, 1), "tb"),
    "sort": (lambda mx, x: mx.sort(x * x), reals(5), ""),
    "topk": (lambda mx, x: mx.topk(x * x, 2), reals(5), ""),
    "fft": (lambda mx, x: mx.abs(mx.fft.rfft(x)), reals(5), ""),
    "conv1d": (lambda mx, x: mx.conv1d(x, x[0, :2, :1][None] * 2), reals(1, 5, 1), "t"),
}  # fmt: skip


def precise(name):
    """Quantized weights and complex numbers are of 32 bits."""
    return name not in ("quantized_matmul", "gather_qmm", "scales", "eigvals", "fft")


def array(mx, name, x):
    return mx.array(x.astype(np.float64 if precise(name) else np.float32), mx.float64 if precise(name) else mx.float32)


def values(a):
    return np.array(a.astype(tarn.float64))


@pytest.mark.parametrize("name", CASES)
def test_gradient_and_tangent(name):
    function, x, _ = CASES[name]
    step, close, times = (1e-6, 2e-6, 50) if precise(name) else (1e-2, 2e-2, 1)
    y = values(function(tarn, array(tarn, name, x)))
    weights = np.random.default_rng(3).uniform(-1, 1, y.shape)

    def loss(x):
        return float((values(function(tarn, array(tarn, name, x))) * weights).sum())

    given = array(tarn, name, x)
    gradient = values(tarn.vjp(lambda a: function(tarn, a), [given], [array(tarn, name, weights)])[1][0])
    direction = np.random.default_rng(4).uniform(-1, 1, x.shape)
    tangent = values(tarn.jvp(lambda a: function(tarn, a), [given], [array(tarn, name, direction)])[1][0])
    for place in np.random.default_rng(5).permutation(x.size)[:12]:
        move = np.zeros(x.size)
        move[place] = step
        move = move.reshape(x.shape)
        wanted = (loss(x + move) - loss(x - move)) / (2 * step)
        assert gradient.reshape(-1)[place] == pytest.approx(wanted, rel=close * times, abs=close * min(times, 10))
    assert (tangent * weights).sum() == pytest.approx((gradient * direction).sum(), rel=close * 10, abs=close)


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("name", CASES)
def test_batch(name, axis):
    function, x, _ = CASES[name]
    each = [array(tarn, name, x * (1 - 0.05 * i)) for i in range(BATCH)]
    wanted = [values(function(tarn, a)) for a in each]
    batched = tarn.vmap(lambda a: function(tarn, a), in_axes=axis)(tarn.stack(each, axis=axis))
    np.testing.assert_allclose(values(batched), np.stack(wanted), rtol=1e-5, atol=1e-6)
    twice = tarn.vmap(tarn.vmap(lambda a: function(tarn, a)))(tarn.stack(each * 2).reshape(2, BATCH, *x.shape))
    np.testing.assert_allclose(values(twice), np.stack([np.stack(wanted)] * 2), rtol=1e-5, atol=1e-6)
    total = lambda a: (function(tarn, a) ** 2).sum()
    gradients = [values(tarn.grad(total)(a)) for a in each]
    batched = tarn.vmap(tarn.grad(total), in_axes=axis)(tarn.stack(each, axis=axis))
    np.testing.assert_allclose(values(batched), np.stack(gradients), rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_mlx_lacks_it(name):
    mx = pytest.importorskip("mlx.core")
    function, x, lacking = CASES[name]
    x = mx.array(x.astype(np.float32))
    ones = mx.ones_like(function(mx, x))
    ways = {
        "g": lambda: mx.vjp(lambda a: function(mx, a), [x], [ones])[1],
        "t": lambda: mx.jvp(lambda a: function(mx, a), [x], [x])[1],
        "b": lambda: mx.vmap(lambda a: function(mx, a))(mx.stack([x, x])),
    }
    found = ""
    for letter, way in ways.items():
        try:
            mx.eval(way())
        except (ValueError, RuntimeError):
            found += letter
    assert found == lacking
