"""Evaluates the numpy column of tests/fft_cases.h and writes tests/data/fft.json: dtype, shape and values (complex:
pairs) of each result.

    python tools/fft_vectors.py
"""

import json
import pathlib
import re

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent


def x(n):
    """The same as in tests/test_fft.c."""
    return ((np.arange(n) * 37 % 23 - 11) / 4).astype(np.float32)


def z(n):
    return x(n) + 1j * x(2 * n)[n:]


def m(rows, columns):
    return x(rows * columns).reshape(rows, columns)


def main():
    names = {"np": np, "f": np.fft, "x": x, "z": z, "m": m}
    text = (ROOT / "tests/fft_cases.h").read_text(encoding="utf-8")
    results = {}
    for name, expression in re.findall(r'^CASE\((\w+),\s+"([^"]*)",', text, re.M):
        value = np.ascontiguousarray(eval(expression, names))  # our own file
        value = value.astype({"complex128": "complex64", "float64": "float32"}.get(value.dtype.name, value.dtype.name))
        shape = list(np.shape(eval(expression, names)))
        flat = value.view(value.real.dtype) if np.iscomplexobj(value) else value
        results[name] = {"dtype": value.dtype.name, "shape": shape, "values": flat.reshape(-1).tolist()}
    lines = [f"  {json.dumps(name)}: {json.dumps(result)}" for name, result in results.items()]
    (ROOT / "tests/data/fft.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


main()
