"""Transposed convolutions, the gradients of convolutions as layers, over inputs whose channels are the last axis."""

from typing import Union

import tarn.core as mx
from tarn.nn.layers.convolution import Convolution, each


class _ConvTranspose(Convolution):
    _options = ("output_padding",)


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
        self._make(in_channels, out_channels, kernel_size, stride, padding, dilation, bias)
        self.output_padding = output_padding

    def __call__(self, x) -> mx.array:
        return self._convolve(mx.conv_transpose1d, x)


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution of [batch, height, width, in_channels] with weight [out_channels, *kernel_size,
    in_channels]. output_padding: added to one side of each axis of the result."""

    _axes = 2

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
        self._make(in_channels, out_channels, kernel_size, stride, padding, dilation, bias)
        self.output_padding = each(output_padding, 2)

    def __call__(self, x) -> mx.array:
        return self._convolve(mx.conv_transpose2d, x)


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution of [batch, depth, height, width, in_channels] with weight [out_channels, *kernel_size,
    in_channels]. output_padding: added to one side of each axis of the result."""

    _axes = 3

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
        self._make(in_channels, out_channels, kernel_size, stride, padding, dilation, bias)
        self.output_padding = each(output_padding, 3)

    def __call__(self, x) -> mx.array:
        return self._convolve(mx.conv_transpose3d, x)
