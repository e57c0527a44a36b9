# The array class: construction, properties, conversion, printing, copies, iteration, comparison, protocols.
import copy
import pickle
import weakref
from itertools import product

names = [
    "bool_", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32",
    "float64", "complex64"
]
dtypes = [getattr(mx, name) for name in names]

# ---- Dtype objects
for d in dtypes:
    d.size, str(d), repr(d), d == d, hash(d) == hash(d), d in {d: 1}, type(d)
    isinstance(d, mx.Dtype), d == mx.float32, d != mx.int8, d == "float32", d is None
mx.float32 < mx.float16
[mx.bool_, mx.int32].index(mx.int32)
mx.bool_ in (mx.bool_,)
mx.bool
mx.half
mx.float
{mx.float32: 1, mx.int8: 2}[mx.int8]
mx.Dtype()
mx.Dtype
mx.float32.name
mx.float32.itemsize
for d in dtypes:
    [
        mx.issubdtype(d, c) for c in (mx.complexfloating, mx.floating, mx.inexact, mx.signedinteger, mx.unsignedinteger,
                                      mx.integer, mx.number, mx.generic)
    ]
    [mx.issubdtype(d, e) for e in dtypes]
    [mx.result_type(d, e) for e in dtypes]
    [mx.can_cast(d, e) for e in dtypes]
    [
        mx.isdtype(d, k) for k in ("bool", "signed integer", "unsigned integer", "integral", "real floating",
                                   "complex floating", "numeric")
    ]
    mx.isdtype(d, d), mx.isdtype(d, ("bool", mx.float32)), mx.isdtype(d, mx.float32)
    (mx.zeros((2,), d) + mx.zeros((2,), mx.int32)).dtype
mx.isdtype(mx.float32, "other")
mx.isdtype(mx.float32, 3)
mx.can_cast(mx.array(1), mx.float32)
mx.can_cast(1, mx.float32)
mx.result_type(mx.array(1), mx.float16)
mx.result_type(mx.array(1.0), mx.array(1))
mx.result_type(mx.float32)
mx.result_type()
mx.result_type(mx.int8, mx.uint8, mx.float16)
mx.result_type(1, mx.float16)
mx.issubdtype(mx.floating, mx.inexact)
mx.issubdtype(mx.inexact, mx.floating)
mx.issubdtype(mx.floating, mx.float32)
mx.issubdtype(mx.array(1).dtype, mx.integer)
mx.issubdtype(3, mx.integer)
mx.floating
repr(mx.generic)
str(mx.integer)
mx.floating == mx.floating
mx.floating == mx.inexact
hash(mx.floating) == hash(mx.floating)
type(mx.floating)
mx.floating.name
mx.floating.value

# ---- finfo, iinfo
for d in (mx.float16, mx.bfloat16, mx.float32, mx.float64, mx.complex64):
    i = mx.finfo(d)
    i.min, i.max, i.eps, i.dtype
    repr(i), str(i)
    i.smallest_normal
    i.bits
    i.tiny
for d in dtypes[1:9]:
    i = mx.iinfo(d)
    i.min, i.max, i.dtype, repr(i)
mx.finfo(mx.int32)
mx.iinfo(mx.float32)
mx.iinfo(mx.bool_)
mx.finfo("float32")
mx.finfo(mx.float32).min.__class__

# ---- construction
mx.array(1), mx.array(1).dtype, mx.array(1).shape, mx.array(1).ndim, mx.array(1).size
mx.array(True), mx.array(1.5), mx.array(1 + 2j), mx.array(-1)
mx.array(2**31), mx.array(2**31 - 1), mx.array(-(2**31)), mx.array(-(2**31) - 1), mx.array(2**62)
mx.array(float("nan")), mx.array(float("inf")), mx.array(-0.0)
mx.array([]), mx.array([]).dtype, mx.array([]).shape
mx.array([[]]), mx.array([[], []])
mx.array([[], []], mx.int32)
mx.array(())
mx.array([], mx.int8).dtype
mx.array([1, 2, 3]), mx.array([1, 2.0]), mx.array([1, True]), mx.array([True, False]), mx.array([1, 2j])
mx.array([True, 1.0])
mx.array([1, 2**40])
mx.array([2**40, 1.5])
mx.array((1, 2, 3)), mx.array(((1, 2), (3, 4))), mx.array([(1, 2), [3, 4]])
mx.array([[1, 2], [3]])
mx.array([[1, 2], 3])
mx.array([1, [2]])
mx.array([[[1], [2]], [[3], [4]]]).shape
mx.array("abc")
mx.array(None)
mx.array([None])
mx.array(["a"])
mx.array({})
mx.array({1, 2})
mx.array(object())
mx.array(range(4))
mx.array([range(3)])
mx.array(b"abc")
mx.array()
mx.array(1, 2)
mx.array(1, "float32")
mx.array(1, mx.float32, 3)
mx.array(val=1)
mx.array(val=[1, 2], dtype=mx.float16)
mx.array(1, dtype=None)
mx.array([mx.array(1), mx.array(2)]), mx.array([mx.array([1, 2]), mx.array([3, 4])]), mx.array([mx.array(1), 2])
mx.array([mx.array(1), 2.5])
mx.array([1, mx.array(2.5)])
mx.array([mx.array([1, 2]), [3, 4]])
mx.array([[mx.array(1), 2], [3, 4]])
mx.array([mx.array(1.0), mx.array(2)])
mx.array([mx.array(1, mx.float16), mx.array(2, mx.float16)])
mx.array([mx.array([1]), mx.array([1, 2])])
mx.array((mx.array(1), mx.array(2)))
mx.array([mx.array(1), mx.array(2)], mx.float16)
mx.array(mx.array([1, 2])), mx.array(mx.array([1, 2]), mx.float32)
for d, v in product(dtypes, [0, 1, -1, 3, 300, 1.7, True, False, 2j]):
    mx.array(v, d) if not (d == mx.bool_ and v == 2j) else None
mx.array(-1.5, mx.uint8)  # differs: casts of floats
mx.array(1e20, mx.int32)  # differs: casts of floats
mx.array(2j, mx.bool_)  # differs: complex numbers made into bool
for d in dtypes:
    mx.array([1, 2, 3], d), mx.array([1.5, 2.5], d), mx.array([True, False], d), mx.array([[1, 2], [3, 4]], d)
    mx.array([1 + 1j], d)
    mx.zeros((2, 3), d), mx.ones((2, 3), d), mx.full((2,), 1, d).shape
    mx.full((2,), 3.7, d) if mx.issubdtype(d, mx.floating) else None
    mx.full((2,), True, d)
    mx.array(1, d).itemsize, mx.zeros((3, 2), d).nbytes
mx.array(2**63)
mx.array([2**63])
mx.array(2**63, mx.uint64)
mx.array(2**64 - 1, mx.uint64)
mx.array([1, 2**63 - 1])
mx.array(-1, mx.uint8), mx.array(256, mx.uint8), mx.array([-1, 256], mx.uint8)

class Like:
    def __init__(self, a):
        self.a = a
    def __mlx_array__(self):
        return self.a

mx.array(Like(mx.array([1, 2])))
mx.array(Like(mx.array([1, 2])), mx.float32)
mx.array([Like(mx.array(1)), Like(mx.array(2))])
mx.array(Like(3))
mx.array(1) + Like(mx.array(2))
Like(mx.array(2)) + mx.array(1)
mx.add(Like(mx.array(2)), mx.array(1))
mx.abs(Like(mx.array(-2)))
mx.sum(Like(mx.array([1, 2])))
mx.stack([Like(mx.array([1, 2]))])
mx.asarray(Like(mx.array([1, 2])))
mx.array([1, 2])[Like(mx.array(1))]  # differs: NumPy arrays and objects

# ---- numpy in
for t in ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32",
          "float64", "complex64", "complex128"):
    n = np.array([[0, 1, 2], [3, 4, 5]]).astype(t)
    mx.array(n), mx.array(n.T), mx.array(n[:, ::2]), mx.array(n[0, 0]), mx.array(n[:0])
    mx.array(np.asfortranarray(n)), mx.array(n, mx.float32)
    mx.array([n]).shape
    mx.array([n[0, 0], n[0, 1]])
    mx.array([n[0], n[1]])
    mx.asarray(n)
    mx.asarray(n, dtype=mx.float32)
    mx.asarray(n, copy=True)
    mx.array(1.0) + n[0, 1] if not t.startswith('complex') else None
    mx.array([1, 2, 3]) + n
    mx.array(n.dtype.type(2)).dtype
n = np.array([1, 2, 3])
a = mx.array(n)
n[0] = 100
a
mx.array(np.array(["a"]))
mx.array(np.array([object()]))
pass  # mlx ends the process: mx.array(np.datetime64("2020-01-01"))
mx.array(np.zeros((2, 0, 3))).shape
mx.array(np.float32(1.5)), mx.array(np.int64(3)), mx.array(np.bool_(True)), mx.array(np.float64(1.5)).dtype
mx.asarray([1, 2]), mx.asarray(3.0), mx.asarray(mx.array([1])), mx.asarray([1, 2], dtype=mx.float16)
mx.asarray(mx.array([1, 2]), dtype=mx.float32)
x = mx.array([1, 2])
mx.asarray(x) is x
mx.asarray([1, 2], copy=True)
mx.asarray([1, 2], copy=False)
mx.asarray(np.array([1, 2]), copy=False)
mx.asarray(mx.array([1, 2]), copy=False)
mx.asarray(mx.array([1, 2]), mx.float32, copy=False)
mx.asarray(mx.array([1, 2]), copy=True)
mx.asarray(memoryview(b"abc"))
mx.array(memoryview(b"abc"))
mx.array(bytearray(b"abc"))
import array as arrays
mx.array(arrays.array("f", [1, 2])), mx.array(arrays.array("i", [1, 2])), mx.array(arrays.array("d", [1, 2]))
mx.array(arrays.array("q", [1, 2]))
mx.array(arrays.array("B", [1, 2])), mx.array(arrays.array("h", [1, 2]))

# ---- properties and methods
a = mx.array([[1, 2, 3], [4, 5, 6]])
a.shape, a.ndim, a.size, a.dtype, a.itemsize, a.nbytes, a.T, a.T.shape, len(a)
type(a.shape), type(a.shape[0])
a.real, a.imag
mx.array([1 + 2j]).real, mx.array([1 + 2j]).imag, mx.array([1 + 2j]).conj(), mx.array([1.0]).conj()
a.shape = (3, 2)
a.foo
a.foo = 1
del a.shape
len(mx.array(1))
len(mx.zeros((0, 3)))
a.tolist(), mx.array(1).tolist(), mx.array([[True]]).tolist(), mx.array([1.5], mx.bfloat16).tolist()
mx.array([1 + 2j]).tolist(), mx.array([]).tolist(), mx.zeros((2, 0)).tolist(), mx.zeros((0, 2)).tolist()
mx.array([1, 2], mx.float16).tolist(), mx.array([1, 255], mx.uint8).tolist(), mx.array([2**63], mx.uint64).tolist()
a.T.tolist(), a[:, ::2].tolist(), a[::-1].tolist(), mx.broadcast_to(a[0], (2, 3)).tolist()
for d in dtypes:
    type(mx.array(1, d).item()), mx.array(1, d).item(), type(mx.array([1], d).tolist()[0])
a.item()
mx.array([5]).item(), mx.array([[5.5]]).item()
mx.array([]).item()
a.astype(mx.float32), a.astype(mx.bool_), a.astype(mx.complex64)
a.astype("float32")
a.astype()
a.astype(dtype=mx.int8)
a.astype(mx.float32, stream=mx.cpu)
a.flatten(), a.flatten(0, 1), a.flatten(1), a.flatten(start_axis=0, end_axis=-1), mx.array(1).flatten()
mx.zeros((2, 3, 4)).flatten(1, 2).shape
a.reshape(3, 2), a.reshape((3, 2)), a.reshape([6]), a.reshape(-1), a.reshape(3, -1), a.reshape((1, 6, 1)).shape
a.reshape(4)
a.reshape(-1, -1)
a.reshape(4, -1)
a.reshape((3, 2), stream=mx.cpu)
a.reshape("a")
a.reshape(2.0, 3)
mx.zeros((0, 3)).reshape(-1, 3).shape
mx.zeros((0, 3)).reshape(0, -1)
a.squeeze(), mx.zeros((1, 2, 1)).squeeze().shape, mx.zeros((1, 2, 1)).squeeze(0).shape
mx.zeros((1, 2, 1)).squeeze([0, 2]).shape, mx.zeros((1, 2, 1)).squeeze(-1).shape
a.squeeze(0)
a.squeeze(5)
mx.zeros((1, 1)).squeeze((0, 0))
for m in ("abs", "square", "sqrt", "rsqrt", "reciprocal", "exp", "log", "log2", "log10", "sin", "cos", "log1p", "all",
          "any", "transpose", "sum", "prod", "min", "max", "logcumsumexp", "logsumexp", "mean", "std", "var", "argmin",
          "argmax", "cumsum", "cumprod", "cummax", "cummin", "round", "diagonal", "diag", "conj", "flatten", "squeeze"):
    for b in (a, a.astype(mx.float32), a.astype(mx.bool_), a.astype(mx.float16), a.astype(mx.complex64)):
        getattr(b, m)()
    getattr(a.astype(mx.float32), m)(3, 4, 5, 6)
    getattr(a.astype(mx.float32), m)(stream=mx.cpu)
    getattr(a.astype(mx.float32), m)(nonsense=1)
for m in ("sum", "prod", "min", "max", "mean", "std", "var", "all", "any", "logsumexp"):
    for axis in (0, 1, -1, -2, None, (0, 1), [0], (-1,), ()):
        getattr(a.astype(mx.float32), m)(axis)
        getattr(a, m)(axis=axis, keepdims=True)
    getattr(a, m)(2)
    getattr(a, m)((0, 0))
    getattr(a, m)(-3)
    getattr(a, m)(1.0)
    getattr(a, m)("x")
    getattr(a, m)(0, True)
for m in ("argmin", "argmax"):
    getattr(a, m)(0), getattr(a, m)(axis=1, keepdims=True), getattr(a, m)(keepdims=True), getattr(a, m)(-1)
    getattr(a, m)((0, 1))
for m in ("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"):
    for r, i in product((False, True), (False, True)):
        getattr(a.astype(mx.float32), m)(0, reverse=r, inclusive=i)
        getattr(a.astype(mx.float32), m)(axis=1, reverse=r, inclusive=i)
        getattr(a.astype(mx.float32), m)(reverse=r, inclusive=i)
        getattr(a, m)(axis=-1, reverse=r, inclusive=i)
a.std(ddof=1), a.var(ddof=1), a.var(0, ddof=2), a.var(axis=1, keepdims=True, ddof=0)
a.moveaxis(0, 1), a.swapaxes(0, 1), a.swapaxes(-1, -2), a.transpose(), a.transpose(1, 0), a.transpose((1, 0))
a.transpose([1, 0]), a.transpose(-1, 0)
a.transpose(0)
a.transpose(0, 0)
a.transpose(0, 2)
a.swapaxes(0, 2)
a.moveaxis(2, 0)
a.moveaxis([0], [1])
a.split(2), a.split(3, 1), a.split([1], axis=1), a.split([1, 2], 1), a.split(indices_or_sections=2)
a.split(4)
a.split(4, 1)
a.split([5], 1)
a.round(), mx.array([1.25, 2.35, -0.5, 2.5]).round(1), mx.array([1.5, 2.5, -0.5]).round()
mx.array([15, 25]).round(-1), mx.array([1.5]).round(decimals=0)
a.diagonal(), a.diagonal(1), a.diagonal(offset=-1, axis1=1, axis2=0), a[0].diag(), a.diag(), a.diag(k=1)
a.view(mx.float32).dtype, a.view(mx.int8).shape, a.view(mx.int64)
mx.array([1, 2]).view(mx.int64), mx.array(1).view(mx.float32), mx.array([1, 2, 3, 4], mx.uint8).view(mx.uint32)
mx.array(1).view(mx.int8)
mx.array([1.0]).view(mx.uint32), mx.array([1.0]).view(mx.int32)
a.view("int8")

# ---- conversions of one element
int(mx.array(3)), float(mx.array(3)), complex(mx.array(3)), bool(mx.array(3)), int(mx.array(3.7))
float(mx.array(2.5, mx.float16)), complex(mx.array(1 + 2j)), int(mx.array([3])), float(mx.array([[3]]))
int(mx.array(True)), float(mx.array(True)), bool(mx.array(0)), bool(mx.array([0.0])), bool(mx.array(1j))
int(a)
float(a)
bool(a)
complex(a)
bool(mx.array([]))
int(mx.array([]))
float(mx.array(1j))
int(mx.array(1j))
int(mx.array(-3.7)), int(mx.array(2**40)), int(mx.array(255, mx.uint8)), int(mx.array(2**63, mx.uint64))
[1, 2, 3][mx.array(1)]
list(range(10))[mx.array(1) : mx.array(3)]
range(mx.array(3))
hex(mx.array(10))
import operator
operator.index(mx.array(3))
operator.index(mx.array(3.0))
operator.index(mx.array([3]))
round(mx.array(3.7))
divmod(mx.array(7), mx.array(2))
divmod(7, mx.array(2))
abs(mx.array(-3)), -mx.array(3), ~mx.array(3), ~mx.array(True)
+mx.array(3)
+mx.array([1.5])
import math
math.sqrt(mx.array(4.0)), math.floor(mx.array(4.5))
math.ceil(mx.array(4.5))
math.trunc(mx.array(4.5))
f"{mx.array(3)}", f"{mx.array(3.14159):.2f}", f"{mx.array(3):d}", f"{mx.array(3):05d}", f"{mx.array([1, 2])}"
f"{mx.array(1.0)}", f"{mx.array(True)}"
f"{mx.array([1.5]):.2f}"
f"{mx.array([1, 2]):.2f}"
format(mx.array(1234.5), ",.1f"), "{:>8}".format(mx.array(3))
"%d %s %f" % (mx.array(3), mx.array(4), mx.array(5.0))
f"{mx.array(1 + 2j):.1f}"
f"{mx.array(3):x}"
f"{mx.array(2.5, mx.bfloat16):.1f}"
f"{mx.array(3)!r}"

# ---- printing
for b in (a, a[0], a[0, 0], a.astype(mx.float32), a.astype(mx.bool_), a.astype(mx.complex64), a.astype(mx.float16),
          a.astype(mx.bfloat16), a.astype(mx.float64), a.astype(mx.int64)):
    str(b), repr(b)
for v in (1e10, 1e-10, 1.0, 0.1, 123456.789, 1e5, 1e6, 1e7, float("nan"), float("inf"), -float("inf"), -0.0, 3.14159265,
          1 / 3, 1e38, 1e-40, 100000.5, 0.0001, 0.00001, 1234567.0):
    str(mx.array(v)), str(mx.array([v, 1.0])), repr(mx.array(v)), str(mx.array(v, mx.float64))
    str(mx.array(v, mx.float16)), str(mx.array(v, mx.bfloat16)), str(mx.array([v]).astype(mx.complex64))
str(mx.arange(1000)), str(mx.arange(1001)), str(mx.arange(10000).reshape(100, 100)), str(mx.zeros((7, 7, 7)))
str(mx.zeros((8, 8))), str(mx.zeros((20, 2))), str(mx.arange(7)), str(mx.arange(8).astype(mx.float32))
str(mx.arange(10)), str(mx.arange(100)), str(mx.zeros((3, 10, 3))), str(mx.zeros((10, 10, 10)))
str(mx.array([])), repr(mx.array([])), str(mx.zeros((2, 0))), str(mx.zeros((0, 2)))
str(mx.zeros((2, 0, 3), mx.int32)), repr(mx.zeros((0,), mx.bool_))
str(mx.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]])), str(mx.array([[[[1]]]])), str(mx.zeros((1, 1)))
str(mx.zeros((2, 1, 2)))
str(mx.array([1 + 2j, -1 - 2j, 0j, complex(0, -0.0)])), str(mx.array([True, False])), str(mx.array([-1, 10, 100]))
str(mx.array([1, 2, 3], mx.uint8)), repr(mx.array([1, 2, 3], mx.uint8)), str(mx.array([255, 1], mx.int8))
str([mx.array(1), mx.array([1.0, 2])])
str({"a": mx.array(1)})
mx.get_printoptions()
mx.set_printoptions(precision=2)
str(mx.array([3.14159, 2.0])), str(mx.array(3.14159)), str(mx.array([1 / 3 + 1j / 3]))
mx.get_printoptions().precision
mx.set_printoptions(precision=8)
str(mx.array([3.14159, 2.0, 1e10])), str(mx.array(1 / 3, mx.float64))
mx.set_printoptions(precision=0)
str(mx.array([3.14159, 2.0, 1e10]))
mx.set_printoptions(precision=-1)
mx.set_printoptions(precision=4)
mx.set_printoptions(threshold=3)
mx.set_printoptions(nonsense=1)
mx.set_printoptions()
str(mx.array([3.14159]))
with mx.printoptions(precision=1):
    str(mx.array([3.14159, 2.0]))
    mx.get_printoptions().precision
mx.get_printoptions().precision
str(mx.array([3.14159, 2.0]))
mx.PrintOptions
mx.PrintOptions(3)
mx.PrintOptions(precision=3).precision
mx.set_printoptions(precision=6)
mx.get_printoptions()
mx.set_printoptions(precision=4)

# ---- comparison, hash, identity, iteration
a == a, a != a, a == 1, a < 3, 3 < a, a >= mx.array([1, 5, 3]), a == [1], a == "x", a != "x"
a == None, a != None  # noqa: E711
a == (1, 2, 3), a == object()
a < "x"
a < None
a < [1, 2, 3]
hash(a) == hash(a)
isinstance(hash(a), int)
a in [a]
a is a
{a: 1}[a]
set([a, a]).__len__()
mx.array(1) in mx.array([1, 2])
1 in [mx.array(1), mx.array(2)]
mx.array(3) in [mx.array(1), mx.array(2)]
for row in a:
    row
list(a), [x.item() for x in a[0]], tuple(a), next(iter(a)), list(mx.zeros((0, 2)))
iter(mx.array(1))
list(mx.array(1))
type(iter(a)).__name__
x, y = a
x, y
x, y = mx.array([1, 2, 3])
first, *rest = mx.arange(4)
first, rest
list(zip(a, a)), list(enumerate(a)), list(map(lambda r: r.sum().item(), a))
sorted([3, 1, 2], key=lambda i: mx.array(i).item()), max(mx.array([3, 1, 2])), min(mx.array([3, 1, 2]))
sum(mx.array([1, 2, 3])), sorted(mx.array([3, 1, 2]))
any(mx.array([False, True])), all(mx.array([True, True]))
reversed(mx.array([1, 2]))
list(reversed(mx.array([1, 2])))
np.array(a), np.asarray(a), np.array(a, dtype=np.float32), np.array(a.T), np.array(mx.array(1))
np.array(mx.zeros((0, 2))), np.array(a, copy=True)
np.array(a.astype(mx.float16)), np.array(a.astype(mx.complex64)), np.array(a.astype(mx.bool_))
np.array(a.astype(mx.float64))
np.array(a.astype(mx.bfloat16))
np.asarray(a.astype(mx.bfloat16))
np.array([a[0], a[1]]), np.stack([a, a]), np.sum(a), np.add(a, 1), np.array(a) + a
type(np.array([1, 2, 3]) + a), type(a + np.array([1, 2, 3]))
np.array([1, 2, 3]) + a
a + np.array([1, 2, 3])
np.float32(2) * a
a * np.float32(2)
a * np.int64(2)
a.astype(mx.float16) * np.float32(2)
np.float64(2) * a.astype(mx.float16)
np.array(2.0) * a
np.exp(mx.array([0.0, 1.0]))
np.array_equal(a, np.array(a))
memoryview(a).shape, memoryview(a).format, memoryview(a).itemsize, memoryview(a).ndim, memoryview(a).strides
memoryview(a).readonly, memoryview(a).nbytes
memoryview(a.T).strides, memoryview(a[:, ::2]).strides
for d in dtypes:
    memoryview(mx.zeros((2, 3), d)).format
    memoryview(mx.zeros((2, 3), d)).contiguous
bytes(mx.array([1, 2], mx.uint8))
bytes(memoryview(mx.array([1, 2], mx.uint8)))
memoryview(mx.array(1)).shape
np.frombuffer(mx.array([1, 2]), dtype=np.int32)
b = mx.array([1, 2, 3])
n = np.array(b, copy=False)
n[0] = 50
b
m = memoryview(b)
m[0]
m[1] = 7
b
b[0] = 9
n
a.__array__(), a.__array__(np.float32)  # differs: `a.__array__(dtype)`
a.__array__(dtype=np.float64).dtype  # differs: `a.__array__(dtype)`
a.__array_namespace__() is mx
a.__array_namespace__(api_version=None) is mx
a.__array_namespace__("2021.12") is mx
a.__array_priority__
a.__dlpack_device__()
a.__dlpack__()
np.from_dlpack(a), np.from_dlpack(a.T), np.from_dlpack(a[:, ::2]), np.from_dlpack(mx.array(1.5))
np.from_dlpack(a.astype(mx.complex64)), np.from_dlpack(a.astype(mx.bool_))
mx.from_dlpack(np.array([1, 2, 3])), mx.from_dlpack(np.arange(6).reshape(2, 3).T)
mx.from_dlpack(np.array(1.5, np.float32)), mx.from_dlpack(a)
mx.from_dlpack(np.arange(6.0))  # differs: `from_dlpack`, and pickles, of float64
mx.from_dlpack(np.arange(6).reshape(2, 3)[:, ::2])
mx.from_dlpack(3)
mx.from_dlpack([1, 2])
mx.from_dlpack(np.zeros((0, 3), np.float32))
n = np.arange(3, dtype=np.float32)
z = mx.from_dlpack(n)
n[0] = 5
z
mx.from_dlpack(n, copy=True)
mx.from_dlpack(n, copy=False)
mx.from_dlpack(n, device=None)
copy.copy(a), copy.deepcopy(a), copy.copy(a) is a
c = copy.copy(a)
c[0, 0] = 100
a[0, 0], c[0, 0]
c = copy.deepcopy({"a": [a, a]})
c["a"][0] is c["a"][1]
for d in dtypes:
    x = mx.array([[0, 1], [2, 3]], d)
    y = pickle.loads(pickle.dumps(x))
    y, y.dtype == x.dtype  # differs: `from_dlpack`, and pickles, of float64
    x = x.astype(mx.float32) if d == mx.float64 else x
    pickle.loads(pickle.dumps(x.T)), pickle.loads(pickle.dumps(x[:, ::2])), pickle.loads(pickle.dumps(x[0, 0]))
    pickle.loads(pickle.dumps(x[:0]))
    for p in range(2, 6):
        pickle.loads(pickle.dumps(x, protocol=p))
pickle.loads(pickle.dumps({"a": a, "b": [a]}))
weakref.ref(a)() is a
w = weakref.ref(mx.array(1) + 1)
w()
type(a), type(a).__name__, type(a).__module__, mx.array.__name__, mx.array.__qualname__
isinstance(a, mx.array), issubclass(mx.array, object), isinstance(1, mx.array)
class Sub(mx.array):
    pass
Sub([1, 2])
type(Sub([1, 2]) + 1)
class Sub2(mx.array):
    def __init__(self, v):
        super().__init__(v)
        self.extra = 1
Sub2([1, 2]).extra
mx.array.__doc__ is not None, mx.add.__doc__ is not None, mx.add.__name__
mx.newaxis, mx.pi, mx.e, mx.inf, mx.nan, mx.euler_gamma
mx.nope
mx.full((2,), 3.7, mx.int32)  # differs: `full` of an array or number
