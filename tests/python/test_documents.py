"""The examples in README.md and docs/*.md do what they say. A block ```python is a session as Python's doctest reads
it; the blocks of a page share their names, and `mx` is tarn.core. A block ```c is a program, or statements that stand
in a scope; a block ```text after it is what it prints. Blocks of other kinds are not run."""

import doctest
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("TARN_BUILD_DIR", ROOT / "build"))
LIBRARY = Path(os.environ.get("TARN_LIBRARY", BUILD / "libtarn.so"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)

STATEMENTS = """#include <stdio.h>
#include <tarn/tarn.h>
int main(void) {
    TARN_SCOPE;
    %s
    if (!tarn_ok()) fprintf(stderr, "%%s\\n", tarn_error());
    return !tarn_ok();
}
"""


def blocks(page):
    """(kind, text, line) of each block."""
    text = page.read_text()
    return [(found[1], found[2], text[: found.start()].count("\n") + 1) for found in BLOCK.finditer(text)]


def with_kind(kind):
    return [pytest.param(page, id=page.name) for page in PAGES if any(block[0] == kind for block in blocks(page))]


@pytest.mark.parametrize("page", with_kind("python"))
def test_python(page, tmp_path, monkeypatch):
    names = {"mx": pytest.importorskip("tarn.core", reason="the Python package is not built")}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").symlink_to(ROOT / "models")  # as if at the top of the tree
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    told = []
    for kind, text, line in blocks(page):
        if kind == "python":
            test = doctest.DocTestParser().get_doctest(text, names, page.name, str(page), line)
            assert test.examples, f"{page.name}:{line}: a python block without >>>"
            runner.run(test, out=told.append, clear_globs=False)
            names = test.globs
    assert not runner.failures, "".join(told)


def c_programs():
    for page in PAGES:
        found = blocks(page)
        for i, (kind, text, line) in enumerate(found):
            if kind == "c":
                printed = found[i + 1][1] if i + 1 < len(found) and found[i + 1][0] == "text" else None
                yield pytest.param(text, printed, id=f"{page.name}:{line}")


@pytest.mark.parametrize("text, printed", list(c_programs()))
def test_c(text, printed, tmp_path):
    program = text if re.search(r"\bmain\(", text) else STATEMENTS % text.replace("\n", "\n    ")
    (tmp_path / "program.c").write_text(program)
    compiler = [os.environ.get("TARN_CC", "gcc"), "-std=c17", "-Wall", "-Wextra", "-Werror", "-Wno-unused-variable"]
    paths = [f"-I{ROOT}/include", f"-I{BUILD}/include", str(LIBRARY), f"-Wl,-rpath,{LIBRARY.parent}", "-lm"]
    if os.environ.get("TARN_SANITIZED"):
        paths.append("-fsanitize=address")
    built = subprocess.run([*compiler, "program.c", "-o", "program", *paths], cwd=tmp_path, capture_output=True,
                           text=True)
    assert built.returncode == 0, built.stderr
    ran = subprocess.run(["./program"], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr
    if printed is not None:
        assert ran.stdout.strip() == printed.strip()
