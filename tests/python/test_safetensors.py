"""Files cross between Tarn and the safetensors and mlx packages: what one writes the others read, byte for byte."""
import ctypes
import json
import os
import pathlib

import pytest

numpy = pytest.importorskip("numpy")
safetensors = pytest.importorskip("safetensors")
from safetensors.numpy import save_file  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = pathlib.Path(os.environ.get("TARN_LIBRARY", ROOT / "build" / "libtarn.so"))
DTYPES = [
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32",
    "float64", "complex64"
]
SIZES = dict(zip(DTYPES, [1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 8]))


class Ints(ctypes.Structure):
    _fields_ = [("values", ctypes.POINTER(ctypes.c_int64)), ("count", ctypes.c_int64)]


class Named(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("array", ctypes.c_void_p)]


class Pair(ctypes.Structure):
    _fields_ = [("key", ctypes.c_char_p), ("value", ctypes.c_char_p)]


class Options(ctypes.Structure):
    _fields_ = [("begin_", ctypes.c_int), ("metadata", ctypes.POINTER(Pair)), ("metadata_count", ctypes.c_int64),
                ("shard_bytes", ctypes.c_int64), ("parameters", ctypes.c_int64), ("end_", ctypes.c_int)]


@pytest.fixture(scope="module")
def tarn():
    if not LIBRARY.exists():
        pytest.skip(f"{LIBRARY} is not built")
    lib = ctypes.CDLL(str(LIBRARY))
    pointer, text, integer = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int64
    signatures = {
        "tarn_error": (text, []),
        "tarn_clear_error": (None, []),
        "tarn_load_safetensors": (pointer, [text]),
        "tarn_tensors_free": (None, [pointer]),
        "tarn_tensors_count": (integer, [pointer]),
        "tarn_tensors_name": (text, [pointer, integer]),
        "tarn_tensors_at": (pointer, [pointer, integer]),
        "tarn_tensors_metadata": (text, [pointer, text]),
        "tarn_dtype_of": (ctypes.c_int, [pointer]),
        "tarn_shape_of": (Ints, [pointer]),
        "tarn_data": (pointer, [pointer]),
        "tarn_save_safetensors_with": (ctypes.c_bool, [text, ctypes.POINTER(Named), integer, Options]),
        "tarn_save_weights_with": (ctypes.c_bool, [text, ctypes.POINTER(Named), integer, Options]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def check(lib, result):
    if not result:
        message = lib.tarn_error().decode()
        lib.tarn_clear_error()
        raise RuntimeError(message)
    return result


def contents(lib, path):
    """name -> (dtype, shape, bytes)"""
    tensors = check(lib, lib.tarn_load_safetensors(str(path).encode()))
    found = {}
    for i in range(lib.tarn_tensors_count(tensors)):
        array = lib.tarn_tensors_at(tensors, i)
        shape = lib.tarn_shape_of(array)
        shape = tuple(shape.values[k] for k in range(shape.count))
        dtype = DTYPES[lib.tarn_dtype_of(array)]
        size = SIZES[dtype] * int(numpy.prod(shape, dtype=numpy.int64))
        data = ctypes.string_at(check(lib, lib.tarn_data(array)), size) if size else b""
        found[lib.tarn_tensors_name(tensors, i).decode()] = (dtype, shape, data)
    lib.tarn_tensors_free(tensors)
    return found


def resave(lib, source, target, folder=False, shard_bytes=0):
    """Loads with Tarn and saves with Tarn."""
    tensors = check(lib, lib.tarn_load_safetensors(str(source).encode()))
    count = lib.tarn_tensors_count(tensors)
    arrays = (Named *
              count)(*[Named(lib.tarn_tensors_name(tensors, i), lib.tarn_tensors_at(tensors, i)) for i in range(count)])
    metadata = (Pair * 1)(Pair(b"format", b"mlx"))
    save = lib.tarn_save_weights_with if folder else lib.tarn_save_safetensors_with
    check(lib, save(str(target).encode(), arrays, count, Options(0, metadata, 1, shard_bytes, 0, 0)))
    lib.tarn_tensors_free(tensors)


def samples():
    random = numpy.random.default_rng(5)
    arrays = {}
    for dtype in DTYPES:
        if dtype in ("bfloat16", "complex64"):
            continue
        arrays[f"a.{dtype}"] = random.integers(0, 2 if dtype == "bool" else 100, size=(3, 5)).astype(dtype)
        arrays[f"b.{dtype}"] = random.integers(0, 2, size=(7,)).astype(dtype)
    arrays["scalar"] = numpy.array(2.5, dtype="float32")
    arrays["empty"] = numpy.zeros((0, 4), dtype="float16")
    arrays["Ünïcode \"x\""] = numpy.arange(3)
    return arrays


def same(found, arrays):
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        assert found[name] == (str(array.dtype), array.shape, array.tobytes()), name


def test_reads_what_safetensors_writes(tarn, tmp_path):
    save_file(samples(), tmp_path / "x.safetensors", metadata={"format": "pt"})
    same(contents(tarn, tmp_path / "x.safetensors"), samples())


def test_safetensors_reads_what_tarn_writes(tarn, tmp_path):
    save_file(samples(), tmp_path / "x.safetensors")
    resave(tarn, tmp_path / "x.safetensors", tmp_path / "y.safetensors")
    with safetensors.safe_open(tmp_path / "y.safetensors", "numpy") as file:
        assert file.metadata() == {"format": "mlx"}
        assert set(file.keys()) == set(samples())
        for name, array in samples().items():
            read = file.get_tensor(name)
            assert read.dtype == array.dtype and read.shape == array.shape and (read == array).all()


def test_mlx(tarn, tmp_path):
    mx = pytest.importorskip("mlx.core")
    for length in range(8):  # the length of the name moves the data: MLX does not pad its header
        name = "n" * (length + 1)
        arrays = {
            name: mx.arange(7, dtype=mx.float32), "half": mx.array([[1, 2.5, -3]]).astype(mx.bfloat16),
            "b": mx.array([True, False, True]), "z": mx.array([1 + 2j, -3j])
        }
        mx.save_safetensors(str(tmp_path / "m.safetensors"), arrays)
        found = contents(tarn, tmp_path / "m.safetensors")
        assert found[name] == ("float32", (7,), numpy.arange(7, dtype="float32").tobytes())
        assert found["half"] == ("bfloat16", (1, 3), bytes.fromhex("803f204040c0"))
        assert found["b"] == ("bool", (3,), b"\1\0\1")
        assert found["z"] == ("complex64", (2,), numpy.array([1 + 2j, -3j], dtype="complex64").tobytes())
        resave(tarn, tmp_path / "m.safetensors", tmp_path / "t.safetensors")
        again = mx.load(str(tmp_path / "t.safetensors"))
        assert set(again) == set(arrays)
        for key, array in arrays.items():
            assert again[key].dtype == array.dtype and mx.array_equal(again[key], array).item()


def test_folder_as_mlx_lm_reads_it(tarn, tmp_path):
    mx = pytest.importorskip("mlx.core")
    arrays = {f"layers.{i}.weight": numpy.full((10, 10), i, dtype="float32") for i in range(6)}
    save_file(arrays, tmp_path / "x.safetensors")
    folder = tmp_path / "model"
    folder.mkdir()
    resave(tarn, tmp_path / "x.safetensors", folder, folder=True, shard_bytes=1000)
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == 2400 and set(index["weight_map"]) == set(arrays)
    read = {}
    for file in sorted(folder.glob("model*.safetensors")):
        part = mx.load(str(file))
        assert all(index["weight_map"][name] == file.name for name in part)
        read.update(part)
    assert set(read) == set(arrays) and all((numpy.array(read[k]) == arrays[k]).all() for k in arrays)
    same(contents(tarn, folder), arrays)
