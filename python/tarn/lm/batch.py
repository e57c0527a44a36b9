"""Generating several texts at once."""

import resource
import time
from dataclasses import dataclass

import tarn.core as mx

from .generate import _ids, _likeliest, log_probabilities
from .prompt_cache import make_prompt_cache


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
    def prompt_tps(self):
        return self.prompt_tokens / self.prompt_time if self.prompt_time > 0 else 0.0

    @property
    def decode_tps(self):
        return self.generation_tokens / self.decode_time if self.decode_time > 0 else 0.0

    @property
    def generation_time(self):
        """Seconds beside those for the prompts."""
        return max(0.0, self.wall_time - self.prompt_time)

    @property
    def generation_tps(self):
        return self.generation_tokens / self.generation_time if self.generation_time > 0 else 0.0

    @property
    def overhead_time(self):
        return max(0.0, self.wall_time - self.prompt_time - self.decode_time)


@dataclass
class BatchResponse:
    """The texts of batch_generate, in the order of the prompts, and where they were asked for the caches, the ids and
    the log-probabilities of these."""

    texts: list[str]
    stats: BatchStats
    caches: list | None
    token_ids: list[list[int]] | None = None
    logprobs: list[list[float]] | None = None


class _Drawer:
    """Draws for the engine, and remembers how likely each token was."""

    def __init__(self, sampler, processors, count):
        self.sample, self.processors = sampler or _likeliest, processors
        self.logprobs = [[] for _ in range(count)]

    def __call__(self, number, logits, tokens):
        logprobs = log_probabilities(logits, tokens, self.processors)
        token = int(self.sample(logprobs[None])[0])
        self.logprobs[number].append(logprobs[token].item())
        return token


def _sessions(model, caches, max_kv_size, wanted, count):
    """A cache for each answer, which holds what the given one does, and their sessions; nothing if none is needed."""
    if caches is None and not wanted:
        return [None] * count, None
    given = caches if caches is not None else [None] * count
    made = [make_prompt_cache(model, max_kv_size) if one is None else one.copy(model) for one in given]
    return made, [one.session(model) for one in made]


def _limits(max_tokens, count):
    limits = [max_tokens] * count if isinstance(max_tokens, int) else list(max_tokens)
    if any(limit < 1 for limit in limits):
        raise ValueError(f"batch_generate: max_tokens {limits}; each is 1 or more")
    if len(limits) != count:
        raise ValueError(f"batch_generate: max_tokens of {len(limits)} prompts, but there are {count}")
    return limits


def _append_last(sessions, tokens, most):
    """What was drawn last becomes part of what is held, so that a prompt can follow it."""
    for session, ids in zip(sessions, tokens):
        if ids and len(session.tokens) < most:
            session.step(ids[-1])


def _told(stats):
    rates = [("Prompt", stats.prompt_tokens, stats.prompt_tps), ("Generation", stats.generation_tokens, stats.generation_tps)]
    for name, tokens, rate in rates:
        print(f"[batch_generate] {name}: {tokens} tokens, {rate:.3f} tokens-per-sec")
    print(f"[batch_generate] Peak memory: {stats.peak_memory:.3f} GB")


def batch_generate(
    model,
    tokenizer,
    prompts,
    prompt_caches=None,
    max_tokens=128,
    verbose=False,
    return_prompt_caches=False,
    return_token_ids=False,
    return_logprobs=False,
    *,
    sampler=None,
    logits_processors=None,
    completion_batch_size=32,
    prefill_batch_size=8,
    prefill_step_size=0,
    max_kv_size=None,
):
    """Continues several prompts (text, ids or arrays of ids) in the same steps, so that the weights are read once for
    all, and gives a BatchResponse. max_tokens: a number, or one for each. prompt_caches: for each prompt what comes
    before it, or None; they stay as they are. The caches that are returned hold prompt and answer, its end token too. At most completion_batch_size answers (or prefill_batch_size, if that is
    more) are generated at once. sampler and logits_processors are called for each answer by itself, as by
    stream_generate."""
    started = time.perf_counter()
    new = [_ids(tokenizer, prompt) for prompt in prompts]
    if prompt_caches is not None and len(prompt_caches) != len(new):
        raise ValueError(f"batch_generate: {len(prompt_caches)} prompt caches for {len(new)} prompts")
    limits = _limits(max_tokens, len(new))
    caches, sessions = _sessions(model, prompt_caches, max_kv_size, return_prompt_caches, len(new))
    draws = _Drawer(sampler, logits_processors, len(new)) if sampler or logits_processors or return_logprobs else None
    stats, answers = BatchStats(prompt_tokens=sum(map(len, new))), []
    rows = max(1, min(len(new), max(completion_batch_size, prefill_batch_size)))
    batch = mx._engine.Batch(model._engine, rows, max_kv_size or 0, prefill_step_size) if new else None
    for first in range(0, len(new), rows):
        some = slice(first, first + rows)
        tokens = [(cache.tokens if cache else []) + ids for cache, ids in zip(caches[some], new[some])]
        draw = draws and (lambda number, *what, first=first: draws(first + number, *what))
        made, ends, read, decoded = batch.generate(tokens, limits[some], sessions and sessions[some], draw)
        if return_prompt_caches:
            _append_last(sessions[some], made, max_kv_size or model.facts["context"])
        answers += [ids[:-1] if end == "stop" else ids for ids, end in zip(made, ends)]
        stats.prompt_time += read
        stats.decode_time += decoded
        stats.generation_tokens += sum(map(len, made))
        stats.generation_steps += max(map(len, made))
        if verbose:
            print(f"[batch_generate] Finished processing {len(answers)}/{len(new)} ...", end="\r")
    texts = [tokenizer.decode(ids) for ids in answers]
    stats.wall_time = time.perf_counter() - started
    stats.peak_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    if verbose:
        print(f"[batch_generate] Finished processing {len(answers)}/{len(new)}")
        _told(stats)
    logprobs = [drawn[: len(ids)] for drawn, ids in zip(draws.logprobs, answers)] if return_logprobs else None
    return BatchResponse(texts, stats, caches if return_prompt_caches else None, answers if return_token_ids else None, logprobs)
