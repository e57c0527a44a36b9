# Gradients, tangents and batches of every function: vjp, jvp, vmap over every axis of the inputs and into every axis
# of the result.
import itertools
import sys

CLOSE = 1e-5
rng = np.random.default_rng(19)
def normal(*shape, dtype=mx.float32):
    return mx.array(rng.standard_normal(shape).astype(np.float32)).astype(dtype)

def between(low, high, *shape):
    return mx.array(rng.uniform(low, high, shape).astype(np.float32))

def drawn(seed, like):
    return mx.array(np.random.default_rng(seed).standard_normal(like.shape).astype(np.float32))

def rules(f, *xs):
    """Calls that ask the rules of f at xs."""
    y = f(*xs)
    results = list(y) if isinstance(y, (list, tuple)) else [y]
    yield lambda: y
    if all(mx.issubdtype(one.dtype, mx.inexact) for one in results):
        yield lambda: mx.vjp(f, list(xs), [drawn(i, one) for i, one in enumerate(results)])[1]
        yield lambda: mx.jvp(f, list(xs), [drawn(9 + i, one) for i, one in enumerate(xs)])[1]
        yield lambda: mx.grad(lambda *xs: (f(*xs) ** 2).sum(), argnums=tuple(range(len(xs))))(*xs)

def batches(f, *xs):
    for axes in itertools.product(*[[None, *range(x.ndim + 1), -1] for x in xs]):
        for out in (0, 1, -1):
            if any(axis is not None for axis in axes):
                stacked = [x if axis is None else mx.stack([x, x * 2, x + 1], axis) for x, axis in zip(xs, axes)]
                yield lambda: mx.vmap(f, tuple(axes) if len(axes) > 1 else axes[0], out)(*stacked)

def every(f, *xs):
    line = sys._getframe(1).f_lineno
    for call in itertools.chain(rules(f, *xs), batches(f, *xs)):
        tell(line, call)

# ---- of one array
for name in (
        "abs arccos arcsin arcsinh arctan arctanh ceil conjugate cos cosh degrees erf erfinv exp expm1 floor log "
        "log10 log1p log2 logical_not negative radians reciprocal round rsqrt sigmoid sign sin sinh sqrt square tan "
        "tanh isnan isinf isfinite real imag stop_gradient nan_to_num"
).split():
    f = getattr(mx, name)
    x = between(0.1, 0.9, 2, 3)
    every(f, x)
    every(f, x[0])
every(mx.arccosh, between(1.1, 3, 2, 3))
for name in (
        "sum mean max min prod var std logsumexp all any argmax argmin softmax cumsum cumprod cummax cummin "
        "logcumsumexp sort argsort median"
).split():
    f = getattr(mx, name)
    x = between(0.5, 2.0, 2, 3)
    for axis in (None, 0, 1, -1):
        every(lambda x: f(x, axis=axis), x)
    every(lambda x: f(x, axis=0, keepdims=True),
        x) if name in "sum mean max min prod var std logsumexp all any argmax argmin median".split() else None
    every(lambda x: f(x, axis=(0, 1)),
        x) if name in "sum mean max min prod var std logsumexp all any softmax median".split() else None
    for r, i in itertools.product((False, True), (False, True)):
        every(lambda x: f(x, axis=1, reverse=r, inclusive=i),
            x) if name.startswith("cum") or name == "logcumsumexp" else None
x = between(0.5, 2.0, 2, 3)
every(lambda x: mx.topk(x, 2), x), every(lambda x: mx.sort(mx.partition(x, 1)[..., :1]), x)
every(lambda x: mx.var(x, ddof=1), x), every(lambda x: mx.clip(x, 0.7, 1.5), x)
every(lambda x: mx.clip(x, None, 1.5), x)
for f in (mx.transpose, mx.flatten, lambda x: x.reshape(3, 2), lambda x: x.reshape(-1), lambda x: mx.expand_dims(x, 1),
        lambda x: mx.expand_dims(x, (0, -1)), lambda x: mx.squeeze(x[None]), lambda x: mx.swapaxes(x, 0, 1),
        lambda x: mx.moveaxis(x, 0, -1), lambda x: mx.repeat(x, 2, 1), lambda x: mx.repeat(x, 2),
        lambda x: mx.tile(x, (2, 1)), lambda x: mx.pad(x, 1),
        lambda x: mx.pad(x, ((0, 1), (2, 0)), constant_values=3.0), lambda x: mx.pad(x, 1, mode="edge"),
        lambda x: mx.roll(x, 1), lambda x: mx.roll(x, 1, 0), lambda x: mx.flip(x), lambda x: mx.flip(x, 1),
        lambda x: mx.tril(x), lambda x: mx.triu(x, 1), lambda x: mx.diag(x[0]), lambda x: mx.diag(x),
        lambda x: mx.diagonal(x), lambda x: mx.trace(x), lambda x: mx.split(x, 3, 1), lambda x: mx.split(x, [1], 1),
        lambda x: mx.unstack(x), lambda x: mx.broadcast_to(x, (4, 2, 3)), lambda x: mx.as_strided(x, (2, 2), (1, 1)),
        lambda x: mx.diff(x), lambda x: mx.diff(x, axis=0), lambda x: mx.unflatten(x, 1, (3, 1)),
        lambda x: mx.contiguous(x), lambda x: mx.atleast_3d(x), lambda x: x.astype(mx.float16).astype(mx.float32),
        lambda x: mx.stack([x, x * 2], 1), lambda x: mx.concatenate([x, x], 0), lambda x: mx.concatenate([x, x * 3], 1),
        lambda x: mx.meshgrid(x[0], x[1]), lambda x: mx.kron(x, x), lambda x: mx.outer(x[0], x[1]),
        lambda x: mx.hadamard_transform(mx.concatenate([x, x[:, :1]], 1)), lambda x: mx.view(x, mx.int32),
        lambda x: mx.zeros_like(x), lambda x: mx.ones_like(x) * x, lambda x: mx.full(x.shape, 2.0) * x,
        lambda x: mx.where(x > 1, x, -x), lambda x: mx.depends(x, x * 2), lambda x: mx.eye(3)[:2] * x):
    every(f, x)

# ---- indexing
for f in (lambda x: x[0], lambda x: x[:, 1], lambda x: x[..., ::2], lambda x: x[::-1], lambda x: x[None],
        lambda x: x[1:, :2], lambda x: x[mx.array([1, 0, 1])], lambda x: x[:, mx.array([2, 0])],
        lambda x: x[mx.array([0, 1]), mx.array([2, 0])], lambda x: x[mx.array([[0], [1]]), mx.array([2, 0])],
        lambda x: mx.take(x, mx.array([1, 0]), axis=1), lambda x: mx.take(x, mx.array([1, 5, 0])),
        lambda x: mx.take(x, 1, axis=0), lambda x: mx.take_along_axis(x, mx.array([[0], [2]]), 1),
        lambda x: mx.take_along_axis(x, mx.array([[0, 1, 0]]), 0),
        lambda x: mx.put_along_axis(x, mx.array([[0], [2]]), mx.array([[7.0], [8.0]]), 1),
        lambda x: x.at[mx.array([1, 0])].subtract(2.0), lambda x: x.at[mx.array([1, 1])].add(x),
        lambda x: mx.slice(x, mx.array([0, 1]), (0, 1), (2, 2)),
        lambda x: mx.slice_update(mx.zeros((4, 3)), x, mx.array([1]), (0,))):
    every(f, x)
def assigned(x):
    y = mx.zeros((3, 3))
    y[:2] = x
    y[2, 1:] = x[0, :2] * 2
    return y

def replaced(x):
    x = x + 0
    x[mx.array([0, 1]), mx.array([1, 2])] = 5.0
    return x

every(assigned, x), every(replaced, x)

# ---- of two arrays
for name in (
        "add subtract multiply divide maximum minimum power logaddexp arctan2 remainder floor_divide equal less "
        "greater_equal logical_and"
).split():
    f = getattr(mx, name)
    for p, q in (((2, 3), (2, 3)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((2, 3), ())):
        a, b = between(0.3, 2.0, *p), between(0.3, 2.0, *q)
        every(f, a, b)
for f, p, q in ((mx.matmul, (2, 3), (3, 4)), (mx.matmul, (3,), (3, 2)), (mx.matmul, (2, 3), (3,)),
        (mx.matmul, (2, 2, 3), (3, 2)), (mx.matmul, (2, 3), (2, 3, 2)), (mx.inner, (3,), (3,)),
        (mx.inner, (2, 3), (2, 3)), (mx.tensordot, (2, 3), (2, 3)),
        (lambda a, b: mx.tensordot(a, b, 1), (2, 3), (3, 2)),
        (lambda a, b: mx.einsum("ij,jk->ki", a, b), (2, 3), (3, 2)),
        (lambda a, b: mx.concatenate([a, b]), (2, 3), (1, 3)), (lambda a, b: mx.stack([a, b], -1), (2, 3), (2, 3)),
        (lambda a, b: mx.where(a > b, a, b * 2), (2, 3), (2, 3)),
        (lambda a, b: mx.fast.rms_norm(a, b, 1e-5), (2, 3), (3,)),
        (lambda a, b: mx.fast.layer_norm(a, b, b, 1e-5), (2, 3), (3,)),
        (lambda a, b: mx.broadcast_arrays(a, b), (2, 1), (3,)),
        (lambda a, b: a.at[:, mx.array([0, 2])].multiply(b), (2, 3), (2, 2)),
        (lambda a, b: mx.put_along_axis(a, mx.array([[0], [1]]), b, 1), (2, 3), (2, 1)),
        (lambda a, b: mx.clip(a, b, b + 1), (2, 3), (3,)), (lambda a, b: mx.vecdot(a, b), (2, 3), (2, 3)),
        (lambda a, b: mx.linalg.cross(a, b), (2, 3), (2, 3)), (lambda a, b: mx.conv1d(a, b), (1, 4, 2), (3, 2, 2)),
        (lambda a, b: mx.convolve(a, b), (4,), (2,))):
    every(f, between(0.5, 2.0, *p), between(0.5, 2.0, *q))

# ---- linear algebra, fft, norms
for f, p in ((lambda x: mx.linalg.norm(x), (2, 3)), (lambda x: mx.linalg.norm(x, axis=1), (2, 3)),
        (lambda x: mx.linalg.norm(x, 1, axis=0), (2, 3)), (lambda x: mx.linalg.norm(x, mx.inf, axis=1), (2, 3)),
        (lambda x: mx.linalg.inv(x + 3 * mx.eye(2), stream=mx.cpu), (2, 2)),
        (lambda x: mx.linalg.cholesky(x @ x.T + 3 * mx.eye(2), stream=mx.cpu), (2, 2)),
        (lambda x: mx.linalg.det(x), (2, 2)), (lambda x: mx.linalg.det(x), (3, 3)),
        (lambda x: mx.linalg.svd(x, compute_uv=False, stream=mx.cpu), (2, 3)),
        (lambda x: mx.linalg.eigvalsh(x + x.T, stream=mx.cpu), (2, 2)),
        (lambda x: mx.linalg.qr(x, stream=mx.cpu)[1], (3, 2)), (lambda x: mx.linalg.pinv(x, stream=mx.cpu), (3, 2)),
        (lambda x: mx.linalg.tri_inv(mx.tril(x) + mx.eye(2), stream=mx.cpu), (2, 2)),
        (lambda x: mx.abs(mx.fft.fft(x)), (2, 4)), (lambda x: mx.abs(mx.fft.rfft2(x)), (2, 4)),
        (lambda x: mx.fft.fftshift(x), (2, 4)), (lambda x: mx.fast.rms_norm(x, None, 0.1), (2, 4)),
        (lambda x: mx.fast.layer_norm(x, None, None, 0.1), (2, 4)),
        (lambda x: mx.fast.rope(x, 4, traditional=False, base=100.0, scale=1.0, offset=1), (1, 2, 4)),
        (lambda x: mx.fast.scaled_dot_product_attention(x, x, x, scale=0.5), (1, 2, 2, 4))):
    every(f, between(0.5, 2.0, *p))

# ---- docs/differences.md
b = between(0.5, 2.0, 3, 2, 3)
mx.vmap(lambda x: x.at[0].add(1.0))(b)  # differs: `vmap` of assignments
mx.vmap(mx.divmod)(b, b)  # differs: `vmap` of `divmod`
mx.vmap(mx.not_equal, (None, 0))(b[0], b)  # differs: `vmap` of `not_equal`
mx.vmap(lambda c: mx.addmm(c, b[0], b[0].T))(b[:, :, :2])  # differs: `vmap` of `addmm` over its first argument
mx.vmap(lambda x: mx.slice_update(x, mx.ones((1, 1)), mx.array([0, 1]), (0, 1)))(b)  # differs: `vmap` of `slice_update`
mx.jvp(lambda c: mx.addmm(c, b[0], b[0].T, 2.0, 0.5), [b[0, :, :2]], [b[0, :, :2]])  # differs: tangents of `addmm`
mx.vmap(lambda x: mx.searchsorted(x, mx.array(1.0)))(b[0])  # differs: `vmap` over the sequence
mx.grad(lambda x: mx.take(b[0, 0], x.astype(mx.int32)).sum())(mx.array(1.0))  # differs: cast of a float to an integer
mx.jvp(lambda x: x.at[0].maximum(1.0), [b[0]], [b[0]])  # differs: gradients, tangents and batches that MLX lacks
