"""Generating several texts at once."""

import operator
import resource
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Optional, Sequence, Union

import tarn.core as mx

from .generate import Prompt, _ids, _likeliest, behind_cache, log_probabilities
from .load import Model
from .prompt_cache import PromptCache, checked_size, make_prompt_cache
from .sample import LogitsProcessor, Sampler
from .tokenizer import Tokenizer


@dataclass(kw_only=True)
class BatchStats:
    """Tokens and seconds of all answers together: until their first tokens were drawn, and from there on; steps, each
    of which gives a token to every answer that goes on; and the largest resident size of the process in GB."""

    prompt_tokens: int = 0
    prompt_time: float = 0.0
    generation_tokens: int = 0
    generation_steps: int = 0
    decode_time: float = 0.0
    wall_time: float = 0.0
    peak_memory: float = 0.0

    @property
    def prompt_tps(self) -> float:
        return self.prompt_tokens / self.prompt_time if self.prompt_time > 0 else 0.0

    @property
    def decode_tps(self) -> float:
        return self.generation_tokens / self.decode_time if self.decode_time > 0 else 0.0

    @property
    def generation_time(self) -> float:
        """Seconds beside those for the prompts."""
        return max(0.0, self.wall_time - self.prompt_time)

    @property
    def generation_tps(self) -> float:
        return self.generation_tokens / self.generation_time if self.generation_time > 0 else 0.0

    @property
    def overhead_time(self) -> float:
        return max(0.0, self.wall_time - self.prompt_time - self.decode_time)

    def __iadd__(self, other: "BatchStats") -> "BatchStats":
        """Adds what other counted; peak_memory is the larger of the two."""
        for name in vars(self).keys() - {"peak_memory"}:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.peak_memory = max(self.peak_memory, other.peak_memory)
        return self


@dataclass
class BatchResponse:
    """The texts of batch_generate, in the order of the prompts, and where they were asked for the caches, the ids and
    the log-probabilities of these."""

    texts: list[str]
    stats: BatchStats
    caches: list | None
    token_ids: list[list[int]] | None = None
    logprobs: list[list[float]] | None = None


# ---- what is given


def _kind(value):
    return type(value).__name__


def _prompts(tokenizer, prompts):
    """The ids of each."""
    if isinstance(prompts, str) or not isinstance(prompts, Iterable):
        raise TypeError(f"batch_generate: prompts are a list of texts or of ids, not {_kind(prompts)}")
    prompts = list(prompts)
    for i, prompt in enumerate(prompts):
        if not isinstance(prompt, Iterable):
            raise TypeError(f"batch_generate: prompts[{i}] is text or ids, not {_kind(prompt)}")
    return [_ids(tokenizer, prompt) for prompt in prompts]


def _caches(caches, count):
    """A cache or None for each prompt."""
    if caches is None:
        return [None] * count
    if len(caches) != count:
        raise ValueError(f"batch_generate: {len(caches)} prompt caches for {count} prompts")
    for i, cache in enumerate(caches):
        if not isinstance(cache, (PromptCache, type(None))):
            raise TypeError(f"batch_generate: prompt_caches[{i}] is a PromptCache or None, not {_kind(cache)}")
    return list(caches)


def _limit(value):
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"batch_generate: max_tokens is an int, or one for each prompt, not {_kind(value)}") from None


def _limits(max_tokens, count):
    several = isinstance(max_tokens, Iterable)
    limits = [_limit(limit) for limit in max_tokens] if several else [_limit(max_tokens)] * count
    if any(limit < 1 for limit in limits):
        raise ValueError(f"batch_generate: max_tokens {limits}; each is 1 or more")
    if len(limits) != count:
        raise ValueError(f"batch_generate: max_tokens of {len(limits)} prompts, but there are {count}")
    return limits


# ---- the work


class _Drawer:
    """Draws for the engine, and remembers how likely each token was, if that is asked for. held: how many tokens of
    each prompt a cache had."""

    def __init__(self, sampler, processors, held, record):
        self.sample, self.processors, self.held = sampler or _likeliest, processors, held
        self.logprobs = [[] for _ in held] if record else None

    def __call__(self, number, logits, tokens):
        logprobs = log_probabilities(logits, behind_cache(tokens, self.held[number]), self.processors)
        token = int(self.sample(logprobs[None])[0])
        if not 0 <= token < logits.size:
            raise ValueError(
                f"batch_generate: the sampler drew token {token} for prompt {number}; the vocabulary has {logits.size}"
            )
        if self.logprobs is not None:
            self.logprobs[number].append(logprobs[token].item())
        return token


class _Work:
    """Prompts with what came before them, and as they are done their answers, the caches of these, and statistics."""

    def __init__(self, model, prompts, caches, limits, max_kv_size):
        self.model, self.prompts, self.given, self.limits = model, prompts, caches, limits
        self.max_kv_size = max_kv_size
        self.held = [0 if cache is None else cache.offset for cache in caches]
        most = PromptCache(max_kv_size=max_kv_size).context(model)
        self.contexts = [most if cache is None else min(most, cache.context(model)) for cache in caches]
        self.answers, self.caches, self.stats = [], [], BatchStats(prompt_tokens=sum(map(len, prompts)))
        self._check()

    def _check(self):
        vocab = self.model.facts["vocab_size"]
        for i, (ids, held, context) in enumerate(zip(self.prompts, self.held, self.contexts)):
            count = held + len(ids)
            if count == 0:
                raise ValueError(f"batch_generate: prompt {i} has no tokens")
            if count > context:
                raise ValueError(f"batch_generate: prompt {i} has {count} tokens, but the context holds {context}")
            wrong = [token for token in ids if not 0 <= token < vocab]
            if wrong:
                raise ValueError(f"batch_generate: token {wrong[0]} in prompt {i}; the vocabulary has {vocab}")

    def run(self, batch, some, drawer, keep):
        """Continues some of the prompts, a range. keep: their caches."""
        tokens = [self._held_tokens(i) + self.prompts[i] for i in some]
        caches = self._copies(some) if keep or any(self.given[i] is not None for i in some) else None
        sessions = caches and [cache.session(self.model) for cache in caches]
        draw = drawer and (lambda number, *what: drawer(some[number], *what))
        made, ends, read, decoded = batch.generate(tokens, [self.limits[i] for i in some], sessions, draw)
        self._check_ends(some, made, ends)
        if keep:
            self._append_last(some, sessions, made)
            self.caches += caches
        self.answers += [ids[:-1] if end == "stop" else ids for ids, end in zip(made, ends)]
        self._count(made, read, decoded)

    def _held_tokens(self, i):
        return [] if self.given[i] is None else self.given[i].tokens

    def _copies(self, some):
        """A cache for each answer, which holds what the given one does."""
        return [self._copy(self.given[i]) for i in some]

    def _copy(self, cache):
        return make_prompt_cache(self.model, self.max_kv_size) if cache is None else cache.copy(self.model)

    def _check_ends(self, some, made, ends):
        for i, ids, end in zip(some, made, ends):
            if end == "length" and len(ids) < self.limits[i]:
                raise ValueError(f"batch_generate: the context of {self.contexts[i]} tokens is full (prompt {i})")

    def _append_last(self, some, sessions, made):
        """What was drawn last becomes part of what is held, so that a prompt can follow it."""
        for i, session, ids in zip(some, sessions, made):
            if ids and len(session.tokens) < self.contexts[i]:
                session.step(ids[-1])

    def _count(self, made, read, decoded):
        self.stats += BatchStats(
            prompt_time=read,
            decode_time=decoded,
            generation_tokens=sum(map(len, made)),
            generation_steps=max(map(len, made)),
        )


def _told(stats):
    prompt = "Prompt", stats.prompt_tokens, stats.prompt_tps
    answer = "Generation", stats.generation_tokens, stats.generation_tps
    for name, tokens, rate in (prompt, answer):
        print(f"[batch_generate] {name}: {tokens} tokens, {rate:.3f} tokens-per-sec")
    print(f"[batch_generate] Peak memory: {stats.peak_memory:.3f} GB")


def batch_generate(
    model: Model,
    tokenizer: Tokenizer,
    prompts: Sequence[Prompt],
    prompt_caches: Optional[Sequence[Optional[PromptCache]]] = None,
    max_tokens: Union[int, Sequence[int]] = 128,
    verbose: bool = False,
    return_prompt_caches: bool = False,
    return_token_ids: bool = False,
    return_logprobs: bool = False,
    *,
    sampler: Optional[Sampler] = None,
    logits_processors: Optional[Sequence[LogitsProcessor]] = None,
    completion_batch_size: int = 32,
    prefill_batch_size: int = 8,
    prefill_step_size: int = 0,
    max_kv_size: Optional[int] = None,
) -> BatchResponse:
    """Continues several prompts (text, ids or arrays of ids) in the same steps, so that the weights are read once for
    all, and gives a BatchResponse. max_tokens: a number, or one for each. prompt_caches: for each prompt what comes
    before it, or None; they stay as they are. The caches that are returned hold prompt and answer, its end token too.
    At most completion_batch_size answers (or prefill_batch_size, if that is more) are generated at once. sampler and
    logits_processors are called for each answer by itself, as by stream_generate. max_kv_size: how many tokens a
    prompt and its answer may have; an answer that would need more is an error, as in stream_generate."""
    started = time.perf_counter()
    new = _prompts(tokenizer, prompts)
    caches, limits = _caches(prompt_caches, len(new)), _limits(max_tokens, len(new))
    work = _Work(model, new, caches, limits, checked_size(max_kv_size))
    python_draws = sampler or logits_processors or return_logprobs
    drawer = _Drawer(sampler, logits_processors, work.held, return_logprobs) if python_draws else None
    rows = max(1, min(len(new), max(completion_batch_size, prefill_batch_size)))
    batch = mx._engine.Batch(model._engine, rows, max_kv_size or 0, prefill_step_size) if new else None
    for first in range(0, len(new), rows):
        work.run(batch, range(first, min(first + rows, len(new))), drawer, return_prompt_caches)
        if verbose:
            print(f"[batch_generate] Finished processing {len(work.answers)}/{len(new)} ...", end="\r")
    return _response(work, tokenizer, started, drawer, verbose, return_prompt_caches, return_token_ids)


def _response(work, tokenizer, started, drawer, verbose, caches, ids):
    stats, answers = work.stats, work.answers
    texts = [tokenizer.decode(answer) for answer in answers]
    stats.wall_time = time.perf_counter() - started
    stats.peak_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    if verbose:
        print(f"[batch_generate] Finished processing {len(answers)}/{len(answers)}")
        _told(stats)
    drawn = drawer and drawer.logprobs
    logprobs = drawn and [row[: len(answer)] for row, answer in zip(drawn, answers)]
    return BatchResponse(texts, stats, work.caches if caches else None, answers if ids else None, logprobs)
