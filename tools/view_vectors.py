"""Evaluates the NumPy column of tests/view_cases.h and writes tests/data/views.json: dtype, shape and the bytes of each result in hexadecimal.

    python tools/view_vectors.py
"""

import json
import pathlib
import re

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    results = {}
    for line in (ROOT / "tests/view_cases.h").read_text(encoding="utf-8").splitlines():
        case = re.match(r'CASE\((\w+), "([^"]*)", ', line)
        if case:
            value = np.ascontiguousarray(eval(case[2], {"np": np, "x": x}))  # our own file
            shape = eval(case[2], {"np": np, "x": x}).shape
            results[case[1]] = {"dtype": value.dtype.name, "shape": list(shape), "bytes": value.tobytes().hex()}
    lines = [f"  {json.dumps(name)}: {json.dumps(result)}" for name, result in results.items()]
    (ROOT / "tests/data/views.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


main()
