"""Generating text."""

import math
import resource
import time
from dataclasses import dataclass
from typing import Any, Callable, Iterator, List, Optional, Sequence, Union

import tarn.core as mx

from .load import Model
from .prompt_cache import PromptCache, make_prompt_cache
from .sample import LogitsProcessor, Sampler
from .tokenizer import Tokenizer

Prompt = Union[str, Sequence[int], mx.array]  # text, ids, or an array of ids


@dataclass
class GenerationResponse:
    """What one step of stream_generate gives: the new text (which may be "", until a character is whole), its token,
    how fast it goes, and the largest resident size of the process in GB. finish_reason: "stop" after an end token,
    "length" after max_tokens, else None."""

    text: str
    token: int
    logprobs: mx.array
    from_draft: bool
    prompt_tokens: int
    prompt_tps: float
    generation_tokens: int
    generation_tps: float
    peak_memory: float
    finish_reason: str | None = None


def _ids(tokenizer, prompt):
    if isinstance(prompt, str):
        return tokenizer._engine.encode_text(prompt)
    return prompt.tolist() if isinstance(prompt, mx.array) else list(prompt)


def behind_cache(tokens: List[int], held: int) -> List[int]:
    """Those that a cache did not hold, as processors see them: at least the last."""
    return tokens[min(held, len(tokens) - 1) :]


def log_probabilities(
    logits: mx.array, tokens: List[int], processors: Optional[Sequence[LogitsProcessor]]
) -> mx.array:
    """Of logits [vocab] of what comes after these tokens, a list."""
    logits = logits[None]
    tokens = mx.array(tokens, mx.int32) if processors else tokens
    for process in processors or ():
        logits = process(tokens, logits)
    total = mx.logsumexp(logits, axis=-1, keepdims=True)
    if not math.isfinite(total.item()):
        cause = "the weights are damaged, or too large for this dtype"
        cause += ", or a logits processor made them so" if processors else ""
        raise ValueError(f"the logits are not finite in {str(logits.dtype).split('.')[-1]}: {cause}")
    return (logits - total)[0]


def _likeliest(logprobs):
    return mx.argmax(logprobs, axis=-1)


def continue_from(
    tokenizer: Tokenizer,
    session: Any,
    tokens: List[int],
    read: Optional[int] = None,
    *,
    max_tokens: int = 256,
    sampler: Optional[Sampler] = None,
    logits_processors: Optional[Sequence[LogitsProcessor]] = None,
    prompt_progress_callback: Optional[Callable[[int, int], None]] = None,
) -> Iterator[GenerationResponse]:
    """Makes the session's timeline `tokens` and goes on from there: the loop of stream_generate and of Chat. read: how
    many of them count as the prompt; None: those that were not in the session."""
    sample, ends = sampler or _likeliest, tokenizer.eos_token_ids
    tell = prompt_progress_callback or (lambda computed, count: None)
    text = mx._engine.TokenStream(tokenizer._engine)
    tell(0, read or len(tokens))
    started = time.perf_counter()
    session.sync(tokens)
    read = len(tokens) - session.reused if read is None else read
    tell(read, read)
    behind = behind_cache(tokens, len(tokens) - read)
    for n in range(1, max_tokens + 1):
        logprobs = log_probabilities(session.logits, behind, logits_processors)
        token = int(sample(logprobs[None])[0])
        if n == 1:
            first = time.perf_counter()
        finish = "stop" if token in ends else "length" if n == max_tokens else None
        piece = "" if token in ends else text.push(token)
        yield GenerationResponse(
            text=piece + text.finish() if finish else piece,
            token=token,
            logprobs=logprobs,
            from_draft=False,
            prompt_tokens=read,
            prompt_tps=read / max(first - started, 1e-9),
            generation_tokens=n,
            generation_tps=n / max(time.perf_counter() - first, 1e-9),
            peak_memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
            finish_reason=finish,
        )
        if finish:
            return
        behind.append(token)
        session.step(token)


def stream_generate(
    model: Model,
    tokenizer: Tokenizer,
    prompt: Prompt,
    max_tokens: int = 256,
    *,
    max_kv_size: Optional[int] = None,
    prompt_cache: Optional[PromptCache] = None,
    **options: Any,
) -> Iterator[GenerationResponse]:
    """Continues a prompt (text, ids or an array of ids) and yields a GenerationResponse a token. With a prompt_cache
    the prompt comes after what the cache holds, and the cache holds prompt and answer afterwards. Other options:
    sampler, a function of log-probabilities [1, vocab]; logits_processors, functions of (tokens, logits [1, vocab]),
    the tokens an array of those behind what the cache held; prompt_progress_callback(computed, all), which hears when
    the prompt is read."""
    cache = make_prompt_cache(model, max_kv_size) if prompt_cache is None else prompt_cache
    new = _ids(tokenizer, prompt)
    tokens = cache.tokens + new
    yield from continue_from(tokenizer, cache.session(model), tokens, len(new), max_tokens=max_tokens, **options)


def generate(model: Model, tokenizer: Tokenizer, prompt: Prompt, verbose: bool = False, **options: Any) -> str:
    """The whole text that stream_generate gives. verbose prints it as it comes, and how fast."""
    text, last = "", None
    if verbose:
        print("=" * 10)
    for last in stream_generate(model, tokenizer, prompt, **options):
        text += last.text
        if verbose:
            print(last.text, end="", flush=True)
    if verbose:
        print("\n" + "=" * 10)
        if last is None:
            print("No text generated for this prompt")
        else:
            print(f"Prompt: {last.prompt_tokens} tokens, {last.prompt_tps:.3f} tokens-per-sec")
            print(f"Generation: {last.generation_tokens} tokens, {last.generation_tps:.3f} tokens-per-sec")
            print(f"Peak memory: {last.peak_memory:.3f} GB")
    return text
