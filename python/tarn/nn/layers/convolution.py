"""Convolutions, over inputs whose channels are the last axis."""

import math
from typing import Union

import tarn.core as mx
from tarn.nn.layers.base import Module


def each(value, axes):
    """value for each of so many spatial axes: an int stands for all."""
    if isinstance(value, int):
        return (value,) * axes
    if isinstance(value, (tuple, list)) and len(value) != axes:
        raise ValueError(f"A layer of {axes} spatial axes takes an int or {axes} of them, not {value!r}.")
    return value


def uniform_weight(out_channels, kernel_size, in_channels, groups=1):
    """[out_channels, *kernel_size, in_channels / groups] drawn evenly within 1 / sqrt(inputs of an output)."""
    inputs = in_channels // groups
    scale = math.sqrt(1 / (inputs * math.prod(kernel_size)))
    return mx.random.uniform(low=-scale, high=scale, shape=(out_channels, *kernel_size, inputs))


def require_divisible(in_channels, groups):
    """An error unless each group has the same number of channels."""
    if in_channels % groups != 0:
        raise ValueError(
            f"The number of input channels ({in_channels}) must be divisible by the number of groups ({groups})"
        )


class Convolution(Module):
    """What all of them share. _options: names of the arguments that a layer has beside those of every convolution."""

    _options = ("groups",)

    def _make(self, axes, in_channels, out_channels, kernel_size, stride, padding, dilation, bias, groups=1):
        self.weight = uniform_weight(out_channels, each(kernel_size, axes), in_channels, groups)
        if bias:
            self.bias = mx.zeros((out_channels,))
        self.padding = padding if axes == 1 else each(padding, axes)
        self.stride = stride if axes == 1 else each(stride, axes)
        self.dilation = dilation

    def _extra_repr(self):
        outputs, *size, inputs = self.weight.shape
        size = size[0] if len(size) == 1 else tuple(size)
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
        self._make(1, in_channels, out_channels, kernel_size, stride, padding, dilation, bias, groups)
        self.groups = groups

    def __call__(self, x):
        return self._convolve(mx.conv1d, x)


class Conv2d(Convolution):
    """Convolution of [batch, height, width, in_channels] with weight [out_channels, *kernel_size, in_channels /
    groups].
    """

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
        self._make(2, in_channels, out_channels, kernel_size, stride, padding, dilation, bias, groups)
        self.groups = groups

    def __call__(self, x):
        return self._convolve(mx.conv2d, x)


class Conv3d(Convolution):
    """Convolution of [batch, depth, height, width, in_channels] with weight [out_channels, *kernel_size,
    in_channels]."""

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
        self._make(3, in_channels, out_channels, kernel_size, stride, padding, dilation, bias)

    def __call__(self, x):
        return self._convolve(mx.conv3d, x)
