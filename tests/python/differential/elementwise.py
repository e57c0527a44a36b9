"""Functions of each element by itself."""

import numpy as np
import scipy.special

from .frame import Call, by_name, function, over_nothing
from .values import ALL, FLOATS, INTEGERS, Draw


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

# ---- every other row of the table
unary("abs", "sign", "square", "negative", "positive", "real", "imag", "logical_not", "floor", "ceil", "trunc", ulps=1,
      oracle=numpy_function)
unary("isnan", "isinf", "isfinite", "isposinf", "isneginf")
unary("rsqrt", "reciprocal", domain="positive", ulps=4)
unary("log", "log1p", "log2", "log10", domain="positive", ulps=8, scale="result", oracle=numpy_function)
unary("expm1", "sinh", "cosh", "degrees", "radians", ulps=16, scale="result")
# mlx computes these of float64 in float32
unary("sigmoid", ulps=16, scale="result", oracle=lambda x: 1 / (1 + np.exp(-x)))
unary("erf", ulps=16, scale="result", oracle=scipy.special.erf)
unary("erfinv", domain="unit", ulps=16, scale="result", oracle=scipy.special.erfinv)
unary("tan", "arcsin", "arccos", "arctan", "arcsinh", "arctanh", domain="unit", ulps=16, scale="result")
unary("arccosh", domain="above1", ulps=16, scale="result")
unary("conj", "conjugate")
binary("subtract", "maximum", "minimum", ulps=1)
binary("not_equal", "less", "less_equal", "greater", "greater_equal", "logical_xor")
binary("floor_divide", "remainder", domain="positive", ulps=1, dtypes=[d for d in ALL if d != "complex64"],
       oracle=numpy_function,
       agreed=[("floor_divide of complex numbers", lambda call, ours, error: "complex64" in str(error))])
binary("power", domain="positive", ulps=16)
binary("logaddexp", ulps=8, scale="result", oracle=numpy_function)


@function("arctan2", ulps=4, dtypes=FLOATS)
def same_dtypes(draw):
    a = draw.array(domain="positive")
    return Call(a, draw.array(shape=a.shape, domain="positive"))


@function("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", dtypes=INTEGERS)
def bits(draw):
    a = draw.array(domain="small")
    return Call(a, draw.array(shape=draw.broadcast_partner(a.shape), domain="small"))


@function("bitwise_invert", dtypes=INTEGERS + ["bool"])
def inverted(draw):
    return Call(draw.array())


@function("round", ulps=2, scale="result", oracle=np.round)
def rounded(draw):
    return Call(draw.array(), draw.integer(-1, 2))


@function("nan_to_num", dtypes=[d for d in ALL if d not in ("float64", "complex64")])
def finite(draw):
    named = {name: draw.integer(-3, 3) / 2 for name in ("nan", "posinf", "neginf") if draw.flag()}
    return Call(draw.array(domain="special"), **named)


@function("clip", dtypes=[d for d in ALL if d != "bool"])
def clipped(draw):
    a = draw.array()
    low = draw.choice(None, draw.integer(0, 3), draw.array(shape=draw.broadcast_partner(a.shape)))
    return Call(a, low, draw.choice(draw.integer(2, 5), draw.array(shape=())))


@function("where")
def chosen(draw):
    a = draw.array()
    condition = draw.array(shape=a.shape, dtype="bool")
    return Call(condition, a, draw.choice(draw.scalar(), draw.array(shape=draw.broadcast_partner(a.shape))))


def exact_quotients(call, ours, error):
    """Whether these are the quotients rounded down, and what remains, in the widest type."""
    a, b = (one.numpy().astype(np.float64) for one in call.args)
    near = 0.01 if call.args[0].dtype in ("float16", "bfloat16") else 1e-5
    return not error and np.array_equal(ours[0][1], a // b) and np.allclose(ours[1][1], a % b, near, near)


@function("divmod", dtypes=INTEGERS + FLOATS, ulps=1,
          agreed=[("`floor_divide`, and so `divmod`, of floats", exact_quotients)])
def quotients(draw):
    a = draw.array(domain="positive")
    return Call(a, draw.array(shape=a.shape, domain="positive"))


@function("isclose", "allclose", avoid=over_nothing, oracle=by_name(lambda name: getattr(np, name)))
def close(draw):
    a = draw.array(domain=draw.choice("any", "special"))
    near = draw.array(shape=a.shape, domain=draw.choice("any", "special"))
    return Call(a, draw.choice(a, near), rtol=draw.choice(1e-5, 0.5), atol=draw.choice(1e-8, 1.0),
                equal_nan=draw.flag())


@function("array_equal", avoid=over_nothing, oracle=np.array_equal)
def equal(draw):
    a = draw.array(domain=draw.choice("any", "special"))
    return Call(a, draw.choice(a, draw.array(), draw.array(shape=a.shape)), equal_nan=draw.flag())
