"""Makes the reference: a Markdown page for each public header, and an index of all functions.

    reference.py TO HEADER...

What a header begins with introduces its page; `/* ---- name: text */` begins a section; all else stands there as in the
header, without what serves the compiler only. How options reach a function (the macro around name_with, the markers of
its structure) is left out: a function is shown as it is called."""

import re
import sys
from pathlib import Path

BEGINNING = re.compile(r"/\*(.*?)\*/", re.S)
SECTION = re.compile(r"^/\* -{4} (.*?)(?:[:;.] (.*?))? *(?:\n \*)?/?\*/\n", re.S | re.M)
MACRO = r"^#define (?:tarn_\w+\(\.\.\.\)|TARN_REDUCTION|TARN_LOSS)(?:[^\n]*\\\n)*[^\n/]*(?:\n|(?=/))"
COMPILER = r'^(?:#(?:ifndef TARN_\w+_H|define TARN_\w+_H|ifdef __cplusplus|endif|include "tarn).*|extern "C" {|})$\n'
DECLARATION = re.compile(r"^TARN_API [^;]*?\b(tarn_\w+)\([^;]*;", re.M)


def sentence(words):
    """The text of a comment without its margin, as one begins a page or a section with."""
    lines = [re.sub(r"^ {0,3}(?:\* )?", "", line, count=1) for line in words.strip().splitlines()]
    return "\n".join(line.rstrip() for line in lines)


def capital(words):
    return words[:1].upper() + words[1:]


def shown(code):
    """Declarations as the reader writes them, and their comments."""
    for pattern, instead in [
        (MACRO, ""),
        (COMPILER, ""),
        (r"^ +int (?:begin_|end_);\n", ""),
        (r"\bTARN_API ", ""),
        (r"\b(tarn_\w+)_with\(", r"\1("),
        (r" TARN_ABSENT\b", ""),
        (r"\n {16,}(?=[^ /])", "\n    "),
        (r"^[ \t]+(?=/\*)", ""),
        (r"\n{3,}", "\n\n"),
    ]:
        code = re.sub(pattern, instead, code, flags=re.M)
    return code.strip()


def page(name, header):
    first = BEGINNING.match(header)
    lines = [f"# tarn/{name}.h", sentence(first[1])]
    title, *sections = SECTION.split(header[first.end() :])  # code, then (name, text, code) of each section
    for heading, words, code in [("", None, title), *zip(*[iter(sections)] * 3)]:
        lines += [f"## {capital(heading)}"] if heading else []
        lines += [capital(sentence(words))] if words else []
        lines += [f"```c\n{shown(code)}\n```"] if shown(code) else []
    return "\n\n".join(lines) + "\n"


def functions(header):
    """The public functions of a header, as they are called."""
    return {re.sub(r"_with$", "", name) for name in DECLARATION.findall(header)}


def main(to, headers):
    to = Path(to)
    to.mkdir(parents=True, exist_ok=True)
    rows = []
    for path in map(Path, headers):
        header = path.read_text()
        (to / f"{path.stem}.md").write_text(page(path.stem, header))
        rows += [f"| `{name}` | [{path.name}]({path.stem}.md) |" for name in functions(header)]
    (to / "README.md").write_text("# Reference\n\n| function | header |\n|---|---|\n" + "\n".join(sorted(rows)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
