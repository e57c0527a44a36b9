"""core.py [WORD …]: what tarn.core takes beside NumPy and real mlx, in one process, each case in turn on all three.

PYTHONPATH=build/python .venv/bin/python bench/core.py            all cases
PYTHONPATH=build/python .venv/bin/python bench/core.py sort conv  those whose names contain one of the words

A row is `Case(name, amount, unit, inputs, numpy, call)`: what a run does (bytes or operations, for the rate in `unit`s
a second), the arrays it is given, and the same in NumPy (None: it has no such thing) and in the mlx.core that is its
first argument. Medians of rounds; short runs are repeated until they take a few milliseconds."""

import os
import statistics
import sys
import time
from typing import Callable, NamedTuple, Optional

import mlx.core
import numpy as np

import tarn.core

ROUNDS, LEAST_SECONDS = 7, 5e-3
random = np.random.default_rng(1)


class Case(NamedTuple):
    name: str
    amount: float
    unit: str
    inputs: Callable
    numpy: Optional[Callable]
    call: Callable


def normal(*shape):
    return random.standard_normal(shape, np.float32)


def chain(mx, x, y):
    return mx.tanh((x * y + x) * 0.5 - y) + x


def chain_of_numpy(x, y):
    return np.tanh((x * y + x) * np.float32(0.5) - y) + x


def step_by_step(mx, x, y):
    """The chain, each operation by itself."""
    for operation in (lambda a: a * y, lambda a: a + x, lambda a: a * 0.5, lambda a: a - y, mx.tanh, lambda a: a + x):
        x = operation(x)
        mx.eval(x)
    return x


def convolution(n, size, channels, outputs, kernel, stride):
    """x, w and the flops of a convolution that pads so that stride 1 keeps the size."""
    places = size // stride
    flops = 2 * n * places * places * outputs * kernel * kernel * channels
    name = f"conv2d {n}x{size}x{size}x{channels} by {outputs}x{kernel}x{kernel}x{channels}, stride {stride}"
    call = lambda mx, x, w: mx.conv2d(x, w, stride=stride, padding=kernel // 2)
    inputs = lambda: [normal(n, size, size, channels), normal(outputs, kernel, kernel, channels)]
    yield Case(name, flops, "GFLOP", inputs, None, call)
    for which in (0, 1):
        gradient = lambda mx, x, w, which=which: mx.grad(lambda *both: call(mx, *both).sum(), argnums=which)(x, w)
        yield Case(f"{name}, gradient of {'xw'[which]}", flops, "GFLOP", inputs, None, gradient)


def product(n, dtype="float32"):
    numpy = (lambda a, b: a @ b) if dtype == "float32" else None
    cast = lambda mx, a: a.astype(getattr(mx, dtype)) if dtype != "float32" else a
    call = lambda mx, a, b: cast(mx, a) @ cast(mx, b)
    return Case(f"product {n} x {n} {dtype}", 2 * n**3, "GFLOP", lambda: [normal(n, n), normal(n, n)], numpy, call)


ITEMS = 32 << 20
CASES = [
    Case("a + b of 16 floats", 1, "op", lambda: [normal(16), normal(16)], lambda a, b: a + b, lambda mx, a, b: a + b),
    Case("six operations on 32 M", 12 * ITEMS, "GB", lambda: [normal(ITEMS), normal(ITEMS)], chain_of_numpy, chain),
    Case("six operations, each evaluated", 12 * ITEMS, "GB", lambda: [normal(ITEMS), normal(ITEMS)], None,
         step_by_step),
    product(1000),
    product(6000),
    product(6000, "bfloat16"),
    Case("gather 2 M rows of 16", 256 << 20, "GB",
         lambda: [normal(1 << 20, 16), random.integers(0, 1 << 20, 2 << 20, np.uint32)],
         lambda x, i: np.take(x, i, axis=0), lambda mx, x, i: mx.take(x, i, axis=0)),
    Case("sort of 4 M", 4 << 20, "Gitem", lambda: [normal(4 << 20)], np.sort, lambda mx, x: mx.sort(x)),
    Case("argsort of 4 M", 4 << 20, "Gitem", lambda: [normal(4 << 20)], np.argsort, lambda mx, x: mx.argsort(x)),
    *convolution(32, 32, 64, 128, 3, 1), *convolution(8, 56, 128, 128, 3, 2), *convolution(1, 224, 3, 64, 7, 2),
]


def seconds_of(run):
    """Of one run, which is repeated as often as it takes."""
    times = 1
    while True:
        start = time.perf_counter()
        for _ in range(times):
            run()
        spent = time.perf_counter() - start
        if spent > LEAST_SECONDS:
            return spent / times
        times *= 2


def runs_of(case):
    """By name: functions without arguments."""
    arrays = case.inputs()
    runs = {"NumPy": lambda: case.numpy(*arrays)} if case.numpy else {}
    for name, mx in (("mlx", mlx.core), ("tarn", tarn.core)):
        given = [mx.array(a) for a in arrays]
        mx.eval(given)
        runs[name] = lambda mx=mx, given=given: mx.eval(case.call(mx, *given))
    return runs


def measure(case):
    runs, seconds = runs_of(case), {}
    for run in runs.values():
        run()
    for _ in range(ROUNDS):
        for name, run in runs.items():
            seconds.setdefault(name, []).append(seconds_of(run))
    return {name: statistics.median(values) for name, values in seconds.items()}


def show(case, seconds):
    def times(name):
        return f"{seconds[name] / seconds['tarn']:8.2f} x" if name in seconds else " " * 10

    scale = 1e-6 if case.unit == "op" else 1e-9
    rate = case.amount / seconds["tarn"] * scale
    unit = f"{'M' if case.unit == 'op' else ''}{case.unit}/s"
    print(f"{case.name:66} {seconds['tarn'] * 1e3:11.4f} ms {rate:9.2f} {unit:8} {times('NumPy')} {times('mlx')}",
          flush=True)


def main():
    words = sys.argv[1:]
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; how many times as long NumPy and mlx take")
    print(f"{'':66} {'tarn':>14} {'':18} {'NumPy':>10} {'mlx':>10}")
    for case in CASES:
        if not words or any(word in case.name for word in words):
            show(case, measure(case))


main()
