"""Products with learned weights."""

import math
from typing import Any, Optional

import tarn.core as mx
from tarn.nn.layers.base import Module
from tarn.nn.layers.quantized import QQLinear, QuantizedLinear


def uniform_within(scale, shape) -> mx.array:
    """Numbers drawn evenly from -scale to scale, as weights begin."""
    return mx.random.uniform(low=-scale, high=scale, shape=shape)


class Identity(Module):
    """Returns its input; takes any arguments, so that it can stand for another layer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def __call__(self, x: mx.array) -> mx.array:
        return x


class Linear(Module):
    """x @ weight.T + bias, weight [output_dims, input_dims]. Both begin evenly drawn within 1 / sqrt(input_dims)."""

    def __init__(self, input_dims: int, output_dims: int, bias: bool = True) -> None:
        super().__init__()
        scale = math.sqrt(1.0 / input_dims)
        self.weight = uniform_within(scale, (output_dims, input_dims))
        if bias:
            self.bias = uniform_within(scale, (output_dims,))

    def _extra_repr(self) -> str:
        shape = self.weight.shape
        return f"input_dims={shape[1]}, output_dims={shape[0]}, bias={'bias' in self}"

    def __call__(self, x: mx.array) -> mx.array:
        if "bias" in self:
            return mx.addmm(self["bias"], x, self["weight"].T)
        return x @ self["weight"].T

    def to_quantized(
        self,
        group_size: Optional[int] = None,
        bits: Optional[int] = None,
        mode: str = "affine",
        quantize_input: bool = False,
    ) -> Module:
        """A QuantizedLinear with these weights, or with quantize_input a QQLinear."""
        if not quantize_input:
            return QuantizedLinear.from_linear(self, group_size, bits, mode=mode)
        if mode not in ("nvfp4", "mxfp8"):
            raise ValueError(f"Quantized activations are only supported for 'nvfp4' and 'mxfp8' modes, got {mode}.")
        return QQLinear.from_linear(self, group_size, bits, mode=mode)


class Bilinear(Module):
    """x2ᵀ W x1 + b for each output, weight [output_dims, input2_dims, input1_dims]. Both begin evenly drawn within
    1 / sqrt(input1_dims)."""

    def __init__(self, input1_dims: int, input2_dims: int, output_dims: int, bias: bool = True) -> None:
        super().__init__()
        scale = math.sqrt(1.0 / input1_dims)
        self.weight = uniform_within(scale, (output_dims, input2_dims, input1_dims))
        if bias:
            self.bias = uniform_within(scale, (output_dims,))

    def _extra_repr(self) -> str:
        outputs, second, first = self.weight.shape
        return f"input1_dims={first}, input2_dims={second}, output_dims={outputs}, bias={'bias' in self}"

    def __call__(self, x1: mx.array, x2: mx.array) -> mx.array:
        outputs, second, first = self.weight.shape
        weight = self.weight.reshape(outputs * second, first)
        y = (x1 @ weight.T).reshape(*x1.shape[:-1], outputs, second)
        y = mx.squeeze(y @ mx.expand_dims(x2, -1), -1)
        return y + self.bias if "bias" in self else y
