# Buffers, NumPy, pickles, DLPack, bfloat16, printing: programs as a test would have them.
import copy, gc, io, pickle, weakref, struct, ctypes, array as arrays
D = [mx.bool_, mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16, mx.int32, mx.int64, mx.float16,
        mx.bfloat16, mx.float32,
    mx.complex64]
for d in D:
    for a in (mx.array([[1, 0, 3], [4, 5, 6]]).astype(d), mx.array(1).astype(d), mx.ones((2, 1, 3), d)):
        m = memoryview(a)
        m.format, m.shape, m.strides, m.ndim, m.itemsize, m.nbytes, m.readonly, m.c_contiguous, m.f_contiguous
        m.contiguous
        m.tolist() if d != mx.bfloat16 and d != mx.complex64 else None
        m.tobytes()
        bytes(a)
        bytearray(a)
        np.asarray(a)
        np.array(a, copy=True), np.array(a).flags.writeable
        np.asarray(a).flags.writeable, np.asarray(a).flags.owndata
        np.array(a, dtype=np.float64)
        a.__array_namespace__() is mx
        a.__dlpack_device__()
        np.from_dlpack(a)
        mx.array(np.asarray(a)) if d != mx.bfloat16 else None
        p = pickle.loads(pickle.dumps(a))
        p, p.dtype, p.shape, mx.array_equal(p, a), p is a
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            mx.array_equal(pickle.loads(pickle.dumps(a, protocol)), a)
        copy.copy(a) is a, mx.array_equal(copy.copy(a), a), copy.deepcopy(a) is a
        mx.array_equal(copy.deepcopy([a, a])[1], a)
        weakref.ref(a)() is a
        a.T.shape, memoryview(a.T).shape, memoryview(a.T).strides, memoryview(a.T).c_contiguous
        np.array(a.T), np.array(a[..., ::-1] if a.ndim else a), np.array(a[:1] if a.ndim else a)
        memoryview(a[:, ::2]).strides if a.ndim == 2 else None
        str(a), repr(a), f"{a}", f"{a!r}", f"{a!s:>3}"
        f"{a:.2f}"
        f"{a.item():.2f}" if a.size == 1 else None
        a.tolist(), type(a.tolist())
        a.item() if a.size == 1 else None
        a.item()
        float(a)
        int(a)
        bool(a)
        complex(a)
        len(a)
        a.__index__() if hasattr(a, "__index__") else "no index"
        a.nbytes, a.itemsize, a.size
        mx.array(a), mx.array(a, mx.float32), mx.array(a) is a, mx.asarray(a) is a
        mx.asarray(a, dtype=mx.int32).dtype
        mx.asarray(a, copy=True) is a
        mx.asarray(a, copy=False) is a
for n in ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32",
        "float64", "complex64",
        "complex128", "U3", "S3", "O", "datetime64[D]", "longdouble", ">f4", ">i2"):
    for make in (mx.array, mx.asarray):
        b = np.array([[1, 0], [1, 1]]).astype(n)
        make(b)
        make(b.T), make(b[:, ::2]), make(b[0, 0]), make(b[:0])
        make(b, mx.float32) if make is mx.array else make(b, dtype=mx.float32)
        make(b, dtype=mx.int8)
        make([b, b])
        make([b[0], b[1].tolist()])
        make((b[0, 0], 1))
c = np.arange(6, dtype=np.float32).reshape(2, 3)
d = mx.array(c)
c[0, 0] = 100
d[0, 0].item()
d[0, 0] = 5
c[0, 0]
e = np.array(d, copy=False)
e[0, 1]
mx.asarray(c, copy=False)
mx.asarray(c, copy=None), mx.asarray(c), mx.asarray(c, copy=True), mx.asarray(c, mx.float16, copy=True).dtype
mx.asarray([1, 2]), mx.asarray([1.0, 2]), mx.asarray(3), mx.asarray(True), mx.asarray(1j), mx.asarray("x")
mx.asarray([1, 2], copy=False)
mx.asarray(bytes(4))
mx.asarray(bytearray(4)), mx.asarray(memoryview(bytearray(4))), mx.array(bytearray(b"abc"))
mx.array(arrays.array("f", [1, 2, 3])), mx.array(arrays.array("d", [1, 2])), mx.array(arrays.array("i", [1]))
mx.array(memoryview(arrays.array("h", [1, 2])))
mx.array(x for x in (1, 2))
mx.array({1, 2})
mx.array({"a": 1})
mx.array([[1, 2], [3]])
mx.array([[1, 2], 3])
mx.array([1, "x"])
mx.array([None])
mx.array(None)
mx.array()
mx.array([1, 2], "float32")
mx.array([1, 2], np.float32)
mx.array([1, 2], dtype=float)
mx.array([mx.array(1), mx.array(2.0)]), mx.array([mx.array([1, 2]), [3, 4]]), mx.array([mx.array(1), 2.5, True])
mx.array([mx.array([1, 2]), mx.array([3])])
mx.array([[mx.array(1), 2], [3, mx.array(4)]]), mx.array([[], []]).shape, mx.array([[[]]]).shape, mx.array([])
mx.array(())
mx.array([1, 2.0]), mx.array([1, True]), mx.array([True, 1j]), mx.array([1, 1j, 2.5]), mx.array([2**31])
mx.array([2**40, -1]), mx.array([-2**63])
mx.array([2**63]), mx.array(2**63), mx.array([2**64])
mx.array(2**31), mx.array(-2**31), mx.array(2**31, mx.int32), mx.array(300, mx.uint8), mx.array(-1, mx.uint32)
mx.array(1.9, mx.int32)
mx.array(float("nan"), mx.float16), mx.array(1e10, mx.float16), mx.array(1e39), mx.array([1e39, 1])
mx.array(1 + 2j, mx.float32)
mx.array(np.float64(1.5)), mx.array(np.int64(3)), mx.array(np.bool_(True)), mx.array(np.complex128(1j))
mx.array(np.float16(2)), mx.array([np.float64(1), 2])
class Like:
    def __init__(self, value):
        self.value = value
    def __mlx_array__(self):
        return self.value
mx.array(Like(mx.array([1, 2]))), mx.add(Like(mx.array([1, 2])), 1), mx.array([1, 2]) + Like(mx.array([1, 2]))
mx.sum(Like(mx.ones(3)))
mx.array(Like(3))
mx.array([1, 2]) + Like(3)
mx.array([Like(mx.array(1)), 2])
Like(mx.array(1)) + mx.array(2)
class Buffered:
    def __init__(self, a):
        self.a = a
    def __array__(self, dtype=None, copy=None):
        return self.a
mx.array(Buffered(np.ones(2, np.float32)))
mx.array([1.0, 2]) + Buffered(np.ones(2, np.float32))
class Held:
    def __init__(self, a):
        self.a = a
    def __dlpack__(self, **named):
        return self.a.__dlpack__(**named)
    def __dlpack_device__(self):
        return self.a.__dlpack_device__()
mx.array(Held(np.ones(2, np.float32)))
mx.from_dlpack(Held(np.arange(6).reshape(2, 3).T))
mx.from_dlpack(np.ones(3, np.float16)), mx.from_dlpack(np.ones(3, bool)), mx.from_dlpack(np.ones((), np.float32))
mx.from_dlpack(np.ones((0, 2), np.int8))
mx.from_dlpack(mx.ones(2)), mx.from_dlpack(mx.ones(2, mx.bfloat16))
mx.from_dlpack([1, 2])
mx.from_dlpack(3)
mx.ones(2).__dlpack__() is not None
mx.ones(2).__dlpack__(stream=None) is not None
mx.ones(2).__dlpack__(copy=True) is not None
mx.ones(2).__dlpack__(max_version=(1, 0)) is not None
mx.ones(2).__dlpack__(dl_device=(1, 0)) is not None
bf = mx.array([1.0, 2.5, -3.140625, 1e30, 1e-30, float("inf"), -float("inf"), float("nan"), 0.1, 65504.0,
        3.0e38]).astype(mx.bfloat16)
bf, str(bf), repr(bf), bf.tolist(), bf[2].item(), f"{bf[2].item()}", bf.astype(mx.float32), bf.astype(mx.float16)
bf.astype(mx.int32)[:3]
np.array(bf)
memoryview(bf).format
bf + bf, bf * 2, bf / 3, bf > 1, bf == bf, mx.sum(bf[:3]), mx.max(bf[:3]), mx.abs(bf), bf[:3] @ bf[:3]
mx.exp(bf[:3]), mx.sort(bf[:5])
(bf[:3] + mx.array(1, mx.float16)).dtype, (bf[:3] + mx.array([1.0])).dtype, (bf[:3] + 1).dtype
(bf[:3] + mx.array(1)).dtype, (bf[:3] * 1.5).dtype
mx.array([1, 2], mx.bfloat16), mx.array([0.1, 0.2, 0.3], dtype=mx.bfloat16), mx.arange(3, dtype=mx.bfloat16)
mx.linspace(0, 1, 3, dtype=mx.bfloat16)
mx.view(bf[:2], mx.uint16), mx.array([16256, 16384], mx.uint16).view(mx.bfloat16)
mx.finfo(mx.bfloat16), repr(mx.finfo(mx.bfloat16)), mx.finfo(mx.bfloat16).max, mx.finfo(mx.bfloat16).min
mx.finfo(mx.bfloat16).eps, mx.finfo(mx.bfloat16).dtype
mx.finfo(mx.float16).max, mx.finfo(mx.float32).eps, mx.finfo(mx.float64).max, mx.finfo(mx.complex64).max
mx.iinfo(mx.int8).min, mx.iinfo(mx.uint64).max
mx.finfo(mx.int32)
mx.iinfo(mx.float32)
mx.iinfo(mx.bool_)
repr(mx.iinfo(mx.int16)), mx.iinfo(mx.int16).dtype
for a in (mx.arange(2000), mx.arange(2000).reshape(40, 50), mx.zeros((3, 0)), mx.array(1e-7), mx.array([1e-7, 1]),
        mx.array([1e10, 1.5]), mx.array([1 + 2j, -0.5j]),
        mx.array([float("nan"), float("inf")]), mx.array(True), mx.array([[True], [False]]),
        mx.arange(27).reshape(3, 3, 3), mx.ones((1, 1, 1, 1)), mx.array([-0.0]),
        mx.array([123456789.0]), mx.array([0.1, 0.12345678]), mx.array([1.0, 2.0]), mx.array([100000.0,
        1000000.0]), mx.array(3.0), mx.array(-1, mx.int8), mx.zeros((2, 3, 1000))):
    str(a), repr(a), f"{a}"
with mx.printoptions(precision=2):
    str(mx.array([1.23456, 2])), repr(mx.array(3.14159)), str(mx.array([1 + 1.23456j]))
str(mx.array([1.23456, 2]))
mx.set_printoptions(precision=3)
str(mx.array([1.23456, 2])), mx.get_printoptions(), mx.get_printoptions().precision
mx.set_printoptions(precision=-1)
str(mx.array(1.25))
mx.set_printoptions("x")
mx.printoptions(threshold=3)
