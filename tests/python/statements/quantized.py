# Quantized weights: quantize, dequantize, quantized_matmul, gather_qmm, qqmm, fp8; every mode, width and group;
# shapes, dtypes, batches, gradients, errors.
import itertools

CLOSE = 1e-5
rng = np.random.default_rng(3)
def normal(*shape, dtype=mx.float32):
    return mx.array(rng.standard_normal(shape).astype(np.float32)).astype(dtype)

affine = [(bits, group) for bits in (2, 3, 4, 5, 6, 8) for group in (32, 64, 128)]
modes = [("affine", bits, group) for bits, group in affine] + [("mxfp4", 4, 32), ("mxfp8", 8, 32), ("nvfp4", 4, 16)]
dtypes = (mx.float32, mx.float16, mx.bfloat16)

# ---- there and back
for (mode, bits, group), d in itertools.product(modes, dtypes):
    for shape in ((4, 256), (2, 3, 128), (1, 128), (8, 512)):
        w = normal(*shape, dtype=d)
        parts = mx.quantize(w, group_size=group, bits=bits, mode=mode)
        show(len(parts), type(parts), parts, [p.dtype for p in parts], [p.shape for p in parts])
        show(mx.dequantize(*parts, group_size=group, bits=bits, mode=mode),
            mx.dequantize(*parts, group_size=group, bits=bits, mode=mode).dtype)
        show(mx.dequantize(*parts, group_size=group, bits=bits, mode=mode, dtype=mx.float32))
        show(mx.dequantize(*parts, group_size=group, bits=bits, mode=mode, dtype=mx.float16).dtype)
w = normal(8, 256)
for values in (mx.zeros((2, 128)), mx.ones((2, 128)), -mx.ones((2, 128)),
        mx.arange(256).reshape(2, 128).astype(mx.float32), -mx.arange(256).reshape(2, 128).astype(mx.float32),
        normal(2, 128) * 1e6, normal(2, 128) * 1e-6, mx.abs(normal(2, 128)), -mx.abs(normal(2, 128)), w[::2],
        w[:, ::-1], w.T[:, :8].T):
    for mode, bits, group in modes:
        if values.shape[-1] % group == 0:
            mx.quantize(values, group, bits, mode)
            mx.dequantize(*mx.quantize(values, group, bits, mode), group_size=group, bits=bits, mode=mode)
mx.quantize(w), mx.quantize(w, 64), mx.quantize(w, 32, 8), mx.quantize(w, bits=2)
mx.quantize(w=w, group_size=128, bits=4, mode="affine")
mx.quantize(w, None, None), mx.quantize(w, mode="mxfp4"), mx.quantize(w, mode="mxfp8"), mx.quantize(w, mode="nvfp4")
mx.quantize(w, stream=mx.cpu)
for options in (dict(bits=1), dict(bits=7), dict(bits=9), dict(bits=0), dict(bits=-4), dict(group_size=16),
        dict(group_size=48), dict(group_size=0), dict(group_size=256), dict(mode="other"), dict(mode="mxfp4", bits=8),
        dict(mode="mxfp4", group_size=64), dict(mode="mxfp8", bits=4), dict(mode="nvfp4", group_size=32),
        dict(mode="nvfp4", bits=8), dict(mode=None), dict(bits="a"), dict(bits=4.5), dict(nonsense=1)):
    if 0 in (options.get("bits"), options.get("group_size")):
        continue  # mlx ends the process
    mx.quantize(w, **options)
    parts = mx.quantize(w)
    mx.dequantize(*parts, **options)
    mx.quantized_matmul(normal(2, 256), *parts, **options)
mx.quantize(normal(4, 100))
mx.quantize(normal(4, 32))
mx.quantize(mx.array(1.0))
mx.quantize(normal(31))
mx.quantize(mx.zeros((0, 64)))
mx.quantize(mx.arange(64))
mx.quantize(mx.zeros((2, 64), mx.bool_))
mx.quantize(mx.zeros((2, 64), mx.complex64))
mx.quantize(np.ones((2, 64), np.float32))
mx.quantize([[1.0] * 64])
mx.quantize()
mx.quantize(w, mode="nvfp4", global_scale=mx.array(1.0)), mx.quantize(w, global_scale=mx.array(1.0))
mx.quantize(w, mode="mxfp4", global_scale=mx.array(1.0))
mx.quantize(w, mode="nvfp4", global_scale=2.0)
q, s, b = mx.quantize(w)
mx.dequantize(q, s, b), mx.dequantize(w=q, scales=s, biases=b), mx.dequantize(q, s, b, 64, 4)
mx.dequantize(q[0], s[0], b[0]), mx.dequantize(q[::2], s[::2], b[::2]), mx.dequantize(q, s, b, dtype=mx.bfloat16)
mx.dequantize(q, s, b, stream=mx.cpu)
mx.dequantize(q, s)
mx.dequantize(q, s, None)
mx.dequantize(q, s[:2], b[:2])
mx.dequantize(q[:, :8], s, b)
mx.dequantize(q, s, b[:, :2])
mx.dequantize(q, s, b, 32)
mx.dequantize(q, s, b, bits=8)
mx.dequantize(q.astype(mx.int32), s, b)
mx.dequantize(w, s, b)
mx.dequantize(q, s.astype(mx.float16), b).dtype
mx.dequantize(q, s.astype(mx.int32), b.astype(mx.int32))
mx.dequantize(q, s, b, dtype=mx.int32)
mx.dequantize(mx.array(1, mx.uint32), s, b)
qf, sf = mx.quantize(w, mode="mxfp4")
mx.dequantize(qf, sf, mode="mxfp4"), mx.dequantize(qf, sf, None, mode="mxfp4", dtype=mx.float32)
mx.dequantize(qf, sf, b, mode="mxfp4")
mx.dequantize(qf, s, mode="mxfp4")
mx.dequantize(qf, sf)

# ---- products
for (mode, bits, group), d in itertools.product(modes, dtypes):
    for k, n in ((128, 32), (256, 64), (512, 128)):
        wt, wn = normal(n, k, dtype=d), normal(k, 128 if n < 128 else n, dtype=d)
        pt, pn = mx.quantize(wt, group, bits, mode), mx.quantize(wn, group, bits, mode)
        options = dict(group_size=group, bits=bits, mode=mode)
        for m in (1, 2, 7, 33):
            x = normal(m, k, dtype=d) * (0.1 if d != mx.float32 else 1)
            y = mx.quantized_matmul(x, *pt, transpose=True, **options)
            exact = (x.astype(mx.float32) @ mx.dequantize(*pt, **options).astype(mx.float32).T)
            show(y.shape, y.dtype, bool(mx.abs(y.astype(mx.float32) - exact).max() < (1e-3 if d == mx.float32 else 5)))
            y = mx.quantized_matmul(x, *pn, transpose=False, **options)
            exact = (x.astype(mx.float32) @ mx.dequantize(*pn, **options).astype(mx.float32))
            show(y.shape, y.dtype, bool(mx.abs(y.astype(mx.float32) - exact).max() < (1e-3 if d == mx.float32 else 5)))
            if d == mx.float32:
                show(mx.quantized_matmul(x, *pt, transpose=True, **options),
                    mx.quantized_matmul(x, *pn, transpose=False, **options))
for mode, bits, group in modes:
    options = dict(group_size=group, bits=bits, mode=mode)
    parts = mx.quantize(normal(64, 128), group, bits, mode)
    batch = mx.quantize(normal(3, 64, 128), group, bits, mode)
    pair = mx.quantize(normal(2, 3, 64, 128), group, bits, mode)
    for x in (normal(128), normal(1, 128), normal(5, 128), normal(3, 5, 128), normal(2, 3, 4, 128), normal(128, 5).T,
            normal(5, 256)[:, ::2], normal(3, 1, 128)):
        mx.quantized_matmul(x, *parts, **options)
        mx.quantized_matmul(x, *batch, **options) if x.ndim > 2 else None
        mx.quantized_matmul(x, *pair, **options) if x.ndim > 3 else None
    for x in (normal(64), normal(5, 64), normal(3, 5, 64)):
        mx.quantized_matmul(x, *parts, transpose=False, **options)
        mx.quantized_matmul(x, *batch, transpose=False, **options) if x.ndim > 2 else None
    mx.quantized_matmul(normal(2, 64), *parts, **options)
    mx.quantized_matmul(normal(2, 128), *parts, transpose=False, **options)
    mx.vmap(lambda x: mx.quantized_matmul(x, *parts, **options))(normal(3, 4, 128)) if mode == "none" else None
    mx.grad(lambda x: (mx.quantized_matmul(x, *parts, **options) ** 2).sum())(normal(3, 128))
    mx.grad(lambda x: (mx.quantized_matmul(x, *parts, transpose=False, **options) ** 2).sum())(normal(3, 64))
    mx.jvp(lambda x: mx.quantized_matmul(x, *parts, **options), [normal(3, 128)], [normal(3, 128)])
    if mode == "affine":
        mx.grad(lambda s: mx.quantized_matmul(normal(3, 128) * 0 + 1, parts[0], s, parts[2], **options).sum())(parts[1])
        mx.grad(lambda b: mx.quantized_matmul(normal(3, 128) * 0 + 1, parts[0], parts[1], b, **options).sum())(parts[2])
        mx.grad(lambda s: mx.dequantize(parts[0], s, parts[2], **options).sum())(parts[1])
mx.quantized_matmul(normal(2, 256), q, s, b), mx.quantized_matmul(normal(2, 256), q, scales=s, biases=b)
mx.quantized_matmul(normal(2, 8), q, s, b, False), mx.quantized_matmul(normal(2, 256), q, s, b, True, 64, 4)
mx.quantized_matmul(x=normal(2, 256), w=q, scales=s, biases=b)
mx.quantized_matmul(normal(2, 256), q, s, b, stream=mx.cpu)
x = normal(2, 256)
mx.quantized_matmul(x, q, s)
mx.quantized_matmul(x, q, s, None)
mx.quantized_matmul(x, w, s, b)
mx.quantized_matmul(x, q.astype(mx.int32), s, b)
mx.quantized_matmul(x, q, s[:, :2], b)
mx.quantized_matmul(x, q, s, b[:4])
mx.quantized_matmul(x, q[0], s[0], b[0])
mx.quantized_matmul(x, q, s, b, group_size=32)
mx.quantized_matmul(x.astype(mx.int32), q, s, b)
mx.quantized_matmul(x.astype(mx.complex64), q, s, b)
mx.quantized_matmul(x.astype(mx.float16), q, s, b).dtype
mx.quantized_matmul(x, q, s.astype(mx.float16), b.astype(mx.float16)).dtype
mx.quantized_matmul(x.astype(mx.bfloat16), q, s.astype(mx.bfloat16), b.astype(mx.bfloat16)).dtype
mx.quantized_matmul(x, q, s.astype(mx.float16), b).dtype
mx.quantized_matmul(x, qf, sf, mode="mxfp4"), mx.quantized_matmul(x, qf, sf, None, True, 32, 4, "mxfp4")
mx.quantized_matmul(x, qf, sf, b, mode="mxfp4")
mx.quantized_matmul(x, qf, sf, mode="mxfp8")
mx.quantized_matmul(x, q, s, b, transpose=1)
mx.quantized_matmul()
mx.quantized_matmul(x)

# ---- picked matrices
for mode, bits, group in modes:
    options = dict(group_size=group, bits=bits, mode=mode)
    for transpose in (True, False):
        parts = mx.quantize(normal(4, 64, 128), group, bits, mode)
        k = 128 if transpose else 64
        for x, left, right in (((2, 3, k), None, (0, 3)), ((2, 3, k), (0, 1), (1, 2)), ((2, 3, k), (1, 0, 1), None),
                ((5, 1, 1, k), None, (0, 1, 2, 3, 0)), ((1, k), None, (2, 1, 0)), ((4, 3, k), None, None),
                ((2, 3, k), ((0,), (1,)), (0, 1, 3))):
            lhs = None if left is None else mx.array(left, mx.uint32)
            rhs = None if right is None else mx.array(right, mx.uint32)
            if len(x) == 4:
                rhs = rhs.reshape(5, 1)
            xs = normal(*x)
            mx.gather_qmm(xs, *parts, lhs_indices=lhs, rhs_indices=rhs, transpose=transpose, **options)
        xs = normal(6, 1, k)
        mx.gather_qmm(xs, *parts, rhs_indices=mx.array([0, 0, 1, 2, 2, 3]), transpose=transpose, sorted_indices=True,
            **options)
        mx.gather_qmm(xs, *parts, rhs_indices=mx.array([0, 0, 1, 2, 2, 3], mx.int32), transpose=transpose, **options)
        mx.grad(lambda x: mx.gather_qmm(x, *parts, rhs_indices=mx.array([0, 0, 1, 2, 2, 3], mx.uint32),
            transpose=transpose, **options).sum())(xs)
        mx.gather_qmm(xs, *parts, rhs_indices=mx.array([0.0]), transpose=transpose, **options)
        mx.gather_qmm(xs, *parts, None, mx.array([0, 1]), transpose, group, bits, mode)
        mx.gather_qmm(xs[0], *[p[0] for p in parts], transpose=transpose, **options)
mx.gather_qmm(x, q, s, b)
mx.gather_qmm(x, q, s)
mx.gather_qmm(x)

# ---- both sides quantized
for mode, bits, group in (("mxfp4", 4, 32), ("mxfp8", 8, 32), ("nvfp4", 4, 16)):
    w = normal(64, 128)
    parts = mx.quantize(w, mode=mode)
    x = normal(1, 128)
    mx.qqmm(x, *parts, mode=mode), mx.qqmm(x, *parts, group_size=group, bits=bits, mode=mode)
    mx.qqmm(x, *parts, mode=mode).dtype
    mx.qqmm(x.astype(mx.bfloat16), *parts, mode=mode).dtype, mx.qqmm(x.astype(mx.float16), *parts, mode=mode).dtype
    mx.qqmm(normal(1, 64), *parts, mode=mode)
    mx.qqmm(x, parts[0], mode=mode)
    mx.qqmm(x, *parts, bits=3, mode=mode)
    mx.qqmm(x, *parts, group_size=48, mode=mode)
mx.qqmm(x, q, s, b)
mx.qqmm(x, q, s)
mx.qqmm(x, w, mode="other")
mx.qqmm(x.astype(mx.int32), *mx.quantize(w, mode="mxfp8"), mode="mxfp8")

# ---- fp8
values = mx.array([0.0, -0.0, 1.0, -1.0, 0.5, 448.0, 449.0, 1000.0, -1e9, 1e-3, 2.0**-9, 2.0**-10, 2.0**-11, 1.06,
    1.0625, 1.07, 15.5, 16.5, 17.0, float("inf"), -float("inf"), 0.0019, 240.0, 3.3])
for d in dtypes:
    v = values.astype(d)
    mx.to_fp8(v), mx.to_fp8(v).dtype, mx.from_fp8(mx.to_fp8(v), d), mx.from_fp8(mx.to_fp8(v), dtype=mx.float32)
    mx.to_fp8(v, stream=mx.cpu)
    mx.to_fp8(normal(1000, dtype=d) * 30)
    mx.from_fp8(mx.arange(256).astype(mx.uint8), d)
    mx.from_fp8(mx.arange(256).astype(mx.uint8).reshape(16, 16).T, d)
mx.from_fp8(mx.to_fp8(values)).dtype
mx.from_fp8(mx.array([1, 2]))
mx.from_fp8(mx.array([1.0]))
mx.from_fp8(mx.array([1], mx.uint8), mx.int32)
mx.from_fp8(mx.array([1], mx.uint8), dtype=None)
mx.to_fp8(mx.array([1, 2]))
mx.to_fp8(mx.array([True]))
mx.to_fp8(mx.array([1j]))
mx.to_fp8(2.0)
mx.to_fp8([1.0])
mx.to_fp8(np.ones(2, np.float32))
mx.to_fp8(mx.zeros((0, 2))), mx.from_fp8(mx.zeros((0, 2), mx.uint8)), mx.to_fp8(mx.array(3.0))
mx.to_fp8(values.reshape(2, 12).T), mx.to_fp8(values[::2])

# ---- docs/differences.md
mx.quantized_matmul(x.astype(mx.float32), *mx.quantize(normal(2, 8, 128)))  # differs: a vector or a matrix times a batch
mx.quantized_matmul(normal(2, 256).astype(mx.float64), q, s, b)  # differs: `quantized_matmul` of float64
mx.quantized_matmul(mx.array(1.0), q, s, b)  # differs: `quantized_matmul` of a 0-d array
mx.grad(lambda w: mx.quantized_matmul(normal(2, 256), w, s, b).sum())(q)  # differs: gradients with respect to packed weights
mx.qqmm(normal(1, 64), normal(8, 64), mode="affine")  # differs: `qqmm` with `affine`
