"""mlx-lm from Python, unchanged, through tarn.mlx: caches of every kind, continuous batches, detokenizers, samplers, tuning and learned quantization give what
they give on real mlx."""

import math

import pytest

pytest.importorskip("mlx.core")
pytest.importorskip("mlx_lm")
pytest.importorskip("tarn")

from mlx_lm_sides import float_copy, results  # noqa: E402

PARTS = [
    *["single caches", "batch caches", "array caches", "kept prompts", "saved caches", "batches", "steps", "samplers", "words", "tuning"],
    *["adapters", "learned"],
]  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    float_copy(folder)
    return results(folder, "mlx_lm_api.py")


def same(ours, theirs, at):
    """Numbers that were computed may differ as sums of float32 do."""
    if isinstance(theirs, float) and isinstance(ours, float):
        assert math.isclose(ours, theirs, rel_tol=2e-3, abs_tol=2e-3) or (math.isnan(ours) and math.isnan(theirs)), f"{at}: {ours} instead of {theirs}"
    elif isinstance(theirs, (list, dict)):
        assert type(ours) is type(theirs) and len(ours) == len(theirs), at
        for key in theirs if isinstance(theirs, dict) else range(len(theirs)):
            same(ours[key], theirs[key], f"{at} {key}")
    else:
        assert ours == theirs, at


@pytest.mark.parametrize("part", PARTS)
def test_part(told, part):
    same(told["tarn"][part], told["mlx"][part], part)
