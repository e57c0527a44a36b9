"""Recurrent layers: over x [batch, length, features] or [length, features], the states after each step."""

import math
from typing import Callable, Optional, Tuple

import tarn.core as mx
from tarn.nn.layers.activations import tanh
from tarn.nn.layers.base import Module


def _uniform(hidden_size, *shape):
    scale = 1.0 / math.sqrt(hidden_size)
    return mx.random.uniform(low=-scale, high=scale, shape=shape)


def _affine(x, weight, bias):
    return x @ weight.T if bias is None else mx.addmm(bias, x, weight.T)


def _steps(x):
    """x at each step."""
    return (x[..., i, :] for i in range(x.shape[-2]))


class RNN(Module):
    """h = nonlinearity(Wxh x + Whh h + bias) (Elman, 1990); nonlinearity: tanh by default."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: Optional[Callable] = None):
        super().__init__()
        self.nonlinearity = nonlinearity or tanh
        if not callable(self.nonlinearity):
            raise ValueError(f"Nonlinearity must be callable. Current value: {nonlinearity}.")
        self.hidden_size = hidden_size
        self.Wxh = _uniform(hidden_size, hidden_size, input_size)
        self.Whh = _uniform(hidden_size, hidden_size, hidden_size)
        self.bias = _uniform(hidden_size, hidden_size) if bias else None

    def _extra_repr(self):
        return (
            f"input_dims={self.Wxh.shape[1]}, hidden_size={self.hidden_size}, nonlinearity={self.nonlinearity}, "
            f"bias={self.bias is not None}"
        )

    def __call__(self, x, hidden=None) -> mx.array:
        states = []
        for step in _steps(_affine(x, self.Wxh, self.bias)):
            hidden = self.nonlinearity(step if hidden is None else mx.addmm(step, hidden, self.Whh.T))
            states.append(hidden)
        return mx.stack(states, axis=-2)


class GRU(Module):
    """A gated recurrent unit (Cho et al., 2014): r and z are sigmoids of W x + W h + b, n = tanh(W x + b + r * (W h +
    bhn)), h = (1 - z) * n + z * h. Wx, Wh and b hold those of r, z and n, one below the other."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True):
        super().__init__()
        self.hidden_size = hidden_size
        self.Wx = _uniform(hidden_size, 3 * hidden_size, input_size)
        self.Wh = _uniform(hidden_size, 3 * hidden_size, hidden_size)
        self.b = _uniform(hidden_size, 3 * hidden_size) if bias else None
        self.bhn = _uniform(hidden_size, hidden_size) if bias else None

    def _extra_repr(self):
        return f"input_dims={self.Wx.shape[1]}, hidden_size={self.hidden_size}, bias={self.b is not None}"

    def _step(self, x, hidden):
        gates, n = mx.split(x, [2 * self.hidden_size], axis=-1)
        of_n = self.bhn
        if hidden is not None:
            of_gates, product = mx.split(hidden @ self.Wh.T, [2 * self.hidden_size], axis=-1)
            gates = gates + of_gates
            of_n = product if of_n is None else product + of_n
        r, z = mx.split(mx.sigmoid(gates), 2, axis=-1)
        n = mx.tanh(n if of_n is None else n + r * of_n)
        return (1 - z) * n if hidden is None else (1 - z) * n + z * hidden

    def __call__(self, x, hidden=None) -> mx.array:
        states = []
        for step in _steps(_affine(x, self.Wx, self.b)):
            hidden = self._step(step, hidden)
            states.append(hidden)
        return mx.stack(states, axis=-2)


class LSTM(Module):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997): i, f and o are sigmoids of W x + W h + b and g a
    tanh, c = f * c + i * g, h = o * tanh(c). Wx, Wh and bias hold those of i, f, g and o, one below the other.
    Returns h and c after each step."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True):
        super().__init__()
        self.hidden_size = hidden_size
        self.Wx = _uniform(hidden_size, 4 * hidden_size, input_size)
        self.Wh = _uniform(hidden_size, 4 * hidden_size, hidden_size)
        self.bias = _uniform(hidden_size, 4 * hidden_size) if bias else None

    def _extra_repr(self):
        return f"input_dims={self.Wx.shape[1]}, hidden_size={self.hidden_size}, bias={self.bias is not None}"

    def _step(self, x, hidden, cell):
        gates = x if hidden is None else mx.addmm(x, hidden, self.Wh.T)
        i, f, g, o = mx.split(gates, 4, axis=-1)
        fresh = mx.sigmoid(i) * mx.tanh(g)
        cell = fresh if cell is None else mx.sigmoid(f) * cell + fresh
        return mx.sigmoid(o) * mx.tanh(cell), cell

    def __call__(self, x, hidden=None, cell=None) -> Tuple[mx.array, mx.array]:
        states, cells = [], []
        for step in _steps(_affine(x, self.Wx, self.bias)):
            hidden, cell = self._step(step, hidden, cell)
            states.append(hidden)
            cells.append(cell)
        return mx.stack(states, axis=-2), mx.stack(cells, axis=-2)
