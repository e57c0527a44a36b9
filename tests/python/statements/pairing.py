# Functions of two arrays: each argument, both, batched in every combination of axes.

_ = None if "tarn" in mx.__file__ else mx.disable_compile()  # mlx makes a C++ program of each compiled function: minutes
a = mx.array([[0.5, 1.25, 2.0], [1.5, 0.25, 0.75]])
b = mx.array([[1.0, 2.0, 0.5], [0.75, 1.25, 3.0]])
sq = mx.array([[4.0, 1.0, 0.5], [1.0, 5.0, 1.5], [0.5, 1.5, 6.0]])
two_inputs = {
    "add": mx.add, "subtract": mx.subtract, "multiply": mx.multiply, "divide": mx.divide, "power": mx.power, "maximum": mx.maximum, "minimum": mx.minimum,
    "logaddexp": mx.logaddexp, "arctan2": mx.arctan2, "remainder": mx.remainder, "where": lambda u, v: mx.where(u > v, u, v * 2),
    "outer": mx.outer, "inner": mx.inner, "matmul": lambda u, v: u @ v, "concat": lambda u, v: mx.concatenate([u, v * v], axis=-1),
    "stack": lambda u, v: mx.stack([u, v], axis=-1), "at": lambda u, v: u.at[mx.array([0, 1])].add(v[..., :2]), "tensordot": lambda u, v: mx.tensordot(u, v, 1),
    "einsum": lambda u, v: mx.einsum("i,j->ij", u, v), "kron": mx.kron, "norm": lambda u, v: mx.fast.rms_norm(u, v, 1e-5),
    "take": lambda u, v: mx.take(u, mx.array([1, 0])) * v[..., 0:1], "floor": mx.floor_divide, "put": lambda u, v: mx.put_along_axis(u, mx.array([0, 2]), v[..., :2], axis=-1),
    "linspace": lambda u, v: u + (v - u) * mx.linspace(0, 1, 3), "cross": lambda u, v: mx.linalg.cross(u, v), "gated": lambda u, v: mx.sigmoid(u) * mx.tanh(v),
    "less": mx.less, "equal": mx.equal, "isclose": mx.isclose, "search": lambda u, v: mx.sum(u[None] < v[:, None], axis=-1),
}
def loss(f):
    def inner(u, v):
        r = f(u, v)
        return (r * mx.sin(r * 1.0)).sum() * 1.0
    return inner

for name, f in two_inputs.items():
    u, v = a[0], b[0]
    f(u, v)
    mx.grad(loss(f))(u, v)
    mx.grad(loss(f), argnums=1)(u, v)
    mx.grad(loss(f), argnums=(1, 0))(u, v)
    mx.value_and_grad(loss(f), argnums=[0, 1])(u, v)
    mx.grad(loss(f), argnums=(0,), argnames=())(u, v)
    mx.jvp(f, [u, v], [mx.ones(3), mx.ones(3) * 2])  # differs: tangents of comparisons and their like
    mx.jvp(f, [u, v], [mx.ones(3), mx.zeros(3)])  # differs: tangents of comparisons and their like
    for axes in [(0, 0), (0, None), (None, 0), (1, 0), (0, 1), (-1, -1), (None, 1), (-1, None)]:
        left = a if axes[0] == 0 else a.T if axes[0] is not None else u
        right = b if axes[1] == 0 else b.T if axes[1] is not None else v
        mx.vmap(f, in_axes=axes)(left, right)
        mx.vmap(f, in_axes=axes, out_axes=-1)(left, right)
        mx.vmap(mx.grad(loss(f), argnums=(0, 1)), in_axes=axes)(left, right)  # differs: `vmap` of a function that returns one array twice
        mx.compile(mx.vmap(f, in_axes=axes))(left, right)
        mx.grad(lambda l, r: (mx.vmap(loss(f), in_axes=axes)(l, r) ** 2).sum(), argnums=(0, 1))(left, right)
    mx.vmap(lambda l: mx.vmap(lambda r: f(l, r))(b))(a)
    mx.vmap(mx.vmap(f, in_axes=(None, 0)), in_axes=(0, None))(a, b)
    mx.grad(lambda l, r: (mx.grad(loss(f))(l, r) * mx.grad(loss(f), argnums=1)(l, r)).sum(), argnums=(0, 1))(u, v)
    mx.compile(mx.value_and_grad(loss(f), argnums=(0, 1)))(u, v)
    mx.vmap(mx.vmap(loss(f)))(a[:, None], b[:, None])
