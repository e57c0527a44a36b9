"""Short-time Fourier transforms, and back."""

import numpy as np

from .frame import Call, function
from .values import Array

DTYPES = ["float16", "float32", "int32"]


@function("fft.stft", dtypes=[*DTYPES, "complex64"], layouts=["dense"], ulps=64, scale="result")
def stft(draw):  # of strided signals mlx raises where they are not padded
    n = draw.integer(4, 24)
    window = {"window": Array(draw.random.uniform(0.5, 1, n), "float32")} if draw.flag() else {}
    return Call(draw.array((draw.integer(40, 80),)), n_fft=n, hop_length=draw.choice(None, draw.integer(1, 9)),
                center=draw.flag(), pad_mode=draw.choice("reflect", "constant", "edge"), **window)


@function("fft.istft", dtypes=["complex64"], layouts=["dense", "strided"], ulps=256, scale="result")
def istft(draw):
    half = draw.integer(3, 12)
    window = {"window": Array(np.linspace(0.5, 1, 2 * half), "float32")} if draw.flag() else {}
    return Call(draw.array((half + 1, draw.integer(2, 9))), hop_length=draw.integer(1, half // 2 + 1),
                center=draw.flag(), length=draw.choice(None, draw.integer(0, 60)), **window)
