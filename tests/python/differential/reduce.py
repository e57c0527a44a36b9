"""Reductions."""

import numpy as np

from .frame import Call, by_name, function, over_nothing


def sum_size(call):
    """Of sums that cancel."""
    return np.abs(call.args[0].numpy()).sum(axis=call.named["axis"], keepdims=call.named["keepdims"])


@function("sum", avoid=over_nothing, ulps=4, scale=sum_size, oracle=by_name(lambda name: getattr(np, name)))
def reduction(draw):
    a = draw.array()
    return Call(a, axis=draw.axes(a), keepdims=draw.flag())


@function("prod", "mean", avoid=over_nothing, ulps=16, scale="result", oracle=by_name(lambda name: getattr(np, name)))
def product(draw):
    a = draw.array(domain="positive")
    return Call(a, axis=draw.axes(a), keepdims=draw.flag())


@function("max", "min", "all", "any", "minmax", "count_nonzero", layouts=["dense", "strided", "0-d"])
def extreme(draw):
    a = draw.array(domain=draw.choice("any", "special"))
    return Call(a, axis=draw.axes(a), keepdims=draw.flag())


@function("argmax", "argmin", layouts=["dense", "strided", "0-d"])
def places(draw):
    a = draw.array(domain=draw.choice("any", "special"), least=1)
    return Call(a, axis=draw.choice(None, draw.axis(a)), keepdims=draw.flag())


def numpy_logsumexp(a, axis, keepdims):
    return np.log(
        np.sum(np.exp(a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)), axis=axis, keepdims=keepdims))


@function("logsumexp", layouts=["dense", "strided", "0-d"], ulps=8, scale="input", oracle=numpy_logsumexp)
@function("median", layouts=["dense", "strided", "0-d"], ulps=8, scale="result")
def middle(draw):
    a = draw.array()
    return Call(a, axis=draw.axes(a), keepdims=draw.flag())


@function(
    "var", "std", layouts=["dense", "strided", "0-d"], ulps=64, scale="input", oracle=by_name(
        lambda name: lambda a, axis, keepdims, ddof: getattr(np, name)(a, axis=axis, keepdims=keepdims, ddof=ddof)))
def spread(draw):
    a = draw.array()
    return Call(a, axis=draw.axes(a), keepdims=draw.flag(), ddof=draw.choice(0, 0, 1))


def no_diagonal(call):
    """mlx does not come back."""
    return np.trace(np.ones(call.args[0].shape), *call.args[1:]).sum() == 0


@function("trace", layouts=["dense", "strided"], ulps=8, scale="input", avoid=no_diagonal, oracle=np.trace)
def diagonal_sum(draw):
    a = draw.array(least=2)
    return Call(a, draw.integer(-2, 2), 0, -1)


def numpy_softmax(a, axis, precise):
    a = a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)
    e = np.exp(a - a.max(axis=axis, keepdims=True)) if a.size else a
    return e / e.sum(axis=axis, keepdims=True)


def of_whole_numbers(call, ours, error):
    """mlx gives the dtype of the argument."""
    return call.named["precise"] and ours and ours[0] == "float32" and call.args[0].dtype != "float32"


@function("softmax", ulps=16, scale="result", oracle=numpy_softmax, agreed=[("softmax with precise", of_whole_numbers)])
def shares(draw):
    a = draw.array()
    return Call(a, axis=draw.axes(a), precise=draw.flag())
