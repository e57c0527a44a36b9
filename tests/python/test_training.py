"""tarn.training, and the examples that use it: what they reach, and that an interrupted run ends with the same bits."""

import importlib
import json
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

mx = pytest.importorskip("tarn.core", reason="the Python package is not built")

from tarn import nn, optimizers, training, utils  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "python"
BUILD = Path(os.environ.get("TARN_BUILD_DIR", ROOT / "build"))
trains_for_long = pytest.mark.skipif(
    bool(os.environ.get("TARN_SANITIZED")), reason="minutes under sanitizers, of steps that others take too"
)
SEEDS = range(int(os.environ.get("TARN_SEEDS", 1)))  # three in the long mode


@pytest.fixture(autouse=True)
def _find_examples(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))


def run(name, **options):
    return importlib.import_module(name).run(show=False, **options)


@pytest.mark.parametrize("seed", SEEDS)
def test_linear_regression(seed):
    found = run("linear_regression", seed=seed)
    assert found["error"] < 0.02 and 0.005 < found["loss"] < 0.02


@pytest.mark.parametrize("seed", SEEDS)
def test_classifier(seed):
    found = run("classifier", seed=seed)
    assert found["perceptron"] >= 0.95 and found["logistic regression"] < 0.85


@trains_for_long
@pytest.mark.parametrize("seed", SEEDS)
def test_digits(seed):
    found = run("digits", seed=seed, steps=200)
    assert found["convolutional"] >= 0.97 and found["perceptron"] < 0.93


@trains_for_long
@pytest.mark.parametrize("seed", SEEDS)
def test_characters(seed):
    found = run("characters", seed=seed)
    assert found["transformer"] < found["trigrams"] - 0.3


@trains_for_long
@pytest.mark.parametrize("seed", SEEDS)
def test_vae(seed):
    """Nearer to what the pictures hold than to what dots by themselves give, and samples are like known pictures."""
    found = run("vae", seed=seed)
    assert found["least bound"] < found["bound"] < 0.2 * found["independent dots"]
    assert found["likeness"] > 0.88


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.py")))
def test_examples_are_short_and_say_what_they_do(name):
    lines = (EXAMPLES / f"{name}.py").read_text().split("\n")
    assert len(lines) < 150 and max(map(len, lines)) <= 120
    assert importlib.import_module(name).__doc__


def bits(model):
    return {path: bytes(memoryview(value)) for path, value in utils.tree_flatten(model.parameters())}


class Interrupted(Exception):
    pass


SHORT = [("linear_regression", 80), ("classifier", 60), ("digits", 12), ("characters", 24), ("vae", 40)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name, steps", SHORT)
def test_an_interrupted_run_ends_with_the_same_bits(tmp_path, monkeypatch, name, steps, seed):
    """Interrupted at a random step, and begun again from the checkpoint before it."""
    whole = bits(run(name, seed=seed, steps=steps, every=5)["model"])
    stop = random.Random(f"{name} {seed}" if len(SEEDS) == 1 else None).randrange(5, steps)
    plain = training.Trainer.step

    def step(self, *batch):
        if self.done == stop:
            raise Interrupted
        return plain(self, *batch)

    file = tmp_path / "run.safetensors"
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(training.Trainer, "step", step)
        run(name, seed=seed, steps=steps, every=5, checkpoint=str(file))
    assert bits(run(name, seed=seed, steps=steps, every=5, checkpoint=str(file))["model"]) == whole, stop


def c_example(name, seed, checkpoint):
    program = BUILD / "examples" / f"example_{name}"
    if not program.exists():
        pytest.skip("the examples are not built")
    return subprocess.Popen([program, str(seed), checkpoint], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def told(process):
    text, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    return text.splitlines()[-1]


C_EXAMPLES = {
    "linear_regression": "near enough",
    "classifier": r"right: .*, 9[5-9]\.\d|100\.0 % of others",
    "digits": r"plain: (\d|[0-8]\d|9[0-2])\.\d %",
    "characters": "better by more than 0.3",
}


def checkpoints(path):
    """The files of one run; without those that a killed writer leaves."""
    return [file for file in path.parent.iterdir() if file.stem == path.name and "partial" not in file.suffix]


def step_of(checkpoint):
    return int(mx.load(str(checkpoint), format="safetensors", return_metadata=True)[1]["step"])


def kill_after_checkpoint(process, path, seconds):
    """So many seconds after the first one is there, at most."""
    while not checkpoints(path) and process.poll() is None:
        time.sleep(0.001)
    time.sleep(random.uniform(0, seconds))
    process.kill()
    process.communicate()


@trains_for_long
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", C_EXAMPLES)
def test_a_killed_c_example_goes_on_to_the_same_bits(tmp_path, name, seed):
    """Killed at some moment, maybe while it writes, and begun again: the files at the end have the same bytes."""
    start = time.perf_counter()
    assert re.search(C_EXAMPLES[name], told(c_example(name, seed, tmp_path / "whole")))
    seconds = time.perf_counter() - start
    last = {kept.suffix: step_of(kept) for kept in checkpoints(tmp_path / "whole")}
    for share in (0.6, 0.5, 0.4, 0.3, 0.2, 0.1, *[0] * 20):  # sooner, if it had ended
        kill_after_checkpoint(c_example(name, seed, tmp_path / "cut"), tmp_path / "cut", share * seconds)
        if any(step_of(kept) < last[kept.suffix] for kept in checkpoints(tmp_path / "cut")):
            break
        for kept in checkpoints(tmp_path / "cut"):
            kept.unlink()
    assert checkpoints(tmp_path / "cut"), "it was never in the middle of a run"
    told(c_example(name, seed, tmp_path / "cut"))
    ends = lambda name: {kept.suffix: kept.read_bytes() for kept in checkpoints(tmp_path / name)}
    assert ends("whole") and ends("cut") == ends("whole")


def refusal(process):
    _, text = process.communicate(timeout=600)
    assert process.returncode == 1
    return text


def test_a_c_example_takes_no_checkpoint_of_another_run(tmp_path):
    """Nor one that does not say of which, nor a new one in the place of what cannot be read. Each stays as it is."""
    file, other = tmp_path / "run", "no checkpoint of a run of 300 steps with the seed"
    told(c_example("linear_regression", 1, file))
    arrays, notes = mx.load(str(file), format="safetensors", return_metadata=True)
    assert notes == {"seed": "1", "step": "300"}
    before = file.read_bytes()
    assert f"{other} 2\n" in refusal(c_example("linear_regression", 2, file)) and file.read_bytes() == before
    for wrong in ({"step": "10"}, {"seed": "1"}, {"seed": "1", "step": "ten"}, {"seed": "1", "step": "301"}):
        mx.save_safetensors(str(tmp_path / "other.safetensors"), arrays, wrong)
        assert f"{other} 1\n" in refusal(c_example("linear_regression", 1, tmp_path / "other.safetensors")), wrong
    (tmp_path / "text").write_text("notes of mine")
    assert "text" in refusal(c_example("linear_regression", 1, tmp_path / "text"))
    assert (tmp_path / "text").read_text() == "notes of mine"
    (tmp_path / "endless").symlink_to(tmp_path / "endless")  # cannot be opened, by root neither
    assert "endless" in refusal(c_example("linear_regression", 1, tmp_path / "endless"))
    assert (tmp_path / "endless").is_symlink()


def test_a_c_example_takes_no_word_for_a_seed(tmp_path):
    for word in ("fox", "7 foxes", "-1", ""):
        assert f"{word}: not a seed" in refusal(c_example("linear_regression", word, tmp_path / "run")), word
    assert not list(tmp_path.iterdir())


# ---- the parts


def test_batches_are_drawn_by_seed_and_step():
    x = mx.arange(10)
    batches = training.Batches(x, x * 2, size=3, seed=4)
    first = [next(it) for it in [batches.after(0)] for _ in range(7)]
    for a, b in first:
        assert (b == 2 * a).all().item() and len(a) == 3
    one_pass = sum((a.tolist() for a, _ in first[:3]), [])
    assert len(set(one_pass)) == 9 and one_pass != sorted(one_pass)
    assert sum((a.tolist() for a, _ in first[3:6]), []) != one_pass
    for step in range(7):
        assert next(batches.after(step))[0].tolist() == first[step][0].tolist()
    assert next(training.Batches(x, size=3, seed=5).after(0))[0].tolist() != first[0][0].tolist()


def test_batches_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match=r"\[2, 3\]"):
        training.Batches(mx.zeros(2), mx.zeros(3), size=1)
    with pytest.raises(ValueError, match="a batch of 5 of 3 rows"):
        training.Batches(mx.zeros(3), size=5)


def test_batches_made_ahead_are_the_same():
    batches = training.Batches(mx.arange(20), size=3)
    plain, early = batches.after(2), training.ahead(batches.after(2))
    for _ in range(15):
        assert next(plain)[0].tolist() == next(early)[0].tolist()
    early.close()
    assert list(training.ahead(iter([[mx.array(1)]])))[0][0].item() == 1


def test_an_error_of_the_thread_reaches_the_run():
    def broken():
        yield [mx.array(1)]
        raise RuntimeError("no more rows")

    with pytest.raises(RuntimeError, match="no more rows"):
        list(training.ahead(broken()))


def small():
    mx.random.seed(1)
    model = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.Linear(4, 1))
    return model, optimizers.AdamW(1e-2), lambda x, y: nn.losses.mse_loss(model(x), y)


def test_a_loss_that_is_no_number_keeps_model_and_checkpoint(tmp_path):
    model, optimizer, loss = small()
    file = tmp_path / "run.safetensors"
    trainer = training.Trainer(model, optimizer, loss, checkpoint=str(file), every=1, show=False)
    x, y = mx.ones((4, 2)), mx.ones((4, 1))
    trainer.run(training.Batches(x, y, size=2), 3)
    before, kept = bits(model), file.read_bytes()
    with pytest.raises(FloatingPointError, match="the loss of step 4 is nan"):
        trainer.run(training.Batches(x * float("nan"), y, size=2), 5)
    assert bits(model) == before and file.read_bytes() == kept and trainer.done == 3


def test_a_checkpoint_that_is_none_is_named(tmp_path):
    model, optimizer, _ = small()
    mx.save_safetensors(str(tmp_path / "weights.safetensors"), {"weight": mx.ones(2)})
    with pytest.raises(ValueError, match="no checkpoint: it holds an array named weight"):
        training.load_checkpoint(tmp_path / "weights.safetensors", model, optimizer)
    training.save_checkpoint(tmp_path / "other.safetensors", 3, nn.Linear(1, 1), optimizer)
    with pytest.raises(ValueError, match="parameters not in model"):
        training.load_checkpoint(tmp_path / "other.safetensors", model, optimizer)


def test_a_checkpoint_of_another_seed_is_refused(tmp_path):
    file = tmp_path / "run.safetensors"
    run("linear_regression", seed=1, steps=20, every=5, checkpoint=str(file))
    before = file.read_bytes()
    with pytest.raises(ValueError, match="with the seed 1, not 2"):
        run("linear_regression", seed=2, steps=20, every=5, checkpoint=str(file))
    model, optimizer, _ = small()
    training.save_checkpoint(tmp_path / "none.safetensors", 3, model, optimizer)
    with pytest.raises(ValueError, match="with the seed None, not 1"):
        training.load_checkpoint(tmp_path / "none.safetensors", model, optimizer, seed=1)
    assert file.read_bytes() == before


def test_a_checkpoint_that_cannot_be_reached_is_not_replaced(tmp_path):
    (tmp_path / "run.safetensors").symlink_to(tmp_path / "run.safetensors")
    with pytest.raises(OSError):
        run("linear_regression", steps=5, every=5, checkpoint=str(tmp_path / "run.safetensors"))
    assert (tmp_path / "run.safetensors").is_symlink()


def test_a_checkpoint_holds_all(tmp_path):
    model, optimizer, loss = small()
    trainer = training.Trainer(model, optimizer, loss, show=False)
    for _ in range(3):
        trainer.step(mx.ones((4, 2)), mx.ones((4, 1)))
    training.save_checkpoint(tmp_path / "c.safetensors", 3, model, optimizer)
    expected = mx.random.uniform().item()
    other, second, _ = small()
    assert training.load_checkpoint(tmp_path / "c.safetensors", other, second) == 3
    assert mx.random.uniform().item() == expected and bits(other) == bits(model)
    assert second.step.item() == 3 and second.state.keys() == optimizer.state.keys()


def test_measurements_and_progress(tmp_path, capsys):
    model, optimizer, loss = small()
    trainer = training.Trainer(model, optimizer, loss, every=2, metrics=str(tmp_path / "m.jsonl"))
    last = trainer.run(training.Batches(mx.ones((4, 2)), mx.ones((4, 1)), size=2), 5)
    lines = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 5] and lines[-1]["loss"] == last
    assert "step 5/5  loss " in capsys.readouterr().err
    assert trainer.run(training.Batches(mx.ones((4, 2)), mx.ones((4, 1)), size=2), 5) is None




@pytest.mark.parametrize("seed", [5, 2**31, 2**63 + 3, 2**64 - 1])
def test_random_state_of_a_checkpoint(seed, tmp_path):
    """Whatever the key is, the numbers go on as they would have."""
    model = nn.Linear(2, 1)
    optimizer = optimizers.SGD(0.1)
    optimizer.init(model.trainable_parameters())
    mx.random.seed(seed)
    training.save_checkpoint(tmp_path / "c.safetensors", 1, model, optimizer)
    expected = mx.random.normal((4,)).tolist()
    mx.random.seed(0)
    training.load_checkpoint(tmp_path / "c.safetensors", model, optimizer)
    assert mx.random.normal((4,)).tolist() == expected


def test_curves(tmp_path):
    file = tmp_path / "loss.png"
    training.save_curves(file, [3.0, 2.0, float("nan"), 1.0], ([0, 4], mx.array([2.0, 0.5])), width=320, height=200, logarithmic=True)
    image = pytest.importorskip("PIL.Image")
    pixels = mx.array(np.array(image.open(file).convert("RGB")))
    assert pixels.shape == (200, 320, 3)
    for colour in ([31, 119, 180], [255, 127, 14]):  # blue, orange
        assert mx.all(mx.abs(pixels.astype(mx.int32) - mx.array(colour)) < 40, axis=-1).sum().item() > 20
    for curves, error, named in [
        ([([1, 2], [1.0])], ValueError, "as many x as y"),
        ([["a"]], TypeError, "number"),
    ]:
        with pytest.raises(error, match=named):
            training.save_curves(tmp_path / "no.png", *curves)
    with pytest.raises(OSError, match="nowhere"):
        training.save_curves("/nowhere/a.png", [1.0, 2.0])
    assert not (tmp_path / "no.png").exists()


SAVES = """
import sys
from tarn import core as mx, nn, optimizers, training
model, optimizer = nn.Linear(700, 700), optimizers.Adam(1e-3)
optimizer.init(model.trainable_parameters())
for step in range(1, 100000):
    model.update({"weight": mx.full((700, 700), step), "bias": mx.full((700,), step)})
    training.save_checkpoint(sys.argv[1], step, model, optimizer)
    print(step, flush=True)
"""


def test_a_killed_run_leaves_a_whole_checkpoint(tmp_path):
    file, draw = tmp_path / "c.safetensors", random.Random(0)
    for steps in range(1, 9):
        saving = subprocess.Popen([sys.executable, "-c", SAVES, str(file)], stdout=subprocess.PIPE, text=True)
        said = [int(saving.stdout.readline()) for _ in range(steps)][-1]
        time.sleep(draw.uniform(0, 0.05))
        saving.kill()
        said = max([said, *map(int, saving.communicate()[0].split())])
        model, optimizer = nn.Linear(700, 700), optimizers.Adam(1e-3)
        step = training.load_checkpoint(file, model, optimizer)
        assert step in (said, said + 1)
        assert mx.all(model.weight == step).item() and mx.all(model.bias == step).item()
