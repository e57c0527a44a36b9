"""The tokenizer of a model folder."""

import json

import tarn.core as mx


class Tokenizer:
    """Text to ids and back, and the chat template, as the files of a model say."""

    def __init__(self, engine):
        self._engine = engine

    def encode(self, text, add_special_tokens=True):
        """The ids of a text; with the tokens that the files put around one (the beginning of a text and the like)."""
        return self._engine.encode(text, add_special_tokens)

    def decode(self, ids, skip_special_tokens=False):
        """The text of ids: a list, or an array."""
        return self._engine.decode(ids.tolist() if isinstance(ids, mx.array) else ids, skip_special_tokens)

    def apply_chat_template(self, conversation, tools=None, add_generation_prompt=False, tokenize=True, **variables):
        """The conversation, a list of {"role": …, "content": …}, as the model was taught to read it: ids, or text.
        variables are further ones for the template."""
        if tools is not None:
            variables["tools"] = tools
        make = self._engine.encode_messages if tokenize else self._engine.render_messages
        return make(json.dumps(conversation), add_generation_prompt, json.dumps(variables) if variables else None)

    @property
    def has_chat_template(self):
        return self._engine.has_template

    @property
    def vocab_size(self):
        return self._engine.vocab_size

    @property
    def eos_token_ids(self):
        """Those that end an answer."""
        return set(self._engine.end_tokens)

    @property
    def eos_token_id(self):
        return self._engine.named_id("eos_token")

    @property
    def bos_token_id(self):
        return self._engine.named_id("bos_token")

    @property
    def pad_token_id(self):
        return self._engine.named_id("pad_token")

    def convert_tokens_to_ids(self, token):
        """The id of a token as the vocabulary has it, or None; of a list a list."""
        if isinstance(token, str):
            return self._engine.token_id(token)
        return [self._engine.token_id(one) for one in token]

    def __len__(self):
        return self._engine.vocab_size
