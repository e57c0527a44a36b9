"""quantize.py: quantize, dequantize and products of the formats of floats beside affine ones, in one process and in turn. GB/s of what is read and
written, and the share of what an addition of a number moves in the same run; milliseconds of products of 1 and 256 tokens by 4096 x 4096, bfloat16.

    PYTHONPATH=build/python python bench/quantize.py"""

from turns import best

import tarn.core as mx

RUNS, ROWS, WIDTH, MATRICES = 6, 4096, 4096, 12
FORMATS = [("affine", 4, 64), ("affine", 8, 64), ("mxfp4", 4, 32), ("nvfp4", 4, 16), ("mxfp8", 8, 32)]


def size(*arrays):
    return sum(a.nbytes for a in arrays)


def rates(dtype):
    x = mx.random.normal((ROWS, WIDTH)).astype(dtype)
    mx.eval(x)
    for mode, bits, group in FORMATS:
        options = {"group_size": group, "bits": bits, "mode": mode}
        parts = mx.quantize(x, **options)
        mx.eval(*parts)
        moved = size(x, *parts)
        stream, there, back = best(
            RUNS,
            lambda: mx.eval(x + 1),
            lambda: mx.eval(*mx.quantize(x, **options)),
            lambda: mx.eval(mx.dequantize(*parts, dtype=dtype, **options)),
        )
        limit = 2 * x.nbytes / stream
        shown = "  ".join(f"{moved / t / 1e9:6.1f} GB/s {100 * moved / t / limit:4.0f} %" for t in (there, back))
        print(f"{mode:7}{bits}  {str(dtype):20} {shown}", flush=True)


def products(tokens):
    x = mx.random.normal((tokens, WIDTH)).astype(mx.bfloat16)
    calls = []
    for mode, bits, group in FORMATS:
        options = {"group_size": group, "bits": bits, "mode": mode}
        weights = [mx.quantize(mx.random.normal((ROWS, WIDTH)).astype(mx.bfloat16), **options) for _ in range(MATRICES)]
        mx.eval(x, weights)
        calls.append(lambda weights=weights, options=options: mx.eval([mx.quantized_matmul(x, *w, **options) for w in weights]))
    times = best(RUNS, *calls)
    for (mode, bits, _), t in zip(FORMATS, times):
        print(f"{mode:7}{bits}  {tokens:3} tokens  {t / MATRICES * 1e3:7.3f} ms  {t / times[0]:5.2f} of affine 4", flush=True)


print(f"{'':30} quantize               dequantize")
for dtype in (mx.float32, mx.bfloat16):
    rates(dtype)
for tokens in (1, 256):
    products(tokens)
