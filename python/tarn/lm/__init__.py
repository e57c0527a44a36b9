"""Language models by Tarn's engine: what mlx_lm's load, generate and stream_generate do, without transformers."""

from .chat import Chat
from .generate import GenerationResponse, PromptCache, generate, make_prompt_cache, stream_generate
from .load import Model, load
from .sample import make_logits_processors, make_sampler
from .tokenizer import Tokenizer

__all__ = [
    "Chat",
    "GenerationResponse",
    "Model",
    "PromptCache",
    "Tokenizer",
    "generate",
    "load",
    "make_logits_processors",
    "make_prompt_cache",
    "make_sampler",
    "stream_generate",
]
