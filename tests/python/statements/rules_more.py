# What tests of transforms look at: rules of single operations, kinds of arguments, what stays alive, batches of everything along every axis.
# mlx computes some functions of float64 with fewer digits
CLOSE_FLOAT64 = 3e-7
import gc
import weakref
from functools import partial

x = mx.array([1.0, 2.0, 3.0])
m = mx.array([[1.0, -2.0, 0.5], [3.0, 4.0, -1.5]])
t = mx.arange(24.0).reshape(2, 3, 4) / 7 - 1.3

# ---- types of gradients and tangents
for d in [mx.float16, mx.bfloat16, mx.float32, mx.float64]:
    a = mx.array([0.5, 1.5], d)
    mx.grad(lambda a: (a * 2.0).sum())(a), mx.grad(lambda a: (a * mx.array(2.0)).sum())(a), mx.vjp(mx.exp, [a], [a])
    mx.jvp(mx.sin, [a], [a]), mx.grad(lambda a: a.astype(mx.float32).sum())(a), mx.vmap(mx.tanh)(a), mx.value_and_grad(lambda a: a.mean())(a)
    mx.grad(lambda a: (a[None] @ a[:, None]).sum())(a), mx.grad(lambda a: mx.softmax(a)[0])(a), mx.jvp(lambda a: a.astype(mx.float16), [a], [a])
    mx.grad(lambda a, b: (a * b).sum(), argnums=(0, 1))(a, mx.array([1.0, 2.0], mx.float16)), mx.grad(lambda a: mx.sum(a.astype(mx.complex64)).real())(a)
    mx.grad(lambda a: mx.logsumexp(a))(a), mx.grad(lambda a: mx.maximum(a, 1).sum())(a), mx.grad(lambda a: a.var())(a)
for d in [mx.bool_, mx.uint8, mx.int32, mx.int64]:
    a = mx.array([1, 2], d)
    mx.grad(lambda a: (a * 2).sum())(a)  # differs: gradients by bools, and by integers of 8 and 16 bits behind a sum
    mx.grad(lambda a: (a * 1.5).sum())(a), mx.vmap(lambda a: a + 1)(a)
    mx.vjp(lambda a: a * 1, [a], [a])  # differs: gradients by bools, and by integers of 8 and 16 bits behind a sum
    mx.value_and_grad(lambda a: a.astype(mx.float32).sum())(a)

# ---- complex numbers
z, y = mx.array([1 + 2j, 0.5 - 1j, -0.3 + 0.2j]), mx.array([0.3 - 1j, 2.0 + 0.1j, 1j])
for f in [mx.exp, mx.sin, mx.cos, mx.sqrt, mx.log, lambda a: a * a * a, lambda a: 1 / a, mx.conj, lambda a: mx.real(a) + 0j, lambda a: mx.imag(a) * 1j, lambda a: mx.abs(a) + 0j, mx.tanh,
        lambda a: mx.cumsum(a), lambda a: a[::-1], lambda a: a.reshape(3, 1) @ a.reshape(1, 3), lambda a: mx.fft.fft(a), lambda a: mx.fft.ifft(a), mx.negative, mx.log1p, mx.expm1,
        lambda a: a / y, lambda a: y / a, lambda a: a * y, lambda a: mx.where(mx.real(a) > 0, a, y), lambda a: mx.concatenate([a, y]), mx.sinh, mx.cosh, mx.tan, mx.rsqrt, mx.sigmoid]:
    f(z)
    mx.vjp(f, [z], [mx.ones_like(f(z)) * (1 - 2j)])
    mx.jvp(f, [z], [y])
    mx.vmap(f)(mx.stack([z, y]))
    mx.grad(lambda a: mx.real(f(a)).sum())(z)
    mx.grad(lambda a: mx.imag(f(a)).sum())(z)
    mx.grad(lambda a: mx.abs(f(a * (1 + 1j))).sum())(mx.array([1.0, 2.0, 0.3]))

for f in [lambda a: a ** 2, lambda a: mx.power(a, y)]:
    f(z), mx.jvp(f, [z], [y])
    mx.vjp(f, [z], [mx.ones_like(f(z)) * (1 - 2j)])  # differs: gradients of `square` and `power` of complex numbers

# ---- updates and their gradients
def updated(how):
    def f(a, u):
        a = a * 1
        how(a, u)
        return (a * mx.cos(a)).sum()
    return f
def set_row(a, u): a[1] = u
def set_column(a, u): a[:, 1] = u[:2]
def set_steps(a, u): a[::1, ::2] = u[:2]
def set_backwards(a, u): a[::-1, 0:2] = u[:2]
def set_index(a, u): a[mx.array([1])] = u
def set_indices(a, u): a[mx.array([0, 1]), mx.array([2, 0])] = u[:2]
def set_both(a, u): a[1, mx.array([0, 2])] = u[1:]
def set_all(a, u): a[...] = u
def set_none(a, u): a[None, 0] = u
def set_scalar(a, u): a[0, 1] = u[0]
def add_row(a, u): a[0] += u
def times_row(a, u): a[0] *= u
def mask(a, u): a[a > 1] = 7.0
def mask_rows(a, u): a[mx.array([True, False])] = u
for how in [set_row, set_column, set_steps, set_backwards, set_index, set_indices, set_both, set_all, set_none, set_scalar, add_row, times_row, mask, mask_rows]:
    updated(how)(m, x)
    mx.grad(updated(how), argnums=(0, 1))(m, x)
    mx.compile(mx.grad(updated(how), argnums=(0, 1)))(m, x)
    mx.grad(lambda a, u: mx.grad(updated(how))(a, u).sum(), argnums=0)(m, x)
    mx.grad(mx.checkpoint(updated(how)))(m, x)
i = mx.array([1, 0])
for how in ["add", "subtract", "multiply", "divide", "maximum", "minimum"]:
    mx.grad(lambda a, u: (getattr(a.at[i], how)(u) ** 2).sum(), argnums=(0, 1))(m, m + 0.25)
    mx.grad(lambda a, u: (getattr(a.at[i, 1:], how)(u) ** 2).sum(), argnums=(0, 1))(m, m[:, 1:] + 0.25)  # differs: gradients of `at[]` with index arrays beside slices
    mx.grad(lambda a, u: (getattr(a.at[0], how)(u) ** 2).sum(), argnums=(0, 1))(m, x)  # differs: `at[].maximum` and `minimum` of an equal update
    mx.grad(lambda a, u: (getattr(a.at[:, 1], how)(u) ** 2).sum(), argnums=(0, 1))(m, x[:2])
    mx.compile(lambda a, u: getattr(a.at[i], how)(u))(m, m), mx.compile(lambda a, u: getattr(a.at[0], how)(u), shapeless=True)(m, x)

# ---- batches along every axis
single = {
    "cumsum": lambda a: mx.cumsum(a, axis=0), "cummin": lambda a: mx.cummin(a, axis=-1), "sort": lambda a: mx.sort(a, axis=0), "argsort": lambda a: mx.argsort(a, axis=-1), "argpartition": lambda a: mx.sort(mx.argpartition(a, 1, axis=-1), axis=-1),
    "partition": lambda a: mx.sum(mx.partition(a, 1, axis=0)), "softmax": lambda a: mx.softmax(a, axis=0), "argmin": lambda a: mx.argmin(a, axis=0, keepdims=True), "quantile": lambda a: mx.median(a, axis=0), "all": lambda a: mx.all(a > 0, axis=0),
    "take": lambda a: a[:, mx.array([1, 0])], "rows": lambda a: a[mx.array([[0, 1], [1, 0]])], "newaxis": lambda a: a[:, None, ::-1], "squeeze": lambda a: mx.squeeze(a[None], 0), "unflatten": lambda a: mx.unflatten(a, 0, (1, -1)),
    "moveaxis": lambda a: mx.moveaxis(a, 0, -1), "swapaxes": lambda a: mx.swapaxes(a, 0, 1), "flatten": lambda a: mx.flatten(a), "view": lambda a: mx.view(a, mx.int32), "tile": lambda a: mx.tile(a, (2, 1)), "repeat": lambda a: mx.repeat(a, 2, axis=1),
    "pad": lambda a: mx.pad(a, ((1, 0), (0, 2)), constant_values=5), "edge": lambda a: mx.pad(a, 1, mode="edge"), "roll": lambda a: mx.roll(a, 1, axis=(0, 1)), "diag": lambda a: mx.diag(a), "diagonal": lambda a: mx.diagonal(a, 1), "trace": lambda a: mx.trace(a),
    "tri": lambda a: mx.triu(a, 1), "einsum": lambda a: mx.einsum("ij,kj->ik", a, a), "tensordot": lambda a: mx.tensordot(a, a, axes=([1], [1])), "outer": lambda a: mx.outer(a, a), "kron": lambda a: mx.kron(a, a), "inner": lambda a: mx.inner(a, a),
    "norm": lambda a: mx.linalg.norm(a), "norm1": lambda a: mx.linalg.norm(a, 1, axis=0), "qr": lambda a: mx.abs(mx.linalg.qr(a, stream=mx.cpu)[1]), "svd": lambda a: mx.linalg.svd(a, compute_uv=False, stream=mx.cpu), "pinv": lambda a: mx.linalg.pinv(a @ a.T + mx.eye(a.shape[0]), stream=mx.cpu),
    "solve": lambda a: mx.linalg.solve(a @ a.T + 3 * mx.eye(a.shape[0]), a, stream=mx.cpu), "cholesky": lambda a: mx.linalg.cholesky(a @ a.T + 3 * mx.eye(a.shape[0]), stream=mx.cpu), "eigh": lambda a: mx.linalg.eigvalsh(a @ a.T, stream=mx.cpu),
    "fft": lambda a: mx.fft.fft(a, axis=0), "fft2": lambda a: mx.fft.fft2(a), "irfft": lambda a: mx.fft.irfft(mx.fft.rfft(a), n=4), "shift": lambda a: mx.fft.fftshift(a), "addmm": lambda a: mx.addmm(mx.ones((a.shape[0],) * 2), a, a.T, 2.0, 0.5),
    "conv1d": lambda a: mx.conv1d(a[None], mx.ones((2, 1, a.shape[-1]))), "conv2d": lambda a: mx.conv2d(a[None, ..., None], mx.ones((2, 1, 2, 1))), "transpose": lambda a: mx.conv_transpose1d(a[None], mx.ones((2, 2, a.shape[-1]))), "rms": lambda a: mx.fast.rms_norm(a, None, 1e-5),
    "layer": lambda a: mx.fast.layer_norm(a, None, None, 1e-5), "attention": lambda a: mx.fast.scaled_dot_product_attention(a[None, None], a[None, None], a[None, None], scale=0.5), "where": lambda a: mx.where(a > 0, a, mx.zeros_like(a)), "clip": lambda a: mx.clip(a, a.min() / 2, 0.5),
    "meshgrid": lambda a: mx.meshgrid(a[0], a[:, 0])[0], "split": lambda a: mx.split(a, [1], axis=-1)[1], "stack": lambda a: mx.stack([a, a], axis=1), "concatenate": lambda a: mx.concatenate([a, a[:1]], axis=0), "broadcast": lambda a: mx.broadcast_arrays(a, a[:1])[1], "strided": lambda a: mx.as_strided(a, (2, 2), (1, 2)),
    "slice": lambda a: mx.slice(a, mx.array([0, 1]), (0, 1), (2, 1)), "update": lambda a: mx.slice_update(a, a[:1, :1] * 2, mx.array([1, 0]), (0, 1)), "astype": lambda a: (a * 3).astype(mx.int8), "divmod": lambda a: a // 0.3, "isclose": lambda a: mx.isclose(a, a + 1e-9), "number": lambda a: mx.nan_to_num(mx.log(a)),
    "logcumsumexp": lambda a: mx.logcumsumexp(a, axis=0), "searchsorted": lambda a: mx.sum(a[:, None] < a[0][None, :1], axis=0), "var": lambda a: mx.var(a, axis=-1, ddof=1), "topk": lambda a: mx.sort(mx.topk(a, 2, axis=0), axis=0), "matmul": lambda a: a @ mx.ones((a.shape[1], 2)), "vector": lambda a: a @ mx.ones((a.shape[1],)), "left": lambda a: mx.ones((a.shape[0],)) @ a,
    "stop": lambda a: mx.stop_gradient(a) * a, "depends": lambda a: mx.depends(a * 2, a), "erf": lambda a: mx.erfinv(mx.erf(a) * 0.5), "contiguous": lambda a: mx.contiguous(a.T), "real": lambda a: mx.real(a.astype(mx.complex64) * 1j), "round": lambda a: mx.round(a, 1), "key": lambda a: mx.random.uniform(shape=(2,), key=mx.random.key(3)) + a[0, 0],
}
for name, f in single.items():
    for axis in (0, 1, 2, -1, -3):
        mx.vmap(f, in_axes=axis)(t)  # differs: gradients, tangents and batches that MLX lacks
    mx.vmap(f, in_axes=1, out_axes=-1)(t)  # differs: gradients, tangents and batches that MLX lacks
    mx.vmap(mx.grad(lambda a: mx.sin(f(a).astype(mx.float32)).sum()), in_axes=1)(t)  # differs: gradients, tangents and batches that MLX lacks

# ---- what stays alive
def alive(make):
    class Note: pass
    note = Note()
    ref = weakref.ref(note)
    f = make(note)
    mx.eval(f(x))
    del f, note
    gc.collect()
    return ref() is None
alive(lambda note: mx.grad(lambda a: (note, a.sum())[1])), alive(lambda note: mx.value_and_grad(lambda a: (note, a.sum())[1])), alive(lambda note: mx.vmap(lambda a: (note, a)[1]))
alive(lambda note: mx.compile(lambda a: (note, a)[1])), alive(lambda note: mx.checkpoint(lambda a: (note, a)[1])), alive(lambda note: mx.custom_function(lambda a: (note, a)[1]))
alive(lambda note: mx.compile(mx.grad(lambda a: (note, a.sum())[1]))), alive(lambda note: mx.grad(mx.checkpoint(lambda a: (note, a.sum())[1]))), alive(lambda note: partial(mx.jvp, lambda a: (note, a)[1]) and (lambda a: a))
def flat(step, times=30):
    step()
    gc.collect()
    mx.synchronize()
    before = mx.get_active_memory()
    for _ in range(times):
        step()
    gc.collect()
    mx.synchronize()
    return (mx.get_active_memory() - before) // 65536
big = mx.ones((256, 256))
mx.eval(big)
flat(lambda: mx.eval(mx.grad(lambda a: (a @ a).sum())(big))), flat(lambda: mx.eval(mx.value_and_grad(lambda a: mx.sin(a).sum())(big))), flat(lambda: mx.eval(mx.vmap(lambda a: a * 2)(big)))
flat(lambda: mx.eval(mx.compile(lambda a: a * 2)(big))), flat(lambda: mx.eval(mx.jvp(lambda a: a * a, [big], [big]))), flat(lambda: mx.eval(mx.vjp(lambda a: a * a, [big], [big]))), flat(lambda: mx.grad(lambda a: (a @ a).sum())(big))
flat(lambda: mx.eval(mx.grad(mx.checkpoint(lambda a: mx.exp(-a * a).sum()))(big))), flat(lambda: mx.eval(mx.split(big, 4)[1])), flat(lambda: mx.split(big + 1, 4)), flat(lambda: mx.eval(mx.divmod(big, 2.0)[0]))
