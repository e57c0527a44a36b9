# Threads that transform and compile at once, streams of their own, and what lives how long.
import threading
import gc
import weakref
from functools import partial
x = mx.array([1.0, 2.0, 3.0])
def in_threads(count, f):
    got, errors = [None] * count, []
    def go(i):
        try:
            got[i] = f(i)
        except Exception as error:
            errors.append(type(error).__name__ + str(error)[:80])
    ts = [threading.Thread(target=go, args=(i,)) for i in range(count)]
    [t.start() for t in ts]
    [t.join() for t in ts]
    return got, errors
def work(i):
    total = 0.0
    for k in range(200):
        a = mx.array([1.0 * i, 2.0, k * 0.001])
        g = mx.grad(lambda v: (mx.sin(v) * v).sum())(a)
        v = mx.vmap(lambda r: r * 2)(mx.stack([a, a]))
        j = mx.jvp(lambda r: r * r, [a], [a])[1][0]
        total += (g.sum() + v.sum() + j.sum()).item()
    return round(total, 1)
in_threads(4, work)
shared = mx.compile(lambda a: mx.exp(-a * a) + a)
in_threads(4, lambda i: [round(shared(mx.array([1.0 * k, i])).sum().item(), 4) for k in range(50)])
in_threads(4, lambda i: [mx.compile(lambda a: a * i)(mx.ones((k + 1,))).sum().item() for k in range(30)])
in_threads(4, lambda i: mx.checkpoint(lambda a: mx.sin(a))(mx.array(0.5 * i)).item())
in_threads(2, lambda i: mx.value_and_grad(lambda p: (p["w"] ** 2).sum())({"w": mx.array([1.0, i])})[0].item())
s = mx.new_stream(mx.cpu)
def uses(stream):
    return mx.add(mx.array(1.0), 2.0, stream=stream).item()
uses(s)
in_threads(1, lambda i: uses(s))[0], [e[:12] for e in in_threads(1, lambda i: uses(s))[1]]
t = mx.new_thread_local_stream(mx.cpu)
uses(t), in_threads(3, lambda i: uses(t))
in_threads(3, lambda i: uses(mx.new_stream(mx.cpu)))
in_threads(3, lambda i: uses(mx.cpu))
def set_default(i):
    mine = mx.new_stream(mx.cpu)
    mx.set_default_stream(mine)
    return (x + i).sum().item(), mx.default_stream(mx.cpu) == mine
in_threads(3, set_default)
(x + 1).sum().item()
def seeds(i):
    mx.random.seed(i)
    return mx.random.uniform(shape=(2,)).tolist()
in_threads(3, seeds)
in_threads(3, lambda i: mx.random.uniform(shape=(3,), key=mx.random.key(i)).tolist())
def asynchronous(i):
    ys = [mx.exp(mx.ones((64,)) * k) for k in range(20)]
    mx.async_eval(*ys)
    mx.synchronize()
    return round(sum(y[0].item() for y in ys) / 1e8, 3)
in_threads(4, asynchronous)
def errors(i):
    out = []
    for bad in [lambda: mx.grad(lambda a: a)(x), lambda: mx.ones((2,)) @ mx.ones((3,)), lambda: mx.reshape(x, (7,)), lambda: mx.compile(lambda a: a.item())(x), lambda: mx.vmap(lambda a: a)(mx.array(1.0)), lambda: x[10, 2]]:
        try:
            bad()
            out.append(None)
        except Exception as error:
            out.append(type(error).__name__)
    return out
in_threads(4, errors)
# lives
class Big: pass
def lives():
    big = Big()
    ref = weakref.ref(big)
    f = mx.compile(lambda a, keep=big: a * 2)
    f(x)
    del big, f
    gc.collect()
    return ref() is None
lives()
def loop():
    big = Big()
    ref = weakref.ref(big)
    def f(a):
        big
        return a * 2
    g = mx.grad(lambda a: f(a).sum())
    big.g = g
    g(x)
    del f, g, big
    gc.collect()
    return ref() is None
loop()
def cycle():
    big = Big()
    ref = weakref.ref(big)
    big.c = mx.compile(lambda a: a + (1 if big else 2))
    big.c(x)
    del big
    gc.collect()
    return ref() is None
cycle()
def state():
    st = {"a": mx.zeros((3,))}
    @partial(mx.compile, inputs=st, outputs=st)
    def step(v):
        st["a"] = st["a"] + v
        return st["a"].sum()
    out = [step(x).item() for _ in range(3)]
    st["a"] = mx.ones((3,))
    out.append(step(x).item())
    st["b"] = mx.ones((2,))
    out.append(step(x).item())
    return out, sorted(st)
state()
def donated():
    a = mx.zeros((1024, 1024)); mx.eval(a)
    mx.synchronize(); mx.reset_peak_memory(); before = mx.get_active_memory()
    for _ in range(5):
        a = a + 1
        mx.eval(a)
    return (mx.get_peak_memory() - before) // 2**22, (mx.get_active_memory() - before) // 2**22
donated()
def chain_memory():
    a = mx.zeros((1024, 1024)); mx.eval(a)
    mx.synchronize(); mx.reset_peak_memory(); before = mx.get_active_memory()
    b = mx.sin(mx.cos(mx.exp(a)))
    mx.eval(b)
    return (mx.get_active_memory() - before) // 2**22
chain_memory()
def compiled_memory():
    f = mx.compile(lambda a: mx.sin(a) + 1)
    a = mx.zeros((1024, 1024)); mx.eval(a, f(a))
    mx.synchronize(); mx.reset_peak_memory(); before = mx.get_active_memory()
    b = f(a)
    mx.eval(b)
    return (mx.get_peak_memory() - before) // 2**22, (mx.get_active_memory() - before) // 2**22
compiled_memory()
# graph told while evaluated
a = x + 1
b = a * 2
mx.eval(b)
a, b
mx.async_eval(a), mx.async_eval([a, {"k": (b,)}], b), mx.eval([a, None, 3, "s", {"k": [b]}])
mx.eval(), mx.async_eval()
mx.eval(3), mx.eval("a"), mx.eval(None)
# ---- arrays and streams of other threads
def in_thread(f):
    got = []
    def go():
        try:
            got.append(f())
        except Exception as error:
            got.append((type(error).__name__,))
    t = threading.Thread(target=go)
    t.start()
    t.join()
    return got[0]
lazy = x + 1
done = x * 2
mx.eval(done)
in_thread(lambda: done.tolist())
in_thread(lambda: (done + 1).tolist())
in_thread(lambda: lazy.tolist())  # differs: lazy arrays of another thread
lazy.tolist()
lazy2 = in_thread(lambda: x + 5)
lazy2  # differs: lazy arrays of another thread
lazy2.tolist() if isinstance(lazy2, mx.array) else lazy2  # differs: lazy arrays of another thread
lazy3 = in_thread(lambda: mx.add(x, 5, stream=mx.cpu))
lazy3.tolist() if isinstance(lazy3, mx.array) else lazy3  # differs: lazy arrays of another thread
in_thread(lambda: mx.eval(x - 1))
in_thread(lambda: mx.grad(lambda a: (a * a).sum())(x).tolist())
in_thread(lambda: mx.compile(lambda a: a + 1)(x).tolist())
in_thread(lambda: mx.vmap(lambda a: a + 1)(x).tolist())
in_thread(lambda: mx.random.uniform(shape=(2,)).shape)
in_thread(lambda: str(mx.default_device()))
in_thread(lambda: mx.synchronize())
s = mx.new_stream(mx.cpu)
in_thread(lambda: mx.add(x, 1, stream=s).tolist())
in_thread(lambda: mx.synchronize(s))
def with_stream():
    with mx.stream(s):
        return (x + 1).tolist()
in_thread(with_stream)
with_stream()
def own():
    mine = mx.new_stream(mx.cpu)
    with mx.stream(mine):
        y = x * 3
    mx.eval(y)
    return y.tolist()
in_thread(own)
t = mx.new_thread_local_stream(mx.cpu)
in_thread(lambda: mx.add(x, 1, stream=t).tolist())
mx.add(x, 1, stream=t).tolist()
in_thread(lambda: mx.export_function("t.bin", lambda a: a * 2, x))
mx.import_function("t.bin")(x)  # differs: lazy arrays of another thread
in_thread(lambda: mx.import_function("t.bin")(x)[0].tolist())  # differs: lazy arrays of another thread
f = mx.compile(lambda a: a * 4)
f(x), in_thread(lambda: f(x).tolist()), f(x)
later = f(x)
in_thread(lambda: later.tolist())  # differs: lazy arrays of another thread
