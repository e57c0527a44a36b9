"""A few random calls of each function of tarn.core, against mlx and NumPy: the short form of `make differential`."""

import pytest

pytest.importorskip("mlx.core")
pytest.importorskip("tarn.core")

from differential import families, frame  # noqa: E402

families.load()


@pytest.mark.parametrize("f", frame.FUNCTIONS, ids=lambda f: f.name)
def test_calls(f):
    report = frame.run(1, [f.name])
    assert report.failures == []
    assert report.total() >= 60
    assert all(report.calls[f.name, dtype, layout] for dtype in f.dtypes for layout in f.layouts)
