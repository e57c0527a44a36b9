"""Functions in files: on Tarn, and on mlx where it does the same."""

import gc
import io
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TARN_BUILD_DIR", ROOT / "build"))
tarn = pytest.importorskip("tarn.core")
mlx = pytest.importorskip("mlx.core")


@pytest.fixture(params=["tarn", "mlx"])
def mx(request):
    return tarn if request.param == "tarn" else mlx


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "function.tarn")


def through_file(mx, path, fun, *args, **kwargs):
    mx.export_function(path, fun, *args, **kwargs)
    return mx.import_function(path)


def same(mx, a, b):
    return a.dtype == b.dtype and a.shape == b.shape and mx.array_equal(a, b).item()


# ---- the forms of a call


@pytest.mark.parametrize("traced", ["x, y", "(x, y)", "[x, y]"])
@pytest.mark.parametrize("called", ["x, y", "(x, y)", "[x, y]"])
def test_positional(mx, path, traced, called):
    x, y = mx.array([1.0, 2.0]), mx.array([3.0, 5.0])
    arguments = lambda text: eval(f"({text},)", {"x": x, "y": y})
    f = through_file(mx, path, lambda a, b: a - b, *arguments(traced))
    out = f(*arguments(called))
    assert isinstance(out, tuple) and len(out) == 1 and same(mx, out[0], x - y)


@pytest.mark.parametrize("returned", [lambda y: y, lambda y: [y], lambda y: (y,), lambda y: [y, y, y * y]])
def test_what_is_returned(mx, path, returned):
    x = mx.array([1.0, -2.0])
    f = through_file(mx, path, lambda x: returned(mx.abs(mx.sin(x))), x)
    wanted = returned(mx.abs(mx.sin(x)))
    wanted = wanted if isinstance(wanted, (list, tuple)) else [wanted]
    assert [out.tolist() for out in f(x)] == [w.tolist() for w in wanted]


def test_no_inputs(mx, path):
    f = through_file(mx, path, lambda: mx.zeros((3, 3)))
    assert f()[0].tolist() == [[0.0] * 3] * 3
    with pytest.raises(ValueError):
        f(mx.array(1))


def test_keywords(mx, path):
    def fun(x, z=None):
        return x if z is None else x - z

    x, z = mx.array([1, 2, 3]), mx.array([2, 2, 2])
    for arguments, keywords in [((x,), {"z": z}), (((x,), {"z": z}), {})]:
        f = through_file(mx, path, fun, *arguments, **keywords)
        for out in (f(x, z=z), f((x,), {"z": z}), f([x], {"z": z})):
            assert out[0].tolist() == [-1, 0, 1]
        for wrong in (lambda: f(x, z), lambda: f(x, y=z), lambda: f((x,), {"y": z}), lambda: f(x), lambda: f(x, z=2)):
            with pytest.raises(ValueError):
                wrong()


def test_keywords_alone(mx, path):
    f = through_file(mx, path, lambda x, z: x - z, x=mx.array(1.0), z=mx.array(2.0))
    a, b = mx.array(5.0), mx.array(3.0)
    for out in (f(x=a, z=b), f(z=b, x=a), f({"x": a, "z": b}), f({"z": b, "x": a})):
        assert out[0].item() == 2.0
    with pytest.raises(ValueError):
        f(a, z=b)


@pytest.mark.parametrize("arguments, keywords", [(("hi",), {}), ((1.0,), {}), (("x", "hi"), {}), (("x",), {"y": 2}),
                                                 (([["x"]],), {}), ((("x", 2.0),), {}), ((["x"],), {"y": "x"}),
                                                 ((["x"], {"y": "x"}, 3), {}), ((["x"], {1: "x"}), {})])
def test_arguments_that_are_no_arrays(mx, path, arguments, keywords):
    def array_for(value):
        if isinstance(value, (list, tuple)):
            return type(value)(array_for(v) for v in value)
        if isinstance(value, dict):
            return {name: array_for(v) for name, v in value.items()}
        return mx.array(1.0) if value == "x" else value

    with pytest.raises(ValueError):
        mx.export_function(path, lambda *args, **kwargs: mx.array(1.0), *array_for(arguments), **array_for(keywords))


def test_names_that_change_their_dict(path):
    class Name(str):
        def __lt__(self, other):
            named.clear()
            return str.__lt__(self, other)

    named = {Name("b"): tarn.ones(2), Name("a"): tarn.zeros(2)}
    tarn.export_function(path, lambda **named: named["a"] - named["b"], named)
    assert not named
    assert tarn.import_function(path)(a=tarn.ones(2), b=tarn.zeros(2))[0].tolist() == [1, 1]


@pytest.mark.parametrize("returned",
                         [lambda y: (y, 1), lambda y: (y, [y]), lambda y: {"y": y}, lambda y: None, lambda y: 1.0])
def test_results_that_are_no_arrays(mx, path, returned):
    with pytest.raises(ValueError):
        mx.export_function(path, returned, mx.array(1.0))


def test_wrong_parameters(mx, path):
    x = mx.array(1.0)
    with pytest.raises(TypeError):
        mx.export_function(path, 3, x)
    with pytest.raises(TypeError):
        mx.export_function(path, lambda x: x, x, metadata=3)
    with pytest.raises(TypeError):
        mx.exporter(lambda: None, lambda x: x)
    with pytest.raises(TypeError):
        mx.import_function(3)
    with pytest.raises(TypeError):
        mx.FunctionExporter()
    with pytest.raises(RuntimeError):
        mx.import_function(path)


def test_errors_of_the_function(mx, path):
    with pytest.raises(ZeroDivisionError):
        mx.export_function(path, lambda x: 1 / 0, mx.array(1.0))
    with pytest.raises(ValueError):
        mx.export_function(path, lambda x: x * x.item(), mx.array(1.0))
    assert mx.array(1.0).item() == 1.0


# ---- several signatures


def test_exporter(mx, path):
    def fun(x, y, z=None):
        return x + y if z is None else x + y + z

    with mx.exporter(path, fun) as exporter:
        exporter(mx.array([1, 2, 3]), mx.array([1, 1, 1]))
        exporter(mx.array([1, 2, 3]), mx.array([1, 1, 1]), z=mx.array([2]))
        with pytest.raises(RuntimeError):
            exporter(mx.array([4, 5, 6]), mx.array([1, 1, 1]))
    with pytest.raises(RuntimeError):
        exporter(mx.array([1, 2, 3, 4]), mx.array([1, 1, 1, 1]))
    exporter.close()
    f = mx.import_function(path)
    assert f(mx.array([1, 2, 3]), mx.array([1, 1, 1]))[0].tolist() == [2, 3, 4]
    assert f(mx.array([1, 2, 3]), mx.array([1, 1, 1]), z=mx.array([2]))[0].tolist() == [4, 5, 6]
    with pytest.raises(ValueError):
        f(mx.array([1, 2, 3, 4]), mx.array([1, 1, 1, 1]))


def test_captured_arrays_are_there_once(mx, path):
    constant = mx.zeros((16, 2048))
    mx.eval(constant)
    with mx.exporter(path, lambda *args: constant + sum(args)) as exporter:
        for i in range(5):
            exporter(*[mx.array(1)] * i)
    assert os.path.getsize(path) < constant.nbytes + 8192
    f = mx.import_function(path)
    assert [f(*[mx.array(2)] * i)[0][3, 5].item() for i in range(5)] == [0, 2, 4, 6, 8]


def test_constants_of_the_shape(mx, path):
    def fun(y):
        x = mx.array(y.shape[0])
        for j in range(10):
            x = x + mx.array(y.shape[0] + j)
        return x * y.sum()

    ys = [mx.array([1] * n) for n in (1, 2, 3)]
    with mx.exporter(path, fun) as exporter:
        for y in ys:
            exporter(y)
    f = mx.import_function(path)
    assert [f(y)[0].item() for y in ys] == [fun(y).item() for y in ys]


def test_metadata(mx, path):
    x = mx.array(1.0)
    mx.export_function(path, lambda x: x, x, metadata='{"layers": 3}')
    f, metadata = mx.import_function(path, return_metadata=True)
    assert metadata == '{"layers": 3}' and f(x)[0].item() == 1.0
    assert callable(mx.import_function(path))
    mx.export_function(path, lambda x: x, x)
    assert mx.import_function(path, True)[1] == ""
    with mx.exporter(path, lambda x: x, metadata="for several") as exporter:
        exporter(x)
    assert mx.import_function(path, True)[1] == "for several"
    with pytest.raises(ValueError):
        mx.export_function(lambda d: None, lambda x: x, x, metadata="a")


# ---- any sizes


def test_shapeless(mx, path):
    with mx.exporter(path, lambda *args: sum(args), shapeless=True) as exporter:
        for n in (1, 2, 3):
            exporter(*[mx.array(1)] * n)
    f = mx.import_function(path)
    assert [f(*[mx.array(1)] * n)[0].item() for n in (1, 2, 3)] == [1, 2, 3]
    with pytest.raises(ValueError):
        f(mx.array(10), mx.array([5, 10, 20]))
    f = through_file(mx, path, lambda x: mx.softmax(x @ x.T, axis=-1), mx.ones((2, 3)), shapeless=True)
    x = mx.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]])
    assert f(x)[0].shape == (3, 3) and mx.allclose(f(x)[0], mx.softmax(x @ x.T, axis=-1)).item()
    for wrong in (mx.ones((2, 3, 1)), mx.ones((2, 3), dtype=mx.int32)):
        with pytest.raises(ValueError):
            f(wrong)


@pytest.mark.parametrize("shapeless", [False, True])
def test_control_flow_is_as_it_was_traced(mx, path, shapeless):
    def fun(x, y):
        return x + y if y.shape[0] <= 2 else x + 2 * y

    for y in (mx.array([1, 2, 3]), mx.array([1, 2])):
        f = through_file(mx, path, fun, mx.array(1), y, shapeless=shapeless)
        assert same(mx, f(mx.array(1), y)[0], fun(mx.array(1), y))


def test_sizes_that_matter(path):
    x = tarn.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    taken = lambda f, *shapes: [shape for shape in shapes if not refused(f, tarn.ones(shape))]

    def refused(f, x):
        try:
            return not f(x)
        except ValueError:
            return True

    shapes = (2, 3), (5, 3), (2, 7), (4, 6)
    for fun, fits in [
        (lambda x: x / x.shape[1], {(2, 3), (5, 3)}),  # a constant of the file
        (lambda x: x.reshape(x.shape[0], 3, -1), {(2, 3)}),  # rows stand in the shape, and 3 is 3
        (lambda x: x.reshape(x.shape[0], -1, x.shape[1]) if x.ndim == 2 else x, {(2, 3)}),
        (lambda x: x * x if x.shape[0] < 3 else x, {(2, 3), (2, 7)}),
        (lambda x: tarn.exp(x) if x.shape[0] else x, set(shapes)),  # it asks, and does the same
        (lambda x: x + {2: 1.0}[x.shape[0]], {(2, 3), (2, 7)}),  # a KeyError for other sizes
    ]:
        f = through_file(tarn, path, fun, x, shapeless=True)
        assert set(taken(f, *shapes)) == fits
        for shape in fits:
            assert same(tarn, f(tarn.ones(shape))[0], fun(tarn.ones(shape)))


def test_interrupts_are_not_answers(path):
    calls = []

    def fun(x):
        calls.append(x.shape)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return x

    with pytest.raises(KeyboardInterrupt):
        tarn.export_function(path, fun, tarn.ones((2, 3)), shapeless=True)
    assert len(calls) == 2


@pytest.mark.parametrize("fun", [
    lambda x: (x * x).sum(), lambda x: (x * x).mean(), lambda x: tarn.softmax(x, axis=-1).max(), lambda x:
    (x - x.mean(axis=0)).var()
])
def test_gradients_of_any_size(path, fun):
    x = tarn.random.normal((4, 3))
    f = through_file(tarn, path, tarn.grad(fun), x, shapeless=True)
    for shape in [(4, 3), (5, 3), (4, 6), (1, 2)]:
        y = tarn.random.normal(shape)
        try:
            out = f(y)[0]
        except ValueError:
            assert shape != (4, 3)
        else:
            assert same(tarn, out, tarn.grad(fun)(y))


# ---- functions that read what is around them


def test_random_numbers(mx, path):
    mx.random.seed(5)
    f = through_file(mx, path, lambda: mx.random.uniform(shape=(3,)))
    out = f()[0]
    mx.random.seed(5)
    assert same(mx, out, mx.random.uniform(shape=(3,)))


def test_indices(mx, path):
    x, y = mx.random.uniform(shape=(4, 4)), mx.array([[0, 1, 2, 3], [1, 2, 0, 3]])
    fun = lambda a, b: mx.take_along_axis(a, b, axis=0)
    assert same(mx, through_file(mx, path, fun, x, y)(x, y)[0], fun(x, y))
    fun = lambda a, b, c: mx.put_along_axis(a, b, c, axis=0)
    assert same(mx, through_file(mx, path, fun, x, y, x[:2])(x, y, x[:2])[0], fun(x, y, x[:2]))
    fun = lambda x, y, z: x.at[y].add(z)
    x, y, z = mx.array([1, 2, 3]), mx.array([0, 0, 1]), mx.array([1, 1, 1])
    assert same(mx, through_file(mx, path, fun, x, y, z)(x, y, z)[0], fun(x, y, z))


def test_values_are_those_at_the_export(mx, path):
    state = {"w": mx.array([1.0, 2.0])}
    f = through_file(mx, path, lambda x: x * state["w"], mx.array([1.0, 1.0]))
    state["w"] = mx.array([7.0, 7.0])
    assert f(mx.array([3.0, 3.0]))[0].tolist() == [3.0, 6.0]


def test_modules(path):
    nn = pytest.importorskip("tarn.nn")

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.norm, self.out = nn.Embedding(7, 8), nn.RMSNorm(8), nn.Linear(8, 3)

        def __call__(self, tokens):
            return self.out(nn.relu(self.norm(self.embed(tokens))))

    model, tokens = Model(), tarn.array([[1, 2, 6], [0, 3, 3]])
    f = through_file(tarn, path, model, tokens)
    assert same(tarn, f(tokens)[0], model(tokens))
    f = through_file(tarn, path, model, tokens, shapeless=True)
    assert same(tarn, f(tokens[:1, :2])[0], model(tokens[:1, :2]))


@pytest.mark.parametrize("shapeless", [False, True])
def test_quantized_modules(path, shapeless):
    nn = pytest.importorskip("tarn.nn")
    model = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 128))
    nn.quantize(model)
    x = tarn.random.normal((5, 128))
    f = through_file(tarn, path, model, x, shapeless=shapeless)
    assert same(tarn, f(x)[0], model(x))


# ---- what is imported is a function as any other


def test_transforms(mx, path):
    x = mx.array([1.0, 2.0, 3.0])
    f = through_file(mx, path, lambda x: (x * x).sum(), x)
    assert mx.grad(lambda x: f(x)[0])(x).tolist() == [2.0, 4.0, 6.0]
    assert mx.vmap(lambda x: f(x)[0])(mx.ones((2, 3))).tolist() == [3.0, 3.0]
    assert mx.compile(lambda x: f(x)[0] + 1)(x).item() == 15.0
    g = through_file(mx, path, mx.grad(lambda x: f(x)[0]), x)
    assert g(x)[0].tolist() == [2.0, 4.0, 6.0]
    h = through_file(mx, path, mx.compile(lambda x: mx.exp(x) * 2), x)
    assert mx.allclose(h(x)[0], mx.exp(x) * 2).item()


def test_custom_functions_and_checkpoints(path):
    @tarn.custom_function
    def double(x):
        return x * 2

    @double.vjp
    def _(x, cotangent, output):
        return cotangent * 100

    x = tarn.array([1.0, 2.0])
    f = through_file(tarn, path, lambda x: tarn.checkpoint(lambda x: double(x) * x)(x), x)
    assert f(x)[0].tolist() == [2.0, 8.0]
    assert tarn.grad(lambda x: f(x)[0].sum())(x).tolist() == [4.0, 8.0]  # of x * 2 * x: the file has no rules


def test_another_process(path):
    w = tarn.random.normal((3, 3))
    x = tarn.array([[1.0, 2.0, 3.0]])
    f = through_file(tarn, path, lambda x, scale: tarn.tanh(x @ w) * scale, x, scale=tarn.array(2.0))
    program = f"import tarn.core as mx; print(mx.import_function({path!r})(mx.array([[1.0, 2.0, 3.0]]), scale=mx.array(2.0))[0].tolist())"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert eval(said.stdout) == f(x, scale=tarn.array(2.0))[0].tolist()


def test_the_example_in_c(path):
    """What examples/export_ring.py learned, in Python and in examples/run_exported.c."""
    pytest.importorskip("tarn.nn")
    program = BUILD / "examples" / "example_run_exported"
    if not program.exists():
        pytest.skip("the examples are not built")
    subprocess.run([sys.executable, ROOT / "examples" / "export_ring.py", path], check=True)
    said = subprocess.run([program, path], capture_output=True, text=True, check=True).stdout.splitlines()
    f, metadata = tarn.import_function(path, return_metadata=True)
    places = [2 * (tarn.arange(n) + 0.5) / n - 1 for n in (40, 20)]
    points = tarn.stack([a.flatten() for a in tarn.meshgrid(*places)], axis=1)
    probability = f(points)[0].reshape(20, 40)
    picture = ["".join(".#"[p > 0.5] for p in row) for row in probability.tolist()]
    radius = tarn.linalg.norm(points, axis=1).reshape(20, 40)
    right = ((probability > 0.5) == ((radius > 0.4) & (radius < 0.8))).sum().item()
    assert said == [metadata, *picture, f"right at {right} of 800 points"]
    assert right > 720


def test_messages(path):
    f = through_file(tarn, path, lambda x, y: x + y, tarn.array([1.0]), y=tarn.array(2))
    with pytest.raises(ValueError,
                       match=r"no signature takes \(float32 \[2\]\); the file has \(float32 \[1\], y=int32 \[\]\)"):
        f(tarn.array([1.0, 2.0]))
    with pytest.raises(RuntimeError, match="function.tarn"):
        open(path, "wb").write(b"no function")
        tarn.import_function(path)
    tarn.save_safetensors(path + ".safetensors", {"x": tarn.array(1)})
    with pytest.raises(RuntimeError, match="not one of an exported function"):
        tarn.import_function(path + ".safetensors")


def test_nothing_is_written_when_it_fails(path):
    with pytest.raises(ZeroDivisionError):
        tarn.export_function(path, lambda x: 1 / 0, tarn.array(1.0))
    assert not os.path.exists(path)
    with pytest.raises(RuntimeError, match="nowhere"):
        tarn.export_function("/nowhere/function.tarn", lambda x: x, tarn.array(1.0))


def test_paths(tmp_path):
    tarn.export_function(tmp_path / "a", lambda x: x, tarn.array(1.0))
    assert tarn.import_function(str(tmp_path / "a"))(tarn.array(2.0))[0].item() == 2.0


def test_exporters_in_cycles_are_collected(path):
    def outer():
        d = {}
        d["exporter"] = tarn.exporter(path, lambda x: d["x"])
        d["x"] = tarn.array([0.0] * 100000)
        tarn.eval(d["x"])
        d["exporter"](tarn.array(1))

    outer()
    gc.collect()
    tarn.clear_cache()
    before = tarn.get_active_memory()
    for _ in range(5):
        outer()
    gc.collect()
    assert tarn.get_active_memory() <= before


# ---- a callback


def test_callback(mx):
    parts = {}
    operations = []

    def callback(part):
        if part["type"] == "primitive":
            operations.append(part)
        else:
            parts[part["type"]] = part

    w = mx.array([1.0, 2.0])
    mx.eval(w)
    mx.export_function(callback, lambda x, y: (mx.abs(x - y) * w).astype(mx.int32), mx.array([1.0, 1.0]),
                       y=mx.array([1.0, 4.0]))
    assert [(shape, dtype) for _, shape, dtype in parts["inputs"]["inputs"]] == [((2,), mx.float32)] * 2
    names = [name for name, *_ in parts["inputs"]["inputs"]]
    assert parts["keyword_inputs"]["keywords"] == [("y", names[1])]
    assert [(shape, dtype) for _, shape, dtype in parts["outputs"]["outputs"]] == [((2,), mx.int32)]
    ((constant, array),) = parts["constants"]["constants"]
    assert array.tolist() == [1.0, 2.0]
    assert [operation["name"].lower() for operation in operations] == ["subtract", "abs", "multiply", "astype"]
    assert [operation["arguments"] for operation in operations] == [[], [], [], [mx.int32]]
    known = {*names, constant}
    for operation in operations:
        assert {name for name, *_ in operation["inputs"]} <= known
        known |= {name for name, *_ in operation["outputs"]}
    assert parts["outputs"]["outputs"][0][0] in known


def test_callback_that_fails(mx):
    def callback(part):
        raise KeyError("not this")

    with pytest.raises(KeyError):
        mx.export_function(callback, lambda x: x + 1, mx.array(1.0))


def test_callback_in_tarn():
    said = []
    x = tarn.array([[1.0, 2.0]])
    tarn.export_function(said.append, lambda x: tarn.split(x.sum(axis=0, keepdims=True), 2, axis=1)[0], x)
    total, split = said[-2:]
    assert (total["name"], total["argument_names"], total["arguments"]) == ("reduce", ["kind", "axes",
                                                                                       "keepdims"], ["sum", (0,), True])
    assert split["arguments"] == [2, None, 1] and len(split["outputs"]) == 2


def test_names_of_many_arrays():
    def fun(x):
        for _ in range(60):
            x = x + x
        return x

    said = []
    tarn.export_function(said.append, fun, tarn.array(1.0))
    names = [part["outputs"][0][0] for part in said if part["type"] == "primitive"]
    assert len(set(names)) == 60 and names[0] == "C" and "AA" in names


# ---- pictures


def dot_of(mx, *args, **kwargs):
    file = io.StringIO()
    mx.export_to_dot(file, *args, **kwargs)
    return file.getvalue()


def test_dot(mx, tmp_path):
    x, y = mx.array([1.0]), mx.array([2.0])
    for text in (dot_of(mx, x), dot_of(mx, x + y), dot_of(mx,
                                                          *mx.divmod(x, y)), dot_of(mx,
                                                                                    [x + y, {"a": x * y}]), dot_of(mx)):
        assert text.startswith("digraph") and text.rstrip().endswith("}")
    mx.export_to_dot(str(tmp_path / "graph.dot"), x * y, left=x)
    text = (tmp_path / "graph.dot").read_text()
    assert "left" in text and "multiply" in text.lower()
    for wrong in (lambda: mx.export_to_dot(3, x), lambda: dot_of(mx, 3), lambda: dot_of(mx, x, y=3)):
        with pytest.raises(ValueError):
            wrong()


def test_dot_of_tarn(tmp_path):
    x = tarn.array([[1.0, 2.0]])
    y = tarn.softmax(x @ tarn.ones((2, 3)), axis=-1)
    text = dot_of(tarn, y, **{'in "quotes"': x, "result": y})
    assert r'label="in \"quotes\": float32 [1, 2]", shape=ellipse' in text
    assert r'label="softmax\nresult: float32 [1, 3]"' in text
    with pytest.raises(FileNotFoundError):
        tarn.export_to_dot("/nowhere/graph.dot", y)
    tarn.export_to_dot(pathlib.Path(tmp_path) / "graph.dot", y)
    assert (tmp_path / "graph.dot").read_text() == dot_of(tarn, y)
