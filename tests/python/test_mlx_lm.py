"""mlx-lm, unchanged, through tarn.mlx: the same texts of a float32 model as on real mlx, the same bytes in converted files, the same perplexity, a LoRA
training that goes the same way. TARN_LONG=1: also one small random model of every architecture whose sizes can be guessed."""

import json
import os
import pickle

import numpy as np
import pytest

pytest.importorskip("mlx.core")
pytest.importorskip("mlx_lm")
pytest.importorskip("tarn")

from mlx_lm_sides import HERE, SIDES, both, ended, float_copy, start, tensors  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of a float32 copy of the tiny model both tell what they make of it."""
    folder = tmp_path_factory.mktemp("mlx_lm")
    float_copy(folder)
    both(folder, HERE / "mlx_lm_program.py", folder / "mlx" / "f32", "result.json")
    return folder


@pytest.fixture(scope="module")
def told(folder):
    return {side: json.loads((folder / side / "result.json").read_text()) for side in SIDES}


def test_texts(told):
    assert told["tarn"]["texts"] == told["mlx"]["texts"]
    assert told["tarn"]["text of q4"] == told["mlx"]["text of q4"]


def test_caches(told):
    assert told["tarn"]["caches"] == told["mlx"]["caches"]


def test_perplexity(told):
    assert np.allclose(told["tarn"]["perplexity"], told["mlx"]["perplexity"], rtol=1e-4)


def test_lora(told):
    for name, theirs in told["mlx"]["adapter"].items():
        ours = np.array(told["tarn"]["adapter"][name])
        assert np.abs(ours - np.array(theirs)).max() <= 1e-3 * np.abs(theirs).max() + 1e-5, name


@pytest.mark.parametrize("name", ["f32", "q4", "q6", "nvfp4", "mixed", "head"])
def test_converted_files(folder, name):
    ours, theirs = folder / "tarn" / name, folder / "mlx" / name
    assert sorted(os.listdir(ours)) == sorted(os.listdir(theirs))
    assert json.loads((ours / "config.json").read_text()) == json.loads((theirs / "config.json").read_text())
    assert tensors(ours / "model.safetensors") == tensors(theirs / "model.safetensors")


def test_model_files_import(tmp_path):
    names = "import importlib, pkgutil, mlx_lm.models as m\nfor x in pkgutil.iter_modules(m.__path__):\n"
    (tmp_path / "all.py").write_text(names + "    x.name == 'olmo' or importlib.import_module('mlx_lm.models.' + x.name)\nprint('done')\n")
    assert ended(start("tarn", tmp_path, tmp_path / "all.py")).endswith("done\n")


@pytest.mark.skipif("TARN_LONG" not in os.environ, reason="TARN_LONG=1")
def test_architectures(tmp_path):
    both(tmp_path, HERE / "mlx_lm_families.py", "result")
    ours, theirs = (pickle.loads((tmp_path / side / "result").read_bytes()) for side in ("tarn", "mlx"))
    ran = [name for name in theirs if not isinstance(theirs[name], str)]
    assert len(ran) >= 60
    for name in ran:
        assert not isinstance(ours[name], str), f"{name}: {ours[name]}"
        for a, b in zip(ours[name], theirs[name]):
            assert np.abs(a - b).max() <= 1e-3 * np.abs(b).max(), name
