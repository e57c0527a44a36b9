"""Random templates for comparison with Jinja2. Most are meaningful; some are errors, which both sides must agree on."""

import jinja_oracle as oracle

NAMES = [
    "x", "y", "z", "f", "t", "n", "s", "u", "e", "ws", "lines", "html", "l", "ls", "mixed", "nested", "d", "users",
    "messages", "missing"
]
SEQUENCES = ["l", "ls", "users", "messages", "mixed", "s", "range(5)", "d.items()", "tree", "[]", "d"]
LITERALS = [
    "0", "1", "2", "-1", "3.5", "1e2", "true", "false", "none", "''", "'a'", "'b c'", "'é😀'", "'%s-%s'", "' x '", "'l'",
    "[]", "[1, 2]", "['a', 'b']", "(1, 'x')", "{}", "{'a': 1}", "{'k': [1]}",
]  # fmt: skip
FILTERS = [
    "length", "trim", "upper", "lower", "title", "capitalize", "string", "list", "first", "last", "sort", "reverse",
    "unique", "join", "join(', ')", "join('-', attribute='name')", "int", "float", "abs", "round", "round(1)", "sum",
    "min", "max", "tojson", "tojson(indent=2)", "tojson(separators=(',', ':'))", "tojson(sort_keys=true)",
    "default('D')", "default('D', true)", "items", "dictsort", "map('upper')", "map('string')", "map(attribute='role')",
    "map(attribute='name', default='?')", "select", "reject", "select('odd')", "select('string')",
    "selectattr('role', 'equalto', 'user')", "rejectattr('age', 'defined')", "replace('a', 'b')",
    "replace('l', 'L', 1)", "indent", "indent(2, true)", "escape", "safe", "wordcount", "batch(2)", "slice(2)",
    "groupby('age')", "truncate(5)", "center(9)", "format(1)", "urlencode", "attr('b')", "count", "sort(reverse=true)",
    "dictsort(by='value')",
]  # fmt: skip
TESTS = [
    "defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "true", "false", "mapping",
    "iterable", "sequence", "odd", "even", "divisibleby 2", "divisibleby(3)", "eq 1", "ne 'a'", "in [1, 2]", "lower",
    "upper", "callable", "gt 1", "sameas none",
]  # fmt: skip
METHODS = [
    "upper()", "lower()", "strip()", "lstrip()", "rstrip()", "strip('a ')", "split()", "split('l')", "split(' ', 1)",
    "rsplit(none, 1)", "splitlines()", "startswith('H')", "endswith('d')", "replace('l', '')", "find('o')",
    "count('l')", "title()", "capitalize()", "join(['a', 'b'])", "get('a')", "get('q', 1)", "keys()", "values()",
    "items()", "index(1)", "count(1)", "isdigit()", "isalpha()", "partition(' ')", "append(1)", "pop()", "role", "name",
    "content", "b", "a.b.c", "0", "zfill(4)", "center(8, '*')",
]  # fmt: skip
BINARY = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]


def expression(r, depth=3):
    if depth <= 0 or r.random() < 0.15:
        return r.choice(NAMES + ["loop.index", "loop.last", "v", "ns.a"]) if r.random() < 0.65 else r.choice(LITERALS)
    inner = lambda: expression(r, depth - 1)
    kind = r.randrange(16)
    if kind < 3:
        return f"{inner()} {r.choice(BINARY)} {inner()}"
    if kind < 6:
        return f"{inner()} | {r.choice(FILTERS)}"
    if kind < 8:
        return f"({inner()}).{r.choice(METHODS)}"
    if kind == 8:
        return f"({inner()})[{inner()}]"
    if kind == 9:
        bounds = [r.choice(["", "0", "1", "2", "-1", "-2", "100", "x"]) for _ in range(3)]
        return f"{r.choice(NAMES)}[{':'.join(bounds[: r.choice([2, 3])])}]"
    if kind == 10:
        return f"({inner()} if {inner()} else {inner()})" if r.random() < 0.8 else f"({inner()} if {inner()})"
    if kind == 11:
        return f"{inner()} is {r.choice(['', 'not '])}{r.choice(TESTS)}"
    if kind == 12:
        return f"[{', '.join(inner() for _ in range(r.randrange(4)))}]"
    if kind == 13:
        return f"{{'a': {inner()}, {r.choice(LITERALS[:10])}: {inner()}}}"
    if kind == 14:
        return f"{r.choice(['not ', '-', '+'])}{inner()}"
    return f"({inner()})"


def space(r):
    return r.choice(["", "", " ", "\n", "\n  ", "  \n\n", "\t"])


def tag(r, body):
    return f"{space(r)}{{%{r.choice(['', '', '', '-', '+'])} {body} {r.choice(['', '', '', '-', '+'])}%}}{space(r)}"


def target(r):
    return r.choice(["v", "w", "x", "v, w", "ns.a"])


def statement(r, depth=3):
    if depth <= 0 or r.random() < 0.3:
        return r.choice([
            f"{{{{ {expression(r, 2)} }}}}", f"{{{{- {expression(r, 1)} -}}}}", "text", " \n text {\n", "{# note #}",
            "{#- note -#}\n"
        ])
    inner = lambda: body(r, depth - 1)
    kind = r.randrange(12)
    if kind < 3:
        branches = tag(r, f"elif {expression(r, 1)}") + inner() if r.random() < 0.3 else ""
        last = tag(r, "else") + inner() if r.random() < 0.5 else ""
        return tag(r, f"if {expression(r, 2)}") + inner() + branches + last + tag(r, "endif")
    if kind < 6:
        test = f" if {expression(r, 1)}" if r.random() < 0.2 else ""
        jump = tag(r, f"if {expression(r, 1)}") + tag(r, r.choice(["break", "continue"])) + tag(
            r, "endif") if r.random() < 0.3 else ""
        last = tag(r, "else") + inner() if r.random() < 0.2 else ""
        names = r.choice(["v", "v", "v", "v, w"])
        return tag(r, f"for {names} in {r.choice(SEQUENCES)}{test}") + jump + inner() + last + tag(r, "endfor")
    if kind < 8:
        return tag(r, f"set {target(r)} = {expression(r, 2)}")
    if kind == 8:
        return tag(r, f"set v{r.choice(['', ' | upper', ' | trim | length'])}") + inner() + tag(r, "endset") + "{{ v }}"
    if kind == 9:
        signature = r.choice(["a", "a, b=1", "a=x", ""])
        call = r.choice(["m(1)", "m()", "m(a=2)", "m(x, 3)", "m(b=1)"])
        return tag(r, f"macro m({signature})") + "{{ a }}" + inner() + tag(r, "endmacro") + f"{{{{ {call} }}}}"
    if kind == 10:
        return tag(r, f"filter {r.choice(['upper', 'trim', 'indent', 'replace(1, 2)', 'length'])}") + inner() + tag(
            r, "endfilter")
    return tag(r, f"with v = {expression(r, 1)}") + inner() + tag(r, "endwith")


def body(r, depth):
    return "".join(space(r) + statement(r, depth) for _ in range(r.randrange(1, 4)))


def template(r):
    if r.random() < 0.4:
        return "{{ " + expression(r, 4) + " }}"
    return "{% set ns = namespace(a=0) %}" + body(r, 3)


# Refused on purpose; Jinja2 goes on with an address in memory, an integer of any size, a seldom used method.
REFUSED = [
    "cannot be written as text", "does not fit in 64 bits", "is not supported", "takes too many steps", "exceeds"
]


def comparable(source, variables):
    text, _ = oracle.jinja(source, variables)
    if text is not None and " object at 0x" in text:
        return False
    _, error = oracle.tarn(source, variables)
    return error is None or not any(words in error for words in REFUSED)
