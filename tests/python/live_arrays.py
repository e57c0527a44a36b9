"""live_arrays.py FILE …: runs each file of statements (statements/told.py) in this process, once so that what is kept for
good is there, and once more, and prints how many nodes of graphs and bytes of arrays the second time left behind. Run
by test_live_arrays.py through tarn.mlx."""

import contextlib
import ctypes
import gc
import io
import os
import re
import sys
import tempfile
from pathlib import Path

import mlx.core as mx

FIELDS = "active cached peak peak_active mapped limit recomputed copied_in copied_out nodes reserved".split()


class Memory(ctypes.Structure):  # tarn_memory
    _fields_ = [(name, ctypes.c_int64) for name in FIELDS]


def library():
    """The one that tarn.core stands on, wherever it lies."""
    maps = Path("/proc/self/maps").read_text()
    return ctypes.CDLL(re.search(r"\S*/libtarn(?!_)[^/\s]*\.so[\d.]*", maps)[0])


def alive():
    mx.eval(mx.random.state)  # the keys of what was drawn and not computed
    gc.collect()
    mx.synchronize()
    memory = Memory()
    library().tarn_memory_info(ctypes.c_int64(0), ctypes.byref(memory))
    return memory.nodes, memory.active


def run(text, path):
    sys.path.insert(0, str(Path(__file__).parent / "statements"))
    import told

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        os.chdir(folder)
        told.run(text, path)
        os.chdir("/")


def main():
    for path in sys.argv[1:]:
        text = Path(path).read_text()
        run(text, path)
        before = alive()
        run(text, path)
        after = alive()
        print(Path(path).stem, after[0] - before[0], after[1] - before[1], flush=True)


if __name__ == "__main__":
    main()
