"""What an installation gives: a program, and a library that the README's C example is compiled against with pkg-config."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TARN_BUILD_DIR", ROOT / "build"))
STRICT = ["-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def run(command, **variables):
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **variables})
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    if not (BUILD / "libtarn.so").exists():
        pytest.skip(f"{BUILD} is not built")
    folder = tmp_path_factory.mktemp("root")
    run(["cmake", "--install", str(BUILD), "--prefix", "/opt/tarn"], DESTDIR=str(folder))
    return folder / "opt/tarn"


def readme_example():
    return re.search(r"```c\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL).group(1)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_readme_example(installed, tmp_path, compiler):
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler}")
    if os.environ.get("TARN_SANITIZED") and compiler != os.environ.get("TARN_CC"):
        pytest.skip("another compiler's sanitizers")
    (tmp_path / "example.c").write_text(readme_example())
    description = next(installed.glob("lib*/**/tarn.pc"))
    flags = run(["pkg-config", "--cflags", "--libs", "tarn"], PKG_CONFIG_PATH=str(description.parent)).split()
    sanitizers = ["-fsanitize=address,undefined"] if os.environ.get("TARN_SANITIZED") else []
    program = tmp_path / "example"
    run([compiler, *STRICT, *sanitizers, tmp_path / "example.c", "-o", program, *flags])
    output = run([program], LD_LIBRARY_PATH=str(description.parent.parent))
    assert output == "0.6397 0.1362 0.0196\n"


def test_headers_in_cxx(installed, tmp_path):
    if not shutil.which("g++"):
        pytest.skip("no g++")
    (tmp_path / "empty.cc").write_text("#include <tarn/tarn.h>\n")
    run(["g++", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{installed}/include", tmp_path / "empty.cc"])


def test_installed_program(installed):
    assert run([installed / "bin/tarn", "--version"]).startswith("tarn ")
