"""Evaluates the mlx column of tests/nn_cases.h and writes tests/data/nn.json: dtype, shape and values of each result.

    python tools/nn_vectors.py
"""

import json
import pathlib
import re

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as opt
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent


def v(seed, *shape):
    """The same as in tests/test_nn.c."""
    n = np.arange(np.prod(shape))
    return mx.array((((n * 37 + seed * 11) % 23 - 11) / 8).astype(np.float32).reshape(shape))


def i(n, *shape):
    return mx.array((np.arange(np.prod(shape)) * 7 % n).astype(np.int32).reshape(shape))


def layer(module, **parameters):
    module.update(parameters)
    return module


def batch_norm_after(steps):
    """The running mean, the running variance, and what an evaluation gives, after so many batches."""
    norm = layer(nn.BatchNorm(5), weight=v(2, 5), bias=v(3, 5))
    for k in range(steps):
        norm(v(k + 1, 4, 5))
    norm.eval()
    return norm.running_mean, norm.running_var, norm(v(1, 4, 5))


def trained(optimizer):
    parameters = {"w": v(1, 4, 3)}
    for k in range(5):
        parameters = optimizer.apply_gradients({"w": v(k + 2, 4, 3)}, parameters)
    return parameters["w"]


def main():
    mx.set_default_device(mx.cpu)
    names = dict(mx=mx, nn=nn, opt=opt, losses=nn.losses, v=v, i=i, layer=layer, batch_norm_after=batch_norm_after,
                 trained=trained, X=v(1, 4, 5))
    text = (ROOT / "tests/nn_cases.h").read_text(encoding="utf-8")
    text = re.sub(r'^ACTIVATION\((\w+)\)', r'CASE(\1, "nn.\1(X)",', text, flags=re.M)
    results = {}
    for name, expression in re.findall(r'^CASE\((\w+),\s+"([^"]*)",', text, re.M):
        value = np.array(eval(expression, names))  # our own file
        results[name] = {"dtype": value.dtype.name, "shape": list(value.shape), "values": value.reshape(-1).tolist()}
    lines = [f"  {json.dumps(name)}: {json.dumps(result)}" for name, result in results.items()]
    (ROOT / "tests/data/nn.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


main()
