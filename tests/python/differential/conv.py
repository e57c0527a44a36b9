"""Convolutions. mlx reads beyond empty arrays and crashes at groups of 0: those are not asked."""

import numpy as np

from .frame import Call, function

def spread(x, axes, dilation):
    """x with zeros between its elements."""
    for i in range(axes):
        wide = np.zeros([*x.shape[: i + 1], (x.shape[i + 1] - 1) * dilation[i] + 1, *x.shape[i + 2 :]], x.dtype)
        wide[(slice(None),) * (i + 1) + (slice(None, None, dilation[i]),)] = x
        x = wide
    return x


def direct(x, w, stride=1, padding=0, kernel_dilation=1, input_dilation=1, groups=1, flip=False):
    """A convolution in NumPy, a place of the kernel at a time."""
    axes = x.ndim - 2
    stride, kernel_dilation, input_dilation = ([n] * axes if isinstance(n, int) else list(n)
                                               for n in (stride, kernel_dilation, input_dilation))
    low, high = padding if isinstance(padding, tuple) and padding and isinstance(padding[0], list) else (padding,
                                                                                                         padding)
    low, high = ([n] * axes if isinstance(n, int) else list(n) for n in (low, high))
    x = np.pad(spread(x, axes, input_dilation), [(0, 0), *zip(low, high), (0, 0)])
    w = w[(slice(None),) + (slice(None, None, -1),) * axes] if flip else w
    places = [(x.shape[i + 1] - kernel_dilation[i] * (w.shape[i + 1] - 1) - 1) // stride[i] + 1 for i in range(axes)]
    out = np.zeros([x.shape[0], *places, w.shape[0]], x.dtype)
    outs, channels = w.shape[0] // groups, w.shape[-1]
    for tap in np.ndindex(*w.shape[1:-1]):
        window = [slice(k * d, k * d + s * (n - 1) + 1, s) for k, d, s, n in zip(tap, kernel_dilation, stride, places)]
        seen = x[(slice(None), *window)]
        for g in range(groups):
            part = seen[..., g * channels : (g + 1) * channels] @ w[(slice(g * outs, (g + 1) * outs), *tap)].T
            out[..., g * outs : (g + 1) * outs] += part
    return out


def plain(x, w, stride=1, padding=0, dilation=1, groups=1):
    return direct(x, w, stride, tuple(padding) if isinstance(padding, tuple) else padding, dilation, groups=groups)


def transposed(x, w, stride=1, padding=0, dilation=1, output_padding=0, groups=1):
    axes = x.ndim - 2
    padding, dilation, output_padding = ([n] * axes if isinstance(n, int) else list(n)
                                         for n in (padding, dilation, output_padding))
    low = [d * (k - 1) - p for d, k, p in zip(dilation, w.shape[1:], padding)]
    return direct(x, w, 1, (low, [a + b for a, b in zip(low, output_padding)]), dilation, stride, groups, True)


def by_itself(call):
    """float64 mlx computes in float32, complex64 it refuses."""
    return call.args[0].dtype in ("float64", "complex64")


HERE = dict(layouts=["dense", "strided"], ulps=16, scale="result", avoid=by_itself)


def entries(draw, axes, low, high):
    return draw.integer(low, high) if draw.flag() else tuple(draw.integer(low, high) for _ in range(axes))



def shapes(draw, axes, groups):
    channels, outs = draw.integer(1, 3) * groups, draw.integer(1, 3) * groups
    kernel = [draw.integer(1, 3) for _ in range(axes)]
    spatial = [size + draw.integer(2, 5) for size in kernel]
    return (draw.integer(1, 3), *spatial, channels), (outs, *kernel, channels // groups)


def groups_of(draw, axes):
    return draw.integer(1, 2) if axes < 3 else 1


def register(axes):
    @function(f"conv{axes}d", oracle=plain, **HERE)
    def conv(draw):
        groups = groups_of(draw, axes)
        x, w = shapes(draw, axes, groups)
        one = (lambda low, high: draw.integer(low, high)) if axes == 1 else (
            lambda low, high: entries(draw, axes, low, high))
        return Call(draw.array(x), draw.array(w), stride=one(1, 2), padding=one(0, 2), groups=groups)

    @function(f"conv_transpose{axes}d", oracle=transposed, **HERE)
    def conv_transpose(draw):
        groups = groups_of(draw, axes)
        x, w = shapes(draw, axes, groups)
        one = (lambda low, high: draw.integer(low, high)) if axes == 1 else (
            lambda low, high: entries(draw, axes, low, high))
        return Call(draw.array(x), draw.array(w), stride=one(1, 2), output_padding=one(0, 1), dilation=1, groups=groups)


for axes in (1, 2, 3):
    register(axes)


@function("conv_general", oracle=direct, **HERE)
def conv_general(draw):
    axes = draw.integer(1, 3)
    groups = groups_of(draw, axes)
    x, w = shapes(draw, axes, groups)
    padding = draw.choice(draw.integer(0, 2), ([draw.integer(0, 2)] * axes, [draw.integer(0, 2)] * axes))
    return Call(draw.array(x), draw.array(w), stride=entries(draw, axes, 1, 2), padding=padding,
                kernel_dilation=draw.integer(1, 2), input_dilation=draw.integer(1, 2), groups=groups, flip=draw.flag())


@function("convolve", oracle=lambda a, v, mode: np.convolve(a, v, mode), **HERE)
def convolve(draw):
    return Call(draw.array((draw.integer(1, 9),)), draw.array((draw.integer(1, 9),)),
                mode=draw.choice("full", "same", "valid"))
