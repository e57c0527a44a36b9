# More of grad, vjp, jvp, vmap, custom_function and checkpoint: nesting, trees, state, what has no rule in mlx.
from functools import partial
from collections import namedtuple, OrderedDict, defaultdict

x = mx.array([1.0, 2.0, 3.0])
m = mx.array([[1.0, 2.0], [3.0, 4.0]])
one, two = mx.array(1.0), mx.array(2.0)

# ---- integers
xi = mx.array([1, 2, 3])
mx.grad(lambda a: a.sum())(xi), mx.grad(lambda a: (a * a).sum())(xi), mx.grad(lambda a: (a * 2.5).sum())(xi)
mx.grad(lambda a: (a // 2).sum())(xi), mx.grad(lambda a: (a % 2).sum())(xi), mx.grad(lambda a: (a / 2).sum())(xi)
mx.grad(lambda a: mx.sin(a).sum())(xi), mx.grad(lambda a: (a.astype(mx.float32) ** 2).sum())(xi)
mx.value_and_grad(lambda a: (a * a).sum())(xi), mx.value_and_grad(lambda a, b: (a * b).sum(), argnums=(0, 1))(xi, x)
mx.grad(lambda a: a.astype(mx.int32).astype(mx.float32).sum())(x)  # differs: cast of a float to an integer
mx.grad(lambda a: mx.argmax(a))(x), mx.grad(lambda a: (a > 2).sum())(x), mx.grad(lambda a: (a > 2).all())(x)
mx.grad(lambda a: mx.argmax(a) * 1.0)(x), mx.grad(lambda a: a[0])(mx.array([True, False]))
mx.grad(lambda a: a * a)(mx.array(3)), mx.grad(lambda a: a)(mx.array(True))
mx.grad(lambda a: a * 2)(mx.array(2, mx.uint8))
mx.grad(lambda a: (a & 1).sum())(xi)
mx.grad(lambda a, i: a[i].sum(), argnums=(0, 1))(x, mx.array([0, 1]))
mx.grad(lambda i: x[i].sum())(mx.array([0, 1]))
mx.grad(lambda i: mx.take(x, i).sum())(mx.array([0, 1]))
mx.grad(lambda a, i: mx.take_along_axis(a, i, 0).sum(), argnums=(0, 1))(x, mx.array([0, 1]))
mx.vjp(lambda a: a * a, [xi], [xi]), mx.vjp(lambda a: a * a, [xi], [x]), mx.vjp(lambda a: a * 2.5, [xi], [x])
mx.vjp(lambda a: a * 2, [x], [xi]), mx.vjp(lambda a: a.astype(mx.float16), [xi], [x])
mx.vjp(lambda a: a > 2, [x], [mx.ones(3)])
mx.jvp(lambda a: a * a, [xi], [xi]), mx.jvp(lambda a: a * a, [xi], [x]), mx.jvp(lambda a: a * a, [x], [xi])
mx.jvp(lambda a: a * 2, [mx.array(3)], [mx.array(1)]), mx.vjp(lambda a: a * 2, [mx.array(3)], [mx.array(1)])
mx.jvp(lambda a, b: a * b, [mx.array(3), mx.array(4)], [mx.array(1), mx.array(0)])
mx.vjp(lambda a, b: (a * b, a + b), [mx.array(3), mx.array(4)], [mx.array(1), mx.array(2)])

kept = mx.checkpoint(lambda a: a * a)
mx.grad(lambda a: kept(a).sum())(xi), mx.vjp(kept, [xi], [xi]), mx.grad(lambda a: mx.checkpoint(lambda b: x[b] * 2)(a).sum())
mx.grad(lambda a: mx.checkpoint(lambda b, i: b * i)(a, a).sum())(xi)
mx.grad(lambda a: mx.view(a, mx.float32).sum())(x)

# ---- results: what grad takes
mx.grad(lambda a: a)(mx.array([1.0]))
mx.grad(lambda a: a.sum(keepdims=True))(x)
mx.grad(lambda a: a)(x)
mx.grad(lambda a: [a.sum()])(x)
mx.grad(lambda a: (a.sum(),))(x)
mx.grad(lambda a: {"loss": a.sum()})(x)
mx.grad(lambda a: 3.0)(x)
mx.grad(lambda a: x.sum())(x)
mx.grad(lambda a: mx.array(2.0))(x)
mx.value_and_grad(lambda a: (a.sum(), 1, "b", None, [a], {"k": a}))(x), mx.value_and_grad(lambda a: (a.sum(),))(x)
mx.value_and_grad(lambda a: ())(x)
mx.value_and_grad(lambda a: [a.sum(), a])(x)
mx.value_and_grad(lambda a: (3, a.sum()))(x)
mx.value_and_grad(lambda a: None)(x)
mx.value_and_grad(lambda a: (a.sum(), object))(x)[0][1] is object
mx.value_and_grad(lambda a: a)(x)

# ---- arguments
mx.grad(lambda a, b=None: a.sum())(x, None), mx.grad(lambda a, b: a.sum())(x, "text")
mx.grad(lambda a, b: a.sum() if b else -a.sum())(x, True), mx.grad(lambda a, *b: (a * len(b)).sum())(x, 1, 2)
mx.grad(lambda a, **k: (a * k["s"]).sum())(x, s=3)
mx.grad(lambda a, b: a.sum() * b["k"], argnums=0)(x, {"k": 2})
mx.grad(lambda a: a[0].sum() + a[1].sum())([x, m]), mx.grad(lambda a: a[0].sum() + a[1].sum())((x, m))
mx.grad(lambda a: a["x"].sum())({"x": x, "y": m}), mx.grad(lambda a: (a[0] * a[1]["k"][0]).sum())([x, {"k": [x]}])
mx.grad(lambda a: a[0].sum())([x, None])
mx.grad(lambda a: a[0].sum())([x, 2.0])
mx.grad(lambda a: a[0].sum())([x, "text"])
mx.grad(lambda a: a.sum())([])
mx.grad(lambda a: x.sum())([])
mx.grad(lambda a: x.sum())({})
Point = namedtuple("Point", "x y")
mx.grad(lambda p: (p.x * p.y).sum())(Point(x, x))
mx.grad(lambda p: (p["a"]).sum())(OrderedDict(a=x))
class Params(dict):
    pass

mx.grad(lambda p: (p["a"] ** 2).sum())(Params(a=x))
mx.grad(lambda a, b: a.sum(), argnums=[1])(x, x)
mx.grad(lambda a, b, c: (a * b * c).sum(), argnums=[2, 0])(x, x + 1, x + 2)
mx.grad(lambda a, b: (a * b).sum(), argnums=(0,))(x, x + 1)
mx.grad(lambda a, b: (a * b).sum(), argnums=0, argnames="b")(x, b=x)
mx.grad(lambda a, b: (a * b).sum(), argnums=[0], argnames=["b"])(x, b=x)
mx.grad(lambda a, b: (a * b).sum(), argnames=["a", "b"])(a=x, b=x)
mx.grad(lambda a, b: (a * b).sum(), argnames="b")(a=x, b=x)
mx.grad(lambda a, b: (a * b["w"]).sum(), argnames="b")(x, b={"w": x})
mx.value_and_grad(lambda a, b: (a * b).sum(), argnums=[0], argnames=["b"])(x, b=x)
mx.grad(lambda a, b: (a * b).sum(), argnames=("a", "b"))(a=x, b=x)
mx.grad(lambda a, b: (a * b).sum(), argnames={"a", "b"})(a=x, b=x)
mx.grad(lambda a: a.sum(), argnums=1)(x)
mx.grad(lambda a: a.sum(), argnums=[0, 1])(x)
mx.grad(lambda a: a.sum(), argnums=[-1])(x)
mx.grad(lambda a: a.sum(), argnums=[0, 0])(x)
mx.grad(lambda a: a.sum(), argnums=None)(x)
mx.grad(lambda a: a.sum(), argnums="0")(x)
mx.grad(lambda a: a.sum(), argnums=[])(x)
mx.grad(lambda a: a.sum(), argnames=[])(x)
mx.grad(lambda a: a.sum(), argnames=["b"])(x)
mx.grad(lambda a, b=x: a.sum(), argnames=["b"])(x)
mx.grad(lambda a: a.sum(), argnames=[1])(x)
mx.grad(lambda a: a.sum(), argnames=["a"])(x)
mx.grad(lambda a: a.sum(), argnames=["a", "a"])(a=x)

# ---- messages
def message(f):
    try:
        f()
    except Exception as error:
        return str(error)
for f in [lambda: mx.grad(lambda a: a.sum(), argnums=[0, 0]), lambda: mx.grad(lambda a: a.sum(), argnums=[-1]),
        lambda: mx.grad(lambda a: a.sum(), argnums=1)(x), lambda: mx.grad(lambda a: a.sum(), argnames=["b"])(x),
        lambda: mx.grad(lambda a: a.sum(), argnames=["a", "a"]), lambda: mx.grad(lambda a: 3)(x),
        lambda: mx.grad(lambda a: (a.sum(), 3))(x), lambda: mx.value_and_grad(lambda a: 3)(x),
        lambda: mx.value_and_grad(lambda a: [a.sum()])(x)]:
    show(message(f))

# ---- nesting
f = lambda a: mx.sin(a) * a
mx.grad(mx.grad(f))(two), mx.grad(mx.grad(mx.grad(f)))(two), mx.grad(lambda a: mx.jvp(f, [a], [one])[1][0])(two)
mx.jvp(mx.grad(f), [two], [one]), mx.jvp(lambda a: mx.jvp(f, [a], [one])[1][0], [two], [one])
mx.vjp(lambda a: mx.vjp(f, [a], [one])[1][0], [two], [one]), mx.vmap(mx.grad(f))(x)
mx.grad(lambda a: mx.vmap(f)(a).sum())(x), mx.vmap(mx.vmap(mx.grad(f)))(m)
mx.vmap(lambda a: mx.jvp(f, [a], [a])[1][0])(x), mx.vmap(lambda a: mx.vjp(f, [a], [a])[1][0])(x)
mx.vmap(mx.grad(mx.grad(f)))(x), mx.grad(lambda a: mx.vmap(lambda b: mx.jvp(mx.grad(f), [b], [b])[1][0])(a).sum())(x)
mx.grad(lambda a: mx.grad(lambda b: (a * b * b).sum())(a).sum())(x)
mx.grad(lambda a: (mx.grad(lambda b: (b**3).sum())(a) * a).sum())(x)
mx.jvp(lambda a: mx.vmap(lambda b: b * b)(a), [x], [x])
mx.vjp(lambda a: mx.vmap(lambda b: b.sum())(a), [m], [mx.array([1.0, 2.0])])
hessian = lambda g: mx.vmap(lambda v, a: mx.jvp(mx.grad(g), [a], [v])[1][0], in_axes=(0, None))
hessian(lambda a: (a[0] * a[1] ** 2 + mx.exp(a[2])))(mx.eye(3), x)  # differs: gradients, tangents and batches that MLX lacks
jacobian = lambda g, a: mx.vmap(lambda v: mx.vjp(g, [a], [v])[1][0])(mx.eye(a.size))
jacobian(lambda a: mx.cumsum(a * a), x), jacobian(lambda a: mx.softmax(a), x), jacobian(lambda a: a[::-1] * a, x)
mx.vmap(lambda v: mx.jvp(lambda a: mx.sort(a), [x], [v])[1][0])(mx.eye(3))
mx.vmap(lambda v: mx.jvp(lambda a: a @ m, [m[0]], [v])[1][0])(mx.eye(2))
mx.checkpoint(f)(x), mx.grad(mx.checkpoint(f))(two), mx.grad(mx.grad(mx.checkpoint(f)))(two)
mx.grad(mx.checkpoint(mx.grad(f)))(two), mx.vmap(mx.checkpoint(f))(x), mx.jvp(mx.checkpoint(f), [two], [one])
mx.grad(mx.checkpoint(lambda a, b: (a * b["k"]).sum()), argnums=(0, 1))(x, {"k": x})
mx.value_and_grad(mx.checkpoint(lambda a: ((a * a).sum(), {"aux": a})))(x)
mx.checkpoint(lambda a, s=2.0: a * s)(x, s=3.0)
mx.grad(mx.checkpoint(lambda a, b: (a * b).sum()), argnames=["b"])(x, b=x)
count = []
def counted(a):
    count.append(1)
    return (mx.sin(a) * a).sum()

mx.grad(mx.checkpoint(counted))(x), len(count)
mx.checkpoint(lambda a: [a, 3])(x)
w = mx.array([2.0, 3.0, 4.0])
mx.grad(lambda w: mx.checkpoint(lambda a: (a * w).sum())(x))(w)

# ---- in-place within
def assigned(a):
    b = mx.zeros((4,))
    b[1:] = a * a
    b[0] = b[1] + b[2]
    return (b * b).sum()

mx.grad(assigned)(x), mx.jvp(assigned, [x], [x]), mx.compile(mx.grad(assigned))(x)
def own_argument(a):
    a[0] = a[1] * 2
    return (a * a).sum()

mx.grad(own_argument)(x), x
def at(a):
    return (a.at[mx.array([0, 0, 1])].add(a) ** 2).sum() + a.at[1:].multiply(2.0).sum() + a.at[0].maximum(5.0).sum()

mx.grad(at)(x)
def augmented(a):
    b = a
    b *= 2
    b += a
    b -= 1
    b /= 2
    b **= 2
    return b.sum()

mx.grad(augmented)(x), x
def swaps(a):
    a[0], a[1] = a[1] * 1, a[0] * 1
    return (a * mx.array([1.0, 2.0, 3.0])).sum()

mx.grad(swaps)(x)

# ---- state of random numbers inside
mx.random.seed(3)
mx.grad(lambda a: (a * mx.random.uniform(shape=(3,))).sum())(x)
mx.random.seed(3)
mx.random.uniform(shape=(3,))
mx.vmap(lambda a: a + mx.random.uniform())(mx.zeros((3,))).shape
mx.vmap(lambda k: mx.random.uniform(key=k))(mx.random.split(mx.random.key(1), 3))
mx.vmap(lambda k: mx.random.normal((2,), key=k))(mx.random.split(mx.random.key(1), 3))
mx.vmap(lambda k: mx.random.randint(0, 9, (2,), key=k))(mx.random.split(mx.random.key(1), 3))
mx.vmap(lambda k: mx.random.split(k))(mx.random.split(mx.random.key(1), 3))
mx.vmap(lambda k: mx.random.bernoulli(0.5, (4,), key=k))(mx.random.split(mx.random.key(1), 3))
mx.vmap(lambda k: mx.random.uniform(shape=(3, 2), key=k), in_axes=1, out_axes=1)(mx.random.split(mx.random.key(1), 3).T)
mx.vmap(lambda k, l: mx.random.uniform(low=l, high=2.0, key=k))(mx.random.split(mx.random.key(1), 3), mx.zeros((3,)))

# ---- vmap
a3 = mx.arange(24.0).reshape(2, 3, 4)
for axis in (0, 1, 2, -1):
    mx.vmap(lambda a: a.sum(0), in_axes=axis)(a3), mx.vmap(lambda a: a.T, in_axes=axis, out_axes=axis)(a3)
    mx.vmap(lambda a: mx.softmax(a, axis=-1), in_axes=axis)(a3), mx.vmap(lambda a: a.reshape(-1), in_axes=axis)(a3)
    mx.vmap(lambda a: a[0], in_axes=axis)(a3), mx.vmap(lambda a: a[:, ::-1], in_axes=axis)(a3)
    mx.vmap(lambda a: mx.cumsum(a, axis=0), in_axes=axis)(a3), mx.vmap(lambda a: mx.argmax(a), in_axes=axis)(a3)
    mx.vmap(lambda a: mx.sort(a, axis=0), in_axes=axis)(a3)
    mx.vmap(lambda a: mx.concatenate([a, a], axis=1), in_axes=axis)(a3)
    mx.vmap(lambda a: mx.split(a, 1, axis=0), in_axes=axis)(a3)
    mx.vmap(lambda a: mx.expand_dims(a, 1), in_axes=axis)(a3)
    mx.vmap(lambda a: mx.logsumexp(a, axis=0), in_axes=axis)(a3)
    mx.vmap(lambda a: mx.take(a, mx.array([0, 1]), axis=0), in_axes=axis)(a3)
    mx.vmap(lambda a: mx.pad(a, 1), in_axes=axis)(a3), mx.vmap(lambda a: mx.flatten(a), in_axes=axis)(a3)
    mx.vmap(lambda a: mx.fft.rfft(a), in_axes=axis)(a3), mx.vmap(lambda a: mx.var(a, axis=0), in_axes=axis)(a3)
    mx.vmap(lambda a: mx.moveaxis(a, 0, 1), in_axes=axis)(a3), mx.vmap(lambda a: a @ a.T, in_axes=axis)(a3)
    mx.vmap(lambda a: mx.where(a > 3, a, -a), in_axes=axis)(a3), mx.vmap(lambda a: a.astype(mx.int32), in_axes=axis)(a3)
    mx.vmap(lambda a: mx.argsort(a, axis=1), in_axes=axis)(a3)
    mx.vmap(lambda a: mx.topk(a, 1, axis=0), in_axes=axis)(a3)
    mx.vmap(lambda a: mx.max(a, axis=(0, 1)), in_axes=axis)(a3)
    mx.vmap(lambda a: mx.broadcast_to(a, (2, *a.shape)), in_axes=axis)(a3)
    mx.vmap(lambda a: mx.repeat(a, 2, axis=0), in_axes=axis)(a3), mx.vmap(lambda a: mx.diagonal(a), in_axes=axis)(a3)
    mx.vmap(lambda a: mx.tril(a), in_axes=axis)(a3), mx.vmap(lambda a: mx.stack([a, a]), in_axes=axis)(a3)
mx.vmap(lambda a, b: a + b, in_axes=(0, 1))(mx.ones((2, 3)), mx.ones((3, 2)))
mx.vmap(lambda a, b: a @ b, in_axes=(0, None))(a3, mx.ones((4, 2)))
mx.vmap(lambda a, b: a @ b, in_axes=(None, 0))(mx.ones((2, 3)), mx.ones((5, 3, 2)))
mx.vmap(lambda a, b: (a, b), in_axes=(0, None), out_axes=(0, 0))(x, one)
mx.vmap(lambda t: t["a"] * t["b"][0], in_axes=({"a": 0, "b": [None]},))({"a": x, "b": [two]})
mx.vmap(lambda t: t["a"] * t["b"], in_axes={"a": 0, "b": 1})({"a": m, "b": m})
mx.vmap(lambda t: {"o": t[0] + t[1]}, out_axes={"o": 1})([m, m])
mx.vmap(lambda a, t: a + t[0], in_axes=(0, [0]))(x, [x]), mx.vmap(lambda a, t: a + t[0], in_axes=(0, 0))(x, [x])
mx.vmap(lambda a: (a, [a, {"k": a}]), out_axes=(0, [1, {"k": 1}]))(m)  # differs: `out_axes` within a dict of a list
mx.vmap(lambda a: one)(x), mx.vmap(lambda a: (a, one))(x), mx.vmap(lambda a: x)(m), mx.vmap(lambda: x)()
mx.vmap(lambda a, b: a, in_axes=(None, 0))(one, x)
mx.vmap(lambda a, i: mx.take(a, i, axis=0), in_axes=(0, 0))(m, mx.array([0, 1]))
mx.vmap(lambda a, i: mx.take(a, i), in_axes=(None, 0))(x, mx.array([0, 1]))
mx.vmap(lambda a, i: a[i], in_axes=(1, 0))(m, mx.array([[0, 1], [1, 1]]))
mx.vmap(lambda a, i: mx.take_along_axis(a, i, axis=0))(m, mx.array([[0, 1], [1, 1]]))
mx.vmap(lambda a, i: a[i, i])(mx.stack([m, m]), mx.array([0, 1]))
mx.vmap(lambda a, i, u: mx.put_along_axis(a, i, u, axis=0))(m, mx.array([[0], [1]]), m[:, :1])
def scatter(a, u):
    a = a * 1
    a[mx.array([0])] = u
    return a

mx.vmap(scatter)(m, mx.array([[5.0], [6.0]])), mx.vmap(scatter, in_axes=(0, None))(m, mx.array([5.0]))
mx.vmap(lambda a, u: a.at[mx.array([0, 0])].add(u))(m, m)
mx.vmap(scatter, in_axes=(None, 0))(m[0], mx.array([[5.0], [6.0]]))
mx.vmap(lambda a: mx.linalg.inv(a, stream=mx.cpu))(mx.stack([m, m + 1]))
mx.vmap(lambda a: mx.linalg.cholesky(a @ a.T, stream=mx.cpu))(mx.stack([m, m + 1]))
mx.vmap(lambda a: mx.linalg.norm(a))(m), mx.vmap(lambda a: mx.linalg.svd(a, stream=mx.cpu)[1])(mx.stack([m, m + 1]))
mx.vmap(lambda a: mx.linalg.eigvalsh(a, stream=mx.cpu))(mx.stack([m, m + 1]))
mx.vmap(lambda a: mx.linalg.cross(a, x))(mx.stack([x + 1, x * 2]))
mx.vmap(lambda a: mx.conv1d(a, mx.ones((2, 2, 1))))(mx.ones((3, 1, 5, 1)))
mx.vmap(lambda a, w: mx.conv1d(a, w))(mx.ones((3, 1, 5, 1)), mx.ones((3, 2, 2, 1)))
mx.vmap(lambda a: mx.fast.layer_norm(a, mx.ones((2,)), None, 1e-5))(m)
mx.vmap(lambda a: mx.fast.rope(a, 2, traditional=False, base=100.0, scale=1.0, offset=0))(mx.ones((2, 1, 3, 2)))
mx.vmap(lambda q: mx.fast.scaled_dot_product_attention(q, q, q, scale=1.0))(mx.ones((2, 1, 1, 3, 2)))
mx.vmap(mx.vmap(lambda a, b: a * b, in_axes=(0, None)), in_axes=(None, 0))(x, x)
mx.vmap(mx.vmap(mx.vmap(lambda a: a * 2)))(a3)
mx.vmap(mx.vmap(lambda a, b: a @ b, in_axes=(None, 1)), in_axes=(0, None))(m, m)
mx.vmap(lambda a: mx.arange(3) + a)(x), mx.vmap(lambda a: mx.zeros((2,)) + a)(x), mx.vmap(lambda a: mx.eye(2) * a)(x)
mx.vmap(lambda a: mx.zeros_like(a))(m), mx.vmap(lambda a: mx.full((2,), a))(x)
mx.vmap(lambda a: mx.array([1.0, 2.0]) * a)(x), mx.vmap(lambda a: mx.linspace(0, 1, 3) * a)(x)
mx.vmap(lambda a: a, in_axes=0, out_axes=1)(a3).shape, mx.vmap(lambda a: a.shape[0] * a)(m)
mx.vmap(lambda a: a * a.ndim)(m), mx.vmap(lambda a: len(a) * a)(m)
mx.vmap(lambda a: a.item())(x)
mx.vmap(lambda a: mx.eval(a))(x)
mx.vmap(lambda a: a if a > 1 else -a)(x)
mx.vmap(lambda a: a + 1)(mx.zeros((0, 2))), mx.vmap(lambda a: a + 1)(mx.zeros((1, 2)))
mx.vmap(mx.logical_not)(x > 1), mx.vmap(mx.isnan)(x), mx.vmap(mx.floor)(x / 2), mx.vmap(mx.array_equal)(m, m)
mx.vmap(mx.allclose)(m, m), mx.vmap(mx.all)(m > 1), mx.vmap(mx.any)(m > 3), mx.vmap(mx.outer)(m, m)
mx.vmap(mx.inner)(m, m), mx.vmap(mx.kron)(m, m), mx.vmap(partial(mx.tensordot, axes=1))(m, m), mx.vmap(mx.trace)(a3)
mx.vmap(mx.median)(m), mx.vmap(partial(mx.roll, shift=1))(m), mx.vmap(partial(mx.tile, reps=(2, 1)))(m)
mx.vmap(partial(mx.quantize, group_size=32, bits=4))(mx.arange(128.0).reshape(2, 2, 32))[1]

# ---- custom_function
@mx.custom_function
def g(a, b):
    return a * b + 1

g(x, x), mx.grad(lambda a: g(a, a).sum())(x), mx.jvp(g, [x, x], [x, x]), mx.vmap(g)(m, m)
seen = []
@g.vjp
def g_vjp(primals, cotangent, output):
    seen.append((type(primals).__name__, type(cotangent).__name__, type(output).__name__))
    a, b = primals
    return cotangent * b * 10, cotangent * a * 100

mx.grad(lambda a, b: g(a, b).sum(), argnums=(0, 1))(x, x + 1), seen, mx.vjp(g, [x, x], [x])
mx.vmap(mx.grad(lambda a, b: g(a, b).sum()))(m, m), mx.grad(mx.compile(lambda a, b: g(a, b).sum()))(x, x)
mx.compile(mx.grad(lambda a, b: g(a, b).sum()))(x, x)
mx.jvp(g, [x, x], [x, x]), mx.vmap(g)(m, m)
del seen[:]
@g.jvp
def g_jvp(primals, tangents):
    seen.append((type(primals).__name__, type(tangents).__name__, [type(t).__name__ for t in tangents]))
    return tangents[0] * 7 + tangents[1] * 3

mx.jvp(g, [x, x], [x, x]), seen
del seen[:]
@g.vmap
def g_vmap(inputs, axes):
    seen.append((type(inputs).__name__, type(axes).__name__, list(axes)))
    return inputs[0] * 0 + 42.0, axes[0] if axes[0] is not None else axes[1]

mx.vmap(g)(m, m), seen
@mx.custom_function
def single(a):
    return mx.sin(a)

@single.vjp
def single_vjp(primal, cotangent, output):
    return cotangent * 100 + (type(primal).__name__ == "array") * 1000 + output * 0

single(x), mx.grad(lambda a: single(a).sum())(x), mx.vmap(single)(m), mx.grad(lambda a: single(single(a)))(two)
@single.jvp
def single_jvp(primal, tangent):
    return tangent * 50

mx.jvp(single, [x], [x])
@single.vmap
def single_vmap(inputs, axis):
    return inputs * 5, axis

mx.vmap(single)(m), mx.vmap(single, in_axes=1, out_axes=1)(m)
@mx.custom_function
def tree(t, s):
    return [t["a"] * s, {"n": t["b"]}]

@tree.vjp
def tree_vjp(primals, cotangents, outputs):
    t, s = primals
    return {"a": cotangents[0] * 2, "b": cotangents[1]["n"] * 3}, mx.zeros_like(s)

mx.grad(lambda t: tree(t, x)[0].sum() + tree(t, x)[1]["n"].sum())({"a": x, "b": x}), tree({"a": x, "b": x}, two)
mx.custom_function(lambda a: a)(x)
mx.custom_function(lambda a, k=2.0: a * k)(x, k=x)
mx.custom_function(lambda a, k=2.0: a * k)(x, 3.0)
mx.custom_function(lambda a: a)(3)
mx.custom_function(lambda a: 3)(x)
g.vjp is not None, callable(g), g.__name__ if hasattr(g, "__name__") else None
g.vjp(3)
captured = mx.array(3.0)
def outer(a, b):
    @mx.custom_function
    def inner(a):
        return a * b

    @inner.vjp
    def rule(primal, cotangent, output):
        raise ValueError("Abort!")

    return inner(a)

outer(two, captured)
mx.grad(outer)(two, captured)
mx.grad(outer, argnums=1)(two, captured)
@mx.custom_function
def partly(a, b):
    return a * b

@partly.vjp
def partly_vjp(primals, cotangent, output):
    return cotangent, None

mx.grad(partly)(two, captured)
@mx.custom_function
def failing(a):
    return a

@failing.vjp
def failing_vjp(primals, cotangent, output):
    return 3

@failing.jvp
def failing_jvp(primals, tangents):
    return "no"

@failing.vmap
def failing_vmap(inputs, axes):
    return inputs

mx.vmap(failing)(x)
@mx.custom_function
def shaped(a):
    return a

@shaped.vjp
def shaped_vjp(primals, cotangent, output):
    return mx.zeros((7,))


# ---- what mlx has no rules for, and the like
mx.jvp(lambda a: mx.prod(a), [x], [x])
mx.vjp(lambda a: a[mx.array([0, 0])], [x], [mx.ones((2,))]), mx.jvp(lambda a: a[mx.array([0, 0])], [x], [x])
mx.grad(lambda a: mx.cumprod(a).sum())(x), mx.grad(lambda a: mx.cummax(a).sum())(x), mx.grad(lambda a: mx.sort(a)[0])(x)
mx.grad(lambda a: mx.topk(a, 1).sum())(x), mx.grad(lambda a: mx.partition(a, 1)[0])(x)
mx.grad(lambda a: mx.median(a))(x), mx.grad(lambda a: mx.flip(a, 0)[0])(x)
mx.grad(lambda a: mx.as_strided(a, (2, 2), (1, 1)).sum())(x), mx.grad(lambda a: mx.pad(a, 1).sum())(x)
mx.grad(lambda a: mx.conv1d(a[None, :, None], mx.ones((1, 2, 1))).sum())(x)
mx.grad(lambda a: mx.fft.rfft(a).real.sum())(x), mx.grad(lambda a: mx.fft.fft(a).imag.sum())(x)
mx.grad(lambda a: mx.abs(mx.fft.fft(a)).sum())(x), mx.grad(lambda a: mx.linalg.norm(a))(x)
mx.grad(lambda a: mx.fast.rms_norm(a, x, 1e-5).sum())(x)
mx.grad(lambda a: mx.hadamard_transform(mx.concatenate([a, a[:1]]))[0])(x)
mx.grad(lambda a: mx.addmm(a, m, m).sum())(m), mx.grad(lambda a: mx.einsum("ij,jk->", a, a))(m)
mx.grad(lambda a: mx.tensordot(a, a, 1).sum())(m), mx.grad(lambda a: mx.kron(a, a).sum())(m)
mx.grad(lambda a: mx.clip(a, 1.5, 2.5).sum())(x), mx.grad(lambda a: mx.logaddexp(a, x).sum())(x)
mx.grad(lambda a: mx.minimum(a, 2.0).sum())(x), mx.grad(lambda a: mx.remainder(a, 2.0).sum())(x)
mx.grad(lambda a: mx.power(a, a).sum())(x), mx.grad(lambda a: mx.arctan2(a, x).sum())(x)
mx.grad(lambda a: mx.expm1(a).sum())(x), mx.grad(lambda a: mx.erfinv(a / 4).sum())(x)
mx.grad(lambda a: mx.softmax(a)[0])(x), mx.grad(lambda a: mx.logsumexp(a))(x), mx.grad(lambda a: mx.var(a))(x)
mx.grad(lambda a: mx.std(a))(x), mx.grad(lambda a: mx.roll(a, 1)[0])(x), mx.grad(lambda a: mx.diag(a).sum())(x)
mx.grad(lambda a: mx.outer(a, a).sum())(x), mx.grad(lambda a: mx.meshgrid(a, a)[0].sum())(x)
mx.grad(lambda a: mx.nan_to_num(a).sum())(x), mx.grad(lambda a: mx.broadcast_to(a, (2, 3)).sum())(x)
mx.grad(lambda a: mx.unflatten(a, 0, (3, 1)).sum())(x)
mx.grad(lambda a: mx.abs(a))(mx.array(1.0 + 2.0j))
mx.vjp(lambda a: a * a, [mx.array(1.0 + 2.0j)], [mx.array(1.0 + 0j)])
mx.vjp(lambda a: mx.real(a), [mx.array(1.0 + 2.0j)], [mx.array(1.0)])
mx.vjp(mx.conj, [mx.array(1.0 + 2.0j)], [mx.array(1.0 + 1j)])
mx.vjp(mx.exp, [mx.array(1.0 + 2.0j)], [mx.array(1.0 + 1j)]), mx.grad(lambda a: (a * (1 + 2j)).real)(one)
mx.grad(lambda a: mx.abs(a * 1j))(one)
mx.grad(lambda a: a * (1 + 2j))(one)
mx.grad(lambda a: a)(mx.array(1j))
nan = float("nan")
mx.grad(lambda a: mx.where(a > 0, mx.log(a), 0.0).sum())(mx.array([1.0, 0.0]))
mx.grad(lambda a: mx.sqrt(a).sum())(mx.array([0.0])), mx.grad(lambda a: mx.abs(a).sum())(mx.array([0.0, -1.0]))
mx.grad(lambda a: (a / a).sum())(mx.array([0.0])), mx.grad(lambda a: mx.max(a))(mx.array([2.0, 2.0, 1.0]))
mx.grad(lambda a: mx.norm(a) if hasattr(mx, "norm") else mx.linalg.norm(a))(mx.zeros((2,)))
