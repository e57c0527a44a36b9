# Products: matmul, addmm, inner, outer, vecdot, tensordot, kron, einsum, gather_mm, segmented_mm, block_masked_mm,
# hadamard_transform; shapes, dtypes, orders, errors.
import itertools

CLOSE = 4e-6
rng = np.random.default_rng(11)
names = ["bool_", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16",
    "float32", "float64", "complex64"]
dtypes = [getattr(mx, name) for name in names]
def whole(*shape, dtype=mx.float32):
    return mx.array(rng.integers(-3, 4, shape)).astype(dtype)

def normal(*shape, dtype=mx.float32):
    return mx.array(rng.standard_normal(shape)).astype(dtype)

# ---- matmul
shapes = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((1, 1), (1, 1)), ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((4, 1, 2, 3), (5, 3, 4)), ((3,), (5, 3, 4)),
    ((5, 2, 3), (3,)), ((0, 3), (3, 4)), ((2, 0), (0, 4)), ((2, 3), (3, 0)), ((0, 2, 3), (3, 4)), ((0,), (0,)),
    ((64, 64), (64, 64)), ((33, 17), (17, 65)), ((1, 300), (300, 1)), ((128, 1), (1, 128)), ((2, 3), (4, 3)),
    ((2, 3), ()), ((), ()), ((), (3,)), ((2,), (3,)), ((2, 2, 3), (3, 3, 4))]
for (p, q), d in itertools.product(shapes, dtypes):
    a, b = (whole(*p) * 1).astype(d), (whole(*q) * 1).astype(d)
    mx.matmul(a, b)
    a @ b
for p, q in shapes:
    a, b = normal(*p), normal(*q)
    mx.matmul(a, b), mx.matmul(a, b, stream=mx.cpu)
    mx.inner(a, b)
    mx.outer(a, b)
    mx.vecdot(a, b) if len(p) == len(q) or 0 in (len(p), len(q)) else None
    mx.vecdot(a, b, axis=0)
    mx.kron(a, b)
    mx.tensordot(a, b)
    mx.tensordot(a, b, 1)
    mx.tensordot(a, b, axes=0)
for d, e in itertools.product(dtypes, dtypes):
    (mx.ones((2, 2), d) @ mx.ones((2, 2), e)).dtype
    mx.inner(mx.ones((2,), d), mx.ones((2,), e)).dtype
    mx.outer(mx.ones((2,), d), mx.ones((2,), e)).dtype
    mx.addmm(mx.ones((2,), d), mx.ones((2, 2), e),
        mx.ones((2, 2), e)).dtype if d != mx.complex64 or mx.issubdtype(e, mx.inexact) else None
a, b = normal(4, 6), normal(6, 5)
mx.matmul(a.T, a), mx.matmul(a, a.T), mx.matmul(a[::2], b), mx.matmul(a[:, ::-1], b), mx.matmul(a, b[:, ::2])
mx.matmul(a[:, ::2], b[::2]), a[0] @ b, a @ b[:, 0], a.reshape(2, 2, 6) @ b, mx.broadcast_to(a[:1], (4, 6)) @ b
mx.broadcast_to(a, (3, 4, 6)) @ b, a.reshape(2, 2, 6).swapaxes(0, 1) @ b
mx.matmul(a, [1.0])
mx.matmul(a, 2.0)
a @ 2
2 @ a
a @ np.ones((6, 2), np.float32)
np.ones((2, 4), np.float32) @ a
mx.matmul(a)
mx.matmul(a=a, b=b)
a @ None
a @ "x"
a @ [1, 2]
c = a
c @= b
c
a.__matmul__(b), a.__rmatmul__(b) if hasattr(a, "__rmatmul__") else 0

# ---- addmm
for c, alpha, beta in itertools.product(
        (normal(4, 5), normal(5), normal(4, 1), mx.array(2.0), normal(1, 1), normal(2, 4, 5)), (1.0, 2.0, 0.0, -0.5, 1),
        (1.0, 0.5, 0.0, 3)):
    mx.addmm(c, a, b, alpha, beta), mx.addmm(c, a, b, alpha=alpha, beta=beta)
mx.addmm(normal(4, 5), a, b), mx.addmm(normal(5), a[0], b), mx.addmm(normal(4), a, b[:, 0])
mx.addmm(mx.array(1.0), a[0], b[:, 0]), mx.addmm(normal(3, 4, 5), normal(3, 4, 6), normal(3, 6, 5))
mx.addmm(normal(4, 5), a, b, stream=mx.cpu)
mx.addmm(normal(4, 5, dtype=mx.float16), a.astype(mx.float16), b.astype(mx.float16))
mx.addmm(normal(4, 5, dtype=mx.bfloat16), a.astype(mx.bfloat16), b.astype(mx.bfloat16), 0.5, 2)
mx.addmm(normal(5, dtype=mx.float16), a, b).dtype
mx.addmm(normal(4, 5).astype(mx.complex64), a.astype(mx.complex64), b.astype(mx.complex64), 2.0, 0.5)
mx.addmm(normal(4, 5), a, b.T)
mx.addmm(normal(3, 5), a, b)
mx.addmm(normal(4, 5), a, mx.array(1.0))
mx.addmm(whole(2, 2, dtype=mx.int32), whole(2, 2, dtype=mx.int32), whole(2, 2, dtype=mx.int32))
mx.addmm(1.0, a, b)
mx.addmm(normal(4, 5), a, b, "a")
mx.addmm(c=normal(4, 5), a=a, b=b)
mx.addmm(mx.zeros((0, 5)), mx.zeros((0, 6)), b), mx.addmm(normal(4, 5), mx.zeros((4, 0)), mx.zeros((0, 5)))
mx.addmm(normal(4, 5), mx.zeros((4, 0)), mx.zeros((0, 5)), beta=0.5)
mx.grad(lambda c, a, b: (mx.addmm(c, a, b, 2.0, 0.5) ** 2).sum(), argnums=(0, 1, 2))(normal(4, 5), a, b)
mx.vmap(mx.addmm)(normal(3, 4, 5), normal(3, 4, 6), normal(3, 6, 5))
mx.vmap(mx.addmm, (None, 0, None))(normal(4, 5), normal(3, 4, 6), b)
mx.jvp(lambda a: mx.addmm(normal(4, 5) * 0, a, b), [a], [a])

# ---- inner, outer, vecdot, tensordot, kron
mx.inner(mx.array(2.0), a), mx.inner(mx.array(2.0), mx.array(3.0)), mx.outer(mx.array(2.0), mx.array([1.0, 2.0]))
mx.inner(whole(2, 3, dtype=mx.int32), whole(4, 3, dtype=mx.int32))
mx.outer(whole(2, dtype=mx.int32), whole(3, dtype=mx.int32)), mx.outer(a[:, 0], b[0]), mx.vecdot(a, a)
mx.vecdot(a, a, axis=0), mx.vecdot(a, a, axis=-2), mx.vecdot(a.astype(mx.complex64) * 1j, a.astype(mx.complex64))
mx.vecdot(whole(2, 3, dtype=mx.int32), whole(3, dtype=mx.int32))  # differs: `vecdot` of arrays of other numbers of axes
mx.vecdot(a, a, axis=2)
mx.vecdot(a, b)
mx.vecdot(mx.array(1.0), mx.array(2.0))
x, y = normal(3, 4, 5), normal(4, 3, 2)
for axes in (2, 1, 0, [[0], [1]], ((1, 0), (0, 1)), [[0, 1], [1, 0]], [0, 1], (1, 0), [[-3], [-3]], [[0], [0]], 3, -1,
        [[0, 1], [1]], [[5], [0]], [[], []], "a", None, 1.5, [[0, 0], [1, 1]]):
    mx.tensordot(x, y, axes)
    mx.tensordot(x, y, axes=axes)
    mx.tensordot(normal(3, 4), normal(4, 3), axes)
mx.tensordot(normal(2, 3, 4), normal(3, 4, 5))
mx.tensordot(whole(2, 3, dtype=mx.int32), whole(3, 2, dtype=mx.int32), 1)
mx.tensordot(mx.array([1.0, 2.0]), mx.array([3.0, 4.0]), 1), mx.tensordot(mx.array([1.0, 2.0]), mx.array([3.0, 4.0]), 0)
mx.kron(mx.array([1, 2]), mx.array([[1], [2]])), mx.kron(mx.array(2), mx.array([1, 2])), mx.kron(a, b)
mx.kron(normal(2, 1, 2), normal(2, 2)), mx.kron(mx.array([1, 2]), mx.array([0.5, 1.0]))
mx.kron(a, 2.0)
mx.kron([1, 2], mx.array([1]))

# ---- einsum
operands = {"i": normal(3), "j": normal(4), "k": normal(5), "l": normal(6)}
sizes = dict(zip("ijklmnab", (3, 4, 5, 6, 2, 3, 2, 3)))
def made(subscripts):
    left = subscripts.replace(" ", "").split("->")[0].split(",")
    return [normal(*[sizes[c.lower()] for c in part if c != "."]) for part in left]

for subscripts in ("i", "i->", "i->i", "ij", "ij->ji", "ij->", "ij->i", "ij->j", "ji", "ijk->kji", "ijk->ik", "ii",
        "ii->i", "ii->", "iii->i", "iij->j", "iij->ij", "i,i", "i,i->", "i,i->i", "i,j", "i,j->ij", "i,j->ji", "ij,jk",
        "ij,jk->ik", "ij,jk->ki", "ij,jk->", "ij,jk->ijk", "ij,ij->", "ij,ij->ij", "ij,ji->", "ij,j->i", "mij,mjk->mik",
        "mij,jk->mik", "mijn,mnk->mijk", "mij,mij->m", "ij,jk,kl->il", "ij,jk,kl", "i,j,k->ijk", "i,ij,j->",
        "ij,ik,il->jkl", "mi,mj,mk->mijk", "ij,kl->ijkl", "ij,kl", "ba", "ab,ba->", "mij,nij->mn", "ijk,ilj->kl",
        "ijkl->lkji", " i j , j k -> i k ", "Ij,jK->IK", "mnij,mnjk->mnik", "ijk,jkl,li->", "ii,i->i", "ij,jj->i"):
    xs = made(subscripts)
    mx.einsum(subscripts, *xs)
    mx.einsum_path(subscripts, *xs)
for subscripts, shapes in (("...", [(2, 3)]), ("...->...", [(2, 3)]), ("i...", [(2, 3)]), ("i...->...", [(2, 3, 4)]),
        ("...i->...", [(2, 3, 4)]), ("...ij->...ji", [(2, 3, 4)]), ("...ij,...jk->...ik", [(2, 3, 4), (2, 4, 5)]),
        ("...ij,...jk->...ik", [(2, 3, 4), (4, 5)]), ("...ij,jk", [(2, 3, 4), (4, 5)]),
        ("i...,i...->...", [(3, 4), (3, 4)]), ("...,...", [(2, 3), (2, 3)]), ("i...j->j...i", [(2, 3, 4)]),
        ("...i,...i", [(2, 1, 3), (5, 3)]), ("i...,j->ij...", [(2, 3), (4,)]), ("...ii->...i", [(4, 3, 3)]),
        ("b...,b...->b", [(2, 3), (2, 3)]), ("...i,i", [(2, 3), (3,)])):
    xs = [normal(*s) for s in shapes]
    mx.einsum(subscripts, *xs)
    mx.einsum_path(subscripts, *xs)
for subscripts, shapes in (("", [()]), ("->", [()]), (",->", [(), ()]), ("i,->i", [(3,), ()]),
        ("ij,jk", [(2, 3), (4, 5)]), ("i", [(2, 3)]), ("ij", [(3,)]), ("ij,jk", [(2, 3)]), ("ij", [(2, 3), (3, 4)]),
        ("ij->ii", [(2, 3)]), ("i1->i", [(2, 3)]), ("ij-ji", [(2, 3)]), ("ij>ji", [(2, 3)]), ("ij->ji->ij", [(2, 3)]),
        ("ii", [(2, 3)]), ("i....", [(2, 3)]), ("i..", [(2, 3)]), ("...i...", [(2, 3)]), ("ij,,jk", [(2, 3), (3, 4)]),
        ("ij$", [(2, 3)]), ("i,i", [(1,), (3,)]), ("ij,jk->ik", [(1, 3), (3, 1)]), ("ij,ij->ij", [(1, 3), (2, 1)]),
        ("ij->...", [(2, 3)]), ("i", [(0,)]), ("ij,jk", [(2, 0), (0, 3)])):
    xs = [mx.ones(s) * 2 for s in shapes]
    mx.einsum(subscripts, *xs)
    mx.einsum_path(subscripts, *xs)
mx.einsum("ij,jk", *made("ij,jk"), stream=mx.cpu).shape
mx.einsum("ij,jk")
mx.einsum()
mx.einsum(3, a)
mx.einsum("ij", [[1.0, 2.0]])
mx.einsum("ij", np.ones((2, 2), np.float32))
mx.einsum("i,i", mx.array([1, 2]), mx.array([0.5, 1.5]))
mx.einsum("ij,jk->ik", whole(2, 3, dtype=mx.int32), whole(3, 4, dtype=mx.int32))
mx.einsum("i,j->ij", mx.array([True, False]), mx.array([True, True])), mx.einsum("ij->", whole(2, 3, dtype=mx.uint8))
mx.einsum("i,i->", normal(3, dtype=mx.float16), normal(3, dtype=mx.float16)).dtype
mx.einsum("ij,jk", a.astype(mx.complex64), b.astype(mx.complex64))
type(mx.einsum_path("ij,jk", *made("ij,jk"))), [type(x) for x in mx.einsum_path("ij,jk", *made("ij,jk"))]
mx.grad(lambda a, b: (mx.einsum("ij,jk->ik", a, b) ** 2).sum(), argnums=(0, 1))(a, b)
mx.grad(lambda a: mx.einsum("ii->", a))(normal(3, 3))
mx.grad(lambda a: (mx.einsum("ii->i", a) ** 2).sum())(normal(3, 3))
mx.vmap(lambda a, b: mx.einsum("ij,jk->ik", a, b))(normal(2, 3, 4), normal(2, 4, 5))
mx.vmap(lambda a: mx.einsum("ij->ji", a))(normal(2, 3, 4))

# ---- picked and segmented
w = normal(4, 6, 5)
for x, left, right in (((2, 3, 6), None, (0, 3)), ((2, 3, 6), (0, 1), (1, 2)),
        ((5, 1, 1, 6), None, ((0,), (1,), (2,), (3,), (0,))), ((1, 6), None, (2, 1, 0)), ((4, 3, 6), None, None),
        ((3, 6), None, (0, 1)), ((2, 3, 6), ((0,), (1,)), (0, 1, 3)), ((2, 3, 6), (0, 1, 0), None),
        ((2, 3, 6), (0, 1), (0, 1, 2))):
    left, right = (None if i is None else mx.array(i, mx.uint32) for i in (left, right))
    xs = normal(*x)
    mx.gather_mm(xs, w, left, right)
    mx.gather_mm(xs, w, lhs_indices=left, rhs_indices=right)
    mx.gather_mm(xs, w, left, None if right is None else right.astype(mx.int32))
    mx.gather_mm(xs, w, left, right, stream=mx.cpu)
    mx.grad(lambda x, w: (mx.gather_mm(x, w, left, right) ** 2).sum(), argnums=(0, 1))(xs, w) if len(x) > 2 else None
mx.gather_mm(normal(6, 1, 6), w, rhs_indices=mx.array([0, 0, 1, 1, 2, 3]), sorted_indices=True)
mx.gather_mm(normal(3, 6), normal(6, 5)), mx.gather_mm(normal(3, 6), w[0], None, None)
mx.gather_mm(normal(3, 4), w, None, mx.array([0]))
mx.gather_mm(normal(6), w, None, mx.array([0]))
mx.gather_mm(normal(3, 6), w, None, mx.array([0.0]))
mx.gather_mm(normal(3, 6), normal(6), None, mx.array([0]))
for x, y, segments in (((3, 8), (8, 4), [[0, 4], [4, 8]]), ((3, 8), (8, 4), [[0, 0], [2, 7], [0, 8]]),
        ((1, 8), (8, 1), [[0, 8]])):
    mx.segmented_mm(normal(*x), normal(*y), mx.array(segments, mx.uint32))
    mx.segmented_mm(normal(8, 3).T, normal(*y), mx.array(segments, mx.uint32)) if x[0] == 3 else None
    mx.segmented_mm(normal(*x), normal(*y), segments=mx.array(segments, mx.int32))
mx.segmented_mm(normal(3, 8), normal(8, 4), mx.array([0, 4], mx.uint32)).shape
mx.segmented_mm(normal(3, 8), normal(8, 4), mx.array([0, 4, 8], mx.uint32))
mx.segmented_mm(normal(3, 8), normal(8, 4), mx.array([[0.0, 4.0]]))
mx.segmented_mm(normal(2, 3, 8), normal(8, 4), mx.array([[0, 4]], mx.uint32))
for m, n, k, block in ((64, 64, 64, 64), (64, 32, 96, 32), (100, 70, 40, 32), (128, 128, 128, 64)):
    x, y = normal(m, k), normal(k, n)
    rows, columns, inner = -(-m // block), -(-n // block), -(-k // block)
    out, left, right = (mx.array(rng.random(s) < 0.6) for s in ((rows, columns), (rows, inner), (inner, columns)))
    show(mx.block_masked_mm(x, y, block), mx.block_masked_mm(x, y, block, out),
        mx.block_masked_mm(x, y, block, None, left, right),
        mx.block_masked_mm(x, y, block, mask_out=out, mask_lhs=left, mask_rhs=right),
        mx.block_masked_mm(x, y, block, out.astype(mx.float32) * 2))
mx.block_masked_mm(x, y), mx.block_masked_mm(x, y, 64, stream=mx.cpu)
mx.block_masked_mm(x, y, 16)
mx.block_masked_mm(x, y, 48)
mx.block_masked_mm(x, y, 64, mx.ones((3, 3), mx.bool_))
mx.block_masked_mm(normal(3, 4), normal(5, 6))

# ---- hadamard
for n in (1, 2, 4, 8, 16, 32, 64, 128, 256, 12, 20, 28, 24, 40, 56, 96, 1024, 3, 5, 0):
    x = normal(3, n)
    mx.hadamard_transform(x) if n else None
    mx.hadamard_transform(x, scale=1.0), mx.hadamard_transform(x, 0.5), mx.hadamard_transform(x[0], scale=None)
    mx.hadamard_transform(x, stream=mx.cpu)
    mx.hadamard_transform(x.astype(mx.float16)), mx.hadamard_transform(x.astype(mx.bfloat16)).dtype
    mx.grad(lambda x: (mx.hadamard_transform(x) * x).sum())(x) if n % 20 and n % 28 else None
mx.hadamard_transform(mx.arange(8))
mx.hadamard_transform(mx.array(1.0))
mx.hadamard_transform(normal(4, 3).T)
mx.hadamard_transform(normal(2, 3, 8)), mx.vmap(mx.hadamard_transform)(normal(2, 3, 8))
mx.vmap(mx.hadamard_transform, 1, 1)(normal(8, 3)), mx.jvp(mx.hadamard_transform, [normal(8)], [normal(8)])
mx.hadamard_transform([1.0, 2.0])

# ---- gradients and batches
for p, q in (((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
        ((5, 2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4))):
    a, b = normal(*p), normal(*q)
    mx.grad(lambda a, b: (mx.matmul(a, b) ** 2).sum(), argnums=(0, 1))(a, b)
    mx.vjp(mx.matmul, [a, b], [mx.ones_like(a @ b)])[1]
    mx.jvp(mx.matmul, [a, b], [a, b])
    mx.vmap(mx.matmul)(mx.stack([a, a]), mx.stack([b, b]))
    mx.vmap(mx.matmul, (0, None))(mx.stack([a, a]), b)
    mx.vmap(mx.matmul, (None, 0))(a, mx.stack([b, b]))
    mx.vmap(mx.matmul, (1, 1), 1)(mx.stack([a, a], 1),
        mx.stack([b, b], 1)) if a.ndim < 3 and b.ndim < 3 and a.ndim == b.ndim == 2 else None
for f in (mx.inner, mx.outer, mx.kron, mx.vecdot):
    mx.grad(lambda a, b: (f(a, b) ** 2).sum(), argnums=(0, 1))(normal(3), normal(3))
    mx.vmap(f)(normal(2, 3), normal(2, 3)) if f is not mx.outer else mx.vmap(f)(normal(2, 3), normal(2, 3)).shape
mx.grad(lambda a, b: mx.tensordot(a, b, 1).sum(), argnums=(0, 1))(normal(2, 3), normal(3, 4))
mx.vmap(lambda a, b: mx.tensordot(a, b, 1))(normal(5, 2, 3), normal(5, 3, 4))

# ---- docs/differences.md
mx.vecdot(normal(2, 3), normal(3))  # differs: `vecdot` of arrays of other numbers of axes
mx.einsum_path("ij->k", normal(2, 3))  # differs: `einsum_path` to a letter
mx.grad(lambda x: mx.gather_mm(x, w, None, mx.array([2, 1, 0], mx.uint32)).sum())(normal(1, 6))  # differs: gradients of `gather_mm` of one matrix
mx.addmm(mx.ones((2,), mx.complex64), mx.ones((2, 2), mx.int32), mx.ones((2, 2), mx.int32))  # differs: `addmm` of integers to complex
mx.segmented_mm(normal(3, 8), normal(7, 4), mx.array([[0, 4]], mx.uint32))  # differs: `segmented_mm` of matrices
mx.grad(lambda x: (mx.hadamard_transform(x) * mx.arange(20)).sum())(normal(20))  # differs: gradients of `hadamard_transform`
