"""tarn.core's files: against NumPy, mlx and the gguf package, by path and through file objects."""

import io
import pathlib

import pytest

mx = pytest.importorskip("tarn.core")
np = pytest.importorskip("numpy")

DTYPES = [
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32", "float64",
    "complex64"
]


def array_of(dtype):
    return mx.array(np.arange(24).reshape(2, 3, 4) % 7).astype(getattr(mx, "bool_" if dtype == "bool" else dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_npy_is_numpys(tmp_path, dtype):
    a = array_of(dtype)
    mx.save(str(tmp_path / "a"), a)
    there = np.load(tmp_path / "a.npy")
    assert there.dtype == np.dtype(dtype) and (there == np.array(a)).all()
    for value in [
            there,
            np.asfortranarray(there), there[:, ::-1],
            there.astype(there.dtype.newbyteorder(">")), there[0, 0, 0]
    ]:
        np.save(tmp_path / "b.npy", value)
        b = mx.load(tmp_path / "b.npy")
        assert b.dtype == a.dtype and b.shape == value.shape and (np.array(b) == value).all()


def test_npz_is_numpys(tmp_path):
    a, b = array_of("float32"), array_of("int8")
    for write in (mx.savez, mx.savez_compressed):
        write(str(tmp_path / "a"), a, b=b, c=[1, 2])
        there = np.load(tmp_path / "a.npz")
        assert sorted(there) == ["arr_0", "b", "c"] and (there["arr_0"]
                                                         == np.array(a)).all() and (there["b"] == np.array(b)).all()
    for write in (np.savez, np.savez_compressed):
        write(tmp_path / "b.npz", np.arange(5), name=np.zeros((3, 0)))
        here = mx.load(str(tmp_path / "b.npz"))
        assert sorted(here) == ["arr_0", "name"] and here["arr_0"].tolist() == [0, 1, 2, 3, 4
                                                                                ] and here["name"].shape == (3, 0)
    with pytest.raises(ValueError, match="arr_0"):
        mx.savez(str(tmp_path / "c"), a, arr_0=a)


def test_file_objects():
    a = mx.array([1.5, 2.5])
    for write, kind in [(lambda f: mx.save(f, a), "npy"), (lambda f: mx.savez(f, x=a), "npz"),
                        (lambda f: mx.save_safetensors(f, {"x": a}, {"k": "v"}), "safetensors"),
                        (lambda f: mx.save_gguf(f, {"x": a}), "gguf")]:
        file = io.BytesIO()
        write(file)
        file.seek(0)
        loaded = mx.load(file, format=kind)
        assert (loaded if kind == "npy" else loaded["x"]).tolist() == [1.5, 2.5]


def test_arrays_one_behind_the_other_in_a_file_object(tmp_path):
    arrays = [np.arange(6.0).reshape(2, 3), np.array(True), np.zeros((0, 3), np.int16), np.arange(3, dtype=np.complex64)]
    with open(tmp_path / "many", "w+b") as file:
        file.write(b"before")
        for i, a in enumerate(arrays):
            mx.save(file, mx.array(a)) if i % 2 else np.lib.format.write_array(file, a, version=(i + 1, 0))
        file.seek(6)
        for a in arrays:
            assert np.array_equal(np.array(mx.load(file, format="npy")), a)
        assert not file.read()


def test_no_more_is_read_of_a_file_object_than_the_array():
    """So that many arrays one behind the other are read once, and files that cannot seek go on, too."""

    class Counting(io.BytesIO):
        count = 0

        def read(self, size=-1):
            piece = super().read(min(size, 7) if size >= 0 else size)  # as a socket may
            self.count += len(piece)
            return piece

        def seekable(self):
            return False

    written = io.BytesIO()
    for n in range(20):
        mx.save(written, mx.full((100,), n))
    file = Counting(written.getvalue())
    assert [mx.load(file, format="npy")[99].item() for _ in range(20)] == list(range(20))
    assert file.count == len(written.getvalue())
    for broken in (b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff\xff{", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'shape': (", b"PK" * 50,
                   b"\x93NUMPY\x01\x00\x3c\x00{'descr': '<f4', 'fortran_order': False, 'shape': (%d,)}" % 10**16):
        with pytest.raises((RuntimeError, ValueError), match="tmp"):
            mx.load(io.BytesIO(broken), format="npy")


def test_metadata(tmp_path):
    a = mx.array([1, 2])
    mx.save_safetensors(str(tmp_path / "a"), {"a": a}, {"k": "v"})
    assert mx.load(str(tmp_path / "a.safetensors"), return_metadata=True)[1] == {"k": "v"}
    mx.save_gguf(str(tmp_path / "a"), {"a": a},
                 {"text": "t", "words": ["x", ""], "n": mx.array(3, mx.uint32), "list": mx.array([1, 2])})
    arrays, notes = mx.load(tmp_path / "a.gguf", return_metadata=True)
    assert arrays["a"].tolist() == [1, 2] and notes["text"] == "t" and notes["words"] == ["x", ""]
    assert notes["n"].item() == 3 and notes["n"].dtype == mx.uint32 and notes["list"].tolist() == [1, 2]


def test_over_the_file_one_stands_on(tmp_path):
    path = str(tmp_path / "a.npy")
    mx.save(path, mx.arange(1000) if hasattr(mx, "arange") else mx.array(list(range(1000))))
    a = mx.load(path)
    mx.save(path, a + 1)
    assert mx.load(path)[:3].tolist() == [1, 2, 3] and a[:3].tolist() == [0, 1, 2]


def test_errors(tmp_path):
    a = mx.array([1])
    with pytest.raises(ValueError, match="format"):
        mx.load("nothing")
    with pytest.raises(ValueError, match="foo"):
        mx.load("nothing.foo")
    with pytest.raises(RuntimeError, match="nothing.npy"):
        mx.load("nothing.npy")
    with pytest.raises(ValueError):
        mx.load(3)
    with pytest.raises(ValueError):
        mx.save(3, a)
    with pytest.raises(TypeError):
        mx.save_safetensors(str(tmp_path / "a"), {"a": 3})
    with pytest.raises(ValueError, match="metadata"):
        mx.save_safetensors(str(tmp_path / "a"), {"a": a}, {"k": 1})
    (tmp_path / "short.gguf").write_bytes(b"GGUF\x03\x00\x00\x00")
    with pytest.raises(RuntimeError, match="no GGUF file"):
        mx.load(tmp_path / "short.gguf")


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors", "gguf"])
def test_mlx_reads_ours_and_we_read_its(tmp_path, kind):
    mlx = pytest.importorskip("mlx.core")
    for writer, reader in [(mx, mlx), (mlx, mx)]:
        path = str(tmp_path / f"a.{kind}")
        a = writer.array([[1.0, 2.0], [3.0, 4.0]])
        {
            "npy": lambda: writer.save(path, a), "npz": lambda: writer.savez(path, a=a),
            "safetensors": lambda: writer.save_safetensors(path, {"a": a}),
            "gguf": lambda: writer.save_gguf(path, {"a": a}, {"k": "v"})
        }[kind]()
        loaded = reader.load(path)
        assert (loaded if kind == "npy" else loaded["a"]).tolist() == [[1, 2], [3, 4]]


def test_bfloat16_crosses(tmp_path):
    mlx = pytest.importorskip("mlx.core")
    path = str(tmp_path / "a.npy")
    mx.save(path, mx.array([1.5, -2.0], mx.bfloat16))
    assert mlx.load(path).dtype == mlx.bfloat16 and mlx.load(path).tolist() == [1.5, -2.0]
    mlx.save(path, mlx.array([1.5, -2.0], mlx.bfloat16))
    assert mx.load(pathlib.Path(path)).dtype == mx.bfloat16 and mx.load(path).tolist() == [1.5, -2.0]


def test_quantized_gguf_is_mlxs(tmp_path):
    """The affine triples, code by code."""
    mlx, gguf = pytest.importorskip("mlx.core"), pytest.importorskip("gguf")
    values = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)
    for kind in ("Q4_0", "Q4_1", "Q8_0"):
        path = str(tmp_path / f"{kind}.gguf")
        writer = gguf.GGUFWriter(path, "llama")
        kind_id = getattr(gguf.GGMLQuantizationType, kind)
        writer.add_tensor("a.weight", gguf.quantize(values, kind_id), raw_dtype=kind_id)
        writer.write_header_to_file(), writer.write_kv_data_to_file(), writer.write_tensors_to_file(), writer.close()
        ours, theirs = mx.load(path), mlx.load(path)
        assert sorted(ours) == sorted(theirs) == ["a.biases", "a.scales", "a.weight"]
        for name in ours:
            assert str(ours[name].dtype).split(".")[-1] == str(theirs[name].dtype).split(".")[-1]
            assert ours[name].tolist() == theirs[name].tolist()
