"""Language models by Tarn's engine: what mlx_lm's load, generate, stream_generate and batch_generate do, without transformers."""

from .batch import BatchResponse, BatchStats, batch_generate
from .chat import Chat
from .generate import GenerationResponse, generate, stream_generate
from .load import Model, load
from .prompt_cache import PromptCache, load_prompt_cache, make_prompt_cache, save_prompt_cache
from .sample import make_logits_processors, make_sampler
from .tokenizer import Tokenizer

__all__ = [
    "BatchResponse",
    "BatchStats",
    "Chat",
    "GenerationResponse",
    "Model",
    "PromptCache",
    "Tokenizer",
    "batch_generate",
    "generate",
    "load",
    "load_prompt_cache",
    "make_logits_processors",
    "make_prompt_cache",
    "make_sampler",
    "save_prompt_cache",
    "stream_generate",
]
