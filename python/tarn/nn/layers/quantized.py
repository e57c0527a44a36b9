"""Layers with quantized weights, and quantize, which puts them into a model."""

import math
from typing import Callable, Optional, Union

import tarn.core as mx
from tarn.nn.layers.base import Module
from tarn.utils import tree_map_with_path

_DEFAULTS = {"affine": (64, 4), "mxfp4": (32, 4), "nvfp4": (16, 4), "mxfp8": (32, 8)}  # of each mode: group size, bits


def _or_defaults(mode, group_size, bits):
    if mode not in _DEFAULTS:
        raise ValueError(f"Invalid quantization mode '{mode}'. Valid modes are: {', '.join(_DEFAULTS)}.")
    of_mode = _DEFAULTS[mode]
    return group_size or of_mode[0], bits or of_mode[1]


def quantize(
    model: Module,
    group_size: int = None,
    bits: int = None,
    *,
    mode: str = "affine",
    quantize_input: bool = False,
    class_predicate: Optional[Callable[[str, Module], Union[bool, dict]]] = None,
) -> None:
    """Quantizes, in model, the modules at the ends of its tree that have a method to_quantized, in place. group_size,
    bits: those of the mode by default. quantize_input: inputs are quantized, too. class_predicate(path, module) says of
    each whether to quantize it, or with which arguments of to_quantized."""
    arguments = {"group_size": group_size, "bits": bits, "mode": mode}
    if quantize_input:
        arguments["quantize_input"] = True
    wanted = class_predicate or (lambda path, module: hasattr(module, "to_quantized"))

    def quantized(path, module):
        answer = wanted(path, module) if isinstance(module, Module) else False
        if not answer:
            return module
        if not isinstance(answer, (bool, dict)):
            raise ValueError(
                "``class_predicate`` must return a bool or a dict of parameters to pass to ``to_quantized``"
            )
        if not hasattr(module, "to_quantized"):
            raise ValueError(f"Unable to quantize model of type {type(module)}")
        return module.to_quantized(**(arguments if answer is True else answer))

    model.update_modules(tree_map_with_path(quantized, model.leaf_modules(), is_leaf=Module.is_module))


class _Quantized(Module):
    """What layers with a quantized weight share: its format and parts, weight, scales and biases (None where the
    mode has none)."""

    def _choose_format(self, group_size, bits, mode):
        self.group_size, self.bits = _or_defaults(mode, group_size, bits)
        self.mode = mode

    @property
    def _format(self):
        return {"group_size": self.group_size, "bits": self.bits, "mode": self.mode}

    def _take_weight(self, weight):
        self.weight, self.scales, *biases = mx.quantize(weight, **self._format)
        self.biases = biases[0] if biases else None

    def _format_repr(self):
        return f"group_size={self.group_size}, bits={self.bits}, mode={self.mode}"

    def _product(self, x):
        return mx.quantized_matmul(
            x, self["weight"], scales=self["scales"], biases=self.get("biases"), transpose=True, **self._format
        )


class QuantizedEmbedding(_Quantized):
    """An Embedding whose table is quantized."""

    def __init__(
        self, num_embeddings: int, dims: int, group_size: int = None, bits: int = None, mode: str = "affine"
    ):
        super().__init__()
        self._choose_format(group_size, bits, mode)
        self._take_weight(mx.random.normal(shape=(num_embeddings, dims), scale=math.sqrt(1 / dims)))
        self.num_embeddings = num_embeddings
        self.dims = dims
        self.freeze()

    def _extra_repr(self):
        return f"{self.num_embeddings}, {self.dims}, {self._format_repr()}"

    def __call__(self, x) -> mx.array:
        biases = self.get("biases")
        return mx.dequantize(
            self["weight"][x], self["scales"][x], None if biases is None else biases[x], **self._format
        )

    def as_linear(self, x) -> mx.array:
        """The table as a layer that gives a score for each row."""
        return self._product(x)

    @classmethod
    def from_embedding(
        cls, embedding_layer: Module, group_size: int = None, bits: int = None, mode: str = "affine"
    ) -> "QuantizedEmbedding":
        """A QuantizedEmbedding with the table of an Embedding."""
        layer = cls(*embedding_layer.weight.shape, group_size, bits, mode=mode)
        layer._take_weight(embedding_layer.weight)
        return layer


class QuantizedProduct(_Quantized):
    """What linear layers with a quantized weight share. Their parameters are frozen."""

    def __init__(
        self,
        input_dims: int,
        output_dims: int,
        bias: bool = True,
        group_size: int = None,
        bits: int = None,
        mode: str = "affine",
    ):
        super().__init__()
        self._choose_format(group_size, bits, mode)
        scale = math.sqrt(1 / input_dims)
        self._take_weight(mx.random.uniform(low=-scale, high=scale, shape=(output_dims, input_dims)))
        if bias:
            self.bias = mx.zeros((output_dims,))
        self.freeze()

    def _sizes(self):
        """Inputs and outputs."""
        outputs, words = self.weight.shape
        return words * 32 // self.bits, outputs

    def _extra_repr(self):
        inputs, outputs = self._sizes()
        return f"input_dims={inputs}, output_dims={outputs}, bias={'bias' in self}, {self._format_repr()}"

    def __call__(self, x) -> mx.array:
        x = self._product(x)
        return x + self["bias"] if "bias" in self else x


class QuantizedLinear(QuantizedProduct):
    """A Linear whose weight is quantized. Its parameters are frozen."""

    @classmethod
    def from_linear(
        cls, linear_layer: Module, group_size: int = None, bits: int = None, mode: str = "affine"
    ) -> "QuantizedLinear":
        """A QuantizedLinear with the weight and bias of a Linear."""
        outputs, inputs = linear_layer.weight.shape
        layer = cls(inputs, outputs, False, group_size, bits, mode=mode)
        layer._take_weight(linear_layer.weight)
        if "bias" in linear_layer:
            layer.bias = linear_layer.bias
        return layer


class QQLinear(_Quantized):
    """A Linear without a bias that quantizes its input as well as its weight, and learns: in training mode the
    weight is kept as it is and quantized in each product; out of it, it is stored quantized. Modes: nvfp4 and mxfp8."""

    def __init__(
        self, input_dims: int, output_dims: int, group_size: int = None, bits: int = None, mode: str = "nvfp4"
    ):
        super().__init__()
        self._choose_format(group_size, bits, mode)
        scale = math.sqrt(1 / input_dims)
        self.weight = mx.random.uniform(low=-scale, high=scale, shape=(output_dims, input_dims))
        self._quantized = False

    def _extra_repr(self):
        outputs, inputs = self.weight.shape
        inputs = inputs * 32 // self.bits if self._quantized else inputs
        return f"input_dims={inputs}, output_dims={outputs}, {self._format_repr()}"

    def quantize(self) -> None:
        """Stores the weight quantized; nothing if it is so already."""
        if not self._quantized:
            self.weight, self.scales = mx.quantize(self.weight, **self._format)
            self._quantized = True

    def dequantize(self) -> None:
        """Stores the weight as bfloat16 numbers again; nothing if it is not quantized."""
        if self._quantized:
            self.weight = mx.dequantize(self.weight, scales=self.scales, **self._format)
            del self.scales
            self._quantized = False

    def _set_training_mode(self, mode: bool):
        super()._set_training_mode(mode)
        if self._training:
            self.dequantize()
        else:
            self.quantize()

    def __call__(self, x) -> mx.array:
        return mx.qqmm(x, self["weight"], scales=self.get("scales"), **self._format)

    @classmethod
    def from_linear(
        cls, linear_layer: Module, group_size: int = None, bits: int = None, mode: str = "nvfp4"
    ) -> "QQLinear":
        """A QQLinear with the weight of a Linear that has no bias."""
        if "bias" in linear_layer:
            raise NotImplementedError("QQLinear does not support bias yet.")
        outputs, inputs = linear_layer.weight.shape
        layer = cls(inputs, outputs, group_size, bits, mode=mode)
        layer.weight = linear_layer.weight
        layer.train(linear_layer.training)
        return layer
