"""Ordering and searching, and what runs along an axis."""

import numpy as np

from .frame import Call, by_name, function
from .values import ALL


def along(draw, a):
    return draw.choice(None, -1, draw.axis(a))


@function("sort", "argsort")
def ordered(draw):
    a = draw.array(domain=draw.choice("any", "special"))
    return Call(a, along(draw, a))


def numpy_partition(a, kth, axis=-1):
    return np.sort(a, axis=axis)


@function("partition", oracle=numpy_partition,
          run=lambda module, a, kth, axis: module.sort(module.partition(a, kth, axis=axis), axis=axis))
def partitioned(draw):
    a = draw.array(domain=draw.choice("any", "special"))
    return Call(a, draw.integer(-3, 3), along(draw, a))


@function("argpartition",
          run=lambda module, a, kth, axis: module.sort(module.argpartition(a, kth, axis=axis), axis=axis))
def partition_places(draw):
    a = draw.array()
    return Call(a, draw.integer(-3, 3), along(draw, a))


@function("topk", run=lambda module, a, k, axis: module.sort(module.topk(a, k, axis=axis), axis=axis))
def largest(draw):
    a = draw.array(domain=draw.choice("any", "special"))
    return Call(a, draw.integer(0, 3), along(draw, a))


@function("searchsorted", run=lambda module, a, values, side: module.searchsorted(module.sort(a), values, side=side))
def searched(draw):
    a = draw.array(shape=(0 if draw.layout == "empty" else draw.integer(1, 9),), domain=draw.choice("any", "special"))
    return Call(a, draw.array(domain=draw.choice("any", "special")), draw.choice("left", "right"))


@function("unique", layouts=["dense", "strided", "0-d"])
def distinct(draw):
    a = draw.array()
    named = {name: draw.flag() for name in ("return_index", "return_inverse", "return_counts")}
    return Call(a, draw.integer(1, 9), fill_value=draw.choice(None, 1), **named)


def numpy_sums(name):
    """In the widest type, where MLX rounds each step of half types."""

    def oracle(a, axis, reverse, inclusive):
        a, axis = (a.ravel(), 0) if axis is None else (a, axis)
        a = a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)
        return shifted(getattr(np, name), a, axis, reverse, inclusive, 0 if name == "cumsum" else 1)

    return oracle


def shifted(accumulate, a, axis, reverse, inclusive, first):
    """What accumulates along the axis, from the other end or not, with each element or up to it."""
    a = np.flip(a, axis) if reverse else a
    sums = accumulate(a, axis)
    if not inclusive:
        start = np.full_like(np.take(sums, [0], axis) if sums.size else sums, first)
        sums = np.concatenate([start, np.delete(sums, -1, axis)], axis) if sums.size else sums
    return np.flip(sums, axis) if reverse else sums


@function("cumsum", "cumprod", ulps=16, scale="result", oracle=by_name(numpy_sums))
def running(draw):
    a = draw.array(domain="positive")
    return Call(a, along(draw, a), reverse=draw.flag(), inclusive=draw.flag())


def numpy_running(name):
    accumulate = {"cummax": np.maximum, "cummin": np.minimum}[name].accumulate

    def oracle(a, axis, reverse, inclusive):
        a, axis = (a.ravel(), 0) if axis is None else (a, axis)
        first = (-np.inf if name == "cummax" else np.inf) if a.dtype.kind == "f" else 0
        return shifted(accumulate, a, axis, reverse, inclusive, first)

    return oracle


@function("cummax", "cummin", oracle=by_name(numpy_running))
def running_extreme(draw):
    a = draw.array(domain=draw.choice("any", "special"))
    return Call(a, along(draw, a), reverse=draw.flag(), inclusive=draw.flag())


# mlx is up to 15 units from the sum in float64, Tarn 1.
@function("logcumsumexp", dtypes=[d for d in ALL if d not in ("complex64", "float64")], ulps=16, scale="result")
def running_log(draw):
    a = draw.array()
    return Call(a, along(draw, a), reverse=draw.flag(), inclusive=draw.flag())


@function("diff", ulps=2, scale="input")
def differences(draw):
    a = draw.array()
    return Call(a, draw.integer(0, 3), draw.axis(a))
