"""Gradients of models."""

from functools import wraps
from typing import Any, Callable, Optional

import tarn.core as mx
from tarn.nn.layers.base import Module
from tarn.utils import tree_flatten, tree_map, tree_reduce, tree_unflatten


def value_and_grad(model: Module, fn: Callable) -> Callable[..., Any]:
    """A function of fn's arguments that returns the value of fn, a scalar or a tuple that begins with one, and the
    gradients of the scalar for model's trainable parameters, a tree of their form.

    >>> model = nn.Linear(2, 1)
    >>> loss, gradients = nn.value_and_grad(model, lambda x: model(x).sum())(mx.ones((3, 2)))
    >>> gradients["weight"]
    array([[3, 3]], dtype=float32)
    """

    def with_parameters(parameters, *args, **kwargs):
        model.update(parameters)
        return fn(*args, **kwargs)

    differentiated = mx.value_and_grad(with_parameters)

    @wraps(fn)
    def wrapped(*args, **kwargs):
        return differentiated(model.trainable_parameters(), *args, **kwargs)

    return wrapped


def checkpoint(module: Module, fn: Optional[Callable] = None) -> Callable[..., Any]:
    """fn, or the module itself, as a function that keeps its inputs for the gradient and computes what lies between
    anew, with respect to its arguments and the module's trainable parameters."""
    fn = fn or module

    def with_parameters(parameters, *args, **kwargs):
        module.update(parameters)
        return fn(*args, **kwargs)

    checkpointed = mx.checkpoint(with_parameters)

    @wraps(fn)
    def wrapped(*args, **kwargs):
        return checkpointed(module.trainable_parameters(), *args, **kwargs)

    return wrapped


def average_gradients(
    gradients: Any,
    group: Optional[mx.distributed.Group] = None,
    all_reduce_size: int = 32 * 1024**2,
    communication_stream: Optional[mx.Stream] = None,
) -> Any:
    """The mean of the gradients over the processes of group, all by default. Arrays of one dtype are summed together
    until they have all_reduce_size bytes; one by one if it is 0 or less."""
    group = group or mx.distributed.init()
    if group.size() == 1:
        return gradients

    def average(x):
        return mx.distributed.all_sum(x, group=group, stream=communication_stream) / group.size()

    if all_reduce_size <= 0:
        return tree_map(average, gradients)
    named = tree_flatten(gradients)
    averaged = {}
    for batch in _batches(named, all_reduce_size):
        averaged.update(_together(average, batch))
    return tree_unflatten([(name, averaged[name]) for name, _ in named])


def _batches(named, size):
    """named arrays in lists of one dtype that end when they have size bytes."""
    open_batches = {}
    for name, x in named:
        batch = open_batches.setdefault(x.dtype, [])
        batch.append((name, x))
        if sum(x.nbytes for _, x in batch) >= size:
            yield open_batches.pop(x.dtype)
    yield from open_batches.values()


def _together(function, batch):
    """function(x) of each of the named arrays, called once with all of them side by side."""
    ends, end = [], 0
    for _, x in batch:
        end += x.size
        ends.append(end)
    flat = function(mx.concatenate([x.reshape(-1) for _, x in batch]))
    parts = mx.split(flat, ends[:-1])
    return {name: part.reshape(x.shape) for (name, x), part in zip(batch, parts)}


def clip_grad_norm_sharded(gradients: Any, max_norm: float, group: Optional[mx.distributed.Group] = None) -> Any:
    """As tarn.optimizers.clip_grad_norm, for gradients of which each process of group holds a part: the norm is that of
    all. Returns the gradients, scaled if it is over max_norm, and the norm."""
    group = group or mx.distributed.init()
    squares = tree_reduce(lambda total, x: total + mx.sum(mx.square(x)), gradients, mx.array(0.0))
    norm = mx.sqrt(mx.distributed.all_sum(squares, group=group))
    scale = mx.minimum(max_norm / (norm + 1e-6), 1.0)
    return tree_map(lambda x: x * scale, gradients), norm
