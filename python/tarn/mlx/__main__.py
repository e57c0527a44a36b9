"""python -m tarn.mlx [--device cpu|gpu[:N]] SCRIPT [ARGUMENT …] | -m MODULE [ARGUMENT …] | -c PROGRAM [ARGUMENT …]: runs a program of MLX on
Tarn, with that default device (cpu)."""

import os
import re
import runpy
import sys

import tarn.core as mx
import tarn.mlx  # noqa: F401

USAGE = """\
usage: python -m tarn.mlx [--device cpu|gpu[:N]] SCRIPT [ARGUMENT ...]
       python -m tarn.mlx [--device cpu|gpu[:N]] -m MODULE [ARGUMENT ...]
       python -m tarn.mlx [--device cpu|gpu[:N]] -c PROGRAM [ARGUMENT ...]"""


def misused(why=None):
    print(*filter(None, [why, USAGE]), sep="\n", file=sys.stderr)
    return 2


def use_device(name):
    """Makes cpu, gpu or gpu:N the default device. Gives what is wrong, or None."""
    parts = re.fullmatch(r"(cpu|gpu)(?::(\d{1,4}))?", name)
    if not parts:
        return "--device must be cpu, gpu or gpu:N"
    try:
        mx.set_default_device(mx.Device(getattr(mx, parts[1]), int(parts[2] or 0)))
    except ValueError as error:
        return str(error)


def run(kind, rest):
    """Runs a script, a module (-m) or the text of a program (-c), the first of rest, with the others as its arguments."""
    sys.argv = ["-c", *rest[1:]] if kind == "-c" else rest
    if kind == "-m":
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__", "__builtins__": __builtins__})
    else:
        if not sys.flags.safe_path:
            sys.path[0] = os.path.dirname(os.path.abspath(rest[0]))
        runpy.run_path(rest[0], run_name="__main__")


def main(arguments):
    if arguments and arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    if arguments[:1] == ["--device"]:
        wrong = use_device(arguments[1] if len(arguments) > 1 else "")
        if wrong:
            return misused(wrong)
        arguments = arguments[2:]
    kind, rest = (arguments[0], arguments[1:]) if arguments[:1] in (["-m"], ["-c"]) else ("script", arguments)
    if not rest or kind == "script" and rest[0].startswith("-"):
        return misused()
    run(kind, rest)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
