# float64 on the CPU: what dtype and value functions of one, two and three arrays give, and where they meet other
# dtypes.
import itertools

rng = np.random.default_rng(29)
def normal(*shape):
    return mx.array(rng.standard_normal(shape), mx.float64)

def close(y, x):
    """Whether a float64 result is that of float32, to its accuracy; what mlx computes in float32 may be said in float64."""
    return bool(np.allclose(np.array(y.astype(mx.float32)), np.array(x), rtol=2e-4, atol=1e-4, equal_nan=True))

names = [name for name in ("bool_", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16",
    "bfloat16", "float32", "complex64")]
x = normal(3, 4)
x.dtype, x.itemsize, x.nbytes, mx.array(1.0, mx.float64), mx.array([1, 2], mx.float64), mx.zeros((2,), mx.float64)
mx.ones((2,), mx.float64), mx.full((2,), 0.1, mx.float64), mx.eye(2, dtype=mx.float64), mx.arange(3, dtype=mx.float64)
mx.linspace(0, 1, 3, dtype=mx.float64), mx.zeros_like(x).dtype, mx.tri(3, dtype=mx.float64), mx.identity(2, mx.float64)
mx.array(0.1, mx.float64).item(), mx.array([0.1], mx.float64).tolist(), np.array(mx.array(0.1, mx.float64))
float(mx.array(0.1, mx.float64)), mx.array(np.pi, mx.float64).astype(mx.float32).astype(mx.float64).item()
for name in names:
    d = getattr(mx, name)
    y = mx.array([[0, 1, 2, 3]] * 3).astype(d)
    (x + y).dtype, (y + x).dtype, (x * y).dtype, mx.maximum(x, y).dtype if d != mx.complex64 else 0
    mx.result_type(mx.float64, d), y.astype(mx.float64), mx.concatenate([x, y]).dtype, mx.where(x > 0, x, y).dtype
    (x == y).dtype, mx.stack([x, y]).dtype
    x.astype(d).dtype if mx.issubdtype(d, mx.inexact) else 0
for s in (1, 2.5, True, 1j, np.float32(1), np.float64(1), np.int32(1), float("nan")):
    (x + s).dtype, (s + x).dtype, (x * s).dtype, (x > s).dtype if not isinstance(s, complex) else 0
    mx.where(x > 0, x, s).dtype
for name in (
        "abs arccos arcsin arcsinh arctan arctanh ceil conjugate cos cosh degrees erf exp expm1 floor isfinite isinf "
        "isnan isneginf isposinf log log10 log1p log2 logical_not negative radians reciprocal round rsqrt sigmoid "
        "sign sin sinh sqrt square tan tanh stop_gradient real imag"
).split():
    f = getattr(mx, name)
    y = mx.array(rng.uniform(0.1, 0.9, (3, 4)), mx.float64)
    f(y).dtype, close(f(y), f(y.astype(mx.float32))), close(f(y.T), f(y.T.astype(mx.float32))), f(y[:, ::2]).dtype
close(mx.arccosh(mx.abs(x) + 1), mx.arccosh(mx.abs(x).astype(mx.float32) + 1)), mx.arccosh(mx.abs(x) + 1).dtype
for name in (
        "add subtract multiply divide maximum minimum power remainder arctan2 logaddexp equal not_equal less "
        "less_equal greater greater_equal logical_and logical_or"
).split():
    f = getattr(mx, name)
    a, b = mx.array(rng.uniform(0.5, 2, (3, 4)), mx.float64), mx.array(rng.uniform(0.5, 2, (3, 4)), mx.float64)
    f(a, b).dtype, close(f(a, b), f(a.astype(mx.float32), b.astype(mx.float32))), f(a, b[0]).dtype, f(a.T, b.T).dtype
    f(a, 2.0).dtype
for name in (
        "all any sum prod max min mean var std argmax argmin cumsum cumprod cummax cummin sort argsort softmax "
        "logsumexp median logcumsumexp"
).split():
    f = getattr(mx, name)
    for axis in (0, 1, -1):
        f(x, axis=axis).dtype, close(f(x, axis=axis), f(x.astype(mx.float32), axis=axis)), f(x.T, axis=axis).shape
for f in (lambda x: x.reshape(4, 3), lambda x: x.T, lambda x: x[1], lambda x: x[:, ::-1],
        lambda x: mx.take(x, mx.array([0, 2]), 1), lambda x: mx.pad(x, 1), lambda x: mx.roll(x, 1),
        lambda x: mx.tile(x, (2, 1)), lambda x: mx.repeat(x, 2), lambda x: mx.tril(x), lambda x: mx.diag(x),
        lambda x: mx.clip(x, -0.5, 0.5), lambda x: mx.concatenate([x, x]), lambda x: mx.split(x, 2, 1),
        lambda x: mx.topk(x, 2), lambda x: mx.diff(x), lambda x: mx.trace(x), lambda x: x @ x.T,
        lambda x: mx.addmm(x[:, :3], x, x.T), lambda x: mx.inner(x, x), lambda x: mx.outer(x, x),
        lambda x: mx.tensordot(x, x.T, 1), lambda x: mx.einsum("ij,kj->ik", x, x), lambda x: mx.where(x > 0, x, -x),
        lambda x: mx.broadcast_to(x, (2, 3, 4)), lambda x: x.at[0].add(1.0), lambda x: mx.view(x, mx.int64).shape,
        lambda x: mx.kron(x, x), lambda x: mx.linalg.norm(x), lambda x: mx.linalg.qr(x, stream=mx.cpu)[1],
        lambda x: mx.linalg.svd(x, stream=mx.cpu)[1], lambda x: mx.linalg.inv(x[:, :3], stream=mx.cpu),
        lambda x: mx.linalg.cholesky(x @ x.T + 3 * mx.eye(3, dtype=mx.float64), stream=mx.cpu),
        lambda x: mx.linalg.eigvalsh(x @ x.T, stream=mx.cpu), lambda x: mx.linalg.lu(x, stream=mx.cpu),
        lambda x: mx.linalg.solve(x[:, :3], x[:, 3:], stream=mx.cpu), lambda x: mx.linalg.pinv(x, stream=mx.cpu),
        lambda x: mx.searchsorted(mx.sort(x[0]), x[1])):
    f(x)
mx.grad(lambda x: (x**2).sum())(x), mx.grad(lambda x: mx.sin(x).sum())(x).dtype
mx.value_and_grad(lambda x: (x @ x.T).sum())(x), mx.vmap(lambda x: x * 2)(x), mx.jvp(mx.exp, [x], [x])[1][0].dtype
mx.vjp(lambda x: x * x, [x], [x])[1], mx.grad(lambda x: x.astype(mx.float32).sum())(x).dtype
str(mx.array(1 / 3, mx.float64)), repr(mx.array([1 / 3], mx.float64)), mx.finfo(mx.float64).eps
mx.finfo(mx.float64).max, mx.issubdtype(mx.float64, mx.floating)
mx.array(1.0, mx.float64) / 3, mx.array(2, mx.float64) ** 0.5, mx.array(1e300, mx.float64) * 1e-300
mx.array(2**53 + 1, mx.float64), mx.array(1e-320, mx.float64)

# ---- docs/differences.md
mx.exp(mx.array(700.0, mx.float64))  # differs: `exp` of float64 beyond 88
