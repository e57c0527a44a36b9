"""The wheel of pyproject.toml, in a virtual environment that holds nothing else: it brings its library, needs neither
NumPy nor a compiler, and computes. tools/test.sh makes the wheel; without one (TARN_WHEEL) the tests skip."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

WHEEL = os.environ.get("TARN_WHEEL", "")
pytestmark = pytest.mark.skipif(not WHEEL, reason="no wheel was made (TARN_WHEEL)")


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of a fresh environment with the wheel."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-index", WHEEL], check=True)
    return python


def run(python, program, *options):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LD_", "TARN_"))}
    ran = subprocess.run([python, *options, "-c", program], capture_output=True, text=True, env=environment, cwd="/",
                         timeout=600)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip() or ran.stderr


def test_it_holds_what_a_user_needs():
    names = zipfile.ZipFile(WHEEL).namelist()
    assert re.search(r"-cp311-abi3-", Path(WHEEL).name)
    for name in [
            "tarn/__init__.py", "tarn/py.typed", "tarn/core.abi3.so", "tarn/core/__init__.pyi", "tarn/mlx/__main__.py",
            "tarn/nn/layers/linear.py", "tarn/optimizers/__init__.py", "tarn/utils.py"
    ]:
        assert name in names, name
    assert any(re.match(r"tarn/libtarn\.so", name) for name in names)


def test_it_computes_without_anything_else(python):
    program = "import sys, tarn.core as mx; print(mx.sum(mx.exp(mx.zeros((2, 3)))).item(), 'numpy' in sys.modules, mx.__file__)"
    value, numpy, file = run(python, program).split()
    assert value == "6.0" and numpy == "False"
    assert str(python.parents[1]) in file


def test_the_shim(python):
    assert run(python, "import tarn.mlx, mlx.core as mx; print(mx.float32, mx.array([1, 2]))") == (
        "mlx.core.float32 array([1, 2], dtype=int32)"
    )
