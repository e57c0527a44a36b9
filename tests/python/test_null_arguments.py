"""Every function of the public headers with nothing in its arguments: NULL for pointers, zeros for structs, three sizes
and counts. It must come back, and where it gives an array, text or truth, and does not give one, it must have set an
error. Each call is made in a process of its own, within a scope and without. tests/test_arguments.c and test_lm_null.c
look at the words of the errors."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TARN_BUILD_DIR", ROOT / "build"))
NUMBERS = {"int", "int32_t", "int64_t", "uint32_t", "uint64_t", "size_t", "double", "float"}
SIZES = (0, 3, -1)
# What says by NULL or false that there is nothing there, which is no error: look-ups, and what takes an array that an
# operation gave, which has set the error if it is NULL.
NOTHING = """tarn_assign tarn_hold tarn_imported_signature tarn_is_computed tarn_is_given_away tarn_keep tarn_move tarn_own tarn_parameters_at tarn_parameters_path
    tarn_results_arrays tarn_results_attached tarn_return tarn_tensors_at tarn_tensors_get tarn_tensors_metadata tarn_tensors_metadata_at
    tarn_tensors_name tarn_tensors_note tarn_tokenizer_found tarn_use_stream""".split()
PROGRAM = r"""
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
%s
enum { SILENT = 44, PATIENCE = 60 };
%s
static const struct { const char *name; int size; void (*call)(void); } calls[] = {%s};
static int try_call(int i, int scoped) {
    fflush(stdout);
    pid_t child = fork();
    int status;
    if (child) return waitpid(child, &status, 0) == child ? status : -1;
    alarm(PATIENCE);
    if (scoped) {
        TARN_SCOPE;
        calls[i].call();
    } else {
        calls[i].call();
    }
    _exit(0);
}
int main(void) {
    for (int i = 0; i < (int)(sizeof calls / sizeof *calls); i++)
        for (int scoped = 0; scoped < 2; scoped++) {
            int status = try_call(i, scoped);
            if (!status) continue;
            printf("%%s of %%d, %%s a scope: %%s\n", calls[i].name, calls[i].size, scoped ? "within" : "without",
                   WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "nothing, and no error");
        }
    return 0;
}
"""


def headers():
    return sorted((ROOT / "include/tarn").glob("*.h")) + [BUILD / "include/tarn/elementwise.h"]


def declared(path):
    """(return type, name, parameters) of each function of a header."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S).replace("\\\n", " ")
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for found in re.finditer(r"TARN_API\s+([^;{}()]*?)\b(tarn_\w+)\(((?:[^()]|\([^()]*\))*)\)[^;{]*;", text):
        parameters = re.sub(r"\s+", " ", found[3]).replace("TARN_ABSENT", "").strip()
        yield found[1].strip(), found[2], [] if parameters == "void" else re.split(r",\s*(?![^(]*\))", parameters)


def argument(parameter, size):
    if "*" in parameter or "[" in parameter:
        return "NULL"
    kind = parameter.strip().rsplit(" ", 1)[0] if " " in parameter.strip() else parameter.strip()
    return f"({kind}){size}" if kind in NUMBERS else f"({kind}){{0}}"


def statement(result, name, parameters, size):
    call = f"{name}({', '.join(argument(p, size) for p in parameters if p != '...')})"
    gives = "*" in result or result == "bool"
    if gives and any("*" in p for p in parameters) and name not in NOTHING:
        return f"if (!{call} && tarn_ok()) _exit(SILENT);"
    return f"(void){call};"


def test_null(tmp_path):
    library = BUILD / "libtarn.so"
    if not library.exists():
        pytest.skip(f"{BUILD} is not built")
    functions = {name: (result, parameters) for path in headers() for result, name, parameters in declared(path)}
    assert len(functions) > 600
    bodies, rows = [], []
    for name, (result, parameters) in functions.items():
        for size in SIZES:
            bodies.append(f"static void call{len(rows)}(void) {{ {statement(result, name, parameters, size)} }}")
            rows.append(f'{{"{name}", {size}, call{len(rows)}}}')
    includes = "\n".join(f"#include <tarn/{path.name}>" for path in headers())
    source, program = tmp_path / "null.c", tmp_path / "null"
    source.write_text(PROGRAM % (includes, "\n".join(bodies), ",\n".join(rows)))
    flags = ["-fsanitize=address,undefined"] if os.environ.get("TARN_SANITIZED") else []
    subprocess.run([
        os.environ.get("TARN_CC", "gcc"), "-w", "-D_GNU_SOURCE", *flags, source, f"-I{ROOT / 'include'}",
        f"-I{BUILD / 'include'}", library, f"-Wl,-rpath,{BUILD}", "-o", program
    ], check=True)
    said = subprocess.run([program], capture_output=True, text=True, timeout=600)
    assert said.returncode == 0 and said.stdout == "", said.stdout
