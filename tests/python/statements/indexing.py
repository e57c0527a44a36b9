# Reading and writing elements, at[], aliasing, slices with steps, None and Ellipsis.
from itertools import product

a = mx.arange(24).reshape(2, 3, 4)
f = a.astype(mx.float32)
s = slice
entries = [
    0, 1, -1, -2,
    s(None),
    s(0, 1),
    s(1, None),
    s(None, None, 2),
    s(None, None, -1),
    s(2, 0, -1),
    s(5, 10),
    s(1, 1),
    s(-1, None),
    s(None, -1),
    s(100, None, -2), None, Ellipsis
]
for e in entries:
    a[e], a[e].shape, f[e], a.T[e], a[:, ::2][e]
for e, g in product(entries, entries):
    a[e, g]
for e, g, h in product(entries[::3], entries[::2], entries[1::3]):
    a[e, g, h]
ints = [
    mx.array(0),
    mx.array(1, mx.uint8),
    mx.array([0, 1]),
    mx.array([[0, 1], [1, 0]]),
    mx.array([-1, 0]),
    mx.array([1], mx.int64), [0, 1], [1], [[0], [1]],
    mx.array([], mx.int32),
    mx.array([1, 0], mx.uint32),
    mx.array([0, -1], mx.int8), (0,), (0, 1), ()
]
for e in ints:
    a[e], f[e]
    a.T[e]
for e, g in product(ints, ints + entries):
    a[e, g]
    a[:, e, g]
    a[e, None, g]
    a[g, ..., e]
a[0, 0, 0, 0]
a[..., ...]
a[1.0]
a["a"]
a[1j]
a[{}]
a[None, None, None]
a[(0, 1, 2)]
a[[0, 1], [0, 1]], a[[0, 1], 0], a[0, [0, 1]], a[:, [0, 1], :], a[:, :, [0, 1]], a[[0], :, [0, 1]]
a[mx.array([0.0, 1.0])]
a[mx.array([[True]])]
a[np.array([0, 1])]  # differs: NumPy arrays and objects
a[[]]  # differs: an empty list as index
a[True]
a[False]
a[mx.array(True)]
a[np.int64(1)], a[np.int32(0), np.uint8(1)]
a[np.int64(1) :]
a[mx.array(1) :]  # differs: arrays as bounds of slices
a[1.0:]
a["a":]
mx.array(1)[0]
mx.array(1)[()], mx.array(1)[...], mx.array(1)[None], mx.array(1)[..., None]
mx.array(1)[:]
mx.array(5)[mx.array(0)]
mx.zeros((0, 3))[0:2].shape, mx.zeros((0, 3))[:, 1].shape, mx.zeros((3, 0))[1].shape, mx.zeros((3, 0))[[0, 2]].shape
a[mx.array([0, 1])[:, None], mx.array([0, 2])[None]], a[mx.array([0, 1])[:, None], mx.array([0, 2])[None], 1:3]
a[mx.array([0, 1, 1]), mx.array([0, 1])]
a[0][1][2], a[0:1][0], a[::2, ::2, ::2], a[::-1, ::-1, ::-1], a[-1:, -2:, -3:], a[..., 0], a[0, ...], a[..., None]
a[None, ..., None].shape, a[:, None].shape, a[:, None, None, 0].shape
a[1:0], a[3:], a[-5:1], a[0:100], a[::5], a[:, ::-2, 1::2]
mx.arange(10)[8:2:-3], mx.arange(10)[-1:-5:-1], mx.arange(10)[::-1], mx.arange(10)[5::-1], mx.arange(10)[:5:-1]
mx.arange(10)[-3:3:-1], mx.arange(10)[20:2:-1], mx.arange(10)[2:-20:-1]

# ---- masks
a[a > 5]
a[a > 100]
a[mx.array([True, False])]
a[[True, False]]
a[:, mx.array([True, False, True])]
a[True]
a[False]
a[..., mx.array([True, False, True, False])]

# ---- assignment
def put(e, v, base=None):
    b = mx.array(a if base is None else base)
    b[e] = v
    return b

def whole(e):
    """Of what names the whole array the new dtype differs: docs/differences.md."""
    return e is None or e is Ellipsis or e == () or isinstance(e, slice) and e == s(None) or e == (s(None), None)


values = [
    7, 7.5, True,
    mx.array(9),
    mx.array([1, 2, 3, 4]),
    mx.array([[1], [2], [3]]),
    mx.array(2.5), 1 + 1j,
    mx.array([1]), [1, 2, 3, 4], (1, 2, 3, 4), [[1], [2], [3]],
    np.array([1, 2, 3, 4]),
    np.float32(3.5),
    np.array(5),
    mx.array([1, 2, 3]), "a", None,
    mx.arange(12).reshape(3, 4),
    mx.arange(24).reshape(2, 3, 4),
    mx.zeros((5,))
]
targets = [
    0, -1,
    s(None),
    s(0, 1),
    s(None, None, -1), None, Ellipsis, (0, 1), (0, s(None), 1), (s(None), 0), (Ellipsis, 0), (s(None), s(None, None,
                                                                                                         2)),
    (s(None), s(None), s(1, 3)),
    mx.array(0),
    mx.array([0, 1]), [0, 1], (mx.array([0, 1]), mx.array([0, 1])), (s(None), mx.array([0, 2])),
    (mx.array([0, 1]), s(None), mx.array([0, 1])), (0, mx.array([0, 1])), (None, 0), (s(None), None),
    (0, Ellipsis, s(None, None, -2)), (mx.array([[0, 1], [1, 0]]),), (Ellipsis, mx.array([0, 3])), ()
]
for e, v in product(targets, values):
    if whole(e) and mx.array(v).dtype != mx.int32 if not isinstance(v, (str, type(None))) else False:
        continue
    put(e, v)
    if whole(e):
        continue
    put(e, v, f)
    put(e, v, a.T.reshape(4, 3, 2).T)
    put(e, v, a.astype(mx.float16))
for v in (7, 2.5, True, mx.array(9), mx.array(2.5), 1j):
    for d in (mx.uint8, mx.int64, mx.bfloat16, mx.complex64, mx.float64):
        put(0, v, a.astype(d)), put((0, 1, 2), v, a.astype(d)), put(s(None), v, a.astype(d))
        put(mx.array([0]), v, a.astype(d))
put(s(5, 10), 1), put(s(1, 1), 1), put((0, s(2, 2)), 3)
put((0, 0, 0, 0), 1)
put("a", 1)
put(1.5, 1)
put(mx.array([0.0]), 1)
put((Ellipsis, Ellipsis), 1)
put(np.array([0, 1]), 1)  # differs: NumPy arrays and objects
put(Ellipsis, 2.5)  # differs: values of another dtype assigned to a whole array
put((s(None), s(None), s(None), s(None)), 1)

# masks in assignments
for m in (a > 5, a[..., 0] > 5, a[:, 0, 0] > 5, a > 100, a < 100, mx.array(True), mx.array(False)):
    put(m, 1), put(m, mx.array(3)), put(m, 2.7), put(m, -1, f)
    put(m, mx.arange(24))
    put(m, mx.arange(100))
    # where there are too few, mlx may miss it
    places = mx.sum(mx.broadcast_to(m.reshape(m.shape + (1,) * (3 - m.ndim)), a.shape)).item()
    put(m, mx.array([50])) if places <= 1 else None
    put(m, mx.array([50, 51, 52, 53])) if places <= 4 else None
    put(m, mx.ones_like(a))
put(True, 5)
put(False, 5)
put(a[0] > 3, 1)
put([True, False], 5)
put(mx.array([True, False, True]), 1)
put(a > 5, a[a > 5])

# ---- who sees what
x = mx.array([1, 2, 3])
y = x
y[0] = 10
x, y
z = x + 0
z[1] = 99
x, z
v = x[:2]
v[0] = 5
x, v
x[0] += 3
x
x[0:2] *= 2
x
x += 1
y
y -= 1
x, x is y
x *= 2.5
x, x.dtype, y is x
x //= 2
x
x **= 2
x
x %= 3
x
x /= 2
x
b = mx.array([True, False])
b &= mx.array([True, True])
b
b |= True
b
b ^= mx.array([True, False])
b
c = mx.array([1, 2])
c <<= 1
c
c >>= mx.array(1)
c
c @= mx.array([[1, 2], [3, 4]])
c
c = mx.array([[1.0, 2.0]])
c @= mx.array([[1.0, 2.0], [3.0, 4.0]])
c
c -= mx.array([1.0])
c
c += mx.ones((3, 2))
c
c += "a"
c += [1, 2]
c += None
r = mx.array([1, 2, 3], mx.float16)
r += 1
r.dtype
r += mx.array(1.0)
r.dtype
r[0] += 1.5
r
x = mx.zeros((3, 3))
x[1] = x[0] + 1
x[:, 1] = x[:, 0]
x[x[0].astype(mx.int32)] = 3
x
x[0], x[1] = x[1], x[0]
x
x[0, 0], x[1, 1] = 5, 6
x
p = mx.arange(5)
p[1:] = p[:-1]
p
p[::-1] = p
p
q = p
p = p + 1
q, p
for i in range(3):
    p[i] = i * i
p
l = [p, p]
l[0][0] = 77
l[1]
def inside(t):
    t[0] = -5
    t += 1
inside(p)
p
del p[0]  # differs: `del a[0]`
w = mx.zeros((2, 2))
w[0] = [1, 2]
w[1] = mx.array([3, 4], mx.int32)
w[:, 0] = 9.5
w, w.dtype
w[mx.array([0, 0])] = mx.array([[1.0, 1.0], [2.0, 2.0]])
w
k = mx.zeros((4,), mx.int32)
k[mx.array([0, 1, 2])] = mx.array([5, 6, 7])
k[[3]] = 8
k[1:3] = mx.array(1.9)
k
k[-1] = -1
k
idx = mx.array([0, 2])
k[idx] += 10
k
u = mx.zeros((2, 3, 4, 5))
u[:, 1, :, 2] = mx.arange(8).reshape(2, 4)
u[0, ..., 1:3] = mx.ones((3, 4, 2))
u[..., mx.array([0, 1]), 0] = 3
u[mx.array([0, 1]), :, :, mx.array([1, 2])] = 4
u[:, mx.array([0, 2]), mx.array([1, 3])] = mx.arange(5)
u

# ---- at[]
for e in (0, -1, s(None), s(0, 1), s(None, None, 2), (0, 1), (s(None), 0), (Ellipsis, 0), mx.array([0, 0, 1]), [0, 0],
          (mx.array([0, 0]), mx.array([1, 1])), (s(None), mx.array([0, 0, 2])), None, Ellipsis, (), (0, s(None),
                                                                                                     s(None, None,
                                                                                                       -1))):
    for v in (2, 2.5, mx.array(3), mx.array([1, 2, 3, 4])):
        if not whole(e):
            a.at[e].add(v), a.at[e].subtract(v), a.at[e].multiply(v), a.at[e].divide(v), a.at[e].maximum(v)
            a.at[e].minimum(v)
        f.at[e].add(v), f.at[e].subtract(v), f.at[e].multiply(v), f.at[e].divide(v), f.at[e].maximum(v)
        f.at[e].minimum(v)
a.at[0].set(1)
a.at[a > 5].add(1)
a.at[0].add("a")
a.at[0].add()
a.at[0]
type(a.at[0]).__name__
a.at.add(1)
a.at[0].add(mx.zeros((7,)))
a.at["x"].add(1)
a.at[mx.array([0, 1, 0])].add(mx.arange(36).reshape(3, 3, 4))
a.at[mx.array([0, 1, 0]), mx.array([1, 1, 1])].add(mx.array([1, 2, 3])[:, None])
mx.zeros((3,)).at[mx.array([0, 0, 1])].add(mx.array([1.0, 2.0, 3.0]))
mx.ones((3,)).at[mx.array([0, 0, 1])].multiply(mx.array([2.0, 3.0, 4.0]))
mx.ones((3,)).at[mx.array([0, 0, 1])].divide(2)
mx.zeros((3,), mx.bool_).at[0].maximum(True)
mx.zeros((2, 2), mx.float16).at[0, 0].add(1.5), mx.zeros((2, 2), mx.bfloat16).at[0].add(mx.array([1, 2]))
mx.zeros((2,), mx.uint8).at[0].subtract(1), mx.zeros((2,), mx.complex64).at[0].add(1j)

# ---- functions for indices
mx.take(a, mx.array([0, 5])), mx.take(a, mx.array([0, 1]), 1), mx.take(a, 1, axis=2)
mx.take(a, mx.array([[0], [1]]), axis=-1), mx.take(a, mx.array(1), 0), mx.take(a, mx.array([-1]), 0)
mx.take(a, [0, 1], 0)
mx.take(a, mx.array([0]), 5)
mx.take(a, mx.array([0.5]), 0)
mx.take(a, 0, 0), mx.take(a, mx.array([], mx.int32), 1).shape
mx.take_along_axis(a, mx.array([[[0], [1], [2]]]), 2), mx.take_along_axis(a, mx.array([0, 23]), None)
mx.take_along_axis(a, mx.zeros((2, 1, 4), mx.int32), 1), mx.take_along_axis(a, mx.zeros((1, 3, 4), mx.uint32), axis=0)
mx.take_along_axis(a, mx.zeros((2, 3, 0), mx.int32), -1).shape
mx.take_along_axis(a, mx.array([0]), 0)
mx.take_along_axis(a, mx.zeros((2, 3, 1), mx.int32), 3)
mx.take_along_axis(a, mx.zeros((2, 2, 4), mx.int32), 0)
mx.put_along_axis(a, mx.array([[[0], [1], [2]]]), mx.array(-1), 2)
mx.put_along_axis(a, mx.zeros((2, 1, 4), mx.int32), -5, 1)
mx.put_along_axis(a, mx.array([0, 23]), mx.array([-1, -2]), None)
mx.put_along_axis(a, mx.array([[[0], [1], [2]]]), mx.array([[[1], [2], [3]]]), axis=-1)
mx.put_along_axis(f, mx.zeros((2, 3, 1), mx.int32), mx.array(2.5), -1)
mx.put_along_axis(a, mx.zeros((2, 1, 4), mx.int32), mx.array(1.5), 1)
mx.put_along_axis(a, mx.zeros((2, 3, 1), mx.int32), mx.array(1), 3)
mx.put_along_axis(a, mx.array([0]), mx.array(1), 0)
mx.slice(a, mx.array([0, 1]), [0, 1], [1, 2, 4]), mx.slice(a, mx.array(1), [1], [2, 2, 4])
mx.slice(a, mx.array([1]), (2,), (2, 3, 2))
mx.slice(a, start_indices=mx.array([0, 0, 0]), axes=[0, 1, 2], slice_size=[1, 1, 1])
mx.slice(a, mx.array([0]), [0], [3, 3, 4])
mx.slice(a, mx.array([0, 0]), [0], [1, 3, 4])
mx.slice(a, mx.array([0]), [5], [1, 3, 4])
mx.slice(a, mx.array([0]), [0], [1, 3])
mx.slice_update(a, mx.array([[[1, 2]]]), mx.array([0, 1, 2]), [0, 1, 2])
mx.slice_update(a, mx.zeros((2, 1, 4), mx.int32), mx.array(1), [1])
mx.slice_update(f, mx.array([[[1, 2]]]), mx.array([1]), [2])
mx.slice_update(a, mx.zeros((1, 3, 4)), mx.array([1]), axes=(0,))
mx.slice_update(a, mx.zeros((3, 3, 4)), mx.array([0]), [0])
mx.slice_update(a, mx.zeros((1, 3, 4)), mx.array([0, 0]), [0])

# Nothing to pick from.
none, one = mx.zeros((0, 4)), mx.array([1])
none[one]
none[one, 0]
none[one, one]
none[[0, 1]]
none[None][:, one]
none[one, 1:3]
none[mx.array([], mx.int32)]
mx.zeros((4, 0))[one]
mx.zeros((4, 0))[:, one]
mx.zeros((4, 0))[one, one]
