"""Evaluates the mlx column of tests/random_cases.h and writes tests/data/random.json: dtype, shape and values of each
result.

    python tools/random_vectors.py
"""

import json
import pathlib
import re

import mlx.core as mx

ROOT = pathlib.Path(__file__).resolve().parent.parent


def logits(rows, columns):
    """Quarters from -4 to 4, the same as tests/test_random.c makes."""
    return ((mx.arange(rows * columns) * 7 % 33).astype(mx.float32) / 4 - 4).reshape(rows, columns)


def main():
    mx.set_default_device(mx.cpu)
    names = {"mx": mx, "r": mx.random, "k": mx.random.key(7), "a": lambda v: mx.array(v, mx.float32), "logits": logits}
    text = (ROOT / "tests/random_cases.h").read_text(encoding="utf-8")
    results = {}
    for name, expression in re.findall(r'^CASE\((\w+),\s+"([^"]*)",', text, re.M):
        value = eval(expression, names)  # our own file
        dtype = str(value.dtype).split(".")[-1]
        wide = value.astype(mx.float32) if dtype == "bfloat16" else value
        results[name] = {"dtype": dtype, "shape": list(value.shape), "values": wide.reshape(-1).tolist()}
    lines = [f"  {json.dumps(name)}: {json.dumps(result)}" for name, result in results.items()]
    (ROOT / "tests/data/random.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


main()
