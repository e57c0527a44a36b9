"""told.py FILE RESULT: runs a file of statements, one after the other, and writes down what each gives: of every expression that stands by itself
(in loops and branches, too) the value, of what fails the exception's type. `mx`, `np` and `show` are there already. Run by test_statements.py under real mlx and under tarn.mlx."""

import ast
import pickle
import re
import sys

del sys.path[0]  # the files of statements are called like modules

import mlx.core as mx  # noqa: E402
import numpy as np  # noqa: E402


def plain(value):
    """A value as something that can be compared in another process."""
    if isinstance(value, mx.array):
        wide = value.astype(mx.float32) if value.dtype == mx.bfloat16 else value
        return ("array", str(value.dtype), value.shape, np.array(wide))
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [plain(one) for one in value])
    if isinstance(value, dict):
        return ("dict", [(plain(key), plain(value[key])) for key in sorted(value, key=str)])
    if isinstance(value, np.ndarray):
        return ("ndarray", str(value.dtype), value.shape, value)
    if isinstance(value, (int, float, complex, str, bytes, bool, type(None))):
        return (type(value).__name__, value)
    if isinstance(value, type):
        return ("type", value.__name__)
    return (type(value).__name__, re.sub(r" at 0x[0-9a-f]+", "", repr(value)))


class Told(ast.NodeTransformer):
    """Expressions that stand by themselves, and each argument of show(…), become calls of tell; the bodies of functions stay as they are."""

    def visit_Expr(self, node):
        called = node.value.func.id if isinstance(node.value, ast.Call) and isinstance(node.value.func,
            ast.Name) else None
        if called == "print" or isinstance(node.value,
                ast.Constant) or called == "show" and any(isinstance(value, ast.Starred) for value in node.value.args):
            return node
        return [ast.copy_location(self.told(value, node.lineno),
            node) for value in (node.value.args if called == "show" else [node.value])]

    @staticmethod
    def call(name, *arguments):
        return ast.Expr(ast.Call(ast.Name(name, ast.Load()), list(arguments), []))

    def told(self, value, line):
        return self.call("tell", ast.Constant(line), ast.Lambda(ast.arguments([], [], None, [], [], None, []), value))

    def visit_Assign(self, node):
        """Told as well, so that one that fails does not end the loop that it stands in."""
        error = ast.ExceptHandler(ast.Name("Exception", ast.Load()), "error",
            [self.call("failed", ast.Constant(node.lineno), ast.Name("error", ast.Load()))])
        return ast.copy_location(ast.Try([node, self.call("done", ast.Constant(node.lineno))], [error], [], []), node)

    visit_AugAssign = visit_Delete = visit_Assign

    def visit_FunctionDef(self, node):
        return node

    visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = visit_FunctionDef


def run(text, name):
    told = []

    def tell(line, later):
        try:
            told.append((line, plain(later())))
        except Exception as error:  # noqa: BLE001: whatever it is, both must raise it
            failed(line, error)

    def failed(line, error):
        told.append((line, ("raises", type(error).__name__, str(error))))

    def done(line):
        told.append((line, ("done", None)))

    def show(*values):
        for value in values:
            tell(sys._getframe(1).f_lineno, lambda value=value: value)

    names = {"mx": mx, "np": np, "tell": tell, "failed": failed, "done": done, "show": show, "__name__": "statements"}
    for statement in ast.parse(text).body:
        visited = Told().visit(statement)
        module = ast.fix_missing_locations(ast.Module(visited if isinstance(visited, list) else [visited], []))
        try:
            exec(compile(module, name, "exec"), names)  # noqa: S102
        except Exception as error:  # noqa: BLE001
            failed(statement.lineno, error)
    return told


if __name__ == "__main__":
    path, result = sys.argv[1:3]
    with open(path) as file:
        told = run(file.read(), path)
    with open(result, "wb") as file:
        pickle.dump(told, file)
