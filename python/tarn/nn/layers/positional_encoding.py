"""Layers that tell positions apart."""

import math
from typing import Optional

import tarn.core as mx
from tarn.nn.layers.base import Module


class RoPE(Module):
    """Rotary positions (Su et al., 2021): the first dims features of x [..., length, features] turn by angles that grow
    with the position. traditional: pairs are neighbours; else (i, i + dims / 2). base and scale: of the angles."""

    def __init__(self, dims: int, traditional: bool = False, base: float = 10000, scale: float = 1.0):
        super().__init__()
        self.dims = dims
        self.traditional = traditional
        self.base = base
        self.scale = scale

    def _extra_repr(self):
        return f"{self.dims}, traditional={self.traditional}"

    def __call__(self, x, offset: int = 0) -> mx.array:
        return mx.fast.rope(
            x, self.dims, traditional=self.traditional, base=self.base, scale=self.scale, offset=offset
        )


class SinusoidalPositionalEncoding(Module):
    """Sines and cosines of positions (Vaswani et al., 2017) at dims / 2 frequencies from max_freq down to min_freq:
    [...] to [..., dims]. scale: sqrt(2 / dims) by default. full_turns: frequencies count turns, not radians."""

    def __init__(
        self,
        dims: int,
        min_freq: float = 0.0001,
        max_freq: float = 1,
        scale: Optional[float] = None,
        cos_first: bool = False,
        full_turns: bool = False,
    ):
        super().__init__()
        if dims <= 0 or dims % 2:
            raise ValueError(f"[SinusoidalPositionalEncoding] dims must be positive and even but got {dims}.")
        half = dims // 2
        share = 1 - mx.arange(0, half) / max(half - 1, 1)
        sigmas = mx.exp(share * (math.log(max_freq) - math.log(min_freq)) + math.log(min_freq))
        self._sigmas = sigmas * (2 * math.pi) if full_turns else sigmas
        self.scale = (2 / dims) ** 0.5 if scale is None else scale
        self.cos_first = cos_first

    def __call__(self, x) -> mx.array:
        angles = x[..., None] * self._sigmas
        parts = [mx.cos(angles), mx.sin(angles)] if self.cos_first else [mx.sin(angles), mx.cos(angles)]
        y = mx.concatenate(parts, axis=-1)
        return y if self.scale == 1 else y * self.scale


class ALiBi(Module):
    """Attention scores [batch, heads, queries, keys] less the distance between query and key, times a slope of each
    head (Press et al., 2021)."""

    @staticmethod
    def create_alibi_matrix(
        q_sequence_length: int,
        k_sequence_length: int,
        num_heads: int,
        offset: int = 0,
        dtype: mx.Dtype = mx.float32,
    ) -> mx.array:
        """What is added to the scores of queries that begin at position offset: [1, heads, queries, keys]."""
        queries = mx.arange(offset, q_sequence_length)
        keys = mx.arange(0, k_sequence_length)
        distance = -mx.abs(mx.expand_dims(queries[:, None] - keys[None, :], (0, 1)))
        return (distance * ALiBi.create_alibi_slope(num_heads)).astype(dtype)

    @staticmethod
    def create_alibi_slope(num_heads: int, dtype: mx.Dtype = mx.float32) -> mx.array:
        """The slope of each head, [heads, 1, 1]: of a power of two of heads, 2^(-8 / heads) to the power of 1, 2, …;
        the heads beyond one have every second slope of the next."""
        power = 2 ** int(math.log2(num_heads))
        slopes = [2.0 ** (-8 * i / power) for i in range(1, power + 1)]
        slopes += [2.0 ** (-4 * i / power) for i in range(1, 2 * power, 2)][: num_heads - power]
        return mx.array(slopes, dtype)[:, None, None]

    def __call__(self, attention_scores: mx.array, offset: int = 0, mask: Optional[mx.array] = None) -> mx.array:
        alibi = ALiBi.create_alibi_matrix(
            q_sequence_length=attention_scores.shape[-2] + offset,
            k_sequence_length=attention_scores.shape[-1],
            num_heads=attention_scores.shape[1],
            offset=offset,
            dtype=attention_scores.dtype,
        )
        return attention_scores + (alibi if mask is None else alibi + mask)
