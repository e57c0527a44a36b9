"""mlx-lm's commands through tarn.mlx print, of a float32 model, the texts, losses and perplexities that they print on real mlx. TARN_LONG=1: a LoRA
training of 200 iterations, else of 20."""

import os
import re

import pytest

pytest.importorskip("mlx.core")
pytest.importorskip("mlx_lm")
pytest.importorskip("tarn")

from mlx_lm_sides import assert_losses_close, float_copy, losses, results, tensors, without_rates  # noqa: E402

ITERATIONS = 200 if "TARN_LONG" in os.environ else 20
TEXTS = ["plain", "system", "raw", "begun", "drawn", "window", "8 bits", "draft", "xtc", "ends", "typed", "adapter", "fused"]
TRAININGS = ["lora", "dora", "full", "chats", "more", "lora of 8 bits"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("commands")
    float_copy(folder)
    return folder


@pytest.fixture(scope="module")
def told(folder):
    return results(folder, "mlx_lm_commands.py", ITERATIONS)


@pytest.mark.parametrize("name", ["version", "chat", "chat window", "cached", "cached window", "cached 8 bits", "benchmark", *(f"generate {name}" for name in TEXTS)])
def test_texts(told, name):
    assert without_rates(told["tarn"][name]) == without_rates(told["mlx"][name])


def test_benchmark_tells_rates(told):
    assert len(re.findall(r"prompt_tps=[\d.]+, generation_tps=[\d.]+", told["tarn"]["benchmark"])) == 3


def test_perplexity(told):
    ours, theirs = ([float(x) for x in re.search(r"Perplexity: ([\d.]+) ± ([\d.]+)", told[side]["perplexity"]).groups()] for side in ("tarn", "mlx"))
    assert abs(ours[0] - theirs[0]) <= 1e-2 and abs(ours[1] - theirs[1]) <= 1e-2


@pytest.mark.parametrize("name", TRAININGS)
def test_losses(told, name):
    ours, theirs = losses(told["tarn"][name]), losses(told["mlx"][name])
    assert len(ours) >= 6
    assert_losses_close(ours, theirs)


def test_loss_of_the_test_set(told):
    ours, theirs = (float(re.search(r"Test loss ([\d.]+)", told[side]["lora test"]).group(1)) for side in ("tarn", "mlx"))
    assert abs(ours - theirs) <= 0.01 * theirs + 1e-3


def test_files(folder, told):
    assert told["tarn"]["arrays"] == told["mlx"]["arrays"]
    assert tensors(folder / "tarn" / "q8" / "model.safetensors") == tensors(folder / "mlx" / "q8" / "model.safetensors")
    assert tensors(folder / "tarn" / "back" / "model.safetensors") == tensors(folder / "mlx" / "back" / "model.safetensors")
    sizes = [(folder / side / "gguf" / "model.gguf").stat().st_size for side in ("tarn", "mlx")]
    assert sizes[0] == sizes[1]
