"""What a model has read, and files of it as mlx_lm writes them."""

import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

import tarn.core as mx
from tarn.utils import tree_flatten, tree_unflatten

from .load import Model

UNKNOWN = -1  # in the place of a token that a file does not name


def checked_size(max_kv_size: Optional[int]) -> Optional[int]:
    """max_kv_size, which is None or 1 or more."""
    if max_kv_size is None:
        return None
    if type(max_kv_size) is not int:
        raise TypeError(f"max_kv_size is an int or None, not {type(max_kv_size).__name__}")
    if max_kv_size < 1:
        raise ValueError(f"max_kv_size is {max_kv_size}; 1 or more, or None")
    return max_kv_size


class PromptCache:
    """What a model has read: prompts and answers that follow one another are computed once."""

    def __init__(self, model: Optional[Model] = None, max_kv_size: Optional[int] = None) -> None:
        self._max_kv_size, self._session, self._loaded = checked_size(max_kv_size), None, None
        if model is not None:
            self.session(model)

    def session(self, model: Model) -> Any:
        """The engine's session for this model, with what came from a file."""
        if self._session is None:
            session = mx._engine.Session(model._engine, context=self._max_kv_size or 0, fast_cache=True)
            if self._loaded is not None:
                session.restore(*self._loaded)
            self._session, self._loaded = session, None
        elif self._session.model is not model._engine:
            raise ValueError("the prompt cache belongs to another model")
        return self._session

    @property
    def tokens(self) -> List[int]:
        """The ids that it holds; -1 where a file did not tell them."""
        if self._session is not None:
            return self._session.tokens
        keys, _, ids = self._loaded or ([], [], [])
        return [UNKNOWN] * keys[0].shape[2] if ids is None else list(ids)

    @property
    def offset(self) -> int:
        return len(self.tokens)

    def context(self, model: Model) -> int:
        """How many tokens it can hold of this model."""
        most = model.facts["context"]
        return most if self._max_kv_size is None else min(self._max_kv_size, most)

    def __repr__(self) -> str:
        return f"PromptCache({self.offset} tokens)"

    def copy(self, model: Model) -> "PromptCache":
        """Another that holds the same, for this model."""
        made = PromptCache(max_kv_size=self._max_kv_size)
        self.session(model)
        if self.offset:
            keys, values = map(list, zip(*self.arrays()))
            made._loaded = keys, values, self.tokens
        made.session(model)
        return made

    def arrays(self) -> List[Tuple[mx.array, mx.array]]:
        """(keys, values) of each layer, [1, heads, tokens, size of a head] each."""
        if self._session is None:
            return list(zip(*self._loaded[:2])) if self._loaded else []
        layers = range(self._session.model.facts["layers"])
        return [(self._session.keys(n), self._session.values(n)) for n in layers] if self.offset else []


def make_prompt_cache(model: Model, max_kv_size: Optional[int] = None) -> PromptCache:
    """An empty cache for a model, for at most max_kv_size tokens (None: as many as the model takes)."""
    return PromptCache(model, max_kv_size)


def save_prompt_cache(
    file_name: Union[str, Path], cache: PromptCache, metadata: Optional[Dict[str, str]] = None
) -> None:
    """Writes a cache to a .safetensors file, which mlx_lm reads, too. metadata: a dict of str. The tokens go into it, so
    that a cache that is loaded can also go back to a part of what it has read."""
    layers = cache.arrays()
    if not layers:
        raise ValueError("save_prompt_cache: the cache is empty")
    if "tokens" in (metadata or {}):
        raise ValueError('save_prompt_cache: metadata "tokens" are the ids of the cache')
    offset = mx.array(cache.offset)
    told = {**(metadata or {}), "tokens": json.dumps(cache.tokens)}
    kinds = [["", *[[f"{n}.2", "scalar"] for n in range(len(layers))]]]
    arrays = tree_flatten([(keys, values, offset) for keys, values in layers], destination={})
    mx.save_safetensors(file_name, arrays, tree_flatten([told, ["KVCache"] * len(layers), *kinds], destination={}))


def _plain(state):
    return state[0], state[1], state[2]


def _unpacked(state):
    keys, values, offset, group_size, bits = state
    unpack = [mx.dequantize(*parts, group_size=int(group_size), bits=int(bits)) for parts in (keys, values)]
    return *unpack, offset


def _unrotated(state):
    keys, values, offset, _, size, _ = state
    if offset > size:
        raise ValueError(f"a cache of {int(offset)} tokens that kept {int(size)}: the others are lost")
    return keys, values, offset


KINDS = {"KVCache": _plain, "QuantizedKVCache": _unpacked, "RotatingKVCache": _unrotated}


def _rows(kind, state):
    """Keys and values of one layer's tokens."""
    if kind not in KINDS:
        raise ValueError(f"a layer that keeps a {kind}")
    keys, values, offset = KINDS[kind](state)
    if keys.ndim != 4 or values.ndim != 4:
        raise ValueError(f"keys of {keys.ndim} axes, values of {values.ndim}; both have 4")
    return keys[..., : int(offset), :], values[..., : int(offset), :]


def _tokens(metadata, count):
    """The ids in the metadata of a file that save_prompt_cache wrote, taken out of it; None of other files."""
    try:
        ids = json.loads(metadata.get("tokens", "null"))
    except (TypeError, ValueError):
        return None
    if not (isinstance(ids, list) and len(ids) == count and all(type(i) is int for i in ids)):
        return None
    del metadata["tokens"]
    return ids


def load_prompt_cache(file_name: Union[str, Path], return_metadata: bool = False) -> Any:
    """A cache from a file that this or mlx_lm's save_prompt_cache wrote, for the model that it was made with; and with
    return_metadata the metadata. mlx_lm's files do not say which tokens were read: one can go on behind them, and not
    back to a part of them."""
    arrays, described = mx.load(str(file_name), return_metadata=True)
    try:
        metadata, kinds, _ = tree_unflatten(list(described.items()))
        metadata = dict(metadata) if isinstance(metadata, dict) else {}
        layers = [_rows(kind, state) for kind, state in zip(kinds, tree_unflatten(list(arrays.items())), strict=True)]
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise ValueError(f"{file_name}: no prompt cache: {error}") from error
    cache = PromptCache()
    keys, values = map(list, zip(*layers))
    cache._loaded = keys, values, _tokens(metadata, keys[0].shape[2])
    return (cache, metadata) if return_metadata else cache
