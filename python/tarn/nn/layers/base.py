"""Module: what layers and models are."""

import os
import textwrap
from collections.abc import Iterable
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

import tarn.core as mx
from tarn.utils import tree_flatten, tree_unflatten


class Module(dict):
    """The base of layers and models: a dictionary of its parameters (arrays) and sub-modules, in lists, tuples and
    dictionaries where there are many. Other attributes are ordinary ones.

    >>> class MLP(nn.Module):
    ...     def __init__(self, dims):
    ...         super().__init__()
    ...         self.layers = [nn.Linear(dims, dims), nn.Linear(dims, 1)]
    ...
    ...     def __call__(self, x):
    ...         return self.layers[1](nn.relu(self.layers[0](x)))
    >>> [path for path, _ in tree_flatten(MLP(4).parameters())]
    ['layers.0.weight', 'layers.0.bias', 'layers.1.weight', 'layers.1.bias']
    """

    __call__: Callable

    def __init__(self) -> None:
        self._no_grad = set()
        self._training = True

    @property
    def training(self) -> bool:
        """Whether the module is in training mode: Dropout drops, BatchNorm learns."""
        return self._training

    @property
    def state(self) -> Dict[str, Any]:
        """The module itself, as the dictionary that holds all it learns: what mx.compile is told of, and mx.eval."""
        return self

    def _extra_repr(self) -> str:
        return ""

    def __repr__(self) -> str:
        children = tree_flatten(self.children(), is_leaf=self.is_module)
        lines = "".join("\n" + textwrap.indent(f"({path}): {child!r}", "  ") for path, child in children)
        return f"{type(self).__name__}({self._extra_repr()}{lines}" + ("\n)" if children else ")")

    def __getattr__(self, key: str):
        if key in self:
            return self[key]
        return super().__getattribute__(key)  # which says what is missing, and by whom

    def __setattr__(self, key: str, val: Any) -> None:
        if isinstance(val, (mx.array, dict, list, tuple)):
            if key not in self and hasattr(self, key):
                delattr(self, key)
            self[key] = val
        else:
            super().__setattr__(key, val)
            self.pop(key, None)

    def __delattr__(self, name) -> None:
        if name in self:
            del self[name]
        else:
            super().__delattr__(name)

    def load_weights(self, file_or_weights: Union[str, List[Tuple[str, mx.array]]], strict: bool = True) -> "Module":
        """Takes parameters from a .safetensors or .npz file, or from pairs of a path and an array. strict: they must
        be those of the module, in names and shapes; otherwise those that the module has are taken as they are.
        Returns the module."""
        weights = file_or_weights
        if isinstance(weights, (str, os.PathLike)):
            weights = mx.load(os.fspath(weights))
        weights = dict(weights)
        if strict:
            _check_weights(weights, tree_flatten(self.parameters(), destination={}))
        if weights:
            self.update(tree_unflatten(weights), strict=False)
        return self

    def save_weights(self, file: str) -> None:
        """Writes the parameters to file, whose name ends in .safetensors or .npz."""
        name = os.fspath(file)
        parameters = tree_flatten(self.parameters(), destination={})
        if name.endswith(".npz"):
            mx.savez(name, **parameters)
        elif name.endswith(".safetensors"):
            mx.save_safetensors(name, parameters)
        else:
            raise ValueError(f"Unsupported file extension for {name}. Use '.npz' or '.safetensors'.")

    @staticmethod
    def is_module(value) -> bool:
        """Whether value is a Module."""
        return isinstance(value, Module)

    @staticmethod
    def valid_child_filter(module, key, value) -> bool:
        """For filter_and_map: what may hold modules."""
        return isinstance(value, (dict, list))

    @staticmethod
    def valid_parameter_filter(module, key, value) -> bool:
        """For filter_and_map: what is a parameter, or may hold some. Names that begin with an underscore are none."""
        return isinstance(value, (dict, list, mx.array)) and not key.startswith("_")

    @staticmethod
    def trainable_parameter_filter(module, key, value) -> bool:
        """For filter_and_map: parameters that are not frozen, and what may hold some."""
        return Module.valid_parameter_filter(module, key, value) and key not in module._no_grad

    def filter_and_map(
        self,
        filter_fn: Callable[["Module", str, Any], bool],
        map_fn: Optional[Callable] = None,
        is_leaf_fn: Optional[Callable[["Module", str, Any], bool]] = None,
    ) -> Dict[str, Any]:
        """A dictionary of what filter_fn(module, key, value) says to keep, with map_fn(value) in the place of
        leaves. is_leaf_fn(module, key, value) says what is a leaf: without it, what is neither a Module nor a list
        or dictionary."""
        return _filtered(self, filter_fn, map_fn or _itself, is_leaf_fn or _is_leaf)

    def parameters(self) -> Dict[str, Any]:
        """All arrays of the module and of those in it, in dictionaries and lists."""
        return self.filter_and_map(self.valid_parameter_filter)

    def trainable_parameters(self) -> Dict[str, Any]:
        """The parameters that are not frozen."""
        return self.filter_and_map(self.trainable_parameter_filter)

    def children(self) -> Dict[str, Any]:
        """The modules directly in this one."""
        return self.filter_and_map(self.valid_child_filter, is_leaf_fn=_is_module)

    def leaf_modules(self) -> Dict[str, Any]:
        """The modules in this one, at any depth, that hold no others."""
        return self.filter_and_map(self.valid_child_filter, is_leaf_fn=_is_leaf_module)

    def update(self, parameters: dict, strict: bool = True) -> "Module":
        """Replaces the parameters that the given dictionary holds. strict: it must hold none that the module has
        not. Returns the module."""
        _update_parameters(self, parameters, strict)
        return self

    def apply(
        self,
        map_fn: Callable[[mx.array], mx.array],
        filter_fn: Optional[Callable[["Module", str, Any], bool]] = None,
    ) -> "Module":
        """Replaces each parameter, or those that filter_fn selects, by map_fn(parameter). Returns the module."""
        return self.update(self.filter_and_map(filter_fn or self.valid_parameter_filter, map_fn))

    def update_modules(self, modules: dict, strict: bool = True) -> "Module":
        """Replaces the sub-modules that the given dictionary holds. strict: it must hold none that the module has
        not. Returns the module."""
        _update_modules(self, modules, strict)
        return self

    def apply_to_modules(self, apply_fn: Callable[[str, "Module"], Any]) -> "Module":
        """Calls apply_fn(path, module) for this module, whose path is "", and all in it. Returns the module."""
        waiting = [("", self)]
        while waiting:
            path, module = waiting.pop()
            apply_fn(path, module)
            waiting.extend(tree_flatten(module.children(), prefix="." + path if path else "", is_leaf=self.is_module))
        return self

    def modules(self) -> List["Module"]:
        """This module and all in it, in a list."""
        return [module for _, module in self.named_modules()]

    def named_modules(self) -> List[Tuple[str, "Module"]]:
        """This module and all in it, in a list of (path, module)."""
        found = []
        self.apply_to_modules(lambda path, module: found.append((path, module)))
        return found

    def _checked_keys(self, keys, recurse, strict):
        """keys as a list; strict: each must be a member of this module, or with recurse of one in it."""
        keys = list(keys) if isinstance(keys, Iterable) and not isinstance(keys, str) else [keys]
        for key in keys if strict else ():
            if not any(key in module for module in (self.modules() if recurse else [self])):
                raise KeyError(f"Module doesn't contain member {key}.")
        return keys

    def _for_each(self, recurse, change):
        if recurse:
            self.apply_to_modules(lambda _, module: change(module))
        else:
            change(self)
        return self

    def freeze(
        self, *, recurse: bool = True, keys: Optional[Union[str, List[str]]] = None, strict: bool = False
    ) -> "Module":
        """Takes parameters out of training: all, or those named keys. recurse: those of the modules in this one,
        too. strict: names that no module has are an error. Returns the module."""
        if keys is not None:
            keys = self._checked_keys(keys, recurse, strict)
        return self._for_each(recurse, lambda module: module._no_grad.update(_frozen_keys(module, keys)))

    def unfreeze(
        self, *, recurse: bool = True, keys: Optional[Union[str, List[str]]] = None, strict: bool = False
    ) -> "Module":
        """Takes frozen parameters into training again: all, or those named keys, as freeze does. Returns the module."""
        if keys is not None:
            keys = self._checked_keys(keys, recurse, strict)
        return self._for_each(
            recurse, lambda module: module._no_grad.difference_update(module._no_grad.copy() if keys is None else keys)
        )

    def _set_training_mode(self, mode: bool) -> None:
        self._training = mode

    def train(self, mode: bool = True) -> "Module":
        """Puts the module and all in it into training mode, or out of it. Returns the module."""
        return self.apply_to_modules(lambda _, module: module._set_training_mode(mode))

    def eval(self) -> "Module":
        """Takes the module and all in it out of training mode. Returns the module."""
        return self.train(False)

    def set_dtype(
        self, dtype: mx.Dtype, predicate: Optional[Callable[[mx.Dtype], bool]] = lambda x: mx.issubdtype(x, mx.floating)
    ) -> None:
        """Casts the parameters for whose dtype predicate is true; None: all of them."""
        self.apply(lambda x: x.astype(dtype) if predicate is None or predicate(x.dtype) else x)


def _itself(value):
    return value


def _is_leaf(module, key, value):
    return not isinstance(value, (dict, list))


def _is_module(module, key, value):
    return isinstance(value, Module)


def _is_leaf_module(module, key, value):
    return isinstance(value, Module) and not tree_flatten(value.children())


def _filtered(module, filter_fn, map_fn, is_leaf_fn):
    return {
        key: _mapped(module, key, value, filter_fn, map_fn, is_leaf_fn)
        for key, value in module.items()
        if filter_fn(module, key, value)
    }


def _mapped(module, key, value, filter_fn, map_fn, is_leaf_fn):
    """What filter_and_map makes of a value; inside a list or dictionary of the module, key is a path: "layers.0"."""
    if is_leaf_fn(module, key, value):
        return map_fn(value)
    if isinstance(value, Module):
        return _filtered(value, filter_fn, map_fn, is_leaf_fn)

    def entry(name, value):
        path = f"{key}.{name}"
        return _mapped(module, path, value, filter_fn, map_fn, is_leaf_fn) if filter_fn(module, path, value) else {}

    if isinstance(value, dict):
        return {name: entry(name, item) for name, item in value.items()}
    if isinstance(value, list):
        return [entry(index, item) for index, item in enumerate(value)]
    raise RuntimeError("Unexpected leaf found while traversing the module")


def _own_parameter_filter(module, key, value):
    return not isinstance(value, Module) and Module.valid_parameter_filter(module, key, value)


def _frozen_keys(module, keys):
    """keys, or the names of all parameters that stand in this module and in none of its sub-modules."""
    if keys is not None:
        return keys
    return [path for path, _ in tree_flatten(module.filter_and_map(_own_parameter_filter))]


def _check_weights(weights, parameters):
    for title, names in (
        ("Received {} parameters not in model", weights.keys() - parameters.keys()),
        ("Missing {} parameters", parameters.keys() - weights.keys()),
    ):
        if names:
            raise ValueError(title.format(len(names)) + ": \n" + ",\n".join(sorted(names)) + ".")
    for name, parameter in parameters.items():
        value = weights[name]
        if not isinstance(value, mx.array):
            raise ValueError(f"Expected mx.array but received {type(value)} for parameter {name}")
        if value.shape != parameter.shape:
            raise ValueError(f"Expected shape {parameter.shape} but received shape {value.shape} for parameter {name}")


def _places(current, new, strict, kind):
    """The (key, value) pairs of new whose key current, a container, has; strict: others are an error."""
    if isinstance(new, dict):
        for key, value in new.items():
            if key in current:
                yield key, value
            elif strict:
                raise ValueError(f'Module does not have {kind} named "{key}".')
    elif isinstance(new, list) and (isinstance(current, list) or not new):
        if strict and len(new) > len(current):
            raise ValueError(f"List index {len(current)} is out of bounds for destination of length {len(current)}.")
        yield from enumerate(new[: len(current)])
    elif strict:
        raise ValueError(f"Received invalid type: {type(new).__name__}.")


def _nothing(value):
    return isinstance(value, (dict, list)) and len(value) == 0


def _update_parameters(current, parameters, strict):
    for key, new in _places(current, parameters, strict, "parameter"):
        old = current[key]
        if isinstance(old, mx.array) and isinstance(new, mx.array):
            current[key] = new
        elif isinstance(old, (dict, list)):
            _update_parameters(old, new, strict)
        elif strict and not _nothing(new):
            raise ValueError(f"Received invalid type: {type(new).__name__}.")


def _update_modules(current, modules, strict):
    for key, new in _places(current, modules, strict, "sub-module"):
        old = current[key]
        if isinstance(old, Module) and isinstance(new, Module):
            current[key] = new
        elif isinstance(old, (dict, list)):
            _update_modules(old, new, strict)
        elif strict and not _nothing(new):
            raise ValueError(f"Received invalid type: {type(new).__name__}.")
