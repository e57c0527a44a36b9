"""Wild arguments never end the interpreter, and leave no arrays: some thousand calls, others in each long mode (seeds.py). wild_calls.py
runs longer."""

import subprocess
import sys
from pathlib import Path

import pytest
from seeds import SEED

pytest.importorskip("tarn.core")


def test_the_interpreter_lives():
    program = Path(__file__).with_name("wild_calls.py")
    ran = subprocess.run([sys.executable, "-X", "faulthandler", str(program), "60", str(SEED), "3000"], capture_output=True,
                         text=True, timeout=600)
    assert ran.returncode == 0, f"seed {SEED}: {ran.stderr[-3000:]}"
    count, _, _, _, _, left, *_ = ran.stdout.split()
    assert int(count) > 100
    assert int(left) < 4096, f"seed {SEED}: {left} bytes of arrays that nobody holds"
