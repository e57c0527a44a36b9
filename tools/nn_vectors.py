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
from mlx.utils import tree_flatten, tree_unflatten

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


def stack(module):
    """Its arrays, in the order of their paths here, are v(1, ...), v(2, ...)."""
    order = [
        "attention", "self_attention", "cross_attention", "query_proj", "key_proj", "value_proj", "out_proj", "layers",
        "ln", "ln1", "ln2", "ln3", "linear1", "linear2", "weight", "bias"
    ]
    found = tree_flatten(module.parameters())
    found.sort(key=lambda item: [int(part) if part.isdigit() else order.index(part) for part in item[0].split(".")])
    module.update(tree_unflatten([(name, v(k + 1, *a.shape)) for k, (name, a) in enumerate(found)]))
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
                 stack=stack, trained=trained, X=v(1, 4, 5))
    text = (ROOT / "tests/nn_cases.h").read_text(encoding="utf-8")
    text = re.sub(r'^ACTIVATION\((\w+)\)', r'CASE(\1, "nn.\1(X)",', text, flags=re.M)
    results = {}
    for name, expression in re.findall(r'^CASE\((\w+),\s+"([^"]*)",', text, re.M):
        value = np.array(eval(expression, names))  # our own file
        results[name] = {"dtype": value.dtype.name, "shape": list(value.shape), "values": value.reshape(-1).tolist()}
    lines = [f"  {json.dumps(name)}: {json.dumps(result)}" for name, result in results.items()]
    (ROOT / "tests/data/nn.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


main()
