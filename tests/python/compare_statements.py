"""compare_statements.py FILE …: runs files of statements (statements/told.py says how) on real mlx and through tarn.mlx, and prints what differs. A
line whose end says `# differs: REASON` may: it is a row of docs/differences.md, and it must differ."""

import pickle
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from plain_python import PLAIN

HERE = Path(__file__).resolve().parent
TOLD = HERE / "statements" / "told.py"
CLOSE = {"float16": 2e-3, "bfloat16": 1.6e-2, "float32": 2e-6, "float64": 1e-12, "complex64": 2e-6}


def told(command, path):
    with tempfile.TemporaryDirectory() as scratch:
        result = Path(scratch, "result")
        ran = subprocess.run([*command, str(TOLD), str(Path(path).resolve()), str(result)], cwd=scratch, capture_output=True, text=True, timeout=600)
        if not result.exists():
            raise RuntimeError(f"{' '.join(command)} {path} ended with {ran.returncode}: {ran.stderr[-2000:]}")
        return pickle.loads(result.read_bytes())


def both(path):
    """What mlx and what Tarn have to say of a file."""
    return told([PLAIN, "-X", "faulthandler"], path), told([sys.executable, "-X", "faulthandler", "-m", "tarn.mlx"], path)


def closeness(text):
    """How close values of a file must be, relative to the largest of an array; `CLOSE = 1e-5` in it is said of float32, `CLOSE_FLOAT64` of float64."""
    said = {"float32": re.search(r"^CLOSE = (.*)$", text, re.MULTILINE), "float64": re.search(r"^CLOSE_FLOAT64 = (.*)$", text, re.MULTILINE)}
    return CLOSE | {dtype: float(match[1]) for dtype, match in said.items() if match}


def same_values(ours, theirs, dtype, closeness):
    if ours.dtype.kind in "biuUSO":
        return np.array_equal(ours, theirs)
    close = closeness.get(dtype.rsplit(".", 1)[-1], 1e-6)
    scale = np.abs(theirs[np.isfinite(theirs)]).max(initial=0)
    return np.allclose(ours, theirs, rtol=close * 4, atol=close * max(float(scale), 0.1), equal_nan=True)


def same(ours, theirs, closeness=CLOSE):
    if ours[0] != theirs[0]:
        return False
    kind = ours[0]
    if kind in ("array", "ndarray"):
        return ours[1:3] == theirs[1:3] and same_values(ours[3], theirs[3], ours[1], closeness)
    if isinstance(ours[1], list) and kind != "dict":
        return len(ours[1]) == len(theirs[1]) and all(same(a, b, closeness) for a, b in zip(ours[1], theirs[1]))
    if kind == "dict":
        return len(ours[1]) == len(theirs[1]) and all(same(a, b) and same(x, y, closeness) for (a, x), (b, y) in zip(ours[1], theirs[1]))
    if kind == "raises":
        return ours[1] == theirs[1]
    if kind in ("float", "complex"):
        return bool(np.isclose(ours[1], theirs[1], rtol=1e-5, atol=1e-7, equal_nan=True))
    return ours[1] == theirs[1]


def part(what, other):
    """Of two lists of equal length the first item that differs."""
    if what[0] in ("list", "tuple") and what[0] == other[0] and len(what[1]) == len(other[1]):
        return next((("at", i, one) for i, (one, its) in enumerate(zip(what[1], other[1])) if not same(one, its)), what)
    return what


def taken_or_type_error(ours, theirs):
    """Whether mlx says that an argument is of a wrong type, and Tarn takes it, or raises a TypeError where mlx has
    another word for it (docs/differences.md: arguments of other types, ints beyond 64 bits)."""
    text = theirs[2] if theirs[0] == "raises" else ""
    no_word = "std::bad_cast" in text or theirs[:2] == ("raises", "SystemError")
    refused = no_word or "incompatible function arguments" in text or "Invalid type" in text
    return refused and (ours[0] != "raises" or no_word)


def ours_alone(ours, theirs):
    """Whether mlx says that it has no such rule, and Tarn has it (docs/differences.md: gradients, tangents and batches
    that MLX lacks)."""
    text = theirs[2] if theirs[0] == "raises" else ""
    lacks = "ot implemented" in text or "ot yet implemented" in text or "Cannot calculate" in text
    return ours[0] != "raises" and lacks


def briefly(what):
    text = repr(what[1:] if what[0] in ("array", "raises") else what)
    return " ".join(text.split())[:300]


def differences(path):
    """(line, ours, theirs) where they differ and no reason is given; and the lines that are said to differ and do not."""
    text = Path(path).read_text()
    lines, close = text.splitlines(), closeness(text)
    theirs, ours = both(path)
    agreed = {i + 1 for i, line in enumerate(lines) if "# differs:" in line}
    found, left = [], set(agreed)
    if [line for line, _ in ours] != [line for line, _ in theirs]:
        found.append((0, ("lines", len(ours)), ("lines", len(theirs))))
    for (line, mine), (_, other) in zip(ours, theirs):
        if not same(mine, other, close) and not taken_or_type_error(mine, other):
            left.discard(line)
            if line not in agreed and not ours_alone(mine, other):
                found.append((line, mine, other))
    return found, sorted(left), sum(what[0] != "done" for _, what in theirs)


def main():
    total = 0
    for path in sys.argv[1:]:
        lines = Path(path).read_text().splitlines()
        found, left, count = differences(path)
        total += count
        for line in dict.fromkeys(line for line, _, _ in found):
            several = [(ours, theirs) for where, ours, theirs in found if where == line]
            print(f"{Path(path).name}:{line}: {lines[line - 1].strip()} ({len(several)})")
            for ours, theirs in several[:3]:
                print(f"    tarn {briefly(part(ours, theirs))}\n    mlx  {briefly(part(theirs, ours))}")
        for line in left:
            print(f"{Path(path).name}:{line}: is said to differ and does not: {lines[line - 1].strip()}")
        print(f"{path}: {count} statements, {len(found)} differ")
    print(total, "statements")


if __name__ == "__main__":
    main()
