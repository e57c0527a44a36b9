"""Tables of vectors."""

import math
from typing import Optional

import tarn.core as mx
from tarn.nn.layers.base import Module
from tarn.nn.layers.quantized import QuantizedEmbedding


class Embedding(Module):
    """Rows of a table, weight [num_embeddings, dims], picked by integers. It begins normally distributed, with a
    deviation of 1 / sqrt(dims)."""

    def __init__(self, num_embeddings: int, dims: int):
        super().__init__()
        self.weight = mx.random.normal(shape=(num_embeddings, dims), scale=math.sqrt(1 / dims))

    def _extra_repr(self):
        shape = self.weight.shape
        return f"{shape[0]}, {shape[1]}"

    def __call__(self, x) -> mx.array:
        return self["weight"][x]

    def as_linear(self, x) -> mx.array:
        """x @ weight.T: the table as a layer that gives a score for each row."""
        return x @ self["weight"].T

    def to_quantized(
        self,
        group_size: Optional[int] = None,
        bits: Optional[int] = None,
        mode: str = "affine",
        quantize_input: bool = False,
    ) -> Module:
        """A QuantizedEmbedding with this table."""
        if quantize_input:
            raise ValueError("Quantized input is not supported.")
        return QuantizedEmbedding.from_embedding(self, group_size, bits, mode)
