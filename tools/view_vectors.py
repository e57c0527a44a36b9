"""Evaluates the NumPy columns of tests/view_cases.h and tests/index_cases.h and writes tests/data/views.json: dtype,
shape and the bytes of each result in hexadecimal.

    python tools/view_vectors.py
"""

import json
import pathlib
import re

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent


X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def put(what, index, values):
    """X with an update."""
    y = X.copy()
    if what == "set":
        y[index] = values
    else:
        getattr(np, what).at(y, index, values)
    return y


def main():
    names = {
        "np": np, "x": X, "put": put, "i": np.array([2, 0, -1]), "j": np.array([[0], [1]]), "k": np.array(-2),
        "p": np.array([False, True]), "m": np.array([[1, 0, 1], [0, 0, 1]]) == 1, "e": X % 5 == 0, "none": np.zeros(
            (3, 4), bool)
    }
    results = {}
    for line in "".join(
        (ROOT / "tests" / name).read_text(encoding="utf-8") for name in ("view_cases.h", "index_cases.h")).splitlines():
        case = re.match(r'CASE\((\w+), "([^"]*)",', line)
        if case:
            result = eval(case[2], names)  # our own file
            value, shape = np.ascontiguousarray(result), result.shape
            results[case[1]] = {"dtype": value.dtype.name, "shape": list(shape), "bytes": value.tobytes().hex()}
    lines = [f"  {json.dumps(name)}: {json.dumps(result)}" for name, result in results.items()]
    (ROOT / "tests/data/views.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


main()
