# Arrays of other packages: NumPy in every operator and function, PyTorch through DLPack and array(), buffers,
# ml_dtypes where they are; copies, dtypes, strides, errors.
import array as arrays
import itertools

rng = np.random.default_rng(23)
names = ["bool_", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16",
    "float32", "complex64"]
dtypes = [getattr(mx, name) for name in names]

# ---- NumPy beside arrays
kinds = ("bool", "uint8", "int8", "uint16", "int32", "int64", "uint64", "float16", "float32", "float64", "complex64",
    "complex128")
for d, t in itertools.product(dtypes, kinds):
    a, n = mx.array([0, 1, 2]).astype(d), np.array([1, 1, 0]).astype(t)
    (a + n).dtype, (n + a).dtype, type(n + a).__name__
    (a * n).dtype, (a == n).dtype, (a < n).dtype if "complex" not in t and d != mx.complex64 else 0
    mx.add(a, n).dtype
    mx.where(a > 0, a, n).dtype if d != mx.complex64 and "complex" not in t else 0
    t == "complex128" or (a + n[0]).dtype, t == "complex128" or (n[0] + a).dtype
    type(n[0] + a).__name__ if t != "complex128" else 0
    mx.maximum(a, n[1]).dtype if "complex" not in t else 0
    mx.array([n[0], n[1]]).dtype
    mx.full((2,), n[0]).dtype, mx.full((2,), n[:2]).dtype
for t in kinds:
    n = np.array([[1, 0, 2], [0, 1, 1]]).astype(t)
    a = mx.array(n)
    a, a.dtype, np.array(a).dtype, np.array_equal(np.array(a), n)
    mx.array(n, dtype=mx.float32), mx.array(n, mx.int8), mx.array(n, mx.bool_), mx.asarray(n).dtype
    mx.asarray(n, mx.float16).dtype
    mx.array(n.T), mx.array(n[:, None]), mx.array(np.broadcast_to(n[0], (2, 3))), mx.array(n[0, 0]), mx.array(n[:0])
    mx.array(np.ascontiguousarray(n.T))
    mx.array([n, n])
    mx.array(n.tolist()).dtype, mx.array(n.item(0)).dtype
    mx.sum(mx.array(n)), mx.stack([mx.array(n)]), mx.concatenate([mx.array(n), mx.array(n)])
    b = mx.zeros((2, 3), a.dtype)
    b[:] = n
    b
    b[0] = n[1]
    b
    b[0, 0] = n[0, 2]
    b
    b.at[1].add(mx.array(n[0]))
    np.asarray(a), np.asarray(a).flags.writeable, np.array(a, copy=True).flags.owndata
    np.array(a.T), np.array(a[:, ::-1]), np.array(a[1]), np.array(a[0, 0])
    np.testing.assert_array_equal(a, n)
for t in ("float64", "int64"):
    n = np.arange(6).astype(t).reshape(2, 3)
    mx.array(n).dtype, mx.array(n, mx.float64).dtype if t == "float64" else 0, mx.array([n]).dtype
    mx.array(list(n)).dtype
mx.array(np.datetime64("2020", "s").astype(np.int64))
mx.array(np.array([1, 2], dtype=">i4"))
mx.array(np.array([(1, 2)], dtype=[("a", "i4"), ("b", "i4")]))
mx.array(np.array(["ab"]))
mx.array(np.array([None]))
mx.array(np.ma.array([1, 2])), mx.array(np.array([[1, 2]]).view()), mx.array(memoryview(np.arange(4)))
mx.array(memoryview(np.arange(4.0, dtype=np.float32).reshape(2, 2)))
np.add(mx.array([1.0]), 1), np.sqrt(mx.array([4.0])), np.concatenate([mx.array([1]), np.array([2])])
np.sum(mx.array([1, 2])), np.dot(mx.array([1.0, 2.0]), np.array([1.0, 2.0])), np.allclose(mx.array([1.0]), [1.0])
np.shape(mx.ones((2, 3))), np.ndim(mx.ones((2, 3))), np.size(mx.ones((2, 3)))
np.zeros(3)[mx.array([0, 1])], np.arange(5)[mx.array(2)], np.arange(3) + mx.arange(3)
np.arange(3) @ np.array(mx.arange(3))
x = np.arange(3)
x += np.array(mx.array([1, 1, 1]))
x
x[:] = mx.array([7, 8, 9])
x
mx.array([1.0, 2.0]) @ np.array([[1.0], [2.0]], np.float32), np.array([[1.0, 2.0]], np.float32) @ mx.array([1.0, 2.0])
mx.array([1, 2]) == np.array([1, 3]), np.array([1, 2]) == mx.array([1, 3]), mx.array([1, 2]) != np.array([1, 3])
mx.array([1, 2]) + np.array([1, 2, 3])
mx.array([1, 2])[np.int64(1)], mx.array([[1, 2]])[0, np.int32(1)], mx.zeros((np.int64(2), np.int32(3))).shape
mx.reshape(mx.arange(6), (np.int64(2), 3)).shape, mx.sum(mx.ones((2, 3)), axis=np.int64(0)), mx.arange(np.int64(3))
mx.arange(np.float32(3)), mx.full((2,), np.float64(2.5)), mx.eye(np.int64(2)), mx.repeat(mx.array([1]), np.int64(2))
mx.split(mx.arange(4), np.int64(2))[0], mx.roll(mx.arange(3), np.int64(1)), mx.tile(mx.arange(2), np.int64(2)).shape
mx.random.uniform(shape=(np.int64(2),)).shape, mx.linspace(0, np.float64(1), np.int64(3))
mx.expand_dims(mx.arange(2), np.int64(0)).shape
mx.clip(mx.arange(4), np.int64(1), np.float32(2)), mx.power(mx.arange(3), np.int32(2))
mx.pad(mx.arange(2), (np.int64(1), 1)), mx.where(np.True_, 1, 2), mx.array(np.bool_(True)) & True

# ---- DLPack
for t in ("bool", "uint8", "int8", "uint16", "int32", "int64", "uint64", "float16", "float32", "complex64"):
    n = np.array([[1, 0, 2], [0, 1, 1]]).astype(t)
    for m in (n, n.T, n[:, ::2], n[0], n[:0], n[1, 2:]):
        mx.from_dlpack(m), np.from_dlpack(mx.array(m))
        np.array_equal(np.from_dlpack(mx.array(m)), m)
    np.from_dlpack(mx.array(n)[::-1]), np.from_dlpack(mx.array(n)[:, 1:]), np.from_dlpack(mx.array(n)[0, 0])
    np.from_dlpack(mx.broadcast_to(mx.array(n[0]), (2, 3)))
a = mx.array([1.0, 2.0])
a.__dlpack_device__(), type(a.__dlpack__()).__name__
a.__dlpack__(stream=None) is not None
a.__dlpack__(max_version=(1, 0)) is not None
a.__dlpack__(copy=True) is not None
a.__dlpack__(dl_device=(1, 0)) is not None
n = np.from_dlpack(a)
n
b = mx.from_dlpack(a)
b is a, b
c = np.arange(3.0, dtype=np.float32)
z = mx.from_dlpack(c)
c[0] = 9
z
del c
z + 1
mx.from_dlpack(object())
mx.from_dlpack(a.__dlpack__())
mx.from_dlpack(mx.array([1.0], mx.bfloat16))
np.from_dlpack(mx.array([1.0], mx.bfloat16))

# ---- PyTorch
try:
    import torch
except ImportError:
    torch = None
if torch is not None:
    for t in (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.float32,
            torch.complex64, torch.bfloat16):
        p = torch.tensor([[1, 0, 2], [0, 1, 1]]).to(t)
        for q in (p, p.T, p[:, ::2], p[0], p[1, 1]):
            show(mx.array(q), mx.array(q).dtype, mx.from_dlpack(q), mx.asarray(q).dtype)
            show(torch.from_dlpack(mx.from_dlpack(q)).dtype == t)
        show(mx.array(p, mx.float32))
    p = torch.tensor([1.0, 2.0], dtype=torch.float64)
    show(mx.array(p).dtype)
    for d in dtypes:
        a = mx.array([[0, 1, 2], [3, 4, 5]]).astype(d)
        show(str(torch.from_dlpack(a).dtype),
            torch.from_dlpack(a).float().numpy() if d != mx.complex64 and d not in (mx.uint16, mx.uint32, mx.uint64) else 0)
        show(torch.from_dlpack(a.T).shape == (3, 2), torch.from_dlpack(a[:, ::2]).stride(),
            torch.from_dlpack(a[0, 0]).shape == ())
    show(torch.tensor(np.array(mx.array([1.0, 2.0]))).sum().item(), torch.as_tensor(np.array(mx.arange(3))).tolist(),
        torch.from_numpy(np.array(mx.ones(2))).tolist())
    q = torch.arange(3, dtype=torch.float32)
    r = mx.from_dlpack(q)
    q[0] = 5
    show(r)
    p = torch.tensor([1.0], requires_grad=True)
    show(mx.array(p.detach()))
    mx.array(torch.zeros((0, 3))).shape, mx.array(torch.tensor(3)), mx.array(torch.nn.Parameter(torch.ones(2)).detach())
    mx.array([1.0]) + torch.tensor([1.0])
    mx.add(mx.array([1.0]), torch.tensor([1.0]))
    torch.tensor([1.0]) + np.array(mx.array([1.0]))

# ---- buffers
for code in "bBhHiIlLqQfd":
    mx.array(arrays.array(code, [1, 2, 3])), mx.array(arrays.array(code, [1, 2, 3])).dtype
mx.array(b"ab"), mx.array(bytearray(b"ab"))
mx.array(memoryview(bytearray(b"abcd")).cast("h")), mx.array(memoryview(bytearray(8)).cast("f"))
mx.array(memoryview(bytearray(8)).cast("B", (2, 4)))
m = memoryview(mx.arange(6).reshape(2, 3))
m.tolist(), m.shape, m.strides, m.format, m.c_contiguous, m.readonly, m[1, 2]
memoryview(mx.arange(6).reshape(2, 3).T).tolist()
bytes(mx.arange(3)), bytearray(mx.array([1, 2], mx.uint8)), len(bytes(mx.ones((2, 2))))
io = __import__("io").BytesIO()
io.write(mx.arange(3))
io.getvalue()
struct = __import__("struct")
struct.unpack("3i", mx.arange(3))

# ---- docs/differences.md
mx.array(np.arange(4)[::-1])  # differs: `mx.array`, `asarray` and `from_dlpack` of NumPy arrays with negative strides
mx.array([1.0]) + np.complex128(1j)  # differs: a `np.complex128` beside a real array
np.from_dlpack(mx.array([1.0])).flags.writeable  # differs: NumPy arrays by `np.from_dlpack`
