# Every function on every kind of stream and device, with one argument too few, too many, of another kind.
S = mx.default_stream(mx.cpu)
N = mx.new_stream(mx.cpu)
T = mx.new_thread_local_stream(mx.cpu)
A = mx.array([[1.0, 2.0], [3.0, 4.5]])
B = mx.array([[2.0, 1.0], [0.5, 1.5]])
I = mx.array([[1, 0], [0, 1]])
V = mx.array([0.25, 0.5, 0.75])
M = mx.array([[4.0, 1.0], [1.0, 3.0]])
X = mx.arange(24).reshape(1, 4, 3, 2).astype(mx.float32)
W = mx.ones((3, 2, 2, 2))
Q, QS, QB = mx.quantize(mx.arange(256).reshape(4, 64).astype(mx.float32), 32, 4)
K = mx.random.key(7)
one = """
    abs all any arccosh arcsinh arctan argmax argmin argsort atleast_1d atleast_2d atleast_3d ceil conj conjugate
    cos cosh count_nonzero cumsum cumprod cummax cummin degrees diag diagonal diff erf exp expm1 flatten flip floor imag
    isfinite isinf isnan isneginf isposinf log log10 log1p log2 logcumsumexp logical_not logsumexp max mean median min
    nan_to_num negative ones_like positive prod radians real reciprocal round rsqrt sigmoid sign sin sinh softmax sort
    sqrt square squeeze std stop_gradient sum tan tanh trace transpose tril triu trunc var zeros_like unstack contiguous
    hadamard_transform permute_dims""".split()
two = """
    add array_equal allclose isclose arctan2 atan2 divide divmod equal floor_divide greater greater_equal inner kron
    less less_equal logaddexp logical_and logical_or logical_xor matmul maximum minimum multiply not_equal outer power
    pow remainder subtract tensordot vecdot""".split()
whole = "bitwise_and bitwise_or bitwise_xor left_shift right_shift".split()
calls = {name: (A,) for name in one} | {name: (A, B) for name in two} | {name: (I, I) for name in whole}
calls |= {
    "addmm": (A, A, B), "arccos": (V,), "arcsin": (V,), "arctanh": (V,), "erfinv": (V,), "bitwise_invert": (I,),
    "arange": (3,), "linspace": (0, 1), "full": ((2,), 3.0), "zeros": ((2,),), "ones": ((2,),), "eye": (2,),
    "identity": (2,), "tri": (2,), "full_like": (A, 2.0), "argpartition": (V, 1), "partition": (V, 1), "topk": (V, 2),
    "as_strided": (A, (2,), (1,), 0), "astype": (A, mx.float16), "view": (A, mx.int32),
    "broadcast_arrays": (A, V[:2]), "broadcast_to": (V, (2, 3)), "clip": (A, 1.5, 3.0), "concatenate": ([A, B],),
    "concat": ([A, B],), "stack": ([A, B],), "conv1d": (X[0], mx.ones((3, 2, 2))), "conv2d": (X, W),
    "conv_general": (X, W), "conv3d": (X[None], mx.ones((3, 1, 2, 2, 2))), "convolve": (V, V),
    "conv_transpose1d": (X[0], mx.ones((3, 2, 2))), "conv_transpose2d": (X, W), "einsum": ("ij,jk->ik", A, B),
    "expand_dims": (A, 0), "moveaxis": (A, 0, 1), "swapaxes": (A, 0, 1), "pad": (A, 1),
    "put_along_axis": (A, I, B, 1), "take_along_axis": (A, I, 1), "take": (A, I), "repeat": (A, 2),
    "reshape": (A, (4,)), "roll": (A, 1), "searchsorted": (V, A), "slice": (A, mx.array([0]), (0,), (1, 2)),
    "slice_update": (A, B[:1], mx.array([1]), (0,)), "split": (A, 2), "tile": (A, 2), "unflatten": (A, 1, (1, 2)),
    "where": (A > 2, A, B), "meshgrid": (V, V), "quantize": (mx.ones((2, 64)),),
    "dequantize": (Q, QS, QB, 32, 4), "quantized_matmul": (mx.ones((1, 64)), Q, QS, QB, True, 32, 4),
    "to_fp8": (A,), "from_fp8": (mx.to_fp8(A),), "gather_mm": (A, mx.stack([A, B]), None, mx.array([1])),
    "segmented_mm": (A, B, mx.array([[0, 1], [1, 2]])), "linalg.norm": (A,), "linalg.inv": (M,),
    "linalg.cholesky": (M,), "linalg.qr": (M,), "linalg.svd": (M, False), "linalg.det": (M,),
    "linalg.slogdet": (M,), "linalg.solve": (M, A), "linalg.lu": (M,), "linalg.pinv": (M,),
    "linalg.eigvalsh": (M,), "linalg.cross": (V, V), "linalg.tri_inv": (mx.tril(M),),
    "linalg.solve_triangular": (mx.tril(M), A), "linalg.cholesky_inv": (mx.tril(M),), "linalg.lu_factor": (M,),
    "fast.rms_norm": (A, None, 1e-5), "fast.layer_norm": (A, None, None, 1e-5), "random.uniform": (),
    "random.normal": (), "random.gumbel": (), "random.laplace": (), "random.bernoulli": (), "random.randint": (0, 5),
    "random.truncated_normal": (-1, 1), "random.categorical": (A,), "random.split": (K,), "bartlett": (4,),
    "blackman": (4,), "hamming": (4,), "hanning": (4,), "fft.fftfreq": (4,), "fft.rfftfreq": (4,),
}
transforms = """fft ifft rfft irfft fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn fftshift ifftshift""".split()
calls |= {f"fft.{name}": (A,) for name in transforms}
# of which mlx makes no operation for such an array, so that it does not look at the stream
nothing = "atleast_1d atleast_2d atleast_3d conj conjugate flatten imag positive real".split()
def function(name):
    f = mx
    for part in name.split("."):
        f = getattr(f, part)
    return f
def call(name, *args, **named):
    if name.startswith("random.") and name != "random.split":
        named = {"key": K} | named
    return function(name)(*args, **named)
for name, args in calls.items():
    for s in (None, mx.cpu, mx.Device(mx.cpu), mx.Device(mx.cpu, 0), S, N, T):
        call(name, *args, stream=s)
    for s in (mx.gpu, mx.Device(mx.gpu), "cpu", 3, 1.5, [], A):
        call(name, *args, stream=s) if name not in nothing else None
    call(name, *args, streams=None)
    call(name, *args, device=None)
    for i in range(len(args)):
        call(name, *args[:i])
        for other in (None, "x", object(), {}, lambda: 1, mx.float32, mx.cpu):
            type(call(name, *args[:i], other, *args[i + 1:])).__name__ if name != "as_strided" else None
    call(name, *args, *([None] * 12))
with mx.stream(N):
    for name, args in calls.items():
        call(name, *args)
with mx.stream(mx.cpu):
    mx.default_stream(mx.cpu) == S, mx.default_device() == mx.cpu
with mx.stream(T):
    [call(name, *args) for name, args in list(calls.items())[:40]]
mx.synchronize(N), mx.synchronize(), mx.synchronize(S), mx.synchronize(T)
