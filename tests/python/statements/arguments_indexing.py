# Indices and updates of every kind.
a = mx.arange(24).reshape(2, 3, 4)
idx = mx.array([1, 0]); m = mx.array([True, False]); neg = mx.array([-1, -2])
for i in (0, -1, 1, None, ..., slice(None), slice(1), slice(None, None, -1), slice(5, None), slice(-100, 100),
        slice(2, 0, -1), slice(0, 2, 5), (), (0,), (0, 1), (0, 1, 2), (..., 0), (0, ...), (None, 0), (0, None),
        (None, None, ...), (..., None), (slice(None), 1), (slice(None), slice(None, None, 2)), (0, ..., 1),
        (..., slice(1, 3)), (None, ..., None, 0), idx, (idx, idx), (idx, 0), (0, idx), (slice(None), idx),
        (idx, slice(None), idx), (idx, ..., idx), (idx[None], idx[:, None]), (idx, None), (None, idx), neg, (..., neg),
        (slice(None), neg, 0), (0, slice(None), idx), (idx, slice(1, 3)), (idx, slice(None), 1), [0, 1],
        [[0, 1], [1, 0]], ([0, 1], [1, 2]), (slice(None), [0, 2]), idx.astype(mx.uint8), idx.astype(mx.int64),
        idx.astype(mx.uint32), mx.array(1), (mx.array(1), mx.array(2)), (0, mx.array(1)), mx.array([[0], [1]]),
        mx.zeros((0,), mx.int32), mx.zeros((0, 3), mx.uint32), mx.array([], mx.int32)):
    a[i], a[i].shape, mx.contiguous(a[i])
a[True]
a[False]
a[m]
a[1.0]
a["x"]
a[mx.array([1.0])]
a[(0, 1, 2, 3)]
a[..., ...]
a[[True, False]]
a[0, 0, 0, ...]
a[None, None, 0, 0, 0, None]
a[idx, mx.array([0, 1, 2])]
a[slice("a", "b")]
a[slice(1.0, 2.0)]
a[mx.array([1, 0]), :, mx.array([[1], [2]])].shape
a[:, mx.array([1, 0]), None, mx.array([1, 1])].shape
a[mx.array([1, 0]), None, mx.array([1, 1])].shape
a[..., mx.array([1, 0]), 0].shape, a[0, ..., mx.array([1, 0])].shape, a[mx.array(0), :, mx.array([1, 0])].shape
a[np.int64(1)], a[np.int32(1), np.uint8(2)]
a[object()]
a[{}]
a[{1}]
a[range(2)]
a[b"a"]
mx.array(3)[...], mx.array(3)[()], mx.array(3)[None], mx.array(3)[None, ...]
mx.array(3)[0]
mx.array(3)[:]
mx.array(3)[mx.array(0)]
mx.zeros((0, 3))[:, 1], mx.zeros((0, 3))[:0], mx.zeros((0, 3))[None], mx.zeros((3, 0))[1], mx.zeros((3, 0))[::2].shape
mx.arange(10)[3:-2:2], mx.arange(10)[::-3], mx.arange(10)[-3:], mx.arange(10)[8:2:-2], mx.arange(10)[:-20:-1]
mx.arange(10)[20:5:-1], mx.arange(10)[2**31 - 1:], mx.arange(10)[-(2**31):3]
# assignment
vals = [0, 7, -1, 2.7, True, mx.array(5), mx.array([1, 2, 3, 4]), mx.arange(3).reshape(3, 1),
    mx.arange(12).reshape(3, 4), mx.arange(24).reshape(2, 3, 4) * 10, mx.array(2.5),
    [1, 2, 3, 4], np.array([4, 3, 2, 1]), (1, 2, 3, 4), None, "x", mx.zeros((5,)), 1j, float("nan")]
places = (0, -1, slice(1), slice(None, None, -1), (0, 1), (0, 1, 2), (..., 0), (0, ...),
    (None, 0), (slice(None), 1), (slice(None), slice(None, None, 2)), (..., slice(1, 3)), (..., slice(None, None, -2)),
    idx, (idx, idx), (slice(None), idx), (idx, slice(None), idx), (idx, ..., mx.array([3, 1])), neg, [0, 1],
    (slice(None), [0, 2]), mx.array(1), (mx.array(1), slice(None), 2), (0, idx, slice(None)), (0, idx, slice(1, 3)),
    mx.zeros((0,), mx.int32), m, mx.array([[True, False, True], [False, True, False]]), (slice(None), slice(0, 0)),
    (mx.array([[0], [1]]), mx.array([[0, 1, 2]])), (slice(1, 2), slice(None), idx), (idx, 0),
    (idx, 1, slice(None, None, 2)))
def is_float(value):
    return isinstance(value, (float, complex)) or isinstance(value, mx.array) and value.dtype == mx.float32
def assign(dtype, place, value):
    b = mx.arange(24).reshape(2, 3, 4).astype(dtype)
    b[place] = value
    return b
for dtype in (mx.int32, mx.float32):
    for place in places:
        for value in [v for v in vals if dtype == mx.float32 or not is_float(v)]:
            assign(dtype, place, value)
def at(op, place, value):
    return getattr(mx.arange(24).reshape(2, 3, 4).astype(mx.float32).at[place], op)(value)
for op in ("add", "subtract", "multiply", "divide", "maximum", "minimum"):
    for place in places:
        for value in vals[:7] + vals[10:11]:
            at(op, place, value)
a.at
a.at[0]
a.at.add(1)
a.at[0].foo(1)
a.at[0].add()
a.at[0].add(1, 2)
a.at[idx].add([1, 2, 3, 4])
a.at[mx.array([0, 0])].add(1)
a.at[:, mx.array([0, 0, 1])].add(mx.array([1, 2, 3])[:, None])
type(a.at), type(a.at[0]), mx.ArrayAt
b = mx.array([1, 2, 3]); c = b; b[0] = 9
c, c is b
b = mx.array([1, 2, 3]); d = b[:2]; d[0] = 100
b, d
b = mx.array([1, 2, 3]); b[mx.array([True, False, True])] = mx.array([7, 8])
b
b[mx.array([True, False, True])] = mx.array([7, 8, 9])
b
b[mx.array([True, False])] = 3
b[b > 7] = 0
b
b[[True, False, True]] = 4
b
b[True] = 5
b
b[False] = 6
b
b[0] += 1; b[1:] *= 2
b
b[0], b[1] = b[1], b[0]
b
b[:] = b[::-1]
b
b[...] = mx.array([3, 2, 1])
b
b[()] = 4
b
z = mx.zeros((3, 3)); z[mx.arange(3), mx.arange(3)] = mx.array([1, 2, 3])
z
z[:, 1] = z[1, :]
z
z[mx.array([0, 2])][0] = 5
z
z[z > 1] += 1
z[z > 1] = mx.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
z
z[mx.array([[True, False, False]] * 3)] = 7
z
z[mx.array([True, False, True])] = mx.array([1.0, 2.0, 3.0])
z
z[mx.array([True, False, True])] = mx.arange(6).reshape(2, 3)
z
z[mx.array([True, False, True])] = mx.arange(3).reshape(3, 1)
z[mx.array(True)] = 3
z
z[mx.array(False)] = 4
z
z[None] = 5
z
z[0, mx.array([True, False, True])] = 9
z[mx.array([True, False, True]), 0] = 9
z[:, mx.array([True, False, True])] = 9
s = mx.array(3); s[...] = 4
s
s[()] = 5
s
s[None] = 6
s
s[0] = 1
e = mx.zeros((0, 3)); e[:] = 1
e[mx.zeros((0,), mx.int32)] = 2  # differs: an update of an array without elements
e
u = mx.zeros((3,), mx.uint8); u[0] = 255; u[1] = 256; u[2] = -1
u
h = mx.zeros((3,), mx.float16); h[0] = 1.0001; h[1] = 1e6
h
g = mx.zeros((2,), mx.bool_); g[0] = 3; g[1] = 0.5
g
i = mx.zeros((2,), mx.int32); i[0] = 1.9; i[1] = mx.array(2.9)
i
i[0] = 1j
i[0] = mx.array(1j)
i
c = mx.zeros((2,), mx.complex64); c[0] = 1j; c[1] = 2
c
w = mx.zeros((2, 3), mx.bfloat16); w[:, 0] = mx.array([1.001, 2.002]); w[0] = mx.array([5, 6, 7])
w
mx.take(a, -1)  # differs: `take` by a negative number without an axis
mx.take(a, 1), mx.take(a, idx, 1), mx.take(a, idx, axis=-1), mx.take(a, mx.array([[0, 5]]))
mx.take(a, 1, 0), mx.take(a, mx.array(2), axis=2), mx.take(a, [0, 1], axis=1)
mx.take(a, 1, 3)
mx.take(a, 1.0)
mx.take(a, mx.array([1.0]))
mx.take(mx.array(5), 0)
mx.take(mx.array(5), mx.array([0]))
mx.take_along_axis(a, mx.zeros((2, 3, 1), mx.int32), 2), mx.take_along_axis(a, mx.zeros((2, 1, 4), mx.int32), axis=1)
mx.take_along_axis(a, mx.array([3, 23]), None), mx.take_along_axis(a, mx.zeros((1, 3, 2), mx.uint32), -1)
mx.take_along_axis(a, mx.zeros((3,), mx.int32), 0)
mx.take_along_axis(a, mx.zeros((2, 3, 1), mx.int32), 3)
mx.take_along_axis(a, mx.zeros((3, 3, 1), mx.int32), 2)
mx.take_along_axis(a, mx.array([3, 23]))
mx.take_along_axis(a, mx.zeros((2, 3, 1), mx.int32))
mx.put_along_axis(a, mx.zeros((2, 3, 1), mx.int32), mx.array(99), 2)
mx.put_along_axis(a, mx.array([3, 23]), mx.array([1, 2]), None)
mx.put_along_axis(a, mx.zeros((2, 1, 4), mx.int32), mx.array(-1), axis=1)
mx.put_along_axis(a, mx.zeros((2, 3, 1), mx.int32), 99, 2)
mx.put_along_axis(a, mx.zeros((2, 3, 1), mx.int32), mx.array(9.5), 2)
mx.put_along_axis(a, mx.zeros((2, 3), mx.int32), mx.array(9), 2)
mx.put_along_axis(a, mx.zeros((2, 3, 1), mx.int32), mx.array(9), 3)
mx.slice(a, mx.array([0, 1]), (0, 1), (1, 2, 4)), mx.slice(a, mx.array(1), (2,), (2, 3, 2))
mx.slice(a, mx.array([1]), axes=(1,), slice_size=(2, 2, 2))
mx.slice(a, mx.array([0, 1]), (0, 1), (1, 2))
mx.slice(a, mx.array([0, 1]), (0,), (1, 2, 4))
mx.slice(a, mx.array([0]), (0,), (3, 2, 4))
mx.slice(a, mx.array([0]), (5,), (1, 2, 4))
mx.slice(a, mx.array([0.0]), (0,), (1, 2, 4))
mx.slice(a, mx.array([0, 0]), (0, 0), (1, 2, 4))
mx.slice_update(a, mx.zeros((1, 2, 4), mx.int32), mx.array([1, 1]), (0, 1))
mx.slice_update(a, mx.array(7), mx.array(1), (0,)), mx.slice_update(a, mx.array(7.9), mx.array([1]), (0,))
mx.slice_update(a, mx.zeros((1, 1, 4)), mx.array([1, 2]), axes=(0, 1))
mx.slice_update(a, mx.zeros((3, 3, 4), mx.int32), mx.array([0]), (0,))
mx.slice_update(a, mx.zeros((2, 2)), mx.array([0]), (3,))
