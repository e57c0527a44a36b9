# Methods beside functions: the same arguments, by place and by name.
import itertools
D = [mx.bool_, mx.uint8, mx.int16, mx.int32, mx.uint32, mx.int64, mx.float16, mx.bfloat16, mx.float32, mx.complex64]
base = mx.array([[3, 1, 2], [6, 5, 4]])
names = """
abs square sqrt rsqrt reciprocal exp log log2 log10 sin cos log1p all any sum prod min max mean std var argmin argmax
 cumsum cumprod cummax cummin logsumexp logcumsumexp round diagonal diag conj transpose squeeze flatten moveaxis
swapaxes reshape split astype view item tolist""".split()
args = [(), (0,), (1,), (-1,), (-2,), (2,), (None,), ((0, 1),), ([0, 1],), (0, 1), (1, 0), (0, True), (1, False),
        (mx.float32,),
    (mx.int8,), ("x",), (1.0,), (True,), ((3, 2),), (3, 2), (-1, 2), ((),), ([],), (6,), (0, 0), (3,),
    (np.int32(1),), (mx.array(1),)]
for name, dtype in itertools.product(names, (mx.float32, mx.int32, mx.bool_, mx.complex64)):
    a = base.astype(dtype)
    if name == "logsumexp" and dtype != mx.float32:
        continue
    for one in args:
        if dtype == mx.float32 or one in ((), (0,), (-1,)):
            getattr(a, name)(*one) if name != "reshape" or one else None
            getattr(mx, name)(a, *one) if hasattr(mx, name) else None
for name in names:
    for named in ({"axis": 0}, {"axis": -1, "keepdims": True}, {"axes": (1, 0)}, {"dtype": mx.float16},
            {"stream": mx.cpu},
            {"keepdims": True}, {"axis": None}, {"axis": (0,)}, {"ddof": 1}, {"decimals": 1}, {"reverse": True,
            "axis": 0},
            {"inclusive": False, "axis": 1}, {"start_axis": 0, "end_axis": 1}, {"k": 1}, {"offset": 1},
            {"axis1": 0, "axis2": 1},
            {"source": 0, "destination": 1}, {"shape": (3, 2)}, {"indices_or_sections": 3, "axis": 1}, {"a": 1},
            {"axis": "x"}):
        getattr(base, name)(**named) if name != "reshape" or "shape" in named else None
        getattr(mx, name)(base, **named) if hasattr(mx, name) else None
x = base.astype(mx.float32)
def result(op, v):
    r = getattr(base.astype(d), op)(v)
    return r.dtype if isinstance(r, mx.array) else r, r
for d in D:
    y = base.astype(d)
    y.itemsize, y.nbytes, y.size, y.ndim, y.shape, y.dtype, y.T, y.real, y.imag, len(y), repr(y), str(y)
    bool(y[0, 0]), y[0].tolist()
    y[0, 1].item(), type(y[0, 1].item()), hash(y.dtype) == hash(d), y.at[0].add(1), f"{y[0, 0]}", f"{y}"
    int(y[0, 1]), float(y[0, 1]) if d != mx.complex64 else None, complex(y[0, 1])
    float(y[0, 1])
    [z.item() for z in y[1]], list(y[0]), [z.shape for z in y], 1 in y.tolist()[0], iter(y) is not None, next(iter(y))
    y == y, y != 1, y < 2, y <= 2.0, y > True, y >= y, y == "x", y == None, y != None
    -y if d != mx.bool_ else None
    -y
    ~y
    abs(y), y + y, y - y, y * y, y / y, y // y, y % y, y ** 2, y @ y.T
    for op in ("__add__", "__sub__", "__mul__", "__truediv__", "__floordiv__", "__mod__", "__pow__", "__matmul__",
            "__and__", "__or__",
            "__xor__", "__lshift__", "__rshift__", "__radd__", "__rsub__", "__rmul__", "__rtruediv__",
            "__rfloordiv__", "__rmod__",
            "__rpow__", "__eq__", "__ne__", "__lt__",
            "__le__", "__gt__", "__ge__", "__div__", "__rdiv__", "__iadd__", "__isub__", "__imul__",
            "__itruediv__", "__ifloordiv__",
            "__imod__", "__ipow__", "__imatmul__", "__iand__", "__ior__", "__ixor__", "__ilshift__", "__irshift__"):
        for v in (y, 2, 2.5, True, 1j, "x", None, [1, 2, 3], (1, 2, 3), np.array([1, 2, 3]), np.float32(2),
                np.int64(2), object(), mx.array(2), mx.ones((2,))):
            if "div" not in op and "mod" not in op or v is not y:
                result(op, v) if hasattr(y, op) and not ("floordiv" in op and (d == mx.complex64 or type(v) is complex)) else None
z = mx.array([1.0, 2, 3])
w = z
w += 1
z, w is z
w -= mx.array([1, 1, 1])
z
w *= 2.5
z
w /= 2
z
w //= 2
z
w **= 2
z
w %= 2
z
w @= mx.eye(3)
z, w is z
w += mx.ones((2, 3))
z
w += "x"
z
i = mx.array([1, 2, 3]); j = i
i += 1.5
i, j, i is j
i /= 2
i, j
i &= 1
i |= 2
i, j
i <<= 2
i
i >>= 1
i
i ^= 3
i, j
b = mx.array([True, False])
b |= True
b
b &= False
b
b ^= True
b
b += 1
b
b <<= 1
b
