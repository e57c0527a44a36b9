# compile, enable_compile, disable_compile.
import functools
import gc
import inspect
import io
import pickle
import threading
import weakref

x = mx.array([1.0, 2.0, 3.0])
m = mx.array([[1.0, 2.0], [3.0, 4.0]])
one, two = mx.array(1.0), mx.array(2.0)
calls = []

# ---- what is compiled
mx.compile(lambda a: a + 1)(x), mx.compile(mx.sin)(x), mx.compile(mx.array.sum)(x), mx.compile(fun=lambda a: a)(x)
mx.compile(lambda: x)(), mx.compile(lambda *a: a[0] + a[1])(x, x), mx.compile(lambda **k: k["a"] + k["b"])(a=x, b=x)
mx.compile(lambda *a, **k: (a, k))(x, k=x)
mx.compile(None)
mx.compile(x)
mx.compile()
mx.compile(lambda a: a, [], [], False)(x)
mx.compile(lambda a: a, shapeless=1)
mx.compile(lambda a: a, "no")(x)
mx.compile(lambda a: a, inputs="no")(x)
mx.compile(lambda a: a, inputs=3)(x)
mx.compile(lambda a: a, inputs=None, outputs=None)(x)
mx.compile(lambda a: a, inputs=x)(x)
mx.compile(lambda a: a, inputs=(x,))(x)
mx.compile(lambda a: a, inputs=[1, "a", None, x])(x)
mx.compile(functools.partial(lambda a, b: a - b, x))(x + 1)
mx.compile(functools.partial(lambda a, b: a - b, b=x))(x + 1)
class Thing:
    def __init__(self):
        self.w = mx.array(2.0)

    def method(self, a):
        "what it does"
        return a * self.w

    def __call__(self, a):
        return a + self.w

    @mx.compile
    def compiled(self):
        return 3

thing = Thing()
mx.compile(thing.method)(x), mx.compile(thing.method).__doc__
mx.compile(mx.compile(lambda a: a * 2))(x)

# ---- looks
def documented(a, b=2, *args, c: int = 3, **rest) -> mx.array:
    "words of it"
    return a

f = mx.compile(documented)
f.__doc__, f.__name__, str(inspect.signature(f)), f.__module__, f.__annotations__["c"], f.__defaults__, f.__kwdefaults__
callable(f), type(f).__name__, f.__qualname__, f.__code__ is documented.__code__
f.nonsense
f.attribute = 3
repr(f)[:9]
hash(f) == hash(f), f == f, f == mx.compile(documented)
weakref.ref(f)() is f
documented.note = "noted"
f.note
pickle.dumps(f)
str(inspect.signature(mx.grad(documented))), mx.grad(documented).__name__, mx.value_and_grad(documented).__doc__
mx.vmap(documented).__name__, mx.checkpoint(documented).__doc__
@mx.compile
def decorated(a):
    return a * 2

@functools.partial(mx.compile, shapeless=True)
def also(a):
    return a * 3

decorated(x), also(x), also(m)

# ---- how often it is traced
def counting(*a, **k):
    calls.append(1)
    return a[0] * 1

def traced(given, **options):
    f = mx.compile(counting, **options)
    del calls[:]
    for arguments, named in given:
        try:
            f(*arguments, **named)
        except Exception as error:
            calls.append(type(error).__name__)
    return [c if c != 1 else 1 for c in calls]

traced([((x,), {}), ((x + 1,), {}), ((x,), {})]), traced([((x,), {}), ((m,), {}), ((x,), {}), ((m,), {})])
traced([((x,), {}), ((x.astype(mx.float16),), {}), ((x.astype(mx.int32),), {})])
traced([((x, 1), {}), ((x, 1), {}), ((x, 2), {}), ((x, 1.0), {}), ((x, "1"), {}), ((x, None), {}), ((x, 1), {})])
traced([((x,), {"k": 1}), ((x,), {"k": 1}), ((x,), {"k": 2}), ((x,), {"j": 1}), ((x,), {"k": 1, "j": 1}),
    ((x,), {"j": 1, "k": 1})])
traced([((x, [1, 2]), {}), ((x, (1, 2)), {}), ((x, [1, 2]), {}), ((x, {"a": 1}), {}), ((x, {"a": 2}), {}),
    ((x, {"b": 1}), {})])
traced([((x, x), {}), ((x, [x]), {}), ((x, {"a": x}), {}), ((x,), {"a": x}), ((x, x), {})])
traced(
    [((x,), {}), ((m,), {}), ((m[None],), {}), ((mx.zeros((7,)),), {}), ((mx.zeros((2, 9)),), {}), ((mx.zeros((2, 9), mx.int32),), {})],
    shapeless=True)
traced([((mx.zeros((0,)),), {}), ((mx.zeros(()),), {}), ((mx.zeros((1,)),), {})])
traced([((x[::2],), {}), ((x[::-1],), {}), ((x,), {}), ((mx.broadcast_to(one, (3,)),), {}), ((m.T,), {}), ((m,), {})])
traced([((x,), {})] * 3 + [((x, {1, 2}), {})]), traced([((x, object()), {})]), traced([((x, 1j), {})])
traced([((x, mx.float32), {})]), traced([((x, b"ab"), {})]), traced([((x, np.array([1.0])), {})])
traced([((x, slice(1, 2)), {})]), traced([((x, lambda: 1), {})]), traced([((x, mx.cpu), {})])
traced([((x, float("nan")), {}), ((x, float("inf")), {}), ((x, -1), {})])
traced([((1,), {}), ((1,), {}), ((2,), {})])
mx.compile(lambda a: a)(1), mx.compile(lambda a: a)("text"), mx.compile(lambda a: a)(None), mx.compile(lambda a: a)([])
mx.compile(lambda a: a)({}), mx.compile(lambda: None)()
mx.compile(lambda a: (a, 3, "x", None, 2.5, True, [a, {"k": a}]))(x)
mx.compile(lambda a: object())(x).__class__
mx.compile(lambda a: {1, 2})(x)
mx.compile(lambda a: lambda: 3)(x)()
del calls[:]

# ---- values that change between calls
value = 1
def reads_global(a):
    return a + value

f = mx.compile(reads_global)
f(x)
value = 5
f(x)
held = [mx.array(1.0)]
f = mx.compile(lambda a: a + held[0])
f(x)
held[0] = mx.array(9.0)
f(x)
g = mx.compile(lambda a: a + held[0], inputs=held)
g(x)
held[0] = mx.array(2.0)
g(x)
held[0] = mx.array([1.0, 1.0, 2.0])
g(x)
held.append(mx.array(3.0))
g(x)
held[0] += 1
g(x)
w = mx.array(1.0)
f = mx.compile(lambda a: a * w)
f(x)
w += 1
f(x)
w[...] = 7.0
f(x)

# ---- state
state = {"a": mx.array(0.0)}
def bump(by):
    state["a"] = state["a"] + by
    return state["a"] * 2

f = mx.compile(bump, inputs=state, outputs=state)
[f(one) for _ in range(3)], state
state["a"] = mx.array(100.0)
f(one), state
def only_out(a):
    state["b"] = a * 3
    return a

f = mx.compile(only_out, outputs=state)
f(x), f(x * 2), state
def without_outputs(a):
    state["a"] = state["a"] + 1
    return a

f = mx.compile(without_outputs, inputs=state)
type(state["a"])
state = [mx.array(1.0), {"n": [mx.array(2.0)]}]
def nested_state(a):
    state[1]["n"][0] = state[1]["n"][0] * a
    state[0] = state[0] + state[1]["n"][0]

f = mx.compile(nested_state, inputs=state, outputs=state)
f(two), state, f(two), state, f(mx.array(0.5)), state
state = []
f = mx.compile(lambda a: state.append(a * 2), outputs=state)
f(one), state
g = mx.compile(lambda a: a + 1, inputs=[], outputs=[])
g(x), g(x)
state = [mx.array(1.0)]
def shape_change(a):
    state[0] = mx.concatenate([state[0].reshape(-1), a])
    return state[0].sum()

f = mx.compile(shape_change, inputs=state, outputs=state)
[f(x) for _ in range(3)], state[0].shape
seed_state = [mx.random.state]
def noise():
    return mx.random.uniform(shape=(3,))

f = mx.compile(noise)
mx.array_equal(f(), f())
g = mx.compile(noise, inputs=mx.random.state, outputs=mx.random.state)
mx.random.seed(1)
g(), g(), mx.random.state[0].shape
mx.random.seed(1)
g(), noise()
mx.random.seed(2)
h = mx.compile(lambda k: mx.random.normal((2,), key=k))
h(mx.random.key(0)), h(mx.random.key(1)), h(mx.random.key(0))

# ---- failing
def fails(a):
    raise KeyError("mine")

mx.compile(fails)(x)
first = True
def fails_once(a):
    global first
    if first:
        first = False
        raise ValueError("once")
    return a + 1

f = mx.compile(fails_once)
f(x)
f(x), f(x + 1)
mx.compile(lambda a: a.item())(one)
mx.compile(lambda a: a.tolist())(one)
mx.compile(lambda a: float(a))(one)
mx.compile(lambda a: int(a))(one)
mx.compile(lambda a: bool(a))(one)
mx.compile(lambda a: a if a else a)(one)
mx.compile(lambda a: str(a))(one)
mx.compile(lambda a: np.array(a))(x)
mx.compile(lambda a: mx.eval(a))(x)
mx.compile(lambda a: mx.async_eval(a))(x)
mx.compile(lambda a: (mx.eval(x), a)[1])(x)
mx.compile(lambda a: range(a))(mx.array(3))
mx.compile(lambda a: list(a))(x), mx.compile(lambda a: len(a) * a)(x), mx.compile(lambda a: a.shape[0] * a)(x)
mx.compile(lambda a, b: a @ b)(x, m)
mx.compile(lambda a, b: a + b)(x, m)
mx.compile(lambda a: a.reshape(2, 2))(x)
mx.compile(lambda a: a)()
mx.compile(lambda a: a)(x, x)
mx.compile(lambda a: a)(b=x)
f = mx.compile(lambda a: a[0])
f(x), f(m)
f(one)
f(x)
mx.compile(lambda a: mx.where(a > 1, a, -a))(x), mx.compile(lambda a: a[::-1])(x)
mx.compile(lambda a, i: a[i])(x, mx.array([2, 0])), mx.compile(lambda a, i: a[i])(x, 1)
mx.compile(lambda a: a.at[1].add(5))(x), mx.compile(lambda a: mx.split(a, 3))(x)
mx.compile(lambda a: mx.linalg.inv(a, stream=mx.cpu))(m), mx.compile(lambda a: mx.fft.rfft(a))(x)
mx.compile(lambda a: mx.random.key(3))(x), mx.compile(lambda a: a.astype(mx.int32))(x)
mx.compile(lambda a: a.view(mx.int32))(x), mx.compile(lambda a: mx.as_strided(a, (2, 2), (1, 1)))(x)
mx.compile(lambda a: mx.topk(a, 2))(x), mx.compile(lambda a: mx.argsort(a))(x), mx.compile(lambda a: mx.cumsum(a))(x)
mx.compile(lambda a: mx.einsum("i,j->ij", a, a))(x), mx.compile(lambda a: mx.pad(a, 1))(x)
mx.compile(lambda a: mx.softmax(a))(x), mx.compile(lambda a: mx.std(a))(x), mx.compile(lambda a: mx.meshgrid(a, a))(x)
mx.compile(lambda a: mx.tile(a, (2, 2)))(x), mx.compile(lambda a: mx.conv1d(a[None, :, None], a[None, :2, None]))(x)
mx.compile(lambda a: a.sum(keepdims=True) / a)(x), mx.compile(lambda a: mx.stop_gradient(a))(x)
mx.compile(lambda a: mx.depends(a, a))(x)
def in_place(a):
    a += 1
    return a

f = mx.compile(in_place)
y = mx.array([1.0, 2.0])
f(y), y, f(y), y
def in_place_of_captured(a):
    y[0] = a
    return y

# ---- several outputs, the same ones, inputs as outputs
f = mx.compile(lambda a, b: (a, b, a + b, a + b, a))
f(x, x), f(one, two)
out = f(x, x)
out[0] is x, out[2] is out[3]
mx.compile(lambda a: [a, (a + 1, {"k": a + 2})])(x)
mx.compile(lambda a: (a,))(x), mx.compile(lambda a: [])(x), mx.compile(lambda a: ())(x), mx.compile(lambda a: {})(x)
a, b = mx.compile(lambda a: (a.sin(), a.cos()))(x)
a, b
many = mx.compile(lambda *a: sum(a))
many(*[one] * 50), mx.compile(lambda a: [a * i for i in range(40)])(one)
deep = mx.compile(lambda a: functools.reduce(lambda b, _: mx.sin(b) + 0.1, range(200), a))
deep(x)
mx.compile(lambda a: functools.reduce(lambda b, i: b * 1.001 + a, range(100), a))(x)

# ---- in other transforms
cube = mx.compile(lambda a: a * a * a)
mx.grad(cube)(two), mx.grad(mx.grad(cube))(two), mx.compile(mx.grad(mx.grad(cube)))(two), mx.compile(mx.grad(cube))(two)
mx.value_and_grad(cube)(two), mx.vmap(cube)(x), mx.compile(mx.vmap(cube))(x), mx.vmap(mx.grad(cube))(x)
mx.compile(mx.vmap(mx.grad(cube)))(x), mx.jvp(cube, [two], [one]), mx.vjp(cube, [two], [one])
mx.grad(mx.checkpoint(cube))(two), mx.compile(mx.checkpoint(mx.compile(lambda a: a.sum())))(x)
mx.grad(lambda a, b: mx.compile(lambda c: c * b)(a), argnums=1)(two, mx.array(5.0))
mx.grad(lambda a: cube(a) + mx.compile(lambda b: b * a)(a))(two)
mx.compile(lambda a: mx.grad(lambda b: (a * b).sum())(a))(x)
mx.compile(lambda a: mx.vjp(lambda b: b * a, [a], [a])[1][0])(x), mx.compile(lambda a: mx.vmap(lambda r: r.sum())(a))(m)
mx.vmap(mx.compile(lambda a, b: a @ b), in_axes=(0, None))(m, m)
mx.vmap(mx.compile(lambda a: a), in_axes=1, out_axes=1)(m)
mx.compile(mx.value_and_grad(lambda p, a: ((p["w"] * a).sum(), a + 1), argnums=(0, 1)))({"w": x}, x)
mx.compile(lambda a: (mx.grad(lambda b: b.sum())(a), a))(x)

# ---- shapeless
def shapeless(f, *given):
    g = mx.compile(f, shapeless=True)
    return [g(a) for a in given]

shapeless(lambda a: a * 2 + 1, x, mx.zeros((5,)), mx.zeros((2, 2)))
shapeless(lambda a: mx.abs(a).sum(), x, mx.zeros((5,)))
shapeless(lambda a: a @ a.T, m, mx.ones((3, 2)))
shapeless(lambda a: mx.softmax(a, axis=-1), x, mx.zeros((4,)))
shapeless(lambda a: a[None] * a[:, None], x, mx.ones((2,)))
shapeless(lambda a: a.flatten(), m, mx.ones((3, 3))), shapeless(lambda a: a.reshape(-1), m, mx.ones((3, 3)))
shapeless(lambda a: mx.expand_dims(a, 0), m, mx.ones((3, 3)))
shapeless(lambda a: mx.squeeze(a, 0), m[None], mx.ones((1, 3, 3))), shapeless(lambda a: a.T, m, mx.ones((3, 4)))
shapeless(lambda a: mx.argmax(a, axis=0), m, mx.ones((3, 4)))
shapeless(lambda a: a.max(axis=1, keepdims=True), m, mx.ones((3, 4)))
shapeless(lambda a: mx.concatenate([a, a]), m, mx.ones((3, 4)))
shapeless(lambda a: mx.sort(a), x, mx.array([2.0, 1.0])), shapeless(lambda a: a.mean(0), m, mx.ones((3, 4)))
shapeless(lambda a: mx.stack([a, a]), m, mx.ones((3, 4))), shapeless(lambda a: mx.flatten(a, 0, 1), m, mx.ones((3, 4)))
shapeless(lambda a: mx.where(a > 1, a, 0.0), m, mx.ones((3, 4)))
shapeless(lambda a: a + mx.array([1.0, 2.0, 3.0]), x, x + 1)
shapeless(lambda a: a.astype(mx.float16), x, mx.zeros((2,)))
shapeless(lambda a: [a, a + 1], x, mx.zeros((2,)))
shapeless(lambda a: mx.fast.rms_norm(a, None, 1e-5), m, mx.ones((3, 4)))
shapeless(mx.grad(lambda a: (a * a).sum()), x, mx.ones((2,)))
g = mx.compile(lambda a, b: a + b, shapeless=True)
g(x, x), g(x, one), g(m, m), g(m, mx.ones((2, 1)))

# ---- turned off
mx.disable_compile(), mx.enable_compile()
mx.disable_compile()
f = mx.compile(lambda a: counting(a))
del calls[:]
f(x), f(x), len(calls)
mx.compile(lambda a: a.item())(one)
mx.enable_compile()
f(x), f(x), len(calls)
g = mx.compile(lambda a: a.item())
g(one)
mx.disable_compile()
g(one)
mx.enable_compile()
g(one)
mx.disable_compile(3)

# ---- lifetimes
class Note:
    pass

def make():
    note = Note()
    f = mx.compile(lambda a: (a, note)[0])
    f(x)
    return weakref.ref(note)

ref = make()
gc.collect() >= 0
ref() is None
def cycle():
    note = Note()
    def call(a):
        return a

    note.f = mx.compile(call)
    note.f(x)
    return weakref.ref(note)

ref = cycle()
gc.collect() >= 0
ref() is None
big = mx.zeros((1024, 256))
mx.eval(big)
f = mx.compile(lambda a: a + big)
f(one).shape
gc.collect() >= 0
before = mx.get_active_memory()
def fresh():
    held = mx.zeros((1024, 256)) + 1
    mx.eval(held)
    f = mx.compile(lambda a: a + held)
    mx.eval(f(one))

[fresh() for _ in range(5)]
gc.collect() >= 0
mx.get_active_memory() - before < 1000000

# ---- threads
results = []
def work(n):
    f = mx.compile(lambda a: (a * n).sum())
    results.append((n, [f(mx.ones((i + 1,))).item() for i in range(5)]))

threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
[t.start() for t in threads], [t.join() for t in threads], sorted(results)
shared = mx.compile(lambda a: mx.exp(a) + 1)
del results[:]
threads = [threading.Thread(target=lambda: results.append([round(shared(mx.zeros((i + 1,))).sum().item(),
    3) for i in range(4)])) for n in range(4)]
[t.start() for t in threads], [t.join() for t in threads], results
del results[:]
def gradients(n):
    results.append([mx.grad(lambda a: (a * a * n).sum())(mx.ones((3,))).tolist() for _ in range(5)][-1])

threads = [threading.Thread(target=gradients, args=(n,)) for n in range(4)]
[t.start() for t in threads], [t.join() for t in threads], sorted(results)

# ---- streams
s = mx.new_stream(mx.cpu)
f = mx.compile(lambda a: mx.add(a, a, stream=s) * 2)
f(x), f(x)
with mx.stream(s):
    f(x), mx.compile(lambda a: a * 3)(x)
del calls[:]
f = mx.compile(counting)
f(x)
with mx.stream(s):
    f(x)
f(x), len(calls)
