"""Fourier transforms."""

import numpy as np

from .frame import Call, by_name, function

NORMS = ("backward", "ortho", "forward")


def of_one_axis(draw, a):
    return {"n": draw.choice(None, draw.integer(1, 12)), "axis": draw.axis(a), "norm": draw.choice(*NORMS)}


@function("fft.fft", "fft.ifft", "fft.rfft", "fft.irfft", layouts=["dense", "strided", "empty"], ulps=16,
          scale="result", oracle=by_name(lambda name: getattr(np.fft, name[4:])))
def one_axis(draw):
    a = draw.array()
    return Call(a, **of_one_axis(draw, a))


@function("fft.fft2", "fft.ifft2", "fft.rfft2", "fft.irfft2", layouts=["dense", "strided"], ulps=32, scale="result",
          oracle=by_name(lambda name: getattr(np.fft, name[4:])))
def two_axes(draw):
    a = draw.array(least=2)
    sizes = None if draw.flag() else (draw.integer(1, 7), draw.integer(1, 7))
    return Call(a, s=sizes, norm=draw.choice(
        *NORMS)) if sizes is None else Call(a, s=sizes, axes=[-2, -1], norm=draw.choice(*NORMS))


@function("fft.fftn", "fft.ifftn", "fft.rfftn", "fft.irfftn", layouts=["dense", "strided"], ulps=32, scale="result",
          oracle=by_name(lambda name: getattr(np.fft, name[4:])))
def several_axes(draw):
    a = draw.array(most=3)
    axes = [int(i) for i in draw.random.permutation(a.ndim)[: draw.integer(1, a.ndim)]]
    return Call(a, axes=axes, norm=draw.choice(*NORMS))


@function("fft.fftfreq", "fft.rfftfreq", dtypes=["float32"], layouts=["dense"], ulps=2)
def frequencies(draw):
    return Call(draw.integer(0, 20), draw.integer(0, 8) / 4)


@function("fft.fftshift", "fft.ifftshift")
def shift(draw):
    a = draw.array()
    return Call(a, axes=draw.axes(a))
