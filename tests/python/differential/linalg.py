"""Linear algebra. Factors that are unique but for signs are compared by what they multiply to."""

import numpy as np

from .frame import Call, function, over_nothing
from .values import ALL, Array

FACTORED = ["float32", "float64"]
REFUSED = ["float16", "int32"]  # mlx has no factors of these; of complex64 it has few, and Tarn all
LAYOUTS = ["dense", "strided"]


def square(draw, hermitian=False):
    """Far from singular."""
    batch = (draw.integer(1, 3),) if draw.flag() else ()
    n = draw.integer(1, 5)
    a = draw.array((*batch, n, n), domain="unit") if draw.layout == "dense" else draw.array((n, n), domain="unit")
    base = a.base + (6 * np.eye(a.base.shape[-1], a.base.shape[-2]).T if a.base.shape[-1] == a.base.shape[-2] else 0)
    return Array(base.astype(a.base.dtype), a.dtype, a.view)




@function("linalg.inv", "linalg.tri_inv", "linalg.pinv", dtypes=FACTORED + REFUSED, layouts=["dense"], ulps=64,
          scale="result")
def inverses(draw):
    return Call(square(draw))


@function("linalg.det", dtypes=[d for d in ALL if d not in ("complex64", "bool", "float16", "bfloat16")],
          layouts=["dense"], ulps=64, scale="result", oracle=np.linalg.det)
def det(draw):
    return Call(square(draw))


@function("linalg.slogdet", dtypes=FACTORED + ["int32"], layouts=["dense"], ulps=64, scale="result")
def slogdet(draw):
    return Call(square(draw))


@function("linalg.lu_factor", "linalg.lu", "linalg.qr", dtypes=FACTORED + REFUSED, layouts=LAYOUTS, ulps=128,
          scale="result")
def factors(draw):
    return Call(draw.array((draw.integer(1, 5), draw.integer(1, 5)), domain="unit"))


def hermitian(draw):
    n = draw.integer(1, 5)
    root = draw.random.uniform(-1, 1, (n, n))
    return Call(Array(root @ root.T + np.diag(np.arange(1, n + 1)), draw.dtype))


@function("linalg.cholesky", "linalg.eigvalsh", dtypes=FACTORED + REFUSED, layouts=["dense"], ulps=128, scale="result")
def of_hermitian(draw):
    return hermitian(draw)


@function("linalg.cholesky_inv", dtypes=FACTORED + REFUSED, layouts=["dense"], ulps=512, scale="result")
def cholesky_inv(draw):
    return Call(square(draw), upper=draw.flag())


@function("linalg.svd", dtypes=FACTORED + ["complex64"] + REFUSED, layouts=LAYOUTS, ulps=64, scale="result",
          run=lambda m, a: m.linalg.svd(a, compute_uv=False))
def svd(draw):
    return Call(draw.array((draw.integer(1, 5), draw.integer(1, 5))))


@function("linalg.eigh", dtypes=FACTORED + REFUSED, layouts=["dense"], ulps=512, scale="result",
          run=lambda m, a: (lambda w, v: [w, (v * w[..., None, :]) @ m.swapaxes(v, -1, -2)])(*m.linalg.eigh(a)))
def eigh(draw):
    return hermitian(draw)


@function("linalg.eig", dtypes=FACTORED + REFUSED, layouts=["dense"], ulps=512, scale="result",
          run=lambda m, a: (lambda w, v: m.sum(m.abs(w)))(*m.linalg.eig(a)))
def eig(draw):
    return hermitian(draw)


@function("linalg.eigvals", dtypes=FACTORED + ["complex64"] + REFUSED, layouts=["dense"], ulps=512, scale="result",
          run=lambda m, a: m.sum(m.abs(m.linalg.eigvals(a))))
def eigvals(draw):
    return hermitian(draw)


@function("linalg.solve", "linalg.solve_triangular", dtypes=FACTORED + REFUSED, layouts=["dense"], ulps=128,
          scale="result")
def solve(draw):
    a = square(draw)
    return Call(a, draw.array((*a.shape[:-1], draw.integer(1, 3)), domain="unit"))


def numpy_norm(a, order=None, axis=None, keepdims=False):
    return np.linalg.norm(a, order, tuple(axis) if isinstance(axis, list) else axis, keepdims)


@function("linalg.norm", dtypes=["int32", "float16", "bfloat16", "float32", "float64"], ulps=16, scale="input",
          oracle=numpy_norm, avoid=over_nothing)
def norm(draw):
    a = draw.array()
    if a.ndim < 2 or draw.flag():
        axis = draw.axis(a) if a.ndim and draw.flag() else None
        return Call(a, axis=axis, keepdims=draw.flag()) if axis is None else Call(a, draw.choice(None, 1, 2, 3, 0),
                                                                                  axis=axis, keepdims=draw.flag())
    axes = [int(i) for i in draw.random.permutation(a.ndim)[:2]]
    order = draw.choice("fro", 1, -1, float("inf"), float("-inf"), "fro")
    return Call(a, order if 0 not in a.shape else "fro", axis=axes, keepdims=draw.flag())


@function("linalg.cross", dtypes=[d for d in ALL if d != "bool"], layouts=LAYOUTS, ulps=8, scale="input")
def cross(draw):
    shape = (*draw.shape()[:-1], draw.choice(2, 3, 3, 4))
    return Call(draw.array(shape), draw.array(shape))
