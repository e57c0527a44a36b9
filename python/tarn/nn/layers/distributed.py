"""Layers whose parameters are spread over the processes of a group."""

import math
from functools import lru_cache
from typing import Any, Callable, Optional, Union

import tarn.core as mx
from tarn.nn.layers.base import Module
from tarn.nn.layers.linear import Linear, uniform_within
from tarn.nn.layers.quantized import QuantizedLinear, QuantizedProduct
from tarn.utils import tree_flatten, tree_map_with_path, tree_unflatten

_SHARDINGS = ("all-to-sharded", "sharded-to-all")


@lru_cache
def sum_gradients(group) -> Callable[[mx.array], mx.array]:
    """A function that returns its argument, and sums the gradients over the group."""
    if group.size() == 1:
        return lambda x: x

    @mx.custom_function
    def identity(x):
        return x

    @identity.vjp
    def summed(x, gradient, _):
        return mx.distributed.all_sum(gradient, group=group)

    return identity


def _segments_of(weight, segments, axis):
    """weight in so many equal parts along axis, or cut at segments: places, or shares of the axis below 1."""
    if isinstance(segments, int):
        return mx.split(weight, segments, axis=axis)
    size = weight.shape[axis]
    return mx.split(weight, [int(cut * size) if 0 < cut < 1 else int(cut) for cut in segments], axis=axis)


def _shard(parameters: dict, sharding_predicate: Callable, group: Optional[mx.distributed.Group] = None):
    """The part of each parameter that belongs to this process: sharding_predicate(path, weight) gives the axis to share
    out, or the axis and the segments of which each is shared out, or None to keep the whole."""
    group = group or mx.distributed.init()

    def own_part(path, weight):
        answer = sharding_predicate(path, weight)
        if answer is None:
            return weight
        axis, segments = (answer, 1) if isinstance(answer, int) else answer
        own = [mx.split(part, group.size(), axis)[group.rank()] for part in _segments_of(weight, segments, axis)]
        return mx.contiguous(mx.concatenate(own, axis=axis))

    return tree_map_with_path(own_part, parameters)


def _all_to_sharded(segments):
    return lambda path, weight: (-1 if path.endswith("bias") else max(weight.ndim - 2, 0), segments)


def _sharded_to_all(segments):
    return lambda path, weight: None if path.endswith("bias") else (-1, segments)


def _predicate(sharding, segments):
    if sharding not in _SHARDINGS:
        raise ValueError(
            f"Sharding type {sharding=} not supported, choose one of 'all-to-sharded' or 'sharded-to-all'"
        )
    return (_all_to_sharded if sharding == "all-to-sharded" else _sharded_to_all)(segments)


def shard_inplace(
    module: Module,
    sharding: Union[str, Callable],
    *,
    segments: Union[int, list] = 1,
    group: Optional[mx.distributed.Group] = None,
):
    """Replaces module's parameters by the parts of this process. sharding: "all-to-sharded", "sharded-to-all", or a
    function of path and weight that gives the axis to share out, the axis and segments, or None. segments: how many
    weights lie side by side in one (3 for queries, keys and values in one), or where they are cut."""
    predicate = sharding if callable(sharding) else _predicate(sharding, segments)
    module.update(_shard(module.parameters(), predicate, group))


def shard_linear(
    module: Module,
    sharding: str,
    *,
    segments: Union[int, list] = 1,
    group: Optional[mx.distributed.Group] = None,
):
    """A layer with this process's part of a linear layer, quantized or not, that communicates: "all-to-sharded" or
    "sharded-to-all". segments: as in shard_inplace."""
    _predicate(sharding, segments)
    to_sharded = sharding == "all-to-sharded"
    if isinstance(module, QuantizedLinear):
        cls = QuantizedAllToShardedLinear if to_sharded else QuantizedShardedToAllLinear
        return cls.from_quantized_linear(module, segments=segments, group=group)
    cls = AllToShardedLinear if to_sharded else ShardedToAllLinear
    return cls.from_linear(module, segments=segments, group=group)


def _part(size, group, what):
    """size over the processes of group."""
    if size % group.size() != 0:
        raise ValueError(f"Cannot shard the {what} of size {size} across {group.size()} processes.")
    return size // group.size()


def _parts(sharded, input_dims, output_dims, group):
    """The sizes of this process's part, of which the side `sharded` is shared out."""
    if sharded == "output":
        return input_dims, _part(output_dims, group, "output")
    return _part(input_dims, group, "input"), output_dims


def _wholes(sharded, inputs, outputs, group):
    """_parts backwards."""
    return (inputs, outputs * group.size()) if sharded == "output" else (inputs * group.size(), outputs)


class _Sharded(Module):
    """What layers share that have this process's part of a Linear."""

    _sharded = "output"  # the side that is shared out
    _predicate = staticmethod(_all_to_sharded)

    def __init__(
        self, input_dims: int, output_dims: int, bias: bool = True, group: Optional[mx.distributed.Group] = None
    ):
        super().__init__()
        self.group = group or mx.distributed.init()
        scale = math.sqrt(1.0 / input_dims)
        inputs, outputs = _parts(self._sharded, input_dims, output_dims, self.group)
        self.weight = uniform_within(scale, (outputs, inputs))
        if bias:
            self.bias = uniform_within(scale, (outputs,))

    def _extra_repr(self) -> str:
        inputs, outputs = _wholes(self._sharded, *reversed(self.weight.shape), self.group)
        return f"input_dims={inputs}, output_dims={outputs}, bias={'bias' in self}"

    @classmethod
    def from_linear(
        cls,
        linear_layer: Module,
        *,
        segments: Union[int, list] = 1,
        group: Optional[mx.distributed.Group] = None,
    ):
        """This process's part of a Linear."""
        outputs, inputs = linear_layer.weight.shape
        layer = cls(inputs, outputs, "bias" in linear_layer, group)
        layer.update(_shard(linear_layer.parameters(), cls._predicate(segments), layer.group))
        return layer


class AllToShardedLinear(_Sharded):
    """A Linear of which each process of group has output_dims / processes outputs, from the whole input. Gradients
    of the input are summed over the group."""

    def __call__(self, x: mx.array) -> mx.array:
        return Linear.__call__(self, sum_gradients(self.group)(x))


class ShardedToAllLinear(_Sharded):
    """A Linear of which each process of group takes input_dims / processes inputs; the results are summed over the
    group.
    """

    _sharded = "input"
    _predicate = staticmethod(_sharded_to_all)

    def __call__(self, x: mx.array) -> mx.array:
        x = mx.distributed.all_sum(x @ self["weight"].T, group=self.group)
        return x + self["bias"] if "bias" in self else x


class _ShardedQuantized(QuantizedProduct):
    """What quantized layers share: the product of this process's part, which stays frozen."""

    _sharded = "output"  # the side that is shared out
    _predicate = staticmethod(_all_to_sharded)

    def __init__(
        self,
        input_dims: int,
        output_dims: int,
        bias: bool = True,
        group_size: int = 64,
        bits: int = 4,
        mode: str = "affine",
        group: Optional[mx.distributed.Group] = None,
    ):
        group = group or mx.distributed.init()
        super().__init__(*_parts(self._sharded, input_dims, output_dims, group), bias, group_size, bits, mode)
        self.group = group

    def unfreeze(self, *args, **kwargs) -> "Module":
        """As Module.unfreeze, but the layer's own parameters stay frozen."""
        super().unfreeze(*args, **kwargs)
        return self.freeze(recurse=False)

    def _sizes(self):
        return _wholes(self._sharded, *super()._sizes(), self.group)

    @classmethod
    def from_quantized_linear(
        cls,
        quantized_linear_layer: Module,
        *,
        segments: Union[int, list] = 1,
        group: Optional[mx.distributed.Group] = None,
    ):
        """This process's part of a QuantizedLinear."""
        whole = quantized_linear_layer
        layer = cls(*whole._sizes(), "bias" in whole, **whole._format, group=group)
        layer.update(_shard(whole.parameters(), cls._predicate(segments), layer.group))
        return layer


class QuantizedAllToShardedLinear(_ShardedQuantized):
    """AllToShardedLinear with a quantized weight."""

    def __call__(self, x: mx.array) -> mx.array:
        return super().__call__(sum_gradients(self.group)(x))


class QuantizedShardedToAllLinear(_ShardedQuantized):
    """ShardedToAllLinear with a quantized weight."""

    _sharded = "input"
    _predicate = staticmethod(_sharded_to_all)

    def __call__(self, x: mx.array) -> mx.array:
        x = mx.distributed.all_sum(self._product(x), group=self.group)
        return x + self["bias"] if "bias" in self else x


def _gather_function(group, compute_dtype):
    """Makes whole parameters of parts along the first axis; gradients of the whole are summed, and a part kept."""

    @mx.custom_function
    def gather(*parts):
        wholes = [mx.distributed.all_gather(part, group=group) for part in parts]
        return [whole.astype(compute_dtype) for whole in wholes] if compute_dtype is not None else wholes

    @gather.vjp
    def scatter(parts, gradients, _):
        return [
            mx.distributed.sum_scatter(gradient.astype(part.dtype), group=group)
            for part, gradient in zip(parts, gradients)
        ]

    return gather


def _unsharded_parameters(module, key, value):
    return Module.valid_parameter_filter(module, key, value) and not isinstance(value, FullyShardedModule)


class FullyShardedModule(Module):
    """A module of which each process of group keeps a part of every parameter, along its first axis, and gathers the
    whole when it is called. compute_dtype: of the whole."""

    def __init__(
        self,
        module: Module,
        group: Optional[mx.distributed.Group] = None,
        compute_dtype: Optional[mx.Dtype] = None,
    ):
        super().__init__()
        group = group or mx.distributed.init()
        named = tree_flatten(module.filter_and_map(_unsharded_parameters))
        for path, parameter in named:
            if parameter.ndim == 0 or parameter.shape[0] % group.size():
                raise ValueError(
                    f"Cannot shard parameter {path} of shape {parameter.shape} across {group.size()} processes."
                )
        parts = _shard(dict(named), lambda path, weight: 0, group)
        module.update(tree_unflatten(parts))
        self.module = module
        vars(self)["_paths"] = [path for path, _ in named]  # no parameters, though a list
        self._gather_fn = _gather_function(group, compute_dtype)

    def _extra_repr(self) -> str:
        return f"num_sharded_params={len(self._paths)}"

    def _gathered_call(self, fn, *args, **kwargs):
        """fn, which uses the module, with whole parameters."""
        own = tree_flatten(self.module.filter_and_map(_unsharded_parameters), destination={})
        parts = [own[path] for path in self._paths]
        wholes = self._gather_fn(*parts) if parts else []
        self.module.update(tree_unflatten(list(zip(self._paths, wholes))))
        try:
            return fn(*args, **kwargs)
        finally:
            self.module.update(tree_unflatten(list(zip(self._paths, parts))))

    def __call__(self, *args, **kwargs) -> Any:
        return self._gathered_call(self.module, *args, **kwargs)

    def as_linear(self, *args, **kwargs) -> mx.array:
        """as_linear of the module, an Embedding."""
        return self._gathered_call(self.module.as_linear, *args, **kwargs)


def fully_shard(
    module: Module, *, group: Optional[mx.distributed.Group] = None, compute_dtype: Optional[mx.Dtype] = None
) -> Module:
    """A FullyShardedModule of module, or module itself if the group has one process."""
    group = group or mx.distributed.init()
    return module if group.size() == 1 else FullyShardedModule(module, group, compute_dtype)
