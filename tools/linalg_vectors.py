"""Evaluates the numpy column of tests/linalg_cases.h and writes tests/data/linalg.json: dtype, shape and values
(complex: pairs) of each result.

    python tools/linalg_vectors.py
"""

import json
import pathlib
import re

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent


def m(rows, columns):
    """The same as in tests/test_linalg.c."""
    x = (np.arange(rows * columns) * 37 % 23 - 11).reshape(rows, columns) / 4
    x[np.arange(rows), np.arange(rows) % columns] += 0.5
    return x


def c(rows, columns):
    return (m(rows, columns) + 1j * m(columns, rows).T).astype(np.complex64)


def main():
    names = {"np": np, "la": np.linalg, "m": m, "s": lambda *n: m(*n).astype(np.float32), "c": c}
    text = (ROOT / "tests/linalg_cases.h").read_text(encoding="utf-8")
    results = {}
    for name, expression in re.findall(r'^CASE\((\w+),\s+"([^"]*)",', text, re.M):
        value = np.ascontiguousarray(eval(expression, names))  # our own file
        shape = list(np.shape(eval(expression, names)))
        flat = value.view(value.real.dtype) if np.iscomplexobj(value) else value
        results[name] = {"dtype": value.dtype.name, "shape": shape, "values": flat.reshape(-1).tolist()}
    lines = [f"  {json.dumps(name)}: {json.dumps(result)}" for name, result in results.items()]
    (ROOT / "tests/data/linalg.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


main()
