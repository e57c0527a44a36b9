"""tarn.core has every public name of mlx.core, of its submodules and of its classes."""

import pytest

mlx = pytest.importorskip("mlx.core")
mx = pytest.importorskip("tarn.core")

MODULES = ["random", "linalg", "fft", "fast", "distributed", "metal", "cuda"]
CLASSES = [
    "array", "Dtype", "DtypeCategory", "Device", "DeviceType", "Stream", "ThreadLocalStream", "StreamContext",
    "ArrayAt", "ArrayIterator", "finfo", "iinfo", "custom_function", "FunctionExporter", "PrintOptions"
]


def names(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


@pytest.mark.parametrize("name", ["", *MODULES, *CLASSES, "distributed.Group"])
def test_names(name):
    ours, theirs = mx, mlx
    for part in name.split("."):
        ours, theirs = (getattr(ours, part), getattr(theirs, part)) if part else (ours, theirs)
    assert names(theirs) - names(ours) == set()


def test_special_methods_of_arrays():
    assert {name for name in dir(mlx.array) if name.startswith("__")} - set(dir(mx.array)) == set()


def test_the_gated_delta_rule_is_mlxs():
    numpy = pytest.importorskip("numpy")
    random = numpy.random.default_rng(0)
    q, k, v = (random.normal(size=(2, 3, heads, dim)).astype(numpy.float32) for heads, dim in [(1, 4), (1, 4), (2, 3)])
    gamma, beta = (random.uniform(size=(2, 3, 2)).astype(numpy.float32) for _ in range(2))
    state = random.normal(size=(2, 2, 3, 4)).astype(numpy.float32)
    for mask in (None, numpy.array([[True, False, True], [True, True, True]])):
        results = [
            m.fast.gated_delta_update(*(m.array(a) for a in (q, k, v, gamma, beta)), m.array(state),
                                      None if mask is None else m.array(mask)) for m in (mx, mlx)
        ]
        for ours, theirs in zip(*results):
            assert numpy.allclose(numpy.array(ours), numpy.array(theirs), atol=1e-5)
