# Kernels of networks, quantized and gathered products with arguments of every kind.
k = mx.random.key(3)
def N(*s, dtype=mx.float32):
    return mx.array(np.random.default_rng(sum(s)).standard_normal(s).astype(np.float32)).astype(dtype)
x = N(2, 4, 8)
w = mx.ones(8)
mx.fast.rms_norm(x, w, 1e-5), mx.fast.rms_norm(x, None, 1e-5), mx.fast.rms_norm(x, weight=w, eps=1e-5)
mx.fast.rms_norm(x.astype(mx.float16), w, 1e-5).dtype, mx.fast.rms_norm(x, w.astype(mx.float16), 1e-5).dtype
mx.fast.rms_norm(x, mx.ones(7), 1e-5)
mx.fast.rms_norm(x, mx.ones((8, 1)), 1e-5)
mx.fast.rms_norm(mx.array(1.0), mx.array(1.0), 1e-5)
mx.fast.rms_norm(mx.array(1.0), None, 1e-5)
mx.fast.rms_norm(x, w)
mx.fast.rms_norm(mx.arange(8), w, 1e-5)
mx.fast.rms_norm(x, 3.0, 1e-5)
mx.fast.layer_norm(x, w, w, 1e-5), mx.fast.layer_norm(x, None, None, 1e-5), mx.fast.layer_norm(x, None, w, 1e-5)
mx.fast.layer_norm(x, w, None, 1e-5), mx.fast.layer_norm(x, weight=w, bias=w, eps=1e-3)
mx.fast.layer_norm(x, mx.ones(7), None, 1e-5)
mx.fast.layer_norm(x, None, mx.ones(9), 1e-5)
mx.fast.layer_norm(x, w, w[:, None], 1e-5)
mx.fast.layer_norm(mx.array(1.0), None, None, 1e-5)
mx.fast.layer_norm(mx.arange(8), None, None, 1e-5)
R = dict(traditional=False, base=10000.0, scale=1.0, offset=0)
mx.fast.rope(x, 8, **R), mx.fast.rope(x, 4, **R), mx.fast.rope(x, 8, traditional=True, base=100, scale=0.5, offset=3)
mx.fast.rope(x[None], 8, **R), mx.fast.rope(x[0], 8, **R) if 0 else 1
mx.fast.rope(x, 8, traditional=False, base=None, scale=1.0, offset=0, freqs=mx.arange(1, 5).astype(mx.float32))
mx.fast.rope(x, 8, traditional=False, base=10.0, scale=1.0, offset=mx.array(2))
mx.fast.rope(x[None], 8, traditional=False, base=10.0, scale=1.0, offset=mx.array([2]))
mx.fast.rope(mx.stack([x, x]), 8, traditional=False, base=10.0, scale=1.0, offset=mx.array([2, 5]))
mx.fast.rope(x, 7, **R)
mx.fast.rope(x, 10, **R)
mx.fast.rope(x, 0, **R)
mx.fast.rope(x[0, 0], 8, **R)
mx.fast.rope(x[0], 8, **R)
mx.fast.rope(x, 8, traditional=False, base=None, scale=1.0, offset=0)
mx.fast.rope(x, 8, traditional=False, base=10.0, scale=1.0, offset=0, freqs=mx.ones(4))
mx.fast.rope(x, 8, traditional=False, base=None, scale=1.0, offset=0, freqs=mx.ones(3))
mx.fast.rope(x, 8, traditional=False, base=None, scale=1.0, offset=0, freqs=mx.ones((2, 2)))
mx.fast.rope(x, 8, traditional=False, base=10.0, scale=1.0, offset=mx.array([1, 2, 3]))
mx.fast.rope(x, 8, traditional=False, base=10.0, scale=1.0, offset=mx.array(1.5))
mx.fast.rope(x.astype(mx.int32), 8, **R)
mx.fast.rope(x.astype(mx.bfloat16), 8, **R), mx.fast.rope(x.swapaxes(1, 2)[:, :4].astype(mx.float16), 4, **R)
q = N(1, 4, 5, 8); kk = N(1, 2, 6, 8); v = N(1, 2, 6, 8)
S = mx.fast.scaled_dot_product_attention
S(q, kk, v, scale=0.3), S(q, kk, v, scale=0.3, mask="causal"), S(q, kk, v, scale=0.3, mask=None)
S(q, kk, v, scale=0.3, mask=mx.ones((5, 6), mx.bool_)), S(q, kk, v, scale=0.3, mask=N(5, 6))
S(q, kk, v, scale=0.3, mask=N(1, 4, 5, 6)), S(q, kk, v, scale=0.3, mask=N(1, 1, 1, 6))
S(q, kk, v, scale=0.3, sinks=N(4)), S(q, kk, v, scale=0.3, mask="causal", sinks=N(4))
S(q, kk, N(1, 2, 6, 3), scale=0.3).shape, S(q, kk, v, scale=0.3, mask=mx.zeros((4, 1, 6))) if 1 else 0
S(q, kk, v, scale=0.3, mask=mx.zeros((5, 6), mx.bool_)), S(q, kk[:, :, :0], v[:, :, :0], scale=0.3).shape
S(q, kk, v)
S(q, kk, v, scale=0.3, mask="other")
S(q, kk, v, scale=0.3, mask=3)
S(q, kk, v, scale=0.3, mask=mx.zeros((4, 6)))
S(q, kk, v, scale=0.3, mask=mx.zeros((5, 6), mx.float64))
S(q, kk, v, scale=0.3, mask=mx.zeros((5, 6), mx.int32))
S(q.astype(mx.float16), kk.astype(mx.float16), v.astype(mx.float16), scale=0.3, mask=mx.zeros((5, 6), mx.float32))
S(q.astype(mx.float16), kk.astype(mx.float16), v.astype(mx.float16), scale=0.3, mask=mx.zeros((5, 6), mx.bfloat16))
S(q[0], kk[0], v[0], scale=0.3)
S(N(1, 3, 5, 8), kk, v, scale=0.3)
S(q, N(1, 2, 6, 7), v, scale=0.3)
S(q, kk, N(1, 2, 5, 8), scale=0.3)
S(q, kk, N(1, 4, 6, 8), scale=0.3)
S(N(2, 4, 5, 8), kk, v, scale=0.3)
S(q.astype(mx.int32), kk.astype(mx.int32), v.astype(mx.int32), scale=0.3)
S(q.astype(mx.float16), kk, v, scale=0.3).dtype
S(q, kk, v, scale=0.3, sinks=N(3))
S(q, kk, v, scale=0.3, sinks=N(4, 1))
S(q, kk, v, scale=0.3, force_fused=True)
S(q, kk, v, scale=0.3, sinks=mx.ones(4, mx.float16)).dtype
mk = mx.fast.metal_kernel(name="a", input_names=["x"], output_names=["y"], source="y[0] = x[0];")
mk(inputs=[x], template=[("T", mx.float32)], grid=(1, 1, 1), threadgroup=(1, 1, 1), output_shapes=[(1,)],
    output_dtypes=[mx.float32])
mk(inputs=[x], grid=(1, 1, 1), threadgroup=(1, 1, 1), output_shapes=[(1,)], output_dtypes=[mx.float32], stream=mx.cpu)
mk()
mx.fast.cuda_kernel(name="a", input_names=["x"], output_names=["y"], source="y[0] = x[0];")
mx.fast.precompiled_cuda_kernel(name="a", compiled_source=b"", inputs=[x], output_shapes=[(1,)],
    output_dtypes=[mx.float32], scalars=[], grid=(1, 1, 1), threadgroup=(1, 1, 1))
mx.fast.metal_kernel()
mx.metal.is_available(), mx.cuda.is_available()
mx.metal.start_capture("a.gputrace")
mx.metal.stop_capture()
mx.metal.device_info()
mx.metal.get_active_memory().__class__, mx.metal.get_peak_memory().__class__, mx.metal.get_cache_memory().__class__
mx.metal.reset_peak_memory(), mx.metal.clear_cache(), mx.metal.set_cache_limit(1 << 20).__class__
mx.metal.set_memory_limit(1 << 36).__class__
mx.metal.set_wired_limit(0)
mx.set_wired_limit(0), mx.set_wired_limit(1 << 20)
W = N(8, 64)
for mode, g, b in ((None, 64, 4), ("affine", 32, 2), ("affine", 32, 3), ("affine", 64, 5), ("affine", 64, 6),
        ("affine", 32, 8), ("mxfp4", 32, 4), ("mxfp8", 32, 8), ("nvfp4", 16, 4)):
    kw = dict(group_size=g, bits=b, **({"mode": mode} if mode else {}))
    qw = mx.quantize(W, **kw)
    [list(qw), mx.dequantize(*qw, **kw), mx.quantized_matmul(N(3, 64), *qw, **kw),
        mx.quantized_matmul(N(3, 8), *qw, transpose=False, **kw)]
    [mx.quantize(W, mode=mode)[0].shape] if mode else 0
    mx.gather_qmm(N(2, 1, 64), mx.stack([qw[0]] * 2), mx.stack([qw[1]] * 2),
        mx.stack([qw[2]] * 2) if len(qw) > 2 else None, rhs_indices=mx.array([1, 0]), **kw)
    mx.quantized_matmul(N(3, 64, dtype=mx.bfloat16), *qw, **kw).dtype
mx.quantize(W, 16), 
mx.quantize(W, 64, 7)
mx.quantize(W, 64, 1)
mx.quantize(W, 128)
mx.quantize(W, mode="mxfp4", group_size=64)
mx.quantize(W, mode="mxfp4", bits=8)
mx.quantize(W, mode="nvfp4", group_size=32)
mx.quantize(W, mode="other")
mx.quantize(N(64)), mx.quantize(W.astype(mx.int32))
mx.quantize(N(64))
mx.quantize(W.astype(mx.int32))
mx.quantize(N(8, 48))
mx.quantize(mx.array(1.0))
mx.quantize(W.astype(mx.float16))[1].dtype, mx.quantize(W.astype(mx.bfloat16))[2].dtype
mx.quantize(N(2, 3, 64))[0].shape, mx.quantize(mx.zeros((0, 64)))[0].shape, mx.quantize(mx.zeros((2, 64)))
mx.quantize(W, group_size=None, bits=None)[0].shape
wq, sc, bi = mx.quantize(W)
mx.dequantize(wq, sc, bi), mx.dequantize(wq, sc, bi, 64, 4), mx.dequantize(wq, sc, bi, dtype=mx.float16).dtype
mx.dequantize(wq, scales=sc, biases=bi, group_size=64, bits=4, mode="affine")
mx.dequantize(wq, sc)
mx.dequantize(wq, sc, bi, 32)
mx.dequantize(wq, sc, bi, bits=8)
mx.dequantize(wq.astype(mx.int32), sc, bi)
mx.dequantize(wq, sc[:4], bi)
mx.dequantize(wq, sc, bi[:4])
mx.dequantize(wq, sc, bi, mode="mxfp4")
mx.dequantize(W, sc, bi)
mx.quantized_matmul(N(3, 64), wq, sc, bi), mx.quantized_matmul(N(64), wq, sc, bi)
mx.quantized_matmul(N(2, 3, 64), wq, sc, bi).shape
mx.quantized_matmul(N(3, 64), wq, scales=sc, biases=bi, transpose=True)
mx.quantized_matmul(N(3, 63), wq, sc, bi)
mx.quantized_matmul(N(3, 64), wq, sc, bi, transpose=False)
mx.quantized_matmul(N(3, 64), wq, sc)
mx.quantized_matmul(N(3, 64), W, sc, bi)
mx.quantized_matmul(mx.ones((3, 64), mx.int32), wq, sc, bi)
mx.quantized_matmul(N(3, 64), wq, sc, bi, group_size=32)
mx.quantized_matmul(N(3, 64, dtype=mx.float16), wq, sc, bi).dtype
mx.quantized_matmul(N(3, 64), wq[0], sc[0], bi[0])
mx.quantized_matmul(N(3, 64), wq, sc, bi, mode="nvfp4")
mx.gather_qmm(N(3, 64), wq, sc, bi)
mx.gather_qmm(N(5, 3, 64), mx.stack([wq] * 4), mx.stack([sc] * 4), mx.stack([bi] * 4), lhs_indices=mx.array([0, 4]),
    rhs_indices=mx.array([3, 0]))
mx.gather_qmm(N(5, 3, 64), mx.stack([wq] * 4), mx.stack([sc] * 4), mx.stack([bi] * 4), mx.array([[0], [4]]),
    mx.array([[3, 0]])).shape
mx.gather_qmm(N(2, 1, 64), mx.stack([wq] * 4), mx.stack([sc] * 4), mx.stack([bi] * 4), None, mx.array([0, 3]),
    sorted_indices=True)
mx.gather_qmm(N(3, 64), wq, sc, bi, rhs_indices=mx.array([0.0]))
mx.gather_qmm(N(5, 3, 64), mx.stack([wq] * 4), mx.stack([sc] * 4), mx.stack([bi] * 4), rhs_indices=mx.array([0, 1]))
mx.to_fp8(mx.array([0.0, 1.0, -1.5, 448, 500, 1e-3, 0.3])), mx.from_fp8(mx.array([0, 56, 255, 1, 126], mx.uint8))
mx.from_fp8(mx.array([56], mx.uint8), mx.float16), mx.from_fp8(mx.arange(256).astype(mx.uint8), dtype=mx.float32)
mx.from_fp8(mx.array([56]))
mx.to_fp8(mx.array([1]))
mx.from_fp8(mx.array([56], mx.uint8), mx.int32)
a = N(2, 3, 4); b = N(2, 4, 5)
mx.gather_mm(a, b), mx.gather_mm(a, b, mx.array([0, 1]), mx.array([1, 0]))
mx.gather_mm(a, b, rhs_indices=mx.array([1, 1])), mx.gather_mm(a, b, lhs_indices=mx.array([1])) if 0 else 1
mx.gather_mm(a, b, mx.array([0, 1], mx.uint32), mx.array([1, 0], mx.uint32), sorted_indices=True)
mx.gather_mm(a, b[:, :3], mx.array([0]), mx.array([1]))
mx.gather_mm(a, b, mx.array([0.0]), mx.array([1]))
mx.gather_mm(a, b, mx.array([0]), mx.array([1, 0, 1])) if 0 else 1
mx.gather_mm(a[0, 0], b, mx.array([0]), mx.array([1]))
mx.segmented_mm(N(4, 6), N(6, 5), mx.array([[0, 2], [2, 6]], mx.uint32))
mx.segmented_mm(N(4, 6), N(6, 5), mx.array([[0, 0], [5, 6]])).shape
mx.segmented_mm(N(4, 6), N(6, 5), mx.array([0, 2]))
mx.segmented_mm(N(4, 6), N(6, 5), mx.array([[0.0, 2.0]]))
mx.segmented_mm(N(1, 4, 6), N(6, 5), mx.array([[0, 2]]))
A = N(64, 64); M = mx.array([[True, False], [True, True]])
mx.block_masked_mm(A, A, 32), mx.block_masked_mm(A, A, 32, M), mx.block_masked_mm(A, A, 32, M, M, M)
mx.block_masked_mm(A, A, 32, None, M, None), mx.block_masked_mm(A, A, 64, mx.array([[True]]))
mx.block_masked_mm(A, A, 32, M.astype(mx.float32) * 2)
mx.block_masked_mm(A, A, 16)
mx.block_masked_mm(A, A, 32, mx.array([[True]]))
mx.block_masked_mm(A, A, 32, mx.array([True]))
mx.block_masked_mm(A.astype(mx.int32), A.astype(mx.int32), 32)
mx.block_masked_mm(A, A[:32], 32)
