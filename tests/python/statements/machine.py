# Devices, streams, threads, memory, distributed, Metal and CUDA.
import copy
import enum
import gc
import pickle
import threading

mx.cpu, mx.gpu, repr(mx.cpu), mx.Device(mx.cpu), mx.Device(mx.cpu, 0), repr(mx.Device(mx.cpu))
str(mx.Device(mx.gpu, 1)), mx.Device(mx.cpu).type, mx.Device(mx.cpu, 0) == mx.Device(mx.cpu)
mx.Device(mx.cpu) == mx.cpu, mx.cpu == mx.cpu, mx.cpu == mx.gpu, mx.Device(mx.cpu) != mx.Device(mx.gpu)
mx.Device(mx.cpu) == 3
mx.Device(type=mx.cpu, index=0)
mx.Device(mx.gpu).type
mx.Device(3)
mx.Device()
mx.Device("cpu")
type(mx.cpu), type(mx.Device(mx.cpu)), mx.DeviceType, mx.DeviceType.cpu, mx.DeviceType.gpu
mx.DeviceType.cpu == mx.cpu, mx.cpu.name, mx.cpu.value
hash(mx.Device(mx.cpu)) == hash(mx.Device(mx.cpu))
isinstance(mx.cpu, mx.DeviceType)
list(mx.DeviceType), len(mx.DeviceType), mx.DeviceType["gpu"], mx.DeviceType(1), "cpu" in mx.DeviceType.__members__
isinstance(mx.cpu, enum.Enum), type(mx.DeviceType), mx.DeviceType.__name__, {mx.cpu: 1}[mx.cpu]
mx.cpu is mx.DeviceType.cpu
mx.DeviceType(2)
mx.DeviceType["tpu"]
mx.DeviceType("cpu")
pickle.loads(pickle.dumps(mx.gpu)) is mx.gpu, copy.deepcopy(mx.cpu) is mx.cpu, f"{mx.cpu}", str(mx.gpu)
mx.cpu == 0, mx.cpu != 0
mx.cpu < mx.gpu
mx.default_device(), repr(mx.default_device())
mx.set_default_device(mx.cpu)
mx.default_device() == mx.Device(mx.cpu), mx.default_device() == mx.cpu
mx.set_default_device(mx.Device(mx.cpu))
mx.set_default_device(mx.gpu)
mx.set_default_device("cpu")
mx.set_default_device(None)
mx.default_device()
mx.set_default_device(mx.cpu)
mx.is_available(mx.cpu), mx.is_available(mx.gpu)
mx.is_available(mx.Device(mx.cpu))
mx.device_count(mx.cpu), mx.device_count(mx.gpu)
{"architecture", "device_name"} <= set(mx.device_info()), type(mx.device_info())
mx.device_info(mx.cpu)["architecture"].__class__
mx.device_info(mx.Device(mx.cpu)).__class__
mx.device_info(mx.gpu)
s = mx.default_stream(mx.cpu)
s.device, repr(s), str(s), s == mx.default_stream(mx.cpu), s != mx.new_stream(mx.cpu), type(s), s == 3
s.index
mx.default_stream(mx.Device(mx.cpu)) == s
mx.default_stream(mx.gpu)
mx.default_stream(None)
mx.default_stream()
n = mx.new_stream(mx.cpu)
n == s, n.device == mx.Device(mx.cpu), n.device == mx.cpu
mx.new_stream(mx.gpu)
mx.new_stream()
mx.new_stream(mx.Device(mx.cpu)).device
mx.set_default_stream(n)
mx.default_stream(mx.cpu) == n
mx.set_default_stream(s)
mx.set_default_stream(mx.cpu)
with mx.stream(n):
    mx.default_stream(mx.cpu) == n
    a = mx.ones((2,)) + 1
mx.default_stream(mx.cpu) == s
a
with mx.stream(mx.cpu):
    mx.default_device()
    b = mx.add(1, 2)
with mx.stream(mx.Device(mx.cpu)):
    mx.default_device() == mx.cpu
with mx.stream(n) as inner:
    show(inner)
with mx.stream(None):
    mx.default_device()
with mx.stream("cpu"):
    1
type(mx.stream(n)), mx.StreamContext
try:
    with mx.stream(n):
        raise KeyError(1)
except KeyError:
    mx.default_stream(mx.cpu) == s
mx.add(1, 2, stream=n), mx.add(1, 2, stream=mx.cpu), mx.add(1, 2, stream=mx.Device(mx.cpu)), mx.add(1, 2, stream=s)
mx.add(1, 2, stream=None)
mx.add(1, 2, stream=mx.gpu)
mx.add(1, 2, stream="cpu")
mx.add(1, 2, stream=3)
mx.synchronize(), mx.synchronize(n), mx.synchronize(mx.cpu), mx.synchronize(stream=s)
mx.synchronize(mx.gpu)
mx.synchronize(mx.Device(mx.cpu))
t = mx.new_thread_local_stream(mx.cpu)
type(t), t.device
repr(t)
mx.add(1, 2, stream=t)
with mx.stream(t):
    mx.ones((2,)) * 3
mx.synchronize(t)
mx.new_thread_local_stream(mx.default_device()).device
u = mx.new_thread_unsafe_stream(mx.cpu)
type(u), u.device
results = []
def run(f):
    out = []
    def body():
        try:
            out.append(f())
        except Exception as e:
            out.append(type(e).__name__)
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    return out[0]

run(lambda: mx.add(1, 2, stream=t).item()), run(lambda: (mx.ones((3,)) * 2).tolist())
run(lambda: mx.grad(mx.sin)(mx.array(1.0)).item()), run(lambda: mx.random.uniform().shape)
run(lambda: mx.default_device() == mx.cpu)
run(lambda: mx.add(1, 2, stream=n).item())
run(lambda: mx.add(mx.ones((10,)), 2, stream=s).sum().item())
run(lambda: mx.eval(a + 1))
big = mx.ones((100, 100))
mx.eval(big)
run(lambda: (big @ big).sum().item())
lazy = big + 1
run(lambda: lazy.sum().item())  # differs: lazy arrays of another thread
def both():
    with mx.stream(mx.new_stream(mx.cpu)):
        return (big * 2).sum().item()

[run(both) for _ in range(3)]
threads = [threading.Thread(target=lambda i=i: results.append((i, mx.eval((big * i).sum())))) for i in range(8)]
[x.start() for x in threads], [x.join() for x in threads], sorted(i for i, _ in results)

mx.add(1, 2)
two = mx.new_stream(mx.cpu)
x = mx.ones((50, 50))
for i in range(20):
    x = mx.add(x, 1, stream=two if i % 2 else s)
x.sum()
mx.matmul(big, big, stream=two).sum() + mx.sum(big, stream=s)

# ---- memory
type(mx.get_active_memory()), type(mx.get_peak_memory()), type(mx.get_cache_memory())
mx.clear_cache()
gc.collect() >= 0
before = mx.get_active_memory()
y = mx.zeros((1024, 1024))
mx.eval(y)
mx.get_active_memory() - before >= 4 * 2**20, mx.get_active_memory() - before <= 4 * 2**20 + 65536
mx.reset_peak_memory()
z = y + 1
mx.eval(z)
mx.get_peak_memory() - before >= 8 * 2**20
del z
mx.get_active_memory() - before <= 4 * 2**20 + 65536
mx.get_cache_memory() >= 0
mx.clear_cache()
mx.get_cache_memory()
mx.reset_peak_memory(), mx.get_peak_memory() <= mx.get_active_memory() + 65536
old = mx.set_cache_limit(10)
type(old)
mx.set_cache_limit(old)
old = mx.set_memory_limit(10**9)
type(old)
mx.set_memory_limit(old)
old = mx.set_memory_limit(2**40)
mx.set_memory_limit(limit=2**40)
mx.set_cache_limit("a")
mx.set_cache_limit(-1)
mx.set_wired_limit(0)
mx.set_wired_limit(1000)
mx.reset_peak_memory()
base = mx.get_peak_memory()
def chain(n):
    w = mx.ones((256, 1024))
    mx.eval(w)
    mx.reset_peak_memory()
    start = mx.get_peak_memory()
    for _ in range(n):
        w = w * 2
    mx.eval(w)
    return (mx.get_peak_memory() - start) // 2**20

chain(5) <= 8
def unary():
    w = mx.ones((256, 1024))
    mx.eval(w)
    mx.reset_peak_memory()
    start = mx.get_peak_memory()
    v = mx.exp(mx.sin(mx.cos(w)))
    mx.eval(v)
    return (mx.get_peak_memory() - start) // 2**20

unary() <= 8
mx.reset_peak_memory()

# ---- others
mx.metal.is_available()
mx.metal.device_info()
mx.metal.start_capture("x")
mx.metal.stop_capture()
mx.cuda.is_available()
mx.distributed.is_available()  # differs: `distributed.is_available()`
g = mx.distributed.init()
g.rank(), g.size(), type(g), repr(g).split(" ")[0] != ""
mx.distributed.init(strict=True)
mx.distributed.init(backend="nonsense")
mx.distributed.init(backend="any").size()
mx.distributed.init(backend="mpi").size()
v = mx.array([1.0, 2.0])
mx.distributed.all_sum(v), mx.distributed.all_gather(v), mx.distributed.all_max(v), mx.distributed.all_min(v)
mx.distributed.all_sum(v, group=g), mx.distributed.all_sum(v, stream=mx.cpu), mx.distributed.sum_scatter(v)
mx.distributed.all_sum(1), mx.distributed.all_gather(2.5), mx.distributed.all_max(True), mx.distributed.all_min(1j)
mx.distributed.all_sum(1, stream=mx.cpu).dtype, mx.distributed.sum_scatter(-3).shape
mx.distributed.all_sum("a")
mx.distributed.all_sum(None)
mx.distributed.send(1, 0)
mx.distributed.recv_like(1, 0)
mx.distributed.send(v, 0)
mx.distributed.recv((2,), mx.float32, 0)
mx.distributed.recv_like(v, 0)
mx.distributed.send(v, 0, group=g)
g.split(0)
g.split(0, 1)
mx.distributed.Group
k = mx.fast.metal_kernel(name="k", input_names=["a"], output_names=["b"], source="b[0] = a[0];")
k(inputs=[v], grid=(1, 1, 1), threadgroup=(1, 1, 1), output_shapes=[(2,)], output_dtypes=[mx.float32])
mx.fast.cuda_kernel(name="k", input_names=["a"], output_names=["b"], source="b[0] = a[0];")
mx.fast.precompiled_cuda_kernel("k", "x", [v], [(2,)], [mx.float32], [], (1, 1, 1), (1, 1, 1))

# ---- the array API standard
info = mx.__array_namespace_info__()
info.capabilities(), info.default_device(), info.devices(), info.default_dtypes(), info.dtypes(), list(info.dtypes())
info.default_dtypes(device=mx.default_device())
for kind in ("bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric",
        ("bool", "integral"), (), "other", 3):
    list(info.dtypes(kind=kind)), info.dtypes(kind=kind), info.dtypes(device=mx.Device(mx.cpu), kind=kind)
list(info.dtypes(device=mx.Device(mx.cpu))), list(info.dtypes(device=mx.Device(mx.gpu)))
info.dtypes(device=mx.cpu)
info.dtypes(device="cpu")
info.default_dtypes(device="cpu")
info.dtypes("bool")
mx.ones(2).__array_namespace__().__array_namespace_info__().default_device()
mx.minmax(mx.array([[3, 1], [2, 5]])), mx.minmax(mx.array([[3, 1], [2, 5]]), axis=0)
mx.cumulative_sum(mx.array([1, 2])), mx.ones((2, 3, 4)).mT.shape, mx.get_array_buffer_size(mx.zeros((1000,)))
