"""Writes tests/data/gguf_blocks.json: of each of GGUF's block formats random blocks and what the gguf package makes of
them, bits in hexadecimal.

    .venv2/bin/python tools/gguf_vectors.py
"""

import json
import pathlib

import gguf
import numpy as np
from gguf import quants

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    random = np.random.default_rng(1)
    results = {}
    for kind in quants._type_traits:
        if kind.name == "BF16":
            continue
        size = gguf.GGML_QUANT_SIZES[kind][1]
        blocks = random.integers(0, 256, (3, size), dtype=np.uint8)
        with np.errstate(all="ignore"):
            values = gguf.dequantize(blocks, kind)
            while not np.isfinite(values).all():  # NaN have no fixed bits
                blocks = random.integers(0, 256, (3, size), dtype=np.uint8)
                values = gguf.dequantize(blocks, kind)
        results[kind.name] = [[b.tobytes().hex(), "".join(f"{w:08x}" for w in v.view(np.uint32))]
                              for b, v in zip(blocks, values.astype(np.float32))]
    lines = [f"  {json.dumps(name)}: {json.dumps(result)}" for name, result in results.items()]
    (ROOT / "tests/data/gguf_blocks.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(len(results))


main()
