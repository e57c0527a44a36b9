"""python_functions.py OUT TABLE ROWS...: writes the functions of tarn.core from their rows: OUT/functions.c (parsers and method tables) and the
stubs OUT/core/*.pyi. TABLE is src/table/elementwise.def, whose rows are functions by themselves; ROWS are python/functions/*.def, written in
Python's syntax but never run. docs/design/python.md says what a row is."""

import ast
import builtins
import pathlib
import re
import sys
import textwrap

# What an annotation means in C: the parameter's declaration, the getter, and (of lists) what the expression calls by the parameter's name.
# {n} is the parameter's name, {d} its default.
KINDS = {
    "array": ("tarn_array *{n} = NULL", "get_array", None),
    "None | array": ("tarn_array *{n} = NULL", "get_optional_array", None),
    "int | array": ("tarn_array *{n} = NULL", "get_index", None),
    "int": ("int64_t {n} = {d}", "get_int", None),
    "Bytes": ("int64_t {n} = {d}", "get_bytes", None),
    "Seed": ("uint64_t {n} = {d}", "get_seed", None),
    "None | int": ("tarn_axis {n} = {d}", "get_optional_int", None),
    "float": ("double {n} = {d}", "get_float", None),
    "None | float": ("tarn_value {n} = {d}", "get_optional_float", None),
    "bool": ("bool {n} = {d}", "get_bool", None),
    "str": ("const char *{n} = {d}", "get_string", None),
    "None | str": ("const char *{n} = {d}", "get_optional_string", None),
    "Dtype": ("tarn_dtype {n} = {d}", "get_dtype", None),
    "Dtype | None": ("optional_dtype {n} = {d}", "get_optional_dtype", None),
    "object": ("PyObject *{n} = {d}", "get_object", None),
    "None | int | float | str": ("PyObject *{n} = {d}", "get_object", None),
    "Sequence[int]": ("int_list {n}_given CLEANUP(drop_ints) = {{{d}}}", "get_ints", "tarn_ints {n} = {n}_given.list"),
    "int | Sequence[int]": ("int_list {n}_given CLEANUP(drop_ints) = {{{d}}}", "get_int_or_ints", "tarn_ints {n} = {n}_given.list"),
    "int | tuple[int, int]": ("int_list {n}_given CLEANUP(drop_ints) = {{{d}}}", "get_int_or_two", "tarn_ints {n} = {n}_given.list"),
    "int | tuple[int, int, int]": ("int_list {n}_given CLEANUP(drop_ints) = {{{d}}}", "get_int_or_three", "tarn_ints {n} = {n}_given.list"),
    "None | Sequence[int]": ("int_list {n}_given CLEANUP(drop_ints) = {{{d}}}", "get_optional_ints", "tarn_ints {n} = {n}_given.list"),
    "None | int | Sequence[int]": ("int_list {n}_given CLEANUP(drop_ints) = {{{d}}}", "get_optional_int_or_ints", "tarn_ints {n} = {n}_given.list"),
    "Sequence[array]": ("array_list {n} CLEANUP(drop_arrays) = {{0}}", "get_arrays", None),
}
WEAK = {"scalar | array": False, "None | scalar | array": True}  # operands of one call; whether None is allowed
STREAM = "StreamOrDevice"
MODULES = ["core", "random", "linalg", "fft", "fast", "distributed", "metal", "cuda"]


class RowError(Exception):
    pass


def normal(annotation):
    """The annotation with None first and `list` and `tuple` as Sequence, as KINDS has them."""
    text = ast.unparse(annotation) if annotation else ""
    parts = [re.sub(r"^(list|tuple)\[(int|array)(, \.\.\.)?\]$", r"Sequence[\2]", part.strip()) for part in text.split("|")]
    if any(part.startswith(("Literal", "Callable")) for part in parts):
        return "str" if parts[0].startswith("Literal") else "object"
    order = ["None", "scalar", "int", "float", "bool", "array", "Sequence[int]"]
    parts.sort(key=lambda part: order.index(part) if part in order else len(order))
    text = " | ".join(parts)
    return {"None | Dtype": "Dtype | None"}.get(text, text)


class Parameter:
    def __init__(self, argument, default, kind):
        self.name, self.kind, self.default = argument.arg, kind, default
        self.annotation = normal(argument.annotation)
        self.text = ast.unparse(argument.annotation) if argument.annotation else ""
        known = self.annotation in KINDS or self.annotation in WEAK or self.annotation == STREAM or kind == "rest"
        if not known:
            raise RowError(f"parameter {self.name}: no kind of argument is written '{self.annotation}'")

    @property
    def c_name(self):
        return self.name + "_" if self.name in RESERVED else self.name

    def c_default(self):
        """The default in C, for the declaration of this kind."""
        absent = {"None | int": "{0}", "None | float": "{0}", "Dtype | None": "{0}", "object": "Py_None", "None | int | float | str": "Py_None"}
        if self.default is None or (isinstance(self.default, ast.Constant) and self.default.value is None):
            return absent.get(self.annotation, "0" if "int_list " in self.declaration() else "NULL" if "str" in self.annotation else "0")
        if self.annotation == "object":  # NULL: the default, which the expression knows
            return "NULL"
        if self.annotation in ("Dtype", "Dtype | None"):
            dtype = "TARN_" + self.default.id.upper().rstrip("_")
            return dtype if self.annotation == "Dtype" else "{true, " + dtype + "}"
        value = ast.literal_eval(self.default)
        if "int_list " in self.declaration():
            value = list(value) if isinstance(value, (list, tuple)) else [value]
            return ".list = " + (f"TARN_INTS({', '.join(map(str, value))})" if value else "TARN_0D")
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str):
            return '"' + value + '"'
        if self.annotation.startswith("None |"):
            return f"{{TARN_GIVEN, {value}}}"
        return repr(value)

    def declaration(self):
        return KINDS[self.annotation][0]


RESERVED = {"array", "nan", "stream", "double", "float", "int", "long", "short", "signed", "register", "default", "values", "p", "device_type", "stream_type"}


class Row:
    """A function: its signature, what computes it, and its words."""

    def __init__(self, module, definition, owner=None):
        self.module, self.name, self.owner = module, definition.name, owner
        self.aliases, self.own, self.is_method = [], [], False
        for decorator in definition.decorator_list:
            self.decorate(decorator)
        self.parameters = list(parameters_of(definition.args))
        self.returns = ast.unparse(definition.returns) if definition.returns else "None"
        self.doc = (ast.get_docstring(definition, clean=True) or "").strip()
        self.expression = expression_of(definition)
        self.signature = signature_of(definition)

    def decorate(self, decorator):
        if isinstance(decorator, ast.Name) and decorator.id == "method":
            self.is_method = True
        elif isinstance(decorator, ast.Call) and decorator.func.id in ("alias", "own"):
            names = self.aliases if decorator.func.id == "alias" else self.own
            names += [argument.value for argument in decorator.args]
        else:
            raise RowError(f"{self.name}: a row has no decorator '{ast.unparse(decorator)}'")

    @property
    def c_name(self):
        return f"{self.owner or self.module}_{self.name}"


def parameters_of(arguments):
    before = [(a, "only") for a in arguments.posonlyargs] + [(a, "either") for a in arguments.args]
    defaults = [None] * (len(before) - len(arguments.defaults)) + arguments.defaults
    for (argument, kind), default in zip(before, defaults):
        if argument.arg != "self":
            yield Parameter(argument, default, kind)
    if arguments.vararg:
        yield Parameter(arguments.vararg, None, "rest")
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
        yield Parameter(argument, default, "named")


def expression_of(definition):
    last = definition.body[-1]
    if not isinstance(last, ast.Return) or not isinstance(last.value, ast.Constant) or not isinstance(last.value.value, str):
        raise RowError(f"{definition.name}: a row ends with `return \"the C expression\"`")
    return last.value.value


def signature_of(definition):
    return f"({ast.unparse(definition.args)}) -> {ast.unparse(definition.returns) if definition.returns else 'None'}"


# ---- reading


def read_rows(path, module, rows, aliases, methods, examples):
    for statement in ast.parse(path.read_text(), filename=str(path)).body:
        if isinstance(statement, ast.FunctionDef):
            rows.append(Row(module, statement))
        elif isinstance(statement, ast.ClassDef) and statement.name == "array":
            rows += [Row(module, one, owner="array") for one in statement.body if isinstance(one, ast.FunctionDef)]
        elif isinstance(statement, ast.ClassDef):  # class random: the functions of a submodule
            rows += [Row(statement.name, one) for one in statement.body if isinstance(one, ast.FunctionDef)]
        elif isinstance(statement, ast.Assign) and statement.targets[0].id == "methods":
            methods += [name.id for name in statement.value.elts]
        elif isinstance(statement, ast.Assign) and statement.targets[0].id == "examples":
            examples.update(ast.literal_eval(statement.value))
        elif isinstance(statement, ast.Assign):  # acos = arccos
            aliases.append((statement.targets[0].id, statement.value.id))
        elif not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            raise RowError(f"{path}:{statement.lineno}: neither a function, an alias nor a list of methods")


ELEMENTWISE = {
    "UNARY": "def {name}(a: scalar | array, /, *, stream: StreamOrDevice = None) -> array",
    "BINARY": "def {name}(a: scalar | array, b: scalar | array, /, *, stream: StreamOrDevice = None) -> array",
}


def elementwise_rows(path, given, examples):
    """A function for each row of the table that no row of ours has."""
    text = re.sub(r"\n +", " ", path.read_text())
    for kind, name, doc in re.findall(r'^(UNARY|BINARY)\(([a-z0-9_]+),.*"([^"]*)"\)$', text, re.M):
        if name in given:
            continue
        operands = "a" if kind == "UNARY" else "a, b"
        doc = re.sub(r"\bx\b", "a", re.sub(r"\by\b", "b", doc)) if kind == "BINARY" else re.sub(r"\bx\b", "a", doc)
        if name not in examples:
            raise RowError(f"{name}: no example in python/functions/elementwise.def")
        arguments, result = examples[name]
        doc += f".\n\n>>> mx.{name}({arguments})\n{result}"
        source = ELEMENTWISE[kind].format(name=name) + f':\n    {doc!r}\n    return "tarn_{name}({operands})"\n'
        yield Row("core", ast.parse(source).body[0])


def collect(table, paths):
    rows, aliases, methods, examples = [], [], [], {}
    for path in paths:
        read_rows(path, "core", rows, aliases, methods, examples)
    given = {name for row in rows if row.module == "core" and not row.owner for name in [row.name, *row.aliases]}
    rows += elementwise_rows(table, given, examples)
    by_name = {row.name: row for row in rows if row.module == "core" and not row.owner}
    for new, old in aliases:
        by_name[old].aliases.append(new)
    for name in methods:
        by_name[name].is_method = True
    return rows


# ---- writing C


def c_text(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", '\\n"\n    "') + '"'


def table_of(row):
    parameters = row.parameters
    required = sum(1 << i for i, p in enumerate(parameters) if p.default is None and p.kind != "rest")
    only = sum(p.kind == "only" for p in parameters)
    positional = sum(p.kind in ("only", "either") for p in parameters)
    rest = "true" if any(p.kind == "rest" for p in parameters) else "false"
    names = ", ".join(f'"{p.name}"' for p in parameters) or "NULL"
    return (f"static const parameters parameters_{row.c_name} = {{\"{row.name}\", (const char *const[]){{{names}}}, {len(parameters)}, "
            f"{only}, {positional}, {required}u, {rest}}};\n")


def body_of(row):
    declarations, getters, after = [], [], []
    for i, p in enumerate(row.parameters):
        if p.kind == "rest" and p.annotation == "array":
            declarations.append(f"array_list {p.c_name} CLEANUP(drop_arrays) = {{0}};")
            getters.append(f"get_arrays(p, values, {i}, &{p.c_name})")
        elif p.kind == "rest":
            declarations.append(f"PyObject *{p.c_name} = values[{i}];")
        elif p.annotation == STREAM:
            declarations.append("stream_choice choice CLEANUP(restore_stream) = {0};")
            getters.insert(0, f"choose_stream(values[{i}], &choice)")
        elif p.annotation not in WEAK:
            declaration, getter, then = KINDS[p.annotation]
            target = p.c_name + ("_given" if then else "")
            declarations.append(declaration.format(n=p.c_name, d=p.c_default()) + ";")
            getters.append(f"{getter}(p, values, {i}, &{target})")
            if then:
                after.append(then.format(n=p.c_name) + ";")
    add_operands(row, declarations, getters, after)
    return declarations, getters, after


def add_operands(row, declarations, getters, after):
    """Scalars take the dtype of the first array among the operands, plain array parameters counted; those of @own are by themselves."""
    several = [(i, p) for i, p in enumerate(row.parameters) if p.annotation in {"array", *WEAK} and p.kind != "rest" and p.name not in row.own]
    groups = [several] + [[(i, p)] for i, p in enumerate(row.parameters) if p.name in row.own]
    needed = [f"values[{i}]" for i, p in enumerate(row.parameters) if p.annotation == "scalar | array" and p.name in row.own]
    if len(needed) > 1:
        getters.append(f"!refused_none((PyObject *[]){{{', '.join(needed)}}}, {len(needed)})")
    for number, group in enumerate(groups):
        if any(p.annotation in WEAK for i, p in group):
            operands = f"operands_{number}"
            declarations.append(f"tarn_array *{operands}[{len(group)}] = {{NULL}};")
            getters.append(f"as_operands((PyObject *[]){{{', '.join(operand_of(i, p) for i, p in group)}}}, {operands}, {len(group)})")
            after += [f"tarn_array *{p.c_name} = {or_default(f'{operands}[{k}]', p)};" for k, (i, p) in enumerate(group) if p.annotation in WEAK]


def operand_of(i, p):
    return f"values[{i}] == Py_None ? NULL : values[{i}]" if WEAK.get(p.annotation) else f"values[{i}]"


def or_default(operand, p):
    number = p.default.value if isinstance(p.default, ast.Constant) else None
    if number is None:
        return operand
    made = f"tarn_scalar({number}, TARN_FLOAT32)" if isinstance(number, float) else f"tarn_scalar_int({number}, TARN_INT32)"
    return f"{operand} ? {operand} : {made}"


def result_of(row):
    expression = row.expression
    tuple_of = re.fullmatch(r"tuple\[((?:array(?:, )?)+)\]", row.returns)
    if tuple_of:
        count = row.returns.count("array")
        return [f"tarn_array *out[{count}] = {{NULL}};", f"return {expression} ? new_tuple(out, {count}) : raise_error();"]
    if row.returns in ("list[array]", "tuple[array, ...]"):
        make = "new_list" if row.returns.startswith("list") else "new_tuple"
        return ["array_list out CLEANUP(drop_arrays) = {0};", f"return {expression} ? {make}(out.list, out.count) : raise_error();"]
    simple = {"array": "new_array", "bool": "new_bool", "int": "new_int", "Dtype": "new_dtype"}
    if row.returns in simple:
        return [f"return {simple[row.returns]}({expression});"]
    if row.returns == "None":
        return [f"return {expression} ? new_none() : raise_error();"]
    return [f"return {expression};"]


def uses(lines, name):
    return any(re.search(rf"\b{name}\b", line) for line in lines)


def write_function(row):
    declarations, getters, after = body_of(row)
    condition = " && ".join(getters) or "true"
    first = ["tarn_array *a = held_array(self);"] if row.owner else []
    lines = ["TARN_SCOPE;", *first, *declarations, *([f"if (!({condition}))\n        return NULL;"] if getters else []), *after, *result_of(row)]
    silent = [f"(void){name};" for name in ("self", "p", "values") if not uses(lines, name)]
    text = table_of(row)
    text += f"static PyObject *call_{row.c_name}(PyObject *self, const parameters *p, PyObject **values) {{\n    " + "\n    ".join(silent + lines) + "\n}\n"
    if not row.owner:
        text += entry(row, "function", 0)
    if row.is_method or row.owner:
        text += entry(row, "method", 0 if row.owner else 1)
    return text


def entry(row, kind, given):
    """The function that Python calls. Of a method whose row is a function's, the first value is the array itself."""
    rest = next((i for i, p in enumerate(row.parameters) if p.kind == "rest"), None)
    lines = [f"PyObject *values[{max(len(row.parameters), 1)}] = {{{'self' if given else 'NULL'}}};"]
    call = f"collect(&parameters_{row.c_name}, {given}, args, count, names, values) ? call_{row.c_name}(self, &parameters_{row.c_name}, values) : NULL"
    if rest is None:
        lines += [f"return {call};"]
    else:
        lines += [f"PyObject *result = {call};", f"Py_XDECREF(values[{rest}]);", "return result;"]
    return (f"static PyObject *{kind}_{row.c_name}(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {{\n    "
            + "\n    ".join(lines) + "\n}\n")


def doc_of(row, name, method=False):
    signature = row.signature
    if method and not row.owner:
        signature = re.sub(r"^\((\w+): [^,/)]*(, /)?", "(self", signature)
    return f"{name}{plain(signature)}\n--\n\n{name}{signature}\n\n{row.doc}"


def plain(signature):
    """Names and defaults alone, as inspect reads __text_signature__."""
    tree = ast.parse(f"def f{signature}: pass").body[0]
    every = tree.args.posonlyargs + tree.args.args + tree.args.kwonlyargs + ([tree.args.vararg] if tree.args.vararg else [])
    for argument in every:
        argument.annotation = None
    for default_list in (tree.args.defaults, tree.args.kw_defaults):
        for i, default in enumerate(default_list):
            if isinstance(default, ast.Name):
                default_list[i] = ast.Constant(None)
    return f"({ast.unparse(tree.args)})"


def write_tables(rows):
    text = ""
    for module in MODULES:
        entries = []
        for row in rows:
            if row.module == module and not row.owner:
                for name in [row.name, *row.aliases]:
                    entries.append(f'    {{"{name}", METHOD(function_{row.c_name}), FAST, {c_text(doc_of(row, name))}}},')
        text += f"static PyMethodDef functions_{module}[] = {{\n" + "\n".join(sorted(entries)) + "\n    {0}};\n"
    text += "const module_functions modules_of_rows[] = {\n" + "".join(f'    {{"{m}", functions_{m}}},\n' for m in MODULES) + "};\n"
    text += "const int modules_of_rows_count = COUNT(modules_of_rows);\n"
    methods = [(row.name, row) for row in rows if row.is_method or row.owner]
    methods += [(alias, row) for row in rows if row.is_method for alias in row.aliases if alias in METHOD_ALIASES]
    text += "PyMethodDef methods_of_rows[] = {\n" + "".join(
        f'    {{"{name}", METHOD(method_{row.c_name}), FAST, {c_text(doc_of(row, name, True))}}},\n' for name, row in methods) + "    {0}};\n"
    return text


METHOD_ALIASES = {"conj"}

HEAD = """/* Made by tools/python_functions.py from python/functions/ and src/table/elementwise.def. */
#include "extension.h"
#include "special.h"

"""


def write_c(rows):
    return HEAD + "\n".join(map(write_function, rows)) + "\n" + write_tables(rows)


# ---- writing stubs


STUB_HEAD = {
    "core": """import enum
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from tarn.core import {modules}

scalar: TypeAlias = bool | int | float | complex
Bytes: TypeAlias = int
Seed: TypeAlias = int
StreamOrDevice: TypeAlias = "Stream | ThreadLocalStream | Device | DeviceType | None"
""",
    "other": """from collections.abc import Callable, Sequence
from typing import Any, Literal
{imports}""",
}


def import_of_core(text):
    """The line that imports what a module's stub needs of tarn.core: not all of it, which has names that the module has,
    too."""
    tree = ast.parse(text)
    own = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    names = sorted(used - own - set(dir(builtins)) - {"Any", "Callable", "Literal", "Sequence"})
    return f"\nfrom tarn.core import {', '.join(names)}\n" if names else ""


def stub(name, signature, doc, indent=""):
    signature = re.sub("-> object$", "-> Any", signature)  # one of several types, which the caller knows
    body = f'"""{doc}\n"""' if "\n" in doc else f'"""{doc}"""'
    text = f"def {name}{signature}:\n" + textwrap.indent(body.replace("\\", "\\\\"), "    ") + "\n    ...\n"
    return textwrap.indent(text, indent)


def with_self(row):
    if row.owner:
        return row.signature if row.signature.startswith("(self") else row.signature.replace("(", "(self, ", 1)
    return re.sub(r"^\((\w+): [^,/)]*(, /)?", "(self", row.signature)


def write_stubs(rows, folder, written):
    folder.mkdir(parents=True, exist_ok=True)
    for module in MODULES:
        own = [row for row in rows if row.module == module and not row.owner]
        text = ""
        if module == "core":
            text += written.read_text()
            text += "\n".join(stub(row.name, with_self(row), row.doc, "    ") for row in rows if row.is_method or row.owner) + "\n"
        elif (beside := written.with_name(f"stub_{module}.pyi")).exists():
            text += beside.read_text()
        text += "\n".join(stub(name, row.signature, row.doc) for row in own for name in [row.name, *row.aliases])
        head = (STUB_HEAD["core"].format(modules=", ".join(f"{m} as {m}" for m in MODULES[1:])) if module == "core" else
                STUB_HEAD["other"].format(imports=import_of_core(text)))
        path = folder / ("__init__.pyi" if module == "core" else f"{module}.pyi")
        path.write_text(head + "\n" + text)


def main():
    out, table, written, *paths = map(pathlib.Path, sys.argv[1:])
    try:
        rows = collect(table, paths)
        text = write_c(rows)
    except RowError as error:
        sys.exit(f"python_functions.py: {error}")
    out.mkdir(parents=True, exist_ok=True)
    (out / "functions.c").write_text(text)
    write_stubs(rows, out / "core", written)


main()
