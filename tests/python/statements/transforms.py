# grad, value_and_grad, vjp, jvp, vmap, custom_function, checkpoint, stop_gradient, eval.
from functools import partial

x = mx.array([1.0, 2.0, 3.0])
m = mx.array([[1.0, 2.0], [3.0, 4.0]])

# ---- grad
mx.grad(lambda x: (x * x).sum())(x), mx.grad(mx.sin)(mx.array(0.5)), mx.grad(mx.grad(mx.sin))(mx.array(0.5))
mx.grad(mx.grad(mx.grad(mx.sin)))(mx.array(0.5))
mx.grad(lambda x: x * x)(mx.array(3.0)), mx.grad(lambda x: x * x)(3.0)
mx.grad(lambda x: x * x)(x)
mx.grad(lambda x: 2.0)(x)
mx.grad(lambda x: None)(x)
mx.grad(lambda x: (x, x))(mx.array(1.0))
mx.grad(lambda x: [x.sum()])(x)
mx.grad(lambda x: "a")(x)
mx.grad(lambda x: x.sum())(x.astype(mx.int32))
mx.grad(lambda x: x.sum())("a")
mx.grad(lambda x: x.sum())(None)
mx.grad(lambda x: x.sum())()
mx.grad(3)
mx.grad(lambda x: x.sum().astype(mx.int32))(x)  # differs: cast of a float to an integer
mx.grad(lambda x, y: (x * y).sum())(x, x + 1), mx.grad(lambda x, y: (x * y).sum(), argnums=1)(x, x + 1)
mx.grad(lambda x, y: (x * y).sum(), argnums=[0, 1])(x, x + 1), mx.grad(lambda x, y: (x * y).sum(), (1,))(x, x + 1)
mx.grad(lambda x, y: (x * y).sum(), argnums=(1, 0))(x, x + 1)
type(mx.grad(lambda x, y: (x * y).sum(), argnums=(0, 1))(x, x))
type(mx.grad(lambda x, y: (x * y).sum(), argnums=[0, 1])(x, x))
mx.grad(lambda x, y: (x * y).sum(), argnums=2)(x, x)
mx.grad(lambda x, y: (x * y).sum(), argnums=-1)(x, x)
mx.grad(lambda x, y: (x * y).sum(), argnums=[0, 0])(x, x)
mx.grad(lambda x, y: (x * y).sum(), argnums=[])(x, x)
mx.grad(lambda x, y: (x * y).sum(), argnums="a")(x, x)
mx.grad(lambda x, y: (x * y).sum(), argnums=1.5)(x, x)
mx.grad(lambda x, *, k: (x * k).sum())(x, k=x + 1), mx.grad(lambda x, *, k: (x * k).sum(), argnames="k")(x, k=x + 1)
mx.grad(lambda x, *, k: (x * k).sum(), argnums=0, argnames=["k"])(x, k=x + 1)
mx.grad(lambda *, k, j: (j * k).sum(), argnames=["k", "j"])(k=x + 1, j=x), mx.grad(lambda x, k=2: (x * k).sum())(x)
mx.grad(lambda x, k=2: (x * k).sum())(x, k=5)
mx.grad(lambda x, k=2.0: (x * k).sum(), argnames=["z"])(x)
mx.grad(lambda x, k=2.0: (x * k).sum(), argnames="k")(x)
mx.grad(lambda x, k: (x * k).sum(), argnames=["k"])(x, k=x)
mx.grad(lambda x, k: (x * k).sum(), argnames=["k", "k"])(x, k=x)
mx.grad(lambda x, k: (x * k).sum(), argnums=[0], argnames=["k"])(x, x)
mx.grad(lambda x: x.sum(), argnames=3)
mx.value_and_grad(lambda x, y: (x * y).sum(), argnames=["y"])(x, y=x)
mx.value_and_grad(lambda x: (x * x).sum())(x), mx.value_and_grad(lambda x, y: (x * y).sum(), argnums=(0, 1))(x, x)
mx.value_and_grad(lambda x: ((x * x).sum(), x + 1, "aux", None, 5))(x)
mx.value_and_grad(lambda x: [(x * x).sum(), x])(x)
mx.value_and_grad(lambda x: ((x * x).sum(), {"a": x}))(x)
mx.value_and_grad(lambda x: (x, 1))(x)
mx.value_and_grad(lambda x: {"a": x.sum()})(x)
type(mx.value_and_grad(lambda x: (x * x).sum())(x))
tree = {"a": x, "b": [m, (x + 1, {"c": m * 2})]}
mx.grad(lambda t: (t["a"] * t["b"][1][0]).sum() + (t["b"][0] @ t["b"][1][1]["c"]).sum())(tree)
mx.grad(lambda t: (t["a"] ** 2).sum())({"a": x, "n": 3, "s": "text", "none": None, "f": 2.5, "t": True})
mx.grad(lambda t: t[0].sum())([x, 3])
mx.grad(lambda t: t["a"].sum())({"a": x, "i": mx.array([1, 2])})
mx.value_and_grad(lambda p, x: ((p["w"] * x).sum(), p["w"]))({"w": x}, x)
mx.grad(lambda x: x.sum())(x.astype(mx.float16)), mx.grad(lambda x: x.sum())(x.astype(mx.bfloat16))
mx.grad(lambda x: (x * x).sum())(x.astype(mx.float64))
mx.grad(lambda x: (x * mx.conj(x)).sum().real)(x.astype(mx.complex64) + 1j)
mx.value_and_grad(lambda x: (x.astype(mx.float16) * 2).sum())(x)
mx.grad(lambda x: mx.stop_gradient(x).sum())(x), mx.grad(lambda x: (x * mx.stop_gradient(x)).sum())(x)
mx.grad(lambda x: (x[0] * x[1] + x[2] ** 2))(x), mx.grad(lambda x: x[mx.array([0, 0, 1])].sum())(x)
mx.grad(lambda x: x[::-1][0])(x), mx.grad(lambda x: x[1:].prod())(x), mx.grad(lambda x: x[None, ..., 1].sum())(x)

def updates(x):
    y = mx.zeros((5,))
    y[1:4] = x
    y[0] = x[0] * 2
    y[mx.array([4])] += x[1]
    return (y * y).sum()

mx.grad(updates)(x)

def loops(x):
    for _ in range(3):
        x = x * x
    return x.sum() if x.sum().item() > 0 else -x.sum()

mx.grad(loops)(x)
calls = []
def noisy(x):
    calls.append(x.shape)
    return x.sum()

g = mx.grad(noisy)
g(x), g(m), len(calls)
def raising(x):
    raise KeyError("mine")

mx.grad(raising)(x)
mx.vmap(raising)(x)
mx.vjp(raising, [x], [x])
mx.grad(lambda x: x.sum() / 0)(x)
captured = mx.array(2.0)
mx.grad(lambda x: (x * captured).sum())(x)
def changes(d):
    d["a"] = d["a"] * 2
    return d["a"].sum()

p = {"a": x}
mx.grad(changes)(p)
def in_place(a):
    a += 1
    return (a * a).sum()

y = mx.array([1.0, 2.0])
mx.grad(in_place)(y)
y
mx.grad(lambda x: mx.grad(lambda y: (x * y * y).sum())(x).sum())(x)
mx.grad(partial(lambda k, x: (k * x).sum(), 3.0))(x)
class Callable:
    def __call__(self, x):
        return (x * x).sum()

mx.grad(Callable())(x)
mx.grad(mx.sum)(x), mx.grad(mx.array.sum)(x)
mx.grad(lambda x: x.sum(), 0, [])(x)
mx.grad(fun=lambda x: x.sum(), argnums=0)(x)
mx.grad(lambda x: x.sum()).__name__
def documented(x):
    "words"
    return x.sum()

mx.grad(documented).__doc__
mx.grad(lambda x: x)(mx.array([1.0]))
mx.grad(lambda x: x.sum())(np.array([1.0, 2.0], np.float32))
mx.grad(lambda x: x * 2)(True)
mx.grad(lambda x: x * 2)(3)
mx.grad(lambda x, y: x * y, argnums=0)(2.0, mx.array(3.0))
mx.grad(lambda x, n: (x**n).sum())(x, 3)
for name in """abs sign negative square sqrt rsqrt reciprocal exp expm1 erf erfinv sin cos tan arcsin arccos arctan sinh
    cosh tanh arcsinh arctanh degrees radians log log2 log10 log1p sigmoid floor ceil round nan_to_num sum prod max min
    mean std var logsumexp cumsum cumprod cummax cummin logcumsumexp sort flatten transpose softmax median trace
    linalg.norm""".split():
    f = mx
    for part in name.split("."):
        f = getattr(f, part)
    z = mx.array([[0.3, 0.1], [0.2, 0.4]])
    mx.grad(lambda a: f(a).sum())(z)
    mx.grad(lambda a: (f(a) * f(a)).sum())(z)
    mx.vjp(f, [z], [mx.ones_like(f(z))])
    mx.jvp(f, [z], [mx.ones_like(z)]) if name not in ('cumprod', 'cummax', 'cummin', 'prod', 'median') else None
    mx.vmap(f)(z[..., None] * mx.array([1.0, 0.5])) if name not in ("trace", "flatten") else None
for name in """add subtract multiply divide power maximum minimum logaddexp arctan2 remainder floor_divide
    matmul""".split():
    f = getattr(mx, name)
    a, b = mx.array([[0.3, 1.5], [2.0, 0.7]]), mx.array([[1.3, 0.5], [2.5, 1.7]])
    mx.grad(lambda a, b: f(a, b).sum(), argnums=(0, 1))(a, b)
    mx.jvp(f, [a, b], [mx.ones_like(a), b])
    mx.vmap(f)(a[..., None] + mx.zeros((1, 1, 2)), b[..., None] + mx.zeros((1, 1, 2)))
    mx.vmap(f, in_axes=(0, None))(a[..., None] + mx.zeros((1, 1, 2)), b)
    mx.grad(lambda a: f(a, a.T).sum())(a)
mx.grad(lambda a: mx.maximum(a, a).sum())(x), mx.grad(lambda a: mx.abs(a).sum())(mx.zeros(2))
mx.grad(lambda a: a.max())(mx.array([1.0, 1.0])), mx.grad(lambda a: mx.clip(a, 0, 2).sum())(x)
mx.grad(lambda a: mx.where(a > 1, a * a, 0).sum())(x), mx.grad(lambda a: mx.where(a > 1, a, mx.sqrt(a - 1)).sum())(x)

# ---- vjp, jvp
mx.vjp(lambda x: x * x, [x], [mx.ones(3)]), mx.vjp(lambda x, y: (x * y, x + y), [x, x + 1], [mx.ones(3), x])
mx.vjp(mx.sum, [x], [mx.array(2.0)])
mx.vjp(lambda x: x * x, x, mx.ones(3))
mx.vjp(lambda x: x * x, [x], [mx.ones(2)])
mx.vjp(lambda x: x * x, [x], [])
mx.vjp(lambda x: x * x, [], [])
mx.vjp(lambda x: x * x, (x,), (mx.ones(3),))
mx.vjp(lambda x: {"a": x}, [x], [x])
mx.vjp(lambda x: [x, x], [x], [x, x])  # differs: `vjp` of a function that returns one array twice
mx.vjp(lambda x: x * x, [1.0], [1.0])
mx.vjp(lambda x: 2, [x], [x])
mx.jvp(lambda x: x * x, [x], [mx.ones(3)]), mx.jvp(lambda x, y: (x * y, x + y), [x, x + 1], [mx.ones(3), x])
mx.jvp(lambda x: mx.jvp(mx.sin, [x], [mx.ones(3)])[1][0], [x], [x])
mx.jvp(lambda x: x * x, x, mx.ones(3))
mx.jvp(lambda x: x * x, [x], [mx.ones(2)])
mx.jvp(lambda x: x * x, [x], [])
mx.jvp(lambda x: 2, [x], [x])
mx.jvp(lambda x: x[0], [x], [x]), mx.jvp(lambda x: mx.concatenate([x, x]), [x], [x])
mx.jvp(mx.softmax, [x], [mx.array([1.0, 0.0, 0.0])]), mx.jvp(lambda x: x.astype(mx.float16), [x], [x])
mx.jvp(lambda x: mx.stop_gradient(x), [x], [x]), mx.jvp(lambda x: (x @ m), [m], [m])
mx.vjp(lambda x: x.astype(mx.float16), [x], [mx.ones(3, mx.float16)])
type(mx.vjp(lambda x: x, [x], [x])), type(mx.vjp(lambda x: x, [x], [x])[0]), type(mx.jvp(lambda x: x, [x], [x]))
type(mx.jvp(lambda x: (x, x), [x], [x])[0])

# ---- vmap
mx.vmap(mx.sin)(x), mx.vmap(lambda a: a.sum())(m), mx.vmap(lambda a: a.sum(), in_axes=1)(m)
mx.vmap(lambda a: a * 2, in_axes=1, out_axes=0)(m), mx.vmap(lambda a: a * 2, out_axes=1)(m)
mx.vmap(lambda a, b: a @ b)(m[None] + mx.zeros((3, 1, 1)), m[None] + mx.zeros((3, 1, 1)))
mx.vmap(lambda a, b: a + b, in_axes=(0, None))(x, mx.array(1.0)), mx.vmap(lambda a, b: a + b, in_axes=(0, 1))(m, m)
mx.vmap(lambda a: (a, a + 1))(x), mx.vmap(lambda a: (a, a + 1), out_axes=(0, 0))(m), mx.vmap(lambda a: {"k": a})(x)
mx.vmap(lambda d: d["a"] + d["b"])({"a": x, "b": x})
mx.vmap(lambda d: d["a"] + d["b"], in_axes=({"a": 0, "b": None},))({"a": x, "b": x})
mx.vmap(lambda l: l[0] + l[1])([x, x])
mx.vmap(lambda d: d["a"], in_axes={"a": 0})({"a": x})
mx.vmap(lambda a: a, in_axes=-1, out_axes=-1)(m), mx.vmap(mx.vmap(lambda a: a * a))(m)
mx.vmap(mx.grad(lambda a: a * a))(x), mx.grad(lambda a: mx.vmap(lambda b: b * b)(a).sum())(x)
mx.vmap(lambda a: mx.array(1.0))(x), mx.vmap(lambda a: a[0])(m), mx.vmap(lambda a: a[::-1])(m)
mx.vmap(lambda a, i: a[i], in_axes=(0, 0))(m, mx.array([0, 1])), mx.vmap(lambda i: x[i])(mx.array([0, 2]))
mx.vmap(lambda a: mx.concatenate([a, a]))(m), mx.vmap(lambda a: a.reshape(1, 2))(m), mx.vmap(lambda a: a.T)(m[None])
mx.vmap(lambda a: mx.softmax(a))(m), mx.vmap(mx.argmax)(m), mx.vmap(lambda a: mx.sort(a))(m)
mx.vmap(lambda a: mx.where(a > 2, a, 0))(m), mx.vmap(lambda a: a.astype(mx.int32))(m)
mx.vmap(lambda a, b: a + b)(x, m)
mx.vmap(lambda a: a, in_axes=1)(x)
mx.vmap(lambda a: a, in_axes=None)(x)
mx.vmap(lambda a: a)(mx.array(1.0))
mx.vmap(lambda a: a, in_axes=(0, 0))(x)
mx.vmap(lambda a: a, in_axes="a")(x)
mx.vmap(lambda a, b: a + b, in_axes=(0,))(x, x)
mx.vmap(lambda a: a * 2, in_axes=(0,))(m), mx.vmap(lambda a: a.sum(), in_axes=(1,))(m), mx.vmap(lambda a: a, in_axes=(-1,))(m), mx.vmap(lambda a: a, out_axes=(1,))(m)
mx.vmap(lambda a: a, in_axes=[0])(m)
mx.vmap(lambda a: a, in_axes=((0,),))(m)
mx.vmap(lambda a: a, in_axes=(None,))(m)
mx.vmap(lambda a: a, out_axes=[1])(m)
mx.vmap(lambda l: l[0], in_axes=([0],))([m])
mx.vmap(lambda a: (a,), out_axes=(1,))(m)
mx.vmap(lambda a: (a,), out_axes=((1,),))(m)
mx.vmap(lambda a: [a], out_axes=(1,))(m)
mx.vmap(lambda d: d["a"], in_axes={"a": 0, "b": 0})({"a": m})
mx.vmap(lambda d: d["a"], in_axes=({"a": 0},))({"a": m})
mx.vmap(lambda a: a, out_axes=5)(x)
mx.vmap(lambda a: (a, a), out_axes=(0,))(x)
mx.vmap(lambda a: a, out_axes=None)(x)
mx.vmap(lambda a: 3)(x)
mx.vmap(lambda a: a)(3)
mx.vmap(lambda a: a)("x")
mx.vmap(lambda a: a.item())(x)
mx.vmap(lambda a, b: mx.linalg.norm(a - b))(m, m[::-1])
mx.vmap(lambda k: mx.random.uniform(key=k))(mx.random.split(mx.random.key(0), 3)), mx.vmap(lambda a: mx.fft.fft(a))(m)
mx.vmap(lambda a: mx.fast.rms_norm(a, None, 1e-5))(m)
mx.vmap(lambda a: mx.linalg.inv(a, stream=mx.cpu))(m[None] + mx.zeros((2, 1, 1))), mx.vmap(lambda a: mx.cumsum(a))(m)
mx.vmap(lambda a: mx.einsum("i,i->", a, a))(m), mx.vmap(lambda a: mx.broadcast_to(a, (3, 2)))(m)
mx.vmap(lambda a: mx.expand_dims(a, 0))(m), mx.vmap(lambda a: mx.tile(a, 2))(m), mx.vmap(lambda a: mx.pad(a, 1))(m)
mx.vmap(lambda a: mx.take(a, mx.array([0, 0])))(m), mx.vmap(lambda a: mx.take_along_axis(a, mx.array([1, 0]), 0))(m)
mx.vmap(lambda a: mx.topk(a, 1))(m), mx.vmap(lambda a: mx.split(a, 2))(m), mx.vmap(lambda a: mx.eye(2) * a)(m)
mx.vmap(lambda a: a.squeeze(0), in_axes=0)(m[:, None]), mx.vmap(lambda a: mx.addmm(a, a, m))(m[None])
def assign(a):
    b = mx.zeros((2,))
    b[0] = a[1]
    b[1] = 5
    return b

mx.vmap(assign)(m)  # differs: `vmap` of assignments and of `at[]`
def mask(a):
    b = a * 1
    b[a > 2] = 0
    return b

mx.vmap(mask)(m)

# ---- custom_function
@mx.custom_function
def cube(x):
    return x**3

@cube.vjp
def cube_vjp(primals, cotangents, outputs):
    return cotangents * 10 * primals

cube(x), mx.grad(lambda x: cube(x).sum())(x), type(cube).__name__
mx.vjp(cube, [x], [mx.ones(3)])
@cube.jvp
def cube_jvp(primals, tangents):
    return tangents[0] * 7 if isinstance(tangents, (tuple, list)) else tangents * 7

mx.jvp(cube, [x], [mx.ones(3)])
@cube.vmap
def cube_vmap(inputs, axes):
    return (inputs[0] * 100, axes[0]) if isinstance(inputs, (tuple, list)) else (inputs * 100, axes)

mx.vmap(cube)(m)
seen = []
@mx.custom_function
def two(x, y):
    return x * y, x + y

@two.vjp
def two_vjp(primals, cotangents, outputs):
    seen.append(
        (type(primals).__name__, len(primals), type(cotangents).__name__, len(cotangents), type(outputs).__name__,
         len(outputs)))
    x, y = primals
    return cotangents[0] * y * 2, cotangents[1] * x * 3

mx.grad(lambda x, y: two(x, y)[0].sum() + two(x, y)[1].sum(), argnums=(0, 1))(x, x + 1), seen[:1]
@mx.custom_function
def trees(p, x):
    return {"y": p["w"] * x, "z": x}

@trees.vjp
def trees_vjp(primals, cotangents, outputs):
    p, x = primals
    return {"w": cotangents["y"] * 5}, cotangents["z"] * 2

mx.grad(lambda p, x: trees(p, x)["y"].sum() + trees(p, x)["z"].sum(), argnums=(0, 1))({"w": x}, x)
@mx.custom_function
def wrong(x):
    return x

@wrong.vjp
def wrong_vjp(primals, cotangents, outputs):
    return cotangents, cotangents

mx.grad(lambda x: wrong(x).sum())(x)  # differs: more gradients than arguments
wrong.vjp(3), wrong.jvp(None), wrong.vmap("no")
@mx.custom_function
def scaled(x, by):
    return x * by

@scaled.vjp
def scaled_vjp(primals, cotangents, outputs):
    return cotangents * primals[1], cotangents * 7

mx.grad(lambda x: scaled(x, 2.0).sum())(x), mx.grad(lambda x: scaled(x, x).sum())(x)
batched = lambda x: mx.vmap(lambda r: scaled(r, r))(x).sum()
mx.grad(batched)(x)  # differs: gradients and tangents of `vmap` of a `custom_function` that has rules for them
@scaled.vjp
def scaled_number(primals, cotangents, outputs):
    return cotangents * primals[1], 0.0

mx.grad(lambda x: scaled(x, 2.0).sum())(x)
for places in [mx.array(0), mx.array([0]), mx.array([1, 0]), np.int64(1), np.array([0, 1]), range(2)]:
    mx.grad(lambda a, b: (a * a * b).sum(), argnums=places)(x, x), mx.value_and_grad(lambda a, b: (a * a * b).sum(), argnums=places)(x, x)
@mx.custom_function
def raises(x):
    return x

@raises.vjp
def raises_vjp(primals, cotangents, outputs):
    raise KeyError("inside")

mx.grad(lambda x: raises(x).sum())(x)
@mx.custom_function
def with_numbers(x, n, s="text"):
    return x * n

@with_numbers.vjp
def with_numbers_vjp(primals, cotangents, outputs):
    return cotangents * 11, None

mx.grad(lambda x: with_numbers(x, 3.0).sum())(x)
mx.custom_function(3)
mx.checkpoint(lambda x: x * x)(x), mx.grad(lambda x: mx.checkpoint(lambda y: mx.sin(y) * y)(x).sum())(x)
mx.grad(mx.checkpoint(lambda p: (p["a"] * p["b"]).sum()))({"a": x, "b": x})
mx.value_and_grad(mx.checkpoint(lambda x: ((x * x).sum(), x)))(x)
mx.checkpoint(3)

# ---- eval
mx.eval(x), mx.eval(), mx.eval([x, {"a": x}], x, None, 3, "a"), mx.async_eval(x, [x]), mx.async_eval(), mx.eval(x, x)
mx.eval({"a": (x,)})
a = x + 1
mx.eval(a)
mx.async_eval(a * 2)
mx.eval((x + 1, x + 2))
mx.eval(object())
mx.depends(x, a)
mx.eval(*[x + i for i in range(3)])
b = mx.zeros((4,))
for i in range(100):
    b = b + 1
b
c = mx.array([1.0])
for _ in range(3000):
    c = c * 1.0001
c.shape, mx.abs(c - 1.0001**3000) < 1e-2
mx.linalg.cholesky(mx.array([[-1.0, 0], [0, 1]]), stream=mx.cpu).shape
mx.add(mx.ones((2,)), mx.ones((2,)), stream=mx.new_stream(mx.cpu))
