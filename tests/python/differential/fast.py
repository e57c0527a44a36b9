"""Fused operations."""

import numpy as np

from .frame import Call, function, over_nothing
from .values import FLOATS, Array

HALF = ["float16", "bfloat16", "float32"]


def normalized(x):
    return x - x.mean(-1, keepdims=True)


def rms(x, weight, eps):
    y = x / np.sqrt((x * x).mean(-1, keepdims=True) + eps)
    return y if weight is None else y * weight


def layer(x, weight, bias, eps):
    y = normalized(x) / np.sqrt((normalized(x) ** 2).mean(-1, keepdims=True) + eps)
    return y * (1 if weight is None else weight) + (0 if bias is None else bias)


def vector(draw, x):
    return draw.array(shape=x.shape[-1:]) if draw.flag() and x.ndim else None


@function("fast.rms_norm", dtypes=FLOATS, ulps=8, scale="result", oracle=rms, avoid=over_nothing)
def rms_norm(draw):
    x = draw.array()
    return Call(x, vector(draw, x), 1e-5)


def layer_size(call):
    """Of a row whose elements are nearly equal: what the last place of its mean becomes, divided by the deviation."""
    x, weight, bias, eps = [a.numpy() if isinstance(a, Array) else a for a in call.args]
    largest = np.abs(x).max(-1, keepdims=True, initial=0) / np.sqrt(x.var(-1, keepdims=True) + eps)
    return largest * np.abs(1 if weight is None else weight) + np.abs(0 if bias is None else bias)


@function("fast.layer_norm", dtypes=FLOATS, ulps=4, scale=layer_size, oracle=layer, avoid=over_nothing)
def layer_norm(draw):
    x = draw.array()
    return Call(x, vector(draw, x), vector(draw, x), 1e-3)


def cross_entropy_of(logits, targets):
    top = logits.max(-1, keepdims=True)
    total = np.log(np.exp(logits - top).sum(-1)) + top[..., 0]
    return total - np.take_along_axis(logits, targets[..., None].astype(np.int64), -1)[..., 0]


@function("fast.cross_entropy", dtypes=FLOATS, ulps=8, scale="input", oracle=cross_entropy_of, avoid=over_nothing)
def cross_entropy(draw):
    shape = list(draw.shape(least=1))
    shape[-1] = max(shape[-1], 1)
    logits = draw.array(shape=shape)
    return Call(logits, Array(draw.random.integers(0, shape[-1], shape[:-1]), "int32"))


@function("fast.rope", dtypes=HALF, layouts=["dense", "strided"], ulps=16, scale="input")
def rope(draw):
    x = draw.array(shape=(draw.integer(1, 3), draw.integer(1, 3), draw.integer(1, 4), 8))
    return Call(x, draw.choice(4, 8), traditional=draw.flag(), base=10000.0, scale=1.0, offset=draw.integer(0, 9))
