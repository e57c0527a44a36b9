"""What every test needs: the build folder's place, the package, and, under sanitizers (tools/test.sh), their settings
for interpreters that tests start, which open the library, and for no other program: those have them linked in, or
none."""

import os
import pathlib
import shlex
import sys

SANITIZERS = ("LD_PRELOAD", "ASAN_OPTIONS", "LSAN_OPTIONS")
settings = {name: os.environ.pop(name) for name in SANITIZERS if name in os.environ}
if settings:
    program = pathlib.Path(os.environ["TARN_BUILD_DIR"], "sanitized-python")
    words = " ".join(f"{name}={shlex.quote(value)}" for name, value in settings.items())
    program.write_text(f'#!/bin/sh\n{words} exec {shlex.quote(sys.executable)} "$@"\n')
    program.chmod(0o755)
    sys.executable = str(program)

# tarn.core, as it was built, where it is not installed (tools/test.sh).
if "TARN_BUILD_DIR" in os.environ and "TARN_WHEEL" not in os.environ:
    package = os.path.join(os.environ["TARN_BUILD_DIR"], "python")
    sys.path.insert(0, package)
    # of processes that tests start
    os.environ["PYTHONPATH"] = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
