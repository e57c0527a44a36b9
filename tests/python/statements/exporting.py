# export_function, exporter, import_function, export_to_dot.
import io
import os
import threading

x = mx.array([1.0, 2.0, 3.0])
m = mx.array([[1.0, 2.0], [3.0, 4.0]])
one, two = mx.array(1.0), mx.array(2.0)
p = "f.mlxfn"

paths = iter(f"f{i}.mlxfn" for i in range(1000))

def through(f, *a, **k):
    path = next(paths)
    mx.export_function(path, f, *a, **k)
    return mx.import_function(path)

# ---- forms
through(lambda a: a + 1, x)(x), through(lambda a, b: a * b, x, x)(x, x), through(lambda a, b: a * b, (x, x))((x, x))
through(lambda a, b: a * b, [x, x])(x, x), through(lambda a, b=None: a if b is None else a * b, x, b=x)(x, b=x)
through(lambda a, b: a * b, (x,), {"b": x})((x,), {"b": x}), through(lambda a, b: a - b, {"b": x, "a": x + 1})(a=x, b=x)
through(lambda: x * 2)(), through(lambda *a: sum(a), x, x, x)(x, x, x)
through(lambda **k: k["a"] * k["b"], a=x, b=x)(b=x, a=x)
type(through(lambda a: a, x)(x)), type(through(lambda a: [a, a], x)(x))
len(through(lambda a: (a, a + 1, [a])[:2], x)(x))
mx.export_function(p, lambda a: a, x)
mx.export_function(p, lambda a: {"k": a}, x)
mx.export_function(p, lambda a: None, x)
mx.export_function(p, lambda a: 3, x)
mx.export_function(p, lambda a: (a, 3), x)
mx.export_function(p, lambda a: (a, [a]), x)
mx.export_function(p, lambda a: [], x)
mx.export_function(p, lambda a: a, 3)
mx.export_function(p, lambda a: a, "x")
mx.export_function(p, lambda a, b: a, x, None)
mx.export_function(p, lambda a, b: a, x, [x])
mx.export_function(p, lambda a: a, {"a": {"b": x}})
mx.export_function(p, lambda a: a, [[x]])
mx.export_function(p, lambda a, b: a, x, b=3)
mx.export_function(p, lambda a, b: a, x, b=[x])
mx.export_function(p, lambda a: a)
mx.export_function(p, lambda a: a, x, x)
mx.export_function(p)
mx.export_function()
mx.export_function(3, lambda a: a, x)
mx.export_function(p, 3, x)
mx.export_function("/nowhere/at/all", lambda a: a, x)
mx.export_function(p, lambda a: a, x, shapeless="yes")
mx.export_function(p, lambda a: a, x, metadata=3)
mx.export_function(file_or_callback=p, fun=lambda a: a)
mx.import_function("nothing")
mx.import_function(3)
mx.import_function()
with open("bad", "w") as f:
    f.write("no function at all") and None
mx.import_function("bad")
with open("empty", "w") as f:
    f.write("") and None
mx.import_function("empty")
def raising(a):
    raise KeyError("mine")

mx.export_function(p, raising, x)
mx.export_function(p, lambda a: a.item(), one)
mx.export_function(p, lambda a: a if a > 1 else -a, one)
mx.export_function(p, lambda a: mx.eval(a), one)
imported = through(lambda a, b: a * b, x, x)
imported(x)
imported(x, x, x)
imported(x, 3)
imported(x, m)
imported(x, x.astype(mx.int32))
imported(x, b=x)  # differs: keywords that no signature has
imported(a=x, b=x)  # differs: keywords that no signature has
imported([x, x]), imported((x, x)), imported((x, x), {})
imported((x,), (x,))
imported([x, x], x)
imported({"a": x})
imported()
imported(None)
imported(x[:2], x[:2])
imported(one, one)
imported = through(lambda a, *, scale: a * scale, x, scale=two)
imported(x, scale=two), imported((x,), {"scale": two}), imported([x], {"scale": two})
imported(x)
imported(x, two)
imported(x, scale=3.0)
imported(x, other=two)
imported(x, scale=two, other=two)
imported((x,), {"scale": two}, 3)
imported((x,), scale=two)

# ---- what functions do
w = mx.array([0.5, 0.25, 0.125])
for f in [lambda a: a @ m, lambda a: mx.softmax(a, axis=-1), lambda a: a.sum(), lambda a: a.T, lambda a: a[0],
        lambda a: a[:, ::-1], lambda a: a.reshape(4), lambda a: a.reshape(-1), lambda a: mx.concatenate([a, a]),
        lambda a: mx.split(a, 2), lambda a: mx.where(a > 1, a, 0), lambda a: a.astype(mx.float16),
        lambda a: mx.linalg.inv(a, stream=mx.cpu), lambda a: mx.cumsum(a, axis=0), lambda a: mx.sort(a),
        lambda a: mx.argmax(a), lambda a: mx.take(a, mx.array([1, 0]), axis=0), lambda a: a.at[0].add(1.0),
        lambda a: mx.fft.rfft(a).real, lambda a: mx.fast.rms_norm(a, None, 1e-5),
        lambda a: mx.conv1d(a[None], mx.ones((1, 1, 2))), lambda a: mx.arange(2) + a, lambda a: mx.zeros((2,)) + a,
        lambda a: mx.einsum("ij,kj->ik", a, a), lambda a: mx.logsumexp(a, axis=1), lambda a: mx.pad(a, 1),
        lambda a: mx.tile(a, (2, 1)), lambda a: mx.stop_gradient(a),
        lambda a: mx.random.uniform(shape=(2,), key=mx.random.key(1)) + a, lambda a: mx.topk(a, 1),
        lambda a: mx.addmm(a, a, a), lambda a: mx.std(a), lambda a: mx.clip(a, 1, 2),
        lambda a: mx.broadcast_to(a, (3, 2, 2)), lambda a: mx.expand_dims(a, 0), lambda a: mx.squeeze(a[None]),
        lambda a: mx.grad(lambda b: (b * b).sum())(a), lambda a: mx.vmap(lambda b: b.sum())(a),
        lambda a: mx.compile(lambda b: mx.exp(b) * 2)(a), lambda a: mx.vjp(lambda b: b * b, [a], [a])[1][0],
        lambda a: a, lambda a: mx.full((2, 2), 7.0) * a, lambda a: mx.outer(a, a), lambda a: mx.tril(a),
        lambda a: mx.round(a, 1), lambda a: a.view(mx.int32),
        lambda a: mx.fast.rope(a[None], 2, traditional=True, base=100.0, scale=1.0, offset=0),
        lambda a: mx.fast.scaled_dot_product_attention(a[None, None], a[None, None], a[None, None], scale=1.0),
        lambda a: mx.take_along_axis(a, mx.argsort(a, axis=0), axis=0), lambda a: mx.median(a)]:
    through(f, m * 1)(m * 2)
through(mx.sin, x)(x), through(mx.compile(lambda a: a + 1), x)(x)
held = mx.array(5.0)
f = through(lambda a: a + held, x)
held += 1
f(x)
mx.random.seed(5)
f = through(lambda a: a + mx.random.uniform(), x)
mx.array_equal(f(x)[0], f(x)[0])
f = through(lambda a: a * a * a, two)
mx.grad(lambda a: f(a)[0])(two), mx.grad(mx.grad(lambda a: f(a)[0]))(two), mx.compile(lambda a: f(a)[0])(two)
mx.vjp(f, [two], [one]), mx.jvp(lambda a: f(a)[0], [two], [one])
f = through(lambda a: a * 2, mx.zeros((1,)), shapeless=True)
mx.vmap(lambda a: f(a)[0])(m[:, :1]).shape
class Model:
    def __init__(self):
        self.w = mx.ones((3, 2))

    def __call__(self, a):
        return a @ self.w

through(Model(), x)(x)

# ---- shapeless
s = lambda f, *a, **k: through(f, *a, shapeless=True, **k)
s(lambda a: mx.abs(a), x)(mx.array([-1.0])), s(lambda a: a * 2 + 1, x)(mx.zeros((5,)))
s(lambda a, b: a + b, x, x)(mx.ones((4,)), mx.ones((4,))), s(lambda a: a.sum(axis=0), m)(mx.ones((4, 3)))
s(lambda a: a @ m, m * 1)(mx.ones((5, 2))), s(lambda a: mx.softmax(a, axis=-1), m)(mx.ones((5, 4)))
s(lambda a: a.T, m)(mx.ones((2, 5))), s(lambda a, *, k: a * k, x, k=x)(mx.ones((2,)), k=mx.ones((2,)))
s(lambda a: a[None], x)(mx.ones((2,))), s(lambda a: mx.flatten(a, 0, 1), m)(mx.ones((5, 4)))
s(lambda a: mx.argmax(a, axis=0), m)(mx.ones((5, 4)))
s(lambda a: a + 1, x)(m)
s(lambda a: a + 1, x)(one)
s(lambda a: a + 1, x)(x.astype(mx.int32))
s(lambda a, b: a + b, x, x)(mx.ones((2,)), mx.ones((3,)))
through(lambda a: a * 2, x)(mx.ones((2,)))

# ---- several signatures
def fun(*args, **kwargs):
    return sum(args) + sum(kwargs.values(), mx.array(0.0))

with mx.exporter(p, fun) as e:
    e(one), e(one, one), e(x), e(x, k=x), e(x, j=x), e((x, x)), e([x, one], {"k": x})
f = mx.import_function(p)
f(one), f(two, two), f(x), f(x, k=x), f(x, j=x), f(x, x), f(x, one, k=x)
f(x, x, x)
f(m)
f(x, l=x)  # differs: keywords that no signature has
f(k=x)  # differs: keywords that no signature has
e(one)
type(e).__name__, repr(e)[:30]
mx.exporter(p, fun).close()
mx.exporter(p)
mx.exporter(p, 3)
mx.exporter(p, fun, True)
mx.exporter("/nowhere/at/all", fun)  # differs: an `exporter` to a path that cannot be written
e = mx.exporter(p, fun, shapeless=True)
e(one), e(x), e(x, x)
e(mx.ones((4,)))
e(3)
e.close(), e.close()
f = mx.import_function(p)
f(mx.ones((9,))), f(two), f(mx.ones((2,)), mx.ones((2,)))
f(m)
with mx.exporter(p, lambda a: 1 / 0) as e:
    e(x)
try:
    with mx.exporter(p, fun) as e:
        e(x)
        raise KeyError("inside")
except KeyError:
    show("caught")
mx.import_function(p)(x)
big = mx.ones((256, 256))
with mx.exporter("one", lambda a: a @ big) as e:
    e(mx.ones((1, 256)))
with mx.exporter("three", lambda a: a @ big) as e:
    e(mx.ones((1, 256))), e(mx.ones((2, 256))), e(mx.ones((3, 256)))
os.path.getsize("three") > 0

# ---- metadata
mx.export_function(p, lambda a: a, x, metadata="words"), mx.import_function(p, return_metadata=True)[1]
mx.import_function(p, True)[1], type(mx.import_function(p, return_metadata=True))
mx.export_function(p, lambda a: a, x, metadata=""), mx.import_function(p, return_metadata=True)[1]
mx.export_function(p, lambda a: a, x, metadata=None), mx.import_function(p, return_metadata=True)[1]
mx.export_function(p, lambda a: a, x), mx.import_function(p, return_metadata=True)[1]
mx.export_function(p, lambda a: a, x, metadata="äöü\n\"x\" {}" * 100), mx.import_function(p, return_metadata=True)[1]
with mx.exporter(p, fun, metadata="of several") as e:
    e(x), e(one)
mx.import_function(p, return_metadata=True)[1]
mx.export_function(lambda d: None, lambda a: a, x, metadata="no")
mx.import_function(p, return_metadata="yes")

# ---- callbacks
def told(f, *a, **k):
    out = []
    mx.export_function(out.append, f, *a, **k)
    return out

def names(f, *a, **k):
    return [(d["name"], len(d["inputs"]), len(d["outputs"]),
        [str(v) for v in d["arguments"]]) for d in told(f, *a, **k) if d["type"] == "primitive"]

told(lambda a, b: mx.abs(a - b), x, x)
told(lambda a: mx.split(a, 3), mx.zeros((0,)))[0], told(mx.var, x)[0], told(mx.logsumexp, x)[0]
told(lambda a, k: a * k, x, k=x)
told(lambda a: a + w, x)
told(lambda a: [a, a + 1][:1], x)
told(lambda a: a, x), told(lambda: x), told(lambda: x + 1)
mx.export_function(lambda: 3, lambda a: a, x)
mx.export_function(lambda d: 1 / 0, lambda a: a, x)
[d["type"] for d in told(lambda a, k: a * k + w, x, k=x)], [sorted(d) for d in told(lambda a, k: a * k + w, x, k=x)]
names(lambda a, b: mx.log(mx.abs(a - b)).astype(mx.int32), x, x)
y = mx.array([[0.3, 0.5], [0.2, 0.9]])
for op in (
        "abs sign negative square sqrt rsqrt exp expm1 erf erfinv sin cos tan arcsin arccos arctan sinh cosh tanh "
        "arcsinh arccosh arctanh log log2 log10 log1p sigmoid floor ceil round"
).split():
    names(getattr(mx, op), y)
for op in (
        "add subtract multiply divide remainder power maximum minimum logaddexp arctan2 equal not_equal less "
        "less_equal greater greater_equal floor_divide divmod matmul"
).split():
    names(getattr(mx, op), y, y)
i = mx.array([[1, 2], [3, 4]])
b = mx.array([[True, False], [False, True]])
for op in "bitwise_and bitwise_or bitwise_xor left_shift right_shift floor_divide".split():
    names(getattr(mx, op), i, i)
for f in [lambda a: mx.logical_not(a), lambda a: mx.logical_and(a, a), lambda a: mx.logical_or(a, a),
        lambda a: mx.where(a, y, y)]:
    names(f, b)
for f in [lambda a: mx.softmax(a, axis=-1), lambda a: mx.cumsum(a, axis=0), lambda a: mx.cumprod(a, axis=1),
        lambda a: mx.cummax(a, axis=1, reverse=True), lambda a: mx.cummin(a, axis=1, inclusive=False),
        lambda a: mx.sort(a, axis=0), lambda a: mx.argsort(a, axis=0), lambda a: mx.sort(a), lambda a: a.reshape(4),
        lambda a: a.flatten(), lambda a: mx.unflatten(a, 0, (1, 2)), lambda a: a.T, lambda a: mx.swapaxes(a, 0, 1),
        lambda a: a[None], lambda a: mx.expand_dims(a, (0, 3)), lambda a: a[None].squeeze(),
        lambda a: mx.concatenate([a, a]), lambda a: mx.concatenate([a, a], axis=-1), lambda a: mx.split(a, 2),
        lambda a: mx.split(a, [1], axis=1), lambda a: mx.broadcast_to(a, (3, 2, 2)), lambda a: mx.arange(3),
        lambda a: mx.arange(0, 5, 2), lambda a: a.view(mx.int32), lambda a: mx.depends(a, a), lambda a: a @ a,
        lambda a: mx.fft.rfft(a), lambda a: mx.linalg.inv(a, stream=mx.cpu),
        lambda a: mx.linalg.cholesky(a, stream=mx.cpu), lambda a: mx.linalg.qr(a, stream=mx.cpu),
        lambda a: mx.linalg.eigh(a, stream=mx.cpu), lambda a: a.astype(mx.int32), lambda a: a.astype(mx.float32),
        lambda a: mx.stop_gradient(a), lambda a: a[1:], lambda a: a[::-1], lambda a: a[:, ::2], lambda a: a.sum(0),
        lambda a: a.max(axis=1, keepdims=True), lambda a: mx.argmax(a, axis=1), lambda a: a + 1,
        lambda a: mx.as_strided(a.flatten(), (2,), (1,))]:
    names(f, y)

# ---- pictures
def dot(*a, **k):
    file = io.StringIO()
    mx.export_to_dot(file, *a, **k)
    return file.getvalue()

dot(x + 1).startswith("digraph {"), dot(x + 1).rstrip().endswith("}"), "myname" in dot(x + 1, myname=x)
mx.export_to_dot("g.dot", x + 1), os.path.getsize("g.dot") > 10
mx.export_to_dot("g.dot")
mx.export_to_dot("g.dot", 3)
mx.export_to_dot("g.dot", [x + 1, {"a": x}])
mx.export_to_dot(3, x)
mx.export_to_dot("g.dot", x, k=3)
mx.export_to_dot()
