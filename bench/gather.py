"""Gathering f32 elements and rows by Tarn and by NumPy's take, in one process and in turn: milliseconds of the best of
so many runs, and bytes moved a second beside what a copy of memory reaches in the same run. An element or row counts
twice (read and written), an index once.

    TARN_THREADS=1 python bench/gather.py [--cpu] [libtarn.so]

--cpu: seconds of the processor instead of the clock's, for one thread on a machine that others use.
"""

import ctypes
import os
import sys

import numpy as np
from turns import best

RUNS = 15
INT32, INT64, FLOAT32 = 7, 8, 11


class Ints(ctypes.Structure):
    _fields_ = [("values", ctypes.POINTER(ctypes.c_int64)), ("count", ctypes.c_int64)]


class Axis(ctypes.Structure):
    _fields_ = [("given", ctypes.c_void_p), ("axis", ctypes.c_int64)]


class TakeOptions(ctypes.Structure):
    _fields_ = [("begin_", ctypes.c_int), ("axis", Axis), ("check", ctypes.c_bool), ("end_", ctypes.c_int)]


def library(path):
    tarn = ctypes.CDLL(path)
    for name in ("tarn_from_data", "tarn_take_with", "tarn_keep"):
        getattr(tarn, name).restype = ctypes.c_void_p
    tarn.tarn_from_data.argtypes = [ctypes.c_void_p, Ints, ctypes.c_int]
    tarn.tarn_take_with.argtypes = [ctypes.c_void_p, ctypes.c_void_p, TakeOptions]
    tarn.tarn_keep.argtypes = [ctypes.c_void_p]
    tarn.tarn_eval_all.restype = ctypes.c_bool
    tarn.tarn_eval_all.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_int]
    tarn.tarn_error.restype = ctypes.c_char_p
    tarn.tarn_data.restype = ctypes.c_void_p
    tarn.tarn_data.argtypes = [ctypes.c_void_p]
    return tarn


def array(tarn, a):
    shape = (ctypes.c_int64 * a.ndim)(*a.shape)
    dtype = {"float32": FLOAT32, "int32": INT32, "int64": INT64}[a.dtype.name]
    return ctypes.c_void_p(
        tarn.tarn_keep(ctypes.c_void_p(tarn.tarn_from_data(a.ctypes.data, Ints(shape, a.ndim), dtype))))


def by_tarn(tarn, x, indices, axis, check, wanted):
    """One call, which opens a scope of its own; checked once."""
    scope = ctypes.c_int(tarn.tarn_scope_begin())
    options = TakeOptions(0, Axis(1, axis), check, 0)
    out = ctypes.c_void_p(tarn.tarn_take_with(x, indices, options))
    if not out or not tarn.tarn_eval_all(ctypes.byref(out), 1):
        raise RuntimeError(tarn.tarn_error())
    if wanted is not None:
        got = np.ctypeslib.as_array(ctypes.cast(tarn.tarn_data(out), ctypes.POINTER(ctypes.c_float)), wanted.shape)
        assert np.array_equal(got, wanted)
    tarn.tarn_scope_end(ctypes.byref(scope))


CASES = [("elements of 4 KB", (1 << 10,), 0, 1 << 22), ("elements of 4 MB", (1 << 20,), 0, 1 << 22),
         ("elements of 256 MB", (1 << 26,), 0, 1 << 22), ("few elements", (1 << 20,), 0, 1000),
         ("rows of 4", (1 << 20, 4), 0, 1 << 20), ("rows of 64", (1 << 18, 64), 0, 1 << 16),
         ("rows of 4096", (1 << 14, 4096), 0, 1 << 11), ("columns", (1 << 11, 1 << 11), 1, 1 << 10)]


def main():
    given = [argument for argument in sys.argv[1:] if argument != "--cpu"]
    tarn = library(given[0] if given else "build/libtarn.so")
    scope = ctypes.c_int(tarn.tarn_scope_begin())
    block = np.ones(1 << 26, np.float32)
    target = np.empty_like(block)
    limit = 2 * block.nbytes / best(RUNS, lambda: np.copyto(target, block))[0] / 1e9
    print(
        f"{'processor time, ' if '--cpu' in sys.argv else ''}threads {os.environ.get('TARN_THREADS', 'all')}, load {os.getloadavg()[0]:.2f}, NumPy's copy {limit:.1f} GB/s"
    )
    print(f"{'':20} {'indices':8} {'NumPy ms':>9} {'Tarn ms':>9} {'checked':>9} {'Tarn GB/s':>9} {'NumPy / Tarn':>12}")
    random = np.random.default_rng(1)
    for name, shape, axis, count in CASES:
        x = random.random(shape, dtype=np.float32)
        for dtype in (np.int32, np.int64):
            indices = random.integers(0, shape[axis], count, dtype=dtype)
            ours, places, wanted = array(tarn, x), array(tarn, indices), np.take(x, indices, axis)
            by_tarn(tarn, ours, places, axis, True, wanted)
            numpy, seconds, checked = best(RUNS, lambda: np.take(x, indices, axis),
                                           lambda: by_tarn(tarn, ours, places, axis, False, None),
                                           lambda: by_tarn(tarn, ours, places, axis, True, None))
            speed = (2 * wanted.nbytes + indices.nbytes) / seconds / 1e9
            print(
                f"{name:20} {indices.dtype.name:8} {numpy * 1e3:9.3f} {seconds * 1e3:9.3f} {checked * 1e3:9.3f} {speed:9.2f} {numpy / seconds:12.2f}"
            )
            tarn.tarn_drop(ours), tarn.tarn_drop(places)
    tarn.tarn_scope_end(ctypes.byref(scope))


main()
