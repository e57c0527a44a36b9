"""Functions that make arrays. The dtype of the table is that of the result where there is one to be said."""

import numpy as np

from .frame import Call, Dtype, by_name, function
from .values import ALL, FLOATS, REALS

DENSE = ["dense"]


@function("zeros", "ones", "empty", layouts=DENSE)
def constant(draw):
    return Call(draw.shape(), Dtype(draw.dtype))


@function("zeros_like", "ones_like", "empty_like")
def like(draw):
    named = {"dtype": Dtype(draw.choice(*ALL))} if draw.flag() else {}
    return Call(draw.array(), **named)


@function("full")
def filled(draw):
    value = draw.array()
    return Call((draw.integer(1, 3), *value.shape), value)


@function("full_like")
def filled_like(draw):
    a = draw.array()
    return Call(a, draw.array(shape=draw.broadcast_partner(a.shape), dtype=draw.dtype))


@function("arange", dtypes=REALS, layouts=DENSE, ulps=2, scale="result")
def ranged(draw):
    whole = draw.flag()
    start, step = draw.integer(0, 9), draw.choice(1, 2, 3)
    stop = start + draw.integer(0, 20)
    numbers = (start, stop, step) if whole else (start / 2, stop / 2, step / 4)
    return Call(*draw.choice(numbers, numbers[:2], numbers[1:2]), dtype=Dtype(draw.dtype))


@function("arange", layouts=DENSE, dtypes=["int32", "float32"])
def ranged_by_itself(draw):
    a, b = draw.integer(-9, 9), draw.integer(-9, 9)
    return Call(*draw.choice((a,), (a, b), (a, b, draw.choice(-2, 1, 3)), (a / 2, b, 0.5)))


@function("linspace", dtypes=FLOATS, layouts=DENSE, ulps=4, scale="result")
def spaced(draw):
    return Call(draw.integer(-9, 9),
                draw.integer(-9, 9) / 2, draw.integer(0, 9), endpoint=draw.flag(), dtype=Dtype(draw.dtype))


@function("eye", "tri", layouts=DENSE)
def matrix(draw):
    return Call(draw.integer(0, 4), draw.choice(None, draw.integer(0, 4)), draw.integer(-3, 3), Dtype(draw.dtype))


@function("identity", layouts=DENSE)
def identity(draw):
    return Call(draw.integer(0, 5), Dtype(draw.dtype))


@function("tril", "triu")
def triangle(draw):
    return Call(draw.array(least=draw.choice(1, 2, 2, 2)), draw.integer(-3, 3))


@function("meshgrid")
def grid(draw):
    arrays = [
        draw.array(shape=draw.choice((), (draw.integer(0, 4),)) if draw.layout != "0-d" else ())
        for _ in range(draw.integer(1, 3))
    ]
    return Call(*arrays, sparse=draw.flag(), indexing=draw.choice("xy", "ij"))


@function("bartlett", "blackman", "hamming", "hanning", dtypes=["float32"], layouts=DENSE, ulps=4, scale="result",
          oracle=by_name(lambda name: getattr(np, name)))
def window(draw):
    return Call(draw.integer(-1, 60))
