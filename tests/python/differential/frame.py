"""What is called, how results are compared, and the table of what was called."""

import collections
import itertools
import math
import os
import sys
import threading

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
    where mlx and Tarn differ by more, always if it is `held`, and alone where `avoid(call)` says that mlx is not to be
    asked (it would crash or not come back). `agreed` names known differences: (line of docs/differences.md, predicate(call, our values, our
    error))."""

    def __init__(self, name, make, dtypes, layouts, ulps, scale, oracle, held, avoid, agreed, run):
        self.name, self.make, self.dtypes, self.layouts = name, make, dtypes, layouts
        self.ulps, self.scale, self.oracle, self.held = ulps, scale, oracle, held
        self.avoid, self.agreed, self.run = avoid, agreed, run


FUNCTIONS = []


def function(*names, dtypes=ALL, layouts=LAYOUTS, ulps=0, scale="value", oracle=None, held=False, avoid=None,
             agreed=(), run=None):
    """Registers what draws the calls of these functions ("random.normal" of a submodule, "array.sum" of a method)."""

    def register(make):
        for name in names:
            one = oracle(name) if isinstance(oracle, _Named) else oracle
            FUNCTIONS.append(
                Function(name, make, list(dtypes), list(layouts), ulps, scale, one, held, avoid, agreed, run))
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


def in_numpy(function, call, change=lambda a: a):
    """What the function gives of the call's arguments in NumPy, each array of them changed before."""

    def argument(value):
        return change(value.numpy()) if isinstance(value, Array) else value

    return np.asarray(
        function(*map(argument, call.args), **{key: argument(value)
                                               for key, value in call.named.items()}))


def products(function):
    """The scale of sums of n products: n times the sum of their absolute values, to which the rounding of all of them
    may come, however small the sum that is left."""

    def one(a):
        return np.ones_like(a) if a.dtype.kind in "fc" else a  # indices stay

    return lambda call: in_numpy(function, call, np.abs) * in_numpy(function, call, one).real


def wanted_of(f, call, dtype, values):
    """NumPy's values, in the widest type, as they are in this dtype; None if NumPy refuses the call."""
    with np.errstate(all="ignore"):
        try:
            wanted = in_numpy(f.oracle, call)
        except (TypeError, ValueError):
            return None
        if dtype in ("float16", "bfloat16", "float32"):  # what overflows there is infinite
            most = np.finfo(dtype).max if dtype != "bfloat16" else 3.3895e38
            wanted = np.where(np.abs(wanted) > most, np.copysign(np.inf, wanted.real), wanted)
        if dtype == "complex64" and wanted.shape == values.shape:
            # beyond the largest, which part is infinite and which NaN is open
            open_to = (np.abs(wanted) > np.finfo(np.float32).max) & ~np.isfinite(values)
            wanted = np.where(open_to, values, wanted)
    return wanted


def by_oracle(f, call, ours, refused=False):
    """Whether the oracle's values are what we have: then mlx is the one that is off. A call that NumPy refuses decides
    nothing, which counts as `refused`."""
    if not f.oracle or not isinstance(ours, tuple):
        return False
    wanted = wanted_of(f, call, *ours)
    if wanted is None:
        return refused
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
        elif not why and f.held and ours[0] in EPSILON and not by_oracle(f, call, ours, refused=True):
            why = "as mlx, but not as the oracle has it"
    if why and any(predicate(call, ours, our_error) for _, predicate in f.agreed):
        why = None
    return why, bool(their_error)


# ---- running


class Watch(threading.Thread):
    """Ends the process if a call takes so many seconds, and names the call: mlx does not come back from some, for which
    there is `avoid`. Seconds in which the process is halted do not count."""

    def __init__(self, seconds):
        super().__init__(daemon=True)
        self.seconds, self.at, self.done = seconds, None, threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.done.set()
        self.join()

    def run(self):
        at, seconds = None, 0
        while not self.done.wait(1):
            seconds = seconds + 1 if self.at is at else 0
            at = self.at
            if at and seconds >= self.seconds:
                print("does not come back: {0}({2}), {1.dtype}, {1.layout}".format(*at), file=sys.stderr, flush=True)
                os._exit(1)


class Report:
    def __init__(self):
        self.calls = collections.Counter()  # (function, dtype, layout)
        self.refused, self.failed = collections.Counter(), collections.Counter()
        self.failures = []

    def add(self, f, dtype, layout, call, most_failures):
        why, refused = judge(f, call)
        self.calls[f.name, dtype, layout] += 1
        self.refused[f.name, dtype, layout] += refused
        if why and self.failed[f.name] < most_failures:
            self.failures.append(f"{f.name}({call}): {why}")
        self.failed[f.name] += bool(why)

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


def rounds_of(f, rounds):
    """Of each cell of the table: 60 calls of a function and 5 of a dtype at least."""
    return max(rounds, math.ceil(60 / (len(f.dtypes) * len(f.layouts))), math.ceil(5 / len(f.layouts)))


def run(rounds, names=None, most_failures=3, seed=0, patience=120):
    """Calls each function in each cell of the table `rounds` times, and at least 60 times. Of each function's failures
    the first are kept. Each seed draws other calls. A call may take `patience` seconds."""
    report = Report()
    with Watch(patience) as watch:
        for f in FUNCTIONS:
            if names and f.name not in names:
                continue
            for dtype, layout in itertools.product(f.dtypes, f.layouts):
                for n in range(rounds_of(f, rounds)):
                    draw = Draw(seed_of(f, dtype, layout, n, seed), dtype, layout)
                    call = f.make(draw)
                    watch.at = f.name, draw, call
                    report.add(f, dtype, layout, call, most_failures)
    return report
