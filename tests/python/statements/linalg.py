# linalg: norms, factors, inverses, solutions, eigenvalues, determinants; batches, dtypes, strides, streams, errors.
rng = np.random.default_rng(7)
cpu = mx.cpu
def matrix(*shape, dtype=mx.float32):
    return mx.array(rng.standard_normal(shape)).astype(dtype)

def positive(*shape, dtype=mx.float32):
    a = rng.standard_normal(shape)
    return mx.array(a @ a.swapaxes(-1, -2) + shape[-1] * np.eye(shape[-1])).astype(dtype)

def symmetric(*shape, dtype=mx.float32):
    a = rng.standard_normal(shape)
    return mx.array(a + a.swapaxes(-1, -2)).astype(dtype)

def rounded(x):
    return (np.round(np.array(x), 3) + 0.0).astype(np.float32)

def ordered(w):
    """Eigenvalues in an order of their own: LAPACK's depends on its version."""
    w = np.array(w)
    return np.take_along_axis(w, np.argsort(np.round(w.real, 4) * 1000 + np.round(w.imag, 4), -1), -1)

reals = (mx.float32, mx.float64)
batches = ((), (1,), (3,), (2, 3))
sizes = (1, 2, 3, 5, 8)

# ---- norms
orders = (None, 0, 1, 2, 3, -1, -2, -3, 0.5, 1.5, 2.0, float("inf"), -float("inf"), "fro", "nuc", "f", "inf", "",
    mx.inf, True)
vector, a, cube = mx.array([1.0, -2.0, 3.0, 0.0]), matrix(3, 4), matrix(2, 3, 4)
for x in (vector, a, cube, a.T, cube[:, ::2], vector.astype(mx.float16), a.astype(mx.bfloat16), a.astype(mx.float64),
        mx.arange(6).reshape(2, 3), mx.array([True, False]), mx.array(3.0), mx.zeros((0,)), mx.zeros((0, 3)),
        mx.zeros((2, 3))):
    mx.linalg.norm(x, stream=cpu)
    mx.linalg.norm(x, keepdims=True, stream=cpu)
    for order in orders:
        for axis in (None, 0, -1, 1, 2, (0, 1), [0, 1], (1, 0), (-2, -1), (0,), [0], (0, 2), (0, 1, 2), ()):
            if x.size == 0 or (x.ndim == 0 and axis is not None) or (x.ndim == 1 and axis == (-2, -1)):
                continue
            if not mx.issubdtype(x.dtype, mx.inexact) and order in (2, -2, "nuc"):
                continue
            mx.linalg.norm(x, order, axis, stream=cpu) if not (x.ndim > 1 and axis == () and order is None) else None
            mx.linalg.norm(x, ord=order, axis=axis, keepdims=True,
                stream=cpu) if not (x.ndim > 1 and axis == () and order is None) else None
mx.linalg.norm(a, "fro"), mx.linalg.norm(a, ord="fro", axis=(0, 1))
mx.linalg.norm(cube, "fro", axis=(1, 2), keepdims=True), mx.linalg.norm(cube, axis=[0, 2])
mx.linalg.norm(vector, "fro")
mx.linalg.norm(vector, "nuc")
mx.linalg.norm(cube, 2)
mx.linalg.norm(cube, "fro")
mx.linalg.norm(a, ord="fro", axis=0)
mx.linalg.norm(a, ord=3, axis=(0, 1))
mx.linalg.norm(a, axis=5)
mx.linalg.norm(a, axis=(0, 5))
mx.linalg.norm(a, axis=1.5)
mx.linalg.norm(a, axis="a")
mx.linalg.norm()
mx.linalg.norm([1.0, 2.0])
mx.linalg.norm(5.0)
mx.linalg.norm(a=a)
mx.linalg.norm(a, 2, None, True), mx.linalg.norm(a, 2, 0, True), mx.linalg.norm(np.ones((2, 2), np.float32))
matrix_norm = getattr(mx.linalg, "matrix_norm", None)
hasattr(mx.linalg, "matrix_norm"), hasattr(mx.linalg, "vector_norm"), hasattr(mx.linalg, "diagonal")
hasattr(mx.linalg, "cond"), hasattr(mx.linalg, "matrix_rank")

# ---- qr
for d in reals:
    for batch in batches:
        for m, n in ((1, 1), (2, 2), (3, 2), (2, 3), (5, 5), (7, 4), (4, 7)):
            x = matrix(*batch, m, n, dtype=d)
            q, r = mx.linalg.qr(x, stream=cpu)
            show(q.shape, r.shape, q.dtype, rounded(q @ r - x), rounded(mx.abs(q)), rounded(mx.abs(r)),
                rounded(q.swapaxes(-1, -2) @ q))
            show(rounded(q), rounded(r))
mx.linalg.qr(matrix(3, 4).T, stream=cpu)[1].shape
type(mx.linalg.qr(matrix(3, 3), stream=cpu))
mx.linalg.qr(vector)
mx.linalg.qr(mx.array(1.0))
mx.linalg.qr(mx.ones((2, 2), mx.int32))
mx.linalg.qr(mx.ones((2, 2), mx.float16))
mx.linalg.qr(mx.ones((2, 2), mx.bfloat16))
mx.linalg.qr(mx.ones((2, 2), mx.bool_))
mx.linalg.qr(vector, stream=cpu)
mx.linalg.qr(mx.ones((2, 2), mx.int32), stream=cpu)
mx.linalg.qr()
mx.linalg.qr([[1.0]])
mx.linalg.qr(mx.ones((2, 2)), stream=mx.gpu)
mx.linalg.qr(mx.ones((2, 2)), mx.cpu)

# ---- svd
for d in reals:
    for batch in batches:
        for m, n in ((1, 1), (2, 2), (3, 2), (2, 3), (5, 5), (6, 3), (3, 6)):
            x = matrix(*batch, m, n, dtype=d)
            u, s, v = mx.linalg.svd(x, stream=cpu)
            k = min(m, n)
            show(u.shape, s.shape, v.shape, s.dtype, rounded(s),
                rounded((u[..., :k] * s[..., None, :]) @ v[..., :k, :] - x))
            show(mx.linalg.svd(x, compute_uv=False, stream=cpu),
                mx.linalg.svd(x, False, stream=cpu).shape if not isinstance(mx.linalg.svd(x, False, stream=cpu), (list, tuple)) else len(mx.linalg.svd(x, False, stream=cpu)))
type(mx.linalg.svd(a, stream=cpu)), type(mx.linalg.svd(a, compute_uv=False, stream=cpu))
mx.linalg.svd(vector)
mx.linalg.svd(mx.array(1.0))
mx.linalg.svd(mx.ones((2, 2), mx.int32))
mx.linalg.svd(mx.ones((2, 2), mx.float16))
mx.linalg.svd(vector, stream=cpu)
mx.linalg.svd(mx.ones((2, 2), mx.int32), stream=cpu)
mx.linalg.svd(mx.ones((2, 2)), compute_uv=None)
mx.linalg.svd(mx.ones((2, 2)), stream=mx.gpu)
mx.linalg.svd(mx.zeros((3, 3)), stream=cpu)[1], mx.linalg.svd(mx.eye(3), False, stream=cpu)

# ---- inverses
for d in reals:
    for batch in batches:
        for n in sizes:
            x, p = matrix(*batch, n, n, dtype=d) + n * mx.eye(n, dtype=d), positive(*batch, n, n, dtype=d)
            show(mx.linalg.inv(x, stream=cpu), mx.linalg.inv(x.swapaxes(-1, -2), stream=cpu),
                rounded(mx.linalg.inv(x, stream=cpu) @ x))
            show(mx.linalg.tri_inv(mx.tril(x), stream=cpu), mx.linalg.tri_inv(mx.triu(x), upper=True, stream=cpu),
                mx.linalg.tri_inv(mx.triu(x), True, stream=cpu), mx.linalg.tri_inv(mx.tril(x), False, stream=cpu))
            show(mx.linalg.cholesky(p, stream=cpu), mx.linalg.cholesky(p, upper=True, stream=cpu),
                mx.linalg.cholesky(p, True, stream=cpu))
            lower = mx.linalg.cholesky(p, stream=cpu)
            show(mx.linalg.cholesky_inv(lower, stream=cpu),
                mx.linalg.cholesky_inv(lower.swapaxes(-1, -2), upper=True, stream=cpu))
            show(mx.linalg.pinv(x, stream=cpu))
        for m, n in ((2, 3), (5, 2), (1, 4)):
            show(mx.linalg.pinv(matrix(*batch, m, n, dtype=d), stream=cpu))
for f in (mx.linalg.inv, mx.linalg.tri_inv, mx.linalg.cholesky, mx.linalg.cholesky_inv, mx.linalg.pinv, mx.linalg.det,
        mx.linalg.slogdet, mx.linalg.eig, mx.linalg.eigvals, mx.linalg.eigh, mx.linalg.eigvalsh, mx.linalg.lu,
        mx.linalg.lu_factor):
    f(vector, stream=cpu)
    f(vector)
    f(mx.array(1.0), stream=cpu)
    f(mx.ones((2, 3)), stream=cpu) if f not in (mx.linalg.lu, mx.linalg.lu_factor, mx.linalg.pinv) else None
    for d in (mx.int32, mx.bool_, mx.uint8, mx.float16, mx.bfloat16, mx.int64):
        f(mx.ones((2, 2), d), stream=cpu)
    f([[1.0]], stream=cpu)
    f(np.ones((1, 1), np.float32), stream=cpu)
    f(2.0, stream=cpu)
    f(None)
    f()
    f(mx.eye(2), stream=mx.gpu)
    f(mx.eye(2), nonsense=1)
    f(a=mx.eye(2), stream=cpu) if f not in (mx.linalg.eig, mx.linalg.eigh, mx.linalg.eigvals,
        mx.linalg.eigvalsh) else None
    type(f(mx.eye(2), stream=cpu)), type(f(mx.eye(2, dtype=mx.float64), stream=cpu))
mx.eval(mx.linalg.inv(mx.array([[1.0, 2], [2, 4]]), stream=cpu))
mx.linalg.inv(mx.eye(2)) is not None
mx.linalg.pinv(mx.zeros((2, 3)), stream=cpu)
mx.linalg.pinv(mx.array([[1.0, 2], [2, 4]]), stream=cpu)

# ---- cross
for x, y in (((3,), (3,)), ((4, 3), (4, 3)), ((4, 3), (3,)), ((2, 1, 3), (4, 3)), ((2,), (2,)), ((5, 2), (5, 2)),
        ((2, 3), (2, 2)), ((2,), (3,)), ((3,), (2,)), ((4,), (4,)), ((1,), (1,)), ((), ())):
    show(mx.linalg.cross(matrix(*x), matrix(*y))) if x == y or x[-1:] != (4,) else None
    mx.linalg.cross(matrix(*x), matrix(*y))
    mx.linalg.cross(mx.ones(x, mx.int32), mx.ones(y))
    mx.linalg.cross(mx.ones(x, mx.float16), mx.ones(y, mx.float16), axis=-1)
x, y = matrix(3, 5), matrix(3, 5)
mx.linalg.cross(x, y, axis=0), mx.linalg.cross(x, y, 0), mx.linalg.cross(x.T, y.T), mx.linalg.cross(x, y, axis=-2)
mx.linalg.cross(a=x, b=y, axis=0), mx.linalg.cross(mx.array([1, 2, 3]), mx.array([4, 5, 6]))
mx.linalg.cross(x, y)
mx.linalg.cross(x, y, axis=2)
mx.linalg.cross(x, y, axis=None)
mx.linalg.cross(matrix(2, 3, 4), matrix(2, 3, 4), axis=1), mx.linalg.cross(matrix(3, 4, 2), matrix(3, 4, 2), axis=0)
mx.linalg.cross(matrix(2, 3, 4), matrix(3, 4), axis=1)

# ---- eigenvalues
for d in reals:
    for batch in batches:
        for n in sizes:
            x, s = matrix(*batch, n, n, dtype=d), symmetric(*batch, n, n, dtype=d)
            for letter in ("L", "U"):
                show(mx.linalg.eigvalsh(s, UPLO=letter, stream=cpu), mx.linalg.eigvalsh(x, letter, stream=cpu))
                w, v = mx.linalg.eigh(s, UPLO=letter, stream=cpu)
                show(w, w.dtype, v.dtype, v.shape, rounded(s @ v - v * w[..., None, :]), rounded(mx.abs(v)))
            w, v = mx.linalg.eig(x, stream=cpu)
            show(w.dtype, v.dtype, w.shape, v.shape, ordered(w), ordered(mx.linalg.eigvals(x, stream=cpu)),
                rounded(mx.abs(x @ v - v * w[..., None, :])))
c = mx.array(rng.standard_normal((3, 3)) + 1j * rng.standard_normal((3, 3))).astype(mx.complex64)
h = c + c.T.conj()
mx.linalg.eigvalsh(h, stream=cpu), mx.linalg.eigh(h, stream=cpu)[0], ordered(mx.linalg.eigvals(c, stream=cpu))
ordered(mx.linalg.eig(c, stream=cpu)[0]), mx.linalg.eigvalsh(h, "U", stream=cpu), mx.linalg.eigh(h, stream=cpu)[1].dtype
mx.abs(mx.linalg.eigh(h, stream=cpu)[1])
mx.linalg.eigh(mx.eye(2), UPLO=1)
mx.linalg.eigh(mx.eye(3), "l", stream=cpu)  # differs: `linalg.eigh(a, UPLO)`

# ---- factors by rows, solutions
for d in reals:
    for batch in batches:
        for m, n in ((1, 1), (2, 2), (3, 3), (5, 5), (4, 2), (2, 4)):
            x = matrix(*batch, m, n, dtype=d)
            p, l, u = mx.linalg.lu(x, stream=cpu)
            show(p, p.dtype, l, u, mx.linalg.lu_factor(x, stream=cpu), mx.linalg.lu(x.swapaxes(-1, -2), stream=cpu))
        for n in sizes:
            x = matrix(*batch, n, n, dtype=d) + n * mx.eye(n, dtype=d)
            for k in (1, 3):
                b = matrix(*batch, n, k, dtype=d)
                show(mx.linalg.solve(x, b, stream=cpu), mx.linalg.solve_triangular(mx.tril(x), b, stream=cpu),
                    mx.linalg.solve_triangular(mx.triu(x), b, upper=True, stream=cpu),
                    mx.linalg.solve(x.swapaxes(-1, -2), b, stream=cpu))
            show(mx.linalg.solve(x, matrix(n, dtype=d), stream=cpu)) if batch == () else None
            if d == mx.float64:
                x = x.astype(mx.float32)
            show(mx.linalg.det(x, stream=cpu), mx.linalg.slogdet(x, stream=cpu), mx.linalg.det(-x, stream=cpu),
                mx.linalg.slogdet(-x, stream=cpu))
type(mx.linalg.lu(a, stream=cpu)), type(mx.linalg.lu_factor(a, stream=cpu))
type(mx.linalg.slogdet(mx.eye(2), stream=cpu)), [x.dtype for x in mx.linalg.lu_factor(a, stream=cpu)]
[x.dtype for x in mx.linalg.slogdet(mx.eye(2), stream=cpu)]
mx.linalg.det(mx.zeros((2, 2)), stream=cpu), mx.linalg.slogdet(mx.zeros((2, 2)), stream=cpu)
mx.linalg.det(mx.eye(4), stream=cpu), mx.linalg.det(mx.zeros((4, 4)), stream=cpu)
mx.linalg.slogdet(mx.zeros((4, 4)), stream=cpu), mx.linalg.det(mx.ones((3, 3)), stream=cpu)
for f in (mx.linalg.solve, mx.linalg.solve_triangular):
    f(mx.eye(2), mx.ones((3,)), stream=cpu)
    f(mx.eye(2), mx.ones((3, 1)), stream=cpu)
    f(mx.ones((2, 3)), mx.ones((2, 1)), stream=cpu)
    f(mx.ones((2,)), mx.ones((2, 1)), stream=cpu)
    f(mx.eye(2), mx.array(1.0), stream=cpu)
    f(mx.eye(2, dtype=mx.int32), mx.ones((2, 1)), stream=cpu)
    f(mx.eye(2, dtype=mx.int32), mx.ones((2, 1), mx.int32), stream=cpu)
    f(mx.eye(2, dtype=mx.float16), mx.ones((2, 1), mx.float16), stream=cpu)
    f(mx.eye(2), mx.ones((2, 1), mx.float16), stream=cpu)
    f(mx.eye(2), mx.ones((2, 1), mx.int32), stream=cpu)
    f(mx.eye(2), mx.ones((2, 1), mx.float64), stream=cpu)
    f(mx.eye(2), [1.0, 2.0], stream=cpu)
    f(mx.eye(2))
    f(mx.eye(2), mx.ones((2, 1)), stream=mx.gpu)
    f(a=mx.eye(2), b=mx.ones((2, 1)), stream=cpu)
    f(mx.eye(2), mx.ones((2, 1)), True, stream=cpu)
mx.eval(mx.linalg.solve(mx.zeros((2, 2)), mx.ones((2,)), stream=cpu))
mx.linalg.solve(mx.array([[2.0, 0], [0, 4]]), mx.array([2.0, 4.0]), stream=cpu)

# ---- empty
for f in (mx.linalg.inv, mx.linalg.qr, mx.linalg.svd, mx.linalg.cholesky, mx.linalg.eigh, mx.linalg.det):
    f(mx.zeros((0, 3, 3)), stream=cpu)

# ---- docs/differences.md
mx.linalg.norm(mx.ones((2, 3)), 2, (0, 0), stream=cpu)  # differs: one axis twice in `linalg.norm`
mx.linalg.norm(mx.ones((2, 3), mx.int32), "nuc", stream=cpu)  # differs: `linalg.norm` of integers by singular values
mx.linalg.det(matrix(8, 8, dtype=mx.float64), stream=cpu), mx.linalg.slogdet(matrix(8, 8, dtype=mx.float64), stream=cpu)  # differs: `linalg.det`, `slogdet` of float64
