"""fft.py [WORD …]: Fourier transforms of tarn.core beside numpy.fft, scipy.fft on two threads and mlx, in one process and in turn: milliseconds of
the best of some runs. float32 and complex64.

    PYTHONPATH=build/python python bench/fft.py            words of the name choose cases: `rfft`, `rows`, `1048576` …"""

import sys

import mlx.core as mlx
import numpy as np
import scipy.fft
from turns import best

import tarn.core as mx

mlx.set_default_device(mlx.cpu)
random = np.random.default_rng(1)
RUNS = 7
SHAPES = [(1 << 20,), (3 << 18,), (1000003,), (1 << 22,), (1024, 64), (1024, 1024), (1024, 768), (1024, 1000), (1024, 1009), (64, 16384), (100, 10007)]


def cases():
    for name in ("fft", "rfft", "irfft"):
        for shape in SHAPES:
            yield name, shape, {}
    for name in ("fft2", "rfft2", "irfft2"):
        yield name, (1024, 1024), {}
    yield "fft", (1024, 1024), {"axis": 0}


def numbers(name, shape):
    x = random.standard_normal(shape).astype(np.float32)
    return x if name.startswith("rfft") else x + 1j * x[..., ::-1]


def main():
    print(f"{'':32} {'NumPy':>8} {'SciPy':>8} {'mlx':>8} {'Tarn':>8}  Tarn / the best of the others")
    for name, shape, options in cases():
        label = f"{name} {' x '.join(map(str, shape))}{' axis 0' if options else ''}"
        if not set(sys.argv[1:]) <= set(label.split()):
            continue
        x = numbers(name, shape)
        ours, theirs = mx.array(x), mlx.array(x)
        *others, tarn = best(
            RUNS,
            lambda: getattr(np.fft, name)(x, **options),
            lambda: getattr(scipy.fft, name)(x, workers=2, **options),
            lambda: mlx.eval(getattr(mlx.fft, name)(theirs, **options)),
            lambda: mx.eval(getattr(mx.fft, name)(ours, **options)),
        )
        print(f"{label:32} " + " ".join(f"{t * 1e3:8.2f}" for t in (*others, tarn)) + f"  {tarn / min(others):.2f}", flush=True)


main()
