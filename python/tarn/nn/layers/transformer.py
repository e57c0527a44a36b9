"""Attention and transformers (Vaswani et al., 2017)."""

import math
from typing import Any, Callable, Optional

import tarn.core as mx
from tarn.nn.layers.activations import relu
from tarn.nn.layers.base import Module
from tarn.nn.layers.dropout import Dropout
from tarn.nn.layers.linear import Linear
from tarn.nn.layers.normalization import LayerNorm
from tarn.nn.utils import checkpoint as checkpointed


class MultiHeadAttention(Module):
    """softmax(q kᵀ / sqrt(head dims) + mask) v in num_heads heads, between projections of queries, keys and values
    and of the result. All dimensions are dims unless given; value_input_dims: key_input_dims. mask, broadcast to
    [batch, heads, queries, keys]: added to the scores, or where true what is seen."""

    def __init__(
        self,
        dims: int,
        num_heads: int,
        query_input_dims: Optional[int] = None,
        key_input_dims: Optional[int] = None,
        value_input_dims: Optional[int] = None,
        value_dims: Optional[int] = None,
        value_output_dims: Optional[int] = None,
        bias: bool = False,
    ):
        super().__init__()
        if dims % num_heads != 0:
            raise ValueError(
                f"The input feature dimensions should be divisible by the number of heads ({dims} % {num_heads}) != 0"
            )
        query_input_dims = query_input_dims or dims
        key_input_dims = key_input_dims or dims
        value_input_dims = value_input_dims or key_input_dims
        value_dims = value_dims or dims
        self.num_heads = num_heads
        self.query_proj = Linear(query_input_dims, dims, bias=bias)
        self.key_proj = Linear(key_input_dims, dims, bias=bias)
        self.value_proj = Linear(value_input_dims, value_dims, bias=bias)
        self.out_proj = Linear(value_dims, value_output_dims or dims, bias=bias)

    def _heads(self, x):
        """[batch, length, heads * dims] as [batch, heads, length, dims]."""
        return mx.unflatten(x, -1, (self.num_heads, -1)).transpose(0, 2, 1, 3)

    def __call__(self, queries, keys, values, mask=None) -> mx.array:
        queries = self._heads(self.query_proj(queries))
        keys = self._heads(self.key_proj(keys))
        values = self._heads(self.value_proj(values))
        scale = math.sqrt(1 / queries.shape[-1])
        y = mx.fast.scaled_dot_product_attention(queries, keys, values, scale=scale, mask=mask)
        return self.out_proj(y.transpose(0, 2, 1, 3).flatten(-2, -1))

    @staticmethod
    def create_additive_causal_mask(N: int, dtype: mx.Dtype = mx.float32) -> mx.array:
        """[N, N]: 0 where a position sees another, itself and those before, else the least number of dtype."""
        places = mx.arange(N)
        return (places[:, None] < places[None]).astype(dtype) * mx.finfo(dtype).min


class TransformerEncoderLayer(Module):
    """Attention and a perceptron of mlp_dims (4 * dims by default), each added to its input. norm_first: what they
    take is normalized; else the sums are."""

    def __init__(
        self,
        dims: int,
        num_heads: int,
        mlp_dims: Optional[int] = None,
        dropout: float = 0.0,
        activation: Callable[[Any], Any] = relu,
        norm_first: bool = True,
    ):
        super().__init__()
        mlp_dims = mlp_dims or dims * 4
        self.attention = MultiHeadAttention(dims, num_heads)
        self.ln1 = LayerNorm(dims)
        self.ln2 = LayerNorm(dims)
        self.linear1 = Linear(dims, mlp_dims)
        self.linear2 = Linear(mlp_dims, dims)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = activation
        self.norm_first = norm_first

    def _attend(self, x, mask):
        return self.dropout1(self.attention(x, x, x, mask))

    def _perceive(self, x):
        return self.linear2(self.dropout2(self.activation(self.linear1(x))))

    def __call__(self, x, mask) -> mx.array:
        if self.norm_first:
            x = x + self._attend(self.ln1(x), mask)
            return x + self._perceive(self.ln2(x))
        x = self.ln1(x + self._attend(x, mask))
        return self.ln2(x + self._perceive(x))


class _Stack(Module):
    """num_layers of the layers `_layer`, and a norm behind them."""

    _layer = None

    def __init__(
        self,
        num_layers: int,
        dims: int,
        num_heads: int,
        mlp_dims: Optional[int] = None,
        dropout: float = 0.0,
        activation=relu,
        norm_first: bool = True,
        checkpoint: bool = False,
    ):
        super().__init__()
        self.layers = [
            self._layer(dims, num_heads, mlp_dims, dropout, activation, norm_first)
            for _ in range(num_layers)
        ]
        self.ln = LayerNorm(dims)
        self.checkpoint = checkpoint

    def _run(self, x, *rest):
        for layer in self.layers:
            x = (checkpointed(layer) if self.checkpoint else layer)(x, *rest)
        return self.ln(x)


class TransformerEncoder(_Stack):
    """num_layers TransformerEncoderLayers, and a norm behind them. checkpoint: layers are computed again for
    gradients, so that less memory is held."""

    _layer = TransformerEncoderLayer

    def __call__(self, x, mask) -> mx.array:
        return self._run(x, mask)


class TransformerDecoderLayer(Module):
    """Attention to itself, attention to memory and a perceptron, as in TransformerEncoderLayer."""

    def __init__(
        self,
        dims: int,
        num_heads: int,
        mlp_dims: Optional[int] = None,
        dropout: float = 0.0,
        activation: Callable[[Any], Any] = relu,
        norm_first: bool = True,
    ):
        super().__init__()
        mlp_dims = mlp_dims or dims * 4
        self.self_attention = MultiHeadAttention(dims, num_heads)
        self.cross_attention = MultiHeadAttention(dims, num_heads)
        self.ln1 = LayerNorm(dims)
        self.ln2 = LayerNorm(dims)
        self.ln3 = LayerNorm(dims)
        self.linear1 = Linear(dims, mlp_dims)
        self.linear2 = Linear(mlp_dims, dims)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = activation
        self.norm_first = norm_first

    def _attend(self, x, mask):
        return self.dropout1(self.self_attention(x, x, x, mask))

    def _recall(self, x, memory, mask):
        return self.dropout2(self.cross_attention(x, memory, memory, mask))

    def _perceive(self, x):
        return self.linear2(self.dropout3(self.activation(self.linear1(x))))

    def __call__(self, x, memory, x_mask, memory_mask) -> mx.array:
        if self.norm_first:
            x = x + self._attend(self.ln1(x), x_mask)
            x = x + self._recall(self.ln2(x), memory, memory_mask)
            return x + self._perceive(self.ln3(x))
        x = self.ln1(x + self._attend(x, x_mask))
        x = self.ln2(x + self._recall(x, memory, memory_mask))
        return self.ln3(x + self._perceive(x))


class TransformerDecoder(_Stack):
    """num_layers TransformerDecoderLayers, and a norm behind them. checkpoint: as in TransformerEncoder."""

    _layer = TransformerDecoderLayer

    def __call__(self, x, memory, x_mask, memory_mask) -> mx.array:
        return self._run(x, memory, x_mask, memory_mask)


class Transformer(Module):
    """A TransformerEncoder of src, whose result a TransformerDecoder of tgt attends to, or others in their place."""

    def __init__(
        self,
        dims: int = 512,
        num_heads: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        mlp_dims: Optional[int] = None,
        dropout: float = 0.0,
        activation: Callable[[Any], Any] = relu,
        custom_encoder: Optional[Any] = None,
        custom_decoder: Optional[Any] = None,
        norm_first: bool = True,
        checkpoint: bool = False,
    ):
        super().__init__()
        rest = (dims, num_heads, mlp_dims, dropout, activation, norm_first, checkpoint)
        self.encoder = custom_encoder if custom_encoder is not None else TransformerEncoder(num_encoder_layers, *rest)
        self.decoder = custom_decoder if custom_decoder is not None else TransformerDecoder(num_decoder_layers, *rest)

    def __call__(self, src, tgt, src_mask, tgt_mask, memory_mask) -> mx.array:
        return self.decoder(tgt, self.encoder(src, src_mask), tgt_mask, memory_mask)
