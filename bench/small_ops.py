"""small_ops.py: what a small operation costs from Python, and importing the package, beside real mlx and NumPy in one
process.

PYTHONPATH=build/python .venv/bin/python bench/small_ops.py"""

import subprocess
import sys
import time

import mlx.core
import numpy as np

import tarn.core

ROUNDS, CALLS = 7, 10000


def microseconds(call):
    """The best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(CALLS):
            call()
        best = min(best, time.perf_counter() - start)
    return best / CALLS * 1e6


def cases(mx):
    a, b = mx.array([1.0, 2, 3, 4]), mx.array([4.0, 3, 2, 1])
    mx.eval(a, b)
    return {
        "build a + b": lambda: a + b,
        "build a + 1.0": lambda: a + 1.0,
        "build sum(a, axis=0, keepdims=True)": lambda: mx.sum(a, axis=0, keepdims=True),
        "build a[1:3]": lambda: a[1:3],
        "build and evaluate a + b": lambda: mx.eval(a + b),
        "build and evaluate exp(a) * b": lambda: mx.eval(mx.exp(a) * b),
        "(a + b).sum().item()": lambda: (a + b).sum().item(),
    }


def import_milliseconds(module):
    """Beyond the interpreter: the best of some processes."""
    script = f"import time; start = time.perf_counter(); import {module}; print((time.perf_counter() - start) * 1e3)"
    return min(
        float(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)
        for _ in range(ROUNDS))


def main():
    x, y = np.array([1.0, 2, 3, 4], np.float32), np.array([4.0, 3, 2, 1], np.float32)
    print(f"NumPy x + y: {microseconds(lambda: x + y):.2f} us")
    print(f"{'':38} {'tarn us':>9} {'mlx us':>9}   share")
    theirs = cases(mlx.core)
    for name, call in cases(tarn.core).items():
        ours, other = microseconds(call), microseconds(theirs[name])
        print(f"{name:38} {ours:9.2f} {other:9.2f} {ours / other:7.2f}")
    print(
        f"import: tarn.core {import_milliseconds('tarn.core'):.1f} ms, mlx.core {import_milliseconds('mlx.core'):.1f} ms"
    )


main()
