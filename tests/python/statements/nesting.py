# Every function through transforms in all orders, two and three deep.
from functools import partial

_ = None if "tarn" in mx.__file__ else mx.disable_compile()  # mlx makes a C++ program of each compiled function: minutes

x = mx.array([[0.5, -1.25, 2.0], [1.5, 0.25, -0.75]])
y = mx.array([[1.0, 2.0, -0.5], [0.75, 1.25, 3.0]])
p = mx.abs(x) + 0.5
s = mx.array([[4.0, 1.0, 0.5], [1.0, 5.0, 1.5], [0.5, 1.5, 6.0]])
i = mx.array([2, 0, 1])

one_input = {
    "sin": mx.sin, "exp": mx.exp, "tanh": mx.tanh, "sigmoid": mx.sigmoid, "square": mx.square, "abs": mx.abs, "erf": mx.erf,
    "softmax": partial(mx.softmax, axis=-1), "logsumexp": partial(mx.logsumexp, axis=-1), "cumsum": partial(mx.cumsum, axis=-1),
    "cumprod": partial(mx.cumprod, axis=-1), "cummax": partial(mx.cummax, axis=-1), "logcumsumexp": partial(mx.logcumsumexp, axis=-1),
    "sum": partial(mx.sum, axis=-1), "mean": partial(mx.mean, axis=-1), "prod": partial(mx.prod, axis=-1), "max": partial(mx.max, axis=-1),
    "min": partial(mx.min, axis=-1), "var": partial(mx.var, axis=-1), "std": partial(mx.std, axis=-1), "sort": partial(mx.sort, axis=-1),
    "topk": partial(mx.topk, k=2, axis=-1), "median": partial(mx.median, axis=-1),
    "transpose": mx.transpose, "reshape": lambda a: a.reshape(-1), "slice": lambda a: a[..., ::-1], "slices": lambda a: a[..., 1:],
    "pad": lambda a: mx.pad(a, 1), "roll": lambda a: mx.roll(a, 1, axis=-1), "tile": lambda a: mx.tile(a, 2), "repeat": lambda a: mx.repeat(a, 2, axis=-1),
    "take": lambda a: mx.take(a, i, axis=-1), "index": lambda a: a[..., i],
    "tril": lambda a: mx.tril(a @ a.T) if a.ndim > 1 else a, "flip": lambda a: mx.flip(a, axis=-1) if hasattr(mx, "flip") else a[..., ::-1],
    "where": lambda a: mx.where(a > 0, a * 2, a * a), "clip": lambda a: mx.clip(a, -1, 1), "maximum": lambda a: mx.maximum(a, 0.1),
    "split": lambda a: mx.split(a, 3, axis=-1)[1], "concatenate": lambda a: mx.concatenate([a, a * a], axis=-1),
    "stack": lambda a: mx.stack([a, a * 2], axis=-1), "expand": lambda a: mx.expand_dims(a, -1) * a[..., None, :],
    "broadcast": lambda a: mx.broadcast_to(a, (2,) + a.shape), "norm": lambda a: mx.fast.rms_norm(a, mx.ones(3), 1e-5),
    "layer": lambda a: mx.fast.layer_norm(a, mx.ones(3), mx.zeros(3), 1e-5), "matmul": lambda a: a @ s, "addmm": lambda a: mx.addmm(a, a, s),
    "einsum": lambda a: mx.einsum("...i,ij->...j", a, s), "outer": lambda a: mx.outer(a, a), "inner": lambda a: mx.inner(a, a),
    "l2": lambda a: mx.linalg.norm(a, axis=-1), "power": lambda a: mx.abs(a) ** 1.5,
    "fft": lambda a: mx.real(mx.fft.fft(a)), "rfft": lambda a: mx.abs(mx.fft.rfft(a)), "as_strided": lambda a: mx.as_strided(a, (2, 2), (1, 1)),
    "stop": lambda a: a * mx.stop_gradient(a), "check": mx.checkpoint(lambda a: mx.sin(a) * a), "compiled": mx.compile(lambda a: mx.exp(-a * a)),
    "astype": lambda a: a.astype(mx.float16).astype(mx.float32) * a, "real": lambda a: mx.real(a * (1 + 2j)), "nan": mx.nan_to_num,
    "diag": lambda a: mx.diagonal(a[..., None] * a[..., None, :], axis1=-2, axis2=-1), "trace": lambda a: mx.trace(mx.outer(a, a)),
    "kron": lambda a: mx.kron(a, mx.array([1.0, 2.0])), "hadamard": lambda a: mx.hadamard_transform(mx.concatenate([a, a[..., :1]], axis=-1)),
    "logaddexp": lambda a: mx.logaddexp(a, a * 2), "arctan2": lambda a: mx.arctan2(a, a + 3), "remainder": lambda a: mx.remainder(a, 0.7), "conv": lambda a: mx.convolve(a, mx.array([1.0, -1.0])),
}

UNSAVED = {"logcumsumexp", "stop", "check", "astype"}  # mlx cannot, or loses the rule, or rounds otherwise

def summed(f):
    return lambda a: (f(a) * mx.cos(f(a))).sum()

for name, f in one_input.items():
    row = x[0]
    mx.grad(summed(f))(row)
    mx.grad(lambda a: (mx.grad(summed(f))(a) ** 2).sum())(row)
    mx.vjp(f, [row], [mx.ones_like(f(row))])
    mx.jvp(f, [row], [mx.array([1.0, -2.0, 0.5])])
    mx.vmap(f)(x)
    mx.vmap(f, in_axes=1)(x.T)
    mx.vmap(f, out_axes=-1)(x)
    mx.vmap(mx.grad(summed(f)))(x)
    mx.grad(lambda a: mx.vmap(summed(f))(a).sum())(x)
    mx.vmap(mx.vmap(f))(mx.stack([x, y]))
    mx.compile(f)(row)
    mx.compile(mx.grad(summed(f)))(row)
    mx.grad(mx.compile(summed(f)))(row)
    mx.vmap(mx.compile(f))(x)
    mx.compile(mx.vmap(f))(x)
    mx.compile(mx.vmap(mx.grad(summed(f))))(x)
    mx.vmap(mx.compile(mx.grad(summed(f))))(x)
    mx.grad(lambda a: mx.compile(mx.vmap(summed(f)))(a).sum())(x)
    mx.vmap(lambda a, t: mx.jvp(f, [a], [t])[1][0])(x, y)
    mx.jvp(mx.grad(summed(f)), [row], [mx.ones(3)])  # differs: gradients, tangents and batches that MLX lacks
    mx.grad(lambda a: mx.jvp(summed(f), [a], [mx.ones(3)])[1][0])(row)  # differs: gradients, tangents and batches that MLX lacks
    mx.grad(lambda a: mx.checkpoint(summed(f))(a))(row)
    mx.vmap(mx.grad(mx.checkpoint(summed(f))))(x)
    mx.value_and_grad(lambda d: summed(f)(d["a"]) + d["b"].sum())({"a": row, "b": y})
    mx.grad(summed(f))(row.astype(mx.float16)).dtype
    mx.export_function("f.bin", summed(f), row) if name not in UNSAVED else None
    mx.import_function("f.bin")(row) if name not in UNSAVED else None
    mx.grad(lambda a: mx.import_function("f.bin")(a)[0])(row) if name not in UNSAVED else None
    mx.export_function("g.bin", mx.grad(summed(f)), row) if name not in UNSAVED else None
    mx.import_function("g.bin")(row) if name not in UNSAVED else None
