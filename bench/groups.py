"""groups.py: what an elementwise group that a GPU has not met costs: printed, compiled by NVRTC and run, from an empty cache; from the cache of another process; and
when the process knows it. PYTHONPATH=build/python python3 bench/groups.py

Milliseconds of one evaluation of a million numbers each, values made and waited for. The first one opens NVRTC, too."""

import os
import subprocess
import sys
import tempfile
import time

import tarn.core as mx

GROUPS = {
    "add": lambda x, y: x + y,
    "chain of 6": lambda x, y: mx.tanh((x * y + x) * 0.5 - y) + x,
    "gelu": lambda x, y: x * 0.5 * (1 + mx.erf(x * 0.7071067811865476)) * y,
    "power": lambda x, y: mx.power(mx.abs(x) + 1, y),
    "logaddexp": lambda x, y: mx.logaddexp(x, y),
    "sine of a quotient": lambda x, y: mx.sin(x / (mx.abs(y) + 1)),
    "20 operations": lambda x, y: [x := x * 1.5 + y for _ in range(10)][-1],
    "whole numbers": lambda x, y: (x.astype(mx.int32) // 3 * 7) % 11 + y.astype(mx.int32),
}
DTYPES = ("float32", "bfloat16", "float16")


def milliseconds(call):
    begin = time.perf_counter()
    mx.eval(call())
    return (time.perf_counter() - begin) * 1e3


def measure():
    """A line for each group: name, dtype, the first and a later evaluation."""
    mx.set_default_device(mx.gpu)
    for dtype in DTYPES:
        x, y = (mx.random.normal((1 << 20,)).astype(getattr(mx, dtype)) for _ in range(2))
        mx.eval(x, y)
        mx.synchronize()
        for name, group in GROUPS.items():
            first = milliseconds(lambda: group(x, y))
            print(f"{name}\t{dtype}\t{first:.2f}\t{min(milliseconds(lambda: group(x, y)) for _ in range(5)):.3f}")


def told(folder):
    output = subprocess.run([sys.executable, __file__, "--measure"], env={**os.environ, "XDG_CACHE_HOME": folder}, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [line.split("\t") for line in output.splitlines()]


def main():
    with tempfile.TemporaryDirectory() as folder:
        cold, kept = told(folder), told(folder)
    print(f"{'':28}{'new':>10}{'kept':>10}{'known':>10}")
    for (name, dtype, first, again), (_, _, found, _) in zip(cold, kept):
        print(f"{name + ' ' + dtype:28}{first:>10}{found:>10}{again:>10}")
    print(f"the longest: {max(float(row[2]) for row in cold):.0f} ms new (150 are asked), {max(float(row[2]) for row in kept):.1f} kept")


measure() if "--measure" in sys.argv else main()
