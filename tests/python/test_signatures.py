"""The functions of tarn.core take what those of mlx take: parameters of the same names, in the same order, with the
same defaults."""

import ast
import re

import pytest

mlx = pytest.importorskip("mlx.core")
mx = pytest.importorskip("tarn.core")

MODULES = ["", "random", "linalg", "fft", "fast", "distributed", "metal", "cuda"]
# mlx accepts what its text does not say, or the other way round: `where.name: reason` in docs/differences.md.
OTHERWISE = set()


def module_of(root, name):
    return getattr(root, name) if name else root


def functions():
    for module in MODULES:
        for name in dir(module_of(mx, module)):
            other = getattr(module_of(mlx, module), name, None)
            if not name.startswith("_") and getattr(other, "__nb_signature__", None) and callable(
                    getattr(module_of(mx, module), name)):
                if len(other.__nb_signature__) == 1 and not isinstance(other, type):
                    yield f"{module}.{name}".lstrip(".")


def parts_of(text):
    """Parameter texts between commas that stand in no brackets."""
    depth, start = 0, 0
    for i, c in enumerate(text + ","):
        depth += (c in "[(") - (c in "])")
        if c == "," and depth == 0:
            yield text[start:i].strip()
            start = i + 1


def theirs(function):
    """(name, default text) of each parameter of mlx's signature."""
    text, _, defaults = (*function.__nb_signature__[0], None)[:3]
    text = re.sub(r"\s+", " ", text)
    text = text[text.index("(") + 1 : text.rindex(") ->" if ") ->" in text else ")")]
    for part in parts_of(text):
        name, _, default = part.rpartition(" = ") if " = " in part else (part, "", "")
        name = name.partition(":")[0].strip()
        if name and name not in ("*", "/"):
            default = default.strip()
            yield name, repr(defaults[int(default[1:])]) if default.startswith("\\") else default


def ours(function):
    """The same of the first line of our help, which is Python's syntax."""
    text = function.__doc__.splitlines()[0]
    arguments = ast.parse(f"def f{text[text.index('('):]}: ...").body[0].args
    before = arguments.posonlyargs + arguments.args
    rest = ["*" + arguments.vararg.arg] if arguments.vararg else []
    defaults = [None] * (len(before) -
                         len(arguments.defaults)) + arguments.defaults + [None] * len(rest) + arguments.kw_defaults
    names = [a.arg for a in before] + rest + [a.arg for a in arguments.kwonlyargs]
    names += ["**" + arguments.kwarg.arg] if arguments.kwarg else []
    return zip(names, [ast.unparse(default) if default else "" for default in [*defaults, None]])


def same(default):
    default = default.replace('"', "'").replace("mlx.core.", "").replace("bool_", "bool")
    try:
        value = eval(default, {}) if default else None
        return list(value) if isinstance(value, (list, tuple)) else value
    except Exception:  # a dtype
        return default


@pytest.mark.parametrize("name", sorted(set(functions()) - OTHERWISE))
def test_signature(name):
    module, _, function = name.rpartition(".")
    our_parameters = list(ours(getattr(module_of(mx, module), function)))
    their_parameters = list(theirs(getattr(module_of(mlx, module), function)))
    assert [n for n, _ in our_parameters] == [n for n, _ in their_parameters]
    assert [same(d) for _, d in our_parameters] == [same(d) for _, d in their_parameters]
