"""mlx_lm_quant.py MODEL GROUPS RESULT: mlx-lm's commands that change a model's widths, one after the other as from a shell, and evaluate, with the float32 model f32 of
the current folder and the bfloat16 one in MODEL, in groups of these sizes (32,64,128: also what takes minutes on real mlx). Writes down what each printed or how it failed. Run by test_mlx_lm_quant.py under real mlx and under
tarn.mlx."""

import contextlib
import importlib.metadata
import io
import itertools
import json
import os
import sys
import types
from pathlib import Path

import mlx.core as mx
import numpy as np
from mlx_lm import cli, convert, load

NAMES, PLACES = ("Mia", "Theo", "Hugo", "Lily", "Anna", "Finn"), ("lake", "forest", "meadow")
STORIES = [f"There was a fox named {name} who lived near the {place}. It was a kind fox." for name in NAMES for place in PLACES]


def run(*arguments):
    """What a command prints, or its refusal."""
    output, sys.argv = io.StringIO(), ["mlx_lm", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
            cli.main()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - which it is is what is told
        return f"{output.getvalue()}{type(error).__name__}: {error}"
    return output.getvalue()


def by_head(path, module):
    """A predicate of a user: the head, which is the embedding, at 6 bits, norms and one layer as they are, the rest at 4."""
    if "embed" in path:
        return {"bits": 6, "group_size": 32, "mode": "affine"}
    return "layers.1.mlp" not in path


def conversions(source, name, groups):
    """Each width and group, each mode, each recipe, each dtype."""
    told = {}
    ways = {f"{bits}-{group}": ["--q-bits", bits, "--q-group-size", group] for bits, group in itertools.product((2, 3, 4, 5, 6, 8), groups)}
    ways |= {mode: ["--q-mode", mode] for mode in ("affine", "mxfp4", "nvfp4", "mxfp8")}
    ways |= {recipe: ["--quant-predicate", recipe, "--q-group-size", 64] for recipe in ("mixed_2_6", "mixed_3_4", "mixed_3_6", "mixed_4_6")}
    ways |= {f"wrong {n}": more for n, more in enumerate((["--q-bits", 7], ["--q-group-size", 48], ["--q-mode", "nvfp4", "--quant-predicate", "mixed_2_6"], ["-d"]))}
    for way, options in ways.items():
        told[f"{name} {way}"] = run("convert", "--hf-path", source, "--mlx-path", f"{name}-{way}", "-q", *options)
    for dtype in ("float16", "bfloat16", "float32"):
        told[f"{name} {dtype}"] = run("convert", "--hf-path", source, "--mlx-path", f"{name}-{dtype}", "--dtype", dtype)
        told[f"{name} 4 {dtype}"] = run("convert", "--hf-path", source, "--mlx-path", f"{name}-4-{dtype}", "-q", "--dtype", dtype)
    for way in ("4-64", "mxfp4", "nvfp4", "mxfp8", "mixed_3_6"):
        told[f"{name} back {way}"] = run("convert", "--hf-path", f"{name}-{way}", "--mlx-path", f"{name}-back-{way}", "-d")
    told[f"{name} again"] = run("convert", "--hf-path", source, "--mlx-path", f"{name}-4-64")
    with contextlib.redirect_stdout(io.StringIO()):
        convert(source, f"{name}-by-head", quantize=True, q_bits=4, q_group_size=64, quant_predicate=by_head)
    return told


def lend_texts():
    """What these commands take from the network: a calibration text in the home folder, and a package of data sets."""
    home = Path("home").absolute()
    (home / ".cache" / "mlx-lm").mkdir(parents=True)
    (home / ".cache" / "mlx-lm" / "calibration_v5.txt").write_text(" ".join(STORIES * 4))
    os.environ["HOME"] = str(home)
    module = types.ModuleType("datasets")
    module.load_dataset = lambda path, *rest, split=None, **more: [{"text": text} for text in STORIES]
    sys.modules["datasets"] = module


def learned():
    told = {}
    told["gptq"] = run("gptq", "--model", "f32", "--mlx-path", "gptq", "--bits", 4, "--sequence-length", 32)
    told["gptq 2"] = run("gptq", "--model", "f32", "--mlx-path", "gptq2", "--bits", 2, "--group-size", 32, "--fallback-bits", 8, "--num-samples", 4, "--sequence-length", 32)
    told["awq"] = run("awq", "--model", "f32", "--mlx-path", "awq", "--num-samples", 4, "--sequence-length", 32, "--n-grid", 3)
    told["dynamic"] = run("dynamic_quant", "--model", "f32", "--mlx-path", "dynamic", "--report-ppl", "--target-bpw", 5.2, "--low-group-size", 32, "--grad-checkpoint")
    told["dynamic again"] = run("dynamic_quant", "--model", "f32", "--mlx-path", "dynamic2", "--sensitivities", "f32_sensitivities.json", "--high-bits", 8)
    more = ["--num-samples", 8, "--max-seq-length", 24, "--batch-size", 2, "--data-path", "stories"]
    told["dwq"] = run("dwq", "--model", "f32", "--mlx-path", "dwq", "--learning-rate", 1e-4, "--bits", 3, *more)
    told["dwq targets"] = run("dwq", "--model", "f32", "--target-dir", "targets", "--targets-only", *more)
    told["dwq of targets"] = run("dwq", "--model", "f32", "--quantized-model", "f32-4-64", "--target-dir", "targets", "--mlx-path", "dwq4", "--grad-checkpoint", *more)
    return told


def lend_harness():
    """evaluate stands on a package whose tasks come from the network: two tasks of our own, and what of it evaluate names."""
    names = ("lm_eval", "lm_eval.api", "lm_eval.api.model", "lm_eval.api.registry")
    sys.modules |= {name: types.ModuleType(name) for name in names}
    sys.modules["lm_eval.api.model"].LM = object
    sys.modules["lm_eval.api.registry"].register_model = lambda name: lambda made: made
    version = importlib.metadata.version
    importlib.metadata.version = lambda name: "0" if name == "lm_eval" else version(name)

    def asked(*arguments):
        return types.SimpleNamespace(args=arguments)

    def simple_evaluate(model, tasks, limit=None, **options):
        pairs = [("Once upon a", " time"), ("Once upon a", " fox"), ("The fox", " said hello to the"), ("", "A little fox")][:limit]
        found = {
            "pairs": model.loglikelihood([asked(*pair) for pair in pairs]), "rolling": model.loglikelihood_rolling([asked(text) for text in STORIES[:3]]),
            "texts": model.generate_until([asked(text, {"until": ["."], "max_gen_toks": 12}) for text in ("Once upon a time", "The fox")]),
        }  # fmt: skip
        return {"results": {task: json.loads(json.dumps(found[task], default=float)) for task in tasks}}

    sys.modules["lm_eval"].simple_evaluate = simple_evaluate


def main():
    source, groups, result = sys.argv[1], [int(size) for size in sys.argv[2].split(",")], sys.argv[3]
    told = conversions(source, "bf16", groups)
    if len(groups) > 1:
        told |= conversions("f32", "f32", groups)
        lend_texts()
        told |= learned()
    lend_harness()
    told["evaluate"] = run("evaluate", "--model", "f32", "--tasks", "pairs", "rolling", "texts", "--output-dir", "evaluated", "--batch-size", 2)
    told["evaluate chat"] = run("evaluate", "--model", "f32", "--tasks", "pairs", "texts", "--limit", 2, "--no-apply-chat-template", "--temp", 0.7, "--top-k", 5, "--max-tokens", 6)
    for name in ("manage", "upload", "evaluate", "server", "dwq", "nothing"):
        told[f"{name} --help"] = run(name, "--help")
    told["manage"] = run("manage", "--scan")
    tokens = mx.array(np.random.default_rng(0).integers(6, 500, (1, 24)))
    learned_models = [name for name in LEARNED if Path(name).exists()]
    told["loads"] = {name: load(name)[0](tokens).astype(mx.float32).abs().mean().item() for name in learned_models}
    Path(result).write_text(json.dumps(told))


LEARNED = ["gptq", "gptq2", "awq", "dynamic", "dynamic2", "dwq", "dwq4"]

if __name__ == "__main__":
    main()
