"""a[index], a[index] = values and a.at[index]. Indices lie inside: mlx reads and writes beyond an array."""

import numpy as np

from .frame import Call, function
from .values import ALL, Array


def bound(draw, size):
    return draw.choice(None, draw.integer(-size - 2, size + 2), draw.integer(0, size))


def a_slice(draw, size):
    return slice(bound(draw, size), bound(draw, size), draw.choice(None, None, 1, 2, 3, -1, -2))


def an_array(draw, size, shape):
    return Array(draw.random.integers(-size, size, shape), draw.choice("int32", "int64"))


def index_for(draw, shape, arrays=True):
    """One entry or a tuple: integers, slices, new axes, an ellipsis, index arrays that go together."""
    entries, common = [], draw.choice((), (3,), (2, 1))
    for size in shape[: draw.integer(0, len(shape))]:
        kind = draw.integer(0, 7)
        if kind < 2 and size:
            entries.append(draw.integer(-size, size - 1))
        elif kind < 4 and size and arrays:
            partner = draw.choice(common, common, (1,), ())
            entries.append(
                draw.random.integers(-size, size, 2).tolist() if draw.integer(0, 9) == 0 and common ==
                () else an_array(draw, size, partner))
        else:
            entries.append(a_slice(draw, size))
    if draw.integer(0, 3) == 0 and len(shape) + len(entries) < 9:
        entries.insert(draw.integer(0, len(entries)), None)
    if draw.integer(0, 2) == 0:
        axis = draw.integer(0, len(entries))
        named = sum(e is not None for e in entries[axis:])
        if all(not isinstance(e, (int, list, Array)) for e in entries[axis:]) or named == 0 or len({*shape}) == 1:
            entries.insert(axis, Ellipsis)
    return entries[0] if len(entries) == 1 and draw.flag() else tuple(entries)


@function("array.__getitem__")
def read(draw):
    a = draw.array()
    return Call(a, index_for(draw, a.shape))


def numpy_index(index):
    parts = index if isinstance(index, tuple) else (index,)
    return tuple(e.numpy() if isinstance(e, Array) else e for e in parts)


def shape_at(shape, index):
    """The shape of what the index reads, by NumPy; None if it refuses."""
    try:
        return np.broadcast_to(np.zeros((), np.int8), shape)[numpy_index(index)].shape
    except (IndexError, ValueError):
        return None


def assign(module, a, index, values):
    b = module.array(a)
    b[index] = values
    return b


def writes_nothing(call):
    """mlx does not come back from an update of an empty array, or of no elements."""
    a, index = call.args[:2]
    shape = shape_at(a.shape, index)
    return 0 in a.shape or shape is None or 0 in shape


def numpy_of(what):
    """What NumPy makes of an update, in the widest type of a's kind."""

    def apply(a, index, values):
        y, index = a.copy(), numpy_index(index)
        with np.errstate(all="ignore"):
            if what == "set":
                y[index] = values
            else:
                getattr(np, what).at(y, index, np.asarray(values).astype(y.dtype))
        return y

    return apply


def as_numpy(what):
    """mlx refuses values or indices that NumPy takes, and makes an int32 array of a bool one to which an int is
    assigned as a whole."""

    def same(call, ours, error):
        if error:
            return False
        a, index, values = call.args
        wanted = numpy_of(what)(a.numpy(), index, values.numpy() if isinstance(values, Array) else values)
        return ours[0] == a.dtype and ours[1].shape == wanted.shape and np.allclose(ours[1], wanted, rtol=2e-2,
                                                                                    atol=1e-1, equal_nan=True)

    return [("updates that MLX refuses", same)]


def named_twice(shape, index):
    """Whether the index reads an element twice: whose value stands then is not said in mlx."""
    places = np.arange(int(np.prod(shape))).reshape(shape)[numpy_index(index)]
    return np.unique(places).size < places.size


@function("array.__setitem__", run=assign, avoid=writes_nothing, oracle=numpy_of("set"), agreed=as_numpy("set"))
def write(draw):
    a = draw.array()
    index = index_for(draw, a.shape)
    shape = shape_at(a.shape, index)
    number = draw.choice(1, 0, True)
    if shape is None or draw.integer(0, 2) == 0:
        return Call(a, index, number)
    values = draw.array(
        draw.broadcast_partner(shape),
        draw.choice(draw.dtype, draw.dtype, "int32", "float32") if draw.dtype in ("int32", "float32") else draw.dtype)
    return Call(a, index, number if named_twice(a.shape, index) else values)


def assign_masked(module, a, mask, values):
    return assign(module, a, mask, values)


@function("array.__setitem__ by a mask", run=assign_masked, avoid=writes_nothing, oracle=numpy_of("set"),
          agreed=as_numpy("set"))
def write_masked(draw):
    a = draw.array()
    mask = draw.array(a.shape[: draw.integer(1, a.ndim)] if a.ndim else (), "bool")
    rest, count = a.shape[mask.ndim :], int(mask.numpy().sum())
    return Call(a, mask, draw.choice(1, draw.array(rest), draw.array((max(count, 1), *rest))))


def at(module, a, index, values, what):
    return getattr(a.at[index], what)(values)


def update_of(what):
    @function(
        f"array.at.{what}", run=lambda module, a, index, values: at(module, a, index, values, what), ulps=8,
        scale="input", avoid=writes_nothing, oracle=numpy_of(what), agreed=as_numpy(what), dtypes=[
            d for d in ALL
            if (d != "complex64" or what in ("add", "subtract", "multiply")) and (d != "bool" or what != "subtract")
        ])
    def make(draw):
        a = draw.array()
        index = index_for(draw, a.shape)
        shape = shape_at(a.shape, index)
        return Call(a, index, 1 if shape is None or draw.flag() else draw.array(draw.broadcast_partner(shape)))


for name in ("add", "subtract", "multiply", "maximum", "minimum"):
    update_of(name)
