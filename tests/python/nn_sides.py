"""The same Python on mlx and on Tarn, in one process: expressions over mx, nn, optim, utils, whose values are
brought to one form and compared."""

import contextlib
import importlib
import io
import re

import numpy
import pytest

pytest.importorskip("mlx.core")


class Side:
    """One of the packages, "mlx" or "tarn"."""

    def __init__(self, package):
        self.package = package
        self.mx, self.nn, self.optim, self.utils = (
            importlib.import_module(f"{package}.{name}") for name in ("core", "nn", "optimizers", "utils")
        )
        self.names = {"mx": self.mx, "nn": self.nn, "optim": self.optim, "utils": self.utils, "numbers": self.numbers}

    def array(self, values, dtype="float32"):
        return self.mx.array(numpy.asarray(values)).astype(getattr(self.mx, dtype))

    def numbers(self, *shape, seed=0, dtype="float32", scale=1.0):
        """Normally distributed numbers, the same on both sides."""
        return self.array(numpy.random.default_rng(seed).normal(size=shape) * scale, dtype)

    def plain(self, value):
        """value without arrays of this side: each as its dtype and NumPy values; other objects as text."""
        if isinstance(value, self.mx.array):
            wide = value.astype(self.mx.float32) if value.dtype == self.mx.bfloat16 else value
            return str(value.dtype).split(".")[-1], numpy.array(wide)
        if isinstance(value, self.nn.Module):
            return self.text(repr(value))
        if isinstance(value, dict):
            return {key: self.plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [type(value).__name__, *[self.plain(item) for item in value]]
        return value if isinstance(value, (int, float, str, bool, set, type(None))) else self.text(repr(value))

    def text(self, text):
        """text without what differs by package alone: its name, addresses, compiled functions."""
        text = text.replace(f"{self.package}.", "")
        return re.sub(r"<(core\._gc_func object|function \w+|bound method .*) at 0x[0-9a-f]+>", "<function>", text)

    def outcome(self, program, **names):
        """What the last line of program is, the others run before; or the type and message of what it raises."""
        *lines, last = program.strip().split("\n")
        scope = {**self.names, **names}
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                exec("\n".join(lines), scope)
                value = eval(last, scope)
                return self.plain(value), printed.getvalue()
        except Exception as error:
            return type(error).__name__, self.text(str(error))


MLX, TARN = Side("mlx"), Side("tarn")
MLX.mx.disable_compile()  # which would call a C compiler for each activation and dtype


def check_close(actual, expected, relative=1e-5, where=""):
    """Two plain values alike: arrays of one dtype and shape, their numbers within relative, of the greatest or 0.1."""
    assert type(actual) is type(expected), (where, actual, expected)
    if isinstance(expected, dict):
        assert actual.keys() == expected.keys(), where
        for key in expected:
            check_close(actual[key], expected[key], relative, f"{where}.{key}")
    elif isinstance(expected, tuple) and len(expected) == 2 and isinstance(expected[1], numpy.ndarray):
        check_arrays(actual, expected, relative, where)
    elif isinstance(expected, (list, tuple)):
        assert len(actual) == len(expected), where
        for index, (one, other) in enumerate(zip(actual, expected)):
            check_close(one, other, relative, f"{where}.{index}")
    elif isinstance(expected, float):
        assert actual == pytest.approx(expected, rel=relative), where
    else:
        assert actual == expected, where


def check_arrays(actual, expected, relative, where):
    (dtype, values), (expected_dtype, expected_values) = actual, expected
    assert (dtype, values.shape) == (expected_dtype, expected_values.shape), where
    if values.size == 0 or values.dtype.kind not in "fc":
        assert (values == expected_values).all(), where
        return
    finite = numpy.isfinite(expected_values)
    assert numpy.array_equal(values[~finite], expected_values[~finite], equal_nan=True), where
    if finite.any():
        allowed = relative * max(numpy.abs(expected_values[finite]).max(), 0.1)
        worst = numpy.abs(values[finite].astype("f8") - expected_values[finite]).max()
        assert worst <= allowed, f"{where}: off by {worst}, {allowed} allowed"


def check_program(program, relative=1e-5, **names):
    """program gives the same on both sides."""
    check_close(TARN.outcome(program, **names), MLX.outcome(program, **names), relative, program)
