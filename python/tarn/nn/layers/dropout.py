"""Layers that leave out a random part of their input in training mode."""

import tarn.core as mx
from tarn.nn.layers.base import Module


class _Dropout(Module):
    def __init__(self, p: float = 0.5):
        super().__init__()
        if p < 0 or p >= 1:
            raise ValueError(f"The dropout probability {p} is not in [0, 1)")
        self._p_1 = 1 - p

    def _extra_repr(self):
        return f"p={1 - self._p_1}"

    def _mask_shape(self, x):
        raise NotImplementedError

    def __call__(self, x: mx.array) -> mx.array:
        shape = self._mask_shape(x)
        if self._p_1 == 1 or not self.training:
            return x
        return mx.random.bernoulli(self._p_1, shape) * x * (1 / self._p_1)


class Dropout(_Dropout):
    """Zeros elements with probability p, and divides the others by 1 - p (Srivastava et al., 2014). Out of training
    mode the input passes."""

    def _mask_shape(self, x):
        return x.shape


def _channels_only(x, spatial):
    """x's shape with 1 for each of the spatial axes, which stand before the last; the batch is optional."""
    if x.ndim not in (spatial + 1, spatial + 2):
        expected = f"{spatial + 1} or {spatial + 2}"
        raise ValueError(f"Received input with {x.ndim} dimensions. Expected {expected} dimensions.")
    return (*x.shape[: -1 - spatial], *[1] * spatial, x.shape[-1])


class Dropout2d(_Dropout):
    """Dropout of whole channels of images [batch, height, width, channels], or of one image (Tompson et al., 2015)."""

    def _mask_shape(self, x):
        return _channels_only(x, 2)


class Dropout3d(_Dropout):
    """Dropout of whole channels of volumes [batch, depth, height, width, channels], or of one volume."""

    def _mask_shape(self, x):
        return _channels_only(x, 3)
