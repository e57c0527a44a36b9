"""Files of arrays: what stands around the library's loading and saving of paths. Called by tarn.core."""

import ast
import itertools
import math
import os
import tempfile

ENDS = ("npy", "npz", "safetensors", "gguf")


def is_file(file, method):
    return hasattr(file, method)


def path_of(file, function):
    if file is None:
        raise TypeError(f"{function}(): a file is a path or a file object, not None")
    if not isinstance(file, (str, os.PathLike)):
        raise ValueError(f"[{function}] a file is a path or a file object, not {type(file).__name__}")
    return os.fspath(file)


def with_end(path, end):
    return path if path.endswith(end) else path + end


def format_of(name, given):
    kind = given or os.path.splitext(name)[1][1:]
    if not kind:
        raise ValueError("[load] Could not infer file format from extension")
    if kind not in ENDS:
        raise ValueError(f"[load] Unknown file format {kind}")
    return kind


def load(core, file, kind, return_metadata):
    if not is_file(file, "read"):
        path = path_of(file, "load")
        return load_path(core, path, format_of(path, kind), return_metadata)
    kind = format_of(kind or file.name, kind)
    with tempfile.NamedTemporaryFile() as copy:  # arrays that stand on it keep it
        for piece in npy_pieces(file) if kind == "npy" else [file.read()]:
            copy.write(piece)
        copy.flush()
        return load_path(core, copy.name, kind, return_metadata)


def pieces(file, count):
    """The next count bytes, or what there is of them, in pieces of a size that no wrong header makes too large."""
    while count > 0 and (piece := file.read(min(count, 1 << 24))):
        yield piece
        count -= len(piece)


def npy_pieces(file):
    """One .npy file; what stands behind it, as another array, is not read."""
    begin = b"".join(pieces(file, 10))
    if begin[:7] not in (b"\x93NUMPY\x01", b"\x93NUMPY\x02", b"\x93NUMPY\x03"):
        return [begin]
    begin += b"".join(pieces(file, 2)) if begin[6] > 1 else b""
    head = b"".join(pieces(file, int.from_bytes(begin[8:], "little")))
    return itertools.chain([begin, head], pieces(file, npy_bytes(head)))


def npy_bytes(head):
    """Of an array with this header; none if it is no header, which is an error where the copy is loaded."""
    try:
        told = ast.literal_eval(head.decode("latin1"))
        return math.prod(told["shape"]) * int(told["descr"][2:])
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        return 0


def load_path(core, path, kind, return_metadata):
    if kind == "npy":
        if return_metadata:
            raise ValueError("[load] metadata not supported for format npy")
        return core._load_npy(path)
    if kind == "npz" and return_metadata:
        raise ValueError("[load] metadata not supported for format npz")
    try:
        arrays, metadata = core._load_tensors(path, kind)
    except RuntimeError as error:  # of the types that MLX raises
        raise (ValueError if kind == "npz" or kind == "gguf" and not os.path.exists(path) else RuntimeError)(
            str(error)) from None
    return (arrays, metadata) if return_metadata else arrays


def written(file, end, function, write):
    """Writes to the path, or through a file of its own to the object."""
    if not is_file(file, "write"):
        return write(with_end(path_of(file, function), end))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file" + end)
        write(path)
        with open(path, "rb") as copy:
            file.write(copy.read())


def save(core, file, arr):
    written(file, ".npy", "save", lambda path: core._save_npy(path, arr))


def named(function, arrays, core):
    if not isinstance(arrays, dict) or not all(
            isinstance(k, str) and isinstance(a, core.array) for k, a in arrays.items()):
        raise TypeError(f"{function}(): arrays are a dict of names and arrays")
    return list(arrays), list(arrays.values())


def archive(core, compressed, file, *args, **kwargs):
    function = "savez_compressed" if compressed else "savez"
    arrays = dict(kwargs)
    for i, a in enumerate(args):
        if f"arr_{i}" in arrays:
            raise ValueError(f"[{function}] Cannot use un-named variables and keyword arr_{i}")
        arrays[f"arr_{i}"] = a
    arrays = {name: a if isinstance(a, core.array) else core.array(a) for name, a in arrays.items()}
    names, values = named(function, arrays, core)
    kind = "npz_compressed" if compressed else "npz"
    written(file, ".npz", function, lambda path: core._save_tensors(path, kind, names, values, []))


def dict_of(function, metadata):
    if metadata is not None and not isinstance(metadata, dict):
        raise TypeError(f"{function}(): metadata are a dict, not {type(metadata).__name__}")
    return metadata or {}


def save_safetensors(core, file, arrays, metadata):
    metadata = dict_of("save_safetensors", metadata)
    if not all(isinstance(k, str) and isinstance(v, str) for k, v in metadata.items()):
        raise ValueError("[save_safetensors] metadata are a dict of strings")
    names, values = named("save_safetensors", arrays, core)
    written(file, ".safetensors", "save_safetensors",
            lambda path: core._save_tensors(path, "safetensors", names, values, list(metadata.items())))


def save_gguf(core, file, arrays, metadata):
    names, values = named("save_gguf", arrays, core)
    notes = list(dict_of("save_gguf", metadata).items())
    for key, value in notes:
        words = isinstance(value, list) and all(isinstance(word, str) for word in value)
        if not isinstance(key, str) or not (words or isinstance(value, (str, core.array))):
            raise ValueError("[save_gguf] metadata are a dict of strings, lists of strings and arrays")
    written(file, ".gguf", "save_gguf", lambda path: core._save_tensors(path, "gguf", names, values, notes))
