# save, savez, load, safetensors, GGUF: names, streams, metadata, what comes back.
import io
import os
import pathlib
import zipfile

names = [
    "bool_", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32",
    "float64", "complex64"
]
dtypes = [getattr(mx, name) for name in names]
shapes = [(), (1,), (5,), (2, 3), (0,), (2, 0, 3), (2, 3, 4)]
def size_of(name):
    return os.path.getsize(name)

# ---- npy
for d in dtypes:
    for s in shapes:
        a = (mx.arange(int(np.prod(s))).reshape(s) % 2).astype(d) if 0 not in s else mx.zeros(s, d)
        mx.save("a", a)
        mx.load("a.npy"), os.path.exists("a.npy")
        mx.load("a.npy", "npy")
        mx.load("a.npy", format="npy")
        np.load("a.npy") if d != mx.bfloat16 else None
a = mx.arange(12).reshape(3, 4)
mx.save("b.npy", a), mx.load("b.npy").tolist(), mx.save("b", a.T), mx.load("b.npy"), mx.save("c.npz", a)
os.path.exists("c.npz.npy")
np.load("b.npy")
np.save("n.npy", np.asfortranarray(np.arange(6).reshape(2, 3)))
mx.load("n.npy")
for t in ("float64", "int64", "uint16", "bool", ">f4", ">i2", "<f2"):
    np.save("n.npy", np.array([[0, 1], [2, 3]]).astype(t))
    mx.load("n.npy")
np.save("n.npy", np.array(["a"]))
mx.load("n.npy")  # differs: `load` of an .npy file of another dtype
np.save("n.npy", np.array(5.0))
mx.load("n.npy")
mx.save(pathlib.Path("p.npy"), a)
mx.load(pathlib.Path("p.npy"))
mx.save("x.npy", 3)
mx.save("x.npy", [1, 2])
mx.save("x.npy")
mx.save(3, a)
mx.load("missing.npy")
mx.load("missing")
mx.load("missing.safetensors")
mx.load("missing.npz")
mx.load("missing.gguf")
mx.load(3)
mx.load("a.npy", format="nonsense")
mx.load("a.npy", format="safetensors")
mx.load("a.npy", return_metadata=True)
open("bad.npy", "wb").write(b"nothing")
mx.load("bad.npy")
open("bad.npy", "wb").write(b"")
mx.load("bad.npy")
size = open("cut.npy", "wb").write(open("b.npy", "rb").read()[:-4])
mx.eval(mx.load("cut.npy"))
mx.save("/nowhere/at/all.npy", a)
mx.save("s.npy", a[:, ::2])
mx.load("s.npy")
mx.save("s.npy", mx.load("s.npy") + 1)
mx.load("s.npy")
mx.save(file="k.npy", arr=a)
mx.load(file="k.npy")
mx.load("k.npy", stream=mx.cpu)
mx.load("k.npy", None)

# ---- streams
f = io.BytesIO()
mx.save(f, a)
f.tell() > 0
f.seek(0)
mx.load(f)
f.seek(0)
np.load(f)
f = io.BytesIO()
np.save(f, np.arange(3))
f.seek(0)
mx.load(f)
with open("stream.npy", "wb") as f:
    mx.save(f, a)
with open("stream.npy", "rb") as f:
    mx.load(f)
with open("stream.npy", "rb") as f:
    mx.eval(mx.load(f))
    f.closed
with open("stream.npy", "rb") as f:
    later = mx.load(f)
later
mx.load("stream.npy")
with open("b.safetensors", "wb") as f:
    mx.save_safetensors(f, {"a": a})
with open("b.safetensors", "rb") as f:
    mx.load(f)
with open("b.safetensors", "rb") as f:
    mx.load(f, format="safetensors")
with open("b.npz", "wb") as f:
    mx.savez(f, a, k=a)
with open("b.npz", "rb") as f:
    mx.load(f)
f = io.BytesIO()
mx.savez(f, a)
f.seek(0)
mx.load(f, format="npz")
f = io.BytesIO()
mx.save_safetensors(f, {"a": a}, {"m": "v"})
f.seek(0)
mx.load(f, format="safetensors", return_metadata=True)
f.seek(0)
mx.load(f)
class Named(io.BytesIO):
    name = "x.safetensors"

f = Named()
mx.save_safetensors(f, {"a": a})
f.seek(0)
mx.load(f)
with open("append.npy", "wb") as f:
    mx.save(f, a)
    mx.save(f, a + 1)
with open("append.npy", "rb") as f:
    mx.load(f)
mx.save(io.StringIO(), a)
mx.load(io.BytesIO(b"junk"), format="npy")

# ---- npz
mx.savez("z", a, a + 1)
sorted(mx.load("z.npz")), mx.load("z.npz")["arr_0"], mx.load("z.npz")["arr_1"], type(mx.load("z.npz"))
mx.savez("z.npz", a, x=a * 2, y=mx.array(1.5, mx.bfloat16))
mx.load("z.npz")
mx.savez("z.npz", **{"w.0": a, "arr_0": a})
mx.load("z.npz")
mx.savez("z.npz", a, arr_0=a)
mx.savez_compressed("zc", a, b=mx.zeros((100, 100)))
mx.load("zc.npz"), size_of("zc.npz") < 5000
mx.savez("empty")
mx.load("empty.npz")
mx.savez("z.npz", {"a": a})
mx.savez("z.npz", 3)
mx.savez("z.npz", [a, a])
np.savez("np.npz", a=np.arange(3), b=np.ones((2, 2)))
mx.load("np.npz")
np.savez_compressed("np.npz", np.arange(3))
mx.load("np.npz")
mx.savez("z", file=a)
sorted(np.load("zc.npz"))
np.load("zc.npz")["b"].shape
sorted(zipfile.ZipFile("zc.npz").namelist())
for d in dtypes:
    mx.savez("d.npz", mx.array([0, 1]).astype(d), k=mx.array(1).astype(d))
    mx.load("d.npz")
open("bad.npz", "wb").write(b"nothing")
mx.load("bad.npz")
mx.load("a.npy", format="npz")

# ---- safetensors
for d in dtypes:
    for s in shapes:
        b = (mx.arange(int(np.prod(s))).reshape(s) % 2).astype(d) if 0 not in s else mx.zeros(s, d)
        mx.save_safetensors("t.safetensors", {"one": b, "two.x": b}) if d != mx.float64 else None
        mx.load("t.safetensors")
mx.save_safetensors("f64.safetensors", {"a": mx.zeros(2, mx.float64)})  # differs: safetensors of float64
mx.save_safetensors("t", {"a": a, "b": a.T, "c": a[:, ::2], "d": mx.array(1)})
mx.load("t.safetensors"), mx.load("t.safetensors", return_metadata=True)
mx.save_safetensors("t", {"a": a}, {"k": "v", "other": "x"})
mx.load("t.safetensors", return_metadata=True), mx.load("t.safetensors", None, True)
mx.load("t.safetensors", format="safetensors", return_metadata=True)
mx.save_safetensors("t", {"a": a}, metadata={"format": "mlx"})
mx.save_safetensors("t", {"a": a}, None)
mx.save_safetensors("t", {"a": a}, {"k": 3})
mx.save_safetensors("t", {"a": a}, {3: "k"})
mx.save_safetensors("t", {3: a})
mx.save_safetensors("t", {"a": 3})
mx.save_safetensors("t", {"a": None})
mx.save_safetensors("t", [a])
mx.save_safetensors("t", {})
mx.load("t.safetensors")
mx.save_safetensors("t")
mx.save_safetensors(3, {"a": a})
mx.save_safetensors(pathlib.Path("path.safetensors"), {"a": a})
mx.load(pathlib.Path("path.safetensors"))
mx.save_safetensors("/nowhere/x.safetensors", {"a": a})
open("bad.safetensors", "wb").write(b"nothing at all, far too short a header")
mx.load("bad.safetensors")
open("bad.safetensors", "wb").write(b"")
mx.load("bad.safetensors")
open("bad.safetensors", "wb").write((2).to_bytes(8, "little") + b"{}")
mx.load("bad.safetensors")
import json
def safetensors(header, data=b""):
    text = json.dumps(header).encode()
    open("made.safetensors", "wb").write(len(text).to_bytes(8, "little") + text + data)
    r = mx.load("made.safetensors")
    mx.eval(r)
    return r

safetensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, b"\0\0\x80\x3f\0\0\0\x40")
safetensors({"a": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}, b"\x01\x02")
safetensors({"a": {"dtype": "F8_E8M0", "shape": [2], "data_offsets": [0, 2]}}, b"\x01\x02")
safetensors({"a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}, bytes(8))  # differs: safetensors of float64
safetensors({"a": {"dtype": "NOPE", "shape": [1], "data_offsets": [0, 8]}}, bytes(8))
safetensors({"a": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]}, "__metadata__": {"x": "y"}}, bytes(8))
safetensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, bytes(8))
safetensors({"a": {"dtype": "F32", "shape": [2]}}, bytes(8))
x = mx.load("t.safetensors")
mx.save_safetensors("t", {"a": a, "b": a + 1})
x = mx.load("t.safetensors")
mx.save_safetensors("t", x)
mx.load("t.safetensors")
mx.save_safetensors("t", {"a": x["a"] * 2, "b": x["b"]})
mx.load("t.safetensors")
x = mx.load("t.safetensors")
os.remove("t.safetensors")
x["a"] + 1 if os.name == "nt" else None
from safetensors.numpy import load_file, save_file
mx.save_safetensors("o", {"a": a, "f": mx.ones((2,), mx.float16)})
load_file("o.safetensors")
save_file({"q": np.arange(5, dtype=np.int16)}, "o.safetensors")
mx.load("o.safetensors")

# ---- GGUF
for d in (mx.float32, mx.float16, mx.int8, mx.int16, mx.int32):
    mx.save_gguf("g", {"a": mx.array([[1, 2], [3, 4]], d), "b.weight": mx.ones((3, 2, 4), d)})
    mx.load("g.gguf"), os.path.exists("g.gguf")
mx.save_gguf("g.gguf", {"a": a.astype(mx.float32)}, {
    "s": "text", "l": ["a", "b"], "n": mx.array(3), "f": mx.array(1.5), "v": mx.array(
        [1, 2, 3]), "t": mx.array(True), "i8": mx.array(1, mx.int8), "u8": mx.array(1, mx.uint8), "u64": mx.array(
            5, mx.uint64), "i64": mx.array([5], mx.int64), "fl": mx.array([1.0, 2.0])
})
mx.load("g.gguf"), mx.load("g.gguf", return_metadata=True)
[sorted(part) for part in mx.load("g.gguf", return_metadata=True)]
mx.load("g.gguf", return_metadata=True)[1]["n"].dtype, mx.load("g.gguf", return_metadata=True)[1]["l"]
mx.load("g.gguf", format="gguf")
mx.save_gguf("g.gguf", {"a": a.T.astype(mx.float32), "s": a[:, ::2].astype(mx.float16)})
mx.load("g.gguf")
mx.save_gguf("g.gguf", {"a": mx.array([1], mx.uint8)})
mx.save_gguf("g.gguf", {"a": mx.array([True])})
mx.save_gguf("g.gguf", {"a": mx.array([1j])})
mx.save_gguf("g.gguf", {"a": mx.array(1.0)})
mx.save_gguf("g.gguf", {"a": a.astype(mx.float32)}, {"k": 3})
mx.save_gguf("g.gguf", {"a": a.astype(mx.float32)}, {"k": [1, 2]})
mx.save_gguf("g.gguf", {"a": a.astype(mx.float32)}, {"k": mx.ones((2, 2))})  # differs: metadata of several axes
mx.save_gguf("g.gguf", {"a": a.astype(mx.float32)}, metadata={"k": "v"})
mx.load("g.gguf", return_metadata=True)
mx.save_gguf(pathlib.Path("gp.gguf"), {"a": a.astype(mx.float32)})
mx.load("gp.gguf")
mx.save_gguf("g.gguf", {"a": 3})
mx.save_gguf("g.gguf", {})
open("bad.gguf", "wb").write(b"nothing")
mx.load("bad.gguf")
