"""Quantized weights of all modes, and fp8. Weights are packed by mlx and read by both."""

import functools

import mlx.core
import numpy as np

from .frame import Call, function
from .values import Array

FORMATS = [("affine", group, bits) for group in (32, 64, 128) for bits in (1, 2, 3, 4, 5, 6, 8)]
FORMATS += [("mxfp4", 32, 4), ("mxfp8", 32, 8), ("nvfp4", 16, 4)]
HALVES = ["float16", "bfloat16", "float32"]
HERE = dict(dtypes=HALVES, layouts=["dense", "strided"])


def weight(draw, *leading):
    mode, group, bits = draw.choice(*FORMATS)
    return draw.array((*leading, 128)), {"mode": mode, "group_size": group, "bits": bits}


@functools.lru_cache(maxsize=None)
def packed(seed, rows, mode, group_size, bits, dtype):
    w = mlx.core.array(np.random.default_rng(seed).normal(size=(3, rows, 128))).astype(getattr(mlx.core, dtype))
    parts = mlx.core.quantize(w, group_size, bits, mode)
    return tuple(Array(np.array(part.astype(mlx.core.float32) if part.dtype == mlx.core.bfloat16 else part),
                       str(part.dtype).rsplit(".", 1)[-1]) for part in parts)


def first(part):
    return Array(part.base[0], part.dtype)


def packed_weight(draw):
    mode, group, bits = draw.choice(*FORMATS)
    parts = packed(draw.integer(0, 9), draw.integer(1, 4), mode, group, bits, draw.dtype)
    return parts, {"mode": mode, "group_size": group, "bits": bits}


def as_named(parts):
    return {"scales": parts[1], **({"biases": parts[2]} if len(parts) > 2 else {})}


@function("quantize", **HERE)
def quantize(draw):
    w, named = weight(draw, *draw.choice((1,), (3,), (2, 2)))
    return Call(w, **named)


@function("dequantize", **HERE)
def dequantize(draw):
    parts, named = packed_weight(draw)
    return Call(parts[0], **as_named(parts), **named)


def product(draw, *leading):
    parts, named = packed_weight(draw)
    transpose = draw.flag()
    x = draw.array((*leading, draw.integer(1, 3), 128 if transpose else parts[0].shape[-2]))
    return x, parts, {**named, "transpose": transpose}


# mlx sums in the dtype of x, one number after the other.
@function("quantized_matmul", ulps=512, scale="result", **HERE)
def quantized_matmul(draw):
    x, parts, named = product(draw)
    parts = [first(part) for part in parts]
    return Call(x, parts[0], **as_named(parts), **named)


@function("gather_qmm", ulps=512, scale="result", **HERE)
def gather_qmm(draw):
    x, parts, named = product(draw, 2)
    indices = [Array(np.asarray(draw.random.integers(0, size, 4), dtype=np.uint32), "uint32") for size in (2, 3)]
    return Call(x, parts[0], **as_named(parts), lhs_indices=indices[0], rhs_indices=indices[1], **named)


# mlx has one row against packed weights.
@function("qqmm", ulps=512, scale="result", **HERE)
def qqmm(draw):
    mode, group, bits = draw.choice(*FORMATS[-3:])
    parts = [first(part) for part in packed(draw.integer(0, 9), 3, mode, group, bits, draw.dtype)]
    return Call(draw.array((1, 128)), parts[0], parts[1], mode=mode)


@function("to_fp8", dtypes=HALVES)
def to_fp8(draw):
    return Call(draw.array())


@function("from_fp8", dtypes=["uint8"])
def from_fp8(draw):
    return Call(draw.array())
