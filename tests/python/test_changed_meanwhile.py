"""Arguments that functions of Python change while a call reads them: changed_meanwhile.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tarn.core")
PROGRAM = Path(__file__).with_name("changed_meanwhile.py")


@pytest.mark.parametrize("hard", ["0", "1"])
def test_no_array_is_read_that_is_gone(hard):
    ran = subprocess.run([sys.executable, "-X", "faulthandler", "-m", "tarn.mlx", PROGRAM], capture_output=True, text=True, timeout=300,
                         env={**os.environ, "TARN_HARD": hard})
    assert ran.returncode == 0, ran.stderr[-3000:]
    *gone, (_, count) = map(str.split, ran.stdout.splitlines())
    assert not gone and int(count) > 1000, ran.stdout
