"""Golden checkpoints: a small model with random weights, and what another program, mlx-lm, makes of it.

    .venv/bin/python tools/golden.py tests/data/golden/NAME config.json    writes the folder NAME from a small
    config.json
    .venv/bin/python tools/golden.py --check tests/data/golden/NAME        computes what is stored there again

tests/test_lm.c and tests/python/test_lm.py read every folder: log-probabilities of given tokens, the last logits, and a
greedy continuation.
"""
import argparse
import json
import pathlib
import shutil
import sys

import mlx.core as mx
import mlx_lm
import numpy
from mlx.utils import tree_flatten
from mlx_lm.utils import load_model

TOKENS, PROMPT, GREEDY = 40, 24, 16
CLEAR = 5e-3  # a greedy token must be better than the next by more than another program's rounding


def random_weights(model, seed):
    """Wide enough that logits differ well; norms around 1, or their addend to 1 around 0."""
    random = numpy.random.default_rng(seed)
    weights = {}
    for name, value in tree_flatten(model.parameters()):
        width = 0.1 if value.ndim == 1 else 1.5 / value.shape[-1] ** 0.5
        centre = float(value.mean()) if "norm" in name else 0.0
        weights[name] = mx.array(centre + width * random.standard_normal(value.shape).astype(numpy.float32))
    return weights


def logits_of(model, ids):
    return numpy.array(model(mx.array([ids]))[0].astype(mx.float32), dtype=numpy.float64)


def greedy(model, ids):
    """The continuation, and by how much its least certain token was the best."""
    ids, margin = list(ids), numpy.inf
    for _ in range(GREEDY):
        logits = logits_of(model, ids)[-1]
        second, best = numpy.sort(logits)[-2:]
        margin = min(margin, best - second)
        ids.append(int(logits.argmax()))
    return ids[-GREEDY:], margin


def results(model, ids):
    logits = logits_of(model, ids)
    logprobs = logits - numpy.log(numpy.exp(logits - logits.max(-1, keepdims=True)).sum(
        -1, keepdims=True)) - logits.max(-1, keepdims=True)
    tokens, margin = greedy(model, ids[:PROMPT])
    return {
        "mlx_lm": mlx_lm.__version__,
        "dtype": "float32",
        "input_ids": ids,
        "token_logprobs": [round(float(logprobs[i, t]), 6) for i, t in enumerate(ids[1:])],
        "last_logits": [round(float(x), 5) for x in logits[-1]],
        "greedy_prompt_len": PROMPT,
        "greedy_ids": tokens,
        "smallest_top1_margin": float(margin),
    }


def write(folder, config_path):
    config = json.loads(config_path.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(config_path, folder / "config.json")
    for seed in range(100):
        model, _ = load_model(folder, lazy=True, strict=False)
        weights = random_weights(model, seed)
        model.load_weights(list(weights.items()))
        ids = numpy.random.default_rng(1000 + seed).integers(3, config["vocab_size"], TOKENS).tolist()
        expected = results(model, ids)
        if expected["smallest_top1_margin"] > CLEAR:
            break
    mx.save_safetensors(str(folder / "model.safetensors"), weights, {"format": "mlx"})
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")
    print(f"{folder}: seed {seed}, smallest margin {expected['smallest_top1_margin']:.4f}")


def check(folder):
    stored = json.loads((folder / "expected.json").read_text())
    model, _ = load_model(folder)
    model.set_dtype(mx.float32)
    found = results(model, stored["input_ids"])
    worst = max(
        abs(a - b) for key in ("token_logprobs", "last_logits") for a, b in zip(stored[key], found[key], strict=True))
    same = stored["greedy_ids"] == found["greedy_ids"]
    print(f"{folder}: largest difference {worst:.2e}, greedy tokens {'the same' if same else 'differ'}")
    return worst < 1e-3 and same


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("config", type=pathlib.Path, nargs="?")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    mx.set_default_device(mx.cpu)
    if options.check:
        return 0 if check(options.folder) else 1
    if not options.config:
        parser.error("a config.json is needed")
    write(options.folder, options.config)
    return 0


if __name__ == "__main__":
    sys.exit(main())
