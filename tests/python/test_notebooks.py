"""The notebooks of examples/notebooks run from their beginnings, and are committed with what they print."""

import importlib.util
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "examples/notebooks").glob("*.ipynb"))
NEEDED = {"4-language-models": "mlx_lm", "5-quantization": "mlx_lm"}

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")
pytest.importorskip("tarn.core", reason="the Python package is not built")


def runner():
    spec = importlib.util.spec_from_file_location("notebooks", ROOT / "tools/notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, monkeypatch):
    if path.stem in NEEDED:
        pytest.importorskip(NEEDED[path.stem])
    if "TARN_WHEEL" not in os.environ and "TARN_BUILD_DIR" in os.environ:
        monkeypatch.setenv("PYTHONPATH", os.path.join(os.environ["TARN_BUILD_DIR"], "python"))
    ran = runner().run(path, 3600 if os.environ.get("TARN_SANITIZED") else 600)
    kept = nbformat.read(path, as_version=4)
    printed = [[cell.cell_type == "code" and bool(cell.outputs) for cell in notebook.cells] for notebook in (ran, kept)]
    assert printed[0] == printed[1], "run tools/notebooks.py"
    assert any(printed[1])
