"""Programs that know only MLX (programs/), on real mlx and through tarn.mlx: the losses agree within one percent."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from plain_python import PLAIN

tarn = pytest.importorskip("tarn")
pytest.importorskip("mlx.core")
PROGRAMS = sorted(Path(__file__).with_name("programs").glob("*.py"))


def run(program, *through):
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(tarn.__file__))}
    if not through:  # without its compiler real mlx starts at once; its results are the same
        environment["MLX_DISABLE_COMPILE"] = "1"
    python = sys.executable if through else PLAIN
    ran = subprocess.run(
        [python, *through, str(program)], capture_output=True, text=True, env=environment, timeout=600
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def alike(real, ours):
    """Numbers within one percent, of a list of losses the mean of the last four; everything else the same."""
    if isinstance(real, dict):
        return real.keys() == ours.keys() and all(alike(real[name], ours[name]) for name in real)
    if isinstance(real, list) and isinstance(real[0], float):
        return len(real) == len(ours) and alike(sum(real[-4:]), sum(ours[-4:]))
    return abs(real - ours) <= 0.01 * abs(real) if isinstance(real, float) else real == ours


@pytest.mark.parametrize("program", [path for path in PROGRAMS if path.stem != "generated"], ids=lambda path: path.stem)
def test_program(program):
    real, ours = run(program), run(program, "-m", "tarn.mlx")
    assert alike(real, ours), f"mlx {real}\ntarn {ours}"
