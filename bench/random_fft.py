"""random_fft.py: normal numbers, Fourier transforms and factors from Python, beside NumPy and mlx in the same run. Best
of several runs, milliseconds.

    PYTHONPATH=build/python .venv/bin/python bench/random_fft.py
"""

import time

import mlx.core as mlx
import numpy as np

import tarn.core as mx

mlx.set_default_device(mlx.cpu)
N = 4_000_000


def best(run, times=5):
    found = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return min(found) * 1e3


def row(name, numpy, theirs, ours):
    print(f"{name:34} numpy {best(numpy):8.2f}   mlx {best(theirs):8.2f}   tarn {best(ours):8.2f}")


def main():
    generator = np.random.default_rng(0)
    row("normal, 4 M float32", lambda: generator.standard_normal(N, dtype=np.float32),
        lambda: mlx.eval(mlx.random.normal((N,))), lambda: mx.eval(mx.random.normal((N,))))
    row("uniform, 4 M float32", lambda: generator.random(N, dtype=np.float32),
        lambda: mlx.eval(mlx.random.uniform(shape=(N,))), lambda: mx.eval(mx.random.uniform(shape=(N,))))
    for rows, n in [(1, 1 << 20), (1024, 1024), (1024, 1009)]:
        x = generator.normal(size=(rows, n)).astype(np.complex64)
        a, b = mx.array(x), mlx.array(x)
        mx.eval(a), mlx.eval(b)
        row(f"fft of {rows} rows of {n}", lambda: np.fft.fft(x), lambda: mlx.eval(mlx.fft.fft(b)),
            lambda: mx.eval(mx.fft.fft(a)))
    x = generator.normal(size=(500, 500)).astype(np.float32)
    a, b = mx.array(x), mlx.array(x)
    row("inv of 500 x 500", lambda: np.linalg.inv(x), lambda: mlx.eval(mlx.linalg.inv(b)),
        lambda: mx.eval(mx.linalg.inv(a)))
    row("svd of 500 x 500", lambda: np.linalg.svd(x), lambda: mlx.eval(*mlx.linalg.svd(b)),
        lambda: mx.eval(*mx.linalg.svd(a)))


main()
