"""Arguments that exist before either library does: arrays as NumPy values, a dtype and a way to lie in memory."""

import numpy as np

BOOL = ["bool"]
UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]
SIGNED = ["int8", "int16", "int32", "int64"]
FLOATS = ["float16", "bfloat16", "float32", "float64"]
COMPLEX = ["complex64"]
INTEGERS = UNSIGNED + SIGNED
REALS = INTEGERS + FLOATS
ALL = BOOL + REALS + COMPLEX
LAYOUTS = ["dense", "strided", "empty", "0-d"]


def dtype_of(module, name):
    return getattr(module, "bool_" if name == "bool" else name)


class Array:
    """An array argument: `base` in NumPy, cast to `dtype` by the library, then seen through `view`, a chain of index
    expressions."""

    def __init__(self, base, dtype, view=()):
        self.base, self.dtype, self.view = base, dtype, view

    def of(self, module):
        wide = {"bfloat16": np.float32, "float16": np.float32, "bool": np.bool_}.get(self.dtype, self.dtype)
        a = module.array(
            np.ascontiguousarray(self.base.astype(wide)).reshape(self.base.shape), dtype_of(module, self.dtype))
        for step in self.view:
            a = step(a)
        return a

    def numpy(self):
        """The values, rounded to the dtype, in the widest type of their kind."""
        a = self.base
        if self.dtype == "bfloat16":
            bits = a.astype(np.float32).view(np.uint32).astype(np.uint64)
            bits = np.where(np.isnan(a), bits, (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000)
            a = bits.astype(np.uint32).view(np.float32)
        else:
            a = a.astype(self.dtype)
        for step in self.view:
            a = step(a)
        return a.astype(np.complex128 if self.dtype == "complex64" else np.float64 if self.dtype in FLOATS else a.dtype)

    @property
    def shape(self):
        a = np.broadcast_to(np.zeros(()), self.base.shape)
        for step in self.view:
            a = step(a)
        return a.shape

    @property
    def ndim(self):
        return len(self.shape)

    def __repr__(self):
        values = np.array2string(self.base.ravel()[:12], threshold=12, precision=3, separator=", ").replace("\n", "")
        return f"{self.dtype} {list(self.base.shape)}{''.join(' ' + step.__name__ for step in self.view)} {values}"


def every_other(a):
    return a[..., ::2]


def turned(a):
    return a.T


def backwards(a):
    return a[::-1]


class Draw:
    """Draws the arguments of a call whose first array has this dtype and lies like this."""

    def __init__(self, seed, dtype, layout):
        self.random, self.dtype, self.layout = np.random.default_rng(seed), dtype, layout

    def integer(self, low, high):
        return int(self.random.integers(low, high + 1))

    def choice(self, *options):
        return options[self.integer(0, len(options) - 1)]

    def flag(self):
        return bool(self.integer(0, 1))

    def shape(self, least=None, most=4):
        """Of as many axes as the layout asks for: 0-d has none, empty an axis of 0."""
        if self.layout == "0-d" and not least:
            return ()
        shape = [self.integer(1, 5) for _ in range(self.integer(max(least or 1, 1), max(most, least or 1)))]
        if self.layout == "empty":
            shape[self.integer(0, len(shape) - 1)] = 0
        return tuple(shape)

    def values(self, shape, dtype, domain="any"):
        r = self.random
        if domain == "special" and dtype in FLOATS:
            return r.choice([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.5, 3.0], shape)
        if dtype == "bool":
            return r.integers(0, 2, shape).astype(np.bool_)
        if dtype in INTEGERS:
            low, high = {"positive": (1, 8), "small": (0, 7), "unit": (0, 1)}.get(domain,
                                                                                  (0 if dtype in UNSIGNED else -9, 9))
            return r.integers(low, high + 1, shape).astype(dtype)
        low, high = {"positive": (0.1, 4), "unit": (-0.95, 0.95), "above1": (1.05, 4),
                     "small": (0, 7)}.get(domain, (-4, 4))
        real = r.uniform(low, high, shape)
        return (real +
                1j * r.uniform(low, high, shape)).astype(np.complex64) if dtype == "complex64" else np.asarray(real)

    def array(self, shape=None, dtype=None, domain="any", least=None, most=4):
        dtype = dtype or self.dtype
        shape = self.shape(least, most) if shape is None else tuple(shape)
        view, base = (), list(shape)
        if self.layout == "strided" and shape:
            view = self.choice((every_other,), (turned,), (backwards,), (turned, every_other))
            base[-1] = base[-1] * 2 if every_other in view else base[-1]
            base = base[::-1] if turned in view else base
            if view == (turned, every_other):
                base = [shape[-1] * 2, *shape[:-1][::-1]]
        return Array(np.asarray(self.values(tuple(base), dtype, domain)), dtype, view)

    def axis(self, a):
        return self.integer(-a.ndim, a.ndim - 1) if a.ndim else 0

    def axes(self, a):
        """None, one axis or several."""
        kind = self.integer(0, 2) if a.ndim else 0
        if kind == 0:
            return None
        if kind == 1:
            return self.axis(a)
        chosen = self.random.permutation(a.ndim)[: self.integer(1, a.ndim)]
        return tuple(int(i) - (a.ndim if self.flag() else 0) for i in chosen)

    def broadcast_partner(self, shape):
        """A shape that goes together with `shape`."""
        partner = [1 if self.integer(0, 3) == 0 else n for n in shape]
        return tuple(partner[self.integer(0, len(partner)) :]) if self.integer(0, 2) == 0 else tuple(partner)

    def scalar(self, dtype=None):
        kind = self.integer(0, 2)
        return [self.flag(), self.integer(0, 5), self.integer(-8, 8) / 4][kind]
