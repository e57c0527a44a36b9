# Files of every kind, whole and broken.
import io, os, pathlib, zipfile, json, struct, threading
D = [mx.bool_, mx.uint8, mx.int8, mx.uint16, mx.int16, mx.uint32, mx.int32, mx.int64, mx.uint64, mx.float16,
    mx.bfloat16, mx.float32, mx.float64, mx.complex64]
x = mx.arange(6).reshape(2, 3).astype(mx.float32)
def try_(f):
    try:
        return f()
    except Exception as e:
        return type(e).__name__
for d in D:
    for shape in ((2, 3), (), (0,), (1, 0, 2)):
        for layout in (lambda a: a, lambda a: a.T):
            v = layout(mx.ones(shape).astype(d))
            (mx.save("t.npy", v), mx.load("t.npy"))
            (np.load("t.npy").dtype.str, np.load("t.npy").shape)
            (mx.savez("t.npz", v, b=v), mx.load("t.npz"))
            (mx.savez_compressed("t.npz", a=v), mx.load("t.npz"))
            (mx.save_safetensors("t.safetensors", {"a": v}), mx.load("t.safetensors")) if d != mx.float64 else None
            (mx.save_gguf("t.gguf", {"a": v}),
                mx.load("t.gguf")) if d not in (mx.float64, mx.int64, mx.bfloat16) else None
mx.save("u", x), os.path.exists("u.npy"), mx.load("u.npy")
mx.save("u.txt", x), sorted(os.listdir("."))
mx.savez("v", x), os.path.exists("v.npz"), list(mx.load("v.npz"))
mx.savez("w.npz", x, x + 1, name=x), sorted(mx.load("w.npz"))
mx.savez("w2.npz", arr_0=x, b=x), sorted(mx.load("w2.npz"))
mx.savez("w3.npz", x, arr_0=x)
mx.savez("w4.npz"), mx.load("w4.npz")
mx.savez("w5.npz", [x])
mx.save_safetensors("s", {"a": x}), os.path.exists("s.safetensors")
mx.save_safetensors("s2.safetensors", {}), mx.load("s2.safetensors")
mx.save_safetensors("s3.safetensors", {"a": x}, {"k": "v"}), mx.load("s3.safetensors", return_metadata=True)
mx.save_safetensors("s3.safetensors", {"a": x}, metadata={"k": "v", "": "e"})
mx.load("s3.safetensors", return_metadata=True)
mx.load("s3.safetensors", None, True)
mx.load("s2.safetensors", return_metadata=True)
mx.save_safetensors("s4", {"a": x}, {"k": 1})
mx.save_safetensors("s4", {"a": 1})
mx.save_safetensors("s4", {1: x})
mx.save_safetensors("s4", [x])
mx.save_safetensors("s4", {"a": [x]})
mx.save_safetensors("s4", {"": x}), mx.load("s4.safetensors")
mx.save_safetensors("s5", {"ä": x, "b\n": x}), sorted(mx.load("s5.safetensors"))
mx.load("nothing.npy")
mx.load("nothing.safetensors")
mx.load("nothing.npz")
mx.load("nothing.gguf")
mx.load("nothing")
mx.load("u.txt.npy")
mx.load("u.txt")
mx.load("u.npy", "npy"), mx.load("u.npy", format="npy")
mx.load("u.npy", "npz")
mx.load("u.npy", "safetensors")
mx.load("u.npy", "gguf")
mx.load("u.npy", "foo")
mx.load("u.npy", return_metadata=True)
mx.load(pathlib.Path("u.npy"))
mx.load(3)
mx.load(None)
mx.load(b"u.npy")
mx.save(pathlib.Path("p.npy"), x), mx.load("p.npy")
mx.save(3, x)
mx.save("p", [1, 2])
mx.save("p", 3)
mx.save("p", np.array([1]))
mx.save("/nonexistent/p.npy", x)
mx.save_safetensors("/nonexistent/p.safetensors", {"a": x})
mx.save_gguf("/nonexistent/p.gguf", {"a": x})
f = io.BytesIO()
f.seek(0), mx.load(f, "npy")
f.seek(0), mx.load(f)
f.seek(0), mx.load(f, format="npz")
f = io.BytesIO()
mx.savez(f, x, a=x), f.seek(0)
mx.load(f, "npz")
f = io.BytesIO()
mx.save_safetensors(f, {"a": x}, {"m": "n"}), f.seek(0), mx.load(f, "safetensors")
f.seek(0), mx.load(f, "safetensors", True)
f = io.BytesIO()
mx.save(io.StringIO(), x)
class Writer:
    def __init__(self):
        self.data = b""
    def write(self, b):
        self.data += bytes(b)
w = Writer()
class Full:
    def __init__(self):
        self.f = io.BytesIO()
        self.closed = False
    def write(self, b):
        return self.f.write(b)
    def seek(self, *a):
        return self.f.seek(*a)
    def tell(self):
        return self.f.tell()
    def read(self, n=-1):
        return self.f.read(n)
    def readinto(self, b):
        return self.f.readinto(b)
w = Full()
mx.save(w, x), w.seek(0), mx.load(w, "npy")
with open("h.npy", "wb") as h:
    mx.save(h, x)
mx.load("h.npy")
with open("h.npy", "rb") as h:
    y = mx.load(h, "npy")
y
with open("h.npy", "rb") as h:
    y = mx.load(h)
with open("h.npz", "wb") as h:
    mx.savez(h, x, k=x)
with open("h.npz", "rb") as h:
    show(mx.load(h, "npz"))
with open("h.safetensors", "wb") as h:
    mx.save_safetensors(h, {"a": x})
with open("h.safetensors", "rb") as h:
    show(mx.load(h, "safetensors"))
np.load("h.npz")["k"], sorted(np.load("h.npz").files)
with open("h.safetensors", "rb") as h:
    n = struct.unpack("<Q", h.read(8))[0]
np.save("n.npy", np.arange(6).reshape(2, 3)), mx.load("n.npy")
np.save("n.npy", np.asfortranarray(np.arange(6.0).reshape(2, 3))), mx.load("n.npy"), mx.load("n.npy").dtype
np.save("n.npy", np.array(5)), mx.load("n.npy")
np.save("n.npy", np.array([1], ">i4")), try_(lambda: mx.load("n.npy"))
np.save("n.npy", np.array([1 + 2j], np.complex64)), mx.load("n.npy")
np.savez("n.npz", np.arange(3), b=np.ones((2, 2))), mx.load("n.npz")
np.savez_compressed("n.npz", np.arange(3), b=np.ones((2, 2))), mx.load("n.npz")
open("bad.npy", "wb").write(b"abc"), try_(lambda: mx.load("bad.npy"))
open("bad.safetensors", "wb").write(b"abc"), try_(lambda: mx.load("bad.safetensors"))
open("bad.npz", "wb").write(b"abc"), try_(lambda: mx.load("bad.npz"))
open("bad.gguf", "wb").write(b"abc"), try_(lambda: mx.load("bad.gguf"))
open("bad.safetensors", "wb").write(struct.pack("<Q", 2) + b"{}"), try_(lambda: mx.load("bad.safetensors"))
open("bad.safetensors", "wb").write(struct.pack("<Q", 2**60) + b"{}"), try_(lambda: mx.load("bad.safetensors"))
def header(h, data=b""):
    t = json.dumps(h).encode()
    open("hd.safetensors", "wb").write(struct.pack("<Q", len(t)) + t + data)
    try:
        r = mx.load("hd.safetensors")
        mx.eval(r)
        return r
    except Exception as e:
        return type(e).__name__
header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"\0\0\x80\x3f")
header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "__metadata__": None}, b"\0\0\x80\x3f")
header({"a": {"dtype": "F33", "shape": [1], "data_offsets": [0, 4]}}, b"\0\0\x80\x3f")
header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"\0\0\x80\x3f")
x2 = mx.array([1.0, 2.0])
mx.save_safetensors("self.safetensors", {"a": x2})
l = mx.load("self.safetensors")
l["a"] += 1
mx.save_safetensors("self.safetensors", l), mx.load("self.safetensors")
meta = {"i": 3, "s": "str", "l": ["a", "b"], "arr": mx.array([1, 2]), "f": mx.array(1.5)}
mx.save_gguf("m.gguf", {"a": x}, meta), mx.load("m.gguf", return_metadata=True)
meta = {"s": "str", "l": ["a", "b"], "arr": mx.array([1, 2]), "f": mx.array(1.5)}
mx.save_gguf("m.gguf", {"a": x}, meta), mx.load("m.gguf", return_metadata=True)
mx.save_gguf("m2", {"a": x, "b": x.astype(mx.float16)}, metadata={}), sorted(mx.load("m2.gguf"))
mx.load("m2.gguf", return_metadata=True)[1]
for t in [d for d in D if d != mx.float64]:
    (mx.save_gguf("m3.gguf", {"a": x}, {"k": mx.array([1, 2]).astype(t), "z": mx.array(1).astype(t)}),
        mx.load("m3.gguf", return_metadata=True)[1])
mx.save_gguf("m4.gguf", {"a": x}, {"k": 1.5})
mx.save_gguf("m4.gguf", {"a": x}, {"k": [1, 2]})
mx.save_gguf("m4.gguf", {"a": x}, {"k": []}), mx.load("m4.gguf", return_metadata=True)[1]
mx.save_gguf("m4.gguf", {"a": x}, {"k": ""}), mx.load("m4.gguf", return_metadata=True)[1]
mx.save_gguf("m5.gguf", {}), mx.load("m5.gguf")
mx.save_gguf("m6.gguf", {"a": x.T, "b": x[None, None]}), {k: v.shape for k, v in mx.load("m6.gguf").items()}
mx.save_gguf("m7.gguf", {"a": mx.zeros((1, 1, 1, 1, 1))})
results = []
def work(i):
    mx.save_safetensors(f"th{i}", {"a": x + i})
    results.append(mx.load(f"th{i}.safetensors")["a"].tolist())
ts = [threading.Thread(target=work, args=(i,)) for i in range(4)]
[t.start() for t in ts] and None
[t.join() for t in ts]
sorted(results)
mx.load("s.safetensors", stream=mx.cpu), mx.save_safetensors(file="kw.safetensors", arrays={"a": x})
mx.save(file="kw.npy", arr=x), mx.load(file="kw.npy"), mx.savez(file="kw.npz", a=x)
