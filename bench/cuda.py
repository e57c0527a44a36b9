"""cuda.py [WORD …]: what tarn.core takes on a GPU beside PyTorch on the same card, each case in turn on both.

PYTHONPATH=build/python python3 bench/cuda.py            all cases
PYTHONPATH=build/python python3 bench/cuda.py norm sort  those whose names contain one of the words

A row is `Case(name, amount, unit, inputs, torch, tarn)`: bytes or operations of a run, for the rate in `unit`s a second, the inputs by
shape and dtype, and the same work in both. Every run works on another of a few copies of its inputs, so that nothing is read from
caches; many runs are given before one wait, so that what is timed is the card and not the way to it. The best of rounds."""

import sys
import time
from typing import Callable, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

import tarn.core as mx
import tarn.nn as nn

ROUNDS, COPIES, RUNS = 5, 4, 24


class Case(NamedTuple):
    name: str
    amount: float
    unit: str
    inputs: list
    torch: Callable
    tarn: Callable


def chain(x, y, tanh):
    return tanh((x * y + x) * 0.5 - y) + x


def norm_of_product(x, w, gain, bias, product, gelu, layer_norm, softmax):
    """A loss whose gradients are those of a product, gelu, layer_norm and softmax."""
    weights = softmax(layer_norm(gelu(product(x, w)), gain, bias), -1)
    return (weights * weights).sum()


def torch_loss(*inputs):
    norm = lambda x, gain, bias: F.layer_norm(x, gain.shape, gain, bias, 1e-5)
    return norm_of_product(*inputs, torch.matmul, F.gelu, norm, torch.softmax)


def tarn_loss(*inputs):
    norm = lambda x, gain, bias: mx.fast.layer_norm(x, gain, bias, 1e-5)
    return norm_of_product(*inputs, mx.matmul, nn.gelu, norm, lambda x, axis: mx.softmax(x, axis=axis))


def torch_gradients(*inputs):
    leaves = [x.detach().requires_grad_() for x in inputs]
    return torch.autograd.grad(compiled_loss(*leaves), leaves)


compiled_loss = torch.compile(torch_loss)
tarn_gradients = mx.compile(mx.grad(tarn_loss, argnums=(0, 1, 2, 3)))
ROWS, WIDTH, LONG = 8192, 4096, 1 << 26
HEADS, LENGTH, DIM = 24, 8192, 128
half, single = (torch.bfloat16, mx.bfloat16), (torch.float32, mx.float32)
compiled = torch.compile(lambda x, y: chain(x, y, torch.tanh))
causal_flops = 4 * HEADS * DIM * LENGTH * LENGTH / 2
scale = DIM**-0.5
CASES = [
    Case("rms_norm 8192x4096 bf16", 4 * ROWS * WIDTH, "B", [((ROWS, WIDTH), half), ((WIDTH,), half)],
         lambda x, w: F.rms_norm(x, (WIDTH,), w, 1e-5), lambda x, w: mx.fast.rms_norm(x, w, 1e-5)),
    Case("softmax 8192x4096 bf16", 4 * ROWS * WIDTH, "B", [((ROWS, WIDTH), half)], lambda x: torch.softmax(x, -1),
         lambda x: mx.softmax(x, axis=-1)),
    Case("chain of 6 f32", 12 * LONG, "B", [((LONG,), single)] * 2, compiled, lambda x, y: chain(x, y, mx.tanh)),
    Case("chain of 6 bf16", 6 * LONG, "B", [((LONG,), half)] * 2, compiled, lambda x, y: chain(x, y, mx.tanh)),
    Case("attention 8k causal bf16", causal_flops, "FLOP", [((1, HEADS, LENGTH, DIM), half)] * 3,
         lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
         lambda q, k, v: mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask="causal")),
    Case("sort 2^26 f32", 8 * LONG, "B", [((LONG,), single)], lambda x: torch.sort(x)[0], mx.sort),
    Case("sort 8192x4096 f32", 8 * ROWS * WIDTH, "B", [((ROWS, WIDTH), single)], lambda x: torch.sort(x, -1)[0],
         lambda x: mx.sort(x, axis=-1)),
    Case("cumsum 2^26 f32", 8 * LONG, "B", [((LONG,), single)], lambda x: torch.cumsum(x, 0), mx.cumsum),
    Case("cumsum 8192x4096 f32", 8 * ROWS * WIDTH, "B", [((ROWS, WIDTH), single)], lambda x: torch.cumsum(x, -1),
         lambda x: mx.cumsum(x, axis=-1)),
    Case("sum 2^26 f32", 4 * LONG, "B", [((LONG,), single)], torch.sum, mx.sum),
    Case("training 8x1024 2048 bf16", 3 * 2 * ROWS * 2048.0**2, "FLOP",
         [((8, 1024, 2048), half), ((2048, 2048), half), ((2048,), half), ((2048,), half)], torch_gradients, tarn_gradients),
    Case("matmul 8192 bf16", 2 * 8192.0**3, "FLOP", [((8192, 8192), half)] * 2, torch.matmul, mx.matmul),
]


def made(case, which):
    """COPIES sets of inputs, the same numbers in both."""
    sets = []
    for i in range(COPIES):
        torch.manual_seed(i)
        values = [torch.randn(shape, device="cuda").to(dtypes[0]) for shape, dtypes in case.inputs]
        if which == "tarn":
            dtypes = [dtypes[1] for _, dtypes in case.inputs]
            values = [mx.array(v.float().cpu().numpy()).astype(dtype) for v, dtype in zip(values, dtypes)]
            mx.eval(*values)
        sets.append(values)
    return sets


def seconds(run, wait, sets):
    best = float("inf")
    for _ in range(ROUNDS + 1):
        begin = time.perf_counter()
        wait([run(*sets[i % COPIES]) for i in range(RUNS)])
        best = min(best, (time.perf_counter() - begin) / RUNS)
    return best


def difference(case):
    """Of both results, as a share of the norm; of several the largest."""
    several = lambda made: made if isinstance(made, (tuple, list)) else [made]
    theirs = several(case.torch(*made(case, "torch")[0]))
    ours = [torch.tensor(np.array(x.astype(mx.float32))) for x in several(case.tarn(*made(case, "tarn")[0]))]
    apart = lambda a, b: float((a.double() - b).norm() / b.norm())
    return max(apart(a, b.double().cpu()) for a, b in zip(ours, theirs))


def main(words):
    mx.set_default_device(mx.gpu)
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}")
    print(f"{'':28}{'tarn':>12}{'PyTorch':>12}{'tarn/PyTorch':>14}{'difference':>12}")
    for case in CASES:
        if words and not any(word in case.name for word in words):
            continue
        try:
            apart = difference(case)
            theirs = seconds(case.torch, lambda made: torch.cuda.synchronize(), made(case, "torch"))
            torch.cuda.empty_cache()
            ours = seconds(case.tarn, lambda made: mx.eval(*made), made(case, "tarn"))
        except Exception as error:
            print(f"{case.name:28} {type(error).__name__}: {str(error)[:100]}", flush=True)
            continue
        rate = lambda s: f"{case.amount / s * 1e-12:9.2f} T{case.unit[0]}"
        print(f"{case.name:28}{rate(ours):>12}{rate(theirs):>12}{theirs / ours:14.2f}{apart:12.1e}", flush=True)


main(sys.argv[1:])
