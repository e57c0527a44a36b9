"""What every test needs: the build folder's place, the package, and, under sanitizers (tools/test.sh), their settings
for interpreters that tests start, which open the library, and for no other program: those have them linked in, or
none."""

import os
import pathlib
import random
import shlex
import sys

import pytest
from seeds import SEED

SANITIZERS = ("LD_PRELOAD", "ASAN_OPTIONS", "LSAN_OPTIONS")
settings = {name: os.environ.pop(name) for name in SANITIZERS if name in os.environ}
if settings:
    program = pathlib.Path(os.environ["TARN_BUILD_DIR"], "sanitized-python")
    written = program.with_name(f"{program.name}-{os.getpid()}")  # files are tested beside each other
    words = " ".join(f"{name}={shlex.quote(value)}" for name, value in settings.items())
    written.write_text(f'#!/bin/sh\n{words} exec {shlex.quote(sys.executable)} "$@"\n')
    written.chmod(0o755)
    written.replace(program)
    sys.executable = str(program)

# tarn.core, as it was built, where it is not installed (tools/test.sh).
if "TARN_BUILD_DIR" in os.environ and "TARN_WHEEL" not in os.environ:
    package = os.path.join(os.environ["TARN_BUILD_DIR"], "python")
    sys.path.insert(0, package)
    # of processes that tests start
    os.environ["PYTHONPATH"] = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])

ROUNDS = int(os.environ.get("TARN_ROUNDS", "100"))


def share(items):
    """ROUNDS per cent of the cases of each test, drawn with the seed, and at least one."""
    draw, cases = random.Random(SEED), {}
    for item in items:
        cases.setdefault((item.path, getattr(item, "originalname", item.name)), []).append(item)
    return {item for some in cases.values() for item in draw.sample(some, max(1, -(-len(some) * ROUNDS // 100)))}


def pytest_collection_modifyitems(config, items):
    if ROUNDS < 100:
        kept = share(items)
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = [item for item in items if item in kept]


@pytest.fixture(autouse=True)
def _same_numbers():
    """What a test draws without a seed of its own is the same in every run, whichever tests ran before."""
    random.seed(SEED)
    for name in {"tarn.core", "mlx.core"} & set(sys.modules):
        sys.modules[name].random.seed(SEED)


def pytest_report_header():
    return f"TARN_SEED={SEED}"
