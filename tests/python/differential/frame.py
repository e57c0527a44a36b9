"""What is called, how results are compared, and the table of what was called."""

import collections
import math

import mlx.core
import numpy as np

import tarn.core

from .values import ALL, LAYOUTS, Array, Draw, dtype_of

EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52, "complex64": 2.0**-23}


class Call:
    """The arguments of a call. They hold Arrays, Dtype names as Dtype("float32"), and what both libraries take as it
    is."""

    def __init__(self, *args, **named):
        self.args, self.named = args, named

    def __repr__(self):
        return ", ".join([*map(repr, self.args), *(f"{k}={v!r}" for k, v in self.named.items())])


class Dtype(str):
    """The name of a dtype, in an argument's place."""


class Function:
    """A function under test. `make(draw)` gives a Call; `ulps` is how far results may be apart, in units of the last
    place of the result's dtype, at the scale of the largest value of the result (`scale="result"`), of each value
    ("value"), of the arguments ("input"), or of what a function says of the call. `oracle(*arrays)` in NumPy decides
    where mlx and Tarn differ by more, and alone where `avoid(call)` says that mlx is not to be asked (it would crash or
    not come back). `agreed` names known differences: (line of docs/differences.md, predicate(call, our values, our
    error))."""

    def __init__(self, name, make, dtypes, layouts, ulps, scale, oracle, avoid, agreed, run):
        self.name, self.make, self.dtypes, self.layouts = name, make, dtypes, layouts
        self.ulps, self.scale, self.oracle, self.avoid, self.agreed, self.run = ulps, scale, oracle, avoid, agreed, run


FUNCTIONS = []


def function(*names, dtypes=ALL, layouts=LAYOUTS, ulps=0, scale="value", oracle=None, avoid=None, agreed=(), run=None):
    """Registers what draws the calls of these functions ("random.normal" of a submodule, "array.sum" of a method)."""

    def register(make):
        for name in names:
            one = oracle(name) if isinstance(oracle, _Named) else oracle
            FUNCTIONS.append(Function(name, make, list(dtypes), list(layouts), ulps, scale, one, avoid, agreed, run))
        return make

    return register


class _Named:
    """An oracle for each of several names: by_name(lambda name: getattr(np, name))."""

    def __init__(self, make):
        self.make = make

    def __call__(self, name):
        return self.make(name)


by_name = _Named


# ---- calling


def argument_of(module, value):
    if isinstance(value, Array):
        return value.of(module)
    if isinstance(value, Dtype):
        return dtype_of(module, value)
    if isinstance(value, (list, tuple)):
        return type(value)(argument_of(module, one) for one in value)
    return value


def target_of(module, name):
    if name.startswith("array."):
        return lambda a, *args, **named: getattr(a, name[6:])(*args, **named)
    for part in name.split("."):
        module = getattr(module, part)
    return module


def values_of(module, result):
    """The result with arrays as (dtype, NumPy values)."""
    if isinstance(result, module.array):
        dtype = str(result.dtype).rsplit(".", 1)[-1]
        return dtype, np.array(result.astype(module.float32) if dtype == "bfloat16" else result)
    if isinstance(result, (list, tuple)):
        return [values_of(module, one) for one in result]
    if isinstance(result, module.Dtype):
        return str(result).rsplit(".", 1)[-1]
    return result


def outcome(module, f, call):
    """What the call gives: its values, or the exception's type."""
    try:
        args = [argument_of(module, value) for value in call.args]
        named = {key: argument_of(module, value) for key, value in call.named.items()}
        result = f.run(module, *args, **named) if f.run else target_of(module, f.name)(*args, **named)
        return values_of(module, result), None
    except Exception as error:  # noqa: BLE001: whatever it is, both must raise it
        return None, error


# ---- comparing


def size_of(values):
    finite = np.abs(values[np.isfinite(values)]) if values.size else values
    return float(finite.max()) if finite.size else 0.0


def scale_of(f, call, values):
    if callable(f.scale):
        return f.scale(call)
    if f.scale == "input":
        return max([size_of(np.asarray(a.numpy(), dtype=np.complex128))
                    for a in call.args if isinstance(a, Array)] + [1.0])
    return size_of(values) if f.scale == "result" else np.maximum(np.abs(values), np.finfo(np.float32).tiny)


def far_apart(f, call, dtype, ours, theirs):
    """Where two arrays of values differ by more than the function may; None if nowhere."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if dtype not in EPSILON or f.ulps == 0:
        same = np.array_equal(ours, theirs, equal_nan=dtype in EPSILON)
        return None if same else "values differ"
    wide = np.complex128 if dtype == "complex64" else np.float64
    ours, theirs = ours.astype(wide), theirs.astype(wide)
    special = ~np.isfinite(theirs) | ~np.isfinite(ours)
    if not np.array_equal(np.where(special, ours, 0), np.where(special, theirs, 0), equal_nan=True):
        return "infinities or NaN differ"
    with np.errstate(all="ignore"):
        apart = np.where(special, 0, np.abs(np.where(special, 0, ours) - np.where(special, 0, theirs)))
        units = apart / (EPSILON[dtype] * np.maximum(scale_of(f, call, np.where(special, 0, theirs)), 1e-300))
    worst = float(np.max(units)) if units.size else 0.0
    return f"{worst:.1f} ULP apart, {f.ulps} are allowed" if worst > f.ulps else None


def compare(f, call, ours, theirs):
    """Why two results are not the same, or None."""
    if isinstance(theirs, list) and isinstance(ours, list):
        if len(ours) != len(theirs):
            return f"{len(ours)} results instead of {len(theirs)}"
        return next((why for a, b in zip(ours, theirs) if (why := compare(f, call, a, b))), None)
    if isinstance(theirs, tuple) and isinstance(ours, tuple):
        (dtype, values), (their_dtype, their_values) = ours, theirs
        if dtype != their_dtype:
            return f"dtype {dtype} instead of {their_dtype}"
        if values.shape != their_values.shape:
            return f"shape {values.shape} instead of {their_values.shape}"
        return far_apart(f, call, dtype, values, their_values)
    return None if type(ours) is type(theirs) and (
        ours == theirs or (ours != ours and theirs != theirs)) else f"{ours!r} instead of {theirs!r}"


def over_nothing(call):
    """To be avoided where mlx sums: it reads beyond an empty array, or does not come back."""
    return 0 in call.args[0].shape


def by_oracle(f, call, ours):
    """Whether NumPy's values, in the widest type, are what we have: then mlx is the one that is off. A call that NumPy
    refuses decides nothing."""
    if not f.oracle or not isinstance(ours, tuple):
        return False
    with np.errstate(all="ignore"):
        try:
            wanted = np.asarray(
                f.oracle(*[a.numpy() if isinstance(a, Array) else a for a in call.args],
                         **{k: v.numpy() if isinstance(v, Array) else v
                            for k, v in call.named.items()}))
        except (TypeError, ValueError):
            return False
        if ours[0] in ("float16", "bfloat16", "float32"):  # what overflows there is infinite
            most = np.finfo(ours[0]).max if ours[0] != "bfloat16" else 3.3895e38
            wanted = np.where(np.abs(wanted) > most, np.copysign(np.inf, wanted.real), wanted)
        if ours[0] == "complex64" and wanted.shape == ours[1].shape:
            # beyond the largest, which part is infinite and which NaN is open
            open_to = (np.abs(wanted) > np.finfo(np.float32).max) & ~np.isfinite(ours[1])
            wanted = np.where(open_to, ours[1], wanted)
    return wanted.shape == ours[1].shape and far_apart(f, call, ours[0], ours[1], wanted) is None


def judge(f, call):
    """(why Tarn is wrong or None, whether the call was refused)."""
    ours, our_error = outcome(tarn.core, f, call)
    if f.avoid and f.avoid(call):
        return None if not our_error and by_oracle(f, call,
                                                   ours) else f"not as the oracle has it: {our_error or ours!r}", False
    theirs, their_error = outcome(mlx.core, f, call)
    if their_error or our_error:
        if their_error and our_error and type(our_error) is type(their_error):
            return None, True
        why = f"raises {our_error!r}, mlx {their_error!r}" if our_error or their_error else None
    else:
        why = compare(f, call, ours, theirs)
        if why and by_oracle(f, call, ours):
            why = None
    if why and any(predicate(call, ours, our_error) for _, predicate in f.agreed):
        why = None
    return why, bool(their_error)


# ---- running


class Report:
    def __init__(self):
        self.calls = collections.Counter()  # (function, dtype, layout)
        self.refused, self.failed = collections.Counter(), collections.Counter()
        self.failures = []

    def total(self):
        return sum(self.calls.values())

    def holes(self):
        """Cells of the table in which nothing was called."""
        return [(f.name, dtype, layout) for f in FUNCTIONS for dtype in f.dtypes for layout in f.layouts
                if not self.calls[f.name, dtype, layout]]

    def table(self):
        lines = [
            f"{'function':28} " + " ".join(f"{dtype:>11}" for dtype in ALL) +
            f"   (calls {', '.join(LAYOUTS)}; * all refused by mlx, - not taken)"
        ]
        for f in FUNCTIONS:
            if not any(self.calls[f.name, dtype, layout] for dtype in f.dtypes for layout in f.layouts):
                continue
            cells = [self.cell(f, dtype) for dtype in ALL]
            lines.append(f"{f.name:28} " + " ".join(f"{cell:>11}" for cell in cells))
        return "\n".join(lines)

    def cell(self, f, dtype):
        if dtype not in f.dtypes:
            return "-"
        counts = [self.calls[f.name, dtype, layout] for layout in LAYOUTS]
        refused = sum(self.refused[f.name, dtype, layout] for layout in LAYOUTS)
        return "/".join(map(str, counts)) + ("*" if refused == sum(counts) else "")


def seed_of(f, dtype, layout, n, seed):
    return [n, sum(f.name.encode()), len(f.name), ALL.index(dtype), LAYOUTS.index(layout), *([seed] if seed else [])]


def run(rounds, names=None, most_failures=3, seed=0):
    """Calls each function in each cell of the table `rounds` times, and at least 60 times. Of each function's failures
    the first are kept. Each seed draws other calls."""
    report = Report()
    for f in FUNCTIONS:
        if names and f.name not in names:
            continue
        times = max(rounds, math.ceil(60 / (len(f.dtypes) * len(f.layouts))), math.ceil(5 / len(f.layouts)))
        for dtype in f.dtypes:
            for layout in f.layouts:
                for n in range(times):
                    call = f.make(Draw(seed_of(f, dtype, layout, n, seed), dtype, layout))
                    why, refused = judge(f, call)
                    report.calls[f.name, dtype, layout] += 1
                    report.refused[f.name, dtype, layout] += refused
                    if why and report.failed[f.name] < most_failures:
                        report.failures.append(f"{f.name}({call}): {why}")
                    report.failed[f.name] += bool(why)
    return report
