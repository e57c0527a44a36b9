"""What tarn.core says of itself to programs for the Python array API standard: https://data-apis.org/array-api. Made by tarn.core."""

import tarn.core as core

KINDS = {
    "bool": ("bool",),
    "signed integer": ("int8", "int16", "int32", "int64"),
    "unsigned integer": ("uint8", "uint16", "uint32", "uint64"),
    "real floating": ("float32", "float64"),
    "complex floating": ("complex64",),
}
KINDS["integral"] = KINDS["signed integer"] + KINDS["unsigned integer"]
KINDS["numeric"] = KINDS["integral"] + KINDS["real floating"] + KINDS["complex floating"]
ORDER = KINDS["bool"] + KINDS["integral"] + ("float32", "complex64", "float64")


def check_device(device):
    if device is not None and not isinstance(device, core.Device):
        raise TypeError(f"a device is needed, not {type(device).__name__}")


class ArrayNamespaceInfo:
    """Of the functions and dtypes of the standard: which there are, where, and what is usual."""

    def __init__(self, masks, axes):
        self._masks, self._axes = masks, axes

    def capabilities(self):
        return {"boolean indexing": self._masks, "data-dependent shapes": self._masks, "max dimensions": self._axes}

    def default_device(self):
        return core.default_device()

    def devices(self):
        kinds = [kind for kind in (core.cpu, core.gpu) if core.is_available(kind)]
        return tuple(core.Device(kind, i) for kind in kinds for i in range(core.device_count(kind)))

    def default_dtypes(self, *, device=None):
        check_device(device)
        return {"real floating": core.float32, "complex floating": core.complex64, "integral": core.int32, "indexing": core.int32}

    def dtypes(self, *, device=None, kind=None):
        """The dtypes of a kind, or of several in a tuple, by their names; float64 is only on the CPU."""
        check_device(device)
        kinds = kind if isinstance(kind, tuple) else () if kind is None else (kind,)
        for one in kinds:
            if not isinstance(one, str) or one not in KINDS:
                raise ValueError(f"there is no kind of dtypes {one!r}")
        wanted = ORDER if kind is None else {name for one in kinds for name in KINDS[one]}
        names = [name for name in ORDER if name in wanted and not (name == "float64" and device == core.gpu)]
        return {name: getattr(core, "bool_" if name == "bool" else name) for name in names}
