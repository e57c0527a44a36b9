"""Evaluates the oracle column of src/table/elementwise.def on fixed inputs and writes tests/data/elementwise.json.

    python tools/elementwise_vectors.py            all rows, to the file (numpy and mpmath needed)
    python tools/elementwise_vectors.py --row exp  one row, to standard output (what tests do for rows that are not in
    the file)

The file holds the inputs, shared by all rows of a domain, arity and kind, and for each row and kind the results; null
where the oracle has none (it raises). Real results are computed in extended and in double precision, which have to
agree, complex ones in double. Inputs are numbers that float32 holds, so that the results serve float32 too.
"""

import argparse
import itertools
import json
import math
import pathlib
import re
import sys

import numpy as np

try:
    import mpmath
except ImportError:
    mpmath = None  # only rows whose oracle names it fail

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "src/table/elementwise.def"
VECTORS = ROOT / "tests/data/elementwise.json"

GROUPS = {
    "REALS": "INT FLOAT", "NUMBERS": "INT FLOAT COMPLEX", "INEXACT": "FLOAT COMPLEX", "ALL": "BOOL INT FLOAT COMPLEX"
}
ARITY = {"UNARY": 1, "BINARY": 2, "TERNARY": 3}
RANGES = {
    "ANY": (-4, 4), "POSITIVE": (0.1, 4), "UNIT": (-0.95, 0.95), "ABOVE1": (1.05, 4), "NONZERO": (0.25, 4),
    "SMALL": (0, 7), "TRUTHS": (-4, 4)
}

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, math.inf, -math.inf, math.nan, 2.0**-149, -(2.0**-130), 2.0**127, 89.0]
PAIRS = [(math.inf, 1), (1, math.inf), (-math.inf, math.inf), (math.inf, math.inf), (math.nan, 1), (1, math.nan),
         (0.0, 0.0), (-0.0, 0.0), (0.0, -1.0), (1, 0.0), (-1, 0.0), (2.0 ** -149, 2.0), (-1, math.inf), (7, -math.inf),
         (math.inf, 2), (1e10, 3), (-1e10, 3), (2.0 ** 100, 7), (-(2.0 ** 100), -7)]
INTEGER_SPECIAL = [0, 1, -1, 2**31 - 1, -(2**31), 255, -256]
INTEGER_PAIRS = [(7, 0), (-7, 2), (7, -2), (-7, -2), (2**31 - 1, 1), (-(2**31), 3), (0, 0), (-(2**31), -1)]


def rows():
    """(name, arity, kinds, domain, oracle) of every row; a row goes on in lines that begin with blanks."""
    for line in re.sub(r"\n +", " ", TABLE.read_text(encoding="utf-8")).splitlines():
        head = re.match(r"(UNARY|BINARY|TERNARY)\((\w+), ", line)
        if not head:
            continue
        domain = re.search(r", (" + "|".join(RANGES) + r"), ", line)
        oracle = re.search(r'"([^"]*)", "[^"]*"\)$', line)
        words = set(re.findall(r"\b([A-Z]+)\(", line[head.end() : domain.start()]))
        kinds = [
            k for k in ("BOOL", "INT", "FLOAT", "COMPLEX")
            if k in words or any(k in GROUPS[w].split() for w in words & GROUPS.keys())
        ]
        yield head[2], ARITY[head[1]], kinds, domain[1], oracle[1]


def spread(domain, count, offset):
    """Fixed numbers in the domain, multiples of 1/64 in no order."""
    low, high = RANGES[domain]
    steps = int((high - low) * 64) - 1
    for i in range(count):
        x = (math.ceil(low * 64) + (i * 197 + offset * 61) % steps) / 64
        yield -x if domain == "NONZERO" and (i + offset) % 3 == 0 else x


def real_points(domain, arity):
    points = list(zip(*[spread(domain, 12, k) for k in range(arity)]))
    if arity == 1:
        return points + [(x,) for x in SPECIAL]
    return points + (PAIRS if arity == 2 else [])


def integer_points(domain, arity):
    low, high = (math.ceil(v) for v in RANGES[domain])
    values = [
        v for v in range(min(low, -high) if domain in ("ANY", "NONZERO", "TRUTHS") else low, high + 1)
        if v or domain != "NONZERO"
    ]
    points = list(itertools.islice(itertools.product(values, repeat=arity), 0, None, max(1,
                                                                                         len(values) ** arity // 12)))
    if domain in ("POSITIVE", "SMALL"):
        return points
    return points + ([(x,) for x in INTEGER_SPECIAL] if arity == 1 else INTEGER_PAIRS if arity == 2 else [])


def complex_points(domain, arity):
    points = zip(*[
        zip(spread(domain, 10, 2 * k), spread("UNIT" if domain == "UNIT" else "ANY", 10, 2 * k + 1))
        for k in range(arity)
    ])
    return [tuple(complex(*z) for z in point) for point in points]


def points(domain, arity, kind):
    """Tuples of inputs. The first input of the domain TRUTHS is a truth."""
    if kind == "BOOL":
        return list(itertools.product((False, True), repeat=arity))
    if domain == "TRUTHS":
        make = {"INT": integer_points, "FLOAT": real_points, "COMPLEX": complex_points}[kind]
        return [(i % 2 == 0, *p) for i, p in enumerate(make("TRUTHS", arity - 1))]
    return {"INT": integer_points, "FLOAT": real_points, "COMPLEX": complex_points}[kind](domain, arity)


def evaluate(oracle, point, dtype):
    """The oracle at one point, or None where it has no value."""
    names = {n: np.asarray(v, np.bool_ if isinstance(v, bool) else dtype) for n, v in zip("xyz", point)}
    with np.errstate(all="ignore"):
        try:
            return eval(oracle, {"np": np, "math": math, "mpmath": mpmath}, names)[()]
        except (ValueError, OverflowError, ZeroDivisionError, mpmath.libmp.NoConvergence if mpmath else ValueError):
            return None


def agree(a, b):
    if a is None or b is None or np.isnan(a) or np.isnan(b):
        return (a is None) == (b is None) and (a is None or bool(np.isnan(a)) == bool(np.isnan(b)))
    return a == b or abs(float(a) - float(b)) <= 8 * np.spacing(abs(float(b)))


def result(name, oracle, point, kind):
    if kind == "BOOL":
        try:
            return evaluate(oracle, point, np.bool_)
        except TypeError:  # NumPy has no such op on truths
            return bool(evaluate(oracle, tuple(int(v) for v in point), np.int8))
    if kind != "FLOAT":
        return evaluate(oracle, point, np.int32 if kind == "INT" else np.complex128)
    wide, double = evaluate(oracle, point, np.longdouble), evaluate(oracle, point, np.float64)
    if not agree(wide, double):
        sys.exit(f"{name}{point}: {wide} in extended precision, {double} in double")
    return wide if wide is None or wide.dtype == np.bool_ else np.float64(wide)


def plain(v):
    """A number as JSON has it: reals that JSON lacks as strings, complex numbers as pairs, truths as 0 and 1."""
    if v is None:
        return None
    if isinstance(v, (complex, np.complexfloating)):
        return [plain(v.real), plain(v.imag)]
    if isinstance(v, (bool, np.bool_, int, np.integer)):
        return int(v)
    v = float(v)
    return v if math.isfinite(v) else str(v)


def vectors(only=None):
    inputs, found = {}, {}
    for name, arity, kinds, domain, oracle in rows():
        if only and name != only:
            continue
        found[name] = {"oracle": oracle}
        for kind in kinds:
            key = f"{domain} {arity} {kind}"
            given = points(domain, arity, kind)
            inputs[key] = [[plain(p[i]) for p in given] for i in range(arity)]
            found[name][kind] = {"inputs": key, "results": [plain(result(name, oracle, p, kind)) for p in given]}
    return {"inputs": inputs, "rows": found}


def write(data, out):
    """One line for each list of inputs and each row and kind, so that changes can be read."""
    line = lambda value: json.dumps(value, separators=(",", ":"), allow_nan=False)
    print('{"inputs": {', file=out)
    print(",\n".join(f"{line(k)}: {line(v)}" for k, v in data["inputs"].items()), file=out)
    print('},\n"rows": {', file=out)
    print(
        ",\n".join(f"{line(k)}: {{" + ",\n  ".join(f"{line(f)}: {line(w)}" for f, w in v.items()) + "}"
                   for k, v in data["rows"].items()), file=out)
    print("}}", file=out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--row", help="this row only, to standard output")
    row = parser.parse_args().row
    data = vectors(row)
    if row:
        if not data["rows"]:
            sys.exit(f"the table has no row {row}")
        write(data, sys.stdout)
    else:
        with open(VECTORS, "w", encoding="utf-8") as out:
            write(data, out)


if __name__ == "__main__":
    main()
