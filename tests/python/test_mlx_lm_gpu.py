"""mlx-lm's programs through tarn.mlx print, of a float32 model on a GPU, the texts and losses that they print on the CPU. Skipped where there is no GPU or
no mlx-lm; real mlx is not needed. `PYTHONPATH=build/python python3 -m pytest tests/python/test_mlx_lm_gpu.py` on a machine that has them."""

import importlib.util
import re

import pytest

mx = pytest.importorskip("tarn.core")
if not mx.is_available(mx.gpu):
    pytest.skip("there is no GPU here", allow_module_level=True)
if not importlib.util.find_spec("mlx_lm") or not importlib.util.find_spec("transformers"):
    pytest.skip("mlx-lm is not installed", allow_module_level=True)

from mlx_lm_sides import assert_losses_close, float_copy, losses, results, without_rates  # noqa: E402

SIDES = ("tarn", "gpu")
ITERATIONS = 20


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpu")
    float_copy(folder, SIDES)
    return results(folder, "mlx_lm_commands.py", ITERATIONS, sides=SIDES)


@pytest.mark.parametrize("command", ["generate", "chat", "cached"])
def test_texts(told, command):
    names = [name for name in told["gpu"] if name.split()[0] == command]
    assert names
    for name in names:
        assert without_rates(told["gpu"][name]) == without_rates(told["tarn"][name]), name


@pytest.mark.parametrize("name", ["lora", "dora", "full", "chats", "more", "lora of 8 bits"])
def test_losses(told, name):
    ours, theirs = (losses(told[side][name]) for side in ("gpu", "tarn"))
    assert len(ours) >= 6
    assert_losses_close(ours, theirs)


@pytest.mark.parametrize("name, words", [("lora test", "Test loss"), ("perplexity", "Perplexity:")])
def test_figures(told, name, words):
    ours, theirs = (float(re.search(words + r" ([\d.]+)", told[side][name]).group(1)) for side in ("gpu", "tarn"))
    assert abs(ours - theirs) <= 0.01 * theirs + 1e-3


def test_files(told):
    assert told["gpu"]["arrays"] == told["tarn"]["arrays"]
