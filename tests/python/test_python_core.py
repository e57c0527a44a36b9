"""tarn.core: what is not a function of arrays: making, reading, indexing, errors, the type itself."""

import ctypes
import importlib
import os
import subprocess
import sys

import pytest

mx = pytest.importorskip("tarn.core")
np = pytest.importorskip("numpy")


@pytest.mark.parametrize("value, dtype", [(True, mx.bool_), (1, mx.int32), (2 ** 40, mx.int64), (1.5, mx.float32),
                                          (1j, mx.complex64), ([1, 2.5, True], mx.float32), ([True, 2], mx.int32),
                                          ([], mx.float32), ([[1, 2], [3, 4]], mx.int32)],
                         )
def test_values_have_the_dtype_of_their_kind(value, dtype):
    a = mx.array(value)
    assert a.dtype == dtype
    assert a.tolist() == (value if dtype != mx.float32 else np.array(value).tolist())


def test_numbers_are_weak():
    assert (mx.array([1], mx.uint8) + 1).dtype == mx.uint8
    assert (mx.array([1], mx.float16) + 1.5).dtype == mx.float16
    assert (mx.array([1]) + 1.5).dtype == mx.float32
    assert (mx.array([True]) + 1).dtype == mx.int32
    with pytest.raises(ValueError, match="overflow"):
        mx.array([1], mx.uint8) + 300


def test_reads_and_assignments_are_numpys():
    random = np.random.default_rng(0)
    base = random.integers(0, 9, (4, 5, 6)).astype(np.int32)
    for index in [
            0, -1,
            slice(1, 3), (slice(None), 2), (..., 1), (None, 2),
            slice(None, None, -2), (slice(3, 0, -1), 0, slice(1, 5, 2)), ([0, 2],), ([[0, 1], [3, 3]], slice(1, 3))
    ]:
        a, expected = mx.array(base), base.copy()
        assert a[index].tolist() == base[index].tolist()
        a[index] = 7
        expected[index] = 7
        assert a.tolist() == expected.tolist()
        values = random.integers(0, 9, base[index].shape).astype(np.int32)
        a[index] = mx.array(values)
        expected[index] = values
        assert a.tolist() == expected.tolist() or "[0" in str(index)


def test_masks_are_assigned():
    a = mx.array([1, 2, 3, 4])
    a[a > 2] = 0
    assert a.tolist() == [1, 2, 0, 0]
    a[mx.array([True, False, True, False])] = mx.array([8, 9])
    assert a.tolist() == [8, 2, 9, 0]


def test_an_assignment_is_seen_by_all_who_hold_the_array():
    a = mx.array([1, 2])
    b, c = a, a[:1]
    a += 1
    a[0] = 9
    assert b.tolist() == [9, 3] and c.tolist() == [1]


@pytest.mark.parametrize("wrong, error",
                         [(lambda: mx.sum(mx.array([1]), 5), IndexError), (lambda: mx.sum([1]), TypeError),
                          (lambda: mx.sum(mx.array(1), foo=1), TypeError),
                          (lambda: mx.ones(2) + mx.ones(3), ValueError), (lambda: mx.array([1]) + "a", ValueError),
                          (lambda: mx.ones(3)[3], IndexError), (lambda: mx.array([[1], [1, 2]]), ValueError),
                          (lambda: mx.sum(), TypeError), (lambda: len(mx.array(1)), TypeError),
                          (lambda: mx.ones(2).item(), ValueError), (lambda: mx.Dtype(), TypeError)],
                         )
def test_errors_are_exceptions_and_pass(wrong, error):
    with pytest.raises(error):
        wrong()
    assert (mx.array([1]) + 1).item() == 2


def test_buffers_go_both_ways():
    base = np.arange(12, dtype=np.float32).reshape(3, 4)
    a = mx.array(base[::-1, ::2])
    assert np.array_equal(np.array(a), base[::-1, ::2])
    assert np.array_equal(np.asarray(a.T), base[::-1, ::2].T)
    assert mx.array(np.array([0.5])).dtype == mx.float32
    assert memoryview(mx.array([[1, 2]])).format == "i"


def test_printing():
    assert repr(mx.array([[1.5, 2], [3, 4]])) == "array([[1.5, 2],\n       [3, 4]], dtype=float32)"
    assert repr(mx.zeros((7,))) == "array([0, 0, 0, ..., 0, 0, 0], dtype=float32)"
    assert f"{mx.array(2.5):.2f}" == "2.50" and str(mx.float32) == "tarn.core.float32"


def test_help_and_signatures():
    assert mx.sum.__text_signature__ == "(a, /, axis=None, keepdims=False, *, stream=None)"
    assert mx.sum.__doc__.startswith("sum(a: array")


def test_submodules_are_found():
    import importlib

    assert importlib.import_module("tarn.core.random") is mx.random


def test_the_random_state_is_mlxs():
    mlx = pytest.importorskip("mlx.core")
    for seed in (0, 7, 2**40):
        for m in (mx, mlx):
            m.random.seed(seed)
        for _ in range(3):
            assert mx.random.gumbel((5,)).tolist() == pytest.approx(mlx.random.gumbel((5,)).tolist(), rel=1e-5)
            assert mx.random.state[0].tolist() == mlx.random.state[0].tolist()
    key = mx.random.key(3)
    before = mx.random.state[0].tolist()
    assert mx.random.gumbel((2,), key=key).tolist() == mx.random.gumbel((2,), key=key).tolist()
    assert mx.random.state[0].tolist() == before and len(mx.random.state) == 1


def test_each_thread_has_its_random_state():
    import threading

    mx.random.seed(1)
    before, other = mx.random.state[0].tolist(), []
    thread = threading.Thread(target=lambda: (mx.random.seed(9), other.append(mx.random.state[0].tolist())))
    thread.start()
    thread.join()
    assert other == [[0, 9]] and mx.random.state[0].tolist() == before


def test_at_applies_every_update():
    a = mx.array([1.0, 2, 3])
    twice = mx.array([0, 0])
    assert a.at[twice].add(2).tolist() == [5, 2, 3] and a.at[0].subtract(2).tolist() == [-1, 2, 3]
    assert a.at[twice].multiply(3).tolist() == [9, 2, 3] and a.at[1:].divide(2).tolist() == [1, 1, 1.5]
    assert a.at[0].maximum(7).tolist() == [7, 2, 3] and a.at[:2].minimum(mx.array([0, 5])).tolist() == [0, 2, 3]
    assert a.tolist() == [1, 2, 3]
    with pytest.raises(ValueError):
        a.at.add(1)


def test_index_arrays_put_their_axes_where_mlx_has_them():
    mlx = pytest.importorskip("mlx.core")
    base = np.arange(120).reshape(2, 3, 4, 5)
    for at in [
            lambda i, j: (slice(None), i, slice(None), j), lambda i, j: (i, slice(1, 3), 0), lambda i, j: (i, None, j),
            lambda i, j: (slice(None), i, None, j), lambda i, j: (None, slice(None), i, j), lambda i, j:
        (slice(0, 1), i, slice(1, 3), j)
    ]:
        got = []
        for m in (mx, mlx):
            a, i, j = m.array(base), m.array([[0, 1], [1, 0]]), m.array([1, 0])
            read = a[at(i, j)].tolist()
            a[at(i, j)] = m.array(np.arange(len(np.ravel(read)))).reshape(np.shape(read))
            got.append((read, a.tolist()))
        assert got[0] == got[1]


def test_copies_and_pickles():
    import copy
    import pickle

    for dtype in (mx.bool_, mx.int8, mx.uint64, mx.float16, mx.bfloat16, mx.float64, mx.complex64):
        a = mx.array([[1, 0], [3, 4]]).astype(dtype)
        for b in (copy.copy(a), copy.deepcopy(a), pickle.loads(pickle.dumps(a))):
            assert b.dtype is dtype and b.tolist() == a.tolist()
            b[0] = 0
            assert b.tolist() != a.tolist()
    with pytest.raises(ValueError, match="bytes"):
        mx.array(0).__setstate__((b"123", (2,), mx.float32))


def test_version():
    import tarn
    assert tarn.__version__ == mx.__version__
    with pytest.raises(AttributeError, match="'tarn' has no attribute 'x'"):
        tarn.x


def test_dlpack_goes_both_ways():
    base = np.arange(12, dtype=np.float32).reshape(3, 4)
    a = mx.array(base)
    assert np.array_equal(np.from_dlpack(a), base) and np.array_equal(np.from_dlpack(a.T), base.T)
    assert mx.from_dlpack(base[:, ::2]).tolist() == base[:, ::2].tolist()
    assert a.__dlpack_device__() == (1, 0)
    wide = base[:, ::2] * (1 + 2j)  # complex128, which is rounded
    assert mx.from_dlpack(wide).dtype == mx.complex64 and mx.from_dlpack(wide.T).tolist() == wide.T.tolist()
    del a
    torch = pytest.importorskip("torch")
    assert mx.array(torch.arange(6, dtype=torch.bfloat16).reshape(2, 3).T).tolist() == [[0, 3], [1, 4], [2, 5]]
    assert torch.from_dlpack(mx.array([1.5, 2], mx.bfloat16)).tolist() == [1.5, 2]


class DLTensor(ctypes.Structure):
    """DLManagedTensor of one axis, as DLPack's header has it."""
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
                ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p), ("byte_offset", ctypes.c_uint64),
                ("context", ctypes.c_void_p), ("release", ctypes.CFUNCTYPE(None, ctypes.c_void_p))]


def dlpack_capsule(device_type, device_id=0, shape=(3,), given_back=None, strides=None, ndim=None):
    data, sizes = (ctypes.c_float * 3)(1, 2, 3), (ctypes.c_int64 * len(shape))(*shape)
    steps = strides and (ctypes.c_int64 * len(shape))(*strides)
    release = DLTensor._fields_[-1][1](lambda _: given_back.append(data))
    tensor = DLTensor(ctypes.addressof(data), device_type, device_id, len(shape) if ndim is None else ndim, 2, 32, 1,
                      ctypes.addressof(sizes), ctypes.addressof(steps) if steps else None, 0, None, release)
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return new(ctypes.addressof(tensor), b"dltensor", None), (tensor, data, sizes, steps, release)


def test_dlpack_capsules_are_given_back():
    back = []
    capsule, held = dlpack_capsule(1, given_back=back)
    assert mx.from_dlpack(capsule).tolist() == [1, 2, 3] and len(back) == 1
    with pytest.raises(ValueError):  # it was taken
        mx.from_dlpack(capsule)
    capsule, held = dlpack_capsule(1, given_back=back)
    with pytest.raises(ValueError, match="without a copy"):
        mx.from_dlpack(capsule, copy=False)
    assert len(back) == 2


@pytest.mark.parametrize("device, error", [((2, 99), "no CUDA device 99"), ((2, -1), "no CUDA device -1"), ((8, 0), "DLPack's type 8")])
def test_dlpack_names_devices_that_are_not_there(device, error):
    back = []
    capsule, held = dlpack_capsule(*device, given_back=back)
    with pytest.raises((BufferError, ValueError), match=error):
        mx.from_dlpack(capsule)
    assert len(back) == 1
    with pytest.raises(BufferError, match=error):
        mx.array([1.0]).__dlpack__(dl_device=device)
    assert mx.array([1.0]).__dlpack__(dl_device=(1, 0)) is not None
    with pytest.raises(TypeError):
        mx.array([1.0]).__dlpack__(dl_device=3)


@pytest.mark.parametrize("tensor, error", [
    (dict(shape=(3, 6148914691236517206), strides=(0, 0)), "negative or too large"),  # 2 elements in 64 bits
    (dict(shape=(-1, 3), strides=(3, 1)), "negative or too large"),
    (dict(shape=(2**62, 2)), "negative or too large"),
    (dict(shape=(3,), strides=(1,), ndim=-1), "of -1 axes"),
])
def test_dlpack_refuses_shapes_of_no_array(tensor, error):
    back = []
    capsule, held = dlpack_capsule(1, given_back=back, **tensor)
    with pytest.raises(ValueError, match=error):
        mx.from_dlpack(capsule)
    assert len(back) == 1


def test_dlpack_exports_as_it_is_asked():
    class Copied:
        def __dlpack__(self, **arguments):
            return a.__dlpack__(**{**arguments, "copy": True})

        def __dlpack_device__(self):
            return a.__dlpack_device__()

    a = mx.array([1.0, 2.0])
    shared, copied = np.from_dlpack(a), np.from_dlpack(Copied())
    assert copied.tolist() == [1, 2] and copied.ctypes.data != shared.ctypes.data
    assert shared.ctypes.data == np.from_dlpack(a).ctypes.data
    for version, name in [(None, "dltensor"), ((0, 8), "dltensor"), ((1, 0), "dltensor_versioned")]:
        assert f'"{name}"' in repr(a.__dlpack__(max_version=version))
    for version, error in [(1, TypeError), (("1", 0), TypeError), ((1,), TypeError), ((2**70, 0), OverflowError)]:
        with pytest.raises(error):
            a.__dlpack__(max_version=version)


def test_limits_of_dtypes():
    assert mx.finfo(mx.float16).max == 65504 and mx.finfo(mx.bfloat16).eps == 2 ** -7 and mx.finfo(
        mx.complex64).bits == 32
    assert mx.iinfo(mx.int8).min == -128 and mx.iinfo(mx.uint64).max == 2**64 - 1
    assert repr(mx.finfo(mx.float32)) == "finfo(min=-3.40282e+38, max=3.40282e+38, dtype=float32)"
    for wrong in (lambda: mx.finfo(mx.int8), lambda: mx.iinfo(mx.bool_)):
        with pytest.raises(ValueError):
            wrong()


def test_print_options():
    a = mx.array([1 / 3])
    with mx.printoptions(precision=2):
        assert repr(a) == "array([0.33], dtype=float32)" and mx.get_printoptions().precision == 2
    assert repr(a) == "array([0.333333], dtype=float32)"


def test_devices_and_streams():
    assert mx.Device(
        mx.cpu) == mx.cpu and mx.cpu != mx.gpu and mx.DeviceType(0) is mx.cpu and mx.DeviceType.gpu is mx.gpu
    assert hash(mx.Device(mx.cpu)) == hash(mx.cpu) and repr(mx.Device(mx.gpu, 3)) == "Device(gpu, 3)"
    stream = mx.new_stream(mx.cpu)
    assert stream != mx.default_stream(mx.cpu) and stream.device == mx.cpu
    with mx.stream(stream):
        assert mx.default_stream(mx.cpu) == stream
        a = mx.ones(3) + 1
    assert mx.default_stream(mx.cpu) != stream and mx.add(a, a, stream=stream).tolist() == [4, 4, 4]
    mx.synchronize(stream)
    for wrong in (lambda: mx.add(a, a, stream=3), lambda: mx.set_default_device(3), lambda: mx.is_available("cpu")):
        with pytest.raises(TypeError):
            wrong()


def test_a_thread_local_stream_is_another_in_each_thread():
    import threading

    local, seen = mx.new_thread_local_stream(mx.cpu), []

    def use():
        with mx.stream(local):
            seen.append(mx.default_stream(mx.cpu))
            assert (mx.ones(2) + 1).tolist() == [2, 2]

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
        thread.join()
    use()
    assert seen[0] != seen[1] != seen[2]


def test_memory_is_counted():
    mx.synchronize()
    before = mx.get_active_memory()
    a = mx.zeros((1 << 20,)) + 1
    part = a[:2]
    mx.eval(a, part)
    assert mx.get_active_memory() - before == 4 << 20 and mx.get_array_buffer_size(a, [part]) == 4 << 20
    assert mx.get_peak_memory() >= 4 << 20
    old = mx.set_memory_limit(10)
    assert mx.set_memory_limit(old) == 10
    with pytest.raises(ValueError, match="evaluated"):
        mx.get_array_buffer_size(a + 1)


def test_a_group_of_one():
    group = mx.distributed.init()
    a = mx.array([1.0, 2])
    assert (group.rank(), group.size()) == (0, 1) and mx.distributed.all_sum(a, group=group).tolist() == [1, 2]
    for wrong, error in [(lambda: mx.distributed.init(strict=True), RuntimeError),
                         (lambda: mx.distributed.send(a, 1), ValueError), (lambda: group.split(0), RuntimeError),
                         (lambda: mx.distributed.all_sum(a, group=3), TypeError)]:
        with pytest.raises(error):
            wrong()


def test_dtypes_and_categories_are_as_in_mlx():
    mlx = pytest.importorskip("mlx.core")
    dtypes = [
        "bool_", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16",
        "float32", "float64", "complex64"
    ]
    categories = [category.name for category in mlx.DtypeCategory]
    kinds = ["bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric"]
    assert [repr(category) for category in mx.DtypeCategory] == [repr(category) for category in mlx.DtypeCategory]

    def answers(m):
        for a in dtypes + categories:
            for b in dtypes + categories:
                yield m.issubdtype(getattr(m, a), getattr(m, b))
        for a in dtypes:
            yield [m.isdtype(getattr(m, a), kind) for kind in kinds]
            for b in dtypes:
                yield m.can_cast(getattr(m, a), getattr(m,
                                                        b)), str(m.result_type(m.zeros(2, getattr(m, a)),
                                                                               getattr(m, b))).split(".")[-1]

    assert list(answers(mx)) == list(answers(mlx))
    for wrong in (lambda: mx.isdtype(mx.int8, "number"), lambda: mx.issubdtype(3, mx.int8), lambda: mx.result_type(),
                  lambda: mx.can_cast(1, mx.int8)):
        with pytest.raises(ValueError):
            wrong()


def test_arrays_are_used_from_several_threads():
    import threading

    a, failures = mx.ones((64, 64)), []

    def work():
        try:
            b = a
            for _ in range(50):
                b = b * 2 - b
                a[0] = 1
                assert b.sum().item() == 4096
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_none_is_no_operand_of_bits():
    for a in (mx.array([1.0]), mx.array([1])):
        for operation in (lambda: a & None, lambda: a | None, lambda: a ^ None, lambda: a << None, lambda: a >> None,
                          lambda: a.__itruediv__(None)):
            with pytest.raises(TypeError):
                operation()


def test_what_was_never_given_a_value():
    for wrong in (lambda a: mx.add(a, 1), lambda a: a + 1, lambda a: a[0], lambda a: mx.concatenate([a]), lambda a: a.tolist(), memoryview,
                  lambda a: a.sum(), repr, lambda a: a.__setitem__(0, 1), bytes):
        with pytest.raises((ValueError, TypeError)):
            wrong(mx.array.__new__(mx.array))
        assert mx.add(1, 2).item() == 3  # no error is left
    with pytest.raises(TypeError, match="never called"):
        mx.custom_function.__new__(mx.custom_function)(mx.ones(1))


def test_lists_that_say_another_length():
    class Longer(list):
        def __len__(self):
            return 5

    a = mx.ones(2)
    assert mx.array(Longer([1, 2])).tolist() == [1, 2]
    assert mx.reshape(a, Longer([2, 1])).shape == (2, 1)
    assert mx.concatenate(Longer([a, a])).shape == (4,)
    mx.eval(Longer([a]))
    assert mx.grad(lambda trees: trees[0].sum())(Longer([a]))[0].tolist() == [1, 1]
    assert mx.vmap(lambda trees: trees[0], in_axes=Longer([0]))(Longer([a])).shape == (2,)
    assert mx.compile(lambda trees: trees[0] + 1)(Longer([a])).tolist() == [2, 2]


def test_numbers_that_change_their_list():
    class Whole(int):
        def __float__(self):
            values[:] = [0.5] * 1000 if self else []
            return 1.0

    for number in (0, 1):
        values = [Whole(number), 1.5, 2.5]
        with pytest.raises(ValueError, match="changed"):
            mx.array(values)


ANOTHER_INTERPRETER = """
import sys
program = f"import sys; sys.path = {sys.path!r}; import tarn.core"
if sys.version_info >= (3, 13):
    import _interpreters
    print(_interpreters.run_string(_interpreters.create("legacy"), program).msg)
else:
    import _xxsubinterpreters
    try:
        _xxsubinterpreters.run_string(_xxsubinterpreters.create(isolated=False), program)
    except _xxsubinterpreters.RunFailedError as error:
        print(error)
"""


def test_interpreters_beside_the_main_one_cannot_import():
    """In a process of its own: behind two interpreters CPython no longer tells who holds its lock, and torch asks."""
    pytest.importorskip("_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", ANOTHER_INTERPRETER], capture_output=True, text=True, env=environment)
    assert ran.returncode == 0 and "main interpreter alone" in ran.stdout, ran.stderr


def test_importing_again_gives_the_same_types(monkeypatch):
    monkeypatch.delitem(sys.modules, "tarn.core")
    assert importlib.import_module("tarn.core").array is mx.array
