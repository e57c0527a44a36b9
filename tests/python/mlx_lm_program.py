"""mlx_lm_program.py MODEL RESULT: what a user of mlx-lm does from Python with a model of float32, in the current
folder: texts, caches, batches, perplexity, conversions, a short LoRA training. Writes down what came out. Run by
test_mlx_lm.py under real mlx and under tarn.mlx."""

import json
import sys
from pathlib import Path

import mlx.core as mx
import numpy as np
from mlx_lm import batch_generate, convert, generate, load, lora, stream_generate
from mlx_lm.models.cache import load_prompt_cache, make_prompt_cache, save_prompt_cache
from mlx_lm.perplexity import eval_ppl
from mlx_lm.sample_utils import make_logits_processors, make_sampler

PROMPTS = ["Once upon a time", "The fox said", "One rainy day, a girl named Mia"]
NAMES, PLACES = ("Mia", "Theo", "Hugo", "Lily", "Anna", "Finn"), ("lake", "forest", "meadow")


def texts(model, tokenizer):
    told = {prompt: generate(model, tokenizer, prompt, max_tokens=30) for prompt in PROMPTS}
    responses = list(stream_generate(model, tokenizer, PROMPTS[0], max_tokens=8, prefill_step_size=4))
    told["stream"] = [(r.text, r.token, r.prompt_tokens, r.generation_tokens, r.finish_reason,
                       round(float(mx.max(r.logprobs)), 4)) for r in responses]
    mx.random.seed(7)
    told["sampled"] = generate(model, tokenizer, PROMPTS[1], max_tokens=20, sampler=make_sampler(temp=0.8, top_p=0.9))
    told["penalty"] = generate(model, tokenizer, PROMPTS[1], max_tokens=20,
                               logits_processors=make_logits_processors(repetition_penalty=1.3))
    told["quantized cache"] = generate(model, tokenizer, PROMPTS[0], max_tokens=12, kv_bits=8, kv_group_size=32,
                                       quantized_kv_start=0)
    told["window"] = generate(model, tokenizer, PROMPTS[0], max_tokens=30, max_kv_size=16)
    tokens = [tokenizer.encode(prompt) for prompt in PROMPTS]
    told["batch"] = batch_generate(model, tokenizer, tokens, max_tokens=12).texts
    return told


def caches(model, tokenizer):
    cache = make_prompt_cache(model)
    first = generate(model, tokenizer, PROMPTS[0], max_tokens=5, prompt_cache=cache)
    save_prompt_cache("cache.safetensors", cache, {"from": "a test"})
    loaded, metadata = load_prompt_cache("cache.safetensors", return_metadata=True)
    return [
        first, metadata, loaded[0].offset,
        generate(model, tokenizer, " and then", max_tokens=10, prompt_cache=loaded)
    ]


def perplexity(model, tokenizer):
    text = " ".join(f"Once upon a time there was a little fox named {name}. It lived near the {place}."
                    for name in NAMES for place in PLACES)
    tokens = tokenizer.encode(text)
    rows = len(tokens) // 32
    return [float(value) for value in eval_ppl(model, mx.array(tokens[: rows * 32]).reshape(rows, 32), batch_size=2)]


def train(path):
    rows = [
        json.dumps({"text": f"There was a fox named {name} who lived near the {place}."}) + "\n" for name in NAMES
        for place in PLACES
    ]
    folder = Path("data")
    folder.mkdir()
    for name in ("train", "valid", "test"):
        (folder / f"{name}.jsonl").write_text("".join(rows))
    sys.argv = [
        "lora", "--model", path, "--train", "--test", "--data", "data", "--iters", "10", "--batch-size", "2",
        "--num-layers", "2", "--val-batches", "2", "--steps-per-report", "5", "--adapter-path", "adapter", "--seed",
        "1", "--test-batches", "2"
    ]  # fmt: skip
    lora.main()
    weights = mx.load("adapter/adapters.safetensors")
    return {name: np.array(weights[name]).tolist() for name in sorted(weights)[:4]}


def main():
    path, result = sys.argv[1:3]
    model, tokenizer = load(path)
    told = {
        "texts": texts(model, tokenizer), "caches": caches(model, tokenizer),
        "perplexity": perplexity(model, tokenizer)
    }
    for name, options in {
            "q4": {"q_bits": 4}, "q6": {"q_bits": 6, "q_group_size": 32}, "nvfp4": {"q_mode": "nvfp4"},
            "mixed": {"quant_predicate": "mixed_3_6"}, "head": {
                "quant_predicate": lambda path, module: {"bits": 6, "group_size": 64} if "embed" in path else True
            },
    }.items():  # fmt: skip
        convert(path, name, quantize=True, **options)
    told["text of q4"] = generate(*load("q4"), PROMPTS[0], max_tokens=20)
    told["adapter"] = train(path)
    Path(result).write_text(json.dumps(told))


if __name__ == "__main__":
    main()
