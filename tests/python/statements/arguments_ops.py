# Operations with arguments of every kind.
import itertools
D = [mx.bool_, mx.uint8, mx.int8, mx.uint32, mx.int32, mx.int64, mx.uint64, mx.float16, mx.bfloat16, mx.float32,
    mx.float64, mx.complex64]
V = {d: mx.array([[0, 1, 2], [3, 1, 7]]).astype(d) for d in D}
unary = """
    abs sign positive negative square sqrt rsqrt reciprocal exp expm1 erf erfinv sin cos tan arcsin arccos arctan sinh
    cosh tanh arcsinh arccosh arctanh degrees radians log log2 log10 log1p sigmoid floor ceil trunc round conj
    conjugate real imag bitwise_invert nan_to_num stop_gradient logical_not isnan isinf isfinite isposinf isneginf
""".split()
for name in unary:
    for d in D:
        getattr(mx, name)(V[d]).dtype if name != "nan_to_num" or d != mx.float64 else None
    for v in (3, 2.5, True, 1j, "x", None, [1, 2], np.array([1.0, 2.0]), (1,)):
        getattr(mx, name)(v)
binary = """
    add subtract multiply divide remainder power maximum minimum logaddexp arctan2 equal not_equal less less_equal
    greater greater_equal logical_and logical_or logical_xor array_equal allclose isclose
""".split()
def result(v):
    return [x.dtype for x in v] if isinstance(v, (list, tuple)) else v.dtype
for name in binary:
    for d, e in itertools.product(D, D):
        result(getattr(mx, name)(V[d] + mx.array(1, d), V[e] + mx.array(1, e)))
    for d in D:
        for v in (1, 2.5, True, 1 + 1j, 300, -1):
            result(getattr(mx, name)(V[d] + mx.array(1, d), v))
            result(getattr(mx, name)(v, V[d] + mx.array(1, d)))
    for p, q in itertools.product((3, 2.5, True, 1j, "x", None, [1, 2], np.array([1.0, 2.0])), repeat=2):
        getattr(mx, name)(p, q)
    getattr(mx, name)(V[mx.float32], mx.zeros((2,)))
    getattr(mx, name)(V[mx.float32])
reds = """
    sum mean prod max min all any var std logsumexp median argmax argmin count_nonzero softmax cumsum cumprod cummax
    cummin logcumsumexp sort argsort
""".split()
for name in reds:
    for d in D if name not in ("logsumexp", "logcumsumexp", "softmax") else (mx.float32,):
        getattr(mx, name)(V[d])
        getattr(mx, name)(V[d], axis=1)
        getattr(mx, name)(mx.array(1, d)) if name not in ("sum", "prod") or mx.issubdtype(d, mx.inexact) else None
    for ax in (0, -1, (0,), (0, 1), [1], (), None, 2, -3, (0, 0), (0, 2), 1.0, "x", True, mx.array(0), np.int64(1)):
        for kd in (False, True):
            keep = {"keepdims": kd} if name in reds[:14] else {}
            getattr(mx, name)(V[mx.float32], axis=ax, **keep) if ax != () or name != "median" else None
    for v in (3, 2.5, [1, 2], None, "x", np.array([1.0])):
        getattr(mx, name)(v)
for n in ("sum", "prod", "mean", "all", "any", "var", "std"):
    for shp in ((0,), (0, 3), (3, 0)):
        for ax in (None, 0, -1):
            getattr(mx, n)(mx.zeros(shp), axis=ax)
for n in ("max", "min", "argmax", "argmin", "median"):
    getattr(mx, n)(mx.zeros((0,)))
x = V[mx.float32]
mx.var(x, 0, ddof=1), mx.var(x, ddof=6), mx.var(x, ddof=10), mx.std(x, ddof=2), mx.var(x, axis=1, keepdims=True, ddof=1)
mx.var(mx.array([1 + 1j, 2]))
mx.clip(x, 1, 2), mx.clip(x, None, 2), mx.clip(x, 1, None), mx.clip(x, mx.array([0, 1, 2]), mx.array(5))
mx.clip(V[mx.int32], 1, 2), mx.clip(V[mx.int32], 1.5, 2), mx.clip(x, 3, 1), mx.clip(V[mx.uint8], -1, 300)
mx.clip(x)
mx.clip(x, None, None)
mx.clip(x, a_min=1, a_max=2)
mx.clip(3, 1, 2)
mx.where(x > 1, x, 0), mx.where(True, 1, 2), mx.where(x > 1, 1, 2.5), mx.where(x, 1, 0), mx.where(x > 1, V[mx.int32], x)
mx.where(mx.array([True, False, True]), x, -x), mx.where(x > 1, 1, mx.array(2, mx.float16)).dtype
mx.where(False, mx.array([1, 2]), 3), mx.where(1, x, x)
mx.where(x > 1)
mx.where(x > 1, x)
mx.where([True], 1, 2)
mx.where(x > 1, x, mx.zeros((2,)))
mx.where("x", 1, 2)
mx.nan_to_num(mx.array([float("nan"), float("inf"), -float("inf"), 1]))
mx.nan_to_num(mx.array([float("nan"), float("inf")]), nan=1, posinf=2, neginf=3)
mx.nan_to_num(mx.array([float("inf")], mx.float16)), mx.nan_to_num(mx.array([float("inf")], mx.bfloat16))
mx.nan_to_num(V[mx.int32]), mx.nan_to_num(mx.array([float("nan")]), 5.0), mx.nan_to_num(3)
mx.allclose(x, x), mx.allclose(x, x + 1e-9), mx.allclose(x, x + 1, atol=1)
mx.allclose(mx.array(float("nan")), mx.array(float("nan")))
mx.allclose(mx.array(float("nan")), mx.array(float("nan")), equal_nan=True)
mx.allclose(x, x, 1e-5, 1e-8, equal_nan=True), mx.isclose(x, 1)
mx.isclose(mx.array([float("inf"), 1]), mx.array([float("inf"), 2])), mx.allclose(x, x.T) if 0 else 1
mx.isclose(mx.array([float("inf")]), mx.array([-float("inf")])), mx.isclose(1, 1.0)
mx.allclose(mx.array(1 + 1j), mx.array(1 + 1j))
mx.array_equal(x, x), mx.array_equal(x, x[:1]), mx.array_equal(x, V[mx.int32])
mx.array_equal(mx.array(float("nan")), mx.array(float("nan")))
mx.array_equal(mx.array(float("nan")), mx.array(float("nan")), equal_nan=True), mx.array_equal(x, mx.zeros((0,)))
mx.array_equal(mx.zeros((0,)), mx.zeros((0,))), mx.array_equal(1, 1), mx.array_equal(x, 3)
mx.array_equal([1], [1])
mx.round(x, 1), mx.round(mx.array([1234.5678, -0.5, 0.5, 1.5]), 2), mx.round(mx.array([15, 25, -15]), -1)
mx.round(mx.array([1.25, 1.35]), decimals=1), mx.round(mx.array([1.5 + 2.5j])), mx.round(mx.array(0.5, mx.float16))
mx.round(x, 1.5)
mx.sort(mx.array([3, 1, 2])), mx.sort(x, 0), mx.sort(x, axis=None)
mx.sort(mx.array([float("nan"), 1, float("inf"), -1])), mx.argsort(mx.array([float("nan"), 1, float("inf"), -1]))
mx.sort(mx.array(1)) if 0 else 1, mx.sort(mx.zeros((0,))), mx.sort(mx.zeros((2, 0))), mx.sort(mx.array([True, False]))
mx.argsort(x, axis=0), mx.argsort(x, None), mx.sort(mx.array([-0.0, 0.0]))
mx.sort(mx.array(1))
mx.argsort(mx.array(1))
mx.sort(x, 2)
mx.sort(mx.array([1j, 2]))
mx.partition(mx.array([3, 1, 2, 0]), 1)[1], mx.argpartition(mx.array([3, 1, 2, 0]), 0)[0]
mx.partition(x, 1, axis=None)[1], mx.partition(x, -1)[..., -1], mx.topk(mx.array([3, 1, 2]), 1), mx.topk(x, 3).shape
mx.topk(x, 1, axis=0), mx.topk(x, 2, axis=None).shape
mx.partition(x, 3)
mx.partition(x, -4)
mx.argpartition(x, 5, axis=0)
mx.partition(mx.array(1), 0)
mx.topk(x, 4)
mx.topk(x, 0)
mx.topk(x, -1)
mx.topk(mx.array(1), 1)
mx.topk(x, 1, 5)
mx.searchsorted(mx.array([1, 2, 3]), mx.array([0, 1, 2.5, 5]))
mx.searchsorted(mx.array([1, 2, 2, 3]), mx.array(2), side="right"), mx.searchsorted(mx.array([1, 2, 3]), 2)
mx.searchsorted(mx.zeros((0,)), mx.array([1]))
mx.searchsorted(mx.array([1, 2, 3]), mx.array([2]), side="middle")
mx.searchsorted(mx.array([[1, 2]]), mx.array([1]))
mx.searchsorted(mx.array(1), mx.array([1]))
mx.diff(mx.array([1, 4, 9])), mx.diff(x, axis=0), mx.diff(x, n=2), mx.diff(mx.array([True, False, True]))
mx.diff(x, 0) if 0 else 1, mx.diff(x, n=5), mx.diff(x, prepend=mx.array([[0], [0]])) if 0 else 1
mx.diff(mx.array(1))
mx.diff(x, -1)
mx.cumsum(x), mx.cumsum(x, 0), mx.cumsum(x, -1, reverse=True), mx.cumsum(x, 1, inclusive=False)
mx.cumsum(x, 1, reverse=True, inclusive=False), mx.cumsum(V[mx.bool_], 1), mx.cumsum(V[mx.uint8], 1).dtype
mx.cumsum(V[mx.float16], 0).dtype, mx.cumsum(mx.array(3)), mx.cumsum(mx.zeros((0,))), mx.cumsum(mx.zeros((2, 0)), 1)
mx.cumsum(x, 2)
mx.cumsum(x, axis=(0, 1))
mx.softmax(x), mx.softmax(x, 0), mx.softmax(x, (0, 1)), mx.softmax(x, -1, precise=True)
mx.softmax(mx.array([float("-inf"), 0])), mx.softmax(mx.array([float("-inf")])), mx.softmax(mx.array([1000.0, 0]))
mx.softmax(mx.array(1.0)), mx.softmax(mx.zeros((0,))), mx.softmax(mx.zeros((2, 0)), 1)
mx.softmax(mx.array([float("nan"), 1])), mx.softmax(x, [0]), mx.softmax(x, ())
mx.logsumexp(mx.array([float("-inf"), float("-inf")])), mx.logsumexp(mx.array([float("inf"), 1]))
mx.logaddexp(mx.array([float("-inf"), float("inf")]), mx.array([float("-inf"), float("inf")]))
mx.logaddexp(mx.array(float("nan")), 1), mx.logcumsumexp(mx.array([float("-inf"), 1]))
mx.logsumexp(mx.array([1e30, 1e30])), mx.logsumexp(x, axis=(0, 1), keepdims=True)
mx.divmod(mx.array([7, -7]), 2), mx.divmod(7.5, 2), mx.divmod(mx.array([7.5]), mx.array([2])), type(mx.divmod(1, 2))
mx.power(mx.array([2, 3]), mx.array([2, 0])), mx.power(2, 3), mx.power(2.0, -1), mx.power(mx.array([-1.0]), 0.5)
mx.power(mx.array(0), 0), mx.power(mx.array([1 + 1j]), 2), mx.power(mx.array(True), True)
mx.power(mx.array(2, mx.uint8), 9)
mx.left_shift(1, mx.array([0, 31])), mx.right_shift(mx.array([-8]), 1), mx.left_shift(mx.array(1, mx.uint8), 9)
mx.right_shift(mx.array(200, mx.uint8), 1), mx.bitwise_invert(mx.array(1, mx.uint8)), mx.bitwise_invert(mx.array(True))
mx.bitwise_and(True, 3), mx.left_shift(True, 1)
mx.maximum(mx.array([float("nan"), 1]), mx.array([1, float("nan")])), mx.minimum(mx.array([float("nan"), 1]), 0)
mx.max(mx.array([float("nan"), 1])), mx.min(mx.array([1, float("nan")])), mx.argmax(mx.array([1, float("nan"), 2]))
mx.argmin(mx.array([1, float("nan"), 0])), mx.maximum(-0.0, 0.0), mx.argmax(mx.array([2, 2, 1]))
mx.argmin(mx.array([[1, 1], [0, 0]]))
mx.median(x), mx.median(x, 0), mx.median(x, axis=(0, 1), keepdims=True), mx.median(mx.array([1, 2]))
mx.median(mx.array([1, 3, 2])), mx.median(mx.array(5)), mx.median(mx.array([float("nan"), 1.0])), mx.median(V[mx.bool_])
mx.count_nonzero(x), mx.count_nonzero(x, 0), mx.count_nonzero(x, axis=1, keepdims=True)
mx.count_nonzero(mx.array([float("nan"), 0])), mx.count_nonzero(V[mx.bool_]).dtype
mx.trunc(mx.array([-1.7, 1.7])), mx.trunc(V[mx.int32]), mx.positive(x) is x, mx.floor(mx.array([-1.5]))
mx.ceil(V[mx.int32]), mx.floor(mx.array(1 + 1j))
mx.inner(mx.array([1, 2]), mx.array([3, 4])), mx.outer(mx.array([1, 2]), mx.array([3, 4])), mx.inner(x, x)
mx.outer(x, x).shape, mx.inner(mx.array(2), x), mx.outer(mx.array(2), mx.array(3)), mx.vecdot(x, x)
mx.vecdot(mx.array([1j, 2]), mx.array([1j, 1])), mx.vecdot(x, x, axis=0) if 1 else 0
mx.inner(x, mx.zeros((2,)))
mx.inner(1, 2)
mx.outer([1], [2])
mx.tensordot(x, x.T, 1), mx.tensordot(x, x, axes=2), mx.tensordot(x, x, 0).shape, mx.tensordot(x, x, ([0], [0]))
mx.tensordot(x, x, [[0, 1], [0, 1]]), mx.tensordot(x, x, axes=((1,), (1,)))
mx.tensordot(x, x, 3)
mx.tensordot(x, x, 1)
mx.tensordot(x, x, -1)
mx.tensordot(x, x, ([0], [0, 1]))
mx.tensordot(x, x, ([5], [0]))
mx.tensordot(x, x, [0, 1])
mx.kron(mx.array([1, 2]), mx.array([1, 10])), mx.kron(x, mx.array([1, 2])), mx.kron(mx.array(2), x)
mx.kron(mx.array(2), mx.array(3)), mx.kron(x, x).shape
mx.kron(1, 2)
mx.addmm(mx.array(1.0), x, x.T), mx.addmm(mx.zeros((2, 2)), x, x.T, alpha=2.0, beta=0.5)
mx.addmm(mx.array([1.0, 2.0]), x, x.T, 0.5, 2.0), mx.addmm(mx.zeros((2, 1)), x, x.T)
mx.addmm(mx.array(1.0), x[0], x[1]), mx.addmm(mx.array([1.0]), x[0], x.T)
mx.addmm(V[mx.int32] @ V[mx.int32].T, x, x.T) if 0 else 1
mx.addmm(mx.zeros((3, 3)), x, x.T)
mx.addmm(mx.array(1.0), x, x)
mx.addmm(mx.array(1.0), mx.array(1.0), x)
mx.addmm(1.0, x, x.T)
mx.matmul(x, x.T), mx.matmul(V[mx.int32], V[mx.int32].T), mx.matmul(V[mx.bool_], V[mx.bool_].T)
mx.matmul(x, mx.array([1.0, 2, 3])), mx.matmul(mx.array([1.0, 2]), x), mx.matmul(mx.zeros((2, 0)), mx.zeros((0, 3)))
mx.matmul(mx.zeros((0, 3)), mx.zeros((3, 2))), mx.matmul(mx.zeros((4, 1, 2, 3)), mx.zeros((5, 3, 2))).shape
mx.matmul(V[mx.float16], V[mx.bfloat16].T).dtype, mx.matmul(V[mx.complex64], V[mx.float32].T).dtype
mx.matmul(x, x)
mx.matmul(x, mx.array(1.0))
mx.matmul(x, 3)
mx.matmul(mx.zeros((2, 2, 3)), mx.zeros((3, 3, 2)))
mx.logical_and(x, True), mx.logical_or(0, x), mx.logical_xor(x, x), mx.logical_not(x), mx.logical_and(True, False)
mx.logical_xor(2, 1), mx.logical_not(0)
mx.isnan(mx.array([float("nan"), 1])), mx.isinf(mx.array([float("inf"), 1 + 1j]))
mx.isposinf(mx.array([float("inf"), -float("inf")])), mx.isneginf(mx.array([float("inf"), -float("inf")]))
mx.isfinite(mx.array([float("inf"), 1])), mx.isnan(V[mx.int32]), mx.isnan(mx.array(complex(0, float("nan"))))
mx.isposinf(mx.array(complex(float("inf"), 0))), mx.isneginf(V[mx.bool_])
for f in mx.isposinf, mx.isneginf:
    f(mx.array([complex(a, b) for a in (0.0, 1, mx.inf, -mx.inf, mx.nan) for b in (0.0, 1, mx.inf, -mx.inf, mx.nan)]))
mx.stop_gradient(x) is x, mx.real(x), mx.imag(x), mx.real(V[mx.int32]).dtype, mx.conjugate(V[mx.int32]).dtype
mx.degrees(mx.pi), mx.radians(180), mx.sign(V[mx.uint8]), mx.sign(mx.array([-2 + 1j, 0])), mx.erf(V[mx.int32])
mx.sigmoid(0)
mx.einsum("ij,jk->ik", x, x.T), mx.einsum("ij->ji", x), mx.einsum("ij->", x), mx.einsum("ii->i", x[:, :2])
mx.einsum("ii", x[:, :2]), mx.einsum("...j,kj->...k", x, x), mx.einsum("i,j", x[0], x[1]), mx.einsum("ij,ij->", x, x)
mx.einsum(" ij , jk -> ik ", x, x.T), mx.einsum("ij", x), mx.einsum("i...->...", x), mx.einsum("...", x)
mx.einsum("bij,bjk->bik", x[None], x.T[None]), mx.einsum("ab,cd,ef->ace", x, x, x), mx.einsum("ji", x)
mx.einsum("iij->j", mx.ones((2, 2, 3))), mx.einsum("i->", mx.zeros((0,)))
mx.einsum("ij,jk->ik", x)
mx.einsum("ij,jk->ik", x, x)
mx.einsum("ijk->i", x)
mx.einsum("ij->k", x)
mx.einsum("ij->ii", x)
mx.einsum("i$->i", x)
mx.einsum("ij->i->j", x)
mx.einsum("...ij", x)
mx.einsum("", mx.array(1))
mx.einsum("ij")
mx.einsum(3, x)
mx.einsum_path("ij,jk,kl->il", x, x.T, x), mx.einsum_path("ij->i", x), mx.einsum_path("ij,jk->ik", x, x.T)
mx.einsum_path("i,i,i,i->", *[x[0]] * 4)
mx.einsum_path("ij,jk->ik", x)
mx.hadamard_transform(mx.ones((2, 4))), mx.hadamard_transform(mx.ones((4,)), scale=1.0)
mx.hadamard_transform(mx.arange(12).astype(mx.float32)), mx.hadamard_transform(mx.ones((1,)))
mx.hadamard_transform(mx.ones((4,), mx.float16)).dtype, mx.hadamard_transform(mx.arange(4))
mx.hadamard_transform(mx.ones((3,)))
mx.hadamard_transform(mx.array(1.0))
mx.hadamard_transform(mx.ones((0,)))
