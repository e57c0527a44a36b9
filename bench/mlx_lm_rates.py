"""mlx_lm_rates.py: mlx-lm through tarn.mlx beside the C engine, on random checkpoints of 4 bits that are made in a temporary folder (2 GB) and removed again.

decode   a 3B shape: tokens and prompts a second of mlx_lm.stream_generate and of tarn.lm.stream_generate
lora     a 1B shape, batch 4 x 512: products of a step, forward and backward, a second, beside those of the engine's prompt of as many tokens
layer    the same step of one layer at 1 x 64 on Tarn and on real mlx

PYTHONPATH=build/python .venv/bin/python -P bench/mlx_lm_rates.py [decode|lora|layer ...] [--folder FOLDER] [--profile]
--folder keeps the checkpoints, whose making takes longer than to measure them."""

import argparse
import cProfile
import json
import os
import pstats
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy

TINY = Path(__file__).resolve().parents[1] / "models" / "tiny"
SHAPES = {
    "3b": {"hidden_size": 3072, "num_hidden_layers": 28, "intermediate_size": 8192, "num_attention_heads": 24, "num_key_value_heads": 8, "head_dim": 128},
    "1b": {"hidden_size": 2048, "num_hidden_layers": 16, "intermediate_size": 8192, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64},
}  # fmt: skip
VOCABULARY = 128256


def config_of(shape):
    config = json.loads((TINY / "config.json").read_text())
    quantization = {"group_size": 64, "bits": 4, "mode": "affine"}
    return config | SHAPES[shape] | {"vocab_size": VOCABULARY, "max_position_embeddings": 4096, "quantization": quantization}


def products(config):
    """Name, rows and columns of the matrices of a layer."""
    hidden, inner, head = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    q, kv = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    attention = {"q_proj": (q, hidden), "k_proj": (kv, hidden), "v_proj": (kv, hidden), "o_proj": (hidden, q)}
    mlp = {"gate_proj": (inner, hidden), "up_proj": (inner, hidden), "down_proj": (hidden, inner)}
    return {f"self_attn.{name}": shape for name, shape in attention.items()} | {f"mlp.{name}": shape for name, shape in mlp.items()}


def quantized(mx, random, name, rows, columns):
    packed = numpy.frombuffer(random.bytes(rows * columns // 2), "u4").reshape(rows, columns // 8)
    scales = mx.array(random.uniform(0.5, 1.5, (rows, columns // 64)).astype("f4") * (0.2 / columns**0.5)).astype(mx.bfloat16)
    return {f"{name}.weight": mx.array(packed), f"{name}.scales": scales, f"{name}.biases": scales * -7.5}


def make_checkpoint(folder, config):
    """A file of weights a layer, as mlx-lm lays shards out."""
    import mlx.core as mx

    start = time.perf_counter()
    random = numpy.random.default_rng(0)
    ones = mx.ones((config["hidden_size"],), mx.bfloat16)
    files = [quantized(mx, random, "model.embed_tokens", VOCABULARY, config["hidden_size"]) | {"model.norm.weight": ones}]
    for n in range(config["num_hidden_layers"]):
        before = f"model.layers.{n}."
        files.append({before + "input_layernorm.weight": ones, before + "post_attention_layernorm.weight": ones})
        for name, (rows, columns) in products(config).items():
            files[-1] |= quantized(mx, random, before + name, rows, columns)
    index = {}
    for n, arrays in enumerate(files):
        name = f"model-{n + 1:05}-of-{len(files):05}.safetensors"
        mx.save_safetensors(str(folder / name), arrays, metadata={"format": "mlx"})
        index |= dict.fromkeys(arrays, name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    (folder / "config.json").write_text(json.dumps(config))
    for file in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(TINY / file, folder)
    print(f"a checkpoint of {config['num_hidden_layers']} layers made in {time.perf_counter() - start:.0f} s", flush=True)


def ids(count):
    return numpy.random.default_rng(1).integers(6, 2000, count).tolist()


def rates(module, model, tokenizer, prompt, tokens):
    """(prompt, generation) tokens a second, without what ends a text."""
    for last in module.stream_generate(model, tokenizer, ids(prompt), max_tokens=tokens):
        pass
    return last.prompt_tps, last.generation_tps


def median(values):
    return sorted(values)[len(values) // 2]


def bench_decode(folder, arguments):
    import tarn.lm
    import mlx_lm

    sides = {"engine": (tarn.lm, *tarn.lm.load(folder)), "mlx-lm": (mlx_lm, *mlx_lm.load(str(folder)))}
    sides["mlx-lm"][2].eos_token_ids = set()
    type(sides["engine"][2]).eos_token_ids = property(lambda self: set())
    found = {}
    for words, prompt, tokens in (("generation", 16, arguments.tokens), ("prompt", 512, 2)):
        times = {name: [] for name in sides}
        for _ in range(arguments.trials):
            for name, side in sides.items():
                times[name].append(rates(*side, prompt, tokens)[words == "generation"])
                print(f"  {words} by {name}: {times[name][-1]:.2f} tokens/s", flush=True)
        found[words] = {name: median(values) for name, values in times.items()}
        share = 100 * found[words]["mlx-lm"] / found[words]["engine"]
        print(f"3b {words:11}" + "".join(f"{name}: {rate:8.2f} tokens/s   " for name, rate in found[words].items()) + f"{share:.0f} %", flush=True)
    if arguments.profile:
        profile = cProfile.Profile()
        profile.runcall(rates, *sides["mlx-lm"], 16, arguments.tokens)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)


def lora_step(mx, nn, optimizers, model, batch, length):
    """A step as mlx_lm.lora takes it."""
    from mlx_lm.tuner.trainer import default_loss
    from mlx_lm.tuner.utils import linear_to_lora_layers

    model.freeze()
    linear_to_lora_layers(model, len(model.layers), {"rank": 8, "scale": 20.0, "dropout": 0.0})
    model.train()
    optimizer = optimizers.Adam(learning_rate=1e-5)
    value_and_grad = nn.value_and_grad(model, default_loss)
    state = [model.state, optimizer.state, mx.random.state]
    tokens = mx.array(numpy.array(ids(batch * (length + 1)), "i4").reshape(batch, length + 1))
    lengths = mx.array([[0, length]] * batch)

    def step(tokens, lengths):
        (loss, count), gradients = value_and_grad(model, tokens, lengths)
        optimizer.update(model, gradients)
        return loss

    compiled = mx.compile(step, inputs=state, outputs=state)
    return lambda: mx.eval(compiled(tokens, lengths), state)


def timed(step):
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def seconds(step, trials):
    """The shortest time of trials, after a call that compiles; one of a step that takes long. Where the first call takes so
    long that compiling is nothing beside it, its time."""
    first = timed(step)
    if first > 20:
        return first
    return min(timed(step) for _ in range(1 if first > 5 else trials))


def bench_lora(folder, arguments):
    import mlx.core as mx
    import mlx.nn as nn
    import mlx.optimizers as optimizers
    import mlx_lm
    import tarn.lm

    batch, length = 4, 512
    config = config_of("1b")
    weights = config["num_hidden_layers"] * sum(rows * columns for rows, columns in products(config).values())
    engine = tarn.lm.load(folder)
    prompt = max(rates(tarn.lm, *engine, batch * length, 1)[0] for _ in range(2))  # its head computes one row of logits
    forward = 2 * prompt * weights
    print(f"1b prompt of {batch * length} tokens: {prompt:8.1f} tokens/s {forward / 1e9:8.1f} GFLOP/s of products in layers", flush=True)
    model, _ = mlx_lm.load(str(folder))
    taken = seconds(lora_step(mx, nn, optimizers, model, batch, length), arguments.trials)
    head = VOCABULARY * config["hidden_size"]
    both = 2 * 2 * batch * length * (weights + head) / taken
    print(f"1b LoRA step of {batch} x {length}: {taken:8.2f} s {both / 1e9:8.1f} GFLOP/s of products, forward and backward   {100 * both / forward:.0f} %")


def bench_layer(side):
    """One layer of the 1B shape without a vocabulary worth the name, on real mlx or on Tarn: seconds a token."""
    import mlx.core as mx
    import mlx.nn as nn
    import mlx.optimizers as optimizers
    from mlx_lm.models.llama import Model, ModelArgs

    config = config_of("1b") | {"num_hidden_layers": 1, "vocab_size": 2048}
    model = Model(ModelArgs.from_dict(config))
    model.set_dtype(mx.bfloat16)
    nn.quantize(model, group_size=64, bits=4)
    print(seconds(lora_step(mx, nn, optimizers, model, 1, 64), 3) / 64)


def print_layer():
    """In processes of their own: one has either mlx or Tarn."""
    times = {}
    for side, command in {"tarn": ["-m", "tarn.mlx"], "mlx": []}.items():
        made = subprocess.run([sys.executable, "-P", *command, __file__, "layer", "--only", side], capture_output=True, text=True, check=True)
        times[side] = float(made.stdout.split()[-1])
        print(f"LoRA step of one layer at 1 x 64 on {side}: {times[side] * 1e3:.3f} ms a token", flush=True)
    print(f"  {times['mlx'] / times['tarn']:.0f} x", flush=True)


def with_checkpoint(shape, bench, arguments):
    import tarn.mlx  # noqa: F401

    if arguments.folder:
        folder = Path(arguments.folder) / shape
        if not folder.exists():
            folder.mkdir(parents=True)
            make_checkpoint(folder, config_of(shape))
        return bench(folder, arguments)
    with tempfile.TemporaryDirectory() as name:
        make_checkpoint(Path(name), config_of(shape))
        bench(Path(name), arguments)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", nargs="*", default=["decode", "lora", "layer"])
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--profile", action="store_true", help="where mlx-lm's generation spends its time")
    parser.add_argument("--folder", help="keeps the checkpoints here")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    if arguments.only:
        return bench_layer(arguments.only)
    for case in arguments.cases:
        if case == "decode":
            with_checkpoint("3b", bench_decode, arguments)
        elif case == "lora":
            with_checkpoint("1b", bench_lora, arguments)
        else:
            print_layer()


if __name__ == "__main__":
    main()
