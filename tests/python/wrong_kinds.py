"""wrong_kinds.py RESULT: calls every public function and method with each argument in turn replaced by things of
other kinds (text, None, numbers too large, lists, arrays of other kinds, …), with too few and too many, and with
keywords that are not there, and writes down which exception each call ends with. Run by test_wrong_kinds.py under real mlx and under tarn.mlx."""

import pickle
import sys

del sys.path[0]  # what stands beside this file is called like modules

import mlx.core as mx  # noqa: E402
import numpy as np  # noqa: E402

a = mx.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]); sq = mx.array([[4.0, 1.0], [1.0, 3.0]]); i32 = mx.array([1, 2, 3])
v = mx.array([1.0, 2.0, 3.0]); key = mx.random.key(0); z = mx.array([1+2j, 3.0]); b8 = mx.array([True, False])
w = mx.random.normal((64, 64)); q = mx.quantize(w)
x1 = mx.ones((1, 5, 2)); w1 = mx.ones((3, 2, 2)); x2 = mx.ones((1, 5, 5, 2)); w2 = mx.ones((3, 2, 2, 2))
x3 = mx.ones((1, 4, 4, 4, 2)); w3 = mx.ones((3, 2, 2, 2, 2))
qkv = mx.ones((1, 2, 4, 64))
f = lambda x: x.sum() if isinstance(x, mx.array) else x
CALLS = {}
def good(names, *args, **named):
    for n in names.split():
        CALLS[n] = (args, named)
good("""abs sign negative square sqrt rsqrt reciprocal exp expm1 erf erfinv sin cos tan arcsin arccos arctan sinh
    cosh tanh arcsinh arccosh arctanh degrees radians log log2 log10 log1p sigmoid floor ceil round conj
    conjugate real imag logical_not isnan isinf isfinite isposinf isneginf nan_to_num stop_gradient zeros_like
    ones_like transpose squeeze sort argsort flatten atleast_1d atleast_2d atleast_3d view_as tri""", a)
good("bitwise_invert", i32)
good("""add subtract multiply divide remainder power maximum minimum logaddexp arctan2 equal not_equal less
    less_equal greater greater_equal logical_and logical_or floor_divide divmod array_equal""", a, a)
good("allclose isclose", a, a, 1e-5, 1e-8, equal_nan=False)
good("bitwise_and bitwise_or bitwise_xor left_shift right_shift", i32, i32)
good("sum prod mean max min all any logsumexp median", a, 0, keepdims=False)
good("var std", a, 0, keepdims=False, ddof=0)
good("argmax argmin", a, 0, keepdims=False)
good("softmax", a, 0, precise=False)
good("cumsum cumprod cummax cummin logcumsumexp", a, 0, reverse=False, inclusive=True)
good("sort argsort", a, 0)
good("partition argpartition", a, 1, 0)
good("topk", a, 1, 0)
good("reshape broadcast_to", a, (2, 3))
good("flatten", a, 0, 1)
good("unflatten", a, 1, (3, 1))
good("squeeze expand_dims", mx.ones((1, 3)), 0)
good("transpose", a, (1, 0))
good("moveaxis", a, 0, 1)
good("swapaxes", a, 0, 1)
good("take", a, mx.array([0]), 1)
good("take_along_axis", a, mx.array([[0]]), 1)
good("put_along_axis", a, mx.array([[0]]), mx.array([[1.0]]), 1)
good("concatenate stack concat", [a, a], 0)
good("split", a, 3, 1)
good("pad", a, 1, "constant", 0)
good("tile", a, 2)
good("repeat", a, 2, 0)
good("roll", a, 1, 0)
good("where", mx.array(True), a, a)
good("clip", a, 0, 1)
good("arange", 0, 5, 1, dtype=mx.int32)
good("linspace", 0, 1, 5, dtype=mx.float32)
good("zeros ones", (2, 3), dtype=mx.float32)
good("full", (2,), 1.0, dtype=mx.float32)
good("eye", 3, 3, 0, dtype=mx.float32)
good("identity", 3, dtype=mx.float32)
good("tri", 3, 3, 0, dtype=mx.float32)
good("full_like", a, 1.0)
good("tril triu", a, 0)
good("diag", v, 0)
good("diagonal", a, 0, 0, 1)
good("trace", a, 0, 0, 1, dtype=mx.float32)
good("meshgrid", v, v, sparse=False, indexing="xy")
good("matmul", a, a.T)
good("inner outer", v, v)
good("addmm", mx.array(0.0), a, a.T, alpha=1.0, beta=1.0)
good("tensordot", a, a.T, 1)
good("kron", v, v)
good("einsum", "ij,kj->ik", a, a)
good("einsum_path", "ij,kj->ik", a, a)
good("block_masked_mm", w, w, 32, mx.ones((2, 2)), mx.ones((2, 2)), mx.ones((2, 2)))
good("gather_mm", w[None], w[None], mx.array([0]), mx.array([0]), sorted_indices=False)
good("segmented_mm", w, w, mx.array([[0, 32], [32, 64]]))
good("hadamard_transform", w, 1.0)
good("quantize", w, 64, 4, mode="affine")
good("dequantize", *q, 64, 4, mode="affine", dtype=mx.float32)
good("quantized_matmul", w, *q, True, 64, 4, mode="affine")
good("gather_qmm", w[None], *[p[None] for p in q], mx.array([0]), mx.array([0]), True, 64, 4, mode="affine",
    sorted_indices=False)
good("to_fp8", a)
good("from_fp8", mx.array([1, 2], mx.uint8), dtype=mx.float32)
good("qqmm", w, w, mode="nvfp4")
good("conv1d conv_transpose1d", x1, w1, 1, 0, 1)
good("conv2d conv_transpose2d", x2, w2, 1, 0, 1)
good("conv3d conv_transpose3d", x3, w3, 1, 0, 1)
CALLS["conv1d"] = ((x1, w1, 1, 0, 1, 1), {})
CALLS["conv2d"] = ((x2, w2, 1, 0, 1, 1), {})
CALLS["conv3d"] = ((x3, w3, 1, 0, 1, 1), {})
good("conv_general", x2, w2, 1, 0, 1, 1, 1, False)
good("convolve", v, v, mode="full")
good("as_strided", a, (2,), (1,), 0)
good("slice", a, mx.array([0]), (0,), (1, 3))
good("slice_update", a, mx.array([[9.0]]), mx.array([0, 0]), (0, 1))
good("contiguous", a, False)
good("view", a, mx.int32)
good("astype", a, mx.int32)
good("number_of_elements", a, 0, False, dtype=mx.int32)
good("broadcast_arrays atleast_1d atleast_2d atleast_3d", a, a)
good("broadcast_shapes", (1,), (2,))
good("depends", [a], [a])
good("issubdtype", mx.float32, mx.floating)
good("finfo", mx.float32)
good("iinfo", mx.int32)
good("result_type", a, mx.int32)
good("promote_types can_cast", mx.float32, mx.int32)
good("isin", a, a)
good("searchsorted", v, v, side="left")
good("unique", v)
good("nonzero", v)
good("count_nonzero", a, 0)
good("vecdot", v, v)
good("asarray", [1.0], dtype=mx.float32)
good("cross", v, v)
good("bartlett blackman hamming hanning", 5)
good("bincount", i32)
good("histogram", v, 3)
good("interp", v, v, v)
good("digitize", v, v)
good("random.key", 1)
good("random.seed", 1)
good("random.split", key, 2)
good("random.bits", (2,), 4, key)
good("random.uniform", 0, 1, (2,), mx.float32, key)
good("random.normal random.laplace", (2,), mx.float32, 0.0, 1.0, key)
good("random.randint", 0, 5, (2,), mx.int32, key)
good("random.bernoulli", 0.5, (2,), key)
good("random.categorical", a, 1, (2,), key=key)
good("random.gumbel", (2,), mx.float32, key)
good("random.truncated_normal", 0.0, 1.0, (2,), mx.float32, key)
good("random.multivariate_normal", mx.zeros(2), sq, (2,), mx.float32, key)
good("random.permutation", a, 0, key)
C = dict(stream=mx.cpu)
good("linalg.inv linalg.cholesky_inv linalg.tri_inv linalg.cholesky", sq, **C)
good("linalg.qr linalg.pinv linalg.eig linalg.eigvals linalg.lu linalg.lu_factor linalg.det linalg.slogdet", sq, **C)
good("linalg.svd", sq, True, **C)
good("linalg.eigh linalg.eigvalsh", sq, "L", **C)
good("linalg.solve", sq, sq, **C)
good("linalg.solve_triangular", sq, sq, upper=False, **C)
good("linalg.norm", a, 2, 1, False)
good("linalg.cross", v, v, -1)
good("fft.fft fft.ifft fft.rfft fft.irfft", v, 3, 0, "ortho")
good("fft.fft2 fft.ifft2 fft.rfft2 fft.irfft2 fft.fftn fft.ifftn fft.rfftn fft.irfftn", a, (2, 3), (0, 1), "ortho")
good("fft.fftshift fft.ifftshift", a, 0)
good("fft.fftfreq fft.rfftfreq", 4, 1.0)
good("fft.stft", mx.ones(64), 16)
good("fft.istft", mx.ones((9, 9), mx.complex64), 16)
good("fast.rms_norm", a, v, 1e-5)
good("fast.layer_norm", a, v, v, 1e-5)
good("fast.rope", qkv, 64, traditional=False, base=10000.0, scale=1.0, offset=0)
good("fast.scaled_dot_product_attention", qkv, qkv, qkv, scale=1.0, mask=None, sinks=None)
good("fast.cross_entropy", a, mx.array([0, 1]))
good("grad value_and_grad", f, 0)
good("vjp", f, [v], [mx.array(1.0)])
good("jvp", f, [v], [v])
good("vmap", f, 0, 0)
good("checkpoint", f)
good("compile", f, shapeless=False)
good("custom_function", f)
good("eval async_eval", a)
good("synchronize")
good("load", "/nothing")
good("save", "/nowhere/x", a)
good("savez savez_compressed", "/nowhere/x", a)
good("save_safetensors save_gguf", "/nowhere/x", {"a": a}, {"m": "x"})
good("stream", mx.cpu)
good("new_stream default_stream", mx.cpu)
good("set_default_device", mx.cpu)
good("Device", mx.cpu, 0)
good("set_default_stream", mx.default_stream(mx.cpu))
good("set_memory_limit set_cache_limit set_wired_limit", 1 << 34)
good("is_available device_count device_info", mx.cpu)
good("""default_device get_active_memory get_peak_memory reset_peak_memory get_cache_memory clear_cache
    disable_compile enable_compile metal.is_available""")
good("array", [1.0], mx.float32)
good("export_to_dot", "/nowhere/x", a)
good("export_function", "/nowhere/x", f, a)
good("import_function", "/nowhere/x")
good("distributed.init", False, "any")
good("distributed.all_sum distributed.all_gather distributed.all_max distributed.all_min distributed.sum_scatter", a)
good("distributed.send", a, 0)
good("distributed.recv", (2,), mx.float32, 0)
good("distributed.recv_like", a, 0)
good("set_printoptions", precision=4)
METHODS = {}
def method(names, *args, **named):
    for n in names.split(): METHODS[n] = (args, named)
method("""item tolist squeeze abs exp log sqrt square conj __len__ __iter__ __repr__ __copy__ __array_namespace__
    __dlpack__ __dlpack_device__""")
method("astype view", mx.int32)
method("reshape", (3, 2))
method("transpose", 1, 0)
method("sum prod max min mean any all logsumexp argmax argmin", 0, False)
method("var std", 0, False, 0)
method("cumsum cumprod cummax cummin", 0, reverse=False, inclusive=True)
method("flatten", 0, 1)
method("moveaxis swapaxes", 0, 1)
method("split", 2, 0)
method("round", 1)
method("diag", 0)
method("diagonal", 0, 0, 1)
method("__getitem__", 0)
method("__setitem__", 0, 1.0)
method("""maximum minimum __add__ __sub__ __mul__ __truediv__ __floordiv__ __mod__ __pow__ __matmul__ __eq__ __ne__
    __lt__ __le__ __gt__ __ge__ __and__ __or__ __xor__ __lshift__ __rshift__ __iadd__ __isub__ __imul__
    __itruediv__ __ifloordiv__ __imod__ __ipow__ __imatmul__ __iand__ __ior__ __ixor__ __radd__ __rsub__ __rmul__
    __rtruediv__ __rfloordiv__ __rmod__ __rpow__""", a)
METHODS["__matmul__"] = METHODS["__imatmul__"] = ((a.T,), {})
class O: pass
WRONG = {"str": "x", "None": None, "float": 1.5, "int": 1, "list": [1, 2], "ints": (0, 1), "floats": [1.5],
    "dict": {"a": 1}, "bytes": b"x", "object": O(), "bool": True, "complex": 1j, "dtype": mx.float32,
  "array": mx.array([0.5, 1.5]), "iarray": mx.array([0, 1]), "scalar array": mx.array(1), "numpy": np.array([0.5]),
    "np.int64": np.int64(1), "np.float32": np.float32(0.5), "set": {1}, "function": f, "[]": [], "[None]": [None],
    "['x']": ["x"], "neg": -7, "big": 1 << 40, "huge": 1 << 70, "nested": [[1, 2], [3]], "[array]": [mx.array([0.5,
    1.5])], "device": mx.cpu, "slice": slice(0, 1), "ellipsis": ...,"range": range(2), "inf": float("inf")}
# These end the process on mlx.
NOT_CALLED = {"array.reshape(nothing)", "array.__getitem__(0=neg)", "depends(0=[])"}


def outcome(call):
    """The exception's type and words, as well of what is computed later."""
    try:
        result = call()
        several = result if isinstance(result, (list, tuple)) else [result]
        mx.eval([one for one in several if isinstance(one, mx.array)])
    except Exception as error:  # noqa: BLE001: whatever it is, both must raise it
        return type(error).__name__, str(error)
    return "none", ""


def function_of(name):
    if name.startswith("array."):
        return lambda *args, **named: getattr(mx.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), name[6:])(*args, **named)
    place = mx
    for part in name.split("."):
        place = getattr(place, part)
    return place


def variants(args, named):
    """(what is wrong, arguments, keywords)"""
    yield "nothing", (), {}
    yield "too many", (*args, *[None] * 12), named
    yield "unknown", args, {**named, "zzz": 1}
    yield "stream str", args, {**named, "stream": "x"}
    yield "stream 1", args, {**named, "stream": 1}
    for count in range(1, len(args)):
        yield f"first {count}", args[:count], {}
    for kind, value in WRONG.items():
        for place in range(len(args)):
            yield f"{place}={kind}", (*args[:place], value, *args[place + 1:]), named
        for name in named:
            yield f"{name}={kind}", args, {**named, name: value}


def of_function(name, args, named):
    try:
        function = function_of(name)
    except AttributeError:  # of mlx.core or of Tarn alone
        return {}
    called = {f"{name}({what})": call for what, *call in variants(args, named)}
    return {label: outcome(lambda: function(*args, **named)) for label, (args, named) in called.items()
            if label not in NOT_CALLED}


def main():
    result = {}
    for name, call in {**CALLS, **{"array." + name: call for name, call in METHODS.items()}}.items():
        result.update(of_function(name, *call))
        mx.set_memory_limit(1 << 34)
    with open(sys.argv[1], "wb") as file:
        pickle.dump(result, file)


if __name__ == "__main__":
    main()
