"""Activation functions, and each as a layer."""

import math
from typing import Any

import tarn.core as mx
from tarn.nn.layers.base import Module


def sigmoid(x) -> mx.array:
    """1 / (1 + exp(-x))."""
    return mx.sigmoid(x)


def relu(x) -> mx.array:
    """max(x, 0)."""
    return mx.maximum(x, 0)


def relu2(x) -> mx.array:
    """max(x, 0)²."""
    return mx.square(mx.maximum(x, 0))


def relu6(x) -> mx.array:
    """min(max(x, 0), 6)."""
    return mx.minimum(mx.maximum(x, 0), 6.0)


def leaky_relu(x, negative_slope=0.01) -> mx.array:
    """max(x, negative_slope * x)."""
    return mx.maximum(negative_slope * x, x)


def log_softmax(x, axis=-1) -> mx.array:
    """x - log(sum(exp(x))) along axis."""
    return x - mx.logsumexp(x, axis=axis, keepdims=True)


def elu(x, alpha=1.0) -> mx.array:
    """x where it is positive, else alpha * (exp(x) - 1) (Clevert et al., 2015)."""
    return mx.where(x > 0, x, alpha * (mx.exp(x) - 1))


def softmax(x, axis=-1) -> mx.array:
    """exp(x) / sum(exp(x)) along axis."""
    return mx.softmax(x, axis=axis)


def softmin(x, axis=-1) -> mx.array:
    """exp(-x) / sum(exp(-x)) along axis."""
    return mx.softmax(-x, axis=axis)


def softplus(x) -> mx.array:
    """log(1 + exp(x))."""
    return mx.logaddexp(x, 0)


def softsign(x) -> mx.array:
    """x / (1 + |x|)."""
    return x / (1 + mx.abs(x))


def softshrink(x, lambd: float = 0.5) -> mx.array:
    """x nearer to zero by lambd; 0 where it is within lambd of it."""
    return mx.where(mx.abs(x) > lambd, x - mx.sign(x) * lambd, 0)


def celu(x, alpha=1.0) -> mx.array:
    """max(x, 0) + alpha * (exp(min(x, 0) / alpha) - 1) (Barron, 2017)."""
    return mx.maximum(x, 0) + alpha * (mx.exp(mx.minimum(x, 0) / alpha) - 1)


def silu(x) -> mx.array:
    """x * sigmoid(x), also known as swish."""
    return mx.silu(x)


def log_sigmoid(x) -> mx.array:
    """log(sigmoid(x)), as -log(1 + exp(-x))."""
    return -softplus(-x)


def gelu(x) -> mx.array:
    """x times the standard normal distribution's share below x (Hendrycks and Gimpel, 2016)."""
    return x * (1 + mx.erf(x / math.sqrt(2))) / 2


def gelu_approx(x) -> mx.array:
    """gelu by 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x³))), off by less than 0.0005."""
    return 0.5 * x * (1 + mx.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def gelu_fast_approx(x) -> mx.array:
    """gelu by x * sigmoid(1.702 * x), off by less than 0.015."""
    return x * mx.sigmoid(1.702 * x)


def glu(x: mx.array, axis: int = -1) -> mx.array:
    """a * sigmoid(b), where a and b are the halves of x along axis (Dauphin et al., 2016)."""
    a, b = mx.split(x, 2, axis=axis)
    return a * mx.sigmoid(b)


def step(x: mx.array, threshold: float = 0.0) -> mx.array:
    """1 where x is threshold or more, else 0."""
    return mx.where(x >= threshold, 1, 0)


def selu(x) -> mx.array:
    """1.0507 * elu(x, 1.67326) (Klambauer et al., 2017)."""
    return elu(x, 1.67326) * 1.0507


def prelu(x: mx.array, alpha: mx.array) -> mx.array:
    """max(x, 0) + alpha * min(x, 0), alpha an array."""
    return mx.maximum(0, x) + alpha * mx.minimum(0, x)


def mish(x: mx.array) -> mx.array:
    """x * tanh(softplus(x)) (Misra, 2019)."""
    return x * mx.tanh(softplus(x))


def hardswish(x) -> mx.array:
    """x * min(max(x + 3, 0), 6) / 6 (Howard et al., 2019)."""
    return x * mx.minimum(mx.maximum(x + 3, 0), 6) / 6


def hard_tanh(x, min_val=-1.0, max_val=1.0) -> mx.array:
    """max(min(x, max_val), min_val)."""
    return mx.minimum(mx.maximum(x, min_val), max_val)


def hard_shrink(x, lambd=0.5) -> mx.array:
    """x, but 0 where it is within lambd of zero."""
    return mx.where(mx.abs(x) > lambd, x, 0)


def tanh(x) -> mx.array:
    """The hyperbolic tangent."""
    return mx.tanh(x)


class GLU(Module):
    """glu along axis as a layer."""

    def __init__(self, axis: int = -1):
        super().__init__()
        self.axis = axis

    def __call__(self, x) -> Any:
        return glu(x=x, axis=self.axis)


class _Activation(Module):
    """A layer that applies a function, which needs no more than x."""

    def __call__(_, x: mx.array) -> mx.array:  # the names are MLX's
        return _._function(x)


def _applies(function):
    """Says of a class which function that is."""

    def decorate(cls):
        cls._function = staticmethod(function)
        cls.__doc__ = f"{function.__name__} as a layer: {function.__doc__}"
        return cls

    return decorate


@_applies(sigmoid)
class Sigmoid(_Activation):
    pass


@_applies(mish)
class Mish(_Activation):
    pass


@_applies(relu)
class ReLU(_Activation):
    pass


@_applies(relu2)
class ReLU2(_Activation):
    pass


@_applies(relu6)
class ReLU6(_Activation):
    pass


class LeakyReLU(Module):
    """leaky_relu as a layer."""

    def __init__(self, negative_slope=0.01) -> None:
        super().__init__()
        self._negative_slope = negative_slope

    def __call__(self, x) -> mx.array:
        return leaky_relu(x, self._negative_slope)


class ELU(Module):
    """elu as a layer."""

    def __init__(self, alpha=1.0) -> None:
        super().__init__()
        self._alpha = alpha

    def __call__(self, x) -> mx.array:
        return elu(x, self._alpha)


@_applies(softmax)
class Softmax(_Activation):
    pass


@_applies(softmin)
class Softmin(_Activation):
    pass


@_applies(softplus)
class Softplus(_Activation):
    pass


@_applies(softsign)
class Softsign(_Activation):
    pass


class Softshrink(Module):
    """softshrink as a layer."""

    def __init__(self, lambd=0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def __call__(self, x) -> mx.array:
        return softshrink(x, self.lambd)


class CELU(Module):
    """celu as a layer."""

    def __init__(self, alpha=1.0) -> None:
        super().__init__()
        self._alpha = alpha

    def __call__(self, x) -> mx.array:
        return celu(x, self._alpha)


@_applies(silu)
class SiLU(_Activation):
    pass


@_applies(log_softmax)
class LogSoftmax(_Activation):
    pass


@_applies(log_sigmoid)
class LogSigmoid(_Activation):
    pass


class PReLU(Module):
    """prelu as a layer, with num_parameters slopes that are learned, init at first."""

    def __init__(self, num_parameters=1, init=0.25) -> None:
        super().__init__()
        self.weight = mx.full([num_parameters], init)

    def __call__(self, x: mx.array) -> mx.array:
        return prelu(x, self.weight)


_GELUS = {"none": gelu, "precise": gelu_approx, "tanh": gelu_approx, "fast": gelu_fast_approx}


class GELU(Module):
    """gelu as a layer; approx: gelu_approx ("precise" or "tanh") or gelu_fast_approx ("fast") in its place."""

    def __init__(self, approx="none") -> None:
        super().__init__()
        names = ["none", "precise", "tanh", "fast"]
        if approx not in names:
            raise ValueError(f"The approximation should be in {names} but '{approx}' was given")
        self._approx = approx

    def __call__(self, x) -> mx.array:
        return _GELUS[self._approx](x)


@_applies(tanh)
class Tanh(_Activation):
    pass


@_applies(hardswish)
class Hardswish(_Activation):
    pass


class Step(Module):
    """step as a layer."""

    def __init__(self, threshold: float = 0.0):
        super().__init__()
        self.threshold = threshold

    def __call__(self, x: mx.array) -> mx.array:
        return step(x, self.threshold)


@_applies(selu)
class SELU(_Activation):
    pass


@_applies(hard_tanh)
class HardTanh(_Activation):
    pass


class HardShrink(Module):
    """hard_shrink as a layer."""

    def __init__(self, lambd=0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def __call__(self, x) -> mx.array:
        return hard_shrink(x, self.lambd)
