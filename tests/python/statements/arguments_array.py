# The array class with arguments of every kind.
import pickle, copy, operator, weakref, sys, io
a = mx.array([[1, 2, 3], [4, 5, 6]])
len(a), list(a), [x.shape for x in a], a in [a]
len(mx.array(1))
iter(mx.array(1))
list(mx.array(3))
1 in mx.array([1, 2])
mx.array(5) in mx.array([1, 2])
a.tolist(), a[0].tolist(), mx.array(3).tolist(), mx.array([]).tolist(), mx.zeros((0, 3)).tolist()
mx.zeros((3, 0)).tolist()
mx.array([1.5], mx.bfloat16).tolist(), mx.array([1.5], mx.float16).tolist(), mx.array([1 + 2j]).tolist()
mx.array([True]).tolist()
mx.array([2**40]).tolist(), mx.array([2**64 - 1], mx.uint64).tolist()
a.item()
mx.array([1]).item(), mx.array([[1.5]]).item()
mx.array([]).item()
int(mx.array(2.7)), float(mx.array(2)), complex(mx.array(2)), bool(mx.array(0)), bool(mx.array([1]))
bool(a)
int(a)
float(mx.array([1, 2]))
bool(mx.array([]))
complex(mx.array([1+2j]))
int(mx.array([3]))
operator.index(mx.array(3))
operator.index(mx.array(3.0))
[1, 2, 3][mx.array(1)]
range(mx.array(3))
round(mx.array(2.5))
round(mx.array(2.567), 2)
abs(mx.array(-3)), -mx.array(3), +mx.array(3)
~mx.array(3), ~mx.array(True), ~mx.array([1.0])
-mx.array(True)
-mx.array([1], mx.uint8)
abs(mx.array([-1, 1], mx.int8)), abs(mx.array([1], mx.uint8)), abs(mx.array(3 + 4j)), abs(mx.array(True))
divmod(mx.array([7, -7]), 2)
divmod(7, mx.array([2]))
pow(mx.array(2), 3), pow(2, mx.array(3))
pow(mx.array(2), 3, 5)
mx.array(2) ** -1
mx.array(2) ** mx.array(-1)
mx.array(2.0) ** -1
mx.array([1, 2]) @ mx.array([3, 4])
mx.array([1, 2]) @ [3, 4]
[3, 4] @ mx.array([1, 2])
mx.array(1) @ mx.array(2)
2 @ mx.array(2)
mx.array(2) @ 2
a @ a
a @ a.T
a.T @ a
a << 1, a >> 1, a & 1, a | 8, a ^ 3
1 << a
1 & a
1 | a
1 ^ a
a & 1.5
a & True, (a > 2) & (a < 5), (a > 2) | True, (a > 2) ^ True
a << 1.0
a and 1
a == "x", a != "x", a == None, a != None, a == [1]
a < "x"
a > None
a <= [1, 2, 3]
a == object()
a == np.array([1, 2, 3])
np.array([1, 2, 3]) == mx.array([1, 2, 3])
a + np.array([1.5, 2, 3])
np.array([1, 2, 3]) + mx.array([1, 2, 3])
type(np.array([1, 2, 3]) + mx.array([1, 2, 3])), type(np.float32(1) + mx.array([1, 2, 3]))
type(mx.array([1, 2, 3]) + np.float32(1))
np.float64(2) * mx.array([1, 2, 3])
mx.array([1, 2, 3]) * np.float64(2)
mx.array([1, 2, 3]) * np.float32(2.5)
mx.array([1, 2, 3]) * np.int64(2)
mx.array([1, 2, 3], mx.int8) * np.int64(2)
mx.array([1, 2, 3], mx.float16) * np.float64(2)
mx.array([1, 2, 3], mx.float16) * np.int32(2)
mx.array(1.0) + np.array(2, np.int64)
mx.array([1, 2, 3]) * np.bool_(True)
a + "x"
a + None
a + [1, 2, 3]
[1, 2, 3] + a
a - (1, 2, 3)
a * {}
"x" * a
b = mx.array([1, 2, 3]); c = b; c += 1
b, c is b
b -= 1; b *= 3; b //= 2
b
b /= 2
b
b **= 2
b
b %= 3
b
b @= mx.array([1.0, 2.0, 3.0])
b
b = mx.array([6, 5]); b &= 3
b
b |= 8; b ^= 1; b <<= 2; b >>= 1
b
b += 1.5
b
b = mx.array([1, 2], mx.int8); b += 1000
b += 2.5
b, b.dtype
b = mx.array([1, 2]); b += mx.array([[1], [2]])
b
b = mx.array([1, 2]); b += mx.array([1j, 2])
b
b = mx.array([True, False]); b += True
b
b = mx.array([1, 2]); b += "x"
b = mx.array([1, 2]); b &= 1.5
b = mx.array([1.0, 2]); b &= 1
b = mx.array([1, 2]); b /= 0
b
mx.array([1, 2]) // 0.0, mx.array([1, 2]) % 3, mx.array([-1, 2.5]) % 3, mx.array([-5, 5]) // 3, mx.array([-5, 5]) % -3
5 % mx.array([3, -3]), 5 // mx.array([3, -3]), 5 / mx.array([3, -3]), 5 - mx.array([3, -3]), 5 ** mx.array([3, 3])
5.5 % mx.array([3, -3]), 2.5 // mx.array([2, -2])
a.T, a.T.T, a.ndim, a.size, a.itemsize, a.nbytes, a.shape, a.dtype, type(a.shape), a.strides
a.foo
a.T = 1
a.shape = (3, 2)
a.dtype = mx.float32
a.foo = 3
a.real, a.imag, mx.array(1 + 2j).real, mx.array(1 + 2j).imag
a.flat
a.data
a.copy()
a.fill(3)
hash(a) == hash(a), hash(a) == id(a), {a: 1}[a]
hash(a) == hash(copy.copy(a))
weakref.ref(a)() is a
copy.copy(a), copy.deepcopy(a), copy.copy(a) is a, copy.deepcopy([a, a])[0] is a
d = copy.deepcopy([a, a])
d[0] is d[1]
pickle.loads(pickle.dumps(a)), pickle.loads(pickle.dumps(mx.array(1.5, mx.bfloat16)))
pickle.loads(pickle.dumps(mx.zeros((0, 2))))
pickle.loads(pickle.dumps({"a": a, "b": [mx.array(1)]}))
for p in range(pickle.HIGHEST_PROTOCOL + 1):
    pickle.loads(pickle.dumps(a[:, ::2], p))
pickle.dumps(mx.default_stream(mx.cpu))
f"{mx.array(1.23456):.2f}", f"{mx.array(3):5d}", f"{a}", f"{mx.array([1.5])}", format(a, ""), f"{mx.array(3):>4}"
f"{a:.2f}"
f"{mx.array(True)}", f"{mx.array(1+2j):.1f}", f"{mx.array(1+2j)}"
"%d" % mx.array(3), "%.1f" % mx.array(2.5), "%s" % mx.array(2.5)
"%d" % a
str(a), repr(a), str(mx.array([])), repr(mx.zeros((0, 3))), repr(mx.array(True)), repr(mx.array(1 + 2j))
repr(mx.array([1.0, 1e10])), repr(mx.array([1e-10, 1.0]))
repr(mx.array([float("nan"), float("inf"), -float("inf")])), repr(mx.array([-0.0]))
repr(mx.array([1.5, 2.25], mx.float16)), repr(mx.array([1.5, 2.25], mx.bfloat16))
repr(mx.arange(100)), repr(mx.zeros((100, 100))), repr(mx.zeros((5, 4, 3))), repr(mx.zeros((7, 8, 7)))
repr(mx.array([[1, 2], [3, 4]], mx.uint8)), repr(mx.array([100, 1], mx.int8)), repr(mx.array([-100, 1], mx.int64))
repr(mx.array([2**63], mx.uint64))
repr(mx.array([1.23456789, 123456.789, 0.0001])), repr(mx.array([123456789.0])), repr(mx.array([1e38, 1e-38]))
repr(mx.array(3.0)), repr(mx.array(1/3, mx.float64))
repr(mx.array([True, False])), repr(mx.array([[True], [False]])), repr(mx.array([1+2j, 3-4j])), repr(mx.array([[[]]]))
repr(mx.array([[1.0]]))
memoryview(a).shape, memoryview(a).format, memoryview(a).strides, memoryview(a).tolist(), memoryview(a).readonly
memoryview(a).contiguous, memoryview(a).nbytes
memoryview(a.T).strides, memoryview(a[:, ::2]).tolist(), memoryview(mx.array(3)).tolist()
memoryview(mx.zeros((0,))).tolist()
[memoryview(mx.zeros(2, t)).format for t in (mx.bool_, mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16,
    mx.int32, mx.int64, mx.float16, mx.float32, mx.float64, mx.complex64)]
memoryview(mx.zeros(2, mx.bfloat16)).format
memoryview(mx.zeros(2, mx.bfloat16)).itemsize
np.array(mx.zeros(2, mx.bfloat16))
np.asarray(mx.zeros(2, mx.bfloat16))
np.array(a), np.asarray(a), np.array(a, dtype=np.float64), np.array(a, copy=True), np.asarray(a[0]), np.array(a.T)
np.array(mx.array(2)), np.array([mx.array(1), mx.array(2)])
np.array([a, a])
np.array(a, copy=False).shape
np.sum(a)
np.sin(mx.array([1.0]))
np.add(a, a)
np.concatenate([a, a])
np.from_dlpack(a)
np.from_dlpack(mx.array([1.5], mx.bfloat16))
bytes(a[0]), bytearray(mx.array([1], mx.uint8)), bytes(mx.array(7, mx.uint8))
io.BytesIO().write(a)
sys.getsizeof(a) > 0
import array as pyarray
mx.array(pyarray.array("i", [1, 2])), mx.array(pyarray.array("d", [1, 2])), mx.array(pyarray.array("b", [1, 2]))
mx.array(pyarray.array("f", [1, 2]))
mx.array(memoryview(b"abc")), mx.array(bytearray(b"abc"))
mx.array(memoryview(pyarray.array("i", [1, 2, 3]))[::2])
mx.array(np.arange(6).reshape(2, 3).T), mx.array(np.arange(6)[::2]), mx.array(np.array(3)), mx.array(np.zeros((0, 2)))
mx.array(np.array([1], ">i4"))
mx.array(np.array(["a"]))
mx.array(np.array([None]))
mx.array(np.array([1, 2], object))
mx.array(np.array(["2020-01-01"], "datetime64[D]"))
mx.array(np.float32(1)), mx.array(np.float64(1)), mx.array(np.int8(1)), mx.array(np.int64(1)), mx.array(np.bool_(True))
mx.array(np.complex64(1j)), mx.array(np.uint64(2**63)), mx.array(np.float16(1))
mx.array([np.float32(1)]), mx.array([np.int64(1)]), mx.array([np.float64(1), 2]), mx.array([np.bool_(True)])
mx.array([np.int8(1), 1.5])
mx.array([np.array([1, 2]), np.array([3, 4])])
mx.array([np.array([1.0, 2]), [3, 4]])
mx.array(np.ones((2, 2), np.longdouble))
mx.array(np.array([1], np.complex128)), mx.array(np.array([1], np.float64)), mx.array(np.array([1], np.int64))
mx.array(np.array([1.5], np.float64), mx.float64), mx.array(np.array([1], np.uint16))
mx.array(np.array([1.9, -1.9]), mx.int32), mx.array(np.array([3, 0]), mx.bool_), mx.array(np.array([1, 2]), mx.bfloat16)
mx.array(np.array([1, 2]), mx.complex64)
mx.array(x for x in range(3))
mx.array([x for x in "ab"])
mx.array([[1], [2, 3]])
mx.array([[[1]], [2]])
mx.array([1, "a"])
mx.array([1, None])
mx.array([[], [1]])
mx.array([[[], []], [[], []]]).shape
mx.array([True, 2, 3.5, 4j])
mx.array([(1, 2), [3, 4]])
mx.array([mx.array([1, 2]), mx.array([3])])
mx.array([mx.array([1, 2]), 3])
mx.array([a, a]).shape, mx.array([[a], [a]]).shape, mx.array([[mx.array(1), mx.array(2)], [mx.array(3), mx.array(4)]])
mx.array([mx.array(1), mx.array(2.5)]), mx.array([mx.array(1), 2j]), mx.array([mx.array(True), True])
mx.array([mx.array(1), mx.array([2])])
a.view(mx.float32), a.view(mx.int16).shape, a.view(mx.uint8).shape, a.astype(mx.int8).view(mx.int16)
mx.zeros((2, 4), mx.uint8).view(mx.int32), mx.zeros((4,), mx.uint8).view(mx.uint64)
mx.array(1).view(mx.int16)
mx.array(1).view(mx.float32)
a.view("float32")
a.view(dtype=mx.float32)
a.astype(mx.float16).dtype, a.astype(dtype=mx.int8).dtype, a.astype(mx.bool_), a.astype(mx.complex64)
a.astype(int)
a.astype("int32")
a.astype(np.float32)
a.astype()
a.astype(None)
a.conj(), mx.array(1+2j).conj(), a.diagonal(), a.diag(), mx.array([1, 2]).diag(), a.split(3, axis=1), a.split(2)
a.split([1], 1)
a.split(0)
a.split(4)
a.split(3)
a.split([])
a.split([5])
a.squeeze(), a[None].squeeze(0).shape, a[None, :, None].squeeze().shape, a[None].squeeze(axis=(0,)).shape
a.squeeze(0)
a.squeeze(5)
a[None, None].squeeze((0, 0))
a.reshape(3, 2), a.reshape(-1), a.reshape((6,)), a.reshape([2, -1]), a.reshape(2, 1, 3).shape, a.reshape(-1, 1).shape
a.reshape(-1, -1)
a.reshape(4)
a.reshape(2.0, 3)
a.reshape("x")
a.reshape(shape=(3, 2))
a.reshape(-2, 3)
mx.zeros((0, 3)).reshape(0, -1)
mx.zeros((0, 3)).reshape(-1)
mx.zeros((0,)).reshape(0, 5).shape
mx.array(3).reshape(1, 1), mx.array([3]).reshape(()), mx.array([3]).reshape([])
a.flatten(), a.flatten(0), a.flatten(1), a.flatten(0, -1), a.flatten(-1, -1), mx.array(3).flatten()
a[None].flatten(1, 2).shape
a.flatten(1, 0)
a.flatten(2)
a.flatten(0, 5)
a.flatten(-3)
a.flatten(start_axis=0, end_axis=1)
a.transpose(), a.transpose(1, 0), a.transpose((1, 0)), a.transpose([0, 1]), a.transpose(-1, 0), a.swapaxes(0, 1)
a.moveaxis(0, 1)
a.transpose(0)
a.transpose(0, 0)
a.transpose(0, 2)
a.transpose(0, 1, 2)
a.transpose(axes=(1, 0))
a.swapaxes(0, 2)
a.moveaxis(0, 5)
a.moveaxis((0, 1), (1, 0))
a.sum(), a.sum(0), a.sum(axis=1, keepdims=True), a.sum((0, 1)), a.sum([0]), a.sum(-1), a.mean(), a.prod(), a.min(1)
a.max(0), a.var(), a.std(ddof=1), a.all(), a.any(1), a.argmax(), a.argmin(1), a.argmax(axis=0, keepdims=True)
a.sum(2)
a.sum((0, 0))
a.sum(-3)
a.sum("x")
a.sum(1.0)
a.sum(axis=(0, 5))
a.sum(True)
a.cumsum(), a.cumsum(0), a.cumsum(axis=1, reverse=True), a.cumsum(1, inclusive=False), a.cumprod(1), a.cummax(1)
a.cummin(1), a.logcumsumexp(1), a.logsumexp(), a.logsumexp(1)
a.cumsum(2)
a.round(), mx.array([1.234]).round(2), mx.array([1.234]).round(decimals=1), mx.array([15]).round(-1)
mx.array([1.5+2.5j]).round()
a.exp(), a.log(), a.log2(), a.log10(), a.log1p(), a.sin(), a.cos(), a.sqrt(), a.rsqrt(), a.square(), a.abs()
a.reciprocal()
a.tanh()
a.sigmoid()
a.clip(0, 1)
a.__array_namespace__().__name__ if 0 else 1
a.__array_namespace__() is mx
a.__array_priority__
a.__array__().dtype, a.__array__(np.int32).dtype
a.__dlpack_device__(), type(a.__dlpack__()).__name__
a.__iter__().__class__.__name__
next(iter(a))
i = iter(a)
next(i), next(i)
next(i)
next(i)
reversed(a)
list(reversed(a))
mx.array.__name__, mx.array.__module__, type(a), isinstance(a, mx.array), issubclass(mx.array, object)
class Sub(mx.array):
    pass
Sub(3)
