"""A few random calls of each function of tarn.core, against mlx and NumPy: the short form of `make differential`."""

import pathlib
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("mlx.core")
pytest.importorskip("tarn.core")

from differential import families, frame  # noqa: E402

families.load()


@pytest.mark.parametrize("f", frame.FUNCTIONS, ids=lambda f: f.name)
def test_calls(f):
    report = frame.run(1, [f.name])
    assert report.failures == []
    assert report.total() >= 60
    assert all(report.calls[f.name, dtype, layout] for dtype in f.dtypes for layout in f.layouts)


def test_call_that_does_not_come_back():
    """Is named, and ends the run."""
    program = """
        import time
        from differential import frame
        frame.function("slow", dtypes=["int32"], layouts=["dense"], run=lambda *_: time.sleep(600))(
            lambda draw: frame.Call(draw.integer(1, 1)))
        frame.run(1, ["slow"], patience=1)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True,
                           cwd=pathlib.Path(__file__).parent)
    assert ended.returncode == 1
    assert ended.stderr == "does not come back: slow(1), int32, dense\n"
