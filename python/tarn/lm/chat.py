"""Conversations."""

from typing import Any, Iterator, Optional

from .generate import GenerationResponse, continue_from
from .load import Model
from .prompt_cache import make_prompt_cache
from .tokenizer import Tokenizer


class Chat:
    """A conversation with a model: messages, and a cache that keeps what was read, so that each turn reads only what
    is new.

    >>> chat = Chat(model, tokenizer, system="Answer briefly.")
    >>> answer = chat.say("Hello!", max_tokens=20)
    """

    def __init__(
        self, model: Model, tokenizer: Tokenizer, system: Optional[str] = None, max_kv_size: Optional[int] = None
    ) -> None:
        self._model, self._tokenizer, self._max_kv_size = model, tokenizer, max_kv_size
        self._system = [{"role": "system", "content": system}] if system is not None else []
        self.reset()

    def reset(self) -> None:
        """Forgets all but the system message."""
        self.messages = list(self._system)
        self._cache = make_prompt_cache(self._model, self._max_kv_size)

    def stream(self, message: str, **options: Any) -> Iterator[GenerationResponse]:
        """Says a message and yields the GenerationResponses of the answer, as stream_generate with these options.
        The turn is part of the conversation once it has ended, by itself or because nobody asks for more."""
        messages = [*self.messages, {"role": "user", "content": message}]
        ids = self._tokenizer.apply_chat_template(messages, add_generation_prompt=True)
        answer = ""
        try:
            for response in continue_from(self._tokenizer, self._cache.session(self._model), ids, **options):
                answer += response.text
                yield response
        finally:
            if answer:
                self.messages = [*messages, {"role": "assistant", "content": answer}]

    def say(self, message: str, **options: Any) -> str:
        """The whole answer to a message."""
        return "".join(response.text for response in self.stream(message, **options))
