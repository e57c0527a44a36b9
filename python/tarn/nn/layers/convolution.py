"""Convolutions, over inputs whose channels are the last axis."""

import math
from typing import Union

import tarn.core as mx
from tarn.nn.layers.base import Module


def each(value, axes):
    """value for each of so many spatial axes: an int stands for all."""
    return (value,) * axes if isinstance(value, int) else value


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


class Conv1d(Module):
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
        self.weight = uniform_weight(out_channels, (kernel_size,), in_channels, groups)
        if bias:
            self.bias = mx.zeros((out_channels,))
        self.padding = padding
        self.dilation = dilation
        self.stride = stride
        self.groups = groups

    def _extra_repr(self):
        outputs, size, inputs = self.weight.shape
        return (
            f"{inputs * self.groups}, {outputs}, kernel_size={size}, stride={self.stride}, "
            f"padding={self.padding}, dilation={self.dilation}, groups={self.groups}, bias={'bias' in self}"
        )

    def __call__(self, x):
        y = mx.conv1d(x, self.weight, self.stride, self.padding, self.dilation, self.groups)
        return y + self.bias if "bias" in self else y


class Conv2d(Module):
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
        self.weight = uniform_weight(out_channels, each(kernel_size, 2), in_channels, groups)
        if bias:
            self.bias = mx.zeros((out_channels,))
        self.padding = each(padding, 2)
        self.stride = each(stride, 2)
        self.dilation = dilation
        self.groups = groups

    def _extra_repr(self):
        outputs, *size, inputs = self.weight.shape
        return (
            f"{inputs * self.groups}, {outputs}, kernel_size={tuple(size)}, stride={self.stride}, "
            f"padding={self.padding}, dilation={self.dilation}, groups={self.groups}, bias={'bias' in self}"
        )

    def __call__(self, x):
        y = mx.conv2d(x, self.weight, self.stride, self.padding, self.dilation, self.groups)
        return y + self.bias if "bias" in self else y


class Conv3d(Module):
    """Convolution of [batch, depth, height, width, in_channels] with weight [out_channels, *kernel_size,
    in_channels]."""

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
        self.weight = uniform_weight(out_channels, each(kernel_size, 3), in_channels)
        if bias:
            self.bias = mx.zeros((out_channels,))
        self.padding = each(padding, 3)
        self.stride = each(stride, 3)
        self.dilation = dilation

    def _extra_repr(self):
        outputs, *size, inputs = self.weight.shape
        return (
            f"{inputs}, {outputs}, kernel_size={tuple(size)}, stride={self.stride}, "
            f"padding={self.padding}, dilation={self.dilation}, bias={'bias' in self}"
        )

    def __call__(self, x):
        y = mx.conv3d(x, self.weight, self.stride, self.padding, self.dilation)
        return y + self.bias if "bias" in self else y
