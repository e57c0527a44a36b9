"""python -m tarn.mlx SCRIPT [ARGUMENT …] | -m MODULE [ARGUMENT …] | -c PROGRAM: runs a program of MLX on Tarn."""

import os
import runpy
import sys

import tarn.mlx  # noqa: F401

USAGE = "usage: python -m tarn.mlx SCRIPT [ARGUMENT ...] | -m MODULE [ARGUMENT ...] | -c PROGRAM [ARGUMENT ...]"


def main(arguments):
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    kind, rest = ("script", arguments) if arguments[0] not in ("-m", "-c") else (arguments[0], arguments[1:])
    if not rest or kind == "script" and rest[0].startswith("-"):
        print(USAGE, file=sys.stderr)
        return 2
    if kind == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        sys.argv = ["-c", *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__", "__builtins__": __builtins__})
    else:
        sys.argv = rest
        if not sys.flags.safe_path:
            sys.path[0] = os.path.dirname(os.path.abspath(rest[0]))
        runpy.run_path(rest[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
