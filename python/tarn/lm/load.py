"""Models and their tokenizers from folders."""

import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Union

import tarn.core as mx
from tarn.utils import tree_unflatten

from .tokenizer import Tokenizer


class Model:
    """A language model, loaded: its weights never change. It can be asked what it is made of."""

    def __init__(self, folder: Union[str, Path], dtype: Optional[mx.Dtype] = None) -> None:
        self._engine = mx._engine.Model(str(folder), dtype)
        self.folder = Path(folder)
        self.config = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))

    @property
    def facts(self) -> Dict[str, Any]:
        """Sizes: layers, heads, parameters, bytes, bits, context."""
        return self._engine.facts

    def parameters(self) -> Any:
        """The arrays of the folder's files, as a tree: parameters()["model"]["layers"][0]["self_attn"]…"""
        files = sorted(self.folder.glob("model*.safetensors"))
        return tree_unflatten([pair for file in files for pair in mx.load(str(file)).items()])

    @property
    def layers(self) -> List[Any]:
        """The arrays of each layer."""
        return self.parameters()["model"]["layers"]

    def __repr__(self) -> str:
        f = self.facts
        bits = f"{f['bits']} bits in groups of {f['group_size']}" if f["bits"] else str(f["dtype"]).split(".")[-1]
        return f"Model({f['model_type']}, {f['layers']} layers, {f['parameters'] / 1e6:.1f} M parameters, {bits})"


def load(
    path: Union[str, Path], dtype: Optional[mx.Dtype] = None, lazy: bool = True, return_config: bool = False
) -> Any:
    """The model and the tokenizer of a folder as mlx-lm and Hugging Face lay it out, and with return_config its
    config.json. dtype: of activations and dense weights; None: as the files have them. Weights are mapped and read
    when they are first used; without lazy they are read now."""
    if not Path(path).is_dir():
        raise FileNotFoundError(f"{path}: no such folder. Models are read from folders; downloads are the user's.")
    model = Model(path, dtype)
    if not lazy:
        mx._engine.Session(model._engine).sync([0])
    answer = (model, Tokenizer(model._engine))
    return (*answer, model.config) if return_config else answer
