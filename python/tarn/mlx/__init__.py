"""Makes `mlx` Tarn: after `import tarn.mlx`, `import mlx.core as mx`, `import mlx.nn` and their like give tarn.core, tarn.nn, …, with MLX's
behaviour where the two differ (docs/differences.md). `python -m tarn.mlx SCRIPT` runs a program so."""

import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types

import tarn.core


VERSION = "0.32.4"  # of MLX, whose functions these are: what programs ask for as mx.__version__


class _Finder:
    """mlx.NAME is the module tarn.NAME itself, under a second name. (The base classes that importlib.abc has for it cost 20 ms.)"""

    @staticmethod
    def _ours(name):
        return "tarn" + name[len("mlx") :]

    def find_spec(self, name, path=None, target=None):
        if not name.startswith("mlx.") or importlib.util.find_spec(self._ours(name)) is None:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        sys.modules[module.__name__] = importlib.import_module(self._ours(module.__name__))


def _install():
    other = sys.modules.get("mlx.core")
    if other is tarn.core:
        return
    if other is not None:
        raise ImportError("tarn.mlx: mlx itself was imported before; a process has one of the two")
    package = types.ModuleType("mlx", "Tarn, under MLX's names.")
    package.__spec__ = importlib.machinery.ModuleSpec("mlx", None, is_package=True)  # programs ask for it: is mlx there?
    package.__path__ = []
    sys.modules["mlx"] = package
    sys.meta_path.insert(0, _Finder())
    tarn.core._behave_as_mlx()
    tarn.core.__version__ = VERSION
    if "MLX_DISABLE_COMPILE" in os.environ:
        tarn.core.disable_compile()
    importlib.import_module("mlx.core")
    for name in [name for name in sys.modules if name == "tarn.core" or name.startswith("tarn.core.")]:
        sys.modules["mlx" + name[len("tarn") :]] = sys.modules[name]
        for value in vars(sys.modules[name]).values():
            if isinstance(value, type):
                value.__module__ = "mlx" + name[len("tarn") :]


_install()
