"""Functions of each element by itself."""

import numpy as np

from .frame import Call, by_name, function
from .values import ALL, FLOATS, Draw


def unary(*names, domain="any", **how):
    @function(*names, **how)
    def make(draw: Draw):
        return Call(draw.array(domain=draw.choice(domain, domain, "special") if draw.dtype in FLOATS else domain))


def binary(*names, domain="any", **how):
    @function(*names, **how)
    def make(draw: Draw):
        a = draw.array(domain=domain)
        if draw.integer(0, 3) == 0:
            pair = (a, draw.scalar())
        else:
            other = draw.choice(draw.dtype, draw.dtype, *ALL)
            pair = (a, draw.array(shape=draw.broadcast_partner(a.shape), dtype=other, domain=domain))
        return Call(*(pair if draw.flag() else pair[::-1]))


numpy_function = by_name(lambda name: getattr(np, name))

unary("sqrt", "exp", "sin", "cos", "tanh", ulps=4, oracle=numpy_function)
binary("add", "multiply", ulps=1)
binary("equal", "logical_and", "logical_or")
binary("divide", domain="positive", ulps=1)
