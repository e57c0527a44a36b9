"""The tokenizer of a model folder."""

import json
from typing import Any, Dict, List, Optional, Sequence, Set, Union

import tarn.core as mx


class Tokenizer:
    """Text to ids and back, and the chat template, as the files of a model say."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def encode(self, text: str, add_special_tokens: bool = True) -> List[int]:
        """The ids of a text; with the tokens that the files put around one (the beginning of a text and the like)."""
        return self._engine.encode(text, add_special_tokens)

    def decode(self, ids: Union[Sequence[int], mx.array], skip_special_tokens: bool = False) -> str:
        """The text of ids: a list, or an array."""
        return self._engine.decode(ids.tolist() if isinstance(ids, mx.array) else ids, skip_special_tokens)

    def apply_chat_template(
        self,
        conversation: Sequence[Dict[str, Any]],
        tools: Optional[Sequence[Any]] = None,
        add_generation_prompt: bool = False,
        tokenize: bool = True,
        **variables: Any,
    ) -> Any:
        """The conversation, a list of {"role": …, "content": …}, as the model was taught to read it: ids, or text.
        variables are further ones for the template."""
        if tools is not None:
            variables["tools"] = tools
        make = self._engine.encode_messages if tokenize else self._engine.render_messages
        return make(json.dumps(conversation), add_generation_prompt, json.dumps(variables) if variables else None)

    @property
    def has_chat_template(self) -> bool:
        return self._engine.has_template

    @property
    def vocab_size(self) -> int:
        return self._engine.vocab_size

    @property
    def eos_token_ids(self) -> Set[int]:
        """Those that end an answer."""
        return set(self._engine.end_tokens)

    @property
    def eos_token_id(self) -> Optional[int]:
        return self._engine.named_id("eos_token")

    @property
    def bos_token_id(self) -> Optional[int]:
        return self._engine.named_id("bos_token")

    @property
    def pad_token_id(self) -> Optional[int]:
        return self._engine.named_id("pad_token")

    def convert_tokens_to_ids(self, token: Union[str, Sequence[str]]) -> Any:
        """The id of a token as the vocabulary has it, or None; of a list a list."""
        if isinstance(token, str):
            return self._engine.token_id(token)
        return [self._engine.token_id(one) for one in token]

    def __len__(self) -> int:
        return self._engine.vocab_size
