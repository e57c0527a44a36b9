"""What programs say of arrays, statement by statement, on real mlx and through tarn.mlx: the files of statements/ give
the same values, dtypes, shapes, texts and exceptions, but where a line names a difference."""

from pathlib import Path

import pytest

pytest.importorskip("mlx.core")
pytest.importorskip("tarn.core")

import compare_statements  # noqa: E402

FILES = sorted(path for path in (Path(__file__).parent / "statements").glob("*.py") if path != compare_statements.TOLD)
DIFFERENCES = (Path(__file__).resolve().parents[2] / "docs" / "differences.md").read_text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_as_mlx(path):
    found, left, count = compare_statements.differences(path)
    assert count > 50
    assert [
        f"line {line}: tarn {compare_statements.briefly(ours)}, mlx {compare_statements.briefly(theirs)}"
        for line, ours, theirs in found[:9]
    ] == []
    assert left == [], "these lines are said to differ and do not"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_differences_are_documented(path):
    said = {line.split("# differs: ")[1] for line in path.read_text().splitlines() if "# differs: " in line}
    assert [reason for reason in said if f"| {reason}" not in DIFFERENCES] == []
