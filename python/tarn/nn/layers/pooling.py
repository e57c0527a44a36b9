"""Pooling: one value of each window of the spatial axes, which stand between the batch and the channels."""

from typing import Optional, Tuple, Union

import tarn.core as mx
from tarn.nn.layers.base import Module


def _windows(x, size, stride):
    """A view of x [batch, *spatial, channels] as windows of this size, and the axes that lie within a window."""
    batch, *spatial, channels = x.shape
    if len(spatial) < 1:
        raise ValueError(
            "To extract sliding windows at least 1 spatial dimension (3 total) is needed but the input only has "
            f"{x.ndim} dimensions."
        )
    if len(spatial) != len(size):
        raise ValueError(
            "To extract sliding windows the window shapes and strides must have the same number of spatial "
            f"dimensions as the signal but the signal has {len(spatial)} dims and the window shape has {len(size)} "
            f"and strides have {len(stride)}."
        )
    counts = [max(0, (n - w) // s + 1) for n, w, s in zip(spatial, size, stride)]
    if size == stride:
        return _tiles(x, size, counts)
    steps = [1]
    for n in reversed(x.shape[1:]):
        steps.insert(0, n * steps[0])
    strides = (steps[0], *[step * s for step, s in zip(steps[1:], stride)], *steps[1:-1], 1)
    return mx.as_strided(x, (batch, *counts, *size, channels), strides, 0), tuple(range(-len(size) - 1, -1))


def _tiles(x, size, counts):
    """_windows that do not overlap: the axes cut to whole windows, and split."""
    if any(n != c * w for n, c, w in zip(x.shape[1:], counts, size)):
        x = x[(slice(None), *[slice(0, c * w) for c, w in zip(counts, size)])]
    split = [n for pair in zip(counts, size) for n in pair]
    return x.reshape(x.shape[0], *split, x.shape[-1]), tuple(range(2, 2 * len(size) + 1, 2))


class _Pool(Module):
    """_reduce over windows of the input, with _fill around it."""

    _axes_count = 0
    _fill = 0

    def __init__(self, kernel_size, stride, padding) -> None:
        super().__init__()
        self._kernel_size = self._sizes("kernel_size", kernel_size, 1)
        self._stride = self._kernel_size if stride is None else self._sizes("stride", stride, 1)
        sides = self._sizes("padding", padding, 0)
        self._padding = [(side, side) for side in sides]
        self._axes = tuple(range(-1 - self._axes_count, -1))

    def _sizes(self, name, value, least):
        """value for each spatial axis, in a list; of at least least."""
        axes = self._axes_count
        where = f"[{type(self).__name__}] '{name}' must be"
        sizes = [value] * axes if isinstance(value, int) else list(value) if isinstance(value, (list, tuple)) else []
        if len(sizes) != axes or not all(isinstance(size, int) for size in sizes):
            plural = "s" if axes > 1 else ""
            raise ValueError(f"{where} an integer or a tuple containing {axes} integer{plural}")
        if any(size < least for size in sizes):
            raise ValueError(f"{where} {'positive' if least else 'non-negative'} but got {tuple(sizes)}.")
        return sizes

    def _extra_repr(self):
        sides = tuple(before for before, _ in self._padding)
        return f"kernel_size={tuple(self._kernel_size)}, stride={tuple(self._stride)}, padding={sides}"

    @staticmethod
    def _reduce(windows, axes):
        raise NotImplementedError

    def _padded(self, x):
        if x.ndim != self._axes_count + 2 or not any(before for before, _ in self._padding):
            return x
        return mx.pad(x, [(0, 0), *self._padding, (0, 0)], constant_values=self._fill)

    def __call__(self, x) -> mx.array:
        return self._reduce(*_windows(self._padded(x), self._kernel_size, self._stride))


class _Max:
    _fill = -float("inf")

    @staticmethod
    def _reduce(windows, axes):
        return mx.max(windows, axis=axes)


class _Mean:
    @staticmethod
    def _reduce(windows, axes):
        return mx.mean(windows, axis=axes)


class _Pool1d(_Pool):
    _axes_count = 1

    def __init__(
        self,
        kernel_size: Union[int, Tuple[int]],
        stride: Optional[Union[int, Tuple[int]]] = None,
        padding: Union[int, Tuple[int]] = 0,
    ):
        super().__init__(kernel_size, stride, padding)


class _Pool2d(_Pool):
    _axes_count = 2

    def __init__(
        self,
        kernel_size: Union[int, Tuple[int, int]],
        stride: Optional[Union[int, Tuple[int, int]]] = None,
        padding: Optional[Union[int, Tuple[int, int]]] = 0,
    ):
        super().__init__(kernel_size, stride, padding)


class _Pool3d(_Pool):
    _axes_count = 3

    def __init__(
        self,
        kernel_size: Union[int, Tuple[int, int, int]],
        stride: Optional[Union[int, Tuple[int, int, int]]] = None,
        padding: Optional[Union[int, Tuple[int, int, int]]] = 0,
    ):
        super().__init__(kernel_size, stride, padding)


class MaxPool1d(_Max, _Pool1d):
    """The largest of each window of [batch, length, channels]. stride: kernel_size by default."""


class AvgPool1d(_Mean, _Pool1d):
    """The mean of each window of [batch, length, channels]; padding counts as zeros. stride:
    kernel_size by default."""


class MaxPool2d(_Max, _Pool2d):
    """The largest of each window of [batch, height, width, channels]. stride: kernel_size by default."""


class AvgPool2d(_Mean, _Pool2d):
    """The mean of each window of [batch, height, width, channels]; padding counts as zeros. stride:
    kernel_size by default."""


class MaxPool3d(_Max, _Pool3d):
    """The largest of each window of [batch, depth, height, width, channels]. stride: kernel_size by default."""


class AvgPool3d(_Mean, _Pool3d):
    """The mean of each window of [batch, depth, height, width, channels]; padding counts as zeros. stride:
    kernel_size by default."""
