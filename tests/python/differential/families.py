"""The families of functions, a file each: every file here that is none of the frame's."""

import importlib
import pathlib

OWN = {"__init__", "__main__", "families", "frame", "values"}


def load():
    for path in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        if path.stem not in OWN:
            importlib.import_module(f"{__package__}.{path.stem}")
