# eval, async_eval, streams, threads, and how much memory evaluation takes.
import gc
import threading
import time

x = mx.array([1.0, 2.0, 3.0])
MB = 1 << 20

# ---- peak memory
def peak(f, n=1 << 20, **options):
    "How many arrays of n floats stand at the peak beside the input"
    a = mx.zeros((n,), **options)
    mx.eval(a)
    gc.collect()
    mx.synchronize()
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    b = f(a)
    return b, before, a.nbytes

def at_peak(f, n=1 << 20):
    "With the input alive"
    b, before, size = peak(f, n)
    mx.eval(b)
    mx.synchronize()
    return max(0.0, round((mx.get_peak_memory() - before) / size, 1))

def donated(f, n=1 << 20):
    "With the input deleted"
    a = mx.zeros((n,))
    mx.eval(a)
    mx.synchronize()
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    size = a.nbytes
    b = f(a)
    del a
    mx.eval(b)
    mx.synchronize()
    return max(0.0, round((mx.get_peak_memory() - before) / size, 1))

unary = ["abs(a)", "sin(a)", "exp(a)", "-a", "a + 1", "a * 2", "mx.square(a)", "mx.sigmoid(a)", "mx.sqrt(a)",
    "a.astype(mx.float32)", "a.astype(mx.int32)", "a > 0", "mx.sin(mx.cos(a))", "mx.exp(mx.sin(mx.cos(a)))"]
unary = ["mx." + u if u[:3] in ("abs", "sin", "exp") else u for u in unary]
shapes = ["a.reshape(1024, -1)", "a.reshape(1024, -1).T", "a[None]", "a.reshape(-1, 2).reshape(-1)", "a[10:]", "a[::2]",
    "a.flatten()", "mx.expand_dims(a, 0)", "mx.stop_gradient(a)", "mx.contiguous(a)",
    "mx.contiguous(a.reshape(1024, -1).T)", "mx.view(a, mx.int32)", "mx.broadcast_to(a, (2, a.size))",
    "mx.split(a, 2)[0]", "a.reshape(1024, -1).T.reshape(-1)", "mx.as_strided(a, (4, 4), (1, 1))", "mx.squeeze(a[None])",
    "mx.unflatten(a, 0, (2, -1))", "mx.depends(a, mx.array(1))"]
rows = ["mx.cumsum(a)", "mx.softmax(a.reshape(1024, -1), axis=-1)", "a.sum()", "a.reshape(1024, -1).sum(0)",
    "mx.concatenate([a, a])", "mx.pad(a, 1)", "mx.argmax(a)", "a.reshape(1024, -1).sum(-1)", "mx.logsumexp(a)",
    "a.mean()", "mx.cummax(a)", "mx.take(a, mx.array([1, 2]))"]
for text in unary + shapes + rows:
    f = eval("lambda a: " + text)
    show((text, at_peak(f)))
for text in unary + shapes + rows:
    f = eval("lambda a: " + text)
    show((text, donated(f)))
def update(a):
    a[0] = 5.0
    return a

def update_slice(a):
    a[1:10] = mx.ones((9,))
    return a

def update_index(a):
    a[mx.array([1, 2])] = 5.0
    return a

def update_add(a):
    a[1:10] += 1
    return a

def at_add(a):
    return a.at[1:10].add(1.0)

def loop(a):
    for _ in range(10):
        a = a + 1
    return a

def loop_inplace(a):
    for _ in range(10):
        a += 1
    return a

def loop_eval(a):
    for _ in range(5):
        a = a * 2
        mx.eval(a)
    return a

def loop_async(a):
    for _ in range(5):
        a = a * 2
        mx.async_eval(a)
    return a

for f in [update, update_slice, update_index, at_add, loop, loop_inplace, loop_eval]:
    show((f.__name__, donated(f)))
def both(a):
    return a + 1, a + 2

def binary(f):
    a = mx.zeros((1 << 20,))
    b = mx.ones((1 << 20,))
    mx.eval(a, b)
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    c = f(a, b)
    del a, b
    mx.eval(c)
    return max(0.0, round((mx.get_peak_memory() - before) / (4 * MB), 1))

binary(lambda a, b: a + b), binary(lambda a, b: mx.maximum(a, b)), binary(lambda a, b: a * b + a)
binary(lambda a, b: mx.concatenate([a, b]))
def held_view():
    a = mx.zeros((1 << 20,))
    mx.eval(a)
    before = mx.get_active_memory()
    b = a[:4]
    mx.eval(b)
    del a
    return round((mx.get_active_memory() - before) / (4 * MB), 1)

held_view()
def released():
    before = mx.get_active_memory()
    a = mx.zeros((1 << 20,))
    mx.eval(a)
    b = a + 1
    mx.eval(b)
    one = round((mx.get_active_memory() - before) / (4 * MB), 1)
    del a
    two = round((mx.get_active_memory() - before) / (4 * MB), 1)
    del b
    return one, two, round((mx.get_active_memory() - before) / (4 * MB), 1)

released()
def graph_released():
    before = mx.get_active_memory()
    a = mx.zeros((1 << 20,))
    mx.eval(a)
    b = (a + 1) * 2
    c = b.sum()
    mx.eval(c)
    one = round((mx.get_active_memory() - before) / (4 * MB), 1)
    mx.eval(b)
    return one, round((mx.get_active_memory() - before) / (4 * MB), 1)

graph_released()
def never_evaluated():
    before = mx.get_active_memory()
    a = mx.zeros((1 << 22,)) + 1
    return mx.get_active_memory() - before

never_evaluated() < 1000
def compiled_donation(shapeless):
    f = mx.compile(lambda a: mx.sin(a) + 1, shapeless=shapeless)
    mx.eval(f(mx.zeros((1 << 20,))))
    return donated(f)

compiled_donation(False), compiled_donation(True)
def compiled_state():
    state = [mx.zeros((1 << 20,))]
    mx.eval(state)
    def step(a):
        state[0] = state[0] + a

    f = mx.compile(step, inputs=state, outputs=state)
    f(mx.array(1.0))
    mx.eval(state)
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    for _ in range(3):
        f(mx.array(1.0))
        mx.eval(state)
    return max(0.0, round((mx.get_peak_memory() - before) / (4 * MB), 1))

compiled_state()
def gradient_memory():
    a = mx.zeros((1 << 20,))
    mx.eval(a)
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    g = mx.grad(lambda a: mx.sin(a).sum())(a)
    mx.eval(g)
    return round((mx.get_peak_memory() - before) / (4 * MB), 1) <= 3

gradient_memory()

# ---- eval and async_eval
mx.eval(x + 1), mx.eval([x, (x, {"a": x + 1})]), mx.eval("a", 3, None, 2.5), mx.eval({}), mx.eval([], ())
mx.eval(a=x)
mx.async_eval(a=x)
y = x + 1
mx.async_eval(y), y
z = y * 2
mx.async_eval(y, [z], {"k": z + 1}), z
mx.async_eval(z), mx.eval(z), z.tolist()
w = mx.exp(x)
mx.async_eval(w)
v = w + 3
mx.async_eval(v), v, w
for _ in range(30):
    v = v * 1.01
    mx.async_eval(v)
v
mx.synchronize()
mx.async_eval([x + i for i in range(100)])
a = mx.array(0.0)
for i in range(2000):
    a = a + 1
a
class Module(dict):
    pass

mx.eval(Module(a=x + 1)), mx.eval(Module(a=[x + 2]), x)
set_of = {1, 2}
mx.eval(set_of), mx.eval(object()), mx.eval(len)
gen = (x + i for i in range(3))
mx.eval(gen)

# ---- errors where they are computed
bad = mx.linalg.inv(mx.zeros((2, 2)), stream=mx.cpu)
mx.eval(bad)
x + 1
bad = mx.linalg.inv(mx.zeros((2, 2)), stream=mx.cpu)
good = x * 2
mx.eval(bad, good)
good, x + 5
mx.eval(x + 1), (x + 1)
mx.array([1.0, 2.0]) + mx.array([1.0])
mx.load("nothing.npy")
other = mx.new_stream(mx.cpu)
bad = mx.linalg.inv(mx.zeros((2, 2)), stream=other)
fine = mx.add(x, 1)
mx.eval(fine)
fine
mx.eval(bad)
mx.synchronize(other)
mx.add(x, 2, stream=other)
big = mx.ones((1000, 1000))
def failing(stream=None):
    "After so long that nobody is told before he asks"
    product = mx.matmul(big, mx.matmul(big, big, stream=stream), stream=stream)
    return mx.add(mx.linalg.inv(mx.multiply(product[:2, :2], 0, stream=stream), stream=stream or mx.cpu), 1, stream=stream)

mx.eval(big)

bad = failing()
mx.async_eval(bad)
mx.synchronize()
mx.synchronize(), x + 1
bad = failing(other)
mx.async_eval(bad)
mx.synchronize()
mx.synchronize(other)
mx.synchronize(other), mx.add(x, 2, stream=other)
bad = failing()
mx.async_eval(bad)
mx.eval(bad)
mx.synchronize()
bad = failing(other)
mx.async_eval(bad)
mx.eval(bad)
mx.synchronize(other)

# ---- streams
s1, s2 = mx.new_stream(mx.cpu), mx.new_stream(mx.cpu)
s1 == s2, s1 == s1, s1.device == mx.cpu, s2.index - s1.index
a = mx.add(x, 1, stream=s1)
b = mx.multiply(a, a, stream=s2)
c = mx.subtract(b, a, stream=s1)
a, b, c
with mx.stream(s1):
    d = x + 1
    with mx.stream(s2):
        e = d * 2
        show(mx.default_stream(mx.cpu) == s2)
    show(mx.default_stream(mx.cpu) == s1)
    f = e - d
d, e, f
def many(s, n):
    y = x
    for i in range(n):
        y = mx.add(y, 1, stream=s[i % len(s)])
    return y

many([s1], 100), many([s1, s2], 100), many([s1, s2, mx.default_stream(mx.cpu)], 60), many([s1, mx.cpu], 30)
mx.async_eval(many([s1, s2], 20)), mx.synchronize(s1), mx.synchronize(s2)
mx.grad(lambda a: mx.sin(a, stream=s1).sum(stream=s2))(x), mx.vmap(lambda a: mx.add(a, 1, stream=s1))(x)
mx.compile(lambda a: mx.add(mx.multiply(a, 2, stream=s1), 1, stream=s2))(x)
with mx.stream(mx.cpu) as inner:
    show(inner is None)
ctx = mx.stream(s1)
with ctx:
    show(mx.default_stream(mx.cpu) == s1)
with ctx:
    show(mx.default_stream(mx.cpu) == s1)
mx.default_stream(mx.cpu) == s1
mx.stream()
mx.stream(3)
mx.stream(s1, s2)
mx.set_default_stream(s2), mx.default_stream(mx.cpu) == s2, mx.default_stream(mx.default_device()) == s2
many([mx.default_stream(mx.cpu)], 3)
mx.set_default_stream(mx.new_stream(mx.cpu))

# ---- threads
out = []
def run(f):
    del out[:]
    def body():
        try:
            out.append(f())
        except Exception as error:
            out.append((type(error).__name__,))
    t = threading.Thread(target=body)
    t.start()
    t.join()
    return out[0]

run(lambda: mx.default_stream(mx.cpu) == mx.default_stream(mx.cpu))
main_default = mx.default_stream(mx.cpu)
run(lambda: mx.default_stream(mx.cpu) == main_default), run(lambda: (mx.ones((2,)) + 1).tolist())
run(lambda: mx.add(1, 2, stream=mx.new_stream(mx.cpu)).item()), run(lambda: mx.add(1, 2, stream=mx.cpu).item())
run(lambda: mx.add(1, 2, stream=s1).item())
run(lambda: mx.eval(mx.add(1, 2, stream=s1)))
run(lambda: mx.synchronize(s1))
def with_stream():
    with mx.stream(s1):
        return (x + 1).tolist()

run(with_stream)
local = mx.new_thread_local_stream(mx.cpu)
unsafe = mx.new_thread_unsafe_stream(mx.cpu)
run(lambda: mx.add(1, 2, stream=local).item()), run(lambda: mx.add(1, 2, stream=unsafe).item())
mx.add(1, 2, stream=local).item(), mx.add(1, 2, stream=unsafe).item()
def with_local():
    with mx.stream(local):
        return (mx.default_stream(mx.cpu) == main_default, (x + 1).tolist())

run(with_local), with_local()
def with_unsafe():
    with mx.stream(unsafe):
        return (x * 3).tolist()

run(with_unsafe), with_unsafe()
local == local, repr(type(local)), local.device == mx.cpu, isinstance(local, mx.Stream), isinstance(unsafe, mx.Stream)
local.index
run(lambda: mx.default_device() == mx.cpu), run(lambda: x.tolist()), run(lambda: x.sum().item())
run(lambda: mx.random.key(0).tolist())
mx.random.seed(7)
first = mx.random.uniform()
mx.random.seed(7)
run(lambda: (mx.random.seed(7), mx.random.uniform().item())[1]) == first.item()
mx.random.uniform().item() == first.item()
lazy = x + 1
run(lambda: lazy.tolist())  # differs: lazy arrays of another thread
lazy = mx.add(x, 1, stream=unsafe)
run(lambda: lazy.tolist())
run(lambda: mx.clear_streams())
run(lambda: (mx.clear_streams(), (mx.ones((2,)) * 2).tolist())[1])
def stress(i):
    y = mx.full((64, 64), float(i))
    for _ in range(10):
        y = mx.tanh(y @ y.T / 64)
    return y.sum().item()

results = {}
threads = [threading.Thread(target=lambda i=i: results.__setitem__(i, round(stress(i), 2))) for i in range(6)]
[t.start() for t in threads], [t.join() for t in threads], results
results.clear()
threads = [threading.Thread(target=lambda i=i: results.__setitem__(i,
    mx.vmap(mx.grad(lambda a: a**3))(mx.arange(4.0) + i).tolist())) for i in range(6)]
[t.start() for t in threads], [t.join() for t in threads], results
held = mx.ones((128, 128))
mx.eval(held)
results.clear()
threads = [threading.Thread(target=lambda i=i: results.__setitem__(i, (held * i).sum().item())) for i in range(6)]
[t.start() for t in threads], [t.join() for t in threads], results

# ---- depends, stop_gradient
a, b = mx.depends([x, x + 1], x * 2)
a, b
a, b = mx.depends((x, x + 1), [x * 2, x])
a, b
type(mx.depends([x], x)), type(mx.depends((x,), x)), type(mx.depends(x, x)), mx.depends(x, [])
mx.depends(inputs=x, dependencies=x)
mx.depends(x)
mx.depends(x, 3)
mx.depends(3, x)
mx.depends({"a": x}, x)
mx.grad(lambda a: mx.depends(a, a * 2).sum())(x), mx.grad(lambda a: mx.depends(x, a * 2).sum())(x)
mx.grad(lambda a: sum(mx.depends([a, a * a], [x]), mx.array(0.0)).sum())(x)
mx.compile(lambda a: mx.depends(a, a * 2))(x)
mx.stop_gradient(x), mx.stop_gradient(x.astype(mx.int32)), mx.stop_gradient(a=x)
mx.stop_gradient(3)
mx.stop_gradient([x])
mx.grad(lambda a: mx.stop_gradient(a * a).sum())(x), mx.grad(lambda a: (a * mx.stop_gradient(a)).sum())(x)
mx.jvp(lambda a: mx.stop_gradient(a) * a, [x], [x]), mx.vmap(mx.stop_gradient)(x)
mx.grad(mx.grad(lambda a: a * a * mx.stop_gradient(a)))(mx.array(3.0))
