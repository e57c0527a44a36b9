"""Changes of the size of spatial axes, which stand between the batch and the channels."""

import math
from typing import Literal, Tuple, Union

import tarn.core as mx
from tarn.nn.layers.base import Module


def _size(n, scale):
    size = int(scale * n)
    if size < 1:
        raise ValueError(f"[Upsample] nothing is left of an axis of size {n} at a scale of {scale}")
    return size


def _places(n, scale, align_corners):
    """Where each element of the new axis lies on the old one, of size n. align_corners: first on first and last on
    last; else centre on centre."""
    size = _size(n, scale)
    if align_corners:
        step = (n - 1) / max(size - 1, 1)
        return [i * step for i in range(size)]
    start = ((size - 1) / scale - n + 1) / 2
    return [i / scale - start for i in range(size)]


def _nearest_index(n, scale):
    size = _size(n, scale)
    places = mx.arange(size, dtype=mx.float32)
    if size > n:
        places = mx.clip(mx.round((places + 0.5) * (n / size) - 0.5), 0, n - 1)
    else:
        places = places * (n / size)
    return places.astype(mx.uint32)


def _triangle(x):
    return max(0.0, 1.0 - abs(x))


def _cubic(a):
    """The cubic kernel (Keys, 1981) with the slope a at 1."""

    def kernel(x):
        x = abs(x)
        if x <= 1:
            return ((a + 2) * x - (a + 3)) * x * x + 1
        return ((x - 5) * x + 8) * x * a - 4 * a if x < 2 else 0.0

    return kernel


def _taps(places, n, kernel, radius, width, drop_outside):
    """What each place takes: lists of indices and of weights. The kernel reaches radius * width to each side.
    Outside the axis its ends count, or nothing (drop_outside), and weights add up to 1."""
    reach = radius * width
    count = 2 * math.ceil(reach)
    indices, weights = [], []
    for place in places:
        first = math.floor(place) - math.ceil(reach) + 1
        taps = range(first, first + count)
        weight = [kernel((tap - place) / width) * (not drop_outside or 0 <= tap < n) for tap in taps]
        indices.append([min(max(tap, 0), n - 1) for tap in taps])
        weights.append([w / sum(weight) for w in weight] if drop_outside else weight)
    return indices, weights


def _resample(x, axis, indices, weights):
    """The sums of x along axis at indices[i], weighted by weights[i], for each i."""
    shape = [1] * x.ndim
    shape[axis] = len(indices)
    total = 0
    for index, weight in zip(zip(*indices), zip(*weights)):
        total = total + mx.take(x, mx.array(index, mx.uint32), axis=axis) * mx.array(weight).reshape(shape)
    return total


def _require_antialias(align_corners, antialias):
    if antialias and align_corners:
        raise ValueError(
            "[Upsample] antialias=True with align_corners=True is not supported. "
            "Use align_corners=False for antialiased interpolation."
        )


def upsample_nearest(x: mx.array, scale_factor: Tuple) -> mx.array:
    """Each new element is the nearest old one."""
    for axis, scale in enumerate(scale_factor, 1):
        if int(scale) == scale:
            x = mx.repeat(x, int(scale), axis=axis)
        else:
            x = mx.take(x, _nearest_index(x.shape[axis], scale), axis=axis)
    return x


def upsample_linear(x: mx.array, scale_factor: Tuple, align_corners: bool = False, antialias: bool = False) -> mx.array:
    """Between two old elements, new ones lie on a straight line. antialias: below a scale of 1 all that a new
    element covers counts."""
    _require_antialias(align_corners, antialias)
    for axis, scale in enumerate(scale_factor, 1):
        n = x.shape[axis]
        places = _places(n, scale, align_corners)
        if not antialias:
            places = [min(max(place, 0.0), n - 1.0) for place in places]
        width = max(1.0, 1 / scale) if antialias else 1.0
        x = _resample(x, axis, *_taps(places, n, _triangle, 1, width, antialias))
    return x


def upsample_cubic(x: mx.array, scale_factor: Tuple, align_corners: bool = False, antialias: bool = False) -> mx.array:
    """Between old elements, new ones lie on a cubic through four of them. antialias: as in upsample_linear."""
    _require_antialias(align_corners, antialias)
    kernel = _cubic(-0.5 if antialias else -0.75)
    for axis, scale in enumerate(scale_factor, 1):
        n = x.shape[axis]
        width = max(1.0, 1 / scale) if antialias else 1.0
        x = _resample(x, axis, *_taps(_places(n, scale, align_corners), n, kernel, 2, width, antialias))
    return x


class Upsample(Module):
    """Changes the size of the axes between the first and the last by scale_factor, one number for all or one for each.
    mode: "nearest", "linear" or "cubic". align_corners: of linear and cubic, that the corners keep their values; else
    centres of elements lie as they did. antialias: of linear and cubic, that all elements count where sizes shrink.

    >>> nn.Upsample(2)(mx.array([1, 2]).reshape(1, 2, 1)).squeeze()
    array([1, 1, 2, 2], dtype=int32)
    """

    def __init__(
        self,
        scale_factor: Union[float, Tuple],
        mode: Literal["nearest", "linear", "cubic"] = "nearest",
        align_corners: bool = False,
        antialias: bool = False,
    ):
        super().__init__()
        if mode not in ("nearest", "linear", "cubic"):
            raise ValueError(f"[Upsample] Got unsupported upsampling algorithm: {mode}")
        if antialias and mode == "nearest":
            raise ValueError("[Upsample] Antialiasing is not supported for nearest neighbor upsampling")
        _require_antialias(align_corners, antialias)
        several = isinstance(scale_factor, (list, tuple))
        self.scale_factor = tuple(map(float, scale_factor)) if several else float(scale_factor)
        self.mode = mode
        self.align_corners = align_corners
        self.antialias = antialias

    def _extra_repr(self) -> str:
        antialias = ", antialias=True" if self.antialias else ""
        return f"scale_factor={self.scale_factor}, mode={self.mode!r}, align_corners={self.align_corners}{antialias}"

    def __call__(self, x: mx.array) -> mx.array:
        axes = x.ndim - 2
        if axes <= 0:
            raise ValueError(
                "[Upsample] The input should have at least 1 spatial dimension which means it should be at least 3D "
                f"but {x.ndim}D was provided"
            )
        scale = self.scale_factor if isinstance(self.scale_factor, tuple) else (self.scale_factor,) * axes
        if len(scale) != axes:
            raise ValueError(
                "[Upsample] One scale per spatial dimension is required but "
                f"scale_factor={self.scale_factor} and the number of spatial dimensions were {axes}"
            )
        if self.mode == "nearest":
            return upsample_nearest(x, scale)
        interpolate = upsample_linear if self.mode == "linear" else upsample_cubic
        return interpolate(x, scale, self.align_corners, self.antialias)
