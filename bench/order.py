"""order.py [--cpu] [WORD …]: sort, argsort, partition, median, searchsorted and topk of tarn.core beside NumPy, in one process and in turn: milliseconds of the
best of some runs. NumPy sorts on one thread.

    PYTHONPATH=build/python python bench/order.py            whole words of the name choose cases: `sort`, `rows`, `int32` …
    TARN_ISA=avx2 NPY_DISABLE_CPU_FEATURES="AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR X86_V4" …

--cpu: seconds of the processor instead of the clock's (with TARN_THREADS=1, on a machine that others use)."""

import sys

import numpy as np
from turns import best

import tarn.core as mx

RUNS, LARGE = 7, 1 << 22
random = np.random.default_rng(1)


def numbers(dtype, shape):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return random.standard_normal(shape).astype(dtype)
    return random.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype)


def stable(x):
    return np.argsort(x, axis=-1, kind="stable")


SORTS = [("sort", np.sort, mx.sort), ("argsort", np.argsort, mx.argsort), ("argsort, stable,", stable, mx.argsort)]
OTHERS = [
    ("partition", lambda x: np.partition(x, LARGE // 2), lambda x: mx.partition(x, LARGE // 2)),
    ("median", np.median, mx.median),
    ("topk 10", lambda x: np.partition(x, -10)[-10:], lambda x: mx.topk(x, 10)),
]


def cases():
    for dtype in ("float32", "int32", "float64", "int64", "float16", "int16"):
        for name, numpy, tarn in SORTS:
            yield f"{name} {dtype} {LARGE}", (numbers(dtype, LARGE),), numpy, tarn
            if dtype in ("float32", "int32", "float64"):
                yield f"{name} {dtype} rows of 1024", (numbers(dtype, (4096, 1024)),), numpy, tarn
    for name, numpy, tarn in OTHERS:
        yield f"{name} float32 {LARGE}", (numbers("float32", LARGE),), numpy, tarn
    line = np.sort(numbers("float32", 1 << 20))
    yield "searchsorted float32 1048576", (line, numbers("float32", 1 << 20)), np.searchsorted, mx.searchsorted


def main():
    words = [word for word in sys.argv[1:] if word != "--cpu"]
    print(f"{'':36} {'NumPy ms':>9} {'Tarn ms':>9} {'Tarn / NumPy':>12}")
    for name, inputs, numpy, tarn in cases():
        if not set(words) <= set(name.replace(",", "").split()):
            continue
        arrays = [mx.array(x) if x.dtype != np.float64 else mx.array(x, dtype=mx.float64) for x in inputs]
        theirs, ours = best(RUNS, lambda: numpy(*inputs), lambda: mx.eval(tarn(*arrays)))
        print(f"{name:36} {theirs * 1e3:9.2f} {ours * 1e3:9.2f} {ours / theirs:12.2f}", flush=True)


main()
