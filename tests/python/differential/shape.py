"""Shapes, order, joining and cutting, and elements taken by indices."""

import numpy as np

from .frame import Call, by_name, function
from .values import ALL, INTEGERS, Array

numpy_function = by_name(lambda name: getattr(np, name))


def integers(draw, shape, low, high, dtype=None):
    """Indices in [low, high), which is not empty."""
    dtype = dtype or draw.choice("int32", "int64", *(INTEGERS if low >= 0 else ()))
    return Array(draw.random.integers(low, high, shape).astype(np.int64), dtype)


def shape_of_size(draw, size):
    """A shape with so many elements; at times one entry is -1, or there is no such shape."""
    factors = [n for n in range(1, size + 1) if size % n == 0] if size else [1, 2, 0]
    first = draw.choice(*factors)
    shape = [first, size // first if first else 3, 1][: draw.choice(2, 3)]
    if draw.integer(0, 3) == 0 and size:
        shape[draw.integer(0, len(shape) - 1)] = -1
    return tuple(shape if draw.integer(0, 9) else [*shape, 2])


@function("reshape", "array.reshape")
def reshape(draw):
    a = draw.array()
    return Call(a, shape_of_size(draw, int(np.prod(a.shape))))


@function("flatten", "array.flatten")
def flatten(draw):
    a = draw.array()
    return Call(a, draw.integer(-3, 2), draw.integer(-2, 4)) if draw.flag() else Call(a)


@function("unflatten", layouts=["dense", "strided"])
def unflatten(draw):
    a = draw.array(least=1, most=3)
    axis = draw.axis(a)
    return Call(a, axis, shape_of_size(draw, a.shape[axis]))


@function("transpose", "permute_dims", "array.transpose")
def transpose(draw):
    a = draw.array()
    if draw.flag():
        return Call(a)
    axes = [int(i) - (a.ndim if draw.flag() else 0) for i in draw.random.permutation(a.ndim)]
    return Call(a, axes if draw.integer(0, 9) else [*axes, 0])


@function("moveaxis", "array.moveaxis", "swapaxes", "array.swapaxes")
def two_axes(draw):
    a = draw.array()
    return Call(a, draw.axis(a), draw.axis(a) if draw.integer(0, 9) else 7)


@function("expand_dims")
def expand_dims(draw):
    a = draw.array(most=3)
    axis = draw.integer(-a.ndim - 1, a.ndim)
    return Call(a, draw.choice(axis, (axis,), (0, -1), (1, 1), ()))


@function("squeeze", "array.squeeze")
def squeeze(draw):
    shape = tuple(n if draw.flag() else 1 for n in draw.shape())
    a = draw.array(shape)
    ones = [i for i, n in enumerate(shape) if n == 1]
    return Call(a, draw.choice(None, tuple(ones), *(ones or [None]), draw.axis(a)))


@function("atleast_1d", "atleast_2d", "atleast_3d")
def at_least(draw):
    return Call(*[draw.array(most=3) for _ in range(draw.choice(1, 1, 2))])


@function("broadcast_to")
def broadcast_to(draw):
    shape = draw.shape(most=3)
    a = draw.array(tuple(1 if draw.integer(0, 2) == 0 else n for n in shape))
    return Call(a, (2, *shape) if draw.flag() else shape if draw.integer(0, 9) else (*shape, 7))


@function("broadcast_arrays")
def broadcast_arrays(draw):
    shape = draw.shape(most=3)
    return Call(
        *[draw.array(draw.broadcast_partner(shape), draw.choice(draw.dtype, *ALL)) for _ in range(draw.integer(1, 3))])


@function("broadcast_shapes", dtypes=["float32"], layouts=["dense"])
def broadcast_shapes(draw):
    shape = draw.shape()
    return Call(*[draw.broadcast_partner(shape) if draw.integer(0, 9) else (6, 6) for _ in range(draw.integer(1, 3))])


@function("split", "array.split")
def split(draw):
    a = draw.array()
    axis = draw.axis(a)
    size = a.shape[axis] if a.ndim else 3
    cuts = sorted(draw.integer(0, size) for _ in range(draw.integer(0, 3)))
    return Call(a, draw.choice(1, max(size, 1), 2, cuts, tuple(cuts)), axis)


@function("unstack")
def unstack(draw):
    a = draw.array()
    return Call(a, axis=draw.axis(a)) if draw.integer(0, 9) else Call(a, axis=7)


def one_without_axes(call, ours, error):
    return len(call.args[0]) == 1 and call.args[0][0].ndim == 0 and isinstance(error, IndexError)


@function("concatenate", "concat", agreed=[("`concatenate` of one 0-d array", one_without_axes)])
def concatenate(draw):
    a = draw.array(most=3)
    axis = draw.axis(a)
    others = []
    for _ in range(draw.integer(0, 2)):
        shape = list(a.shape)
        if shape:
            shape[axis] = draw.integer(0, 3)
        others.append(draw.array(shape, draw.choice(draw.dtype, draw.dtype, *ALL)))
    return Call([a, *others], draw.choice(axis, axis, None))


@function("stack")
def stack(draw):
    a = draw.array(most=3)
    shapes = [a.shape, a.shape if draw.integer(0, 9) else (*a.shape, 2)]
    return Call([a, *[draw.array(s, draw.choice(draw.dtype, *ALL)) for s in shapes[:draw.integer(0, 2)]]],
                axis=draw.integer(-a.ndim - 1, a.ndim))


@function("repeat")
def repeat(draw):
    a = draw.array(most=3)
    return Call(a, draw.integer(-1, 3), draw.choice(None, draw.axis(a)))


@function("tile")
def tile(draw):
    return Call(draw.array(most=3), draw.choice(2, (), (1, 2), (2, 1, 3), (0, 2), (1, 1, 1, 2), (-1,)))


@function("roll")
def roll(draw):
    a = draw.array(most=3)
    shift = draw.integer(-7, 7)
    if a.ndim < 2 or draw.flag():
        return Call(a, draw.choice(shift, (shift, 1)), draw.choice(None, draw.axis(a) if a.ndim else None))
    return Call(a, draw.choice(shift, (shift, draw.integer(-3, 3))), (0, -1))


@function("flip")
def flip(draw):
    a = draw.array()
    return Call(a, draw.axes(a)) if draw.integer(0, 9) else Call(a, 7)


def nothing_to_repeat(call, ours, error):
    """pad of an axis without elements by its last element."""
    return 0 in call.args[0].shape and call.args[2] == "edge" and isinstance(error, ValueError)


@function("pad", agreed=[("`pad` of an axis without elements", nothing_to_repeat)])
def pad(draw):
    a = draw.array(most=3)
    pairs = [(draw.integer(0, 3), draw.integer(0, 9 if draw.integer(0, 5) == 0 else 2)) for _ in range(a.ndim)]
    width = draw.choice(draw.integer(-1 if draw.integer(0, 5) == 0 else 0, 3), (1, 2), pairs or 1, (2,))
    mode = draw.choice("constant", "constant", "edge", "reflect", "symmetric",
                       "sideways" if draw.integer(0, 5) == 0 else "constant")
    return Call(a, width, mode, draw.choice(0, 1, draw.array((), draw.choice(draw.dtype, "int32"))))


@function("diagonal", "array.diagonal")
def diagonal(draw):
    a = draw.array(least=2) if draw.layout != "0-d" and draw.integer(0, 9) else draw.array()
    return Call(a, draw.integer(-4, 4), draw.axis(a), draw.axis(a))


@function("diag", "array.diag")
def diag(draw):
    return Call(draw.array(most=2 if draw.integer(0, 9) else 3), draw.integer(-3, 3))


def strided_as_numpy(call, ours, error):
    """mlx refuses arrays that it holds in another order, and empty ones."""
    a, shape, strides, offset = (list(call.args) + [None, None, 0])[:4] if len(call.args) < 4 else call.args
    flat = np.ascontiguousarray(a.numpy()).ravel()
    shape = a.shape if shape is None else shape
    strides = [int(np.prod(shape[i + 1 :])) for i in range(len(shape))] if strides is None else strides
    wanted = np.lib.stride_tricks.as_strided(flat[offset or 0 :], shape, [n * flat.itemsize for n in strides])
    return not error and np.array_equal(ours[1], wanted)


@function("as_strided", agreed=[("`as_strided` of an array in another order", strided_as_numpy)])
def as_strided(draw):
    a = draw.array()
    size = int(np.prod(a.shape))
    if size < 6:
        return Call(a, draw.choice(None, a.shape))
    return draw.choice(Call(a), Call(a, (size,)), Call(a, (2, 2), (2, 1), 1), Call(a, (3,), (-1,), 3),
                       Call(a, (4, 2), (0, 1)))


@function("contiguous")
def contiguous(draw):
    return Call(draw.array(), draw.flag())


def depend(module, a, b, many):
    return module.depends([a, b], b) if many else module.depends(a, [b])


@function("depends", run=depend)
def depends(draw):
    return Call(draw.array(), draw.array(dtype=draw.choice(*ALL)), draw.flag())


# ---- by indices; mlx reads whatever lies beyond an array, so that all of them are inside


def empty_result(call, ours, error):
    return not error and 0 in call.args[0].shape and ours[1].size == 0


@function("take", agreed=[("`take` of an array without elements", empty_result)])
def take(draw):
    a = draw.array()
    axis = draw.choice(None, draw.axis(a)) if a.ndim else None
    size = int(np.prod(a.shape)) if axis is None else a.shape[axis]
    shape = draw.choice((), (3,), (2, 1, 2), (0,))
    if size == 0:
        return Call(a, integers(draw, shape, 0, 1), axis)
    return Call(
        a, draw.choice(draw.integer(0, size - 1), integers(draw, shape, 0, size), integers(draw, shape, -size, size)),
        axis)


def along(draw, a, axis):
    """Indices for the lines along axis; at times they broadcast."""
    shape = [1 if draw.integer(0, 3) == 0 else n for n in a.shape]
    shape[axis] = draw.integer(1, 4)
    return integers(draw, shape, -a.shape[axis], a.shape[axis], draw.choice("int32", "int64"))


@function("take_along_axis", layouts=["dense", "strided"])
def take_along_axis(draw):
    a = draw.array(least=1)
    size = int(np.prod(a.shape))
    if draw.integer(0, 5) == 0:
        return Call(a, integers(draw, (3,), -size, size, "int32"), None)
    axis = draw.axis(a)
    return Call(a, along(draw, a, axis), axis)


def put_oracle(a, indices, values, axis):
    y = a.copy() if axis is not None else a.ravel().copy()
    np.put_along_axis(
        y, np.broadcast_to(indices, [indices.shape[i] if i == axis % a.ndim else n for i, n in enumerate(a.shape)]),
        values.astype(y.dtype), axis)
    return y.reshape(a.shape)


@function("put_along_axis", layouts=["dense", "strided"], oracle=put_oracle)
def put_along_axis(draw):
    """Of one line each place is named once: whose value stands is not said in mlx."""
    a = draw.array(least=1)
    axis = draw.axis(a)
    shape = [1] * a.ndim
    shape[axis] = draw.integer(1, a.shape[axis])
    indices = Array(draw.random.permutation(a.shape[axis])[: shape[axis]].reshape(shape), draw.choice("int32", "int64"))
    return Call(a, indices, draw.array(draw.choice((), shape)), axis)


def block(draw, a):
    axes = [int(i) for i in draw.random.permutation(a.ndim)[: draw.integer(1, a.ndim)]]
    sizes = [draw.integer(1, n) for n in a.shape]
    starts = [draw.integer(0, a.shape[i] - sizes[i]) for i in axes]
    start = Array(np.array(starts[0] if len(starts) == 1 and draw.flag() else starts),
                  draw.choice("int32", "uint32", "int64"))
    return start, axes, sizes


@function("slice", layouts=["dense", "strided"])
def slice_(draw):
    a = draw.array(least=1)
    start, axes, sizes = block(draw, a)
    return Call(a, start, tuple(axes), tuple(sizes if draw.integer(0, 9) else sizes[1:]))


@function("slice_update", layouts=["dense", "strided"])
def slice_update(draw):
    a = draw.array(least=1)
    start, axes, sizes = block(draw, a)
    return Call(a, draw.array(sizes, draw.dtype), start, tuple(axes))
