"""Reductions."""

import numpy as np

from .frame import Call, by_name, function


def over_nothing(call):
    """mlx reads beyond an empty array, or does not come back."""
    return 0 in call.args[0].shape


@function("sum", avoid=over_nothing, ulps=8, scale="input", oracle=by_name(lambda name: getattr(np, name)))
def reduction(draw):
    a = draw.array()
    return Call(a, axis=draw.axes(a), keepdims=draw.flag())
