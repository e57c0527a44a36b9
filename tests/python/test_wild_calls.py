"""Wild arguments never end the interpreter, and leave no arrays: some thousand calls, each run others than the last. wild_calls.py runs
longer."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("tarn.core")


def test_the_interpreter_lives():
    seed = str(time.time_ns() % 1000000)
    program = Path(__file__).with_name("wild_calls.py")
    ran = subprocess.run([sys.executable, "-X", "faulthandler", str(program), "4", seed], capture_output=True, text=True,
                         timeout=300)
    assert ran.returncode == 0, f"seed {seed}: {ran.stderr[-3000:]}"
    count, _, _, _, _, left, *_ = ran.stdout.split()
    assert int(count) > 100
    assert int(left) < 4096, f"seed {seed}: {left} bytes of arrays that nobody holds"
