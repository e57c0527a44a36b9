"""Files of arrays: what stands around the library's loading and saving of paths. Called by tarn.core."""

import ast
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
    goes_on = kind == "npy" and hasattr(file, "seekable") and file.seekable()  # what follows may be another array
    start = file.tell() if goes_on else 0
    with tempfile.NamedTemporaryFile() as copy:  # arrays that stand on it keep it
        content = file.read()
        copy.write(content)
        copy.flush()
        loaded = load_path(core, copy.name, kind, return_metadata)
    if goes_on:
        file.seek(start + npy_bytes(content))
    return loaded


def npy_bytes(content):
    """How long an .npy file is, to which more may be appended."""
    begin = 10 if content[6] == 1 else 12
    end = begin + int.from_bytes(content[8:begin], "little")
    head = ast.literal_eval(content[begin:end].decode("latin1"))
    return end + math.prod(head["shape"]) * int(head["descr"][2:])


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
