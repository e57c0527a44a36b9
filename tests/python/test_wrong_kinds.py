"""Arguments of wrong kinds raise exceptions of the types that they raise in MLX: wrong_kinds.py on real mlx and through
tarn.mlx. Where they do not, a row of docs/differences.md says so."""

import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mlx.core")
pytest.importorskip("tarn.core")

from plain_python import PLAIN  # noqa: E402

CALLS = Path(__file__).parent / "wrong_kinds.py"
DIFFERENCES = (Path(__file__).resolve().parents[2] / "docs" / "differences.md").read_text()

# (row of docs/differences.md, what mlx raises, what Tarn raises, pattern of the call)
OTHER_TYPES = "arguments of other types"
AGREED = [
    (OTHER_TYPES, "std::bad_cast", "TypeError|ValueError|none", ""),
    (OTHER_TYPES, "TypeError", "none|ValueError", r"(arange|take|pad|linspace|random.permutation|tensordot)\("),
    (OTHER_TYPES, "ValueError", "none", r"broadcast_shapes\(1=iarray"),
    (OTHER_TYPES, "ValueError|none|RuntimeError", "TypeError", r"(pad|conv_general|save_safetensors|export_function)\("),
    ("ints beyond 64 bits", "std::bad_cast", "OverflowError|ValueError", r".*=(huge|big)\)"),
    ("sizes and axes beyond 32 bits", "TypeError", "OverflowError|ValueError|none", r".*=(huge|big)\)"),
    ("bits of floats", "RuntimeError", "ValueError", r"bitwise|left_shift|right_shift"),
    ("an axis of a 0-d array", "ValueError", "IndexError", r"(softmax|logsumexp|fft\.\w+)\(0=scalar"),
    ("an axis of a 0-d array", "IndexError", "ValueError", r"(take|put)_along_axis\(0="),
    ("`quantized_matmul` of a 0-d array", "IndexError", "ValueError", r"(quantized_matmul|gather_qmm)\("),
    ("`conv_transpose…` of a 0-d array", "IndexError", "ValueError", r"conv_transpose"),
    ("`slice`, `slice_update` with a start outside", "ValueError", "IndexError", r"slice\(2=list"),
    ("numbers for devices", "none|ValueError", "TypeError", r"\S+\((stream 1|stream=.*|0=.*)\)"),
    ("`floor_divide` of complex numbers", "none", "ValueError", r".*floordiv|floor_divide"),
    ("`put_along_axis` of values", "none", "ValueError", r"put_along_axis\(2="),
    ("`pad` with `constant_values` of several", "none", "ValueError", r"pad\(3="),
    ("`as_strided` with more or fewer strides", "none", "ValueError", r"as_strided\("),
    ("`as_strided` beyond the array", "none|TypeError", "ValueError|TypeError", r"as_strided\(3="),
    ("`linalg.eigh(a, UPLO)`", "none", "ValueError", r"linalg.eigh|linalg.eigvalsh"),
    ("more cotangents", "none", "ValueError", r"vjp\(2="),
    ("a shape or axes as a list", "none|ValueError|IndexError", "TypeError", r"array\.(reshape|transpose)\("),
    ("`savez` to what is no file", "AttributeError", "ValueError", r"savez"),
    ("`savez` to a path that cannot be written", "FileNotFoundError", "RuntimeError", r"savez"),
    ("`export_to_dot` to a path", "none", "FileNotFoundError", r"export_to_dot"),
    ("`median` over no axes", "ValueError", "none", r"median\("),
    ("`take` by a negative number", "ValueError", "none", r"take\(1=neg"),
    ("an empty list as index", "ValueError", "none", r"array\.__[gs]etitem__\(0=\[\]"),
    ("an integer index outside", "none", "IndexError", r"array\.__setitem__\(0=neg"),
]


def ends(command, folder, name):
    result = folder / name
    ran = subprocess.run([*command, CALLS, result], cwd=folder, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return pickle.loads(result.read_bytes())


def rows_of(call, theirs, ours):
    """The rows of AGREED that say so."""
    said = {theirs[0], theirs[1]}
    return {row for row, a, b, pattern in AGREED
            if any(re.fullmatch(a, one) for one in said) and re.fullmatch(b, ours[0]) and re.match(pattern, call)}


def test_as_mlx(tmp_path):
    theirs = ends([PLAIN], tmp_path, "mlx")
    ours = ends([sys.executable, "-m", "tarn.mlx"], tmp_path, "tarn")
    assert len(theirs) > 25000 and [call for call in theirs if call not in ours] == []
    differ = [(call, theirs[call], ours[call]) for call in theirs if theirs[call][0] != ours[call][0]]
    agreed = [rows_of(*one) for one in differ]
    assert [f"{call}: mlx {a}, tarn {b}" for (call, a, b), rows in zip(differ, agreed) if not rows][:9] == []
    assert {row for row, *_ in AGREED} - set().union(*agreed) == set(), "these rows are said to differ and do not"


def test_differences_are_documented():
    assert [row for row, *_ in AGREED if f"| {row}" not in DIFFERENCES] == []
