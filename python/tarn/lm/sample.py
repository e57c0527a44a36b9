"""How the next token is drawn, and what is done to logits before: mlx_lm's sample_utils, on logits [..., vocab]."""

import math
from typing import Callable, Dict, List, Optional

import tarn.core as mx

Sampler = Callable[[mx.array], mx.array]  # of log-probabilities [..., vocab] the tokens
LogitsProcessor = Callable[[mx.array, mx.array], mx.array]  # of tokens and logits [1, vocab] other logits


def _top_p(logprobs, top_p):
    """Keeps the likeliest tokens whose probabilities add up to top_p."""
    order = mx.argsort(logprobs, axis=-1)
    sums = mx.cumsum(mx.take_along_axis(mx.exp(logprobs), order, axis=-1), axis=-1)
    sums = mx.put_along_axis(mx.zeros_like(sums), order, sums, axis=-1)
    return mx.where(sums > 1 - top_p, logprobs, -math.inf)


def _min_p(logprobs, min_p, at_least):
    """Keeps tokens that are at least min_p times as likely as the likeliest, and the at_least likeliest."""
    limit = mx.max(logprobs, axis=-1, keepdims=True) + math.log(min_p)
    if at_least > 1:
        limit = mx.minimum(limit, mx.min(mx.topk(logprobs, at_least, axis=-1), axis=-1, keepdims=True))
    return mx.where(logprobs < limit, -math.inf, logprobs)


def _top_k(logprobs, top_k):
    """Keeps the top_k likeliest."""
    if top_k >= logprobs.shape[-1]:
        return logprobs
    others = mx.argpartition(-logprobs, kth=top_k - 1, axis=-1)[..., top_k:]
    return mx.put_along_axis(logprobs, others, mx.array(-math.inf, logprobs.dtype), axis=-1)


def _xtc(logprobs, probability, threshold, exempt):
    """Of the tokens above the threshold leaves out all but the least likely, as often as probability says."""
    chances = mx.softmax(logprobs, -1)
    least = mx.min(mx.where(chances > threshold, chances, math.inf), axis=-1, keepdims=True)
    out = chances > least
    if exempt:
        out[..., mx.array(exempt)] = False
    return mx.where(mx.random.uniform(0, 1) > probability, logprobs, mx.where(out, -math.inf, logprobs))


def make_sampler(
    temp: float = 0.0,
    top_p: float = 0.0,
    min_p: float = 0.0,
    min_tokens_to_keep: int = 1,
    top_k: int = 0,
    xtc_probability: float = 0.0,
    xtc_threshold: float = 0.1,
    xtc_special_tokens: Optional[List[int]] = None,
) -> Sampler:
    """A function that draws a token of log-probabilities [..., vocab]; with temp 0 the likeliest. Filters see
    probabilities before the temperature."""
    for name, value, low, high in [
        ("temp", temp, 0, math.inf),
        ("top_p", top_p, 0, 1),
        ("min_p", min_p, 0, 1),
        ("top_k", top_k, 0, math.inf),
        ("xtc_probability", xtc_probability, 0, 1),
        ("xtc_threshold", xtc_threshold, 0, 0.5 if xtc_probability > 0 else 1),
    ]:
        if not low <= value <= high:
            raise ValueError(f"make_sampler: {name} is {value}; from {low} to {high}")
    if temp == 0:
        return lambda logprobs: mx.argmax(logprobs, axis=-1)

    def sample(logprobs):
        if 0 < top_p < 1:
            logprobs = _top_p(logprobs, top_p)
        if min_p != 0:
            logprobs = _min_p(logprobs, min_p, min_tokens_to_keep)
        if xtc_probability > 0:
            logprobs = _xtc(logprobs, xtc_probability, xtc_threshold, xtc_special_tokens)
        if top_k > 0:
            logprobs = _top_k(logprobs, top_k)
        return mx.random.categorical(logprobs * (1 / temp))

    return sample


def _change(logits, tokens, size, change):
    """logits with those of the last tokens changed."""
    recent = tokens[-size:] if size else tokens
    if len(recent) == 0:
        return logits
    recent = mx.array(recent)
    logits[:, recent] = change(logits[:, recent], recent)
    return logits


def make_logits_processors(
    logit_bias: Optional[Dict[int, float]] = None,
    repetition_penalty: Optional[float] = None,
    repetition_context_size: int = 20,
    presence_penalty: Optional[float] = None,
    presence_context_size: int = 20,
    frequency_penalty: Optional[float] = None,
    frequency_context_size: int = 20,
) -> List[LogitsProcessor]:
    """Functions of (tokens so far, logits [1, vocab]), to be applied in this order: a bias for given ids, and
    penalties of tokens among the last ones: logits divided (multiplied if negative), or made less once, or as often as
    a token is there."""
    if repetition_penalty is not None and repetition_penalty <= 0:
        raise ValueError(f"make_logits_processors: repetition_penalty is {repetition_penalty}; above 0")
    processors = []
    if logit_bias:
        ids, values = mx.array(list(logit_bias)), mx.array(list(logit_bias.values()))
        processors.append(lambda tokens, logits: logits.at[:, ids].add(values))
    if repetition_penalty and repetition_penalty != 1:

        def repetition(chosen, ids):
            return mx.where(chosen < 0, chosen * repetition_penalty, chosen / repetition_penalty)

        processors.append(lambda tokens, logits: _change(logits, tokens, repetition_context_size, repetition))
    if presence_penalty:

        def presence(chosen, ids):
            return chosen - presence_penalty

        processors.append(lambda tokens, logits: _change(logits, tokens, presence_context_size, presence))
    if frequency_penalty:

        def frequency(tokens, logits):
            recent = tokens[-frequency_context_size:]
            return logits.at[:, mx.array(recent)].subtract(frequency_penalty) if len(recent) else logits

        processors.append(frequency)
    return processors
