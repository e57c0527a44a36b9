"""Transposed convolutions, the gradients of convolutions as layers, over inputs whose channels are the last axis."""

from typing import Union

import tarn.core as mx
from tarn.nn.layers.base import Module
from tarn.nn.layers.convolution import each, uniform_weight


class _ConvTranspose(Module):
    def _extra_repr(self):
        outputs, *size, inputs = self.weight.shape
        return (
            f"{inputs}, {outputs}, kernel_size={size[0] if len(size) == 1 else tuple(size)}, stride={self.stride}, "
            f"padding={self.padding}, dilation={self.dilation}, output_padding={self.output_padding}, "
            f"bias={'bias' in self}"
        )

    def _convolve(self, function, x):
        y = function(x, self.weight, self.stride, self.padding, self.dilation, self.output_padding)
        return y + self.bias if "bias" in self else y


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution of [batch, length, in_channels] with weight [out_channels, kernel_size, in_channels].
    output_padding: added to one side of the result."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        output_padding: int = 0,
        bias: bool = True,
    ):
        super().__init__()
        self.weight = uniform_weight(out_channels, (kernel_size,), in_channels)
        if bias:
            self.bias = mx.zeros((out_channels,))
        self.padding = padding
        self.dilation = dilation
        self.stride = stride
        self.output_padding = output_padding

    def __call__(self, x):
        return self._convolve(mx.conv_transpose1d, x)


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution of [batch, height, width, in_channels] with weight [out_channels, *kernel_size,
    in_channels]. output_padding: added to one side of each axis of the result."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Union[int, tuple],
        stride: Union[int, tuple] = 1,
        padding: Union[int, tuple] = 0,
        dilation: Union[int, tuple] = 1,
        output_padding: Union[int, tuple] = 0,
        bias: bool = True,
    ):
        super().__init__()
        self.weight = uniform_weight(out_channels, each(kernel_size, 2), in_channels)
        if bias:
            self.bias = mx.zeros((out_channels,))
        self.padding = each(padding, 2)
        self.stride = each(stride, 2)
        self.output_padding = each(output_padding, 2)
        self.dilation = dilation

    def __call__(self, x):
        return self._convolve(mx.conv_transpose2d, x)


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution of [batch, depth, height, width, in_channels] with weight [out_channels, *kernel_size,
    in_channels]. output_padding: added to one side of each axis of the result."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Union[int, tuple],
        stride: Union[int, tuple] = 1,
        padding: Union[int, tuple] = 0,
        dilation: Union[int, tuple] = 1,
        output_padding: Union[int, tuple] = 0,
        bias: bool = True,
    ):
        super().__init__()
        self.weight = uniform_weight(out_channels, each(kernel_size, 3), in_channels)
        if bias:
            self.bias = mx.zeros((out_channels,))
        self.padding = each(padding, 3)
        self.stride = each(stride, 3)
        self.output_padding = each(output_padding, 3)
        self.dilation = dilation

    def __call__(self, x):
        return self._convolve(mx.conv_transpose3d, x)
