"""mlx_lm_commands.py ITERATIONS RESULT: mlx-lm's commands, one after the other as from a shell, with the float32 model f32 of the current folder. Writes
down what each printed. Run by test_mlx_lm_commands.py under real mlx and under tarn.mlx."""

import contextlib
import io
import json
import sys
import types
from pathlib import Path

import mlx.core as mx
from mlx_lm import cli

NAMES, PLACES = ("Mia", "Theo", "Hugo", "Lily", "Anna", "Finn"), ("lake", "forest", "meadow")
STORIES = [{"text": f"There was a fox named {name} who lived near the {place}. It was a kind fox."} for name in NAMES for place in PLACES]
TURNS = "Tell me a story about a fox.\nAnd then?\nh\nr\nHello!\nq\n"


def run(*arguments, typed=""):
    """What a command prints."""
    output, sys.argv, sys.stdin = io.StringIO(), ["mlx_lm", *map(str, arguments)], io.StringIO(typed)
    with contextlib.redirect_stdout(output):
        cli.main()
    return output.getvalue()


def lend_datasets():
    """perplexity takes its texts from a package that asks the network for them."""
    module = types.ModuleType("datasets")
    module.load_dataset = lambda path, split=None: STORIES
    sys.modules["datasets"] = module


def write_data():
    Path("data").mkdir()
    chats = [{"messages": [{"role": "user", "content": f"Who is {name}?"}, {"role": "assistant", "content": f"{name} is a fox."}]} for name in NAMES]
    Path("chats").mkdir()
    for name in ("train", "valid", "test"):
        (Path("data") / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in STORIES))
        (Path("chats") / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chats))


def training(iterations, adapter, *more):
    report = max(iterations // 20, 1)
    return run(
        *["lora", "--train", "--data", "data", "--iters", iterations, "--num-layers", 2, "--val-batches", 2, "--learning-rate", 1e-4, "--steps-per-report", report],
        *["--adapter-path", adapter, "--seed", 1, "--batch-size", 2, *more],
    )  # fmt: skip


def cached_prompt(name, *options):
    run("cache_prompt", "--model", "f32", "--prompt", "Once upon a time there was a fox.", "--prompt-cache-file", name, *options)
    return run("generate", "--model", "f32", "--prompt", "What did it do?", "--prompt-cache-file", name, "-m", 20, *options)


def main():
    iterations, result = int(sys.argv[1]), sys.argv[2]
    told = {"version": run("--version")}
    for name, options in {
        "plain": [], "system": ["--system-prompt", "You are a fox."], "raw": ["--ignore-chat-template"], "begun": ["--prefill-response", "Once"],
        "drawn": ["--temp", 0.7, "--top-p", 0.9, "--top-k", 20, "--min-p", 0.02, "--seed", 3], "window": ["--max-kv-size", 32],
        "8 bits": ["--kv-bits", 8, "--kv-group-size", 32, "--quantized-kv-start", 4], "draft": ["--draft-model", "f32", "--num-draft-tokens", 2],
        "xtc": ["--temp", 1, "--xtc-probability", 0.5, "--xtc-threshold", 0.05, "--seed", 4], "ends": ["--extra-eos-token", "."],
    }.items():  # fmt: skip
        told[f"generate {name}"] = run("generate", "--model", "f32", "--prompt", "Tell me a story.", "-m", 24, *options)
    told["generate typed"] = run("generate", "--model", "f32", "--prompt", "-", "-m", 12, typed="Hello!")
    told["chat"] = run("chat", "--model", "f32", "--max-tokens", 24, "--system-prompt", "You tell stories.", typed=TURNS)
    told["chat window"] = run("chat", "--model", "f32", "--max-tokens", 24, "--max-kv-size", 40, "--temp", 0.5, "--seed", 5, typed=TURNS)
    told["cached"] = cached_prompt("cached.safetensors")
    told["cached window"] = cached_prompt("window.safetensors", "--max-kv-size", 24)
    told["cached 8 bits"] = cached_prompt("bits.safetensors", "--kv-bits", 8, "--quantized-kv-start", 0)
    told["benchmark"] = run("benchmark", "--model", "f32", "-p", 24, "-g", 8, "-n", 2, "-b", 2)
    lend_datasets()
    told["perplexity"] = run("perplexity", "--model", "f32", "--sequence-length", 32, "--num-samples", 6, "--batch-size", 4)
    write_data()
    told["lora"] = training(iterations, "adapter", "--model", "f32")
    told["lora test"] = run("lora", "--test", "--model", "f32", "--data", "data", "--adapter-path", "adapter", "--test-batches", 3, "--batch-size", 2)
    told["dora"] = training(6, "dora", "--model", "f32", "--fine-tune-type", "dora", "--optimizer", "adamw", "--grad-checkpoint")
    told["full"] = training(6, "full", "--model", "f32", "--fine-tune-type", "full", "--optimizer", "sgd", "--grad-accumulation-steps", 2)
    told["chats"] = training(6, "chats_adapter", "--model", "f32", "--data", "chats", "--mask-prompt", "--optimizer", "muon")
    told["more"] = training(6, "more", "--model", "f32", "--optimizer", "adafactor", "--resume-adapter-file", "adapter/adapters.safetensors")
    told["generate adapter"] = run("generate", "--model", "f32", "--adapter-path", "adapter", "--prompt", "There was", "--ignore-chat-template", "-m", 16)
    run("fuse", "--model", "f32", "--adapter-path", "adapter", "--save-path", "fused")
    told["generate fused"] = run("generate", "--model", "fused", "--prompt", "There was", "--ignore-chat-template", "-m", 16)
    run("convert", "--model", "f32", "--mlx-path", "q8", "-q", "--q-bits", 8, "--q-group-size", 32)
    told["lora of 8 bits"] = training(6, "adapter8", "--model", "q8")
    run("fuse", "--model", "q8", "--adapter-path", "adapter8", "--save-path", "fused8")
    run("fuse", "--model", "q8", "--adapter-path", "adapter8", "--save-path", "plain8", "--dequantize")
    run("fuse", "--model", "fused", "--adapter-path", "adapter", "--save-path", "gguf", "--export-gguf", "--gguf-path", "model.gguf")
    run("convert", "--model", "q8", "--mlx-path", "back", "-d")
    told["arrays"] = {name: sorted(mx.load(f"{name}/model.safetensors")) for name in ("fused", "fused8", "plain8", "back")}
    Path(result).write_text(json.dumps(told))


if __name__ == "__main__":
    main()
