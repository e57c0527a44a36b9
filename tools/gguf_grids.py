"""Writes src/io/gguf_grids.inc: the points of the lattices that GGUF's IQ formats count by, as the gguf package has
them.

    .venv2/bin/python tools/gguf_grids.py
"""

import pathlib

import numpy as np
from gguf import quants

ROOT = pathlib.Path(__file__).resolve().parent.parent
GRIDS = {
    "iq2_xxs": quants.IQ2_XXS, "iq2_xs": quants.IQ2_XS, "iq2_s": quants.IQ2_S, "iq3_xxs": quants.IQ3_XXS,
    "iq3_s": quants.IQ3_S, "iq1": quants.IQ1_S
}


def main():
    lines = []
    for name, kind in GRIDS.items():
        kind.init_grid()
        points = kind.grid.reshape(kind.grid_shape).astype(int)
        bits = 2 if len(kind.grid_map) == 3 else 3
        codes = np.searchsorted(kind.grid_map, points)
        words = (codes << bits * np.arange(kind.grid_shape[1])).sum(axis=1)
        lines.append(f"static const uint16_t grid_{name}[{len(words)}] = {{")
        for at in range(0, len(words), 16):
            lines.append("    " + ", ".join(f"{w:d}" for w in words[at : at + 16]) + ",")
        lines.append("};")
    (ROOT / "src/io/gguf_grids.inc").write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
