"""Trees: values in nested lists, tuples and dictionaries, as parameters, gradients and states of optimizers are."""

from itertools import zip_longest
from typing import Any, Callable, Dict, List, Optional, Tuple, TypeVar, Union, overload

_LISTS = (list, tuple)


def _children(tree, is_leaf):
    """The (key, value) pairs of a list, a tuple or a dictionary; None for a leaf."""
    if is_leaf is not None and is_leaf(tree):
        return None
    if isinstance(tree, _LISTS):
        return enumerate(tree)
    return tree.items() if isinstance(tree, dict) else None


def _rebuilt(tree, pairs):
    """A container of tree's kind with the values of pairs; a dictionary of any kind becomes a plain one."""
    if isinstance(tree, dict):
        return dict(pairs)
    values = [value for _, value in pairs]
    return type(tree)(*values) if hasattr(tree, "_fields") else type(tree)(values)


def tree_map(fn: Callable, tree: Any, *rest: Any, is_leaf: Optional[Callable] = None) -> Any:
    """A tree of tree's form with fn(leaf, leaves at the same place in rest…) for each leaf. The trees of rest may hold
    more than tree does. is_leaf(node) says of a container that it is to be taken as a leaf.

    >>> tree_map(lambda x: x + 1, {"a": [1, (2, 3)]})
    {'a': [2, (3, 4)]}
    """
    pairs = _children(tree, is_leaf)
    if pairs is None:
        return fn(tree, *rest)

    def child(key, value):
        return tree_map(fn, value, *(other[key] for other in rest), is_leaf=is_leaf)

    return _rebuilt(tree, ((key, child(key, value)) for key, value in pairs))


def tree_map_with_path(
    fn: Callable, tree: Any, *rest: Any, is_leaf: Optional[Callable] = None, path: Optional[Any] = None
) -> Any:
    """Like tree_map, but fn takes the leaf's path ("layers.0.weight") first. path is put before all of them.

    >>> tree_map_with_path(lambda path, x: path, {"a": [1, 2]})
    {'a': ['a.0', 'a.1']}
    """
    pairs = _children(tree, is_leaf)
    if pairs is None:
        return fn(path, tree, *rest)

    def child(key, value):
        below = f"{path}.{key}" if path else str(key)
        return tree_map_with_path(fn, value, *(other[key] for other in rest), is_leaf=is_leaf, path=below)

    return _rebuilt(tree, ((key, child(key, value)) for key, value in pairs))


_Destination = TypeVar("_Destination", List[Tuple[str, Any]], Dict[str, Any])


@overload
def tree_flatten(
    tree: Any, prefix: str = "", is_leaf: Optional[Callable] = None, destination: None = None
) -> List[Tuple[str, Any]]: ...
@overload
def tree_flatten(
    tree: Any, prefix: str = "", is_leaf: Optional[Callable] = None, *, destination: _Destination
) -> _Destination: ...
@overload
def tree_flatten(
    tree: Any, prefix: str, is_leaf: Optional[Callable], destination: _Destination
) -> _Destination: ...
def tree_flatten(
    tree: Any,
    prefix: str = "",
    is_leaf: Optional[Callable] = None,
    destination: Optional[Union[List[Tuple[str, Any]], Dict[str, Any]]] = None,
) -> Union[List[Tuple[str, Any]], Dict[str, Any]]:
    """The leaves of a tree with their paths: pairs in a list, or what destination is, a list or a dictionary, with them
    added. prefix, whose first character is dropped, stands before each path.

    >>> tree_flatten({"a": [1, 2], "b": {"c": 3}})
    [('a.0', 1), ('a.1', 2), ('b.c', 3)]
    """
    if destination is None:
        destination = []
    if not isinstance(destination, (list, dict)):
        raise ValueError("Destination should be either a list or a dictionary or None")
    add = destination.append if isinstance(destination, list) else lambda pair: destination.__setitem__(*pair)
    _flatten(tree, prefix, is_leaf, add)
    return destination


def _flatten(tree, prefix, is_leaf, add):
    pairs = _children(tree, is_leaf)
    if pairs is None:
        return add((prefix[1:], tree))
    for key, value in pairs:
        _flatten(value, f"{prefix}.{key}", is_leaf, add)


def tree_unflatten(tree: Union[List[Tuple[str, Any]], Dict[str, Any]]) -> Any:
    """The tree of such paths and leaves. Where all keys at a place are numbers it is a list, with {} where a number is
    missing.

    >>> tree_unflatten([("a.0", 1), ("a.1", 2), ("b.c", 3)])
    {'a': [1, 2], 'b': {'c': 3}}
    """
    pairs = list(tree.items()) if isinstance(tree, dict) else tree
    if len(pairs) == 1 and pairs[0][0] == "":
        return pairs[0][1]
    groups = {}
    if len(pairs) > 1 and all(path == "" for path, _ in pairs):
        raise ValueError("tree_unflatten: several values for the same path")
    for path, value in pairs:
        key, _, below = path.partition(".")
        groups.setdefault(key, []).append((below, value))
    try:
        numbers = sorted((int(key), key) for key in groups)
    except ValueError:
        return {key: tree_unflatten(group) for key, group in groups.items()}
    values = []
    for number, key in numbers:
        values.extend({} for _ in range(number - len(values)))
        values.append(tree_unflatten(groups[key]))
    return values


def tree_reduce(fn, tree, initializer=None, is_leaf=None) -> Any:
    """fn(accumulated, leaf) over the leaves in order, from initializer, or from the first leaf without one.

    >>> tree_reduce(lambda total, x: total + x, {"a": [1, 2], "b": 3})
    6
    """
    pairs = _children(tree, is_leaf)
    if pairs is None:
        return tree if initializer is None else fn(initializer, tree)
    for _, value in pairs:
        initializer = tree_reduce(fn, value, initializer, is_leaf)
    return initializer


def tree_merge(tree_a, tree_b, merge_fn=None) -> Any:
    """A tree with what both have. Of a place where both have a leaf, merge_fn(a, b) is taken; without it that is an
    error. None and empty containers are places without a value.

    >>> tree_merge({"a": {"b": 1}}, {"a": {"c": 2}})
    {'a': {'b': 1, 'c': 2}}
    """
    if _empty_container(tree_a) and _empty_container(tree_b):
        return _merge_empty(tree_a, tree_b)
    a = None if _empty_container(tree_a) else tree_a
    b = None if _empty_container(tree_b) else tree_b
    if (a is None) != (b is None):
        return b if a is None else a
    if isinstance(a, _LISTS) and isinstance(b, _LISTS):
        return _merge_lists(a, b, merge_fn)
    if isinstance(a, dict) and isinstance(b, dict):
        return {key: tree_merge(a.get(key), b.get(key), merge_fn) for key in a | b}
    if merge_fn is None:
        raise ValueError("Trees contain elements at the same locations but no merge function was provided")
    return merge_fn(a, b)


def _empty_container(tree):
    return isinstance(tree, (list, tuple, dict)) and len(tree) == 0


def _merge_empty(a, b):
    if type(a) is not type(b):
        raise ValueError(f"Cannot merge {type(a).__name__} with {type(b).__name__}")
    return a


def _merge_lists(a, b, merge_fn):
    values = [tree_merge(x, y, merge_fn) for x, y in zip_longest(a, b)]
    return type(a)(*values) if hasattr(a, "_fields") else type(a)(values)
