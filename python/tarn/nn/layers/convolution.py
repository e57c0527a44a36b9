"""Convolutions, over inputs whose channels are the last axis."""

import math
from typing import Any, Union

import tarn.core as mx
from tarn.nn.layers.base import Module


def each(value, axes) -> Any:
    """value for each of so many spatial axes: an int stands for all, and for one axis whatever is no list, which the
    product then accepts or refuses."""
    if isinstance(value, (tuple, list)):
        if len(value) != axes:
            raise ValueError(f"A layer of {axes} spatial axes takes an int or {axes} of them, not {value!r}.")
        return value
    return (value,) * axes if isinstance(value, int) or axes == 1 else value


def uniform_weight(out_channels, kernel_size, in_channels, groups=1) -> mx.array:
    """[out_channels, *kernel_size, in_channels / groups] drawn evenly within 1 / sqrt(inputs of an output)."""
    inputs = in_channels // groups
    scale = math.sqrt(1 / (inputs * math.prod(kernel_size)))
    return mx.random.uniform(low=-scale, high=scale, shape=(out_channels, *kernel_size, inputs))


def require_divisible(in_channels, groups) -> None:
    """An error unless each group has the same number of channels."""
    if in_channels % groups != 0:
        raise ValueError(
            f"The number of input channels ({in_channels}) must be divisible by the number of groups ({groups})"
        )


class Convolution(Module):
    """What all of them share. _axes: how many spatial ones. _options: names of the arguments that a layer has beside
    those of every convolution."""

    _axes = 1
    _options = ("groups",)

    def _make(self, in_channels, out_channels, kernel_size, stride, padding, dilation, bias, groups=1):
        size = each(kernel_size, self._axes)
        size = tuple(size[i] for i in range(self._axes))
        self.weight = uniform_weight(out_channels, size, in_channels, groups)
        if bias:
            self.bias = mx.zeros((out_channels,))
        self.padding = padding if self._axes == 1 else each(padding, self._axes)
        self.stride = stride if self._axes == 1 else each(stride, self._axes)
        self.dilation = dilation

    def _extra_repr(self):
        shape = self.weight.shape
        inputs, outputs, size = shape[-1], shape[0], shape[1] if self._axes == 1 else shape[1 : 1 + self._axes]
        options = "".join(f"{name}={getattr(self, name)}, " for name in self._options)
        return (
            f"{inputs * getattr(self, 'groups', 1)}, {outputs}, kernel_size={size}, "
            f"stride={self.stride}, padding={self.padding}, dilation={self.dilation}, {options}bias={'bias' in self}"
        )

    def _convolve(self, function, x):
        options = (getattr(self, name) for name in self._options)
        y = function(x, self.weight, self.stride, self.padding, self.dilation, *options)
        return y + self.bias if "bias" in self else y


class Conv1d(Convolution):
    """Convolution of [batch, length, in_channels] with weight [out_channels, kernel_size, in_channels / groups]."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ):
        super().__init__()
        require_divisible(in_channels, groups)
        self._make(in_channels, out_channels, kernel_size, stride, padding, dilation, bias, groups)
        self.groups = groups

    def __call__(self, x) -> mx.array:
        return self._convolve(mx.conv1d, x)


class Conv2d(Convolution):
    """Convolution of [batch, height, width, in_channels] with weight [out_channels, *kernel_size, in_channels /
    groups].
    """

    _axes = 2

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Union[int, tuple],
        stride: Union[int, tuple] = 1,
        padding: Union[int, tuple] = 0,
        dilation: Union[int, tuple] = 1,
        groups: int = 1,
        bias: bool = True,
    ):
        super().__init__()
        require_divisible(in_channels, groups)
        self._make(in_channels, out_channels, kernel_size, stride, padding, dilation, bias, groups)
        self.groups = groups

    def __call__(self, x) -> mx.array:
        return self._convolve(mx.conv2d, x)


class Conv3d(Convolution):
    """Convolution of [batch, depth, height, width, in_channels] with weight [out_channels, *kernel_size,
    in_channels]."""

    _axes = 3
    _options = ()

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Union[int, tuple],
        stride: Union[int, tuple] = 1,
        padding: Union[int, tuple] = 0,
        dilation: Union[int, tuple] = 1,
        bias: bool = True,
    ):
        super().__init__()
        self._make(in_channels, out_channels, kernel_size, stride, padding, dilation, bias)

    def __call__(self, x) -> mx.array:
        return self._convolve(mx.conv3d, x)
