"""What an installation gives: a program, and a library that the README's C example is compiled against with
pkg-config."""

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


def test_says_where_the_library_is(tmp_path):
    """Without DESTDIR an installation is for this machine: what the dynamic linker will not find is said."""
    if not (BUILD / "libtarn.so").exists():
        pytest.skip(f"{BUILD} is not built")
    said = subprocess.run(
        ["cmake", "--install", str(BUILD), "--prefix", str(tmp_path)], capture_output=True, text=True, check=True)
    library = next(tmp_path.glob("lib*/**/libtarn.so")).parent
    assert f"LD_LIBRARY_PATH={library}" in said.stderr and f"PKG_CONFIG_PATH={library}/pkgconfig" in said.stderr
    quiet = subprocess.run(["cmake", "--install", str(BUILD), "--prefix", "/opt/tarn"], capture_output=True, text=True,
                           check=True, env={**os.environ, "DESTDIR": str(tmp_path / "root")})
    assert quiet.stderr == ""


CMAKE_PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(example C)
find_package(tarn 0.1 REQUIRED)
add_executable(example example.c)
target_link_libraries(example PRIVATE tarn::tarn)
"""


def test_cmake_package(installed, tmp_path):
    """find_package in a project of its own; the installation may be moved."""
    if os.environ.get("TARN_SANITIZED"):
        pytest.skip("sanitizers' flags belong to the compiler's command line")
    moved = tmp_path / "moved"
    shutil.copytree(installed, moved, symlinks=True)
    (tmp_path / "example.c").write_text(readme_example())
    (tmp_path / "CMakeLists.txt").write_text(CMAKE_PROJECT)
    run(["cmake", "-S", tmp_path, "-B", tmp_path / "out", f"-DCMAKE_PREFIX_PATH={moved}"])
    run(["cmake", "--build", tmp_path / "out"])
    assert run([tmp_path / "out/example"]) == "0.6397 0.1362 0.0196\n"


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
