"""No arrays are left behind: each file of statements, run a second time in one process, leaves as many nodes of graphs
and bytes of arrays alive as there were before (live_arrays.py)."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tarn.core")

HERE = Path(__file__).parent
FILES = sorted(path for path in (HERE / "statements").glob("*.py") if path.stem != "told")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_is_left(path):
    command = [sys.executable, "-m", "tarn.mlx", HERE / "live_arrays.py", path]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.split() == [path.stem, "0", "0"]
