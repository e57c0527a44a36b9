"""What tarn.core indexes beyond mlx: masks that are read, nonzero, and the errors of indices."""

import numpy as np
import pytest

mx = pytest.importorskip("tarn.core")

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
INDICES = {
    "mask": X % 3 == 0, "mask of rows": X[:, :, 0] > 3, "mask and integer": (X[:, :, 0] > 3, 1),
    "mask behind": (slice(None), X[0] % 2 == 0), "nothing true": X < 0, "list": [True, False], "true": True,
    "false": (False, 1), "mask and indices": (np.array([True, True]), slice(None), np.array([1, 3])),
    "NumPy integer": np.int64(1), "NumPy indices": np.array([1, 0, -1]), "empty list": [],
    "far slice": slice(-(2 ** 70), 2 ** 70),
}


def for_numpy(index):
    return np.array([], dtype=int) if isinstance(index, list) and not index else index


def ours(index):
    if isinstance(index, tuple):
        return tuple(map(ours, index))
    return mx.array(index) if isinstance(index, np.ndarray) and index.dtype == bool else index


@pytest.mark.parametrize("name", INDICES)
def test_read(name):
    index = INDICES[name]
    wanted = X[for_numpy(index)]
    got = np.array(mx.array(X)[ours(index)])
    assert got.shape == wanted.shape and np.array_equal(got, wanted)


@pytest.mark.parametrize("name", INDICES)
def test_write(name):
    index = INDICES[name]
    wanted, got = X.copy(), mx.array(X)
    wanted[for_numpy(index)] = 7
    got[ours(index)] = 7
    assert np.array_equal(np.array(got), wanted)


def test_nonzero():
    places = mx.nonzero(mx.array(X) - mx.array(X % 7))
    assert [np.array(p).tolist() for p in places] == [p.tolist() for p in np.nonzero(X - X % 7)]
    (first,) = mx.nonzero(mx.array([0, 4, 0, 2]), size=3, fill_value=-1)
    assert np.array(first).tolist() == [1, 3, -1]
    with pytest.raises(ValueError):
        mx.nonzero(mx.array(1))


@pytest.mark.parametrize("index", [2, (0, 3), (0, 0, -5), -3])
def test_outside(index):
    a = mx.array(X)
    with pytest.raises(IndexError):
        a[index]
    with pytest.raises(IndexError):
        a[index] = 1
    assert a[0, 0, 1].item() == 1  # the next operation works


@pytest.mark.parametrize(
    "index",
    [1.5, "x", (0, 0, 0, 0),
     (..., ...), slice(1.5, None),
     slice(None, None, 0), 2 ** 70,
     np.array([1.5])])
def test_refused(index):
    with pytest.raises(ValueError):
        mx.array(X)[index]


def test_more_true_than_values():
    a = mx.array([1, 2, 3])
    a[mx.array([True, True, True])] = mx.array([1, 2])
    with pytest.raises(RuntimeError, match="3 elements of a mask are true, there are values for 2"):
        mx.eval(a)


def test_printing_reads_what_is_shown():
    a = mx.broadcast_to(mx.array(1), (1 << 40,))
    assert repr(a) == "array([1, 1, 1, ..., 1, 1, 1], dtype=int32)"
