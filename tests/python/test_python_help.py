"""Every function and method of tarn.core that a row made has help with an example, and the example gives what it
says."""

import builtins
import doctest
import types

import pytest

mx = pytest.importorskip("tarn.core")

MODULES = ["random", "linalg", "fft", "fast", "distributed", "metal", "cuda"]


def functions():
    for module in [mx, *(getattr(mx, name) for name in MODULES)]:
        for name in sorted(dir(module)):
            function = getattr(module, name)
            if isinstance(function, types.BuiltinFunctionType) and not name.startswith("_"):
                yield pytest.param(function, id=f"{module.__name__}.{name}".removeprefix("tarn.core."))


@pytest.mark.parametrize("function", list(functions()))
def test_example(function, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    help_text = function.__doc__ or ""
    assert help_text.startswith((f"{function.__name__}(", "(file"))
    if function.__text_signature__ is None:
        pytest.fail("no signature")
    test = doctest.DocTestParser().get_doctest(help_text, {"mx": mx}, function.__name__, None, 0)
    assert test.examples, "no example"
    said = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    runner.run(test, out=said.append)
    mx.set_printoptions()
    assert runner.failures == 0, "".join(said)


def test_stubs_import_no_name_that_they_define():
    """Type checkers keep the first: mx.random.split was mx.split."""
    import ast
    import pathlib

    for name in MODULES:
        tree = ast.parse((pathlib.Path(mx.__file__).parent / "core" / f"{name}.pyi").read_text())
        imported = {alias.asname or alias.name
                    for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
        defined = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        assert "*" not in imported and not imported & defined, name
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not {one for one in used - imported - defined if hasattr(mx, one) and one not in dir(builtins)}, name


def test_stubs_name_everything():
    import ast
    import pathlib

    folder = pathlib.Path(mx.__file__).parent / "core"
    for name, module in [("__init__", mx), *((name, getattr(mx, name)) for name in MODULES)]:
        tree = ast.parse((folder / f"{name}.pyi").read_text())
        stubbed = {
            getattr(node, "name", None) or node.target.id
            for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AnnAssign))
        }
        stubbed |= {
            alias.asname or alias.name
            for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
        }
        missing = {one for one in dir(module) if not one.startswith("_")} - stubbed - {"state"}
        assert not missing, f"{name}.pyi lacks {sorted(missing)}"
        if name == "__init__":
            array = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "array")
            assert {one
                    for one in dir(mx.array) if not one.startswith("_")
                    } <= {node.name
                          for node in array.body if isinstance(node, ast.FunctionDef)}
