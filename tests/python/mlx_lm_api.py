"""mlx_lm_api.py RESULT: mlx-lm from Python beyond texts, with the float32 model f32 of the current folder: every kind of cache through all that batches do
to it, continuous batching, detokenizers, samplers, tuning, learned quantization. Writes down what came out. Run by test_mlx_lm_api.py under real mlx and
under tarn.mlx."""

import contextlib
import copy
import io
import json
import re
import sys
import types
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optimizers
import numpy as np
from mlx.utils import tree_flatten, tree_map
from mlx_lm import load
from mlx_lm.generate import BatchGenerator, StopSequences, TextStateMachine, batch_generate, generate_step, make_stop_sequences, speculative_generate_step
from mlx_lm.models import base, cache
from mlx_lm.quant import awq, dwq, dynamic_quant, gptq
from mlx_lm.sample_utils import make_logits_processors, make_sampler
from mlx_lm.tokenizer_utils import BPEStreamingDetokenizer, NaiveStreamingDetokenizer
from mlx_lm.tuner import datasets, losses, trainer
from mlx_lm.tuner import utils as tuner
from mlx_lm.utils import common_prefix_len, compute_bits_per_weight, dequantize_model, get_total_parameters, make_shards, quantize_model

PROMPTS = ["Once upon a time", "The fox said", "One rainy day, a girl named Mia", "A"]
HEADS, DIM = 2, 32


def plain(x):
    """As JSON says it: arrays with shape, dtype, sum and some hundred elements."""
    if isinstance(x, mx.array):
        numbers = np.array(x.astype(mx.float32)).ravel()
        some = numbers[:: 1 + numbers.size // 500].round(4)
        return [list(x.shape), str(x.dtype).split(".")[-1], round(float(numbers.sum(dtype="f8")), 2), some.tolist()]
    if isinstance(x, cache._BaseCache):
        return [type(x).__name__, plain(x.state), x.nbytes, bool(x.empty())]
    if isinstance(x, dict):
        return {str(key): plain(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(one) for one in x]
    return x if x is None or isinstance(x, (str, int, float, bool)) else str(x)


class Drawn:
    """Keys and values that are the same on both sides."""

    def __init__(self, seed=0):
        self.random = np.random.default_rng(seed)

    def __call__(self, batch, length, dtype=mx.float32):
        return tuple(mx.array(self.random.standard_normal((batch, HEADS, length, DIM)).astype("f4")).astype(dtype) for _ in range(2))


def filled(made, drawn, lengths, batch=1):
    for length in lengths:
        made.update_and_fetch(*drawn(batch, length))
    return made


def error_of(call):
    try:
        return plain(call())
    except Exception as error:  # noqa: BLE001 - which it is is what is told
        return type(error).__name__


def single_caches():
    drawn, told = Drawn(), {}
    makers = {
        "plain": cache.KVCache, "concatenated": cache.ConcatenateKVCache, "rotating": lambda: cache.RotatingKVCache(12, keep=2),
        "chunked": lambda: cache.ChunkedKVCache(8), "8 bits": lambda: cache.QuantizedKVCache(32, 8), "4 bits": lambda: cache.QuantizedKVCache(32, 4),
    }  # fmt: skip
    for name, maker in makers.items():
        one = filled(maker(), drawn, [5, 1, 1])
        told[name] = [plain(one), one.is_trimmable(), error_of(lambda: one.make_mask(3, return_array=True, window_size=None)), one.trim(2)]
        filled(one, drawn, [1, 9, 1, 1, 1, 1])
        told[name] += [plain(one), one.is_trimmable(), error_of(lambda: one.make_mask(4, return_array=True, window_size=6)), error_of(one.size)]
        told[name] += [plain(type(one).from_state(one.state))] if name == "plain" else []
        if name in ("plain", "rotating"):
            told[name].append(error_of(lambda: one.to_quantized(group_size=32, bits=4)))
        if name == "chunked":
            one.maybe_trim_front()
            told[name].append(plain(one))
    return told


def batch_caches():
    drawn, told = Drawn(1), {}
    for name, maker, batched in (
        ("plain", cache.KVCache, lambda padding: cache.BatchKVCache(padding)),
        ("rotating", lambda: cache.RotatingKVCache(10), lambda padding: cache.BatchRotatingKVCache(10, padding)),
    ):  # fmt: skip
        ones = [filled(maker(), drawn, [length, 1]) for length in (3, 12, 7)] + [maker()]
        merged = type(ones[0]).merge(*([ones] if isinstance(ones[0].merge, types.MethodType) else [ones]))
        steps = [plain(merged)]
        steps += [plain(filled(merged, drawn, [1, 1], 4)), plain(merged.make_mask(1)), plain(merged.make_mask(2, window_size=4))]
        merged.filter([0, 2])
        steps += [plain(merged), plain(merged.extract(1)), merged.is_trimmable(), merged.size()]
        padded = batched([1, 0])
        padded.prepare(lengths=[3, 5], right_padding=[2, 0])
        filled(padded, drawn, [5], 2)
        steps.append(plain(padded.make_mask(2)))
        padded.finalize()
        steps += [plain(padded), padded.trim(1), plain(padded)]
        merged.extend(padded)
        steps += [plain(merged), plain(filled(merged, drawn, [1, 4, 1, 1, 1], 4)), plain([merged.extract(i) for i in range(4)])]
        empty = batched([0, 0])
        empty.prepare(left_padding=[2, 1])
        empty.extend(batched([1]))
        steps += [plain(empty), error_of(lambda: merged.prepare(left_padding=[1, 1, 1, 1]))]
        told[name] = steps
    return told


def array_caches():
    drawn, told = Drawn(2), []
    first, second = cache.ArraysCache(2), cache.ArraysCache(2, left_padding=[1])
    told.append(plain(cache.ArraysCache.merge([first, second])))
    first[0], first[1] = drawn(1, 3)
    second[0], second[1] = drawn(1, 3)
    both = cache.ArraysCache.merge([first, second])
    both.prepare(lengths=[2, 3])
    told += [plain(both), plain(both.make_mask(3))]
    both.advance(1)
    told += [plain(both), plain(both.extract(1))]
    both.extend(second)
    both.filter([2, 0])
    both.finalize()
    listed = cache.CacheList(filled(cache.KVCache(), drawn, [4]), first)
    other = cache.CacheList(filled(cache.KVCache(), drawn, [2]), second)
    merged = cache.CacheList.merge([listed, other])
    told += [plain(both), plain(merged), plain(merged.extract(0)), plain(listed.is_trimmable()), listed.size()]
    buffer = cache.TokenBuffer([1, 2, 3])
    told += [plain(buffer.update_and_fetch(mx.array([4, 5]))), plain(buffer.tokens), plain(buffer.state)]
    told.append(plain(cache.dynamic_roll(drawn(2, 5)[0], mx.array([[1], [3]]), axis=2)))
    told += [plain(base.create_causal_mask(3, offset=2, window_size=3, right_padding=mx.array([1, 0]), left_padding=mx.array([0, 2])))]
    return told


def kept_prompts(model, tokenizer):
    """What a server does with the caches of prompts."""
    held = cache.LRUPromptCache(max_size=3)
    told = []
    for number, prompt in enumerate(PROMPTS):
        tokens, made = tokenizer.encode(prompt), cache.make_prompt_cache(model)
        model(mx.array([tokens]), cache=made)
        held.insert_cache("model", tokens, made, cache_type="user" if number % 2 else "assistant")
    for prompt in [*PROMPTS, "Once upon a day", "The fox said no"]:
        found, rest = held.fetch_nearest_cache("model", tokenizer.encode(prompt))
        told.append([found and [one.offset for one in found], rest, len(held), held.nbytes])
    trimmed = copy.deepcopy(made)
    told += [cache.can_trim_prompt_cache(made), cache.trim_prompt_cache(trimmed, 1), [one.offset for one in trimmed], held.stats_by_type()]
    held.trim_to(n_sequences=1)
    return told + [len(held)]


def saved_caches(model, tokenizer):
    tokens, told = mx.array([tokenizer.encode(PROMPTS[2])]), {}
    for name, made in {
        "plain": cache.make_prompt_cache(model), "window": cache.make_prompt_cache(model, max_kv_size=6),
        "8 bits": [cache.QuantizedKVCache(32, 8) for _ in model.layers],
        "list": [cache.CacheList(cache.KVCache(), cache.ArraysCache(1)) for _ in model.layers],
    }.items():  # fmt: skip
        if name == "8 bits":  # of what a model computes the last bit of a number may differ
            for one in made:
                filled(one, Drawn(4), [6])
        elif name == "list":
            for one in made:
                filled(one[0], Drawn(3), [3])
                one[1][0] = mx.ones((1, 2))
        else:
            model(tokens, cache=made)
        cache.save_prompt_cache(f"{name}.safetensors", made, {"tokens": str(tokens.size)})
        loaded, metadata = cache.load_prompt_cache(f"{name}.safetensors", return_metadata=True)
        told[name] = [plain(loaded), metadata]
    return told


def batches(model, tokenizer):
    tokens, told = [tokenizer.encode(prompt) for prompt in PROMPTS], {}
    mx.random.seed(5)
    drawing = make_sampler(temp=0.9, top_k=10)
    generator = BatchGenerator(model, max_tokens=9, stop_tokens=[[tokenizer.eos_token_id]], completion_batch_size=3, prefill_batch_size=2, prefill_step_size=3)
    uids = generator.insert(tokens[:3], [4, 9, 6], logits_processors=[[], make_logits_processors(repetition_penalty=1.2), []])
    steps, late = [], None
    while len(steps) < 40:
        _, responses = generator.next()
        steps.append([[r.uid, r.token, r.finish_reason, round(float(r.logprobs[r.token].item()), 3)] for r in responses])
        if len(steps) == 3:
            late = generator.insert([tokens[3]], [5], samplers=[drawing])
        if len(steps) == 6:
            generator.remove([uids[1]])
        if late and not responses and len(steps) > 20:
            break
    generator.close()
    told["steps"] = [step for step in steps if step]
    whole = batch_generate(model, tokenizer, tokens, max_tokens=[3, 8, 5, 6], return_prompt_caches=True)
    told["texts"] = whole.texts
    more = [tokenizer.encode(text, add_special_tokens=False) for text in (" and", " then", " but", " so")]
    told["continued"] = batch_generate(model, tokenizer, more, prompt_caches=whole.caches, max_tokens=6).texts
    told["window"] = batch_generate(model, tokenizer, tokens, max_tokens=14, max_kv_size=8).texts
    return told


def steps(model, tokenizer):
    tokens, told, progress = mx.array(tokenizer.encode(PROMPTS[2])), {}, []
    taken = generate_step(tokens, model, max_tokens=4, prefill_step_size=3, prompt_progress_callback=lambda *at: progress.append(at))
    told["steps"] = [[int(token), plain(logprobs.max())] for token, logprobs in taken]
    embedded = generate_step(mx.array([], mx.int32), model, max_tokens=4, input_embeddings=model.model.embed_tokens(tokens))
    told["embeddings"] = error_of(lambda: [int(token) for token, _ in embedded])
    drafted = speculative_generate_step(tokens, model, model, num_draft_tokens=3, max_tokens=7)
    told["drafted"] = [[int(token), bool(ours)] for token, _, ours in drafted]
    told["progress"] = progress
    return told


def samplers():
    told, logits = {}, mx.array(np.random.default_rng(4).standard_normal((3, 50)).astype("f4"))
    logprobs = logits - mx.logsumexp(logits, axis=-1, keepdims=True)
    for number, options in enumerate((
        {}, {"temp": 1.0}, {"temp": 0.7, "top_p": 0.5}, {"temp": 1.5, "min_p": 0.2, "min_tokens_to_keep": 3}, {"temp": 1.0, "top_k": 4},
        {"temp": 1.0, "xtc_probability": 1.0, "xtc_threshold": 0.03, "xtc_special_tokens": [3]}, {"temp": 0.9, "top_p": 0.9, "top_k": 20, "min_p": 0.01},
    )):  # fmt: skip
        mx.random.seed(number)
        told[str(options)] = plain([make_sampler(**options)(logprobs) for _ in range(6)])
    context = mx.array([3, 3, 7, 11, 49])
    for options in ({"repetition_penalty": 1.3}, {"presence_penalty": 0.5}, {"frequency_penalty": 0.4, "frequency_context_size": 3}, {"logit_bias": {3: -5.0, 8: 2.0}}):
        result = logits[:1]
        for processor in make_logits_processors(**options):
            result = processor(context, result)
        told[str(options)] = plain(result)
    return told


def words(tokenizer):
    told = {}
    for text in ("Hello, world!", "naïve café — 😀 tea", "  two  spaces\n\nlines", "日本語 text"):
        tokens = tokenizer.encode(text)
        for maker in (NaiveStreamingDetokenizer, BPEStreamingDetokenizer, lambda made: made.detokenizer):
            detokenizer, segments = maker(tokenizer if maker not in (NaiveStreamingDetokenizer, BPEStreamingDetokenizer) else tokenizer._tokenizer), []
            detokenizer.reset()
            for token in tokens:
                detokenizer.add_token(token)
                segments.append(detokenizer.last_segment)
            detokenizer.finalize()
            told.setdefault(text, []).append([segments, detokenizer.last_segment, detokenizer.text])
    told["chat"] = tokenizer.apply_chat_template([{"role": "user", "content": "Hello"}], add_generation_prompt=True)
    matcher = StopSequences([[1, 2], [2, 3, 4]]).matcher()
    told["stops"] = [matcher.advance(token) for token in (1, 2, 3, 4, 1, 1, 2)]
    told["stop words"] = [make_stop_sequences(tokenizer, ["fox"]).matcher().advance(token) for token in tokenizer.encode("a fox")]
    machine = TextStateMachine({"normal": [("<think>", "thought")], "thought": [("</think>", "normal")]})
    state, seen = machine.make_state(), []
    for piece in ("a<th", "ink>b", "c</thi", "nk>d"):
        state, segments = machine.split(state, piece)
        seen.append(segments)
    return told | {"states": plain(seen)}


def tuning(tokenizer):
    told = {}
    for name, schedule in {
        "cosine": {"name": "cosine_decay", "arguments": [1e-2, 20, 1e-4], "warmup": 3}, "steps": {"name": "step_decay", "arguments": [0.1, 0.5, 4]},
        "exponential": {"name": "exponential_decay", "arguments": [0.1, 0.9], "warmup": 2, "warmup_init": 1e-3},
    }.items():  # fmt: skip
        made = tuner.build_schedule(schedule)
        told[name] = plain([made(mx.array(step)) for step in range(10)])
    random = np.random.default_rng(6)
    logits = [mx.array(random.standard_normal((2, 3, 16)).astype("f4")) for _ in range(2)]
    for loss in (losses.kl_div_loss, losses.js_div_loss):
        told[loss.__name__] = plain([loss(*logits), mx.grad(lambda q: loss(q, logits[1]).sum())(logits[0])])
    stories = [{"text": f"A fox {'ran ' * n}home."} for n in range(7)]
    rows = datasets.CacheDataset(datasets.TextDataset(stories, tokenizer))
    np.random.seed(0)
    told["rows"] = [plain(rows[i]) for i in range(3)]
    told["batches"] = plain(list(trainer.iterate_batches(rows, batch_size=2, max_seq_length=64)))
    asked = datasets.CompletionsDataset([{"prompt": "Who?", "completion": "A fox."}], tokenizer, "prompt", "completion", mask_prompt=True)
    told["asked"] = plain(asked.process(asked[0]))
    return told


def adapters(path):
    told = {}
    for kind, use_dora in (("lora", False), ("dora", True)):
        mx.random.seed(3)
        model, _ = load(path)
        model.freeze()
        tuner.linear_to_lora_layers(model, 2, {"rank": 4, "scale": 10.0, "dropout": 0.0, "keys": ["self_attn.q_proj", "mlp.down_proj"]}, use_dora=use_dora)
        optimizer, tokens = optimizers.Adam(1e-2), mx.array([[5, 9, 17, 30, 8, 4, 99]])
        step = nn.value_and_grad(model, lambda model: nn.losses.cross_entropy(model(tokens[:, :-1]), tokens[:, 1:]).mean())
        lost = []
        for _ in range(4):
            loss, gradients = step(model)
            optimizer.update(model, gradients)
            lost.append(round(loss.item(), 4))
        names = sorted(name for name, _ in tree_flatten(model.trainable_parameters()))
        told[kind] = [lost, names, get_total_parameters(model), plain(tuner.remove_lora_layers(model)(tokens).sum())]
    return told


def distilled(model, config):
    """Losses of dwq, as it tells them, in float32: bfloat16, which the command takes, is rounded at other places (docs/differences.md)."""
    small, _ = quantize_model(copy.deepcopy(model), config, group_size=64, bits=3)
    random, printed = np.random.default_rng(9), io.StringIO()
    rows = [([*map(int, random.integers(6, 500, 20))], 0) for _ in range(24)]
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        dwq.dwq_quantize(
            small, lambda batch, number, split: model(batch), optimizers.Adam(2e-4, bias_correction=True), rows[:20], rows[20:], batch_size=2,
            max_seq_length=20, seed=1, dtype=mx.float32,
        )  # fmt: skip
    return [float(found) for found in re.findall(r"loss=([\d.]+)", printed.getvalue())]


def learned(path, tokenizer):
    """The commands take their texts from the network; what they call gets its own."""
    told, random = {}, np.random.default_rng(8)
    data = mx.array(random.integers(6, 500, (4, 24)))
    model, _, config = load(path, return_config=True)
    small, small_config = quantize_model(copy.deepcopy(model), config, group_size=64, bits=4)
    told["bits"] = [round(compute_bits_per_weight(small), 4), small_config["quantization"]["bits"], get_total_parameters(small)]
    told["back"] = plain(dequantize_model(copy.deepcopy(small))(data[:1]).sum())
    told["sensitivities"] = sorted(
        [name, round(value, 2)] for name, value in dynamic_quant.estimate_sensitivities(model, data[:2], 4, 64, 8, 64, batch_size=1)
    )  # fmt: skip
    told["shards"] = [sorted(shard) for shard in make_shards(dict(tree_flatten(small.parameters())), 0)][:2]
    told["prefix"] = common_prefix_len([1, 2, 3], [1, 2, 4])
    awq_model = copy.deepcopy(model)
    awq.awq_quantize(awq_model, data, awq.AWQ_MODEL_CONFIGS[config["model_type"]], group_size=64, bits=4, embed_group_size=32, embed_bits=4, n_grid=3)
    told["dwq"] = distilled(model, config)
    told["awq"] = plain(mx.abs(awq_model(data[:1]) - model(data[:1])).mean())
    return told


def main():
    result = Path(sys.argv[1]).absolute()
    model, tokenizer = load("f32")
    told = {
        "single caches": single_caches, "batch caches": batch_caches, "array caches": array_caches, "samplers": samplers,
        "kept prompts": lambda: kept_prompts(model, tokenizer), "saved caches": lambda: saved_caches(model, tokenizer),
        "batches": lambda: batches(model, tokenizer), "steps": lambda: steps(model, tokenizer), "words": lambda: words(tokenizer),
        "tuning": lambda: tuning(tokenizer), "adapters": lambda: adapters("f32"), "learned": lambda: learned("f32", tokenizer),
    }  # fmt: skip
    if len(sys.argv) > 2:
        told = {name: told[name] for name in sys.argv[2:]}
    result.write_text(json.dumps({name: plain(tell()) for name, tell in told.items()}))


if __name__ == "__main__":
    main()
