"""compile.py: what a call of a compiled function costs from Python, beside real mlx in one process.

PYTHONPATH=build/python .venv/bin/python bench/compile.py"""

import time

import mlx.core

import tarn.core

ROUNDS = 7


def microseconds(call, calls):
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls * 1e6


def side_by_side(ours, theirs):
    """The best of some rounds of each, in turn: what else the machine does meets both."""
    rounds = [(microseconds(ours, 5000), microseconds(theirs, 500)) for _ in range(ROUNDS)]
    return [min(column) for column in zip(*rounds)]


def chain(x):
    """20 elementwise operations."""
    for _ in range(5):
        x = x * 1.5 + 0.25
        x = x - 0.125
        x = -x
    return x


def kernels(mx):
    """20 operations that fuse with nothing."""

    def call(x):
        for i in range(20):
            x = mx.cumsum(x, axis=0, reverse=i % 2 == 1)
        return x

    return call


def cases(mx):
    small, large = mx.zeros((16,)), mx.zeros((256,))
    state = [{f"w{i}": mx.zeros((16,)) for i in range(32)}]
    mx.eval(small, large, state)

    def step(x):
        for name in list(state[0]):
            state[0][name] = state[0][name] + x

    compiled, running = mx.compile(chain), mx.compile(kernels(mx))
    stepping = mx.compile(step, inputs=state, outputs=state)
    return {
        "chain of 20, 16 elements, called": lambda: compiled(small),
        "chain of 20, 16 elements, evaluated": lambda: mx.eval(compiled(small)),
        "chain of 20, 256 elements, evaluated": lambda: mx.eval(compiled(large)),
        "the same, not compiled": lambda: mx.eval(chain(small)),
        "20 running sums of 16, evaluated": lambda: mx.eval(running(small)),
        "state of 32 arrays of 16, evaluated": lambda: (stepping(small), mx.eval(state)),
    }


def main():
    print(f"{'':38} {'tarn us':>9} {'mlx us':>9}   mlx / tarn")
    theirs = cases(mlx.core)
    for name, call in cases(tarn.core).items():
        ours, other = side_by_side(call, theirs[name])
        print(f"{name:38} {ours:9.2f} {other:9.2f} {other / ours:10.1f}")


main()
