"""The matmul family."""

import numpy as np

from .frame import Call, function, products
from .values import FLOATS, INTEGERS, Array


def sums_of(oracle):
    """What is asked of sums of products, which may cancel."""
    return dict(ulps=2, scale=products(oracle), oracle=oracle, held=True)


def sizes(draw, count):
    """Sizes of axes; in the empty layout one of them is 0."""
    found = [draw.integer(1, 5) for _ in range(count)]
    if draw.layout == "empty":
        found[draw.integer(0, count - 1)] = 0
    return found


def point(draw):
    return draw.array(())


@function("matmul", **sums_of(np.matmul))
def matmul(draw):
    if draw.layout == "0-d":
        return Call(point(draw), draw.array((3,)))
    m, k, n = sizes(draw, 3)
    batch = (draw.integer(1, 3),) if draw.flag() else ()
    left = draw.choice((k,), (m, k), (*batch, m, k), (2, *batch, m, k))
    return Call(draw.array(left), draw.array(draw.choice((k,), (k, n), (*batch, k, n), (1, *batch, k, n))))


def added_size(call):
    """Of sums that cancel: of half types the product is rounded before c is added."""
    c, a, b = [np.abs(x.numpy()) for x in call.args]
    return added(c, a, b).max(initial=0)


def added(c, a, b, alpha=1.0, beta=1.0):
    return alpha * np.matmul(a, b) + beta * c


@function("addmm", oracle=added, ulps=8, scale=added_size)
def addmm(draw):
    if draw.layout == "0-d":
        return Call(point(draw), draw.array((3,)), draw.array((3,)))
    m, k, n = sizes(draw, 3)
    named = {"alpha": draw.integer(-4, 4) / 2} if draw.flag() else {"alpha": 1.0, "beta": draw.integer(-4, 4) / 2}
    return Call(draw.array(draw.choice((n,), (m, n), (1, n))), draw.array((m, k)), draw.array((k, n)), **named)


@function("inner", **sums_of(np.inner))
def inner(draw):
    if draw.layout == "0-d":
        return Call(point(draw), point(draw))
    m, k, n = sizes(draw, 3)
    return Call(draw.array(draw.choice((k,), (m, k), (2, m, k))), draw.array(draw.choice((k,), (n, k), (n + 1, k))))


@function("outer", **sums_of(np.outer))
def outer(draw):
    return Call(draw.array(most=2), draw.array(most=2))


def numpy_vecdot(a, b, axis):
    return (np.conj(a) * b).sum(axis, dtype=a.dtype)


@function("vecdot", **sums_of(numpy_vecdot))
def vecdot(draw):
    if draw.layout == "0-d":
        return Call(point(draw), point(draw))
    shape = sizes(draw, 3)
    return Call(draw.array(shape), draw.array([1, *shape[1:]] if draw.flag() else shape), axis=draw.choice(-1, -2, 2))


@function("tensordot", **sums_of(np.tensordot))
def tensordot(draw):
    if draw.layout == "0-d":
        return Call(point(draw), point(draw), axes=0)
    a, b, c, d = sizes(draw, 4)
    axes = draw.choice(2, [[1, 2], [0, 1]], [[-2, -1], [0, 1]])
    return Call(draw.array((a, b, c)), draw.array((b, c, d)), axes=axes)


@function("kron", **sums_of(np.kron))
def kron(draw):
    return Call(draw.array(most=2), draw.array(most=2))


EQUATIONS = [("ij,jk->ik", "ij jk"), ("ij,kj", "ij kj"), ("ij,ij->", "ij ij"), ("ii->i", "ii"), ("iij->j", "iij"),
             ("ij->ji", "ij"), ("i,j,k->kij", "i j k"), ("ij,jk,kl->il", "ij jk kl"), ("bij,bjk->bik", "bij bjk"),
             ("...ij,...jk->...ik", "bij jk"), ("ij,i->j", "ij i"), ("ijk->ik", "ijk"), ("ij,jk", "ij"), ("i1", "ij"),
             ("ij->ii", "ij"), ("ijk", "ij"),]


@function("einsum", **sums_of(np.einsum))
def einsum(draw):
    if draw.layout == "0-d":
        return Call(draw.choice(",->", ","), point(draw), point(draw))
    equation, operands = draw.choice(*EQUATIONS)
    alone = " " not in operands  # mlx may not come back from sums over an empty axis of one array
    size = {label: max(n, int(alone)) for label, n in zip("bijkl", sizes(draw, 5))}
    return Call(equation, *[draw.array([size[label] for label in labels]) for labels in operands.split()])


@function("einsum_path", layouts=["dense", "empty"])
def einsum_path(draw):
    equation, operands = draw.choice(*EQUATIONS[:13])
    size = dict(zip("bijkl", [draw.integer(1, 9) for _ in range(5)]))
    return Call(equation, *[draw.array([size[label] for label in labels]) for labels in operands.split()])


def widened(mask, block, shape):
    return np.repeat(np.repeat(mask.astype(float), block, -2), block, -1)[..., : shape[-2], : shape[-1]]


def block_masked(a, b, block, out, left, right):
    product = (a * widened(left, block, a.shape)) @ (b * widened(right, block, b.shape))
    return product if out is None else product * widened(out, block, product.shape)


# mlx writes beyond its buffers there, and ends the process.
@function("block_masked_mm", dtypes=FLOATS, layouts=["dense", "strided"], ulps=64, scale="result", oracle=block_masked,
          avoid=lambda call: True)
def block_masked_mm(draw):
    m, k, n = (draw.integer(1, 80) for _ in range(3))
    blocks = [-(-size // 32) for size in (m, k, n)]
    batch = (2,) if draw.flag() else ()
    kind = draw.choice("bool", draw.dtype)
    masks = [
        draw.array((blocks[0], blocks[2]), kind),
        draw.array((blocks[0], blocks[1]), kind),
        draw.array((blocks[1], blocks[2]), kind)
    ]
    return Call(draw.array((*batch, m, k)), draw.array((k, n)), 32, masks[0] if draw.flag() else None, *masks[1:])


# mlx computes the following in float32 only.
def gathered(a, b, lhs_indices, rhs_indices):
    return a[lhs_indices.astype(int)] @ b[rhs_indices.astype(int)]


@function("gather_mm", dtypes=["float32", "int32", "bool"], layouts=["dense", "strided"], **sums_of(gathered))
def gather_mm(draw):
    m, k, n = sizes(draw, 3)
    left, right = draw.integer(1, 4), draw.integer(1, 4)
    picked = draw.integer(1, 5)
    indices = [np.asarray(draw.random.integers(0, size, picked), dtype=np.uint32) for size in (left, right)]

    named = {"lhs_indices": Array(indices[0], "uint32"), "rhs_indices": Array(indices[1], "uint32")}
    return Call(draw.array((left, m, k)), draw.array((right, k, n)), **named)


def segmented(a, b, segments):
    return np.stack([a[:, first:end] @ b[first:end] for first, end in segments.astype(int)])


def is_half(call):
    """mlx's sums of half types are other numbers."""
    return call.args[0].dtype in ("float16", "bfloat16")


@function("segmented_mm", dtypes=INTEGERS + FLOATS, layouts=["dense", "strided"], avoid=is_half, **sums_of(segmented))
def segmented_mm(draw):

    m, k, n = sizes(draw, 3)
    ends = np.sort(draw.random.integers(0, k + 1, (draw.integer(1, 4), 2)), axis=-1).astype(np.uint32)
    return Call(draw.array((m, k)), draw.array((k, n)), Array(ends, "uint32"))


def unlike_mlx(call):
    """float64 mlx refuses, complex64 it casts to float32."""
    return call.args[0].dtype in ("float64", "complex64")


def hadamard(a, scale=None):
    n = a.shape[-1]
    h = np.ones((1, 1))
    while len(h) < n:
        h = np.block([[h, h], [h, -h]])
    return a @ h * (n**-0.5 if scale is None else scale)


@function("hadamard_transform", layouts=["dense", "strided"], ulps=16, scale="result", oracle=hadamard,
          avoid=unlike_mlx)
def hadamard_transform(draw):
    a = draw.array((*[draw.integer(1, 3)] * draw.integer(0, 2), draw.choice(1, 2, 4, 16, 64)))
    return Call(a, scale=draw.choice(None, 1.0, 0.5))
