"""Every public name of mlx.nn, mlx.optimizers and mlx.utils is there, and takes the same arguments."""

import doctest
import importlib
import inspect
import re
import types

import pytest
from nn_sides import TARN

MODULES = [
    "nn",
    "nn.init",
    "nn.losses",
    "nn.utils",
    "nn.layers",
    *[
        f"nn.layers.{name}"
        for name in (
            "activations base containers convolution convolution_transpose distributed dropout embedding linear "
            "normalization pooling positional_encoding quantized recurrent transformer upsample"
        ).split()
    ],
    "optimizers",
    "optimizers.optimizers",
    "optimizers.schedulers",
    "utils",
]


def public(module):
    """The names that mlx defines in the module, or in modules below it."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, types.ModuleType)
        and getattr(value, "__module__", "").startswith(module.__name__)
    }


def pairs():
    for name in MODULES:
        theirs = importlib.import_module(f"mlx.{name}")
        for attribute in public(theirs):
            yield pytest.param(name, attribute, id=f"{name}.{attribute}")


def parameters(function):
    """Name, kind and default of each parameter; of a default that is a function, that it is one."""
    plain = lambda default: "function" if callable(default) and default is not inspect._empty else str(default)
    found = inspect.signature(function).parameters.values()
    return [(p.name, p.kind, plain(p.default).replace("mlx.", "tarn.")) for p in found]


@pytest.mark.parametrize("module, name", list(pairs()))
def test_takes_the_same_arguments(module, name):
    theirs = getattr(importlib.import_module(f"mlx.{module}"), name)
    ours = getattr(importlib.import_module(f"tarn.{module}"), name)
    assert inspect.isclass(theirs) == inspect.isclass(ours)
    assert parameters(ours) == parameters(theirs)
    if inspect.isclass(theirs):
        for method, value in vars(theirs).items():
            if callable(getattr(theirs, method)) and (not method.startswith("_") or method == "__call__"):
                assert parameters(getattr(ours, method)) == parameters(getattr(theirs, method)), method
            elif isinstance(value, property):
                assert isinstance(inspect.getattr_static(ours, method), property), method


def test_nothing_is_missing():
    for module in MODULES:
        theirs, ours = importlib.import_module(f"mlx.{module}"), importlib.import_module(f"tarn.{module}")
        assert public(theirs).keys() <= vars(ours).keys(), module


def test_all_of_ours_says_what_it_does():
    for module in MODULES:
        ours = importlib.import_module(f"tarn.{module}")
        assert ours.__doc__, module
        for name, value in vars(ours).items():
            if getattr(value, "__module__", "") == ours.__name__ and not name.startswith("_"):
                assert inspect.getdoc(value), f"{module}.{name}"


def functions_of(value):
    """A function, or those written in a class."""
    if inspect.isclass(value):
        for inside in vars(value).values():
            plain = getattr(inside, "fget", None) or getattr(inside, "__func__", inside)
            written = inspect.isfunction(plain) and inspect.getfile(plain) == inspect.getfile(value)
            if written and re.match("[a-zA-Z]|__", plain.__name__):
                yield plain
    elif inspect.isfunction(value):
        yield value


LM = [f"lm.{name}" for name in "batch chat generate load prompt_cache sample tokenizer".split()]


@pytest.mark.parametrize("module", [*MODULES, "training", *LM])
def test_a_strict_type_checker_knows_what_is_called(module):
    """A function without any annotation is an error wherever a program calls it, says mypy --strict."""
    ours = importlib.import_module(f"tarn.{module}")
    for name, value in vars(ours).items():
        if getattr(value, "__module__", "") == ours.__name__ and not name.startswith("_"):
            for function in functions_of(value):
                assert function.__annotations__, f"{module}.{function.__qualname__}"


WITH_EXAMPLES = """nn.losses nn.init nn.utils nn.layers.base nn.layers.upsample optimizers.schedulers
optimizers.optimizers utils training"""


@pytest.mark.parametrize("module", WITH_EXAMPLES.split())
def test_examples_of_the_help(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some write files
    names = {"mx": TARN.mx, "nn": TARN.nn, "optimizers": TARN.optim, "tree_flatten": TARN.utils.tree_flatten}
    failed, tried = doctest.testmod(importlib.import_module(f"tarn.{module}"), extraglobs=names)
    assert tried and not failed
