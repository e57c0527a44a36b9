"""Tarn: arrays, function transforms and language models. `import tarn.core as mx` is where arrays are."""


def __getattr__(name: str) -> str:
    """`tarn.__version__`, without loading the library before it is asked for."""
    if name == "__version__":
        from tarn.core import __version__
        return __version__
    raise AttributeError(f"module 'tarn' has no attribute '{name}'")
