# Random functions under random transforms, up to three deep. TARN_SEED in the environment draws others. In float64, since rounding grows with
# the depth; mlx computes some functions of float64 with fewer digits, and where these meet the sine of a large number nothing can be compared.
CLOSE_FLOAT64 = 3e-6
import os
import random as dice_module

_ = None if "tarn" in mx.__file__ else mx.disable_compile()  # mlx makes a C++ program of each compiled function: minutes
dice = dice_module.Random(int(os.environ.get("TARN_SEED", "2")))
u = mx.array([[0.5, -1.25, 2.0], [1.5, 0.25, -0.75], [0.8, 1.1, -0.4]], mx.float64)
v = mx.array([[1.0, 2.0, -0.5], [0.75, 1.25, 3.0], [-1.5, 0.6, 0.9]], mx.float64)
w = mx.array([[0.4, -0.1, 0.3], [0.2, 0.5, -0.6], [0.7, 0.1, 0.2]], mx.float64)

# each takes vectors of three and gives one
ones = {
    "sin": lambda a: mx.sin(a), "tanh": lambda a: mx.tanh(a), "sigmoid": lambda a: mx.sigmoid(a), "exp": lambda a: mx.exp(-a * a),
    "erf": lambda a: mx.erf(a), "log1p": lambda a: mx.log1p(a * a), "sqrt": lambda a: mx.sqrt(a * a + 1), "rsqrt": lambda a: mx.rsqrt(a * a + 0.5),
    "softmax": lambda a: mx.softmax(a, axis=-1), "cumsum": lambda a: mx.cumsum(a, axis=-1), "reverse": lambda a: mx.cumsum(a, axis=-1, reverse=True, inclusive=False),
    "matmul": lambda a: a @ w, "matvec": lambda a: w @ a, "flip": lambda a: a[::-1], "take": lambda a: a[mx.array([2, 0, 0])],
    "roll": lambda a: mx.roll(a, 1), "sort": lambda a: mx.sort(a), "outer": lambda a: mx.outer(a, a).sum(0), "mean": lambda a: a - a.mean(),
    "normed": lambda a: mx.fast.rms_norm(a, w[0], 1e-4), "layer": lambda a: mx.fast.layer_norm(a, w[1], w[2], 1e-4),
    "var": lambda a: a / mx.sqrt(mx.var(a) + 1), "clip": lambda a: mx.clip(a, -0.9, 0.9), "where": lambda a: mx.where(a > 0.1, a * a, -a),
    "max": lambda a: a * mx.max(a), "pad": lambda a: mx.pad(a, 1)[:-2], "split": lambda a: mx.concatenate(mx.split(a, [1])[::-1]),
    "stack": lambda a: mx.stack([a, a * 2]).sum(0), "shape": lambda a: mx.broadcast_to(a[:, None], (3, 2)).T.reshape(3, 2)[:, 0] * a,
    "einsum": lambda a: mx.einsum("i,ij,j->i", a, w, a), "conv": lambda a: mx.conv1d(a[None, :, None], w[None, :, :1], padding=1)[0, :, 0],
    "at": lambda a: a.at[mx.array([0, 2])].add(a[:2] * 0.5), "put": lambda a: mx.put_along_axis(a, mx.array([1]), a[:1] * 2, axis=0),
    "tril": lambda a: mx.tril(mx.outer(a, a)) @ a, "norm": lambda a: a / mx.linalg.norm(a), "logsumexp": lambda a: a - mx.logsumexp(a),
    "solve": lambda a: mx.linalg.inv(w + 2 * mx.eye(3, dtype=mx.float64), stream=mx.cpu) @ a, "fft": lambda a: mx.real(mx.fft.fft(a)), "strided": lambda a: mx.as_strided(mx.concatenate([a, a]), (3,), (2,)),
    "half": lambda a: a * mx.stop_gradient(mx.floor(a)), "expm1": lambda a: mx.expm1(a * 0.3), "arctan": lambda a: mx.arctan(a), "power": lambda a: (a * a + 0.3) ** 0.7,
    "checkpoint": lambda a: mx.checkpoint(lambda b: mx.sin(b) * b)(a), "compiled": lambda a: mx.compile(lambda b: mx.cos(b) + b)(a),
    "grad": lambda a: mx.grad(lambda b: (mx.sin(b) * b).sum())(a), "vmapped": lambda a: mx.vmap(lambda b: b * a.sum())(a), "maximum": lambda a: mx.maximum(a, a[::-1]),
    "vjp": lambda a: mx.vjp(mx.tanh, [a], [a * 2])[1][0], "jvp": lambda a: mx.jvp(mx.square, [a], [mx.ones(3, mx.float64)])[1][0], "gather": lambda a: mx.take_along_axis(a, mx.stop_gradient(mx.argsort(a)), 0) * w[0],
    "abs": lambda a: mx.abs(a), "topk": lambda a: mx.topk(a, 3).sum() * a, "prod": lambda a: mx.prod(a * 0.5 + 1) * a, "logaddexp": lambda a: mx.logaddexp(a, w[0]),
}
twos = {
    "add": lambda a, b: a + b, "multiply": lambda a, b: a * b, "divide": lambda a, b: a / (b * b + 1), "gate": lambda a, b: mx.sigmoid(a) * b, "less": lambda a, b: mx.where(a < b, a, b * 2),
    "matrix": lambda a, b: mx.outer(a, b) @ w[0], "dot": lambda a, b: (a @ b) * a, "attend": lambda a, b: mx.softmax(mx.outer(a, b), axis=-1) @ b, "arctan2": lambda a, b: mx.arctan2(a, b * b + 1),
    "concat": lambda a, b: mx.concatenate([a, b])[1:4], "addmm": lambda a, b: mx.addmm(a[None], b[None], w)[0], "set": lambda a, b: a.at[1:].multiply(b[1:]), "minimum": lambda a, b: mx.minimum(a, b),
}

def drawn(depth):
    """A function of two vectors, as a list of steps: (function, values it reads)"""
    steps, values = [], 2
    for _ in range(depth):
        if dice.random() < 0.6:
            steps.append((dice.choice(sorted(ones)), (values - 1 if dice.random() < 0.7 else dice.randrange(values),)))
        else:
            steps.append((dice.choice(sorted(twos)), (values - 1, dice.randrange(values))))
        values += 1
    def f(a, b):
        at = [a, b]
        for name, reads in steps:
            at.append((ones if len(reads) == 1 else twos)[name](*(at[i] for i in reads)))
        return at[-1]
    return f, [name for name, _ in steps]

# each makes a function of two vectors, that gives a vector, of another such
around = {
    "grad": lambda f: lambda a, b: mx.grad(lambda a, b: (f(a, b) * w[0]).sum())(a, b),
    "grad of the second": lambda f: lambda a, b: mx.grad(lambda a, b: mx.sin(f(a, b)).sum(), argnums=1)(a, b),
    "sum of both": lambda f: lambda a, b: sum(mx.grad(lambda a, b: (f(a, b) ** 2).sum(), argnums=(0, 1))(a, b)),
    "vjp": lambda f: lambda a, b: mx.vjp(f, [a, b], [w[1]])[1][0],
    "jvp": lambda f: lambda a, b: mx.jvp(f, [a, b], [w[0], w[2]])[1][0],
    "vmap": lambda f: lambda a, b: mx.vmap(f)(mx.stack([a, b]), mx.stack([b, a]))[1],
    "vmap of the last": lambda f: lambda a, b: mx.vmap(f, in_axes=(1, None), out_axes=1)(mx.stack([a, b], axis=1), b).sum(1),
    "vmap of the second": lambda f: lambda a, b: mx.vmap(f, in_axes=(None, 0))(a, mx.stack([a, b, w[0]]))[2],
    "compile": lambda f: mx.compile(f),
    "checkpoint": lambda f: mx.checkpoint(f),
    "value_and_grad": lambda f: lambda a, b: (lambda value, gradient: value * gradient)(*mx.value_and_grad(lambda a, b: f(a, b).mean())(a, b)),
    "hessian": lambda f: lambda a, b: mx.vmap(mx.grad(lambda a, b: f(a, b)[0]), in_axes=(0, None))(mx.stack([a, b, a + b]), b).sum(0),
}
BATCHED_WRONG = {"at", "put", "set", "addmm"}  # by mlx: `vmap` of assignments and of `at[]`, of `addmm` over its first argument

def wrapped(f, names):
    made = []
    for _ in range(dice.randint(1, 3)):
        made.append(dice.choice([name for name in sorted(around) if not BATCHED_WRONG & set(names) or "vmap" not in name and name != "hessian"]))
        f = around[made[-1]](f)
    return f, made

for _ in range(250):
    f, names = drawn(dice.randint(2, 6))
    g, made = wrapped(f, names)
    show((names, made, f(u[0], v[0])))
    show((names, made, g(u[0], v[0])))
    show((names, made, g(v[1], u[2])))
