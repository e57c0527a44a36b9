"""Layers made of layers."""

import tarn.core as mx
from tarn.nn.layers.base import Module


class Sequential(Module):
    """Calls modules, or any callables, one after another, each with what the one before returned."""

    def __init__(self, *modules) -> None:
        super().__init__()
        self.layers = list(modules)

    def __call__(self, x: mx.array) -> mx.array:
        for module in self.layers:
            x = module(x)
        return x
