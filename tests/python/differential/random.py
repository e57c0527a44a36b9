"""Random numbers, with keys: equal keys give equal numbers."""

import numpy as np

from .frame import Call, Dtype, function
from .values import FLOATS, INTEGERS, Array

LAYOUTS = ["dense", "empty", "0-d"]
NARROW = ["float16", "bfloat16", "float32"]


def key_of(draw):
    return Array(draw.random.integers(0, 2**32, 2, dtype=np.uint32), "uint32")


def shape_of(draw):
    return list(draw.shape())


@function("random.split", dtypes=["uint32"], layouts=["dense"])
def split(draw):
    return Call(key_of(draw), draw.integer(0, 6))


@function("random.key", dtypes=["uint64"], layouts=["dense"])
def key(draw):
    return Call(int(draw.random.integers(0, 2**63)))


@function("random.uniform", dtypes=[*NARROW, "int32", "complex64"], layouts=LAYOUTS)
def uniform(draw):
    bounds = {} if draw.flag() else {"low": draw.scalar(), "high": draw.scalar()}
    return Call(shape=shape_of(draw), dtype=Dtype(draw.dtype), key=key_of(draw), **bounds)


@function("random.normal", dtypes=[*NARROW, "complex64", "int32"], layouts=LAYOUTS, ulps=1)
def normal(draw):
    scale = {} if draw.flag() else {"scale": draw.integer(1, 9) / 4}
    return Call(shape_of(draw), dtype=Dtype(draw.dtype), key=key_of(draw), **scale)


@function("random.gumbel", "random.laplace", dtypes=[*NARROW, "complex64"], layouts=LAYOUTS, ulps=2, scale="result")
def shaped(draw):
    return Call(shape_of(draw), Dtype(draw.dtype), key=key_of(draw))


@function("random.truncated_normal", dtypes=NARROW, layouts=LAYOUTS, ulps=1)
def truncated_normal(draw):
    return Call(-draw.integer(0, 8) / 4, draw.integer(1, 8) / 4, shape_of(draw), Dtype(draw.dtype), key=key_of(draw))


@function("random.randint", dtypes=[*INTEGERS, "bool", "float32"], layouts=LAYOUTS)
def randint(draw):
    low = draw.integer(0, 5)
    return Call(low, low + draw.integer(0, 100), shape_of(draw), Dtype(draw.dtype), key=key_of(draw))


@function("random.bernoulli", dtypes=[*NARROW, "int32"])
def bernoulli(draw):
    return Call(draw.array(domain="unit"), key=key_of(draw))


@function("random.permutation", layouts=["dense", "strided"])
def permutation(draw):
    a = draw.array()
    return Call(a, axis=draw.axis(a), key=key_of(draw))


@function("random.categorical", dtypes=NARROW, layouts=["dense", "strided"])
def categorical(draw):
    a = draw.array()
    count = {} if draw.flag() else {"num_samples": draw.integer(1, 5)}
    return Call(a, axis=draw.axis(a), key=key_of(draw), **count)


@function("random.multivariate_normal", dtypes=["float32", "float16"], layouts=["dense"], ulps=32, scale="result")
def multivariate_normal(draw):
    n = draw.integer(1, 4)
    root = draw.random.uniform(-1, 1, (n, n))
    cov = Array(root @ root.T + np.eye(n), "float32")
    return Call(Array(draw.random.uniform(-1, 1, n), "float32"), cov, [draw.integer(1, 4)], Dtype(draw.dtype),
                key=key_of(draw))
