"""wild_calls.py SECONDS [SEED [CALLS]]: calls the public functions and methods of tarn.core with arguments that nobody means:
numbers too large, wrong types, empty and 0-d arrays, odd shapes, NaN, callables that fail. Whatever a call gives or
raises is fine, but it must come back, and the interpreter must live. Each call is written to stderr before it is made
if WILD_CALLS=1, so that one which ends the process can be found."""

import gc
import os
import random
import sys
import time

import numpy as np

import tarn.core as mx

LARGEST = 1 << 16  # elements of a result that is computed
# what would end the process, print, change the settings of those that follow, write files, or wait for what never comes
NOT_CALLED = """exit set_memory_limit set_wired_limit set_cache_limit set_default_device set_printoptions export_function
    export_to_dot exporter save savez savez_compressed save_gguf save_safetensors import_function clear_streams
    new_stream new_thread_local_stream new_thread_unsafe_stream set_default_stream disable_compile enable_compile
    metal_kernel cuda_kernel precompiled_cuda_kernel load init printoptions seed state""".split()


def functions():
    """(name, callable) of the module, its submodules, and methods of arrays."""
    found = []
    for module in (mx, mx.random, mx.linalg, mx.fft, mx.fast, mx.distributed):
        for name in dir(module):
            value = getattr(module, name)
            if not name.startswith("_") and name not in NOT_CALLED and callable(value) and not isinstance(value, type):
                found.append((f"{module.__name__}.{name}", value))
    found += [(f"array.{name}", getattr(mx.array, name)) for name in dir(mx.array)
              if callable(getattr(mx.array, name)) and name not in ("__class__", "__init_subclass__", "__subclasshook__")]
    return found


def fails(*_):
    raise LookupError("wild")


class Odd:
    """Raises wherever it is asked."""

    def __index__(self):
        raise LookupError("index")

    def __len__(self):
        raise LookupError("len")

    def __iter__(self):
        raise LookupError("iter")

    def __mlx_array__(self):
        raise LookupError("array")


DTYPES = [mx.bool_, mx.uint8, mx.int16, mx.int32, mx.int64, mx.uint64, mx.float16, mx.bfloat16, mx.float32, mx.float64,
          mx.complex64]
SHAPES = [(), (0,), (1,), (3,), (2, 3), (3, 3), (0, 4), (4, 0), (2, 0, 3), (1, 1, 1), (2, 3, 4), (4, 64), (1, 2, 3, 4),
          (2, 2, 2, 2, 2), (1,) * 9]
NUMBERS = [0, 1, -1, 2, 3, 5, -7, 32, 64, 1 << 20, 1 << 31, -(1 << 31), (1 << 63) - 1, -(1 << 63), 1 << 64, 0.0, -0.0, 0.5,
           1e-300, 1e300, float("nan"), float("inf"), -float("inf"), 1j, True, False]
WORDS = ["", "x", "i,j->ij", "ij,jk", "...", "causal", "affine", "mxfp4", "nvfp4", "fro", "nuc", "edge", "same", "U", "a" * 300,
         "\0", "é"]


class Wild:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.usual()

    def usual(self):
        """What most arrays of the next call are like, so that calls get beyond the first check."""
        self.shape, self.dtype = self.random.choice(SHAPES), self.random.choice([mx.float32, *DTYPES])

    def array(self):
        r = self.random
        shape, dtype = (self.shape, self.dtype) if r.random() < 0.8 else (r.choice(SHAPES), r.choice(DTYPES))
        base = np.random.default_rng(r.randrange(1 << 30)).integers(-9, 9, shape)
        a = mx.array(base).astype(dtype)
        if a.dtype == mx.float32 and a.size and r.random() < 0.2:
            a = a / 0
        if a.ndim and r.random() < 0.3:
            a = r.choice([lambda: a.T, lambda: a[::-1], lambda: a[..., ::2], lambda: mx.broadcast_to(a, (2, *a.shape))])()
        return a

    def value(self, depth=0):
        r = self.random
        kind = r.random()
        if kind < 0.45:
            return self.array()
        if kind < 0.65:
            return r.choice(NUMBERS[:8] if r.random() < 0.6 else NUMBERS)
        if kind < 0.75 and depth < 3:
            return r.choice([list, tuple])(self.value(depth + 1) for _ in range(r.randrange(4)))
        if kind < 0.82:
            return [r.randrange(-3, 4) for _ in range(r.randrange(4))]
        if kind < 0.87:
            return r.choice(WORDS)
        return r.choice([None, None, r.choice(DTYPES), mx.cpu, mx.gpu, object(), Odd(), fails, abs, lambda x: x, lambda *x: x,
                         {"a": self.array()}, {}, slice(None), slice(None, None, 0), Ellipsis, np.ones((2, 2)), mx, mx.array,
                         b"bytes", set(), range(3), mx.default_stream(mx.cpu), mx.int32, mx.floating])

    def named(self):
        names = ["axis", "axes", "stream", "shape", "dtype", "key", "keepdims", "k", "mask", "scale", "n", "stride", "padding",
                 "groups", "bits", "group_size", "mode", "ord", "start", "stop", "num", "weight", "bias", "eps", "strict", "size"]
        return {name: self.value() for name in self.random.sample(names, self.random.choice([0, 0, 0, 1, 1, 2]))}


def size_of(value):
    if isinstance(value, mx.array):
        return value.size
    if isinstance(value, (list, tuple)):
        return sum(map(size_of, value))
    return sum(map(size_of, value.values())) if isinstance(value, dict) else 0


def call(function, args, named):
    try:
        result = function(*args, **named)
        if callable(result):
            result = result(*args[1:])
        if size_of(result) < LARGEST:
            mx.eval(result)
            repr(result)
    except (Exception, SystemError) as error:
        if isinstance(error, SystemError):
            raise
        str(error)


def wild_call(wild, every, count):
    name, function = wild.random.choice(every)
    wild.usual()
    args, named = [wild.value() for _ in range(wild.random.randrange(5))], wild.named()
    if name.startswith("array.") and wild.random.random() < 0.95:
        args.insert(0, wild.array())
    if os.environ.get("WILD_CALLS"):
        print(count, name, [describe(one) for one in args], {k: describe(v) for k, v in named.items()}, file=sys.stderr,
              flush=True)
    call(function, args, named)


def main():
    seconds, seed = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    most = int(sys.argv[3]) if len(sys.argv) > 3 else sys.maxsize
    every, wild, until, count = functions(), Wild(seed), time.monotonic() + seconds, 0
    mx.set_memory_limit(1 << 31)
    while count < most and time.monotonic() < until:
        wild_call(wild, every, count)
        count += 1
    gc.collect()
    mx.synchronize()
    print(f"{count} calls of {len(every)} functions, {mx.get_active_memory()} bytes are left")


def describe(value):
    if isinstance(value, mx.array):
        return f"{value.dtype}{value.shape}"
    if isinstance(value, (list, tuple)):
        return [describe(one) for one in value]
    return value if isinstance(value, (int, float, str, type(None))) else repr(value)[:60]


if __name__ == "__main__":
    main()
